-- The database that the recorded manifests beside this are of; run in one of its own, named shop.
CREATE EXTENSION hstore SCHEMA public;
CREATE SCHEMA sales AUTHORIZATION keeper;
CREATE TABLE sales.customer (
    id bigint NOT NULL,
    email character varying(80) NOT NULL,
    joined timestamp with time zone DEFAULT now(),
    note text,
    CONSTRAINT customer_pkey PRIMARY KEY (id),
    CONSTRAINT customer_email_key UNIQUE (email),
    CONSTRAINT customer_id_check CHECK (id > 0)
) WITH (fillfactor = 70);
ALTER TABLE sales.customer OWNER TO keeper;
CREATE INDEX customer_note ON sales.customer (lower(note)) WHERE note IS NOT NULL;
INSERT INTO sales.customer (id, email) SELECT g, g || '@example.org' FROM generate_series(1, 40) g;
CREATE TABLE sales.orders (
    id integer NOT NULL,
    customer bigint NOT NULL,
    placed date NOT NULL,
    total numeric(10,2) DEFAULT 0,
    during int4range,
    CONSTRAINT orders_customer_fkey FOREIGN KEY (customer) REFERENCES sales.customer,
    CONSTRAINT orders_during_excl EXCLUDE USING gist (during WITH &&)
);
CREATE SEQUENCE sales.number START 1000;
CREATE FUNCTION sales.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE UNLOGGED TABLE sales.guarded (n integer);
ALTER TABLE sales.guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE TRIGGER touched BEFORE INSERT ON sales.guarded FOR EACH ROW EXECUTE FUNCTION sales.touch();
CREATE TABLE sales.event (day date NOT NULL, what text) PARTITION BY RANGE (day);
CREATE TABLE sales.event_2026 PARTITION OF sales.event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE sales.heir () INHERITS (sales.guarded);
CREATE VIEW sales.address AS SELECT id, email FROM sales.customer;
CREATE MATERIALIZED VIEW sales.total AS SELECT count(*) AS n FROM sales.customer;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER far FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE sales.remote (a integer) SERVER far;
CREATE TABLE sales.archive (a integer) TABLESPACE cold;
VACUUM sales.customer;
ANALYZE sales.customer;
