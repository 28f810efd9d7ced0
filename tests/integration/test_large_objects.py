"""Large objects in logical backups: their bytes, owners, privileges and comments, beside what stock
tools make of them; roles that may not read them all; many of them."""

import json
import re

import pytest

from pgcask_testing import logical, paths, process
from pgcask_testing.held_link import HeldLink
from pgcask_testing.logical import cluster, large_objects as objects_of, make  # noqa: F401: fixture

MB = 1 << 20

# Numbers from the first to the last that there is, bytes of every sort: none, a page's worth and
# one more or less, holes at the beginning and within.
OBJECTS = """
    SELECT lo_create(n) FROM unnest('{1, 2200, 16383, 70001, 3000000000, 4294967295}'::oid[]) n;
    SELECT lo_from_bytea(5000 + n, decode(repeat('00ff5c0a', n), 'hex'))
        FROM unnest('{1, 511, 512, 513, 16384, 200000}'::int[]) n;
    SELECT lo_put(70001, 100000, 'behind a hole'), lo_put(70001, 300000, 'and another');
    SELECT lo_put(3000000000, 0, decode(repeat('31', 2048), 'hex')), lo_put(3000000000, 4096, '2');
    SELECT lo_put(4294967295, 0, 'the last');
"""
# Those that are alike are not all together, and privileges hang on each other.
RIGHTS = """
    ALTER LARGE OBJECT 2200 OWNER TO alice;
    ALTER LARGE OBJECT 70001 OWNER TO alice;
    ALTER LARGE OBJECT 5513 OWNER TO "Role with ""quotes"", 'too' /and=more";
    GRANT SELECT ON LARGE OBJECT 5001, 5512 TO PUBLIC;
    GRANT SELECT, UPDATE ON LARGE OBJECT 5511 TO bob, "Role with ""quotes"", 'too' /and=more";
    REVOKE ALL ON LARGE OBJECT 16383 FROM postgres;
    REVOKE UPDATE ON LARGE OBJECT 2200 FROM alice;
    GRANT SELECT ON LARGE OBJECT 70001 TO carol WITH GRANT OPTION;
    SET SESSION AUTHORIZATION carol;
    GRANT SELECT ON LARGE OBJECT 70001 TO bob;
    RESET SESSION AUTHORIZATION;
    COMMENT ON LARGE OBJECT 1 IS 'it''s \\ the first';
    COMMENT ON LARGE OBJECT 5512 IS E'two\\nlines';
    COMMENT ON LARGE OBJECT 70001 IS 'alice''s';
    CREATE TABLE t (o oid);
    INSERT INTO t SELECT oid FROM pg_largeobject_metadata;
"""
# More than a group of 17 holds, of two sorts in turn.
MANY = """
    SELECT lo_from_bytea(100000 + n, n::text::bytea) FROM generate_series(1, 2500) n;
    DO $$ BEGIN FOR n IN 1..2500 BY 2 LOOP
        EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO bob', 100000 + n);
    END LOOP; END $$;
"""


def copy_of(server, db, archive, *options):
    copy = f"{db} again"
    logical.create_like(server, db, copy)
    logical.restore(server, archive, copy, *options)
    return copy


@pytest.fixture(scope="module")
def probe(request):
    path = paths.probe(request, "dump_probe")

    def call(server, db, kind, compression="none", folder="."):
        conninfo = (f"host={server.socket_dir} port={server.port} user={server.superuser} "
                    f"dbname={db}")
        return process.run([path, conninfo, kind, compression, folder], timeout=120).check()

    return call


# ---- Equal to the source, and to stock pg_dump ---------------------------------------------------


def test_they_come_back_whole_with_owners_privileges_and_comments(
        pgcask, cluster, major, workdir):
    db = make(cluster, "whole", OBJECTS, RIGHTS, MANY)
    source = objects_of(cluster, db)
    assert len(source) == 12 + 2500
    archive = logical.round_trip(pgcask, cluster, db, workdir)
    # pg_restore 17 and later say to any server what only these know: one transaction would end.
    for options in ((), ("-j2",), ("--single-transaction",))[:2 if major == 16 else 3]:
        assert objects_of(cluster, copy_of(cluster, db, archive, *options)) == source
    assert pgcask("verify", workdir / "backup").ok


