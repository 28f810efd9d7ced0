"""manifest.json of a cluster that has everything: the form of every field, and every value against
an independent query."""

import collections
import re
import time

import pytest

from pgcask_testing import process, psql, temp
from pgcask_testing.manifests import missing, named, probe, probe_path  # noqa: F401

# A cluster that has everything

RICH = r'''
CREATE ROLE "o'wner ""x""" NOLOGIN CREATEDB;
CREATE ROLE limited LOGIN CONNECTION LIMIT 7 VALID UNTIL '2031-02-03 04:05:06+02' NOINHERIT;
CREATE ROLE eternal LOGIN VALID UNTIL 'infinity' REPLICATION BYPASSRLS;
CREATE ROLE ancient VALID UNTIL '-infinity';
CREATE ROLE distant VALID UNTIL '294000-01-01 00:00:00+00';
CREATE ROLE "rôle" CREATEROLE;
GRANT "rôle", pg_monitor TO limited;
GRANT limited TO eternal WITH ADMIN OPTION;
CREATE ROLE secretive PASSWORD 'hush-hush';
'''

SCHEMA = r'''
CREATE EXTENSION pg_trgm;
CREATE SCHEMA other AUTHORIZATION "o'wner ""x""";
CREATE EXTENSION hstore SCHEMA other;
CREATE TABLE plain (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dropped int,
    word varchar(20) NOT NULL DEFAULT E'it''s\n"quoted" \\ ü' UNIQUE,
    price numeric(10,2) CHECK (price > 0),
    at timestamptz DEFAULT '2024-06-01 12:00:00+02',
    total numeric GENERATED ALWAYS AS (price * 2) STORED,
    tags text[] DEFAULT '{}',
    UNIQUE (price, word)
) WITH (fillfactor = 70, autovacuum_enabled = off);
ALTER TABLE plain DROP COLUMN dropped;
ALTER TABLE plain OWNER TO "o'wner ""x""";
INSERT INTO plain (word, price) SELECT 'w' || i, i FROM generate_series(1, 500) i;
CREATE INDEX partial ON plain (lower(word)) WHERE price > 10;
CREATE INDEX tags ON plain USING gin (tags);
CREATE TABLE refers (a bigint REFERENCES plain, b int4range, EXCLUDE USING gist (b WITH &&));
CREATE UNLOGGED TABLE unlogged (a int);
CREATE TABLE empty ();
CREATE TABLE parent (a int, b text);
CREATE TABLE child (c int) INHERITS (parent);
CREATE TABLE by_range (k int, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k);
CREATE TABLE by_range_1 PARTITION OF by_range FOR VALUES FROM (0) TO (10) PARTITION BY LIST (k);
CREATE TABLE by_range_1_1 PARTITION OF by_range_1 FOR VALUES IN (1, 2);
CREATE TABLE other.by_hash (k int) PARTITION BY HASH (k);
CREATE TABLE hash_0 PARTITION OF other.by_hash FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE secured (a int);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE TABLE forced (a int);
ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE INSERT ON secured FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW seen WITH (security_barrier) AS SELECT id, word FROM plain;
CREATE MATERIALIZED VIEW stored AS SELECT count(*) AS n FROM plain;
CREATE UNIQUE INDEX stored_n ON stored (n);
CREATE SEQUENCE numbers;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER far FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE remote (a int NOT NULL, b text) SERVER far;
CREATE TABLE placed (a int PRIMARY KEY USING INDEX TABLESPACE elsewhere) TABLESPACE elsewhere;
CREATE TABLE "odd ""name"" 'x'
with newline	and tab \ é ☃ 😀" ("col ""x""
é" int DEFAULT 1);
CREATE INDEX "odd
index" ON "odd ""name"" 'x'
with newline	and tab \ é ☃ 😀" ("col ""x""
é");
CREATE TABLE duplicates AS SELECT 1 AS a FROM generate_series(1, 2);
SELECT a FROM duplicates;
VACUUM plain;
ANALYZE plain;
'''


