"""A restore's memory has its bound, whatever is large: one row, many large objects, one statement of a script."""

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
