"""A restore by a scripted Plakar: what plakar v1.1.4 does not do on demand, and newer hosts may."""

import os
import re
import signal
import time

import pytest

from pgcask_testing import logical, oracles, temp
from pgcask_testing.plakar_client import (
    DIRECTORY, EXPORTER, Exporting, field, framed, init_request)

pytestmark = [pytest.mark.majors(15, 18), pytest.mark.sampled(1)]
LAYOUTS = ["classic", "numbered", "tables"]
COPY = "copy of it"
CONTENT = """
    CREATE TABLE parent (id int PRIMARY KEY, t text);
    INSERT INTO parent SELECT g, g || repeat('x', 600) FROM generate_series(1, 2000) g;
    CREATE TABLE child (p int REFERENCES parent, n int);
    INSERT INTO child SELECT 1 + g % 2000, g FROM generate_series(1, 5000) g;
    CREATE INDEX ON child (n);
    SELECT lo_from_bytea(0, convert_to(repeat('x', g * 1000), 'UTF8')) FROM generate_series(1, 3) g;
"""


class Stage:
    """One server, and backups of a database of it in every layout."""

    def __init__(self, major, servers, pgcask):
        self.server, self.pgcask = servers.create(major), pgcask
        self.folder = temp.new_dir("backups")
        self.db = logical.make(self.server, "app", CONTENT)
        self.trees = {layout: self.back_up(self.db, layout) for layout in LAYOUTS}
        self.facts = (logical.dump_schema(self.server, self.db),
                      logical.table_sums(self.server, self.db))

    def back_up(self, db, layout, *options):
        tree = self.folder / f"{db}-{layout}-{len(list(self.folder.iterdir()))}"
        logical.back_up_layout(self.pgcask, self.server, db, tree, layout, "--compress", "none",
                               *options)
        return tree

    def location(self, db=None):
        return self.server.uri(db) if db else self.server.uri("").rstrip("/")

    def assert_restored(self):
        assert (logical.dump_schema(self.server, COPY),
                logical.table_sums(self.server, COPY)) == self.facts

    def has_copy(self):
        return COPY in self.server.databases()


@pytest.fixture(scope="module")
def stage(major, module_servers, pgcask_path):
    from pgcask_testing.process import run

    def pgcask(*args, **more):
        return run([pgcask_path, *args], **more)

    stage = Stage(major, module_servers, pgcask)
    yield stage
    stage.server.close()
    temp.remove(stage.folder)


@pytest.fixture
def host(pgcask_path, stage):
    hosts = []

    def start(**options):
        hosts.append(Exporting(pgcask_path, **options))
        return hosts[-1]

    yield start
    for each in hosts:
        each.__exit__()
    oracles.wait_for_nothing_left(stage.server, timeout=10)
    if stage.has_copy():
        logical.drop(stage.server, COPY)


def depth_first(tree):
    """Paths of files and folders as plakar v1.1.4 sends them."""
    found = []

    def walk(folder):
        for path in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name)):
            found.append(path)
            if path.is_dir():
                walk(path)

    walk(tree)
    return found


def breadth_first(tree):
    """As newer hosts do it: one folder at a time."""
    found, folders = [], [tree]
    while folders:
        folder = folders.pop(0)
        here = sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name))
        found += here
        folders += [path for path in here if path.is_dir()]
    return found


def send_tree(plugin, tree, order=depth_first, without=()):
    data = plugin.record("/", DIRECTORY | 0o755, content=False)
    for path in order(tree):
        name = "/" + str(path.relative_to(tree))
        if name in without:
            continue
        if path.is_dir():
            data += plugin.record(name, DIRECTORY | 0o700, content=False)
        else:
            data += plugin.file(name, path.read_bytes())
        if len(data) > 1 << 16:
            plugin.send(data)
            data = b""
    plugin.send(data)


def restore(plugin, stage, tree, *arguments, location=None, **config):
    """A whole restore into the copy: (status, message)."""
    config.setdefault("create_db", "true")
    answer = plugin.start(location or stage.location(COPY), **config)
    assert answer.status == "0", answer.message
    send_tree(plugin, tree, *arguments)
    return plugin.finish()


