"""A network of a test's own, and name servers in it.

A Network is a network namespace with nothing but loopback: port 53 is free there, and nothing can
leave it. A NameServer answers DNS queries over UDP and TCP from a table, or misbehaves as told, and
writes down what it was asked.
"""

import contextlib
import ctypes
import fcntl
import ipaddress
import os
import select
import socket
import struct
import threading
import time

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _wait_until_usable(address):
    """The kernel takes its time to find that nobody else has a new IPv6 address."""
    end = time.monotonic() + 10
    while True:
        with socket.socket(socket.AF_INET6) as probe:
            try:
                probe.bind((address, 0))
                return
            except OSError:
                assert time.monotonic() < end, f"{address} cannot be used"
        time.sleep(0.01)


class Network:
    """A network namespace with 127.0.0.0/8, ::1 and the given IPv6 addresses. It takes root."""

    def __init__(self, ipv6=()):
        thread = threading.Thread(target=self._make, args=(ipv6,))
        thread.start()
        thread.join()
        self._sockets = []

    def _make(self, ipv6):
        _checked(_libc.unshare(_CLONE_NEWNET))
        self._fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as any_socket:
            request = struct.pack("16sH22x", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
            fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS
            for address in ipv6:
                packed = ipaddress.IPv6Address(address).packed
                index = socket.if_nametoindex("lo")
                fcntl.ioctl(any_socket, 0x8916, struct.pack("16sIi", packed, 128, index))
        for address in ipv6:
            _wait_until_usable(address)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread, and what it starts, is in the network inside the with statement."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _checked(_libc.setns(self._fd, _CLONE_NEWNET))
            yield self
        finally:
            _checked(_libc.setns(home, _CLONE_NEWNET))
            os.close(home)

    def silent(self, address, port):
        """Makes the port take no connection and refuse none: its backlog is full."""
        with self.entered():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.create_server((address, port), family=family, backlog=0)
            self._sockets.append(listener)
            for _ in range(3):
                filler = socket.socket(family)
                filler.setblocking(False)
                filler.connect_ex((address, port))
                self._sockets.append(filler)

    def close(self):
        for each in self._sockets:
            each.close()
        os.close(self._fd)


TYPES = {"A": 1, "CNAME": 5, "AAAA": 28}
_NAMES = {number: name for name, number in TYPES.items()}
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5


class NameServer:
    """Answers on UDP and TCP port 53 of an address, from

        zone     {name: ["127.0.0.1", "::1", "other.name."]}: addresses, or where a name leads to
        failure  SERVFAIL, REFUSED, …: what every query gets
        silent   no query gets an answer
        truncates  over UDP an answer has no records, and says that there are more
    """

    def __init__(self, network, address="127.0.0.2", zone=None, failure=None, silent=False,
                 truncates=False):
        self.zone = {name.lower().rstrip("."): values for name, values in (zone or {}).items()}
        self.failure, self.silent, self.truncates = failure, silent, truncates
        self.asked = []  # (name, type, "udp" or "tcp")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with network.entered():
            self._udp = socket.socket(family, socket.SOCK_DGRAM)
            self._udp.bind((address, 53))
            self._tcp = socket.create_server((address, 53), family=family)
        self._stop_read, self._stop_write = os.pipe()
        self._threads = [threading.Thread(target=work, daemon=True)
                         for work in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()

    def close(self):
        """Ends it; the port is free when this returns."""
        os.close(self._stop_write)
        for thread in self._threads:
            thread.join()
        for each in (self._udp, self._tcp):
            each.close()
        os.close(self._stop_read)

    def names_asked(self):
        return [name for name, kind, transport in self.asked if kind == "A"]

    def _wait_for(self, each):
        """False once the server is to end."""
        return self._stop_read not in select.select([each, self._stop_read], [], [])[0]

    def _serve_udp(self):
        while self._wait_for(self._udp):
            query, peer = self._udp.recvfrom(4096)
            if query and (answer := self._answer(query, "udp")):
                with contextlib.suppress(OSError):  # whoever asked is gone
                    self._udp.sendto(answer, peer)

    def _serve_tcp(self):
        while self._wait_for(self._tcp):
            connection, _ = self._tcp.accept()
            threading.Thread(target=self._serve_stream, args=(connection,), daemon=True).start()

    def _serve_stream(self, connection):
        with connection, contextlib.suppress(OSError), connection.makefile("rwb") as stream:
            while len(head := stream.read(2)) == 2:
                answer = self._answer(stream.read(int.from_bytes(head, "big")), "tcp")
                if answer:
                    stream.write(len(answer).to_bytes(2, "big") + answer)
                    stream.flush()

    def _answer(self, query, transport):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = int.from_bytes(query[at + 1:at + 3], "big")
        name = ".".join(labels).lower()
        self.asked.append((name, _NAMES.get(kind, kind), transport))
        if self.silent:
            return None
        code, records = self.failure, []
        if code is None:
            code, records = self._look_up(name, kind)
        truncated = self.truncates and transport == "udp" and records
        if truncated:
            records = []
        flags = 0x8180 | (0x0200 if truncated else 0) | code
        return (query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question
                + b"".join(records))

    def _look_up(self, name, kind):
        records = []
        while True:
            if name not in self.zone:
                return NXDOMAIN, records
            values, following = self.zone[name], None
            for value in values:
                if value.endswith("."):
                    records.append(_record(name, "CNAME", _encoded(value)))
                    following = value.lower().rstrip(".")
                else:
                    address = ipaddress.ip_address(value)
                    own = "A" if address.version == 4 else "AAAA"
                    if TYPES[own] == kind:
                        records.append(_record(name, own, address.packed))
            if following is None:
                return 0, records
            name = following


def _encoded(name):
    parts = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _record(name, kind, data):
    return _encoded(name) + struct.pack(">HHIH", TYPES[kind], 1, 60, len(data)) + data