def broken_index(server, db):
    """CREATE INDEX CONCURRENTLY that fails leaves an invalid index."""
    with pytest.raises(psql.SqlError):
        server.sql("CREATE UNIQUE INDEX CONCURRENTLY invalid ON duplicates (a)", db)


@pytest.fixture(scope="module")
def rich(module_servers, major, _made={}):
    if major in _made:
        return _made[major]
    server = module_servers.create(major, conf={
        "archive_mode": "on", "archive_command": "echo s3cr3t-token >/dev/null",
        "shared_preload_libraries": "auto_explain", "timezone": "Europe/Paris",
        "max_connections": "61",
    })
    folder = temp.new_dir("tablespace")
    process.give_to_server(folder)
    server.sql(RICH)
    server.sql(f"""CREATE TABLESPACE elsewhere OWNER "rôle" LOCATION '{folder}'
                   WITH (seq_page_cost = 1.5, random_page_cost = 2)""")
    server.sql('''CREATE DATABASE app OWNER "o'wner ""x""\" CONNECTION LIMIT 9''')
    server.sql("CREATE DATABASE closed ALLOW_CONNECTIONS false")
    server.sql("CREATE DATABASE mold IS_TEMPLATE true TABLESPACE elsewhere")
    server.sql(SCHEMA, "app")
    broken_index(server, "app")
    # 14 and older hand statistics to the collector now and then.
    end = time.monotonic() + 20
    while not server.value("SELECT last_analyze FROM pg_stat_user_tables WHERE relname = 'plain'",
                           "app") and time.monotonic() < end:
        time.sleep(0.2)
    _made[major] = server
    return server


@pytest.fixture(scope="module")
def whole(rich, probe, major, _made={}):
    """The manifest of the whole rich cluster."""
    if major not in _made:
        _made[major] = probe(rich.uri())
    return _made[major].manifest


@pytest.fixture(scope="module")
def app(whole):
    return named(whole["databases"], "app")


@pytest.fixture(scope="module")
def relations(app):
    return {(r["schema"], r["name"]): r for r in app["relations"]}


def test_the_top_level_says_what_was_asked(rich, whole, major):
    assert whole["connector"] == "postgresql"
    assert whole["dump_format"] == "custom"
    assert whole["options"] == {"schema_only": False, "data_only": False, "compress": True}
    assert whole["host"] == "127.0.0.1"
    assert whole["port"] == str(rich.port)
    assert whole["server_version"] == "PostgreSQL " + rich.value("SHOW server_version")
    assert whole["server_version_num"] == int(rich.value("SHOW server_version_num"))
    assert whole["cluster_system_identifier"] == rich.system_identifier
    assert whole["in_recovery"] is False
    assert "database" not in whole
    assert whole["producer"].startswith("pgcask ")


def test_a_physical_manifest_says_position_and_timeline(rich, probe):
    manifest = probe("--physical", "--replication", rich.uri()).manifest
    assert manifest["connector"] == "postgresql+bin"
    assert manifest["dump_format"] == "basebackup"
    assert manifest["wal_position"] == "0/3000028"
    assert manifest["timeline"] == 1
    assert manifest["cluster_system_identifier"] == "7000000000000000001"
    assert "options" not in manifest


def test_of_several_databases_each_says_whether_it_is_backed_up(rich, whole, probe):
    manifest = probe("--several", rich.uri(), "template1", "app").manifest
    assert "database" not in manifest
    shares = {d["name"]: (d["backed_up"], d.get("same_snapshot")) for d in manifest["databases"]}
    assert shares == {"app": (True, False), "closed": (False, None), "mold": (False, None),
                      "postgres": (False, None), "template0": (False, None),
                      "template1": (True, True)}
    described = {d["name"] for d in manifest["databases"] if "schemas" in d}
    assert described == {"app", "template1"}
    app = named(manifest["databases"], "app")
    assert app["relations"] == named(whole["databases"], "app")["relations"]


