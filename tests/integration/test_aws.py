"""postgres+aws://: logging in with tokens of AWS IAM, by the command and through Plakar. A proxy asks
for the tokens and judges them by itself; behind it is a real server."""

import json
import os
import re
import socket
import time

import pytest

from pgcask_testing import aws, plakar as plakar_module, temp
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

pytestmark = pytest.mark.majors(18)

KEYS = aws.Keys(token="FwoGZXIvYXdzE//+aSessionToken==" + "x" * 700)
NOWHERE = {"AWS_EC2_METADATA_DISABLED": "true"}
ROWS = "SELECT count(*), sum(hashtext(t::text)) FROM t"


@pytest.fixture(scope="module")
def server(module_servers, major):
    server = module_servers.create(major)
    server.sql('CREATE ROLE "back up" SUPERUSER LOGIN')
    server.sql("CREATE DATABASE shop; CREATE DATABASE rdsadmin")
    server.sql("CREATE TABLE t AS SELECT i, repeat('x', i % 90) AS text FROM "
               "generate_series(1, 20000) i; CREATE INDEX ON t (i); CREATE TABLE u AS TABLE t", "shop")
    return server


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("aws", "localhost", ("DNS:localhost", "IP:127.0.0.1"))


@pytest.fixture
def database(server, certificate):
    with aws.Database(server, certificate, KEYS) as database:
        yield database
        assert not any(b"X-Amz" in text for text in database.clear)


@pytest.fixture
def copy(server):
    server.sql("DROP DATABASE IF EXISTS copy; CREATE DATABASE copy")
    return server


def endpoint_env(endpoint, kind):
    if kind == "instance":
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint.url}
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.url + "/v1/keys?x=1", **NOWHERE}


def no_secret(result, *more):
    for secret in (KEYS.secret, KEYS.token[:40], "X-Amz-Signature", *more):
        for text in (result.stdout, result.stderr):
            assert secret not in text


# ---- The way there and back


def test_the_command_backs_up_and_restores(pgcask, pgcask_popen, database, copy, authority, workdir):
    checked = {"sslmode": "verify-full", "sslrootcert": authority.root}
    uri = database.uri("shop", "back up", **checked)
    backup = pgcask("backup", uri, "--to", workdir / "b", "--json", "--verbose", env=KEYS.env).check()
    no_secret(backup)
    for path in (workdir / "b").rglob("*"):
        assert not path.is_file() or KEYS.token[:40].encode() not in path.read_bytes()
    before = len(database.tokens)
    assert before >= 1
    restore = pgcask("restore", workdir / "b", "--to", database.uri("copy", "back up", **checked),
                     "--jobs", "4", "--verbose", env=KEYS.env).check()
    no_secret(restore)
    assert len(database.tokens) >= before + 2  # one for each session, of several jobs
    assert not database.faults and not database.clear
    assert copy.sql(ROWS, "copy") == copy.sql(ROWS, "shop")


def test_all_databases_are_those_of_the_customer(pgcask, database, workdir):
    for words, names in ((("--exclude-databases", "copy,p*"), ["shop", "template1"]),
                         (("--databases", "rdsadmin"), ["rdsadmin"])):
        target = workdir / words[0]
        pgcask("backup", database.uri(None), "--to", target, "--layout", "numbered", *words,
               env=KEYS.env).check()
        assert sorted(path.name[6:-5] for path in target.glob("*.dump")) == names


def test_plakar_backs_up_and_restores(plakar, database, copy):  # noqa: F811
    plakar.run("source", "add", "rds", database.uri("shop", "back up", region=None),
               f"region={aws.REGION}", "ssl_mode=require").check()
    plakar.run("source", "ping", "rds", env=KEYS.env).check()
    plakar.backup("@rds", env=KEYS.env).check()
    snapshot, = plakar.snapshots()
    info = plakar.on_store("info", snapshot).check().stdout
    assert "postgresql+aws" in info and f":{database.port}/shop" in info
    location = f"postgres+aws://back%20up@localhost:{database.port}/copy"
    plakar.on_store("restore", "-to", location, "-o", f"region={aws.REGION}", "-o", "no_globals=true",
                    snapshot, env=KEYS.env).check()
    assert not database.faults and not database.clear
    assert copy.sql(ROWS, "copy") == copy.sql(ROWS, "shop")
    plakar.run("destination", "add", "rds", location).check()
    refused = plakar.run("destination", "ping", "rds", env=KEYS.env)
    assert refused.rc == 1 and "no AWS region is set" in refused.stdout + refused.stderr


