"""Configuration outside the data directory, as Debian has it, and links in the data directory: part
of the backup, and of a restored cluster that starts with the line that restore prints."""

import contextlib
import json
import os
import re
import shutil

import pytest

from pgcask_testing import oracles, paths, process, temp
from pgcask_testing.servers import Server, free_port

FILES = ("postgresql.conf", "pg_hba.conf", "pg_ident.conf")


def give(path):
    process.give_to_server(path, recursive=True)
    return path


class DebianLayout:
    """A cluster whose configuration lies in a folder of its own, ended by close()."""

    def __init__(self, servers, major, authority=None, flavour="npm"):
        self.server = servers.create(major, flavour=flavour, start=False)
        data = self.server.datadir
        self.etc = temp.new_dir("etc") / f"postgresql/{major}/main"
        (self.etc / "conf.d").mkdir(parents=True)
        self.run = temp.new_dir("run")
        self.port = free_port()
        for name in FILES:
            shutil.move(data / name, self.etc / name)
        (self.etc / "conf.d/10-own.conf").write_text("work_mem = '7MB'\n")
        (self.etc / "conf.d/ignored.txt").write_text("no setting\n")
        with open(self.etc / "postgresql.conf", "a") as conf:
            conf.write(f"data_directory = '{data}'\n"
                       f"hba_file = '{self.etc}/pg_hba.conf'\n"
                       f"ident_file = '{self.etc}/pg_ident.conf'\n"
                       f"external_pid_file = '{self.run}/main.pid'\n"
                       f"unix_socket_directories = '{self.run}'\n"
                       f"port = {self.port}\nlisten_addresses = ''\n"
                       "include_dir 'conf.d'\n")
            if major < 15:
                conf.write(f"stats_temp_directory = '{self.run}'\n")
        self.server.start_options["config_file"] = self.etc / "postgresql.conf"
        if authority is not None:
            cert, key = authority.issue("debian", "localhost")
            shutil.copy(cert, self.etc / "server.pem")
            shutil.copy(key, self.etc / "server.key")
            with open(self.etc / "postgresql.conf", "a") as conf:
                conf.write(f"ssl = on\nssl_cert_file = '{self.etc}/server.pem'\n"
                           f"ssl_key_file = '{self.etc}/server.key'\n")
        give(self.etc.parents[2])
        give(self.run)
        if authority is not None:
            (self.etc / "server.key").chmod(0o600)

    def start(self):
        self.server.start()
        return self.server

    def lose(self):
        """The machine is gone: nothing of the cluster is left where it was."""
        self.server.stop()
        shutil.rmtree(self.etc.parents[2])
        shutil.rmtree(self.server.datadir)


@contextlib.contextmanager
def started_as_printed(result, data, layout):
    """Runs the line that restore printed, as the user that servers run as."""
    line = re.search(r"(pg_ctl -D .* start)$", result.stdout, re.M)[1]
    give(data)
    server = layout.server
    env = {"PATH": f"{server.bin}:/usr/bin:/bin"}
    log = temp.new_dir("log")
    give(log)
    run = lambda *words: process.run(["sh", "-c", *words], env=env, user=process.server_user(),
                                     cwd="/", timeout=60, stdout=open(log / "out", "w"))
    started = run(f"{line} -w -l {log}/server")
    assert started.rc == 0, (line, started, (log / "server").read_text())
    restored = Server(server.major, server.flavour, data)
    restored.socket_dir, restored.port = layout.run, layout.port
    try:
        yield restored
    finally:
        run(f"pg_ctl -D '{data}' stop -m immediate").check()


def restore(pgcask, backup, data):
    data.parent.mkdir(exist_ok=True)
    data.parent.chmod(0o755)
    return pgcask("restore", backup, "--to", data).check()


