"""Waits for the end of standard input, then stops the servers under a folder and removes it.

    reaper.py FOLDER [--keep]

Runs beside a test session (see temp.py) so that even a killed one leaves nothing behind.
"""

import os
import shutil
import signal
import subprocess
import sys
import time


def servers_under(root):
    """Pids of running postmasters whose data directory is under root."""
    for folder, folders, files in os.walk(root):
        if "postmaster.pid" in files:
            folders.clear()
            try:
                with open(os.path.join(folder, "postmaster.pid")) as file:
                    pid = int(file.readline())
                # A postmaster works in its data directory: a copied or stale file fails here.
                if os.path.samefile(f"/proc/{pid}/cwd", folder):
                    yield pid
            except (OSError, ValueError):
                pass


def alive(pid):
    """Whether it runs; one that has ended and waits for its parent does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def stop(pids):
    for number, seconds in ((signal.SIGQUIT, 10), (signal.SIGKILL, 5)):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        end = time.monotonic() + seconds
        while any(map(alive, pids)) and time.monotonic() < end:
            time.sleep(0.02)
        pids = [pid for pid in pids if alive(pid)]


def unmount_under(root):
    """Small disks (see temp.py) of a session that was killed."""
    with open("/proc/self/mounts") as file:
        mounts = [line.split()[1] for line in file]
    for path in mounts:
        if path.startswith(root + "/"):
            sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
            subprocess.run([*sudo, "umount", "--lazy", path], check=False)


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    root = sys.argv[1]
    sys.stdin.buffer.read()
    stop(list(servers_under(root)))
    unmount_under(root)
    if "--keep" in sys.argv[2:]:
        print(f"kept: {root}", file=sys.stderr)
    else:
        shutil.rmtree(root, ignore_errors=True)


main()
