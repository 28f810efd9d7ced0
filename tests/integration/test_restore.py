"""restore and relocate: where files go, what is refused, and what is left after each failure."""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

from pgcask_testing import builders, oracles, process, temp
from pgcask_testing.servers import Server, ServerError, free_port

MOMENTS = 6


@dataclasses.dataclass
class Backed:
    """A finished backup of a cluster with tablespaces."""

    directory: pathlib.Path
    tar: pathlib.Path
    locations: dict  # {tablespace's name: its folder on the server}
    oids: dict  # {tablespace's name: its OID}
    sums: dict


@pytest.fixture(scope="module")
def backed(module_servers, pgcask):
    made = {}

    def make(major):
        if major not in made:
            made[major] = make_backup(module_servers.create(major), pgcask)
        return made[major]

    return make


def make_backup(server, pgcask):
    locations = builders.tablespaces(server, names=["fast", "slow disk"])
    odd = temp.new_dir("tablespace") / "a=b"
    odd.mkdir()
    process.give_to_server(odd)
    server.sql(f"CREATE TABLESPACE odd LOCATION '{odd}';"
               "CREATE TABLE in_odd TABLESPACE odd AS SELECT generate_series(1, 10) AS id;"
               "CREATE TABLE state AS SELECT 'backed up' AS word")
    place = temp.new_dir("backed")
    pgcask("backup", server.binary_uri(), "--to", place / "backup").check()
    # By another tool, in the order that a stream needs: the two lists come last.
    subprocess.run(["tar", "-cf", place / "backup.tar", "-C", place / "backup",
                    "--exclude=data/backup_manifest", "manifest.json", "tablespaces", "data"],
                   check=True)
    subprocess.run(["tar", "-rf", place / "backup.tar", "-C", place / "backup",
                    "data/backup_manifest", "summary.json"], check=True)
    oids = dict((name, oid) for oid, name in server.sql(
        "SELECT oid, spcname FROM pg_tablespace WHERE spcname !~ '^pg_'"))
    backed = Backed(place / "backup", place / "backup.tar", {**locations, "odd": odd}, oids,
                    oracles.all_sums(server))
    server.stop()
    return backed


@pytest.fixture
def copy(backed, workdir, major):
    """A copy of the backup, to be damaged."""
    subprocess.run(["cp", "-a", backed(major).directory, workdir / "copy"], check=True)
    yield workdir / "copy"
    shutil.rmtree(workdir / "copy", ignore_errors=True)


@pytest.fixture
def place(workdir):
    """A folder that holds nothing but what is restored into it."""
    (workdir / "place").mkdir()
    return workdir / "place"


def links_of(datadir):
    return {link.name: link.readlink() for link in (datadir / "pg_tblspc").iterdir()}


def refused(result, *words, status=1):
    """Failed with an error that has these words, and a hint."""
    assert result.rc == status, result
    assert "pgcask: error: " in result.stderr and "hint: " in result.stderr, result
    for word in words:
        assert word in result.stderr, result
    assert not result.stdout, result
    return result


# Where everything goes


@pytest.mark.majors(13, 18)
def test_everything_belongs_to_its_owner_alone(pgcask, backed, place, major):
    old_mask = os.umask(0)
    try:
        pgcask("restore", backed(major).tar, "--to", place / "data").check()
    finally:
        os.umask(old_mask)
    found = oracles.tree(place)
    assert {"data", "data/global/pg_control", "data.tablespaces"} <= set(found)
    for path, (kind, mode, _) in found.items():
        assert mode == {"dir": 0o700, "file": 0o600, "link": 0o777}[kind], (path, kind, oct(mode))


@pytest.mark.majors(15)
def test_an_empty_directory_is_filled_and_closed_to_others(pgcask, backed, place, major):
    (place / "data").mkdir(mode=0o755)
    inode = (place / "data").stat().st_ino
    pgcask("restore", backed(major).directory, "--to", f"{place / 'data'}/").check()
    assert (place / "data").stat().st_ino == inode
    assert (place / "data").stat().st_mode & 0o7777 == 0o700


