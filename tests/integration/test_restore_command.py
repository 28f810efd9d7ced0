"""The command that restores into a server: its words, its one object of JSON, its exit statuses."""

import json
import re

import jsonschema
import pytest

from pgcask_testing import logical, paths
from pgcask_testing.logical import cluster, make  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled(1)

SCHEMA = json.loads((paths.REPO / "docs/pgcask.schema.json").read_text())
SQL = """
    CREATE TABLE t (n int PRIMARY KEY, x text); INSERT INTO t SELECT n, 'x' FROM generate_series(1, 100) n;
    CREATE TABLE u (n int); INSERT INTO u VALUES (1), (2);
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    SELECT lo_from_bytea(0, 'a large object');
"""


@pytest.fixture(scope="module")
def archive(pgcask, cluster, tmp_path_factory):
    db = make(cluster, "app", SQL)
    return logical.back_up(pgcask, cluster, db, tmp_path_factory.mktemp("command") / "backup")


@pytest.fixture
def answer(pgcask):
    """answer(status, *words) -> the object, which follows the schema; and what else was printed."""

    def call(status, *words, **more):
        result = pgcask("restore", *words, "--json", **more)
        assert result.rc == status, result
        found = json.loads(result.stdout)
        jsonschema.Draft202012Validator(SCHEMA).validate(found)
        return found, result

    return call


def test_what_was_restored_is_told(cluster, answer, pgcask, archive):
    uri = cluster.uri(make(cluster, "copy"))
    found, result = answer(0, archive, "--to", uri)
    assert found["kind"] == "archive" and found["format"] == "custom" and found["database"] == "copy"
    assert found["rows"] == 102 and found["large_objects"] == 1 and found["databases_restored"] == 1
    assert found["failure_count"] == found["tables_passed_over"] == 0 and found["failures"] == []
    assert found["objects"] >= 4 and found["row_bytes"] > 100 and "findings" not in found
    assert "pgcask: error" not in result.stderr and "warning" not in result.stderr, result
    make(cluster, "copy")
    result = pgcask("restore", archive, "--to", uri).check()
    assert f"restored {found['objects']} objects and 102 rows (" in result.stdout, result
    assert 'into "copy" in ' in result.stdout and result.stdout.count("\n") == 1, result
    make(cluster, "copy")
    result = pgcask("restore", archive, "--to", uri, "--quiet").check()
    assert result.stdout == result.stderr == "", result


def test_what_failed_is_told(cluster, answer, archive):
    uri = cluster.uri(make(cluster, "copy", "CREATE TABLE u (n int CHECK (n < 2)); "
                           "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';"))
    found, result = answer(3, archive, "--to", uri, "--into-existing")
    failures = {failure["object"]: failure for failure in found["failures"]}
    assert set(failures) == {"TABLE public.u", "FUNCTION public.f()"}
    assert failures["TABLE public.u"]["sqlstate"] == "42P07"
    assert failures["TABLE public.u"]["message"] == 'relation "u" already exists'
    assert failures["TABLE public.u"]["statement"].startswith("CREATE TABLE public.u (")
    assert found["failure_count"] == 2 and found["tables_passed_over"] == 1 and found["rows"] == 100
    assert found["status"] == "finished_with_problems"
    assert 'TABLE public.u: relation "u" already exists (SQLSTATE 42P07)' in result.stderr, result

    uri = cluster.uri(make(cluster, "copy", "CREATE TABLE u (n int);"))
    found, result = answer(1, archive, "--to", uri, "--into-existing", "--exit-on-error")
    assert found["error"]["sqlstate"] == "42P07" and "u" in found["error"]["message"], found


def test_what_is_in_the_way_is_told_first(cluster, answer, archive):
    uri = cluster.uri(make(cluster, "copy", "CREATE TABLE mine (n int);"))
    for words in ([], ["--dry-run"]):
        found, result = answer(1, archive, "--to", uri, *words)
        assert found["error"]["message"].startswith("the restore was not begun: "), found
        (finding,) = [one for one in found["findings"] if one["fatal"]]
        assert "--clean" in finding["hint"] and "objects" in finding["message"], finding
        assert finding["message"] in result.stderr, result
    found, _ = answer(1, archive, "--to", cluster.uri("nowhere"))
    assert any("--create-db" in one["hint"] for one in found["findings"]), found