def test_the_configuration_is_the_servers(rich, whole):
    config = whole["cluster_config"]
    for key in ("data_directory", "wal_level", "server_encoding", "shared_preload_libraries",
                "archive_mode"):
        assert config[key] == rich.value(f"SHOW {key}")
    for key in ("max_connections", "block_size", "wal_block_size"):
        assert config[key] == int(rich.value(f"SHOW {key}"))
    assert config["timezone"] == "Europe/Paris"
    assert config["lc_collate"] == config["lc_ctype"] == "C"
    assert config["data_checksums"] is True
    assert config["archive_command_set"] is True


def test_no_secret_is_in_it(rich, probe):
    text = probe(rich.uri(password="hush")).text
    assert "s3cr3t" not in text and "hush" not in text and "SCRAM-SHA" not in text


def test_nothing_is_asked_for_that_could_hold_a_secret(rich, probe):
    rich.sql("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()")
    time.sleep(0.2)
    start = len(rich.log)
    probe(rich.uri())
    rich.sql("ALTER SYSTEM RESET log_statement; SELECT pg_reload_conf()")
    log = rich.log[start:]
    assert "pg_settings" in log
    assert not re.search(r"pg_authid|rolpassword|pg_shadow|SHOW archive_command", log)


def test_roles_are_as_in_pg_roles(rich, whole):
    rows = rich.sql("""
        SELECT rolname, rolsuper, rolreplication, rolcanlogin, rolcreatedb, rolcreaterole,
            rolinherit, rolbypassrls, rolconnlimit FROM pg_roles ORDER BY rolname COLLATE "C" """)
    keys = ("name", "superuser", "replication", "can_login", "create_db", "create_role", "inherit",
            "bypass_rls", "connection_limit")
    expected = [
        dict(zip(keys, [row[0], *(v == "t" for v in row[1:8]), int(row[8])])) for row in rows
    ]
    assert [{key: role[key] for key in keys} for role in whole["roles"]] == expected
    valid = {role["name"]: role["valid_until"] for role in whole["roles"]}
    assert valid["limited"] == "2031-02-03T02:05:06.000000Z"
    assert valid["eternal"] is None and valid["postgres"] is None
    assert valid["ancient"].startswith("0001-01-01T") and valid["distant"].startswith("9999-12-31T")
    assert named(whole["roles"], "limited")["member_of"] == ["pg_monitor", "rôle"]
    assert named(whole["roles"], "eternal")["member_of"] == ["limited"]
    assert "member_of" not in named(whole["roles"], "secretive")


@pytest.mark.majors(16, 17, 18)  # before 16 a membership has one grantor
def test_a_membership_granted_twice_is_listed_once(rich, probe, major):
    rich.sql("GRANT limited TO distant GRANTED BY eternal; GRANT limited TO distant")
    assert named(probe(rich.uri(), "app").manifest["roles"], "distant")["member_of"] == ["limited"]


def test_tablespaces_are_all_there(rich, whole):
    assert [t["name"] for t in whole["tablespaces"]] == ["elsewhere", "pg_default", "pg_global"]
    space = whole["tablespaces"][0]
    assert space["owner"] == "rôle"
    assert space["options"] == ["seq_page_cost=1.5", "random_page_cost=2"]
    assert space["location"] == rich.value(
        "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'elsewhere'")
    assert space["oid"] == int(
        rich.value("SELECT oid FROM pg_tablespace WHERE spcname = 'elsewhere'"))
    assert whole["tablespaces"][1]["location"] == ""


