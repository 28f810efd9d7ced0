"""What a source of Plakar's stands for: which database, which server, and who it is to Plakar."""

import re

import pytest

from pgcask_testing import oracles
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

ONE = pytest.mark.majors(18)
PASSWORD = "hunter2"


@pytest.fixture(scope="module")
def shop(module_servers):
    """A server with the databases "accounts" and "shop", a closed one, and a role without rights."""
    made = {}

    def make(major):
        if major not in made:
            server = made[major] = module_servers.create(
                major, hba=["local all all trust", "host all limited all scram-sha-256",
                            "host all all all trust", "host replication all all trust"])
            for name in ("accounts", "shop", "closed"):
                server.sql(f"CREATE DATABASE {name}")
            server.sql("ALTER DATABASE closed ALLOW_CONNECTIONS false")
            server.sql("CREATE TABLE t AS SELECT 1 AS a", db="shop")
            server.sql("CREATE TABLE t AS SELECT 2 AS a", db="accounts")
            server.sql(f"CREATE ROLE limited LOGIN PASSWORD '{PASSWORD}'")
        return made[major]

    return make


def assert_refused(result, *texts):
    assert result.rc == 1, result
    printed = result.stdout + result.stderr
    assert "configuration OK" not in printed and "completed" not in printed, result
    # Before that, plakar names the source as it was typed.
    assert PASSWORD not in printed.partition("names no database")[2]
    for text in texts:
        assert text in printed, (text, result)


# ---- Which database


@ONE
def test_a_source_without_a_database_is_refused_wherever_it_is_used(plakar, shop, major):
    server = shop(major)
    place = f"127.0.0.1:{server.port}"
    told = ["names no database", "4 that allow connections (accounts, postgres, shop, template1)",
            "database=accounts"]
    environments = [{}, {"PGDATABASE": "shop"}]
    for location, example in (
        (f"postgres://postgres@{place}", f"postgres://postgres@{place}/accounts"),
        (f"postgres://postgres@{place}/", f"postgres://postgres@{place}/accounts"),
        (f"postgresql://limited:{PASSWORD}@{place}?sslmode=disable&dbname=",
         f"postgresql://limited@{place}/accounts?…"),
        (f"postgres://?host={server.socket_dir}&port={server.port}&user=postgres",
         "postgres:///accounts?…"),
    ):
        for env in environments:
            result = plakar.backup(location, env=env)
            assert_refused(result, *told, example)
            assert ("PGDATABASE does not" in result.stdout) == bool(env and "dbname" not in location)
    plakar.run("source", "add", "all", "postgres:", "host=127.0.0.1", f"port={server.port}",
               "username=postgres", "database=").check()
    for command in ("ping", "check"):
        assert_refused(plakar.run("source", command, "all"), *told)
    assert_refused(plakar.backup("-dry-run", "@all"), *told)
    assert plakar.snapshots() == []
    oracles.wait_for_nothing_left(server)


@ONE
def test_wherever_the_source_names_its_database_that_one_is_backed_up(plakar, shop, major):
    server = shop(major)
    place = f"127.0.0.1:{server.port}"
    (plakar.home / ".pg_service.conf").write_text(
        f"[with]\nhost=127.0.0.1\nport={server.port}\nuser=postgres\ndbname=shop\n"
        f"[without]\nhost=127.0.0.1\nport={server.port}\nuser=postgres\n")
    plakar.run("source", "add", "pg", f"postgres://postgres@{place}").check()
    for arguments, env in (
        ([f"postgres://postgres@{place}/shop"], {"PGDATABASE": "accounts"}),
        ([f"postgres://postgres@{place}?dbname=shop"], {}),
        (["-o", "database=shop", f"postgres://postgres@{place}/accounts"], {}),
        (["-o", "database=shop", "@pg"], {}),
        (["@pg:shop"], {}),
        (["postgres://?service=with"], {}),
        (["-o", "database=shop", "postgres://?service=without"], {}),
    ):
        plakar.backup(*arguments, env=env).check()
        newest = plakar.snapshots()[0]
        assert "/shop.dump" in plakar.paths(newest), arguments
    count = len(plakar.snapshots())
    assert_refused(plakar.backup("postgres://?service=without"), "names no database")
    # A service that whoever runs plakar has chosen for everything.
    assert_refused(plakar.backup("postgres://", env={"PGSERVICE": "with"}), "names no database")
    assert len(plakar.snapshots()) == count


