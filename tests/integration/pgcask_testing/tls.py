"""A throwaway certificate authority, made with the openssl command."""

import os
import subprocess

from . import process


class Authority:
    """Makes certificates in a folder: NAME.crt and NAME.key. Its own is `root`."""

    def __init__(self, folder, name="root"):
        self.folder = folder
        self.root = folder / f"{name}.crt"
        self._key = folder / f"{name}.key"
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                 "-subj", f"/CN=test {name}", "-keyout", self._key, "-out", self.root)

    def issue(self, name, common_name, alt_names=(), options=()):
        """A certificate signed by it; alt_names such as "DNS:localhost" or "IP:127.0.0.1".

        Returns the paths (certificate, key).
        """
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={common_name}",
                 "-keyout", key, "-out", request, *options)
        extensions.write_text("basicConstraints=CA:FALSE\n" + (
            f"subjectAltName={','.join(alt_names)}\n" if alt_names else ""))
        _openssl("x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self._key,
                 "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", certificate)
        os.chmod(key, 0o600)
        return certificate, key

    def enable(self, server, name="server", common_name="localhost",
               alt_names=("DNS:localhost", "IP:127.0.0.1"), **conf):
        """Switches TLS on at a server, and lets it ask for client certificates of ours."""
        certificate, key = self.issue(f"{name}-{server.port}", common_name, alt_names)
        process.give_to_server(key)
        server.configure({
            "ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key,
            "ssl_ca_file": self.root, **conf,
        })
        return server


def _openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
