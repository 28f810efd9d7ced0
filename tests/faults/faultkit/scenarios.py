"""What is run, and what must hold after it. No scenario knows what faults there are.

A scenario makes a Case for each run: a folder of its own, the Run, and three judgements (each a
list of what is wrong):

    after_success()   the result is what it says it is
    after_failure()   nothing was left behind, what was there before is as before
    after_kill()      what is left is not taken for a result, and does not stand in the way
"""

import json
import pathlib
import shutil
import tarfile
import tempfile

from pgcask_testing import temp

from . import runs, trees



class Case:
    """One run of a scenario in a folder that is empty but for what the scenario put there."""

    failures_are_named = False  # whether it may end with status 3, and has after_some_failed()

    def __init__(self, scenario, folder):
        self.scenario = scenario
        self.folder = folder
        self.target = folder / "target"
        self.run = runs.Run([])
        self.before = {}
        self.outcome = None
        self.left_at_server = None
        self.stream_damaged = False  # what arrived may be wrong without anybody's fault
        self.memory_short = False  # so short that even a result may not be told
        self.remains_told = False  # a failure to clean up was possible, and said so

    def begun(self):
        self.before = trees.snapshot(self.folder)
        return self

    def after_failure(self):
        changed = trees.differences(self.before, trees.snapshot(self.folder))
        return [f"left behind (before / after): {text}" for text in changed]

    @property
    def must_fail(self):
        return getattr(self.scenario, "damaged", False)

    @property
    def looks_at_server_at_once(self):
        """Whether cancel requests are enough for the server; one that does not know them has to see
        its connections end."""
        return getattr(getattr(self.scenario, "server", None), "honours_cancel", False)

    def look_at_server(self):
        """Notes what is left there: sessions, slots. Only the first look counts."""
        server = getattr(self.scenario, "server", None)
        if self.left_at_server is None:
            self.left_at_server = server.leftovers() if server else []

    def aim(self, host, port):
        """Changes the run to reach its server there."""
        scenario = self.scenario
        old = scenario.server.uri(**scenario.parameters)
        new = scenario.server.uri(host=host, port=port, **scenario.parameters)
        self.run.args = [new if word == old else word for word in self.run.args]

    def pgcask(self, *args, **options):
        return runs.execute(runs.Run([self.scenario.program, *args, "--quiet"], **options))

    def close(self):
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


class Scenario:
    """program: the path of pgcask. Subclasses say what case() is."""

    def __init__(self, name, program):
        self.name = name
        self.program = program

    def case(self, folder):
        raise NotImplementedError

    def __repr__(self):
        return self.name


# What a run says whose result could not be written either.
UNTOLD = "cannot write the result to standard output"


# ---- Backup ---------------------------------------------------------------------------------------


class Backup(Scenario):
    """A physical backup of `server`, which has uri() and leftovers().

    kind        directory, in-place (into a folder that is there), tar, pipe
    reference   contents that a backup's /data and /tablespaces must have, or None
    options     more words of the command line; parameters go into the URI
    """

    # Some of what a script would look for in the result of --json.
    result_keys = ("command", "status", "exit_status", "source", "target", "kind", "bytes", "files",
                   "system_identifier", "start_lsn", "stop_lsn")

    def __init__(self, name, program, server, kind, reference=None, options=(), **parameters):
        super().__init__(name, program)
        self.server = server
        self.kind = kind
        self.reference = reference
        self.options = options
        self.parameters = parameters

    def case(self, folder):
        return BackupCase(self, folder).begun()


