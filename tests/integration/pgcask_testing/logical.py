"""Oracles of logical backups: what stock pg_restore makes of our archive, and what stock pg_dump
says of the result beside the source."""

import collections
import difflib
import json
import re
import shutil
import tarfile

import pytest

from . import paths, process, temp

SCRIPTS = paths.REPO / "tests/integration/logical"

# pg_restore 17 and later sends this to every server; only 17 and later know it.
NOT_OURS = 'unrecognized configuration parameter "transaction_timeout"'


def stock(tool, server):
    """The stock tool that suits a server: of its major, or the nearest that knows it."""
    return paths.stock(tool, {13: 15, 14: 15, 16: 17}.get(server.major, server.major),
                       server.flavour)


def _environment(server, db):
    # SQL_ASCII: nothing is converted on the way, whatever the database's encoding is.
    return {
        "PGHOST": server.socket_dir, "PGPORT": server.port, "PGUSER": server.superuser,
        "PGDATABASE": db, "PGCLIENTENCODING": "SQL_ASCII", "PGAPPNAME": "test",
    }


def _lines(output):
    return output.decode("utf-8", "surrogateescape").split("\n")


def run_sql(server, db, sql, timeout=300, stop=True):
    """Runs a script as it is, bytes or str; returns what psql printed, unaligned.

    stop=False: statements that the server refuses are passed over.
    """
    if isinstance(sql, str):
        sql = sql.encode("utf-8", "surrogateescape")
    command = [paths.stock("psql"), "-XqAt", "-v", f"ON_ERROR_STOP={int(stop)}", "-f", "-"]
    result = process.run(command, input=sql, env=_environment(server, db), timeout=timeout)
    return result.check().stdout_bytes


def script(name):
    """The text of one of tests/integration/logical."""
    return (SCRIPTS / f"{name}.sql").read_text()


EXTENSION = "pgcask_configured"


def install_extension(major):
    """Our own small extension among the server's; always the same files, so they may stay."""
    folder = paths.server_bin(major).parent / "share/postgresql/extension"
    for source in SCRIPTS.glob(f"{EXTENSION}*"):
        if not (folder / source.name).exists() or (
                (folder / source.name).read_bytes() != source.read_bytes()):
            new = folder / f".{source.name}.{temp.root().name}"
            shutil.copyfile(source, new)
            new.chmod(0o644)
            new.rename(folder / source.name)


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    """One server a major, with the roles that the scripts name."""
    server = module_servers.create(major)
    run_sql(server, "postgres", script("roles"))
    yield server
    server.close()


def make(server, name, *scripts, options=""):
    """A new database in the place of one of that name, with what the scripts make; its name."""
    quoted = name.replace('"', '""')
    run_sql(server, "postgres",
            f'DROP DATABASE IF EXISTS "{quoted}";\nCREATE DATABASE "{quoted}" {options};')
    for text in scripts:
        run_sql(server, name, text)
    return name


def back_up(pgcask, server, db, folder, *options, **more):
    """Backs a database up to a folder; returns the path of the archive in it."""
    result = pgcask("backup", server.uri(db), "--to", folder, "--quiet", *options, **more)
    assert result.ok, result
    (archive,) = folder.glob("*.dump")
    return archive


def back_up_layout(pgcask, server, db, folder, layout, *options, **more):
    """Backs up one database, or all if it is None, in that layout; the paths of its files."""
    pgcask("backup", server.uri(db), "--to", folder, "--layout", layout, "--quiet", *options,
           **more).check()
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def dump_all(server, *options):
    """Lines of stock pg_dumpall, without those that no two runs have in common."""
    command = [stock("pg_dumpall", server), *options]
    env = {**_environment(server, "postgres"), "PGCLIENTENCODING": None}
    result = process.run(command, env=env, timeout=600)
    return [line for line in _lines(result.check().stdout_bytes)
            if not line.startswith(("\\restrict", "\\unrestrict"))]


def run_all_sql(server, path, user=None):
    """all.sql through stock psql as superuser of a new cluster: what it said, but that roles are
    there already which every cluster has."""
    command = [paths.stock("psql"), "-Xq", "-f", path]
    env = {**_environment(server, "postgres"), "PGCLIENTENCODING": None}
    result = process.run(command, env=env, timeout=600)
    assert result.rc == 0, result
    mine = f'ERROR:  role "{user or server.superuser}" already exists'
    return [line for line in result.stderr.splitlines()
            if not line.endswith(mine) and line.strip()]


