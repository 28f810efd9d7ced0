"""How a logical backup behaves: locks, snapshots, rights, memory, statuses, standbys."""

import json
import time

import pytest

from pgcask_testing import logical, oracles

MB = 1 << 20


def run(pgcask, server, folder, *options, db="postgres", user=None, **more):
    return pgcask("backup", server.uri(db, user=user), "--to", folder, "--quiet", *options, **more)


def assert_refused(server, result, folder, *words):
    """One error that says these words, nothing written, nobody left."""
    assert not result.ok, result
    for word in words:
        assert word in result.stderr, result
    assert not folder.exists() and not list(folder.parent.glob("*.partial")), result
    oracles.wait_for_nothing_left(server)


def test_a_table_that_stays_locked_is_named_with_its_holder(pgcask, server, workdir):
    server.sql("CREATE TABLE \"a 'table'\" (a int); CREATE TABLE other (a int)")
    with server.session() as session:
        session.sql("""BEGIN; LOCK TABLE "a 'table'" IN ACCESS EXCLUSIVE MODE""")
        holder = session.sql("SELECT pg_backend_pid()")[0][0]
        start = time.monotonic()
        result = run(pgcask, server, workdir / "b", "--lock-timeout", "2s")
        assert time.monotonic() - start < 15
        assert_refused(server, result, workdir / "b", "a 'table'", f"process {holder}",
                       f"pg_terminate_backend({holder})")
        # A lock that goes away in time is waited for.
        session.send("SELECT pg_sleep(1); COMMIT")
        assert run(pgcask, server, workdir / "b", "--lock-timeout", "30s").ok
        session.receive()


def test_a_lock_that_is_waited_for_counts_too(pgcask, server, workdir):
    server.sql("CREATE TABLE t (a int)")
    with server.session() as reader, server.session() as writer:
        reader.sql("BEGIN; SELECT * FROM t")
        writer.send("BEGIN; LOCK TABLE t")
        while server.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0":
            time.sleep(0.02)
        result = run(pgcask, server, workdir / "b", "--lock-timeout", "1s")
        assert_refused(server, result, workdir / "b", "table public.t", "LOCK TABLE t")
        reader.sql("COMMIT")
        writer.receive()


def test_rows_behind_a_policy_are_an_error_and_no_subset(pgcask, server, workdir):
    server.sql("""
        CREATE ROLE reader LOGIN;
        CREATE TABLE "some rows" (a int);
        INSERT INTO "some rows" SELECT generate_series(1, 10);
        ALTER TABLE "some rows" ENABLE ROW LEVEL SECURITY;
        CREATE POLICY few ON "some rows" USING (a < 3);
        GRANT SELECT ON "some rows" TO reader;
    """)
    result = run(pgcask, server, workdir / "b", user="reader")
    assert_refused(server, result, workdir / "b", '"some rows"', "BYPASSRLS")
    server.sql("ALTER ROLE reader BYPASSRLS")
    assert run(pgcask, server, workdir / "b", user="reader").ok
    assert logical.summary(workdir / "b")


def test_a_table_that_may_not_be_read_is_named(pgcask, server, workdir):
    server.sql("CREATE ROLE reader LOGIN; CREATE TABLE open_one (a int); "
               "CREATE TABLE closed_one (a int); GRANT SELECT ON open_one TO reader")
    result = run(pgcask, server, workdir / "b", user="reader")
    assert_refused(server, result, workdir / "b", "closed_one", "GRANT SELECT")
    server.sql("GRANT SELECT ON closed_one TO reader")
    assert run(pgcask, server, workdir / "b", user="reader").ok
    server.sql("CREATE SEQUENCE closed_sequence")
    result = run(pgcask, server, workdir / "c", user="reader")
    assert_refused(server, result, workdir / "c", "closed_sequence")


