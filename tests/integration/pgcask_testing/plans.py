"""What comes before a restore: which entries, what is in the way, the database itself."""

import json

import pytest

from . import paths, process


class Plan:
    def __init__(self, result):
        self.result = result
        lines = [json.loads(line) for line in result.stdout_bytes.decode().splitlines()]
        self.findings = [line for line in lines if "finding" in line]
        self.failures = [line for line in lines if "failure" in line]
        self.entries = self.databases = self.text = None
        for line in lines:
            if "entries" in line:
                self.entries = [number for number, _ in line["entries"]]
            if "plan" in line:
                self.databases, self.text = line["plan"], line["text"]

    @property
    def told(self):
        """What was found, a word for whether it is fatal before each."""
        return [("fatal: " if f["fatal"] else "warning: ") + f["finding"] for f in self.findings]


class Planner:
    """plan_probe.c: members of the request, whether or not an option fills them yet."""

    def __init__(self, program):
        self.program = program

    def __call__(self, uri, archive, *members, check=True):
        plan = Plan(process.run([self.program, uri, archive, *members], timeout=120))
        for finding in plan.findings:
            assert finding["hint"], str(plan.result)
        if uri != "-" and plan.databases is not None:
            refused = any(finding["fatal"] for finding in plan.findings)
            assert plan.result.rc == int(refused) or not check, str(plan.result)
        return plan


@pytest.fixture(scope="session")
def planner(request):
    return Planner(paths.probe(request, "plan_probe"))
