"""The walls between the folders of src hold: cmake/floor.cmake refuses what docs/architecture.md does
not allow, and what a folder does not show cannot be included."""

import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
GROUND = "pgcask_floor(ground FLOOR 1 FACE ground.h SOURCES ground.c)"


def house(folder, *floors, user="", include="upper/upper.h"):
    """A project of two floors, ground and upper, and of a user of both."""
    (folder / "CMakeLists.txt").write_text("\n".join([
        "cmake_minimum_required(VERSION 3.25)", "project(house LANGUAGES C)",
        f"include({TOP}/cmake/floor.cmake)",
        "add_subdirectory(src/ground)", "add_subdirectory(src/upper)",
        "add_executable(user user.c)", f"target_link_libraries(user {user or 'upper ground'})"]))
    for name, text in zip(("ground", "upper"), floors):
        place = folder / "src" / name
        place.mkdir(parents=True)
        (place / "CMakeLists.txt").write_text(text)
        for header in (f"{name}.h", f"{name}_internal.h"):
            (place / header).write_text(f"int {name}(void);\n")
        (place / f"{name}.c").write_text(
            f'#include "{name}/{name}_internal.h"\nint {name}(void) {{ return 0; }}\n')
    (folder / "user.c").write_text(f'#include "{include}"\nint main(void) {{ return 0; }}\n')
    told = subprocess.run(["cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja"],
                          capture_output=True, text=True)
    if told.returncode == 0:
        told = subprocess.run(["cmake", "--build", folder / "build"], capture_output=True, text=True)
    return told.returncode == 0, re.sub(r"\s+", " ", told.stdout + told.stderr)


UPPER = "pgcask_floor(upper FLOOR 2 FACE upper.h SOURCES upper.c LINKS ground)"


def test_a_house_that_is_in_order_is_built(tmp_path):
    built, told = house(tmp_path, GROUND, UPPER)
    assert built and (tmp_path / "build/user").exists(), told


@pytest.mark.parametrize("floors, says", [
    ((GROUND.replace(")", " LINKS upper)"), UPPER), "src/ground links upper, which is unknown"),
    ((GROUND.replace("FLOOR 1", "FLOOR 3"), UPPER), "only what is below may be linked"),
    ((GROUND.replace("FLOOR 1", "FLOOR 3"), UPPER.replace("LINKS", "PRIVATE")),
     "upper is on floor 2 and links ground on floor 3"),
    ((GROUND, UPPER.replace("LINKS ground", "LINKS grond")), "links grond, which is unknown"),
    ((GROUND, UPPER.replace("FACE upper.h", "FACE uper.h")), "shows uper.h, which is not there"),
    ((GROUND, UPPER.replace("FLOOR 2", "")), "which FLOOR?"),
])
def test_a_link_that_is_not_allowed_fails_the_configuration(tmp_path, floors, says):
    built, told = house(tmp_path, *floors)
    assert not built and says in told, told


@pytest.mark.parametrize("include, user", [
    ("upper/upper_internal.h", ""),  # not in its face
    ("ground/ground.h", "upper"),  # linked by upper alone, for itself
])
def test_what_is_not_shown_cannot_be_included(tmp_path, include, user):
    built, told = house(tmp_path, GROUND, UPPER.replace("LINKS", "PRIVATE"), include=include,
                        user=user)
    assert not built and f"{include}: No such file" in told, told


def test_no_source_includes_what_another_folder_keeps_to_itself():
    for path in [*TOP.glob("src/**/*.c"), *TOP.glob("src/**/*.h")]:
        folder = path.relative_to(TOP / "src").parts[0]
        assert '#include "../' not in path.read_text(), path
        for other, header in re.findall(r'#include "(\w+)/([\w/]+\.h)"', path.read_text()):
            assert folder == other or not header.endswith("_internal.h"), (path, header)
