"""TLS and authentication on real servers, beyond the table of test_psql_parity.py: certificates of
every signature, passwords of every script, PEM text in settings, clear errors, cancel requests. Stock
psql says what has to come out wherever it can be asked."""

import base64
import hashlib
import hmac
import os
import pty
import select
import signal
import subprocess
import time

import pytest

from pgcask_testing import builders, oracles, paths, process, tls
from pgcask_testing.tls_peer import CANCEL, REQUEST_TLS, Relay

PASSWORD = "s3cret of the tests"
HBA = ["local all all trust", "hostssl all scrammed all scram-sha-256",
       "hostssl all certified all cert", "hostssl all all all trust",
       "hostssl replication all all trust"]

TLS_QUERY = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(scope="session")
def probe(probe_program):
    """probe(*options, conninfo, sql, ...) -> process.Result"""
    return lambda *args, **options: process.run([probe_program, *args], **options)


def flavour(major):
    return "debian" if major in paths.STOCK_MAJORS else "npm"


CREATE_SCRAMMED = ("SET password_encryption = 'scram-sha-256';"
                   f"CREATE ROLE scrammed LOGIN PASSWORD '{PASSWORD}';")


@pytest.fixture(scope="module")
def encrypted(module_servers, authority, major, _made={}):
    """A server with TLS, a role with a password, and one that logs in by certificate."""
    if major not in _made or not _made[major].running:
        server = authority.enable(module_servers.create(major, flavour=flavour(major)))
        server.sql(CREATE_SCRAMMED + "CREATE ROLE certified LOGIN")
        server.configure(hba=HBA)
        server.restart()
        _made[major] = server
    return _made[major]


def conninfo(server, **settings):
    given = {"host": "localhost", "hostaddr": "127.0.0.1", "port": server.port,
             "dbname": "postgres", "user": "postgres", "connect_timeout": 10, **settings}
    quoted = (str(value).replace("\\", "\\\\").replace("'", "\\'") for value in given.values())
    return " ".join(f"{name}='{value}'" for name, value in zip(given, quoted))


def by_psql(info, sql="SELECT 1", env=None):
    return process.run([paths.stock("psql"), "-X", "-A", "-t", "-F", "\t", "-c", sql, "-d", info],
                       env={"PGCLIENTENCODING": "UTF8", **(env or {})})


def openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


# ---- Channel binding with every signature -------------------------------------------------------

RSA = ("rsa:2048",)
PSS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1")
P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
SIGNATURES = {
    "rsa md5": (RSA, "-md5"), "rsa sha1": (RSA, "-sha1"), "rsa sha224": (RSA, "-sha224"),
    "rsa sha256": (RSA, "-sha256"), "rsa sha384": (RSA, "-sha384"), "rsa sha512": (RSA, "-sha512"),
    "rsa sha512-256": (RSA, "-sha512-256"), "rsa sha3-256": (RSA, "-sha3-256"),
    "pss sha256": (RSA, "-sha256", *PSS), "pss sha384": (RSA, "-sha384", *PSS),
    "pss sha512": (RSA, "-sha512", *PSS), "pss sha1": (RSA, "-sha1", *PSS),
    "pss key": (("rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"), "-sha256"),
    "ecdsa sha1": (P256, "-sha1"), "ecdsa sha224": (P256, "-sha224"),
    "ecdsa sha256": (P256, "-sha256"), "ecdsa sha384": (P256, "-sha384"),
    "ecdsa sha512": (P256, "-sha512"), "ecdsa sha3-512": (P256, "-sha3-512"),
    "ed25519": (("ed25519",),), "ed448": (("ed448",),),
}

# What every server's OpenSSL takes. The Edwards curves have no hash of their own: psql fails there
# too, unless channel_binding says disable.
BOUND = {"rsa sha224", "rsa sha256", "rsa sha384", "rsa sha512", "pss sha256", "pss sha384",
         "pss sha512", "ecdsa sha256", "ecdsa sha384", "ecdsa sha512"}
UNBOUND = {"ed25519", "ed448"}


@pytest.fixture(scope="session")
def signed(authority):
    """A certificate for each, signed by itself, so that the signature is of its key's kind."""
    made = {}
    for name, (key_type, *options) in SIGNATURES.items():
        certificate = authority.folder / f"signed {name}.crt"
        key = certificate.with_suffix(".key")
        openssl("req", "-x509", "-newkey", *key_type, *options, "-nodes", "-days", "30",
                "-subj", "/CN=localhost", "-keyout", key, "-out", certificate)
        key.chmod(0o600)
        process.give_to_server(key)
        made[name] = (certificate, key)
    return made


