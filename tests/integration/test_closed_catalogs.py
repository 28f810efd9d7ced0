"""Catalogs and functions that a provider takes away from everybody: each is one that a backup does
without, or is named with its GRANT, by check as by backup; and the GRANT is enough.

Catalogs that are not read are taken away together: if a backup does without all of them, it does
without each. Of the functions 13 has one half, 18 the other. `--whole` takes each away alone, on both.
"""

import json
import re
import zlib

import pytest

from pgcask_testing import process, temp
from pgcask_testing.held_link import HeldLink

OWNER = "owner of it"

# One of most kinds, as a role that owns nothing but the database can make them.
OBJECTS = """
CREATE SCHEMA s;
CREATE TYPE s.color AS ENUM ('red', 'green');
CREATE TABLE s.t (id serial PRIMARY KEY, c s.color, CHECK (id > 0));
INSERT INTO s.t (c) VALUES ('red');
CREATE TABLE s.large AS SELECT repeat(md5(i::text), 1000) FROM generate_series(1, 300) i;
CREATE TABLE s.p (a int) PARTITION BY LIST (a);
CREATE VIEW s.v AS SELECT id FROM s.t;
CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE s.total (int) (SFUNC = int4pl, STYPE = int);
CREATE STATISTICS s.st ON id, c FROM s.t;
CREATE PUBLICATION pub FOR TABLE s.t;
ALTER TABLE s.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON s.t USING (id > 5);
COMMENT ON TABLE s.t IS 'a table';
"""

HINT = re.compile("^hint: (GRANT (?!SELECT ON pg_catalog.pg_authid )[^;]*;)", re.M)


@pytest.fixture(scope="module")
def closed(major, module_servers):
    server = module_servers.create(major)
    server.sql(f'CREATE ROLE "{OWNER}" LOGIN; CREATE DATABASE app OWNER "{OWNER}"')
    server.sql(OBJECTS, "app", user=OWNER)
    yield server
    server.close()


def outcome(pgcask, server, target):
    """What check and backup say, and the findings of check that would make the backup fail."""
    check = pgcask("check", server.uri("app", OWNER), "--json")
    findings = [f for f in json.loads(check.stdout).get("findings", []) if f["fatal"]]
    backup = pgcask("backup", server.uri("app", OWNER), "--to", target, "--json")
    assert backup.rc in (0, 1), backup
    assert (backup.rc == 0) == target.exists(), backup
    temp.remove(target)
    return check, findings, backup


def both(server, statement):
    """Shared catalogs have their privileges in each database."""
    for db in ("app", "postgres"):
        server.sql(statement, db)


@pytest.mark.majors(13, 18)
def test_a_closed_catalog_is_named_with_its_grant(
    request, pgcask, pgcask_path, closed, workdir, major
):
    relations = [name for (name,) in closed.sql("""
        SELECT c.oid::regclass FROM pg_class c
        WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')
            AND EXISTS (SELECT FROM aclexplode(relacl) x
                        WHERE grantee = 0 AND privilege_type = 'SELECT') ORDER BY 1""")]
    assert len(relations) > 90
    read = read_by_a_backup(pgcask_path, closed, workdir / "held") & set(relations)
    assert read and read != set(relations)
    others = [relation for relation in relations if relation not in read]
    groups = [[relation] for relation in relations if relation in read]
    groups += [[one] for one in others] if request.config.getoption("--whole") else [others]
    wrong = []
    for group in groups:
        names = ", ".join(f"pg_catalog.{relation}" for relation in group)
        both(closed, f"REVOKE SELECT ON {names} FROM PUBLIC")
        check, findings, backup = outcome(pgcask, closed, workdir / "b")
        if group[0] in read:
            grant = f'GRANT SELECT ON {names} TO "{OWNER}";'
            if backup.rc != 1 or check.rc != 1 or (
                    {grant} != set(HINT.findall(check.stderr + backup.stderr))):
                wrong.append(f"{names}: {check}\n{backup}")
        elif findings or backup.rc != 0:
            wrong.append(f"{names}, not needed: {check}\n{backup}")
        both(closed, f"GRANT SELECT ON {names} TO PUBLIC")
    assert not wrong, "\n".join(wrong)


