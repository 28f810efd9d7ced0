"""An archive as one SQL script, byte for byte what stock pg_restore writes, and what psql makes of it."""

import difflib
import gzip
import json
import re
import subprocess

import jsonschema
import pytest
import test_restore_selection

from pgcask_testing import logical, paths, process
from pgcask_testing.logical import make, script

SCHEMA = json.loads((paths.REPO / "docs/pgcask.schema.json").read_text())
QUOTED = re.compile(rb'"([a-z_][a-z0-9_]*)"')
SECTIONS = {"1": "pre-data", "2": "data", "4": "post-data", "5": "pre-data,post-data"}
# Beside what a selection can be, which test_restore_selection.py has.
CASES = [
    (["--clean"], ["--clean", "--if-exists"]),
    (["--clean", "--create-db"], ["--clean", "--if-exists", "--create"]),
    (["--clean", "--schemas=shop", "--no-owner"], ["--clean", "--if-exists", "-n", "shop", "-O"]),
    (["--clean", "--tables=orders"], ["--clean", "--if-exists", "-t", "orders"]),
    (["--single-transaction"], ["-1"]),
    (["--single-transaction", "--clean"], ["-1", "--clean", "--if-exists"]),
    (["--data-only", "--disable-triggers"], ["-a", "--disable-triggers"]),
    (["--data-only", "--enable-row-security"], ["-a", "--enable-row-security"]),
    (["--no-owner"], ["-O"]), (["--no-tablespaces"], ["--no-tablespaces"]),
    (["--no-table-access-method"], ["--no-table-access-method"]), ([], []),
    (["--role=alice"], ["--role=alice"]), (["--role=The Role"], ["--role=The Role"]),
]


def option(member):
    name, _, value = member.partition("=")
    if name == "sections":
        return f"--sections={SECTIONS[value]}"
    return "--" + name.replace("_", "-") + (f"={value}" if value else "")


def cases(whole, major):
    """Each of ours, and of the selections some; these have a test of their own."""
    selections = [([option(member) for member in members], options) for members, options in
                  test_restore_selection.CASES + test_restore_selection.CASES_18
                  # pg_restore has the last of two, we have none.
                  if "recreate" not in members and members != ["sections=1", "data_only"]]
    return CASES + (selections[major % 3::3] if whole else [])


def comparable(sql):
    """Without what no two runs have in common, what newer tools set for servers that know it, and
    quotes around names that need none."""
    sql = re.sub(rb"^\\(un)?restrict \w+$", rb"\\\1restrict", sql, flags=re.M)
    sql = re.sub(rb"^SET transaction_timeout = 0;\n", b"", sql, flags=re.M)
    # A database may say that its sessions only read: a script that makes it goes on nevertheless.
    sql = re.sub(rb"^SET default_transaction_read_only = off;\n|^\\encoding SQL_ASCII\n", b"", sql,
                 flags=re.M)
    # What --superuser of pg_restore, if given, would have changed.
    sql = sql.replace(b"\n\nSET SESSION AUTHORIZATION DEFAULT;", b"")
    sql = re.sub(rb'\\connect -reuse-previous=on .*shop( |%20)db.*', b"(the database)", sql)
    return QUOTED.sub(rb"\1", sql)


@pytest.fixture(scope="module")
def source(module_servers, pgcask, major, tmp_path_factory):
    """A server with a database; of that pg_dump's archive, and our backup."""
    server = module_servers.create(major, conf={"wal_level": "logical"})
    logical.run_sql(server, "postgres", script("roles") + 'CREATE ROLE "The Role";')
    db = make(server, "shop db", script("selection"), """
        SELECT lo_from_bytea(80001, decode(repeat('00ff', 40000), 'hex'));
        SELECT lo_from_bytea(80002, ''); COMMENT ON LARGE OBJECT 80002 IS 'it';
        GRANT SELECT ON LARGE OBJECT 80001 TO alice;
        ALTER TABLE shop.orders OWNER TO "The Role"; REFRESH MATERIALIZED VIEW shop.m;""")
    logical.run_sql(server, db, """
        COMMENT ON DATABASE "shop db" IS 'c'; GRANT CONNECT ON DATABASE "shop db" TO alice;
        ALTER DATABASE "shop db" SET work_mem = '5MB';""")
    folder = tmp_path_factory.mktemp("archives")
    theirs = folder / "theirs.dump"
    extra = ["--statistics"] if major >= 18 else []
    process.run([logical.stock("pg_dump", server), "-Fc", *extra, "-f", theirs,
                 server.uri(db)]).check()
    ours = logical.back_up(pgcask, server, db, folder / "backup")
    yield server, db, theirs, ours
    server.close()


