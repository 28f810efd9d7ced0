-- Names that have to be quoted, and those that never are.
CREATE SCHEMA "it's \ ""quoted""";
CREATE SCHEMA "sch
ema";
SET search_path = "it's \ ""quoted""", public;
CREATE TYPE "ty pe" AS (a int);
CREATE FUNCTION "f()"("ty pe", "ty pe") RETURNS bool IMMUTABLE LANGUAGE sql
    AS 'SELECT ($1).a = ($2).a';
CREATE FUNCTION "cmp, (a"("ty pe", "ty pe") RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 0';
CREATE OPERATOR "sch
ema".~!@#%^&|`? (FUNCTION = "f()", LEFTARG = "ty pe", RIGHTARG = "ty pe",
    COMMUTATOR = OPERATOR("it's \ ""quoted""".@@), NEGATOR = OPERATOR(public.<>));
CREATE OPERATOR FAMILY "sch
ema"."select" USING btree;
CREATE OPERATOR CLASS "it's \ ""quoted"""."ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ" FOR TYPE "ty pe"
    USING btree FAMILY "sch
ema"."select" AS OPERATOR 3 "sch
ema".~!@#%^&|`?, FUNCTION 1 "cmp, (a"("ty pe", "ty pe");
CREATE OPERATOR FAMILY "select" USING hash;
ALTER OPERATOR FAMILY "select" USING hash ADD OPERATOR 1 "sch
ema".~!@#%^&|`?("ty pe", "ty pe");
CREATE OPERATOR FAMILY public.same USING gin;
CREATE OPERATOR FAMILY public.same USING gist;
CREATE OPERATOR public.<-> (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR public.<-> (FUNCTION = int8pl, LEFTARG = int8, RIGHTARG = int8);
CREATE OPERATOR public.<-> (FUNCTION = int4um, RIGHTARG = int);
CREATE OPERATOR public.!== (FUNCTION = chareq, LEFTARG = "char", RIGHTARG = "char");
ALTER OPERATOR public.<-> (NONE, int) OWNER TO "Role with ""quotes"", 'too' /and=more";
COMMENT ON OPERATOR public.<-> (NONE, int) IS E'a\nb';
COMMENT ON OPERATOR FAMILY "select" USING hash IS '''';
CREATE VIEW public.v AS SELECT 1::int8 OPERATOR(public.<->) 2::int8 AS a,
    ROW(1)::"ty pe" OPERATOR("sch
ema".~!@#%^&|`?) ROW(2)::"ty pe" AS b, 'a'::"char" OPERATOR(public.!==) 'b' AS c;
