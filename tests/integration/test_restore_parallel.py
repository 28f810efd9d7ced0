"""Over several sessions a restore makes what it makes over one, and what stock pg_restore makes: in
whatever order the server is done with it, and whatever happens on the way."""

import re
import signal
import tarfile
import time

import pytest

from pgcask_testing import logical, process, restored
from pgcask_testing.logical import cluster, make, script  # noqa: F401: a fixture
from pgcask_testing.restored import restorer  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled(1)


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


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def assert_no_session_left(cluster, db):
    """A session that has been told to end is seen until its process has: moments, on a busy machine more."""
    ours = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{db}' AND backend_type = 'client backend'"
    wait_for(lambda: cluster.value(ours) == "0", 3)


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


# What streams by

def stream(restorer, cluster, copy, archive, *members, **more):
    with open(archive, "rb") as stdin:
        return restorer(cluster, copy, "-", *members, stdin=stdin, **more)


def assert_same(cluster, db, copy):
    for one, other in zip(restored.facts(cluster, db), restored.facts(cluster, copy)):
        different = logical._difference(one, other)
        assert not different, "\n".join(different)


def dump(cluster, db, path, *options):
    """Not compressed, so that its rows can be changed where they lie."""
    process.run([logical.stock("pg_dump", cluster), "-Fc", "-Z0", "-f", path, *options],
                env=logical._environment(cluster, db), timeout=600).check()
    return path


def shares(cluster, db, table):
    """How many transactions have put its rows in."""
    return int(cluster.value(f"SELECT count(DISTINCT xmin::text) FROM {table}", db))


# Backslashes and line ends at the ends of rows, rows that are longer than a packet, and many tables.
LARGE_ROWS = """
    CREATE TABLE "big \n one" (n int PRIMARY KEY, t text);
    INSERT INTO "big \n one" SELECT n, repeat(md5(n::text), n % 7) || repeat(E'\\\\', n % 4) ||
        repeat(E'\\n', n % 3) || repeat(E'\\\\', n % 5) FROM generate_series(1, 60000) n;
    CREATE TABLE long (n int, t text, b bytea);
    INSERT INTO long SELECT n, repeat(E'\\\\\\n', 100000 * n), NULL FROM generate_series(1, 8) n;
    CREATE TABLE slashes (t text); INSERT INTO slashes SELECT repeat(E'\\\\', n) FROM generate_series(1, 2000) n;
    DO $$ BEGIN FOR i IN 1..120 LOOP EXECUTE format(
        'CREATE TABLE small%s AS SELECT n, md5(n::text) AS t FROM generate_series(1, %s) n', i, i * 20);
    END LOOP; END $$;
    SELECT lo_from_bytea(0, decode(repeat('cd', 40000 * n), 'hex')) FROM generate_series(1, 20) n;
"""


@pytest.mark.parametrize("jobs, of_stock", [(2, False), (4, True)])
def test_a_stream_is_put_in_by_several_sessions(pgcask, restorer, cluster, workdir, jobs, of_stock):
    db = make(cluster, "stream", FAMILIES, LARGE_ROWS)
    if of_stock:
        archive = workdir / "theirs.tar"
        process.run([logical.stock("pg_dump", cluster), "-Ft", "-f", archive],
                    env=logical._environment(cluster, db), timeout=600).check()
    else:
        archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    copy = "stream copy"
    logical.create_like(cluster, db, copy)
    outcome = stream(restorer, cluster, copy, archive, f"jobs={jobs}")
    assert outcome.result.ok and not outcome.failures, str(outcome.result)
    assert outcome.result.peak_rss < (48 + 8 * jobs) << 20, outcome.result.peak_rss
    assert_same(cluster, db, copy)
    assert 1 < shares(cluster, copy, '"big \n one"') <= jobs
    assert shares(cluster, copy, "small120") == 1
    logical.drop(cluster, copy)


ORDER = "SELECT md5(string_agg(n::text, ',' ORDER BY ctid)) FROM \"big \n one\""


