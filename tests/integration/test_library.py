"""The library as its users have it: installed, found by pkg-config and CMake, linked into programs
that back up and restore real clusters."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from pgcask_testing import aws, builders, logical, oracles, paths, process, temp

HEADERS = sorted(p.name for p in (paths.REPO / "include/pgcask").iterdir())
PROGRAM = paths.REPO / "tests/integration/library/program.c"

# What a library does not do to the program it is in.
FORBIDDEN = {
    "fork", "vfork", "clone", "execv", "execve", "execvp", "execl", "posix_spawn", "posix_spawnp",
    "system", "popen", "wait", "waitpid",
    "signal", "bsd_signal", "sigaction", "sigprocmask", "raise", "alarm", "setitimer",
    "exit", "_exit", "_Exit", "quick_exit", "abort", "__assert_fail", "atexit", "on_exit",
    "stdin", "stdout", "stderr", "printf", "__printf_chk", "vprintf", "puts", "putchar", "perror",
    "setenv", "putenv", "unsetenv", "clearenv", "setlocale", "umask", "chdir", "fchdir",
    "setuid", "setgid", "setrlimit", "strtok", "rand", "srand", "localtime", "gmtime", "getpwuid",
}


class Installed:
    """The library in a prefix of its own."""

    def __init__(self, build, prefix):
        self.build, self.prefix = build, prefix
        cache = (build / "CMakeCache.txt").read_text()
        is_on = lambda name: f"\n{name}:BOOL=ON\n" in cache
        self.flags = (["-fsanitize=address,undefined"] if is_on("PGCASK_SANITIZE") else
                      ["-fsanitize=thread"] if is_on("PGCASK_THREAD_SANITIZE") else [])
        self.compiler = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", cache, re.M)[1]
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}

    @property
    def archive(self):
        return self.prefix / "lib/libpgcask.a"

    @property
    def shared(self):
        return self.prefix / "lib/libpgcask.so"

    def pkg_config(self, *options, package="pgcask-static"):
        done = subprocess.run(["pkg-config", *options, package], env=self.env, check=True,
                              capture_output=True, text=True)
        return done.stdout.split()

    def compile(self, source, program, *options):
        subprocess.run(
            [self.compiler, "-O1", "-g", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
             *self.flags, *options, *self.pkg_config("--cflags"), "-o", program, source,
             *self.pkg_config("--libs")], check=True)
        return program


def install(build, prefix, env=None):
    for component in ([], ["--component", "library"]):  # the second one where it is no default
        subprocess.run(["cmake", "--install", build, "--prefix", prefix, *component], check=True,
                       stdout=subprocess.DEVNULL, env=env)


@pytest.fixture(scope="session")
def installed(pgcask_path):
    build = pgcask_path.parent
    assert (build / "CMakeCache.txt").exists(), "the program is not in its build folder"
    subprocess.run(["cmake", "--build", build, "--target", "pgcask_library",
                    "pgcask_shared"], check=True,
                   stdout=subprocess.DEVNULL)
    prefix = temp.new_dir("prefix")
    install(build, prefix)
    return Installed(build, prefix)


@pytest.fixture(scope="session")
def program(installed):
    """program(job, *arguments, **options) -> process.Result. The library leaves standard error
    empty, which a sanitizer would not."""
    path = installed.compile(PROGRAM, temp.new_dir("program") / "program", "-pthread")

    def call(*arguments, **options):
        result = process.run([path, *arguments], **options)
        assert not result.stderr, result
        return result

    call.path = path
    return call


@pytest.fixture(scope="session")
def example(installed):
    """The example, made by its own Makefile."""
    folder = temp.new_dir("example")
    shutil.copytree(installed.prefix / "share/doc/pgcask/examples", folder, dirs_exist_ok=True)
    flags = " ".join(["-O1 -Wall -Wextra -Werror", *installed.flags])
    subprocess.run(["make", "-C", folder, f"CFLAGS={flags}", f"CC={installed.compiler}",
                    "PACKAGE=pgcask-static"],
                   env=installed.env, check=True, stdout=subprocess.DEVNULL)
    return folder / "embed"


def conninfo(server, **more):
    values = {"host": "127.0.0.1", "port": server.port, "user": "postgres", **more}
    return " ".join(f"{name}='{value}'" for name, value in values.items())


def values_of(result):
    """The "key value" lines that the program printed."""
    return dict(line.partition(" ")[::2] for line in result.stdout.splitlines())


# ---- What is installed -----------------------------------------------------------------------


def test_everything_is_installed(installed):
    there = {str(p.relative_to(installed.prefix)) for p in installed.prefix.rglob("*")}
    assert {
        "bin/pgcask", "lib/libpgcask.a", "lib/libpgcask.so", "lib/libpgcask.so.0.1",
        "lib/pkgconfig/pgcask.pc", "lib/pkgconfig/pgcask-static.pc", "share/man/man1/pgcask.1",
        *(f"lib/cmake/pgcask/pgcask{n}.cmake" for n in ("Config", "ConfigVersion", "Targets")),
        *(f"include/pgcask/{name}" for name in HEADERS),
        *(f"share/doc/pgcask/{name}" for name in (
            "README.md", "LICENSE", "library.md", "options.md", "examples/embed.c",
            "examples/contents.c", "examples/into.c")),
    } <= there
    text = "".join(p.read_text() for p in installed.prefix.rglob("*")
                   if p.suffix in (".pc", ".cmake", ".h"))
    assert str(paths.REPO) not in text and str(installed.prefix) not in text


def test_a_staged_installation_goes_where_destdir_says(installed, workdir):
    install(installed.build, "/opt/pgcask", {**os.environ, "DESTDIR": str(workdir / "stage")})
    assert (workdir / "stage/opt/pgcask/lib/libpgcask.a").exists()
    assert not os.path.exists("/opt/pgcask")


def test_a_moved_prefix_still_works(installed, workdir):
    shutil.copytree(installed.prefix, workdir / "moved")
    moved = Installed(installed.build, workdir / "moved")
    assert f"-I{workdir}/moved/include" in [os.path.normpath(o) if o[:2] != "-I" else
                                           "-I" + os.path.normpath(o[2:])
                                           for o in moved.pkg_config("--cflags")]
    moved.compile(PROGRAM, workdir / "program", "-pthread")
    assert "pgcask_version" in (workdir / "moved/include/pgcask/version.h").read_text()


def test_the_version_is_the_programs(installed, pgcask):
    version = pgcask("version").check().stdout.split()[-1]
    assert installed.pkg_config("--modversion") == [version]
    header = (installed.prefix / "include/pgcask/version.h").read_text()
    assert f'"{version}"' in header


# ---- Names -----------------------------------------------------------------------------------


def test_only_names_with_our_prefix_can_be_seen(installed):
    defined = subprocess.run(["nm", "-g", "--defined-only", installed.archive], check=True,
                             capture_output=True, text=True).stdout
    names = {line.split()[-1] for line in defined.splitlines() if len(line.split()) == 3}
    assert len(names) > 30
    assert not [name for name in names if not name.startswith("pgcask_")]
    exported = subprocess.run(["nm", "-D", "--defined-only", installed.shared], check=True,
                              capture_output=True, text=True).stdout
    versioned = {line.split()[-1] for line in exported.splitlines() if " A " not in line}
    assert versioned == {f"{name}@@PGCASK_0.1" for name in names}
    headers = "".join((installed.prefix / "include/pgcask" / h).read_text() for h in HEADERS)
    code = re.sub(r"/\*.*?\*/|^#define.*?[^\\]$", "", headers, flags=re.S | re.M)
    declared = set(re.findall(r"\b(pgcask_\w+)\(", code)) - {
        "pgcask_finding_fn", "pgcask_problem_fn", "pgcask_restore_failure_fn"}
    assert names == declared


def test_every_reason_is_in_the_header(installed):
    told = set(re.findall(r'"(\w+)"', re.search(
        r"Words of `reason`.*?\*/", (installed.prefix / "include/pgcask/error.h").read_text(),
        re.S)[0]))
    sources = {path: path.read_text() for path in (paths.REPO / "src").rglob("*.c")}
    given = {word for text in sources.values()
             for word in re.findall(r'error_reason\(\w+, "(\w+)"\)', text)}
    table = sources[paths.REPO / "src/base/error_reason.c"]
    given |= set(re.findall(r'\{[\w"]+, "(\w+)"\}', table))
    assert len(given) > 30 and given == told


def test_no_name_is_two_things(installed):
    """In C++ a function hides the structure of its name."""
    headers = "".join((installed.prefix / "include/pgcask" / h).read_text() for h in HEADERS)
    code = re.sub(r"/\*.*?\*/", "", headers, flags=re.S)
    types = re.findall(r"\b(?:struct|enum) (pgcask_\w+)", code)
    functions = re.findall(r"\b(pgcask_\w+)\(", code)
    assert len(set(types)) > 20 and not set(types) & set(functions)


def test_it_asks_nothing_of_the_process_that_is_not_its_business(installed):
    wanted = subprocess.run(["nm", "-u", installed.archive], check=True, capture_output=True,
                            text=True).stdout.split()
    assert "connect" in wanted and "free" in wanted
    assert not FORBIDDEN & set(wanted)


def test_it_has_no_variables(installed):
    """Instrumented code has some; there the threads' tests have to do."""
    if installed.flags:
        return
    table = subprocess.run(["readelf", "-SW", installed.archive], check=True, capture_output=True,
                           text=True).stdout
    sections = re.findall(r"\] (\.\S+)\s+\S+\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", table)
    assert len(sections) > 10
    variables = [(name, size) for name, size in sections if int(size, 16) > 0
                 and re.match(r"\.(data|bss|tdata|tbss)\b", name)
                 and not name.startswith(".data.rel.ro")]
    assert not variables