def test_the_script_is_pg_restores(pgcask, source, major):
    _, _, theirs, ours = source
    different = []
    restore = paths.stock("pg_restore", paths.NEWEST, "newest")
    for archive in (theirs, ours):
        for words, options in cases(archive == theirs, major):
            stock = process.run([restore, "-f", "-", *options, archive]).check().stdout_bytes
            result = pgcask("restore", archive, "--to", "-", *words)
            lines = [line for line in difflib.unified_diff(
                comparable(stock).decode().split("\n"),
                comparable(result.stdout_bytes).decode().split("\n"), n=0)]
            if lines or not result.ok:
                different.append((words, result.stderr, lines[:12]))
    assert not different, (len(different), "\n".join(map(str, different[:6])))


# ---- What psql makes of it -----------------------------------------------------------------------


def same(server, db, copy):
    assert logical.table_sums(server, copy) == logical.table_sums(server, db)
    assert logical.large_objects(server, copy) == logical.large_objects(server, db)
    assert logical.definitions(server, copy) == [
        line for line in logical.definitions(server, db) if "subscription" not in line]


def test_psql_makes_the_database_of_it(pgcask, source, workdir):
    server, db, theirs, ours = source
    logical.create_like(server, db, "as sql")
    plain = pgcask("restore", theirs, "--to", "-", "--no-subscriptions").check()
    logical.run_sql(server, "as sql", plain.stdout_bytes)
    same(server, db, "as sql")
    # Once more, over what is there; of our backup, whose roles come first.
    again = pgcask("restore", ours.parent, "--to", workdir / "all.sql", "--clean", "--quiet",
                   "--no-subscriptions").check()
    assert again.stdout == again.stderr == "", again
    text = (workdir / "all.sql").read_bytes()
    assert text.index(b"CREATE ROLE alice") < text.index(b"DROP SCHEMA IF EXISTS shop")
    assert (workdir / "all.sql").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in workdir.iterdir()] == ["all.sql"]
    logical.run_sql(server, "as sql", text, stop=False)  # the roles are there
    same(server, db, "as sql")
    logical.drop(server, "as sql")


def test_what_cannot_seek_is_written_as_well(pgcask, source, workdir):
    _, _, theirs, ours = source

    def text(place, **more):
        result = pgcask("restore", place, "--to", "-", "--spool-dir", workdir, **more).check()
        return re.sub(rb"(restrict) \w+", rb"\1", result.stdout_bytes)

    whole = text(theirs)
    packed = workdir / "packed.gz"
    packed.write_bytes(gzip.compress(theirs.read_bytes(), 1))
    assert text(packed) == whole and text("-", stdin=open(theirs, "rb")) == whole
    with subprocess.Popen(["cat", theirs], stdout=subprocess.PIPE) as cat:
        assert text("-", stdin=cat.stdout) == whole
    backup = text(ours.parent)
    tar = workdir / "backup.tar"
    process.run(["tar", "-cf", tar, "-C", ours.parent, "manifest.json", "globals.sql", ours.name,
                 "summary.json"]).check()
    assert text(tar) == backup and len(backup) > 100000
    packed.write_bytes(gzip.compress(tar.read_bytes(), 1))
    assert text(packed) == backup
    with subprocess.Popen(["cat", packed], stdout=subprocess.PIPE) as cat:
        assert text("-", stdin=cat.stdout) == backup
    assert not [path for path in workdir.iterdir() if path not in (packed, tar)]


