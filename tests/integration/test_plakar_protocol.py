"""What plakar does not do on demand, done to `pgcask plakar` by a scripted client."""

import os
import select
import signal
import time
import subprocess

import pytest

from pgcask_testing import builders, oracles
from pgcask_testing.plakar_client import IMPORTER, Client, field, init_request

pytestmark = pytest.mark.majors(15, 18)


@pytest.fixture
def client(pgcask_path):
    clients = []

    def start(**options):
        clients.append(Client(pgcask_path, **options))
        return clients[-1]

    yield start
    for each in clients:
        each.__exit__()


def in_mid_copy(client, server):
    """An Import in the middle of its base backup, with an Open that takes seconds."""
    file = "/data/" + server.value(f"SELECT pg_relation_filepath('{builders.fill(server, mb=60)}')")
    client.init(server, {"max_rate": "10M"})
    client.begin_import()
    path = client.go_to(lambda path: path == file)
    call = client.open(path)
    client.wait(lambda: call.data)
    assert oracles.sessions_of(server)
    return path, call


# ---- Sessions


def test_settings_come_first_and_unasked(client, major):
    plugin = client(start=False)
    assert select.select([plugin.from_plugin], [], [], 5)[0]
    assert os.read(plugin.from_plugin, 100)[3] == 4


def test_descriptors_0_and_1_are_out_of_reach(client, major):
    plugin = client()
    plugin.ping()
    pid = plugin.process.pid
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert os.readlink(f"/proc/{pid}/fd/1") == os.readlink(f"/proc/{pid}/fd/2")


def test_an_idle_plugin_ends_with_its_host(client, major):
    plugin = client()
    plugin.ping()
    plugin.close_input()
    assert plugin.wait_for_exit() == (0, "")


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n" * 3, b"\0" * 100])
def test_what_is_not_http2_ends_it(client, data, major):
    plugin = client(start=False)
    os.write(plugin.to_plugin, data)
    status, stderr = plugin.wait_for_exit()
    assert status == 1 and "HTTP/2" in stderr


def test_half_a_frame_and_then_nothing_ends_it(client, major):
    plugin = client()
    plugin.ping()
    os.write(plugin.to_plugin, b"\x00\x00\x20\x00\x00\x00\x00")
    plugin.close_input()
    assert plugin.wait_for_exit()[0] == 0


def test_sigterm_ends_an_idle_plugin(client, major):
    plugin = client()
    plugin.ping()
    plugin.process.send_signal(signal.SIGTERM)
    plugin.wait_for_exit()


# ---- Backups


def test_a_backup_by_hand(client, shared_server, major):
    plugin = client()
    plugin.init(shared_server)
    plugin.begin_import()
    paths = []
    while (record := plugin.next_record()) != "finished":
        path, regular = record
        paths.append(path)
        if regular:
            plugin.take(path)
        else:
            plugin.acknowledge(path)
    assert paths[0] == "/" and paths[1] == "/manifest.json" and paths[-1] == "/summary.json"
    assert len(set(paths)) == len(paths)
    folders = {os.path.dirname(path) for path in paths}
    assert folders <= set(paths)  # every folder was announced
    plugin.http.end_stream(plugin.importing.stream)
    plugin.flush()
    plugin.wait(lambda: plugin.importing.ended)
    assert plugin.importing.status == "0"
    assert plugin.unary(IMPORTER + "Close").status == "0"
    plugin.close_input()
    assert plugin.wait_for_exit()[0] == 0


@pytest.mark.parametrize("end", ["host goes", "signal"])
def test_what_is_closed_waits_for_its_host_to_go(client, shared_server, major, end):
    """A host that waits for the plugin's end closes the pipe then, and reads nothing more of it."""
    plugin = client()
    plugin.init(shared_server)
    assert plugin.unary(IMPORTER + "Close").status == "0"
    with pytest.raises(subprocess.TimeoutExpired):
        plugin.process.wait(0.5)
    plugin.ping()
    if end == "signal":
        plugin.process.send_signal(signal.SIGTERM)
    else:
        plugin.close_input()
    assert plugin.wait_for_exit()[0] in (0, 1)


def test_a_closed_window_holds_the_backup_and_nothing_else(client, shared_server, major):
    plugin = client(window=0)
    call = plugin.call(IMPORTER + "Init", init_request(
        "postgres+bin", {"location": shared_server.binary_uri()}))
    plugin.give(call, 1000)
    plugin.wait(lambda: call.ended)
    importing = plugin.begin_import()
    plugin.give(importing, 2**20)
    assert plugin.next_record() == ("/", False)
    plugin.acknowledge("/")
    assert plugin.next_record() == ("/manifest.json", True)
    opened = plugin.open("/manifest.json")
    for _ in range(5):
        plugin.step(0.05)
        plugin.ping()
    assert opened.data == b""
    for _ in range(200):  # a few bytes at a time
        if opened.ended:
            break
        plugin.give(opened, 1000)
        plugin.step(0.05)
    plugin.give(opened, 2**24)
    plugin.wait(lambda: opened.ended)
    assert opened.status == "0" and b'"version"' in opened.data


