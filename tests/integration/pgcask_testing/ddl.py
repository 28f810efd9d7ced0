"""What may happen to a database while its catalogs are read: every kind of object that is dumped,
and every change to it. Objects of a kind stand in the schema k; the one that is changed is o."""

import dataclasses
import difflib
import re
import shutil

from . import logical, process
from .held_link import HeldLink

# Of each kind: what makes it; how it is dropped, made again, renamed, otherwise altered.
# "owner" is how ALTER names it to change its owner.
TABLE = "CREATE TABLE k.t (a int, b text); INSERT INTO k.t VALUES (1, 'one'), (2, 'two');"
BODY = "RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'"
TRIGGER = "CREATE FUNCTION k.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';"

OF_CLASS = """
    CREATE FUNCTION k.c(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
    CREATE FUNCTION k.p(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
    CREATE OPERATOR k.### (FUNCTION = k.p, LEFTARG = int, RIGHTARG = int);
"""
LANGUAGE = """
    CREATE FUNCTION k.h() RETURNS language_handler LANGUAGE c
        AS '$libdir/plpgsql', 'plpgsql_call_handler';
"""

NAMED = (
    "CREATE VIEW k.v AS SELECT 1 AS a; CREATE TYPE k.e AS ENUM ('x'); CREATE ROLE ddl_named; "
    f"CREATE FUNCTION k2.f(k.e) {BODY};")
NAMES = {
    "view dropped": "DROP VIEW k.v;",
    "view renamed": "ALTER VIEW k.v RENAME TO w;",
    "view replaced": "CREATE OR REPLACE VIEW k.v AS SELECT 2 AS a;",
    "function renamed": "ALTER FUNCTION k2.f RENAME TO g;",
    "function dropped": "DROP FUNCTION k2.f;",
    "functions moved": "ALTER SCHEMA k2 RENAME TO k3;",
    "type renamed": "ALTER TYPE k.e RENAME TO ee;",
    "role renamed": "ALTER ROLE ddl_named RENAME TO ddl_named_2;",
}


# What rows may name, how it comes to have another name or none, and what the error calls it.
HELD_BASE = """
    CREATE VIEW k2.v AS SELECT 1 AS a; CREATE INDEX ON k2.i (a); CREATE ROLE ddl_named;
    CREATE TYPE k2.e AS ENUM ('x'); CREATE FUNCTION k2.f(k2.e) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION k2.p(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1';
""".replace("CREATE INDEX", "CREATE TABLE k2.i (a int); CREATE INDEX i_a")
LEAVE = "ALTER EXTENSION plpgsql DROP"
# Of kinds that are only backed up as an extension's.
HELD_MEMBERS = {
    "OPERATOR k2.<+> (int, int)": "(LEFTARG = int, RIGHTARG = int, FUNCTION = k2.p)",
    "COLLATION k2.c": 'FROM "C"', "TEXT SEARCH DICTIONARY k2.d": "(TEMPLATE = simple)",
    "TEXT SEARCH CONFIGURATION k2.t": '(PARSER = "default")',
}
HELD = {
    ("regclass", "k2.v"): ("view k2.v", "ALTER VIEW k2.v RENAME TO w", "DROP VIEW k2.v",
                           "ALTER VIEW k2.v SET SCHEMA k"),
    ("regclass", "k2.i_a"): ("index k2.i_a", "ALTER INDEX k2.i_a RENAME TO i_b",
                             "DROP INDEX k2.i_a"),
    ("regproc", "k2.f"): ("function k2.f", "ALTER FUNCTION k2.f RENAME TO g",
                          "DROP FUNCTION k2.f", "ALTER FUNCTION k2.f SET SCHEMA k"),
    ("regprocedure", "k2.f(k2.e)"): ("function k2.f", "ALTER FUNCTION k2.f RENAME TO g",
                                     "DROP FUNCTION k2.f"),
    ("regprocedure", "k2.f( k2.e )"): ("type k2.e", "ALTER TYPE k2.e RENAME TO ee"),
    ("regtype", "k2.e"): ("type k2.e", "ALTER TYPE k2.e RENAME TO ee", "DROP TYPE k2.e CASCADE",
                          "ALTER TYPE k2.e SET SCHEMA k"),
    ("regoper", "k2.<+>"): ('operator k2."<+>"', f"{LEAVE} OPERATOR k2.<+> (int, int); DROP OPERATOR k2.<+> (int, int)",
                            "ALTER OPERATOR k2.<+> (int, int) SET SCHEMA k"),
    ("regoperator", "k2.<+>(int,int)"): ('operator k2."<+>"', f"{LEAVE} OPERATOR k2.<+> (int, int); DROP OPERATOR k2.<+> (int, int)",
                                         "ALTER OPERATOR k2.<+> (int, int) SET SCHEMA k"),
    ("regcollation", "k2.c"): ("collation k2.c", "ALTER COLLATION k2.c RENAME TO cc",
                               f"{LEAVE} COLLATION k2.c; DROP COLLATION k2.c"),
    ("regconfig", "k2.t"): ("text search configuration k2.t",
                            "ALTER TEXT SEARCH CONFIGURATION k2.t RENAME TO tt",
                            f"{LEAVE} TEXT SEARCH CONFIGURATION k2.t; DROP TEXT SEARCH CONFIGURATION k2.t"),
    ("regdictionary", "k2.d"): ("text search dictionary k2.d",
                                "ALTER TEXT SEARCH DICTIONARY k2.d RENAME TO dd",
                                f"{LEAVE} TEXT SEARCH DICTIONARY k2.d; DROP TEXT SEARCH DICTIONARY k2.d"),
    ("regnamespace", "o"): ("schema o", "ALTER SCHEMA o RENAME TO k3", "DROP SCHEMA o"),
    ("regrole", "ddl_named"): ("role ddl_named", "ALTER ROLE ddl_named RENAME TO ddl_named_2",
                               "DROP ROLE ddl_named"),
    ("aclitem", "ddl_named=r/postgres"): ("role ddl_named",
                                          "ALTER ROLE ddl_named RENAME TO ddl_named_2",
                                          "DROP ROLE ddl_named"),
}
EVENT_TRIGGER = "CREATE FUNCTION k.et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
PARSER = ("CREATE FUNCTION k.h(internal, internal, tsquery) RETURNS internal LANGUAGE internal "
          "AS 'prsd_headline';")
LEXIZE = ("CREATE FUNCTION k.l(internal, internal, internal, internal) RETURNS internal "
          "LANGUAGE internal AS 'dsimple_lexize';")
VALIDATOR = ("CREATE FUNCTION k.v(text[], oid) RETURNS bool LANGUAGE internal "
             "AS 'pg_backend_pid';")
