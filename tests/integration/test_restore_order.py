"""A backup's records are restored in whatever order they come: as Plakar gives them back, in byte
order of their paths, or in any other."""

import tarfile

import pytest

from pgcask_testing import logical, temp
from pgcask_testing.logical import cluster  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled(1)

LAYOUTS = ("classic", "numbered", "tables", "all")
ORDERS = {
    "bytes": None,
    "backwards": lambda path: [-byte for byte in str(path).encode()],
    "summary first": lambda path: (path.name != "summary.json", str(path)),
}


@pytest.fixture(scope="module")
def backups(pgcask, cluster):
    """{layout: folder}, of a database whose tables belong to a role that the globals make."""
    folder = temp.new_dir("order")
    logical.run_sql(cluster, "postgres", "CREATE ROLE ordered")
    logical.make(cluster, "app", """
        CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000);
        CREATE TABLE u (n int REFERENCES t); INSERT INTO u VALUES (1), (2);
        SELECT lo_from_bytea(4711, 'a large object');
        ALTER TABLE t OWNER TO ordered; GRANT SELECT ON u TO ordered;
    """)
    for layout in LAYOUTS:
        uri, words = cluster.uri("app"), ["--layout", layout]
        if layout == "all":
            uri, words = cluster.uri(""), ["--databases", "app"]
        pgcask("backup", uri, "--to", folder / layout, "--quiet", *words).check()
    return {layout: folder / layout for layout in LAYOUTS}


@pytest.fixture
def forgotten(cluster):
    """Neither the database nor the role is there."""
    logical.run_sql(cluster, "postgres", "DROP DATABASE IF EXISTS app; DROP ROLE IF EXISTS ordered")


def assert_restored(cluster):
    assert logical.run_sql(cluster, "app", """
        SELECT tableowner, (SELECT count(*) FROM t), (SELECT count(*) FROM u),
               has_table_privilege('ordered', 'u', 'SELECT'), convert_from(lo_get(4711), 'UTF8')
        FROM pg_tables WHERE tablename = 't'
    """).decode().strip() == "ordered|1000|2|t|a large object"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_records_come_in_any_order(pgcask, cluster, backups, workdir, forgotten, layout, order):
    tar = logical.in_byte_order(backups[layout], workdir / "a.tar", ORDERS[order])
    pgcask("restore", tar, "--to", cluster.uri("postgres"), "--create-db",
           *(["--database", "app"] if layout != "all" else [])).check()
    assert_restored(cluster)


def test_so_they_do_through_a_pipe(pgcask, cluster, backups, workdir, forgotten):
    tar = logical.in_byte_order(backups["classic"], workdir / "a.tar")
    with tar.open("rb") as stream:
        pgcask("restore", "-", "--to", cluster.uri("postgres"), "--create-db", "--database", "app",
               "--spool-dir", workdir, stdin=stream).check()
    assert_restored(cluster)
    assert [path.name for path in workdir.iterdir()] == ["a.tar"]


@pytest.mark.parametrize("missing, says", [
    ("manifest.json", "no manifest.json"), ("summary.json", "damaged or incomplete"),
    ("globals.sql", '"ordered"'), ("app.dump", "damaged or incomplete"),
])
def test_what_did_not_arrive_is_an_error(pgcask, cluster, backups, workdir, forgotten, missing, says):
    with tarfile.open(workdir / "a.tar", "w") as out:
        for path in sorted(backups["classic"].iterdir()):
            if path.name != missing:
                out.add(path, arcname=path.name)
    result = pgcask("restore", workdir / "a.tar", "--to", cluster.uri("postgres"), "--create-db",
                    "--database", "app")
    assert result.rc == 1 and says in result.stderr, result


# What is something else


def test_a_physical_backup_is_none_for_a_server(pgcask, cluster, workdir):
    for target in ("folder", "a.tar"):
        pgcask("backup", cluster.binary_uri(), "--to", workdir / target, "--quiet").check()
        result = pgcask("restore", workdir / target, "--to", cluster.uri("postgres"))
        assert result.rc == 1 and "is a physical backup" in result.stderr, result
        assert "Name a directory as the target" in result.stderr and "warning" not in result.stderr, result


def test_a_logical_backup_is_no_data_directory(pgcask, backups, workdir):
    for layout, folder in backups.items():
        result = pgcask("restore", folder, "--to", workdir / "data")
        assert result.rc == 1 and "--to postgres://" in result.stderr, result
        assert not (workdir / "data").exists()
    result = pgcask("restore", backups["classic"] / "app.dump", "--to", workdir / "data")
    assert result.rc == 1 and "--to postgres://" in result.stderr, result


def test_a_folder_of_something_is_no_backup(pgcask, cluster, workdir):
    (workdir / "folder").mkdir()
    for name in ("a.txt", "b.txt"):
        (workdir / "folder" / name).write_text("text")
    result = pgcask("restore", workdir / "folder", "--to", cluster.uri("postgres"))
    assert result.rc == 1 and "manifest.json" in result.stderr, result
    assert result.stderr.count("\n") <= 3, "each file is named"
