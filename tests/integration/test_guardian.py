"""After SIGKILL of pgcask nothing of it is left on the server within two seconds, whatever the
server was doing for it; and what happens where the guardian is killed too."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

from pgcask_testing import builders, oracles, process
from pgcask_testing.servers import _children

pytestmark = pytest.mark.sampled

BOUND = 2  # seconds


@pytest.fixture(scope="module")
def target(module_servers):
    """A running server of the major, whose spread checkpoints take most of an hour."""
    busy = builders.busy_ones(module_servers)

    def make(major):
        server = busy(major)
        oracles.wait_for_nothing_left(server, timeout=10)
        server.sql("UPDATE filler SET n = n + 1 WHERE id % 10 = 0")  # something to write
        return server

    return make


# ---- What the server may be doing for us -----------------------------------------------------


@contextlib.contextmanager
def checkpoint_wait(server):
    yield ["--checkpoint=spread"], """
        SELECT 1 FROM pg_stat_progress_basebackup
        WHERE phase = 'waiting for checkpoint to finish'"""


@contextlib.contextmanager
def copy(server):
    yield ["--max-rate=2M"], """
        SELECT 1 FROM pg_stat_progress_basebackup
        WHERE phase = 'streaming database files' AND backup_streamed > 0"""


@contextlib.contextmanager
def lock_wait(server):
    """manifest.json's query of the relations reads the columns' defaults."""
    with server.session() as holder:
        holder.sql("BEGIN; LOCK TABLE pg_catalog.pg_attrdef IN ACCESS EXCLUSIVE MODE")
        yield [], """
            SELECT 1 FROM pg_stat_activity
            WHERE application_name = 'pgcask' AND wait_event_type = 'Lock'"""


@contextlib.contextmanager
def long_query(server):
    """The same query, which looks for each of a constraint's columns: here are some millions. From 17
    on the server sorts them, which nothing interrupts: hence several constraints, each of a moment."""
    checks = ", ".join(f"CONSTRAINT odd_check_{i} CHECK (id > {i})" for i in range(60))
    server.sql(f"""
        CREATE TABLE odd (id int, {checks});
        UPDATE pg_catalog.pg_constraint SET conkey = array_fill(99::int2, ARRAY[1000000])
        WHERE conname LIKE 'odd_check%'""")
    try:
        yield [], """
            SELECT 1 FROM pg_stat_activity
            WHERE application_name = 'pgcask' AND state = 'active'
                AND query LIKE 'SELECT c.oid%' AND query_start < now() - '0.5 s'::interval"""
    finally:
        server.sql("""
            UPDATE pg_catalog.pg_constraint SET conkey = '{1}' WHERE conname LIKE 'odd_check%';
            DROP TABLE odd""")


WAITS = [checkpoint_wait, copy, lock_wait, long_query]


def wait_until(server, seen, running):
    """Waits until the server is at it, and still is a moment later."""
    end = time.monotonic() + 20
    for _ in range(2):
        while not server.sql(seen):
            assert running.running() and time.monotonic() < end, running.stderr_so_far
            time.sleep(0.02)
        time.sleep(0.2)
    assert server.sql(seen) and oracles.sessions_of(server).activity


def children_of(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def state_of(pid):
    """A letter as of ps; None if there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def wait_for_end_of(pids):
    """A guardian that has ended may still wait for whoever is its parent now."""
    end = time.monotonic() + 3
    while left := [pid for pid in pids if state_of(pid) not in (None, "Z")]:
        assert time.monotonic() < end, f"of the guardians {pids} there are {left}"
        time.sleep(0.02)


def kill_and_judge(server, running):
    guardians = children_of(running.pid)
    assert len(guardians) == 1
    running.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    oracles.wait_for_nothing_left(server, timeout=BOUND)
    print(f"nothing left after {time.monotonic() - killed:.2f} s")
    assert running.wait(10).rc == -signal.SIGKILL
    wait_for_end_of(guardians)


@pytest.mark.parametrize("wait", WAITS)
def test_killed_in_a(pgcask_path, target, workdir, major, wait):
    server = target(major)
    with wait(server) as (options, seen):
        with process.Process([pgcask_path, "backup", server.binary_uri(), "--to",
                              workdir / "backup", *options]) as running:
            wait_until(server, seen, running)
            kill_and_judge(server, running)