def test_a_trial_and_a_check_log_in_likewise(pgcask, database, workdir):
    pgcask("check", database.uri("shop"), env=KEYS.env).check()
    pgcask("backup", database.uri("shop"), "--to", workdir / "b", env=KEYS.env).check()
    pgcask("verify", workdir / "b", "--restore-to", database.uri(), env=KEYS.env).check()
    result = pgcask("ping", database.uri("shop", region="us-east-1"), "--json", env=KEYS.env)
    said = json.loads(result.stdout)
    assert result.rc == 1 and said["error"]["sqlstate"] == "28000"
    assert "rds_iam" in said["error"]["hint"]
    no_secret(result)


def test_the_packages_forms(pgcask):
    importer, exporter = (json.loads(pgcask("plakar-schema", name).check().stdout)
                          for name in ("importer-aws", "exporter-aws"))
    for schema in (importer, exporter):
        assert schema["required"] == ["region"] and "ssl_mode" in schema["properties"]
        assert not {"password", "password_command", "max_rate"} & set(schema["properties"])
        pattern = schema["properties"]["location"]["pattern"]
        assert re.match(pattern, "postgres+aws://x") and not re.match(pattern, "postgres://x")
    assert "recreate" in exporter["properties"] and "layout" in importer["properties"]
    for name in ("importer", "exporter"):
        schema = json.loads(pgcask("plakar-schema", name).check().stdout)
        assert "region" not in schema["properties"] and "password" in schema["properties"]


# ---- Where credentials come from


def files(folder, credentials=None, config=None):
    (folder / ".aws").mkdir(exist_ok=True)
    for name, text in (("credentials", credentials), ("config", config)):
        if text is not None:
            (folder / ".aws" / name).write_text(text)
    return {"HOME": folder, **NOWHERE}


def profile(keys=KEYS):
    return (f"aws_access_key_id = {keys.access}\naws_secret_access_key={keys.secret}\n"
            f"aws_session_token = {keys.token}\n")


@pytest.mark.parametrize("where", ["credentials", "config", "named", "by its path", "both"])
def test_files(pgcask, database, workdir, where):
    other = profile(aws.Keys("AKIAOTHER", "other", "other"))
    env = {
        "credentials": lambda: files(workdir, "# x\n[default]\n" + profile() + "[y]\n" + other),
        "config": lambda: files(workdir, None, "[default]\n" + profile() + "[profile y]\n" + other),
        "named": lambda: {**files(workdir, "[default]\n" + other, "[profile a b]\n" + profile()),
                          "AWS_PROFILE": "a b"},
        "by its path": lambda: {
            **files(workdir, "[default]\n" + other), "AWS_SHARED_CREDENTIALS_FILE": workdir / "c"},
        "both": lambda: files(workdir, "[default]\n" + profile(), "[default]\n" + other),
    }[where]()
    (workdir / "c").write_text("[default]\n" + profile())
    pgcask("ping", database.uri("shop"), env=env).check()
    assert not database.faults


def test_the_region(pgcask, database, workdir):
    config = f"[default]\nregion = nowhere-1\n[profile p]\nregion = {aws.REGION} # there\n"
    home = {**files(workdir, None, config), **KEYS.env}
    bare = database.uri("shop", region=None)
    for env in ({"AWS_REGION": aws.REGION}, {"AWS_DEFAULT_REGION": aws.REGION},
                {**home, "AWS_PROFILE": "p"},
                {**home, "AWS_REGION": aws.REGION, "AWS_DEFAULT_REGION": "x"}):
        pgcask("ping", bare, env={**KEYS.env, **env}).check()
    result = pgcask("ping", bare, env=home)  # of another region
    assert result.rc == 1 and database.faults
    for word in ("GRANT rds_iam TO", "rds-db:connect", "arn:aws:rds-db:nowhere-1:", "time (now 20"):
        assert word in result.stderr
    result = pgcask("ping", bare, env=KEYS.env)
    assert result.rc == 2 and "no AWS region is set" in result.stderr
    assert "region=REGION" in result.stderr and "AWS_REGION" in result.stderr
    result = pgcask("ping", bare, env={**KEYS.env, "AWS_REGION": "evil/../x"})
    assert result.rc == 2 and "AWS_REGION is no region" in result.stderr


