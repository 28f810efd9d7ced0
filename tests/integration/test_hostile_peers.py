"""A correct session with one disturbance, at every message: the protocol's side of a hostile peer.

Every message that the fake server sends in a whole backup (the preflight's sessions, the backup's
own, the slot's) is preceded or replaced by each disturbance of a table. What must not matter does
not: the backup is taken and is the same. Everything else either ends in one clear error with
nothing left, or does no harm either: the backup is then the same, too.
"""

import base64
import itertools
import os
import socket
import struct
import time

import pytest

from pgcask_testing import hostile, tls as tls_module
from pgcask_testing.fake_server import (
    FakeServer, Listener, Member, Scram, base_members, manifest_of, message,
)

PASSWORD = "geheim"
ENVIRONMENT = {"PGPASSWORD": PASSWORD}
BACKUP = 2  # the number of the session that takes the backup; 0 is the preflight's, 7 the slot's
ARCHIVES = [(16384, [Member("PG_15", type="5"), Member("PG_15/1", b"x")]),
            ("base", [*base_members(), Member("pg_tblspc/16384", type="2", link="/srv/1")])]
ESCAPES = b"\x1b[2J\x1b]0;owned\x07\xff\xfe\xc2\x9b31m\r\n"


@pytest.fixture(scope="module")
def judge(pgcask_path):
    return hostile.Judge(pgcask_path)


def data_of(folder):
    """What a backup holds of the server's files."""
    return {path: entry for path, entry in hostile.snapshot(folder).items()
            if path not in ("manifest.json", "summary.json")}


def take(pgcask, target, *, major=15, archives=None, manifest=None, env=None, options=(),
         query="", timeout=60, **server):
    archives = ARCHIVES if archives is None else archives
    manifest = manifest_of(*archives) if manifest is None else manifest
    server.setdefault("password", PASSWORD)
    with FakeServer(major, archives, manifest, **server) as fake:
        result = pgcask("backup", fake.uri + query, "--to", target, "--quiet", *options,
                        env={**ENVIRONMENT, **(env or {})}, timeout=timeout)
        result.fake = fake
        return result


def fields(*pairs, end=b"\0"):
    return b"".join(code + text + b"\0" for code, text in pairs) + end


def error_body(text, sqlstate=b"XX000", severity=b"ERROR"):
    return fields((b"S", severity), (b"V", severity), (b"C", sqlstate), (b"M", text))


def notice(text=b"by the way", severity=b"WARNING"):
    return message(b"N", error_body(text, b"01000", severity))


def header(kind, length):
    return kind + struct.pack(">I", length)


NOTICE = notice()
ERROR = message(b"E", error_body(b"not today, thank you"))
STATUS = message(b"S", b"application_name\0pgcask\0")
NOTIFICATION = message(b"A", struct.pack(">I", 4711) + b"channel\0payload\0")
TEXT_COLUMN = struct.pack(">IHIHIH", 0, 0, 25, 65535, 0, 0)

