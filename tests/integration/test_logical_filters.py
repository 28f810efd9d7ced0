"""A backup of part of a database has the entries that stock pg_dump's of the same options has."""

import collections
import json
import time

import pytest

from pgcask_testing import logical, process

pytestmark = [pytest.mark.majors(13, 14, 15, 16, 17, 18), pytest.mark.sampled]

# What is given to both: a name that is pg_dump's own says that pg_dump of the server has it.
CASES = [
    "--schema=shop",
    "--schema=SHOP",
    "--schema=s*",
    '--schema="Stock Room"',
    '--schema="dotted.name"',
    "--schema=(shop|log)",
    "--schema=public",
    "--schema=shop --schema=log",
    "--exclude-schema=shop",
    "--exclude-schema=public",
    "--exclude-schema=shop --exclude-schema=log",
    "--schema=shop --exclude-schema=s?op --schema=log",
    "--schema=shop --exclude-table=shop.o*",
    "--table=orders",
    "--table=shop.orders",
    "--table=filtered.shop.orders",
    "--table=*.orders",
    '--table="Stock Room".*',
    '--table="Stock Room"."Big Items"',
    '--table="dotted.name"."a.b"',
    "--table=shop.customers --table=shop.lines",
    "--table=shop.lines",
    "--table=shop.numbers",
    "--table=shop.free",
    "--table=shop.busy",
    "--table=shop.summary",
    "--table=log.second --table=shop.summary",
    "--table=log.grouped",
    "--table=a$b",
    "--table=log.events",
    "--table=log.events*",
    "--table=log.events_1",
    "--table=shop.events_2",
    "--table=log.events_3a",
    "--table=log.base",
    "--table=log.child",
    "--table=shop.grandchild",
    "--table=shop.distant",
    "--table=shop.stored",
    "--table=shop.* --exclude-table=shop.c* --exclude-table=*.free",
    "--schema=log --table=shop.orders",
    "--exclude-table=shop.orders",
    "--exclude-table=shop.customers_id_seq",
    "--exclude-table=shop.orders_id_seq",
    "--exclude-table=log.events",
    "--exclude-table=log.events_3",
    "--exclude-table=*.orders --exclude-table=log.*",
    "--exclude-table=shop.busy",
    "--exclude-table-data=shop.orders",
    "--exclude-table-data=shop.*",
    "--exclude-table-data=*.*",
    "--exclude-table-data=configured.*",
    "--table=configured.* --exclude-table-data=plain",
    "--no-unlogged-table-data",
    "--schema-only",
    "--schema-only --schema=shop",
    "--data-only",
    "--data-only --table=shop.*",
    "--data-only --schema=log",
    "--include-foreign-data=files",
]
SINCE_14 = [
    "--extension=hstore",
    "--extension=*",
    "--extension=pg_trgm --schema=shop",
    "--extension=pgcask_configured --table=shop.orders",
    "--extension=hstore --schema=configured",
    "--extension=hstore --table=configured.settings",
]
SINCE_16 = [
    "--table-and-children=log.events",
    "--table-and-children=log.base",
    "--table-and-children=log.events_3 --table=plain",
    "--exclude-table-and-children=log.events",
    "--exclude-table-and-children=log.base",
    "--exclude-table-data-and-children=log.events",
    "--table-and-children=log.* --exclude-table-data-and-children=log.base",
]
SINCE_17 = [
    "--exclude-extension=hstore",
    "--exclude-extension=*",
    "--extension=* --exclude-extension=pg_*",
    "--exclude-extension=pgcask_configured --schema=configured",
    "--exclude-extension=pgcask_configured --table=configured.settings --table=plain",
]
# As our options are called.
PLURALS = {
    "schema": "schemas", "exclude-schema": "exclude-schemas", "table": "tables",
    "exclude-table": "exclude-tables", "table-and-children": "tables-and-children",
    "exclude-table-and-children": "exclude-tables-and-children", "extension": "extensions",
    "exclude-extension": "exclude-extensions",
}


def ours(options):
    for option in options:
        name, sign, value = option[2:].partition("=")
        yield f"--{PLURALS.get(name, name)}{sign}{value}"


