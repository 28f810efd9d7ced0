"""What stock tools and servers say: is a backup whole, do two clusters hold the same?"""

import contextlib
import dataclasses
import os
import pathlib
import time

from . import paths, process


def verifybackup(datadir, major, *extra, timeout=600, flavour="debian"):
    """Stock pg_verifybackup on a data directory with a backup_manifest; returns its Result.

    For 13, 14 and 16 the nearest newer one is run, which cannot read that WAL (--no-parse-wal).
    """
    command = [paths.stock("pg_verifybackup", major, flavour), *extra]
    if paths.stock_major(major) != major:
        command.append("--no-parse-wal")
    return process.run([*command, datadir], timeout=timeout)


def amcheck(server, *extra, timeout=600):
    """Checks every B-tree of every database against its table; on 14 and newer heaps as well.

    Returns the Result of the last command run: not ok, and what is wrong in stdout or stderr.
    """
    if server.major >= 14:
        # pg_amcheck needs no --all: a database that allows no connections would be an error.
        databases = [f"--database={_pattern(name)}" for name in server.databases()]
        return server.tool(
            "pg_amcheck", *databases, "--install-missing", "--heapallindexed", "--jobs=2", *extra,
            timeout=timeout, check=False, db="postgres",
        )
    for name in server.databases():
        result = _psql(server, name, _BT_INDEX_CHECK, timeout)
        if not result.ok:
            break
    return result


_BT_INDEX_CHECK = """
CREATE EXTENSION IF NOT EXISTS amcheck;
SELECT bt_index_check(i.indexrelid, true)
FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am am ON am.oid = c.relam
WHERE am.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence <> 't'
    AND i.indisvalid AND i.indisready;
"""


def _psql(server, db, sql, timeout):
    env = {
        "PGHOST": server.socket_dir, "PGPORT": server.port, "PGUSER": server.superuser,
        "PGDATABASE": db,
    }
    command = [paths.stock("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    return process.run(command, input=sql, env=env, timeout=timeout)


def _pattern(name):
    """A database name as psql pattern that matches it alone."""
    return '"' + name.replace('"', '""') + '"'


def table_sums(server, db="postgres", timeout=600):
    """{"schema.table": (rows, sum)} of all user tables, whatever the order of their rows.

    Equal dictionaries mean equal contents. Partitioned parents and foreign tables are left out;
    materialized views are in.
    """
    tables = server.sql(
        """
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
            AND (c.relkind = 'r' OR c.relispopulated)
            AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        ORDER BY 1
        """,
        db,
    )
    if not tables:
        return {}
    # hashtextextended needs a deterministic collation, which "C" is.
    query = " UNION ALL ".join(
        f"""
        SELECT {_literal(name)}, count(*),
            coalesce(sum(hashtextextended("row of it"::text COLLATE "C", 0)), 0)
        FROM ONLY {name} AS "row of it"
        """
        for (name,) in tables
    )
    return {name: (int(count), int(total))
            for name, count, total in server.sql(query, db, timeout=timeout)}


def all_sums(server):
    """{database: table_sums} of every database that allows connections."""
    return {db: table_sums(server, db) for db in server.databases()}


def _literal(text):
    return "'" + text.replace("'", "''") + "'" if "\\" not in text else (
        "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'")


@dataclasses.dataclass
class Sessions:
    """What a client has on a server; false when it has nothing."""

    activity: list  # [pid, application_name, backend_type, state, query]
    locks: list  # [pid, relation or lock type, mode, granted]
    slots: list  # [slot_name, temporary, active_pid, restart_lsn]

    def __bool__(self):
        return bool(self.activity or self.locks or self.slots)


def sessions_of(server, application_name_like="pgcask%", slot_name_like="pgcask%"):
    """The sessions (walsenders too), locks and replication slots of a client."""
    mine = (
        f"a.application_name LIKE {_literal(application_name_like)} AND a.pid <> pg_backend_pid()"
    )
    return Sessions(
        activity=server.sql(f"""
            SELECT a.pid, a.application_name, a.backend_type, a.state, a.query
            FROM pg_stat_activity a WHERE {mine} ORDER BY a.pid
        """),
        locks=server.sql(f"""
            SELECT l.pid, coalesce(l.relation::regclass::text, l.locktype), l.mode, l.granted
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE {mine} AND l.locktype <> 'virtualxid' ORDER BY 1, 2, 3
        """),
        slots=server.sql(f"""
            SELECT slot_name, temporary, active_pid, restart_lsn FROM pg_replication_slots
            WHERE slot_name LIKE {_literal(slot_name_like)} ORDER BY 1
        """),
    )


def wait_for_sessions(server, wanted, timeout=10, **options):
    """Waits until wanted(Sessions) holds; returns them. Raises with the last ones otherwise."""
    end = time.monotonic() + timeout
    while True:
        found = sessions_of(server, **options)
        if wanted(found):
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"after {timeout} s there are {found}")
        time.sleep(0.02)


def wait_for_nothing_left(server, timeout=2, **options):
    """Waits until the client has no session, lock or slot on the server."""
    return wait_for_sessions(server, lambda found: not found, timeout, **options)


def tree(path):
    """{relative path: (kind, mode, size)} of all files and folders below path."""
    found = {}
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            full = pathlib.Path(folder, name)
            status = full.lstat()
            kind = "link" if full.is_symlink() else "dir" if full.is_dir() else "file"
            size = status.st_size if kind == "file" else 0
            found[str(full.relative_to(path))] = (kind, status.st_mode & 0o7777, size)
    return found


def flip_byte(path, offset=None):
    """Inverts one byte of a file, in the middle unless told; returns where."""
    path = pathlib.Path(path)
    with open(path, "r+b") as file:
        if offset is None:
            offset = path.stat().st_size // 2
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0xFF]))
    return offset


@contextlib.contextmanager
def flipped_byte(path, offset=None):
    """flip_byte, undone at the end of the with statement."""
    where = flip_byte(path, offset)
    try:
        yield where
    finally:
        flip_byte(path, where)
