"""Logical backups of what is large: a gigabyte of rows, a value that COPY can just send, thousands of
tables."""

import pytest

from pgcask_testing import builders, logical

MB = 1 << 20

# Nothing but the data's own bytes is written: no WAL of a table that its transaction makes.
LEAN = {"wal_level": "minimal", "max_wal_senders": 0, "max_wal_size": "4GB", "autovacuum": "off"}


def sanitized(path):
    return b"__asan" in path.read_bytes()


def back_up_in_little_memory(pgcask, pgcask_path, server, db, folder, compression):
    """Backup and verify, both in less than 48 MiB; returns the archive."""
    made = pgcask("backup", server.uri(db), "--to", folder, "--compress", compression, "--quiet",
                  timeout=300).check()
    verified = pgcask("verify", folder, "--quiet", timeout=300).check()
    if not sanitized(pgcask_path):
        assert max(made.peak_rss, verified.peak_rss) < 48 * MB, (made.peak_rss, verified.peak_rss)
    (archive,) = folder.glob("*.dump")
    return archive


@pytest.fixture(scope="module")
def lean_server(module_servers):
    server = module_servers.create(18, conf=LEAN)
    yield server
    server.close()


@pytest.mark.majors(18)
def test_a_gigabyte_of_rows_needs_little_memory(pgcask, pgcask_path, lean_server, major, workdir):
    server = lean_server
    logical.run_sql(server, "postgres", "CREATE DATABASE rows")
    builders.big_table(server, mb=1050, db="rows")
    facts = "SELECT count(*), sum(hashtextextended(filler, id)), pg_table_size('big') >= 1 << 30 " \
            "FROM big"
    archive = back_up_in_little_memory(pgcask, pgcask_path, server, "rows", workdir / "b", "gzip")
    logical.create_like(server, "rows", "copy")
    logical.restore(server, archive, "copy", "--single-transaction")
    assert server.sql(facts, "copy") == server.sql(facts, "rows")
    assert server.sql(facts, "copy")[0][2] == "t"
    logical.drop(server, "copy")
    logical.drop(server, "rows")


@pytest.mark.majors(18)
def test_a_value_that_copy_can_just_send_needs_little_memory(
        pgcask, pgcask_path, lean_server, major, workdir):
    """900 MB, 950 with what COPY escapes: rows end at 1 GB. Between two small rows."""
    server = lean_server
    logical.run_sql(server, "postgres", "CREATE DATABASE value")
    logical.run_sql(server, "value", r"""
        CREATE TABLE t (i int, v text);
        ALTER TABLE t ALTER v SET STORAGE EXTERNAL;
        INSERT INTO t VALUES (1, 'before');
        INSERT INTO t SELECT 2, repeat(md5('x') || E'\n\\' || chr(233), 25000000);
        INSERT INTO t VALUES (3, 'after');
    """)
    facts = "SELECT i, length(v), octet_length(v), md5(v) FROM t ORDER BY i"
    before = server.sql(facts, "value")
    assert before[1][2] == "900000000"
    for compression in ("zstd", "none"):
        folder = workdir / compression
        archive = back_up_in_little_memory(pgcask, pgcask_path, server, "value", folder, compression)
        assert logical.summary(folder)["rows"] == 3
    assert archive.stat().st_size > 950 * 1000 * 1000
    logical.create_like(server, "value", "copy")
    logical.restore(server, archive, "copy", "--single-transaction")
    assert server.sql(facts, "copy") == before
    logical.drop(server, "copy")
    logical.drop(server, "value")


# Many tables


def tables(numbers):
    return "BEGIN;" + "".join(f"""
        CREATE TABLE t{i} (id serial PRIMARY KEY, name text NOT NULL DEFAULT 'x',
            n int CHECK (n > 0) {f"REFERENCES t{i - 1}" if i else ""});
        CREATE INDEX ON t{i} (name); COMMENT ON COLUMN t{i}.name IS 'name'; """
                              for i in numbers) + "COMMIT;"


def statements(server, run):
    """Statements that the server was sent while it ran, without those that read one table each."""
    before = len(server.log)
    result = run()
    sent = [line for line in server.log[before:].splitlines() if "LOG:  statement: " in line]
    copies = [line for line in sent if "statement: COPY " in line]
    return result, len(sent) - len(copies), len(copies)


@pytest.mark.majors(17)
def test_ten_times_the_tables_is_ten_times_the_work(pgcask, pgcask_path, servers, major, workdir):
    server = servers.create(major, conf={"log_statement": "all", "autovacuum": "off",
                                         "max_locks_per_transaction": 500})
    measured = {}
    for count in (200, 2000):
        db = f"of {count}"
        logical.run_sql(server, "postgres", f'CREATE DATABASE "{db}"; '
                                            f'ALTER DATABASE "{db}" SET log_statement = none')
        for start in range(0, count, 1000):
            logical.run_sql(server, db, tables(range(start, min(count, start + 1000))))
        logical.run_sql(server, db, "ANALYZE pg_catalog.pg_class; "
                                    "ANALYZE pg_catalog.pg_attribute; "
                                    "ANALYZE pg_catalog.pg_depend; "
                                    "ANALYZE pg_catalog.pg_constraint;")
        logical.run_sql(server, "postgres", f'ALTER DATABASE "{db}" RESET log_statement')
        result, queries, copies = statements(server, lambda: pgcask(
            "backup", server.uri(db), "--to", workdir / db, "--quiet", timeout=300).check())
        assert copies == count
        measured[count] = (result, queries)
    (few, few_queries), (many, many_queries) = measured[200], measured[2000]
    # Tables are locked by hundreds; nothing else is asked for each.
    assert many_queries <= few_queries + 2000 / 200, (few_queries, many_queries)
    if not sanitized(pgcask_path):
        assert many.peak_rss - few.peak_rss < 1800 * 8 * 1024, (few.peak_rss, many.peak_rss)
        # Our own work, not the server's, which others disturb.
        assert many.cpu_time < 25 * max(few.cpu_time, 0.02), (few.cpu_time, many.cpu_time)
