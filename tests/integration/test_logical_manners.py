"""How a logical backup behaves: locks, snapshots, rights, memory, statuses, standbys."""

import contextlib
import json
import os
import time

import pytest

from pgcask_testing import logical, oracles
from pgcask_testing.slow_link import SlowLink

pytestmark = pytest.mark.sampled

MB = 1 << 20


def run(pgcask, server, folder, *options, db="postgres", user=None, **more):
    return pgcask("backup", server.uri(db, user=user), "--to", folder, "--quiet", *options, **more)


def run_over(link, pgcask, server, folder, db="postgres"):
    uri = f"postgres://{server.superuser}@127.0.0.1:{link.port}/{db}?sslmode=disable"
    return pgcask("backup", uri, "--to", folder, "--quiet")


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
        assert_refused(server, result, workdir / "b", "table public.t", "(LOCK TABLE …)")
        reader.sql("COMMIT")
        writer.receive()


def test_of_the_statement_in_the_way_only_known_words_are_shown(pgcask, server, workdir):
    server.sql("CREATE TABLE t (a int); CREATE ROLE nobody")
    for statement, shown in (
        ("CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'hunter2')", "(CREATE USER …)"),
        ("ALTER ROLE nobody PASSWORD 'hunter2'", "(ALTER ROLE …)"),
        ("/* hunter2 */ SELECT 'hunter2'", "(SELECT …)"),
        ("-- hunter2\nINSERT INTO t VALUES (1) /* hunter2 */", "(INSERT INTO …)"),
        ("hunter2", "its last statement began"),  # an error: the lock is older than the savepoint
    ):
        with server.session() as session:
            session.sql("BEGIN; LOCK TABLE t; CREATE FOREIGN DATA WRAPPER w; "
                        "CREATE SERVER s FOREIGN DATA WRAPPER w; SAVEPOINT before")
            with contextlib.suppress(AssertionError):
                session.sql(statement)
            result = run(pgcask, server, workdir / "b", "--lock-timeout", "1s", "--json")
        assert_refused(server, result, workdir / "b", "table public.t", shown)
        assert "hunter2" not in result.stdout + result.stderr
        assert "table public.t" in json.loads(result.stdout)["error"]["message"]


def test_the_time_for_all_locks_can_be_set(pgcask, server, workdir):
    server.sql("CREATE TABLE t (a int)")
    with server.session() as session:
        session.sql("SET application_name = 'the other'; BEGIN; LOCK TABLE t")
        start = time.monotonic()
        result = run(pgcask, server, workdir / "b", "--lock-timeout", "60s",
                     "--lock-timeout-total", "2s")
        assert time.monotonic() - start < 20
        assert_refused(server, result, workdir / "b", "table public.t within 2 s", "for all tables",
                       "user postgres", 'application "the other"', "(LOCK TABLE …)",
                       f"began {time.strftime('%Y-%m-', time.gmtime())}", "--lock-timeout-total")


def test_a_prepared_transaction_that_holds_a_table_is_named(pgcask, servers, major, workdir):
    server = servers.create(major, conf={"max_prepared_transactions": 2})
    server.sql("CREATE TABLE t (a int); BEGIN; LOCK TABLE t; PREPARE TRANSACTION 'it''s left'")
    result = run(pgcask, server, workdir / "b", "--lock-timeout", "1s")
    assert_refused(server, result, workdir / "b", "table public.t", "prepared transaction it's left",
                   "ROLLBACK PREPARED 'it''s left'")
    server.sql("ROLLBACK PREPARED 'it''s left'")
    assert run(pgcask, server, workdir / "b").ok


TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def test_time_outs_of_the_role_do_not_end_it(pgcask, server, major, workdir):
    names = TIMEOUTS + (("transaction_timeout",) if major >= 17 else ())
    server.sql("CREATE TABLE t AS SELECT repeat('x', 1000) AS x, i FROM generate_series(1, 30000) i;"
               + "".join(f"ALTER ROLE postgres SET {name} = '400ms';"
                         f"ALTER DATABASE postgres SET {name} = '500ms';" for name in names))
    with server.session() as session:
        session.sql("".join(f"SET {name} = 0;" for name in names))
        session.sql("BEGIN; LOCK TABLE t")
        session.send("SELECT pg_sleep(1.5); COMMIT")
        archive = logical.back_up(pgcask, server, "postgres", workdir / "b")
        session.receive()
    assert logical.summary(workdir / "b")["rows"] == 30000 and archive.exists()
    assert logical.summary(workdir / "b")["warnings"] == []