def since(server):
    """What only some versions have."""
    return "" if server.major < 15 else """
        CREATE PUBLICATION of_schemas FOR TABLES IN SCHEMA shop, "Stock Room";
    """


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    server = module_servers.create(major)
    logical.run_sql(server, "postgres", logical.script("roles"))
    logical.install_extension(major)
    logical.make(server, "filtered", logical.script("filters"), since(server))
    yield server
    server.close()


def stock_version(cluster):
    """What pg_dump it is that suits the server."""
    return {13: 15, 14: 15, 16: 17}.get(cluster.major, cluster.major)


def stock_dump(cluster, path, *options, db="filtered", tool=None):
    env = {**logical._environment(cluster, db), "PGCLIENTENCODING": None}
    command = [tool or logical.stock("pg_dump", cluster), "-Fc", "-f", path, *options]
    process.run(command, env=env, timeout=300).check()
    return path


def difference(cluster, archive, theirs):
    here, there = (logical.contents(cluster, path) for path in (archive, theirs))
    if cluster.major == 16:  # the next newer pg_dump has large objects in groups
        here, there = (collections.Counter({
            entry: count for entry, count in each.items() if not entry.startswith("BLOB")})
            for each in (here, there))
    return {"missing": sorted((there - here).elements()),
            "too much": sorted((here - there).elements())}


def assert_same(pgcask, cluster, workdir, options):
    options = options.split(" ") if '"' not in options else [options]
    folder = workdir / "ours"
    archive = logical.back_up(pgcask, cluster, "filtered", folder, *ours(options))
    theirs = stock_dump(cluster, workdir / "theirs.dump", *options)
    assert difference(cluster, archive, theirs) == {"missing": [], "too much": []}
    return folder, archive


ALL = CASES + SINCE_14 + SINCE_16 + SINCE_17


@pytest.mark.parametrize("options", ALL)
def test_the_entries_are_those_of_pg_dump(request, pgcask, cluster, major, workdir, options):
    """Each on a third of the versions; with --whole on all of them."""
    if (ALL.index(options) - major) % 3 and not request.config.getoption("--whole"):
        pytest.skip("part of the whole")
    needs = 14 if options in SINCE_14 else 16 if options in SINCE_16 else \
        17 if options in SINCE_17 else 13
    if stock_version(cluster) < needs:
        pytest.skip(f"pg_dump {stock_version(cluster)} does not have it")
    assert_same(pgcask, cluster, workdir, options)


def test_what_refers_to_a_table_that_is_left_out_stays(pgcask, cluster, major, workdir):
    # pg_dump takes a view apart that groups by the key of that table, for which nothing waits here.
    archive = logical.back_up(pgcask, cluster, "filtered", workdir / "ours",
                              "--exclude-tables=shop.customers")
    theirs = stock_dump(cluster, workdir / "theirs.dump", "--exclude-table=shop.customers")
    assert difference(cluster, archive, theirs) in (
        {"missing": [], "too much": []},
        {"missing": ["RULE log grouped _RETURN postgres"], "too much": []})


FILTER_FILE = '''# what the shop is
include schema shop
include schema "Stock Room"   # in quotes
 exclude  table  shop . o*

exclude table_data shop.customers
'''


def test_a_filter_file_is_read_as_pg_dump_reads_it(pgcask, cluster, major, workdir):
    path = workdir / "filter"
    path.write_text(FILTER_FILE)
    archive = logical.back_up(pgcask, cluster, "filtered", workdir / "ours", f"--filter={path}")
    if stock_version(cluster) >= 17:
        theirs = stock_dump(cluster, workdir / "theirs.dump", f"--filter={path}")
    else:
        theirs = stock_dump(cluster, workdir / "theirs.dump", "--schema=shop",
                            '--schema="Stock Room"', "--exclude-table=shop.o*",
                            "--exclude-table-data=shop.customers")
    assert difference(cluster, archive, theirs) == {"missing": [], "too much": []}
    piped = logical.back_up(pgcask, cluster, "filtered", workdir / "piped", "--filter=-",
                            input=FILTER_FILE.encode())
    assert logical.contents(cluster, piped) == logical.contents(cluster, archive)


def test_a_wrong_filter_file_is_told_with_its_line(pgcask, cluster, major, workdir):
    path = workdir / "filter"
    path.write_text("include table a\ninclude tables b\n")
    result = pgcask("backup", cluster.uri("filtered"), "--to", workdir / "x", f"--filter={path}")
    assert result.rc == 2 and f'{path}, line 2: unknown object "tables"' in result.stderr, result
    result = pgcask("backup", cluster.uri("filtered"), "--to", workdir / "x", "--filter=/no/such")
    assert result.rc == 1 and "cannot open /no/such" in result.stderr, result