@pytest.mark.sampled
def test_each_compression_keeps_them(pgcask, cluster, major, workdir):
    db = make(cluster, "packed", OBJECTS)
    source = objects_of(cluster, db)
    for method in ["gzip"] + (["lz4", "zstd"] if major >= 16 else []):
        archive = logical.back_up(pgcask, cluster, db, workdir / method, "--compress", method)
        assert objects_of(cluster, copy_of(cluster, db, archive)) == source
        assert pgcask("verify", workdir / method).ok


@pytest.mark.majors(13, 14, 15, 17, 18)  # of 16 there is no pg_dump
def test_statements_are_those_of_pg_dump(pgcask, cluster, major, workdir):
    db = make(cluster, "beside", OBJECTS, RIGHTS)
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")

    def statements(archive, path):
        text = logical.as_sql(cluster, archive, path).read_text("utf-8", "surrogateescape")
        return sorted(line for line in text.splitlines() if "LARGE OBJECT " in line or " pg_catalog.lo" in line)

    made = statements(ours, workdir / "ours.sql")
    assert made == statements(theirs, workdir / "theirs.sql")
    assert "SELECT pg_catalog.lo_create('4294967295');" in made
    assert 'ALTER LARGE OBJECT 70001 OWNER TO alice;' in made


@pytest.mark.sampled
def test_a_directory_archive_holds_a_file_for_each(probe, pgcask, cluster, major, workdir):
    db = make(cluster, "folder", OBJECTS, RIGHTS, MANY)
    source = objects_of(cluster, db)
    for method in ("none", "gzip"):
        folder = workdir / method
        folder.mkdir()
        probe(cluster, db, "directory", method, folder)
        names = {path.name for path in folder.iterdir()}
        assert "blob_4294967295.dat" + (".gz" if method == "gzip" else "") in names
        assert ("blobs.toc" in names) == (major < 17)
        assert len([name for name in names if name.startswith("blob_")]) == len(source)
        assert objects_of(cluster, copy_of(cluster, db, folder, "-Fd", "-j2")) == source
        assert pgcask("verify", folder).ok
    next(folder.glob("blob_5513.*")).unlink()
    result = pgcask("verify", folder)
    assert result.rc == 1 and "5513 is missing" in result.stdout + result.stderr, result


@pytest.mark.sampled
def test_a_plain_script_makes_them_all(probe, cluster, workdir):
    db = make(cluster, "plain", OBJECTS, RIGHTS, MANY)
    logical.create_like(cluster, db, "plain again")
    logical.run_sql(cluster, "plain again", probe(cluster, db, "plain").stdout_bytes)
    assert objects_of(cluster, "plain again") == objects_of(cluster, db)


@pytest.mark.sampled
def test_every_layout_brings_them_back(pgcask, cluster, major, workdir):
    db = make(cluster, "layouts", OBJECTS, RIGHTS, MANY)
    source = objects_of(cluster, db)
    for layout in ("numbered", "tables"):
        folder = workdir / layout
        pgcask("backup", cluster.uri(db), "--to", folder, "--layout", layout, "--quiet").check()
        (archive,) = folder.glob("00001-*")
        options = ("-Fd", "-j2") if layout == "tables" else ()
        assert objects_of(cluster, copy_of(cluster, db, archive, *options)) == source
        assert pgcask("verify", folder).ok
    pgcask("backup", cluster.uri(""), "--databases", db, "--to", workdir / "all", "--quiet").check()
    script = (workdir / "all/all.sql").read_text("utf-8", "surrogateescape")
    assert pgcask("verify", workdir / "all").ok
    _, connected, rest = script.partition("\\connect ")
    assert connected and rest.startswith(db), script[:2000]
    logical.create_like(cluster, db, "layouts again")
    logical.run_sql(cluster, "layouts again", rest[rest.index("\n"):])
    assert objects_of(cluster, "layouts again") == source


@pytest.mark.majors(13, 16, 18)
def test_two_runs_give_the_same_bytes(pgcask, cluster, workdir):
    db = make(cluster, "twice", OBJECTS, RIGHTS, MANY)
    first, second = (logical.back_up(pgcask, cluster, db, workdir / name).read_bytes()
                     for name in ("first", "second"))
    assert first[60:] == second[60:]  # the time stands before


