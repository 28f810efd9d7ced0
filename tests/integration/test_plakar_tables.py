"""Layout tables through Plakar: the rows of each table are a record by themselves, read over as many
sessions as Plakar has workers, all of one snapshot."""

import os
import re
import signal
import time

import pytest

from pgcask_testing import logical, oracles
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401
from pgcask_testing.plakar_client import IMPORTER, Client, init_request

pytestmark = [pytest.mark.majors(15, 18), pytest.mark.sampled(1)]
ODD = "it's 100%/=x"
CONTENT = """
    CREATE TABLE "odd ""name"" t" (i int, t text);
    INSERT INTO "odd ""name"" t" SELECT g, 'row ' || g FROM generate_series(1, 1000) g;
    CREATE TABLE big AS SELECT g AS i, repeat(md5(g::text), 20) AS t
        FROM generate_series(1, 20000) g;
    CREATE TABLE parted (i int) PARTITION BY LIST (i);
    CREATE TABLE part_1 PARTITION OF parted FOR VALUES IN (1);
    INSERT INTO parted VALUES (1);
    DO $$ BEGIN FOR i IN 1..30 LOOP
        EXECUTE format('CREATE TABLE t_%s AS SELECT g FROM generate_series(1, %s) g', i, i);
    END LOOP; END $$;
    SELECT lo_from_bytea(4711, 'large'), lo_from_bytea(4712, ''), lo_from_bytea(70000, 'object');
"""


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    server = module_servers.create(major, conf={"log_connections": "on"})
    for name in ("app", ODD):
        logical.make(server, name, CONTENT)
    yield server
    server.close()


@pytest.fixture
def client(pgcask_path):
    clients = []

    def start(server, db=None, concurrency=4, **config):
        made = Client(pgcask_path)
        clients.append(made)
        location = f"postgres://{server.superuser}@127.0.0.1:{server.port}"
        call = made.unary(IMPORTER + "Init", init_request(
            "postgres", {"location": location + (f"/{db}" if db else ""), "layout": "tables",
                         **config}, concurrency=concurrency))
        assert call.status == "0", call.message
        made.begin_import()
        return made

    yield start
    for each in clients:
        each.__exit__()


def location(server, db=None):
    return f"postgres://{server.superuser}@127.0.0.1:{server.port}" + (f"/{db}" if db else "")


def is_rows(path):
    return re.search(r"/\d+\.dat$", path)


def content_of(call):
    content, data = b"", call.data
    while data:
        length = int.from_bytes(data[1:5], "big")
        at, size, shift = 6, 0, 0
        while True:
            size |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                break
        assert at + size == 5 + length
        content += data[at:at + size]
        data = data[5 + length:]
    return content


def files_of(tree):
    return {str(p.relative_to(tree)): p.read_bytes() for p in tree.rglob("*") if p.is_file()}


def sessions(server):
    return int(server.value("SELECT count(*) FROM pg_stat_activity WHERE application_name ="
                            " 'pgcask backup' AND backend_type = 'client backend'"))


def go_to_rows(plugin):
    return plugin.go_to(is_rows)


def finish(plugin):
    """Takes what still comes; how Import ended."""
    while (record := plugin.next_record(60)) not in ("finished", None):
        path, regular = record
        plugin.take(path) if regular else plugin.acknowledge(path)
    if record is None:
        return plugin.importing.status, plugin.importing.message
    plugin.http.end_stream(plugin.importing.stream)
    plugin.flush()
    plugin.wait(lambda: plugin.importing.ended)
    return plugin.importing.status, plugin.importing.message


# ---- What is in it


def test_all_databases_side_by_side_are_what_one_session_reads(plakar, pgcask, cluster, workdir,
                                                               major):
    before = cluster.log.count("application_name=pgcask backup")
    plakar.backup("-o", "layout=tables", location(cluster), before=["-concurrency", "4"]).check()
    several = cluster.log.count("application_name=pgcask backup") - before
    oracles.wait_for_nothing_left(cluster)
    tree = plakar.restore(workdir / "tree")
    pgcask("verify", tree).check()
    pgcask("backup", location(cluster), "--to", workdir / "one", "--layout", "tables").check()
    one = cluster.log.count("application_name=pgcask backup") - before - several
    assert several > one
    ours, theirs = files_of(tree), files_of(workdir / "one")
    assert set(ours) == set(theirs)
    for path in ours:
        if path.endswith(".dat") and not path.endswith("toc.dat"):
            assert ours[path] == theirs[path], path
    archives = [p for p in tree.iterdir() if p.name.endswith("-app")]
    logical.create_like(cluster, "app", "back")
    logical.restore(cluster, archives[0], "back")
    assert logical.table_sums(cluster, "app") == logical.table_sums(cluster, "back")
    logical.drop(cluster, "back")


