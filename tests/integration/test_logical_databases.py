"""The database itself in a logical backup, beside what stock tools make of it: how it was created,
its properties, and its settings for all roles and for one."""

import pytest

from pgcask_testing import logical, process

# Options of CREATE DATABASE, by the first version that has them.
MADE = {
    "plain": (13, ""),
    "of alice": (13, "OWNER alice CONNECTION LIMIT 7"),
    "closed": (13, "CONNECTION LIMIT 0"),
    "a template": (13, "IS_TEMPLATE true OWNER bob"),
    "latin": (13, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'POSIX'"),
    "elsewhere": (13, "TABLESPACE \"A tablespace\""),
    "libc": (15, "LOCALE_PROVIDER libc LOCALE 'C'"),
    "icu": (15, "LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk' LOCALE 'C'"),
    "ruled": (16, "LOCALE_PROVIDER icu ICU_LOCALE 'en' ICU_RULES '&a < ''b''' LOCALE 'C'"),
    "builtin": (17, "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"),
    "builtin unicode": (18, "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LOCALE 'C'"),
}
SETTINGS = """
    ALTER DATABASE {name} SET search_path = "$user", "It's ""here"" now", public, pg_catalog;
    ALTER DATABASE {name} SET work_mem = '3MB';
    ALTER DATABASE {name} SET datestyle = 'SQL, DMY';
    ALTER DATABASE {name} SET temp_tablespaces = "A tablespace", '';
    ALTER DATABASE {name} SET session_preload_libraries = 'plpgsql', "$libdir/plpgsql";
    ALTER DATABASE {name} SET application_name = 'it''s "quoted"';
    ALTER DATABASE {name} SET "mine.Some_thing" = 'a, "b"';
    ALTER ROLE alice IN DATABASE {name} SET search_path = '';
    ALTER ROLE alice IN DATABASE {name} SET enable_seqscan = off;
    ALTER ROLE carol IN DATABASE {name} SET log_statement = 'none';
    COMMENT ON DATABASE {name} IS 'it''s
here';
    REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC;
    GRANT CONNECT ON DATABASE {name} TO bob WITH GRANT OPTION;
    GRANT ALL ON DATABASE {name} TO carol;
"""


@pytest.fixture(scope="module")
def cluster(major, module_servers):
    server = module_servers.create(major)
    logical.run_sql(server, "postgres", logical.script("roles"))
    server.sql("SET allow_in_place_tablespaces = on; CREATE TABLESPACE \"A tablespace\" "
               "LOCATION ''")
    yield server
    server.close()


def lines_of(server, archive, path):
    command = [logical.stock("pg_restore", server), "--create", "-f", path, archive]
    process.run(command, timeout=60).check()
    lines = [line for line in path.read_text("utf-8", "surrogateescape").splitlines()
             if "DATABASE" in line and not line.startswith(("-- ", "REVOKE "))]
    # Servers before 15 would refuse what newer tools say of them. A name of two parts is the same
    # whether each is in quotes or both.
    return sorted(line.replace('mine."Some_thing"', '"mine.Some_thing"')
                  .replace(" LOCALE_PROVIDER = libc" if server.major < 15 else "\n", "")
                  for line in lines)


@pytest.mark.parametrize("settings", ["", SETTINGS], ids=["bare", "with settings"])
@pytest.mark.parametrize("made", MADE)
@pytest.mark.sampled
def test_a_database_is_that_of_pg_dump_and_comes_back(pgcask, cluster, major, workdir, made,
                                                      settings):
    since, options = MADE[made]
    if major < since:
        pytest.skip(f"since {since}")
    name = f"D {made} \"it's"
    quoted = '"' + name.replace('"', '""') + '"'
    cluster.sql(f"CREATE DATABASE {quoted} TEMPLATE template0 {options}")
    logical.run_sql(cluster, "postgres", settings.format(name=quoted))
    result = pgcask("backup", cluster.uri(name), "--to", workdir / "b", "--quiet").check()
    assert result.stderr == ""
    (ours,) = (workdir / "b").glob("*.dump")
    theirs = logical.stock_archive(cluster, name, workdir / "theirs")
    assert logical.contents(cluster, ours) == logical.contents(cluster, theirs)
    said = lines_of(cluster, ours, workdir / "ours.sql")
    assert said == lines_of(cluster, theirs, workdir / "theirs.sql")
    facts = logical.database_facts(cluster, name)
    try:
        logical.restore(cluster, ours, "postgres", "--create", "--clean", "--if-exists")
        assert logical.database_facts(cluster, name) == facts
    finally:
        cluster.sql(f"ALTER DATABASE {quoted} IS_TEMPLATE false")
        logical.drop(cluster, name)


def test_a_setting_of_a_role_that_is_gone_is_left_out(pgcask, cluster, workdir):
    """As pg_dump has it: it is nobody's."""
    cluster.sql("CREATE DATABASE orphan; CREATE ROLE passing; "
                "ALTER ROLE passing IN DATABASE orphan SET work_mem = '3MB'; "
                "DELETE FROM pg_shdepend WHERE refobjid = 'passing'::regrole; ")
    oid = cluster.value("SELECT 'passing'::regrole::oid")
    cluster.sql("DROP ROLE passing; SET allow_system_table_mods = on; "
                "INSERT INTO pg_db_role_setting SELECT oid, " + oid + ", '{work_mem=3MB}' "
                "FROM pg_database WHERE datname = 'orphan'")
    archive = logical.back_up(pgcask, cluster, "orphan", workdir / "backup")
    theirs = logical.stock_archive(cluster, "orphan", workdir / "theirs")
    assert logical.contents(cluster, archive) == logical.contents(cluster, theirs)
    logical.drop(cluster, "orphan")
