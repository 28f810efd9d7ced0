"""What `verify --restore-to` restores is compared with what was backed up, and does not stay: what
differs is named, nothing else of the server is touched, and no database is left."""

import json
import os
import re
import signal
import time

import jsonschema
import pytest

from pgcask_testing import logical, paths, process
from pgcask_testing.logical import cluster, make, script  # noqa: F401: a fixture

SINCE = {"since_14": 14, "since_15": 15, "since_16": 16, "since_17": 17, "since_18": 18}
EQUAL = "what was restored is equal to what was backed up"


@pytest.fixture(scope="module", autouse=True)
def extension(major):
    logical.install_extension(major)


def left(cluster):
    return [name for name, in cluster.sql(
        "SELECT datname FROM pg_database WHERE datname LIKE 'pgcask%'")]


def verify(pgcask, cluster, source, *options, **more):
    result = pgcask("verify", source, "--restore-to", cluster.uri("postgres"), *options, **more)
    assert left(cluster) == []
    if "--json" in options:
        schema = json.loads((paths.REPO / "docs/pgcask.schema.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(json.loads(result.stdout))
    return result


def differences(pgcask, cluster, source, *options):
    """{object: (kind, message)} of a verification that was done."""
    result = verify(pgcask, cluster, source, "--json", *options)
    told = json.loads(result.stdout)
    assert result.rc == (3 if told["difference_count"] else 0), str(result)
    found = {each["object"]: (each["kind"], each["message"]) for each in told["differences"]}
    assert len(found) == len(told["differences"]) == told["difference_count"]
    return found


def stock_archive(cluster, db, target, *options, **env):
    process.run([logical.stock("pg_dump", cluster), "-f", target, *options],
                env={**logical._environment(cluster, db), "PGCLIENTENCODING": None, **env}).check()
    return target


# Equal


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", [
    "kinds", "more_kinds", "names", "data", "trees", "loops", "extensions", *SINCE])
def test_what_is_restored_is_equal(pgcask, cluster, major, workdir, name):
    if major < SINCE.get(name, 0):
        return
    db = make(cluster, name, script(name))
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    result = verify(pgcask, cluster, archive)
    assert result.ok and EQUAL in result.stdout, str(result)
    if major in (15, 17, 18):  # of another pg_dump's some cannot be restored at all
        result = verify(pgcask, cluster, stock_archive(cluster, db, workdir / "theirs", "-Fc"))
        assert result.ok and EQUAL in result.stdout, str(result)
    logical.drop(cluster, db)


OBJECTS = ("SELECT lo_from_bytea(70000 + n, convert_to(repeat('x', n), 'UTF8')) "
           "FROM generate_series(1, 50) n;")


@pytest.mark.sampled(1)
def test_every_form_of_an_archive_is_taken(pgcask, cluster, workdir):
    db = make(cluster, "forms", script("names"), OBJECTS,
              "CREATE TABLE moments AS SELECT now() - n * interval '1 hour' AS at, "
              "tstzrange('-infinity', now() + n * interval '1 year') AS until, "
              "ARRAY['0044-03-15 12:00:00+00 BC'::timestamptz] AS old FROM generate_series(1, 500) n;")
    for form, name in (("c", "x.dump"), ("d", "folder"), ("t", "x.tar")):
        # In another time zone, which the archive does not name.
        archive = stock_archive(cluster, db, workdir / name, f"-F{form}", PGTZ="America/St_Johns")
        result = verify(pgcask, cluster, archive, "--jobs", 2, "--json")
        told = json.loads(result.stdout)
        assert result.ok and told["large_objects"] == 50 and told["by_name"], str(result)
        assert told["rows"] > 500 and told["kind"] == "archive" and told["not_compared"]
    result = verify(pgcask, cluster, "-", "--jobs", 3, input=(workdir / "x.dump").read_bytes())
    assert result.ok and EQUAL in result.stdout, str(result)
    # INSERTs are the rows that COPY has.
    rows = told["rows"]
    archive = stock_archive(cluster, db, workdir / "inserts", "-Fc", "--rows-per-insert", 7)
    result = verify(pgcask, cluster, archive, "--json", "--jobs", 2)
    told = json.loads(result.stdout)
    assert result.ok and told["rows"] == rows and told["tables"] > 2, str(result)
    assert "INSERT" not in result.stderr
    logical.drop(cluster, db)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("layout", ["classic", "numbered", "tables"])
