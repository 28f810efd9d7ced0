"""Logical restores into real servers: calls, memory, signals, links, disks and limits fail under way."""

import signal

import pytest

from faultkit import faults, into_server, runs, trial
from pgcask_testing import temp
from test_stream import DAMAGE, ENDINGS, Places, arguments, message_starts

CALLS = [kind for kind in faults.ERRNOS if kind != "memory"]


@pytest.fixture(scope="session")
def made(real_server, pgcask_path):
    """made(major) -> {name: scenario}"""
    made = {}

    def make(major):
        if major not in made:
            server = into_server.TargetServer(real_server(major))
            made[major] = into_server.make(str(pgcask_path), server, temp.new_dir("kept"),
                                           f"into{major}")
        return made[major]

    return make


@pytest.fixture
def scenario(made, major):
    """scenario(kind) of this major: custom, stream-jobs, script-whole, …"""
    return lambda kind: made(major)[f"into{major}-{kind}"]


@pytest.fixture
def amount(request, rng):
    """amount(choices, n): n of them, the same for the same seed; all with --whole."""
    whole = request.config.getoption("--whole")
    return lambda choices, n: list(choices) if whole else rng.sample(list(choices), n)


@pytest.mark.majors(15)
@pytest.mark.parametrize("kind", into_server.KINDS)
def test_without_a_fault(trials, scenario, major, kind):
    """The scenarios judge themselves: otherwise nothing below means anything."""
    outcome = trials.run(scenario(kind), "any:1000000000:none")
    assert outcome is None or outcome.rc == 0, outcome.stderr


@pytest.mark.majors(15)
@pytest.mark.parametrize("kind", into_server.KINDS)
def test_calls_that_fail(trials, scenario, rng, major, kind, amount):
    counts, _ = trials.dry_run(scenario(kind))
    words = []
    for call in amount(CALLS * 3, 3):
        number = rng.choice(faults.ERRNOS[call])
        words.append(f"{call}:{rng.randrange(1, max(counts[call], 1) + 1)}:"
                     f"{rng.choice(('fail', 'fail', 'forever'))}:{number}")
    trials.each(scenario(kind), words, at_once=1)


@pytest.mark.majors(15)
@pytest.mark.parametrize("kind", into_server.KINDS)
def test_allocations_that_fail(trials, scenario, rng, major, kind, amount):
    counts, _ = trials.dry_run(scenario(kind))
    words = [f"memory:{rng.randrange(1, counts['memory'] + 1)}:{action}:12"
             for action in amount(["fail"] * 20 + ["forever"] * 4, 2)]
    trials.each(scenario(kind), words, at_once=1)


@pytest.mark.majors(15)
@pytest.mark.parametrize("kind", ["custom", "custom-jobs", "stream-jobs", "script", "backup-stream"])
def test_disturbances(trials, scenario, rng, major, kind, amount):
    words = ["read:1:dribble:1021", "write:1:dribble:4093", "any:1:interrupt:2",
             f"any:{rng.randrange(1, 300)}:interrupt:3", "proxy:0:in:0:slice:1021",
             "proxy:0:out:0:slice:4099", "proxy:0:in:0:crumbs:3000"]
    trials.each(scenario(kind), amount(words, 2), at_once=1)


SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL]


@pytest.mark.majors(15)
@pytest.mark.parametrize("kind", into_server.KINDS)
def test_signals_at_random_moments(trials, scenario, rng, major, kind, amount):
    counts, wall = trials.dry_run(scenario(kind))
    words = [f"signal:{int(number)}:{rng.uniform(0, wall):.4f}" for number in SIGNALS]
    words += [f"any:{rng.randrange(1, counts['any'])}:signal:{int(number)}" for number in SIGNALS]
    # The last calls: where what was restored becomes what it is called.
    words += [f"any:{max(counts['any'] - rng.randrange(60), 1)}:signal:{int(number)}"
              for number in SIGNALS]
    trials.each(scenario(kind), amount(words, 2), at_once=1)


