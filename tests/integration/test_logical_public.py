"""What initdb grants in every new database, and somebody took away, stays away after a restore; what is
there comes back."""

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make  # noqa: F401

PUBLIC = {
    "untouched": "",
    "made anew": "DROP SCHEMA public CASCADE; CREATE SCHEMA public;",
    "made anew by somebody": "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION bob;",
    "made anew with what it had": "DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
                                  "GRANT USAGE ON SCHEMA public TO PUBLIC;",
    "made anew with more": "DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
                           "GRANT ALL ON SCHEMA public TO PUBLIC;",
    "made anew, of the database's owner": "DROP SCHEMA public CASCADE; CREATE SCHEMA public {dbo};",
    "made anew for one": "DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
                         "GRANT USAGE ON SCHEMA public TO alice WITH GRANT OPTION;",
    "no CREATE": "REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
    "no USAGE": "REVOKE USAGE ON SCHEMA public FROM PUBLIC;",
    "only CREATE": "REVOKE ALL ON SCHEMA public FROM PUBLIC; "
                   "GRANT CREATE ON SCHEMA public TO PUBLIC;",
    "nothing": "REVOKE ALL ON SCHEMA public FROM PUBLIC;",
    "everything": "GRANT ALL ON SCHEMA public TO PUBLIC;",
    "not even the owner": "ALTER SCHEMA public OWNER TO bob; "
                          "REVOKE ALL ON SCHEMA public FROM bob, PUBLIC;",
    "owner changed": "ALTER SCHEMA public OWNER TO bob;",
    "owner changed, nothing": "ALTER SCHEMA public OWNER TO bob; "
                              "REVOKE ALL ON SCHEMA public FROM PUBLIC;",
    "owner changed and back": "ALTER SCHEMA public OWNER TO bob; "
                              "ALTER SCHEMA public OWNER TO {dbo_};",
    "granted on": "GRANT USAGE, CREATE ON SCHEMA public TO alice WITH GRANT OPTION; "
                  "SET SESSION AUTHORIZATION alice; GRANT CREATE ON SCHEMA public TO carol;",
    "no comment": "COMMENT ON SCHEMA public IS NULL;",
    "another comment": "COMMENT ON SCHEMA public IS 'mine';",
    "made anew with the usual comment": "DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
                                        "COMMENT ON SCHEMA public IS 'standard public schema';",
}

# Where the source has no public, what a new database has stays, as with stock tools.
RENAMED = {
    "renamed": "ALTER SCHEMA public RENAME TO old;",
    "renamed and made anew": "ALTER SCHEMA public RENAME TO old; CREATE SCHEMA public;",
    "renamed, and taken": "REVOKE ALL ON SCHEMA public FROM PUBLIC; "
                          "ALTER SCHEMA public RENAME TO old;",
    "another renamed to it": "DROP SCHEMA public CASCADE; CREATE SCHEMA other AUTHORIZATION bob; "
                             "ALTER SCHEMA other RENAME TO public;",
    "dropped": "DROP SCHEMA public CASCADE;",
}

FACTS = """
    SELECT nspname, nspowner::regrole, ARRAY(SELECT x::text FROM unnest(
               coalesce(nspacl, acldefault('n', nspowner))) x ORDER BY 1),
           obj_description(oid, 'pg_namespace')
    FROM pg_namespace WHERE nspname IN ('public', 'old') ORDER BY 1
"""
RIGHTS = """
    SELECT r, n.nspname, p, has_schema_privilege(r, n.oid, p)
    FROM pg_namespace n, unnest(ARRAY['alice', 'bob', 'carol']) r, unnest(ARRAY['USAGE', 'CREATE']) p
    WHERE n.nspname IN ('public', 'old') ORDER BY 1, 2, 3
"""


def statements(sql, major):
    """Up to 14 the owner of the database's public is whoever made it."""
    if major >= 15:
        return sql.format(dbo="AUTHORIZATION pg_database_owner", dbo_="pg_database_owner")
    return sql.format(dbo="", dbo_="postgres")


def facts(server, db):
    return server.sql(FACTS, db) + server.sql(RIGHTS, db)


