"""A physical backup, from a live cluster to a restored one that runs, on every major."""

import json
import shutil
import subprocess

import pytest

from pgcask_testing import builders, oracles, process

pytestmark = pytest.mark.sampled

# Small segments and a small max_wal_size: the server recycles WAL all the time.
SMALL_WAL = {"max_wal_size": "4MB", "min_wal_size": "2MB", "checkpoint_timeout": "30s"}


def summary_of(backup):
    return json.loads((backup / "summary.json").read_text())


def restore_and_start(pgcask, servers, backup, workdir, major, **options):
    restored = workdir / "restored" / "data"
    restored.parent.mkdir(exist_ok=True)
    pgcask("restore", backup, "--to", restored, timeout=600).check()
    return servers.start_restored(restored, major, **options)


def pgbench_is_consistent(server):
    """What pgbench adds to accounts, tellers and branches is one sum, whenever it is looked at."""
    sums = server.sql(
        "SELECT (SELECT sum(abalance) FROM pgbench_accounts),"
        " (SELECT sum(tbalance) FROM pgbench_tellers),"
        " (SELECT sum(bbalance) FROM pgbench_branches),"
        " (SELECT coalesce(sum(delta), 0) FROM pgbench_history)"
    )[0]
    return len(set(sums)) == 1


@pytest.mark.sampled
def test_a_loaded_cluster_with_tablespaces_and_a_big_table_is_backed_up_whole(
    pgcask, servers, workdir, major
):
    server = servers.create(major, conf=SMALL_WAL, initdb=["--wal-segsize=1"])
    folders = builders.tablespaces(server)
    builders.big_table(server, mb=1500)
    builders.toast_table(server, rows=20)
    builders.odd_databases(server, names=["with space", 'quo"te', "ünïcödé"])
    server.pgbench_init(scale=3)
    backup = workdir / "backup"

    with server.pgbench(clients=4, seconds=300, rate=400) as load:
        result = pgcask("backup", server.binary_uri(), "--to", backup, "--json", timeout=600)
        assert load.running, "the load ended before the backup did"
    assert result.rc == 0, result
    oracles.wait_for_nothing_left(server)
    assert result.peak_rss < 32 * 2**20 + 32 * json.loads(result.stdout)["files"]

    # Nobody but the two clusters' own servers may touch the original tablespaces from here on.
    live = oracles.all_sums(server)
    server.stop()
    originals = {path: oracles.tree(path) for path in folders.values()}

    pgcask("verify", backup, timeout=600).check()
    oracles.verifybackup(backup / "data", major).check()
    restored = restore_and_start(pgcask, servers, backup, workdir, major)
    assert pgbench_is_consistent(restored)
    copied = oracles.all_sums(restored)
    quiet = lambda sums: {
        (db, table): value for db, tables in sums.items() for table, value in tables.items()
        if "pgbench" not in table
    }
    assert quiet(copied) == quiet(live) and len(quiet(live)) >= 6
    checked = oracles.amcheck(restored)
    assert checked.rc == 0, checked
    assert {path: oracles.tree(path) for path in folders.values()} == originals
    for link in (restored.datadir / "pg_tblspc").iterdir():
        assert link.readlink().is_absolute()
        assert link.readlink().is_relative_to(workdir)


