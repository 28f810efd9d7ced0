"""Archives in all formats: ours read by stock tools, those of stock tools read by us."""

import json
import re
import shutil

import pytest

from pgcask_testing import logical, paths, process
from pgcask_testing.logical import cluster, make, script  # noqa: F401

pytestmark = pytest.mark.sampled

BIG = """
    CREATE TABLE big (id int PRIMARY KEY, text text);
    INSERT INTO big SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 2000) i;
    CREATE TABLE none ();
    INSERT INTO none DEFAULT VALUES;
    CREATE TABLE bare (a int);
"""


@pytest.fixture(scope="module")
def probe(request):
    """dump_probe(server, db, format, compression, folder) -> process.Result: see dump_probe.c."""
    path = paths.probe(request, "dump_probe")

    def call(server, db, kind, compression="none", folder="."):
        literal = db.replace("\\", "\\\\").replace("'", "\\'")
        conninfo = (f"host={server.socket_dir} port={server.port} user={server.superuser} "
                    f"dbname='{literal}'")
        return process.run([path, conninfo, kind, compression, folder], timeout=120).check()

    return call


def compressions(major):
    return ["none", "gzip"] + (["lz4", "zstd"] if major >= 16 else [])


def restored_copy(server, db, archive, *options):
    copy = f"{db} again"
    logical.create_like(server, db, copy)
    logical.restore(server, archive, copy, *options)
    return copy


# ---- Ours, read by stock tools -------------------------------------------------------------------


def test_a_directory_archive_is_restored_by_pg_restore(probe, pgcask, cluster, major, workdir):
    db = make(cluster, "folder", script("kinds"), BIG)
    suffixes = {"none": "", "gzip": ".gz", "lz4": ".lz4", "zstd": ".zst"}
    for compression in compressions(major):
        folder = workdir / compression
        folder.mkdir()
        probe(cluster, db, "directory", compression, folder)
        files = sorted(path.name for path in folder.iterdir() if path.name != "toc.dat")
        assert files and all(re.fullmatch(rf"\d+\.dat{suffixes[compression]}", f) for f in files)
        copy = restored_copy(cluster, db, folder, "-Fd", "-j4")
        logical.assert_equal(cluster, db, copy, folder, workdir)
        assert pgcask("verify", folder).ok
    restored_copy(cluster, db, workdir / "none", "-Fd")


@pytest.mark.majors(13, 15, 17, 18)
@pytest.mark.parametrize("name", ["kinds", "more_kinds", "names", "data", "trees", "loops"])
def test_a_plain_script_is_run_by_psql(probe, cluster, major, workdir, name):
    db = make(cluster, f"plain {name}", script(name), BIG)
    copy = f"{db} again"
    logical.create_like(cluster, db, copy)
    logical.run_sql(cluster, copy, probe(cluster, db, "plain").stdout_bytes)
    archive = workdir / "custom"
    archive.write_bytes(probe(cluster, db, "custom").stdout_bytes)
    either_way = ("CHECK CONSTRAINT ", "DEFAULT ") if name == "loops" else ()
    logical.assert_equal(cluster, db, copy, archive, workdir, either_way)

    # What pg_restore writes of our custom archive has the same effect.
    other = f"{db} by archive"
    logical.create_like(cluster, db, other)
    logical.run_script(cluster, other, logical.as_sql(cluster, archive, workdir / "sql"))
    assert logical.dump_schema(cluster, copy) == logical.dump_schema(cluster, other)
    assert logical.table_sums(cluster, copy) == logical.table_sums(cluster, other)


@pytest.mark.majors(15, 18)
def test_no_name_can_add_a_command_to_a_plain_script(probe, cluster, workdir):
    mark = workdir / "mark"
    name = f'x\n\\! touch {mark}\n-- '.replace('"', '""')
    db = make(cluster, "hostile", f'CREATE TABLE "{name}" ("{name}" int);')
    copy = f"{db} again"
    logical.create_like(cluster, db, copy)
    logical.run_sql(cluster, copy, probe(cluster, db, "plain").stdout_bytes)
    assert not mark.exists()
    assert logical.table_sums(cluster, db) == logical.table_sums(cluster, copy)


# ---- Those of stock tools, read by us ------------------------------------------------------------

OBJECTS = """
    SELECT lo_from_bytea(70001, decode(repeat('00ff', 40000), 'hex'));
    SELECT lo_from_bytea(3000000000, '');
    COMMENT ON LARGE OBJECT 70001 IS 'it';
"""


