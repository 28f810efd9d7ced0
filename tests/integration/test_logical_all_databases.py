"""Where no database is named all of a server are backed up: which, in which moment, whatever they
are called; stock psql makes them anew from all.sql, and pg_dumpall says the same of both servers."""

import contextlib
import json

import pytest

from pgcask_testing import logical
from pgcask_testing.held_link import HeldLink
from pgcask_testing.logical import back_up_layout, make, run_sql

ENDS = pytest.mark.majors(13, 18)
TABLE = "CREATE TABLE t (i int); INSERT INTO t VALUES (1);"


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    """Four databases beside template1 and postgres, of which one takes no connections."""
    server = module_servers.create(major)
    for name in ("shop", "shop_old", "Accounts"):
        make(server, name, TABLE)
    make(server, "closed")
    run_sql(server, "postgres", 'ALTER DATABASE closed ALLOW_CONNECTIONS false;')
    yield server
    server.close()


def names(files):
    return [file[6:-5] for file in files if file.endswith(".dump")]


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


# ---- Which


@ENDS
def test_all_that_allow_connections_are_backed_up(pgcask, cluster, major, workdir):
    files = back_up_layout(pgcask, cluster, None, workdir / "x", "numbered")
    assert names(files) == ["Accounts", "postgres", "shop", "shop_old", "template1"]
    told = {database["name"]: database for database in manifest(workdir / "x")["databases"]}
    assert {name for name, each in told.items() if each["backed_up"]} == set(names(files))
    assert all(each["same_snapshot"] for each in told.values() if each["backed_up"])


@ENDS
def test_ping_takes_whichever_lets_it_in_as_the_backup_does(pgcask, cluster, major, workdir):
    run_sql(cluster, "postgres", "DROP ROLE IF EXISTS nowhere; CREATE ROLE nowhere LOGIN;")
    nowhere = cluster.uri(None, user="nowhere")
    told = pgcask("ping", nowhere)
    assert told.rc == 0, told
    assert pgcask("ping", cluster.uri("nowhere", user="nowhere")).rc == 1


@ENDS
@pytest.mark.parametrize("options, expected", [
    (["--databases", "shop*"], ["shop", "shop_old"]),
    (["--databases", "SHOP,\"Accounts\""], ["Accounts", "shop"]),
    (["--databases", "shop", "--databases", "post????"], ["postgres", "shop"]),
    (["--exclude-databases", "shop_old,t*"], ["Accounts", "postgres", "shop"]),
    (["--databases", "*shop*", "--exclude-databases", "*_old"], ["shop"]),
    (["--databases", "s(hop|link)"], ["shop"]),
    (["--databases", "*o*", "--exclude-databases", "closed,po*"], ["Accounts", "shop", "shop_old"]),
])
def test_patterns_choose(pgcask, cluster, major, workdir, options, expected):
    assert names(back_up_layout(pgcask, cluster, None, workdir / "x", "numbered",
                                *options)) == expected


@ENDS
@pytest.mark.parametrize("options, says", [
    (["--databases", "shop,nobody*"], "--databases: no database matches nobody*"),
    (["--exclude-databases", "nobody"], "--exclude-databases: no database matches nobody"),
    (["--databases", "shop,closed"],
     '--databases: no database that matches closed can be backed up: "closed": it does not allow'),
    (["--databases", "shop,c*d"], "no database that matches c*d can be backed up"),
    (["--databases", "shop,template0"], "no database that matches template0 can be backed up"),
    (["--databases", "closed", "--exclude-databases", "closed"], "no database is left to back up"),
    (["--databases", "accounts"], "no database matches accounts"),
    (["--databases", "a.b"], "a.b"),
    (["--databases", "shop,"], "--databases has an empty item"),
])
def test_what_matches_nothing_is_an_error(pgcask, cluster, major, workdir, options, says):
    result = pgcask("backup", cluster.uri(None), "--to", workdir / "x", *options)
    assert result.rc == 2 and says in result.stderr, result
    assert not (workdir / "x").exists()


def told_as_left_out(folder):
    """The databases that manifest.json and summary.json both say are not there, with reasons."""
    left_out = manifest(folder)["left_out"]
    warnings = logical.summary(folder)["warnings"]
    assert warnings[:len(left_out)] == left_out
    return left_out


