"""What stands in the way of a backup: said before any work, all at once, with what mends it."""

import json
import os
import re
import socket
import subprocess
import time

import pytest

from pgcask_testing import builders, oracles, paths, process, temp
from pgcask_testing.servers import free_port

PASSWORD = "Xq7 s@cret%/:é"
LOCAL_TRUST = ["local all all trust", "local replication all trust"]


@pytest.fixture(scope="module")
def small(module_servers):
    """A small running cluster of the major, that tests only read from."""
    return builders.small_ones(module_servers)


def refused(result, *words):
    assert result.rc == 1, result
    assert "pgcask: error: " in result.stderr and "hint: " in result.stderr, result
    for word in words:
        assert word in result.stderr, result
    assert result.wall_time < 20, result
    return result


def test_a_role_that_is_not_there(pgcask, servers, workdir):
    server = servers.create(15)
    refused(pgcask("backup", server.binary_uri(user="nobody here"), "--to", workdir / "b"),
            'role "nobody here" does not exist', 'CREATE ROLE "nobody here"')
    assert not list(workdir.iterdir())


@pytest.mark.parametrize("uri, words", [
    ("postgres+bin://u@no-such-host.invalid/", ["no-such-host.invalid", "spelling"]),
    ("postgres+bin://u@127.0.0.1:{port}/", ["127.0.0.1", "{port}", "PostgreSQL"]),
    ("postgres+bin://u@/?host=/no/such/folder", ["/no/such/folder", "no such socket"]),
])
def test_a_server_that_is_not_there(pgcask, workdir, uri, words):
    port = free_port()
    for command in (["ping"], ["backup", "--to", workdir / "b"]):
        result = pgcask(command[0], uri.format(port=port), *command[1:])
        refused(result, *[word.format(port=port) for word in words])
    assert not list(workdir.iterdir())


def test_something_else_listens_there(pgcask, workdir):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        uri = f"postgres+bin://u@127.0.0.1:{listener.getsockname()[1]}/"
        running = subprocess.Popen(
            ["python3", "-c", "import socket, sys; s = socket.socket(fileno=0)\n"
             "while True:\n c, _ = s.accept(); c.sendall(b'SSH-2.0-OpenSSH_9.2\\r\\n'); c.close()"],
            stdin=listener)
        try:
            refused(pgcask("backup", uri, "--to", workdir / "b"), "PostgreSQL")
        finally:
            running.kill()
            running.wait()


@pytest.mark.majors(13, 18)
def test_the_line_for_pg_hba_is_printed_and_works(pgcask, servers, workdir, major):
    server = servers.create(major, hba=LOCAL_TRUST, conf={"password_encryption": "scram-sha-256"})
    server.sql(f"CREATE ROLE copier LOGIN REPLICATION PASSWORD '{PASSWORD}'")
    uri, env = server.binary_uri(user="copier"), {"PGPASSWORD": PASSWORD}
    result = refused(pgcask("backup", uri, "--to", workdir / "backup", env=env), "pg_hba.conf")
    line = re.search(r"Add to pg_hba.conf:  (\S.*?)  ", result.stderr)[1]
    server.configure(hba=[*LOCAL_TRUST, line])
    pgcask("backup", uri, "--to", workdir / "backup", env=env).check()


def sql_remedies(found):
    """The statements in the hints of a result's findings."""
    return [statement for finding in found["findings"]
            for statement in re.findall(r"(?:ALTER|SELECT|GRANT)\b[^;]*;", finding["hint"])
            if "NAME" not in statement]


