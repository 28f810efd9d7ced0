"""Minor releases: what is backed up on one of them restores on the others, and on later majors.

The servers are those of one minor release of each major and, where Debian has the major, of the
newest. An archive must restore into both kinds, whichever it came from.
"""

import collections
import re

import pytest

from pgcask_testing import logical, oracles, paths, process, temp
from pgcask_testing.logical import script

SINCE = {"since_14": 14, "since_15": 15, "since_16": 16, "since_17": 17, "since_18": 18}
SCRIPTS = ("kinds", "more_kinds", "trees", "data", *SINCE)


def text_of(name):
    """A script; those that use the same names as others have a schema of their own."""
    text = script(name)
    if name in ("more_kinds", "trees"):
        return text
    return f"CREATE SCHEMA of_{name};\nSET search_path = of_{name}, public;\n{text}"


class Park:
    """One server of each major and flavour, made when it is asked for."""

    def __init__(self, factory):
        self._factory = factory
        self._servers = {}

    def get(self, major, flavour):
        key = (major, flavour)
        if key not in self._servers:
            server = self._servers[key] = self._factory.create(major, flavour)
            logical.run_sql(server, "postgres", script("roles"))
        return self._servers[key]

    def sources(self, major):
        return [self.get(major, flavour) for flavour in paths.flavours(major)]

    def targets(self, major):
        """The same major and all later ones, both flavours."""
        return [server for later in paths.MAJORS if later >= major
                for server in self.sources(later)]


@pytest.fixture(scope="module")
def park(module_servers):
    return Park(module_servers)


# Where only a pg_dump of the next major is at hand: what it says in words that the source's own does
# not know. 15 tells a logged sequence of an unlogged table; 17 has one privilege more, so that what
# 16 calls ALL is a list.
NEWER_WORDS = {13: ("    LOGGED",), 14: ("    LOGGED",), 16: ("GRANT ",)}


@pytest.mark.sampled
def test_an_archive_restores_into_each_release_of_its_major_and_of_later_ones(
        pgcask, park, major, workdir):
    scripts = [text_of(name) for name in SCRIPTS if SINCE.get(name, 0) <= major]
    archives = []
    for source in park.sources(major):
        db = logical.make(source, "source", *scripts)
        archives.append(logical.back_up(pgcask, source, db, workdir / source.flavour))
    theirs = logical.stock_archive(source, db, workdir / "stock.dump")
    sums = logical.table_sums(source, db)

    for target in park.targets(major):
        expected = schema_of_theirs(theirs, target, workdir)
        for archive in archives:
            logical.make(target, "ours", options="TEMPLATE template0")
            logical.restore(target, archive, "ours")
            lines = different(logical.dump_schema(target, "ours"), expected)
            assert not [line for line in lines if not line.startswith(NEWER_WORDS.get(major, ()))]
            assert logical.table_sums(target, "ours") == sums


def schema_of_theirs(archive, target, workdir):
    """What pg_dump says of stock's restore."""
    logical.make(target, "stock", options="TEMPLATE template0")
    if target.major < paths.STOCK_MAJORS[0]:
        # No pg_dump as old as that is at hand, and this word of 15's is too new for it.
        path = logical.as_sql(target, archive, workdir / "sql")
        path.write_bytes(path.read_bytes().replace(b"\n    LOGGED\n", b"\n"))
        logical.run_script(target, "stock", path)
    else:
        logical.restore(target, archive, "stock")
    return logical.dump_schema(target, "stock")


def different(lines, expected):
    """Lines that only one of them has, but for comments."""
    lines, expected = (collections.Counter(line for line in side if not line.startswith("--"))
                       for side in (lines, expected))
    return sorted([*(lines - expected).elements(), *(expected - lines).elements()])


# What a server keeps for itself

WITH_OPTIONS = """
    CREATE EXTENSION bloom;
    CREATE TABLE t (a int, b text, c int, d int) WITH (fillfactor = 51,
        toast.autovacuum_enabled = false);
    ALTER TABLE t ALTER a SET (n_distinct = 5), ALTER b SET (n_distinct_inherited = -0.5),
        ADD CONSTRAINT t_pkey PRIMARY KEY (a) WITH (fillfactor = 52);
    CREATE INDEX by_bloom ON t USING bloom (c, d) WITH (length = 96, col1 = 3);
    CREATE INDEX by_words ON t USING gist (to_tsvector('simple', b) tsvector_ops (siglen = 101));
    CREATE INDEX by_brin ON t USING brin (c) WITH (pages_per_range = 7);
    CREATE TABLE p (a int) PARTITION BY LIST (a);
    CREATE VIEW v WITH (security_barrier) AS SELECT a FROM t WITH LOCAL CHECK OPTION;
    CREATE MATERIALIZED VIEW m WITH (fillfactor = 53) AS SELECT a FROM t;
    ALTER MATERIALIZED VIEW m ALTER a SET (n_distinct = 6);
    CREATE SEQUENCE s;
    CREATE TYPE composite AS (a int);
    CREATE TABLE plain (a int PRIMARY KEY, b text);
    CREATE VIEW plain_view AS SELECT * FROM plain;
    CREATE MATERIALIZED VIEW plain_copy AS SELECT * FROM plain;
"""