def failure(pgcask, cluster, workdir, *options, rc=2):
    target = workdir / "failed"
    result = pgcask("backup", cluster.uri("filtered"), "--to", target, *options)
    assert result.rc == rc and not target.exists(), result
    return result.stderr


@pytest.mark.parametrize("option, near", [
    ("--tables=shop.orderz", "shop.orders"),
    ("--tables=customers", "shop.customers"),
    ("--exclude-tables=log.evnts", "log.events"),
    ("--tables-and-children=nowhere.*", None),
    ("--exclude-table-data=shop.custmers", "shop.customers"),
    ("--schemas=shp", "shop"),
    ("--exclude-schemas=Log", "log"),
    ("--extensions=hstor", "hstore"),
    ("--exclude-extensions=pg_trm", "pg_trgm"),
    ("--include-foreign-data=file", "files"),
    ("--tables=shop.hstore", "shop.stored"),
    ("--schemas=pg_catalog", None),
    ("--tables=pg_catalog.pg_class", None),
    ("--where=shop.nothing=true", None),
])
@pytest.mark.sampled(1)
def test_a_pattern_that_matches_nothing_is_named(pgcask, cluster, major, workdir, option, near):
    name, _, pattern = option.partition("=")
    if name == "--exclude-schemas":
        pattern = "Logg"
        option = f"{name}={pattern}"
    told = failure(pgcask, cluster, workdir, option)
    pattern = pattern.partition("=")[0]
    assert f"{name}: the pattern {pattern} matches nothing" in told
    assert near is None or f"Did you mean {near}?" in told, told


@pytest.mark.parametrize("option, takes", [
    ("--tables=configured.unlisted", "none that an extension makes but its configuration"),
    ("--where=shop.summary=true", "--where takes tables."),
])
def test_what_is_there_but_not_for_that_list_is_no_misspelling(pgcask, cluster, major, workdir,
                                                               option, takes):
    told = failure(pgcask, cluster, workdir, option)
    assert "matches nothing" in told and takes in told and "Did you mean" not in told, told


def test_a_pattern_that_is_none_is_named(pgcask, cluster, major, workdir):
    told = failure(pgcask, cluster, workdir, "--tables=shop.*", "--exclude-tables=a,b(")
    assert "--exclude-tables b(: invalid regular expression" in told, told
    assert "too many names" in failure(pgcask, cluster, workdir, "--tables=a.b.c.d")
    told = failure(pgcask, cluster, workdir, "--tables=other.shop.orders")
    assert "names the database other, but it is filtered that is backed up" in told, told


@pytest.mark.parametrize("one, other", [
    ("--schema-only", "--data-only"), ("--schema-only", "--where=shop.orders=true"),
    ("--schema-only", "--include-foreign-data=files"),
])
@pytest.mark.sampled(1)
def test_what_does_not_go_together_names_both(pgcask, cluster, major, workdir, one, other):
    told = failure(pgcask, cluster, workdir, one, other)
    assert f"{one} and {other.partition('=')[0]} are both set" in told


# ---- Rows ----


def rows(cluster, archive, table):
    """The rows of a table as the archive has them."""
    schema, name = table.split(".")
    command = [logical.stock("pg_restore", cluster), "--data-only", "-f", "-", "-n", schema,
               "-t", name, archive]
    text = process.run(command, timeout=60).check().stdout
    return text.split(" FROM stdin;\n")[1].split("\\.\n")[0].splitlines()