# ---- What comes back


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("order", [depth_first, breadth_first])
def test_a_host_that_reads_until_the_trailers_hears_of_every_record(host, stage, layout, order):
    plugin = host()
    assert plugin.start(stage.location(COPY), create_db="true").status == "0"
    send_tree(plugin, stage.trees[layout], order)
    for _ in range(5):
        plugin.step(0.1)
    assert not plugin.export.ended  # whatever it has: more may come
    assert plugin.finish() == ("0", "")
    stage.assert_restored()
    results = plugin.results()
    assert [wrong for _, wrong in results if wrong] == []
    assert sorted(path for path, _ in results) == sorted(
        ["/", *("/" + str(p.relative_to(stage.trees[layout])) for p in order(stage.trees[layout]))])
    assert plugin.unary(EXPORTER + "Close").status == "0"
    plugin.close_input()
    assert plugin.wait_for_exit()[0] == 0


@pytest.mark.sampled(1)
@pytest.mark.parametrize("layout, order, database, streams", [
    ("numbered", depth_first, None, True), ("tables", depth_first, None, True),
    ("tables", breadth_first, COPY, True), ("numbered", depth_first, "app", True),
    ("classic", depth_first, None, False), ("numbered", depth_first, COPY, False)])
def test_what_comes_in_a_usable_order_is_not_kept(host, stage, layout, order, database, streams):
    """Before manifest.json nobody knows whether more archives follow: what a single one that is
    named otherwise goes into might be meant for none of them."""
    plugin = host()
    keys = {"create_db": "true"} if database == COPY else {
        "clean": "true"}  # it is there
    plugin.start(stage.location(database), spool_dir="/nonexistent", **keys)
    send_tree(plugin, stage.trees[layout], order)
    status, message = plugin.finish()
    assert (status == "0") == streams, message
    if not streams:
        assert "/nonexistent" in message and "spool_dir" in message, message


def test_init_says_in_which_order_records_are_wanted(host, stage):
    plugin = host()
    answer = plugin.start(stage.location(stage.db))
    assert field(4, 64) in answer.data


@pytest.mark.sampled(1)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_entry_that_does_not_come_is_an_error_by_name(host, stage, layout):
    """Hosts leave out what they cannot read, and end the stream as ever."""
    tree = stage.trees[layout]
    for path in depth_first(tree):
        name = "/" + str(path.relative_to(tree))
        if path.is_dir() or name == "/manifest.json":
            continue
        plugin = host()
        plugin.start(stage.location(COPY), create_db="true")
        send_tree(plugin, tree, without=[name])
        status, message = plugin.finish()
        named = {"/00001-app/0.toc": "/00001-app"}.get(name, name)
        known = re.search(r"\d+(?=\.\w+$)|toc.dat$", name)  # of an entry or a large object
        assert status == "2" and (
            named in message or "/00001-app: " in message
            and (known[0] if known else "entry") in message), (name, status, message)
        oracles.wait_for_nothing_left(stage.server)
        if stage.has_copy():
            logical.drop(stage.server, COPY)


# ---- What is no snapshot


def test_a_stream_that_ends_within_a_file_is_an_error(host, stage):
    """Without the empty chunk it is not the end of the file, and no end of a restore."""
    tree = stage.trees["classic"]
    for path, content in [("/app.dump", (tree / "app.dump").read_bytes()),
                          ("/globals.sql", (tree / "globals.sql").read_bytes()),
                          ("/manifest.json", (tree / "manifest.json").read_bytes())]:
        plugin = host()
        plugin.start(stage.location(COPY), create_db="true")
        for name in sorted(os.listdir(tree)):
            if f"/{name}" == path:
                break
            plugin.send(plugin.file(f"/{name}", (tree / name).read_bytes()))
        plugin.send(plugin.file(path, content)[:-len(framed(field(2, b"")))])
        status, message = plugin.finish()
        assert status == "2" and f"in the middle of {path}" in message, message
        assert dict(plugin.results())[path] != ""
        oracles.wait_for_nothing_left(stage.server)
        if stage.has_copy():
            logical.drop(stage.server, COPY)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("path", [
    "/../../etc/passwd", "/a/../b", "/a//b", "/.", "//", "/a/", "", b"/\xff\xfe.dump", b"/a\0b",
    pytest.param("/" + "x" * 5000, id="long"), "/\x1b[31mred.dump", "/new\nline.dump",
    "/%2e%2e/x.dump"])
