"""The objects of --json: all follow docs/pgcask.schema.json, and docs/json.md describes them."""

import errno
import json
import re
import shutil
import signal
import subprocess
import time

import jsonschema
import pytest

from pgcask_testing import builders, paths, temp

SCHEMA = json.loads((paths.REPO / "docs/pgcask.schema.json").read_text())
DEAD = "postgres+bin://u@127.0.0.1:1/"


@pytest.fixture(scope="module")
def server(module_servers):
    made = module_servers.create(15)
    builders.tablespaces(made, names=["one"])
    made.sql("CREATE ROLE nobody LOGIN; CREATE TABLE t AS SELECT generate_series(1, 10) AS i")
    return made


@pytest.fixture(scope="module")
def answer(pgcask):
    """answer(status, *words) -> the object, which follows the schema."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)

    def call(status, *words, **options):
        result = pgcask(*words, "--json", **options)
        assert result.rc == status, result
        found = json.loads(result.stdout)
        errors = [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(found)]
        assert not errors, (errors, result.stdout)
        assert found["exit_status"] == status and found["pgcask"] == version(pgcask), found
        return found

    return call


def version(pgcask):
    return pgcask("version").check().stdout.split()[1]


@pytest.fixture(scope="module")
def made(server, answer):
    """A backup of each kind: {kind: folder}, and what making it said."""
    place = temp.new_dir("json")
    said = {kind: answer(0, "backup", uri, "--to", place / kind) for kind, uri in
            (("physical", server.binary_uri()), ("logical", server.uri()))}
    return {kind: place / kind for kind in said}, said


def test_the_same_thing_has_the_same_name_and_count(server, made, answer, workdir):
    folders, said = made
    subprocess.run(["tar", "-C", folders["physical"], "-cf", workdir / "b.tar", "--sort=name",
                    "--transform", "s,^./,,", "."], check=True)
    for kind, folder in folders.items():
        objects = [said[kind], answer(0, "verify", folder), answer(0, "list", folder)]
        if kind == "physical":
            objects.append(answer(0, "restore", folder, "--to", workdir / "data"))
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        for found in objects:
            assert found["kind"] == kind and found["files"] == len(files), found
            assert found["bytes"] == sum(path.stat().st_size for path in files), found
        names = {name for found in objects for name in found} - {
            "command", "source", "target", "seconds", "warnings"}
        for name in names:
            values = [found[name] for found in objects if name in found]
            assert all(value == values[0] for value in values), (name, values)
    assert answer(0, "ping", server.binary_uri())["system_identifier"] == \
        said["physical"]["system_identifier"]


def test_every_command_that_succeeds(server, made, answer, workdir):
    folders, _ = made
    dump = next(folders["logical"].glob("*.dump"))
    for words in (["list", folders["physical"], "--verbose"],
                  ["list", folders["logical"], "--verbose"], ["list", dump],
                  ["list", dump, "--verbose"], ["verify", dump], ["ping", server.uri()],
                  ["check", server.uri()], ["check", server.binary_uri(), "--to", workdir / "c"],
                  ["version"]):
        answer(0, *words)
    answer(0, "restore", folders["physical"], "--to", workdir / "data")
    answer(0, "relocate", workdir / "data")


def test_what_finishes_with_problems(made, answer, workdir):
    for missing in ("summary.json", "manifest.json"):
        shutil.copytree(made[0]["logical"], workdir / missing)
        (workdir / missing / missing).unlink()
        assert answer(3, "list", workdir / missing)["complete"] is (missing != "summary.json")


def test_every_command_that_fails(server, made, answer, workdir):
    folders, _ = made
    shutil.copytree(folders["physical"], workdir / "b", symlinks=True)
    (workdir / "b/data/PG_VERSION").write_text("16\n")
    (workdir / "b/data/more").touch()
    answer(1, "backup", DEAD, "--to", workdir / "new")
    answer(1, "backup", DEAD.replace("+bin", ""), "--to", workdir / "new")
    refused = answer(1, "backup", server.binary_uri(user="nobody"), "--to", workdir / "new")
    assert refused["findings"] and refused["findings"][0]["hint"], refused
    damaged = answer(1, "verify", workdir / "b")
    assert damaged["problem_count"] == len(damaged["problems"]) == 2, damaged
    answer(1, "restore", workdir / "b", "--to", workdir / "data")
    answer(1, "check", server.binary_uri(user="nobody"), "--to", workdir / "new")
    answer(1, "check", server.uri(user="nobody"))
    answer(1, "check", DEAD)
    for words in (["verify", "absent"], ["list", "absent"], ["restore", "absent", "--to", "x"],
                  ["relocate", "absent"], ["ping", DEAD], ["verify", workdir],
                  ["list", workdir], ["restore", workdir, "--to", "x"]):
        answer(1, *words, cwd=workdir)


def test_an_error_says_what_it_is_in_a_word_and_a_number(server, made, answer, workdir):
    """Of each group of words at least one."""
    folders, _ = made
    (workdir / "full").mkdir()
    (workdir / "full/x").touch()
    (workdir / "file").touch()
    (workdir / "there.tar").touch()
    for words, reason, number in (
            (["verify", "absent"], "not_found", errno.ENOENT),
            (["list", "file/x"], "not_found", errno.ENOTDIR),
            (["relocate", "absent"], "no_cluster", None),
            (["ping", DEAD], "connection_refused", errno.ECONNREFUSED),
            (["ping", server.uri(user="noone")], "login_refused", None),
            (["backup", server.uri(), "--to", folders["logical"]], "target_not_empty", None),
            (["backup", server.uri(), "--to", "there.tar"], "target_exists", None),
            (["restore", folders["physical"], "--to", "full"], "target_not_empty", None),
            (["list", "full"], "corrupt", None)):
        error = answer(1, *words, cwd=workdir)["error"]
        assert (error["reason"], error.get("errno")) == (reason, number), (words, error)
    absent = answer(1, "ping", server.uri(dbname="none"))["error"]
    assert (absent["reason"], absent["sqlstate"]) == ("database_not_found", "3D000"), absent
    assert answer(2, "backup")["error"]["reason"] == "usage"


def test_a_problem_says_of_which_kind_it_is(made, answer, workdir):
    shutil.copytree(made[0]["physical"], workdir / "b", symlinks=True)
    data = workdir / "b/data"
    (data / "PG_VERSION").write_text("16\n")
    (data / "more").touch()
    (data / "postgresql.auto.conf").unlink()
    found = answer(1, "verify", workdir / "b")
    assert found["error"]["reason"] == "corrupt"
    assert {p["path"]: p["kind"] for p in found["problems"]} == {
        "/data/PG_VERSION": "changed", "/data/more": "unexpected",
        "/data/postgresql.auto.conf": "missing"}
    dump = next(made[0]["logical"].glob("*.dump"))
    (workdir / "cut.dump").write_bytes(dump.read_bytes()[:-1])
    [problem] = answer(1, "verify", workdir / "cut.dump")["problems"]
    assert problem["kind"] == "damaged"


@pytest.mark.parametrize("words", [
    ["backup"], ["backup", DEAD], ["backup", DEAD, "--to", "x", "--nonsense"], ["verify"],
    ["list"], ["list", "a", "b"], ["restore", "x"], ["relocate"], ["ping"], ["check"], ["version", "x"],
    ["backpu", DEAD], ["ping", "nonsense"],
], ids=" ".join)
def test_wrong_usage(answer, workdir, words):
    assert answer(2, *words, cwd=workdir)["error"]["code"] == "usage"


@pytest.mark.parametrize("kind", ["physical", "logical"])
def test_what_is_interrupted(server, pgcask_popen, workdir, kind):
    uri = {"physical": server.binary_uri(), "logical": server.uri()}[kind]
    with server.session() as holder:
        holder.sql("BEGIN; LOCK TABLE pg_catalog.pg_attrdef IN ACCESS EXCLUSIVE MODE")
        backup = pgcask_popen("backup", uri, "--to", workdir / "b", "--json")
        time.sleep(1)
        backup.send_signal(signal.SIGTERM)
        result = backup.wait(30)
    found = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["error"]["code"] == "cancelled" and result.rc == 1, result


# What describes them


def names_of(schema):
    """Every member that the schema admits."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}) if isinstance(schema.get("properties"), dict) else ()
        for value in schema.values():
            yield from names_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from names_of(value)


