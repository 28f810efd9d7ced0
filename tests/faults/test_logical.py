"""Logical backups of a small database of real servers of 13, 15 and 18, and what reads them."""

import contextlib
import signal
import struct

import pytest

from faultkit import faults, logical, runs, trial
from pgcask_testing import temp
from test_stream import DAMAGE, ENDINGS, Places, arguments

pytestmark = pytest.mark.majors(13, 15, 18)

CALLS = [kind for kind in faults.ERRNOS if kind != "memory"]
KIB = 1024
WHOLE = 15  # the major on which each call fails once, and more allocations than on the others
SWEPT = ("read", "write", "sync", "files", "meta", "process")
TARGETS = ("directory-require", "in-place-disable", "tar-require", "pipe-disable", "json-disable")
READERS = ("verify-directory", "verify-tar", "verify-damaged")


@pytest.fixture(scope="session")
def made(real_server, pgcask_path):
    """made(major) -> ({name: scenario}, LogicalServer)"""
    made = {}

    def make(major):
        if major not in made:
            server = logical.LogicalServer(real_server(major))
            scenarios = logical.make(str(pgcask_path), server, temp.new_dir("kept"),
                                     f"logical{major}")
            made[major] = scenarios, server
        return made[major]

    return make


@pytest.fixture
def scenario(made, major):
    """scenario(kind) of this major: directory-require, pipe-disable, verify-tar, …"""
    return lambda kind: made(major)[0][f"logical{major}-{kind}"]


@pytest.mark.parametrize("kind", [*TARGETS, *READERS])
def test_calls_that_fail(trials, scenario, rng, major, kind):
    counts, _ = trials.dry_run(scenario(kind))
    words = []
    for call in CALLS:
        for _ in range(2 if call in ("read", "write", "sync", "files") else 1):
            action = rng.choice(("fail", "fail", "forever"))
            words.append(f"{call}:{rng.randrange(1, max(counts[call], 1) + 1)}:{action}:"
                         f"{rng.choice(faults.ERRNOS[call])}")
    trials.each(scenario(kind), words, at_once=1)


@pytest.mark.majors(WHOLE)
@pytest.mark.parametrize("call", SWEPT)
def test_each_call_fails(trials, scenario, major, call):
    kind = "tar-disable" if call == "sync" else "directory-require"
    trials.sweep(scenario(kind), call, f"fail:{faults.ERRNOS[call][0]}", at_once=1)


