"""Every command that is printed anywhere (documents, manual page, help texts, Makefile, packaging,
heads of scripts) is run by a test exactly as it is printed, or stands in printed_not_run.txt with the
reason why not.

The manual page's examples and docs/connections.md are run here, on a machine of their own (see
pgcask_testing/sandbox.py) with a cluster as Debian lays it out; what the other pages print, by the
tests that COVERED names.
"""

import itertools
import os
import re
import shlex

import pytest

from pgcask_testing import paths, printed, process, sandbox, temp, tree

HERE = paths.REPO / "tests/integration"
PASSWORD = "…"  # as the pages write it


def not_run():
    """{command: reason}"""
    reasons, waiting = {}, []
    for line in (HERE / "printed_not_run.txt").read_text().splitlines():
        if line.startswith("    "):
            for command in waiting:
                reasons[command] = reasons.get(command, "") + line.strip() + " "
        elif not line or line.startswith("#"):
            waiting = []
        else:
            waiting.append(line)
            reasons[line] = ""
    return reasons


# ---- Who runs what ---------------------------------------------------------------------------


def is_usage_line(command):
    return command.text.startswith("pgcask ") and re.search(
        r"\[|\b(SOURCE|URI|COMMAND)\b|^pgcask version$|\w\|\w", command.text) is not None


def is_mention(command):
    """`pgcask verify`, `plakar source show`: a program's command without what it is given."""
    return command.text == "pgcask version --json" or not command.block and re.fullmatch(
        r"(pgcask|plakar)( [a-z]+){1,2}", command.text)


def is_make(command):
    return re.fullmatch(r"make( [a-z0-9]+)?", command.text) and command.text != "make test"


def is_step_of_scripts_test(command):
    """scripts/test runs it, as CI does: `step "…" COMMAND`, with a value for each word in capitals."""
    words = re.sub(r"\[.*?\]", "", command.text).split()
    pattern = r"\s+".join(r"[\d.]+" if word.isupper() else re.escape(word) for word in words)
    pattern = pattern.replace("scripts/fuzz", r"scripts/fuzz(?: --(?:seed|runs) \d+)*")
    pattern = pattern.replace("scripts/demo", "make demo")
    return command.text != "scripts/test" and re.search(
        rf'^step "[^"]*" {pattern}( \|\| finish)?$', (paths.REPO / "scripts/test").read_text(), re.M)


def is_part_of_scripts_check(command):
    """scripts/check runs it, with something for each word in capitals."""
    words = re.sub(r"\[.*?\]", "", command.text).split()
    pattern = r"\s+".join(r"\S+" if word.isupper() else re.escape(word) for word in words)
    if not command.block and len(words) == 1:  # a sentence speaks of it
        pattern += r"(?: \S+)*"
    return re.search(rf'^part "[^"]*" {pattern}$', (paths.REPO / "scripts/check").read_text(), re.M)


def of(*files, block=None):
    return lambda command: command.where in files and block in (None, command.block)


def exactly(*texts):
    return lambda command: command.text in texts


