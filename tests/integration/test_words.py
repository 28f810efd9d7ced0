"""The words of the command: each line on standard error says what it is, so that a program that
reads logs can tell an error from a warning and from what is only said; and all of them are plain."""

import json
import re
import shutil
import subprocess

import pytest

from pgcask_testing import builders, paths, temp

LINE = re.compile(r"pgcask: (error: |warning: )?\S|detail: \S|hint: \S|    ")
SAID = re.compile(r"pgcask: (connecting|the cluster has tablespaces|and [0-9]+ more|"
                  r"the whole cluster|reading|waiting|copying|describing|finishing|restoring|"
                  r"writing|working|backed up|positions|the backup starts|manifest:)")
DEAD = "postgres+bin://u@127.0.0.1:1/"


@pytest.fixture(scope="module")
def server(module_servers):
    """With a tablespace, and a role that may do nothing."""
    made = module_servers.create(15)
    builders.tablespaces(made, names=["one"])
    made.sql("CREATE ROLE nobody LOGIN")
    return made


@pytest.fixture(scope="module")
def backup(server, pgcask):
    target = temp.new_dir("words") / "backup"
    pgcask("backup", server.binary_uri(), "--to", target).check()
    return target


def check_words(result, verbose=False):
    """Every line is one of ours; an error is said if and only if the status is one of failure."""
    lines = result.stderr.splitlines()
    strange = [line for line in lines if not LINE.match(line)]
    assert not strange, result
    bare = [line for line in lines if line.startswith("pgcask: ")
            and not line.startswith(("pgcask: error: ", "pgcask: warning: "))]
    assert verbose or all(SAID.match(line) for line in bare), bare
    errors = [line for line in lines if line.startswith("pgcask: error: ")]
    assert bool(errors) == (result.rc in (1, 2)), result
    return result


@pytest.mark.parametrize("words", [
    [], ["backpu"], ["backup"], ["backup", DEAD], ["backup", DEAD, "--to", "x"],
    ["backup", DEAD, "--to", "x", "--json"], ["backup", DEAD, "--to", "x", "--too"],
    ["ping", DEAD], ["verify", "absent"], ["list", "absent"], ["restore", "absent", "--to", "x"],
    ["relocate", "absent"], ["help", "nothing"],
], ids=" ".join)
def test_failures_say_that_they_are_errors(pgcask, workdir, words):
    assert check_words(pgcask(*words, cwd=workdir)).rc in (1, 2)


def test_findings_are_errors_or_warnings(pgcask, server, workdir):
    refused = check_words(pgcask("backup", server.binary_uri(user="nobody"), "--to", workdir / "b"))
    assert refused.rc == 1 and refused.stderr.count("pgcask: error: ") >= 2, refused
    assert "\nhint: " in refused.stderr, refused


def test_what_is_only_said_is_neither(pgcask, server, workdir):
    made = check_words(pgcask("backup", server.binary_uri(), "--to", workdir / "b", "--verbose"),
                       verbose=True)
    assert made.ok and "pgcask: phase: " in made.stderr, made
    with (workdir / "b.tar").open("wb") as tar:
        assert "pgcask: backed up " in check_words(
            pgcask("backup", server.binary_uri(), "--to", "-", stdout=tar)).check().stderr


def test_each_damaged_file_is_an_error(pgcask, backup, workdir):
    shutil.copytree(backup, workdir / "b", symlinks=True)
    (workdir / "b" / "data" / "PG_VERSION").write_text("16\n")
    (workdir / "b" / "data" / "more").touch()
    damaged = check_words(pgcask("verify", workdir / "b"))
    assert damaged.rc == 1 and "\npgcask: error: /data/PG_VERSION: " in damaged.stderr, damaged
    assert "\npgcask: error: /data/more: " in damaged.stderr, damaged
    unfinished = shutil.copytree(backup, workdir / "u", symlinks=True)
    (unfinished / "summary.json").unlink()
    assert check_words(pgcask("list", unfinished)).rc == 3


# Plain words


COMMANDS = ("backup", "verify", "restore", "list", "ping", "relocate", "help", "version")
# What only those who made it understand.
ODD = re.compile(r"\b(is|was|be|not|copy|it) whole\b|\bmends?\b|\bproves?\b|\blone\b|"
                 r"does not belong|"
                 r"\b[Gg]ives? (the|a logical) backup up\b|\bput(s|ting)? .{1,20} back\b")