def test_every_layout_of_a_backup_is_taken(pgcask, cluster, workdir, layout):
    one = make(cluster, "one of them", script("names"), OBJECTS)
    other = make(cluster, "other. of them", script("more_kinds"))
    uri = cluster.uri(one if layout == "classic" else None)
    pgcask("backup", uri, "--to", workdir / "backup.tar", "--layout", layout, "--quiet",
           *([] if layout == "classic" else ["--databases", '"one of them","other. of them"'])
           ).check()
    result = verify(pgcask, cluster, workdir / "backup.tar", "--json")
    told = json.loads(result.stdout)
    assert result.ok and told["layout"] == layout and not told["by_name"], str(result)
    assert told["databases_compared"] == (1 if layout == "classic" else 2)
    assert told["large_objects"] == 50 and told["not_compared"] == [] and told["rows"] > 5
    if layout == "classic":
        logical.back_up_layout(pgcask, cluster, None, workdir / "all", "classic")
        result = verify(pgcask, cluster, workdir / "all", "--json")
        told = json.loads(result.stdout)
        assert result.ok and told["databases_compared"] >= 4, str(result)
    for db in (one, other):
        logical.drop(cluster, db)


@pytest.mark.sampled(1)
def test_partitions_that_rows_come_to_by_way_of_their_table(pgcask, cluster, workdir):
    db = make(cluster, "by root", """
        CREATE TABLE "the root" (k int, v text) PARTITION BY HASH (k);
        CREATE TABLE "p 1" PARTITION OF "the root" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE "p 2" PARTITION OF "the root" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE beside (a int); INSERT INTO beside VALUES (1);
        INSERT INTO "the root" SELECT n, n FROM generate_series(1, 1000) n;""")
    archive = stock_archive(cluster, db, workdir / "x", "-Fc", "--load-via-partition-root")
    result = verify(pgcask, cluster, archive, "--json")
    told = json.loads(result.stdout)
    assert result.ok and told["rows"] == 1001 and told["tables"] == 2, str(result)
    logical.drop(cluster, db)


@pytest.mark.sampled
def test_a_part_of_a_database_is_taken(pgcask, cluster, workdir):
    db = make(cluster, "in part", """
        CREATE SCHEMA "a shop"; CREATE SCHEMA other; CREATE TABLE other.t (a int);
        CREATE TABLE "a shop".orders (id int PRIMARY KEY, at timestamptz, placed text);
        INSERT INTO "a shop".orders SELECT n, now(), 'x' FROM generate_series(1, 100) n;
        COMMENT ON SCHEMA "a shop" IS 'not in the archive';""")
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup", "--tables", '"a shop".*')
    theirs = stock_archive(cluster, db, workdir / "theirs", "-Fc", "-t", '"a shop".*')
    for archive in (ours, theirs):
        result = verify(pgcask, cluster, archive, "--json")
        assert result.ok and json.loads(result.stdout)["rows"] == 100, str(result)
    rows = logical.back_up(pgcask, cluster, db, workdir / "rows", "--data-only")
    result = verify(pgcask, cluster, rows)
    assert result.rc == 1 and "the archive has rows alone" in result.stderr, str(result)
    logical.drop(cluster, db)


# Scripts


SHARED = """
CREATE ROLE "made by a script"; CREATE ROLE other SUPERUSER; ALTER ROLE postgres SET work_mem = '1GB';
CREATE TABLESPACE t LOCATION '/nowhere'; GRANT alice TO bob; ALTER SYSTEM SET work_mem = '1GB';
DROP DATABASE postgres; DROP DATABASE IF EXISTS "of all kinds"; ALTER DATABASE postgres SET work_mem = 1;
COMMENT ON DATABASE postgres IS 'other'; COMMENT ON ROLE postgres IS 'other';
GRANT ALL ON DATABASE template1 TO PUBLIC; REASSIGN OWNED BY alice TO bob; DROP OWNED BY alice;
UPDATE pg_catalog.pg_database SET datallowconn = false; DROP ROLE IF EXISTS alice;
COPY (SELECT 1) TO '/tmp/pgcask_must_not_be';
CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p;
"""


def stock_script(cluster, db, target, *options):
    return stock_archive(cluster, db, target, "-Fp", *options)


