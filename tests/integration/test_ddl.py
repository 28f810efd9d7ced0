"""Objects that change while the catalogs are read: the backup is of one moment, or says that it is
not and which object changed. A relay stops the job before a query until the change is made.

`--whole` runs every change at every query; otherwise it is a sample, another one for each version.
"""

import collections
import contextlib
import json
import pathlib
import random
import shutil
import threading
import time
import types

import pytest

from pgcask_testing import ddl, logical, oracles, process, psql
from pgcask_testing.held_link import HeldLink, NullLink

CHANGES = 6  # of a sample
START = time.monotonic()


@pytest.fixture(scope="module")
def module_server(module_servers, major):
    server = module_servers.create(major)
    logical.make(server, "app")
    return server


@pytest.fixture
def sweep(pgcask, module_server, workdir):
    return ddl.Sweep(pgcask, module_server, "app", workdir)


def run(sweep, change, moments):
    return [sweep.run(change, at) for at in moments]


def judge(outcomes):
    """All are right; how many came to what."""
    wrong = [str(outcome) for outcome in outcomes if outcome.wrong]
    assert not wrong, f"{len(wrong)} of {len(outcomes)}\n" + "\n\n".join(wrong[:5])
    counts = collections.Counter(outcome.word for outcome in outcomes)
    print(len(outcomes), dict(counts))
    return counts


@pytest.mark.majors(13, 15, 18)
def test_a_change_at_any_moment(sweep, module_server, major, request):
    """Each change comes once in each fifth of the backup.

    Every archive is that of one moment, and such a one was restored. That the sweep can tell: some
    changes come in time to be read again, and some so late that they go through and the archive is
    still that of the moment before, which is then what it is compared with.
    """
    if request.config.getoption("--whole"):
        pytest.skip("part of the whole")
    outcomes = []
    for change in random.Random(major).sample(ddl.CHANGES, CHANGES):
        count = sweep.references(change)[2]
        outcomes += run(sweep, change, a_few(change, count, 5, major))
    counts = judge(outcomes)
    assert counts["after"] >= len(outcomes) / 5
    assert counts["before"] + counts["refused"] >= len(outcomes) / 10 and counts["before"] > 0
    oracles.wait_for_nothing_left(module_server)


class Record:
    """Outcomes of changes in a file, a line each: a sweep can be ended and gone on with."""

    def __init__(self, path, *key):
        self._path = path and pathlib.Path(path)
        self._key = list(key)
        lines = self._path.read_text().splitlines() if path and self._path.exists() else []
        self._known = {tuple(json.loads(line)["key"]) for line in lines}

    def knows(self, change):
        return (*self._key, str(change)) in self._known

    def add(self, change, outcomes):
        if self._path:
            line = {"key": [*self._key, str(change)],
                    "outcomes": [[outcome.at, outcome.word] for outcome in outcomes]}
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")


@pytest.mark.parametrize("kind", ddl.KINDS)
def test_every_change_at_every_moment(kind, sweep, major, request):
    option = request.config.getoption
    if not option("--whole"):
        pytest.skip("needs --whole")
    record = Record(option("--sweep-record"), major, option("--sweep-moments"),
                    option("--sweep-seed"))
    outcomes = []
    for change in ddl.changes_of(kind):
        if record.knows(change):
            continue
        if time.monotonic() - START > option("--sweep-minutes") * 60:
            judge(outcomes)
            pytest.skip("the time is over")
        count = sweep.references(change)[2]
        moments = a_few(change, count, option("--sweep-moments") or count, option("--sweep-seed"))
        these = run(sweep, change, moments)
        record.add(change, these)
        outcomes += these
    judge(outcomes)


