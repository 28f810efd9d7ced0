"""Each layout of a logical backup through the real plakar, for one database and for all: what is in the
snapshot, and what stock tools and our own verify make of what plakar restores."""

import json
import re

import pytest

from pgcask_testing import logical, oracles
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

pytestmark = pytest.mark.majors(13, 15, 18)
LAYOUTS = ["classic", "numbered", "tables"]
ODD = "it's 100%/=x"
CONTENT = """
    CREATE TABLE book (id serial PRIMARY KEY, title text NOT NULL);
    INSERT INTO book (title) SELECT 'book ' || g FROM generate_series(1, 500) g;
    CREATE TABLE "empty one" ();
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    GRANT SELECT ON book TO alice;
"""


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    server = module_servers.create(major)
    logical.run_sql(server, "postgres", logical.script("roles"))
    logical.make(server, "app", CONTENT)
    logical.make(server, ODD, "CREATE TABLE t (i int); INSERT INTO t VALUES (1), (NULL);")
    yield server
    server.close()


def location(server, db=None):
    return f"postgres://{server.superuser}@127.0.0.1:{server.port}" + (f"/{db}" if db else "")


def encoded(name):
    """A database's name in a record's path."""
    return name.replace("%", "%25").replace("/", "%2F")


def files_in(plakar, snapshot):
    """Paths of the snapshot's files and folders."""
    return set(plakar.paths(snapshot)) - {"/"}


def expected(layout, everything, entries):
    """What has to be there but for the data of folders."""
    names = ["app", ODD, "postgres", "template1"] if everything else ["app"]
    if layout == "classic":
        return {"/manifest.json", "/summary.json",
                *(["/all.sql"] if everything else ["/globals.sql", "/app.dump"])}
    archives = [f"/{i:05}-{encoded(name)}" for i, name in enumerate(sorted(names), 1)]
    found = {"/manifest.json", "/00000-globals.sql"}
    if layout == "numbered":
        return found | {f"{archive}.dump" for archive in archives}
    return found | {"/summary.json", *archives,
                    *(f"{a}/{f}" for a in archives for f in ("0.toc", "toc.dat"))}


def verified(pgcask, tree):
    result = pgcask("verify", tree, "--json").check()
    return json.loads(result.stdout), pgcask("verify", tree).check().stdout


def assert_restores(server, archive, db):
    logical.create_like(server, db, "copy of it")
    logical.restore(server, archive, "copy of it")
    assert logical.dump_schema(server, db) == logical.dump_schema(server, "copy of it")
    assert logical.table_sums(server, db) == logical.table_sums(server, "copy of it")
    logical.drop(server, "copy of it")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.sampled(1)
def test_a_layout_comes_back_through_plakar(plakar, pgcask, cluster, servers, workdir, major, layout,
                                            everything):
    plakar.backup("-o", f"layout={layout}", location(cluster, None if everything else "app")).check()
    oracles.wait_for_nothing_left(cluster)
    (snapshot,) = plakar.snapshots()
    plakar.on_store("check").check()

    found = files_in(plakar, snapshot)
    entries = {path for path in found if re.search(r"/[1-9][0-9]*\.dat$", path)}
    assert found - entries == expected(layout, everything, entries)
    assert bool(entries) == (layout == "tables")
    manifest = json.loads(plakar.on_store("cat", f"{snapshot}:/manifest.json").check().stdout)
    assert manifest["layout"] == layout and manifest["partial"] is False
    assert manifest["dump_format"] == {
        "numbered": "custom", "tables": "directory"}.get(layout, "plain" if everything else "custom")
    assert manifest["options"]["compress"] is False
    assert manifest.get("without_summary", False) == (layout == "numbered")

    tree = plakar.restore(workdir / "tree", snapshot)
    report, said = verified(pgcask, tree)
    assert report["layout"] == layout and report["rows"] == (502 if everything else 500)
    assert report.get("database_count") == (4 if everything else None)
    assert report["digests"] is (layout != "numbered")
    assert ("has no summary.json" in said) == (layout == "numbered")
    assert ("the backup is complete" in said) == (layout != "numbered")
    if layout == "classic" and everything:
        target = servers.create(major)
        assert logical.run_all_sql(target, tree / "all.sql") == []
        assert logical.dump_all(cluster) == logical.dump_all(target)
        return
    for db in ["app", ODD] if everything else ["app"]:
        (archive,) = (path for path in tree.iterdir() if encoded(db) in path.name)
        assert_restores(cluster, archive, db)


