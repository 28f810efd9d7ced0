"""plakar restore -to postgres://…: the real plakar, backups of every layout, and two clusters."""

import contextlib
import json
import os
import re
import signal
import time

import pytest

from pgcask_testing import logical, oracles, process, temp
from pgcask_testing.plakar import Plakar, plakar_package  # noqa: F401

pytestmark = [pytest.mark.majors(15, 18), pytest.mark.sampled(1)]
LAYOUTS = ["classic", "numbered", "tables"]
ODD = "it's 100%/=x"
CONTENT = """
    CREATE TABLE book (id serial PRIMARY KEY, title text NOT NULL);
    INSERT INTO book (title) SELECT 'book ' || g FROM generate_series(1, 500) g;
    CREATE TABLE "empty one" ();
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    GRANT SELECT ON book TO alice;
    SELECT lo_from_bytea(0, 'of a large object');
"""


class Place:
    """A cluster that is backed up, one to restore into, and a plakar with snapshots of the first."""

    def __init__(self, major, servers, package):
        self.major = major
        self.source, self.target = servers.create(major), servers.create(major)
        self.plakar = Plakar(temp.new_dir("plakar"))
        self.plakar.run("pkg", "add", package).check()
        self.plakar.create_store()
        self._snapshots = {}
        for server in (self.source, self.target):  # parts are restored without the globals
            logical.run_sql(server, "postgres", logical.script("roles"))
        for name in ("app", "zoo"):
            logical.make(self.source, name, CONTENT)
        logical.make(self.source, ODD, "CREATE TABLE t (i int); INSERT INTO t VALUES (1), (NULL);")

    def snapshot(self, db, layout="classic", *options):
        """Its id, of a database (None: of all); made once."""
        key = (db, layout, *options)
        if key not in self._snapshots:
            before = set(self.plakar.snapshots())
            self.plakar.backup("-o", f"layout={layout}", *options, location(self.source, db)).check()
            (self._snapshots[key],) = set(self.plakar.snapshots()) - before
        return self._snapshots[key]

    def restore(self, snapshot, db=None, *options, **more):
        """Restores into the target; options: "clean", "database=app", …"""
        given = [word for option in options for word in ("-o", option)]
        return self.plakar.on_store(
            "restore", *given, "-to", location(self.target, db), snapshot, **more)

    def is_empty(self, db):
        return logical.run_sql(self.target, db, "SELECT count(*) FROM pg_class WHERE"
                               " relnamespace = 'public'::regnamespace").strip() == b"0"

    def assert_equal(self, db, copy=None):
        copy = copy or db
        assert logical.dump_schema(self.target, copy) == logical.dump_schema(self.source, db)
        assert logical.table_sums(self.target, copy) == logical.table_sums(self.source, db)
        assert logical.large_objects(self.target, copy) == logical.large_objects(self.source, db)


def location(server, db=None):
    return f"postgres://{server.superuser}@127.0.0.1:{server.port}" + (f"/{db}" if db else "")


@pytest.fixture(autouse=True)
def nothing_restored(place):
    yield
    oracles.wait_for_nothing_left(place.target, timeout=10)
    for name in set(place.target.databases()) - {"postgres", "template0", "template1"}:
        logical.drop(place.target, name)


@pytest.fixture(scope="module")
def place(major, module_servers, plakar_package):  # noqa: F811
    place = Place(major, module_servers, plakar_package)
    yield place
    for server in (place.source, place.target):
        oracles.wait_for_nothing_left(server)
        server.close()
    assert list(place.plakar.tmp.iterdir()) == []
    temp.remove(place.plakar.home)


# ---- What comes back


@pytest.mark.parametrize("db", ["app", "zoo"])  # before and behind globals.sql
def test_a_database_comes_back(place, db):
    result = place.restore(place.snapshot(db), None, "create_db=true").check()
    assert "KO" not in result.stdout + result.stderr
    assert f"OK ✓ /{db}.dump" in result.stdout + result.stderr
    place.assert_equal(db)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.sampled(1)
