"""Into which database a restore goes, and what of the server beside it is touched: never one that
nobody has named, and no role because of a table."""

import json
import tarfile

import pytest

from pgcask_testing import logical, process
from pgcask_testing.logical import cluster, make, run_sql  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled(1)

ROLE = 'Role of "all"'
QUOTED = '"' + ROLE.replace('"', '""') + '"'
NEW = "New of 'all'"


@pytest.fixture(scope="module")
def backups(pgcask, cluster, tmp_path_factory):
    """Of "zdb" and "zoo" by layout, and an archive of "app"; with roles."""
    folder = tmp_path_factory.mktemp("targets")
    run_sql(cluster, "postgres", f"""
        CREATE ROLE {QUOTED} LOGIN PASSWORD 'of the backup' VALID UNTIL '2031-02-03' CONNECTION LIMIT 3;
        CREATE ROLE "{NEW}" LOGIN PASSWORD 'of the backup' VALID UNTIL '2031-02-03';
        ALTER ROLE "{cluster.superuser}" CONNECTION LIMIT 77 VALID UNTIL '2031-02-03';""")
    for name in ("zdb", "zoo", "app"):
        make(cluster, name, f"CREATE TABLE t AS SELECT generate_series(1, 3) n; "
                            f"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; "
                            f"CREATE TABLE u (n int); ALTER TABLE t OWNER TO {QUOTED};")
    for layout in ("classic", "numbered", "tables"):
        pgcask("backup", cluster.uri(None), "--to", folder / layout, "--layout", layout,
               "--databases", "zdb,zoo", "--quiet").check()
    pgcask("backup", cluster.uri("app"), "--to", folder / "one", "--quiet").check()
    for name in ("zdb", "zoo", "app"):
        logical.drop(cluster, name)
    return folder


def live(cluster, *names):
    for name in names:
        make(cluster, name, "CREATE TABLE live AS SELECT 1 AS n;")


def is_live(cluster, name):
    return cluster.value("SELECT to_regclass('live') IS NOT NULL", name) in ("t", True)


def test_no_database_is_replaced_that_nobody_has_named(pgcask, cluster, backups):
    live(cluster, "zdb", "zoo", "zdbx")

    def call(rc, source, to, *options):
        result = pgcask("restore", backups / source, "--to", cluster.uri(to), *options)
        assert result.rc == rc, result
        return result

    for layout in ("numbered", "tables", "classic"):
        for more in ((), ("--dry-run",), ("--databases", "zdb,zoo"), ("--create-db",)):
            told = call(2, layout, "zdbx", "--recreate", *more).stderr
            assert "the address names one database, " in told and "zdbx" in told, told
            assert "which --recreate drops if it is there" in told.replace("\n", " "), told
        assert all(is_live(cluster, name) for name in ("zdb", "zoo", "zdbx"))
    # Of a script nobody knows what is chosen before all of it is read.
    assert "a script of several" in call(2, "classic", "zdbx", "--databases", "zdb", "--recreate").stderr
    assert all(is_live(cluster, name) for name in ("zdb", "zoo", "zdbx"))
    # The only one that is wanted goes where the address says, whatever has its own name.
    for layout in ("numbered", "tables"):
        live(cluster, "zdbx")
        told = call(0, layout, "zdbx", "--databases", "zdb", "--recreate")
        assert 'into "zdbx"' in told.stdout, told
        assert cluster.value("SELECT count(*) FROM t", "zdbx") == "3"
        assert is_live(cluster, "zdb") and is_live(cluster, "zoo") and not is_live(cluster, "zdbx")
    for to in ("postgres", "template1", None):
        live(cluster, "zdb")
        call(0, "numbered", to, "--databases", "zdb", "--recreate")
        assert not is_live(cluster, "zdb") and is_live(cluster, "zoo")
        assert cluster.value("SELECT to_regclass('t') IS NULL", to or "postgres") == "t"
    for name in ("zdb", "zoo", "zdbx"):
        logical.drop(cluster, name)