@pytest.mark.majors(15, 17, 18)  # of 13, 14 and 16 a later pg_dump writes what these do not know
@pytest.mark.sampled(1)
def test_scripts_are_tried_as_archives_are(pgcask, cluster, major, workdir):
    db = make(cluster, "of a script", script("names"), OBJECTS, """
        CREATE TABLE by_root (k int, v text) PARTITION BY HASH (k);
        CREATE TABLE p1 PARTITION OF by_root FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE p2 PARTITION OF by_root FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO by_root SELECT n, n || E'\\t''' || repeat('\\', n % 7) || n % 3
            FROM generate_series(1, 1000) n;
        CREATE TABLE kinds (b boolean, n numeric, f float8, bits bit(5), x bytea, at timestamptz,
            twice int GENERATED ALWAYS AS (2 * 7) STORED, empty text, "none" text);
        INSERT INTO kinds VALUES (true, 'NaN', '-Infinity', B'10110', '\\x00ff', now(), DEFAULT, '', NULL),
            (false, -1.5e10, 1e-300, B'00000', '\\x', '-infinity', DEFAULT, E'\\n', 'NULL');
        CREATE SCHEMA "a shop"; CREATE TABLE "a shop".t (a int); INSERT INTO "a shop".t VALUES (7);
        CREATE TABLE rootless (); INSERT INTO rootless DEFAULT VALUES;""")
    whole = stock_script(cluster, db, workdir / "x.sql")
    told = json.loads(verify(pgcask, cluster, whole, "--json").check().stdout)
    assert told["format"] == "script" and told["kind"] == "script" and told["by_name"], told
    assert told["large_objects"] == 50 and told["rows"] > 1000 and told["entries"] > 20, told
    for options in (["-C", "--clean", "--if-exists"],
                    ["-C", "--column-inserts", "--load-via-partition-root"],
                    ["-Ox", "--load-via-partition-root", "--rows-per-insert", 9]):
        made = stock_script(cluster, db, workdir / "y.sql", *options)
        found = json.loads(verify(pgcask, cluster, made, "--json").check().stdout)
        for key in ("rows", "large_objects", "difference_count"):
            assert found[key] == told[key], (options, key)
    result = verify(pgcask, cluster, "-", input=whole.read_bytes())
    assert result.ok and EQUAL in result.stdout, str(result)
    # A selection, whose schema is made; and what pgcask itself writes.
    part = stock_script(cluster, db, workdir / "part.sql", "-t", '"a shop".*')
    assert json.loads(verify(pgcask, cluster, part, "--json").check().stdout)["rows"] == 1
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    pgcask("restore", ours, "--to", workdir / "ours.sql", "--quiet").check()
    found = json.loads(verify(pgcask, cluster, workdir / "ours.sql", "--json").check().stdout)
    assert found["rows"] == told["rows"] and found["large_objects"] == 50
    # Rows by themselves.
    rows = stock_script(cluster, db, workdir / "rows.sql", "-a")
    result = verify(pgcask, cluster, rows)
    assert result.rc == 1 and "the script has rows alone" in result.stderr, str(result)
    # What breaks off.
    (workdir / "cut.sql").write_bytes(whole.read_bytes()[:-300])
    result = verify(pgcask, cluster, workdir / "cut.sql")
    assert result.rc == 1 and "breaks off" in result.stderr, str(result)
    logical.drop(cluster, db)