def test_names_that_are_hostile_end_it_and_touch_nothing(host, stage, path):
    plugin = host()
    plugin.start(stage.location(COPY), create_db="true")
    message = plugin.record(path) + framed(field(2, b"x")) + framed(field(2, b""))
    plugin.send(message)
    status, text = plugin.finish()
    assert status == "2" and text.isprintable() and len(text.encode()) <= 1024, text
    assert not stage.has_copy()
    for _, wrong in plugin.results():
        assert wrong and wrong.isprintable()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("messages, reason", [
    ([field(2, b"content")], "of no file"),
    ([field(2, b"")], "of no file"),
    ([b""], "neither a record nor content"),
    ([b"\xff\xff\xff"], "cannot be read"),
    ([field(1, b"\xff\xff")], "cannot be read"),
    (["/app.dump", "/globals.sql"], "before the end of /app.dump"),
    (["no content"], "without its content"),
    ([], "sent no file"),
])
def test_what_makes_no_sense_is_told_at_the_end(host, stage, messages, reason):
    plugin = host()
    plugin.start(stage.location(COPY), create_db="true")
    for message in messages:
        if message == "no content":
            plugin.send(plugin.record("/app.dump", content=False))
        else:
            plugin.send(plugin.record(message) if isinstance(message, str) else framed(message))
    plugin.step(0.1)
    assert not plugin.export.ended  # Plakar shows the reason only after it has sent everything
    status, text = plugin.finish()
    assert status == "2" and reason in text, text
    assert not stage.has_copy()


def test_calls_come_in_their_order(host, stage):
    plugin = host()
    early = plugin.call(EXPORTER + "Export", end=False)
    plugin.wait(lambda: early.ended)
    assert early.status == "9" and plugin.unary(EXPORTER + "Ping").status == "9"
    assert plugin.unary(EXPORTER + "Nonsense").status == "12"
    assert plugin.unary("/importer.Importer/Ping").status == "12"  # a process serves one of them
    plugin.start(stage.location(stage.db))
    again = plugin.unary(EXPORTER + "Init", init_request("postgres", {"location": stage.location()}))
    assert again.status == "9"
    second = plugin.call(EXPORTER + "Export", end=False)
    plugin.wait(lambda: second.ended)
    assert second.status == "9"
    assert plugin.unary(EXPORTER + "Ping").status == "0"


# ---- Failures of the server


@pytest.mark.sampled(1)
@pytest.mark.parametrize("wrong, reason", [
    ({"port": 1}, "Connection refused"),
    ({"database": "nowhere"}, "create_db"),
    ({"username": "nobody there"}, "nobody there"),
    ({"clean": "true", "recreate": "true"}, "clean and recreate"),
    ({"no_globl": "true"}, "no_globals?"),
    ({"restore_globals": "true"}, "no_globals"),
    ({"schema_only": "1", "data_only": "1"}, "schema_only and data_only"),
    ({"jobs": "many"}, "jobs"),
    ({"compress": "true"}, "unknown option"),  # of a source
])
def test_what_cannot_be_done_fails_at_init(host, stage, wrong, reason):
    plugin = host()
    answer = plugin.start(stage.location(stage.db), **wrong)
    assert answer.status in ("2", "3") and reason in answer.message, answer.message
    oracles.wait_for_nothing_left(stage.server)  # without a Close: Plakar sends none
    early = plugin.call(EXPORTER + "Export", end=False)
    plugin.wait(lambda: early.ended)
    assert early.status == "9"
    plugin.close_input()
    assert plugin.wait_for_exit()[0] == 0


def test_keys_without_a_value_and_of_all_versions_are_taken(host, stage):
    plugin = host()
    answer = plugin.start(
        stage.location(stage.db), pg_bin_dir="/usr/bin", pg_dump="/bin/pg_dump", pg_dumpall="x",
        pg_restore="y", psql="z", clean="", recreate="", no_globals="", databases="", database="",
        no_owner="TRUE", exit_on_error="1", ssl_mode="prefer", jobs="2", schema_only="false")
    assert answer.status == "0", answer.message
    plugin.close_input()
    said = plugin.wait_for_exit()[1]
    for key in ("pg_bin_dir", "pg_dump", "pg_dumpall", "pg_restore", "psql"):
        assert f"{key} is ignored" in said


