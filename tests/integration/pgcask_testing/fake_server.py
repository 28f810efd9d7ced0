"""A server that answers a base backup with whatever a test wants: what a real one never sends.

    with FakeServer(major=15, archives=[("base", members)], manifest=manifest_of(members)) as server:
        pgcask("backup", server.uri, …)

SQL sessions are refused, so manifest.json says what it could not read; replication sessions get
IDENTIFY_SYSTEM, SHOW, a slot, and BASE_BACKUP in the form of the major.

What goes beyond a correct session is asked for by keywords of FakeServer: `password` wants
SCRAM-SHA-256, `certificate` offers TLS, `sql` answers SQL sessions, and `tamper` sees every message
before it goes out and says what goes out instead.
"""

import base64
import dataclasses
import hashlib
import hmac
import itertools
import os
import socket
import ssl
import struct
import threading

SYSTEM_IDENTIFIER = "7000000000000000001"
SEGMENT = "000000010000000000000020"  # 1 MiB each


@dataclasses.dataclass
class Member:
    """A tar member. content may be bytes, or a number of zero bytes that are never held whole."""

    name: str
    content: object = b""
    type: str = "0"
    link: str = ""
    mode: int = 0o600
    listed: bool = True  # in backup_manifest
    header: bytes = None  # instead of a header made from the above

    @property
    def size(self):
        return self.content if isinstance(self.content, int) else len(self.content)


def tar_header(member):
    def number(value, width):
        text = b"%0*o " % (width - 1, value)
        if len(text) <= width:
            return text
        return b"\x80" + value.to_bytes(width - 1, "big")

    if member.header is not None:
        return member.header
    name = member.name.encode("utf-8", "surrogateescape")
    head = bytearray(512)
    head[0:len(name[:100])] = name[:100]
    head[100:108] = number(member.mode, 8)
    head[108:116] = number(0, 8)
    head[116:124] = number(0, 8)
    head[124:136] = number(member.size if member.type == "0" else 0, 12)
    head[136:148] = number(1700000000, 12)
    head[148:156] = b" " * 8
    head[156:157] = member.type.encode()
    head[157:157 + len(member.link)] = member.link.encode()
    head[257:265] = b"ustar\x0000"
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return struct.pack("<I", crc ^ 0xFFFFFFFF).hex()


def base_members():
    """The least that makes a base backup."""
    return [
        Member("backup_label", b"START WAL LOCATION: 0/2000028 (file " + SEGMENT.encode() + b")\n"),
        Member("base", type="5", mode=0o700),
        Member("global", type="5", mode=0o700),
        Member("pg_tblspc", type="5", mode=0o700),
        Member("./pg_wal/", type="5", mode=0o700),
        *(Member(name, type="5", mode=0o700)
          for name in ("pg_xact", "pg_multixact", "pg_multixact/members", "pg_multixact/offsets")),
        Member("PG_VERSION", b"15\n"),
        Member("global/pg_control", bytes(8192)),
        Member("pg_wal/" + SEGMENT, bytes(1 << 20), listed=False),
    ]


def manifest_of(*archives, version=1, change=lambda text: text, sha256=False):
    """backup_manifest of archives [(tablespace oid or "base", members)], changed before sealing.
    sha256: its checksums are such, as a client asks for; CRC-32C otherwise."""
    lines = []
    for oid, members in archives:
        for member in members:
            if member.type != "0" or not member.listed:
                continue
            prefix = "" if oid == "base" else f"pg_tblspc/{oid}/"
            checksum = ""
            if not isinstance(member.content, int):
                digest = (hashlib.sha256(member.content).hexdigest() if sha256
                          else crc32c(member.content))
                checksum = (f', "Checksum-Algorithm": "{"SHA256" if sha256 else "CRC32C"}", '
                            f'"Checksum": "{digest}"')
            name = member.name[2:] if member.name.startswith("./") else member.name
            lines.append(f'{{ "Path": "{prefix}{name}", "Size": {member.size}, '
                         f'"Last-Modified": "2026-11-22 15:16:19 GMT"{checksum} }}')
    identifier = f'"System-Identifier": {SYSTEM_IDENTIFIER},\n' if version == 2 else ""
    text = change(
        f'{{ "PostgreSQL-Backup-Manifest-Version": {version},\n{identifier}"Files": [\n'
        + ",\n".join(lines)
        + '\n],\n"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/2000028", '
        '"End-LSN": "0/2000100" }\n],\n')
    return (text + f'"Manifest-Checksum": "{hashlib.sha256(text.encode()).hexdigest()}"}}\n').encode()


def message(kind, body=b""):
    return kind + struct.pack(">I", len(body) + 4) + body


