"""A statement that fails, in whatever section of an archive, is named with its object, SQLSTATE, place and the
server's words, and all else is restored: as by stock pg_restore, over one session and over four."""

import json

import pytest

from pgcask_testing import logical, process, restored, temp
from pgcask_testing.logical import cluster, make  # noqa: F401: a fixture
from pgcask_testing.restored import restorer  # noqa: F401: a fixture

# All that is named bad needs something of a schema that the archive does not have. What of it is asked for only when
# it runs is behind gate(), which the third row wants to pass.
SOURCE = """
    CREATE SCHEMA missing;
    CREATE TYPE missing.kind AS ENUM ('a', 'b');
    CREATE TABLE missing.parent (n int PRIMARY KEY); INSERT INTO missing.parent SELECT generate_series(1, 9);
    CREATE FUNCTION missing.f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
    CREATE FUNCTION missing.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION gate(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql
        AS 'BEGIN IF n = 3 THEN RETURN missing.f(n); END IF; RETURN n; END';

    CREATE TYPE "bad 'type'" AS (a missing.kind);
    CREATE DOMAIN bad_domain AS missing.kind;
    CREATE FUNCTION bad_function(missing.kind) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE bad_table (n int, k missing.kind); INSERT INTO bad_table VALUES (1, 'a');
    CREATE VIEW bad_view AS SELECT missing.f(1) AS n;

    CREATE TABLE good (n int, t text);
    INSERT INTO good SELECT n, repeat('x', n) FROM generate_series(1, 2000) n;
    CREATE TABLE bad_rows (n int CHECK (gate(n) > 0)); INSERT INTO bad_rows SELECT generate_series(1, 9);
    CREATE TABLE bad_many (n int CHECK (gate(n) > 0), t text);
    INSERT INTO bad_many SELECT n, repeat('y', 100) FROM generate_series(1, 9000) n;
    SELECT lo_from_bytea(n, 'a large object') FROM generate_series(4711, 4713) n;
    CREATE SEQUENCE bad_sequence; SELECT setval('bad_sequence', 424242);

    CREATE INDEX good_index ON good (t);
    CREATE INDEX bad_index ON good (missing.f(n));
    CREATE INDEX bad_when_built ON good (gate(n));
    ALTER TABLE good ADD CONSTRAINT good_key PRIMARY KEY (n);
    ALTER TABLE good ADD CONSTRAINT bad_constraint EXCLUDE ((missing.f(n)) WITH =);
    ALTER TABLE good ADD CONSTRAINT bad_key FOREIGN KEY (n) REFERENCES missing.parent NOT VALID;
    CREATE TRIGGER bad_trigger BEFORE INSERT ON good FOR EACH ROW EXECUTE FUNCTION missing.fire();
    CREATE RULE bad_rule AS ON DELETE TO good DO ALSO SELECT missing.f(1);
    CREATE POLICY bad_policy ON good USING (missing.f(n) > 0);
    CREATE MATERIALIZED VIEW good_sums AS SELECT count(*) FROM good;
    CREATE MATERIALIZED VIEW bad_sums AS SELECT n, gate(n) AS g FROM good;
    COMMENT ON TABLE good IS 'to be refused';
    COMMENT ON INDEX good_index IS 'good';
    GRANT SELECT ON good TO alice;
    GRANT SELECT ON bad_rows TO alice;
"""

# What no missing schema can bring about is refused there, or in the way.
TARGET = """
    SELECT lo_from_bytea(4712, 'a large object');
    CREATE SCHEMA ours;
    CREATE FUNCTION ours.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_query() LIKE '%to be refused%' OR current_query() LIKE '%public.good TO alice%' THEN
            RAISE EXCEPTION 'not here' USING ERRCODE = 'ZZ001', DETAIL = 'Nobody may.', HINT = 'Ask somebody else.';
        END IF; END $$;
    CREATE EVENT TRIGGER refusing ON ddl_command_start WHEN TAG IN ('COMMENT', 'GRANT')
        EXECUTE FUNCTION ours.refuse();
"""

