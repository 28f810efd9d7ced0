"""docs/catalogs.md knows every catalog that a server has, and where what becomes of it is tested."""

import re

import pytest

from pgcask_testing import logical, paths
from pgcask_testing.logical import cluster  # noqa: F401

HERE = paths.REPO / "tests/integration"
ROW = re.compile(r"^\| `(pg_\w+)`(?: \(since (\d+)\))? \| (.*?) \| (?:`(.*?)`)? ?\| (?:`(.*?)`)? ?\|$")


def table():
    """[catalog, first version, what is in a backup, phrase, test] of each line."""
    lines = (paths.REPO / "docs/catalogs.md").read_text().splitlines()
    rows = [ROW.match(line) for line in lines if line.startswith("| `")]
    assert len(rows) > 60 and all(rows)
    return [(name, int(since or 13), what, phrase, test)
            for name, since, what, phrase, test in (row.groups() for row in rows)]


def text_of(test):
    """A test with the scripts that it names."""
    source = (HERE / test).read_text()
    return source + "".join(path.read_text() for path in sorted(logical.SCRIPTS.glob("*.sql"))
                            if f'"{path.stem}"' in source)


def test_every_catalog_of_the_server_is_in_the_table(cluster, major):
    there = [name for (name,) in cluster.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace "
        "AND relkind = 'r' ORDER BY 1")]
    assert there == sorted(name for name, since, *_ in table() if since <= major)


def test_each_is_tested_where_the_table_says():
    for name, _, what, phrase, test in table():
        if what.startswith("nothing: "):
            assert phrase is test is None, name
        else:
            assert phrase in text_of(test), (name, phrase, test)


def test_each_is_read():
    """What is in a backup was asked for, by the catalog or the view that shows what one may see."""
    sources = "".join(path.read_text() for path in (paths.REPO / "src/catalog").rglob("*.[ch]"))
    for name, _, what, *_ in table():
        if not what.startswith("nothing: "):
            name = {"pg_statistic": "pg_stats"}.get(name, name)
            assert re.search(rf"pg_catalog\.{name}\b", sources), name


def test_what_is_no_part_of_a_backup_is_known():
    """Only what the server makes anew, or what begins anew."""
    assert [name for name, _, what, *_ in table() if what.startswith("nothing: ")] == [
        "pg_replication_origin", "pg_shdepend", "pg_statistic_ext_data", "pg_subscription_rel"]


@pytest.mark.parametrize("large, quick", [("catalogs", "touchable"), ("late", "touchable_late")])
def test_the_quick_question_looks_at_every_catalog_of_the_large_one(large, quick):
    """What changed meanwhile is asked for by name only where any row was touched at all."""
    source = (paths.REPO / "src/catalog/changes.c").read_text()
    sql = re.search(rf"^static const char {large}\[\] =\n(.*?);\n", source, re.M | re.S)[1]
    looked_at = set(re.findall(r'(?:"  FROM |, )"?pg_catalog\.(pg_\w+)\b', sql)) | set(
        re.findall(r'MEMBER\("(pg_\w+)"', sql))
    listed = re.search(rf"^static const char \*const {quick}\[\] = {{(.*?)}};", source, re.M | re.S)[1]
    assert looked_at == set(re.findall(r'"(\w+)"', listed)) and len(looked_at) > 8
