"""Over several sessions a restore makes what it makes over one, and what stock pg_restore makes: in
whatever order the server is done with it, and whatever happens on the way."""

import signal
import time

import pytest

from pgcask_testing import logical, process, restored
from pgcask_testing.logical import cluster, make, script  # noqa: F401: a fixture
from pgcask_testing.restored import restorer  # noqa: F401: a fixture


@pytest.fixture(scope="module", autouse=True)
def extension(major):
    logical.install_extension(major)


# Partitions of partitions, keys from and to them, triggers that reach down, a chain of keys.
FAMILIES = """
    CREATE TABLE kinds_of (k int PRIMARY KEY); INSERT INTO kinds_of SELECT generate_series(0, 9);
    CREATE TABLE p (n int, k int REFERENCES kinds_of, t text, PRIMARY KEY (n)) PARTITION BY RANGE (n);
    CREATE TABLE other (n int PRIMARY KEY REFERENCES p, k int) PARTITION BY HASH (n);
    CREATE INDEX ON p (t); CREATE INDEX ON p (k, n); CREATE UNIQUE INDEX ON other (n, k);
    DO $$ BEGIN
        FOR i IN 0..19 LOOP
            EXECUTE format('CREATE TABLE p%s PARTITION OF p FOR VALUES FROM (%s) TO (%s)%s',
                           i, i * 500, i * 500 + 500,
                           CASE WHEN i < 3 THEN ' PARTITION BY RANGE (n)' ELSE '' END);
            IF i < 3 THEN
                EXECUTE format('CREATE TABLE p%s_all PARTITION OF p%s DEFAULT', i, i);
            ELSE
                EXECUTE format('CREATE INDEX ON p%s (k, t)', i);
                EXECUTE format('ALTER TABLE p%s CLUSTER ON p%s_pkey', i, i);
                EXECUTE format('ALTER TABLE p%s REPLICA IDENTITY USING INDEX p%s_pkey', i, i);
            END IF;
        END LOOP;
        FOR i IN 0..3 LOOP
            EXECUTE format('CREATE TABLE other%s PARTITION OF other FOR VALUES WITH '
                           '(MODULUS 4, REMAINDER %s)', i, i);
        END LOOP;
    END $$;
    INSERT INTO p SELECT n, n % 10, md5(n::text) FROM generate_series(0, 9999) n;
    INSERT INTO other SELECT n, n % 10 FROM generate_series(0, 9999, 3) n;
    CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN NEW.t := 'marked'; RETURN NEW; END $$;
    CREATE TRIGGER marking BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION mark();
    ALTER TABLE p7 DISABLE TRIGGER marking;
    CREATE TABLE c0 (n int PRIMARY KEY, m int UNIQUE);
    INSERT INTO c0 SELECT n, n FROM generate_series(1, 300) n;
    DO $$ BEGIN
        FOR i IN 1..30 LOOP
            EXECUTE format('CREATE TABLE c%s (n int PRIMARY KEY REFERENCES c%s, m int UNIQUE REFERENCES c%s (m),'
                           ' EXCLUDE (m WITH =))', i, i - 1, i / 2);
            EXECUTE format('INSERT INTO c%s SELECT n, n FROM generate_series(1, 300) n', i);
            EXECUTE format('CREATE INDEX ON c%s (n, m); CREATE STATISTICS s%s ON n, m FROM c%s', i, i, i);
            EXECUTE format('COMMENT ON CONSTRAINT c%s_pkey ON c%s IS ''a comment''', i, i);
        END LOOP;
    END $$;
    ALTER TABLE c0 ADD FOREIGN KEY (m) REFERENCES c30 (n);
    CREATE TABLE parent (n int CHECK (n >= 0), t text); CREATE TABLE child () INHERITS (parent);
    INSERT INTO parent SELECT n, 'p' FROM generate_series(1, 50) n;
    INSERT INTO child SELECT n, E'c\\\\\\n\\t' || repeat('x', n) FROM generate_series(1, 3000) n;
    ALTER TABLE parent ADD CHECK (t <> 'none') NOT VALID;
    CREATE MATERIALIZED VIEW m AS SELECT k, count(*) AS c FROM p GROUP BY k; CREATE UNIQUE INDEX ON m (k);
    CREATE RULE nothing AS ON DELETE TO c3 DO INSTEAD NOTHING;
    ALTER TABLE c4 ENABLE ROW LEVEL SECURITY; CREATE POLICY all_of_it ON c4 USING (n > 0);
    SELECT lo_from_bytea(0, decode(repeat(md5(n::text), n % 300), 'hex')) FROM generate_series(1, 900) n;
    SELECT lo_from_bytea(0, decode(repeat('ab', 3000000), 'hex'));
    CREATE TABLE large (n int, t text);
    INSERT INTO large SELECT n, repeat(E'\\\\', n % 5) || md5(n::text) FROM generate_series(1, 40000) n;
"""


