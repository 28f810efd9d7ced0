"""One scenario under one fault: run, judged, counted."""

import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import threading

import pytest

from . import faults, judge, proxy, runs

FAILURES_SHOWN = 12
PROBLEMS_MAX = 30  # a sweep that finds so much wrong ends early
AT_ONCE = 4  # runs; more than processors, since some wait for a deadline
_lock = threading.Lock()


class Ledger:
    """What the whole run came to; each process writes lines of its own into a folder."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / f"{os.getpid()}.jsonl"

    def note(self, scenario, fault, troubles):
        line = json.dumps([str(scenario), str(fault), sorted({kind for kind, _ in troubles})])
        with _lock, open(self.path, "a") as file:
            file.write(line + "\n")

    @staticmethod
    def read(folder):
        """[(scenario, fault, kinds of trouble)] of all processes."""
        return [tuple(json.loads(line)) for path in sorted(pathlib.Path(folder).glob("*.jsonl"))
                for line in path.read_text().splitlines()]


def record(scenario, **circumstances):
    """What goes through each connection of a run without a fault, both ways."""
    with runs.folder() as folder:
        case = scenario.case(folder)
        vars(case.run).update(circumstances)
        with proxy.Proxy(scenario.server.host, scenario.server.port, record=True) as link:
            case.aim(link.host, link.port)
            assert runs.execute(case.run).rc == (1 if circumstances else 0)
        case.close()
    return link.streams


class Trials:
    """Makes trials for one test, and fails it at the end with all that was wrong."""

    def __init__(self, ledger, only=None, stride=1):
        self.ledger = ledger
        self.stride = stride  # of what sweep_sample() would run, each so many-th
        self.only = only  # (scenario, fault): nothing else is run, and this once
        self._only_run = False
        self.problems = []
        self.counts = collections.Counter()
        self.outcomes = []
        self._pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)

    def dry_run(self, scenario):
        """The counts of calls of a run without a fault, and how long it takes."""
        if self.only:
            return {kind: 1000 for kind in runs.KINDS}, 1
        outcome = self.run(scenario, "any:1000000000:none")
        assert outcome.rc == (1 if getattr(scenario, "damaged", False) else 0), outcome.stderr
        return outcome.counts, outcome.wall

    def run(self, scenario, fault):
        """Runs it once; returns the Outcome. A fault that did not strike is not counted."""
        if isinstance(fault, str):
            fault = faults.parse(fault)
        if self.only:
            if self._only_run or self.only != (str(scenario), str(fault)):
                return None
            self._only_run = True
        with runs.folder() as folder, contextlib.ExitStack() as stack:
            if isinstance(fault, faults.Disk):
                stack.enter_context(faults.small_disk(folder, fault.size))
            case = scenario.case(folder)
            with fault.applied(case):
                case.outcome = outcome = runs.execute(case.run)
                if case.looks_at_server_at_once and not fault.blocks_server:
                    case.look_at_server()
            case.look_at_server()
            troubles = judge.judge(case, fault, outcome)
            case.close()
        if fault.struck(outcome):
            self.ledger.note(scenario, fault, troubles)
        troubles = [trouble for trouble in troubles if trouble[0] != "library"]
        if troubles or self.only:
            self._tell(scenario, fault, outcome, troubles)
        return outcome

    def _tell(self, scenario, fault, outcome, troubles):
        """Problems that look alike, hit in the same place, are told once and counted."""
        if troubles:
            kind = (str(scenario), troubles[0][0], outcome.hit.partition(" ")[0],
                    tuple(outcome.frames[:6]) if not outcome.run.shim.startswith("memory")
                    else tuple(frame for frame in outcome.frames if frame[0])[:3])
            with _lock:
                self.counts[kind] += 1
                if self.counts[kind] > 1:
                    return
        lines = [f"--fault '{scenario} {fault}'"]
        lines += [f"    {kind}: {text}" for kind, text in troubles]
        lines.append(f"    exit status {outcome.rc} after {outcome.wall:.2f} s, hit: "
                     f"{outcome.hit or '-'} of {outcome.module}")
        way = runs.where(scenario.program, outcome)
        if way:
            lines.append(f"    {way}")
        lines += [f"    | {line}" for line in outcome.stderr.splitlines()[:12]]
        with _lock:
            if self.only:
                print("\n".join(lines))
            if troubles:
                self.problems.append("\n".join(lines))

    def each(self, scenario, words, at_once=AT_ONCE):
        """Runs under each of these faults, several at a time: many just wait."""
        if self.only:
            return [self.run(scenario, self.only[1])]
        if at_once == 1:
            return [self.run(scenario, word) for word in words]
        return list(self._pool.map(lambda word: self.run(scenario, word), words))

    def sweep(self, scenario, kind, action, start=1, step=1, at_once=AT_ONCE):
        """n = start, start + step, … until n lies behind the last call of a run."""
        if self.only:
            return self.run(scenario, self.only[1])
        while len(self.problems) < PROBLEMS_MAX:
            numbers = range(start, start + step * AT_ONCE * 4, step)
            words = [f"{kind}:{n}:{action}" for n in numbers]
            outcomes = self.each(scenario, words, at_once)
            if not outcomes[-1].hits:
                return
            start = numbers[-1] + step

    def sweep_sample(self, scenario, kind, action, rng, step=1):
        """The sweep of each step-th call, or a sample of it: always the same for the same seed."""
        step *= self.stride
        return self.sweep(scenario, kind, action, start=rng.randrange(step) + 1, step=step)

    def finish(self):
        self._pool.shutdown()
        if not self.problems:
            return
        shown = self.problems[:FAILURES_SHOWN]
        pytest.fail(f"{sum(self.counts.values())} runs were not in order, in "
                    f"{len(self.problems)} different ways\n" + "\n".join(shown),
                    pytrace=False)