def test_the_schema_admits_nothing_else(answer):
    found = answer(0, "version")
    for more in ({"more": 1}, {"error": {"code": "io", "message": "x"}}, {"files": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate({**found, **more})
    objects = [d for d in SCHEMA["$defs"].values() if d.get("type") == "object"]
    assert len(objects) > 15 and all(d["additionalProperties"] is False for d in objects)


def test_the_page_and_the_manual_describe_every_member():
    page = (paths.REPO / "docs/json.md").read_text()
    manual = (paths.REPO / "man/pgcask.1").read_text()
    names = set(names_of(SCHEMA))
    told = set(re.findall(r"^\|(?: [^|]* \|)? `(\w+)` \| \S", page, re.M))
    assert told == names, (told ^ names)
    assert names <= set(re.findall(r"\w+", manual)), names - set(re.findall(r"\w+", manual))
    described = [SCHEMA["$defs"][part]["properties"] for part in ("members", "head")]
    for name, member in {**described[0], **described[1]}.items():
        if "description" in member:
            assert f"| `{name}` | {member['description']} |" in page, name


def test_every_known_code_of_an_error_is_in_the_schema():
    source = (paths.REPO / "src/base/error.c").read_text()
    codes = set(re.findall(r'\[ERROR_\w+\] = "(\w+)"', source)) - {"none"}
    assert set(SCHEMA["$defs"]["error"]["properties"]["code"]["enum"]) == codes


def test_reasons_and_kinds_are_the_librarys(answer):
    """The words of the schema, the page and the headers are the same."""
    header = (paths.REPO / "include/pgcask/error.h").read_text()
    words = set(re.findall(r'"(\w+)"', re.search(r"Words of `reason`.*?\*/", header, re.S)[0]))
    error = SCHEMA["$defs"]["error"]["properties"]
    page = (paths.REPO / "docs/json.md").read_text()
    assert len(words) > 30 and set(error["reason"]["enum"]) == words | set(error["code"]["enum"])
    assert set(re.findall(r"`(\w+)`", page[page.index("\n| about | words |"):])) == words
    header = (paths.REPO / "include/pgcask/restore.h").read_text()
    kinds = {word.lower() for word in re.findall(r"PGCASK_PROBLEM_(\w+)", header)}
    table = (paths.REPO / "src/restore/verify.c").read_text()
    assert kinds == set(re.findall(r'\[VERIFY_\w+\] = "(\w+)"', table))
    assert kinds == set(SCHEMA["$defs"]["problem"]["properties"]["kind"]["enum"])
