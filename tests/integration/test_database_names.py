"""Databases of any name: what their archives are called, and that every place takes them."""

import hashlib
import json
import tarfile
import urllib.parse

import pytest

from pgcask_testing.logical import run_sql
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

ONE = pytest.mark.majors(18)

# Name, and how its archive is called without ".dump".
READABLE = [
    "my app", " both ends ", "Ünïcödé", "データベース", "база-данных", "قاعدة", "שלום", "한국어",
    "ไทย", "e\u0301", "🐘 and 🐳", "-rf", "back\\slash", "it's \"quoted\"", "$(touch x) `y`; *?[a]",
    "a=b&c#d@e:f", "x" * 63, "global.sql", "con.", "~",
]
ENCODED = {
    ".": "%2E", "..": "%2E.", ".hidden": "%2Ehidden", "a/b": "a%2Fb", "../../etc": "%2E.%2F..%2Fetc",
    "100%": "100%25", "a%2Fb": "a%252Fb", "my%20app": "my%2520app", "new\nline": "new%0Aline",
    "tab\tand\x7f": "tab%09and%7F", "\x1b[31mred": "%1B[31mred", "\x1c\x1d\x1f": "%1C%1D%1F",
    "c1\x9b": "c1%C2%9B", "%" * 63: "%25" * 63,
}


def every_byte():
    """Names of a database that takes bytes: together each byte but 0, as it is and in any place."""
    for start in range(1, 256, 60):
        yield bytes(range(start, min(start + 60, 256)))


def expected(name):
    """The same rule once more, in other words."""
    text = name.decode("utf-8", "surrogateescape")
    made = "".join(
        "".join(f"%{byte:02X}" for byte in each.encode("utf-8", "surrogateescape"))
        if each in "/%" or ord(each) < 32 or 127 <= ord(each) < 160 or 0xd800 <= ord(each) < 0xe000
        or (each == "." and at == 0) else each
        for at, each in enumerate(text))
    assert urllib.parse.unquote_to_bytes(made) == name
    return made


@pytest.fixture(scope="module")
def named(module_servers):
    """The server; databases of any name are made in it."""
    made = {}

    def make(major, names, encoding="UTF8"):
        if major not in made:
            made[major] = module_servers.create(major)
            made[major].sql("CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII'"
                            " LOCALE 'C'")
        server = made[major]
        script = b"SET client_encoding = 'SQL_ASCII';\n"
        for name in names:
            quoted = b'"' + name.replace(b'"', b'""') + b'"'
            script += b"CREATE DATABASE %s TEMPLATE template0 ENCODING '%s' LOCALE 'C';\n" % (
                quoted, encoding.encode())
        run_sql(server, "bytes", script)
        return server

    return make


def uri(server, name):
    return f"{server.uri(None)}/{urllib.parse.quote_from_bytes(name, safe='')}"


def shown(name, encoding="utf-8"):
    """As it stands in JSON: what is not UTF-8 is written out."""
    return name.decode(encoding, "backslashreplace")


def assert_taken(pgcask, folder, name, archive, encoding="utf-8"):
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"{archive}.dump", "globals.sql", "manifest.json", "summary.json"])
    pgcask("verify", folder).check()
    listed = json.loads(pgcask("list", folder, "--json").check().stdout)
    assert listed["database"] == shown(name)
    # The manifest is in UTF-8, whatever the database is in.
    assert [each["name"] for each in listed["databases"]] == [shown(name, encoding)]


def assert_taken_by_tars(pgcask, server, workdir, name, archive):
    pgcask("backup", uri(server, name), "--to", workdir / "file.tar").check()
    piped = pgcask("backup", uri(server, name), "--to", "-").check().stdout_bytes
    (workdir / "pipe.tar").write_bytes(piped)
    for tar in (workdir / "file.tar", workdir / "pipe.tar"):
        with tarfile.open(tar) as members:
            assert f"{archive}.dump" in members.getnames()
        pgcask("verify", tar).check()
        tar.unlink()


