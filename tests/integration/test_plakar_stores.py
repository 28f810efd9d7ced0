"""What lies between a backup and a restore into a server: an encrypted store, a copy of one, a
ptar, any number of workers; and the official integration's exporter on the other side, whose stock tools read
their standard input.
"""

import json

import pytest

from pgcask_testing import logical, oracles, process, temp
from pgcask_testing.plakar import Plakar, plakar_package  # noqa: F401

pytestmark = [pytest.mark.majors(14, 17), pytest.mark.sampled(1)]
CONTENT = """
    CREATE TABLE book (id int PRIMARY KEY, title text);
    INSERT INTO book SELECT g, 'book ' || g FROM generate_series(1, 3000) g;
    CREATE TABLE other AS SELECT md5(g::text) FROM generate_series(1, 3000) g;
    GRANT SELECT ON book TO alice;
"""


class Stage:
    def __init__(self, major, servers, package):
        self.source, self.target = servers.create(major), servers.create(major)
        self.plakar = Plakar(temp.new_dir("plakar"))
        self.plakar.run("pkg", "add", package).check()
        self.plakar.create_store()
        self.source.sql("CREATE ROLE alice")
        logical.make(self.source, "app", CONTENT)

    def location(self, server, db=None):
        return f"postgres://{server.superuser}@127.0.0.1:{server.port}" + (f"/{db}" if db else "")

    def restored_from(self, store, *before, **more):
        """Restores the store's only snapshot; the copy is dropped."""
        self.plakar.run(*before, "at", store, "restore", "-o", "create_db=true", "-to",
                        self.location(self.target), **more).check()
        assert logical.dump_schema(self.target, "app") == logical.dump_schema(self.source, "app")
        assert logical.table_sums(self.target, "app") == logical.table_sums(self.source, "app")
        logical.drop(self.target, "app")


@pytest.fixture(scope="module")
def stage(major, module_servers, plakar_package):  # noqa: F811
    stage = Stage(major, module_servers, plakar_package)
    yield stage
    for server in (stage.source, stage.target):
        oracles.wait_for_nothing_left(server)
        server.close()
    temp.remove(stage.plakar.home)


def test_a_copy_of_a_store_gives_it_back(stage, workdir):
    run, first, second = stage.plakar.run, workdir / "first", workdir / "second"
    for store in (first, second):
        run("at", store, "create", "-plaintext").check()
    run("at", first, "backup", "-o", "layout=tables", stage.location(stage.source, "app")).check()
    run("at", second, "sync", "from", first).check()
    stage.restored_from(second)


@pytest.mark.parametrize("layout", ["classic", "tables"])
def test_an_encrypted_store_gives_it_back(stage, workdir, layout):
    """What plakar makes without -plaintext."""
    run, store = stage.plakar.run, workdir / "store"
    key = {"env": {"PLAKAR_PASSPHRASE": "correct horse, battery staple"}}
    run("at", store, "create", **key).check()
    run("at", store, "backup", "-o", f"layout={layout}", stage.location(stage.source, "app"),
        **key).check()
    refused = run("at", store, "restore", "-to", stage.location(stage.target),
                  env={"PLAKAR_PASSPHRASE": "another"})
    assert refused.rc != 0 and "app" not in stage.target.databases(), refused
    kept = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert not [word for word in (b"book 17", b"CREATE TABLE", b"postgresql") if word in kept]
    stage.restored_from(store, **key)


def test_a_ptar_gives_it_back(stage, workdir):
    file = workdir / "app.ptar"
    stage.plakar.run("ptar", "-plaintext", "-o", file,
                     stage.location(stage.source, "app")).check()
    stage.restored_from(f"ptar://{file}")


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("layout", ["classic", "tables"])
def test_any_number_of_workers_backs_up_and_restores(stage, workdir, workers, layout):
    stage.plakar.run("at", workdir / "store", "create", "-plaintext").check()
    stage.plakar.run("-concurrency", workers, "at", workdir / "store", "backup", "-o",
                     f"layout={layout}", stage.location(stage.source, "app")).check()
    stage.restored_from(workdir / "store", "-concurrency", workers)


def test_a_second_snapshot_stores_what_has_changed(stage, workdir):
    """Of a table that has not, nothing; what it stores beside is the list of files."""
    logical.make(stage.source, "grown", """
        CREATE TABLE large AS SELECT g, md5(g::text) || md5((g + 1)::text) FROM
            generate_series(1, 100000) g;
        CREATE TABLE small AS SELECT 1 AS n""")
    run, store = stage.plakar.run, workdir / "store"
    run("at", store, "create", "-plaintext").check()

    def backup():
        run("at", store, "backup", "-o", "layout=tables",
            stage.location(stage.source, "grown")).check()
        return stage.plakar.stored(store)

    first = backup()
    stage.source.sql("INSERT INTO small SELECT 2", "grown")
    both = backup()
    large = sum(first.values())
    again = {name: size for name, size in both.items() if name not in first}
    assert first.keys() <= both.keys() and large > 4e6, first
    assert 0 < sum(again.values()) < large / 50, again
    run("at", store, "restore", "-o", "create_db=true", "-to", stage.location(stage.target)).check()
    assert logical.table_sums(stage.target, "grown") == logical.table_sums(stage.source, "grown")
    for server in (stage.source, stage.target):
        logical.drop(server, "grown")


def test_the_tools_of_the_official_exporter_restore_what_is_numbered(stage):
    """It dispatches on names; any other than these it calls a file that it cannot restore."""
    stage.plakar.backup("-o", "layout=numbered", stage.location(stage.source)).check()
    snapshot = stage.plakar.snapshots()[0]
    names = sorted(path.rpartition("/")[2] for path in stage.plakar.paths(snapshot))
    assert names == ["00000-globals.sql", "00001-app.dump", "00002-postgres.dump",
                     "00003-template1.dump", "manifest.json"]

    def content(name):
        return stage.plakar.on_store("cat", f"{snapshot}:/{name}").check().stdout_bytes

    told = json.loads(content("manifest.json"))
    assert told["version"] == 2 and told["connector"] == "postgresql"
    logical.run_sql(stage.target, "postgres", content("00000-globals.sql"), stop=False)
    env = logical._environment(stage.target, "app")
    stage.target.sql("CREATE DATABASE app")
    done = process.run([logical.stock("pg_restore", stage.target), "-w", "-d", "app"],
                       input=content("00001-app.dump"), env=env)
    assert not logical._problem(stage.target, done), done
    assert logical.table_sums(stage.target, "app") == logical.table_sums(stage.source, "app")
    assert logical.dump_schema(stage.target, "app") == logical.dump_schema(stage.source, "app")
    logical.drop(stage.target, "app")
