"""What every run against something hostile has to show, and many such runs at once."""

import concurrent.futures
import contextlib
import hashlib
import os
import re
import stat
import threading

from . import process, temp

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffd]")
NOISE = ("Sanitizer", "runtime error:", "Assertion", "Traceback", "core dumped")
MEMORY_MAX = 32 << 20  # bytes: what a physical backup or restore of a few files may take
SANITIZED_MORE = 2 << 30  # shadow memory and quarantine: what is freed stays for long


def snapshot(folder):
    """Every entry below a folder: its kind, its mode, and what it holds or leads to."""
    found = {}
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(where, name)
            info = os.lstat(path)
            if stat.S_ISREG(info.st_mode):
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
            else:
                content = os.readlink(path) if stat.S_ISLNK(info.st_mode) else info.st_rdev
            found[os.path.relpath(path, folder)] = (oct(info.st_mode), content)
    return found


def is_sanitized(program):
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


class Judge:
    """What a run of the program may look like, whatever it was fed with."""

    def __init__(self, program):
        process.run([program, "--version"]).check()  # makes what measures, before there are threads
        self.memory_max = MEMORY_MAX + (SANITIZED_MORE if is_sanitized(program) else 0)

    def clean(self, result, memory_more=0):
        """No crash, nothing of a developer's, no control characters, bounded memory."""
        assert not any(word in result.stderr for word in NOISE), result
        assert result.rc in (0, 1, 3), result
        assert not CONTROL.search(result.stderr), repr(result.stderr)
        assert not CONTROL.search(result.stdout), repr(result.stdout)
        assert result.peak_rss < self.memory_max + memory_more, (result.peak_rss, result)
        return result

    def refused(self, result, memory_more=0):
        """Exit status 1 and one error: its text."""
        self.clean(result, memory_more)
        assert result.rc == 1, result
        errors = [line for line in result.stderr.splitlines()
                  if line.startswith("pgcask: error: ")]
        assert len(errors) == 1, result
        assert len(errors[0]) > len("pgcask: error: ") + 10, result
        return errors[0]


_naming = threading.Lock()


@contextlib.contextmanager
def folder():
    with _naming:
        path = temp.new_dir("hostile")
    try:
        yield path
    finally:
        temp.remove(path)


def all_of(cases, run, workers=3):
    """Runs run(case) for each, several at a time; fails with the first ten that did. With pytest
    -rP their number is shown."""
    failures = []
    cases = list(cases)

    def one(case):
        try:
            run(case)
        except Exception as failure:  # noqa: BLE001
            failures.append(f"{case}: {type(failure).__name__}: {failure}")

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, cases))
    assert not failures, f"{len(failures)} of {len(cases)}:\n" + "\n".join(failures[:10])
    print(f"{len(cases)} cases")
