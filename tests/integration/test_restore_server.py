"""What is restored into a server is what stock pg_restore makes of the same archive, whoever wrote
it; what fails is named, and nothing is left half there."""

import os
import re
import signal
import time

import pytest

from pgcask_testing import archives, logical, paths, process, restored
from pgcask_testing.logical import cluster, make, script  # noqa: F401: a fixture
from pgcask_testing.restored import restorer  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled(1)

SINCE = {"since_14": 14, "since_15": 15, "since_16": 16, "since_17": 17, "since_18": 18}
MB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def extension(major):
    logical.install_extension(major)


# Round trips


@pytest.mark.parametrize("name", [
    "kinds", "more_kinds", "names", "data", "trees", "loops", "extensions", *SINCE])
def test_a_restored_copy_is_equal(pgcask, restorer, cluster, major, workdir, name):
    if major < SINCE.get(name, 0):
        return
    db = make(cluster, name, script(name))
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    copy = "copy of it"
    logical.create_like(cluster, db, copy)
    outcome = restorer(cluster, copy, archive)
    assert outcome.result.ok and not outcome.failures, str(outcome.result)
    logical.assert_equal(cluster, db, copy, archive, workdir)
    logical.drop(cluster, copy)
    # What pg_dump has made of it.
    theirs = logical.stock_archive(cluster, db, workdir / "theirs.dump")
    restored.assert_alike(restorer, cluster, db, theirs)
    logical.drop(cluster, db)


def test_the_command_restores_into_a_database(pgcask, cluster, workdir):
    db = make(cluster, "command", "CREATE TABLE t AS SELECT generate_series(1, 1000) n;")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.create_like(cluster, db, "command copy")
    result = pgcask("restore", archive, "--to", cluster.uri("command copy"))
    assert result.ok and "1000 rows" in result.stdout, result
    assert logical.table_sums(cluster, "command copy") == logical.table_sums(cluster, db)


def test_a_stream_is_restored_as_it_comes(pgcask, restorer, cluster, workdir):
    db = make(cluster, "stream", script("more_kinds"), script("trees"))
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    logical.create_like(cluster, db, "stream copy")
    outcome = restorer(cluster, "stream copy", "-", input=archive.read_bytes())
    assert outcome.result.ok, str(outcome.result)
    assert restored.facts(cluster, "stream copy") == restored.facts(cluster, db)


@pytest.mark.parametrize("options", [
    ["--inserts"], ["--column-inserts", "--rows-per-insert=7"], ["--disable-dollar-quoting"]])
def test_rows_may_be_statements(restorer, cluster, workdir, options):
    db = make(cluster, "inserts", script("data"))
    archive = workdir / "inserts.dump"
    process.run([logical.stock("pg_dump", cluster), "-Fc", "-f", archive, *options],
                env={**logical._environment(cluster, db), "PGCLIENTENCODING": None}).check()
    restored.assert_alike(restorer, cluster, db, archive)


@pytest.mark.majors(18)
def test_statistics_come_along(restorer, cluster, workdir):
    db = make(cluster, "statistics", "CREATE TABLE t AS SELECT n, n % 7 AS m FROM "
              "generate_series(1, 1000) n; CREATE INDEX i ON t ((n + m)); ANALYZE t;")
    archive = workdir / "statistics.dump"
    process.run([logical.stock("pg_dump", cluster), "-Fc", "-f", archive, "--statistics"],
                env={**logical._environment(cluster, db), "PGCLIENTENCODING": None}).check()
    copy = make(cluster, "statistics copy")
    outcome = restorer(cluster, copy, archive)
    assert outcome.result.ok, str(outcome.result)
    told = ("SELECT tablename, attname, null_frac, n_distinct, most_common_vals, histogram_bounds "
            "FROM pg_stats WHERE schemaname = 'public' ORDER BY 1, 2")
    assert cluster.sql(told, copy) == cluster.sql(told, db) != []


# Backups


@pytest.mark.parametrize("layout", ["classic", "numbered", "tables"])
@pytest.mark.parametrize("form", ["folder", "file.tar", "pipe"])
def test_a_backup_of_one_database_is_restored(pgcask, restorer, cluster, workdir, layout, form):
    db = make(cluster, "app", script("more_kinds"), "SELECT lo_from_bytea(77, 'abc');")
    target = workdir / ("b" if form == "folder" else "b.tar")
    pgcask("backup", cluster.uri(db), "--to", target, "--layout", layout, "--quiet").check()
    copy = "app copy"
    logical.create_like(cluster, db, copy)
    with open(target, "rb") if form == "pipe" else open("/dev/null", "rb") as stdin:
        outcome = restorer(cluster, copy, "-" if form == "pipe" else target, stdin=stdin)
    assert outcome.result.ok and not outcome.failures, str(outcome.result)
    assert restored.facts(cluster, copy) == restored.facts(cluster, db)


@pytest.mark.parametrize("layout", ["numbered", "tables"])
def test_a_backup_of_all_databases_is_restored(
        pgcask, restorer, cluster, servers, major, workdir, layout):
    if layout != ["numbered", "tables"][major % 2]:
        return
    names = ["one", "Two of 'them'"]
    for name in names:
        make(cluster, name, """
            CREATE TABLE t AS SELECT generate_series(1, 100) n; CREATE VIEW v AS SELECT * FROM t;
            ALTER TABLE t OWNER TO alice; GRANT SELECT ON t TO bob;""", f"""
            ALTER DATABASE "{name}" SET work_mem = '3MB'; ALTER DATABASE "{name}" OWNER TO alice;""")
    pgcask("backup", cluster.uri(None), "--to", workdir / "all", "--layout", layout,
           "--databases", "one,\"Two of 'them'\"", "--quiet").check()
    other = servers.create(major)
    outcome = restorer(other, None, workdir / "all", "create_db")
    assert outcome.result.ok and not outcome.failures, str(outcome.result)
    for name in names:
        assert restored.facts(other, name) == restored.facts(cluster, name)
        assert logical.database_facts(other, name) == logical.database_facts(cluster, name)


def test_a_backup_that_was_changed_is_no_success(pgcask, restorer, cluster, workdir):
    db = make(cluster, "changed", "CREATE TABLE t AS SELECT md5(n::text) FROM generate_series(1, 1000) n;")
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    content = bytearray(archive.read_bytes())
    content[content.index(b"c4ca4238a0b923820dcc509a6f75849b")] ^= 1
    archive.write_bytes(content)
    outcome = restorer(cluster, make(cluster, "changed copy"), workdir / "b")
    assert outcome.result.rc == 1 and "changed.dump" in outcome.report["error"], str(outcome.result)


# What is left out


