"""What is given for a backup and is none: verify, list and restore say what it is, in a few lines."""

import bz2
import fcntl
import hashlib
import io
import json
import lzma
import os
import random
import shutil
import socket
import subprocess
import zipfile

import pytest

from pgcask_testing import builders, oracles, temp


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
    above = root / "from plakar"
    shutil.copytree(backup, above / "a" / "b c" / "it", symlinks=True)
    quoted = f"'{backup}'"
    return {
        "data of a backup": (backup / "data", "is a part of the backup", quoted),
        "deeper": (backup / "data" / "base", "is a part of the backup", quoted),
        "running": (server.datadir, "of a server that runs", "pgcask backup postgres+bin://"),
        "stopped": (stopped, "is a data directory, not a backup", "pgcask backup"),
        "pg_basebackup": (copied, "as pg_basebackup makes", f"pgcask verify '{copied}'"),
        "pg_basebackup -Ft": (tars, "pg_basebackup -Ft", "pg_verifybackup -Ft"),
        "above": (above, "there is one in it", f"'{above}/a/b c/it'"),
        "empty": (empty, "is an empty folder", "summary.json"),
        "wrong": (wrong, "is no backup", "manifest.json"),
    }


@pytest.mark.parametrize("kind", ["data of a backup", "deeper", "running", "stopped",
                                  "pg_basebackup", "pg_basebackup -Ft", "above", "empty", "wrong"])
def test_a_folder_that_is_no_backup_is_told_what_it_is(pgcask, places, workdir, kind):
    folder, said, typed = places[kind]
    verifiable = kind in ("data of a backup", "pg_basebackup")
    for words in (["verify", folder], ["list", folder], ["restore", folder, "--to", workdir / "x"]):
        result = pgcask(*words)
        if verifiable and words[0] == "verify":
            assert result.rc == 0, result
            continue
        assert result.rc == 1 and not result.stdout, result
        assert str(folder) in result.stderr and said in result.stderr, result
        assert typed in result.stderr, result
        assert len(result.stderr.splitlines()) <= 3, result
    assert not (workdir / "x").exists()


def packed(name, content):
    """The same, compressed by the stock tool."""
    tool = {"gz": "gzip", "lz4": "lz4", "zst": "zstd"}[name]
    return subprocess.run([tool, "-c"], input=content, capture_output=True, check=True).stdout


