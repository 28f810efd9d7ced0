"""Scenarios of logical restores: one small database, out of each form that it may lie in, into a real server.

Status 0 means here that stock pg_dump says of the new database what it says of the one that was
backed up, rows, large objects and all; 3, that not all of it could be restored, and what failed was named.
"""

import contextlib
import itertools

from pgcask_testing import logical, process

from . import runs
from .logical import CONTENT, DRAWN
from .real import PASSWORD
from .scenarios import Case, Scenario

SOURCE = "source"
INTERIM = "pgcask_restore_"  # what a database is called until it gets its own name
OBJECTS = """
    SELECT lo_from_bytea(0, decode(repeat(md5(n::text), n * 20), 'hex')) FROM generate_series(1, 60) n;
    COMMENT ON LARGE OBJECT %s IS 'one of sixty';
    CREATE TABLE again (n int PRIMARY KEY REFERENCES customer, t text);
    INSERT INTO again SELECT n, md5(n::text) FROM generate_series(1, 2000) n;
    CREATE INDEX ON again (t);
"""
OLD = "CREATE TABLE old (n int); INSERT INTO old VALUES (4711);"
ITS_OBJECTS = """
    SELECT (SELECT count(*) FROM pg_class WHERE oid >= 16384) +
           (SELECT count(*) FROM pg_type WHERE oid >= 16384) +
           (SELECT count(*) FROM pg_proc WHERE oid >= 16384) +
           (SELECT count(*) FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_') +
           (SELECT count(*) FROM pg_largeobject_metadata)
"""

_numbers = itertools.count(1)


class TargetServer:
    """A RealServer as what is restored into; its one database SOURCE is what was backed up."""

    honours_cancel = True
    tls = True

    def __init__(self, real):
        self.real = real
        self.server = real.server
        self.host, self.port = real.host, real.port
        self.server.sql(f"CREATE DATABASE {SOURCE}")
        self.server.sql(CONTENT, SOURCE)
        first = self.server.value("SELECT lo_create(0)", SOURCE)
        self.server.sql(OBJECTS % first, SOURCE)
        self.reference = self.dump(SOURCE)

    def uri(self, host=None, port=None, **parameters):
        parameters.setdefault("sslmode", "require")
        uri = self.server.uri("postgres", user="restorer", password=PASSWORD, **parameters)
        return uri.replace(f"@127.0.0.1:{self.port}", f"@{host or self.host}:{port or self.port}")

    def leftovers(self, timeout=3):
        return self.real.leftovers(timeout)

    def dump(self, db):
        """Sorted lines of stock pg_dump: what is in a database, in whatever order its rows lie."""
        result = process.run([logical.stock("pg_dump", self.server)],
                             env=logical._environment(self.server, db), timeout=60)
        return sorted(DRAWN.sub(b"", result.check().stdout_bytes).split(b"\n"))

    def databases(self):
        return {name for (name,) in self.server.sql("SELECT datname FROM pg_database")}

    def drop(self, db):
        quoted = db.replace('"', '""')
        self.server.sql(f'DROP DATABASE IF EXISTS "{quoted}" WITH (FORCE)')


class IntoServer(Scenario):
    """Restores `archive` into a database of its own of `server`.

    kind        empty: into a database that is there and holds nothing
                create: into one that it makes (--create-db)
                replace: in the place of one that holds something else (--recreate)
    whole       all or nothing (--single-transaction)
    """

    def __init__(self, name, program, server, archive, kind="empty", options=(), stdin=False,
                 **parameters):
        super().__init__(name, program)
        self.server = server
        self.archive = archive
        self.kind = kind
        self.options = options
        self.stdin = stdin
        self.parameters = parameters
        self.whole = "--single-transaction" in options

    def case(self, folder):
        return IntoCase(self, folder).begun()


