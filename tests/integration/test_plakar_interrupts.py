"""SIGINT at any moment of a backup: the package's processes end, soon, and nothing is left.

A few rounds by default. PGCASK_INTERRUPT_MINUTES=15 goes on for so long, with processes beside it that
keep every core busy. Where plakar has not ended after a while, what it and the package's processes
are doing is written to build/plakar-hangs: the stacks of their threads, and plakar's goroutines, which
it prints at SIGQUIT. PGCASK_INTERRUPT_SEED repeats the moments of an earlier run.

Plakar 1.1.4 waits for itself for ever where the signal comes between the package's answer to Init and
the opening of Import: its gRPC importer's Import returns at once then, without closing the channel of
records, which importSource goes on emptying. The package's processes are gone by then. Such an end is
counted and is no failure of this test; any other is.
"""

import collections
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from pgcask_testing import builders, oracles, paths, process
from pgcask_testing.plakar import plakar, plakar_package, program  # noqa: F401

ROUNDS = 4
LIMIT = 20  # seconds after the signal
HANGS = paths.REPO / "build/plakar-hangs"


def describe_threads(pid):
    """What /proc and, where there is one, a debugger say of a process."""
    text = [f"==== {pid}: {pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()!r}"]
    for fd in sorted(pathlib.Path(f"/proc/{pid}/fd").iterdir(), key=lambda path: int(path.name)):
        text.append(f"fd {fd.name} -> {os.readlink(fd)}")
    for task in sorted(pathlib.Path(f"/proc/{pid}/task").iterdir()):
        text.append(f"-- thread {task.name}")
        for name in ("comm", "wchan", "syscall", "stack"):
            try:
                text.append(f"{name}: {(task / name).read_text().strip()}")
            except OSError as error:
                text.append(f"{name}: {error}")
    if shutil.which("gdb"):
        done = subprocess.run(["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt"],
                              capture_output=True, text=True, timeout=60)
        text.append(done.stdout)
    return "\n".join(text)


def keep_evidence(running, plakar, what):
    """Everything that tells whose hang it is; ends plakar. The folder it is in."""
    folder = HANGS / time.strftime("%Y%m%dT%H%M%S")
    folder.mkdir(parents=True)
    (folder / "what").write_text(what + "\n")
    pids = plakar.plugin_pids()
    for pid in [*pids, running.pid]:
        try:
            (folder / f"threads-{pid}").write_text(describe_threads(pid))
        except (OSError, subprocess.TimeoutExpired) as error:
            (folder / f"threads-{pid}").write_text(str(error))
    listed = subprocess.run(["ps", "-eo", "pid,ppid,stat,wchan:32,args"], capture_output=True)
    (folder / "processes").write_bytes(listed.stdout)
    running.send_signal(signal.SIGQUIT)
    try:
        result = running.wait(20)
    except TimeoutError:
        result = running.result
    (folder / "goroutines").write_text(result.stderr)
    (folder / "output").write_text(result.stdout)
    return folder, pids, result


def waits_for_itself(goroutines):
    """Whether it is the one known way: Import is over, and importSource waits for its records."""
    return ("(*Builder).importSource.func2" in goroutines
            and "(*Builder).importSource(" in goroutines
            and "(*Importer)." not in goroutines and "StdioConn" not in goroutines)


class Interruptions:
    def __init__(self, plakar, server, seed):
        self.plakar, self.server, self.random = plakar, server, random.Random(seed)
        self.outcomes = collections.Counter()
        self.longest = 0.0
        self.sources = [
            ("physical", [server.binary_uri()]),
            ("physical, slow", ["-o", "max_rate=20M", server.binary_uri()]),
            ("logical", [server.uri("postgres")]),
        ]
        self.durations = {name: self.duration(source) for name, source in self.sources}

    def duration(self, source):
        start = time.monotonic()
        self.plakar.backup(*source).check()
        return time.monotonic() - start

    def start(self, workers, source):
        return process.Process(
            [program(), "-concurrency", workers, "at", self.plakar.store, "backup", *source],
            env=self.plakar.env({"GOTRACEBACK": "all"}), cwd=self.plakar.home)

    def one(self):
        name, source = self.random.choice(self.sources)
        workers = self.random.choice([1, 2, 8])
        moment = self.random.uniform(0, 1.1 * self.durations[name])
        whom = self.random.choice(["plakar", "the whole group"])  # a program's signal, or Ctrl-C
        what = f"{name}, {workers} workers, SIGINT to {whom} after {moment:.3f} s"
        before = self.plakar.snapshots()
        with self.start(workers, source) as running:
            end = time.monotonic() + moment
            while running.running() and time.monotonic() < end:
                time.sleep(0.001)
            if whom == "plakar":
                running.send_signal(signal.SIGINT)
            else:
                self.interrupt_group(running)
            signalled = time.monotonic()
            while running.running() and time.monotonic() < signalled + LIMIT:
                time.sleep(0.005)
            self.longest = max(self.longest, time.monotonic() - signalled)
            hangs = running.running()
            if hangs:
                folder, left, result = keep_evidence(running, self.plakar, what)
                if left or not waits_for_itself(result.stderr):
                    pytest.fail(f"{what}: not ended {LIMIT} s later, {left} left; see {folder}")
            else:
                result = running.wait()
        self.judge(what, result, before, hangs)

    def interrupt_group(self, running):
        """As a terminal does it; the package's guardian is in a session of its own."""
        group = os.getpgid(running.pid) if running.running() else None
        for pid in [running.pid, *self.plakar.plugin_pids()]:
            try:
                if group is not None and os.getpgid(pid) == group:
                    os.kill(pid, signal.SIGINT)
            except ProcessLookupError:
                pass

    def judge(self, what, result, before, hangs):
        new = [each for each in self.plakar.snapshots() if each not in before]
        # A signal that comes when all is committed changes nothing any more.
        assert len(new) <= 1 and (result.rc != 0 or new), (what, result)
        oracles.wait_for_nothing_left(self.server, timeout=10)
        end = time.monotonic() + 10
        while left := self.plakar.plugin_pids():
            assert time.monotonic() < end, (what, left)
            time.sleep(0.02)
        self.outcomes[("plakar waited for itself" if hangs else f"status {result.rc}")
                      + (", a snapshot" if new else "")] += 1


@pytest.mark.majors(18)
def test_plakar_ends_whenever_it_is_interrupted(plakar, servers, major):
    minutes = float(os.environ.get("PGCASK_INTERRUPT_MINUTES", 0))
    seed = int(os.environ.get("PGCASK_INTERRUPT_SEED", random.randrange(1 << 32)))
    server = servers.create(major)
    builders.fill(server, mb=10)
    rounds = Interruptions(plakar, server, seed)
    end = time.monotonic() + 60 * minutes
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
            for _ in range(os.cpu_count() or 1) if minutes > 0]
    try:
        while sum(rounds.outcomes.values()) < ROUNDS or time.monotonic() < end:
            rounds.one()
    finally:
        for each in busy:
            each.kill()
            each.wait()
        print(f"seed {seed}: {dict(rounds.outcomes)}; the longest end took {rounds.longest:.1f} s")
