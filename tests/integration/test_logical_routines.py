"""Functions and procedures whose bodies the server has parsed, and that need themselves or each other."""

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make, script  # noqa: F401

SINCE_14 = pytest.mark.majors(14, 16, 18)


# Each runs in a schema of its own. A routine is made with a body that needs nothing first.
LOOPS = {
    "itself": """
        CREATE FUNCTION f(n int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE OR REPLACE FUNCTION f(n int) RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT CASE WHEN n <= 1 THEN 1 ELSE n * f(n - 1) END; END;
    """,
    "itself, by RETURN, with everything": """
        CREATE TYPE e AS ENUM ('a', 'b');
        CREATE FUNCTION f(n int, VARIADIC m e[] DEFAULT ARRAY['a']::e[]) RETURNS int
            LANGUAGE sql AS 'SELECT 1';
        CREATE OR REPLACE FUNCTION f(n int, VARIADIC m e[] DEFAULT ARRAY['a']::e[]) RETURNS int
            LANGUAGE sql IMMUTABLE STRICT SECURITY DEFINER LEAKPROOF PARALLEL SAFE COST 7
            SET search_path = "a b", pg_catalog SET work_mem = '3MB'
            RETURN CASE WHEN n <= 1 THEN 1 ELSE n * {s}.f(n - 1, VARIADIC m) END;
        COMMENT ON FUNCTION f IS 'calls itself';
        REVOKE EXECUTE ON FUNCTION f FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION f TO bob WITH GRANT OPTION;
        GRANT CREATE, USAGE ON SCHEMA {s} TO alice;
        ALTER FUNCTION f OWNER TO alice;
        ALTER FUNCTION f SUPPORT pg_catalog.generate_series_int4_support;
        CREATE TABLE t (a int GENERATED ALWAYS AS (f(1, 'a')) STORED, b int CHECK (f(b) > 0));
        INSERT INTO t (b) VALUES (1), (3);
        CREATE INDEX ON t (f(b));
    """,
    "sets, OUT and tables": """
        CREATE FUNCTION f(INOUT a int, OUT b text) LANGUAGE sql AS $$SELECT 1, 'x'$$;
        CREATE OR REPLACE FUNCTION f(INOUT a int, OUT b text) LANGUAGE sql
            BEGIN ATOMIC SELECT g.a, g.b FROM f(a) g; END;
        CREATE FUNCTION tab(n int) RETURNS TABLE (x int, "Y y" text[]) LANGUAGE sql ROWS 7
            AS $$SELECT 1, ARRAY['x']$$;
        CREATE OR REPLACE FUNCTION tab(n int) RETURNS TABLE (x int, "Y y" text[]) LANGUAGE sql ROWS 7
            BEGIN ATOMIC SELECT g.x, g."Y y" FROM tab(n - 1) g; END;
        CREATE FUNCTION set_of(n int) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';
        CREATE OR REPLACE FUNCTION set_of(n int) RETURNS SETOF int LANGUAGE sql
            BEGIN ATOMIC SELECT g + 1 FROM set_of(n - 1) g; END;
        CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS '';
        CREATE OR REPLACE FUNCTION nothing() RETURNS void LANGUAGE sql
            BEGIN ATOMIC SELECT nothing(); END;
        CREATE FUNCTION one(OUT a "char") LANGUAGE sql AS $$SELECT 'x'::"char"$$;
        CREATE OR REPLACE FUNCTION one(OUT a "char") LANGUAGE sql BEGIN ATOMIC SELECT one(); END;
        CREATE TABLE t (a int, b text);
        CREATE FUNCTION of_rows(t) RETURNS SETOF t LANGUAGE sql AS 'SELECT $1.*';
        CREATE OR REPLACE FUNCTION of_rows(t) RETURNS SETOF t LANGUAGE sql
            BEGIN ATOMIC SELECT (of_rows(t)).* FROM t; END;
    """,
    "each other": """
        CREATE FUNCTION even(n int) RETURNS bool LANGUAGE sql AS 'SELECT true';
        CREATE FUNCTION odd(n int) RETURNS bool LANGUAGE sql
            RETURN CASE WHEN n = 0 THEN false ELSE even(n - 1) END;
        CREATE OR REPLACE FUNCTION even(n int) RETURNS bool LANGUAGE sql
            RETURN CASE WHEN n = 0 THEN true ELSE odd(n - 1) END;
        COMMENT ON FUNCTION even IS 'even'; COMMENT ON FUNCTION odd IS 'odd';
        ALTER FUNCTION odd OWNER TO bob;
        GRANT CREATE ON SCHEMA {s} TO bob;
        REVOKE EXECUTE ON FUNCTION odd FROM PUBLIC;
    """,
    "three": """
        CREATE FUNCTION a(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION b(int) RETURNS int LANGUAGE sql RETURN a($1 - 1);
        CREATE FUNCTION c(int) RETURNS int LANGUAGE sql RETURN b($1 - 1);
        CREATE OR REPLACE FUNCTION a(int) RETURNS int LANGUAGE sql
            RETURN CASE WHEN $1 < 1 THEN 0 ELSE c($1 - 1) END;
    """,
    "three, and themselves": """
        CREATE FUNCTION a(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION b(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION c(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE OR REPLACE FUNCTION a(int) RETURNS int LANGUAGE sql RETURN a(1) + b(1) + c(1);
        CREATE OR REPLACE FUNCTION b(int) RETURNS int LANGUAGE sql RETURN a(1) + b(1) + c(1);
        CREATE OR REPLACE FUNCTION c(int) RETURNS int LANGUAGE sql RETURN a(1) + b(1) + c(1);
    """,
    "a procedure of it all": """
        CREATE TABLE log (a int);
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT count(f())::int FROM log; END;
        CREATE PROCEDURE p(a int DEFAULT f(), INOUT b text DEFAULT 'x') LANGUAGE sql
            BEGIN ATOMIC INSERT INTO log SELECT a + f(); SELECT 'y'::text AS y; END;
        COMMENT ON PROCEDURE p IS 'uses it';
    """,
    "by a view": """
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE VIEW v AS SELECT f() AS a;
        CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT a FROM v LIMIT 1; END;
    """,
    "by views of views": """
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE VIEW v AS SELECT f() AS a;
        CREATE VIEW w AS SELECT a, count(*) FROM v GROUP BY a;
        CREATE FUNCTION g() RETURNS SETOF w LANGUAGE sql BEGIN ATOMIC SELECT * FROM w; END;
        CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT a FROM g() LIMIT 1; END;
    """,
    "by a materialized view": """
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE MATERIALIZED VIEW m AS SELECT f() AS a WITH NO DATA;
        CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT a FROM m LIMIT 1; END;
    """,
    "by a default": """
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE TABLE t (a int DEFAULT f(), b int);
        CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT coalesce(max(a), 0) + 1 FROM t; END;
        INSERT INTO t DEFAULT VALUES;
        INSERT INTO t DEFAULT VALUES;
    """,
    "by a generated column": """
        CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
        CREATE TABLE t (a int, b int GENERATED ALWAYS AS (f(a)) STORED);
        CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE
            BEGIN ATOMIC SELECT $1 + (SELECT count(*) FROM t WHERE b < 0)::int + 1; END;
        INSERT INTO t VALUES (1), (2);
    """,
    "by a check and a domain": """
        CREATE FUNCTION f(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
        CREATE DOMAIN d AS int CHECK (f(VALUE));
        CREATE TABLE t (a d, CHECK (f(a)));
        INSERT INTO t VALUES (5);
        CREATE OR REPLACE FUNCTION f(int) RETURNS bool LANGUAGE sql IMMUTABLE
            BEGIN ATOMIC SELECT count(a::d) >= 0 FROM t; END;
    """,
    "by a row type": """
        CREATE TABLE t (a int, b text);
        CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1';
        ALTER TABLE t ALTER a SET DEFAULT f(NULL);
        CREATE OR REPLACE FUNCTION f(t) RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT max(f(x)) FROM t x WHERE x.b = ($1).b; END;
    """,
    "by an aggregate": """
        CREATE FUNCTION f(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2';
        CREATE AGGREGATE agg(int) (SFUNC = f, STYPE = int);
        CREATE OR REPLACE FUNCTION f(int, int) RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT agg(x) FROM generate_series($1, $2) x; END;
    """,
    "by a default of an argument": """
        CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION f(a int DEFAULT g()) RETURNS int LANGUAGE sql RETURN a + 1;
        CREATE OR REPLACE FUNCTION g() RETURNS int LANGUAGE sql RETURN f() + f(7);
    """,
    "a default of its own": """
        CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a; END';
        CREATE OR REPLACE FUNCTION f(a int DEFAULT f(1)) RETURNS int LANGUAGE plpgsql
            AS 'BEGIN RETURN a; END';
        CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE OR REPLACE FUNCTION g(a int DEFAULT g(1)) RETURNS int LANGUAGE sql RETURN g(a) + 1;
    """,
    "defaults of each other": """
        CREATE FUNCTION f(a int, OUT x int, OUT "Y y" text, INOUT b int DEFAULT 2) LANGUAGE sql
            AS $$SELECT 1, 'x', 2$$;
        CREATE FUNCTION g(c int DEFAULT (f(1)).x) RETURNS int LANGUAGE plpgsql
            AS 'BEGIN RETURN 1; END';
        CREATE OR REPLACE FUNCTION f(a int, OUT x int, OUT "Y y" text, INOUT b int DEFAULT g(1))
            LANGUAGE sql AS $$SELECT 1, 'x', 2$$;
        CREATE FUNCTION h(a int, VARIADIC b int[] DEFAULT ARRAY[1]) RETURNS int LANGUAGE sql
            AS 'SELECT 1';
        CREATE FUNCTION i(b int DEFAULT h(1)) RETURNS int LANGUAGE sql RETURN h(1);
        CREATE OR REPLACE FUNCTION h(a int, VARIADIC b int[] DEFAULT ARRAY[i(1)]) RETURNS int
            LANGUAGE sql RETURN i(1) + a;
    """,
    "by a key of partitions": """
        CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        CREATE TABLE p (a int) PARTITION BY LIST (f(a));
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        INSERT INTO p VALUES (1);
        CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE
            BEGIN ATOMIC SELECT $1 + 0 * (SELECT count(*) FROM p)::int; END;
    """,
    "by a range's constructor": """
        CREATE FUNCTION f(text, text) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT 1.0::float8';
        CREATE TYPE r AS RANGE (subtype = text, subtype_diff = f);
        CREATE OR REPLACE FUNCTION f(text, text) RETURNS float8 LANGUAGE sql IMMUTABLE
            RETURN CASE WHEN r($1, $2) = r($2, $1) THEN 1.0 ELSE 2.0 END;
    """,
    "by statistics, a policy and a trigger": """
        CREATE TABLE t (a int, b int);
        CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
        CREATE STATISTICS st ON (f(a)), (b + 1) FROM t;
        CREATE POLICY p ON t USING (f(a) > 0);
        CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW WHEN (f(NEW.a) > 0)
            EXECUTE FUNCTION tf();
        CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE
            BEGIN ATOMIC SELECT count(f(a))::int FROM t; END;
    """,
    "by the composite type of a domain": """
        CREATE TYPE c AS (a int);
        CREATE FUNCTION f(c) RETURNS c LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        CREATE DOMAIN d AS c CHECK ((f(VALUE)).a > 0);
        CREATE OR REPLACE FUNCTION f(c) RETURNS c LANGUAGE sql IMMUTABLE RETURN f($1::d);
    """,
    "overloaded, and quoted": """
        CREATE FUNCTION "F f"(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION "F f"(text) RETURNS int LANGUAGE sql RETURN "F f"(length($1));
        CREATE OR REPLACE FUNCTION "F f"(int) RETURNS int LANGUAGE sql RETURN "F f"($1::text);
        CREATE FUNCTION "$pgcask$"(a text DEFAULT '$$') RETURNS text LANGUAGE sql AS 'SELECT 1';
        CREATE OR REPLACE FUNCTION "$pgcask$"(a text DEFAULT '$$') RETURNS text LANGUAGE sql
            RETURN "$pgcask$"('$body$' || a) || '$a$';
    """,
    "what comes after the data": """
        CREATE TABLE t (id int PRIMARY KEY, b text);
        CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT 1';
        CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE sql
            BEGIN ATOMIC SELECT max(b || f()) FROM (SELECT b FROM t GROUP BY id) x; END;
        CREATE VIEW v AS SELECT f() AS a;
    """,
}


