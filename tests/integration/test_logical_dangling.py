"""Catalogs that point to nothing: whoever owns, whatever a thing lies in or is made of is gone. Never a
backup that would give it to somebody else, or leave it out, without a word."""

import pytest

from pgcask_testing import logical, process, temp
from pgcask_testing.logical import cluster, make, script  # noqa: F401

GONE = 99999  # no oid of anything


THINGS = """
    CREATE SCHEMA "a b";
    CREATE TABLE "a b".t (a int CONSTRAINT pk PRIMARY KEY, b text COLLATE "C");
    CREATE TABLE child (c int) INHERITS ("a b".t);
    CREATE TABLE points (a int CONSTRAINT fk REFERENCES "a b".t, b int DEFAULT 7);
    CREATE TABLE tree (a int) PARTITION BY LIST (a);
    CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1);
    CREATE VIEW v AS SELECT 1 AS a;
    CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a;
    CREATE SEQUENCE s;
    CREATE FUNCTION f(a int, OUT b text) LANGUAGE sql AS $$SELECT 'x'$$;
    CREATE PROCEDURE p() LANGUAGE sql AS '';
    CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int);
    CREATE TYPE e AS ENUM ('a');
    CREATE TYPE c AS (a int);
    CREATE TYPE r AS RANGE (SUBTYPE = text, COLLATION = "C");
    CREATE TYPE shell;
    CREATE DOMAIN d AS text COLLATE "C";
    CREATE TABLE typed OF c;
    CREATE STATISTICS st ON a, b FROM "a b".t;
    CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER tr BEFORE INSERT ON "a b".t FOR EACH ROW EXECUTE FUNCTION tf();
    ALTER TABLE "a b".t ENABLE ROW LEVEL SECURITY;
    CREATE POLICY pol ON "a b".t TO bob, alice USING (true);
    CREATE INDEX i ON "a b".t (b);
    CREATE EXTENSION hstore;
    CREATE OPERATOR ### (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int);
    CREATE OPERATOR CLASS mine FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int);
    CREATE OPERATOR FAMILY loose USING btree;
    ALTER OPERATOR FAMILY loose USING btree ADD OPERATOR 3 ### (int, int);
    CREATE CONVERSION con FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
    CREATE LANGUAGE lang HANDLER plpgsql_call_handler;
    CREATE CAST (box AS float8) WITH FUNCTION area(box);
    CREATE TRANSFORM FOR e LANGUAGE plpgsql (FROM SQL WITH FUNCTION prsd_lextype(internal));
    CREATE ACCESS METHOD am TYPE TABLE HANDLER heap_tableam_handler;
    CREATE PUBLICATION pub FOR TABLE points;
    CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER far FOREIGN DATA WRAPPER wrapper;
    CREATE USER MAPPING FOR alice SERVER far;
"""

OWNED = {  # catalog: {name: (word, name as SQL has it)}
    "pg_namespace nspname nspowner": {"a b": ("SCHEMA", '"a b"')},
    "pg_class relname relowner": {
        "t": ("TABLE", '"a b".t'), "tree": ("TABLE", "public.tree"), "v": ("VIEW", "public.v"),
        "mv": ("MATERIALIZED VIEW", "public.mv"), "s": ("SEQUENCE", "public.s")},
    "pg_proc proname proowner": {
        "f": ("FUNCTION", "public.f(integer)"), "p": ("PROCEDURE", "public.p()"),
        "agg": ("AGGREGATE", "public.agg(integer)")},
    "pg_type typname typowner": {
        "e": ("TYPE", "public.e"), "c": ("TYPE", "public.c"), "r": ("TYPE", "public.r"),
        "shell": ("TYPE", "public.shell"), "d": ("DOMAIN", "public.d")},
    "pg_statistic_ext stxname stxowner": {"st": ("STATISTICS", "public.st")},
    "pg_operator oprname oprowner": {
        "###": ("OPERATOR", "public.### (pg_catalog.int4, pg_catalog.int4)")},
    "pg_opclass opcname opcowner": {"mine": ("OPERATOR CLASS", "public.mine USING hash")},
    "pg_opfamily opfname opfowner": {"mine": ("OPERATOR FAMILY", "public.mine USING hash")},
    "pg_conversion conname conowner": {"con": ("CONVERSION", "public.con")},
    "pg_language lanname lanowner": {"lang": ("LANGUAGE", "lang")},
    "pg_database datname datdba": {"dangling": ("DATABASE", "dangling")},
}
WHERE = {"pg_namespace": "nspname !~ '^pg_'", "pg_database": "true"}


