"""Which entries of an archive are restored, and in what order: what stock pg_restore does with the
same archive and the same wishes, for whoever wrote the archive."""

import random
import re

import pytest

from pgcask_testing import logical, paths, process
from pgcask_testing.logical import make, script
from pgcask_testing.plans import planner  # noqa: F401: a fixture

ODD_TABLE = '"My ""Table"" x"'

# Members of the request, and options of pg_restore.
CASES = [
    ([], []),
    (["schema_only"], ["-s"]),
    (["data_only"], ["-a"]),
    (["create_db"], ["-C"]),
    (["create_db", "schema_only"], ["-C", "-s"]),
    (["create_db", "tables=v"], ["-C", "-t", "v"]),
    (["recreate"], ["-C"]),
    (["no_privileges"], ["-x"]),
    (["no_comments"], ["--no-comments"]),
    (["no_security_labels"], ["--no-security-labels"]),
    (["no_publications"], ["--no-publications"]),
    (["no_subscriptions"], ["--no-subscriptions"]),
    (["no_privileges", "no_comments", "no_publications"],
     ["-x", "--no-comments", "--no-publications"]),
    (["sections=1"], ["--section=pre-data"]),
    (["sections=2"], ["--section=data"]),
    (["sections=4"], ["--section=post-data"]),
    (["sections=5"], ["--section=pre-data", "--section=post-data"]),
    (["sections=1", "data_only"], ["--section=pre-data", "-a"]),
    (["schemas=shop"], ["-n", "shop"]),
    (['schemas="Odd . Name"'], ["-n", "Odd . Name"]),
    (["schemas=public,shop"], ["-n", "public", "-n", "shop"]),
    (["exclude_schemas=shop"], ["-N", "shop"]),
    (["schemas=shop", "exclude_schemas=shop"], ["-n", "shop", "-N", "shop"]),
    (["schemas=shop", "schema_only"], ["-n", "shop", "-s"]),
    (["schemas=shop", "data_only"], ["-n", "shop", "-a"]),
    (["tables=orders"], ["-t", "orders"]),
    (["tables=ORDERS"], ["-t", "orders"]),
    (["tables=shop.orders"], ["-n", "shop", "-t", "orders"]),
    (["schemas=shop", "tables=orders"], ["-n", "shop", "-t", "orders"]),
    (["tables=" + ODD_TABLE], ["-t", 'My "Table" x']),
    (["tables=v,m,s", "tables=ft,parts"],
     ["-t", "v", "-t", "m", "-t", "s", "-t", "ft", "-t", "parts"]),
    (["tables=parts*"], ["-t", "parts", "-t", "parts_1"]),
    (["tables=orders_id_seq"], ["-t", "orders_id_seq"]),
    (["tables=orders", "schema_only"], ["-t", "orders", "-s"]),
    (["tables=orders", "data_only"], ["-t", "orders", "-a"]),
    (["tables=orders", "sections=2"], ["-t", "orders", "--section=data"]),
    (["tables=orders", "no_privileges", "no_comments"], ["-t", "orders", "-x", "--no-comments"]),
    (["functions=shop.f(int, text)"], ["-P", "f(integer, text)"]),
    (["functions=f()"], ["-P", "f()"]),
    (["functions=f"], ["-P", "f()", "-P", "f(integer, text)"]),
    (["functions=p,agg"], ["-P", "p(integer, text)", "-P", "agg(integer)"]),
    (['functions="f(x"(timestamptz,varchar[])'],
     ["-P", "f(x(timestamp with time zone, character varying[])"]),
    (["indexes=orders_word"], ["-I", "orders_word"]),
    (['indexes="Odd Index",m_id'], ["-I", "Odd Index", "-I", "m_id"]),
    (["indexes=parts_k"], ["-I", "parts_k"]),
    (["triggers=audit"], ["-T", "orders audit"]),
    (["triggers=shop.orders.audit"], ["-T", "orders audit"]),
    (["triggers=orders audit"], ["-T", "orders audit"]),
    (['triggers="other one"'], ["-T", 'My "Table" x other one']),
    (["tables=orders", "indexes=orders_word", "triggers=audit", "functions=f()"],
     ["-t", "orders", "-I", "orders_word", "-T", "orders audit", "-P", "f()"]),
    (["schemas=shop", "indexes=orders_word"], ["-n", "shop", "-I", "orders_word"]),
    (["exclude_schemas=shop", "tables=orders"], ["-N", "shop", "-t", "orders"]),
]
# What pg_restore has learnt with 18.
CASES_18 = [
    (["no_policies"], ["--no-policies"]),
    (["no_statistics"], ["--no-statistics"]),
    (["tables=orders", "indexes=orders_word", "no_statistics"],
     ["-t", "orders", "-I", "orders_word", "--no-statistics"]),
]


@pytest.fixture(scope="module")
def archives(module_servers, pgcask, major, tmp_path_factory):
    """Of one database: pg_dump's, and ours; and a server, which a plan asks."""
    server = module_servers.create(major, conf={"wal_level": "logical"})
    logical.run_sql(server, "postgres", script("roles"))
    db = make(server, "shop db", script("selection"))
    logical.run_sql(server, db, """
        COMMENT ON DATABASE "shop db" IS 'c'; GRANT CONNECT ON DATABASE "shop db" TO alice;
        ALTER DATABASE "shop db" SET work_mem = '5MB';""")
    folder = tmp_path_factory.mktemp("archives")
    theirs = folder / "theirs.dump"
    extra = ["--statistics"] if major >= 18 else []
    process.run([logical.stock("pg_dump", server), "-Fc", "-Z0", *extra, "-f", theirs,
                 server.uri(db)]).check()
    ours = logical.back_up(pgcask, server, db, folder / "backup")
    yield server.uri("postgres"), [theirs, ours]
    server.close()


