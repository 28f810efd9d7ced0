"""The static build: one file that works where there is nothing else.

$PGCASK_STATIC names the program, by default build/static/pgcask.
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import time
import urllib.parse

import pytest

from pgcask_testing import builders, oracles, paths, process

# Not a name that any name service could know; .test is reserved (RFC 6761).
HOST = "the-database.test"
STRANGERS = (65534, 12345)  # uids without an entry in the empty root's /etc/passwd


@pytest.fixture(scope="module")
def static():
    path = pathlib.Path(
        os.environ.get("PGCASK_STATIC") or paths.REPO / "build/static/pgcask").resolve()
    if not path.exists():
        pytest.fail(f"{path} is not there: make static, or name another with PGCASK_STATIC")
    return path


@pytest.fixture(scope="module")
def source(module_servers, authority):
    """A running server of the major with TLS, passwords and a tablespace."""
    made = {}

    def make(major):
        if major not in made:
            server = module_servers.create(major, start=False, auth="scram-sha-256")
            authority.enable(server, alt_names=[f"DNS:{HOST}"])
            made[major] = server.start()
            server.sql("CREATE ROLE backup LOGIN REPLICATION PASSWORD 'secret'")
            builders.tablespaces(server, names=["one"])
        return made[major]

    return make


@dataclasses.dataclass
class EmptyRoot:
    """A folder that is to be the root: the program, /etc/hosts and a target folder."""

    folder: pathlib.Path

    def run(self, *words, uid=None, **options):
        return process.run([*chroot(self.folder, uid), "/pgcask", *words], **options)

    def uri(self, server, **parameters):
        query = "&".join(f"{k}={v}" for k, v in parameters.items())
        return f"postgres+bin://backup:secret@{HOST}:{server.port}/?{query}"


def chroot(folder, uid):
    """The command that makes a folder the root; as a plain user in a user namespace, or by sudo."""
    if os.geteuid() == 0:
        return ["chroot", *([] if uid is None else [f"--userspec={uid}:{uid}"]), folder]
    if uid is None and runs("unshare", "-r", "true"):
        return ["unshare", "-r", "/usr/sbin/chroot", folder]
    if not may_sudo():
        pytest.skip("chroot takes root, sudo or a user namespace")
    spec = [] if uid is None else [f"--userspec={uid}:{uid}"]
    return ["sudo", "-n", "env", "-i", "chroot", *spec, folder]


def runs(*command):
    """Whether the command is there and succeeds."""
    return (shutil.which(command[0]) is not None
            and subprocess.run(command, capture_output=True).returncode == 0)


def may_sudo():
    return runs("sudo", "-n", "true")


@pytest.fixture
def root(static, workdir, authority):
    folder = workdir / "root"
    (folder / "etc").mkdir(parents=True)
    (folder / "target").mkdir()
    (folder / "target").chmod(0o777)
    (folder / "etc/hosts").write_text(f"127.0.0.1 {HOST}\n")
    shutil.copy(static, folder / "pgcask")
    shutil.copy(authority.root, folder / "etc/root.crt")
    (folder / "etc/root.crt").chmod(0o644)
    yield EmptyRoot(folder)
    # As a plain user: what strangers wrote is not ours to remove.
    sudo = ["sudo", "-n"] if os.geteuid() != 0 and may_sudo() else []
    subprocess.run([*sudo, "rm", "-rf", folder], check=True)


def test_it_has_no_dynamic_section_and_no_interpreter(static):
    read = lambda option: subprocess.run(
        ["readelf", option, static], env=process.clean_env(), capture_output=True, text=True,
        check=True).stdout
    assert "There is no dynamic section in this file" in read("-d")
    assert "INTERP" not in read("-l")


def test_its_size(static, workdir):
    stripped = workdir / "stripped"
    subprocess.run(["strip", "-o", stripped, static], check=True)
    print(f"\n{static}: {static.stat().st_size / 2**20:.1f} MiB,"
          f" stripped {stripped.stat().st_size / 2**20:.1f} MiB")
    process.run([stripped, "version"]).check()
    assert stripped.stat().st_size < 10 * 2**20


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("uid", [None, *STRANGERS])
def test_backup_verify_and_restore_in_an_empty_root(root, source, servers, major, uid):
    server = source(major)
    live = oracles.all_sums(server)
    root.run("backup", root.uri(server), "--to", "/target/backup", uid=uid).check()
    root.run("backup", root.uri(server), "--to", "/target/backup.tar", uid=uid).check()
    root.run("verify", "/target/backup", uid=uid).check()
    root.run("restore", "/target/backup.tar", "--to", "/target/data", uid=uid).check()
    assert {p.name for p in root.folder.iterdir()} == {"pgcask", "etc", "target"}
    if uid is not None and os.geteuid() == 0:
        assert (root.folder / "target/data/PG_VERSION").stat().st_uid == uid
    if os.geteuid() != 0:
        return

    oracles.verifybackup(root.folder / "target/backup/data", major).check()
    # The links lead to where the tablespaces are below the new root.
    data = root.folder / "target/data"
    for link in (data / "pg_tblspc").iterdir():
        assert str(link.readlink()) == f"/target/data.tablespaces/{link.name}"
        place = root.folder / "target/data.tablespaces" / link.name
        link.unlink()
        link.symlink_to(place)
    started = servers.start_restored(data, major, options={"ssl": "off"})
    assert oracles.all_sums(started) == live


@pytest.mark.majors(15)
def test_tls_in_an_empty_root(root, source, major):
    server = source(major)
    for parameters in ({"sslmode": "require"},
                       {"sslmode": "verify-full", "sslrootcert": "/etc/root.crt"}):
        result = root.run("ping", root.uri(server, **parameters), uid=STRANGERS[0]).check()
        assert "TLS" in result.stdout, result
    result = root.run("ping", root.uri(server, sslmode="verify-full"))
    assert result.rc == 1 and "hint: " in result.stderr, result


@pytest.mark.majors(15)
@pytest.mark.parametrize("place", [
    "usr/lib/ssl/cert.pem",  # OpenSSL's own, where Debian built it
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/ca-bundle.pem",
    "var/lib/ca-certificates/ca-bundle.pem",
    "etc/ssl/cert.pem",
    "etc/ssl/certs/mounted.pem",
])
def test_the_systems_certificates_are_found_where_a_distribution_has_them(
    root, source, authority, major, place
):
    server = source(major)
    bundle = root.folder / place
    bundle.parent.mkdir(parents=True)
    shutil.copy(authority.root, bundle)
    bundle.chmod(0o644)
    uri = root.uri(server, sslmode="verify-full", sslrootcert="system")
    assert "TLS" in root.run("ping", uri, uid=STRANGERS[0]).check().stdout


@pytest.mark.majors(15)
def test_without_the_systems_certificates_the_error_says_where_they_could_be(
    root, source, major
):
    server = source(major)
    uri = root.uri(server, sslmode="verify-full", sslrootcert="system")
    result = root.run("ping", uri, uid=STRANGERS[0])
    assert result.rc == 1 and "no root certificates" in result.stderr, result
    for word in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                 "/etc/ssl/ca-bundle.pem", "hint: ", "SSL_CERT_FILE", "sslrootcert"):
        assert word in result.stderr, result
    own = {"SSL_CERT_FILE": "/etc/root.crt"}
    root.run("ping", uri, uid=STRANGERS[0], env=own).check()
    result = root.run("ping", uri, uid=STRANGERS[0], env={"SSL_CERT_FILE": "/no/such.crt"})
    assert result.rc == 1 and "/no/such.crt" in result.stderr, result


# The root is read-only but for /target, and what starts the program has closed its descriptors.
BARE = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" &&
mount --bind "$1/target" "$1/target" && mount -o remount,bind,rw "$1/target" && shift &&
exec "$@" <&- >&- 2>&-
"""


