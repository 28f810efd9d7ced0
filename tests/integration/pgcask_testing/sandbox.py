"""A machine to try printed commands on: this one's files, with nothing that is done to them kept.

Its root is an overlay in memory, its network knows nobody but itself, its processes end with it. What
commands find there is put there by the test: names of hosts, programs, a server.
"""

import os
import pathlib
import select
import shutil
import subprocess

from . import process

OUTER = """
set -eu
ip link set lo up
mount -t tmpfs tmpfs {top}
mkdir {top}/upper {top}/work {top}/root
mount -t overlay overlay -o lowerdir=/,upperdir={top}/upper,workdir={top}/work {top}/root
mount -t proc proc {top}/root/proc
for name in dev sys; do mount --rbind /$name {top}/root/$name; done
for address in {addresses}; do ip address add $address/32 dev lo; done
echo '127.0.0.1 localhost' >{top}/root/etc/hosts
exec chroot {top}/root /bin/bash -c 'echo ready; while read -r line; do :; done'
"""

INNER = """
cd "$HOME"
while IFS= read -r -d '' command; do
    eval "$command" >{output} 2>&1 </dev/null
    echo $?
done
"""


class Sandbox:
    """Ends, with all that runs in it, at the end of a with. `hosts`: {name: its address}, all of them
    this machine."""

    def __init__(self, workdir, hosts):
        self.workdir = workdir
        (workdir / "top").mkdir()
        (workdir / "outer").write_text(OUTER.format(
            top=workdir / "top", addresses=" ".join(set(hosts.values()))))
        self.shells = []
        self.init = subprocess.Popen(
            ["unshare", *self._options("-rmnpf"), "--kill-child", "bash", workdir / "outer"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=process.clean_env())
        assert self.init.stdout.readline() == b"ready\n", "no overlay: see what was printed"
        children = pathlib.Path(f"/proc/{self.init.pid}/task/{self.init.pid}/children")
        self.pid = int(children.read_text())
        with open(self.path("/etc/hosts"), "a") as file:
            file.writelines(f"{address} {name}\n" for name, address in hosts.items())

    @staticmethod
    def _options(flags):
        return [flags.replace("r", "") if os.geteuid() == 0 else flags]

    def command(self, user, *words):
        """What runs it within, as that user; a plain user is everybody."""
        entered = ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "-r", "-w"]
        if os.geteuid() != 0:
            return [*entered, "-U", "--preserve-credentials", *words]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        return [*entered, *(become if user != "root" else []), *words]

    def shell(self, user="root", home="/root", path="/usr/local/bin:/usr/bin:/bin", **env):
        if user == "root":
            path += ":/usr/local/sbin:/usr/sbin:/sbin"
        self.shells.append(Shell(self, user, home, path, env))
        return self.shells[-1]

    def path(self, name):
        """Where the test finds a file of the sandbox."""
        return pathlib.Path(f"/proc/{self.pid}/root") / str(name).lstrip("/")

    def program(self, name, source):
        """Puts a program there: a file's copy, or a script's text."""
        place = self.path(name)
        if isinstance(source, str):
            place.write_text(source)
        else:
            shutil.copy(source, place)
        place.chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for shell in self.shells:
            shell.close()
        process.end_by_input(self.init)


class Shell:
    """A bash of the sandbox in which one command after another is typed."""

    def __init__(self, sandbox, user, home, path, env):
        output = f"/tmp/output-of-{user}-{len(sandbox.shells)}"
        self.output = sandbox.path(output)
        self.bash = subprocess.Popen(
            sandbox.command(user, "/bin/bash", "-c", INNER.format(output=output)), bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=process.clean_env({"HOME": home, "PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC",
                                   **env}))

    def run(self, command, timeout=120):
        """Its exit status and what it printed on either stream."""
        self.bash.stdin.write(command.encode() + b"\0")
        assert select.select([self.bash.stdout], [], [], timeout)[0], f"{command}: no end"
        status = self.bash.stdout.readline()
        assert status, f"{command}: the shell is gone"
        return int(status), self.output.read_text()

    def check(self, command, **options):
        status, output = self.run(command, **options)
        assert status == 0, f"{command}: {status}\n{output}"
        return output

    def close(self):
        self.bash.stdin.close()
        self.bash.wait(30)
        self.bash.stdout.close()


DEBIAN_MAJOR = 15


def debian_cluster(root, conf=None):
    """Makes and starts a cluster as Debian lays it out, configuration in /etc/postgresql/15/main, in
    place of what the machine has of that name. root: root's shell."""
    folders = " ".join(f"/{name}/postgresql/{DEBIAN_MAJOR}" for name in ("etc", "var/lib"))
    root.check(f"rm -rf {folders}")
    settings = " ".join(f"--pgoption {k}='{v}'" for k, v in (conf or {}).items())
    root.check(f"pg_createcluster {DEBIAN_MAJOR} main --port 5432 {settings}")
    root.check(f"pg_ctlcluster {DEBIAN_MAJOR} main start")
