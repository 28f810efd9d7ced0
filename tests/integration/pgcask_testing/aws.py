"""Stand-ins for AWS: a database that lets in whoever brings a good token of IAM, and the endpoints
that give out credentials. What is good is computed here, by Python's own hmac."""

import contextlib
import datetime
import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import struct
import threading
import urllib.parse

REGION = "eu-central-1"
TLS, CANCEL = 80877103, 80877102


class Keys:
    def __init__(self, access="AKIASTANDIN", secret="s3cr3t/of+the=keys", token=None):
        self.access, self.secret, self.token = access, secret, token

    @property
    def env(self):
        return {"AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret,
                **({"AWS_SESSION_TOKEN": self.token} if self.token else {})}

    def json(self, expires=None, **more):
        """As endpoints of containers and instances write them. expires: in so many seconds."""
        return json.dumps({
            "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": self.access,
            "SecretAccessKey": self.secret, "Token": self.token,
            **({} if expires is None else {"Expiration": moment(expires)}), **more})

    def xml(self, expires=3600):
        """As the token service writes them."""
        return f"""<AssumeRoleWithWebIdentityResponse
            xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
            <Credentials><AccessKeyId>{self.access}</AccessKeyId>
            <SecretAccessKey>{self.secret}</SecretAccessKey>
            <SessionToken>{self.token}</SessionToken><Expiration>{moment(expires)}</Expiration>
            </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""


def moment(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def fault_of(token, host, port, user, keys, region=REGION):
    """None for a token that is good, else what is wrong with it."""
    place, _, query = token.partition("/?")
    if place != f"{host}:{port}":
        return f"place {place}"
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    given = dict(pairs)
    if len(given) != len(pairs):
        return "a parameter twice"
    signature = given.pop("X-Amz-Signature", "")
    when = datetime.datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    scope = f"{when:%Y%m%d}/{region}/rds-db/aws4_request"
    wanted = {
        "Action": "connect", "DBUser": user, "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{keys.access}/{scope}", "X-Amz-Date": given["X-Amz-Date"],
        "X-Amz-Expires": "900", "X-Amz-SignedHeaders": "host",
        **({"X-Amz-Security-Token": keys.token} if keys.token else {})}
    if given != wanted:
        return f"parameters {sorted(set(given.items()) ^ set(wanted.items()))}"
    if abs((now - when).total_seconds()) > 900:
        return "expired"
    quote = lambda text: urllib.parse.quote(text, safe="-_.~")
    canonical = "&".join(f"{quote(name)}={quote(given[name])}" for name in sorted(given))
    request = "\n".join(["GET", "/", canonical, f"host:{place}", "", "host",
                         hashlib.sha256(b"").hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", given["X-Amz-Date"], scope,
                         hashlib.sha256(request.encode()).hexdigest()])
    key = b"AWS4" + keys.secret.encode()
    for word in scope.split("/"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    made = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return None if made == signature else "signature"


class Listener:
    def __init__(self, certificate=None):
        self.tls = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*map(os.fspath, certificate))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._socket.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._socket.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with contextlib.suppress(OSError, ValueError):
            self.talk(sock)
        with contextlib.suppress(OSError):
            sock.close()


class Database(Listener):
    """In front of a server that trusts everybody: asks for a token under TLS, and then gets out of
    the way. tokens: all that were brought; faults: what was wrong with them; clear: what came
    without TLS."""

    def __init__(self, server, certificate, keys, method=3, host="localhost"):
        self.server, self.keys, self.method, self.host = server, keys, method, host
        self.tokens, self.faults, self.clear = [], [], []
        self.offers_tls = True
        super().__init__(certificate)

    def uri(self, db="postgres", user="postgres", scheme="postgres+aws", **params):
        text = f"{scheme}://{urllib.parse.quote(user, safe='')}@{self.host}:{self.port}"
        if db is not None:
            text += "/" + urllib.parse.quote(db, safe="")
        params = {"region": REGION, **params}
        return text + "?" + "&".join(f"{name}={urllib.parse.quote(str(value), safe='')}"
                                     for name, value in params.items() if value is not None)

    def talk(self, sock):
        startup = read_message(sock)
        if struct.unpack("!I", startup[4:8])[0] == TLS:
            sock.sendall(b"S" if self.offers_tls else b"N")
            if self.offers_tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            else:
                self.clear.append(sock.recv(4096))
                return
            startup = read_message(sock)
        else:
            self.clear.append(startup)
        if struct.unpack("!I", startup[4:8])[0] == CANCEL:
            with socket.create_connection(("127.0.0.1", self.server.port)) as server:
                server.sendall(startup)
                server.recv(1)
            return
        words = startup[8:].split(b"\0")
        user = dict(zip(words[::2], words[1::2]))[b"user"].decode()
        if self.method == 10:
            sock.sendall(message(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0"))
        else:
            sock.sendall(message(b"R", struct.pack("!I", self.method) +
                                 (b"salt" if self.method == 5 else b"")))
        token = read_message(sock, kind=True)[5:-1].decode()
        self.tokens.append(token)
        fault = fault_of(token, self.host, self.port, user, self.keys)
        if fault is not None:
            self.faults.append(fault)
            sock.sendall(message(b"E", b"SFATAL\0VFATAL\0C28000\0MPAM authentication failed for "
                                 b'user "' + user.encode() + b'"\0\0'))
            return
        with socket.create_connection(("127.0.0.1", self.server.port)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.sendall(startup)
            relay(sock, server)


def relay(client, server):
    """Both ways; TLS of Python's is not for two threads at once, so that one does both."""
    import select
    while True:
        if not client.pending():
            ready = select.select([client, server], [], [])[0]
        else:
            ready = [client]
        for one, other in ((client, server), (server, client)):
            if one in ready:
                data = one.recv(1 << 17)
                if not data:
                    return
                other.sendall(data)


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def read_message(sock, kind=False):
    head = exactly(sock, 5 if kind else 4)
    return head + exactly(sock, struct.unpack("!I", head[-4:])[0] - 4)


