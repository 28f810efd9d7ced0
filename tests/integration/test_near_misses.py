"""What is given for a backup and is none: verify, list and restore say what it is, in a few lines."""

import json
import shutil
import subprocess

import pytest

from pgcask_testing import temp


@pytest.fixture(scope="module")
def server(module_servers):
    return module_servers.create(15)


@pytest.fixture(scope="module")
def backup(server, pgcask):
    target = temp.new_dir("near") / "my backup"
    pgcask("backup", server.binary_uri(), "--to", target).check()
    return target


@pytest.fixture(scope="module")
def places(server, backup):
    """{kind: (folder, what is said of it, what is to be typed)}"""
    root = temp.new_dir("misses")
    stopped = shutil.copytree(backup / "data", root / "stopped")
    for name in ("backup_manifest", "backup_label"):
        (stopped / name).unlink()
    copied = shutil.copytree(backup / "data", root / "a copy")
    tars, empty, wrong = root / "tars", root / "empty", root / "wrong"
    for folder in (tars, empty, wrong):
        folder.mkdir()
    (tars / "base.tar.gz").touch()
    (wrong / "file").touch()
    quoted = f"'{backup}'"
    return {
        "data of a backup": (backup / "data", "is a part of the backup", quoted),
        "deeper": (backup / "data" / "base", "is a part of the backup", quoted),
        "running": (server.datadir, "of a server that runs", "pgcask backup postgres+bin://"),
        "stopped": (stopped, "is a data directory, not a backup", "pgcask backup"),
        "pg_basebackup": (copied, "as pg_basebackup makes", f"pg_verifybackup '{copied}'"),
        "pg_basebackup -Ft": (tars, "pg_basebackup -Ft", "pg_verifybackup -Ft"),
        "empty": (empty, "is an empty folder", "summary.json"),
        "wrong": (wrong, "is no backup", "manifest.json"),
    }


@pytest.mark.parametrize("kind", ["data of a backup", "deeper", "running", "stopped",
                                  "pg_basebackup", "pg_basebackup -Ft", "empty", "wrong"])
def test_a_folder_that_is_no_backup_is_told_what_it_is(pgcask, places, workdir, kind):
    folder, said, typed = places[kind]
    for words in (["verify", folder], ["list", folder], ["restore", folder, "--to", workdir / "x"]):
        result = pgcask(*words)
        assert result.rc == 1 and not result.stdout, result
        assert str(folder) in result.stderr and said in result.stderr, result
        assert typed in result.stderr, result
        assert len(result.stderr.splitlines()) <= 3, result
    assert not (workdir / "x").exists()


def test_a_file_that_is_no_tar(pgcask, workdir):
    for name, content in {"text": b"this is no tar\n" * 100, "short": b"x", "zeros": b"\0" * 100,
                          "nothing": b""}.items():
        (workdir / name).write_bytes(content)
        for words in (["verify"], ["list"], ["restore", "--to", workdir / "x"]):
            result = pgcask(*words, workdir / name)
            assert result.rc == 1 and len(result.stderr.splitlines()) <= 4, result


def test_what_the_hint_names_is_a_backup(pgcask, backup):
    said = pgcask("verify", backup / "data").stderr.splitlines()[-1]
    path = subprocess.run(["sh", "-c", f"printf %s {said.partition(':  ')[2]}"], check=True,
                          capture_output=True, text=True).stdout
    pgcask("verify", path).check()


def test_an_incomplete_backup_is_still_read(pgcask, backup, workdir):
    shutil.copytree(backup, workdir / "b", symlinks=True)
    (workdir / "b/summary.json").unlink()
    assert "/summary.json: is missing" in pgcask("verify", workdir / "b").stderr
    assert pgcask("list", workdir / "b").rc == 3


def test_twenty_problems_are_listed_and_the_others_counted(pgcask, backup, workdir):
    shutil.copytree(backup, workdir / "b", symlinks=True)
    for name in range(33):
        (workdir / "b/data" / f"more{name}").touch()
    result = pgcask("verify", workdir / "b")
    assert result.rc == 1 and result.stderr.count("/data/more") == 20, result
    assert "and 13 more problems; --verbose" in result.stderr and "33 problems" in result.stderr
    assert pgcask("verify", workdir / "b", "--verbose").stderr.count("error: /data/more") == 33
    found = json.loads(pgcask("verify", workdir / "b", "--json").stdout)
    assert found["problem_count"] == len(found["problems"]) == 33
