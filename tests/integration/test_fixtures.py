"""The ground the other tests stand on: servers start, and the oracles can say yes and no."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from pgcask_testing import builders, oracles, paths, process, psql

pytestmark = pytest.mark.sampled


@pytest.fixture(scope="module")
def loaded(module_servers, major):
    """A server with tables, TOAST, tablespaces and odd database names."""
    server = module_servers.create(major)
    builders.fill(server, 2)
    builders.toast_table(server, rows=5)
    builders.tablespaces(server)
    builders.odd_databases(server)
    return server


def basebackup(server, folder):
    """A stock backup in folder/data, its tablespaces beside it."""
    rows = server.sql(
        "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname !~ '^pg_'"
    )
    mappings = [f"--tablespace-mapping={path}={folder / str(n)}" for n, (path,) in enumerate(rows)]
    server.tool("pg_basebackup", "-D", folder / "data", "-c", "fast", "--no-sync", *mappings)
    return folder / "data"


def test_a_server_of_each_major_answers(shared_server, major):
    version = int(shared_server.value("SHOW server_version_num"))
    assert version // 10000 == major


def test_rows_come_back_as_they_are(shared_server):
    rows = shared_server.sql("SELECT 1, NULL, '', E'a\\nb,\"c\"'; SELECT ''; SELECT 2 WHERE false")
    assert rows == [["1", None, "", 'a\nb,"c"'], [""]]


def test_an_sql_error_is_raised_with_the_servers_words(shared_server):
    with pytest.raises(psql.SqlError, match='relation "nowhere" does not exist'):
        shared_server.sql("SELECT * FROM nowhere")


def test_clusters_have_page_checksums_only_when_asked(servers, major):
    with_them = servers.create(major)
    without = servers.create(major, checksums=False)
    assert with_them.value("SHOW data_checksums") == "on"
    assert without.value("SHOW data_checksums") == "off"
    assert with_them.system_identifier != without.system_identifier


def test_a_fresh_cluster_has_a_system_identifier_of_its_own(servers, major):
    first, second, fresh = (servers.create(major, fresh=f) for f in (False, False, True))
    assert first.system_identifier == second.system_identifier != fresh.system_identifier


def test_a_crashed_server_recovers(server):
    server.sql("CREATE TABLE t AS SELECT 1 AS a")
    server.kill()
    assert not server.running
    server.start()
    assert server.value("SELECT a FROM t") == "1"


def test_a_standby_follows_and_can_be_promoted(servers, server):
    builders.tablespaces(server)
    standby = servers.standby(server)
    server.sql("CREATE TABLE later AS SELECT generate_series(1, 1000) AS a")
    standby.wait_for_replay(server)
    assert standby.value("SELECT pg_is_in_recovery()") == "t"
    assert oracles.table_sums(standby) == oracles.table_sums(server)
    standby.promote()
    standby.sql("CREATE TABLE mine ()")


@pytest.mark.majors(15, 17, 18)
def test_debian_servers_have_lz4_and_zstd(servers, major, workdir):
    server = servers.create(major, flavour="debian")
    for method in ("lz4", "zstd"):
        target = workdir / method
        server.tool("pg_basebackup", "-D", target, "-c", "fast", f"--compress=server-{method}")
        assert oracles.verifybackup(target, major).ok


def test_verifybackup_says_yes_and_no(loaded, major, workdir):
    backup = basebackup(loaded, workdir)
    assert oracles.verifybackup(backup, major).ok

    with oracles.flipped_byte(backup / "global/pg_filenode.map"):
        result = oracles.verifybackup(backup, major)
        assert not result.ok and "global/pg_filenode.map" in result.stderr
    assert oracles.verifybackup(backup, major).ok

    in_tablespace = next(p for p in (workdir / "0").rglob("*") if p.is_file() and p.stat().st_size)
    in_tablespace.unlink()
    result = oracles.verifybackup(backup, major)
    assert not result.ok and in_tablespace.name in result.stderr


@pytest.mark.majors(15, 17, 18)
def test_verifybackup_reads_the_wal_where_it_can(loaded, major, workdir):
    backup = basebackup(loaded, workdir)
    segment = next((backup / "pg_wal").glob("0*"))
    segment.unlink()
    assert not oracles.verifybackup(backup, major).ok


def test_a_stock_backup_starts_with_equal_contents(servers, loaded, major, workdir):
    restored = servers.start_restored(basebackup(loaded, workdir), major)
    assert oracles.all_sums(restored) == oracles.all_sums(loaded)
    assert oracles.amcheck(restored).ok


def test_restoring_from_the_original_tablespaces_is_refused(servers, loaded, major, workdir):
    backup = basebackup(loaded, workdir)
    link = next((backup / "pg_tblspc").iterdir())
    link.unlink()
    link.symlink_to("/var")
    with pytest.raises(AssertionError, match="leads out"):
        servers.start_restored(backup, major)


def test_sums_tell_different_contents_apart(server):
    server.sql("CREATE TABLE a (n int); INSERT INTO a VALUES (1), (2), (NULL)")
    before = oracles.table_sums(server)
    server.sql("DELETE FROM a WHERE n = 1; INSERT INTO a VALUES (1)")
    assert oracles.table_sums(server) == before
    server.sql("UPDATE a SET n = 3 WHERE n = 1")
    assert oracles.table_sums(server) != before
    assert list(before) == ["public.a"] and before["public.a"][0] == 3


def test_amcheck_says_yes_and_no(server):
    builders.fill(server, 1)
    assert oracles.amcheck(server).ok
    # Rows that are in the table and not in its index.
    server.sql(
        """
        UPDATE pg_index SET indisready = false, indisvalid = false
            WHERE indexrelid = 'filler_pkey'::regclass;
        INSERT INTO filler VALUES (-1);
        UPDATE pg_index SET indisready = true, indisvalid = true
            WHERE indexrelid = 'filler_pkey'::regclass;
        """
    )
    result = oracles.amcheck(server)
    assert not result.ok and "filler_pkey" in result.stdout + result.stderr


def test_sessions_locks_and_slots_of_a_client_are_seen(server):
    assert not oracles.sessions_of(server)
    with server.session() as session:
        session.sql("SET application_name = 'pgcask test'; CREATE TABLE t (); BEGIN; LOCK t;")
        found = oracles.sessions_of(server)
        assert len(found.activity) == 1
        assert [lock[1:] for lock in found.locks if lock[1] == "t"] == [
            ["t", "AccessExclusiveLock", "t"]
        ]
    oracles.wait_for_nothing_left(server)
    server.sql("SELECT pg_create_physical_replication_slot('pgcask_1')")
    assert oracles.sessions_of(server).slots[0][0] == "pgcask_1"


def test_a_session_survives_an_error(server):
    with server.session() as session:
        with pytest.raises(psql.SqlError, match="division by zero"):
            session.sql("SELECT 1/0;")
        assert session.sql("SELECT 1;") == [["1"]]


@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "password"])
def test_passwords_are_asked_for_over_tcp(servers, major, method):
    server = servers.create(major, auth=method)
    server.sql("CREATE ROLE someone LOGIN PASSWORD 'p@ss/word'")
    command = [paths.stock("psql"), "-X", "-Atc", "SELECT 1"]
    assert process.run([*command, server.uri(user="someone", password="p@ss/word")]).ok
    assert not process.run([*command, server.uri(user="someone", password="wrong")]).ok


def test_tls_with_client_certificates(servers, major, authority):
    server = servers.create(major, hba=[
        "local all all trust", "hostssl all all 127.0.0.1/32 cert",
    ])
    authority.enable(server)
    server.restart()
    server.sql("CREATE ROLE alice LOGIN")
    certificate, key = authority.issue("alice", "alice")
    uri = server.uri(user="alice", host="localhost", sslmode="verify-full",
                     sslrootcert=authority.root, sslcert=certificate, sslkey=key)
    result = process.run([paths.stock("psql"), "-X", "-Atc", "SELECT ssl FROM pg_stat_ssl "
                          "WHERE pid = pg_backend_pid()", uri])
    assert result.stdout == "t\n", result


def test_pgbench_runs_in_the_background(server):
    server.pgbench_init()
    with server.pgbench(seconds=30) as load:
        oracles.wait_for_sessions(server, lambda s: s.activity, application_name_like="pgbench")
        time.sleep(0.5)
        assert load.running
    assert not load.running
    assert int(server.value("SELECT count(*) FROM pgbench_history")) > 10


@pytest.mark.majors(18)
def test_a_big_table_is_over_a_gigabyte(server):
    name = builders.big_table(server)
    size = int(server.value(f"SELECT pg_relation_size('{name}')"))
    assert 1400 << 20 < size < 1700 << 20
    assert int(server.value("SELECT sum(size) FROM pg_ls_waldir()")) < 700 << 20


def test_a_small_disk_fills_up(small_disk):
    folder = small_disk(2)
    (folder / "fits").write_bytes(bytes(1 << 20))
    with pytest.raises(OSError, match="No space left"):
        (folder / "does not fit").write_bytes(bytes(2 << 20))


# Commands


def test_a_command_is_measured_by_its_own_memory():
    ballast = bytearray(80 << 20)  # must not count
    small = process.run(["true"])
    assert small.ok and 0 < small.peak_rss < 8 << 20
    large = process.run([sys.executable, "-c", "x = bytearray(100 << 20); x[::4096] = x[::4096]"])
    assert large.peak_rss > 100 << 20
    assert large.cpu_time > 0 and large.wall_time >= large.user_time / os.cpu_count()
    assert len(ballast) > 0


def test_a_commands_input_output_and_status_are_passed():
    result = process.run(["sh", "-c", "cat; echo problem >&2; exit 3"], input="text")
    assert (result.rc, result.stdout, result.stderr) == (3, "text", "problem\n")
    big = process.run(["cat"], input=b"x" * (5 << 20))
    assert len(big.stdout_bytes) == 5 << 20


def test_a_command_has_no_postgresql_environment(monkeypatch):
    monkeypatch.setenv("PGHOST", "elsewhere")
    seen = process.run(["env"], env={"PGUSER": "u"}).stdout.splitlines()
    assert "PGUSER=u" in seen
    assert not [line for line in seen if line.startswith(("PGHOST=", "HOME="))]


def test_a_background_command_gets_signals_and_is_stopped_past_its_time():
    with process.Process(["sleep", "60"]) as sleeping:
        assert sleeping.running()
        sleeping.terminate()
        assert sleeping.wait(5).rc == -signal.SIGTERM
    with pytest.raises(TimeoutError):
        process.run(["sleep", "60"], timeout=0.1)


def test_output_left_open_by_a_stray_child_is_told():
    result = process.run(["sh", "-c", "sleep 7 2>/dev/null & exit 0"])
    assert result.ok and result.pipes_left_open


def test_a_killed_test_session_leaves_no_server_behind():
    code = """if True:
        import sys, time
        sys.path.insert(0, sys.argv[1])
        from pgcask_testing import servers, temp
        server = servers.ServerFactory().create(18)
        disk = temp.small_disk(1)
        disk.__enter__()
        print(temp.root(), server.pid, flush=True)
        time.sleep(60)
    """
    here = str(pathlib.Path(__file__).parent)
    with subprocess.Popen([sys.executable, "-c", code, here], stdout=subprocess.PIPE, text=True,
                          start_new_session=True) as child:
        root, pid = child.stdout.readline().split()
        assert os.path.exists(root) and os.path.exists(f"/proc/{pid}")
        child.kill()
    end = time.monotonic() + 15
    while os.path.exists(root) or os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < end, f"{root} or process {pid} is still there"
        time.sleep(0.05)