# ---- Headers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("standard", ["c99", "c11", "c++11", "c++20"])
def test_each_header_stands_alone(installed, workdir, header, standard):
    language = "c++" if "+" in standard else "c"
    compilers = [c for c in (("g++", "clang++") if language == "c++" else ("gcc", "clang"))
                 if shutil.which(c)]
    assert compilers
    source = workdir / "header"
    source.write_text(f"#include <pgcask/{header}>\n#include <pgcask/{header}>\n"
                      "int main(void);\nint main(void) { return 0; }\n")
    for compiler in compilers:
        subprocess.run([compiler, f"-std={standard}", "-fsyntax-only", "-Wall", "-Wextra",
                        "-Werror", "-pedantic", *installed.pkg_config("--cflags"), "-x", language,
                        source], check=True)


def test_types_are_called_by_their_names_in_another_language(installed, workdir):
    headers = "".join((installed.prefix / "include/pgcask" / h).read_text() for h in HEADERS)
    types = set(re.findall(r"\b(?:struct|enum) (pgcask_\w+) \{", headers))
    assert len(types) > 20
    (workdir / "types.cpp").write_text("#include <pgcask/pgcask.h>\n" + "".join(
        f"{name} of_{name}({name} value);\n" for name in sorted(types)))
    for compiler in filter(shutil.which, ("g++", "clang++")):
        subprocess.run([compiler, "-std=c++11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                        "-pedantic", *installed.pkg_config("--cflags"), workdir / "types.cpp"],
                       check=True)


def test_a_program_in_another_language_links_it(installed, workdir):
    compiler = next(c for c in ("g++", "clang++") if shutil.which(c))
    source = workdir / "program.cpp"
    source.write_text("""
        #include <pgcask/pgcask.h>
        #include <cstdio>
        int main() {
            pgcask_restore_options options;
            PGCASK_INIT(options);
            pgcask_error error;
            PGCASK_INIT(error);
            bool found = pgcask_source_open_tar("/nowhere", nullptr, &error) != nullptr;
            std::printf("%d %s %s %d\\n", found, pgcask_error_code_name(error.code),
                        error.reason, error.errno_value);
        }
    """)
    subprocess.run([compiler, "-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic",
                    *installed.flags, *installed.pkg_config("--cflags"), "-o", workdir / "program",
                    source, *installed.pkg_config("--libs")], check=True)
    assert process.run([workdir / "program"]).check().stdout == "0 io not_found 2\n"


def test_it_becomes_part_of_a_shared_object(installed, workdir):
    (workdir / "plugin.c").write_text(
        "#include <pgcask/pgcask.h>\nconst char *version_of_plugin(void);\n"
        "const char *version_of_plugin(void) { return pgcask_version(); }\n")
    subprocess.run([installed.compiler, "-shared", "-fPIC", *installed.flags,
                    *installed.pkg_config("--cflags"), "-o", workdir / "plugin.so",
                    workdir / "plugin.c", "-Wl,--whole-archive", installed.archive,
                    "-Wl,--no-whole-archive", *installed.pkg_config("--libs")], check=True)
    relocations = subprocess.run(["readelf", "-d", workdir / "plugin.so"], check=True,
                                 capture_output=True, text=True).stdout
    assert "TEXTREL" not in relocations


def test_a_program_is_linked_with_the_shared_library(installed, example, workdir):
    """By the example's own Makefile, as it stands, and by CMake; nothing but it is needed for that."""
    for package in ("pgcask", "pgcask-static"):
        assert [o for o in installed.pkg_config("--cflags", package=package)
                if not o.startswith("-I")] == []
    assert [o for o in installed.pkg_config("--libs", package="pgcask")
            if not o.startswith("-L")] == ["-lpgcask"]
    folder = workdir / "example"
    shutil.copytree(example.parent, folder)
    for name in ("embed", "contents"):
        (folder / name).unlink()
    (folder / "CMakeLists.txt").write_text((folder / "CMakeLists.txt").read_text().replace(
        "pgcask::pgcask", "pgcask::shared"))
    flags = " ".join(["-O1 -Wall -Wextra -Werror", *installed.flags])
    subprocess.run(["make", "-C", folder, f"CFLAGS={flags}", f"CC={installed.compiler}"],
                   env=installed.env, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_C_FLAGS={flags}",
                    f"-DCMAKE_PREFIX_PATH={installed.prefix}",
                    f"-DCMAKE_C_COMPILER={installed.compiler}"], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", folder / "build"], check=True, stdout=subprocess.DEVNULL)
    for program in (folder / "embed", folder / "build/embed"):
        needed = subprocess.run(["readelf", "-d", program], check=True, capture_output=True,
                                text=True).stdout
        assert "[libpgcask.so.0.1]" in needed and "[libssl" not in needed
        result = process.run([program, "ping", "host=/nowhere user=x"],
                             env={"LD_LIBRARY_PATH": installed.prefix / "lib"})
        assert result.rc == 1 and "embed: connect:" in result.stderr


def test_the_shared_library_needs_what_the_page_says(installed):
    needed = subprocess.run(["readelf", "-d", installed.shared], check=True, capture_output=True,
                            text=True).stdout
    libraries = set(re.findall(r"\[lib([\w-]+)\.so[.\d]*\]", needed)) - {"pgcask", "c", "asan",
                                                                         "ubsan", "tsan"}
    page = (paths.REPO / "docs/library.md").read_text()
    [told] = re.findall(r"^Libraries that it needs: (.*?)\.$", page, re.M | re.S)
    assert libraries == set(re.findall(r"lib([\w-]+?)(?=[,\s]|$)", told))


# ---- The example -----------------------------------------------------------------------------


@pytest.mark.majors(13, 15, 18)
def test_the_example_keeps_a_cluster_in_a_file_of_its_own(example, servers, workdir, major):
    server = servers.create(major)
    folders = builders.tablespaces(server, names=["one"])
    builders.fill(server, mb=3)
    live = oracles.all_sums(server)
    result = process.run([example, "backup", conninfo(server), workdir / "kept"]).check()
    names = result.stdout.splitlines()
    assert names[0] == "/manifest.json" and names[-1] == "/summary.json"
    phases = re.findall(r"^(\w+): \d+ bytes$", result.stderr, re.M)
    assert list(dict.fromkeys(phases)) == ["connecting", "manifest", "checkpoint", "copying",
                                           "finishing", "done"]
    oracles.wait_for_nothing_left(server)
    server.stop()

    process.run([example, "restore", workdir / "kept", workdir / "data"]).check()
    oracles.verifybackup(workdir / "data", major).check()
    started = servers.start_restored(workdir / "data", major)
    assert oracles.all_sums(started) == live and len(folders) == 1


def test_the_example_is_built_by_cmake(installed, workdir):
    configured = subprocess.run(
        ["cmake", "-S", installed.prefix / "share/doc/pgcask/examples", "-B", workdir / "build",
         f"-DCMAKE_PREFIX_PATH={installed.prefix}", f"-DCMAKE_C_COMPILER={installed.compiler}",
         "-DCMAKE_C_FLAGS=" + " ".join(["-Wall -Wextra -Werror", *installed.flags])],
        capture_output=True, text=True)
    assert configured.returncode == 0, configured.stdout + configured.stderr
    subprocess.run(["cmake", "--build", workdir / "build"], check=True, stdout=subprocess.DEVNULL)
    result = process.run([workdir / "build/embed", "ping", "host=/nowhere user=x"])
    assert result.rc == 1 and "embed: connect:" in result.stderr


@pytest.mark.majors(15)
def test_a_signal_of_the_programs_own_stops_it(example, servers, workdir, major):
    server = servers.create(major, conf={"checkpoint_timeout": "1h"})
    builders.fill(server, mb=50)
    with process.Process([example, "backup", conninfo(server), workdir / "kept"]) as running:
        oracles.wait_for_sessions(server, lambda found: found.slots)
        running.send_signal(signal.SIGTERM)
        result = running.wait(20)
    assert result.rc == 1 and "cancelled" in result.stderr, result
    oracles.wait_for_nothing_left(server)
    assert not (workdir / "kept").exists()


# ---- The tour --------------------------------------------------------------------------------


@pytest.mark.majors(15)
def test_the_programs_of_the_page_work_as_printed(installed, pgcask, servers, workdir, major):
    page = (paths.REPO / "docs/library.md").read_text()
    programs = []
    for number, code in enumerate(re.findall(r"^```c\n(.*?)^```$", page, re.S | re.M)):
        source = workdir / f"program-{number}.c"
        source.write_text(code)
        programs.append(installed.compile(source, workdir / f"program-{number}", "-std=c11",
                                          "-pedantic"))
    back_up, show, restore, tables = programs
    server = servers.create(major)
    server.sql("CREATE TABLE told AS SELECT 1 AS a")
    live = oracles.all_sums(server)
    process.run([back_up, server.uri(), workdir / "backup"]).check()
    pgcask("verify", workdir / "backup").check()
    pgcask("backup", server.uri(), "--to", workdir / "logical").check()
    listed = process.run([tables, next((workdir / "logical").glob("*.dump"))]).check().stdout
    assert re.fullmatch(r"public\.told\npostgres of PostgreSQL 15\.\d+.*\n", listed), listed
    shown = process.run([show, workdir / "backup"]).check().stdout
    assert re.search(r"^ +8192  /data/global/pg_control$", shown, re.M)
    result = process.run([restore, workdir / "backup", workdir / "data"]).check()
    assert re.fullmatch(r"\d+ files, consistent from \w+/\w+ on\n", result.stdout)
    server.stop()
    assert oracles.all_sums(servers.start_restored(workdir / "data", major)) == live
    result = process.run([back_up, server.uri(), workdir / "again"])
    assert result.rc == 1 and "refused" in result.stderr.lower()


# ---- What is in it ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(module_servers, pgcask):
    """A cluster, backups of both kinds, and archives of pg_dump in each format."""
    server = module_servers.create(15)
    builders.tablespaces(server, names=["one"])
    server.sql("CREATE DATABASE listed", db="postgres")
    logical.run_sql(server, "listed", """
        CREATE SCHEMA s; CREATE TABLE s.t AS SELECT i, repeat('x', 100) AS x
            FROM generate_series(1, 5000) AS i;
        ALTER TABLE s.t ADD PRIMARY KEY (i); CREATE VIEW s.v AS SELECT i FROM s.t;
        CREATE TABLE public.empty (a int)""")
    place = temp.new_dir("stored")
    pgcask("backup", server.uri("listed"), "--to", place / "logical", "--compress", "gzip").check()
    pgcask("backup", server.binary_uri(), "--to", place / "physical", "--label", "a label").check()
    pgcask("backup", server.uri("listed"), "--to", place / "logical.tar.gz").check()
    for form in "cdt":
        process.run([logical.stock("pg_dump", server), f"-F{form}", "-f", place / form,
                     server.uri("listed")], timeout=300).check()
    return server, place


def lines_of(result, kind):
    return [line[len(kind) + 1:] for line in result.stdout.splitlines()
            if line.startswith(kind + " ")]


@pytest.mark.majors(18)
def test_tokens_of_aws_come_from_the_files_of_the_home(program, servers, authority, workdir, major):
    server, keys = servers.create(major), aws.Keys(token="t/+=")
    certificate = authority.issue("library-aws", "localhost", ("DNS:localhost",))
    (workdir / ".aws").mkdir()
    (workdir / "b").mkdir()
    (workdir / ".aws/credentials").write_text(
        f"[default]\naws_access_key_id={keys.access}\naws_secret_access_key={keys.secret}\n"
        f"aws_session_token={keys.token}\n[other]\n")
    env = {"HOME": workdir, "AWS_PROFILE": "other", "AWS_ACCESS_KEY_ID": "not", "AWS_REGION": "asked"}
    with aws.Database(server, certificate, keys) as database:
        program("logical", database.uri(), workdir / "b", env=env).check()
        assert database.tokens and not database.faults
        result = program("ping", database.uri(region=None), env=env)
        assert result.rc != 0 and "no AWS region is set" in result.stdout


def test_list_tells_what_the_command_tells(example, pgcask, stored):
    """Of everything that can be listed."""
    _, place = stored
    for name in ("physical", "logical", "logical.tar.gz", "logical/listed.dump", "c", "d", "t"):
        result = process.run([example.parent / "contents", "list", place / name]).check()
        found = values_of(result)
        told = json.loads(pgcask("list", "--verbose", "--json", place / name).check().stdout)
        inner = {**told, **(told.get("archives") or [{}])[0]}
        assert found["kind"] == told["kind"] and found["complete"] == str(
            int(told.get("complete", False))), name
        texts = ["server_version", "system_identifier", "database", "label", "finished_at",
                 "start_lsn", "stop_lsn", "wal_lsn", "format", "archive_version", "compression"]
        numbers = ["server_version_num", "start_timeline", "stop_timeline", "files", "bytes",
                   "wal_bytes", "entries", "entries_with_data", "tables", "rows"]
        started = told["created_at"] if told["kind"] == "archive" else told["started_at"]
        assert found["started_at"] == started and found["producer"], name
        for members, absent in ((texts, ""), (numbers, 0)):
            for member in members:
                expected = inner.get(member, absent)
                if member in ("server_version", "database") and told.get(member):
                    expected = told[member]
                assert found[member] == str(expected), (name, member)
        records = {line.split(" ", 1)[1] for line in lines_of(result, "record")}
        assert records == {record["path"] for record in told.get("records", [])}, name
        entries = [re.match(r"(\d+) (.*?)\|", line).groups() for line in lines_of(result, "entry")]
        assert entries == [(str(e["id"]), e["kind"]) for e in inner.get("contents", [])], name
        databases = [line.split(":")[0] for line in lines_of(result, "database") if ":" in line]
        assert databases == [d["name"] for d in told.get("databases", [])], name
        assert len(lines_of(result, "tablespace")) == len(told.get("tablespaces", [])), name


def test_entries_say_what_they_are(example, stored):
    _, place = stored
    for name in ("logical", "c"):
        result = process.run([example.parent / "contents", "list", place / name]).check()
        where = " in /listed.dump" if name == "logical" else ""
        entries = lines_of(result, "entry")
        for pattern in (r"\d+ TABLE\|s\|t\|postgres section pre-data dependencies 1 data 0",
                        r"\d+ TABLE DATA\|s\|t\|postgres section data dependencies 1 data 1",
                        r"\d+ VIEW\|s\|v\|postgres section pre-data dependencies 2 data 0",
                        r"\d+ CONSTRAINT\|s\|t t_pkey\|postgres section post-data "
                        r"dependencies \d data 0"):
            assert [e for e in entries if re.fullmatch(pattern + where, e)], (name, pattern, entries)


def test_an_archive_is_verified_and_its_data_counted(example, stored):
    _, place = stored
    sizes = set()
    for name in ("logical/listed.dump", "c", "d", "t"):
        result = process.run([example.parent / "contents", "verify", place / name]).check()
        found = values_of(result)
        assert (found["rows"], found["entries_with_data"], found["problems"]) == ("5000", "2", "0")
        data = dict(re.findall(r"^data (\d+): \d+ bytes, (\d+) rows$", result.stdout, re.M))
        assert sorted(data.values()) == ["0", "5000"]
        sizes.add(tuple(sorted(re.findall(r"^data \d+: (\d+) bytes", result.stdout, re.M))))
        piped = process.run([example.parent / "contents", "verify", "-"],
                            stdin=(place / name).open()) if name in "ct" else result
        assert lines_of(piped, "data") == lines_of(result, "data")
    assert len(sizes) == 1, sizes
    for name in ("logical", "physical", "logical.tar.gz"):
        result = process.run([example.parent / "contents", "verify", place / name])
        assert result.rc == 1 and "usage: it is no archive" in result.stderr, result


def test_problems_of_an_archive_are_of_their_kinds(example, stored, workdir):
    _, place = stored
    program = example.parent / "contents"
    whole = (place / "c").read_bytes()
    (workdir / "cut").write_bytes(whole[:-1])
    shutil.copytree(place / "d", workdir / "d")
    parts = sorted((workdir / "d").glob("*.dat.gz"), key=lambda path: path.stat().st_size)
    parts[0].unlink()
    parts[1].write_bytes(parts[1].read_bytes()[:-5])
    (workdir / "d/foreign").touch()
    for name, kinds in (("cut", {"damaged": 1}),
                        ("d", {"damaged": 1, "missing": 1, "unexpected": 1})):
        result = process.run([program, "verify", workdir / name])
        found = values_of(result)
        assert result.rc == 1 and "contents: corrupt: " in result.stderr, result
        assert int(found["problems"]) == sum(kinds.values()), result
        told = [line.split(":")[0] for line in lines_of(result, "problem")]
        for kind in ("damaged", "missing", "unexpected"):
            assert int(found[kind]) == told.count(kind) == kinds.get(kind, 0), (kind, result)


def test_what_is_not_whole_is_listed_as_far_as_it_goes(example, stored, workdir):
    _, place = stored
    program = example.parent / "contents"
    for missing in ("summary.json", "manifest.json"):
        shutil.copytree(place / "logical", workdir / missing)
        (workdir / missing / missing).unlink()
        found = values_of(process.run([program, "list", workdir / missing]).check())
        assert (found["kind"], found["complete"]) == ("logical", "0")
    shutil.copytree(place / "logical", workdir / "damaged")
    (workdir / "damaged/manifest.json").write_text("{\"version\": nonsense")
    result = process.run([program, "list", workdir / "damaged"]).check()
    assert [line for line in lines_of(result, "problem") if line.startswith(
        "damaged: /manifest.json: ")], result
    (workdir / "none").mkdir()
    (workdir / "none/x").touch()
    result = process.run([program, "list", workdir / "none"])
    assert result.rc == 1 and "corrupt" in result.stderr


def test_a_function_that_fails_ends_the_list(installed, stored, workdir):
    """Each of them, with the error that it set, even one that could be the archive's own."""
    source = workdir / "failing.c"
    source.write_text("""
        #include <pgcask/pgcask.h>
        #include <stdio.h>
        #include <stdlib.h>
        static int wanted, calls;
        static bool no(struct pgcask_error *error)
        {
            calls++;
            return pgcask_error_set(error, PGCASK_ERROR_CORRUPT, "not of mine");
        }
        #define NO(name, type) static bool name(void *c, const struct type *v, \\
            struct pgcask_error *e) { (void)c; (void)v; return no(e); }
        NO(record, pgcask_record)
        NO(database, pgcask_database)
        NO(tablespace, pgcask_tablespace)
        NO(entry, pgcask_entry)
        NO(entry_data, pgcask_entry_data)
        static void problem(void *c, const struct pgcask_problem *p)
        {
            (void)c;
            printf("problem %s\\n", p->text);
        }
        int main(int argc, char **argv)
        {
            struct pgcask_list_callbacks callbacks;
            struct pgcask_error error;
            struct pgcask_source *source;
            bool done;
            PGCASK_INIT(error);
            PGCASK_INIT(callbacks);
            wanted = atoi(argv[1]);
            source = wanted > 3 ? pgcask_source_open_tar(argv[2], NULL, &error)
                                : pgcask_source_open_directory(argv[2], NULL, &error);
            callbacks.record = wanted == 0 ? record : NULL;
            callbacks.database = wanted == 1 ? database : NULL;
            callbacks.tablespace = wanted == 2 ? tablespace : NULL;
            callbacks.entry = wanted == 3 || wanted == 4 ? entry : NULL;
            callbacks.entry_data = wanted == 5 ? entry_data : NULL;
            callbacks.problem = problem;
            done = argc == 3 && (wanted > 3 ? pgcask_archive_verify(source, &callbacks, NULL, &error)
                                            : pgcask_list(source, &callbacks, NULL, &error));
            printf("%d %d %s %s\\n", done, calls, error.reason, error.message);
            pgcask_source_close(source);
        }
    """.replace("\\\\", "\\"))
    program = installed.compile(source, workdir / "failing")
    _, place = stored
    for number, name in enumerate(("physical", "physical", "physical", "logical", "c", "c")):
        said = process.run([program, str(number), place / name]).check().stdout
        assert said == "0 1 corrupt not of mine\n", (number, said)


def test_the_page_names_what_is_there(installed):
    page = (paths.REPO / "docs/library.md").read_text()
    headers = "".join((installed.prefix / "include/pgcask" / h).read_text() for h in HEADERS)
    names = set(re.findall(r"\b(?:pgcask|PGCASK)_\w+", page))
    assert len(names) > 15 and not [n for n in names if not re.search(rf"\b{n}\b", headers)]


# ---- Restores into a server ------------------------------------------------------------------

ROWS = "CREATE TABLE t AS SELECT g, 'row ' || g AS text FROM generate_series(1, 500) g; "
SHOP = ROWS + "CREATE SCHEMA shop; CREATE TABLE shop.u (n int); INSERT INTO shop.u VALUES (1), (2);"


@pytest.fixture(scope="module")
def into(example, module_servers, pgcask, major):
    """into(source, *options, before="", input=None) -> what the example said, in a new database."""
    server = module_servers.create(major)
    logical.make(server, "app", SHOP)
    folder = temp.new_dir("into")
    archive = logical.back_up(pgcask, server, "app", folder / "backup")
    pgcask("backup", server.uri("app"), "--to", folder / "backup.tar", "--quiet").check()
    (folder / "a.sql").write_text("CREATE TABLE t (n int);\nCOPY t FROM stdin;\n1\n2\n\\.\n")

    def call(source, *options, before="", **more):
        logical.make(server, "copy", before)
        name = {"archive": archive, "-": "-"}.get(source, folder / source)
        return process.run([example.parent / "into", name, conninfo(server, dbname="copy"),
                            *options], **more)

    call.server, call.archive = server, archive
    yield call
    server.close()


@pytest.mark.majors(13, 15, 18)
@pytest.mark.parametrize("source, rows", [("archive", 502), ("backup", 502), ("backup.tar", 502),
                                          ("a.sql", 2), ("-", 502)])
def test_a_source_is_restored_into_a_server(into, source, rows):
    with open(into.archive, "rb") as archive:
        found = into(source, **({"stdin": archive} if source == "-" else {})).check()
    assert found.stdout.startswith("restored ") and f" {rows} rows into copy\n" in found.stdout
    if rows == 502:
        assert (logical.table_sums(into.server, "copy") == logical.table_sums(into.server, "app"))


@pytest.mark.majors(15)
def test_what_is_restored_can_be_chosen(into):
    found = into("archive", "tables=t", "jobs=2", "no-owner=on").check()
    assert " 500 rows into copy" in found.stdout, found
    found = into("archive", "tables=nothing")
    assert found.rc == 1 and "tables: the pattern nothing matches nothing" in found.stderr, found
    found = into("archive", "single-transaction=on", "transaction-size=5")
    assert found.rc == 1 and "transaction_size and single_transaction" in found.stderr, found
    found = into("archive", "sections=pre-data").check()
    assert " 0 rows into copy" in found.stdout, found


@pytest.mark.majors(15)
def test_failures_and_what_is_in_the_way_are_told(into):
    found = into("archive", before="CREATE TABLE t (n int)")
    assert found.rc == 1 and found.stdout.startswith("in-the-way "), found
    assert "into_existing" in found.stdout and "--" not in found.stdout, found
    found = into("archive", "into-existing=on", before="CREATE TABLE t (n int)")
    assert found.rc == 3 and "failed 42P07 TABLE public.t: relation" in found.stdout, found
    found = into("archive", "into-existing=on", "exit-on-error=on", before="CREATE TABLE t (n int)")
    assert found.rc == 1 and "already exists" in found.stderr, found


@pytest.mark.majors(13, 15, 18)
def test_a_backup_goes_from_server_to_server(program, into):
    logical.make(into.server, "copy")
    found = values_of(program("copy", conninfo(into.server, dbname="app"),
                              conninfo(into.server, dbname="copy")).check())
    assert found == {"rows": "502", "failures": "0", "layout": "classic", "database": "copy"}
    assert logical.table_sums(into.server, "copy") == logical.table_sums(into.server, "app")
    oracles.wait_for_nothing_left(into.server)


@pytest.mark.majors(15)
def test_a_backup_is_tried_by_a_restore(program, into):
    """And its progress has bytes, of how many."""
    server = into.server
    process.run([logical.stock("pg_dump", server), "-f", into.archive.parent.parent / "x.sql"],
                env=logical._environment(server, "app")).check()
    for source in (into.archive, into.archive.parent, into.archive.parent.parent / "x.sql"):
        result = program("trial", source, conninfo(server)).check()
        found = values_of(result)
        assert (found["rows"], found["differences"], found["databases"]) == ("502", "0", "1"), result
        assert int(found["bytes"]) > 1000 and found["left"] == "", result
        assert int(found["total"]) == int(found["bytes"]) or found["phase"] != "reading", result
        assert found["format"] == {"x.sql": "script", "app.dump": "custom"}.get(source.name, "")
    text = into.archive.parent.parent / "y.sql"
    text.write_text("CREATE TABLE public.t (a int CHECK (a < 2));\n"
                    "COPY public.t (a) FROM stdin;\n1\n2\n\\.\n")
    result = program("trial", text, conninfo(server)).check()
    assert "difference 0 " in result.stdout and values_of(result)["differences"] == "2", result
    assert "note " in result.stdout, result
    text.unlink()
    assert server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'pgcask%'") == []


# ---- Backups through functions ---------------------------------------------------------------


@pytest.mark.majors(13, 15, 18)
def test_a_backup_through_functions_is_whole(program, pgcask, servers, workdir, major):
    server = servers.create(major)
    builders.tablespaces(server, names=["one"])
    (workdir / "backup").mkdir()
    found = values_of(program("store", conninfo(server), workdir / "backup").check())
    oracles.wait_for_nothing_left(server)
    assert (found["finished"], found["aborted"]) == ("1", "0")
    assert int(found["version"]) // 10000 == major and found["stop"].count("/") == 1
    verified = json.loads(pgcask("verify", workdir / "backup", "--json").check().stdout)
    assert verified["stop_lsn"] == found["stop"]
    assert verified["system_identifier"] == found["system"]
    assert verified["files"] == int(found["files"])
    oracles.verifybackup(workdir / "backup/data", major).check()


@pytest.mark.majors(13, 15, 18)
def test_a_logical_backup_through_functions_is_whole(program, pgcask, servers, workdir, major):
    server = servers.create(major)
    server.sql("CREATE DATABASE app")
    server.sql("CREATE TABLE t AS SELECT g, 'row ' || g AS text FROM generate_series(1, 5000) g",
               db="app")
    (workdir / "backup").mkdir()
    found = values_of(program("logical", conninfo(server, dbname="app"), workdir / "backup",
                              "gzip:9").check())
    oracles.wait_for_nothing_left(server)
    assert (found["rows"], found["tables"]) == ("5000", "1")
    assert int(found["amended"]) > 0, "the places of the data are not in the table of contents"
    assert int(found["version"]) // 10000 == major and found["lsn"].count("/") == 1
    pgcask("verify", workdir / "backup").check()
    server.sql("CREATE DATABASE copy")
    logical.restore(server, workdir / "backup/app.dump", "copy", "-j2")
    assert logical.table_sums(server, "copy") == logical.table_sums(server, "app")
    # One without any data.
    (workdir / "empty").mkdir()
    server.sql("CREATE DATABASE empty")
    found = values_of(program("logical", conninfo(server, dbname="empty"),
                              workdir / "empty").check())
    assert (found["rows"], found["tables"]) == ("0", "0")
    pgcask("verify", workdir / "empty").check()


@pytest.mark.majors(13, 18)
def test_what_is_wanted_is_what_the_command_wants(program, pgcask, servers, workdir, major):
    server = servers.create(major)
    choices = logical.make_choices(server, "app", workdir)
    (workdir / "ours").mkdir()
    program("logical", conninfo(server, dbname="app"), workdir / "ours", "none",
            *(f"{name}={value}" for name, value in choices)).check()
    pgcask("backup", server.uri("app"), "--to", workdir / "theirs", "--compress", "none",
           *(f"--{name}={value}" for name, value in choices)).check()
    logical.assert_same_choice(server, workdir / "ours", workdir / "theirs")
    result = program("logical", conninfo(server, dbname="app"), workdir / "ours", "none",
                     "tables=nothing")
    assert result.rc != 0 and "nothing" in result.stdout + result.stderr, result


@pytest.mark.majors(15)
def test_what_an_error_is_can_be_acted_on(program, servers, workdir, major):
    """A word that stays, and errno: of the target, the connection, the login, the server."""
    server = servers.create(major, auth="scram-sha-256")
    server.sql("CREATE ROLE backup LOGIN REPLICATION PASSWORD 'right'")
    full, taken = workdir / "full", workdir / "taken.tar"
    full.mkdir()
    (full / "file").touch()
    taken.touch()
    right = conninfo(server, user="backup", password="right", dbname="postgres")
    cases = [
        (("backup", right, full), "target_not_empty", 0),
        (("backup", right, taken), "target_exists", 0),
        (("backup", right, workdir / "absent/backup"), "not_found", errno.ENOENT),
        (("verify", workdir / "absent"), "not_found", errno.ENOENT),
        (("backup", conninfo(server, port=1), full), "connection_refused", errno.ECONNREFUSED),
        (("backup", conninfo(server, host="/nowhere"), full), "not_found", errno.ENOENT),
        (("backup", conninfo(server, host="no-such-host.invalid"), full), "host_unknown", 0),
        (("backup", conninfo(server, user="backup", password="wrong"), full), "wrong_password", 0),
        (("logical", conninfo(server, user="backup", password="right", dbname="absent"), full),
         "database_not_found", 0),
        (("backup", f"{right} target_session_attrs=standby", full), "session_not_wanted", 0),
    ]
    for words, reason, number in cases:
        failed = program(*words)
        found = values_of(failed)
        assert failed.rc == 1 and (found["reason"], found["errno"]) == (reason, str(number)), failed


@pytest.mark.majors(15)
@pytest.mark.parametrize("compression,complaint", [
    ("brotli", "unknown"), ("zstd:99", "level"), ("gzip:", "is not a level"),
    ("gzip:3x", "is not a level")])
def test_a_compression_that_makes_no_sense_is_refused(program, shared_server, workdir, compression,
                                                      complaint, major):
    failed = program("logical", conninfo(shared_server), workdir, compression)
    assert failed.rc == 1 and complaint in failed.stdout


@pytest.mark.majors(15)
def test_a_function_that_fails_ends_the_backup_with_its_words(program, servers, workdir, major):
    server = servers.create(major)
    (workdir / "whole").mkdir()
    calls = int(values_of(program("store", conninfo(server), workdir / "whole").check())["calls"])
    for n in (1, 2, 3, 50, calls // 2):
        folder = workdir / f"folder-{n}"
        folder.mkdir()
        result = program("store", conninfo(server), folder, n)
        found = values_of(result)
        assert result.rc == 1 and found["error"] == f"refused: call {n} is one too many", result
        assert (found["calls"], found["aborted"]) == (str(n), "1")
        oracles.wait_for_nothing_left(server)
    (workdir / "at-the-end").mkdir()
    result = program("store", conninfo(server), workdir / "at-the-end", "finish")
    assert result.rc == 1 and 'error io: the program\'s function "finish" failed' in result.stdout
    assert values_of(result)["aborted"] == "1"
    oracles.wait_for_nothing_left(server)


@pytest.mark.majors(15, 18)
def test_every_store_and_every_way_back(program, pgcask, servers, workdir, major):
    server = servers.create(major)
    folders = builders.tablespaces(server, names=["one"])
    live = oracles.all_sums(server)
    targets = [workdir / "backup", workdir / "backup.tar", workdir / "piped.tar"]
    for target in targets[:2]:
        program("backup", conninfo(server), target).check()
    with open(targets[2], "wb") as out:
        program("backup", conninfo(server), "-", stdout=out).check()
    server.stop()
    for target in targets:
        pgcask("verify", target).check()
        found = values_of(program("verify", target).check())
        assert found["problems"] == "0" and int(found["files"]) > 900
        assert int(found["read"]) > 10**7
        assert int(found["total"]) >= int(found["read"]) - 10**6, "not known beforehand"
    manifest = (targets[0] / "data/backup_manifest").read_text()
    assert '"SHA256"' in manifest
    label = (targets[0] / "data/backup_label").read_text()
    assert "LABEL: from a program" in label

    data = workdir / "data"
    with open(targets[2], "rb") as piped:
        program("restore", "-", data, folders["one"], workdir / "mapped", stdin=piped).check()
    [link] = (data / "pg_tblspc").iterdir()
    assert link.readlink() == workdir / "mapped"
    program("restore", targets[1], data, "replace").check()
    oracles.verifybackup(data, major).check()
    assert oracles.all_sums(servers.start_restored(data, major)) == live

    assert values_of(program("relocate", targets[0] / "data").check()) == {"changed": "1"}


@pytest.mark.majors(15)
def test_damage_is_named_and_nothing_is_restored(program, servers, workdir, major):
    server = servers.create(major)
    program("backup", conninfo(server), workdir / "backup").check()
    path = next(p for p in sorted((workdir / "backup/data/base").rglob("*"))
                if p.is_file() and p.stat().st_size > 8000)
    (workdir / "backup/data/stranger").write_text("?")
    oracles.flip_byte(path)
    result = program("verify", workdir / "backup")
    assert result.rc == 1 and "error corrupt:" in result.stdout, result
    assert re.search(rf"^problem /{path.relative_to(workdir / 'backup')}: .*\(changed\)$",
                     result.stdout, re.M)
    assert re.search(r"^problem /data/stranger: .*\(unexpected\)$", result.stdout, re.M)
    result = program("restore", workdir / "backup", workdir / "data")
    assert result.rc == 1 and "error corrupt:" in result.stdout, result
    assert not (workdir / "data").exists()


# ---- Stopping --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def busy_server(module_servers, major):
    """Its spread checkpoints take most of an hour."""
    server = module_servers.create(major, conf={"checkpoint_timeout": "1h"})
    builders.fill(server, mb=20)
    return server


@pytest.mark.majors(13, 15, 18)
@pytest.mark.parametrize("phase,after", [
    ("manifest", 0), ("checkpoint", 0), ("copying", 0), ("copying", 4000000)])
def test_another_thread_stops_it_and_nothing_is_left(program, busy_server, workdir, phase, after):
    server = busy_server
    server.sql("UPDATE filler SET n = n + 1 WHERE id % 10 = 0")  # something for the checkpoint
    start = time.monotonic()
    result = program("cancel", conninfo(server), workdir / "backup", phase, after)
    assert result.rc == 1 and result.stdout.startswith("error cancelled: "), result
    assert time.monotonic() - start < 20
    oracles.wait_for_nothing_left(server)
    assert not list(workdir.iterdir())


# ---- Threads ---------------------------------------------------------------------------------


@pytest.mark.majors(13, 18)
def test_two_threads_back_up_at_once(program, pgcask, servers, workdir, major):
    server = servers.create(major)
    builders.fill(server, mb=10)
    names = [workdir / "one", workdir / "two"]
    for name in names:
        name.mkdir()
    result = program("several", conninfo(server), names[0], 0, names[1], 0).check()
    assert result.stdout == "done 1 \ndone 1 \ncancelled 0\n"
    for name in names:
        pgcask("verify", name).check()
        oracles.verifybackup(name / "data", major).check()
    oracles.wait_for_nothing_left(server)


@pytest.mark.majors(15)
def test_one_threads_failure_is_not_the_others(program, pgcask, servers, workdir, major):
    server = servers.create(major)
    for name in ("one", "two", "three"):
        (workdir / name).mkdir()
    result = program("several", conninfo(server), workdir / "one", 300, workdir / "two", 0,
                     workdir / "three", 3).check()
    assert result.stdout == ("done 0 call 300 is one too many\ndone 1 \n"
                             "done 0 call 3 is one too many\ncancelled 0\n")
    pgcask("verify", workdir / "two").check()
    oracles.wait_for_nothing_left(server)


# ---- Passwords, sessions, questions ----------------------------------------------------------


@pytest.mark.majors(13, 15, 18)
def test_a_function_is_asked_for_the_password(program, servers, workdir, major):
    server = servers.create(major, auth="scram-sha-256")
    server.sql("ALTER ROLE postgres PASSWORD 'the password'")
    nothing = conninfo(server, passfile="/nowhere")
    result = program("ping", nothing, "the password").check()
    found = values_of(result)
    assert (found["asked"], found["last"]) == ("2", "0")  # for each of the two sessions
    assert found["replication"].strip() == "1" and found["sql"].strip() == "1"

    result = program("ping", nothing, "wrong")
    assert result.rc == 1 and re.search("^error (server|authentication): ", result.stdout, re.M)
    result = program("ping", nothing, "")
    assert result.rc == 1 and values_of(result)["last"] == "1", result
    result = program("ping", nothing, "-")
    assert result.rc == 1 and "the vault is closed for postgres" in result.stdout, result


@pytest.mark.majors(13, 15, 18)
def test_the_environment_of_the_program_is_left_alone(program, servers, workdir, major):
    server = servers.create(major)
    env = {"PGHOST": "192.0.2.1", "PGUSER": "nobody", "PGPASSWORD": "x", "PGSSLMODE": "verify-full",
           "PGSERVICE": "none", "PGOPTIONS": "-c nonsense=1"}
    found = values_of(program("ping", conninfo(server), env=env).check())
    assert found["user"] == "postgres" and found["tls"] == "0"
    assert int(found["server"]) // 10000 == major


@pytest.mark.majors(13, 15, 18)
def test_sessions_are_told_when_they_open_and_close(program, servers, major):
    server = servers.create(major)
    said = program("ping", conninfo(server)).check().stdout
    opened = re.findall(r"^opened (\d+) (\d+) (\d+) (\d+)$", said, re.M)
    assert len(opened) == 2
    assert {pid for pid, *_ in opened} == set(re.findall(r"^closed (\d+)$", said, re.M))
    for pid, key, address, encryption in opened:
        assert int(pid) > 1 and 4 <= int(key) <= 256 and int(address) == 16 and encryption == "0"


@pytest.mark.majors(15)
def test_preflight_tells_what_is_missing(program, servers, major):
    server = servers.create(major)
    server.sql("CREATE ROLE reader LOGIN")
    result = program("preflight", conninfo(server, user="reader"))
    assert result.rc == 0 and "finding fatal: " in result.stdout, result
    assert "ALTER ROLE" in result.stdout
    server.sql("CREATE TABLE of_postgres AS SELECT 1 AS n")
    result = program("preflight", conninfo(server, user="reader", dbname="postgres"), "logical")
    assert result.rc == 0 and re.search("^finding fatal: .*of_postgres", result.stdout, re.M), result
    result = program("preflight", conninfo(server, dbname="postgres"), "logical").check()
    assert "fatal" not in result.stdout
    fine = program("preflight", conninfo(server)).check().stdout
    assert "fatal" not in fine and int(re.search(r"^estimated (\d+)$", fine, re.M)[1]) > 10**6


@pytest.mark.majors(15, 18)
def test_a_killed_program_leaves_no_query_behind(program, servers, workdir, major):
    """Without a guardian: the server sees by itself that nobody is there."""
    server = servers.create(major)
    (workdir / "backup").mkdir()
    with server.session() as holder:
        holder.sql("BEGIN; LOCK TABLE pg_catalog.pg_attrdef IN ACCESS EXCLUSIVE MODE")
        with process.Process([program.path, "store", conninfo(server),
                              workdir / "backup"]) as running:
            oracles.wait_for_sessions(server, lambda found: any(
                lock[3] == "f" for lock in found.locks))
            running.send_signal(signal.SIGKILL)
            oracles.wait_for_nothing_left(server)