def test_all_databases_are_listed_and_the_connectable_ones_detailed(rich, whole):
    rows = rich.sql("""
        SELECT datname, r.rolname, pg_encoding_to_char(encoding), datcollate, datctype,
            datallowconn, datistemplate, spcname, datconnlimit, d.oid
        FROM pg_database d JOIN pg_roles r ON r.oid = datdba
            JOIN pg_tablespace t ON t.oid = dattablespace ORDER BY datname COLLATE "C" """)
    keys = ("name", "owner", "encoding", "collate", "ctype", "allow_conn", "is_template",
            "default_tablespace", "connection_limit", "oid")
    expected = [
        dict(zip(keys, [*r[:5], r[5] == "t", r[6] == "t", r[7], int(r[8]), int(r[9])]))
        for r in rows
    ]
    assert [{key: d[key] for key in keys} for d in whole["databases"]] == expected
    detailed = [d["name"] for d in whole["databases"] if "schemas" in d]
    assert detailed == ["app", "postgres"]


def test_the_locale_provider_is_named(whole, major):
    provider = named(whole["databases"], "postgres").get("locale_provider")
    assert provider == (None if major < 15 else "libc")


@pytest.mark.majors(15, 16, 17, 18)
def test_an_icu_or_builtin_locale_is_named(servers, probe, major):
    server = servers.create(major)
    if major >= 17:
        server.sql("""CREATE DATABASE fixed TEMPLATE template0 LOCALE_PROVIDER builtin
                      BUILTIN_LOCALE 'C.UTF-8' """)
        fixed = named(probe(server.uri(), "fixed").manifest["databases"], "fixed")
        assert (fixed["locale_provider"], fixed["locale"]) == ("builtin", "C.UTF-8")
    try:
        server.sql("CREATE DATABASE world TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'und'")
    except psql.SqlError as error:
        assert "ICU is not supported" in str(error)
        return
    world = named(probe(server.uri(), "world").manifest["databases"], "world")
    assert world["locale_provider"] == "icu" and world["locale"].startswith("und")


def test_a_single_database_lists_that_one_only(rich, probe, app):
    manifest = probe(rich.uri(), "app").manifest
    assert manifest["database"] == "app"
    assert manifest["databases"] == [app]


def test_a_template_asked_for_is_detailed(rich, probe):
    (database,) = probe(rich.uri(), "mold").manifest["databases"]
    assert [s["name"] for s in database["schemas"]] == ["public"]


def test_a_database_that_is_not_there_is_named(rich, probe):
    manifest = probe(rich.uri(), "nowhere", complete=False).manifest
    assert "databases" not in manifest
    assert '"nowhere"' in missing(manifest)["databases"]["reason"]


def test_extensions_and_schemas(rich, app, major):
    version = dict(rich.sql("SELECT extname, extversion FROM pg_extension", "app"))
    assert app["extensions"] == [
        {"name": "hstore", "version": version["hstore"], "schema": "other"},
        {"name": "pg_trgm", "version": version["pg_trgm"], "schema": "public"},
        {"name": "plpgsql", "version": "1.0", "schema": "pg_catalog"},
    ]
    owner = "pg_database_owner" if major >= 15 else "postgres"
    assert app["schemas"] == [
        {"name": "other", "owner": "o'wner \"x\""}, {"name": "public", "owner": owner},
    ]


def test_relations_of_all_kinds_in_order(rich, relations):
    rows = rich.sql(
        """
        SELECT schemaname, tablename, tableowner, rowsecurity FROM pg_tables
        WHERE schemaname IN ('public', 'other')
        UNION ALL SELECT schemaname, viewname, viewowner, false FROM pg_views
        WHERE schemaname IN ('public', 'other')
        UNION ALL SELECT schemaname, matviewname, matviewowner, false FROM pg_matviews
        UNION ALL SELECT schemaname, sequencename, sequenceowner, false FROM pg_sequences
        UNION ALL SELECT foreign_table_schema, foreign_table_name, 'postgres', false
        FROM information_schema.foreign_tables
        """, "app")
    expected = {(r[0], r[1]): (r[2], r[3] == "t") for r in rows}
    found = {key: (r["owner"], r["rls_enabled"]) for key, r in relations.items()}
    assert found == expected
    assert list(relations) == sorted(relations, key=lambda key: [part.encode() for part in key])
    kinds = {key[1]: r["kind"] for key, r in relations.items()}
    for name, kind in (("plain", "r"), ("by_range", "p"), ("by_range_1", "p"), ("hash_0", "r"),
                       ("seen", "v"), ("stored", "m"), ("numbers", "S"), ("remote", "f")):
        assert kinds[name] == kind


