"""What a logical backup would meet on its way, said before it begins, with what mends it."""

import json
import re
import time

import pytest

from pgcask_testing import logical, process, temp


def findings(pgcask, uri):
    result = pgcask("check", uri, "--json")
    found = json.loads(result.stdout)["findings"]
    assert (result.rc == 1) == any(f["fatal"] for f in found), result
    for finding in found:
        assert finding["hint"], result
    return found


@pytest.mark.sampled
def test_everything_is_looked_at(pgcask, servers, major):
    server = servers.create(major)
    server.sql("CREATE ROLE plain LOGIN")
    for user in (None, "plain"):
        result = pgcask("check", server.uri(user=user), "--verbose").check()
        assert "phase" not in result.stderr and "not looked at" not in result.stderr, result
    standby = servers.standby(server)
    assert "not looked at" not in pgcask("check", standby.uri(), "--verbose").check().stderr


# Locks


def tables(server, db, count):
    """Tables, a few hundred in a transaction: each takes some locks itself."""
    server.sql(f'CREATE DATABASE "{db}"')
    for first in range(1, count, 60):
        server.sql(f"""DO $$ BEGIN FOR i IN {first}..{min(first + 59, count)} LOOP
                       EXECUTE format('CREATE TABLE t%s (a int)', i); END LOOP; END $$""", db)


@pytest.mark.sampled
def test_too_little_room_for_locks_is_said_and_mended(pgcask, servers, workdir, major):
    server = servers.create(major, conf={
        "max_connections": 15, "max_locks_per_transaction": 10, "max_wal_senders": 2,
        "max_worker_processes": 2, "autovacuum_max_workers": 1})
    tables(server, "many", 3000)
    (found,) = findings(pgcask, server.uri("many"))
    assert not found["fatal"] and "3000 tables" in found["message"], found
    assert "room for 150" in found["message"] and "is 10" in found["message"], found

    # What really happens: the server refuses, and its error says the same number.
    result = pgcask("backup", server.uri("many"), "--to", workdir / "b")
    assert result.rc == 1 and "out of shared memory" in result.stderr, result
    number = re.compile(r"ALTER SYSTEM SET max_locks_per_transaction = (\d+);")
    assert number.findall(result.stderr)[0] == number.findall(found["hint"])[0], result
    assert len(set(number.findall(result.stderr))) == 1, result
    assert not list(workdir.iterdir())

    # Where there are few tables the room is gone only while sequences are read.
    server.sql("CREATE DATABASE sequences")
    for first in range(0, 3000, 60):
        server.sql(f"""DO $$ BEGIN FOR i IN {first}..{first + 59} LOOP
                       EXECUTE format('CREATE SEQUENCE s%s', i); END LOOP; END $$""", "sequences")
    result = pgcask("backup", server.uri("sequences"), "--to", workdir / "b")
    assert result.rc == 1 and "out of shared memory" in result.stderr, result
    assert len(set(number.findall(result.stderr))) == 1, result
    assert not list(workdir.iterdir())

    server.sql(number.search(found["hint"])[0])
    server.restart()
    assert findings(pgcask, server.uri("many")) == []
    pgcask("backup", server.uri("many"), "--to", workdir / "b").check()


@pytest.mark.majors(15)
def test_views_and_sequences_take_locks_too(pgcask, servers, workdir, major):
    server = servers.create(major, conf={"max_connections": 15, "max_locks_per_transaction": 30})
    server.sql("CREATE TABLE one (a int)")
    assert findings(pgcask, server.uri()) == []
    for kind in ("CREATE VIEW v%s AS SELECT * FROM one", "CREATE SEQUENCE s%s"):
        server.sql(f"DO $$ BEGIN FOR i IN 1..150 LOOP EXECUTE format('{kind}', i); END LOOP; END $$")
    (found,) = findings(pgcask, server.uri())
    assert "locks 301 tables, views and sequences at the same time" in found["message"], found
    assert "max_locks_per_transaction = 34;" in found["hint"], found


# Standbys