class Scram:
    """The server's side of SCRAM-SHA-256 without channel binding, for a test to change."""

    iterations = b"4096"
    salt = base64.b64encode(b"0123456789abcdef")

    def __init__(self, password):
        self.password = password.encode()

    def first(self, client_first):
        self.bare = client_first.split(b",", 2)[2]
        self.nonce = self.bare.partition(b"r=")[2] + b"ours"
        self.answer = b"r=" + self.nonce + b",s=" + self.salt + b",i=" + self.iterations
        return self.answer

    def final(self, client_final):
        """server-final, or None if the client does not know the password."""
        def mac(key, text):
            return hmac.digest(key, text, "sha256")

        without_proof, _, proof = client_final.rpartition(b",p=")
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(self.salt),
                                     int(self.iterations))
        conversation = b",".join((self.bare, self.answer, without_proof))
        signature = mac(hashlib.sha256(mac(salted, b"Client Key")).digest(), conversation)
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature))
        if key != mac(salted, b"Client Key"):
            return None
        return b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), conversation))


class Session:
    """One connection from the program under test. number: it is the n-th, from 0, of those that
    sent a startup message; sent: how many messages went out on it; command_word: the first word of
    the command that is being answered."""

    def __init__(self, sock, server):
        self.sock = sock
        self.server = server
        self.file = sock.makefile("rb")
        self.number = None
        self.replication = False
        self.sent = 0
        self.command_word = None
        self.shown = None  # what SHOW is asked for

    def send(self, kind, body=b""):
        data = message(kind, body)
        if self.server.tamper is not None:
            data = self.server.tamper(self, kind, data)
        self.sent += 1
        if data is None:
            raise ConnectionError
        self.sock.sendall(data)

    def ready(self):
        self.send(b"Z", b"I")

    def error(self, sqlstate, message, severity="ERROR"):
        self.send(b"E", b"".join(
            letter + text.encode() + b"\0"
            for letter, text in ((b"S", severity), (b"V", severity), (b"C", sqlstate),
                                 (b"M", message))) + b"\0")

    def rows(self, names, *rows, tag="SELECT"):
        columns = b"".join(n.encode() + b"\0" + struct.pack(">IHIHIH", 0, 0, 25, 65535, 0, 0)
                           for n in names)
        self.send(b"T", struct.pack(">H", len(names)) + columns)
        for row in rows:
            values = b"".join(struct.pack(">i", -1) if v is None else
                              struct.pack(">I", len(v)) + v.encode() for v in row)
            self.send(b"D", struct.pack(">H", len(row)) + values)
        self.send(b"C", tag.encode() + b"\0")

    def read_exactly(self, count):
        data = self.file.read(count)
        if len(data) != count:
            raise ConnectionError
        return data

    def read_message(self):
        kind = self.read_exactly(1)
        (length,) = struct.unpack(">I", self.read_exactly(4))
        return kind, self.read_exactly(length - 4)

    def run(self):
        while True:
            (length,) = struct.unpack(">I", self.read_exactly(4))
            body = self.read_exactly(length - 4)
            (code,) = struct.unpack(">I", body[:4])
            if code == 80877103 and self.server.tls is not None:
                self.sock.sendall(b"S")
                self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
                self.file = self.sock.makefile("rb")
                continue
            if code in (80877103, 80877104):
                self.sock.sendall(b"N")
                continue
            if code == 80877102:
                return
            break
        self.number = next(self.server.numbers)
        self.server.startups.append(body)
        self.replication = b"replication\0" in body
        if not self.replication and self.server.sql is None:
            self.error("28000", "no pg_hba.conf entry for host", "FATAL")
            return
        if not self.authenticate():
            return
        for name, value in (("server_version", f"{self.server.major}.4"),
                            ("server_encoding", "UTF8"), ("client_encoding", "UTF8"),
                            ("standard_conforming_strings", "on")):
            self.send(b"S", name.encode() + b"\0" + value.encode() + b"\0")
        self.send(b"K", struct.pack(">II", 4711, 815))
        self.ready()
        while True:
            kind, body = self.read_message()
            if kind == b"X":
                return
            if kind == b"Q":
                self.command(body[:-1].decode())
            elif kind not in b"cdf":
                return

    def authenticate(self):
        if self.server.password is not None:
            scram = self.server.scram(self.server.password)
            self.send(b"R", struct.pack(">I", 10) + b"SCRAM-SHA-256\0\0")
            _, body = self.read_message()
            self.send(b"R", struct.pack(">I", 11)
                      + scram.first(body.partition(b"\0")[2][4:]))
            final = scram.final(self.read_message()[1])
            if final is None:
                self.error("28P01", "password authentication failed", "FATAL")
                return False
            self.send(b"R", struct.pack(">I", 12) + final)
        self.send(b"R", struct.pack(">I", 0))
        return True

    def command(self, text):
        word = self.command_word = text.split()[0].upper()
        if not self.replication:
            self.server.sql(self, text)
        elif word == "IDENTIFY_SYSTEM":
            self.rows(("systemid", "timeline", "xlogpos", "dbname"),
                      (SYSTEM_IDENTIFIER, "1", "0/2000060", None), tag="IDENTIFY_SYSTEM")
        elif word == "SHOW":
            values = {"wal_segment_size": "1MB", "wal_level": "replica"}
            name = text.split()[1]
            self.shown = name.encode()
            if name in values:
                self.rows((name,), (values[name],), tag="SHOW")
            else:
                self.error("42704", f"unrecognized configuration parameter \"{name}\"")
        elif word == "CREATE_REPLICATION_SLOT":
            self.rows(("slot_name", "consistent_point", "snapshot_name", "output_plugin"),
                      ("slot", "0/0", None, None), tag="CREATE_REPLICATION_SLOT")
        elif word == "START_REPLICATION":
            self.send(b"W", b"\0\0\0")
            while self.read_message()[0] != b"c":
                pass
            self.send(b"c")
            self.send(b"C", b"START_STREAMING\0")
            self.send(b"C", b"START_REPLICATION\0")
        elif word == "BASE_BACKUP":
            self.base_backup()
        else:
            self.error("0A000", "cannot execute SQL commands in WAL sender")
        self.ready()

    def base_backup(self):
        server = self.server
        self.rows(("recptr", "tli"), ("0/2000028", "1"))
        rows = [(None, None, "100") if oid == "base" else (str(oid), f"/srv/{oid}", "100")
                for oid, _ in server.archives]
        self.rows(("spcoid", "spclocation", "size"), *(server.tablespace_rows or rows))
        if server.major >= 15:
            self.send(b"H", b"\0\0\0")
        for oid, members in server.archives:
            self.archive(oid, members)
        self.manifest()
        if server.major >= 15:
            self.send(b"c")
        if server.stop:
            self.rows(("recptr", "tli"), ("0/2000100", "1"))
            self.send(b"C", b"BASE_BACKUP\0")

    def archive(self, oid, members):
        typed = self.server.major >= 15
        if typed:
            name = "base.tar" if oid == "base" else f"{oid}.tar"
            self.send(b"d", b"n" + name.encode() + b"\0\0")
        else:
            self.send(b"H", b"\0\0\0")
        for member in members:
            self.data(tar_header(member))
            if isinstance(member.content, int):
                block = bytes(1 << 20)
                for _ in range(member.content >> 20):
                    self.data(block)
                self.data(bytes(member.content & ((1 << 20) - 1)))
            else:
                self.data(member.content)
            self.data(bytes(-member.size % 512))
        if typed and not self.server.cut:
            self.data(bytes(1024))
        if not typed:
            self.send(b"c")

    def data(self, data):
        if data:
            self.send(b"d", (b"d" if self.server.major >= 15 else b"") + data)

    def manifest(self):
        content = self.server.manifest
        if content is None:
            return
        if self.server.major >= 15:
            self.send(b"d", b"m")
        else:
            self.send(b"H", b"\0\0\0")
        for start in range(0, len(content), 1000):
            self.data(content[start:start + 1000])
        if self.server.major < 15:
            self.send(b"c")


