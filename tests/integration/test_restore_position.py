"""A backup that can be opened again is proved as a whole before anything is done, and its archives
are read by position, by several sessions, as one that lies alone is."""

import json
import shutil
import tarfile
import time

import pytest

from pgcask_testing import logical, temp
from pgcask_testing.logical import cluster, make  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled(1)

LAYOUTS = ("classic", "numbered", "tables")
HOSTILE = "it's the größte %App/"
QUOTED = f'"{HOSTILE}"'
ROWS = """
    CREATE TABLE t AS SELECT n, repeat(md5(n::text), 8) AS m FROM generate_series(1, 4000) n;
    CREATE TABLE u AS SELECT n, repeat(md5(n::text), 8) AS m FROM generate_series(1, 4000) n;
    CREATE INDEX ON t (n); CREATE INDEX ON u (n); SELECT lo_from_bytea(4711, 'large');
"""


@pytest.fixture(scope="module")
def backups(pgcask, cluster):
    folder = temp.new_dir("position")
    for name in ("a", HOSTILE):
        make(cluster, name, ROWS)
    for layout in LAYOUTS:
        for words, name in ((("--all-databases",), "all"), ((), "one")):
            if words and layout == "classic":
                continue
            pgcask("backup", cluster.uri(None if words else HOSTILE), "--to",
                   folder / f"{layout} {name}", "--layout", layout, "--quiet",
                   *(["--databases", f"a,{QUOTED}"] if words else [])).check()
    yield folder
    temp.remove(folder)


def as_tar(folder, path):
    """In the order in which it was written."""
    return logical.in_byte_order(folder, path, key=lambda it: (
        it.name == "summary.json", it.name != "manifest.json", "globals" not in it.name, str(it)))


def sessions(server, db):
    return int(server.value(f"SELECT sessions FROM pg_stat_database WHERE datname = '{db}'"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_several_sessions_read_it(pgcask, cluster, major, backups, workdir, layout):
    folder = backups / f"{layout} one"
    facts = logical.table_sums(cluster, HOSTILE), logical.large_objects(cluster, HOSTILE)
    for place in (folder, as_tar(folder, workdir / "b.tar")):
        copy = make(cluster, "copy", options="TEMPLATE template0")
        told = pgcask("restore", place, "--to", cluster.uri(copy), "--jobs", 3, "--no-globals")
        assert told.rc == 0 and "order" not in told.stderr, told
        assert (logical.table_sums(cluster, copy), logical.large_objects(cluster, copy)) == facts
        for table in ("t", "u"):  # rows keep their order
            assert cluster.value("SELECT bool_and(n = at) FROM (SELECT n, row_number() OVER () AS "
                                 f"at FROM {table}) rows", copy) == "t"
        if major >= 14:
            end = time.monotonic() + 20
            while sessions(cluster, copy) < 3 + 4:  # four are the questions above
                assert time.monotonic() < end
                time.sleep(0.1)


def flip(folder):
    """A byte in the middle of the largest file."""
    path = max((path for path in folder.rglob("*") if path.is_file()),
               key=lambda path: path.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(folder):
    path = max((path for path in folder.rglob("*") if path.is_file()),
               key=lambda path: path.stat().st_size)
    path.write_bytes(path.read_bytes()[:-100])


def lose(folder):
    max((path for path in folder.rglob("*") if path.is_file()),
        key=lambda path: path.stat().st_size).unlink()


DAMAGES = {
    "flipped": (flip, "its digest differs|data are damaged"),
    "cut": (cut, ""),
    "lost": (lose, "missing"),
    "incomplete": (lambda folder: (folder / "summary.json").unlink(), "summary.json: is missing"),
    "more": (lambda folder: (folder / "zzz.dump").write_bytes(b"PGDMP"), "zzz.dump"),
    "roles": (lambda folder: next(folder.glob("*globals.sql")).write_text("CREATE ROLE evil;"),
              "globals.sql"),
}


def state(server, names):
    return [server.sql("SELECT oid, datname FROM pg_database ORDER BY 1"),
            server.sql("SELECT oid, rolname FROM pg_roles ORDER BY 1")] + [
        server.sql("SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                   "ORDER BY 1", name) for name in names]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_of_what_is_damaged_nothing_is_touched(pgcask, cluster, backups, workdir, layout):
    make(cluster, "there", "CREATE TABLE old (n int); CREATE TABLE t (n int, m text)")
    for kind in ("one", "all"):
        source = backups / f"{layout} {kind}"
        if not source.exists():
            continue
        target = cluster.uri("there") if kind == "one" else cluster.uri(None)
        ways = [["--recreate"], ["--into-existing"], ["--clean", "--exit-on-error"], ["--dry-run",
                "--into-existing"], ["--recreate", "--json"]]
        ways += [["--clean", "--single-transaction"]] if kind == "one" else []
        before = state(cluster, ["there", "a", HOSTILE])
        for at, (name, (damage, says)) in enumerate(DAMAGES.items()):
            broken = workdir / "broken"
            shutil.copytree(source, broken)
            damage(broken)
            place = as_tar(broken, workdir / "b.tar") if at % 2 else broken
            for way in ways if (name, kind) == ("flipped", "one") else ways[at % 4:at % 4 + 1]:
                told = pgcask("restore", place, "--to", target, *way)
                assert told.rc == 1, (name, told)
                assert any(word in told.stderr + told.stdout for word in says.split("|")), told
                assert state(cluster, ["there", "a", HOSTILE]) == before, (name, told)
                if "--json" in way:
                    assert json.loads(told.stdout)["databases_restored"] in (0, 1), told
            shutil.rmtree(broken)


def test_a_tar_of_a_plakar_snapshot_is_read_by_position(pgcask, cluster, backups, workdir):
    """/db beside /fs: its records are not called as they lie there."""
    for form in ("classic one", "tables one"):
        folder = workdir / form
        shutil.copytree(backups / form, folder / "db")
        (folder / "fs").mkdir()
        (folder / "fs/x").write_text("x")
        tar = workdir / "snapshot.tar"
        with tarfile.open(tar, "w") as out:
            out.add(folder, arcname="")
        copy = make(cluster, "copy", options="TEMPLATE template0")
        told = pgcask("restore", folder, "--to", cluster.uri(copy), "--no-globals", "--jobs", 2)
        assert told.rc == 0, told
        assert logical.table_sums(cluster, copy) == logical.table_sums(cluster, HOSTILE)
        flip(folder / "db")
        told = pgcask("restore", folder, "--to", cluster.uri(copy), "--recreate", "--no-globals")
        assert told.rc == 1 and "Nothing was restored" in told.stderr, told
