"""What people and programs leave in a data directory: where pg_basebackup makes a backup of it, so
does pgcask, with the same content."""

import json
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from pgcask_testing import builders, oracles, process, temp

pytestmark = pytest.mark.sampled


def give(path):
    process.give_to_server(path, recursive=path.is_dir())
    return path


@pytest.fixture(scope="module")
def stray_server(module_servers):
    return builders.small_ones(module_servers)


def somewhere():
    """A folder outside of everything, for links to lead to."""
    path = temp.new_dir("outside")
    (path / "secret").write_text("not the cluster's")
    return give(path)


def make_file(path, content="hello"):
    path.write_text(content)


def make_folder(path):
    (path / "deep/er").mkdir(parents=True)
    (path / "deep/file").write_text("x")
    (path / "empty").mkdir()


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


LONG = "n" * 90
# name below the data directory -> what makes it
STRAY = {
    "pg_tblspc/16400.bak": make_folder,
    "pg_tblspc/99999": make_folder,
    "pg_tblspc/lost+found": pathlib.Path.mkdir,
    "pg_tblspc/notes.txt": make_file,
    "pg_tblspc/99998": make_file,
    "pg_tblspc/0": make_folder,
    "pg_tblspc/link.bak": lambda path: path.symlink_to(somewhere()),
    "pg_tblspc/99997": lambda path: path.symlink_to(somewhere()),
    "pg_tblspc/99996": lambda path: path.symlink_to("/nowhere/at/all"),
    "pg_tblspc/dangling": lambda path: path.symlink_to("/nowhere/at/all"),
    "pg_tblspc/99995": lambda path: path.symlink_to("../global"),
    "lost+found": pathlib.Path.mkdir,
    "core.4711": lambda path: make_file(path, "core" * 5000),
    "postgresql.conf~": make_file,
    ".DS_Store": make_file,
    ".hidden": make_file,
    "empty": lambda path: make_file(path, ""),
    "with space and \\ and \" and '": make_file,
    "new\nline": make_file,
    "tab\tand\rreturn": make_file,
    os.fsdecode(b"not utf-8 \xff\xfe"): make_file,
    os.fsdecode(b"folder not utf-8 \xff\xfe"): make_folder,
    os.fsdecode(b"pg_tblspc/not utf-8 \xff"): make_folder,
    os.fsdecode(b"pg_tblspc/link not utf-8 \xff"): lambda path: path.symlink_to(somewhere()),
    "ünïcödé": make_folder,
    LONG: make_file,
    "base/stray": make_file,
    "base/1/stray": make_file,
    "base/nodatabase": make_folder,
    "global/stray": make_file,
    "pg_wal/stray": make_file,
    "pg_stat_tmp/stray": make_file,
    "pg_stat/stray": make_file,
    "link": lambda path: path.symlink_to(somewhere()),
    "filelink": lambda path: path.symlink_to("/etc/hostname"),
    "fifo": os.mkfifo,
    "socket": make_socket,
    "backup_manifest": make_file,
    "tablespace_map": make_file,
    "backup_label.old": make_file,
    "tablespace_map.old": make_file,
    "summary.json": make_file,
    "manifest.json": make_file,
    "data": make_folder,
    "config": make_folder,
    "pgcask.config": make_folder,
    "pgcask.lock": make_file,
    "pgsql_tmp_stray": make_file,
    "recovery.done": make_file,
    "setuid": lambda path: (make_file(path), path.chmod(0o4755)),
}

# What the server writes anew between two backups.
CHANGING = {"backup_label", "backup_manifest", "global/pg_control", "tablespace_map"}


def names_and_contents(folder):
    """Of a data directory: every file's content, and every folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink() or name in CHANGING or name.startswith("pg_wal/"):
            continue
        found[name] = path.read_bytes() if path.is_file() else None
    return found


def stock_backup(server, folder):
    """pg_basebackup's, in tar form, unpacked: which paths of tablespaces does not matter then."""
    result = server.tool("pg_basebackup", "-D", folder, "-Ft", "-c", "fast", "-X", "fetch",
                         "--no-sync", check=False)
    if not result.ok:
        print(result.stderr)
        return None
    for archive in folder.glob("*.tar"):
        # A tar of 13 and 14 has no end; members of pg_tblspc would be links to the originals.
        to = folder / "data" / ("." if archive.stem == "base" else f"pg_tblspc/{archive.stem}")
        to.mkdir(parents=True, exist_ok=True)
        subprocess.run(["tar", "-xf", archive, "-C", to, "--exclude=pg_tblspc/*"], check=False,
                       stderr=subprocess.DEVNULL)
    return folder / "data"


