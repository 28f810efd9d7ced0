"""Plakar itself, backing up with our package."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from pgcask_testing import builders, oracles, paths, process, temp, tree
from pgcask_testing import plakar as plakar_user
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

NEWEST_AND_DEBIANS = pytest.mark.majors(15, 18)
ONE = pytest.mark.majors(18)


def wait_for(condition, timeout=20):
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"not so after {timeout} s"
        time.sleep(0.02)
    return value


def assert_failed(result, *texts):
    assert result.rc == 1, result
    assert "backup completed" not in result.stdout + result.stderr
    for text in texts:
        assert text in result.stdout, result


# ---- A backup and what becomes of it


@NEWEST_AND_DEBIANS
def test_a_cluster_with_tablespaces_comes_back_with_nothing_but_plakar(
    plakar, pgcask, servers, workdir, major
):
    server = servers.create(major)
    folders = builders.tablespaces(server)
    builders.fill(server, mb=20)
    live = oracles.all_sums(server)

    plakar.run("source", "add", "pg", server.binary_uri()).check()
    assert "configuration OK" in plakar.run("source", "ping", "pg").check().stdout
    plakar.run("source", "check", "pg").check()
    result = plakar.backup("@pg").check()
    assert "completed without errors" in result.stdout + result.stderr
    assert "pgcask relocate" in result.stderr  # there are tablespaces
    (snapshot,) = plakar.snapshots()
    plakar.on_store("check").check()
    oracles.wait_for_nothing_left(server)
    server.stop()
    for folder in folders.values():
        shutil.rmtree(folder)

    tree = plakar.restore(workdir / "tree", snapshot)
    pgcask("verify", tree).check()
    oracles.verifybackup(tree / "data", major).check()
    assert (tree / "data").stat().st_mode & 0o777 == 0o700
    assert oracles.all_sums(servers.start_restored(tree / "data", major)) == live


@ONE
def test_a_page_that_changed_behind_the_same_size_and_second_is_backed_up(
    plakar, pgcask, servers, workdir, major
):
    server = servers.create(major, conf={"autovacuum": "off"})
    server.sql("CREATE TABLE t AS SELECT 1 AS a; CHECKPOINT")
    path = server.datadir / server.value("SELECT pg_relation_filepath('t')")
    moment = int(path.stat().st_mtime) - 1000
    os.utime(path, (moment, moment))
    size = path.stat().st_size
    plakar.backup(server.binary_uri()).check()

    server.sql("UPDATE t SET a = 2; CHECKPOINT")
    assert path.stat().st_size == size
    os.utime(path, (moment, moment))
    plakar.backup(server.binary_uri()).check()

    newest, oldest = plakar.snapshots()
    pgcask("verify", plakar.restore(workdir / "old", oldest)).check()
    tree = plakar.restore(workdir / "new", newest)
    pgcask("verify", tree).check()
    assert servers.start_restored(tree / "data", major).value("SELECT a FROM t") == "2"


def counted(pgcask_path, folder):
    """A Plakar whose package keeps what the program says to it in a file."""
    said = folder / "said"
    (folder / "plugin").write_text(f"#!/bin/sh\n{pgcask_path} plakar | /usr/bin/tee {said}\n")
    (folder / "plugin").chmod(0o755)
    (folder / "schema.json").write_text("{}")
    (folder / "manifest.yaml").write_text(
        "name: postgresql\napi_version: v1.1.0\nconnectors:\n  - type: importer\n"
        "    protocols: [postgres+bin]\n    location_flags: [stream, nomerge]\n"
        "    executable: plugin\n    validator: schema.json\n")
    user = plakar_user.Plakar(folder / "home")
    package = folder / "postgresql_v0.1.0_linux_amd64.ptar"
    user.run("pkg", "create", "-out", package, folder / "manifest.yaml", "v0.1.0").check()
    user.run("pkg", "add", package).check()
    return user.create_store(), said


@ONE
def test_what_has_not_changed_is_taken_from_the_last_snapshot(
    pgcask_path, pgcask, servers, workdir, major
):
    """Whatever times and sizes say."""
    server = servers.create(major, conf={"autovacuum": "off"})
    builders.fill(server, mb=10)
    server.sql("CREATE TABLE t AS SELECT 1 AS a; CHECKPOINT")
    path = server.datadir / server.value("SELECT pg_relation_filepath('t')")
    moment, size = int(path.stat().st_mtime) - 1000, path.stat().st_size
    os.utime(path, (moment, moment))
    user, said = counted(pgcask_path, temp.new_dir("counted"))

    def backup():
        user.backup("-o", "reuse_unchanged=true", server.binary_uri()).check()
        return said.stat().st_size

    first = backup()
    server.sql("UPDATE t SET a = 2; CHECKPOINT")
    assert path.stat().st_size == size
    os.utime(path, (moment, moment))
    wal = 16 * 2**20  # which is never reused
    assert backup() - wal < (first - wal) / 4
    tree = user.restore(workdir / "tree", user.snapshots()[0])
    pgcask("verify", tree).check()
    oracles.verifybackup(tree / "data", major).check()
    live = oracles.all_sums(server)
    server.stop()
    restored = servers.start_restored(tree / "data", major)
    assert restored.value("SELECT a FROM t") == "2"
    assert oracles.all_sums(restored) == live


@ONE
@pytest.mark.parametrize("concurrency", [1, 8])
def test_any_number_of_workers_gets_the_whole_backup(
    plakar, pgcask, servers, workdir, major, concurrency
):
    server = servers.create(major)
    builders.fill(server, mb=40)
    plakar.backup(server.binary_uri(), before=["-concurrency", concurrency]).check()
    pgcask("verify", plakar.restore(workdir / "tree")).check()


@ONE
def test_snapshots_of_two_clusters_are_apart(plakar, servers, major):
    first, second = servers.create(major), servers.create(major, fresh=True)
    plakar.backup(first.binary_uri()).check()
    plakar.backup(second.binary_uri()).check()
    origins = {
        re.search(r"Origin: (.*)", plakar.on_store("info", snapshot).check().stdout)[1]
        for snapshot in plakar.snapshots()
    }
    assert len(origins) == 2
    assert not any("postgres" in origin for origin in origins)  # the user's name

    both = plakar.backup(first.binary_uri(), second.binary_uri())
    assert both.rc == 1 and len(plakar.snapshots()) == 2


@ONE
def test_a_ptar_holds_a_backup(plakar, shared_server, workdir, major):
    plakar.run("source", "add", "pg", shared_server.binary_uri()).check()
    archive = workdir / "backup.ptar"
    plakar.run("ptar", "-plaintext", "-o", archive, "@pg").check()
    oracles.wait_for_nothing_left(shared_server)
    tree = workdir / "tree"
    plakar.run("at", f"ptar://{archive}", "restore", "-to", tree).check()
    assert json.loads((tree / "summary.json").read_text())["complete"] is True


# ---- Leaving things out


@ONE
def test_a_dry_run_begins_no_base_backup(plakar, servers, major):
    server = servers.create(major, conf={"log_replication_commands": "on"})
    result = plakar.backup("-dry-run", server.binary_uri()).check()
    assert "/manifest.json" in result.stdout + result.stderr
    assert plakar.snapshots() == []
    oracles.wait_for_nothing_left(server)
    assert "BASE_BACKUP" not in server.log


@ONE
def test_excludes_are_honoured_and_told(plakar, pgcask, shared_server, workdir, major):
    result = plakar.backup("-ignore", "/data/pg_hba.conf", shared_server.binary_uri()).check()
    assert "left out" in result.stderr
    tree = plakar.restore(workdir / "tree")
    assert not (tree / "data/pg_hba.conf").exists()
    verdict = pgcask("verify", tree)
    assert verdict.rc == 1 and "pg_hba.conf" in verdict.stderr


# ---- Configuration


@ONE
def test_what_is_configured_wrongly_is_named(plakar, shared_server, major):
    uri = shared_server.binary_uri()
    assert_failed(plakar.backup("-o", "max_rat=1M", uri), 'unknown option "max_rat"', "max_rate?")
    assert_failed(plakar.backup("-o", "checkpoint=fats", uri), "checkpoint: unknown choice", "fast")
    assert_failed(plakar.backup("-o", "max_rate=much", uri), "max_rate:")
    assert_failed(plakar.backup("-o", "schema_only=true", uri), "schema_only")
    assert_failed(plakar.backup("-o", "ssl_key_data=nonsense", uri), "ssl_key_data", "-----BEGIN")
    assert plakar.snapshots() == []


@ONE
def test_keys_of_the_official_integration_win_over_the_location(plakar, shared_server, major):
    plakar.run(
        "source", "add", "pg", "postgres+bin://nobody@nowhere.invalid:1/nothing",
        "host=127.0.0.1", f"port={shared_server.port}", "username=postgres", "password=secret",
        "database=postgres", "ssl_mode=disable", "pg_bin_dir=/usr/lib/postgresql/15/bin",
        "compress=false", "exclude_databases=", "schema_only=false", "label=by plakar",
    ).check()
    result = plakar.backup("@pg").check()
    assert "pg_bin_dir is ignored" in result.stderr
    assert "secret" not in result.stdout + result.stderr


@ONE
def test_inline_certificates_need_no_files(plakar, servers, authority, major):
    server = servers.create(major, hba=["local all all trust", "hostssl all all all cert",
                                        "hostssl replication all all cert"])
    authority.enable(server)
    certificate, key = authority.issue("plakar-client", server.superuser)
    plakar.run(
        "source", "add", "pg", server.binary_uri(), "ssl_mode=verify-full",
        f"ssl_root_cert_data={authority.root.read_text()}",
        f"ssl_cert_data={certificate.read_text()}", f"ssl_key_data={key.read_text()}",
    ).check()
    plakar.run("source", "ping", "pg").check()
    with server.session() as held:  # so that there is time to look
        del held
        plakar.backup("@pg").check()
    assert list(plakar.tmp.iterdir()) == []

    plakar.run("source", "set", "pg", "host=127.0.0.2").check()
    refused = plakar.run("source", "ping", "pg")
    assert refused.rc == 1 and "BEGIN" not in refused.stdout + refused.stderr


@ONE
def test_a_source_that_does_not_answer_fails_its_ping(plakar, servers, major):
    server = servers.create(major, hba=["local all all trust", "host all postgres all trust",
                                        "host all all all reject"])
    server.sql("CREATE ROLE weak LOGIN")
    plakar.run("source", "add", "weak", server.binary_uri(user="weak")).check()
    assert_failed(plakar.run("source", "ping", "weak"), "pg_hba.conf")
    server.stop()
    assert_failed(plakar.run("source", "ping", "weak"), "Connection refused")


# ---- Failures: never exit status 0, never a snapshot


@ONE
def test_what_can_be_known_before_fails_before(plakar, servers, major):
    server = servers.create(major)
    server.sql("CREATE ROLE plain LOGIN")
    assert_failed(plakar.backup(server.binary_uri(user="plain")), "REPLICATION")
    server.stop()
    assert_failed(plakar.backup(server.binary_uri()), "Connection refused")
    assert plakar.snapshots() == []


def slow_backup(plakar, server):
    """A backup in the middle of its copy."""
    running = plakar.start_backup("-o", "max_rate=2M", server.binary_uri())
    oracles.wait_for_sessions(server, lambda found: found.slots, timeout=30)
    wait_for(lambda: "/data" in running.stdout_so_far.decode() + running.stderr_so_far
             or not running.running())
    assert running.running()
    return running


@NEWEST_AND_DEBIANS
@pytest.mark.parametrize("how", ["immediate", "backend"])
def test_a_server_that_goes_away_fails_the_backup(plakar, servers, major, how):
    server = servers.create(major)
    builders.fill(server, mb=60)
    with slow_backup(plakar, server) as running:
        if how == "immediate":
            server.stop("immediate")
        else:
            server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication"
                       " WHERE state = 'backup'")
        result = running.wait(60)
    assert_failed(result)
    assert plakar.snapshots() == []


@NEWEST_AND_DEBIANS
@pytest.mark.parametrize("how", ["interrupt", "kill host", "kill plugin", "terminate plugin"])
def test_however_it_is_ended_nothing_is_left(plakar, servers, major, how):
    server = servers.create(major)
    builders.fill(server, mb=60)
    with slow_backup(plakar, server) as running:
        pids = plakar.plugin_pids()
        assert pids
        if how == "interrupt":
            running.send_signal(signal.SIGINT)
        elif how == "kill host":
            running.kill()
        else:
            number = signal.SIGKILL if how == "kill plugin" else signal.SIGTERM
            for pid in pids:
                # The end of one may be that of the next.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        result = running.wait(60)
    assert result.rc != 0, result
    wait_for(lambda: not plakar.plugin_pids())
    oracles.wait_for_nothing_left(server)  # the guardian's doing, where the plugin was killed
    assert plakar.snapshots() == []


@ONE
def test_a_full_store_leaves_nothing_that_looks_whole(plakar, servers, small_disk, major):
    """Plakar 1.1.4 may end with status 0 when its own store is full, whatever it backs up: all
    content was read and acknowledged by then, and the plugin hears of nothing."""
    server = servers.create(major)
    builders.toast_table(server, rows=150)  # compresses badly
    plakar.store = small_disk(24) / "store"
    plakar.create_store()
    result = plakar.backup(server.binary_uri())
    assert "no space left on device" in result.stdout + result.stderr
    assert result.rc != 0 or not plakar.snapshots() or plakar.on_store("check").rc != 0
    oracles.wait_for_nothing_left(server)


@ONE
def test_a_store_in_the_way_of_records_fails_the_backup(plakar, shared_server, major):
    """Plakar leaves out, with a warning, whatever has its store's own path."""
    if os.geteuid() != 0 or os.path.lexists("/data"):
        pytest.skip("needs a folder /data")
    os.mkdir("/data")
    try:
        plakar.store = plakar.store.__class__("/data")
        plakar.create_store()
        assert_failed(plakar.backup(shared_server.binary_uri()), "did not read /data/")
        assert_failed(plakar.backup("-ignore", "*.log", shared_server.binary_uri()),
                      "did not read /data/")  # and no pattern is the reason
        assert plakar.snapshots() == []
    finally:
        shutil.rmtree("/data")


