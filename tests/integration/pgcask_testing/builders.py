"""Data to back up."""

import functools

from . import process, temp

# Names that quoting, URIs, patterns and file names get wrong most easily.
ODD_NAMES = (
    "with space", 'quo"te', "apo'strophe", "back\\slash", "UPPER", "ünïcödé", "per%cent",
    "a=b", "sl/ash", ".dot", "-dash", "$dollar", "*star?", "semi;colon",
)


def one_a_major(module_servers, build=None, **options):
    """make(major) -> a running server of the major, made once, that tests only read from."""

    @functools.cache
    def make(major):
        server = module_servers.create(major, **options)
        if build is not None:
            build(server)
        return server

    return make


def small_ones(module_servers):
    """The same, with a tablespace."""
    return one_a_major(module_servers, lambda server: tablespaces(server, names=["one"]))


def busy_ones(module_servers):
    """The same, with much to write, and spread checkpoints that take most of an hour."""
    return one_a_major(module_servers, lambda server: fill(server, mb=20),
                       conf={"checkpoint_timeout": "1h"})


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def fill(server, mb=20, db="postgres", name="filler"):
    """A table of about that many MB with a primary key and an index, of rows that compress
    about as well as real ones do."""
    rows = mb * 6000  # 120 bytes a row, and 50 in its indexes
    server.sql(
        f"""
        CREATE TABLE {name} (id bigint, hash text, word text, at timestamptz, n numeric);
        INSERT INTO {name}
        SELECT i, md5(i::text), 'word ' || i % 1000,
            '2024-01-01'::timestamptz + i * '1 s'::interval, i * 1.5
        FROM generate_series(1, {rows}) i;
        ALTER TABLE {name} ADD PRIMARY KEY (id);
        CREATE INDEX ON {name} (hash);
        """,
        db, timeout=60 + mb,
    )
    return name


def big_table(server, mb=1500, db="postgres", name="big"):
    """A table of that size (over 1 GB: of several segment files) as quickly as one is made.

    A row fills a page: 7 KB of text that stays in the table, a different one in each row.
    """
    server.sql(
        f"""
        CREATE TABLE {name} (id bigint, filler text);
        ALTER TABLE {name} ALTER filler SET STORAGE PLAIN;
        INSERT INTO {name}
        SELECT i, repeat(md5(i::text), 230) FROM generate_series(1, {mb * 128}) i;
        CREATE INDEX ON {name} (id);
        """,
        db, timeout=60 + mb,
    )
    return name


def toast_table(server, rows=100, kb=100, db="postgres", name="toasted"):
    """Text that is stored compressed, text that is stored as it is, and bytea, out of line."""
    server.sql(
        f"""
        CREATE TABLE {name} (id int PRIMARY KEY, packed text, plain text, raw bytea);
        ALTER TABLE {name} ALTER plain SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL;
        INSERT INTO {name}
        SELECT i, repeat(md5(i::text), {kb} * 32), long.text, decode(long.text, 'hex')
        FROM generate_series(1, {rows}) i,
            LATERAL (
                SELECT string_agg(md5((i * j)::text), '') AS text
                FROM generate_series(1, {kb} * 32) j
            ) long;
        """,
        db, timeout=60 + rows * kb // 100,
    )
    return name


def tablespaces(server, names=("fast", "slow disk")):
    """Tablespaces, each with a table in database postgres; returns {name: folder}."""
    folders = {}
    for number, name in enumerate(names):
        folders[name] = temp.new_dir("tablespace")
        process.give_to_server(folders[name])
        folders[name].chmod(0o700)
        server.sql(f"CREATE TABLESPACE {identifier(name)} LOCATION '{folders[name]}'")
        server.sql(
            f"""
            CREATE TABLE in_tablespace_{number} (id int PRIMARY KEY, word text)
                TABLESPACE {identifier(name)};
            INSERT INTO in_tablespace_{number}
            SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
            """
        )
    return folders


def odd_databases(server, names=ODD_NAMES, rows=100):
    """Databases with odd names, each with an oddly named table; returns the names."""
    for name in names:
        server.sql(f"CREATE DATABASE {identifier(name)}")
        table = identifier(name)
        server.sql(
            f"CREATE TABLE {table} AS SELECT i AS {table}, i * i AS square"
            f" FROM generate_series(1, {rows}) i",
            db=name,
        )
    return list(names)


def many_tables(server, count=1000, db="postgres", prefix="t"):
    """Empty tables, made in transactions of 500 (each table takes locks)."""
    for first in range(1, count + 1, 500):
        last = min(first + 499, count)
        server.sql(
            f"""
            DO $$ BEGIN FOR i IN {first}..{last} LOOP
                EXECUTE format('CREATE TABLE {prefix}_%s (id int PRIMARY KEY, word text)', i);
            END LOOP; END $$
            """,
            db,
        )