@ENDS
@pytest.mark.parametrize("options", [[], ["--databases", "c*,shop*"],
                                     ["--databases", "*"]])
def test_a_closed_database_is_left_out_with_a_warning(pgcask, cluster, major, workdir, options):
    make(cluster, "comes")
    result = pgcask("backup", cluster.uri(None), "--to", workdir / "x", *options)
    logical.drop(cluster, "comes")
    result.check()
    assert ('database "closed" is left out: it does not allow connections: '
            'ALTER DATABASE "closed" ALLOW_CONNECTIONS true;') in result.stderr, result
    assert "template0" not in result.stderr
    assert told_as_left_out(workdir / "x") == [
        "database closed: left out, it does not allow connections"]


@ENDS
def test_there_may_be_more_patterns_than_a_query_has_columns(pgcask, cluster, major, workdir):
    assert names(back_up_layout(
        pgcask, cluster, None, workdir / "x", "numbered",
        "--databases", ",".join(["shop*"] * 2500 + ["postgres"]),
        "--exclude-databases", ",".join(["shop_old"] * 2500))) == ["postgres", "shop"]


@ENDS
def test_check_tells_of_a_closed_database(pgcask, cluster, major, workdir):
    result = pgcask("check", cluster.uri(None)).check()
    assert "it will be left out: it does not allow connections" in result.stdout + result.stderr
    assert 'ALTER DATABASE "closed" ALLOW_CONNECTIONS true;' in result.stdout + result.stderr, result


@ENDS
def test_an_invalid_database_is_left_out_with_the_servers_remedy(pgcask, cluster, major, workdir):
    left = "pgcask_restore_0123456789ab"
    make(cluster, "half gone")
    make(cluster, left)
    run_sql(cluster, "postgres", f"COMMENT ON DATABASE {left} IS "
            "'pgcask: being filled for the database \"shop\" since 2026-11-22T17:03:08Z'")
    run_sql(cluster, "postgres",
            "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half gone'")
    try:
        result = pgcask("backup", cluster.uri(None), "--to", workdir / "x").check()
        pgcask("backup", cluster.uri(None), "--to", workdir / "y", "--databases", "*h*").check()
        pgcask("backup", cluster.uri(None), "--to", workdir / "i", "--layout", "numbered",
               "--databases", left).check()
        named = pgcask("backup", cluster.uri(None), "--to", workdir / "z",
                       "--databases", 'shop,"half gone"')
    finally:
        run_sql(cluster, "postgres",
                "UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'half gone'")
        logical.drop(cluster, "half gone")
        logical.drop(cluster, left)
    assert named.rc == 2 and "matches \"half gone\" can be backed up" in named.stderr, named
    assert 'DROP DATABASE "half gone";' in named.stderr and not (workdir / "z").exists(), named
    assert '"half gone" is left out' in result.stderr and "DROP DATABASE" in result.stderr, result
    assert "half gone" not in (workdir / "x/all.sql").read_text()
    # What a restore has left half filled likewise, but where it is named.
    assert f'"{left}" is left out' in result.stderr and f'DROP DATABASE "{left}";' in result.stderr
    assert left not in (workdir / "x/all.sql").read_text() and names(
        path.name for path in (workdir / "i").iterdir()) == [left]
    assert (f"database {left}: left out, a restore is filling it, or has left it"
            in told_as_left_out(workdir / "x"))
    assert ("database half gone: left out, it is invalid, a DROP DATABASE was interrupted"
            in told_as_left_out(workdir / "x"))


@ENDS
def test_the_environment_names_one_unless_some_are_chosen(pgcask, cluster, major, workdir):
    env = {"PGDATABASE": "shop"}
    result = pgcask("backup", cluster.uri(None), "--to", workdir / "x", env=env).check()
    assert (workdir / "x/shop.dump").exists() and "named by the environment" in result.stdout
    files = back_up_layout(pgcask, cluster, None, workdir / "y", "numbered", "--databases",
                           "\"Acc\"*,\"Accounts\"", env=env)
    assert names(files) == ["Accounts"]


# ---- What is told


