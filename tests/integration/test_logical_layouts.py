"""Each layout of a logical backup: its files, that stock pg_restore and psql take them, and that
two runs over an unchanged server give the same bytes but for the time in an archive's header."""

import json
import re
import tarfile

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import back_up_layout, make

pytestmark = pytest.mark.majors(13, 15, 18)

CONTENT = """
    CREATE TABLE small (id int PRIMARY KEY, t text);
    INSERT INTO small SELECT i, 'row ' || i FROM generate_series(1, 1000) i;
    CREATE TABLE empty (id int);
    CREATE TABLE "Odd name" (id serial, "a b" text) WITH (fillfactor = 50);
    INSERT INTO "Odd name" ("a b") SELECT repeat(chr(9) || '\\' || chr(10), i)
        FROM generate_series(0, 50) i;
    CREATE VIEW a_view AS SELECT count(*) FROM small;
    CREATE MATERIALIZED VIEW a_result AS SELECT * FROM small WHERE id < 10;
    CREATE INDEX ON small (t);
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    GRANT SELECT ON small TO alice;
    GRANT EXECUTE ON FUNCTION f() TO bob;
    SELECT lo_from_bytea(70000 + i, convert_to(repeat(i || E'\\x', 5000), 'UTF8'))
        FROM generate_series(1, 20) i;
    SELECT lo_create(70050);
    COMMENT ON LARGE OBJECT 70001 IS 'the first';
    GRANT SELECT ON LARGE OBJECT 70002 TO alice;
"""
OBJECTS = "SELECT loid, pageno, md5(data) FROM pg_largeobject ORDER BY 1, 2"
SUFFIXES = {"none": "", "gzip": ".gz", "lz4": ".lz4", "zstd": ".zst"}


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    server = module_servers.create(major)
    logical.run_sql(server, "postgres", logical.script("roles"))
    make(server, "my app", CONTENT)
    make(server, "other", "CREATE TABLE t (i int); INSERT INTO t VALUES (1), (NULL);")
    yield server
    server.close()


def assert_restores(server, archive, db, *options):
    """Into an empty database; then schema and rows are those of the source."""
    copy = "copy of it"
    logical.create_like(server, db, copy)
    logical.restore(server, archive, copy, *options)
    assert logical.dump_schema(server, db) == logical.dump_schema(server, copy)
    assert logical.table_sums(server, db) == logical.table_sums(server, copy)
    ours, theirs = (logical.run_sql(server, name, OBJECTS) for name in (db, copy))
    assert ours == theirs
    logical.drop(server, copy)


def test_numbered_is_globals_and_an_archive(pgcask, cluster, major, workdir):
    files = back_up_layout(pgcask, cluster, "my app", workdir / "x", "numbered")
    assert files == ["00000-globals.sql", "00001-my app.dump", "manifest.json", "summary.json"]
    assert_restores(cluster, workdir / "x/00001-my app.dump", "my app")
    assert json.loads((workdir / "x/summary.json").read_text())["layout"] == "numbered"
    pgcask("verify", workdir / "x").check()


@pytest.mark.parametrize("compression", SUFFIXES)
def test_tables_is_a_directory_archive(pgcask, cluster, major, workdir, compression):
    if compression in ("lz4", "zstd") and major < 16:
        pytest.skip("pg_restore of that version could not read it")
    files = back_up_layout(pgcask, cluster, "my app", workdir / "x", "tables",
                           "--compress", compression)
    folder = workdir / "x/00001-my app"
    data = [file for file in files if file.startswith("00001-my app/")]
    assert files == sorted(["00000-globals.sql", *data, "manifest.json", "summary.json"])
    suffix = re.escape(SUFFIXES[compression])
    assert len([f for f in data if re.fullmatch(rf"00001-my app/[0-9]+\.dat{suffix}", f)]) == 3
    objects = {f"00001-my app/blob_{oid}.dat{SUFFIXES[compression]}"
               for oid in [*range(70001, 70021), 70050]}
    assert objects <= set(data)
    lists = {f for f in data if re.fullmatch(r"00001-my app/blobs(_[0-9]+)?\.toc", f)}
    assert lists and (major >= 17 or lists == {"00001-my app/blobs.toc"})
    assert {f for f in set(data) - objects - lists if not re.search(r"/[0-9]+\.dat", f)} == {
        "00001-my app/0.toc", "00001-my app/toc.dat"}
    assert (folder / "0.toc").read_bytes() == (folder / "toc.dat").read_bytes()
    assert_restores(cluster, folder, "my app")
    assert_restores(cluster, folder, "my app", "-j", "2")
    assert logical.contents(cluster, folder) == logical.contents(
        cluster, logical.back_up(pgcask, cluster, "my app", workdir / "classic"))
    pgcask("verify", workdir / "x").check()


