"""Folders before and after: what is in them, in a form that can be compared."""

import hashlib
import os
import pathlib


def snapshot(path, times=False):
    """{relative path: what it is} of all below path, path itself as "."; {} if it is not there.

    A link that leads into path itself is noted relative to that, and so is what files say of it.
    times: those of files too.
    """
    path = pathlib.Path(path)
    if not os.path.lexists(path):
        return {}
    found = {".": _describe(path, path, times)}
    if path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path):
            for name in folders + files:
                full = pathlib.Path(folder, name)
                found[str(full.relative_to(path))] = _describe(full, path, times)
    return found


def _describe(path, base, times):
    status = path.lstat()
    mode = status.st_mode & 0o7777
    if path.is_symlink():
        return "link", os.readlink(path).replace(str(base), "BASE")
    if path.is_dir():
        return "folder", mode
    # What a restore writes into its configuration names the data directory, too.
    content = path.read_bytes().replace(os.fsencode(base), b"BASE")
    return ("file", mode, len(content), hashlib.sha256(content).hexdigest(),
            *([status.st_mtime_ns] if times else []))


def differences(one, other):
    """Up to five paths that differ between two snapshots, with both sides."""
    names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
    return [f"{name}: {one.get(name)} / {other.get(name)}" for name in names[:5]]