@ENDS
@pytest.mark.parametrize("options, filters", [
    (["--databases", "shop*,\"Accounts\""], {"databases": ["shop*", '"Accounts"']}),
    (["--exclude-databases", "shop_old,t*"], {"exclude_databases": ["shop_old", "t*"]}),
    (["--schema-only"], {"schema_only": True}),
    ([], {}),
])
def test_some_of_the_databases_are_a_partial_backup(pgcask, cluster, major, workdir, options,
                                                    filters):
    partial = options != []
    said = pgcask("backup", cluster.uri(None), "--to", workdir / "x", *options, "--json-file",
                  workdir / "j").check().stdout
    assert ("this is a partial backup" in said) == partial, said
    assert json.loads((workdir / "j").read_text())["partial"] is partial
    listed = json.loads(pgcask("list", workdir / "x", "--json").check().stdout)
    for told in manifest(workdir / "x"), logical.summary(workdir / "x"), listed:
        assert told["partial"] is partial and told.get("filters", {}) == filters, told
    text = pgcask("list", workdir / "x").check().stdout
    assert all(name in text for name in filters) and ("partial" in text) == partial, text


# ---- In which moment


@contextlib.contextmanager
def locked(server, db, table="t"):
    """Nobody reads the table meanwhile."""
    with server.session(db) as session:
        session.sql(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;")
        yield
        session.sql("COMMIT;")


def wait_for_lock(server, db, backup):
    """Until the backup waits for it."""
    while server.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = "
                       f"(SELECT oid FROM pg_database WHERE datname = '{db}')") == "0":
        assert backup.running(), backup.wait()


@ENDS
def test_snapshots_are_taken_before_anything_is_read(pgcask_popen, cluster, major, workdir):
    with locked(cluster, "shop_old"):
        backup = pgcask_popen("backup", cluster.uri(None), "--to", workdir / "x", "--layout",
                              "numbered")
        wait_for_lock(cluster, "shop_old", backup)
        for db in ("Accounts", "shop"):
            run_sql(cluster, db, "INSERT INTO t VALUES (2);")
    try:
        result = backup.wait().check()
    finally:
        for db in ("Accounts", "shop"):
            run_sql(cluster, db, "DELETE FROM t WHERE i = 2;")
    assert "5 databases, 3 rows" in result.stdout, result


@pytest.fixture
def small(servers, major):
    """A server that has room for few sessions, and more databases than that."""
    server = servers.create(major, conf={"max_connections": 10, "max_wal_senders": 2})
    for number in range(6):
        make(server, f"d{number}", TABLE)
    return server


@ENDS
def test_what_the_server_has_no_room_for_comes_in_turn(pgcask, small, major, workdir):
    result = pgcask("backup", small.uri(None), "--to", workdir / "x", "--layout", "numbered",
                    "--json-file", workdir / "j").check()
    told = json.loads((workdir / "j").read_text())
    assert told["database_count"] == 8 and 1 <= told["databases_together"] < 8
    assert f"{told['databases_together']} of them are of one moment" in result.stdout
    together = {each["name"]: each["same_snapshot"]
                for each in logical.summary(workdir / "x")["databases"]}
    flags = list(together.values())
    assert flags == sorted(flags, reverse=True)
    assert flags.count(True) == told["databases_together"]
    assert together == {each["name"]: each["same_snapshot"]
                        for each in manifest(workdir / "x")["databases"] if each["backed_up"]}
    assert manifest(workdir / "x")["unavailable"] == []
    pgcask("verify", workdir / "x").check()


