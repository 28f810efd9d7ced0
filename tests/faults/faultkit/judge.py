"""The one place that says whether a run under a fault was in order.

Status 0 only if the scenario can prove the result. Otherwise one error in words, no crash, no hang,
and nothing left on disk or at the server.
"""

import re
import signal

from pgcask_testing import temp

LINE = re.compile(r"(pgcask|detail|hint): \S|    ")
# What an error may be about that is no path of ours.
THINGS = ("backup", "server", "memory", "standard", "guardian", "thread", "pipe", "descriptor",
          "signal", "random", "resolve", "tar output", "tar input", "IP address",
          "cannot connect to 127.0.0.1")
# OpenSSL 3.0 and jansson 2.14 may crash, or stop at an assertion, where an allocation of their own
# fails; so does the address sanitizer. That is counted and shown, but it is not ours.
LIBRARIES = ("libcrypto.", "libssl.", "libjansson.", "libasan.")
ERROR = "pgcask: error: "
NOT_BEGUN = "the backup was not begun"
REMAINS_TOLD = ("could not be removed", "stays behind", "is left half replaced",
                "cannot remove directory")


def judge(case, fault, outcome):
    """[(what kind of trouble, text)]; empty if all is well."""
    if outcome.timed_out:
        return [("hang", f"still running after {outcome.wall:.1f} s")]
    found = _as("leftover", case.left_at_server)
    if outcome.left:
        found.append(("leftover", f"{outcome.left} processes"))
    if fault.kills and outcome.rc == -signal.SIGKILL:
        if outcome.settled > 2:
            found.append(("leftover", f"the guardian took {outcome.settled:.1f} s"))
        return found + _as("leftover", case.after_kill())
    if ended_in_library(fault, outcome):
        return found + [("library", outcome.module)] + _as("leftover", case.after_kill())
    case.memory_short = fault.memory_short
    case.stream_damaged = fault.corrupts
    case.remains_told = fault.own_cleanup_fails and told_what_remains(outcome)
    if outcome.rc == 0:
        return found + _message(outcome, 0) + _as("false success", case.after_success())
    if fault.signal and outcome.rc == -fault.signal:
        # It came before there was a handler, hence before anything was done.
        return found + _as("leftover", case.after_failure())
    if outcome.rc == 3 and case.failures_are_named and not fault.harmless:
        return found + _message(outcome, 0) + _warned(outcome) + \
            _as("false success", case.after_some_failed())
    if outcome.rc != 1:
        return found + [("crash", f"exit status {outcome.rc}")]
    if fault.harmless and not case.must_fail:
        found.append(("failure", "this fault should have been overcome"))
    said = _message(outcome, 1) + _named(case, outcome)
    # jansson 2.14 loses letters of a text it parses: a whole backup may then seem to be damaged.
    found += [("library", text) for _, text in said] if in_library(fault, outcome) else said
    if not case.remains_told:
        found += _as("leftover", case.after_failure())
    return found


def in_library(fault, outcome):
    return fault.memory_short and outcome.module.startswith(LIBRARIES)


def ended_in_library(fault, outcome):
    # The sanitizer ends a process by a status of its own.
    ended = outcome.rc in (-signal.SIGSEGV, -signal.SIGABRT) or any(
        words in outcome.stderr
        for words in ("AddressSanitizer:DEADLYSIGNAL", "AddressSanitizer: CHECK failed"))
    return in_library(fault, outcome) and ended


def told_what_remains(outcome):
    return any(words in outcome.stderr for words in REMAINS_TOLD)


def errors(outcome):
    """verify names each problem by its path in the backup, and then says how many there were."""
    paths = ("/data/", "/tablespaces/", "/app.dump", "/globals.sql", "/manifest.json",
             "/summary.json")
    texts = [line.removeprefix(ERROR) for line in outcome.stderr.splitlines()
             if line.startswith(ERROR)]
    found = [text for text in texts if not text.startswith(paths)]
    # What is found before any work begins is all told, and then what comes of it.
    return found[-1:] if found and found[-1].startswith(NOT_BEGUN) else found


def _as(kind, texts):
    return [(kind, text) for text in texts]


def _message(outcome, expected):
    """So many errors, in lines as a user knows them, and nothing else on standard error."""
    found = []
    strange = [line for line in outcome.stderr.splitlines() if not LINE.match(line)]
    if strange:
        found.append(("message", f"not a line of ours: {strange[0]}"))
    if len(errors(outcome)) != expected:
        found.append(("message", f"{len(errors(outcome))} errors instead of {expected}"))
    return found


def _warned(outcome):
    """What failed by itself is named, with what the server calls it."""
    if "(SQLSTATE " in outcome.stderr:
        return []
    return [("message", "status 3, and nothing that failed is named")]


def _named(case, outcome):
    """What failed on a path of the case, or of its backup, has a name in the error."""
    if not outcome.hit or outcome.run.shim.startswith("memory") or "signal" in outcome.run.shim:
        return []
    if str(temp.root()) in outcome.stderr or any(word in outcome.stderr for word in THINGS):
        return []
    return [("message", f"the error does not say what it is about ({outcome.hit})")]
