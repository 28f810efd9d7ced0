"""packaging/Dockerfile, tried as a chroot of the file tree that its last stage describes.

No container engine is needed: its lines are read here, so that the test follows the file.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

import pytest

from pgcask_testing import builders, oracles, paths, process
from test_static import HOST, static  # noqa: F401

DOCKERFILE = paths.REPO / "packaging/Dockerfile"
KNOWN = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "VOLUME", "USER", "ENTRYPOINT", "CMD"}


def stages():
    """The stages of the file: each a list of (instruction, words), FROM first."""
    text = re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE.read_text()).replace("\\\n", " ")
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, rest = line.split(None, 1)
        assert name in KNOWN, f"this test does not know {name}"
        if name == "FROM":
            found.append([])
        found[-1].append((name, json.loads(rest) if rest.startswith("[") else shlex.split(rest)))
    return found


class Image:
    """The last stage: what is copied where, and how it is run."""

    def __init__(self):
        self.build, last = stages()
        assert last[0] == ("FROM", ["scratch"])
        self.copies = [words for name, words in last if name == "COPY"]
        self.env = dict(word.split("=", 1) for name, words in last if name == "ENV"
                        for word in words)
        only = dict(last)
        self.volumes, self.entrypoint, self.cmd = (
            only[name] for name in ("VOLUME", "ENTRYPOINT", "CMD"))
        self.user = only["USER"][0]

    def make_tree(self, folder, program):
        """What COPY --from=build brings: the program, the builder's files, empty folders."""
        for *options, source, target in self.copies:
            assert options[0] == "--from=build", source
            place = folder / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if source == "/source/build/static/pgcask":
                shutil.copy(program, place)
            elif ("RUN", ["mkdir", source]) in self.build:
                place.mkdir()
            else:
                shutil.copy(source, place)  # of Debian, like the build stage
            for option in options[1:]:
                owner = re.fullmatch(r"--chown=(\d+):(\d+)", option)
                os.chown(place, int(owner[1]), int(owner[2]))


class Container:
    """The tree, with the files that an engine adds."""

    def __init__(self, image, folder, program):
        self.image, self.folder = image, folder
        folder.mkdir()
        image.make_tree(folder, program)
        self.first = sorted(self.names())
        (folder / "etc").mkdir(exist_ok=True)
        (folder / "etc/hosts").write_text(f"127.0.0.1 localhost {HOST}\n")

    def names(self):
        return [str(path.relative_to(self.folder)) for path in self.folder.rglob("*")]

    def run(self, *words):
        return process.run(self.command(*words), env=self.env())

    def command(self, *words):
        return ["/usr/sbin/chroot", f"--userspec={self.image.user}", "--groups=", self.folder,
                *self.image.entrypoint, *(words or self.image.cmd)]

    def env(self):
        return {"PATH": None, **self.image.env}


@pytest.fixture
def container(static, workdir):  # noqa: F811
    if os.geteuid() != 0:
        pytest.skip("only root may give files away and change the root")
    return Container(Image(), workdir / "root", static)


@pytest.fixture
def source(container, servers, major):
    """A server with passwords, and the uri by which the container reaches it."""
    server = servers.create(major, auth="scram-sha-256")
    server.sql("CREATE ROLE backup LOGIN REPLICATION PASSWORD 'secret'")
    builders.tablespaces(server, names=["one"])
    builders.fill(server, mb=5)
    passwords = container.folder / container.image.env["PGPASSFILE"].lstrip("/")
    passwords.write_text(f"{HOST}:*:*:backup:secret\n")
    passwords.chmod(0o600)
    os.chown(passwords, *map(int, container.image.user.split(":")))
    return server, f"postgres+bin://backup@{HOST}:{server.port}/"


