"""A database that a restore makes has its name once it is complete, and the one that it replaces is
there until then: whatever ends the restore, and whenever."""

import json
import re
import shutil
import signal
import time

import pytest

from pgcask_testing import logical, process, restored, temp
from pgcask_testing.logical import cluster, make  # noqa: F401: a fixture
from pgcask_testing.restored import restorer  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled(1)

NAME = "it's the App"
QUOTED = f'"{NAME}"'
OLD = "CREATE TABLE old (n int); INSERT INTO old VALUES (1), (2)"
INTERIM = "datname ~ '^pgcask_re(store|placed)_[0-9a-f]{12}$'"
ENDS = pytest.mark.majors(13, 15, 18)


def wait_for(condition, seconds=60, running=None):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        assert running is None or running.running(), running.wait(1)
        time.sleep(0.02)


def interim(server):
    return [row[0] for row in server.sql(f"SELECT datname FROM pg_database WHERE {INTERIM}")]


def remark(server, db):
    return server.value("SELECT shobj_description(oid, 'pg_database') FROM pg_database "
                        f"WHERE datname = $n${db}$n$")


class Held:
    """An archive whose restore waits, when all rows are in, while a file is there."""

    def __init__(self, pgcask, cluster, workdir):
        self.file = workdir / "hold"
        self.cluster = cluster
        db = make(cluster, NAME, f"""
            CREATE FUNCTION hold(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
            BEGIN WHILE (pg_stat_file('{self.file}', true)).size IS NOT NULL LOOP
                PERFORM pg_sleep(0.02); END LOOP; RETURN n; END $$;
            CREATE TABLE t AS SELECT generate_series(1, 100) n;
            CREATE TABLE u AS SELECT generate_series(1, 50) n;
            CREATE INDEX ON t (public.hold(n));
            CREATE INDEX ON u (n);""", f"""
            COMMENT ON DATABASE {QUOTED} IS 'its own';
            ALTER DATABASE {QUOTED} SET work_mem = '5MB';
            ALTER DATABASE {QUOTED} CONNECTION LIMIT 77;
            GRANT CREATE ON DATABASE {QUOTED} TO bob;""")
        self.own = logical.back_up(pgcask, cluster, db, workdir / "backup")
        self.stock = logical.stock_archive(cluster, db, workdir / "stock.dump")
        self.facts = self._facts()
        logical.drop(cluster, db)

    def _facts(self):
        return restored.facts(self.cluster, NAME), logical.database_facts(self.cluster, NAME)

    def prepare(self, recreate):
        """The options of a restore that makes or replaces the database."""
        if recreate and NAME not in self.cluster.databases():
            make(self.cluster, NAME, OLD)
        self.before = logical.database_facts(self.cluster, NAME)
        return ["--database", NAME, "--recreate" if recreate else "--create-db"]

    def sessions(self, condition="TRUE"):
        return int(self.cluster.value("SELECT count(*) FROM pg_stat_activity WHERE "
                                      f"{INTERIM} AND {condition}"))

    def wait(self, running):
        wait_for(lambda: self.sessions("wait_event = 'PgSleep'") == 1, running=running)

    def assert_unchanged(self, recreate):
        if not recreate:
            assert NAME not in self.cluster.databases()
            return
        assert self.cluster.value("SELECT array_agg(n) FROM old", NAME) == "{1,2}"
        assert logical.database_facts(self.cluster, NAME) == self.before

    def assert_restored(self):
        assert interim(self.cluster) == [] and self._facts() == self.facts


@pytest.fixture(scope="module")
def archives(pgcask, cluster):
    folder = temp.new_dir("held")
    yield Held(pgcask, cluster, folder)
    temp.remove(folder)


@pytest.fixture
def held(cluster, archives):
    archives.file.touch()
    yield archives
    archives.file.unlink(missing_ok=True)
    for name in [NAME, *interim(cluster)]:
        if name in cluster.databases():
            logical.drop(cluster, name)