def a_few(change, count, wanted, seed):
    """One moment of each of as many parts of the backup, as long as each other."""
    choice = random.Random(f"{change} {seed}")
    bounds = [count * part // wanted for part in range(wanted + 1)]
    return [choice.randint(low + 1, high) for low, high in zip(bounds, bounds[1:]) if low < high]


# Before the tables are locked, each of these goes through.
@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("name", ["function: dropped", "enum in rows: altered",
                                  "view: column renamed", "table: truncated",
                                  "table: its owner renamed", "default: renamed"])
def test_what_would_be_torn(name, sweep):
    """Found, and read again: what comes out is what is there afterwards."""
    (change,) = [change for change in ddl.CHANGES if str(change) == name]
    assert judge(run(sweep, change, (6, 14)))["after"] == 2


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("change, option", [
    ("ALTER INDEX k.i RENAME TO i2", ("--tables", "k.t")),
    ("ALTER INDEX k.i SET (fillfactor = 50)", ("--tables", "k.t")),
    ("ALTER TYPE k.c ADD ATTRIBUTE z int", ("--exclude-tables", "k.other")),
    ("ALTER TYPE k.c RENAME ATTRIBUTE x TO xx", ("--exclude-tables", "k.other")),
])
def test_what_a_wanted_table_has_is_looked_at_under_a_filter(pgcask, module_server, workdir, change,
                                                             option):
    """An index and a composite type are relations that no filter names."""
    server = module_server
    logical.run_sql(server, "app", ddl.QUIET + ddl.RESET + """
        CREATE TYPE k.c AS (x int, y text); CREATE TABLE k.other (a int);
        CREATE TABLE k.t (a int PRIMARY KEY, v k.c[]); INSERT INTO k.t VALUES (1, '{"(1,b)"}');
        CREATE INDEX i ON k.t (v); COMMENT ON INDEX k.i IS 'one'; ALTER TABLE k.t CLUSTER ON i;""")
    changed = []

    def hold():
        if not changed:
            changed.append(logical.run_sql(server, "app", change))

    with HeldLink(server.port, before=b"pg_get_indexdef", hold=hold) as link:
        pgcask("backup", f"postgres://{server.superuser}@127.0.0.1:{link.port}/app?sslmode=disable",
               "--to", workdir / "b", "--quiet", *option).check()
    assert changed
    logical.run_sql(server, "app", "DROP TABLE k.other")
    logical.create_like(server, "app", "copy")
    logical.run_sql(server, "copy", "CREATE SCHEMA k; " + (
        "CREATE TYPE k.c AS (x int, y text)" if option[0] == "--tables" else ""))
    logical.restore(server, workdir / "b/app.dump", "copy", *(
        () if option[0] == "--tables" else ("--clean", "--if-exists")))
    source, copy = (logical.definitions(server, db) for db in ("app", "copy"))
    assert any(line.endswith("|one") for line in source) and copy == source
    assert logical.table_sums(server, "copy") == logical.table_sums(server, "app")
    logical.drop(server, "copy")


@pytest.mark.sampled
def test_a_function_dropped_behind_a_lock(pgcask, module_server, workdir):
    """The job waits for a table while a function goes; its definition is asked for afterwards."""
    server = module_server
    logical.run_sql(server, "app", ddl.RESET + "CREATE TABLE k.gate (a int); "
                    "CREATE FUNCTION k.f() RETURNS int LANGUAGE sql AS 'SELECT 1';")
    with server.session("app") as session:
        session.send("BEGIN; LOCK TABLE k.gate; SELECT pg_sleep(1.5); DROP FUNCTION k.f(); COMMIT")
        time.sleep(0.3)
        archive = logical.back_up(pgcask, server, "app", workdir / "b")
        session.receive()
    listed = logical.contents(server, archive)
    assert not [entry for entry in listed if entry.startswith("FUNCTION")]
    logical.create_like(server, "app", "copy")
    logical.restore(server, archive, "copy")


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("lock, named", [
    ("CREATE OR REPLACE VIEW k.v AS SELECT 2 AS a", "k.v"), ("DROP SEQUENCE k.s", "k.s"),
    ("LOCK TABLE k.t", "table k.t")])
def test_whatever_is_locked_is_waited_for_as_long_as_tables(pgcask, module_server, workdir, lock,
                                                           named):
    """And before anything else is asked for: no second session waits, nothing is written."""
    server = module_server
    logical.run_sql(server, "app", ddl.RESET + "CREATE VIEW k.v AS SELECT 1 AS a; "
                    "CREATE SEQUENCE k.s; CREATE TABLE k.t (a int)")
    with server.session("app") as session, HeldLink(server.port) as link:
        session.sql(f"BEGIN; {lock}")
        holder = session.sql("SELECT pg_backend_pid()")[0][0]
        result = pgcask("backup", f"postgres://{server.superuser}@127.0.0.1:{link.port}/app"
                                  "?sslmode=disable", "--to", workdir / "b", "--lock-timeout", "1s")
        assert result.rc == 1 and link.connections == 2, result  # the first: preflight
        assert f"cannot lock {named} within 1 s" in result.stderr, result
        assert f"pg_terminate_backend({holder})" in result.stderr, result
    assert not list(workdir.iterdir())


@pytest.mark.parametrize("subtransaction", [False, True])
@pytest.mark.sampled
def test_subtransactions_count_too(pgcask, module_server, workdir, subtransaction):
    """A transaction that was there before the snapshot changes something in one."""
    server = module_server
    logical.run_sql(server, "app", ddl.RESET + "CREATE TABLE k.gate (a int); "
                    "CREATE TABLE k.o (a int); INSERT INTO k.o VALUES (1);")
    before, after = ("SAVEPOINT s; ", "; RELEASE s") if subtransaction else ("", "")
    with server.session("app") as session:
        session.send("BEGIN; LOCK TABLE k.gate; SELECT pg_sleep(1); "
                     f"{before}TRUNCATE k.o; INSERT INTO k.o VALUES (2), (3){after}; COMMIT")
        time.sleep(0.3)
        logical.back_up(pgcask, server, "app", workdir / "b")
        session.receive()
    assert logical.summary(workdir / "b")["rows"] == 2


@pytest.mark.majors(18)
@pytest.mark.parametrize("connection", [1, 2, 3], ids=["preflight", "catalogs", "manifest"])
def test_a_value_that_is_not_there_is_no_crash(pgcask, module_server, workdir, request, major,
                                               connection):
    """Of an object that is gone the server's functions give null, whichever object it is."""
    server = module_server
    tables, others = ddl.KINDS["policy"], ("view", "materialized view", "function", "procedure",
                                           "aggregate", "range", "domain", "base type", "sequence")
    logical.run_sql(server, "app", ddl.QUIET + ddl.RESET + tables.base + tables.make + "".join(
        kind.base.removeprefix(ddl.TABLE) + kind.make.replace("k.o", f"k.o{number}")
        for number, kind in enumerate(map(ddl.KINDS.get, others))
    ).replace("k.f()", "k.f2()") + """
        ALTER TABLE k.t ADD PRIMARY KEY (a), ADD CHECK (a > 0), ALTER a SET DEFAULT 5;
        CREATE RULE r AS ON DELETE TO k.t DO INSTEAD NOTHING; CREATE STATISTICS k.s ON a, b FROM k.t;
        CREATE TABLE k.p (a int) PARTITION BY LIST (a);
        CREATE TABLE k.q PARTITION OF k.p FOR VALUES IN (1); GRANT SELECT ON k.p TO PUBLIC;
        COMMENT ON TABLE k.t IS 'x'; CREATE INDEX ON k.p (a);
    """ + ddl.TRIGGER + "CREATE TRIGGER g BEFORE UPDATE ON k.t EXECUTE FUNCTION k.tf();")

    def backup(link, folder):
        return pgcask("backup", f"postgres://{server.superuser}@127.0.0.1:{link.port}/app"
                                "?sslmode=disable", "--to", folder, "--quiet")

    with NullLink(server.port, connection) as link:
        backup(link, workdir / "b").check()
    cases = [(query, column) for query, count in link.columns.items() for column in range(count)]
    assert len(cases) > (200 if connection == 2 else 15)
    if not request.config.getoption("--whole"):
        cases = random.Random(major).sample(cases, min(30, len(cases)))
    failed = 0
    for query, column in cases:
        with NullLink(server.port, connection, query, column) as link:
            result = backup(link, workdir / f"{query}-{column}")
        assert result.rc in (0, 1), (query, column, result)
        assert connection == 1 or result.rc == 0 or result.stderr.count("error: ") == 1, (
            query, column, result)  # a preflight tells all that it finds
        failed += result.rc
    assert connection != 2 or failed > len(cases) / 4


@pytest.mark.majors(18)
@pytest.mark.parametrize("kind", ["names in rows", "names within rows"])
def test_names_that_rows_print_change_before_they_are_copied(sweep, module_server, kind, workdir):
    """No such archive is made: what the rows name would not be there. The object is named."""
    changes = [change for change in ddl.changes_of(kind) if change.what in ddl.NAMES
               and change.what != "view replaced"]  # its name stays
    refused = []
    for change in changes:
        sweep.make(change)
        done = []
        with HeldLink(module_server.port, hold=lambda: done.append(sweep.apply(change)),
                      before=b"COPY k.o ") as link:
            folder, result = sweep.back_up(link.port)
        assert len(done) == 1
        if not done[0]:
            refused.append(change.what)
            assert result.ok, result
            continue
        assert result.rc == 1 and "run it again" in result.stderr, (str(change), result)
        named = {"view": "view k.v", "func": "function k2.f", "type": "type k.e", "role":
                 "role ddl_named"}.get(change.what[:4], "")
        if change.what == "functions moved":
            named = "schema k2"
        assert f"error: {named} was renamed, changed or dropped" in result.stderr, (
            str(change), result)
        assert not folder.exists()
    assert len(refused) <= 3 and all(what.startswith("view") for what in refused)


@pytest.mark.majors(18)
def test_whatever_a_row_names_wherever_it_does(sweep, module_server, major, workdir):
    """Of all types that are printed by name, and in all that a row may be made of."""
    server, wrong, refused = module_server, [], []
    for number, case in enumerate(dict.fromkeys(ddl.held_cases(major))):
        kind, value, place, sql, named = case
        logical.run_sql(server, "app", ddl.QUIET + ddl.RESET + ddl.held_table(kind, value, place))
        done = []
        change = types.SimpleNamespace(sql=sql + ";")

        def hold():
            done.append(None)
            with contextlib.suppress(process.CommandFailed):
                done[0] = sweep.apply(change)

        with HeldLink(server.port, hold=hold, before=b"COPY k.o ") as link:
            folder, result = sweep.back_up(link.port)
        assert len(done) == 1 and done[0] is not None, f"{case}\n{result.stderr}"
        if not done[0]:
            refused.append(sql)
            assert result.ok, result
            shutil.rmtree(folder)
        elif (result.rc != 1
              or f"error: {named} was renamed, changed or dropped" not in result.stderr):
            wrong.append((*case, result.rc, result.stderr))
    logical.run_sql(server, "app", ddl.QUIET + ddl.RESET)
    logical.make(server, "app")  # anew, with a plpgsql that is the system's
    assert number > 60 and not wrong, "\n".join(map(str, wrong))
    # The backup's own locks are in the way of these.
    assert all(" VIEW k2.v" in sql or sql == "DROP INDEX k2.i_a" for sql in refused), refused
    assert "ALTER VIEW k2.v RENAME TO w" not in refused
    assert not list(workdir.glob("b*"))


@pytest.mark.majors(18)
def test_the_time_for_all_locks_is_that_of_all_tries(pgcask, module_server, workdir):
    """Each try waits for a lock and finds something changed: 0.8 s each, 2 s in all. From the
    second on it has the lock before its snapshot."""
    server = module_server
    logical.run_sql(server, "app", ddl.RESET + "CREATE TABLE k.t (a int); "
                    f"CREATE FUNCTION k.o() {ddl.BODY}")
    holders = []
    change = f"DROP FUNCTION k.o(); CREATE FUNCTION k.o() {ddl.BODY}; COMMIT"

    def hold():
        session = server.session("app").__enter__()
        holders.append(session)
        try:
            session.sql("BEGIN; LOCK TABLE k.t NOWAIT")
        except psql.SqlError:
            holders.pop().__exit__(None, None, None)
            logical.run_sql(server, "app", "BEGIN; " + change)
        else:
            session.send(f"SELECT pg_sleep(0.8); {change}")

    with HeldLink(server.port, hold=hold, before=b"LOCK TABLE ONLY ") as link:
        result = pgcask("backup", f"postgres://{server.superuser}@127.0.0.1:{link.port}/app"
                                  "?sslmode=disable", "--to", workdir / "b", "--quiet",
                        "--lock-timeout", "60s", "--lock-timeout-total", "2s")
    for session in holders:
        session.receive()
        session.__exit__(None, None, None)
    assert len(holders) >= 3
    assert result.rc == 1 and "cannot lock table k.t within 2 s, the time for all" in result.stderr
    assert not list(workdir.iterdir())


def busy(server, *scripts):
    """Runs each script over and over, in a session of its own, until it is told to end."""
    end = threading.Event()

    def work(script):
        while not end.is_set():
            logical.run_sql(server, "app", script, stop=False)

    threads = [threading.Thread(target=work, args=(script,)) for script in scripts]
    for thread in threads:
        thread.start()
    return end, threads


@pytest.mark.majors(13, 15, 18)
def test_what_goes_on_all_day_is_no_change(pgcask, module_server, workdir):
    """Temporary objects, statistics, vacuum, new indexes, views refreshed, privileges elsewhere."""
    server = module_server
    logical.run_sql(server, "app", ddl.RESET + """
        CREATE TABLE k.t AS SELECT g AS a FROM generate_series(1, 1000) g;
        CREATE TABLE k.u AS SELECT g AS a FROM generate_series(1, 1000) g;
        CREATE MATERIALIZED VIEW k.m AS SELECT * FROM k.t;
        CREATE TYPE k.e AS ENUM ('a'); CREATE FUNCTION k.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    """)
    end, threads = busy(
        server,
        "CREATE TEMP TABLE x (a serial PRIMARY KEY, b text DEFAULT 'x', CHECK (a > 0)); "
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; "
        "CREATE TYPE pg_temp.e AS ENUM ('a'); CREATE TEMP VIEW v AS SELECT * FROM x; "
        "ALTER TABLE x RENAME b TO c; CREATE INDEX ON x (c); TRUNCATE x; DROP TABLE x CASCADE;",
        "ANALYZE k.t; VACUUM k.t; REFRESH MATERIALIZED VIEW k.m; REINDEX TABLE k.u;",
        "CREATE INDEX CONCURRENTLY i ON k.u (a); COMMENT ON TABLE k.u IS 'x'; ",
        "CREATE TABLE k2.new (a int); CREATE ROLE not_here; DROP ROLE not_here;")
    try:
        for i in range(6):
            result = pgcask("backup", server.uri("app"), "--to", workdir / f"b{i}", "--verbose")
            result.check()
            assert "again" not in result.stderr, result
    finally:
        end.set()
        for thread in threads:
            thread.join()


@pytest.mark.majors(13, 18)
def test_changes_without_end(pgcask, module_server, workdir):
    """It ends, one way or the other, and soon."""
    server = module_server
    logical.run_sql(server, "app", ddl.RESET + "CREATE TABLE k.o (a int)")
    end, threads = busy(server, "DROP TABLE k.o; CREATE TABLE k.o (a int);" * 50)
    try:
        for i in range(3):
            start = time.monotonic()
            result = pgcask("backup", server.uri("app"), "--to", workdir / f"b{i}", "--quiet")
            assert time.monotonic() - start < 60
            if not result.ok:
                assert result.rc == 1 and "k.o" in result.stderr, result
                assert "run it again" in result.stderr, result
                assert not list(workdir.glob(f"b{i}*")), result
    finally:
        end.set()
        for thread in threads:
            thread.join()


@pytest.mark.majors(13, 18)
def test_a_change_in_every_try_is_an_error(pgcask, module_server, workdir):
    """Something else is in the way each time: after a few tries it is named."""
    server = module_server
    logical.run_sql(server, "app", ddl.RESET + f"CREATE FUNCTION k.o() {ddl.BODY}")
    change = f"BEGIN; DROP FUNCTION k.o(); CREATE FUNCTION k.o() {ddl.BODY}; COMMIT"

    class Always(HeldLink):
        def _count(self, message):
            super()._count(message)
            if self.queries % 10 == 0:  # a try takes more
                logical.run_sql(server, "app", change)

    with Always(server.port) as link:
        result = pgcask("backup", f"postgres://{server.superuser}@127.0.0.1:{link.port}/app"
                                  "?sslmode=disable", "--to", workdir / "b", "--quiet")
    assert result.rc == 1 and result.stderr.count("error") == 1, result
    for words in ("k.o", "was dropped or changed", " times, and each", "run it again"):
        assert words in result.stderr, result
    assert not list(workdir.iterdir())
    oracles.wait_for_nothing_left(server)


@pytest.mark.majors(13, 18)
def test_on_a_standby(pgcask, module_servers, major, workdir):
    """Nothing that looks at transactions by their numbers knows what ran there."""
    primary = module_servers.create(major)
    standby = module_servers.standby(primary)
    primary.sql("CREATE SCHEMA k; CREATE FUNCTION k.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; "
                "CREATE VIEW k.v AS SELECT 1 AS a")
    standby.wait_for_replay(primary)
    for at, change in ((15, "ALTER FUNCTION k.f() RENAME TO g"),
                       (25, "BEGIN; SAVEPOINT s; ALTER VIEW k.v RENAME a TO b; COMMIT")):

        def hold():
            primary.sql(change)
            standby.wait_for_replay(primary)

        with HeldLink(standby.port, at, hold) as link:
            result = pgcask("backup", f"postgres://postgres@127.0.0.1:{link.port}/postgres"
                                      "?sslmode=disable", "--to", workdir / f"b{at}", "--verbose")
        assert result.ok and "reading them again" in result.stderr, result
