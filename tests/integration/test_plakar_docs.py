"""docs/plakar.md: its commands are run in order by the real plakar, and print what it says.

They run in namespaces of their own, where db.example.org is this machine and /mnt and
/var/lib/postgresql are empty, as the user that servers run as.

PGCASK_REWRITE_DOCS=1 writes what they print into the page instead of comparing.
"""

import difflib
import getpass
import json
import os
import pathlib
import re
import select
import shutil
import subprocess

import pytest

from pgcask_testing import builders, oracles, paths, process, s3
from pgcask_testing import plakar as plakar_tools
from pgcask_testing.plakar import plakar_package  # noqa: F401

PAGE = paths.REPO / "docs/plakar.md"
REWRITE = os.environ.get("PGCASK_REWRITE_DOCS", "") not in ("", "0")
PASSWORD = "the password"
IDENTIFIER = r"\b[0-9a-f]{8}\b"
PROGRESS = r"pgcask: (reading|restoring)\b"  # how many such lines there are is a matter of time
EVENT = r"\w+: (OK ✓|KO ✘) /"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
KEYS = re.compile(
    r"(<!-- Keys of the (\w+), from the option table.*?-->\n)(.*?)(\n<!-- End\. -->)", re.S)

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
export HOME={work}/home LC_ALL=C.UTF-8 TZ=UTC
export PATH=$HOME/bin:{work}/bin:/usr/bin:/bin
cd "$HOME"
trap 'for each in {original} /var/lib/postgresql/restored/data; do
    [ ! -e "$each/postmaster.pid" ] || {bin}/pg_ctl -D "$each" -m immediate stop; done
    [ ! -e .s3.pid ] || kill "$(cat .s3.pid)"' EXIT
while IFS= read -r -d '' command; do
    eval "$command" >{work}/output 2>&1 </dev/null
    echo $?