@pytest.mark.majors(15, 18)
def test_backup_verify_and_restore_in_the_tree(container, source, servers, major):
    server, uri = source
    live = oracles.all_sums(server)
    uid, gid = map(int, container.image.user.split(":"))
    backup, restored = container.image.volumes
    container.run("backup", uri, "--to", f"{backup}/monday").check()
    container.run("verify", f"{backup}/monday").check()
    container.run("restore", f"{backup}/monday", "--to", f"{restored}/data").check()
    refused = container.run("restore", f"{backup}/monday", "--to", "/elsewhere")
    assert refused.rc == 1 and "Permission denied" in refused.stderr, refused
    oracles.wait_for_nothing_left(server)
    server.stop()

    data = container.folder / restored.lstrip("/") / "data"
    assert {(p.lstat().st_uid, p.lstat().st_gid) for p in data.rglob("*")} == {(uid, gid)}
    for link in (data / "pg_tblspc").iterdir():  # absolute, below the other root
        place = container.folder / str(link.readlink()).lstrip("/")
        link.unlink()
        link.symlink_to(place)
    assert oracles.all_sums(servers.start_restored(data, major)) == live


@pytest.mark.majors(18)
def test_a_stop_ends_process_1_and_leaves_nothing(container, source, major):
    server, uri = source
    folder = container.folder / container.image.volumes[0].lstrip("/")
    command = container.command("backup", uri, "--to", "/backup/monday", "--max-rate=2M")
    with process.Process(["unshare", "--pid", "--fork", *command],
                         env=container.env()) as running:
        oracles.wait_for_sessions(server, lambda found: found.slots)
        children = pathlib.Path(f"/proc/{running.pid}/task/{running.pid}/children")
        [first] = children.read_text().split()
        assert list(folder.iterdir())
        os.kill(int(first), signal.SIGTERM)
        assert running.wait(10).rc == 1
    assert not list(folder.iterdir())
    oracles.wait_for_nothing_left(server)


def test_only_its_volumes_belong_to_its_user(container):
    owned = {path for path in container.names()
             if (container.folder / path).stat().st_uid != 0}
    assert {f"/{path}" for path in owned} == set(container.image.volumes)


def test_the_tree_holds_one_program_and_nothing_to_run_others_with(container):
    files = [name for name in container.first if (container.folder / name).is_file()]
    programs = [name for name in files if os.access(container.folder / name, os.X_OK)]
    assert programs == ["pgcask"] and len(files) == 2
    assert container.run().check().stdout.startswith(container.run("help").check().stdout[:40])


def test_the_systems_certificates_are_found(container, servers, authority):
    server = servers.create(18, start=False)
    authority.enable(server, alt_names=[f"DNS:{HOST}"])
    server.start()
    uri = (f"postgres+bin://postgres@{HOST}:{server.port}/"
           "?sslmode=verify-full&sslrootcert=system")
    refused = container.run("ping", uri)
    assert refused.rc == 1 and "certificate" in refused.stderr, refused
    bundle = container.folder / container.image.env["SSL_CERT_FILE"].lstrip("/")
    with open(bundle, "a") as file:
        file.write(authority.root.read_text())
    assert "TLS" in container.run("ping", uri).check().stdout


def test_the_build_stage_has_all_that_the_build_needs(workdir):
    """Its packages are README's; its files are enough for CMake."""
    image = Image()
    installed = {word for name, words in image.build if name == "RUN" and words[0] == "apt-get"
                 for word in words}
    readme = set(re.findall(r"\b(?:z?lib[a-z0-9-]+-dev|[a-z0-9-]+-compiler)\b",
                            (paths.REPO / "README.md").read_text()))
    assert readme - {"libcmocka-dev"} <= installed
    assert {"gcc", "make", "cmake", "ninja-build"} <= installed
    assert ("RUN", ["make", "static", "&&", "strip", "build/static/pgcask"]) in image.build

    for words in (words for name, words in image.build if name == "COPY"):
        *sources, target = words
        for source in map(pathlib.Path, sources):
            place = workdir / (target if target != "./" else source)
            copy = shutil.copytree if (paths.REPO / source).is_dir() else shutil.copy
            copy(paths.REPO / source, place)
    subprocess.run(["cmake", "--preset", "static"], cwd=workdir, check=True, capture_output=True)
    ninja = lambda *words: subprocess.run(["ninja", "-C", "build/static", "-t", *words], cwd=workdir,
                                          check=True, capture_output=True, text=True).stdout
    made = {line.rpartition(":")[0] for line in ninja("targets", "all").splitlines()}
    needed = set(ninja("inputs", "pgcask").splitlines())
    assert len(needed) > 200 and any(name.endswith(".proto") for name in needed)
    missing = {name for name in needed - made if not (workdir / "build/static" / name).exists()}
    assert not missing
