"""What lies in packaging and what CPack makes: the Debian package, installed on a machine of its own, with
the systemd units that are in it as they are followed there; the Kubernetes example, whose container is
test_container.py's. packaging/Dockerfile itself is test_container.py's.
"""

import gzip
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml

from pgcask_testing import builders, paths, printed, process, sandbox, temp
from test_container import Container, Image
from test_static import HOST, static  # noqa: F401

SYSTEMD = paths.REPO / "packaging/systemd"
CRONJOB = paths.REPO / "packaging/kubernetes/cronjob.yaml"
UNIT = SYSTEMD / "pgcask-backup@.service"
PASSWORD = "it's \"secret\" \\ …"


# ---- The Debian package ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def deb(pgcask_path):
    process.run(["make", "deb"], cwd=paths.REPO, timeout=900).check()
    machine = process.run(["dpkg", "--print-architecture"]).check().stdout.strip()
    [package] = (paths.REPO / "build/deb").glob(f"*_{machine}.deb")
    return package


@pytest.fixture(scope="module")
def unpacked(deb, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deb")
    process.run(["dpkg-deb", "-R", deb, folder]).check()
    return folder


def test_its_fields(deb, pgcask):
    version = pgcask("version").check().stdout.split()[1]
    architecture = process.run(["dpkg", "--print-architecture"]).check().stdout.strip()
    assert deb.name == f"pgcask_{version}-1_{architecture}.deb"
    field = lambda name: process.run(["dpkg-deb", "-f", deb, name]).check().stdout.strip()
    assert (field("Package"), field("Version"), field("Architecture")) == (
        "pgcask", f"{version}-1", architecture)
    assert field("Depends") == field("Pre-Depends") == "", "it is one static file"
    synopsis, *description = field("Description").split("\n")
    assert len(synopsis) < 80 and len(description) > 2 and field("Section") == "database"
    assert re.fullmatch(r".+ <.+@.+>", field("Maintainer"))


def test_its_files(unpacked):
    listed = {str(path.relative_to(unpacked)): path for path in unpacked.rglob("*")
              if path.is_file() and "DEBIAN" not in path.parts}
    assert {"usr/bin/pgcask", "usr/share/man/man1/pgcask.1.gz", "usr/share/doc/pgcask/copyright",
            "usr/share/doc/pgcask/changelog.gz", "usr/share/doc/pgcask/changelog.Debian.gz",
            "usr/share/bash-completion/completions/pgcask",
            "usr/share/zsh/vendor-completions/_pgcask",
            "usr/share/fish/vendor_completions.d/pgcask.fish",
            "usr/share/doc/pgcask/examples/systemd/pgcask-backup@.service",
            "usr/share/doc/pgcask/examples/systemd/pgcask-backup@.timer",
            "usr/share/doc/pgcask/examples/kubernetes/cronjob.yaml",
            "usr/share/doc/pgcask/pgcask.spdx.json", "usr/share/doc/pgcask/licenses.txt",
            } <= set(listed)
    sums = dict(reversed(line.split("  ")) for line in
                (unpacked / "DEBIAN/md5sums").read_text().splitlines())
    assert sums == {name: hashlib.md5(path.read_bytes()).hexdigest() for name, path in listed.items()}
    for path in unpacked.rglob("*"):
        if "DEBIAN" not in path.parts:
            wanted = 0o755 if path.is_dir() or path.name == "pgcask" and "bin" in path.parts else 0o644
            assert path.stat().st_mode & 0o7777 == wanted, path
    page = listed["usr/share/man/man1/pgcask.1.gz"].read_bytes()
    assert gzip.decompress(page) == (paths.REPO / "man/pgcask.1").read_bytes()
    assert page[3:8] == bytes(5), "a name or a time is in it"
    assert (paths.REPO / "LICENSE").read_text() in listed["usr/share/doc/pgcask/copyright"].read_text()
    program = listed["usr/bin/pgcask"]
    sections = subprocess.run(["readelf", "-S", "-d", program], check=True, capture_output=True,
                              text=True).stdout
    assert "There is no dynamic section" in sections
    assert ".symtab" not in sections and ".debug_info" not in sections, "it is stripped"


def test_owners_are_root(deb):
    for line in process.run(["dpkg-deb", "-c", deb]).check().stdout.splitlines():
        assert line.split()[1] == "root/root", line


# ---- What is in the static program -----------------------------------------------------------


def linked(preset="static"):
    """The names behind -l and the archives that the linker is given, and those that gcc adds."""
    commands = subprocess.run(["ninja", "-C", f"build/{preset}", "-t", "commands", "-s", "pgcask"],
                              cwd=paths.REPO, check=True, capture_output=True, text=True).stdout
    words = commands.split()
    given = {os.path.basename(word).removesuffix(".a") for word in words
             if word.startswith("/") and word.endswith(".a")}
    given |= {f"lib{word[2:]}" for word in words if re.fullmatch(r"-l\w+", word)}
    return given | {"libc", "libgcc", "libgcc_eh"}


def bill_of_materials(path):
    """What is read of it, once what holds of every one has been found to hold."""
    bill = json.loads(path.read_text())
    assert bill["spdxVersion"] == "SPDX-2.3" and bill["SPDXID"] == "SPDXRef-DOCUMENT"
    ours, *_ = bill["packages"]
    assert ours["name"] == "pgcask" and ours["licenseDeclared"] == "ISC"
    ids = {each["SPDXID"] for each in bill["packages"]}
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in ids)
    described, *links = bill["relationships"]
    assert described["relationshipType"] == "DESCRIBES"
    assert {each["relatedSpdxElement"] for each in links} == ids - {ours["SPDXID"]}
    assert {each["relationshipType"] for each in links} == {"STATIC_LINK"}
    return bill


