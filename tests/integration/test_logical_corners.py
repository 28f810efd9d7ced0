"""Logical backups where several things meet: where tables lie, what inherits from what, restores in
many sessions, and how the work grows."""

import contextlib
import json
import re
import time

import pytest

from pgcask_testing import logical, process, temp
from pgcask_testing.logical import make, script


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    server = module_servers.create(major, conf={"deadlock_timeout": "50ms"})
    logical.run_sql(server, "postgres", script("roles"))
    yield server
    server.close()


def refused(pgcask, server, db, folder, *words):
    """The backup fails with these words and leaves nothing."""
    result = pgcask("backup", server.uri(db), "--to", folder, "--quiet")
    assert result.rc not in (0, 2), result
    for word in words:
        assert word in result.stderr, result
    assert not folder.exists(), result


# Where tables lie


@contextlib.contextmanager
def tablespace(server, name):
    folder = temp.new_dir("tablespace")
    process.give_to_server(folder)
    quoted = name.replace('"', '""')
    logical.run_sql(server, "postgres", f"""CREATE TABLESPACE "{quoted}" LOCATION '{folder}'""")
    yield f'"{quoted}"'
    logical.run_sql(server, "postgres", f'DROP TABLESPACE "{quoted}"')


PLACED = """
    CREATE TABLE there (a int PRIMARY KEY USING INDEX TABLESPACE {b}, b text) TABLESPACE {a};
    INSERT INTO there SELECT i, 'x' FROM generate_series(1, 10) i;
    CREATE TABLE here (a int UNIQUE USING INDEX TABLESPACE {a}, r int4range,
        EXCLUDE USING gist (r WITH &&) USING INDEX TABLESPACE {b});
    CREATE INDEX there_b ON there (b) TABLESPACE {b};
    CREATE TABLE back (a int) TABLESPACE pg_default;
    CREATE MATERIALIZED VIEW seen TABLESPACE {a} AS SELECT * FROM there;
    CREATE UNIQUE INDEX ON seen (a) TABLESPACE {b};
    CREATE TABLE tree (a int, b int) PARTITION BY LIST (a) TABLESPACE {a};
    CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1);
    CREATE TABLE tree_2 PARTITION OF tree FOR VALUES IN (2) TABLESPACE {b};
    CREATE TABLE tree_3 PARTITION OF tree FOR VALUES IN (3) PARTITION BY LIST (b) TABLESPACE {b};
    CREATE TABLE tree_3_1 PARTITION OF tree_3 FOR VALUES IN (1);
    CREATE INDEX tree_b ON tree (b) TABLESPACE {b};
    ALTER TABLE tree ADD PRIMARY KEY (a, b) USING INDEX TABLESPACE {a};
    INSERT INTO tree VALUES (1, 1), (2, 2), (3, 1);
    CREATE UNLOGGED TABLE lost (a text) TABLESPACE {a};
    INSERT INTO lost VALUES (repeat('y', 100000));
"""

PLACES = """
    SELECT relname, relkind, coalesce(spcname, ''), relpersistence
    FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
    WHERE relnamespace = 'public'::regnamespace ORDER BY relname
"""


@pytest.mark.sampled
def test_tablespaces_come_back(pgcask, cluster, workdir):
    with (tablespace(cluster, "first") as a, tablespace(cluster, 'the "second", -x') as b,
          tablespace(cluster, "third") as c):
        script = PLACED.format(a=a, b=b)
        db = make(cluster, "placed", script)
        archive = logical.round_trip(pgcask, cluster, db, workdir)
        logical.create_like(cluster, db, "copy")
        logical.restore(cluster, archive, "copy", "-j4")
        places = cluster.sql(PLACES, db)
        assert cluster.sql(PLACES, "copy") == places
        # All in the database's own.
        logical.create_like(cluster, db, "copy")
        logical.restore(cluster, archive, "copy", "--no-tablespaces")
        assert cluster.sql(PLACES, "copy") == [[n, k, "", p] for n, k, _, p in places]
        logical.drop(cluster, "copy")

        # The database itself lies elsewhere, some of its tables in pg_default.
        moved = make(cluster, "moved", script, options=f"TABLESPACE {c}")
        archive = logical.back_up(pgcask, cluster, moved, workdir / "moved")
        places = cluster.sql(PLACES, moved)
        assert ["back", "r", "pg_default", "p"] in places
        theirs = logical.stock_archive(cluster, moved, workdir / "moved.dump")
        assert logical.contents(cluster, archive) == logical.contents(cluster, theirs)
        where = "SELECT spcname FROM pg_tablespace t, pg_database d " \
                "WHERE dattablespace = t.oid AND datname = 'moved'"
        logical.restore(cluster, archive, "postgres", "--create", "--clean")
        assert cluster.value(where) == "third"
        assert cluster.sql(PLACES, moved) == places
        logical.restore(cluster, archive, "postgres", "--create", "--clean", "--no-tablespaces")
        assert {place for _, _, place, _ in cluster.sql(PLACES, moved)} == {""}
        logical.drop(cluster, moved)
        logical.drop(cluster, db)


