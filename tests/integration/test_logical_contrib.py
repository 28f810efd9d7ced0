"""PostgreSQL's own extensions (contrib), each with rows and definitions of its user's that need it:
what stock pg_restore makes of the archive is the source, and what we make of it."""

import re

import pytest

from pgcask_testing import logical

# What a user makes of each; "": what it brings is only called. An extension that is not here fails
# a test, so that a new one of a new version is looked at.
CONTRIB = {
    "adminpack": "",
    "amcheck": "CREATE FUNCTION checked(regclass) RETURNS void LANGUAGE sql AS 'SELECT bt_index_check($1)';",
    "autoinc": """
        CREATE SEQUENCE next_id START 40;
        CREATE TABLE numbered (id int, t text);
        CREATE TRIGGER number BEFORE INSERT OR UPDATE ON numbered
            FOR EACH ROW EXECUTE FUNCTION autoinc(id, next_id);
        INSERT INTO numbered (t) VALUES ('a'), ('b');""",
    "bloom": """
        CREATE TABLE filtered AS SELECT i AS a, i % 7 AS b, i::text AS c FROM generate_series(1, 300) i;
        CREATE INDEX ON filtered USING bloom (a, b, c) WITH (length = 80, col1 = 2, col2 = 4);""",
    "bool_plperl": """
        CREATE FUNCTION negated(bool) RETURNS bool LANGUAGE plperl TRANSFORM FOR TYPE bool
            AS 'return !$_[0]';""",
    "bool_plperlu": "",
    "btree_gin": """
        CREATE TABLE of_gin (a int, b text, at timestamptz);
        INSERT INTO of_gin VALUES (1, 'x', '2024-01-01');
        CREATE INDEX ON of_gin USING gin (a, b, at);""",
    "btree_gist": """
        CREATE TABLE booked (room int, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&));
        INSERT INTO booked VALUES (1, '[2024-01-01, 2024-01-02)'), (2, '[2024-01-01, 2024-01-03)');
        CREATE INDEX ON booked USING gist (room, (room::text));""",
    "citext": """
        CREATE TABLE account (name citext PRIMARY KEY, tags citext[] DEFAULT '{A,b}',
                              CHECK (name <> 'root'), more citext GENERATED ALWAYS AS
                              (name || '!') STORED);
        INSERT INTO account (name) VALUES ('Ann'), ('BOB');
        CREATE VIEW equal_names AS SELECT name FROM account WHERE name = 'aNN';
        CREATE TABLE by_name (n citext) PARTITION BY RANGE (n);
        CREATE TABLE by_name_1 PARTITION OF by_name FOR VALUES FROM ('a') TO ('M');
        INSERT INTO by_name VALUES ('Ann');""",
    "cube": """
        CREATE TABLE boxes (c cube NOT NULL DEFAULT '(0,0)', l cube[]);
        INSERT INTO boxes SELECT cube(ARRAY[i, i], ARRAY[i + 1, i + 2]) FROM generate_series(1, 50) i;
        CREATE INDEX ON boxes USING gist (c);
        CREATE INDEX ON boxes (c);
        CREATE VIEW near AS SELECT c FROM boxes ORDER BY c <-> cube '(3,3)' LIMIT 3;""",
    "dblink": """
        CREATE FUNCTION far() RETURNS SETOF int LANGUAGE sql
            AS 'SELECT * FROM dblink(''nowhere'', ''SELECT 1'') AS t (a int)';
        CREATE SERVER far_away FOREIGN DATA WRAPPER dblink_fdw OPTIONS (dbname 'd''b');
        CREATE USER MAPPING FOR PUBLIC SERVER far_away OPTIONS (user 'u', password 'p');
        GRANT USAGE ON FOREIGN DATA WRAPPER dblink_fdw TO alice;""",
    "dict_int": """
        CREATE TEXT SEARCH DICTIONARY short (TEMPLATE = intdict_template, MaxLen = 3);
        CREATE TEXT SEARCH CONFIGURATION numbers (COPY = simple);
        ALTER TEXT SEARCH CONFIGURATION numbers ALTER MAPPING FOR uint, "int" WITH short, intdict;
        CREATE TABLE counts (t text, v tsvector GENERATED ALWAYS AS
                             (to_tsvector('numbers'::regconfig, t)) STORED);
        INSERT INTO counts VALUES ('12345 678');""",
    "dict_xsyn": """
        CREATE TEXT SEARCH DICTIONARY synonyms (TEMPLATE = xsyn_template, KeepOrig = false,
                                                MatchSynonyms = true);""",
    "earthdistance": """
        CREATE TABLE cities (name text, at earth);
        INSERT INTO cities VALUES ('a', ll_to_earth(50, 8)), ('b', NULL);
        CREATE INDEX ON cities USING gist (at);
        CREATE TABLE points_on_earth (a point, b point, CHECK (a <@> b < 100000));""",
    "file_fdw": """
        CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE lines (a text OPTIONS (force_not_null 'true'), b text)
            SERVER files OPTIONS (filename '/no/such', format 'csv', "null" E'\\\\N');""",
    "fuzzystrmatch": """
        CREATE TABLE sounds (name text, CHECK (levenshtein(name, 'x') < 99));
        INSERT INTO sounds VALUES ('Meyer'), ('Maier');
        CREATE INDEX ON sounds (soundex(name), metaphone(name, 4));""",
    "hstore": """
        CREATE TABLE bags (h hstore DEFAULT 'a=>1', CHECK (h ? 'a'), l hstore[]);
        INSERT INTO bags VALUES ('a=>NULL, "b c"=>"\\"q\\""', ARRAY['x=>1'::hstore]), (DEFAULT, '{}');
        CREATE INDEX ON bags USING gist (h gist_hstore_ops (siglen = 32));
        CREATE INDEX ON bags USING gin (h);
        CREATE INDEX ON bags USING hash (h);
        CREATE VIEW keys AS SELECT (each(h)).key, h -> 'a' AS a, h #= h AS same FROM bags;
        CREATE CAST (hstore AS text[]) WITH FUNCTION hstore_to_array(hstore);""",
    "hstore_plperl": "",
    "hstore_plperlu": "",
    "hstore_plpython3u": "",
    "insert_username": """
        CREATE TABLE signed (t text, by text);
        CREATE TRIGGER sign BEFORE INSERT ON signed FOR EACH ROW EXECUTE FUNCTION insert_username(by);
        INSERT INTO signed VALUES ('a', 'somebody');""",
    "intagg": """
        CREATE TABLE of_arrays AS SELECT int_array_aggregate(i) AS a FROM generate_series(1, 9) i;
        CREATE VIEW enumerated AS SELECT int_array_enum(a) AS one FROM of_arrays;""",
    "intarray": """
        CREATE TABLE sets (a int[], asked query_int);
        INSERT INTO sets SELECT ARRAY[i, i * 2], '1&(2|!3)' FROM generate_series(1, 40) i;
        CREATE INDEX ON sets USING gist (a gist__int_ops (numranges = 50));
        CREATE INDEX ON sets USING gist (a gist__intbig_ops);
        CREATE INDEX ON sets USING gin (a gin__int_ops);
        CREATE VIEW matching AS SELECT a FROM sets WHERE a @@ '2|3'::query_int AND a && ARRAY[4];""",
    "isn": """
        CREATE TABLE books (i isbn PRIMARY KEY, e ean13, s issn, m ismn13, u upc);
        INSERT INTO books VALUES ('978-0-393-04002-9', '978-0-393-04002-9', '1436-4522');
        CREATE INDEX ON books USING hash (e);
        CREATE VIEW same_book AS SELECT i FROM books WHERE i = e;""",
    "jsonb_plperl": "",
    "jsonb_plperlu": "",
    "jsonb_plpython3u": "",
    "lo": """
        CREATE TABLE pictures (title text, raster lo);
        CREATE TRIGGER unlinked BEFORE UPDATE OR DELETE ON pictures
            FOR EACH ROW EXECUTE FUNCTION lo_manage(raster);
        INSERT INTO pictures VALUES ('none', NULL);""",
    "ltree": """
        CREATE TABLE paths (p ltree PRIMARY KEY, q lquery, x ltxtquery, many ltree[]);
        INSERT INTO paths VALUES ('Top.A.B', '*.A.*', 'A & B', '{a.b,c}'), ('Top', NULL, NULL, '{}');
        CREATE INDEX ON paths USING gist (p gist_ltree_ops (siglen = 100));
        CREATE INDEX ON paths USING gist (many);
        CREATE VIEW below AS SELECT p FROM paths WHERE p <@ 'Top' AND p ~ '*.A.*';""",
    "ltree_plpython3u": "",
    "moddatetime": """
        CREATE TABLE touched (t text, at timestamp DEFAULT '2024-01-01');
        CREATE TRIGGER touch BEFORE UPDATE ON touched FOR EACH ROW EXECUTE FUNCTION moddatetime(at);
        INSERT INTO touched VALUES ('a');""",
    "old_snapshot": "",
    "pageinspect": """
        CREATE VIEW raw AS SELECT lp, t_ctid FROM heap_page_items(get_raw_page('pg_class', 0)) LIMIT 0;
        GRANT EXECUTE ON FUNCTION heap_page_items(bytea) TO alice;""",
    "pg_buffercache": "GRANT SELECT ON pg_buffercache TO alice;",
    "pg_freespacemap": "CREATE VIEW free AS SELECT * FROM pg_freespace('pg_class');",
    "pg_logicalinspect": "",
    "pg_prewarm": "",
    "pg_stat_statements": """
        CREATE VIEW slow AS SELECT query FROM pg_stat_statements WHERE calls > 1;
        GRANT SELECT ON pg_stat_statements TO alice;""",
    "pg_surgery": "REVOKE EXECUTE ON FUNCTION heap_force_kill(regclass, tid[]) FROM postgres;",
    "pg_trgm": """
        CREATE TABLE phrases (t text);
        INSERT INTO phrases SELECT 'number ' || i FROM generate_series(1, 60) i;
        CREATE INDEX ON phrases USING gin (t gin_trgm_ops);
        CREATE INDEX ON phrases USING gist (t gist_trgm_ops (siglen = 32));
        CREATE VIEW like_it AS SELECT t, t <-> 'x' AS far FROM phrases WHERE t % 'number 1';""",
    "pg_visibility": "CREATE VIEW visible AS SELECT * FROM pg_visibility_map('pg_class');",
    "pg_walinspect": "",
    "pgcrypto": """
        CREATE TABLE secrets (id uuid DEFAULT gen_random_uuid(), h text,
                              CHECK (h = crypt('x', h)), d bytea GENERATED ALWAYS AS
                              (digest(h, 'sha256')) STORED);
        INSERT INTO secrets (h) VALUES (crypt('x', gen_salt('bf', 4)));""",
    "pgrowlocks": "",
    "pgstattuple": "GRANT EXECUTE ON FUNCTION pgstattuple(regclass) TO PUBLIC;",
    "plperl": "CREATE FUNCTION of_perl() RETURNS int LANGUAGE plperl AS 'return 1';",
    "plperlu": "",
    "plpgsql": "CREATE FUNCTION of_sql() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';",
    "plpython3u": "CREATE FUNCTION of_python() RETURNS int LANGUAGE plpython3u AS 'return 1';",
    "pltcl": "CREATE FUNCTION of_tcl() RETURNS int LANGUAGE pltcl AS 'return 1';",
    "pltclu": "",
    "postgres_fdw": """
        CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h', fetch_size '7');
        CREATE USER MAPPING FOR alice SERVER remote OPTIONS (user 'a', password 'it''s');
        CREATE FOREIGN TABLE over_there (a int OPTIONS (column_name 'A'), b text) SERVER remote
            OPTIONS (table_name 't');
        CREATE TABLE tree (a int) PARTITION BY LIST (a);
        CREATE FOREIGN TABLE tree_1 PARTITION OF tree FOR VALUES IN (1) SERVER remote;""",
    "refint": """
        CREATE TABLE old_keys (id int PRIMARY KEY);
        CREATE TABLE old_references (id int);
        INSERT INTO old_keys VALUES (1);
        CREATE TRIGGER known BEFORE INSERT OR UPDATE ON old_references FOR EACH ROW
            EXECUTE FUNCTION check_primary_key('id', 'old_keys', 'id');""",
    "seg": """
        CREATE TABLE measured (s seg PRIMARY KEY);
        INSERT INTO measured VALUES ('5(+-)0.3'), ('<1'), ('1.0 .. 2.00');
        CREATE INDEX ON measured USING gist (s);""",
    "sslinfo": "",
    "tablefunc": """
        CREATE FUNCTION crossed() RETURNS SETOF tablefunc_crosstab_2 LANGUAGE sql
            AS 'SELECT NULL::text, NULL::text, NULL::text';
        CREATE TABLE of_rows (r tablefunc_crosstab_3);
        INSERT INTO of_rows VALUES (ROW('a', 'b', NULL, 'd'));""",
    "tcn": """
        CREATE TABLE told (id int PRIMARY KEY);
        CREATE TRIGGER tell AFTER INSERT OR UPDATE ON told
            FOR EACH ROW EXECUTE FUNCTION triggered_change_notification('channel');
        INSERT INTO told VALUES (1);""",
    "tsm_system_rows": "CREATE VIEW some_rows AS SELECT relname FROM pg_class TABLESAMPLE system_rows(3);",
    "tsm_system_time": "CREATE VIEW some_time AS SELECT relname FROM pg_class TABLESAMPLE system_time(3);",
    "unaccent": """
        CREATE TEXT SEARCH CONFIGURATION plain_letters (COPY = simple);
        ALTER TEXT SEARCH CONFIGURATION plain_letters ALTER MAPPING FOR word WITH unaccent, simple;
        CREATE TEXT SEARCH DICTIONARY unaccent_2 (TEMPLATE = unaccent, RULES = 'unaccent');
        ALTER TEXT SEARCH DICTIONARY unaccent (RULES = 'unaccent');""",
    "uuid-ossp": """
        CREATE TABLE named (id uuid DEFAULT uuid_generate_v5(uuid_ns_url(), 'x'));
        INSERT INTO named VALUES (DEFAULT);""",
    "xml2": "CREATE VIEW well AS SELECT xml_valid('<a/>') AS formed;",
}

