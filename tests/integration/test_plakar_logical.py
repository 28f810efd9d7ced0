"""Plakar itself, backing databases up logically with our package."""

import pytest

from pgcask_testing import oracles, paths, process
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

NEWEST_AND_DEBIANS = pytest.mark.majors(15, 18)
ONE = pytest.mark.majors(18)

SCHEMA = """
CREATE TABLE book (id serial PRIMARY KEY, title text NOT NULL, pages int CHECK (pages > 0));
CREATE INDEX ON book (lower(title));
CREATE VIEW long_book AS SELECT * FROM book WHERE pages > 500;
INSERT INTO book (title, pages) SELECT 'book ' || g, g FROM generate_series(1, 20000) g;
"""


def fill(server):
    server.sql("CREATE DATABASE app")
    server.sql(SCHEMA, db="app")
    return server


@pytest.fixture
def source(servers, major):
    return fill(servers.create(major))


@pytest.fixture(scope="module")
def filled(module_servers):
    """The same server for all tests of a major that only read from it."""
    made = {}

    def get(major):
        if major not in made:
            made[major] = fill(module_servers.create(major))
        return made[major]

    return get


def uri(server):
    return f"postgres://{server.superuser}@127.0.0.1:{server.port}/app"


@NEWEST_AND_DEBIANS
def test_a_database_comes_back_through_plakar(plakar, pgcask, source, workdir, major):
    plakar.run("source", "add", "app", uri(source)).check()
    assert "configuration OK" in plakar.run("source", "ping", "app").check().stdout
    plakar.backup("@app").check()
    oracles.wait_for_nothing_left(source)
    (snapshot,) = plakar.snapshots()
    plakar.on_store("check").check()

    tree = plakar.restore(workdir / "tree", snapshot)
    assert sorted(p.name for p in tree.iterdir()) == [
        "app.dump", "globals.sql", "manifest.json", "summary.json"]
    pgcask("verify", tree).check()
    source.sql("CREATE DATABASE back TEMPLATE template0")
    process.run([paths.stock("pg_restore", major), "-d",
                 f"host=127.0.0.1 port={source.port} user={source.superuser} dbname=back",
                 tree / "app.dump"]).check()
    rows = "SELECT count(*), md5(string_agg(b::text, ',' ORDER BY id)) FROM book b"
    assert source.sql(rows, db="back") == source.sql(rows, db="app")


@NEWEST_AND_DEBIANS
def test_a_dump_that_fails_fails_the_backup(plakar, source, major):
    source.sql("CREATE COLLATION nobodys FROM \"C\"; UPDATE pg_collation SET collowner = 99999 "
               "WHERE collname = 'nobodys'", db="app")
    result = plakar.backup(uri(source))
    assert result.rc == 1, result
    assert "COLLATION public.nobodys has the owner" in result.stdout + result.stderr, result
    assert plakar.snapshots() == []
    oracles.wait_for_nothing_left(source)


@ONE
@pytest.mark.parametrize("record", ["manifest.json", "globals.sql", "app.dump", "summary.json"])
def test_a_logical_record_that_is_left_out_fails_the_backup_and_says_why(
    plakar, filled, workdir, major, record
):
    server = filled(major)
    (workdir / "patterns").write_text(f"# nothing of it\n{record}\n")
    for pattern in (["-ignore", f"/{record}"], ["-ignore", "*.nothing", "-ignore", record],
                    ["-ignore-file", workdir / "patterns"]):
        result = plakar.backup(*pattern, uri(server))
        assert result.rc == 1 and plakar.snapshots() == [], result
        assert f"Plakar left /{record} out, as it was told to" in result.stdout, result
        assert "-ignore" in result.stdout and "was not read to its end" not in result.stdout
    oracles.wait_for_nothing_left(server)


@ONE
def test_patterns_that_match_nothing_of_it_do_not_hinder_a_logical_backup(plakar, filled, major):
    server = filled(major)
    patterns = ["-ignore", "*.log", "-ignore", "/data", "-ignore", "app"]
    dry = plakar.backup("-dry-run", *patterns, uri(server)).check()
    assert "/manifest.json" in dry.stdout + dry.stderr and plakar.snapshots() == []
    plakar.backup(*patterns, uri(server)).check()
    # What is taken back at the end is not left out.
    plakar.backup("-ignore", "*.dump", "-ignore", "!/app.dump", uri(server)).check()
    assert len(plakar.snapshots()) == 2


@ONE
def test_a_dry_run_with_patterns_begins_no_base_backup(plakar, servers, major):
    server = servers.create(major, conf={"log_replication_commands": "on"})
    plakar.backup("-dry-run", "-ignore", "/data/log", server.binary_uri()).check()
    oracles.wait_for_nothing_left(server)
    assert "BASE_BACKUP" not in server.log and plakar.snapshots() == []


@ONE
def test_a_lock_in_the_way_is_told_without_the_other_sessions_statement(plakar, filled, major):
    server = filled(major)
    with server.session("app") as session:
        session.sql("BEGIN; LOCK TABLE book; SELECT 'hunter2'")
        result = plakar.backup("-o", "lock_timeout=1s", uri(server))
    assert result.rc == 1 and "table public.book" in result.stdout, result
    assert "(SELECT …)" in result.stdout and "pg_terminate_backend" in result.stdout
    assert "hunter2" not in result.stdout + result.stderr
    assert "lock_timeout" in result.stdout and "--" not in result.stdout
