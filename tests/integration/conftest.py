"""Fixtures and options of the integration tests; the tools themselves are in pgcask_testing.

    /usr/bin/python3 -m pytest tests/integration --major 15 --pgcask build/dev/pgcask

Clusters and backups live below $PGCASK_TEST_TMP, by default /tmp. PGCASK_TEST_TMP=/dev/shm is two
or three times faster where there are some GB of memory to spare.
"""

import contextlib
import os
import pathlib
import re
import signal
import threading
import zlib

import pytest

pytest.register_assert_rewrite("pgcask_testing")

from pgcask_testing import paths, process, temp, tls  # noqa: E402
from pgcask_testing.servers import ServerFactory  # noqa: E402


def pytest_addoption(parser):
    parser.addoption(
        "--major", action="append", type=int, choices=paths.MAJORS, metavar="N",
        help="only this PostgreSQL major (may be given several times; all by default)",
    )
    parser.addoption(
        "--pgcask", default=os.environ.get("PGCASK", str(paths.REPO / "build/release/pgcask")),
        metavar="PATH", help="the program to test (default $PGCASK, else build/release/pgcask)",
    )
    parser.addoption("--whole", action="store_true",
                     help="whole sweeps where a sample is usual: hours")
    parser.addoption("--sweep-moments", type=int, metavar="N",
                     help="with --whole: N moments of each change in test_ddl.py, not every one")
    parser.addoption("--sweep-seed", type=int, default=1, metavar="N", help="which moments")
    parser.addoption("--sweep-minutes", type=float, default=1e9, metavar="N",
                     help="no further change is begun after that")
    parser.addoption("--sweep-record", metavar="FILE",
                     help="where outcomes are added; a change that stands there is not run again")
    parser.addoption("--keep", action="store_true", help="leave clusters and backups behind")


def pytest_configure(config):
    if config.getoption("--keep"):
        os.environ["PGCASK_TEST_KEEP"] = "1"

    # However it is ended from outside: fixtures are torn down, as after Ctrl-C.
    def interrupt(number, frame):
        raise KeyboardInterrupt

    # A worker of pytest-xdist may run in another thread than the first, which may set none.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, interrupt)


def pytest_unconfigure(config):
    temp.close()


def pytest_generate_tests(metafunc):
    """A test with an argument `major` runs once for each, or for those of @pytest.mark.majors."""
    if "major" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("majors")
        majors = marker.args if marker else paths.MAJORS
        wanted = metafunc.config.getoption("--major") or paths.MAJORS
        metafunc.parametrize("major", [m for m in majors if m in wanted], scope="session")


# Files whose tests share a server of their major: they are put in the order of versions, so that it
# is made once for each (pytest itself orders by the place in a list of versions, which differs), and
# workers share them out by file and version, others by file.
BY_MAJOR = ("test_logical", "test_large_objects", "test_managed", "test_ddl", "test_closed_catalogs",
            "test_encodings", "test_physical", "test_archive", "test_near_misses", "test_restore_")
# What takes longest begins first: nobody waits for it alone at the end.
SLOWEST = ("test_logical_long_texts", "test_logical_sizes", "test_ddl", "test_closed_catalogs",
           "test_logical_all_databases", "test_physical", "test_postgresql_databases",
           "test_logical_packages", "test_large_objects", "test_logical_contrib", "test_encodings",
           "test_plakar", "test_restore", "test_logical_public", "test_logical_manners",
           "test_logical_filters")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if not (config.getoption("--whole") or config.getoption("--major")):
        samples = Samples(items)
        left_out = [item for item in items if not samples.has(item)]
        items[:] = [item for item in items if samples.has(item)]
        config.hook.pytest_deselected(items=left_out)
    first = {}
    for number, item in enumerate(items):
        first.setdefault(item.path, number)
    items.sort(key=lambda item: (rank_of(item), first[item.path], major_of(item)))


def rank_of(item):
    return next((rank for rank, name in enumerate(SLOWEST) if item.path.name.startswith(name)),
                len(SLOWEST))


def major_of(item):
    if not item.path.name.startswith(BY_MAJOR):
        return 0
    major = item.callspec.params.get("major") if hasattr(item, "callspec") else 0
    return major if isinstance(major, int) else 0  # of a test that none of --major is for


