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


# ---- Which database


@ONE
def test_a_source_without_a_database_means_all_of_them(plakar, shop, major):
    """PGDATABASE and PGSERVICE are of whoever starts plakar, and choose nothing."""
    server = shop(major)
    place = f"127.0.0.1:{server.port}"
    (plakar.home / ".pg_service.conf").write_text(
        f"[without]\nhost=127.0.0.1\nport={server.port}\nuser=postgres\n")
    plakar.run("source", "add", "all", "postgres:", "host=127.0.0.1", f"port={server.port}",
               "username=postgres", "database=").check()
    count = 0
    for location in (
        f"postgres://postgres@{place}", f"postgres://postgres@{place}/",
        f"postgresql://postgres@{place}?sslmode=disable&dbname=",
        f"postgres://?host={server.socket_dir}&port={server.port}&user=postgres",
        "postgres://?service=without", "@all",
    ):
        for env in ({}, {"PGDATABASE": "shop"}):
            result = plakar.backup("-o", "layout=numbered", location, env=env)
            assert result.rc == 0, result
            count += 1
            assert len(plakar.snapshots()) == count
            found = {path for path in plakar.paths(plakar.snapshots()[0]) if ".dump" in path}
            assert found == {f"/{i:05}-{name}.dump" for i, name in enumerate(
                ["accounts", "postgres", "shop", "template1"], 1)}, location
    assert "configuration OK" in plakar.run("source", "ping", "all").check().stdout
    plakar.run("source", "check", "all").check()
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


@ONE
def test_ping_of_all_databases_asks_any_of_them(plakar, shop, major):
    server = shop(major)
    place = f"127.0.0.1:{server.port}"
    sources = {"all": f"postgres://limited:{PASSWORD}@{place}",
               "wrong": f"postgres://limited:wrong@{place}",
               "nobody": "postgres://postgres@127.0.0.1:1"}
    for name, location in sources.items():
        plakar.run("source", "add", name, location).check()
    # There is no database "limited".
    assert "configuration OK" in plakar.run("source", "ping", "all").check().stdout
    server.sql("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    try:
        assert "configuration OK" in plakar.run("source", "ping", "all").check().stdout
    finally:
        server.sql("GRANT CONNECT ON DATABASE postgres TO PUBLIC")
    for name, why in (("wrong", "password"), ("nobody", "Connection refused")):
        for result in (plakar.run("source", "ping", name), plakar.backup(f"@{name}")):
            assert result.rc == 1 and why in result.stdout + result.stderr, result
            assert PASSWORD not in result.stdout + result.stderr
    assert plakar.snapshots() == []


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
                   server.binary_uri(), f"postgres://postgres@{place}"):
        if "limited" in source:
            server.sql("GRANT pg_read_all_data TO limited")
        plakar.backup(source).check()
    newest_first = plakar.snapshots()
    found = [identity(plakar, snapshot) for snapshot in reversed(newest_first)]
    kinds, origins = [each[0] for each in found], [each[1] for each in found]
    assert kinds == ["postgresql", "postgresql", "postgresql", "postgres+bin", "postgresql"]
    assert origins[1] == origins[2]  # another user, another name of the same place
    machine, colon, rest = origins[0].partition(":")
    assert machine and [origin.removeprefix(machine) for origin in origins] == [
        f":{server.port}/accounts", f":{server.port}/shop", f":{server.port}/shop",
        f":{server.port}", f":{server.port}/"]
    assert {each[2] for each in found} == {"/"}

    # One a day for each origin: of the two of "shop" the older one goes, and nothing else.
    plakar.on_store("prune", "-apply", "-group-by", "origin", "-per-day", "1").check()
    assert plakar.snapshots() == [each for each in newest_first if each != newest_first[3]]
    for snapshot in plakar.snapshots():
        paths = plakar.paths(snapshot)
        assert {"/accounts.dump", "/shop.dump", "/data/PG_VERSION", "/all.sql"} & set(paths)

    both = plakar.backup(f"postgres://postgres@{place}/accounts",
                         f"postgres://postgres@{place}/shop")
    assert both.rc == 1 and len(plakar.snapshots()) == 4
