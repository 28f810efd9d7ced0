"""What is asked before a backup begins: everything that is missing, at once, with what mends it."""

import json
import re

import pytest

from pgcask_testing import oracles

# A role, a schema and tables with names that must be quoted.
ROLE = 'Back "up" role'
QUOTED = ROLE.replace('"', '""')


def database(server, name, tables=("plain", 'My "Table"', "other one")):
    server.sql(f'CREATE DATABASE "{name}"')
    for schema in ("public", 'Sales "EU"'):
        quoted = schema.replace('"', '""')
        server.sql(f'CREATE SCHEMA IF NOT EXISTS "{quoted}"', db=name)
        for table in tables:
            escaped = table.replace('"', '""')
            server.sql(f'CREATE TABLE "{quoted}"."{escaped}" (id serial, note text)', db=name)
            server.sql(f'INSERT INTO "{quoted}"."{escaped}" (note) VALUES (\'x\')', db=name)


def role(server, name=ROLE, more=""):
    quoted = name.replace('"', '""')
    server.sql(f'DROP ROLE IF EXISTS "{quoted}"; CREATE ROLE "{quoted}" LOGIN {more}')


def findings(result):
    return json.loads(result.stdout)["findings"]


def run_remedies(server, found, db):
    """Runs the SQL of the findings as a superuser."""
    for finding in found:
        server.sql(finding["hint"], db=db)


def checked(pgcask, uri, *more):
    """The findings of the check, which has the same of a backup."""
    result = pgcask("check", uri, "--json", *more)
    assert result.rc in (0, 1), result
    fatal = [f for f in findings(result) if f["fatal"]]
    assert (result.rc == 1) == bool(fatal), result
    if fatal:
        assert "not ready for a backup" in result.stderr and "hint: " in result.stderr, result
    else:
        assert json.loads(result.stdout)["status"] == "complete"
    # Of every role but a superuser; a backup says so itself (test_managed.py).
    return [f for f in findings(result) if "without their passwords" not in f["message"]]


@pytest.fixture(scope="module")
def server(module_servers):
    made = {}

    def get(major):
        if major not in made:
            made[major] = module_servers.create(major, conf={"max_prepared_transactions": 2})
            database(made[major], "Shop A")
        return made[major]

    return get


@pytest.mark.majors(13, 15, 18)
@pytest.mark.parametrize("more", ["", "NOINHERIT"])
def test_every_right_that_is_missing_is_said_at_once_and_its_remedy_is_enough(
    pgcask, server, workdir, major, more
):
    server = server(major)
    role(server, more=more)
    server.sql('ALTER TABLE public.plain ENABLE ROW LEVEL SECURITY', db="Shop A")
    uri = server.uri("Shop A", user=ROLE)

    found = checked(pgcask, uri, "--to", workdir / "b")
    assert [f["fatal"] for f in found] == [True, True], found
    for word in (f'"{QUOTED}"', '"Sales ""EU"""', '"My ""Table"""', "_id_seq", "6 tables",
                 "6 sequences", "1 schema"):
        assert word in found[0]["message"], found
    assert "GRANT" in found[0]["hint"] and f'TO "{QUOTED}"' in found[0]["hint"]
    assert "public.plain" in found[1]["message"]
    assert found[1]["hint"] == f'ALTER ROLE "{QUOTED}" BYPASSRLS;'
    refused = pgcask("backup", uri, "--to", workdir / "b", "--json")
    assert refused.rc == 1 and findings(refused) == found and not list(workdir.iterdir())

    run_remedies(server, found, "Shop A")
    assert checked(pgcask, uri, "--to", workdir / "b") == []
    pgcask("backup", uri, "--to", workdir / "b").check()
    pgcask("verify", workdir / "b").check()
    server.sql(f'DROP OWNED BY "{QUOTED}"; DROP ROLE "{QUOTED}"', db="Shop A")


@pytest.mark.majors(18)
@pytest.mark.parametrize("name", ["ni", "n\nAl\t\\x"])
def test_a_grant_without_inheritance_is_mended(pgcask, server, major, name):
    server = server(major)
    quoted = '"' + name + '"'
    server.sql(f"CREATE ROLE {quoted} LOGIN; GRANT pg_read_all_data TO {quoted} WITH INHERIT FALSE;"
               f"CREATE ROLE behind LOGIN; GRANT {quoted} TO behind;"
               f"ALTER ROLE behind SET role = {quoted}")
    for user in ("behind", "ni") if name == "ni" else ("behind",):
        found = checked(pgcask, server.uri("Shop A", user=user))
        assert "WITH INHERIT TRUE" in found[0]["hint"] and "\n" not in found[0]["hint"], found
    run_remedies(server, found, "Shop A")
    assert checked(pgcask, server.uri("Shop A", user=user)) == []
    server.sql(f"DROP ROLE behind; REVOKE pg_read_all_data FROM {quoted}; DROP ROLE {quoted}")