def refused(pgcask, server, db, folder, text, *options):
    """The backup fails with that, and leaves nothing; returns its Result."""
    result = pgcask("backup", server.uri(db), "--to", folder, "--quiet", *options)
    assert result.rc == 1 and text in result.stderr, (text, result)
    assert not folder.exists()
    return result


@pytest.mark.majors(14, 18)
def test_an_owner_that_is_no_role_is_an_error(pgcask, cluster, workdir):
    db = make(cluster, "dangling", THINGS)
    for place, objects in OWNED.items():
        catalog, name, owner = place.split()
        only = "" if catalog in ("pg_namespace", "pg_database", "pg_language") else (
            f"AND {'stx' if catalog == 'pg_statistic_ext' else name[:3]}namespace IN "
            "(SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'a b'))")
        for object_, (word, full) in objects.items():
            where = f"{name} = '{object_}' {only}"
            cluster.sql(f"UPDATE {catalog} SET {owner} = {GONE} WHERE {where}", db)
            if object_ == "c":  # a composite type's row of pg_class goes with it
                cluster.sql(f"UPDATE pg_class SET relowner = {GONE} WHERE relname = 'c'", db)
            result = refused(pgcask, cluster, db, workdir / "no",
                             f"{word} {full} has the owner with OID {GONE}")
            # What the hint says mends it.
            assert f"ALTER {word} {full} OWNER TO …;" in result.stderr, result
            cluster.sql(f"ALTER {word} {full} OWNER TO postgres", db)
    logical.round_trip(pgcask, cluster, db, workdir)


@pytest.mark.majors(15)
def test_all_that_have_no_owner_are_named_at_once(pgcask, cluster, workdir):
    db = make(cluster, "dangling", THINGS)
    cluster.sql(f"UPDATE pg_class SET relowner = {GONE} WHERE relname IN ('v', 's')", db)
    result = refused(pgcask, cluster, db, workdir / "no", "2 such")
    assert "VIEW public.v" in result.stderr and "SEQUENCE public.s" in result.stderr


