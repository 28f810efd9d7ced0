"""README.md, followed from its first line to its last by somebody who has not seen it before: on a
machine of their own (see pgcask_testing/sandbox.py) with a cluster as Debian lays it out, by the role
that the page makes.
"""

import json
import os
import re
import shlex
import shutil
import subprocess

import pytest

from pgcask_testing import paths, printed, sandbox, temp

README = paths.REPO / "README.md"
SCRIPTS = ("scripts/demo", "scripts/test")
PASSWORD = "…"  # as the page writes it


def steps():
    """[Command] as they are printed; what is in sentences, too."""
    return printed.in_order(README.read_text())


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


# ---- The first hour --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def newcomer(pgcask_path):
    """Who has a server of Debian's at 10.0.0.7, and the program; two shells, of the two users."""
    folder = temp.new_dir("newcomer")
    with sandbox.Sandbox(folder, {"db.example.org": "10.0.0.7"}) as made:
        made.program("/usr/local/bin/pgcask", pgcask_path)
        made.root = made.shell()
        sandbox.debian_cluster(made.root, {"listen_addresses": "*"})
        made.root.check("chown postgres /mnt; rm -f /usr/local/bin/pg_* /usr/bin/pg_ctl")
        made.user = made.shell("postgres", "/var/lib/postgresql")
        made.user.check("psql -c 'CREATE TABLE t AS SELECT generate_series(1, 1000) AS n'")
        made.user.check("pg_dump -Fc -f app.dump postgres")
        yield made
    temp.remove(folder)


def do(newcomer, step, said):
    """One thing that the page says; what restore said last is in `said`."""
    word, user = step.split()[0], newcomer.user
    if word in printed.SQL or word == "SHOW":
        newcomer.last = user.check(f"psql -v ON_ERROR_STOP=1 -At -c {shlex.quote(step)}")
    elif word in printed.HBA:
        hba = user.check("psql -At -c 'SHOW hba_file'").strip()
        user.check(f"echo {shlex.quote(step)} >>{hba} && psql -c 'SELECT pg_reload_conf()'")
    elif step.startswith("db.example.org:"):
        user.check(f"echo {shlex.quote(step)} >~/.pgpass && chmod 0600 ~/.pgpass")
    elif step.startswith("sudo "):
        newcomer.root.check(step if shutil.which("sudo") else step.replace("sudo", "runuser", 1))
    elif step.startswith("PATH="):
        assert user.run("pg_ctl --version")[0] == 127, "the advice is not needed"
        user.check(step)
    elif word == "pgcask":
        printed_by_it = user.check(step)
        if step.split()[1] == "restore" and "postgres://" not in step:
            said.append(printed_by_it)
    else:
        return False
    return True


@pytest.fixture(scope="module")
def first_hour(newcomer):
    """What was done, in the page's order: the role first, for nothing goes without."""
    text = README.read_text()
    done, said = [], []
    head, rest = text.split("## The first backup")
    before, after = rest.split("## Try it")
    for part in (before, head, after):
        for step in printed.in_order(part):
            if do(newcomer, step, said):
                done.append(step)
    return done, said


def test_every_step_is_taken(first_hour):
    done, _ = first_hour
    left = [step for step in steps() if step not in done]
    assert {step for step in left if step.split()[0] not in ("make", *SCRIPTS)} <= {
        "pg_ctl -D /var/lib/postgresql/restored start", "pg_dump -C"}  # the last one is a mention
    assert len([step for step in done if step.startswith("pgcask ")]) >= 8


def test_what_pg_dump_wrote_is_back_in_a_server(newcomer, first_hour):
    assert newcomer.user.check("psql -At -d app -c 'SELECT count(*) FROM t'").strip() == "1000"


def test_the_line_that_restore_prints_starts_the_server(newcomer, first_hour):
    _, [said] = first_hour
    line = re.search(r"(pg_ctl -D /var/lib/postgresql/restored .*start)$", said, re.M)[1]
    newcomer.root.check("pg_ctlcluster 15 main stop")
    newcomer.root.check("mv /etc/postgresql/15/main /etc/postgresql/15/away")
    newcomer.user.check(line.replace("pg_ctl ", "pg_ctl -w -l log-of-the-restored ", 1))
    ask = lambda query: newcomer.user.check(f"psql -At -c '{query}'").strip()
    assert ask("SELECT count(*) FROM t") == "1000"
    assert ask("SHOW data_directory") == "/var/lib/postgresql/restored"
    assert ask("SHOW listen_addresses") == "*", "the configuration is not the original's"
    # Over the network by the role that the page makes: its pg_hba.conf came along; that TLS is off
    # without the key is said, with what to do.
    conf = re.search(r"""remove "ssl = 'off'" from (\S+)""", said)[1]
    newcomer.user.check(f"sed -i \"/^ssl = 'off'/d\" {conf} && psql -c 'SELECT pg_reload_conf()'")
    newcomer.user.check("pgcask ping postgres+bin://backup@db.example.org/")


def test_nothing_is_missing_that_the_page_could_have_told(newcomer, first_hour):
    """The role's backup has all of the configuration, and knows all of manifest.json."""
    said = newcomer.user.check("pgcask list --json /mnt/monday", timeout=60)
    listed = json.loads(said)
    assert not listed.get("unavailable") and "warnings" not in listed, listed.get("unavailable")
