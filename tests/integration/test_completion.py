"""Completion by the real shells: bash and zsh at a terminal, with keys that somebody types; fish is asked
for what it would offer. What there is to complete comes from docs/options.md, which is the option table's.
"""

import os
import pty
import re
import select
import subprocess
import time

import pytest

from pgcask_testing import paths, process
from test_option_kinds import options

SHELLS = ["bash", "zsh", "fish"]
COMMANDS = re.findall(r"(?m)^## pgcask ([a-z]+)$", (paths.REPO / "docs/options.md").read_text())
BEGIN = {  # the program itself is stood in for: it prints the words that it is given
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
SET_UP = {
    "bash": "bind 'set bell-style none'; bind 'set completion-query-items 0'; source <(pgcask completion bash)\n",
    "zsh": "unsetopt beep; fpath=($PWD $fpath); autoload -U compinit; compinit -D -u\n",
}


class Terminal:
    """A shell at a terminal of its own."""

    def __init__(self, shell, folder, program):
        self.buffer = b""
        environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb", "PS1": "$ ",
                       "LC_ALL": "C.UTF-8", "COLUMNS": "2000"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(BEGIN[shell][0], BEGIN[shell], environment)
        self.type(SET_UP[shell] + "pgcask() { printf '<''<'; printf '[%s]' \"$@\"; echo '>''>'; }\n")
        self.type("echo '<''<ready>''>'\n")
        self.said("ready")

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def said(self, wanted=None):
        """What stands between the next marks."""
        end = time.monotonic() + 30
        while True:
            found = re.search(rb"<<([^<>]*)>>", self.buffer)
            if found:
                self.buffer = self.buffer[found.end():]
                assert wanted in (None, found[1].decode())
                return found[1].decode()
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"nothing more after {self.buffer[-2000:]!r}"
            self.buffer += os.read(self.fd, 65536)

    def words(self, typed):
        """The words of the command line after Tab and Return."""
        self.type(f"pgcask {typed}\t\n")
        return re.findall(r"\[([^\]]*)\]", self.said())

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class Fish:
    """The same questions; what it would put in is the only thing that it offers."""

    def __init__(self, folder):
        self.folder = folder

    def offered(self, typed):
        command = f"source ./script; complete -C {process_quoted('pgcask ' + typed)}"
        done = subprocess.run(["fish", "--no-config", "-c", command], cwd=self.folder, text=True,
                              capture_output=True, check=True,
                              env={**os.environ, "HOME": str(self.folder)})
        assert not done.stderr, done.stderr
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    def words(self, typed):
        *before, last = typed.split(" ")
        found = self.offered(typed)
        return [*before, found[0] if len(found) == 1 else last]

    def close(self):
        pass


def process_quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.fixture(params=SHELLS, scope="module")
def shell(request, pgcask_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    script = process.run([pgcask_path, "completion", request.param]).check().stdout
    (folder / ("_pgcask" if request.param == "zsh" else "script")).write_text(script)
    for name in ("monday.tar", "a b.dump", "other/inside"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    made = Fish(folder) if request.param == "fish" else Terminal(
        request.param, folder, pgcask_path)
    made.name = request.param
    yield made
    made.close()


def shortest(word, others):
    """The beginning of a word that no other one has."""
    for length in range(1, len(word)):
        if not any(other != word and other.startswith(word[:length]) for other in others):
            return word[:length]
    return word


def test_there_are_commands_and_options():
    assert {"backup", "restore", "completion"} <= set(COMMANDS)
    assert len([name for name, *_ in options("restore")]) > 20


def test_every_command_is_completed(shell):
    for command in COMMANDS:
        assert shell.words(shortest(command, COMMANDS)) == [command]
        assert shell.words(f"help {shortest(command, COMMANDS)}") == ["help", command]
    assert shell.words("zzz") == ["zzz"]


@pytest.mark.parametrize("command", ["verify", "list", "ping", "backup", "restore"])
def test_every_option_of_a_command_is_completed(shell, command):
    names = [option for _, option, _ in options(command)] + ["--help"]
    if shell.name == "fish":  # a process each time: all at once
        assert set(shell.offered(f"{command} --")) == set(names)
        return
    for option in names:
        word = shortest(option, names)
        if word == option:  # the beginning of another: nothing to see
            continue
        assert shell.words(f"{command} {word}") == [command, option]


def test_an_option_of_another_command_is_not_offered(shell):
    assert shell.words("list --jo") == ["list", "--jo"]
    assert shell.words("list --js") == ["list", "--json"] or shell.name != "bash"


@pytest.mark.parametrize("typed, words", [
    ("backup --layout nu", ["backup", "--layout", "numbered"]),
    ("backup --checkpoint=s", ["backup", "--checkpoint=spread"]),
    ("check --digest x", ["check", "--digest", "xxh3"]),
    ("backup --compress l", ["backup", "--compress", "lz4"]),
    ("completion f", ["completion", "fish"]),
    ("backup postgres+", ["backup", "postgres+bin://"]),
    ("verify x --restore-to po", ["verify", "x", "--restore-to", "postgres://"]),
    ("backup --label mon", ["backup", "--label", "mon"]),  # a text of one's own
    ("ping mon", ["ping", "mon"]),
])
def test_values_are_completed(shell, typed, words):
    assert shell.words(typed) == words


@pytest.mark.parametrize("typed, words", [
    ("verify mon", ["verify", "monday.tar"]),
    ("restore other/in", ["restore", "other/inside"]),
    ("restore x --to mon", ["restore", "x", "--to", "monday.tar"]),
    ("backup --filter=mon", ["backup", "--filter=monday.tar"]),
    ("list a", ["list", "a b.dump"]),
])
def test_files_are_completed(shell, typed, words):
    found = shell.words(typed)
    if shell.name == "fish":  # quoted as one would type it
        found = [word.replace("\\ ", " ") for word in found]
    assert found == words


def test_another_shell_is_wrong_usage(pgcask):
    failed = pgcask("completion", "csh")
    assert failed.rc == 2 and "csh" in failed.stderr and "bash, zsh and fish" in failed.stderr
    assert pgcask("completion").rc == 2
