"""What users of Plakar's own PostgreSQL integration rely on is here, too: each of its options under its
name, with its type, default and meaning, in all of its versions; and each field of its manifest.json.

official/manifest.json is such a manifest, of the database that official/shop.sql makes. It was written by
hand, from the public description of schema version 2 and that SQL: none of the integration's own was at
hand.
"""

import json
import pathlib
import re

import pytest

from pgcask_testing import manifests, oracles, process, temp
from pgcask_testing.plakar_client import EXPORTER, IMPORTER, Client, init_request

pytestmark = [pytest.mark.majors(13, 14, 15, 16, 17, 18), pytest.mark.sampled(1)]
OFFICIAL = pathlib.Path(__file__).parent / "official"

# ---- Options

SSL = ["ssl_cert", "ssl_key", "ssl_root_cert"]
CONNECTION = ["location", "host", "port", "username", "database", "ssl_mode", *SSL,
              *(f"{key}_data" for key in SSL), "pg_bin_dir"]
FLAGS = {"importer": ["compress", "schema_only", "data_only"],
         "exporter": ["clean", "recreate", "no_globals", "no_owner", "schema_only", "data_only",
                      "exit_on_error"]}
# {schema: keys}; the first versions' are the last of each. restore_globals of those is refused with a word
# (test_plakar_exporter.py). There is no "force" among them.
FIRST_VERSIONS = ["pg_dump", "pg_dumpall", "pg_restore", "psql"]
OPTIONS = {
    "importer": [*CONNECTION, "password", "exclude_databases", *FLAGS["importer"], *FIRST_VERSIONS],
    "importer-aws": [*CONNECTION, "region", "exclude_databases", *FLAGS["importer"]],
    "exporter": [*CONNECTION, "password", "databases", *FLAGS["exporter"], "create_db",
                 *FIRST_VERSIONS],
    "exporter-aws": [*CONNECTION, "region", "databases", *FLAGS["exporter"]],
}
MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


def schema_of(pgcask, which):
    return json.loads(pgcask("plakar-schema", which).check().stdout)


@pytest.mark.parametrize("which", OPTIONS)
@pytest.mark.majors(18)
def test_forms_have_every_option_of_the_official_integration(pgcask, which, major):
    schema = schema_of(pgcask, which)
    properties = schema["properties"]
    assert set(OPTIONS[which]) <= set(properties)
    assert schema.get("required", []) == (["region"] if which.endswith("aws") else [])
    for key in FLAGS[which.partition("-")[0]]:
        types = properties[key]["type"]
        assert "boolean" in ([types] if isinstance(types, str) else types), key
        assert properties[key]["default"] is False, key
    assert properties["ssl_mode"]["enum"] == MODES
    for key, its in properties.items():
        assert its["title"][0].isupper() and its["description"].endswith((".", "]")), key
        assert not {"--", "…["} & set(its["description"].split()), key
        assert "default" in its or its["type"] != "boolean", key
        if "enum" in its and "default" in its:
            assert its["default"] in its["enum"], key


def started(pgcask_path, scheme, config, service=IMPORTER):
    """(the answer to Init, what was said on standard error until the end)"""
    with Client(pgcask_path) as host:
        call = host.unary(service + "Init", init_request(scheme, config), 60)
        host.close_input()
        return call, host.wait_for_exit()[1]


@pytest.mark.parametrize("scheme, which", [("postgres", "importer"), ("postgres+bin", "importer"),
                                           ("postgres", "exporter")])
def test_an_option_without_a_value_is_not_set(pgcask_path, shared_server, major, scheme, which):
    """Forms send all of theirs. A key wins over the location only if it says something."""
    location = f"{scheme}://{shared_server.superuser}@127.0.0.1:{shared_server.port}"
    keys = {key: "" for key in OPTIONS[which]} | {
        "location": location if scheme.endswith("bin") else location + "/postgres"}
    call, said = started(pgcask_path, scheme, keys, EXPORTER if which == "exporter" else IMPORTER)
    assert call.status == "0", call.message
    assert said == ""


