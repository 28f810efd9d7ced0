"""Every option of a restore into a server changes what it says: the cases are held to the table, and
each shows the same restore without the option and with it."""

import collections
import json
import re

import pytest

from pgcask_testing import builders, logical, paths
from pgcask_testing.logical import cluster  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled(1)

SOURCES = {
    "all": """
        CREATE SCHEMA s; CREATE TABLE s.t (n int); CREATE SCHEMA other; CREATE TABLE other.u (n int);
        CREATE FUNCTION f(n int) RETURNS int LANGUAGE sql AS 'SELECT n';
        CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TABLE p (n int); INSERT INTO p VALUES (1), (2), (3);
        ALTER TABLE p OWNER TO alice; GRANT SELECT ON p TO bob; COMMENT ON TABLE p IS 'a comment';
        CREATE INDEX p_i ON p (n);
        CREATE TRIGGER p_t BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION trg();
        CREATE POLICY p_p ON p USING (true);
        CREATE PUBLICATION pub FOR TABLE p;
        CREATE SUBSCRIPTION sub CONNECTION '' PUBLICATION x WITH (connect = false, slot_name = NONE);
        CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
        CREATE TABLE q (n int) USING heap2;
        CREATE TABLE r (n int) TABLESPACE one;
    """,
    "rows": "CREATE TABLE p (n int); INSERT INTO p VALUES (1), (2), (3);",
    "tables": """
        CREATE TABLE one (n int); CREATE TABLE two (n int); CREATE TABLE three (n int);
        INSERT INTO one VALUES (1), (2); INSERT INTO two VALUES (1), (2);
        INSERT INTO three VALUES (1), (2);
    """,
    "path": """
        CREATE FUNCTION h(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
        CREATE FUNCTION g(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN h($1); END';
        CREATE TABLE p (n int);
        INSERT INTO p VALUES (1), (2), (3); ALTER TABLE p ADD CHECK (g(n) > 0);
    """,
    "labels": """
        CREATE TABLE p (n int);
        SET allow_system_table_mods = on;
        INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label)
            VALUES ('p'::regclass, 'pg_class'::regclass, 0, 'nobody', 'a label');
    """,
    "failing": """
        CREATE TABLE p (n int); INSERT INTO p VALUES (1), (2), (3);
        CREATE TABLE z (n int);
    """,
}
P = "CREATE TABLE p (n int);"
ROWS = "SELECT count(*) FROM p"
EXISTS = "SELECT to_regclass('{}') IS NOT NULL"
# What is there of the backup of two databases, and of its role.
SEVERAL = """SELECT string_agg(substr(datname, 9), ',' ORDER BY datname),
                    (SELECT count(*) FROM pg_roles WHERE rolname = 'several')
             FROM pg_database WHERE datname LIKE 'several %'"""
# Something that fails: a table of that name is there.
IN_THE_WAY = "CREATE TABLE z (x text);"

# The same restore without the option's words and with them: exit status, and what `query` then says
# in the target, "-" where it cannot be asked. `before` is run there first, `base` is given to both.
Case = collections.namedtuple("Case", "words query without with_ before base source at",
                              defaults=("", [], "all", "copy"))