SUBSCRIPTION = ("CREATE SUBSCRIPTION o CONNECTION 'dbname=far' PUBLICATION p WITH (connect = false, "
                "slot_name = NONE, enabled = false, create_slot = false);")
# Where in a row: the types that it takes, that of the column, and an expression of the value.
HELD_WITHIN = {
    "itself": ("", "{type}", "{value}"),
    "array": ("", "{type}[]", "ARRAY[{value}]"),
    "domain": ("CREATE DOMAIN k.m AS {type};", "k.m", "{value}"),
    "domain over domain over an array": (
        "CREATE DOMAIN k.m AS {type}[]; CREATE DOMAIN k.n AS k.m;", "k.n", "ARRAY[{value}]"),
    "array of a domain": ("CREATE DOMAIN k.m AS {type};", "k.m[]", "ARRAY[{value}]::k.m[]"),
    "composite": ("CREATE TYPE k.m AS (x int, y {type});", "k.m", "ROW(1, {value})"),
    "array of a composite of an array": (
        "CREATE TYPE k.m AS (x int, y {type}[]);", "k.m[]", "ARRAY[ROW(1, ARRAY[{value}])::k.m]"),
    "row of a table": ("CREATE TABLE k.m (x int, y {type});", "k.m", "ROW(1, {value})"),
    "range": ("CREATE TYPE k.m AS RANGE (subtype = {type}, subtype_opclass = oid_ops);", "k.m",
              "k.m({value}, NULL)"),
    "domain over a multirange": (
        "CREATE TYPE k.m AS RANGE (subtype = {type}, subtype_opclass = oid_ops, "
        "multirange_type_name = k.mm); CREATE DOMAIN k.n AS k.mm;", "k.n",
        "k.mm(k.m({value}, NULL))"),
    "array of a multirange over a domain": (
        "CREATE DOMAIN k.l AS {type}; CREATE TYPE k.m AS RANGE (subtype = k.l, "
        "subtype_opclass = oid_ops, multirange_type_name = k.mm);", "k.mm[]",
        "ARRAY[k.mm(k.m({value}, NULL))]"),
}


def held_cases(major):
    """(type, value, within, change, what the error names) of each."""
    for number, ((kind, value), (named, *changes)) in enumerate(HELD.items()):
        places = [place for place in HELD_WITHIN if (major >= 14 or "multirange" not in place)
                  and (kind != "aclitem" or "range" not in place)]
        for at, change in enumerate(changes):  # and another place each time
            yield kind, value, "itself", change, named
            place = places[1 + (3 * number + at) % (len(places) - 1)]
            yield kind, value, place, change, named
    for place in HELD_WITHIN:
        if major >= 14 or "multirange" not in place:
            for kind, value in (("regtype", "k2.e"), ("regrole", "ddl_named")):
                yield kind, value, place, HELD[kind, value][1], HELD[kind, value][0]


def held_table(kind, value, place):
    """What makes the table k.o, a row of which names something."""
    types, column, expression = (
        text.format(type=kind, value=f"'{value}'::{kind}") for text in HELD_WITHIN[place])
    members = "CREATE EXTENSION IF NOT EXISTS plpgsql;" + "".join(
        f"CREATE {name.partition(' (')[0]} {how}; ALTER EXTENSION plpgsql ADD {name};"
        for name, how in HELD_MEMBERS.items())
    return (HELD_BASE + members + f"CREATE SCHEMA o; {types} CREATE TABLE k.o (a {column}); "
            f"INSERT INTO k.o VALUES ({expression});")


@dataclasses.dataclass
class Kind:
    base: str = ""
    make: str = ""
    drop: str = ""
    rename: str = ""
    alter: str = ""
    owner: str = ""
    more: dict = dataclasses.field(default_factory=dict)
    owners_may: str = ""  # what a role needs to own one


def of_table(make, drop, rename="", alter="", base="", **more):
    """For what belongs to the table k.t."""
    return Kind(TABLE + base, make, drop, rename, alter, more=more)


def constraint(definition, base="", **options):
    return of_table(f"ALTER TABLE k.t ADD CONSTRAINT o {definition};",
                    "ALTER TABLE k.t DROP CONSTRAINT o;",
                    "ALTER TABLE k.t RENAME CONSTRAINT o TO o2;", base=base, **options)