def test_a_dry_run_says_what_would_be_done(cluster, answer, pgcask, archive):
    found, _ = answer(0, archive, "--to", cluster.uri("new one"), "--create-db", "--dry-run")
    (plan,) = found["plan"]
    assert plan["database"] == "new one" and plan["action"] == "create"
    assert plan["entries"] == len(plan["list"]) and plan["kinds"]["TABLE"] == 2
    assert found["objects"] == found["rows"] == 0
    told = pgcask("restore", archive, "--to", cluster.uri("new one"), "--create-db", "--dry-run")
    assert 'database "new one": is made\n' in told.check().stdout, told
    assert "2 TABLE, " in told.stdout and "nothing was done" in told.stdout, told
    assert "new one" not in [row[0] for row in cluster.sql("SELECT datname FROM pg_database")]


def test_a_script_is_told_as_one(cluster, answer, workdir):
    (workdir / "a.sql").write_text("CREATE TABLE t (n int);\nCOPY t FROM stdin;\n1\n2\n\\.\n")
    found, _ = answer(0, workdir / "a.sql", "--to", cluster.uri(make(cluster, "copy")))
    assert found["kind"] == found["format"] == "script" and found["rows"] == 2
    (workdir / "a.sql").write_text("CREATE TABLE v (n int);\nnonsense;\n")
    found, _ = answer(3, workdir / "a.sql", "--to", cluster.uri("copy"), "--into-existing")
    assert found["failures"][0]["sqlstate"] == "42601" and found["failure_count"] == 1
    answer(2, workdir / "a.sql", "--to", cluster.uri("copy"), "--schema-only")


def test_what_a_script_did_is_told_in_its_words(cluster, pgcask, workdir):
    make(cluster, "copy")
    path = workdir / "a.sql"
    path.write_text("CREATE TABLE t (n int);\nCOPY t FROM stdin;\n1\n2\n\\.\n")
    told = pgcask("restore", path, "--to", cluster.uri("copy")).check()
    assert "restored 2 statements and 2 rows (4 B) into \"copy\"" in told.stdout, told
    path.write_text("\\connect copy\nCREATE TABLE u ();\n")
    told = pgcask("restore", path, "--to", cluster.uri(None), "--into-existing").check()
    assert "restored 1 statement and 0 rows (0 B) into \"copy\"" in told.stdout, told


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize("head", ["", "--\n-- PostgreSQL database cluster dump\n--\n\n"],
                         ids=["typed", "pg_dumpall"])
def test_roles_alone_make_no_database(cluster, pgcask, workdir, head, piped):
    path = workdir / "roles.sql"
    path.write_text(f"{head}CREATE ROLE alone;\nALTER ROLE alone CREATEDB;\n"
                    f"{head.replace('dump', 'dump complete')}")
    more = (lambda: {"stdin": path.open("rb")}) if piped else dict
    source = "-" if piped else path
    for words in (["--dry-run"], []):
        told = pgcask("restore", source, "--to", cluster.uri(None), "--create-db", *words, **more())
        assert told.rc == 0 and "is about no database, and --create-db makes none" in told.stderr, told
    assert cluster.sql("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'alone'") == [["t"]]
    told = pgcask("restore", source, "--to", cluster.uri(None), **more())
    assert told.rc == 0 and re.fullmatch(
        r"(pgcask: (looking at the server|checking the backup[^\n]*|restoring(: \d+ B)?)\n)*",
        told.stderr), told
    told = pgcask("restore", source, "--to", cluster.uri(None), "--database", "none", **more())
    assert told.rc in (1, 2) and "none" not in [row[0] for row in cluster.sql(
        "SELECT datname FROM pg_database")], told
    cluster.sql("DROP ROLE alone")