def exactly(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


class Endpoint(Listener):
    """Speaks HTTP. answer(method, path, headers, body) -> (status, body), or bytes as they are, or
    something that yields such bytes. requests: all that came."""

    def __init__(self, answer, certificate=None):
        self.answer, self.requests = answer, []
        super().__init__(certificate)

    @property
    def url(self):
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    def talk(self, sock):
        if self.tls:
            sock = self.tls.wrap_socket(sock, server_side=True)
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536) or exactly(sock, 1)
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        method, path, _ = lines[0].split(" ")
        headers = {name.lower(): value for name, value in
                   (line.split(": ", 1) for line in lines[1:])}
        body += exactly(sock, int(headers.get("content-length", 0)) - len(body))
        self.requests.append((method, path, headers, body.decode()))
        answer = self.answer(method, path, headers, body.decode())
        if isinstance(answer, tuple):
            status, text = answer
            answer = (f"HTTP/1.1 {status} Word\r\nContent-Type: text/plain\r\n"
                      f"Content-Length: {len(text.encode())}\r\n\r\n{text}").encode()
        for piece in [answer] if isinstance(answer, bytes) else answer:
            sock.sendall(piece)


ROLES = "/latest/meta-data/iam/security-credentials/"


def instance(keys, expires=3600, role="the-role", token="t0ken=="):
    """The answers of an instance's endpoint, which has only the second version."""
    def answer(method, path, headers, body):
        if method == "PUT" and path == "/latest/api/token":
            lasts = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
            return (200, token) if re.fullmatch("[0-9]+", lasts) else (400, "")
        if headers.get("x-aws-ec2-metadata-token") != token:
            return 401, ""
        if path == ROLES:
            return 200, role
        return (200, keys.json(expires)) if path == ROLES + role else (404, "")
    return answer
