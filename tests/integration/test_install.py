"""make, as somebody does who wants the program and nothing else."""

import os
import re
import subprocess

import pytest

from pgcask_testing import paths, process


def run(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, cwd=paths.REPO,
                          timeout=300, **options).stdout


@pytest.mark.parametrize("words, preset", [
    ([], "static"), (["install"], "static"), (["install", "PROGRAM=program"], "program"),
])
def test_make_needs_nothing_that_only_tests_need(workdir, words, preset):
    """What a plain make builds is configured on a machine without cmocka."""
    planned = run("make", "-n", *words)
    assert set(re.findall(r"--preset (\S+)", planned)) == {preset}, planned
    run("cmake", "--preset", preset, "-B", workdir,
        *(f"-D{name}=-NOTFOUND" for name in ("CMOCKA_INCLUDE", "CMOCKA_LIBRARY")))
    built = run("cmake", "--build", workdir, "--", "-t", "inputs", "all")
    assert "src/cli/" in built and "tests/" not in built and "pgcask_face" not in built


@pytest.fixture(scope="module")
def folder_of_build(pgcask_path):
    if pgcask_path.parent.parent != paths.REPO / "build":
        pytest.skip("the program under test is in no folder of a preset")
    return pgcask_path.parent.name


@pytest.mark.parametrize("prefix", ["/usr/local", "/opt/pgcask"])
def test_make_install(workdir, folder_of_build, pgcask_path, prefix):
    given = [] if prefix == "/usr/local" else [f"PREFIX={prefix}"]
    run("make", "install", f"PROGRAM={folder_of_build}", f"DESTDIR={workdir}", *given)
    root = workdir / prefix.lstrip("/")
    installed = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert {"bin/pgcask", "share/man/man1/pgcask.1", "share/doc/pgcask/LICENSE",
            "share/doc/pgcask/README.md", "share/doc/pgcask/options.md",
            "share/doc/pgcask/examples/systemd/pgcask-backup@.timer"} <= set(installed)
    assert not [name for name in installed if name.startswith(("lib/", "include/"))], installed
    assert os.access(root / "bin/pgcask", os.X_OK)
    for shell, name in (("bash", "bash-completion/completions/pgcask"),
                        ("zsh", "zsh/site-functions/_pgcask"),
                        ("fish", "fish/vendor_completions.d/pgcask.fish")):
        printed = process.run([pgcask_path, "completion", shell]).check().stdout
        assert (root / "share" / name).read_text() == printed
    shown = process.run([root / "bin/pgcask", "version"]).check().stdout
    assert shown == process.run([pgcask_path, "version"]).check().stdout