LACKING = 'schema "missing" does not exist'
GATE = "PL/pgSQL function public.gate(integer) line 1 at RETURN"
REFUSED = "PL/pgSQL function ours.refuse() line 3 at RAISE"

# (section, object, SQLSTATE, the server's words, what stands where it says, what it was doing)
FAILURES = [
    ("pre-data", "TYPE public.bad 'type'", "3F000", LACKING, "", ""),
    ("pre-data", "DOMAIN public.bad_domain", "3F000", LACKING, "", ""),
    ("pre-data", "FUNCTION public.bad_function(missing.kind)", "3F000", LACKING, "", ""),
    ("pre-data", "TABLE public.bad_table", "3F000", LACKING, "missing.kind", ""),
    ("pre-data", "VIEW public.bad_view", "3F000", LACKING, "missing.f(1)", ""),
    ("pre-data", "BLOB 4711..4713", "23505", "duplicate key value violates unique constraint "
     '"pg_largeobject_metadata_oid_index"', "", ""),
    ("pre-data", "COMMENT TABLE good in schema public", "ZZ001", "not here", "", REFUSED),
    ("pre-data", "ACL TABLE good in schema public", "ZZ001", "not here", "", REFUSED),
    ("data", "TABLE DATA public.bad_rows", "3F000", LACKING, "", f'{GATE}\nCOPY bad_rows, line 3: "3"'),
    ("data", "TABLE DATA public.bad_many", "3F000", LACKING, "", f'{GATE}\nCOPY bad_many, line 3: "3\tyyy'),
    ("data", "SEQUENCE SET public.bad_sequence", "22003", "setval: value 0 is out of bounds for sequence "
     '"bad_sequence" (1..9223372036854775807)', "", ""),
    ("post-data", "INDEX public.bad_index", "3F000", LACKING, "missing.f(n)", ""),
    ("post-data", "INDEX public.bad_when_built", "3F000", LACKING, "", GATE),
    ("post-data", "CONSTRAINT public.good bad_constraint", "3F000", LACKING, "missing.f(n)", ""),
    ("post-data", "FK CONSTRAINT public.good bad_key", "3F000", LACKING, "", ""),
    ("post-data", "TRIGGER public.good bad_trigger", "3F000", LACKING, "", ""),
    ("post-data", "RULE public.good bad_rule", "3F000", LACKING, "missing.f(1)", ""),
    ("post-data", "POLICY public.good bad_policy", "3F000", LACKING, "", ""),
    ("post-data", "MATERIALIZED VIEW DATA public.bad_sums", "3F000", LACKING, "", GATE),
]


@pytest.fixture(scope="module")
def archive(cluster):
    """Without the schema missing; the value of a sequence is one that no sequence can have."""
    db = make(cluster, "source", SOURCE)
    path = temp.new_dir("archive") / "source.dump"
    process.run([logical.stock("pg_dump", cluster), "-Fc", "-Z0", "-N", "missing", "-b", "-f", path],
                env=logical._environment(cluster, db), timeout=600).check()
    content = path.read_bytes()
    assert content.count(b"bad_sequence', 424242,") == 1
    path.write_bytes(content.replace(b"bad_sequence', 424242,", b"bad_sequence', 000000,"))
    return path


def at(failure):
    """What stands in the statement where the server says."""
    return failure["statement"][failure["position"] - 1:] if failure["position"] else ""


def own_name(failure):
    """pg_dump of 17 and later has another word for a group of large objects than those of us."""
    return failure["object"].replace("BLOB METADATA", "BLOB")