@pytest.mark.majors(13, 18)
def test_a_database_without_any_has_no_entry_of_them(pgcask, cluster, workdir):
    db = make(cluster, "none", "CREATE TABLE t (); SELECT lo_unlink(lo_create(7));")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    assert not any("BLOB" in entry for entry in logical.contents(cluster, archive))


# Ours, and those of pg_dump that mean the same.
CHOICES = [
    ("--schema-only", "-s"), ("--data-only", "-a"), ("--no-large-objects", "-B"),
    ("--schemas public", "-n public"), ("--schemas public --large-objects", "-n public -b"),
    ("--tables t", "-t t"), ("--tables t --large-objects", "-t t -b"),
    ("--exclude-tables t", "-T t"), ("--data-only --no-large-objects", "-a -B"),
]


@pytest.mark.majors(13, 15, 17, 18)
def test_they_are_chosen_as_pg_dump_does(pgcask, cluster, workdir):
    db = make(cluster, "chosen", OBJECTS, RIGHTS)

    def about_objects(listed):
        return {entry: n for entry, n in listed.items() if "BLOB" in entry or "LARGE OBJ" in entry}

    found = []
    for number, (ours, theirs) in enumerate(CHOICES):
        archive = logical.back_up(pgcask, cluster, db, workdir / f"b{number}", *ours.split())
        stock = workdir / f"s{number}"
        process.run([logical.stock("pg_dump", cluster), "-Fc", "-f", stock, *theirs.split()],
                    env={"PGHOST": cluster.socket_dir, "PGPORT": cluster.port,
                         "PGUSER": cluster.superuser, "PGDATABASE": db}).check()
        listed = about_objects(logical.contents(cluster, archive))
        assert listed == about_objects(logical.contents(cluster, stock)), (ours, theirs)
        found.append(len(listed) > 0)
    assert found == [False, True, False, False, True, False, True, True, False]


@pytest.mark.majors(18)
def test_what_does_not_go_together_is_said(pgcask, cluster, workdir):
    for other in ("--schema-only", "--no-large-objects"):
        result = pgcask("backup", cluster.uri("postgres"), "--to", workdir / "b",
                        "--large-objects", other)
        assert result.rc == 2, result
        assert "--large-objects" in result.stderr and other in result.stderr, result


# ---- Roles that are no superuser -----------------------------------------------------------------


@pytest.fixture
def reader(cluster):
    logical.run_sql(cluster, "postgres", """
        DROP ROLE IF EXISTS "Reader x"; CREATE ROLE "Reader x" LOGIN BYPASSRLS;""")
    yield "Reader x"
    for name in logical.run_sql(cluster, "postgres", "SELECT datname FROM pg_database WHERE "
                                                     "datallowconn").decode().split("\n"):
        if name:
            logical.run_sql(cluster, name, 'DROP OWNED BY "Reader x";')
    logical.run_sql(cluster, "postgres", 'DROP ROLE "Reader x"')


GRANT_EACH = """
    DO $$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP
        EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO "Reader x"', o);
    END LOOP; END $$;
"""


def bytes_of(cluster, archive):
    """What the archive has of the bytes, as pg_restore prints it."""
    text = process.run([logical.stock("pg_restore", cluster), "-f", "-", archive]).check().stdout
    return re.findall(r"lo_open\('\d+'|lowrite\(0, '[^']*'", text)


@pytest.mark.sampled
def test_with_the_right_to_each_the_same_bytes_are_read(pgcask, cluster, reader, workdir):
    db = make(cluster, "each", OBJECTS, MANY, GRANT_EACH)
    archive = logical.back_up(pgcask, cluster, db, workdir / "superuser")
    pgcask("backup", cluster.uri(db, user=reader), "--to", workdir / "reader").check()
    read = bytes_of(cluster, workdir / "reader" / archive.name)
    assert len(read) > 2 * 2500
    assert read == bytes_of(cluster, archive)


