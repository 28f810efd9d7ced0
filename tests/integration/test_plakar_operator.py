"""What an operator tries with a restore into a server, a case each: none of it ends with exit status 0
unless all of it was restored, and what was not named is not touched. The real plakar.

Each of these went wrong, or was not told, with the official integration (v1.1.0-beta.9), whose restores
ended with status 0 in nearly all of them.
"""

import re
import shutil

import pytest

from pgcask_testing import logical, oracles, process, temp
from pgcask_testing.plakar import Plakar, plakar_package  # noqa: F401

pytestmark = [pytest.mark.majors(15, 18), pytest.mark.sampled(1)]
PASSWORD = "s3cret of theirs"
CONTENT = """
    CREATE TABLE author (id int PRIMARY KEY, name text);
    CREATE TABLE book (id int PRIMARY KEY, author int NOT NULL REFERENCES author, title text);
    CREATE TABLE "no key" (n int);
    INSERT INTO author SELECT g, 'author ' || g FROM generate_series(1, 20) g;
    INSERT INTO book SELECT g, 1 + g % 20, 'book ' || g FROM generate_series(1, 200) g;
    INSERT INTO "no key" SELECT generate_series(1, 50);
    ALTER TABLE book OWNER TO alice;
    ALTER TABLE author OWNER TO bob;
    GRANT SELECT ON "no key" TO carol;
"""


class Stage:
    """Two clusters, a plakar, and snapshots of the first."""

    def __init__(self, major, servers, package):
        self.source = servers.create(major)
        self.target = servers.create(major, hba=[
            "local all all trust", "host all guarded 127.0.0.1/32 scram-sha-256",
            "host all all 127.0.0.1/32 trust"])
        self.plakar = Plakar(temp.new_dir("plakar"))
        self.plakar.run("pkg", "add", package).check()
        self.plakar.create_store()
        self.snapshots = {}
        self.source.sql("CREATE ROLE alice; CREATE ROLE bob; CREATE ROLE carol")
        self.target.sql(f"CREATE ROLE guarded LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
        logical.make(self.source, "shop", CONTENT)
        logical.make(self.source, "pops", "CREATE TABLE record (id int); "
                                          "INSERT INTO record SELECT generate_series(1, 30)")

    def snapshot(self, db, layout="classic", *options):
        """Its id, of a database (None: of all); made once."""
        key = (db, layout, *options)
        if key not in self.snapshots:
            keys = [word for option in (f"layout={layout}", *options) for word in ("-o", option)]
            before = set(self.plakar.snapshots())
            self.plakar.backup(*keys, location(self.source, db)).check()
            (self.snapshots[key],) = set(self.plakar.snapshots()) - before
        return self.snapshots[key]

    def restore(self, snapshot, db=None, *options, **more):
        keys = [word for option in options for word in ("-o", option)]
        return self.plakar.on_store("restore", *keys, "-to", location(self.target, db), snapshot,
                                    **more)

    def clear(self):
        """The target as it was made."""
        for name in self.target.databases():
            if name not in ("postgres", "template0", "template1"):
                logical.drop(self.target, name)
        for role in ("alice", "bob", "carol", "weak"):
            self.target.sql(f"DROP ROLE IF EXISTS {role}")

    def rows(self, db, table="book"):
        return int(self.target.value(f'SELECT count(*) FROM "{table}"', db))

    def assert_equal(self, db, copy=None):
        copy = copy or db
        assert logical.dump_schema(self.target, copy) == logical.dump_schema(self.source, db)
        assert logical.table_sums(self.target, copy) == logical.table_sums(self.source, db)


def location(server, db=None):
    return f"postgres://{server.superuser}@127.0.0.1:{server.port}" + (f"/{db}" if db else "")


@pytest.fixture(scope="module")
def whole_stage(major, module_servers, plakar_package):  # noqa: F811
    stage = Stage(major, module_servers, plakar_package)
    yield stage
    for server in (stage.source, stage.target):
        oracles.wait_for_nothing_left(server)
        server.close()
    assert list(stage.plakar.tmp.iterdir()) == []
    temp.remove(stage.plakar.home)


@pytest.fixture
def stage(whole_stage):
    yield whole_stage
    oracles.wait_for_nothing_left(whole_stage.target, timeout=10)
    whole_stage.clear()


def last_line(result):
    return result.stdout.strip().splitlines()[-1].partition("plakar: ")[2]


def assert_failed(result, *texts):
    """Status 1, and a last line that says all of these."""
    assert result.rc == 1, result
    said = last_line(result)
    assert 0 < len(said.encode()) < 1200, result
    for text in texts:
        assert text in said, (text, said)
    assert "--" not in said, said  # keys, no flags
    return said


# ---- Where it goes


def test_recreate_is_of_the_database_that_is_named(stage):
    logical.make(stage.target, "pops", "CREATE TABLE record (id int); INSERT INTO record VALUES (1)")
    logical.make(stage.target, "pops_r", "CREATE TABLE old ()")
    stage.restore(stage.snapshot("pops"), "pops_r", "recreate=true").check()
    stage.assert_equal("pops", "pops_r")
    assert stage.rows("pops", "record") == 1


def test_recreate_ends_before_it_begins_while_a_session_is_in_the_database(stage):
    logical.make(stage.target, "shop", "CREATE TABLE old (n int); INSERT INTO old VALUES (7)")
    with stage.target.session("shop") as session:
        session.sql("SELECT 1")
        result = stage.restore(stage.snapshot("shop"), "shop", "recreate=true")
        assert_failed(result, '1 session is in the database "shop"', "pg_terminate_backend")
    assert stage.target.sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND "
                            "relnamespace = 'public'::regnamespace", "shop") == [["old"]]
    assert stage.rows("shop", "old") == 1
    stage.restore(stage.snapshot("shop"), "shop", "recreate=true").check()
    stage.assert_equal("shop")