def assert_named(failures):
    found = {own_name(one): one for one in failures}
    assert len(found) == len(failures) and set(found) == {named for _, named, *_ in FAILURES}, set(found)
    for _, named, sqlstate, message, place, doing in FAILURES:
        one = found[named]
        assert (one["sqlstate"], one["message"]) == (sqlstate, message), one
        assert at(one).startswith(place or "missing.") or not place and at(one) == "", one  # 18 knows more places
        assert one["context"].startswith(doing) and bool(one["context"]) == bool(doing), one


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_statement_that_fails_in_any_section_is_named(restorer, cluster, workdir, archive, jobs):
    theirs, copy = make(cluster, "by stock", TARGET), make(cluster, "by ours", TARGET)
    logical.restore(cluster, archive, theirs, check=False)
    outcome = restorer(cluster, copy, archive, "into_existing", f"jobs={jobs}")
    assert outcome.result.rc == 3 and outcome.report["failures"] == len(FAILURES), str(outcome.result)
    assert_named(outcome.failures)
    for one, other in zip(restored.facts(cluster, theirs), restored.facts(cluster, copy)):
        different = logical._difference(one, other)
        assert not different, "\n".join(different)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("section", ["pre-data", "data", "post-data"])
def test_the_first_failure_of_any_section_may_end_it(pgcask, cluster, archive, section, jobs):
    sections = ["pre-data", "data", "post-data"]
    copy = make(cluster, "by ours", TARGET)
    for before in sections[:sections.index(section)]:
        logical.restore(cluster, archive, copy, "--section", before, check=False)
    result = pgcask("restore", archive, "--to", cluster.uri(copy), "--into-existing", "--jobs", jobs, "--sections",
                    section, "--exit-on-error", "--json")
    found = json.loads(result.stdout)
    assert result.rc == 1 and found["status"] == "failed", result
    # By itself the section of rows has those of a table that is not there; which fails first is nobody's rule.
    may_fail = [*FAILURES, ("data", "TABLE DATA public.bad_table", "42P01", 'relation "public.bad_table" does not exist')]
    named = {(named, sqlstate, f"{named}: {message}") for of, named, sqlstate, message, *_ in may_fail
             if of == section or named.startswith("BLOB")}
    failures, error = {own_name(one): one for one in found["failures"]}, found["error"]
    assert 1 <= len(failures) <= jobs, found  # others may have failed before they heard of it
    assert f"pgcask: error: {error['message']}" in result.stderr, result
    assert any((one, error["sqlstate"], error["message"].replace("BLOB METADATA", "BLOB")) in named for one in failures), (
        error, failures)


@pytest.mark.sampled
def test_what_failed_is_told_to_people(pgcask, cluster, archive):
    copy = make(cluster, "by 'ours'", TARGET)
    result = pgcask("restore", archive, "--to", cluster.uri(copy), "--into-existing")
    assert result.rc == 3
    said = result.stderr.replace("\n    ", "\n").replace("BLOB METADATA", "BLOB").splitlines()
    for _, named, sqlstate, message, place, doing in FAILURES:
        begin = f"pgcask: warning: \"by 'ours'\": {named}: {message} (SQLSTATE {sqlstate}"
        (at,) = [n for n, line in enumerate(said) if line.startswith(begin)]
        assert said[at][len(begin):].startswith(", at character " if place else (")", ", at character ")), said[at]
        behind = "\n".join(said[at + 1:at + 4])
        assert all(line in behind for line in doing.replace("\t", r"\x09").splitlines()), behind
    assert result.stderr.count("detail: Nobody may.\n") == result.stderr.count("hint: Ask somebody else.\n") == 2
    assert said[-1] == f"pgcask: warning: statements that failed: {len(FAILURES)}; they are named above"


def own(pgcask, cluster, workdir):
    db = make(cluster, "relies", UNQUALIFIED)
    archive = logical.back_up(pgcask, cluster, db, workdir / "relies")
    logical.drop(cluster, db)
    return archive


