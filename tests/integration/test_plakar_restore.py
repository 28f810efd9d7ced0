"""plakar restore -to postgres://…: the real plakar, backups of every layout, and two clusters."""

import pytest

from pgcask_testing import logical, oracles, temp
from pgcask_testing.plakar import Plakar, plakar_package  # noqa: F401

pytestmark = pytest.mark.majors(13, 15, 18)
LAYOUTS = ["classic", "numbered", "tables"]
ODD = "it's 100%/=x"
CONTENT = """
    CREATE TABLE book (id serial PRIMARY KEY, title text NOT NULL);
    INSERT INTO book (title) SELECT 'book ' || g FROM generate_series(1, 500) g;
    CREATE TABLE "empty one" ();
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    GRANT SELECT ON book TO alice;
    SELECT lo_from_bytea(0, 'of a large object');
"""


class Place:
    """A cluster that is backed up, one to restore into, and a plakar with snapshots of the first."""

    def __init__(self, major, servers, package):
        self.major = major
        self.source, self.target = servers.create(major), servers.create(major)
        self.plakar = Plakar(temp.new_dir("plakar"))
        self.plakar.run("pkg", "add", package).check()
        self.plakar.create_store()
        self._snapshots = {}
        logical.run_sql(self.source, "postgres", logical.script("roles"))
        for name in ("app", "zoo"):
            logical.make(self.source, name, CONTENT)
        logical.make(self.source, ODD, "CREATE TABLE t (i int); INSERT INTO t VALUES (1), (NULL);")

    def snapshot(self, db, layout="classic", *options):
        """Its id, of a database (None: of all); made once."""
        key = (db, layout, *options)
        if key not in self._snapshots:
            before = set(self.plakar.snapshots())
            self.plakar.backup("-o", f"layout={layout}", *options, location(self.source, db)).check()
            (self._snapshots[key],) = set(self.plakar.snapshots()) - before
        return self._snapshots[key]

    def restore(self, snapshot, db=None, *options, **more):
        """Restores into the target; options: "clean", "database=app", …"""
        given = [word for option in options for word in ("-o", option)]
        return self.plakar.on_store(
            "restore", *given, "-to", location(self.target, db), snapshot, **more)

    def drop(self, *names):
        for name in names:
            logical.drop(self.target, name)

    def assert_equal(self, db, copy=None):
        copy = copy or db
        assert logical.dump_schema(self.target, copy) == logical.dump_schema(self.source, db)
        assert logical.table_sums(self.target, copy) == logical.table_sums(self.source, db)
        assert logical.large_objects(self.target, copy) == logical.large_objects(self.source, db)


def location(server, db=None):
    return f"postgres://{server.superuser}@127.0.0.1:{server.port}" + (f"/{db}" if db else "")


@pytest.fixture(scope="module")
def place(major, module_servers, plakar_package):  # noqa: F811
    place = Place(major, module_servers, plakar_package)
    yield place
    for server in (place.source, place.target):
        oracles.wait_for_nothing_left(server)
        server.close()
    assert list(place.plakar.tmp.iterdir()) == []
    temp.remove(place.plakar.home)


# ---- What comes back


@pytest.mark.parametrize("db", ["app", "zoo"])  # before and behind globals.sql
def test_a_database_comes_back(place, db):
    result = place.restore(place.snapshot(db), None, "create_db=true").check()
    assert "KO" not in result.stdout + result.stderr
    assert f"OK ✓ /{db}.dump" in result.stdout + result.stderr
    place.assert_equal(db)
    place.drop(db)
