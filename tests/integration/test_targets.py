"""Where backups go: what a target's name says, tars that are compressed, and the result in a file."""

import bz2
import gzip
import json
import pathlib
import subprocess
import tarfile

import pytest

from pgcask_testing import builders, oracles, temp

COMPRESSED = {"tar.gz": b"\x1f\x8b", "tgz": b"\x1f\x8b", "tar.lz4": b"\x04\x22\x4d\x18",
              "tar.zst": b"\x28\xb5\x2f\xfd", "tzst": b"\x28\xb5\x2f\xfd",
              "tar.zstd": b"\x28\xb5\x2f\xfd"}
DEAD = "postgres+bin://u@127.0.0.1:1/"


@pytest.fixture(scope="module")
def server(module_servers):
    made = module_servers.create(15)
    builders.tablespaces(made, names=["one"])
    made.sql("CREATE TABLE t AS SELECT i, repeat(md5(i::text), 8) AS x"
             " FROM generate_series(1, 60000) AS i")
    return made


@pytest.fixture(scope="module")
def tars(server, pgcask):
    """{ending: file}, physical; under "logical" a logical one of more than 8 MiB; {(ending,): file},
    small."""
    place = temp.new_dir("tars")
    made = {end: place / f"b.{end}" for end in ("tar.gz", "tar.lz4", "tar.zst")}
    for file in made.values():
        pgcask("backup", server.binary_uri(), "--to", file).check()
    made["logical"] = place / "logical.tar.gz"
    pgcask("backup", server.uri(), "--to", made["logical"]).check()
    server.sql("CREATE DATABASE small")
    server.sql("CREATE TABLE t AS SELECT i, md5(i::text) AS x FROM generate_series(1, 3000) AS i",
               db="small")
    for end in ("tar.gz", "tar.lz4", "tar.zst"):
        made[end,] = place / f"small.{end}"
        pgcask("backup", server.uri("small"), "--to", made[end,]).check()
    return made


@pytest.mark.parametrize("end", COMPRESSED)
def test_the_name_says_how_a_tar_is_compressed(pgcask, server, workdir, end):
    file = workdir / f"small.{end}"
    pgcask("backup", server.uri("template1"), "--to", file).check()
    assert file.is_file() and file.read_bytes().startswith(COMPRESSED[end])
    assert sorted(path.name for path in workdir.iterdir()) == [file.name]
    file.rename(workdir / "no name")  # what is in it counts
    pgcask("verify", workdir / "no name").check()


@pytest.mark.parametrize("end", ["tar.gz", "tar.lz4", "tar.zst", "logical"])
def test_a_compressed_tar_is_read_from_a_file_and_a_pipe(pgcask, tars, end):
    size = tars[end].stat().st_size
    for command in ("verify", "list"):
        read = [json.loads(pgcask(command, tars[end], "--json").check().stdout)]
        with tars[end].open("rb") as file:
            read.append(json.loads(pgcask(command, "-", "--json", stdin=file).check().stdout))
        piped = subprocess.Popen(["cat", tars[end]], stdout=subprocess.PIPE)
        read.append(json.loads(pgcask(command, "-", "--json", stdin=piped.stdout).check().stdout))
        piped.wait()
        for found in read:
            assert found.get("complete", True) and found["bytes"] == read[0]["bytes"] > 2 * size


def test_a_compressed_tar_takes_less_memory_than_it_holds(pgcask, server, tars, workdir):
    for end in ("tar.gz", "tar.lz4", "tar.zst"):
        made = pgcask("backup", server.binary_uri(), "--to", workdir / f"m.{end}").check()
        assert made.peak_rss < 48 << 20, (end, made.peak_rss)
        assert pgcask("verify", tars[end]).check().peak_rss < 48 << 20, end


def test_what_is_restored_from_a_compressed_tar(pgcask, server, tars, workdir):
    pgcask("restore", tars["tar.zst"], "--to", workdir / "data").check()
    with tars["tar.gz"].open("rb") as file:
        pgcask("restore", "-", "--to", workdir / "again", stdin=file).check()
    assert (workdir / "data/PG_VERSION").read_text() == "15\n"
    assert len(oracles.tree(workdir / "again")) == len(oracles.tree(workdir / "data"))


def test_what_another_program_compressed(pgcask, tars, workdir):
    plain = workdir / "plain.tar"
    plain.write_bytes(gzip.decompress(tars["tar.gz"].read_bytes()))
    with tarfile.open(plain) as tar:
        assert "summary.json" in tar.getnames()
    (workdir / "one").write_bytes(gzip.compress(plain.read_bytes(), 1))
    pgcask("verify", workdir / "one").check()
    (workdir / "bz2").write_bytes(bz2.compress(plain.read_bytes()[:100000]))
    assert pgcask("verify", workdir / "bz2").rc == 1