COVERED = [
    (is_usage_line, "test_printed_commands.py::test_usage_lines_are_true"),
    (is_mention, "test_printed_commands.py::test_commands_that_sentences_speak_of_are_there"),
    (is_make, "test_make.py::test_every_target_is_run_or_there_is_a_reason"),
    (is_step_of_scripts_test, "../../scripts/test"),
    (is_part_of_scripts_check, "../../scripts/check"),
    (of("tests/README.md", block=True), "test_printed_commands.py::test_one_test_is_run"),
    (exactly("scripts/shape --longest"), "test_printed_commands.py::test_the_longest_are_told"),
    (exactly("make deb ARCH=arm64"), "test_arm64.py::test_the_debian_package_holds_it"),
    (exactly("make package ARCH=arm64"),
     "test_arm64.py::test_plakars_package_holds_it_and_plakar_runs_it"),
    (of("README.md"), "test_readme.py::test_every_step_is_taken"),
    (of("docs/plakar.md", block=True), "test_plakar_docs.py::test_the_commands_print_what_the_page_says"),
    (of("docs/library.md", block=True),
     "test_printed_commands.py::test_the_librarys_page_is_followed"),
    (of("docs/connections.md"), "test_printed_commands.py::test_connections_md_is_followed"),
    (of("docs/restore.md", block=True), "test_printed_commands.py::test_restore_md_is_followed"),
    (exactly("pg_restore -f", "pg_restore -f -"), "test_restore_sql.py::test_the_script_is_pg_restores"),
    (of("man/pgcask.1", block=True), "test_printed_commands.py::test_the_manual_pages_examples_work"),
    (of("examples/embed.c"),
     "test_library.py::test_the_example_keeps_a_cluster_in_a_file_of_its_own"),
    (exactly("plakar pkg rm postgresql", "plakar pkg build ./packaging/plakar/recipe.yaml"),
     "test_plakar.py::test_plakar_builds_the_package_from_a_tag"),
    (exactly("plakar prune -group-by origin -per-day 7"),
     "test_plakar_sources.py::test_databases_of_one_server_keep_their_own_snapshots"),
    (exactly("plakar restore -to postgres://…"),
     "test_plakar.py::test_a_cluster_is_not_restored_into_a_server"),
    (exactly("pg_ctl -o"),
     "test_readme.py::test_the_line_that_restore_prints_starts_the_server"),
    (exactly("pg_restore -l"), "test_logical.py::test_every_way_of_restoring_works"),
    (exactly("pg_restore -j"),
     "test_library.py::test_a_logical_backup_through_functions_is_whole"),
    (exactly("chown -R"), "test_printed_commands.py::test_what_sentences_advise_is_right"),
    (of("fuzz/make_seeds.py"), "test_printed_commands.py::test_the_seeds_are_made"),
    (exactly("pg_restore -Fd", "pg_restore --list"), "test_logical_layouts.py"),
    (exactly("include table shop.*", "exclude table_data log",
             "shop.orders=placed > now() - interval '1 year'"),
     "test_logical_filters.py::test_the_examples_of_the_help_do_what_they_say"),
    (of("bench/logical", "bench/physical", "bench/large-objects", "bench/restore", "bench/plakar",
        "bench/plakar-many-files"), "test_printed_commands.py::test_a_benchmark_runs"),
    (lambda each: each.where == "packaging/systemd/pgcask-backup@.service"
     and not each.text.startswith("systemctl"),
     "test_packaging.py::test_the_package_is_installed_and_its_units_are_followed"),
    (of("docs/installing.md", block=True), "test_packaging.py::test_the_page_is_followed"),
    (exactly("source <(pgcask completion bash)"),
     "test_completion.py::test_every_command_is_completed"),
    (of("tests/servers/stock"), "test_printed_commands.py::test_a_stock_tool_is_run"),
]


def runner_of(command):
    return next((test for matches, test in COVERED if matches(command)), None)


@pytest.fixture(scope="module")
def everything(pgcask_path):
    return printed.all_commands(pgcask_path)


def test_every_printed_command_is_run_or_there_is_a_reason(everything):
    reasons = not_run()
    unknown = [str(each) for each in everything
               if runner_of(each) is None and each.text not in reasons]
    assert not unknown, "run them as they are printed, or tell why not in printed_not_run.txt"


def test_the_reasons_are_of_commands_that_are_printed(everything):
    reasons = not_run()
    assert all(len(reason) > 15 for reason in reasons.values())
    assert set(reasons) <= {each.text for each in everything}


def test_the_tests_that_are_named_are_there(everything):
    for matches, test in COVERED:
        assert any(matches(each) for each in everything), f"{test}: nothing is printed for it"
        file, _, name = test.partition("::")
        assert name == "" or f"def {name}(" in (HERE / file).read_text(), test


NO_COMMANDS = re.compile(
    r"postgres(\+bin|\+aws)?://|[\w-]+=|\[|#|--fault|find_package|target_link_libraries|hostssl |"
    r"[\w.]+:\d+:|.* ◀──|.*──wire|(physical|logical|crash|faults|leftover|exit|file_write|\| pgcask)")


