"""SQL scripts are run as stock psql runs them: pg_dumpall says the same of a cluster that psql made
of a script and of one that we made of it. Whatever psql would do beside is refused."""

import re

import pytest

from pgcask_testing import logical, paths, process
from pgcask_testing.logical import make, run_sql, script

OWN_TOOLS = pytest.mark.majors(15, 17, 18)  # stock ones: what newer ones write is not for older
TOOLS = pytest.mark.majors(15, 18)
ENDS = pytest.mark.majors(13, 18)
CONF = {"allow_in_place_tablespaces": "on"}

ROLES = r"""
    CREATE ROLE everything SUPERUSER CREATEDB CREATEROLE LOGIN REPLICATION BYPASSRLS NOINHERIT
        CONNECTION LIMIT 7 PASSWORD 'it''s "secret"; \' VALID UNTIL '2044-05-06 07:08:09.123+00';
    CREATE ROLE "quote'd ""name"" \ /and=more; -- /*";
    COMMENT ON ROLE everything IS E'it''s \\! ls\n\\! of;\ntwo lines';
    ALTER ROLE ALL SET work_mem = '5MB';
    ALTER ROLE everything SET local_preload_libraries = 'a b', '"c"';
    GRANT everything TO "quote'd ""name"" \ /and=more; -- /*" WITH ADMIN OPTION;
    CREATE TABLESPACE "Fast; one" OWNER everything LOCATION '' WITH (random_page_cost = 1.5);
    COMMENT ON TABLESPACE "Fast; one" IS 'it''s slow';
    CREATE DATABASE "my ""app""; \! ls" OWNER everything CONNECTION LIMIT 5;
    ALTER DATABASE "my ""app""; \! ls" SET search_path = public, 'a b', "$user";
    COMMENT ON DATABASE "my ""app""; \! ls" IS 'a; b';
    ALTER ROLE everything IN DATABASE "my ""app""; \! ls" SET work_mem = '6MB';
    CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
    ALTER DATABASE latin SET standard_conforming_strings = off;
"""
TABLES = r"""
    CREATE TABLE "t; 1" (a int PRIMARY KEY, "b;" text);
    INSERT INTO "t; 1" SELECT n, CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN E'\\.' WHEN 2
        THEN E'a\tb\nc\\' ELSE '\.' END FROM generate_series(1, 4000) n;
    CREATE TABLE nothing (); INSERT INTO nothing SELECT FROM generate_series(1, 3);
    CREATE TABLE wide AS SELECT n, repeat('x;''\', 3000) AS x FROM generate_series(1, 40) n;
    CREATE TABLE log (what text DEFAULT E'\'; \\');
    CREATE RULE r AS ON INSERT TO "t; 1" DO (INSERT INTO log VALUES (';');
        INSERT INTO log VALUES ('\'));
    CREATE FUNCTION fine() RETURNS text LANGUAGE sql AS 'SELECT '';'' /* not '';'' */;';
    CREATE FUNCTION nested() RETURNS text LANGUAGE plpgsql AS $_$
        BEGIN RETURN $a$ $$;$$ \! ls $a$; END; $_$;
    CREATE VIEW v AS SELECT ARRAY[1, 2, 3] AS a, 'x'::text AS b, ';'::text AS c;
    COMMENT ON TABLE log IS E'\n\\! ls\n\\connect postgres\n-- ;\n/*';
    SELECT lo_create(4711), lo_from_bytea(4712, decode(repeat('00ff5c27', 20000), 'hex')),
           lo_put(4711, 0, 'abc');
    COMMENT ON LARGE OBJECT 4711 IS 'large; one';
"""
ATOMIC = """
    CREATE FUNCTION atomic(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC
        SELECT CASE WHEN x > 1 THEN (CASE x WHEN 2 THEN 1 END) ELSE 0 END AS "end"; SELECT 2; END;
    CREATE PROCEDURE does() LANGUAGE sql BEGIN ATOMIC END;
"""
APP = 'my "app"; \\! ls'


def only_once(server):
    """The role that the cluster was made with is in no script twice."""
    return f'role "{server.superuser}" already exists'


