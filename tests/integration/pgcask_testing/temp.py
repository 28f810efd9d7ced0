"""The one temporary folder that a test session's clusters, backups and sockets live in.

Its path is short (a unix socket's may have 107 bytes) and open to the user that servers run as.
A separate process stops the servers in it and removes it, whichever way the session ends.
"""

import atexit
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

_state = {"root": None, "reaper": None, "count": 0}


def root():
    if _state["root"] is None:
        _open()
    return _state["root"]


def new_dir(name):
    """A new empty folder NAME-N that everybody may look into."""
    _state["count"] += 1
    path = root() / f"{name}-{_state['count']}"
    path.mkdir(mode=0o755)
    return path


def remove(path):
    """Removes a folder of ours and all that is in it."""
    if not keep():
        shutil.rmtree(path, ignore_errors=True)


def keep():
    """PGCASK_TEST_KEEP=1 (or --keep) leaves all files behind for a look at them."""
    return os.environ.get("PGCASK_TEST_KEEP", "") not in ("", "0")


@contextlib.contextmanager
def small_disk(mb):
    """A file system of that size, in memory; the subject is its folder."""
    path = new_dir("disk")
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    options = f"size={mb}m,mode=1777"
    subprocess.run([*sudo, "mount", "-t", "tmpfs", "-o", options, "pgcask-tests", path], check=True)
    try:
        yield path
    finally:
        subprocess.run([*sudo, "umount", "--lazy", path], check=True)


def close():
    """Stops the servers that still run and removes everything."""
    reaper = _state["reaper"]
    if reaper is not None:
        reaper.stdin.close()
        reaper.wait()
        _state.update(root=None, reaper=None)


def _open():
    base = os.environ.get("PGCASK_TEST_TMP") or tempfile.gettempdir()
    path = pathlib.Path(tempfile.mkdtemp(prefix="pgct-", dir=base)).resolve()
    path.chmod(0o755)
    _state["root"] = path
    # Only our end of this pipe is ever open, so its end of file means that we are gone.
    _state["reaper"] = subprocess.Popen(
        [sys.executable, str(pathlib.Path(__file__).with_name("reaper.py")), str(path)]
        + (["--keep"] if keep() else []),
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    atexit.register(close)