@pytest.mark.parametrize("recreate", [False, True], ids=["create", "recreate"])
def test_a_killed_restore_leaves_nothing_by_that_name(pgcask, pgcask_popen, cluster, held, recreate):
    how = held.prepare(recreate)
    running = pgcask_popen("restore", held.own, "--to", cluster.uri(), *how, "--jobs",
                           4 if recreate else 1)
    held.wait(running)
    running.send_signal(signal.SIGKILL)
    wait_for(lambda: held.sessions() == 0, 10)
    held.assert_unchanged(recreate)
    (left,) = interim(cluster)
    assert re.fullmatch(f'pgcask: being filled for the database "{re.escape(NAME)}" since '
                        r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", remark(cluster, left))
    # The next one tells of it, and drops nothing that it has not made.
    held.file.unlink()
    told = pgcask("restore", held.stock, "--to", cluster.uri(), *how).check()
    assert f"DROP DATABASE {left};" in told.stderr and "was ended has left" in told.stderr, told
    assert interim(cluster) == [left]
    cluster.sql(f"DROP DATABASE {left}")
    held.assert_restored()


@pytest.mark.parametrize("way, recreate", [
    ("SIGINT", True), ("SIGTERM", False), ("session", False), ("server", True)])
def test_what_ends_a_restore_early_leaves_nothing(pgcask_popen, cluster, held, way, recreate):
    how = held.prepare(recreate)
    running = pgcask_popen("restore", held.own, "--to", cluster.uri(), *how, "--jobs",
                           4 if way in ("SIGINT", "session") else 1, "--json")
    held.wait(running)
    if way == "session":
        cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                    f"{INTERIM} AND wait_event = 'PgSleep'")
    elif way == "server":
        cluster.restart("immediate")
    else:
        running.send_signal(getattr(signal, way))
    result = running.wait(60)
    assert result.rc == 1, result
    assert interim(cluster) == [] and held.sessions() == 0, result
    assert "What was restored is dropped" in result.stdout, result
    assert '"rows": 0' in result.stdout or '"rows"' not in result.stdout, result
    held.assert_unchanged(recreate)


@pytest.mark.parametrize("streams", [False, True], ids=["file", "pipe"])
def test_an_old_database_that_is_in_use_stays(pgcask_popen, cluster, held, streams):
    how = held.prepare(True)
    with open(held.stock, "rb") as stdin:
        running = pgcask_popen("restore", "-" if streams else held.stock, "--to", cluster.uri(),
                               *how, stdin=stdin)
    held.wait(running)
    with cluster.session(NAME):
        held.file.unlink()
        result = running.wait(60)
        assert result.rc == 1 and "is being accessed by other users" in result.stderr, result
        held.assert_unchanged(True)
    (new,) = interim(cluster)
    assert remark(cluster, new) == "its own"
    for statement in (f"DROP DATABASE {QUOTED}", f"ALTER DATABASE {new} RENAME TO {QUOTED}"):
        assert statement + ";" in result.stderr, result
        cluster.sql(statement)
    held.assert_restored()


def test_one_that_somebody_has_made_meanwhile_stays(pgcask_popen, pgcask, cluster, held):
    how = held.prepare(False)
    running = pgcask_popen("restore", held.own, "--to", cluster.uri(), *how)
    held.wait(running)
    make(cluster, NAME, OLD)
    held.file.unlink()
    result = running.wait(60)
    assert result.rc == 1 and "already exists" in result.stderr, result
    assert cluster.value("SELECT array_agg(n) FROM old", NAME) == "{1,2}"
    (new,) = interim(cluster)
    for statement in (f"DROP DATABASE {QUOTED}", f"ALTER DATABASE {new} RENAME TO {QUOTED}"):
        assert statement + ";" in result.stderr, result
        cluster.sql(statement)
    held.assert_restored()


def test_sessions_in_the_new_one_do_not_keep_it(pgcask_popen, cluster, held):
    """As of an extension's worker, or a pooler that keeps what it once opened."""
    running = pgcask_popen("restore", held.own, "--to", cluster.uri(), *held.prepare(True))
    held.wait(running)
    with cluster.session(interim(cluster)[0]):
        held.file.unlink()
        running.wait(60).check()
    held.assert_restored()


# Archives that do not come to their end


MD5 = b"c4ca4238a0b923820dcc509a6f75849b"
SUBSCRIPTION_GOES = ("ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); "
                     "DROP SUBSCRIPTION s")
BAD = """
    CREATE FUNCTION bad(n int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN IF current_database() = '{db}' THEN RETURN true; END IF;
        RAISE 'not in %', current_database(); END $$;
    CREATE TABLE t AS SELECT n, md5(n::text) AS m FROM generate_series(1, 2000) n;
    CREATE TABLE u AS SELECT 1 AS n;
    CREATE INDEX broken ON u (public.bad(n));
    CREATE PUBLICATION p FOR TABLE t;
    CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false);
"""