def test_the_bill_of_materials_is_of_what_is_linked(deb):
    process.run(["make", "sbom"], cwd=paths.REPO, timeout=900).check()
    others = bill_of_materials(paths.REPO / "build/pgcask.spdx.json")["packages"][1:]
    assert {each["name"] for each in others} == linked() and len(linked()) > 12
    licenses = (paths.REPO / "build/licenses.txt").read_text()
    for each in others:
        [reference] = each["externalRefs"]
        package, version, architecture = re.fullmatch(
            r"pkg:deb/debian/([\w.-]+)@([^?]+)\?arch=(\w+)", reference["referenceLocator"]).groups()
        installed = process.run(["dpkg-query", "-W", "-f", "${Version} ${source:Version}",
                                 f"{package}:{architecture}"]).check().stdout.split()
        assert [version.replace("%2B", "+"), each["versionInfo"]] == installed
        text = open(f"/usr/share/doc/{package}/copyright").read()
        assert text in licenses
        for name in re.split(" AND | WITH ", each["licenseDeclared"]):
            assert re.search(TOLD_AS[name], text, re.I), (each["name"], name)


# How Debian's files call what SPDX calls so.
TOLD_AS = {
    "Apache-2.0": "License: Apache-2.0", "Zlib": "License: zlib", "MIT": "License: (Expat|MIT)",
    "BSD-2-Clause": "License: .*BSD-2-clause", "BSD-3-Clause": "License: BSD-3-clause",
    "Unicode-DFS-2015": "License: Unicode", "LGPL-2.1-or-later": r"Lesser General Public\s+License",
    "GPL-3.0-or-later": "GNU General Public License", "GCC-exception-3.1": "GCC RUNTIME LIBRARY EXCEPTION",
}


# ---- systemd ---------------------------------------------------------------------------------


def unit(path):
    """[(section, key, value)] of a unit."""
    section, found = None, []
    for line in re.sub(r"\\\n\s*", " ", path.read_text()).splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.append((section, key, value))
    return found


def values(path, key):
    return [value for _, name, value in unit(path) if name == key]


def test_systemd_finds_nothing_wrong_with_the_units(workdir, unpacked):
    """systemd's own reading of them, with the program where the package puts it."""
    for path in SYSTEMD.iterdir():
        (workdir / path.name.replace("@.", "@shop.")).write_bytes(path.read_bytes())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(workdir.iterdir())], capture_output=True,
        text=True, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{workdir}:", "SYSTEMD_LOG_LEVEL": "warning"})
    said = [line for line in done.stderr.splitlines() if "pgcask" in line]
    assert done.returncode == 0 and not said, done.stderr
    exposed = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20",
                              workdir / "pgcask-backup@shop.service"], capture_output=True, text=True)
    assert exposed.returncode == 0, exposed.stdout + exposed.stderr


def test_the_units_say_what_matters():
    assert values(UNIT, "DynamicUser") == ["yes"] and values(UNIT, "User") == ["pgcask"]
    for key, value in (("ProtectSystem", "strict"), ("ProtectHome", "yes"), ("NoNewPrivileges", "yes"),
                       ("CapabilityBoundingSet", ""), ("UMask", "0077"), ("Type", "oneshot")):
        assert values(UNIT, key) == [value], key
    timer = SYSTEMD / "pgcask-backup@.timer"
    assert values(timer, "Persistent") == ["true"] and values(timer, "WantedBy") == ["timers.target"]
    [when] = values(timer, "OnCalendar")
    said = process.run(["systemd-analyze", "calendar", when])
    assert "Normalized form" in said.check().stdout


