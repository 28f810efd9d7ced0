"""Foreign-data wrappers, servers, user mappings and foreign tables in logical backups, beside what
stock tools make of them. Most wrappers here have no handler: nothing is asked of them."""

import json
import re
import stat

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make  # noqa: F401

WRAPPERS = r"""
    CREATE SCHEMA "For eign";
    CREATE FUNCTION "For eign"."handle It"() RETURNS fdw_handler LANGUAGE c
        AS '$libdir/file_fdw', 'file_fdw_handler';
    CREATE FUNCTION "For eign".check(text[], oid) RETURNS bool LANGUAGE internal
        AS 'pg_backend_pid';
    CREATE FOREIGN DATA WRAPPER nothing;
    CREATE FOREIGN DATA WRAPPER "All of it" HANDLER "For eign"."handle It"
        VALIDATOR "For eign".check
        OPTIONS (z '1', "Odd name" E'it''s \\ a "b"', "select" '', a E'two\nlines', u 'é☃');
    CREATE SERVER plain FOREIGN DATA WRAPPER nothing;
    CREATE SERVER "Far ""away"" one" TYPE 'it''s' VERSION E'1\\2' FOREIGN DATA WRAPPER "All of it"
        OPTIONS (port '5432', host 'é☃', "Odd name" '');
    CREATE SERVER typed TYPE '' FOREIGN DATA WRAPPER nothing;
    CREATE SERVER "user" VERSION '7' FOREIGN DATA WRAPPER nothing;
    CREATE USER MAPPING FOR PUBLIC SERVER plain OPTIONS (password 'pub lic');
    CREATE USER MAPPING FOR alice SERVER plain;
    CREATE USER MAPPING FOR postgres SERVER "Far ""away"" one" OPTIONS ("user" 'u', password E'it''s\\');
    CREATE USER MAPPING FOR "Role with ""quotes"", 'too' /and=more" SERVER "Far ""away"" one" OPTIONS (password 'x');
    GRANT USAGE ON FOREIGN DATA WRAPPER nothing TO bob WITH GRANT OPTION;
    GRANT USAGE ON FOREIGN SERVER "Far ""away"" one" TO PUBLIC, "Role with ""quotes"", 'too' /and=more";
    REVOKE USAGE ON FOREIGN SERVER plain FROM postgres;
    ALTER SERVER "user" OWNER TO bob;
    COMMENT ON FOREIGN DATA WRAPPER "All of it" IS 'it''s \ a wrapper';
    COMMENT ON SERVER "Far ""away"" one" IS 'far';
"""
TABLES = """
    CREATE TYPE mood AS ENUM ('ok');
    CREATE FOREIGN TABLE "For eign".empty () SERVER plain;
    CREATE FOREIGN TABLE "For eign"."A table" (
        a int OPTIONS (column_name 'x y', "Odd name" 'it''s') NOT NULL DEFAULT 7,
        b text COLLATE "C", c int GENERATED ALWAYS AS (a + 1) STORED, d mood, e int,
        CONSTRAINT positive CHECK (a > 0), CONSTRAINT "no inherit" CHECK (a < 9) NO INHERIT)
        SERVER "Far ""away"" one" OPTIONS (table_name 'it''s', "Schema" '', "Odd name" E'a\\\\b');
    ALTER FOREIGN TABLE "For eign"."A table" ALTER b SET STATISTICS 50,
        ALTER b SET STORAGE EXTERNAL, ALTER a SET (n_distinct = 5, n_distinct_inherited = -0.5);
    ALTER FOREIGN TABLE "For eign"."A table" ADD CONSTRAINT later CHECK (e > 1) NOT VALID;
    ALTER FOREIGN TABLE "For eign"."A table" DROP COLUMN d;
    CREATE TABLE parent (a int NOT NULL, b text DEFAULT 'x', CHECK (a > 0));
    CREATE FOREIGN TABLE child (b text NOT NULL, z serial) INHERITS (parent) SERVER plain
        OPTIONS (x 'y');
    ALTER FOREIGN TABLE child ALTER a SET DEFAULT 5;
    ALTER FOREIGN TABLE child ALTER a OPTIONS (ADD column_name 'inherited');
    CREATE TABLE grandchild (y int) INHERITS ("For eign"."A table");
    INSERT INTO grandchild (a, b, y) VALUES (1, 'one', 2);
    CREATE FOREIGN TABLE bare_child () INHERITS (parent) SERVER plain;
    ALTER FOREIGN TABLE bare_child ALTER b SET NOT NULL;
    CREATE TABLE tree (a int, b text DEFAULT 'q', CHECK (a > 0)) PARTITION BY LIST (a);
    CREATE FOREIGN TABLE tree_1 PARTITION OF tree (b DEFAULT 'r' NOT NULL) FOR VALUES IN (1)
        SERVER plain OPTIONS (x 'y');
    CREATE TABLE tree_2 PARTITION OF tree FOR VALUES IN (2);
    INSERT INTO tree VALUES (2, 'two');
    CREATE FOREIGN TABLE counted (a int GENERATED ALWAYS AS IDENTITY (START 5), b int) SERVER plain;
    CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER off BEFORE INSERT ON "For eign"."A table" FOR EACH ROW EXECUTE FUNCTION tf();
    ALTER FOREIGN TABLE "For eign"."A table" DISABLE TRIGGER off;
    CREATE TRIGGER always AFTER INSERT ON tree FOR EACH ROW EXECUTE FUNCTION tf();
    ALTER FOREIGN TABLE tree_1 ENABLE ALWAYS TRIGGER always;
    CREATE VIEW seen AS SELECT a, b FROM "For eign"."A table";
    CREATE MATERIALIZED VIEW stored AS SELECT a, b FROM "For eign"."A table" WITH NO DATA;
    CREATE FUNCTION rows_of("For eign"."A table") RETURNS int LANGUAGE sql AS 'SELECT $1.a';
    CREATE STATISTICS of_foreign ON a, b FROM "For eign"."A table";
    GRANT SELECT ON "For eign"."A table" TO alice;
    GRANT UPDATE (a), SELECT (b) ON "For eign"."A table" TO PUBLIC;
    ALTER FOREIGN TABLE "For eign"."A table" OWNER TO bob;
    COMMENT ON FOREIGN TABLE "For eign"."A table" IS 'it''s a table';
    COMMENT ON COLUMN "For eign"."A table".a IS 'a column';
    COMMENT ON CONSTRAINT positive ON "For eign"."A table" IS 'a check';
    COMMENT ON TRIGGER off ON "For eign"."A table" IS 'a trigger';
"""
SINCE_18 = """
    CREATE FOREIGN TABLE of_18 (a int CONSTRAINT "is there" NOT NULL NO INHERIT, b int,
        v int GENERATED ALWAYS AS (a * 2) VIRTUAL) SERVER plain;
    ALTER FOREIGN TABLE of_18 ADD CONSTRAINT unproved NOT NULL b NOT VALID;
    COMMENT ON CONSTRAINT "is there" ON of_18 IS 'not null';
"""
OF_POSTGRES_FDW = """
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw
        OPTIONS (host 'nowhere.invalid', dbname 'd', fetch_size '77');
    CREATE USER MAPPING FOR alice SERVER remote OPTIONS (user 'a', password 'se''cret');
    CREATE FOREIGN TABLE far (a int OPTIONS (column_name 'A'), b text) SERVER remote
        OPTIONS (schema_name 's', table_name 't');
    CREATE EXTENSION file_fdw;
    CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE passwd (line text, n int OPTIONS (force_not_null 'true')) SERVER files
        OPTIONS (filename '/no/such', format 'csv', delimiter E'\\t');
    GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO bob;
"""


