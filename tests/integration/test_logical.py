"""Logical backups of databases that hold every kind, beside what stock tools make of them."""

import os
import random

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import make, script
from pgcask_testing.random_schema import RandomSchema

@pytest.fixture(scope="module")
def cluster(major, module_servers):
    """One server a major, with the roles that the scripts name."""
    server = module_servers.create(major)
    logical.run_sql(server, "postgres", script("roles"))
    logical.install_extension(major)
    yield server
    server.close()


# Every kind, by itself

SINCE = {"since_14": 14, "since_15": 15, "since_16": 16, "since_17": 17, "since_18": 18}


@pytest.mark.parametrize("name", [
    "kinds", "more_kinds", "names", "data", "trees", "loops", "extensions", *SINCE])
def test_a_restored_copy_is_equal(pgcask, cluster, major, workdir, name):
    if major < SINCE.get(name, 0):
        return
    db = make(cluster, name, script(name))
    logical.round_trip(pgcask, cluster, db, workdir)


def test_every_keyword_may_be_a_name(pgcask, cluster, workdir):
    words = [word for (word,) in cluster.sql("SELECT word FROM pg_get_keywords() ORDER BY word")]
    columns = ", ".join(f'"{word}" int' for word in words)
    db = make(cluster, "keywords", f"CREATE TABLE columns_ ({columns});", "".join(
        f"""CREATE FUNCTION "{word}"("{word}" int) RETURNS int LANGUAGE sql AS 'SELECT 1';"""
        f"""CREATE DOMAIN "{word}" AS int;""" for word in words))
    logical.round_trip(pgcask, cluster, db, workdir)


# Dependencies

SEED = int(os.environ.get("PGCASK_TEST_SEED", random.randrange(1 << 32)))


def test_random_dependencies_are_put_in_order(pgcask, cluster, major, workdir):
    print(f"PGCASK_TEST_SEED={SEED}")
    schemas = [RandomSchema(f"{SEED} {major} {i}", major, f"s{i}").text() for i in range(5)]
    db = make(cluster, "random")
    logical.run_sql(cluster, db, "\n".join(schemas), stop=False)
    # A loop can be broken in more places than one; what is lost or wrong shows in the schema.
    logical.round_trip(pgcask, cluster, db, workdir, either_way=(
        "CHECK CONSTRAINT ", "DEFAULT ", "RULE "))


# What pg_restore can do with an archive


def test_every_way_of_restoring_works(pgcask, cluster, workdir):
    db = make(cluster, "ways", script("more_kinds"), script("trees"))
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    sums = logical.table_sums(cluster, db)
    schema = logical.dump_schema(cluster, db)
    copy = "ways copy"

    def restored(*runs):
        logical.create_like(cluster, db, copy)
        for options in runs:
            logical.restore(cluster, archive, copy, *options)
        assert logical.table_sums(cluster, copy) == sums
        return logical.dump_schema(cluster, copy)

    # Four sessions.
    assert restored(["-j4"]) == schema
    # By sections.
    assert restored(*(["--section", name] for name in ("pre-data", "data", "post-data"))) == schema
    # Over itself.
    logical.restore(cluster, archive, copy, "--clean", "--if-exists")
    assert logical.dump_schema(cluster, copy) == schema
    # All of the list, by the list.
    listed = logical.listing(cluster, archive)
    (workdir / "list").write_bytes(listed)
    assert restored(["-L", workdir / "list"]) == schema
    # Plain SQL.
    logical.create_like(cluster, db, copy)
    logical.run_script(cluster, copy, logical.as_sql(cluster, archive, workdir / "sql"))
    assert logical.table_sums(cluster, copy) == sums
    assert logical.dump_schema(cluster, copy) == schema
    # One table, one schema.
    logical.create_like(cluster, db, copy)
    logical.restore(cluster, archive, copy, "-t", "storage")
    assert [row for (row,) in cluster.sql(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384 "
        "AND relnamespace = 'public'::regnamespace", copy)] == ["storage"]
    logical.run_sql(cluster, copy, "CREATE SCHEMA of_bob")
    logical.restore(cluster, archive, copy, "-n", "of_bob")
    assert cluster.value("SELECT count(*) FROM of_bob.unlogged", copy) == "5"
    logical.drop(cluster, copy)


HOSTILE_DATABASES = ["Ünï \"q\" 'x' {y} \\ $$ a/b", "--option=x", "db with dbname=x host=y"]