@pytest.mark.majors(18)
def test_of_several_databases_there_is_one_script(pgcask, servers, workdir, major):
    server, other = servers.create(major), servers.create(major)
    names = ["first", 'se"cond \'one', "third"]
    for number, name in enumerate(names):
        server.sql('CREATE DATABASE "' + name.replace('"', '""') + '"')
        server.sql(f"CREATE TABLE t{number} AS SELECT {number} AS n", db=name)
    server.sql("CREATE TABLE here (n int); ALTER DATABASE third SET default_transaction_read_only = on")
    uri = server.uri("").rsplit("/", 1)[0]
    for layout in ("numbered", "tables"):
        folder = workdir / layout
        pgcask("backup", uri, "--layout", layout, "--to", folder).check()
        sql = pgcask("restore", folder, "--to", "-", "--create-db").check().stdout_bytes
        logical.run_sql(other, "postgres", sql, stop=False)
        for number, name in enumerate(names):
            assert other.sql(f"SELECT n FROM t{number}", db=name) == [[str(number)]]
            other.sql('DROP DATABASE "' + name.replace('"', '""') + '"')
        assert other.sql("SELECT count(*) FROM here") == [["0"]]
        other.sql("DROP TABLE here")
        some = pgcask("restore", folder, "--to", "-", "--databases", "first,third",
                      "--tables", "t0,t2", "--no-globals").check().stdout
        assert re.findall(r"^(?:\\connect|CREATE).*", some, re.M) == [
            "\\connect first", "CREATE TABLE public.t0 (", "\\connect third",
            "CREATE TABLE public.t2 ("]
        for words, said in [
            (["--databases", "fourth"], "no database of the backup matches fourth"),
            (["--tables", "t1,t9"], "the pattern t9 matches nothing"),
            (["--single-transaction"], "--single-transaction is of one database, and "),
        ]:
            result = pgcask("restore", folder, "--to", workdir / "some.sql", *words)
            assert result.rc in (1, 2) and said in result.stderr, result
            assert not (workdir / "some.sql").exists()
    pgcask("backup", uri, "--to", workdir / "script").check()
    script = workdir / "script/all.sql"
    result = pgcask("restore", workdir / "script", "--to", "-").check()
    assert result.stdout_bytes == script.read_bytes()
    pgcask("restore", workdir / "script", "--to", workdir / "out.sql", "--no-globals",
           "--no-owner").check()
    some = (workdir / "out.sql").read_text()
    assert "CREATE ROLE" in script.read_text() and "ROLE" not in some, some
    assert "CREATE DATABASE first" in some and "OWNER TO" not in some, some
    for words in (["--databases", "first"], ["--create-db"], ["--clean"], ["--tables", "x"],
                  ["--single-transaction"], ["--role", "x"], ["--schema-only"]):
        result = pgcask("restore", workdir / "script", "--to", "-", *words)
        assert result.rc == 2 and f"{words[0]} has no meaning for an SQL script" in result.stderr
        assert result.stdout == "", result


@pytest.mark.majors(18)
def test_what_others_have_put_together_is_written_without_a_manifest(pgcask, source, workdir):
    _, uri, theirs, ours = source
    globals_ = (ours.parent / "globals.sql").read_bytes()
    expected = comparable(
        globals_ + pgcask("restore", theirs, "--to", "-").check().stdout_bytes)
    for names in (("00000-globals.sql", "00001-app.dump"), ("globals.sql", "app.dump"),
                  ("db/globals.sql", "db/app.dump"), ("db/00000-globals.sql", "db/00001-app.dump")):
        folder = workdir / "official"
        for name, content in zip(names, (globals_, theirs.read_bytes())):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        (folder / "fs").mkdir(exist_ok=True)
        process.run(["tar", "-cf", workdir / "official.tar", "-C", folder, "."]).check()
        for place in (folder, workdir / "official.tar"):
            result = pgcask("restore", place, "--to", "-")
            assert result.ok and comparable(result.stdout_bytes) == expected, result
        # Each is listed and verified, too.
        result = pgcask("verify", folder).check()
        assert "neither manifest.json nor summary.json" in result.stdout, result
        listed = pgcask("list", folder).check().stdout
        assert "shop db" in listed and "an SQL script" in listed and "entries" in listed, listed
        listed = json.loads(pgcask("list", folder, "--verbose", "--json").check().stdout)
        jsonschema.Draft202012Validator(SCHEMA).validate(listed)
        assert listed["archives"][0]["database"] == "shop db" and not listed["complete"], listed
        (folder / names[1]).write_bytes(theirs.read_bytes()[:-30])
        result = pgcask("verify", folder)
        assert result.rc == 1 and names[1][-8:] in result.stderr, result
        result = pgcask("restore", folder, "--to", "-")
        assert result.rc == 1 and result.stdout == "" and names[1][-8:] in result.stderr, result
        process.run(["rm", "-r", folder]).check()


# ---- What is refused, and what fails -------------------------------------------------------------


@pytest.mark.majors(18)
def test_what_only_a_server_can_do_is_refused_by_name(pgcask, source, workdir):
    _, _, theirs, _ = source
    out = workdir / "out.sql"
    for words in (["--database", "x"], ["--into-existing"], ["--recreate"], ["--jobs", "2"],
                  ["--exit-on-error"], ["--transaction-size", "5"], ["--search-path", "x"],
                  ["--analyze"], ["--dry-run"], ["--password-command", "true"], ["--no-password"]):
        result = pgcask("restore", theirs, "--to", out, *words)
        assert result.rc == 2 and f"{words[0]} is for a restore into a server\nhint: " in (
            result.stderr), result
    for words, said in [
        (["--create-db", "--single-transaction"], "a database is not made in a transaction"),
        (["--databases", "x"], "--databases chooses among several databases"),
        (["--tables", "nowhere"], "the pattern nowhere matches nothing"),
        (["--list-file", workdir / "none"], "cannot read the list"),
        (["--replace"], "--replace"),
    ]:
        result = pgcask("restore", theirs, "--to", out, *words)
        assert result.rc in (1, 2) and said in result.stderr, result
    result = pgcask("restore", theirs, "--to", "-", "--json")
    assert result.rc == 2 and "--json and --to - both want standard output" in result.stderr
    assert result.stdout == "" and not list(workdir.iterdir())