# All that may be said of options, in the archive and in globals.sql.
OPTIONS = sorted([
    "fillfactor='51', toast.autovacuum_enabled='false'", "n_distinct=5", "n_distinct_inherited=-0.5",
    "fillfactor='52'", "length='96', col1='3'", "siglen='101'", "pages_per_range='7'",
    "security_barrier='true'", "fillfactor='53'", "n_distinct=6", "random_page_cost=1.5",
])

# As 15.20 does to every column, but wherever there is room for options. What pg_get_indexdef()
# prints, in manifest.json, too, is left to the server.
KEEP_SOMETHING = """
    SET allow_system_table_mods = on;
    UPDATE pg_attribute SET attoptions = attoptions || '{pg_kept=1,kept_too=2}'::text[]
        FROM pg_class c WHERE c.oid = attrelid AND relkind <> 'i' AND attrelid >= 16384;
    UPDATE pg_class SET reloptions = '{pg_kept=3}'::text[] || reloptions
        WHERE relkind IN ('r', 'p', 't', 'v', 'm', 'S') AND oid >= 16384;
    UPDATE pg_class SET reloptions = '{pg_index=4}'::text[] || reloptions
        WHERE relname IN ('t_pkey', 'plain_pkey');
    UPDATE pg_tablespace SET spcoptions = spcoptions || '{pg_kept=5,kept_too=6}'::text[]
        WHERE spcname = 'kept';
"""


def options_in(sql):
    """The lists of options of all statements, as they stand there."""
    return sorted(re.findall(r"(?: WITH|\nWITH| SET|_ops) \(([^()]*=[^()]*)\)", sql))


@pytest.mark.majors(13, 15, 17, 18)
def test_what_a_server_keeps_among_options_stays_there(pgcask, park, major, workdir):
    for source in park.sources(major):
        folder = temp.new_dir("tablespace")
        process.give_to_server(folder)
        logical.run_sql(source, "postgres", f"CREATE TABLESPACE kept LOCATION '{folder}';")
        logical.run_sql(source, "postgres",
                        "ALTER TABLESPACE kept SET (random_page_cost = 1.5);")
        db = logical.make(source, "options", WITH_OPTIONS)
        before = logical.definitions(source, db)
        logical.run_sql(source, db, KEEP_SOMETHING)
        archive = logical.back_up(pgcask, source, db, workdir / source.flavour)

        globals_sql = (archive.parent / "globals.sql").read_text()
        sql = logical.as_sql(source, archive, workdir / "sql").read_text()
        assert options_in(sql + globals_sql) == OPTIONS, source
        assert "pg_index=" not in sql.replace(" ", "")
        manifest = (archive.parent / "manifest.json").read_text()
        for text in (sql, globals_sql, manifest):
            assert "pg_kept" not in text and "kept_too" not in text and "pg_attver" not in text
        assert "toast" not in manifest and '"fillfactor=51"' in manifest
        target = park.get(major, "npm")
        logical.make(target, "options_copy", options="TEMPLATE template0")
        logical.restore(target, archive, "options_copy")
        assert logical.definitions(target, "options_copy") == before
        logical.run_sql(source, "postgres", "DROP TABLESPACE kept;")


# Physical backups


@pytest.mark.majors(*paths.STOCK_MAJORS)
def test_a_cluster_of_one_minor_release_runs_under_another(pgcask, park, servers, major, workdir):
    for source in park.sources(major):
        backup = workdir / source.flavour
        logical.make(source, "physical", "CREATE TYPE pair AS (a int, b text);"
                     "CREATE TABLE t AS SELECT g, ROW(g, g)::pair FROM generate_series(1, 999) g;")
        sums = oracles.table_sums(source, "physical")
        pgcask("backup", source.binary_uri(), "--to", backup).check()
        pgcask("verify", backup).check()
        oracles.verifybackup(backup / "data", major, flavour=source.flavour).check()
        manifest = (backup / "manifest.json").read_text()
        assert source.value("SHOW server_version") in manifest and "pg_attver" not in manifest
        for flavour in paths.flavours(major):
            restored = workdir / f"{flavour} of {source.flavour}" / "data"
            restored.parent.mkdir()
            pgcask("restore", backup, "--to", restored).check()
            started = servers.start_restored(restored, major, flavour)
            assert oracles.table_sums(started, "physical") == sums, (source, started)
            started.stop()