class BackupCase(Case):
    def __init__(self, scenario, folder):
        super().__init__(scenario, folder)
        place = self.target
        if scenario.kind in ("tar", "pipe"):
            self.target = place = folder / "target.tar"
        if scenario.kind == "in-place":
            self.target.mkdir(mode=0o755)
        self.run = runs.Run(self.words("-" if scenario.kind == "pipe" else place))
        if scenario.kind == "pipe":
            # Whoever reads the pipe makes this file; it is none of the program's.
            self.target = temp.root() / f"{folder.name}.pipe.tar"
            self.run.stdout = self.target

    def words(self, to):
        scenario = self.scenario
        return [scenario.program, "backup", scenario.server.uri(**scenario.parameters), "--to", to,
                "--quiet", *scenario.options]

    def after_success(self):
        verified = self.pgcask("verify", self.target)
        if verified.rc != 0:
            return [f"verify does not accept it: {verified.stderr}"]
        partial = [path.name for path in self.folder.iterdir() if path != self.target]
        found = [f"beside the backup there is {name}" for name in partial]
        if self.outcome is not None and self.outcome.rc == 0:
            found += self.result()
        if self.scenario.reference is not None:
            found += trees.differences(self.arriving(self.scenario.reference),
                                       self.arriving(self.contents()))
        return found

    def arriving(self, contents):
        """Without WAL where it may be damaged on its way: a server has no checksum for that."""
        if not self.stream_damaged or self.scenario.server.tls:
            return contents
        return {name: what for name, what in contents.items() if "/pg_wal/" not in name}

    def result(self):
        """With --json: what is wrong with the object that the run has printed."""
        if "--json" not in self.scenario.options or self.outcome is None:
            return []
        untold = self.memory_short or self.outcome.rc < 0 or (
            self.outcome.rc and UNTOLD in self.outcome.stderr)
        if not self.outcome.stdout and untold:
            return []
        try:
            given = json.loads(self.outcome.stdout)
        except ValueError as error:
            return [f"its standard output is no JSON: {error}"]
        if given.get("status") != ("failed" if self.outcome.rc else "complete"):
            return [f"the JSON says: status {given.get('status')}"]
        missing = [name for name in self.scenario.result_keys if name not in given]
        return [f"the JSON has no {name}" for name in missing] if self.outcome.rc == 0 else []

    def after_failure(self):
        """A backup that is complete may stay, if only the telling of it failed."""
        untold = "standard output" in self.outcome.stderr or (
            "--json" in self.scenario.options and self.memory_short)
        if untold and self.target.exists():
            return self.after_success()
        return super().after_failure() + self.result()

    def contents(self):
        """What the backup holds of the cluster, without what differs from backup to backup."""
        if self.target.is_dir():
            return cluster_contents(self.target)
        with tempfile.TemporaryDirectory(dir=temp.root()) as unpacked:
            with tarfile.open(self.target) as archive:
                archive.extractall(unpacked)
            return cluster_contents(pathlib.Path(unpacked))

    def after_kill(self):
        found = []
        if self.target.exists() and self.scenario.kind != "pipe" and any_entry(self.target) and \
                self.pgcask("verify", self.target).rc == 0:
            return self.after_success()
        if self.scenario.kind == "pipe":
            return found
        again = runs.execute(runs.Run(self.words(self.target)))
        if again.rc == 0:
            return self.after_success()
        if again.rc != 1 or "pgcask: error: " not in again.stderr or "hint: " not in again.stderr:
            found.append(f"the next backup says nothing clear: {again.rc} {again.stderr}")
        return found

    def close(self):
        super().close()
        self.target.unlink(missing_ok=True) if self.scenario.kind == "pipe" else None


def any_entry(path):
    return not path.is_dir() or any(path.iterdir())


def cluster_contents(backup):
    """{path: what it is} of /data and /tablespaces of an unpacked backup."""
    found = {}
    for name in ("data", "tablespaces"):
        found.update((f"{name}/{path}", what)
                     for path, what in trees.snapshot(backup / name).items())
    # Written by the server anew for each backup, and checked by verify.
    anew = ("data/backup_manifest", "data/backup_label")
    return {path: what for path, what in found.items() if not path.startswith(anew)}


class Ping(Scenario):
    """pgcask ping: only a connection. Nothing is made, so success needs no proof."""

    def __init__(self, name, program, server, **parameters):
        super().__init__(name, program)
        self.server = server
        self.parameters = parameters

    def case(self, folder):
        case = PingCase(self, folder)
        case.run = runs.Run([self.program, "ping", self.server.uri(**self.parameters), "--quiet"])
        return case.begun()


class PingCase(Case):
    def after_success(self):
        return self.after_failure()

    def after_kill(self):
        return self.after_failure()


# ---- Verify ---------------------------------------------------------------------------------------