@pytest.mark.sampled(1)
def test_a_script_of_a_cluster_touches_nothing_else(pgcask, cluster, major, workdir):
    cluster.sql('CREATE ROLE "gone soon"')
    db = make(cluster, "of a cluster", """
        CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 100);
        ALTER TABLE t OWNER TO "gone soon"; GRANT SELECT ON t TO "gone soon";
        ALTER DATABASE "of a cluster" SET work_mem = '8MB';
        ALTER DATABASE "of a cluster" OWNER TO "gone soon";
        COMMENT ON DATABASE "of a cluster" IS 'one of them';""")
    process.run([logical.stock("pg_dumpall", cluster), "-f", workdir / "all.sql"],
                env=logical._environment(cluster, "postgres")).check()
    found = json.loads(verify(pgcask, cluster, workdir / "all.sql", "--json").check().stdout)
    assert found["rows"] >= 100 and found["databases_compared"] >= 3, found
    assert any("were passed over" in each for each in found["not_compared"])
    logical.drop(cluster, db)
    cluster.sql('DROP ROLE "gone soon"')
    result = verify(pgcask, cluster, workdir / "all.sql", "--databases", '"of a cluster"')
    assert result.ok and '"gone soon"' in result.stderr, str(result)
    assert cluster.sql("SELECT FROM pg_roles WHERE rolname = 'gone soon'") == []
    # What is of the whole server, in every place.
    hostile = workdir / "hostile.sql"
    text = (workdir / "all.sql").read_text()
    hostile.write_text(SHARED + text.replace("\n\\connect ", SHARED + "\n\\connect "))
    seen = ("SELECT json_agg(r ORDER BY r.rolname) FROM pg_roles r",
            "SELECT json_agg(d ORDER BY d.datname) FROM (SELECT datname, datdba, datallowconn, "
            "datconnlimit, datacl FROM pg_database) d",
            "SELECT count(*) FROM pg_shdescription", "SELECT count(*) FROM pg_db_role_setting",
            "SELECT count(*) FROM pg_auth_members", "SELECT count(*) FROM pg_tablespace")
    before = [cluster.sql(each) for each in seen]
    result = verify(pgcask, cluster, hostile)
    assert [cluster.sql(each) for each in seen] == before
    assert result.ok and "were passed over" in result.stderr, str(result)
    assert not os.path.exists("/tmp/pgcask_must_not_be")
    plain = workdir / "plain.sql"
    plain.write_text("CREATE TABLE public.t (a int);" + SHARED + "INSERT INTO public.t VALUES (1);")
    result = verify(pgcask, cluster, plain)
    assert [cluster.sql(each) for each in seen] == before
    assert result.ok and "no comments that name its objects" in result.stderr, str(result)
    # Nothing but what is of the server.
    plain.write_text(SHARED)
    result = verify(pgcask, cluster, plain)
    assert result.rc == 1 and "the script is of no database" in result.stderr, str(result)
    plain.write_text("CREATE TABLE t (a int);\n\\! touch /tmp/pgcask_must_not_be\n")
    result = verify(pgcask, cluster, plain)
    assert result.rc == 1 and "psql's command \\!" in result.stderr, str(result)


@pytest.mark.sampled(1)
def test_what_a_script_says_and_does_not_do_is_named(pgcask, cluster, workdir):
    db = make(cluster, "differing", CHANGES.format("\n".join(DIFFERENT)))
    made = stock_script(cluster, db, workdir / "x.sql", "--inserts")
    assert differences(pgcask, cluster, made) == {
        name: each for found in DIFFERENT.values() for name, each in found.items()
        if each and each[0] in ("rows", "missing")}
    # A script by hand: rows in another way are not held against it.
    text = workdir / "hand.sql"
    text.write_text("CREATE SCHEMA s; CREATE TABLE s.t (a int); CREATE TABLE s.u (a int);"
                    "INSERT INTO s.t VALUES (1), (2); INSERT INTO s.t VALUES (1 + 2);"
                    "INSERT INTO s.u SELECT 1; INSERT INTO s.missing VALUES (1);")
    told = json.loads(verify(pgcask, cluster, text, "--json").stdout)
    assert [each["kind"] for each in told["differences"]] == ["not_restored", "rows"], told
    assert told["rows"] == 4 and len(told["not_compared"]) == 3, told
    text.write_text("CREATE TABLE public.t (a int); INSERT INTO public.t VALUES (1), (2);"
                    "DELETE FROM public.t WHERE a = 1;")
    result = verify(pgcask, cluster, text)
    assert result.ok and "can change rows as well" in result.stderr, str(result)
    logical.drop(cluster, db)


# What is around it


