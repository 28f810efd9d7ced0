"""The command as people and scripts meet it: statuses, outputs, secrets, list and ping."""

import contextlib
import json
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import time

import pytest

from pgcask_testing import builders, oracles, process, temp

PASSWORD = "Xq7 s@cret%/:é"
COMMANDS = ("backup", "verify", "restore", "list", "ping", "check", "relocate")


@pytest.fixture(scope="module")
def small(module_servers):
    """A small running cluster of the major, that tests only read from."""
    return builders.small_ones(module_servers)


@pytest.fixture(scope="module")
def finished(small, pgcask):
    """A finished backup of the small cluster: {"dir": …, "tar": …}."""
    made = {}

    def make(major):
        if major not in made:
            place = temp.new_dir("finished")
            made[major] = {"dir": place / "backup", "tar": place / "backup.tar"}
            for target in made[major].values():
                pgcask("backup", small(major).binary_uri(), "--to", target).check()
        return made[major]

    return make


def only_object(result):
    """The one JSON object that standard output is."""
    assert result.stdout.endswith("\n"), result
    found = json.loads(result.stdout)
    assert isinstance(found, dict) and found["exit_status"] == result.rc, result
    assert found["status"] == {
        0: "complete", 1: "failed", 2: "failed", 3: "finished_with_problems"}[result.rc]
    if result.rc in (1, 2):
        assert found["error"]["code"] and found["error"]["message"], result
    return found


# Words


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_lists_the_commands(pgcask, words):
    result = pgcask(*words).check()
    assert all(command in result.stdout for command in COMMANDS) and not result.stderr


@pytest.mark.parametrize("command", [*COMMANDS, "help", "version"])
def test_help_of_a_command(pgcask, command):
    result = pgcask("help", command).check()
    assert f"pgcask {command}" in result.stdout and not result.stderr
    assert all(len(line) <= 100 for line in result.stdout.splitlines()), result
    if command != "help":
        assert pgcask(command, "--help").check().stdout == result.stdout


def test_the_version(pgcask):
    for words in (["version"], ["--version"]):
        result = pgcask(*words).check()
        assert re.fullmatch(r"pgcask \d+\.\d+\.\d+\n", result.stdout) and not result.stderr


@pytest.mark.parametrize("words, said", [
    ([], "pgcask help"),
    (["backpu"], 'Did you mean "backup"?'),
    (["help", "restroe"], 'Did you mean "restore"?'),
    (["backup"], "SOURCE-URI"),
    (["backup", "postgres+bin://"], "--to"),
    (["backup", "postgres+bin://", "--too", "x"], "Did you mean --to?"),
    (["backup", "postgres+bin://", "--to", "x", "--max_rate=1M"], "Did you mean --max-rate?"),
    (["backup", "postgres+bin://", "--to"], "--to needs a value"),
    (["backup", "postgres+bin://", "--to="], "empty"),
    (["backup", "postgres+bin://", "--to", "x", "--digest=md5"], "xxh3 or sha256"),
    (["backup", "postgres+bin://", "--to", "x", "--checkpoint=fsat"], "Did you mean fast?"),
    (["backup", "postgres+bin://", "--to", "x", "--max-rate=1"], "32k"),
    (["backup", "postgres+bin://", "--to", "x", "--stall-timeout=1ms"], "--stall-timeout"),
    (["backup", "postgres+bin://", "--to", "x", "--label=a\nb"], "control character"),
    (["backup", "postgres+bin://", "--to", "x", "--label=password='a\nb'"], "control character"),
    (["backup", "postgres+bin://", "--to", "x", "--quiet", "--verbose"], "contradict"),
    (["backup", "postgres+bin://", "--to", "x", "--quiet=yes"], "takes no value"),
    (["backup", "postgres+bin://", "--to", "postgres://x"], "not to a URI"),
    (["backup", "postgres+bin://", "more", "--to", "x"], "unexpected argument"),
    (["backup", "postgres+bni://h", "--to", "x"], "postgres+bin"),
    (["backup", "/a/folder", "--to", "x"], "postgres+bin"),
    (["backup", "postgres+bin://u@h/?sslmod=require", "--to", "x"], "sslmode"),
    (["backup", "postgres+bin://u@h:port/", "--to", "x"], "port"),
    (["backup", "postgres+bin://u@h/?sslmode=maybe", "--to", "x"], "maybe"),
    (["verify"], "SOURCE"),
    (["verify", "postgres://x"], "not a URI"),
    (["verify", "x", "-q"], "two dashes"),
    (["restore", "x"], "--to"),
    (["restore", "x", "--to", ""], "--to"),
    (["restore", "x", "--to", "y", "--tablespace_mapping=a=/b"], "--tablespace-mapping"),
    (["list", "x", "--to", "y"], "has no option --to"),
    (["ping"], "URI"),
    (["relocate"], "DATA-DIRECTORY"),
    (["relocate", "postgres://x"], "not on a URI"),
])
def test_wrong_usage_is_status_2_and_names_what_is_right(pgcask, workdir, words, said):
    result = pgcask(*words, cwd=workdir)
    assert result.rc == 2, result
    assert said in result.stderr and result.stderr.startswith("pgcask: error: "), result
    assert not result.stdout and not list(workdir.iterdir()), result