@pytest.mark.parametrize("jobs", [2, 4])
def test_partitions_keys_and_chains_are_equal(pgcask, restorer, cluster, workdir, jobs):
    db = make(cluster, "families", FAMILIES)
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "theirs.dump")
    directory = workdir / "directory"
    process.run([logical.stock("pg_dump", cluster), "-Fd", "-f", directory],
                env=logical._environment(cluster, db), timeout=600).check()
    for archive in (ours, theirs, directory):
        copy = "families copy"
        logical.create_like(cluster, db, copy)
        outcome = restorer(cluster, copy, archive, f"jobs={jobs}")
        assert outcome.result.ok and not outcome.failures, str(outcome.result)
        assert outcome.result.peak_rss < (48 + 8 * jobs) << 20, outcome.result.peak_rss
        for one, other in zip(restored.facts(cluster, db), restored.facts(cluster, copy)):
            different = logical._difference(one, other)
            assert not different, "\n".join(different)
        logical.drop(cluster, copy)


@pytest.mark.parametrize("name", ["kinds", "more_kinds", "data", "trees", "loops"])
def test_several_sessions_make_what_stock_makes(pgcask, restorer, cluster, workdir, name):
    db = make(cluster, name, script(name))
    theirs = logical.stock_archive(cluster, db, workdir / "theirs.dump")
    restored.assert_alike(restorer, cluster, db, theirs, "jobs=4")
    logical.drop(cluster, db)


# Rows that are frozen

