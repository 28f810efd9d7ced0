"""The gate of scripts/check refuses what it is there for: a copy of the scripts beside sources that
break one rule each."""

import os
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
HEAD = "/* What it is, and why. */\n"


def project(folder, sources):
    """A checkout with these sources, which git does not know of yet."""
    (folder / "scripts").mkdir()
    for name in ("shape", "circles", "tidy"):
        shutil.copy(TOP / "scripts" / name, folder / "scripts" / name)
    shutil.copy(TOP / ".clang-tidy", folder)
    for name, text in sources.items():
        path = folder / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "--quiet", folder], check=True)


def run(folder, *command):
    # What this machine's clang-tidy has seen before is none of theirs.
    told = subprocess.run([folder / "scripts" / command[0], *command[1:]], cwd=folder,
                          capture_output=True, text=True,
                          env={**os.environ, "PGCASK_TEST_CACHE": str(folder / "cache")})
    return told.returncode, told.stdout + told.stderr


@pytest.mark.parametrize("text, says", [
    (HEAD + "int f;\n", None),
    (HEAD + f"int {'f' * 100};\n", "columns"),
    ("int f;\n", "does not begin with a comment"),
    (HEAD + "/* -- Name -- */\n", "a heading is"),
    (HEAD + "/* ---- Name ---------------- */\n", "a heading is"),
    (HEAD + "int f(void)\n{\n" + "    ;\n" * 60 + "}\n", "f has 63 lines"),
    (HEAD + "int f;\n" * 600, "601 lines"),
    (HEAD + 'char *f = "a"\n    "b"\n        "c";\n'.replace('char *f = "a"', '  "a"'), "staircase"),
])
def test_shape(tmp_path, text, says):
    project(tmp_path, {"base/f.c": text})
    status, told = run(tmp_path, "shape")
    assert (status, says is None or says in told) == (0 if says is None else 1, True), told


FLOOR = "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES C)\n" \
        "set(CMAKE_EXPORT_COMPILE_COMMANDS ON)\nadd_subdirectory(src/base)\n"


def built(folder, *names):
    (folder / "CMakeLists.txt").write_text(FLOOR)
    (folder / "src/base/CMakeLists.txt").write_text(f"add_library(base {' '.join(names)})\n")
    for command in (["-S", folder, "-B", folder / "build/dev", "-G", "Ninja"],
                    ["--build", folder / "build/dev"]):
        subprocess.run(["cmake", *command], check=True, capture_output=True)
    return folder / "build/dev"


@pytest.mark.parametrize("second, circles", [
    ("int g(void) { return 0; }\n", 0),
    ("int f(void);\nint g(void) { return f(); }\n", 1),
    ("int f(void);\nint (*const g_table[])(void) = {f};\nint g(void) { return g_table[0](); }\n", 1),
])
def test_circles(tmp_path, second, circles):
    project(tmp_path, {"base/f.c": HEAD + "int g(void);\nint f(void) { return g(); }\n",
                       "base/g.c": HEAD + second})
    status, told = run(tmp_path, "circles", built(tmp_path, "f.c", "g.c"))
    assert status == circles and f"{circles} circles" in told, told


@pytest.mark.parametrize("text, says", [
    ("int f(const int *p) { return *p; }\n", None),
    ("int f(int a)\n{\n    if (a)\n        return 1;\n    else\n        return 1;\n}\n",
     "bugprone-branch-clone"),
    ("int f(int a)\n{\n    int *p = 0;\n    return a ? *p : 0;\n}\n", "NullDereference"),
])
def test_tidy(tmp_path, text, says):
    project(tmp_path, {"base/f.c": HEAD + text})
    build = built(tmp_path, "f.c")
    for _ in range(2):  # what was found is found again
        status, told = run(tmp_path, "tidy", build)
        assert (status, says is None or says in told) == (0 if says is None else 1, True), told