# How tables are kept

KEPT = """
    CREATE TABLE toasted (a text, b text) WITH (
        fillfactor = 42, autovacuum_vacuum_scale_factor = 0.25, toast_tuple_target = 256,
        toast.autovacuum_enabled = false, toast.autovacuum_vacuum_threshold = 77,
        parallel_workers = 3, user_catalog_table = true, vacuum_index_cleanup = off,
        toast.vacuum_truncate = false);
    ALTER TABLE toasted ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE MAIN;
    INSERT INTO toasted SELECT repeat(md5(i::text), 1000), repeat('z', 9000)
        FROM generate_series(1, 20) i;
    CREATE TABLE only_toast (a text) WITH (toast.vacuum_truncate = true);
    CREATE MATERIALIZED VIEW kept WITH (fillfactor = 60, toast.autovacuum_enabled = off) AS
        SELECT * FROM toasted;
    CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;
    CREATE SEQUENCE counter CACHE 7 MINVALUE -5 START -5 INCREMENT 2 MAXVALUE 99 CYCLE;
    SELECT nextval('counter'), nextval('counter');
"""

OTHER_METHOD = """
    CREATE TABLE by_other (a int) USING other;
    CREATE MATERIALIZED VIEW seen_by_other USING other AS SELECT 1 AS a;
    CREATE TABLE by_heap (a int) USING heap;
    CREATE TABLE tree (a int) PARTITION BY LIST (a);
    CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1) USING other;
"""


def test_storage_options_and_access_methods_come_back(pgcask, cluster, major, workdir):
    db = make(cluster, "kept", KEPT)
    logical.run_sql(cluster, db, OTHER_METHOD)
    if major >= 15:
        logical.run_sql(cluster, db, "CREATE UNLOGGED SEQUENCE lost; SELECT nextval('lost')")
    if major >= 17:
        logical.run_sql(cluster, db, "CREATE TABLE tree_am (a int) PARTITION BY LIST (a) USING other;"
                                     "CREATE TABLE tree_am_1 PARTITION OF tree_am DEFAULT")
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    copy = "kept again"
    logical.create_like(cluster, db, copy)
    logical.restore(cluster, archive, copy)
    logical.assert_equal(cluster, db, copy, archive, workdir)
    methods = ("SELECT relname, amname FROM pg_class c LEFT JOIN pg_am a ON a.oid = relam "
               "WHERE relnamespace = 'public'::regnamespace ORDER BY 1")
    assert cluster.sql(methods, db) == cluster.sql(methods, copy)
    options = ("SELECT c.relname, c.reloptions, t.reloptions FROM pg_class c "
               "LEFT JOIN pg_class t ON t.oid = c.reltoastrelid "
               "WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1")
    assert cluster.sql(options, db) == cluster.sql(options, copy)
    logical.drop(cluster, copy)


@pytest.mark.majors(15, 17, 18)
def test_columns_compressed_by_lz4_come_back(pgcask, servers, major, workdir):
    server = servers.create(major, flavour="debian")
    logical.run_sql(server, "postgres", """
        CREATE TABLE t (a text COMPRESSION lz4, b text COMPRESSION pglz, c text);
        INSERT INTO t SELECT repeat('a', 9000), repeat('b', 9000), repeat('c', 9000);
        ALTER TABLE t ALTER b SET COMPRESSION lz4;
        CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
        ALTER MATERIALIZED VIEW m ALTER a SET COMPRESSION lz4;
        CREATE TABLE parent (a text COMPRESSION lz4) PARTITION BY LIST (a);
        CREATE TABLE part PARTITION OF parent FOR VALUES IN ('x');
        ALTER TABLE part ALTER a SET COMPRESSION pglz;
        CREATE TABLE child () INHERITS (t);
    """)
    logical.round_trip(pgcask, server, "postgres", workdir)