class Samples:
    """@pytest.mark.sampled: what it shows is of our own code, the same whatever the version is.

    Each case runs on the oldest and the newest of its versions and on one between that turns from
    case to case; with @pytest.mark.sampled(1) on one alone, that turns. Always the same ones;
    --whole runs all, --major all that it names.
    """

    def __init__(self, items):
        self._cases = {}  # {(file, test): {case: (its place, its versions)}}
        for item in items:
            if item.get_closest_marker("sampled") and "major" in getattr(item, "fixturenames", ()):
                cases = self._cases.setdefault(self._test(item), {})
                cases.setdefault(self._case(item), (len(cases), set()))[1].add(self._major(item))

    @staticmethod
    def _test(item):
        return item.path.name, item.originalname

    @staticmethod
    def _case(item):
        return item.name.replace(f"[{item.callspec.params['major']}", "[", 1)

    @staticmethod
    def _major(item):
        return item.callspec.params["major"]

    def has(self, item):
        if self._test(item) not in self._cases:
            return True
        place, majors = self._cases[self._test(item)][self._case(item)]
        majors = sorted(majors)
        place += zlib.crc32("/".join(self._test(item)).encode())  # tests begin with different ones
        if item.get_closest_marker("sampled").args == (1,):
            return self._major(item) == majors[place % len(majors)]
        ends, between = {majors[0], majors[-1]}, majors[1:-1]
        turn = {between[place % len(between)]} if between else set()
        return self._major(item) in ends | turn


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """--dist loadfile, with the files of BY_MAJOR cut into versions."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            major = re.search(r"\[(\d+)[-\]]", nodeid)
            if major and file.rpartition("/")[2].startswith(BY_MAJOR):
                return f"{file} {major[1]}"
            return file

    return Scheduling(config, log)


def _factory():
    factory = ServerFactory()
    try:
        yield factory
    finally:
        factory.close()


@pytest.fixture
def servers():
    """A ServerFactory whose clusters end with the test."""
    yield from _factory()


@pytest.fixture(scope="module")
def module_servers():
    """A ServerFactory whose clusters end with the test file."""
    yield from _factory()


@pytest.fixture(scope="session")
def session_servers():
    """A ServerFactory whose clusters end with the session."""
    yield from _factory()


@pytest.fixture
def server(servers, major):
    """A new running server of the major."""
    return servers.create(major)


@pytest.fixture(scope="session")
def shared_server(major):
    """One running server for all tests of a major that only read from it."""
    factory = ServerFactory()
    try:
        yield factory.create(major)
    finally:
        factory.close()


@pytest.fixture
def workdir():
    """A new folder that servers can reach, unlike tmp_path; removed after the test."""
    path = temp.new_dir("work")
    yield path
    temp.remove(path)


@pytest.fixture
def small_disk():
    """small_disk(mb) -> an empty folder with room for that much, to run out of."""
    with contextlib.ExitStack() as stack:
        yield lambda mb: stack.enter_context(temp.small_disk(mb))


@pytest.fixture(scope="session")
def authority():
    """A tls.Authority: makes certificates for servers and clients."""
    return tls.Authority(temp.new_dir("tls"))


@pytest.fixture(scope="session")
def pgcask_path(request):
    path = pathlib.Path(request.config.getoption("--pgcask")).resolve()
    if not path.exists():
        pytest.fail(f"{path} is not there: build it, or name another with --pgcask")
    return path


@pytest.fixture(scope="session")
def probe_program(request):
    """The program of wire_probe.c."""
    return paths.probe(request, "wire_probe")


@pytest.fixture(scope="session")
def pgcask(pgcask_path):
    """pgcask(*args, env=, timeout=, input=, cwd=, user=, stdin=, stdout=) -> process.Result.

    PG* variables and HOME are not set unless env says so.
    """

    def call(*args, timeout=120, **options):
        return process.run([pgcask_path, *args], timeout=timeout, **options)

    return call


@pytest.fixture
def pgcask_popen(pgcask_path):
    """The same in the background: a process.Process, killed at the test's end if it still runs."""
    started = []

    def start(*args, **options):
        started.append(process.Process([pgcask_path, *args], **options))
        return started[-1]

    yield start
    for running in started:
        running.__exit__()
