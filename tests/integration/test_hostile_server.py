"""What only a broken or hostile server sends: a named error, nothing written outside or left."""

import json
import pathlib
import subprocess

import pytest

from pgcask_testing import process
from pgcask_testing.fake_server import FakeServer, Member, base_members, manifest_of, tar_header

FORMS = pytest.mark.parametrize("form", [14, 15])


def backup(pgcask, target, form, archives, manifest=None, **options):
    made = manifest if manifest is not None else manifest_of(*archives)
    with FakeServer(form, archives, made, **options) as server:
        return pgcask("backup", server.uri, "--to", target)


def refused(pgcask, workdir, form, archives, manifest=None, **options):
    """The backup fails with one error, and the folder is as empty as before."""
    result = backup(pgcask, workdir / "backup", form, archives, manifest, **options)
    assert result.rc == 1, result
    assert not list(workdir.iterdir()), result
    errors = [line for line in result.stderr.splitlines() if line.startswith("pgcask: error: ")]
    return errors[-1]


@FORMS
def test_the_least_base_backup_is_taken(pgcask, workdir, form):
    archives = [("base", base_members())]
    assert backup(pgcask, workdir / "backup", form, archives).ok
    pgcask("verify", workdir / "backup").check()


@FORMS
@pytest.mark.parametrize("name", [
    "../evil", "/etc/evil", "base/../../evil", "base//evil", "./../evil", "base/./evil", "..",
])
def test_names_that_lead_out(pgcask, workdir, form, name):
    archives = [("base", [Member(name, b"x"), *base_members()])]
    assert "name" in refused(pgcask, workdir, form, archives)
    assert not pathlib.Path("/etc/evil").exists()


@FORMS
@pytest.mark.parametrize("member", [
    Member("base/link", type="2", link="/etc"),
    Member("base/hard", type="1", link="/etc/passwd"),
    Member("base/device", type="3"),
    Member("base/fifo", type="6"),
    Member("backup_manifest", b"{}"),
])
def test_members_that_no_base_backup_has(pgcask, workdir, form, member):
    refused(pgcask, workdir, form, [("base", [*base_members(), member])])


@FORMS
@pytest.mark.parametrize("name", ["99999", "16384.bak", "link"])
def test_a_link_that_is_no_tablespaces_is_left_out(pgcask, workdir, form, name):
    """People put such links there; where they lead is neither stored nor followed."""
    archives = [("base", [*base_members(),
                          Member(f"pg_tblspc/{name}", type="2", link="/etc")])]
    result = backup(pgcask, workdir / "backup", form, archives).check()
    assert f'warning: left out: "pg_tblspc/{name}"' in result.stderr
    assert "/etc" not in result.stderr
    assert not list(workdir.glob("backup/data/pg_tblspc/*"))
    pgcask("verify", workdir / "backup").check()
    pgcask("restore", workdir / "backup", "--to", workdir / "data").check()
    assert not list(workdir.glob("data/pg_tblspc/*"))


@FORMS
def test_a_file_below_a_link_that_is_no_tablespaces(pgcask, workdir, form):
    archives = [("base", [*base_members(), Member("pg_tblspc/99999", type="2", link="/srv"),
                          Member("pg_tblspc/99999/evil", b"x")])]
    assert "pg_tblspc/99999" in refused(pgcask, workdir, form, archives)
    assert not pathlib.Path("/srv/evil").exists()


@FORMS
def test_a_file_below_a_tablespaces_link(pgcask, workdir, form):
    archives = [(16384, [Member("PG_15", type="5"), Member("PG_15/1", b"x")]),
                ("base", [*base_members(), Member("pg_tblspc/16384", type="2", link="/srv/1"),
                          Member("pg_tblspc/16384/evil", b"x")])]
    assert "another archive" in refused(pgcask, workdir, form, archives)


@FORMS
def test_a_link_target_of_the_server_is_not_stored(pgcask, workdir, form):
    archives = [(16384, [Member("PG_15", type="5"), Member("PG_15/1", b"x")]),
                ("base", [*base_members(), Member("pg_tblspc/16384", type="2", link="/etc")])]
    assert backup(pgcask, workdir / "backup", form, archives).ok
    link = workdir / "backup/data/pg_tblspc/16384"
    assert str(link.readlink()) == "../../tablespaces/16384"
    pgcask("verify", workdir / "backup").check()


@FORMS
def test_a_tablespace_without_its_link(pgcask, workdir, form):
    archives = [(16384, [Member("PG_15", type="5")]), ("base", base_members())]
    assert "link" in refused(pgcask, workdir, form, archives)


@FORMS
def test_a_file_that_comes_twice(pgcask, workdir, form):
    archives = [("base", [*base_members(), Member("base/1", b"a"), Member("base/1", b"b")])]
    refused(pgcask, workdir, form, archives)


@FORMS
def test_a_file_that_comes_twice_into_a_tar(pgcask, workdir, form):
    archives = [("base", [*base_members(), Member("base/1", b"a"), Member("base/1", b"b")])]
    result = backup(pgcask, workdir / "backup.tar", form, archives)
    assert result.rc == 1 and not list(workdir.iterdir()), result