done
"""


class Shell:
    """A bash in the namespaces; ends, with the servers started in it, at the end of a with."""

    def __init__(self, workdir, server):
        self.output = workdir / "output"
        become = (f"setpriv --reuid={process.SERVER_USER} --regid={process.SERVER_USER}"
                  " --init-groups --")
        if os.geteuid() != 0:
            become = f"unshare -U --map-user={os.getuid()} --map-group={os.getgid()}"
        (workdir / "outer").write_text(OUTER.format(
            work=workdir, become=become,
            give=f"chown {process.SERVER_USER}:" if os.geteuid() == 0 else "true"))
        (workdir / "inner").write_text(INNER.format(
            work=workdir, bin=server.bin, original=server.datadir))
        namespaces = ["unshare", "-mn"] if os.geteuid() == 0 else ["unshare", "-rmn"]
        self.bash = subprocess.Popen([*namespaces, "bash", workdir / "outer"], bufsize=0,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     env=process.clean_env())

    def run(self, command, timeout=120):
        """Its exit status and what it printed on either stream."""
        self.bash.stdin.write(command.encode() + b"\0")
        assert select.select([self.bash.stdout], [], [], timeout)[0], f"{command}: no end"
        status = self.bash.stdout.readline()
        assert status, f"{command}: the shell is gone"
        return int(status), self.output.read_text()

    def check(self, command):
        status, output = self.run(command)
        assert status == 0, f"{command}: {status}\n{output}"
        return output

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        process.end_by_input(self.bash)


@pytest.fixture
def shell(plakar_package, servers, workdir, major):  # noqa: F811
    """Where the page begins: a server that is db.example.org, a plakar without packages."""
    for name in ("bin", "home", "socket"):
        (workdir / name).mkdir()
    (workdir / "bin/plakar").symlink_to(plakar_tools.program())
    (workdir / "hosts").write_text("127.0.0.1 localhost db.example.org s3.example.org\n")
    (workdir / "home/.pgpass").write_text("".join(
        f"db.example.org:*:*:{role}:{PASSWORD}\n" for role in ("backup", "postgres")))
    (workdir / "home/.pgpass").chmod(0o600)
    (workdir / "output").touch()
    shutil.copy(plakar_package, workdir / "home")

    server = servers.create(major, auth="scram-sha-256")
    builders.tablespaces(server, names=["fast"])
    builders.fill(server, mb=5)
    server.sql("CREATE DATABASE shop")
    server.sql("CREATE TABLE book (id int PRIMARY KEY, title text NOT NULL);"
               " INSERT INTO book SELECT g, 'book ' || g FROM generate_series(1, 1000) g", db="shop")
    [statements] = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    server.sql(statements.replace("…", PASSWORD))
    server.sql(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")
    live = oracles.all_sums(server)
    (server.datadir / "log").mkdir(0o700)
    (server.datadir / "log/postgresql.log").write_text("LOG:  all is well\n")
    server.stop()
    server.configure({"unix_socket_directories": workdir / "socket", "port": 5432})
    process.give_to_server(workdir / "home", workdir / "socket", server.datadir / "log",
                           workdir / "output", recursive=True)
    with Shell(workdir, server) as made:
        made.server, made.live = server, live
        made.check(f"{server.bin}/pg_ctl -w -D {server.datadir} -l {workdir}/home/.log start")
        made.check("plakar version")  # which greets at its first start
        if s3.is_installed():
            start_s3(made, plakar_package)
        yield made


def start_s3(shell, package):
    """An empty s3.example.org, and the integration that the page has besides ours."""
    log = shell.output.parent / "home/.s3.log"
    serve = " ".join(map(str, s3.command(9000)))
    serve = "S3_IGNORE_SUBDOMAIN_BUCKETNAME=true " + serve  # "s3" of the name is no bucket
    shell.check(f"{serve} >{log} 2>&1 & echo $! >$HOME/.s3.pid")
    shell.check("until (exec 3<>/dev/tcp/127.0.0.1/9000); do sleep 0.1; done")
    package = shutil.copy(s3.package(plakar_tools.Plakar(package.parent / "of-s3")),
                          shell.output.parent / "home")
    os.chmod(package, 0o644)
    # At once: what plakar leaves running between commands knows what was there when it began.
    shell.check("plakar pkg add ./s3_v1.1.0_linux_amd64.ptar")


def turns_of(block):
    """[command, what the page says it prints] of a block."""
    turns = []
    for line in block.splitlines():
        if line.startswith("$ "):
            turns.append([line[2:], ""])
        else:
            turns[-1][1] += line + "\n"
    return turns


def normalised(text):
    """Without what differs from run to run."""
    for pattern, word in (
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?", "TIME"),
        (rf"{re.escape(getpass.getuser())}|{process.SERVER_USER}", "USER"),
        (r"USER\s+USER", "USER GROUP"),
        (IDENTIFIER, "IDENTIFIER"),
        (r"\b\d+(\.\d+)? ?(B|KiB|MiB|GiB)(?!\w)", "SIZE"),
        (r"\b\d+(\.\d+)?(ns|µs|ms|s|m\d\S*s)(?!\w)", "DURATION"),
        (r"\b\d+(\.\d+)? seconds?\b", "DURATION"),
        (r"\b\d+ (files|WAL segments?)\b", r"N \1"),
        (r"\b[0-9A-F]+/[0-9A-F]{4,}\b", "LSN"),
        (r"\b1[3-8]\.\d+\b", "VERSION"),
        (r"\.{3,}", "…"),
        (r"[ \t]+", " "),
    ):
        text = re.sub(pattern, word, text)
    return text.splitlines()


def needs_s3(command):
    return "bucket" in command


def before(command, shell):
    """What happens between the page's lines: the original server gives way to the restored, and
    there are PostgreSQL's own programs."""
    if command.startswith("pg_ctl "):
        tool = f"{shell.server.bin}/pg_ctl"
        shell.check(f"{tool} -D {shell.server.datadir} -m fast stop")
        shell.check(f"PATH=$PATH:{shell.server.bin}")
    if command.startswith(("psql ", "pg_restore ")):
        tools = pathlib.Path(paths.stock("pg_restore", shell.server.major)).parent
        shell.check(f"export PGHOST={shell.output.parent / 'socket'} PATH={tools}:${{PATH#{tools}:}}")


def without_unprinted(expected, printed):
    """plakar prints what became of each path beside its work and does not wait for that at its end:
    the last of those lines may be missing, whatever the machine, and nothing else may."""
    left = [line for line in printed if re.match(EVENT, line)]
    kept = []
    for line in expected:
        if not re.match(EVENT, line):
            kept.append(line)
        elif left:
            kept.append(line)
            left.pop()
    return kept


@pytest.mark.parametrize("printed, as_the_page_says", [
    (["I: OK ✓ /", "I: OK ✓ /a", "done"], True),
    (["I: OK ✓ /", "done"], True),
    (["done"], True),
    (["I: OK ✓ /a", "done"], False),
    (["I: OK ✓ /", "I: OK ✓ /a", "I: OK ✓ /b", "done"], False),
    (["I: OK ✓ /", "I: OK ✓ /a"], False),
])
def test_only_the_end_of_what_plakar_tells_meanwhile_may_be_missing(printed, as_the_page_says):
    page = ["I: OK ✓ /", "I: OK ✓ /a", "done"]
    assert (without_unprinted(page, printed) == printed) == as_the_page_says