@ONE
@pytest.mark.parametrize("part", range(2))
def test_names_stay_readable_and_only_what_paths_cannot_hold_is_encoded(
    pgcask, named, workdir, major, part
):
    names = {**{name: name for name in READABLE}, **ENCODED}
    mine = dict(list(names.items())[part::2])
    server = named(major, [name.encode() for name in mine])
    for number, (name, archive) in enumerate(mine.items()):
        assert expected(name.encode()) == archive
        folder = workdir / str(number)
        pgcask("backup", uri(server, name.encode()), "--to", folder).check()
        assert_taken(pgcask, folder, name.encode(), archive)
        if number % 3 == part:
            assert_taken_by_tars(pgcask, server, workdir, name.encode(), archive)


@ONE
def test_databases_of_a_backup_are_chosen_by_the_names_that_they_have(pgcask, named, workdir, major):
    server = named(major, [b".hid", b"Zeta/../x"])
    pgcask("backup", server.uri(None), "--databases", '".hid","Zeta/../x"', "--layout", "numbered",
           "--to", workdir / "all").check()
    told = pgcask("restore", workdir / "all", "--to", server.uri(None), "--databases", "sh0p")
    assert told.rc == 2 and 'It has ".hid", "Zeta/../x".' in told.stderr, told
    pgcask("restore", workdir / "all", "--to", server.uri(None), "--databases", '".hid"',
           "--recreate", "--no-globals").check()


@ONE
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_names_of_any_bytes_are_taken_by_every_place(
    pgcask, plakar, named, workdir, major, encoding
):
    names = list(every_byte()) if encoding == "SQL_ASCII" else ["café".encode("latin1"), b"plain"]
    server = named(major, names, encoding)
    manifest = "latin1" if encoding == "LATIN1" else "utf-8"
    for number, name in enumerate(names):
        archive = expected(name)
        folder = workdir / str(number)
        pgcask("backup", uri(server, name), "--to", folder).check()
        assert_taken(pgcask, folder, name, archive, manifest)
        assert_taken_by_tars(pgcask, server, workdir, name, archive)
        plakar.backup(uri(server, name)).check()
        tree = plakar.restore(workdir / f"{number}.plakar", plakar.snapshots()[0])
        assert_taken(pgcask, tree, name, archive, manifest)
    assert len(plakar.snapshots()) == len(names)


@ONE
def test_plakar_takes_readable_names_as_they_are(pgcask, plakar, named, workdir, major):
    names = ["my app", "データベース", "it's \"quoted\"", "new\nline", ".."]
    server = named(major, [("2" + name).encode() for name in names])
    for number, name in enumerate(["2" + name for name in names]):
        plakar.run("source", "add", f"s{number}", server.uri(None), f"database={name}").check()
        assert "configuration OK" in plakar.run("source", "ping", f"s{number}").check().stdout
        plakar.backup(f"@s{number}").check()
        tree = plakar.restore(workdir / str(number), plakar.snapshots()[0])
        assert_taken(pgcask, tree, name.encode(), expected(name.encode()))


@ONE
def test_backups_with_names_as_they_used_to_be_written_are_read(pgcask, named, workdir, major):
    server = named(major, [b"old app"])
    folder = workdir / "old"
    pgcask("backup", uri(server, b"old app"), "--to", folder).check()
    (folder / "old app.dump").rename(folder / "old%20app.dump")
    text = (folder / "summary.json").read_bytes().replace(b"/old app.dump", b"/old%20app.dump")
    text = text[:text.index(b'"checksum"')]
    (folder / "summary.json").write_bytes(
        text + b'"checksum": "sha256:' + hashlib.sha256(text).hexdigest().encode() + b'"}\n')
    assert_taken(pgcask, folder, b"old app", "old%20app")
    verdict = pgcask("verify", folder / "old%20app.dump").check()
    assert "old app" in pgcask("list", folder / "old%20app.dump").check().stdout, verdict
