"""What our restore makes is the source again: all databases of a cluster in each layout, on later
majors no farther than stock tools of the same pair, pg_dump's formats, and the files that Plakar's
official integration stores."""

import json
import re
import shutil

import pytest
from test_archive_input import SAMPLE, forms
from test_globals import CHAIN, CONF, GLOBALS, NOT_TO_PUBLIC, UNTIL_15
from test_globals import SINCE as GLOBALS_SINCE
from test_logical_databases import MADE, SETTINGS
from test_releases import NEWER_WORDS, SCRIPTS, SINCE, different, schema_of_theirs, text_of
from test_restore_scripts import everything_of

from pgcask_testing import logical, paths, process, restored, temp
from pgcask_testing.logical import make, run_sql, script

OWN_TOOLS = pytest.mark.majors(*paths.STOCK_MAJORS)


# All databases of a cluster

EVERYWHERE = r"""
    CREATE TABLE t (n int PRIMARY KEY, x text DEFAULT E'it''s \\');
    INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 200) n;
    ALTER TABLE t OWNER TO alice; GRANT SELECT ON t TO bob WITH GRANT OPTION;
    SET ROLE bob; GRANT SELECT ON t TO carol; RESET ROLE;
    ALTER DEFAULT PRIVILEGES FOR ROLE alice GRANT SELECT ON TABLES TO bob;
    CREATE VIEW v AS SELECT count(*) FROM t;
    SELECT lo_from_bytea(4711, '\x00ff5c'); COMMENT ON LARGE OBJECT 4711 IS 'large';
"""
BYTES = b"CREATE TABLE \"t\xe4\" (\"\xf6\" text); INSERT INTO \"t\xe4\" VALUES ('\xe9\xa0\xff');"


_OF_POLICIES = re.compile(r"(?<= TO ).*(?= USING)")


def all_of(server):
    """Whose roles a policy has, pg_dump says in the order in which they lie in pg_authid."""
    return [_OF_POLICIES.sub(lambda match: ", ".join(sorted(match[0].split(", "))), line)
            if line.startswith("CREATE POLICY ") else line for line in everything_of(server)]


def assert_same(target, source):
    different = logical._counted(source.all, all_of(target))
    assert not different, "\n".join(sorted(different.elements())[:100])


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def fill(server):
    """Roles, tablespaces, and databases of every property, encoding and provider."""
    major = server.major
    run_sql(server, "postgres", script("roles") + GLOBALS.replace(
        NOT_TO_PUBLIC, 'TO "-dash" WITH GRANT OPTION'))
    for since, more in GLOBALS_SINCE.items():
        if major >= since:
            run_sql(server, "postgres", more)
    run_sql(server, "postgres", CHAIN if major >= 16 else UNTIL_15)
    run_sql(server, "postgres", "CREATE TABLESPACE \"A tablespace\" LOCATION '';")
    for made, (since, options) in MADE.items():
        if major < since:
            continue
        name = f"D {made} \"it's"
        run_sql(server, "postgres",
                f"CREATE DATABASE {quoted(name)} TEMPLATE template0 {options};")
        run_sql(server, name, EVERYWHERE)
        run_sql(server, "postgres", SETTINGS.format(name=quoted(name)))
    for name, encoding in (("bytes", "SQL_ASCII"), ("latin", "LATIN1"), ("japan", "EUC_JP")):
        run_sql(server, "postgres", f"CREATE DATABASE {quoted(name)} TEMPLATE template0 ENCODING "
                                    f"'{encoding}' LC_COLLATE 'C' LC_CTYPE 'C';")
        run_sql(server, name, BYTES if name != "japan" else
                "SET client_encoding = UTF8; CREATE TABLE 表 AS SELECT '値'::text AS 列;")
    make(server, "kinds", script("kinds"), script("more_kinds"))
    make(server, "shut")
    run_sql(server, "template1", "CREATE FUNCTION of_all() RETURNS int LANGUAGE sql AS 'SELECT 1'; "
                                 "CREATE TABLE of_template1 AS SELECT 1 AS a;")
    run_sql(server, "postgres", "CREATE TABLE of_postgres AS SELECT 2 AS a; "
                                "ALTER DATABASE shut ALLOW_CONNECTIONS false;")


CLUSTER_LAYOUTS = ("classic", "numbered", "tables")


@pytest.fixture(scope="module")
def source(major, module_servers):
    server = module_servers.create(major, conf=CONF)
    fill(server)
    server.all = all_of(server)
    yield server
    server.close()


@pytest.mark.parametrize("layout", CLUSTER_LAYOUTS)
def test_a_cluster_comes_back_whole(pgcask, source, servers, major, workdir, layout, request):
    if layout != CLUSTER_LAYOUTS[major % 3] and not request.config.getoption("--whole"):
        return  # each has another
    told = pgcask("backup", source.uri(None), "--to", workdir / "b", "--layout", layout).check()
    assert '"shut" is left out' in told.stderr, told
    target = servers.create(major, conf=CONF)
    told = json.loads(pgcask("restore", workdir / "b", "--to", target.uri(None), "--create-db",
                             "--json").check().stdout)
    assert told["failure_count"] == 0, told
    assert set(target.databases()) == set(source.databases()) - {"shut"}
    assert_same(target, source)
    for name in target.databases():
        if name not in ("postgres", "template1"):
            assert logical.database_facts(target, name) == logical.database_facts(source, name)