def everything(major):
    return [WRAPPERS, TABLES, *([SINCE_18] if major >= 18 else [])]


def statements(cluster, archive, path):
    """What makes, alters and grants it: statements with their lines in order. pg_dump names no NOT
    NULL of the usual name, and breaks lines elsewhere; OPTIONS of columns got ONLY in a minor."""
    lines = []
    for part in logical.as_sql(cluster, archive, path).read_text().split(";\n"):
        words = " ".join(line for line in part.split("\n") if not line.startswith("--")).split()
        text = " ".join(words).replace("FOREIGN TABLE ONLY", "FOREIGN TABLE")
        if any(word in text for word in ("FOREIGN ", "SERVER ", "USER MAPPING")):
            lines.append(text)
    return sorted(lines)


def test_all_of_it_comes_back(pgcask, cluster, major, workdir):
    db = make(cluster, "round", *everything(major))
    logical.round_trip(pgcask, cluster, db, workdir)
    (described,) = json.loads((workdir / "backup/manifest.json").read_text())["databases"]
    kinds = {r["name"]: r["kind"] for r in described["relations"]}
    assert kinds["A table"] == kinds["tree_1"] == "f" and kinds["tree_2"] == "r", kinds


def test_entries_and_statements_are_those_of_pg_dump(pgcask, cluster, major, workdir):
    db = make(cluster, "beside", WRAPPERS.replace("TYPE ''", ""), TABLES)
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    listed = logical.contents(cluster, ours)
    assert listed == logical.contents(cluster, theirs)
    assert listed["USER MAPPING - USER MAPPING Role with \"quotes\", 'too' /and=more "
                  "SERVER Far \"away\" one postgres"] == 1
    assert listed["FOREIGN TABLE For eign A table bob"] == 1
    assert listed["TABLE ATTACH public tree_1 postgres"] == 1
    made = statements(cluster, ours, workdir / "ours.sql")
    if major >= 18:
        made = [line for line in made if "CONSTRAINT" not in line]
    assert set(made) <= set(statements(cluster, theirs, workdir / "theirs.sql"))
    assert ("CREATE USER MAPPING FOR postgres SERVER \"Far \"\"away\"\" one\" "
            "OPTIONS ( password E'it''s\\\\', \"user\" 'u' )") in made, made


