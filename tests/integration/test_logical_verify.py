"""verify and list know every layout of a logical backup: whatever is wrong with a file of one is named
with its path, and what the digests cannot show the content does."""

import hashlib
import json
import random
import re
import shutil
import tarfile

import jsonschema
import pytest

from pgcask_testing import logical, oracles, paths, temp

pytestmark = pytest.mark.majors(13, 15, 18)
LAYOUTS = ["classic", "numbered", "tables"]
SCHEMA = json.loads((paths.REPO / "docs/pgcask.schema.json").read_text())
ODD = "it's \"odd\" 100%/=x"

CONTENT = """
    CREATE TABLE one (id int PRIMARY KEY, t text);
    INSERT INTO one SELECT i, 'row ' || i FROM generate_series(1, 100) i;
    CREATE TABLE two (LIKE one);
    INSERT INTO two SELECT * FROM one WHERE id <= 50;
    CREATE TABLE empty ();
    CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'COPY one FROM stdin;
x'::text -- ' $$;
    COMMENT ON TABLE one IS E'a ''quote'' and \\\\ a\\nline';
"""


@pytest.fixture(scope="module")
def backups(pgcask, module_servers):
    """backups(major, layout, all of them?) -> a folder with SHA-256 digests, to be left as it is."""
    made, servers = {}, {}

    def server_of(major):
        if major not in servers:
            server = servers[major] = module_servers.create(major)
            logical.make(server, "app", CONTENT)
            server.sql('CREATE DATABASE "%s"' % ODD.replace('"', '""'))
            server.sql("CREATE TABLE t AS SELECT 1 AS i", db=ODD)
        return servers[major]

    def get(major, layout, everything):
        key = (major, layout, everything)
        if key not in made:
            folder = temp.new_dir("layouts") / "backup"
            logical.back_up_layout(pgcask, server_of(major), None if everything else "app",
                                   folder, layout, "--digest", "sha256")
            made[key] = folder
        return made[key]

    return get


@pytest.fixture
def backup(backups, major, layout, everything, workdir):
    """A copy of one, to be damaged."""
    shutil.copytree(backups(major, layout, everything), workdir / "backup")
    return workdir / "backup"


each = pytest.mark.parametrize("layout,everything", [
    (layout, everything) for layout in LAYOUTS for everything in (False, True)])
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def files_of(backup):
    return sorted(p for p in backup.rglob("*") if p.is_file())


def record(backup, file):
    return "/" + str(file.relative_to(backup))


def answer(pgcask, *words, status=0, **more):
    """The object of --json, which follows the schema."""
    result = pgcask(*words, "--json", **more)
    found = json.loads(result.stdout)
    assert result.rc == status, result
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def problems_of(pgcask, backup, **more):
    """{path: [(kind, problem)]} of one that is not whole."""
    found = {}
    for problem in answer(pgcask, "verify", backup, status=1, **more)["problems"]:
        found.setdefault(problem["path"], []).append((problem["kind"], problem["problem"]))
    return found


def reseal(backup, records=None):
    """Makes summary.json agree with what is there: the digests of what was changed, and its own. Not
    of an archive in one file, whose digest is made of two."""
    path = backup / "summary.json"
    head, rest = path.read_text().split('"records": [\n')
    lines = [json.loads(line.rstrip(",")) for line in rest.splitlines()
             if line.startswith('{"path"')]
    for line in lines:
        file = backup / line["path"][1:]
        if not line["path"].endswith(".dump"):
            content = file.read_bytes()
            line["bytes"] = len(content)
            line["digest"] = "sha256:" + hashlib.sha256(content).hexdigest()
    body = f'{head}"records": [\n' + ",\n".join(map(json.dumps, lines)) + "\n],\n"
    digest = hashlib.sha256(body.encode()).hexdigest()
    path.write_text(f'{body}"checksum": "sha256:{digest}"}}\n')


def sound(pgcask, backup):
    return answer(pgcask, "verify", backup)["problem_count"] == 0


# ---- Whole ones


@each
@pytest.mark.sampled(1)
def test_one_that_is_whole_is_verified_and_counted(pgcask, backup, major, layout, everything):
    found = answer(pgcask, "verify", backup)
    summary = json.loads((backup / "summary.json").read_text())
    assert found["layout"] == layout and found["digests"] is True
    assert found["rows"] == summary["rows"] == (151 if everything else 150)
    assert found["files"] == len(files_of(backup))
    assert found["bytes"] == sum(file.stat().st_size for file in files_of(backup))
    assert found.get("database_count") == (4 if everything else None)
    assert found.get("database") == (None if everything else "app")
    said = pgcask("verify", backup).check().stdout
    assert ("4 databases" if everything else "database app") in said and f"{found['rows']} rows" in said