def dump_schema(server, db):
    """Sorted lines of stock pg_dump --schema-only."""
    command = [stock("pg_dump", server), "--schema-only"]
    env = {**_environment(server, db), "PGCLIENTENCODING": None}
    result = process.run(command, env=env, timeout=300)
    return sorted(line for line in _lines(result.check().stdout_bytes)
                  if not line.startswith(("\\restrict", "\\unrestrict")))


def restore(server, archive, db, *options, check=True):
    """Stock pg_restore into a database that is there; every message but NOT_OURS is a failure."""
    command = [stock("pg_restore", server), "-d", db, *options, archive]
    result = process.run(command, env=_environment(server, db), timeout=600)
    if check:
        problem = _problem(server, result)
        assert not problem, f"{result}\n{problem}"
    return result


def _problem(server, result):
    errors = [line for line in result.stderr.splitlines() if "error:" in line]
    theirs = [line for line in errors if NOT_OURS in line]
    if server.major < 17 and errors == theirs and theirs:
        return "" if result.rc in (0, 1) else "exit status"
    return "" if result.rc == 0 and result.stderr == "" else "messages, or an exit status"


def create_like(server, db, copy):
    """An empty database with the encoding and locale of another."""
    literal = db.replace("'", "''")
    options = run_sql(server, "postgres", f"""
        SELECT format('ENCODING %L LC_COLLATE %L LC_CTYPE %L', pg_encoding_to_char(encoding),
                      datcollate, datctype)
        FROM pg_database WHERE datname = '{literal}'
    """).decode().strip()
    quoted = copy.replace('"', '""')
    run_sql(server, "postgres", f'DROP DATABASE IF EXISTS "{quoted}";\n'
                                f'CREATE DATABASE "{quoted}" TEMPLATE template0 {options};')


def drop(server, db):
    quoted, literal = db.replace('"', '""'), db.replace("'", "''")
    subscribed = run_sql(server, "postgres", f"""
        SELECT format('ALTER SUBSCRIPTION %I DISABLE; ALTER SUBSCRIPTION %1$I SET '
                      '(slot_name = NONE); DROP SUBSCRIPTION %1$I;', subname)
        FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE datname = '{literal}'
    """)
    if subscribed.strip():
        run_sql(server, db, subscribed)
    run_sql(server, "postgres", f'DROP DATABASE "{quoted}"')


_STAND_IN = re.compile(
    r"[+-](--|    NULL::|CREATE( OR REPLACE)? VIEW |SELECT$|$|    ADD CONSTRAINT |ALTER TABLE |"
    r"    \w+ integer( DEFAULT|,?$))")


def definitions(server, db):
    """What the server says of everything that may be part of another's statement."""
    return _lines(run_sql(server, db, """
        SET search_path = '';
        SELECT c.oid::regclass, pg_get_viewdef(c.oid), c.reloptions FROM pg_class c
            WHERE relkind IN ('v', 'm') AND oid >= 16384 ORDER BY c.oid::regclass::text;
        SELECT adrelid::regclass, adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef
            ORDER BY adrelid::regclass::text, adnum;
        SELECT conrelid::regclass, contypid::regtype, conname, pg_get_constraintdef(oid),
               convalidated FROM pg_constraint WHERE oid >= 16384
            ORDER BY conrelid::regclass::text, contypid::regtype::text, conname;
        SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE oid >= 16384 AND rulename <> '_RETURN'
            ORDER BY 1;
        SELECT pg_get_functiondef(oid) FROM pg_proc WHERE oid >= 16384 AND prokind <> 'a'
            ORDER BY 1;
        SELECT pg_describe_object(classoid, objoid, objsubid), description FROM pg_description
            WHERE objoid >= 16384 ORDER BY 1, 2;
    """))