def test_the_layouts_of_one_database_say_the_same(pgcask, cluster, major, workdir):
    for layout in ("classic", "numbered", "tables"):
        back_up_layout(pgcask, cluster, "my app", workdir / layout, layout)
    globals_of = {(workdir / layout / name).read_text()
                  for layout, name in (("classic", "globals.sql"), ("numbered", "00000-globals.sql"),
                                       ("tables", "00000-globals.sql"))}
    assert len(globals_of) == 1
    classic = without_time((workdir / "classic/my app.dump").read_bytes())
    assert without_time((workdir / "numbered/00001-my app.dump").read_bytes()) == classic


def test_all_databases_are_numbered_in_the_order_of_their_names(pgcask, cluster, major, workdir):
    files = back_up_layout(pgcask, cluster, None, workdir / "x", "numbered")
    assert files == ["00000-globals.sql", "00001-my app.dump", "00002-other.dump",
                     "00003-postgres.dump", "00004-template1.dump", "manifest.json",
                     "summary.json"]
    assert_restores(cluster, workdir / "x/00001-my app.dump", "my app")
    assert_restores(cluster, workdir / "x/00002-other.dump", "other")
    files = back_up_layout(pgcask, cluster, None, workdir / "y", "tables")
    assert {file.split("/")[0] for file in files} == {
        "00000-globals.sql", "00001-my app", "00002-other", "00003-postgres", "00004-template1",
        "manifest.json", "summary.json"}
    assert_restores(cluster, workdir / "y/00001-my app", "my app")
    assert_restores(cluster, workdir / "y/00002-other", "other")
    for name in "xy":
        pgcask("verify", workdir / name).check()


def test_all_databases_in_classic_are_one_script(pgcask, cluster, major, workdir, servers):
    files = back_up_layout(pgcask, cluster, None, workdir / "x", "classic")
    assert files == ["all.sql", "manifest.json", "summary.json"]
    pgcask("verify", workdir / "x").check()
    text = (workdir / "x/all.sql").read_bytes()
    assert set(re.findall(rb"^\\[a-z!?]\S*", text, re.M)) == {b"\\connect"}
    target = servers.create(major)
    assert logical.run_all_sql(target, workdir / "x/all.sql") == []
    assert logical.dump_all(cluster) == logical.dump_all(target)
    for db in ("my app", "other"):
        assert logical.table_sums(cluster, db) == logical.table_sums(target, db)
        ours, theirs = (logical.run_sql(server, db, OBJECTS) for server in (cluster, target))
        assert ours == theirs


def restore_stock_scripts(source, target):
    """What pg_dumpall has of definitions, and then of rows: it makes the databases both times."""
    for option in ("-s", "-a"):
        logical.run_sql(target, "postgres", "\n".join(logical.dump_all(source, option)), stop=False)