def test_no_program_is_overlooked():
    strange = [str(each) for each in printed.strangers() if not NO_COMMANDS.match(each.text)
               and not each.text.startswith("… ")]
    assert not strange, "a program for printed.PROGRAMS, or something else for NO_COMMANDS?"


def test_the_extractor_sees_what_is_there():
    text = "a `make x` b\n\n    pgcask backup a \\\n        --to b    # c\n\n```console\n$ ls -l\nx\n```\n"
    assert [(each.text, each.block) for each in printed.markdown("x.md", text)] == [
        ("pgcask backup a --to b", True), ("ls -l", True), ("make x", False)]
    page = ".nf\n    pgcask verify \\-\n.fi\nsee\n.B pgcask list x\nand\n.BR pg_restore (1)\n"
    assert [each.text for each in printed.manual_page("x.1", page)] == [
        "pgcask verify -", "pgcask list x", "pg_restore(1)"]


# ---- The machine -----------------------------------------------------------------------------

TOKEN = """#!/bin/sh
case "$*" in
    'rds generate-db-auth-token --hostname db.example.org --port 5432 --username backup') ;;
    'backup') ;;
    *) echo "what is $*?" >&2; exit 1 ;;
esac
echo '…'
"""


SSH = """#!/bin/sh
[ "$1" = vault ] && cd /tmp && exec sh -c "$2"
"""


@pytest.fixture(scope="module")
def machine(pgcask_path):
    """Debian's cluster; names of hosts that are this machine; programs of elsewhere, stood in for:
    aws and token print the password, `ssh vault` runs a shell here."""
    hosts = {name: "10.0.0.7" for name in (
        "db.example.org", "new.example.org", "a.example.org", "b.example.org", "db1", "db2", "vault")}
    folder = temp.new_dir("machine")
    with sandbox.Sandbox(folder, hosts) as made:
        made.program("/usr/local/bin/pgcask", pgcask_path)
        made.program("/usr/local/bin/aws", TOKEN)
        made.program("/usr/local/bin/token", TOKEN)
        made.program("/usr/local/bin/ssh", SSH)
        root = made.root = made.shell()
        sandbox.debian_cluster(root, {"listen_addresses": "*"})
        root.check("mkdir -p /backups /srv /mnt/nvme /var/fast && chown postgres /backups /srv "
                   "/mnt /mnt/nvme /var/fast")
        made.user = made.shell("postgres", "/var/lib/postgresql")
        made.user.check("psql -c \"CREATE TABLESPACE fast LOCATION '/var/fast'\" -c \"CREATE TABLE t"
                        " TABLESPACE fast AS SELECT 1 AS x\" -c \"ALTER ROLE postgres PASSWORD '…'\"")
        add_hba(made, *hba_lines("docs/plakar.md"))
        yield made
    temp.remove(folder)


def hba_lines(page):
    return re.findall(r"^ +(hostssl .*)$", (paths.REPO / page).read_text(), re.M)


def add_hba(machine, line):
    """With one line for this address, as a page prints it, and no other."""
    folder = machine.user.check("psql -At -c 'SHOW hba_file'").strip()
    machine.root.check(f"echo {shlex.quote(line)} >>{folder}")
    machine.user.check("psql -c 'SELECT pg_reload_conf()'")


def make_role(machine, statement):
    machine.user.run("psql -c 'DROP ROLE IF EXISTS backup'")
    machine.user.check(f'psql -c "{statement}" -c "GRANT pg_monitor TO backup"')


ROLE = f"CREATE ROLE backup LOGIN REPLICATION PASSWORD '{PASSWORD}';"


def verify_the_cluster_starts(machine, data):
    """Debian's own server starts on it, with the configuration in it or Debian's."""
    config = ("" if machine.path(f"{data}/postgresql.conf").exists()
              else "-c config_file=/etc/postgresql/15/main/postgresql.conf")
    machine.user.check(
        f"/usr/lib/postgresql/15/bin/pg_ctl -w -D {data} -l /tmp/log-of-it -o '-p 5499 {config} "
        f"-c data_directory={data} -c external_pid_file=' start")
    assert machine.user.check("psql -p 5499 -At -c 'SELECT x FROM t'") == "1\n"
    machine.user.check(f"/usr/lib/postgresql/15/bin/pg_ctl -D {data} -m fast stop")