@pytest.mark.majors(18)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_record_of_a_layout_is_needed(plakar, cluster, major, layout):
    plakar.backup("-o", f"layout={layout}", location(cluster)).check()
    (snapshot,) = plakar.snapshots()
    for path in sorted(files_in(plakar, snapshot) - {"/manifest.json"})[:6]:
        result = plakar.backup("-o", f"layout={layout}", "-ignore", path, location(cluster))
        assert result.rc == 1 and "left" in result.stdout, (path, result)
    assert plakar.snapshots() == [snapshot]
    oracles.wait_for_nothing_left(cluster)


@pytest.mark.majors(15)
@pytest.mark.parametrize("everything", [False, True])
def test_what_numbered_can_prove_without_a_summary(plakar, pgcask, cluster, workdir, major,
                                                   everything):
    """Whatever is missing, too many, cut off or under another name is told; a changed row is not."""
    plakar.backup("-o", "layout=numbered",
                  location(cluster, None if everything else "app")).check()
    tree = plakar.restore(workdir / "tree", plakar.snapshots()[0])
    archives = sorted(tree.glob("*.dump"))

    def problems(status=1, kind=None):
        result = pgcask("verify", tree, "--json")
        assert result.rc == status, result
        return {p["path"]: p["problem"] for p in json.loads(result.stdout)["problems"]
                if kind in (None, p["kind"])}

    for file in [*archives, tree / "00000-globals.sql"]:
        content = file.read_bytes()
        file.rename(workdir / "aside")
        found = problems()
        assert "missing" in json.dumps(found), (file, found)
        file.write_bytes(content[:-3])
        assert f"/{file.name}" in problems(), file
        file.write_bytes(content)
    extra = tree / f"{len(archives) + 1:05}-more.dump"
    extra.write_bytes(archives[0].read_bytes())
    assert "is the archive of database app" in problems()[f"/{extra.name}"]
    extra.unlink()
    for name in ["x.dump", "0001-app.dump", "00000-app.dump", "all.sql", "globals.sql",
                 "00001-app/toc.dat", "00001-app", "empty"]:
        extra = tree / name
        if name in ("00001-app", "empty"):
            extra.mkdir()
        else:
            extra.parent.mkdir(exist_ok=True)
            extra.write_bytes(archives[0].read_bytes() if name.endswith(".dump") else b"")
        assert f"/{name}" in problems(kind="unexpected"), name
        if extra.is_file():
            extra.unlink()
        for folder in tree.glob("*/"):
            folder.rmdir()
    (tree / "summary.json").write_text("{}")
    assert "/summary.json" in problems()
    (tree / "summary.json").unlink()
    if everything:
        contents = [archive.read_bytes() for archive in archives]
        archives[0].write_bytes(contents[1])
        archives[1].write_bytes(contents[0])
        assert {f"/{archives[0].name}", f"/{archives[1].name}"} <= set(problems())
        for archive, content in zip(archives, contents):
            archive.write_bytes(content)
    # Whole, and of the database that its name has, but not what was backed up.
    other = workdir / "other"
    pgcask("backup", location(cluster, "postgres"), "--to", other, "--layout", "numbered").check()
    archives[0].rename(workdir / "aside")
    (other / "00001-postgres.dump").rename(tree / "00001-postgres.dump")
    found = problems()
    assert "manifest.json names no such" in found["/00001-postgres.dump"], found
    assert "number 1 is missing: of database" in found["/"], found
    (tree / "00001-postgres.dump").unlink()
    (workdir / "aside").rename(archives[0])
    # What could be gathered of the databases does not matter.
    manifest = (tree / "manifest.json").read_text()
    told = json.loads(manifest)
    del told["databases"]
    (tree / "manifest.json").write_text(json.dumps(told, indent=2))
    assert problems(0) == {}
    del told["archive_names"]
    (tree / "manifest.json").write_text(json.dumps(told, indent=2))
    assert problems() == {"/manifest.json": "does not say which databases were backed up"}
    (tree / "manifest.json").write_text(manifest)
    # The honest end of it: nothing can be seen of this.
    dump = archives[0].read_bytes()
    assert dump.count(b"book 77\n") == 1
    archives[0].write_bytes(dump.replace(b"book 77\n", b"book 78\n"))
    assert problems(0) == {}
    manifest = (tree / "manifest.json").read_text()
    (tree / "manifest.json").write_text(manifest.replace('"without_summary": true,', ""))
    assert problems() == {"/summary.json": "is missing: the backup is not complete"}