@pytest.mark.parametrize("members, options", [
    (["no_owner"], ["--no-owner"]),
    (["no_privileges"], ["--no-privileges"]),
    (["no_owner", "role=alice"], ["--no-owner", "--role=alice"]),
    (["no_comments", "no_security_labels"], ["--no-comments", "--no-security-labels"]),
    (["schema_only"], ["--schema-only"]),
    (["no_publications", "no_subscriptions"], ["--no-publications", "--no-subscriptions"]),
    (["no_tablespaces"], ["--no-tablespaces"]),
])
def test_what_is_left_out_is_what_pg_restore_leaves_out(
        restorer, cluster, workdir, members, options):
    logical.run_sql(cluster, "postgres",
                    "ALTER ROLE alice SUPERUSER; GRANT alice TO postgres;")
    db = make(cluster, "parts", script("kinds"))
    archive = logical.stock_archive(cluster, db, workdir / "theirs.dump")
    restored.assert_alike(restorer, cluster, db, archive, *members, options=options)
    logical.run_sql(cluster, "postgres", "ALTER ROLE alice NOSUPERUSER;")


def test_clean_drops_what_is_there(restorer, cluster, workdir):
    db = make(cluster, "clean", script("kinds"))
    archive = logical.stock_archive(cluster, db, workdir / "theirs.dump")
    outcome = restorer(cluster, db, archive, "clean")
    assert outcome.result.ok, str(outcome.result)
    logical.create_like(cluster, db, "clean copy")
    logical.restore(cluster, archive, "clean copy")
    assert restored.facts(cluster, db) == restored.facts(cluster, "clean copy")


# Failures

BROKEN = """
    CREATE SCHEMA s;
    CREATE TABLE s.a (n int PRIMARY KEY, t text); INSERT INTO s.a SELECT n, 'x' FROM generate_series(1, 5000) n;
    CREATE TABLE s.b (n int); INSERT INTO s.b VALUES (1), (2), (3);
    CREATE TABLE s.c (n int REFERENCES s.a); INSERT INTO s.c VALUES (1);
    CREATE VIEW s.v AS SELECT * FROM s.b;
    CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE INDEX i ON s.b (n);
    COMMENT ON TABLE s.b IS 'a comment';
    CREATE SEQUENCE s.q; SELECT setval('s.q', 42);
"""
IN_THE_WAY = """
    CREATE SCHEMA s; CREATE TABLE s.b (n int CHECK (n > 1)); CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 2';
"""


@pytest.fixture
def broken(cluster, workdir):
    """An archive, and a database in which some of it cannot be made."""
    db = make(cluster, "broken", BROKEN)
    archive = logical.stock_archive(cluster, db, workdir / "broken.dump")
    make(cluster, "in the way", IN_THE_WAY)
    return archive


def test_only_what_fails_fails(restorer, cluster, broken):
    outcome = restorer(cluster, "in the way", broken, "into_existing")
    assert outcome.result.rc == 3, str(outcome.result)
    assert {(failure["object"], failure["sqlstate"]) for failure in outcome.failures} == {
        ("SCHEMA s", "42P06"), ("TABLE s.b", "42P07"), ("FUNCTION s.f()", "42723")}
    assert outcome.report["failures"] == 3 and outcome.report["passed_over"] == 1
    assert outcome.report["rows"] == 5001
    facts = dict(line.split("|") for line in cluster_lines(cluster, "in the way"))
    assert facts == {"a": "5000", "b": "0", "c": "1", "q": "42", "f": "2", "v": "0"}


def cluster_lines(cluster, db):
    return logical.run_sql(cluster, db, """
        SELECT 'a', count(*) FROM s.a UNION ALL SELECT 'b', count(*) FROM s.b
        UNION ALL SELECT 'c', count(*) FROM s.c UNION ALL SELECT 'q', last_value FROM s.q
        UNION ALL SELECT 'f', s.f() UNION ALL SELECT 'v', count(*) FROM s.v
    """).decode().splitlines()


def test_the_first_failure_may_end_it(restorer, cluster, broken):
    outcome = restorer(cluster, "in the way", broken, "into_existing", "exit_on_error")
    assert outcome.result.rc == 1 and len(outcome.failures) == 1, str(outcome.result)
    assert "SCHEMA s" in outcome.report["error"] and "already exists" in outcome.report["error"]
    theirs = make(cluster, "in their way", IN_THE_WAY)
    logical.restore(cluster, broken, theirs, "--exit-on-error", check=False)
    assert restored.facts(cluster, "in the way") == restored.facts(cluster, theirs)


def test_under_one_transaction_nothing_stays(restorer, cluster, broken):
    make(cluster, "in the way", "CREATE SCHEMA other; CREATE TABLE other.t (n int);")
    before = restored.facts(cluster, "in the way")
    assert restorer(cluster, "in the way", broken, "into_existing", "single_transaction").result.ok
    assert restored.facts(cluster, "in the way") != before
    make(cluster, "in the way", """
        CREATE SCHEMA other;
        CREATE FUNCTION other.refuse() RETURNS event_trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'no index here'; END $$;
        CREATE EVENT TRIGGER no_index ON ddl_command_start WHEN TAG IN ('CREATE INDEX')
            EXECUTE FUNCTION other.refuse();
    """)
    before = restored.facts(cluster, "in the way")
    outcome = restorer(cluster, "in the way", broken, "into_existing", "single_transaction")
    assert outcome.result.rc == 1 and "no index here" in outcome.report["error"], str(outcome.result)
    assert outcome.report["objects"] == outcome.report["rows"] == 0
    assert restored.facts(cluster, "in the way") == before


def test_rows_that_are_refused_leave_the_others(restorer, cluster, workdir):
    db = make(cluster, "rows", """
        CREATE TABLE good (n int); INSERT INTO good SELECT generate_series(1, 10);
        CREATE TABLE bad (n int, d date); INSERT INTO bad SELECT n, '2020-01-01' FROM generate_series(1, 100) n;
        CREATE TABLE large (n int, t text); INSERT INTO large SELECT n, repeat('x', 100) FROM generate_series(1, 30000) n;
        CREATE TABLE more (n int); INSERT INTO more VALUES (1);
    """)
    archive = logical.stock_archive(cluster, db, workdir / "rows.dump")
    copy = make(cluster, "rows copy", """
        CREATE TABLE good (n int); CREATE TABLE bad (n int, d date CHECK (n < 50));
        CREATE TABLE large (n int, t text CHECK (n < 29000)); CREATE TABLE more (n int);
    """)
    outcome = restorer(cluster, copy, archive, "data_only", "into_existing")
    assert outcome.result.rc == 3, str(outcome.result)
    assert {failure["object"]: failure["context"].split(":")[0] for failure in outcome.failures} == {
        "TABLE DATA public.bad": "COPY bad, line 50",
        "TABLE DATA public.large": "COPY large, line 29000"}
    counts = logical.run_sql(cluster, copy, "SELECT (SELECT count(*) FROM good), (SELECT count(*) "
                             "FROM bad), (SELECT count(*) FROM large), (SELECT count(*) FROM more)")
    assert counts.decode().strip() == "10|0|0|1"
    assert outcome.report["rows"] == 11