def test_the_manual_pages_examples_work(machine):
    commands = [each.text for each in printed.commands_of("man/pgcask.1") if each.block]
    [role] = [each for each in commands if each.startswith("CREATE ROLE")]
    make_role(machine, role)
    password = re.search("PASSWORD '(.*)'", role)[1]
    machine.user.check(f"echo '*:*:*:backup:{password}' >~/.pgpass; chmod 0600 ~/.pgpass")
    machine.user.check("cd /tmp")
    for command in commands:
        if command == role:
            continue
        if command.startswith("pg_ctl "):
            verify_the_cluster_starts(machine, command.split()[2])
            continue
        if "token" in command:  # the same target once more; the token is another password
            machine.user.check("rm -rf /backups/monday; rm ~/.pgpass")
            make_role(machine, ROLE)
        if " monday.tar " in command:
            machine.user.check("zstd -qd monday.tar.zst")
        machine.user.check(command)
    assert machine.path("/srv/pg/global/pg_control").exists()
    assert machine.path("/mnt/nvme/fast").is_dir()


def test_connections_md_is_followed(machine, authority):
    certificate, key = authority.issue("machine", "db.example.org", ["DNS:db.example.org"])
    for source, name in ((certificate, "server.crt"), (key, "server.key")):
        machine.path(f"/etc/{name}").write_bytes(source.read_bytes())
    machine.root.check("chown postgres /etc/server.key && chmod 0600 /etc/server.key")
    machine.user.check("mkdir -p ~/.postgresql && psql -c \"ALTER SYSTEM SET ssl_cert_file = "
                       "'/etc/server.crt'\" -c \"ALTER SYSTEM SET ssl_key_file = '/etc/server.key'\" "
                       "-c 'SELECT pg_reload_conf()' -c 'CREATE DATABASE shop'")
    machine.path("/var/lib/postgresql/.postgresql/root.crt").write_bytes(authority.root.read_bytes())
    make_role(machine, ROLE)
    machine.user.check("export HOST=db.example.org; rm -rf ~/.pgpass /mnt/monday")
    text = (paths.REPO / "docs/connections.md").read_text()
    run = [each.text for each in printed.commands_of("docs/connections.md")
           if each.block and "postgres+aws://" not in each.text]
    assert len(run) >= 1
    for command in run:
        machine.user.check(command)

    machine.user.check(f"echo '*:*:*:backup:{PASSWORD}' >~/.pgpass")
    ignored = machine.user.run("pgcask ping 'host=db.example.org dbname=shop user=backup' --no-password")
    assert ignored[0] == 1  # everybody may read it
    machine.user.check("chmod 0600 ~/.pgpass")  # as the page says
    strings, service = [
        [line.strip() for line in lines] for language, lines in printed.markdown_blocks(text)
        if language == "indented" and not printed.is_command(lines[0].strip())]
    assert len(strings) >= 3
    for line in strings:
        string = re.split(r"\s{2,}", line)[0]
        if string.startswith("postgres+aws://"):
            continue
        machine.user.check(f"pgcask ping {shlex.quote(string)}")
    [name] = [line.strip("[]") for line in service if line.startswith("[")]
    machine.path("/var/lib/postgresql/.pg_service.conf").write_text("\n".join(service) + "\n")
    machine.user.check(f"pgcask ping 'service={name}'")
    [wrapped] = re.findall(r"`(sh -c '…')`", text)
    machine.user.check("rm ~/.pgpass; pgcask ping 'host=db.example.org dbname=shop user=backup' "
                       f"--password-command {shlex.quote(wrapped.replace('…', 'echo …'))}")


SHOP = """
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
    INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 200) i;
    CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, placed date);
    INSERT INTO orders SELECT i, 1 + i % 200, '2026-01-01' FROM generate_series(1, 5000) i;
    CREATE INDEX ON orders (placed); GRANT SELECT ON orders TO app;
"""
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
# What depends on time, on the machine, or on what other tests have made.
VARYING = [(r" in \d+(\.\d+)? ?m?s\b", " in 0.1s")]


