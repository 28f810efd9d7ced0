"""Security labels in logical backups, beside what stock pg_dump makes of them. Where a server has no
provider of labels they are written where it keeps them, and come back nowhere; where it has one
(`logical/label_provider.c`) they come back with everything else."""

import pytest

from pgcask_testing import logical, process
from pgcask_testing.logical import cluster, make  # noqa: F401

OBJECTS = """
    CREATE SCHEMA "S s";
    CREATE TABLE t (a int, "B b" text, c text);
    CREATE TABLE only_columns (a int, b int);
    CREATE TABLE "S s"."T ""t" (a serial) PARTITION BY LIST (a);
    CREATE TABLE part PARTITION OF "S s"."T ""t" DEFAULT;
    CREATE VIEW v AS SELECT a FROM t;
    CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
    CREATE SEQUENCE s;
    CREATE FUNCTION "F f"(a int, OUT b text, VARIADIC c int[]) LANGUAGE sql AS 'SELECT ''x''';
    CREATE PROCEDURE p(INOUT a int) LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION add(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2';
    CREATE AGGREGATE agg(int) (SFUNC = add, STYPE = int);
    CREATE TYPE e AS ENUM ('a');
    CREATE TYPE c AS (x int, "Y y" text);
    CREATE TYPE r AS RANGE (subtype = float8);
    CREATE TYPE shell;
    CREATE DOMAIN d AS int;
    CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER trig ON ddl_command_end EXECUTE FUNCTION ev();
    CREATE PUBLICATION "P p" FOR TABLE t;
    CREATE SUBSCRIPTION sub CONNECTION '' PUBLICATION p WITH (connect = false, slot_name = NONE);
    CREATE EXTENSION hstore;
    CREATE LANGUAGE "L l" HANDLER plpgsql_call_handler;
"""
# pg_dump 17, which is asked for 16, too, has groups of them.
LARGE_OBJECTS = """
    SELECT lo_create(4711), lo_from_bytea(4712, 'x'); GRANT SELECT ON LARGE OBJECT 4712 TO bob;
"""
# Table by table: class, objects; a label says whose it is, in two providers' words.
LABELLED = """
    WITH o (class, oid) AS (
        SELECT 'pg_namespace'::regclass, oid FROM pg_namespace WHERE nspname IN ('S s', 'public')
        UNION ALL SELECT 'pg_class', oid FROM pg_class WHERE oid >= 16384
            AND relkind IN ('r', 'p', 'v', 'm', 'S') AND relname <> 'only_columns'
        UNION ALL SELECT 'pg_proc', oid FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'pg_type', oid FROM pg_type WHERE oid >= 16384
            AND typname IN ('e', 'c', 'r', 'd', 'shell', 'hstore')
        UNION ALL SELECT 'pg_largeobject', oid FROM pg_largeobject_metadata
        UNION ALL SELECT 'pg_event_trigger', oid FROM pg_event_trigger
        UNION ALL SELECT 'pg_language', oid FROM pg_language
        UNION ALL SELECT 'pg_publication', oid FROM pg_publication)
    INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label)
    SELECT oid, class, 0, provider, provider || ' it''s \\ ' || class FROM o,
           unnest(ARRAY['plain', 'Pro "vider']) provider;
    INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label)
    SELECT attrelid, 'pg_class'::regclass, attnum, 'plain', attname FROM pg_attribute
    WHERE attrelid IN ('t'::regclass, 'only_columns'::regclass, 'v'::regclass) AND attnum > 0;
    INSERT INTO pg_shseclabel (objoid, classoid, provider, label)
    SELECT oid, 'pg_database'::regclass, 'plain', datname FROM pg_database
    UNION ALL SELECT oid, 'pg_subscription'::regclass, 'plain', subname FROM pg_subscription
    UNION ALL SELECT oid, 'pg_authid'::regclass, 'plain', rolname FROM pg_authid;
"""
FORGET = """
    SET allow_system_table_mods = on; DELETE FROM pg_shseclabel; DELETE FROM pg_seclabel;
    DROP SUBSCRIPTION IF EXISTS sub;
"""


def labelled(cluster, db, *more):
    make(cluster, db, OBJECTS, LARGE_OBJECTS * (cluster.major != 16),
         "SET allow_system_table_mods = on;" + LABELLED, *more)
    return db


def test_labels_are_those_of_pg_dump(pgcask, cluster, workdir):
    db = labelled(cluster, "labels")
    try:
        made = logical.assert_beside_stock(pgcask, cluster, db, workdir, "SECURITY LABEL")
    finally:
        logical.run_sql(cluster, db, FORGET)
    assert ("SECURITY LABEL FOR \"Pro \"\"vider\" ON SCHEMA \"S s\" IS "
            "'Pro \"vider it''s \\ pg_namespace';") in made
    assert "SECURITY LABEL FOR plain ON COLUMN public.t.\"B b\" IS 'B b';" in made
    assert "SECURITY LABEL FOR plain ON EVENT TRIGGER trig IS 'plain it''s \\ pg_event_trigger';" \
        in made
    assert "SECURITY LABEL FOR plain ON SUBSCRIPTION sub IS 'sub';" in made