# --json


@pytest.mark.parametrize("words, status", [
    (["backup", "postgres+bin://u@127.0.0.1:1/", "--to", "x"], 1),
    (["backup", "postgres+bin://u@127.0.0.1:1/"], 2),
    (["backup", "postgres+bin://u@127.0.0.1:1/", "--to", "x", "--nonsense"], 2),
    (["backup", "postgres://u@127.0.0.1:1/", "--to", "x"], 1),
    (["backpu", "postgres+bin://u@127.0.0.1:1/", "--to", "x"], 2),
    (["verify", "absent"], 1),
    (["verify"], 2),
    (["restore", "absent", "--to", "y"], 1),
    (["restore", "absent"], 2),
    (["list", "absent"], 1),
    (["list", "absent", "more"], 2),
    (["ping", "postgres+bin://u@127.0.0.1:1/"], 1),
    (["ping", "postgers://u@127.0.0.1:1/"], 2),
    (["relocate", "absent"], 1),
    (["relocate"], 2),
])
@pytest.mark.parametrize("more", [[], ["--quiet"]])
def test_json_is_one_object_on_every_failure(pgcask, workdir, words, status, more):
    result = pgcask(*words, *more, "--json", cwd=workdir)
    assert result.rc == status, result
    found = only_object(result)
    assert found["command"] == words[0]
    assert found["error"]["message"] in result.stderr


@pytest.mark.majors(13, 18)
def test_json_is_one_object_on_success(pgcask, small, finished, workdir, major):
    uri, made = small(major).binary_uri(), finished(major)
    data = workdir / "data"
    for words in (["backup", uri, "--to", workdir / "backup.tar"], ["verify", made["dir"]],
                  ["restore", made["tar"], "--to", data], ["list", made["tar"]],
                  ["list", made["dir"], "--verbose"], ["ping", uri], ["relocate", data]):
        for more in ([], ["--quiet"]):
            if more and "--verbose" in words:
                continue  # they contradict each other
            result = pgcask(*words, *more, "--json")
            if words[0] in ("backup", "restore") and more:
                assert only_object(result)["error"]["code"] == "refused"  # it is there by now
                continue
            found = only_object(result.check())
            assert found["command"] == words[0] and "error" not in found
    assert found["links_changed"] == 0
    identifier = small(major).system_identifier
    assert only_object(pgcask("verify", made["tar"], "--json"))["system_identifier"] == identifier


# Quiet, and nothing on standard output without a reason


@pytest.mark.majors(15)
def test_quiet_is_silent(pgcask, small, finished, workdir, major):
    uri = small(major).binary_uri()
    user = process.server_user()  # root is told to whom the files should belong
    if user:
        process.give_to_server(workdir)
    for words in (["backup", uri, "--to", workdir / "backup"],
                  ["backup", uri, "--to", workdir / "backup.tar"], ["verify", workdir / "backup"],
                  ["restore", workdir / "backup", "--to", workdir / "data"],
                  ["list", workdir / "backup"], ["ping", uri], ["relocate", workdir / "data"]):
        result = pgcask(*words, "--quiet", user=user).check()
        assert not result.stdout, result
        # A warning is not silenced; that the cluster has tablespaces is one.
        lines = result.stderr.splitlines()
        assert all(line.startswith("pgcask: warning: the cluster has tablesp") for line in lines)


