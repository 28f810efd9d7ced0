"""The real plakar with our package, in a home folder of its own.

tests/servers/install-plakar builds it. Test files import the fixtures `plakar_package` and `plakar`
from here.
"""

import os
import pathlib
import re
import shutil

import pytest

from . import paths, process, temp

EMPTY_PATH = "/nonexistent"  # no PostgreSQL program, no shell: whatever is run is named in full


def program():
    path = paths.cache_dir() / "plakar/bin/plakar"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; tests/servers/install-plakar builds it")
    return path


class Plakar:
    """One user of plakar: configuration, installed packages, and a store in a directory."""

    def __init__(self, home, store=None):
        self.home = pathlib.Path(home)
        self.store = pathlib.Path(store or self.home / "store")
        self.tmp = self.home / "tmp"  # the plugin's TMPDIR: nothing may appear in it
        self.tmp.mkdir(parents=True)

    def env(self, extra=None):
        return {"HOME": self.home, "PATH": EMPTY_PATH, "TMPDIR": self.tmp, **(extra or {})}

    def run(self, *args, env=None, timeout=300, **options):
        return process.run(
            [program(), *args], env=self.env(env), timeout=timeout, cwd=self.home, **options)

    def on_store(self, *args, before=(), **options):
        return self.run(*before, "at", self.store, *args, **options)

    def popen(self, *args, env=None):
        return process.Process([program(), *args], env=self.env(env), cwd=self.home)

    def backup(self, *args, before=(), **options):
        return self.on_store("backup", *args, before=before, **options)

    def start_backup(self, *args):
        return self.popen("at", self.store, "backup", *args)

    def create_store(self):
        self.on_store("create", "-plaintext").check()
        return self

    def snapshots(self):
        """Ids of the store's snapshots, the newest first."""
        listed = self.on_store("ls").check().stdout
        return re.findall(r"^\S+Z\s+([0-9a-f]{8})\s", listed, flags=re.M)

    def paths(self, snapshot):
        """All paths in a snapshot."""
        listed = self.on_store("ls", "-recursive", snapshot).check().stdout
        return [line.split(None, 6)[-1] for line in listed.splitlines()]

    def stored(self, store=None):
        """What a store holds, by (kind, hash): bytes. Plakar puts up to 512 KiB of random bytes before
        and behind the content of each of its packfiles, so that the size of files says little.
        """
        on_store = ["at", store or self.store, "diag", "packfile"]
        packfiles = self.run(*on_store).check().stdout.split()
        shown = self.run(*on_store, *packfiles).check().stdout
        blobs = re.findall(r"^blob\[\d+\]: (\w+) \d+ (\d+) \w+ (.+)$", shown, flags=re.M)
        assert blobs and any(kind == "random" for _, _, kind in blobs), shown
        return {(kind, name): int(size) for name, size, kind in blobs if kind != "random"}

    def restore(self, target, snapshot=None):
        self.on_store("restore", "-to", target, *([snapshot] if snapshot else [])).check()
        return pathlib.Path(target)

    def plugin_pids(self):
        """Processes of the package that this home's plakar started."""
        found = []
        for exe in pathlib.Path("/proc").glob("[0-9]*/exe"):
            try:
                if os.readlink(exe).startswith(str(self.home)):
                    found.append(int(exe.parent.name))
            except OSError:
                pass
        return found


@pytest.fixture(scope="session")
def plakar_package(pgcask_path):
    """The package, made of the program under test."""
    folder = temp.new_dir("package")
    shutil.copy(paths.REPO / "manifest.yaml", folder)
    files = folder / "build/plakar"
    files.mkdir(parents=True)
    shutil.copy(pgcask_path, files / "pgcask")
    for which in ("importer", "exporter", "importer-aws", "exporter-aws"):
        schema = process.run([pgcask_path, "plakar-schema", which]).check().stdout
        (files / f"{which}.schema.json").write_text(schema)
    for name in ("pgcask.spdx.json", "licenses.txt"):  # of the static program: test_make.py looks at them
        (files / name).write_text("{}\n")
    maker = Plakar(temp.new_dir("package-home"))
    maker.run("pkg", "create", "-out", folder / "postgresql_v0.1.0_linux_amd64.ptar",
              folder / "manifest.yaml", "v0.1.0").check()
    return folder / "postgresql_v0.1.0_linux_amd64.ptar"


@pytest.fixture
def plakar(plakar_package):
    """A Plakar with our package and an empty store."""
    home = temp.new_dir("plakar")
    user = Plakar(home)
    user.run("pkg", "add", plakar_package).check()
    user.create_store()
    yield user
    temp.remove(home)
