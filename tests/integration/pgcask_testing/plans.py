"""What comes before a restore: which entries, what is in the way, the database itself."""

import json

import pytest

from . import paths, process


class Plan:
    def __init__(self, result):
        self.result = result
        lines = [json.loads(line) for line in result.stdout_bytes.decode().splitlines()]
        self.findings = [line for line in lines if "finding" in line]
        self.failures = [line for line in lines if "statement" in line]
        plans = [line for line in lines if "plan" in line]  # one for each archive
        self.databases = [db for line in plans for db in line["plan"]] or None
        self.text = "".join(line["text"] for line in plans)
        self.entries = [e["id"] for db in self.databases or () for e in db.get("list", ())]

    @property
    def told(self):
        """What was found, a word for whether it is fatal before each."""
        return [("fatal: " if f["fatal"] else "warning: ") + f["finding"] for f in self.findings]


class Planner:
    """restore_probe.c: a restore that ends before it begins, unless it is to be done."""

    def __init__(self, program):
        self.program = program

    def __call__(self, uri, archive, *members, do=False):
        plan = Plan(process.run(
            [self.program, uri, archive, *members, *([] if do else ["dry_run"])], timeout=120))
        for finding in plan.findings:
            assert finding["hint"], str(plan.result)
        if plan.databases is not None and not do:
            refused = (any(finding["fatal"] for finding in plan.findings)
                       or "matches nothing" in plan.result.stderr)
            assert plan.result.rc == int(refused), str(plan.result)
        return plan


@pytest.fixture(scope="session")
def planner(request):
    return Planner(paths.probe(request, "restore_probe"))
