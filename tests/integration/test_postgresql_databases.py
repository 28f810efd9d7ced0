"""PostgreSQL's own test databases: what is restored is no farther from them than stock tools bring it.

Their statements come from PostgreSQL's sources (tests/servers/install-source), are run as they are,
also on servers of other majors than they were written for, and what a server refuses is passed over.
CI has those of 15; with --whole, those of every major on every server.
"""

import os
import shutil
import subprocess

import pytest

from pgcask_testing import logical, paths, process

# Whose statements a server of each major gets.
STATEMENTS = {13: 13, 14: 13, 15: 15, 16: 15, 17: 18, 18: 18}
SAMPLE = 15

# Those that look at the server and make nothing, or wait.
PASSED_OVER = {"tablespace", "misc_sanity", "opr_sanity", "type_sanity", "oidjoins", "database",
               "maintain_every", "stats", "vacuum_parallel", "psql_crosstab"}

# public's privileges of 13 and 14 are what later tools take for the usual ones, though a new database
# of these majors has others: an archive that says nothing of them would bring them back wrong.
FURTHER = {13: ["ACL - SCHEMA public postgres"], 14: ["ACL - SCHEMA public postgres"]}

# What a user adds to an operator family of the system, pg_dump leaves out.
OF_THE_SYSTEM = ["OPERATOR FAMILY pg_catalog integer_ops "]


def source(major):
    folder = paths.cache_dir() / "source" / str(major)
    if not (folder / "complete").exists():
        subprocess.run([paths.REPO / "tests/servers/install-source", str(major)], check=True)
    return folder


@pytest.fixture
def cluster_for(request, major, servers):
    """A server for statements of a major, unless that is more than the sample."""
    def make(of):
        if (major, of) != (SAMPLE, SAMPLE) and not request.config.getoption("--whole"):
            pytest.skip("part of the whole")
        # The newest minor release, because the statements are of one.
        server = servers.create(major, flavour=paths.flavours(major)[-1], conf={
            "wal_level": "logical", "max_prepared_transactions": "2"})
        logical.run_sql(server, "postgres", logical.script("roles"))
        return server

    return make


def prepare_regression(tests, workdir, major):
    """A folder as pg_regress makes it, where servers may read and write."""
    build = workdir / "build"
    shutil.copytree(tests / "sql", build / "sql")
    for name in ("results", "expected", "testtablespace"):
        (build / name).mkdir()
    shutil.copy(tests / "regress.so", build)
    for template in (tests / "input").glob("*.source"):  # up to 14
        text = template.read_text(errors="surrogateescape")
        for name, value in (("abs_srcdir", tests), ("abs_builddir", build), ("libdir", build),
                            ("DLSUFFIX", ".so"), ("testtablespace", build / "testtablespace")):
            text = text.replace(f"@{name}@", str(value))
        (build / "sql" / f"{template.stem}.sql").write_text(text, errors="surrogateescape")
    process.give_to_server(build, recursive=True)
    return build


def schedule(tests):
    for line in (tests / "parallel_schedule").read_text().splitlines():
        if line.startswith("test:"):
            yield from (name for name in line[5:].split() if name not in PASSED_OVER)


def test_the_regression_database(pgcask, cluster_for, major, workdir):
    cluster = cluster_for(STATEMENTS[major])
    tests = source(STATEMENTS[major]) / "regress"
    build = prepare_regression(tests, workdir, major)
    db = logical.make(cluster, "regression",
                      options="TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    env = {**os.environ, "PGHOST": str(cluster.socket_dir), "PGPORT": str(cluster.port),
           "PGUSER": cluster.superuser, "PGDATABASE": db, "PG_ABS_SRCDIR": str(tests),
           "PG_ABS_BUILDDIR": str(build), "PG_LIBDIR": str(build), "PG_DLSUFFIX": ".so",
           "PGTZ": "PST8PDT", "PGDATESTYLE": "Postgres, MDY"}
    for name in schedule(tests):
        script = build / "sql" / f"{name}.sql"
        if script.exists():
            subprocess.run([paths.stock("psql"), "-Xq", "-v", "HIDE_TABLEAM=on", "-v",
                            "HIDE_TOAST_COMPRESSION=on", "-f", script], env=env, timeout=300,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
    assert int(cluster.value("SELECT count(*) FROM pg_class WHERE oid >= 16384", db)) > 1000
    logical.no_farther_than_stock(pgcask, cluster, db, workdir, further=OF_THE_SYSTEM)


@pytest.mark.parametrize("of", sorted(set(STATEMENTS.values())))
def test_the_objects_of_pg_dump_s_own_tests(pgcask, cluster_for, major, workdir, of):
    cluster = cluster_for(of)
    db = logical.make(cluster, f"suite{of}")
    text = (source(of) / "pg_dump.sql").read_text()
    logical.run_sql(cluster, db, text.replace("DATABASE postgres", f"DATABASE {db}"), stop=False)
    assert int(cluster.value("SELECT count(*) FROM pg_class WHERE oid >= 16384", db)) > 50
    logical.no_farther_than_stock(pgcask, cluster, db, workdir,
                                  further=FURTHER.get(major, ()) if of == 13 else ())