def test_a_database_that_holds_the_tables_is_refused(stage):
    stage.restore(stage.snapshot("shop"), None, "create_db=true").check()
    said = assert_failed(stage.restore(stage.snapshot("shop"), "shop"), '"shop" already holds')
    assert {"clean", "recreate", "into_existing"} <= set(re.findall(r"\w+", said))
    assert_failed(stage.restore(stage.snapshot("shop"), "shop", "create_db=true"), "already holds")
    stage.assert_equal("shop")  # what has no key is not there twice


def test_several_databases_are_not_merged_into_one(stage):
    for layout in ("classic", "numbered", "tables"):
        logical.make(stage.target, "one")
        assert_failed(stage.restore(stage.snapshot(None, layout), "one"), "databases")
        assert stage.target.sql("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace",
                                "one") == []
        assert "shop" not in stage.target.databases()


def test_what_cannot_be_reached_fails(stage):
    snapshot = stage.snapshot("shop")
    assert_failed(stage.restore(snapshot, "shop", "port=1"), "Connection refused")
    result = stage.restore(snapshot, "shop", "username=guarded", "password=another")
    assert_failed(result, "password")
    assert "another" not in result.stdout + result.stderr
    result = stage.restore(snapshot, "shop", "username=guarded")
    assert_failed(result, "password")
    assert_failed(stage.restore(snapshot, "shop"), '"shop"', "create_db")
    assert "shop" not in stage.target.databases()
    stage.restore(snapshot, "shop", "create_db=true", "username=guarded",
                  f"password={PASSWORD}").check()
    stage.assert_equal("shop")


def test_an_empty_server_gets_all_databases(stage):
    for layout in ("numbered", "tables", "classic"):
        result = stage.restore(stage.snapshot(None, layout))
        assert result.rc == 0 and "KO" not in result.stdout + result.stderr, result
        for db in ("shop", "pops"):
            stage.assert_equal(db)
        stage.clear()


# ---- What fails


def test_roles_that_are_missing_are_told_once_each(stage):
    """With no_globals nobody makes them."""
    snapshot = stage.snapshot("shop")
    result = stage.restore(snapshot, "shop", "create_db=true", "no_globals=true")
    said = assert_failed(result, "alice", "bob", "carol")
    assert len(said.encode()) < 1200
    assert_failed(stage.restore(snapshot, "shop", "recreate=true", "no_globals=true",
                                "no_owner=true"), "carol", "no_privileges")
    stage.restore(snapshot, "shop", "recreate=true", "no_globals=true", "no_owner=true",
                  "no_privileges=true").check()
    assert logical.table_sums(stage.target, "shop") == logical.table_sums(stage.source, "shop")
    assert stage.target.sql("SELECT relowner::regrole::text, relacl FROM pg_class WHERE "
                            "relname IN ('book', 'no key')", "shop") == [
                                [stage.target.superuser, None]] * 2


def test_exit_on_error_ends_it_and_roles_that_are_there_are_none(stage):
    stage.target.sql("CREATE ROLE alice; CREATE ROLE bob; CREATE ROLE carol")
    stage.restore(stage.snapshot("shop"), None, "create_db=true", "exit_on_error=true").check()
    stage.assert_equal("shop")
    logical.make(stage.target, "half", "CREATE TABLE author (id text)")
    result = stage.restore(stage.snapshot("shop"), "half", "into_existing=true",
                           "exit_on_error=true")
    assert_failed(result, "author")
    assert stage.target.sql("SELECT to_regclass('book')", "half") == [[None]]


