"""Base backups, archives and folders that were made to hurt: what is read is never believed.

Nothing is written outside of the target, nothing is left in it, one error names the thing, and the
memory stays within its bound.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import random
import shutil
import socket
import stat
import threading

import pytest

from pgcask_testing import hostile
from pgcask_testing.fake_server import (
    SEGMENT, SYSTEM_IDENTIFIER, FakeServer, Member, base_members, manifest_of, tar_header,
)

FORMS = pytest.mark.parametrize("form", [14, 15])
TARGETS = pytest.mark.parametrize("target", ["folder", "archive.tar"])
ESCAPES = "\x1b[2J\x1b]0;owned\x07\r\n"


@pytest.fixture(scope="module")
def judge(pgcask_path):
    return hostile.Judge(pgcask_path)


@contextlib.contextmanager
def protected():
    """A folder to work in, beside one that must not change."""
    with hostile.folder() as folder:
        inside, outside = folder / "in", folder / "outside"
        inside.mkdir()
        outside.mkdir()
        (outside / "file").write_text("mine")
        before = hostile.snapshot(outside)
        yield inside
        assert hostile.snapshot(outside) == before
        assert sorted(os.listdir(folder)) == ["in", "outside"]


@pytest.fixture
def sandbox():
    with protected() as folder:
        yield folder


# ---- Tar by hand -------------------------------------------------------------------------------


def with_checksum(header):
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def changed(member, *fields, seal=True):
    """The member with fields (position, bytes) of its header overwritten."""
    header = bytearray(tar_header(member))
    for position, value in fields:
        header[position:position + len(value)] = value
    return dataclasses.replace(member, header=with_checksum(header) if seal else bytes(header),
                               listed=False)


def extended(kind, text, size=None):
    """An extended header as a member of its own; size: another one than it has."""
    member = Member("pax" if kind in "xg" else "././@LongLink", text, listed=False)
    size = len(text) if size is None else size
    return changed(member, (156, kind.encode()), (124, b"%011o\0" % size))


def pax(*pairs):
    text = b""
    for key, value in pairs:
        entry = b" " + key + b"=" + value + b"\n"
        length = len(entry) + 1
        while len(b"%d" % length) + len(entry) != length:
            length += 1
        text += b"%d" % length + entry
    return extended("x", text)


FILE = Member("base/1", b"content", listed=False)
SIZE, MODE, OWNER, TIME, CHECKSUM, TYPE, MAGIC, PREFIX = 124, 100, 108, 136, 148, 156, 257, 345
LONG = "base/" + "x" * 5000

# What comes behind the good members of the base directory; each is refused.
MEMBERS = {
    # names
    "a name of 5000 bytes": [extended("L", LONG.encode() + b"\0"), FILE],
    "a name of 4090 bytes": [extended("L", b"base/" + b"x/" * 2042 + b"y\0"), FILE],
    "a component of 300 bytes": [extended("L", b"base/" + b"x" * 300 + b"\0"), FILE],
    "a long name that leads out": [extended("L", b"../" * 50 + b"evil\0"), FILE],
    "an absolute long name": [extended("L", b"/tmp/evil\0"), FILE],
    "a long name with a NUL": [extended("L", b"base/1\0/../../evil\0"), FILE],
    "a pax path that leads out": [pax((b"path", b"../../evil")), FILE],
    "an absolute pax path": [pax((b"path", b"/tmp/evil")), FILE],
    "a pax path with a NUL": [pax((b"path", b"base/1\0evil")), FILE],
    "a pax path of 5000 bytes": [pax((b"path", LONG.encode())), FILE],
    "a prefix that leads out": [changed(FILE, (PREFIX, b"../.."))],
    "an absolute prefix": [changed(FILE, (PREFIX, b"/tmp"))],
    "escapes in a name": [Member("../" + ESCAPES, b"x")],
    "dots": [Member("base/..", type="5")],
    "a dot inside": [Member("base/./1", b"x")],
    "a name of slashes with content": [Member("///", b"x", listed=False)],
    "no name": [changed(FILE, (0, bytes(100)))],
    # kinds
    **{f"the type {kind!r}": [changed(Member("base/odd", b""), (TYPE, kind.encode()))]
       for kind in "13468ADINSVXZ\x7f"},
    "a link out of the way": [Member("base/link", type="2", link="../../../etc")],
    "a link and a file through it": [Member("pg_tblspc/1", type="2", link="/tmp"),
                                     Member("pg_tblspc/1/evil", b"x")],
    "a link without a target": [Member("pg_tblspc/1", type="2")],
    "a sparse file": [pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.realsize", b"99")), FILE],
    "a folder with content": [changed(Member("base/d", b"x" * 5), (TYPE, b"5"))],
    "a file in place of pg_tblspc": [Member("pg_tblspc", b"x")],
    # twice
    "a file twice": [Member("base/1", b"a"), Member("base/1", b"a")],
    "a file twice by another spelling": [Member("base/1", b"a"), Member("./base/1", b"a")],
    "a WAL segment twice": [Member("pg_wal/" + SEGMENT, bytes(1 << 20), listed=False)],
    "a folder twice": [Member("base", type="5")],
    "a file without its folder": [Member("base/5/1", b"a")],
    "a folder without its folder": [Member("base/5/1", type="5")],
    "a file below a file": [Member("base/1", b"a"), Member("base/1/2", b"b")],
    "the root as a file": [changed(Member(".", b"x"), (156, b"0"))],
    "the root as an empty file": [changed(Member(".", b""), (156, b"0"))],
    "the root as a link": [Member("./", type="2", link="/etc")],
    "a file, then a folder": [Member("base/1", b"a"), Member("base/1", type="5")],
    "a folder, then a file": [Member("base/1", type="5"), Member("base/1", b"a")],
    # numbers
    "a negative size": [changed(FILE, (SIZE, b"\xff" * 12))],
    "a size of 2^63": [changed(FILE, (SIZE, b"\x80\0\0\0\x80" + bytes(7)))],
    "a size of 2^95": [changed(FILE, (SIZE, b"\x80" + b"\xff" * 11))],
    "a size of nonsense": [changed(FILE, (SIZE, b"9x\x1b[31m-000 "))],
    "a hexadecimal size": [changed(FILE, (SIZE, b"0x10\0"))],
    "a negative mode": [changed(FILE, (MODE, b"\xff" * 8))],
    "a mode of nonsense": [changed(FILE, (MODE, b"rw-r--r-"))],
    "an owner of nonsense": [changed(FILE, (OWNER, b"postgres"))],
    "an owner of 2^40": [changed(FILE, (OWNER, b"\x80\0\1" + bytes(5)))],
    "a time of nonsense": [changed(FILE, (TIME, b"yesterday\0\0\0"))],
    "a time of 2^90": [changed(FILE, (TIME, b"\x80\x03" + bytes(10)))],
    "a wrong checksum": [changed(FILE, (0, b"c"), seal=False)],
    "a checksum of nonsense": [changed(FILE, (CHECKSUM, b"zzzzzzzz"), seal=False)],
    "no checksum": [changed(FILE, (CHECKSUM, bytes(8)), seal=False)],
    # sizes that are not kept
    "more content than announced": [
        changed(Member("base/1", b"x" * 2000), (SIZE, b"%011o\0" % 10))],
    "less content than announced": [changed(FILE, (SIZE, b"%011o\0" % 100000))],
    "4 GiB announced": [changed(FILE, (SIZE, b"\x80\0\0\0\0\0\0\1" + bytes(4)))],
    "a pax size above it": [pax((b"size", b"99999999")), FILE],
    "a pax size below it": [pax((b"size", b"1")), Member("base/1", b"x" * 2000, listed=False)],
    # extended headers
    "a negative pax size": [pax((b"size", b"-1")), FILE],
    "a pax size of 2^64": [pax((b"size", b"18446744073709551616")), FILE],
    "a pax size of 2^63": [pax((b"size", b"9223372036854775807")), FILE],
    "a pax time of nonsense": [pax((b"mtime", b"1e9" + ESCAPES.encode())), FILE],
    "a pax owner of nonsense": [pax((b"uid", b"x" * 100000)), FILE],
    "a pax length of nonsense": [extended("x", b"xx path=base/2\n"), FILE],
    "a pax length beyond its end": [extended("x", b"99 path=base/2\n"), FILE],
    "a pax length of 2^64": [extended("x", b"18446744073709551615 path=1\n"), FILE],
    "a pax length of 0": [extended("x", b"0 path=base/2\n"), FILE],
    "a pax entry without its end": [extended("x", b"15 path=base/2x"), FILE],
    "a pax entry without a value": [extended("x", b"10 pathx1\n"), FILE],
    "pax of NULs": [extended("x", bytes(1000)), FILE],
    "a pax header of 2 MiB": [extended("x", b"x" * (2 << 20)), FILE],
    "a pax header that says 4 GiB": [extended("x", b"", 0xFFFFFFFF), FILE],
    "a long name of 2 MiB": [extended("L", b"x" * (2 << 20)), FILE],
    "a negative pax header": [changed(extended("x", b""), (SIZE, b"\xff" * 12)), FILE],
    "a hundred pax headers": [pax((b"path", b"base/2"))] * 100 + [FILE],
    "a hundred global headers": [extended("g", b"12 comment=\n")] * 100 + [FILE],
    "a hundred long names": [extended("L", b"base/2\0")] * 100 + [FILE],
    "a pax header and the end": [pax((b"path", b"base/2"))],
    # the end
    "one block of zeros": [Member("zeros", b"", header=bytes(512), listed=False), FILE],
    "data behind the end": [Member("zeros", b"", header=bytes(1024), listed=False), FILE],
    "a block of noise": [Member("noise", b"", header=random.Random(1).randbytes(512),
                                listed=False)],
}
# Odd, and no harm.
ACCEPTED = {
    "bytes that are not UTF-8": [Member("base/\udcff\udcfe", type="5")],
    "two names that differ in case": [Member("base/a", b"x"), Member("base/A", b"y")],
    "an empty folder": [Member("base/empty/", type="5")],
    "a name of slashes": [Member("/", type="5")],
    "a global header": [extended("g", b"12 comment=\n")],
    "a set-uid file": [Member("base/1", b"x", mode=0o6777)],
    "a time before 1970": [changed(Member("base/1", b""), (TIME, b"\xff" * 12))],
}
NO_HARM_BY_THEMSELVES = {"data behind the end"}  # a stream ends at its end mark


def taken(pgcask, target, form, members, manifest=None, **server):
    archives = [("base", [*base_members(), *members])]
    manifest = manifest_of(*archives) if manifest is None else manifest
    with FakeServer(form, archives, manifest, **server) as fake:
        return pgcask("backup", fake.uri, "--to", target, "--quiet")


@FORMS
@TARGETS
def test_a_member_that_must_not_be(pgcask, judge, form, target):
    def run(name):
        with protected() as sandbox:
            result = taken(pgcask, sandbox / target, form, MEMBERS[name])
            if name in NO_HARM_BY_THEMSELVES and result.rc == 0:
                judge.clean(result)
                return
            judge.refused(result)
            assert not list(sandbox.iterdir()), result

    hostile.all_of(MEMBERS, run)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_member_that_is_merely_odd(pgcask, judge, sandbox, name):
    archives = [("base", [*base_members(), *ACCEPTED[name]])]
    for member in archives[0][1]:
        member.listed = member.listed or name == "a time before 1970"
    result = taken(pgcask, sandbox / "backup", 15, ACCEPTED[name])
    judge.clean(result).check()
    pgcask("verify", sandbox / "backup").check()
    modes = [info.stat().st_mode for info in (sandbox / "backup").rglob("*")]
    assert not any(mode & (stat.S_ISUID | stat.S_ISGID) for mode in modes)


# ---- Tablespaces -------------------------------------------------------------------------------


def space(oid, *members):
    return (oid, [Member("PG_15", type="5"), *members])


def base(*links):
    return ("base", [*base_members(), *(Member(f"pg_tblspc/{oid}", type="2", link="/srv/x")
                                        for oid in links)])


SPACES = {
    "a link twice, another missing": ([space(16384), space(16385), base(16384, 16384)], None),
    "the same archive twice": ([space(16384), space(16384), base(16384)],
                               [("16384", "/srv/1", "1"), ("16385", "/srv/2", "1"),
                                (None, None, "1")]),
    "a file of one in another": ([space(16384, Member("../16385/evil", b"x")), space(16385),
                                  base(16384, 16385)], None),
    "a link inside": ([space(16384, Member("PG_15/link", type="2", link="/etc")), base(16384)],
                      None),
    "a link in place of it": ([(16384, [Member(".", type="2", link="/etc")]), base(16384)], None),
    "an archive more": ([space(16384), base(16384), space(16385)],
                        [("16384", "/srv/1", "1"), (None, None, "1")]),
    "an archive less": ([base(16384)], [("16384", "/srv/1", "1"), (None, None, "1")]),
    "the base directory first": ([base(16384), space(16384)], None),
    **{f"the location {name}": ([space(16384), base(16384)],
                                [("16384", location, "1"), (None, None, "1")])
       for name, location in {"of 2000 bytes": "/" + "x" * 2000, "with a NUL": "/srv/\0/1",
                              "that is missing": None}.items()},
    **{f"the OID {oid}": ([space(16384), base(16384)], [(oid, "/srv/1", "1"), (None, None, "1")])
       for oid in ("0", "-1", "4294967296", "16384x", "", " 16384", "0x4000", "1" * 1000,
                   "\x1b[31m")},
    **{f"the size {size}": ([space(16384), base(16384)],
                            [("16384", "/srv/1", size), (None, None, "1")])
       for size in ("-1", "18446744073709551615", "99999999999999999999", "x", "1e9")},
    "rows of one column": ([base()], [("16384",)]),
    "no rows": ([base()], [()]),
    "20,000 of them": ([base()], [(str(16384 + i), "/srv/1", "1") for i in range(20000)]),
}


# Up to 14 every link in pg_tblspc is announced as a tablespace, whatever people called it.
CALLED_BY_PEOPLE = {f"the OID {name}" for name in ("0", "-1", "4294967296", "16384x", " 16384",
                                                   "0x4000", "\x1b[31m")}


@FORMS
@TARGETS
def test_tablespaces_that_make_no_sense(pgcask, judge, form, target):
    def run(name):
        archives, rows = SPACES[name]
        manifest = manifest_of(*archives)
        with protected() as sandbox, FakeServer(form, archives, manifest,
                                                tablespace_rows=rows) as server:
            result = pgcask("backup", server.uri, "--to", sandbox / target, "--quiet")
            if form == 14 and name in CALLED_BY_PEOPLE:
                judge.clean(result).check()
                pgcask("verify", sandbox / target, "--quiet").check()
                assert os.listdir(sandbox) == [target]
                return
            judge.refused(result)
            assert not list(sandbox.iterdir()), result

    hostile.all_of(SPACES, run)


# ---- backup_manifest ---------------------------------------------------------------------------


def sealed(text):
    return text + (f'"Manifest-Checksum": "{hashlib.sha256(text).hexdigest()}"}}\n').encode()


@functools.cache
def manifest_body():
    return manifest_of(("base", base_members())).rpartition(b'"Manifest-Checksum"')[0]


def line(**members):
    given = {"Path": "base/1", "Size": 0, "Last-Modified": "2026-01-01 00:00:00 GMT", **members}
    return json.dumps({key.replace("_", "-"): value for key, value in given.items()
                       if value is not None}).encode()


def with_line(text):
    return sealed(manifest_body().replace(b'"Files": [\n', b'"Files": [\n' + text + b",\n"))


def edited(old, new):
    assert old in manifest_body()
    return sealed(manifest_body().replace(old, new))


LISTED = Member("backup_label", b"")
MANIFESTS = {
    "a file that was not sent": lambda: with_line(line()),
    "a file that was sent, twice": lambda: with_line(
        manifest_body().split(b'"Files": [\n')[1].split(b"\n")[0].rstrip(b",")),
    "a folder": lambda: with_line(line(Path="global")),
    "a WAL segment": lambda: with_line(line(Path="pg_wal/" + SEGMENT, Size=1 << 20)),
    "itself": lambda: with_line(line(Path="backup_manifest")),
    "a path that leads out": lambda: with_line(line(Path="../../etc/passwd")),
    "an absolute path": lambda: with_line(line(Path="/etc/passwd")),
    "a path with escapes": lambda: with_line(line(Path=ESCAPES)),
    "a path of 60,000 bytes": lambda: with_line(line(Path="x" * 60000)),
    "a path with a NUL": lambda: with_line(line(Path="base/\0evil")),
    "half a surrogate": lambda: with_line(line(Path=None).replace(
        b"{", b'{"Path": "\\ud800", ', 1)),
    "no path": lambda: with_line(line(Path=None)),
    "both paths": lambda: with_line(line(Encoded_Path="62617365")),
    "an encoded path with a NUL": lambda: with_line(line(Path=None, Encoded_Path="62006173")),
    "an encoded path that leads out": lambda: with_line(
        line(Path=None, Encoded_Path=b"../../etc/passwd".hex())),
    "an encoded path of odd length": lambda: with_line(line(Path=None, Encoded_Path="626")),
    "an encoded path that is no hex": lambda: with_line(line(Path=None, Encoded_Path="zz")),
    "an empty encoded path": lambda: with_line(line(Path=None, Encoded_Path="")),
    "a negative size": lambda: with_line(line(Size=-1)),
    "a size of 2^63": lambda: with_line(line(Size=1 << 63)),
    "a size of 400 digits": lambda: with_line(line(Size=10 ** 400)),
    "a size that is a text": lambda: with_line(line(Size="8192")),
    "a size with a fraction": lambda: with_line(line(Size=0.5)),
    "a checksum of an unknown kind": lambda: with_line(
        line(Checksum_Algorithm="MD2", Checksum="00")),
    "a checksum without its kind": lambda: with_line(line(Checksum="00")),
    "a short checksum": lambda: with_line(line(Checksum_Algorithm="CRC32C", Checksum="00")),
    "a checksum of 60,000 digits": lambda: with_line(
        line(Checksum_Algorithm="CRC32C", Checksum="0" * 60000)),
    "a key twice": lambda: with_line(b'{"Path": "a", "Path": "b", "Size": 0}'),
    "a line of a mebibyte": lambda: with_line(line(Path="x" * (1 << 20))),
    "a line without its end": lambda: manifest_body() + b"x" * (3 << 20),
    "deep JSON": lambda: with_line(b"[" * 60000),
    "dense JSON": lambda: with_line(b"[" + b"[]," * 20000 + b"[]]"),
    "deep JSON in an object": lambda: with_line(b'{"Path": ' + b'{"a":' * 10000),
    "no JSON": lambda: with_line(b"\0\x1b[31m"),
    "an array": lambda: with_line(b"[]"),
    "version 99": lambda: edited(b"Version\": 1,", b"Version\": 99,"),
    "version -1": lambda: edited(b"Version\": 1,", b"Version\": -1,"),
    "no version": lambda: edited(b"Version", b"Vision"),
    "another system": lambda: edited(b'"Files": [\n', b'"System-Identifier": x,\n"Files": [\n'),
    "no files": lambda: sealed(b'{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n],\n'
                               b'"WAL-Ranges": [\n],\n'),
    "WAL that ends before it begins": lambda: edited(b'"End-LSN": "0/2000100"',
                                                    b'"End-LSN": "0/1"'),
    "a timeline of 2^40": lambda: edited(b'"Timeline": 1', b'"Timeline": 1099511627776'),
    "a position that is none": lambda: edited(b'"Start-LSN": "0/2000028"',
                                              b'"Start-LSN": "FFFFFFFFF/0"'),
    "another checksum": lambda: manifest_body() + b'"Manifest-Checksum": "' + b"0" * 64 + b'"}\n',
    "a checksum in capitals": lambda: manifest_body() + sealed(manifest_body())[
        len(manifest_body()):].upper(),
    "no checksum": lambda: manifest_body(),
    "a checksum of the wrong length": lambda: manifest_body() + b'"Manifest-Checksum": "00"}\n',
    "something behind it": lambda: sealed(manifest_body()) + b"\n",
    "NULs behind it": lambda: sealed(manifest_body()) + bytes(512),
    "twice": lambda: sealed(manifest_body()) * 2,
    "other line ends": lambda: sealed(manifest_body().replace(b"\n", b"\r\n")),
    "a byte order mark": lambda: sealed(b"\xef\xbb\xbf" + manifest_body()),
    "NULs": lambda: bytes(100000),
    "noise": lambda: random.Random(2).randbytes(100000),
}


@FORMS
def test_a_manifest_that_must_not_be(pgcask, judge, form):
    def run(name):
        with protected() as sandbox:
            result = taken(pgcask, sandbox / "backup", form, [], MANIFESTS[name]())
            judge.refused(result)
            assert not list(sandbox.iterdir()), result

    hostile.all_of(MANIFESTS, run)


def test_folders_without_end(pgcask, judge, sandbox):
    """They are listed in summary.json, which is put together in memory: there is a limit."""
    def tamper(session, kind, data):
        if session.command_word != "BASE_BACKUP" or data[:1] + data[5:6] != b"dd":
            return data
        for number in range(150000):
            long = extended("L", b"%06d" % number + b"x" * 240 + b"\0")
            session.sock.sendall(b"".join(
                b"d" + (len(part) + 5).to_bytes(4, "big") + b"d" + part for part in (
                    long.header, long.content + bytes(-len(long.content) % 512),
                    tar_header(Member("x", type="5")))))
        return data

    archives = [("base", base_members())]
    with FakeServer(15, archives, manifest_of(*archives), tamper=tamper) as server:
        result = pgcask("backup", server.uri, "--to", sandbox / "archive.tar", "--quiet")
    assert "summary.json" in judge.refused(result, memory_more=64 << 20)
    assert not list(sandbox.iterdir())


# ---- Backups that were forged ------------------------------------------------------------------


LABEL = b"START WAL LOCATION: 0/2000028 (file " + SEGMENT.encode() + b")\n"
CONTROL = int(SYSTEM_IDENTIFIER).to_bytes(8, "little") + bytes(8184)
MANIFEST = {"version": 2, "created_at": "2026-01-01T00:00:00Z", "connector": "postgresql+bin",
            "cluster_system_identifier": SYSTEM_IDENTIFIER,
            "options": {"digest": "sha256", "manifest_checksums": "sha256"}}


def manifest_json(*first, **more):
    """Its text; `first` are lines that stand behind the names of the digests."""
    return json.dumps({**MANIFEST, **more}, indent=2).encode()


@dataclasses.dataclass
class Entry:
    """Of a backup: a file with content, a folder or a link."""

    path: str
    content: bytes = None
    link: str = None

    @property
    def type(self):
        return "2" if self.link is not None else "5" if self.content is None else "0"


class Forgery:
    """A backup that is right, lists and digests and all, or is wrong exactly where it should be."""

    def __init__(self, more=(), manifest=None, summary=lambda text: text, head=None, order=None,
                 listed=lambda text: text, records=()):
        entries = [Entry("/data"), Entry("/data/backup_label", LABEL), Entry("/data/global"),
                   Entry("/data/PG_VERSION", b"15\n"), Entry("/data/global/pg_control", CONTROL),
                   Entry("/data/pg_wal"), Entry("/data/pg_wal/" + SEGMENT, bytes(4096)), *more]
        members = [Member(self.listed_path(e.path), e.content) for e in entries
                   if e.content is not None and not e.path.endswith(SEGMENT)]
        entries.append(Entry("/data/backup_manifest",
                             manifest_of(("base", members), sha256=True, change=listed)))
        self.manifest = Entry("/manifest.json", manifest_json() if manifest is None else manifest)
        entries.insert(0, self.manifest)
        self.entries = order(entries) if order is not None else entries
        text = summary((self.head(head) + b'"records": [\n' + b",\n".join(
            [*map(self.record, filter(self.in_summary, entries)), *records]) + b"\n],\n"))
        seal = b'"checksum": "sha256:' + hashlib.sha256(text).hexdigest().encode() + b'"}\n'
        self.entries.append(Entry("/summary.json", text + seal))

    @staticmethod
    def listed_path(path):
        return path.removeprefix("/data/").replace("/tablespaces/", "pg_tblspc/")

    @staticmethod
    def in_summary(entry):
        return entry.content is None or entry.path.endswith(
            (SEGMENT, "_manifest", "/manifest.json"))

    @staticmethod
    def head(changed):
        head = {"version": 1, "producer": "pgcask", "complete": True, "kind": "physical",
                "start_lsn": "0/2000028", "stop_lsn": "0/2000100", "stop_timeline": 1,
                "finished_at": "2026-01-01T00:00:00Z", "system_identifier": SYSTEM_IDENTIFIER,
                "checksum_failures": [], **(changed or {})}
        return b"{\n" + b"".join(
            f"{json.dumps(key)}: {json.dumps(value)},\n".encode() for key, value in head.items())

    @staticmethod
    def record(entry):
        if entry.content is not None:
            made = {"path": entry.path, "bytes": len(entry.content),
                    "digest": "sha256:" + hashlib.sha256(entry.content).hexdigest()}
        elif entry.link is not None:
            made = {"path": entry.path, "type": "link", "target": entry.link}
        else:
            made = {"path": entry.path, "type": "directory"}
        return json.dumps(made).encode()

    def tar(self, before=(), behind=(), end=bytes(1024)):
        members = [*before, *(Member(e.path[1:], e.content or b"", type=e.type, link=e.link or "")
                              for e in self.entries), *behind]
        return b"".join(tar_header(m) + m.content + bytes(-len(m.content) % 512)
                        for m in members) + end

    def folder(self, path):
        for entry in self.entries:
            place = path / entry.path[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            if entry.link is not None:
                place.symlink_to(entry.link)
            elif entry.content is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(entry.content)
        return path


SHAPES = pytest.mark.parametrize("shape", ["folder", "tar", "pipe"])
COMMANDS = ("verify", "restore")


def consume(pgcask, command, source, sandbox, *options):
    """Runs the command on a folder, a .tar file or the bytes of one."""
    where, given = (source, {}) if not isinstance(source, bytes) else ("-", {"input": source})
    to = ("--to", sandbox / "restored", "--quiet") if command == "restore" else ()
    return pgcask(command, where, *to, *options, timeout=60, **given)


def shaped(forgery, shape, sandbox):
    if shape == "folder":
        return forgery.folder(sandbox / "backup")
    if shape == "pipe":
        return forgery.tar()
    (sandbox / "backup.tar").write_bytes(forgery.tar())
    return sandbox / "backup.tar"


def left_in(sandbox):
    return sorted(name for name in os.listdir(sandbox) if not name.startswith("backup"))


def refuse(pgcask, judge, command, source, sandbox, *options):
    result = consume(pgcask, command, source, sandbox, *options)
    if command == "restore":
        judge.refused(result)
    else:
        judge.clean(result)
        assert result.rc == 1, result
        assert result.stderr.count("\n") >= 1
    assert left_in(sandbox) == [], result
    return result


@SHAPES
def test_a_forgery_without_a_fault_is_a_backup(pgcask, judge, sandbox, shape):
    source = shaped(Forgery(), shape, sandbox)
    judge.clean(consume(pgcask, "verify", source, sandbox)).check()
    judge.clean(consume(pgcask, "restore", source, sandbox)).check()
    assert (sandbox / "restored/global/pg_control").read_bytes() == CONTROL


BACKUP_MEMBERS = {
    **{name: members for name, members in MEMBERS.items()
       # a tar of other tools may have these
       if not name.startswith(("a WAL segment", "the type", "a file in place", "a folder twice",
                               "a file, then", "a folder, then", "a file without",
                               "a folder without", "a file below", "the root as a link",
                               "less content", "4 GiB",
                               "more content", "a dot inside"))},
    "an absolute name": [Member("/etc/evil", b"x")],
    "a name that leads out": [Member("data/../../evil", b"x")],
    "a link to the root, and a file through it": [
        Member("data/base", type="2", link="/"), Member("data/base/evil", b"x")],
    "a link out, and a file through it": [
        Member("data/base", type="2", link="../../outside"), Member("data/base/evil", b"x")],
    "a link in place of /data": [Member("data", type="2", link="../outside")],
    "a link in place of pg_control": [
        Member("data/global/pg_control", type="2", link="../../../outside/file")],
    "a tablespace's link to elsewhere": [
        Member("data/pg_tblspc/16384", type="2", link="../../../outside")],
    "a tablespace that is a link": [Member("tablespaces/16384", type="2", link="/tmp")],
    "a link in a tablespace": [
        Member("tablespaces/16384/PG_15", type="2", link="../../outside"),
        Member("tablespaces/16384/PG_15/evil", b"x")],
    "a tablespace named ..": [Member("tablespaces/../evil", b"x")],
    "a tablespace named 0": [Member("tablespaces/0/PG_15/1", b"x")],
    "a tablespace named 2^32": [Member("tablespaces/4294967296/PG_15/1", b"x")],
    "a file beside PG_15": [Member("tablespaces/16384/evil", b"x")],
    "a hard link": [changed(Member("data/base/hard", b"", link="/etc/passwd"), (TYPE, b"1"))],
    "a device": [changed(Member("data/base/null", b""), (TYPE, b"3"))],
    "a pipe": [changed(Member("data/base/pipe", b""), (TYPE, b"6"))],
    "postmaster.pid": [Member("data/postmaster.pid", b"1\n")],
    "a name of ours": [Member("data/.pgcask-restore/x", b"x")],
    "a foreign file": [Member("etc/passwd", b"x")],
    "part 2 without part 1": [Member("data/base/1.part000002", b"x")],
    "part 0": [Member("data/base/1.part000001", b"x"), Member("data/base/1.part000003", b"x")],
    "pg_control twice": [Member("data/global/pg_control", CONTROL)],
    "pg_control of a megabyte": [Member("data/global/pg_control", bytes(1 << 20))],
    "manifest.json twice": [Member("manifest.json", b"{}"), Member("manifest.json", b"{}")],
    "summary.json first": [Member("summary.json", b"{}")],
    "200 folders deep": [Member("data/" + "x/" * 45 + f"{i}", type="5") for i in range(200)] + [
        Member("data/postmaster.pid", b"1")],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_archive_that_was_tampered_with(pgcask, judge, command):
    """In front of everything else, so that nothing before it ends the run; from a pipe."""
    def run(name):
        with protected() as sandbox:
            refuse(pgcask, judge, command, Forgery().tar(before=BACKUP_MEMBERS[name]), sandbox)

    hostile.all_of(BACKUP_MEMBERS, run)


def test_an_archive_with_a_link_behind_the_rest(pgcask, judge):
    def run(name):
        forgery = Forgery()
        summary = forgery.entries.pop()
        with protected() as sandbox:
            refuse(pgcask, judge, "restore", forgery.tar(behind=[
                *BACKUP_MEMBERS[name], Member("summary.json", summary.content)]), sandbox)

    hostile.all_of([name for name in BACKUP_MEMBERS if "link" in name], run)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_archive_that_ends_anywhere(pgcask, judge, command):
    whole = Forgery().tar()
    ends = [0, 1, 511, 512, 513, 1023, len(whole) - 1, len(whole) - 512, len(whole) - 1024,
            *random.Random(3).sample(range(len(whole) - 1024), 20)]

    def run(end):
        with protected() as folder:
            refuse(pgcask, judge, command, whole[:end], folder)

    hostile.all_of(ends, run)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_archive_with_a_damaged_byte(pgcask, judge, command):
    """Anywhere but in what has no meaning: it is found, or the content is the same."""
    whole = Forgery().tar()
    numbers = random.Random(4)
    headers = [at for at in range(0, len(whole) - 1024, 512)
               if whole[at + 257:at + 262] == b"ustar"]
    places = [at + numbers.randrange(512) for at in headers * 3]
    places += numbers.sample(range(len(whole)), 20)

    def run(at):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << numbers.randrange(8)
        with protected() as folder:
            result = judge.clean(consume(pgcask, command, bytes(damaged), folder))
            if result.rc == 1 and command == "restore":
                judge.refused(result)
            assert result.rc == 1 and left_in(folder) == [] or result.rc == 0, result
            if result.rc == 0 and command == "restore":
                assert (folder / "restored/global/pg_control").read_bytes() == CONTROL

    hostile.all_of(places, run)


DEEP = b"[" * 3000000
SUMMARIES = {
    "deep JSON": dict(summary=lambda text: text.replace(b"{\n", b'{\n"x": ' + b"[" * 60000
                                                        + b"]" * 4000 + b",\n", 1)),
    "a key twice": dict(summary=lambda text: text.replace(b"{\n", b'{\n"complete": true,\n', 1)),
    "version 99": dict(head={"version": 99}),
    "version 2^70": dict(head={"version": 1 << 70}),
    "a version that is a text": dict(head={"version": "1"}),
    "not complete": dict(head={"complete": False}),
    "complete by 1": dict(head={"complete": 1}),
    "complete by a text": dict(head={"complete": "true"}),
    "a million values": dict(head={"checksum_failures": [[]] * 15000, **{
        f"x{i}": [[]] * 15000 for i in range(66)}}),
    "8 MiB of head": dict(head={f"x{i}": "x" * 60000 for i in range(140)}),
    "a line of a mebibyte": dict(head={"x": "x" * (1 << 20)}),
    "no records": dict(summary=lambda text: text.replace(b'"records"', b'"recordz"')),
    "records that are none": dict(records=[b"[]"]),
    "a record that is cut": dict(records=[b'{"path": "/data/x", "type"']),
    "a record of NULs": dict(records=[bytes(100)]),
    "a record that leads out": dict(records=[
        b'{"path": "/data/../../etc/passwd", "bytes": 0, "digest": "sha256:' + b"0" * 64 + b'"}']),
    "a relative record": dict(records=[b'{"path": "etc", "type": "directory"}']),
    "a record with escapes": dict(records=[
        json.dumps({"path": "/data/" + ESCAPES, "type": "directory"}).encode()]),
    "a record that did not come": dict(records=[b'{"path": "/data/x", "type": "directory"}']),
    "a record twice": dict(records=[b'{"path": "/data", "type": "directory"}']),
    "a size of 2^64": dict(records=[b'{"path": "/data/x", "bytes": 18446744073709551616}']),
    "a negative size": dict(records=[b'{"path": "/data/x", "bytes": -1}']),
    "a digest of an unknown kind": dict(records=[
        b'{"path": "/data/x", "bytes": 1, "digest": "md2:00"}']),
    "a digest of 60,000 digits": dict(records=[
        b'{"path": "/data/x", "bytes": 1, "digest": "sha256:' + b"0" * 60000 + b'"}']),
    "a digest with a name of 60,000 letters": dict(records=[
        b'{"path": "/data/x", "bytes": 1, "digest": "' + b"s" * 60000 + b':00"}']),
    "another kind of record": dict(records=[b'{"path": "/data/x", "type": "device"}']),
    "a link that is not there": dict(records=[
        b'{"path": "/data/x", "type": "link", "target": "/etc"}']),
    "a summary of NULs": dict(summary=lambda text: bytes(100000)),
    "a summary of noise": dict(summary=lambda text: random.Random(5).randbytes(100000)),
    "an empty summary": dict(summary=lambda text: b""),
    "a file that is not listed": dict(listed=lambda text: text.replace(
        text[text.index('{ "Path": "PG_V'):text.index('{ "Path": "global')], "")),
    "a file listed with another size": dict(listed=lambda text: text.replace(
        '"Size": 8192', '"Size": 8191')),
    "a file listed with another checksum": dict(listed=lambda text: text.replace(
        hashlib.sha256(CONTROL).hexdigest(), "0" * 64)),
    "a file listed without a digest of the kind": dict(listed=lambda text: text.replace(
        "SHA256", "SHA512")),
    "a link that is listed": dict(more=[Entry("/data/base"), Entry("/data/base/x", link="/etc")]),
    "a tablespace's link that is listed": dict(more=[
        Entry("/data/pg_tblspc"), Entry("/data/pg_tblspc/16384", link="../../../outside")]),
    "a foreign file that is listed": dict(more=[Entry("/etc/evil", b"x")]),
    "our own name": dict(more=[Entry("/data/.pgcask.restore/x", b"x"),
                               Entry("/data/postmaster.pid", b"1\n")]),
}
ONLY_RESTORE_MINDS = {"a link that is listed", "a tablespace's link that is listed", "our own name"}


@SHAPES
@pytest.mark.parametrize("command", COMMANDS)
def test_lists_that_were_forged(pgcask, judge, shape, command):
    def run(name):
        with protected() as sandbox:
            source = shaped(Forgery(**SUMMARIES[name]), shape, sandbox)
            if command == "verify" and name in ONLY_RESTORE_MINDS:
                judge.clean(consume(pgcask, command, source, sandbox))
            else:
                refuse(pgcask, judge, command, source, sandbox)

    hostile.all_of(SUMMARIES, run)


def spaces_json(*spaces):
    return manifest_json(tablespaces=list(spaces))


MANIFEST_JSONS = {
    "nothing": b"", "NULs": bytes(100000), "noise": random.Random(6).randbytes(100000),
    "deep JSON": manifest_json()[:-2] + b', "tablespaces": ' + DEEP,
    "deep JSON elsewhere": manifest_json()[:-2] + b', "x": ' + DEEP,
    "a string without end": manifest_json()[:-2] + b', "x": "' + b"x" * 5000000,
    "dense JSON": manifest_json()[:-2] + b', "tablespaces": [' + b"[]," * 1300000 + b"[]]}",
    "as many values as may be": manifest_json()[:-2] + b', "tablespaces": [' + b"{}," * 90000
                                + b"{}]}",
    "5 MiB of tablespaces": spaces_json({"name": "x" * (5 << 20)}),
    "a million keys": json.dumps({**MANIFEST, **{f"k{i}": i for i in range(200000)}}).encode(),
    "a key of 5 MiB": manifest_json()[:-2] + b', "' + b"k" * (5 << 20) + b'": 1}',
    "tablespaces that lead out": spaces_json(
        {"name": "x", "oid": 16384, "location": "/../../outside"},
        {"name": ESCAPES, "oid": "-1", "location": ESCAPES},
        {"name": None, "oid": 1 << 70, "location": 7}, "x", [], None),
    "an identifier of 2^70": manifest_json(cluster_system_identifier=1 << 70),
    "an identifier of 5 MiB": manifest_json(cluster_system_identifier="9" * (5 << 20)),
    "long names": manifest_json()[:-2] + b', "tablespaces": [' + b",".join(
        b'{"name": "%d%s", "oid": 1}' % (i, b"x" * 900) for i in range(40000)) + b"]}",
    "keys with dots": manifest_json()[:-2] + b', "databases[].name": "x", "databases[]": {"x": 1, '
                      b'"tablespaces[]": {"tablespaces[].name": "y"}}, "tablespaces[].name": 7}',
    "keys twice": manifest_json()[:-2] + b', "tablespaces": [], "tablespaces": 1}',
}


@pytest.mark.parametrize("name", MANIFEST_JSONS)
def test_a_manifest_json_that_was_forged(pgcask, judge, sandbox, name):
    """It is only asked for facts: whatever it says, the rest decides, and nothing is written where
    it points to."""
    source = shaped(Forgery(manifest=MANIFEST_JSONS[name],
                            more=[Entry("/tablespaces"), Entry("/tablespaces/16384"),
                                  Entry("/tablespaces/16384/PG_15"),
                                  Entry("/tablespaces/16384/PG_15/1", b"x"),
                                  Entry("/data/pg_tblspc"),
                                  Entry("/data/pg_tblspc/16384", link="../../tablespaces/16384")]),
                    "tar", sandbox)
    for command in ("verify", "list"):
        result = judge.clean(pgcask(command, source))
        if result.rc == 1:
            assert command == "verify"
    result = judge.clean(consume(pgcask, "restore", source, sandbox))
    if result.rc == 1:
        judge.refused(result)
        assert left_in(sandbox) == []
    else:
        assert left_in(sandbox) == ["restored", "restored.tablespaces"]
        assert os.readlink(sandbox / "restored/pg_tblspc/16384") == str(
            sandbox / "restored.tablespaces/16384")


def test_tablespaces_without_end(pgcask, judge, sandbox):
    """Folders below pg_tblspc, of which each takes memory of its own until the end."""
    spaces = [Member(f"data/pg_tblspc/{16384 + i}", type="5") for i in range(20000)]
    source = b"".join(map(tar_header, spaces))
    refuse(pgcask, judge, "restore", source + bytes(1024), sandbox)


@pytest.mark.parametrize("kind", ["folders", "files"])
def test_a_hundred_thousand_entries(pgcask, judge, sandbox, kind):
    """32 bytes each, and their names where they have to be kept."""
    members = (Member(f"data/{i}", type="5" if kind == "folders" else "0") for i in range(100000))
    source = b"".join(map(tar_header, members)) + bytes(1024)
    result = consume(pgcask, "verify", source, sandbox)
    assert result.rc == 1
    judge.clean(result, memory_more=32 * 100000)


# ---- Folders -----------------------------------------------------------------------------------


def spoil(name, backup, outside):
    """Puts something into a backup that has no place there."""
    base = backup / "data/base"
    if name == "a folder that is a link":
        (outside / "base").mkdir()
        (outside / "base/1").write_bytes(b"content")
        os.rename(base, backup / "data/gone")
        (backup / "data/gone/1").unlink()
        (backup / "data/gone").rmdir()
        base.symlink_to(outside / "base")
    elif name == "/data that is a link":
        os.rename(backup / "data", outside / "data")
        (backup / "data").symlink_to(outside / "data")
    elif name == "/data/global that is a link":
        os.rename(backup / "data/global", outside / "global")
        (backup / "data/global").symlink_to(outside / "global")
    else:
        (base / "1").unlink()
        {
            "a file that is a link": lambda: (base / "1").symlink_to(outside / "same"),
            "a link to nothing": lambda: (base / "1").symlink_to("/nowhere"),
            "a link to itself": lambda: (base / "1").symlink_to("1"),
            "a pipe": lambda: os.mkfifo(base / "1"),
            "a socket": lambda: socket.socket(socket.AF_UNIX).bind(
                os.path.relpath(base / "1")),
            "a folder": lambda: (base / "1").mkdir(),
            "/dev/zero": lambda: os.mknod(base / "1", stat.S_IFCHR | 0o600, os.makedev(1, 5)),
            "a huge sparse file": lambda: sparse(base / "1", 1 << 33),
        }[name]()


def sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


SPOILT = ["a folder that is a link", "/data that is a link", "/data/global that is a link",
          "a file that is a link", "a link to nothing", "a link to itself", "a pipe", "a socket",
          "a folder", "/dev/zero"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", SPOILT)
def test_a_folder_with_something_else_in_it(pgcask, judge, sandbox, command, name,
                                            monkeypatch):
    monkeypatch.chdir(sandbox)
    elsewhere = sandbox / "backup.elsewhere"
    elsewhere.mkdir()
    (elsewhere / "same").write_bytes(b"content")
    backup = Forgery(more=[Entry("/data/base"), Entry("/data/base/1", b"content")]).folder(
        sandbox / "backup")
    consume(pgcask, "verify", backup, sandbox).check()
    spoil(name, backup, elsewhere)
    refuse(pgcask, judge, command, backup, sandbox)


def swapping(one, other, stop):
    """Exchanges two names as fast as it goes."""
    while not stop.is_set():
        try:
            os.rename(one, f"{one}.aside")
            os.rename(other, one)
            os.rename(one, other)
            os.rename(f"{one}.aside", one)
        except OSError:
            pass


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_swapped_for_a_link_while_it_is_read(pgcask, judge, sandbox, command):
    """What is restored never comes from where the link leads."""
    elsewhere = sandbox / "backup.elsewhere"
    elsewhere.mkdir()
    names = [f"{i}" for i in range(50)]
    for name in names:
        (elsewhere / name).write_bytes(b"stolen!")
    backup = Forgery(more=[Entry("/data/base"), *(
        Entry(f"/data/base/{name}", b"content") for name in names)]).folder(sandbox / "backup")
    (backup / "data/base.link").symlink_to(elsewhere)
    os.rename(backup / "data/base.link", sandbox / "backup.link")
    stop = threading.Event()
    swapper = threading.Thread(target=swapping, args=(
        str(backup / "data/base"), str(sandbox / "backup.link"), stop))
    swapper.start()
    try:
        for _ in range(25):
            result = judge.clean(consume(pgcask, command, backup, sandbox))
            assert b"stolen" not in b"".join(
                path.read_bytes() for path in (sandbox / "restored").rglob("*") if path.is_file())
            if result.rc == 1:
                assert left_in(sandbox) == [], result
            else:
                shutil.rmtree(sandbox / "restored", ignore_errors=True)
    finally:
        stop.set()
        swapper.join()


def test_a_target_whose_folders_are_swapped_for_links(pgcask, judge, sandbox):
    """Somebody else who may write into the target cannot lead us out of it."""
    backup = Forgery(more=[Entry("/data/base"), *(
        Entry(f"/data/base/{i}", b"content") for i in range(50))]).folder(sandbox / "backup")
    link = sandbox / "backup.link"
    outside = sandbox.parent / "outside"
    link.symlink_to(outside)
    stop = threading.Event()
    swapper = threading.Thread(target=swapping, args=(
        str(sandbox / "restored/base"), str(link), stop))
    swapper.start()
    try:
        for _ in range(25):
            result = judge.clean(consume(pgcask, "restore", backup, sandbox))
            assert os.listdir(outside) == ["file"], result
            shutil.rmtree(sandbox / "restored", ignore_errors=True)
    finally:
        stop.set()
        swapper.join()