def test_what_every_server_has_is_a_way_in(pgcask, cluster, backups):
    archive = next((backups / "one").glob("*.dump"))
    for source in (archive, backups / "one"):
        for db in ("template1", "postgres"):
            told = pgcask("restore", source, "--to", cluster.uri(db), "--create-db").check()
            assert f"the address names the database {db}, which every server has" in told.stderr, told
            assert f"Into that one: --database {db}." in told.stderr, told
            assert cluster.value("SELECT to_regclass('t') IS NULL", db) == "t"
            assert cluster.value("SELECT count(*) FROM t", "app") == "3"
            logical.drop(cluster, "app")
    told = pgcask("restore", archive, "--to", cluster.uri("postgres"), "--database", "postgres",
                  "--tables", "t").check()
    assert "which every server" not in told.stderr, told
    assert cluster.value("SELECT count(*) FROM t; ", "postgres") == "3"
    run_sql(cluster, "postgres", "DROP TABLE t")


def test_what_was_not_restored_is_not_counted(pgcask, cluster, backups):
    live(cluster, "app", "zdb")

    def databases(rc, source, *options):
        result = pgcask("restore", backups / source, "--to", cluster.uri(None), "--json", *options)
        assert result.rc == rc, result
        return json.loads(result.stdout)["databases_restored"]

    for source in ("one", "numbered", "classic"):
        assert databases(1, source) == 0
        assert databases(0, source, "--recreate", "--dry-run") == 0
    assert databases(0, "one", "--into-existing") == 1
    assert databases(0, "numbered", "--recreate") == 2
    for name in ("app", "zdb", "zoo"):
        logical.drop(cluster, name)


# Roles


def roles(cluster):
    return cluster.sql("SELECT rolname, rolcanlogin, rolsuper, rolconnlimit, rolvaliduntil, "
                       "rolpassword, (SELECT string_agg(s.setconfig::text, '') FROM "
                       "pg_db_role_setting s WHERE s.setrole = a.oid) FROM pg_authid a "
                       "WHERE rolname !~ '^pg_' ORDER BY 1")


@pytest.fixture
def changed(cluster, backups):
    """The roles of the backup have other passwords by now, and one is gone."""
    run_sql(cluster, "postgres", f"""
        ALTER ROLE {QUOTED} PASSWORD 'of now' VALID UNTIL '2099-01-01' CONNECTION LIMIT 9;
        ALTER ROLE "{cluster.superuser}" CONNECTION LIMIT 55 VALID UNTIL 'infinity';
        DROP ROLE IF EXISTS "{NEW}";""")
    yield {row[0]: row for row in roles(cluster)}
    run_sql(cluster, "postgres", "".join(f'DROP DATABASE IF EXISTS "{name}";'
                                         for name in ("app", "zdb", "zoo")))


PARTS = [["--tables", "u"], ["--schemas", "public"], ["--sections", "pre-data"], ["--data-only", "--into-existing"],
         ["--functions", "f"], ["--list-file"]]


def test_a_part_of_a_backup_leaves_roles_alone(pgcask, cluster, backups, changed, workdir):
    before = roles(cluster)
    for part in PARTS:
        make(cluster, "app", "CREATE TABLE t (n int); CREATE TABLE u (n int);"
             if "--data-only" in part else "")
        if part == ["--list-file"]:
            archive = next((backups / "one").glob("*.dump"))
            listed = pgcask("list", archive, "--verbose").check().stdout.splitlines()
            (workdir / "list").write_text("".join(f"{line}\n" for line in listed if " TABLE " in line))
            part = ["--list-file", workdir / "list"]
        told = pgcask("restore", backups / "one", "--to", cluster.uri("app"), "--no-owner", *part)
        assert told.rc == 0, (part, told.stderr)
        assert roles(cluster) == before, part
    make(cluster, "app")
    plan = json.loads(pgcask("restore", backups / "one", "--to", cluster.uri("app"), "--tables", "u",
                             "--dry-run", "--json").check().stdout)
    assert {ROLE, NEW, cluster.superuser} <= set(plan["globals"]["roles"]["left"]), plan
    assert plan["globals"]["roles"]["made"] == plan["globals"]["roles"]["altered"] == []
    told = pgcask("restore", backups / "one", "--to", cluster.uri("app"), "--tables", "u",
                  "--dry-run").check().stdout
    assert told.count(" are left as they are (") == 1, told
    assert "a part of the backup was asked for" in told, told


