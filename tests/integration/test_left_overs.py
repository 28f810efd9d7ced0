"""What runs leave that are killed without warning, and runs that write to one place at once."""

import os
import shutil
import subprocess
import tarfile
import time

import pytest

from pgcask_testing import builders, oracles, process

pytestmark = pytest.mark.majors(15)


@pytest.fixture(scope="module")
def source(module_servers):
    return builders.small_ones(module_servers)


@pytest.fixture(scope="module")
def finished(pgcask, source, tmp_path_factory):
    made = {}

    def make(major):
        if major not in made:
            made[major] = tmp_path_factory.mktemp("finished") / "backup"
            pgcask("backup", source(major).binary_uri(), "--to", made[major]).check()
        return made[major]

    return make


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def slow_backup(pgcask_path, server, target):
    return process.Process([pgcask_path, "backup", server.binary_uri(), "--to", target,
                            "--max-rate=12M"])


@pytest.mark.parametrize("name", ["backup", "backup.tar", "in place"])
@pytest.mark.parametrize("when", [0.0, 0.3])
def test_a_killed_backup_is_replaced(
    pgcask, pgcask_path, source, workdir, major, name, when
):
    server = source(major)
    target = workdir / name
    if name == "in place":
        target.mkdir()
    with slow_backup(pgcask_path, server, target) as running:
        if when == 0:
            wait_for(lambda: any(workdir.glob("*.partial")) or any(workdir.glob("*/*")))
        else:
            oracles.wait_for_sessions(server, lambda found: found.slots)
            time.sleep(when)
        running.kill()
    assert list(workdir.iterdir())
    pgcask("backup", server.binary_uri(), "--to", target).check()
    pgcask("verify", target).check()
    assert [path.name for path in workdir.iterdir()] == [name]
    assert not list(workdir.rglob("*.lock"))
    oracles.wait_for_nothing_left(server)


@pytest.mark.parametrize("name", ["backup", "backup.tar", "in place"])
def test_a_running_backup_is_not(pgcask, pgcask_path, source, workdir, major, name):
    server = source(major)
    target = workdir / name
    if name == "in place":
        target.mkdir()
    with slow_backup(pgcask_path, server, target) as running:
        wait_for(lambda: any(workdir.glob("*.partial")) or any(workdir.glob("*/*")))
        second = pgcask("backup", server.binary_uri(), "--to", target)
        assert second.rc == 1 and "another run is writing" in second.stderr, second
        assert f"process {running.pid}" in second.stderr, second
        assert running.wait(60).ok
    pgcask("verify", target).check()


def test_many_at_once_to_one_name_leave_one_complete_backup(
    pgcask, pgcask_path, pgcask_popen, source, workdir, major
):
    server = source(major)
    for name in ("backup", "backup.tar"):
        with slow_backup(pgcask_path, server, workdir / name) as running:
            wait_for(lambda: any(workdir.glob("*.partial")))
            running.kill()
        runs = [pgcask_popen("backup", server.binary_uri(), "--to", workdir / name)
                for _ in range(4)]
        results = [run.wait(120) for run in runs]
        assert sum(result.ok for result in results) == 1, [str(result) for result in results]
        pgcask("verify", workdir / name).check()
    assert sorted(path.name for path in workdir.iterdir()) == ["backup", "backup.tar"]


def test_what_is_not_recognised_stays(pgcask, source, workdir, major):
    server = source(major)
    for name, make in {
        "dir": lambda path: (path.mkdir(), (path / "photo").write_text("x")),
        "dir2": lambda path: (path.mkdir(), (path / "pgcask.lock").symlink_to("photo")),
        "a.tar": lambda path: path.write_text("precious"),
        "b.tar": lambda path: path.mkdir(),
        "c.tar": lambda path: path.symlink_to(workdir / "elsewhere"),
    }.items():
        make(workdir / f"{name}.partial")
        before = oracles.tree(workdir)
        result = pgcask("backup", server.binary_uri(), "--to", workdir / name)
        assert result.rc == 1 and f"{name}.partial" in result.stderr and "rm " in result.stderr
        assert oracles.tree(workdir) == before


UNANSWERED = "postgres+bin://u@127.0.0.1:1/"


def refused_and_kept(result, workdir, before, *said):
    assert result.rc == 1 and all(words in result.stderr for words in said), result
    assert "onnection refused" not in result.stderr, result
    assert oracles.tree(workdir) == before


