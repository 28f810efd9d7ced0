"""Options, fixtures and the count of the fault tests. Servers and tools are tests/integration's.

    /usr/bin/python3 -m pytest tests/faults -q -n 2 --pgcask build/release/pgcask

README.md beside this file says how to read what it prints and how to repeat one run.
"""

import collections
import importlib.util
import os
import pathlib
import random
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

_spec = importlib.util.spec_from_file_location("integration_conftest",
                                               HERE.parent / "integration/conftest.py")
integration = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(integration)

from faultkit import faults, real, tiny, trial  # noqa: E402
from faultkit import tiny_scenarios as tiny_scenarios_module  # noqa: E402
from pgcask_testing import temp, tls  # noqa: E402

# Its hooks and fixtures, by name: what is not used here is not taken.
pytest_unconfigure = integration.pytest_unconfigure
pytest_generate_tests = integration.pytest_generate_tests
pgcask_path = integration.pgcask_path
session_servers = integration.session_servers

FAULTS_WANTED = {"physical": 2000, "logical": 500, "restores into servers": 100}
SAMPLE = 4  # of the sweeps over the tiny cluster each so many-th call; --whole takes all


def pytest_addoption(parser):
    integration.pytest_addoption(parser)
    parser.addoption("--fault", metavar="'SCENARIO FAULT'",
                     help="only this run, and tell how it went (give -s too)")
    parser.addoption("--fault-seed", type=int, metavar="N",
                     help="what random choices begin with (printed by each run)")


def pytest_configure(config):
    integration.pytest_configure(config)
    config.addinivalue_line("markers", "majors(*numbers): run the test on these majors only")
    if config.getoption("--fault-seed") is not None:
        os.environ["PGCASK_FAULT_SEED"] = str(config.getoption("--fault-seed"))
    # Workers of xdist have the environment of the process that started them.
    os.environ.setdefault("PGCASK_FAULT_SEED", str(random.randrange(1_000_000)))
    if not hasattr(config, "workerinput"):
        os.environ["PGCASK_FAULT_LEDGER"] = tempfile.mkdtemp(prefix="pgcask-faults-")


def pytest_report_header(config):
    return f"faults: --fault-seed {os.environ['PGCASK_FAULT_SEED']}"


def _whole_run(config):
    return not (config.getoption("--fault") or config.getoption("-k") or
                config.getoption("--major") or
                any("::" in word or word.endswith(".py") for word in config.args))


def _job(scenario):
    if scenario.startswith("into"):
        return "restores into servers"
    return "logical" if scenario.startswith("logical") else "physical"


def _too_few(notes):
    """Of which kind of backup a whole run injects too few faults."""
    count = collections.Counter(_job(scenario) for scenario, _, _ in notes)
    return [job for job, wanted in FAULTS_WANTED.items() if count[job] < wanted]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    config = session.config
    if hasattr(config, "workerinput") or exitstatus not in (0, 1) or config.option.collectonly:
        return
    if _whole_run(config) and _too_few(trial.Ledger.read(os.environ["PGCASK_FAULT_LEDGER"])):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    if hasattr(config, "workerinput"):
        return
    folder = os.environ["PGCASK_FAULT_LEDGER"]
    notes = trial.Ledger.read(folder)
    shutil.rmtree(folder, ignore_errors=True)
    if config.option.collectonly:
        return
    terminalreporter.section("fault kit")
    terminalreporter.write_line(f"--fault-seed {os.environ['PGCASK_FAULT_SEED']}")
    for job in FAULTS_WANTED:
        kinds = collections.Counter(faults.family(fault) for name, fault, _ in notes
                                    if _job(name) == job)
        each = ", ".join(f"{kind} {number}" for kind, number in kinds.most_common())
        terminalreporter.write_line(f"{job}: {kinds.total()} faults ({each})")
    count = collections.Counter(kind for _, _, kinds in notes for kind in kinds)
    terminalreporter.write_line(", ".join(f"{kind}: {count[kind]}" for kind in (
        "crash", "hang", "message", "failure", "library")))
    terminalreporter.write_line(
        f"faults injected: {len(notes)}, false successes: {count['false success']}, "
        f"leftovers: {count['leftover']}")
    if _whole_run(config):
        for job in _too_few(notes):
            terminalreporter.write_line(
                f"FAILED: of a whole run at least {FAULTS_WANTED[job]} faults are {job}")


# ---- What the tests ask for -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def ledger():
    return trial.Ledger(os.environ["PGCASK_FAULT_LEDGER"])


@pytest.fixture
def trials(request, ledger):
    """A trial.Trials; at its end the test fails if one of them was not in order."""
    wanted = request.config.getoption("--fault")
    return trial.Trials(ledger, tuple(wanted.split(" ", 1)) if wanted else None,
                        stride=1 if request.config.getoption("--whole") else SAMPLE)


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    outcome = yield
    outcome.get_result()
    if "trials" in pyfuncitem.funcargs:
        pyfuncitem.funcargs["trials"].finish()


@pytest.fixture
def rng(request):
    """Random choices of this test: the same ones for the same --fault-seed."""
    return random.Random(f"{os.environ['PGCASK_FAULT_SEED']} {request.node.name}")


@pytest.fixture(scope="session")
def certificate():
    authority = tls.Authority(temp.new_dir("tls"))
    return authority.issue("server", "localhost", ("IP:127.0.0.1",))


@pytest.fixture(scope="session")
def tiny_servers(certificate):
    made = {14: tiny.PerThread(14), 15: tiny.PerThread(15),
            "tls": tiny.PerThread(15, certificate=certificate, password="secret")}
    yield made
    for server in made.values():
        server.close()


@pytest.fixture(scope="session")
def tiny_scenarios(pgcask_path, tiny_servers):
    """{name: scenario} over the tiny cluster: tiny_scenarios.NAMES."""
    return tiny_scenarios_module.make(str(pgcask_path), tiny_servers, temp.new_dir("tiny"))


@pytest.fixture(scope="session")
def real_server(session_servers):
    """real_server(major) -> the one RealServer of that major."""
    made = {}

    def make(major):
        if major not in made:
            authority = tls.Authority(temp.new_dir("tls"))
            made[major] = real.RealServer(session_servers.create(major), authority)
        return made[major]

    return make