def test_what_failed_is_told_of_its_record_and_at_the_end(host, stage):
    """The last record's failure is not in its result alone: hosts may not show that."""
    logical.make(stage.server, COPY, "CREATE TABLE parent (id text); CREATE TABLE other ();")
    plugin = host()
    status, message = restore(plugin, stage, stage.trees["numbered"], create_db="",
                              into_existing="true")
    assert status == "2" and "failed" in message and "parent" in message, message
    assert len(message.encode()) <= 1024
    wrong = {path: text for path, text in plugin.results() if text}
    assert list(wrong) == ["/00001-app.dump"] and "parent" in wrong["/00001-app.dump"]
    assert logical.run_sql(stage.server, COPY, "SELECT count(*) FROM child").strip() == b"5000"


def test_where_a_row_failed_the_old_database_stays(host, stage):
    """… and the last line says what to type."""
    db = logical.make(stage.server, "frail", "CREATE TABLE t (n int CHECK (current_database() = "
                                             "'frail')); INSERT INTO t VALUES (1)")
    tree = stage.back_up(db, "numbered")
    logical.make(stage.server, COPY, "CREATE TABLE old AS SELECT 7 AS n")
    status, message = restore(host(), stage, tree, create_db="", recreate="true")
    new, = (name for name in stage.server.databases() if name.startswith("pgcask_restore_"))
    assert status == "2" and "violates check constraint" in message, message
    assert f'DROP DATABASE "{COPY}"; ALTER DATABASE "{new}" RENAME TO "{COPY}";' in message, message
    assert f'DROP DATABASE "{new}";' in message and len(message.encode()) <= 1024, message
    assert stage.server.value("SELECT n FROM old", COPY) == "7"
    for name in (new, db):
        logical.drop(stage.server, name)


def test_what_failed_in_the_globals_is_said_of_them(host, stage):
    stage.server.sql("DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN; CREATE ROLE in_globals")
    tree = stage.back_up(stage.db, "numbered")
    logical.make(stage.server, COPY)
    stage.server.sql("GRANT CREATE ON DATABASE " + f'"{COPY}" TO weak')
    plugin = host()
    status, message = restore(plugin, stage, tree, create_db="", username="weak", no_owner="true")
    assert status == "2" and "ROLE in_globals" in message, message
    results = dict(plugin.results())
    assert "in_globals" in results["/00000-globals.sql"] and results["/manifest.json"] == ""
    assert "in_globals" not in results["/00001-app.dump"]


def test_a_target_that_is_in_use_is_left_as_it_is(host, stage):
    logical.make(stage.server, COPY, "CREATE TABLE kept ();")
    plugin = host()
    status, message = restore(plugin, stage, stage.trees["classic"], create_db="")
    assert status == "2" and "clean" in message and "recreate" in message, message
    assert "--" not in message  # keys, no flags
    assert logical.run_sql(stage.server, COPY, "SELECT relname FROM pg_class WHERE relkind = 'r' "
                           "AND relnamespace = 'public'::regnamespace").split() == [b"kept"]
    assert all(wrong for path, wrong in plugin.results() if path.endswith(".dump"))


# ---- Endings


