"""A scripted server of a cluster of a dozen files: a backup of it takes a hundredth of a second.

It is pgcask_testing's fake server with honest contents and a count of open sessions.
"""

import socket
import struct
import threading
import time

from pgcask_testing.fake_server import (SEGMENT, SYSTEM_IDENTIFIER, FakeServer, Member, Session,
                                        manifest_of)

OID = 16384
CONTROL = struct.pack("<QIII", int(SYSTEM_IDENTIFIER), 1300, 202209061, 1) + bytes(8172)
_made = {}


def archives():
    """[(tablespace, members)]: one tablespace, then the cluster."""
    if not _made:
        text = "some content of a relation\n".encode()
        _made[True] = [
            (OID, [Member("PG_15_202209061", type="5", mode=0o700),
                   Member("PG_15_202209061/5", type="5", mode=0o700),
                   Member("PG_15_202209061/5/16390", text * 300)]),
            ("base", [
                Member("backup_label",
                       b"START WAL LOCATION: 0/2000028 (file " + SEGMENT.encode() + b")\n"),
                Member("PG_VERSION", b"15\n"),
                Member("base", type="5", mode=0o700),
                Member("base/1", type="5", mode=0o700),
                Member("base/1/1259", text * 900),
                Member("base/1/2619", bytes(range(256)) * 130),
                Member("base/1/pg_filenode.map", b"\x17" * 512),
                Member("base/5", type="5", mode=0o700),
                Member("base/5/16389", b""),
                Member("global", type="5", mode=0o700),
                Member("global/1262", b"\x01" * 8192),
                Member("global/pg_control", CONTROL),
                *(Member(name, type="5", mode=0o700)
                  for name in ("pg_xact", "pg_multixact", "pg_multixact/members",
                               "pg_multixact/offsets")),
                Member("pg_tblspc", type="5", mode=0o700),
                Member(f"pg_tblspc/{OID}", type="2", link="/srv/tablespace"),
                Member("./pg_wal/", type="5", mode=0o700),
                Member("pg_wal/" + SEGMENT, bytes(1 << 20), listed=False),
            ]),
        ]
        _made["manifest"] = manifest_of(*_made[True])
    return _made[True]


class PerThread:
    """A TinyServer of its own for each thread, so that each can count its sessions."""

    def __init__(self, *args, **options):
        self._make = lambda: TinyServer(*args, **options)
        self._own = threading.local()
        self._all = []

    def __getattr__(self, name):
        if not hasattr(self._own, "server"):
            self._own.server = self._make()
            self._all.append(self._own.server)
        return getattr(self._own.server, name)

    def close(self):
        for server in self._all:
            server.__exit__()


class TinyServer(FakeServer):
    """Options as of FakeServer, such as password and certificate."""

    honours_cancel = False

    def __init__(self, major=15, **options):
        self.open = 0
        self._lock = threading.Lock()
        made = archives()
        super().__init__(major, made, _made["manifest"], **options)
        del self.uri  # of the fake server; here it is a method
        self.host, self.port = self.socket.getsockname()

    def _talk(self, sock):
        with self._lock:
            self.open += 1
        self.startups.clear()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(30)
        session = Session(sock, self)
        try:
            session.run()
        except (OSError, LookupError, ValueError, struct.error):
            pass  # the other side has gone, or sends nonsense on purpose
        finally:
            session.file.close()
            try:
                session.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            session.sock.close()
            sock.close()
            with self._lock:
                self.open -= 1

    def uri(self, host=None, port=None, **parameters):
        login = "somebody" + (f":{self.password}" if self.password else "")
        text = f"postgres+bin://{login}@{host or self.host}:{port or self.port}"
        parameters.setdefault("sslmode", "require" if self.tls else "disable")
        return text + "?" + "&".join(f"{name}={value}" for name, value in parameters.items())

    def leftovers(self, timeout=2):
        """Sessions that are still open after the timeout, as texts."""
        end = time.monotonic() + timeout
        while self.open and time.monotonic() < end:
            time.sleep(0.001)
        return [f"{self.open} sessions at the server"] if self.open else []
