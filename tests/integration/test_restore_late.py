"""What depends on what stands behind the data, such as a default whose function needs a primary
key, is restored behind it; what rows need of it is there before them."""

import collections
import json

import pytest

from pgcask_testing import logical, process
from pgcask_testing.logical import cluster  # noqa: F401: a fixture

# Bodies that are parsed when the function is made, which 14 and later have.
KEYED = """
    CREATE TABLE "a key" (id int PRIMARY KEY, n text);
    INSERT INTO "a key" VALUES (1, 'a'), (2, 'b');
    CREATE FUNCTION late() RETURNS bigint
        BEGIN ATOMIC SELECT count(*) FROM (SELECT n FROM "a key" GROUP BY id) x; END;
    CREATE FUNCTION later(int) RETURNS bigint IMMUTABLE
        BEGIN ATOMIC SELECT $1 + count(*) FROM (SELECT n FROM "a key" GROUP BY id) x; END;
    CREATE TABLE defaulted (a bigint DEFAULT late(), b int);
    INSERT INTO defaulted VALUES (DEFAULT, 1), (7, 2);
    COMMENT ON COLUMN defaulted.a IS 'a comment';
    CREATE INDEX ON defaulted (b);
    CREATE MATERIALIZED VIEW gathered AS SELECT id, n FROM "a key" GROUP BY id;
    CREATE DOMAIN checked AS bigint CHECK (value > later(1) - 1000);
    CREATE TABLE of_domain (d checked PRIMARY KEY);
    INSERT INTO of_domain VALUES (4);
    CREATE TABLE refers (d bigint REFERENCES of_domain);
    INSERT INTO refers VALUES (4);
    CREATE VIEW looks AS SELECT a, id FROM defaulted, "a key" GROUP BY a, id;
"""
GENERATED = """
    CREATE TABLE generated (a int, b bigint GENERATED ALWAYS AS (later(a)) STORED);
    INSERT INTO generated VALUES (1), (2);
    CREATE INDEX ON generated (b);
"""
# pg_dump itself gives such tables no place in which they can be restored; ours has one.
OF_ROWS = """
    CREATE TABLE rows (r gathered, i int UNIQUE);
    INSERT INTO rows SELECT gathered, id FROM gathered;
    CREATE TABLE children (k int) INHERITS (rows);
    INSERT INTO children VALUES (NULL, 4, 5);
    CREATE TABLE counted (id serial, b gathered);
    INSERT INTO counted (b) VALUES (NULL);
    CREATE TABLE parted (a int) PARTITION BY RANGE ((later(a)));
    CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (100);
    INSERT INTO parted VALUES (1), (2);
"""
TABLES = ('"a key"', "defaulted", "gathered", "of_domain", "refers", "looks")
WAYS = {
    "one": ["--jobs", "1"], "several": ["--jobs", "3"], "whole": ["--single-transaction"],
    "stream": ["--jobs", "1"], "streams": ["--jobs", "3"],
}


def contents(server, db, tables):
    return logical.run_sql(server, db, "".join(
        f"SELECT '{table}', t::text FROM {table} t ORDER BY 2;" for table in tables))


def assert_restored(pgcask, server, archive, source, tables, ways=WAYS):
    rows, schema = contents(server, source, tables), logical.dump_schema(server, source)
    for way in ways:
        logical.make(server, "target")
        to = ["--to", server.uri("target"), "--quiet", *WAYS[way]]
        if way.startswith("stream"):
            with archive.open("rb") as stream:
                result = pgcask("restore", "-", *to, stdin=stream)
        else:
            result = pgcask("restore", archive, *to)
        assert result.rc == 0 and not result.stderr.replace(
            "pgcask: warning: a stream's rows are put in by several sessions: those of large tables "
            "do not keep their order\n", ""), (way, result)
        assert contents(server, "target", tables) == rows, way
        if way in ("several", "stream"):
            assert logical.dump_schema(server, "target") == schema, way


@pytest.fixture
def parses_bodies(major):
    if major < 14:
        pytest.skip("functions are texts before 14")


