"""What of a whole server cannot be made keeps nothing else from being restored, and is told with
what mends it: a database without its tablespace, roles without the right to them, memberships of
another superuser, locales of a script."""

import json
import shutil

import pytest

from pgcask_testing import logical, process, temp
from pgcask_testing.logical import make, run_sql

pytestmark = pytest.mark.sampled(1)

SPACE = 'far "away" x'
MEMBERSHIPS = """
    SELECT r.rolname || ' of ' || g.rolname || ', ' || m.admin_option FROM pg_auth_members m
      JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
     WHERE g.rolname !~ '^pg_' ORDER BY 1"""
MEMBERS = ['lead of Team "a" x, true', 'member of Team "a" x, false', "member of lead, false"]
GRANTORS = """
    SELECT m.grantor::regrole::text FROM pg_auth_members m
      JOIN pg_roles r ON r.oid = m.member AND r.rolname = 'member'
      JOIN pg_roles g ON g.oid = m.roleid AND g.rolname ~ '^Team'
     WHERE current_setting('server_version_num')::int >= 160000"""
ROLES = """
    CREATE ROLE "Team ""a"" x"; CREATE ROLE lead LOGIN; CREATE ROLE member LOGIN REPLICATION;
    CREATE ROLE chief SUPERUSER;
    GRANT "Team ""a"" x" TO lead WITH ADMIN OPTION;
    SET ROLE lead; GRANT "Team ""a"" x" TO member; RESET ROLE;
    GRANT lead TO member;"""


@pytest.fixture(scope="module")
def source(module_servers, major):
    """A server of three databases, one of them in a tablespace whose folder no other server has."""
    server = module_servers.create(major)
    server.space = space = temp.new_dir("space")
    process.give_to_server(space)
    run_sql(server, "postgres", ROLES)
    run_sql(server, "postgres", f"""
        CREATE TABLESPACE {quoted(SPACE)} LOCATION '{space}' WITH (random_page_cost = 2);
        GRANT CREATE ON TABLESPACE {quoted(SPACE)} TO lead;
        COMMENT ON TABLESPACE {quoted(SPACE)} IS 'far';""")
    for name, options in (("a first", ""), ("in space", f"TABLESPACE {quoted(SPACE)}"), ("z last", "")):
        make(server, name, "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2);",
             options=options)
    run_sql(server, "a first", f"CREATE TABLE far (n int) TABLESPACE {quoted(SPACE)}; "
                               "INSERT INTO far VALUES (3)")
    yield server
    server.close()


@pytest.fixture(scope="module")
def backups(pgcask, source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backups")
    pgcask("backup", uri(source), "--to", folder / "classic", "--quiet").check()
    pgcask("backup", uri(source), "--to", folder / "numbered", "--databases", "*", "--layout",
           "numbered", "--quiet").check()
    source.stop()
    shutil.rmtree(source.space)
    return folder


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def uri(server, user="postgres"):
    return f"postgres://{user}@127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def target(module_servers, major):
    yield (server := module_servers.create(major))
    server.close()


@pytest.mark.parametrize("layout", ["numbered", "classic"])
def test_a_database_that_cannot_be_made_keeps_none_of_the_others(pgcask, backups, target, layout):
    result = pgcask("restore", backups / layout, "--to", uri(target), "--into-existing", "--json")
    told = json.loads(result.stdout)
    assert result.rc == 3 and told["databases_restored"] == 4, str(result)
    assert {"a first", "z last"} <= set(target.databases()), str(result)
    assert not [name for name in target.databases() if "space" in name or "pgcask" in name]
    for name in ("a first", "z last"):
        assert target.value("SELECT count(*) FROM t", db=name) == "2", str(result)
    assert target.value("SELECT count(*) FROM far", db="a first") == "1", str(result)
    (failure,) = [f for f in told["failures"] if "DATABASE in space" in f["object"]]
    assert f'tablespace "{SPACE}" does not exist' in failure["message"], failure
    assert "--no-tablespaces" in failure["hint"], failure
    # Who wants to end with the first failure does.
    for name in ("a first", "z last"):
        logical.drop(target, name)
    result = pgcask("restore", backups / layout, "--to", uri(target), "--into-existing",
                    "--no-globals", "--no-owner", "--no-privileges", "--exit-on-error")
    assert result.rc == 1 and "z last" not in target.databases(), str(result)
    for name in {"a first"} & set(target.databases()):
        logical.drop(target, name)


def test_a_locale_that_is_missing_is_told_before_a_script_makes_its_database(
        pgcask, target, workdir):
    script = workdir / "made.sql"
    for words in ("LOCALE = 'xx_YY.utf8'", "LC_COLLATE = 'C' LC_CTYPE = 'xx_YY.utf8'"):
        script.write_text(f"""CREATE DATABASE made WITH TEMPLATE = template0 ENCODING = 'UTF8' {words};
\\connect made
CREATE TABLE t (n int);
""")
        result = pgcask("restore", script, "--to", uri(target))
        assert result.rc == 1, str(result)
        assert ('the server does not have the locale "xx_YY.utf8" of the database "made"'
                in result.stderr), str(result)
        assert "Install the locale" in result.stderr and "--create-db" not in result.stderr, result
    # Into one that is there it goes all the same.
    make(target, "made")
    pgcask("restore", script, "--to", uri(target)).check()
    assert target.value("SELECT count(*) FROM t", db="made") == "0"
    logical.drop(target, "made")


@pytest.fixture(scope="module")
def other(module_servers, major):
    """A server whose own superuser has another name."""
    server = module_servers.create(major)
    run_sql(server, "postgres", "CREATE ROLE helper SUPERUSER LOGIN")
    server.sql("ALTER ROLE postgres RENAME TO admin", user="helper")
    server.superuser = "admin"
    server.sql("DROP ROLE helper")
    yield server
    server.close()


def test_memberships_come_into_a_server_of_another_superuser(pgcask, backups, other, major):
    run_sql(other, "postgres", "CREATE ROLE maker LOGIN CREATEROLE CREATEDB; CREATE ROLE lead")
    # What a role has no right to is told before.
    result = pgcask("restore", backups / "numbered", "--to", uri(other, "maker"), "--dry-run",
                    "--into-existing")
    told = result.stderr
    assert 'the role "maker" may not change SUPERUSER, REPLICATION and BYPASSRLS of roles' in told, told
    assert ('the role "maker" may not alter roles that are there: 1 ("lead")' in told) == (major >= 16), told
    assert 'the role "maker" may not make tablespaces: 1 ("far ""away"" x")' in told, told
    assert "restore without them: --no-globals." in told, told
    told = pgcask("restore", backups / "numbered", "--to", uri(other, "maker"), "--dry-run",
                  "--into-existing", "--no-globals").stderr
    assert "SUPERUSER" not in told and "may not alter" not in told, told
    told = pgcask("restore", backups / "numbered", "--to", uri(other, "admin"), "--dry-run",
                  "--into-existing").check().stderr
    assert "SUPERUSER" not in told and "may not alter" not in told, told
    run_sql(other, "postgres", "DROP ROLE lead")
    result = pgcask("restore", backups / "numbered", "--to", uri(other, "admin"),
                    "--into-existing", "--no-tablespaces")
    assert result.rc == 0, str(result)
    assert [row[0] for row in other.sql(MEMBERSHIPS)] == MEMBERS, str(result)
    assert other.sql(GRANTORS) == ([["lead"]] if major >= 16 else []), str(result)