@ONE
def test_a_server_that_tells_nothing_does_not_make_a_source_without_a_database_good(
    plakar, shop, major
):
    server = shop(major)
    place = f"127.0.0.1:{server.port}"
    for location, why in (
        (f"postgres://limited:wrong@{place}", "password"),
        ("postgres://postgres@127.0.0.1:1", "Connection refused"),
    ):
        assert_refused(plakar.backup(location), "names no database", why, "database=DATABASE")
    # The usual place to ask is closed to this role: another database will do.
    server.sql("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    try:
        assert_refused(plakar.backup(f"postgres://limited:{PASSWORD}@{place}"),
                       "4 that allow connections")
    finally:
        server.sql("GRANT CONNECT ON DATABASE postgres TO PUBLIC")


@ONE
def test_the_command_takes_all_databases_where_none_is_named(pgcask, shop, workdir, major):
    place = f"127.0.0.1:{shop(major).port}"
    for number, (uri, env, told) in enumerate((
        (f"postgres://postgres@{place}", {}, "backed up 4 databases, "),
        (f"postgres://postgres@{place}/", {}, "backed up 4 databases, "),
        (f"postgres://postgres@{place}", {"PGDATABASE": "shop"},
         "database shop (named by the environment)"),
        (f"postgres://postgres@{place}/shop", {"PGDATABASE": "accounts"}, "database shop, "),
    )):
        result = pgcask("backup", uri, "--to", workdir / str(number), env=env).check()
        assert told in result.stdout, result


# ---- Ping


@ONE
def test_ping_enters_the_database_that_a_backup_would(plakar, pgcask, shop, major):
    server = shop(major)
    server.sql("CREATE DATABASE crowded CONNECTION LIMIT 0")
    for name in ("half", "private"):
        server.sql(f"CREATE DATABASE {name}")
    server.sql("REVOKE CONNECT ON DATABASE private FROM PUBLIC")
    server.sql("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half'")  # as DROP leaves
    cases = {"absent": "does not exist", "closed": "not currently accepting connections",
             "private": "permission denied", "crowded": "too many connections",
             "half": 'invalid database "half"'}
    try:
        for database, why in cases.items():
            uri = server.uri(database, user="limited", password=PASSWORD)
            plakar.run("source", "add", database, uri).check()
            for result in (plakar.run("source", "ping", database), plakar.backup(f"@{database}"),
                           pgcask("ping", uri)):
                assert result.rc == 1 and why in result.stdout + result.stderr, (database, result)
                assert PASSWORD not in result.stdout + result.stderr
        for database in ("shop", "template1"):
            uri = server.uri(database, user="limited", password=PASSWORD)
            plakar.run("source", "add", database, uri).check()
            assert "configuration OK" in plakar.run("source", "ping", database).check().stdout
            pgcask("ping", uri).check()
        # A physical backup copies all of them, and needs none.
        plakar.run("source", "add", "all", server.binary_uri() + "/absent").check()
        pinged = plakar.run("source", "ping", "all").check()
        assert "configuration OK" in pinged.stdout
        assert "names a database, absent; a physical backup copies" in pinged.stderr
    finally:
        server.sql("UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'half'")
        for database in ("crowded", "half", "private"):
            server.sql(f"DROP DATABASE {database}")


# ---- Who it is


def identity(plakar, snapshot):
    told = plakar.on_store("info", snapshot).check().stdout
    return tuple(re.search(rf"(?m)^ *-? *{word}: (.*)$", told)[1]
                 for word in ("Type", "Origin", "Directory"))


@ONE
def test_databases_of_one_server_keep_their_own_snapshots(plakar, shop, workdir, major):
    server = shop(major)
    place = f"127.0.0.1:{server.port}"
    for source in (f"postgres://postgres@{place}/accounts", f"postgres://postgres@{place}/shop",
                   f"postgresql://limited:{PASSWORD}@localhost:{server.port}/shop",
                   server.binary_uri()):
        if "limited" in source:
            server.sql("GRANT pg_read_all_data TO limited")
        plakar.backup(source).check()
    newest_first = plakar.snapshots()
    found = [identity(plakar, snapshot) for snapshot in reversed(newest_first)]
    kinds, origins = [each[0] for each in found], [each[1] for each in found]
    assert kinds == ["postgresql", "postgresql", "postgresql", "postgres+bin"]
    assert origins[1] == origins[2]  # another user, another name of the same place
    machine, colon, rest = origins[0].partition(":")
    assert machine and [origin.removeprefix(machine) for origin in origins] == [
        f":{server.port}/accounts", f":{server.port}/shop", f":{server.port}/shop",
        f":{server.port}"]
    assert {each[2] for each in found} == {"/"}

    # One a day for each origin: of the two of "shop" the older one goes, and nothing else.
    plakar.on_store("prune", "-apply", "-group-by", "origin", "-per-day", "1").check()
    assert plakar.snapshots() == [each for each in newest_first if each != newest_first[2]]
    for snapshot in plakar.snapshots():
        paths = plakar.paths(snapshot)
        assert "/accounts.dump" in paths or "/shop.dump" in paths or "/data/PG_VERSION" in paths

    both = plakar.backup(f"postgres://postgres@{place}/accounts",
                         f"postgres://postgres@{place}/shop")
    assert both.rc == 1 and len(plakar.snapshots()) == 3
