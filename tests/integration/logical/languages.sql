-- Languages, casts, transforms, access methods, conversions, and what uses them.
CREATE SCHEMA k;
CREATE SCHEMA "K k";
CREATE FUNCTION k.handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION "K k"."in line"(internal) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION k.validator(oid) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE ours HANDLER k.handler INLINE "K k"."in line" VALIDATOR k.validator;
CREATE LANGUAGE "un trusted" HANDLER k.handler;
CREATE TRUSTED LANGUAGE granted HANDLER k.handler VALIDATOR k.validator;
ALTER LANGUAGE "un trusted" OWNER TO alice;
REVOKE USAGE ON LANGUAGE granted FROM PUBLIC;
GRANT USAGE ON LANGUAGE granted TO alice WITH GRANT OPTION;
GRANT USAGE ON LANGUAGE ours TO bob;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO alice;
COMMENT ON LANGUAGE "un trusted" IS 'it''s ours';
CREATE FUNCTION k.in_ours(a int) RETURNS int LANGUAGE ours AS 'BEGIN RETURN a + 1; END';
CREATE FUNCTION k.in_other() RETURNS int LANGUAGE "un trusted" AS 'BEGIN RETURN 2; END';
-- Casts of all methods and contexts.
CREATE TYPE k.pair AS (a int, b int);
CREATE TYPE "K k"."Mood" AS ENUM ('good', 'bad');
CREATE DOMAIN k.word AS text;
CREATE FUNCTION k.to_int(k.pair) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT ($1).a';
CREATE FUNCTION k.to_pair(int, int, bool) RETURNS k.pair IMMUTABLE LANGUAGE sql AS 'SELECT ROW($1, $2)::k.pair';
CREATE FUNCTION k."to mood"(int) RETURNS "K k"."Mood" IMMUTABLE LANGUAGE sql
    AS 'SELECT CASE WHEN $1 > 0 THEN ''good'' ELSE ''bad'' END::"K k"."Mood"';
CREATE CAST (k.pair AS int) WITH FUNCTION k.to_int(k.pair) AS IMPLICIT;
CREATE CAST (int AS k.pair) WITH FUNCTION k.to_pair(int, int, bool);
CREATE CAST (int AS "K k"."Mood") WITH FUNCTION k."to mood"(int) AS ASSIGNMENT;
CREATE CAST (k.pair AS text[]) WITH INOUT AS ASSIGNMENT;
CREATE CAST ("K k"."Mood" AS text) WITH INOUT AS IMPLICIT;
CREATE CAST (int AS bool[]) WITH INOUT;
CREATE CAST (int8 AS timestamptz) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (box AS float8) WITH FUNCTION area(box) AS IMPLICIT;
CREATE CAST (name AS regrole[]) WITH INOUT;
COMMENT ON CAST (k.pair AS int) IS 'the first';
CREATE TABLE k.t (p k.pair, m "K k"."Mood", i int GENERATED ALWAYS AS (p::int) STORED, CHECK (p::int > 0));
INSERT INTO k.t VALUES (ROW(1, 2), 1), (ROW(3, 4), 0);
CREATE VIEW k.v AS SELECT p::int + 1 AS n, p::text[] AS x, m::text, 5::int8::timestamptz AS t FROM k.t;
CREATE INDEX ON k.t ((p::int));
-- Transforms
CREATE FUNCTION k.from_sql(internal) RETURNS internal IMMUTABLE LANGUAGE internal AS 'dsimple_init';
CREATE FUNCTION k.to_sql(internal) RETURNS k.pair IMMUTABLE LANGUAGE internal AS 'int4recv';
CREATE FUNCTION k.to_mood(internal) RETURNS "K k"."Mood" IMMUTABLE LANGUAGE internal AS 'int4recv';
CREATE TRANSFORM FOR k.pair LANGUAGE ours (FROM SQL WITH FUNCTION k.from_sql(internal), TO SQL WITH FUNCTION k.to_sql(internal));
CREATE TRANSFORM FOR "K k"."Mood" LANGUAGE "un trusted" (TO SQL WITH FUNCTION k.to_mood(internal));
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
COMMENT ON TRANSFORM FOR k.pair LANGUAGE ours IS 'of pairs';
CREATE FUNCTION k.transformed(a k.pair) RETURNS int LANGUAGE ours TRANSFORM FOR TYPE k.pair AS 'BEGIN RETURN 3; END';
CREATE PROCEDURE k.transformed_too(a k.pair) LANGUAGE ours TRANSFORM FOR TYPE k.pair AS 'BEGIN NULL; END';
-- Access methods
CREATE ACCESS METHOD "my heap" TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD mytree TYPE INDEX HANDLER gisthandler;
CREATE FUNCTION k.tam(internal) RETURNS table_am_handler LANGUAGE internal STRICT AS 'heap_tableam_handler';
CREATE ACCESS METHOD mine TYPE TABLE HANDLER k.tam;
COMMENT ON ACCESS METHOD mytree IS 'a tree';
CREATE OPERATOR CLASS k.tree_ops DEFAULT FOR TYPE box USING mytree AS
    OPERATOR 3 && (box, box), OPERATOR 8 <@ (box, box),
    FUNCTION 1 gist_box_consistent(internal, box, smallint, oid, internal),
    FUNCTION 2 gist_box_union(internal, internal),
    FUNCTION 5 gist_box_penalty(internal, internal, internal),
    FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal);
CREATE TABLE k.heaped (a int, b text, c box, EXCLUDE USING mytree (c WITH &&)) USING "my heap";
INSERT INTO k.heaped VALUES (1, 'one', '1,1,0,0'), (2, 'two', '3,3,2,2');
CREATE INDEX ON k.heaped USING mytree (c) WHERE a > 0;
CREATE MATERIALIZED VIEW k.m USING mine AS SELECT a FROM k.heaped;
CREATE TABLE k.whole (a int) PARTITION BY RANGE (a);
CREATE TABLE k.part PARTITION OF k.whole FOR VALUES FROM (0) TO (10) USING mine;
INSERT INTO k.whole VALUES (3);
-- Conversions
CREATE DEFAULT CONVERSION "K k"."Con" FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE CONVERSION k.con FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
ALTER CONVERSION k.con OWNER TO alice;
COMMENT ON CONVERSION k.con IS 'one way';
