"""Several hosts, services, passwords from commands and people: with real servers, beside psql."""

import contextlib
import itertools
import json
import os
import pty
import re
import select
import signal
import termios
import time

import pytest

from pgcask_testing import paths, process
from pgcask_testing.plakar_client import IMPORTER, Client, init_request
from pgcask_testing.servers import free_port

PASSWORD = "s3cret"
PLACE = "SELECT inet_server_port(), pg_is_in_recovery()"


@pytest.fixture
def probe(probe_program):
    return lambda info, sql=PLACE, **options: process.run([probe_program, info, sql], **options)


def by_psql(info, major=paths.NEWEST, **options):
    command = [paths.stock("psql", major), "-X", "-w", "-A", "-t", "-F", "\t", "-c", PLACE, "-d",
               info]
    return process.run(command, **options)


@pytest.fixture(scope="module")
def cluster(module_servers):
    """cluster(major) -> a primary and its standby."""
    made = {}

    def make(major):
        if major not in made:
            primary = module_servers.create(major)
            made[major] = primary, module_servers.standby(primary)
        return made[major]

    return make


@pytest.fixture(scope="module")
def locked(module_servers):
    """A server of 18 that wants the password of the role maria, over TCP and over its socket."""
    server = module_servers.create(18, hba=[
        "local all postgres trust",
        "local all all scram-sha-256",
        "host all maria 127.0.0.1/32 scram-sha-256",
        "host replication maria 127.0.0.1/32 scram-sha-256",
        "host all clear 127.0.0.1/32 password",
        "host all postgres 127.0.0.1/32 trust",
    ], conf={"password_encryption": "scram-sha-256", "log_connections": "on"})
    server.sql(f"CREATE ROLE maria LOGIN REPLICATION PASSWORD '{PASSWORD}';"
               f"CREATE ROLE clear LOGIN PASSWORD '{PASSWORD}'")
    return server


def uri_of(server, user="maria", **parameters):
    return server.uri(user=user, **parameters)


def error_of(result):
    """The one error line of pgcask."""
    assert result.rc == 1 or result.rc == 2, result
    lines = [line for line in result.stderr.splitlines() if line.startswith("pgcask: error: ")]
    assert len(lines) == 1, result
    return lines[0]


# ---- Several hosts


@pytest.mark.majors(13, 14, 18)
@pytest.mark.parametrize("target", ["any", "read-write", "read-only", "primary", "standby",
                                    "prefer-standby"])
def test_the_session_that_psql_finds_is_found(probe, cluster, major, target):
    primary, standby = cluster(major)
    dead = free_port()
    for ports in itertools.chain.from_iterable(
        itertools.permutations((dead, primary.port, standby.port), n) for n in (1, 2, 3)
    ):
        info = (f"host={','.join(['127.0.0.1'] * len(ports))} port={','.join(map(str, ports))} "
                f"user=postgres dbname=postgres target_session_attrs={target}")
        ours, theirs = probe(info), by_psql(info)
        assert (ours.ok, ours.stdout) == (theirs.ok, theirs.stdout), f"{info}\n{ours}\n{theirs}"
        if not ours.ok:
            # Every host is named with its failure, in the order of the list.
            found = re.findall(r"cannot connect to 127\.0\.0\.1:(\d+)", ours.stderr)
            assert found == [str(port) for port in ports], ours


@pytest.mark.majors(13, 14, 18)
def test_a_primary_with_a_read_only_default_is_no_place_to_write(probe, cluster, major):
    primary, standby = cluster(major)
    for target, default in itertools.product(("read-write", "read-only", "primary", "standby"),
                                             ("on", "off")):
        info = (f"host=127.0.0.1,127.0.0.1 port={primary.port},{standby.port} user=postgres "
                f"dbname=postgres target_session_attrs={target} "
                f"options='-c default_transaction_read_only={default}'")
        ours, theirs = probe(info), by_psql(info)
        assert (ours.ok, ours.stdout) == (theirs.ok, theirs.stdout), f"{info}\n{ours}\n{theirs}"


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("target", ["primary", "standby", "prefer-standby", "read-write"])
def test_a_backup_goes_where_it_is_told(pgcask, cluster, major, target, workdir):
    primary, standby = cluster(major)
    uri = (f"postgres+bin://postgres@127.0.0.1:{free_port()},127.0.0.1:{primary.port},"
           f"127.0.0.1:{standby.port}?target_session_attrs={target}")
    pgcask("backup", uri, "--to", workdir / "backup", "--quiet").check()
    manifest = json.loads((workdir / "backup/manifest.json").read_text())
    wanted = standby if "standby" in target else primary
    assert manifest["port"] == str(wanted.port)
    assert manifest["in_recovery"] == (wanted is standby)
    label = (workdir / "backup/data/backup_label").read_text()
    assert ("BACKUP FROM: standby" in label) == (wanted is standby)


