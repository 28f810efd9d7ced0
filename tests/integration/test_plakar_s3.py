"""A store on S3, by Plakar's own S3 integration: what is backed up there comes back, and what cannot be
written there makes no snapshot.

tests/servers/install-s3 makes what this needs; scripts/test does not run it (tests/README.md says why).
"""

import pytest

from pgcask_testing import builders, logical, oracles, s3
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

pytestmark = pytest.mark.majors(16)
CONTENT = """
    CREATE TABLE book (id int PRIMARY KEY, title text);
    INSERT INTO book SELECT g, 'book ' || md5(g::text) FROM generate_series(1, 30000) g;
    CREATE INDEX ON book (title);
    SELECT lo_from_bytea(0, convert_to(repeat('large', 100000), 'UTF8'));
"""


@pytest.fixture
def bucket(plakar, request):
    if not s3.is_installed():
        if request.config.getoption("--whole"):
            pytest.fail("tests/servers/install-s3 was not run")
        pytest.skip("tests/servers/install-s3 makes what this needs")
    with s3.server() as port:
        plakar.run("pkg", "add", s3.package(plakar)).check()
        plakar.run("store", "add", "bucket", f"s3://127.0.0.1:{port}/backups/pg", *s3.KEYS).check()
        plakar.store = "@bucket"
        plakar.create_store()
        yield port


def location(server, db=None):
    return f"postgres://{server.superuser}@127.0.0.1:{server.port}" + (f"/{db}" if db else "")


def test_what_is_kept_in_a_bucket_comes_back(plakar, bucket, servers, pgcask, workdir, major):
    source, target = servers.create(major), servers.create(major, fresh=True)
    logical.make(source, "shop", CONTENT)
    for layout in ("classic", "numbered", "tables"):
        plakar.backup("-o", f"layout={layout}", location(source, "shop"),
                      before=["-concurrency", 4]).check()
        plakar.on_store("restore", "-o", "create_db=true", "-to", location(target),
                        plakar.snapshots()[0]).check()
        assert logical.dump_schema(target, "shop") == logical.dump_schema(source, "shop")
        assert logical.table_sums(target, "shop") == logical.table_sums(source, "shop")
        assert logical.large_objects(target, "shop") == logical.large_objects(source, "shop")
        logical.drop(target, "shop")
    builders.fill(source, mb=20)
    live = oracles.all_sums(source)
    plakar.backup(source.binary_uri(), before=["-concurrency", 4]).check()
    plakar.on_store("check").check()
    oracles.wait_for_nothing_left(source)
    source.stop()
    tree = plakar.restore(workdir / "tree", plakar.snapshots()[0])
    pgcask("verify", tree).check()
    assert oracles.all_sums(servers.start_restored(tree / "data", major)) == live


def test_a_bucket_that_goes_away_makes_no_snapshot(plakar, bucket, shared_server, major):
    plakar.run("store", "set", "bucket", f"location=s3://127.0.0.1:{s3.free_port()}/backups/pg").check()
    result = plakar.backup(location(shared_server, "postgres"), timeout=600)
    assert result.rc != 0, result
    oracles.wait_for_nothing_left(shared_server)
