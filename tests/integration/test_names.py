"""Host names in the static build: DNS, /etc/hosts, and what else an empty root may have or lack.

Each test has a network namespace with name servers and a PostgreSQL server in it, and a root with
nothing but the program and the files in /etc that the test is about.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from pgcask_testing import oracles, paths, process
from pgcask_testing.names import REFUSED, SERVFAIL, NameServer, Network
from test_static import static  # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make networks and roots")

PORT = 5432
# The server listens on these; on 127.0.0.66 and fd00::66 nobody does, and fd00::9 and 127.0.0.9
# take no connection and refuse none.
HERE, HERE_TOO, HERE_6 = "127.0.0.7", "127.1.0.44", "fd00::7"
NOBODY, NOBODY_6, SILENT, SILENT_6 = "127.0.0.66", "fd00::66", "127.0.0.9", "fd00::9"

KUBERNETES = """\
search shop.svc.cluster.local svc.cluster.local cluster.local
nameserver 127.0.0.2
options ndots:5
"""
ZONE = {
    "db.example.test": [HERE],
    "six.example.test": [HERE_6],
    "both.example.test": [HERE, HERE_6],
    "alias.example.test": ["next.example.test."],
    "next.example.test": ["last.elsewhere.test."],
    "last.elsewhere.test": ["both.example.test."],
    "loop.example.test": ["pool.example.test."],
    "pool.example.test": ["loop2.example.test."],
    "many.example.test": [*[f"127.1.0.{i}" for i in range(1, 45)], NOBODY_6],
    "empty.example.test": [],
    "postgres.shop.svc.cluster.local": [HERE],
    "half-dead.example.test": [HERE, NOBODY_6],
    "dead-6.example.test": [HERE, SILENT_6],
    "dead-4.example.test": [HERE_6, SILENT],
}


@dataclasses.dataclass
class Place:
    """The network, its PostgreSQL server, and a root."""

    network: Network
    server: object
    root: pathlib.Path

    def etc(self, **files):
        """Replaces the files of /etc: resolv_conf=… makes resolv.conf; None makes none."""
        for name, text in files.items():
            path = self.root / "etc" / name.replace("_", ".")
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.write_text(text)
                path.chmod(0o644)

    def run(self, *words, **options):
        with self.network.entered():
            return process.run(["/usr/sbin/chroot", "--userspec=65534:65534", self.root,
                                "/pgcask", *words], **options)

    def ping(self, host, **parameters):
        query = "&".join(f"{k}={v}" for k, v in {"connect_timeout": 8, **parameters}.items())
        return self.run("ping", f"postgres://postgres@{host}:{PORT}/?{query}", timeout=30)

    def oracle(self, host):
        """What a dynamic program's getaddrinfo gives for the name, with this root's /etc."""
        script = (
            "import json, socket, sys\n"
            "try:\n"
            "    found = socket.getaddrinfo(sys.argv[1], 5432, type=socket.SOCK_STREAM)\n"
            "    print(json.dumps([each[4][0] for each in found]))\n"
            "except (socket.gaierror, UnicodeError):\n"
            "    print('null')\n"
        )
        with self.network.entered():
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-c",
                 'mount --bind "$0" /etc && exec /usr/bin/python3 -ISc "$1" "$2"',
                 self.root / "etc", script, host],
                env=process.clean_env(), capture_output=True, text=True, check=True, timeout=60)
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def network():
    network = Network(ipv6=["fd00::2", HERE_6, SILENT_6, NOBODY_6])
    network.silent(SILENT, PORT)
    network.silent(SILENT_6, PORT)
    yield network
    network.close()


@pytest.fixture(scope="module")
def postgres(network, module_servers, authority):
    server = module_servers.create(18, start=False, hba=[
        "local all all trust", "host all all all trust", "host replication all all trust"])
    authority.enable(server, alt_names=["DNS:db.example.test"])
    server.port = PORT
    with network.entered():
        return server.start(options={"listen_addresses": f"{HERE},{HERE_TOO},{HERE_6}"})


@pytest.fixture
def place(static, network, postgres, workdir):  # noqa: F811
    root = workdir / "root"
    (root / "etc").mkdir(parents=True)
    (root / "target").mkdir(mode=0o777)
    (root / "target").chmod(0o777)
    shutil.copy(static, root / "pgcask")
    return Place(network, postgres, root)


@pytest.fixture
def name_server(network):
    """name_server(address="127.0.0.2", **options) -> a NameServer with ZONE, ended with the test."""
    with contextlib.ExitStack() as stack:
        def start(address="127.0.0.2", zone=ZONE, **options):
            return stack.enter_context(contextlib.closing(
                NameServer(network, address, zone, **options)))

        yield start


ONE = "nameserver 127.0.0.2\n"
TWO = "nameserver 127.0.0.2\nnameserver 127.0.0.3\noptions timeout:1 attempts:1\n"
GOOD, FAILS = {"address": "127.0.0.3"}, {"failure": SERVFAIL}

# id: (host, name servers, files of /etc, the address that is reached or a word of the error)
CASES = {
    "a name with dots": ("db.example.test", [{}], {"resolv_conf": ONE}, HERE),
    "a name in capitals": ("DB.Example.TEST", [{}], {"resolv_conf": ONE}, HERE),
    "a trailing dot": ("db.example.test.", [{}], {"resolv_conf": KUBERNETES}, HERE),
    "a search domain": ("db", [{}], {"resolv_conf": ONE + "search example.test\n"}, HERE),
    "the second search domain": (
        "db", [{}], {"resolv_conf": ONE + "search elsewhere.test example.test\n"}, HERE),
    "domain": ("db", [{}], {"resolv_conf": ONE + "domain example.test\n"}, HERE),
    "Kubernetes: a service": ("postgres", [{}], {"resolv_conf": KUBERNETES}, HERE),
    "Kubernetes: service.namespace": ("postgres.shop", [{}], {"resolv_conf": KUBERNETES}, HERE),
    "Kubernetes: the whole name": (
        "postgres.shop.svc.cluster.local", [{}], {"resolv_conf": KUBERNETES}, HERE),
    "Kubernetes: a name outside": ("db.example.test", [{}], {"resolv_conf": KUBERNETES}, HERE),
    "Kubernetes: no such service": ("mysql", [{}], {"resolv_conf": KUBERNETES}, '"mysql"'),
    "an alias of an alias": ("alias.example.test", [{}], {"resolv_conf": ONE}, HERE_6),
    "an alias to nowhere": ("loop.example.test", [{}], {"resolv_conf": ONE}, '"loop.example.test"'),
    "IPv6 only": ("six.example.test", [{}], {"resolv_conf": ONE}, HERE_6),
    "both kinds of address": ("both.example.test", [{}], {"resolv_conf": ONE}, HERE_6),
    "many addresses, of which the last lives": (
        "many.example.test", [{}], {"resolv_conf": ONE}, HERE_TOO),
    "truncated answers": (
        "many.example.test", [{"truncates": True}], {"resolv_conf": ONE}, HERE_TOO),
    "truncated answers after a search": (
        "postgres", [{"truncates": True}], {"resolv_conf": KUBERNETES}, HERE),
    "TCP only": ("db.example.test", [{}], {"resolv_conf": ONE + "options use-vc\n"}, HERE),
    "one query at a time": (
        "both.example.test", [{}], {"resolv_conf": ONE + "options single-request\n"}, HERE_6),
    "a name server by IPv6": (
        "db.example.test", [{"address": "fd00::2"}], {"resolv_conf": "nameserver fd00::2\n"}, HERE),
    "no such name": ("none.example.test", [{}], {"resolv_conf": ONE}, "not known"),
    "a name without addresses": (
        "empty.example.test", [{}], {"resolv_conf": ONE}, '"empty.example.test"'),
    "a first name server that fails": (
        "db.example.test", [FAILS, GOOD], {"resolv_conf": TWO}, HERE),
    "a first name server that refuses": (
        "db.example.test", [{"failure": REFUSED}, GOOD], {"resolv_conf": TWO}, HERE),
    "a first name server that is not there": ("db.example.test", [GOOD], {"resolv_conf": TWO}, HERE),
    "a first name server that is silent": (
        "db.example.test", [{"silent": True}, GOOD], {"resolv_conf": TWO}, HERE),
    "the first name server's no is final": (
        "db.example.test", [{"zone": {}}, GOOD], {"resolv_conf": TWO}, "not known"),
    "all name servers fail": (
        "db.example.test", [FAILS, {**GOOD, **FAILS}], {"resolv_conf": TWO}, "127.0.0.2, 127.0.0.3"),
    "no name server is there": ("db.example.test", [], {"resolv_conf": ONE}, "are 127.0.0.2."),
    "no resolv.conf asks this machine": (
        "db.example.test", [{"address": "127.0.0.1"}], {}, HERE),
    "no resolv.conf and nobody to ask": ("db.example.test", [], {}, "no /etc/resolv.conf"),
    "a resolv.conf without name server": (
        "db.example.test", [], {"resolv_conf": "search test\n"}, "names no name server"),
    "a resolv.conf of rubbish": (
        "db.example.test", [{}],
        {"resolv_conf": f"\0\1\n{'x' * 5000}\noptions ndots:-1 nonsense\n;#\n{ONE}"}, HERE),
    "/etc/hosts comes first": (
        "db.example.test", [{"zone": {"db.example.test": [NOBODY]}}],
        {"resolv_conf": ONE, "hosts": f"{HERE} db.example.test\n"}, HERE),
    "/etc/hosts alone": ("db", [], {"hosts": f"{HERE} other db\n"}, HERE),
    "/etc/hosts with IPv6": ("db", [], {"hosts": f"{HERE_6} db\n"}, HERE_6),
    "/etc/hosts with both, one of them dead": (
        "db", [], {"hosts": f"{NOBODY_6} db\n{HERE} db\n", "host_conf": "multi on\n"}, HERE),
    "/etc/hosts with both, where the first line counts": (
        "db", [], {"hosts": f"{HERE} db\n{NOBODY_6} db\n"}, HERE),
    "an /etc/hosts of rubbish": (
        "db", [], {"hosts": f"\0\n300.1.2.3 db\nfd00::::: db\n{'y' * 9000} db\n{HERE}\tdb"}, HERE),
    "an address of which nobody listens": (
        "half-dead.example.test", [{}], {"resolv_conf": ONE}, HERE),
    "a label that is too long": (f"{'a' * 64}.test", [{}], {"resolv_conf": ONE}, "cannot resolve"),
    "an empty label": ("db..example.test", [{}], {"resolv_conf": ONE}, "cannot resolve"),
}


@pytest.mark.parametrize("case", CASES)
def test_names_are_those_of_any_other_program(place, name_server, case):
    host, servers, files, expected = CASES[case]
    asked = [name_server(**options) for options in servers]
    place.etc(**files)
    addresses = place.oracle(host)
    their_queries = [sorted(each.asked) for each in asked]
    for each in asked:
        each.asked.clear()
    result = place.ping(host)
    if expected in (HERE, HERE_TOO, HERE_6):
        assert addresses and expected in addresses, addresses
        assert result.rc == 0 and f" at {host.strip()}:{PORT}" in result.stdout, result
    else:
        assert addresses is None
        assert result.rc == 1 and expected in result.stderr, result
        assert f'"{host}"' in result.stderr and "hint: " in result.stderr, result
    assert [sorted(each.asked) for each in asked] == their_queries


@pytest.mark.parametrize("line", [
    "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns",
    "hosts: files mdns4_minimal [NOTFOUND=return] dns",
    "hosts: files resolve",
    "hosts: resolve",
    "hosts:",
    "hosts: [",
    "",
    "\0\1 no such thing",
    None,
])
def test_nsswitch_conf_makes_no_difference(place, name_server, line):
    """Its modules are not for a static program, and not needed: what they know is in DNS."""
    name_server()
    place.etc(resolv_conf=KUBERNETES, hosts=f"{HERE} in-the-file\n",
              nsswitch_conf=None if line is None else line + "\n")
    place.ping("postgres").check()
    place.ping("in-the-file").check()


MODULE = r"""
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <stdio.h>
#include <stdlib.h>
enum nss_status _nss_resolve_gethostbyname4_r(const char *name, void **list, char *memory,
                                              size_t len, int *error, int *host_error, int *ttl)
{
    char *copy = malloc(1000);
    snprintf(copy, 1000, "the module was asked for %s\n", name);
    fputs(copy, stderr);
    free(copy);
    *error = ENOENT;
    *host_error = HOST_NOT_FOUND;
    return NSS_STATUS_NOTFOUND;
}
"""


@pytest.mark.parametrize("release", ["host", "trixie", "forky"])
def test_modules_of_another_c_library_are_left_alone(place, name_server, workdir, release):
    """As on a machine with systemd-resolved's module: loading it brings the machine's C library
    into the process, and that may crash it."""
    source = workdir / "module.c"
    machine = pathlib.Path(f"/lib/{os.uname().machine}-linux-gnu")
    libraries = place.root / str(machine).lstrip("/")
    if release != "host":
        machine = paths.cache_dir() / "root" / release / "usr" / str(machine).lstrip("/")
    libraries.mkdir(parents=True)
    loader = next(machine.glob("ld-linux-*.so.*"))
    (place.root / "lib64").mkdir()
    source.write_text(MODULE)
    subprocess.run(["cc", "-w", "-shared", "-fPIC", "-o", libraries / "libnss_resolve.so.2", source],
                   check=True)
    shutil.copy(machine / "libc.so.6", libraries)
    for folder in (libraries, place.root / "lib64", place.root / "lib"):
        shutil.copy(loader, folder)
    name_server()
    place.etc(resolv_conf=ONE, nsswitch_conf="passwd: resolve\nhosts: resolve dns\n")
    assert place.ping("db.example.test").check().stderr == ""


@pytest.mark.parametrize("host, first", [
    ("dead-6.example.test", ""),
    ("dead-4.example.test", "precedence ::ffff:0:0/96 100\n"),
])
def test_a_silent_address_leaves_time_for_the_next(place, name_server, host, first):
    name_server()
    place.etc(resolv_conf=ONE, gai_conf=first)
    result = place.ping(host, connect_timeout=2).check()
    assert 0.5 < result.wall_time < 2, result


def test_a_silent_name_server_ends_at_connect_timeout(place, name_server):
    name_server(silent=True)
    place.etc(resolv_conf=ONE)
    result = place.ping("db.example.test", connect_timeout=2)
    assert result.rc == 1 and 1.5 < result.wall_time < 4, result
    assert '"db.example.test": no answer in time' in result.stderr, result
    assert "127.0.0.2" in result.stderr and "hint: " in result.stderr, result


def test_a_signal_ends_the_wait_for_a_name_server(place, name_server):
    server = name_server(silent=True)
    place.etc(resolv_conf=ONE)
    with place.network.entered():
        running = process.Process(["/usr/sbin/chroot", place.root, "/pgcask", "ping",
                                   "postgres://postgres@db.example.test/"])
    with running:
        while not server.asked:
            time.sleep(0.02)
        running.terminate()
        result = running.wait(5)
    assert result.rc == 1 and "SIGTERM" in result.stderr, result


def test_the_certificate_is_held_against_the_name(place, name_server, authority):
    name_server()
    shutil.copy(authority.root, place.root / "etc/root.crt")
    (place.root / "etc/root.crt").chmod(0o644)
    place.etc(resolv_conf=ONE + "search example.test\n")
    secure = {"sslmode": "verify-full", "sslrootcert": "/etc/root.crt"}
    assert "TLS" in place.ping("db.example.test", **secure).check().stdout
    refused = place.ping("db", **secure)
    assert refused.rc == 1 and '"db"' in refused.stderr, refused


@pytest.mark.parametrize("host", ["postgres", "six.example.test"])
def test_a_backup_by_such_a_name(place, name_server, host):
    name_server(truncates=True)
    place.etc(resolv_conf=KUBERNETES)
    place.run("backup", f"postgres+bin://postgres@{host}:{PORT}/", "--to", "/target/b").check()
    place.run("verify", "/target/b").check()
    oracles.wait_for_nothing_left(place.server)
    oracles.verifybackup(place.root / "target/b/data", 18).check()