# (statement, what the error says)
POINTING = [
    ("pg_policy SET polroles = ARRAY[{gone}]::oid[]", 'POLICY pol ON "a b".t has the role with'),
    ("pg_policy SET polroles = polroles || {gone}::oid", 'POLICY pol ON "a b".t has the role with'),
    ("pg_class SET relnamespace = {gone} WHERE relname = 'v'", "VIEW v has the schema with"),
    ("pg_class SET relnamespace = {gone} WHERE relname = 'tree'", "TABLE tree has the schema with"),
    ("pg_proc SET pronamespace = {gone} WHERE proname = 'f'", "FUNCTION f(integer) has the schema"),
    ("pg_type SET typnamespace = {gone} WHERE typname = 'e'", "TYPE e has the schema with"),
    ("pg_statistic_ext SET stxnamespace = {gone}", "STATISTICS st has the schema with"),
    ("pg_extension SET extnamespace = {gone} WHERE extname = 'hstore'",
     "EXTENSION hstore has the schema with"),
    ("pg_class SET relam = {gone} WHERE relname = 'points'",
     "TABLE public.points has the access method with"),
    ("pg_class SET reltablespace = {gone} WHERE relname = 'points'",
     "TABLE public.points has the tablespace with"),
    ("pg_class SET reltablespace = {gone} WHERE relname = 'tree'",
     "TABLE public.tree has the tablespace with"),
    ("pg_class SET reltablespace = {gone} WHERE relname = 'i'",
     'INDEX "a b".i has the tablespace with'),
    ("pg_class SET reloftype = {gone} WHERE relname = 'typed'",
     "TABLE public.typed has the type with"),
    ("pg_attribute SET atttypid = {gone} WHERE attrelid = 'points'::regclass AND attnum = 1",
     "TABLE public.points column a has the type with"),
    ("pg_attribute SET atttypid = {gone} WHERE attrelid = 'c'::regclass AND attnum = 1",
     "TYPE public.c column a has the type with"),
    ("pg_attribute SET attcollation = {gone} WHERE attname = 'b' AND attrelid = '\"a b\".t'::regclass",
     'TABLE "a b".t column b has the collation with'),
    ("pg_proc SET prolang = {gone} WHERE proname = 'f'",
     "FUNCTION public.f(integer) has the language with"),
    ("pg_proc SET prorettype = {gone} WHERE proname = 'f'",
     "FUNCTION public.f(integer) has the type of result with"),
    ("pg_proc SET proargtypes = '{gone}' WHERE proname = 'f'",
     "FUNCTION public.f(???) has the type of argument with"),
    ("pg_proc SET proallargtypes = '{{23,{gone}}}' WHERE proname = 'f'",
     "FUNCTION public.f(integer) has the type of argument with"),
    ("pg_type SET typbasetype = {gone} WHERE typname = 'd'", "DOMAIN public.d has the type with"),
    ("pg_type SET typcollation = {gone} WHERE typname = 'd'",
     "DOMAIN public.d has the collation with"),
    ("pg_type SET typrelid = {gone} WHERE typname = 'c'", "TYPE public.c has the row of pg_class"),
    ("pg_range SET rngsubtype = {gone} WHERE rngtypid = 'r'::regtype",
     "TYPE public.r has the subtype with"),
    ("pg_range SET rngsubopc = {gone} WHERE rngtypid = 'r'::regtype",
     "TYPE public.r has the operator class with"),
    ("pg_range SET rngcollation = {gone} WHERE rngtypid = 'r'::regtype",
     "TYPE public.r has the collation with"),
    ("pg_range SET rngtypid = {gone} WHERE rngtypid = 'r'::regtype",
     "TYPE public.r has the row of pg_range with"),
    ("pg_trigger SET tgfoid = {gone} WHERE tgname = 'tr'", 'TRIGGER tr ON "a b".t has the function'),
    ("pg_index SET indexrelid = {gone} WHERE indexrelid = '\"a b\".i'::regclass",
     f'INDEX with OID {GONE} ON "a b".t'),
    ("pg_inherits SET inhparent = {gone}", "TABLE public.child has the parent with"),
    ("pg_constraint SET confrelid = {gone} WHERE conname = 'fk'",
     "CONSTRAINT fk ON public.points has the table with"),
    ("pg_constraint SET conindid = {gone} WHERE conname = 'pk'",
     'CONSTRAINT pk ON "a b".t has the row of pg_index with'),
    ("pg_rewrite SET ev_class = {gone} WHERE ev_class = 'v'::regclass",
     "VIEW public.v has the query in pg_rewrite with"),
    ("pg_sequence SET seqrelid = {gone} WHERE seqrelid = 's'::regclass",
     "SEQUENCE public.s has the row of pg_sequence with"),
    ("pg_partitioned_table SET partrelid = {gone}",
     "TABLE public.tree has the row of pg_partitioned_table with"),
    ("pg_inherits SET inhrelid = {gone} WHERE inhrelid = 'tree_1'::regclass",
     "TABLE public.tree_1 has the row of pg_inherits with"),
    ("pg_class SET relpartbound = NULL WHERE relname = 'tree_1'",
     "TABLE public.tree_1 has the bounds of a partition with"),
    ("pg_attrdef SET adrelid = {gone} WHERE adrelid = 'points'::regclass",
     "TABLE public.points column b has the row of pg_attrdef with"),
    ("pg_aggregate SET aggfnoid = {gone} WHERE aggfnoid = 'agg'::regproc",
     "AGGREGATE public.agg(integer) has the row of pg_aggregate with"),
    ("pg_operator SET oprnamespace = {gone} WHERE oprname = '###'",
     "OPERATOR ### (pg_catalog.int4, pg_catalog.int4) has the schema with"),
    ("pg_operator SET oprcode = {gone} WHERE oprname = '###'",
     "OPERATOR public.### (pg_catalog.int4, pg_catalog.int4) has the function with"),
    ("pg_operator SET oprjoin = {gone} WHERE oprname = '###'",
     "OPERATOR public.### (pg_catalog.int4, pg_catalog.int4) has the join estimator with"),
    ("pg_operator SET oprright = {gone} WHERE oprname = '###'",
     "OPERATOR public.### (pg_catalog.int4, NONE) has the right type with"),
    ("pg_opclass SET opcnamespace = {gone} WHERE opcname = 'mine'",
     "OPERATOR CLASS mine USING hash has the schema with"),
    ("pg_opclass SET opcfamily = {gone} WHERE opcname = 'mine'",
     "OPERATOR CLASS public.mine USING hash has the operator family with"),
    ("pg_opclass SET opckeytype = {gone} WHERE opcname = 'mine'",
     "OPERATOR CLASS public.mine USING hash has the type of storage with"),
    ("pg_opfamily SET opfmethod = {gone} WHERE opfname = 'loose'",
     "OPERATOR FAMILY public.loose has the access method with"),
    ("pg_amproc SET amproc = {gone} WHERE amproclefttype = 'int4'::regtype AND oid >= 16384",
     "public, mine): it was dropped or changed"),
    ("pg_amop SET amopopr = {gone} WHERE amopstrategy = 3 AND oid >= 16384",
     "public, loose): it was dropped or changed"),
    ("pg_conversion SET conproc = {gone} WHERE conname = 'con'",
     "CONVERSION public.con has the function with"),
    ("pg_language SET lanplcallfoid = {gone} WHERE lanname = 'lang'",
     "LANGUAGE lang has the handler with"),
    ("pg_language SET lanvalidator = {gone} WHERE lanname = 'lang'",
     "LANGUAGE lang has the validator with"),
    ("pg_cast SET castfunc = {gone} WHERE castsource = 'box'::regtype AND oid >= 16384",
     "CAST (pg_catalog.box AS pg_catalog.float8) has the function with"),
    ("pg_cast SET casttarget = {gone} WHERE castsource = 'box'::regtype AND oid >= 16384",
     "CAST (pg_catalog.box AS ) has the target type with"),
    ("pg_transform SET trflang = {gone}", "TRANSFORM FOR public.e LANGUAGE  has the language with"),
    ("pg_transform SET trffromsql = {gone}",
     "TRANSFORM FOR public.e LANGUAGE plpgsql has the function FROM SQL with"),
    ("pg_publication_rel SET prrelid = {gone}", "PUBLICATION pub has the table with"),
    ("pg_user_mapping SET umserver = {gone}", f"has the server with OID {GONE}, which is not"),
    ("pg_amop SET amopfamily = {gone} WHERE amopstrategy = 3 AND oid >= 16384",
     "has the family with"),
    ("pg_amproc SET amprocfamily = {gone} WHERE amproclefttype = 'int4'::regtype AND oid >= 16384",
     "has the family with"),
    ("pg_am SET amhandler = {gone} WHERE amname = 'am'", "ACCESS METHOD am has the handler with"),
]