@pytest.mark.parametrize("kind", ["container", "instance"])
def test_endpoints_are_asked_again_before_keys_expire(pgcask, database, copy, workdir, kind):
    pgcask("backup", database.uri("shop"), "--to", workdir / "b", env=KEYS.env).check()

    def of_container(expires):
        return lambda method, path, headers, body: (200, KEYS.json(expires)) if (
            headers.get("authorization") == "Basic of the file") else (403, "")

    (workdir / "token").write_text("Basic of the file\n")
    for expires, often in ((3600, False), (200, True)):
        made = of_container(expires) if kind == "container" else aws.instance(KEYS, expires)
        copy.sql("DROP DATABASE copy; CREATE DATABASE copy")
        with aws.Endpoint(made) as endpoint:
            before = len(database.tokens)
            result = pgcask(
                "restore", workdir / "b", "--to", database.uri("copy"), "--jobs", "3",
                env={**endpoint_env(endpoint, kind),
                     "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": workdir / "token",
                     "AWS_CONTAINER_AUTHORIZATION_TOKEN": "another"}).check()
        no_secret(result, "of the file")
        searches = len([path for _, path, _, _ in endpoint.requests
                        if path in ("/v1/keys?x=1", aws.ROLES + "the-role")])
        assert searches == (len(database.tokens) - before if often else 1)
    assert not database.faults


def test_a_containers_endpoint_under_tls(pgcask, database, certificate, authority):
    with aws.Endpoint(lambda *request: (200, KEYS.json()), certificate) as endpoint:
        env = endpoint_env(endpoint, "container")
        pgcask("ping", database.uri("shop"), env={**env, "AWS_CA_BUNDLE": authority.root}).check()
        result = pgcask("ping", database.uri("shop"), env=env)
        assert result.rc == 1 and "certificate" in result.stderr
    assert not database.faults and len(endpoint.requests) == 1


def test_old_keys_do_while_they_last(pgcask, database, copy, workdir):
    pgcask("backup", database.uri("shop"), "--to", workdir / "b", env=KEYS.env).check()
    answers = [(200, KEYS.json(100))]
    with aws.Endpoint(lambda *request: answers.pop() if answers else (500, "")) as endpoint:
        result = pgcask("restore", workdir / "b", "--to", database.uri("copy"), "--jobs", "3",
                        env=endpoint_env(endpoint, "container")).check()
    assert "were not renewed" in result.stderr and len(endpoint.requests) > 1


