"""Logical backups of databases in every encoding that a server has, whatever encoding the role, the
database, the environment or the connection string asks for."""

import itertools
import json
import re

import pytest

from pgcask_testing import logical, paths

# A word of each encoding, in its bytes. All names and rows are made of it.
WORDS = {
    "UTF8": "é€日本𐍈".encode(), "SQL_ASCII": b"\xff\x80\xe4", "MULE_INTERNAL": b"\x81\xe9\x81\xff",
    "EUC_JP": "日本語".encode("euc_jp"), "EUC_CN": "中文".encode("gb2312"),
    "EUC_KR": "한글".encode("euc_kr"), "EUC_TW": b"\xc4\xe3\xa4\xa1\x8e\xa2\xa1\xa1",
    "EUC_JIS_2004": b"\xc6\xfc\xa4\xf7\x8f\xa1\xa1", "KOI8R": "проба".encode("koi8_r"),
    "KOI8U": "їжак".encode("koi8_u"), "ISO_8859_5": "проба".encode("iso8859_5"),
    "ISO_8859_6": "عرب".encode("iso8859_6"), "ISO_8859_7": "δοκ".encode("iso8859_7"),
    "ISO_8859_8": "שלום".encode("iso8859_8"),
    **{f"LATIN{n}": b"\xe4\xf6\xe9" for n in range(1, 11)},
    **{f"WIN{n}": b"\xe4\xf6\xe9" for n in (866, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257)},
    "WIN874": b"\xa1\xa2", "WIN1258": b"\xe4\xf6",
}
ALL = sorted(WORDS)
FEW = ["EUC_KR", "LATIN1", "MULE_INTERNAL"]


@pytest.fixture(scope="module")
def cluster(module_servers, major):
    server = module_servers.create(major, name=f"encodings{major}")
    server.sql("ALTER SYSTEM SET log_statement = 'all'; ALTER SYSTEM SET log_replication_commands = on")
    server.sql("SELECT pg_reload_conf()")
    return server


