"""What roles and databases are configured with keeps no restore from being right: each session
begins with settings of its own."""

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster  # noqa: F401: a fixture

pytestmark = pytest.mark.sampled

SETTINGS = {
    "role": "powerless", "quote_all_identifiers": "on", "default_transaction_read_only": "on",
    "statement_timeout": "1min", "lock_timeout": "1min", "array_nulls": "off",
    "idle_in_transaction_session_timeout": "1min", "DateStyle": "German", "IntervalStyle": "iso_8601",
    "idle_session_timeout": "1min", "transaction_timeout": "1min",
}
SINCE = {"idle_session_timeout": 14, "transaction_timeout": 17}
# The materialized view is filled by the session that restores.
SCRIPT = """
    CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10);
    CREATE VIEW v AS SELECT n FROM t;
    CREATE MATERIALIZED VIEW found AS SELECT name, setting FROM pg_settings
        WHERE name ~ 'timeout|quote_all|read_only|array_nulls|Style$';
"""


@pytest.fixture
def configured(cluster, major):
    """What takes settings, as "ROLE settled" does: each is given all of them, and loses them."""
    logical.run_sql(cluster, "postgres", """
        DROP ROLE IF EXISTS powerless; CREATE ROLE powerless;
        DROP ROLE IF EXISTS settled; CREATE ROLE settled SUPERUSER LOGIN;""")
    given = []

    def give(what):
        given.append(what)
        logical.run_sql(cluster, "postgres", "".join(
            f"ALTER {what} SET {name} = '{value}';" for name, value in SETTINGS.items()
            if major >= SINCE.get(name, 0)))

    yield give
    logical.run_sql(cluster, "postgres", "".join(f"ALTER {what} RESET ALL;" for what in given))
    logical.run_sql(cluster, "postgres", "DROP ROLE settled; DROP ROLE powerless;")


@pytest.mark.parametrize("what", ["ROLE settled", "DATABASE target"])
def test_each_session_has_its_own(pgcask, cluster, workdir, configured, what):
    logical.make(cluster, "source", SCRIPT)
    archive = logical.back_up(pgcask, cluster, "source", workdir / "b")
    logical.make(cluster, "target")
    configured(what)
    target = cluster.uri("target", user="settled")
    for words in ([], ["--clean"], ["--recreate"]):
        result = pgcask("restore", archive, "--to", target, "--quiet", *words)
        assert result.rc == 0 and result.stderr == "", (words, result)
        found = logical.run_sql(cluster, "target", """
            SET ROLE NONE;
            SELECT count(*), (SELECT count(*) FROM v) FROM found
            WHERE setting NOT IN ('0', 'off', 'postgres', 'ISO, MDY', 'ISO, DMY')
              AND name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout',
                           'idle_in_transaction_session_timeout', 'idle_session_timeout',
                           'quote_all_identifiers', 'default_transaction_read_only', 'DateStyle',
                           'IntervalStyle')
               OR name = 'array_nulls' AND setting = 'off'""")
        assert found.strip() == b"0|10", (words, found)