def test_the_session_is_safe_from_what_it_reads(pgcask, server, major, workdir):
    """Seen by a function that an extension's condition calls while its table is read."""
    safe = {"row_security": "off", "search_path": "", "datestyle": "ISO, MDY",
            "intervalstyle": "postgres", "extra_float_digits": "3", "transaction_read_only": "on",
            "transaction_isolation": "repeatable read", "TimeZone": "UTC",
            "synchronize_seqscans": "off", "lock_timeout": "0", "statement_timeout": "0"}
    if server.value("SELECT count(*) FROM pg_settings "
                    "WHERE name = 'restrict_nonsystem_relation_kind'") == "1":
        safe["restrict_nonsystem_relation_kind"] = "view, foreign-table"
    else:
        assert major < 17
    checks = "".join(f"""
        IF current_setting('{name}') <> '{value}' THEN
            RAISE 'setting % is "%"', '{name}', current_setting('{name}'); END IF;"""
                     for name, value in safe.items())
    server.sql(f"""
        CREATE EXTENSION hstore;
        CREATE TABLE settings AS SELECT 1 AS a;
        CREATE FUNCTION safe() RETURNS bool LANGUAGE plpgsql AS $$BEGIN {checks} RETURN true; END$$;
        ALTER EXTENSION hstore ADD TABLE settings;
        ALTER EXTENSION hstore ADD FUNCTION safe();
        UPDATE pg_extension SET extconfig = ARRAY['settings'::regclass::oid],
            extcondition = ARRAY['WHERE public.safe()'] WHERE extname = 'hstore';
    """)
    logical.back_up(pgcask, server, "postgres", workdir / "b")
    assert logical.summary(workdir / "b")["rows"] == 1


def test_what_may_not_be_read_is_told_before_any_row_is_sent(pgcask, servers, major, workdir):
    server = servers.create(major, conf={"log_statement": "all"})
    server.sql("CREATE ROLE reader LOGIN; CREATE TABLE a_first AS SELECT 1 AS a;"
               "CREATE TABLE closed (a int, b int, c int GENERATED ALWAYS AS (1) STORED);"
               "GRANT SELECT ON a_first TO reader; GRANT UPDATE, SELECT (a) ON closed TO reader;"
               "CREATE TABLE hidden (a int); GRANT SELECT ON hidden TO reader;")
    result = run(pgcask, server, workdir / "b", user="reader")
    assert_refused(server, result, workdir / "b", "reader may not read", "public.closed", "GRANT ")
    server.sql("""DO $$BEGIN FOR n IN 1..9 LOOP
        EXECUTE format('CREATE TABLE %I (a int)', 'it''s, ' || n); END LOOP; END$$""")
    checked = pgcask("check", server.uri("postgres", user="reader"), "--json")
    found = json.loads(checked.stdout)["findings"]
    named = next(each["objects"] for each in found if "may not read 10 tables" in each["message"])
    assert sorted(named) == [f"table public.\"it's, {n}\"" for n in range(1, 10)] + [
        "table public.closed"]
    assert 'by --json' in checked.stderr, checked
    server.sql("""DO $$BEGIN FOR n IN 1..9 LOOP
        EXECUTE format('DROP TABLE %I', 'it''s, ' || n); END LOOP; END$$""")
    server.sql("GRANT SELECT ON closed TO reader; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY")
    result = run(pgcask, server, workdir / "b", user="reader")
    assert_refused(server, result, workdir / "b", "public.hidden", "ALTER ROLE reader BYPASSRLS;")
    assert "COPY" not in server.log
    server.sql("ALTER TABLE hidden OWNER TO reader")
    assert run(pgcask, server, workdir / "b", user="reader").ok  # an owner's rows are not hidden
    server.sql("ALTER TABLE hidden FORCE ROW LEVEL SECURITY")
    result = run(pgcask, server, workdir / "c", user="reader")
    assert_refused(server, result, workdir / "c", "public.hidden", "ALTER ROLE reader BYPASSRLS;")


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
    assert_refused(server, result, workdir / "b", "public.closed_one", "GRANT ")
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


def test_on_a_standby_recovery_is_in_the_way_whoever_asks(pgcask, server, workdir):
    server.sql("CREATE TABLE held (a int); CREATE ROLE blind LOGIN; GRANT SELECT ON held TO blind")
    standby = server.standby()
    with server.session("postgres") as other:
        other.sql("BEGIN")
        other.sql("LOCK TABLE held")
        other.sql("SELECT pg_switch_wal()")
        standby_wait(server, standby)
        for user in ("blind", "postgres"):
            result = pgcask("backup", standby.uri("postgres", user=user), "--to", workdir / user,
                            "--lock-timeout", "1s")
            assert result.rc == 1 and "recovery holds or awaits" in result.stderr, result
            assert "pg_terminate_backend" not in result.stderr, result