def setting_up():
    parts = []
    for number, sql in enumerate(LOOPS.values()):
        schema = f"s{number}"
        parts.append(f"CREATE SCHEMA {schema};\nSET search_path = {schema};\n"
                     f"{sql.replace('{s}', schema)}\nRESET search_path;")
    return "\n".join(parts)


FACTS = """
    SELECT p.oid::regprocedure, proowner::regrole, obj_description(p.oid, 'pg_proc'),
           ARRAY(SELECT x::text FROM unnest(proacl) x ORDER BY 1),
           CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END
    FROM pg_proc p WHERE p.oid >= 16384 ORDER BY p.oid::regprocedure::text
"""


def assert_same(server, db, copy):
    assert server.sql(FACTS, copy) == server.sql(FACTS, db)
    assert logical.definitions(server, copy) == logical.definitions(server, db)
    assert logical.dump_schema(server, copy) == logical.dump_schema(server, db)
    assert logical.table_sums(server, copy) == logical.table_sums(server, db)


@SINCE_14
def test_routines_that_need_themselves_come_back(pgcask, cluster, workdir):
    db = make(cluster, "loops", setting_up())
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup").check()
    assert "warning" not in result.stderr
    archive = workdir / "backup/loops.dump"
    pgcask("verify", workdir / "backup", "--quiet").check()
    listed = pgcask("list", "--verbose", workdir / "backup").check()
    assert "f(integer)" in listed.stdout
    assert cluster.value("SELECT s0.f(5)", db) == "120"
    copy = "copy"
    for options in ([], ["-j4"]):
        logical.create_like(cluster, db, copy)
        logical.restore(cluster, archive, copy, *options)
        assert_same(cluster, db, copy)
    assert cluster.value("SELECT s0.f(5)", copy) == "120"
    assert cluster.value("SELECT s3.even(10)", copy) == "t"

    # Over itself, and over nothing.
    logical.restore(cluster, archive, copy, "--clean", "--if-exists")
    assert_same(cluster, db, copy)
    logical.create_like(cluster, db, copy)
    result = logical.restore(cluster, archive, copy, "--clean", "--if-exists", check=False)
    # Stock tools' own ways with views and domains do not know of schemas that are not there.
    assert "DO $" not in result.stderr and "FUNCTION" not in result.stderr, result
    assert_same(cluster, db, copy)
    logical.restore(cluster, archive, copy, "--clean")
    assert_same(cluster, db, copy)
    # By the list, and as SQL.
    (workdir / "list").write_bytes(logical.listing(cluster, archive))
    logical.create_like(cluster, db, copy)
    logical.restore(cluster, archive, copy, "-L", workdir / "list")
    assert_same(cluster, db, copy)
    logical.create_like(cluster, db, copy)
    logical.run_script(cluster, copy, logical.as_sql(cluster, archive, workdir / "sql"))
    assert_same(cluster, db, copy)
    # One of them by its name.
    logical.create_like(cluster, db, copy)
    cluster.sql("CREATE SCHEMA s0", copy)
    logical.restore(cluster, archive, copy, "-n", "s0", "-P", "f(integer)")
    assert cluster.value("SELECT s0.f(5)", copy) == "120"
    logical.drop(cluster, copy)


@SINCE_14
def test_a_routine_that_needs_nothing_of_its_own_is_one_entry(pgcask, cluster, workdir):
    """Bodies that lead to no loop are where stock tools have them."""
    db = make(cluster, "plain", """
        CREATE TABLE t (id int PRIMARY KEY, b text);
        CREATE FUNCTION a(int) RETURNS int LANGUAGE sql RETURN $1 + 1;
        CREATE FUNCTION b(int DEFAULT a(1)) RETURNS int LANGUAGE sql RETURN a($1);
        CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (b(), 'x'); END;
        CREATE FUNCTION grouped() RETURNS SETOF text LANGUAGE sql
            BEGIN ATOMIC SELECT b FROM t GROUP BY id; END;
        CREATE VIEW over_grouped AS SELECT * FROM grouped();
    """)
    logical.round_trip(pgcask, cluster, db, workdir)