def test_what_users_read_is_plain():
    texts = [paths.REPO / "README.md", paths.REPO / "CHANGELOG.md", paths.REPO / "man/pgcask.1",
             *paths.REPO.glob("docs/*.md")]
    found = [f"{text.name}: {odd.group()}" for text in texts
             if text.name != "architecture.md"
             for odd in ODD.finditer(text.read_text().replace("\n", " "))]
    for source in paths.REPO.glob("src/**/*.c"):
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', source.read_text()):
            found += [f"{source.name}: {literal}" for _ in ODD.finditer(literal)]
    assert not found


def test_a_short_h_is_help(pgcask):
    for command in COMMANDS:
        assert pgcask(command, "-h").check().stdout == pgcask("help", command).check().stdout
    assert pgcask("-h").check().stdout == pgcask("help").check().stdout
    assert pgcask("-V").check().stdout == pgcask("version").check().stdout
    assert pgcask("backup", "x", "-h", "--nonsense").rc == 2


@pytest.mark.parametrize("width", [60, 80, 132])
def test_the_manual_reads_as_words(width):
    page = paths.REPO / "man" / "pgcask.1"
    for command in (["mandoc", "-Tutf8", f"-Owidth={width}", page],
                    ["groff", "-man", "-Tutf8", f"-rLL={width}n", "-ww", page]):
        shown = subprocess.run(command, check=True, capture_output=True, text=True)
        assert not shown.stderr, shown.stderr
        text = re.sub(r".\x08|\x1b\[[0-9;]*m", "", shown.stdout)
        # A sentence that goes on without a blank; two words that were joined.
        assert not re.search(r"[a-z)][.,;:][A-Z][a-z]", text), text
        # A font macro joins its arguments: what stands behind a name is punctuation.
    for line in page.read_text().splitlines():
        if re.match(r"\.[BIR][BIR] ", line):
            words = re.findall(r'"[^"]*"|\S+', line)[1:]
            assert len(words) <= 2 or not re.search("[a-zA-Z]", " ".join(words[1::2])) \
                or not re.search("[a-zA-Z]", " ".join(words[0::2])), line


def test_list_says_what_was_never_analysed(pgcask, server, workdir):
    server.sql("CREATE DATABASE fresh")
    server.sql("CREATE TABLE one (id serial)", db="fresh")
    listed = {}
    for step, sql in enumerate(["SELECT 1", "INSERT INTO one VALUES (1); ANALYZE one",
                                "CREATE TABLE two ()"]):
        server.sql(sql, db="fresh")
        pgcask("backup", server.uri(db="fresh"), "--to", workdir / str(step), "--quiet").check()
        listed[step] = re.search(r"fresh +(.*)", pgcask("list", workdir / str(step)).stdout)[1]
    shown = json.loads(pgcask("list", workdir / "0", "--json").stdout)
    server.sql("DROP DATABASE fresh")
    assert "row_estimate" not in next(d for d in shown["databases"] if d["name"] == "fresh")
    assert listed[0].endswith("relations, rows unknown (never analysed)"), listed
    assert listed[1].endswith("relations, about 1 row"), listed
    assert listed[2].endswith("relations, about 1 row, and 1 table never analysed"), listed


def test_a_database_in_the_uri_of_a_cluster_is_told_of(pgcask, server, workdir):
    note = 'pgcask: the whole cluster is copied; database "postgres" is only what to connect to\n'
    for number, uri in enumerate([f"{server.binary_uri()}/postgres",
                                  f"{server.binary_uri()}?dbname=postgres"]):
        assert note in pgcask("backup", uri, "--to", workdir / str(number)).check().stderr
    assert note not in pgcask("backup", uri, "--to", workdir / "q", "--quiet").check().stderr
    assert "whole cluster" not in pgcask("backup", server.binary_uri(), "--to", workdir / "n",
                                         env={"PGDATABASE": "postgres"}).check().stderr


def test_what_the_server_warns_of_is_said_once(pgcask, server, workdir):
    """Both sessions of a backup are told of a changed collation."""
    server.sql("CREATE DATABASE moved LOCALE 'C.UTF-8' TEMPLATE template0")
    server.sql("UPDATE pg_database SET datcollversion = '0.1' WHERE datname = 'moved'")
    result = pgcask("backup", f"{server.binary_uri()}/moved", "--to", workdir / "b").check()
    server.sql("DROP DATABASE moved")
    assert len(result.stderr.splitlines()) == len(set(result.stderr.splitlines())), result
    warned = json.loads(pgcask("list", workdir / "b", "--json").check().stdout)
    assert warned["complete"]