@pytest.mark.parametrize("source", ["one", "numbered", "classic", "pipe"])
@pytest.mark.sampled(2)
def test_roles_that_are_there_keep_their_passwords(pgcask, cluster, backups, changed, source):
    more = {"stdin": open(backups / "classic/all.sql", "rb")} if source == "pipe" else {}
    place = "-" if source == "pipe" else backups / source
    words = ["restore", place, "--to", cluster.uri(None), "--create-db"]
    if source != "pipe":
        told = json.loads(pgcask(*words, "--dry-run", "--json").check().stdout)["globals"]["roles"]
        assert told["made"] == [NEW] and told["left"] == [cluster.superuser], told
        assert ROLE in told["altered"], told
        text = pgcask(*words, "--dry-run").check().stdout
        assert 'roles: 1 is made (' in text and "are altered (" in text, text
        assert f"1 is left as it is ({cluster.superuser}" in text.replace('"', ""), text
    result = pgcask(*words, "--verbose", **more).check()
    after = {row[0]: row for row in roles(cluster)}
    assert after[cluster.superuser] == changed[cluster.superuser]
    old, new = changed[ROLE], after[ROLE]
    assert new[4:6] == old[4:6] and (old[3], new[3]) == ("9", "3"), new
    assert after[NEW][5] and after[NEW][4].startswith("2031-02-03"), after[NEW]
    out = result.stdout + result.stderr
    assert out.count("keep their passwords and how long these are valid: 1") == 1, result
    assert out.count("as which this restore acts, is left as it is") == 1, result