@pytest.mark.sampled
def test_nothing_else_of_the_server_is_touched(pgcask, cluster, workdir):
    db = make(cluster, "of all kinds", """
        CREATE TABLE t (a int); INSERT INTO t VALUES (1);
        ALTER DATABASE "of all kinds" SET work_mem = '8MB';
        ALTER DATABASE "of all kinds" IS_TEMPLATE true;
        COMMENT ON DATABASE "of all kinds" IS 'a comment';
        GRANT CREATE ON DATABASE "of all kinds" TO PUBLIC;
        CREATE FUNCTION ends() RETURNS event_trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE NOTICE 'done'; END $$;
        CREATE EVENT TRIGGER ends ON ddl_command_end EXECUTE FUNCTION ends();
        CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere password=geheim' PUBLICATION p
            WITH (connect = false);""")
    # What is in template1 is in no database that is made of template0.
    cluster.sql("CREATE TABLE of_template (a int)", "template1")
    seen = ("SELECT json_agg(r ORDER BY r.rolname) FROM pg_roles r",
            "SELECT json_agg(d.datname ORDER BY d.datname) FROM pg_database d",
            "SELECT count(*) FROM pg_shdescription", "SELECT count(*) FROM pg_db_role_setting",
            "SELECT count(*) FROM pg_subscription")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    before = [cluster.sql(each) for each in seen]
    result = verify(pgcask, cluster, archive, "--verbose")
    cluster.sql("DROP TABLE of_template", "template1")
    assert result.ok and EQUAL in result.stdout, str(result)
    assert "geheim" not in result.stdout + result.stderr
    assert [cluster.sql(each) for each in seen] == before
    logical.run_sql(cluster, db, "ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s;")
    cluster.sql(f'ALTER DATABASE "{db}" IS_TEMPLATE false')
    logical.drop(cluster, db)


@pytest.mark.sampled(1)
def test_roles_that_are_missing_are_told(pgcask, cluster, workdir):
    cluster.sql('CREATE ROLE "a role"; ')
    db = make(cluster, "of a role", """
        CREATE TABLE t (a int); ALTER TABLE t OWNER TO "a role";
        CREATE TABLE u (a int); GRANT SELECT ON u TO "a role"; ALTER TABLE u ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON u TO "a role" USING (true);
        INSERT INTO t VALUES (1), (2);""")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    assert differences(pgcask, cluster, archive) == {}
    cluster.sql('ALTER ROLE "a role" RENAME TO "another role"')
    result = verify(pgcask, cluster, archive)
    assert result.ok and 'the server has no role "a role"' in result.stderr, str(result)
    assert cluster.sql("SELECT FROM pg_roles WHERE rolname = 'a role'") == []
    assert verify(pgcask, cluster, archive, "--no-owner", "--no-privileges").ok
    logical.drop(cluster, db)
    cluster.sql('DROP ROLE "another role"')


# What differs


# A view that is filled last does what a broken server, or somebody, might.
CHANGES = """
CREATE TABLE lost (a int); INSERT INTO lost SELECT generate_series(1, 100);
CREATE TABLE changed (a int, b text); INSERT INTO changed SELECT n, 'x' FROM generate_series(1, 100) n;
CREATE TABLE swapped (a int, b text); INSERT INTO swapped VALUES (1, 'x'), (2, 'y');
CREATE TABLE more (a int); CREATE TABLE kept (a int); CREATE INDEX of_kept ON kept (a);
CREATE TABLE tightened (a int); CREATE TABLE given (a int); CREATE TABLE shown (a int);
CREATE SEQUENCE counted; SELECT lo_from_bytea(4711, 'abc'), lo_from_bytea(4712, 'abd');
CREATE FUNCTION changes() RETURNS int LANGUAGE plpgsql SET search_path = public AS $$ BEGIN
    IF current_database() LIKE 'pgcask\\_verify\\_%' THEN
        {}
    END IF; RETURN 1; END $$;
CREATE MATERIALIZED VIEW changing AS SELECT changes();
"""
MISSING = "is in the archive, and not in what was restored"
MORE = "is in what was restored, and not in the archive"
DIFFERENT = {
    "DELETE FROM lost WHERE a = 7;": {
        "TABLE DATA public.lost": ("rows", "100 rows in the archive, and 99 where it was restored")},
    "UPDATE changed SET b = 'y' WHERE a = 50;": {
        "TABLE DATA public.changed": ("rows", "100 rows on both sides, which are not the same")},
    "UPDATE swapped SET a = 3 - a;": {
        "TABLE DATA public.swapped": ("rows", "2 rows on both sides, which are not the same")},
    "INSERT INTO more VALUES (1);": {
        "TABLE DATA public.more": ("rows", "0 rows in the archive, and 1 where it was restored")},
    "PERFORM lo_put(4712, 0, 'x');": {
        "LARGE OBJECTS": ("rows", "2 large objects on both sides, which are not the same")},
    "PERFORM nextval('counted');": {
        "SEQUENCE SET public.counted": ("changed", "its definition differs from line 1 on")},
    "EXECUTE 'DROP INDEX of_kept';": {"INDEX public.of_kept": ("missing", MISSING)},
    "EXECUTE 'CREATE VIEW another AS SELECT 1 AS a';": {
        "VIEW public.another": ("unexpected", MORE)},
    "EXECUTE 'ALTER TABLE tightened ALTER a SET NOT NULL';": {
        "TABLE public.tightened": ("changed", "its definition differs from line 2 on")},
    "EXECUTE 'ALTER TABLE given OWNER TO alice';": {
        "TABLE public.given": ("changed", 'its owner is "postgres" in the archive, and "alice" '
                                          "where it was restored"),
        "TABLE DATA public.given": None},
    "EXECUTE 'GRANT SELECT ON shown TO PUBLIC';": {
        "ACL public.TABLE shown": ("unexpected", MORE)},
}


