"""Nothing that stock pg_dump would write is left out of a logical backup: it is in the archive, or an
error names it. What stock pg_dump leaves out in silence is named, too."""

import re

import pytest

from pgcask_testing import logical, process, temp
from pgcask_testing.logical import cluster, make  # noqa: F401

# Changes of what initdb made, and other things at the border of the user's own. All are in one
# database; what stock pg_dump makes of them is what is wanted.
ODD = """
    REVOKE EXECUTE ON FUNCTION pg_catalog.now() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO bob WITH GRANT OPTION;
    REVOKE EXECUTE ON FUNCTION pg_catalog.count() FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION pg_catalog.percentile_cont(float8, float8) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION pg_catalog.percentile_cont(float8, float8) TO alice;
    REVOKE EXECUTE ON FUNCTION pg_catalog.rank() FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION pg_catalog.rank(VARIADIC "any") FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION pg_catalog.count("any") FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION pg_catalog.count("any") TO PUBLIC;
    REVOKE SELECT ON pg_catalog.pg_roles FROM PUBLIC;
    GRANT SELECT ON pg_catalog.pg_roles TO alice;
    REVOKE SELECT ON pg_catalog.pg_class FROM PUBLIC;
    GRANT SELECT ON pg_catalog.pg_class TO PUBLIC;
    GRANT SELECT (rolname, rolsuper) ON pg_catalog.pg_authid TO bob;
    GRANT SELECT ON pg_catalog.pg_largeobject TO bob;
    GRANT CREATE ON SCHEMA pg_catalog TO alice WITH GRANT OPTION;
    REVOKE USAGE ON TYPE pg_catalog.int4 FROM PUBLIC;
    GRANT USAGE ON TYPE pg_catalog.int4 TO alice;
    REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
    GRANT USAGE ON LANGUAGE plpgsql TO bob;
    GRANT USAGE, CREATE ON SCHEMA information_schema TO bob;
    REVOKE SELECT ON information_schema.tables FROM PUBLIC;
    REVOKE USAGE ON TYPE information_schema.yes_or_no FROM PUBLIC;
    COMMENT ON SCHEMA public IS 'mine';
    COMMENT ON SCHEMA pg_catalog IS 'mine';
    COMMENT ON SCHEMA information_schema IS 'mine';
    COMMENT ON EXTENSION plpgsql IS 'mine';
    COMMENT ON LANGUAGE plpgsql IS 'mine';
    COMMENT ON FUNCTION pg_catalog.now() IS 'mine';
    COMMENT ON TYPE int4 IS 'mine';
    COMMENT ON TABLE pg_catalog.pg_class IS 'mine';
    COMMENT ON COLUMN information_schema.tables.table_name IS 'mine';
    COMMENT ON OPERATOR pg_catalog.+ (int, int) IS 'mine';
    COMMENT ON TABLESPACE pg_default IS 'mine';
    COMMENT ON DATABASE odd IS 'mine';
    COMMENT ON CAST (int4 AS int8) IS 'mine';
    COMMENT ON COLLATION pg_catalog."C" IS 'mine';
    ALTER ROLE postgres IN DATABASE odd SET work_mem = '3MB';
    ALTER DATABASE odd SET search_path = public, pg_catalog;
    ALTER FUNCTION pg_catalog.pg_ls_dir(text) COST 7;
    ALTER VIEW information_schema.tables SET (security_barrier = true);
    CREATE TYPE shell;
    COMMENT ON TYPE shell IS 'no more than a shell';
    CREATE TYPE shell_of_bob;
    ALTER TYPE shell_of_bob OWNER TO bob;
    CREATE TEMPORARY TABLE gone (a int);
    CREATE SCHEMA "Pg_not_reserved";
    CREATE TABLE "Pg_not_reserved".pg_class (oid int, ctid_ int);
    CREATE SCHEMA pgsql;
    CREATE FUNCTION pgsql.now() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE information_schema_ (a int);
    REVOKE ALL ON information_schema_ FROM postgres;
    CREATE TABLE nobodys (a int, b int);
    REVOKE ALL ON nobodys FROM PUBLIC, postgres;
    GRANT SELECT (a), UPDATE (b) ON nobodys TO PUBLIC;
    CREATE ROLE "pgmaster";
    ALTER TABLE nobodys OWNER TO "pgmaster";
    CREATE SEQUENCE s_of_view_name;
    CREATE VIEW pg_catalog_view AS SELECT relname FROM pg_catalog.pg_class;
    CREATE RULE r AS ON INSERT TO pg_catalog_view DO INSTEAD NOTIFY x;
    CREATE STATISTICS st ON a, b FROM nobodys;
    ALTER STATISTICS st OWNER TO bob;
"""