KINDS = {
    "table": Kind(
        "", "CREATE TABLE k.o (a int, b text); INSERT INTO k.o VALUES (1, 'one'), (2, 'two');",
        "DROP TABLE k.o;", "ALTER TABLE k.o RENAME TO o2;", "ALTER TABLE k.o ADD c int DEFAULT 5;",
        "TABLE k.o", {
            "truncated": "TRUNCATE k.o;",
            "rewritten": "ALTER TABLE k.o ALTER a TYPE text;",
            "emptied": "DELETE FROM k.o;",
            "moved": "ALTER TABLE k.o SET SCHEMA k2;",
            "unlogged": "ALTER TABLE k.o SET UNLOGGED;",
            "swapped": "CREATE TABLE k.n (a int, b text); INSERT INTO k.n VALUES (7, 'seven'); "
                       "ALTER TABLE k.o RENAME TO old; ALTER TABLE k.n RENAME TO o;",
            "with options": "ALTER TABLE k.o SET (fillfactor = 50);",
        }),
    "partition": Kind(
        "CREATE TABLE k.p (a int PRIMARY KEY, b text) PARTITION BY RANGE (a);",
        "CREATE TABLE k.o PARTITION OF k.p FOR VALUES FROM (0) TO (10); "
        "INSERT INTO k.p VALUES (1, 'one');",
        "DROP TABLE k.o;", "ALTER TABLE k.o RENAME TO o2;",
        "ALTER TABLE k.p DETACH PARTITION k.o;", "TABLE k.o", {
            "renamed above": "ALTER TABLE k.p RENAME TO p2;",
            "with another": "CREATE TABLE k.d PARTITION OF k.p DEFAULT;",
            "column renamed": "ALTER TABLE k.p RENAME a TO aa;",
            "truncated": "TRUNCATE k.p;",
        }),
    "child": Kind(
        TABLE, "CREATE TABLE k.o (c int) INHERITS (k.t); INSERT INTO k.o VALUES (3, 'three', 4);",
        "DROP TABLE k.o;", "ALTER TABLE k.o RENAME TO o2;", "ALTER TABLE k.o NO INHERIT k.t;",
        "TABLE k.o", {"with a column more": "ALTER TABLE k.t ADD d int DEFAULT 3;"}),
    "column": of_table(
        "ALTER TABLE k.t ADD o int; UPDATE k.t SET o = a;", "ALTER TABLE k.t DROP o;",
        "ALTER TABLE k.t RENAME o TO o2;", "ALTER TABLE k.t ALTER o TYPE text;",
        base="CREATE VIEW k.v AS SELECT * FROM k.t;",
        statistics="ALTER TABLE k.t ALTER o SET STATISTICS 7;"),
    "generated": of_table(
        "ALTER TABLE k.t ADD o int GENERATED ALWAYS AS (a * k.f()) STORED;",
        "ALTER TABLE k.t DROP o;", "ALTER TABLE k.t RENAME o TO o2;",
        "ALTER FUNCTION k.f() RENAME TO f2;", base=f"CREATE FUNCTION k.f() {BODY};"),
    "default": of_table(
        "ALTER TABLE k.t ALTER a SET DEFAULT k.f();", "ALTER TABLE k.t ALTER a DROP DEFAULT;",
        "ALTER FUNCTION k.f() RENAME TO f2;", "ALTER TABLE k.t ALTER a SET DEFAULT 2;",
        base=f"CREATE FUNCTION k.f() {BODY};"),
    "check": constraint("CHECK (a > 0)"),
    "not null": of_table("ALTER TABLE k.t ALTER a SET NOT NULL;",
                         "ALTER TABLE k.t ALTER a DROP NOT NULL;"),
    "primary key": constraint("PRIMARY KEY (a)"),
    "unique": constraint("UNIQUE (a, b)"),
    "exclusion": constraint("EXCLUDE USING btree (a WITH =)"),
    "foreign key": constraint(
        "FOREIGN KEY (a) REFERENCES k.r",
        base="CREATE TABLE k.r (x int PRIMARY KEY); INSERT INTO k.r VALUES (1), (2);",
        referred="ALTER TABLE k.r RENAME TO r2;", referring="ALTER TABLE k.r RENAME x TO y;"),
    "index": of_table(
        "CREATE INDEX o ON k.t (a, lower(b));", "DROP INDEX k.o;", "ALTER INDEX k.o RENAME TO o2;",
        "ALTER INDEX k.o SET (fillfactor = 50);", clustered="ALTER TABLE k.t CLUSTER ON o;",
        rebuilt="REINDEX INDEX k.o;"),
    "view": Kind(
        TABLE, "CREATE VIEW k.o AS SELECT a FROM k.t;", "DROP VIEW k.o;",
        "ALTER VIEW k.o RENAME TO o2;", "CREATE OR REPLACE VIEW k.o AS SELECT a, 1 AS n FROM k.t;",
        "VIEW k.o", {"column renamed": "ALTER TABLE k.t RENAME a TO aa;",
                     "table renamed": "ALTER TABLE k.t RENAME TO tt;",
                     "with options": "ALTER VIEW k.o SET (security_barrier);",
                     "with a default": "ALTER VIEW k.o ALTER a SET DEFAULT 9;"}),
    "materialized view": Kind(
        # Whoever owns it must read the table when it is restored.
        TABLE + "GRANT USAGE ON SCHEMA k TO PUBLIC; GRANT SELECT ON k.t TO PUBLIC;",
        "CREATE MATERIALIZED VIEW k.o AS SELECT a FROM k.t; CREATE INDEX i ON k.o (a);",
        "DROP MATERIALIZED VIEW k.o;", "ALTER MATERIALIZED VIEW k.o RENAME TO o2;",
        "REFRESH MATERIALIZED VIEW k.o WITH NO DATA;", "MATERIALIZED VIEW k.o",
        {"refreshed": "REFRESH MATERIALIZED VIEW k.o;",
         "column renamed": "ALTER MATERIALIZED VIEW k.o RENAME a TO aa;"}),
    "rule": of_table(
        "CREATE RULE o AS ON DELETE TO k.t DO INSTEAD NOTHING;", "DROP RULE o ON k.t;",
        "ALTER RULE o ON k.t RENAME TO o2;", "ALTER TABLE k.t DISABLE RULE o;",
        replaced="CREATE OR REPLACE RULE o AS ON DELETE TO k.t DO INSTEAD SELECT 1;"),
    "trigger": of_table(
        "CREATE TRIGGER o BEFORE UPDATE ON k.t FOR EACH ROW EXECUTE FUNCTION k.tf();",
        "DROP TRIGGER o ON k.t;", "ALTER TRIGGER o ON k.t RENAME TO o2;",
        "ALTER TABLE k.t DISABLE TRIGGER o;", base=TRIGGER,
        called="ALTER FUNCTION k.tf() RENAME TO tf2;"),
    "policy": of_table(
        "CREATE POLICY o ON k.t USING (a > k.f());", "DROP POLICY o ON k.t;",
        "ALTER POLICY o ON k.t RENAME TO o2;", "ALTER POLICY o ON k.t USING (a > 7);",
        base=f"CREATE FUNCTION k.f() {BODY};", called="ALTER FUNCTION k.f() RENAME TO f2;",
        enabled="ALTER TABLE k.t ENABLE ROW LEVEL SECURITY;"),
    "function": Kind(
        "CREATE TYPE k.y AS ENUM ('x');",
        f"CREATE FUNCTION k.o(a int, b k.y DEFAULT 'x') {BODY};", "DROP FUNCTION k.o;",
        "ALTER FUNCTION k.o RENAME TO o2;",
        f"CREATE OR REPLACE FUNCTION k.o(a int, b k.y DEFAULT 'x') {BODY.replace('1', '2')};",
        "FUNCTION k.o(int, k.y)", {
            "argument renamed": "ALTER TYPE k.y RENAME TO yy;",
            "default renamed": "ALTER TYPE k.y RENAME VALUE 'x' TO 'xx';",
            "moved": "ALTER FUNCTION k.o SET SCHEMA k2;",
        }),
    "procedure": Kind(
        "", "CREATE PROCEDURE k.o(a int) LANGUAGE sql AS 'SELECT 1';", "DROP PROCEDURE k.o;",
        "ALTER PROCEDURE k.o RENAME TO o2;", "ALTER PROCEDURE k.o SECURITY DEFINER;",
        "PROCEDURE k.o(int)"),
    "aggregate": Kind(
        "CREATE FUNCTION k.add(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2';",
        "CREATE AGGREGATE k.o(int) (SFUNC = k.add, STYPE = int);", "DROP AGGREGATE k.o(int);",
        "ALTER AGGREGATE k.o(int) RENAME TO o2;", "ALTER FUNCTION k.add RENAME TO plus;",
        "AGGREGATE k.o(int)"),
    "enum": Kind(
        "", "CREATE TYPE k.o AS ENUM ('a', 'b');", "DROP TYPE k.o;", "ALTER TYPE k.o RENAME TO o2;",
        "ALTER TYPE k.o RENAME VALUE 'a' TO 'c';", "TYPE k.o",
        {"with a label more": "ALTER TYPE k.o ADD VALUE 'z';"}),
    "enum in rows": Kind(
        "", "CREATE TYPE k.o AS ENUM ('a', 'b'); CREATE TABLE k.e (x k.o DEFAULT 'a'); "
            "INSERT INTO k.e VALUES ('a'), ('b');",
        "DROP TABLE k.e; DROP TYPE k.o;", "ALTER TYPE k.o RENAME TO o2;",
        "ALTER TYPE k.o RENAME VALUE 'a' TO 'c';", "TYPE k.o",
        {"dropped with its columns": "DROP TYPE k.o CASCADE;"}),
    # A view that is gone leaves its number behind.
    "names in rows": Kind(
        NAMED, "CREATE TABLE k.o (a regclass, b regprocedure, c regtype, d regproc, e regrole, "
               "f regnamespace, g aclitem); INSERT INTO k.o VALUES ('k.v', 'k2.f(k.e)', 'k.e', "
               "'k2.f', 'ddl_named', 'k2', 'ddl_named=r/postgres');",
        "DROP TABLE k.o;", owner="TABLE k.o", more=NAMES),
    "names within rows": Kind(
        NAMED + "CREATE DOMAIN k.d1 AS regclass; CREATE TYPE k.d2 AS (x int, y regtype[]); "
                "CREATE DOMAIN k.d3 AS k.d2;",
        "CREATE TABLE k.o (a k.d1, b regproc[], c k.d3, d regrole[], e aclitem[]); "
        "INSERT INTO k.o VALUES ('k.v', '{k2.f}', '(1,{k.e})', '{ddl_named}', "
        "'{ddl_named=r/postgres}');",
        "DROP TABLE k.o;", owner="TABLE k.o",
        more={what: NAMES[what] for what in ("view dropped", "view renamed", "function dropped",
                                             "function renamed", "type renamed", "role renamed",
                                             "functions moved")}),
    "composite": Kind(
        "", "CREATE TYPE k.o AS (x int, y text);", "DROP TYPE k.o;", "ALTER TYPE k.o RENAME TO o2;",
        "ALTER TYPE k.o ADD ATTRIBUTE z int;", "TYPE k.o",
        {"attribute renamed": "ALTER TYPE k.o RENAME ATTRIBUTE x TO xx;"}),
    "range": Kind(
        "", "CREATE TYPE k.o AS RANGE (subtype = float8);", "DROP TYPE k.o;",
        "ALTER TYPE k.o RENAME TO o2;", "ALTER TYPE k.o SET SCHEMA k2;", "TYPE k.o"),
    "domain": Kind(
        "", "CREATE DOMAIN k.o AS int DEFAULT 1 CONSTRAINT c CHECK (VALUE > 0);", "DROP DOMAIN k.o;",
        "ALTER DOMAIN k.o RENAME TO o2;", "ALTER DOMAIN k.o SET DEFAULT 2;", "DOMAIN k.o",
        {"constraint dropped": "ALTER DOMAIN k.o DROP CONSTRAINT c;",
         "constraint renamed": "ALTER DOMAIN k.o RENAME CONSTRAINT c TO c2;"}),
    "shell type": Kind("", "CREATE TYPE k.o;", "DROP TYPE k.o;", owner="TYPE k.o"),
    "base type": Kind(
        "", "CREATE TYPE k.o; "
        "CREATE FUNCTION k.i(cstring) RETURNS k.o LANGUAGE internal IMMUTABLE STRICT AS 'int4in'; "
        "CREATE FUNCTION k.u(k.o) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT "
        "AS 'int4out'; CREATE TYPE k.o (INPUT = k.i, OUTPUT = k.u, LIKE = int4);",
        "DROP TYPE k.o CASCADE;", "ALTER TYPE k.o RENAME TO o2;",
        "ALTER FUNCTION k.i(cstring) RENAME TO i2;", "TYPE k.o"),
    "sequence": Kind(
        "", "CREATE SEQUENCE k.o; SELECT nextval('k.o');", "DROP SEQUENCE k.o;",
        "ALTER SEQUENCE k.o RENAME TO o2;", "ALTER SEQUENCE k.o INCREMENT 5 RESTART 50;",
        "SEQUENCE k.o", {"typed": "ALTER SEQUENCE k.o AS smallint;"}),
    "serial": Kind(
        "", "CREATE TABLE k.t (o serial, z int); INSERT INTO k.t (z) VALUES (1);",
        "DROP TABLE k.t;", "ALTER SEQUENCE k.t_o_seq RENAME TO s2;",
        "ALTER SEQUENCE k.t_o_seq OWNED BY NONE;", "TABLE k.t",
        {"restarted": "TRUNCATE k.t RESTART IDENTITY;"}),
    "identity": Kind(
        "CREATE TABLE k.t (o int NOT NULL, z int); INSERT INTO k.t VALUES (7, 1);",
        "ALTER TABLE k.t ALTER o ADD GENERATED ALWAYS AS IDENTITY (START 8); "
        "INSERT INTO k.t (z) VALUES (2);", "ALTER TABLE k.t ALTER o DROP IDENTITY;", "ALTER SEQUENCE k.t_o_seq RENAME TO s2;",
        "ALTER TABLE k.t ALTER o SET GENERATED BY DEFAULT SET INCREMENT 3;", "TABLE k.t"),
    "schema": Kind("", "CREATE SCHEMA o; CREATE TABLE o.t (a int);", "DROP SCHEMA o CASCADE;",
                   "ALTER SCHEMA o RENAME TO k3;", owner="SCHEMA o"),
    "operator": Kind(
        "CREATE FUNCTION k.p(int, int) RETURNS bool LANGUAGE sql AS 'SELECT true';",
        "CREATE OPERATOR k.### (FUNCTION = k.p, LEFTARG = int, RIGHTARG = int, "
        "NEGATOR = OPERATOR(k.!##));",
        "DROP OPERATOR k.### (int, int);", "",
        "ALTER OPERATOR k.### (int, int) SET (RESTRICT = eqsel, JOIN = eqjoinsel);",
        "OPERATOR k.### (int, int)", {
            "moved": "ALTER OPERATOR k.### (int, int) SET SCHEMA k2;",
            "function renamed": "ALTER FUNCTION k.p RENAME TO q;",
            "negator made": "CREATE OPERATOR k.!## (FUNCTION = k.p, LEFTARG = int, RIGHTARG = int, "
                            "NEGATOR = OPERATOR(k.###));",
            "negator dropped": "DROP OPERATOR k.!## (int, int);",
        }),
    "operator class": Kind(
        OF_CLASS, "CREATE OPERATOR CLASS k.o FOR TYPE int USING btree AS OPERATOR 3 k.###, "
                  "FUNCTION 1 k.c(int, int);",
        "DROP OPERATOR CLASS k.o USING btree; DROP OPERATOR FAMILY k.o USING btree;",
        "ALTER OPERATOR CLASS k.o USING btree RENAME TO o2;",
        "ALTER OPERATOR CLASS k.o USING btree SET SCHEMA k2;", "OPERATOR CLASS k.o USING btree", {
            "operator moved": "ALTER OPERATOR k.### (int, int) SET SCHEMA k2;",
            "function renamed": "ALTER FUNCTION k.c RENAME TO d;",
            "family renamed": "ALTER OPERATOR FAMILY k.o USING btree RENAME TO o3;",
        }),
    "operator family": Kind(
        OF_CLASS, "CREATE OPERATOR FAMILY k.o USING btree; ALTER OPERATOR FAMILY k.o USING btree ADD "
                  "OPERATOR 3 k.### (int, int), FUNCTION 1 (int, int) k.c(int, int);",
        "DROP OPERATOR FAMILY k.o USING btree;", "ALTER OPERATOR FAMILY k.o USING btree RENAME TO o2;",
        "ALTER OPERATOR FAMILY k.o USING btree DROP OPERATOR 3 (int, int);",
        "OPERATOR FAMILY k.o USING btree", {
            "with a member less": "ALTER OPERATOR FAMILY k.o USING btree DROP FUNCTION 1 (int, int);",
            "with a member more":
                "ALTER OPERATOR FAMILY k.o USING btree ADD "
                "FUNCTION 2 (int, int) btint4sortsupport(internal);",
            "with a member changed":
                "ALTER OPERATOR FAMILY k.o USING btree DROP FUNCTION 1 (int, int); ALTER OPERATOR "
                "FAMILY k.o USING btree ADD FUNCTION 1 (int, int) btint4cmp(int, int);",
            "moved": "ALTER OPERATOR FAMILY k.o USING btree SET SCHEMA k2;",
            "operator dropped": "DROP OPERATOR k.### (int, int);",
        }),
    "language": Kind(
        LANGUAGE, "CREATE TRUSTED LANGUAGE o HANDLER k.h; CREATE FUNCTION k.f() RETURNS int "
                  "LANGUAGE o AS 'BEGIN RETURN 1; END';",
        "DROP LANGUAGE o CASCADE;", "ALTER LANGUAGE o RENAME TO o2;",
        "CREATE OR REPLACE LANGUAGE o HANDLER k.h;", "LANGUAGE o", {
            "granted": "GRANT USAGE ON LANGUAGE o TO pg_monitor;",
            "revoked": "REVOKE USAGE ON LANGUAGE o FROM PUBLIC;",
            "handler renamed": "ALTER FUNCTION k.h RENAME TO hh;",
        }),
    "cast": of_table(
        "CREATE CAST (k.y AS int) WITH FUNCTION k.f(k.y);", "DROP CAST (k.y AS int);", "",
        "DROP CAST (k.y AS int); CREATE CAST (k.y AS int) WITH INOUT AS IMPLICIT;",
        base="CREATE TYPE k.y AS ENUM ('1'); CREATE FUNCTION k.f(k.y) RETURNS int LANGUAGE sql "
             "IMMUTABLE AS 'SELECT 1';",
        type="ALTER TYPE k.y RENAME TO yy;", function="ALTER FUNCTION k.f RENAME TO g;",
        another="CREATE CAST (k.y AS text[]) WITH INOUT;",
        both="DROP TYPE k.y CASCADE;"),
    "transform": of_table(
        "CREATE TRANSFORM FOR k.y LANGUAGE ol (FROM SQL WITH FUNCTION k.f(internal));",
        "DROP TRANSFORM FOR k.y LANGUAGE ol;", "",
        "CREATE OR REPLACE TRANSFORM FOR k.y LANGUAGE ol (FROM SQL WITH FUNCTION k.g(internal));",
        base=LANGUAGE + "CREATE LANGUAGE ol HANDLER k.h; CREATE TYPE k.y AS ENUM ('1');" + "".join(
            f"CREATE FUNCTION k.{name}(internal) RETURNS internal LANGUAGE internal IMMUTABLE "
            "AS 'dsimple_init';" for name in "fg"),
        type="ALTER TYPE k.y RENAME TO yy;", function="ALTER FUNCTION k.f RENAME TO h2;",
        language="ALTER LANGUAGE ol RENAME TO ol2;"),
    "access method": of_table(
        "CREATE ACCESS METHOD o TYPE TABLE HANDLER k.m; CREATE TABLE k.mt (a int) USING o; "
        "INSERT INTO k.mt VALUES (1);",
        "DROP ACCESS METHOD o CASCADE;", "",
        "DROP TABLE k.mt; DROP ACCESS METHOD o; "
        "CREATE ACCESS METHOD o TYPE INDEX HANDLER k.i;",
        base="CREATE FUNCTION k.m(internal) RETURNS table_am_handler LANGUAGE internal STRICT "
             "AS 'heap_tableam_handler'; CREATE FUNCTION k.i(internal) RETURNS index_am_handler "
             "LANGUAGE internal STRICT AS 'gisthandler';",
        function="ALTER FUNCTION k.m RENAME TO mm;"),
    "conversion": Kind(
        "", "CREATE CONVERSION k.o FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;",
        "DROP CONVERSION k.o;", "ALTER CONVERSION k.o RENAME TO o2;",
        "DROP CONVERSION k.o; CREATE DEFAULT CONVERSION k.o FOR 'UTF8' TO 'LATIN1' "
        "FROM utf8_to_iso8859_1;", "CONVERSION k.o",
        {"moved": "ALTER CONVERSION k.o SET SCHEMA k2;"}),
    "comment": of_table("COMMENT ON TABLE k.t IS 'one';", "COMMENT ON TABLE k.t IS NULL;",
                        alter="COMMENT ON TABLE k.t IS 'two';"),
    "privilege": of_table(
        "GRANT SELECT ON k.t TO PUBLIC; GRANT INSERT (a) ON k.t TO PUBLIC;",
        "REVOKE ALL ON k.t FROM PUBLIC;", alter="GRANT DELETE ON k.t TO PUBLIC;"),
    "statistics": of_table(
        "CREATE STATISTICS k.o ON a, b FROM k.t;", "DROP STATISTICS k.o;",
        "ALTER STATISTICS k.o RENAME TO o2;", "ALTER STATISTICS k.o SET STATISTICS 9;"),
    # A restore has it fire at nothing that would tell.
    "event trigger": Kind(
        EVENT_TRIGGER, "CREATE EVENT TRIGGER o ON ddl_command_end WHEN TAG IN ('CREATE TABLE') "
                       "EXECUTE FUNCTION k.et();",
        "DROP EVENT TRIGGER o;", "ALTER EVENT TRIGGER o RENAME TO o2;",
        "ALTER EVENT TRIGGER o DISABLE;", "EVENT TRIGGER o",
        {"called": "ALTER FUNCTION k.et() RENAME TO et2;",
         "calls what moved": "ALTER FUNCTION k.et() SET SCHEMA k2;"}, owners_may="SUPERUSER"),
    "publication": Kind(
        TABLE, "CREATE PUBLICATION o FOR TABLE k.t;", "DROP PUBLICATION o;",
        "ALTER PUBLICATION o RENAME TO o2;", "ALTER PUBLICATION o SET (publish = 'insert');",
        "PUBLICATION o",
        {"its table taken out": "ALTER PUBLICATION o DROP TABLE k.t;",
         "its table renamed": "ALTER TABLE k.t RENAME TO tt;",
         "its table dropped": "DROP TABLE k.t;"}, owners_may="SUPERUSER"),
    "subscription": Kind(
        "", SUBSCRIPTION, "DROP SUBSCRIPTION o;", "ALTER SUBSCRIPTION o RENAME TO o2;",
        "ALTER SUBSCRIPTION o CONNECTION 'dbname=farther';", "SUBSCRIPTION o",
        {"of others": "ALTER SUBSCRIPTION o SET PUBLICATION q WITH (refresh = false);"},
        owners_may="SUPERUSER"),
    "default privilege": Kind(
        TABLE + "CREATE ROLE ddl_named;",
        "ALTER DEFAULT PRIVILEGES FOR ROLE ddl_named IN SCHEMA k GRANT SELECT ON TABLES "
        "TO ddl_named, PUBLIC;",
        "ALTER DEFAULT PRIVILEGES FOR ROLE ddl_named IN SCHEMA k REVOKE ALL ON TABLES "
        "FROM ddl_named, PUBLIC;", "ALTER ROLE ddl_named RENAME TO ddl_named_2;",
        "ALTER DEFAULT PRIVILEGES FOR ROLE ddl_named IN SCHEMA k GRANT DELETE ON TABLES TO PUBLIC;",
        more={"with its role": "DROP OWNED BY ddl_named; DROP ROLE ddl_named;"}),
    "text search parser": Kind(
        PARSER, "CREATE TEXT SEARCH PARSER k.o (START = prsd_start, GETTOKEN = prsd_nexttoken, "
                "END = prsd_end, HEADLINE = k.h, LEXTYPES = prsd_lextype);"
                "CREATE TEXT SEARCH CONFIGURATION k.c (PARSER = k.o);"
                "ALTER TEXT SEARCH CONFIGURATION k.c ADD MAPPING FOR word WITH simple;",
        "DROP TEXT SEARCH PARSER k.o CASCADE;", "ALTER TEXT SEARCH PARSER k.o RENAME TO o2;",
        "ALTER TEXT SEARCH PARSER k.o SET SCHEMA k2;", "TEXT SEARCH CONFIGURATION k.c",
        {"its function renamed": "ALTER FUNCTION k.h RENAME TO h2;"}),
    "text search template": Kind(
        LEXIZE, "CREATE TEXT SEARCH TEMPLATE k.o (LEXIZE = k.l);"
                "CREATE TEXT SEARCH DICTIONARY k.d (TEMPLATE = k.o);",
        "DROP TEXT SEARCH TEMPLATE k.o CASCADE;", "ALTER TEXT SEARCH TEMPLATE k.o RENAME TO o2;",
        "ALTER TEXT SEARCH TEMPLATE k.o SET SCHEMA k2;", "TEXT SEARCH DICTIONARY k.d",
        {"its function moved": "ALTER FUNCTION k.l SET SCHEMA k2;"}),
    "text search dictionary": Kind(
        "", "CREATE TEXT SEARCH DICTIONARY k.o (TEMPLATE = simple);"
            "CREATE TEXT SEARCH CONFIGURATION k.c (COPY = simple);"
            "ALTER TEXT SEARCH CONFIGURATION k.c ALTER MAPPING FOR word WITH k.o;",
        "DROP TEXT SEARCH DICTIONARY k.o CASCADE;", "ALTER TEXT SEARCH DICTIONARY k.o RENAME TO o2;",
        "ALTER TEXT SEARCH DICTIONARY k.o (accept = false);", "TEXT SEARCH DICTIONARY k.o",
        {"moved": "ALTER TEXT SEARCH DICTIONARY k.o SET SCHEMA k2;"}),
    "text search configuration": Kind(
        "", "CREATE TEXT SEARCH CONFIGURATION k.o (COPY = english);",
        "DROP TEXT SEARCH CONFIGURATION k.o;", "ALTER TEXT SEARCH CONFIGURATION k.o RENAME TO o2;",
        "ALTER TEXT SEARCH CONFIGURATION k.o ALTER MAPPING FOR word WITH simple, english_stem;",
        "TEXT SEARCH CONFIGURATION k.o",
        {"mapping dropped": "ALTER TEXT SEARCH CONFIGURATION k.o DROP MAPPING FOR url;"}),
    "foreign data wrapper": Kind(
        VALIDATOR + "CREATE ROLE ddl_named;",
        "CREATE FOREIGN DATA WRAPPER o VALIDATOR k.v OPTIONS (x '1'); "
        "GRANT USAGE ON FOREIGN DATA WRAPPER o TO ddl_named;"
        "CREATE SERVER o FOREIGN DATA WRAPPER o; CREATE FOREIGN TABLE k.o (a int) SERVER o;",
        "DROP FOREIGN DATA WRAPPER o CASCADE;", "ALTER FOREIGN DATA WRAPPER o RENAME TO o2;",
        "ALTER FOREIGN DATA WRAPPER o OPTIONS (SET x '2', y '3');", "FOREIGN DATA WRAPPER o",
        {"its validator renamed": "ALTER FUNCTION k.v RENAME TO v2;",
         "with no validator": "ALTER FOREIGN DATA WRAPPER o NO VALIDATOR;",
         "who may use it renamed": "ALTER ROLE ddl_named RENAME TO ddl_named_2;",
         "who may use it dropped": "DROP OWNED BY ddl_named; DROP ROLE ddl_named;"},
        owners_may="SUPERUSER"),
    "foreign server": Kind(
        "CREATE FOREIGN DATA WRAPPER o; CREATE ROLE ddl_named;",
        "CREATE SERVER o FOREIGN DATA WRAPPER o OPTIONS (x '1'); "
        "GRANT USAGE ON FOREIGN SERVER o TO ddl_named;"
        "CREATE FOREIGN TABLE k.o (a int) SERVER o; CREATE USER MAPPING FOR PUBLIC SERVER o;",
        "DROP SERVER o CASCADE;", "ALTER SERVER o RENAME TO o2;",
        "ALTER SERVER o VERSION '2' OPTIONS (SET x '2');", "SERVER o",
        {"its wrapper renamed": "ALTER FOREIGN DATA WRAPPER o RENAME TO o2;",
         "who may use it renamed": "ALTER ROLE ddl_named RENAME TO ddl_named_2;",
         "who may use it dropped": "DROP OWNED BY ddl_named; DROP ROLE ddl_named;"},
        owners_may="SUPERUSER"),
    "user mapping": Kind(
        "CREATE FOREIGN DATA WRAPPER o; CREATE SERVER o FOREIGN DATA WRAPPER o; "
        "CREATE ROLE ddl_named;", "CREATE USER MAPPING FOR ddl_named SERVER o OPTIONS (x '1');",
        "DROP USER MAPPING FOR ddl_named SERVER o;", "ALTER SERVER o RENAME TO o2;",
        "ALTER USER MAPPING FOR ddl_named SERVER o OPTIONS (SET x '2');", "SERVER o",
        {"its user renamed": "ALTER ROLE ddl_named RENAME TO ddl_named_2;",
         "dropped with its user": "DROP USER MAPPING FOR ddl_named SERVER o; DROP ROLE ddl_named;"},
        owners_may="SUPERUSER"),
    "large object": Kind(
        "CREATE ROLE ddl_named; SELECT lo_create(4712);",
        "SELECT lo_from_bytea(4711, 'one'); GRANT SELECT ON LARGE OBJECT 4711 TO ddl_named; "
        "COMMENT ON LARGE OBJECT 4711 IS 'one';",
        "SELECT lo_unlink(4711);", "", "SELECT lo_put(4711, 100000, 'two');", "LARGE OBJECT 4711",
        {"another made": "SELECT lo_from_bytea(4710, 'another');",
         "cut": "SELECT lo_truncate(lo_open(4711, 131072), 1);",
         "granted": "GRANT UPDATE ON LARGE OBJECT 4711 TO PUBLIC;",
         "commented": "COMMENT ON LARGE OBJECT 4711 IS 'two';",
         "all dropped": "SELECT lo_unlink(oid) FROM pg_largeobject_metadata;",
         "who may read it renamed": "ALTER ROLE ddl_named RENAME TO ddl_named_2;",
         "who may read it dropped": "DROP OWNED BY ddl_named; DROP ROLE ddl_named;"}),
    "foreign table": Kind(
        "CREATE FOREIGN DATA WRAPPER o; CREATE SERVER o FOREIGN DATA WRAPPER o; "
        "CREATE TYPE k.e AS ENUM ('x'); CREATE TABLE k.p (a int, b k.e DEFAULT 'x');" + TRIGGER,
        "CREATE FOREIGN TABLE k.o (a int OPTIONS (x '1') NOT NULL, c k.e DEFAULT 'x', "
        "CONSTRAINT ck CHECK (a > 0)) INHERITS (k.p) SERVER o OPTIONS (y '1'); "
        "CREATE TRIGGER tr BEFORE INSERT ON k.o FOR EACH ROW EXECUTE FUNCTION k.tf(); "
        "CREATE VIEW k.w AS SELECT a, c FROM k.o;",
        "DROP FOREIGN TABLE k.o CASCADE;", "ALTER FOREIGN TABLE k.o RENAME TO o2;",
        "ALTER FOREIGN TABLE k.o OPTIONS (SET y '2');", "FOREIGN TABLE k.o",
        {"column with other options": "ALTER FOREIGN TABLE k.o ALTER a OPTIONS (SET x '2');",
         "column renamed": "ALTER FOREIGN TABLE k.o RENAME c TO d;",
         "column added": "ALTER FOREIGN TABLE k.o ADD z int DEFAULT 7;",
         "column dropped": "ALTER FOREIGN TABLE k.o DROP c CASCADE;",
         "check dropped": "ALTER FOREIGN TABLE k.o DROP CONSTRAINT ck;",
         "no child": "ALTER FOREIGN TABLE k.o NO INHERIT k.p;",
         "trigger off": "ALTER FOREIGN TABLE k.o DISABLE TRIGGER tr;",
         "its type renamed": "ALTER TYPE k.e RENAME TO ee;",
         "its server renamed": "ALTER SERVER o RENAME TO o2;",
         "moved": "ALTER FOREIGN TABLE k.o SET SCHEMA k2;"}),
}