@pytest.mark.majors(15)
def test_a_summary_goes_to_standard_output_and_progress_to_standard_error(
    pgcask, small, workdir, major
):
    result = pgcask("backup", small(major).binary_uri(), "--to", workdir / "backup").check()
    assert result.stdout.startswith("backed up ") and str(workdir / "backup") in result.stdout
    assert "\r" not in result.stderr and "\x1b" not in result.stderr


@pytest.mark.majors(15)
def test_errors_leave_standard_output_empty(pgcask, small, workdir, major):
    for words in (["verify", workdir], ["restore", workdir, "--to", workdir / "d"],
                  ["list", workdir], ["relocate", workdir],
                  ["backup", small(major).binary_uri(), "--to", workdir / "no/such/place"]):
        result = pgcask(*words)
        assert result.rc == 1 and not result.stdout and "pgcask: error: " in result.stderr, result


@pytest.mark.majors(15)
def test_a_tar_is_all_that_goes_to_standard_output(pgcask, small, workdir, major):
    result = pgcask("backup", small(major).binary_uri(), "--to", "-", "--verbose").check()
    (workdir / "backup.tar").write_bytes(result.stdout_bytes)
    subprocess.run(["tar", "-tf", workdir / "backup.tar"], check=True, capture_output=True)
    assert "backed up" in result.stderr
    refused = pgcask("backup", small(major).binary_uri(), "--to", "-", "--json")
    assert refused.rc == 2 and not refused.stdout and "--json" in refused.stderr


@pytest.mark.majors(15)
def test_what_cannot_be_written_to_standard_output_is_a_failure(pgcask, finished, major):
    with open("/dev/full", "wb") as full:
        for words in (["list", finished(major)["dir"]], ["list", finished(major)["dir"], "--json"],
                      ["verify", finished(major)["tar"], "--json"], ["help"], ["--version"]):
            result = pgcask(*words, stdout=full)
            assert result.rc == 1 and "standard output" in result.stderr, result


def test_a_failure_whose_result_cannot_be_written_says_both(pgcask, workdir):
    """The error stays the first that is told; then that nobody will find it in the JSON."""
    with open("/dev/full", "wb") as full:
        result = pgcask("verify", workdir / "absent", "--json", stdout=full)
    lines = result.stderr.splitlines()
    assert result.rc == 1 and lines[0].startswith("pgcask: error: ") and "absent" in lines[0]
    assert lines[-1] == ("pgcask: warning: cannot write the result to standard output: "
                         "No space left on device")


# On a terminal