@pytest.mark.majors(13, 15, 18)
def test_the_tree_starts_where_it_is_put(pgcask, servers, workdir, major):
    server = servers.create(major)
    folders = builders.tablespaces(server)
    backup = workdir / "backup"
    pgcask("backup", server.binary_uri(), "--to", backup).check()
    live = oracles.all_sums(server)
    server.stop()
    for folder in folders.values():
        shutil.rmtree(folder)

    moved = workdir / "elsewhere"
    subprocess.run(["cp", "-a", backup, moved], check=True)
    moved.chmod(0o755)  # to whom a backup belongs is not who runs the server
    started = servers.start_restored(moved / "data", major)
    assert oracles.all_sums(started) == live
    started.stop()

    # The same tree after relocate has absolute links, which stock tools can work with.
    relocated = workdir / "relocated"
    subprocess.run(["cp", "-a", backup, relocated], check=True)
    relocated.chmod(0o755)
    pgcask("relocate", relocated / "data", "--in-place").check()
    for link in (relocated / "data/pg_tblspc").iterdir():
        assert link.readlink().is_absolute() and link.resolve().is_relative_to(relocated)
    started = servers.start_restored(relocated / "data", major)
    assert oracles.all_sums(started) == live
    again = started.tool("pg_basebackup", "-D", workdir / "again", "-c", "fast",
                         *[f"--tablespace-mapping={link.readlink()}={workdir / link.name}"
                           for link in (relocated / "data/pg_tblspc").iterdir()])
    assert again.ok


def test_through_a_tar_file_and_through_pipes(pgcask, servers, workdir, major):
    server = servers.create(major)
    builders.tablespaces(server, names=["one"])
    live = oracles.all_sums(server)

    pgcask("backup", server.binary_uri(), "--to", workdir / "backup.tar").check()
    pgcask("verify", workdir / "backup.tar").check()
    names = subprocess.run(
        ["tar", "-tf", workdir / "backup.tar"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert names[0] == "manifest.json" and names[-1] == "summary.json"
    pgcask("restore", workdir / "backup.tar", "--to", workdir / "from-tar").check()

    with open(workdir / "piped.tar", "wb") as out:
        pgcask("backup", server.binary_uri(), "--to", "-", stdout=out).check()
    with open(workdir / "piped.tar", "rb") as piped:
        pgcask("verify", "-", stdin=piped).check()
    with open(workdir / "piped.tar", "rb") as piped:
        pgcask("restore", "-", "--to", workdir / "from-pipe", stdin=piped).check()
    server.stop()

    for name in ("from-tar", "from-pipe"):
        oracles.verifybackup(workdir / name, major).check()
        started = servers.start_restored(workdir / name, major)
        assert oracles.all_sums(started) == live
        started.stop()


def test_a_standby_is_backed_up_too(pgcask, servers, workdir, major):
    primary = servers.create(major)
    builders.fill(primary, mb=5)
    standby = servers.standby(primary)
    standby.wait_for_replay(primary)
    result = pgcask("backup", standby.binary_uri(), "--to", workdir / "backup")
    assert result.rc == 0, result
    assert summary_of(workdir / "backup")["in_recovery"] is True
    pgcask("verify", workdir / "backup").check()
    live = oracles.all_sums(primary)
    restored = workdir / "restored"
    pgcask("restore", workdir / "backup", "--to", restored).check()
    (restored / "standby.signal").unlink(missing_ok=True)
    started = servers.start_restored(restored, major)
    assert oracles.all_sums(started) == live


@pytest.mark.majors(15, 17, 18)
@pytest.mark.parametrize("method", ["gzip", "lz4", "zstd", "zstd:5"])
def test_the_server_can_compress_the_transfer(pgcask, servers, workdir, major, method):
    server = servers.create(major, "debian")
    builders.tablespaces(server, names=["one"])
    builders.fill(server, mb=10)
    result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup",
                    f"--transfer-compression={method}")
    assert result.rc == 0, result
    pgcask("verify", workdir / "backup").check()
    oracles.verifybackup(workdir / "backup/data", major).check()


@pytest.mark.majors(14, 15)
def test_compression_that_the_server_lacks_is_a_named_error(pgcask, servers, workdir, major):
    server = servers.create(major)
    result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup",
                    "--transfer-compression=zstd")
    assert result.rc == 1
    assert "hint:" in result.stderr or "zstd" in result.stderr, result
    assert not list(workdir.iterdir())


