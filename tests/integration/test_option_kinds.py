"""Options that are about one kind of backup are refused by the other: cases come from the table."""

import json
import re

import pytest

from pgcask_testing import paths
from pgcask_testing.plakar_client import IMPORTER, Client, init_request
from pgcask_testing.servers import free_port

# What an option of the table takes, by how the table writes its argument.
VALUES = {
    "RATE": "32k", "SIZE": "1GiB", "DURATION": "5s", "COMMAND": "echo x", "TEXT": "words",
    "fast|spread": "fast", "gzip|lz4|zstd[:LEVEL]": "gzip", "xxh3|sha256": "sha256",
    "none|gzip|lz4|zstd[:LEVEL]": "gzip", "classic|numbered|tables": "tables", "PATTERN": "x*",
    "TABLE=CONDITION": "t=true", "FILE": "/dev/null",
}
CHOOSING = ("--databases", "--exclude-databases")  # among all: where none is named
SCHEMES = {"physical": "postgres+bin", "logical": "postgres"}
OTHER = {"physical": "logical", "logical": "physical"}
TITLE = re.compile(r"Options of (physical|logical) backups")
REFERENCE = paths.REPO / "docs/options.md"  # a test holds it to the table
NO_PASSWORDS = {"--password-command": "--no-password", "--no-password": "--password-command"}


def options(command):
    """(kind or None, option, argument or None) of each of the command's options."""
    section = REFERENCE.read_text().split(f"\n## pgcask {command}\n")[1].split("\n## ")[0]
    kind = None
    for line in section.splitlines():
        if TITLE.match(line):
            kind = TITLE.match(line)[1]
        row = re.match(r"\| `(--[a-z0-9-]+)(?: ([^`]*))?` \|", line)
        if row:
            yield kind, row[1], row[2] and row[2].replace("\\|", "|")


def words(option, argument):
    return [option] if argument is None else [option, VALUES[argument]]


def scoped():
    return [entry for entry in options("backup") if entry[0] and entry[1] != "--to"]


def test_the_table_tells_kinds_apart():
    kinds = {kind for kind, _, _ in options("backup")}
    assert kinds == {None, "physical", "logical"}


@pytest.mark.parametrize("command", ["backup", "check"])
@pytest.mark.parametrize("kind, option, argument", scoped())
def test_an_option_of_the_other_kind_is_wrong_usage(pgcask, workdir, command, kind, option,
                                                    argument):
    if option not in [name for _, name, _ in options(command)]:
        pytest.skip(f"{command} does not take it")
    uri = f"{SCHEMES[OTHER[kind]]}://u@127.0.0.1:{free_port()}/db"
    result = pgcask(command, uri, *words(option, argument), "--to", workdir / "x", "--json")
    assert result.rc == 2, result
    assert f"{option} is for {kind} backups: " in result.stderr, result
    found = json.loads(result.stdout)
    assert found["error"]["code"] == "usage" and option in found["error"]["message"]

    fits = f"{SCHEMES[kind]}://u@127.0.0.1:{free_port()}"
    if option not in CHOOSING:
        fits += "/db"
    result = pgcask(command, fits, *words(option, argument), "--to", workdir / "x")
    assert result.rc == 1 and "cannot connect" in result.stderr, result


@pytest.mark.parametrize("scheme", ["postgres", "postgres+bin"])
def test_options_of_both_kinds_are_taken_by_both(pgcask, workdir, scheme):
    for kind, option, argument in options("backup"):
        if kind or option in ("--to", "--json", "--json-file", "--quiet", "--verbose"):
            continue
        result = pgcask("backup", f"{scheme}://u@127.0.0.1:{free_port()}/db",
                        *words(option, argument), "--to", workdir / "x")
        assert result.rc == 1 and "cannot connect" in result.stderr, result


@pytest.mark.parametrize("given, says", [
    (["ping", "postgres://u@h/db", "--no-password", "--password-command", "x"],
     ["--no-password", "--password-command"]),
    (["ping", "postgres://u:secret@h/db", "--password-command", "x"], ["--password-command"]),
    (["list", "/nowhere", "--quiet", "--verbose"], ["--quiet", "--verbose"]),
    (["verify", "/nowhere", "--quiet", "--verbose"], ["--quiet", "--verbose"]),
    (["backup", "postgres://u@h/db", "--to", "x", "--digest", "md5"],
     ["--digest", "xxh3 or sha256"]),
    (["backup", "postgres+bin://u@h", "--to", "x", "--transfer-compression", "bzip2"],
     ["gzip, lz4 or zstd", ":LEVEL"]),
])
def test_mixes_of_which_one_would_be_forgotten_are_refused(pgcask, given, says):
    result = pgcask(*given)
    assert result.rc == 2 and "secret" not in result.stderr, result
    for word in says:
        assert word in result.stderr, result


def test_help_is_grouped_by_kind(pgcask):
    text = pgcask("help", "backup").check().stdout
    for kind, option, _ in options("backup"):
        before = text[:text.index(f"  {option} ")] if f"  {option} " in text else \
            text[:text.index(f"  {option}\n")]
        titles = TITLE.findall(before)
        assert (titles[-1] if titles else None) == kind, option


# Keys of Plakar


def keys(pgcask):
    schema = json.loads(pgcask("plakar-schema", "importer").check().stdout)
    for key, about in schema["properties"].items():
        kind = re.search(r"Of (physical|logical) backups only", about["description"])
        yield key, kind and kind[1], about


def test_keys_of_the_other_kind_are_refused(pgcask, pgcask_path):
    tried = 0
    for key, kind, about in keys(pgcask):
        if kind is None:
            continue
        value = ("True" if "boolean" in about["type"] else about.get("enum", [None])[0]
                 or {"max_rate": "32k", "transfer_compression": "gzip",
                     "max_retained_wal": "1GiB", "compress": "gzip", "jobs": "2"}.get(key, "5s"))
        scheme = SCHEMES[OTHER[kind]]
        with Client(pgcask_path) as client:
            reply = client.unary(IMPORTER + "Init", init_request(
                scheme, {"location": f"{scheme}://u@127.0.0.1:1/db", key: value}))
        assert reply.status != "0" and f"{key} is for {kind} backups" in reply.message, key
        tried += 1
    assert tried >= 10