def test_the_sessions_of_a_backup_reach_one_server(pgcask, servers, workdir):
    """Two clusters that have nothing to do with each other, in a random order each time."""
    both = [servers.create(18, fresh=True, conf={"log_connections": "on"}) for _ in range(2)]
    uri = (f"postgres+bin://postgres@127.0.0.1:{both[0].port},127.0.0.1:{both[1].port}"
           "?load_balance_hosts=random")
    chosen = set()
    for number in range(24):
        before = [server.log.count("connection authorized") for server in both]
        target = workdir / f"backup{number}"
        result = pgcask("backup", uri, "--to", target, "--json").check()
        after = [server.log.count("connection authorized") for server in both]
        grown = [now - then for now, then in zip(after, before)]
        assert sorted(grown)[0] == 0 and sorted(grown)[1] >= 4, grown
        server = both[grown.index(max(grown))]
        chosen.add(server.port)
        assert json.loads(result.stdout)["system_identifier"] == server.system_identifier
        manifest = json.loads((target / "manifest.json").read_text())
        assert manifest["cluster_system_identifier"] == server.system_identifier
        assert manifest["port"] == str(server.port)
        if len(chosen) == 2:
            break
    assert len(chosen) == 2
    pgcask("verify", target).check()


def test_the_addresses_of_a_host_are_one_host(probe, cluster):
    """localhost may be ::1, where nobody listens, and 127.0.0.1."""
    primary, _ = cluster(18)
    for balance in ("disable", "random"):
        info = (f"host=localhost port={primary.port} user=postgres dbname=postgres "
                f"load_balance_hosts={balance}")
        assert probe(info).check().stdout == f"{primary.port}\tf\n"


def test_a_hostaddr_goes_with_its_host(probe, cluster):
    primary, standby = cluster(18)
    info = (f"host=first.invalid,second.invalid hostaddr=127.0.0.1,127.0.0.1 "
            f"port={free_port()},{standby.port} user=postgres dbname=postgres")
    assert probe(info).check().stdout == by_psql(info).check().stdout == f"{standby.port}\tt\n"


def test_each_host_has_its_own_password(probe, servers, workdir):
    """The primary of a passfile's first line is down: the second line is for the second host."""
    server = servers.create(18, auth="scram-sha-256")
    server.sql(f"CREATE ROLE maria LOGIN PASSWORD '{PASSWORD}'")
    dead = free_port()
    passfile = workdir / "pgpass"
    passfile.write_text(f"127.0.0.1:{dead}:*:maria:wrong\n"
                        f"127.0.0.1:{server.port}:*:maria:{PASSWORD}\n")
    passfile.chmod(0o600)
    info = (f"host=127.0.0.1,127.0.0.1 port={dead},{server.port} user=maria dbname=postgres "
            f"passfile={passfile}")
    assert probe(info).check().stdout == by_psql(info).check().stdout


# ---- Sockets


def test_an_abstract_socket_is_a_place(probe, servers):
    server = servers.create(18, start=False)
    name = f"@pgcask-{os.getpid()}"
    server.start(options={"unix_socket_directories": f"{server.socket_dir},{name}"})
    for info in (f"host={name} port={server.port} user=postgres dbname=postgres",
                 f"postgres://postgres@%40{name[1:]}:{server.port}/postgres"):
        assert probe(info, "SELECT inet_server_port() IS NULL").check().stdout == "t\n"


@pytest.mark.parametrize("peer", ["own", "daemon"])
def test_requirepeer_is_heeded(probe, cluster, peer):
    primary, _ = cluster(18)
    name = process.server_user() if peer == "own" else peer
    info = (f"host={primary.socket_dir} port={primary.port} user=postgres dbname=postgres "
            f"requirepeer={name}")
    ours, theirs = probe(info), by_psql(info)
    assert ours.ok == theirs.ok == (peer == "own"), f"{ours}\n{theirs}"
    if peer != "own":
        assert "requirepeer" in ours.stderr


def test_neither_a_passwd_entry_nor_a_home_is_needed(pgcask_path, cluster):
    primary, _ = cluster(18)
    nobody = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--"]
    ping = [pgcask_path, "ping", f"postgres://127.0.0.1:{primary.port}/postgres"]
    process.run([*nobody, *ping], env={"PGUSER": "postgres"}).check()
    assert "54321" in error_of(process.run([*nobody, *ping]))