# Later majors

# In each run; with --whole every later one.
LATER = {13: (15, 18), 14: (16,), 15: (18,), 16: (17,), 17: (18,)}


@pytest.fixture(scope="module")
def park(module_servers):
    """park(major): one server of each, made when it is asked for."""
    made = {}

    def get(major):
        if major not in made:
            made[major] = module_servers.create(major)
            run_sql(made[major], "postgres", script("roles"))
        return made[major]

    return get


@pytest.mark.majors(13, 14, 15, 16, 17)
def test_on_later_majors_it_is_no_farther_than_stocks(pgcask, park, major, workdir, request):
    scripts = [text_of(name) for name in SCRIPTS if SINCE.get(name, 0) <= major]
    db = make(park(major), "source", *scripts)
    ours = logical.back_up(pgcask, park(major), db, workdir / "b")
    theirs = logical.stock_archive(park(major), db, workdir / "stock.dump")
    sums = logical.table_sums(park(major), db)
    objects = logical.large_objects(park(major), db)
    later = [other for other in paths.MAJORS if other > major]
    for target in map(park, later if request.config.getoption("--whole") else LATER[major]):
        expected = schema_of_theirs(theirs, target, workdir)
        # There is no pg_dump as old as 14, and newer ones have words that 14 does not know.
        for archive in (ours, theirs) if target.major >= paths.STOCK_MAJORS[0] else (ours,):
            copy = make(target, "by ours", options="TEMPLATE template0")
            result = pgcask("restore", archive, "--to", target.uri(copy))
            assert result.rc == 0, (target, archive, result)
            lines = different(logical.dump_schema(target, copy), expected)
            newer = NEWER_WORDS.get(major, ()) if archive == ours else ()
            assert not [line for line in lines if not line.startswith(newer)], (target, archive)
            assert logical.table_sums(target, copy) == sums
            assert logical.large_objects(target, copy) == objects


# Formats


def more_forms(major):
    yield from ((name, options) for name, options in forms(major) if "inserts" not in name
               and not name.endswith("-1"))
    yield "custom-strong", ["-Fc", "-Z", "9"]
    yield "plain", ["-Fp"]
    yield "plain-6", ["-Fp", "-Z", "6"]
    if major >= 16:
        yield "custom-gzip", ["-Fc", "--compress=gzip:level=3"]
        yield "folder-zstd-19", ["-Fd", "--compress=zstd:19"]
    if major >= 17:
        yield "custom-long", ["-Fc", "--compress=zstd:long"]


@OWN_TOOLS
def test_every_format_of_the_newest_release_comes_back(pgcask, park, major, workdir):
    server = park(major)
    db = make(server, "forms", SAMPLE, EVERYWHERE)
    env = {**logical._environment(server, db), "PGCLIENTENCODING": None}
    facts = restored.facts(server, db)
    for name, options in more_forms(major):
        process.run([paths.stock("pg_dump", major, "newest"), *options, "-f", workdir / name],
                    env=env).check()
        if name == "folder-6":  # and as somebody packs it himself
            process.run(["tar", "-C", workdir / name, "-cf", workdir / "packed", "."]).check()
        for made in (name, "packed") if name == "folder-6" else (name,):
            logical.create_like(server, db, "form of it")
            result = pgcask("restore", workdir / made, "--to", server.uri("form of it"))
            assert result.rc == 0, (made, result)
            assert restored.facts(server, "form of it") == facts, made


# What the official integration stores

MANIFEST = {
    "version": 2, "created_at": "2026-07-20T10:00:00Z", "connector": "postgresql", "host": "db",
    "port": 5432, "server_version": "18.1", "pg_dump_version": "pg_dump (PostgreSQL) 18.1",
    "in_recovery": False, "dump_format": "custom", "options": {"compress": False},
    "cluster_config": {"timezone": "UTC"}, "roles": [], "tablespaces": [], "databases": [],
}