@pytest.mark.sampled
def test_each_difference_is_named(pgcask, cluster, workdir):
    db = make(cluster, "differs", CHANGES.format("\n".join(DIFFERENT)))
    told = differences(pgcask, cluster, logical.back_up(pgcask, cluster, db, workdir / "backup"))
    expected = {name: each for found in DIFFERENT.values() for name, each in found.items() if each}
    assert told == expected
    # Of an archive of pg_dump: kinds, names, rows.
    archive = stock_archive(cluster, db, workdir / "theirs", "-Fc")
    told = differences(pgcask, cluster, archive)
    assert told == {name: each for name, each in expected.items() if each[0] != "changed"}
    logical.drop(cluster, db)


@pytest.mark.sampled(1)
def test_what_cannot_be_made_is_named(pgcask, cluster, major, workdir):
    name = f"pgcask_gone_{os.getpid()}"
    folder = paths.server_bin(major).parent / "share/postgresql/extension"
    control, text = folder / f"{name}.control", folder / f"{name}--1.sql"
    try:
        control.write_text("default_version = '1'\n")
        text.write_text("CREATE TYPE mood AS ENUM ('good');")
        control.chmod(0o644), text.chmod(0o644)
        db = make(cluster, "extended", f"CREATE EXTENSION {name}; CREATE TABLE t (m mood);"
                  "INSERT INTO t VALUES ('good'); CREATE TABLE u (a int);")
        archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
        assert differences(pgcask, cluster, archive) == {}
    finally:
        control.unlink(missing_ok=True), text.unlink(missing_ok=True)
    result = verify(pgcask, cluster, archive, "--json")
    told = json.loads(result.stdout)
    assert result.rc == 3 and any(name in each["message"] for each in told["findings"]), str(result)
    kinds = {(each["kind"], each["object"]) for each in told["differences"]}
    assert {("not_restored", f"EXTENSION {name}"), ("missing", f"EXTENSION {name}"),
            ("not_restored", "TABLE public.t"), ("missing", "TABLE public.t")} <= kinds
    assert not [each for each in kinds if each[1].endswith(".u")]
    cluster.sql(f'DROP DATABASE "{db}"')


# Ends


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def slow(pgcask, cluster, workdir):
    """An archive whose last statement takes a minute where it is restored."""
    db = make(cluster, "slow", CHANGES.format("PERFORM pg_sleep(60);"))
    yield logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.drop(cluster, db)


SLEEPS = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def begin(cluster, pgcask_popen, archive):
    """A verification that waits for that statement."""
    running = pgcask_popen("verify", archive, "--restore-to", cluster.uri("postgres"))
    wait_for(lambda: cluster.sql(SLEEPS))
    assert len(left(cluster)) == 1
    return running


@pytest.mark.sampled(1)
def test_the_database_is_dropped_whatever_happens(pgcask, pgcask_popen, cluster, slow):
    for stop in (signal.SIGTERM, signal.SIGINT):
        running = begin(cluster, pgcask_popen, slow)
        running.send_signal(stop)
        result = running.wait(30)
        assert result.rc == 1 and f"cancelled by {stop.name}" in result.stderr, str(result)
        assert left(cluster) == []
    # Its session is ended.
    running = begin(cluster, pgcask_popen, slow)
    cluster.sql(f"SELECT pg_terminate_backend(pid) FROM ({SLEEPS}) s")
    result = running.wait(60)
    assert result.rc == 1 and left(cluster) == [], str(result)