UNQUALIFIED = """
    CREATE FUNCTION inner_f(n int) RETURNS bool LANGUAGE sql AS 'SELECT n > 0';
    CREATE FUNCTION outer_f(n int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN inner_f(n); END';
    CREATE TYPE a_type AS ENUM ('a');
    CREATE FUNCTION of_type(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
        'DECLARE x a_type; BEGIN RETURN n; END';
    CREATE TABLE t (n int CHECK (outer_f(n))); INSERT INTO t VALUES (1);
    CREATE TABLE u (n int CHECK (of_type(n) > 0)); INSERT INTO u VALUES (1);
"""


def test_a_search_path_is_recommended_once(pgcask, cluster, workdir):
    archive = own(pgcask, cluster, workdir)
    words = ["restore", archive, "--database", "relies again", "--create-db"]
    to = ["--to", cluster.uri("postgres")]
    for more in ([], ["--exit-on-error"]):
        result = pgcask(*words, *to, *more)
        assert result.rc == (1 if more else 3), str(result)
        assert result.stderr.count("--search-path public") == 1 + len(more), str(result)
        assert (": 2; restore with" in result.stderr) == (not more), str(result)
        logical.run_sql(cluster, "postgres", 'DROP DATABASE IF EXISTS "relies again"')
    result = pgcask("verify", archive, "--restore-to", cluster.uri("postgres"))
    assert result.rc == 3 and result.stderr.count("--search-path public") == 1, str(result)
    result = pgcask(*words, *to, "--search-path", "public")
    assert result.ok and "search path" not in result.stderr, str(result)
    logical.drop(cluster, "relies again")
    result = pgcask("verify", archive, "--restore-to", cluster.uri("postgres"), "--search-path",
                    "public")
    assert result.ok and "search path" not in result.stderr, str(result)
    # What is missing for another reason has a schema.
    db = make(cluster, "lacks", "CREATE SCHEMA s; CREATE TYPE s.e AS ENUM ('a');"
                                "CREATE TABLE t (e s.e);")
    archive = logical.back_up(pgcask, cluster, db, workdir / "lacks")
    result = pgcask("restore", archive, *to, "--database", "relies again", "--create-db",
                    "--exclude-schemas", "s")
    assert result.rc == 3 and "search-path" not in result.stderr, str(result)
    logical.drop(cluster, "relies again"), logical.drop(cluster, db)


@pytest.mark.sampled(1)
def test_a_script_takes_the_search_path_that_is_recommended(pgcask, cluster, workdir, major):
    made = UNQUALIFIED + """
        CREATE FUNCTION keyed(n int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS
            'BEGIN RETURN inner_f(n); END';
        CREATE TABLE i (n int); INSERT INTO i VALUES (1); CREATE INDEX ON i (keyed(n));
    """
    if major >= 17:  # which makes no such index itself
        made = made.replace("CREATE INDEX", "ALTER FUNCTION keyed SET search_path = public; CREATE INDEX")
    db = make(cluster, "relies", made)
    if major >= 17:
        logical.run_sql(cluster, db, "ALTER FUNCTION keyed RESET search_path")
    path = workdir / "a.sql"
    path.write_bytes(process.run([logical.stock("pg_dump", cluster)], timeout=100,
                                 env=logical._environment(cluster, db)).check().stdout_bytes)
    logical.make(cluster, "relies again")
    words = ["restore", path, "--to", cluster.uri("relies again"), "--quiet"]
    result = pgcask(*words)
    assert result.rc == 3 and "--search-path public" in result.stderr, result
    logical.make(cluster, "relies again")
    result = pgcask(*words, "--search-path", "public")
    if major >= 17:  # and what cannot be so is said with what can
        assert result.rc == 3 and "ALTER FUNCTION" in result.stderr, result
        assert "--search-path public" not in result.stderr, result
    else:
        assert result.rc == 0 and "search path" not in result.stderr, result
    assert logical.run_sql(cluster, "relies again", "TABLE t; TABLE u; TABLE i") == b"1\n1\n1\n"
    logical.drop(cluster, "relies again"), logical.drop(cluster, db)
