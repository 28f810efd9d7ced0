"""The program for arm64, as `make arm64` builds it on amd64: qemu runs it against real servers, and the
two packages hold it. Its unit tests are run by scripts/arm64.
"""

import os
import re
import shutil
import subprocess

import pytest

from pgcask_testing import builders, logical, oracles, paths, process, temp
from pgcask_testing import plakar as plakar_tools
from test_packaging import bill_of_materials, linked

PROGRAM = paths.REPO / "build/arm64/pgcask"
EMULATOR = shutil.which("qemu-aarch64-static")
HOST = "localhost"


@pytest.fixture(scope="module")
def program():
    if os.uname().machine == "aarch64":
        pytest.skip("here the program of every other test is for arm64")
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is not there: tests/servers/install-arm64, then make arm64")
    assert EMULATOR, "qemu-user-static is not installed"
    return PROGRAM


@pytest.fixture(scope="module")
def arm64(program):
    return lambda *words, timeout=300, **options: process.run(
        [EMULATOR, program, *words], timeout=timeout, **options)


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], check=True, capture_output=True, text=True,
                          env=process.clean_env()).stdout


def make(*words, **options):
    return process.run(["make", *words], cwd=paths.REPO, timeout=900, **options).check()


def assert_one_file_for_arm64(path):
    assert re.search(r"Machine: +AArch64\n", readelf("-h", path))
    assert "There is no dynamic section in this file" in readelf("-d", path)
    segments = readelf("-l", path)
    assert "INTERP" not in segments
    # Kernels for arm64 have pages of up to 64 KiB.
    loaded = re.findall(r"^ +LOAD .* (0x\w+)$", segments, re.M)
    assert loaded and all(int(alignment, 16) % 0x10000 == 0 for alignment in loaded)


def test_the_static_build_needs_no_library(program, arm64):
    assert_one_file_for_arm64(program)
    version = arm64("version").check().stdout
    assert version == process.run([paths.REPO / "build/static/pgcask", "version"]).check().stdout


@pytest.mark.sampled(1)
def test_a_cluster_is_backed_up_verified_restored_and_starts(arm64, servers, authority, workdir, major):
    server = servers.create(major, start=False, auth="scram-sha-256")
    authority.enable(server, alt_names=[f"DNS:{HOST}"])
    server.start()
    server.sql("CREATE ROLE backup LOGIN REPLICATION PASSWORD 'secret'")
    builders.tablespaces(server, names=["one"])
    builders.fill(server, mb=5)
    live = oracles.all_sums(server)
    uri = f"postgres+bin://backup:secret@{HOST}:{server.port}/?sslmode=verify-full" \
          f"&sslrootcert={authority.root}"
    arm64("backup", uri, "--to", workdir / "folder").check()
    oracles.verifybackup(workdir / "folder/data", major).check()
    arm64("backup", uri, "--to", workdir / "backup.tar").check()
    oracles.wait_for_nothing_left(server)
    arm64("verify", workdir / "backup.tar").check()
    with oracles.flipped_byte(workdir / "backup.tar"):
        assert arm64("verify", workdir / "backup.tar").rc == 1
    arm64("restore", workdir / "backup.tar", "--to", workdir / "data").check()
    server.stop()
    started = servers.start_restored(workdir / "data", major, options={"ssl": "off"})
    assert oracles.all_sums(started) == live


@pytest.mark.sampled(1)
def test_a_database_is_backed_up_verified_and_restored_into_a_server(arm64, servers, workdir, major):
    """Beside stock tools: pg_restore reads what it has written, too."""
    compress = {13: "none", 14: "gzip", 15: "gzip:9", 16: "lz4", 17: "zstd", 18: "zstd:9"}[major]
    server = servers.create(major)
    logical.run_sql(server, "postgres", logical.script("roles"))
    logical.make(server, "shop", logical.script("kinds"), logical.script("data"))
    archive = logical.round_trip(arm64, server, "shop", workdir, "--compress", compress)
    logical.comes_back(arm64, server, "shop", archive, workdir)
    arm64("verify", archive.parent).check()


# ---- Packages --------------------------------------------------------------------------------