# Parents and partitions

LOST_DEFAULT = """
    CREATE TABLE z_top (a int, b text DEFAULT 'x');
    CREATE TABLE m_middle (d int) INHERITS (z_top);
    CREATE TABLE a_bottom (e int) INHERITS (m_middle);
    CREATE TABLE a_own (b text DEFAULT 'own') INHERITS (m_middle);
    ALTER TABLE m_middle ALTER b DROP DEFAULT;
    CREATE TABLE a_later (b text) INHERITS (m_middle);
    CREATE TABLE a_last () INHERITS (a_bottom, a_later);
    ALTER TABLE ONLY a_own ALTER b SET DEFAULT 'own';
"""


@pytest.mark.majors(13, 15, 16, 18)
def test_a_default_that_was_lost_in_the_middle_of_a_tree_is_lost_below(pgcask, cluster, workdir):
    """What stock pg_dump of 16 and later makes of it has it again."""
    db = make(cluster, "lost", LOST_DEFAULT)
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy")
    defaults = "SELECT adrelid::regclass::text, pg_get_expr(adbin, adrelid) FROM pg_attrdef ORDER BY 1"
    assert cluster.sql(defaults, "copy") == cluster.sql(defaults, db)
    assert len(cluster.sql(defaults, db)) == 2


OF_MEMBERS = """
    CREATE EXTENSION hstore;
    CREATE TABLE member (a int DEFAULT 5 NOT NULL, b text, CONSTRAINT c CHECK (a > 0));
    CREATE TABLE tree_member (a int NOT NULL, b text) PARTITION BY LIST (a);
    ALTER EXTENSION hstore ADD TABLE member;
    ALTER EXTENSION hstore ADD TABLE tree_member;
"""
OF_MEMBERS_OUTSIDE = """
    CREATE TABLE child (d int) INHERITS (member);
    ALTER TABLE child ALTER b SET DEFAULT 'x', ALTER a SET DEFAULT 6;
    CREATE TABLE grandchild (a int DEFAULT 7) INHERITS (child);
    CREATE TABLE part PARTITION OF tree_member FOR VALUES IN (1, 2);
    INSERT INTO child VALUES (1, 'b', 2); INSERT INTO grandchild DEFAULT VALUES;
    INSERT INTO tree_member VALUES (1, 'one');
"""


def test_children_of_an_extensions_tables_come_back(pgcask, cluster, workdir):
    db = make(cluster, "members", OF_MEMBERS, OF_MEMBERS_OUTSIDE)
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    logical.create_like(cluster, db, "copy")
    logical.run_sql(cluster, "copy", OF_MEMBERS)
    logical.restore(cluster, archive, "copy")
    logical.assert_equal(cluster, db, "copy", archive, workdir)
    assert cluster.sql("SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits "
                       "ORDER BY 1", "copy") == [
        ["child", "member"], ["grandchild", "child"], ["part", "tree_member"]]
    logical.drop(cluster, "copy")
    logical.drop(cluster, db)


