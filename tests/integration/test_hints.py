"""Hints are true of whoever connected, and do what they say: their SQL is run, and then it works."""

import os
import re

import pytest

ROLE = 'Back "up" Role'
DATABASE = 'My "DB"'
TRUST = ["local all all trust", "local replication all trust"]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def server(module_servers):
    made = module_servers.create(15)
    made.sql(f"CREATE ROLE {quoted(ROLE)} LOGIN; CREATE DATABASE {quoted(DATABASE)}")
    return made


@pytest.fixture(autouse=True)
def as_before(server):
    yield
    server.sql(f"ALTER ROLE {quoted(ROLE)} LOGIN NOREPLICATION CONNECTION LIMIT -1; "
               f"ALTER DATABASE {quoted(DATABASE)} ALLOW_CONNECTIONS true; "
               f"ALTER DATABASE {quoted(DATABASE)} CONNECTION LIMIT -1; "
               f"GRANT CONNECT ON DATABASE {quoted(DATABASE)} TO PUBLIC")


def hint_of(result):
    assert result.rc == 1, result
    return re.search(r"^hint: (.*)$", result.stderr, re.M)[1]


def statements(hint):
    return re.findall(r"(?:ALTER|GRANT|CREATE) [^;]*;", hint)


@pytest.mark.parametrize("before, kind", [
    (f"REVOKE CONNECT ON DATABASE {quoted(DATABASE)} FROM PUBLIC", "sql"),
    (f"ALTER ROLE {quoted(ROLE)} NOLOGIN", "sql"),
    (f"ALTER ROLE {quoted(ROLE)} CONNECTION LIMIT 0", "sql"),
    (f"ALTER DATABASE {quoted(DATABASE)} CONNECTION LIMIT 0", "sql"),
    (f"ALTER DATABASE {quoted(DATABASE)} ALLOW_CONNECTIONS false", "sql"),
    (f"ALTER ROLE {quoted(ROLE)} NOREPLICATION", "replication"),
])
def test_the_sql_of_a_refusals_hint_mends_it(pgcask, server, before, kind):
    uri = {"sql": server.uri(DATABASE, user=ROLE), "replication": server.binary_uri(user=ROLE)}[kind]
    server.sql(before)
    found = statements(hint_of(pgcask("ping", uri)))
    assert len(found) == 1 and (quoted(ROLE) in found[0] or quoted(DATABASE) in found[0]), found
    server.sql(found[0])
    pgcask("ping", uri).check()


def test_a_role_that_is_not_there_is_made_by_the_hint(pgcask, server):
    uri = server.uri(DATABASE, user='No "such" One')
    (made,) = [s for s in statements(hint_of(pgcask("ping", uri))) if s.startswith("CREATE ROLE")] \
        or [hint_of(pgcask("ping", uri)).split(": ")[1] + ";"]
    server.sql(made.replace("'…'", "'x'"))
    pgcask("ping", uri).check()


def test_a_database_that_a_drop_left_half_done_gets_the_servers_own_advice(pgcask, server):
    server.sql("CREATE DATABASE half_dropped; UPDATE pg_database SET datconnlimit = -2 "
               "WHERE datname = 'half_dropped'")
    try:
        result = pgcask("ping", server.uri("half_dropped"))
        if "invalid database" not in result.stderr:
            pytest.skip("this minor release does not know them")
        assert "DROP DATABASE" in hint_of(result) and "ALLOW_CONNECTIONS" not in hint_of(result)
    finally:
        server.sql("DROP DATABASE half_dropped")


def test_a_database_that_nobody_named(pgcask, server):
    """A backup would be of all, and takes whichever lets it in; so does ping."""
    result = pgcask("ping", server.uri(DATABASE, user=ROLE).rsplit("/", 1)[0])
    assert result.ok and "SQL session         yes" in result.stdout, result
    result = pgcask("ping", server.uri("nowhere", user=ROLE))
    assert result.rc == 1 and 'database "nowhere" does not exist' in result.stderr, result


