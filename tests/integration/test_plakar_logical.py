"""Plakar itself, backing databases up logically with our package."""

import pytest

from pgcask_testing import oracles, paths, process
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

NEWEST_AND_DEBIANS = pytest.mark.majors(15, 18)

SCHEMA = """
CREATE TABLE book (id serial PRIMARY KEY, title text NOT NULL, pages int CHECK (pages > 0));
CREATE INDEX ON book (lower(title));
CREATE VIEW long_book AS SELECT * FROM book WHERE pages > 500;
INSERT INTO book (title, pages) SELECT 'book ' || g, g FROM generate_series(1, 20000) g;
"""


@pytest.fixture
def source(servers, major):
    server = servers.create(major)
    server.sql("CREATE DATABASE app")
    server.sql(SCHEMA, db="app")
    return server


def uri(server):
    return f"postgres://{server.superuser}@127.0.0.1:{server.port}/app"


@NEWEST_AND_DEBIANS
def test_a_database_comes_back_through_plakar(plakar, pgcask, source, workdir, major):
    plakar.run("source", "add", "app", uri(source)).check()
    assert "configuration OK" in plakar.run("source", "ping", "app").check().stdout
    plakar.backup("@app").check()
    oracles.wait_for_nothing_left(source)
    (snapshot,) = plakar.snapshots()
    plakar.on_store("check").check()

    tree = plakar.restore(workdir / "tree", snapshot)
    assert sorted(p.name for p in tree.iterdir()) == [
        "app.dump", "globals.sql", "manifest.json", "summary.json"]
    pgcask("verify", tree).check()
    source.sql("CREATE DATABASE back TEMPLATE template0")
    process.run([paths.stock("pg_restore", major), "-d",
                 f"host=127.0.0.1 port={source.port} user={source.superuser} dbname=back",
                 tree / "app.dump"]).check()
    rows = "SELECT count(*), md5(string_agg(b::text, ',' ORDER BY id)) FROM book b"
    assert source.sql(rows, db="back") == source.sql(rows, db="app")


@NEWEST_AND_DEBIANS
def test_a_dump_that_fails_fails_the_backup(plakar, source, major):
    source.sql("CREATE COLLATION german (locale = 'C')", db="app")
    result = plakar.backup(uri(source))
    assert result.rc == 1, result
    assert "collation german" in result.stdout + result.stderr, result
    assert plakar.snapshots() == []
    oracles.wait_for_nothing_left(source)
