-- What a role that owns a database on a server where it is nothing else makes in it.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION btree_gin;
COMMENT ON EXTENSION hstore IS 'of the owner';
CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'all of it';
CREATE TYPE shop.color AS ENUM ('red', 'green');
CREATE DOMAIN shop.positive AS int CHECK (VALUE > 0);
CREATE TABLE shop.customer (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name citext UNIQUE,
    attributes hstore
);
INSERT INTO shop.customer (name, attributes) SELECT 'c' || i, hstore('n', i::text)
    FROM generate_series(1, 100) i;
CREATE TABLE shop."Order ""x""" (
    id serial PRIMARY KEY,
    customer int REFERENCES shop.customer,
    color shop.color DEFAULT 'red',
    amount shop.positive
) PARTITION BY RANGE (id);
CREATE TABLE shop.orders_1 PARTITION OF shop."Order ""x""" FOR VALUES FROM (1) TO (1000);
INSERT INTO shop."Order ""x""" (customer, amount) SELECT i, i FROM generate_series(1, 100) i;
CREATE VIEW shop.seen AS SELECT name FROM shop.customer WHERE attributes ? 'n';
CREATE MATERIALIZED VIEW shop.counted AS SELECT count(*) AS n FROM shop.seen;
CREATE INDEX ON shop.customer USING gin (attributes);
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON shop.customer FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE AGGREGATE shop.total (int) (SFUNC = int4pl, STYPE = int);
CREATE OPERATOR shop.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE CAST (shop.color AS text) WITH INOUT;
CREATE STATISTICS shop.st ON id, name FROM shop.customer;
CREATE COLLATION shop.posix FROM "C";
CREATE TEXT SEARCH DICTIONARY shop.dict (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION shop.conf (COPY = simple);
CREATE CONVERSION shop.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
ALTER TABLE shop.customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON shop.customer TO "app reader" USING (id > 50);
GRANT USAGE ON SCHEMA shop TO "app reader";
GRANT SELECT ON shop.customer, shop.counted TO "app reader";
GRANT UPDATE (name) ON shop.customer TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO "app reader";
CREATE PUBLICATION pub FOR TABLE shop.customer;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'far.example');
CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'u', password 's3cret');
CREATE FOREIGN TABLE shop.there (a int) SERVER far;
SELECT lo_from_bytea(4711, 'of the owner'), lo_from_bytea(4712, '');
COMMENT ON LARGE OBJECT 4711 IS 'a large one';
GRANT SELECT ON LARGE OBJECT 4711 TO "app reader";
CREATE TABLE shop.forced (a int);
INSERT INTO shop.forced VALUES (1);
CREATE UNLOGGED TABLE shop.fast (a int);
INSERT INTO shop.fast VALUES (1);