@pytest.mark.sampled
def test_our_own_archives(pgcask, cluster, workdir, major, parses_bodies):
    tables = [*TABLES, "rows", "children", "counted", "part", "parted"]
    scripts = [KEYED, OF_ROWS]
    if major >= 17:
        scripts.append(GENERATED)
        tables.append("generated")
    logical.make(cluster, "source", *scripts)
    archive = logical.back_up(pgcask, cluster, "source", workdir / "b")
    assert_restored(pgcask, cluster, archive, "source", tables)
    result = pgcask("verify", workdir / "b", "--restore-to", cluster.uri("postgres"), "--quiet")
    assert result.rc == 0, result


@pytest.mark.sampled(1)
def test_archives_of_pg_dump(pgcask, cluster, workdir, parses_bodies):
    logical.make(cluster, "source", KEYED)
    archive = workdir / "a.dump"
    logical.stock_archive(cluster, "source", archive)
    assert_restored(pgcask, cluster, archive, "source", TABLES, ("one", "several", "stream"))


# What is dropped first, and is not there or not ours

VIEWED = """
    CREATE SCHEMA "S s"; CREATE TYPE "S s".kind AS ENUM ('a');
    CREATE TABLE "S s"."a key" (id int PRIMARY KEY, k "S s".kind);
    INSERT INTO "S s"."a key" VALUES (1, 'a');
    CREATE VIEW "S s"."v ""1 _RETURN" AS SELECT id, k FROM "S s"."a key" GROUP BY id;
    CREATE VIEW "S s".outer_view AS SELECT * FROM "S s"."v ""1 _RETURN";
"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("words", [[], ["--single-transaction"]], ids=["each", "whole"])
def test_clean_where_nothing_is_there_yet(pgcask, cluster, workdir, words):
    logical.make(cluster, "source", VIEWED)
    archive = logical.back_up(pgcask, cluster, "source", workdir / "b")
    logical.make(cluster, "target")
    for _ in range(2):
        result = pgcask("restore", archive, "--to", cluster.uri("target"), "--quiet", "--clean",
                        *words)
        assert result.rc == 0 and result.stderr == "", result
        assert contents(cluster, "target", ['"S s"."v ""1 _RETURN"', '"S s".outer_view']) == (
            b'"S s"."v ""1 _RETURN"|(1,a)\n"S s".outer_view|(1,a)\n'), result


@pytest.mark.sampled(1)
def test_clean_leaves_an_extension_of_another_role(pgcask, cluster, workdir):
    logical.make(cluster, "source", "CREATE EXTENSION hstore; CREATE TABLE t (h hstore);")
    archive = logical.back_up(pgcask, cluster, "source", workdir / "b")
    logical.run_sql(cluster, "postgres", "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN;")
    logical.make(cluster, "target", "CREATE EXTENSION hstore", options="OWNER plain")
    logical.run_sql(cluster, "target", "GRANT ALL ON SCHEMA public TO plain")
    result = pgcask("restore", archive, "--to", cluster.uri("target", user="plain"), "--clean",
                    "--no-owner", "--no-privileges", "--json")
    assert result.rc == 0, result
    found = json.loads(result.stdout)
    (told,) = [failure for failure in found["failures"]
               if failure.get("harmless") == "extension_kept"]
    assert told["object"] == "EXTENSION hstore" and found["failure_count"] == 0, result
    assert logical.run_sql(cluster, "target", "SELECT count(*) FROM t").strip() == b"0"
    logical.drop(cluster, "target")
    logical.run_sql(cluster, "postgres", "DROP ROLE plain")


DROPPED = """
    CREATE TABLE "drop" (n int CONSTRAINT c CHECK (n > 0) DEFAULT 1, o text); CREATE INDEX ON "drop" (o);
    CREATE TABLE parted (n int NOT NULL, k int PRIMARY KEY REFERENCES "S s"."a key")
        PARTITION BY RANGE (k);
    CREATE TABLE part PARTITION OF parted FOR VALUES FROM (1) TO (9);
    CREATE TABLE ids (n int GENERATED ALWAYS AS IDENTITY, m serial); SELECT lo_create(4711);
    CREATE DOMAIN d AS int CONSTRAINT positive CHECK (VALUE > 0);
    CREATE FUNCTION "S s".f(k "S s".kind) RETURNS d LANGUAGE sql AS 'SELECT 1::d';
    CREATE FUNCTION changes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE AGGREGATE "S s".total(int) (SFUNC = int4pl, STYPE = int);
    CREATE CAST ("S s".kind AS d) WITH FUNCTION "S s".f("S s".kind);
    CREATE FUNCTION "S s".beside("S s".kind, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE OPERATOR "S s".## (LEFTARG = "S s".kind, RIGHTARG = int, PROCEDURE = "S s".beside);
    CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE TRIGGER t BEFORE INSERT ON "drop" FOR EACH ROW EXECUTE FUNCTION changes();
    CREATE RULE r AS ON DELETE TO "drop" DO INSTEAD NOTHING;
    CREATE POLICY p ON "drop" USING (true); CREATE STATISTICS s ON n, o FROM "drop";
    CREATE PUBLICATION p FOR TABLE "drop"; CREATE COLLATION "S s".c (LOCALE = 'C');
    CREATE EXTENSION hstore; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
    CREATE USER MAPPING FOR CURRENT_USER SERVER s; CREATE FOREIGN TABLE away (n int) SERVER s;
    CREATE TEXT SEARCH CONFIGURATION "S s".words (COPY = simple);
    CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION told(); ALTER EVENT TRIGGER e DISABLE;
    CREATE OPERATOR FAMILY "S s".fam USING btree; CREATE ACCESS METHOD am TYPE INDEX HANDLER bthandler;
    CREATE MATERIALIZED VIEW m AS SELECT * FROM "S s".outer_view;
"""


def clean_script(server, db, path, *options):
    """What stock pg_dump --clean writes, without --if-exists."""
    env = logical._environment(server, db)
    path.write_bytes(process.run([logical.stock("pg_dump", server), "--clean", *options], env=env,
                                 timeout=600).check().stdout_bytes)
    return path


def failures_of(result):
    return json.loads(result.stdout)["failures"]


@pytest.mark.sampled(1)
def test_what_a_script_drops_need_not_be_there(pgcask, cluster, workdir):
    """psql goes on where DROP fails; here that is told apart from what is missing afterwards."""
    logical.make(cluster, "source", VIEWED, DROPPED)
    path = clean_script(cluster, "source", workdir / "a.sql")
    logical.make(cluster, "target")
    into = ["restore", path, "--to", cluster.uri("target"), "--json"]
    for again in (False, True):
        result = pgcask(*into, "--exit-on-error", *["--into-existing"] * again)
        assert result.rc == 0, result
        classes = collections.Counter(failure["harmless"] for failure in failures_of(result))
        assert set(classes) <= {"inherited_constraint" if again else "nothing_to_drop"}, result
        assert (classes.total() > 30) != again, result
        assert logical.dump_schema(cluster, "target") == logical.dump_schema(cluster, "source")
    result = pgcask("verify", path, "--restore-to", cluster.uri("postgres"))
    assert result.rc == 0, result
    logical.drop(cluster, "source")
    # What else is not there is a real failure, and so is what is dropped once things are made.
    path.write_text("DROP TABLE a;\nALTER TABLE only b DROP CONSTRAINT c;\n"
                    "SELECT pg_catalog.lo_unlink('1');\n"
                    "CREATE OR REPLACE VIEW missing.v AS\nSELECT\n    NULL::integer AS n;\n"
                    "CREATE OR REPLACE VIEW missing.v AS\nSELECT 1 AS n;\nDROP TABLE a;\n")
    result = pgcask(*into, "--into-existing")
    assert result.rc == 3, result
    assert [failure.get("harmless") for failure in failures_of(result)] == (
        ["nothing_to_drop"] * 4 + [None] * 2), result
    for line in ("ALTER TABLE drop OWNER TO nobody_at_all;", "ALTER TABLE a OWNER TO CURRENT_USER;"):
        path.write_text(line)
        result = pgcask(*into, "--into-existing")
        assert result.rc == 3 and "harmless" not in failures_of(result)[0], result
    logical.drop(cluster, "target")
