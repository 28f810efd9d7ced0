"""Archives as a restore reads them, beside what pg_restore makes of them: every format, version,
compression and order, an entry at a time by several threads, and as they stream by."""

import difflib
import functools
import gzip
import pathlib
import random
import re
import shutil
import subprocess

import pytest

from pgcask_testing import archives, logical, paths, process
from pgcask_testing.logical import cluster, make  # noqa: F401

SAMPLE = r"""
    CREATE TABLE big (id int PRIMARY KEY, text text);
    INSERT INTO big SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 1500) i;
    CREATE TABLE empty (a int);
    CREATE TABLE none ();
    INSERT INTO none DEFAULT VALUES;
    CREATE TABLE "odd
'name" (a int, "b "" c" text);
    INSERT INTO "odd
'name" SELECT i, E'a\nb\\\t' FROM generate_series(1, 50) i;
    CREATE TABLE marks (t text);
    INSERT INTO marks VALUES (E'\\.'), ('\.'), ('.'), (E'\n\\.\n'), (''), (NULL), ('\'), ('\\.');
    CREATE TABLE split (id int, part int) PARTITION BY LIST (part);
    CREATE TABLE split_1 PARTITION OF split FOR VALUES IN (1);
    CREATE TABLE split_2 PARTITION OF split FOR VALUES IN (2);
    INSERT INTO split SELECT i, 1 + i % 2 FROM generate_series(1, 100) i;
    CREATE TABLE wide (t text);
    INSERT INTO wide SELECT repeat(md5(i::text), 10000) FROM generate_series(1, 3) i;
    SELECT lo_from_bytea(70001, decode(repeat('00ff', 40000), 'hex'));
    SELECT lo_from_bytea(70002, '\x5c2e0a0a0a');
    SELECT lo_from_bytea(3000000000, '');
    SELECT lo_from_bytea(70003, decode(repeat('c0de', 60000), 'hex'));
    COMMENT ON LARGE OBJECT 70001 IS 'it';
    CREATE ROLE reader_of_objects;
    GRANT SELECT ON LARGE OBJECT 70002 TO reader_of_objects;
"""


@pytest.fixture(scope="module")
def sample(cluster):
    yield make(cluster, "sample", SAMPLE)


@pytest.fixture(scope="module")
def probe(request):
    return paths.probe(request, "archive_probe")


@pytest.fixture(scope="module")
def dump(cluster, sample, tmp_path_factory):
    """dump(name, *options): the path of an archive that pg_dump made, one for all tests."""
    folder = tmp_path_factory.mktemp("dumps")
    env = {"PGHOST": cluster.socket_dir, "PGPORT": cluster.port, "PGUSER": cluster.superuser,
           "PGDATABASE": sample}

    @functools.cache
    def call(name, *options):
        process.run([logical.stock("pg_dump", cluster), *options, "-f", folder / name], env=env,
                    timeout=300).check()
        return folder / name

    yield call
    shutil.rmtree(folder)