@pytest.mark.sampled(1)
def test_that_rows_lose_their_order_is_said(pgcask, cluster, workdir):
    db = make(cluster, "stream", LARGE_ROWS[:LARGE_ROWS.index("CREATE TABLE long")])
    archive = dump(cluster, db, workdir / "stream.dump")
    for jobs, told in ((1, False), (3, True)):
        copy = make(cluster, "stream copy")
        with archive.open("rb") as stdin:
            result = pgcask("restore", "-", "--to", cluster.uri(copy), "--jobs", jobs, stdin=stdin).check()
        assert ("do not keep their order" in result.stderr) == told, str(result)
        assert (shares(cluster, copy, '"big \n one"') > 1) == told
        if not told:
            assert cluster.value(ORDER, copy) == cluster.value(ORDER, db)


def ending_in_a_backslash(encoding):
    """Characters whose second byte is that of a backslash, and others of that encoding."""
    found = []
    for first in range(0x81, 0xff):
        try:
            found.append(bytes([first, 0x5c]).decode(encoding))
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.sampled(1)
@pytest.mark.parametrize("encoding, codec", [("SJIS", "shift_jis"), ("BIG5", "big5"), ("GBK", "gbk"),
                                             ("GB18030", "gb18030"), ("UHC", "cp949")])
def test_rows_are_cut_at_their_ends_in_every_encoding(restorer, cluster, workdir, encoding, codec):
    words = [word for word in ending_in_a_backslash(codec) if len(word) == 1 and ord(word) < 0xe000]
    words += ["\u4e00", "\\", "\n", "\u4e00\\", "x"] if encoding != "UHC" else ["\uac00", "\\", "\n", "x"]
    array = "ARRAY[" + ", ".join("E'" + w.replace("\\", "\\\\").replace("\n", "\\n") + "'" for w in words) + "]"
    db = make(cluster, "words", f"""
        CREATE TABLE words (n int, t text);
        INSERT INTO words SELECT n, repeat(w[n % {len(words)} + 1], n % 9) || w[n / 7 % {len(words)} + 1]
        FROM (SELECT {array} AS w) a, generate_series(1, 100000) n;""")
    archive = dump(cluster, db, workdir / "words.dump", "-E", encoding)
    copy = make(cluster, "words copy")
    outcome = stream(restorer, cluster, copy, archive, "jobs=3")
    assert outcome.result.ok and outcome.report["rows"] == 100000, str(outcome.result)
    assert shares(cluster, copy, "words") > 1
    assert_same(cluster, db, copy)


@pytest.fixture
def changed(cluster, workdir):
    """Tables before and behind a large one, one row of which is changed in its archive."""
    db = make(cluster, "stream", """
        CREATE TABLE a (n int); INSERT INTO a VALUES (1);
        CREATE TABLE b (n int, t text);
        INSERT INTO b SELECT n, 'row ' || n || E'\n' || repeat('x', 300) FROM generate_series(1, 40000) n;
        CREATE TABLE c (n int PRIMARY KEY); INSERT INTO c SELECT generate_series(1, 30000);
        CREATE VIEW v AS SELECT count(*) FROM b;""")
    archive = dump(cluster, db, workdir / "changed.dump")
    copy = make(cluster, "stream copy")
    return archive, db, copy


COUNTS = "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM c)"


@pytest.mark.sampled
def test_of_a_table_with_a_bad_row_nothing_is_there(restorer, cluster, changed):
    archive, _, copy = changed
    content = archive.read_bytes()
    assert content.count(b"20000\trow 20000") == 1
    archive.write_bytes(content.replace(b"20000\trow 20000", b"2oooo\trow 20000"))
    outcome = stream(restorer, cluster, copy, archive, "jobs=4")
    assert outcome.result.rc == 3, str(outcome.result)
    assert [one["object"] for one in outcome.failures] == ["TABLE DATA public.b"], outcome.failures
    assert '"2oooo"' in outcome.failures[0]["message"]
    assert re.search(r"COPY b, line \d+, column n.*of the rows that this session had",
                     outcome.failures[0]["context"]), outcome.failures
    assert logical.run_sql(cluster, copy, COUNTS).decode().strip() == "1|0|30000"
    assert outcome.report["rows"] == 30001
    copy = make(cluster, "stream copy")
    outcome = stream(restorer, cluster, copy, archive, "jobs=4", "exit_on_error")
    assert outcome.result.rc == 1 and "TABLE DATA public.b" in outcome.result.stderr, str(outcome.result)
    assert cluster.value("SELECT count(*) FROM b", copy) == "0"


