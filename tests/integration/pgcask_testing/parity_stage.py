"""Where the cases of parity_cases.py are played: servers, certificates and peers that misbehave."""

import contextlib
import os
import pathlib
import pwd
import re
import socket
import subprocess
import threading
import time
import urllib.parse

from . import parity, paths, process, temp, tls
from .servers import free_port

DEFAULT_SOCKETS = pathlib.Path("/var/run/postgresql")  # where stock psql looks

# Who may enter how. The last word is the method of ROLES too.
HBA = [
    "local all postgres trust",
    "local replication postgres trust",
    "local all {login},trusted trust",
    "local all peered peer",
    "local all rejected reject",
    "local all all scram-sha-256",
    "host all postgres,{login},trusted,absent,nologin,outsider,limited all trust",
    "host all clear all password",
    "host all hashed all md5",
    "host all rejected all reject",
    "host all nobody_knows all ident",
    "hostssl all certified all cert",
    "hostssl all verified all trust clientcert=verify-full",
    "hostssl all vouched all scram-sha-256 clientcert=verify-ca",
    "hostssl all tls_only all scram-sha-256",
    "hostnossl all clear_only all scram-sha-256",
    "hostssl all either all scram-sha-256",
    "hostnossl all either all trust",
    "hostssl all tls_shut all reject",
    "hostnossl all tls_shut all trust",
    "hostnossl all clear_shut all reject",
    "hostssl all clear_shut all trust",
    "host all scrammed,old_soft,expired,passwordless,ghost,accented,spaced,quoted,long all "
    "scram-sha-256",
]

PASSWORD = "s3cret-corr3ct"
PASSWORDS = {
    "accented": "gr\u00fc\u00df-\u2168-s3cret",  # SASLprep makes IX of the Roman numeral
    "old_soft": "s\u00adoft-s3cret",  # and nothing of the soft hyphen
    "spaced": " s3cret with blanks ",
    "quoted": r"s3'cret\%:@/?#&=+",
    "long": "s3cret" * 160,
}

ROLES = ("trusted", "clear", "hashed", "scrammed", "peered", "rejected", "certified", "verified",
         "vouched", "tls_only", "clear_only", "either", "tls_shut", "clear_shut", "expired",
         "outsider", "limited", "nologin", "nobody_knows", "gssed", *PASSWORDS)

FACTS_SQL = """
CREATE FUNCTION public.session_facts() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', current_user, current_database(), current_setting('port'),
        coalesce(host(inet_server_addr()), 'socket'), ssl, coalesce(version, '-'),
        coalesce(client_dn, '-'), pg_catalog.pg_is_in_recovery(),
        current_setting('application_name'), current_setting('client_encoding'),
        current_setting('datestyle'), current_setting('timezone'), current_setting('geqo'),
        current_setting('statement_timeout'), current_setting('search_path'), {authentication})
    FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()
$$;
"""

FACTS_QUERY = "SELECT public.session_facts()"

# The certificates of the server at {show}: common name, alternative names, how it is signed.
CERTIFICATES = {
    "usual": ("localhost", ["DNS:localhost", "IP:127.0.0.1"], {}),
    "wild": ("x", ["DNS:*.example.org"], {}),
    "wild part": ("x", ["DNS:d*.example.org"], {}),
    "wild top": ("x", ["DNS:*"], {}),
    "common name": ("db.example.org", [], {}),
    "common name wild": ("*.example.org", [], {}),
    "alternative": ("db.example.org", ["DNS:other.example.org"], {}),
    "common address": ("127.0.0.1", [], {}),
    "address": ("db.example.org", ["IP:127.0.0.1"], {}),
    "address as name": ("x", ["DNS:127.0.0.1"], {}),
    "address 6": ("x", ["IP:::1"], {}),
    "other address": ("127.0.0.1", ["IP:127.0.0.2"], {}),
    "nameless": (None, [], {}),
    "expired": ("localhost", ["DNS:localhost"], {"days": -1}),
    "sha512": ("localhost", ["DNS:localhost"], {"signing": ["-sha512"]}),
    "ecdsa": ("localhost", ["DNS:localhost"],
              {"key_type": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], "signing": ["-sha384"]}),
    "pss": ("localhost", ["DNS:localhost"],
            {"signing": ["-sha384", "-sigopt", "rsa_padding_mode:pss"]}),
    "ed25519": ("localhost", ["DNS:localhost"], {"key_type": ["ed25519"]}),
    "revoked": ("localhost", ["DNS:localhost"], {}),
}