@ENDS
def test_a_refused_session_is_no_failure_while_there_is_one(pgcask, cluster, major, workdir):
    """The role has fewer than the server."""
    run_sql(cluster, "postgres", "CREATE ROLE four LOGIN CONNECTION LIMIT 4;")
    for name in ("Accounts", "shop", "shop_old"):
        run_sql(cluster, name, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO four;")
    result = pgcask("backup", cluster.uri(None, user="four"), "--to", workdir / "x", "--layout",
                    "numbered", "--json-file", workdir / "j").check()
    assert json.loads((workdir / "j").read_text())["databases_together"] == 2, result
    assert "connections" not in str(manifest(workdir / "x")["unavailable"])
    pgcask("verify", workdir / "x").check()


GOES = {
    "renamed": "ALTER DATABASE d5 RENAME TO other;",
    "dropped": "DROP DATABASE d5;",
    "made anew": "DROP DATABASE d5; CREATE DATABASE d5 TEMPLATE template0;",
}


@ENDS
@pytest.mark.parametrize("how", GOES)
def test_a_database_that_goes_before_its_turn_is_an_error_that_names_it(pgcask_popen, small, major,
                                                                       workdir, how):
    with locked(small, "d0"):
        backup = pgcask_popen("backup", small.uri(None), "--to", workdir / "x", "--json-file",
                              workdir / "j", "--layout", "numbered")
        wait_for_lock(small, "d0", backup)
        for statement in GOES[how].split(";")[:-1]:
            run_sql(small, "postgres", statement)
    result = backup.wait()
    error = json.loads((workdir / "j").read_text())["error"]
    assert result.rc == 1 and error["reason"] == "database_gone", result
    assert 'database "d5"' in error["message"] and not (workdir / "x").exists()
    assert "--exclude-databases" in result.stderr and "d5" not in error["message"].split('"d5"')[1]


@ENDS
def test_a_database_that_is_dropped_by_force_while_it_is_open_is_an_error_that_names_it(
        pgcask_popen, cluster, major, workdir):
    """Whose rows are still to come: the server ends our session in it."""
    make(cluster, "forced", TABLE)
    with locked(cluster, "shop_old"):
        backup = pgcask_popen("backup", cluster.uri(None), "--to", workdir / "x", "--layout",
                              "numbered")
        wait_for_lock(cluster, "shop_old", backup)
        run_sql(cluster, "postgres", "DROP DATABASE forced WITH (FORCE);")
    result = backup.wait()
    assert result.rc == 1 and 'database "forced"' in result.stderr, result
    assert not list(workdir.iterdir())


@ENDS
@pytest.mark.parametrize("layout", ["numbered", "tables", "classic"])
def test_databases_are_made_while_rows_are_copied(pgcask, cluster, major, workdir, layout):
    """Nobody makes one of template1 that has sessions: ours is the first to end."""
    made = []

    def hold():
        run_sql(cluster, "postgres", f"CREATE DATABASE meanwhile{len(made)}")
        made.append(f"meanwhile{len(made)}")

    try:
        with HeldLink(cluster.port, hold=hold, before=b"COPY public.t ") as link:
            result = pgcask("backup", f"postgres://{cluster.superuser}@127.0.0.1:{link.port}"
                                      "?sslmode=disable", "--to", workdir / "x", "--layout", layout)
    finally:
        for name in made:
            logical.drop(cluster, name)
    assert result.ok and len(made) == 3, result
    pgcask("verify", workdir / "x").check()
    told = [each["name"] for each in logical.summary(workdir / "x")["databases"]]
    assert told == ["template1", "Accounts", "postgres", "shop", "shop_old"]
    assert all(each["same_snapshot"] for each in logical.summary(workdir / "x")["databases"])


@ENDS
def test_a_database_that_goes_during_preflight_is_passed_over(pgcask_popen, small, major, workdir):
    """Preflight has the list already, and waits in the first of it."""
    with locked(small, "d0", "pg_foreign_table"):
        backup = pgcask_popen("backup", small.uri(None), "--to", workdir / "x", "--layout",
                              "numbered")
        wait_for_lock(small, "d0", backup)
        run_sql(small, "postgres", "DROP DATABASE d5;")
    result = backup.wait().check()
    assert "d5" not in result.stderr, result
    assert [each["name"] for each in logical.summary(workdir / "x")["databases"]] == [
        "template1", "d0", "d1", "d2", "d3", "d4", "postgres"]


# ---- Names


def many_names(count):
    """Of all sorts, each of its own, some with as many bytes as fit."""
    sorts = ["my app {}", " {} both ends ", "it's \"{}\"", "a/b/{}", "a=b {}", "-rf {}", "--{}",
             "tab\t{}", "back\\slash {}", "%{}%20", "{}.dump", ".{}", "$(x) `y` {}", "é{}",
             "new\nline {}", "User {}", ":\"v{}\"", "'{}'"]
    for number in range(count):
        name = sorts[number % len(sorts)].format(number)
        if number % 3 == 0:
            name += "ü" * ((63 - len(name.encode())) // 2)
            name += "x" * (63 - len(name.encode()))
        yield name


@ENDS
@pytest.mark.sampled(1)
def test_databases_of_any_name_come_back(pgcask, servers, major, workdir, request):
    made = list(many_names(200 if request.config.getoption("--whole") else 20))
    source, target = servers.create(major), servers.create(major)
    cheap = " STRATEGY file_copy" if major >= 15 else ""
    for name in made:
        quoted = name.replace('"', '""')
        run_sql(source, "postgres", f'CREATE DATABASE "{quoted}"{cheap}')
        literal = name.replace("'", "''")
        run_sql(source, name, f"CREATE TABLE t (name text); INSERT INTO t VALUES (E'x' || "
                              f"current_database()); SELECT '{literal}'")
    files = back_up_layout(pgcask, source, None, workdir / "n", "numbered", timeout=900)
    assert len(names(files)) == len(made) + 2
    back_up_layout(pgcask, source, None, workdir / "t", "tables", timeout=900)
    back_up_layout(pgcask, source, None, workdir / "x", "classic", timeout=900)
    for folder in "ntx":
        pgcask("verify", workdir / folder, timeout=300).check()
    ordered = sorted([*made, "postgres", "template1"], key=lambda name: name.encode())
    for number in (0, len(made) // 2, len(made)):
        logical.create_like(source, ordered[number], "a copy")
        archive = [f for f in files if f.startswith(f"{number + 1:05}-")][0]
        logical.restore(source, workdir / "n" / archive, "a copy")
        if ordered[number] not in ("postgres", "template1"):
            assert run_sql(source, "a copy", "SELECT name FROM t").decode() == \
                f"x{ordered[number]}\n"
        logical.drop(source, "a copy")
    assert logical.run_all_sql(target, workdir / "x/all.sql") == []
    for name in made:
        assert run_sql(target, name, "SELECT name FROM t").decode() == f"x{name}\n"
    plain = [name for name in made if "\n" not in name]  # pg_dumpall refuses line ends
    for server in (source, target):
        for name in set(made) - set(plain):
            logical.drop(server, name)
    assert logical.dump_all(source) == logical.dump_all(target)


@pytest.mark.majors(18)
def test_memory_does_not_grow_with_databases(pgcask, servers, major, workdir, request):
    server = servers.create(major)
    counts = (20, 200) if request.config.getoption("--whole") else (18, 36)
    most = []
    for count in counts:
        while len(server.databases()) < count:
            run_sql(server, "postgres",
                    f"CREATE DATABASE m{len(server.databases())} STRATEGY file_copy")
        result = pgcask("backup", server.uri(None), "--to", workdir / str(count), "--quiet",
                        "--layout", "numbered", timeout=900).check()
        most.append(result.peak_rss)
    assert most[1] < most[0] * 1.25, most


@ENDS
def test_template0_is_never_one_of_them(pgcask, servers, major, workdir):
    """A script could not make it, and what comes behind it would be lost."""
    server = servers.create(major)
    run_sql(server, "postgres", "UPDATE pg_database SET datallowconn = true "
                                "WHERE datname = 'template0'")
    make(server, "zoo", TABLE)
    files = back_up_layout(pgcask, server, None, workdir / "x", "numbered")
    assert names(files) == ["postgres", "template1", "zoo"]


@ENDS
def test_one_session_at_a_time_is_enough(pgcask, servers, major, workdir):
    server = servers.create(major)
    make(server, "one", TABLE)
    make(server, "two", TABLE)
    run_sql(server, "postgres", "CREATE ROLE rd SUPERUSER LOGIN CONNECTION LIMIT 1; "
                                "ALTER ROLE rd NOSUPERUSER; GRANT SELECT ON pg_authid TO rd;")
    for name in ("one", "two"):
        run_sql(server, name, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO rd; "
                              "GRANT USAGE ON SCHEMA public TO rd;")
    for number in range(4):
        result = pgcask("backup", server.uri("one", user="rd"), "--to", workdir / f"one{number}")
        assert result.ok, result
        result = pgcask("backup", server.uri(None, user="rd"), "--to", workdir / f"all{number}")
        assert result.ok, result
