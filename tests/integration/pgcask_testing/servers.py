"""Throwaway PostgreSQL clusters of every supported major."""

import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time
import urllib.parse

from . import load, paths, process, psql, temp

# Small and quick rather than durable. A test that needs otherwise says so with conf=….
DEFAULT_CONF = {
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_wal_size": "256MB",
    "max_connections": "50",
    "log_line_prefix": "%m [%p] %q%a ",
    "log_checkpoints": "off",
    "wal_level": "replica",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# PostgreSQL writes one of these on the last line of postmaster.pid when it takes connections.
READY = ("ready", "standby")


class ServerError(AssertionError):
    pass


class Server:
    """One cluster: its data directory, and its postmaster while it runs.

    Several servers may run at once. Each has a port on 127.0.0.1 and a socket folder of its own.
    """

    superuser = "postgres"

    def __init__(self, major, flavour, datadir, start_options=None):
        """datadir must exist. start_options: settings given on the command line at each start;
        they win over the cluster's own files and do not travel with a backup."""
        self.major = major
        self.flavour = flavour
        self.bin = paths.server_bin(major, flavour)
        self.datadir = pathlib.Path(datadir)
        self.start_options = dict(start_options or {})
        self.socket_dir = temp.new_dir("s")
        process.give_to_server(self.socket_dir)
        self.log_path = self.socket_dir / "log"
        self.port = free_port()
        self._postmaster = None
        self._loads = []

    def __repr__(self):
        return f"<Server {self.major} {self.flavour} port {self.port} {self.datadir}>"

    # Running it

    @property
    def running(self):
        return self._postmaster is not None and self._postmaster.poll() is None

    @property
    def pid(self):
        return self._postmaster.pid if self.running else None

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self, timeout=120, options=None):
        """Starts it and returns itself once it takes connections.

        options: more command-line settings, for this start only.
        """
        for attempt in range(5):
            try:
                return self._start(timeout, options or {})
            except ServerError as error:
                if "Address already in use" not in str(error) or attempt == 4:
                    raise
                self.port = free_port()

    def _start(self, timeout, options):
        assert not self.running, f"{self} runs already"
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.socket_dir,
            "logging_collector": "off",
            **self.start_options,
            **options,
        }
        words = [w for name, value in settings.items() for w in ("-c", f"{name}={value}")]
        log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self._postmaster = subprocess.Popen(
                [*process.as_user(process.server_user()),
                 str(self.bin / "postgres"), "-D", str(self.datadir), *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=process.clean_env(), start_new_session=True,
            )
        end = time.monotonic() + timeout
        while self._status() not in READY:
            if not self.running:
                problem = f"ended with {self._postmaster.wait()}"
            elif time.monotonic() > end:
                problem = f"is not ready after {timeout} s"
                self.kill()
            else:
                time.sleep(0.01)
                continue
            log = self.log_path.read_bytes()[log_start:].decode("utf-8", "replace")
            raise ServerError(f"{self} {problem}:\n{log[-4000:]}")
        return self

    def _status(self):
        try:
            lines = (self.datadir / "postmaster.pid").read_text().splitlines()
        except OSError:
            return None
        if len(lines) < 8 or lines[0] != str(self._postmaster.pid):
            return None
        return lines[7].strip()

    def stop(self, mode="fast", timeout=60):
        """Stops it; mode as for pg_ctl. Nothing happens if it does not run."""
        if self.running:
            number = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
            self._postmaster.send_signal(number[mode])
            try:
                self._postmaster.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise ServerError(f"{self} did not stop in {timeout} s:\n{self.log[-4000:]}")
        return self

    def restart(self, mode="fast", **options):
        return self.stop(mode).start(**options)

    def kill(self):
        """SIGKILL to the postmaster and all its processes: a crash."""
        if self._postmaster is None:
            return
        children = _children(self._postmaster.pid) if self.running else []
        for pid in [self._postmaster.pid, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._postmaster.wait()

    def close(self):
        """Ends it and what works on it; the files stay."""
        for work in self._loads:
            work.stop()
        self.stop("immediate")

    def kill_backend(self, pid, number=signal.SIGTERM):
        """Sends a signal to one of its processes. SIGKILL makes the server restart the others."""
        pid = int(pid)
        assert pid in _children(self._postmaster.pid), f"{pid} is no process of {self}"
        os.kill(pid, number)

    # Settings

    def configure(self, conf=None, hba=None, **more):
        """Adds settings to postgresql.conf, and replaces pg_hba.conf when hba (lines) is given.

        A running server is told to reload; settings that need a restart get it from the caller.
        """
        settings = {**(conf or {}), **more}
        with open(self.datadir / "postgresql.conf", "a") as file:
            for name, value in settings.items():
                file.write("%s = '%s'\n" % (name, str(value).replace("'", "''")))
        if hba is not None:
            (self.datadir / "pg_hba.conf").write_text("".join(line + "\n" for line in hba))
        if self.running:
            self._postmaster.send_signal(signal.SIGHUP)
            # The signal has no answer; a new connection is served with the new pg_hba.conf
            # once the postmaster has got round to it.
            time.sleep(0.1)
        return self

    # Using it

    def sql(self, query, db="postgres", user=None, password=None, timeout=120):
        """Runs SQL; rows as a list of lists of str or None, of all statements together."""
        return psql.query(self, query, db, user or self.superuser, password, timeout)

    def value(self, query, db="postgres", **options):
        """The first column of the first row."""
        return self.sql(query, db, **options)[0][0]

    def session(self, db="postgres", user=None, password=None):
        """A psql.Session: a connection that stays open. Use it in a with statement."""
        return psql.Session(self, db, user or self.superuser, password)

    def uri(self, db="postgres", user=None, password=None, socket=False, scheme="postgres",
            host="127.0.0.1", **params):
        """A connection URI, over TCP unless socket=True; params become its query."""
        quote = lambda text: urllib.parse.quote(str(text), safe="")
        login = quote(user or self.superuser) + (f":{quote(password)}" if password else "")
        if socket:
            params = {"host": self.socket_dir, "port": self.port, **params}
            place = ""
        else:
            place = f"{host}:{self.port}"
        text = f"{scheme}://{login}@{place}"
        if db is not None:
            text += f"/{quote(db)}"
        if params:
            text += "?" + "&".join(f"{k}={quote(v)}" for k, v in params.items())
        return text

    def binary_uri(self, user=None, password=None, socket=False, **params):
        """The URI of a physical backup: postgres+bin://user@host:port."""
        return self.uri(None, user, password, socket, scheme="postgres+bin", **params)

    def tool(self, name, *args, timeout=600, check=True, db=None, user=None):
        """Runs a stock tool (pg_basebackup, pg_dump …) on this server; returns its Result."""
        env = {
            "PGHOST": self.socket_dir, "PGPORT": self.port,
            "PGUSER": self.superuser, "PGDATABASE": db,
        }
        command = [paths.stock(name, self.major, self.flavour), *args]
        result = process.run(command, timeout=timeout, env=env, user=user)
        return result.check() if check else result

    def databases(self):
        """Names of all databases that allow connections."""
        rows = self.sql("SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname")
        return [name for (name,) in rows]

    @property
    def system_identifier(self):
        return self.value("SELECT system_identifier FROM pg_control_system()")

    # Load

    def pgbench_init(self, scale=1, db="postgres"):
        self.tool("pgbench", "-i", "-q", "-s", scale, db)

    def pgbench(self, db="postgres", clients=2, seconds=30, rate=200, script=None, options=()):
        """Starts pgbench in the background: see load.Load. It needs pgbench_init, or a script."""
        work = load.Load(self, db, clients, seconds, rate, script, options)
        self._loads.append(work)
        return work

    # Standbys

    def standby(self, name="standby", conf=None, start=True):
        """A new streaming standby of this server."""
        datadir = temp.new_dir(name) / "data"
        process.give_to_server(datadir.parent)
        mappings = []
        for path, in self.sql(
            "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname !~ '^pg_'"
        ):
            if path.startswith("/"):
                copy = temp.new_dir("tablespace")
                process.give_to_server(copy)
                mappings.append(f"--tablespace-mapping={path}={copy}")
        self.tool("pg_basebackup", "-D", datadir, "-c", "fast", "--no-sync", *mappings,
                  user=process.server_user())
        # pg_basebackup -R of a newer major would write settings that an older one does not know.
        (datadir / "standby.signal").touch()
        server = Server(self.major, self.flavour, datadir).configure({
            "primary_conninfo": f"host={self.socket_dir} port={self.port} user={self.superuser}",
            **(conf or {}),
        })
        return server.start() if start else server

    def promote(self):
        assert self.value("SELECT pg_promote(true, 60)") == "t"
        return self

    def wait_for_replay(self, primary, timeout=60):
        """Waits until this standby has replayed all that the primary has written by now."""
        position = primary.value("SELECT pg_current_wal_lsn()")
        end = time.monotonic() + timeout
        while self.value(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") != "t":
            if time.monotonic() > end:
                raise TimeoutError(f"{self} has not replayed {position} after {timeout} s")
            time.sleep(0.05)
        return self


class ServerFactory:
    """Creates clusters and ends them all at close(). initdb runs once for each kind of cluster."""

    _templates = {}  # for the whole test session

    def __init__(self):
        self._servers = []

    def create(self, major, flavour="npm", conf=None, hba=None, auth="trust", checksums=True,
               encoding="UTF8", locale="C", initdb=(), fresh=False, start=True, name=None):
        """A new cluster, running unless start=False.

        conf     settings on top of DEFAULT_CONF
        hba      lines of pg_hba.conf; otherwise unix sockets are trusted and `auth` (trust,
                 scram-sha-256, md5, password, cert, reject …) is asked for over TCP
        initdb   more arguments for initdb, such as "--wal-segsize=1"
        fresh    run initdb anew. Without, clusters of a kind have one system identifier
        """
        arguments = [f"--encoding={encoding}", f"--locale={locale}", *initdb]
        if checksums:
            arguments.append("--data-checksums")
        elif major >= 18:
            arguments.append("--no-data-checksums")
        datadir = temp.new_dir(name or f"pg{major}") / "data"
        process.give_to_server(datadir.parent)
        if fresh:
            _initdb(major, flavour, datadir, arguments)
        else:
            key = (major, flavour, *arguments)
            if key not in self._templates or not self._templates[key].exists():
                template = temp.new_dir("template") / "data"
                process.give_to_server(template.parent)
                _initdb(major, flavour, template, arguments)
                self._templates[key] = template
            template = self._templates[key]
            subprocess.run(["cp", "-a", "--reflink=auto", template, datadir], check=True)
        settings = {**DEFAULT_CONF, **(conf or {})}
        if auth in ("md5", "scram-sha-256"):
            settings.setdefault("password_encryption", auth)
        if hba is None and auth != "trust":
            hba = [
                "local all all trust",
                "local replication all trust",
                f"host all all 127.0.0.1/32 {auth}",
                f"host replication all 127.0.0.1/32 {auth}",
            ]
        server = self.add(Server(major, flavour, datadir)).configure(settings, hba)
        return server.start() if start else server

    def standby(self, primary, **options):
        """Server.standby, ended with the others."""
        return self.add(primary.standby(**options))

    def start_restored(self, datadir, major, flavour="npm", options=None, timeout=120, start=True):
        """Starts a server on a restored data directory, as it is.

        Only its owner is changed, to the user that servers run as, and archiving is off. Its
        tablespaces must be inside the tests' temporary folder.
        """
        datadir = pathlib.Path(datadir)
        _reachable(datadir)
        process.give_to_server(datadir, recursive=True)
        for link in (datadir / "pg_tblspc").iterdir():
            if link.is_symlink():
                target = link.resolve()
                assert target.is_relative_to(temp.root()), f"{link} leads out to {target}"
                process.give_to_server(target, recursive=True)
                if target.parent.name.endswith("tablespaces"):
                    process.give_to_server(target.parent)
        quiet = {"archive_mode": "off", "fsync": "off"}
        server = self.add(Server(major, flavour, datadir, {**quiet, **(options or {})}))
        return server.start(timeout) if start else server

    def add(self, server):
        self._servers.append(server)
        return server

    def close(self, remove=True):
        """Ends all servers; the folders of their clusters are removed."""
        for server in self._servers:
            server.close()
        for server in self._servers:
            if remove:
                # Never more than the tests' own folder: a data directory may be anywhere in it.
                if server.datadir.parent.parent == temp.root():
                    temp.remove(server.datadir.parent)
                temp.remove(server.socket_dir)
        self._servers.clear()


def free_port():
    """A port nobody listens on, below those the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def _initdb(major, flavour, datadir, arguments):
    process.run(
        [paths.server_bin(major, flavour) / "initdb", "-D", datadir, "-A", "trust",
         "-U", Server.superuser, "--no-sync", *arguments],
        user=process.server_user(), cwd="/",
    ).check()


def _children(pid):
    """Pids of all processes whose parent it is."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # "pid (name) state ppid …", and a name may hold anything
            if int(re.sub(r".*\) ", "", stat.read_text(), flags=re.S).split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def _reachable(path):
    """Fails where the server's user could not enter a parent folder, as in pytest's tmp_path."""
    if process.server_user() is not None:
        for parent in path.resolve().parents:
            assert parent.stat().st_mode & 0o001, (
                f"{parent} is closed to the user {process.SERVER_USER}: "
                "restore below the workdir fixture instead"
            )