# In front of a message. None ends the connection there.
BEFORE = {
    "notice": NOTICE,
    "notice with escapes": notice(ESCAPES * 40),
    "fields of a notice are unknown": message(b"N", fields((b"?", b"x"), (b"M", b"y"))),
    "status": STATUS,
    "notification": NOTIFICATION,
    "error": message(b"E", error_body(b"no, thank you")),
    "fatal error with escapes": message(b"E", error_body(ESCAPES * 40, b"57P01", b"FATAL")),
    "error without fields": message(b"E", b"\0"),
    "error without its end": message(b"E", b"MSorry\0"),
    "error without a NUL": message(b"E", b"MSorry"),
    "status without a value": message(b"S", b"name\0"),
    "status with a NUL too many": message(b"S", b"name\0value\0\0"),
    "notice of an empty body": message(b"N"),
    "unknown type": message(b"?", b"what"),
    "type 0": message(b"\0", b"what"),
    "a frontend's type": message(b"X"),
    "length 0": header(b"S", 0),
    "length 3": header(b"N", 3) + b"xyz",
    "negative length": header(b"T", 0xFFFFFFF0),
    "length of 4 GiB": header(b"D", 0xFFFFFFFF),
    "length of 1 GiB": header(b"N", 1 << 30) + bytes(1 << 16),
    "hang up": None,
    "authentication again": message(b"R", struct.pack(">I", 0)),
    "key again": message(b"K", struct.pack(">II", 1, 2)),
    "ready": message(b"Z", b"I"),
    "ready in a strange state": message(b"Z", b"?"),
    "complete": message(b"C", b"SELECT 1\0"),
    "complete without a NUL": message(b"C", b"SELECT 1"),
    "65535 columns": message(b"T", b"\xff\xff"),
    "a column more": message(b"T", struct.pack(">H", 2) + b"a\0" + TEXT_COLUMN),
    "row without description": message(b"D", struct.pack(">HI", 1, 1) + b"x"),
    "row of 65535 columns": message(b"D", b"\xff\xff"),
    "row with a value beyond its end": message(b"D", struct.pack(">HI", 1, 0x7FFFFFFF) + b"x"),
    "row with a negative length": message(b"D", struct.pack(">HI", 1, 0xFFFFFFFE) + b"x"),
    "copy data": message(b"d", b"dhello"),
    "copy done": message(b"c"),
    "copy out": message(b"H", b"\0\0\0"),
    "copy in": message(b"G", b"\0\0\0"),
    "copy both": message(b"W", b"\0\0\0"),
    "protocol negotiation": message(b"v", struct.pack(">II", 0x00030000, 0)),
}
HARMLESS = {"notice", "notice with escapes", "fields of a notice are unknown"}
HARMLESS_IN_A_SESSION = {"status", "notification"}
NEVER_ALLOWED = {
    "unknown type", "type 0", "a frontend's type", "length 0", "length 3", "negative length",
    "length of 4 GiB", "length of 1 GiB", "hang up", "error without its end",
    "error without a NUL", "notice of an empty body", "error", "error without fields",
    "fatal error with escapes", "65535 columns", "row of 65535 columns",
    "row with a value beyond its end", "row with a negative length", "complete without a NUL",
    "ready in a strange state", "status without a value", "status with a NUL too many",
    "key again", "authentication again", "a column more", "copy in", "copy both", "copy out",
    "row without description",
}
# In place of a message, made of it.
INSTEAD = {
    "half": lambda data: data[:len(data) // 2],
    "only its type": lambda data: data[:1],
    "a byte short": lambda data: data[:-1],
    "shorter by its length": lambda data: message(data[:1], data[5:-1]),
    "a byte more": lambda data: message(data[:1], data[5:] + b"x"),
    "twice": lambda data: data * 2,
}


STARTING, ASKING, STREAMING = "starting", "asking", "streaming"


def positions(pgcask, major):
    """Every message of a whole backup: (session, message, phase). Phases: before AuthenticationOk
    was sent, from then on, and from BASE_BACKUP's first answer on."""
    seen, phases = [], {}

    def look(session, kind, data):
        phase = phases.setdefault(session.number, STARTING)
        if session.command_word == "BASE_BACKUP":
            phase = STREAMING
        seen.append((session.number, session.sent, phase))
        if data == message(b"R", struct.pack(">I", 0)):
            phases[session.number] = ASKING
        return data

    with hostile.folder() as folder:
        take(pgcask, folder / "backup", major=major, tamper=look).check()
        expected = data_of(folder / "backup")
    assert len(seen) > 100
    # The refused SQL sessions are all alike.
    return [place for place in seen if place[0] in (0, 1, BACKUP) or place[0] > 5], expected


class Tamper:
    """Disturbs one message of one session. What is cut short is followed by nothing."""

    def __init__(self, session, index, name):
        self.session, self.index, self.name = session, index, name

    def __call__(self, session, kind, data):
        if (session.number, session.sent) != (self.session, self.index):
            return data
        if self.name in INSTEAD:
            changed = INSTEAD[self.name](data)
            if len(changed) < len(data) and self.name != "shorter by its length":
                session.sock.sendall(changed)
                return None
            return changed
        before = BEFORE[self.name]
        return None if before is None else before + data


def expectation(session, phase, name):
    """True: the backup must be taken; False: it must fail; None: either is fine, as some sessions
    only gather what is nice to know, and a broken one is made new before the stream begins."""
    if name in HARMLESS or (name in HARMLESS_IN_A_SESSION and phase != STARTING):
        return True
    if session != BACKUP or phase == ASKING:
        return None
    return False if name in NEVER_ALLOWED or name in HARMLESS_IN_A_SESSION else None


def disturb(pgcask, judge, major, expected, session, index, phase, name):
    with hostile.folder() as folder:
        result = take(pgcask, folder / "backup", major=major, tamper=Tamper(session, index, name),
                      timeout=30)
        must = expectation(session, phase, name)
        if must is False or (must is None and result.rc != 0):
            judge.refused(result)
            assert not list(folder.iterdir()), result
        else:
            judge.clean(result)
            assert result.rc == 0, result
            assert data_of(folder / "backup") == expected, result


def sweep(pgcask, judge, major, names, keep=lambda number, place: True):
    places, expected = positions(pgcask, major)
    cases = [(*place, name) for (i, place), (k, name)
             in itertools.product(enumerate(places), enumerate(sorted(names)))
             if keep(i + k, place)]
    hostile.all_of(cases, lambda case: disturb(pgcask, judge, major, expected, *case))


@pytest.mark.parametrize("name", [*sorted(HARMLESS_IN_A_SESSION), "notice with escapes"])
def test_what_a_server_may_say_by_the_way(pgcask, judge, name):
    sweep(pgcask, judge, 15, [name])


@pytest.mark.parametrize("name", ["hang up", "half", "twice", "unknown type"])
def test_the_same_at_every_message(pgcask, judge, name):
    sweep(pgcask, judge, 15, [name])


def test_every_disturbance_at_every_fourth_message(pgcask, judge):
    """Each message gets every fourth of the table, so that all of it meets all kinds of message."""
    sweep(pgcask, judge, 15, {**BEFORE, **INSTEAD}, lambda number, _: number % 4 == 0)


def test_the_stream_of_14(pgcask, judge):
    """The rows and copies of BASE_BACKUP before 15, which are other messages."""
    sweep(pgcask, judge, 14, {**BEFORE, **INSTEAD},
          lambda number, place: place[2] == STREAMING and number % 4 == 0)


# ---- What never ends ---------------------------------------------------------------------------


class Flood:
    """From one message of one session on, the same bytes without end, or `times`."""

    def __init__(self, session, command, data, times=None, after=0):
        self.session, self.command, self.data, self.times = session, command, data, times
        self.after = after  # so many messages of that command's answer

    def __call__(self, session, kind, data):
        if session.number != self.session or session.command_word != self.command:
            return data
        self.after -= 1
        if self.after >= 0:
            return data
        block = self.data if callable(self.data) else lambda number: self.data
        for number in itertools.count() if self.times is None else range(self.times):
            session.sock.sendall(block(number))
        return data


def blocks(one):
    return one * max(1, (1 << 16) // len(one))


def new_parameters(number):
    return b"".join(message(b"S", b"name %d\0" % (number * 64 + i) + b"v" * 4000 + b"\0")
                    for i in range(64))


ROW = message(b"D", struct.pack(">HI", 1, 5) + b"value")
EMPTY_ROW = message(b"D", b"\0\0")
POSITION_ROW = message(b"D", struct.pack(">HI", 2, 9) + b"0/2000028" + struct.pack(">I", 1) + b"1")
SPACE = b"/" + b"x" * 1000
SPACE_ROW = message(b"D", struct.pack(">HI", 3, 5) + b"%05d" + struct.pack(">I", len(SPACE)) + SPACE
                    + struct.pack(">I", 1) + b"1")
FLOODS = {
    "notices for a query": (BACKUP, "SHOW", blocks(notice(b"x" * 1000))),
    "parameters for a query": (BACKUP, "IDENTIFY_SYSTEM", new_parameters),
    "notifications": (BACKUP, "BASE_BACKUP", blocks(NOTIFICATION)),
    "notices in the stream": (BACKUP, "BASE_BACKUP", blocks(NOTICE), 12),
    "rows of a query": (BACKUP, "IDENTIFY_SYSTEM", blocks(ROW), 1),
    "rows without columns": (BACKUP, "IDENTIFY_SYSTEM",
                             lambda n: blocks(EMPTY_ROW) if n else message(b"T", b"\0\0")),
    "descriptions": (BACKUP, "IDENTIFY_SYSTEM", blocks(message(b"T", b"\0\0"))),
    "ends of a command": (BACKUP, "BASE_BACKUP", blocks(message(b"C", b"BASE_BACKUP\0")), 3),
    "empty queries": (BACKUP, "IDENTIFY_SYSTEM", blocks(message(b"I"))),
    "errors": (BACKUP, "BASE_BACKUP", blocks(ERROR), 1),
    "errors for a query": (BACKUP, "IDENTIFY_SYSTEM", blocks(ERROR)),
    "start positions": (BACKUP, "BASE_BACKUP", blocks(POSITION_ROW), 1),
    "tablespaces": (BACKUP, "BASE_BACKUP",
                    lambda n: b"".join(SPACE_ROW % (16384 + 32 * n + i) for i in range(32)), 4),
    "progress": (BACKUP, "BASE_BACKUP", blocks(message(b"d", b"p" + bytes(8))), 9),
    "empty data": (BACKUP, "BASE_BACKUP", blocks(message(b"d", b"d")), 12),
    "the end of a name": (BACKUP, "BASE_BACKUP", header(b"d", 1 << 30) + b"n" + b"x" * 70000, 9),
    "positions at the end": (BACKUP, "BASE_BACKUP", blocks(POSITION_ROW), 28),
    "rows for the slot": (7, "CREATE_REPLICATION_SLOT", blocks(EMPTY_ROW), 1),
    "WAL for the slot": (7, "START_REPLICATION", blocks(message(b"d", b"w" * 1000)), 1),
    "notices for the slot": (7, "START_REPLICATION", blocks(NOTICE)),
}


def test_what_never_ends(pgcask, judge):
    def run(name):
        session, command, data, *after = FLOODS[name]
        with hostile.folder() as folder:
            result = take(pgcask, folder / "backup", timeout=100,
                          tamper=Flood(session, command, data, None, *after))
            judge.refused(result)
            assert not list(folder.iterdir()), result

    hostile.all_of(FLOODS, run)


STARTING_FLOODS = {
    "notices": blocks(notice(b"x" * 1000)),
    "one byte at a time": b"N",
    "negotiations": blocks(message(b"v", struct.pack(">II", 0x00030000, 0))),
    "parameters": blocks(STATUS),
    "fields of an error": header(b"E", 29000) + b"Mx\0" * 9000,
    "a message of 1 GiB": header(b"N", 1 << 30) + bytes(1 << 16),
    "mechanisms": header(b"R", 29000) + struct.pack(">I", 10) + b"SCRAM\0" * 4832,
    "mechanisms without an end": header(b"R", 29000) + struct.pack(">I", 10) + b"x" * 28992,
}


@pytest.mark.parametrize("after", [0, 4], ids=["before authentication", "after it"])
def test_what_never_ends_while_connecting(pgcask, judge, after):
    """connect_timeout ends it, however busy the server is."""
    def run(name):
        data = STARTING_FLOODS[name]

        def flood(session, kind, whole):
            if session.sent != after:
                return whole
            while True:
                session.sock.sendall(data)
                if len(data) == 1:
                    time.sleep(0.05)

        with hostile.folder() as folder:
            result = take(pgcask, folder / "backup", tamper=flood, query="?connect_timeout=2",
                          timeout=30)
            judge.refused(result)
            assert result.wall_time < 12, result
            assert not list(folder.iterdir()), result

    hostile.all_of(STARTING_FLOODS, run)


def test_a_message_of_a_gibibyte_that_comes_slowly(pgcask, judge, workdir):
    """CopyData has no limit: what has come is used, and no more memory than for that."""
    def slowly(session, kind, data):
        if session.number == BACKUP and data.startswith(b"d") and session.command_word:
            session.sock.sendall(header(b"d", 1 << 30) + b"n")
            for _ in range(20):
                session.sock.sendall(b"base.tar"[:1] * 10)
                time.sleep(0.02)
            return None
        return data

    judge.refused(take(pgcask, workdir / "backup", tamper=slowly))
    assert not list(workdir.iterdir())


# ---- SQL ---------------------------------------------------------------------------------------


def json_rows(*texts):
    rows = b"".join(message(b"D", struct.pack(">HI", 2, 1) + b"1" + struct.pack(">I", len(text))
                            + text) for text in texts)
    return message(b"T", struct.pack(">H", 2) + b"a\0" + TEXT_COLUMN + b"b\0" + TEXT_COLUMN) + rows


ROW_OF_TRUE = (message(b"T", b"\0\x01a\0" + TEXT_COLUMN)
               + message(b"D", struct.pack(">HI", 1, 1) + b"t"))
SQL_ANSWERS = {
    "dense JSON": json_rows(b"[" + b"[]," * (1 << 20) + b"[]]"),
    "a row of 60 MiB": json_rows(b'"' + b"x" * (60 << 20) + b'"'),
    "bytes that are no UTF-8": json_rows(b'{"name": "' + b"\xff\x9b" * 250000 + b'"}'),
    "many bytes that are no UTF-8": json_rows(b'{"name": "' + b"\xff\x9b" * (1 << 20) + b'"}'),
    "as many values as may be": json_rows(b'{"columns": [' + b"[]," * 99000 + b"[]]}"),
    "deep JSON": json_rows(b"[" * 100000),
    "no JSON": json_rows(b"\0\x1b[31m"),
    "escapes": json_rows(b'{"name": "\\u001b[31m\\u0000", "schema": "\\ud800"}'),
    "a huge number": json_rows(b'{"oid": 1e999999, "bytes": ' + b"9" * 1000 + b"}"),
    "a NULL": message(b"T", b"\0\0") + message(b"D", struct.pack(">Hii", 2, -1, -1)),
    "a row of one column": message(b"T", b"\0\x01a\0" + TEXT_COLUMN) + ROW,
    "no description": ROW,
    "notices": blocks(NOTICE) * 1100,
    "an error": message(b"E", error_body(ESCAPES * 100)),
    "errors": blocks(ERROR) * 1100,
    "copy out": message(b"H", b"\0\0\0") + message(b"d", b"x" * 1000) * 1000,
    "copy in": message(b"G", b"\0\0\0"),
    "a fatal error": message(b"E", error_body(b"over", b"57P01", b"FATAL")),
    "a nonsense number": json_rows(b"-9223372036854775808"),
}


def run_with_sql(pgcask, judge, name, preflight):
    """Queries of the preflight's session, or of the manifest's, have the answer of that name."""
    asked = itertools.count()

    def sql(session, text):
        answer = SQL_ANSWERS[name]
        if (text.lstrip().upper().startswith(("SET", "BEGIN", "ROLLBACK", "COMMIT", "SHOW"))
                or preflight != (session.number == 1) or (len(answer) > 1 << 22 and next(asked))):
            answer = json_rows() if session.number > 1 else ROW_OF_TRUE
        session.sock.sendall(answer)
        if not answer.startswith((b"E", b"G")):
            session.send(b"C", b"SELECT 1\0")

    with hostile.folder() as folder:
        result = judge.clean(take(pgcask, folder / "backup", sql=sql, timeout=60))
        if result.rc == 1 and preflight:
            assert not list(folder.iterdir()), result
        else:
            assert result.rc == 0, result
            pgcask("verify", folder / "backup").check()


@pytest.mark.parametrize("preflight", [False, True], ids=["manifest", "preflight"])
def test_what_is_gathered_by_sql(pgcask, judge, preflight):
    """For the manifest it is nice to know only: the backup is taken. The preflight may refuse."""
    hostile.all_of(SQL_ANSWERS, lambda name: run_with_sql(pgcask, judge, name, preflight))


@pytest.mark.parametrize("name", ["wal_segment_size", "wal_level", "idle_session_timeout",
                                  "max_wal_senders", "max_slot_wal_keep_size"])
def test_settings_that_make_no_sense(pgcask, judge, name):
    values = (b"", b"-1", b"9223372036854775807d", b"-9223372036854775808", b"99999999999999GB",
              b"\x1b[31m", b"x" * 100000, b"0MB", b"3MB", b"18446744073709551615GB", b"1ms")

    def run(value):
        def tamper(session, kind, data):
            if session.command_word != "SHOW" or session.shown != name.encode():
                return data
            if kind == b"E":
                return (message(b"T", b"\0\x01a\0" + TEXT_COLUMN)
                        + message(b"D", struct.pack(">HI", 1, len(value)) + value)
                        + message(b"C", b"SHOW\0"))
            if kind == b"D":
                return message(b"D", struct.pack(">HI", 1, len(value)) + value)
            return data

        with hostile.folder() as folder:
            result = take(pgcask, folder / "backup", tamper=tamper, timeout=20)
            if result.rc == 0:
                judge.clean(result)
            elif (name, value) == ("idle_session_timeout", b"1ms"):
                assert result.rc == 1 and "is 1ms: too short" in result.stderr, result
            else:
                judge.refused(result)
            assert result.rc == 0 or not list(folder.iterdir()), result

    hostile.all_of(values, run)


# ---- Authentication ----------------------------------------------------------------------------


def scram(**changed):
    """Scram with the given members or methods changed."""
    return type("Hostile", (Scram,), changed)


def first(change):
    return scram(first=lambda self, text: change(Scram.first(self, text), self))


def final(answer):
    return scram(final=lambda self, text: answer)


def salted(salt):
    return first(lambda text, self: b"r=" + self.nonce + b",s=" + salt + b",i=4096")


def iterated(count):
    return first(lambda text, self: b"r=" + self.nonce + b",s=" + self.salt + b",i=" + count)


SCRAMS = {
    "a signature of another password": final(b"v=" + base64.b64encode(bytes(32))),
    "a short signature": final(b"v=" + base64.b64encode(bytes(31))),
    "a long signature": final(b"v=" + base64.b64encode(bytes(40000))),
    "an empty signature": final(b"v="),
    "a signature that is not base64": final(b"v=" + b"!" * 44),
    "no signature": final(b""),
    "an error with escapes": final(b"e=" + ESCAPES * 100),
    "a refusal": final(b"e=invalid-proof"),
    "a nonce that is not ours": first(lambda text, self: b"r=x" + text[2:]),
    "our nonce and no more": first(
        lambda text, self: text.replace(self.nonce, self.nonce[:-4])),
    "no nonce": first(lambda text, self: text.partition(b",")[2]),
    "a nonce with a NUL": first(lambda text, self: text.replace(b"ours", b"\0urs")),
    "an attribute more": first(lambda text, self: text + b",x=y"),
    "a mandatory extension": first(lambda text, self: b"m=x," + text),
    "an empty message": first(lambda text, self: b""),
    "a message of 20,000 bytes": first(lambda text, self: text.replace(b"ours", b"o" * 20000)),
    "no iterations": iterated(b"0"),
    "negative iterations": iterated(b"-1"),
    "more iterations than are bearable": iterated(b"999999999"),
    "more iterations than 64 bits": iterated(b"99999999999999999999999"),
    "iterations with a tail": iterated(b"4096x"),
    "iterations that are no number": iterated(b"\x1b[31m"),
    "no salt": salted(b""),
    "a salt that is not base64": salted(b"????"),
    "a salt with blanks": salted(b"AAAA AAA"),
    "a salt of 6000 bytes": salted(b"A" * 8000),
    "a salt of padding": salted(b"===="),
}


def test_scram_of_a_server_that_is_not_ours(pgcask, judge):
    def run(name):
        with hostile.folder() as folder:
            result = take(pgcask, folder / "backup", scram=SCRAMS[name])
            judge.refused(result)
            assert not list(folder.iterdir()), result
            assert result.wall_time < 10, result

    hostile.all_of(SCRAMS, run)


def replaced(number, data):
    """Another message in place of the n-th of each session."""
    return lambda session, kind, whole: data if session.sent == number else whole


def authentication(code, rest=b""):
    return message(b"R", struct.pack(">I", code) + rest)


OK = authentication(0)
ANSWERS = {
    # (what goes out instead of the n-th message, query of the URI, a word of the error)
    "ok at once": (0, OK, "?require_auth=scram-sha-256", "require_auth"),
    "ok at once, binding wanted": (0, OK, "?channel_binding=require", "channel binding"),
    "ok at once, none not allowed": (0, OK, "?require_auth=!none", "require_auth"),
    "ok instead of the salt": (1, OK, "", "proving"),
    "ok instead of the signature": (2, OK, "", "proving"),
    "the signature left out": (2, b"", "", "proving"),
    "cleartext not allowed": (0, authentication(3), "?require_auth=scram-sha-256", "require_auth"),
    "cleartext forbidden": (0, authentication(3), "?require_auth=!password", "require_auth"),
    "cleartext, binding wanted": (0, authentication(3), "?channel_binding=require",
                                  "channel binding"),
    "md5 not allowed": (0, authentication(5, b"salt"), "?require_auth=scram-sha-256",
                        "require_auth"),
    "md5 forbidden": (0, authentication(5, b"salt"), "?require_auth=!md5", "require_auth"),
    "a short salt for md5": (0, authentication(5, b"sal"), "", "salt"),
    "a long salt for md5": (0, authentication(5, b"s" * 10000), "", "salt"),
    "cleartext after scram": (1, authentication(3), "", "out of order"),
    "scram twice": (1, authentication(10, b"SCRAM-SHA-256\0\0"), "", "out of order"),
    "the end first": (0, authentication(12, b"v="), "", "out of order"),
    "the middle first": (0, authentication(11, b"r="), "", "out of order"),
    "gss": (0, authentication(7), "", "GSSAPI"),
    "gss in the middle": (1, authentication(8, b"x" * 100), "", "GSSAPI"),
    "sspi": (0, authentication(9), "", "SSPI"),
    "an unknown kind": (0, authentication(99), "", "unknown"),
    "a negative kind": (0, authentication(0xFFFFFFFF), "", "unknown"),
    "no kind": (0, message(b"R", b"\0\0"), "", "malformed"),
    "other mechanisms": (0, authentication(10, b"PLAIN\0EXTERNAL\0\0"), "", "SASL"),
    "no mechanisms": (0, authentication(10, b"\0"), "", "SASL"),
    "mechanisms without an end": (0, authentication(10, b"SCRAM-SHA-256\0"), "", "malformed"),
    "a mechanism without a NUL": (0, authentication(10, b"SCRAM-SHA-256"), "", "malformed"),
    "binding without tls": (0, authentication(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"), "",
                            "without TLS"),
    "another protocol": (0, message(b"v", struct.pack(">II", 0x00040000, 0)), "", "protocol"),
    "options we did not ask for": (
        0, message(b"v", struct.pack(">II", 0x00030000, 1) + b"_pq_.x\0"), "", "protocol"),
    "a key before it": (0, message(b"K", bytes(8)), "", "before authentication"),
    "ready before it": (0, message(b"Z", b"I"), "", "before authentication"),
    "an answer of http": (0, b"HTTP/1.1 400 Bad Request\r\n\r\n", "", ""),
    "an answer of ssh": (0, b"SSH-2.0-OpenSSH_9.2\r\n", "", ""),
    "an error of old servers": (0, b"EFATAL: unsupported frontend protocol\n\0", "", ""),
}


def test_an_authentication_that_must_not_be(pgcask, judge):
    def run(name):
        number, data, query, word = ANSWERS[name]
        with hostile.folder() as folder:
            result = take(pgcask, folder / "backup", tamper=replaced(number, data), query=query)
            assert word in judge.refused(result)
            assert PASSWORD not in result.stderr
            assert not list(folder.iterdir()), result

    hostile.all_of(ANSWERS, run)


def test_a_cleartext_password_is_given_to_whom_may_ask_for_it(pgcask, judge, workdir):
    """As libpq does where require_auth does not say otherwise."""
    heard = []

    def ask(session, kind, data):
        if session.sent == 0:
            session.sock.sendall(authentication(3))
            heard.append(session.read_message())
        return data

    take(pgcask, workdir / "backup", password=None, tamper=ask).check()
    assert set(heard) == {(b"p", PASSWORD.encode() + b"\0")}


# ---- TLS ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(authority, tmp_path_factory):
    other = tls_module.Authority(tmp_path_factory.mktemp("other"))
    here = ("DNS:localhost", "IP:127.0.0.1")
    return {
        "good": authority.issue("hostile-good", "localhost", here),
        "of another authority": other.issue("hostile-other", "localhost", here),
        "its own": (other.root, other.folder / "root.key"),
        "of another host": authority.issue("hostile-host", "elsewhere", ("DNS:elsewhere",)),
        "expired": authority.issue("hostile-expired", "localhost", here, days=-1),
        "a name with a NUL": authority.issue("hostile-prefix", "localhost.evil",
                                             ("DNS:localhost.evil",)),
    }


@pytest.mark.parametrize("mode, name", [
    *(("verify-full", name) for name in (
        "of another authority", "its own", "of another host", "expired", "a name with a NUL")),
    *(("verify-ca", name) for name in ("of another authority", "its own", "expired")),
])
def test_a_certificate_that_is_not_the_servers(pgcask, judge, workdir, authority, certificates,
                                               mode, name):
    """Not a byte of the startup message goes to it, let alone of the password."""
    result = take(pgcask, workdir / "backup", certificate=certificates[name],
                  query=f"?sslmode={mode}&sslrootcert={authority.root}")
    assert "certificate" in judge.refused(result) or name == "of another host"
    assert not result.fake.startups
    assert not list(workdir.iterdir()), result


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_the_servers_certificate(pgcask, workdir, authority, certificates, mode):
    result = take(pgcask, workdir / "backup", certificate=certificates["good"],
                  query=f"?sslmode={mode}&sslrootcert={authority.root}")
    assert result.check().fake.startups


class RawServer(Listener):
    """Does one thing with each connection, after it read the first message."""

    def __init__(self, handle):
        self.heard = []
        self.handle = handle
        super().__init__()

    def take(self, sock):
        with sock:
            try:
                sock.settimeout(5)
                self.heard.append(sock.recv(8))
                self.handle(sock)
                while more := sock.recv(65536):
                    self.heard.append(more)
            except OSError:
                pass


@pytest.mark.parametrize("answer", [
    b"S" + NOTICE, b"S" + OK, b"S" + os.urandom(64), b"S" + b"\x16\x03\x03\xff\xff" + bytes(65535),
    b"S\x15\x03\x03\x00\x02\x02\x28", b"X", b"\0", b"", b"N", b"S",
    b"E" + struct.pack(">I", 100) + b"SFATAL\0M" + ESCAPES + b"\0\0",
], ids=["notice behind it", "ok behind it", "noise", "an endless record", "an alert", "a letter",
        "a NUL", "nothing", "no", "only yes", "an error in clear"])
def test_a_handshake_that_is_none(pgcask, judge, workdir, authority, answer):
    def handle(sock):
        sock.sendall(answer)
        sock.shutdown(socket.SHUT_WR)

    with RawServer(handle) as server:
        result = pgcask("backup", server.uri + f"?sslmode=verify-full&sslrootcert={authority.root}",
                        "--to", workdir / "backup", "--quiet", env=ENVIRONMENT)
    judge.refused(result)
    assert not list(workdir.iterdir()), result
    assert not any(b"somebody" in data for data in server.heard)