@pytest.mark.sampled(1)
def test_a_line_end_behind_a_backslash_is_no_end(restorer, cluster, changed):
    archive, db, copy = changed
    content = archive.read_bytes()
    assert content.count(b"\\nxxx") == 40000
    archive.write_bytes(content.replace(b"\\nxxx", b"\\\nxxx"))
    outcome = stream(restorer, cluster, copy, archive, "jobs=4")
    assert shares(cluster, copy, "b") > 1
    assert_same(cluster, db, copy)


@pytest.mark.sampled
@pytest.mark.parametrize("part", [0.3, 0.8])
def test_of_a_table_whose_end_is_missing_nothing_is_there(restorer, cluster, changed, part):
    archive, _, copy = changed
    content = archive.read_bytes()
    begin = content.index(b"\trow 1\\n")
    archive.write_bytes(content[:begin + int(part * 40000 * 320)])
    outcome = stream(restorer, cluster, copy, archive, "jobs=4")
    assert outcome.result.rc == 1 and "TABLE DATA public.b" in outcome.result.stderr, str(outcome.result)
    assert logical.run_sql(cluster, copy, COUNTS).decode().strip() == "1|0|0"
    assert_no_session_left(cluster, copy)


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


@pytest.mark.sampled(1)
@pytest.mark.parametrize("form", ["jobs=1", "jobs=2", "stream"])
def test_rows_that_a_deadlock_undid_are_put_in_again(restorer, cluster, workdir, form):
    db = make(cluster, "dead", """
        CREATE FUNCTION f(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
            IF $1 = 20000 THEN PERFORM pg_advisory_xact_lock(4711); END IF; RETURN true; END $$;
        CREATE TABLE t (n int CHECK (f(n)), x text); CREATE TABLE u AS SELECT 1 n;
        INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 20000) n;""")
    archive = logical.stock_archive(cluster, db, workdir / "dead.dump")
    copy = make(cluster, "dead copy")
    logical.run_sql(cluster, copy, f"ALTER DATABASE \"{copy}\" SET deadlock_timeout = '1s'")
    with cluster.session(copy) as other:
        other.sql("SET deadlock_timeout = '1h'; SELECT pg_advisory_lock(4711)")
        started = restorer.start(
            cluster, copy, "-" if form == "stream" else archive,
            "jobs=1" if form == "stream" else form,
            stdin=open(archive, "rb") if form == "stream" else None)
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while other.sql(waits) != [["1"]]:
            assert started.running(), str(started.wait())
        # It waits for us, and we for it: who looks is undone.
        assert other.sql("SELECT count(*) FROM t") == [["0"]]
        other.sql("SELECT pg_advisory_unlock(4711)")
    result = started.wait()
    assert result.rc == (3 if form == "stream" else 0), str(result)
    assert cluster.value("SELECT count(*) FROM t", copy) == ("0" if form == "stream" else "20000")
    assert cluster.value("SELECT n FROM u", copy) == "1"
    assert ("read twice" in result.stdout) == (form == "stream"), str(result)


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


@pytest.mark.sampled(1)
def test_a_stream_s_rows_are_not_shared_where_one_could_wait_for_another(restorer, cluster, workdir):
    """A key that is there twice, with a packet's rows between: whoever comes second waits for the first."""
    db = make(cluster, "rows", "CREATE TABLE large (n int, t text); INSERT INTO large "
              "SELECT n % 10000, repeat(md5(n::text), 5) FROM generate_series(1, 20000) n;")
    archive = logical.stock_archive(cluster, db, workdir / "rows.dump")
    copy = make(cluster, "rows copy", "CREATE TABLE large (n int PRIMARY KEY, t text);")
    outcome = stream(restorer, cluster, copy, archive, "into_existing", "jobs=4", "data_only", timeout=60)
    assert outcome.result.rc == 3 and len(outcome.failures) == 1, str(outcome.result)
    assert outcome.failures[0]["sqlstate"] == "23505", outcome.failures
    assert cluster.value("SELECT count(*) FROM large", copy) == "0"


