"""Logical backups of databases that hold every kind, beside what stock tools make of them."""

import shutil

import pytest

from pgcask_testing import logical, oracles, paths, temp

SCRIPTS = paths.REPO / "tests/integration/logical"
EXTENSION = "pgcask_configured"


def script(name):
    return (SCRIPTS / f"{name}.sql").read_text()


def install_extension(major):
    """Our own small extension among the server's; always the same files, so they may stay."""
    folder = paths.server_bin(major).parent / "share/postgresql/extension"
    for source in SCRIPTS.glob(f"{EXTENSION}*"):
        if not (folder / source.name).exists() or (
                (folder / source.name).read_bytes() != source.read_bytes()):
            new = folder / f".{source.name}.{temp.root().name}"
            shutil.copyfile(source, new)
            new.chmod(0o644)
            new.rename(folder / source.name)


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    """One server a major, with the roles that the scripts name."""
    server = module_servers.create(major)
    logical.run_sql(server, "postgres", script("roles"))
    install_extension(major)
    yield server
    server.close()


def make(server, name, *scripts, options=""):
    logical.run_sql(server, "postgres",
                    f'DROP DATABASE IF EXISTS "{name}";\nCREATE DATABASE "{name}" {options};')
    for text in scripts:
        logical.run_sql(server, name, text)
    return name


# Every kind, by itself

SINCE = {"since_14": 14, "since_15": 15, "since_16": 16, "since_17": 17, "since_18": 18}


@pytest.mark.parametrize("name", [
    "kinds", "more_kinds", "names", "data", "trees", "loops", "extensions", *SINCE])
def test_a_restored_copy_is_equal(pgcask, cluster, major, workdir, name):
    if major < SINCE.get(name, 0):
        return
    db = make(cluster, name, script(name))
    logical.round_trip(pgcask, cluster, db, workdir)