def test_a_standby_that_needs_what_is_read_ends_it_with_its_reason(
        pgcask, pgcask_popen, server, workdir):
    server.sql("CREATE TABLE t AS SELECT repeat(md5(i::text), 30) AS x "
               "FROM generate_series(1, 60000) i")
    standby = server.standby(conf={"max_standby_streaming_delay": "500ms"})
    standby_wait(server, standby)
    reading, writing = os.pipe()
    running = pgcask_popen("backup", standby.uri("postgres"), "--to", "-", "--quiet",
                           stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        copying = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^COPY'"
        while standby.value(copying) == "0":
            time.sleep(0.05)  # nobody reads: it stays in the middle of the table
        server.sql("DROP TABLE t")
        while standby.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0":
            time.sleep(0.05)
        time.sleep(1)  # max_standby_streaming_delay is over
        while pipe.read(1 << 20):
            pass
    result = running.wait()
    assert not result.ok
    assert "cannot read table public.t" in result.stderr, result
    assert "conflict with recovery" in result.stderr and "standby" in result.stderr, result


def standby_wait(server, standby):
    target = server.value("SELECT pg_current_wal_lsn()")
    end = time.monotonic() + 60
    while standby.value(f"SELECT pg_last_wal_replay_lsn() >= '{target}'") != "t":
        assert time.monotonic() < end, "the standby does not follow"
        time.sleep(0.05)


def test_small_tables_do_not_each_cost_the_way_there_and_back(pgcask, server, workdir):
    took, one_way = {}, 0.02
    with SlowLink(server.port, one_way) as link:
        for tables in (2, 202):
            db = logical.make(server, f"with_{tables}", ";".join(
                f"CREATE TABLE t{i} AS SELECT {i} AS a, g FROM generate_series(1, 3) g"
                for i in range(tables)))
            start = time.monotonic()
            run_over(link, pgcask, server, workdir / db, db).check()
            took[tables] = time.monotonic() - start
    logical.create_like(server, db, "copy")
    logical.restore(server, workdir / db / f"{db}.dump", "copy")
    assert logical.table_sums(server, "copy") == logical.table_sums(server, db)
    assert took[202] - took[2] < 200 * 2 * one_way / 2, took


def test_a_table_that_fails_is_named_though_others_were_asked_for(pgcask, server, workdir):
    server.sql("".join(f"CREATE TABLE t{i} AS SELECT {i} AS a;" for i in range(30)))
    broken = server.value("SELECT pg_relation_filepath('t9')")
    server.sql("CHECKPOINT")
    server.stop()
    (server.datadir / broken).write_bytes(b"\xff" * 8192)
    server.start()
    result = run(pgcask, server, workdir / "b")
    assert_refused(server, result, workdir / "b", "cannot read table public.t9:", "invalid page")


COPY_OUT, ROW = b"H\0\0\0\x0d\0\0\3" + 6 * b"\0", b"d\0\0\0\x0b7\t6\t..\n"
DONE, COUNT = b"c\0\0\0\4", b"C\0\0\0\x0bCOPY 1\0"


@pytest.mark.parametrize("left", [
    b"", COPY_OUT + ROW, COPY_OUT + ROW + DONE, COPY_OUT + ROW + COUNT, COUNT],
    ids=["nothing", "rows", "no count", "no end", "no rows"])
@pytest.mark.sampled
def test_an_answer_that_lacks_a_part_is_an_error(pgcask, server, workdir, left):
    server.sql("CREATE TABLE t AS SELECT 7 AS a, 6 AS b, '..'::text AS c")
    with SlowLink(server.port, change=lambda data: data.replace(
            COPY_OUT + ROW + DONE + COUNT, left)) as link:
        result = run_over(link, pgcask, server, workdir / "b")
    assert link.changed == 1
    assert_refused(server, result, workdir / "b", "cannot read table public.t")


@pytest.mark.parametrize("end", [False, True], ids=["row", "row and count"])
def test_catalogs_that_lack_a_row_are_an_error(pgcask, server, workdir, end):
    def lose(data):
        """The DataRow that has this name as a column, or all from it to ReadyForQuery."""
        name = data.find(b"\0\0\0\6lonely")
        row = data.rfind(b"D\0\0", 0, name)
        if name < 0 or row < 0:
            return data
        behind = row + 1 + int.from_bytes(data[row + 1:row + 5], "big")
        if end:
            behind = data.index(b"Z\0\0\0\5", behind)
        return data[:row] + data[behind:]

    server.sql("CREATE SCHEMA lonely")
    with SlowLink(server.port, change=lose) as link:
        result = run_over(link, pgcask, server, workdir / "b")
    assert link.changed >= 1
    assert_refused(server, result, workdir / "b", "about the catalogs", "hint: ", "sslmode=require")
