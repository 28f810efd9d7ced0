"""Collations in logical backups, beside what stock tools make of them."""

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import make

COLLATIONS = """
    CREATE SCHEMA "Sort orders";
    CREATE COLLATION plain (locale = 'C');
    CREATE COLLATION copied FROM "C";
    CREATE COLLATION halves (lc_collate = 'C', lc_ctype = 'POSIX');
    CREATE COLLATION "Sort orders"."Ger man" (provider = icu, locale = 'de-u-co-phonebk');
    CREATE COLLATION known FROM "de-x-icu";
    CREATE COLLATION of_a_version (provider = icu, locale = 'sv', version = '7.7');
    CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    ALTER COLLATION plain OWNER TO alice;
    COMMENT ON COLLATION plain IS 'it''s \\ plain';
    COMMENT ON COLLATION "Sort orders"."Ger man" IS 'two words';
"""
SINCE = {
    16: "CREATE COLLATION ruled (provider = icu, locale = 'und', rules = '&a < ''\\\\''');"
        "CREATE COLLATION blind_rules (provider = icu, locale = 'und-u-ks-level1', "
        "deterministic = false, rules = '&z < a');"
        "CREATE COLLATION of_unicode FROM unicode; CREATE COLLATION basic FROM ucs_basic;",
    17: "CREATE COLLATION built_in (provider = builtin, locale = 'C.UTF-8');"
        "CREATE COLLATION built_in_c (provider = builtin, locale = 'C');"
        "CREATE COLLATION the_servers FROM pg_c_utf8;",
    18: "CREATE COLLATION fast (provider = builtin, locale = 'PG_UNICODE_FAST');",
}
# What needs one has to come behind it.
USERS = """
    CREATE TABLE "A table" (a text COLLATE blind, b text COLLATE "Sort orders"."Ger man",
                            CHECK (a < b COLLATE plain));
    INSERT INTO "A table" VALUES ('a', 'b'), ('B', 'c');
    CREATE INDEX ON "A table" (b COLLATE copied);
    CREATE DOMAIN a_word AS text COLLATE plain;
    CREATE TYPE a_range AS RANGE (subtype = text, collation = halves);
    CREATE TYPE a_pair AS (a text COLLATE plain, b int);
    CREATE VIEW a_view AS SELECT * FROM "A table" ORDER BY a COLLATE halves;
    CREATE TABLE a_whole (a text COLLATE plain) PARTITION BY RANGE (a COLLATE copied);
    CREATE FUNCTION a_function(text) RETURNS bool LANGUAGE sql
        AS 'SELECT $1 COLLATE public.plain < ''x''';
"""


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    server = module_servers.create(major)
    logical.run_sql(server, "postgres", logical.script("roles"))
    yield server
    server.close()


def everything(major):
    return [COLLATIONS, *(sql for since, sql in SINCE.items() if major >= since), USERS]


def statements(cluster, archive, path):
    """Lines of plain SQL about collations: what makes, drops, owns and describes them."""
    text = logical.as_sql(cluster, archive, path).read_text()
    return sorted(line for line in text.splitlines() if "COLLATION " in line)


def test_collations_come_back_with_all_that_needs_them(pgcask, cluster, major, workdir):
    logical.round_trip(pgcask, cluster, make(cluster, "round", *everything(major)), workdir)


def test_entries_and_statements_are_those_of_pg_dump(pgcask, cluster, major, workdir):
    db = make(cluster, "beside", *everything(major))
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    listed = logical.contents(cluster, ours)
    assert listed == logical.contents(cluster, theirs)
    assert listed["COLLATION public plain alice"] == 1
    assert listed["COMMENT public COLLATION plain alice"] == 1
    made = statements(cluster, ours, workdir / "ours.sql")
    assert made == statements(cluster, theirs, workdir / "theirs.sql")
    assert "CREATE COLLATION public.plain (provider = libc, locale = 'C');" in made


def test_one_can_be_restored_alone_and_over_itself(pgcask, cluster, major, workdir):
    db = make(cluster, "over", *everything(major))
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    schema = logical.dump_schema(cluster, db)
    logical.restore(cluster, archive, db, "--clean", "--if-exists")
    assert logical.dump_schema(cluster, db) == schema
    logical.restore(cluster, archive, db, "--clean", "--if-exists", "--single-transaction")
    assert logical.dump_schema(cluster, db) == schema


def test_a_member_of_an_extension_is_made_by_that(pgcask, cluster, workdir):
    db = make(cluster, "member", COLLATIONS, "CREATE EXTENSION hstore; "
                                             "ALTER EXTENSION hstore ADD COLLATION copied;")
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    listed = logical.contents(cluster, ours)
    assert listed == logical.contents(cluster, theirs)
    assert not any("copied" in entry for entry in listed)


@pytest.mark.parametrize("column, said, remedy", [
    ("collowner", "COLLATION public.copied has the owner with OID 4242, which is not there",
     "ALTER COLLATION public.copied OWNER TO"),
    ("collnamespace", "COLLATION copied has the schema with OID 4242, which is not there",
     "catalogs are damaged"),
])
def test_what_points_to_nothing_is_no_collation_that_is_left_out(
        pgcask, cluster, workdir, column, said, remedy):
    db = make(cluster, "gone", COLLATIONS, f"""
        SET allow_system_table_mods = on;
        UPDATE pg_collation SET {column} = 4242 WHERE collname = 'copied';""")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup", "--quiet")
    assert result.rc == 1 and said in result.stderr and remedy in result.stderr, result
    assert not (workdir / "backup").exists()


def test_in_a_schema_of_the_system_it_is_left_out_with_a_warning(pgcask, cluster, workdir):
    db = make(cluster, "misplaced", """
        SET allow_system_table_mods = on;
        CREATE COLLATION pg_catalog.theirs FROM "C";
        CREATE SCHEMA pg_mine;
        CREATE COLLATION pg_mine.mine FROM "C";
        CREATE COLLATION ours FROM "C";""")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup").check()
    assert "collation theirs is left out" in result.stderr, result
    assert "collation mine is left out" in result.stderr and "ours" not in result.stderr, result
