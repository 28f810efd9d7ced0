"""Databases that hold nothing, or next to nothing, all the way: backup, verify, list, restore."""

import json
import re

import pytest

from pgcask_testing import logical, oracles, process, temp
from pgcask_testing.logical import make
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    server = module_servers.create(major)
    yield server
    server.close()


# What there is little of. No table of any has a row but in "first is empty".
LITTLE = {
    "nothing": "",
    "a schema": "CREATE SCHEMA s;",
    "nothing, not even public": "DROP SCHEMA public CASCADE;",
    "a view": "CREATE VIEW v AS SELECT 1 AS a;",
    "a function": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';",
    "a type": "CREATE TYPE t AS ENUM ('a'); CREATE TYPE no_labels AS ENUM ();",
    "a domain": "CREATE DOMAIN d AS int CHECK (VALUE > 0);",
    "a comment": "COMMENT ON SCHEMA public IS 'mine';",
    "a privilege": "REVOKE USAGE ON SCHEMA public FROM PUBLIC;",
    "a sequence": "CREATE SEQUENCE s; SELECT nextval('s');",
    "an extension": "DROP EXTENSION plpgsql; CREATE EXTENSION plpgsql;",
    "no extension": "DROP EXTENSION plpgsql;",
    "a materialized view": "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;",
    "one not populated": "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a WITH NO DATA;",
    "a partitioned table": "CREATE TABLE p (a int) PARTITION BY LIST (a);",
    "an empty table": "CREATE TABLE t (a int, b text);",
    "a table without columns": "CREATE TABLE t ();",
    "only generated columns": "CREATE TABLE t (a int GENERATED ALWAYS AS (1) STORED);",
    "an unlogged table": "CREATE UNLOGGED TABLE t (a int);",
    "empty tables": "".join(f"CREATE TABLE t{i} (a int);" for i in range(40)),
    "rows of no columns": "CREATE TABLE t (); INSERT INTO t SELECT FROM generate_series(1, 3);",
    "empty strings": "CREATE TABLE t (a text); INSERT INTO t VALUES (''), ('');",
    "first is empty": "CREATE TABLE a (a int); CREATE TABLE b AS SELECT 1 AS a;",
    "last is empty": "CREATE TABLE a AS SELECT 1 AS a; CREATE TABLE b (a int);",
}
ROWS = {"rows of no columns": 3, "empty strings": 2, "first is empty": 1, "last is empty": 1}
WITH_DATA = {"an empty table", "a table without columns", "only generated columns",
             "an unlogged table", "empty tables", *ROWS}


def assert_is_good(pgcask, backup, archive):
    """verify and list accept it, as they do what is written; returns verify's report."""
    result = pgcask("verify", backup, "--json")
    assert result.ok, result
    pgcask("list", "--verbose", backup).check()
    if archive is not None:
        pgcask("verify", archive, "--quiet").check()
        pgcask("list", "--verbose", archive).check()
    return json.loads(result.stdout)


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("name", LITTLE)
@pytest.mark.sampled(1)
def test_what_there_is_little_of_comes_back(pgcask, cluster, workdir, name):
    db = make(cluster, "little", "" if name == "nothing" else LITTLE[name],
              options="TEMPLATE template0")
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    report = assert_is_good(pgcask, workdir / "backup", archive)
    assert report["rows"] == ROWS.get(name, 0), report
    assert (logical.summary(workdir / "backup")["tables"] > 0) == (name in WITH_DATA)


# A few of them by every way: nothing at all, no data, data that is empty, and some behind it.
WAYS = ["nothing", "a view", "an empty table", "first is empty"]


@pytest.mark.majors(15, 18)
@pytest.mark.parametrize("name", WAYS)
@pytest.mark.sampled(1)
def test_by_every_target_compression_and_digest(pgcask, cluster, major, workdir, name):
    db = make(cluster, "little", LITTLE[name], options="TEMPLATE template0")
    sums = logical.table_sums(cluster, db)
    listed = logical.contents(cluster, logical.stock_archive(cluster, db, workdir / "stock"))

    def restored(archive):
        assert logical.contents(cluster, archive) == listed
        logical.create_like(cluster, db, "copy")
        logical.restore(cluster, archive, "copy")
        assert logical.table_sums(cluster, "copy") == sums
        logical.drop(cluster, "copy")

    more = [("xxh3", "zstd"), ("sha256", "lz4")] if major >= 16 else []
    for digest, squeeze in [("xxh3", "none"), ("sha256", "gzip:9"), *more]:
        how = ["--digest", digest, "--compress", squeeze]
        folder = workdir / "folder"
        restored(logical.back_up(pgcask, cluster, db, folder, *how))
        assert_is_good(pgcask, folder, folder / "little.dump")

        tar = workdir / "one.tar"
        pgcask("backup", cluster.uri(db), "--to", tar, "--quiet", *how).check()
        assert_is_good(pgcask, tar, None)
        unpacked = temp.new_dir("unpacked")
        process.run(["tar", "-C", unpacked, "-xf", tar]).check()
        assert_is_good(pgcask, unpacked, unpacked / "little.dump")
        # The table of contents is the same but for where the data lies.
        restored(unpacked / "little.dump")

        piped = pgcask("backup", cluster.uri(db), "--to", "-", "--quiet", *how).check()
        pgcask("verify", "-", "--quiet", input=piped.stdout_bytes).check()
        through = temp.new_dir("through")
        process.run(["tar", "-C", through, "-xf", "-"], input=piped.stdout_bytes).check()
        assert_is_good(pgcask, through, through / "little.dump")
        restored(through / "little.dump")
        for path in (folder, unpacked, through):
            temp.remove(path)
        tar.unlink()
    logical.drop(cluster, db)