@pytest.mark.majors(13, 15, 18)
def test_a_standby_that_ends_long_queries_is_said_and_mended(pgcask, servers, workdir, major):
    primary = servers.create(major)
    standby = servers.standby(primary)
    (found,) = findings(pgcask, standby.uri())
    assert not found["fatal"] and "max_standby_streaming_delay (30s)" in found["message"], found
    for setting in ("hot_standby_feedback = on", "max_standby_streaming_delay = '-1'"):
        assert f"ALTER SYSTEM SET {setting};" in found["hint"]
    standby.sql("ALTER SYSTEM SET hot_standby_feedback = on")
    standby.sql("SELECT pg_reload_conf()")
    end = time.monotonic() + 20
    while findings(pgcask, standby.uri()):
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.majors(13, 18)
def test_a_backup_that_a_standby_ends_says_what_lets_it_wait(
    pgcask, pgcask_path, servers, workdir, major
):
    primary = servers.create(major)
    primary.sql("CREATE TABLE long AS SELECT repeat(md5(i::text), 100) AS a "
                "FROM generate_series(1, 20000) i")
    standby = servers.standby(primary, conf={"max_standby_streaming_delay": "100ms"})
    standby.wait_for_replay(primary)
    with process.Process([pgcask_path, "backup", standby.uri(), "--to", "-"]) as running:
        end = time.monotonic() + 20
        while standby.value("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^COPY'"
                            " AND wait_event = 'ClientWrite'") == "0":
            assert time.monotonic() < end
            time.sleep(0.02)
        primary.sql("DELETE FROM long; VACUUM long")
        primary.sql("DROP TABLE long")
        standby.wait_for_replay(primary)
        result = running.wait()
    assert result.rc == 1 and "conflict with recovery" in result.stderr, result
    assert "ALTER SYSTEM SET max_standby_streaming_delay = '-1';" in result.stderr, result


# Large objects


@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.sampled
def test_large_objects_that_may_not_be_read_are_counted_and_granted(
    pgcask, servers, workdir, major, count
):
    """The owner's own right may have been taken away; and somebody else's rights are not asked for
    where the server does not ask either."""
    server = servers.create(major)
    server.sql(f"""CREATE ROLE "lo reader" LOGIN; CREATE ROLE boss; GRANT boss TO "lo reader";
        SELECT lo_from_bytea(1000 + i, 'x') FROM generate_series(1, {count}) i;
        SELECT lo_from_bytea(2000 + i, 'x') FROM generate_series(1, 4) i;
        GRANT SELECT ON LARGE OBJECT 2001 TO PUBLIC; GRANT SELECT ON LARGE OBJECT 2002 TO boss;
        ALTER LARGE OBJECT 2003 OWNER TO boss; ALTER LARGE OBJECT 2004 OWNER TO boss;
        SET ROLE boss; REVOKE ALL ON LARGE OBJECT 2004 FROM boss""")
    uri = server.uri(user="lo reader")
    result = pgcask("backup", uri, "--to", workdir / "b", "--json")
    (found,) = json.loads(result.stdout)["findings"]
    assert found["fatal"] and f"{count + 1} large objects (1001, 1002, " in found["message"]
    server.sql(found["hint"])
    pgcask("backup", uri, "--to", workdir / "b").check()
    server.sql(f"""REVOKE SELECT ON pg_catalog.pg_largeobject FROM "lo reader";
                   REVOKE SELECT ON LARGE OBJECT 1001 FROM "lo reader" """)
    if major >= 14:
        server.sql('REVOKE pg_read_all_data FROM "lo reader"')
    assert pgcask("check", uri).rc == 1
    server.sql("ALTER DATABASE postgres SET lo_compat_privileges = on")
    pgcask("backup", uri, "--to", workdir / "c").check()


