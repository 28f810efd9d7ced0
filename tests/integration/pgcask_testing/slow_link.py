"""A way to a server that takes its time, in both directions, however much goes along it."""

import contextlib
import queue
import socket
import threading
import time


class SlowLink:
    """Connect to 127.0.0.1 and `port`; each byte is `seconds` under way.

    replace: (found, left): what of the server's bytes becomes what, where it comes in one piece;
    `replaced` counts.
    """

    def __init__(self, port, seconds=0, replace=None):
        self._target, self._seconds = ("127.0.0.1", port), seconds
        self._replace, self.replaced = replace, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for one, other in ((client, server), (server, client)):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    way = queue.SimpleQueue()
                    replace = self._replace if one is server else None
                    take = threading.Thread(target=self._take, args=(one, way, replace), daemon=True)
                    take.start()
                    threading.Thread(target=self._give, args=(other, way), daemon=True).start()

    def _take(self, source, way, replace):
        data = b"?"
        while data:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            if replace and replace[0] in data:
                self.replaced += 1
                data = data.replace(*replace)
            way.put((time.monotonic() + self._seconds, data))

    @staticmethod
    def _give(target, way):
        with contextlib.suppress(OSError):
            while True:
                arrives, data = way.get()
                time.sleep(max(0, arrives - time.monotonic()))
                if not data:
                    break
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