@pytest.mark.majors(13, 18)
def test_what_points_to_nothing_is_an_error(pgcask, cluster, workdir):
    db = make(cluster, "dangling", THINGS)
    for change, text in POINTING:
        cluster.sql("DROP DATABASE IF EXISTS pointing")
        cluster.sql("CREATE DATABASE pointing TEMPLATE dangling")
        cluster.sql("UPDATE " + change.format(gone=GONE), "pointing")
        refused(pgcask, cluster, "pointing", workdir / "no", text)
    if cluster.major >= 15:
        cluster.sql("DROP DATABASE pointing")
        cluster.sql("CREATE DATABASE pointing TEMPLATE dangling")
        cluster.sql('CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA "a b"', "pointing")
        cluster.sql(f"UPDATE pg_publication_namespace SET pnnspid = {GONE}", "pointing")
        refused(pgcask, cluster, "pointing", workdir / "no",
                "PUBLICATION of_schema has the schema with")
    cluster.sql("DROP DATABASE pointing")
    logical.drop(cluster, db)


def test_what_a_role_had_that_is_gone_is_left_out_with_a_warning(pgcask, cluster, workdir):
    db = make(cluster, "dangling", THINGS, f"""
        GRANT SELECT ON "a b".t TO bob;
        GRANT UPDATE (a) ON "a b".t TO alice;
        GRANT EXECUTE ON FUNCTION f(int) TO bob;
        GRANT USAGE ON TYPE e TO alice;
        GRANT USAGE ON SCHEMA "a b" TO bob;
        GRANT USAGE ON LANGUAGE plpgsql TO bob;
        GRANT SELECT ON pg_authid TO bob;
        GRANT TEMPORARY ON DATABASE dangling TO bob;
    """)
    logical.create_like(cluster, db, "wanted")
    logical.restore(cluster, logical.back_up(pgcask, cluster, db, workdir / "wanted"), "wanted")
    wanted = logical.dump_schema(cluster, "wanted")

    # A role that is gone has more; and one of the grants is by another.
    for catalog, acl, name in [
            ("pg_class", "relacl", "oid = '\"a b\".t'::regclass"),
            ("pg_attribute", "attacl", "attrelid = '\"a b\".t'::regclass AND attnum = 1"),
            ("pg_proc", "proacl", "proname = 'f'"), ("pg_type", "typacl", "typname = 'e'"),
            ("pg_namespace", "nspacl", "nspname = 'a b'"),
            ("pg_language", "lanacl", "lanname = 'plpgsql'"),
            ("pg_class", "relacl", "relname = 'pg_authid'"),
            ("pg_database", "datacl", "datname = 'dangling'")]:
        letter = {"pg_class": "SELECT", "pg_attribute": "UPDATE", "pg_proc": "EXECUTE",
                  "pg_database": "TEMPORARY"}.get(catalog, "USAGE")
        cluster.sql(f"""UPDATE {catalog} SET {acl} =
                        {acl} || makeaclitem({GONE}, 10, '{letter}', true) WHERE {name}""", db)
    cluster.sql(f"""UPDATE pg_proc SET proacl = ARRAY(
                        SELECT CASE WHEN x::text LIKE 'bob=%'
                               THEN makeaclitem('bob'::regrole, {GONE}, 'EXECUTE', false) ELSE x END
                        FROM unnest(proacl) x) WHERE proname = 'f'""", db)
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup").check()
    for name in ('relation "a b".t', 'column "a b".t.a', "routine public.f", "type public.e",
                 'schema "a b"', "language plpgsql", "relation pg_catalog.pg_authid",
                 "database dangling"):
        told = f"{name} has privileges of or by the role with OID {GONE}"
        assert told in result.stderr, result
        assert any(told in line for line in logical.summary(workdir / "backup")["warnings"])
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, workdir / "backup/dangling.dump", "copy")
    assert logical.dump_schema(cluster, "copy") == wanted
    for copy in ("copy", "wanted", db):
        logical.drop(cluster, copy)


