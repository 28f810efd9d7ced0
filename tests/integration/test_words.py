"""The words on standard error: each line says what it is, so that a program that reads logs can
tell an error from a warning and from what is only said."""

import re
import shutil

import pytest

from pgcask_testing import builders, temp

LINE = re.compile(r"pgcask: (error: |warning: )?\S|detail: \S|hint: \S|    ")
SAID = re.compile(r"pgcask: (connecting|reading|waiting|copying|describing|finishing|restoring|"
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
    assert made.ok and "pgcask: warning: " in made.stderr, made
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