@pytest.mark.majors(13, 18)
def test_it_can_be_restored_over_itself(pgcask, cluster, major, workdir):
    db = make(cluster, "over", *everything(major))
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    schema = logical.dump_schema(cluster, db)
    logical.restore(cluster, archive, db, "--clean", "--if-exists", "--single-transaction")
    assert logical.dump_schema(cluster, db) == schema
    logical.create_like(cluster, db, "fresh")
    logical.restore(cluster, archive, "fresh", "--clean", "--if-exists", "--single-transaction")
    logical.restore(cluster, archive, "fresh", "--clean", "--if-exists", "--single-transaction")
    assert logical.dump_schema(cluster, "fresh") == schema


@pytest.mark.majors(13, 18)
def test_an_empty_type_of_a_server_is_kept(pgcask, cluster, workdir):
    """pg_dump makes no difference to none."""
    db = make(cluster, "typed", WRAPPERS)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy")
    facts = "SELECT srvname, srvtype, srvversion, srvtype IS NULL FROM pg_foreign_server ORDER BY 1"
    assert cluster.sql(facts, "copy") == cluster.sql(facts, db)


def test_what_uses_an_extensions_wrapper_is_ones_own(pgcask, cluster, workdir):
    logical.round_trip(pgcask, cluster, make(cluster, "contrib", OF_POSTGRES_FDW), workdir)