@pytest.mark.majors(13, 15, 18)
def test_a_cluster_in_the_layout_of_debian_comes_back_and_starts(
    pgcask, servers, workdir, authority, major
):
    layout = DebianLayout(servers, major, authority)
    server = layout.start()
    server.sql("CREATE TABLE t AS SELECT 42 AS x")
    hba = (layout.etc / "pg_hba.conf").read_bytes()
    backup = workdir / "backup"
    result = pgcask("backup", server.uri(None, socket=True, scheme="postgres+bin"), "--to", backup,
                    "--json").check()
    assert "warning" not in result.stderr
    assert json.loads(result.stdout)["configuration_missing"] == 0
    kept = backup / ("config" + str(layout.etc))
    assert (kept / "pg_hba.conf").read_bytes() == hba
    assert (kept / "conf.d/10-own.conf").exists() and not (kept / "conf.d/ignored.txt").exists()
    assert (kept / "server.pem").exists() and not (kept / "server.key").exists()
    pgcask("verify", backup).check()
    oracles.verifybackup(backup / "data", major).check()
    listed = pgcask("list", backup).check().stdout
    assert f"/config{layout.etc}/postgresql.conf" in listed
    assert f"{layout.etc}/server.key" in listed and "private key" in listed
    os.remove(kept / "pg_hba.conf")
    assert "pg_hba.conf: is missing" in pgcask("verify", backup).stderr
    (kept / "pg_hba.conf").write_bytes(hba)

    layout.lose()
    data = workdir / "with space/data"
    result = restore(pgcask, backup, data)
    assert "private key" in result.stderr and f"{layout.etc}/server.key" in result.stderr
    with started_as_printed(result, data, layout) as restored:
        assert restored.value("SELECT x FROM t") == "42"
        assert restored.value("SHOW work_mem") == "7MB"
        assert restored.value("SHOW data_directory") == str(data)
        assert restored.value("SHOW hba_file").startswith(str(data))
        assert restored.value("SHOW ssl") == "off"
        assert not (layout.run / "main.pid").exists()
        # What was restored is backed up as any other cluster, and comes back once more.
        again = workdir / "again"
        pgcask("backup", restored.uri(None, socket=True, scheme="postgres+bin"),
               "--to", again).check()
        pgcask("verify", again).check()
    second = restore(pgcask, again, workdir / "second/data")
    shutil.rmtree(data)
    with started_as_printed(second, workdir / "second/data", layout) as restored:
        assert restored.value("SELECT x FROM t") == "42"
        assert restored.value("SHOW data_directory") == str(workdir / "second/data")


@pytest.mark.majors(13, 15, 18)
def test_links_in_the_data_directory_are_configuration_elsewhere(pgcask, servers, workdir, major):
    server = servers.create(major, start=False)
    elsewhere = temp.new_dir("elsewhere")
    run = give(temp.new_dir("run"))
    server.configure({"unix_socket_directories": run, "listen_addresses": "",
                      "port": server.port, "work_mem": "9MB"})
    for name in FILES:
        shutil.move(server.datadir / name, elsewhere / name)
        os.symlink(elsewhere / name, server.datadir / name)
    give(elsewhere)
    server.start()
    backup = workdir / "backup"
    result = pgcask("backup", server.binary_uri(socket=True), "--to", backup).check()
    assert not (backup / "data/postgresql.conf").exists()
    pgcask("verify", backup).check()
    server.stop()
    shutil.rmtree(elsewhere)
    shutil.rmtree(server.datadir)

    layout = type("Layout", (), {"server": server, "run": run, "port": server.port})
    data = workdir / "restored/data"
    result = restore(pgcask, backup, data)
    with started_as_printed(result, data, layout) as restored:
        assert restored.value("SHOW work_mem") == "9MB"
        assert restored.value("SHOW data_directory") == str(data)


