"""A restore's memory has its bound, whatever is large: one row, many large objects, one statement of a script."""

import hashlib

import pytest

from pgcask_testing import logical, process
from pgcask_testing.logical import cluster, make  # noqa: F401: a fixture
from pgcask_testing.restored import restorer  # noqa: F401: a fixture

MB = 1 << 20
BASE, EACH = 48 * MB, 8 * MB  # of a restore, and of each session

ONE_ROW = """
    CREATE UNLOGGED TABLE t (n int, b bytea); ALTER TABLE t ALTER b SET STORAGE EXTERNAL;
    INSERT INTO t SELECT 1, convert_to(repeat('0123456789abcdef', 5 << 20), 'UTF8');
    INSERT INTO t VALUES (2, NULL);
"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("form", ["jobs=1", "jobs=3", "stream"])
def test_one_row_may_be_larger_than_all_memory_that_it_may_take(restorer, cluster, workdir, form):
    """80 MB, which are 160 in an archive."""
    db = make(cluster, "row", ONE_ROW)
    archive = workdir / "row.dump"
    process.run([logical.stock("pg_dump", cluster), "-Fc", "-Z0", "-f", archive],
                env=logical._environment(cluster, db), timeout=600).check()
    assert archive.stat().st_size > 160 * MB
    copy = make(cluster, "row copy")
    with archive.open("rb") as stdin:
        outcome = restorer(cluster, copy, "-" if form == "stream" else archive,
                           "jobs=3" if form == "stream" else form, stdin=stdin if form == "stream" else None)
    assert outcome.result.ok and outcome.report["rows"] == 2, str(outcome.result)
    assert outcome.result.peak_rss < BASE + (1 if form == "jobs=1" else 3) * EACH, outcome.result.peak_rss
    sums = "SELECT string_agg(n || ' ' || coalesce(md5(b), '-'), ',' ORDER BY n) FROM t"
    assert cluster.value(sums, copy) == cluster.value(sums, db)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("jobs", [1, 4])
def test_many_large_objects_take_no_more(restorer, cluster, workdir, jobs):
    db = make(cluster, "objects", "SELECT count(lo_create(n)) FROM generate_series(1, 40000) n;")
    archive = logical.stock_archive(cluster, db, workdir / "objects.dump")
    copy = make(cluster, "objects copy")
    outcome = restorer(cluster, copy, archive, f"jobs={jobs}")
    assert outcome.result.ok and not outcome.failures, str(outcome.result)
    assert outcome.result.peak_rss < BASE + jobs * EACH, outcome.result.peak_rss
    assert cluster.value("SELECT count(*) FROM pg_largeobject_metadata", copy) == "40000"


# ---- One statement of a script, or of an archive's table of contents ----

BEGUN = "-- PostgreSQL database dump\n"
END = "-- PostgreSQL database dump complete\n"
QUIET = "SET log_min_messages = panic;\n"  # a server writes statements that fail to its log
HUGE, LONG = 64 * MB, 20 * MB  # three times either is over the bound


def text_of(size):
    return "0123456789abcde\n" * (size // 16)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def assert_bounded(result, jobs=1):
    assert result.peak_rss < BASE + jobs * EACH, result.peak_rss


def rows_of(size):
    return ",\n".join(f"({n}, '{n:01000}')" for n in range(size // 1000))


STATEMENTS = f"""
    CREATE TABLE one (n int PRIMARY KEY, t text);
    INSERT INTO one VALUES (0, 'before');
    INSERT INTO one VALUES (1, md5('{{one}}'));
    INSERT INTO one VALUES ('{{long}}', 'no number');
    CREATE FUNCTION long() RETURNS text LANGUAGE sql AS $x$SELECT md5('{{long}}')$x$;
    DO $x$ BEGIN EXECUTE 'SELECT nothing /* {{long}} */'; END $x$;
    CREATE TABLE many (n int, t text); INSERT INTO many VALUES {{many}};
    INSERT INTO one VALUES (2, 'behind');
"""
FAILED = [("22P02", "invalid input syntax"), ("42703", "nothing")]
IN_IT = """
    SELECT concat_ws(' ', (SELECT string_agg(n || ':' || t, ',' ORDER BY n) FROM one), long(),
        (SELECT count(*) || ' ' || sum(n) || ' ' || sum(length(t)) FROM many))
"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("form, one, long", [("a file", HUGE, LONG), ("a pipe", LONG, 2 * MB)])
def test_a_statement_of_a_script_may_be_larger_than_all_memory(restorer, cluster, workdir, form, one, long):
    """What fails of it is told, in the server's words as far as they are bounded."""
    path, rows = workdir / "long.sql", long // 1000
    path.write_text(BEGUN + QUIET + STATEMENTS.format(one=text_of(one), long=text_of(long), many=rows_of(long))
                    + END)
    copy = make(cluster, form)
    with path.open("rb") as stdin:
        outcome = restorer(cluster, copy, path if form == "a file" else "-",
                           stdin=None if form == "a file" else stdin)
    assert outcome.result.rc == 3 and len(outcome.failures) == len(FAILED), str(outcome.result)
    for failure, (sqlstate, message) in zip(outcome.failures, FAILED):
        assert failure["sqlstate"] == sqlstate and message in failure["message"], failure
        assert len(str(failure)) < 8192
    assert_bounded(outcome.result)
    assert cluster.value(IN_IT, copy) == (
        f"0:before,1:{md5(text_of(one))},2:behind {md5(text_of(long))} "
        f"{rows} {rows * (rows - 1) // 2} {rows * 1000}")
    logical.drop(cluster, copy)