def stock_entries(tool, archive, *options):
    """Numbers in the order in which pg_restore restores them."""
    restore = paths.stock("pg_restore", tool)
    result = process.run([restore, "-v", "-f", "-", *options, archive]).check()
    numbers = re.findall(r"^-- TOC entry (\d+) \(class", result.stdout, re.M)
    return [int(number) for number in numbers]


def test_what_is_restored_is_what_pg_restore_restores(planner, archives, major):
    uri, archives = archives
    different, counted = [], set()
    # By the nearest pg_restore, and the newest; pg_dump's archive and ours.
    for tool, archive in zip((paths.stock_major(major), paths.NEWEST), archives):
        for members, options in CASES + (CASES_18 if tool >= 18 else []):
            theirs = stock_entries(tool, archive, *options)
            plan = planner(uri, archive, *members)
            if plan.entries != theirs:
                different.append((tool, archive.name, members, str(plan.result), theirs))
            counted.add(len(theirs))
    assert not different, "\n".join(map(str, different))
    assert len(counted) > 15 and max(counted) > 70, counted


def test_a_list_says_what_and_in_what_order(planner, archives, workdir, major):
    uri, archives = archives
    chance = random.Random(major)
    listed = process.run([paths.stock("pg_restore"), "-l", archives[0]]).check()
    lines = listed.stdout.splitlines()
    for number in range(8):
        some = [line for line in lines if chance.random() < 0.6]
        if number % 2:
            chance.shuffle(some)
        path = workdir / "list"
        path.write_text("\n".join(some) + "\n")
        members, options = [
            ([], []), (["tables=orders"], ["-t", "orders"]),
            (["sections=4"], ["--section=post-data"]), (["schemas=shop"], ["-n", "shop"]),
        ][number % 4]
        theirs = stock_entries(paths.NEWEST, archives[0], "-L", path, *options)
        plan = planner(uri, archives[0], f"list_file={path}", *members)
        assert plan.entries == theirs, (some, str(plan.result))


@pytest.mark.majors(18)
def test_what_is_wrong_with_a_wish_is_told(planner, archives, workdir, major):
    uri, archives = archives
    for member, words in [
        ("tables=ordres", "tables: the pattern ordres matches nothing"),
        ("tables=orders,x.orders", "the pattern x.orders matches nothing"),
        ("tables=other db.shop.orders", "the pattern other db.shop.orders matches nothing"),
        ("functions=f(int)", "functions: the pattern f(int) matches nothing"),
        ("schemas=nowhere", "schemas: the pattern nowhere matches nothing"),
        ("indexes=orders", "indexes: the pattern orders matches nothing"),
        ("tables=ord(ers|inals)", "no part of a name: ("),
        ("tables=", "a name is empty"),
        (f"list_file={workdir}", "cannot read the list"),
        (f"list_file={workdir}/none", "No such file"),
    ]:
        plan = planner(uri, archives[0], member)
        assert plan.result.rc == 1 and words in plan.result.stderr, (member, str(plan.result))
    path = workdir / "list"
    path.write_text("; a comment\n99999; 1259 TABLE public x\n")
    plan = planner(uri, archives[0], f"list_file={path}")
    assert plan.result.rc == 1 and "line 2 names no entry" in plan.result.stderr, str(plan.result)
    plan = planner(uri, archives[0], 'tables="shop db".shop.orders')
    assert plan.entries, str(plan.result)


@pytest.mark.majors(13, 18)
@pytest.mark.parametrize("layout", ["numbered", "tables"])
def test_databases_of_a_backup_are_chosen(pgcask, planner, servers, workdir, major, layout):
    server = servers.create(major)
    for name, tables in [("first", "orders"), ("second one", "orders,notes"), ("third", "other")]:
        make(server, name, "".join(f"CREATE TABLE {t} AS SELECT 1 AS n;" for t in tables.split(",")))
    folder = workdir / "backup"
    pgcask("backup", server.uri("").rsplit("/", 1)[0], "--layout", layout, "--to", folder).check()

    def chosen(*members):
        plan = planner(server.uri("").rsplit("/", 1)[0], folder, "recreate", *members)
        return {db["database"]: db["entries"] for db in plan.databases or []}, plan

    everything, plan = chosen("exclude_databases=postgres,template1")
    assert set(everything) == {"first", "second one", "third"}, str(plan.result)
    some, plan = chosen('databases="second one",thi*')
    assert set(some) == {"second one", "third"}, str(plan.result)
    # What one of them has the others need not have.
    some, plan = chosen("databases=first,second*,third", "tables=orders,notes")
    assert plan.result.ok and some == {"first": 3, "second one": 5}, str(plan.result)
    for members, words in [
        (["databases=first,fourth"], "databases: no database of the backup matches fourth"),
        (["exclude_databases=fourth"],
         "exclude-databases: no database of the backup matches fourth"),
        (["databases=first", "tables=notes"], "tables: the pattern notes matches nothing"),
        (["databases=first,third", f"list_file={workdir}/list"], "a list of entries is of one"),
    ]:
        (workdir / "list").write_text("")
        some, plan = chosen(*members)
        assert not some and plan.result.rc == 1 and words in plan.result.stderr, str(plan.result)
    if layout == "tables":
        return
    server.sql("INSERT INTO orders VALUES (2)", db="first")
    planner(server.uri("").rsplit("/", 1)[0], folder, "recreate", "databases=first",
            do=True).result.check()
    assert server.sql("SELECT n FROM orders", db="first") == [["1"]]
