"""pgbench in the background, bounded in time and rate."""

import signal

from . import paths, process, temp


class Load:
    """Starts at once; stop() ends it early. Also a with statement's subject."""

    def __init__(self, server, db, clients, seconds, rate, script, options):
        command = [
            paths.stock("pgbench", server.major), "-n", "-c", clients, "-T", seconds,
        ]
        if rate:
            command.append(f"--rate={rate}")
        if script is not None:
            path = temp.new_dir("load") / "script.sql"
            path.write_text(script)
            command.append(f"--file={path}")
        env = {"PGHOST": server.socket_dir, "PGPORT": server.port, "PGUSER": server.superuser}
        self._process = process.Process([*command, *options, db], env=env)

    @property
    def running(self):
        return self._process.running()

    def stop(self):
        """Ends it and returns its Result (rc -2 when it had not come to its end)."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()
