"""A case of the tables in parity_*_cases.py, what comes of it, and in which words.

An Outcome is made of what psql, wire_probe or pgcask ping say: the facts of the session as its
server sees it, or the reasons why there is none, in words that do not depend on the program.
"""

import dataclasses
import json
import re

from . import paths

UNKNOWN = "no class of reasons fits"

# What a session is, as its server sees it.
FACTS = ("user", "database", "port", "address", "tls", "tls_version", "certificate", "standby",
         "application_name", "client_encoding", "datestyle", "timezone", "geqo",
         "statement_timeout", "search_path", "authentication")

# Why a connection is refused: the class, how psql's message says it, and how ours does. The first
# that fits counts.
NEVER = r"(?!)"
_WORDS = ("sslmode", "sslnegotiation", "channel_binding", "sslcertmode", "gssencmode",
          "target_session_attrs", "load_balance_hosts")
_SAME = (
    ("wrong password", r"password authentication failed"),
    ("certificate login failed", r'(certificate|"trust") authentication failed'),
    ("certificate wanted", r"connection requires a valid client certificate"),
    ("peer login failed", r"Peer authentication failed"),
    ("ident login failed", r"Ident authentication failed"),
    ("no pg_hba.conf line", r"no pg_hba\.conf entry"),
    ("pg_hba.conf rejects", r"pg_hba\.conf rejects"),
    ("role unknown", r"role .* does not exist"),
    ("role may not log in", r"is not permitted to log in"),
    ("database unknown", r"database .* does not exist"),
    ("database closed", r"is not currently accepting connections"),
    ("database forbidden", r"permission denied for database"),
    ("too many sessions", r"too many connections for"),
    ("starting", r"the database system is (starting up|not .*accepting connections)"),
    ("server setting", r"invalid value for parameter|unrecognized configuration parameter|"
     r"invalid command-line argument|cannot be changed without"),
)
_REASONS = (
    # What the server says
    *((name, text, text) for name, text in _SAME),
    # Services
    ("service unknown", r"definition of service .* not found", r"there is no service "),
    ("no service file", r"service file .* not found", r"cannot open the service file"),
    ("nested service", r"nested service specifications", r"a service cannot name another"),
    ("service file line too long", r"line \d+ too long", NEVER),
    ("service by LDAP", r"invalid LDAP URL", r"settings from LDAP"),
    ("service file syntax", r"syntax error in service file", r"^service file .* line \d+: "),
    # The connection string and its values
    *((f"bad value of {word}", f"invalid {word} value",
       f'bad value .* of connection setting "{word}"') for word in _WORDS),
    ("unknown setting", r"invalid (connection option|URI query parameter)",
     r"unknown connection setting"),
    ("no equals sign", r'missing "=" after|missing key/value separator|extra key/value separator',
     r'stands no known setting|has (no|two) "="'),
    ("an @ too many", NEVER, r"an @ too many"),
    ("bad value of sslsni", NEVER, r'bad value .* of connection setting "sslsni"'),
    ("open quote", r"unterminated quoted string", r"a quote that is not closed"),
    ("percent-encoding", r"invalid percent-encoded token|forbidden value %00",
     r"bad percent-encoding"),
    ("blanks in a URI", r"unexpected spaces found", r"blank"),
    ("bad IPv6 literal", r'end of string reached when looking for matching "]"|'
     r"IPv6 host address may not be empty|unexpected character .* at position",
     r"bad IPv6 address"),
    ("bad port", r'invalid port number|invalid integer value .* option "port"', r"bad port"),
    ("bad number", r"invalid integer value",
     r'bad value .* of connection setting "(connect_timeout|keepalives.*|tcp_user_timeout)"'),
    ("list lengths", r"could not match \d+ (port numbers|host names)",
     r"are lists of \d+ and \d+"),
    ("bad SCRAM key", r"invalid SCRAM (client|server) key", r"scram_(client|server)_key"),
    ("weak sslmode for direct TLS", r'weak sslmode .* may not be used with sslnegotiation=direct',
     r"sslnegotiation=direct needs sslmode"),
    ("weak sslmode for system roots", r"weak sslmode .* may not be used with sslrootcert=system",
     r"too weak for sslrootcert=system"),
    ("bad require_auth", r"invalid require_auth (value|method)|"
     r"require_auth method .* (is specified more than once|cannot be mixed)",
     r"bad require_auth"),
    ("bad TLS version", r'invalid "?ssl_m(in|ax)_protocol_version"? value|'
     r"invalid SSL protocol version range",
     r'TLS version ".*" is unknown|no TLS version is left between'),
    ("bad protocol version", r'invalid "?m(in|ax)_protocol_version"? value|'
     r'"min_protocol_version" is greater',
     r'bad m(in|ax)_protocol_version|min_protocol_version .* above'),
    ("bad hostaddr", r"could not parse network address", r"is no IP address"),
    ("socket path too long", r"Unix-domain socket path .* is too long", r"socket path .* too long"),
    # TLS
    ("server without TLS", r"server does not support SSL", r"does not offer TLS"),
    ("no root file", r"root certificate file .* does not exist|"
     r"could not get home directory to locate root certificate",
     r"there is no root certificate file"),
    ("bad root file", r"could not read root certificate file",
     r"cannot load the root certificates"),
    ("name needed", r"host name must be specified for a verified SSL connection",
     r"needs a host name to check"),
    ("no name in certificate", r"could not get server's host name from server certificate",
     r"certificate names no host"),
    ("name mismatch", r'server certificate for .* does not match host name',
     r"certificate is for .*, not for the host"),
    ("key is no file", r"private key file .* is not a regular file",
     r"cannot open the private key .*: it is no file"),
    ("key not usable", r"could not load private key file(?!.*key values mismatch)",
     r"cannot load the private key|cannot open the private key .*: Permission denied"),
    ("no key file", r"certificate present, but not private key file",
     r"cannot open the private key"),
    ("key file open to others", r"private key file .* has group or world access|"
     r"private key file .* must be owned", r"private key .* can be read by others"),
    ("key of another", r"could not load private key file .*key values mismatch|"
     r"certificate does not match private key file", r"does not fit the certificate"),
    ("bad certificate file", r"could not (read|open) certificate file",
     r"cannot load the client certificate"),
    ("TLS versions do not meet", r"alert protocol version|unsupported protocol|"
     r"no protocols available", r"alert protocol version|unsupported protocol|"
     r"no protocols available"),
    ("our certificate refused", r"alert (unknown ca|bad certificate|certificate (revoked|expired))",
     r"alert (unknown ca|bad certificate|certificate (revoked|expired))"),
    ("certificate not trusted", r"certificate verify failed",
     r"server's certificate is not accepted"),
    ("no direct TLS", r"server sent no ALPN|direct SSL connection.*without ALPN|"
     r"SSL connection was established without ALPN|SSL error: unexpected eof|SSL SYSCALL error",
     r"during the TLS handshake|ALPN"),
    # Getting there
    ("host unknown", r"could not translate host name", r"cannot (resolve|find) |no such host"),
    ("nobody listens", r"Connection refused|No such file or directory\n\tIs the server running",
     r"Connection refused|No such file or directory"),
    ("timeout", r"timeout expired", r"no answer within connect_timeout"),
    ("not PostgreSQL", r"received invalid response to SSL negotiation|"
     r"expected authentication request from server",
     r"the server's first messages make no sense|the server sent|answered the request for TLS"),
    ("hung up", r"server closed the connection unexpectedly|Connection reset by peer",
     r"closed the connection|Connection reset"),
    ("socket option", r"setsockopt\(", r"keepalive|tcp_user_timeout|socket option"),
    ("peer of the socket", r"requirepeer specifies", r"requirepeer"),
    # Authentication
    ("no password", r"no password supplied", r"asks for a password .* there is none"),
    ("GSSAPI", r"GSSAPI", r"GSSAPI"),
    ("require_auth", r"authentication method requirement .* failed", r"require_auth"),
    ("channel binding", r"channel binding (is )?required", r"channel binding"),
    ("no certificate hash", r"could not find digest|could not determine server certificate",
     r"allows no channel binding"),
    ("no user", r"local user with ID \d+ does not exist", r"no user to connect as"),
    ("sslcertmode", r"server did not request an SSL certificate|"
     r"server accepted connection without a valid SSL certificate", r"sslcertmode"),
    ("protocol version", r"server only supports protocol version", r"protocol"),
    # The session
    ("read-write session", r"session is not read-only", r"session is not read-only"),
    ("read-only session", r"session is read-only", r"is read-only"),
    ("standby", r"server is in hot standby mode", r"is a standby|hot standby"),
    ("primary", r"server is not in hot standby mode", r"is (a primary|no standby|not a standby)"),
    # Ours alone
    ("not supported", NEVER, r"connection setting .* is not supported"),
)

