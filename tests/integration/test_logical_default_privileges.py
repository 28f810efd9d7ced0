"""Default privileges in logical backups, beside what stock tools make of them."""

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make  # noqa: F401

ODD = '"Role with ""quotes"", \'too\' /and=more"'
SCRIPT = f"""
    CREATE SCHEMA "S s";
    ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO alice;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO bob WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES REVOKE DELETE ON TABLES FROM postgres;
    ALTER DEFAULT PRIVILEGES FOR ROLE alice GRANT SELECT ON TABLES TO PUBLIC;
    ALTER DEFAULT PRIVILEGES FOR ROLE alice REVOKE ALL ON TABLES FROM alice;
    ALTER DEFAULT PRIVILEGES FOR ROLE alice IN SCHEMA "S s" GRANT SELECT ON TABLES TO alice, bob;
    ALTER DEFAULT PRIVILEGES FOR ROLE bob IN SCHEMA "S s" GRANT UPDATE ON TABLES TO alice;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO alice;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO {ODD};
    ALTER DEFAULT PRIVILEGES FOR ROLE {ODD} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES FOR ROLE {ODD} IN SCHEMA "S s"
        GRANT EXECUTE ON FUNCTIONS TO {ODD}, PUBLIC;
    ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO alice;
    ALTER DEFAULT PRIVILEGES FOR ROLE bob GRANT ALL ON SCHEMAS TO alice WITH GRANT OPTION;
"""
SINCE_18 = """
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO alice;
    ALTER DEFAULT PRIVILEGES FOR ROLE bob GRANT ALL ON LARGE OBJECTS TO alice WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES FOR ROLE bob REVOKE UPDATE ON LARGE OBJECTS FROM bob;
"""
# What would have other privileges if they were there before its privileges are.
MADE = """
    CREATE TABLE t (a serial); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TYPE y AS ENUM ('a'); CREATE SCHEMA made;
"""
FACTS = """
    SELECT defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype,
           ARRAY(SELECT x::text FROM unnest(defaclacl) x ORDER BY 1)
    FROM pg_default_acl ORDER BY 1, 2, 3;
    SELECT relname, relacl FROM pg_class WHERE oid >= 16384 ORDER BY 1
"""


def test_default_privileges_are_those_of_pg_dump(pgcask, cluster, major, workdir):
    db = make(cluster, "acl", MADE, SCRIPT, *[SINCE_18] * (major >= 18))
    made = logical.assert_beside_stock(pgcask, cluster, db, workdir, "DEFAULT PRIVILEGES")
    assert "ALTER DEFAULT PRIVILEGES FOR ROLE alice REVOKE ALL ON TABLES FROM alice;" in made
    assert ('ALTER DEFAULT PRIVILEGES FOR ROLE bob IN SCHEMA "S s" GRANT UPDATE ON TABLES '
            'TO alice;') in made
    assert major < 18 or ("ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON LARGE "
                          "OBJECTS TO alice;") in made


def test_they_come_back_and_give_nothing_to_what_else_comes_back(pgcask, cluster, major, workdir):
    db = make(cluster, "acl", MADE, SCRIPT, *[SINCE_18] * (major >= 18))
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    facts = cluster.sql(FACTS, db)
    # pg_restore 17 begins with a setting that 16 refuses, and then all of it fails.
    for options in ([], ["-j4"], *[["--single-transaction"]] * (major != 16)):
        logical.create_like(cluster, db, "copied")
        logical.restore(cluster, archive, "copied", *options)
        assert cluster.sql(FACTS, "copied") == facts


@pytest.mark.parametrize("column, what", [("defaclrole", "role"), ("defaclnamespace", "schema")])
def test_those_of_a_role_or_schema_that_is_gone_are_named(pgcask, cluster, workdir, column, what):
    db = make(cluster, "gone", f"""
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO alice;
        SET allow_system_table_mods = on; UPDATE pg_default_acl SET {column} = 4242;""")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup", "--quiet")
    assert result.rc == 1, result
    assert f"DEFAULT PRIVILEGES FOR TABLES have the {what} with OID 4242" in result.stderr, result
    (remedy,) = [line for line in result.stderr.splitlines() if "DELETE FROM" in line]
    cluster.sql(remedy[remedy.index("SET allow"):], db)
    pgcask("backup", cluster.uri(db), "--to", workdir / "backup", "--quiet").check()


def test_what_they_give_to_a_role_that_is_gone_is_left_out(pgcask, cluster, workdir):
    db = make(cluster, "gone", """
        CREATE ROLE passing;
        ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO alice, passing;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON TYPES TO passing;
        DELETE FROM pg_shdepend WHERE refobjid = 'passing'::regrole; DROP ROLE passing;""")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup").check()
    assert "default privileges of role postgres has privileges of or by the role" in result.stderr
    archive = workdir / "backup/gone.dump"
    assert logical.lines_with(cluster, archive, workdir / "sql", "DEFAULT PRIVILEGES") == [
        "ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO alice;"]