@pytest.mark.majors(13, 18)
def test_members_are_made_by_their_extension_but_a_role_s_mapping_is_its_own(
        pgcask, cluster, major, workdir):
    db = make(cluster, "members", *everything(major), """
        CREATE EXTENSION hstore;
        CREATE SERVER member FOREIGN DATA WRAPPER nothing;
        CREATE FOREIGN TABLE member_table (a int OPTIONS (x 'y')) SERVER member;
        CREATE FOREIGN TABLE on_member (a int) SERVER member;
        CREATE FOREIGN TABLE of_member (b int) INHERITS (member_table) SERVER plain;
        ALTER EXTENSION hstore ADD SERVER member;
        ALTER EXTENSION hstore ADD FOREIGN DATA WRAPPER nothing;
        ALTER EXTENSION hstore ADD FOREIGN TABLE member_table;""")
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    listed = logical.contents(cluster, ours)
    assert listed == logical.contents(cluster, logical.stock_archive(cluster, db, workdir / "s"))
    logical.run_sql(cluster, db, """CREATE USER MAPPING FOR bob SERVER member
                                        OPTIONS (password 'x')""")
    more = logical.contents(cluster, logical.back_up(pgcask, cluster, db, workdir / "more"))
    # pg_dump loses this one.
    assert set(more - listed) == {"USER MAPPING - USER MAPPING bob SERVER member postgres"}
    # It takes the place of one that the extension's script has made.
    logical.run_sql(cluster, db, "ALTER USER MAPPING FOR bob SERVER member OPTIONS (SET password 'y')")
    archive = workdir / "more" / f"{db}.dump"
    (entry,) = [line for line in logical.listing(cluster, archive).splitlines()
                if b"USER MAPPING bob SERVER member" in line]
    (workdir / "list").write_bytes(entry + b"\n")
    logical.restore(cluster, archive, db, "-L", workdir / "list")
    assert cluster.value("SELECT umoptions FROM pg_user_mappings WHERE usename = 'bob'",
                         db) == "{password=x}"


@pytest.mark.majors(13, 18)
def test_secrets_stay_in_the_archive(pgcask, cluster, workdir):
    db = make(cluster, "secrets", """
        CREATE FOREIGN DATA WRAPPER w;
        CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'hunter2-of-all');
        CREATE USER MAPPING FOR alice SERVER s OPTIONS (password 'hunter2-of-alice');""")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "b", "--compress", "none").check()
    assert "hunter2" not in result.stdout + result.stderr
    for path in (workdir / "b").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert (b"hunter2" in path.read_bytes()) == (path.name == f"{db}.dump"), path
    assert "hunter2" not in cluster.log


@pytest.mark.majors(13, 14, 18)
def test_options_that_may_not_be_read_are_told_of(pgcask, cluster, workdir):
    db = make(cluster, "hidden", """
        CREATE FOREIGN DATA WRAPPER w;
        GRANT USAGE ON FOREIGN DATA WRAPPER w TO carol, alice;
        CREATE SERVER mine FOREIGN DATA WRAPPER w; ALTER SERVER mine OWNER TO carol;
        CREATE SERVER theirs FOREIGN DATA WRAPPER w;
        CREATE USER MAPPING FOR carol SERVER mine OPTIONS (password 'readable');
        CREATE USER MAPPING FOR PUBLIC SERVER mine OPTIONS (password 'readable, too');""")

    def back_up(folder):
        result = pgcask("backup", cluster.uri(db, user="carol"), "--to", folder).check()
        return result.stderr, logical.as_sql(cluster, folder / f"{db}.dump",
                                             workdir / "text").read_text()

    said, text = back_up(workdir / "all")
    assert "user mapping" not in said, said
    assert "password 'readable'" in text and "password 'readable, too'" in text
    logical.run_sql(cluster, db, """
        CREATE USER MAPPING FOR alice SERVER mine OPTIONS (password 'hers');
        CREATE USER MAPPING FOR carol SERVER theirs OPTIONS (password 'no usage');
        CREATE USER MAPPING FOR PUBLIC SERVER theirs OPTIONS (password 'of all');""")
    said, text = back_up(workdir / "some")
    assert "options of 3 user mappings" in str(logical.summary(workdir / "some")["warnings"])
    assert "options of 3 user mappings may not be read by this role" in said, said
    assert "ALTER USER MAPPING FOR alice SERVER mine OPTIONS (…)" in said, said
    assert "CREATE USER MAPPING FOR alice SERVER mine;" in text
    assert "CREATE USER MAPPING FOR public SERVER theirs;" in text
    assert "hers" not in text and "password 'readable'" in text
    rows = pgcask("backup", cluster.uri(db, user="carol"), "--to", workdir / "rows", "--data-only")
    assert rows.ok and "user mapping" not in rows.stderr, rows
    logical.run_sql(cluster, db, "GRANT USAGE ON FOREIGN SERVER theirs TO carol")
    said, text = back_up(workdir / "more")
    assert "options of 2 user mappings" in said and "password 'no usage'" in text, said
    checked = pgcask("check", cluster.uri(db, user="carol"))
    assert "2 user mappings" in checked.stdout + checked.stderr, checked
    (grant,) = re.findall("GRANT SELECT ON pg_catalog.pg_user_mapping TO [^;]*;", said)
    assert grant in checked.stdout + checked.stderr, checked
    logical.run_sql(cluster, db, grant)
    said, text = back_up(workdir / "whole")
    assert "user mapping" not in said and "password 'hers'" in text, said
    assert "password 'of all'" in text