class Verify(Scenario):
    """Verifies `backup`, a directory or a tar; one that is whole unless damaged."""

    def __init__(self, name, program, backup, damaged=False, stdin=False):
        super().__init__(name, program)
        self.backup = pathlib.Path(backup)
        self.damaged = damaged
        self.stdin = stdin

    def case(self, folder):
        case = VerifyCase(self, folder)
        case.run = runs.Run([self.program, "verify", "-" if self.stdin else self.backup, "--quiet"],
                            stdin=self.backup if self.stdin else None)
        return case.begun()


class VerifyCase(Case):
    def after_success(self):
        if self.scenario.damaged:
            return ["a damaged backup was accepted"]
        return self.after_failure()

    def after_kill(self):
        return self.after_failure()


# ---- Restore --------------------------------------------------------------------------------------


class Restore(Scenario):
    """Restores `backup`. reference: what restored_tree() gives after a run without faults.

    kind: absent, in-place, replace (of the cluster in the folder `old`), stdin
    """

    def __init__(self, name, program, backup, kind="absent", old=None, damaged=False):
        super().__init__(name, program)
        self.backup = pathlib.Path(backup)
        self.kind = kind
        self.old = old
        self.damaged = damaged
        self.reference = None

    def learn(self, folder):
        """Restores once without a fault, to know what is right."""
        case = self.case(folder)
        outcome = runs.execute(case.run)
        assert outcome.rc == 0, outcome.stderr
        self.reference = case.restored_tree()
        case.close()
        return self

    def case(self, folder):
        return RestoreCase(self, folder).begun()


class RestoreCase(Case):
    def __init__(self, scenario, folder):
        super().__init__(scenario, folder)
        stdin = scenario.kind == "stdin"
        words = [scenario.program, "restore", "-" if stdin else scenario.backup, "--to",
                 self.target, "--quiet"]
        if scenario.kind == "in-place":
            self.target.mkdir(mode=0o700)
        if scenario.kind == "replace":
            # The folder holds the data directory and its tablespaces, with links of its own path.
            for name in scenario.old.iterdir():
                shutil.copytree(name, folder / name.name, symlinks=True)
            self._point_links()
            words.append("--replace")
        self.run = runs.Run(words, stdin=scenario.backup if stdin else None)

    def _point_links(self):
        for link in (self.target / "pg_tblspc").iterdir():
            if link.is_symlink():
                name = link.name
                link.unlink()
                link.symlink_to(f"{self.target}.tablespaces/{name}")

    def restored_tree(self):
        found = trees.snapshot(self.folder, times=True)
        control = found.get("target/global/pg_control")
        if control:
            found["target/global/pg_control"] = control[:-1]  # written by us, last
        # What a restore makes itself is as old as the restore.
        return {name: what[:4] if "/pgcask.config/" in name else what
                for name, what in found.items()}

    def after_success(self):
        if self.scenario.damaged:
            return ["a damaged backup was restored"]
        if self.scenario.reference is None:
            return []
        return trees.differences(self.scenario.reference, self._without_remains())

    def _without_remains(self):
        found = self.restored_tree()
        if not self.remains_told:
            return found
        return {name: what for name, what in found.items()
                if "/pgcask.replaced" not in name and "/pgcask.restore.partial" not in name}

    def after_kill(self):
        """A server starts on nothing but a whole cluster: the restored one, or the old one."""
        now = trees.snapshot(self.folder)
        if "target/global/pg_control" in now:
            if not trees.differences(without_times(self.scenario.reference), now):
                return []
            old_or_new = [self.scenario.reference, self.before]
            if any(cluster_is(which, now) for which in old_or_new if which):
                return self._next_restore(now)
            return ["there is a pg_control, but neither the old nor the new cluster"]
        return self._next_restore(now)

    def _next_restore(self, now):
        """It works, or says what is in the way and what to do."""
        again = runs.execute(runs.Run(self.run.args, stdin=self.run.stdin))
        if again.rc == 0:
            return self.after_success()
        if again.rc == 1 and "hint: " in again.stderr:
            return []
        return [f"the next restore says nothing clear: {again.rc} {again.stderr}"]


def without_times(snapshot):
    return {name: what[:4] for name, what in snapshot.items()}


def cluster_is(expected, now):
    """Whether all that `expected` has is there as it should be; remains beside it do not count."""
    return all(now.get(name) == what[:4] for name, what in expected.items()
               if not name.startswith("."))