@pytest.mark.parametrize("name", HOSTILE_DATABASES)
def test_the_database_itself_is_made_again(pgcask, cluster, major, workdir, name):
    quoted = '"' + name.replace('"', '""') + '"'
    make_sql = f"""
        DROP DATABASE IF EXISTS {quoted};
        CREATE DATABASE {quoted} OWNER alice TEMPLATE template0 ENCODING 'UTF8'
            LC_COLLATE 'C' LC_CTYPE 'C' CONNECTION LIMIT 7;
        COMMENT ON DATABASE {quoted} IS E'it''s\\na \\\\ database';
        REVOKE CONNECT ON DATABASE {quoted} FROM PUBLIC;
        GRANT CREATE, TEMPORARY ON DATABASE {quoted} TO bob WITH GRANT OPTION;
        ALTER DATABASE {quoted} SET search_path = "$user", 'a b', public;
        ALTER DATABASE {quoted} SET work_mem = '3MB';
        ALTER DATABASE {quoted} SET "my.setting" = 'it''s \\';
        ALTER ROLE bob IN DATABASE {quoted} SET datestyle = 'ISO, DMY';
        ALTER DATABASE {quoted} IS_TEMPLATE true;
    """
    logical.run_sql(cluster, "postgres", make_sql)
    logical.run_sql(cluster, name, "CREATE TABLE public.t AS SELECT 1 AS a;")
    archive = logical.back_up(pgcask, cluster, name, workdir / "backup")
    before = logical.database_facts(cluster, name)
    theirs = logical.stock_archive(cluster, name, workdir / "stock.dump")
    assert logical.contents(cluster, archive) == logical.contents(cluster, theirs)

    # The database is there: --clean drops it first, template or not.
    logical.restore(cluster, archive, "postgres", "--create", "--clean", "--if-exists")
    assert logical.database_facts(cluster, name) == before
    assert cluster.value("SELECT a FROM public.t", name) == "1"
    # And when it is not there.
    logical.run_sql(cluster, "postgres", f"ALTER DATABASE {quoted} IS_TEMPLATE false;\n"
                                         f"DROP DATABASE {quoted};")
    logical.restore(cluster, archive, "postgres", "--create")
    assert logical.database_facts(cluster, name) == before
    logical.run_sql(cluster, "postgres", f"ALTER DATABASE {quoted} IS_TEMPLATE false;\n"
                                         f"DROP DATABASE {quoted};")


# Encodings


def test_bytes_of_no_encoding_come_back(pgcask, cluster, workdir):
    db = make(cluster, "ascii",
              options="TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    logical.run_sql(cluster, db, b"""
        CREATE SCHEMA "sch\xe9ma";
        CREATE TABLE "sch\xe9ma"."t\xff\xfe"
            ("c\x80l" text DEFAULT '\xe4\xf6', b text CHECK (b <> '\xfc'));
        INSERT INTO "sch\xe9ma"."t\xff\xfe"
            VALUES ('\xff\x80\xc3', '\xc3\xa9'), (DEFAULT, '\\\xe9');
        CREATE VIEW "v\xe9" AS
            SELECT "c\x80l" AS "\xa0" FROM "sch\xe9ma"."t\xff\xfe" WHERE b = '\xff';
        CREATE FUNCTION "f\xe9"() RETURNS text LANGUAGE sql AS 'SELECT ''\xff''::text';
        COMMENT ON FUNCTION "f\xe9"() IS '\xfe\xff';
        CREATE TYPE "e\xe9" AS ENUM ('\x80', '\xff');
        CREATE TABLE "p\xe9" (a text) PARTITION BY LIST (a);
        CREATE TABLE "p\xe9_1" PARTITION OF "p\xe9" FOR VALUES IN ('\xe9');
    """)
    logical.round_trip(pgcask, cluster, db, workdir)


def test_latin1_stays_latin1(pgcask, cluster, workdir):
    db = make(cluster, "latin1",
              options="TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    logical.run_sql(cluster, db, b"""
        CREATE TABLE "t\xe4" ("\xf6" text DEFAULT '\xfc', CHECK ("\xf6" <> '\xdf'));
        INSERT INTO "t\xe4" VALUES ('\xe9\xa0\xff'), (DEFAULT);
        COMMENT ON TABLE "t\xe4" IS '\xe9';
        CREATE VIEW "v\xff" AS SELECT 'x\xe9'::text AS "\xe9";
    """)
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    sql = logical.as_sql(cluster, archive, workdir / "sql").read_bytes()
    assert b"SET client_encoding = 'LATIN1';" in sql and b'"t\xe4"' in sql