CASES = {
    "--database": Case(["elsewhere"], EXISTS.format("p"), "0 t", "0 f"),
    "--databases": Case(["*one"], SEVERAL, "0 one,two|1", "0 one|1", before=None, source="several",
                        at="postgres", base=["--create-db"]),
    "--exclude-databases": Case(["*one"], SEVERAL, "0 one,two|1", "0 two|1", before=None,
                                source="several", at="postgres", base=["--create-db"]),
    "--no-globals": Case([], SEVERAL, "0 one,two|1", "0 one,two|0", before=None, source="several",
                         at="postgres", base=["--create-db"]),
    "--role-passwords": Case([], "SELECT extract(year FROM rolvaliduntil) FROM pg_roles WHERE "
                             "rolname = 'several'", "0 2031", "0 2041",
                             "CREATE ROLE several VALID UNTIL '2031-02-03'", ["--create-db"],
                             "several", "postgres"),
    "--create-db": Case([], "SELECT count(*) FROM pg_database WHERE datname = 'copy'", "1 0", "0 1",
                        before=None, at="postgres"),
    "--into-existing": Case([], EXISTS.format("p"), "1 f", "0 t", "CREATE TABLE mine (n int)"),
    "--clean": Case([], "SELECT count(*) FROM s.t", "1 1", "0 0",
                    "CREATE SCHEMA s; CREATE TABLE s.t (n text); INSERT INTO s.t VALUES ('x')"),
    "--recreate": Case([], EXISTS.format("mine"), "0 t", "0 f", "CREATE TABLE mine (n int)",
                       base=lambda option: [] if option else ["--into-existing"]),
    "--role": Case(["dave"], "SELECT tableowner FROM pg_tables WHERE tablename = 'p'", "0 postgres",
                   "0 dave", base=["--no-owner"]),
    "--search-path": Case(["public"], ROWS, "3 0", "0 3", source="path"),
    "--schemas": Case(["s"], EXISTS.format("p"), "3 t", "0 f", "CREATE SCHEMA s",
                      ["--into-existing"]),
    "--exclude-schemas": Case(["oth*"], EXISTS.format("other.u"), "0 t", "0 f"),
    "--tables": Case(["p"], "SELECT to_regclass('p') IS NULL, to_regclass('q') IS NULL", "0 f|f",
                     "0 f|t"),
    "--functions": Case(["f(integer)"], "SELECT to_regproc('f') IS NULL, to_regproc('trg') IS NULL",
                        "0 f|f", "0 f|t"),
    "--indexes": Case(["p_i"], "SELECT to_regclass('p_i') IS NULL, to_regproc('f') IS NULL", "3 t|f",
                      "0 f|t", P, ["--into-existing"]),
    "--triggers": Case(["p_t"], "SELECT count(*), to_regproc('f') IS NULL FROM pg_trigger", "3 0|f",
                       "0 1|t", P + """CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql
                                       AS 'BEGIN RETURN NEW; END';""", ["--into-existing"]),
    "--sections": Case(["pre-data,post-data"],
                       "SELECT (SELECT count(*) FROM p), to_regclass('p_i') IS NULL", "0 3|f",
                       "0 0|f"),
    "--list-file": Case(["{list}"], EXISTS.format("q"), "0 t", "0 f"),
    "--schema-only": Case([], ROWS, "0 3", "0 0"),
    "--data-only": Case([], ROWS, "3 0", "0 3", P, ["--into-existing"], "rows"),
    "--no-owner": Case([], "SELECT tableowner FROM pg_tables WHERE tablename = 'p'", "0 alice",
                       "0 postgres"),
    "--no-privileges": Case([], "SELECT has_table_privilege('bob', 'p', 'SELECT') FROM p LIMIT 1",
                            "0 t", "0 f", base=["--no-owner"]),
    "--no-comments": Case([], "SELECT obj_description('p'::regclass) IS NULL", "0 f", "0 t"),
    "--no-security-labels": Case([], EXISTS.format("p"), "3 t", "0 t", source="labels"),
    "--no-publications": Case([], "SELECT count(*) FROM pg_publication", "0 1", "0 0"),
    "--no-subscriptions": Case([], """SELECT count(*) FROM pg_subscription s JOIN pg_database d
                                      ON d.oid = subdbid WHERE datname = 'copy'""", "0 1", "0 0"),
    "--no-policies": Case([], "SELECT count(*) FROM pg_policy", "0 1", "0 0"),
    "--no-tablespaces": Case([], "SELECT reltablespace = 0 FROM pg_class WHERE relname = 'r'", "0 f",
                             "0 t"),
    "--no-table-access-method": Case([], """SELECT amname FROM pg_class c JOIN pg_am a
                                            ON a.oid = relam WHERE relname = 'q'""", "0 heap2",
                                     "0 heap"),
    "--no-statistics": Case([], "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'p'", "0 t",
                            "0 f", source="statistics"),
    "--jobs": Case(["1"], "SELECT count(DISTINCT pid) > 1 FROM p", "0 t", "0 f", """
        CREATE TABLE p (pid int);
        CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1);
            INSERT INTO public.p SELECT pg_backend_pid(); RETURN NEW; END';
        CREATE TABLE one (n int); CREATE TABLE two (n int); CREATE TABLE three (n int);
        CREATE TRIGGER t BEFORE INSERT ON one FOR EACH ROW EXECUTE FUNCTION noted();
        CREATE TRIGGER t BEFORE INSERT ON two FOR EACH ROW EXECUTE FUNCTION noted();
        CREATE TRIGGER t BEFORE INSERT ON three FOR EACH ROW EXECUTE FUNCTION noted();
    """, lambda option: ["--into-existing", "--data-only", *([] if option else ["--jobs=3"])],
                   "tables"),
    "--exit-on-error": Case([], "SELECT 1", "3 1", "1 1", IN_THE_WAY, ["--into-existing"],
                            "failing"),
    "--single-transaction": Case([], EXISTS.format("p"), "3 t", "1 f", IN_THE_WAY,
                                 ["--into-existing"], "failing"),
    "--transaction-size": Case(["1"], EXISTS.format("p"), "3 t", "1 t", IN_THE_WAY,
                               ["--into-existing"], "failing"),
    "--analyze": Case([], "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'p'", "0 f", "0 t",
                      source="rows"),
    "--spool-dir": Case(["/nowhere"], EXISTS.format("p"), "0 t", "1 f", source="sorted"),
    "--dry-run": Case([], EXISTS.format("p"), "0 t", "0 f"),
    "--disable-triggers": Case([], ROWS, "3 0", "0 3", P + """
        CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no row''; END';
        CREATE TRIGGER no BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION no();
    """, ["--into-existing", "--data-only"], "rows"),
    "--enable-row-security": Case([], ROWS, "3 0", "0 3", P + """
        GRANT SELECT, INSERT ON p TO carol; ALTER TABLE p ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON p TO carol WITH CHECK (n < 10);
    """, ["--into-existing", "--data-only", "--role=carol"], "inserts"),
}
SINCE = {"--no-statistics": 18}


