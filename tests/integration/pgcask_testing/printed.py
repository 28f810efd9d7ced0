"""Every command that the project prints for people to type: in its documents, the manual page, the
comments of the Makefile and of what lies in packaging, the heads of scripts, the help texts.
"""

import ast
import dataclasses
import itertools
import re
import subprocess

from . import paths, process

# What a printed line may begin with to be a command. Other words in a block of code must be known to
# be none (see NO_COMMAND), so that a new program is not passed over.
PROGRAMS = {
    "pgcask", "pg_ctl", "pg_ctlcluster", "pg_createcluster", "pg_dropcluster", "pg_restore", "pg_dump", "psql",
    "plakar", "make", "cmake", "ctest", "cc", "docker", "git", "gzip", "zstd", "ssh", "sh", "cat",
    "cp", "mkdir", "ls", "chmod", "chown", "sudo", "aws", "install", "embed", "./embed", "systemctl",
    "clang-format", "ldconfig", "python3", "/usr/bin/python3", "apt-get", "dpkg", "echo", "export", "su", "runuser", "kubectl",
}
SCRIPT = re.compile(r"(scripts|bench|fuzz|tests/servers|\.ci|build/\w+/tests/unit)/[\w.-]+$")
SQL = {"CREATE", "ALTER", "GRANT", "REVOKE", "DROP", "SELECT", "SHOW"}
HBA = {"host", "hostssl", "hostnossl", "local"}


@dataclasses.dataclass(frozen=True, order=True)
class Command:
    """One printed command; `where` is the file, for help texts "pgcask help NAME"."""

    where: str
    text: str
    block: bool = True  # False: within a sentence

    def __str__(self):
        return f"{self.where}: {self.text}"


def first_word(text):
    """The program's name, after assignments to variables."""
    for word in text.split():
        if not re.match(r"[A-Z_]+=", word):
            return word
    return ""


def is_command(text):
    word = first_word(text)
    return word in PROGRAMS or word in SQL or text.startswith("source <(") or SCRIPT.match(word) is not None


def joined(lines):
    """Lines with those that a backslash continues."""
    whole = ""
    for line in lines:
        whole += line.strip()
        if whole.endswith("\\"):
            whole = whole[:-1].rstrip() + " "
            continue
        yield whole
        whole = ""


# ---- Markdown --------------------------------------------------------------------------------


def markdown_blocks(text):
    """[(language, lines)] of fenced and indented blocks. What is set in right below a sentence goes on
    with it."""
    blocks, language, lines = [], None, []
    indented = []
    for before, line in itertools.pairwise(["", *text.splitlines(), ""]):
        if line.lstrip().startswith("```"):
            if language is None:
                language, lines = line.strip()[3:], []
            else:
                blocks.append((language, lines))
                language = None
        elif language is not None:
            lines.append(line)
        elif re.match(r" {4,}\S", line) and (indented or not before.strip()):
            indented.append(line)
        elif indented:
            blocks.append(("indented", indented))
            indented = []
    return blocks


def markdown(where, text):
    for language, lines in markdown_blocks(text):
        if language in ("c", "cmake", "json"):
            continue
        if language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        for line in joined(lines):
            yield Command(where, re.sub(r"\s{2,}# .*", "", line))
    prose = re.sub(r"(?ms)^\s*```.*?^\s*```$", "", text)
    prose = re.sub(r"(?m)(?<=\n\n)(?: {4,}\S.*\n)+", "", prose)
    for words in re.findall(r"`([^`]+)`", prose):
        yield Command(where, " ".join(words.split()), block=False)


def in_order(text):
    """Commands, lines of pg_hba.conf and of ~/.pgpass, settings of PATH: as a reader meets them."""
    found = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if re.match(r" {4,}\S", line):
            found.append(re.sub(r"\s{2,}# .*", "", line.strip()))
        else:
            found += re.findall(r"`([^`]+)`", line)
    return [each for each in found if is_step(each)]


def is_step(text):
    word = text.split()[0]
    return (is_command(text) and (" " in text or word == "make" or SCRIPT.match(word))
            or word in HBA and text.count(" ") >= 4 or re.match(r"[\w.]+:\d+:\*:\w+:", text)
            or text.startswith(("PATH=", "SHOW ")))


# ---- The manual page -------------------------------------------------------------------------