def shows(server, certificate):
    """Whether the server shows that certificate; it keeps the last one if it cannot use another."""
    said = subprocess.run(
        ["openssl", "s_client", "-starttls", "postgres", "-connect", f"127.0.0.1:{server.port}"],
        stdin=subprocess.DEVNULL, capture_output=True)
    shown = subprocess.run(["openssl", "x509", "-outform", "DER"], input=said.stdout,
                           capture_output=True)
    return shown.stdout == openssl("x509", "-in", certificate, "-outform", "DER")


@pytest.mark.majors(13, 15, 18)
def test_channel_binding_works_or_fails_as_for_psql_with_every_signature(
    probe, servers, signed, major
):
    server = servers.create(major, flavour=flavour(major))
    server.sql(CREATE_SCRAMMED)
    differences, bound, unbound = [], set(), set()
    for name, (certificate, key) in signed.items():
        server.configure({"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key}, hba=HBA)
        if not shows(server, certificate):
            continue
        for binding in ("require", "prefer", "disable") if name in UNBOUND else ("require",):
            info = conninfo(server, user="scrammed", password=PASSWORD, sslmode="require",
                            channel_binding=binding)
            ours, theirs = probe(info, TLS_QUERY), by_psql(info, TLS_QUERY)
            if (ours.ok, ours.stdout) != (theirs.ok, theirs.stdout):
                differences.append(f"{name} {binding}\n{theirs}\n{ours}")
            assert ours.ok or "\nhint: " in ours.stderr or "error: server: " in ours.stderr
            if binding == "require":
                (bound if ours.ok else unbound).add(name)
    assert differences == []
    assert BOUND <= bound and UNBOUND <= unbound


# ---- Passwords ----------------------------------------------------------------------------------

# What the role's password is set to, what is typed, and whether that is the same to SASLprep.
TYPED = [
    ("pencil", "pencil", True), ("pencil", "Pencil", False),
    ("\ufb01sh", "fish", True), ("fish", "\ufb01sh", True),  # a ligature
    ("I\u00adX", "IX", True), ("\u2168", "IX", True), ("IX", "\u2168", True),
    ("\uff30\uff57\uff11", "Pw1", True),  # full-width letters
    ("gr\u00fc\u00df", "gru\u0308\u00df", True), ("gru\u0308\u00df", "gr\u00fc\u00df", True),
    ("gr\u00fc\u00df", "gruss", False), ("\u1100\u1161", "\uac00", True),
    ("a\u0340", "\u00e0", False), ("a\u0340", "a\u0340", True),  # prohibited before it is normalised
    ("\u212b", "\u00c5", True), ("\u03d2\u0301", "\u038e", True), ("\u1e9b\u0323", "\u1e69", True),
    ("\u2075\u00bd", "51\u20442", True),
    ("a\u00a0b", "a b", True), ("a\u3000b", "a b", True), ("a\u200bb", "a b", True),
    ("a\u200db", "ab", True), ("\u00ad", "\u00ad", True),
    # Arabic and Hebrew; with a digit at the end, or letters of both directions, as it is
    ("\ufee3\ufeae\ufea3\ufe92\ufe8e", "\u0645\u0631\u062d\u0628\u0627", True),
    ("\u0645\u0631\u062d\u0628\u06271", "\u0645\u0631\u062d\u0628\u06271", True),
    ("\u0645\u00a01", "\u0645\u00a01", True), ("\u0645\u00a01", "\u0645 1", False),
    ("\u05e9\u00a0\u05dd", "\u05e9 \u05dd", True), ("\u05e9\u00a0a", "\u05e9 a", False),
    ("\u2135\u05d0", "\u05d0\u05d0", False), ("\u2135", "\u05d0", True),
    # Newer than Unicode 3.2: as it is, even if normalisation would make something old of it
    ("\ufb01\U0001f511", "\ufb01\U0001f511", True), ("\ufb01\U0001f511", "fi\U0001f511", False),
    ("\U0001f237", "\u6708", False), ("\u32ff", "\u4ee4\u548c", False), ("\u32ff", "\u32ff", True),
    # Prohibited
    ("\ufb01\u2028", "\ufb01\u2028", True), ("\ufb01\u2028", "fi\u2028", False),
    ("\ufb01\x07", "\ufb01\x07", True), ("\ufb01\x07", "fi\x07", False),
    ("\ue000\ufb01", "\ue000\ufb01", True),
]


@pytest.mark.majors(13, 18)
def test_a_password_is_prepared_as_the_server_has_prepared_it(probe, servers, major):
    server = servers.create(major, auth="scram-sha-256")
    server.sql("".join("CREATE ROLE typist%d LOGIN PASSWORD '%s';" % (i, row[0].replace("'", "''"))
                       for i, row in enumerate(TYPED)))
    found = []
    for number, (stored, typed, same) in enumerate(TYPED):
        info, env = conninfo(server, user=f"typist{number}"), {"PGPASSWORD": typed}
        outcomes = probe(info, "SELECT 1", env=env).ok, by_psql(info, env=env).ok
        if outcomes != (same, same):
            found.append((stored, typed, outcomes))
    assert found == []


@pytest.mark.majors(15)
def test_a_password_that_is_not_utf_8_is_taken_as_it_is(probe, servers, major):
    server = servers.create(major, encoding="SQL_ASCII", auth="scram-sha-256")
    server.sql("CREATE ROLE latin LOGIN")
    server.sql(r"""DO $$ BEGIN
        EXECUTE 'ALTER ROLE latin PASSWORD ' || quote_literal(E'gr\xfc\xdf\xa0');
    END $$""")
    info = conninfo(server, user="latin", sslmode="disable")
    for typed, right in ((b"gr\xfc\xdf\xa0", True), (b"gr\xfc\xdf ", False)):
        env = {"PGPASSWORD": os.fsdecode(typed)}
        assert probe(info, "SELECT 1", env=env).ok == by_psql(info, env=env).ok == right


def scram_keys(verifier, password):
    """scram_client_key and scram_server_key, of "SCRAM-SHA-256$iterations:salt$…"."""
    iterations, salt = verifier.split("$")[1].split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt),
                                 int(iterations))
    return [base64.b64encode(hmac.digest(salted, text, "sha256")).decode()
            for text in (b"Client Key", b"Server Key")]


