"""Stands between the program and a server and does one thing to one connection.

    CONNECTION:DIRECTION:OFFSET:ACTION[:ARGUMENT]

CONNECTION  the how-manyth of the program's connections, from 1; 0: all of them
DIRECTION   in (to the program) or out (to the server)
OFFSET      after so many bytes of that direction
ACTION      cut        the connection ends in order for the program (FIN), and for the server as
                       when a peer is gone
            half       this direction ends (FIN), the other goes on; what comes is thrown away
            reset      the connection is reset (RST)
            stall      nothing goes on in this direction, the connection stays open
            delay:MS   nothing goes on for so long
            slice:N    from there on pieces of N bytes
            crumbs:N   the next N bytes one at a time
            flip:BIT   one bit of the next byte is inverted
            replace:V  the next byte is V
            drop:N     the next N bytes do not arrive
            double:N   the next N bytes arrive twice
            insert:N   N bytes of noise arrive before the next
            pass       nothing: for recording
"""

import dataclasses
import random
import socket
import struct
import threading
import time

NEEDS_ONE_BYTE = ("flip", "replace")


@dataclasses.dataclass
class Plan:
    connection: int = 0
    direction: str = "in"
    offset: int = 0
    action: str = "pass"
    argument: int = 0

    @classmethod
    def parse(cls, text):
        words = text.split(":")
        return cls(int(words[0]), words[1], int(words[2]), words[3],
                   int(words[4]) if len(words) > 4 else 0)

    def __str__(self):
        words = [self.connection, self.direction, self.offset, self.action]
        return ":".join(map(str, words + ([self.argument] if self.argument else [])))


class Proxy:
    """record: keeps what went through as streams[connection - 1][direction]."""

    def __init__(self, host, port, plan=Plan(), record=False):
        self.server = (host, port)
        self.plan = plan
        self.record = record
        self.struck = False
        self.streams = []
        self.links = []
        self.closed = False
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self.socket.getsockname()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.closed = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        for link in list(self.links):
            link.reset()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.server)
            except OSError:
                client.close()
                continue
            self.links.append(Link(self, client, server, len(self.links) + 1))
            if self.closed:
                self.links[-1].reset()


class Link:
    """One connection of the program and ours to the server."""

    def __init__(self, proxy, client, server, number):
        self.proxy = proxy
        self.number = number
        self.client, self.server = client, server
        self.streams = {"in": bytearray(), "out": bytearray()}
        proxy.streams.append(self.streams)
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for direction, source, target in (("in", server, client), ("out", client, server)):
            threading.Thread(target=self._pump, args=(direction, source, target),
                             daemon=True).start()

    def reset(self):
        for sock in (self.client, self.server):
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.shutdown(socket.SHUT_RD)  # wakes a thread that reads from it
            except OSError:
                pass
            sock.close()

    def _pump(self, direction, source, target):
        plan = self.proxy.plan
        mine = plan.direction == direction and plan.connection in (0, self.number)
        lane = Lane(self, target, plan if mine else Plan())
        try:
            while data := source.recv(1 << 16):
                if self.proxy.record:
                    self.streams[direction] += data
                if not lane.pass_on(data):
                    return
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # One side has gone, so does the other: as if they were joined by a cable.
            if not (mine and plan.action == "stall" and self.proxy.struck):
                self.reset()


class Lane:
    """One direction of a link, with what is to be done to it."""

    def __init__(self, link, target, plan):
        self.link = link
        self.target = target
        self.plan = plan
        self.passed = 0
        self.done = plan.action == "pass"

    def pass_on(self, data):
        """False at the end of this direction."""
        plan = self.plan
        if self.done or self.passed + len(data) <= plan.offset - \
                (0 if plan.action not in ("cut", "half", "reset", "stall") else 1):
            return self._send(data)
        before = max(plan.offset - self.passed, 0)
        if not self._send(data[:before]):
            return False
        data = data[before:]
        if not data and plan.action not in ("cut", "half", "reset", "stall"):
            return True
        self.link.proxy.struck = True
        return getattr(self, "_" + plan.action)(data)

    def _send(self, data):
        if data:
            self.target.sendall(data)
        self.passed += len(data)
        return True

    def _finish(self, data):
        self.done = True
        return self._send(data)

    # Endings

    def _cut(self, data):
        for sock in (self.link.client, self.link.server):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.link.server.close()
        return False

    def _half(self, data):
        self.target.shutdown(socket.SHUT_WR)
        self._send = lambda ignored: True
        self.done = True
        return True

    def _reset(self, data):
        self.link.reset()
        return False

    def _stall(self, data):
        return False

    # Disturbances

    def _delay(self, data):
        time.sleep(self.plan.argument / 1000)
        return self._finish(data)

    def _slice(self, data):
        for start in range(0, len(data), self.plan.argument):
            self._send(data[start:start + self.plan.argument])
        return True

    def _crumbs(self, data):
        left = self.plan.offset + self.plan.argument - self.passed
        for byte in data[:left]:
            self._send(bytes([byte]))
        self.done = left <= len(data)
        return self._send(data[max(left, 0):])

    # Damage

    def _flip(self, data):
        return self._finish(bytes([data[0] ^ 1 << self.plan.argument]) + data[1:])

    def _replace(self, data):
        return self._finish(bytes([self.plan.argument]) + data[1:])

    def _drop(self, data):
        return self._finish(data[self.plan.argument:])

    def _double(self, data):
        return self._finish(data[:self.plan.argument] + data)

    def _insert(self, data):
        noise = random.Random(self.plan.offset).randbytes(self.plan.argument)
        return self._finish(noise + data)
