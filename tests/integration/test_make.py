"""Every target of the Makefile works: it is run here or by scripts/test, or told below why not."""

import json
import os
import re
import subprocess

import pytest

from pgcask_testing import paths, process, tree
from pgcask_testing import plakar as plakar_tools

MAKEFILE = paths.REPO / "Makefile"
RUN_HERE = {"plugin", "package", "format", "clean"}
RUN_BY_OTHER_TESTS = {
    "all": "test_plakar.py: plakar runs a plain `make`",
    "program": "test_install.py configures it; release is built of the same sources",
    "install": "test_install.py",
    "deb": "test_packaging.py",
    "sbom": "test_packaging.py",
    "arm64-sysroot": "arm64, which scripts/test runs, needs it",
}
NOT_RUN = {
    "test": "it is what runs these tests",
    "tsan": "minutes of compiling what the other presets compile; scripts/sanitize builds it",
    "coverage": "minutes of compiling what the other presets compile; scripts/coverage builds it",
}


def make(*words, cwd=paths.REPO, env=None):
    return process.run(["make", *words], cwd=cwd, env=env, timeout=900)


def presets():
    return re.search(r"^PRESETS = (.*)$", MAKEFILE.read_text(), re.M)[1].split()


def targets():
    """All that a person may give: what .PHONY names, and the presets."""
    [phony] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE.read_text(), re.M)
    return set(phony.replace("$(PRESETS)", " ".join(presets())).split())


def run_by_scripts_test():
    """Those that scripts/test, and so continuous integration, runs by make, or its first step does."""
    test, check = [(paths.REPO / "scripts" / name).read_text() for name in ("test", "check")]
    assert 'make "$1"' in test and re.search(r'^step "check.*" scripts/check$', test, re.M)
    return {*re.findall(r" build (\w+)(?: &&|; then|$)", test, re.M),
            *re.findall(r" make (\w+)$", test + check, re.M)}


def test_every_target_is_run_or_there_is_a_reason():
    known = {*RUN_HERE, *RUN_BY_OTHER_TESTS, *NOT_RUN, *run_by_scripts_test()}
    assert targets() - known == set(), "run them here, or tell why not"
    assert set(NOT_RUN) <= targets() and set(RUN_BY_OTHER_TESTS) <= targets()


def test_the_presets_are_those_of_cmake():
    given = json.loads((paths.REPO / "CMakePresets.json").read_text())
    assert presets() == [p["name"] for p in given["configurePresets"] if not p.get("hidden")]
    assert presets() == [p["name"] for p in given["buildPresets"]]


@pytest.mark.parametrize("preset", ["tsan", "coverage"])
def test_a_preset_that_nothing_else_builds_here_can_be_configured(preset, workdir):
    process.run(["cmake", "--preset", preset, "-B", workdir], cwd=paths.REPO).check()
    planned = make("-n", preset).check().stdout
    assert planned == f"cmake --preset {preset}\ncmake --build --preset {preset}\n"


def test_the_package_is_made(workdir):
    """As the Makefile's comment says; what is in it is the static program."""
    environment = {"HOME": workdir, "TMPDIR": workdir}
    folder, machine = paths.REPO / "build/plakar", os.uname().machine
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[machine]
    for previous in folder.glob(f"*_{architecture}.ptar"):
        previous.unlink()
    make("package", f"PLAKAR={plakar_tools.program()}", env=environment).check()
    [package] = folder.glob(f"*_{architecture}.ptar")
    [version] = re.findall(r"^project\(pgcask VERSION ([\d.]+) ",
                           (paths.REPO / "CMakeLists.txt").read_text(), re.M)
    assert package.name == f"postgresql_v{version}_linux_{architecture}.ptar"
    user = plakar_tools.Plakar(workdir / "home")
    user.run("pkg", "add", package).check()
    assert user.run("pkg", "show").check().stdout == f"postgresql@v{version}\n"
    [program] = user.home.glob(".cache/plakar/plugins/*/*/build/plakar/pgcask")
    needed = subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True)
    assert "There is no dynamic section" in needed.stdout
    for name in ("pgcask.spdx.json", "licenses.txt"):
        assert (program.parent / name).read_bytes() == (paths.REPO / "build/static" / name).read_bytes()


def test_without_plakar_the_package_is_an_error(workdir):
    failed = make("package", "PLAKAR=/nowhere/plakar", env={"HOME": workdir})
    assert failed.rc != 0 and "/nowhere/plakar" in failed.stderr


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = tree.copy(tmp_path_factory.mktemp("clone"))
    tree.commit(folder, "v0")
    return folder


def test_format_formats_every_source(clone):
    wanted = [clone / name for name in (
        "include/pgcask/error.h", "src/base/error.c", "src/base/error.h", "examples/embed.c",
        "tests/unit/base/test_error.c", "tests/integration/wire_probe.c", "fuzz/fuzz_tar.c")]
    for path in wanted:
        path.write_text(path.read_text().replace("\n{\n", " {\n"))
    as_it_should_be = [subprocess.run(["clang-format", path], check=True, capture_output=True,
                                      text=True).stdout for path in wanted]
    assert as_it_should_be != [path.read_text() for path in wanted]
    make("format", cwd=clone).check()
    assert [path.read_text() for path in wanted] == as_it_should_be


def test_clean_leaves_nothing_built(clone):
    (clone / "build/release").mkdir(parents=True)
    make("clean", cwd=clone).check()
    assert not (clone / "build").exists() and (clone / "src").exists()
