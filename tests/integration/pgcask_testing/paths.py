"""Where the servers, the stock tools and pgcask are."""

import os
import pathlib

REPO = pathlib.Path(__file__).resolve().parents[3]

MAJORS = (13, 14, 15, 16, 17, 18)
STOCK_MAJORS = (15, 17, 18)
NEWEST = STOCK_MAJORS[-1]


def cache_dir():
    """The same rule as in tests/servers/cache.sh."""
    if os.environ.get("PGCASK_TEST_CACHE"):
        return pathlib.Path(os.environ["PGCASK_TEST_CACHE"])
    if os.geteuid() == 0:
        return pathlib.Path("/var/cache/pgcask-tests")
    return pathlib.Path.home() / ".cache/pgcask-tests"


def _existing(path):
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; tests/servers/install installs it")
    return path


def server_bin(major, flavour="npm"):
    """The folder of initdb, pg_ctl and postgres.

    "npm": all majors, without lz4 and zstd. "debian": 15, 17 and 18, with both. "newest": the same
    in the newest minor release that Debian's suites have.
    """
    kind = {"npm": "server", "debian": "stock", "newest": "newest"}[flavour]
    return _existing(cache_dir() / kind / str(major) / "bin")


def flavours(major):
    """Servers of a major that may be of different minor releases, the oldest first."""
    return ("npm", "newest") if major in STOCK_MAJORS else ("npm",)


def stock(tool, major=NEWEST, flavour="debian"):
    """One of Debian's own tools: of that major, or the nearest newer one that Debian has.

    A server of the flavour "newest" may need tools that are as new.
    """
    kind = "newest" if flavour == "newest" else "stock"
    return str(_existing(cache_dir() / kind / str(stock_major(major)) / "bin" / tool))


def probe(request, name):
    """A program of tests/integration/NAME.c: $PGCASK_NAME, else beside pgcask."""
    variable = f"PGCASK_{name.upper()}"
    beside = pathlib.Path(request.config.getoption("--pgcask")).with_name(name)
    path = pathlib.Path(os.environ.get(variable, beside)).resolve()
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: build it, or name another in {variable}")
    return path


def stock_major(major):
    return next(have for have in STOCK_MAJORS if have >= major)
