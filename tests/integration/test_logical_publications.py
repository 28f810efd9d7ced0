"""Publications and subscriptions in logical backups, beside what stock tools make of them."""

import json

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make  # noqa: F401

TABLES = """
    CREATE SCHEMA "S s";
    CREATE TABLE t (id int PRIMARY KEY, a int, "B b" text);
    CREATE TABLE "S s"."T t" (id int PRIMARY KEY, a text);
    CREATE TABLE p (id int, a text) PARTITION BY LIST (id);
    CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
    CREATE FUNCTION wanted(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
"""
PUBLICATIONS = """
    CREATE PUBLICATION empty;
    CREATE PUBLICATION everything FOR ALL TABLES;
    CREATE PUBLICATION silent WITH (publish = '');
    CREATE PUBLICATION "Some ""of it" FOR TABLE t, ONLY "S s"."T t", p
        WITH (publish = 'insert, truncate', publish_via_partition_root);
    CREATE PUBLICATION updates FOR TABLE p1 WITH (publish = 'update,delete');
    COMMENT ON PUBLICATION empty IS 'it''s empty';
    ALTER PUBLICATION empty OWNER TO alice;
    GRANT CREATE ON DATABASE {db} TO alice;
"""
SINCE = {
    15: """
        CREATE PUBLICATION filtered FOR TABLE t (id, "B b") WHERE (id > 7 AND "B b" <> 'it''s'),
            TABLE "S s"."T t" WHERE (true);
        CREATE PUBLICATION of_schemas FOR TABLES IN SCHEMA public, "S s";
        CREATE PUBLICATION of_both FOR TABLE t WHERE (id > 3), TABLES IN SCHEMA "S s";
        ALTER PUBLICATION of_schemas OWNER TO postgres;
    """,
    18: """
        CREATE TABLE g (id int, d int GENERATED ALWAYS AS (id + 1) STORED);
        CREATE PUBLICATION generated FOR TABLE g WITH (publish_generated_columns = stored);
        CREATE PUBLICATION not_generated FOR TABLE g WITH (publish_generated_columns = none);
    """,
}


def since(major, parts):
    return [sql for version, sql in parts.items() if major >= version]


def test_publications_are_those_of_pg_dump(pgcask, cluster, major, workdir):
    db = make(cluster, "pubs", TABLES, PUBLICATIONS.format(db="pubs"), *since(major, SINCE))
    made = logical.assert_beside_stock(pgcask, cluster, db, workdir, "PUBLICATION")
    assert ("CREATE PUBLICATION everything FOR ALL TABLES WITH "
            "(publish = 'insert, update, delete, truncate');") in made
    if major >= 15:
        assert ("ALTER PUBLICATION filtered ADD TABLE ONLY public.t (id, \"B b\") WHERE "
                "(((id > 7) AND (\"B b\" <> 'it''s'::text)));") in made
        assert 'ALTER PUBLICATION of_schemas ADD TABLES IN SCHEMA "S s";' in made
        assert "ALTER PUBLICATION of_schemas ADD TABLES IN SCHEMA public;" in made
    logical.round_trip(pgcask, cluster, db, workdir)


def test_a_publication_of_an_extensions_table_has_that_table(pgcask, cluster, workdir):
    """pg_dump leaves it out, and so the copy would stop publishing it."""
    db = make(cluster, "member", TABLES, """
        CREATE EXTENSION hstore;
        CREATE TABLE of_hstore (a int);
        ALTER EXTENSION hstore ADD TABLE of_hstore;
        CREATE PUBLICATION theirs FOR TABLE of_hstore;
    """)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    made = logical.lines_with(cluster, archive, workdir / "sql", "PUBLICATION")
    assert "ALTER PUBLICATION theirs ADD TABLE ONLY public.of_hstore;" in made