@pytest.mark.majors(13, 14, 15, 18)
def test_stray_entries_one_by_one(pgcask, stray_server, workdir, major):
    """One run for each would take minutes: those that both refuse are told apart by trying."""
    server = stray_server(major)
    both_refuse = set()
    for name in ("pg_tblspc/filelink",):
        path = server.datadir / name
        path.symlink_to("/etc/hostname")
        stock = stock_backup(server, workdir / "stock")
        result = pgcask("backup", server.binary_uri(), "--to", workdir / "ours")
        assert result.ok == (stock is not None), (name, result)
        if stock is None:
            both_refuse.add(name)
            assert name in result.stderr
        path.unlink()
    assert not both_refuse or major < 15


@pytest.mark.majors(13, 14, 15, 18)
def test_stray_entries_all_at_once(pgcask, servers, stray_server, workdir, major):
    server = stray_server(major)
    made = []
    try:
        for name, make in STRAY.items():
            path = server.datadir / name
            make(path)
            made.append(path)
            if not path.is_symlink():
                give(path)
        server.sql("CHECKPOINT")
        stock = stock_backup(server, workdir / "stock")
        assert stock is not None
        backup = workdir / "backup"
        result = pgcask("backup", server.binary_uri(), "--to", backup).check()
        if major >= 15:
            assert 'left out: "pg_tblspc/link.bak"' in result.stderr
        ours = names_and_contents(backup / "data")
        theirs = names_and_contents(stock)
        # Up to 14 the server takes any link in pg_tblspc for a tablespace with an archive.
        theirs = {name: content for name, content in theirs.items()
                  if not (name.startswith("pg_tblspc") and content is None)}
        for name, content in theirs.items():
            if name.startswith("pg_tblspc/"):
                continue
            # The server itself goes on writing its own files.
            own = name.startswith(("base/", "global/")) and not name.endswith("stray")
            assert name in ours and (own or ours[name] == content), name
        assert {n for n in ours if not n.startswith("pg_tblspc")} == {
            n for n in theirs if not n.startswith("pg_tblspc")}
        for name in ("16400.bak/deep/file", "99999/deep/file", "notes.txt", "99998"):
            assert (backup / "data/pg_tblspc" / name).is_file() or (
                backup / "tablespaces" / name).exists() or major >= 16, name
        for link in (backup / "data/pg_tblspc").iterdir():
            assert not link.is_symlink() or str(link.readlink()).startswith("../../tablespaces/")
        pgcask("verify", backup).check()
        assert "not the cluster's" not in json.dumps([
            content.decode("latin-1") for content in ours.values() if content])
        oracles.verifybackup(backup / "data", major).check()
    finally:
        for path in made:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    data = workdir / "restored/data"
    data.parent.mkdir(mode=0o755)
    warned = pgcask("restore", backup, "--to", data).check().stderr
    # No server recovers with a file there, or a folder named after an OID; pg_basebackup's copies
    # do not either.
    for name in ("notes.txt", "99998"):
        assert f"rm {data}/pg_tblspc/{name}\n" in warned
        (data / "pg_tblspc" / name).unlink()
    for name in ("99999", "0"):
        assert f"rm -r {data}/pg_tblspc/{name}\n" in warned
        if (data / "pg_tblspc" / name).is_dir() and not (data / "pg_tblspc" / name).is_symlink():
            shutil.rmtree(data / "pg_tblspc" / name)
    assert names_and_contents(data).keys() >= {"lost+found", "core.4711", "new\nline"}
    assert warned.count("no tablespace") == 4
    started = servers.start_restored(data, major)
    assert oracles.all_sums(started) == oracles.all_sums(server)


@pytest.mark.majors(13, 18)
def test_a_label_that_is_no_utf_8_is_kept_as_text(pgcask, stray_server, workdir, major):
    backup = workdir / "backup"
    pgcask("backup", stray_server(major).binary_uri(), "--to", backup,
           "--label", os.fsdecode(b"nightly \xe9\xff")).check()
    assert b"LABEL: nightly \xe9\xff\n" in (backup / "data/backup_label").read_bytes()
    options = json.loads((backup / "summary.json").read_bytes())["options"]
    assert options["label"] == r"nightly \xe9\xff"
    pgcask("verify", backup).check()


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("name", ["x" * 120, "base/1/stray.bak"])
def test_a_name_that_the_server_refuses_is_named(pgcask, stray_server, workdir, major, name):
    """pg_basebackup fails as well."""
    server = stray_server(major)
    path = server.datadir / name
    make_file(path)
    give(path)
    try:
        stock = stock_backup(server, workdir / "stock")
        result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup")
        if stock is not None:  # 18 takes it for what it is
            assert result.ok and major == 18 and name.startswith("base"), result
            return
        assert result.rc == 1 and path.name[:90] in result.stderr
        assert "rename the file" in result.stderr
    finally:
        path.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="a file of root's takes root")