@pytest.mark.parametrize("kind", ["directory-disable", "tar-require"])
def test_allocations_that_fail(trials, scenario, rng, major, kind):
    counts, _ = trials.dry_run(scenario(kind))
    number = 60 if major == WHOLE else 12
    words = [f"memory:{rng.randrange(1, counts['memory'] + 1)}:fail:12" for _ in range(number)]
    words += [f"memory:{rng.randrange(1, counts['memory'] + 1)}:forever:12"
              for _ in range(number // 6)]
    trials.each(scenario(kind), words, at_once=1)


@pytest.mark.majors(WHOLE)
def test_each_allocation_of_a_reader_fails(trials, scenario, rng, major):
    trials.sweep(scenario("verify-directory"), "memory", "fail:12")
    for kind in ("verify-tar", "verify-damaged"):
        trials.sweep(scenario(kind), "memory", "fail:12", start=rng.randrange(5) + 1, step=5)


def test_disturbances(trials, scenario, rng, major):
    for kind in ("directory-require", "pipe-disable", "verify-tar"):
        trials.each(scenario(kind), [
            "read:1:dribble:1021", "write:1:dribble:4093", "any:1:interrupt:2",
            f"any:{rng.randrange(1, 300)}:interrupt:3"], at_once=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL],
                         ids=runs.signal_name)
def test_signals_at_random_moments(trials, scenario, rng, major, number):
    for kind in ("directory-require", "in-place-disable", "tar-disable", "pipe-disable"):
        counts, wall = trials.dry_run(scenario(kind))
        words = [f"signal:{int(number)}:{rng.uniform(0, wall):.4f}" for _ in range(4)]
        words += [f"any:{rng.randrange(1, counts['any'])}:signal:{int(number)}" for _ in range(4)]
        # The last calls: where a backup gets its name.
        words += [f"any:{counts['any'] - rng.randrange(60)}:signal:{int(number)}" for _ in range(2)]
        trials.each(scenario(kind), words, at_once=1)


@pytest.mark.parametrize("kind", ["directory-require", "tar-disable"])
def test_links(trials, scenario, rng, major, kind):
    places = Places(trial.record(scenario(kind)), rng)
    words = [f"proxy:{places.choose()}:{action}:{arguments(action, rng)}"
             for action in (*ENDINGS, *DAMAGE) for _ in range(6)]
    words += [f"proxy:{places.choose()}:stall" for _ in range(2)]
    words += [f"proxy:{places.choose()}:crumbs:2000", "proxy:0:in:0:slice:1021",
              f"proxy:{places.choose()}:delay:300"]
    trials.each(scenario(kind), words, at_once=1)


# ---- In the wait for a lock: that of manifest.json for 5 s, then that of the archive ---------------


@contextlib.contextmanager
def locked(server):
    """A table that cannot be locked for the backup meanwhile."""
    with server.server.session(logical.DATABASE) as session:
        session.sql("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE")
        yield
        session.sql("ROLLBACK")


def end_of_message(stream, words):
    """The offset behind the last message of a client, in clear, that has these words in it."""
    (at,) = struct.unpack_from(">I", stream)
    found = None
    while at + 5 <= len(stream):
        end = at + 1 + struct.unpack_from(">I", stream, at + 1)[0]
        if words in stream[at:end]:
            found = end
        at = end
    return found


def test_a_link_that_is_cut_in_the_wait_for_a_lock(trials, made, major):
    """The server does not look at its socket then: it has to be told through another one."""
    scenarios, server = made(major)
    scenario = scenarios[f"logical{major}-tar-disable"]
    with locked(server):
        streams = trial.record(scenario, signal=signal.SIGTERM, signal_after=7)
        number = next(n for n, stream in enumerate(streams) if b"LOCK TABLE" in stream["out"])
        at = end_of_message(streams[number]["out"], b"LOCK TABLE")
        for action in ENDINGS if major == WHOLE else ENDINGS[:1]:
            outcome = trials.run(scenario, f"proxy:{number + 1}:out:{at}:{action}")
            assert trials.only or outcome.rc == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=runs.signal_name)
def test_a_signal_in_the_wait_for_a_lock(trials, made, major, number):
    scenarios, server = made(major)
    scenario = scenarios[f"logical{major}-directory-require"]
    for seconds in (0.6, 0.9, 6.5):
        with locked(server):
            outcome = trials.run(scenario, f"signal:{int(number)}:{seconds}")
            assert trials.only or outcome.rc in (1, -number), outcome.stderr


# ---- Places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["directory-disable", "in-place-disable", "tar-disable"])
def test_disks_that_fill_up(trials, scenario, rng, major, kind):
    """Some too small by little, some by much, and one that is large enough."""
    sizes = [8, *(rng.randrange(2, 180) * 4 for _ in range(5)), 20000]
    outcomes = trials.each(scenario(kind), [f"disk:{size * KIB}" for size in sizes], at_once=1)
    assert trials.only or (outcomes[0].rc == 1 and outcomes[-1].rc == 0)


@pytest.mark.parametrize("kind", ["directory-require", "tar-disable", "pipe-disable"])
def test_limits(trials, pgcask_path, scenario, rng, major, kind):
    least = next(mib for mib in range(4, 200)
                 if runs.execute(runs.Run([pgcask_path, "--version"],
                                          limit=(runs.RLIMIT_AS, mib << 20))).rc == 0)
    words = [f"limit:fsize:{size}" for size in (
        2000, 8192, rng.randrange(1 << 13, 1 << 16), rng.randrange(1 << 16, 1 << 20))]
    words += [f"limit:nofile:{count}" for count in range(4, 26, 3)]
    words += [f"limit:as:{(least << 20) + rng.randrange(6 << 20)}" for _ in range(4)]
    trials.each(scenario(kind), words, at_once=1)


@pytest.mark.parametrize("kind", ["pipe-disable", "json-disable"])
def test_an_output_that_is_full(trials, scenario, major, kind):
    trials.run(scenario(kind), "full")