def test_a_backup_under_load_is_one_snapshot(pgcask, server, workdir):
    server.sql("CREATE DATABASE bench")
    server.pgbench_init(scale=2, db="bench")
    load = server.pgbench(db="bench", clients=4, seconds=60, rate=400)
    try:
        archives = [logical.back_up(pgcask, server, "bench", workdir / f"b{i}") for i in range(2)]
    finally:
        load.stop()
    for archive in archives:
        logical.create_like(server, "bench", "copy")
        logical.restore(server, archive, "copy")
        sums = [server.value(f"SELECT sum({column}) FROM {table}", "copy") for column, table in (
            ("abalance", "pgbench_accounts"), ("bbalance", "pgbench_branches"),
            ("tbalance", "pgbench_tellers"), ("delta", "pgbench_history"))]
        assert len({value or "0" for value in sums}) == 1, sums
    oracles.wait_for_nothing_left(server)


def test_tables_that_come_and_go_never_spoil_it(pgcask, server, workdir):
    """Either whole, or an error that names a table and leaves nothing."""
    server.sql("".join(f"CREATE TABLE stay_{i} AS SELECT {i} AS a;" for i in range(50)))
    statements = "".join(
        f"DROP TABLE IF EXISTS come_{i}; CREATE TABLE come_{i} (a int PRIMARY KEY, b text);\n"
        for i in range(10))
    load = server.pgbench(clients=1, seconds=60, rate=50, script=statements)
    try:
        for i in range(4):
            folder = workdir / f"b{i}"
            result = run(pgcask, server, folder)
            if not result.ok:
                assert_refused(server, result, folder, "run it again")
                continue
            (archive,) = folder.glob("*.dump")
            listed = logical.contents(server, archive)
            assert all(listed[f"TABLE DATA public stay_{n} postgres"] == 1 for n in range(50))
            assert sum(n for e, n in listed.items() if e.startswith("TABLE public")) == sum(
                n for e, n in listed.items() if e.startswith("TABLE DATA public"))
    finally:
        load.stop()


@pytest.mark.majors(16)
def test_memory_is_bounded_whatever_a_value_weighs(pgcask, server, workdir):
    server.sql("CREATE TABLE big AS SELECT repeat('0123456789abcde' || chr(10), 13107200) AS t, "
               "1 AS one")
    result = run(pgcask, server, workdir / "b", "--compress", "none", timeout=300)
    assert result.ok, result
    assert result.peak_rss < 48 * MB or b"__asan" in open(result.args[0], "rb").read(), (
        result.peak_rss / MB)
    (archive,) = (workdir / "b").glob("*.dump")
    logical.create_like(server, "postgres", "copy")
    logical.restore(server, archive, "copy")
    assert logical.table_sums(server, "copy") == logical.table_sums(server, "postgres")


def test_what_it_says(pgcask, server, workdir):
    server.sql("CREATE TABLE t AS SELECT generate_series(1, 42) AS a; CREATE TABLE u (a int)")
    result = pgcask("backup", server.uri("postgres"), "--to", workdir / "b", "--json")
    assert result.rc == 0, result
    said = json.loads(result.stdout)
    assert (said["kind"], said["database"], said["rows"], said["tables"]) == (
        "logical", "postgres", 42, 2)
    assert pgcask("verify", workdir / "b", "--quiet").ok
    # Statuses: a wrong option, a database that is not there.
    assert pgcask("backup", server.uri("postgres"), "--to", workdir / "c",
                  "--lock-timeout", "soon").rc == 2
    missing = pgcask("backup", server.uri("nowhere"), "--to", workdir / "c", "--json")
    assert missing.rc not in (0, 2) and "nowhere" in missing.stderr + missing.stdout
    assert not (workdir / "c").exists()


def test_a_standby_gives_the_same(pgcask, server, workdir):
    server.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS a; "
               "CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t; CREATE SEQUENCE s; "
               "SELECT nextval('s')")
    standby = server.standby()
    standby_wait(server, standby)
    archive = logical.back_up(pgcask, standby, "postgres", workdir / "b")
    logical.create_like(server, "postgres", "copy")
    logical.restore(server, archive, "copy")
    assert logical.dump_schema(server, "copy") == logical.dump_schema(server, "postgres")
    assert server.value("SELECT sum(a) FROM t", "copy") == "500500"


def standby_wait(server, standby):
    target = server.value("SELECT pg_current_wal_lsn()")
    end = time.monotonic() + 60
    while standby.value(f"SELECT pg_last_wal_replay_lsn() >= '{target}'") != "t":
        assert time.monotonic() < end, "the standby does not follow"
        time.sleep(0.05)
