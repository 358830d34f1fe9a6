#!/usr/bin/python3
"""A private PostgreSQL for the tests, from Debian's package: never the machine's own cluster.

As a module: Cluster is a server in a folder of its own, on a free port of 127.0.0.1 and behind a
random password. It ends, and its folder goes, when it is closed or when the process that made it
is gone, however that came about.

    cluster = Cluster()             # a server of one's own, to be frozen, killed and restarted
    shared()                        # the one of this run of ctest, else one for this process
    with Database(shared()) as database: ...                # an empty database
    Database(shared(), template=TEMPLATE)                   # one that was migrated: tens of ms

As a program, what ctest runs around all tests that need a server, and how to run one by hand:

    postgresql.py start FILE        starts one for as long as the calling process lives; FILE gets its URL
    postgresql.py migrate FILE PROGRAM      makes the migrated template there, with PROGRAM migrate
    postgresql.py stop FILE         ends it
    postgresql.py run PROGRAM COMMAND...    start, migrate, COMMAND (which finds it), stop
"""

import atexit
import contextlib
import ctypes
import os
import pathlib
import pwd
import re
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

import psycopg2

ENVIRONMENT = "EASYJWT_TEST_POSTGRESQL"  # names the FILE of `start`
TEMPLATE = "easyjwt_template"
USER = "easyjwt"
PATIENCE = 60

# What a crash of the machine would lose is of no worth here; what is not there is not vacuumed.
SETTINGS = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "autovacuum": "off",
    "max_connections": "200", "shared_buffers": "64MB", "max_wal_size": "256MB",
    "listen_addresses": "127.0.0.1", "log_min_messages": "warning", "jit": "off",
}


def binaries():
    """The folder of the newest PostgreSQL from 15 on."""
    found = [path for path in pathlib.Path("/usr/lib/postgresql").glob("*/bin")
             if path.parent.name.isdigit() and int(path.parent.name) >= 15 and (path / "postgres").exists()]
    if not found:
        raise RuntimeError("no PostgreSQL from 15 on in /usr/lib/postgresql: install postgresql-15")
    return max(found, key=lambda path: int(path.parent.name))