def test_rows_are_chosen_by_conditions(pgcask, cluster, major, workdir):
    archive = logical.back_up(
        pgcask, cluster, "filtered", workdir / "ours",
        "--where=shop.orders=placed > date '2024-02-01' -- not ;)\n AND customer IN (1, 2)",
        "--where=*.customers=name = 'c1' OR name = $$c2$$; shop.orders = id <= 36",
        "--where=log.events=what <> 'c'; log.child=false", "--where=shop.lines=what = 'a,b'")
    chosen = [line.split("\t") for line in rows(cluster, archive, "shop.orders")]
    assert [line[0] for line in chosen] == ["35", "36"] or \
        all(31 < int(line[0]) <= 36 and line[1] in "12" for line in chosen) and chosen
    assert [line.split("\t")[1] for line in rows(cluster, archive, "shop.customers")] == \
        ["c1", "c2"]
    assert rows(cluster, archive, "log.events_1") == ["2024-01-05\ta"]
    assert rows(cluster, archive, "log.events_3a") == []
    assert rows(cluster, archive, "log.child") == []
    assert rows(cluster, archive, "shop.grandchild") == ["3\tz\t4"] or \
        len(rows(cluster, archive, "shop.grandchild")) == 1
    assert rows(cluster, archive, "shop.lines") == []
    assert difference(cluster, archive, stock_dump(cluster, workdir / "all.dump")) == \
        {"missing": [], "too much": []}


@pytest.mark.parametrize("condition, told", [
    ("nonsense > 1", 'column "nonsense" does not exist'),
    ("placed", "argument of WHERE must be type boolean"),
    ("count(*) > 1", "aggregate functions are not allowed"),
    ("a =", "syntax error"),
    ("id > 1, id < 2", "argument of WHERE must be type boolean"),
])
@pytest.mark.sampled(1)
def test_a_broken_condition_names_table_and_condition(pgcask, cluster, major, workdir, condition,
                                                      told):
    error = failure(pgcask, cluster, workdir, f"--where=shop.orders={condition}")
    assert f"--where of table shop.orders: {told}" in error, error
    assert f"The condition is: {condition}" in error, error


@pytest.mark.parametrize("condition", [
    "true) TO PROGRAM 'touch x'", "true) UNION ALL (SELECT 1", "true /*", "'", "$a$", "(", "a]",
    "E'a'\n'\\'' ) UNION SELECT 1 --'",
])
@pytest.mark.sampled(1)
def test_a_condition_stays_within_its_brackets(pgcask, cluster, major, workdir, condition):
    assert "--where of shop.orders: " in failure(pgcask, cluster, workdir,
                                                 f"--where=shop.orders={condition}")


def test_a_condition_that_is_like_a_password_is_taken_as_it_is(pgcask, cluster, major, workdir):
    db = logical.make(cluster, "passwords", "CREATE TABLE t (password text);"
                                            "INSERT INTO t VALUES ('a'), ('b');")
    archive = logical.back_up(pgcask, cluster, db, workdir / "ours", "--where=t=password = 'b'")
    assert rows(cluster, archive, "public.t") == ["b"]


def test_a_condition_on_what_is_left_out_is_an_error(pgcask, cluster, major, workdir):
    told = failure(pgcask, cluster, workdir, "--where=shop.orders=true",
                   "--exclude-table-data=shop.orders")
    assert "--where: no rows of shop.orders are backed up" in told


def test_conditions_choose_rows_of_an_extensions_configuration(pgcask, cluster, major, workdir):
    db = logical.make(cluster, "configuration", """
        CREATE EXTENSION pgcask_configured;
        INSERT INTO configured.settings VALUES ('a', '1', true), ('b', '2', NULL), ('c', '3', true);
        INSERT INTO configured.everything VALUES (1), (2), (3);
        CREATE TABLE settings (value text);
        INSERT INTO settings VALUES ('1'), ('2');
        CREATE TABLE parted (a int) PARTITION BY LIST (a);
    """)
    archive = logical.back_up(
        pgcask, cluster, db, workdir / "ours", "--where=*.settings=value <> '1' -- not ;)",
        "--where=configured.everything=everything.a > 1; configured.settings = name <> 'c'")
    # Also no row that the extension itself makes.
    assert [line.split("\t")[0] for line in rows(cluster, archive, "configured.settings")] == ["b"]
    assert rows(cluster, archive, "configured.everything") == ["2", "3"]
    assert rows(cluster, archive, "public.settings") == ["2"]

    def told(*options):
        return pgcask("backup", cluster.uri(db), "--to", workdir / "no", *options).stderr

    assert "--where of table configured.settings: column \"x\" does not" in told(
        "--where=configured.settings=x > 1")
    for options, why in (
            (["--where=configured.unlisted=true"], "calls its configuration"),
            (["--where=configured.settings=true", "--exclude-tables=configured.settings"],
             "if no option leaves them out"),
            (["--where=parted=true"], "partitioned table without partitions"),
            (["--where=settings=true", "--exclude-tables=settings"], "Other options leave")):
        answer = told(*options)
        assert "are backed up" in answer and why in answer, answer


