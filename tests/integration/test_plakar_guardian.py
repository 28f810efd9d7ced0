"""After SIGKILL of plakar, or of the plugin, nothing is left on the server within two seconds."""

import os
import pathlib
import signal
import time

import pytest

from pgcask_testing import builders, oracles
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

pytestmark = pytest.mark.sampled


@pytest.fixture(scope="module")
def target(module_servers):
    """A running server of the major, whose spread checkpoints take most of an hour."""
    return builders.busy_ones(module_servers)


def plugin_of(plakar, pid):
    """The plugin that a plakar started, and the plugin's guardian: their process numbers."""
    parents = {each: parent_of(each) for each in plakar.plugin_pids()}
    [plugin] = [each for each, parent in parents.items() if parent == pid]
    [guardian] = [each for each, parent in parents.items() if parent == plugin]
    return plugin, guardian


def parent_of(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def wait_for_phase(server, phase, running):
    """Waits until the server itself says that it has come so far with the base backup."""
    end = time.monotonic() + 20
    while [phase] not in (seen := server.sql("SELECT phase FROM pg_stat_progress_basebackup")):
        assert running.running() and time.monotonic() < end, (seen, running.stderr_so_far)
        time.sleep(0.02)


def kill_and_judge(plakar, server, running, victim):
    plugin, guardian = plugin_of(plakar, running.pid)
    assert oracles.sessions_of(server).slots
    os.kill(plugin if victim == "plugin" else running.pid, signal.SIGKILL)
    oracles.wait_for_nothing_left(server, timeout=2)
    result = running.wait(10)
    assert result.rc == (1 if victim == "plugin" else -signal.SIGKILL), result
    end = time.monotonic() + 3
    while left := [pid for pid in (plugin, guardian) if pathlib.Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, f"of {plugin} and its guardian {guardian} there are {left}"
        time.sleep(0.05)
    assert plakar.snapshots() == []


@pytest.mark.parametrize("victim", ["plugin", "plakar"])
def test_killed_in_the_wait_for_a_checkpoint(plakar, target, major, victim):
    server = target(major)
    server.sql("UPDATE filler SET n = n + 1 WHERE id % 10 = 0")  # something to write
    with plakar.start_backup("-o", "checkpoint=spread", server.binary_uri()) as running:
        wait_for_phase(server, "waiting for checkpoint to finish", running)
        time.sleep(0.3)
        wait_for_phase(server, "waiting for checkpoint to finish", running)
        kill_and_judge(plakar, server, running, victim)


@pytest.mark.parametrize("victim", ["plugin", "plakar"])
def test_killed_in_the_middle_of_the_copy(plakar, target, major, victim):
    server = target(major)
    with plakar.start_backup("-o", "max_rate=2M", server.binary_uri()) as running:
        wait_for_phase(server, "streaming database files", running)
        time.sleep(0.3)
        wait_for_phase(server, "streaming database files", running)
        kill_and_judge(plakar, server, running, victim)