def test_the_debian_package_holds_it(program, workdir):
    make("deb", "ARCH=arm64")
    [package] = (paths.REPO / "build/deb").glob("*_arm64.deb")
    process.run(["dpkg-deb", "-R", package, workdir / "deb"]).check()
    fields = process.run(["dpkg-deb", "-f", package, "Architecture", "Depends"]).check().stdout
    assert fields == "Architecture: arm64\n"
    installed = workdir / "deb/usr/bin/pgcask"
    assert_one_file_for_arm64(installed)
    assert ".symtab" not in readelf("-S", installed), "it is stripped"
    assert process.run([EMULATOR, installed, "version"]).check().stdout.startswith("pgcask ")
    documents = workdir / "deb/usr/share/doc/pgcask"
    for name in ("pgcask.spdx.json", "licenses.txt"):
        assert (documents / name).read_bytes() == (program.parent / name).read_bytes()
    completion = workdir / "deb/usr/share/bash-completion/completions/pgcask"
    assert completion.read_text() == process.run(
        [paths.REPO / "build/static/pgcask", "completion", "bash"]).check().stdout


def test_the_bill_of_materials_is_of_debians_arm64(program):
    bill = bill_of_materials(program.parent / "pgcask.spdx.json")
    others = bill["packages"][1:]
    assert {each["name"] for each in others} == linked("arm64")
    licenses = (program.parent / "licenses.txt").read_text()
    for each in others:
        [reference] = each["externalRefs"]
        name, version, architecture = re.fullmatch(
            r"pkg:deb/debian/([\w.-]+)@([^?]+)\?arch=(\w+)", reference["referenceLocator"]).groups()
        # libgcc is the cross compiler's, which is this machine's.
        assert architecture == "all" if "libgcc" in each["name"] else architecture == "arm64", each
        assert each["versionInfo"][0].isdigit() and version[0].isdigit()
        assert f"---- {name} ----\n" in licenses


def test_plakars_package_holds_it_and_plakar_runs_it(program, servers, workdir):
    """plakar, which is for this machine, is told that so is the package; a script has qemu run it."""
    make("package", "ARCH=arm64", f"PLAKAR={plakar_tools.program()}",
         env={"HOME": workdir, "TMPDIR": workdir})
    [package] = (paths.REPO / "build/plakar").glob("*_linux_arm64.ptar")
    [version] = re.findall(r"^project\(pgcask VERSION ([\d.]+) ",
                           (paths.REPO / "CMakeLists.txt").read_text(), re.M)
    assert package.name == f"postgresql_v{version}_linux_arm64.ptar"
    user = plakar_tools.Plakar(temp.new_dir("plakar"))
    refused = user.run("pkg", "add", package)
    assert refused.rc != 0, "it is for another machine"
    renamed = workdir / package.name.replace("arm64", "amd64")
    shutil.copy(package, renamed)
    user.run("pkg", "add", renamed).check()
    [folder] = user.home.glob(".cache/plakar/plugins/*/*")
    assert (folder / "manifest.yaml").read_bytes() == (paths.REPO / "manifest.yaml").read_bytes()
    held = folder / "build/plakar"
    assert {path.name for path in held.iterdir()} == {
        "pgcask", "pgcask.spdx.json", "licenses.txt",
        *(f"{which}.schema.json" for which in SCHEMAS)}
    for name in ("pgcask", "pgcask.spdx.json", "licenses.txt"):
        assert (held / name).read_bytes() == (program.parent / name).read_bytes()
    for which in SCHEMAS:
        printed = process.run([paths.REPO / "build/static/pgcask", "plakar-schema", which]).check()
        assert (held / f"{which}.schema.json").read_text() == printed.stdout

    real = (held / "pgcask").rename(held / "pgcask.real")
    (held / "pgcask").write_text(f'#!/bin/sh\nexec {EMULATOR} {real} "$@"\n')
    (held / "pgcask").chmod(0o755)
    server = servers.create(paths.NEWEST)
    logical.make(server, "shop", "CREATE TABLE t AS SELECT g, md5(g::text) FROM generate_series(1, 20000) g")
    user.create_store()
    user.backup(server.uri("shop")).check()
    user.on_store("restore", "-o", "database=copy", "-o", "create_db=true", "-to",
                  server.uri("postgres"), user.snapshots()[0]).check()
    assert logical.table_sums(server, "copy") == logical.table_sums(server, "shop")
    assert logical.dump_schema(server, "copy") == logical.dump_schema(server, "shop")


SCHEMAS = ("importer", "exporter", "importer-aws", "exporter-aws")