@pytest.mark.majors(14, 18)
def test_public_is_after_a_restore_what_it_was(pgcask, cluster, major, workdir):
    for name, sql in PUBLIC.items():
        db = make(cluster, "public_source", statements(sql, major))
        folder = workdir / name.replace(" ", "-")
        archive = logical.back_up(pgcask, cluster, db, folder)
        logical.create_like(cluster, db, "copy")
        logical.restore(cluster, archive, "copy")
        assert facts(cluster, "copy") == facts(cluster, db), name
        # And where stock tools get there, the archive lists as theirs does.
        theirs = logical.stock_archive(cluster, db, folder / "theirs")
        logical.create_like(cluster, db, "copy")
        logical.restore(cluster, theirs, "copy")
        if facts(cluster, "copy") == facts(cluster, db):
            assert logical.contents(cluster, archive) == logical.contents(cluster, theirs), name
        # Over itself.
        logical.restore(cluster, archive, "copy", "--clean", "--if-exists")
        assert facts(cluster, "copy") == facts(cluster, db), name


@pytest.mark.majors(13, 15)
def test_a_schema_that_was_public_is_like_any_other(pgcask, cluster, major, workdir):
    for name, sql in RENAMED.items():
        db = make(cluster, "public_source", statements(sql, major))
        archive = logical.back_up(pgcask, cluster, db, workdir / name.replace(" ", "-"))
        logical.create_like(cluster, db, "copy")
        new = facts(cluster, "copy")
        logical.restore(cluster, archive, "copy")
        ours = facts(cluster, "copy")
        there = {row[0] for row in cluster.sql(FACTS, db)}
        for row in facts(cluster, db):
            assert row in ours, name
        if "public" not in there:
            assert [row for row in ours if "public" in row] == [
                row for row in new if "public" in row]


# Privileges that things have when they are made, taken and given again; and those of members of
# extensions, which have pg_init_privs.
GIVEN = """
    CREATE FUNCTION again() RETURNS int LANGUAGE sql AS 'SELECT 1';
    REVOKE EXECUTE ON FUNCTION again() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION again() TO PUBLIC;
    CREATE FUNCTION taken() RETURNS int LANGUAGE sql AS 'SELECT 1';
    REVOKE EXECUTE ON FUNCTION taken() FROM PUBLIC;
    CREATE FUNCTION owners() RETURNS int LANGUAGE sql AS 'SELECT 1';
    REVOKE EXECUTE ON FUNCTION owners() FROM PUBLIC, postgres;
    CREATE TYPE t_again AS ENUM ();
    REVOKE USAGE ON TYPE t_again FROM PUBLIC;
    GRANT USAGE ON TYPE t_again TO PUBLIC;
    CREATE DOMAIN d_taken AS int;
    REVOKE USAGE ON DOMAIN d_taken FROM PUBLIC;
    CREATE TABLE rel (a int);
    REVOKE ALL ON rel FROM postgres;
    GRANT ALL ON rel TO postgres;
    CREATE SEQUENCE seq;
    REVOKE ALL ON SEQUENCE seq FROM postgres;
    REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
    CREATE EXTENSION hstore;
    REVOKE EXECUTE ON FUNCTION akeys(hstore) FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION avals(hstore) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION avals(hstore) TO PUBLIC;
    REVOKE USAGE ON TYPE hstore FROM PUBLIC;
    CREATE EXTENSION pg_stat_statements;
    GRANT EXECUTE ON FUNCTION {reset} TO PUBLIC;
    REVOKE SELECT ON pg_stat_statements FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_logdir() TO PUBLIC;
    REVOKE SELECT ON pg_catalog.pg_views FROM PUBLIC;
    CREATE SCHEMA left_behind;
    CREATE TABLE left_behind.t (a int);
    CREATE FUNCTION left_behind.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TYPE left_behind.e AS ENUM ();
    INSERT INTO pg_init_privs VALUES
        ('left_behind.t'::regclass, 'pg_class'::regclass, 0, 'i',
         '{{postgres=arwdDxt/postgres,=r/postgres}}'),
        ('left_behind.f'::regproc, 'pg_proc'::regclass, 0, 'e', '{{postgres=X/postgres}}'),
        ('left_behind.e'::regtype, 'pg_type'::regclass, 0, 'i', '{{postgres=U/postgres}}'),
        ('left_behind'::regnamespace, 'pg_namespace'::regclass, 0, 'i',
         '{{postgres=UC/postgres,=UC/postgres}}');
    GRANT SELECT ON left_behind.t TO PUBLIC;
    REVOKE EXECUTE ON FUNCTION left_behind.f() FROM PUBLIC;
    REVOKE USAGE ON TYPE left_behind.e FROM PUBLIC;
    GRANT USAGE, CREATE ON SCHEMA left_behind TO PUBLIC;
"""
ALL_RIGHTS = """
    SELECT 'f', oid::regprocedure::text, has_function_privilege('carol', oid, 'EXECUTE'),
           ARRAY(SELECT x::text FROM unnest(coalesce(proacl, acldefault('f', proowner))) x
                 ORDER BY 1)
    FROM pg_proc
    UNION ALL
    SELECT 'r', oid::regclass::text, has_table_privilege('carol', oid, 'SELECT'),
           ARRAY(SELECT x::text FROM unnest(coalesce(relacl,
               acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))) x
                 ORDER BY 1)
    FROM pg_class WHERE relkind IN ('r', 'v', 'S')
    UNION ALL
    SELECT 't', oid::regtype::text, has_type_privilege('carol', oid, 'USAGE'),
           ARRAY(SELECT x::text FROM unnest(coalesce(typacl, acldefault('T', typowner))) x
                 ORDER BY 1)
    FROM pg_type WHERE typtype IN ('b', 'd', 'e') AND typelem = 0
    UNION ALL
    SELECT 'n', nspname, has_schema_privilege('carol', oid, 'USAGE'),
           ARRAY(SELECT x::text FROM unnest(coalesce(nspacl, acldefault('n', nspowner))) x
                 ORDER BY 1)
    FROM pg_namespace WHERE nspname !~ '^pg_t'
    UNION ALL
    SELECT 'l', lanname, has_language_privilege('carol', oid, 'USAGE'),
           ARRAY(SELECT x::text FROM unnest(coalesce(lanacl, acldefault('l', lanowner))) x
                 ORDER BY 1)
    FROM pg_language WHERE lanpltrusted
    ORDER BY 1, 2
"""