def test_one_can_be_restored_over_itself(pgcask, cluster, major, workdir):
    db = make(cluster, "over", TABLES, PUBLICATIONS.format(db="over"), *since(major, SINCE))
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    schema = logical.dump_schema(cluster, db)
    logical.restore(cluster, archive, db, "--clean", "--if-exists")
    assert logical.dump_schema(cluster, db) == schema


# ---- Subscriptions ----

SECRET = "s3cr3t 'of alice"
OFF = "connect = false, slot_name = NONE, enabled = false, create_slot = false"
SUBSCRIPTIONS = f"""
    CREATE SUBSCRIPTION plain CONNECTION 'dbname=far' PUBLICATION a WITH ({OFF});
    CREATE SUBSCRIPTION "Named ""it" CONNECTION 'host=h password=''s3cr3t \\''of alice'''
        PUBLICATION "A a", b, "select" WITH (connect = false, slot_name = 'the_slot');
    CREATE SUBSCRIPTION slow CONNECTION 'dbname=far' PUBLICATION a
        WITH ({OFF}, synchronous_commit = remote_apply);
    CREATE SUBSCRIPTION fast CONNECTION 'dbname=far' PUBLICATION a
        WITH ({OFF}, synchronous_commit = on);
    ALTER SUBSCRIPTION fast OWNER TO boss;
    COMMENT ON SUBSCRIPTION plain IS 'not connected';
"""
SUBSCRIPTIONS_SINCE = {
    14: f"""
        CREATE SUBSCRIPTION streamed CONNECTION 'dbname=far' PUBLICATION a
            WITH ({OFF}, binary = true, streaming = true);
        CREATE SUBSCRIPTION not_streamed CONNECTION 'dbname=far' PUBLICATION a
            WITH ({OFF}, streaming = false);
    """,
    15: f"""
        CREATE SUBSCRIPTION phased CONNECTION 'dbname=far' PUBLICATION a
            WITH ({OFF}, two_phase = true, disable_on_error = true);
    """,
    16: f"""
        CREATE SUBSCRIPTION parallel CONNECTION 'dbname=far' PUBLICATION a
            WITH ({OFF}, streaming = parallel, origin = none, run_as_owner = true,
                  password_required = false);
        CREATE SUBSCRIPTION any CONNECTION 'dbname=far' PUBLICATION a WITH ({OFF}, origin = any);
    """.replace("SUBSCRIPTION any", 'SUBSCRIPTION "any"'),
    17: f"""
        CREATE SUBSCRIPTION failing CONNECTION 'dbname=far' PUBLICATION a
            WITH (connect = false, slot_name = 'x', failover = true);
    """,
}


@pytest.fixture
def subscribed(cluster, major, workdir):
    """A database with subscriptions, which are dropped in the end: no database goes with them."""
    cluster.sql("DO $$BEGIN CREATE ROLE boss SUPERUSER; EXCEPTION WHEN OTHERS THEN END$$")
    db = make(cluster, "subscribed", SUBSCRIPTIONS, *since(major, SUBSCRIPTIONS_SINCE))
    yield db
    unsubscribe(cluster)


def unsubscribe(server):
    rows = server.sql("SELECT d.datname, quote_ident(subname) FROM pg_subscription s "
                      "JOIN pg_database d ON d.oid = subdbid")
    for db, name in rows:
        server.sql(f"ALTER SUBSCRIPTION {name} SET (slot_name = NONE)", db)
        server.sql(f"DROP SUBSCRIPTION {name}", db)


def without_default(statement):
    """What stock tools of some versions leave to the server to say."""
    return statement.replace(", streaming = off", "")


def facts(server, db):
    columns = server.value("SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) "
                           "FROM pg_attribute WHERE attrelid = 'pg_subscription'::regclass "
                           "AND attnum > 0 AND attname NOT IN ('oid', 'subdbid', 'subenabled')")
    return server.sql(f"SELECT {columns} FROM pg_subscription WHERE subdbid = "
                      f"(SELECT oid FROM pg_database WHERE datname = '{db}') ORDER BY subname")