def account():
    """Whom a server runs as, as arguments of subprocess's: it refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": ()}
    raise RuntimeError("a PostgreSQL can't be run by root, and there is neither postgres nor nobody")


def give(path):
    """To the account that servers run as."""
    who = account()
    if who:
        os.chown(path, who["user"], who["group"])


def private_folder(prefix):
    """A folder that the account alone may look into, root aside."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    give(folder)
    return folder


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class Cluster:
    """A server. `watched` is a pidfd: the server does not outlive that process (None: this one)."""

    def __init__(self, settings=None, watched=None):
        self.folder = private_folder("easyjwt-postgresql-")
        self.data = self.folder / "data"
        self.settings = {**SETTINGS, **(settings or {})}
        self.password = secrets.token_hex(16)
        self.port = 0
        self._keep(watched)
        try:
            self._make()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _keep(self, watched):
        """Has a process of its own see to the end, so that nothing is left when this one is killed."""
        watch = os.pidfd_open(os.getpid()) if watched is None else watched
        try:
            self.keeper = subprocess.Popen(
                [sys.executable, "-B", __file__, "keep", str(self.folder), str(watch)], pass_fds=[watch],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True)
            # From here on it heeds signals.
            self.keeper.stdout.read(1)
            self.keeper.stdout.close()
        finally:
            if watched is None:
                os.close(watch)

    def _run(self, command):
        done = subprocess.run([binaries() / command[0], *command[1:]], cwd=self.folder, capture_output=True,
                              check=False, env=environment(), **account())
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (command[0], done.stderr.decode()))

    def _make(self):
        password = self.folder / "password"
        password.touch(0o600)
        password.write_text(self.password)
        give(password)
        self._run(["initdb", "--pgdata", self.data, "--username", USER, "--auth", "scram-sha-256",
                   "--pwfile", password, "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
                   "--no-instructions"])

    def start(self, settings=None):
        """Starts it (again, on the port it had) and waits until it answers."""
        end = time.monotonic() + PATIENCE
        while True:
            port = self.port or free_port()
            options = {**self.settings, **(settings or {}), "port": port, "unix_socket_directories": self.folder}
            arguments = [part for name, value in options.items() for part in ("-c", "%s=%s" % (name, value))]
            with open(self.folder / "log", "ab") as log:
                # Not our child: a cluster of ctest's lives longer than what started it.
                starter = subprocess.Popen(
                    [binaries() / "postgres", "-D", self.data, *arguments], cwd=self.folder, env=environment(),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **account())
            while starter.poll() is None:
                if self._is_ready(starter.pid):
                    self.port, self._process = port, starter
                    return
                if time.monotonic() > end:
                    starter.kill()
                time.sleep(0.02)
            # Somebody may have taken the port in between.
            if self.port or "Address already in use" not in self.log() or time.monotonic() > end:
                raise RuntimeError("the PostgreSQL of the tests does not start; it says:\n" + self.log())

    def _is_ready(self, pid):
        """Its file says so in the eighth line."""
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[0] == str(pid) and lines[7].startswith("ready")
        return False

    def log(self):
        return (self.folder / "log").read_text("utf-8", "replace")

    @property
    def pid(self):
        return self._process.pid

    def send_signal(self, number):
        """To the postmaster and all its processes (SIGSTOP freezes the whole of it)."""
        for pid in [self.pid, *children(self.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self, number=signal.SIGINT):
        """Ends the server, not the cluster: SIGTERM waits for its clients, SIGINT breaks them off,
        SIGQUIT leaves recovery to the next start, SIGKILL too."""
        self._process.send_signal(number)
        self._process.wait(PATIENCE)

    def restart(self, number=signal.SIGINT):
        self.stop(number)
        self.start()

    def close(self):
        if self.keeper.poll() is None:
            self.keeper.terminate()
        self.keeper.wait(PATIENCE)
        if getattr(self, "_process", None):
            self._process.wait(PATIENCE)

    # -- its databases

    def url(self, database="postgres", **parameters):
        return url("127.0.0.1", self.port, self.password, database, **parameters)


def url(host, port, password, database, **parameters):
    query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
    return "postgresql://%s:%s@%s:%d/%s%s" % (USER, password, host, port, database, query)


def environment():
    """Without what would change what libpq and the server do."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def end_with_parent():
    """For preexec_fn: a process of this one's own ends with it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def children(pid):
    with contextlib.suppress(OSError):
        return [int(child) for child in pathlib.Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()]
    return []


class Server:
    """A server that another process started: what `start` wrote into FILE."""

    def __init__(self, file):
        parts = urllib.parse.urlsplit(pathlib.Path(file).read_text().splitlines()[0])
        self.port, self.password = parts.port, parts.password

    url = Cluster.url


def query(where, sql, parameters=()):
    """The rows of a statement, which is a transaction of its own."""
    with contextlib.closing(psycopg2.connect(where)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []


class Database:
    """A database of a test's own."""

    def __init__(self, server, template="template0", name=None):
        self.server = server
        self.name = name or "test_" + secrets.token_hex(8)
        query(server.url(), "CREATE DATABASE %s TEMPLATE %s" % (self.name, template))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    @property
    def url(self):
        return self.server.url(self.name)

    def query(self, sql, parameters=()):
        return query(self.url, sql, parameters)

    def drop(self):
        query(self.server.url(), "DROP DATABASE IF EXISTS %s WITH (FORCE)" % self.name)


def migrate(server, program):
    """Makes the template: a database that `program` migrated."""
    Database(server, name=TEMPLATE)
    with tempfile.TemporaryDirectory(prefix="easyjwt-template-") as folder:
        config = pathlib.Path(folder) / "easyjwt.toml"
        config.write_text('SECRET_KEY = "%s"\nINSTALLED_APPS = ["easyjwt_auth", "easyjwt_auth.token_blacklist", '
                          '"easyjwt_user", "admin"]\n[DATABASE]\nURL = "%s"\n'
                          % (secrets.token_hex(32), server.url(TEMPLATE)))
        config.chmod(0o600)
        subprocess.run([program, "--config", config, "migrate"], check=True, stdin=subprocess.DEVNULL)


_shared = []


def shared(program=None):
    """The server of this run. Outside of ctest it is made here, with the template of `program`."""
    if not _shared:
        if os.environ.get(ENVIRONMENT):
            _shared.append(Server(os.environ[ENVIRONMENT]))
        else:
            cluster = Cluster()
            atexit.register(cluster.close)
            if program:
                migrate(cluster, program)
            _shared.append(cluster)
    return _shared[0]


# ---- as a program


def ends(pidfd, seconds):
    return bool(select.select([pidfd], [], [], seconds)[0])


def keep(folder, watched):
    """Waits for a signal or for the end of the process behind the pidfd `watched`, then ends the
    server in `folder` and deletes it."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    os.write(1, b".")
    os.close(1)
    select.select([read, watched], [], [])
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        pidfd = os.pidfd_open(pid)
        all_of_it = [pid, *children(pid)]
        for number, seconds in ((signal.SIGQUIT, 20), (signal.SIGKILL, 5)):
            for process in all_of_it:
                with contextlib.suppress(ProcessLookupError):
                    # A frozen one does not hear.
                    os.kill(process, number)
                    os.kill(process, signal.SIGCONT)
            if ends(pidfd, seconds):
                break
    shutil.rmtree(folder, ignore_errors=True)


def start(file):
    stop(file)
    watched = os.pidfd_open(os.getppid())
    cluster = Cluster(watched=watched)
    text = "%s\n%d\n" % (cluster.url(), cluster.keeper.pid)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)


def stop(file):
    """Ends what `start` started, if that has not ended by itself."""
    try:
        lines = pathlib.Path(file).read_text().splitlines()
    except FileNotFoundError:
        return
    with contextlib.suppress(ProcessLookupError):
        pid = int(lines[1])
        pidfd = os.pidfd_open(pid)
        # Another process may have got the number since.
        if re.search(rb"postgresql\.py\0keep\0", pathlib.Path("/proc/%d/cmdline" % pid).read_bytes()):
            os.kill(pid, signal.SIGTERM)
            if not ends(pidfd, PATIENCE):
                raise RuntimeError("the PostgreSQL of the tests does not end")
    os.unlink(file)


def run(program, command):
    with Cluster() as cluster, tempfile.NamedTemporaryFile("w", prefix="easyjwt-postgresql-url-") as file:
        file.write(cluster.url() + "\n")
        file.flush()
        migrate(cluster, program)
        return subprocess.run(command, check=False, env={**os.environ, ENVIRONMENT: file.name}).returncode


def main(arguments):
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command == "start" and len(rest) == 1:
        start(rest[0])
    elif command == "migrate" and len(rest) == 2:
        migrate(Server(rest[0]), rest[1])
    elif command == "stop" and len(rest) == 1:
        stop(rest[0])
    elif command == "run" and len(rest) > 1:
        return run(rest[0], rest[1:])
    elif command == "keep" and len(rest) == 2:
        keep(pathlib.Path(rest[0]), int(rest[1]))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