@pytest.mark.sampled
def test_one_right_to_all_is_enough(pgcask, cluster, major, reader, workdir):
    right = ("GRANT pg_read_all_data TO" if major >= 14 else
             "GRANT SELECT ON pg_catalog.pg_largeobject TO")
    db = make(cluster, "right", OBJECTS, MANY, f'{right} "Reader x";')
    archive = logical.back_up(pgcask, cluster, db, workdir / "superuser")
    pgcask("backup", cluster.uri(db, user=reader), "--to", workdir / "reader").check()
    assert bytes_of(cluster, workdir / "reader" / archive.name) == bytes_of(cluster, archive)


@pytest.mark.sampled
def test_one_that_may_not_be_read_is_named_with_the_grant(
        pgcask, cluster, major, reader, workdir):
    db = make(cluster, "hidden", OBJECTS, GRANT_EACH,
              'REVOKE SELECT ON LARGE OBJECT 5512 FROM "Reader x";')
    result = pgcask("backup", cluster.uri(db, user=reader), "--to", workdir / "backup")
    assert result.rc == 1 and "may not read 1 large object (5512)" in result.stderr, result
    assert not (workdir / "backup").exists()
    grant = re.search(r"hint: (GRANT [^;]*;)", result.stderr)[1]
    assert ("LARGE OBJECT 5512" if major < 14 else "pg_read_all_data") in grant
    logical.run_sql(cluster, db, grant)
    pgcask("backup", cluster.uri(db, user=reader), "--to", workdir / "backup").check()


@pytest.mark.majors(13, 18)
def test_those_that_are_not_wanted_take_no_right(pgcask, cluster, reader, workdir):
    db = make(cluster, "unwanted", OBJECTS)
    for number, choice in enumerate(("--no-large-objects", "--schema-only", "--schemas public")):
        pgcask("backup", cluster.uri(db, user=reader), "--to", workdir / str(number),
               *choice.split()).check()


@pytest.mark.majors(13, 18)
def test_privileges_of_a_role_that_is_gone_are_left_out_with_a_warning(pgcask, cluster, workdir):
    db = make(cluster, "gone", OBJECTS, """
        CREATE ROLE leaving; GRANT SELECT ON LARGE OBJECT 5001, 5512 TO leaving, bob;
        DELETE FROM pg_authid WHERE rolname = 'leaving';""")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup").check()
    assert "large object 5001 has privileges of or by the role with OID" in result.stderr, result
    text = logical.as_sql(cluster, workdir / f"backup/{db}.dump", workdir / "sql").read_text()
    assert text.count(" TO bob;") == 2
    assert not re.search(r"GRANT .* ON LARGE OBJECT .* TO (?!bob)", text), text


@pytest.mark.majors(13, 18)
def test_lo_compat_privileges_lets_everybody_read(pgcask, cluster, reader, workdir):
    db = make(cluster, "compat", OBJECTS, "ALTER DATABASE compat SET lo_compat_privileges = on;")
    archive = logical.back_up(pgcask, cluster, db, workdir / "superuser")
    pgcask("backup", cluster.uri(db, user=reader), "--to", workdir / "reader").check()
    assert bytes_of(cluster, workdir / "reader" / archive.name) == bytes_of(cluster, archive)


# ---- While others work ---------------------------------------------------------------------------


@pytest.mark.majors(13, 16, 18)
@pytest.mark.parametrize("of_each", [False, True])
def test_what_happens_to_them_meanwhile_changes_nothing(
        pgcask, cluster, reader, workdir, of_each):
    db = make(cluster, "meanwhile", OBJECTS, RIGHTS, MANY, GRANT_EACH,
              'GRANT SELECT ON t TO "Reader x";')
    user = reader if of_each else cluster.superuser
    source = objects_of(cluster, db)

    def work():
        logical.run_sql(cluster, db, """
            SELECT lo_put(5001, 0, 'changed'), lo_create(6000), lo_from_bytea(100000, 'new');
            SELECT lo_unlink(n) FROM unnest('{1, 5512, 100001, 102500}'::oid[]) n;
            SELECT lo_truncate(lo_open(70001, 131072), 10);
            ALTER LARGE OBJECT 5511 OWNER TO bob;
            REVOKE ALL ON LARGE OBJECT 5513 FROM "Reader x";
            COMMENT ON LARGE OBJECT 5001 IS 'new';
            VACUUM pg_largeobject;""")

    # Once the catalogs were read, and before the first bytes are.
    with HeldLink(cluster.port, hold=work, before=b"enable_sort = off") as link:
        result = pgcask("backup", f"postgres://127.0.0.1:{link.port}/{db}?sslmode=disable&user="
                                  f"{user.replace(' ', '%20')}", "--to", workdir / "backup")
    assert result.ok, result
    assert objects_of(cluster, db) != source
    (archive,) = (workdir / "backup").glob("*.dump")
    assert objects_of(cluster, copy_of(cluster, db, archive)) == source