def manual_page(where, text):
    """Blocks are those between .nf and .fi that are indented; in sentences what is set in bold."""
    plain = lambda s: re.sub(r"\\f.|\\&", "", s).replace("\\-", "-").replace("\\e", "\\") \
        .replace("\\(aq", "'").replace("\\(dq", '"')
    for block in re.findall(r"(?ms)^\.nf$(.*?)^\.fi$", text):
        for line in joined([plain(line) for line in block.splitlines() if line.startswith("    ")]):
            yield Command(where, line)
    prose = re.sub(r"(?ms)^\.nf$(.*?)^\.fi$", "", text)
    for alternating, words in re.findall(r"(?m)^\.[BI](R?) (.*)$", prose):
        pieces = [piece.strip('"') for piece in re.findall(r'"[^"]*"|\S+', plain(words))]
        text = ("" if alternating else " ").join(pieces)
        yield Command(where, text.rstrip(".,;"), block=False)
    for words in re.findall(r"\\fB(.*?)\\fR", prose):
        yield Command(where, plain(words), block=False)


# ---- Comments and texts of programs ----------------------------------------------------------


def plain_text(where, lines):
    """Lines set in by two to eight blanks, and those that are a command with an option; in sentences
    what stands in quotes or backticks."""
    indented = [line for line in lines if re.match(r" {2,8}\S", line)]
    for line in joined(indented):
        line = re.split(r"\s{2,}(?=\S)", line)[0]  # what stands beside it explains it
        if is_command(line):
            yield Command(where, line)
    for line in lines:
        if re.match(r"(make|cmake|ctest|git|docker) .*--\w", line):
            yield Command(where, line)
    prose = " ".join(line.strip() for line in lines if line not in indented)
    for words in re.findall(r'["`]([^"`]+)["`]', prose):
        yield Command(where, words, block=False)


def comment_of_script(text):
    """The lines of # comments, without the #; of Python the docstring too."""
    if text.startswith("#!/usr/bin/env python3") or text.startswith('"""'):
        return (ast.get_docstring(ast.parse(text)) or "").splitlines()
    lines = text.splitlines()
    if text.startswith("#!"):  # its head
        lines = list(itertools.takewhile(lambda line: line.startswith("#"), lines))[1:]
    return [re.sub(r"^\s*# ?", "", line) for line in lines if re.match(r"\s*#", line)]


def comment_of_c(text):
    return [re.sub(r"^ \* ?", "", line) for line in text[:text.find("*/")].splitlines()]


def help_texts(pgcask):
    names = re.findall(r"^  pgcask (\w+)", process.run([pgcask, "help"]).check().stdout, re.M)
    for name in sorted({"", *names}):
        done = process.run([pgcask, "help", *filter(None, [name])])
        yield f"pgcask help {name}".strip(), done.stdout


# ---- All of it -------------------------------------------------------------------------------


def files():
    """The project's own, by their names below the top folder."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=paths.REPO,
                            check=True, capture_output=True, text=True).stdout.split("\n")
    return [name for name in listed if name and (paths.REPO / name).is_file()]


def reader_of(name):
    """How commands are found in a file; None: it is not written for people who type them."""
    if name.endswith(".md"):
        return markdown
    if name.startswith("man/"):
        return manual_page
    if re.match(r"(scripts|bench|packaging|\.ci|tests/servers)/|(fuzz|tests)/[\w/]*\.py$", name) \
            or name in ("Makefile", "examples/Makefile", "manifest.yaml", "CMakeLists.txt") \
            or name.endswith("/CMakeLists.txt") or name.startswith("cmake/"):
        if not name.endswith((".c", ".mod", ".sum", ".go")):
            return lambda where, text: plain_text(where, comment_of_script(text))
    if name.endswith((".c", ".h")) and name.startswith(("examples/", "bench/", "fuzz/", "include/")):
        return lambda where, text: plain_text(where, comment_of_c(text))
    return None


def commands_of(name):
    """[Command] of a file, in the order in which it prints them; no bare names of programs."""
    reader = reader_of(name)
    found = reader(name, (paths.REPO / name).read_text()) if reader is not None else []
    return [each for each in found if is_command(each.text) and not is_name(each)]


def is_name(command):
    """A program or statement that a sentence speaks of, such as `pg_ctl` and `GRANT SELECT`."""
    text = command.text
    if first_word(text) in SQL and not command.block and not text.endswith(";"):
        return True
    return " " not in text and text not in ("make", "ldconfig") and not SCRIPT.match(text)


def all_commands(pgcask):
    found = [each for name in files() for each in commands_of(name)]
    for where, text in help_texts(pgcask):
        found += [each for each in plain_text(where, text.splitlines()) if not is_name(each)]
    return sorted(set(found))


def strangers():
    """Lines of the documents' blocks that begin with no known program."""
    found = []
    for name in files():
        if name.endswith(".md") or name.startswith("man/"):
            found += [each for each in reader_of(name)(name, (paths.REPO / name).read_text())
                      if each.block and each.text and not is_command(each.text)]
    return found
