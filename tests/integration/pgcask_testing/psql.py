"""SQL through stock psql: one query at a time, or a session that stays open."""

import csv
import io
import os
import select
import subprocess
import time

from . import paths, process

NULL = "\\N"


class SqlError(AssertionError):
    pass


def _command():
    return [
        paths.stock("psql"), "-X", "-q", "-t", "--csv", "-P", f"null={NULL}",
        "-v", "ON_ERROR_STOP=1",
    ]


def _environment(server, db, user, password):
    # PGDATABASE takes any name as it is; psql -d would read one with an equals sign as settings.
    return process.clean_env({
        "PGHOST": server.socket_dir, "PGPORT": server.port, "PGUSER": user, "PGDATABASE": db,
        "PGPASSWORD": password, "PGAPPNAME": "test", "PGCLIENTENCODING": "UTF8",
        "PGCONNECT_TIMEOUT": 10,
    })


def _rows(output):
    text = output.decode("utf-8", "surrogateescape")
    return [
        # A row of one empty value is an empty line.
        [None if field == NULL else field for field in row] or [""]
        for row in csv.reader(io.StringIO(text, newline=""))
    ]


def query(server, sql, db, user, password=None, timeout=120):
    """Runs SQL (several statements as well, each on its own) and returns the rows of all."""
    done = subprocess.run(
        [*_command(), "-f", "-"],
        input=sql.encode(), capture_output=True, timeout=timeout,
        env=_environment(server, db, user, password),
    )
    if done.returncode != 0:
        raise SqlError(f"{done.stderr.decode('utf-8', 'replace').strip()}\nin: {sql[:2000]}")
    return _rows(done.stdout)


class Session:
    """A psql that stays connected: for transactions, locks and settings that must last."""

    def __init__(self, server, db, user, password=None):
        # An error must not end the session: tests look at what comes after one.
        self._psql = subprocess.Popen(
            [*_command(), "-v", "ON_ERROR_STOP=0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=_environment(server, db, user, password), start_new_session=True,
        )
        self._turn = 0

    def send(self, sql):
        """Sends SQL without waiting for its end; receive() waits. End it with a semicolon."""
        self._turn += 1
        text = f"{sql}\n;\n\\echo done-{self._turn}\n"
        self._psql.stdin.write(text.encode())
        self._psql.stdin.flush()

    def receive(self, timeout=60):
        """The rows of what was sent last."""
        marker = f"done-{self._turn}\n".encode()
        output, end = b"", time.monotonic() + timeout
        while not output.endswith(marker):
            if not select.select([self._psql.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"no answer from psql in {timeout} s; so far: {output!r}")
            chunk = os.read(self._psql.stdout.fileno(), 1 << 16)
            if not chunk:
                raise SqlError(output.decode("utf-8", "replace"))
            output += chunk
        output = output.removesuffix(marker)
        if b"ERROR:" in output or b"FATAL:" in output:
            raise SqlError(output.decode("utf-8", "replace"))
        return _rows(output)

    def sql(self, sql, timeout=60):
        self.send(sql)
        return self.receive(timeout)

    def close(self):
        self._psql.stdin.close()
        try:
            self._psql.wait(5)
        except subprocess.TimeoutExpired:
            self._psql.kill()
            self._psql.wait()
        self._psql.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