def test_data_alone_comes_in_the_order_of_keys(pgcask, cluster, major, workdir):
    db = logical.make(cluster, "keys", """
        CREATE TABLE a (id int PRIMARY KEY, z int);
        CREATE TABLE b (id int PRIMARY KEY, a int, self int REFERENCES b);
        CREATE TABLE c (id int REFERENCES b);
        INSERT INTO a VALUES (1, 1);
        INSERT INTO b VALUES (1, 1, 1);
        INSERT INTO c VALUES (1);
        CREATE TABLE z (id int PRIMARY KEY);
        INSERT INTO z VALUES (1);
        ALTER TABLE a ADD FOREIGN KEY (z) REFERENCES z;
        ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a;
    """)
    archive = logical.back_up(pgcask, cluster, db, workdir / "ours", "--data-only")
    logical.create_like(cluster, db, "keys copy")
    schema = stock_dump(cluster, workdir / "schema.dump", "--schema-only", db=db)
    logical.restore(cluster, schema, "keys copy")
    logical.restore(cluster, archive, "keys copy")
    assert logical.table_sums(cluster, db) == logical.table_sums(cluster, "keys copy")
    logical.run_sql(cluster, db, "ALTER TABLE z ADD c int REFERENCES b;")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "circle", "--data-only")
    assert result.ok and "lead in a circle" in result.stderr, result


def test_foreign_rows_come_along(pgcask, cluster, major, workdir):
    archive = logical.back_up(pgcask, cluster, "filtered", workdir / "ours",
                              "--include-foreign-data=files")
    assert rows(cluster, archive, "log.lines") == ["1\tx", "2\ty"]
    for told in (manifest := json.loads((workdir / "ours/manifest.json").read_text()),
                 logical.summary(workdir / "ours")):
        assert told["partial"] is False, manifest
        assert told["filters"] == {"include_foreign_data": ["files"]}, manifest


# ---- What is told ----


def test_a_partial_backup_says_so(pgcask, cluster, major, workdir):
    folder = workdir / "ours"
    result = pgcask("backup", cluster.uri("filtered"), "--to", folder, "--tables=shop.orders",
                    "--where=shop.orders=id > 1", "--exclude-table-data=plain", "--json")
    assert result.ok, result
    filters = {"tables": ["shop.orders"], "exclude_table_data": ["plain"],
               "where": [{"table": "shop.orders", "condition": "id > 1"}]}
    assert json.loads(result.stdout)["partial"] is True
    said = pgcask("backup", cluster.uri("filtered"), "--to", workdir / "said", "--schema-only")
    assert "this is a partial backup" in said.stdout, said
    for name in ("manifest.json", "summary.json"):
        told = json.loads((folder / name).read_text())
        assert told["partial"] is True and told["filters"] == filters, name
    listed = pgcask("list", folder)
    assert "partial" in listed.stdout
    whole = workdir / "whole"
    result = pgcask("backup", cluster.uri("filtered"), "--to", whole, "--json")
    assert json.loads(result.stdout)["partial"] is False
    assert json.loads((whole / "manifest.json").read_text())["partial"] is False


def test_what_is_needed_and_not_there_is_named(pgcask, cluster, major, workdir):
    folder = workdir / "ours"
    logical.back_up(pgcask, cluster, "filtered", folder, "--tables=shop.orders,shop.stored")
    (told,) = [line for line in logical.summary(folder)["warnings"] if "needs" in line]
    for name in ("schema shop", "table shop.customers", "type shop.positive", "extension hstore",
                 "function shop.touch()"):
        assert name in told, told
    folder = workdir / "schema"
    logical.back_up(pgcask, cluster, "filtered", folder, "--schemas=public")
    assert not [line for line in logical.summary(folder)["warnings"] if "needs" in line]


def test_rows_that_no_configuration_covers_are_named(pgcask, cluster, major, workdir):
    folder = workdir / "ours"
    result = pgcask("backup", cluster.uri("filtered"), "--to", folder)
    assert result.ok and "rows of configured.unlisted" in result.stderr, result
    for name in ("summary.json", "manifest.json"):
        assert "rows of configured.unlisted" in (folder / name).read_text()
    quiet = workdir / "quiet"
    logical.back_up(pgcask, cluster, "filtered", quiet, "--schemas=shop")
    assert not any("unlisted" in line for line in logical.summary(quiet)["warnings"])