def test_all_databases_come_back(place, layout):
    result = place.restore(place.snapshot(None, layout)).check()
    assert "KO" not in result.stdout + result.stderr
    for db in ("app", "zoo", ODD):
        place.assert_equal(db)


def test_a_name_that_is_hard_on_everything_comes_back(place):
    """A leading dash, blanks, quotes, a line feed, and what would be a connection string."""
    name = '-d dbname=x "it\'s"\n/y'
    logical.make(place.source, name, CONTENT)
    try:
        snapshot = place.snapshot("", "classic", "-o", f"database={name}")
        place.restore(snapshot, None, "create_db=true").check()
        place.assert_equal(name)
        place.restore(snapshot, None, f"database={name}", "recreate=true").check()
        place.assert_equal(name)
        place.plakar.backup("-o", "layout=numbered", "-o", 'databases=-d*,app',
                            location(place.source)).check()
        place.restore(place.plakar.snapshots()[0], None, "recreate=true").check()
        place.assert_equal(name)
        place.assert_equal("app")
    finally:
        logical.drop(place.source, name)


def test_one_of_several_goes_anywhere_but_not_by_chance(place):
    snapshot = place.snapshot(None, "numbered")
    logical.make(place.target, "other")
    for layout in LAYOUTS[1:]:
        assert_failed(place.restore(place.snapshot(None, layout), "other"),
                      "the address names one database, ", "the snapshot is of ", "databases")
    assert place.is_empty("other")
    place.restore(snapshot, "other", "databases=app").check()
    place.assert_equal("app", "other")
    assert_failed(place.restore(snapshot, None, "databases=ap"), "ap", "app")
    assert_failed(place.restore(snapshot, None, "databases_=app"), "unknown option", "databases?")
    assert "app" not in place.target.databases()


def test_a_part_of_a_snapshot_is_judged_by_what_was_asked_for(place):
    numbered, tables = place.snapshot(None, "numbered"), place.snapshot("app", "tables")
    place.restore(f"{numbered}:/00001-app.dump", "part", "create_db").check()
    place.assert_equal("app", "part")
    place.restore(f"{tables}:/00001-app", "part", "recreate").check()
    place.assert_equal("app", "part")
    place.restore(f"{place.snapshot('app')}:/app.dump", None).check()  # by its own name
    place.assert_equal("app")
    place.target.sql("CREATE ROLE left_alone")
    place.restore(f"{numbered}:/00000-globals.sql").check()
    for path in ("manifest.json", "summary.json"):
        assert_failed(place.restore(f"{place.snapshot('app')}:/{path}"), "snapshot")


# ---- What the official integration has stored


OFFICIAL = {
    "numbered": ["manifest.json", "00000-globals.sql", "00001-app.dump", "00002-2024 sales.dump"],
    "old, one": ["manifest.json", "globals.sql", "app.dump"],
    "old, all": ["manifest.json", "all.sql"],
    "db": ["db/00000-globals.sql", "db/00001-app.dump", "fs/etc/hosts"],
}


@pytest.fixture(scope="module")
def official(place):
    """{layout: a snapshot of the files that stock tools make of such a one}."""
    logical.make(place.source, "2024 sales", "CREATE TABLE s AS SELECT generate_series(1, 9) n;")
    snapshots = {}
    for layout, files in OFFICIAL.items():
        folder = temp.new_dir("official")
        for file in files:
            make_official(place.source, folder / file, "old, one" == layout)
        before = set(place.plakar.snapshots())
        place.plakar.backup(folder).check()
        (snapshots[layout],) = set(place.plakar.snapshots()) - before
        temp.remove(folder)
    return snapshots