def test_what_a_script_says_of_roles_by_other_words(pgcask, cluster, changed, workdir):
    """Clauses of any spelling; nothing that only looks like one."""
    for name in ("password", "Valid until"):
        run_sql(cluster, "postgres", f'DROP ROLE IF EXISTS "{name}"; '
                f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'of now' VALID UNTIL '2099-01-01';")
    before = {row[0]: row for row in roles(cluster)}
    script = workdir / "roles.sql"
    script.write_text(f"""
        ALTER ROLE password WITH ENCRYPTED PASSWORD 'x' CONNECTION LIMIT 4 VALID UNTIL 'infinity' CREATEDB;
        ALTER USER "Valid until" PaSsWoRd NULL VALID /* a */ UNTIL 'infinity' CONNECTION LIMIT 5;
        CREATE USER "Valid until" PASSWORD E'\\'x' CREATEDB;
        ALTER ROLE password SET application_name = 'password';
        ALTER ROLE password PASSWORD $a$x$a$;
        ALTER ROLE CURRENT_USER PASSWORD 'x' NOSUPERUSER;
        ALTER ROLE "{cluster.superuser}" SET work_mem = '7MB';
        CREATE TABLE t (n int);
    """)
    make(cluster, "app")
    pgcask("restore", script, "--to", cluster.uri("app")).check()
    after = {row[0]: row for row in roles(cluster)}
    for name, limit in (("password", "4"), ("Valid until", "5")):
        assert after[name][4:6] == before[name][4:6] and after[name][3] == limit, after[name]
    assert "application_name=password" in after["password"][6]
    assert after[cluster.superuser] == before[cluster.superuser]
    run_sql(cluster, "postgres", 'DROP ROLE password, "Valid until"')


# What is told of it


def test_rows_and_bytes_are_those_that_the_server_took(pgcask, cluster, workdir):
    make(cluster, "app", "CREATE TABLE t AS SELECT n, repeat('x', 100) FROM generate_series(1, 50) n;"
         "CREATE TABLE u AS SELECT n, repeat('x', 100) FROM generate_series(1, 50) n;")
    plain = logical.stock_archive(cluster, "app", workdir / "a.dump")
    environment = logical._environment(cluster, "app")
    for options, name in (["--inserts", "-Fc"], "i.dump"), (["--inserts"], "i.sql"):
        process.run([logical.stock("pg_dump", cluster), *options, "-f", workdir / name],
                    env={**environment, "PGCLIENTENCODING": None}).check()

    def restored(source, rc=0, more=""):
        make(cluster, "copy", more)
        result = pgcask("restore", source, "--to", cluster.uri("copy"), "--json",
                        *(["--into-existing"] if more else []))
        assert result.rc == rc, result
        found = json.loads(result.stdout)
        return found["rows"], found["row_bytes"]

    rows, size = restored(plain)
    assert rows == 100 and 10_000 < size < 11_000, size
    for name in ("i.dump", "i.sql"):
        rows, size = restored(workdir / name)
        assert rows == 100 and 12_000 < size < 18_000, (name, size)
    # Of a table that the server refuses nothing is counted.
    rows, size = restored(plain, 3, "CREATE TABLE u (n int CHECK (n < 0), x text);")
    assert rows == 50 and size < 6_000, size
    for name in ("app", "copy"):
        logical.drop(cluster, name)


def test_what_is_no_target_and_no_backup_is_told(pgcask, cluster, backups, workdir):
    def told(rc, *words):
        result = pgcask("restore", *words)
        assert result.rc == rc and "sesame" not in result.stderr, result
        return result.stderr.replace("\n", " ")

    for words, uri in {
            "host=db dbname=shop password=sesame": "postgres://db/shop ",
            "host=/run/pg user='a b' dbname='my shop' port=5433": "postgres://a%20b@%2Frun%2Fpg:5433/my%20shop ",
            "service=shop": "postgres:///?service=shop "}.items():
        text = told(2, backups / "one", "--to", words)
        assert "has a connection string" in text and f"Type --to {uri}" in text, text
    uri = cluster.uri("postgres")
    (workdir / "text").write_text("Ceci n'est pas une sauvegarde\n")
    text = told(1, workdir / "text", "--to", uri)
    assert "is no backup, no archive of pg_dump and no SQL script" in text, text
    text = told(1, backups / "one/manifest.json", "--to", uri)
    assert "manifest.json is a part of " in text and "Name the backup itself" in text, text
    # Whose folder lies in folders, as where it was named by an absolute path.
    with tarfile.open(workdir / "deep.tar", "w") as tar:
        tar.add(backups / "one", "srv/my backups/one")
    text = told(1, workdir / "deep.tar", "--to", uri)
    assert "pgcask restore ./'srv/my backups/one' --to" in text.replace("'./", "./'"), text
    # Of a server that is not there nothing of the archive is said.
    text = told(1, backups / "numbered", "--to", "postgres://127.0.0.1:1/")
    assert "zdb.dump" not in text and ".sql" not in text and "127.0.0.1" in text, text


def test_the_first_failure_is_of_its_own_table(pgcask, cluster, workdir):
    make(cluster, "app", "".join(f"CREATE TABLE t{i} AS SELECT 1 AS n;" for i in range(30)))
    archive = logical.stock_archive(cluster, "app", workdir / "a.dump")
    logical.drop(cluster, "app")
    make(cluster, "copy", "CREATE TABLE t12 (n int CHECK (n < 0)); CREATE TABLE t13 (n int); "
         "CREATE TABLE t14 (n int); CREATE TABLE t15 (n int);")
    for jobs in ("1", "2"):
        result = pgcask("restore", archive, "--to", cluster.uri("copy"), "--data-only", "--jobs", jobs,
                        "--into-existing", "--transaction-size", "10", "--tables", "t12,t13,t14,t15")
        last = [line for line in result.stderr.splitlines() if "pgcask: error" in line]
        assert result.rc == 1 and last, result
        assert all("t13" not in line and "t14" not in line and "t15" not in line for line in last), last
    logical.drop(cluster, "copy")
