"""Columns whose type is the row of a table or a view, itself or within arrays, domains, ranges and
composite types: what needs whom is said by types then, and names tell nothing of the order."""

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make  # noqa: F401

# Names are such that each needs one that comes later in the alphabet.
SCRIPT = """
    CREATE SCHEMA "Z z";
    CREATE TABLE "Z z"."Row r" (x int NOT NULL DEFAULT 7, "Y y" text, dropped int, n numeric(5, 2));
    ALTER TABLE "Z z"."Row r" DROP dropped;
    CREATE TABLE a_itself (id int PRIMARY KEY, r "Z z"."Row r");
    INSERT INTO a_itself VALUES (1, (1, 'it''s "so", (and) \\ on', 3.14)), (2, NULL),
        (3, (NULL, '', NULL));
    CREATE TABLE a_array (r "Z z"."Row r"[], s "Z z"."Row r"[][] DEFAULT '{}');
    INSERT INTO a_array VALUES (ARRAY[(1, 'a', 2), NULL]::"Z z"."Row r"[]);
    CREATE DOMAIN z_domain AS "Z z"."Row r" CHECK ((VALUE).x > 0);
    CREATE DOMAIN y_domain AS z_domain[] CHECK (array_length(VALUE, 1) < 5);
    CREATE TABLE a_domain (d z_domain, e y_domain, f z_domain[]);
    INSERT INTO a_domain VALUES ((1, 'd', 2), ARRAY[(1, 'e', 2)]::z_domain[], NULL);
    CREATE TYPE z_pair AS (one "Z z"."Row r", many a_itself[]);
    CREATE TABLE a_pair (p z_pair, CHECK ((p).one IS NOT NULL));
    INSERT INTO a_pair
        SELECT ROW((1, 'p', 2)::"Z z"."Row r", array_agg(a))::z_pair FROM a_itself a;
    CREATE TABLE a_third OF z_pair;
    INSERT INTO a_third SELECT (p).* FROM a_pair;
    CREATE TABLE a_key (k "Z z"."Row r", PRIMARY KEY (k));
    INSERT INTO a_key VALUES ((1, 'k', 2)), ((2, 'k', 2));
    CREATE INDEX ON a_key (((k).x));
    CREATE TABLE a_child (extra a_itself) INHERITS (a_itself);
    INSERT INTO a_child VALUES (5, NULL, (6, (1, 'c', 3)));
    CREATE TABLE y_parts (id int, r a_child) PARTITION BY LIST (id);
    CREATE TABLE y_part PARTITION OF y_parts FOR VALUES IN (1);
    INSERT INTO y_parts VALUES (1, (1, NULL, NULL));
    CREATE TABLE a_of_parts (p y_parts, q y_part);
    INSERT INTO a_of_parts SELECT p, q FROM y_parts p, y_part q;
    CREATE VIEW z_view AS SELECT x, "Y y", ARRAY[x] AS xs FROM "Z z"."Row r";
    CREATE TABLE a_view (v z_view, w z_view[]);
    INSERT INTO a_view VALUES ((1, 'v', '{1}'), ARRAY[(1, 'v', '{1}')]::z_view[]);
    CREATE MATERIALIZED VIEW z_kept AS SELECT v, (v).x FROM a_view;
    CREATE TABLE a_kept (k z_kept);
    INSERT INTO a_kept SELECT k FROM z_kept k;
    CREATE SEQUENCE z_sequence;
    CREATE FUNCTION z_function(r a_itself, VARIADIC s "Z z"."Row r"[]) RETURNS SETOF a_view
        LANGUAGE sql AS 'SELECT * FROM public.a_view';
    CREATE FUNCTION a_lower(r "Z z"."Row r") RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1).x';
    CREATE TABLE a_default (r "Z z"."Row r" DEFAULT (1, 'default', 2)::"Z z"."Row r",
                            g int GENERATED ALWAYS AS (a_lower(r)) STORED);
    INSERT INTO a_default DEFAULT VALUES;
    CREATE VIEW a_whole_row AS SELECT i, (i.r).x FROM a_itself i;
    CREATE VIEW a_of_view AS SELECT w, (w.i).id FROM a_whole_row w;
    CREATE TYPE z_range AS RANGE (subtype = "Z z"."Row r");
    CREATE TABLE a_range (r z_range);
    INSERT INTO a_range VALUES (z_range((1, 'a', 1), (2, 'b', 2)));
    COMMENT ON COLUMN z_pair.one IS 'of a pair';
    CREATE PUBLICATION of_rows FOR TABLE a_itself, a_pair;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO alice;
"""
# A row that has the type of a view, which groups by a key that comes after the data.
LOOPS = """
    CREATE TABLE t (id int PRIMARY KEY, b text);
    INSERT INTO t VALUES (1, 'one');
    CREATE VIEW grouped AS SELECT id, b FROM t GROUP BY id;
    CREATE TABLE of_grouped (g grouped, h grouped[]);
    INSERT INTO of_grouped SELECT g, ARRAY[g] FROM grouped g;
    CREATE TABLE checked (a int, b text);
    CREATE FUNCTION f(checked) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a > 0';
    ALTER TABLE checked ADD CHECK (f(checked));
    ALTER TABLE checked ADD CONSTRAINT g CHECK ((checked).a < 100);
    INSERT INTO checked VALUES (5, 'x');
    CREATE TABLE first (a int);
    CREATE TABLE second (f first);
    CREATE FUNCTION of_second(second) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
    ALTER TABLE first ALTER a SET DEFAULT of_second(NULL);
    INSERT INTO first DEFAULT VALUES;
    INSERT INTO second SELECT f FROM first f;
"""


def test_rows_within_rows_come_back(pgcask, cluster, workdir):
    db = make(cluster, "rows", SCRIPT)
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    logical.create_like(cluster, db, "copied")
    logical.restore(cluster, archive, "copied", "-j4")
    assert logical.dump_schema(cluster, "copied") == logical.dump_schema(cluster, db)
    assert logical.table_sums(cluster, "copied") == logical.table_sums(cluster, db)


def test_loops_by_rows_come_back(pgcask, cluster, workdir):
    db = make(cluster, "loops", LOOPS)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    for options in ([], ["-j4"]):
        logical.create_like(cluster, db, "copied")
        logical.restore(cluster, archive, "copied", *options)
        assert logical.definitions(cluster, "copied") == logical.definitions(cluster, db)
        assert logical.table_sums(cluster, "copied") == logical.table_sums(cluster, db)