def read(probe, kind, place, record="", how="entries", stdin=None):
    """(rows by dump id, large objects, entries by dump id, list) as our reading gives them."""
    out = pathlib.Path(str(place) + ".out") if kind != "stream" else stdin.with_suffix(".out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    try:
        if stdin is None:
            result = process.run([probe, kind, place, record, how, out], timeout=120)
        else:
            # A pipe, so that nothing can seek.
            with subprocess.Popen(["cat", stdin], stdout=subprocess.PIPE) as cat:
                result = process.run([probe, kind, place, record, how, out], stdin=cat.stdout,
                                     timeout=120)
                cat.stdout.close()
        if result.rc != 0:
            return result
        files = {path.name: path.read_bytes() for path in out.iterdir()}
    finally:
        shutil.rmtree(out)
    entries = {}
    for line in files.pop("entries").decode().splitlines():
        dump_id, rest = line.split(" ", 1)
        entries.setdefault(int(dump_id), []).append(rest)
    objects = {int(name[5:]): files.pop(name) for name in list(files) if name.startswith("blob_")}
    return {int(name): text for name, text in files.items()}, objects, entries, result.stdout


def copies(tool, archive):
    """The COPY statements of an archive by dump id, as pg_restore lists and prints them."""
    listing = process.run([tool, "--list", archive]).check().stdout
    return [int(number) for number in re.findall(r"^(\d+); \d+ \d+ TABLE DATA ", listing, re.M)]


def check(server, probe, kind, place, record="", lone=None, ways=("entries", "all"), stdin=None):
    """What is read is what pg_restore prints of the same archive (or of that lone one)."""
    tool = logical.stock("pg_restore", server)
    archive = lone or stdin or place
    rows, objects, sql = archives.restored(tool, archive)
    numbers = copies(tool, archive)
    for how in ways:
        found = read(probe, kind, place, record, how, stdin)
        assert isinstance(found, tuple), found
        data, large, entries, _ = found
        assert large == objects, how
        assert sorted(data) == sorted(numbers)
        if rows:
            # pg_restore prints them in the order of the list.
            assert [data[number] for number in numbers] == rows
            for number, text in data.items():
                (line,) = entries[number]
                assert f"rows={text.count(bytes([10]))} " in line
        else:
            assert all(text in sql for text in data.values())
        if how == "entries":
            assert all("bytes=1" in line for lines in entries.values() for line in lines)
        assert sum(int(re.search(r"objects=(\d+)", line)[1]) for lines in entries.values()
                   for line in lines) == len(objects)
    return data, large


def levels(major):
    return ["0", "1", "6"] + (["lz4", "zstd"] if major >= 16 else [])


def forms(major):
    """Options of pg_dump, each a form of archive of its own."""
    for level in levels(major):
        yield f"custom-{level}", ["-Fc", "-Z", level]
        yield f"folder-{level}", ["-Fd", "-Z", level]
    yield "tar", ["-Ft"]
    yield "inserts", ["-Fc", "--inserts"]
    yield "inserts-folder", ["-Fd", "--column-inserts", "-Z0"]
    yield "root", ["-Fc", "--load-via-partition-root"]


@pytest.mark.majors(15, 17, 18)
def test_what_is_read_is_what_pg_restore_prints(cluster, major, probe, dump):
    for name, options in forms(major):
        archive = dump(name, *options)
        check(cluster, probe, "directory" if archive.is_dir() else "file", archive)


@pytest.mark.majors(18)
def test_files_that_somebody_compressed_by_himself_are_read(cluster, probe, dump, workdir):
    copy = workdir / "folder"
    shutil.copytree(dump("folder-0", "-Fd", "-Z", "0"), copy)
    for path in [copy / "toc.dat", *copy.glob("[0-9]*.dat")]:
        data = path.read_bytes()
        half = len(data) // 2
        path.with_name(path.name + ".gz").write_bytes(
            gzip.compress(data[:half]) + gzip.compress(data[half:]))
        path.unlink()
    check(cluster, probe, "directory", copy)


@pytest.mark.majors(15, 18)
def test_what_streams_by_is_read(cluster, probe, dump, workdir):
    for name in ("custom-0", "custom-6", "tar"):
        form = "-Ft" if name == "tar" else "-Fc"
        archive = dump(name, form, *(["-Z", name[-1]] if form == "-Fc" else []))
        check(cluster, probe, "stream", "-", ways=["all"], stdin=archive)
        packed = workdir / f"{name}.gz"
        packed.write_bytes(gzip.compress(archive.read_bytes(), 1))
        check(cluster, probe, "file", packed, lone=archive, ways=["all"])
        packed.unlink()


@pytest.mark.majors(15, 18)
def test_an_archive_that_went_through_a_pipe_is_read_anywhere(cluster, probe, dump, workdir):
    for level in ("0", "6"):
        whole = archives.read(dump(f"custom-{level}", "-Fc", "-Z", level).read_bytes())
        piped = workdir / f"piped-{level}"
        piped.write_bytes(archives.write(whole, offsets=False))
        check(cluster, probe, "file", piped)


@pytest.mark.majors(15, 17, 18)
def test_what_pg_dump_wrote_to_its_output_is_read(pgcask, cluster, major, sample, probe, workdir):
    """Into a file: from 16 on it has its table of contents twice, at its end as well."""
    env = {"PGHOST": cluster.socket_dir, "PGPORT": str(cluster.port), "PGUSER": cluster.superuser}
    tool = logical.stock("pg_dump", cluster)
    for options in (["-Fc", "-Z0"], ["-Fc"], ["-Fc", "-s"], ["-Ft"]):
        path = workdir / "redirected"
        with open(path, "wb") as out:
            subprocess.run([tool, *options, sample], env=env, stdout=out, check=True)
        data = path.read_bytes()
        if "-s" not in options:
            check(cluster, probe, "file", path)
            check(cluster, probe, "stream", "-", ways=["all"], stdin=path)
        pgcask("verify", path).check()
        if options[0] == "-Fc":
            if "-s" not in options:
                twice = data.count(b"standard_conforming_strings = ") == 2
                assert twice == (major >= 16), options
            path.write_bytes(data[:-1])
            assert pgcask("verify", path).rc == 1


@pytest.mark.majors(15, 18)
def test_data_may_be_in_any_order(cluster, probe, dump, workdir):
    whole = archives.read(dump("custom-6", "-Fc", "-Z", "6").read_bytes())
    order = [entry.dump_id for entry in whole.entries if entry.block is not None]
    random.Random(1).shuffle(order)
    for offsets in (True, False):
        mixed = workdir / f"mixed-{offsets}"
        mixed.write_bytes(archives.write(whole, order=order, offsets=offsets))
        check(cluster, probe, "file", mixed)


@pytest.mark.majors(15)
@pytest.mark.parametrize("minor", [12, 13, 14])
def test_older_versions_and_other_widths_are_read(cluster, probe, dump, workdir, minor):
    whole = archives.read(dump("custom-6", "-Fc", "-Z", "6").read_bytes())
    whole.minor = minor
    for integer, offset in ((4, 8), (8, 8), (4, 4), (8, 4)):
        whole.integer, whole.offset = integer, offset
        old = workdir / f"{integer}-{offset}"
        old.write_bytes(archives.write(whole))
        check(cluster, probe, "file", old)
    whole.compression = -1
    old.write_bytes(archives.write(whole, offsets=False))
    check(cluster, probe, "file", old)


@pytest.mark.majors(18)
def test_version_1_15_is_read(cluster, probe, dump, workdir):
    whole = archives.read(dump("custom-zstd", "-Fc", "-Z", "zstd").read_bytes())
    whole.minor = 15
    whole.entries = [entry for entry in whole.entries
                     if entry.texts["desc"] not in (b"BLOB METADATA", b"BLOBS")
                     and b"LARGE OBJECT" not in entry.texts["tag"]]
    (workdir / "old").write_bytes(archives.write(whole))
    check(cluster, probe, "file", workdir / "old")


# ---- As SQL --------------------------------------------------------------------------------------

QUOTED = re.compile(rb'"([a-z_][a-z0-9_]*)"')
LEFT_OUT = re.compile(
    rb"^--(?: .*)?\n|^\\(?:un)?restrict .*\n|"
    rb"^SET (?:transaction_timeout|client_encoding|standard_conforming_strings) = .*\n", re.M)


def statements(sql):
    """A script without comments, empty lines and quotes around names that need none."""
    text = QUOTED.sub(rb"\1", LEFT_OUT.sub(b"", sql))
    return re.sub(rb"\n\n+", b"\n", text)


@pytest.mark.majors(15, 18)
def test_an_archive_is_written_as_the_sql_that_pg_restore_writes(cluster, major, probe, dump):
    for name, options in forms(major):
        archive = dump(name, *options)
        out = pathlib.Path(f"{archive}.script")
        out.mkdir()
        kind = "directory" if archive.is_dir() else "file"
        process.run([probe, kind, archive, "", "text", out]).check()
        ours = (out / "script").read_bytes()
        theirs = archives.restored(logical.stock("pg_restore", cluster), archive)[2]
        difference = [line for line in difflib.unified_diff(
            statements(theirs).decode().split("\n"), statements(ours).decode().split("\n"), n=0)]
        assert difference == [], (name, difference[:20])
        shutil.rmtree(out)
        if name not in ("custom-0", "inserts", "root"):
            continue
        copy = f"{name} as text"
        logical.create_like(cluster, "sample", copy)
        logical.run_sql(cluster, copy, ours)
        assert logical.table_sums(cluster, copy) == logical.table_sums(cluster, "sample")
        assert logical.large_objects(cluster, copy) == logical.large_objects(cluster, "sample")
        logical.drop(cluster, copy)


# ---- In a backup ---------------------------------------------------------------------------------


@pytest.mark.majors(15, 18)
def test_an_archive_is_read_out_of_a_backup(pgcask, cluster, sample, major, probe, workdir):
    for layout in ("classic", "tables"):
        folder = workdir / layout
        database = f"--layout={layout}"
        pgcask("backup", cluster.uri(sample), "--to", folder, database, "--quiet").check()
        lone = folder / ("sample.dump" if layout == "classic" else "00001-sample")
        record = f"/{lone.name}"
        data, large = check(cluster, probe, "directory", folder, record, lone=lone)
        assert data and large
        pgcask("backup", cluster.uri(sample), "--to", workdir / f"{layout}.tar", database,
               "--quiet").check()
        with open(workdir / f"{layout}-parts.tar", "wb") as out:
            pgcask("backup", cluster.uri(sample), "--to", "-", database, "--quiet",
                   stdout=out).check()
        for tar in (f"{layout}.tar", f"{layout}-parts.tar"):
            check(cluster, probe, "file", workdir / tar, record, lone=lone)


# ---- Damage --------------------------------------------------------------------------------------


def refused(probe, archive, kind="file", ways=("entries", "all")):
    """The messages of both ways to read."""
    messages = []
    for how in ways:
        result = read(probe, kind, archive, how=how)
        assert not isinstance(result, tuple) and result.rc == 1, result
        messages.append(result.stderr)
    return messages


@pytest.mark.majors(15)
def test_a_table_of_contents_that_lies_is_an_error_with_a_name(probe, dump, workdir):
    whole = archives.read(dump("custom-0", "-Fc", "-Z", "0").read_bytes())
    true = archives.read(archives.write(whole))
    places = {entry.dump_id: entry.place[1] for entry in true.entries if entry.block is not None}
    big, split = whole.find("TABLE DATA", "big"), whole.find("TABLE DATA", "split_1")
    name = f"TABLE DATA public.split_1 (entry {split.dump_id})"
    lies = {
        "another's": places[big.dump_id], "inside of another's": places[big.dump_id] + 100,
        "behind the end": 1 << 40, "in the table of contents": 20,
        "one byte off": places[split.dump_id] + 1,
    }
    path = workdir / "lying"
    for lie in lies.values():
        path.write_bytes(archives.write(whole, places={split.dump_id: lie}))
        for message in refused(probe, path):
            assert name in message or "TABLE DATA public.big (entry" in message, message
        assert "split_1" in refused(probe, path, ways=["all"])[0]


@pytest.mark.majors(15, 18)
def test_a_truncated_or_damaged_archive_is_an_error_with_a_name(cluster, major, probe, dump, workdir):
    path = workdir / "damaged"
    for level in levels(major)[1:]:
        data = dump(f"custom-{level}", "-Fc", "-Z", level).read_bytes()
        true = archives.read(data)
        places = sorted((entry.place[1], entry) for entry in true.entries
                        if entry.block is not None and entry.texts["tag"] != b"none")
        at, last = places[-1]
        path.write_bytes(data[:-1])
        for message in refused(probe, path):
            assert f"(entry {last.dump_id})" in message, message
        at, some = next((place, e) for place, e in places if e.texts["tag"] == b"wide")
        if level == "6":  # the others of pg_dump have no checksum
            path.write_bytes(data[:at + 30] + b"\xff\xfe" + data[at + 32:])
            for message in refused(probe, path):
                assert f"public.wide (entry {some.dump_id})" in message, message
        path.write_bytes(data + b"more")
        refused(probe, path)


@pytest.mark.majors(18)
def test_a_folder_that_lacks_or_misnames_files_is_an_error(probe, dump, workdir):
    folder = dump("folder-6", "-Fd", "-Z", "6")
    some = next(folder.glob("[0-9]*.dat.gz"))
    damages = {
        some.name[:-3]: lambda path: path.unlink(),
        "blob_70001.dat": lambda path: path.write_bytes(path.read_bytes()[:-9]),
        "toc.dat": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    }
    for name, damage in damages.items():
        copy = workdir / "folder"
        shutil.copytree(folder, copy)
        damage(next(copy.glob(f"{name}*")))
        for message in refused(probe, copy, "directory"):
            assert name in message, message
        shutil.rmtree(copy)
    shutil.copytree(folder, copy)
    toc = copy / "toc.dat"
    name = some.name[:-3].encode()
    toc.write_bytes(toc.read_bytes().replace(name, b"../" + name[3:]))
    for message in refused(probe, copy, "directory"):
        assert "is not called as the entry is" in message, message