@pytest.mark.majors(13, 14, 18)
def test_sha256_digests(pgcask, servers, workdir, major):
    server = servers.create(major)
    pgcask("backup", server.binary_uri(), "--to", workdir / "backup", "--digest=sha256").check()
    pgcask("verify", workdir / "backup").check()
    oracles.verifybackup(workdir / "backup/data", major).check()
    assert '"SHA256"' in (workdir / "backup/data/backup_manifest").read_text()
    records = summary_of(workdir / "backup")["records"]
    assert all(r["digest"].startswith("sha256:") for r in records if "digest" in r)


@pytest.mark.majors(13, 18)
def test_max_rate_throttles(pgcask, servers, workdir, major):
    server = servers.create(major)
    builders.fill(server, mb=10)
    result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup", "--max-rate=8M",
                    "--json")
    report = json.loads(result.check().stdout)
    moved = report["bytes"] - report.get("wal_bytes", 0)
    assert result.wall_time > 0.8 * moved / (8 * 2**20)


@pytest.mark.majors(15, 18)
def test_in_place_tablespaces_stay_where_they_are(pgcask, servers, workdir, major):
    server = servers.create(major)
    server.sql("SET allow_in_place_tablespaces = on; CREATE TABLESPACE inside LOCATION ''")
    server.sql("CREATE TABLE t TABLESPACE inside AS SELECT generate_series(1, 10000) AS id")
    builders.tablespaces(server, names=["outside"])
    live = oracles.all_sums(server)
    pgcask("backup", server.binary_uri(), "--to", workdir / "backup").check()
    pgcask("verify", workdir / "backup").check()
    oracles.verifybackup(workdir / "backup/data", major).check()
    kinds = sorted(p.is_symlink() for p in (workdir / "backup/data/pg_tblspc").iterdir())
    assert kinds == [False, True]
    server.stop()
    # In recovery every server wants this setting for a tablespace without a link.
    restored = workdir / "restored/data"
    restored.parent.mkdir()
    result = pgcask("restore", workdir / "backup", "--to", restored).check()
    assert "-c allow_in_place_tablespaces=on" in result.stdout, result
    started = servers.start_restored(restored, major,
                                     options={"allow_in_place_tablespaces": "on"})
    assert oracles.all_sums(started) == live


def test_a_damaged_page_keeps_the_backup_and_gives_status_3(pgcask, servers, workdir, major):
    server = servers.create(major)
    builders.fill(server, mb=2)
    path = server.datadir / server.value("SELECT pg_relation_filepath('filler')")
    server.stop()
    oracles.flip_byte(path, 8192 * 3 + 5000)
    server.start()
    result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup", "--json")
    assert result.rc == 3, result
    failures = summary_of(workdir / "backup")["checksum_failures"]
    assert any(path.name in failure for failure in failures), failures
    assert json.loads(result.stdout)["exit_status"] == 3
    # The copy itself is what the server sent.
    assert pgcask("verify", workdir / "backup").rc in (0, 3)


def test_a_role_that_may_only_replicate_gets_its_backup(pgcask, servers, workdir, major):
    server = servers.create(major)
    server.sql("CREATE ROLE copier LOGIN REPLICATION")
    for db in server.databases():
        server.sql(f'REVOKE CONNECT ON DATABASE "{db}" FROM PUBLIC')
    result = pgcask("backup", server.binary_uri(user="copier"), "--to", workdir / "backup")
    assert result.rc == 0, result
    manifest = json.loads((workdir / "backup/manifest.json").read_text())
    assert manifest["server_version_num"] // 10000 == major
    assert manifest["cluster_system_identifier"] == server.system_identifier
    assert manifest["unavailable"] and all(u["reason"] for u in manifest["unavailable"])
    pgcask("verify", workdir / "backup").check()


@pytest.mark.majors(13, 18)
def test_without_a_replication_line_in_pg_hba(pgcask, servers, workdir, major):
    server = servers.create(major, hba=["local all all trust", "host all all 127.0.0.1/32 trust"])
    result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup")
    assert result.rc == 0, result
    pgcask("verify", workdir / "backup").check()


