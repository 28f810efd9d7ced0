"""A throwaway certificate authority, made with the openssl command."""

import os
import subprocess

from . import process


class Authority:
    """Makes certificates in a folder: NAME.crt and NAME.key. Its own is `root`."""

    def __init__(self, folder, name="root", parent=None):
        """parent: the authority that signs it; otherwise it signs itself."""
        self.folder = folder
        self.root = folder / f"{name}.crt"
        self._key = folder / f"{name}.key"
        if parent is not None:
            parent.issue(name, f"test {name}", authority=True)
            return
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                 "-subj", f"/CN=test {name}", "-keyout", self._key, "-out", self.root)

    def issue(self, name, common_name, alt_names=(), options=(), key_type=("rsa:2048",),
              signing=(), days=30, authority=False):
        """A certificate signed by it; alt_names such as "DNS:localhost" or "IP:127.0.0.1".

        common_name None: the subject has none. options, key_type and signing are words for
        openssl req, its -newkey and openssl x509. days=-1: it has expired. Returns the paths
        (certificate, key).
        """
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        subject = "/O=test" if common_name is None else f"/CN={common_name}"
        _openssl("req", "-newkey", *key_type, "-nodes", "-subj", subject,
                 "-keyout", key, "-out", request, *options)
        extensions.write_text(f"basicConstraints=CA:{str(authority).upper()}\n" + (
            f"subjectAltName={','.join(alt_names)}\n" if alt_names else ""))
        _openssl("x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self._key,
                 "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", certificate,
                 *signing)
        os.chmod(key, 0o600)
        return certificate, key

    def revocation_list(self, name, *certificates):
        """A CRL that names the certificates: the path of NAME.crl."""
        path = self.folder / f"{name}.crl"
        database, number = self.folder / f"{name}.index", self.folder / f"{name}.number"
        configuration = self.folder / f"{name}.cnf"
        database.touch()
        number.write_text("01\n")
        configuration.write_text(
            f"[ca]\ndefault_ca=it\n[it]\ndatabase={database}\ncrlnumber={number}\n"
            "default_md=sha256\ndefault_crl_days=30\n")
        ca = ("ca", "-config", configuration, "-keyfile", self._key, "-cert", self.root)
        for certificate in certificates:
            _openssl(*ca, "-revoke", certificate)
        _openssl(*ca, "-gencrl", "-out", path)
        return path

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


def crl_folder(path, *lists):
    """Makes a folder of revocation lists under the names that OpenSSL looks for."""
    path.mkdir()
    for crl in lists:
        name = _openssl("crl", "-in", crl, "-noout", "-hash").strip()
        (path / f"{name}.r0").write_bytes(crl.read_bytes())
    return path


def encrypt_key(key, to, password):
    """The same private key, encrypted by a password, in another file."""
    _openssl("pkey", "-in", key, "-aes256", "-passout", f"pass:{password}", "-out", to)
    to.chmod(0o600)
    return to


def der_key(key, to):
    """The same private key in binary form, in another file."""
    _openssl("pkey", "-in", key, "-outform", "DER", "-out", to)
    to.chmod(0o600)
    return to


def _openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