def pg_dump(server, db, *options, **more):
    env = {"PGHOST": server.socket_dir, "PGPORT": server.port, "PGUSER": server.superuser,
           "PGDATABASE": db}
    return process.run([logical.stock("pg_dump", server), *options], env=env, timeout=300,
                       **more).check()


def listed(server, archive):
    """The lines of pg_restore --list that are entries, all of them."""
    result = process.run([logical.stock("pg_restore", server), "--list", "--verbose", archive]).check()
    return [line for line in result.stdout.splitlines() if re.match(r"\d+; ", line)]


@pytest.fixture(scope="module")
def sample(cluster):
    """A database with tables, odd names and large objects; (name, rows in it)."""
    db = make(cluster, "sample", BIG, OBJECTS, 'CREATE TABLE "odd\n\'name" (a int, b text);',
              "INSERT INTO \"odd\n'name\" SELECT i, E'a\\nb\\\\' FROM generate_series(1, 50) i;")
    return db, 2000 + 1 + 50


def check(pgcask, server, archive, rows, stdin=None):
    """list says what pg_restore does, verify counts every row."""
    source = "-" if stdin else archive
    whole = pgcask("verify", source, "--json", stdin=stdin and open(stdin, "rb"))
    assert whole.ok, whole
    found = json.loads(whole.stdout)
    assert (found["kind"], found["rows"], found["problems"]) == ("archive", rows, [])
    result = pgcask("list", source, "--verbose", stdin=stdin and open(stdin, "rb"))
    assert result.ok, result
    entries = [line for line in result.stdout.splitlines() if re.match(r"\d+; ", line)]
    assert [line.rstrip() for line in entries] == [
        line.rstrip() for line in listed(server, archive)]
    described = json.loads(pgcask("list", archive, "--json", "--verbose").check().stdout)
    assert described["entries"] == len(entries) == len(described["contents"]) == found["entries"]
    assert described["database"] == "sample" and described["compression"] == found["compression"]
    return described


@pytest.mark.majors(15, 17, 18)
def test_custom_archives_of_pg_dump_are_read(pgcask, cluster, major, sample, workdir):
    db, rows = sample
    for compression in compressions(major):
        level = {"none": "0", "gzip": "6"}.get(compression, compression)
        archive = workdir / f"{compression}.dump"
        pg_dump(cluster, db, "-Fc", "-Z", level, "-f", archive)
        found = check(pgcask, cluster, archive, rows)
        assert found["compression"] == compression
        assert found["archive_version"] == {15: "1.14", 17: "1.16", 18: "1.16"}[major]
        assert found["format"] == "custom"
    check(pgcask, cluster, archive, rows, stdin=archive)


@pytest.mark.majors(15, 18)
def test_an_archive_that_went_through_a_pipe_is_read(pgcask, cluster, sample, workdir):
    db, rows = sample
    archive = workdir / "piped"
    archive.write_bytes(pg_dump(cluster, db, "-Fc").stdout_bytes)
    check(pgcask, cluster, archive, rows)


@pytest.mark.majors(15, 18)
def test_an_archive_of_inserts_is_read(pgcask, cluster, sample, workdir):
    db, _ = sample
    pg_dump(cluster, db, "-Fc", "--inserts", "-f", workdir / "inserts")
    check(pgcask, cluster, workdir / "inserts", 0)


@pytest.mark.majors(15, 17, 18)
def test_directory_and_tar_archives_of_pg_dump_are_read(pgcask, cluster, major, sample, workdir):
    db, rows = sample
    for compression in compressions(major):
        folder = workdir / compression
        level = {"none": "0", "gzip": "6"}.get(compression, compression)
        pg_dump(cluster, db, "-Fd", "-j4", "-Z", level, "-f", folder)
        assert check(pgcask, cluster, folder, rows)["format"] == "directory"
    pg_dump(cluster, db, "-Ft", "-f", workdir / "sample.tar")
    check(pgcask, cluster, workdir / "sample.tar", rows)