@pytest.mark.parametrize("scheme, which", [("postgres", "importer"), ("postgres+bin", "importer"),
                                           ("postgres", "exporter")])
def test_each_option_is_taken_under_its_name(pgcask_path, shared_server, authority, major, scheme,
                                             which):
    """The separate keys win over the location; programs are ignored, and that is said of each."""
    certificate, key = authority.issue("official", shared_server.superuser)
    pem = {"ssl_cert": certificate, "ssl_key": key, "ssl_root_cert": authority.root}
    connection = {
        "location": f"{scheme}://nobody:wrong@nowhere.invalid:1" + (
            "" if scheme.endswith("bin") else "/nothing"),
        "host": "127.0.0.1", "port": shared_server.port, "username": shared_server.superuser,
        "password": "unused", "database": "postgres", "ssl_mode": "prefer"}
    programs = {key: f"/usr/bin/{key}" for key in ["pg_bin_dir", *FIRST_VERSIONS]}
    others = {"importer": {"compress": "true", "schema_only": "false", "data_only": "0"},
              "exporter": {"databases": "postgres", "clean": "true", "recreate": "false",
                           "no_globals": "1", "no_owner": "TRUE", "schema_only": "0",
                           "data_only": "False", "exit_on_error": "true", "create_db": "false"}}
    if scheme.endswith("bin"):  # theirs of physical backups has none of these
        others["importer"] = {}
    for files in ({key: str(path) for key, path in pem.items()},
                  {f"{key}_data": path.read_text() for key, path in pem.items()}):
        config = {**connection, **programs, **others[which], **files}
        if which == "importer" and not scheme.endswith("bin"):
            config |= {"exclude_databases": "", "database": "postgres"}
        call, said = started(pgcask_path, scheme, config,
                             EXPORTER if which == "exporter" else IMPORTER)
        assert call.status == "0", call.message
        assert [line for line in said.splitlines() if "is ignored" not in line
                or "no PostgreSQL program is run" not in line] == []
        for key in programs:
            assert f"{key} is ignored" in said
        tried = {**config, "nonsense": "1"}
        call, _ = started(pgcask_path, scheme, tried, EXPORTER if which == "exporter" else IMPORTER)
        assert call.status == "3" and "nonsense" in call.message and "--" not in call.message


def assert_whole(pgcask, server, files, tree):
    """Rows alone, without globals, are all there is of it: they verify, and go into a table."""
    tree.mkdir()
    for path, content in files.items():
        (tree / path[1:]).write_bytes(content)
    assert "what it holds is undamaged" in pgcask("verify", tree).check().stdout
    server.sql("CREATE TABLE kept AS TABLE t; TRUNCATE t", "shop")
    pgcask("restore", tree, "--to", server.uri("shop"), "--data-only", "--into-existing").check()
    assert server.value("SELECT count(*) FROM t JOIN (SELECT DISTINCT t FROM kept) k USING (t)",
                        "shop") == "200"
    server.sql("DROP TABLE kept", "shop")


class Sources:
    """A server with databases whose names no pattern of pg_dump's stands for as they are."""

    def __init__(self, server, program):
        self.server, self.program = server, program
        for name in ("Shop", "shop"):
            server.sql(f'CREATE DATABASE "{name}"')
            server.sql("CREATE TABLE t AS SELECT repeat('compress me ', 99) t FROM"
                       " generate_series(1, 200)", name)

    def files(self, db=None, **keys):
        """{path: content} of a backup in the official layout; a text: why there is none."""
        location = f"postgres://{self.server.superuser}@127.0.0.1:{self.server.port}"
        config = {"location": location + (f"/{db}" if db else ""), "layout": "numbered", **keys}
        with Client(self.program) as host:
            call = host.unary(IMPORTER + "Init", init_request("postgres", config), 60)
            if call.status != "0":
                return call.message
            host.begin_import()
            found = {}
            while (record := host.next_record(60)) not in ("finished", None):
                path, regular = record
                if regular:
                    found[path] = host.take(path)
                else:
                    host.acknowledge(path)
            return found if record else host.importing.message