def test_rows_that_do_not_stay_are_told(restorer, cluster, workdir):
    db = make(cluster, "lost", "CREATE TABLE t AS SELECT generate_series(1, 10) n;"
              "CREATE TABLE u AS SELECT n, repeat('x', 100) FROM generate_series(1, 5000) n;")
    archive = logical.stock_archive(cluster, db, workdir / "lost.dump")
    copy = make(cluster, "lost copy", """
        CREATE TABLE t (n int); CREATE TABLE u (n int, repeat text);
        CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN IF NEW.n = 7 THEN RETURN NULL; END IF; RETURN NEW; END $$;
        CREATE TRIGGER lost BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION lost();
        CREATE TRIGGER lost BEFORE INSERT ON u FOR EACH ROW EXECUTE FUNCTION lost();""")
    outcome = restorer(cluster, copy, archive, "data_only", "into_existing")
    assert outcome.result.rc == 3, str(outcome.result)
    assert {failure["object"]: failure["message"] for failure in outcome.failures} == {
        f"TABLE DATA public.{name}": f"of {rows} rows in the archive the server says that it has "
        f"taken {rows - 1}" for name, rows in (("t", 10), ("u", 5000))}
    logical.run_sql(cluster, copy, "TRUNCATE t, u")
    outcome = restorer(cluster, copy, archive, "data_only", "into_existing", "disable_triggers")
    assert outcome.result.ok, str(outcome.result)


MINE = """
    CREATE SCHEMA s; CREATE SEQUENCE s.q; SELECT setval('s.q', 5000);
    CREATE TABLE s.t (n int, m int, day date); INSERT INTO s.t VALUES (-1, -1, '2020-01-01');
    CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 2';
    CREATE FUNCTION s.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE VIEW s.v AS SELECT 'mine' AS mine; CREATE TYPE s.e AS ENUM ('mine');
    CREATE MATERIALIZED VIEW s.m AS SELECT count(*) FROM s.t WITH NO DATA;
    CREATE DOMAIN s.d AS int;
    CREATE PUBLICATION pub;
    SELECT lo_from_bytea(o, 'mine') FROM unnest('{1500,1501}'::oid[]) o;
"""
THEIRS = """
    CREATE SCHEMA s; COMMENT ON SCHEMA s IS 'theirs'; GRANT USAGE ON SCHEMA s TO bob;
    CREATE SEQUENCE s.q; SELECT setval('s.q', 10); CREATE SEQUENCE s.new; SELECT setval('s.new', 10);
    CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION s.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE DOMAIN s.d AS int; ALTER DOMAIN s.d ADD CHECK (VALUE > 0) NOT VALID;
    CREATE TYPE s.e AS ENUM ('theirs'); ALTER TYPE s.e OWNER TO alice;
    CREATE TABLE s.t (n int DEFAULT nextval('s.q'), m int GENERATED ALWAYS AS IDENTITY, day date);
    INSERT INTO s.t (n) SELECT generate_series(1, 10);
    CREATE TABLE s.other (n int PRIMARY KEY, m int DEFAULT nextval('s.q'));
    INSERT INTO s.other SELECT generate_series(1, 10);
    CREATE VIEW s.v AS SELECT 'theirs' AS mine; CREATE VIEW s.w AS SELECT * FROM s.t;
    CREATE MATERIALIZED VIEW s.m AS SELECT count(*) FROM s.t;
    CREATE INDEX i ON s.t (n); COMMENT ON INDEX s.i IS 'theirs';
    ALTER TABLE s.t ADD CONSTRAINT k UNIQUE (n), ADD CONSTRAINT c CHECK (n > 0) NOT VALID;
    ALTER TABLE s.t ADD CONSTRAINT fk FOREIGN KEY (n) REFERENCES s.other;
    CREATE STATISTICS s.st (dependencies) ON n, m FROM s.t;
    CREATE TRIGGER g BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.g();
    CREATE TRIGGER g BEFORE INSERT ON s.other FOR EACH ROW EXECUTE FUNCTION s.g();
    CREATE RULE r AS ON DELETE TO s.t DO INSTEAD NOTHING;
    CREATE POLICY p ON s.t USING (n > 0); ALTER TABLE s.t ENABLE ROW LEVEL SECURITY;
    COMMENT ON TABLE s.t IS 'theirs'; COMMENT ON COLUMN s.t.n IS 'theirs';
    COMMENT ON VIEW s.v IS 'theirs'; COMMENT ON FUNCTION s.f() IS 'theirs';
    GRANT SELECT ON s.t, s.v, s.q TO bob; GRANT UPDATE (n) ON s.t TO bob;
    REVOKE ALL ON FUNCTION s.f() FROM public;
    CREATE PUBLICATION pub FOR TABLE s.other;
    ALTER TABLE s.t OWNER TO alice; ALTER VIEW s.v OWNER TO alice; ALTER SEQUENCE s.q OWNER TO alice;
    ALTER FUNCTION s.f() OWNER TO alice; ALTER SCHEMA s OWNER TO alice;
    ALTER MATERIALIZED VIEW s.m OWNER TO alice;
    SELECT lo_from_bytea(o::oid, 'theirs') FROM generate_series(1498, 1503) o;
    ALTER LARGE OBJECT 1500 OWNER TO alice; ALTER LARGE OBJECT 1502 OWNER TO alice;
    GRANT SELECT ON LARGE OBJECT 1501 TO bob; GRANT SELECT ON LARGE OBJECT 1503 TO bob;
    COMMENT ON LARGE OBJECT 1500 IS 'theirs'; COMMENT ON LARGE OBJECT 1502 IS 'theirs';
"""
# What differs between these two lines is what the restore has made itself.
MADE = ("s.other", "s.new", "s.w", "s.other_pkey")