ROLE = "ddl_role"
QUIET = "SET client_min_messages = error;\n"
# In no schema; and no database goes that has a subscription.
UNSUBSCRIBE = "DROP SUBSCRIPTION IF EXISTS o; DROP SUBSCRIPTION IF EXISTS o2;\n"
RESET = (f'{UNSUBSCRIBE}DROP EVENT TRIGGER IF EXISTS o; DROP EVENT TRIGGER IF EXISTS o2; '
         f'DROP PUBLICATION IF EXISTS o; DROP PUBLICATION IF EXISTS o2; '
         f'DROP FOREIGN DATA WRAPPER IF EXISTS o CASCADE; '
         f'DROP FOREIGN DATA WRAPPER IF EXISTS o2 CASCADE; '
         f'SELECT lo_unlink(oid) FROM pg_largeobject_metadata; '
         f'DROP SCHEMA IF EXISTS k CASCADE; DROP SCHEMA IF EXISTS k2 CASCADE; '
         f'DROP SCHEMA IF EXISTS k3 CASCADE; DROP SCHEMA IF EXISTS o CASCADE; '
         f'DROP ROLE IF EXISTS {ROLE}; DROP ROLE IF EXISTS {ROLE}_2; '
         'DROP ROLE IF EXISTS ddl_named; DROP ROLE IF EXISTS ddl_named_2; '
         'CREATE SCHEMA k; CREATE SCHEMA k2;')