@pytest.mark.parametrize("foreign", ["photos", "data.old", ".hidden", "globals.sql~", "PG_VERSION"])
@pytest.mark.parametrize("name", ["here", "new.partial"])
def test_a_backup_removes_no_name_that_it_does_not_make(pgcask, workdir, name, foreign):
    folder = workdir / name
    (folder / foreign).mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "manifest.json").write_text("{}")
    (folder / "pgcask.lock").touch(0o600)
    before = oracles.tree(workdir)
    target = workdir / name.removesuffix(".partial")
    refused_and_kept(pgcask("backup", UNANSWERED, "--to", target), workdir, before, f'"{foreign}"')


@pytest.mark.parametrize("foreign", ["photos", "PG_15_x", "PG_15_202209061", "data"])
def test_a_restore_removes_no_name_that_it_does_not_make(
    pgcask, finished, workdir, major, foreign
):
    for name in ("data", "mapped"):
        (workdir / name / foreign).mkdir(parents=True)
        (workdir / name / "pgcask.lock").touch(0o600)
    before = oracles.tree(workdir)
    backup = finished(major)
    refused_and_kept(pgcask("restore", backup, "--to", workdir / "data"), workdir, before,
                     f'"{foreign}"')
    result = pgcask("restore", backup, "--to", workdir / "new",
                    f"--tablespace-mapping=one={workdir}/mapped")
    if foreign != "PG_15_202209061":
        refused_and_kept(result, workdir, before, f'"{foreign}"')
    else:
        assert result.ok and "warning: replacing what an interrupted restore left" in result.stderr


LOCKS_OF_OTHERS = {
    "content": lambda lock: lock.write_text("mine"),
    "second name": lambda lock: os.link(lock, lock.parent.parent / "second"),
    "owner": lambda lock: os.chown(lock, 65534, 65534),
}


@pytest.mark.parametrize("other", LOCKS_OF_OTHERS)
def test_a_lock_that_no_run_of_this_user_made_proves_nothing(
    pgcask, finished, workdir, major, other
):
    if other == "owner" and os.geteuid() != 0:
        pytest.skip("giving a file away takes root")
    for name in ("here", "new.partial"):
        (workdir / name / "data").mkdir(parents=True)
        (workdir / name / "pgcask.lock").touch(0o600)
        LOCKS_OF_OTHERS[other](workdir / name / "pgcask.lock")
        (workdir / "second").exists() and (workdir / "second").rename(workdir / f"{name}.second")
    before = oracles.tree(workdir)
    for target in ("here", "new"):
        refused_and_kept(pgcask("backup", UNANSWERED, "--to", workdir / target), workdir, before)
    refused_and_kept(pgcask("restore", finished(major), "--to", workdir / "here"), workdir, before,
                     "is not empty")
    # Nor does it keep anybody from what lies below it.
    pgcask("restore", finished(major), "--to", workdir / "here/data").check()


def test_a_dead_lock_above_names_the_file_to_remove(pgcask, finished, workdir, major):
    lock = workdir / "above/pgcask.lock"
    (workdir / "above").mkdir()
    lock.touch(0o600)
    words = ["restore", finished(major), "--to", workdir / "above/data"]
    result = pgcask(*words)
    command = result.stderr.splitlines()[-1].partition(":  ")[2]
    assert result.rc == 1 and command == f"rm {lock}", result
    subprocess.run(command, shell=True, check=True)
    pgcask(*words).check()


def test_a_tar_of_another_origin_stays(pgcask, workdir):
    """Compressed, of the same name, empty, or a tar: what a backup begins with is what tells."""
    (workdir / "other").write_bytes(os.urandom(100_000))
    (workdir / "manifest.json").write_text("{}")
    made = workdir / "made"
    for mode in ("w", "w:gz"):
        for first in ("other", "manifest.json"):
            with tarfile.open(made, mode, format=tarfile.USTAR_FORMAT) as tar:
                tar.add(workdir / first, arcname=first)
            for permissions, ours in ((0o600, first == "manifest.json"), (0o644, False)):
                partial = workdir / "b.tar.partial"
                shutil.copy(made, partial)
                partial.chmod(permissions)
                before = partial.read_bytes()
                result = pgcask("backup", UNANSWERED, "--to", workdir / "b.tar")
                assert result.rc == 1 and ("b.tar.partial" in result.stderr) != ours, result
                assert partial.read_bytes() == before
    partial.write_bytes(b"manifest.json is what this text is about")
    partial.chmod(0o600)
    assert "b.tar.partial" in pgcask("backup", UNANSWERED, "--to", workdir / "b.tar").stderr
    partial.write_bytes(b"\x1f\x8b" + bytes(1000))
    assert "b.tar.partial" in pgcask("backup", UNANSWERED, "--to", workdir / "b.tar").stderr


# Restoring