def test_columns_are_as_in_the_information_schema(rich, relations):
    rows = rich.sql(
        """
        SET timezone = 'UTC';
        SELECT table_schema, table_name, ordinal_position, column_name, is_nullable,
            coalesce(column_default, generation_expression)
        FROM information_schema.columns WHERE table_schema IN ('public', 'other')
        ORDER BY 1, 2, 3
        """, "app")
    expected = collections.defaultdict(list)
    for schema, table, position, name, nullable, default in rows:
        expected[schema, table].append((int(position), name, nullable == "YES", default))
    for key, relation in relations.items():
        if relation["kind"] in "mS":
            continue  # not in the information schema
        found = [(c["position"], c["name"], c["nullable"], c.get("default"))
                 for c in relation.get("columns", [])]
        assert found == expected.get(key, []), key
        assert relation["column_count"] == len(found)


def test_one_table_in_full(relations):
    plain = relations["public", "plain"]
    assert plain["owner"] == "o'wner \"x\""
    assert plain["storage_options"] == ["fillfactor=70", "autovacuum_enabled=off"]
    assert plain["row_estimate"] == 500
    assert plain["column_count"] == 6
    assert plain["has_primary_key"] and plain["has_triggers"]
    assert plain["persistence"] == "p"
    columns = {c["name"]: c for c in plain["columns"]}
    assert [c["position"] for c in plain["columns"]] == [1, 3, 4, 5, 6, 7]
    assert columns["word"] == {
        "position": 3, "name": "word", "type": "character varying(20)", "nullable": False,
        "default": "'it''s\n\"quoted\" \\ ü'::character varying",
    }
    assert columns["price"]["type"] == "numeric(10,2)" and columns["price"]["nullable"]
    assert "default" not in columns["price"]
    assert columns["at"]["default"] == "'2024-06-01 10:00:00+00'::timestamp with time zone"
    assert columns["tags"]["type"] == "text[]"
    constraints = {c["name"]: (c["type"], c.get("columns")) for c in plain["constraints"]}
    assert constraints == {
        "plain_pkey": ("p", ["id"]),
        "plain_price_check": ("c", ["price"]),
        "plain_price_word_key": ("u", ["word", "price"]),  # in the order of the table
        "plain_word_key": ("u", ["word"]),
    }
    indexes = {i["name"]: i for i in plain["indexes"]}
    assert sorted(indexes) == ["partial", "plain_pkey", "plain_price_word_key", "plain_word_key",
                               "tags"]
    assert indexes["plain_pkey"] == {
        "name": "plain_pkey", "method": "btree",
        "definition": "CREATE UNIQUE INDEX plain_pkey ON public.plain USING btree (id)",
        "is_unique": True, "is_primary": True, "is_valid": True, "is_partial": False,
        "constraint_name": "plain_pkey",
    }
    assert indexes["partial"]["is_partial"] and "constraint_name" not in indexes["partial"]
    assert indexes["tags"]["method"] == "gin"


def test_index_definitions_are_as_in_pg_indexes(rich, relations):
    expected = {(r[0], r[1]): r[2] for r in rich.sql(
        "SELECT schemaname, indexname, indexdef FROM pg_indexes"
        " WHERE schemaname IN ('public', 'other')", "app")}
    expected = {key: definition.replace("\n", " ") for key, definition in expected.items()}
    found = {(key[0], index["name"]): index["definition"]
             for key, relation in relations.items() for index in relation.get("indexes", [])}
    # pg_indexes leaves out what partitioned tables have in some versions.
    assert expected.items() <= found.items()
    assert len(found) - len(expected) <= 2