@pytest.mark.majors(13, 18)
def test_without_the_rights_it_is_said_and_the_grant_includes_it(pgcask, servers, workdir, major):
    layout = DebianLayout(servers, major)
    with open(layout.etc / "pg_hba.conf", "a") as hba:
        hba.write("local all all trust\nlocal replication all trust\n")
    server = layout.start()
    server.sql("CREATE ROLE backup LOGIN REPLICATION; CREATE ROLE seeing LOGIN REPLICATION;"
               "GRANT pg_read_all_settings TO seeing")

    # A role that may not even know where: told before, as far as it goes.
    result = pgcask("backup", server.binary_uri("backup", socket=True), "--to",
                    workdir / "plain").check()
    assert result.stderr.count("warning") == 1, result
    for word in ("config_file", "hba_file", "GRANT pg_read_all_settings", "pg_read_binary_file"):
        assert word in result.stderr, result
    # One that may know where: told before.
    result = pgcask("backup", server.binary_uri("seeing", socket=True), "--to",
                    workdir / "seeing").check()
    assert result.stderr.count("warning") == 1 and f"{layout.etc}/pg_hba.conf" in result.stderr

    for statement in re.findall(r"GRANT [^;]*;", result.stderr):
        server.sql(statement)
    result = pgcask("backup", server.binary_uri("seeing", socket=True), "--to",
                    workdir / "granted", "--json").check()
    assert "warning" not in result.stderr, result
    assert json.loads(result.stdout)["configuration_missing"] == 0
    assert (workdir / f"granted/config{layout.etc}/pg_hba.conf").exists()

    # A backup without it is restored, says what is missing, and starts all the same.
    layout.lose()
    data = workdir / "restored/data"
    result = restore(pgcask, workdir / "seeing", data)
    for name in ("postgresql.conf", "pg_hba.conf"):
        assert f"{layout.etc}/{name} is not in the backup" in result.stderr, result
    layout.run, layout.port = "/tmp", 5432
    line = re.search(r"(pg_ctl -D .* start)$", result.stdout, re.M)[1]
    assert "config_file=" in line
    run = give(temp.new_dir("run"))
    layout.run, layout.port = run, free_port()
    with open(data / "pgcask.config/postgresql.conf", "a") as conf:
        conf.write(f"unix_socket_directories = '{run}'\nport = {layout.port}\n")
    with started_as_printed(result, data, layout) as restored:
        asked = process.run(
            [paths.stock("psql"), "-h", run, "-p", str(layout.port), "-U", "postgres", "-Atc",
             "SHOW data_directory"], user=process.server_user(), cwd="/").check()
        assert asked.stdout.strip() == str(data)


@pytest.mark.majors(15)
def test_what_configuration_includes_from_anywhere_comes_along(pgcask, servers, workdir, major):
    layout = DebianLayout(servers, major)
    shared = temp.new_dir("shared")
    (shared / "common.conf").write_text("INCLUDE_IF_EXISTS = 'not there.conf'\n"
                                        "include 'it''s deeper.conf' # why not\n")
    (shared / "it's deeper.conf").write_text(
        "work_mem = '5MB'\nmaintenance_work_mem='11MB'")
    (shared / "admins").write_text("postgres\n")
    give(shared)
    with open(layout.etc / "postgresql.conf", "a") as conf:
        conf.write(f"include '{shared}/common.conf'\nwork_mem = 12MB\n"
                   "include_dir = '../main/conf.d/empty'\n")
    (layout.etc / "conf.d/empty").mkdir()
    hba = layout.etc / "pg_hba.conf"
    # One file named twice, a relative path that ends a role's name, and comments.
    (layout.etc / "users").write_text("nobody\n")
    hba.write_text(f"# @{shared}/admins and users\n"
                   f"local all @{shared}/admins trust\nlocal all bad_users,users reject\n"
                   f"local postgres @{shared}/admins,@users trust # see @{shared}/admins\n"
                   "local replication all trust\n")
    give(layout.etc.parents[2])
    server = layout.start()
    backup = workdir / "backup.tar"
    pgcask("backup", server.binary_uri(socket=True), "--to", backup).check()
    pgcask("verify", backup).check()
    layout.lose()
    shutil.rmtree(shared)
    data = workdir / "restored/data"
    result = restore(pgcask, backup, data)
    assert (data / f"pgcask.config{shared}/admins").exists()
    kept = f"{data}/pgcask.config"
    assert (data / "pgcask.config/pg_hba.conf").read_text() == (
        f"# @{shared}/admins and users\n"
        f'local all @"{kept}{shared}/admins" trust\nlocal all bad_users,users reject\n'
        f'local postgres @"{kept}{shared}/admins",@"{kept}{layout.etc}/users" trust'
        f" # see @{shared}/admins\nlocal replication all trust\n")
    with started_as_printed(result, data, layout) as restored:
        assert restored.value("SHOW work_mem") == "12MB"
        assert restored.value("SHOW maintenance_work_mem") == "11MB"


