"""src/wire on real servers: who gets in, and how, must be as psql has it."""

import hashlib
import itertools
import os
import time

import pytest

from pgcask_testing import paths, process, tls

pytestmark = pytest.mark.majors(13, 15, 18)

SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

# The connection as the server sees it: is it under TLS?
QUERY = "SELECT current_user, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

HBA = [
    "local all postgres trust",
    "host replication postgres 127.0.0.1/32 reject",
    "host all postgres 127.0.0.1/32 trust",
    "local all trusted trust",
    "local all clear password",
    "local all hashed md5",
    "local all scrammed scram-sha-256",
    "host all trusted 127.0.0.1/32 trust",
    "host all clear 127.0.0.1/32 password",
    "host all hashed 127.0.0.1/32 md5",
    "host all scrammed 127.0.0.1/32 scram-sha-256",
    "hostssl all certified 127.0.0.1/32 cert",
    "hostssl all tls_only 127.0.0.1/32 scram-sha-256",
    "hostnossl all clear_only 127.0.0.1/32 scram-sha-256",
    "hostssl all either 127.0.0.1/32 scram-sha-256",
    "hostnossl all either 127.0.0.1/32 trust",
]

USERS = ("trusted", "clear", "hashed", "scrammed", "certified", "tls_only", "clear_only", "either",
         "nobody")

PASSWORD = "s3cret, 'gr\u00fc\u00df'"


@pytest.fixture(scope="session")
def probe(probe_program):
    """probe(*options, conninfo, sql, ...) -> process.Result"""
    return lambda *args, **options: process.run([probe_program, *args], **options)


@pytest.fixture(scope="module")
def guarded(module_servers, authority, major, _made={}):
    """A server with TLS and a role for each way to log in."""
    if major not in _made or not _made[major].running:
        server = module_servers.create(major, flavour="debian" if major in paths.STOCK_MAJORS
                                       else "npm")
        authority.enable(server)
        server.sql("".join(
            f"SET password_encryption = '{'md5' if user == 'hashed' else 'scram-sha-256'}';"
            f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}';"
            for user in USERS if user != "nobody"
        ))
        server.configure(hba=HBA)
        server.restart()
        _made[major] = server
    return _made[major]


@pytest.fixture(scope="session")
def stranger(authority):
    """An authority that signed nothing of ours."""
    return tls.Authority(authority.folder, "stranger")


@pytest.fixture(scope="session")
def client_certificate(authority):
    return authority.issue("client", "certified")


def conninfo(server, **settings):
    quoted = (str(v).replace("\\", "\\\\").replace("'", "\\'") for v in settings.values())
    words = [f"{k}='{v}'" for k, v in zip(settings, quoted)]
    return " ".join([f"port={server.port} dbname=postgres connect_timeout=10", *words])


def by_psql(info):
    return process.run([paths.stock("psql"), "-X", "-A", "-t", "-F", "\t", "-c", QUERY, "-d", info],
                       env={"PGCLIENTENCODING": "UTF8"})


def differences(probe, infos):
    """Where the probe gets in and psql does not, or the other way round, or not in the same way."""
    found = []
    for info in infos:
        ours, theirs = probe(info, QUERY), by_psql(info)
        if ours.ok != theirs.ok or ours.stdout != theirs.stdout:
            found.append(f"{info}\npgcask: {ours.rc} {ours.stdout}{ours.stderr}\n"
                         f"psql: {theirs.rc} {theirs.stdout}{theirs.stderr}")
        if not ours.ok:
            assert "error: " in ours.stderr and "hint: " in ours.stderr, f"{info}\n{ours}"
        assert "Sanitizer" not in ours.stderr, ours
        assert PASSWORD not in ours.stderr, ours
    return found


@pytest.mark.parametrize("user", USERS)
def test_over_tcp_whoever_psql_gets_in_gets_in(probe, guarded, authority, stranger, user):
    roots = ({}, {"sslrootcert": authority.root}, {"sslrootcert": stranger.root},
             {"sslrootcert": "/nonexistent"})
    infos = [
        conninfo(guarded, host="127.0.0.1", user=user, password=PASSWORD, sslmode=mode, **root)
        for mode, root in itertools.product(SSLMODES, roots)
    ]
    assert differences(probe, infos) == []


@pytest.mark.parametrize("password", ["wrong", None])
def test_without_the_password_whoever_psql_gets_in_gets_in(probe, guarded, password):
    given = {} if password is None else {"password": password}
    infos = [
        conninfo(guarded, host="127.0.0.1", user=user, sslmode=mode, **given)
        for user, mode in itertools.product(USERS, ("disable", "allow", "prefer", "require"))
    ]
    assert differences(probe, infos) == []


