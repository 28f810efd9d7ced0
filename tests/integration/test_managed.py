"""A managed server: a role that owns one database and is nothing else there backs it up, and gets it
back by stock pg_restore as that role, as whole as stock pg_dump and pg_restore do."""

import collections
import json
import re

import pytest

from pgcask_testing import logical, process

pytestmark = pytest.mark.sampled

OWNER = "the owner"
SECRET = "s3cret"

# What a provider gives its customers' first role, from nothing on.
ROLES = {
    "nothing": "",
    "creates": "CREATEDB CREATEROLE",
    "reads": "CREATEDB CREATEROLE",
}


def provider(server, more):
    """A server as its provider hands it out: the customer's role, and what it may not do."""
    server.sql(f"""
        CREATE ROLE "{OWNER}" LOGIN PASSWORD 'of the owner' {more};
        CREATE ROLE "app reader";
        GRANT "app reader" TO "{OWNER}" WITH ADMIN OPTION;
        CREATE ROLE other LOGIN PASSWORD 'of another';
        CREATE DATABASE "the app" OWNER "{OWNER}";
        CREATE DATABASE others OWNER other;
        REVOKE CONNECT ON DATABASE postgres, template1, others FROM PUBLIC;
    """)
    for db in ("the app", "template1"):
        server.sql(f"""
            CREATE EXTENSION IF NOT EXISTS postgres_fdw;
            GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO "{OWNER}";
            REVOKE EXECUTE ON FUNCTION pg_current_wal_insert_lsn(), pg_last_wal_replay_lsn(),
                pg_control_system(), pg_control_checkpoint(), pg_database_size(oid),
                pg_database_size(name), pg_tablespace_size(oid), pg_tablespace_size(name),
                pg_stat_get_live_tuples(oid), lo_import(text), lo_export(oid, text) FROM PUBLIC;
            REVOKE SELECT ON pg_catalog.pg_stat_replication, pg_catalog.pg_stat_ssl,
                pg_catalog.pg_file_settings, pg_catalog.pg_hba_file_rules FROM PUBLIC;
        """, db)


@pytest.fixture(scope="module", params=ROLES)
def managed(request, major, module_servers):
    if request.param == "reads" and major < 14:
        pytest.skip("pg_read_all_data is of 14 and later")
    server = module_servers.create(major)
    provider(server, ROLES[request.param])
    if request.param == "reads":
        server.sql(f'GRANT pg_read_all_data, pg_monitor TO "{OWNER}"')
    run_as_owner(server, "the app", logical.script("managed"))
    server.reads_all = request.param == "reads"
    yield server
    server.close()


def run_as_owner(server, db, sql):
    server.sql(sql, db, user=OWNER)


def empty_copy(server, name):
    """As the provider's console makes one: its owner is the customer's role."""
    logical.create_like(server, "the app", name)
    server.sql(f'ALTER DATABASE "{name}" OWNER TO "{OWNER}"; ')
    server.sql(f"""CREATE EXTENSION IF NOT EXISTS postgres_fdw;
                   GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO "{OWNER}" """, name)
    return name


def restore_as_owner(server, archive, name):
    """Stock pg_restore's errors, without what differs from run to run."""
    env = {"PGHOST": server.socket_dir, "PGPORT": server.port, "PGUSER": OWNER}
    result = process.run([logical.stock("pg_restore", server), "-d", name, archive], env=env,
                         timeout=300)
    return [re.sub(r"TOC entry \d+; \d+ \d+", "TOC entry", line)
            for line in result.stderr.splitlines()
            if "error:" in line and logical.NOT_OURS not in line]


def stock_archive_as_owner(server, path):
    env = {"PGHOST": server.socket_dir, "PGPORT": server.port, "PGUSER": OWNER}
    process.run([logical.stock("pg_dump", server), "-Fc", "-f", path, "the app"], env=env,
                timeout=300).check()
    return path