@pytest.fixture(scope="module")
def sources(pgcask, cluster):
    """What a statement of fails in another database, as archive and backups."""
    folder = temp.new_dir("interim")
    db = make(cluster, "source", BAD.format(db="source"),
              "ALTER DATABASE source IS_TEMPLATE true; COMMENT ON DATABASE source IS 'templ'")
    logical.back_up(pgcask, cluster, db, folder / "classic")
    logical.back_up_layout(pgcask, cluster, db, folder / "tables", "tables")
    logical.stock_archive(cluster, db, folder / "stock.dump")
    cluster.sql("ALTER DATABASE source IS_TEMPLATE false")
    logical.run_sql(cluster, db, SUBSCRIPTION_GOES)
    logical.drop(cluster, db)
    yield folder
    temp.remove(folder)


def damage(folder, workdir):
    """A byte of a row is another: nothing but the digest tells."""
    copy = workdir / "damaged"
    shutil.copytree(folder, copy)
    (path, content), = ((path, bytearray(path.read_bytes())) for path in copy.rglob("*")
                        if path.is_file() and MD5 in path.read_bytes())
    content[content.index(MD5)] ^= 1
    path.write_bytes(content)
    return copy


@pytest.mark.parametrize("case", ["exit", "single", "cut", "pipe", "classic", "tables"])
def test_an_archive_that_does_not_come_to_its_end(pgcask, cluster, sources, workdir, case):
    stock = sources / "stock.dump"
    cut = workdir / "cut.dump"
    cut.write_bytes(stock.read_bytes()[:-len(stock.read_bytes()) // 3])
    stream = cut
    words = {"exit": [stock, "--exit-on-error"], "single": [stock, "--single-transaction"],
             "cut": [cut], "pipe": ["-"]}.get(case)
    if words is None:  # of a folder it is known before
        stream = logical.in_byte_order(damage(sources / case, workdir), workdir / "a.tar", key=(
            lambda path: (path.name == "summary.json", path.name != "manifest.json", str(path))))
        words = ["-"]
    make(cluster, "app", OLD)
    before = cluster.databases()
    for database, how in (("app", "--recreate"), ("new", "--create-db")):
        with open(stream, "rb") as stdin:
            told = pgcask("restore", *words, "--to", cluster.uri(), "--database", database, how,
                          stdin=stdin)
        assert told.rc == 1 and cluster.databases() == before, told
        assert cluster.value("SELECT array_agg(n) FROM old", "app") == "{1,2}"
        if case not in ("cut", "pipe"):
            assert f"not in {database}" in told.stderr and "is dropped" in told.stderr, told
        assert "cannot be relied on" not in told.stderr, told
    logical.drop(cluster, "app")


@ENDS
def test_a_disk_without_room_for_both(pgcask, cluster, workdir, small_disk):
    place = small_disk(34)
    shutil.chown(place, process.server_user())
    cluster.sql(f"CREATE TABLESPACE small LOCATION '{place}'")
    db = make(cluster, "app", "CREATE TABLE t AS SELECT repeat('x', 1000) FROM "
                              "generate_series(1, 20000)", options="TABLESPACE small")
    archive = logical.stock_archive(cluster, db, workdir / "app.dump")
    make(cluster, db, OLD, "CREATE TABLE more AS SELECT repeat('x', 1000) FROM "
                           "generate_series(1, 10000)", options="TABLESPACE small")
    told = pgcask("restore", archive, "--to", cluster.uri(), "--database", db, "--recreate",
                  "--exit-on-error")
    assert told.rc == 1 and "o space left" in told.stderr and interim(cluster) == [], told
    assert cluster.value("SELECT array_agg(n) FROM old", db) == "{1,2}"
    logical.drop(cluster, db)
    pgcask("restore", archive, "--to", cluster.uri(), "--database", db, "--create-db").check()
    logical.drop(cluster, db)
    cluster.sql("CHECKPOINT")
    cluster.sql("DROP TABLESPACE small")


def test_where_something_fails_the_old_one_stays(pgcask, cluster, sources):
    """… and the end says what to type, to have the new one or to drop it."""
    make(cluster, "app", OLD)
    before = logical.database_facts(cluster, "app")
    for source, takes in (("stock.dump", False), ("tables", True)):
        told = pgcask("restore", sources / source, "--to", cluster.uri(), "--database", "app",
                      "--recreate", "--json")
        assert told.rc == 3 and "not in app" in told.stdout, told
        assert logical.database_facts(cluster, "app") == before
        assert cluster.value("SELECT array_agg(n) FROM old", "app") == "{1,2}"
        (new,) = interim(cluster)
        finding, = (found for found in json.loads(told.stdout)["findings"]
                    if new in found["message"])
        have, drop = re.fullmatch(r"To have .*? the same: (.*;)  To drop it instead: (.*);.*",
                                  finding["hint"]).groups()
        assert '"app" is as it was' in finding["message"], told
        if not takes:
            logical.run_sql(cluster, new, SUBSCRIPTION_GOES)
        for statement in (have.strip(";") if takes else drop).split("; "):
            cluster.sql(statement)
    assert interim(cluster) == []
    assert cluster.value("SELECT count(*) FROM t", "app") == "2000"
    assert cluster.sql("SELECT datistemplate, shobj_description(oid, 'pg_database') "
                       "FROM pg_database WHERE datname = 'app'") == [["t", "templ"]]
    cluster.sql("ALTER DATABASE app IS_TEMPLATE false")
    logical.run_sql(cluster, "app", SUBSCRIPTION_GOES)
    logical.drop(cluster, "app")


def test_what_fails_keeps_no_new_database_from_its_name(pgcask, restorer, cluster, sources):
    """… and no message has another."""
    for source in ("stock.dump", "tables"):
        told = pgcask("restore", sources / source, "--to", cluster.uri(), "--database", "app",
                      "--create-db", "--json")
        assert told.rc == 3 and "not in app" in told.stdout, told
        assert "pgcask_re" not in told.stdout + told.stderr and interim(cluster) == [], told
        assert cluster.value("SELECT count(*) FROM t", "app") == "2000"
        assert cluster.sql("SELECT datistemplate, shobj_description(oid, 'pg_database') "
                           "FROM pg_database WHERE datname = 'app'") == [["t", "templ"]]
        cluster.sql("ALTER DATABASE app IS_TEMPLATE false")
        logical.run_sql(cluster, "app", SUBSCRIPTION_GOES)
        logical.drop(cluster, "app")


@pytest.mark.parametrize("layout", ["numbered", "tables"])
def test_of_several_each_has_its_name_when_it_is_complete(pgcask, cluster, workdir, layout):
    for name in ("a", "b"):
        make(cluster, name, BAD.format(db=name) if name == "b" else OLD)
    pgcask("backup", cluster.uri(None), "--databases", "a,b", "--layout", layout, "--to",
           workdir / "all", "--quiet").check()
    logical.run_sql(cluster, "b", SUBSCRIPTION_GOES)
    for name in ("a", "b"):
        logical.drop(cluster, name)
        make(cluster, name, "CREATE TABLE before (n int)")
    told = pgcask("restore", workdir / "all", "--to", cluster.uri(None), "--recreate",
                  "--exit-on-error", "--no-globals")
    assert told.rc == 1 and interim(cluster) == [], told
    assert '1 database was restored before: "a"' in told.stderr, told
    assert "What was restored is dropped" in told.stderr, told
    assert cluster.value("SELECT array_agg(n) FROM old", "a") == "{1,2}"
    assert cluster.value("SELECT count(*) FROM before", "b") == "0"
    for name in ("a", "b"):
        logical.drop(cluster, name)


@pytest.mark.parametrize("layout", ["numbered", "tables", "numbered.tar"])
def test_of_several_a_damaged_one_replaces_nothing(pgcask, cluster, workdir, layout):
    """Where it can be read twice, nothing of the others either."""
    for name in ("a", "b"):
        make(cluster, name, "CREATE TABLE t AS SELECT md5(n::text) FROM generate_series(1, 9) n"
             if name == "b" else OLD)
    pgcask("backup", cluster.uri(None), "--databases", "a,b", "--layout", layout.split(".")[0],
           "--to", workdir / "all", "--quiet").check()
    damaged = damage(workdir / "all", workdir)
    if "." in layout:
        damaged = logical.in_byte_order(damaged, workdir / "all.tar", key=(
            lambda path: (path.name == "summary.json", path.name != "manifest.json", str(path))))
    for name in ("a", "b"):
        logical.drop(cluster, name)
        make(cluster, name, "CREATE TABLE before (n int)")
    told = pgcask("restore", damaged, "--to", cluster.uri(None), "--recreate", "--no-globals")
    assert told.rc == 1 and interim(cluster) == [], told
    assert "its digest differs" in told.stderr and "Nothing was restored" in told.stderr, told
    for name in ("a", "b"):
        assert cluster.value("SELECT count(*) FROM before", name) == "0"
    pgcask("restore", workdir / "all", "--to", cluster.uri(None), "--recreate",
           "--no-globals").check()
    assert cluster.value("SELECT count(*) FROM t", "b") == "9"
    for name in ("a", "b"):
        logical.drop(cluster, name)


# Scripts, which fill their databases under the names that they say


SCRIPT = """-- PostgreSQL database dump
SELECT pg_catalog.set_config('search_path', '', false);
CREATE DATABASE {name} WITH TEMPLATE = template0 ENCODING = 'UTF8';
\\connect {name}
ALTER DATABASE {name} SET work_mem = '6MB';
\\connect {name}
CREATE TABLE public.t (n int);
COPY public.t (n) FROM stdin;
{rows}
\\.
-- PostgreSQL database dump complete
"""
COMMENT = "its \\own; \"comment\" é"


@pytest.fixture
def odd(cluster):
    """An old database of an odd name, with what it has of its own; and another that is ended well."""
    make(cluster, NAME, OLD, f"COMMENT ON DATABASE {QUOTED} IS '{COMMENT}'; "
         f"ALTER DATABASE {QUOTED} SET work_mem = '7MB'")
    make(cluster, "other", OLD)
    yield logical.database_facts(cluster, NAME), cluster.databases()
    for name in [NAME, "other", *interim(cluster)]:
        if name in cluster.databases():
            logical.drop(cluster, name)


def assert_old(cluster, odd):
    assert logical.database_facts(cluster, NAME) == odd[0]
    assert cluster.value("SELECT array_agg(n) FROM old", NAME) == "{1,2}"


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_of_a_script_the_old_one_stays_where_something_fails(pgcask, cluster, workdir, odd, piped):
    def restore(text):
        path = workdir / "x.sql"
        path.write_text(text)
        with open(path, "rb") as stdin:
            return pgcask("restore", "-" if piped else path, "--to", cluster.uri(None), "--recreate",
                          "--json", stdin=stdin)

    # Of several only those of which something failed; the script's connects back get nowhere.
    told = restore("-- PostgreSQL database cluster dump\n" +
                   SCRIPT.format(name=QUOTED, rows="1\nx") +
                   SCRIPT.format(name="other", rows="1") +
                   f"\\connect {QUOTED}\nCREATE TABLE public.late (n int);\n"
                   "-- PostgreSQL database cluster dump complete\n")
    assert told.rc == 3, told
    assert_old(cluster, odd)
    assert cluster.value("SELECT to_regclass('late')", NAME) in (None, "")
    assert cluster.value("SELECT n FROM t", "other") == "1"
    (new,) = interim(cluster)
    assert remark(cluster, new).startswith(f'pgcask: being filled for the database "{NAME}" since')
    finding, = (found for found in json.loads(told.stdout)["findings"] if new in found["message"])
    have, drop = re.fullmatch(r"To have .*? the same: (.*;)  To drop it instead: (.*);.*",
                              finding["hint"]).groups()
    assert f'"{NAME}" is as it was' in finding["message"], told
    for statement in (have.strip(";") if piped else drop).split("; "):
        cluster.sql(statement)
    if piped:
        assert cluster.value("SELECT count(*) FROM t", NAME) == "0"
        assert remark(cluster, NAME) in (None, "")
    assert interim(cluster) == []
    # One that is complete takes its place, and none of the old one's comment.
    told = restore(SCRIPT.format(name=QUOTED, rows="1"))
    assert told.rc == 0 and interim(cluster) == [] and cluster.databases() == odd[1], told
    assert cluster.value("SELECT n FROM t", NAME) == "1" and remark(cluster, NAME) in (None, "")


@pytest.mark.parametrize("way", ["cut", "exit", "single", "SIGINT", "session", "server", "SIGKILL"])
def test_a_script_that_does_not_come_to_its_end(pgcask_popen, pgcask, cluster, workdir, odd, way):
    rows = "1\nx" if way in ("exit", "single") else "1"
    text = SCRIPT.format(name=QUOTED, rows=rows)
    if way not in ("cut", "exit", "single"):
        text = text.replace("CREATE TABLE", "SELECT pg_sleep(60);\nCREATE TABLE")
    path = workdir / "x.sql"
    path.write_text(text[:text.index("\\.")] if way == "cut" else text)
    words = {"exit": ["--exit-on-error"], "single": ["--single-transaction"]}.get(way, [])
    with open(path, "rb") as stdin:
        running = pgcask_popen("restore", "-", "--to", cluster.uri(None), "--recreate", "--json",
                               *words, stdin=stdin)
    asleep = f"FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = $n${NAME}$n$"
    if way not in ("cut", "exit", "single"):
        wait_for(lambda: cluster.value(f"SELECT count(*) {asleep}") == "1", running=running)
    if way == "session":
        cluster.sql(f"SELECT pg_terminate_backend(pid) {asleep}")
    elif way == "server":
        cluster.restart("immediate")
    elif way.startswith("SIG"):
        running.send_signal(getattr(signal, way))
    result = running.wait(60)
    if way != "SIGKILL":
        assert result.rc == 1 and interim(cluster) == [] and cluster.databases() == odd[1], result
        assert "What was restored is dropped; the database that was there" in result.stdout, result
        assert_old(cluster, odd)
        return
    # It is there by another name, and the next restore of that database says how to have it back.
    cluster.sql(f"SELECT pg_terminate_backend(pid) {asleep}")
    (left,) = interim(cluster)
    told = pgcask("restore", path, "--to", cluster.uri(None), "--recreate", "--dry-run", "--json")
    finding, = (found for found in json.loads(told.stdout)["findings"] if left in found["message"])
    assert "left the one that it was to replace" in finding["message"], told
    back = re.fullmatch(r"To have it back: (.*);  If the new one is complete: DROP DATABASE .*;",
                        finding["hint"])[1]
    wait_for(lambda: cluster.value(f"SELECT count(*) {asleep}") == "0")
    first, second, third = re.split("; (?=ALTER|COMMENT)", back)
    for statement in (first, second, third):
        cluster.sql(statement)
    assert_old(cluster, odd)


# Roles and names that are let in


def test_an_owner_whose_rights_the_role_has_not(pgcask, cluster, workdir):
    db = make(cluster, "owned", """
        ALTER DATABASE owned OWNER TO alice; GRANT CREATE ON DATABASE owned TO bob;
        REVOKE TEMPORARY ON DATABASE owned FROM PUBLIC; COMMENT ON DATABASE owned IS 'hers'""")
    archive = logical.stock_archive(cluster, db, workdir / "owned.dump")
    before = logical.database_facts(cluster, db)
    logical.drop(cluster, db)
    cluster.sql("CREATE ROLE maker LOGIN CREATEDB NOINHERIT")
    cluster.sql("GRANT alice TO maker")
    pgcask("restore", archive, "--to", cluster.uri(user="maker"), "--database", db, "--create-db",
           "--no-owner").check()
    logical.drop(cluster, db)
    told = pgcask("restore", archive, "--to", cluster.uri(user="maker"), "--database", db,
                  "--create-db")
    assert told.rc in (0, 3) and interim(cluster) == [], told
    after = logical.database_facts(cluster, db)
    assert after.split(b"|")[0] == before.split(b"|")[0] == b"alice", told
    logical.drop(cluster, db)
    cluster.sql("DROP ROLE maker")


@ENDS
def test_a_server_that_goes_by_names(pgcask, servers, major, cluster, workdir):
    db = make(cluster, "app", "CREATE TABLE t AS SELECT 1 AS n")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.drop(cluster, db)
    server = servers.create(major, hba=[
        "local all all trust", "host postgres,app all 127.0.0.1/32 trust"])
    told = pgcask("restore", archive, "--to", server.uri(), "--database", db, "--create-db").check()
    assert "has its name before it is complete" in told.stderr, told
    assert server.databases().count("app") == 1 and interim(server) == []
    assert remark(server, db) in (None, "")
    server.sql("UPDATE t SET n = 2", db)
    told = pgcask("restore", archive, "--to", server.uri(), "--database", db, "--recreate")
    assert told.rc == 1 and "pg_hba.conf" in told.stderr, told
    assert 'DROP DATABASE "app";' in told.stderr and "--create-db" in told.stderr, told
    assert server.value("SELECT n FROM t", db) == "2" and interim(server) == []
