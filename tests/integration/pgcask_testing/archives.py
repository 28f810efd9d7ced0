"""A custom archive of pg_dump taken apart, and put together again: of another version, with numbers
of another width, with its data in another order. And what pg_restore makes of an archive's data."""

import dataclasses
import re

from . import process

CUSTOM, UNSET, SET, NONE = 1, 1, 2, 3


@dataclasses.dataclass
class Entry:
    dump_id: int
    has_data: int
    texts: dict  # by field: bytes, or None
    section: int
    relkind: int
    dependencies: list
    place: tuple  # flag, offset
    block: bytes = None  # as `Archive.write` is to put it, less the head


@dataclasses.dataclass
class Archive:
    minor: int
    integer: int
    offset: int
    compression: int
    head: list  # seven numbers, three texts
    entries: list

    def find(self, desc, tag):
        return next(e for e in self.entries if (e.texts["desc"], e.texts["tag"])
                    == (desc.encode(), tag.encode()))


BEFORE = ("catalog", "oid", "tag", "desc")
TEXTS = ("definition", "drop", "copy", "schema", "tablespace")


class Reader:
    def __init__(self, data):
        self.data, self.at, self.integer = data, 0, 4

    def take(self, size):
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size:self.at]

    def number(self):
        sign = self.take(1)[0]
        value = int.from_bytes(self.take(self.integer), "little")
        return -value if sign else value

    def text(self):
        size = self.number()
        return None if size < 0 else self.take(size)


def read(data):
    """Every part of it; blocks as lists of (oid or None, [pieces])."""
    reader = Reader(data)
    assert reader.take(6) == b"PGDMP\1"
    minor, _, reader.integer, offset, form = reader.take(5)
    assert form == CUSTOM
    compression = reader.take(1)[0] if minor >= 15 else reader.number()
    head = [reader.number() for _ in range(7)] + [reader.text() for _ in range(3)]
    archive = Archive(minor, reader.integer, offset, compression, head, [])
    for _ in range(reader.number()):
        dump_id, has_data = reader.number(), reader.number()
        texts = {name: reader.text() for name in BEFORE}
        section = reader.number()
        texts.update({name: reader.text() for name in TEXTS})
        texts["access_method"] = reader.text() if minor >= 14 else None
        relkind = reader.number() if minor >= 16 else 0
        texts["owner"], texts["oids"] = reader.text(), reader.text()
        dependencies = []
        while (text := reader.text()) is not None:
            dependencies.append(text)
        place = reader.take(1)[0], int.from_bytes(reader.take(offset), "little")
        archive.entries.append(
            Entry(dump_id, has_data, texts, section, relkind, dependencies, place))
    by_id = {entry.dump_id: entry for entry in archive.entries}
    while reader.at < len(data):
        kind = reader.take(1)[0]
        entry = by_id[reader.number()]
        entry.block = _read_block(reader, kind)
    return archive


def _read_pieces(reader):
    pieces = []
    while (size := reader.number()) != 0:
        pieces.append(reader.take(size))
    return pieces


def _read_block(reader, kind):
    if kind == 1:
        return [(None, _read_pieces(reader))]
    objects = []
    while (oid := reader.number()) != 0:
        objects.append((oid, _read_pieces(reader)))
    return objects


class Writer:
    def __init__(self, archive):
        self.out, self.archive = bytearray(), archive

    def number(self, value):
        self.out += bytes((value < 0,)) + abs(value).to_bytes(self.archive.integer, "little")

    def text(self, value):
        self.number(-1 if value is None else len(value))
        self.out += value or b""

    def offset(self, flag, value):
        self.out += bytes((flag,)) + value.to_bytes(self.archive.offset, "little")


def write(archive, order=None, offsets=True, places=None):
    """order: of the dump ids of data; offsets: whether they are set; places: others than are true,
    by dump id."""
    writer = Writer(archive)
    writer.out += b"PGDMP\1" + bytes((archive.minor, 0, archive.integer, archive.offset, CUSTOM))
    if archive.minor >= 15:
        writer.out.append(archive.compression)
    else:
        writer.number(archive.compression)
    for value in archive.head[:7]:
        writer.number(value)
    for value in archive.head[7:]:
        writer.text(value)
    writer.number(len(archive.entries))
    holes = {}
    for entry in archive.entries:
        holes[entry.dump_id] = _write_entry(writer, entry)
    blocks = [entry for entry in archive.entries if entry.block is not None]
    if order is not None:
        blocks.sort(key=lambda entry: order.index(entry.dump_id))
    for entry in blocks:
        if offsets:
            at = (places or {}).get(entry.dump_id, len(writer.out))
            writer.out[holes[entry.dump_id]:holes[entry.dump_id] + 1 + archive.offset] = (
                bytes((SET,)) + at.to_bytes(archive.offset, "little"))
        _write_block(writer, entry)
    return bytes(writer.out)


def _write_entry(writer, entry):
    archive = writer.archive
    writer.number(entry.dump_id)
    writer.number(entry.has_data)
    for name in BEFORE:
        writer.text(entry.texts[name])
    writer.number(entry.section)
    for name in TEXTS:
        writer.text(entry.texts[name])
    if archive.minor >= 14:
        writer.text(entry.texts["access_method"])
    if archive.minor >= 16:
        writer.number(entry.relkind)
    writer.text(entry.texts["owner"])
    writer.text(entry.texts["oids"])
    for dependency in entry.dependencies:
        writer.text(dependency)
    writer.text(None)
    hole = len(writer.out)
    writer.offset(UNSET if entry.block is not None else NONE, 0)
    return hole


def _write_block(writer, entry):
    objects = entry.block and entry.block[0][0] is not None
    writer.out.append(3 if objects else 1)
    writer.number(entry.dump_id)
    for oid, pieces in entry.block:
        if objects:
            writer.number(oid)
        for piece in pieces:
            writer.number(len(piece))
            writer.out += piece
        writer.number(0)
    if objects:
        writer.number(0)


# ---- What pg_restore makes of it -----------------------------------------------------------------

OPEN = re.compile(rb"SELECT pg_catalog\.lo_open\('(\d+)', \d+\);")
PIECE = re.compile(rb"SELECT pg_catalog\.lowrite\(0, '\\x([0-9a-f]*)'\);")


def restored(tool, archive):
    """(rows, objects, all of it) as `pg_restore -f -` prints them: the text of each COPY, and the
    bytes of each large object by number."""
    sql = process.run([tool, "-f", "-", archive], timeout=300).check().stdout_bytes
    rows, objects, lines = [], {}, iter(sql.split(b"\n"))
    oid = None
    for line in lines:
        if line.endswith(b" FROM stdin;"):  # a name may have made two lines of it
            text = bytearray()
            while (row := next(lines)) != b"\\.":
                text += row + b"\n"
            rows.append(bytes(text))
        elif match := OPEN.fullmatch(line):
            oid = int(match[1])
            objects[oid] = b""
        elif match := PIECE.fullmatch(line):
            objects[oid] += bytes.fromhex(match[1].decode())
    return rows, objects, sql
