"""Real servers of 13, 15 and 18, with TLS and SCRAM: faults at random places."""

import os
import signal
import struct
import time

import pytest

from faultkit import faults, real, runs, trial
from pgcask_testing import builders, temp
from test_stream import Places, arguments

pytestmark = pytest.mark.majors(13, 15, 18)

CALLS = [kind for kind in faults.ERRNOS if kind != "memory"]


@pytest.fixture(scope="session")
def made(real_server, pgcask_path):
    """made(major) -> ({kind: scenario}, RealServer)"""
    made = {}

    def make(major):
        if major not in made:
            server = real_server(major)
            scenarios = real.make(str(pgcask_path), server, temp.new_dir("kept"), f"pg{major}")
            made[major] = scenarios, server
        return made[major]

    return make


@pytest.fixture
def scenario(made, major):
    """scenario(kind) of this major: directory-require, tar-disable, restore, …"""
    return lambda kind: made(major)[0][f"pg{major}-{kind}"]


def test_calls_that_fail(trials, scenario, rng, major):
    for kind, number in (("directory-require", 7), ("tar-disable", 5), ("restore", 7)):
        counts, _ = trials.dry_run(scenario(kind))
        words = []
        for call in CALLS:
            for _ in range(number if call in ("read", "write", "sync", "files") else 2):
                action = rng.choice(("fail", "fail", "forever"))
                words.append(f"{call}:{rng.randrange(1, max(counts[call], 1) + 1)}:{action}:"
                             f"{rng.choice(faults.ERRNOS[call])}")
        trials.each(scenario(kind), words, at_once=1)


def test_allocations_that_fail(trials, scenario, rng, major):
    for kind, number in (("directory-require", 24), ("restore", 10)):
        counts, _ = trials.dry_run(scenario(kind))
        trials.each(scenario(kind), [
            f"memory:{rng.randrange(1, counts['memory'] + 1)}:fail:12" for _ in range(number)],
            at_once=1)


def test_disturbances(trials, scenario, rng, major):
    for kind in ("directory-require", "tar-disable", "restore"):
        trials.each(scenario(kind), [
            "read:1:dribble:4093", "write:1:dribble:8191", "any:1:interrupt:2",
            f"any:{rng.randrange(1, 300)}:interrupt:3"], at_once=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL],
                         ids=runs.signal_name)
def test_signals_at_random_moments(trials, scenario, rng, major, number):
    for kind in ("directory-require", "tar-disable", "restore"):
        _, wall = trials.dry_run(scenario(kind))
        trials.each(scenario(kind), [
            f"signal:{int(number)}:{rng.uniform(0, wall):.4f}" for _ in range(4)], at_once=1)


def test_links(trials, scenario, rng, major):
    for kind in ("directory-require", "tar-disable"):
        places = Places(trial.record(scenario(kind)), rng)
        words = [f"proxy:{places.choose()}:{action}:{arguments(action, rng)}"
                 for action in ("cut", "half", "reset", "flip", "replace", "drop", "double",
                                "insert") for _ in range(4)]
        words += [f"proxy:{places.choose()}:stall" for _ in range(2)]
        words += [f"proxy:{places.choose()}:crumbs:2000", "proxy:0:in:0:slice:1021",
                  f"proxy:{places.choose()}:delay:300"]
        trials.each(scenario(kind), words, at_once=1)


def test_a_link_that_is_cut_in_the_wait_for_a_checkpoint(trials, made, rng, major):
    """The server does not look at its socket then: it has to be told through another one."""
    scenarios, server = made(major)
    scenario = scenarios[f"pg{major}-spread"]
    builders.fill(server.server, mb=8, name=f"dirty_{rng.randrange(1 << 30)}")
    streams = trial.record(scenario, signal=signal.SIGTERM, signal_after=1.5)
    number = next(n for n, stream in enumerate(streams) if b"BASE_BACKUP" in stream["out"])
    at = streams[number]["out"].index(b"BASE_BACKUP") - 4
    (length,) = struct.unpack(">I", streams[number]["out"][at:at + 4])
    outcome = trials.run(scenario, f"proxy:{number + 1}:out:{at + length}:cut")
    assert trials.only or "closed the connection" in outcome.stderr


def test_disks_that_fill_up(trials, scenario, rng, major):
    for kind in ("directory-disable", "tar-disable", "restore"):
        trials.each(scenario(kind), [
            f"disk:{rng.randrange(1 << 20, 60 << 20) & ~4095}" for _ in range(6)], at_once=1)


@pytest.mark.skipif(os.geteuid() != 0, reason="the server's user is given the files")
def test_a_restore_that_was_killed_does_not_start(made, scenario, rng, major):
    """Looked at with the real server. Killed at some of the last calls, too."""
    _, server = made(major)
    with runs.folder() as folder:
        case = scenario("restore").case(folder)
        case.run.shim = "any:1000000000:none"
        count = runs.execute(case.run).counts["any"]
        case.close()
        for n in (count // 2, rng.randrange(1, count), count - 30, count - 20):
            case = scenario("restore").case(folder)
            case.run.shim = f"any:{n}:signal:9"
            assert runs.execute(case.run).rc == -signal.SIGKILL
            started = time.monotonic()
            if not (case.target / "global/pg_control").exists():
                assert not case.target.exists() or real.cannot_start(server, case.target)
            assert time.monotonic() - started < 10
            case.close()
