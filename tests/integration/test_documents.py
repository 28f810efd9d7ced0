"""What people read says what the program does."""

import json
import re
import subprocess

import pytest

from pgcask_testing import builders, paths, process

MAN_PAGE = paths.REPO / "man/pgcask.1"


def man_text():
    """The manual page's words, without its markup."""
    text = MAN_PAGE.read_text().replace("\\-", "-")
    return re.sub(r"\\f[BIRP]", "", text)


@pytest.mark.parametrize("command", [
    ["groff", "-ww", "-man", "-Tutf8", "-z"],
    ["man", "--warnings", "-E", "UTF-8", "-l"],
    ["mandoc", "-T", "lint", "-W", "warning"],
])
def test_the_manual_page_renders_without_a_warning(command):
    env = process.clean_env({"MANWIDTH": 80, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
    done = subprocess.run([*command, MAN_PAGE], env=env, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_the_manual_page_tells_every_option(pgcask):
    reference = pgcask("options-reference").check().stdout
    options = set(re.findall(r"`--([a-z-]+)", reference))
    assert {"to", "replace", "json"} <= options
    told = set(re.findall(r"--([a-z-]+)", man_text()))
    assert options <= told
    assert told - options == {"name", "help"}, "the page tells of options that are not there"


def test_the_manual_page_has_every_default(pgcask):
    page = " ".join(man_text().split())
    for option, default in re.findall(r"^\| `--([a-z-]+).*\| `([^`]+)` \|$",
                                      pgcask("options-reference").stdout, re.M):
        entry = page[page.index(f"--{option} "):][:600]
        assert f"Default: {default}." in entry or default in entry, (option, default)


def test_the_options_reference_is_the_programs_own(pgcask):
    printed = pgcask("options-reference").check().stdout
    assert (paths.REPO / "docs/options.md").read_text() == printed


def test_the_version_is_that_of_the_manual_page(pgcask):
    assert f'"{pgcask("version").stdout.strip()}"' in MAN_PAGE.read_text().splitlines()[0]


@pytest.mark.majors(15)
def test_the_manual_page_names_every_member_of_the_results(pgcask, servers, workdir, major):
    server = servers.create(major, conf={"max_slot_wal_keep_size": "1GB"})
    builders.tablespaces(server, names=["one"])
    builders.fill(server, mb=1)
    path = server.datadir / server.value("SELECT pg_relation_filepath('filler')")
    server.stop()
    with open(path, "r+b") as file:  # a page checksum failure
        file.seek(8192 * 3 + 5000)
        file.write(b"damage")
    server.start()
    uri, backup, data = server.binary_uri(), workdir / "backup", workdir / "data"
    words = set(re.findall(r"\w+", man_text()))
    for command in (["backup", uri, "--to", backup], ["verify", backup], ["list", backup],
                    ["list", backup, "--verbose"], ["restore", backup, "--to", data],
                    ["relocate", data], ["ping", uri], ["verify", "absent"]):
        result = json.loads(pgcask(*command, "--json").stdout)
        members = set(result) | {m for name in ("error", "findings", "problems", "sql")
                                 for m in members_of(result.get(name))}
        assert members <= words, (command, members - words)


def members_of(value):
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            yield from each


def test_the_architecture_names_files_that_are_there():
    text = (paths.REPO / "docs/architecture.md").read_text()
    names = set(re.findall(r"`((?:src/|cmake/)?[\w/]+\.(?:c|h|cmake))`", text))
    there = {str(p.relative_to(paths.REPO)) for folder in ("src", "cmake", "include")
             for p in (paths.REPO / folder).rglob("*")}
    missing = [n for n in names if n not in there and not any(t.endswith(f"/{n}") for t in there)]
    assert len(names) > 8 and not missing
    folders = {p.name for p in (paths.REPO / "src").iterdir() if p.is_dir()}
    told = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| \d \|.*$", text, re.M))))
    assert told <= folders