def _as(uid):
    """Words that run what follows as a user who need not be in /etc/passwd."""
    return [] if uid is None else ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Stage:
    """Servers, made once for a test file.

    main     18 with TLS and everything; also at a default socket folder and an abstract socket
    standby  of main; cold: another, which takes no sessions
    old      15 with TLS, up to version 1.2
    plain    13 without TLS
    show     17 with whatever certificate is asked for
    """

    login = pwd.getpwuid(os.geteuid()).pw_name  # whom a string without a user means

    def __init__(self, servers, authority, pgcask, probe):
        self._servers, self._pgcask, self._probe = servers, pgcask, probe
        self._authority = authority
        self._stop = contextlib.ExitStack()
        self._shown = None
        self.names = {"login": self.login, "pw": PASSWORD,
                      "server_user": process.server_user() or self.login}
        for role, password in PASSWORDS.items():
            self.names[f"{role}_pw"] = re.sub(r"(['\\])", r"\\\1", password)
            self.names[f"{role}_uri"] = urllib.parse.quote(password, safe="")
            self.names[f"{role}_line"] = re.sub(r"([:\\])", r"\\\1", password)
        try:
            self._make_servers()
            self._make_certificates()
            self._make_peers()
        except BaseException:
            self.close()
            raise

    def close(self):
        self._stop.close()

    # Cases

    def fill(self, text):
        return re.sub(r"\{(\w+)\}", lambda m: str(self.names[m[1]]), str(text))

    def prepare(self, case):
        """Makes the case's home folder; returns the string and the environment."""
        home = self.names["home"] = temp.new_dir("home")
        for name, content in case.files.items():
            text, mode = content if isinstance(content, tuple) else (content, 0o600)
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.fill(text))
            path.chmod(mode)
        if case.uid is not None:
            for path in (home, *home.rglob("*")):
                os.chown(path, case.uid, case.uid)
        env = {"HOME": home, **case.env}
        env = {name: None if value is None else self.fill(value) for name, value in env.items()}
        if case.shown is not None:
            self.show(case.shown)
        return self.fill(case.info), env

    def compare(self, case, old_psql=False):
        """The outcomes by who has it: "psql", "probe", and where the case is for them also
        "old psql" and "ping"."""
        info, env = self.prepare(case)
        words = ["-X", "-w", "-A", "-t", "-c", FACTS_QUERY] + (["-d", info] if info else [])
        commands = {"psql": [paths.stock("psql"), *words],
                    "probe": [self._probe, info, FACTS_QUERY]}
        if old_psql and case.known_to_15:
            commands["old psql"] = [paths.stock("psql", 15), *words]
        if case.ping:
            commands["ping"] = [self._pgcask, "ping", "--json", info]
        with contextlib.ExitStack() as stack:
            running = {who: stack.enter_context(process.Process(_as(case.uid) + command, env=env))
                       for who, command in commands.items()}
            results = {who: one.wait(60) for who, one in running.items()}
        return {who: parity.OUTCOME_OF[who](result) for who, result in results.items()}

    # Servers

    def _make_servers(self):
        create = self._servers.create
        self.main = create(18, flavour="debian", start=False)
        self.main.start_options = {
            "listen_addresses": "127.0.0.1,::1",
            "unix_socket_directories": ",".join(map(str, (
                self.main.socket_dir, self._default_sockets(), f"@pgct-{self.main.port}"))),
        }
        self.old = create(15, start=False, conf={"ssl_max_protocol_version": "TLSv1.2"})
        self.plain = create(13, start=False)
        self.show_server = create(17, start=False)
        hba = [self.fill(line) for line in HBA]
        for server in (self.main, self.old, self.plain, self.show_server):
            if server is not self.plain:
                self._authority.enable(server)
            server.start()
            self._populate(server)
            extra = ["host all gssed all gss"] if server is self.main else []
            lines = hba if server is not self.plain else [
                line for line in hba if not line.startswith("hostssl")]
            server.configure(hba=lines + extra)
        self.standby = self._servers.standby(self.main)
        self.cold = self._servers.standby(self.main, name="cold", conf={"hot_standby": "off"})
        for name in ("main", "old", "plain", "standby", "cold"):
            self._name_server(name, getattr(self, name))
        self._name_server("show", self.show_server)

    def _default_sockets(self):
        if not os.access(DEFAULT_SOCKETS, os.W_OK):
            sudo = [] if os.geteuid() == 0 else ["sudo"]
            subprocess.run([*sudo, "install", "-d", "-m", "1777", DEFAULT_SOCKETS], check=True)
        return DEFAULT_SOCKETS

    def _populate(self, server):
        method = "coalesce(system_user, '-')" if server.major >= 16 else "'-'"
        server.sql(FACTS_SQL.format(authentication=method), db="template1")
        server.sql(FACTS_SQL.format(authentication=method))
        for role in ROLES:
            server.sql(
                f"SET password_encryption = '{'md5' if role == 'hashed' else 'scram-sha-256'}';"
                f"CREATE ROLE {role} LOGIN PASSWORD {_quoted(PASSWORDS.get(role, PASSWORD))}")
        server.sql(f"""
            CREATE ROLE passwordless LOGIN;
            ALTER ROLE nologin NOLOGIN;
            ALTER ROLE limited CONNECTION LIMIT 0;
            ALTER ROLE expired VALID UNTIL '2001-01-01';
            CREATE DATABASE trusted;
            CREATE DATABASE shut ALLOW_CONNECTIONS false;
            CREATE DATABASE full_up CONNECTION LIMIT 0;
            CREATE DATABASE closed;
            REVOKE CONNECT ON DATABASE closed FROM public;
            CREATE DATABASE readonly;
            ALTER DATABASE readonly SET default_transaction_read_only = on;
            CREATE DATABASE "a b=c%/d";
        """)
        if self.login != "postgres":
            server.sql(f'CREATE ROLE "{self.login}" LOGIN; CREATE DATABASE "{self.login}"')

    def _name_server(self, name, server):
        self.names[name] = f"host=127.0.0.1 port={server.port} dbname=postgres"
        self.names[f"{name}_port"] = server.port
        self.names[f"{name}_socket"] = server.socket_dir
        self.names[f"{name}_socket_uri"] = urllib.parse.quote(str(server.socket_dir), safe="")
        self.names[f"{name}_at"] = f"127.0.0.1:{server.port}"

    # Certificates

    def _make_certificates(self):
        ca, folder = self._authority, temp.new_dir("certificates")
        stranger = tls.Authority(ca.folder, "parity-stranger")
        middle = tls.Authority(ca.folder, "parity-middle", parent=ca)
        self._shown_files = {
            name: ca.issue(f"show-{name.replace(' ', '-')}", common, alternative, **options)
            for name, (common, alternative, options) in CERTIFICATES.items()
        }
        self._shown_files["stranger"] = stranger.issue("show-stranger", "localhost",
                                                       ["DNS:localhost"])
        bare = middle.issue("show-middle", "localhost", ["DNS:localhost"])
        self._shown_files["bare"] = bare
        chain = folder / "chain.crt"
        chain.write_bytes(bare[0].read_bytes() + middle.root.read_bytes())
        self._shown_files["chain"] = (chain, bare[1])
        for _, key in self._shown_files.values():
            process.give_to_server(key)
        self._name_client_files(ca, middle, stranger, folder)
        self.names.update({
            "root": ca.root, "stranger": stranger.root, "middle": middle.root,
            "crl": ca.revocation_list("parity", self._shown_files["revoked"][0]),
            "empty_crl": ca.revocation_list("parity-empty"),
        })
        for name in ("root", "stranger", "crl"):
            self.names[f"{name}_pem"] = self.names[name].read_text()
        self.names["crl_folder"] = tls.crl_folder(folder / "crls", self.names["crl"])

    def _name_client_files(self, ca, middle, stranger, folder):
        clients = {
            "client": ca.issue("parity-client", "certified"),
            "other": ca.issue("parity-other", "somebody"),
            "verified": ca.issue("parity-verified", "verified"),
            "impostor": stranger.issue("parity-impostor", "certified"),
            "expired": ca.issue("parity-expired", "certified", days=-1),
        }
        bare = middle.issue("parity-middle-client", "certified")
        whole = folder / "client-chain.crt"
        whole.write_bytes(bare[0].read_bytes() + middle.root.read_bytes())
        clients["bare"], clients["whole"] = bare, (whole, bare[1])
        for name, (certificate, key) in clients.items():
            self.names[f"{name}_crt"], self.names[f"{name}_key"] = certificate, key
            self.names[f"{name}_pem"] = certificate.read_text()
            self.names[f"{name}_key_pem"] = key.read_text()
        self.names["private"] = folder / "passfile"
        self.names["private"].touch(0o600)
        key = clients["client"][1]
        self.names["locked_key"] = tls.encrypt_key(key, folder / "locked.key", "s3cret-of-the-key")
        self.names["der_key"] = tls.der_key(key, folder / "der.key")
        for mode in (0o640, 0o644, 0o660, 0o400):
            copy = folder / f"mode-{mode:o}.key"
            copy.write_bytes(key.read_bytes())
            copy.chmod(mode)
            self.names[f"key_{mode:o}"] = copy

    def show(self, name):
        """Gives the server at {show} another certificate."""
        if self._shown == name:
            return
        certificate, key = self._shown_files[name]
        self.show_server.configure(ssl_cert_file=certificate, ssl_key_file=key)
        end = time.monotonic() + 10
        # A process of the server knows the file once the postmaster has loaded it.
        while self.show_server.value("SHOW ssl_cert_file") != str(certificate):
            assert time.monotonic() < end, self.show_server.log[-2000:]
        assert "not reloaded" not in self.show_server.log, self.show_server.log[-2000:]
        self._shown = name

    # Peers that are no PostgreSQL

    def _make_peers(self):
        self.names["silent_port"] = self._listen(None)
        self.names["rude_port"] = self._listen(b"")
        self.names["web_port"] = self._listen(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.names["dead_port"] = free_port()

    def _listen(self, answer):
        """A port that takes connections and answers so; None: never."""
        listener = self._stop.enter_context(socket.create_server(("127.0.0.1", 0), backlog=100))

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    with peer, contextlib.suppress(OSError):
                        peer.recv(1000)
                        peer.sendall(answer)

        if answer is not None:
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            self._stop.callback(listener.shutdown, socket.SHUT_RDWR)
        return listener.getsockname()[1]
