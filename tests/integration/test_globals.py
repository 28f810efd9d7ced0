"""What belongs to a cluster comes back from globals.sql by stock psql: stock pg_dumpall -g says the
same of the source and of an empty cluster that it ran in."""

import collections
import json
import re

import pytest

from pgcask_testing import logical, paths, process
from pgcask_testing.logical import run_sql

CONF = {"allow_in_place_tablespaces": "on"}  # those that lie in the data directory

GLOBALS = r"""
    CREATE ROLE "Plain one";
    CREATE ROLE everything SUPERUSER CREATEDB CREATEROLE LOGIN REPLICATION BYPASSRLS NOINHERIT
        CONNECTION LIMIT 7 PASSWORD 'it''s "secret"' VALID UNTIL '2044-05-06 07:08:09.123+00';
    CREATE ROLE for_ever LOGIN PASSWORD 'x' VALID UNTIL 'infinity';
    CREATE ROLE "quote'd ""name"" \ /and=more";
    CREATE ROLE "-dash" LOGIN;
    CREATE ROLE "ÄÖÜ ünïcode 63 bytes long äöüäöüäöüäöüäöüäöüä";
    COMMENT ON ROLE "Plain one" IS E'it''s \\ of\ntwo lines';
    ALTER ROLE ALL SET work_mem = '5MB';
    ALTER ROLE "Plain one" SET search_path = "$user", public, "A b";
    ALTER ROLE "Plain one" SET datestyle = 'ISO, DMY';
    ALTER ROLE everything SET default_transaction_read_only = on;
    ALTER ROLE everything SET local_preload_libraries = 'a b', '"c"';
    ALTER ROLE "quote'd ""name"" \ /and=more" SET application_name = 'it''s \ "so"';
    ALTER ROLE "-dash" SET "my.own" = 'x';
    GRANT pg_monitor TO "Plain one";
    GRANT "Plain one" TO everything WITH ADMIN OPTION;
    GRANT "Plain one" TO "-dash";
    CREATE TABLESPACE "Fast one" OWNER "Plain one" LOCATION '' WITH (random_page_cost = 1.5);
    CREATE TABLESPACE slow LOCATION '';
    ALTER TABLESPACE slow SET (seq_page_cost = 3, effective_io_concurrency = 4);
    COMMENT ON TABLESPACE slow IS 'it''s slow';
    GRANT CREATE ON TABLESPACE slow TO PUBLIC, "-dash" WITH GRANT OPTION;
    GRANT CREATE ON TABLESPACE "Fast one" TO "quote'd ""name"" \ /and=more";
"""
NOT_TO_PUBLIC = "TO PUBLIC, \"-dash\" WITH GRANT OPTION"
# Up to 15 anybody may stand there, who need not have had the role.
UNTIL_15 = r"""
    GRANT for_ever TO "-dash" GRANTED BY "quote'd ""name"" \ /and=more";
    GRANT everything TO "ÄÖÜ ünïcode 63 bytes long äöüäöüäöüäöüäöüäöüä" WITH ADMIN OPTION
        GRANTED BY for_ever;
"""
SINCE = {
    15: """GRANT SET, ALTER SYSTEM ON PARAMETER log_statement TO "Plain one" WITH GRANT OPTION;
           GRANT SET ON PARAMETER "my.own" TO "-dash";""",
    16: """GRANT for_ever TO "Plain one" WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;
           GRANT for_ever TO "-dash" WITH INHERIT TRUE, SET FALSE;""",
}

# Whoever grants was granted before; the names say the opposite order.
CHAIN = """
    CREATE ROLE room;
    CREATE ROLE z_first; CREATE ROLE y_second; CREATE ROLE x_third; CREATE ROLE a_last;
    GRANT room TO z_first WITH ADMIN OPTION;
    GRANT room TO y_second WITH ADMIN OPTION GRANTED BY z_first;
    GRANT room TO x_third WITH ADMIN OPTION GRANTED BY y_second;
    GRANT room TO a_last WITH ADMIN OPTION GRANTED BY x_third;
    GRANT room TO y_second WITH INHERIT FALSE GRANTED BY a_last;
    CREATE ROLE hall; GRANT hall TO room WITH ADMIN OPTION;
    GRANT hall TO a_last GRANTED BY room;
"""


