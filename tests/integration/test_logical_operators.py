"""Operators, their classes and families in logical backups, beside what stock tools make of them."""

import pytest

from pgcask_testing import logical, process
from pgcask_testing.logical import cluster, make, script  # noqa: F401

WORDS = ("OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY")


def test_operators_come_back_with_all_that_uses_them(pgcask, cluster, major, workdir):
    logical.round_trip(pgcask, cluster, make(cluster, "round", script("operators")), workdir)


def test_kinds_that_need_each_other_come_back(pgcask, cluster, workdir):
    logical.round_trip(pgcask, cluster, make(cluster, "combined", script("combinations")), workdir)


def test_statements_are_those_of_pg_dump(pgcask, cluster, workdir):
    db = make(cluster, "beside", script("operators"))
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    made = logical.sql_of_kinds(cluster, ours, workdir / "ours.sql", WORDS)
    assert made == logical.sql_of_kinds(cluster, theirs, workdir / "theirs.sql", WORDS)
    assert len(made) > 20
    # What is a class's and what is its family's alone depends on the version.
    assert "FOR ORDER BY pg_catalog.float_ops" in "".join(made.values())


@pytest.mark.majors(13, 15, 18)
def test_all_can_be_restored_over_itself(pgcask, cluster, workdir):
    db = make(cluster, "over", script("operators"))
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    schema, rows = logical.dump_schema(cluster, db), logical.table_sums(cluster, db)
    for options in ([], ["--single-transaction"], ["--jobs=2"]):
        logical.restore(cluster, archive, db, "--clean", "--if-exists", *options)
        assert logical.dump_schema(cluster, db) == schema
        assert logical.table_sums(cluster, db) == rows


def test_names_may_be_anything(pgcask, cluster, workdir):
    logical.round_trip(pgcask, cluster, make(cluster, "hostile", script("operator_names")), workdir)


# What 13 still has.
POSTFIX = """
    CREATE OPERATOR @#@ (FUNCTION = int8um, LEFTARG = int8);
    COMMENT ON OPERATOR @#@ (int8, NONE) IS 'behind';
    CREATE VIEW v AS SELECT 5::int8 @#@ AS a;
"""


@pytest.mark.majors(13)
def test_operators_that_stand_behind_come_back(pgcask, cluster, workdir):
    archive = logical.back_up(pgcask, cluster, make(cluster, "postfix", POSTFIX), workdir / "b")
    logical.create_like(cluster, "postfix", "copy")
    logical.restore(cluster, archive, "copy")
    assert logical.dump_schema(cluster, "copy") == logical.dump_schema(cluster, "postfix")
    theirs = logical.stock_archive(cluster, "postfix", workdir / "stock")
    assert logical.contents(cluster, archive) == logical.contents(cluster, theirs)
    logical.drop(cluster, "copy")


NUMBER = """
    CREATE TYPE n AS (a int);
    CREATE FUNCTION cmp(n, n) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT btint4cmp($1.a, $2.a)';
    CREATE FUNCTION cmp(n, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT btint4cmp($1.a, $2)';
    CREATE FUNCTION eq(n, n) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1.a = $2.a';
    CREATE FUNCTION eq(n, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1.a = $2';
    CREATE OPERATOR === (FUNCTION = eq, LEFTARG = n, RIGHTARG = n);
    CREATE OPERATOR === (FUNCTION = eq, LEFTARG = n, RIGHTARG = int);
"""
# Families that others made: members that nobody but the user can have added.
ADDED = """
    CREATE EXTENSION hstore;
    CREATE OPERATOR CLASS n_ops FOR TYPE n USING btree FAMILY integer_ops AS
        OPERATOR 3 === (n, n), FUNCTION 1 cmp(n, n);
    ALTER OPERATOR FAMILY integer_ops USING btree ADD
        OPERATOR 3 === (n, int), FUNCTION 1 (n, int) cmp(n, int);
    ALTER OPERATOR FAMILY hash_hstore_ops USING hash ADD OPERATOR 1 === (n, n);
"""
FAMILIES = """
    SELECT amopmethod::text, amopfamily::regclass::text FROM pg_amop WHERE false UNION ALL
    SELECT f.opfname, amopstrategy || amopopr::regoperator::text
        FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily WHERE amopopr >= 16384 UNION ALL
    SELECT f.opfname, amprocnum || amproc::regprocedure::text
        FROM pg_amproc JOIN pg_opfamily f ON f.oid = amprocfamily WHERE amproc >= 16384 ORDER BY 1, 2
"""


def test_members_of_the_systems_and_of_extensions_families_are_not_lost(pgcask, cluster, major,
                                                                        workdir):
    """Stock pg_dump forgets them."""
    db = make(cluster, "added", NUMBER, ADDED)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    beyond = logical.contents(cluster, archive) - logical.contents(cluster, theirs)
    assert beyond == {"OPERATOR FAMILY pg_catalog integer_ops ": 1,
                      "OPERATOR FAMILY public hash_hstore_ops ": 1}
    assert not logical.contents(cluster, theirs) - logical.contents(cluster, archive)
    for options in ([], ["--clean", "--if-exists"], ["--single-transaction"]):
        if "--single-transaction" in options and major == 16:
            continue  # pg_restore of 17 begins with what 16 does not know
        if "--clean" not in options:
            logical.create_like(cluster, db, "copy")
        logical.restore(cluster, archive, "copy", *options)
        assert cluster.sql(FAMILIES, "copy") == cluster.sql(FAMILIES, db)
        assert len(cluster.sql(FAMILIES, db)) > 4
    logical.drop(cluster, "copy")


