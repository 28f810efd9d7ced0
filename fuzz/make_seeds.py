#!/usr/bin/env python3
"""Makes those seeds that are tedious to type: fuzz/seeds/{archive,archive_data,authentication,session,base_backup,options,export}.

    fuzz/make_seeds.py

Each target's head comment says what its first bytes mean.
"""

import base64
import gzip
import hashlib
import hmac
import io
import json
import pathlib
import struct
import tarfile
import zlib

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"


def write(target, name, content):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


# ---- Messages ------------------------------------------------------------------------------------


def message(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def text(*values):
    return b"".join(value.encode() + b"\0" for value in values)


def report(kind, severity, sqlstate, words, **more):
    body = text("S" + severity, "V" + severity, "C" + sqlstate, "M" + words)
    return message(kind, body + text(*(key + value for key, value in more.items())) + b"\0")


def columns(*names):
    fields = b"".join(text(name) + struct.pack("!IHIhiH", 0, 0, 25, -1, -1, 0) for name in names)
    return message("T", struct.pack("!H", len(names)) + fields)


def row(*values):
    cells = b"".join(
        struct.pack("!i", -1) if value is None else struct.pack("!I", len(value)) + value.encode()
        for value in values
    )
    return message("D", struct.pack("!H", len(values)) + cells)


def result(names, *rows, tag="SELECT"):
    return columns(*names) + b"".join(row(*r) for r in rows) + message("C", text(tag))


READY = message("Z", b"I")
COPY_OUT = message("H", b"\0\0\0")
NOTICE = report("N", "WARNING", "01000", "page verification failed", D="on page 7", H="look", W="line 1")
ERROR = report("E", "ERROR", "42501", "permission denied", D="no", H="GRANT")
FATAL = report("E", "FATAL", "28P01", "password authentication failed")
KEY = message("K", struct.pack("!I", 4711) + b"\1\2\3\4")


def data(content):
    return message("d", content)


# ---- authentication ------------------------------------------------------------------------------


def scram(iterations=1, mechanisms=("SCRAM-SHA-256",)):
    """A server that knows the password; the client's nonce is support/fake_server.h's."""
    first_bare = "n=,r=rOprNGfwEbeRWgbNEkqO"
    nonce, salt = "rOprNGfwEbeRWgbNEkqO" + "SERVERNONCE", b"sixteen byte slt"
    server_first = f"r={nonce},s={base64.b64encode(salt).decode()},i={iterations}"
    without_proof = f"c=biws,r={nonce}"
    auth = ",".join((first_bare, server_first, without_proof)).encode()
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", salt, iterations)
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    signature = base64.b64encode(hmac.digest(server_key, auth, "sha256")).decode()
    return (
        message("R", struct.pack("!I", 10) + text(*mechanisms) + b"\0")
        + message("R", struct.pack("!I", 11) + server_first.encode())
        + message("R", struct.pack("!I", 12) + f"v={signature}".encode())
    )


def authentication():
    ok = message("R", struct.pack("!I", 0))
    status = message("S", text("server_version", "18.4")) + message("S", text("in_hot_standby", "off"))
    end = status + KEY + READY
    md5 = message("R", struct.pack("!I", 5) + b"salt")
    clear = message("R", struct.pack("!I", 3))
    version = message("v", struct.pack("!II", 196608, 0))
    options = message("v", struct.pack("!II", 196608, 1) + text("_pq_.x"))
    cases = {
        "trust": (0, ok + end),
        "scram": (0, scram() + ok + end),
        "scram-required": (1, scram(4096) + ok + end),
        "scram-plus": (0, scram(1, ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")) + ok + end),
        "scram-skipped": (1, scram()[:60] + ok + end),
        "scram-bound": (1 | 8, scram() + ok + end),
        "md5": (0, md5 + ok + end),
        "clear": (0, clear + ok + end),
        "clear-forbidden": (2, clear + ok + end),
        "no-password": (16, clear),
        "refused": (32, FATAL),
        "database": (64, NOTICE + version + ok + NOTICE + end),
        "version": (0, options + ok + end),
        "long-key": (0, ok + message("K", struct.pack("!I", 1) + b"k" * 256) + READY),
        "gss": (0, message("R", struct.pack("!I", 7))),
        "stranger": (0, b"HTTP/1.0 400 Bad Request\r\n\r\n"),
    }
    for name, (choice, says) in cases.items():
        write("authentication", name, bytes((choice, 2)) + says)


# ---- session -------------------------------------------------------------------------------------


def session():
    rows = result(("a", "b"), ("1", None), ("", "two"), tag="SELECT 2")
    copy = COPY_OUT + data(b"1\tx\n") + NOTICE + data(b"") + data(b"y" * 300) + message("c")
    copy += message("C", text("COPY 3")) + READY
    extended = message("1") + message("2") + message("t", struct.pack("!HII", 2, 25, 25))
    extended += columns("a") + row("1") + message("s")
    notification = message("A", struct.pack("!I", 7) + text("channel", "payload"))
    cases = {
        "query": (0, rows + READY),
        "two-statements": (0, rows + NOTICE + rows + READY),
        "error": (0, columns("a") + ERROR + READY + rows + READY),
        "params": (1, message("1") + message("2") + columns("a", "b") + row("x", None)
                   + message("C", text("SELECT 1")) + READY),
        "no-rows": (1, message("1") + message("2") + message("n") + message("C", text("SET")) + READY),
        "copy-out": (2, copy),
        "copy-in": (2, message("G", b"\0\0\1\0\0") + notification + message("C", text("COPY 1")) + READY),
        "copy-in-refused": (2, message("G", b"\0\0\0") + ERROR + READY),
        "copy-both": (2, message("W", b"\0\0\0") + data(b"w") + message("c")
                      + message("C", text("COPY 0")) + READY),
        "pipeline": (3, extended + READY + message("3") + READY),
        "drain": (4, copy + rows + READY),
        "parameters": (0, message("S", text("server_encoding", "UTF8")) + message("I") + READY),
        "fatal": (0, FATAL),
        "three": (0 + 5 * 2 + 25 * 1, rows + READY + copy + message("1") + message("2") + message("n")
                  + message("C", text("SET")) + READY),
    }
    for name, (deeds, says) in cases.items():
        write("session", name, bytes((deeds, 6)) + says)


# ---- base_backup ---------------------------------------------------------------------------------


def archive(members, trailer=True):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
        size = out.tell()
    whole = out.getvalue()
    return whole[: size + 1024] if trailer else whole[:size]


def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return struct.pack("<I", crc ^ 0xFFFFFFFF).hex()


def manifest(files):
    lines = ['{ "PostgreSQL-Backup-Manifest-Version": 1,', '"Files": [']
    entries = [
        json.dumps({"Path": path, "Size": len(content), "Last-Modified": "2026-11-22 17:00:00 GMT",
                    "Checksum-Algorithm": "CRC32C", "Checksum": crc32c(content)})
        for path, content in files
    ]
    lines += [entry + "," for entry in entries[:-1]] + entries[-1:]
    lines += ["],", '"WAL-Ranges": [',
              '{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000100" }', "],"]
    body = ("\n".join(lines) + "\n").encode()
    return body + b'"Manifest-Checksum": "' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


LABEL = b"START WAL LOCATION: 0/2000028\nBACKUP FROM: standby\n"
BASE = [("backup_label", LABEL), ("base", None), ("base/1", None), ("base/1/1259", b"page" * 40),
        ("pg_wal", None), ("pg_wal/000000010000000000000002", b"w" * 600),
        ("pg_tblspc", None), ("pg_tblspc/16384", "/srv/space"), ("global", None),
        ("global/pg_control", b"c" * 64)]
SPACE = [("PG_15_202209061", None), ("PG_15_202209061/5", None), ("PG_15_202209061/5/16385", b"row" * 9)]


def listing():
    files = [(name, content) for name, content in BASE
             if isinstance(content, bytes) and not name.startswith("pg_wal/")]
    return manifest(files + [("pg_tblspc/16384/" + name, content) for name, content in SPACE
                             if isinstance(content, bytes)])


def backup_head(in_place=False):
    start = result(("recptr", "tli"), ("0/2000028", "1"))
    location = "pg_tblspc/16384" if in_place else "/srv/space"
    return start + result(("spcoid", "spclocation", "size"), ("16384", location, "1"), (None, None, "7"))


def backup_tail(failure=False):
    stop = result(("recptr", "tli"), ("0/2000100", "1"))
    if failure:
        stop += report("E", "ERROR", "XX001", "checksum verification failure during base backup")
    return stop + message("C", text("SELECT")) + READY


def chunks(content, size=700):
    return [content[at : at + size] for at in range(0, len(content), size)]


def typed(pack, in_place=False, failure=False):
    out = backup_head(in_place) + COPY_OUT
    base = [m for m in BASE if not in_place or not isinstance(m[1], str)]
    if in_place:
        base.append(("pg_tblspc/16384", None))
    for name, members in (("16384.tar", SPACE), ("base.tar", base)):
        location = "" if name == "base.tar" else "/srv/space"
        out += data(b"n" + text(name, location))
        out += b"".join(data(b"d" + part) for part in chunks(pack(archive(members))))
        out += data(b"p" + struct.pack("!Q", 4096))
    out += data(b"m") + b"".join(data(b"d" + part) for part in chunks(listing()))
    return out + message("c") + message("C", text("SELECT")) + backup_tail(failure)


def untyped():
    out = backup_head()
    for members in (SPACE, BASE):
        out += COPY_OUT + b"".join(data(part) for part in chunks(archive(members, False)))
        out += message("c")
    out += COPY_OUT + b"".join(data(part) for part in chunks(listing())) + message("c")
    return out + backup_tail()


def gzipped(content):
    return gzip.compress(content, mtime=0)


def base_backup():
    records = 16
    cases = {
        "events-13": (0, untyped()),
        "events-15": (2, typed(bytes)),
        "events-18-gzip": (3 | 1 << 2, typed(gzipped)),
        "events-18-zlib": (3 | 1 << 2, typed(zlib.compress)),
        "records-14": (1 | records, untyped()),
        "records-15": (2 | records, typed(bytes)),
        "records-18-gzip": (3 | 1 << 2 | records, typed(gzipped)),
        "records-in-place": (2 | records, typed(bytes, in_place=True)),
        "checksum-failure": (3 | records, typed(bytes, failure=True)),
        "refused": (3, ERROR + READY),
    }
    for name, (choice, says) in cases.items():
        write("base_backup", name, bytes((choice, 40)) + says)


# ---- options -------------------------------------------------------------------------------------


def options():
    cases = {
        "backup": (0, ["postgresql://u:secret@h/db", "/srv/backup", "--max-rate", "32M"]),
        "backup-keys": (0, ["max_rate=1G", "checkpoint=spread", "transfer_compression=zstd:3"]),
        "verify": (1, ["/srv/backup", "--quiet"]),
        "restore": (2, ["/srv/backup", "/data", "--replace", "--tablespace-map=/a=/b"]),
        "ping": (4, ["host=h password=secret user=u", "--json"]),
        "help": (0, ["--help"]),
        "dashes": (0, ["--", "--max-rate", "-"]),
        "unknown": (0, ["--max-rat=7", "-x"]),
        "durations": (0, ["--stall-timeout=1h30m", "--max-retained-wal=16GiB", "--max-rate=x"]),
    }
    for name, (command, words) in cases.items():
        write("options", name, bytes((command,)) + "\n".join(words).encode())


# ---- archive -------------------------------------------------------------------------------------


def number(value):
    return bytes((value < 0,)) + struct.pack("<I", abs(value))


def string(value):
    return number(-1) if value is None else number(len(value)) + value.encode()


def placed(minor, compression, entries, blocks):
    """A custom archive whose offsets are set: blocks by dump id."""
    contents = toc(minor, compression, 1, *entries)
    at = len(contents)
    places = {}
    for dump_id, block in blocks:
        places[dump_id] = at
        at += len(block)
    head = toc(minor, compression, 1)[:-5] + number(len(entries))
    body = b"".join(
        entry(minor, 1, *e)[:-9] + (b"\2" + struct.pack("<Q", places[e[0]]) if e[0] in places
                                    else b"\3" + bytes(8)) for e in entries)
    return head + body + b"".join(block for _, block in blocks)


def zstd(content):
    """A frame of one block that is not packed."""
    return (b"\x28\xb5\x2f\xfd\x20" + bytes((len(content),))
            + struct.pack("<I", len(content) << 3 | 1)[:3] + content)


def lz4(content):
    """The same; the third byte of the header is its checksum."""
    return (b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", len(content) | 1 << 31) + content
            + bytes(4))


def toc(minor, compression, form, *entries):
    method = bytes((compression,)) if minor >= 15 else number(-compression)
    head = b"PGDMP\1" + bytes((minor, 0, 4, 8, form)) + method
    head += b"".join(number(part) for part in (7, 30, 12, 22, 10, 126, 0))
    head += string("app") + string("18.1") + string("a seed") + number(len(entries))
    return head + b"".join(entry(minor, form, *e) for e in entries)


def entry(minor, form, dump_id, desc, tag, copy=None, depends=()):
    data = desc in ("TABLE DATA", "BLOBS")
    out = number(dump_id) + number(data) + string("1259") + string("16384") + string(tag)
    out += string(desc) + number(3 if data else 2)
    out += b"".join(string(t) for t in (
        None if data else f"CREATE {desc} {tag};\n", "", copy, "public", ""))
    out += string("heap") if minor >= 14 else b""
    out += (number(ord("r")) if minor >= 16 else b"") + string("postgres") + string("false")
    out += b"".join(string(str(d)) for d in depends) + string(None)
    if form == 3:
        return out + string(f"{dump_id}.dat" if data else "")
    return out + bytes((1 if data else 3,)) + bytes(8)


def archives():
    rows = b"1\t\\N\n2\ttwo\n\\.\n\n\n"
    table = (1, "TABLE", "t")
    tables = (table, (2, "TABLE DATA", "t", "COPY public.t (a, b) FROM stdin;\n", (1, 1)))
    blobs = (3, "BLOBS", "7..8", None, (4,))

    def block(kind, dump_id, *parts):
        return bytes((kind,)) + number(dump_id) + b"".join(parts)

    def chunk(content):
        return number(len(content)) + content

    packed = zlib.compress(rows)
    halves = chunk(packed[:9]) + chunk(packed[9:])
    objects = block(3, 3, number(7), chunk(b"content"), number(0), number(8), number(0), number(0))
    customs = {
        "1.14-gzip": toc(14, 1, 1, *tables) + block(1, 2, halves, number(0)),
        "1.14-none": toc(14, 0, 1, *tables, blobs) + block(1, 2, chunk(rows), number(0)) + objects,
        "1.15-gzip": toc(15, 1, 1, *tables) + block(1, 2, chunk(packed), number(0)),
        "1.16-none": toc(16, 0, 1, *tables, blobs) + objects + block(1, 2, chunk(rows), number(0)),
        "1.16-no-data": toc(16, 3, 1, table),
        "1.13": toc(13, 0, 1),
    }
    for name, content in customs.items():
        write("archive", name, bytes((40,)) + content)

    rows_of = {0: rows, 1: packed, 2: lz4(rows), 3: zstd(rows)}
    other = (5, "TABLE DATA", "u", "COPY public.u (a, b) FROM stdin;\n")
    for minor, method in ((12, 1), (14, 0), (15, 2), (16, 3)):
        first = block(1, 2, chunk(rows_of[method]), number(0))
        second = block(1, 5, chunk(rows_of[method][:11]), chunk(rows_of[method][11:]), number(0))
        large = block(3, 3, number(7), number(0), number(0)) if method == 0 else block(
            3, 3, number(7), chunk(rows_of[method]), number(0), number(0))
        entries = (*tables, blobs, other)
        unset = toc(minor, method, 1, *entries) + second + large + first
        write("archive_data", f"1.{minor}-unset", bytes((40,)) + unset)
        content = placed(minor, method, entries, [(5, second), (3, large), (2, first)])
        write("archive_data", f"1.{minor}-set", bytes((40,)) + content)
        lying = content.replace(struct.pack("<Q", len(content) - len(first)), struct.pack("<Q", 9))
        write("archive_data", f"1.{minor}-lying", bytes((40,)) + lying)

    def files(*members):
        return b"".join(
            bytes((len(name),)) + name.encode() + struct.pack("<H", len(content)) + content
            for name, content in members)

    folders = {
        "folder": (("toc.dat", toc(16, 0, 3, *tables, blobs)), ("2.dat", rows), ("blob_7.dat", b"x"),
                   ("blob_8.dat", b""), ("blobs_3.toc", b"7 blob_7.dat\n8 blob_8.dat\n")),
        "folder-gzip": (("toc.dat.gz", gzipped(toc(14, 1, 3, *tables))), ("2.dat.gz", gzipped(rows))),
    }
    for name, members in folders.items():
        write("archive", name, bytes((41,)) + files(*members))


# ---- export --------------------------------------------------------------------------------------


def exports():
    def field(number, content):
        if isinstance(content, int):
            return bytes((number << 3, content))
        length = len(content)
        return bytes((number << 3 | 2,)) + (
            bytes((length,)) if length < 128 else bytes((length & 127 | 128, length >> 7))) + content

    def record(path, has_content=True, directory=False):
        mode = b"\x18\xed\x83\x80\x80\x08" if directory else field(3, 36)
        info = field(1, path.rpartition(b"/")[2] or b"/") + mode + field(4, field(1, 9))
        return field(1, (field(1, 1) if has_content else b"") + field(2, path) + field(8, info))

    def sent(*messages):
        return b"".join(struct.pack(">H", len(each)) + each for each in messages)

    def file(path, *chunks):
        return (record(path), *(field(2, chunk) for chunk in chunks), field(2, b""))

    root = record(b"/", False, True)
    write("export", "files", sent(root, *file(b"/manifest.json", b"{}"), *file(b"/a.dump", b"x" * 200, b"y"),
                                  record(b"/d", False, True), *file(b"/d/e")))
    write("export", "no-slash", sent(*file(b"00001-a.dump", b"PGDMP")))
    write("export", "cut", sent(root, *file(b"/a", b"1", b"2")[:-1]))
    write("export", "hostile", sent(*file(b"/../x", b"1"), *file(b"/\xff"), *file(b""), record(b"/a\0b")))
    write("export", "attribute", sent(field(1, field(1, 1) + field(2, b"/a") + field(4, 1)),
                                      field(2, b"v"), field(2, b""), *file(b"/a", b"c")))
    write("export", "newer", sent(field(9, b"what") + record(b"/n"), field(9, 1) + field(2, b"c"),
                                  field(2, b"")))


authentication()
session()
base_backup()
options()
archives()
exports()
