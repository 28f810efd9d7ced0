"""A way to a server that stops before a query and goes on when it is told to."""

import contextlib
import socket
import struct
import threading


def messages(source, first_has_no_letter=False):
    stream = source.makefile("rb")
    head = 0 if first_has_no_letter else 1
    while len(length := stream.read(head + 4)) == head + 4:
        yield length + stream.read(struct.unpack(">I", length[head:])[0] - 4)
        head = 1


class HeldLink:
    """Connect to 127.0.0.1 and `port`, without TLS.

    at: the number of the query, from 1 and over all connections but the first, which is the
    preflight's, before which `hold` is called:
    it reaches the server when that has returned. 0: none. before: the same of every query that has
    this in it. `queries` and `connections` count.
    """

    def __init__(self, port, at=0, hold=lambda: None, before=b""):
        self._target, self._at, self._hold = ("127.0.0.1", port), at, hold
        self._before, self._lock = before, threading.Lock()
        self.queries = self.connections = 0
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(self._target)
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._sockets.append(each)
                threading.Thread(target=self._queries, args=(client, server, self.connections),
                                 daemon=True).start()
                threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _answers(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _queries(self, source, target, connection):
        with contextlib.suppress(OSError):
            for message in messages(source, first_has_no_letter=True):
                if message[:1] == b"Q" and connection > 1:
                    self._count(message)
                target.sendall(message)
            target.shutdown(socket.SHUT_WR)

    def _count(self, message):
        with self._lock:
            self.queries += 1
            if self.queries == self._at or self._before and self._before in message:
                self._hold()


class NullLink(HeldLink):
    """The answers to one query of one connection, both counted from 1, have a null in a column.

    columns: {query: how many columns its rows have}, of those that have rows.
    """

    def __init__(self, port, connection=1, query=0, column=0):
        self._connection, self._query, self._column, self.columns = connection, query, column, {}
        super().__init__(port)

    def _answers(self, source, target):
        if self.connections != self._connection:
            return super()._answers(source, target)
        answered = -1  # the server is ready once before the first query
        with contextlib.suppress(OSError):
            for message in messages(source):
                answered += message[:1] == b"Z"
                if message[:1] == b"D":
                    self.columns[answered + 1] = struct.unpack(">H", message[5:7])[0]
                    if answered + 1 == self._query:
                        message = _with_null(message, self._column)
                target.sendall(message)
            target.shutdown(socket.SHUT_WR)


def _with_null(row, column):
    values, at = [], 7
    for number in range(struct.unpack(">H", row[5:7])[0]):
        size = max(struct.unpack(">i", row[at:at + 4])[0], 0)
        values.append(b"\xff\xff\xff\xff" if number == column else row[at:at + 4 + size])
        at += 4 + size
    body = row[5:7] + b"".join(values)
    return b"D" + struct.pack(">I", 4 + len(body)) + body
