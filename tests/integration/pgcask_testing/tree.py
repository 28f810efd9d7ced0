"""A copy of the project's own files, as somebody has them who cloned it."""

import shutil
import subprocess

from . import paths


def copy(folder):
    """Copies what git would: all files but the ignored ones. Returns the new top folder."""
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=paths.REPO,
                           check=True, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, files):
        if (paths.REPO / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(paths.REPO / name, folder / name)
    return folder


def commit(folder, tag):
    """Makes a repository of it, with everything in one tagged commit."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", folder]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"], ["tag", tag]):
        subprocess.run([*git, *command], check=True)