@pytest.mark.majors(18)
def test_records_are_opened_in_any_order_and_one_by_one(client, cluster, major):
    """One worker: everything strictly one after the other, the last announced first."""
    plugin = client(cluster, "app", concurrency=8)
    waiting, seen = [go_to_rows(plugin)], {}
    while len(waiting) < 10:
        path, regular = plugin.next_record()
        assert is_rows(path) and regular
        waiting.append(path)
    assert sessions(cluster) <= 2  # the one that holds the snapshot, and nothing was opened
    for path in reversed(waiting):
        seen[path] = plugin.take(path)
    assert sessions(cluster) <= 2
    assert all(content.endswith(b"\\.\n\n\n") for content in seen.values())
    assert finish(plugin) == ("0", "")
    oracles.wait_for_nothing_left(cluster)


@pytest.mark.majors(18)
@pytest.mark.parametrize("jobs", [None, 2])
def test_records_are_read_at_once_over_so_many_sessions(client, cluster, major, jobs):
    plugin = client(cluster, "app", concurrency=4, **({"jobs": jobs} if jobs else {}))
    waiting = [go_to_rows(plugin)]
    while len(waiting) < 4:
        waiting.append(plugin.next_record()[0])
    calls = [plugin.open(path) for path in waiting]
    for call in calls:
        plugin.wait(lambda: call.ended, 30)
        assert call.status == "0" and content_of(call).endswith(b"\\.\n\n\n")
    assert sessions(cluster) <= (jobs or 4)
    for path in waiting:
        plugin.acknowledge(path)
    assert finish(plugin) == ("0", "")
    oracles.wait_for_nothing_left(cluster)


# ---- What goes wrong


def test_a_table_that_somebody_waits_to_lock_is_read_all_the_same(client, cluster, major):
    plugin = client(cluster, "app", concurrency=4)
    first = go_to_rows(plugin)
    with cluster.session("app") as other:
        other.send("ALTER TABLE big ADD COLUMN later int")
        end = time.monotonic() + 10
        while cluster.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0":
            assert time.monotonic() < end
            time.sleep(0.05)
        plugin.take(first)
        assert finish(plugin) == ("0", "")
        other.receive()
    cluster.sql("ALTER TABLE big DROP COLUMN later", db="app")
    oracles.wait_for_nothing_left(cluster)


def test_a_session_that_is_lost_fails_the_backup(client, cluster, major):
    plugin = client(cluster, "app", concurrency=4)
    waiting = [go_to_rows(plugin)]
    while len(waiting) < 3:
        waiting.append(plugin.next_record()[0])
    for path in waiting[:2]:
        plugin.open(path)
    plugin.wait(lambda: sessions(cluster) > 0)
    cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'pgcask backup'")
    for _ in range(50):
        plugin.step(0.05)
    record = None
    while (record := plugin.next_record(30)) not in (None, "finished"):
        path, regular = record
        call = plugin.open(path) if regular else None
        if call is not None:
            plugin.wait(lambda: call.ended, 30)
        plugin.acknowledge(path)
    assert record is None and plugin.importing.status == "2"
    oracles.wait_for_nothing_left(cluster)


def test_no_session_is_left_when_it_is_killed(client, cluster, major):
    plugin = client(cluster, "app", concurrency=4)
    waiting = [go_to_rows(plugin)]
    while len(waiting) < 4:
        waiting.append(plugin.next_record()[0])
    for path in waiting:
        plugin.open(path)
    plugin.wait(lambda: sessions(cluster) > 1)
    os.kill(plugin.process.pid, signal.SIGKILL)
    oracles.wait_for_nothing_left(cluster)


@pytest.mark.majors(18)
def test_a_server_with_room_for_few_is_read_over_few(client, cluster, servers, major):
    server = servers.create(major, conf={"max_connections": "6", "superuser_reserved_connections":
                                         "0", "max_wal_senders": "0"})
    logical.make(server, "app", CONTENT)
    held = [server.session("app") for _ in range(2)]
    plugin = client(server, "app", concurrency=8)
    assert finish(plugin) == ("0", "")
    for each in held:
        each.close()
