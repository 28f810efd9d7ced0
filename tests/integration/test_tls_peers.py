"""Servers that behave as no real one does, before they have let anybody in. Stock psql, asked with the
same string, says whether we go on, and in which way: pgcask_testing/tls_peer.py keeps the trace."""

import base64
import time

import pytest

from pgcask_testing import paths, process
from pgcask_testing.tls_peer import SESSION, Peer, authentication, error


@pytest.fixture(scope="session")
def probe(probe_program):
    """probe(*options, conninfo, sql, ...) -> process.Result"""
    return lambda *args, **options: process.run([probe_program, *args], **options)


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("peer", "localhost", ["DNS:localhost"])


def conninfo(peer, **settings):
    given = {"host": "localhost", "hostaddr": "127.0.0.1", "port": peer.port,
             "dbname": "postgres", "user": "postgres", "password": "x", "connect_timeout": 10,
             **settings}
    return " ".join(f"{name}='{value}'" for name, value in given.items())


def by_psql(info, major=paths.NEWEST):
    return process.run([paths.stock("psql", major), "-X", "-A", "-t", "-c", "SELECT 1", "-d", info])


CLEARTEXT = authentication(3)
PEERS = {
    "an error": dict(answer=error(b"53300")),
    "one letter of an error": dict(answer=b"E"),
    "a strange letter": dict(answer=b"X"),
    "the end": dict(answer=b""),
    "yes, and data in clear": dict(answer=b"S" + SESSION),
    "yes, and the end": dict(shakes_hands=False),
    "no": dict(answer=b"N"),
    "no, then an error": dict(answer=b"N", in_clear=error(b"28000")),
    "TLS, then the end": dict(under_tls=b""),
    "TLS, then nonsense": dict(under_tls=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "TLS, then no": dict(under_tls=error(b"28000")),
    "TLS, then wrong password": dict(under_tls=error(b"28P01")),
    "TLS, then too many": dict(under_tls=error(b"53300")),
    "TLS, then no database": dict(under_tls=error(b"3D000")),
    "TLS, then a password, then no": dict(under_tls=(CLEARTEXT, error(b"28P01"))),
    "TLS, then a password, then the end": dict(under_tls=(CLEARTEXT, b"")),
    "TLS, let in, then no": dict(under_tls=authentication(0) + error(b"3D000")),
    "TLS, then a method of nobody": dict(under_tls=authentication(99)),
    "another protocol": dict(alpn=("http/1.1",)),
    "no protocol": dict(alpn=()),
    "clear refused": dict(in_clear=error(b"28000")),
    "clear ends": dict(in_clear=b""),
    "clear refused, TLS refused": dict(in_clear=error(b"28000"), under_tls=error(b"28000")),
}

WAYS = {
    "prefer": {"sslmode": "prefer"},
    "allow": {"sslmode": "allow"},
    "require": {"sslmode": "require"},
    "direct": {"sslmode": "require", "sslnegotiation": "direct"},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", PEERS)
def test_whatever_a_server_answers_we_go_on_as_psql_does(probe, certificate, what, way):
    def trace(call):
        with Peer(certificate, **PEERS[what]) as peer:
            result = call(conninfo(peer, **WAYS[way]))
        return result, [line.removesuffix(" tls") for line in peer.log]

    (theirs, their_log), (ours, our_log) = trace(by_psql), trace(lambda i: probe(i, "SELECT 1"))
    assert (ours.ok, our_log) == (theirs.ok, their_log), f"{theirs}\n{ours}"
    if not ours.ok:
        assert "error: " in ours.stderr
        assert "\nhint: " in ours.stderr or "error: server: " in ours.stderr


@pytest.mark.parametrize("settings, name", [
    ({"host": "db.example.org"}, "db.example.org"),
    ({"host": "127.0.0.1"}, None),
    ({"host": "127.1"}, None),
    ({"host": "::1"}, None),
    ({"host": "db.example.org", "sslsni": 0}, None),
    ({"host": "db.example.org", "sslsni": 1, "sslnegotiation": "direct"}, "db.example.org"),
    ({"host": ""}, None),
])
def test_the_hosts_name_goes_into_the_handshake_and_never_an_address(
    probe, certificate, settings, name
):
    names = []
    for call in (by_psql, lambda info: probe(info, "SELECT 1")):
        with Peer(certificate) as peer:
            call(conninfo(peer, sslmode="require", **settings)).check()
        names.append(peer.names)
    assert names[0] == names[1] == [name]


# ---- Authentication -----------------------------------------------------------------------------

PLAIN = b"SCRAM-SHA-256\0\0"
BOTH = b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
@pytest.mark.parametrize("offer", [PLAIN, BOTH])
@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_downgrade_of_channel_binding_shows(probe, certificate, offer, binding, sslmode):
    """The first message says p, y or n: the server refuses a y where it had offered PLUS, which
    tells it that somebody has taken the offer away."""
    script = (authentication(10, offer), error(b"28P01"))
    said = []
    for call in (by_psql, lambda info: probe(info, "SELECT 1")):
        with Peer(certificate, in_clear=script, under_tls=script) as peer:
            assert not call(conninfo(peer, sslmode=sslmode, channel_binding=binding)).ok
        said.append([body[:body.index(b",,")].replace(b"\0", b" ") for body in peer.received])
    assert said[0] == said[1]
    if binding == "require":
        assert said[0] == ([] if sslmode == "disable" or offer == PLAIN else said[0])


def scram_first(iterations, nonce=None):
    """The server's first message needs the client's nonce, which a fixed script does not have."""
    return authentication(11, b"r=%s,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=%d" % (nonce or b"x", iterations))


class ScramPeer(Peer):
    """Begins SCRAM with the client's nonce and so many iterations, then goes on with `rest`."""

    def __init__(self, certificate, iterations, rest=b"", extra=b"server"):
        self.iterations, self.rest, self.extra = iterations, rest, extra
        super().__init__(certificate, answer=b"N")

    def _session(self, sock, script, words):
        sock.sendall(authentication(10, PLAIN))
        self._exactly(sock, 1)
        nonce = self._startup(sock).split(b"r=")[1]
        sock.sendall(scram_first(self.iterations, nonce + self.extra))
        self._exactly(sock, 1)
        words.append("proof")
        self._startup(sock)
        sock.sendall(self.rest)
        self._exactly(sock, 1)


def test_a_hostile_number_of_iterations_is_refused_at_once(probe, certificate):
    for iterations in (10_000_001, 2**31 - 1, 2**32):
        with ScramPeer(certificate, iterations) as peer:
            result = probe(conninfo(peer), "SELECT 1")
        assert "more than 10000000 SCRAM iterations" in result.stderr and "hint: " in result.stderr
        assert peer.log == ["asked clear"] and result.wall_time < 3


def test_as_many_iterations_as_are_allowed_end_with_connect_timeout_or_a_signal(
    probe, pgcask_popen, certificate
):
    with ScramPeer(certificate, 10_000_000) as peer:
        result = probe(conninfo(peer, connect_timeout=1), "SELECT 1")
        assert "no answer within connect_timeout" in result.stderr and result.wall_time < 4
        running = pgcask_popen("ping", conninfo(peer, connect_timeout=0))
        time.sleep(0.5)
        running.terminate()
        assert running.wait(10).wall_time < 4
        assert "proof" not in "".join(peer.log)


@pytest.mark.parametrize("rest", [
    authentication(0),
    SESSION,
    authentication(12, b"v=" + base64.b64encode(bytes(32))) + SESSION,
    authentication(12, b"v=") + SESSION,
    authentication(12, b"e=other-error"),
    authentication(12, b"v=" + base64.b64encode(bytes(32)) + b",x=y"),
    authentication(3),
    authentication(10, PLAIN),
])
def test_a_server_that_does_not_know_the_password_is_not_believed(probe, certificate, rest):
    with ScramPeer(certificate, 4096, rest) as peer:
        result = probe(conninfo(peer), "SELECT 1")
    assert not result.ok and "lost" not in result.stderr, result
    assert peer.log == ["asked clear proof"]


@pytest.mark.parametrize("extra", [b"", b"\x07", b"\xff"])
def test_a_nonce_of_the_server_is_longer_than_ours_and_printable(probe, certificate, extra):
    with ScramPeer(certificate, 4096, b"", extra) as peer:
        result = probe(conninfo(peer), "SELECT 1")
    assert not result.ok and "SCRAM" in result.stderr
    assert peer.log == ["asked clear"]