# ---- Other ways to die -----------------------------------------------------------------------


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("wait", [checkpoint_wait, copy])
def test_killed_with_its_whole_process_group(pgcask_path, target, workdir, major, wait):
    """As by a shell's or a supervisor's kill -9 of a job: the guardian is in a session of its own."""
    server = target(major)
    with wait(server) as (options, seen):
        running = subprocess.Popen(
            [pgcask_path, "backup", server.binary_uri(), "--to", workdir / "backup", *options],
            env=process.clean_env(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            end = time.monotonic() + 20
            while not server.sql(seen):
                assert running.poll() is None and time.monotonic() < end
                time.sleep(0.02)
            guardians = children_of(running.pid)
        finally:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        oracles.wait_for_nothing_left(server, timeout=BOUND)
        wait_for_end_of(guardians)


class Relay:
    """Passes bytes to a server, and what comes back only until `held`."""

    def __init__(self, server):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._server = server
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            with client, socket.create_connection(("127.0.0.1", self._server.port)) as backend:
                while data := client.recv(4096):
                    backend.sendall(data)

    def close(self):
        self._listener.close()


def clients_over_tcp(server):
    """The processes that serve them: their titles say from where. Those of the server's own, which
    come and go, say nothing like it."""
    found = []
    for pid in _children(server.pid):
        with contextlib.suppress(OSError):
            if b" 127.0.0.1(" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


@pytest.mark.majors(13, 18)
def test_killed_while_the_server_waits_for_the_password(pgcask_path, servers, workdir, major):
    """Nothing is known yet that could be cancelled, and nothing needs to be: a server that waits
    for its client sees that it is gone."""
    server = servers.create(major, auth="scram-sha-256")
    with contextlib.closing(Relay(server)) as relay:
        uri = f"postgres+bin://postgres:x@127.0.0.1:{relay.port}/?sslmode=disable"
        with process.Process([pgcask_path, "backup", uri, "--to", workdir / "backup"]) as running:
            end = time.monotonic() + 10
            while not clients_over_tcp(server):
                assert running.running() and time.monotonic() < end, running.stderr_so_far
                time.sleep(0.02)
            guardians = children_of(running.pid)
            running.send_signal(signal.SIGKILL)
            end = time.monotonic() + BOUND
            while clients_over_tcp(server):
                assert time.monotonic() < end, "the server still waits"
                time.sleep(0.02)
            wait_for_end_of(guardians)


@pytest.mark.majors(13, 18)
def test_whoever_reads_the_backup_is_gone(pgcask_path, target, major):
    server = target(major)
    readable, writable = os.pipe()
    with open(writable, "wb") as output:
        running = process.Process([pgcask_path, "backup", server.binary_uri(), "--to", "-"],
                                  stdout=output)
    with running:
        with open(readable, "rb") as backup:
            backup.read(1 << 16)
            oracles.wait_for_sessions(server, lambda found: found.slots)
        oracles.wait_for_nothing_left(server, timeout=BOUND)
        result = running.wait(10)
    assert result.rc == 1 and "has ended" in result.stderr, result


# ---- Without a guardian ----------------------------------------------------------------------


@pytest.mark.majors(15)
def test_a_backup_goes_on_when_its_guardian_was_killed(pgcask_path, target, workdir, major):
    server = target(major)
    with process.Process([pgcask_path, "backup", server.binary_uri(), "--to", workdir / "backup",
                          "--max-rate=40M"]) as running:
        oracles.wait_for_sessions(server, lambda found: found.slots)
        [guardian] = children_of(running.pid)
        os.kill(guardian, signal.SIGKILL)
        running.wait(60).check()
    oracles.wait_for_nothing_left(server)
    oracles.verifybackup(workdir / "backup/data", major).check()


@contextlib.contextmanager
def killed_after_its_guardian(pgcask_path, server, folder, wait):
    with wait(server) as (options, seen):
        with process.Process([pgcask_path, "backup", server.binary_uri(), "--to",
                              folder / "backup", *options]) as running:
            wait_until(server, seen, running)
            [guardian] = children_of(running.pid)
            os.kill(guardian, signal.SIGKILL)
            wait_for_end_of([guardian])
            running.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            yield
            print(f"nothing left after {time.monotonic() - killed:.2f} s")


def test_killed_in_a_copy_after_its_guardian(pgcask_path, target, workdir, major):
    """The server cannot send, and ends."""
    server = target(major)
    with killed_after_its_guardian(pgcask_path, server, workdir, copy):
        oracles.wait_for_nothing_left(server, timeout=BOUND)


def test_killed_in_a_lock_wait_after_its_guardian(pgcask_path, target, workdir, major):
    """From 14 on the server looks at our socket every second: we told it to. 13 cannot; there the
    session's own lock_timeout ends it, which is 5 s."""
    server = target(major)
    with killed_after_its_guardian(pgcask_path, server, workdir, lock_wait):
        oracles.wait_for_nothing_left(server, timeout=BOUND if major >= 14 else 6)


@pytest.mark.majors(14, 15, 16, 17, 18)  # 13 goes on until statement_timeout, which is a minute
def test_killed_in_a_long_query_after_its_guardian(pgcask_path, target, workdir, major):
    server = target(major)
    with killed_after_its_guardian(pgcask_path, server, workdir, long_query):
        oracles.wait_for_nothing_left(server, timeout=BOUND)


@pytest.mark.majors(13, 18)
def test_killed_in_a_checkpoint_wait_after_its_guardian(pgcask_path, target, workdir, major):
    """A walsender that waits for a checkpoint looks at nothing. It ends with the checkpoint; the
    slot, which is another session's, at once."""
    server = target(major)
    with killed_after_its_guardian(pgcask_path, server, workdir, checkpoint_wait):
        oracles.wait_for_sessions(server, lambda found: not found.slots, timeout=BOUND)
        time.sleep(1)
        assert [each[1] for each in oracles.sessions_of(server).activity] == ["pgcask backup"]
        server.sql("CHECKPOINT")
        oracles.wait_for_nothing_left(server, timeout=BOUND)


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("wait", [checkpoint_wait, copy])
def test_killed_as_process_1(pgcask_path, target, workdir, major, wait):
    """The first process of a container takes the guardian along, which may or may not have got its
    requests out by then."""
    server = target(major)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    with wait(server) as (options, seen):
        with process.Process(["unshare", *user, "--pid", "--fork", pgcask_path, "backup",
                              server.binary_uri(), "--to", workdir / "backup", *options]) as running:
            wait_until(server, seen, running)
            [first] = children_of(running.pid)
            guardians = children_of(first)
            os.kill(first, signal.SIGKILL)
            oracles.wait_for_sessions(server, lambda found: not found.slots, timeout=BOUND)
            running.wait(10)
        assert len(guardians) == 1
        wait_for_end_of(guardians)
        if wait == checkpoint_wait:
            server.sql("CHECKPOINT")
        oracles.wait_for_nothing_left(server, timeout=BOUND)


# ---- The guardian itself ---------------------------------------------------------------------


@pytest.mark.majors(15)
def test_the_guardian_holds_nothing_and_cannot_be_asked_to_go(
    pgcask_path, servers, workdir, major
):
    server = servers.create(major, auth="scram-sha-256")
    server.sql("ALTER ROLE postgres PASSWORD 'opensesame'")
    builders.fill(server, mb=30)
    uri = server.binary_uri(password="opensesame")
    with process.Process([pgcask_path, "backup", uri, "--to", workdir / "backup",
                          "--max-rate=5M"]) as running:
        oracles.wait_for_sessions(server, lambda found: found.slots)
        [guardian] = children_of(running.pid)
        proc = pathlib.Path(f"/proc/{guardian}")
        assert "opensesame" not in (proc / "cmdline").read_text()
        descriptors = [os.readlink(fd) for fd in (proc / "fd").iterdir()]
        assert len(descriptors) == 1 and descriptors[0].startswith("pipe:")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(guardian, number)
        time.sleep(0.2)
        assert proc.exists()
        kill_and_judge(server, running)


@pytest.mark.majors(15)
def test_an_orderly_end_takes_the_guardian_along(pgcask, servers, workdir, major):
    server = servers.create(major)
    result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup")
    assert result.ok and not result.pipes_left_open