class Listener:
    """Hands each connection that is made to a port of 127.0.0.1 to `take`, until it is left."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.uri = f"postgres+bin://somebody@127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            self.take(sock)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes accept, which would keep it open
        self.socket.close()


class FakeServer(Listener):
    """tamper(session, kind, data) -> the bytes to send for the whole message data, None to hang up.
    sql(session, text) answers a query of an SQL session up to, not including, ReadyForQuery.
    certificate: (file, key file). scram: a class like Scram. startups: the startup messages."""

    def __init__(self, major=15, archives=(), manifest=b"", tablespace_rows=None, stop=True,
                 cut=False, password=None, scram=Scram, certificate=None, sql=None, tamper=None):
        self.password = password
        self.scram = scram
        self.sql = sql
        self.tamper = tamper
        self.tls = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*map(os.fspath, certificate))
        self.startups = []
        self.numbers = itertools.count()
        self.major = major
        self.archives = list(archives)
        self.manifest = manifest
        self.tablespace_rows = tablespace_rows
        self.stop = stop
        self.cut = cut
        super().__init__()

    def take(self, sock):
        threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock:
            try:
                Session(sock, self).run()
            except (ConnectionError, OSError, struct.error):
                pass
            try:
                sock.shutdown(socket.SHUT_RDWR)  # its file object would keep it open
            except OSError:
                pass