@pytest.mark.majors(13)
@pytest.mark.parametrize("schemas, name", [(60, ROLE), (9, '"' * 62)], ids=["many", "long"])
def test_many_schemas_take_one_statement(pgcask, servers, workdir, major, schemas, name):
    server = servers.create(major)
    server.sql("".join(f"CREATE SCHEMA a_rather_long_name_{i}; CREATE TABLE "
                       f"a_rather_long_name_{i}.t (id serial);" for i in range(schemas)))
    role(server, name)
    uri = server.uri("postgres", user=name)
    found = checked(pgcask, uri)
    assert len(found) == 1 and len(found[0]["message"]) < 700 and "…" in found[0]["message"]
    run_remedies(server, found, "postgres")
    assert checked(pgcask, uri) == []
    pgcask("backup", uri, "--to", workdir / "b").check()


@pytest.mark.majors(15)
def test_what_is_not_read_takes_no_right(pgcask, server, workdir, major):
    """Temporary tables, and what extensions keep for themselves."""
    server = server(major)
    server.sql('CREATE DATABASE extended')
    server.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE t (a int); "
               "GRANT SELECT ON t TO PUBLIC", db="extended")
    role(server, "reader")
    with server.session("extended") as other:
        other.sql("CREATE TEMPORARY TABLE mine (a serial)")
        assert checked(pgcask, server.uri("extended", user="reader")) == []
    pgcask("backup", server.uri("extended", user="reader"), "--to", workdir / "b").check()


@pytest.mark.majors(15)
def test_locks_that_stay_are_found(pgcask, server, major):
    server = server(major)
    server.sql("CREATE DATABASE kinds")
    server.sql("CREATE TABLE locked (a int)", db="kinds")
    server.sql("BEGIN; LOCK TABLE locked; PREPARE TRANSACTION 'forgotten'", db="kinds")
    found = checked(pgcask, server.uri("kinds"))
    server.sql("ROLLBACK PREPARED 'forgotten'", db="kinds")
    (warned,) = found
    assert not warned["fatal"]
    assert "public.locked" in warned["message"] and "--lock-timeout" in warned["hint"], found

    # A role that may not see since when is told of every lock.
    role(server, "blind")
    with server.session("kinds") as other:
        other.sql("BEGIN")
        other.sql("LOCK TABLE locked")
        told = [[f for f in checked(pgcask, uri) if "locked against" in f["message"]]
                for uri in (server.uri("kinds"), server.uri("kinds", user="blind"))]
    assert not told[0] and len(told[1]) == 1 and "public.locked" in told[1][0]["message"], told


@pytest.mark.majors(15)
def test_too_little_room_for_a_dump_is_refused_before_the_work(pgcask, server, small_disk, major):
    server = server(major)
    server.sql("CREATE DATABASE large")
    server.sql("CREATE TABLE t AS SELECT md5(i::text) || md5((-i)::text) AS a "
               "FROM generate_series(1, 300000) i; ANALYZE t", db="large")
    disk = small_disk(2)
    for name in ("b", "b.tar"):
        result = pgcask("backup", server.uri("large"), "--to", disk / name)
        assert result.rc == 1 and "there is room for" in result.stderr, result
        assert str(disk / name) in result.stderr and "not begun" in result.stderr, result
        assert not list(disk.iterdir())
        (found,) = checked(pgcask, server.uri("large"), "--to", disk / name)
        assert found["fatal"]
    # A part may fit, whatever the whole takes; nobody knows before.
    (found,) = checked(pgcask, server.uri("large"), "--to", disk / "b", "--schema-only")
    assert not found["fatal"]
    pgcask("backup", server.uri("large"), "--to", disk / "part", "--schema-only").check()
    # Compressed it may fit: that is only a warning.
    (found,) = checked(pgcask, server.uri("large"), "--to", disk / "b", "--compress", "gzip")
    assert not found["fatal"]


@pytest.mark.majors(13, 18)
def test_a_physical_backup_is_checked_by_the_same_command(pgcask, server, workdir, major):
    server = server(major)
    role(server)
    uri = server.binary_uri(user=ROLE)
    found = checked(pgcask, uri, "--to", workdir / "b")
    assert any(f'ALTER ROLE "{QUOTED}" REPLICATION' in f["hint"] for f in found if f["fatal"])
    run_remedies(server, [f for f in found if f["fatal"]], "postgres")
    assert not [f for f in checked(pgcask, uri, "--to", workdir / "b") if f["fatal"]]
    result = pgcask("check", uri).check()
    assert "ready for a physical backup" in result.stdout
    assert not list(workdir.iterdir())
    oracles.wait_for_nothing_left(server)


def test_a_target_that_will_not_do_is_said_by_check(pgcask, workdir):
    (workdir / "full").mkdir()
    (workdir / "full/x").write_text("")
    for scheme in ("postgres", "postgres+bin"):
        result = pgcask("check", f"{scheme}://u@127.0.0.1:1/db", "--to", workdir / "full")
        assert result.rc == 1 and "not empty" in result.stderr, result


@pytest.mark.majors(15)
def test_check_says_what_a_connection_lacks(pgcask, server, major):
    server = server(major)
    result = pgcask("check", server.uri("nosuch"), "--json")
    assert result.rc == 1 and re.search('"nosuch" does not exist', result.stderr), result