LINKED = ("custom-jobs", "custom-whole", "custom-replace", "stream-jobs", "script-whole", "classic-replace")


@pytest.mark.majors(13, 15, 18)
@pytest.mark.parametrize("kind", LINKED)
def test_links_that_end_between_messages(trials, scenario, rng, major, kind, amount):
    """Each connection at every so-many-th message, in both directions, and at the last ones."""
    places = []
    for number, stream in enumerate(trial.record(scenario(kind))):
        for way in ("in", "out"):
            starts = message_starts(stream[way])
            places += [f"{number + 1}:{way}:{at}" for at in {
                *starts[::max(len(starts) // 12, 1)], *starts[-4:]}]
    words = [f"proxy:{place}:{rng.choice(ENDINGS)}" for place in places]
    trials.each(scenario(kind), amount(sorted(words), 4), at_once=1)


@pytest.mark.majors(15)
@pytest.mark.parametrize("kind", ["custom", "stream-whole", "classic", "script-whole"])
def test_links_that_damage(trials, scenario, rng, major, kind, amount):
    """With TLS: without it PostgreSQL's protocol has no checksum of a statement or a row."""
    places = Places(trial.record(scenario(kind)), rng)
    words = [f"proxy:{places.choose()}:{action}:{arguments(action, rng)}"
             for action in DAMAGE for _ in range(6)]
    trials.each(scenario(kind), amount(words, 3), at_once=1)


@pytest.mark.majors(15)
@pytest.mark.parametrize("kind", ["custom-jobs", "stream-jobs", "classic-replace", "script-whole"])
def test_links_that_stall(trials, scenario, rng, major, kind, amount):
    """Then somebody gives up, by SIGTERM."""
    places = Places(trial.record(scenario(kind)), rng)
    trials.each(scenario(kind), amount([f"proxy:{places.choose()}:stall" for _ in range(8)], 1),
                at_once=1)


# ---- Places ---------------------------------------------------------------------------------------


@pytest.mark.majors(13, 15, 18)
@pytest.mark.parametrize("kind", ["folder-jobs", "custom-whole", "stream-jobs", "script", "numbered"])
def test_a_server_without_room(trials, scenario, rng, major, kind, amount):
    """The database's tablespace is too small by little or much; in the end it is large enough."""
    words = [f"room:{size << 10}" for size in (*amount(range(64, 1000, 64), 2), 60 << 10)]
    outcomes = trials.each(scenario(kind), words, at_once=1)
    assert trials.only or outcomes[-1].rc == 0


@pytest.mark.majors(15)
@pytest.mark.parametrize("kind", ["backup-stream", "stream", "custom"])
def test_a_spool_dir_that_fills_up(trials, scenario, rng, major, kind, amount):
    sizes = [*amount(range(4 << 10, 400 << 10, 24 << 10), 2), 64 << 20]
    outcomes = trials.each(scenario(kind), [f"disk:{size}" for size in sizes], at_once=1)
    assert trials.only or outcomes[-1].rc == 0


@pytest.mark.majors(15)
@pytest.mark.parametrize("kind", ["custom-jobs", "stream-whole", "script", "backup-stream"])
def test_limits(trials, pgcask_path, scenario, rng, major, kind, amount):
    least = next(mib for mib in range(4, 200)
                 if runs.execute(runs.Run([pgcask_path, "--version"],
                                          limit=(runs.RLIMIT_AS, mib << 20))).rc == 0)
    words = [f"limit:fsize:{size}" for size in (2000, 8192, 1 << 16)]
    words += [f"limit:nofile:{count}" for count in range(4, 26, 3)]
    words += [f"limit:as:{(least << 20) + rng.randrange(6 << 20)}" for _ in range(6)]
    trials.each(scenario(kind), amount(words, 3), at_once=1)