def table():
    """The options of logical restores: a test holds the page to the program."""
    text = (paths.REPO / "docs/options.md").read_text()
    section = text.split("\n## pgcask restore\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(--[a-z-]+)", section.split("Options of logical backups")[1], re.M))


def test_the_cases_are_those_of_the_table():
    assert set(CASES) == table()


@pytest.fixture(scope="module")
def archives(pgcask, cluster, major, tmp_path_factory):
    """{name: archive}; that of "inserts" has the rows of "rows" as INSERT."""
    folder = tmp_path_factory.mktemp("archives")
    builders.tablespaces(cluster, names=["one"])
    logical.run_sql(cluster, "postgres", "CREATE ROLE dave SUPERUSER;")
    logical.run_sql(cluster, "postgres", "CREATE DATABASE elsewhere")
    made = {}
    for name, sql in SOURCES.items():
        db = logical.make(cluster, f"source {name}", sql)
        made[name] = logical.back_up(pgcask, cluster, db, folder / name)
    made["inserts"] = folder / "inserts.dump"
    logical.process.run(
        [logical.stock("pg_dump", cluster), "-Fc", "--inserts", "-f", made["inserts"],
         cluster.uri("source rows")], timeout=60).check()
    if major >= 18:
        logical.run_sql(cluster, "source rows", "ANALYZE p")
        made["statistics"] = logical.back_up(pgcask, cluster, "source rows", folder / "statistics",
                                             "--statistics")
    listed = pgcask("list", made["all"], "--verbose").check().stdout
    (folder / "list").write_text("".join(
        line + "\n" for line in listed.splitlines() if " q " not in line and re.match(r"\d+; ", line)))
    made["list"] = folder / "list"
    # Before globals.sql, and not little.
    logical.make(cluster, "a source", P, """
        CREATE TABLE big AS SELECT repeat(md5(g::text), 100) t FROM generate_series(1, 500) g""")
    logical.back_up(pgcask, cluster, "a source", folder / "sorted", "--compress", "none")
    made["sorted"] = logical.in_byte_order(folder / "sorted", folder / "sorted.tar")
    logical.run_sql(cluster, "postgres", "CREATE ROLE several VALID UNTIL '2041-02-03'")
    for name in ("one", "two"):
        logical.make(cluster, f"several {name}", f"CREATE TABLE {name} (n int)")
    pgcask("backup", cluster.uri(""), "--databases", "several*", "--layout", "numbered", "--to",
           folder / "several", "--quiet").check()
    made["several"] = folder / "several"
    return made