@pytest.fixture(scope="module")
def clusters(major, module_servers):
    """The source and an empty one."""
    source, target = (module_servers.create(major, conf=CONF) for _ in range(2))
    text = GLOBALS.replace(NOT_TO_PUBLIC, 'TO "-dash" WITH GRANT OPTION')
    run_sql(source, "postgres", text + 'GRANT CREATE ON TABLESPACE slow TO PUBLIC;')
    for since, more in SINCE.items():
        if major >= since:
            run_sql(source, "postgres", more)
    run_sql(source, "postgres", CHAIN if major >= 16 else UNTIL_15)
    yield source, target
    source.close()
    target.close()


def globals_of(server):
    """What pg_dumpall -g says, with who granted each membership; newer ones do not say that of
    servers up to 15, so that the server itself is asked, too."""
    return logical.dump_all(server, "-g") + sorted(server.sql(
        "SELECT roleid::regrole, member::regrole, grantor::regrole, admin_option "
        "FROM pg_auth_members"))


def test_globals_come_back_by_psql(pgcask, clusters, major, workdir):
    source, target = clusters
    pgcask("backup", source.uri("postgres"), "--to", workdir / "x").check()
    path = workdir / "x/globals.sql"
    assert logical.run_all_sql(target, path) == []
    assert globals_of(source) == globals_of(target)
    assert not re.search(rb"^\\", path.read_bytes(), re.M), "a meta-command"
    assert json.loads((workdir / "x/manifest.json").read_text())["verifiers"] is True


def test_the_layouts_and_all_sql_have_the_same_globals(pgcask, clusters, major, workdir):
    source, _ = clusters
    pgcask("backup", source.uri("postgres"), "--to", workdir / "x").check()
    pgcask("backup", source.uri(None), "--to", workdir / "y", "--layout", "numbered").check()
    pgcask("backup", source.uri(None), "--to", workdir / "z").check()
    text = (workdir / "x/globals.sql").read_text()
    assert (workdir / "y/00000-globals.sql").read_text() == text
    begin, end = (f"--\n-- PostgreSQL database cluster dump{more}\n--\n\n"
                  for more in ("", " complete"))
    assert text.startswith(begin) and text.endswith(end)
    everything = (workdir / "z/all.sql").read_text()
    assert text.removeprefix(begin).removesuffix(end) in everything
    # Cut off behind the globals it is not whole.
    assert everything.startswith(begin) and everything.count(end) == 1


@pytest.mark.majors(16, 17, 18)
def test_who_grants_a_membership_was_granted_it_before(pgcask, clusters, major, workdir):
    source, _ = clusters
    pgcask("backup", source.uri("postgres"), "--to", workdir / "x").check()
    grants = re.findall(r"^GRANT (\w+) TO (\w+) WITH (.*) GRANTED BY (\w+);$",
                        (workdir / "x/globals.sql").read_text(), re.M)
    may_grant = {}
    for role, member, options, grantor in grants:
        assert grantor == source.superuser or grantor in may_grant.get(role, ()), (role, member)
        if "ADMIN OPTION" in options:
            may_grant.setdefault(role, set()).add(member)
    assert len([grant for grant in grants if grant[0] == "room"]) == 5


def errors_of(server, script, user):
    """What psql as that role says of a script, without where: ours has other lines."""
    env = {**logical._environment(server, "postgres"), "PGUSER": user, "PGCLIENTENCODING": None}
    told = process.run([paths.stock("psql"), "-Xq", "-f", script], env=env, timeout=60).stderr
    return collections.Counter(re.sub(r"^psql:.*?:\d+: ", "", line) for line in told.splitlines()
                               if "ERROR: " in line and '"postgres" already exists' not in line)


