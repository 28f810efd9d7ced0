"""A way to a server that stops before a query and goes on when it is told to."""

import contextlib
import socket
import struct
import threading


class HeldLink:
    """Connect to 127.0.0.1 and `port`, without TLS.

    at: the number of the query, from 1 and over all connections, before which `hold` is called:
    it reaches the server when that has returned. 0: none. `queries` counts.
    """

    def __init__(self, port, at=0, hold=lambda: None):
        self._target, self._at, self._hold = ("127.0.0.1", port), at, hold
        self._lock = threading.Lock()
        self.queries = 0
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
                server = socket.create_connection(self._target)
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._sockets.append(each)
                threading.Thread(target=self._queries, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _answers(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _queries(self, source, target):
        """Message by message: the first one has no letter."""
        with contextlib.suppress(OSError):
            stream = source.makefile("rb")
            head = 0
            while len(length := stream.read(head + 4)) == head + 4:
                size = struct.unpack(">I", length[head:])[0]
                message = length + stream.read(size - 4)
                if message[:1] == b"Q" and head:
                    self._count()
                target.sendall(message)
                head = 1
            target.shutdown(socket.SHUT_WR)

    def _count(self):
        with self._lock:
            self.queries += 1
            if self.queries == self._at:
                self._hold()
