"""What depends on what stands behind the data, such as a default whose function needs a primary
key, is restored behind it; what rows need of it is there before them."""

import json

import pytest

from pgcask_testing import logical
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