def forget_several(cluster):
    logical.run_sql(cluster, "postgres", 'DROP DATABASE IF EXISTS "several one"; DROP DATABASE '
                    'IF EXISTS "several two"; DROP ROLE IF EXISTS several;')


def restored(pgcask, cluster, archives, case, option, copy="copy"):
    """Exit status and answer, with the option (None: without), in a new database."""
    present = logical.run_sql(cluster, "postgres", "SELECT datname FROM pg_database").decode()
    if copy in present.splitlines():
        logical.drop(cluster, copy)
    if case.source == "several":
        forget_several(cluster)
    if case.before is not None:
        logical.make(cluster, copy, case.before)
    base = case.base(option) if callable(case.base) else case.base
    words = [] if option is None else [option, *(
        word.format(list=archives["list"]) for word in case.words)]
    # Each of several databases has its own name.
    target = cluster.uri("" if case.source == "several" else copy)
    result = pgcask("restore", archives[case.source], "--to", target, *base, *words)
    return f"{result.rc} {asked(cluster, case, copy)}", result


def asked(cluster, case, copy):
    db = copy if case.at == "copy" else case.at
    return logical.run_sql(cluster, db, case.query.replace("'copy'", f"'{copy}'")).decode().strip()


@pytest.fixture(scope="module")
def plain(pgcask, cluster, archives):
    """Exit status of what most cases have without their option, in the database "plain"."""
    case = CASES["--no-comments"]
    return restored(pgcask, cluster, archives, case, None, "plain")[1].rc


@pytest.mark.parametrize("option", CASES)
def test_an_option_changes_what_it_says(pgcask, cluster, archives, plain, major, option):
    if major < SINCE.get(option, 0):
        return
    case, result = CASES[option], None
    if (case.source, case.before, case.base) == ("all", "", []):
        found = f"{plain} {asked(cluster, case, 'plain')}"
    else:
        found, result = restored(pgcask, cluster, archives, case, None)
    assert found == case.without, result
    found, result = restored(pgcask, cluster, archives, case, option)
    assert found == case.with_, result


# Physical and logical


def words_of(option):
    return [option, *(word.format(list="/dev/null") for word in CASES[option].words)]


@pytest.mark.majors(15)
@pytest.mark.parametrize("option", CASES)
def test_an_option_of_logical_restores_is_for_servers(pgcask, workdir, option):
    result = pgcask("restore", workdir, "--to", workdir / "data", *words_of(option), "--json")
    assert result.rc == 2 and f"{option} is for logical backups: " in result.stderr, result
    assert "it says --to DATA-DIRECTORY" in result.stderr, result
    assert json.loads(result.stdout)["error"]["code"] == "usage"


@pytest.mark.majors(15)
@pytest.mark.parametrize("words", [["--replace"], ["--tablespace-mapping", "a=/b"]])
def test_an_option_of_physical_restores_is_for_data_directories(pgcask, workdir, words):
    result = pgcask("restore", workdir, "--to", "postgres://u@127.0.0.1:1/db", *words)
    assert result.rc == 2 and f"{words[0]} is for physical backups: " in result.stderr, result


