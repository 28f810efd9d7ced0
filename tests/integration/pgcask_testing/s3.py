"""A store on S3: Plakar's own S3 integration, and moto as the server. tests/servers/install-s3 makes
both."""

import contextlib
import socket
import subprocess
import time

from . import paths, process, temp

KEYS = ["access_key=AKIDEXAMPLE", "secret_access_key=wJalrXUtnFEMI", "use_tls=false"]


def folder():
    return paths.cache_dir() / "s3"


def is_installed():
    return (folder() / "stamp").exists()


def package(plakar):
    """The integration as a package that a plakar adds."""
    file = temp.new_dir("s3") / "s3_v1.1.0_linux_amd64.ptar"
    plakar.run("pkg", "create", "-out", file, folder() / "package/manifest.yaml", "v1.1.0").check()
    return file


def command(port):
    """Starts a server without a bucket. All that it holds is in its memory."""
    return [folder() / "moto/bin/moto_server", "-H", "127.0.0.1", "-p", str(port)]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(port, running, timeout=60):
    end = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert running() and time.monotonic() < end, "the S3 server does not answer"
        time.sleep(0.1)


@contextlib.contextmanager
def server():
    """A running one's port."""
    port = free_port()
    child = subprocess.Popen(command(port), env=process.clean_env(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, lambda: child.poll() is None)
        yield port
    finally:
        child.terminate()
        child.wait()