@pytest.mark.majors(13, 18)
def test_what_is_not_asked_for_may_point_to_nothing(pgcask, cluster, workdir):
    db = make(cluster, "dangling", THINGS, f"""
        UPDATE pg_user_mapping SET umuser = {GONE};
        CREATE ROLE "{GONE}";
        UPDATE pg_class SET relacl = ARRAY[makeaclitem({GONE}, 10, 'SELECT', true)]
            WHERE relname IN ('s', 'pg_authid');
        UPDATE pg_foreign_server SET srvacl = ARRAY[makeaclitem({GONE}, 10, 'USAGE', true)];
        UPDATE pg_proc SET proacl = ARRAY[makeaclitem({GONE}, 10, 'EXECUTE', true)]
            WHERE proname IN ('f', 'akeys');
    """)
    refused(pgcask, cluster, db, workdir / "no", "USER MAPPING SERVER far has the user with")
    logical.back_up(pgcask, cluster, db, workdir / "tables", "--tables=points")
    assert not any("OID" in line for line in logical.summary(workdir / "tables")["warnings"])
    for option in ("--tables=s", "--schemas=public", "--extensions=hstore"):
        refused(pgcask, cluster, db, workdir / "no", f"OID {GONE}, which is not there, and a role",
                option)
    cluster.sql(f'DROP ROLE "{GONE}"')
    archive = logical.back_up(pgcask, cluster, db, workdir / "hstore", "--extensions=hstore")
    told = [line for line in logical.summary(workdir / "hstore")["warnings"] if "OID" in line]
    assert any(line.startswith("routine public.akeys has privileges of or") for line in told), told
    assert not any(line.startswith("foreign server") for line in told), told
    assert str(GONE) not in logical.as_sql(cluster, archive, workdir / "sql").read_text()
    logical.drop(cluster, db)


