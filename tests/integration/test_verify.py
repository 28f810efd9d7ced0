"""verify finds every kind of damage to a finished backup and names the file."""

import json
import random
import shutil
import subprocess

import pytest

from pgcask_testing import builders, oracles, temp


@pytest.fixture(scope="module")
def backup_of(module_servers, pgcask):
    """A finished backup of a small cluster with a tablespace, and a copy of it to damage."""
    made = {}

    def make(major, *options):
        key = (major, *options)
        if key not in made:
            server = module_servers.create(major)
            builders.tablespaces(server, names=["one"])
            place = temp.new_dir("verify")
            pgcask("backup", server.binary_uri(), "--to", place / "backup", *options).check()
            server.stop()
            made[key] = place / "backup"
        return made[key]

    return make


def files_of(backup):
    return sorted(p for p in backup.rglob("*") if p.is_file() and not p.is_symlink())


@pytest.fixture
def harmed(request):
    """harmed(backup): its files; without --whole a fourth of those in data/base, which are alike."""
    def choose(backup):
        files = files_of(backup)
        if request.config.getoption("--whole"):
            return files
        alike = [file for file in files if "data/base/" in file.as_posix()]
        return [file for file in files if file not in set(alike)] + alike[::4]
    return choose


def verify(pgcask, backup):
    """(exit status, {record path: problem})"""
    result = pgcask("verify", backup, "--json")
    report = json.loads(result.stdout)
    return result.rc, {p["path"]: p["problem"] for p in report.get("problems", [])}


def record_path(backup, file):
    return "/" + str(file.relative_to(backup))


def names_file(problems, record):
    """The record itself, or the same file as reached through its tablespace's link."""
    aliases = {record, record.replace("/tablespaces/", "/data/pg_tblspc/")}
    return bool(aliases & set(problems))


@pytest.mark.majors(13, 18)
def test_any_file_with_a_flipped_byte_is_named(pgcask, backup_of, harmed, major):
    backup = backup_of(major)
    numbers = random.Random(major)
    for file in harmed(backup):
        size = file.stat().st_size
        if size == 0:
            continue
        with oracles.flipped_byte(file, numbers.randrange(size)):
            rc, problems = verify(pgcask, backup)
        assert rc == 1 and names_file(problems, record_path(backup, file)), (file, rc, problems)
    assert verify(pgcask, backup) == (0, {})