@pytest.mark.parametrize("members", [[], ["jobs=3"]])
def test_what_was_there_stays_as_it_is(restorer, cluster, workdir, members):
    db = make(cluster, "theirs", THEIRS)
    archive = logical.stock_archive(cluster, db, workdir / "theirs.dump")
    copy = make(cluster, "mine", MINE)

    def mine():
        return {
            "relations": logical.run_sql(cluster, copy, f"""
                SELECT oid::regclass, relowner::regrole, relacl, reloptions, relhastriggers, relhasrules,
                       relrowsecurity, relispopulated, obj_description(oid),
                       (SELECT array_agg((attname, attacl, attidentity, atthasdef, attnotnull,
                                          col_description(attrelid, attnum)) ORDER BY attnum)
                        FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0),
                       (SELECT array_agg(conname) FROM pg_constraint WHERE conrelid = c.oid),
                       (SELECT count(*) FROM pg_index WHERE indrelid = c.oid),
                       (SELECT count(*) FROM pg_statistic_ext WHERE stxrelid = c.oid)
                FROM pg_class c WHERE relnamespace = 's'::regnamespace
                     AND oid::regclass::text <> ALL ('{{{",".join(MADE)}}}') ORDER BY 1"""),
            "values": logical.run_sql(cluster, copy, """
                SELECT last_value FROM s.q UNION ALL SELECT n FROM s.t UNION ALL SELECT s.f()"""),
            "others": logical.run_sql(cluster, copy, """
                SELECT proname, proowner::regrole, proacl, obj_description(oid) FROM pg_proc
                WHERE pronamespace = 's'::regnamespace UNION ALL
                SELECT nspname, nspowner::regrole, nspacl, obj_description(oid) FROM pg_namespace
                WHERE nspname = 's' UNION ALL SELECT typname, typowner::regrole, typacl,
                      (SELECT string_agg(conname, ',') FROM pg_constraint WHERE contypid = t.oid)
                FROM pg_type t WHERE typname IN ('d', 'e') ORDER BY 1, 2"""),
            "publication": logical.run_sql(cluster, copy, "SELECT count(*) FROM pg_publication_rel"),
            "objects": [line for line in logical.large_objects(cluster, copy)
                        if line.startswith(("1500", "1501"))],
            "descriptions": logical.run_sql(
                cluster, copy, "SELECT obj_description(1500, 'pg_largeobject')"),
        }

    before = mine()
    outcome = restorer(cluster, copy, archive, "into_existing", *members)
    assert outcome.result.rc == 3, str(outcome.result)
    after = mine()
    for part, lines in before.items():
        assert after[part] == lines, part
    # Each is something that was to be made, and none something that is said of it.
    there = {"SCHEMA s", "SEQUENCE s.q", "TABLE s.t", "FUNCTION s.f()", "FUNCTION s.g()", "VIEW s.v",
             "TYPE s.e", "MATERIALIZED VIEW s.m", "DOMAIN s.d", "PUBLICATION pub"}
    failed = [failure["object"] for failure in outcome.failures]
    assert {name for name in failed if "LARGE" not in name and "BLOB" not in name} == there, failed
    assert len(failed) == len(there) + 2 and outcome.report["left"] >= 25, outcome.report
    # What was not there is made as a whole.
    assert cluster.value("SELECT last_value FROM s.new", copy) == "10"
    assert cluster.value("SELECT count(*) FROM s.other, s.w", copy) == "10"
    assert cluster.value("SELECT count(*) FROM pg_trigger WHERE tgrelid = 's.other'::regclass "
                         "AND NOT tgisinternal", copy) == "1"
    assert cluster.value("SELECT obj_description(1502, 'pg_largeobject')", copy) == "theirs"
    assert cluster.value("SELECT lomowner::regrole FROM pg_largeobject_metadata WHERE oid = 1502",
                         copy) == "alice"
    # Rows and values of a sequence alone are wanted for what is there.
    make(cluster, copy, MINE)
    outcome = restorer(cluster, copy, archive, "into_existing", "data_only", "tables=s.q")
    assert outcome.result.ok and outcome.report["left"] == 0, str(outcome.result)
    assert cluster.value("SELECT last_value FROM s.q", copy) == "20"


HELD = """SELECT nspowner::regrole, nspacl, obj_description(oid, 'pg_namespace') FROM pg_namespace
          WHERE nspname = 'public'"""


@pytest.mark.parametrize("members", [[], ["jobs=2"]])
def test_only_what_is_said_of_what_was_there_is_left(restorer, cluster, workdir, members):
    db = make(cluster, "new", """
        COMMENT ON SCHEMA public IS 'theirs'; GRANT ALL ON SCHEMA public TO bob;
        CREATE TABLE other (n int); GRANT SELECT ON other TO bob; GRANT UPDATE (n) ON other TO bob;
        CREATE TABLE far (n int); INSERT INTO far VALUES (1);""",
              *(["ALTER SCHEMA public OWNER TO alice;"] if cluster.major > 14 else []))
    archive = logical.stock_archive(cluster, db, workdir / "new.dump")
    # Rows of a foreign table, as pg_dump --include-foreign-data has them.
    parts = archives.read(archive.read_bytes())
    parts.find("TABLE", "far").texts["desc"] = b"FOREIGN TABLE"
    archive.write_bytes(archives.write(parts))
    copy = make(cluster, "new copy", """
        CREATE FOREIGN DATA WRAPPER w; CREATE SERVER w FOREIGN DATA WRAPPER w;
        CREATE FOREIGN TABLE far (n int) SERVER w; CREATE SCHEMA mine;
        CREATE FUNCTION mine.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_query() LIKE '%SELECT ON TABLE public.other%' THEN RAISE 'no'; END IF; END $$;
        CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('GRANT')
            EXECUTE FUNCTION mine.refuse();""")
    before = cluster.sql(HELD, db=copy)
    outcome = restorer(cluster, copy, archive, "into_existing", *members)
    assert [failure["object"] for failure in outcome.failures] == [
        "FOREIGN TABLE public.far", "ACL TABLE other in schema public"], str(outcome.result)
    # The table was made here: that privileges on all of it were refused says nothing of a column's.
    assert cluster.value("SELECT has_column_privilege('bob', 'other', 'n', 'UPDATE')", copy) == "t"
    assert outcome.report["passed_over"] == 1, outcome.report
    assert cluster.sql(HELD, db=copy) == before
    # A database that this restore makes has them.
    logical.drop(cluster, copy)
    outcome = restorer(cluster, copy, archive, "into_existing", "create_db", *members)
    assert cluster.sql(HELD, db=copy) == cluster.sql(HELD, db=db), str(outcome.result)


def rewritten(archive, old, new):
    """The archive with other SQL of the same length in it."""
    content = archive.read_bytes()
    assert len(old) == len(new) and content.count(old) == 1
    archive.write_bytes(content.replace(old, new))
    return archive


@pytest.mark.parametrize("sql, sqlstate", [
    ("COPY public.t FROM STDIN;", "57014"), ("COPY (SELECT 1) TO STDOUT;", None)])
