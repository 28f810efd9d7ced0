"""Texts below the faces do not spell options and settings: each face has its own names for them."""

import json
import re

import pytest

from pgcask_testing import paths

FACES = ("cli", "plakar", "library")
MARKS = re.compile("[\x1c-\x1f]")

# Settings that at least one face calls otherwise, and what users of libpq call them.
SETTINGS = re.compile(
    r"\b(sslmode|sslcert|sslkey|sslrootcert|sslcrl|sslcrldir|sslpassword|sslcertmode|"
    r"sslnegotiation|channel_binding|require_auth|connect_timeout|target_session_attrs|"
    r"min_protocol_version|max_protocol_version|PGPASSWORD)\b")


def texts():
    """(file, line number, text) of every string below the faces that is no bare word."""
    for file in sorted((paths.REPO / "src").rglob("*.[ch]")):
        if file.parent.name in FACES:
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if line.lstrip().startswith(("*", "/*", "//", "#include")):
                continue
            line = re.sub(r'ERROR_(?:OPTION|SETTING)\(\s*"[^"]*"\s*\)', "", line)
            for text in re.findall(r'"((?:[^"\\]|\\.)*)"', line):
                yield f"{file.relative_to(paths.REPO)}:{number}", text


def test_no_text_below_the_faces_spells_an_option():
    found = [f"{where}: {text}" for where, text in texts()
             if re.search(r"(^|[\s(])--[a-z]", text)
             and "--hostname HOST" not in text  # of the aws command
             and not where.startswith("src/base/options")]  # help of the command line itself
    assert not found, "\n".join(found)


def test_no_text_below_the_faces_spells_a_setting():
    table = "src/wire/settings.c"  # names and variables, which are what the table is about
    found = [f"{where}: {text}" for where, text in texts()
             if SETTINGS.search(text) and re.search(r"\s|=", text) and not where.startswith(table)]
    assert not found, "\n".join(found)


def test_what_texts_mark_as_options_is_in_the_table(pgcask):
    reference = pgcask("options-reference").check().stdout
    known = set(re.findall(r"`--([a-z-]+)", reference))
    marked = {name for file in (paths.REPO / "src").rglob("*.[ch]")
              for name in re.findall(r'ERROR_OPTION\(\s*"([a-z-]+)"', file.read_text())}
    assert marked and marked <= known, marked - known


@pytest.mark.parametrize("words", [
    ["backup", "postgres://h:x/db", "--to", "-"],
    ["backup", "postgres://u@127.0.0.1:1/db?sslmode=on", "--to", "/nowhere/x"],
    ["backup", "postgres+aws://u@h/db", "--to", "/nowhere/x"],
    ["backup", "postgres://h/db", "--nope"],
    ["backup", "postgres://h/db", "--max-rate", "fast"],
    ["backup", "postgres://h/db"],
    ["restore", "/nowhere", "--to"],
    ["verify", "/nowhere", "--quiet", "--verbose"],
])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_no_mark_reaches_a_user(pgcask, words, more):
    result = pgcask(*words, *more)
    assert result.rc in (1, 2), result
    assert not MARKS.search(result.stdout + result.stderr), result
    if more:
        json.loads(result.stdout)