def test_a_port_that_is_none_brings_no_advice_on_passwords(pgcask):
    for source in ("host=h port=abc user=u", "host=h port=99999 user=u", "postgres://u@h:99999/db"):
        result = pgcask("ping", source)
        assert result.rc == 2 and "bad port" in result.stderr, result
        assert "password" not in result.stderr and "5432" in result.stderr, result
    result = pgcask("ping", "postgres://u:secret/db")  # without an @ it is where the port is
    assert "password" in result.stderr and "secret" not in result.stderr, result


@pytest.mark.skipif(os.geteuid() != 0, reason="a file of another user takes root")
def test_a_file_that_the_server_may_not_read_is_no_matter_of_grants(pgcask, server, workdir):
    file = server.datadir / "of_root"
    file.write_text("x")
    file.chmod(0o600)
    try:
        result = pgcask("backup", server.binary_uri(), "--to", workdir / "b")
        assert result.rc == 1 and "Permission denied" in result.stderr, result
        last = result.stderr.rsplit("\nhint: ", 1)[1]
        assert "GRANT" not in last and "file" in last and "server" in last, result
    finally:
        file.unlink()


# pg_hba.conf


def line_of(result):
    return re.search(r"dd to pg_hba.conf:  (\S.*?)  and reload", result.stderr)[1]


def test_a_missing_replication_line_is_said_although_a_database_has_one(pgcask, server, workdir):
    """`all` means no replication: the second way in must not hide that the first was refused."""
    server.sql("DROP ROLE IF EXISTS backup; CREATE ROLE backup LOGIN REPLICATION")
    uri = server.binary_uri(user="backup")
    try:
        server.configure(hba=[*TRUST, f"host {quoted(DATABASE)} backup 127.0.0.1/32 trust"])
        result = pgcask("backup", uri, "--to", workdir / "b")
        assert 'database "backup"' not in result.stderr.split("hint: ")[0], result
        assert "pg_hba.conf" in result.stderr and " replication backup " in line_of(result), result
        server.configure(hba=[*TRUST, line_of(result).replace("scram-sha-256", "trust"),
                              "host postgres backup 127.0.0.1/32 trust"])
        pgcask("backup", uri, "--to", workdir / "b").check()
        # `all` lets a session of some database in, which is enough.
        server.configure(hba=[*TRUST, "host all backup 127.0.0.1/32 trust"])
        pgcask("ping", uri).check()
        pgcask("backup", uri, "--to", workdir / "c").check()
    finally:
        server.configure(hba=[*TRUST, "host all all 127.0.0.1/32 trust",
                              "host replication all 127.0.0.1/32 trust"])


def test_what_forbids_tls_comes_before_a_line_without_it(pgcask, servers, authority, workdir):
    server = servers.create(15, hba=[*TRUST, "hostssl all all 127.0.0.1/32 trust",
                                     "hostssl replication all 127.0.0.1/32 trust"])
    authority.enable(server)
    for uri in (server.uri(sslmode="disable"), server.binary_uri(sslmode="disable")):
        result = pgcask("ping", uri)
        hint = hint_of(result)
        assert hint.index("sslmode=require") < hint.index("pg_hba.conf"), hint
        assert line_of(result).startswith("host "), hint  # with and without TLS
        pgcask("ping", uri.replace("sslmode=disable", "sslmode=require")).check()


def test_a_logical_backup_is_not_sent_in_a_circle(pgcask, server, workdir):
    pgcask("backup", server.uri("postgres"), "--to", workdir / "logical").check()
    result = pgcask("restore", workdir / "logical", "--to", workdir / "data")
    assert result.rc == 1 and "--to postgres://" in result.stderr, result
    # What is said there is not sent back to where it came from.
    target = server.uri("sent on")
    sent_on = pgcask("restore", workdir / "logical", "--to", target, "--create-db")
    assert sent_on.ok, sent_on
    (workdir / "copy").mkdir()
    for name in ("PG_VERSION", "postgresql.conf"):
        (workdir / "copy" / name).write_text("15\n")
    result = pgcask("restore", workdir / "copy", "--to", workdir / "data")
    assert result.rc == 1 and "pg_restore" not in result.stderr, result
    assert "--to postgres" not in result.stderr and "hint: " in result.stderr, result
