"""Every command that README.md prints works, exactly as it is printed.

They run in namespaces of their own, where db.example.org is this machine and /mnt and
/var/lib/postgresql are empty, as the user that servers run as.
"""

import os
import re
import shutil
import subprocess

import pytest

from pgcask_testing import builders, paths, process

README = paths.REPO / "README.md"
PROGRAMS = ("pgcask", "pg_ctl", "gzip")
SCRIPTS = ("scripts/demo", "scripts/test")
PASSWORD = "the password"


def printed_commands():
    """The commands in README's code blocks: what is indented by four blanks or more."""
    lines = README.read_text().splitlines()
    return [line.strip() for line in lines if re.match(r" {4,}\S", line)]


def commands_of(*programs):
    return [command for command in printed_commands() if command.split()[0] in programs]


def test_all_printed_commands_are_known_to_these_tests():
    assert "```" not in README.read_text(), "fenced blocks are not looked at"
    unknown = [c for c in printed_commands() if c not in commands_of(*PROGRAMS, *SCRIPTS)]
    assert not unknown
    assert len(commands_of("pgcask")) >= 4 and len(commands_of(*SCRIPTS)) == len(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_are_there_and_well_formed(name):
    # They run these tests, or are run beside them.
    script = paths.REPO / name
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_the_targets_of_make_are_there():
    targets = set(re.findall(r"`make((?: [\w=]+)*)`", README.read_text()))
    assert targets == {"", " install", " install PROGRAM=program"}
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for target in targets:
        subprocess.run(["make", "-n", "-C", paths.REPO, *target.split()], check=True,
                       capture_output=True)


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text())
    assert links and not [link for link in links if not (paths.REPO / link).exists()]


def test_every_list_of_packages_is_the_same():
    """What the build needs: as README tells it, and as the two scripts install it."""
    packages = lambda name: set(re.findall(
        r"\b(?:z?lib[a-z0-9-]+-dev|[a-z0-9-]+-compiler)\b", (paths.REPO / name).read_text()))
    needed = packages("scripts/lib.sh") - {"libc6-dev", "libclang-rt-14-dev"}
    assert packages("README.md") == needed
    assert packages("scripts/demo") - {"libc6-dev"} == needed - {"libcmocka-dev"}


OUTER = """
set -eu
ip link set lo up
mount --bind {work}/hosts /etc/hosts
for folder in /mnt /var/lib/postgresql; do
    mount -t tmpfs -o mode=0755 tmpfs $folder
    {give} $folder
done
exec {become} bash {work}/inner
"""

INNER = """
set -eu -o pipefail
export HOME={work}/home PATH={work}/bin:{bin}:/usr/bin:/bin LC_ALL=C
original='{data}'
restored=/var/lib/postgresql/restored
trap 'for each in "$original" $restored; do
    [ ! -e "$each/postmaster.pid" ] || pg_ctl -D "$each" -m immediate stop; done' EXIT
pg_ctl -w -D "$original" start
cd /
{commands}
for _ in $(seq 100); do grep -q ready $restored/postmaster.pid && break; sleep 0.1; done
PGUSER=postgres PGHOST={work}/socket {psql} -X -A -t -d postgres -c 'SELECT count(*) FROM filler'
"""


@pytest.mark.majors(15)
def test_the_commands_work_as_printed(pgcask_path, servers, workdir, major):
    server = servers.create(major, auth="scram-sha-256")
    builders.fill(server, mb=1)
    builders.tablespaces(server, names=["one"])
    server.sql(f"CREATE ROLE backup LOGIN REPLICATION PASSWORD '{PASSWORD}'")
    rows = server.value("SELECT count(*) FROM filler")
    server.configure({"unix_socket_directories": workdir / "socket"}).stop()
    prepare(workdir, pgcask_path, server)

    become = f"setpriv --reuid={process.SERVER_USER} --regid={process.SERVER_USER} --init-groups --"
    if os.geteuid() != 0:
        become = f"unshare -U --map-user={os.getuid()} --map-group={os.getgid()}"
    (workdir / "outer").write_text(OUTER.format(
        work=workdir, become=become,
        give=f"chown {process.SERVER_USER}:" if os.geteuid() == 0 else "true"))
    commands = [f"echo {number}: started\n{command}"
                for number, command in enumerate(commands_of(*PROGRAMS))]
    # The restored server gets the port of the original one.
    commands = "\n".join(commands).replace(
        "\npg_ctl", '\npg_ctl -D "$original" -m fast stop >/dev/null\npg_ctl', 1)
    (workdir / "inner").write_text(INNER.format(
        work=workdir, bin=server.bin, data=server.datadir, commands=commands,
        psql=paths.stock("psql")))

    namespaces = ["unshare", "-mn"] if os.geteuid() == 0 else ["unshare", "-rmn"]
    with open(workdir / "output", "w+") as output:  # a server outlives what started it
        done = subprocess.run([*namespaces, "bash", workdir / "outer"], stdin=subprocess.DEVNULL,
                              stdout=output, stderr=output, env=process.clean_env(), timeout=120)
        output.seek(0)
        said = output.read()
    assert done.returncode == 0, said
    assert all(f"\n{n}: started" in said for n in range(len(commands_of(*PROGRAMS)))), said
    assert said.count("the backup is complete") == 2 and f"\n{rows}\n" in said, said


def prepare(workdir, pgcask_path, server):
    """What the commands find: the program, the name, the password and a place for sockets."""
    for name in ("bin", "home", "socket"):
        (workdir / name).mkdir()
    shutil.copy(pgcask_path, workdir / "bin/pgcask")
    (workdir / "bin/pgcask").chmod(0o755)
    (workdir / "hosts").write_text("127.0.0.1 localhost db.example.org\n")
    (workdir / "home/.pgpass").write_text(f"db.example.org:5432:*:backup:{PASSWORD}\n")
    (workdir / "home/.pgpass").chmod(0o600)
    process.give_to_server(workdir / "home", workdir / "socket", recursive=True)
    server.configure({"port": 5432})
