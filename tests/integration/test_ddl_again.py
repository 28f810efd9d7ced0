"""Definitions that change several times a second, all the time, do not keep a database from being
backed up, and what the archive has is right.

A relay makes every answer of the server late, so that several changes come into every try to read
the catalogs. The changes go on until the backup has ended: what waits for its locks waits.
"""

import contextlib
import itertools
import threading

import pytest

from pgcask_testing import logical
from pgcask_testing.slow_link import SlowLink

LATE = 0.003  # of an answer

BASE = """
    CREATE SCHEMA k; CREATE SCHEMA "k 2"; CREATE ROLE again_reader;
    CREATE TABLE k.t (a int PRIMARY KEY, b text) WITH (fillfactor = 90);
    INSERT INTO k.t SELECT g, g FROM generate_series(1, 500) g;
    CREATE TABLE k.u (a int); INSERT INTO k.u SELECT generate_series(1, 50);
    CREATE TYPE k.e AS ENUM ('x'); CREATE SEQUENCE k.s;
    CREATE FUNCTION k.f(a int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 0';
    CREATE PROCEDURE k.p() LANGUAGE sql AS 'SELECT 0';
    CREATE VIEW k.v AS SELECT a, k.f(a) AS f FROM k.u;
    CREATE MATERIALIZED VIEW k.m AS SELECT a, b FROM k.t;
    CREATE FUNCTION k.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER g BEFORE UPDATE ON k.u FOR EACH ROW EXECUTE FUNCTION k.g();
    CREATE TABLE k.n (a int); CREATE TABLE k.o (a int);
    CREATE VIEW "k 2".w AS SELECT k.f(a) FROM k.t;
"""

# {i} counts. Of the first no part that matters changes; the last cannot be locked for good.
GRANTS = """
    GRANT EXECUTE ON FUNCTION k.f(int) TO again_reader;
    GRANT SELECT ON k.t, k.s, k.v TO again_reader; GRANT UPDATE (b) ON k.t TO again_reader;
    GRANT USAGE ON SCHEMA k, "k 2" TO again_reader; GRANT USAGE ON TYPE k.e TO again_reader;
    REVOKE ALL ON k.t, k.s, k.v FROM again_reader;
    REVOKE EXECUTE ON FUNCTION k.f(int) FROM again_reader;
    REVOKE ALL ON SCHEMA k, "k 2" FROM again_reader;
    REVOKE USAGE ON TYPE k.e FROM again_reader;
"""
LOOPS = {
    "what the snapshot has": (0.2, GRANTS + """
        CREATE OR REPLACE FUNCTION k.f(a int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT {i}';
        CREATE OR REPLACE PROCEDURE k.p() LANGUAGE sql AS 'SELECT {i}';
        ALTER FUNCTION k.f(int) COST {i} SET work_mem = '{i}MB';
        CREATE OR REPLACE VIEW k.v AS SELECT a, {i} AS f FROM k.u;
        COMMENT ON TABLE k.t IS '{i}'; COMMENT ON FUNCTION k.f(int) IS '{i}';
        ALTER TABLE k.t SET (fillfactor = 9{d}); ALTER TABLE k.t ALTER b SET STATISTICS 10{d};
        REFRESH MATERIALIZED VIEW k.m;
        ALTER TABLE k.u DISABLE TRIGGER g; ALTER TABLE k.u ENABLE TRIGGER g;"""),
    "privileges without a pause": (0, GRANTS),
    "what locks keep": (0.2, """
        TRUNCATE k.u; INSERT INTO k.u SELECT generate_series(1, 50); TRUNCATE k.n;
        ALTER TABLE k.n ADD c int; ALTER TABLE k.n DROP c;
        ALTER TABLE k.n RENAME TO n2; ALTER TABLE k.n2 RENAME TO n;
        DROP TABLE k.o; CREATE TABLE k.o (a int);"""),
}


@contextlib.contextmanager
def going_on(server, script, every):
    """Runs it again and again in a session of its own."""
    end, rounds = threading.Event(), []

    def work():
        with server.session("app") as session:
            for number in itertools.count(1):
                session.sql(script.format(i=number, d=number % 10), timeout=120)
                rounds.append(number)
                if end.wait(every):
                    return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield rounds
    finally:
        end.set()
        thread.join()


@pytest.fixture(scope="module")
def module_server(module_servers, major):
    server = module_servers.create(major)
    logical.make(server, "app")
    return server


def renew(server):
    logical.run_sql(server, "app", "SET client_min_messages = error; DROP SCHEMA IF EXISTS k CASCADE;"
                    'DROP SCHEMA IF EXISTS "k 2" CASCADE; DROP ROLE IF EXISTS again_reader;' + BASE)


@pytest.mark.majors(13, 15, 18)
@pytest.mark.parametrize("loop", LOOPS)
def test_it_goes_on(pgcask, module_server, workdir, loop):
    server = module_server
    renew(server)
    every, script = LOOPS[loop]
    with SlowLink(server.port, LATE) as link, going_on(server, script, every) as rounds:
        result = pgcask("backup", f"postgres://{server.superuser}@127.0.0.1:{link.port}/app"
                                  "?sslmode=disable", "--to", workdir / "b", "--verbose")
    assert result.ok and rounds, result
    (archive,) = (workdir / "b").glob("*.dump")
    logical.create_like(server, "app", "copy")
    logical.restore(server, archive, "copy")
    logical.drop(server, "copy")