def test_over_a_unix_socket_tls_does_not_matter(probe, guarded):
    infos = [
        conninfo(guarded, host=guarded.socket_dir, user=user, password=PASSWORD, sslmode=mode)
        for user, mode in itertools.product(("trusted", "clear", "hashed", "scrammed", "tls_only"),
                                            SSLMODES)
    ]
    assert differences(probe, infos) == []


def test_a_client_certificate_is_shown(probe, guarded, authority, stranger, client_certificate):
    certificate, key = client_certificate
    other = stranger.issue("impostor", "certified")
    open_key = key.with_name("open.key")
    open_key.write_bytes(key.read_bytes())
    open_key.chmod(0o644)
    pairs = ((certificate, key), other, (certificate, other[1]), (certificate, open_key),
             (certificate, "/nonexistent"))
    infos = [
        conninfo(guarded, host="localhost", user="certified", sslmode=mode, sslcert=cert,
                 sslkey=its_key, sslrootcert=authority.root)
        for mode, (cert, its_key) in itertools.product(SSLMODES, pairs)
    ]
    assert differences(probe, infos) == []
    good = probe(infos[-len(pairs)], QUERY).check()
    assert good.stdout == "certified\tt\n"


def test_the_name_in_the_certificate_counts(probe, guarded, authority):
    names = ({"host": "127.0.0.1"}, {"host": "localhost"},
             {"host": "db.example", "hostaddr": "127.0.0.1"}, {"hostaddr": "127.0.0.1"})
    infos = [
        conninfo(guarded, **name, user="tls_only", password=PASSWORD, sslmode=mode,
                 sslrootcert=authority.root)
        for mode, name in itertools.product(("verify-ca", "verify-full"), names)
    ]
    assert differences(probe, infos) == []


def test_names_are_matched_as_psql_does(probe, guarded, authority):
    certificates = (
        ("wild", "x", ["DNS:*.example.org"]),
        ("common", "db.example.org", []),
        ("both", "db.example.org", ["DNS:other.example.org"]),
        ("address", "127.0.0.1", []),
        ("addresses", "x", ["IP:127.0.0.1", "DNS:db.example.org"]),
    )
    hosts = ({"host": "db.example.org"}, {"host": "a.db.example.org"}, {"host": "DB.Example.ORG"},
             {"host": "example.org"}, {"host": "other.example.org"}, {"host": "127.0.0.1"})
    found = []
    for name, common_name, alt_names in certificates:
        authority.enable(guarded, name, common_name, alt_names)
        infos = [
            conninfo(guarded, **host, hostaddr="127.0.0.1", user="trusted", sslmode="verify-full",
                     sslrootcert=authority.root)
            for host in hosts
        ]
        found += differences(probe, infos)
    authority.enable(guarded)
    assert found == []


@pytest.mark.parametrize("user", ["trusted", "clear", "hashed", "scrammed", "either"])
def test_channel_binding_and_require_auth_are_as_for_psql(probe, guarded, user):
    extras = [{"channel_binding": how} for how in ("disable", "prefer", "require")]
    extras += [{"require_auth": what} for what in ("none", "password", "scram-sha-256", "!md5",
                                                   "md5,scram-sha-256", "!none")]
    infos = [
        conninfo(guarded, host="127.0.0.1", user=user, password=PASSWORD, sslmode=mode, **extra)
        for mode, extra in itertools.product(("disable", "prefer", "require"), extras)
    ]
    assert differences(probe, infos) == []


def test_the_range_of_tls_versions_is_kept(probe, guarded):
    infos = [
        conninfo(guarded, host="127.0.0.1", user="trusted", sslmode="require", **versions)
        for versions in (
            {"ssl_max_protocol_version": "TLSv1.2"}, {"ssl_min_protocol_version": "TLSv1.3"},
            {"ssl_min_protocol_version": "TLSv1.3", "ssl_max_protocol_version": "TLSv1.3"},
        )
    ]
    assert differences(probe, infos) == []


def test_a_server_without_tls_is_used_as_by_psql(probe, servers, major):
    server = servers.create(major)
    infos = [conninfo(server, host="127.0.0.1", user="postgres", sslmode=mode)
             for mode in SSLMODES]
    assert differences(probe, infos) == []


# What is refused comes with what would mend it


def test_the_missing_line_of_pg_hba_is_given(probe, guarded):
    info = conninfo(guarded, host="127.0.0.1", user="nobody", sslmode="disable")
    result = probe(info, "SELECT 1")
    assert result.rc == 1
    assert "host postgres nobody 127.0.0.1/32 scram-sha-256" in result.stderr