def test_definitions_and_rows_of_all_databases_are_two_scripts(pgcask, cluster, major, workdir,
                                                               servers):
    """Together they make what pg_dumpall -s and -a do; rows alone touch nothing but rows."""
    ours, theirs = servers.create(major), servers.create(major)
    for option in ("--schema-only", "--data-only"):
        back_up_layout(pgcask, cluster, None, workdir / option, "classic", option)
        pgcask("verify", workdir / option).check()
        assert logical.run_all_sql(ours, workdir / option / "all.sql") == []
        if option == "--schema-only":
            assert logical.dump_all(ours, "-s") == logical.dump_all(cluster, "-s")
            assert logical.run_sql(ours, "my app", "SELECT * FROM small") == b""
    refresh = "REFRESH MATERIALIZED VIEW a_result"  # which pg_dump -a leaves alone, too
    logical.run_sql(ours, "my app", refresh)
    assert logical.dump_all(ours) == logical.dump_all(cluster)
    if major >= 15:  # what stock pg_dumpall makes of older servers they do not take
        restore_stock_scripts(cluster, theirs)
        logical.run_sql(theirs, "my app", refresh)
        assert logical.dump_all(ours) == logical.dump_all(theirs)
    for db in ("my app", "other"):
        assert logical.table_sums(ours, db) == logical.table_sums(cluster, db)
        assert logical.run_sql(ours, db, OBJECTS) == logical.run_sql(cluster, db, OBJECTS)
    rows = (workdir / "--data-only/all.sql").read_bytes()
    assert not re.search(rb"^(CREATE|ALTER|GRANT|COMMENT ON) (ROLE|DATABASE|TABLE|\w+ ON DATABASE)",
                         rows, re.M)
    assert len(re.findall(rb"^\\connect", rows, re.M)) == 4
    said = json.dumps(logical.summary(workdir / "--data-only")["warnings"])
    assert "passwords" not in said


# ---- The same bytes


def without_time(archive):
    """An archive's bytes without the seven numbers of its header's time."""
    compression = 1 if archive[6] >= 15 else 5
    start = 11 + compression
    return archive[:start] + archive[start + 35:]


@pytest.mark.parametrize("db", ["my app", None])
@pytest.mark.parametrize("layout", ["classic", "numbered", "tables"])
@pytest.mark.sampled(1)
def test_two_runs_give_the_same_bytes(pgcask, cluster, major, workdir, layout, db):
    runs = [back_up_layout(pgcask, cluster, db, workdir / run, layout) for run in "ab"]
    assert runs[0] == runs[1]
    for file in runs[0]:
        if file in ("manifest.json", "summary.json"):
            continue
        ours, theirs = ((workdir / run / file).read_bytes() for run in "ab")
        if file.endswith((".dump", "toc.dat", "0.toc")):
            ours, theirs = without_time(ours), without_time(theirs)
        assert ours == theirs, file


# ---- To other targets


@pytest.mark.parametrize("layout", ["classic", "numbered", "tables"])
@pytest.mark.sampled(1)
def test_a_tar_and_a_pipe_have_the_same_files(pgcask, cluster, major, workdir, layout):
    names = back_up_layout(pgcask, cluster, None, workdir / "x", layout)
    pgcask("backup", cluster.uri(None), "--to", workdir / "x.tar", "--layout", layout,
           "--quiet").check()
    pgcask("verify", workdir / "x.tar").check()
    with (workdir / "piped.tar").open("wb") as tar:
        pgcask("backup", cluster.uri(None), "--to", "-", "--layout", layout, "--quiet",
               stdout=tar).check()
    with (workdir / "piped.tar").open("rb") as tar:
        pgcask("verify", "-", stdin=tar).check()
    for name in ("x.tar", "piped.tar"):
        with tarfile.open(workdir / name) as tar:
            members = {member.name.lstrip("./") for member in tar if member.isfile()}
        assert {re.sub(r"\.part\d+$", "", member) for member in members} == set(names), name


# ---- What does not go together


def test_a_script_is_not_compressed(pgcask, cluster, major, workdir):
    result = pgcask("backup", cluster.uri(None), "--to", workdir / "x", "--compress", "gzip")
    assert result.rc == 2 and "--compress" in result.stderr and "--layout" in result.stderr, result
    assert not (workdir / "x").exists()