ROWS = """
    CREATE TABLE large (n int PRIMARY KEY, t text);
    INSERT INTO large SELECT n, md5(n::text) FROM generate_series(1, 20000) n;
    CREATE TABLE parts (n int) PARTITION BY RANGE (n);
    CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (100000);
    INSERT INTO parts SELECT generate_series(1, 40000);
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_of_a_new_table_are_as_vacuum_leaves_them(restorer, cluster, major, workdir, jobs):
    db = make(cluster, "rows", ROWS)
    archive = logical.stock_archive(cluster, db, workdir / "rows.dump")
    copy = make(cluster, "rows copy", "ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf();")
    outcome = restorer(cluster, copy, archive, f"jobs={jobs}")
    assert outcome.result.ok and outcome.report["rows"] == 60000, str(outcome.result)
    assert restored.facts(cluster, copy) == restored.facts(cluster, db)
    if major >= 14:  # 13 freezes rows, but says so on no page
        plan = logical.run_sql(cluster, copy, "SET enable_seqscan = off; SET enable_bitmapscan = off;"
                               "EXPLAIN (ANALYZE, COSTS off) SELECT n FROM large WHERE n > 0")
        assert b"Heap Fetches: 0\n" in plan, plan
    logical.run_sql(cluster, copy, "ALTER SYSTEM RESET autovacuum; SELECT pg_reload_conf();")


@pytest.mark.parametrize("members", [["data_only"], []])
def test_rows_that_were_there_stay(restorer, cluster, workdir, members):
    db = make(cluster, "rows", ROWS)
    archive = logical.stock_archive(cluster, db, workdir / "rows.dump")
    copy = make(cluster, "rows copy", """
        CREATE TABLE large (n int, t text); INSERT INTO large VALUES (-1, 'mine');
        CREATE TABLE parts (n int); INSERT INTO parts VALUES (-1);
        CREATE TABLE part (n int); INSERT INTO part VALUES (-1);""")
    outcome = restorer(cluster, copy, archive, "into_existing", "jobs=4", *members)
    # Where the archive's own table cannot be made its rows are not put into another's.
    expected = "20001|1|40001" if members else "1|1|1"
    assert logical.run_sql(cluster, copy, "SELECT (SELECT count(*) FROM large), (SELECT count(*) FROM "
                           "parts), (SELECT count(*) FROM part)").decode().strip() == expected
    assert bool(outcome.failures) == (not members)


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_has_got_rows_is_analyzed(restorer, cluster, workdir, jobs):
    db = make(cluster, "rows", ROWS, "CREATE MATERIALIZED VIEW m AS SELECT n FROM large;")
    archive = logical.stock_archive(cluster, db, workdir / "rows.dump")
    copy = make(cluster, "rows copy")
    outcome = restorer(cluster, copy, archive, f"jobs={jobs}", "analyze")
    assert outcome.result.ok and not outcome.failures, str(outcome.result)
    known = logical.run_sql(cluster, copy, "SELECT DISTINCT tablename, inherited FROM pg_stats "
                            "WHERE schemaname = 'public' ORDER BY 1, 2").decode().split()
    assert known == ["large|f", "m|f", "part|f", "parts|t"]


# Ends


@pytest.fixture
def many(cluster, workdir):
    """Four tables that take a while, and their archive."""
    db = make(cluster, "many", "".join(f"""
        CREATE UNLOGGED TABLE t{i} (n int, t text);
        INSERT INTO t{i} SELECT n, repeat(md5(n::text), 10) FROM generate_series(1, 80000) n;
        CREATE INDEX ON t{i} (t);""" for i in range(4)))
    archive = logical.stock_archive(cluster, db, workdir / "many.dump")
    make(cluster, "many copy")
    return archive


SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'many copy'"
COPYING = SESSIONS + " AND query LIKE 'COPY %' AND state = 'active'"


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_four_sessions_end_with_what_they_belong_to(restorer, cluster, many):
    with restorer.start(cluster, "many copy", many, "jobs=4") as running:
        wait_for(lambda: int(cluster.value(COPYING)) >= 3)
        running.send_signal(signal.SIGKILL)
    wait_for(lambda: cluster.value(SESSIONS) == "0", 10)
    counts = [cluster.value(f"SELECT count(*) FROM t{i}", "many copy") for i in range(4)]
    assert set(counts) <= {"0", "80000"} and "0" in counts, counts


def test_a_session_that_is_cut_off_ends_the_others(restorer, cluster, many):
    with restorer.start(cluster, "many copy", many, "jobs=4") as running:
        wait_for(lambda: int(cluster.value(COPYING)) >= 3)
        cluster.value("SELECT pg_terminate_backend(min(pid)) FROM pg_stat_activity "
                      "WHERE datname = 'many copy' AND query LIKE 'COPY %'")
        result = running.wait(60)
    assert result.rc == 1 and '"rows":320000' not in result.stdout, str(result)
    assert "terminating connection" in result.stdout, str(result)
    assert cluster.value(SESSIONS) == "0"


def limit_files(pid, size):
    process.run(["prlimit", "--pid", str(pid), f"--fsize={size}:"], user=process.server_user()).check()


def test_a_server_without_room_is_no_success(restorer, cluster, many):
    """Files of the server's may not grow beyond 20 MB, as if its disk were full."""
    pid = cluster.pid
    logical.drop(cluster, "many")  # a checkpoint leaves its unlogged tables to whoever needs room
    cluster.sql("CHECKPOINT")
    limit_files(pid, 20 << 20)
    try:
        outcome = restorer(cluster, "many copy", many, "jobs=4")
    finally:
        limit_files(pid, "unlimited")
    assert outcome.result.rc == 3 and outcome.report["rows"] == 0, str(outcome.result)
    assert {failure["object"] for failure in outcome.failures} == {
        f"TABLE DATA public.t{i}" for i in range(4)}, str(outcome.result)
    assert cluster.value(SESSIONS) == "0"
    counts = [cluster.value(f"SELECT count(*) FROM t{i}", "many copy") for i in range(4)]
    assert counts == ["0"] * 4


def test_fewer_sessions_than_were_asked_for_are_enough(restorer, cluster, many):
    cluster.sql("DROP ROLE IF EXISTS few")
    cluster.sql("CREATE ROLE few LOGIN CONNECTION LIMIT 2")
    logical.run_sql(cluster, "many copy", "GRANT ALL ON SCHEMA public TO few")
    result = process.run([restorer.program, cluster.uri("postgres", user="few"), many,
                          "database=many copy", "jobs=4", "no_owner"], timeout=100)
    logical.run_sql(cluster, "many copy", "DROP OWNED BY few; DROP ROLE few")
    assert result.ok and '"rows":320000' in result.stdout, str(result)


def test_several_sessions_are_not_one_transaction(pgcask, cluster, many):
    result = pgcask("restore", many, "--to", cluster.uri("many copy"), "--jobs", 2, "--single-transaction")
    assert result.rc != 0 and "--jobs" in result.stderr and "--single-transaction" in result.stderr, result
    assert restored.facts(cluster, "many copy")[1] == [""]