@dataclasses.dataclass(frozen=True)
class Change:
    kind: str
    what: str
    before: str  # makes the database
    sql: str

    def __str__(self):
        return f"{self.kind}: {self.what}"


def changes_of(name):
    kind = KINDS[name]
    made = kind.base + kind.make
    yield Change(name, "dropped", made, kind.drop)
    yield Change(name, "dropped and made again", made, kind.drop + kind.make)
    if kind.rename:
        yield Change(name, "renamed", made, kind.rename)
    if kind.alter:
        yield Change(name, "altered", made, kind.alter)
    for what, sql in kind.more.items():
        yield Change(name, what, made, sql)
    yield Change(name, "its schema dropped", made, "DROP SCHEMA k CASCADE;")
    yield Change(name, "its schema renamed", made, "ALTER SCHEMA k RENAME TO k3;")
    owner = kind.owner or "TABLE k.t"
    owned = made + f"CREATE ROLE {ROLE} {kind.owners_may}; ALTER {owner} OWNER TO {ROLE};"
    yield Change(name, "its owner dropped", owned, f"REASSIGN OWNED BY {ROLE} TO postgres; "
                                                  f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE};")
    yield Change(name, "its owner renamed", owned, f"ALTER ROLE {ROLE} RENAME TO {ROLE}_2;")
    if owner.startswith("TABLE"):
        granted = made + f"CREATE ROLE {ROLE}; GRANT SELECT ON {owner[6:]} TO {ROLE};"
        yield Change(name, "who has privileges dropped", granted,
                     f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE};")
        yield Change(name, "who has privileges renamed", granted,
                     f"ALTER ROLE {ROLE} RENAME TO {ROLE}_2;")