@pytest.mark.majors(18)
@pytest.mark.parametrize("name", WAYS)
def test_a_flipped_byte_of_it_is_found(pgcask, cluster, workdir, name):
    db = make(cluster, "little", LITTLE[name], options="TEMPLATE template0")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    good = archive.read_bytes()
    for at in range(0, len(good), max(1, len(good) // 20)):
        archive.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        result = pgcask("verify", workdir / "backup")
        assert result.rc == 1 and "/little.dump" in result.stderr + result.stdout, (at, result)
    for cut in (good[:-1], good + b"\0"):
        archive.write_bytes(cut)
        assert pgcask("verify", workdir / "backup").rc == 1
    archive.write_bytes(good)
    assert pgcask("verify", workdir / "backup").ok


@pytest.mark.majors(15)
@pytest.mark.parametrize("name", WAYS)
def test_through_plakar(plakar, pgcask, cluster, workdir, name):
    db = make(cluster, "little", LITTLE[name], options="TEMPLATE template0")
    plakar.backup(cluster.uri(db)).check()
    snapshot = plakar.snapshots()[-1]
    tree = plakar.restore(workdir / "tree", snapshot)
    assert_is_good(pgcask, tree, tree / "little.dump")
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, tree / "little.dump", "copy")
    assert logical.table_sums(cluster, "copy") == logical.table_sums(cluster, db)
    oracles.wait_for_nothing_left(cluster)


def test_databases_that_every_server_has(pgcask, cluster, workdir):
    """As initdb leaves them; template0 lets nobody in."""
    for db in ("postgres", "template1"):
        archive = logical.back_up(pgcask, cluster, db, workdir / db)
        assert_is_good(pgcask, workdir / db, archive)
        theirs = logical.stock_archive(cluster, db, workdir / f"{db}.stock")
        assert logical.contents(cluster, archive) == logical.contents(cluster, theirs)


@pytest.mark.majors(13, 18)
def test_an_empty_cluster_comes_back_physically(pgcask, servers, major, workdir):
    """As initdb leaves it, with a folder for a tablespace that holds nothing."""
    server = servers.create(major, fresh=True)
    place = temp.new_dir("tablespace")
    process.give_to_server(place)
    server.sql(f"CREATE TABLESPACE nothing LOCATION '{place}'")
    for target in (workdir / "folder", workdir / "one.tar"):
        pgcask("backup", server.binary_uri(), "--to", target, "--quiet").check()
        pgcask("verify", target, "--quiet").check()
        pgcask("list", "--verbose", target).check()
    data = workdir / "data"
    pgcask("restore", workdir / "folder", "--to", data, "--quiet").check()
    restored = servers.start_restored(data, major)
    assert restored.databases() == server.databases()
    assert restored.value("SELECT count(*) FROM pg_tablespace WHERE spcname = 'nothing'") == "1"


@pytest.mark.majors(15, 17, 18)
def test_a_generated_column_that_needs_its_table_comes_back(pgcask, cluster, major, workdir):
    """It can be said later from 17 on; before, its rows come back, and that it is generated is told
    as left out."""
    db = make(cluster, "needs_itself", """
        CREATE TABLE t (a int, b text);
        CREATE FUNCTION f(t) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION g(t[]) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2';
        ALTER TABLE t ADD "C c" int GENERATED ALWAYS AS (f(NULL::t)) STORED;
        ALTER TABLE t ADD d int GENERATED ALWAYS AS (g(NULL::t[])) STORED NOT NULL;
        ALTER TABLE t ADD e int GENERATED ALWAYS AS (a + 1) STORED, ADD z text DEFAULT 'z';
        COMMENT ON COLUMN t."C c" IS 'c';
        INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y');
    """)
    if major >= 17:
        archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
        logical.create_like(cluster, db, "copy")
        logical.restore(cluster, archive, "copy")
        assert logical.dump_schema(cluster, db) == logical.dump_schema(cluster, "copy")
        assert logical.table_sums(cluster, db) == logical.table_sums(cluster, "copy")
        logical.restore(cluster, archive, "copy", "--clean", "--if-exists")
        assert logical.dump_schema(cluster, db) == logical.dump_schema(cluster, "copy")
        logical.drop(cluster, "copy")
        return
    logical.no_farther_than_stock(pgcask, cluster, db, workdir)
    told = json.loads((workdir / "backup/summary.json").read_text())["warnings"]
    assert len([line for line in told if "is generated is left out" in line]) == 2, told


# The last: a child by two ways, a column of the type, a parent that is not in one of the backups, a
# foreign table.
GENERATED_IN_FAMILIES = """
    CREATE SCHEMA o; CREATE TABLE o.t (a int);
    CREATE FUNCTION o.f(o.t DEFAULT NULL) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    ALTER TABLE o.t ADD g int GENERATED ALWAYS AS (o.f(NULL::o.t)) STORED;
    CREATE TABLE o.child (b int) INHERITS (o.t); CREATE TABLE o.grandchild () INHERITS (o.child);
    INSERT INTO o.t (a) VALUES (1); INSERT INTO o.child (a, b) VALUES (2, 3);
    INSERT INTO o.grandchild (a, b) VALUES (4, 5);

    CREATE SCHEMA c; CREATE TABLE c.t (a int); CREATE TABLE c.child (b int) INHERITS (c.t);
    CREATE FUNCTION c.f(c.child DEFAULT NULL) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    ALTER TABLE c.t ADD g int GENERATED ALWAYS AS (c.f(NULL::c.child)) STORED;
    INSERT INTO c.t (a) VALUES (1); INSERT INTO c.child (a, b) VALUES (2, 3);

    CREATE SCHEMA p; CREATE TABLE p.t (a int) PARTITION BY LIST (a);
    CREATE FUNCTION p.f(p.t DEFAULT NULL) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    ALTER TABLE p.t ADD g int GENERATED ALWAYS AS (p.f(NULL::p.t)) STORED;
    CREATE TABLE p.one PARTITION OF p.t FOR VALUES IN (1);
    CREATE TABLE p.two PARTITION OF p.t DEFAULT PARTITION BY LIST (a);
    CREATE TABLE p.three PARTITION OF p.two DEFAULT; INSERT INTO p.t VALUES (1), (2);

    CREATE SCHEMA q; CREATE TABLE q.t (a int) PARTITION BY LIST (a);
    CREATE TABLE q.one PARTITION OF q.t FOR VALUES IN (1);
    CREATE FUNCTION q.f(q.one DEFAULT NULL) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    ALTER TABLE q.t ADD g int GENERATED ALWAYS AS (q.f(NULL::q.one)) STORED;
    INSERT INTO q.t VALUES (1);

    CREATE SCHEMA x; CREATE TABLE x.t (a int); CREATE TABLE x.u (a int);
    CREATE FUNCTION x.f(x.t DEFAULT NULL) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION x.g(x.u DEFAULT NULL) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    ALTER TABLE x.t ADD g int GENERATED ALWAYS AS (x.g(NULL::x.u)) STORED;
    ALTER TABLE x.u ADD g int GENERATED ALWAYS AS (x.f(NULL::x.t)) STORED, ADD h int DEFAULT 3;
    INSERT INTO x.t VALUES (1); INSERT INTO x.u VALUES (1);

    CREATE SCHEMA d; CREATE TABLE d.t (a int);
    CREATE FUNCTION d.f(d.t DEFAULT NULL) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    ALTER TABLE d.t ADD "g ""G" int GENERATED ALWAYS AS (d.f(NULL::d.t)) STORED;
    CREATE TABLE d.l () INHERITS (d.t); CREATE TABLE d.r () INHERITS (d.t);
    CREATE TABLE d.b (z int) INHERITS (d.l, d.r); INSERT INTO d.b (a, z) VALUES (1, 2);

    CREATE SCHEMA v; CREATE TABLE v.t (a int);
    CREATE FUNCTION v.f(v.t DEFAULT NULL) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    ALTER TABLE v.t ADD g int GENERATED ALWAYS AS (v.f(NULL::v.t)) STORED;
    INSERT INTO v.t (a) VALUES (1); CREATE TABLE v.a (v v.t, w v.t[]);
    INSERT INTO v.a SELECT t, ARRAY[t] FROM v.t; CREATE TABLE v.child () INHERITS (v.t);

    CREATE SCHEMA m; CREATE TABLE m.t (a int); CREATE SCHEMA e;
    CREATE TABLE e.child () INHERITS (m.t);
    CREATE FUNCTION e.f(e.child DEFAULT NULL) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    ALTER TABLE m.t ADD g int GENERATED ALWAYS AS (e.f(NULL::e.child)) STORED;
    INSERT INTO e.child (a) VALUES (1);

    CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
    CREATE FOREIGN TABLE p.abroad PARTITION OF p.t FOR VALUES IN (7) SERVER s;
"""

GENERATED_FACTS = """
    SELECT a.attrelid::regclass, a.attname, a.atttypid::regtype, a.attislocal, a.attinhcount,
           pg_get_expr(d.adbin, d.adrelid),
           (SELECT array_agg(i.inhparent::regclass ORDER BY i.inhseqno) FROM pg_inherits i
             WHERE i.inhrelid = a.attrelid), %s
      FROM pg_attribute a
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'f')
     WHERE c.oid >= 16384 AND a.attnum > 0 ORDER BY a.attrelid::regclass::text, a.attname
"""


@pytest.mark.majors(13, 14, 15, 17, 18)
def test_generated_columns_that_need_their_family_come_back(pgcask, cluster, major, workdir):
    """The table, a child of it, a partition, another table that needs it. Stock tools lose the
    expressions, and attaches and values with them; up to 14, the tables."""
    sql = GENERATED_IN_FAMILIES
    if major < 15:  # where it is the column that needs the type, which forbids adding it
        sql = re.sub(r"\(NULL::[a-z.]+\)", "()", sql)
    db = make(cluster, "families", sql)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    assert not logical.contents(cluster, theirs) - logical.contents(cluster, archive)
    logical.create_like(cluster, db, "copy")
    for options in ((), ("--clean", "--if-exists"))[:2 if major >= 17 else 1]:
        logical.restore(cluster, archive, "copy", *options)
        assert logical.table_sums(cluster, db) == logical.table_sums(cluster, "copy")
        generated = "a.attgenerated" if major >= 17 else "''"
        facts, copied = (logical.run_sql(cluster, name, GENERATED_FACTS % generated).split(b"\n")
                         for name in (db, "copy"))
        assert facts == copied and len(facts) > 40
        if major >= 17:
            assert logical.dump_schema(cluster, db) == logical.dump_schema(cluster, "copy")
    lost = logical.run_sql(cluster, "copy", """
        SELECT count(*) FROM pg_attribute a
         WHERE attrelid >= 16384 AND attname LIKE 'g%' AND attgenerated = ''""").decode()
    told = json.loads((workdir / "backup/summary.json").read_text())["warnings"]
    assert len([line for line in told if "is generated is left out" in line]) == int(lost), told
    assert (int(lost) == 0) == (major >= 17)
    logical.drop(cluster, "copy")
    some = logical.back_up(pgcask, cluster, db, workdir / "some", "--schemas", "e")
    logical.create_like(cluster, db, "copy")
    logical.run_sql(cluster, "copy", """
        CREATE SCHEMA m; CREATE TABLE m.t (a int, g int GENERATED ALWAYS AS (5) STORED)""")
    logical.restore(cluster, some, "copy")
    made = logical.run_sql(cluster, "copy", "SELECT a, g FROM e.child")
    assert made == (b"1|1\n" if major >= 17 else b"1|5\n")
    logical.drop(cluster, "copy")


@pytest.mark.majors(13, 15, 18)
def test_a_check_that_a_partition_inherits_comes_once(pgcask, cluster, major, workdir):
    """Though it has to come after both, because it names the partition's own type."""
    db = make(cluster, "inherited_check", """
        CREATE TABLE part (a int, b int) PARTITION BY RANGE (b);
        CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
        CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (10) TO (20) PARTITION BY LIST (a);
        CREATE TABLE part3 PARTITION OF part2 DEFAULT;
        CREATE FUNCTION f(part1) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION g(part3) RETURNS int LANGUAGE sql AS 'SELECT 1';
        ALTER TABLE part ADD CONSTRAINT by_f CHECK (f(ROW(a, b)::part1) IS NOT NULL),
            ADD CONSTRAINT by_g CHECK (g(NULL::part3) IS NOT NULL), ADD CONSTRAINT c CHECK (a > 0);
        INSERT INTO part VALUES (1, 1), (2, 12);
    """)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy", "--exit-on-error", "--single-transaction")
    assert logical.dump_schema(cluster, db) == logical.dump_schema(cluster, "copy")
    assert logical.table_sums(cluster, db) == logical.table_sums(cluster, "copy")
    logical.drop(cluster, "copy")