@pytest.mark.majors(13, 18)
def test_a_file_that_the_server_may_not_read_is_named_with_the_command(
    pgcask, stray_server, workdir, major
):
    server = stray_server(major)
    for name, make in (("of root", make_file), ("base/1/of root", make_file)):
        path = server.datadir / name
        make(path)
        path.chmod(0o600)
        try:
            result = pgcask("backup", server.binary_uri(), "--to", workdir / "backup")
            assert result.rc == 1 and name in result.stderr, result
            assert "chown" in result.stderr and "GRANT" not in result.stderr, result
        finally:
            path.unlink()


@pytest.mark.majors(13, 15, 18)
def test_files_that_come_and_go_while_they_are_read(pgcask, stray_server, workdir, major):
    """Files that vanish, grow and shrink, as temporary files of extensions do."""
    server = stray_server(major)
    folder = server.datadir / "busy"
    folder.mkdir()
    give(folder)
    script = ("i=0; while :; do i=$((i+1)); head -c $((i % 70000)) /dev/zero > $0/grows; "
              "echo x > $0/f$((i % 50)); rm -f $0/f$(((i + 25) % 50)); done")
    running = subprocess.Popen([*process.as_user(process.server_user()), "sh", "-c", script,
                                folder])
    try:
        for number in range(3):
            backup = workdir / f"backup{number}"
            pgcask("backup", server.binary_uri(), "--to", backup).check()
            pgcask("verify", backup).check()
            oracles.verifybackup(backup / "data", major).check()
    finally:
        running.kill()
        running.wait()
        shutil.rmtree(folder, ignore_errors=True)


# Tablespaces whose paths do not fit a link of the server's tar


@pytest.mark.majors(13, 14, 15, 16, 18)
@pytest.mark.parametrize("length", [99, 100, 200])
def test_long_paths_of_tablespaces(pgcask, servers, workdir, major, length):
    if length == 200 and major not in (13, 18):
        pytest.skip("once is enough")
    server = servers.create(major)
    folder = temp.new_dir("long")
    path = folder / ("p" * (length - len(str(folder)) - 1))
    assert len(str(path)) == length
    path.mkdir()
    give(folder)
    server.sql(f"CREATE TABLESPACE long LOCATION '{path}'; CREATE TABLE t TABLESPACE long"
               " AS SELECT generate_series(1, 1000) AS x")
    server.sql("CREATE ROLE backup LOGIN REPLICATION")
    backup = workdir / "backup"
    pgcask("backup", server.binary_uri("backup"), "--to", backup).check()
    pgcask("verify", backup).check()
    assert not (backup / "data/tablespace_map").exists()
    oracles.verifybackup(backup / "data", major,
                         *(["-i", "tablespace_map"] if length >= 100 else [])).check()
    live = oracles.all_sums(server)
    server.stop()
    before = oracles.tree(path)
    data = workdir / "restored/data"
    data.parent.mkdir(mode=0o755)
    pgcask("restore", backup, "--to", data).check()
    started = servers.start_restored(data, major)
    assert oracles.all_sums(started) == live
    (link,) = (data / "pg_tblspc").iterdir()
    assert link.resolve().is_relative_to(workdir)
    started.stop()

    # As it lies there the tree starts as well, and does not reach for the original.
    backup.chmod(0o755)
    as_it_is = servers.start_restored(backup / "data", major)
    assert oracles.all_sums(as_it_is) == live
    assert oracles.tree(path) == before


@pytest.mark.majors(15, 18)
def test_a_tablespace_in_place_beside_a_long_path(pgcask, servers, workdir, major):
    """Up to 15 the server would leave it out without a word, and pg_basebackup's tar form does."""
    server = servers.create(major)
    path = temp.new_dir("long") / ("p" * 100)
    path.mkdir()
    give(path.parent)
    server.sql(f"CREATE TABLESPACE long LOCATION '{path}'")
    server.sql("SET allow_in_place_tablespaces = on; CREATE TABLESPACE inside LOCATION ''")
    server.sql("CREATE TABLE t TABLESPACE inside AS SELECT generate_series(1, 1000) AS x")
    oid = server.value("SELECT oid FROM pg_tablespace WHERE spcname = 'inside'")
    backup = workdir / "backup"
    result = pgcask("backup", server.binary_uri(), "--to", backup)
    if major >= 16:
        assert result.ok and any((backup / "data/pg_tblspc" / oid).rglob("PG_*")), result
        return
    assert result.rc == 1 and 'tablespace "inside" lies in the data directory' in result.stderr
    assert str(path) in result.stderr and not backup.exists()
    server.sql("DROP TABLE t; DROP TABLESPACE inside")
    pgcask("backup", server.binary_uri(), "--to", backup).check()