IN_PLACE = r" LOCATION '[^']*'"  # pg_dumpall 15 says where they lie, which no server takes


def dump(server, *options, tool="pg_dumpall", db=None, flavour=None):
    """What a stock tool writes, as bytes."""
    command = [paths.stock(tool, {13: 15, 14: 15, 16: 17}.get(server.major, server.major),
                           flavour or server.flavour), *options]
    env = {**logical._environment(server, db or "postgres"), "PGCLIENTENCODING": None}
    text = process.run(command, env=env, timeout=600).check().stdout_bytes
    return re.sub(IN_PLACE.encode(), b" LOCATION ''", text)


@pytest.fixture(scope="module")
def restored(request):
    """restored(server, path, member…, db=…, rc=…) -> process.Result: see restore_probe.c."""
    probe = paths.probe(request, "restore_probe")

    def run(server, path, *members, db=None, rc=0, password=None, **more):
        uri = server.uri(db, password=password)
        result = process.run([probe, uri, path, *members], timeout=600, **more)
        assert result.rc == rc, f"{result}\n{result.stdout}"
        return result

    return run


def everything_of(server):
    """Lines of what pg_dumpall says, whose order depends on oids, and of what rows there are."""
    names = server.databases()
    return sorted(re.sub(IN_PLACE, "", line) for line in logical.dump_all(server)) + [
        f"{name}: {line}" for name in names
        for line in logical.table_sums(server, name) + logical.large_objects(server, name)]


def assert_same(server, other):
    different = logical._difference(everything_of(other), everything_of(server))
    assert not different, "\n".join(different[:100])