def test_a_web_identity(pgcask, database, certificate, authority, workdir):
    (workdir / "token").write_text("eyJ.of+the/cluster=\n")

    def sts(method, path, headers, body):
        fields = dict(aws.urllib.parse.parse_qsl(body))
        good = method == "POST" and fields == {
            "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15",
            "RoleArn": "arn:aws:iam::1:role/r", "RoleSessionName": "pgcask",
            "WebIdentityToken": "eyJ.of+the/cluster="}
        return (200, KEYS.xml()) if good else (
            403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")

    with aws.Endpoint(sts, certificate) as endpoint:
        env = {"AWS_WEB_IDENTITY_TOKEN_FILE": workdir / "token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
               "AWS_ENDPOINT_URL_STS": endpoint.url, "AWS_CA_BUNDLE": authority.root, **NOWHERE}
        pgcask("ping", database.uri("shop"), env=env).check()
        assert not database.faults
        result = pgcask("ping", database.uri("shop"), env={**env, "AWS_ROLE_ARN": "arn:other"})
        assert "status 403: AccessDenied" in result.stderr and "eyJ" not in result.stderr
        asked = len(endpoint.requests)
        result = pgcask("ping", database.uri("shop"), env={**env, "AWS_CA_BUNDLE": ""})
        assert result.rc == 1 and "certificate" in result.stderr
        plain = endpoint.url.replace("https", "http")
        result = pgcask("ping", database.uri("shop"), env={**env, "AWS_ENDPOINT_URL_STS": plain})
        assert "is not https://" in result.stderr and len(endpoint.requests) == asked


# ---- What is refused


REFUSED = {
    "no user": ("postgres+aws://localhost:{port}/shop?region=x", {}, "no user name is set"),
    "a password": ("postgres+aws://u:geheim@localhost:{port}/shop?region=x", {},
                   "takes no password"),
    "a weak mode": ("postgres+aws://u@localhost:{port}/shop?region=x&sslmode=prefer", {},
                    'sslmode "prefer" is too weak'),
    "a weak mode of the environment": ("postgres+aws://u@localhost:{port}/shop?region=x",
                                       {"PGSSLMODE": "allow"}, 'sslmode "allow" is too weak'),
    "a socket": ("postgres+aws://u@%2Frun%2Fpostgresql/shop?region=x", {}, "does not go to a socket"),
    "an address alone": ("postgres+aws://u@/shop?region=x&hostaddr=127.0.0.1&port={port}", {},
                         "needs the name of a host"),
    "a physical backup": ("postgres+aws+bin://u@localhost:{port}?region=x", {}, "unknown scheme"),
    "a region elsewhere": ("postgres://u@localhost:{port}/shop?region=x", {}, "region is of"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_connected(pgcask, database, case):
    uri, env, words = REFUSED[case]
    result = pgcask("ping", uri.format(port=database.port), env={**KEYS.env, **env})
    assert result.rc == 2 and words in result.stderr and "\nhint: " in result.stderr, result
    assert "geheim" not in result.stderr
    assert not database.tokens and not database.clear


def test_passwords_for_other_servers_do_not_count(pgcask, database):
    env = {**KEYS.env, "PGPASSWORD": "of another", "PGCASK_PASSWORD_COMMAND": "/nonexistent"}
    pgcask("ping", database.uri("shop"), env=env).check()
    assert not database.faults
    result = pgcask("ping", database.uri("shop"), "--password-command=true", env=KEYS.env)
    assert result.rc == 2 and "--password-command" in result.stderr


def test_nothing_goes_without_tls(pgcask, database):
    database.offers_tls = False
    result = pgcask("ping", database.uri("shop"), env=KEYS.env)
    assert result.rc == 1 and "does not offer TLS" in result.stderr
    assert not database.tokens


@pytest.mark.parametrize("method", [5, 10])
def test_a_server_that_wants_a_password_gets_no_token(pgcask, server, certificate, method):
    with aws.Database(server, certificate, KEYS, method=method) as database:
        result = pgcask("ping", database.uri("shop"), env=KEYS.env)
    assert result.rc == 1 and "GRANT rds_iam" in result.stderr and not database.tokens


def test_without_credentials_all_places_are_named(pgcask, database, workdir):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    env = {"HOME": workdir, "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{port}"}
    result = pgcask("ping", database.uri("shop"), env=env)
    assert result.rc == 1 and "there are no AWS credentials" in result.stderr
    for word in ("AWS_ACCESS_KEY_ID is not set", "AWS_WEB_IDENTITY_TOKEN_FILE is not set",
                 f"{workdir}/.aws/credentials", f"{workdir}/.aws/config",
                 "AWS_CONTAINER_CREDENTIALS_FULL_URI are not set", f"http://127.0.0.1:{port}"):
        assert word in result.stderr, word
    result = pgcask("ping", database.uri("shop"), env={"HOME": workdir, **NOWHERE})
    assert "AWS_EC2_METADATA_DISABLED is true" in result.stderr


INCOMPLETE = {
    "half a pair": ({"AWS_ACCESS_KEY_ID": "A"}, None, "AWS_SECRET_ACCESS_KEY is not"),
    "no such profile": ({"AWS_PROFILE": "there"}, "[default]\nregion=x\n", 'no profile "there"'),
    "a program": ({}, "[default]\ncredential_process = /bin/x s3cret\n", "has credential_process"),
    "a role beside keys": ({}, "[default]\naws_access_key_id=A\naws_secret_access_key=s3cret\n"
                           "role_arn = arn:x\n", "has role_arn"),
    "a role": ({}, "[default]\nrole_arn = arn:x\nsource_profile = y\n", "has role_arn"),
    "single sign-on": ({}, "[default]\nsso_session = y\n", "has sso_session"),
    "half a profile": ({}, "[default]\naws_access_key_id = A\n", "aws_secret_access_key of [default]"),
    "no token file": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent", "AWS_ROLE_ARN": "x"}, None,
                      "there is no file /nonexistent"),
    "no role": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent"}, None, "AWS_ROLE_ARN is not"),
    "in clear to another machine": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/x"}, None, "in clear"),
    "hidden in a user": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1@192.0.2.1/x"}, None, "no URL"),
    "no path": ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "x"}, None, "is no path"),
    "two lines": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/x",
                   "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nX: y"}, None, "more than one line"),
}


@pytest.mark.parametrize("case", INCOMPLETE)
def test_what_is_configured_and_does_not_work_is_named(pgcask, database, workdir, case):
    env, config, words = INCOMPLETE[case]
    result = pgcask("ping", database.uri("shop"), env={**files(workdir, None, config), **env})
    assert result.rc == 1 or result.rc == 2
    assert words in result.stderr and "s3cret" not in result.stderr, result
    assert not database.tokens


