-- Operators with every clause, their classes and families, and what uses them.
CREATE SCHEMA "Op s";
CREATE SCHEMA ops;
-- A type of the user's own, with everything that indexes need.
CREATE TYPE ops.n;
CREATE FUNCTION ops.n_in(cstring) RETURNS ops.n IMMUTABLE STRICT LANGUAGE internal AS 'int4in';
CREATE FUNCTION ops.n_out(ops.n) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'int4out';
CREATE TYPE ops.n (INPUT = ops.n_in, OUTPUT = ops.n_out, INTERNALLENGTH = 4, PASSEDBYVALUE);
CREATE FUNCTION ops.lt(ops.n, ops.n) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS 'int4lt';
CREATE FUNCTION ops.le(ops.n, ops.n) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS 'int4le';
CREATE FUNCTION ops.eq(ops.n, ops.n) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS 'int4eq';
CREATE FUNCTION ops.ne(ops.n, ops.n) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS 'int4ne';
CREATE FUNCTION ops.ge(ops.n, ops.n) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS 'int4ge';
CREATE FUNCTION ops.gt(ops.n, ops.n) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS 'int4gt';
CREATE FUNCTION ops.cmp(ops.n, ops.n) RETURNS int IMMUTABLE STRICT LANGUAGE internal AS 'btint4cmp';
CREATE FUNCTION ops.pmc(ops.n, ops.n) RETURNS int IMMUTABLE STRICT LANGUAGE sql
    AS 'SELECT ops.cmp($2, $1)';
CREATE FUNCTION ops.hash(ops.n) RETURNS int IMMUTABLE STRICT LANGUAGE internal AS 'hashint4';
CREATE FUNCTION ops.hash(ops.n, bigint) RETURNS bigint IMMUTABLE STRICT LANGUAGE internal
    AS 'hashint4extended';
CREATE FUNCTION ops."minus it"(ops.n) RETURNS ops.n IMMUTABLE STRICT LANGUAGE internal AS 'int4um';
CREATE FUNCTION ops.minus(ops.n, ops.n) RETURNS ops.n IMMUTABLE STRICT LANGUAGE internal
    AS 'int4mi';
CREATE OPERATOR ops.< (FUNCTION = ops.lt, LEFTARG = ops.n, RIGHTARG = ops.n,
    COMMUTATOR = OPERATOR(ops.>), NEGATOR = OPERATOR(ops.>=), RESTRICT = scalarltsel,
    JOIN = scalarltjoinsel);
CREATE OPERATOR ops.<= (FUNCTION = ops.le, LEFTARG = ops.n, RIGHTARG = ops.n,
    COMMUTATOR = OPERATOR(ops.>=), NEGATOR = OPERATOR(ops.>), RESTRICT = scalarlesel,
    JOIN = scalarlejoinsel);
