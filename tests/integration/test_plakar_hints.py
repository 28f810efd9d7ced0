"""What goes wrong is told in the words that a user of Plakar types: keys, never flags of the command,
and libpq's names only for what has no key and stands in the location."""

import json
import re

import pytest

from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

ONE = pytest.mark.majors(18)
PASSWORD = "hunter2"

# libpq's names of settings that have a key of another name.
NO_KEYS = r"\b(sslmode|sslcert|sslkey|sslrootcert|dbname)\b|\buser=|\bpassword_cmd\b"
FLAGS = r"(?<![-\w])--[a-z][a-z-]*"


def assert_spelled(result, *wanted):
    """It failed, and says these words, and none that nobody can type here."""
    assert result.rc == 1, result
    told = [line for line in (result.stdout + result.stderr).splitlines() if "OK ✓" not in line]
    # Before our text, plakar repeats the source as it was typed.
    text = "\n".join(re.sub(r"^.*?create an importer for \S+: ", "", line) for line in told)
    assert PASSWORD not in text
    assert not re.search(FLAGS, text), text
    assert not re.search(NO_KEYS, text), text
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text), repr(text)  # marks that nobody spelled
    for word in wanted:
        assert word in text, (word, text)


@pytest.fixture(scope="module")
def guarded(module_servers, authority):
    """A server where each database name, and each way to log in, has its own line."""
    made = {}

    def make(major):
        if major not in made:
            server = module_servers.create(major, hba=[
                "local all all trust",
                "hostssl onlytls all all trust", "host onlytls all all reject",
                "hostnossl onlyplain all all trust", "host onlyplain all all reject",
                "hostssl withcert all all cert", "host secret all all scram-sha-256",
                "host nobody all all reject", "host all all all trust",
                "hostssl replication tls all trust", "host replication all all trust"])
            authority.enable(server)
            for name in ("onlytls", "onlyplain", "withcert", "secret", "nobody", "app"):
                server.sql(f"CREATE DATABASE {name}")
            server.sql(f"CREATE ROLE weak LOGIN; ALTER ROLE postgres PASSWORD '{PASSWORD}'")
            server.sql("CREATE TABLE t (a int)", db="app")
            server.sql("CREATE TABLE r (a int); ALTER TABLE r ENABLE ROW LEVEL SECURITY;"
                       " GRANT SELECT ON r TO weak", db="onlyplain")
            made[major] = server
        return made[major]

    return make


CONNECTIONS = [
    # database, keys, words of the answer
    ("onlytls", ["ssl_mode=disable"], ["ssl_mode"]),
    ("onlyplain", ["ssl_mode=require"], ["pg_hba.conf"]),
    ("app", ["ssl_mode=verify-full", "ssl_root_cert=/nonexistent/root.crt"], ["ssl_root_cert"]),
    ("app", ["ssl_mode=verify-full"], ["ssl_root_cert"]),
    ("app", ["ssl_mode=verify-ca"], ["ssl_root_cert"]),
    ("app", ["ssl_mode=verify-full", "ssl_root_cert={root}", "host=localhost.localdomain"], []),
    ("app", ["ssl_mode=require", "ssl_cert={root}"], ["ssl_key"]),
    ("app", ["ssl_mode=require", "ssl_cert={root}", "ssl_key={root}"], ["chmod 0600"]),
    ("app", ["ssl_root_cert=system", "ssl_mode=require"], ["ssl_mode"]),
    ("withcert", ["ssl_mode=require"], ["ssl_cert"]),
    ("secret", [], ["password"]),
    ("secret", ["password=wrong"], ["password"]),
    ("secret", ["password_command=false"], ["password_command"]),
    ("secret", ["password_command=/nonexistent/program"], ["password_command"]),
    ("nobody", [], ["pg_hba.conf"]),
    ("absent", [], ["does not exist"]),
    ("app", ["username=nobody"], ["nobody"]),
    ("app", ["port=1"], ["Connection refused"]),
    ("app", ["port=0"], ["port"]),
    ("app", ["port=much"], ["port"]),
    ("app", ["host=nowhere.invalid"], ["nowhere.invalid"]),
    ("app", ["host=/nonexistent"], ["/nonexistent"]),
    ("app?target_session_attrs=standby", [], ["target_session_attrs"]),
    ("app?sslmode=on", [], ["verify-full"]),
    ("app?channel_binding=require", ["password=x"], ["channel_binding"]),
    ("app?require_auth=md5", [], ["require_auth"]),
    ("app?sslcertmode=require", ["ssl_mode=require"], ["ssl_cert"]),
    ("app?gssencmode=require", [], ["gssencmode"]),
    ("app?connect_timeout=soon", [], ["connect_timeout"]),
    ("app?ssl_min_protocol_version=TLSv9", [], ["TLSv1.3"]),
]