def test_columns_of_composite_types_keep_their_labels(pgcask, cluster, workdir):
    """pg_dump leaves them out."""
    db = labelled(cluster, "composite", """
        SET allow_system_table_mods = on;
        INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label)
            VALUES ('c'::regclass, 'pg_class'::regclass, 2, 'plain', 'of a column');""")
    try:
        archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    finally:
        logical.run_sql(cluster, db, FORGET)
    assert "SECURITY LABEL FOR plain ON COLUMN public.c.\"Y y\" IS 'of a column';" in \
        logical.lines_with(cluster, archive, workdir / "sql", "SECURITY LABEL")


def test_a_restore_may_leave_them_out(pgcask, cluster, workdir):
    db = labelled(cluster, "without")
    try:
        archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    finally:
        logical.run_sql(cluster, db, FORGET)
    logical.create_like(cluster, db, "copied")
    logical.restore(cluster, archive, "copied", "--no-security-labels")
    logical.run_sql(cluster, "copied", FORGET)
    logical.create_like(cluster, db, "copied")
    failed = logical.restore(cluster, archive, "copied", check=False)
    assert "security label provider" in failed.stderr, failed
    logical.run_sql(cluster, "copied", FORGET)


# ---- With a provider


def statements(major):
    """A label on everything that may have one but a subscription, whose connection matters."""
    on = {
        "TABLE": ['t', '"S s"."T ""t"'], "COLUMN": ['t."B b"', "only_columns.a", 'c."Y y"', "v.a"],
        "VIEW": ["v"], "MATERIALIZED VIEW": ["m"], "SEQUENCE": ["s"],
        "FUNCTION": ['"F f"(int, int[])'], "PROCEDURE": ["p(int)"], "AGGREGATE": ["agg(int)"],
        "TYPE": ["e", "c", "r"], "DOMAIN": ["d"], "SCHEMA": ['"S s"', "public"],
        "LANGUAGE": ['"L l"'], "EVENT TRIGGER": ["trig"], "PUBLICATION": ['"P p"'],
        "LARGE OBJECT": ["4711", "4712"], "DATABASE": ['"my labels"'],
        "ROLE": ['"labelled ""role"', "alice"], "TABLESPACE": ["fast"],
    }
    for kind, names in on.items():
        for name in names:
            text = f"it's \\ {kind} {name}".replace("'", "''")
            yield f"SECURITY LABEL FOR plain ON {kind} {name} IS '{text}';"
            yield f"SECURITY LABEL FOR \"Pro \"\"vider\" ON {kind} {name} IS 'other';"


LABELS = """
    SELECT objtype, objnamespace::regnamespace, objname, provider, label FROM pg_seclabels
     ORDER BY objtype, objname COLLATE "C", provider
"""


@pytest.fixture
def provided(servers, major, workdir):
    """Makes servers that have the provider."""
    library = workdir / "label_provider.so"
    workdir.chmod(0o755)
    process.run(["cc", "-shared", "-fPIC", f"-DMAJOR={major}", "-o", library,
                 logical.SCRIPTS / "label_provider.c"]).check()
    library.chmod(0o755)
    return lambda: servers.create(major, conf={
        "shared_preload_libraries": str(library), "wal_level": "logical",
        "allow_in_place_tablespaces": "on"})


@pytest.mark.majors(13, 15, 18)
def test_labels_come_back(pgcask, provided, workdir, major):
    source, one, all_of_it = (provided() for _ in range(3))
    logical.run_sql(source, "postgres", logical.script("roles") + """
        CREATE ROLE "labelled ""role"; CREATE TABLESPACE fast LOCATION '';""")
    logical.make(source, "my labels", OBJECTS.replace("CREATE SUBSCRIPTION", "-- "), LARGE_OBJECTS,
                 "\n".join(statements(major)))
    there = source.sql(LABELS, "my labels")
    assert len(there) == len(list(statements(major)))

    archive = logical.back_up(pgcask, source, "my labels", workdir / "one")
    assert logical.run_all_sql(one, workdir / "one/globals.sql") == []
    process.run([logical.stock("pg_restore", one), "-C", "-d", "postgres", archive],
                env=logical._environment(one, "postgres")).check()
    assert one.sql(LABELS, "my labels") == there

    pgcask("backup", source.uri(None), "--to", workdir / "all").check()
    assert logical.run_all_sql(all_of_it, workdir / "all/all.sql") == []
    assert all_of_it.sql(LABELS, "my labels") == there