@pytest.mark.majors(15)
def test_no_private_key_is_kept_whichever_setting_names_it(
    pgcask, servers, workdir, authority, major
):
    """One file may hold certificate and key, and a folder for revocation lists anything."""
    layout = DebianLayout(servers, major, authority)
    pem, key = layout.etc / "server.pem", layout.etc / "server.key"
    folder = layout.etc / "crl"
    folder.mkdir()
    shutil.copy(key, folder / "left.here")
    (folder / "harmless").write_text("no list\n")
    pem.write_bytes(pem.read_bytes() + key.read_bytes())
    key.unlink()
    with open(layout.etc / "postgresql.conf", "a") as conf:
        conf.write(f"ssl_key_file = '{pem}'\nssl_crl_dir = '{folder}'\n")
    give(layout.etc.parents[2])
    pem.chmod(0o600)
    server = layout.start()
    backup = workdir / "backup"
    pgcask("backup", server.uri(None, socket=True, scheme="postgres+bin"), "--to", backup).check()
    kept = backup / f"config{layout.etc}"
    assert (kept / "crl/harmless").exists()
    assert [p for p in backup.rglob("*")
            if p.is_file() and b"PRIVATE KEY-----" in p.read_bytes()] == []
    listed = pgcask("list", backup).check().stdout
    for path in (pem, folder / "left.here"):
        assert f"{path}" in listed and "private key" in listed
    pgcask("verify", backup).check()


@pytest.mark.majors(15)
def test_a_huge_pg_hba_is_never_cut(pgcask, servers, workdir, major):
    server = servers.create(major)
    hba = server.datadir / "pg_hba.conf"
    text = hba.read_text() + "# a long history\n" * 80000 + "local all @/nowhere/admins reject\n"
    hba.write_text(text)
    backup = workdir / "backup"
    pgcask("backup", server.binary_uri(), "--to", backup).check()
    result = restore(pgcask, backup, workdir / "restored/data")
    assert (workdir / "restored/data/pg_hba.conf").read_text() == text
    copy = workdir / "restored/data/pgcask.config/pg_hba.conf"
    assert not copy.exists()
    assert "could not be looked through" in result.stderr


@pytest.mark.majors(13, 18)
def test_a_data_directory_named_in_the_configuration_does_not_start_the_original(
    pgcask, servers, workdir, major
):
    """postgresql.conf in the data directory may say where the data is: a copy is not there."""
    server = servers.create(major, start=False)
    run = give(temp.new_dir("run"))
    server.configure({"data_directory": server.datadir, "unix_socket_directories": run,
                      "listen_addresses": "", "port": server.port})
    server.start()
    server.sql(f"ALTER SYSTEM SET hba_file = '{server.datadir}/pg_hba.conf'")
    backup = workdir / "backup"
    pgcask("backup", server.binary_uri(socket=True), "--to", backup).check()
    server.stop()
    layout = type("Layout", (), {"server": server, "run": run, "port": server.port})
    data = workdir / "restored/data"
    result = restore(pgcask, backup, data)
    with started_as_printed(result, data, layout) as restored:
        assert restored.value("SHOW data_directory") == str(data)
        assert restored.value("SHOW hba_file") == str(data / "pg_hba.conf")


@pytest.mark.majors(15)
def test_an_ordinary_cluster_needs_no_options(pgcask, shared_server, workdir, major):
    backup = workdir / "backup"
    pgcask("backup", shared_server.binary_uri(), "--to", backup).check()
    assert not (backup / "config").exists()
    result = restore(pgcask, backup, workdir / "restored/data")
    assert "config_file" not in result.stdout and "warning" not in result.stderr.replace(
        "warning: the files belong to root", "")
    assert not list((workdir / "restored/data").glob("pgcask*"))