@pytest.mark.majors(13, 15, 18)
def test_everything_missing_is_listed_at_once_and_the_remedies_work(
    pgcask, servers, workdir, major
):
    server = servers.create(major, conf={
        "wal_level": "minimal", "max_wal_senders": 0, "max_replication_slots": 0,
        "max_slot_wal_keep_size": "1GB"})
    server.sql('CREATE ROLE "the copier" LOGIN')
    uri = server.binary_uri(user="the copier")
    target = workdir / "backup"

    result = refused(pgcask("backup", uri, "--to", target, "--json"), "not begun")
    assert not list(workdir.iterdir())
    found = json.loads(result.stdout)
    fatal = "\n".join(f["message"] for f in found["findings"] if f["fatal"])
    for word in ("wal_level", "max_wal_senders", "max_replication_slots", '"the copier"'):
        assert word in fatal, result
    assert len([f for f in found["findings"] if f["fatal"]]) == 4, result
    (warned,) = [f for f in found["findings"] if not f["fatal"]]
    assert "max_slot_wal_keep_size" in warned["message"]
    for finding in found["findings"]:
        assert finding["hint"] and finding["hint"] in result.stderr, result

    for statement in sql_remedies(found):
        server.sql(statement)
    server.restart()
    result = pgcask("backup", uri, "--to", target, "--json").check()
    assert json.loads(result.stdout)["findings"] == []
    pgcask("verify", target).check()


@pytest.mark.majors(13, 18)
def test_a_warning_does_not_keep_the_backup_from_being_made(pgcask, servers, workdir, major):
    conf = {"max_slot_wal_keep_size": "1GB"}
    if major >= 14:
        conf["idle_session_timeout"] = "700ms"
    server = servers.create(major, conf=conf)
    result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup", "--json").check()
    found = json.loads(result.stdout)
    assert len(found["findings"]) == len(conf) == len(found["warnings"])
    assert not any(f["fatal"] for f in found["findings"])
    for name in conf:
        assert f"warning: {name}" in result.stderr, result


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("conf, words", [
    ({"max_wal_senders": 1}, ["max_wal_senders is 1"]),
    ({"max_wal_senders": 0}, ["max_wal_senders is 0"]),
    ({"max_replication_slots": 0}, ["max_replication_slots is 0"]),
])
def test_one_setting_too_small(pgcask, servers, workdir, major, conf, words):
    server = servers.create(major, conf=conf)
    refused(pgcask("backup", server.binary_uri(), "--to", workdir / "backup"), *words)
    assert not list(workdir.iterdir())
    oracles.wait_for_nothing_left(server)


@pytest.mark.majors(15)
def test_a_timeout_that_ends_the_backup_for_certain_is_a_failure(pgcask, small, workdir, major):
    server = small(major)
    server.sql("CREATE ROLE hurried LOGIN SUPERUSER; "
               "ALTER ROLE hurried SET idle_session_timeout = '150ms'")
    try:
        for command in (["check"], ["backup", "--to", workdir / "backup"]):
            result = pgcask(command[0], server.binary_uri("hurried"), *command[1:])
            assert result.rc == 1, result
            assert "idle_session_timeout" in result.stdout + result.stderr
            assert 'ALTER ROLE "hurried" SET idle_session_timeout' in result.stdout + result.stderr
    finally:
        server.sql("DROP ROLE hurried")