@pytest.mark.majors(13, 15, 18)
def test_a_standby_is_backed_up_without_the_rows_it_has_not(pgcask, servers, workdir, major):
    primary = servers.create(major)
    logical.make(primary, "app", """
        CREATE TABLE logged (id serial, a int); INSERT INTO logged (a) VALUES (1);
        CREATE UNLOGGED TABLE fast (id serial, a int); INSERT INTO fast (a) VALUES (1);
        CREATE UNLOGGED TABLE faster AS SELECT 1 AS a;
        SELECT lo_from_bytea(4711, 'x');""")
    if major >= 15:
        primary.sql("CREATE UNLOGGED SEQUENCE quick", "app")
    standby = servers.standby(primary)
    standby.wait_for_replay(primary)
    result = pgcask("backup", standby.uri("app"), "--to", workdir / "b").check()
    assert "rows of 2 unlogged tables are left out" in result.stderr, result
    summary = json.loads((workdir / "b/summary.json").read_text())
    assert any("rows of 2 unlogged tables" in line for line in summary["warnings"])
    told = any("the positions of 2 unlogged sequences are left out" in line
               for line in summary["warnings"])
    assert told == (major >= 15), summary
    logical.create_like(primary, "app", "copy")
    logical.restore(primary, workdir / "b/app.dump", "copy")
    assert logical.dump_schema(primary, "app") == logical.dump_schema(primary, "copy")
    assert primary.sql("SELECT * FROM logged", "copy") == [["1", "1"]]
    assert primary.sql("SELECT * FROM fast", "copy") == []
    if major != 15:  # stock pg_dump fails there at an unlogged sequence
        ours = logical.contents(primary, workdir / "b/app.dump")
        assert ours == logical.contents(
            primary, logical.stock_archive(standby, "app", workdir / "stock.dump"))


# Filters


@pytest.mark.sampled
def test_only_what_is_wanted_is_asked_for(pgcask, servers, workdir, major):
    server = servers.create(major)
    server.sql("CREATE DATABASE app")
    server.sql("""
        CREATE ROLE one LOGIN;
        CREATE SCHEMA open; CREATE TABLE open.t (id serial, a int);
        CREATE TABLE open.policed (a int); ALTER TABLE open.policed ENABLE ROW LEVEL SECURITY;
        CREATE SCHEMA shut; CREATE TABLE shut.t (id serial, a int);
        CREATE TABLE shut.other (a int);
        SELECT lo_from_bytea(4711, 'x');
        GRANT USAGE ON SCHEMA open TO one;
        GRANT SELECT ON ALL TABLES IN SCHEMA open TO one;""", "app")
    uri = server.uri("app", "one")

    def fatal(*options):
        result = pgcask("check", uri, "--json", *options)
        return [f["message"] for f in json.loads(result.stdout)["findings"] if f["fatal"]]

    everything = "\n".join(fatal())
    for word in ("shut.t", "shut.other", "open.t_id_seq", "open.policed", "4711"):
        assert word in everything
    (sequence, policy) = fatal("--schemas", "open")
    assert "1 sequence (open.t_id_seq)" in sequence and "shut" not in sequence
    assert "open.policed" in policy
    for options in (["--schemas", "open", "--schema-only"],
                    ["--schemas", "open", "--exclude-table-data", "open.*"],
                    ["--exclude-schemas", "shut", "--schema-only"]):
        assert fatal(*options) == [], options
        pgcask("backup", uri, "--to", workdir / "b", *options).check()
        temp.remove(workdir / "b")
    (found,) = fatal("--tables", "shut.other")
    assert "1 table (shut.other), 1 schema (shut)" in found
    result = pgcask("check", uri, "--tables", "nosuch")
    assert result.rc != 0 and "nosuch" in result.stderr, result


@pytest.mark.majors(13, 18)
def test_foreign_data_that_is_wanted_must_be_readable(pgcask, servers, workdir, major):
    server = servers.create(major)
    server.sql("CREATE DATABASE app")
    server.sql(f"""
        CREATE EXTENSION postgres_fdw; CREATE ROLE one LOGIN;
        CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw
            OPTIONS (host '{server.socket_dir}', port '{server.port}', dbname 'postgres');
        CREATE USER MAPPING FOR one SERVER here OPTIONS (user 'postgres', password_required 'false');
        CREATE FOREIGN TABLE far (datname name) SERVER here
            OPTIONS (schema_name 'pg_catalog', table_name 'pg_database')""", "app")
    if major < 15:
        server.sql("GRANT USAGE ON SCHEMA public TO one", "app")
    uri = server.uri("app", "one")
    assert pgcask("check", uri).ok
    result = pgcask("check", uri, "--json", "--include-foreign-data", "here")
    (found,) = [f for f in json.loads(result.stdout)["findings"] if f["fatal"]]
    assert result.rc == 1 and "public.far" in found["message"], result
    server.sql(found["hint"], "app")
    pgcask("backup", uri, "--to", workdir / "b", "--include-foreign-data", "here").check()