def test_subscriptions_are_those_of_pg_dump(pgcask, cluster, subscribed, workdir):
    ours = logical.back_up(pgcask, cluster, subscribed, workdir / "backup")
    theirs = logical.stock_archive(cluster, subscribed, workdir / "stock.dump")
    listed = logical.contents(cluster, ours)
    assert listed == logical.contents(cluster, theirs)
    assert listed["SUBSCRIPTION - plain postgres"] == 1
    made, stock = (logical.lines_with(cluster, archive, workdir / "sql", "SUBSCRIPTION")
                   for archive in (ours, theirs))
    assert list(map(without_default, made)) == list(map(without_default, stock))


def test_subscriptions_come_back_but_do_not_connect(pgcask, cluster, major, subscribed, workdir):
    archive = logical.back_up(pgcask, cluster, subscribed, workdir / "backup")
    logical.create_like(cluster, subscribed, "copied")
    logical.restore(cluster, archive, "copied")
    assert facts(cluster, "copied") == facts(cluster, subscribed)
    assert logical.dump_schema(cluster, "copied") == logical.dump_schema(cluster, subscribed)
    assert cluster.value("SELECT count(*) FROM pg_subscription WHERE subenabled") == "0"


def test_where_they_connect_to_is_in_the_archive_only(pgcask, cluster, subscribed, workdir):
    result = pgcask("backup", cluster.uri(subscribed), "--to", workdir / "backup").check()
    assert "s3cr3t" not in result.stdout + result.stderr
    for path in (workdir / "backup").iterdir():
        if path.suffix != ".dump":
            assert "s3cr3t" not in path.read_text(), path
        else:
            assert path.stat().st_mode & 0o777 == 0o600
    sql = logical.as_sql(cluster, workdir / "backup/subscribed.dump", workdir / "sql").read_text()
    assert "s3cr3t" in sql


def test_who_may_not_read_them_is_told(pgcask, cluster, subscribed, workdir):
    cluster.sql("DO $$BEGIN CREATE ROLE humble LOGIN; EXCEPTION WHEN OTHERS THEN END$$")
    result = pgcask("backup", cluster.uri(subscribed, user="humble"), "--to",
                    workdir / "backup").check()
    assert "subscriptions are left out" in result.stderr and '"Named ""it"' in result.stderr
    archive = workdir / "backup/subscribed.dump"
    assert not any(entry.startswith(("SUBSCRIPTION", "COMMENT - SUBSCRIPTION"))
                   for entry in logical.contents(cluster, archive))
    warnings = json.loads((workdir / "backup/summary.json").read_text())["warnings"]
    assert len([line for line in warnings if "subscriptions are left out" in line]) == 1, warnings
    assert "subscriptions are left out" in pgcask("list", workdir / "backup").check().stdout


def test_an_owner_that_is_gone_is_named(pgcask, cluster, subscribed, workdir):
    cluster.sql("SET allow_system_table_mods = on; "
                "UPDATE pg_subscription SET subowner = 4242 WHERE subname ~ 'Named'")
    result = pgcask("backup", cluster.uri(subscribed), "--to", workdir / "backup", "--quiet")
    assert result.rc == 1, result
    assert 'SUBSCRIPTION "Named ""it" has the owner with OID 4242' in result.stderr
    assert 'ALTER SUBSCRIPTION "Named ""it" OWNER TO' in result.stderr
    cluster.sql("SET allow_system_table_mods = on; "
                "UPDATE pg_subscription SET subowner = 10 WHERE subowner = 4242")


def test_a_publication_whose_owner_is_gone_is_named(pgcask, cluster, workdir):
    db = make(cluster, "gone", """CREATE PUBLICATION "P p"; SET allow_system_table_mods = on;
                                  UPDATE pg_publication SET pubowner = 4242;""")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup", "--quiet")
    assert result.rc == 1, result
    assert 'PUBLICATION "P p" has the owner with OID 4242' in result.stderr
    assert 'ALTER PUBLICATION "P p" OWNER TO' in result.stderr
