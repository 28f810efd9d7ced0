"""Scenarios over real servers: TLS, SCRAM, a cluster of some 30 MB with a tablespace."""

import time

from pgcask_testing import builders, oracles, paths, process

from . import runs
from .scenarios import Backup, Restore

PASSWORD = "not to be seen"

# All that somebody may leave at a server. Exported snapshots are files.
LEFTOVERS = """
    WITH ours AS (SELECT * FROM pg_stat_activity
                  WHERE usename = 'backup' OR application_name LIKE 'pgcask%')
    SELECT 'session', pid::text, backend_type, state, left(query, 100) FROM ours
    UNION ALL SELECT 'lock', l.pid::text, l.locktype, l.mode, l.relation::regclass::text
        FROM pg_locks l JOIN ours USING (pid) WHERE l.locktype <> 'virtualxid'
    UNION ALL SELECT 'slot', slot_name, slot_type, '', '' FROM pg_replication_slots
    UNION ALL SELECT 'prepared transaction', gid, '', '', '' FROM pg_prepared_xacts
    UNION ALL SELECT 'snapshot', name, '', '', '' FROM pg_ls_dir('pg_snapshots') AS name
"""


class RealServer:
    """What a scenario asks of a server, answered by a pgcask_testing.servers.Server."""

    honours_cancel = True
    host = "127.0.0.1"
    tls = True

    def __init__(self, server, authority):
        self.server = server
        self.port = server.port
        self._session = None
        authority.enable(server)
        # Roles are part of a logical backup: none comes later.
        server.sql("SET password_encryption = 'scram-sha-256'; CREATE ROLE backup LOGIN REPLICATION "
                   f"PASSWORD '{PASSWORD}'; CREATE ROLE restorer LOGIN SUPERUSER "
                   f"PASSWORD '{PASSWORD}'")
        builders.fill(server, mb=2)
        builders.tablespaces(server, names=["one"])
        server.sql("CHECKPOINT")

    def uri(self, host=None, port=None, **parameters):
        parameters.setdefault("sslmode", "require")
        uri = self.server.binary_uri(user="backup", password=PASSWORD, **parameters)
        return uri.replace(f"@127.0.0.1:{self.port}", f"@{host or self.host}:{port or self.port}")

    def leftovers(self, timeout=2):
        """What is still there after the timeout, as texts. One look takes a millisecond."""
        if self._session is None:
            self._session = self.server.session()
        end = time.monotonic() + timeout
        while (found := self._session.sql(LEFTOVERS)) and time.monotonic() < end:
            time.sleep(0.01)
        return [" ".join(map(str, row)) for row in found]


class RealBackup(Backup):
    """What is accepted by verify is accepted by stock pg_verifybackup, too."""

    def case(self, folder):
        case = super().case(folder)
        ours = case.after_success

        def after_success():
            found = ours()
            if not found and case.target.is_dir():
                stock = oracles.verifybackup(case.target / "data", self.server.server.major)
                if not stock.ok:
                    found.append(f"pg_verifybackup: {stock.stderr}")
            return found

        case.after_success = after_success
        return case


def make(program, server, home, name):
    """{name: scenario} over one RealServer."""
    made = {}
    for kind in ("directory", "tar"):
        for mode in ("require", "disable"):
            made[f"{name}-{kind}-{mode}"] = RealBackup(
                f"{name}-{kind}-{mode}", program, server, kind, sslmode=mode, connect_timeout=3,
                options=("--stall-timeout=2s",))
    made[f"{name}-spread"] = RealBackup(
        f"{name}-spread", program, server, "tar", sslmode="disable", connect_timeout=3,
        options=("--checkpoint=spread",))
    backup = home / name
    runs.execute(runs.Run([program, "backup", server.uri(), "--to", backup, "--quiet"]))
    with runs.folder() as folder:
        made[f"{name}-restore"] = Restore(f"{name}-restore", program, backup).learn(folder)
    return made


def cannot_start(server, datadir):
    """Whether a server refuses to start on a data directory that a restore has not finished."""
    major = server.server.major
    process.give_to_server(datadir, recursive=True)
    started = process.run(
        [paths.server_bin(major) / "postgres", "-D", datadir, "-c", "listen_addresses="],
        user=process.server_user(), timeout=20)
    return started.rc != 0