def test_an_open_that_is_reset_fails_the_backup(client, servers, major):
    server = servers.create(major)
    plugin = client()
    path, call = in_mid_copy(plugin, server)
    plugin.reset(call)
    while (record := plugin.next_record()) is not None:
        assert record != "finished"
    assert plugin.importing.status == "2" and path in plugin.importing.message
    oracles.wait_for_nothing_left(server)


def test_an_acknowledgement_before_reading_fails_the_backup(client, shared_server, major):
    plugin = client()
    plugin.init(shared_server)
    plugin.begin_import()
    path = plugin.go_to(lambda path: path.startswith("/data/") and path.count("/") > 2
                        and "1259" in path)
    plugin.acknowledge(path)
    while (record := plugin.next_record()) is not None:
        assert record != "finished"
    assert plugin.importing.status == "2"
    oracles.wait_for_nothing_left(shared_server)


@pytest.mark.parametrize("how", ["close", "end of input", "broken pipe", "half close", "reset",
                                 "SIGTERM"])
def test_a_copy_that_is_given_up_leaves_nothing(client, servers, major, how):
    server = servers.create(major)
    plugin = client()
    in_mid_copy(plugin, server)
    if how == "close":
        assert plugin.unary(IMPORTER + "Close").status == "0"
        assert not oracles.sessions_of(server).slots
    elif how == "end of input":
        plugin.close_input()
    elif how == "broken pipe":
        plugin.close_output()
    elif how == "half close":
        plugin.http.end_stream(plugin.importing.stream)
        plugin.flush()
    elif how == "reset":
        plugin.reset(plugin.importing)
    else:
        plugin.process.send_signal(signal.SIGTERM)
        plugin.wait(lambda: plugin.importing.ended)
        assert "SIGTERM" in plugin.importing.message
        assert plugin.unary(IMPORTER + "Close").status == "0"
    oracles.wait_for_nothing_left(server)
    if how == "close":
        plugin.close_input()
    if how in ("close", "end of input", "broken pipe", "SIGTERM"):
        plugin.wait_for_exit()


def test_the_host_sees_that_a_killed_plugin_is_gone(client, servers, major):
    """No child of it holds the pipe to Plakar, which would wait for it for ever."""
    server = servers.create(major)
    plugin = client()
    in_mid_copy(plugin, server)
    plugin.process.kill()
    end = time.monotonic() + 5
    while os.read(plugin.from_plugin, 1 << 16):
        assert time.monotonic() < end
    oracles.wait_for_nothing_left(server)


def test_several_files_are_announced_before_any_is_acknowledged(client, shared_server, major):
    """And are read in any order; one that is not opened for no reason fails the backup."""
    plugin = client()
    plugin.init(shared_server, concurrency=8)
    plugin.begin_import()
    waiting = [plugin.go_to(lambda path: path.startswith("/data/base/") and path.count("/") == 4)]
    while len(waiting) < 100:
        path, regular = plugin.next_record()
        if regular:
            waiting.append(path)
        else:
            plugin.acknowledge(path)
    for path in reversed(waiting[2:]):
        plugin.take(path)
    plugin.acknowledge(waiting[0])
    while (record := plugin.next_record()) is not None:
        assert record != "finished"
    assert plugin.importing.status == "2" and waiting[0] in plugin.importing.message
    oracles.wait_for_nothing_left(shared_server)


def test_a_host_that_says_nothing_after_init_keeps_no_session(client, shared_server, major):
    plugin = client()
    plugin.init(shared_server)
    plugin.step(0.5)
    assert not oracles.sessions_of(shared_server).slots
    plugin.close_input()
    assert plugin.wait_for_exit()[0] == 0
    failed = client()
    call = failed.unary(IMPORTER + "Init", init_request(
        "postgres", {"location": shared_server.uri(), "nonsense": "1"}))
    assert call.status == "3"
    failed.close_input()  # Plakar sends no Close after that
    assert failed.wait_for_exit()[0] == 0


# ---- Other requests


def test_requests_that_make_no_sense_are_answered(client, shared_server, major):
    plugin = client()
    assert plugin.unary("/importer.Importer/Nonsense").status == "12"
    assert plugin.unary(IMPORTER + "Ping").status == "9"  # before Init
    assert plugin.unary(IMPORTER + "Init", b"\xff\xff\xff").status == "3"
    plugin.init(shared_server)
    assert plugin.unary(IMPORTER + "Ping").status == "0"
    assert plugin.unary(IMPORTER + "Open", field(1, field(2, "/nothing"))).status == "5"
    call = plugin.call(IMPORTER + "Ping")  # without a message
    plugin.wait(lambda: call.ended)
    assert call.status == "13"
    plugin.ping()