CREATE OPERATOR ops.= (FUNCTION = ops.eq, LEFTARG = ops.n, RIGHTARG = ops.n,
    COMMUTATOR = OPERATOR(ops.=), NEGATOR = OPERATOR("Op s".<>), RESTRICT = eqsel,
    JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR "Op s".<> (FUNCTION = ops.ne, LEFTARG = ops.n, RIGHTARG = ops.n,
    COMMUTATOR = OPERATOR("Op s".<>), NEGATOR = OPERATOR(ops.=), RESTRICT = neqsel,
    JOIN = neqjoinsel);
CREATE OPERATOR ops.>= (FUNCTION = ops.ge, LEFTARG = ops.n, RIGHTARG = ops.n,
    COMMUTATOR = OPERATOR(ops.<=), NEGATOR = OPERATOR(ops.<), RESTRICT = scalargesel,
    JOIN = scalargejoinsel);
CREATE OPERATOR ops.> (FUNCTION = ops.gt, LEFTARG = ops.n, RIGHTARG = ops.n,
    COMMUTATOR = OPERATOR(ops.<), NEGATOR = OPERATOR(ops.<=), RESTRICT = scalargtsel,
    JOIN = scalargtjoinsel);
CREATE OPERATOR ops.@#- (FUNCTION = ops."minus it", RIGHTARG = ops.n);
CREATE OPERATOR ops.- (FUNCTION = ops.minus, LEFTARG = ops.n, RIGHTARG = ops.n);
-- The commutator is nobody's: a shell.
CREATE OPERATOR "Op s".|&| (FUNCTION = ops.minus, LEFTARG = ops.n, RIGHTARG = ops.n,
    COMMUTATOR = OPERATOR(ops.|||));
ALTER OPERATOR ops.@#- (NONE, ops.n) OWNER TO alice;
COMMENT ON OPERATOR ops.@#- (NONE, ops.n) IS 'it''s unary';
COMMENT ON OPERATOR ops.= (ops.n, ops.n) IS 'equal';
-- Of a family that has its name, of the system's, of one with loose members.
CREATE OPERATOR CLASS ops.n_ops DEFAULT FOR TYPE ops.n USING btree AS
    OPERATOR 1 ops.<, OPERATOR 2 ops.<=, OPERATOR 3 ops.=, OPERATOR 4 ops.>=, OPERATOR 5 ops.>,
    FUNCTION 1 ops.cmp(ops.n, ops.n);
CREATE OPERATOR FAMILY "Op s"."A family" USING hash;
CREATE OPERATOR CLASS ops."N" DEFAULT FOR TYPE ops.n USING hash FAMILY "Op s"."A family" AS
    OPERATOR 1 ops.=, FUNCTION 1 ops.hash(ops.n), FUNCTION 2 ops.hash(ops.n, bigint);
CREATE OPERATOR CLASS ops.backwards FOR TYPE ops.n USING btree AS
    OPERATOR 1 ops.>, OPERATOR 2 ops.>=, OPERATOR 3 ops.=, OPERATOR 4 ops.<=, OPERATOR 5 ops.<,
    FUNCTION 1 ops.pmc(ops.n, ops.n);
CREATE OPERATOR FAMILY ops.empty USING gin;
CREATE OPERATOR FAMILY ops.loose USING btree;
ALTER OPERATOR FAMILY ops.loose USING btree ADD
    OPERATOR 3 ops.= (ops.n, ops.n), FUNCTION 1 (ops.n, ops.n) ops.cmp(ops.n, ops.n);
ALTER OPERATOR FAMILY ops.n_ops USING btree OWNER TO alice;
ALTER OPERATOR CLASS ops.backwards USING btree OWNER TO alice;
COMMENT ON OPERATOR CLASS ops."N" USING hash IS 'a class';
COMMENT ON OPERATOR FAMILY "Op s"."A family" USING hash IS 'a family';
-- Stored as another type, ordered by a family of another method.
CREATE OPERATOR CLASS ops.boxes FOR TYPE point USING gist AS
    STORAGE box,
    OPERATOR 1 << (point, point), OPERATOR 15 <-> (point, point) FOR ORDER BY float_ops,
    FUNCTION 1 gist_point_consistent(internal, point, smallint, oid, internal),
    FUNCTION 2 gist_box_union(internal, internal),
    FUNCTION 3 gist_point_compress(internal),
    FUNCTION 5 gist_box_penalty(internal, internal, internal),
    FUNCTION 6 gist_box_picksplit(internal, internal),
    FUNCTION 7 gist_box_same(box, box, internal),
    FUNCTION 8 gist_point_distance(internal, point, smallint, oid, internal),
    FUNCTION 9 gist_point_fetch(internal);
CREATE OPERATOR CLASS ops.words FOR TYPE tsvector USING gist AS
    STORAGE gtsvector, OPERATOR 1 @@ (tsvector, tsquery),
    FUNCTION 1 gtsvector_consistent(internal, tsvector, smallint, oid, internal),
    FUNCTION 2 gtsvector_union(internal, internal), FUNCTION 3 gtsvector_compress(internal),
    FUNCTION 4 gtsvector_decompress(internal),
    FUNCTION 5 gtsvector_penalty(internal, internal, internal),
    FUNCTION 6 gtsvector_picksplit(internal, internal),
    FUNCTION 7 gtsvector_same(gtsvector, gtsvector, internal),
    FUNCTION 10 (tsvector) gtsvector_options(internal);
CREATE OPERATOR CLASS ops.numbers FOR TYPE int[] USING gin AS
    OPERATOR 1 && (anyarray, anyarray), OPERATOR 2 @> (anyarray, anyarray),
    FUNCTION 2 ginarrayextract(anyarray, internal, internal),
    FUNCTION 3 ginqueryarrayextract(anyarray, internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 ginarrayconsistent(internal, smallint, anyarray, integer, internal, internal, internal, internal),
    FUNCTION 1 btint4cmp(int, int), STORAGE int;
-- Nothing but the type: only what is stored can be said.
CREATE OPERATOR CLASS ops.bare FOR TYPE ops.n USING brin AS STORAGE ops.n;
-- Users of all this.
CREATE TABLE ops.t (a ops.n PRIMARY KEY, b ops.n, p point, w tsvector, EXCLUDE USING hash (b WITH OPERATOR(ops.=)));
INSERT INTO ops.t (a, b, p) SELECT g::text::ops.n, (2 * g)::text::ops.n, point(g, g)
    FROM generate_series(-5, 5) g;
CREATE INDEX backwards ON ops.t (b ops.backwards DESC);
CREATE INDEX boxes ON ops.t USING gist (p ops.boxes);
CREATE INDEX words ON ops.t USING gist (w ops.words (siglen = 100));
CREATE INDEX partial ON ops.t (b) WHERE b OPERATOR("Op s".<>) '0';
CREATE TABLE ops.parts (a ops.n) PARTITION BY RANGE (a ops.backwards);
CREATE TABLE ops.part_1 PARTITION OF ops.parts FOR VALUES FROM ('5') TO ('1');
CREATE FUNCTION ops.apart(ops.n, ops.n) RETURNS float8 IMMUTABLE STRICT LANGUAGE sql
    AS 'SELECT ($1 OPERATOR(ops.-) $2)::text::float8';
CREATE FUNCTION ops.canonical(ops.n) RETURNS ops.n IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE TYPE ops.range AS RANGE (subtype = ops.n, subtype_opclass = ops.backwards);
CREATE TABLE ops.ranges (r ops.range, EXCLUDE USING gist (r WITH &&));
INSERT INTO ops.ranges VALUES ('[5, 1)');
CREATE VIEW ops.v AS
    SELECT a OPERATOR(ops.-) b AS d, OPERATOR(ops.@#-) a AS m, a OPERATOR(ops.=) ANY (ARRAY[b]) AS e
    FROM ops.t WHERE a OPERATOR("Op s".<>) b ORDER BY a USING OPERATOR(ops.>), b;
CREATE MATERIALIZED VIEW ops.m AS SELECT DISTINCT b FROM ops.t WHERE b OPERATOR(ops.<) '3';
CREATE FUNCTION ops.greater(ops.n, ops.n) RETURNS ops.n IMMUTABLE LANGUAGE sql
    AS 'SELECT CASE WHEN $1 OPERATOR(ops.>) $2 THEN $1 ELSE $2 END';
CREATE AGGREGATE ops.max(ops.n) (SFUNC = ops.greater, STYPE = ops.n, SORTOP = OPERATOR(ops.>));
CREATE DOMAIN ops.positive AS ops.n CHECK (VALUE OPERATOR(ops.>) '0');
CREATE TABLE ops.checked (a ops.positive, b ops.n DEFAULT (OPERATOR(ops.@#-) '3'::ops.n),
    c ops.n GENERATED ALWAYS AS (b OPERATOR(ops.-) '1') STORED);
INSERT INTO ops.checked VALUES ('1');