def test_sql_that_wants_rows_gets_none(pgcask, restorer, cluster, workdir, sql, sqlstate):
    view = "SELECT 'something that is long enough to be replaced by other SQL' AS a;"
    db = make(cluster, "wants", "CREATE TABLE t (n int); INSERT INTO t VALUES (1);"
              f"CREATE VIEW v AS {view} CREATE VIEW w AS SELECT 1 AS b;")
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    start = b"CREATE VIEW public.v AS"
    length = archive.read_bytes().index(b";", archive.read_bytes().index(start)) + 1
    old = archive.read_bytes()[archive.read_bytes().index(start):length]
    rewritten(archive, old, sql.encode().ljust(len(old)))
    copy = make(cluster, "wants copy")
    outcome = restorer(cluster, copy, archive, "no_owner")
    assert [failure["sqlstate"] for failure in outcome.failures] == (
        [sqlstate] if sqlstate else []), str(outcome.result)
    assert cluster.value("SELECT (SELECT n FROM t) + (SELECT b FROM w)", copy) == "2"


@pytest.mark.parametrize("sql", ["COMMIT;", "ROLLBACK;", "BEGIN;"])
def test_sql_that_ends_transactions_ends_the_restore(pgcask, restorer, cluster, workdir, sql):
    view = "SELECT 'something that is long enough to be replaced by other SQL' AS a;"
    db = make(cluster, "ends", f"CREATE TABLE t (n int); CREATE VIEW v AS {view}")
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    content = archive.read_bytes()
    start = content.index(b"CREATE VIEW public.v AS")
    old = content[start:content.index(b";", start) + 1]
    rewritten(archive, old, sql.encode().ljust(len(old)))
    for members in ([], ["single_transaction"], ["transaction_size=3"]):
        outcome = restorer(cluster, make(cluster, "ends copy"), archive, *members)
        assert outcome.result.rc == 1, str(outcome.result)
        # BEGIN within a transaction is a warning; what follows has no view then.
        assert "VIEW public.v: its SQL begins or ends" in outcome.report["error"] or (
            sql == "BEGIN;" and members), outcome.report


@pytest.mark.parametrize("jobs", ["jobs=1", "jobs=2"])
def test_a_copy_of_several_statements_is_refused(pgcask, restorer, cluster, workdir, jobs):
    db = make(cluster, "copies", """CREATE TABLE t (a_name_that_is_long_enough_for_another_copy int);
        INSERT INTO t VALUES (1);""")
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    old = b"COPY public.t (a_name_that_is_long_enough_for_another_copy) FROM stdin;"
    rewritten(archive, old, b"COPY public.t FROM stdin;COPY public.t FROM stdin;".ljust(len(old)))
    outcome = restorer(cluster, make(cluster, "copies copy"), archive, jobs, timeout=60)
    assert outcome.result.rc == 1, str(outcome.result)
    assert "TABLE DATA public.t: what puts its rows in is not one COPY" in outcome.report["error"]


LIVE = """
    CREATE TABLE other (n int PRIMARY KEY);
    CREATE TABLE t (n int REFERENCES other DEFERRABLE INITIALLY DEFERRED, x text);
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
    CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
"""