def test_the_owner_backs_the_database_up_and_gets_it_back(pgcask, managed, workdir, major):
    uri = managed.uri("the app", OWNER)
    check = json.loads(pgcask("check", uri, "--json").check().stdout)
    assert not any(f["fatal"] for f in check["findings"])
    result = pgcask("backup", uri, "--to", workdir / "b", "--json").check()
    (archive,) = (workdir / "b").glob("*.dump")
    pgcask("verify", workdir / "b").check()

    # What the role may not read is said once, and is in no text.
    warnings = json.loads(result.stdout).get("warnings", [])
    assert len([w for w in warnings if "passwords" in w]) == (0 if managed.reads_all else 1)
    assert SECRET not in result.stdout + result.stderr
    assert SECRET not in (workdir / "b/manifest.json").read_text()

    theirs = stock_archive_as_owner(managed, workdir / "stock.dump")
    usual = restore_as_owner(managed, theirs, empty_copy(managed, "stock"))
    ours = restore_as_owner(managed, archive, empty_copy(managed, "copy"))
    assert not collections.Counter(ours) - collections.Counter(usual), "\n".join(ours)
    different = logical._difference(logical.dump_schema(managed, "stock"),
                                    logical.dump_schema(managed, "copy"))
    assert not different, "\n".join(different)
    assert logical.table_sums(managed, "the app") == logical.table_sums(managed, "copy")
    lists = [sorted(entry for entry in logical.contents(managed, path).elements()
                    if not entry.startswith("BLOB"))  # of 16 the stock tool is 17's
             for path in (archive, theirs)]
    assert lists[0] == lists[1]
    for copy in ("stock", "copy"):
        logical.drop(managed, copy)


def test_large_objects_come_back(pgcask, managed, workdir, major):
    pgcask("backup", managed.uri("the app", OWNER), "--to", workdir / "b").check()
    (archive,) = (workdir / "b").glob("*.dump")
    restore_as_owner(managed, archive, empty_copy(managed, "copy"))
    objects = """SELECT oid, lomowner::regrole, lomacl, lo_get(oid),
                        obj_description(oid, 'pg_largeobject')
                 FROM pg_largeobject_metadata ORDER BY oid"""
    assert managed.sql(objects, "copy") == managed.sql(objects, "the app")
    logical.drop(managed, "copy")


def test_policies_that_hold_for_the_owner_too_are_said_with_what_lifts_them(
    pgcask, managed, workdir, major
):
    run_as_owner(managed, "the app", "ALTER TABLE shop.forced ENABLE ROW LEVEL SECURITY, "
                                     "FORCE ROW LEVEL SECURITY")
    try:
        uri = managed.uri("the app", OWNER)
        result = pgcask("backup", uri, "--to", workdir / "b", "--json")
        (found,) = [f for f in json.loads(result.stdout)["findings"] if f["fatal"]]
        assert "shop.forced" in found["message"]
        bypass, unforced = found["hint"].split("  or, as its owner:  ")
        assert bypass == f'ALTER ROLE "{OWNER}" BYPASSRLS;'
        run_as_owner(managed, "the app", unforced)
        pgcask("backup", uri, "--to", workdir / "b").check()
    finally:
        run_as_owner(managed, "the app", "ALTER TABLE shop.forced DISABLE ROW LEVEL SECURITY")


@pytest.mark.majors(13, 16, 18)
def test_subscriptions_are_left_out_with_one_warning(pgcask, servers, workdir, major):
    server = servers.create(major)
    provider(server, "")
    server.sql("""CREATE SUBSCRIPTION from_far CONNECTION 'host=far password=s3cret'
                  PUBLICATION p WITH (connect = false, slot_name = NONE)""", "the app")
    uri = server.uri("the app", OWNER)
    check = json.loads(pgcask("check", uri, "--json").check().stdout)
    (found,) = [f for f in check["findings"] if "subscription" in f["message"]]
    assert not found["fatal"] and "1 subscription (from_far)" in found["message"]
    result = pgcask("backup", uri, "--to", workdir / "b", "--json").check()
    assert len([w for w in json.loads(result.stdout)["warnings"] if "subscription" in w]) == 1
    assert SECRET not in result.stdout + result.stderr

    server.sql(found["hint"], "the app")
    check = json.loads(pgcask("check", uri, "--json").check().stdout)
    assert not [f for f in check["findings"] if "subscription" in f["message"]]
    pgcask("backup", uri, "--to", workdir / "c").check()
    archive = workdir / "c/the app.dump"
    assert any("SUBSCRIPTION - from_far" in line for line in logical.contents(server, archive))


def test_globals_are_whole_but_for_the_passwords(pgcask, managed, workdir, major):
    pgcask("backup", managed.uri("the app", OWNER), "--to", workdir / "b").check()
    text = (workdir / "b/globals.sql").read_text()
    for line in ('CREATE ROLE "the owner";', 'CREATE ROLE "app reader";', "CREATE ROLE other;",
                 'GRANT "app reader" TO "the owner" WITH ADMIN OPTION'):
        assert line in text
    assert ("PASSWORD" in text) == managed.reads_all
    assert (workdir / "b/globals.sql").stat().st_mode & 0o777 == 0o600


