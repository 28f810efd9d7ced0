"""Logical restores: by our program and by stock pg_restore, and what differs between the two."""

import collections
import json

import pytest

from . import logical, paths, process

# One message, whichever tool reports it.
Outcome = collections.namedtuple("Outcome", "result failures report")


class Restorer:
    """restore_probe.c: every member of the request, whether or not an option fills it yet."""

    def __init__(self, program):
        self.program = program

    def start(self, server, db, source, *members, **more):
        return process.Process(self._command(server, db, source, members), **more)

    def __call__(self, server, db, source, *members, timeout=600, **more):
        """Restores into a database that is there; an Outcome."""
        result = process.run(self._command(server, db, source, members), timeout=timeout, **more)
        lines = [json.loads(line) for line in result.stdout_bytes.decode().splitlines()]
        return Outcome(result, [line for line in lines if "object" in line],
                       lines[-1] if lines else None)

    def _command(self, server, db, source, members):
        named = [] if db is None else [f"database={db}"]
        return [self.program, server.uri("postgres"), source, *named, *members]


@pytest.fixture(scope="session")
def restorer(request):
    return Restorer(paths.probe(request, "restore_probe"))


def facts(server, db):
    """All that a restore brings: schema, rows, sequences, large objects."""
    return (logical.dump_schema(server, db), logical.table_sums(server, db),
            logical.large_objects(server, db))


def by_stock(server, db, archive, copy, *options):
    """Facts of what stock pg_restore makes of an archive, and what it complained of."""
    logical.create_like(server, db, copy)
    result = logical.restore(server, archive, copy, *options, check=False)
    complaints = collections.Counter(
        line.split("ERROR:", 1)[1].strip() for line in result.stderr.splitlines()
        if "ERROR:" in line and logical.NOT_OURS not in line)
    return facts(server, copy), complaints


def by_ours(restorer, server, db, archive, copy, *members, **more):
    """The same of ours, with what came of it."""
    logical.create_like(server, db, copy)
    outcome = restorer(server, copy, archive, *members, **more)
    complaints = collections.Counter(failure["message"] for failure in outcome.failures)
    return facts(server, copy), complaints, outcome


def assert_alike(restorer, server, db, archive, *members, options=()):
    """What ours restores is what stock pg_restore does; the outcome. Both copies are dropped."""
    theirs, complaints = by_stock(server, db, archive, "by stock", *options)
    ours, own_complaints, outcome = by_ours(restorer, server, db, archive, "by ours", *members)
    assert own_complaints == complaints, str(outcome.result)
    for one, other in zip(theirs, ours):
        different = logical._difference(one, other)
        assert not different, "\n".join(different)
    assert outcome.result.rc == (3 if outcome.report["failures"] else 0), str(outcome.result)
    for copy in ("by stock", "by ours"):
        logical.drop(server, copy)
    return outcome
