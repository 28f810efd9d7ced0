"""Runs a command under runner.c, which sees its end and that of all it left behind."""

import contextlib
import dataclasses
import os
import pathlib
import resource
import signal
import struct
import subprocess
import threading

from pgcask_testing import process, temp

HERE = pathlib.Path(__file__).resolve().parents[1]
KINDS = ("memory", "read", "write", "sync", "files", "meta", "close", "net", "process", "random",
         "any")
REPORT = struct.Struct("<11QQ24Q256s24Q256s")  # struct report of shim.c
TIMEOUT = 20  # seconds; what takes longer hangs
RLIMIT_AS = resource.RLIMIT_AS
_lock = threading.Lock()


@dataclasses.dataclass
class Run:
    """A command and the circumstances that a fault may change before it is started."""

    args: list
    env: dict = dataclasses.field(default_factory=dict)
    stdin: pathlib.Path = None
    stdout: pathlib.Path = None  # its output goes through a pipe into that file
    stdout_file: str = None  # instead: opened for it, as the shell's > does
    shim: str = ""  # PGCASK_FAULT of shim.c
    signal: int = 0  # sent to it …
    signal_after: float = 0  # … so many seconds after its start
    limit: tuple = (-1, 0)  # (resource.RLIMIT_…, value)
    timeout: float = TIMEOUT


@dataclasses.dataclass
class Outcome:
    run: Run
    rc: int  # negative for a signal
    wall: float
    timed_out: bool
    left: int  # processes of it that were still there 2.5 s after its end
    settled: float  # seconds from its end to that of the last process of it
    stdout: str
    stderr: str
    counts: dict  # of calls, by kind
    hits: int  # how often shim.c struck
    hit: str  # what it struck first: "fsync /path"
    frames: list  # the way there: (in the program itself, offset)
    module: str  # what called the function: the program's name, or that of a library

    @property
    def hit_path(self):
        return self.hit.partition(" ")[2]


def tool(name, *flags):
    """Compiles NAME.c of this folder once in a session; returns the path of what came out."""
    path = temp.root() / name.replace(".c", "")
    with _lock:
        if not path.exists():
            subprocess.run(["cc", "-std=c11", "-O1", "-g", *flags, "-o", f"{path}.new",
                            str(HERE / name)], check=True)
            os.rename(f"{path}.new", path)
    return str(path)


def shim_library():
    return tool("shim.c", "-shared", "-fPIC", "-w")


def execute(run):
    """Runs it to its end; returns the Outcome."""
    scratch = _scratch()
    report, out, err = scratch / "report", scratch / "out", scratch / "err"
    env = process.clean_env(run.env)
    if run.shim:
        report.write_bytes(bytes(REPORT.size))
        env.update(PGCASK_FAULT=run.shim, PGCASK_FAULT_REPORT=str(report))
    env["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + env.get("ASAN_OPTIONS", "")
    env["LSAN_OPTIONS"] = f"suppressions={HERE / 'leaks.txt'}:print_suppressions=0"
    with open(err, "wb") as errors, open(run.stdout_file or out, "wb") as output, \
            open(run.stdin or os.devnull, "rb") as stdin:
        status = _run(run, env, stdin, output, errors)
    rc, wall, timed_out, left, settled = map(int, status.split())
    facts = REPORT.unpack(report.read_bytes()) if run.shim else REPORT.unpack(bytes(REPORT.size))
    return Outcome(
        run, os.waitstatus_to_exitcode(rc), wall / 1e6, bool(timed_out), left, settled / 1e6,
        "" if run.stdout or run.stdout_file else out.read_text(errors="replace"),
        err.read_text(errors="replace"),
        dict(zip(KINDS, facts)), facts[11], facts[36].split(b"\0")[0].decode("utf-8", "replace"),
        [(facts[37 + i], facts[12 + i]) for i in range(24) if facts[12 + i]],
        os.path.basename(facts[61].split(b"\0")[0].decode()))


def new_dir(name):
    """temp.new_dir for several threads."""
    with _lock:
        return temp.new_dir(name)


_free = []


@contextlib.contextmanager
def folder():
    """An empty folder, to be left empty."""
    with _lock:
        path = _free.pop() if _free else temp.new_dir("case")
    path.chmod(0o755)
    yield path
    with _lock:
        _free.append(path)


_own = threading.local()


def _scratch():
    """A folder of this thread's for what it needs only as long as a command runs."""
    if not hasattr(_own, "scratch"):
        _own.scratch = new_dir("run")
    return _own.scratch


def _run(run, env, stdin, output, errors):
    words = [tool("runner.c"), None, str(int(run.timeout * 1000)), str(int(run.signal)),
             str(int(run.signal_after * 1e6)), *map(str, run.limit),
             shim_library() if run.shim else "", *map(str, run.args)]
    ends = os.pipe()
    words[1] = str(ends[1])
    try:
        child = subprocess.Popen(
            words, env=env, stdin=stdin, stderr=errors, pass_fds=[ends[1]],
            stdout=subprocess.PIPE if run.stdout else output)
    except BaseException:
        os.close(ends[0])
        raise
    finally:
        os.close(ends[1])
    with os.fdopen(ends[0]) as report:
        if run.stdout:
            with open(run.stdout, "wb") as into:
                while chunk := child.stdout.read(1 << 20):
                    into.write(chunk)
            child.stdout.close()
        status = report.read()
    child.wait()
    assert status, f"the runner ended with {child.returncode}: {words}"
    return status


def where(program, outcome):
    """The way to the first hit, for a message: functions of the program, innermost first."""
    inner = [hex(offset - 1) for own, offset in outcome.frames if own]
    if not inner:
        return ""
    done = subprocess.run(["addr2line", "-fisC", "-e", program, *inner], capture_output=True,
                          text=True)
    names = done.stdout.split("\n")
    return " < ".join([f"{name} ({place})" for name, place in zip(names[::2], names[1::2])
                       if name != "??"][:10])


def signal_name(number):
    return signal.Signals(number).name
