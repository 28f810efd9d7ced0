"""Disks that fill up, and limits of the process."""

import pytest

from faultkit import runs, tiny_scenarios

TARGETS = ("backup-directory", "backup-directory-14", "backup-tar", "backup-in-place", "backup-json",
           "restore-directory", "restore-tar", "restore-in-place", "restore-replace")
KIB = 1024


@pytest.mark.parametrize("name", TARGETS)
def test_a_disk_that_fills_up(tiny_scenarios, trials, name):
    """Of every size that is too small, by some steps, and of one that is large enough."""
    scenario = tiny_scenarios[name]
    least = 1400 if name == "restore-replace" else 8  # where the old cluster has room
    outcomes = trials.each(scenario, [
        f"disk:{size * KIB}" for size in (*range(least, 64, 8), *range(max(64, least), 1600, 40),
                                          8000)])
    assert trials.only or (outcomes[-1].rc == 0 and outcomes[0].rc == 1)


@pytest.mark.parametrize("name", TARGETS)
def test_a_limit_of_the_size_of_files(tiny_scenarios, trials, name):
    # What it says goes into a file, too.
    sizes = (2000, 4000, 4096, 8000, 8191, 8192, 8193, 27000, 33279, 33280, 60000,
             (1 << 20) - 1, 1 << 20, (1 << 20) + 20000)
    trials.each(tiny_scenarios[name], [f"limit:fsize:{size}" for size in sizes])


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_a_limit_of_open_files(tiny_scenarios, trials, name):
    trials.each(tiny_scenarios[name], [f"limit:nofile:{count}" for count in range(4, 34, 2)])


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_a_limit_of_memory(tiny_scenarios, trials, pgcask_path, name):
    """From where the program can just be loaded on."""
    least = next(mib for mib in range(4, 200)
                 if runs.execute(runs.Run([pgcask_path, "--version"],
                                          limit=(runs.RLIMIT_AS, mib << 20))).rc == 0)
    trials.each(tiny_scenarios[name], [
        f"limit:as:{(least << 20) + step * 96 * KIB}" for step in range(0, 60, 6)])


@pytest.mark.parametrize("name", ["backup-pipe", "backup-json"])
def test_an_output_that_is_full(tiny_scenarios, trials, name):
    trials.run(tiny_scenarios[name], "full")