# ---- Services


def test_a_service_is_what_psql_takes_it_for(probe, cluster, workdir):
    primary, standby = cluster(18)
    (workdir / "sys").mkdir()
    (workdir / ".pg_service.conf").write_text(
        f"# ours\n[one]\nhost=127.0.0.1\nport={primary.port}\ndbname=postgres\nuser=postgres\n"
        f"[twice]\nport=1\n[twice]\nport={primary.port}\n[bad]\nhots=127.0.0.1\n"
        "[spaced]\nhost = 127.0.0.1\n[nested]\nservice=one\n[ldap]\nldap://x/y\n[empty]\n")
    (workdir / "mine.conf").write_text(
        f"[one]\nhost=127.0.0.1\nport={standby.port}\ndbname=postgres\nuser=postgres\n")
    (workdir / "sys/pg_service.conf").write_text(
        f"[system]\nhost=127.0.0.1\nport={standby.port}\ndbname=postgres\nuser=postgres\n")
    home = {"HOME": workdir, "PGSYSCONFDIR": workdir / "sys"}
    mine = {**home, "PGSERVICEFILE": workdir / "mine.conf"}
    cases = [
        ("service=one", home), ("service=one", mine), ("", {**home, "PGSERVICE": "one"}),
        ("service=system", home), ("service=system", mine), ("service=nosuch", home),
        ("service=one", {**home, "PGPORT": "1", "PGUSER": "nobody", "PGDATABASE": "nothing"}),
        (f"service=one port={standby.port}", home), ("service=one user=nobody", home),
        ("postgres:///?service=one", home), (f"postgres://:{standby.port}/?service=one", home),
        ("service=twice host=127.0.0.1 user=postgres dbname=postgres", home),
        ("service=bad", home), ("service=spaced", home), ("service=nested", home),
        ("service=''", home),
        ("service=one", {**home, "PGSERVICEFILE": "/nonexistent"}),
        ("service=one", {"HOME": "/nonexistent", "PGSYSCONFDIR": "/nonexistent"}),
        (f"service=empty host=127.0.0.1 port={primary.port} user=postgres dbname=postgres", home),
    ]
    for info, env in cases:
        ours, theirs = probe(info, env=env), by_psql(info, env=env)
        assert (ours.ok, ours.stdout) == (theirs.ok, theirs.stdout), f"{info}\n{ours}\n{theirs}"
        if not ours.ok:
            assert "hint: " in ours.stderr, ours
    # psql 18 does not know this one yet.
    assert probe(f"servicefile={workdir}/mine.conf service=one", env=home).check().stdout == (
        f"{standby.port}\tt\n")
    assert "/nonexistent" in probe("servicefile=/nonexistent service=one", env=home).stderr
    bad = probe("service=bad", env=home)
    assert f'service file "{workdir}/.pg_service.conf", line 12' in bad.stderr, bad
    assert "LDAP" in probe("service=ldap", env=home).stderr


# ---- Passfiles


def test_who_may_read_a_passfile_decides(pgcask, locked, workdir):
    passfile = workdir / "pgpass"
    passfile.write_text(f"*:*:*:maria:{PASSWORD}\n")
    for owner, mode, works in ((0, 0o600, True), (0, 0o640, True), (0, 0o440, True),
                               (0, 0o644, False), (0, 0o660, False), (12345, 0o640, False),
                               (12345, 0o600, True)):
        if os.geteuid() != 0:
            pytest.fail("only root can give files away")
        os.chown(passfile, owner, owner)
        passfile.chmod(mode)
        result = pgcask("ping", uri_of(locked), env={"PGPASSFILE": passfile})
        assert result.ok == works, f"{owner} {mode:o}: {result}"
        if not works:
            assert "is ignored" in result.stderr and "chmod 0600" in result.stderr, result
            assert PASSWORD not in result.stderr


# ---- password_command


def connections(server, user="maria"):
    return server.log.count(f"connection authorized: user={user}")


def test_the_command_runs_for_each_connection(pgcask, locked, workdir):
    script = workdir / "token"
    script.write_text("#!/bin/sh\n"
                      f"echo \"$PGHOST $PGPORT $PGUSER $PGDATABASE $*\" >> {workdir}/calls\n"
                      f"echo to standard error >&2\necho '{PASSWORD}'\necho more\n")
    script.chmod(0o755)
    before = connections(locked)
    result = pgcask("backup", locked.binary_uri(user="maria"), "--to", workdir / "backup",
                    "--password-command", f"{script} 'a b' \"c\"").check()
    calls = (workdir / "calls").read_text().splitlines()
    assert len(calls) == connections(locked) - before >= 4
    databases = "replication|maria|postgres"
    assert all(re.fullmatch(rf"127\.0\.0\.1 {locked.port} maria ({databases}) a b c", line)
               for line in calls), calls
    assert "to standard error" in result.stderr