@pytest.fixture(scope="module")
def source(major, module_servers):
    server = module_servers.create(major, conf=CONF)
    run_sql(server, "postgres", script("roles"))
    run_sql(server, "postgres", ROLES)
    run_sql(server, APP, TABLES + (ATOMIC if major >= 14 else ""))
    run_sql(server, "latin", "SET client_encoding = UTF8; CREATE TABLE \"ü\" AS SELECT E'ä\\\\;' AS a;")
    make(server, "kinds", script("kinds"), script("more_kinds"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def all_sql(pgcask, source, tmp_path_factory):
    """Our own, of all databases."""
    folder = tmp_path_factory.mktemp("ours") / "backup"
    pgcask("backup", source.uri(None), "--to", folder, "--quiet").check()
    return folder / "all.sql"


@pytest.fixture(scope="module")
def by_psql(source, all_sql, major, module_servers, tmp_path_factory):
    """A cluster that stock psql has made of what stock pg_dumpall wrote, or we."""
    path = all_sql
    if major in (15, 17, 18):
        path = tmp_path_factory.mktemp("psql") / "all.sql"
        path.write_bytes(dump(source))
    server = module_servers.create(major, conf=CONF)
    told = logical.run_all_sql(server, path)
    assert told == [], "\n".join(told[:20])
    yield server
    server.close()


# ---- Whole clusters


def test_all_sql_is_run_as_psql_runs_it(pgcask, all_sql, by_psql, servers, major, workdir):
    target = servers.create(major, conf=CONF)
    pgcask("restore", all_sql, "--to", target.uri("postgres")).check()
    assert_same(target, by_psql)


@OWN_TOOLS
@pytest.mark.parametrize("flavour", ["debian", "newest"])
def test_pg_dumpalls_script_is_run_as_psql_runs_it(restored, source, by_psql, servers, major,
                                                   workdir, flavour):
    path = workdir / "all.sql"
    path.write_bytes(dump(source, flavour=flavour))
    assert flavour == "debian" or re.search(rb"^\\restrict \w+$", path.read_bytes(), re.M)
    target = servers.create(major, conf=CONF)
    restored(target, path)
    assert_same(target, by_psql)


# ---- One database


@pytest.fixture(scope="module")
def target(major, module_servers, source):
    """A cluster with the roles and no databases."""
    server = module_servers.create(major, conf=CONF)
    run_sql(server, "postgres", script("roles"))
    run_sql(server, "postgres", ROLES[:ROLES.index("CREATE DATABASE")])
    yield server
    server.close()


def assert_same_database(source, db, target, copy):
    for facts in (logical.dump_schema, logical.table_sums, logical.large_objects):
        different = logical._difference(facts(source, db), facts(target, copy))
        assert not different, "\n".join(different[:100])


@OWN_TOOLS
@pytest.mark.parametrize("options", [
    (), ("--inserts",), ("--column-inserts", "--rows-per-insert=7", "--no-comments"),
    ("--clean", "--if-exists", "--quote-all-identifiers"),
])
def test_a_plain_dump_goes_into_the_database_that_is_named(restored, source, target, major,
                                                          workdir, options):
    path = workdir / "x.sql"
    path.write_bytes(dump(source, *options, tool="pg_dump", db=APP))
    run_sql(target, "postgres", 'CREATE DATABASE "a copy"')
    try:
        restored(target, path, db="a copy")
        if "--no-comments" not in options:
            assert_same_database(source, APP, target, "a copy")
        else:
            assert logical.table_sums(source, APP) == logical.table_sums(target, "a copy")
        if "--clean" in options:
            assert restored(target, path, db="a copy", rc=1).stderr.count("already holds")
            restored(target, path, "clean", db="a copy")
            assert_same_database(source, APP, target, "a copy")
    finally:
        logical.drop(target, "a copy")


@TOOLS
def test_a_plain_dump_may_make_its_database_itself(restored, source, target, major, workdir):
    for db in (APP, "latin"):
        path = workdir / "x.sql"
        path.write_bytes(dump(source, "-C", tool="pg_dump", db=db))
        restored(target, path)
        try:
            assert_same_database(source, db, target, db)
            assert logical.database_facts(source, db) == logical.database_facts(target, db)
            assert "already holds objects" in restored(target, path, rc=1).stderr
            run_sql(target, db, "CREATE TABLE public.in_the_way ()")
            restored(target, path, "recreate")
            assert_same_database(source, db, target, db)
        finally:
            logical.drop(target, db)


@ENDS
def test_backslashes_that_escape_end_no_string(restored, source, target, major, workdir):
    path = workdir / "x.sql"
    path.write_bytes(dump(source, "--inserts", tool="pg_dump", db="latin"))
    assert b"standard_conforming_strings = off" in path.read_bytes()
    run_sql(target, "postgres", "CREATE DATABASE other ENCODING 'LATIN1' LC_COLLATE 'C' "
                                "LC_CTYPE 'C' TEMPLATE template0")
    try:
        restored(target, path, db="other")
        assert logical.table_sums(source, "latin") == logical.table_sums(target, "other")
    finally:
        logical.drop(target, "other")


@ENDS
def test_a_function_called_begin_hides_nothing(restored, source, target, major, workdir):
    """Which stock psql takes for the beginning of a body, so that the rest is never run."""
    make(source, "begins", 'CREATE FUNCTION "begin"() RETURNS int LANGUAGE sql AS \'SELECT 1\'; '
                           'CREATE TABLE z AS SELECT 1 AS a;')
    make(target, "begins")
    path = workdir / "x.sql"
    path.write_bytes(dump(source, tool="pg_dump", db="begins"))
    restored(target, path, db="begins")
    assert_same_database(source, "begins", target, "begins")
    for server in (source, target):
        logical.drop(server, "begins")


# ---- What is not run, and what fails

COMMANDS = [
    "\\! touch {f}", "\\copy t from program 'touch {f}'", "\\i {f}", "\\ir {f}", "\\o {f}",
    "\\w {f}", "\\g {f}", "\\gx", "\\gexec", "\\gset", "\\watch 1", "\\crosstabview", "\\e", "\\q",
    "\\set x `touch {f}`", "\\setenv x y", "\\cd /", "\\lo_import {f}", "\\lo_export 1 {f}", "\\if true",
    "\\connect - - otherhost", "\\c postgres", "\\connect \"host=otherhost\"",
    "\\connect postgresql://otherhost/x", "\\encoding UTF8", "\\echo `touch {f}`", "\\.", "\\password",
    "SELECT 1 \\g {f}", "SELECT 1\\; \\! touch {f}", "SELECT 1 \\gexec", "SELECT (1 \\! touch {f}",
    "\\restrict `touch {f}`", "\\unrestrict x",
]


@pytest.mark.majors(15)
def test_no_other_command_of_psql_is_run(restored, target, major, workdir):
    touched, path = workdir / "touched", workdir / "x.sql"
    make(target, "commands")
    for command in COMMANDS:
        for before, after in (("", ""), ("\\restrict a\n", "\\unrestrict a\n")):
            path.write_text(f"{before}CREATE TABLE t (a int);\n{command.format(f=touched)}\n"
                            f"CREATE TABLE u (a int);\n{after}")
            result = restored(target, path, "into_existing", db="commands", rc=1)
            if command == COMMANDS[0]:
                result = restored(target, "-", "into_existing", db="commands", rc=1,
                                  input=path.read_bytes())
            assert not touched.exists()
            line = 3 if before else 2
            name = re.search(r"\\(\S[a-z_]*)", command)[0]
            assert f"line {line} of the script has psql's command {name}" in result.stderr, result
    # A file is looked over before the first statement.
    assert run_sql(target, "commands", "SELECT to_regclass('t'), to_regclass('u')") == b"|\n"
    logical.drop(target, "commands")


@pytest.mark.majors(15)
def test_a_script_that_is_cut_off_is_never_whole(restored, source, target, major, workdir):
    whole = dump(source, "-C", tool="pg_dump", db=APP, flavour="newest")
    path = workdir / "x.sql"
    for number in range(1, 31):
        piece = whole[:len(whole) * number // 31 - 7 * number]
        path.write_bytes(piece)
        results = [restored(target, path, "recreate", rc=1)]
        assert APP not in target.databases(), "it was looked over before"
        if number % 6 == 0:
            results.append(restored(target, "-", "recreate", rc=1, input=piece))
            if APP in target.databases():
                logical.drop(target, APP)
        for result in results:
            assert "breaks off" in result.stderr or "no statements" in result.stderr, result


@ENDS
def test_what_fails_is_told_by_line_and_nothing_else_is_lost(restored, target, major, workdir):
    path = workdir / "x.sql"
    path.write_text("""CREATE TABLE a (i int PRIMARY KEY);
COPY missing (x) FROM stdin;
DROP TABLE a;
\\.
COPY a FROM stdin;
1
2
1
\\.
CREATE ROLE "wrong" WITH PASSWORD 'se''cret' NONSENSE;
INSERT INTO a
  VALUES ('x;');
BEGIN; INSERT INTO a VALUES (7); SELECT 1/0; INSERT INTO a VALUES (8); COMMIT;
INSERT INTO a VALUES (3);
""")
    make(target, "failing")
    told = restored(target, path, db="failing", rc=3)
    text = told.stdout + told.stderr
    for line, words in ((2, "missing.* does not exist"), (5, "duplicate key"), (10, "nonsense"),
                        (11, "invalid input syntax"), (13, "division by zero")):
        assert re.search(rf"line {line}\b.*{words}", text), (line, text)
    assert "cret" not in text and "DROP TABLE" not in text
    assert run_sql(target, "failing", "SELECT i FROM a ORDER BY i") == b"3\n"
    assert restored(target, path, "into_existing", "exit_on_error", db="failing", rc=1)
    run_sql(target, "failing", "DROP TABLE a")
    restored(target, path, "single_transaction", db="failing", rc=1)
    assert run_sql(target, "failing", "SELECT to_regclass('a')") == b"\n"
    logical.drop(target, "failing")


# ---- What is there already


@ENDS
def test_roles_and_tablespaces_that_are_there_are_altered(restored, pgcask, source, servers, major,
                                                          workdir):
    other = servers.create(major, conf=CONF)
    run_sql(other, "postgres", """
        CREATE ROLE everything NOLOGIN PASSWORD 'other'; CREATE ROLE alice SUPERUSER;
        CREATE TABLESPACE "Fast; one" LOCATION '';""")
    pgcask("backup", source.uri("postgres"), "--to", workdir / "x", "--quiet").check()
    restored(other, workdir / "x/globals.sql")
    assert [re.sub(IN_PLACE, "", line) for line in logical.dump_all(other, "-g")] == \
        [re.sub(IN_PLACE, "", line) for line in logical.dump_all(source, "-g")]


@ENDS
def test_databases_are_chosen_and_full_ones_refused(restored, all_sql, source, target, major):
    path = all_sql
    restored(target, path, f"database={APP}")
    assert_same_database(source, APP, target, APP)
    assert sorted(target.databases()) == sorted(["postgres", "template1", APP])
    alone = logical.dump_all(target, "-g")
    run_sql(target, "postgres", "CREATE ROLE one_more; COMMENT ON ROLE everything IS NULL")
    refused = restored(target, path, rc=1)
    assert "already holds objects" in refused.stderr, refused
    run_sql(target, "postgres", "DROP ROLE one_more")
    assert logical.dump_all(target, "-g") != alone, "nothing had been done before"
    restored(target, path, f"database={APP}", "recreate")
    assert_same_database(source, APP, target, APP)
    assert "nothing for the databases" in restored(target, path, "database=no such",
                                                   rc=1).stderr
    logical.drop(target, APP)


@pytest.mark.majors(15)
def test_our_own_password_is_changed_last(restored, pgcask, servers, major, workdir):
    """psql would not be let in any more, once the script has changed it."""
    source, other = servers.create(major), servers.create(major, auth="scram-sha-256")
    user = source.superuser
    run_sql(source, "postgres", f"""SET password_encryption = 'scram-sha-256';
        ALTER ROLE "{user}" PASSWORD 'new'; CREATE DATABASE one; CREATE DATABASE two;""")
    run_sql(other, "postgres", f"ALTER ROLE \"{user}\" PASSWORD 'old'")
    path = workdir / "all.sql"
    path.write_bytes(dump(source))
    restored(other, path, password="old")
    old, new = (other.uri(None, password=password) for password in ("old", "new"))
    assert {"one", "two"} <= set(other.databases())
    assert pgcask("ping", old).rc == 1
    pgcask("ping", new).check()


@ENDS
def test_a_tablespace_without_its_folder_is_told_with_what_mends_it(restored, target, major,
                                                                workdir):
    path = workdir / "x.sql"
    path.write_text("CREATE TABLESPACE gone LOCATION '/no/such/folder';\n"
                    "CREATE TABLE t (i int);\n")
    make(target, "spaces")
    told = restored(target, path, db="spaces", rc=3)
    text = told.stdout + told.stderr
    assert "/no/such/folder" in text and "no-tablespaces" in text, text
    run_sql(target, "spaces", "DROP TABLE t")
    restored(target, path, "no_tablespaces", db="spaces")
    logical.drop(target, "spaces")


@TOOLS
def test_what_is_recognised_is_left_out_of_a_script(restored, source, target, major, workdir):
    path = workdir / "x.sql"
    path.write_bytes(dump(source, tool="pg_dump", db="kinds"))
    make(target, "less")
    restored(target, path, "no_owner", "no_privileges", "no_comments", db="less")
    command = [logical.stock("pg_dump", target), "-Osx", "--no-comments"]
    ours, theirs = (sorted(
        line for line in process.run(command, env=logical._environment(server, db)).check()
        .stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict", "CREATE POLICY")))
        for server, db in ((target, "less"), (source, "kinds")))
    assert logical._difference(theirs, ours) == []
    text = process.run([logical.stock("pg_dump", target), "-s"],
                       env=logical._environment(target, "less")).check().stdout
    assert "GRANT " not in text and "COMMENT ON" not in text
    assert set(re.findall(r" OWNER TO (.*);", text)) == {target.superuser}
    logical.drop(target, "less")
    for option in ("schema_only", "data_only", "list_file=x", "sections=1"):
        assert "no meaning for an SQL script" in restored(target, path, option, db="x", rc=1).stderr