@pytest.fixture(scope="module")
def official(major, module_servers):
    """A cluster, and by the name of a layout the folder with the files that stock tools make of it."""
    server = module_servers.create(major)
    run_sql(server, "postgres", script("roles") + f"""
        CREATE ROLE of_globals LOGIN PASSWORD 'x'; GRANT alice TO of_globals;
        CREATE DATABASE "2024-sales" OWNER alice;
        CREATE DATABASE {quoted('My "db"')} CONNECTION LIMIT 4;""")
    run_sql(server, "2024-sales", EVERYWHERE)
    run_sql(server, 'My "db"', SAMPLE)
    run_sql(server, "template1", "CREATE TABLE of_template1 (n int)")
    folder = temp.new_dir("official")

    def call(tool, path, *options, db="postgres"):
        path.parent.mkdir(parents=True, exist_ok=True)
        env = {**logical._environment(server, db), "PGCLIENTENCODING": None}
        process.run([logical.stock(tool, server), *options, "-f", path], env=env).check()

    def numbered(below):
        call("pg_dumpall", below / "00000-globals.sql", "--globals-only")
        for number, name in enumerate(server.databases(), 1):
            call("pg_dump", below / f"{number:05}-{name}.dump", "-Fc", "-Z0", db=name)

    numbered(folder / "numbered")
    shutil.copytree(folder / "numbered", folder / "beside files/db")
    (folder / "beside files/fs/etc").mkdir(parents=True)
    (folder / "beside files/fs/etc/x.conf").write_text("x")
    call("pg_dumpall", folder / "one/globals.sql", "--globals-only")
    call("pg_dump", folder / "one/2024-sales.dump", "-Fc", db="2024-sales")
    call("pg_dumpall", folder / "all/all.sql")
    for layout in ("numbered", "one", "all"):
        database = {"database": "2024-sales"} if layout == "one" else {}
        (folder / layout / "manifest.json").write_text(json.dumps({**MANIFEST, **database}))
    shutil.copytree(folder / "numbered", folder / "alone")  # as somebody puts it together
    (folder / "alone/manifest.json").unlink()
    server.archives, server.all = folder, all_of(server)
    yield server
    server.close()
    temp.remove(folder)


LAYOUTS = ("numbered", "beside files", "one", "all", "alone")
FORMS = ("folder", "tar", "pipe")  # another on each major


def as_form(folder, workdir, form):
    """What to restore, and from where it is read: as a folder, a tar or a stream."""
    if form == "folder":
        return folder, {}
    tar = logical.in_byte_order(folder, workdir / "it.tar")
    return (tar, {}) if form == "tar" else ("-", {"stdin": tar.open("rb")})


@OWN_TOOLS
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.sampled(1)
def test_what_the_official_integration_stored_comes_back(
        pgcask, official, servers, major, workdir, layout):
    form = FORMS[(LAYOUTS.index(layout) + major) % 3]
    place, more = as_form(official.archives / layout, workdir, form)
    target = servers.create(major)
    result = pgcask("restore", place, "--to", target.uri(None), "--create-db", **more)
    assert result.rc == 0, result
    known = layout in ("numbered", "one", "all")
    assert ("there is no manifest.json" in result.stderr) != known, result
    if layout != "one":
        assert_same(target, official)
        return
    assert logical.dump_all(target, "-g") == logical.dump_all(official, "-g")
    assert restored.facts(target, "2024-sales") == restored.facts(official, "2024-sales")
    assert logical.database_facts(target, "2024-sales") == logical.database_facts(
        official, "2024-sales")


@OWN_TOOLS
@pytest.mark.sampled(1)
def test_what_it_stored_is_checked_as_far_as_that_goes(pgcask, official, major, workdir):
    def verified(folder):
        return json.loads(pgcask("verify", folder, "--json").check().stdout)

    told = verified(official.archives / "numbered")
    assert told["digests"] is False and told["database_count"] == 4, told
    assert told["layout"] == "numbered" and told["rows"] > 200, told
    assert verified(official.archives / "one")["database"] == "2024-sales"

    def refused(layout, change, says, *words):
        folder = workdir / "changed"
        shutil.copytree(official.archives / layout, folder)
        change(folder)
        before = official.databases()
        for form in ("folder", "tar"):
            place, _ = as_form(folder, workdir, form)
            result = pgcask("restore", place, "--to", official.uri(None), "--into-existing", *words)
            assert result.rc in (1, 2) and re.search(says, result.stderr), result
        assert official.databases() == before
        result = pgcask("verify", folder)
        shutil.rmtree(folder)
        return result

    def cut(folder):
        (path,) = folder.glob("*2024-sales.dump")
        path.write_bytes(path.read_bytes()[:-300])

    assert refused("numbered", cut, "2024-sales.dump").rc == 1
    assert refused("one", cut, "2024-sales.dump").rc == 1
    # One of the numbers is not there; nothing says so of a folder without a manifest.
    assert refused("numbered", lambda folder: (folder / '00002-My "db".dump').unlink(),
                   "number 2 is missing").rc == 1
    assert refused("numbered", lambda folder: (folder / "other.txt").touch(), "unexpected").rc == 1
    refused("one", lambda folder: (folder / "manifest.json").write_text('{"connector": "postgresql"'),
            "manifest.json")
    # Several do not go into one.
    for layout in ("numbered", "alone", "beside files"):
        refused(layout, lambda folder: None, "--database is for the restore of one database",
                "--database", "postgres")
    (workdir / "list").write_text("")
    for words in ((), ("--databases", "2024-sales,postgres")):
        refused("numbered", lambda folder: None, "a list of entries is of one archive", "--list-file",
                workdir / "list", *words)
    with logical.in_byte_order(official.archives / "alone", workdir / "it.tar").open("rb") as stream:
        result = pgcask("restore", "-", "--to", official.uri('My "db"'), "--into-existing",
                        stdin=stream)
    assert result.rc == 2 and "is of several databases" in result.stderr, result