@pytest.mark.majors(14, 18)
def test_idle_timeouts_of_the_server_do_not_end_the_slot(pgcask, servers, workdir, major):
    conf = {**SMALL_WAL, "idle_session_timeout": "1500ms"}
    server = servers.create(major, conf=conf, initdb=["--wal-segsize=1"])
    builders.fill(server, mb=20)
    server.pgbench_init(scale=1)
    with server.pgbench(clients=2, seconds=60, rate=300):
        result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup",
                        "--max-rate=4M")
    assert result.rc == 0, result
    assert result.wall_time > 4
    pgcask("verify", workdir / "backup").check()
    oracles.verifybackup(workdir / "backup/data", major).check()


@pytest.mark.majors(13, 15, 18)
def test_too_much_retained_wal_ends_the_backup_with_a_hint(pgcask_path, servers, workdir, major):
    server = servers.create(major, conf=SMALL_WAL, initdb=["--wal-segsize=1"])
    builders.fill(server, mb=60)
    running = process.Process(
        [pgcask_path, "backup", server.binary_uri(), "--to", workdir / "backup",
         "--max-rate=1M", "--max-retained-wal=5M"])
    with running:
        for _ in range(40):
            server.sql("CREATE TABLE IF NOT EXISTS w(t text);"
                       "INSERT INTO w SELECT repeat('x', 2000) FROM generate_series(1, 2000);"
                       "TRUNCATE w")
            if not running.running():
                break
        result = running.wait(60)
    assert result.rc == 1, result
    assert "--max-retained-wal" in result.stderr
    assert not list(workdir.iterdir())
    oracles.wait_for_nothing_left(server)


@pytest.mark.majors(13, 15, 18)
def test_a_slot_that_the_server_invalidates_ends_the_backup(pgcask_path, servers, workdir, major):
    conf = {**SMALL_WAL, "max_slot_wal_keep_size": "3MB"}
    server = servers.create(major, conf=conf, initdb=["--wal-segsize=1"])
    builders.fill(server, mb=60)
    with process.Process(
        [pgcask_path, "backup", server.binary_uri(), "--to", workdir / "backup",
         "--max-rate=1M"]) as running:
        oracles.wait_for_sessions(server, lambda found: found.slots)
        for _ in range(40):
            server.sql("CREATE TABLE IF NOT EXISTS w(t text);"
                       "INSERT INTO w SELECT repeat('x', 2000) FROM generate_series(1, 2000);"
                       "TRUNCATE w; CHECKPOINT")
            if not running.running():
                break
        result = running.wait(60)
    assert result.rc == 1, result
    assert "max_slot_wal_keep_size" in result.stderr
    assert not list(workdir.iterdir())
    oracles.wait_for_nothing_left(server)


@pytest.mark.majors(18)
def test_memory_stays_bounded_with_many_files(pgcask, servers, workdir, major):
    server = servers.create(major, conf={"max_locks_per_transaction": 1000})
    builders.many_tables(server, count=20000)
    result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup", "--json",
                    timeout=600)
    files = json.loads(result.check().stdout)["files"]
    assert files > 40000
    assert result.peak_rss < 32 * 2**20 + 32 * files
    verified = pgcask("verify", workdir / "backup", timeout=600).check()
    assert verified.peak_rss < 32 * 2**20 + 32 * files
    restored = pgcask("restore", workdir / "backup", "--to", workdir / "restored",
                      timeout=600).check()
    assert restored.peak_rss < 32 * 2**20 + 32 * files
    manifest = json.loads((workdir / "backup/manifest.json").read_text())
    app = next(d for d in manifest["databases"] if d["name"] == "postgres")
    assert sum(r["kind"] == "r" for r in app["relations"]) == 20000