@each
@pytest.mark.sampled(1)
def test_a_tar_and_a_pipe_are_verified_alike(pgcask, backup, major, layout, everything, workdir):
    tar = workdir / "b.tar"
    order = ["manifest.json", *(record(backup, f)[1:] for f in files_of(backup)
                                if f.name not in ("manifest.json", "summary.json")),
             "summary.json"]
    with tarfile.open(tar, "w") as out:
        for name in order:
            out.add(backup / name, name)
    rows = 151 if everything else 150
    assert answer(pgcask, "verify", tar)["rows"] == rows
    with tar.open("rb") as pipe:
        assert answer(pgcask, "verify", "-", stdin=pipe)["rows"] == rows
    with oracles.flipped_byte(tar, tar.stat().st_size // 2):
        found = pgcask("verify", tar)
    assert found.rc == 1


# ---- Sweeps over all files


@each
@pytest.mark.sampled(1)
def test_any_file_with_a_flipped_byte_is_named(pgcask, backup, major, layout, everything):
    numbers = random.Random(f"{major} {layout} {everything}")
    for file in files_of(backup):
        size = file.stat().st_size
        for offset in {0, size - 1, numbers.randrange(size)} if size > 0 else ():
            with oracles.flipped_byte(file, offset):
                found = problems_of(pgcask, backup)
            assert record(backup, file) in found, (file, offset, found)
    assert sound(pgcask, backup)


@each
@pytest.mark.sampled(1)
def test_any_file_that_is_cut_off_or_grew_is_named(pgcask, backup, major, layout, everything):
    for file in files_of(backup):
        content = file.read_bytes()
        for damaged in (content[:-1], content[:len(content) // 2], b"", content + b"\n"):
            if damaged == content:
                continue
            file.write_bytes(damaged)
            found = problems_of(pgcask, backup)
            assert record(backup, file) in found, (file, len(damaged), found)
        file.write_bytes(content)
    assert sound(pgcask, backup)


@each
@pytest.mark.sampled(1)
def test_any_file_that_is_missing_or_renamed_is_named(pgcask, backup, major, layout, everything):
    for file in files_of(backup):
        other = file.with_name("9" + file.name)
        for place in (None, other):
            file.rename(place or backup.parent / "aside")
            found = problems_of(pgcask, backup)
            kinds = {kind for kind, _ in found.get(record(backup, file), [])}
            assert "missing" in kinds, (file, found)
            if place is not None and file.name != "summary.json":
                kinds = {kind for kind, _ in found.get(record(backup, other), [])}
                assert "unexpected" in kinds, (file, found)
            (place or backup.parent / "aside").rename(file)
    assert sound(pgcask, backup)


@each
@pytest.mark.sampled(1)
def test_any_two_files_that_were_exchanged_are_named(pgcask, backup, major, layout, everything):
    files = [f for f in files_of(backup) if f.name not in ("manifest.json", "summary.json")]
    numbers = random.Random(f"{major} {layout} {everything}")
    pairs = [(a, b) for a in files for b in files if a < b and a.read_bytes() != b.read_bytes()]
    for one, other in numbers.sample(pairs, min(len(pairs), 25)):
        for _ in "ab":
            one.rename(backup.parent / "aside")
            other.rename(one)
            (backup.parent / "aside").rename(other)
            if _ == "a":
                found = problems_of(pgcask, backup)
                assert {record(backup, one), record(backup, other)} <= set(found), (one, other)
    assert sound(pgcask, backup)


@each
@pytest.mark.parametrize("name", [
    "x.dump", "00009-x.dump", "00001-app.dump.gz", "00009-x/0.toc", "00009-x/toc.dat",
    "00009-x/7.dat", "globals.sql.bak", "sub/app.dump", "notes.txt", "00009-x/notes.txt"])
@pytest.mark.sampled(1)
def test_a_file_that_is_too_many_is_named(pgcask, backup, major, layout, everything, name):
    file = backup / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x" * 100)
    assert "unexpected" in {kind for kind, _ in problems_of(pgcask, backup)["/" + name]}


@each
@pytest.mark.sampled(1)
def test_a_folder_that_is_too_many_is_named(pgcask, backup, major, layout, everything):
    for name in ("00009-x", "x", "base"):
        (backup / name).mkdir()
        assert problems_of(pgcask, backup)[f"/{name}"][0][0] == "unexpected"
        (backup / name).rmdir()
    (backup / "00009-x").symlink_to("/etc")
    assert problems_of(pgcask, backup)["/00009-x"][0][0] == "unexpected"


# ---- What digests cannot show: summary.json was made anew


def folder_of(backup):
    return next(path for path in backup.iterdir() if path.name.endswith("-app"))


@pytest.mark.parametrize("layout,everything", [("tables", True)])
def test_folders_are_read_as_archives(pgcask, backup, major, layout, everything):
    """Each change with digests that agree: the content shows it."""
    folder = folder_of(backup)
    data = sorted(folder.glob("[1-9]*.dat"), key=lambda path: path.stat().st_size)
    reseal(backup)
    assert sound(pgcask, backup)

    def told(path, words):
        reseal(backup)
        found = problems_of(pgcask, backup)
        assert any(words in text for _, text in found.get(record(backup, path), [])), found

    original = (folder / "toc.dat").read_bytes()
    (folder / "toc.dat").write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    told(folder / "toc.dat", "are not the same")
    (folder / "toc.dat").write_bytes(original)
    rows = data[-1].read_bytes()
    data[-1].write_bytes(rows[:-5])
    told(data[-1], "end mark")
    data[-1].write_bytes(rows[rows.index(b"\n") + 1:])
    told(backup / "summary.json", "says that there are 151 rows, of which 150 were found")
    data[-1].write_bytes(rows)
    for name in ("0.toc", "toc.dat"):
        (folder / name).write_bytes(original[:200])
    told(folder / "0.toc", "ends too early")
    for name in ("0.toc", "toc.dat"):
        (folder / name).write_bytes(original)
    reseal(backup)
    assert sound(pgcask, backup)


@pytest.mark.parametrize("layout,everything", [("tables", True)])
def test_a_folder_under_another_databases_name_is_told(pgcask, backup, major, layout, everything):
    (backup / "summary.json").write_text(
        (backup / "summary.json").read_text().replace("-app/", "-ape/"))
    folder = folder_of(backup)
    folder.rename(folder.with_name(folder.name.replace("-app", "-ape")))
    reseal(backup)
    found = problems_of(pgcask, backup)
    assert any("is the archive of database app" in text
               for texts in found.values() for _, text in texts), found


@pytest.mark.parametrize("layout,everything", [("classic", True)])
def test_scripts_are_read_as_psql_reads_them(pgcask, backup, major, layout, everything):
    script = backup / "all.sql"
    text = script.read_bytes()
    reseal(backup)
    assert sound(pgcask, backup)
    for damaged, words in [
        (text.replace(b"\\connect app", b"\\! touch x\n\\connect app"), "psql's command"),
        (text[:text.rindex(b"--\n-- PostgreSQL database cluster dump complete")], "breaks off"),
        (text + b"DROP TABLE x;\n", "breaks off"),
    ]:
        assert damaged != text
        script.write_bytes(damaged)
        reseal(backup)
        assert words in json.dumps(problems_of(pgcask, backup)["/all.sql"])
    for damaged in (re.sub(rb"\n42\trow 42\n", b"\n", text, count=1),
                    text.replace(b"\n\\.\n", b"\n", 1)):
        assert damaged != text
        script.write_bytes(damaged)
        reseal(backup)
        assert "were found" in json.dumps(problems_of(pgcask, backup)["/summary.json"])


@every_layout
@pytest.mark.parametrize("everything", [False])
def test_globals_that_break_off_are_told(pgcask, backup, major, layout, everything):
    script = next(backup.glob("*globals.sql"))
    script.write_bytes(script.read_bytes()[:-20])
    reseal(backup)
    assert "breaks off" in json.dumps(problems_of(pgcask, backup)[f"/{script.name}"])


@pytest.mark.parametrize("layout,everything", [("tables", True)])
@pytest.mark.parametrize("last", ["0.toc", "all"])
def test_the_order_of_a_tar_matters_to_the_rows(pgcask, backup, major, layout, everything, last,
                                                workdir):
    """Every byte is there, but the rows came before what says whose they are."""
    names = [record(backup, file)[1:] for file in files_of(backup)]
    inside = [name for name in names if "-app/" in name]
    first = [name for name in inside if not name.endswith(("0.toc", "toc.dat"))]
    others = [name for name in names if name not in inside
              and name not in ("manifest.json", "summary.json")]
    order = [*first, *sorted(set(inside) - set(first)), *others] if last == "0.toc" else [
        *sorted(set(inside) - set(first)), *others, *first]
    with tarfile.open(workdir / "b.tar", "w") as out:
        for name in ["manifest.json", *order, "summary.json"]:
            out.add(backup / name, name)
    found = problems_of(pgcask, workdir / "b.tar")
    path = "/" + inside[0].split("/")[0]
    assert any(kind == "order" for kind, _ in found[path]), found


# ---- One that is no more than a part


@each
@pytest.mark.sampled(1)
def test_without_manifest_json_it_is_still_read(pgcask, backup, major, layout, everything):
    """Which digests there are it would have said: nothing else is wrong with any other file."""
    (backup / "manifest.json").unlink()
    found = problems_of(pgcask, backup)
    assert [kind for kind, _ in found.pop("/manifest.json")] == ["damaged", "missing"]
    assert all(texts == [("damaged", "summary.json has its digest as sha256, expected was xxh3-128")]
               for texts in found.values()), found


@each
@pytest.mark.sampled(1)
def test_restore_says_what_restores_it(pgcask, backup, major, layout, everything, workdir):
    result = pgcask("restore", backup, "--to", workdir / "data")
    assert result.rc == 1 and "This is a logical backup" in result.stderr, result
    assert "--to postgres://USER@HOST/DATABASE" in result.stderr, result
    assert not (workdir / "data").exists()


# ---- list


@each
@pytest.mark.sampled(1)
def test_list_says_what_is_in_it(pgcask, backup, major, layout, everything):
    found = answer(pgcask, "list", backup)
    summary = json.loads((backup / "summary.json").read_text())
    assert found["layout"] == layout and found["complete"] and found["partial"] is False
    assert found["verifiers"] is True and found["rows"] == summary["rows"]
    said = pgcask("list", backup).check().stdout
    assert re.search(rf"^layout +{layout}$", said, re.M)
    if not everything:
        assert found["database"] == "app" and "backed_up" not in found
        assert re.search("^database +app$", said, re.M)
        return
    names = ["app", ODD, "postgres", "template1"]
    assert found["database_count"] == 4 and "database" not in found
    assert {d["name"]: d["rows"] for d in found["backed_up"]} == {
        "app": 150, ODD: 1, "postgres": 0, "template1": 0}
    assert {d["name"]: d.get("backed_up") for d in found["databases"]} == {
        **dict.fromkeys(names, True), "template0": False}
    assert all(d["same_snapshot"] for d in found["backed_up"])
    assert re.search("^databases +4 backed up$", said, re.M)
    assert re.search("^    app +[0-9]+ entries, 3 tables with 150 rows$", said, re.M), said
    assert re.search("^left out +template0$", said, re.M) and ODD in said


@each
@pytest.mark.sampled(1)
def test_list_shows_each_table_of_contents(pgcask, backup, major, layout, everything):
    found = answer(pgcask, "list", "--verbose", backup)
    said = pgcask("list", "--verbose", backup).check().stdout
    assert {r["path"] for r in found["records"] if r["type"] == "file"} == {
        record(backup, file) for file in files_of(backup)}
    if layout == "classic" and everything:
        assert "archives" not in found
        return
    archives = {a["path"]: a for a in found["archives"]}
    assert len(archives) == (4 if everything else 1)
    assert sum(a["entries"] for a in archives.values()) == found["entries"]
    for path, archive in archives.items():
        assert (backup / path[1:]).exists() and archive["path"] == path
        assert archive["format"] == ("directory" if layout == "tables" else "custom")
    app = next(a for a in archives.values() if a["database"] == "app")
    tables = {e["name"] for e in app["contents"] if e["kind"] == "TABLE DATA"}
    assert tables == {"one", "two", "empty"} and "TABLE DATA public one" in said


@pytest.mark.parametrize("layout,everything", [("tables", True)])
def test_a_lone_folder_is_an_archive(pgcask, backup, major, layout, everything):
    folder = folder_of(backup)
    assert answer(pgcask, "verify", folder)["rows"] == 150
    assert answer(pgcask, "list", folder)["database"] == "app"
    (folder / "0.toc").unlink()
    assert answer(pgcask, "verify", folder)["rows"] == 150
    (folder / "0.toc").write_bytes(b"PGDMP")
    assert answer(pgcask, "verify", folder, status=1)["problem_count"] == 1


@pytest.mark.parametrize("layout,everything", [("tables", True)])
def test_a_tables_folder_without_its_first_contents_is_listed(pgcask, backup, major, layout,
                                                              everything):
    (folder_of(backup) / "0.toc").unlink()
    archives = answer(pgcask, "list", "--verbose", backup)["archives"]
    assert len(archives) == 4


@pytest.mark.majors(15)
def test_list_says_what_was_left_out(pgcask, servers, workdir, major):
    server = servers.create(major)
    logical.make(server, "app", CONTENT)
    pgcask("backup", server.uri("app"), "--to", workdir / "b", "--tables", "one", "--tables", "tw?",
           "--where", "one=id <= 10", "--layout", "tables", "--quiet").check()
    found = answer(pgcask, "list", workdir / "b")
    assert found["partial"] is True and found["rows"] == 60
    assert found["filters"]["where"] == [{"table": "one", "condition": "id <= 10"}]
    (names,) = [patterns for name, patterns in found["filters"].items() if name != "where"]
    assert names == ["one", "tw?"]
    said = pgcask("list", workdir / "b").check().stdout
    assert re.search("^partial +yes", said, re.M) and "    one: id <= 10\n" in said
    assert sound(pgcask, workdir / "b")