@pytest.mark.majors(13, 15)
@pytest.mark.parametrize("later", [16, 18])
@pytest.mark.parametrize("user", ["postgres", "restores"])
def test_globals_go_into_later_servers(pgcask, clusters, servers, major, workdir, later, user):
    """Nothing fails but what fails of pg_dumpall's, too, and every membership is there."""
    source, _ = clusters
    pgcask("backup", source.uri("postgres"), "--to", workdir / "x").check()
    theirs = workdir / "theirs.sql"
    theirs.write_text("\n".join(logical.dump_all(source, "-g")))
    said, members = [], []
    for script in (workdir / "x/globals.sql", theirs):
        target = servers.create(later, conf=CONF)
        target.sql("CREATE ROLE restores LOGIN CREATEROLE")
        said.append(errors_of(target, script, user))
        members.append({tuple(row) for row in target.sql(
            "SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members "
            "WHERE grantor <> 'postgres'::regrole OR member <> 'restores'::regrole")})
        target.close()
    # pg_dumpall leaves settings of all roles out.
    of_all = collections.Counter({"ERROR:  permission denied to alter setting": user == "restores"})
    assert said[0] - said[1] - of_all == collections.Counter()
    assert members[0] >= members[1]
    if user == "postgres":
        assert said[0] == collections.Counter()
        assert members[0] >= {tuple(row) for row in source.sql(
            "SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members")}


# ---- What is asked of catalogs that nobody should write


UNSAFE = "SET allow_system_table_mods = on;"


@pytest.mark.majors(13, 16, 18)
def test_labels_are_those_that_pg_dumpall_writes(pgcask, clusters, major, workdir):
    source, _ = clusters
    run_sql(source, "postgres", UNSAFE + """
        INSERT INTO pg_shseclabel (objoid, classoid, provider, label)
        SELECT oid, 'pg_authid'::regclass, 'Pro "vider', 'it''s \\ a label' FROM pg_authid
            WHERE rolname IN ('Plain one', '-dash')
        UNION ALL
        SELECT oid, 'pg_tablespace'::regclass, 'plain', 'slow' FROM pg_tablespace
            WHERE spcname = 'slow';
    """)
    try:
        pgcask("backup", source.uri("postgres"), "--to", workdir / "x").check()
        theirs = sorted(line for line in logical.dump_all(source, "-g")
                        if line.startswith("SECURITY LABEL"))
    finally:
        run_sql(source, "postgres", UNSAFE + "DELETE FROM pg_shseclabel;")
    ours = sorted(line for line in (workdir / "x/globals.sql").read_text().splitlines()
                  if line.startswith("SECURITY LABEL"))
    assert ours == theirs and len(ours) == 3


@pytest.mark.majors(16, 18)
def test_a_membership_whose_grantor_could_not_grant_it_comes_without(pgcask, clusters, major,
                                                                     workdir):
    source, _ = clusters
    run_sql(source, "postgres", UNSAFE + """
        UPDATE pg_auth_members SET grantor = (SELECT oid FROM pg_authid WHERE rolname = 'for_ever')
        WHERE roleid = 'hall'::regrole AND member = 'a_last'::regrole;
    """)
    try:
        result = pgcask("backup", source.uri("postgres"), "--to", workdir / "x").check()
    finally:
        run_sql(source, "postgres", UNSAFE + """
            UPDATE pg_auth_members SET grantor = 'room'::regrole
            WHERE roleid = 'hall'::regrole AND member = 'a_last'::regrole;
        """)
    assert "the membership of a_last in hall comes without who granted it: for_ever" in \
        result.stderr
    assert "GRANT hall TO a_last WITH INHERIT TRUE;" in (workdir / "x/globals.sql").read_text()
    line = "the membership of a_last in hall comes without who granted it: for_ever had no ADMIN OPTION"
    assert line in json.loads((workdir / "x/manifest.json").read_text())["left_out"]
    assert line in json.loads((workdir / "x/summary.json").read_text())["warnings"]


@pytest.mark.majors(13, 18)
def test_verifiers_that_may_not_be_read_are_left_out_with_one_warning(pgcask, clusters, major,
                                                                      workdir):
    source, _ = clusters
    run_sql(source, "postgres", """
        DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN;
        DROP DATABASE IF EXISTS readers; CREATE DATABASE readers OWNER reader;
    """)
    result = pgcask("backup", source.uri("readers", user="reader"), "--to", workdir / "x").check()
    assert result.stderr.count("passwords") == 1, result
    text = (workdir / "x/globals.sql").read_text()
    assert "PASSWORD" not in text and "CREATE ROLE everything;" in text
    assert json.loads((workdir / "x/manifest.json").read_text())["verifiers"] is False
    assert "passwords" in " ".join(logical.summary(workdir / "x")["warnings"])
    run_sql(source, "postgres", "DROP DATABASE readers; DROP ROLE reader;")