@pytest.mark.sampled(1)
def test_what_is_left_is_named(pgcask, pgcask_popen, cluster, slow, workdir):
    running = begin(cluster, pgcask_popen, slow)
    [name] = left(cluster)
    running.send_signal(signal.SIGKILL)
    running.wait(30)
    wait_for(lambda: not cluster.sql(SLEEPS))
    assert left(cluster) == [name]
    db = make(cluster, "another", "CREATE TABLE t (a int);")
    archive = logical.back_up(pgcask, cluster, db, workdir / "small")
    result = pgcask("verify", archive, "--restore-to", cluster.uri("postgres"))
    assert result.ok and f"DROP DATABASE {name};" in result.stderr, str(result)
    assert left(cluster) == [name]  # it is somebody else's to do
    cluster.sql(f"DROP DATABASE {name}")
    logical.drop(cluster, db)
    # A server that is gone.
    running = begin(cluster, pgcask_popen, slow)
    [name] = left(cluster)
    cluster.stop(mode="immediate")
    result = running.wait(60)
    cluster.start()
    assert result.rc == 1 and f"DROP DATABASE {name};" in result.stderr, str(result)
    cluster.sql(f"DROP DATABASE {name}")


@pytest.mark.sampled(1)
def test_a_database_that_defends_itself_is_dropped(pgcask, cluster, major, workdir):
    """Every command in it fails, from 17 on every login too, and a subscription keeps it."""
    login = 'CREATE EVENT TRIGGER comes ON login EXECUTE FUNCTION "no!"();' if major > 16 else ""
    db = make(cluster, "defended", f'''
        CREATE TABLE t (a int);
        CREATE SUBSCRIPTION "S ""1" CONNECTION '' PUBLICATION p
            WITH (connect = false, slot_name = far);
        CREATE FUNCTION "no!"() RETURNS event_trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'no DDL!'; END $$;
        CREATE EVENT TRIGGER "E ""1" ON ddl_command_start EXECUTE FUNCTION "no!"();
        ALTER EVENT TRIGGER "E ""1" ENABLE ALWAYS; {login}''')
    off = ["-c", "event_triggers=off"] if major > 16 else []
    archive = stock_archive(cluster, db, workdir / "a", "-Fc", PGOPTIONS=" ".join(off))
    result = pgcask("verify", archive, "--restore-to", cluster.uri("postgres"))
    assert left(cluster) == [] and result.rc == (1 if major > 16 else 0), str(result)
    assert "could not be dropped" not in result.stderr, str(result)


# What is asked for


@pytest.mark.sampled(1)
def test_options_are_checked(pgcask, cluster, workdir):
    db = make(cluster, "asked", "CREATE TABLE t (a int);")
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    result = pgcask("verify", archive, "--jobs", 2)
    assert result.rc == 2 and "--jobs is for --restore-to" in result.stderr, str(result)
    result = pgcask("verify", archive, "--restore-to",
                    cluster.uri("postgres", scheme="postgres+bin"))
    assert result.rc == 2 and "server for physical backups" in result.stderr, str(result)
    cluster.sql("CREATE ROLE nobody LOGIN PASSWORD 'geheim'")
    result = pgcask("verify", archive, "--restore-to",
                    cluster.uri("postgres", user="nobody", password="geheim"))
    assert result.rc == 1 and 'ALTER ROLE "nobody" CREATEDB;' in result.stderr, str(result)
    assert "geheim" not in result.stderr and left(cluster) == []
    cluster.sql("DROP ROLE nobody")
    damaged = workdir / "damaged.dump"
    damaged.write_bytes(archive.read_bytes()[:-20])
    result = verify(pgcask, cluster, damaged)
    assert result.rc == 1 and left(cluster) == [], str(result)
    logical.drop(cluster, db)


@pytest.mark.sampled(1)
def test_the_readmes_command_is_right(pgcask, cluster, workdir):
    db = make(cluster, "app", "CREATE TABLE t (a int);")
    logical.back_up(pgcask, cluster, db, workdir / "backup")
    [command] = re.findall(r"`(pgcask verify \S+ --restore-to \S+)`",
                           (paths.REPO / "README.md").read_text())
    result = pgcask(*command.split()[1:], cwd=workdir / "backup", env={
        "PGHOST": cluster.socket_dir, "PGPORT": cluster.port, "PGUSER": cluster.superuser})
    assert result.ok and EQUAL in result.stdout, str(result)
    logical.drop(cluster, db)