@pytest.mark.majors(14, 15, 16, 17, 18)
def test_a_partition_half_detached_is_none_any_more(pgcask, cluster, workdir):
    db = make(cluster, "detaching", """
        CREATE TABLE tree (a int NOT NULL, b text DEFAULT 'x' CHECK (b <> ''), PRIMARY KEY (a))
            PARTITION BY LIST (a);
        CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1);
        CREATE TABLE tree_2 PARTITION OF tree FOR VALUES IN (2);
        CREATE TABLE lookup (a int PRIMARY KEY);
        INSERT INTO lookup VALUES (1), (2);
        ALTER TABLE tree ADD FOREIGN KEY (a) REFERENCES lookup, ADD UNIQUE (b, a);
        ALTER TABLE tree ADD CONSTRAINT later CHECK (a < 10) NOT VALID;
        CREATE INDEX ON tree (b);
        CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER on_tree AFTER INSERT ON tree FOR EACH ROW EXECUTE FUNCTION nothing();
        ALTER TABLE tree_2 DISABLE TRIGGER on_tree;
        INSERT INTO tree VALUES (1, 'one'), (2, 'two');
    """)
    with cluster.session(db) as reader, cluster.session(db) as detaching:
        reader.sql("BEGIN; SELECT * FROM tree")
        pid = detaching.sql("SELECT pg_backend_pid()")[0][0]
        detaching.send("ALTER TABLE tree DETACH PARTITION tree_2 CONCURRENTLY")
        while cluster.value("SELECT count(*) FROM pg_inherits WHERE inhdetachpending", db) == "0":
            time.sleep(0.02)
        cluster.sql(f"SELECT pg_cancel_backend({pid})")
        with contextlib.suppress(Exception):
            detaching.receive()
    assert cluster.value("SELECT inhdetachpending FROM pg_inherits "
                         "WHERE inhrelid = 'tree_2'::regclass", db) == "t"
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    copy = "detached"
    logical.create_like(cluster, db, copy)
    logical.restore(cluster, archive, copy)
    assert cluster.sql("SELECT * FROM tree_2", copy) == [["2", "two"]]
    assert cluster.sql("SELECT * FROM tree", copy) == [["1", "one"]]
    logical.run_sql(cluster, db, "ALTER TABLE tree DETACH PARTITION tree_2 FINALIZE")
    assert logical.dump_schema(cluster, copy) == logical.dump_schema(cluster, db)
    logical.drop(cluster, copy)
    logical.drop(cluster, db)


# Restores in many sessions


def forest():
    """Trees of partitions that refer to each other, with much to do after the data."""
    trees = range(3)
    sql = ["CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';",
           "CREATE TABLE plain (a int, b int);"]
    for t in trees:
        sql.append(f"""
            CREATE TABLE r{t} (a int NOT NULL, b int NOT NULL, c int, d int, e int,
                               PRIMARY KEY (a, b), UNIQUE (b, a)) PARTITION BY LIST (a);""")
        for p in range(3):
            sql.append(f"CREATE TABLE r{t}_{p} PARTITION OF r{t} FOR VALUES IN ({p}) "
                       "PARTITION BY RANGE (b);")
            for leaf in (f"r{t}_{p}_0", f"r{t}_{p}_1"):
                start = 50 * int(leaf[-1])
                sql.append(f"""
                    CREATE TABLE {leaf} PARTITION OF r{t}_{p}
                        FOR VALUES FROM ({start}) TO ({start + 50});
                    ALTER TABLE {leaf} ADD UNIQUE (c, d), ADD EXCLUDE (c WITH =);
                    CREATE INDEX {leaf}_d ON {leaf} (d);
                    ALTER TABLE {leaf} CLUSTER ON {leaf}_d;
                    CREATE UNIQUE INDEX {leaf}_a ON {leaf} (a, b);
                    ALTER TABLE {leaf} REPLICA IDENTITY USING INDEX {leaf}_a;
                    ALTER TABLE {leaf} ENABLE ROW LEVEL SECURITY;
                    CREATE POLICY own ON {leaf} USING (a > 0);
                    CREATE TRIGGER own BEFORE INSERT ON {leaf}
                        FOR EACH ROW EXECUTE FUNCTION nothing();
                    CREATE STATISTICS s_{leaf} ON c, d FROM {leaf};
                    CREATE RULE own AS ON DELETE TO {leaf} WHERE old.a = 99 DO ALSO NOTHING;""")
        sql.append(f"""
            CREATE INDEX ON r{t} (c);
            CREATE INDEX ON r{t} (d, e);
            INSERT INTO r{t} SELECT i % 3, i, i, i, 1 FROM generate_series(0, 99) i;
            CREATE TRIGGER whole AFTER INSERT ON r{t} FOR EACH ROW EXECUTE FUNCTION nothing();
            CREATE POLICY whole ON r{t} USING (a > 0);
            ALTER TABLE r{t} ADD CONSTRAINT later CHECK (a < 100) NOT VALID;
            CREATE VIEW v{t} AS SELECT a, b, c FROM r{t} GROUP BY a, b;
            CREATE RULE beside AS ON UPDATE TO r{t} WHERE old.a = 5
                DO ALSO DELETE FROM plain;""")
    sql.append("INSERT INTO plain SELECT a, b FROM r0;")
    for t in trees:
        sql.append("".join(f"ALTER TABLE r{t} ADD FOREIGN KEY (a, b) REFERENCES r{u} (a, b);"
                           for u in trees))
        sql.append(f"""
            ALTER TABLE plain ADD FOREIGN KEY (a, b) REFERENCES r{t},
                ADD FOREIGN KEY (b, a) REFERENCES r{t} (b, a);
            ALTER TABLE r{t}_1_1 ADD FOREIGN KEY (a, b) REFERENCES r{(t + 1) % 3}_1 (a, b);""")
    sql.append("""
        CREATE TABLE base (a int, b text);
        CREATE TABLE child (PRIMARY KEY (a)) INHERITS (base);
        CREATE TABLE grandchild (UNIQUE (a)) INHERITS (child);
        CREATE TRIGGER own BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION nothing();
        ALTER TABLE base ADD CONSTRAINT later CHECK (a < 100) NOT VALID;
        CREATE MATERIALIZED VIEW m AS SELECT * FROM v0;
        CREATE INDEX ON m (a);""")
    return "\n".join(sql)


