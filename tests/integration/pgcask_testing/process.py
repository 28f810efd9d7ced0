"""Run a command and measure it: exit status, output, peak memory, CPU time."""

import contextlib
import dataclasses
import os
import pathlib
import pwd
import select
import signal
import subprocess
import threading

from . import temp

SERVER_USER = "postgres"


@dataclasses.dataclass
class Result:
    """How a command ended. rc is negative for a signal, as in subprocess."""

    args: list
    rc: int
    stdout_bytes: bytes
    stderr_bytes: bytes
    peak_rss: int  # bytes; 0 where a sanitizer's own memory would count (scripts/sanitize)
    user_time: float  # seconds
    system_time: float
    wall_time: float
    pipes_left_open: bool  # some process still held stdout or stderr after the command's end

    @property
    def ok(self):
        return self.rc == 0

    @property
    def stdout(self):
        return self.stdout_bytes.decode("utf-8", "replace")

    @property
    def stderr(self):
        return self.stderr_bytes.decode("utf-8", "replace")

    @property
    def cpu_time(self):
        return self.user_time + self.system_time

    def check(self):
        """Returns itself, or raises with what the command said."""
        if self.rc != 0:
            raise CommandFailed(self)
        return self

    def __str__(self):
        return (
            f"{' '.join(map(str, self.args))}: exit status {self.rc}\n"
            f"stdout: {self.stdout[-4000:]}\nstderr: {self.stderr[-4000:]}"
        )


class CommandFailed(AssertionError):
    def __init__(self, result):
        super().__init__(str(result))
        self.result = result


class Process:
    """A running, measured command. `pid` is the command's own."""

    def __init__(self, args, env=None, input=None, cwd=None, user=None, stdin=None, stdout=None):
        """input: bytes or str for its standard input, which is empty otherwise.
        stdin, stdout: an open file to use instead of the pipe; stdout_bytes is then empty.
        user: run as this user (only root can).
        """
        self.args = [str(a) for a in args]
        if isinstance(input, str):
            input = input.encode()
        if stdin is None:
            stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        report, report_write = os.pipe()
        try:
            self._popen = subprocess.Popen(
                [_measure_program(), str(report_write), *as_user(user), *self.args],
                stdin=stdin,
                stdout=subprocess.PIPE if stdout is None else stdout,
                stderr=subprocess.PIPE,
                env=clean_env(env),
                cwd=cwd,
                pass_fds=[report_write],
                start_new_session=True,
            )
        finally:
            os.close(report_write)
        self._report = os.fdopen(report, "r")
        self.pid = int(self._report.readline())
        self.result = None
        self._stdout, self._stderr = bytearray(), bytearray()
        self._threads = [_reader(self._popen.stderr, self._stderr)]
        if stdout is None:
            self._threads.append(_reader(self._popen.stdout, self._stdout))
        if input is not None:
            threading.Thread(target=_feed, args=(self._popen.stdin, input), daemon=True).start()

    @property
    def stderr_so_far(self):
        return bytes(self._stderr).decode("utf-8", "replace")

    @property
    def stdout_so_far(self):
        return bytes(self._stdout)

    def running(self):
        return self.result is None and not _readable(self._report, 0)

    def send_signal(self, number):
        if self.running():
            # Its end is reported a moment after it.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout=120):
        """Waits for the end and returns the Result. Past the timeout: kills it and raises."""
        if self.result is not None:
            return self.result
        if not _readable(self._report, timeout):
            self.kill()
            result = self._finish()
            raise TimeoutError(f"still running after {timeout} s: {result}")
        return self._finish()

    def _finish(self):
        status, maxrss, user, system, wall = map(int, self._report.readline().split())
        self._report.close()
        self._popen.wait()
        for thread in self._threads:
            thread.join(5)
        self.result = Result(
            args=self.args,
            rc=os.waitstatus_to_exitcode(status),
            stdout_bytes=bytes(self._stdout),
            stderr_bytes=bytes(self._stderr),
            peak_rss=0 if "PGCASK_TEST_SANITIZED" in os.environ else maxrss * 1024,
            user_time=user / 1e6,
            system_time=system / 1e6,
            wall_time=wall / 1e6,
            pipes_left_open=any(t.is_alive() for t in self._threads),
        )
        return self.result

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.result is None:
            self.kill()
            self._finish()


def end_by_input(running, timeout=30):
    """Closes the standard input of a subprocess.Popen, which ends upon that; if not, kills it."""
    running.stdin.close()
    try:
        running.wait(timeout)
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def run(args, timeout=120, **options):
    """Runs a command to its end and returns its Result; the options are those of Process."""
    with Process(args, **options) as process:
        return process.wait(timeout)


def clean_env(extra=None):
    """An environment without HOME and PG* variables; `extra` is added (None removes a name)."""
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
                 "LLVM_PROFILE_FILE"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update({k: str(v) for k, v in (extra or {}).items() if v is not None})
    return env


def server_user():
    """Who servers run as: PostgreSQL refuses root. None means ourselves."""
    return SERVER_USER if os.geteuid() == 0 else None


def as_user(user):
    """Command words that run what follows as that user, in the same process."""
    if user is None:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]


def give_to_server(*paths, recursive=False):
    """Makes the files belong to the user that servers run as."""
    if server_user() is None:
        return
    entry = pwd.getpwnam(SERVER_USER)
    for path in paths:
        os.lchown(path, entry.pw_uid, entry.pw_gid)
        if not recursive:
            continue
        for folder, folders, files in os.walk(path):
            for name in folders + files:
                os.lchown(os.path.join(folder, name), entry.pw_uid, entry.pw_gid)


def _measure_program():
    program = temp.root() / "measure"
    if not program.exists():
        source = pathlib.Path(__file__).with_name("measure.c")
        subprocess.run(["cc", "-O1", "-o", f"{program}.new", str(source)], check=True)
        os.rename(f"{program}.new", program)
    return str(program)


def _readable(file, timeout):
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(timeout * 1000))


def _reader(pipe, into):
    def read():
        with pipe:
            while chunk := os.read(pipe.fileno(), 1 << 20):
                into.extend(chunk)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _feed(pipe, data):
    try:
        with pipe:
            pipe.write(data)
    except BrokenPipeError:
        pass