def test_the_command_comes_from_everywhere(pgcask, locked):
    quoted = f"echo%20{PASSWORD}"
    for uri, env in (
        (uri_of(locked) + f"?password_command={quoted}", {}),
        (uri_of(locked), {"PGCASK_PASSWORD_COMMAND": f"echo {PASSWORD}"}),
        (f"host=127.0.0.1 port={locked.port} user=maria dbname=postgres "
         f"password_command='echo {PASSWORD}'", {}),
        # A password that is given wins; the command wins over the passfile.
        (uri_of(locked, password=PASSWORD) + "?password_command=false", {}),
        (uri_of(locked), {"PGCASK_PASSWORD_COMMAND": "false", "PGPASSWORD": PASSWORD}),
    ):
        pgcask("ping", uri, env=env).check()
    result = pgcask("ping", uri_of(locked), "--password-command", "echo wrong",
                    env={"PGCASK_PASSWORD_COMMAND": f"echo {PASSWORD}"})
    assert "password authentication failed" in error_of(result)


def test_the_command_wins_over_the_passfile(pgcask, locked, workdir):
    passfile = workdir / "pgpass"
    passfile.write_text(f"*:*:*:maria:{PASSWORD}\n")
    passfile.chmod(0o600)
    env = {"PGPASSFILE": passfile}
    pgcask("ping", uri_of(locked), env=env).check()
    result = pgcask("ping", uri_of(locked), "--password-command", "echo wrong", env=env)
    assert "password authentication failed" in error_of(result)
    result = pgcask("ping", uri_of(locked), "--password-command", "false", env=env)
    assert "\"false\" failed with exit status 1" in error_of(result)


def test_a_long_token_is_a_password(pgcask, locked):
    token = "x" * 60000
    locked.sql(f"ALTER ROLE clear PASSWORD '{token}'")
    command = "sh -c 'head -c 60000 /dev/zero | tr \\\\0 x'"
    pgcask("ping", uri_of(locked, user="clear"), "--password-command", command).check()


@pytest.mark.parametrize("command, words", [
    ("sh -c 'echo s3cret; exit 7'", "exit status 7"),
    ("sh -c 'echo s3cret; kill -TERM $$'", "signal 15"),
    ("true s3cret", "printed no password"),
    ("no-such-program s3cret", "No such file or directory"),
    ("echo 's3cret", "quote that is not closed"),
])
def test_a_command_that_fails_is_named_and_its_secret_is_not(pgcask, locked, command, words):
    result = pgcask("ping", uri_of(locked), "--password-command", command)
    assert words in error_of(result) and "\nhint: " in result.stderr, result
    assert PASSWORD not in result.stderr + result.stdout


def children_of(pid):
    found = []
    for each in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            stat = open(f"/proc/{each}/stat").read()
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(each))
    return found