def unvaried(text):
    lines = [line for line in text.splitlines()
             if not re.match(r"pgcask: (looking at the server|checking the backup|restoring|reading|"
                             r"writing SQL)\b", line)]
    text = "".join(line + "\n" for line in lines)
    for pattern, one in VARYING:
        text = re.sub(pattern, one, text)
    return text


def comparable(text):
    """Without the roles and tablespaces that other tests have made."""
    text = re.sub(r"restored \d+ (objects|statements)", r"restored some \1", unvaried(text))
    return re.sub(r"(?m)^(roles|tablespaces): .*$", r"\1: some", text)


def test_restore_md_is_followed(machine):
    user, page = machine.user, paths.REPO / "docs/restore.md"
    for name in ("postgres", "app"):
        add_hba(machine, f"host all {name} 10.0.0.7/32 scram-sha-256")
    user.check(f"cd; echo '*:*:*:*:{PASSWORD}' >~/.pgpass; chmod 0600 ~/.pgpass; rm -rf /tmp/page; "
               "mkdir /tmp/page; cd /tmp/page; psql -c 'DROP DATABASE IF EXISTS shop' "
               f"-c \"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'\"")
    for name in ("shop", "odd", "for_app"):
        user.check(f"psql -c 'CREATE DATABASE {name}'")
    user.check(f"psql -d shop -c {shlex.quote(SHOP)}; psql -d odd -c 'CREATE VIEW orders AS SELECT 1'; "
               "psql -c 'ALTER DATABASE for_app OWNER TO app'")
    text, blocks = page.read_text(), []
    for block in CONSOLE.findall(text):
        said = ""
        for command in re.findall(r"^\$ (.*)$", block, re.M):
            status, output = user.run(command)
            assert status == (3 if "/odd " in command else
                              1 if command.endswith("new.example.org/") else 0), (command, output)
            said += f"$ {command}\n" + output
            if command.startswith("pgcask backup postgres://postgres@db.example.org/shop "):
                user.check("psql -c 'DROP DATABASE shop'")  # on the new server it is not there
        blocks.append((block, said))
    assert len(blocks) > 10
    if os.environ.get("PGCASK_REWRITE_DOCS", "") not in ("", "0"):
        for block, said in blocks:
            text = text.replace(f"```console\n{block}```", f"```console\n{unvaried(said)}```")
        page.write_text(text)
    assert [comparable(block) for block, _ in blocks] == [comparable(said) for _, said in blocks]
    assert user.check("psql -At -d shop -c 'SELECT count(*) FROM orders'") == "5000\n"


def test_what_sentences_advise_is_right(machine):
    """`chown -R` the result, where it was restored by another user."""
    assert "`chown -R` the result" in (paths.REPO / "docs/plakar.md").read_text()
    machine.root.check("mkdir -p /tmp/result && touch /tmp/result/file")
    assert machine.user.run("touch -m /tmp/result/file")[0] == 1
    machine.root.check("chown -R postgres /tmp/result")
    machine.user.check("touch -m /tmp/result/file")


# ---- Help texts ------------------------------------------------------------------------------


def choices(line):
    """Every way of a usage line: with and without what stands in brackets, each alternative."""
    words = []
    for word in re.findall(r"\[[^\]]*\](?:\.\.\.)?|\S+", line):
        if word.startswith("["):
            inner = word.strip("[].")
            words.append([[]] if inner == "OPTION" else [[], [inner]])
        else:
            words.append([[each] for each in word.split("|")])
    for chosen in itertools.product(*words):
        yield [word for part in chosen for word in part]