def after_the_data(server, archive):
    """The entries of that section: their TOC id, kind, name, the ids they depend on, their SQL."""
    command = [logical.stock("pg_restore", server), "--section=post-data", "--verbose", "-f", "-",
               archive]
    head, *parts = re.split(r"^--\n-- TOC entry ", process.run(command).check().stdout, flags=re.M)
    for part in parts:
        comment, sql = part.split("\n--\n", 1)
        dependencies = re.search(r"^-- Dependencies: (.*)$", comment, re.M)
        name, kind = re.search(r"^-- Name: (.*?); Type: (.*?);", comment, re.M).groups()
        yield (int(comment.split()[0]), kind, name,
               set(map(int, dependencies[1].split())) if dependencies else set(),
               re.sub(r"^\\(un)?restrict.*$|^SET .*$", "", sql, flags=re.M))


def tables_of(server, archive):
    """{TOC id: name} of the tables in an archive."""
    lines = logical.listing(server, archive).decode().splitlines()
    return {int(line.split(";")[0]): line.split()[5] for line in lines
            if re.match(r"\d+; \d+ \d+ TABLE public ", line)}


LOCKED = """
    SELECT string_agg(DISTINCT c.relname, ' ' ORDER BY c.relname)
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_catalog.pg_backend_pid() AND c.relkind IN ('r', 'p') AND c.oid >= 16384
"""


@pytest.mark.sampled
def test_an_entry_depends_on_every_table_that_it_locks(pgcask, cluster, workdir):
    """That is all that pg_restore -j goes by when it looks for what may run side by side."""
    db = make(cluster, "forest", forest())
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    tables = tables_of(cluster, archive)
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy", "--section=pre-data", "--section=data")
    entries = list(after_the_data(cluster, archive))
    kinds = {kind for _, kind, *_ in entries}
    assert kinds >= {"INDEX", "INDEX ATTACH", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT",
                     "TRIGGER", "RULE", "POLICY", "STATISTICS", "ROW SECURITY"}, kinds
    script = "".join(f"BEGIN; {sql}\n{LOCKED}; COMMIT; \\echo -\n" for *_, sql in entries)
    locked = logical.run_sql(cluster, "copy", script).decode().split("-\n")
    assert len(locked) == len(entries) + 1
    missing = []
    for (number, kind, name, needs, _), names in zip(entries, locked):
        known = {tables[need] for need in needs if need in tables}
        # pg_restore refreshes when all else is done.
        if kind != "MATERIALIZED VIEW DATA" and not set(names.split()) <= known:
            missing.append((kind, name, set(names.split()) - known))
    assert not missing
    logical.drop(cluster, "copy")


@pytest.mark.majors(13, 15, 17, 18)
def test_restores_in_eight_sessions_never_meet(pgcask, cluster, workdir):
    db = make(cluster, "forest", forest())
    archive = logical.back_up(pgcask, cluster, db, workdir / "b")
    for _ in range(3):
        logical.create_like(cluster, db, "copy")
        logical.restore(cluster, archive, "copy", "-j8")
    logical.assert_equal(cluster, db, "copy", archive, workdir)
    logical.drop(cluster, "copy")


