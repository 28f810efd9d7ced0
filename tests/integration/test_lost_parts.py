"""Parts of the data directory that are links: the server leaves them out of a base backup with a
mere warning, so that a backup of them must fail, and an older one must not pass for whole."""

import hashlib
import json
import re
import shutil

import pytest

from pgcask_testing import builders, process, temp


@pytest.fixture(scope="module")
def made_servers():
    return {}


@pytest.fixture
def linked_server(module_servers, made_servers, major):
    if major not in made_servers:
        server = made_servers[major] = module_servers.create(major)
        builders.tablespaces(server, names=["one"])
        server.sql("CREATE DATABASE other")
        server.sql("CREATE TABLE here (x) AS SELECT 1; CREATE TABLE there (x) TABLESPACE one"
                   " AS SELECT 1; CHECKPOINT")
    return made_servers[major]


def part_of(server, what):
    """The path below the data directory, and the name that the error has to have."""
    if what == "database":
        name = "base/" + server.value("SELECT oid FROM pg_database WHERE datname = 'other'")
    elif what == "table":
        name = server.value("SELECT pg_relation_filepath('here')")
    elif what == "in a tablespace":
        name = server.value("SELECT pg_relation_filepath('there')")
    else:
        name = what
    return name


PARTS = ["database", "table", "in a tablespace", "base", "pg_xact", "pg_xact/0000", "pg_multixact",
         "pg_multixact/members", "global/pg_filenode.map", "pg_logical", "pg_twophase",
         "PG_VERSION"]


class Linked:
    """Something moved elsewhere, with a link in its place; back again at the end."""

    def __init__(self, path):
        self.path = path
        self.target = temp.new_dir("elsewhere") / "target"

    def __enter__(self):
        process.give_to_server(self.target.parent)
        shutil.move(self.path, self.target)
        self.path.symlink_to(self.target)
        return self

    def __exit__(self, *unused):
        self.path.unlink()
        shutil.move(self.target, self.path)


@pytest.mark.majors(13, 15, 18)
def test_no_backup_lacks_what_is_a_link(pgcask, linked_server, workdir):
    server = linked_server
    for what in PARTS:
        name = part_of(server, what)
        with Linked(server.datadir / name):
            result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup")
        assert result.rc == 1, (what, result)
        leaf = name.removeprefix("pg_tblspc/").split("/", 1)[1] if "tablespace" in what else name
        assert leaf in result.stderr and "is a link" in result.stderr, (what, result)
        assert "put the folder or file itself" in result.stderr and "TABLESPACE" in result.stderr
        assert not (workdir / "backup").exists()
    pgcask("backup", server.binary_uri(), "--to", workdir / "backup").check()


@pytest.mark.majors(15, 18)
@pytest.mark.parametrize("what", ["database", "pg_xact", "base"])
def test_a_folder_that_is_missing_without_a_word_is_missed(pgcask, linked_server, workdir, what):
    """A role may be set to hear no warnings."""
    server = linked_server
    name = part_of(server, what)
    server.sql("CREATE ROLE quiet SUPERUSER LOGIN REPLICATION;"
               "ALTER ROLE quiet SET client_min_messages = error")
    try:
        with Linked(server.datadir / name):
            result = pgcask("backup", server.binary_uri("quiet"), "--to", workdir / "backup")
    finally:
        server.sql("DROP ROLE quiet")
    assert result.rc == 1 and f'"{name}"' in result.stderr, result
    assert "put the folder or file itself" in result.stderr


@pytest.mark.majors(15)
def test_links_that_are_not_the_servers_stay_warnings(pgcask, linked_server, workdir):
    server = linked_server
    outside = temp.new_dir("outside")
    made = [server.datadir / name for name in ("link", "basement", "log.old", "pg_wal/elsewhere")]
    for path in made:
        path.symlink_to(outside)
    try:
        pgcask("backup", server.binary_uri(), "--to", workdir / "backup").check()
    finally:
        for path in made:
            path.unlink()
    pgcask("verify", workdir / "backup").check()


def with_warning(backup, warning):
    """The server's warnings in summary.json become this one."""
    path = backup / "summary.json"
    path.chmod(0o600)
    body, mark, _ = path.read_text().rpartition('"checksum": "')
    body = re.sub(r'("server_warnings": *)\[.*?\]',
                  lambda match: match[1] + json.dumps([warning], ensure_ascii=False), body,
                  count=1, flags=re.DOTALL)
    assert warning.split('"')[0] in body
    path.write_text(f'{body}{mark}sha256:{hashlib.sha256(body.encode()).hexdigest()}"}}\n')


@pytest.mark.majors(15)
@pytest.mark.parametrize("warning", [
    'skipping special file "./base/16416"', 'skipping special file "./pg_xact"',
    "überspringe besondere Datei »./base/16416«", "fichier spécial « ./base/16416 » ignoré",
    'skipping special file "/srv/one/PG_15_202209061/5/16999"',
])
def test_verify_of_an_older_backup_that_lacks_a_part(pgcask, linked_server, workdir, warning):
    """Its summary has the server's warning, and nothing else tells of it."""
    backup = workdir / "backup"
    pgcask("backup", linked_server.binary_uri(), "--to", backup, "--digest", "sha256").check()
    with_warning(backup, warning)
    result = pgcask("verify", backup)
    assert result.rc == 1 and "a link or another special file" in result.stderr, result
    with_warning(backup, 'skipping special file "./link"')
    pgcask("verify", backup).check()