@pytest.mark.majors(13, 18)
def test_tablespaces_go_beside_the_data_directory(pgcask, backed, place, major):
    made = backed(major)
    pgcask("restore", made.directory, "--to", "data", cwd=place).check()
    assert links_of(place / "data") == {
        oid: place / "data.tablespaces" / oid for oid in made.oids.values()}
    assert {p.name for p in place.iterdir()} == {"data", "data.tablespaces"}
    assert not (place / "data/tablespace_map").exists()


@pytest.mark.majors(14, 18)
def test_each_kind_of_mapping_leads_a_tablespace_elsewhere(
    pgcask, servers, backed, workdir, place, major
):
    made = backed(major)
    new = {name: workdir / f"new-{oid}" for name, oid in made.oids.items()}
    new["fast"].mkdir(mode=0o755)
    escaped = str(made.locations["odd"]).replace("=", "\\=")
    result = pgcask(
        "restore", made.directory, "--to", place / "data",
        f"--tablespace-mapping={made.oids['slow disk']}={new['slow disk']}",
        "--tablespace-mapping", f"fast={new['fast']}/",
        "--tablespace-mapping", f"{escaped}/={new['odd']}", "--json")
    assert json.loads(result.check().stdout)["tablespace_count"] == 3
    assert links_of(place / "data") == {made.oids[name]: path for name, path in new.items()}
    assert new["fast"].stat().st_mode & 0o7777 == 0o700
    assert not (place / "data.tablespaces").exists()

    started = servers.start_restored(place / "data", major)
    assert oracles.all_sums(started) == made.sums
    assert dict(started.sql("SELECT spcname, pg_tablespace_location(oid) FROM pg_tablespace"
                            " WHERE spcname !~ '^pg_'")) == {n: str(p) for n, p in new.items()}


@pytest.mark.majors(15)
@pytest.mark.parametrize("mapping, words, status", [
    (["absent={new}"], ["absent", "fast"], 2),
    (["/absent={new}"], ["/absent"], 2),
    (["99={new}"], ["99"], 2),
    (["fast={new}", "fast={new}2"], ["fast", "same tablespace"], 2),
    (["fast={new}", "{fast}={new}2"], ["same tablespace"], 2),
    (["fast={new}", "odd={new}"], ["overlap"], 2),
    (["fast={empty}", "odd={empty}/below"], ["overlap"], 2),
    (["fast=relative/path"], ["absolute path"], 2),
    (["fast"], ["OLD=NEW"], 2),
    (["={new}"], ["OLD=NEW"], 2),
    (["fast={data}/inside"], ["inside"], 1),
    (["fast={full}"], ["not empty"], 1),
    (["fast={file}"], ["not a directory"], 1),
    (["fast={new}/missing/folder"], ["mkdir -p"], 1),
    (["pg_default={new}"], ["pg_default"], 2),
])
def test_a_mapping_that_cannot_be_is_refused(pgcask, backed, place, major, mapping, words, status):
    made = backed(major)
    (place / "full").mkdir()
    (place / "full/of").write_text("something")
    (place / "file").write_text("no folder")
    (place / "empty").mkdir()
    before = oracles.tree(place)
    names = {"new": place / "new", "data": place / "data", "full": place / "full",
             "file": place / "file", "empty": place / "empty", "fast": made.locations["fast"]}
    options = [f"--tablespace-mapping={text.format(**names)}" for text in mapping]
    result = pgcask("restore", made.directory, "--to", place / "data", *options)
    assert result.rc == status, result
    assert "pgcask: error: " in result.stderr, result
    for word in words:
        assert word in result.stderr, result
    assert oracles.tree(place) == before


# What is refused


@pytest.mark.majors(15)
def test_a_directory_that_is_not_empty_is_left_alone(pgcask, backed, place, major):
    data = place / "data"
    data.mkdir()
    (data / "photo.jpg").write_text("precious")
    before = oracles.tree(place)
    refused(pgcask("restore", backed(major).directory, "--to", data), str(data), "not empty")
    refused(pgcask("restore", backed(major).directory, "--to", data, "--replace"),
            "no PostgreSQL cluster")
    assert oracles.tree(place) == before


