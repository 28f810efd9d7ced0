-- Kinds that need each other: types with casts, operators and classes, in tables, bodies, domains.
CREATE SCHEMA c;
-- A type that is text underneath, with casts that only hold once it is known to be.
CREATE TYPE c.zword;
CREATE FUNCTION c.zword_in(cstring) RETURNS c.zword IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION c.zword_out(c.zword) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE TYPE c.zword (INPUT = c.zword_in, OUTPUT = c.zword_out, INTERNALLENGTH = variable,
    STORAGE = extended, CATEGORY = 'S', COLLATABLE = true);
CREATE CAST (c.zword AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (c.zword AS int) WITH FUNCTION textlen(text) AS ASSIGNMENT;
CREATE CAST (bpchar AS c.zword) WITHOUT FUNCTION;
CREATE CAST (text AS c.zword) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (int AS c.zword) WITH INOUT;
CREATE FUNCTION c.eq(c.zword, c.zword) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS 'texteq';
CREATE FUNCTION c.lt(c.zword, c.zword) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS 'text_lt';
CREATE FUNCTION c.gt(c.zword, c.zword) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS 'text_gt';
CREATE FUNCTION c.cmp(c.zword, c.zword) RETURNS int IMMUTABLE STRICT LANGUAGE internal AS 'bttextcmp';
CREATE FUNCTION c.hash(c.zword) RETURNS int IMMUTABLE STRICT LANGUAGE internal AS 'hashtext';
CREATE FUNCTION c.hash(c.zword, bigint) RETURNS bigint IMMUTABLE STRICT LANGUAGE internal
    AS 'hashtextextended';
CREATE OPERATOR c.= (FUNCTION = c.eq, LEFTARG = c.zword, RIGHTARG = c.zword, COMMUTATOR = OPERATOR(c.=),
    HASHES, MERGES, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE OPERATOR c.< (FUNCTION = c.lt, LEFTARG = c.zword, RIGHTARG = c.zword, COMMUTATOR = OPERATOR(c.>));
CREATE OPERATOR c.> (FUNCTION = c.gt, LEFTARG = c.zword, RIGHTARG = c.zword, COMMUTATOR = OPERATOR(c.<));
CREATE OPERATOR CLASS c.zword_ops DEFAULT FOR TYPE c.zword USING btree AS
    OPERATOR 1 c.<, OPERATOR 3 c.=, OPERATOR 5 c.>, FUNCTION 1 c.cmp(c.zword, c.zword);
CREATE OPERATOR CLASS c.zword_ops DEFAULT FOR TYPE c.zword USING hash AS
    OPERATOR 1 c.=, FUNCTION 1 c.hash(c.zword), FUNCTION 2 c.hash(c.zword, bigint);
CREATE OPERATOR CLASS c.as_text FOR TYPE c.zword USING spgist AS
    OPERATOR 3 = (text, text), FUNCTION 1 spg_text_config(internal, internal),
    FUNCTION 2 spg_text_choose(internal, internal), FUNCTION 3 spg_text_picksplit(internal, internal),
    FUNCTION 4 spg_text_inner_consistent(internal, internal),
    FUNCTION 5 spg_text_leaf_consistent(internal, internal);
CREATE COLLATION c.order (provider = icu, locale = 'de-u-co-phonebk');
CREATE DOMAIN c.short AS c.zword COLLATE c.order CHECK (length(VALUE) < 9) CHECK (VALUE OPERATOR(c.>) 'A');
CREATE TYPE c.words AS RANGE (subtype = c.zword, collation = c.order);
CREATE FUNCTION c.least(c.zword, c.zword) RETURNS c.zword IMMUTABLE LANGUAGE sql
    AS 'SELECT CASE WHEN $1 OPERATOR(c.<) $2 THEN $1 ELSE $2 END';
CREATE AGGREGATE c.min(c.zword) (SFUNC = c.least, STYPE = c.zword, SORTOP = OPERATOR(c.<),
    COMBINEFUNC = c.least, PARALLEL = safe);
-- By a function of the type underneath.
CREATE AGGREGATE c.all_of(c.zword) (SFUNC = textcat, STYPE = text, INITCOND = '');
CREATE TABLE c.t (a c.zword PRIMARY KEY, b c.short DEFAULT 'abc'::text, n int GENERATED ALWAYS AS (length(a)) STORED,
    r c.words, CHECK (a OPERATOR(c.<) 'zz' OR b IN ('x', 'y')), EXCLUDE USING hash (b WITH OPERATOR(c.=)));
INSERT INTO c.t (a, b, r) SELECT chr(97 + g), 'w' || g, c.words(chr(97 + g)::c.zword, NULL) FROM generate_series(0, 8) g;
CREATE INDEX ON c.t USING spgist (a c.as_text);
CREATE INDEX ON c.t (a COLLATE c.order, b) WHERE a OPERATOR(c.>) 'b';
CREATE TABLE c.refers (a c.zword REFERENCES c.t, b c.short REFERENCES c.t (a)) PARTITION BY HASH (a);
CREATE TABLE c.refers_0 PARTITION OF c.refers FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO c.refers VALUES ('b', 'c');
CREATE VIEW c.v AS SELECT a, count(*) AS n, c.min(b) AS m, c.all_of(a ORDER BY a DESC) AS o,
    a || 'x' AS x, (a, b) = ('a', 'b') AS y, a = ANY (ARRAY['a', 'b']::c.zword[]) AS z
    FROM c.t WHERE a NOT IN (SELECT a FROM c.refers) GROUP BY a, b HAVING c.min(b) OPERATOR(c.<) 'z'
    ORDER BY a COLLATE c.order DESC NULLS LAST;
CREATE RULE r AS ON DELETE TO c.t WHERE old.a OPERATOR(c.=) 'q' DO INSTEAD NOTHING;
ALTER TABLE c.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON c.t USING (a OPERATOR(c.>) b);
CREATE FUNCTION c.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER tr BEFORE UPDATE ON c.t FOR EACH ROW WHEN (old.a OPERATOR(c.<) new.a) EXECUTE FUNCTION c.tf();
CREATE STATISTICS c.s ON a, b FROM c.t;
-- Rows of a table, with operators, a class, a cast and a range of them.
CREATE TABLE c.rows (x int, y c.zword);
CREATE FUNCTION c.cmp(c.rows, c.rows) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT btint4cmp($1.x, $2.x)';
CREATE FUNCTION c.lt(c.rows, c.rows) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1.x < $2.x';
CREATE FUNCTION c.eq(c.rows, c.rows) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1.x = $2.x';
CREATE OPERATOR c.<<< (FUNCTION = c.lt, LEFTARG = c.rows, RIGHTARG = c.rows);
CREATE OPERATOR c.=== (FUNCTION = c.eq, LEFTARG = c.rows, RIGHTARG = c.rows);
CREATE OPERATOR CLASS c.rows_ops DEFAULT FOR TYPE c.rows USING btree AS
    OPERATOR 1 c.<<<, OPERATOR 3 c.===, FUNCTION 1 c.cmp(c.rows, c.rows);
CREATE TYPE c.range_of_rows AS RANGE (subtype = c.rows);
CREATE FUNCTION c.int_of(c.rows) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1.x';
CREATE CAST (c.rows AS int) WITH FUNCTION c.int_of(c.rows) AS IMPLICIT;
INSERT INTO c.rows VALUES (1, 'a'), (2, 'b');
CREATE INDEX ON c.rows ((c.int_of(rows.*)));
CREATE TABLE c.of_rows (a c.rows PRIMARY KEY, b c.range_of_rows, CHECK (a::int > 0));
INSERT INTO c.of_rows SELECT r, c.range_of_rows(r, NULL) FROM c.rows r;
CREATE VIEW c.sorted AS SELECT rows FROM c.rows ORDER BY rows.* USING OPERATOR(c.<<<);
CREATE MATERIALIZED VIEW c.distinct AS SELECT DISTINCT a FROM c.of_rows;
-- Anything, and arrays of the type.
CREATE FUNCTION c.anything(anyelement, anyarray) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 = ANY ($2)';
CREATE OPERATOR c.@@ (FUNCTION = c.anything, LEFTARG = anyelement, RIGHTARG = anyarray);
CREATE OPERATOR CLASS c.array_ops FOR TYPE c.zword[] USING gin AS STORAGE c.zword,
    OPERATOR 1 && (anyarray, anyarray), FUNCTION 1 c.cmp(c.zword, c.zword),
    FUNCTION 2 ginarrayextract(anyarray, internal, internal),
    FUNCTION 3 ginqueryarrayextract(anyarray, internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 ginarrayconsistent(internal, smallint, anyarray, integer, internal, internal, internal, internal);
CREATE TABLE c.arrays (a c.zword[] CHECK (a[1] OPERATOR(c.@@) a));
INSERT INTO c.arrays VALUES (ARRAY['x', 'y']::c.zword[]);
CREATE INDEX ON c.arrays USING gin (a c.array_ops);
