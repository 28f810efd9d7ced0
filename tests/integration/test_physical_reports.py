"""What a physical backup says of itself: page checksum failures, causes of failures, warnings."""

import json
import os
import re
import subprocess

import pytest

from pgcask_testing import builders, oracles, process, temp

pytestmark = pytest.mark.sampled

PAGE = 8192


def break_pages(server, table, pages):
    """Changes a byte in each of the pages of a table's file, the server being stopped."""
    path = server.datadir / server.value(f"SELECT pg_relation_filepath('{table}')")
    server.sql("CHECKPOINT")
    server.stop()
    with open(path, "r+b") as file:
        for page in pages:
            file.seek(page * PAGE + 5000)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 0xFF]))
    server.start()


# pages of tables a, b and c
BROKEN = {
    "one": ([3], [], []),
    "two": ([3, 5], [], []),
    "a page each of three files": ([3], [0], [7]),
    "more than the server tells of a file": (range(1, 10), [], []),
    "many of several": (range(1, 10), range(2, 9), [1, 2]),
}


@pytest.mark.majors(13, 14, 15, 16, 17, 18)
@pytest.mark.parametrize("case", BROKEN)
def test_page_checksum_failures_are_counted_once(pgcask, servers, workdir, major, case):
    if major not in (13, 18) and case not in ("two", "many of several"):
        pytest.skip("the same on every major")
    server = servers.create(major, conf={"autovacuum": "off"})
    tables = "abc"
    for table in tables:
        server.sql(f"CREATE TABLE {table} AS SELECT repeat('x', 1000) FROM generate_series(1, 100)")
    for table, pages in zip(tables, BROKEN[case]):
        if pages:
            break_pages(server, table, pages)
    count = sum(len(pages) for pages in BROKEN[case])
    (server.datadir / "link").symlink_to("/etc/hostname")  # another warning of the server

    backup = workdir / "backup"
    result = pgcask("backup", server.binary_uri(), "--to", backup, "--json")
    assert result.rc == 3, result
    assert re.search(rf"reported by the server: {count};", result.stderr), result
    said = json.loads(result.stdout)
    assert said["checksum_failures"] == count
    assert "checksum verification failed in file" in said["checksum_failure_first"]
    summary = json.loads((backup / "summary.json").read_text())
    assert summary["checksum_failure_count"] == count
    named = sum(min(len(pages), 5) for pages in BROKEN[case])
    assert len(summary["checksum_failures"]) == named
    verified = pgcask("verify", backup, "--json")
    assert json.loads(verified.stdout)["checksum_failures"] == count
    listed = pgcask("list", backup).check()
    assert f"page checksum failures {count}\n" in listed.stdout, listed


# The cause of a failure


@pytest.mark.majors(14)
@pytest.mark.parametrize("target", ["backup", "backup.tar", "-"])
def test_the_cause_is_named_and_not_that_the_rest_was_cancelled(
    pgcask, module_servers, workdir, major, target
):
    """The session that keeps the WAL is lost while the store is busy."""
    server = module_servers.create(major)
    server.configure({"idle_session_timeout": "40ms"})
    failed = 0
    for number in range(12):
        place = target if target == "-" else workdir / f"{number}-{target}"
        with open("/dev/null", "wb") as null:
            result = pgcask("backup", server.binary_uri(), "--to", place, "--max-rate", "50M",
                            stdout=null)
        if result.ok:
            continue
        failed += 1
        errors = [line for line in result.stderr.splitlines()
                  if line.startswith("pgcask: ") and "cancelled" in line]
        assert not errors, result
        assert "keeps the WAL" in result.stderr or "idle-session" in result.stderr, result
    assert failed >= 9
    assert not list(workdir.iterdir()) or target != "-"


# Warnings are for what somebody has to do


@pytest.fixture(scope="module")
def plain(module_servers):
    made = {}

    def make(major):
        if major not in made:
            made[major] = module_servers.create(major)
            builders.tablespaces(made[major])
            made[major].sql("CREATE ROLE backup LOGIN REPLICATION; CREATE DATABASE other;"
                            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO backup;"
                            "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO backup")
        return made[major]

    return make


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("physical", [False, True])
def test_the_role_of_the_readme_gives_no_warning(
    pgcask, plain, workdir, major, quiet, physical
):
    server = plain(major)
    uri = (server.binary_uri if physical else server.uri)(user="backup")
    result = pgcask("backup", uri, "--to", workdir / "backup", "--json",
                    *(["--quiet"] if quiet else [])).check()
    said = json.loads(result.stdout)
    # That of a logical backup is about content: roles come back without their passwords.
    warned = [text for text in said.get("warnings", []) if "has no passwords" not in text]
    assert warned == [] and result.stderr.count("warning") == len(said.get("warnings", [])), result
    if quiet and physical:
        assert result.stderr == "", result
    result = pgcask("backup", uri, "--to", workdir / "text",
                    *(["--quiet"] if quiet else [])).check()
    assert ('"unavailable" says' in result.stdout) == (
        not quiet and said["manifest_unavailable"] > 0), result
    assert quiet == (result.stdout == "")
    summary = json.loads((workdir / "backup/summary.json").read_text())
    assert not [text for text in summary["warnings"] if "manifest.json" in text]


@pytest.mark.majors(13, 15, 18)
@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_space_is_looked_at_for_a_role_that_may_only_replicate(
    pgcask, servers, small_disk, major, name
):
    """The server's own figures come before its data: nothing of it is written."""
    server = servers.create(major, hba=["local all postgres trust",
                                        "local replication all trust"])
    server.sql("CREATE ROLE backup LOGIN REPLICATION")
    disk = small_disk(4)
    result = pgcask("backup", server.binary_uri("backup", socket=True), "--to", disk / name)
    assert result.rc == 1, result
    assert "there is room for" in result.stderr and str(disk / name) in result.stderr, result
    assert "No space left" not in result.stderr, result
    assert not list(disk.iterdir())
    oracles.wait_for_nothing_left(server)
