"""Scenarios of logical backups: one small database of a real server.

Status 0 means here that `pgcask verify` accepts the result, that stock pg_restore reads the archive
to its end, and that the SQL it makes of it, data and all, is that of an undisturbed backup.
"""

import hashlib
import json
import pathlib
import re
import shutil
import tarfile
import tempfile

from pgcask_testing import logical, oracles, process, temp

from . import runs
from .real import PASSWORD
from .scenarios import Backup, BackupCase, Verify

DATABASE = "app"
# A key that pg_restore draws by lot for psql, each time.
DRAWN = re.compile(rb"^\\(un)?restrict .*\n", re.MULTILINE)

CONTENT = """
    CREATE SCHEMA "odd 'schema'";
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE SEQUENCE counter START 7;
    SELECT nextval('counter');
    CREATE TABLE customer (
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, feeling mood,
        balance numeric(12, 2) DEFAULT 0, note text, picture bytea, at timestamptz);
    INSERT INTO customer (name, feeling, balance, note, picture, at)
        SELECT 'customer ' || i, (ARRAY['sad', 'ok', NULL, 'happy'])[i % 4 + 1]::mood, i * 1.25,
               repeat(md5(i::text) || E'\\t\\n\\\\', i % 7), decode(md5(i::text), 'hex'),
               '2024-01-01'::timestamptz + i * interval '1 hour'
        FROM generate_series(1, 2500) AS i;
    CREATE TABLE "odd 'schema'"."order" (
        customer int REFERENCES customer, number positive DEFAULT nextval('counter'), day date,
        PRIMARY KEY (number, day)) PARTITION BY RANGE (day);
    CREATE TABLE "odd 'schema'".order_2023 PARTITION OF "odd 'schema'"."order"
        FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
    CREATE TABLE "odd 'schema'".order_2024 PARTITION OF "odd 'schema'"."order"
        FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    INSERT INTO "odd 'schema'"."order" SELECT i, i, '2023-06-01'::date + i % 500
        FROM generate_series(1, 1500) AS i;
    CREATE TABLE large AS SELECT string_agg(md5(i::text), ' ') AS text
        FROM generate_series(1, 3000) AS i;
    CREATE TABLE nothing ();
    CREATE INDEX ON customer (lower(name)) WHERE feeling IS NOT NULL;
    CREATE VIEW happy AS SELECT id, name FROM customer WHERE feeling = 'happy';
    CREATE MATERIALIZED VIEW sums AS SELECT feeling, sum(balance) FROM customer GROUP BY feeling;
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN NEW.at = now(); RETURN NEW; END';
    CREATE TRIGGER touched BEFORE UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION touch();
    COMMENT ON TABLE customer IS 'who pays';
    GRANT SELECT ON ALL TABLES IN SCHEMA public, "odd 'schema'" TO backup;
    GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, "odd 'schema'" TO backup;
    GRANT USAGE ON SCHEMA "odd 'schema'" TO backup;
"""


class LogicalServer:
    """A RealServer seen as its one database."""

    honours_cancel = True

    def __init__(self, real):
        self.real = real
        self.server = real.server
        self.host, self.port, self.tls = real.host, real.port, real.tls
        self.server.sql(f"CREATE DATABASE {DATABASE}")
        self.server.sql(CONTENT, DATABASE)
        # relpages, which manifest.json has, must not change under way.
        self.server.sql("VACUUM ANALYZE", DATABASE)

    def uri(self, host=None, port=None, **parameters):
        parameters.setdefault("sslmode", "require")
        uri = self.server.uri(DATABASE, user="backup", password=PASSWORD, **parameters)
        return uri.replace(f"@127.0.0.1:{self.port}", f"@{host or self.host}:{port or self.port}")

    def leftovers(self, timeout=2):
        return self.real.leftovers(timeout)


class LogicalBackup(Backup):
    """A logical backup of `server`. reference: what facts() gives after a run without faults."""

    result_keys = ("command", "status", "exit_status", "source", "target", "kind", "database",
                   "bytes", "rows", "tables")

    def case(self, folder):
        return LogicalCase(self, folder).begun()

    def learn(self, folder):
        """Backs up once without a fault, to know what is right."""
        case = self.case(folder)
        outcome = runs.execute(case.run)
        assert outcome.rc == 0, outcome.stderr
        self.reference = case.facts()
        case.close()
        return self


class LogicalCase(BackupCase):
    def after_success(self):
        try:
            return super().after_success()
        except process.CommandFailed as error:
            return [f"pg_restore does not accept it: {error}"]

    def contents(self):
        return self.facts()

    def arriving(self, facts):
        """Where it may be damaged on its way in clear, nobody can know what was sent.

        PostgreSQL's protocol has no checksum, and the text of a row no form. What the server says
        of it in other messages is still true: how many rows there were.
        """
        return {} if self.stream_damaged and not self.is_encrypted() else facts

    def is_encrypted(self):
        return self.scenario.parameters.get("sslmode") != "disable"

    def facts(self):
        """{what: value} of all that has to be equal from backup to backup."""
        if self.target.is_dir():
            return self._facts_of(self.target)
        with tempfile.TemporaryDirectory(dir=temp.root()) as unpacked:
            with tarfile.open(self.target) as archive:
                archive.extractall(unpacked)
            return self._facts_of(pathlib.Path(unpacked))

    def _facts_of(self, folder):
        server = self.scenario.server.server
        archive = folder / f"{DATABASE}.dump"
        sql = process.run([logical.stock("pg_restore", server), "-f", "-", archive], timeout=60)
        if sql.check().stderr:
            raise process.CommandFailed(sql)
        summary = json.loads((folder / "summary.json").read_text())
        lines = DRAWN.sub(b"", sql.stdout_bytes).split(b"\n")
        return {
            **{f"line {number}": line[:300] for number, line in enumerate(lines)},
            "sql": hashlib.sha256(b"\n".join(lines)).hexdigest(),
            "files": {path.name for path in folder.iterdir()},
            "globals": (folder / "globals.sql").read_bytes(),
            "entries": logical.contents(server, archive),
            "complete": summary["complete"],
        }


def make(program, server, home, name):
    """{name: scenario} over one LogicalServer; home: a folder for the backups that are verified."""
    made = {}
    for kind, backup, mode, options in (
            ("directory-require", "directory", "require", ()),
            ("directory-disable", "directory", "disable", ("--compress=gzip",)),
            ("in-place-disable", "in-place", "disable", ()),
            ("tar-require", "tar", "require", ("--compress=gzip",)),
            ("tar-disable", "tar", "disable", ()),
            ("pipe-disable", "pipe", "disable", ()),
            ("json-disable", "directory", "disable", ("--json",))):
        full = f"{name}-{kind}"
        made[full] = LogicalBackup(full, program, server, backup, sslmode=mode, connect_timeout=3,
                                   options=("--stall-timeout=1s", *options))
    with runs.folder() as folder:
        first = made[f"{name}-directory-require"].learn(folder)
    for scenario in made.values():
        scenario.reference = first.reference
    for kind, file in (("directory", home / name), ("tar", home / f"{name}.tar")):
        runs.execute(runs.Run([program, "backup", server.uri(), "--to", file, "--quiet"]))
        made[f"{name}-verify-{kind}"] = Verify(f"{name}-verify-{kind}", program, file)
    damaged = home / f"{name}-damaged"
    shutil.copytree(home / name, damaged)
    oracles.flip_byte(damaged / f"{DATABASE}.dump")
    made[f"{name}-verify-damaged"] = Verify(f"{name}-verify-damaged", program, damaged, damaged=True)
    return made
