"""Every call of the program fails once, on the tiny cluster; without --whole each fourth."""

import signal

import pytest

from faultkit import faults, tiny_scenarios

CALLS = [kind for kind in faults.ERRNOS if kind != "memory"]
# Here each one of them, with --whole; elsewhere, where most is the same code, each fourth.
EACH = ("backup-directory", "backup-tar", "backup-pipe", "ping-tls", "verify-directory",
        "verify-damaged", "restore-directory", "restore-tar", "restore-replace")


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_without_a_fault(tiny_scenarios, trials, name):
    """The scenarios judge themselves: otherwise nothing below means anything."""
    outcome = trials.run(tiny_scenarios[name], "any:1000000:none")
    assert outcome is None or outcome.rc == (1 if "damaged" in name else 0), outcome.stderr


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_each_call_fails(tiny_scenarios, trials, name, rng):
    step = 1 if name in EACH else 3
    for kind in CALLS:
        trials.sweep_sample(tiny_scenarios[name], kind, f"fail:{faults.ERRNOS[kind][0]}", rng, step)


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_a_call_fails_and_all_after_it(tiny_scenarios, trials, name, rng):
    """A disk that is gone for good, a table of open files that stays full."""
    for kind in CALLS:
        for number in faults.ERRNOS[kind]:
            trials.each(tiny_scenarios[name], [
                f"{kind}:{rng.randrange(1, 60)}:forever:{number}" for _ in range(4)])


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_other_failures(tiny_scenarios, trials, name, rng):
    for kind in CALLS:
        for number in faults.ERRNOS[kind][1:]:
            trials.each(tiny_scenarios[name], [
                f"{kind}:{rng.randrange(1, 60)}:fail:{number}" for _ in range(4)])


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_disturbances_that_do_no_harm(tiny_scenarios, trials, name):
    """Interrupted calls, short reads and short writes are nobody's failure."""
    words = [f"{kind}:{start}:{action}" for start in (1, 7, 30) for kind, action in (
        ("read", "dribble:1"), ("read", "dribble:3"), ("read", "dribble:1000"),
        ("write", "dribble:1000"), ("write", "dribble:4097"), ("any", "interrupt:2"),
        ("any", "interrupt:3"), ("read", "interrupt:2"), ("write", "interrupt:2"))]
    words += [f"{kind}:{n}:short:{size}" for n in range(1, 30, 3) for kind in ("read", "write")
              for size in (1, 511)]
    trials.each(tiny_scenarios[name], words)


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_a_signal_at_each_call(tiny_scenarios, trials, name, rng):
    for number in (signal.SIGTERM, signal.SIGKILL):
        trials.sweep_sample(tiny_scenarios[name], "any", f"signal:{number}", rng, 5)
    for number in (signal.SIGINT, signal.SIGHUP):
        trials.sweep_sample(tiny_scenarios[name], "any", f"signal:{number}", rng, 17)