def test_foreign_keys_to_partitions_get_no_name_that_another_has(pgcask, cluster, workdir):
    """Each brings constraints that the server names: t_a_fkey1, and so on, whatever is free."""
    db = make(cluster, "fkeys", """
        CREATE TABLE whole (a int PRIMARY KEY) PARTITION BY LIST (a);
        CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
        CREATE TABLE plain (a int PRIMARY KEY);
        CREATE TABLE t (a int);
    """, "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES whole;" * 6,
              "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES plain;" * 2)
    logical.round_trip(pgcask, cluster, db, workdir)
    archive = next((workdir / "backup").glob("*.dump"))
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy", "-j8")
    logical.drop(cluster, "copy")


# Names and encodings

HOSTILE = ["new\nline", "..", ".", ".hidden", "sl/ash/../up", "-o", "back\\slash", "é" * 31 + "x",
           "日" * 21, "*?[a]", " ", "tab\there", "globals.sql", "manifest.json", "summary", "%2F",
           "quo\"te's"]


@pytest.mark.majors(18)
def test_a_databases_name_is_a_files(pgcask, cluster, workdir):
    """Whatever it is: one file, inside the folder, another for each."""
    seen = set()
    for number, name in enumerate(HOSTILE):
        quoted = '"' + name.replace('"', '""') + '"'
        logical.run_sql(cluster, "postgres", f"CREATE DATABASE {quoted}")
        logical.run_sql(cluster, name, f"CREATE TABLE t AS SELECT {number} AS a")
        folder = workdir / str(number)
        archive = logical.back_up(pgcask, cluster, name, folder)
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            ["manifest.json", "globals.sql", "summary.json", archive.name])
        assert archive.parent == folder and "\n" not in archive.name
        seen.add(archive.name)
        assert logical.summary(folder)["database"] == name
        assert pgcask("verify", folder, "--quiet").ok
        listed = json.loads(pgcask("list", folder, "--verbose", "--json").check().stdout)
        assert archive.name in [record["path"].lstrip("/") for record in listed["records"]]
        tar = workdir / f"{number}.tar"
        pgcask("backup", cluster.uri(name), "--to", tar, "--quiet").check()
        assert pgcask("verify", tar, "--quiet").ok
        logical.run_sql(cluster, "postgres", f"DROP DATABASE {quoted}")
        logical.restore(cluster, archive, "postgres", "--create")
        assert logical.run_sql(cluster, name, "SELECT a FROM t").decode().strip() == str(number)
        logical.drop(cluster, name)
        temp.remove(folder)
    assert len(seen) == len(HOSTILE)


LONG = "ü" * 31 + "x"  # 63 bytes
OWNED = ["new\nline", "-dash", "/sl/ash", 'quo"te', "apo'strophe", LONG, "back\\slash", "\\! true",
         "a\n\\! false\n-- ", "UPPER lower", "'; DROP TABLE x; --"]


def owned_script():
    quote = lambda name: '"' + name.replace('"', '""') + '"'
    sql = ["SET check_function_bodies = off;"]
    for name in OWNED:
        q, literal = quote(name), name.replace("'", "''").replace("\\", "\\\\")
        sql.append(f"""
            CREATE SCHEMA {q} AUTHORIZATION {q};
            GRANT USAGE ON SCHEMA {q} TO PUBLIC;
            SET search_path = {q};
            CREATE TYPE {quote("t" + LONG[1:])} AS ENUM (E'{literal}');
            CREATE SEQUENCE {quote("s" + LONG[1:])};
            CREATE TABLE {q} ({q} serial CONSTRAINT {q} CHECK ({q} > 0), b {quote("t" + LONG[1:])}
                DEFAULT E'{literal}', CONSTRAINT {quote("pk " + name[:20])} PRIMARY KEY ({q}));
            INSERT INTO {q} DEFAULT VALUES;
            COMMENT ON TABLE {q} IS E'{literal}';
            ALTER TABLE {q} OWNER TO {q};
            GRANT SELECT, UPDATE ({q}) ON {q} TO {quote(OWNED[0])} WITH GRANT OPTION;
            CREATE INDEX {quote("i " + name[:20])} ON {q} (b);
            CREATE VIEW {quote("v" + LONG[1:])} AS SELECT {q} AS {quote(LONG)} FROM {q};
            CREATE FUNCTION {quote(LONG)}({q} int) RETURNS int LANGUAGE sql AS E'SELECT 1 -- {literal}';
            ALTER FUNCTION {quote(LONG)}(int) OWNER TO {q};
            CREATE POLICY {q} ON {q} TO {q} USING (true);
            CREATE TRIGGER {q} BEFORE UPDATE ON {q} FOR EACH ROW
                EXECUTE FUNCTION suppress_redundant_updates_trigger();""")
    return "\n".join(sql)