class IntoCase(Case):
    failures_are_named = True  # status 3 is one of its own

    def __init__(self, scenario, folder):
        super().__init__(scenario, folder)
        server = scenario.server
        self.database = f'the "new" one {next(_numbers)}'
        self.server_before = server.databases()
        if scenario.kind != "create":
            self._make_database()
        (folder / "spool").mkdir()
        self.run = runs.Run(self.words(), stdin=scenario.archive if scenario.stdin else None)

    def _make_database(self):
        server, quoted = self.scenario.server, self.database.replace('"', '""')
        server.server.sql(f'CREATE DATABASE "{quoted}" TEMPLATE template0')
        if self.scenario.kind == "replace":
            server.server.sql(OLD, self.database)

    def words(self, *more):
        scenario = self.scenario
        how = {"empty": (), "create": ("--create-db",), "replace": ("--recreate",)}[scenario.kind]
        return [scenario.program, "restore", "-" if scenario.stdin else scenario.archive,
                "--to", scenario.server.uri(**scenario.parameters), "--database", self.database,
                "--spool-dir", self.folder / "spool", "--quiet", *how, *scenario.options, *more]

    def room_taken(self):
        return int(self.scenario.server.server.value("SELECT pg_database_size(current_database())",
                                                     self.database))

    @contextlib.contextmanager
    def moved_to(self, folder):
        """Its database has its files there meanwhile; what is there is judged afterwards."""
        server, quoted = self.scenario.server.server, self.database.replace('"', '""')
        space = f"space_{next(_numbers)}"
        server.sql(f"CREATE TABLESPACE {space} LOCATION '{folder}'")
        server.sql(f'ALTER DATABASE "{quoted}" SET TABLESPACE {space}')
        try:
            yield
        finally:
            self.look_at_server()
            server.sql(f'ALTER DATABASE "{quoted}" SET TABLESPACE pg_default')
            server.sql(f"DROP TABLESPACE {space}")

    # ---- What is there -------------------------------------------------------------------------

    def is_there(self):
        return self.database in self.scenario.server.databases()

    def is_empty(self):
        return self.scenario.server.server.value(ITS_OBJECTS, self.database) == "0"

    def is_old(self):
        return self.scenario.server.server.sql(
            "SELECT relname FROM pg_class WHERE oid >= 16384 AND relkind = 'r'",
            self.database) == [["old"]]

    def differences(self):
        reference = self.scenario.server.reference
        found = self.scenario.server.dump(self.database)
        if found == reference:
            return []
        left, right = set(reference), set(found)
        return [f"{len(reference)} lines of pg_dump / {len(found)}",
                *(f"missing: {line[:200]!r}" for line in sorted(left - right)[:5]),
                *(f"too much: {line[:200]!r}" for line in sorted(right - left)[:5])]

    def interim(self):
        now = self.scenario.server.databases()
        return {name for name in now - self.server_before if name.startswith(INTERIM)}

    # ---- What must hold ------------------------------------------------------------------------

    def after_success(self):
        if not self.is_there():
            return ["the database is not there"]
        found = self.differences()
        # What arrives in clear has no checksum: nobody can know what was sent.
        if self.stream_damaged and self.scenario.parameters.get("sslmode") == "disable":
            found = []
        return found + self._what_is_not_its_own(told="")

    def after_some_failed(self):
        """What failed was named; what did not is there."""
        found = self._what_is_not_its_own(told="")
        if self.scenario.whole:
            found.append("status 3 of what is all or nothing")
        if not self.is_there():
            found.append("the database is not there")
        return found

    def after_failure(self):
        return self._what_is_not_its_own(self.outcome.stderr) + self._half(self.outcome.stderr)

    def after_kill(self):
        """The next restore makes it whole, or says what is in the way."""
        found = super().after_failure() + self._half("")
        again = runs.execute(runs.Run(self.words(), stdin=self.run.stdin))
        if again.rc == 0:
            return found + self.differences()
        if again.rc != 1 or "hint: " not in again.stderr:
            found.append(f"the next restore says nothing clear: {again.rc} {again.stderr}")
        return found

    def _what_is_not_its_own(self, told):
        """Files, and databases that have the name that nobody gave them."""
        found = super().after_failure()
        return found + [f"a database {name} is left" for name in self.interim() if name not in told]

    def _half(self, told):
        """No database is lost, and none has the name of what it is only a part of.

        What is made here gets its name when it is complete; into one that is there all or nothing goes where that
        was asked for.
        """
        scenario = self.scenario
        if not self.is_there():
            lost = scenario.kind != "create" and not (self.interim() and INTERIM in told)
            return ["the database is lost"] if lost else []
        if scenario.kind == "empty" and (not scenario.whole or self.is_empty()):
            return []
        if scenario.kind == "replace" and self.is_old():
            return []
        return [f"half of it is there: {text}" for text in self.differences()]

    def close(self):
        for name in {self.database, *self.interim()}:
            self.scenario.server.drop(name)
        super().close()


# ---- What there is to restore ---------------------------------------------------------------------


def _archives(program, server, home):
    """{form: path} of one database, as we and as stock pg_dump write it."""
    source = server.server.uri(SOURCE)
    made = {}
    for form in ("classic", "numbered", "tables"):
        made[form] = home / form
        done = runs.execute(runs.Run([program, "backup", source, "--to", made[form], "--layout", form,
                                      "--quiet"]))
        assert done.rc == 0, done.stderr
    done = runs.execute(runs.Run([program, "backup", source, "--to", home / "backup.tar", "--quiet"]))
    assert done.rc == 0, done.stderr
    made["backup.tar"] = home / "backup.tar"
    for form, option in (("custom", "-Fc"), ("folder", "-Fd"), ("tar", "-Ft"), ("script", "-Fp")):
        made[form] = home / (form + (".sql" if form == "script" else ".dump"))
        process.run([logical.stock("pg_dump", server.server), option, "-f", made[form]],
                    env=logical._environment(server.server, SOURCE), timeout=60).check()
    return made


# name: (form, kind, options, stdin, sslmode)
KINDS = {
    "custom": ("custom", "empty", (), False, "require"),
    "custom-jobs": ("custom", "create", ("--jobs=4",), False, "disable"),
    "custom-whole": ("custom", "empty", ("--single-transaction",), False, "disable"),
    "custom-replace": ("custom", "replace", ("--jobs=1",), False, "disable"),
    "folder-jobs": ("folder", "empty", ("--jobs=4",), False, "disable"),
    "stream": ("custom", "create", (), True, "disable"),
    "stream-jobs": ("custom", "empty", ("--jobs=3",), True, "disable"),
    "stream-whole": ("custom", "replace", ("--single-transaction",), True, "require"),
    "tar-whole": ("tar", "create", ("--single-transaction",), False, "disable"),
    "script": ("script", "empty", (), False, "disable"),
    "script-whole": ("script", "empty", ("--single-transaction",), False, "require"),
    "classic": ("classic", "create", (), False, "require"),
    "classic-replace": ("classic", "replace", ("--jobs=4",), False, "disable"),
    "numbered": ("numbered", "empty", ("--jobs=1",), False, "disable"),
    "tables": ("tables", "create", (), False, "disable"),
    "backup-stream": ("backup.tar", "create", (), True, "disable"),
}


def make(program, server, home, name):
    """{name: scenario} over one TargetServer; home: a folder for what is restored."""
    archives = _archives(program, server, home)
    return {f"{name}-{kind}": IntoServer(
        f"{name}-{kind}", program, server, archives[form], how, options, stdin, sslmode=sslmode,
        connect_timeout=3) for kind, (form, how, options, stdin, sslmode) in KINDS.items()}