# The names are in the wrong order on purpose: an archive has its rows in the order of names.
KEYS = """
    CREATE TABLE z_parent (id int PRIMARY KEY, t text);
    CREATE TABLE "b ""child" (id int PRIMARY KEY, p int REFERENCES z_parent) PARTITION BY RANGE (id);
    CREATE TABLE b_low PARTITION OF "b ""child" FOR VALUES FROM (0) TO (10000);
    CREATE TABLE b_high PARTITION OF "b ""child" FOR VALUES FROM (10000) TO (100000);
    CREATE TABLE a_grand (id int PRIMARY KEY, c int REFERENCES "b ""child",
                          p int REFERENCES z_parent, self int REFERENCES a_grand);
"""


FILLED = KEYS + """
    INSERT INTO z_parent SELECT n, repeat('x', 500) FROM generate_series(1, 20000, 50) n;
    INSERT INTO "b ""child" SELECT n, n FROM generate_series(1, 20000, 50) n;
    INSERT INTO a_grand SELECT n, n, n, 1 FROM generate_series(1, 1000, 50) n;
"""
# The first of them comes first: its keys are looked at when its rows are in, and are not there.
IN_A_CIRCLE = """
    CREATE TABLE d_one (id int PRIMARY KEY, other int);
    CREATE TABLE e_two (id int PRIMARY KEY, other int REFERENCES d_one);
    ALTER TABLE d_one ADD CONSTRAINT circle FOREIGN KEY (other) REFERENCES e_two;
    CREATE TABLE c_behind (id int PRIMARY KEY REFERENCES e_two);
"""


@pytest.mark.majors(13, 18)
def test_rows_go_behind_those_that_they_refer_to(restorer, cluster, workdir):
    """From a file, and as they stream by: those that come too soon wait for the others."""
    db = make(cluster, "keys", FILLED)
    rows = logical.table_sums(cluster, db)
    for options in ([], ["-a"], ["--inserts"]):
        archive = dump(cluster, db, workdir / "keys.dump", *options)
        for way, members in ((restorer, []), (restorer, ["jobs=4"]),
                             (restorer, ["jobs=1", "single_transaction"]),
                             (stream, ["jobs=4"]), (stream, ["single_transaction"])):
            if "--inserts" in options and way is restorer:
                continue
            copy = make(cluster, "keys copy", KEYS)
            members = ["into_existing", "data_only", *members]
            outcome = (way(restorer, cluster, copy, archive, *members) if way is stream
                       else way(cluster, copy, archive, *members))
            assert outcome.result.ok and not outcome.failures, str(outcome.result)
            assert logical.table_sums(cluster, copy) == rows
            logical.drop(cluster, copy)
    logical.drop(cluster, db)


@pytest.mark.majors(18)
def test_a_stream_of_files_puts_its_rows_in_order_too(pgcask, cluster, workdir):
    tables = """CREATE TABLE child (id int PRIMARY KEY, p int); CREATE TABLE parent (id int PRIMARY KEY);
        ALTER TABLE child ADD FOREIGN KEY (p) REFERENCES parent;"""
    db = make(cluster, "keys", tables + "INSERT INTO parent SELECT generate_series(1, 100);"
              "INSERT INTO child SELECT n, n FROM generate_series(1, 100) n")
    folder, tar = workdir / "keys", workdir / "keys.tar.gz"
    process.run([logical.stock("pg_dump", cluster), "-Fd", "-f", folder],
                env=logical._environment(cluster, db)).check()
    with tarfile.open(tar, "w:gz") as out:
        for path in sorted(folder.iterdir(), key=lambda path: (path.name != "toc.dat", path.name)):
            out.add(path, arcname=path.name)
    copy = make(cluster, "keys copy", tables)
    result = pgcask("restore", tar, "--to", cluster.uri(copy), "--data-only", "--into-existing",
                    "--spool-dir", workdir, "--verbose").check()
    said = "TABLE DATA public.child .*comes before TABLE DATA public.parent .*wait in \"" + str(workdir)
    assert re.search(said, result.stderr), result
    assert logical.table_sums(cluster, copy) == logical.table_sums(cluster, db)
    assert sorted(path.name for path in workdir.iterdir()) == ["keys", "keys.tar.gz"]
    logical.drop(cluster, copy)
    logical.drop(cluster, db)