def test_options_of_sources_mean_the_same(pgcask, pgcask_path, servers, workdir, major):
    sources = Sources(servers.create(major), pgcask_path)
    plain = sources.files("shop")
    assert list(plain) == ["/manifest.json", "/00000-globals.sql", "/00001-shop.dump"]
    small = sources.files("shop", compress="true")
    assert len(small["/00001-shop.dump"]) < len(plain["/00001-shop.dump"]) / 4
    assert json.loads(small["/manifest.json"])["options"] | {
        "compress": True, "schema_only": False, "data_only": False} == json.loads(
            small["/manifest.json"])["options"]
    # Rows alone need no roles; the archives' numbers begin with 1 all the same.
    rows = sources.files("shop", data_only="true")
    assert list(rows) == ["/manifest.json", "/00001-shop.dump"]
    assert_whole(pgcask, sources.server, rows, workdir / "rows")
    definitions = sources.files("shop", schema_only="true")
    assert b"compress me" in plain["/00001-shop.dump"]
    assert b"compress me" not in definitions["/00001-shop.dump"]
    assert "schema_only and data_only" in sources.files("shop", schema_only="1", data_only="1")
    # A list of exact names there; here they may be patterns, and a name as it is counts as well.
    left = sources.files(exclude_databases="Shop,template1")
    assert sorted(left) == ["/00000-globals.sql", "/00001-postgres.dump", "/manifest.json"]
    assert [path for path in sources.files(databases='"Shop"') if ".dump" in path] == [
        "/00001-Shop.dump"]
    assert "/00001-Shop.dump" in sources.files(databases="Shop")
    assert "no database matches" in sources.files(exclude_databases="shopp")
    oracles.wait_for_nothing_left(sources.server)
    # So it is with destinations.
    for layout in ("numbered", "classic"):
        tree = workdir / layout
        uri = sources.server.uri("").rstrip("/")
        pgcask("backup", uri, "--to", tree, "--layout", layout).check()
        for name in ("Shop", "shop"):
            sources.server.sql(f'DROP DATABASE "{name}"')
        result = pgcask("restore", tree, "--to", uri, "--databases", '"Shop"').check()
        assert "Shop" in sources.server.databases(), result
        sources.server.sql('DROP DATABASE "Shop"')
        pgcask("restore", tree, "--to", uri, "--databases", "Shop").check()
        assert {"Shop", "shop"} <= set(sources.server.databases())


# ---- manifest.json

# What differs from server to server, beside these types.
VARIES = {"created_at", "host", "port", "server_version", "server_version_num", "data_directory",
          "cluster_system_identifier", "timezone", "max_connections", "location",
          "last_vacuum", "last_analyze", "live_row_estimate", "data_checksums"}
# What ours has beside, wherever it is.
OURS = {"producer", "wal_position", "timeline", "layout", "partial", "verifiers", "filters", "left_out",
        "archive_names", "unavailable", "compression", "digest", "oid", "locale_provider", "locale",
        "escaped", "without_summary", "backed_up", "same_snapshot"}
NOT_OURS = {"pg_dump_version", "pg_basebackup_version"}  # no such program is run


def key_of(item):
    return tuple(item[key] for key in ("schema", "name") if key in item)