def endless(head):
    def answer(*request):
        yield head
        while True:
            yield b"x" * 4096
    return answer


def dripping(*request):
    while True:
        yield b"H"
        time.sleep(0.2)


GOOD = KEYS.json(3600)
HOSTILE = {
    "endless headers": (endless(b"HTTP/1.1 200 OK\r\nX: "), "headers do not end"),
    "an endless body": (endless(b"HTTP/1.1 200 OK\r\n\r\n"), "does not end"),
    "endless chunks": (endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"),
                       "too great a size"),
    "a huge length": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "too long"),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
                    "two of them"),
    "another protocol": (b"SSH-2.0-x\r\n\r\n", "no HTTP"),
    "nothing": (b"", "breaks off"),
    "half of it": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "breaks off"),
    "a redirection": (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                      b"Content-Length: 0\r\n\r\n", "status 302"),
    "refused": ((403, GOOD), "status 403"),
    "no JSON": ((200, GOOD[:-2]), "no JSON"),
    "no object": ((200, '["AccessKeyId"]'), "no JSON object"),
    "deep": ((200, "[" * 10000), "no JSON"),
    "a key is missing": ((200, json.dumps({"AccessKeyId": "A"})), "no SecretAccessKey"),
    "a key of another kind": ((200, json.dumps({"AccessKeyId": {"AccessKeyId": "A"}})),
                              "no AccessKeyId"),
    "a long key": ((200, KEYS.json(3600, SecretAccessKey="s" * 5000)), "too long"),
    "a line feed in a key": ((200, KEYS.json(3600, AccessKeyId="A\r\nB")), "not ASCII"),
    "a failure": ((200, KEYS.json(3600, Code="AssumeRoleUnauthorizedAccess")),
                  "it says: AssumeRoleUnauthorizedAccess"),
    "no time": ((200, KEYS.json(3600, Expiration="tomorrow")), "no time"),
    "expired": ((200, KEYS.json(-5)), "have expired, at "),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_endpoints_may_answer_anything(pgcask, database, case):
    answer, words = HOSTILE[case]
    with aws.Endpoint(answer if callable(answer) else lambda *request: answer) as endpoint:
        result = pgcask("ping", database.uri("shop"), env=endpoint_env(endpoint, "container"),
                        timeout=20)
    assert result.rc == 1 and words in result.stderr, result
    assert len(endpoint.requests) == 1 and not database.tokens and result.peak_rss < 40 << 20
    no_secret(result)


def test_an_endpoint_that_drips_has_its_time(pgcask, database):
    with aws.Endpoint(dripping) as endpoint:
        result = pgcask("ping", database.uri("shop", connect_timeout=2),
                        env=endpoint_env(endpoint, "container"), timeout=20)
    assert result.rc == 1 and "no answer in time" in result.stderr and result.wall_time < 4


INSTANCES = {
    "no token": (lambda *request: (403, ""), "hop limit"),
    "a token of two lines": (aws.instance(KEYS, token="a\r\nX: y"), "no single word"),
    "a role that climbs": (aws.instance(KEYS, role="../../user-data"), "names no role"),
    "a role's page": (aws.instance(KEYS, role="<html>"), "names no role"),
    "none": (lambda method, *request: (200, "t") if method == "PUT" else (404, ""), "has no role"),
}


@pytest.mark.parametrize("case", INSTANCES)
def test_instances_may_answer_anything(pgcask, database, case):
    answer, words = INSTANCES[case]
    with aws.Endpoint(answer) as endpoint:
        result = pgcask("ping", database.uri("shop"), env=endpoint_env(endpoint, "instance"))
    assert result.rc == 1 and words in result.stderr and not database.tokens, result


def test_chunks_and_ends_of_connections_are_understood(pgcask, database):
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in
                       re.findall(rb"(?s).{1,100}", GOOD.encode())) + b"0\r\n\r\n"
    for answer in (b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n" + chunked,
                   b"HTTP/1.0 200 OK\r\n\r\n" + GOOD.encode(),
                   [bytes([byte]) for byte in
                    b"HTTP/1.1 200\r\nContent-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD.encode())]):
        with aws.Endpoint(lambda *request: answer) as endpoint:
            pgcask("ping", database.uri("shop"), env=endpoint_env(endpoint, "container")).check()
    assert not database.faults and len(database.tokens) == 3
