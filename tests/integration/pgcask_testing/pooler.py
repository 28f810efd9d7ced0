"""The real pgbouncer between pgcask and a server."""

import contextlib
import os
import subprocess
import time

from . import paths, process, psql, temp
from .servers import free_port


class Pooler:
    """It looks like a server to psql and pgcask: see servers.Server."""

    def __init__(self, server, mode, **settings):
        self._server = server
        self.superuser = server.superuser
        self.port = free_port()
        self.socket_dir = temp.new_dir("p")
        lines = {
            "listen_addr": "127.0.0.1", "listen_port": self.port,
            "unix_socket_dir": self.socket_dir, "auth_type": "any", "pool_mode": mode,
            "admin_users": self.superuser, "logfile": self.socket_dir / "log", **settings,
        }
        (self.socket_dir / "ini").write_text(
            f"[databases]\n* = host={server.socket_dir} port={server.port} user={self.superuser}\n"
            "[pgbouncer]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items()))
        process.give_to_server(self.socket_dir, recursive=True)

    def uri(self, db="postgres"):
        return f"postgres://{self.superuser}@127.0.0.1:{self.port}/{db}"

    def sql(self, query, db="postgres"):
        return psql.query(self, query, db, self.superuser, None, 120)


@contextlib.contextmanager
def pooler(server, mode, **settings):
    """A running Pooler with that pool_mode; more settings of pgbouncer.ini by name."""
    made = Pooler(server, mode, **settings)
    place = paths.cache_dir() / "pgbouncer"
    (libraries,) = (place / "usr/lib").glob("*-linux-gnu*")
    running = subprocess.Popen(
        [*process.as_user(process.server_user()), str(place / "usr/sbin/pgbouncer"), "-q",
         str(made.socket_dir / "ini")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**process.clean_env(), "LD_LIBRARY_PATH": str(libraries)}, cwd="/")
    try:
        end = time.monotonic() + 30
        while not os.path.exists(made.socket_dir / f".s.PGSQL.{made.port}"):
            assert running.poll() is None and time.monotonic() < end, "pgbouncer did not start"
            time.sleep(0.02)
        yield made
    finally:
        running.kill()
        running.wait()
