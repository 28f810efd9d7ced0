"""SQL scripts are run as stock psql runs them: pg_dumpall says the same of a cluster that psql made
of a script and of one that we made of it. Whatever psql would do beside is refused."""

import json
import re

import pytest

from pgcask_testing import logical, paths, process
from pgcask_testing.logical import cluster, make, run_sql, script  # noqa: F401: a fixture

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


def _of_policies(line):
    """A policy's roles are told in the order in which they lie in pg_authid, which psql's restore
    changes for the role that it is connected as."""
    if not re.search(r"\bCREATE POLICY ", line):
        return line
    return re.sub(r"(?<= TO ).*?(?= USING| WITH CHECK|;)",
                  lambda match: ", ".join(sorted(match[0].split(", "))), line)


def everything_of(server):
    """Lines of what pg_dumpall says, whose order depends on oids, and of what rows there are."""
    names = server.databases()
    return sorted(_of_policies(re.sub(IN_PLACE, "", line)) for line in logical.dump_all(server)) + [
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
    for line, words in ((2, "missing.* does not exist"), (5, "duplicate key"), (10, "syntax error"),
                        (11, "invalid input syntax"), (13, "division by zero")):
        assert re.search(rf"line {line}\b.*{words}", text), (line, text)
    assert "'cret" not in text and "DROP TABLE" not in text
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
    password = "SELECT rolpassword FROM pg_authid WHERE rolname = 'everything'"
    before = run_sql(other, "postgres", password)
    restored(other, workdir / "x/globals.sql")
    assert run_sql(other, "postgres", password) == before != run_sql(source, "postgres", password)
    restored(other, workdir / "x/globals.sql", "role_passwords")
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
def test_our_own_password_is_left(restored, pgcask, servers, major, workdir):
    """psql would not be let in any more, once the script has changed it."""
    source, other = servers.create(major), servers.create(major, auth="scram-sha-256")
    user = source.superuser
    run_sql(source, "postgres", f"""SET password_encryption = 'scram-sha-256';
        ALTER ROLE "{user}" PASSWORD 'new'; CREATE ROLE other LOGIN PASSWORD 'new';
        CREATE DATABASE one; CREATE DATABASE two;""")
    run_sql(other, "postgres", f"""ALTER ROLE "{user}" PASSWORD 'old';
        CREATE ROLE other LOGIN PASSWORD 'old'""")
    path = workdir / "all.sql"
    path.write_bytes(dump(source))
    restored(other, path, "role_passwords", password="old")
    assert {"one", "two"} <= set(other.databases())
    for role, valid, wrong in ((user, "old", "new"), ("other", "new", "old")):
        pgcask("ping", other.uri("postgres", user=role, password=valid)).check()
        assert pgcask("ping", other.uri("postgres", user=role, password=wrong)).rc == 1


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


@pytest.mark.sampled(1)
def test_what_mends_a_failure_is_in_the_words_of_the_command(pgcask, cluster, workdir):
    path = workdir / "x.sql"
    path.write_text("CREATE TABLESPACE gone LOCATION '/no/such/folder';\nCREATE TABLE t (i int);\n")
    run_sql(cluster, "postgres", "DROP ROLE IF EXISTS weak; CREATE ROLE weak")
    for role, words in (([], "Make that folder"), (["--role=weak"], "Restore as a superuser")):
        make(cluster, "words", "GRANT ALL ON SCHEMA public TO weak")
        told = pgcask("restore", path, "--to", cluster.uri("words"), "--json", *role)
        hint = json.loads(told.stdout)["failures"][0]["hint"]
        assert told.rc == 3 and words in hint and hint.endswith("--no-tablespaces."), told
        assert hint in told.stderr and not re.search(r"[\x1c-\x1f]|\\x1", told.stdout + told.stderr), told
    fresh(cluster, "words")


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


# ---- Nothing is lost, doubled or taken for another

PROD = """-- PostgreSQL database dump

SET row_security = off;
DROP DATABASE {drop};
CREATE DATABASE prod WITH TEMPLATE = template0 ENCODING = 'UTF8'{how};
\\connect prod
COMMENT ON DATABASE prod IS 'the one';
ALTER DATABASE prod SET work_mem = '6MB';
CREATE TABLE t (n int);
COPY t (n) FROM stdin;
1
2
\\.
GRANT CONNECT ON DATABASE prod TO PUBLIC;
-- PostgreSQL database dump complete
"""
OLD = "CREATE TABLE t AS SELECT 7 AS n; CREATE TABLE old ()"
SEEN = """SELECT (SELECT string_agg(n::text, ',' ORDER BY n) FROM t), to_regclass('old'),
    (SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase
      WHERE datname = current_database())"""


def prod(workdir, how="", drop="prod", name="prod.sql"):
    path = workdir / name
    path.write_text(PROD.format(how=how, drop=drop))
    return path


def fresh(server, *names):
    for name in names:
        run_sql(server, "postgres", f'DROP DATABASE IF EXISTS "{name}"')


def seen(server, db):
    return run_sql(server, db, SEEN).decode().strip()


def databases_of(server):
    return run_sql(server, "postgres", "SELECT datname FROM pg_database ORDER BY 1").decode()


def stream(path):
    return {"input": path.read_bytes()}


@ENDS
@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_the_old_database_is_there_until_the_new_one_is(restored, cluster, major, workdir, piped):
    make(cluster, "prod", OLD)

    def run(path, *words, rc):
        more = stream(path) if piped else {}
        return restored(cluster, "-" if piped else path, *words, rc=rc, **more)

    before = databases_of(cluster)
    told = run(prod(workdir, " LC_COLLATE = 'no_SUCH' LC_CTYPE = 'no_SUCH'"), "recreate", rc=1)
    assert "no_SUCH" in told.stderr
    assert seen(cluster, "prod") == "7|old|"
    # What no plan can know; the rest is not put into the one that stays.
    told = run(prod(workdir, " NONSENSE = 1"), "recreate", rc=3)
    assert "nonsense" in told.stdout and "could not be replaced" in told.stdout, told
    assert seen(cluster, "prod") == "7|old|"
    with cluster.session("prod"):
        told = run(prod(workdir), "recreate", rc=1)
        assert '1 session is in the database "prod"' in told.stderr, told
    run_sql(cluster, "postgres", "ALTER DATABASE prod IS_TEMPLATE true")
    assert "it is a template" in run(prod(workdir), "recreate", rc=1).stderr
    run_sql(cluster, "postgres", "ALTER DATABASE prod IS_TEMPLATE false")
    assert seen(cluster, "prod") == "7|old|" and databases_of(cluster) == before
    run(prod(workdir), "recreate", rc=0)
    assert seen(cluster, "prod") == "1,2||{work_mem=6MB}" and databases_of(cluster) == before
    # Of --clean the script's own DROP is done, and may fail.
    with cluster.session("prod"):
        told = run(prod(workdir), "clean", rc=3)
    assert "could not be replaced" in told.stdout, told
    assert seen(cluster, "prod").startswith("1,2|")
    fresh(cluster, "prod")


@ENDS
@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_the_database_of_the_address_is_the_one_that_is_written(restored, cluster, major, workdir,
                                                              piped):
    make(cluster, "prod", OLD)
    make(cluster, "staging", OLD)
    path = prod(workdir)
    more = stream(path) if piped else {}
    source = "-" if piped else path
    assert 'the database "staging" already holds' in restored(cluster, source, db="staging", rc=1,
                                                              **more).stderr
    restored(cluster, source, "recreate", db="staging", **more)
    assert seen(cluster, "staging") == "1,2||{work_mem=6MB}"
    fresh(cluster, "staging")
    restored(cluster, source, "database=staging", **more)
    assert seen(cluster, "staging") == "1,2||{work_mem=6MB}"
    # Settings of a database that was there are its own.
    make(cluster, "staging")
    restored(cluster, source, db="staging", **more)
    assert seen(cluster, "staging") == "1,2||"
    assert seen(cluster, "prod") == "7|old|"
    assert run_sql(cluster, "postgres", "SELECT shobj_description(oid, 'pg_database'), datacl FROM "
                                        "pg_database WHERE datname = 'prod'") == b"|\n"
    fresh(cluster, "prod", "staging")


@ENDS
def test_a_script_of_several_databases_says_where_it_goes(restored, cluster, major, workdir):
    make(cluster, "staging", OLD)
    fresh(cluster, "one", "two")
    path = workdir / "several.sql"
    path.write_text("CREATE DATABASE one;\n\\connect one\nCREATE TABLE t (n int);\n"
                    "CREATE DATABASE two;\n\\connect two\nCREATE TABLE t (n int);\n")
    for options in ([], ["recreate"], ["databases=one"]):
        told = restored(cluster, path, *options, db="staging", rc=1)
        assert 'the address names one database, "staging", and the script is of several' in told.stderr
        assert seen(cluster, "staging") == "7|old|" and "one" not in databases_of(cluster)
    told = restored(cluster, "-", db="staging", rc=1, **stream(path))
    assert 'line 1 of the script is about the database "one"' in told.stderr, told
    assert "one" not in databases_of(cluster)
    restored(cluster, path, "database=two")
    assert "two" in databases_of(cluster) and "one" not in databases_of(cluster)
    # What comes before the first \connect is for the one that is named.
    path.write_text("CREATE TABLE v (n int);\n\\connect two\nCREATE TABLE v (n int);\n")
    assert 'the database "two" already holds' in restored(cluster, path, db="staging", rc=1).stderr
    make(cluster, "two")
    assert 'the database "staging" already holds' in restored(cluster, path, db="staging",
                                                              rc=1).stderr
    assert run_sql(cluster, "two", "SELECT to_regclass('v')") == b"\n"
    fresh(cluster, "staging", "two")


UNITS = """CREATE TABLE t (n int);
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO t SELECT 1 WHERE current_setting('transaction_isolation') = 'serializable';
COMMIT;
BEGIN;
COPY t (n) FROM stdin;
2
\\.
{more}INSERT INTO t VALUES (3);
ROLLBACK;
INSERT INTO t VALUES (4);
BEGIN;
COPY t (n) FROM stdin;
x
\\.
INSERT INTO t VALUES (5);
COMMIT;
BEGIN;
INSERT INTO t VALUES (6);
"""


def last_line(result):
    return json.loads(result.stdout.splitlines()[-1])


@ENDS
def test_transactions_of_a_script_are_kept_or_undone_as_it_says(restored, cluster, major, workdir):
    path = workdir / "x.sql"
    path.write_text(UNITS.format(more=""))
    make(cluster, "units")
    told = restored(cluster, path, db="units", rc=3)
    assert run_sql(cluster, "units", "SELECT n FROM t ORDER BY 1") == b"1\n4\n"
    assert re.search(r"line 18\b.*has no end, and was undone", told.stdout), told
    report = last_line(told)
    # The table, the mode of a transaction, two rows of INSERT; of COPY nothing stays.
    assert (report["objects"], report["rows"], report["failures"]) == (4, 2, 2), report
    path.write_text(UNITS.format(more="")[:UNITS.index("BEGIN;\nCOPY t (n) FROM stdin;\nx") -
                                          len("{more}")]
                    .replace("BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN")
                    .replace("= 'serializable'", "= 'read committed'"))
    make(cluster, "units")
    told = restored(cluster, path, "single_transaction", db="units")
    assert run_sql(cluster, "units", "SELECT n FROM t ORDER BY 1") == b"1\n4\n"
    assert last_line(told)["rows"] == 2
    # One that has no end, where another database begins, too.
    for more in ("", "\\connect units\n"):
        path.write_text("CREATE TABLE t (n int);\nBEGIN;\nINSERT INTO t VALUES (1);\n" + more)
        make(cluster, "units")
        told = restored(cluster, path, db="units", rc=3)
        assert "line 2, BEGIN" in told.stdout, told
        make(cluster, "units")
        told = restored(cluster, path, "single_transaction", db="units", rc=1)
        assert "line 2, BEGIN" in told.stderr, told
        assert run_sql(cluster, "units", "SELECT to_regclass('t')") == b"\n"
        assert last_line(told)["objects"] == 0
    fresh(cluster, "units")


@ENDS
def test_rows_that_the_server_does_not_keep_are_told(restored, cluster, major, workdir):
    path = workdir / "x.sql"
    rows = "".join(f"{n}\n" for n in range(1, 50001))
    for count, text in ((3, "1\n2\n3\n"), (50000, rows)):
        path.write_text(f"COPY t (n) FROM stdin;\n{text}\\.\n"
                        f"COPY t (n) FROM stdin WITH (FORMAT csv);\n{text}\\.\n")
        make(cluster, "lacking", """CREATE TABLE t (n int);
            CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF NEW.n = 2 THEN RETURN NULL; END IF; RETURN NEW; END $$;
            CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();""")
        told = restored(cluster, path, "into_existing", db="lacking", rc=3)
        assert f"of {count} rows in the archive the server says that it has taken {count - 1}" in \
            told.stdout, told
        assert last_line(told)["failures"] == 1
    fresh(cluster, "lacking")


THERE = r"""CREATE TABLE public."a B" (n int GENERATED BY DEFAULT AS IDENTITY);
CREATE TABLE "a B".public (n int);
CREATE TABLE fresh (n int);
CREATE TABLE fresh (n int);
CREATE TABLE IF NOT EXISTS more (n int);
CREATE SEQUENCE public."s'1";
ALTER TABLE public."a B" ALTER COLUMN n ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public."a B_n_seq" START WITH 1);
COPY public."a B" (n) FROM stdin;
1
\\.
COPY "a B".public FROM stdin;
1
\\.
COPY public . "a B" (n) FROM stdin;
{many}\\.
INSERT INTO public."a B" VALUES (1);
INSERT INTO fresh VALUES (1);
INSERT INTO more VALUES (1);
INSERT INTO other VALUES (1);
BEGIN;
INSERT INTO public."a B" VALUES (2);
INSERT INTO fresh VALUES (2);
COMMIT;
SELECT pg_catalog.setval('public."s\'\'1"', 1, true);
SELECT pg_catalog.setval('public."a B_n_seq"', 1, true);
SELECT pg_catalog.setval('public.mine', 8, true);
"""


@pytest.mark.sampled(1)
def test_rows_of_tables_that_were_there_are_passed_over(pgcask, cluster, workdir):
    path = workdir / "x.sql"
    path.write_text(THERE.replace("\\\\", "\\").replace("\\'", "'").replace(
        "{many}", "".join(f"{n}\n" for n in range(60000))))
    make(cluster, "there", """CREATE SCHEMA "a B"; CREATE TABLE "a B" (n int GENERATED ALWAYS AS IDENTITY);
        INSERT INTO "a B" VALUES (DEFAULT), (DEFAULT); CREATE TABLE more (n int); CREATE TABLE other (n int);
        CREATE SEQUENCE "s'1"; SELECT setval('"s''1"', 77); CREATE SEQUENCE mine""")
    told = pgcask("restore", path, "--to", cluster.uri("there"), "--into-existing", "--json")
    assert run_sql(cluster, "there", """SELECT (SELECT array_agg(n ORDER BY n) FROM "a B"),
        (SELECT count(*) FROM "a B".public), (SELECT array_agg(n ORDER BY n) FROM fresh), (SELECT count(*) FROM more),
        (SELECT count(*) FROM other), nextval('"s''1"'), nextval('"a B_n_seq"'), nextval('mine')""") == \
        b"{1,2}|1|{1,2}|1|1|78|3|9\n"
    assert told.stderr.count('line 9, "public"."a B": the rows are passed over, because the table was there already') \
        == told.stderr.count("passed over") == 1, told
    report = json.loads(told.stdout)
    assert told.rc == 3 and (report["tables_passed_over"], report["changes_passed_over"],
                             report["failure_count"]) == (1, 2, 4), told
    fresh(cluster, "there")


@ENDS
def test_what_is_left_out_is_told(restored, pgcask, cluster, major, workdir):
    path = workdir / "x.sql"
    path.write_text("ALTER DATABASE nowhere SET work_mem = '5MB';\n"
                    "ALTER DATABASE nowhere SET work_mem = '6MB';\n"
                    "DROP ROLE IF EXISTS nobody;\nSET row_security = off;\n"
                    "CREATE TABLE t AS SELECT current_setting('row_security') AS n;\n"
                    "CREATE USER \"o'ne\";\n")
    make(cluster, "left", "DROP ROLE IF EXISTS \"o'ne\"; CREATE ROLE \"o'ne\" NOLOGIN")
    told = restored(cluster, path, "row_security", "jobs=4", db="left", rc=3)
    assert told.stdout.count("it does not exist, and what the script says of it") == 1, told
    assert last_line(told)["left_out"] == 4 and "a script is run in one session" in told.stdout
    assert run_sql(cluster, "left", "SELECT n, rolcanlogin FROM t, pg_roles "
                                    "WHERE rolname = 'o''ne'") == b"on|t\n"
    make(cluster, "left")
    told = pgcask("restore", path, "--to", cluster.uri("left"))
    assert told.rc == 3 and "statements of scripts that were left out: 3" in told.stdout, told
    make(cluster, "left", "DROP ROLE \"o'ne\"")
    fresh(cluster, "left")


# ---- Whose database it is

WHOLE = """-- PostgreSQL database dump

{drop}CREATE DATABASE {name} WITH TEMPLATE = template0 ENCODING = 'UTF8'{how};
\\connect {name}
CREATE TABLE t (n int);
INSERT INTO t VALUES (1), (2);
-- PostgreSQL database dump complete
"""


def whole(workdir, *names, drop=False, how=""):
    """What pg_dump -C writes, one after the other."""
    path = workdir / "whole.sql"
    path.write_text("".join(WHOLE.format(name=name, how=how,
                                         drop=f"DROP DATABASE {name};\n" if drop else "")
                            for name in names))
    return path


@ENDS
@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_clean_drops_no_database_that_the_script_does_not_name(restored, cluster, major, workdir,
                                                               piped):
    path = whole(workdir, "app", drop=True)
    more = stream(path) if piped else {}
    source = "-" if piped else path
    fresh(cluster, "app")
    oid = "SELECT oid FROM pg_database WHERE datname = 'admin'"
    make(cluster, "admin", OLD)
    before = run_sql(cluster, "postgres", oid)
    for words, db in ((["clean"], "admin"), (["clean", "database=admin"], "postgres")):
        told = restored(cluster, source, *words, db=db, rc=1, **more)
        assert 'the database "admin" already holds' in told.stderr, told
        assert "DROP DATABASE is of another name" in told.stdout + told.stderr, told
        assert seen(cluster, "admin") == "7|old|" and run_sql(cluster, "postgres", oid) == before
    # An empty one is filled, and is the one that it was.
    make(cluster, "admin")
    before = run_sql(cluster, "postgres", oid)
    told = restored(cluster, source, "clean", db="admin", **more)
    assert seen(cluster, "admin") == "1,2||" and run_sql(cluster, "postgres", oid) == before
    assert last_line(told)["left_out"] == 1, told
    restored(cluster, source, "recreate", db="admin", **more)
    assert seen(cluster, "admin") == "1,2||" and run_sql(cluster, "postgres", oid) != before
    # Its own is dropped.
    make(cluster, "app", OLD)
    restored(cluster, source, "clean", **more)
    assert seen(cluster, "app") == "1,2||"
    fresh(cluster, "admin", "app")


@ENDS
@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_no_script_is_taken_for_one_of_a_database_that_every_server_has(restored, cluster, major,
                                                                      workdir, piped):
    path = whole(workdir, "app")
    more = stream(path) if piped else {}
    source = "-" if piped else path
    for db in ("postgres", "template1"):
        fresh(cluster, "app")
        told = restored(cluster, source, db=db, **more)
        assert seen(cluster, "app") == "1,2||"
        assert run_sql(cluster, db, "SELECT to_regclass('t')") == b"\n"
        assert f"the address names the database {db}, which every server has" in told.stdout, told
        assert f"Into that one: database {db}." in told.stdout, told
    fresh(cluster, "app")
    told = restored(cluster, source, "database=postgres", db="postgres", **more)
    assert "app" not in databases_of(cluster) and "which every server" not in told.stdout, told
    assert run_sql(cluster, "postgres", "SELECT sum(n) FROM t; DROP TABLE t") == b"3\n"
    # Several go by their names, and nothing is said.
    path = whole(workdir, "app", "two")
    more = stream(path) if piped else {}
    told = restored(cluster, source, db="postgres", **more)
    assert seen(cluster, "app") == seen(cluster, "two") == "1,2||"
    fresh(cluster, "app", "two")


@ENDS
def test_of_a_stream_of_several_nothing_goes_into_another(restored, cluster, major, workdir):
    fresh(cluster, "a", "b")
    empty = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    # The first decides; nothing of the second is done, and what waits of the first is not, either.
    told = restored(cluster, "-", "database=b", rc=1, **stream(whole(workdir, "a", "b")))
    assert 'a second database, "b", while the first, "a", is being restored as "b"' in told.stderr
    assert run_sql(cluster, "b", empty) == b"0\n" and "a" not in databases_of(cluster).split()
    fresh(cluster, "a", "b")
    path = whole(workdir, "b", "a")
    restored(cluster, "-", "database=b", **stream(path))
    assert seen(cluster, "b") == "1,2||" and "a" not in databases_of(cluster).split()
    fresh(cluster, "b")
    told = restored(cluster, "-", db="b", rc=1, **stream(path))
    assert 'of the script is about the database "a", and the address names "b"' in told.stderr, told
    assert run_sql(cluster, "b", empty) == b"0\n" and "a" not in databases_of(cluster).split()
    fresh(cluster, "b")


@ENDS
def test_a_dry_run_says_what_the_run_would(restored, cluster, major, workdir):
    path = workdir / "x.sql"
    fresh(cluster, "nowhere")
    path.write_text("CREATE TABLE t (n int);\n")
    for words in (["dry_run"], []):
        told = restored(cluster, path, *words, db="nowhere", rc=1)
        assert 'the database "nowhere" does not exist' in told.stderr, told
        assert "Have it made: create-db." in told.stderr, told
    assert '"action":"create"' in restored(cluster, path, "dry_run", "create_db",
                                           db="nowhere").stdout
    path.write_text("\\connect nowhere\nCREATE TABLE t (n int);\n")
    for words in (["dry_run"], ["dry_run", "create_db"], []):
        told = restored(cluster, path, *words, rc=1)
        assert 'the database "nowhere" does not exist' in told.stderr, told
        assert "The script does not make it" in told.stdout + told.stderr, told
    assert '"action":"create"' in restored(cluster, whole(workdir, "nowhere"), "dry_run").stdout
    assert "nowhere" not in databases_of(cluster)


@ENDS
def test_a_database_that_was_filled_since_the_script_was_looked_over_is_noticed(
        restored, cluster, major, workdir):
    path = workdir / "x.sql"
    make(cluster, "one")
    make(cluster, "two", "CREATE EXTENSION IF NOT EXISTS plpgsql")
    # Somebody else, in the meantime: by way of what the script itself does in another database.
    server = f"host={cluster.socket_dir} port={cluster.port} user={cluster.superuser} dbname=two"
    path.write_text(f"""\\connect one
CREATE EXTENSION dblink;
SELECT dblink_exec('{server}', 'CREATE TABLE late (n int)');
\\connect two
CREATE TABLE t (n int);
""")
    told = restored(cluster, path, rc=1)
    assert 'the database "two" already holds objects: 1 table (public.late)' in told.stderr, told
    assert run_sql(cluster, "two", "SELECT to_regclass('t')") == b"\n"
    fresh(cluster, "one", "two")


@ENDS
def test_clean_mends_a_database_that_an_interrupted_drop_left(restored, cluster, major, workdir):
    path = whole(workdir, "app", drop=True)
    make(cluster, "app", OLD)
    run_sql(cluster, "postgres", "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'app'")
    assert "is invalid" in restored(cluster, path, rc=1).stderr
    assert "is invalid" in restored(cluster, whole(workdir, "app"), "clean", rc=1).stderr
    path = whole(workdir, "app", drop=True)
    told = restored(cluster, path, "clean", "dry_run")
    assert '"action":"recreate"' in told.stdout, told
    restored(cluster, path, "clean")
    assert seen(cluster, "app") == "1,2||"
    # What cannot be made anew is not dropped.
    for how in (" LOCALE = 'no_SUCH'", " LC_COLLATE = 'no_SUCH' LC_CTYPE = 'no_SUCH'"):
        assert "no_SUCH" in restored(cluster, whole(workdir, "app", drop=True, how=how), "clean",
                                     rc=1).stderr
    assert seen(cluster, "app") == "1,2||"
    fresh(cluster, "app")


@TOOLS
@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_a_template_is_one_until_it_is_dropped(restored, cluster, major, workdir, piped):
    make(cluster, "tpl", "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2);"
                         "ALTER DATABASE tpl IS_TEMPLATE true")
    path = workdir / "tpl.sql"
    path.write_bytes(dump(cluster, "-C", "--clean", tool="pg_dump", db="tpl"))
    more = stream(path) if piped else {}
    source = "-" if piped else path
    oid = "SELECT oid, datistemplate FROM pg_database WHERE datname = 'tpl'"
    before = run_sql(cluster, "postgres", oid)
    fresh(cluster, "admin")
    restored(cluster, source, "clean", db="admin", **more)
    restored(cluster, source, rc=1, **more)
    assert run_sql(cluster, "postgres", oid) == before and b"|t" in before
    restored(cluster, source, "clean", **more)
    after = run_sql(cluster, "postgres", oid)
    assert seen(cluster, "tpl") == "1,2||" and b"|t" in after and after != before
    for name in ("admin", "tpl"):
        run_sql(cluster, "postgres", f"ALTER DATABASE {name} IS_TEMPLATE false")
    fresh(cluster, "admin", "tpl")


@ENDS
def test_the_new_database_has_its_name_on_disk_when_the_old_one_is_gone(restored, cluster, major,
                                                                     workdir):
    make(cluster, "prod", OLD)
    run_sql(cluster, "postgres", "ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()")
    try:
        before = len(cluster.log)
        restored(cluster, prod(workdir), "recreate")
        sent = [line for line in cluster.log[before:].splitlines()
                if re.search(r"SET synchronous_commit|RENAME TO", line)]
    finally:
        run_sql(cluster, "postgres", "ALTER SYSTEM RESET log_statement; SELECT pg_reload_conf()")
    at, = (n for n, line in enumerate(sent) if "RENAME TO" in line)
    assert re.findall(r"SET synchronous_commit = (\w+)", sent[at - 1])[-1:] == ["on"], sent
    fresh(cluster, "prod")


@ENDS
def test_a_password_of_several_words_is_not_told(restored, cluster, major, workdir):
    path = workdir / "x.sql"
    path.write_text("""CREATE FUNCTION f(what text) RETURNS int LANGUAGE plpgsql AS $_$
        BEGIN RAISE 'nothing for %', translate(substring(what FROM $$'.*'$$), $$'$$, ''); END; $_$;
SELECT f('host=h password = ''open sesame now'' user=x');
SELECT f($$host=h password='shut sesame now' user=x$$);
SELECT f(E'host=h password=\\'turn sesame now\\' user=x');
""")
    make(cluster, "words")
    told = restored(cluster, path, db="words", rc=3)
    assert told.stdout.count("nothing for ...") == 3, told
    assert "sesame" not in told.stdout + told.stderr, told
    fresh(cluster, "words")
