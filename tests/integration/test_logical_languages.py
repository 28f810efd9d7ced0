"""Languages, casts, transforms, access methods and conversions in logical backups, beside what stock
tools make of them."""

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make, script  # noqa: F401

WORDS = ("PROCEDURAL LANGUAGE", "CAST", "TRANSFORM", "ACCESS METHOD", "CONVERSION")
# Of each type of range its cast to the multirange is made with it.
SINCE = {14: "CREATE TYPE k.r AS RANGE (subtype = k.word);"
             "CREATE CAST (k.r_multi AS text[]) WITH INOUT;".replace("k.r_multi", "k.r_multirange"),
         17: "CREATE TABLE k.tree (a int) PARTITION BY LIST (a) USING mine;"
             "CREATE TABLE k.leaf PARTITION OF k.tree DEFAULT;"}


def everything(major):
    return [script("languages"), *(sql for since, sql in SINCE.items() if major >= since)]


def test_all_come_back_with_what_uses_them(pgcask, cluster, major, workdir):
    db = make(cluster, "round", *everything(major))
    archive = logical.back_up(pgcask, cluster, db, workdir / "first")
    listed = logical.contents(cluster, archive)
    assert listed["ACL - LANGUAGE granted postgres"] == 1
    assert listed["COMMENT - CAST (k.pair AS integer) "] == 1
    logical.create_like(cluster, db, "again")
    logical.restore(cluster, archive, "again")
    for facts in (
            "SELECT lanname, lanowner::regrole, lanpltrusted, lanplcallfoid::regproc, "
            "laninline::regproc, lanvalidator::regproc, "
            "ARRAY(SELECT x::text FROM unnest(lanacl) x ORDER BY 1) FROM pg_language ORDER BY 1",
            "SELECT relname, amname FROM pg_class c LEFT JOIN pg_am a ON a.oid = relam "
            "WHERE relnamespace = 'k'::regnamespace ORDER BY 1",
            "SELECT k.in_ours(4), k.in_other()"):
        assert cluster.sql(facts, "again") == cluster.sql(facts, db)
    logical.drop(cluster, "again")
    logical.round_trip(pgcask, cluster, db, workdir)


def test_statements_are_those_of_pg_dump(pgcask, cluster, major, workdir):
    db = make(cluster, "beside", *everything(major))
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    made = logical.sql_of_kinds(cluster, ours, workdir / "ours.sql", WORDS)
    assert made == logical.sql_of_kinds(cluster, theirs, workdir / "theirs.sql", WORDS)
    assert len(made) == 20 + (major >= 14), list(made)


@pytest.mark.majors(13, 15, 18)
def test_all_can_be_restored_over_itself(pgcask, cluster, major, workdir):
    db = make(cluster, "over", *everything(major))
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    schema, rows = logical.dump_schema(cluster, db), logical.table_sums(cluster, db)
    for options in ([], ["--single-transaction"], ["--jobs=2"]):
        logical.restore(cluster, archive, db, "--clean", "--if-exists", *options)
        assert logical.dump_schema(cluster, db) == schema
        assert logical.table_sums(cluster, db) == rows


def test_a_language_may_borrow_anothers_functions(pgcask, cluster, workdir):
    """Stock pg_dump then asks for an extension of its name, which there is none of."""
    db = make(cluster, "borrowed", """
        CREATE TRUSTED LANGUAGE "bor rowed" HANDLER plpgsql_call_handler
            INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
        CREATE LANGUAGE bare HANDLER plpgsql_call_handler;
        REVOKE USAGE ON LANGUAGE "bor rowed" FROM PUBLIC;
        CREATE FUNCTION f() RETURNS int LANGUAGE "bor rowed" AS 'BEGIN RETURN 7; END';
    """)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    assert logical.contents(cluster, archive) == logical.contents(cluster, theirs)
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy")
    assert cluster.value("SELECT f()", "copy") == "7"
    languages = ("SELECT lanname, lanpltrusted, lanplcallfoid::regproc, laninline::regproc, "
                 "lanvalidator::regproc, lanacl FROM pg_language ORDER BY 1")
    assert cluster.sql(languages, "copy") == cluster.sql(languages, db)
    logical.restore(cluster, archive, "copy", "--clean", "--if-exists")
    logical.create_like(cluster, db, "copy")
    result = logical.restore(cluster, theirs, "copy", check=False)
    assert 'could not open extension control file' in result.stderr or (
        'extension "bare" is not available' in result.stderr), result
    logical.drop(cluster, "copy")


