"""A way to a server that takes its time, in both directions, however much goes along it."""

import contextlib
import queue
import socket
import threading
import time


class SlowLink:
    """Connect to 127.0.0.1 and `port`; each byte is `seconds` under way.

    change: bytes -> bytes, of what has come from the server at once; `changed` counts. sent: the
    same of what goes there.
    """

    def __init__(self, port, seconds=0, change=None, sent=None):
        self._target, self._seconds = ("127.0.0.1", port), seconds
        self._change, self._sent, self.changed = change, sent, 0
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
                    change = self._change if one is server else self._sent
                    take = threading.Thread(target=self._take, args=(one, way, change), daemon=True)
                    take.start()
                    threading.Thread(target=self._give, args=(other, way), daemon=True).start()

    def _take(self, source, way, change):
        data = b"?"
        while data:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            changed = change(data) if change else data
            self.changed += changed != data
            if changed or not data:  # nothing says that it is over
                way.put((time.monotonic() + self._seconds, changed))

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