@pytest.mark.majors(18)
def test_rows_that_refer_to_each_other_fail_alike(restorer, cluster, workdir):
    db = make(cluster, "circle", IN_A_CIRCLE, "INSERT INTO d_one VALUES (1, NULL);"
              "INSERT INTO e_two VALUES (2, 1); UPDATE d_one SET other = 2; INSERT INTO c_behind VALUES (2);")
    archive = dump(cluster, db, workdir / "circle.dump")
    found = []
    for way in (restorer, lambda *arguments: stream(restorer, *arguments)):
        copy = make(cluster, "circle copy", IN_A_CIRCLE)
        outcome = way(cluster, copy, archive, "into_existing", "data_only")
        assert outcome.result.rc == 3, str(outcome.result)
        found.append((sorted((each["object"], each["sqlstate"], each["message"]) for each in outcome.failures),
                      logical.table_sums(cluster, copy)))
        logical.run_sql(cluster, copy, "ALTER TABLE d_one DROP CONSTRAINT circle; ALTER TABLE d_one ADD CONSTRAINT "
                        "circle FOREIGN KEY (other) REFERENCES e_two NOT VALID; ALTER TABLE d_one DISABLE TRIGGER ALL")
        outcome = way(cluster, copy, archive, "into_existing", "data_only")
        assert outcome.result.ok, str(outcome.result)  # what is behind the circle is put in behind it
        assert logical.table_sums(cluster, copy) == logical.table_sums(cluster, db)
        logical.drop(cluster, copy)
    assert found[0] == found[1] and [each[1] for each in found[0][0]] == ["23503"] * 3, found
    logical.drop(cluster, db)


@pytest.mark.majors(18)
def test_where_rows_wait_may_be_full(restorer, cluster, workdir, small_disk):
    """Nothing of them is there then, and the folder is named; memory does not grow with what waits."""
    db = make(cluster, "keys", KEYS + "INSERT INTO z_parent SELECT 1, 'x'; INSERT INTO \"b \"\"child\" VALUES (1, 1);"
              "ALTER TABLE a_grand ADD t text; INSERT INTO a_grand SELECT n, 1, 1, n, repeat('x', 80000)"
              " FROM generate_series(1, 700) n")
    archive = dump(cluster, db, workdir / "keys.dump")
    copy = make(cluster, "keys copy", KEYS + "ALTER TABLE a_grand ADD t text")
    disk = small_disk(4)
    outcome = stream(restorer, cluster, copy, archive, "into_existing", "data_only", f"spool_directory={disk}")
    assert outcome.result.rc == 1, str(outcome.result)
    assert f'cannot keep rows that wait for others in "{disk}": No space left' in outcome.report["error"]
    assert "a_grand" in outcome.report["error"]
    assert cluster.value("SELECT count(*) FROM a_grand", copy) == "0"
    for table in ("z_parent", '"b ""child"'):
        logical.run_sql(cluster, copy, f"TRUNCATE {table} CASCADE")
    outcome = stream(restorer, cluster, copy, archive, "into_existing", "data_only")
    assert outcome.result.ok and outcome.report["rows"] == 702, str(outcome.result)
    assert outcome.result.peak_rss < (48 + 8) << 20, outcome.result.peak_rss
    logical.drop(cluster, copy)
    logical.drop(cluster, db)


@pytest.mark.sampled(1)
def test_inserts_of_a_stream_keep_their_table(restorer, cluster, workdir):
    db = make(cluster, "rows", ROWS)
    archive = dump(cluster, db, workdir / "rows.dump", "--inserts")
    copy = make(cluster, "rows copy")
    outcome = stream(restorer, cluster, copy, archive, "jobs=3")
    assert outcome.result.ok and not outcome.failures, str(outcome.result)
    assert_same(cluster, db, copy)


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