CHANGES = [change for name in KINDS for change in changes_of(name)]


@dataclasses.dataclass
class Outcome:
    change: Change
    at: int
    word: str  # before, after, refused, error: what it came to; anything else is wrong
    result: object

    @property
    def wrong(self):
        return self.word not in ("before", "after", "error", "refused")

    def __str__(self):
        return f"{self.change} at query {self.at}: {self.word}\n{self.result}"


def without_numbers(line):
    """A row that names what is gone has its oid, another one each time that it was made."""
    return re.sub(r"(?<![^\t{(,])[1-9]\d{4}(?![^\t}),])", "<oid>", line) if "\t" in line else line


@dataclasses.dataclass(frozen=True)
class Content:
    """What is in a backup, without what only tells when it was made."""

    text: str  # of the archive, as stock pg_restore prints it
    roles: str  # globals.sql

    @staticmethod
    def of(server, folder):
        (archive,) = folder.glob("*.dump")
        command = [logical.stock("pg_restore", server), "-f", "-", archive]
        lines = process.run(command, timeout=60).check().stdout.splitlines()
        text = "\n".join(without_numbers(line) for line in lines
                         if not line.startswith(("\\restrict", "\\unrestrict")))
        return Content(text, (folder / "globals.sql").read_text())


class Sweep:
    """Changes of one server's database, at chosen moments of a backup."""

    def __init__(self, pgcask, server, db, workdir):
        self.pgcask, self.server, self.db, self.workdir = pgcask, server, db, workdir
        self._before = {}  # what makes the database -> content, how many queries
        self._after = {}  # change -> content
        self._restored = {}  # text of an archive -> what a restore of it gives
        self._number = 0

    def back_up(self, port):
        self._number += 1
        folder = self.workdir / f"b{self._number}"
        result = self.pgcask(
            "backup", f"postgres://{self.server.superuser}@127.0.0.1:{port}/{self.db}"
                      "?sslmode=disable", "--to", folder, "--quiet", "--compress", "none")
        return folder, result

    def _take(self, folder):
        """What is in a backup; stock pg_restore has restored such a one. The folder goes."""
        content = Content.of(self.server, folder)
        if content.text not in self._restored:
            (archive,) = folder.glob("*.dump")
            logical.create_like(self.server, self.db, "copy")
            logical.restore(self.server, archive, "copy")
            self._restored[content.text] = self._state("copy")
            logical.run_sql(self.server, "copy", QUIET + UNSUBSCRIBE)
            logical.drop(self.server, "copy")  # else its roles could not be dropped
        shutil.rmtree(folder)
        return content

    def _state(self, db):
        return (logical.dump_schema(self.server, db), logical.table_sums(self.server, db),
                logical.large_objects(self.server, db))

    def make(self, change):
        logical.run_sql(self.server, self.db, QUIET + RESET + change.before)

    def apply(self, change):
        """Whether it could be done: the backup's own locks may be in the way."""
        sql = f"SET lock_timeout = '100ms'; BEGIN; {change.sql} COMMIT;"
        try:
            logical.run_sql(self.server, self.db, QUIET + sql)
        except process.CommandFailed as failure:
            if "lock timeout" in str(failure):
                return False
            raise
        return True

    def _undisturbed(self, port):
        """Restored, it is what stock pg_dump says of the source."""
        folder, result = self.back_up(port)
        assert result.ok, result
        content = self._take(folder)
        restored, source = self._restored[content.text], self._state(self.db)
        assert restored == source, [
            line for one, other in zip(restored, source)
            for line in (*(f"- {x}" for x in other if x not in one),
                         *(f"+ {x}" for x in one if x not in other))]
        return content

    def references(self, change):
        """Contents of undisturbed backups before and after, and how many queries one takes."""
        if change not in self._after:
            self.make(change)
            if change.before not in self._before:
                with HeldLink(self.server.port) as link:
                    self._before[change.before] = self._undisturbed(link.port), link.queries
            assert self.apply(change), change
            self._after[change] = self._undisturbed(self.server.port)
        before, count = self._before[change.before]
        return before, self._after[change], count

    def run(self, change, at):
        before, after, _ = self.references(change)
        self.make(change)
        done = []
        with HeldLink(self.server.port, at, lambda: done.append(self.apply(change))) as link:
            folder, result = self.back_up(link.port)
        return Outcome(change, at, self._judge(folder, result, done, before, after), result)

    def _judge(self, folder, result, done, before, after):
        if result.rc == 0:
            content = Content.of(self.server, folder)
            if content not in (before, after):
                return self._of_no_moment(folder, before, after)
            shutil.rmtree(folder)
            if content == before:
                return "before" if done != [False] else "refused"
            return "after"
        if result.rc != 1:
            return f"exit status {result.rc}"
        if folder.exists() or list(self.workdir.glob("*.partial")):
            return "something is left"
        errors = [line for line in result.stderr.splitlines() if "error: " in line]
        if "run it again" not in result.stderr or len(errors) != 1:
            return "not one error that says to run it again"
        named = any(word in errors[0] for word in ("k.", "k2.", " k", " o", ROLE))
        return "error" if named else "an error that names nothing"

    def _of_no_moment(self, folder, before, after):
        try:
            content = self._take(folder)
        except AssertionError as problem:
            return f"an archive that does not restore: {problem}"
        state = self._restored[content.text]
        same = [name for name, other in (("before", before), ("after", after))
                if self._restored[other.text] == state]
        texts = [difflib.unified_diff(f"{other.text}\n{other.roles}".splitlines(),
                                      f"{content.text}\n{content.roles}".splitlines(), lineterm="")
                 for other in (before, after)]
        return "\n".join([f"an archive of no moment, which restores to {same or 'neither'}",
                          *texts[0], *texts[1]])