def assert_held(official, ours, where=""):
    """Each field of theirs is in ours with its type, and its value but for VARIES; no other that is not
    known to be ours alone."""
    if isinstance(official, dict):
        assert isinstance(ours, dict), where
        assert set(official) - set(ours) <= NOT_OURS, where
        assert set(ours) - set(official) <= OURS, where
        order = [key for key in ours if key in official]
        assert order == [key for key in official if key not in NOT_OURS], where
        for key in order:
            if key in VARIES and official[key] is not None:
                assert type(ours[key]) is type(official[key]), f"{where}/{key}"
                assert not isinstance(ours[key], str) or ours[key] or key == "location"
            else:
                assert_held(official[key], ours[key], f"{where}/{key}")
    elif isinstance(official, list) and official and isinstance(official[0], dict):
        found = {key_of(item): item for item in ours}
        assert "/roles" in where or len(ours) == len(official), where  # all of the version's own
        for item in official:
            assert_held(item, found[key_of(item)], f"{where}/{'.'.join(key_of(item))}")
    else:
        assert type(ours) is type(official) and same(ours, official), (where, ours, official)


def same(ours, official):
    """Of times one may have zeros behind the seconds."""
    whole = re.compile(r"(\d\d:\d\d:\d\d)\.0+Z$")
    return ours == official or (isinstance(ours, str) and manifests.is_time(ours)
                                and whole.sub(r"\1Z", ours) == official)


def of_version(official, major):
    """What is another thing on that version, by its documentation."""
    (database,) = official["databases"]
    if major < 15:
        (public,) = (schema for schema in database["schemas"] if schema["name"] == "public")
        public["owner"] = "postgres"
    (hstore,) = (each for each in database["extensions"] if each["name"] == "hstore")
    hstore["version"] = {13: "1.7"}.get(major, "1.8")
    # Sequences have one row, and a table that was never looked at has unknown many: -1 from 14 on, 0
    # before; theirs says 0 for that.
    return official


@pytest.fixture
def shop(servers, major):
    """The server that the recorded manifest is of, as far as the two can be the same."""
    server = servers.create(major)
    folder = temp.new_dir("cold")
    process.give_to_server(folder)
    server.sql("CREATE ROLE keeper CREATEDB; CREATE ROLE clerk LOGIN CONNECTION LIMIT 5 VALID UNTIL"
               " '2031-02-03 04:05:06Z' NOINHERIT; CREATE ROLE forever VALID UNTIL 'infinity';"
               " GRANT keeper TO clerk")
    server.sql(f"CREATE TABLESPACE cold OWNER keeper LOCATION '{folder}' WITH (seq_page_cost = 1.1)")
    server.sql("CREATE DATABASE shop OWNER keeper TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'"
               " LC_CTYPE 'C' CONNECTION LIMIT 20")
    for statement in (OFFICIAL / "shop.sql").read_text().split(";\n"):
        if statement.strip():
            server.sql(statement, "shop")
    return server


def test_the_manifest_has_every_field_of_the_official_one(pgcask, shop, workdir, major):
    official = of_version(json.loads((OFFICIAL / "manifest.json").read_text()), major)
    uri = f"postgres://{shop.superuser}@127.0.0.1:{shop.port}"
    pgcask("backup", f"{uri}/shop", "--to", workdir / "one", "--layout", "numbered").check()
    ours = manifests.parse((workdir / "one/manifest.json").read_bytes())
    assert_held(official, ours)
    # Of all databases there is none that is named; of a cluster no options.
    pgcask("backup", uri, "--to", workdir / "all", "--layout", "numbered").check()
    ours = manifests.parse((workdir / "all/manifest.json").read_bytes())
    del official["database"]
    ours["databases"] = [each for each in ours["databases"] if each["name"] == "shop"]
    assert_held(official, ours)
    pgcask("backup", shop.binary_uri(), "--to", workdir / "bin").check()
    ours = manifests.parse((workdir / "bin/manifest.json").read_bytes())
    del official["options"], official["pg_dump_version"]
    official |= {"connector": "postgresql+bin", "dump_format": "basebackup"}
    ours["databases"] = [each for each in ours["databases"] if each["name"] == "shop"]
    ours.pop("options", None)
    assert_held(official, ours)