@pytest.mark.majors(18)
def test_what_is_wrong_with_an_archive_is_said(pgcask, cluster, sample, workdir):
    db, _ = sample
    archive = workdir / "a.dump"
    pg_dump(cluster, db, "-Fc", "-f", archive)
    whole = archive.read_bytes()
    for size in (0, 4, 60, len(whole) // 2, len(whole) - 1):
        archive.write_bytes(whole[:size])
        result = pgcask("verify", archive)
        assert result.rc == 1 and result.stdout == "", result
    archive.write_bytes(whole[:len(whole) // 2] + b"\xff" + whole[len(whole) // 2 + 1:])
    result = pgcask("verify", "--json", archive)
    assert result.rc == 1 and json.loads(result.stdout)["problem_count"] == 1, result

    folder = workdir / "folder"
    pg_dump(cluster, db, "-Fd", "-f", folder)
    (some, other, *_) = sorted(path for path in folder.glob("*.dat.gz") if "blob" not in path.name)
    damages = [
        lambda: some.unlink(), lambda: some.write_bytes(some.read_bytes()[:-1]),
        lambda: some.rename(folder / "99999.dat.gz"), lambda: (folder / "foreign").touch(),
        lambda: (folder / "blob_70001.dat.gz").unlink(), lambda: (folder / "toc.dat").write_bytes(
            (folder / "toc.dat").read_bytes()[:-3]),
        lambda: shutil.copyfile(other, other.with_suffix("")),
    ]
    for damage in damages:
        again = workdir / "kept"
        shutil.copytree(folder, again)
        damage()
        result = pgcask("verify", folder)
        assert result.rc == 1 and "damaged or incomplete" in result.stderr, result
        shutil.rmtree(folder)
        again.rename(folder)
    assert pgcask("verify", folder).ok


@pytest.mark.majors(15)
def test_list_describes_a_logical_backup(pgcask, cluster, sample, workdir):
    db, rows = sample
    logical.run_sql(cluster, db, "SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup", "--compress", "gzip")
    entries = listed(cluster, archive)
    text = pgcask("list", workdir / "backup").check().stdout
    assert re.search(r"^kind +logical$", text, re.M) and "unknown" not in text.replace("rows unknown", ""), text
    assert re.search(r"^database +sample$", text, re.M)
    assert re.search(rf"^entries +{len(entries)} ", text, re.M)
    assert re.search(rf"^tables +4 with {rows} rows$", text, re.M)
    assert "compression gzip" in text
    verbose = pgcask("list", "--verbose", workdir / "backup").check().stdout.splitlines()
    assert [line.rstrip() for line in verbose if re.match(r"\d+; ", line)] == [
        line.rstrip() for line in entries]
    found = json.loads(pgcask("list", "--verbose", "--json", workdir / "backup").check().stdout)
    (described,) = found["archives"]
    assert described["path"] == "/sample.dump" and len(described["contents"]) == len(entries)
    check(pgcask, cluster, archive, rows)

    tar = workdir / "backup.tar"
    pgcask("backup", cluster.uri(db), "--to", tar, "--compress", "gzip", "--quiet").check()
    ours = pgcask("list", "--verbose", tar).check().stdout.splitlines()
    kept = re.compile(r"(kind|database|entries|tables) |\d+; ")
    assert sorted(filter(kept.match, ours)) == sorted(filter(kept.match, verbose))


@pytest.mark.parametrize("megabytes, parts", [(1, 0), (18, 3)])
def test_an_archive_comes_out_of_a_tar_as_it_is(pgcask, cluster, workdir, megabytes, parts):
    db = make(cluster, "packed", "CREATE TABLE t AS SELECT i, repeat(md5(i::text), 32) AS x "
              f"FROM generate_series(1, {megabytes * 1000}) i;", options="TEMPLATE template0")
    pgcask("backup", cluster.uri(db), "--to", workdir / "file.tar", "--quiet").check()
    with open(workdir / "pipe.tar", "wb") as out:
        pgcask("backup", cluster.uri(db), "--to", "-", "--quiet", stdout=out).check()
    with open(workdir / "pipe.tar", "rb") as piped:
        pgcask("verify", "-", "--quiet", stdin=piped).check()
    for name in ("file", "pipe"):
        folder = workdir / name
        folder.mkdir()
        process.run(["tar", "-xf", workdir / f"{name}.tar", "-C", folder]).check()
        cut = name == "pipe" and parts > 0
        numbers = range(1, parts + 1)
        archives = [f"packed.dump.part{n:06}" for n in numbers] if cut else ["packed.dump"]
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            ["globals.sql", "manifest.json", "summary.json", *archives])
        if cut:
            process.run(["sh", "-c", "cat packed.dump.part* > packed.dump"], cwd=folder).check()
        logical.create_like(cluster, db, "unpacked")
        logical.restore(cluster, folder / "packed.dump", "unpacked")
        assert logical.table_sums(cluster, "unpacked") == logical.table_sums(cluster, db)
        logical.drop(cluster, "unpacked")


def test_a_lone_archive_is_no_data_directory(pgcask, workdir):
    archive = workdir / "a.dump"
    archive.write_bytes(b"PGDMP\x01\x0e\x00\x04\x08\x01")
    result = pgcask("restore", archive, "--to", workdir / "data")
    assert result.rc == 1 and not (workdir / "data").exists()
    assert f"pgcask restore {archive} --to postgres://" in result.stderr, result