def in_the_middle(plugin, stage, db=COPY):
    """A restore that waits for more of a table's rows."""
    tree = stage.trees["numbered"]
    plugin.start(stage.location(db), create_db="true")
    for name in ("manifest.json", "00000-globals.sql"):
        plugin.send(plugin.file("/" + name, (tree / name).read_bytes()))
    content = plugin.file("/00001-app.dump", (tree / "00001-app.dump").read_bytes(), chunk=1000)
    plugin.content = content
    plugin.send(content[:len(content) // 2])
    oracles.wait_for_sessions(stage.server, bool)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("how", ["end of input", "broken pipe", "reset", "close", "SIGTERM",
                                 "SIGINT", "kill -9"])
def test_a_restore_that_is_given_up_leaves_no_session(host, stage, how):
    plugin = host()
    in_the_middle(plugin, stage)
    begun = time.monotonic()
    if how == "end of input":  # a host that waits for its plugin closes its pipes
        plugin.close_input()
    elif how == "broken pipe":
        plugin.close_output()
        plugin.close_input()
    elif how == "reset":
        plugin.reset(plugin.export)
    elif how == "close":
        assert plugin.unary(EXPORTER + "Close").status == "0"
    elif how == "kill -9":
        plugin.process.kill()
    else:
        plugin.process.send_signal(getattr(signal, how))
        status, message = plugin.outcome()
        assert status == "2" and how in message, message
    oracles.wait_for_nothing_left(stage.server, timeout=10)
    plugin.close_input()
    plugin.wait_for_exit()
    assert time.monotonic() - begun < 10


def test_a_host_that_sends_nothing_after_init_leaves_nothing(host, stage):
    for begun in (False, True):
        plugin = host()
        plugin.start(stage.location(stage.db))
        plugin.ping()
        plugin.close_input()
        assert plugin.wait_for_exit()[0] == 0
        oracles.wait_for_nothing_left(stage.server)


def test_a_session_that_is_lost_ends_it_with_the_reason(host, stage):
    plugin = host()
    in_the_middle(plugin, stage)
    oracles.wait_for_sessions(stage.server, lambda found: any(
        "COPY" in word for each in found.activity for word in each), timeout=20)
    stage.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE application_name LIKE 'pgcask%'")
    rest = plugin.file("/later.dump", b"x" * 3000000)
    plugin.send(plugin.content[len(plugin.content) // 2:] + rest)
    status, message = plugin.finish()
    assert status == "2" and "terminat" in message, message
    results = dict(plugin.results())
    assert "terminat" in results["/00001-app.dump"] and results["/later.dump"]


# ---- Room


def memory_of(plugin):
    with open(f"/proc/{plugin.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def test_a_slow_target_holds_the_host_and_nothing_else(host, stage):
    """No more is taken than fits, and other calls are answered meanwhile."""
    big = logical.make(stage.server, "big", """
        CREATE TABLE t (a text);
        ALTER TABLE t ALTER a SET STORAGE EXTERNAL;
        INSERT INTO t SELECT repeat(md5(g::text), 30) FROM generate_series(1, 25000) g;
    """)
    tree = stage.back_up(big, "numbered")
    logical.make(stage.server, COPY, "CREATE TABLE t (a text)")
    plugin = host()
    plugin.start(stage.location(COPY), data_only="true", into_existing="true", no_globals="true")
    with stage.server.session(COPY) as held:
        held.sql("BEGIN; LOCK TABLE t")
        for name in ("manifest.json", "00000-globals.sql"):
            plugin.send(plugin.file("/" + name, (tree / name).read_bytes()))
        content = plugin.file("/00001-big.dump", (tree / "00001-big.dump").read_bytes())
        assert len(content) > 22 << 20
        left = plugin.send(content, timeout=2)
        assert len(left) > 5 << 20  # the kernel's buffers are full as well
        for _ in range(3):
            plugin.ping()
        assert plugin.unary(EXPORTER + "Ping").status == "0"
        assert memory_of(plugin) < 56
        held.sql("COMMIT")
    assert plugin.send(left) == b""
    plugin.send(plugin.file("/summary.json", (tree / "summary.json").read_bytes()))
    assert plugin.finish() == ("0", "")
    assert logical.run_sql(stage.server, COPY, "SELECT count(*) FROM t").strip() == b"25000"
    assert memory_of(plugin) < 56
    logical.drop(stage.server, big)


@pytest.mark.majors(18)
def test_many_small_records_take_no_memory_and_are_all_answered(host, stage, request):
    count = 100000 if request.config.getoption("--whole") else 4000
    many = logical.make(stage.server, "many", f"""
        SELECT lo_from_bytea(g, 'x') FROM generate_series(100000, 100000 + {count} - 1) g
    """)
    tree = stage.back_up(many, "tables")
    plugin = host()
    status, message = restore(plugin, stage, tree, breadth_first)
    assert status == "0", message
    assert len(plugin.results()) > count
    assert memory_of(plugin) < 64
    assert logical.run_sql(
        stage.server, COPY, "SELECT count(*) FROM pg_largeobject_metadata").strip() == (
        str(count).encode())
    logical.drop(stage.server, many)
