"""manifest.json where names are in other encodings, something cannot be read, the session dies, the
reader is slow, or there is a lot of it."""

import os
import subprocess
import time

import pytest

from pgcask_testing import builders, process
from pgcask_testing.manifests import (  # noqa: F401
    RELATION, check_object, missing, named, parse, probe, probe_path,
)

pytestmark = pytest.mark.sampled

# Encodings

def encoded_database(server, name, encoding):
    server.sql(f"CREATE DATABASE {builders.identifier(name)} TEMPLATE template0"
               f" ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")


def test_names_in_other_encodings(servers, probe, major):
    server = servers.create(major)
    for name, encoding in (("latïn", "LATIN1"), ("bytes", "SQL_ASCII"), ("日本", "EUC_JP"),
                           ("mule", "MULE_INTERNAL")):
        encoded_database(server, name, encoding)
    server.sql('CREATE TABLE "caffé" (a text DEFAULT \'€\')', "bytes")
    server.sql('CREATE TABLE "caffé" (a text DEFAULT \'é\')', "latïn")
    server.sql('CREATE TABLE "日本語" (a text)', "日本")
    # In SQL_ASCII chr() makes a byte.
    server.sql("""
        DO $$ BEGIN
            EXECUTE format('CREATE TABLE %I (%I int)', 'z' || chr(233), 'c' || chr(255));
        END $$""", "bytes")
    databases = probe(server.uri()).manifest["databases"]
    latin = named(databases, "latïn")
    assert [r["name"] for r in latin["relations"]] == ["caffé"]
    assert latin["relations"][0]["columns"][0]["default"] == "'é'::text"
    assert "escaped" not in latin["relations"][0]
    plain, odd = named(databases, "bytes")["relations"]
    assert plain["name"] == "caffé" and "escaped" not in plain
    assert plain["columns"][0]["default"] == "'€'::text"
    assert odd["name"] == "z\\xe9" and odd["columns"][0]["name"] == "c\\xff" and odd["escaped"]
    assert [r["name"] for r in named(databases, "日本")["relations"]] == ["日本語"]
    assert named(databases, "mule")["schemas"]


def test_shared_names_of_another_encoding_are_escaped(servers, probe, major):
    server = servers.create(major)
    encoded_database(server, "bytes", "SQL_ASCII")
    server.sql("""
        SET client_encoding = 'SQL_ASCII';
        DO $$ BEGIN EXECUTE format('CREATE ROLE %I', 'r' || chr(233)); END $$;
        SELECT format('CREATE DATABASE %I TEMPLATE template0', 'd' || chr(233)) \\gexec
        """, "bytes")
    manifest = probe(server.uri()).manifest
    assert named(manifest["roles"], "r\\xe9")["escaped"]
    database = named(manifest["databases"], "d\\xe9")
    assert database["escaped"]
    assert [s["name"] for s in database["schemas"]] == ["public"]  # it was connected to


def test_text_that_cannot_be_converted_is_escaped_from_there_on(servers, probe, major):
    """An EUC_JP database whose catalogs point at a role with a name in UTF-8, À, whose bytes are
    nothing in EUC_JP."""
    server = servers.create(major)
    encoded_database(server, "euc", "EUC_JP")
    server.sql('CREATE ROLE "rÀle x"')
    server.sql("CREATE TABLE a (x int); CREATE TABLE b (x int); CREATE TABLE c (x int);"
               'CREATE TABLE "日" (x int)', "euc")
    oid = server.value("SELECT oid FROM pg_roles WHERE rolname = 'rÀle x'")
    server.sql(f"SET allow_system_table_mods = on; UPDATE pg_class SET relowner = {oid}"
               " WHERE relname = 'b'", "euc")
    (database,) = probe(server.uri(), "euc").manifest["databases"]
    relations = {r["name"]: r for r in database["relations"]}
    assert [r["name"] for r in database["relations"]] == ["a", "b", "c", "\\xc6\\xfc"]
    assert relations["b"]["owner"] == "r\\xc3\\x80le x" and relations["b"]["escaped"]
    assert "escaped" not in relations["a"] and "escaped" not in relations["c"]


# What cannot be read