def test_who_may_use_the_language_sql_comes_back(pgcask, cluster, workdir):
    """Stock pg_dump knows of languages with a handler only."""
    db = make(cluster, "sql_for_some", """
        REVOKE USAGE ON LANGUAGE sql FROM PUBLIC;
        GRANT USAGE ON LANGUAGE sql TO alice WITH GRANT OPTION;
    """)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    assert logical.contents(cluster, archive) - logical.contents(cluster, theirs) == {
        "ACL - LANGUAGE sql postgres": 1}
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy")
    privileges = "SELECT lanname, lanacl FROM pg_language ORDER BY 1"
    assert cluster.sql(privileges, "copy") == cluster.sql(privileges, db)
    logical.drop(cluster, "copy")


def test_a_language_whose_handler_is_left_out_is_asked_for_by_name(pgcask, cluster, workdir):
    """A handler in a schema of the system comes back by an extension, if at all: as with pg_dump."""
    db = make(cluster, "misplaced", """
        SET allow_system_table_mods = on;
        CREATE FUNCTION pg_catalog.my_handler() RETURNS language_handler LANGUAGE c
            AS '$libdir/plpgsql', 'plpgsql_call_handler';
        CREATE LANGUAGE mine HANDLER my_handler;
    """)
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup").check()
    assert "function my_handler() is left out" in result.stderr
    (archive,) = (workdir / "backup").glob("*.dump")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    made = logical.sql_of_kinds(cluster, archive, workdir / "ours.sql", WORDS)
    assert made == logical.sql_of_kinds(cluster, theirs, workdir / "theirs.sql", WORDS)
    assert "CREATE OR REPLACE PROCEDURAL LANGUAGE mine;" in "".join(made.values())
    logical.drop(cluster, db)


def test_members_of_extensions_are_made_by_those(pgcask, cluster, workdir):
    db = make(cluster, "member", script("languages"), """
        CREATE EXTENSION hstore;
        ALTER EXTENSION hstore ADD LANGUAGE granted;
        ALTER EXTENSION hstore ADD CAST (int AS bool[]);
        ALTER EXTENSION hstore ADD TRANSFORM FOR int LANGUAGE sql;
        ALTER EXTENSION hstore ADD ACCESS METHOD mytree;
        ALTER EXTENSION hstore ADD CONVERSION k.con;
        GRANT USAGE ON LANGUAGE granted TO bob;
        CREATE CAST (hstore AS int) WITH INOUT AS ASSIGNMENT;
        CREATE CAST (hstore AS k.pair) WITH INOUT;
    """)
    listed = logical.contents(cluster, logical.back_up(pgcask, cluster, db, workdir / "backup"))
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    assert listed == logical.contents(cluster, theirs)
    assert not {"PROCEDURAL LANGUAGE - granted postgres", "CAST - CAST (integer AS boolean[]) ",
                "TRANSFORM - TRANSFORM FOR integer LANGUAGE sql ", "ACCESS METHOD - mytree ",
                "CONVERSION k con alice"} & set(listed)
    assert listed["CAST - CAST (public.hstore AS k.pair) "] == 1


