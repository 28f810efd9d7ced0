"""A pooler between pgcask and the server, which lends its sessions to whoever comes: a backup through
it is whole, or is refused at once, and leaves nothing set for the next one."""

import json
import time

import pytest

from pgcask_testing import logical, process
from pgcask_testing.pooler import pooler

pytestmark = pytest.mark.sampled

TABLES = """
CREATE TABLE plain (id serial PRIMARY KEY, note text);
INSERT INTO plain (note) SELECT repeat(i::text, 100) FROM generate_series(1, 5000) i;
CREATE VIEW seen AS SELECT id FROM plain;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
"""


@pytest.fixture(scope="module")
def filled(major, module_servers):
    server = module_servers.create(major)
    logical.make(server, "app", TABLES)
    yield server
    server.close()


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_backup_through_a_pool_is_the_same_and_a_warning_says_so(
    pgcask, filled, workdir, major, mode
):
    # One session of the server for each of pgcask's: none is left for another transaction.
    with pooler(filled, mode) as pool:
        result = pgcask("backup", pool.uri("app"), "--to", workdir / "b", "--json").check()
        (found,) = json.loads(result.stdout)["findings"]
        assert not found["fatal"] and "pooler" in found["message"] and found["hint"]
        assert found["message"] in result.stderr
    logical.create_like(filled, "app", "copy")
    logical.restore(filled, workdir / "b/app.dump", "copy")
    logical.assert_equal(filled, "app", "copy", workdir / "b/app.dump", workdir)
    logical.drop(filled, "copy")
    direct = pgcask("check", filled.uri("app"), "--json").check()
    assert json.loads(direct.stdout)["findings"] == []


def test_nothing_stays_set_for_the_pools_next_client(pgcask, filled, workdir, major):
    settings = """SELECT name, setting FROM pg_settings WHERE source = 'session'
                  AND name NOT IN ('application_name', 'client_encoding') ORDER BY 1"""
    with pooler(filled, "transaction", default_pool_size=3, server_reset_query="") as pool:
        before = pool.sql(settings, "app")
        for name in ("check", "backup"):
            pgcask(name, pool.uri("app"), "--to", workdir / name).check()
            for _ in range(4):
                assert pool.sql(settings, "app") == before
        assert pool.sql("SHOW search_path", "app") == [['"$user", public']]


def test_a_pool_that_lends_sessions_by_statement_is_refused_at_once(
    pgcask, filled, workdir, major
):
    with pooler(filled, "statement") as pool:
        for command in (["check"], ["backup", "--to", workdir / "b"]):
            result = pgcask(command[0], pool.uri("app"), *command[1:])
            assert result.rc == 1 and result.wall_time < 10, result
            assert "statement pooling mode" in result.stderr, result
            assert "pool_mode = session" in result.stderr, result
    assert not list(workdir.iterdir())


@pytest.mark.majors(15)
def test_the_console_of_a_pooler_is_no_server(pgcask, filled, workdir, major):
    with pooler(filled, "session") as pool:
        for command in (["check"], ["backup", "--to", workdir / "b"]):
            result = pgcask(command[0], pool.uri("pgbouncer"), *command[1:])
            assert result.rc == 1 and "console of pgbouncer" in result.stderr, result
    assert not list(workdir.iterdir())


@pytest.mark.majors(13, 18)
def test_a_backup_that_is_killed_behind_a_pool_holds_no_lock(
    pgcask, pgcask_path, filled, workdir, major
):
    held = """SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
              WHERE c.relname = 'plain'"""

    def wait_for(count):
        end = time.monotonic() + 20
        while filled.value(held, "app") != count:
            assert time.monotonic() < end, count
            time.sleep(0.02)

    with pooler(filled, "transaction") as pool:
        with process.Process([pgcask_path, "backup", pool.uri("app"), "--to", "-"]) as running:
            wait_for("1")  # nobody reads the tar: it stays in the middle of the rows
            running.kill()
            wait_for("0")