@pytest.mark.majors(15)
@pytest.mark.parametrize("words", [["--no-password"], ["--password-command", "echo x"]])
def test_a_data_directory_needs_no_password(pgcask, workdir, words):
    result = pgcask("restore", workdir, "--to", workdir / "data", *words)
    assert result.rc == 2 and words[0] in result.stderr, result


@pytest.mark.majors(15)
@pytest.mark.parametrize("words, named", [
    (["--schema-only", "--data-only"], ["--schema-only", "--data-only"]),
    (["--clean", "--recreate"], ["--clean", "--recreate"]),
    (["--into-existing", "--recreate"], ["--into-existing", "--recreate"]),
    (["--into-existing", "--clean"], ["--into-existing", "--clean"]),
    (["--clean", "--data-only"], ["--clean", "--data-only"]),
    (["--recreate", "--data-only"], ["--recreate", "--data-only"]),
    (["--create-db", "--data-only"], ["--create-db", "--data-only"]),
    (["--sections", "data", "--schema-only"], ["--sections", "--schema-only"]),
    (["--sections", "data", "--data-only"], ["--sections", "--data-only"]),
    (["--sections", "dada"], ["--sections", "\"dada\"", "post-data"]),
    (["--disable-triggers"], ["--disable-triggers", "--data-only"]),
    (["--disable-triggers", "--schema-only"], ["--disable-triggers", "--schema-only"]),
    (["--single-transaction", "--transaction-size", "5"],
     ["--single-transaction", "--transaction-size"]),
    (["--single-transaction", "--jobs", "2"], ["--single-transaction", "--jobs"]),
    (["--jobs", "0"], ["--jobs"]),
    (["--transaction-size", "0"], ["--transaction-size"]),
], ids=" ".join)
def test_what_does_not_go_together_is_named(pgcask, workdir, words, named):
    result = pgcask("restore", workdir, "--to", "postgres://u@127.0.0.1:1/db", *words)
    assert result.rc == 2 and all(word in result.stderr for word in named), result
    assert result.stderr.startswith("pgcask: error: "), result


@pytest.mark.parametrize("source, words, says", [
    ("several", ["--database", "x"], ["--database is for", "of 2", "--databases"]),
    ("several", ["--databases", "nobody"], ["--databases", "nobody"]),
    ("several", ["--exclude-databases", "nobody"], ["--exclude-databases", "nobody"]),
    ("all", ["--databases", "x"], ["--databases chooses among several"]),
    ("all", ["--exclude-databases", "x"], ["--exclude-databases chooses among several"]),
    ("all", ["--tables", "nothing"], ["--tables", "nothing"]),
])
def test_what_chooses_nothing_is_an_error(pgcask, cluster, archives, source, words, says):
    forget_several(cluster)
    logical.make(cluster, "chosen")
    target = cluster.uri("" if source == "several" else "chosen")
    result = pgcask("restore", archives[source], "--to", target, "--create-db", *words)
    assert result.rc == 2 and all(word in result.stderr for word in says), result
    assert "several" not in str(cluster.sql("SELECT datname FROM pg_database"))


@pytest.mark.parametrize("words, roles", [
    ([], 1),
    # A part of a backup has none of its roles.
    (["--sections", "pre-data", "--schemas", "public"], 0),
], ids=["whole", "part"])
def test_options_of_archives_are_none_of_the_globals(pgcask, cluster, archives, words, roles):
    """Beside what a script cannot give there is a script of roles in a backup, too."""
    forget_several(cluster)
    pgcask("restore", archives["several"], "--to", cluster.uri(""), "--create-db",
           "--search-path", "public", "--analyze", "--single-transaction", *words).check()
    assert logical.run_sql(cluster, "postgres", SEVERAL).decode().strip() == f"one,two|{roles}"