@FORMS
@pytest.mark.parametrize("change, word", [
    (lambda text: text.replace('"Size": 8192', '"Size": 8191'), "global/pg_control"),
    (lambda text: text.replace('"Path": "global/pg_control"', '"Path": "global/other"'),
     "global/other"),
    (lambda text: text.replace('"Checksum": "', '"Checksum": "00').replace("00", "", 0), "checksum"),
    (lambda text: text.replace(text[text.index('"Checksum": "') + 13:][:8], "00000000", 1),
     "backup_label"),
    (lambda text: text.replace('"Version": 1', '"Version": 9'), "version"),
])
def test_a_manifest_that_does_not_fit(pgcask, workdir, form, change, word):
    archives = [("base", base_members())]
    manifest = manifest_of(*archives, change=change)
    if word == "version":
        manifest = manifest.replace(b"Manifest-Version\": 1", b"Manifest-Version\": 9")
    assert word in refused(pgcask, workdir, form, archives, manifest)


@FORMS
def test_a_manifest_that_ends_early(pgcask, workdir, form):
    archives = [("base", base_members())]
    whole = manifest_of(*archives)
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        refused(pgcask, workdir, form, archives, whole[:length])


@FORMS
def test_a_file_that_the_manifest_does_not_list(pgcask, workdir, form):
    members = [*base_members(), Member("base/unlisted", b"x", listed=False)]
    assert "does not list" in refused(pgcask, workdir, form, [("base", members)])


@FORMS
def test_no_manifest_at_all(pgcask, workdir, form):
    with FakeServer(form, [("base", base_members())], None) as server:
        result = pgcask("backup", server.uri, "--to", workdir / "backup")
    assert result.rc == 1 and not list(workdir.iterdir()), result


@FORMS
def test_wal_that_is_missing(pgcask, workdir, form):
    members = [m for m in base_members() if not m.name.startswith("pg_wal/")]
    assert "WAL" in refused(pgcask, workdir, form, [("base", members)])


@FORMS
def test_no_stop_position(pgcask, workdir, form):
    refused(pgcask, workdir, form, [("base", base_members())], stop=False)


def test_an_archive_without_its_end(pgcask, workdir):
    refused(pgcask, workdir, 15, [("base", base_members())], cut=True)


@FORMS
@pytest.mark.parametrize("rows", [
    [("16384", "/srv/1", "1")],
    [(None, None, "1"), ("16384", "/srv/1", "1")],
    [("16384", "/srv/1", "1"), ("16384", "/srv/1", "1"), (None, None, "1")],
    [("0", "/srv/1", "1"), (None, None, "1")],
    [("99999999999", "/srv/1", "1"), (None, None, "1")],
    [(None, None, "-5")],
])
def test_tablespace_lists_that_make_no_sense(pgcask, workdir, form, rows):
    refused(pgcask, workdir, form, [("base", base_members())], tablespace_rows=rows)


@FORMS
def test_broken_tar_headers(pgcask, workdir, form):
    good = bytearray(tar_header(Member("base/1", b"x")))
    for position, value in ((0, 0xFF), (124, 0x38), (148, 0x37), (257, 0x00)):
        header = bytearray(good)
        header[position] ^= value
        member = Member("base/1", b"x", header=bytes(header), listed=False)
        refused(pgcask, workdir, form, [("base", [*base_members(), member])])


def test_a_member_of_more_than_8_gib(pgcask_path):
    """From the stream through a pipe of ours to verify, without being held or stored."""
    members = base_members()
    members.append(Member("base/huge", (8 << 30) + 12345))
    with FakeServer(15, [("base", members)], manifest_of(("base", members))) as server:
        backup_ = subprocess.Popen([pgcask_path, "backup", server.uri, "--to", "-", "--quiet"],
                                   stdout=subprocess.PIPE, env=process.clean_env())
        verified = process.run([pgcask_path, "verify", "-"], stdin=backup_.stdout, timeout=300)
        backup_.stdout.close()
        assert backup_.wait(20) == 0
    assert verified.rc == 0, verified
    assert verified.peak_rss < 32 * 2**20


@FORMS
def test_a_session_that_is_lost_while_configuration_is_read(pgcask, workdir, form):
    """What could not be asked for any more is named as missing, not taken for absent."""
    def sql(session, text):
        if "'hba_file'" in text:
            session.rows(("name", "setting"), ("data_directory", "/srv/data"), ("ssl", "off"),
                         ("config_file", "/etc/pg/postgresql.conf"),
                         ("hba_file", "/etc/pg/pg_hba.conf"), ("ident_file", "/srv/data/ident"))
        else:
            session.error("42501", "permission denied")

    # The fake server hangs up at a query with parameters, by which files are read.
    archives = [("base", base_members())]
    result = backup(pgcask, workdir / "backup", form, archives, sql=sql).check()
    told = json.loads((workdir / "backup/summary.json").read_text())["configuration"]
    assert told["files"] == []
    by_reason = {item["reason"].split(":")[0]: item for item in told["missing"]}
    assert by_reason["it was not read"]["path"] == "/etc/pg/postgresql.conf"
    ended = by_reason["reading ended early, more may be missing"]
    assert ended["setting"] == "config_file" and ended["path"] is None
    assert "warning: configuration" in result.stderr and "postgresql.conf" in result.stderr
    pgcask("verify", workdir / "backup").check()
    pgcask("restore", workdir / "backup", "--to", workdir / "data").check()
