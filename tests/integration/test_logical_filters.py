"""A backup of part of a database has the entries that stock pg_dump's of the same options has."""

import json

import pytest

from pgcask_testing import logical, process

pytestmark = pytest.mark.majors(13, 14, 15, 16, 17, 18)

# What is given to both: a name that is pg_dump's own says that pg_dump of the server has it.
CASES = [
    "--schema=shop",
    "--schema=SHOP",
    "--schema=s*",
    '--schema="Stock Room"',
    '--schema="dotted.name"',
    "--schema=(shop|log)",
    "--schema=public",
    "--schema=shop --schema=log",
    "--exclude-schema=shop",
    "--exclude-schema=public",
    "--exclude-schema=shop --exclude-schema=log",
    "--schema=shop --exclude-schema=s?op --schema=log",
    "--schema=shop --exclude-table=shop.o*",
    "--table=orders",
    "--table=shop.orders",
    "--table=filtered.shop.orders",
    "--table=*.orders",
    '--table="Stock Room".*',
    '--table="Stock Room"."Big Items"',
    '--table="dotted.name"."a.b"',
    "--table=shop.customers --table=shop.lines",
    "--table=shop.lines",
    "--table=shop.numbers",
    "--table=shop.free",
    "--table=shop.busy",
    "--table=shop.summary",
    "--table=log.second --table=shop.summary",
    "--table=log.grouped",
    "--table=a$b",
    "--table=log.events",
    "--table=log.events*",
    "--table=log.events_1",
    "--table=shop.events_2",
    "--table=log.events_3a",
    "--table=log.base",
    "--table=log.child",
    "--table=shop.grandchild",
    "--table=shop.distant",
    "--table=shop.stored",
    "--table=shop.* --exclude-table=shop.c* --exclude-table=*.free",
    "--schema=log --table=shop.orders",
    "--exclude-table=shop.orders",
    "--exclude-table=shop.customers_id_seq",
    "--exclude-table=shop.orders_id_seq",
    "--exclude-table=log.events",
    "--exclude-table=log.events_3",
    "--exclude-table=*.orders --exclude-table=log.*",
    "--exclude-table=shop.busy",
    "--exclude-table-data=shop.orders",
    "--exclude-table-data=shop.*",
    "--exclude-table-data=*.*",
    "--exclude-table-data=configured.*",
    "--table=configured.* --exclude-table-data=plain",
    "--no-unlogged-table-data",
    "--schema-only",
    "--schema-only --schema=shop",
    "--data-only",
    "--data-only --table=shop.*",
    "--data-only --schema=log",
    "--include-foreign-data=files",
]
SINCE_14 = [
    "--extension=hstore",
    "--extension=*",
    "--extension=pg_trgm --schema=shop",
    "--extension=pgcask_configured --table=shop.orders",
]
SINCE_16 = [
    "--table-and-children=log.events",
    "--table-and-children=log.base",
    "--table-and-children=log.events_3 --table=plain",
    "--exclude-table-and-children=log.events",
    "--exclude-table-and-children=log.base",
    "--exclude-table-data-and-children=log.events",
    "--table-and-children=log.* --exclude-table-data-and-children=log.base",
]
SINCE_17 = [
    "--exclude-extension=hstore",
    "--exclude-extension=*",
    "--extension=* --exclude-extension=pg_*",
]
# As our options are called.
PLURALS = {
    "schema": "schemas", "exclude-schema": "exclude-schemas", "table": "tables",
    "exclude-table": "exclude-tables", "table-and-children": "tables-and-children",
    "exclude-table-and-children": "exclude-tables-and-children", "extension": "extensions",
    "exclude-extension": "exclude-extensions",
}


def ours(options):
    for option in options:
        name, sign, value = option[2:].partition("=")
        yield f"--{PLURALS.get(name, name)}{sign}{value}"


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    server = module_servers.create(major)
    logical.run_sql(server, "postgres", logical.script("roles"))
    logical.install_extension(major)
    logical.make(server, "filtered", logical.script("filters"))
    yield server
    server.close()


def stock_version(cluster):
    """What pg_dump it is that suits the server."""
    return {13: 15, 14: 15, 16: 17}.get(cluster.major, cluster.major)


def stock_dump(cluster, path, *options, db="filtered", tool=None):
    env = {**logical._environment(cluster, db), "PGCLIENTENCODING": None}
    command = [tool or logical.stock("pg_dump", cluster), "-Fc", "-f", path, *options]
    process.run(command, env=env, timeout=300).check()
    return path


def difference(cluster, archive, theirs):
    here, there = (logical.contents(cluster, path) for path in (archive, theirs))
    return {"missing": sorted((there - here).elements()),
            "too much": sorted((here - there).elements())}


def assert_same(pgcask, cluster, workdir, options):
    options = options.split(" ") if '"' not in options else [options]
    folder = workdir / "ours"
    archive = logical.back_up(pgcask, cluster, "filtered", folder, *ours(options))
    theirs = stock_dump(cluster, workdir / "theirs.dump", *options)
    assert difference(cluster, archive, theirs) == {"missing": [], "too much": []}
    return folder, archive


@pytest.mark.parametrize("options", CASES + SINCE_14 + SINCE_16 + SINCE_17)
def test_the_entries_are_those_of_pg_dump(pgcask, cluster, major, workdir, options):
    needs = 14 if options in SINCE_14 else 16 if options in SINCE_16 else \
        17 if options in SINCE_17 else 13
    if stock_version(cluster) < needs:
        pytest.skip(f"pg_dump {stock_version(cluster)} does not have it")
    assert_same(pgcask, cluster, workdir, options)