def test_usage_lines_are_true(machine, everything):
    lines = {each.text for each in everything if is_usage_line(each)}
    assert len(lines) >= 8
    make_role(machine, ROLE)
    machine.user.check(f"echo '*:*:*:backup:{PASSWORD}' >~/.pgpass; chmod 0600 ~/.pgpass; "
                       "rm -rf /tmp/usage; mkdir /tmp/usage; cd /tmp/usage")
    uri = "postgres+bin://backup@db.example.org/"
    for suffix in ("", ".tar"):
        machine.user.check(f"pgcask backup {uri} --to backup{suffix} --quiet")
    machine.user.check("pgcask restore backup --to data --quiet")
    values = {"SOURCE-URI": [uri], "URI": [uri], "DIR": ["new"], "FILE.tar": ["new.tar"],
              "SOURCE": ["backup", "backup.tar", "- <backup.tar"], "DATA-DIRECTORY": ["data"],
              "COMMAND": ["verify"], "-": ["- >/dev/null"], "FILE.sql": ["new.sql"],
              "postgres://…": [uri]}
    # Of a logical backup the same goes into a server, or becomes SQL.
    add_hba(machine, "host all postgres 10.0.0.7/32 scram-sha-256")
    machine.user.check(f"echo '*:*:*:postgres:{PASSWORD}' >>~/.pgpass; psql -c 'CREATE DATABASE used'")
    used = "postgres://postgres@db.example.org/used"
    machine.user.check(f"psql -d used -c 'CREATE TABLE u AS SELECT 1'; pgcask backup {used} --to logical"
                       f" --quiet && pgcask backup {used} --to logical.tar --quiet")
    logical = {"backup": "logical", "backup.tar": "logical.tar", "- <backup.tar": "- <logical.tar",
               uri: used}
    restored = set()
    for line in sorted(lines):
        for words in choices(line):
            for filled in itertools.product(*[values.get(word, [word]) for word in words]):
                if filled[1] == "restore" and {uri, "new.sql", "- >/dev/null"} & set(filled):
                    filled = [logical.get(word, word) for word in filled]
                    machine.user.check("psql -c 'DROP DATABASE used' -c 'CREATE DATABASE used'")
                    restored |= set(filled)
                elif filled[1] == "restore":
                    filled = [word if word != "data" else "new" for word in filled]
                assert not re.search(r"\b[A-Z]{3,}\b", " ".join(filled)), line
                machine.user.check("rm -rf new*; " + " ".join(filled))
                if used in filled and filled[1] == "restore":
                    assert machine.user.check("psql -At -d used -c 'TABLE u'") == "1\n"
    assert {used, "new.sql", "- >/dev/null", *list(logical.values())} <= restored


def test_commands_that_sentences_speak_of_are_there(pgcask, everything, workdir):
    mentions = {each.text for each in everything if is_mention(each)}
    assert len(mentions) > 5
    for mention in mentions:
        program, *words = mention.split()
        if words == ["version", "--json"]:
            pgcask(*words).check()
        elif program == "pgcask" and words != ["plakar"]:
            pgcask("help", *words).check()
        elif program == "plakar":
            said = process.run([paths.cache_dir() / "plakar/bin/plakar", "help", words[0]],
                               env={"HOME": workdir}).check().stdout
            assert all(word in said for word in words), mention


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "docs/connections.md",
                                  "docs/restore.md", "docs/architecture.md"])
def test_options_that_a_page_speaks_of_are_there(pgcask, page):
    reference = pgcask("options-reference").check().stdout
    told = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", (paths.REPO / page).read_text()))
    others = {"hostname", "port", "username", "jobs"}  # of aws
    assert told - others <= set(re.findall(r"`--([a-z-]+)", reference))


# ---- The library's page ----------------------------------------------------------------------


def test_the_librarys_page_is_followed(machine, pgcask_path):
    commands = [each.text for each in printed.commands_of("docs/library.md") if each.block]
    assert [each.split()[0] for each in commands] == ["cmake"] * 3 + ["ldconfig", "cc"]
    if not (paths.REPO / "build/release/CMakeCache.txt").exists():
        pytest.skip("build/release is not there")
    make_role(machine, ROLE)
    page = (paths.REPO / "docs/library.md").read_text()
    machine.root.check(f"cd {paths.REPO}")
    machine.path(paths.REPO / "backup.c").write_text(re.search(r"(?ms)^```c\n(.*?)^```$", page)[1])
    for command in commands:
        machine.root.check(command, timeout=600)
    machine.root.check(f"cd {paths.REPO} && cp backup /usr/local/bin/embedding")
    machine.user.check("rm -rf /tmp/embedded; embedding 'host=db.example.org user=backup "
                       f"password={PASSWORD}' /tmp/embedded && pgcask verify /tmp/embedded")