@pytest.mark.majors(16)
def test_a_role_whose_name_is_that_oid_is_not_taken_for_it(pgcask, cluster, workdir):
    db = make(cluster, "dangling", THINGS)
    cluster.sql(f'CREATE ROLE "{GONE}"')
    cluster.sql(f'GRANT SELECT ON v TO "{GONE}"', db)
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    assert archive.exists()
    cluster.sql(f"""UPDATE pg_class SET relacl = relacl || makeaclitem({GONE}, 10, 'SELECT', true)
                    WHERE relname = 's'""", db)
    refused(pgcask, cluster, db, workdir / "no", f'ALTER ROLE "{GONE}" RENAME TO')
    logical.drop(cluster, db)
    cluster.sql(f'DROP ROLE "{GONE}"')


@pytest.mark.majors(18)
def test_pg_depend_may_point_to_nothing(pgcask, cluster, workdir):
    db = make(cluster, "dangling", THINGS)
    cluster.sql(f"""
        INSERT INTO pg_depend SELECT classid, objid, 0, 1259, {GONE}, 0, 'n' FROM pg_depend
            WHERE objid = 'v'::regclass LIMIT 1;
        INSERT INTO pg_depend SELECT 1259, {GONE}, 0, classid, objid, 0, 'n' FROM pg_depend
            WHERE objid = 'v'::regclass LIMIT 1;
        INSERT INTO pg_init_privs VALUES ({GONE}, 1259, 0, 'i', '{{postgres=r/postgres}}');
        INSERT INTO pg_description VALUES ({GONE}, 1259, 0, 'of nothing');
    """, db)
    logical.round_trip(pgcask, cluster, db, workdir)


@pytest.mark.majors(13, 15, 18)
def test_globals_that_point_to_nothing(pgcask, servers, major, workdir):
    server = servers.create(major)
    logical.run_sql(server, "postgres", script("roles"))
    place = temp.new_dir("place")
    process.give_to_server(place)
    server.sql(f"CREATE TABLESPACE place LOCATION '{place}'")
    server.sql(f"UPDATE pg_tablespace SET spcowner = {GONE} WHERE spcname = 'place'")
    result = refused(pgcask, server, "postgres", workdir / "no",
                     f"tablespace place has the owner with OID {GONE}")
    assert "ALTER TABLESPACE place OWNER TO ...;" in result.stderr
    server.sql("ALTER TABLESPACE place OWNER TO bob")
    server.sql(f"UPDATE pg_tablespace SET spcacl = ARRAY[makeaclitem({GONE}, spcowner, 'CREATE', "
               "true), makeaclitem('alice'::regrole, spcowner, 'CREATE', false)] "
               "WHERE spcname = 'place'")
    server.sql(f"UPDATE pg_auth_members SET member = {GONE} WHERE member = 'bob'::regrole")
    result = pgcask("backup", server.uri("postgres"), "--to", workdir / "backup").check()
    assert f"the role with OID {GONE}, which is not there" in result.stderr
    text = (workdir / "backup/globals.sql").read_text()
    assert str(GONE) not in text
    assert 'GRANT ALL ON TABLESPACE place TO alice;' in text
    assert "GRANT alice TO" not in text
    assert f"privileges on tablespace place of or by the role with OID {GONE}" in result.stderr