POINTING = {
    "pg_foreign_data_wrapper SET fdwowner": "FOREIGN DATA WRAPPER w has the owner with OID",
    "pg_foreign_data_wrapper SET fdwhandler": "FOREIGN DATA WRAPPER w has the handler with OID",
    "pg_foreign_data_wrapper SET fdwvalidator": "FOREIGN DATA WRAPPER w has the validator with OID",
    "pg_foreign_server SET srvowner": "SERVER s has the owner with OID",
    "pg_foreign_server SET srvfdw": "SERVER s has the foreign-data wrapper with OID",
    "pg_user_mapping SET umuser": "USER MAPPING SERVER s has the user with OID",
    "pg_foreign_table SET ftserver": "FOREIGN TABLE public.t has the server with OID",
    "pg_foreign_table SET ftrelid": "FOREIGN TABLE public.t has the row of pg_foreign_table with",
    "pg_class SET relowner": "FOREIGN TABLE public.t has the owner with OID",
    "pg_class SET relnamespace": "FOREIGN TABLE t has the schema with OID",
}


@pytest.mark.majors(13, 18)
def test_what_points_to_nothing_is_an_error(pgcask, cluster, workdir):
    make(cluster, "whole", """
        CREATE FOREIGN DATA WRAPPER w;
        CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE USER MAPPING FOR bob SERVER s;
        CREATE FOREIGN TABLE t (a int) SERVER s;""")
    for change, text in POINTING.items():
        db = make(cluster, "gone", options="TEMPLATE whole")
        where = "WHERE relname = 't'" if "pg_class" in change else ""
        logical.run_sql(cluster, db, f"UPDATE {change} = 99999 {where}")
        result = pgcask("backup", cluster.uri(db), "--to", workdir / "no", "--quiet")
        assert result.rc == 1 and text in result.stderr, (change, result)
        assert not (workdir / "no").exists()
        if "owner" in change:
            assert "OWNER TO …" in result.stderr, result