@pytest.mark.sampled
def test_large_objects_of_another_owner_fit_into_the_server_s_locks(restorer, cluster, workdir):
    """A server of 50 connections has some 5000 locks for all of them, as it is installed."""
    objects = ("SELECT count(*), min(lomowner::regrole::text), max(lomowner::regrole::text) "
               "FROM pg_largeobject_metadata")
    cluster.sql("DROP ROLE IF EXISTS objector")
    cluster.sql("CREATE ROLE objector")
    db = make(cluster, "objects", "SET ROLE objector; SELECT lo_create(0) FROM generate_series(1, 8000);")
    archive = logical.stock_archive(cluster, db, workdir / "objects.dump")
    logical.drop(cluster, db)
    copy = make(cluster, "objects copy")
    said = len(cluster.log)
    outcome = restorer(cluster, copy, archive, "jobs=2")
    assert outcome.result.ok and not outcome.failures, str(outcome.result)
    assert list(cluster.sql(objects, copy)[0]) == ["8000", "objector", "objector"]
    assert "out of shared memory" not in cluster.log[said:]
    logical.drop(cluster, copy)
    cluster.sql("DROP ROLE objector")


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


SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'many copy' AND backend_type = 'client backend'"
COPYING = SESSIONS + " AND query LIKE 'COPY %' AND state = 'active'"


def start(restorer, cluster, archive, streams):
    if not streams:
        return restorer.start(cluster, "many copy", archive, "jobs=4")
    with open(archive, "rb") as stdin:
        return restorer.start(cluster, "many copy", "-", "jobs=4", stdin=stdin)


@pytest.mark.sampled
@pytest.mark.parametrize("streams", [False, True])
def test_four_sessions_end_with_what_they_belong_to(restorer, cluster, many, streams):
    with start(restorer, cluster, many, streams) as running:
        wait_for(lambda: int(cluster.value(COPYING)) >= 3)
        running.send_signal(signal.SIGKILL)
    wait_for(lambda: cluster.value(SESSIONS) == "0", 10)
    counts = [cluster.value(f"SELECT count(*) FROM t{i}", "many copy") for i in range(4)]
    assert set(counts) <= {"0", "80000"} and "0" in counts, counts


@pytest.mark.sampled
@pytest.mark.parametrize("streams", [False, True])
def test_a_session_that_is_cut_off_ends_the_others(restorer, cluster, many, streams):
    with start(restorer, cluster, many, streams) as running:
        wait_for(lambda: int(cluster.value(COPYING)) >= 3)
        cluster.value("SELECT pg_terminate_backend(min(pid)) FROM pg_stat_activity "
                      "WHERE datname = 'many copy' AND query LIKE 'COPY %'")
        result = running.wait(60)
    assert result.rc == 1 and '"rows":320000' not in result.stdout, str(result)
    assert "terminating connection" in result.stdout, str(result)
    assert_no_session_left(cluster, "many copy")
    counts = [cluster.value(f"SELECT count(*) FROM t{i}", "many copy") for i in range(4)]
    assert set(counts) <= {"0", "80000"} and "0" in counts, counts


def limit_files(pid, size):
    process.run(["prlimit", "--pid", str(pid), f"--fsize={size}:"], user=process.server_user()).check()


@pytest.mark.sampled
@pytest.mark.parametrize("streams", [False, True])
def test_a_server_without_room_is_no_success(restorer, cluster, many, streams):
    """Files of the server's may not grow beyond 20 MB, as if its disk were full."""
    pid = cluster.pid
    logical.drop(cluster, "many")  # a checkpoint leaves its unlogged tables to whoever needs room
    cluster.sql("CHECKPOINT")
    limit_files(pid, 20 << 20)
    try:
        outcome = (stream(restorer, cluster, "many copy", many, "jobs=4") if streams
                   else restorer(cluster, "many copy", many, "jobs=4"))
    finally:
        limit_files(pid, "unlimited")
    assert outcome.result.rc == 3 and outcome.report["rows"] == 0, str(outcome.result)
    assert sorted(failure["object"] for failure in outcome.failures) == [
        f"TABLE DATA public.t{i}" for i in range(4)], str(outcome.result)
    assert_no_session_left(cluster, "many copy")
    counts = [cluster.value(f"SELECT count(*) FROM t{i}", "many copy") for i in range(4)]
    assert counts == ["0"] * 4


@pytest.mark.sampled
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