@pytest.mark.majors(13, 18)
def test_with_nothing_at_all(root, source, authority, major):
    """No /tmp, /dev, /proc, HOME or passwd; a read-only root; no descriptor; 128 MiB of addresses;
    a uid nobody knows; the certificate of the authority in the URI itself."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    server = source(major)
    (root.folder / "etc/root.crt").unlink()
    secure = {"sslmode": "verify-full",
              "sslrootcert": urllib.parse.quote(authority.root.read_text(), safe="")}
    command = ["unshare", "--mount", "sh", "-c", BARE, "sh", root.folder,
               "env", "-i", "PATH=/usr/sbin:/usr/bin",
               "prlimit", f"--as={128 << 20}", *chroot(root.folder, STRANGERS[1]), "/pgcask"]
    result = process.run([*command, "backup", root.uri(server, **secure), "--to", "/target/b",
                          "--quiet"])
    assert (result.rc, result.stdout, result.stderr) == (0, "", ""), result
    assert process.run([*command, "verify", "/target/b", "--quiet"]).rc == 0
    result = process.run([*command, "restore", "/target/b", "--to", "/target/data", "--quiet"])
    assert result.rc == 0
    assert (root.folder / "target/data/PG_VERSION").stat().st_uid == STRANGERS[1]
    oracles.verifybackup(root.folder / "target/b/data", major).check()
    # There is nowhere to write a result to: that is a failure, and a wrong URI another.
    assert process.run([*command, "ping", root.uri(server, **secure)]).rc == 1
    assert process.run([*command, "ping", "nonsense"]).rc == 2
    assert {p.name for p in root.folder.iterdir()} == {"pgcask", "etc", "target"}


@pytest.mark.majors(15)
def test_a_password_command_needs_no_shell(root, source, major):
    """The one program that is there prints its version: a fine password."""
    server = source(major)
    version = root.run("version").check().stdout.strip()
    server.sql(f"DROP ROLE IF EXISTS other; CREATE ROLE other LOGIN PASSWORD '{version}'")
    uri = f"postgres://other@{HOST}:{server.port}/postgres"
    root.run("ping", uri, "--password-command", "/pgcask version", uid=STRANGERS[1]).check()
    result = root.run("ping", uri, "--password-command", "/bin/sh -c pw", uid=STRANGERS[1])
    assert result.rc == 1 and "/bin/sh" in result.stderr, result


@pytest.mark.majors(15)
def test_what_a_uid_without_a_name_cannot_have_is_said(root, source, major):
    server = source(major)
    address = f"{HOST}:{server.port}"
    result = root.run("ping", f"postgres+bin://{address}/", uid=STRANGERS[1])
    assert result.rc == 2 and "12345" in result.stderr and "PGUSER" in result.stderr, result
    # No home, so no ~/.pgpass; no password anywhere.
    result = root.run("ping", f"postgres+bin://backup@{address}/", uid=STRANGERS[1])
    assert result.rc == 1 and "password" in result.stderr and "hint: " in result.stderr, result


@pytest.mark.majors(15)
def test_a_name_that_etc_hosts_does_not_have_is_an_error_with_a_hint(root, major):
    result = root.run("ping", "postgres+bin://backup@other.test/?connect_timeout=5",
                      uid=STRANGERS[0], timeout=30)
    assert result.rc == 1 and '"other.test"' in result.stderr, result
    assert "hint: " in result.stderr and result.wall_time < 15, result


@pytest.mark.majors(15)
def test_a_signal_ends_it_there_too(root, source, major):
    server = source(major)
    with process.Process([*chroot(root.folder, None), "/pgcask", "backup", root.uri(server),
                          "--to", "/target/backup", "--max-rate=2M"]) as running:
        if os.geteuid() != 0:
            pytest.skip("its pid is behind unshare or sudo")
        oracles.wait_for_sessions(server, lambda found: found.slots)
        time.sleep(0.3)
        running.terminate()
        assert running.wait(10).rc == 1
    assert not list((root.folder / "target").iterdir())
    oracles.wait_for_nothing_left(server)