@pytest.mark.majors(18)
def test_the_commands_print_what_the_page_says(shell, major):
    text = PAGE.read_text()
    blocks = [turns_of(block) for block in BLOCK.findall(text)]
    real_ids, wrong = {}, []
    for turn in (turn for block in blocks for turn in block):
        command, expected = turn
        if needs_s3(command) and not s3.is_installed():
            continue  # tests/README.md says why scripts/test is without it
        command = re.sub(IDENTIFIER, lambda found: real_ids.get(found[0], found[0]), command)
        before(command, shell)
        status, printed = shell.run(command)
        printed = "".join(line.rstrip() + "\n" for line in printed.strip("\n").splitlines()
                          if not re.match(rf"{PROGRESS}|s3@", line))
        assert status == 0, f"{command}: {status}\n{printed}"
        assert str(shell.server.datadir) not in printed and PASSWORD not in printed
        wanted = without_unprinted(normalised(expected), normalised(printed))
        if normalised(printed) != wanted:
            wrong += difflib.unified_diff(wanted, normalised(printed),
                                          f"page: {command}", f"real: {command}", lineterm="")
        note_identifiers(real_ids, expected, printed)
        turn[0], turn[1] = command, printed
    found = shell.check("PGPASSFILE= PGHOST=$(sed -n 5p /var/lib/postgresql/restored/data/"
                        "postmaster.pid) " + f"{paths.stock('psql')} -X -A -t -U postgres -c"
                        " 'SELECT (SELECT count(*) FROM filler),"
                        " (SELECT count(*) FROM in_tablespace_0)'")
    rows = [shell.live["postgres"][f"public.{name}"][0] for name in ("filler", "in_tablespace_0")]
    assert found.strip() == "|".join(map(str, rows))
    if REWRITE:
        PAGE.write_text(rewritten(text, blocks))
    else:
        assert not wrong, "\n".join(wrong)


def note_identifiers(real_ids, expected, printed):
    """Which identifier of the page stands for which of this run: the same place, the same one."""
    told, real = (re.findall(IDENTIFIER, re.sub(rf"(?m)^{EVENT}.*$", "", each))
                  for each in (expected, printed))
    if len(told) == len(real):
        real_ids.update({each: one for each, one in zip(told, real) if each not in real_ids})
    elif real:
        real_ids["00000000"] = real[0]  # a page that has none yet


def rewritten(text, blocks):
    blocks = iter(blocks)
    return BLOCK.sub(lambda found: "```console\n" + "".join(
        f"$ {command}\n{printed}" for command, printed in next(blocks)) + "```", text)


def table_of_keys(pgcask, which):
    schema = json.loads(pgcask("plakar-schema", which).check().stdout)
    lines = ["| key | meaning | default |", "|---|---|---|"]
    for key, its in schema["properties"].items():
        meaning = its["description"].replace("|", "\\|")
        if "enum" in its:
            meaning += " One of " + ", ".join(f"`{each}`" for each in its["enum"]) + "."
        default = its.get("default", "") or ""  # that a flag is off goes without saying
        default = default if isinstance(default, str) else json.dumps(default)
        lines.append(f"| `{key}` | {meaning} | " + (f"`{default}` |" if default else "|"))
        assert its["title"] and its["description"]
        assert "default" in its or its["type"] in ("string", "integer")
    return "\n" + "\n".join(lines) + "\n"


def test_the_keys_are_those_of_the_option_table(pgcask):
    text = PAGE.read_text()
    assert [found[2] for found in KEYS.finditer(text)] == ["importer", "exporter"]
    if REWRITE:
        PAGE.write_text(KEYS.sub(
            lambda found: found[1] + table_of_keys(pgcask, found[2]) + found[4], text))
    else:
        for found in KEYS.finditer(text):
            assert found[3] == table_of_keys(pgcask, found[2])


def test_every_block_of_the_page_is_looked_at():
    text = PAGE.read_text()
    assert set(re.findall(r"^```(\w+)$", text, re.M)) == {"console", "sql"}
    assert all(block.startswith("$ ") for block in BLOCK.findall(text))
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    assert links and not [link for link in links if not (PAGE.parent / link).exists()]
    assert "(docs/plakar.md)" in (paths.REPO / "README.md").read_text()