@pytest.mark.parametrize("tool", ["gzip", "lz4", "zstd"])
def test_joined_streams_are_read_as_one(pgcask, tars, workdir, tool):
    """As of `cat a.gz b.gz`, pigz or pzstd, whose frames are preceded by one to be skipped."""

    def packed(plain):
        cuts = [0, 700, len(plain) // 3, len(plain) // 2 + 1, len(plain)]
        parts = [subprocess.run([tool, "-1", "-c"], input=plain[start:end], capture_output=True,
                                check=True).stdout for start, end in zip(cuts, cuts[1:])]
        if tool != "zstd":
            return parts
        return [b"\x50\x2a\x4d\x18\4\0\0\0" + len(part).to_bytes(4, "little") + part
                for part in parts]

    joined = workdir / "joined"
    joined.write_bytes(b"".join(packed(gzip.decompress(tars["tar.gz"].read_bytes()))))
    pgcask("restore", joined, "--to", workdir / "data").check()
    parts = packed(gzip.decompress(tars["tar.gz",].read_bytes()))
    joined.write_bytes(b"".join(parts))
    pgcask("verify", joined).check()
    assert json.loads(pgcask("list", joined, "--json").stdout)["complete"] is True
    with joined.open("rb") as pipe:
        pgcask("verify", "-", stdin=pipe).check()
    damaged = {f"{count} parts": parts[:count] for count in range(1, len(parts))}
    damaged |= {f"{count} parts and half of one": [*parts[:count], part[: len(part) // 2]]
                for count, part in enumerate(parts)}
    damaged |= {"garbage": [*parts, b"garbage"], "a zero": [*parts, b"\0"],
                "garbage between": [*parts[:2], b"garbage", *parts[2:]],
                "one part missing": [*parts[:1], *parts[2:]]}
    for how, pieces in damaged.items():
        joined.write_bytes(b"".join(pieces))
        assert pgcask("verify", joined).rc == 1, how


@pytest.mark.parametrize("end", ["tar.gz", "tar.lz4", "tar.zst"])
def test_a_truncated_or_damaged_one_never_verifies(pgcask, tars, workdir, end):
    content = tars[end,].read_bytes()
    cut = workdir / "cut"
    assert len(content) > 60000
    for length in (0, 1, 3, 4, 10, 18, 1000, len(content) // 3, len(content) - 30000,
                   len(content) - 600, *(len(content) - n for n in range(1, 14))):
        cut.write_bytes(content[:length])
        for name in (cut, "-"):
            with cut.open("rb") as file:
                result = pgcask("verify", name, "--quiet", stdin=file)
            assert result.rc == 1 and "pgcask: error: " in result.stderr, (length, result)
    for more in (b"x", b"\0" * 7, content[:100]):
        cut.write_bytes(content + more)
        assert pgcask("verify", cut, "--quiet").rc == 1, more
    for at in (200, len(content) // 2, len(content) - 3):
        damaged = bytearray(content)
        damaged[at] ^= 0x55
        cut.write_bytes(damaged)
        assert pgcask("verify", cut, "--quiet").rc == 1, at
    for lost in (1, 5000):
        cut.write_bytes(tars[end].read_bytes()[:-lost])
        assert pgcask("verify", cut, "--quiet").rc == 1, lost


@pytest.mark.parametrize("name, typed", [
    ("x.TAR", "--to x.tar "), ("x.Tar.Gz", "--to x.tar "), ("x.tar.bz2", "--to x.tar "),
    ("x.tar.xz", "--to x.tar "), ("x.zip", "--to x.tar "), ("x.ZIP", "--to x.tar "),
    ("x.dump", "--to x.tar "), ("x.sql", "--to x.tar "), ("x.sql.gz", "--to x.sql.tar "),
    ("x.gz", "--to x.tar "), ("x.zst", "--to x.tar "), ("x.lz4", "--to x.tar "),
    ("x.TGZ", "--to x.tar "), ("x.7z", "--to x.tar "), ("x.tbz2", "--to x.tar "),
    ("my shop's.dump", r"--to 'my shop'\''s.tar' "), ("a.b/x.rar", "--to a.b/x.tar "),
])
def test_a_name_of_another_format_says_what_to_type(pgcask, workdir, name, typed):
    for uri in (DEAD, DEAD.replace("+bin", "")):
        result = pgcask("backup", uri, "--to", name, cwd=workdir)
        assert result.rc == 2 and name in result.stderr and typed in result.stderr, result
    assert not list(workdir.iterdir())


def test_what_the_hint_says_works(pgcask, server, workdir):
    (workdir / "there.dump").mkdir()
    for target in (f"{workdir}/x.dump/", workdir / "there.dump"):
        pgcask("backup", server.uri("template1"), "--to", target).check()
        assert (pathlib.Path(target) / "summary.json").is_file()
    assert {path.name for path in workdir.iterdir()} == {"x.dump", "there.dump"}


@pytest.mark.parametrize("name", ["monday", "2026-11-30", "db.example.org", "v1.2", ".tar", "x.d"])
def test_other_names_are_folders(pgcask, server, workdir, name):
    pgcask("backup", server.uri("template1"), "--to", workdir / name).check()
    assert (workdir / name / "summary.json").is_file()


# --json-file


def test_the_result_goes_into_a_file(pgcask, server, workdir):
    result, tar = workdir / "result.json", workdir / "b.tar"
    with tar.open("wb") as out:
        said = pgcask("backup", server.uri("template1"), "--to", "-", "--json-file", result,
                      stdout=out).check()
    assert "backed up" in said.stderr
    found = json.loads(result.read_text())
    assert found["status"] == "complete" and found["target"] == "-"
    pgcask("verify", tar).check()
    both = pgcask("verify", tar, "--json", f"--json-file={result}").check()
    assert both.stdout == result.read_text()
    only = pgcask("verify", tar, "--json-file", result).check()
    assert "complete" in only.stdout and json.loads(result.read_text())["command"] == "verify"


def test_a_failure_goes_there_too(pgcask, workdir):
    result = workdir / "result.json"
    for words, status in ((["verify", "absent"], 1), (["verify"], 2), (["backup", DEAD], 2)):
        assert pgcask(*words, "--json-file", result, cwd=workdir).rc == status
        assert json.loads(result.read_text())["exit_status"] == status
    refused = pgcask("backup", DEAD, "--to", "-", "--json", stdout=subprocess.DEVNULL)
    assert refused.rc == 2 and "--json-file" in refused.stderr
    for place in ("no/folder", "."):
        failed = pgcask("backup", DEAD, "--to", "x", "--json-file", place, cwd=workdir)
        assert failed.rc == 1 and "cannot write the result" in failed.stderr, failed
        assert "connect" not in failed.stderr, failed


# What follows the end of a tar


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("piped", [False, True])
def test_only_zeros_follow_the_end_of_a_tar(pgcask, tars, workdir, packed, piped):
    tar = gzip.decompress(tars["tar.gz",].read_bytes())

    def verify(content):
        file = workdir / "b.tar"
        file.write_bytes(gzip.compress(content, 1) if packed else content)
        if not piped:
            return pgcask("verify", file)
        with file.open("rb") as stream:
            return pgcask("verify", "-", stdin=stream)

    for padding in (b"", bytes(512), bytes(700000)):
        verify(tar + padding).check()
    for more in (b"x", bytes(511) + b"x", bytes(700000) + b"x", tar):
        result = verify(tar + more)
        assert result.rc == 1 and "follows the end of the tar" in result.stderr, result


# Places' names and values that are refused before anything is asked


@pytest.mark.parametrize("words, said", [
    (["--to", "x.backup"], "promises"), (["--to", "x.bak"], "promises"),
    (["--to", "x.gpg"], "promises"), (["--to", "x.TLZ4"], "promises"),
    (["--to", "x", "--to", "y"], "--to is given twice"), (["--to="], '--to: "" is no value'),
    (["--to", "x", "--transfer-compression", "gzip:99"], "levels 1 to 9"),
    (["--to", "x", "--transfer-compression", "zstd:99"], "22, not 99"),
    (["--to", "x", "--password-command="], '--password-command: ""'),
    (["--to", "x", "--json-file="], '--json-file: ""'),
])
@pytest.mark.parametrize("command", ["backup", "check"])
def test_what_cannot_be_meant_is_wrong_usage(pgcask, command, words, said):
    result = pgcask(command, DEAD, *words)
    assert result.rc == 2 and said in result.stderr and DEAD not in result.stderr, result


def test_check_takes_what_backup_takes(pgcask, server, workdir):
    given = ["--to", workdir / "b", "--label", "x", "--checkpoint", "spread", "--max-rate", "1M",
             "--max-retained-wal", "1GiB", "--transfer-compression", "gzip:9", "--digest", "sha256",
             "--no-verify-checksums", "--stall-timeout", "1h", "--json-file", workdir / "result"]
    pgcask("check", server.binary_uri(), *given).check()
    assert json.loads((workdir / "result").read_text())["status"] == "complete"
    result = pgcask("check", server.binary_uri(), "--to", workdir / "b", "--label", "a\nb")
    assert result.rc == 2 and "--label" in result.stderr
    result = pgcask("check", server.uri("small"), "--max-rate", "1M")
    assert result.rc == 2 and "--max-rate" in result.stderr


def test_a_file_of_a_backup_is_a_part_of_it(pgcask, server, workdir):
    pgcask("backup", server.uri("template1"), "--to", workdir / "b").check()
    for name in ("summary.json", "manifest.json"):
        for command in (["verify"], ["list"], ["restore", "--to", workdir / "new"]):
            result = pgcask(*command, workdir / "b" / name)
            assert result.rc == 1 and f"is a part of the backup {workdir / 'b'}" in result.stderr
    for name in ("/dev/null", workdir / "empty"):
        (workdir / "empty").touch()
        result = pgcask("verify", name)
        assert result.rc == 1 and "it is empty" in result.stderr, result