def test_other_databases_are_closed_and_this_is_said_plainly(pgcask, managed, workdir, major):
    result = pgcask("backup", managed.uri("others", OWNER), "--to", workdir / "b")
    assert result.rc == 1 and 'GRANT CONNECT ON DATABASE "others" TO "the owner";' in result.stderr


# All databases


def test_all_databases_are_looked_at_in_one_report(pgcask, servers, workdir, major):
    """Those that the role may not read by name, with what mends it there; what is invalid or the
    provider's is left out by name."""
    server = servers.create(major)
    server.sql(f"""
        CREATE ROLE rdsadmin SUPERUSER LOGIN;
        CREATE ROLE "{OWNER}" LOGIN;
        CREATE DATABASE "my ""app"" db" OWNER "{OWNER}";
        CREATE DATABASE closed;
        CREATE DATABASE other;
        CREATE DATABASE rdsadmin OWNER rdsadmin;
        CREATE DATABASE hidden OWNER rdsadmin;
        CREATE DATABASE "half gone" OWNER "{OWNER}";
        REVOKE CONNECT ON DATABASE closed, hidden FROM PUBLIC;
        UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half gone'""")
    server.sql("CREATE TABLE t (a int)", "other")
    hba = server.datadir / "pg_hba.conf"
    server.configure(hba=[f'host rdsadmin "{OWNER}" 127.0.0.1/32 reject', hba.read_text()])
    uri = server.uri(None, OWNER)

    found = json.loads(pgcask("check", uri, "--json").stdout)["findings"]
    by_database = {f["database"]: f for f in found if "database" in f}
    assert set(by_database) == {"closed", "other", "rdsadmin", "hidden", "half gone"}, found
    for name, finding in by_database.items():
        assert finding["message"].startswith(f'database "{name}": ')
        assert finding["fatal"] == (name in ("closed", "other")), finding
    assert by_database["half gone"]["hint"] == 'DROP DATABASE "half gone";'
    assert "the provider's" in by_database["rdsadmin"]["message"]
    assert "1 table (public.t)" in by_database["other"]["message"]
    grant = f'GRANT CONNECT ON DATABASE "closed" TO "{OWNER}";'
    assert by_database["closed"]["hint"].startswith(grant)
    refused = pgcask("backup", uri, "--to", workdir / "b", "--json")
    assert refused.rc == 1 and not (workdir / "b").exists()
    fatal = [f for f in json.loads(refused.stdout)["findings"] if f["fatal"]]
    assert fatal == [f for f in found if f["fatal"]]

    server.sql(grant)
    server.sql(by_database["other"]["hint"], "other")
    result = pgcask("backup", uri, "--to", workdir / "b", "--json").check()
    warnings = json.loads(result.stdout)["warnings"]
    for name in ("rdsadmin", "hidden", "half gone"):
        assert len([w for w in warnings if f'"{name}"' in w]) == 1, warnings
    assert 'DROP DATABASE "half gone";' in result.stderr
    pgcask("verify", workdir / "b").check()
    script = (workdir / "b/all.sql").read_text()
    connected = re.findall(r"^\\connect (.*)$", script, re.M)
    assert any("my" in line and "app" in line for line in connected), connected
    assert not any("rdsadmin" in line or "hidden" in line for line in connected), connected
    # Whoever names one means it.
    named = pgcask("check", uri, "--databases", "rdsadmin")
    assert named.rc == 1 and "pg_hba.conf" in named.stderr, named


@pytest.mark.majors(15)
def test_locks_of_databases_that_are_open_together_add_up(pgcask, servers, major):
    server = servers.create(major, conf={"max_connections": 30, "max_locks_per_transaction": 30})
    for db in ("a", "b", "c"):
        server.sql(f"CREATE DATABASE {db}")
        server.sql("DO $$ BEGIN FOR i IN 1..100 LOOP EXECUTE format('CREATE TABLE t%s ()', i); "
                   "END LOOP; END $$", db)
        assert json.loads(pgcask("check", server.uri(db), "--json").check().stdout)[
            "findings"] == []
    (found,) = json.loads(pgcask("check", server.uri(None), "--json").check().stdout)["findings"]
    assert "locks 300 tables" in found["message"] and "database" not in found