# Parameters and variables that psql 15 does not know.
_NEWER = (r"(?i)ssl_?negotiation|(min|max)_?protocol_?version[ =]+(3|4|latest|three)|ssl_?certmode|"
          r"require_?auth|load_?balance_?hosts|scram_client_key|sslkeylogfile|oauth|gssdelegation|"
          r"(sslrootcert=| )system")

WRONG = "wr0ng-s3cret"  # a password of nobody


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the table. info: the connection string or URI; "": everything is elsewhere.

    In info, env and files {name} stands for one of the stage's names.
    env       variables; HOME is the case's own folder unless given, None takes a variable away
    files     name below the home folder -> text, or (text, mode); the mode is 0600 otherwise
    shown     which certificate the server at {show} has
    ping      pgcask ping is held against psql too
    newer     psql 15 does not know this
    uid       run as this user, who owns the home folder (only where the tests run as root)
    ours      where we mean to differ: the outcome that is ours alone, as Outcome.brief, and why
    """

    name: str
    info: str = ""
    env: dict = dataclasses.field(default_factory=dict)
    files: dict = dataclasses.field(default_factory=dict)
    shown: str = None
    ping: bool = False
    newer: bool = False
    uid: int = None
    ours: tuple = None

    @property
    def known_to_15(self):
        """No parameter or rule is in it that came after PostgreSQL 15."""
        return not any(re.search(_NEWER, f"{word} {self.env[word]}") for word in self.env) and \
            not re.search(_NEWER, f"{self.info} {self.files.values()}") and not self.newer


@dataclasses.dataclass(frozen=True)
class Outcome:
    accepted: bool
    facts: tuple  # of an accepted one: a value for each of FACTS
    reasons: tuple  # of a refused one: classes, each once, in the order they were given
    hinted: bool
    text: str  # what the program said

    @property
    def brief(self):
        return "accepted" if self.accepted else ", ".join(self.reasons)

    def __str__(self):
        facts = " ".join(f"{name}={value}" for name, value in zip(FACTS, self.facts))
        return f"{self.brief} {facts}\n{self.text}"


_IGNORED = re.compile(r"WARNING: password file|passfile .* is ignored")


def differences(theirs, ours):
    """What is not the same in two outcomes, in words; [] if they are one."""
    if theirs.accepted != ours.accepted:
        return ["one is in, the other is not"]
    if _IGNORED.search(theirs.text) and not _IGNORED.search(ours.text):
        return ["psql warns of the passfile"]
    found = [f"{name}: psql {its!r}, ours {our!r}"
             for name, its, our in zip(FACTS, theirs.facts, ours.facts) if our not in (its, None)]
    # Of the two tries of sslmode=prefer at a server we report that which says more, but every
    # server is reported.
    servers = set(re.findall(r'connection to server (.*?) failed|could not translate host name',
                             theirs.text))
    same = set(ours.reasons) == set(theirs.reasons) if len(servers) > 1 else \
        set(ours.reasons) <= set(theirs.reasons)
    if not same:
        found.append(f"reason: psql {theirs.brief!r}, ours {ours.brief!r}")
    return found


def of_psql(result):
    if result.rc == 0:
        return _accepted(result)
    # An attempt each: one line and those that continue it.
    lines = [line for line in result.stderr.splitlines() if not line.startswith("WARNING: ")]
    text = "\n".join(lines).removeprefix("psql: error: ")
    parts = re.split(r"\n(?=connection to server )", text)
    return Outcome(False, (), _reasons(parts, 1), False, result.stderr)


def of_probe(result):
    assert "Sanitizer" not in result.stderr, result
    if result.rc == 0:
        outcome = _accepted(result)
        tls = "yes" if outcome.facts[FACTS.index("tls")] == "t" else "no"
        assert f"tls: {tls}\n" in result.stderr, result
        return outcome
    assert result.rc == 1, result
    message = re.search(r"^error: \w+: (?:\w{5}: )?(.*)", result.stderr, re.M)
    assert message, result
    return Outcome(False, (), _reasons(_attempts(message[1]), 2), "\nhint: " in result.stderr,
                   result.stderr)


def of_ping(result):
    """ping has fewer facts."""
    assert "Sanitizer" not in result.stderr, result
    answer = json.loads(result.stdout)
    if result.rc == 0:
        facts = [None] * len(FACTS)
        facts[FACTS.index("user")] = answer["user"]
        facts[FACTS.index("tls")] = "t" if answer["tls"] else "f"
        facts[FACTS.index("standby")] = "t" if answer["in_recovery"] else "f"
        return Outcome(True, tuple(facts), (), False, result.stdout)
    error = answer["error"]
    return Outcome(False, (), _reasons(_attempts(error["message"]), 2), bool(error.get("hint")),
                   result.stdout + result.stderr)


def _attempts(message):
    """Our message in parts: one for each server that was tried."""
    return re.split(r"; (?=cannot connect to )", message)


OUTCOME_OF = {"psql": of_psql, "old psql": of_psql, "probe": of_probe, "ping": of_ping}


def _accepted(result):
    facts = result.stdout.strip().split("|")
    assert len(facts) == len(FACTS), result
    name = FACTS.index("application_name")
    if facts[name] in ("psql", "pgcask"):
        facts[name] = "(the program)"
    return Outcome(True, tuple(facts), (), False, result.stderr)


def _reasons(parts, column):
    found = []
    for part in parts:
        for reason in _REASONS:
            if re.search(reason[column], part, re.S):
                found.append(reason[0])
                break
        else:
            found.append(UNKNOWN)
    return tuple(dict.fromkeys(found))