@pytest.mark.majors(15)
def test_a_full_default_place_of_a_tablespace_is_left_alone(pgcask, backed, place, major):
    oid = backed(major).oids["fast"]
    (place / "data.tablespaces" / oid).mkdir(parents=True)
    (place / "data.tablespaces" / oid / "photo.jpg").write_text("precious")
    before = oracles.tree(place)
    refused(pgcask("restore", backed(major).directory, "--to", place / "data"),
            "not empty", "--tablespace-mapping")
    assert oracles.tree(place) == before


@pytest.mark.majors(15)
@pytest.mark.parametrize("target, words", [
    ("missing/data", ["mkdir -p"]),
    ("file", ["not a directory"]),
    ("file/data", ["file"]),
    ("dangling", ["symbolic link"]),
])
def test_a_target_that_cannot_be_made_is_refused(pgcask, backed, place, major, target, words):
    (place / "file").write_text("")
    (place / "dangling").symlink_to("nowhere")
    before = oracles.tree(place)
    result = pgcask("restore", backed(major).directory, "--to", place / target)
    assert result.rc == 1, result
    for word in words:
        assert word in result.stderr, result
    assert oracles.tree(place) == before


@pytest.mark.majors(15)
def test_the_root_directory_is_refused(pgcask, backed, major):
    result = pgcask("restore", backed(major).directory, "--to", "/", "--replace")
    assert result.rc == 1 and "root directory" in result.stderr, result


@pytest.mark.majors(13, 18)
def test_a_running_cluster_is_refused(pgcask, servers, backed, major):
    server = servers.create(major)
    for options in ([], ["--replace"]):
        refused(pgcask("restore", backed(major).directory, "--to", server.datadir, *options),
                "a server runs", str(server.pid), "hint: Choose another directory", "pg_ctl stop")
    assert server.value("SELECT 1") == "1"

    # A postmaster.pid without a process may be of a server in another container.
    server.kill()
    assert (server.datadir / "postmaster.pid").exists()
    refused(pgcask("restore", backed(major).directory, "--to", server.datadir, "--replace"),
            "postmaster.pid", "stale", "rm ")
    server.start()


# The order of things


class Stalled:
    """A restore from a pipe that has given so many bytes of a tar, and then stalls."""

    def __init__(self, pgcask_path, tar, length, *arguments):
        read_end, self._write_end = os.pipe()
        content = tar.read_bytes()
        self._rest = content[length:]
        with os.fdopen(read_end, "rb") as pipe:
            self.process = process.Process([pgcask_path, "restore", "-", *arguments], stdin=pipe)
            feeder = threading.Thread(target=self._feed, args=(content[:length],), daemon=True)
            feeder.start()
            while self.process.running() and (feeder.is_alive() or self._unread(pipe)):
                time.sleep(0.01)
        time.sleep(0.3)  # it works on what it has taken

    def _feed(self, content):
        with contextlib.suppress(BrokenPipeError):
            while content:
                content = content[os.write(self._write_end, content[:1 << 16]):]

    @staticmethod
    def _unread(pipe):
        return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]

    def go_on(self):
        self._feed(self._rest)
        return self.close()

    def close(self):
        """The pipe ends."""
        os.close(self._write_end)
        self._write_end = None
        return self.process.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self._write_end is not None:
            os.close(self._write_end)
        self.process.__exit__()


