"""After SIGKILL of pgcask nothing of it is left on the server within two seconds."""

import os
import pathlib
import signal
import time

import pytest

from pgcask_testing import builders, oracles, process


def guardian_of(pid):
    """The process number of the guardian, which is pgcask's only child."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def kill_and_judge(server, running):
    guardians = guardian_of(running.pid)
    assert len(guardians) == 1
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    oracles.wait_for_nothing_left(server, timeout=2)
    end = time.monotonic() + 3
    while any(pathlib.Path(f"/proc/{pid}").exists() for pid in guardians):
        assert time.monotonic() < end, "the guardian is still there"
        time.sleep(0.05)


def test_killed_in_the_wait_for_a_checkpoint(pgcask_path, servers, workdir, major):
    server = servers.create(major, conf={"checkpoint_timeout": "1h"})
    builders.fill(server, mb=60)
    with process.Process([pgcask_path, "backup", server.binary_uri(), "--to", workdir / "backup",
                          "--checkpoint=spread"]) as running:
        oracles.wait_for_sessions(server, lambda found: found.slots)
        time.sleep(0.5)
        assert oracles.sessions_of(server), "the checkpoint was over too soon"
        kill_and_judge(server, running)


def test_killed_in_the_middle_of_the_copy(pgcask_path, servers, workdir, major):
    server = servers.create(major)
    builders.fill(server, mb=60)
    with process.Process([pgcask_path, "backup", server.binary_uri(), "--to",
                          workdir / "backup", "--max-rate=5M"]) as running:
        oracles.wait_for_sessions(server, lambda found: found.slots)
        time.sleep(1)
        kill_and_judge(server, running)


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
        [guardian] = guardian_of(running.pid)
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