@pytest.mark.majors(13, 14, 18)
def test_what_carol_may_is_what_she_may_in_the_source(pgcask, cluster, major, workdir):
    reset = "pg_stat_statements_reset(oid, oid, bigint" + (", boolean)" if major >= 17 else ")")
    db = make(cluster, "given", GIVEN.format(reset=reset))
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, archive, "copy")
    wanted, found = (cluster.sql(ALL_RIGHTS, name) for name in (db, "copy"))
    assert [row for row in wanted if row not in found] == []
    assert [row for row in found if row not in wanted] == []


DATABASE = {
    "untouched": "",
    "no CONNECT": "REVOKE CONNECT ON DATABASE privileged FROM PUBLIC;",
    "no TEMPORARY": "REVOKE TEMPORARY ON DATABASE privileged FROM PUBLIC;",
    "nothing": "REVOKE ALL ON DATABASE privileged FROM PUBLIC;",
    "taken and given": "REVOKE ALL ON DATABASE privileged FROM PUBLIC; "
                       "GRANT CONNECT, TEMPORARY ON DATABASE privileged TO PUBLIC;",
    "everything": "GRANT ALL ON DATABASE privileged TO PUBLIC;",
    "not even the owner": "REVOKE ALL ON DATABASE privileged FROM PUBLIC, postgres;",
    "another owner": "ALTER DATABASE privileged OWNER TO bob; "
                     "REVOKE CONNECT ON DATABASE privileged FROM PUBLIC;",
}


@pytest.mark.majors(13, 18)
def test_a_database_lets_in_whom_it_let_in(pgcask, cluster, workdir):
    facts_of = """SELECT datdba::regrole, ARRAY(SELECT x::text FROM unnest(
                      coalesce(datacl, acldefault('d', datdba))) x ORDER BY 1)
                  FROM pg_database WHERE datname = 'privileged'"""
    for name, sql in DATABASE.items():
        make(cluster, "privileged")
        cluster.sql(sql)
        before = cluster.sql(facts_of)
        archive = logical.back_up(pgcask, cluster, "privileged", workdir / name.replace(" ", "-"))
        logical.drop(cluster, "privileged")
        logical.restore(cluster, archive, "postgres", "--create")
        assert cluster.sql(facts_of) == before, name