def make_official(server, path, of_one):
    path.parent.mkdir(parents=True, exist_ok=True)
    env = {**logical._environment(server, "postgres"), "PGCLIENTENCODING": None}
    if path.name == "manifest.json":
        names = ["app"] if of_one else ["app", "2024 sales", "template0"]
        path.write_text(json.dumps({
            "version": 2, "connector": "postgresql", "dump_format": "custom",
            **({"database": "app"} if of_one else {}), "options": {"compress": False},
            "databases": [{"name": name, "allow_conn": name != "template0"} for name in names]}))
    elif path.name.endswith("globals.sql") or path.name == "all.sql":
        some = ["--globals-only"] if path.name != "all.sql" else []
        process.run([logical.stock("pg_dumpall", server), *some, "-f", path], env=env).check()
    elif path.name == "hosts":
        path.write_text("127.0.0.1 localhost")
    else:
        db = re.sub(r"^\d{5}-", "", path.stem)
        env["PGDATABASE"] = db
        process.run([logical.stock("pg_dump", server), "-Fc", "-Z0", "-f", path],
                    env=env).check()


@pytest.mark.parametrize("layout", OFFICIAL)
def test_what_the_official_integration_stored_comes_back(place, official, layout):
    result = place.restore(official[layout], None)
    assert result.rc == 0, result
    place.assert_equal("app")
    

def test_what_it_stored_is_complete_or_is_not(place, official):
    folder = temp.new_dir("official")
    for file in OFFICIAL["numbered"][:3]:
        make_official(place.source, folder / file, False)
    place.plakar.backup(folder).check()
    temp.remove(folder)
    snapshot = place.plakar.snapshots()[0]
    assert_failed(place.restore(snapshot), '"2024 sales"', "exclude_databases")
    place.assert_equal("app")  # what came was restored
    assert_failed(place.restore(snapshot, None, "exclude_databases=2024*"), "clean")
    place.restore(snapshot, None, "exclude_databases=2024*", "recreate").check()
    place.assert_equal("app")
    # One of them, by its path; its name is a number's.
    place.restore(f"{official['numbered']}:00002-2024 sales.dump").check()
    place.assert_equal("2024 sales")


# ---- What cannot be done: never exit status 0


def assert_failed(result, *texts):
    assert result.rc == 1, result
    for text in texts:
        assert text in result.stdout, (text, result)
    assert "--" not in result.stdout.split("plakar:")[-1], result  # keys, no flags


def test_what_cannot_be_done_is_said_before_anything_is_done(place):
    snapshot = place.snapshot("app")
    assert_failed(place.restore(snapshot, "nowhere"), "nowhere", "create_db")
    place.target.sql("DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN")
    logical.make(place.target, "there", "CREATE TABLE kept ()")
    assert_failed(place.restore(snapshot, "there"), "clean", "recreate")
    logical.make(place.target, "there")
    assert_failed(place.restore(snapshot, "there", "username=weak"), "ALTER ROLE", "failed")
    assert_failed(place.restore(snapshot, "there", "port=1"), "Connection refused")
    assert_failed(place.restore(snapshot, "there", "clean", "recreate"), "clean and recreate")
    assert_failed(place.restore(snapshot, "there", "restore_globals"), "no_globals")
    assert place.is_empty("there")


def test_what_fails_on_the_way_fails_the_restore(place):
    logical.make(place.target, "there", "CREATE TABLE book (other int)")
    result = place.restore(place.snapshot("app"), "there", "into_existing")
    assert_failed(result, "failed", "book")
    assert "KO ✘ /app.dump" in result.stdout + result.stderr


def big_snapshot(place):
    """Of 30 MB in a database whose name sorts before globals."""
    if "big" not in place.source.databases():
        logical.make(place.source, "big", """
            CREATE TABLE t (a text); ALTER TABLE t ALTER a SET STORAGE EXTERNAL;
            INSERT INTO t SELECT repeat(md5(g::text), 60) FROM generate_series(1, 16000) g;""")
    return place.snapshot("big")