def test_what_was_mistyped_is_an_error_that_says_what_there_is(stage):
    snapshot = stage.snapshot(None, "numbered")
    assert_failed(stage.restore(snapshot, None, "databases=shopp"), "shopp", "shop", "pops")
    assert_failed(stage.restore(snapshot, None, "databsaes=shop"), '"databsaes"', "databases?")
    assert_failed(stage.restore(snapshot, None, "no_owner=perhaps"), "no_owner", "perhaps")
    assert stage.target.databases() == ["postgres", "template1"]


def test_clean_tells_what_depends_on_a_table(stage):
    """It drops nothing that the archive does not have, and says so before it drops anything."""
    stage.restore(stage.snapshot("shop"), None, "create_db=true").check()
    stage.restore(stage.snapshot("shop"), "shop", "clean=true").check()
    stage.assert_equal("shop")  # as before
    stage.target.sql("CREATE VIEW newer AS SELECT title FROM book; INSERT INTO author VALUES (99);"
                     " CREATE TABLE rental (book int REFERENCES book); UPDATE book SET title = 'x'",
                     "shop")
    clean = [stage.snapshot("shop"), "shop", "clean=true"]
    for more in (["single_transaction=true"], []):
        assert_failed(stage.restore(*clean, *more), "newer", "rental_book_fkey")
        assert stage.rows("shop", "author") == 21 and stage.rows("shop", "no key") == 50
    assert stage.target.sql("SELECT DISTINCT title FROM newer", "shop") == [["x"]]
    assert stage.rows("shop") == 200 and stage.rows("shop", "no key") == 50  # none twice


def test_rows_come_after_definitions_in_whatever_order_keys_want(stage):
    for layout in ("classic", "tables"):
        snapshot = stage.snapshot("shop", layout)
        stage.restore(snapshot, None, "create_db=true", "schema_only=true").check()
        assert stage.rows("shop") == 0
        stage.restore(snapshot, "shop", "data_only=true", "into_existing=true").check()
        stage.assert_equal("shop")
        stage.clear()


def test_a_role_with_few_rights_is_told_once(stage):
    stage.target.sql("CREATE ROLE alice; CREATE ROLE bob; CREATE ROLE carol; "
                     "CREATE ROLE weak LOGIN; CREATE DATABASE its OWNER weak")
    snapshot = stage.snapshot("shop")
    result = stage.restore(snapshot, "its", "username=weak", "no_globals=true")
    assert_failed(result, "must be able to SET ROLE" if stage.target.major >= 16 else "member of role")
    assert result.stderr.count("no_owner") == 1, result
    logical.drop(stage.target, "its")
    stage.target.sql("CREATE DATABASE its OWNER weak")
    stage.restore(snapshot, "its", "username=weak", "no_globals=true", "no_owner=true").check()
    assert logical.table_sums(stage.target, "its") == logical.table_sums(stage.source, "shop")


# ---- Other snapshots, and parts of them


def test_a_cluster_is_refused_with_one_error(stage):
    stage.plakar.backup(stage.source.binary_uri()).check()
    result = stage.restore(stage.plakar.snapshots()[0], "postgres", "into_existing=true")
    assert_failed(result, "physical backup", "a directory")
    assert (result.stdout + result.stderr).count("KO") < 25
    assert stage.target.databases() == ["postgres", "template1"]


def test_a_part_is_judged_by_itself(stage):
    snapshot = stage.snapshot(None, "numbered")
    names = stage.plakar.paths(snapshot)
    [dump] = [name for name in names if name.endswith("shop.dump")]
    [globals_] = [name for name in names if name.endswith("globals.sql")]
    stage.restore(f"{snapshot}:{globals_}").check()
    assert stage.target.sql("SELECT rolname FROM pg_roles WHERE rolname IN ('alice', 'bob')"
                            " ORDER BY 1") == [["alice"], ["bob"]]
    stage.restore(f"{snapshot}:{dump}", "part", "create_db=true").check()
    stage.assert_equal("shop", "part")


def test_what_every_server_has_is_never_dropped(stage):
    """A whole server's databases, made anew: template1 stays unless it is named."""
    logical.run_sql(stage.target, "template1", "CREATE TABLE of_the_template ()")
    assert_failed(stage.restore(stage.snapshot(None, "numbered")), '"template1" already holds')
    marks = stage.target.sql("SELECT datname, oid FROM pg_database WHERE datname IN "
                             "('postgres', 'template1') ORDER BY 1")
    try:
        result = stage.restore(stage.snapshot(None, "numbered"), None, "recreate=true")
        assert result.rc == 0, result
        assert result.stderr.count("is never dropped") == 2, result
        assert stage.target.sql("SELECT datname, oid FROM pg_database WHERE datname IN "
                                "('postgres', 'template1') ORDER BY 1") == marks
        assert stage.target.sql("SELECT to_regclass('of_the_template')", "template1") != [[None]]
        stage.assert_equal("shop")
    finally:
        logical.run_sql(stage.target, "template1", "DROP TABLE of_the_template")


