"""What people read says what the program does."""

import json
import re
import subprocess

import pytest

from pgcask_testing import builders, paths, printed, process

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


# ---- Pages for who changes the program -------------------------------------------------------


PAGES = [name for name in printed.files() if name.endswith(".md")]
OWN_PAGES = [name for name in PAGES if not name.startswith("docs/") or "architecture" in name]


def in_code(page, pattern):
    return re.findall(rf"`{pattern}`", (paths.REPO / page).read_text())


def test_the_pages_are_looked_at():
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/architecture.md", "tests/README.md",
            "tests/faults/README.md", "src/wire/README.md", "src/catalog/README.md"} <= set(OWN_PAGES)


@pytest.mark.parametrize("page", OWN_PAGES)
def test_files_that_a_page_names_are_there(page):
    named = in_code(page, r"((?:[\w.-]+/)*[\w-]+\.(?:c|h|cmake|py|proto|in))")
    there = printed.files()
    missing = [name for name in named
               if not re.search("NAME|FOLDER|^_", name)
               and not any(each == name or each.endswith(f"/{name}") for each in there)]
    assert not missing


@pytest.mark.parametrize("page", OWN_PAGES)
def test_functions_that_a_page_names_are_there(page):
    """`wire_next()`: what is written with parentheses is a function of ours."""
    named = set(in_code(page, r"(\w+)\(\)"))
    sources = [*paths.REPO.glob("src/**/*.[ch]"), *paths.REPO.glob("include/**/*.h")]
    there = {name for path in sources for name in re.findall(r"\b(\w+)\(", path.read_text())}
    assert named <= there, named - there


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)\)", (paths.REPO / page).read_text()):
        if not link.startswith("https://"):
            assert (paths.REPO / page).parent.joinpath(link).exists(), link


def test_the_map_of_the_architecture_is_that_of_the_build():
    table = re.findall(r"^\| (\d) \| (.*?) \|", (paths.REPO / "docs/architecture.md").read_text(), re.M)
    told = {folder: floor for floor, folders in table for folder in re.findall(r"`(\w+)`", folders)}
    built = dict(re.findall(r"^pgcask_floor\((\w+)\s+FLOOR (\d)",
                            "".join(path.read_text() for path in
                                    sorted(paths.REPO.glob("src/*/CMakeLists.txt"))), re.M))
    assert told == built


def test_the_revisions_that_blame_passes_over_are_there():
    """Under which hash a commit lands is known only when it has."""
    listed = re.findall(r"^[0-9a-f]{40}$", (paths.REPO / ".git-blame-ignore-revs").read_text(), re.M)
    git = lambda *words: subprocess.run(["git", *words], cwd=paths.REPO, capture_output=True).returncode
    if any(git("cat-file", "-e", revision) != 0 for revision in listed):
        pytest.skip("a copy without this history")
    for revision in listed:
        assert git("merge-base", "--is-ancestor", revision, "HEAD") == 0, revision
    assert listed


def test_no_mark_of_a_merge_is_left():
    files = subprocess.run(["git", "ls-files"], cwd=paths.REPO, capture_output=True, text=True,
                           check=True).stdout.splitlines()
    marks = re.compile(rb"^(<{7} |>{7} |={7}$)", re.M)
    found = [name for name in files if (paths.REPO / name).is_file()
             and marks.search((paths.REPO / name).read_bytes())]
    assert files and not found