# Whose library is that of another program, which may not be there.
OF_LANGUAGES = re.compile("plperlu?$|plpython[23]?u$|pltclu?$")


@pytest.fixture(params=["npm", "debian"], scope="module")
def cluster(request, major, module_servers):
    if request.param == "debian" and major not in (15, 17, 18):
        pytest.skip("Debian has none")
    server = module_servers.create(major, flavour=request.param)
    logical.run_sql(server, "postgres", logical.script("roles"))
    yield server
    server.close()


def available(cluster):
    """What the server has; which of it can be created. Others' packages lie there as well."""
    logical.make(cluster, "tried")
    names = [name for (name,) in cluster.sql("SELECT name FROM pg_available_extensions ORDER BY 1")]
    if cluster.flavour == "debian" and cluster.major < 18:
        names = [name for name in names if name in CONTRIB]
    names = [name for name in names if name != "pgcask_configured"]
    created = [name for name in names if logical.run_sql(cluster, "tried", f"""
        SET client_min_messages = error; BEGIN;
        CREATE EXTENSION IF NOT EXISTS "{name}" CASCADE;
        SELECT 'created'; ROLLBACK;""", stop=False) == b"created\n"]
    logical.drop(cluster, "tried")
    return names, created


def scripts(names, schema):
    yield f'CREATE SCHEMA IF NOT EXISTS "{schema}"; SET client_min_messages = error;' + "".join(
        f'CREATE EXTENSION IF NOT EXISTS "{name}" WITH SCHEMA "{schema}" CASCADE;\n'
        if name != "adminpack" else "CREATE EXTENSION adminpack;\n" for name in names)
    for name in names:
        yield f'SET search_path = public, "{schema}"; SET client_min_messages = error;\n' + CONTRIB[name]


@pytest.mark.majors(13, 15, 17, 18)
def test_every_extension_comes_back_with_what_is_made_of_it(pgcask, cluster, workdir):
    names, created = available(cluster)
    assert all(OF_LANGUAGES.search(name) for name in set(names) - set(created)), names
    missing = set(created) - set(CONTRIB)
    assert not missing, f"say what is made of them: {missing}"
    assert len(created) > 40, created
    db = logical.make(cluster, "contrib", *scripts(created, "Con trib"))
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    logical.comes_back(pgcask, cluster, db, archive, workdir)
