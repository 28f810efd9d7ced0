"""A store on S3, by Plakar's own S3 integration: what is backed up there comes back.

tests/servers/install-s3 makes what this needs; scripts/test does not run it (tests/README.md says why).
"""

import pytest

from pgcask_testing import logical, oracles, s3
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

pytestmark = pytest.mark.majors(16)
CONTENT = """
    CREATE TABLE book (id int PRIMARY KEY, title text);
    INSERT INTO book SELECT g, 'book ' || md5(g::text) FROM generate_series(1, 1000) g;
    CREATE INDEX ON book (title);
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


def test_what_is_kept_in_a_bucket_comes_back(plakar, bucket, shared_server, servers, major):
    source, target = servers.create(major), shared_server
    logical.make(source, "shop", CONTENT)
    plakar.backup(location(source, "shop")).check()
    plakar.on_store("restore", "-o", "create_db=true", "-to", location(target)).check()
    assert logical.dump_schema(target, "shop") == logical.dump_schema(source, "shop")
    assert logical.table_sums(target, "shop") == logical.table_sums(source, "shop")
    logical.drop(target, "shop")
    oracles.wait_for_nothing_left(source)