def on_terminal(command, stdin=False, stdout=False, stderr=False, timeout=60):
    """Runs it with these descriptors on a terminal: (exit status, terminal's text, rest's)."""
    main, terminal = pty.openpty()
    pipe = lambda wanted: terminal if wanted else subprocess.PIPE
    running = subprocess.Popen(
        [str(word) for word in command], stdin=terminal if stdin else subprocess.DEVNULL,
        stdout=pipe(stdout), stderr=pipe(stderr), env=process.clean_env({"TERM": "xterm"}),
        start_new_session=True)
    os.close(terminal)
    shown = bytearray()
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            chunk = os.read(main, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    rest = b"".join(p.read() for p in (running.stdout, running.stderr) if p is not None)
    os.close(main)
    return running.wait(timeout), shown.decode(), rest.decode("utf-8", "replace")


@pytest.mark.majors(15)
def test_a_tar_is_not_written_to_a_terminal(pgcask_path, small, major):
    status, shown, rest = on_terminal(
        [pgcask_path, "backup", small(major).binary_uri(), "--to", "-"], stdout=True)
    assert (status, shown) == (2, "") and "terminal" in rest and "hint:" in rest
    oracles.wait_for_nothing_left(small(major))


def test_a_backup_is_not_read_from_a_terminal(pgcask_path, workdir):
    for words in (["verify", "-"], ["list", "-"], ["restore", "-", "--to", workdir / "data"]):
        status, _, rest = on_terminal([pgcask_path, *words], stdin=True)
        assert status == 2 and "terminal" in rest, rest
    assert not list(workdir.iterdir())


@pytest.mark.majors(15)
def test_progress_is_a_live_line_that_goes_away(pgcask_path, small, workdir, major):
    status, shown, _ = on_terminal(
        [pgcask_path, "backup", small(major).binary_uri(), "--to", workdir / "backup",
         "--max-rate=30M"], stderr=True)
    assert status == 0
    assert "copying" in shown and "%" in shown
    assert shown.rsplit("\r", 1)[-1].strip("\x1b[K\r\n ").startswith(("", "pgcask: warning"))
    quiet = on_terminal([pgcask_path, "verify", workdir / "backup", "--quiet"], stderr=True)
    assert quiet[:2] == (0, "")


# Secrets


@pytest.fixture(scope="module")
def locked(module_servers):
    """A cluster where everybody needs a password over TCP."""
    server = module_servers.create(15, auth="scram-sha-256")
    server.sql(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'; CREATE TABLE t AS SELECT 1 AS id;"
               f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
    return server


def test_a_password_in_the_uri_is_seen_nowhere(pgcask_path, locked, workdir):
    encoded = locked.binary_uri(password=PASSWORD).split(":")[2].split("@127")[0]
    seen = []
    with process.Process([pgcask_path, "backup", locked.binary_uri(password=PASSWORD), "--to",
                          workdir / "backup", "--max-rate=20M", "--verbose"]) as running:
        while running.running():
            with contextlib.suppress(OSError):
                seen.append(pathlib.Path(f"/proc/{running.pid}/cmdline").read_bytes())
            time.sleep(0.02)
        result = running.wait().check()
    # The very first looks may come before the program runs; once hidden, it stays so.
    hidden = [b"****" in text for text in seen if b"--to" in text]
    assert any(hidden) and hidden == sorted(hidden) and hidden.count(False) <= 3
    assert not any(encoded.encode() in text for text in seen if b"****" in text)

    needles = [PASSWORD.encode(), encoded.encode()]
    for output in (result.stdout_bytes, result.stderr_bytes):
        assert not any(needle in output for needle in needles)
    files = [p for p in (workdir / "backup").rglob("*") if p.is_file()]
    assert len(files) > 900
    assert not [p for p in files if any(n in p.read_bytes() for n in needles)]


def test_a_password_is_not_in_the_program_title_once_it_connects(pgcask_path):
    """Deterministic: a server that accepts and says nothing holds the program in its connect."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for source in (f"postgres+bin://u:hunter2@127.0.0.1:{port}/?sslmode=disable",
                       f"postgres+bin://u@127.0.0.1:{port}/?sslmode=disable&password=hunter2",
                       f"postgresql://u:hun%74er2@127.0.0.1:{port}/?sslpassword=hunter2",
                       f"host=127.0.0.1 port={port} user=u password='hunter2' sslmode=disable"):
            with process.Process([pgcask_path, "ping", source]) as running:
                connection, _ = listener.accept()
                cmdline = pathlib.Path(f"/proc/{running.pid}/cmdline").read_bytes()
                running.terminate()
                result = running.wait(10)
                connection.close()
            assert b"hunter2" not in cmdline and b"hun%74er2" not in cmdline and b"***" in cmdline
            assert result.rc == 1 and "hun" not in result.stderr + result.stdout, result


@pytest.mark.parametrize("words", [
    ["ping", "{uri}"], ["ping", "{uri}", "--json"], ["ping", "{uri}", "--verbose"],
    ["backup", "{uri}", "--to", "x"], ["backup", "{uri}", "--to", "x", "--json"],
    ["backup", "{uri}", "{uri}", "--to", "x"], ["verify", "{uri}"], ["list", "{uri}", "--json"],
    ["restore", "{uri}", "--to", "x", "--json"], ["restore", "x", "--to", "{uri}", "--json"],
    ["backup", "x", "--to", "{uri}"], ["backup", "x", "--label={uri}"], ["{uri}"],
    ["relocate", "{uri}"], ["ping", "x{uri}"], ["ping", "{uri}&sslmod=x"],
    ["ping", "{uri}&sslmode=hunter"],
])
def test_no_error_tells_a_password(pgcask, locked, workdir, words):
    uri = locked.binary_uri(user="reader", password="topsecret") + "?application_name=pgcask"
    result = pgcask(*[word.format(uri=uri) for word in words], cwd=workdir)
    assert result.rc in (1, 2), result
    assert "topsecret" not in result.stdout + result.stderr, result
    if "--json" in words:
        only_object(result)


# Ways to a password


def test_a_password_comes_from_where_postgresql_users_have_it(pgcask, locked, workdir):
    uri = locked.binary_uri()
    home = workdir / "home"
    home.mkdir()
    colons = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (home / ".pgpass").write_text(f"# of the tests\n*:{locked.port}:replication:nobody:wrong\n"
                                  f"127.0.0.1:{locked.port}:*:postgres:{colons}\n")
    (home / ".pgpass").chmod(0o600)
    elsewhere = workdir / "elsewhere"
    elsewhere.write_bytes((home / ".pgpass").read_bytes())
    elsewhere.chmod(0o600)
    for number, env in enumerate([{"PGPASSWORD": PASSWORD}, {"HOME": home},
                                  {"PGPASSFILE": elsewhere}]):
        pgcask("ping", uri, env=env).check()
        pgcask("backup", uri, "--to", workdir / f"{number}.tar", env=env).check()
    pgcask("ping", f"{uri}?passfile={elsewhere}").check()

    (home / ".pgpass").chmod(0o644)
    result = pgcask("ping", uri, env={"HOME": home})
    assert result.rc == 1 and ".pgpass" in result.stderr and "0600" in result.stderr, result


def test_all_of_the_place_may_come_from_the_environment(pgcask, locked):
    env = {"PGHOST": "127.0.0.1", "PGPORT": locked.port, "PGUSER": "postgres",
           "PGPASSWORD": PASSWORD}
    found = only_object(pgcask("ping", "postgres+bin://", "--json", env=env).check())
    assert found["system_identifier"] == locked.system_identifier
    assert found["peer"] and found["user"] == "postgres"


@pytest.mark.majors(13, 18)
def test_a_unix_socket_is_named_by_its_folder(pgcask, small, workdir, major):
    server = small(major)
    encoded = str(server.socket_dir).replace("/", "%2F")
    for uri in (server.binary_uri(socket=True),
                f"postgresql+bin://postgres@{encoded}:{server.port}/"):
        assert str(server.socket_dir) in pgcask("ping", uri).check().stdout
    pgcask("backup", server.binary_uri(socket=True), "--to", workdir / "backup").check()
    pgcask("verify", workdir / "backup").check()


@pytest.mark.majors(13, 15, 18)
def test_every_password_method(pgcask, servers, workdir, major):
    server = servers.create(major, auth={13: "md5", 15: "password", 18: "scram-sha-256"}[major])
    server.sql(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")
    env = {"PGPASSWORD": PASSWORD}
    pgcask("backup", server.binary_uri(), "--to", workdir / "backup.tar", env=env).check()


def test_a_wrong_password(pgcask, locked, workdir):
    for uri in (locked.binary_uri(password="wrong"), locked.binary_uri()):
        result = pgcask("backup", uri, "--to", workdir / "backup")
        assert result.rc == 1 and "password" in result.stderr and "hint: " in result.stderr, result
    result = pgcask("ping", locked.binary_uri(password="wrong"))
    assert result.rc == 1 and "password authentication failed" in result.stderr, result
    assert "ALTER ROLE" in result.stderr, result
    assert not list(workdir.iterdir())


# list and ping


@pytest.mark.majors(13, 18)
def test_list_says_the_same_of_a_directory_a_tar_and_a_pipe(pgcask, small, finished, major):
    made = finished(major)
    texts, objects = [], []
    for kind in ("dir", "tar", "pipe"):
        for more in ([], ["--json"]):
            source = made["tar" if kind == "pipe" else kind]
            with open(made["tar"], "rb") as pipe:
                words = ["list", "-" if kind == "pipe" else source, *more]
                result = pgcask(*words, stdin=pipe if kind == "pipe" else None).check()
            (objects if more else texts).append(
                only_object(result) if more else result.stdout)
    assert texts[1] == texts[2]
    assert {**objects[1], "source": "-"} == objects[2]
    server = small(major)
    for text in texts:
        lines = dict(re.findall(r"^(\w+) +(.*)$", text, re.M))
        assert lines["complete"] == "yes" and lines["kind"] == "physical"
        assert lines["cluster"] == server.system_identifier
        assert lines["server"].startswith(f"{major}.") or f" {major}." in lines["server"]
        assert lines["tablespaces"] == "1" and re.search(r"^ +one +/", text, re.M)
        assert re.search(r"^ +postgres +\d+ relations?,", text, re.M)
    for found in objects:
        assert found["complete"] is True and found["system_identifier"] == server.system_identifier
        assert {d["name"] for d in found["databases"]} >= set(server.databases())


@pytest.mark.majors(15)
def test_list_verbose_names_every_file(pgcask, finished, major):
    made = finished(major)
    for source in (made["tar"], made["dir"]):
        records = only_object(pgcask("list", source, "--json", "--verbose").check())["records"]
        text = pgcask("list", source, "--verbose").check().stdout
        named = {record["path"] for record in records}
        assert {"/manifest.json", "/data/PG_VERSION", "/summary.json"} <= named
        assert all(path in text for path in named)
    files = {f"/{p.relative_to(made['dir'])}" for p in made["dir"].rglob("*")}
    assert named <= files and files - named <= {"/data", "/tablespaces"}


@pytest.mark.majors(15)
def test_list_of_an_unfinished_backup_is_status_3(pgcask, finished, workdir, major):
    subprocess.run(["cp", "-a", finished(major)["dir"], workdir / "copy"], check=True)
    (workdir / "copy/summary.json").unlink()
    result = pgcask("list", workdir / "copy", "--json")
    assert result.rc == 3 and only_object(result)["complete"] is False
    assert "not complete" in result.stderr
    assert "complete     no" in pgcask("list", workdir / "copy").stdout


@pytest.mark.majors(13, 18)
def test_ping_says_what_answered(pgcask, small, major):
    server = small(major)
    result = pgcask("ping", server.binary_uri()).check()
    lines = {line[:19].rstrip(): line[20:] for line in result.stdout.splitlines()}
    assert lines["server"].startswith(f"PostgreSQL {major}.")
    assert lines["role"] == "primary" and lines["encryption"] == "none"
    assert lines["SQL session"] == lines["replication session"] == "yes"
    assert lines["system identifier"] == server.system_identifier
    pairs = f"host=127.0.0.1 port={server.port} user=postgres dbname=postgres"
    for uri in (server.binary_uri(), server.uri(), pairs):
        found = only_object(pgcask("ping", uri, "--json").check())
        assert found["server_version_num"] // 10000 == major
        assert found["system_identifier"] == server.system_identifier
        assert found["sql"]["possible"] is True
    oracles.wait_for_nothing_left(server)


@pytest.mark.majors(15)
def test_ping_over_tls_and_of_a_standby(pgcask, servers, authority, major):
    server = servers.create(major, start=False)
    authority.enable(server)
    server.start()
    standby = servers.standby(server)
    uri = server.binary_uri(sslmode="verify-full", sslrootcert=authority.root, host="localhost")
    uri = uri.replace("127.0.0.1", "localhost")
    assert only_object(pgcask("ping", uri, "--json").check())["tls"] is True
    found = only_object(pgcask("ping", standby.binary_uri(), "--json").check())
    assert found["in_recovery"] is True
    assert "standby" in pgcask("ping", standby.binary_uri()).stdout


@pytest.mark.majors(15)
def test_ping_ends_at_a_signal(pgcask_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        uri = f"postgres+bin://u@127.0.0.1:{listener.getsockname()[1]}/?connect_timeout=60"
        with process.Process([pgcask_path, "ping", uri, "--json"]) as running:
            connection, _ = listener.accept()
            sent = time.monotonic()
            running.send_signal(signal.SIGINT)
            result = running.wait(10)
            connection.close()
    assert time.monotonic() - sent < 2
    assert result.rc == 1 and only_object(result)["error"]["code"] == "cancelled", result


def test_a_connection_that_never_answers_ends_by_its_timeout(pgcask):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        uri = f"postgres+bin://u@127.0.0.1:{listener.getsockname()[1]}/?connect_timeout=2"
        result = pgcask("ping", uri)
    assert result.rc == 1 and 1 < result.wall_time < 10, result
