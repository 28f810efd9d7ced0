"""The live line of a terminal: what it says while a job is under way, however narrow it is."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time

import pytest

from pgcask_testing import process, slow_link, temp

SLOW_FSYNC = """
#include <unistd.h>
int fsync(int fd) { (void)fd; usleep(5000); return 0; }
"""

# What is known of the end stands before anything that a narrow terminal may cut off.
LINE = re.compile(r"(?P<phase>[a-z][a-z, ]*)(: ((?P<percent>\d+)%, )?((?P<left>(\d+[dhms])+) left, )?"
                  r"(?P<rest>\d.*))?")


@pytest.fixture(scope="module")
def server(module_servers):
    server = module_servers.create(15)
    server.sql("CREATE TABLE t AS SELECT id, repeat(md5(id::text), 20) AS text "
               "FROM generate_series(1, 24000) AS id")
    server.sql("VACUUM ANALYZE t")
    return server


@pytest.fixture(scope="module")
def slow_fsync():
    folder = temp.new_dir("slow-fsync")
    (folder / "slow.c").write_text(SLOW_FSYNC)
    subprocess.run(["cc", "-w", "-shared", "-fPIC", "-o", folder / "slow.so", folder / "slow.c"],
                   check=True)
    return folder / "slow.so"


def lines_on_terminal(command, width, preload=None, timeout=60, stdin=None):
    """Every state of the live line, as the terminal showed it."""
    main, terminal = pty.openpty()
    fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    env = {"TERM": "xterm"}
    if preload is not None:
        env |= {"LD_PRELOAD": str(preload), "ASAN_OPTIONS": "verify_asan_link_order=0"}
    running = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL if stdin is None else open(stdin, "rb"),
                               stdout=subprocess.DEVNULL, stderr=terminal,
                               env=process.clean_env(env), start_new_session=True)
    os.close(terminal)
    shown, end = bytearray(), time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            chunk = os.read(main, 65536)
        except OSError:
            break
        shown += chunk
    os.close(main)
    assert running.wait(timeout) == 0, shown
    text = shown.decode().replace("\x1b[K", "\r").replace("\n", "\r")
    return [line for line in text.split("\r") if line and not line.startswith("pgcask: ")]


def check(lines, width):
    """Each fits; of each what is known of the end is there; returns what was said of copying."""
    said = []
    for line in lines:
        found = LINE.fullmatch(line)
        assert len(line) < width and found, line
        assert found["percent"] != "100", line
        assert found["left"] not in ("0s", "1s"), line
        if found["rest"]:
            said.append(found)
    return said


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_backup_says_how_far_it_is_at_any_width(pgcask_path, server, workdir, width):
    lines = lines_on_terminal([pgcask_path, "backup", server.binary_uri(), "--to", workdir / "b",
                               "--max-rate=12M"], width)
    said = [found for found in check(lines, width) if found["phase"] == "copying"]
    percents = [int(found["percent"]) for found in said if found["percent"]]
    assert percents == sorted(percents) and percents[0] < 50 < percents[-1], lines
    assert any(found["left"] for found in said), lines
    if width == 200:
        assert any(re.search(r" of \d.*, \d.*/s$", found["rest"]) for found in said), lines


@pytest.mark.parametrize("compress", ["none", "gzip"])
def test_a_logical_backup_counts_the_rows_whatever_they_become(pgcask_path, server, workdir,
                                                               compress):
    def slowly(data):
        time.sleep(len(data) / 6e6)
        return data

    with slow_link.SlowLink(server.port, change=slowly) as link:
        uri = server.uri().replace(f":{server.port}/", f":{link.port}/")
        lines = lines_on_terminal([pgcask_path, "backup", uri, "--to", workdir / "b",
                                   f"--compress={compress}"], 80)
    said = [found for found in check(lines, 80) if found["phase"] == "copying"]
    percents = [int(found["percent"]) for found in said if found["percent"]]
    assert percents == sorted(percents), lines
    assert percents[0] < 40 and percents[-1] > 60, lines
    assert any(found["left"] for found in said), lines
    assert all(("written" in found["rest"]) == (compress != "none") for found in said), lines


@pytest.fixture(scope="module")
def sources(pgcask_path, server):
    """What of the server can be restored: by its name."""
    folder = temp.new_dir("progress")
    process.run([pgcask_path, "backup", server.uri(), "--to", folder / "backup"]).check()
    (archive,) = (folder / "backup").glob("*.dump")
    process.run([pgcask_path, "restore", archive, "--to", folder / "script.sql"]).check()
    return {"archive": archive, "backup": folder / "backup", "script": folder / "script.sql",
            "pipe": "-"}


@pytest.mark.parametrize("kind", ["archive", "backup", "script", "pipe"])
def test_a_restore_says_how_far_it_is(pgcask_path, server, sources, kind):
    def slowly(data):
        time.sleep(len(data) / 2.5e6)
        return data

    server.sql("DROP DATABASE IF EXISTS copy")
    server.sql("CREATE DATABASE copy")
    with slow_link.SlowLink(server.port, sent=slowly) as link:
        uri = server.uri("copy").replace(f":{server.port}/", f":{link.port}/")
        lines = lines_on_terminal(
            [pgcask_path, "restore", sources[kind], "--to", uri, "--no-globals"], 120,
            stdin=sources["archive"] if kind == "pipe" else None)
    said = [found for found in check(lines, 120) if found["phase"] == "restoring"]
    percents = [int(found["percent"]) for found in said if found["percent"]]
    assert percents == sorted(percents), lines
    if kind == "pipe":
        assert not percents and said, lines
    else:
        assert percents[0] < 70 < percents[-1] and any(found["left"] for found in said), lines
        assert any(re.search(r" of \d.*, \d.*/s", found["rest"]) for found in said), lines
    if kind != "script":
        counts = [re.search(r"(\d+) of (\d+) objects$", found["rest"]) for found in said]
        done = [int(count[1]) for count in counts if count]
        assert done == sorted(done) and 0 < done[-1] <= int(counts[-1][2]), lines


@pytest.mark.parametrize("width", [40, 200])
def test_files_are_counted_while_they_go_to_disk(pgcask_path, server, workdir, slow_fsync, width):
    lines = lines_on_terminal([pgcask_path, "backup", server.binary_uri(), "--to", workdir / "b"],
                              width, preload=slow_fsync)
    said = [found for found in check(lines, width) if found["phase"] == "writing to disk"]
    percents = [int(found["percent"]) for found in said if found["percent"]]
    assert percents == sorted(percents) and percents[0] < 40 and percents[-1] > 60, lines
    assert any(found["left"] for found in said), lines
    counts = [re.match(r"(\d+) of (\d+) files", found["rest"]) for found in said
              if found["percent"]]
    if width == 200:
        assert all(counts) and 900 < int(counts[-1][2]) < 2000, lines
