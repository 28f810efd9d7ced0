-- Names that hurt.
CREATE SCHEMA "sch""ema 'x' /\ $a$ {versions} {prosqlbody}";
CREATE SCHEMA "--leading";
CREATE SCHEMA "Größe ☃";
CREATE SCHEMA "trailing ";
SET search_path = "sch""ema 'x' /\ $a$ {versions} {prosqlbody}";
CREATE TABLE "--drop" ("select" int, "-- a" text DEFAULT E'it''s \\ "q" {b} $$', "new
line" int CHECK ("new
line" > 0), "tab	tab" text, "UPPER" int, " lead" int, "trail " int, "{attcompression}" int, "a.b" int, "a""b" int, "ééééééééééééééééééééééééééééééé" int);
INSERT INTO "--drop" VALUES (1, 'x', 2, E'\t', 5, 6, 7, 8, 9, 10, 11);
CREATE TABLE "new
line table" (a serial PRIMARY KEY, "b c" int GENERATED ALWAYS AS IDENTITY, "table" int);
COMMENT ON TABLE "new
line table" IS E'comment\nwith ''quotes'' \\ and {prosqlbody}';
COMMENT ON COLUMN "new
line table"."b c" IS 'column';
CREATE TABLE "seventy-three bytes of a name are cut to sixty-three of them: yes" (a int);
CREATE TABLE "日本語日本語日本語日本語日本語日本語日本語" ("列" text PRIMARY KEY);
INSERT INTO "日本語日本語日本語日本語日本語日本語日本語" VALUES ('値');
CREATE TABLE "/etc/passwd" (a int REFERENCES "new
line table");
CREATE TABLE "../../up" (a int);
CREATE TABLE "user" ("user" int, "default" int, "int" int, "float" int, "system_user" int, "merge" int, "json_table" int, "values" int, "name" int);
CREATE TABLE """" ("""" int);
CREATE TABLE "'" ("'" int DEFAULT 1);
CREATE TABLE "\." (a int);
INSERT INTO "\." VALUES (1);
CREATE TABLE "%s%n%d" (a int);
CREATE TABLE "$$" (a int);
CREATE TABLE " " (" " int);
INSERT INTO " " VALUES (5);
CREATE INDEX "index ""x"" 
y" ON "--drop" ("select") WHERE "select" > 0;
CREATE VIEW "view 'v'" AS SELECT "-- a" AS "--a", "new
line" FROM "--drop";
CREATE MATERIALIZED VIEW "mat
view" AS SELECT * FROM "view 'v'";
CREATE TYPE "type ""t""" AS ENUM ('a''b', 'a"b', E'a\nb', 'a\b', '', ' ');
CREATE TYPE "com'p" AS ("a""" int, "b'" "type ""t""");
CREATE DOMAIN "do""main" AS "com'p" CONSTRAINT "con
straint" CHECK ((VALUE)."a""" > 0);
CREATE FUNCTION "f'u""n
c"("arg 1" int, "out" OUT "type ""t""", "d" text DEFAULT 'it''s') LANGUAGE sql SET search_path = "sch""ema 'x' /\ $a$ {versions} {prosqlbody}", "$user" AS $f$ SELECT 'a''b'::"type ""t""" $f$;
CREATE PROCEDURE "SELECT"() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE "agg "" '"(int) (SFUNC = int4pl, STYPE = int);
CREATE FUNCTION "trigger"() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER "trig
ger" AFTER INSERT ON "--drop" FOR EACH ROW EXECUTE FUNCTION "trigger"('arg''1', E'a\\b');
ALTER TABLE "--drop" DISABLE TRIGGER "trig
ger";
CREATE RULE "ru""le" AS ON DELETE TO "user" DO INSTEAD NOTHING;
CREATE POLICY "pol'icy" ON "user" TO "Role with ""quotes"", 'too' /and=more" USING ("user" > 1);
ALTER TABLE "user" ENABLE ROW LEVEL SECURITY;
CREATE STATISTICS "sta""t" ON "user", "default" FROM "user";
CREATE SEQUENCE "seq'uence ""x""";
SELECT nextval('"seq''uence ""x"""');
ALTER TABLE "--drop" ADD CONSTRAINT "con ' "" " UNIQUE ("new
line");
ALTER TABLE "--drop" OWNER TO "Role with ""quotes"", 'too' /and=more";
GRANT SELECT ("new
line") ON "--drop" TO "Role with ""quotes"", 'too' /and=more", alice;
CREATE TABLE "part""ed" (k text, PRIMARY KEY (k)) PARTITION BY LIST (k);
CREATE TABLE "part 'a'" PARTITION OF "part""ed" FOR VALUES IN ('a''b', E'a\\b', '$$', E'a\nb');
INSERT INTO "part""ed" VALUES ('a''b'), (E'a\\b'), ('$$');
CREATE TABLE "Größe ☃"."Ünï" (LIKE "--drop");
CREATE TABLE "--leading"."-t" (a int);
CREATE TABLE "trailing "."trailing " ("trailing " int);
COMMENT ON SCHEMA "--leading" IS '--leading';
COMMENT ON CONSTRAINT "con ' "" " ON "--drop" IS 'c';
COMMENT ON DOMAIN "do""main" IS 'd';
COMMENT ON INDEX "index ""x"" 
y" IS 'i';
CREATE TYPE "col
our" AS ENUM ('a', 'b');
CREATE TABLE "by
DROP TABLE x; --" (c "col
our") PARTITION BY HASH (c);
CREATE TABLE "by
\echo hash" PARTITION OF "by
DROP TABLE x; --" FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO "by
DROP TABLE x; --" VALUES ('a'), ('b');