def read_by_a_backup(pgcask_path, server, target):
    """What a session has read it keeps locked until its transaction ends."""
    held = """SELECT c.oid::regclass FROM pg_locks l JOIN pg_stat_activity a USING (pid)
              JOIN pg_class c ON c.oid = l.relation
              WHERE a.application_name ~ 'pgcask' AND relkind IN ('r', 'v')
                  AND relnamespace = 'pg_catalog'::regnamespace"""
    found = set()
    with HeldLink(server.port, before=b"COPY ", hold=lambda: found.update(
            name for (name,) in server.sql(held))) as link:
        uri = server.uri("app", sslmode="disable").replace(str(server.port), str(link.port))
        process.run([pgcask_path, "backup", uri, "--to", target]).check()
    return found


@pytest.mark.majors(15)
def test_all_closed_catalogs_take_one_statement(pgcask, closed, workdir, major):
    names = [name for (name,) in closed.sql("""
        SELECT c.oid::regclass FROM pg_class c
        WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'
            AND relname NOT IN ('pg_class', 'pg_namespace', 'pg_init_privs', 'pg_auth_members')
            AND EXISTS (SELECT FROM aclexplode(relacl) x
                        WHERE grantee = 0 AND privilege_type = 'SELECT')""")]
    for some in (names[:3], names):
        both(closed, f"REVOKE SELECT ON {', '.join(some)} FROM PUBLIC")
        check, findings, backup = outcome(pgcask, closed, workdir / "b")
        assert backup.rc == 1 and len(findings) >= 1, check
        both(closed, findings[0]["hint"])
        check, findings, backup = outcome(pgcask, closed, workdir / "b")
        assert backup.ok and not findings, check
        both(closed, f"GRANT SELECT ON {', '.join(some)} TO PUBLIC;"
                     f'REVOKE SELECT ON {", ".join(some)} FROM "{OWNER}"')


def functions_of(server, program):
    """Those of pg_catalog that the program's SQL names and that everybody may call."""
    names = {name.decode() for name in re.findall(rb"pg_catalog\.([a-z_0-9]+)",
                                                  program.read_bytes())}
    return server.sql(f"""
        SELECT proname, string_agg(oid::regprocedure::text, ', '), count(*) FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY ('{{{",".join(names)}}}')
            AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0))
        GROUP BY proname ORDER BY proname""")


@pytest.mark.majors(13, 18)
def test_a_closed_function_is_named_with_its_grant_or_not_needed(
    request, pgcask, pgcask_path, closed, workdir, major
):
    functions = functions_of(closed, pgcask_path)
    assert len(functions) > 50
    # By their names: versions do not have the same ones.
    if not request.config.getoption("--whole"):
        functions = [row for row in functions if zlib.crc32(row[0].encode()) % 2 == major % 2]
    needed, wrong = set(), []
    for name, signatures, count in functions:
        both(closed, f"REVOKE EXECUTE ON FUNCTION {signatures} FROM PUBLIC")
        backup = pgcask("backup", closed.uri("app", OWNER), "--to", workdir / "b", "--json")
        if backup.ok:
            temp.remove(workdir / "b")
        else:
            needed.add(name)
            if f"permission denied for " not in backup.stderr or name not in backup.stderr:
                wrong.append(str(backup))
            if f'pg_catalog.{name} TO "{OWNER}";' not in backup.stderr:
                wrong.append(str(backup))
        both(closed, f"GRANT EXECUTE ON FUNCTION {signatures} TO PUBLIC")
    assert not wrong, "\n".join(wrong)
    # What providers do close: positions of the log, figures of the server, sizes.
    assert not needed & {"pg_current_wal_insert_lsn", "pg_last_wal_replay_lsn", "pg_database_size",
                         "pg_control_system", "pg_stat_get_live_tuples", "pg_tablespace_size"}