@pytest.mark.sampled
def test_names_of_schemas_and_roles_come_back(pgcask, cluster, workdir):
    for name in OWNED:
        quoted = '"' + name.replace('"', '""') + '"'
        logical.run_sql(cluster, "postgres", f"CREATE ROLE {quoted};\n")
    db = make(cluster, "named", owned_script())
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    # As a script through psql, in which no name is a command of psql's.
    copy = "named again"
    logical.create_like(cluster, db, copy)
    logical.run_script(cluster, copy, logical.as_sql(cluster, archive, workdir / "sql"))
    assert logical.dump_schema(cluster, copy) == logical.dump_schema(cluster, db)
    logical.drop(cluster, copy)
    # The roles themselves, of globals.sql.
    logical.drop(cluster, db)
    roles = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"
    before = logical.run_sql(cluster, "postgres", roles)
    for name in OWNED:
        quoted = '"' + name.replace('"', '""') + '"'
        logical.run_sql(cluster, "postgres", f"DROP ROLE {quoted}\n")
    logical.run_sql(cluster, "postgres", (workdir / "backup/globals.sql").read_bytes(), stop=False)
    assert logical.run_sql(cluster, "postgres", roles) == before
    for name in OWNED:
        quoted = '"' + name.replace('"', '""') + '"'
        logical.run_sql(cluster, "postgres", f"DROP ROLE {quoted}\n")


# Compression

LEVELS = ["none", "gzip:1", "gzip:9", "gzip"]
NEWER_LEVELS = ["lz4", "lz4:1", "lz4:12", "zstd", "zstd:1", "zstd:19"]


@pytest.mark.sampled
def test_every_compression_is_read_by_pg_restore(pgcask, cluster, major, workdir):
    db = make(cluster, "squeezed", """
        CREATE TABLE t AS SELECT i, repeat(md5(i::text), 1 + i % 40) AS x
            FROM generate_series(1, 3000) i;
        CREATE TABLE empty (a int);
        CREATE TABLE noise AS SELECT decode(md5(i::text), 'hex') AS x FROM generate_series(1, 999) i;
    """)
    sums = logical.table_sums(cluster, db)
    sizes = {}
    for level in LEVELS + (NEWER_LEVELS if major >= 16 else []):
        folder = workdir / level.replace(":", "-")
        result = pgcask("backup", cluster.uri(db), "--to", folder, "--compress", level, "--quiet")
        assert result.ok, result
        (archive,) = folder.glob("*.dump")
        sizes[level] = archive.stat().st_size
        assert pgcask("verify", folder, "--quiet").ok
        logical.create_like(cluster, db, "copy")
        logical.restore(cluster, archive, "copy")
        assert logical.table_sums(cluster, "copy") == sums, level
    assert sizes["gzip:9"] < sizes["gzip:1"] < sizes["none"]
    for level in () if major >= 16 else ("lz4", "zstd:3"):
        folder = workdir / "not"
        result = pgcask("backup", cluster.uri(db), "--to", folder, "--compress", level, "--quiet")
        assert result.rc != 0 and level.split(":")[0] in result.stderr and not folder.exists()
    for level in ("gzip:10", "zstd:99", "lz4:", "gzip:x", "none:1", "brotli"):
        assert pgcask("backup", cluster.uri(db), "--to", workdir / "not", "--compress",
                      level).rc == 2, level
    logical.drop(cluster, "copy")
    logical.drop(cluster, db)