@pytest.mark.majors(15)
def test_taken_slots_and_senders_count(pgcask, servers, workdir, major):
    server = servers.create(major, conf={"max_wal_senders": 2, "max_replication_slots": 1})
    server.sql("SELECT pg_create_physical_replication_slot('taken')")
    replica = subprocess.Popen(
        [paths.stock("pg_receivewal", major), "-D", workdir, "-S", "taken",
         "-d", f"host={server.socket_dir} port={server.port} user=postgres"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=process.clean_env())
    try:
        deadline = time.monotonic() + 20
        while server.value("SELECT count(*) FROM pg_stat_replication") == "0":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        refused(pgcask("backup", server.binary_uri(), "--to", workdir / "backup"),
                "max_wal_senders is 2 and 1 are in use",
                "max_replication_slots is 1 and 1 are in use", "pg_drop_replication_slot")
    finally:
        replica.kill()
        replica.wait()
    assert not (workdir / "backup").exists() and not (workdir / "backup.partial").exists()


@pytest.mark.majors(15)
def test_a_role_without_the_right_sees_the_grant(pgcask, small, workdir, major):
    server = small(major)
    server.sql("DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN")
    uri = server.binary_uri(user="plain")
    for target in (workdir / "backup", workdir / "backup.tar"):
        refused(pgcask("backup", uri, "--to", target), "REPLICATION", "ALTER ROLE")
    assert not list(workdir.iterdir())
    refused(pgcask("ping", uri), "ALTER ROLE")
    pgcask("ping", server.uri(user="plain")).check()  # an SQL session is all that this one needs
    server.sql("ALTER ROLE plain REPLICATION")
    pgcask("backup", uri, "--to", workdir / "backup").check()


# The target


@pytest.mark.majors(15)
@pytest.mark.parametrize("end", ["tar.gz", "tar.lz4", "tar.zst", "tlz4"])
def test_what_is_compressed_may_fit_where_the_cluster_does_not(pgcask, small, small_disk, major, end):
    server, disk = small(major), small_disk(14)
    for command in ("check", "backup"):
        result = pgcask(command, server.binary_uri(), "--to", disk / f"b.{end}").check()
        assert "pgcask: warning: " in result.stderr and "there is room for" in result.stderr, result
    pgcask("verify", disk / f"b.{end}").check()
    refused(pgcask("check", server.binary_uri(), "--to", disk / "b"), "there is room for")


@pytest.mark.majors(15)
@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_too_little_space_is_refused_before_the_work(pgcask, small, small_disk, major, name):
    disk = small_disk(2)
    server = small(major)
    checkpoint = "SELECT checkpoint_lsn FROM pg_control_checkpoint()"
    before = server.value(checkpoint)
    result = refused(pgcask("backup", server.binary_uri(), "--to", disk / name),
                     "there is room for", str(disk / name), "not begun")
    assert not list(disk.iterdir()), result
    assert server.value(checkpoint) == before


def test_a_target_that_cannot_be_is_refused_before_anybody_connects(pgcask, workdir):
    (workdir / "full").mkdir()
    (workdir / "full/photo.jpg").write_text("precious")
    (workdir / "file").write_text("precious")
    (workdir / "there.tar").write_text("precious")
    (workdir / "half.partial").mkdir()
    (workdir / "half.tar.partial").write_text("precious")
    before = oracles.tree(workdir)
    uri = f"postgres+bin://u@127.0.0.1:{free_port()}/"
    for name, words in {
        "full": ["not empty", "hint"], "file": ["not a folder", "hint"], "there.tar": ["hint"],
        "half": ["half.partial", "interrupted", "rm -r"],
        "half.tar": ["half.tar.partial", "interrupted", "rm "],
        "no/such/folder": ["mkdir -p"], "no/such/backup.tar": ["mkdir -p"],
        "file/backup": ["file"],
    }.items():
        result = pgcask("backup", uri, "--to", workdir / name)
        assert result.rc == 1 and all(w in result.stderr for w in words), result
        assert "connect" not in result.stderr, result
    assert oracles.tree(workdir) == before


@pytest.mark.majors(15)
def test_what_a_killed_backup_left_is_named(pgcask, pgcask_path, small, workdir, major):
    server = small(major)
    for name in ("a backup", "backup.tar"):
        with process.Process([pgcask_path, "backup", server.binary_uri(), "--to", workdir / name,
                              "--max-rate=4M"]) as running:
            oracles.wait_for_sessions(server, lambda found: found.slots)
            time.sleep(0.3)
            running.kill()
        assert [p.name for p in workdir.iterdir()] == [f"{name}.partial"]
        for command in ("verify", "list"):
            assert f"{name}.partial" in pgcask(command, workdir / name).stderr
        pgcask("backup", server.binary_uri(), "--to", workdir / name).check()
        subprocess.run(["rm", "-r", workdir / name], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_a_target_that_may_not_be_written_is_refused(pgcask, workdir):
    uri = f"postgres+bin://u@127.0.0.1:{free_port()}/"
    for name in ("backup", "backup.tar"):
        result = pgcask("backup", uri, "--to", workdir / name, user=process.SERVER_USER)
        assert result.rc == 1 and "ermission denied" in result.stderr, result


@pytest.mark.majors(15)
def test_configuration_that_will_be_missing_is_said_with_its_cause(pgcask, servers, workdir, major):
    """By check as by backup: where no SQL session is possible, the line of pg_hba.conf, not a GRANT
    that nobody asked with."""
    server = servers.create(major)
    server.sql("CREATE ROLE backup LOGIN REPLICATION")
    hba = server.datadir / "pg_hba.conf"
    lines = hba.read_text()
    hba.write_text("host replication backup 127.0.0.1/32 trust\n"
                   "host all postgres 127.0.0.1/32 trust\nlocal all postgres trust\n")
    server.sql("SELECT pg_reload_conf()")
    try:
        for command in (["check"], ["backup", "--to", workdir / "backup"]):
            result = pgcask(command[0], server.binary_uri("backup"), *command[1:]).check()
            said = result.stdout + result.stderr
            assert "no SQL session" in said and "configuration outside" in said, result
            assert "dd to pg_hba.conf" in said and "GRANT" not in said, result
    finally:
        hba.write_text(lines)
        server.sql("SELECT pg_reload_conf()")


@pytest.mark.majors(15)
def test_the_grant_says_in_which_database(pgcask, servers, workdir, major):
    path = temp.new_dir("outside") / "pg_ident.conf"
    path.write_text("")
    process.give_to_server(path.parent, recursive=True)
    server = servers.create(major, conf={"ident_file": str(path)})
    server.sql("CREATE ROLE backup LOGIN REPLICATION; GRANT pg_read_all_settings TO backup;")
    server.sql('CREATE DATABASE "my app"')
    server.sql("CREATE ROLE blind LOGIN REPLICATION")
    # A role that may not see where the files are is told once some did not come.
    pgcask("check", server.binary_uri("blind")).check()
    result = pgcask("backup", server.binary_uri("blind"), "--to", workdir / "blind").check()
    assert result.stdout.count("ident_file") + result.stderr.count("ident_file") == 1, result
    for database in ("postgres", "my app"):
        uri = server.uri(database, "backup", scheme="postgres+bin")
        result = pgcask("check", uri).check()
        said = result.stdout + result.stderr
        assert f'in the database "{database}"' in said and str(path) in said, result


@pytest.mark.majors(15)
def test_an_expired_password_is_among_the_causes(pgcask, servers, workdir, major):
    server = servers.create(major)
    server.sql("CREATE ROLE late LOGIN REPLICATION PASSWORD 'right' VALID UNTIL '2001-01-01'")
    hba = server.datadir / "pg_hba.conf"
    hba.write_text("host all,replication late 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    server.sql("SELECT pg_reload_conf()")
    result = pgcask("check", server.binary_uri("late", "right"))
    assert result.rc == 1, result
    assert "ALTER ROLE \"late\" VALID UNTIL 'infinity';" in result.stderr, result


@pytest.mark.majors(18)
def test_list_does_not_count_what_nobody_could_look_at(pgcask, servers, workdir, major):
    server = servers.create(major)
    server.sql("CREATE DATABASE broken")
    server.sql("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'broken'")
    result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup").check()
    assert "pg_monitor" not in result.stdout + result.stderr and "of each why" in result.stdout
    said = pgcask("list", workdir / "backup").check().stdout
    assert re.search(r"broken +relations not known", said), said
    listed = json.loads(pgcask("list", workdir / "backup", "--json").check().stdout)
    assert "relations" not in next(d for d in listed["databases"] if d["name"] == "broken")


@pytest.mark.majors(15)
def test_configuration_cannot_name_a_path_with_a_line_break(pgcask, servers, workdir, major):
    path = temp.new_dir("outside") / "pg_ident.conf"
    path.write_text("")
    process.give_to_server(path.parent, recursive=True)
    server = servers.create(major, conf={"ident_file": str(path)})
    pgcask("backup", server.binary_uri(), "--to", workdir / "backup").check()
    result = pgcask("restore", workdir / "backup", "--to", workdir / "new\nline")
    assert result.rc == 1 and "line break" in result.stderr, result
    assert [each.name for each in workdir.iterdir()] == ["backup"]
    pgcask("restore", workdir / "backup", "--to", workdir / "one line").check()