def test_a_spool_that_is_full_fails_the_restore(place, small_disk):
    """What comes before its globals is kept in a file, which there is no room for."""
    room = small_disk(8)
    result = place.restore(big_snapshot(place), None, "create_db=true", f"spool_dir={room}")
    assert_failed(result, "No space left", "spool_dir")
    assert "big" not in place.target.databases() and list(room.iterdir()) == []


def test_a_server_that_dies_fails_the_restore(place):
    logical.make(place.target, "held", "CREATE TABLE book (id int, title text)")
    command = ["at", place.plakar.store, "restore", "-o", "data_only", "-o", "into_existing", "-o",
               "no_globals", "-to", location(place.target, "held"), place.snapshot("app")]
    with contextlib.ExitStack() as stack:
        session = place.target.session("held")
        stack.callback(close_anyway, session)
        session.sql("BEGIN; LOCK TABLE book")
        with place.plakar.popen(*command) as running:
            oracles.wait_for_sessions(
                place.target, lambda found: any(lock[3] == "f" for lock in found.locks), 30)
            place.target.stop("immediate")
            result = running.wait(60)
    place.target.start()
    assert_failed(result)
    assert re.search("terminat|closed the connection", result.stdout.splitlines()[-1]), result
    assert place.target.value("SELECT count(*) FROM book", "held") == "0"
    wait_for(lambda: not place.plakar.plugin_pids())


def close_anyway(session):
    with contextlib.suppress(Exception):  # its server is gone
        session.close()


def test_a_target_that_is_full_fails_the_restore(place, small_disk):
    snapshot = big_snapshot(place)
    room = small_disk(24)
    process.give_to_server(room)
    place.target.sql(f"CREATE TABLESPACE small LOCATION '{room}'")
    place.target.sql("CREATE DATABASE full_one TABLESPACE small")
    try:
        assert_failed(place.restore(snapshot, "full_one"), "No space left")
    finally:
        logical.drop(place.target, "full_one")
        place.target.sql("DROP TABLESPACE small")


@pytest.mark.parametrize("how", ["interrupt", "kill plakar", "kill plugin", "kill session"])
def test_a_restore_that_is_ended_leaves_no_session(place, how):
    logical.make(place.target, "held", "CREATE TABLE book (id int, title text)")
    command = ["at", place.plakar.store, "restore", "-o", "data_only", "-o", "into_existing", "-o",
               "no_globals", "-to", location(place.target, "held"), place.snapshot("app")]
    with place.target.session("held") as session:
        session.sql("BEGIN; LOCK TABLE book")
        with place.plakar.popen(*command) as running:
            oracles.wait_for_sessions(
                place.target, lambda found: any(lock[3] == "f" for lock in found.locks), 30)
            if how == "interrupt":
                running.send_signal(signal.SIGINT)
            elif how == "kill plakar":
                running.kill()
            elif how == "kill plugin":
                for pid in place.plakar.plugin_pids():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            else:
                place.target.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                 " WHERE application_name LIKE 'pgcask%'")
            result = running.wait(60)
        assert result.rc != 0, result
        oracles.wait_for_nothing_left(place.target, timeout=10)
    wait_for(lambda: not place.plakar.plugin_pids())


def wait_for(condition, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_destination_is_configured_and_asked(place):
    run = place.plakar.run
    logical.make(place.target, "there")
    run("destination", "add", "pg", location(place.target, "there"), "no_owner=true",
        "pg_bin_dir=/usr/bin", "clean=", "jobs=2").check()
    assert "configuration OK" in run("destination", "ping", "pg").check().stdout
    run("destination", "check", "pg").check()
    result = place.plakar.on_store("restore", "-to", "@pg", place.snapshot("app")).check()
    assert "pg_bin_dir is ignored" in result.stderr
    assert logical.table_sums(place.target, "there") == logical.table_sums(place.source, "app")
    run("destination", "set", "pg", "database=nowhere").check()
    assert_failed(run("destination", "ping", "pg"), "nowhere")
    run("destination", "rm", "pg").check()
