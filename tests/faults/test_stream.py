"""A link that breaks, stalls, dawdles and damages what it carries, at any byte."""

import struct

import pytest

from faultkit import faults, trial

BACKUPS = ("backup-impatient", "backup-impatient-14", "backup-impatient-tls")
ENDINGS = ("cut", "half", "reset")
DAMAGE = ("flip", "replace", "drop", "double", "insert")
EACH_ENDING = 40
EACH_DAMAGE = 40
STALLS = 16


@pytest.fixture(scope="module")
def recorded(tiny_scenarios, tmp_path_factory):
    """recorded(scenario) -> what goes through each connection without a fault, both ways."""
    made = {}

    def record(scenario):
        if scenario.name not in made:
            made[scenario.name] = trial.record(scenario)
        return made[scenario.name]

    return record


def message_starts(stream):
    """Offsets of messages, as far as the stream looks like some."""
    at, found = 0, []
    while at + 5 <= len(stream):
        found.append(at)
        (length,) = struct.unpack(">I", stream[at + 1:at + 5])
        at += 1 + length
    return found


class Places:
    """Random places in recorded streams: half of them within a message's first bytes."""

    def __init__(self, streams, rng):
        self.rng = rng
        self.lanes = [(number + 1, direction, stream[direction])
                      for number, stream in enumerate(streams) for direction in ("in", "out")
                      if stream[direction]]
        self.starts = {}

    def choose(self):
        number, direction, stream = self.rng.choice(self.lanes)
        # Most of what there is comes in on one connection.
        if self.rng.random() < 0.5:
            number, direction, stream = max(self.lanes, key=lambda lane: len(lane[2]))
        offset = self.rng.randrange(len(stream))
        if self.rng.random() < 0.5:
            key = number, direction
            if key not in self.starts:
                self.starts[key] = message_starts(stream)
            if self.starts[key]:
                offset = self.rng.choice(self.starts[key]) + self.rng.randrange(8)
        return f"{number}:{direction}:{min(offset, len(stream) - 1)}"


def arguments(action, rng):
    return {"flip": rng.randrange(8), "replace": rng.randrange(256), "drop": rng.randrange(1, 600),
            "double": rng.randrange(1, 600), "insert": rng.randrange(1, 600)}.get(action, 0)


@pytest.mark.parametrize("name", BACKUPS)
def test_links_that_end(tiny_scenarios, trials, recorded, rng, name):
    places = Places(recorded(tiny_scenarios[name]), rng)
    trials.each(tiny_scenarios[name], [
        f"proxy:{places.choose()}:{action}" for action in ENDINGS for _ in range(EACH_ENDING)])


@pytest.mark.parametrize("name", BACKUPS)
def test_links_that_damage(tiny_scenarios, trials, recorded, rng, name):
    places = Places(recorded(tiny_scenarios[name]), rng)
    trials.each(tiny_scenarios[name], [
        f"proxy:{places.choose()}:{action}:{arguments(action, rng)}"
        for action in DAMAGE for _ in range(EACH_DAMAGE)])


@pytest.mark.parametrize("name", BACKUPS)
def test_links_that_stall(tiny_scenarios, trials, recorded, rng, name):
    places = Places(recorded(tiny_scenarios[name]), rng)
    trials.each(tiny_scenarios[name],
                [f"proxy:{places.choose()}:stall" for _ in range(STALLS)])


@pytest.mark.parametrize("name", BACKUPS)
def test_links_that_dawdle(tiny_scenarios, trials, recorded, rng, name):
    """Any division into pieces and a pause anywhere do no harm."""
    places = Places(recorded(tiny_scenarios[name]), rng)
    words = [f"proxy:0:{way}:0:slice:{size}" for way in ("in", "out") for size in (113, 4099, 8191)]
    words += [f"proxy:0:{way}:0:crumbs:6000" for way in ("in", "out")]
    words += [f"proxy:{places.choose()}:crumbs:2000" for _ in range(6)]
    words += [f"proxy:{places.choose()}:delay:150" for _ in range(12)]
    trials.each(tiny_scenarios[name], words)


def test_one_byte_at_a_time(tiny_scenarios, trials):
    trials.run(tiny_scenarios["ping"], "proxy:0:in:0:slice:1")
    trials.run(tiny_scenarios["ping-tls"], "proxy:0:in:0:slice:1")
    assert faults.parse("proxy:0:in:0:slice:1").harmless