# ---- Restoring, packaging


@ONE
def test_a_cluster_is_not_restored_into_a_server(plakar, shared_server, major):
    plakar.backup(shared_server.binary_uri()).check()
    result = plakar.on_store("restore", "-to", shared_server.uri("new"), "-o", "create_db")
    assert result.rc == 1 and "is a physical backup" in result.stdout, result
    assert result.stderr.count("KO") < 20, result  # one reason, not one for each of its files
    assert "new" not in shared_server.databases()


@ONE
def test_plakar_builds_the_package_from_a_tag(plakar, workdir, major):
    clone = tree.copy(workdir / "clone")
    tree.commit(clone, "v0.1.0")
    plakar.run("pkg", "rm", "postgresql").check()
    process.run(
        [paths.cache_dir() / "plakar/bin/plakar", "pkg", "build", "./packaging/plakar/recipe.yaml"],
        cwd=clone, timeout=600, env={"HOME": plakar.home, "TMPDIR": plakar.tmp},
    ).check()
    (package,) = clone.glob("postgresql_v0.1.0_linux_*.ptar")
    plakar.run("pkg", "add", package).check()
    (program,) = plakar.home.glob(".cache/plakar/plugins/*/*/build/plakar/pgcask")
    needed = subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True)
    assert "NEEDED" not in needed.stdout
