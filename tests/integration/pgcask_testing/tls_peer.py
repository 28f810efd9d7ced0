"""Peers for tests of TLS: a server that behaves as no real one does, and a relay that listens."""

import socket
import ssl
import struct
import threading

REQUEST_TLS = struct.pack(">II", 8, 80877103)
CANCEL = struct.pack(">I", 80877102)


def message(kind, body=b""):
    return kind + struct.pack(">I", len(body) + 4) + body


def error(sqlstate):
    return message(b"E", b"SFATAL\0VFATAL\0C%s\0Mno\0\0" % sqlstate)


def authentication(code, rest=b""):
    return message(b"R", struct.pack(">I", code) + rest)


SESSION = (authentication(0) + message(b"S", b"server_version\x0018.4\0")
           + message(b"S", b"client_encoding\0UTF8\0") + message(b"Z", b"I"))
TUPLES = (message(b"T", b"\0\1a\0" + struct.pack(">IHIhih", 0, 0, 25, -1, -1, 0))
          + message(b"D", b"\0\1\0\0\0\0011") + message(b"C", b"SELECT 1\0") + message(b"Z", b"I"))


class Peer:
    """A server that answers the request for TLS, then the startup message, as it is told, and notes
    in which way it was spoken to, connection by connection."""

    def __init__(self, certificate, answer=b"S", under_tls=SESSION, in_clear=SESSION,
                 shakes_hands=True, alpn=("postgresql",)):
        self.answer, self.under_tls, self.in_clear = answer, under_tls, in_clear
        self.shakes_hands = shakes_hands
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        if alpn:
            self.context.set_alpn_protocols(list(alpn))
        self.received = []  # bodies of the client's answers
        self.names = []  # of SNI, None where there was none
        self.context.sni_callback = lambda sock, name, context: self.names.append(name)
        self.log = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(10)
            words = []
            try:
                self._talk(sock, words)
            except (OSError, ssl.SSLError, EOFError):
                pass
            sock.close()
            if words:
                self.log.append(" ".join(words))

    def _talk(self, sock, words):
        first = sock.recv(1, socket.MSG_PEEK)
        if first == b"\x16":
            words.append("direct")
            return self._under_tls(sock, words)
        body = self._startup(sock)
        if body[:4] == struct.pack(">I", 80877103):
            words.append("asked")
            sock.sendall(self.answer)
            if self.answer[:1] == b"S":
                return self._under_tls(sock, words)
            if self.answer[:1] != b"N":
                return None
            body = self._startup(sock)
        words.append("clear")
        return self._session(sock, self.in_clear, words)

    def _under_tls(self, sock, words):
        if not self.shakes_hands:
            return
        with self.context.wrap_socket(sock, server_side=True) as encrypted:
            words.append("tls")
            self._startup(encrypted)
            self._session(encrypted, self.under_tls, words)

    def _startup(self, sock):
        return self._exactly(sock, struct.unpack(">I", self._exactly(sock, 4))[0] - 4)

    def _exactly(self, sock, count):
        data = b""
        while len(data) < count:
            more = sock.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _session(self, sock, script, words):
        """script: bytes, or several, each but the first after a message of the client's."""
        words.append("startup")
        for index, part in enumerate(script if isinstance(script, tuple) else (script,)):
            if index > 0:
                kind = self._exactly(sock, 1)
                self.received.append(self._startup(sock))
                words.append(kind.decode())
            sock.sendall(part)
        while script is SESSION and self._exactly(sock, 1) == b"Q":
            self._startup(sock)
            sock.sendall(TUPLES)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(15)


class Relay:
    """Stands between a client and a server, and keeps what each connection's client has sent."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.sent = []  # by connection, in their order
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server_port))
            kept = bytearray()
            self.sent.append(kept)
            threading.Thread(target=_pump, args=(client, server, kept), daemon=True).start()
            threading.Thread(target=_pump, args=(server, client, None), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def _pump(source, target, kept):
    try:
        while data := source.recv(1 << 16):
            if kept is not None and len(kept) < 1 << 16:
                kept += data
            target.sendall(data)
    except OSError:
        pass
    for sock in (source, target):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