@pytest.mark.majors(13, 18)
def test_an_owner_that_is_gone_is_an_error_that_names_it(pgcask, cluster, workdir):
    db = make(cluster, "ownerless", OBJECTS, """
        SET allow_system_table_mods = on;
        UPDATE pg_largeobject_metadata SET lomowner = 4242 WHERE oid = 5512;""")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup", "--quiet")
    assert result.rc == 1 and "large object 5512 has an owner that is no role" in result.stderr
    assert "ALTER LARGE OBJECT 5512 OWNER TO" in result.stderr, result
    assert not (workdir / "backup").exists()


@pytest.mark.majors(13, 18)
def test_pages_that_belong_to_none_are_passed_over(pgcask, cluster, workdir):
    db = make(cluster, "orphans", OBJECTS, """
        SET allow_system_table_mods = on;
        DELETE FROM pg_largeobject_metadata WHERE oid IN (5512, 70001);""")
    source = objects_of(cluster, db)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    assert objects_of(cluster, copy_of(cluster, db, archive)) == source


# ---- Size ----------------------------------------------------------------------------------------


@pytest.mark.majors(15, 18)
@pytest.mark.parametrize("of_each", [False, True])
def test_memory_does_not_depend_on_their_size(pgcask, cluster, reader, workdir, of_each):
    """Half a gigabyte of bytes and of nothing."""
    db = make(cluster, "sized", """
        SELECT lo_create(1);
        SELECT count(lo_put(1, n * 65536, decode(repeat(md5(n::text), 2048), 'hex')))
            FROM generate_series(0, 4000, 4) n;
        SELECT lo_from_bytea(2, 'small');""", GRANT_EACH)
    size = 4001 * 65536 - 32768
    user = {"user": reader} if of_each else {}
    made = pgcask("backup", cluster.uri(db, **user), "--to", workdir / "backup").check()
    assert made.peak_rss < 24 * MB, made.peak_rss
    assert (workdir / f"backup/{db}.dump").stat().st_size > size
    verified = pgcask("verify", workdir / "backup", "--json").check()
    assert verified.peak_rss < 24 * MB and json.loads(verified.stdout)["problems"] == []


@pytest.mark.majors(13, 15, 18)
def test_a_hundred_thousand_take_few_bytes_each(pgcask, cluster, major, workdir):
    db = make(cluster, "crowd", "SELECT count(lo_create(n)) FROM generate_series(1, 100000) n;")
    made = logical.back_up(pgcask, cluster, db, workdir / "few").parent
    assert made.exists()
    few = pgcask("backup", cluster.uri(make(cluster, "alone", "SELECT lo_create(1)")), "--to",
                 workdir / "alone").check()
    many = pgcask("backup", cluster.uri(db), "--to", workdir / "many").check()
    assert many.peak_rss - few.peak_rss < 100000 * 40, (few.peak_rss, many.peak_rss)
    whole = pgcask("verify", workdir / "many").check()
    alone = pgcask("verify", workdir / "alone").check()
    assert whole.peak_rss - alone.peak_rss < 100000 * 40, (alone.peak_rss, whole.peak_rss)
    assert pgcask("backup", cluster.uri(db), "--to", workdir / "files", "--layout", "tables").ok
    (archive,) = (workdir / "many").glob("*.dump")
    assert len(logical.contents(cluster, archive)) >= (100000 if major < 17 else 200)


@pytest.mark.majors(18)
def test_too_many_for_a_file_each_is_told_before_the_first(pgcask, cluster, workdir):
    db = make(cluster, "files", "SELECT count(lo_create(n)) FROM generate_series(1, 250000) n;")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "b", "--layout", "tables")
    assert result.rc == 1 and "has 250000 of them" in result.stderr, result
    assert "--layout=tables" in result.stderr and not (workdir / "b").exists()
