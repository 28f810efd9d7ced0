"""The scenarios over the tiny cluster, by name."""

import shutil

from pgcask_testing import oracles

from . import runs
from .scenarios import Backup, Ping, Restore, Verify

IMPATIENT = ("--stall-timeout=1s",)
BACKUPS = {  # name: (server, kind, options)
    "backup-directory": (15, "directory", ()),
    "backup-directory-14": (14, "directory", ()),
    "backup-in-place": (15, "in-place", ()),
    "backup-tar": (15, "tar", ()),
    "backup-tar-14": (14, "tar", ()),
    "backup-pipe": (15, "pipe", ()),
    "backup-json": (15, "directory", ("--json",)),
    "backup-tls": ("tls", "directory", ()),
}
IMPATIENT_BACKUPS = {
    "backup-impatient": (15, "directory", IMPATIENT),
    "backup-impatient-14": (14, "tar", IMPATIENT),
    "backup-impatient-tls": ("tls", "directory", IMPATIENT),
}
PINGS = {"ping": 15, "ping-tls": "tls"}
VERIFIES = ("verify-directory", "verify-tar", "verify-stdin", "verify-damaged",
            "verify-damaged-tar")
RESTORES = ("restore-directory", "restore-in-place", "restore-tar", "restore-stdin",
            "restore-replace", "restore-damaged")
NAMES = (*BACKUPS, *PINGS, *VERIFIES, *RESTORES)


def make(program, servers, home):
    """{name: scenario}; home: a folder for the backups that are verified and restored."""
    made = {}
    for name, (server, kind, options) in BACKUPS.items():
        made[name] = Backup(name, program, servers[server], kind, options=options)
    for name, server in PINGS.items():
        made[name] = Ping(name, program, servers[server])
    for name, (server, kind, options) in IMPATIENT_BACKUPS.items():
        made[name] = Backup(name, program, servers[server], kind, options=options,
                            connect_timeout=2)
    directory = _keep(made["backup-directory"], home / "directory")
    tar = _keep(made["backup-tar"], home / "tar")
    for name in (*BACKUPS, *IMPATIENT_BACKUPS):
        made[name].reference = made["backup-directory"].reference
    damaged = home / "damaged"
    shutil.copytree(directory, damaged, symlinks=True)
    oracles.flip_byte(damaged / "data/base/1/2619")
    damaged_tar = home / "damaged.tar"
    shutil.copy(tar, damaged_tar)
    oracles.flip_byte(damaged_tar)
    for name, backup, options in (
            ("verify-directory", directory, {}), ("verify-tar", tar, {}),
            ("verify-stdin", tar, {"stdin": True}), ("verify-damaged", damaged, {"damaged": True}),
            ("verify-damaged-tar", damaged_tar, {"damaged": True})):
        made[name] = Verify(name, program, backup, **options)
    work = home / "work"
    old = _old_cluster(Restore("old", program, directory), work, home / "old")
    for name, backup, options in (
            ("restore-directory", directory, {}), ("restore-in-place", directory,
                                                   {"kind": "in-place"}),
            ("restore-tar", tar, {}), ("restore-stdin", tar, {"kind": "stdin"}),
            ("restore-replace", directory, {"kind": "replace", "old": old})):
        made[name] = Restore(name, program, backup, **options).learn(work)
    made["restore-damaged"] = Restore("restore-damaged", program, damaged, damaged=True)
    return made


def _keep(scenario, place):
    """Makes a backup that stays at `place`, and the contents that others must have, too."""
    place.mkdir(mode=0o755)
    case = scenario.case(place)
    outcome = runs.execute(case.run)
    assert outcome.rc == 0, outcome.stderr
    assert not case.after_success()
    scenario.reference = case.contents()
    return case.target


def _old_cluster(scenario, work, place):
    """An earlier state of the cluster, in two folders: the data directory and its tablespaces."""
    work.mkdir(mode=0o755)
    case = scenario.case(work)
    outcome = runs.execute(case.run)
    assert outcome.rc == 0, outcome.stderr
    (case.target / "base/1/1259").write_bytes(b"as it was before")
    (case.target / "base/1/4000").write_bytes(b"only in the old one")
    work.rename(place)
    work.mkdir(mode=0o755)
    return place