def test_a_commutator_that_is_gone_is_left_out_and_told(pgcask, cluster, workdir):
    db = make(cluster, "lost", """
        CREATE OPERATOR ### (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int, COMMUTATOR = ###);
        UPDATE pg_operator SET oprcom = 99999 WHERE oprname = '###';
    """)
    logical.back_up(pgcask, cluster, db, workdir / "backup")
    (told,) = logical.summary(workdir / "backup")["warnings"]
    assert "operator public.### (integer, integer) has a commutator that was dropped" in told
    logical.back_up(pgcask, cluster, db, workdir / "rows", "--data-only")
    assert logical.summary(workdir / "rows")["warnings"] == []


def test_members_of_extensions_are_made_by_those(pgcask, cluster, workdir):
    db = make(cluster, "member", NUMBER, """
        CREATE OPERATOR FAMILY fam USING btree;
        CREATE OPERATOR CLASS n_ops DEFAULT FOR TYPE n USING btree FAMILY fam AS
            OPERATOR 3 ===, FUNCTION 1 cmp(n, n);
        CREATE EXTENSION hstore;
        ALTER EXTENSION hstore ADD OPERATOR FAMILY fam USING btree;
        ALTER EXTENSION hstore ADD OPERATOR CLASS n_ops USING btree;
        ALTER EXTENSION hstore ADD OPERATOR === (n, n);
    """)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    listed = logical.contents(cluster, archive)
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    assert listed == logical.contents(cluster, theirs)
    assert [entry for entry in listed if entry.startswith("OPERATOR")] == [
        "OPERATOR public === postgres"]


# Loops, each restored by itself. Stock pg_dump's own archives of these do not all restore.

LOOPS = {
    "a member over a range that is made with its family": NUMBER + """
        CREATE OPERATOR FAMILY fam USING btree;
        CREATE OPERATOR CLASS n_ops DEFAULT FOR TYPE n USING btree FAMILY fam AS
            OPERATOR 3 === (n, n), FUNCTION 1 cmp(n, n);
        CREATE TYPE r AS RANGE (subtype = n, subtype_opclass = n_ops);
        CREATE FUNCTION cmp(n, r) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION eq(n, r) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 <@ $2';
        CREATE OPERATOR === (FUNCTION = eq, LEFTARG = n, RIGHTARG = r);
        ALTER OPERATOR FAMILY fam USING btree ADD
            OPERATOR 3 === (n, r), FUNCTION 1 (n, r) cmp(n, r);
        CREATE TABLE t (a r);
        INSERT INTO t VALUES (r(ROW(1)::n, ROW(3)::n));
    """,
    "an operator that its own function uses": """
        CREATE FUNCTION f(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
        CREATE OPERATOR ### (FUNCTION = f, LEFTARG = int, RIGHTARG = int);
        CREATE OR REPLACE FUNCTION f(int, int) RETURNS int IMMUTABLE LANGUAGE sql
            RETURN CASE WHEN $1 > 0 THEN ($1 - 1) ### $2 ELSE $2 END;
        CREATE TABLE t (a int GENERATED ALWAYS AS (5 ### 3) STORED);
    """,
    "functions of two operators that use each other's": """
        CREATE FUNCTION f(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true';
        CREATE FUNCTION g(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true';
        CREATE OPERATOR ### (FUNCTION = f, LEFTARG = int, RIGHTARG = int, NEGATOR = !##);
        CREATE OPERATOR !## (FUNCTION = g, LEFTARG = int, RIGHTARG = int, NEGATOR = ###);
        CREATE OR REPLACE FUNCTION f(int, int) RETURNS bool IMMUTABLE LANGUAGE sql
            RETURN NOT ($1 !## $2);
        CREATE OR REPLACE FUNCTION g(int, int) RETURNS bool IMMUTABLE LANGUAGE sql
            RETURN $1 = 7 OR ($1 - 1) ### $2;
    """,
    "a class whose function sorts by it": NUMBER + """
        CREATE FUNCTION lt(n, n) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT ($1).a < ($2).a';
        CREATE OPERATOR <<< (FUNCTION = lt, LEFTARG = n, RIGHTARG = n);
        CREATE OPERATOR CLASS n_ops DEFAULT FOR TYPE n USING btree AS
            OPERATOR 1 <<<, OPERATOR 3 === (n, n), FUNCTION 1 cmp(n, n);
        CREATE OR REPLACE FUNCTION cmp(n, n) RETURNS int IMMUTABLE LANGUAGE sql
            BEGIN ATOMIC SELECT x.a FROM unnest(ARRAY[$1, $2]) x ORDER BY x USING <<< LIMIT 1; END;
    """,
    "a function that sorts by a class": NUMBER + """
        CREATE FUNCTION lt(n, n) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT ($1).a < ($2).a';
        CREATE FUNCTION gt(n, n) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT ($1).a > ($2).a';
        CREATE OPERATOR <<< (FUNCTION = lt, LEFTARG = n, RIGHTARG = n);
        CREATE OPERATOR >>> (FUNCTION = gt, LEFTARG = n, RIGHTARG = n);
        CREATE OPERATOR CLASS n_ops DEFAULT FOR TYPE n USING btree AS
            OPERATOR 1 <<<, OPERATOR 3 === (n, n), OPERATOR 5 >>>, FUNCTION 1 cmp(n, n);
        CREATE FUNCTION a_first(n[]) RETURNS n LANGUAGE sql
            BEGIN ATOMIC SELECT x FROM unnest($1) x ORDER BY x LIMIT 1; END;
        CREATE FUNCTION a_last(n[]) RETURNS n LANGUAGE sql
            BEGIN ATOMIC SELECT x FROM unnest($1) x ORDER BY x DESC LIMIT 1; END;
        CREATE FUNCTION a_distinct(n[]) RETURNS SETOF n LANGUAGE sql
            BEGIN ATOMIC SELECT DISTINCT x FROM unnest($1) x; END;
    """,
    "an operator whose function waits for a primary key": """
        CREATE TABLE t (a int PRIMARY KEY, b int);
        CREATE FUNCTION f(int, int) RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT b FROM t WHERE a = $1 GROUP BY a; END;
        CREATE OPERATOR ### (FUNCTION = f, LEFTARG = int, RIGHTARG = int);
        CREATE AGGREGATE agg(int) (SFUNC = f, STYPE = int);
        CREATE CAST (int AS int[]) WITH INOUT;
        CREATE VIEW v AS SELECT a ### b AS c FROM t;
        CREATE VIEW w AS SELECT agg(a) AS c FROM t;
    """,
    "a domain that is checked by its own operator": """
        CREATE DOMAIN d AS int;
        CREATE FUNCTION f(d, d) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true';
        CREATE OPERATOR ### (FUNCTION = f, LEFTARG = d, RIGHTARG = d);
        ALTER DOMAIN d ADD CHECK (VALUE ### 5::d);
        CREATE TABLE t (a d);
    """,
}
SINCE_14 = [name for name, sql in LOOPS.items() if "ATOMIC" in sql or "RETURN C" in sql
            or "RETURN NOT" in sql]