# ---- Scripts ---------------------------------------------------------------------------------


def test_the_seeds_are_made(workdir):
    clone = tree.copy(workdir / "clone")
    before = {path.relative_to(clone): path.read_bytes()
              for path in (clone / "fuzz/seeds").rglob("*") if path.is_file()}
    for path in before:
        if path.parts[2] in ("archive", "session", "base_backup"):
            (clone / path).unlink()
    process.run([clone / "fuzz/make_seeds.py"], cwd=clone).check()
    after = {path.relative_to(clone): path.read_bytes()
             for path in (clone / "fuzz/seeds").rglob("*") if path.is_file()}
    assert set(after) == set(before)


@pytest.mark.parametrize("name, more", [
    ("logical", []), ("physical", []), ("large-objects", []), ("restore", ["--work=data"]),
    # Its stand-in of the official integration is built of Go modules: not here.
    ("plakar", ["--official=none", "--layout=tables", "--work=logical", "--work=physical"]),
    ("plakar-many-files", ["--concurrency=2"])])
def test_a_benchmark_runs(name, more, pgcask_path, workdir):
    """With every option that its head's first line names."""
    head = (paths.REPO / f"bench/{name}").read_text().split('"""')[1]
    [usage] = re.findall(rf"^ +(bench/{name} .*)$", head, re.M)
    values = {"--major": 15, "--gb": 0.02, "--thousands": 1, "--pairs": 1, "--pgcask": pgcask_path,
              "--json": workdir / "figures.json", "--jobs": 2, "--rounds": 1, "--files": 1000, "--cpu": 2}
    usage = usage.replace("[--work NAME]", "")
    options = re.findall(r"\[(--\w+) \w+\]", usage)
    assert set(options) <= set(values) and len(options) > 2
    words = re.findall(r"\[(--\w+)\]", usage) + [str(word) for option in options for word in (option, values[option])]
    done = process.run([paths.REPO / f"bench/{name}", *words, *more], timeout=300,
                       env={"PGCASK_TEST_TMP": workdir}).check()
    assert "pgcask" in done.stdout
    assert "--json" not in options or (workdir / "figures.json").stat().st_size > 100


def test_the_longest_are_told():
    told = process.run([paths.REPO / "scripts/shape", "--longest"]).check().stdout.splitlines()
    assert len(told) == 20 and all(re.match(r" +\d+ src/", line) for line in told)


@pytest.mark.parametrize("command", [
    each.text for each in printed.commands_of("tests/README.md") if each.block])
def test_one_test_is_run(command):
    for program in re.findall(r"build/\w+", command) or re.findall(r"--preset (\w+)", command):
        if not (paths.REPO / "build" / program.removeprefix("build/") / "tests").exists():
            pytest.skip(f"{program} is not built")
    ran = process.run(shlex.split(command), cwd=paths.REPO, timeout=300, env={"HOME": temp.root()})
    assert re.search(r"100% tests passed|[1-9]\d* passed|PASSED", ran.check().stdout + ran.stderr)


def test_a_stock_tool_is_run(machine):
    [command] = [each.text for each in printed.commands_of("tests/servers/stock")
                 if "MAJOR" not in each.text]
    make_role(machine, ROLE)
    machine.user.check(f"echo '*:*:*:backup:{PASSWORD}' >~/.pgpass; chmod 0600 ~/.pgpass; rm -rf "
                       "/tmp/whole; pgcask backup postgres+bin://backup@db.example.org/ --to /tmp/whole"
                       " && ln -s /tmp/whole/data /tmp/backup")
    root = machine.shell(PGCASK_TEST_CACHE=paths.cache_dir())
    assert "successfully verified" in root.check(f"cd {paths.REPO} && {command}")
