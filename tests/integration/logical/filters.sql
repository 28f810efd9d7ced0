-- Schemas, kinds and dependencies across them, for filters to take apart.
CREATE SCHEMA shop;
CREATE SCHEMA "Stock Room";
CREATE SCHEMA log;
CREATE SCHEMA "dotted.name";
COMMENT ON SCHEMA shop IS 'what is sold';
GRANT USAGE ON SCHEMA shop TO alice;
ALTER SCHEMA log OWNER TO bob;

CREATE TYPE shop.mood AS ENUM ('good', 'bad');
CREATE TYPE shop.pair AS (a int, b text);
CREATE DOMAIN shop.positive AS int CHECK (VALUE > 0);
CREATE DOMAIN "Stock Room".code AS text NOT NULL;
CREATE TYPE shop.span AS RANGE (subtype = int4);
CREATE COLLATION shop.plain (locale = 'C');

CREATE FUNCTION shop.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE PROCEDURE log.nothing() LANGUAGE sql AS '';
CREATE AGGREGATE shop.total(int) (sfunc = int4pl, stype = int, initcond = '0');
COMMENT ON FUNCTION shop.twice(int) IS 'of it';
GRANT EXECUTE ON FUNCTION shop.twice(int) TO bob;

CREATE TABLE shop.customers (id serial PRIMARY KEY, name text COLLATE shop.plain NOT NULL,
                             feels shop.mood DEFAULT 'good');
CREATE TABLE shop.orders (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer int REFERENCES shop.customers,
    placed date NOT NULL DEFAULT '2024-01-01',
    pieces shop.positive,
    doubled int GENERATED ALWAYS AS (pieces * 2) STORED);
CREATE INDEX orders_placed ON shop.orders (placed);
CREATE STATISTICS shop.of_orders ON customer, placed FROM shop.orders;
CREATE STATISTICS log.of_customers (dependencies) ON id, name FROM shop.customers;
CREATE TRIGGER touched BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE RULE no_delete AS ON DELETE TO shop.customers DO INSTEAD NOTHING;
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.orders USING (customer > 0);
GRANT SELECT ON shop.orders TO alice;
GRANT UPDATE (placed) ON shop.orders TO bob;
COMMENT ON TABLE shop.orders IS 'what was ordered';
COMMENT ON COLUMN shop.orders.placed IS 'when';
COMMENT ON INDEX shop.orders_placed IS 'by day';
INSERT INTO shop.customers (name) SELECT 'c' || i FROM generate_series(1, 5) i;
INSERT INTO shop.orders (customer, placed, pieces)
    SELECT 1 + i % 5, date '2024-01-01' + i, i FROM generate_series(1, 40) i;

CREATE SEQUENCE shop.numbers;
CREATE TABLE shop.lines (id int DEFAULT nextval('shop.numbers'), what text);
ALTER SEQUENCE shop.numbers OWNED BY shop.lines.id;
CREATE SEQUENCE shop.free;
SELECT nextval('shop.free');
INSERT INTO shop.lines (what) VALUES ('a'), ('b');
CREATE UNLOGGED TABLE log.fleeting (a int);
INSERT INTO log.fleeting VALUES (1);

CREATE VIEW shop.busy AS SELECT customer, count(*) AS n FROM shop.orders GROUP BY customer;
CREATE VIEW log.grouped AS SELECT id, name FROM shop.customers GROUP BY id;
CREATE MATERIALIZED VIEW shop.summary AS SELECT customer, n FROM shop.busy;
CREATE MATERIALIZED VIEW log.second AS SELECT * FROM shop.summary;
CREATE INDEX ON shop.summary (n);
ALTER VIEW shop.busy ALTER COLUMN n SET DEFAULT 7;

CREATE TABLE "Stock Room"."Big Items" (code "Stock Room".code, p shop.pair);
CREATE TABLE "Stock Room".orders (a int);
INSERT INTO "Stock Room"."Big Items" VALUES ('x', (1, 'y'));
INSERT INTO "Stock Room".orders VALUES (1), (2);
CREATE TABLE "dotted.name"."a.b" (a int);
CREATE TABLE public.plain (a int PRIMARY KEY);
CREATE TABLE public.orders (a int REFERENCES public.plain);
INSERT INTO public.plain VALUES (1);
INSERT INTO public.orders VALUES (1);
CREATE TABLE public.a$b (a int);

CREATE TABLE log.events (at date, what text, PRIMARY KEY (at)) PARTITION BY RANGE (at);
CREATE TABLE log.events_1 PARTITION OF log.events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE shop.events_2 PARTITION OF log.events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE log.events_3 PARTITION OF log.events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')
    PARTITION BY RANGE (at);
CREATE TABLE log.events_3a PARTITION OF log.events_3
    FOR VALUES FROM ('2024-03-01') TO ('2024-03-15');
CREATE INDEX events_what ON log.events (what);
CREATE TRIGGER watched AFTER INSERT ON log.events FOR EACH ROW EXECUTE FUNCTION shop.touch();
INSERT INTO log.events VALUES ('2024-01-05', 'a'), ('2024-02-05', 'b'), ('2024-03-05', 'c');

CREATE TABLE log.base (a int NOT NULL DEFAULT 1, b text, CHECK (a > 0));
CREATE TABLE log.child (c int) INHERITS (log.base);
CREATE TABLE shop.grandchild (a int DEFAULT 2) INHERITS (log.child);
INSERT INTO log.base VALUES (1, 'x');
INSERT INTO log.child VALUES (2, 'y', 3);
INSERT INTO shop.grandchild VALUES (3, 'z', 4);

CREATE EXTENSION hstore SCHEMA shop;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION pgcask_configured;
INSERT INTO configured.settings VALUES ('own', 'y', true);
CREATE TABLE shop.stored (h shop.hstore);
GRANT EXECUTE ON FUNCTION shop.hstore_in(cstring) TO alice;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;
COMMENT ON EXTENSION pg_trgm IS 'trigrams';

CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER far FOREIGN DATA WRAPPER nothing;
CREATE USER MAPPING FOR alice SERVER far OPTIONS (secret 'x');
CREATE FOREIGN TABLE shop.distant (a int) SERVER far;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE log.lines (a int, b text) SERVER files
    OPTIONS (program 'printf "1\tx\n2\ty\n"');
CREATE FUNCTION log.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch ON ddl_command_start WHEN TAG IN ('CREATE CAST')
    EXECUTE FUNCTION log.on_ddl();
CREATE PUBLICATION of_orders FOR TABLE shop.orders, public.plain;
CREATE SUBSCRIPTION to_nobody CONNECTION 'host=/nowhere' PUBLICATION x
    WITH (connect = false, slot_name = NONE);
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO alice;
ALTER DEFAULT PRIVILEGES FOR ROLE bob GRANT SELECT ON TABLES TO alice;
CREATE TEXT SEARCH DICTIONARY shop.words (TEMPLATE = pg_catalog.simple);
CREATE TEXT SEARCH CONFIGURATION shop.reading (COPY = pg_catalog.simple);
SELECT lo_from_bytea(20001, 'first'), lo_from_bytea(20002, '');
COMMENT ON LARGE OBJECT 20001 IS 'the first';
GRANT SELECT ON LARGE OBJECT 20002 TO alice;
CREATE CAST (shop.mood AS int) WITH INOUT;
CREATE OPERATOR shop.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE OPERATOR FAMILY log.family USING btree;
