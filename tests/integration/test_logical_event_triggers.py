"""Event triggers in logical backups, beside what stock tools make of them."""

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make  # noqa: F401

# One that fires while others are restored would spoil the copy.
SCRIPT = """
    CREATE SCHEMA "S s";
    CREATE TABLE log (what text);
    CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql
        AS $$BEGIN INSERT INTO public.log VALUES (tg_event || ' ' || tg_tag); END$$;
    CREATE FUNCTION "S s"."Refuse it"() RETURNS event_trigger LANGUAGE plpgsql
        AS $$BEGIN RAISE 'refused'; END$$;
    CREATE FUNCTION "S s"."Refuse it"(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE EVENT TRIGGER starts ON ddl_command_start EXECUTE FUNCTION note();
    CREATE EVENT TRIGGER "Ends ""it" ON ddl_command_end
        WHEN TAG IN ('CREATE TABLE', 'CREATE VIEW') EXECUTE FUNCTION "S s"."Refuse it"();
    CREATE EVENT TRIGGER drops ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION note();
    CREATE EVENT TRIGGER rewrites ON table_rewrite EXECUTE FUNCTION note();
    ALTER EVENT TRIGGER starts ENABLE ALWAYS;
    ALTER EVENT TRIGGER drops ENABLE REPLICA;
    COMMENT ON EVENT TRIGGER starts IS 'it''s noted';
    ALTER EVENT TRIGGER rewrites DISABLE;
    ALTER EVENT TRIGGER "Ends ""it" OWNER TO boss;
    DELETE FROM log;
"""
SINCE_17 = "CREATE EVENT TRIGGER comes ON login EXECUTE FUNCTION note();"


def made(cluster, db, major):
    cluster.sql("DO $$BEGIN CREATE ROLE boss SUPERUSER; EXCEPTION WHEN OTHERS THEN END$$")
    return make(cluster, db, SCRIPT, *[SINCE_17] * (major >= 17), "DELETE FROM log;")


def test_event_triggers_are_those_of_pg_dump(pgcask, cluster, major, workdir):
    db = made(cluster, "evt", major)
    lines = logical.assert_beside_stock(pgcask, cluster, db, workdir, "EVENT TRIGGER", "WHEN TAG",
                                        "EXECUTE FUNCTION")
    assert "         WHEN TAG IN ('CREATE TABLE', 'CREATE VIEW')" in lines
    assert "ALTER EVENT TRIGGER starts ENABLE ALWAYS;" in lines
    assert "ALTER EVENT TRIGGER drops ENABLE REPLICA;" in lines
    assert "ALTER EVENT TRIGGER rewrites DISABLE;" in lines


def test_they_come_back_behind_all_that_they_would_fire_at(pgcask, cluster, major, workdir):
    db = made(cluster, "evt", major)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    facts = ("SELECT evtname, evtowner::regrole, evtevent, evtenabled, evttags, "
             "evtfoid::regprocedure FROM pg_event_trigger ORDER BY 1")
    source = cluster.sql(facts, db)
    schema = logical.dump_schema(cluster, db)
    # pg_restore 17 begins with a setting that 16 refuses, and then all of it fails.
    for options in ([], ["-j4"], *[["--single-transaction"]] * (major != 16)):
        logical.create_like(cluster, db, "copied")
        logical.restore(cluster, archive, "copied", *options)
        # What comes after one is a comment on it; what came before them was not noted.
        noted = cluster.sql("SELECT what FROM log WHERE what !~ 'EVENT TRIGGER|COMMENT|^login'",
                            "copied")
        assert noted == [], options
        assert cluster.sql(facts, "copied") == source
        assert logical.dump_schema(cluster, "copied") == schema


def test_an_owner_that_is_gone_is_named(pgcask, cluster, major, workdir):
    db = made(cluster, "gone", major)
    cluster.sql("SET allow_system_table_mods = on; UPDATE pg_event_trigger SET evtowner = 4242 "
                "WHERE evtname ~ 'Ends'", db)
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "backup", "--quiet")
    assert result.rc == 1 and 'EVENT TRIGGER "Ends ""it" has the owner with OID 4242' in \
        result.stderr and 'ALTER EVENT TRIGGER "Ends ""it" OWNER TO' in result.stderr, result