@pytest.mark.parametrize("options", [[], ["--inserts"]])
def test_triggers_are_on_however_rows_end(restorer, cluster, workdir, options):
    db = make(cluster, "triggers", LIVE, "ALTER TABLE t DISABLE TRIGGER ALL; INSERT INTO t SELECT "
              "n, md5(n::text) FROM generate_series(1, 20000) n; ALTER TABLE t ENABLE TRIGGER ALL;")
    archive = workdir / "triggers.dump"
    process.run([logical.stock("pg_dump", cluster), "-Fc", "-Z0", "-f", archive, *options],
                env=logical._environment(cluster, db)).check()
    whole = archive.read_bytes()
    off = "SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'"
    for cut in (False, True):
        archive.write_bytes(whole[:len(whole) * 2 // 3] if cut else whole)
        for members in ([], ["jobs=2"], ["transaction_size=1"], ["single_transaction"],
                        ["exit_on_error"]):
            copy = make(cluster, "triggers copy", LIVE)
            outcome = restorer(cluster, copy, archive, "data_only", "into_existing",
                               "disable_triggers", *members)
            assert outcome.result.rc == (1 if cut else 0), str(outcome.result)
            assert cluster.value("SELECT count(*) FROM t", copy) == ("0" if cut else "20000")
            assert cluster.value(off, copy) == "0", (cut, members)


def test_statements_of_rows_are_one_transaction(restorer, cluster, workdir):
    db = make(cluster, "inserted", """CREATE TABLE t (n int, x text);
        INSERT INTO t SELECT n, 'copy stdin ' || n FROM generate_series(1, 1000) n;
        CREATE TABLE u (n int); INSERT INTO u VALUES (1); CREATE TABLE v (n int);""")
    folder = workdir / "d"
    process.run([logical.stock("pg_dump", cluster), "-Fd", "-Z0", "-f", folder, "--inserts"],
                env=logical._environment(cluster, db)).check()
    there = "CREATE TABLE t (n int CHECK (n % 300 <> 7), x text); CREATE TABLE u (n int);" \
            "CREATE TABLE v (n int);"
    counts = "SELECT (SELECT count(*) FROM t) || '|' || (SELECT count(*) FROM u)"
    for members in ([], ["jobs=2"]):
        # One that fails takes no other with it.
        copy = make(cluster, "inserted copy", there)
        outcome = restorer(cluster, copy, folder, "data_only", "into_existing", *members)
        assert outcome.result.rc == 3 and len(outcome.failures) == 4, str(outcome.result)
        assert cluster.value(counts, copy) == "996|1"
    # A file that ends behind a statement, or is empty, is no file that pg_dump has finished.
    rows = next(path for path in folder.glob("*.dat") if b"INTO public.t " in path.read_bytes())
    lines = rows.read_bytes().splitlines(keepends=True)
    for kept in (500, 1000, 0):
        rows.write_bytes(b"".join(lines[:kept]))
        copy = make(cluster, "inserted copy", there)
        outcome = restorer(cluster, copy, folder, "data_only", "into_existing", "jobs=1")
        assert outcome.result.rc == 1, str(outcome.result)
        assert "TABLE DATA public.t: its rows are cut off" in outcome.report["error"]
        assert cluster.value("SELECT count(*) FROM t", copy) == "0"


@pytest.mark.parametrize("members", [[], ["jobs=2"]])
def test_a_statement_of_rows_that_wants_rows_gets_none(restorer, cluster, workdir, members):
    db = make(cluster, "wanting", "CREATE TABLE t (n int); INSERT INTO t VALUES (1);")
    folder = workdir / "d"
    process.run([logical.stock("pg_dump", cluster), "-Fd", "-Z0", "-f", folder, "--inserts"],
                env=logical._environment(cluster, db)).check()
    (rows,) = (path for path in folder.glob("*.dat") if b"INTO public.t " in path.read_bytes())
    # Who does not know of the setting takes the last line for one string.
    rows.write_bytes(b"""INSERT INTO public.t VALUES (1);
        SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);
        SELECT '\\''; COPY public.t FROM stdin; --';\nINSERT INTO public.t VALUES (2);\n\n\n""")
    copy = make(cluster, "wanting copy")
    outcome = restorer(cluster, copy, folder, *members, timeout=60)
    assert [failure["sqlstate"] for failure in outcome.failures] == ["57014"], str(outcome.result)
    assert cluster.value("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t", copy) == "1 2"


@pytest.mark.parametrize("options", [[], ["--inserts"]])
def test_triggers_that_stay_on_lose_no_rows(pgcask, cluster, workdir, options):
    tables = """CREATE TABLE a (n int PRIMARY KEY); CREATE TABLE b (n int REFERENCES a);
        CREATE TABLE c (n int REFERENCES a); CREATE TABLE d (n int); CREATE TABLE e (n int);"""
    db = make(cluster, "kept on", tables, """INSERT INTO a SELECT generate_series(1, 30000);
        INSERT INTO b SELECT n FROM a; INSERT INTO c VALUES (1); INSERT INTO d VALUES (1);""")
    archive = workdir / "kept.dump"
    process.run([logical.stock("pg_dump", cluster), "-Fc", "-f", archive, *options],
                env=logical._environment(cluster, db)).check()
    given = "".join(f"ALTER TABLE {name} OWNER TO carol;" for name in "abcde")
    off = """CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no row''; END';
             CREATE TRIGGER no BEFORE INSERT ON d FOR EACH ROW EXECUTE FUNCTION no();"""
    for jobs in ("1", "2"):
        copy = make(cluster, "kept on copy", tables, off, given)
        for table in ("a", "b,c,d,e"):  # parents first: keys are looked at
            result = pgcask("restore", archive, "--to", cluster.uri(copy), "--data-only", "--role=carol",
                            "--into-existing", "--disable-triggers", f"--jobs={jobs}", "--tables", table)
            assert result.ok, result
            assert result.stderr.count("the role may not disable the triggers") == 1, result
        assert cluster.value("""SELECT (SELECT count(*) FROM b) || '|' || (SELECT count(*) FROM c)
                                || '|' || (SELECT count(*) FROM d)""", copy) == "30000|1|1"
        assert cluster.value("SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'", copy) == "0"


def test_settings_that_the_server_does_not_know_are_harmless(restorer, cluster, workdir):
    db = make(cluster, "set")
    cluster.sql("ALTER DATABASE \"set\" SET work_mem = '5MB'")
    cluster.sql("ALTER DATABASE \"set\" SET geqo_seed = '0.25'")
    archive = logical.stock_archive(cluster, db, workdir / "set.dump")
    rewritten(archive, b"SET work_mem TO", b"SET work_men TO")
    outcome = restorer(cluster, "set copy", archive, "create_db", "exit_on_error")
    assert outcome.result.ok and outcome.report["harmless"] == 1, str(outcome.result)
    (failure,) = outcome.failures
    assert failure["harmless"] == "unknown_setting" and "work_men" in failure["message"], failure
    assert cluster.value("SHOW geqo_seed", "set copy") == "0.25"
    # Another value that it does not take is no such thing.
    rewritten(archive, b"geqo_seed TO '0.25'", b"geqo_seed TO '9.25'")
    outcome = restorer(cluster, "set copy", archive, "recreate")
    assert outcome.result.rc == 3 and outcome.report["harmless"] == 1, str(outcome.result)


def test_secrets_of_statements_that_fail_are_not_told(restorer, pgcask, cluster, workdir):
    made = """
        CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE USER MAPPING FOR alice SERVER s OPTIONS (user 'u', password 'hunter2');
        CREATE USER MAPPING FOR bob SERVER s OPTIONS (token 'hunter2');
        CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere password=hunter2 dbname=x'
            PUBLICATION p WITH (connect = false, slot_name = NONE);
        CREATE SUBSCRIPTION again CONNECTION 'host=nowhere password=hunter2 dbname=x2'
            PUBLICATION p WITH (connect = false, slot_name = NONE);
        CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT 'password=hunter2' $$;
    """
    db = make(cluster, "secrets", made)
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    rewritten(archive, b"password=hunter2 dbname=x2", b"password=a hunter2 dbname=")
    copy = make(cluster, "secrets copy", made, "DROP SUBSCRIPTION again;")
    outcome = restorer(cluster, copy, archive, "into_existing")
    named = {failure["object"] for failure in outcome.failures}
    assert {"SUBSCRIPTION sub", "SUBSCRIPTION again", "FUNCTION public.f()"} <= named, named
    assert len([name for name in named if name.startswith("USER MAPPING")]) == 2, named
    told = outcome.result.stdout + outcome.result.stderr
    assert "hunter2" not in told and "CONNECTION '...'" in told, told
    result = pgcask("restore", archive, "--to", cluster.uri(copy), "--into-existing", "--json",
                    "--exit-on-error")
    assert "hunter2" not in result.stdout + result.stderr, str(result)
    for name in (copy, db):
        for sub in ("sub", "again"):
            logical.run_sql(cluster, name, f"DROP SUBSCRIPTION IF EXISTS {sub}")


def test_transactions_may_be_of_so_many_statements(pgcask, restorer, cluster, workdir):
    db = make(cluster, "chunks", script("more_kinds"))
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    for size in (1, 7, 1000):
        copy = "chunks copy"
        logical.create_like(cluster, db, copy)
        outcome = restorer(cluster, copy, archive, f"transaction_size={size}")
        assert outcome.result.ok, str(outcome.result)
        assert restored.facts(cluster, copy) == restored.facts(cluster, db)


def test_an_archive_that_is_cut_off_never_succeeds(restorer, cluster, workdir):
    db = make(cluster, "cut", "".join(f"""
        CREATE TABLE t{i} (n int, t text);
        INSERT INTO t{i} SELECT n, md5(n::text) FROM generate_series(1, 20000) n;""" for i in range(4)))
    archive = logical.stock_archive(cluster, db, workdir / "cut.dump")
    piped = workdir / "piped.dump"  # which does not know where its data are
    with open(piped, "wb") as out:
        process.run([logical.stock("pg_dump", cluster), "-Fc"], stdout=out,
                    env=logical._environment(cluster, db)).check()
    for part in (0.3, 0.6, 0.9, 0.999):
        copy = make(cluster, "cut copy")
        for whole in (piped.read_bytes(), archive.read_bytes()):
            cut = workdir / "a part.dump"
            cut.write_bytes(whole[:int(len(whole) * part)])
            for more in ((), ("dry_run",), ("single_transaction",), ("jobs=2",)):
                outcome = restorer(cluster, copy, cut, *more)
                assert outcome.result.rc == 1, str(outcome.result)
                # Behind the data of a piped one may come the table of contents again.
                assert re.search("TABLE DATA public.t" if part < 0.99 else "TABLE DATA|too early",
                                 outcome.report["error"]), outcome.report
                assert cluster.value("SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-3]$'",
                                     copy) == "0", (part, more)
        outcome = restorer(cluster, copy, "-", input=cut.read_bytes())
        assert outcome.result.rc == 1, str(outcome.result)
        assert "TABLE DATA public.t" in outcome.report["error"], outcome.report
        counts = [int(cluster.value(f"SELECT count(*) FROM t{i}", copy)) for i in range(4)]
        assert set(counts) <= {0, 20000} and 0 in counts, counts
        assert outcome.report["rows"] == sum(counts)
    # What needs no rows can be had.
    outcome = restorer(cluster, make(cluster, "cut copy"), cut, "schema_only")
    assert outcome.result.ok, str(outcome.result)


# Large objects


def test_large_objects_are_what_they_were(pgcask, restorer, cluster, workdir):
    db = make(cluster, "objects", """
        SELECT lo_from_bytea(n::oid, sha256(n::text::bytea)) FROM generate_series(1000, 4000) n;
        SELECT lo_create(5000), lo_create(3000000000);
        SELECT lo_put(3000000000, 0, decode(repeat('00ff5c27', 700000), 'hex'));
        SELECT lo_put(5001, 3000000, 'behind a hole') FROM lo_create(5001);
        ALTER LARGE OBJECT 1005 OWNER TO alice; ALTER LARGE OBJECT 5000 OWNER TO bob;
        GRANT SELECT ON LARGE OBJECT 1007 TO bob; COMMENT ON LARGE OBJECT 1008 IS 'it''s';
    """)
    for archive in (logical.back_up(pgcask, cluster, db, workdir / "backup"),
                    logical.stock_archive(cluster, db, workdir / "theirs.dump")):
        outcome = restored.assert_alike(restorer, cluster, db, archive)
        assert not outcome.failures
    # One that is there already is somebody else's.
    copy = make(cluster, "objects copy", "SELECT lo_from_bytea(1500, 'mine');")
    outcome = restorer(cluster, copy, archive, "into_existing")
    assert [failure["sqlstate"] for failure in outcome.failures] == ["23505"], str(outcome.result)
    objects = logical.large_objects(cluster, copy)
    different = set(logical.large_objects(cluster, db)) ^ set(objects)
    assert {line.split("|")[0] for line in different} == {"1500"}
    assert cluster.value("SELECT lo_get(1500) = 'mine'", copy) == "t"


# Ends


def test_a_killed_restore_leaves_no_session(pgcask_popen, pgcask, cluster, workdir):
    db = make(cluster, "killed", """
        CREATE TABLE slow (n int); INSERT INTO slow SELECT generate_series(1, 100);""")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    copy = make(cluster, "killed copy")
    # What makes a table waits for this.
    with process.Process([paths.stock("psql"), "-Xq", "-c", "BEGIN; LOCK TABLE pg_class IN SHARE "
                          "MODE; SELECT pg_sleep(100)"],
                         env=logical._environment(cluster, copy)) as holder:
        running = pgcask_popen("restore", archive, "--to", cluster.uri(copy))
        sessions = f"""SELECT count(*) FROM pg_stat_activity
                       WHERE datname = '{copy}' AND wait_event_type = 'Lock'"""
        wait_for(lambda: cluster.value(sessions) == "1", 30)
        running.send_signal(signal.SIGKILL)
        wait_for(lambda: cluster.value(sessions) == "0", 2)
        holder.send_signal(signal.SIGKILL)


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def waiting(cluster, condition):
    return f"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND {condition}"


def test_a_recreate_is_not_cancelled_halfway(pgcask_popen, pgcask, cluster, workdir):
    db = make(cluster, "renewed", "CREATE TABLE t (n int);")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    old, count = "CREATE TABLE old ()", "SELECT count(*) FROM pg_class WHERE relname = '{}'"
    swapping = waiting(cluster, "query LIKE 'ALTER DATABASE%renewed%'")

    def recreate(holder):
        holder.sql("BEGIN; COMMENT ON DATABASE renewed IS 'ALTER DATABASE waits for this'")
        running = pgcask_popen("restore", archive, "--to", cluster.uri(db), "--recreate")
        wait_for(lambda: cluster.value(swapping) == "1", 60)
        return running

    def backends(function):
        cluster.sql(f"SELECT {function}(pid) FROM ({swapping.replace('count(*)', 'pid')}) p")

    cluster.sql(old, db)
    with cluster.session("postgres") as holder:
        running = recreate(holder)
        running.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert cluster.value(swapping) == "1"
        holder.sql("ROLLBACK")
    running.wait(60)
    assert not [name for name in cluster.databases() if "pgcask" in name]
    assert [cluster.value(count.format(name), db) for name in ("t", "old")] == ["1", "0"]
    # What a DROP DATABASE of others left halfway is no use but to be made anew.
    cluster.sql(f"UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{db}'")
    result = pgcask("restore", archive, "--to", cluster.uri(db))
    assert result.rc == 1 and "is invalid" in result.stderr and "--recreate" in result.stderr, result
    pgcask("restore", archive, "--to", cluster.uri(db), "--recreate").check()
    assert cluster.value(count.format("t"), db) == "1"
    # Ended on the server while it waits, or with its session: both are there, and what to type.
    for function in ("pg_cancel_backend", "pg_terminate_backend"):
        cluster.sql("DROP TABLE IF EXISTS t, old; " + old, db)
        with cluster.session("postgres") as holder:
            running = recreate(holder)
            backends(function)
            result = running.wait(60)
            holder.sql("ROLLBACK")
        assert result.rc == 1 and cluster.value(count.format("old"), db) == "1", result
        (left,) = [name for name in cluster.databases() if "pgcask" in name]
        assert cluster.value(count.format("t"), left) == "1"
        for statement in ('DROP DATABASE "renewed"', f'ALTER DATABASE {left} RENAME TO "renewed"'):
            assert statement + ";" in result.stderr, result
            cluster.sql(statement)
        assert [cluster.value(count.format(name), db) for name in ("t", "old")] == ["1", "0"]


@pytest.mark.parametrize("form", ["archive", "script"])
def test_one_transaction_that_the_server_ended_is_undone(
        pgcask_popen, pgcask, cluster, workdir, form):
    db = make(cluster, "undone", "CREATE TABLE first (n int); CREATE TABLE second (n int);")
    source = workdir / "undone.sql"
    if form == "script":
        process.run([logical.stock("pg_dump", cluster), "-f", source, cluster.uri(db)]).check()
    else:
        source = logical.back_up(pgcask, cluster, db, workdir / "backup")
    copy = make(cluster, "undone copy")
    with cluster.session(copy) as holder:
        holder.sql("BEGIN; LOCK TABLE pg_class IN SHARE MODE")
        running = pgcask_popen("restore", source, "--to", cluster.uri(copy), "--single-transaction")
        held = waiting(cluster, f"datname = '{copy}'")
        wait_for(lambda: cluster.value(held) == "1", 60)
        cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name LIKE 'pgcask%'")
        result = running.wait(60)
        holder.sql("ROLLBACK")
    assert result.rc == 1 and "server's disk" not in result.stderr, result
    assert "terminat" in result.stderr, result
    assert cluster.value("SELECT count(*) FROM pg_class WHERE relname = 'first'", copy) == "0"
    # A session in which nothing was restored has nothing to make sure of.
    with cluster.session(copy) as holder:
        holder.sql("BEGIN; LOCK TABLE pg_class IN SHARE MODE")
        running = pgcask_popen("restore", source, "--to", cluster.uri(copy), "--single-transaction")
        wait_for(lambda: cluster.value(held) == "1", 60)
        cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' "
                    "AND application_name LIKE 'pgcask%'")
        holder.sql("ROLLBACK")
    running.wait(60).check()


def test_a_pipe_that_has_a_name_is_a_stream(pgcask, pgcask_popen, cluster, workdir):
    db = make(cluster, "piped", "CREATE TABLE t AS SELECT generate_series(1, 100) n;")
    folder = workdir / "tar.tar"
    process.run([logical.stock("pg_dump", cluster), "-Ft", "-f", folder, cluster.uri(db)]).check()
    os.mkfifo(workdir / "fifo")
    for source in (logical.back_up(pgcask, cluster, db, workdir / "backup"), folder):
        copy = make(cluster, "piped copy")
        running = pgcask_popen("restore", workdir / "fifo", "--to", cluster.uri(copy))
        (workdir / "fifo").write_bytes(source.read_bytes())
        result = running.wait(60)
        assert result.ok and "100 rows" in result.stdout, result
        logical.drop(cluster, copy)


@pytest.fixture(scope="module")
def all_databases(pgcask, module_servers, major, tmp_path_factory):
    """Backups of "first" and "second" by their layouts."""
    server = module_servers.create(major)
    for name in ("first", "second"):
        make(server, name, "CREATE TABLE t AS SELECT generate_series(1, 100) n;",
             "CREATE ROLE \"of the globals\" LOGIN CONNECTION LIMIT 3;" if name == "first" else "")
    folder = tmp_path_factory.mktemp("all")
    for layout in ("classic", "numbered", "tables"):
        for end in ("", ".tar"):
            pgcask("backup", server.uri(None), "--to", folder / f"{layout}{end}", "--layout", layout,
                   "--databases", "first,second,postgres", "--quiet").check()
    server.close()
    return folder


@pytest.mark.parametrize("layout", ["classic", "numbered", "tables"])
def test_all_databases_are_looked_at_before_the_first(
        pgcask, cluster, all_databases, layout):
    for name in ("first", "second"):
        make(cluster, name, f"CREATE TABLE \"in the way of {name}\" (n int);")
    cluster.sql('CREATE ROLE "of the globals" CONNECTION LIMIT 5')
    full = {"first": "in the way of first", "second": "in the way of second"}
    limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'of the globals'"
    for source in (layout, f"{layout}.tar"):
        for options in (["--dry-run"], []):
            result = pgcask("restore", all_databases / source, "--to", cluster.uri(None),
                            "--create-db", *options)
            assert result.rc == 1 and "restore was not begun" in result.stderr, result
            for what in full.values():
                assert result.stderr.count(what) == 1, result
            assert cluster.value(limit) == "5"
            assert ('database "first"' in result.stdout) == bool(options), result
    # Where only the second is full, the first is not begun.
    logical.drop(cluster, "first")
    result = pgcask("restore", all_databases / layout, "--to", cluster.uri(None), "--create-db")
    assert result.rc == 1 and "restore was not begun" in result.stderr, result
    assert "first" not in cluster.databases() and cluster.value(limit) == "5"
    # Of a stream that cannot be known.
    with open(all_databases / f"{layout}.tar", "rb") as stream:
        result = pgcask("restore", "-", "--to", cluster.uri(None), "--create-db", stdin=stream)
    assert result.rc == 1 and full["second"] in result.stderr, result
    if layout != "classic":
        assert 'of "second" was not begun; ' in result.stderr, result
        assert re.search(r'restored before: .*"?first"?', result.stderr), result
    assert cluster.value("SELECT count(*) FROM t", "first") == "100"
    # Nothing in the way: the plan, and then that.
    for name in full:
        logical.drop(cluster, name)
    result = pgcask("restore", all_databases / layout, "--to", cluster.uri(None),
                    "--dry-run").check()
    assert result.stdout.count('database "first"') == 1, result
    assert result.stdout.count('database "second"') == 1, result
    assert "first" not in cluster.databases()
    # Whatever the layout, those that are not there are made, and nothing is made for rows alone.
    told = pgcask("restore", all_databases / layout, "--to", cluster.uri(None), "--data-only")
    assert told.rc in (1, 2, 3) and "first" not in cluster.databases(), told
    pgcask("restore", all_databases / layout, "--to", cluster.uri(None), "--databases",
           "second").check()
    assert "first" not in cluster.databases()
    logical.drop(cluster, "second")
    pgcask("restore", all_databases / layout, "--to", cluster.uri(None)).check()
    for name in full:
        assert cluster.value("SELECT count(*) FROM t", name) == "100"
        logical.drop(cluster, name)
    cluster.sql('DROP ROLE "of the globals"')


@pytest.mark.majors(15)
def test_memory_is_bounded(restorer, cluster, workdir):
    db = make(cluster, "large", "CREATE UNLOGGED TABLE t (n int, t text);")
    archive = logical.stock_archive(cluster, db, workdir / "schema.dump")
    logical.run_sql(cluster, db, "ALTER TABLE t ALTER t SET STORAGE PLAIN;"
                    "INSERT INTO t SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 1110000) n")
    with open(workdir / "pipe", "wb") as out:
        process.run([logical.stock("pg_dump", cluster), "-Fc", "-Z0"], stdout=out, timeout=600,
                    env=logical._environment(cluster, db)).check()
    assert os.path.getsize(workdir / "pipe") > 1000 * MB
    copy = make(cluster, "large copy")
    with open(workdir / "pipe", "rb") as source:
        outcome = restorer(cluster, copy, "-", stdin=source)
    assert outcome.result.ok and outcome.report["rows"] == 1110000, str(outcome.result)
    assert outcome.result.peak_rss < 48 * MB, outcome.result.peak_rss
