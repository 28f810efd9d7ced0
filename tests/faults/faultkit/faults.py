"""What is done to a run. A fault is written as one word, so that it can be given again:

    memory:17:fail:12          shim.c: the 17th allocation fails with ENOMEM
    any:40:signal:9            shim.c: SIGKILL at the 40th call
    signal:15:0.25             SIGTERM after 0.25 s
    limit:fsize:4096           RLIMIT_FSIZE; also nofile, as
    disk:1048576               the folder is a file system of that size
    room:262144                so much more room than it takes has the database that is restored into
    full                       standard output is /dev/full
    proxy:2:in:812:cut         proxy.py: on the second connection, after 812 bytes to the program

A fault's effects are told to the judge by three facts: whether it struck, whether it is harmless
(the run must succeed all the same), whether it kills.
"""

import contextlib
import errno
import os
import resource
import signal
import subprocess
import tempfile

from pgcask_testing import process, temp

from . import proxy


PATIENCE = 5  # seconds; more than the time-outs that the scenarios ask for


class Fault:
    word = ""
    harmless = False
    kills = False
    corrupts = False  # what arrives may be wrong without anybody's fault
    memory_short = False
    signal = 0  # that it sends
    blocks_server = False  # which nobody can cancel while it cannot send
    own_cleanup_fails = False  # what undoes the work may itself be what fails

    @contextlib.contextmanager
    def applied(self, case):
        """Changes case.run; in force while the with statement lasts."""
        yield

    def struck(self, outcome):
        return True

    def __str__(self):
        return self.word


class Shim(Fault):
    """kind:n:action:argument, see shim.c."""

    def __init__(self, word):
        self.word = word
        self.kind, n, self.action, *argument = word.split(":")
        self.n = int(n)
        self.argument = int(argument[0]) if argument else 0
        self.harmless = self.action in ("none", "short", "dribble", "interrupt")
        self.signal = self.argument if self.action == "signal" else 0
        self.kills = self.signal == signal.SIGKILL
        self.memory_short = self.kind == "memory"
        self.own_cleanup_fails = self.action == "forever"

    @contextlib.contextmanager
    def applied(self, case):
        case.run.shim = self.word
        yield

    def struck(self, outcome):
        return outcome.hits > 0


class Signal(Fault):
    """signal:number:seconds"""

    def __init__(self, word):
        self.word = word
        _, number, seconds = word.split(":")
        self.signal, self.seconds = int(number), float(seconds)
        self.kills = self.signal == signal.SIGKILL

    @contextlib.contextmanager
    def applied(self, case):
        case.run.signal, case.run.signal_after = self.signal, self.seconds
        yield

    def struck(self, outcome):
        return outcome.wall >= self.seconds


class Limit(Fault):
    """limit:resource:value"""

    resources = {"fsize": resource.RLIMIT_FSIZE, "nofile": resource.RLIMIT_NOFILE,
                 "as": resource.RLIMIT_AS}

    def __init__(self, word):
        self.word = word
        _, self.name, value = word.split(":")
        self.value = int(value)
        # No memory left at all: a folder cannot even be walked to be removed.
        self.own_cleanup_fails = self.name in ("as", "nofile")
        self.memory_short = self.name == "as"

    @contextlib.contextmanager
    def applied(self, case):
        case.run.limit = (self.resources[self.name], self.value)
        yield

    def struck(self, outcome):
        return outcome.rc != 0


class Disk(Fault):
    """disk:bytes: the case's folder has to be a mount point of that size; trial.py sees to it."""

    def __init__(self, word):
        self.word = word
        self.size = int(word.split(":")[1])

    def struck(self, outcome):
        return outcome.rc != 0


@contextlib.contextmanager
def small_disk(folder, size):
    """Mounts a file system in memory of so many bytes over an empty folder."""
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    subprocess.run([*sudo, "mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "pgcask-faults",
                    folder], check=True)
    try:
        yield
    finally:
        subprocess.run([*sudo, "umount", "--lazy", folder], check=True)


class Room(Fault):
    """room:bytes: the case's database lies on a file system of its own, with so much left there."""

    def __init__(self, word):
        self.word = word
        self.size = int(word.split(":")[1])

    @contextlib.contextmanager
    def applied(self, case):
        folder = tempfile.mkdtemp(dir=temp.root())
        with small_disk(folder, case.room_taken() + self.size & ~4095):
            process.give_to_server(folder)
            with case.moved_to(folder):
                yield
        os.rmdir(folder)

    def struck(self, outcome):
        return outcome.rc != 0


class FullOutput(Fault):
    """Standard output takes nothing: only for scenarios that write there."""

    word = "full"

    @contextlib.contextmanager
    def applied(self, case):
        case.run.stdout_file, case.run.stdout = "/dev/full", None
        yield


class Proxied(Fault):
    """proxy:connection:direction:offset:action[:argument], see proxy.py.

    What neither fails nor goes on may be a server that takes its time for a checkpoint, which the
    program waits for patiently. Then somebody gives up, by SIGTERM.
    """

    def __init__(self, word):
        self.word = word
        self.plan = proxy.Plan.parse(word.partition(":")[2])
        self.harmless = self.plan.action in ("pass", "slice", "delay", "crumbs")
        self.corrupts = self.plan.action in ("flip", "replace", "drop", "double", "insert")
        self.blocks_server = self.plan.action == "stall"
        self.proxy = None

    @contextlib.contextmanager
    def applied(self, case):
        server = case.scenario.server
        if not self.harmless:
            case.run.signal, case.run.signal_after = signal.SIGTERM, PATIENCE
        with proxy.Proxy(server.host, server.port, self.plan) as self.proxy:
            case.aim(self.proxy.host, self.proxy.port)
            yield

    def struck(self, outcome):
        return self.proxy.struck


def parse(word):
    kind = word.split(":")[0]
    kinds = {"signal": Signal, "limit": Limit, "disk": Disk, "room": Room,
             "full": lambda _: FullOutput(), "proxy": Proxied}
    return kinds.get(kind, Shim)(word)


def family(word):
    """What a fault is counted as."""
    kind, *rest = word.split(":")
    if kind == "signal" or rest[1:2] == ["signal"]:
        return "signals"
    if kind == "memory":
        return "allocations"
    if kind == "proxy":
        return "links"
    if kind in ("limit", "disk", "room", "full"):
        return "limits and disks"
    return "calls" if rest[1] in ("fail", "forever") else "short and interrupted calls"


# How each kind of call may fail in the field; the first is what is swept with, call by call.
ERRNOS = {
    "memory": [errno.ENOMEM],
    "read": [errno.EIO, errno.ECONNRESET],
    "write": [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EPIPE],
    "sync": [errno.EIO, errno.ENOSPC],
    "files": [errno.EIO, errno.ENOSPC, errno.EACCES, errno.EMFILE, errno.EROFS],
    "meta": [errno.EIO, errno.EPERM, errno.ENOSYS],
    "close": [errno.EIO],
    "net": [errno.ENOMEM, errno.ENETUNREACH, errno.ENOBUFS],
    "process": [errno.EAGAIN, errno.EMFILE],
    "random": [errno.ENOSYS],
}