def test_the_missing_line_for_replication_is_given(probe, guarded):
    info = conninfo(guarded, host="127.0.0.1", user="postgres", sslmode="require")
    result = probe("--replication", info, "IDENTIFY_SYSTEM")
    assert result.rc == 1
    assert "hostssl replication postgres 127.0.0.1/32 scram-sha-256" in result.stderr


def test_a_missing_database_is_named(probe, guarded):
    info = conninfo(guarded, host="127.0.0.1", user="trusted") + " dbname=nowhere"
    result = probe(info, "SELECT 1")
    assert result.rc == 1
    assert '"nowhere"' in result.stderr and "3D000" in result.stderr


def test_a_stopped_server_is_named(probe, servers, major):
    server = servers.create(major, start=False)
    for host in ("127.0.0.1", server.socket_dir):
        result = probe(conninfo(server, host=host, user="postgres"), "SELECT 1")
        assert result.rc == 1
        assert str(server.port) in result.stderr and "hint: " in result.stderr


# Data


def test_replication_sessions_identify_the_system(probe, shared_server):
    info = conninfo(shared_server, host=shared_server.socket_dir, user="postgres")
    result = probe("--replication", info, "IDENTIFY_SYSTEM").check()
    assert result.stdout.startswith(shared_server.system_identifier + "\t")


ROWS = 400_000


@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_copy_out_and_in_bring_the_same_rows(probe, guarded, sslmode):
    info = conninfo(guarded, host="127.0.0.1", user="trusted", sslmode=sslmode)
    query = f"SELECT n, repeat(md5(n::text), 10) FROM generate_series(1, {ROWS}) AS n"
    out = probe(info, f"COPY ({query}) TO STDOUT").check()
    assert out.stdout_bytes.count(b"\n") == ROWS
    guarded.sql("DROP TABLE IF EXISTS copied; CREATE TABLE copied (n int, t text);"
                "GRANT ALL ON copied TO trusted")
    probe(info, "COPY copied FROM STDIN", input=out.stdout_bytes).check()
    again = probe(info, "COPY (SELECT * FROM copied ORDER BY n) TO STDOUT").check()
    digest = lambda result: hashlib.sha256(result.stdout_bytes).hexdigest()
    assert digest(again) == digest(out)
    # A sanitizer build takes several times what it would, but not in proportion to the data.
    assert out.peak_rss < 100e6


def test_an_error_in_the_first_row_stops_copy_in(probe, guarded):
    info = conninfo(guarded, host="127.0.0.1", user="trusted")
    guarded.sql("DROP TABLE IF EXISTS narrow; CREATE TABLE narrow (n int); GRANT ALL ON narrow TO "
                "trusted")
    result = probe(info, "COPY narrow FROM STDIN", input=b"not a number\n" * 5_000_000)
    assert result.rc == 1
    assert "22P02" in result.stderr


@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_pipeline_of_a_thousand_statements(probe, guarded, sslmode):
    info = conninfo(guarded, host="127.0.0.1", user="trusted", sslmode=sslmode)
    result = probe("--pipeline", "1000", info, "SELECT repeat('x', 20000)").check()
    assert result.stdout == ("x" * 20000 + "\n") * 1000


def test_a_wide_row_is_read_whole(probe, guarded):
    info = conninfo(guarded, host="127.0.0.1", user="trusted")
    result = probe(info, "SELECT repeat('y', 50000000)").check()
    assert len(result.stdout_bytes) == 50000001
    assert probe(info, "SELECT repeat('y', 70000000)").rc == 1


# Leaving


def sessions_of(server, user):
    return server.value(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}'")


@pytest.mark.parametrize("sslmode", ["disable", "require"])
@pytest.mark.parametrize("sql", [
    "SELECT pg_sleep(100)",
    "COPY (SELECT repeat('z', 1000) FROM generate_series(1, 1000000000)) TO STDOUT",
    "SELECT repeat('z', 1000) FROM generate_series(1, 1000000000)",
    "SELECT count(*) FROM generate_series(1, 100000000000) AS a",
])
@pytest.mark.sampled(1)
def test_a_stopped_job_leaves_no_session(probe, guarded, sslmode, sql):
    info = conninfo(guarded, host="127.0.0.1", user="trusted", sslmode=sslmode)
    with open(os.devnull, "wb") as nowhere:
        result = probe("--cancel-after", "500", info, sql, stdout=nowhere, timeout=30)
    end = time.monotonic() + 2
    assert result.rc == 1
    assert "error: cancelled" in result.stderr
    assert result.wall_time < 5
    while sessions_of(guarded, "trusted") != "0":
        assert time.monotonic() < end, "the session is still there"
        time.sleep(0.05)
