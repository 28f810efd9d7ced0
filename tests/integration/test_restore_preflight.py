"""What is in the way of a restore is told before its first statement, all of it at once, each with
what mends it; and databases are made as they were."""

import contextlib
import dataclasses
import re

import pytest

from pgcask_testing import archives, builders, logical, process, temp
from pgcask_testing.logical import make, script
from pgcask_testing.plans import planner  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled(1)

OWNED = """
    CREATE TABLE in_space (n int) TABLESPACE "Fast ""One"" x";
    CREATE TABLE of_alice (n int); ALTER TABLE of_alice OWNER TO alice;
    CREATE TABLE s (n int); ALTER TABLE s OWNER TO "Role with ""quotes"", 'too' /and=more";
    CREATE TABLE read_by (n int); GRANT SELECT ON read_by TO bob;
    CREATE FUNCTION c_function() RETURNS trigger LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
"""
# Statements that each leave something in a database.
THINGS = {
    "table": "CREATE TABLE {} (n int)",
    "view": "CREATE VIEW {} AS SELECT 1",
    "sequence": "CREATE SEQUENCE {}",
    "function": "CREATE FUNCTION {}() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "type": "CREATE TYPE {} AS ENUM ('a')",
    "schema": "CREATE SCHEMA {}",
    "operator": "CREATE OPERATOR public.%% (FUNCTION = int4mul, LEFTARG = int, RIGHTARG = int)",
    "operator family": "CREATE OPERATOR FAMILY {} USING btree",
    "collation": "CREATE COLLATION {} (locale = 'C')",
    "conversion": "CREATE CONVERSION {} FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    "text search configuration": "CREATE TEXT SEARCH CONFIGURATION {} (PARSER = \"default\")",
    "text search dictionary": "CREATE TEXT SEARCH DICTIONARY {} (TEMPLATE = simple)",
    "text search template":
        "CREATE TEXT SEARCH TEMPLATE {} (LEXIZE = dsimple_lexize)",
    "access method": "CREATE ACCESS METHOD {} TYPE TABLE HANDLER heap_tableam_handler",
    "foreign-data wrapper": "CREATE FOREIGN DATA WRAPPER {}",
    "publication": "CREATE PUBLICATION {}",
    "subscription": "CREATE SUBSCRIPTION {} CONNECTION 'host=nowhere' PUBLICATION x "
                    "WITH (connect = false, slot_name = NONE)",
    "event trigger": 'CREATE FUNCTION "e t"() RETURNS event_trigger LANGUAGE plpgsql AS '
                     "$$ BEGIN END $$; CREATE EVENT TRIGGER {} ON ddl_command_end "
                     'EXECUTE FUNCTION "e t"()',
    "large object": "SELECT lo_create(4711)",
}


def uri(server, user="postgres"):
    """Of the server, without a database."""
    return f"postgres://{user}@127.0.0.1:{server.port}"


def make_space(server):
    space = temp.new_dir("space")
    process.give_to_server(space)
    logical.run_sql(server, "postgres",
                    f"CREATE TABLESPACE \"Fast \"\"One\"\" x\" LOCATION '{space}'")


@pytest.fixture(scope="module")
def archive(module_servers, major, tmp_path_factory):
    """What pg_dump has made of all that is special about a database."""
    server = module_servers.create(major, conf={"wal_level": "logical"})
    logical.run_sql(server, "postgres", script("roles"))
    make_space(server)
    make(server, "shop db", script("selection"), OWNED,
         options="ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    logical.run_sql(server, "postgres", """
        COMMENT ON DATABASE "shop db" IS 'it''s ours'; GRANT CONNECT ON DATABASE "shop db" TO bob;
        REVOKE ALL ON DATABASE "shop db" FROM PUBLIC; ALTER DATABASE "shop db" OWNER TO alice;
        ALTER DATABASE "shop db" SET work_mem = '5MB'; ALTER DATABASE "shop db" CONNECTION LIMIT 7;
        ALTER ROLE carol IN DATABASE "shop db" SET work_mem = '6MB';""")
    path = logical.stock_archive(server, "shop db", tmp_path_factory.mktemp("a") / "a.dump")
    facts = logical.database_facts(server, "shop db")
    server.close()
    return path, facts


@pytest.fixture(scope="module")
def target(module_servers, major):
    yield (server := module_servers.create(major))
    server.close()


@pytest.fixture(scope="module")
def dump(archive):
    return archive[0]


@pytest.fixture
def stocked(target):
    """The same server, with all that the archive names."""
    if not target.sql("SELECT 1 FROM pg_roles WHERE rolname = 'carol'"):
        logical.run_sql(target, "postgres", script("roles"), stop=False)
    if not target.sql("SELECT 1 FROM pg_tablespace WHERE spcname LIKE 'Fast%'"):
        make_space(target)
    return target


def test_what_the_server_lacks_is_told_at_once(planner, target, dump):
    before = target.databases()
    plan = planner(uri(target), dump)
    assert plan.result.rc == 1, str(plan.result)
    told = "\n".join(plan.told)
    assert re.search(r'fatal: roles that are to own objects are missing: .*"alice"', told), told
    assert '"Role with ""quotes"", \'too\' /and=more"' in told, told
    assert re.search(r'fatal: roles that privileges or policies name are missing: "bob"', told), told
    assert 'fatal: tablespaces are missing: "Fast ""One"" x"' in told, told
    assert 'fatal: the database "shop db" does not exist' in told, told
    assert len(plan.findings) == 4, told
    assert target.databases() == before
    # What leaves all of that away is not in the way.
    make(target, "there")
    plan = planner(uri(target) + "/there", dump, "no_owner", "no_privileges", "no_policies",
                   "no_tablespaces")
    assert plan.result.rc == 1 and len(plan.findings) == 1, plan.told  # CREATE USER MAPPING FOR
    assert 'name are missing: "alice"' in plan.told[0], plan.told
    target.sql("DROP DATABASE there")


def test_the_remedies_mend(planner, target, dump):
    plan = planner(uri(target), dump)
    space = temp.new_dir("space")
    process.give_to_server(space)
    for finding in plan.findings:
        for statement in re.findall(r"CREATE (?:ROLE|TABLESPACE|DATABASE) .*?;", finding["hint"]):
            target.sql(statement.replace("…", str(space)))
    plan = planner(uri(target), dump)
    assert not plan.findings and plan.databases[0]["action"] == "use", plan.told
    assert "TABLE DATA" in plan.text and plan.text.startswith('database "shop db": is there')
    assert [entry["id"] for entry in plan.databases[0]["list"]] == plan.entries
    target.sql('DROP DATABASE "shop db"')


def test_a_database_is_made_as_it_was(planner, stocked, archive):
    dump, facts = archive
    plan = planner(uri(stocked), dump, "create_db", "tables=read_by", do=True)
    assert plan.result.ok and plan.databases[0]["action"] == "create", str(plan.result)
    assert logical.database_facts(stocked, "shop db") == facts
    # Under another name, in the place of another one, with names that quoting gets wrong.
    for name in ['new "one" x', "Select", "a" * 63, "ünïcödé; DROP", "new\nline"]:
        stocked.sql(f"CREATE DATABASE {builders.identifier(name)}")
        stocked.sql("CREATE TABLE gone (n int)", db=name)
        plan = planner(uri(stocked), dump, "recreate", f"database={name}", "tables=read_by",
                       do=True)
        assert plan.result.ok and plan.databases[0]["action"] == "recreate", str(plan.result)
        made = logical.database_facts(stocked, name)
        assert str(made).replace(builders.identifier(name), '"shop db"') == str(facts), made
        assert not stocked.sql("SELECT 1 FROM pg_class WHERE relname = 'gone'", db=name)
        stocked.sql(f"DROP DATABASE {builders.identifier(name)}")
    assert not [name for name in stocked.databases() if "pgcask" in name]
    stocked.sql('DROP DATABASE "shop db"')


def test_a_database_that_holds_objects_is_refused(planner, stocked, dump):
    make(stocked, "mine")
    assert not planner(uri(stocked), dump, "database=mine").findings
    kinds = list(THINGS)
    for first in range(0, len(kinds), 5):  # more of them would not fit a finding
        make(stocked, "one")
        for number, kind in enumerate(kinds[first:first + 5]):
            logical.run_sql(stocked, "one", THINGS[kind].format(f'"a {number}"'))
        (told,) = planner(uri(stocked), dump, "database=one").told
        assert told.startswith('fatal: the database "one" already holds objects: '), told
        for kind in kinds[first:first + 5]:
            assert f"1 {kind} (" in told, (kind, told)
        for member in ("into_existing", "clean"):
            assert not planner(uri(stocked), dump, "database=one", member).findings
        logical.drop(stocked, "one")
    logical.run_sql(stocked, "mine", "".join(f"CREATE TABLE t{n} (n int);" for n in range(5)))
    (told,) = planner(uri(stocked), dump, "database=mine").told
    assert "5 tables (public.t0, public.t1, public.t2, …)" in told, told
    # What an extension made is not the user's, nor is an extension.
    make(stocked, "mine", "DROP EXTENSION plpgsql; CREATE EXTENSION plpgsql;")
    assert not planner(uri(stocked), dump, "database=mine").findings
    logical.run_sql(stocked, "mine", "DROP EXTENSION plpgsql")
    (told,) = planner(uri(stocked), dump, "database=mine").told
    assert told.startswith('warning: the language "plpgsql" is not there; 3 functions are'), told
    logical.drop(stocked, "mine")


def test_databases_that_are_never_dropped(planner, stocked, dump):
    logical.run_sql(stocked, "postgres", """
        CREATE DATABASE pattern IS_TEMPLATE true;
        CREATE DATABASE closed ALLOW_CONNECTIONS false;
        CREATE DATABASE busy;""")
    for name, words in [("postgres", "every server has it"), ("template1", "every server has it"),
                        ("template0", "every server has it"), ("pattern", "it is a template")]:
        plan = planner(uri(stocked), dump, "recreate", f"database={name}")
        assert [f'fatal: the database "{name}" is never dropped: {words}'] == plan.told
    plan = planner(uri(stocked), dump, "database=closed")
    assert plan.told == ['fatal: the database "closed" does not allow connections'], plan.told
    stocked.sql(re.search(r"ALTER DATABASE .*;", plan.findings[0]["hint"])[0])
    assert not planner(uri(stocked), dump, "database=closed").findings
    with stocked.session("busy") as session:
        session.sql("SELECT 1")  # it is there then
        plan = planner(uri(stocked), dump, "recreate", "database=busy", do=True)
        (told,) = plan.told
        assert '1 session is in the database "busy"' in told and "role postgres" in told, told
        assert plan.result.rc == 1 and "busy" in stocked.databases(), str(plan.result)
    logical.run_sql(stocked, "postgres", """
        ALTER DATABASE pattern IS_TEMPLATE false;
        DROP DATABASE pattern; DROP DATABASE closed; DROP DATABASE busy;""")


def test_a_role_that_is_no_superuser(planner, stocked, dump, major):
    logical.run_sql(stocked, "postgres", """
        CREATE ROLE app LOGIN; CREATE ROLE maker LOGIN CREATEDB; CREATE DATABASE "of app" OWNER app;
        CREATE DATABASE other;""")
    app = uri(stocked, "app")
    members = []
    told = "\n".join(planner(f"{app}/of%20app", dump, *members).told)
    assert 'warning: the role "app" may not make these owners of objects: ' in told, told
    for words in ("event triggers", "foreign-data wrappers",
                  "functions in C and other untrusted languages"):
        assert f'warning: {words} can be made by superusers only, and "app" is none' in told, told
    assert 'warning: the role "app" may not create subscriptions: 1' in told, told
    # Owners of the stocked's own superuser are no remedy.
    plan = planner(f"{app}/of%20app", dump, *members)
    (finding,) = [f for f in plan.findings if "may not make these owners" in f["finding"]]
    assert '"alice"' in finding["hint"] and '"postgres"' not in finding["hint"], finding
    stocked.sql(re.match(r"GRANT .*?;", finding["hint"])[0])
    plan = planner(f"{app}/of%20app", dump, *members, "no_subscriptions")
    assert '"alice"' not in "\n".join(plan.told) and plan.result.ok, plan.told
    # What ends with the first failure is not begun.
    plan = planner(f"{app}/of%20app", dump, *members, "exit_on_error")
    assert plan.result.rc == 1 and all(f["fatal"] for f in plan.findings), plan.told
    plan = planner(app, dump, *members, "create_db")
    assert 'fatal: the role "app" may not create databases' in plan.told, plan.told
    plan = planner(uri(stocked, "maker"), dump, *members, "create_db")
    assert plan.result.ok and plan.databases[0]["action"] == "create", plan.told
    plan = planner(uri(stocked, "maker"), dump, *members, "recreate", "database=other")
    assert 'fatal: the role "maker" may not drop the database "other"' in plan.told, plan.told
    plan = planner(f"{app}/other", dump, *members)
    assert 'warning: the role "app" may not create schemas and extensions in the database "other"' \
        in plan.told, plan.told
    assert ('warning: the role "app" may not create anything in the schema "public"'
            in plan.told) == (major >= 15), plan.told
    # The rights are those of the role that the session becomes.
    told = "\n".join(planner(f"{uri(stocked)}/other", dump, *members, "role=app").told)
    assert '"app" is none' in told, told
    plan = planner(f"{uri(stocked)}/other", dump, *members, "role=nobody")
    assert plan.result.rc == 1 and 'become the role "nobody"' in plan.result.stderr
    logical.run_sql(stocked, "postgres", """
        DROP DATABASE "of app"; DROP DATABASE other;""")


def test_what_is_selected_needs_its_schema(planner, stocked, dump):
    make(stocked, "mine")
    plan = planner(uri(stocked), dump, "database=mine", "schemas=shop",
                   "tables=orders")
    (told,) = plan.told
    assert told.startswith('warning: the schema "shop" is not there, and is not restored'), told
    stocked.sql(plan.findings[0]["hint"], db="mine")
    plan = planner(uri(stocked), dump, "database=mine", "schemas=shop",
                   "tables=orders", "into_existing")
    assert not plan.findings, plan.told
    assert plan.databases[0]["kinds"] == {"TABLE": 1, "TABLE DATA": 1, "COMMENT": 2, "ACL": 2}
    stocked.sql("DROP DATABASE mine")
    # Nor can a database be made that has it.
    for members in (["create_db", "exit_on_error"], ["create_db"]):
        plan = planner(uri(stocked), dump, "database=mine", "schemas=shop", "tables=orders", *members)
        (told,) = plan.told
        assert told.startswith(("fatal" if len(members) > 1 else "warning")
                               + ': the schema "shop" is not there, and is not restored; 6'), told
    for database, statement in re.findall(r"(CREATE (DATABASE|SCHEMA) .*?;)", plan.findings[0]["hint"]):
        stocked.sql(database, db="postgres" if statement == "DATABASE" else "mine")
    assert not planner(uri(stocked), dump, "database=mine", "schemas=shop", "tables=orders",
                       "into_existing").findings
    stocked.sql("DROP DATABASE mine")


@pytest.mark.sampled
def test_names_are_asked_for_in_the_encoding_of_their_archive(pgcask, planner, target, workdir, major):
    target.sql('CREATE ROLE "é"; CREATE ROLE asked')
    make(target, "a", "CREATE TABLE t (n int); ALTER TABLE t OWNER TO asked",
         options="ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    make(target, "b", 'CREATE TABLE t (n int); ALTER TABLE t OWNER TO asked;'
         'CREATE TABLE u (n int); ALTER TABLE u OWNER TO "é"',
         options="ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    pgcask("backup", uri(target), "--to", workdir / "b", "--databases", "a,b", "--quiet",
           "--layout", "numbered").check()
    assert not planner(uri(target), workdir / "b", "no_globals", "into_existing").findings
    # What is missing is told once, whoever names it.
    target.sql("DROP OWNED BY asked; DROP DATABASE a; DROP DATABASE b")
    target.sql('DROP ROLE "é"; DROP ROLE asked')
    plan = planner(uri(target), workdir / "b", "no_globals", "create_db")
    assert plan.told == ['fatal: roles that are to own objects are missing: "asked", "é"'], str(plan.result)


@pytest.mark.majors(15)
def test_a_dry_run_keeps_no_entries_unless_they_are_listed(pgcask, target, workdir):
    db = make(target, "wide", "CREATE TABLE t (n int); COMMENT ON TABLE t IS 'x'")
    archive = logical.stock_archive(target, db, workdir / "few.dump")
    parts = archives.read(archive.read_bytes())
    entry = parts.find("COMMENT", "TABLE t")
    parts.entries += [dataclasses.replace(entry, dump_id=10000 + n, texts={
        **entry.texts, "tag": f"TABLE {n:063}".encode()}) for n in range(100000)]
    (workdir / "many.dump").write_bytes(archives.write(parts))

    def peak(name, *options):
        return pgcask("restore", workdir / name, "--to", target.uri(db), "--into-existing", "--dry-run",
                      *options).check().peak_rss

    few, many = peak("few.dump"), peak("many.dump")
    assert many - few < 100000 * 200, (few, many)
    logical.drop(target, db)


def test_standbys_and_too_few_connections(planner, servers, dump, major):
    server = servers.create(major, conf={"max_connections": 20})
    logical.run_sql(server, "postgres", script("roles"))
    make_space(server)
    plan = planner(uri(server), dump, "database=postgres", "jobs=30")
    (told,) = plan.told
    assert told == "fatal: the restore needs 30 connections, and the server has 20 free of 20", told
    assert not planner(uri(server), dump, "database=postgres", "jobs=8").findings
    standby = servers.standby(server)
    plan = planner(uri(standby), dump, "database=postgres")
    assert plan.told == ["fatal: the server is a standby, into which nothing can be restored"]


@pytest.mark.majors(18)
def test_older_servers(planner, servers, target, workdir, major):
    for name, options in [
        ("builtin", "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"),
        ("icu", "LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&a < b' LOCALE 'C'"),
        ("libc", "LOCALE_PROVIDER libc LOCALE 'C'"),
    ]:
        with contextlib.suppress(AssertionError):  # built without ICU
            make(target, name, options=f"TEMPLATE template0 {options}")
        if name in target.databases():
            logical.stock_archive(target, name, workdir / name)
    logical.run_sql(target, "libc", "CREATE COLLATION c (provider = builtin, locale = 'C')")
    logical.stock_archive(target, "libc", workdir / "libc")
    old = servers.create(13)
    plan = planner(uri(old), workdir / "builtin", "create_db")
    assert "fatal: the locale provider builtin is known from PostgreSQL 17 on, and the server is " \
        "PostgreSQL 13" in plan.told, plan.told
    if (workdir / "icu").exists():
        plan = planner(uri(old), workdir / "icu", "create_db")
        assert any("icu of a database is known from PostgreSQL 15" in told for told in plan.told)
    plan = planner(uri(old), workdir / "libc", "create_db", do=True)
    assert plan.told == [
        "warning: the archive is of PostgreSQL 18, and the server is PostgreSQL 13",
        "warning: the server does not know the collation provider builtin: 1, the first is "
        "COLLATION public.c"], plan.told
    (failure,) = plan.failures  # as was said
    assert plan.result.rc == 3 and failure["object"] == "COLLATION public.c", str(plan.result)


@pytest.mark.majors(13, 18)
def test_extensions_and_locales_that_the_server_lacks(planner, servers, workdir, major):
    logical.install_extension(major)
    server = servers.create(major)
    logical.run_sql(server, "postgres", script("roles"))
    make(server, "extended", f"CREATE EXTENSION {logical.EXTENSION}")
    dump = logical.stock_archive(server, "extended", workdir / "dump")
    assert not planner(uri(server), dump, "create_db", "database=copy").findings
    # An archive that names one that nobody has.
    folder = workdir / "folder"
    process.run([logical.stock("pg_dump", server), "-Fd", "-f", folder,
                 server.uri("extended")]).check()
    toc = (folder / "toc.dat").read_bytes()
    unknown = logical.EXTENSION.replace("configured", "confirmed!").encode()[:len(logical.EXTENSION)]
    assert len(unknown) == len(logical.EXTENSION)
    toc = toc.replace(logical.EXTENSION.encode(), unknown)
    (folder / "toc.dat").write_bytes(toc)
    plan = planner(uri(server), folder, "create_db", "database=copy")
    assert plan.result.ok and plan.told == [
        f'warning: extensions that the server does not have: "{unknown.decode()}"'], plan.told
    # A version that nobody has.
    other = toc.replace(b"WITH SCHEMA configured", b"VERSION '9.9.9.9.9.99'")
    assert other != toc
    other = other.replace(unknown, logical.EXTENSION.encode())
    (folder / "toc.dat").write_bytes(other)
    plan = planner(uri(server), folder, "create_db", "database=copy")
    assert plan.result.ok and plan.told == [
        "warning: versions of extensions that the server does not have: "
        f'"{logical.EXTENSION}--9.9.9.9.9.99"'], plan.told
    # And a locale that nobody has.
    toc = re.sub(rb"(LOCALE|LC_COLLATE|LC_CTYPE) = 'C'", rb"\1 = 'Q'", toc)
    (folder / "toc.dat").write_bytes(toc)
    for member in ("create_db", "recreate"):
        plan = planner(uri(server), folder, member, "database=copy")
        assert 'fatal: the server does not have the locale "Q" of the database "copy"' in plan.told
        assert sum("locale" in told for told in plan.told) == 1, plan.told
    logical.run_sql(server, "postgres", "CREATE ROLE app LOGIN CREATEDB")
    plan = planner(uri(server, "app"), dump, "create_db", "database=copy", "no_owner")
    assert any(told.startswith("warning: extensions that only a superuser can create")
               for told in plan.told), plan.told


def test_what_keeps_a_database_or_goes_with_it(planner, servers, major, dump):
    server = servers.create(major, conf={"wal_level": "logical"})
    db = "its main one"
    logical.run_sql(server, "postgres", script("roles"))
    make(server, db, """
        CREATE TABLE kept (n int);
        CREATE SUBSCRIPTION "S ""1" CONNECTION 'host=nowhere' PUBLICATION p
            WITH (connect = false, slot_name = far);
        SELECT pg_create_logical_replication_slot('changes', 'test_decoding');""")
    plan = planner(uri(server), dump, "recreate", f"database={db}", "tables=read_by",
                   "no_privileges", "no_owner", do=True)
    assert plan.told == [
        f'fatal: subscriptions of the database "{db}" keep it from being dropped: "S ""1"',
        f'fatal: logical replication slots of the database "{db}", which is to be dropped, would '
        "go with it: changes"], plan.told
    assert plan.result.rc == 1 and server.value("SELECT count(*) FROM kept", db=db) == "0"
    for statement in ('ALTER SUBSCRIPTION "S ""1" DISABLE',
                      'ALTER SUBSCRIPTION "S ""1" SET (slot_name = NONE)'):
        server.sql(statement, db=db)
    for finding in plan.findings:
        (statement,) = re.findall(r"(?:DROP SUBSCRIPTION|SELECT) .*?;", finding["hint"])
        server.sql(statement, db=db)
    plan = planner(uri(server), dump, "recreate", f"database={db}", "tables=read_by",
                   "no_privileges", "no_owner", do=True)
    assert plan.result.ok and not plan.told, (plan.told, str(plan.result))
    assert not server.sql("SELECT 1 FROM pg_class WHERE relname = 'kept'", db=db)


def test_what_needs_what_is_dropped_first(planner, stocked, workdir):
    db = make(stocked, "cleaned", script("kinds"), """
        CREATE SCHEMA "S s"; CREATE TABLE "S s"."T ""t" (n int PRIMARY KEY, m int UNIQUE);
        CREATE FUNCTION tells("N n" int, text[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE AGGREGATE counts(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
        CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE DOMAIN d AS int; CREATE VIEW inner_v AS SELECT tells(n, NULL) FROM "S s"."T ""t";""")
    dump = logical.stock_archive(stocked, db, workdir / "cleaned.dump")
    assert planner(f"{uri(stocked)}/cleaned", dump, "clean").told == []
    logical.run_sql(stocked, db, """
        CREATE SCHEMA mine; CREATE VIEW mine."V v" AS SELECT * FROM inner_v;
        CREATE VIEW mine.further AS SELECT * FROM mine."V v";
        CREATE TABLE mine.t (n int REFERENCES "S s"."T ""t", m int REFERENCES "S s"."T ""t" (m));
        CREATE TRIGGER g BEFORE INSERT ON mine.t FOR EACH ROW EXECUTE FUNCTION fires();
        CREATE TABLE "S s".beside (n int);""")
    before = logical.run_sql(stocked, db, "SELECT oid FROM pg_class WHERE oid > 16383 ORDER BY 1")
    plan = planner(f"{uri(stocked)}/cleaned", dump, "clean", do=True)
    (told,) = plan.told
    assert told.startswith("fatal: what is dropped first is needed by what the archive does not"), told
    for words in ('view mine."V v" (which needs view inner_v)', "constraint t_n_fkey on table mine.t",
                  "constraint t_m_fkey", "trigger g on table mine.t (which needs function fires",
                  'table "S s".beside (which needs schema S s)'):
        assert words in re.sub(r"public\.", "", told), (words, told)
    assert "further" not in told and plan.result.rc == 1
    assert before == logical.run_sql(stocked, db,
                                     "SELECT oid FROM pg_class WHERE oid > 16383 ORDER BY 1")
    for statement in re.findall(r"(?:DROP|ALTER) .*?;", plan.findings[0]["hint"]):
        logical.run_sql(stocked, db, statement.replace('"V v";', '"V v" CASCADE;'))
    logical.run_sql(stocked, db, 'DROP TABLE "S s".beside')
    plan = planner(f"{uri(stocked)}/cleaned", dump, "clean", do=True)
    assert plan.told == [] and plan.result.ok, str(plan.result)
    logical.drop(stocked, db)


def test_partitions_that_are_not_selected_are_told(planner, target, workdir):
    db = make(target, "parted", """
        CREATE TABLE pt (n int) PARTITION BY LIST (n);
        CREATE TABLE "P ""1" PARTITION OF pt FOR VALUES IN (1); INSERT INTO pt VALUES (1);
        CREATE TABLE p2 PARTITION OF pt FOR VALUES IN (2);
        CREATE TABLE old (n int); CREATE TABLE "young one" (m int) INHERITS (old);
        CREATE TABLE apart (r old);""")
    dump = logical.stock_archive(target, db, workdir / "parted.dump")
    make(target, db)
    to = f"{uri(target)}/parted"
    (told,) = planner(to, dump, "tables=pt").told
    assert told.startswith("warning: partitions and children of selected tables are not selected, "
                           "and neither are their rows: 2, "), told
    for name in ('"public"."P ""1"', '"public"."p2"'):
        assert name in told, told
    (told,) = planner(to, dump, "tables=old").told
    assert told.endswith('1, "public"."young one"'), told
    finding = planner(to, dump, "tables=pt").findings[0]
    more = re.search(r"tables\S* '(.*?)'", finding["hint"])[1]
    plan = planner(to, dump, f"tables=pt,{more}", do=True)
    assert plan.told == [] and plan.result.ok, str(plan.result)
    assert target.value('SELECT count(*) FROM "P ""1"', db=db) == "1"
    for members in (["tables=p2"], ["tables=young one,old"], []):
        assert not [each for each in planner(to, dump, *members, "into_existing").told
                    if "not selected" in each], members
    logical.drop(target, db)