def make(server, encoding):
    db, word = f"in_{encoding.lower()}", WORDS[encoding]
    logical.make(server, db, options=f"TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    logical.run_sql(server, db, b"""
        CREATE SCHEMA "s_W"; CREATE TYPE "e_W" AS ENUM ('l_W');
        CREATE TABLE "s_W"."t_W" ("c_W" text DEFAULT 'd_W' CHECK ("c_W" <> 'x_W'), e "e_W");
        INSERT INTO "s_W"."t_W" VALUES ('r_W', 'l_W'), (DEFAULT, NULL);
        COMMENT ON TABLE "s_W"."t_W" IS 'k_W';
        CREATE FUNCTION "f_W"("a_W" text) RETURNS text LANGUAGE sql AS 'SELECT ''b_W''::text';
        CREATE VIEW "v_W" AS SELECT "c_W" AS "n_W" FROM "s_W"."t_W" WHERE "c_W" <> 'y_W';
        CREATE TABLE "p_W" (a text) PARTITION BY LIST (a);
        CREATE TABLE "q_W" PARTITION OF "p_W" FOR VALUES IN ('o_W');
        CREATE SEQUENCE "z_W"; CREATE TABLE plain (a regclass); INSERT INTO plain VALUES ('"z_W"');
        """.replace(b"_W", b"_" + word))
    return db


def assert_round_trip(pgcask, server, db, folder, env=None, **settings):
    """Backup, verify, stock pg_restore, comparison: the archive is in the database's encoding."""
    made = pgcask("backup", server.uri(db, **settings), "--to", folder / "backup", "--quiet",
                  env=env)
    assert made.ok and made.stderr == "", made
    pgcask("verify", folder / "backup").check()
    (archive,) = (folder / "backup").glob("*.dump")
    logical.create_like(server, db, "copy")
    logical.restore(server, archive, "copy")
    if "client_encoding" in settings:  # the lists of the archives are not in one encoding
        assert logical.dump_schema(server, db) == logical.dump_schema(server, "copy")
        assert logical.table_sums(server, db) == logical.table_sums(server, "copy")
    else:
        logical.assert_equal(server, db, "copy", archive, folder)
    logical.drop(server, "copy")
    return folder / "backup"


@pytest.mark.parametrize("encoding", ALL)
@pytest.mark.majors(13, 18)
@pytest.mark.sampled(1)
def test_every_encoding_comes_back(pgcask, cluster, major, workdir, encoding):
    if major == 13 and encoding not in FEW:
        pytest.skip("a few are enough of each major")
    db = make(cluster, encoding)
    pgcask("check", cluster.uri(db)).check()
    folder = assert_round_trip(pgcask, cluster, db, workdir)
    (archive,) = folder.glob("*.dump")
    sql = logical.as_sql(cluster, archive, workdir / "sql").read_bytes()
    assert f"SET client_encoding = '{encoding}';".encode() in sql
    for letter in b"setcdxrlkfabvnypqoz":
        assert bytes([letter]) + b"_" + WORDS[encoding] in sql, chr(letter)
    # manifest.json is UTF-8: what does not convert is escaped, and says so.
    manifest = json.loads((folder / "manifest.json").read_text())
    (database,) = [each for each in manifest["databases"] if each["name"] == db]
    assert len([each for each in database["relations"] if each["name"] != "plain"]) >= 4
    assert not manifest.get("unavailable")


ASKED = {
    "environment": ({"PGCLIENTENCODING": "{other}"}, {}, ""),
    "options": ({"PGOPTIONS": "-c client_encoding={other}"}, {}, ""),
    "role": ({}, {}, "ALTER ROLE {role} IN DATABASE {db} SET client_encoding = '{other}'"),
    "database": ({}, {}, "ALTER DATABASE {db} SET client_encoding = '{other}'"),
    "string: auto": ({"PGCLIENTENCODING": "{other}"}, {"client_encoding": "auto"}, ""),
    "string: its own": ({}, {"client_encoding": "{own}"}, ""),
}


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.sampled(1)
def test_what_others_ask_for_does_not_matter(pgcask, cluster, workdir, asked):
    """Be there a conversion or none, a character for what is there or none."""
    environment, settings, sql = ASKED[asked]
    for own, other in (("UTF8", "LATIN1"), ("LATIN1", "UTF8"), ("EUC_KR", "LATIN1"),
                       ("EUC_JIS_2004", "UTF8"), ("MULE_INTERNAL", "UTF8"), ("KOI8R", "WIN1251")):
        if asked in ("role", "database") and (own, other) not in (("UTF8", "LATIN1"),
                                                                  ("LATIN1", "UTF8"),
                                                                  ("KOI8R", "WIN1251")):
            continue  # the server warns of what it has no conversion for
        db = make(cluster, own)
        names = {"own": own, "other": other, "db": db, "role": cluster.superuser}
        filled = [{name: value.format(**names) for name, value in each.items()}
                  for each in (environment, settings)]
        folder = workdir / own
        folder.mkdir()
        if sql:
            logical.run_sql(cluster, "postgres", sql.format(**names))
        try:
            backup = folder / "backup"
            result = pgcask("backup", cluster.uri(db, **filled[1]), "--to", backup, "--quiet",
                            env=filled[0])
            assert result.ok and result.stderr == "", (own, result)
            (archive,) = backup.glob("*.dump")
            text = logical.as_sql(cluster, archive, folder / "sql").read_bytes()
            assert f"SET client_encoding = '{own}';".encode() in text
            assert b"r_" + WORDS[own] in text and b'"t_' + WORDS[own] + b'"' in text
            pgcask("check", cluster.uri(db, **filled[1]), env=filled[0]).check()
        finally:
            if sql:
                logical.run_sql(cluster, "postgres", f"DROP DATABASE {db}")


@pytest.mark.majors(18)
@pytest.mark.parametrize("own, other, taken", [
    ("LATIN1", "UTF8", True), ("KOI8R", "WIN1251", True), ("UTF8", "LATIN1", False),
    ("EUC_KR", "LATIN1", False), ("MULE_INTERNAL", "UTF8", False)])
def test_the_string_may_name_another(pgcask, cluster, workdir, own, other, taken):
    """Then it is what was asked for, or an error that says how to go on; never half of it."""
    db = make(cluster, own)
    if taken:
        folder = assert_round_trip(pgcask, cluster, db, workdir, client_encoding=other)
        (archive,) = folder.glob("*.dump")
        sql = logical.as_sql(cluster, archive, workdir / "sql").read_bytes()
        assert f"SET client_encoding = '{other}';".encode() in sql
        return
    result = pgcask("backup", cluster.uri(db, client_encoding=other), "--to", workdir / "backup",
                    "--quiet")
    assert result.rc == 1 and result.stderr.count("error: ") == 1, result
    assert "Leave client_encoding away" in result.stderr, result
    assert not list(workdir.iterdir())


@pytest.mark.majors(13, 18)
def test_what_is_sent_to_a_server_is_ascii(pgcask, cluster, workdir):
    """But for names of its users'. A server refuses bytes that its database's encoding has not."""
    logical.run_sql(cluster, "postgres", logical.script("roles"))
    db = logical.make(cluster, "ascii_only", logical.script("kinds"),
                      options="TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
    start = len(cluster.log)
    pgcask("check", cluster.uri(db)).check()
    pgcask("check", cluster.uri(db, scheme="postgres+bin"))
    pgcask("backup", cluster.uri(db), "--to", workdir / "l", "--quiet").check()
    pgcask("backup", cluster.uri(db, scheme="postgres+bin"), "--to", workdir / "p",
           "--quiet").check()
    sent = cluster.log[start:]
    assert all(words in sent for words in ("pg_auth_members", "BASE_BACKUP", "COPY "))
    assert [line for line in sent.splitlines() if not line.isascii()] == []


# Pieces of one string, joined by the compiler; comments stand apart.
STRINGS = re.compile(r'(?:"(?:[^"\\\n]|\\.)*"(?:\s|[A-Za-z_0-9]+(?:\([^()]*\))?|//[^\n]*)*)+')
SQL = re.compile(r"\bSELECT\b.*\bFROM\b|\bSELECT pg_catalog\.", re.S)


def test_no_statement_of_ours_has_other_letters():
    """Also those that only rare databases are asked."""
    seen = 0
    for path in itertools.chain(*(paths.REPO.glob(f"src/**/*.{end}") for end in ("c", "h", "in"))):
        if path.name.endswith("_hints.c"):
            continue  # for people to read and to type
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for string in STRINGS.findall(text):
            if SQL.search(string):
                seen += 1
                assert string.isascii(), (path, string)
    assert seen > 50


@pytest.mark.parametrize("encoding", ["EUC_JP", "LATIN1"])
def test_what_is_typed_is_in_utf_8(pgcask, cluster, workdir, encoding):
    """Patterns, conditions and filter files, whatever the database's encoding is: what they choose
    is what they choose of pg_dump in UTF-8."""
    db = make(cluster, encoding)
    word = WORDS[encoding].decode(encoding)
    choices = [f"--table=*.t_{word}", f'--table="s_{word}".*', f"--schema=s_{word[0]}*",
               f"--exclude-table=v_{word}"]
    for number, option in enumerate(choices):
        theirs = workdir / f"{number}.theirs"
        cluster.tool("pg_dump", "-Fc", "--encoding=UTF8", option, "-f", theirs, db=db)
        name, pattern = option.removeprefix("--").split("=", 1)
        archive = logical.back_up(pgcask, cluster, db, workdir / f"{number}", f"--{name}s", pattern)
        listed = [entry.encode("utf-8", "surrogateescape").decode(encoding)
                  for entry in logical.contents(cluster, archive)]
        assert sorted(listed) == sorted(logical.contents(cluster, theirs)) and listed
    (workdir / "filter").write_text(f'include table "s_{word}".t_{word}\n')
    archive = logical.back_up(
        pgcask, cluster, db, workdir / "rows", "--filter", workdir / "filter",
        "--where", f's_{word}.t_{word}="c_{word}" LIKE \'%{word}\' AND "c_{word}" LIKE \'d%\'')
    assert logical.summary(workdir / "rows")["rows"] == 1
    assert logical.contents(cluster, archive)
    for option in ("--tables", "ж€"), ("--where", f"s_{word}.t_{word}=\"c_{word}\" = 'ж€𐍈'"):
        result = pgcask("backup", cluster.uri(db), "--to", workdir / "no", *option)
        assert result.rc == 2 and option[0] in result.stderr, result
        assert option[1].split("=")[0] in result.stderr and "hint" in result.stderr, result
    assert not (workdir / "no").exists()


@pytest.mark.parametrize("encoding", ["EUC_JP", "LATIN1"])
def test_a_databases_name_in_a_pattern_is_typed_in_utf_8(pgcask, cluster, workdir, encoding):
    """Whatever its bytes are: those of the database that it was made from."""
    word = WORDS[encoding].decode(encoding)
    made_from = make(cluster, encoding)
    for number, (maker, name) in enumerate((("postgres", f"the {word}".encode()),
                                            (made_from, f"the {word}".encode(encoding)))):
        logical.run_sql(cluster, maker, b'CREATE DATABASE "%s" TEMPLATE "%s"' % (
            name, made_from.encode()))
        uri = cluster.uri("DB").replace("DB", "".join(f"%{byte:02x}" for byte in name))
        pgcask("backup", uri, "--to", workdir / f"{number}", "--tables",
               f'"the {word}".s_{word}.t_{word}').check()
        (archive,) = (workdir / f"{number}").glob("*.dump")
        assert any(entry.startswith("TABLE ") for entry in logical.contents(cluster, archive))
        for other in f'"the {word[0]}".s_{word}.t_{word}', f'"the ж€𐍈".s_{word}.t_{word}':
            result = pgcask("backup", uri, "--to", workdir / "no", "--tables", other)
            assert result.rc == 2 and "names the database" in result.stderr, result
        logical.run_sql(cluster, maker, b'DROP DATABASE "%s"' % name)