def test_constraints_of_all_types(relations):
    types = {c["type"] for r in relations.values() for c in r.get("constraints", [])}
    assert types == set("pufcx")
    refers = {c["type"]: c for c in relations["public", "refers"]["constraints"]}
    assert refers["f"]["columns"] == ["a"] and refers["x"]["columns"] == ["b"]
    exclusion = named(relations["public", "refers"]["indexes"], "refers_b_excl")
    assert exclusion["constraint_name"] == "refers_b_excl" and exclusion["method"] == "gist"


def test_partitions_and_their_parents(relations):
    assert relations["public", "by_range"]["partition_strategy"] == "range"
    middle = relations["public", "by_range_1"]
    assert middle["is_partition"] and middle["partition_strategy"] == "list"
    assert middle["partition_parent"] == "public.by_range"
    assert relations["public", "by_range_1_1"]["partition_parent"] == "public.by_range_1"
    assert relations["other", "by_hash"]["partition_strategy"] == "hash"
    assert relations["public", "hash_0"]["partition_parent"] == "other.by_hash"
    child = relations["public", "child"]
    assert not child["is_partition"] and child["partition_parent"] == "public.parent"
    assert "partition_parent" not in relations["public", "parent"]


def test_the_flags(relations):
    flag = lambda name, key: relations["public", name][key]
    assert flag("unlogged", "persistence") == "u"
    assert flag("secured", "rls_enabled") and not flag("secured", "rls_forced")
    assert flag("forced", "rls_forced")
    assert flag("secured", "has_triggers")
    assert flag("refers", "has_triggers")  # those of a foreign key count, at both its ends
    assert not flag("forced", "has_triggers")
    assert flag("forced", "row_estimate") == 0  # nobody has counted
    assert flag("numbers", "column_count") == 3 and len(flag("numbers", "columns")) == 3
    assert flag("placed", "tablespace") == "elsewhere"
    assert "tablespace" not in relations["public", "plain"]
    assert flag("seen", "storage_options") == ["security_barrier=true"]
    assert "columns" not in relations["public", "empty"]
    assert flag("empty", "column_count") == 0
    assert not named(flag("duplicates", "indexes"), "invalid")["is_valid"]
    assert flag("stored", "indexes")[0]["name"] == "stored_n"


def test_statistics_are_as_in_pg_stat_user_tables(rich, relations):
    rows = rich.sql(
        """
        SELECT relname, n_live_tup, to_json(last_vacuum AT TIME ZONE 'UTC') #>> '{}',
            to_json(last_analyze AT TIME ZONE 'UTC') #>> '{}'
        FROM pg_stat_user_tables WHERE relname IN ('plain', 'child')
        """, "app")
    for name, live, vacuum, analyze in rows:
        relation = relations["public", name]
        assert relation["live_row_estimate"] == int(live)
        for key, expected in (("last_vacuum", vacuum), ("last_analyze", analyze)):
            if expected is None:
                assert relation[key] is None
            else:
                assert relation[key].rstrip("Z").rstrip("0").rstrip(".") == expected
    assert relations["public", "plain"]["last_vacuum"] is not None
    assert relations["public", "child"]["last_vacuum"] is None


def test_odd_names_come_through(relations):
    name = "odd \"name\" 'x'\nwith newline\tand tab \\ é ☃ 😀"
    odd = relations["public", name]
    assert odd["columns"][0]["name"] == 'col "x"\né'
    assert odd["indexes"][0]["name"] == "odd\nindex"
    assert "escaped" not in odd


def test_a_temporary_table_is_left_out(rich, probe):
    with rich.session("app") as session:
        session.sql("CREATE TEMP TABLE fleeting (a int)")
        assert "fleeting" not in probe(rich.uri(), "app").text


def test_a_standby_says_so(servers, probe, major):
    primary = servers.create(major)
    primary.sql("CREATE TABLE t (a int)")
    standby = servers.standby(primary)
    assert probe(standby.uri()).manifest["in_recovery"] is True