@pytest.mark.parametrize("name", LOOPS)
def test_loops_are_broken(pgcask, cluster, major, workdir, name):
    if major < 14 and name in SINCE_14:
        pytest.skip("bodies that are parsed")
    db = make(cluster, "loop", LOOPS[name])
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy")
    assert logical.definitions(cluster, "copy") == logical.definitions(cluster, db)
    assert sorted(logical.dump_schema(cluster, "copy")) == sorted(logical.dump_schema(cluster, db))
    logical.restore(cluster, archive, "copy", "--clean", "--if-exists")
    assert logical.definitions(cluster, "copy") == logical.definitions(cluster, db)
    logical.drop(cluster, "copy")


@pytest.mark.majors(13, 15, 18)
def test_parts_of_a_database_have_what_pg_dump_has_of_them(pgcask, cluster, major, workdir):
    db = make(cluster, "parts", script("operators"), script("languages"), """
        CREATE OPERATOR CLASS ops.in_the_systems FOR TYPE ops.n USING btree FAMILY integer_ops AS
            FUNCTION 1 ops.cmp(ops.n, ops.n);
        CREATE FUNCTION ops.eq(ops.n, int) RETURNS bool LANGUAGE internal AS 'int4eq';
        CREATE OPERATOR ops.= (FUNCTION = ops.eq, LEFTARG = ops.n, RIGHTARG = int);
        ALTER OPERATOR FAMILY integer_ops USING btree ADD OPERATOR 3 ops.= (ops.n, int);
    """)
    env = {**logical._environment(cluster, db), "PGCLIENTENCODING": None}
    for number, (option, plural) in enumerate([
            ("--schema=ops", "--schemas=ops"), ('--schema="Op s"', '--schemas="Op s"'),
            ("--exclude-schema=ops", "--exclude-schemas=ops"), ("--table=ops.t", "--tables=ops.t"),
            ("--exclude-schema=k", "--exclude-schemas=k"), ("--schema-only", None),
            ("--data-only", None)]):
        ours = logical.back_up(pgcask, cluster, db, workdir / f"b{number}", plural or option)
        theirs = workdir / f"stock{number}"
        process.run([logical.stock("pg_dump", cluster), "-Fc", "-f", theirs, option], env=env,
                    timeout=300).check()
        beyond = logical.contents(cluster, ours) - logical.contents(cluster, theirs)
        assert beyond == ({"OPERATOR FAMILY pg_catalog integer_ops ": 1}
                          if option in ("--exclude-schema=k", "--schema-only") else {}), option
        assert not logical.contents(cluster, theirs) - logical.contents(cluster, ours), option