def test_odd_things_are_as_with_stock_tools(pgcask, cluster, workdir):
    db = make(cluster, "odd", ODD)
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    with cluster.session(db) as session:
        session.sql("CREATE TABLE pg_temp.t (a int)")
        session.sql("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        session.sql("CREATE OPERATOR pg_temp.### (PROCEDURE = int4pl, LEFTARG = int, "
                      "RIGHTARG = int)")
        session.sql("CREATE COLLATION pg_temp.c FROM \"C\"")
        session.sql("CREATE TYPE pg_temp.e AS ENUM ('a')")
        result = pgcask("backup", cluster.uri(db), "--to", workdir / "beside", "--quiet").check()
        assert "left out" not in result.stderr
    theirs = logical.stock_archive(cluster, db, workdir / "theirs")
    for listed in (archive, workdir / "beside/odd.dump"):
        assert logical.contents(cluster, listed) == logical.contents(cluster, theirs)
    logical.drop(cluster, db)
    logical.run_sql(cluster, "postgres", 'DROP ROLE "pgmaster"')


def test_what_stands_in_schemas_of_the_system_is_named(pgcask, cluster, workdir):
    db = make(cluster, "misplaced", """
        SET allow_system_table_mods = on;
        CREATE FUNCTION pg_catalog.mine(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        GRANT EXECUTE ON FUNCTION pg_catalog.mine(int) TO bob;
        CREATE TYPE pg_catalog.my_enum AS ENUM ('a');
        CREATE DOMAIN pg_catalog.my_domain AS int;
        CREATE TABLE information_schema.my_table (a int);
        CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;
        CREATE FOREIGN TABLE information_schema.my_foreign_table (a int) SERVER far;
        CREATE VIEW information_schema.my_view AS SELECT 1 AS a;
        CREATE SCHEMA pg_mine;
        CREATE SEQUENCE pg_mine.my_sequence;
        CREATE COLLATION pg_catalog.my_collation FROM "C";
        CREATE COLLATION pg_catalog.my_collation_2 FROM "C";
        CREATE OPERATOR pg_catalog.### (PROCEDURE = int4pl, LEFTARG = int, RIGHTARG = int);
        CREATE TEXT SEARCH DICTIONARY pg_catalog.my_dictionary (TEMPLATE = simple);
        CREATE TABLE kept (a int);
    """)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "again").check()
    for name in ("function mine(integer)", "type my_enum", "type my_domain",
                 "table information_schema.my_table", "view information_schema.my_view",
                 "foreign table information_schema.my_foreign_table",
                 "sequence pg_mine.my_sequence", "collation my_collation (and 1 more)",
                 "operator ###(integer,integer)", "text search dictionary my_dictionary"):
        assert f"{name} is left out" in result.stderr, result
        assert any(f"{name} is left out" in line
                   for line in logical.summary(workdir / "again")["warnings"])
    assert "kept" not in result.stderr
    logical.drop(cluster, "copy")
    logical.drop(cluster, db)


# Single-user mode gives objects oids below those of a running server.

