"""Definitions that change several times a second, all the time, do not keep a database from being
backed up, and what the archive has is of one moment.

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


def assert_numbers_are_of_one_moment(server):
    """Each round sets one after the other to its number: a later one is behind by one at most."""
    (words,) = server.sql(r"""
        SELECT (SELECT prosrc FROM pg_proc WHERE oid = 'k.f'::regproc),
               (SELECT prosrc FROM pg_proc WHERE oid = 'k.p'::regproc),
               coalesce(substring(pg_get_viewdef('k.v'::regclass) FROM '(\d+) AS f'), '0'),
               coalesce(obj_description('k.t'::regclass), '0'),
               coalesce(obj_description('k.f'::regproc), '0'),
               (SELECT reloptions[1] FROM pg_class WHERE oid = 'k.t'::regclass),
               (SELECT procost || coalesce(proconfig[1], '') FROM pg_proc WHERE oid = 'k.f'::regproc)
    """, "copy")
    f, p, view, of_table, of_function = (int(word.split()[-1]) for word in words[:5])
    assert f >= p >= view >= of_table >= of_function >= f - 1, words
    assert int(words[5][-1]) in {max(number, 0) % 10 for number in range(f - 1, of_function + 1)}
    # A function that is replaced begins anew.
    assert words[6] in {"100", f"{f}work_mem={f}MB"}, words


def assert_tables_are_of_one_moment(server):
    """Each state of them is one of those that they are in."""
    columns = dict(server.sql("""
        SELECT relname, string_agg(attname, ' ' ORDER BY attnum)
          FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
           AND NOT attisdropped
         WHERE relnamespace = 'k'::regnamespace AND relname IN ('n', 'n2', 'o') GROUP BY relname
    """, "copy"))
    assert columns.pop("o", "a") == "a"
    assert list(columns.items()) in ([("n", "a")], [("n", "a c")], [("n2", "a")]), columns


def assert_of_one_moment(server):
    """A GRANT over several objects is there for all of them or for none."""
    granted = server.sql("""
        SELECT DISTINCT kind, reader FROM (
            SELECT 'r', coalesce(relacl::text LIKE '%again_reader=r/%', false) FROM pg_class
             WHERE oid IN ('k.t'::regclass, 'k.s'::regclass, 'k.v'::regclass)
            UNION ALL
            SELECT 'n', coalesce(nspacl::text LIKE '%again_reader=U/%', false) FROM pg_namespace
             WHERE nspname IN ('k', 'k 2')) x (kind, reader)""", "copy")
    assert len(granted) == 2, granted
    for rows, table in (({"500"}, "k.t"), ({"0", "50"}, "k.u")):
        assert server.value(f"SELECT count(*) FROM {table}", "copy") in rows


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
    assert_of_one_moment(server)
    {"what the snapshot has": assert_numbers_are_of_one_moment,
     "what locks keep": assert_tables_are_of_one_moment}.get(loop, assert_of_one_moment)(server)
    logical.drop(server, "copy")


NOT_WANTED = """
    DROP FUNCTION IF EXISTS k.away(int); CREATE FUNCTION k.away(int) RETURNS int LANGUAGE sql AS 'SELECT {i}';
    DROP TYPE IF EXISTS k.gone; CREATE TYPE k.gone AS (a int); ALTER TYPE k.gone ADD ATTRIBUTE b int;
    ALTER TYPE k.e RENAME TO e2; ALTER TYPE k.e2 RENAME TO e;
    DROP TABLE IF EXISTS k.o; CREATE TABLE k.o (a int);
"""


@pytest.mark.majors(13, 18)
def test_what_is_not_wanted_may_change_as_it_likes(pgcask, module_server, workdir):
    """Nothing that is wanted needs it: the catalogs are read once."""
    server = module_server
    renew(server)
    again = "reading them again"
    with SlowLink(server.port, LATE) as link, going_on(server, NOT_WANTED, 0.02) as rounds:
        def back_up(*options):
            folder = workdir / str(len(list(workdir.iterdir())))
            return pgcask("backup", f"postgres://{server.superuser}@127.0.0.1:{link.port}/app"
                                    "?sslmode=disable", "--to", folder, "--verbose", *options)

        assert again in back_up("--schema-only").stderr
        for options in (["--exclude-schemas=k", '--exclude-schemas="k 2"'], ["--schemas=public"],
                        ['--tables="k 2".w']):
            before, result = len(rounds), back_up(*options)
            assert len(rounds) > before + 2, result
            assert result.ok and again not in result.stderr, (options, result)