@pytest.mark.majors(13, 18)
def test_scram_keys_stand_in_for_the_password(probe, encrypted, major):
    client, server = scram_keys(encrypted.value(
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'scrammed'"), PASSWORD)
    wrong = base64.b64encode(bytes(32)).decode()
    for client_key, server_key, right in ((client, server, True), (wrong, server, False),
                                          (client, wrong, False)):
        info = conninfo(encrypted, user="scrammed", sslmode="require", passfile="/nonexistent",
                        scram_client_key=client_key, scram_server_key=server_key)
        ours = probe(info, "SELECT 1")
        assert ours.ok == by_psql(info).ok == right, ours
        assert client not in ours.stderr and server not in ours.stderr
    for bad in ("nonsense", client[:-4], client + "AAAA"):
        info = conninfo(encrypted, scram_client_key=bad)
        ours = probe(info, "SELECT 1")
        assert not by_psql(info).ok
        assert "bad scram_client_key" in ours.stderr and bad not in ours.stderr


@pytest.mark.majors(18)
def test_the_iterations_of_a_cautious_server_are_gone_through(probe, servers, major):
    server = servers.create(major, auth="scram-sha-256", conf={"scram_iterations": 500000})
    server.sql(f"CREATE ROLE patient LOGIN PASSWORD '{PASSWORD}'")
    probe(conninfo(server, user="patient", password=PASSWORD), "SELECT 1").check()


# ---- PEM text in settings, and what OpenSSL might do behind our back ----------------------------


@pytest.mark.majors(15)
def test_certificates_and_keys_may_be_text(probe, encrypted, authority, workdir, major):
    certificate, key = authority.issue("client-text", "certified")
    locked = tls.encrypt_key(key, workdir / "locked.key", "of the key").read_text()
    text = {"sslrootcert": authority.root.read_text(), "sslcert": certificate.read_text(),
            "sslkey": key.read_text()}

    def ask(**more):
        return probe(conninfo(encrypted, user="certified", sslmode="verify-full",
                              **{**text, **more}), "SELECT current_user")

    assert ask().check().stdout == "certified\n"
    assert ask(sslkey=locked, sslpassword="of the key").check().stdout == "certified\n"
    broken = "-----BEGIN {0}-----\nAAAA\n-----END {0}-----\n"
    for more, message in (
        ({"sslkey": locked, "sslpassword": "anothers"}, "sslpassword is not its password"),
        ({"sslkey": locked}, "it is encrypted, and sslpassword is not set"),
        ({"sslkey": broken.format("PRIVATE KEY")},
         "cannot load the private key that was given as text"),
        ({"sslkey": openssl("genpkey", "-algorithm", "ed25519").decode()},
         "does not fit the certificate"),
        ({"sslcert": broken.format("CERTIFICATE")}, "cannot read the PEM text given as sslcert"),
        ({"sslrootcert": broken.format("CERTIFICATE")},
         "cannot read the PEM text given as sslrootcert"),
    ):
        result = ask(**more)
        assert result.rc == 1 and message in result.stderr and "\nhint: " in result.stderr, result
        assert "BEGIN" not in result.stderr and "anothers" not in result.stderr


@pytest.mark.majors(15)
def test_the_chain_behind_our_certificate_goes_along(probe, encrypted, authority, major):
    middle = tls.Authority(authority.folder, "client middle", parent=authority)
    certificate, key = middle.issue("client-chained", "certified")
    chain = certificate.read_text() + middle.root.read_text()
    for given, right in ((chain, True), (certificate.read_text(), False)):
        info = conninfo(encrypted, user="certified", sslmode="require", sslcert=given,
                        sslkey=key.read_text())
        assert probe(info, "SELECT 1").ok == right


@pytest.mark.majors(15)
def test_openssl_never_asks_a_terminal_for_the_password_of_a_key(
    probe_program, encrypted, authority, workdir, major
):
    certificate, key = authority.issue("client-locked", "certified")
    locked = tls.encrypt_key(key, workdir / "locked.key", "of the key")
    info = conninfo(encrypted, user="certified", sslmode="require", sslcert=certificate,
                    sslkey=locked)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(probe_program, [str(probe_program), info, "SELECT 1"], process.clean_env())
    said, end = b"", time.monotonic() + 20
    try:
        while select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
            said += os.read(terminal, 4096)
        os.kill(pid, signal.SIGKILL)
    except OSError:  # what a terminal says once nobody is left at its other side
        pass
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 1, said
    assert b"sslpassword is not set" in said and b"Enter PEM" not in said


@pytest.mark.majors(18)
def test_the_machines_openssl_configuration_changes_nothing(probe, encrypted, workdir, major):
    weaker, broken = workdir / "weaker.cnf", workdir / "broken.cnf"
    weaker.write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
                      "[c]\nMaxProtocol = TLSv1.2\n")
    broken.write_text("openssl_conf = a\n[a]\nproviders = b\n[b]\nnothing = c\n"
                      "[c]\nmodule = /nonexistent.so\nactivate = 1\n")
    info = conninfo(encrypted, sslmode="require")
    for configuration in (weaker, broken):
        env = {"OPENSSL_CONF": configuration}
        assert probe(info, TLS_QUERY, env=env).check().stdout == "TLSv1.3\n"
    # That the file has an effect at all, psql shows.
    assert by_psql(info, TLS_QUERY, env={"OPENSSL_CONF": weaker}).stdout == "TLSv1.2\n"


# ---- Clear errors -------------------------------------------------------------------------------


def issue_by_date(authority, name, first_year, last_year, extensions=""):
    """A certificate for localhost that is good from the beginning of one year to that of another."""
    folder = authority.folder / f"{name}.ca"
    folder.mkdir()
    certificate, key = authority.folder / f"{name}.crt", authority.folder / f"{name}.key"
    (folder / "index").touch()
    (folder / "extensions").write_text(f"subjectAltName=DNS:localhost\n{extensions}\n")
    (folder / "cnf").write_text(
        f"[ca]\ndefault_ca=it\n[it]\ndatabase={folder}/index\nnew_certs_dir={folder}\n"
        "rand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key,
            "-out", folder / "request")
    openssl("ca", "-batch", "-config", folder / "cnf", "-cert", authority.root,
            "-keyfile", authority.root.with_suffix(".key"), "-in", folder / "request",
            "-out", certificate, "-startdate", f"{first_year}0101000000Z",
            "-enddate", f"{last_year}0101000000Z", "-notext", "-extfile", folder / "extensions")
    key.chmod(0o600)
    return certificate, key


@pytest.mark.majors(18)
def test_a_certificate_that_is_not_accepted_is_an_error_that_says_why(
    probe, servers, authority, signed, major
):
    server = servers.create(major, flavour=flavour(major))
    middle = tls.Authority(authority.folder, "middle", parent=authority)
    stranger = tls.Authority(authority.folder, "tls stranger")
    revoked = authority.issue("tls revoked", "localhost", ["DNS:localhost"])
    crl = authority.revocation_list("tls-revoked", revoked[0])
    for (certificate, key), settings, message, hint in (
        (issue_by_date(authority, "outdated", 2001, 2002), {}, "has expired", "renewed"),
        (issue_by_date(authority, "early", 2090, 2091), {}, "not yet valid", "clock"),
        (issue_by_date(authority, "purpose", 2001, 2091, "extendedKeyUsage=clientAuth"), {},
         "certificate purpose", "serverAuth"),
        (signed["rsa sha256"], {}, "self-signed", "signed by itself"),
        (stranger.issue("tls foreign", "localhost", ["DNS:localhost"]), {},
         "unable to get local issuer", "sslrootcert"),
        (middle.issue("tls bare", "localhost", ["DNS:localhost"]), {},
         "unable to get local issuer", "in between"),
        (revoked, {"sslcrl": crl}, "revoked", "sslcrl"),
        (authority.issue("tls other", "other", ["DNS:other"]), {}, 'not for the host "localhost"',
         "sslmode=verify-ca"),
    ):
        process.give_to_server(key)
        server.configure({"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key},
                         hba=["local all all trust", "hostssl all all all trust"])
        assert shows(server, certificate)
        info = conninfo(server, sslmode="verify-full", sslrootcert=authority.root, **settings)
        ours = probe(info, "SELECT 1")
        assert not by_psql(info).ok and ours.rc == 1
        said, hinted = ours.stderr.split("\nhint: ")
        assert message in said and hint in hinted, ours


# ---- Cancel requests ----------------------------------------------------------------------------


def ways(major):
    """Settings whose cancel requests have to go under TLS, and what these must begin with."""
    found = [({"sslmode": "require"}, REQUEST_TLS)]
    if major >= 17:
        found.append(({"sslmode": "require", "sslnegotiation": "direct"}, b"\x16\x03"))
    if major >= 18:
        found.append(({"sslmode": "require", "max_protocol_version": "3.2"}, REQUEST_TLS))
    return found


@pytest.mark.majors(13, 15, 18)
def test_a_cancel_request_goes_under_tls(probe, encrypted, major):
    for settings, first in ways(major):
        with Relay(encrypted.port) as relay, open(os.devnull, "wb") as nowhere:
            info = conninfo(encrypted, **settings, port=relay.port)
            result = probe("--cancel-after", "500", info, "SELECT pg_sleep(60)", stdout=nowhere,
                           timeout=30)
        assert "error: cancelled" in result.stderr and result.wall_time < 5
        assert len(relay.sent) == 2
        assert all(sent.startswith(first) and CANCEL not in sent for sent in relay.sent)
        assert encrypted.value("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep' "
                               "AND pid <> pg_backend_pid()") == "0"


def test_after_sigkill_the_guardian_cancels_under_tls(
    pgcask_path, servers, authority, workdir, major
):
    server = authority.enable(servers.create(
        major, flavour=flavour(major), conf={"checkpoint_timeout": "1h"}))
    server.configure(hba=HBA)
    server.restart()
    for number, (settings, first) in enumerate(ways(major)):
        builders.fill(server, mb=30, name=f"filler{number}")
        with Relay(server.port) as relay:
            uri = server.binary_uri(**settings).replace(f":{server.port}", f":{relay.port}")
            with process.Process([pgcask_path, "backup", uri, "--to", workdir / f"to{number}",
                                  "--checkpoint=spread"]) as running:
                oracles.wait_for_sessions(server, lambda found: found.slots)
                time.sleep(0.5)
                assert oracles.sessions_of(server), "the checkpoint was over too soon"
                connections = len(relay.sent)
                running.send_signal(signal.SIGKILL)
                running.wait(10)
                oracles.wait_for_nothing_left(server, timeout=2)
            time.sleep(0.5)  # for the second round
        assert len(relay.sent) > connections
        assert all(sent.startswith(first) and CANCEL not in sent for sent in relay.sent)