# ---- What ends in the middle


def store_without_content(stage, workdir):
    """The store, but for the packs that came with the last snapshot."""
    store = workdir / "store"
    before = {path.name for path in (stage.plakar.store / "packfiles").rglob("*")}
    stage.plakar.backup(location(stage.source, "new")).check()
    shutil.copytree(stage.plakar.store, store)
    for path in (store / "packfiles").rglob("*"):
        if path.is_file() and path.name not in before and path.stat().st_size > 1 << 20:
            with open(path, "r+b") as file:  # what it ends with says where the rest is
                file.seek(path.stat().st_size // 2)
                file.write(bytes(1 << 16))
    return store


@pytest.mark.parametrize("key", ["create_db", "recreate"])
def test_a_damaged_store_leaves_the_old_database_or_none(stage, workdir, key):
    logical.make(stage.source, "new", """
        CREATE TABLE t (a text); ALTER TABLE t ALTER a SET STORAGE EXTERNAL;
        INSERT INTO t SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 80000) g
        GROUP BY g % 500""")
    store = store_without_content(stage, workdir)
    if key == "recreate":
        logical.make(stage.target, "new", "CREATE TABLE t (old int); INSERT INTO t VALUES (1)")
    before = stage.target.databases()
    result = stage.plakar.run("at", store, "restore", "-o", f"{key}=true", "-to",
                              location(stage.target), stage.plakar.snapshots()[0])
    assert result.rc != 0 and "/new.dump" in result.stdout + result.stderr, result
    assert stage.target.databases() == before
    if key == "recreate":
        assert stage.target.sql("SELECT old FROM t", "new") == [["1"]]


# ---- What surrounds a database


def test_no_file_of_psql_is_run_and_passwords_of_roles_stay(stage):
    stage.source.sql("CREATE ROLE reader LOGIN PASSWORD 'of the source'")
    stage.target.sql("CREATE ROLE reader LOGIN PASSWORD 'of the target'")
    (stage.plakar.home / ".psqlrc").write_text("CREATE ROLE of_psqlrc;\n")
    secret = "SELECT rolpassword FROM pg_authid WHERE rolname = 'reader'"
    before = stage.target.sql(secret)
    try:
        stage.plakar.backup(location(stage.source, "shop")).check()
        stage.restore(stage.plakar.snapshots()[0], None, "create_db=true").check()
        assert stage.target.sql("SELECT FROM pg_roles WHERE rolname = 'of_psqlrc'") == []
        assert stage.target.sql(secret) == before
    finally:
        (stage.plakar.home / ".psqlrc").unlink()
        for server in (stage.source, stage.target):
            server.sql("DROP ROLE reader")


def test_a_database_has_its_settings_rights_and_comment(stage):
    folder = temp.new_dir("tablespace")
    process.give_to_server(folder)
    stage.source.sql(f"CREATE TABLESPACE apart LOCATION '{folder}'")
    logical.make(stage.source, "set", "CREATE TABLE t ()", options="TABLESPACE apart")
    stage.source.sql("ALTER DATABASE set SET work_mem = '7MB'; COMMENT ON DATABASE set IS 'it''s';"
                     "GRANT CONNECT ON DATABASE set TO carol; REVOKE TEMP ON DATABASE set FROM PUBLIC")
    try:
        snapshot = stage.snapshot("set")
        result = stage.restore(snapshot, None, "create_db=true", "no_globals=true",
                               "no_privileges=true")
        assert_failed(result, "apart", "no_tablespaces")
        assert "set" not in stage.target.databases()
        for keys in (["create_db=true"], ["recreate=true"]):
            stage.restore(snapshot, None, "no_tablespaces=true", *keys).check()
            assert logical.database_facts(stage.target, "set") == logical.database_facts(
                stage.source, "set")
    finally:
        logical.drop(stage.source, "set")
        stage.source.sql("DROP TABLESPACE apart")


def test_a_destination_that_is_away_fails_its_ping(stage):
    run = stage.plakar.run
    run("destination", "add", "there", location(stage.target)).check()
    assert "configuration OK" in run("destination", "ping", "there").check().stdout
    run("destination", "set", "there", "port=1").check()
    assert_failed(run("destination", "ping", "there"), "Connection refused")
    run("destination", "rm", "there").check()