@pytest.fixture(scope="module")
def machine(deb):
    """One with Debian's server, on which the package gets installed."""
    folder = temp.new_dir("machine")
    with sandbox.Sandbox(folder, {"db.example.org": "10.0.0.7"}) as made:
        made.root = made.shell()
        sandbox.debian_cluster(made.root, {"listen_addresses": "*"})
        made.postgres = made.shell("postgres", "/var/lib/postgresql")
        shutil.copy(deb, made.path("/root"))
        made.root.check("rm -f /var/lib/man-db/auto-update")  # a trigger that reads all pages
        # Where the machine is a container's, its dpkg may leave documents out.
        made.root.check(f"dpkg --path-include='/usr/share/*' -i ./{deb.name}")
        yield made
    temp.remove(folder)


def expanded(command, name, credentials):
    """A command line of the unit, as systemd makes it."""
    for specifier, value in (("%%", "\0"), ("%i", name), ("%d", credentials), ("\0", "%")):
        command = command.replace(specifier, value)
    assert not re.search(r"(?<!\\)\$\{", command)
    return command


def settings(machine, name):
    found = dict(value.split("=", 1) for value in values(UNIT, "Environment"))
    [file] = values(UNIT, "EnvironmentFile")
    for line in machine.path(file.replace("%i", name)).read_text().splitlines():
        key, value = line.split("=", 1)
        found[key] = value
    return found


def test_the_package_is_installed_and_its_units_are_followed(machine):
    """The head of the unit, command for command; what systemd does is done here by hand."""
    root = machine.root
    assert root.check("command -v pgcask") == "/usr/bin/pgcask\n"
    assert "pgcask.1.gz" in root.check("man -w pgcask")
    assert root.check("dpkg -V pgcask") == ""
    machine.postgres.check(
        "psql -c 'CREATE DATABASE shop' && psql -d shop -c 'CREATE TABLE t AS SELECT 1' && "
        f"psql -c {shlex.quote(builders_role())}")
    hba = machine.postgres.check("psql -At -c 'SHOW hba_file'").strip()
    root.check(f"echo 'host all backup 10.0.0.7/32 scram-sha-256' >>{hba}")
    machine.postgres.check("psql -c 'SELECT pg_reload_conf()'")
    where = str(UNIT.relative_to(paths.REPO))
    done = [each.text for each in printed.commands_of(where) if each.block]
    assert [each.split()[0] for each in done] == ["cp", "install", "echo", "install"] + ["systemctl"] * 3
    machine.path("/root/typed").write_text(PASSWORD + "\n")
    for command in done[:4]:
        root.check(command + (" </root/typed" if "/dev/stdin" in command else ""))
    assert root.check("stat -c %a /etc/pgcask /etc/pgcask/shop.password") == "700\n600\n"
    assert root.check("ls /etc/systemd/system/pgcask-backup@.*").count("\n") == 2

    # A credential is the unit's user's; his folder, too.
    [credential] = values(UNIT, "LoadCredential")
    key, source = credential.replace("%i", "shop").split(":")
    credentials, [state] = "/run/credentials/unit", values(UNIT, "StateDirectory")
    state = "/var/lib/" + state.replace("%i", "shop")
    root.check(f"mkdir -p {credentials} {state}; cp {source} {credentials}/{key}; "
               f"chown -R games {credentials} {state}; chmod 0400 {credentials}/{key}; "
               f"chmod 0700 {state}; touch -d '20 days ago' {state}/2000-01-01-000000.tar "
               f"{state}/keep.txt; touch -d '10 days ago' {state}/1999-01-01-000000.tar")
    user = machine.shell("games", "/", STATE_DIRECTORY=state, CREDENTIALS_DIRECTORY=credentials,
                         **settings(machine, "shop"))
    commands = [expanded(each, "shop", credentials) for each in values(UNIT, "ExecStart")]
    for command in commands:
        assert PASSWORD not in user.check(command)
    kept = sorted(root.check(f"ls {state}").split())
    assert kept[0] == "1999-01-01-000000.tar" and kept[-1] == "keep.txt" and len(kept) == 3
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}\.tar", kept[1])
    listed = root.check(f"pgcask list {state}/{kept[1]}")
    assert "shop" in listed
    root.check(f"rm {source}; echo wrong >{credentials}/{key}")
    assert user.run(commands[0])[0] == 1 and sorted(root.check(f"ls {state}").split()) == kept

    root.check("dpkg -r pgcask")
    assert root.run("ls /usr/bin/pgcask /usr/share/doc/pgcask /usr/share/man/man1/pgcask.1.gz "
                    "2>/dev/null")[1] == ""