def test_a_role_that_may_read_little_still_gets_a_manifest(servers, probe, major):
    server = servers.create(major)
    server.sql("CREATE ROLE nobody LOGIN; CREATE TABLE t (a int); CREATE DATABASE private;"
               "REVOKE CONNECT ON DATABASE private FROM PUBLIC")
    manifest = probe(server.uri(user="nobody"), complete=False).manifest
    why = missing(manifest)
    assert set(why) == {"cluster_config.data_directory",
                        "cluster_config.shared_preload_libraries", "databases[private]"}
    assert "pg_read_all_settings" in why["cluster_config.data_directory"]["hint"]
    assert "private" in why["databases[private]"]["reason"]
    assert named(manifest["databases"], "postgres")["relations"][0]["name"] == "t"
    assert "schemas" not in named(manifest["databases"], "private")


def test_a_role_that_may_only_replicate_still_gets_a_manifest(servers, probe, major):
    server = servers.create(major, hba=["local all all trust",
                                        "host replication all 127.0.0.1/32 trust"])
    server.sql("CREATE ROLE replicator LOGIN REPLICATION")
    manifest = probe("--physical", "--replication", server.uri(user="replicator"),
                     complete=False).manifest
    assert manifest["server_version"] == "PostgreSQL " + server.value("SHOW server_version")
    assert manifest["server_version_num"] == int(server.value("SHOW server_version_num"))
    assert manifest["cluster_system_identifier"] == "7000000000000000001"
    assert manifest["in_recovery"] is False
    config = manifest["cluster_config"]
    assert config["max_connections"] == 50 and config["data_checksums"] is True
    assert config["timezone"] == "UTC" and config["wal_level"] == "replica"
    why = missing(manifest)
    assert {"roles", "tablespaces", "databases", "cluster_config.data_directory",
            "cluster_config.archive_command_set"} <= set(why)
    assert "pg_hba.conf" in why["roles"]["reason"] + why["roles"].get("hint", "")
    assert ("cluster_config.lc_collate" in why) == (major >= 16)


def test_a_catalog_that_is_closed_is_named(servers, probe, major):
    server = servers.create(major)
    server.sql("CREATE ROLE nobody LOGIN; GRANT pg_read_all_settings TO nobody;"
               "CREATE TABLE t (a int DEFAULT 1 PRIMARY KEY); CREATE TABLE u (a int);"
               "REVOKE SELECT ON pg_catalog.pg_roles, pg_catalog.pg_extension FROM PUBLIC;"
               "CREATE DATABASE next")
    uri = server.uri(user="nobody")
    manifest = probe(uri, complete=False).manifest
    assert set(missing(manifest)) == {"roles", "databases[postgres].extensions"}
    assert "permission denied" in missing(manifest)["roles"]["reason"]
    assert len(named(manifest["databases"], "postgres")["relations"]) == 2

    # Without column defaults the rest of a relation is still there.
    server.sql("REVOKE SELECT ON pg_catalog.pg_attrdef FROM PUBLIC")
    manifest = probe(uri, complete=False).manifest
    relations = named(manifest["databases"], "postgres")["relations"]
    assert [r["name"] for r in relations] == ["t", "u"]
    assert relations[0]["has_primary_key"] and "default" not in relations[0]["columns"][0]
    assert "databases[postgres].relations[public.t]" in missing(manifest)

    # Without constraints there is nothing to be had, and the next database is not affected.
    server.sql("REVOKE SELECT ON pg_catalog.pg_constraint FROM PUBLIC")
    manifest = probe(uri, complete=False).manifest
    assert "databases[postgres].relations" in missing(manifest)
    assert "relations" not in named(manifest["databases"], "postgres")
    assert named(manifest["databases"], "next")["extensions"]

    server.sql("REVOKE SELECT ON pg_catalog.pg_database FROM PUBLIC")
    assert "databases" in missing(probe(uri, complete=False).manifest)


def test_many_relations_whose_definitions_fail_cost_little(servers, probe, major):
    server = servers.create(major)
    builders.many_tables(server, 300)
    server.sql("CREATE ROLE nobody LOGIN; GRANT pg_read_all_settings TO nobody;"
               "REVOKE SELECT ON pg_catalog.pg_attrdef FROM PUBLIC")
    manifest = probe(server.uri(user="nobody"), complete=False).manifest
    assert len(named(manifest["databases"], "postgres")["relations"]) == 300
    assert "databases[postgres].relations" in missing(manifest)
    assert len(manifest["unavailable"]) == 21


def test_a_locked_table_does_not_hold_it_up(servers, probe, major):
    server = servers.create(major)
    server.sql("CREATE TABLE a (x int); CREATE TABLE b (x int DEFAULT 2 + 2); CREATE TABLE c (x int)")
    with server.session() as session:
        session.sql("BEGIN; LOCK TABLE a, b, c IN ACCESS EXCLUSIVE MODE")
        probed = probe(server.uri(), complete=False)
    (database,) = [d for d in probed.manifest["databases"] if d["name"] == "postgres"]
    assert [r["name"] for r in database["relations"]] == ["a", "b", "c"]
    assert set(missing(probed.manifest)) <= {
        f"databases[postgres].relations[public.{name}]" for name in "abc"}
    assert probed.result.wall_time < 30