def killed_restore(pgcask_path, finished, data, *options):
    """Stops it by a pipe that ends nowhere: half of the backup has come."""
    tar = subprocess.run(["tar", "-C", finished, "-cf", "-", "manifest.json", "data/base",
                          "tablespaces"], capture_output=True, check=True).stdout
    running = subprocess.Popen([str(pgcask_path), "restore", "-", "--to", data, *options],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=process.clean_env())
    running.stdin.write(tar[:len(tar) - 4096])
    running.stdin.flush()
    return running


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("mapped", [False, True])
def test_a_killed_restore_is_replaced(
    pgcask, pgcask_path, finished, workdir, major, exists, mapped
):
    data = workdir / "data"
    if exists:
        data.mkdir()
    options = [f"--tablespace-mapping=one={workdir}/mapped"] if mapped else []
    running = killed_restore(pgcask_path, finished(major), data, *options)
    wait_for(lambda: (data / "base/1").exists())
    second = pgcask("restore", finished(major), "--to", data, *options)
    assert second.rc == 1 and f"process {running.pid}" in second.stderr, second
    assert (data / "base/1").exists()
    running.kill()
    running.communicate()
    assert list(data.iterdir())
    pgcask("restore", finished(major), "--to", data, *options).check()
    assert not list(workdir.rglob("*.lock")) and (data / "global/pg_control").exists()
    oracles.verifybackup(data, major).check()


def test_a_killed_replace_is_replaced(pgcask, pgcask_path, finished, workdir, major):
    data = workdir / "data"
    pgcask("restore", finished(major), "--to", data).check()
    staging = data / "pgcask.restore.partial"
    running = killed_restore(pgcask_path, finished(major), data, "--replace")
    wait_for(lambda: (staging / "base/1").exists())
    second = pgcask("restore", finished(major), "--to", data, "--replace")
    assert second.rc == 1 and f"process {running.pid}" in second.stderr, second
    running.kill()
    running.communicate()
    assert staging.exists() and (data / "global/pg_control").exists()
    pgcask("restore", finished(major), "--to", data, "--replace").check()
    assert not list(workdir.rglob("pgcask*"))
    oracles.verifybackup(data, major).check()


# Standard descriptors that are closed or full


COMMANDS = {
    "backup": lambda backup, uri, workdir, n: ["backup", uri, "--to", workdir / f"made{n}"],
    "verify": lambda backup, uri, workdir, n: ["verify", backup],
    "restore": lambda backup, uri, workdir, n: ["restore", backup, "--to", workdir / f"made{n}"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_exit_status_is_about_the_work(
    pgcask_path, pgcask, source, finished, workdir, major, command
):
    """Closed, full and broken standard descriptors: the backup is what counts."""
    ways = [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full",
            ">/dev/full 2>/dev/full"]
    for number, way in enumerate(ways):
        words = COMMANDS[command](finished(major), source(major).binary_uri(), workdir, number)
        quoted = " ".join(f"'{word}'" for word in [pgcask_path, *words])
        done = subprocess.run(["sh", "-c", f"{quoted} {way}"], env=process.clean_env(),
                              capture_output=True)
        assert done.returncode == 0, (way, done)
        if command == "backup":
            pgcask("verify", workdir / f"made{number}").check()
        for stray in workdir.rglob("*"):
            assert b"pgcask: " not in (stray.read_bytes()[:200] if stray.is_file() and
                                       stray.name in ("manifest.json", "backup_label") else b"")
        shutil.rmtree(workdir / f"made{number}", ignore_errors=True)
        shutil.rmtree(workdir / f"made{number}.tablespaces", ignore_errors=True)

    # A reader that has gone away.
    words = COMMANDS[command](finished(major), source(major).binary_uri(), workdir, "pipe")
    quoted = " ".join(f"'{word}'" for word in [pgcask_path, *words])
    done = subprocess.run(["bash", "-c", f"{quoted} | true; exit ${{PIPESTATUS[0]}}"],
                          env=process.clean_env(), capture_output=True)
    assert done.returncode == 0, done

    # What was asked for and could not be written is a failure that says so.
    for number, way in enumerate([">&-", ">/dev/full"]):
        words = COMMANDS[command](
            finished(major), source(major).binary_uri(), workdir, f"j{number}")
        quoted = " ".join(f"'{word}'" for word in [pgcask_path, *words, "--json"])
        done = subprocess.run(["sh", "-c", f"{quoted} {way}"], env=process.clean_env(),
                              capture_output=True)
        assert done.returncode == 1, (way, done)
        assert b"standard output" in done.stderr and b"itself is done" in done.stderr, done