def test_rows_that_no_configuration_covers_are_not_waited_for(pgcask, cluster, major, workdir):
    db = logical.make(cluster, "covered", "CREATE EXTENSION pgcask_configured;")
    with cluster.session(db) as reader, cluster.session(db) as writer:
        reader.sql("BEGIN; SELECT FROM configured.unlisted")
        writer.send("BEGIN; LOCK TABLE configured.unlisted")
        while cluster.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0":
            time.sleep(0.02)
        logical.back_up(pgcask, cluster, db, workdir / "queued", "--lock-timeout=1s")
        assert logical.summary(workdir / "queued")["warnings"] == []
        reader.sql("ROLLBACK")
        writer.receive()


# ---- What is not wanted is not touched ----


def test_what_is_not_wanted_is_neither_locked_nor_asked_for(pgcask, cluster, major, workdir):
    logical.run_sql(cluster, "filtered", """
        DO $$BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN END$$;
        GRANT USAGE ON SCHEMA "Stock Room" TO reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA "Stock Room" TO reader;
    """)
    uri = cluster.uri("filtered", user="reader")
    result = pgcask("backup", uri, "--to", workdir / "all")
    assert result.rc == 1 and "may not read" in result.stderr, result
    options = ['--schemas="Stock Room"', "--lock-timeout=1s", "--quiet"]
    with cluster.session("filtered") as other:
        other.sql("BEGIN; LOCK TABLE shop.orders, log.events, shop.customers;")
        result = pgcask("backup", uri, "--to", workdir / "some", *options)
        assert result.ok, result
        assert pgcask("check", uri, *options[:1]).ok
        other.sql("ROLLBACK;")


def test_patterns_are_about_one_database(pgcask, cluster, major, workdir):
    for option in ("--tables=shop.orders", "--where=t=true", "--filter=/nowhere"):
        result = pgcask("backup", f"{cluster.uri('')}", "--to", workdir / "x", option)
        assert result.rc == 2, result
        assert f"{option.partition('=')[0]} is about one database" in result.stderr, result


@pytest.mark.majors(15)
def test_the_examples_of_the_help_do_what_they_say(pgcask, cluster, major, workdir):
    db = logical.make(cluster, "examples", """
        CREATE SCHEMA shop;
        CREATE TABLE shop.orders (placed timestamptz);
        INSERT INTO shop.orders VALUES (now()), (now() - interval '2 years');
        CREATE TABLE log (line text);
        INSERT INTO log VALUES ('a');
    """)
    told = " ".join(pgcask("help", "backup").check().stdout.split())
    lines = ["include table shop.*", "exclude table_data log"]
    condition = "shop.orders=placed > now() - interval '1 year'"
    assert all(f'"{each}"' in told for each in (*lines, condition))
    rows = {}
    for name, words in (("include", ["--filter=-"]), ("exclude", ["--filter=-"]),
                        ("where", [f"--where={condition}"])):
        text = "".join(f"{line}\n" for line in lines if line.startswith(name))
        archive = logical.back_up(pgcask, cluster, db, workdir / name, *words, input=text)
        entries = logical.contents(cluster, archive)
        rows[name] = {entry.split()[3] for entry in entries if entry.startswith("TABLE DATA ")}
    assert rows == {"include": {"orders"}, "exclude": {"orders"}, "where": {"orders", "log"}}
    assert logical.summary(workdir / "where")["rows"] == 2


@pytest.mark.majors(18)
def test_more_patterns_than_a_backup_can_state_are_refused(pgcask, cluster, major, workdir):
    lines = "".join(f"exclude table_data t{number}\n" for number in range(5001))
    told = pgcask("backup", "postgres://u@127.0.0.1:1/d", "--to", workdir / "b", "--filter=-",
                  input=lines)
    assert told.rc == 2 and "there are 5001 patterns" in told.stderr, told
    told = pgcask("backup", "postgres://u@127.0.0.1:1/d", "--to", workdir / "b", "--filter=-",
                  input=f"include table {'t' * 2000000}\n")
    assert told.rc == 2 and "1 MiB together" in told.stderr, told
    assert not list(workdir.iterdir())
