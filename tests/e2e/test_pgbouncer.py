"""Through PgBouncer in transaction mode: every transaction may go over another line."""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import unittest

import support

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "conformance"))

import postgresql  # noqa: E402  pylint: disable=wrong-import-position
import test_rotation  # noqa: E402  pylint: disable=wrong-import-position
import test_scenarios  # noqa: E402  pylint: disable=wrong-import-position

LINES = 4  # fewer than a service has threads, so that they are shared


class PgBouncer:
    """Debian's, from its own file, before the server of a project's database."""

    def __init__(self, add_cleanup, server):
        self.server = server
        self.port = postgresql.free_port()
        self.folder = postgresql.private_folder("easyjwt-pgbouncer-")
        add_cleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.write("users", '"%s" "%s"\n' % (postgresql.USER, server.password))
        self.write("ini", "[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
                          "listen_port = %d\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = %s/users\n"
                          "pool_mode = transaction\ndefault_pool_size = %d\nmax_client_conn = 500\n"
                          % (server.port, self.port, self.folder, LINES))
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/pgbouncer", self.folder / "ini"], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=postgresql.environment(), preexec_fn=postgresql.end_with_parent,
                **postgresql.account())
        add_cleanup(self.end)
        support.eventually(self.answers, 20)
        if not self.answers():
            raise AssertionError("no PgBouncer:\n" + (self.folder / "log").read_text())

    def write(self, name, text):
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text)
        postgresql.give(path)

    def answers(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def end(self):
        self.process.kill()
        self.process.wait(support.PATIENCE)

    def url(self, database):
        return postgresql.url("127.0.0.1", self.port, self.server.password, database)


def pooled_project(test, settings, users):
    """A project whose every transaction goes through the pooler, that of its users too."""
    project = support.Project(test.addCleanup, settings, migrated=False)
    database = project.postgresql
    bouncer = PgBouncer(test.addCleanup, database.server)
    project.change({"DATABASE": {"URL": bouncer.url(database.name), "LISTEN_URL": database.url}})
    project.do("migrate")
    project.load(users)
    return project


class Scenarios(test_scenarios.Scenarios):
    def project(self, settings, users):
        return pooled_project(self, settings, users)

    def test_default(self):
        super().test_default()

    def test_rotation(self):
        super().test_rotation()


class Pooled(test_rotation.Race):
    def test_a_refresh_token_is_used_once(self):
        project = pooled_project(self, {"EASY_JWT": test_rotation.ROTATING}, support.usual_users())
        nodes = [project.start() for _ in range(3)]
        self.check_refresh(nodes, 5)
        self.assertEqual(project.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(5,)])
        # All of that over these few lines; each node may have one of its own for LISTEN.
        (lines,), = project.query("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                  " AND pid <> pg_backend_pid()")
        self.assertLessEqual(lines, LINES + len(nodes))

    def test_nothing_is_left_in_a_session(self):
        # What one leaves behind the next one finds: prepared statements, settings, transactions.
        project = pooled_project(self, {"EASY_JWT": test_rotation.ROTATING}, support.usual_users())
        service = project.start()
        pair = service.login()
        for _ in range(20):
            self.assertEqual(service.get("/auth/user/", token=pair["access"]).status, 200)
            pair = service.post("/auth/token/refresh/", {"refresh": pair["refresh"]}).json
        pooled = project.settings["DATABASE"]["URL"]
        for _ in range(2 * LINES):
            self.assertEqual(postgresql.query(pooled, "SELECT name FROM pg_prepared_statements"), [])
            (timeout,), = postgresql.query(pooled, "SHOW statement_timeout")
            self.assertEqual(timeout, "0")
        time.sleep(0.2)
        self.assertEqual(project.query("SELECT state FROM pg_stat_activity WHERE datname = current_database()"
                                       " AND pid <> pg_backend_pid() AND state LIKE 'idle in%'"), [])


if __name__ == "__main__":
    unittest.main()