@pytest.mark.majors(13, 18)
def test_privileges_of_roles_that_are_gone_are_left_out(pgcask, cluster, workdir):
    db = make(cluster, "gone_roles", """
        CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        GRANT USAGE ON FOREIGN DATA WRAPPER w TO bob; GRANT USAGE ON FOREIGN SERVER s TO bob;
        UPDATE pg_foreign_data_wrapper SET fdwacl = '{postgres=U/postgres}'::aclitem[] ||
            replace(fdwacl[2]::text, 'bob', 'alice')::aclitem;
        UPDATE pg_foreign_server SET srvacl = '{postgres=U/postgres}';""")
    logical.run_sql(cluster, db, "CREATE ROLE away; GRANT USAGE ON FOREIGN SERVER s TO away; "
                                 "GRANT USAGE ON FOREIGN DATA WRAPPER w TO away;"
                                 "DELETE FROM pg_authid WHERE rolname = 'away'")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "b").check()
    for name in ("foreign data wrapper w has privileges of", "foreign server s has privileges of"):
        assert name in result.stderr, result
    text = logical.as_sql(cluster, workdir / "b" / f"{db}.dump", workdir / "sql").read_text()
    assert "ON FOREIGN DATA WRAPPER w TO alice" in text and "FOREIGN SERVER s TO" not in text


TREES_SINCE = {
    # A default that reads the table that has it.
    14: """
        CREATE FUNCTION most() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT max(a) FROM looped; END;
        ALTER FOREIGN TABLE looped ALTER a SET DEFAULT most();""",
    # A child's own expression.
    16: """
        CREATE FOREIGN TABLE gen_own (g int GENERATED ALWAYS AS (a * 3) STORED) INHERITS (gen)
            SERVER s;""",
    18: """
        CREATE TABLE named (a int CONSTRAINT "the name" NOT NULL, b int CONSTRAINT own NOT NULL
                            NO INHERIT, c int);
        CREATE FOREIGN TABLE named_child (b int CONSTRAINT child_own NOT NULL) INHERITS (named)
            SERVER s;
        ALTER TABLE named ADD CONSTRAINT late NOT NULL c NOT VALID;
        CREATE TABLE virtual (a int, v int GENERATED ALWAYS AS (a + 1) VIRTUAL)
            PARTITION BY LIST (a);
        CREATE FOREIGN TABLE virtual_1 PARTITION OF virtual
            (v GENERATED ALWAYS AS (a + 2) VIRTUAL) FOR VALUES IN (1) SERVER s;
        ALTER FOREIGN TABLE middle ADD CONSTRAINT unforced CHECK (a < 77) NOT ENFORCED;""",
}


def test_foreign_tables_anywhere_in_trees_and_loops_come_back(pgcask, cluster, major, workdir):
    db = make(cluster, "trees", logical.script("foreign_trees"),
              *(sql for since, sql in TREES_SINCE.items() if major >= since))
    logical.round_trip(pgcask, cluster, db, workdir)


@pytest.mark.majors(14, 16, 18)
def test_columns_that_are_compressed_come_back(pgcask, cluster, workdir):
    """What stock pg_dump writes there is refused by every server."""
    db = make(cluster, "compressed", """
        CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE FOREIGN TABLE alone (a text COMPRESSION pglz COLLATE "C" DEFAULT 'x' NOT NULL, b text)
            SERVER s;
        CREATE TABLE parent (a text COMPRESSION pglz, b text, c text);
        CREATE FOREIGN TABLE child (b text COMPRESSION pglz, z int) INHERITS (parent) SERVER s;
        CREATE FOREIGN TABLE local_child (a text) INHERITS (parent) SERVER s;
        CREATE TABLE tree (a text COMPRESSION pglz, b int) PARTITION BY LIST (b);
        CREATE FOREIGN TABLE tree_1 PARTITION OF tree FOR VALUES IN (1) SERVER s;""")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy")
    assert logical.dump_schema(cluster, "copy") == logical.dump_schema(cluster, db)
    compressed = """SELECT attrelid::regclass::text, attname FROM pg_attribute
                     WHERE attcompression = 'p' AND attrelid >= 16384 AND attnum > 0 ORDER BY 1, 2"""
    assert cluster.sql(compressed, "copy") == cluster.sql(compressed, db)
    assert len(cluster.sql(compressed, db)) == 7
    assert logical.contents(cluster, archive) == logical.contents(
        cluster, logical.stock_archive(cluster, db, workdir / "stock.dump"))