def test_nobody_there_is_no_failure(probe):
    manifest = probe("host=127.0.0.1 port=1 user=u dbname=d", complete=False).manifest
    assert {"server_version", "in_recovery", "cluster_config", "roles", "tablespaces",
            "databases"} <= set(missing(manifest))


class Slow:
    """A probe whose output is read only as far as the test says."""

    def __init__(self, path, *args):
        self.process = subprocess.Popen(
            [path, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=process.clean_env())
        self.seen = b""

    def read_past(self, text):
        while text not in self.seen:
            chunk = os.read(self.process.stdout.fileno(), 4096)
            assert chunk, self.seen[-1000:]
            self.seen += chunk

    def finish(self):
        rest, errors = self.process.communicate(timeout=60)
        return self.seen + rest, errors.decode(), self.process.returncode


SESSIONS = "FROM pg_stat_activity WHERE application_name = 'pgcask'"


@pytest.mark.majors(13, 18)
def test_a_session_that_dies_costs_its_database_only(servers, probe_path, major):
    server = servers.create(major)
    server.sql("CREATE DATABASE a_first; CREATE DATABASE z_last")
    builders.many_tables(server, 3000, db="a_first")
    server.sql("CREATE TABLE here (a int)", "z_last")
    slow = Slow(probe_path, server.uri(socket=True))
    slow.read_past(b'"relations"')
    assert server.value(f"SELECT count(pg_terminate_backend(pid)) {SESSIONS}") == "1"
    text, errors, status = slow.finish()
    assert status == 0, errors
    manifest = parse(text)
    first = named(manifest["databases"], "a_first")
    assert 0 < len(first["relations"]) < 3000
    for relation in first["relations"]:
        check_object(relation, RELATION)
    assert "incomplete" in missing(manifest)["databases[a_first].relations"]["reason"]
    assert set(missing(manifest)) == {"databases[a_first].relations"}
    assert named(manifest["databases"], "z_last")["relations"][0]["name"] == "here"


@pytest.mark.majors(13, 18)
def test_a_statement_cut_off_while_rows_come_goes_on(servers, probe_path, major):
    """As by statement_timeout, when whoever reads the manifest is slow."""
    server = servers.create(major)
    builders.many_tables(server, 3000)
    slow = Slow(probe_path, server.uri(socket=True), "postgres")
    slow.read_past(b'"relations"')
    server.sql(f"SELECT pg_cancel_backend(pid) {SESSIONS}")
    text, errors, status = slow.finish()
    assert status == 0, errors
    manifest = parse(text)
    names = [r["name"] for r in manifest["databases"][0]["relations"]]
    assert len(names) == 3000 and names == sorted(names) and len(set(names)) == 3000
    assert manifest["unavailable"] == []
    assert server.log.count("canceling statement due to user request") == 1


def test_cancelling_ends_it_and_leaves_no_session(servers, probe_path, major):
    server = servers.create(major)
    builders.many_tables(server, 3000)
    slow = Slow(probe_path, server.uri(socket=True))
    slow.read_past(b'"relations"')
    slow.process.terminate()
    _, errors, status = slow.finish()
    assert status == 1 and "error: cancelled" in errors
    end = time.monotonic() + 2
    while server.value(f"SELECT count(*) {SESSIONS}") != "0":
        assert time.monotonic() < end
        time.sleep(0.05)


# Size

@pytest.mark.majors(13, 18)
@pytest.mark.sampled(1)
def test_twenty_thousand_tables_stay_within_the_memory_bound(
        servers, probe, probe_path, major, record_property):
    server = servers.create(major, conf={"autovacuum": "off"})
    builders.many_tables(server, 20000)
    probed = probe(server.uri(), timeout=300)
    (database,) = [d for d in probed.manifest["databases"] if d["name"] == "postgres"]
    assert len(database["relations"]) == 20000
    record_property("peak_rss_mib", round(probed.result.peak_rss / 2**20, 1))
    record_property("seconds", round(probed.result.wall_time, 1))
    print(f"{major}: {probed.result.wall_time:.1f} s, {probed.result.peak_rss / 2**20:.1f} MiB")
    if b"__asan_init" not in probe_path.read_bytes():
        assert probed.result.peak_rss < 32 * 2**20
