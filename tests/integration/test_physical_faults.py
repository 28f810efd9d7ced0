"""Interrupted backups: never status 0 for what verify does not accept, and nothing left behind."""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from pgcask_testing import builders, oracles, process

MOMENTS = 10


@pytest.fixture(scope="module")
def source(module_servers, request):
    """A cluster whose backup takes about a second, with a tablespace."""
    made = {}

    def make(major):
        if major not in made:
            server = module_servers.create(major)
            builders.fill(server, mb=20)
            builders.tablespaces(server, names=["one"])
            made[major] = server
        return made[major]

    return make


def moments(seed):
    """Moments in seconds over the whole length of a backup, reproducible by the seed."""
    numbers = random.Random(seed)
    return [numbers.uniform(0, 1.6) for _ in range(MOMENTS)]


def judge(pgcask, server, result, target):
    """The promise: status 0 only for what verify accepts, otherwise nothing and a named error."""
    if result.rc == 0:
        pgcask("verify", target).check()
        shutil.rmtree(target)
    else:
        assert result.rc == 1, result
        assert "pgcask: error: " in result.stderr, result
        assert not target.exists() or pgcask("verify", target).rc == 0, result
        if target.exists():
            shutil.rmtree(target)
        assert not target.with_name(target.name + ".partial").exists(), result
    if server.running:
        oracles.wait_for_nothing_left(server, timeout=2)
    return result.rc


def running_backup(pgcask_path, server, target, *options):
    return process.Process(
        [pgcask_path, "backup", server.binary_uri(), "--to", target, "--max-rate=40M", *options])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.majors(13, 15, 18)
@pytest.mark.sampled(1)
def test_signals(pgcask, pgcask_path, source, workdir, major, number):
    server = source(major)
    outcomes = []
    for moment in moments(number):
        with running_backup(pgcask_path, server, workdir / "backup") as running:
            time.sleep(moment)
            sent = time.monotonic()
            running.send_signal(number)
            result = running.wait(20)
        assert time.monotonic() - sent < 2, result
        outcomes.append(judge(pgcask, server, result, workdir / "backup"))
    assert 1 in outcomes, "no signal came in time"


@pytest.mark.majors(13, 15, 18)
def test_killed_backends(pgcask, pgcask_path, source, workdir, major):
    server = source(major)
    outcomes = []
    for index, moment in enumerate(moments(1)):
        with running_backup(pgcask_path, server, workdir / "backup") as running:
            time.sleep(moment)
            found = oracles.sessions_of(server).activity
            if found:
                pid = found[index % len(found)][0]
                server.sql(f"SELECT pg_terminate_backend({pid})")
            result = running.wait(60)
        outcomes.append(judge(pgcask, server, result, workdir / "backup"))
    assert 1 in outcomes, "no backend was killed in time"


@pytest.mark.majors(13, 15, 18)
def test_a_server_that_is_stopped(pgcask, pgcask_path, servers, workdir, major):
    server = servers.create(major)
    builders.fill(server, mb=20)
    outcomes = []
    for index, moment in enumerate(moments(2)):
        with running_backup(pgcask_path, server, workdir / "backup") as running:
            time.sleep(moment)
            server.stop("immediate" if index % 2 else "fast")
            result = running.wait(60)
        outcomes.append(judge(pgcask, server, result, workdir / "backup"))
        server.start()
        oracles.wait_for_nothing_left(server, timeout=2)
    assert 1 in outcomes, "the server was never stopped in time"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
@pytest.mark.majors(15)
def test_a_full_disk(pgcask, source, workdir, major):
    server = source(major)
    whole = workdir / "whole"
    pgcask("backup", server.binary_uri(), "--to", whole).check()
    size = sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    numbers = random.Random(3)
    small = workdir / "small"
    small.mkdir()
    for index in range(MOMENTS):
        room = numbers.randrange(1 << 20, size)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", small], check=True)
        try:
            target = small / ("backup.tar" if index % 2 else "backup")
            result = pgcask("backup", server.binary_uri(), "--to", target)
            assert result.rc == 1, result
            assert "space" in result.stderr.lower(), result
            assert not list(small.iterdir()), result
            oracles.wait_for_nothing_left(server, timeout=2)
        finally:
            subprocess.run(["umount", small], check=True)


@pytest.mark.majors(13, 15, 18)
def test_the_wait_for_a_checkpoint_ends_at_once(pgcask_path, servers, workdir, major):
    server = servers.create(major, conf={"checkpoint_completion_target": "0.9"})
    builders.fill(server, mb=20)
    process_ = process.Process([pgcask_path, "backup", server.binary_uri(), "--to",
                                workdir / "backup", "--checkpoint=spread"])
    with process_ as running:
        oracles.wait_for_sessions(server, lambda found: found.slots)
        time.sleep(0.5)
        sent = time.monotonic()
        running.send_signal(signal.SIGTERM)
        result = running.wait(20)
    assert time.monotonic() - sent < 2
    assert result.rc == 1, result
    oracles.wait_for_nothing_left(server, timeout=2)
    assert not list(workdir.iterdir())


@pytest.mark.majors(15)
def test_a_reader_that_goes_away(pgcask_path, source, major):
    server = source(major)
    backup = subprocess.Popen(
        [pgcask_path, "backup", server.binary_uri(), "--to", "-"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=process.clean_env())
    backup.stdout.read(100000)
    backup.stdout.close()
    assert backup.wait(20) == 1
    assert b"pgcask: error: " in backup.stderr.read()
    oracles.wait_for_nothing_left(server, timeout=2)