# What is made with a cast comes behind it, be it by its types alone.
WRITTEN_WITH_CASTS = """
    CREATE TYPE z AS (a int);
    CREATE FUNCTION z_of(int) RETURNS z IMMUTABLE LANGUAGE sql AS 'SELECT ROW($1)::z';
    CREATE FUNCTION int_of(z) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT ($1).a';
    CREATE CAST (int AS z) WITH FUNCTION z_of(int) AS IMPLICIT;
    CREATE CAST (z AS int) WITH FUNCTION int_of(z) AS IMPLICIT;
    CREATE DOMAIN a_domain AS int CHECK (int_of(VALUE::z) > 0) DEFAULT (ROW(5)::z)::int;
    CREATE FUNCTION a_default(a z DEFAULT 5::z, b int DEFAULT ROW(6)::z) RETURNS int LANGUAGE sql
        AS 'SELECT 1';
    CREATE TABLE a_table (a z DEFAULT 7, b int GENERATED ALWAYS AS (a::int) STORED);
    INSERT INTO a_table DEFAULT VALUES;
    CREATE TYPE a_mood AS ENUM ('7', '8');
    CREATE CAST (a_mood AS int) WITH INOUT AS IMPLICIT;
    CREATE VIEW a_view AS SELECT '7'::a_mood::int + 1 AS a;
    CREATE DOMAIN a_domain_of_moods AS a_mood CHECK (VALUE::int > 7);
"""
SINCE_14 = """
    CREATE FUNCTION a_body(a z, b a_mood) RETURNS int LANGUAGE sql RETURN a::int + b::int;
    CREATE FUNCTION another(a int) RETURNS z LANGUAGE sql BEGIN ATOMIC SELECT (a + 1)::z; END;
"""


def test_what_is_written_with_casts_comes_behind_them(pgcask, cluster, major, workdir):
    db = make(cluster, "casts", WRITTEN_WITH_CASTS, SINCE_14 if major >= 14 else "")
    logical.round_trip(pgcask, cluster, db, workdir)


# Loops

LOOPS = {
    "a cast whose function uses it": """
        CREATE TYPE z AS (a int);
        CREATE FUNCTION z_of(int) RETURNS z IMMUTABLE LANGUAGE sql AS 'SELECT ROW($1)::z';
        CREATE CAST (int AS z) WITH FUNCTION z_of(int) AS IMPLICIT;
        CREATE OR REPLACE FUNCTION z_of(a int) RETURNS z IMMUTABLE LANGUAGE sql
            RETURN CASE WHEN a > 0 THEN (a - 1)::z ELSE ROW(0)::z END;
    """,
    "a cast of a domain that is checked by its function": """
        CREATE DOMAIN d AS int;
        CREATE FUNCTION f(d) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT ''x''';
        CREATE CAST (d AS text) WITH FUNCTION f(d);
        ALTER DOMAIN d ADD CHECK (f(VALUE::d) = 'x');
        CREATE TABLE t (a d);
    """,
    "a cast of a table's rows that the table uses": """
        CREATE TABLE t (a int, b int);
        CREATE FUNCTION int_of(t) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT ($1).a';
        CREATE CAST (t AS int) WITH FUNCTION int_of(t) AS IMPLICIT;
        ALTER TABLE t ADD CHECK (int_of(t) > 0), ADD CHECK (t.*::int > 0);
        INSERT INTO t VALUES (1, 2);
        CREATE VIEW v AS SELECT t::int + 1 AS a FROM t;
    """,
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_are_broken(pgcask, cluster, major, workdir, name):
    if major < 14 and "RETURN C" in LOOPS[name]:
        pytest.skip("a body that is parsed")
    db = make(cluster, "loop", LOOPS[name])
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy")
    assert logical.definitions(cluster, "copy") == logical.definitions(cluster, db)
    assert logical.dump_schema(cluster, "copy") == logical.dump_schema(cluster, db)
    assert logical.table_sums(cluster, "copy") == logical.table_sums(cluster, db)
    logical.restore(cluster, archive, "copy", "--clean", "--if-exists")
    assert logical.definitions(cluster, "copy") == logical.definitions(cluster, db)
    logical.drop(cluster, "copy")