@pytest.mark.majors(18)
def test_a_script_that_is_not_whole_is_a_failure(pgcask, source, workdir):
    _, _, theirs, ours = source
    out = workdir / "out.sql"
    with open("/dev/full", "wb") as full:
        result = pgcask("restore", theirs, "--to", "-", stdout=full)
    assert result.rc == 1 and "cannot write standard output: No space left" in result.stderr, result
    with subprocess.Popen(["true"], stdin=subprocess.PIPE) as ended:
        ended.wait()
        result = pgcask("restore", theirs, "--to", "-", stdout=ended.stdin)
    assert result.rc == 1 and "the program reading from it has ended" in result.stderr, result
    out.write_text("mine")
    result = pgcask("restore", theirs, "--to", out)
    assert result.rc == 1 and f'"{out}" exists' in result.stderr, result
    assert out.read_text() == "mine"
    out.rename(f"{out}.partial")
    result = pgcask("restore", theirs, "--to", out)
    assert result.rc == 1 and f"remove it:  rm {out}.partial" in result.stderr, result
    (workdir / "out.sql.partial").unlink()
    cut = workdir / "cut.dump"
    cut.write_bytes(theirs.read_bytes()[:-30])
    for place in (cut, "-"):
        result = pgcask("restore", place, "--to", out, **({"stdin": open(cut)} if place == "-" else {}))
        assert result.rc == 1 and "(entry " in result.stderr, result
    # Of a backup nothing is written before all of it has been proved.
    folder = workdir / "damaged"
    process.run(["cp", "-r", ours.parent, folder]).check()
    data = bytearray((folder / "globals.sql").read_bytes())
    data[-3] ^= 1
    (folder / "globals.sql").write_bytes(data)
    result = pgcask("restore", folder, "--to", "-")
    assert result.rc == 1 and result.stdout == "" and "globals.sql" in result.stderr, result
    (folder / "manifest.json").unlink()
    result = pgcask("restore", folder, "--to", "-")
    assert result.rc == 1 and result.stdout == "" and "is no backup of pgcask" in result.stderr
    script = workdir / "a script"
    for text, said in (("SELECT 1;\n\\! id\n", "psql's command \\!"), ("SELECT 1", "has no end"),
                       ("--\n-- PostgreSQL database dump\n--\nSELECT 1;\n", "breaks off")):
        script.write_text(text)
        for place in (script, "-"):
            result = pgcask("restore", place, "--to", "-", stdin=open(script))
            assert result.rc == 1 and result.stdout == "" and said in result.stderr, result
    script.write_text("SELECT 1;\n")
    assert pgcask("restore", script, "--to", "-").check().stdout == "SELECT 1;\n"
    assert "may have been cut off" in pgcask("verify", script).check().stdout
    # By themselves they are listed and verified.
    script.write_bytes(pgcask("restore", theirs, "--to", "-").check().stdout_bytes)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for place in (script, "-"):
        found = json.loads(pgcask("verify", place, "--json", stdin=open(script)).check().stdout)
        listed = json.loads(pgcask("list", place, "--verbose", "--json",
                                   stdin=open(script)).check().stdout)
        for each in (found, listed):
            validator.validate(each)
            assert each["kind"] == each["format"] == "script" and each["entries"] > 20, each
        assert found["rows"] > 0 and found["problem_count"] == 0 and listed["complete"]
        assert len(listed["contents"]) == listed["entries"]
    script.write_bytes(script.read_bytes()[:-100])
    assert "breaks off" in pgcask("verify", script).stderr
    result = pgcask("list", script)
    assert result.rc == 3 and "breaks off" in result.stderr, result
    assert sorted(path.name for path in workdir.iterdir()) == ["a script", "cut.dump", "damaged"]


@pytest.mark.majors(18)
def test_what_was_written_is_told(pgcask, source, workdir):
    _, _, theirs, ours = source
    out, said = workdir / "out.sql", workdir / "result.json"
    result = pgcask("restore", theirs, "--to", out, "--json").check()
    found = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["kind"] == "archive" and found["format"] == "custom"
    assert found["database"] == "shop db" and found["script_databases"] == 1
    assert found["script_bytes"] == out.stat().st_size and found["target"] == str(out)
    result = pgcask("restore", ours.parent, "--to", "-", "--json-file", said).check()
    found = json.loads(said.read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["kind"] == "logical" and found["layout"] == "classic"
    assert found["script_bytes"] == len(result.stdout_bytes)
    assert "of SQL, of 1 database, to standard output in " in result.stderr, result