EARLY = [
    "CREATE TABLE early (a int CHECK (a > 0), b text DEFAULT 'x')",
    "INSERT INTO early VALUES (1)",
    "COMMENT ON TABLE early IS 'early'",
    "COMMENT ON COLUMN early.a IS 'early'",
    "CREATE ROLE someone",
    "GRANT SELECT (a) ON early TO someone",
    "CREATE FUNCTION early() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "COMMENT ON FUNCTION early() IS 'early'",
    "CREATE TYPE early_type AS ENUM ('a')",
    "COMMENT ON TYPE early_type IS 'early'",
    "CREATE DOMAIN early_domain AS int",
    "CREATE VIEW early_view AS SELECT a FROM early",
    "CREATE INDEX early_index ON early (a)",
    "COMMENT ON INDEX early_index IS 'early'",
    "CREATE SCHEMA early_schema",
    "COMMENT ON SCHEMA early_schema IS 'early'",
    "CREATE SEQUENCE early_schema.s",
    "REVOKE EXECUTE ON FUNCTION early() FROM PUBLIC",
    "CREATE PUBLICATION early FOR TABLE early",
    "COMMENT ON PUBLICATION early IS 'early'",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "CREATE FUNCTION early_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "CREATE EVENT TRIGGER early ON ddl_command_end EXECUTE FUNCTION early_event()",
    "CREATE SUBSCRIPTION early CONNECTION '' PUBLICATION p WITH (connect = false)",
    "CREATE TEXT SEARCH DICTIONARY early (TEMPLATE = simple)",
    "CREATE FOREIGN DATA WRAPPER early",
    "COMMENT ON FOREIGN DATA WRAPPER early IS 'early'",
    "CREATE SERVER early FOREIGN DATA WRAPPER early",
    "CREATE USER MAPPING FOR PUBLIC SERVER early",
    "CREATE FOREIGN TABLE early_foreign (a int) SERVER early",
    "CREATE OPERATOR ### (PROCEDURE = int4pl, LEFTARG = int, RIGHTARG = int)",
    "CREATE OPERATOR FAMILY early USING btree",
    "ALTER OPERATOR FAMILY early USING btree ADD OPERATOR 3 = (int, int)",
    "CREATE CONVERSION early FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
]
# Of kinds without a schema, which stock pg_dump takes for initdb's.
EARLY_BEYOND = {
    "CAST - CAST (integer AS boolean[]) ": "CREATE CAST (int AS bool[]) WITH INOUT",
    "PROCEDURAL LANGUAGE - early postgres": "CREATE LANGUAGE early HANDLER plpgsql_call_handler",
    "ACCESS METHOD - early ":
        "CREATE ACCESS METHOD early TYPE TABLE HANDLER heap_tableam_handler",
}


def single_user(server, db, statements):
    """Runs statements, one a line, on a cluster that does not run."""
    result = process.run(
        [server.bin / "postgres", "--single", "-j", "-D", server.datadir, db],
        input=("".join(f"{line};\n\n" for line in statements)).encode(), cwd="/",
        user=process.server_user())
    assert "ERROR" not in result.stderr, result
    return result.check()


@pytest.mark.majors(13, 18)
def test_oids_of_single_user_mode_are_no_reason_to_be_left_out(pgcask, servers, major, workdir):
    server = servers.create(major, start=False)
    single_user(server, "postgres", [*EARLY, *EARLY_BEYOND.values()])
    single_user(server, "template1", ["CREATE EXTENSION hstore"])
    server.start()
    assert int(server.value("SELECT 'early'::regclass::oid")) < 16384
    archive = logical.back_up(pgcask, server, "postgres", workdir / "backup")
    theirs = logical.stock_archive(server, "postgres", workdir / "theirs")
    listed = logical.contents(server, archive)
    beyond = listed - logical.contents(server, theirs)
    assert beyond == dict.fromkeys(EARLY_BEYOND, 1)
    assert listed - beyond == logical.contents(server, theirs)
    assert listed["COMMENT public COLUMN early.a postgres"] == 1
    logical.run_sql(server, "template1", """
        CREATE TABLE of_hstore (h hstore);
        INSERT INTO of_hstore VALUES ('a=>1');
    """)
    archive = logical.back_up(pgcask, server, "template1", workdir / "hstore")
    logical.create_like(server, "template1", "copy")
    logical.restore(server, archive, "copy")
    assert server.value("SELECT h -> 'a' FROM of_hstore", "copy") == "1"


# globals.sql