@pytest.mark.majors(13, 18)
def test_pg_control_comes_last_so_a_killed_restore_never_starts(
    pgcask, pgcask_path, servers, backed, place, major
):
    made, data = backed(major), place / "data"
    almost_all = made.tar.stat().st_size - 11000  # summary.json has not ended yet
    with Stalled(pgcask_path, made.tar, almost_all, "--to", data) as stalled:
        assert stalled.process.running(), stalled.process.wait()
        assert not (data / "global/pg_control").exists()
        stalled.process.kill()
        assert stalled.process.wait().rc == -signal.SIGKILL
    assert not (data / "global/pg_control").exists()
    assert (data / "backup_manifest").exists()

    with pytest.raises(ServerError, match="pg_control|pg_tblspc|database system"):
        servers.start_restored(data, major)

    # It is another user's by now, for the server; its own user's would be replaced.
    again = refused(pgcask("restore", made.tar, "--to", data), "not empty", "rm -r", str(data))
    subprocess.run(["sh", "-c", again.stderr.split("  ")[-1]], check=True)
    assert not list(place.iterdir())
    pgcask("restore", made.tar, "--to", data).check()
    oracles.verifybackup(data, major).check()


@pytest.mark.majors(15)
def test_a_pipe_that_goes_on_after_a_stall_ends_well(pgcask_path, backed, place, major):
    made = backed(major)
    half = made.tar.stat().st_size // 2
    with Stalled(pgcask_path, made.tar, half, "--to", place / "data") as stalled:
        stalled.go_on().check()
    oracles.verifybackup(place / "data", major).check()


# Failures leave nothing


@pytest.mark.majors(15)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_stalled_restore_at_once(pgcask_path, backed, place, major, number):
    made = backed(major)
    half = made.tar.stat().st_size // 2
    (place / "data").mkdir(mode=0o755)
    with Stalled(pgcask_path, made.tar, half, "--to", place / "data", "--json") as stalled:
        assert len(list((place / "data").iterdir())) > 3
        sent = time.monotonic()
        stalled.process.send_signal(number)
        result = stalled.process.wait(20)
    assert time.monotonic() - sent < 2
    assert result.rc == 1 and number.name in result.stderr, result
    assert json.loads(result.stdout)["error"]["code"] == "cancelled"
    assert [p.name for p in place.iterdir()] == ["data"]
    assert not list((place / "data").iterdir())
    assert (place / "data").stat().st_mode & 0o7777 == 0o755


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_at_random_moments_leave_nothing_or_a_whole_cluster(
    pgcask, pgcask_path, backed, place, major, number
):
    made, numbers = backed(major), random.Random(number)
    usual = pgcask("restore", made.directory, "--to", place / "usual").check().wall_time
    subprocess.run(["rm", "-r", place / "usual", place / "usual.tablespaces"], check=True)
    outcomes = set()
    for _ in range(MOMENTS):
        with process.Process([pgcask_path, "restore", made.directory, "--to",
                              place / "data"]) as running:
            time.sleep(numbers.uniform(0, usual * 0.9))
            running.send_signal(number)
            result = running.wait(20)
        outcomes.add(result.rc)
        if result.rc == 0:
            oracles.verifybackup(place / "data", major).check()
            subprocess.run(["rm", "-r", place / "data", place / "data.tablespaces"], check=True)
        else:
            # Before its first instruction a signal still ends it as it ends any program.
            assert result.rc in (1, -number), result
            assert not list(place.iterdir()), result
    assert outcomes & {1, -number}, "no signal came in time"


DAMAGES = {
    "a changed table": lambda b: oracles.flip_byte(b / "data/global/1262"),
    "a changed WAL segment": lambda b: oracles.flip_byte(wal_of(b)),
    "a changed pg_control": lambda b: oracles.flip_byte(b / "data/global/pg_control", 200),
    "a changed file of a tablespace": lambda b: oracles.flip_byte(tablespace_file_of(b)),
    "a truncated file": lambda b: os.truncate(b / "data/global/1260", 100),
    "a missing file": lambda b: (b / "data/PG_VERSION").unlink(),
    "a missing WAL segment": lambda b: wal_of(b).unlink(),
    "a missing backup_manifest": lambda b: (b / "data/backup_manifest").unlink(),
    "a missing summary": lambda b: (b / "summary.json").unlink(),
    "a changed summary": lambda b: oracles.flip_byte(b / "summary.json"),
    "an unexpected file": lambda b: (b / "data/stranger").write_text("x"),
    "a link that leads out": lambda b: (
        link_of(b).unlink(), link_of(b, "1").symlink_to("/etc")),
}
NAMED = {
    "a changed table": "global/1262", "a changed WAL segment": "pg_wal/0",
    "a changed pg_control": "global/pg_control",
    "a changed file of a tablespace": "/PG_", "a truncated file": "global/1260",
    "a missing file": "PG_VERSION", "a missing WAL segment": "pg_wal/0",
    "a missing backup_manifest": "backup_manifest", "a missing summary": "summary.json",
    "a changed summary": "summary.json", "an unexpected file": "data",
    "a link that leads out": "pg_tblspc/",
}