@ONE
@pytest.mark.parametrize("scheme", ["postgres", "postgres+bin"])
def test_what_keeps_a_connection_from_coming_about_is_told_in_keys(
    plakar, guarded, authority, major, scheme
):
    server, wrong = guarded(major), []
    physical = scheme == "postgres+bin"
    for place, keys, words in CONNECTIONS:
        # To a physical backup all databases are one.
        if physical and place.partition("?")[0] != "app":
            continue
        keys = [key.format(root=authority.root) for key in keys]
        options = [part for key in keys for part in ("-o", key)]
        source = f"{scheme}://postgres@127.0.0.1:{server.port}/{place}"
        try:
            assert_spelled(plakar.backup(*options, source), *words)
        except AssertionError as error:
            wrong.append(f"{place} {keys}: {error}")
    assert not wrong, "\n\n".join(wrong)


@ONE
@pytest.mark.parametrize("scheme", ["postgres", "postgres+bin"])
def test_a_value_that_makes_no_sense_is_told_in_keys(plakar, pgcask, guarded, major, scheme):
    server, wrong = guarded(major), []
    place = f"{scheme}://postgres@127.0.0.1:{server.port}/app"
    keys = json.loads(pgcask("plakar-schema", "importer").check().stdout)["properties"]
    for key in keys:
        if key in ("location", "label", "username", "password", "database", "exclude_databases",
                   "pg_bin_dir", "pg_dump", "pg_dumpall", "pg_restore", "psql", "password_command",
                   "host", "ssl_cert", "ssl_key", "ssl_root_cert"):  # any text will do, or any file's name
            continue
        try:
            assert_spelled(plakar.backup("-o", f"{key}=no such thing", place), key)
        except AssertionError as error:
            wrong.append(f"{key}: {error}")
    assert not wrong, "\n\n".join(wrong)


@ONE
def test_what_fails_a_backup_is_told_in_keys(plakar, guarded, major):
    server = guarded(major)
    place = f"127.0.0.1:{server.port}"
    for source in ((f"postgres://weak@{place}/app",), (f"postgres://weak@{place}/onlyplain",),
                   (f"postgres+bin://weak@{place}",),
                   ("-o", "schema_only=true", f"postgres://{place}/app"),
                   ("-o", "max_rate=1", f"postgres+bin://{place}"),
                   ("-o", "max_rate=1M", f"postgres://{place}/app"),
                   ("-o", "compress=gzip", f"postgres+bin://{place}"),
                   ("-o", "max_rat=1M", f"postgres+bin://{place}"),
                   (f"postgres://postgres@{place}",)):
        assert_spelled(plakar.backup(*source))
    with server.session("app") as session:
        session.sql("BEGIN; LOCK TABLE t")
        for limit in ("lock_timeout", "lock_timeout_total"):
            assert_spelled(plakar.backup("-o", f"{limit}=1s", f"postgres://postgres@{place}/app"),
                           limit)
    assert plakar.snapshots() == []