@pytest.mark.majors(15)
@pytest.mark.parametrize("name", ["summary.json", "data/backup_label", "manifest.json"])
def test_every_byte_of_the_small_files_counts(request, pgcask, backup_of, major, name):
    """Without --whole some of them, and all of its end."""
    file = backup_of(major) / name
    size = file.stat().st_size
    some = 150 if request.config.getoption("--whole") else 30
    for offset in {*range(0, size, max(1, size // some)), *range(max(0, size - 40), size)}:
        with oracles.flipped_byte(file, offset):
            rc, problems = verify(pgcask, backup_of(major))
        assert rc == 1 and "/" + name in problems, (offset, rc, problems)


@pytest.mark.majors(15)
def test_any_truncated_file_is_named(pgcask, backup_of, harmed, major):
    backup = backup_of(major)
    numbers = random.Random(1)
    for file in harmed(backup):
        content = file.read_bytes()
        if not content:
            continue
        file.write_bytes(content[: numbers.randrange(len(content))])
        rc, problems = verify(pgcask, backup)
        file.write_bytes(content)
        assert rc == 1 and names_file(problems, record_path(backup, file)), (file, rc, problems)


@pytest.mark.majors(14, 17)
def test_any_removed_file_is_named(pgcask, backup_of, harmed, major):
    backup = backup_of(major)
    aside = backup.with_name("aside")
    for file in harmed(backup):
        file.rename(aside)
        rc, problems = verify(pgcask, backup)
        aside.rename(file)
        assert rc == 1 and names_file(problems, record_path(backup, file)), (file, rc, problems)
    assert verify(pgcask, backup) == (0, {})


@pytest.mark.majors(16)
def test_folders_links_and_strangers_count_too(pgcask, backup_of, major):
    backup = backup_of(major)
    empty = next(p for p in (backup / "data").iterdir() if p.is_dir() and not list(p.iterdir()))
    empty.rmdir()
    assert record_path(backup, empty) in verify(pgcask, backup)[1]
    empty.mkdir(mode=0o700)

    link = next((backup / "data/pg_tblspc").iterdir())
    target = link.readlink()
    link.unlink()
    assert record_path(backup, link) in verify(pgcask, backup)[1]
    link.symlink_to("/tmp")
    assert record_path(backup, link) in verify(pgcask, backup)[1]
    link.unlink()
    link.symlink_to(target)

    for stranger in ("data/base/1/99999", "data/pg_wal/0000000100000000000000FF", "data/new",
                     "tablespaces/new", "elsewhere"):
        path = backup / stranger
        path.write_bytes(b"x")
        rc, problems = verify(pgcask, backup)
        path.unlink()
        assert rc == 1 and record_path(backup, path) in problems, (stranger, problems)
    assert verify(pgcask, backup) == (0, {})


@pytest.mark.majors(15)
def test_a_tar_without_its_lists_is_not_accepted(pgcask, backup_of, workdir, major):
    tar = workdir / "backup.tar"
    subprocess.run(["cp", "-a", backup_of(major), workdir / "copy"], check=True)
    with open(tar, "wb") as out:
        subprocess.run(["tar", "-cf", "-", "-C", workdir / "copy", "--exclude=backup_manifest",
                        "manifest.json", "tablespaces", "data"], stdout=out, check=True)
    shutil.rmtree(workdir / "copy")
    rc, problems = verify(pgcask, tar)
    assert rc == 1 and "/data/backup_manifest" in problems and "/summary.json" in problems


@pytest.mark.majors(15)
def test_a_truncated_tar_is_never_accepted(pgcask, module_servers, workdir, major):
    server = module_servers.create(major)
    whole = workdir / "whole.tar"
    pgcask("backup", server.binary_uri(), "--to", whole).check()
    size = whole.stat().st_size
    numbers = random.Random(4)
    cut = workdir / "cut.tar"
    for length in [0, 1, 511, 512, size - 1, size - 512, size - 1024,
                   *(numbers.randrange(size) for _ in range(15))]:
        shutil.copyfile(whole, cut)
        with open(cut, "r+b") as file:
            file.truncate(length)
        assert pgcask("verify", cut).rc == 1, length
        with open(cut, "rb") as piped:
            assert pgcask("verify", "-", stdin=piped).rc == 1, length
    for _ in range(40):
        with oracles.flipped_byte(whole, numbers.randrange(size - 10240)):
            result = pgcask("verify", whole)
        # A byte of a header that carries no meaning (times, owner names) may change unseen only
        # where the header's own checksum does not cover it: nowhere.
        assert result.rc == 1, result


@pytest.mark.majors(15)
def test_what_came_of_a_manifest_is_listed_where_a_transfer_broke_off(pgcask, module_servers,
                                                                      workdir, major):
    server = module_servers.create(major)
    for name, uri in (("physical", server.binary_uri()), ("logical", server.uri("postgres"))):
        whole, cut = workdir / f"{name}.tar", workdir / f"{name}-cut.tar"
        pgcask("backup", uri, "--to", whole).check()
        cut.write_bytes(whole.read_bytes()[:1536])
        result = pgcask("list", cut, "--json")
        listed = json.loads(result.stdout)
        assert result.rc == 1 and "ends inside member" in result.stderr, result
        assert listed["kind"] == name and not listed["complete"], listed
        assert listed["server_version_num"] // 10000 == major, listed


@pytest.mark.majors(15)
def test_of_a_logical_backup_with_a_damaged_connector_only_that_is_told(pgcask, module_servers,
                                                                        workdir, major):
    backup = workdir / "backup"
    pgcask("backup", module_servers.create(major).uri("postgres"), "--to", backup).check()
    manifest = backup / "manifest.json"
    text = manifest.read_text()
    for damage in ('zz"connector"', '"conn', '"connector" '):
        manifest.write_text(text.replace('"connector"', damage, 1))
        rc, problems = verify(pgcask, backup)
        assert rc == 1 and set(problems) == {"/manifest.json"}, problems


@pytest.mark.majors(15)
def test_what_is_no_backup_is_refused_with_a_hint(pgcask, workdir, major):
    (workdir / "empty").mkdir()
    (workdir / "text.tar").write_text("hello")
    for target in ("empty", "text.tar", "absent"):
        result = pgcask("verify", workdir / target)
        assert result.rc == 1 and "pgcask: error: " in result.stderr, result