def wal_of(backup):
    return sorted(p for p in (backup / "data/pg_wal").iterdir() if p.is_file())[0]


def tablespace_file_of(backup):
    return max((p for p in (backup / "tablespaces").rglob("*") if p.is_file()),
               key=lambda p: p.stat().st_size)


def link_of(backup, name=None):
    folder = backup / "data/pg_tblspc"
    return folder / name if name else sorted(folder.iterdir())[0]


@pytest.mark.majors(15)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_is_not_restored(pgcask, copy, place, major, damage):
    DAMAGES[damage](copy)
    result = pgcask("restore", copy, "--to", place / "data")
    assert result.rc == 1, result
    assert NAMED[damage] in result.stderr, result
    assert not list(place.iterdir()), result


@pytest.mark.majors(15)
def test_a_truncated_tar_is_not_restored(pgcask, backed, place, major):
    content = backed(major).tar.read_bytes()
    for length in (len(content) // 3, len(content) - 20000):
        result = pgcask("restore", "-", "--to", place / "data", input=content[:length])
        assert result.rc == 1 and "pgcask: error: " in result.stderr, result
        assert not list(place.iterdir()), result


@pytest.mark.majors(15)
def test_a_full_disk_leaves_nothing(pgcask, backed, small_disk, major):
    disk = small_disk(30)
    result = pgcask("restore", backed(major).directory, "--to", disk / "data")
    assert result.rc == 1 and "space" in result.stderr.lower(), result
    assert not list(disk.iterdir()), result


# --replace


@pytest.fixture
def old(pgcask, servers, backed, place, major):
    """A stopped cluster restored from the same backup, with newer rows in it; a Server."""
    pgcask("restore", backed(major).directory, "--to", place / "data").check()
    server = servers.start_restored(place / "data", major)
    server.sql("UPDATE state SET word = 'newer'; TRUNCATE in_tablespace_0")
    return server.stop()


def rows_of(server):
    return (server.value("SELECT word FROM state"),
            server.value("SELECT count(*) FROM in_tablespace_0"))


OLD_ROWS, BACKED_ROWS = ("newer", "0"), ("backed up", "20000")


@pytest.mark.majors(13, 18)
def test_replace_puts_the_backup_in_the_old_ones_place(pgcask, backed, old, place, major):
    (old.datadir / "base/stranger").write_text("of the old cluster")
    pgcask("restore", backed(major).directory, "--to", old.datadir, "--replace").check()
    assert not [p for p in oracles.tree(place) if "pgcask" in p or "stranger" in p]
    assert {p.name for p in place.iterdir()} == {"data", "data.tablespaces"}
    oracles.verifybackup(old.datadir, major).check()
    process.give_to_server(place / "data", place / "data.tablespaces", recursive=True)
    old.start()
    assert rows_of(old) == BACKED_ROWS
    assert oracles.all_sums(old) == backed(major).sums


@pytest.mark.majors(15)
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_the_servers_own_user_replaces_from_a_pipe_and_just_starts(
    pgcask, backed, old, place, major
):
    process.give_to_server(place)
    with open(backed(major).tar, "rb") as tar:
        pgcask("restore", "-", "--to", old.datadir, "--replace", stdin=tar,
               user=process.SERVER_USER).check()
    old.start()
    assert rows_of(old) == BACKED_ROWS


@pytest.mark.majors(15)
def test_replace_wants_the_same_cluster(pgcask, servers, backed, major):
    stranger = servers.create(major, fresh=True)
    stranger.sql("CREATE TABLE mine AS SELECT 1 AS id")
    stranger.stop()
    before = oracles.tree(stranger.datadir.parent)
    refused(pgcask("restore", backed(major).directory, "--to", stranger.datadir, "--replace"),
            "another cluster", "System identifiers")
    assert oracles.tree(stranger.datadir.parent) == before
    assert stranger.start().value("SELECT id FROM mine") == "1"


@pytest.mark.majors(15)
def test_replace_of_nothing_is_a_plain_restore(pgcask, backed, place, major):
    pgcask("restore", backed(major).directory, "--to", place / "data", "--replace").check()
    oracles.verifybackup(place / "data", major).check()


@pytest.mark.majors(15, 18)
def test_a_replace_that_fails_leaves_the_old_cluster(
    pgcask, pgcask_path, backed, copy, old, place, major
):
    before = oracles.tree(place)

    oracles.flip_byte(wal_of(copy))
    result = pgcask("restore", copy, "--to", old.datadir, "--replace")
    assert result.rc == 1 and "pg_wal/" in result.stderr, result
    assert oracles.tree(place) == before

    made = backed(major)
    with Stalled(pgcask_path, made.tar, made.tar.stat().st_size - 11000, "--to", old.datadir,
                 "--replace") as stalled:
        assert len(oracles.tree(place)) > 1.5 * len(before)
        stalled.process.terminate()
        assert stalled.process.wait(20).rc == 1
    assert oracles.tree(place) == before

    numbers = random.Random(major)
    for _ in range(MOMENTS):
        with process.Process([pgcask_path, "restore", made.directory, "--to", old.datadir,
                              "--replace"]) as running:
            time.sleep(numbers.uniform(0, 0.3))
            running.terminate()
            result = running.wait(20)
        if result.rc == 0:
            break
        assert oracles.tree(place) == before, result
    process.give_to_server(place / "data", place / "data.tablespaces", recursive=True)
    old.start()
    assert rows_of(old) == (BACKED_ROWS if result.rc == 0 else OLD_ROWS)


@pytest.mark.majors(15)
def test_a_replace_that_was_killed_leaves_the_old_cluster_and_says_how_to_go_on(
    pgcask, pgcask_path, backed, old, major
):
    made = backed(major)
    with Stalled(pgcask_path, made.tar, made.tar.stat().st_size // 2, "--to", old.datadir,
                 "--replace") as stalled:
        stalled.process.kill()
    old.start()
    assert rows_of(old) == OLD_ROWS
    old.stop()
    for _ in range(2 + len(made.oids)):  # what was staged in the data directory and in each place
        result = pgcask("restore", made.directory, "--to", old.datadir, "--replace")
        if result.rc == 0:
            break
        hint = result.stderr.strip().splitlines()[-1]
        assert "killed" in result.stderr and hint.startswith("hint: If none"), result
        subprocess.run(["sh", "-c", hint.split("  ")[1]], check=True)
    assert result.rc == 0, result
    process.give_to_server(old.datadir.parent, recursive=True)
    old.start()
    assert rows_of(old) == BACKED_ROWS


@pytest.mark.majors(15)
def test_a_replace_that_fills_the_disk_leaves_the_old_cluster(
    pgcask, servers, backed, small_disk, major
):
    made = backed(major)
    size = sum(p.stat().st_size for p in made.directory.rglob("*") if p.is_file())
    disk = small_disk(size // 2**20 + 45)  # the old cluster, and not another one
    pgcask("restore", made.directory, "--to", disk / "data").check()
    server = servers.start_restored(disk / "data", major, options={"max_wal_size": "32MB"})
    server.sql("UPDATE state SET word = 'newer'; TRUNCATE in_tablespace_0")
    server.stop()
    before = oracles.tree(disk)
    result = pgcask("restore", made.directory, "--to", disk / "data", "--replace")
    assert result.rc == 1 and "space" in result.stderr.lower(), result
    assert oracles.tree(disk) == before
    server.start()
    assert rows_of(server) == OLD_ROWS
    server.stop()


# What the server itself reported


@pytest.mark.majors(13, 18)
def test_page_checksum_failures_are_told_again(pgcask, servers, workdir, major):
    server = servers.create(major)
    builders.fill(server, mb=1)
    server.sql("CREATE TABLE other AS SELECT generate_series(1, 10) AS id")
    path = server.datadir / server.value("SELECT pg_relation_filepath('filler')")
    server.stop()
    oracles.flip_byte(path, 8192 * 3 + 5000)
    server.start()
    assert pgcask("backup", server.binary_uri(), "--to", workdir / "backup").rc == 3
    server.stop()
    result = pgcask("restore", workdir / "backup", "--to", workdir / "data", "--json").check()
    assert json.loads(result.stdout)["checksum_failures"] > 0
    assert "checksum failures" in result.stderr
    started = servers.start_restored(workdir / "data", major)
    assert started.value("SELECT count(*) FROM other") == "10"


# relocate


@pytest.mark.majors(15)
def test_relocate_of_absolute_links_changes_nothing(pgcask, backed, place, major):
    pgcask("restore", backed(major).directory, "--to", place / "data").check()
    before, links = oracles.tree(place), links_of(place / "data")
    result = pgcask("relocate", place / "data", "--json").check()
    assert json.loads(result.stdout)["links_changed"] == 0
    assert (oracles.tree(place), links_of(place / "data")) == (before, links)


@pytest.mark.majors(15)
def test_relocate_makes_links_absolute_once(pgcask, copy, major):
    links = links_of(copy / "data")
    assert not any(target.is_absolute() for target in links.values())
    refused(pgcask("relocate", copy / "data"), f"part of the backup {copy}", "--in-place",
            f"pgcask restore {copy} --to DIR")
    assert links_of(copy / "data") == links
    pgcask("verify", copy).check()
    result = pgcask("relocate", f"{copy}/data/", "--in-place", "--json").check()
    assert json.loads(result.stdout)["links_changed"] == len(links) == 3
    assert links_of(copy / "data") == {oid: copy / "tablespaces" / oid for oid in links}
    again = pgcask("relocate", copy / "data", "--json").check()
    assert json.loads(again.stdout)["links_changed"] == 0


@pytest.mark.majors(15)
@pytest.mark.parametrize("missing", ["tablespaces", "one tablespace"])
def test_relocate_without_the_tablespaces_changes_nothing(pgcask, copy, backed, major, missing):
    gone = copy / "tablespaces"
    if missing != "tablespaces":
        gone = gone / max(backed(major).oids.values())
    shutil.rmtree(gone)
    links = links_of(copy / "data")
    refused(pgcask("relocate", copy / "data"), str(copy / "tablespaces"), "pg_tblspc/")
    assert links_of(copy / "data") == links


@pytest.mark.majors(15)
def test_relocate_wants_a_stopped_cluster(pgcask, servers, copy, workdir, major):
    copy.chmod(0o755)
    server = servers.start_restored(copy / "data", major)
    links = links_of(copy / "data")
    result = refused(pgcask("relocate", copy / "data"), "a server runs", "pg_ctl stop")
    assert "another directory" not in result.stderr
    assert links_of(copy / "data") == links
    server.stop()
    pgcask("relocate", copy / "data").check()  # a server has run on it: no backup any more
    refused(pgcask("relocate", workdir), "no PostgreSQL cluster")
    refused(pgcask("relocate", copy), "no PostgreSQL cluster")


# Inside of what is there already


@pytest.mark.majors(15)
def test_nothing_is_written_into_a_backup_or_a_data_directory(pgcask, backed, copy, place, major):
    backup = backed(major).tar
    pgcask("restore", backup, "--to", place / "data").check()
    (place / "way").symlink_to(copy / "data")
    (place / "running.partial").mkdir()
    (place / "running.partial/pgcask.lock").touch()
    backed_up, restored = oracles.tree(copy), oracles.tree(place / "data")
    server = "postgres+bin://u@127.0.0.1:1/"  # never asked
    inside = [copy / "new", copy / "data/base/new", copy / "none/new", place / "way/new",
              f"{copy}/data/../new", f"{copy}/new/", place / "data/new", place / "data/base/x/new",
              place / "running.partial/new"]
    for target in inside:
        for words in (["restore", backup, "--to", target], ["backup", server, "--to", target],
                      ["check", server, "--to", target], ["backup", server, "--to", f"{target}.tar"],
                      ["restore", backup, "--to", place / "other", "--tablespace-mapping",
                       f"fast={target}"]):
            if str(target).endswith("/") and str(words[-1]).endswith(".tar"):
                continue
            refused(pgcask(*words), " lies in ", "outside it")
    refused(pgcask("restore", backup, "--to", copy / "data", "--replace"), " lies in the backup ")
    assert (oracles.tree(copy), oracles.tree(place / "data")) == (backed_up, restored)
    assert not (place / "other").exists()
    result = refused(pgcask("restore", backup, "--to", place / "other", "--tablespace-mapping",
                            f"fast={place}/other/none/x"), "overlap", "outside the data directory")
    assert "mkdir" not in result.stderr
    refused(pgcask("relocate", copy / "data"), "part of the backup")


# What to type then


@pytest.mark.majors(15)
@pytest.mark.parametrize("name", ["new", "a new one", "it's; (odd) & more"])
@pytest.mark.parametrize("as_root", [True, False])
def test_the_line_that_starts_it_can_be_pasted(pgcask, backed, workdir, major, name, as_root):
    # pg_ctl itself lets its shell look at a dollar sign or a backquote in the name.
    if as_root and os.geteuid() != 0:
        pytest.skip("not root")
    made = backed(major)
    place = workdir / "place"
    place.mkdir()
    if not as_root:
        process.give_to_server(place)
        process.give_to_server(made.directory.parent, recursive=True)
    user = None if as_root else process.server_user()
    target = name if as_root else place / name  # also a relative one
    result = pgcask("restore", made.directory, "--to", target, cwd=place, user=user).check()
    assert ("chown" in result.stdout) == as_root and ("chown" in result.stderr) == as_root
    line = result.stdout.splitlines()[-1].strip()
    server_bin = Server(major, "npm", place / name).bin
    environment = {"PATH": f"{server_bin}:/usr/sbin:/usr/bin:/sbin:/bin", "PGPORT": str(free_port()),
                   "PGHOST": "/tmp", "HOME": "/tmp"}
    sh = lambda text: process.run(["sh", "-c", text], env=environment, user=user, cwd="/",
                                  timeout=60, stdout=subprocess.DEVNULL)
    started = sh(f"{line} -w -l /dev/null")
    assert started.rc == 0, (line, started)
    sh(line.replace(" start", " stop -m immediate")).check()


@pytest.mark.majors(15)
def test_what_a_killed_replace_left_on_the_server_is_no_obstacle(pgcask, servers, workdir, major):
    server = servers.create(major)
    for name in ("pgcask.restore.partial", "pgcask.replaced"):
        (server.datadir / name / "global").mkdir(parents=True)
        (server.datadir / name / "global/pg_control").write_text("of another time\n")
        process.give_to_server(server.datadir / name, recursive=True)
    backup, data = workdir / "backup", workdir / "restored/data"
    result = pgcask("backup", server.binary_uri(), "--to", backup).check()
    assert result.stderr.count("did not end") == 1 and "pgcask.replaced" in result.stderr, result
    pgcask("verify", backup).check()
    data.parent.mkdir()
    result = pgcask("restore", backup, "--to", data).check()
    assert result.stderr.count("is left out") == 1, result
    assert (data / "global/pg_control").exists() and not list(data.glob("pgcask.*"))