@pytest.mark.majors(18)
def test_databases_are_chosen_by_keys(plakar, cluster, major):
    source = location(cluster)
    for keys, names in (
        (["databases=app"], ["app"]),
        (["databases=a*,post*"], ["app", "postgres"]),
        (["exclude_databases=*t*,post*"], ["app"]),
    ):
        plakar.backup("-o", "layout=numbered", *(w for k in keys for w in ("-o", k)), source).check()
        found = files_in(plakar, plakar.snapshots()[0])
        assert {path[7:-5] for path in found if path.endswith(".dump")} == set(names), (keys, found)
    for keys, words in (
        (["databases=nothing"], "nothing"),
        (["compress=true"], "compress"),
    ):
        result = plakar.backup(*(w for k in keys for w in ("-o", k)), source)
        assert result.rc == 1 and words in result.stdout + result.stderr, (keys, result)
    for key in ("databases=app", "exclude_databases=app"):
        result = plakar.backup("-o", key, location(cluster, "app"))
        assert result.rc == 1, result
        assert key.split("=")[0] in result.stdout and '"app"' in result.stdout, result
    result = plakar.backup("-o", "layout=other", source)
    assert result.rc == 1 and "layout" in result.stdout, result
    for how, suffix in (("true", ".gz"), ("gzip:1", ".gz"), ("zstd", ".zst"), ("LZ4", None),
                        ("lz4", ".lz4"), ("none", ""), ("False", "")):
        result = plakar.backup("-o", "layout=tables", "-o", f"compress={how}",
                               location(cluster, "app"))
        if suffix is None:
            assert result.rc == 1 and "lz4" in result.stdout, result
            continue
        snapshot = plakar.snapshots()[0]
        data = [path for path in files_in(plakar, snapshot) if re.search(r"/[0-9]+\.dat", path)]
        assert data and all(path.endswith(f".dat{suffix}") for path in data), (how, data)
        manifest = json.loads(plakar.on_store("cat", f"{snapshot}:/manifest.json").check().stdout)
        assert manifest["options"]["compress"] is (suffix != "")


@pytest.mark.majors(13, 18)
def test_what_is_wanted_is_chosen_by_keys(plakar, pgcask, cluster, workdir, major):
    choices = logical.make_choices(cluster, "choices", workdir)
    plakar.backup(*(word for name, value in choices
                    for word in ("-o", f"{name.replace('-', '_')}={value}")),
                  location(cluster, "choices")).check()
    tree = plakar.restore(workdir / "tree", plakar.snapshots()[0])
    pgcask("backup", cluster.uri("choices"), "--to", workdir / "theirs", "--compress", "none",
           *(f"--{name}={value}" for name, value in choices)).check()
    logical.assert_same_choice(cluster, tree, workdir / "theirs")
    result = plakar.backup("-o", "tables=nothing", location(cluster, "choices"))
    assert result.rc == 1 and "nothing" in result.stdout + result.stderr, result
    logical.drop(cluster, "choices")


def many_names(count):
    """So many names that are hard on paths, connection strings, SQL and percent-encoding."""
    marks = [" ", "'", '"', "/", "=", "\\", "%", "-", ".", "..", "&", "?", "*", "$", ";", "\t", "#", "~"]
    names = [f"{mark}{number}{mark}" for number, mark in enumerate(marks)]
    names += ["-rf", "--to", "..", ".", "dbname=x host=y", "postgres://h/d", "a b", "select",
              "\u00e9" * 31, "\u6f22" * 21, "\U0001f418" * 15 + "abc", "x" * 63, "UPPER", "upper"]
    return names + [f"n {number} %{number:02x}" for number in range(count - len(names))]


@pytest.mark.majors(18)
def test_databases_with_odd_names(request, plakar, pgcask, servers, workdir, major):
    """In one script, which psql takes as a whole, and in a folder for each."""
    count = 200 if request.config.getoption("--whole") else 40
    server = servers.create(major, conf={"fsync": "off"})
    names = many_names(count)
    assert len(set(names)) == count
    for name in names:
        server.sql('CREATE DATABASE "%s" STRATEGY file_copy' % name.replace('"', '""'))
    for name in names[::20]:
        server.sql("CREATE TABLE t AS SELECT 1 AS i", db=name)
    for layout in ("tables", "classic"):
        plakar.backup("-o", f"layout={layout}", location(server)).check()
        oracles.wait_for_nothing_left(server)
        tree = plakar.restore(workdir / layout, plakar.snapshots()[0])
        report, _ = verified(pgcask, tree)
        assert report["database_count"] == count + 2 and report["rows"] == count // 20
        told = json.loads(pgcask("list", tree, "--json").check().stdout)
        assert {d["name"] for d in told["backed_up"]} == {*names, "postgres", "template1"}
    target = servers.create(major, conf={"fsync": "off"})
    assert logical.run_all_sql(target, workdir / "classic/all.sql") == []
    databases = "SELECT datname FROM pg_database ORDER BY 1"
    assert target.sql(databases) == server.sql(databases)
    for name in names[::20]:
        assert target.sql("SELECT * FROM t", db=name) == server.sql("SELECT * FROM t", db=name)