GLOBALS = """
    CREATE ROLE granter CREATEROLE;
    CREATE ROLE "other role" LOGIN VALID UNTIL 'infinity' CONNECTION LIMIT 3 PASSWORD 'x';
    GRANT granter TO "other role" WITH ADMIN OPTION;
    GRANT pg_monitor TO "other role";
    ALTER ROLE ALL SET work_mem = '5MB';
    ALTER ROLE "other role" SET search_path = "a b", public;
    ALTER ROLE postgres SET lock_timeout = '7s';
    ALTER ROLE postgres SET "my.own" = 'it''s';
    COMMENT ON ROLE "other role" IS 'it''s';
    COMMENT ON ROLE postgres IS 'the first';
    CREATE TABLESPACE "a place" LOCATION '{place}';
    ALTER TABLESPACE "a place" SET (random_page_cost = 1.5, seq_page_cost = 2);
    COMMENT ON TABLESPACE "a place" IS 'there';
    ALTER TABLESPACE "a place" OWNER TO granter;
    GRANT CREATE ON TABLESPACE "a place" TO "other role" WITH GRANT OPTION;
    SET SESSION AUTHORIZATION "other role";
    GRANT CREATE ON TABLESPACE "a place" TO PUBLIC;
    RESET SESSION AUTHORIZATION;
    CREATE TABLESPACE another LOCATION '{another}';
    REVOKE ALL ON TABLESPACE another FROM postgres;
"""
GLOBALS_SINCE_15 = """
    GRANT SET ON PARAMETER log_min_messages TO "other role" WITH GRANT OPTION;
    GRANT ALTER SYSTEM, SET ON PARAMETER work_mem TO PUBLIC;
    GRANT SET ON PARAMETER my.own TO "other role";
    SET SESSION AUTHORIZATION "other role";
    GRANT SET ON PARAMETER log_min_messages TO granter;
"""
GLOBAL_FACTS = [
    """SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
              rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil, rolpassword,
              shobj_description(oid, 'pg_authid')
       FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 1""",
    """SELECT setrole::regrole, setconfig FROM pg_db_role_setting WHERE setdatabase = 0
       ORDER BY 1""",
    "SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members ORDER BY 1, 2",
    """SELECT spcname, spcowner::regrole, ARRAY(SELECT x::text FROM unnest(spcacl) x ORDER BY 1),
              spcoptions, shobj_description(oid, 'pg_tablespace') FROM pg_tablespace
       WHERE spcname !~ '^pg_' ORDER BY 1""",
]
PARAMETER_FACTS = """SELECT parname, ARRAY(SELECT x::text FROM unnest(paracl) x ORDER BY 1)
                     FROM pg_parameter_acl ORDER BY 1"""


@pytest.mark.majors(13, 15, 18)
def test_globals_make_the_same_roles_and_tablespaces(pgcask, servers, major, workdir):
    source = servers.create(major)
    places = [temp.new_dir(f"place{i}") for i in range(4)]
    process.give_to_server(*places)
    logical.run_sql(source, "postgres", GLOBALS.format(place=places[0], another=places[1]))
    if major >= 15:
        logical.run_sql(source, "postgres", GLOBALS_SINCE_15)
    logical.back_up(pgcask, source, "postgres", workdir / "backup")
    text = (workdir / "backup/globals.sql").read_text()
    for here, there in zip(places[:2], places[2:]):
        text = text.replace(str(here), str(there))
    # The role that every cluster has is there already.
    assert text.count("CREATE ROLE postgres;\n") == 1
    text = text.replace("CREATE ROLE postgres;\n", "")
    target = servers.create(major)
    logical.run_sql(target, "postgres", text)
    for facts in [*GLOBAL_FACTS, *([PARAMETER_FACTS] if major >= 15 else [])]:
        assert target.sql(facts) == source.sql(facts)


@pytest.mark.majors(13, 15, 18)
def test_globals_say_all_that_pg_dumpall_says(pgcask, cluster, major, workdir):
    """Statement by statement, for what both say in the same words."""
    place = temp.new_dir("place")
    process.give_to_server(place)
    logical.run_sql(cluster, "postgres",
                    GLOBALS.format(place=place, another=place).split("CREATE TABLESPACE another")[0])
    if major >= 15:
        logical.run_sql(cluster, "postgres", GLOBALS_SINCE_15)
    env = {"PGHOST": cluster.socket_dir, "PGPORT": cluster.port, "PGUSER": cluster.superuser}
    theirs = process.run([logical.stock("pg_dumpall", cluster), "-g"], env=env).check().stdout
    theirs = theirs.replace('"my.own"', "my.own")
    logical.back_up(pgcask, cluster, "postgres", workdir / "backup")
    ours = set((workdir / "backup/globals.sql").read_text().splitlines())
    wanted = re.compile(r"(CREATE (ROLE|TABLESPACE)|ALTER ROLE .* SET|COMMENT ON|(GRANT|REVOKE) .* ON |"
                        r"SET SESSION AUTHORIZATION) ")
    missing = [line for line in theirs.splitlines() if wanted.match(line) and line not in ours]
    assert missing == []
    logical.run_sql(cluster, "postgres", """
        DROP TABLESPACE "a place"; ALTER ROLE ALL RESET ALL; ALTER ROLE postgres RESET ALL;
    """)