def has_ended(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(condition, timeout=10):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("how", ["timeout", "SIGTERM"])
def test_a_command_that_hangs_is_killed_with_all_it_started(pgcask_popen, locked, workdir, how):
    command = f"sh -c 'echo $$ > {workdir}/pids; sleep 300 & echo $! >> {workdir}/pids; wait'"
    running = pgcask_popen("ping", uri_of(locked, connect_timeout=2 if how == "timeout" else 60),
                           "--password-command", command)
    pids = workdir / "pids"
    wait_until(lambda: pids.exists() and pids.read_text().count("\n") == 2)
    if how == "SIGTERM":
        running.terminate()
    result = running.wait(10)
    wanted = "cancelled by SIGTERM" if how == "SIGTERM" else "within connect_timeout"
    assert wanted in error_of(result)
    wait_until(lambda: all(has_ended(int(pid)) for pid in pids.read_text().split()), 2)


def test_nothing_secret_is_on_a_command_line(pgcask_popen, locked, workdir):
    """The password goes through a pipe; what others see of us and of the command holds none."""
    (workdir / "secret").write_text(PASSWORD + "\n")
    script = workdir / "token"
    script.write_text(f"#!/bin/sh\ntouch {workdir}/begun\nsleep 1\ncat {workdir}/secret\n")
    script.chmod(0o755)
    running = pgcask_popen("ping", uri_of(locked), "--password-command", str(script))
    wait_until((workdir / "begun").exists)
    for pid in (running.pid, *children_of(running.pid)):
        for name in ("cmdline", "environ"):
            assert PASSWORD.encode() not in open(f"/proc/{pid}/{name}", "rb").read()
    running.wait(10).check()


# ---- Plakar


@pytest.fixture
def plugin(pgcask_path):
    with Client(pgcask_path) as client:
        yield client


def test_plakars_key_password_command(plugin, locked):
    uri = locked.binary_uri(user="maria")
    call = plugin.unary(IMPORTER + "Init", init_request(
        "postgres+bin", {"location": uri, "password_command": f"echo {PASSWORD}"}))
    assert call.status == "0", call.message
    call = plugin.unary(IMPORTER + "Ping")
    assert call.status == "0", call.message


# ---- A person at a terminal


class Terminal:
    """A program whose controlling terminal is ours to type at."""

    def __init__(self, *args, env=None):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(args[0], [str(a) for a in args], process.clean_env(env))
            finally:
                os._exit(127)
        self.status = None

    def read_until(self, wanted, timeout=20):
        end = time.monotonic() + timeout
        while wanted not in self.shown:
            assert time.monotonic() < end, self.shown
            if not self._read(0.1):
                assert wanted in self.shown, self.shown

    def _read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            return False
        self.shown += data
        return bool(data)

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        while self._read(0.1):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
                while select.select([self.fd], [], [], 0)[0] and self._read(0):
                    pass
                break
        if self.status is None:
            self.status = os.waitpid(self.pid, 0)[1]
        return os.waitstatus_to_exitcode(self.status)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.status is None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_person_is_asked_once_for_a_whole_backup(pgcask_path, locked, workdir, term):
    with Terminal(pgcask_path, "backup", locked.binary_uri(user="maria"), "--to",
                  workdir / "backup", env={"TERM": term}) as terminal:
        question = f"Password of role maria at 127.0.0.1, port {locked.port}: ".encode()
        terminal.read_until(question)
        assert not terminal.echoes()
        time.sleep(0.5)  # the progress line would be drawn twice by now
        terminal._read(0.1)
        assert terminal.shown.endswith(question)
        terminal.type(PASSWORD + "\n")
        assert terminal.wait() == 0, terminal.shown
        assert terminal.shown.count(b"Password of role") == 1
        assert PASSWORD.encode() not in terminal.shown
        assert terminal.echoes()
    assert (workdir / "backup/summary.json").exists()


def test_a_slow_person_is_waited_for(pgcask_path, locked):
    with Terminal(pgcask_path, "ping", uri_of(locked, connect_timeout=1)) as terminal:
        terminal.read_until(b"Password of role")
        time.sleep(1.5)
        terminal.type(PASSWORD + "\n")
        assert terminal.wait() == 0, terminal.shown


def test_a_wrong_password_is_an_error(pgcask_path, locked):
    with Terminal(pgcask_path, "ping", uri_of(locked)) as terminal:
        terminal.read_until(b"Password of role")
        terminal.type("wrong\n")
        assert terminal.wait() == 1
        assert b"password authentication failed" in terminal.shown


@pytest.mark.parametrize("keys", ["\n", "\x04"])
def test_no_answer_is_no_password(pgcask_path, locked, keys):
    with Terminal(pgcask_path, "ping", uri_of(locked)) as terminal:
        terminal.read_until(b"Password of role")
        terminal.type(keys)
        assert terminal.wait() == 1
        assert b"asks for a password" in terminal.shown
        assert terminal.echoes()


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_the_echo_is_back_after_a_signal(pgcask_path, locked, how):
    with Terminal(pgcask_path, "ping", uri_of(locked)) as terminal:
        terminal.read_until(b"Password of role")
        if how == "Ctrl-C":
            terminal.type("\x03")
        else:
            os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait() == 1
        assert b"cancelled by SIG" in terminal.shown
        assert terminal.echoes()


def test_nobody_is_asked_where_that_is_not_wanted_or_not_possible(pgcask, pgcask_path, locked):
    with Terminal(pgcask_path, "ping", uri_of(locked), "--no-password") as terminal:
        assert terminal.wait() == 1
        assert b"Password of role" not in terminal.shown
        assert b"asks for a password" in terminal.shown
    # No controlling terminal
    assert "asks for a password" in error_of(pgcask("ping", uri_of(locked)))
    # In the background of one
    script = f"{pgcask_path} ping '{uri_of(locked)}' & wait $!; echo status $?"
    with Terminal("/bin/bash", "-m", "-c", script) as terminal:
        terminal.read_until(b"status 1")
        assert b"Password of role" not in terminal.shown
        terminal.wait()