def table_sums(server, db):
    """{quoted table: "rows sum"} of all tables and populated materialized views; order is no
    matter, nor that of columns (a child's own may move).
    Sequences: their last value and whether it was used."""
    # Rows of a hash of enum values may lie in another partition: such a tree counts as a whole.
    query = b"""
        WITH unstable AS (
            SELECT DISTINCT pg_partition_root(p.partrelid) AS relid
            FROM pg_partitioned_table p JOIN pg_opclass o ON o.oid = ANY (p.partclass)
            WHERE p.partstrat = 'h' AND o.opcname = 'enum_ops')
        SELECT CASE c.relkind WHEN 'S' THEN
            format('SELECT %L, last_value || '' '' || is_called FROM %I.%I',
                   n.nspname || '.' || c.relname, n.nspname, c.relname)
        ELSE
            format('SELECT %L, count(*) || '' '' || '
                   'coalesce(sum(hashtextextended(ROW(%s)::text COLLATE "C", 0)), 0) '
                   'FROM ONLY %I.%I',
                   n.nspname || '.' || c.relname,
                   (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname)
                    FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
                   n.nspname, c.relname)
        END || ';'
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm', 'S') AND (c.relkind <> 'm' OR c.relispopulated)
            AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
            AND NOT EXISTS (SELECT FROM unstable u WHERE u.relid = pg_partition_root(c.oid))
        UNION ALL
        SELECT format('SELECT %L, count(*) || '' '' || '
                      'sum(hashtextextended("row of it"::text COLLATE "C", 0)) '
                      'FROM %s AS "row of it";', relid::regclass, relid::regclass)
        FROM unstable
        ORDER BY 1
    """
    return sorted(_lines(run_sql(server, db, run_sql(server, db, query))))


def large_objects(server, db):
    """Of each large object a line: number, owner, privileges, size and sum of its bytes, comment."""
    return run_sql(server, db, """
        SELECT m.oid, m.lomowner::regrole, ARRAY(SELECT a::text FROM unnest(
                   coalesce(m.lomacl, acldefault('L', m.lomowner))) a ORDER BY 1),
               length(d.data), md5(d.data),
               quote_nullable(replace(obj_description(m.oid, 'pg_largeobject'), chr(10), '~'))
        FROM pg_largeobject_metadata m, LATERAL (SELECT lo_get(m.oid) AS data OFFSET 0) d
        ORDER BY m.oid
    """).decode().splitlines()


def contents(server, archive):
    """What pg_restore --list says: a Counter of "KIND schema name owner"."""
    entry = re.compile(r"^\d+; \d+ \d+ (.*)$")
    return collections.Counter(
        match[1] for match in map(entry.match, _lines(listing(server, archive))) if match)


def listing(server, archive):
    """The list that pg_restore -L takes."""
    command = [stock("pg_restore", server), "--list", archive]
    return process.run(command, timeout=60).check().stdout_bytes


def database_facts(server, db):
    """What pg_database and pg_db_role_setting say of a database."""
    literal = db.replace("'", "''")
    columns = "datdba::regrole, encoding, datcollate, datctype, datistemplate, datconnlimit"
    if server.major >= 15:
        columns += ", datlocprovider, " + {
            15: "daticulocale", 16: "daticulocale"}.get(server.major, "datlocale")
    return run_sql(server, "postgres", f"""
        SELECT {columns}, ARRAY(SELECT x::text FROM unnest(datacl) x ORDER BY 1),
               shobj_description(oid, 'pg_database'),
               ARRAY(SELECT setrole::regrole || array_to_string(setconfig, ';')
                     FROM pg_db_role_setting WHERE setdatabase = d.oid ORDER BY 1)
        FROM pg_database d WHERE datname = '{literal}';
    """)


def stock_archive(server, db, path):
    env = {**_environment(server, db), "PGCLIENTENCODING": None}
    process.run([stock("pg_dump", server), "-Fc", "-f", path], env=env, timeout=300).check()
    return path


def in_byte_order(folder, tar, key=None):
    """A tar of a backup's files in the order of their paths, as Plakar gives them back; or of key."""
    with tarfile.open(tar, "w") as out:
        for path in sorted((p for p in folder.rglob("*") if p.is_file()),
                           key=key or (lambda path: str(path.relative_to(folder)).encode())):
            out.add(path, arcname=str(path.relative_to(folder)))
    return tar