FILES = {
    "text": (b"this is no tar\n" * 100, "text"),
    "short": (b"x", "text"),
    "zeros": (b"\0" * 100, "nothing but zeros"),
    "all zeros": (b"\0" * 10240, "an empty tar"),
    "nothing": (b"", "empty"),
    "noise": (bytes(range(256)) * 20, "of a format that pgcask does not know"),
    "dump.sql": (b"--\n-- PostgreSQL database dump\n--\n\nSET x = 1;\n", "the plain SQL of pg_dump"),
    "x.zip": (b"PK\3\4" + bytes(600), "a zip archive"),
    "x.tar.xz": (b"\xfd7zXZ\0" + bytes(600), "xz"),
    "x.tar.bz2": (b"BZh91AY&SY" + bytes(600), "bzip2"),
    "backup_manifest": (b'{ "PostgreSQL-Backup-Manifest-Version": 1,\n', "a backup_manifest"),
    "summary.json": (b'{"kind": "physical"}', "JSON"),
    "binary copy": (b"PGCOPY\n\xff\r\n\0" + bytes(20), "a binary COPY"),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_is_no_tar_is_told_what_it_is(pgcask, workdir, name):
    content, said = FILES[name]
    (workdir / name).write_bytes(content)
    forms = {workdir / name: "it is"}
    for suffix, words in {"gz": "what gzip compressed", "lz4": "what lz4 compressed",
                          "zst": "what zstd compressed"}.items():
        (workdir / f"{name}.{suffix}").write_bytes(packed(suffix, content))
        forms[workdir / f"{name}.{suffix}"] = words
    for file, words in forms.items():
        # SQL is listed and verified as such (test_restore_sql.py), and is no cluster.
        sql = name == "dump.sql"
        for command in ([] if sql else [["verify"], ["list"]]) + [["restore", "--to", workdir / "x"]]:
            result = pgcask(*command, file)
            assert result.rc == 1 and not result.stdout, result
            assert len(result.stderr.splitlines()) <= 4 and str(file) in result.stderr, result
            assert said in result.stderr and words in result.stderr, result
    piped = pgcask("verify", "-", stdin=(workdir / name).open("rb"))
    assert piped.rc == 1 and (said in piped.stderr or sql and "breaks off" in piped.stderr), piped
    assert not (workdir / "x").exists()


def test_a_tar_with_a_damaged_header_is_still_called_a_tar(pgcask, workdir, backup):
    subprocess.run(["tar", "-cf", workdir / "b.tar", "-C", backup, "manifest.json"], check=True)
    for offset in (0, 110, 148, 260):
        with oracles.flipped_byte(workdir / "b.tar", offset):
            result = pgcask("verify", workdir / "b.tar")
        assert result.rc == 1 and "is no tar" not in result.stderr, (offset, result)


@pytest.mark.parametrize("is_folder", [True, False], ids=["folder", "tar"])
@pytest.mark.parametrize("locked", [True, False], ids=["running", "interrupted"])
def test_what_is_unfinished_is_told_so(pgcask, workdir, is_folder, locked):
    name = workdir / ("b.partial" if is_folder else "b.tar.partial")
    if is_folder:
        (name / "data").mkdir(parents=True)
        (name / "manifest.json").write_text("{}")
    lock = name / "pgcask.lock" if is_folder else name
    with lock.open("wb") as file:
        if locked:
            fcntl.flock(file, fcntl.LOCK_EX)
        for command in (["verify"], ["list"], ["restore", "--to", workdir / "x"]):
            result = pgcask(*command, name)
            said = f"is being written by process {os.getpid()}" if locked else "was interrupted"
            assert result.rc == 1 and said in result.stderr, result
            assert len(result.stderr.splitlines()) == 2, result


def test_what_the_hint_names_is_a_backup(pgcask, backup, places):
    above, _, _ = places["above"]
    for words in (["list", backup / "data"], ["verify", backup / "data/base"], ["verify", above],
                  ["verify", backup / "data"]):
        result = pgcask(*words)
        said = (result.stdout or result.stderr).splitlines()[-1].partition(":  ")[2]
        said = said.removeprefix("pgcask verify ")
        path = subprocess.run(["sh", "-c", f"printf %s {said}"], check=True,
                              capture_output=True, text=True).stdout
        assert path != str(backup / "data") and str(path) in (str(backup), str(above / "a/b c/it"))
        pgcask("verify", path).check()


# ---- For a server ----

NOWHERE = "postgres://u@127.0.0.1:1/x"  # nothing is asked of it
FOR_A_SERVER = {
    "x.sql.xz": ("xz compressed", "xz -dc {} | pgcask restore - --to postgres://"),
    "x.sql.bz2": ("bzip2 compressed", "bzip2 -dc {} | pgcask restore - --to postgres://"),
    "y.sql.bz2": ("bzip2 compressed", "bzip2 -dc {} | pgcask restore - --to postgres://"),
    "x.sql.zip": ("a zip archive", "unzip -p {} | pgcask restore - --to postgres://"),
    "x.utf16": ("text in UTF-16", "iconv -f UTF-16 -t UTF-8 {} | pgcask restore - --to postgres://"),
    "x.utf16be": ("text in UTF-16", "iconv -f UTF-16 -t UTF-8 {} | pgcask restore"),
    "x.empty": ("empty", ""),
    "x.zeros": ("an empty tar, or nothing but zeros", ""),
    "x.noise": ("of a format that pgcask does not know", ""),
    "toc.dat": ("the table of contents of an archive of several files", "Name the folder"),
}


def for_a_server(name):
    sql = "".join(f"INSERT INTO t VALUES ('{n * n}');\n" for n in range(2000))
    if name.endswith(".zip"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("x.sql", sql)
        return out.getvalue()
    made = {"x.sql.xz": lambda: lzma.compress(sql.encode()),
            "x.sql.bz2": lambda: bz2.compress(sql.encode()),
            # What has no zero byte at its beginning is no script for that.
            "y.sql.bz2": lambda: b"BZh91AY&SY" + bytes(range(1, 256)) * 4,
            "x.utf16": lambda: b"\xff\xfe" + sql.encode("utf-16-le"),
            "x.utf16be": lambda: b"\xfe\xff" + sql.encode("utf-16-be"),
            "x.empty": bytes, "x.zeros": lambda: bytes(4096),
            "x.noise": lambda: bytes(range(256)) * 20,
            "toc.dat": lambda: b"PGDMP\1\x0e\0\4\x08\5" + bytes(4000)}
    return made[name]()


@pytest.mark.parametrize("name", sorted(FOR_A_SERVER))
def test_what_no_server_can_be_restored_from_is_told_what_it_is(pgcask, workdir, name):
    said, typed = FOR_A_SERVER[name]
    file = workdir / f"it's {name}"
    file.write_bytes(for_a_server(name))
    quoted = f"'{workdir}/it'\\''s {name}'"
    for words, quoted in (((file,), quoted), (("-",), "")):
        more = {"stdin": file.open("rb")} if quoted == "" else {}
        result = pgcask("restore", *words, "--to", NOWHERE, "--quiet", **more)
        assert result.rc == 1 and not result.stdout and said in result.stderr, result
        assert typed.format(quoted).replace("  |", " |") in result.stderr, result
        assert len(result.stderr.splitlines()) <= 3, result


def test_a_folder_that_no_server_can_be_restored_from_is_told_what_it_is(pgcask, places, workdir):
    for kind in ("empty", "wrong", "stopped", "above"):
        folder, said, typed = places[kind]
        result = pgcask("restore", folder, "--to", NOWHERE)
        assert result.rc == 1 and said in result.stderr and typed in result.stderr, result
    for name in ("toc.dat", "manifest.json", "3286.dat.gz"):
        (workdir / "a b").mkdir(exist_ok=True)
        (workdir / "a b" / name).write_bytes(b"x")
        subprocess.run(["tar", "-cf", workdir / "it.tar", "-C", workdir, f"a b/{name}"], check=True)
        result = pgcask("restore", workdir / "it.tar", "--to", NOWHERE)
        assert result.rc == 1 and "what it has lies in a folder, 'a b'" in result.stderr, result
        assert "unexpected" not in result.stderr, result
        assert f"tar -xf {workdir}/it.tar && pgcask restore ./'a b' --to postgres://" in \
            result.stderr, result


# ---- A data directory with the server's backup_manifest ----


@pytest.fixture(scope="module")
def copy_of(module_servers):
    """A copy by pg_basebackup with a tablespace, in a folder of its own."""
    made = {}

    def make(major, checksums="CRC32C"):
        if (major, checksums) not in made:
            if major not in made:
                made[major] = module_servers.create(major)
                builders.tablespaces(made[major], names=["one"])
            old = made[major].value("SELECT pg_tablespace_location(oid) FROM pg_tablespace "
                                    "WHERE spcname = 'one'")
            place = temp.new_dir("copied")
            made[major].tool("pg_basebackup", "-D", place / "copy", "-c", "fast", "-X", "fetch",
                             f"--manifest-checksums={checksums}", f"-T{old}={place / 'space'}")
            made[major, checksums] = place / "copy"
        return made[major, checksums]

    return make


def verdicts(pgcask, copy, major):
    """(the stock tool's verdict, ours, {path: problem})"""
    stock = oracles.verifybackup(copy, major, "--no-parse-wal").rc
    result = pgcask("verify", copy, "--json")
    report = json.loads(result.stdout)
    return stock, result.rc, {p["path"]: p["problem"] for p in report.get("problems", [])}


def files_of(copy):
    """Relative names, those in tablespaces as they are reached through their links."""
    return sorted(os.path.relpath(os.path.join(folder, name), copy)
                  for folder, _, names in os.walk(copy, followlinks=True) for name in names)


@pytest.mark.majors(13, 15, 18)
@pytest.mark.parametrize("checksums", ["CRC32C", "SHA224", "SHA512", "NONE"])
def test_a_copy_of_pg_basebackup_is_verified(pgcask, copy_of, major, checksums):
    copy = copy_of(major, checksums)
    assert verdicts(pgcask, copy, major) == (0, 0, {})
    report = json.loads(pgcask("verify", copy, "--json").stdout)
    listed = json.loads((copy / "backup_manifest").read_text())
    assert report["kind"] == "data_directory" and report["problem_count"] == 0
    files = [file for file in listed["Files"]
             if file["Path"].split("/")[0] not in ("pg_wal", "postgresql.auto.conf")]
    assert report["files"] == len(files) > 900
    assert report["bytes"] == sum(file["Size"] for file in files)
    assert report["start_lsn"] == listed["WAL-Ranges"][0]["Start-LSN"]
    said = pgcask("verify", copy).stdout
    assert f"with the server's backup_manifest: {report['files']} files verified" in said
    assert "WAL is not covered" in said


@pytest.mark.majors(13, 15, 18)
def test_a_damaged_copy_has_the_verdict_of_pg_verifybackup(pgcask, copy_of, major):
    copy = copy_of(major)
    numbers = random.Random(major)
    names = files_of(copy)
    chosen = numbers.sample(names, 8) + ["PG_VERSION", "backup_label", "backup_manifest",
                                         "postgresql.auto.conf", "global/pg_control"]
    chosen += [name for name in names if name.startswith("pg_tblspc/")][:2]
    chosen += [name for name in names if name.startswith("pg_wal/")][:1]
    for name in chosen:
        file, seen = copy / name, []
        content = file.read_bytes()
        if content:
            with oracles.flipped_byte(file, numbers.randrange(len(content))):
                seen.append(("flipped", *verdicts(pgcask, copy, major)))
            os.truncate(file, len(content) - 1)
            seen.append(("truncated", *verdicts(pgcask, copy, major)))
        file.write_bytes(content + b"x")
        seen.append(("longer", *verdicts(pgcask, copy, major)))
        file.write_bytes(content)
        file.rename(copy.parent / "aside")
        if name != "backup_manifest":
            seen.append(("missing", *verdicts(pgcask, copy, major)))
        file.mkdir()
        if name != "backup_manifest":
            seen.append(("a folder", *verdicts(pgcask, copy, major)))
        file.rmdir()
        (copy.parent / "aside").rename(file)
        for how, stock, ours, problems in seen:
            assert stock == ours, (name, how, problems)
            ignored = name.startswith("pg_wal/") or name == "postgresql.auto.conf"
            assert ours == (0 if ignored else 1), (name, how)
            if ours and name != "backup_manifest":
                assert f"/{name}" in problems, (name, how, problems)
    assert verdicts(pgcask, copy, major) == (0, 0, {})


@pytest.mark.majors(13, 15, 18)
def test_a_pg_control_that_is_not_checksummed_is_held_against_itself(pgcask, copy_of, major):
    """As pg_verifybackup does from 17 on. Behind its checksum pg_control has zeros up to 8 KiB."""
    copy = copy_of(major, "NONE")
    control = copy / "global/pg_control"
    for at in (0, 9, 16, 100, 240):
        with oracles.flipped_byte(control, at):
            stock, ours, problems = verdicts(pgcask, copy, major)
            assert stock == (1 if major >= 17 else 0) and ours == 1, at
            assert problems == {"/global/pg_control": "does not match its own checksum: no server "
                                                      "starts on it"}, at
    for at in (600, 8191):
        with oracles.flipped_byte(control, at):
            assert verdicts(pgcask, copy, major) == (0, 0, {}), at
    assert verdicts(pgcask, copy, major) == (0, 0, {})


@pytest.mark.majors(13, 15, 18)
def test_extra_files_have_the_verdict_of_pg_verifybackup(pgcask, copy_of, major):
    copy = copy_of(major)
    space = next((copy / "pg_tblspc").iterdir())
    for name in ("more", "base/more", f"pg_tblspc/{space.name}/more", "standby.signal",
                 "recovery.signal", "pg_wal/more", "pg_walmore", "postmaster.pid",
                 "base/standby.signal", "global/backup_manifest"):
        (copy / name).touch()
        stock, ours, problems = verdicts(pgcask, copy, major)
        (copy / name).unlink()
        assert stock == ours and (f"/{name}" in problems) == (ours == 1), (name, stock, problems)
    (copy / "an empty folder").mkdir()
    (copy / "a link").symlink_to("nowhere")
    (copy / "a loop").symlink_to(".")
    for name in ("a link", "a loop", "an empty folder"):
        stock, ours, problems = verdicts(pgcask, copy, major)
        assert stock == ours, (name, problems)
        (copy / name).rmdir() if name == "an empty folder" else (copy / name).unlink()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(copy / "s"))
    stock, ours, _ = verdicts(pgcask, copy, major)
    (copy / "s").unlink()
    assert stock == ours == 1
    assert verdicts(pgcask, copy, major) == (0, 0, {})


def with_checksum(text):
    """The manifest's own checksum made right again."""
    head = text[: text.rindex('"Manifest-Checksum"')]
    return head + f'"Manifest-Checksum": "{hashlib.sha256(head.encode()).hexdigest()}"}}\n'


@pytest.mark.majors(13, 15, 18)
def test_a_changed_manifest_has_the_verdict_of_pg_verifybackup(pgcask, copy_of, major):
    copy = copy_of(major)
    manifest = copy / "backup_manifest"
    text = manifest.read_text()
    lines = text.split("\n")
    first = next(i for i, line in enumerate(lines) if '"Path"' in line)
    identifier = next((line for line in lines if "System-Identifier" in line), None)
    changed = {
        "one file is not listed": "\n".join(lines[:first] + lines[first + 1 :]),
        "a file is listed twice": "\n".join(lines[:first] + [lines[first]] + lines[first:]),
        "a size is different": text.replace('"Size": 8192', '"Size": 8193', 1),
        "a file is listed that is not there": text.replace('"Path": "base/1/', '"Path": "base/2/', 1),
        "a checksum is different": text.replace('"Checksum": "', '"Checksum": "0', 1),
        "nothing": text,
    }
    if identifier is not None:
        changed["another cluster's"] = text.replace(identifier, '"System-Identifier": 4711,')
    for how, new in changed.items():
        for mended in (False, True):
            manifest.write_text(with_checksum(new) if mended else new)
            stock, ours, problems = verdicts(pgcask, copy, major)
            assert stock == ours == (0 if how == "nothing" else 1), (how, mended, problems)
    for cut in (0, 1, len(text) // 2, len(text) - 1):
        manifest.write_text(text[:cut])
        stock, ours, _ = verdicts(pgcask, copy, major)
        assert stock == ours == 1, cut
    manifest.write_text(text)


@pytest.mark.majors(15)
def test_a_copy_that_was_started_is_told_so(pgcask, copy_of, module_servers, workdir, major):
    copy = shutil.copytree(copy_of(major), workdir / "copy", symlinks=True)
    (copy / "postmaster.pid").write_text("1\n")
    result = pgcask("verify", copy)
    assert result.rc == 1 and "/postmaster.pid: is not listed" in result.stderr, result
    assert "A server was started on it" in result.stderr, result


@pytest.mark.majors(15)
def test_of_a_large_damage_twenty_files_are_named(pgcask, copy_of, workdir, major):
    copy = shutil.copytree(copy_of(major), workdir / "copy", symlinks=True)
    shutil.rmtree(copy / "base")
    result = pgcask("verify", copy)
    assert result.rc == 1 and result.stderr.count("error: /base/") == 20, result
    assert "more problems; --verbose names them all" in result.stderr, result


def test_data_of_a_backup_is_verified(pgcask, backup):
    result = pgcask("verify", backup / "data").check()
    assert f"a part of a backup, which is verified with its WAL by:  pgcask verify '{backup}'" in (
        result.stdout), result
    file = next((backup / "data/base/1").iterdir())
    size = file.stat().st_size
    with oracles.flipped_byte(file, size // 2):
        result = pgcask("verify", backup / "data")
    assert result.rc == 1 and f"/base/1/{file.name}: was changed" in result.stderr, result


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


@pytest.mark.parametrize("configured", [False, True])
@pytest.mark.parametrize("tablespaces", [False, True])
def test_what_is_said_of_a_copy_is_true_of_it(pgcask, workdir, configured, tablespaces):
    copy = workdir / "copy"
    for folder in ("global", "pg_tblspc", "pgcask.config"):
        (copy / folder).mkdir(parents=True)
    for name in ("PG_VERSION", "backup_manifest", "global/pg_control"):
        (copy / name).touch()
    if configured:
        (copy / "pgcask.config/postgresql.conf").touch()
    if tablespaces:
        (copy / "pg_tblspc/16384").symlink_to(workdir)
    result = pgcask("list", copy)
    assert result.rc == 1 and f"pgcask verify {copy}" in result.stderr, result
    named = f"config_file={copy}/pgcask.config/postgresql.conf"
    assert (named in result.stderr) == configured != ("starts on it as it is" in result.stderr)
    assert ("pg_tblspc lead to" in result.stderr) == tablespaces
    assert ("cp -a" in result.stderr) == (not configured and not tablespaces)