def builders_role():
    return ("CREATE ROLE backup LOGIN PASSWORD '" + PASSWORD.replace("'", "''")
            + "' IN ROLE pg_read_all_data")


# ---- Kubernetes ------------------------------------------------------------------------------


def cronjob():
    claim, job = yaml.safe_load_all(CRONJOB.read_text())
    assert claim["kind"] == "PersistentVolumeClaim" and job["kind"] == "CronJob"
    return claim, job


def test_the_cron_job_says_what_matters(pgcask):
    claim, job = cronjob()
    assert job["apiVersion"] == "batch/v1" and job["spec"]["concurrencyPolicy"] == "Forbid"
    assert re.fullmatch(r"(\S+ ){4}\S+", job["spec"]["schedule"])
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    image = Image()
    uid, gid = map(int, image.user.split(":"))
    assert pod["restartPolicy"] == "Never" and pod["automountServiceAccountToken"] is False
    context = pod["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (uid, gid, gid)
    assert context["runAsNonRoot"] is True and context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}}
    assert container["image"] == f"pgcask:{pgcask('version').stdout.split()[1]}"
    mounts = {each["name"]: each for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in pod["volumes"]}
    assert set(mounts) == set(volumes)
    assert volumes["backups"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert mounts["backups"]["mountPath"] in image.volumes and mounts["secret"]["readOnly"] is True
    created = printed.commands_of(str(CRONJOB.relative_to(paths.REPO)))[0].text
    assert f" {volumes['secret']['secret']['secretName']} " in created
    assert "password" not in " ".join(map(str, [container["args"], container["env"]]))


@pytest.mark.majors(18)
def test_the_cron_jobs_container_makes_a_backup(static, servers, authority, workdir, major):  # noqa: F811
    """Its arguments, variables and secret as Kubernetes hands them out, in the image's tree."""
    if os.geteuid() != 0:
        pytest.skip("only root may give files away and change the root")
    server = servers.create(major, start=False, auth="scram-sha-256")
    authority.enable(server, alt_names=[f"DNS:{HOST}"])
    server.start()
    server.sql("CREATE ROLE backup LOGIN PASSWORD 'secret' IN ROLE pg_read_all_data")
    builders.fill(server, mb=1)
    _, job = cronjob()
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [spec] = pod["containers"]
    container = Container(Image(), workdir / "root", static)
    [secret] = [each["mountPath"] for each in spec["volumeMounts"] if each["name"] == "secret"]
    folder = container.folder / secret.lstrip("/")
    folder.mkdir()
    service = re.search(r"(?m)^#   \[shop\]\n(?:#   .+\n)+", CRONJOB.read_text())[0].replace("#   ", "")
    service = service.replace("db.example.org", HOST).replace("…", "secret").replace(
        "dbname=shop", f"dbname=postgres\nport={server.port}")
    (folder / "pg_service.conf").write_text(service)
    (folder / "root.crt").write_text(authority.root.read_text())
    [mode] = [each["secret"]["defaultMode"] for each in pod["volumes"] if "secret" in each]
    for path in folder.iterdir():  # root's, and the group's, as fsGroup makes them
        os.chown(path, 0, pod["securityContext"]["fsGroup"])
        path.chmod(mode)
    name = "pgcask-shop-28391640-x7k2p"
    env = {each["name"]: each.get("value", name) for each in spec["env"]}
    words = [word.replace("$(POD_NAME)", env["POD_NAME"]) for word in spec["args"]]
    process.run(container.command(*words), env={**container.env(), **env}).check()
    container.run("verify", f"/backup/{name}.tar").check()


# ---- The page --------------------------------------------------------------------------------


def test_the_page_is_followed(deb, machine):
    """Its `make deb` was; completion is test_completion.py's; what is for arm64, test_arm64.py's."""
    page = paths.REPO / "docs/installing.md"
    made, installed, *for_arm64, sourced = [
        each.text for each in printed.commands_of("docs/installing.md") if each.block]
    assert made == "make deb" and sourced.startswith("source ")
    assert for_arm64 == ["make arm64", "make deb ARCH=arm64", "make package ARCH=arm64"]
    root = machine.shell(home="/root")
    root.check(f"cd {paths.REPO} && mkdir -p build/deb && cp -n /root/{deb.name} build/deb/")
    root.check(installed)
    assert root.check("pgcask version").startswith("pgcask ")
    root.check("dpkg -r pgcask")
    named = set(re.findall(r"`(build/\S+)`", page.read_text()))
    assert f"build/deb/{deb.name}" in named or "amd64" not in deb.name
    for name in re.findall(r"\]\(((?:\.\./)?[\w/.]+)\)", page.read_text()):
        assert (page.parent / name).exists(), name