def _difference(ours, theirs):
    return [line for line in difflib.unified_diff(ours, theirs, lineterm="", n=0)
            if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def _comparable(server, archive):
    """contents, but for what pg_dump 17 has in groups, which stands in for that of 16 that has none."""
    of_large_objects = re.compile(r"BLOB|(ACL|COMMENT|SECURITY LABEL) - LARGE OBJECT")
    return collections.Counter({entry: n for entry, n in contents(server, archive).items()
                                if server.major != 16 or not of_large_objects.match(entry)})


def restored_by_ours(pgcask, server, db, archive, copy):
    """What our restore makes of an archive: the messages of what failed. The copy stays."""
    create_like(server, db, copy)
    result = pgcask("restore", archive, "--to", server.uri(copy), "--json", timeout=900)
    told = json.loads(result.stdout)
    assert result.rc == (3 if told["failure_count"] else 0), result
    assert len(told["failures"]) == told["failure_count"], result
    return collections.Counter(failure["message"] for failure in told["failures"])


def comes_back(pgcask, server, db, archive, workdir):
    """Our restore of the archive, too, is equal to the source; the copy is dropped."""
    assert not restored_by_ours(pgcask, server, db, archive, "copy by ours")
    assert_equal(server, db, "copy by ours", archive, workdir)
    drop(server, "copy by ours")


def assert_equal(server, db, copy, archive, workdir, either_way=()):
    """The copy is what the source is: schema, rows, sequences; the archives list the same.

    either_way: kinds that may stand alone or in their table, where a loop can be broken in more
    places than one.
    """
    theirs = stock_archive(server, db, workdir / "stock.dump")
    different = _difference(dump_schema(server, db), dump_schema(server, copy))
    if either_way:
        # Where pg_dump itself breaks a loop depends on oids: the catalogs say what is equal.
        assert definitions(server, db) == definitions(server, copy)
        different = [line for line in different if not _STAND_IN.match(line)]
    if different:
        # What stock tools do not bring back themselves is not ours to bring back.
        stock_copy = copy + "_stock"
        create_like(server, db, stock_copy)
        restore(server, theirs, stock_copy, check=False)
        usual = _difference(dump_schema(server, db), dump_schema(server, stock_copy))
        drop(server, stock_copy)
        more = collections.Counter(different) - collections.Counter(usual)
        assert not more, "\n".join(line for line in different if line in more)
    for facts in (table_sums, large_objects):
        different = _difference(facts(server, db), facts(server, copy))
        assert not different, "\n".join(different)
    ours, theirs = (
        collections.Counter({entry: n for entry, n in _comparable(server, path).items()
                             if not entry.startswith(tuple(either_way))})
        for path in (archive, theirs))
    assert {"missing": sorted((theirs - ours).elements()),
            "too much": sorted((ours - theirs).elements())} == {"missing": [], "too much": []}


def round_trip(pgcask, server, db, workdir, *options, either_way=()):
    """Backup, restore by stock pg_restore, comparison; returns the archive. The copy is dropped."""
    archive = back_up(pgcask, server, db, workdir / "backup", *options)
    copy = "copy of it"
    create_like(server, db, copy)
    restore(server, archive, copy)
    assert_equal(server, db, copy, archive, workdir, either_way)
    drop(server, copy)
    return archive


def _restored_anyway(server, db, archive, copy, pgcask=None):
    """What pg_restore, or pgcask, makes of an archive, whatever it says: messages, and what differs
    from the source in schema and rows."""
    if pgcask is not None:
        messages = restored_by_ours(pgcask, server, db, archive, copy)
    else:
        create_like(server, db, copy)
        result = restore(server, archive, copy, check=False)
        messages = collections.Counter(
            line.split("ERROR:", 1)[-1].strip() for line in result.stderr.splitlines()
            if "error:" in line and NOT_OURS not in line)
    schema = _counted(dump_schema(server, db), dump_schema(server, copy))
    rows = _counted(table_sums(server, db), table_sums(server, copy))
    drop(server, copy)
    return messages, schema, rows


def _counted(ours, theirs):
    """The difference of two lists of lines without their order, however long they are."""
    ours, theirs = collections.Counter(ours), collections.Counter(theirs)
    return collections.Counter({
        **{f"-{line}": count for line, count in (ours - theirs).items()},
        **{f"+{line}": count for line, count in (theirs - ours).items()}})


def no_farther_than_stock(pgcask, server, db, workdir, further=()):
    """For databases that stock tools themselves do not bring back whole: messages, schema, rows and
    entries are no farther from the source than theirs, restored by pg_restore and by us. Returns how
    far theirs are.

    further: entries that only ours has.
    """
    archive = back_up(pgcask, server, db, workdir / "backup")
    theirs = stock_archive(server, db, workdir / "stock.dump")
    ours_differ = _restored_anyway(server, db, archive, "copy of it")
    theirs_differ = _restored_anyway(server, db, theirs, "copy of theirs")
    more = {what: sorted((one - other).elements()) for what, one, other in zip(
        ("messages", "schema", "rows"), ours_differ, theirs_differ)}
    ours, stock_entries = _comparable(server, archive), _comparable(server, theirs)
    by_ours = _restored_anyway(server, db, archive, "copy by ours", pgcask)
    more.update({f"{what} of our restore": sorted((one - other).elements())
                 for what, one, other in zip(("messages", "schema", "rows"), by_ours, theirs_differ)})
    more["missing entries"] = sorted((stock_entries - ours).elements())
    more["further entries"] = sorted((ours - stock_entries - collections.Counter(further)).elements())
    assert not any(more.values()), json.dumps(more, indent=1)
    return tuple(sum(each.values()) for each in theirs_differ)


def as_sql(server, archive, path):
    """Plain SQL of the archive by pg_restore -f."""
    process.run([stock("pg_restore", server), "-f", path, archive], timeout=300).check()
    return path


_PRIVILEGES = re.compile(r"(?<=GRANT )[A-Z, ]+(?= ON )")
_TAKEN = re.compile(r"(?<=REVOKE )[A-Z, ]+(?= ON )")
_BLANKS = re.compile(r"(?<= ) +(?=TO |FROM )")


def _in_one_way(line):
    """Privileges are in the order of their names, or ALL for what older servers know of tables; what
    is taken first is all that there was."""
    line = _PRIVILEGES.sub(lambda match: ",".join(sorted(match[0].split(","))), line)
    line = line.replace("DELETE,INSERT,REFERENCES,SELECT,TRIGGER,TRUNCATE,UPDATE ON", "ALL ON")
    return _BLANKS.sub("", _TAKEN.sub("ALL", line))


def lines_with(server, archive, path, *words):
    """Sorted lines of the archive's plain SQL that have one of the words."""
    text = as_sql(server, archive, path).read_text()
    return sorted(_in_one_way(line) for line in text.splitlines()
                  if not line.startswith("-- ") and any(word in line for word in words))


def assert_beside_stock(pgcask, server, db, workdir, *words):
    """Our archive lists what pg_dump's does, and has the same lines with those words; both texts."""
    ours = back_up(pgcask, server, db, workdir / "beside")
    theirs = stock_archive(server, db, workdir / "theirs.dump")
    assert contents(server, ours) == contents(server, theirs)
    made = lines_with(server, ours, workdir / "ours.sql", *words)
    assert made == lines_with(server, theirs, workdir / "theirs.sql", *words)
    return made


def run_script(server, db, path):
    """A script through psql that stops at the first error."""
    script = path.read_bytes()
    if server.major < 17:  # only 17 and later know it, and pg_restore 17 always says it
        script = script.replace(b"SET transaction_timeout = 0;\n", b"")
    return run_sql(server, db, script)


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


_HEADER = re.compile(r"--\n-- Name: (.*); Type: (.*); Schema: (.*); Owner: (.*)\n--\n")


def sql_of_kinds(server, archive, path, words):
    """{(kind, schema, name, owner): SQL} of the entries of these kinds, as pg_restore prints them."""
    parts = _HEADER.split(as_sql(server, archive, path).read_text())
    # What settings an entry needs is said where they change: that depends on its neighbours.
    return {(kind, schema, name, owner): "".join(
                line for line in body.splitlines(keepends=True)
                if not line.startswith(("SET ", "\\unrestrict")))
            for name, kind, schema, owner, body in zip(*[iter(parts[1:])] * 5) if kind in words}


def make_choices(server, db, folder):
    """A database, and one of each sort of filter by the names of the command's options."""
    make(server, db, """
        CREATE SCHEMA shop; CREATE SCHEMA "Other, one";
        CREATE TABLE shop.orders AS SELECT g AS id, 'order ' || g AS text FROM generate_series(1, 50) g;
        CREATE TABLE shop.lines AS SELECT 1 AS a; CREATE TABLE shop.secret AS SELECT 2 AS a;
        CREATE TABLE "Other, one".t AS SELECT 3 AS a; CREATE TABLE plain AS SELECT 4 AS a;
    """)
    path = folder / "filter"
    path.write_text("exclude table shop.secret\nexclude table_data shop.lines\n")
    return [("schemas", 'sh?p,"Other, one"'), ("where", "shop.orders=id > 40 AND text <> 'a=b'"),
            ("exclude-table-data", "shop.l*"),
            ("filter", str(path))]


def assert_same_choice(server, ours, theirs):
    """Both backups are of that database with those choices, and the same as pg_restore reads them:
    one may say where its data are, and when it was made."""
    for folder in ours, theirs:
        told = summary(folder)
        assert told["partial"] is True and told["rows"] == 11, told
    assert summary(ours)["filters"] == summary(theirs)["filters"]
    (one,), (other,) = ([*folder.glob("*.dump")] for folder in (ours, theirs))
    assert one.stat().st_size == other.stat().st_size
    said, also = ([line for line in as_sql(server, path, path.with_suffix(".sql"))
                   .read_text().splitlines() if "restrict " not in line] for path in (one, other))
    assert said == also and "\n".join(said).count("CREATE TABLE ") == 3
