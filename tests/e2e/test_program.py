"""The program as a whole: commands, settings, start and end, TLS, algorithms, log, HTTP."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import threading
import time
import unittest

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import support
from support import ALICE, BOB, CAROL, DAVE, PASSWORDS, ServiceTest, claims_of, eventually, mint

NOT_PROVIDED = {"detail": "Authentication credentials were not provided."}


class ProgramTest(unittest.TestCase):
    maxDiff = None

    def project(self, settings=None, users=None, **kwargs):
        return support.Project(self.addCleanup, settings, users, **kwargs)

    def assert_refused(self, done, *words, code=1):
        """One line on stderr that says what and where, nothing on stdout."""
        self.assertEqual(done.code, code, done)
        self.assertEqual(done.out, "")
        self.assertEqual(len(done.err.strip().splitlines()), 1, done.err)
        for word in words:
            self.assertIn(word, done.err)


class Terminal:
    """A command on a terminal of its own, answered prompt by prompt."""

    def __init__(self, test, project, *command):
        self.test = test
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [support.program(), "--config", str(project.config), *command], cwd=project.path,
            env=project.environment(), stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.seen = ""
        self.unread = ""
        test.addCleanup(self.end)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            os.close(self.master)

    def read_until(self, text, seconds=support.PATIENCE):
        end = time.monotonic() + seconds
        while text not in self.unread:
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            try:
                data = os.read(self.master, 4096) if ready else b""
            except OSError:  # the other side has closed
                data = b""
            if not data:
                raise AssertionError("no %r but %r" % (text, self.unread))
            self.unread += data.decode()
            self.seen += data.decode()
        self.unread = self.unread.split(text, 1)[1]

    def answer(self, prompt, text):
        self.read_until(prompt)
        if "assword" in prompt:
            # Not before the echo is off, as a person at a keyboard.
            eventually(lambda: not self.echoes())
        os.write(self.master, text.encode() + b"\n")

    def echoes(self):
        import termios  # pylint: disable=import-outside-toplevel
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def finish(self):
        """The exit code, once everything was said."""
        with contextlib.suppress(AssertionError):
            self.read_until("\0 never", seconds=support.PATIENCE)
        return self.process.wait(support.PATIENCE)


class Commands(ProgramTest):
    def test_startproject(self):
        folder = self.project().path / "made" / "here"
        project = self.project()
        project.do("startproject", "auth", folder)
        file = folder / "easyjwt.toml"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        text = file.read_text("utf-8")
        # It is never overwritten.
        self.assertEqual(project.run("startproject", "auth", folder).code, 1)
        self.assertEqual(file.read_text("utf-8"), text)
        # Another has other keys.
        project.do("startproject", "auth", project.path / "other")
        keys = re.findall(r'^(?:SECRET|SIGNING)_KEY = "(.+)"$', text, re.M)
        others = re.findall(r'^(?:SECRET|SIGNING)_KEY = "(.+)"$',
                            (project.path / "other" / "easyjwt.toml").read_text("utf-8"), re.M)
        self.assertEqual(len(set(keys + others)), 4)
        self.assertTrue(all(len(key) >= 50 for key in keys))
        # And it works as it is.
        project.config = file
        project.secrets.update(keys)
        self.assertIn("no issues", project.do("check").out)
        service = project.start()
        self.assertEqual(service.get("/readyz").status, 200)

    def test_every_setting_of_startproject_is_accepted(self):
        # What is commented out shows a default: uncommented it changes nothing and is no error.
        project = self.project()
        project.do("startproject", "auth", project.path / "p")
        project.config = project.path / "p" / "easyjwt.toml"
        lines = project.config.read_text("utf-8").splitlines()
        settings = [re.sub(r"^# (?=[A-Z_]+ = )", "", line) for line in lines]
        names = {line.split(" = ")[0] for line in settings if re.match(r"[A-Z_]+ = ", line)}
        for name in ("ACCESS_TOKEN_LIFETIME", "LISTEN", "URL", "ALGORITHM", "LEEWAY", "CREATE_USER_OPEN",
                     "CHECK_REVOKE_TOKEN", "SESSION_COOKIE_AGE", "PASSWORD_HASHERS"):
            self.assertIn(name, names)
        # What this version does not know yet is refused by name rather than ignored.
        project.config.write_text("\n".join(settings) + "\n", "utf-8")
        done = project.run("check")
        self.assertEqual(done.code, 0, done)

    def test_usage(self):
        project = self.project()
        for command in ((), ("nonsense",), ("runserver", "a", "b"), ("migrate", "--nonsense"), ("changepassword",),
                        ("startproject", "auth"), ("startproject", "nonsense", "x"), ("loaddata",)):
            with self.subTest(command=command):
                self.assertEqual(project.run(*command).code, 2)
        for command in (("--help",), ("--version",), ("runserver", "--help"), ("loaddata", "--help")):
            done = project.do(*command)
            self.assertEqual(done.err, "")
            self.assertTrue(done.out)
        self.assertRegex(project.do("--version").out, r"^easyjwt \d+\.\d+\.\d+\n$")

    def test_a_missing_settings_file(self):
        project = self.project()
        project.config = project.path / "missing.toml"
        for command in (("check",), ("migrate",), ("runserver", "127.0.0.1:0"), ("dumpdata",)):
            done = project.run(*command)
            self.assertEqual(done.code, 1)
            self.assertIn("missing.toml", done.err)

    def test_config_from_the_environment(self):
        project = self.project()
        done = subprocess.run([support.program(), "check"], cwd="/", capture_output=True, check=False,
                              env=project.environment({"EASYJWT_CONFIG": str(project.config)}))
        self.assertEqual(done.returncode, 0, done)


class SqliteFile(ProgramTest):
    def test_the_database_is_private(self):
        project = self.project(users=support.usual_users())
        service = project.start()
        service.login()
        for file in project.path.glob("easyjwt.sqlite3*"):
            self.assertEqual(stat.S_IMODE(file.stat().st_mode) & 0o077, 0, file)

    def test_the_database_is_relative_to_the_settings_file(self):
        project = self.project({"DATABASE": {"URL": "sqlite:///here.sqlite3"}})
        subprocess.run([support.program(), "--config", str(project.config), "migrate"], cwd="/", check=True,
                       capture_output=True, env=project.environment())
        self.assertTrue((project.path / "here.sqlite3").exists())

    def test_a_database_that_cannot_be_opened(self):
        for url in ("sqlite:///missing/folder/x.sqlite3", "sqlite:////proc/x.sqlite3", "sqlite:////dev/null/x", "sqlite:///."):
            project = self.project({"DATABASE": {"URL": url}})
            done = project.run("runserver", "127.0.0.1:0")
            self.assertEqual((done.code, done.out, len(done.err.strip().splitlines())), (1, "", 1), done)
        project = self.project()
        project.database.write_bytes(b"this is no database, " * 100)
        done = project.run("runserver", "127.0.0.1:0")
        self.assertEqual((done.code, done.out, len(done.err.strip().splitlines())), (1, "", 1), done)
        self.assertIn("easyjwt.sqlite3", done.err)


class PostgresqlServer(ProgramTest):
    def test_a_database_that_does_not_answer(self):
        project = self.project()
        server = project.postgresql.server
        right = project.settings["DATABASE"]["URL"]
        with socket.create_server(("127.0.0.1", 0)) as sock:
            silent = sock.getsockname()[1]
            port = ":%d/" % server.port
            for url, words in ((right.replace(port, ":1/"), "refused"), (right + "_other", "does not exist"),
                               (right.replace(server.password, "wr0ng-Password"), "password"),
                               (right.replace("//easyjwt:", "//somebody:"), "somebody"),
                               (right.replace(port, ":%d/" % silent), "no answer"),
                               (right.replace("127.0.0.1", "nowhere.invalid"), "nowhere.invalid"),
                               (right + "?sslmode=require", "SSL")):
                with self.subTest(words=words):
                    project.change({"DATABASE": {"URL": url}})
                    for command in (("runserver", "127.0.0.1:0"), ("migrate",), ("flushexpiredtokens",)):
                        with support.elapsed() as took:
                            done = project.run(*command)
                        self.assert_refused(done, words)
                        self.assertLess(took(), 20)
                        self.assertNotIn(server.password, done.err)
                        self.assertNotIn("wr0ng", done.err)

    def test_a_database_that_is_not_migrated(self):
        project = self.project(migrated=False)
        self.assert_refused(project.run("runserver", "127.0.0.1:0"), "migrate")
        project.do("migrate")
        self.assertEqual(project.start().get("/readyz").status, 200)

    def test_urls_that_are_none(self):
        project = self.project()
        for url in ("postgresql://a:s3cret-Word@h/x?nonsense=1",
                    "postgresql://a:s3cret-Word@[::1/x", "postgresql://a:s3cret-Word%zz@h/x",
                    "postgresql://a:s3cret-Word%00@h/x", "postgresql://a:s3cret-Word@h/x?connect_timeout=soon"):
            with self.subTest(url=url):
                project.change({"DATABASE": {"URL": url}})
                done = project.run("migrate")
                self.assert_refused(done, "DATABASE")
                self.assertNotIn("s3cret", done.err)


class DatabaseCommands(ProgramTest):
    def test_createsuperuser(self):
        project = self.project()
        env = {"EASYJWT_SUPERUSER_EMAIL": "Root@Example.COM", "EASYJWT_SUPERUSER_PASSWORD": "1234"}
        project.do("createsuperuser", "--noinput", env=env)  # not validated, as Django's
        self.assert_refused(project.run("createsuperuser", "--noinput", env=env), "already taken")
        self.assert_refused(project.run("createsuperuser", "--noinput", "--email", "ROOT@example.com", env=env),
                            "already taken")
        self.assert_refused(project.run("createsuperuser", "--noinput"), "EASYJWT_SUPERUSER_EMAIL")
        self.assert_refused(project.run("createsuperuser", "--noinput", "--email", "x@example.com"),
                            "EASYJWT_SUPERUSER_PASSWORD")
        self.assert_refused(project.run("createsuperuser", "--noinput", "--email", "nonsense", env=env))
        self.assert_refused(project.run("createsuperuser"), "terminal")
        service = project.start()
        access = service.login("root@example.com", "1234")["access"]
        user = service.get("/auth/user/", token=access).json
        self.assertEqual((user["is_staff"], user["is_superuser"]), (True, True))
        self.assertEqual(service.get("/auth/users/", token=access).json["count"], 1)

    def test_commands_have_time(self):
        # Requests give up on a locked database after 1.5 s; whoever runs a command waits for it.
        project = self.project(users=support.usual_users())
        if project.engine == "postgresql":
            import postgresql  # pylint: disable=import-outside-toplevel
            other = postgresql.psycopg2.connect(project.postgresql.url)
            other.cursor().execute('LOCK TABLE "user"')
        else:
            other = sqlite3.connect(project.database, check_same_thread=False)
            other.execute("BEGIN IMMEDIATE")
        self.addCleanup(other.close)
        released = threading.Timer(3, other.rollback)
        with support.elapsed() as took:
            released.start()
            env = {"EASYJWT_SUPERUSER_EMAIL": "root@example.com", "EASYJWT_SUPERUSER_PASSWORD": "1234"}
            project.do("createsuperuser", "--noinput", env=env)
        released.join()
        self.assertGreater(took(), 2.5)

    def test_createsuperuser_on_a_terminal(self):
        project = self.project()
        terminal = Terminal(self, project, "createsuperuser")
        terminal.answer("Email address: ", "nonsense")
        terminal.answer("Email address: ", "Root@Example.com")
        terminal.answer("Password: ", "r00t-Rules-rooms")
        terminal.answer("Password (again): ", "something else")
        terminal.read_until("didn't match")
        terminal.answer("Password: ", "12345678")
        terminal.answer("Password (again): ", "12345678")
        terminal.read_until("entirely numeric")
        terminal.answer("[y/N]: ", "n")
        terminal.answer("Password: ", "r00t-Rules-rooms")
        terminal.answer("Password (again): ", "r00t-Rules-rooms")
        terminal.read_until("Superuser created successfully.")
        self.assertEqual(terminal.finish(), 0)
        # No echo.
        self.assertNotIn("r00t", terminal.seen)
        self.assertNotIn("12345678", terminal.seen)
        project.start().login("root@example.com", "r00t-Rules-rooms")
        # A taken address.
        terminal = Terminal(self, project, "createsuperuser", "--email", "root@example.com")
        terminal.read_until("already taken")
        self.assertEqual(terminal.finish(), 1)

    def test_an_interrupt_gives_the_echo_back(self):
        project = self.project()
        terminal = Terminal(self, project, "createsuperuser", "--email", "a@example.com")
        terminal.read_until("Password: ")
        eventually(lambda: not terminal.echoes())
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.finish(), 1)
        self.assertTrue(terminal.echoes())

    def test_changepassword(self):
        project = self.project(users=support.usual_users())
        service = project.start()
        terminal = Terminal(self, project, "changepassword", ALICE)
        terminal.answer("Password: ", "alice@example.com")
        terminal.answer("Password (again): ", "alice@example.com")
        terminal.read_until("too similar")
        terminal.answer("Password: ", "4nother-Passw0rd")
        terminal.answer("Password (again): ", "4nother-Passw0rd")
        terminal.read_until("changed successfully")
        self.assertEqual(terminal.finish(), 0)
        self.assertNotIn("4nother", terminal.seen)
        service.login(ALICE, "4nother-Passw0rd")
        self.assertEqual(service.post("/auth/token/", {"email": ALICE, "password": PASSWORDS[ALICE]}).status, 401)
        done = project.run("changepassword", "nobody@example.com")
        self.assertEqual(done.code, 1)
        self.assertIn("does not exist", done.err)
        terminal = Terminal(self, project, "changepassword", ALICE)
        for _ in range(3):
            terminal.answer("Password: ", "12345678")
            terminal.answer("Password (again): ", "12345678")
        terminal.read_until("Aborting")
        self.assertEqual(terminal.finish(), 1)
        service.login(ALICE, "4nother-Passw0rd")

    def test_migrate(self):
        project = self.project(migrated=False)
        plan = project.do("migrate", "--plan").out
        self.assertIn("Would apply", plan)
        self.assertIn("Applied", project.do("migrate").out)
        self.assertEqual(project.do("migrate").out, "No migrations to apply.\n")
        self.assertEqual(project.do("migrate", "--plan").out, "No planned migration operations.\n")

    def test_flushexpiredtokens_beside_a_service(self):
        project = self.project({"EASY_JWT": {"REFRESH_TOKEN_LIFETIME": 1}}, support.usual_users())
        service = project.start()
        for _ in range(3):
            expired = service.login()["refresh"]
        self.assertTrue(eventually(lambda: time.time() >= claims_of(expired)["exp"] + 1))
        self.assertEqual(project.do("flushexpiredtokens").out, "3 expired tokens deleted.\n")
        self.assertEqual(project.do("flushexpiredtokens").out, "0 expired tokens deleted.\n")
        self.assertEqual(service.login(CAROL).keys(), {"refresh", "access"})

    def test_flushexpiredtokens_gives_way(self):
        project = self.project({}, support.usual_users())
        service = project.start()
        rows = "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 20000) INSERT INTO "
        project.execute(rows + "token_blacklist_outstandingtoken (jti, token, expires_at) "
                               "SELECT CAST(n AS varchar(9)), 'x', '2000-01-01 00:00:00' FROM n")
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor() as threads:
            flushing = threads.submit(lambda: (project.do("flushexpiredtokens").out, time.monotonic()))
            refresh = service.login()["refresh"]
            self.assertEqual(service.post("/auth/token/verify/", {"token": refresh}).status, 200)
        out, ended = flushing.result()
        self.assertEqual(out, "20000 expired tokens deleted.\n")
        # Forty batches, and after each a pause of 10 ms at least.
        self.assertGreater(ended - begun, 0.4)


class Settings(ProgramTest):
    def test_wrong_settings_name_file_line_and_key(self):
        project = self.project()
        text = support.toml(project.settings)
        line = len(text.splitlines()) + 1
        for wrong, key in (("NONSENSE = 1", "EASY_JWT.NONSENSE"), ("LEEWAY = \"x\"", "EASY_JWT.LEEWAY"),
                           ("LEEWAY = -1", "EASY_JWT.LEEWAY"), ("ALGORITHM = \"none\"", "EASY_JWT.ALGORITHM"),
                           ("ALGORITHM = \"HS257\"", "EASY_JWT.ALGORITHM"), ("ROTATE_REFRESH_TOKENS = \"yes\"", "EASY_JWT.ROTATE_REFRESH_TOKENS"),
                           ("ACCESS_TOKEN_LIFETIME = \"5 parsecs\"", "EASY_JWT.ACCESS_TOKEN_LIFETIME"),
                           ("ACCESS_TOKEN_LIFETIME = -5", "EASY_JWT.ACCESS_TOKEN_LIFETIME"),
                           ("AUTH_HEADER_TYPES = \"Bearer\"", "EASY_JWT.AUTH_HEADER_TYPES"),
                           ("AUTH_HEADER_TYPES = []", "EASY_JWT.AUTH_HEADER_TYPES"),
                           ("USER_ID_FIELD = \"password\"", "EASY_JWT.USER_ID_FIELD"),
                           ("USER_ID_CLAIM = \"exp\"", "EASY_JWT.USER_ID_CLAIM"), ("JTI_CLAIM = \"user_id\"", "EASY_JWT.JTI_CLAIM"),
                           ("access_token_lifetime = 5", "EASY_JWT.access_token_lifetime"), ("ISSUER = 5", "EASY_JWT.ISSUER"),
                           ("[SERVER2]", "SERVER2")):
            with self.subTest(wrong=wrong):
                project.write(text + wrong + "\n")
                for command in (("runserver", "127.0.0.1:0"), ("migrate",)):
                    done = project.run(*command)
                    self.assert_refused(done, key, "%s:%d" % (project.config, line))
                self.assertEqual(project.run("check").code, 1)
                self.assertFalse(project.database.exists())
        project.write(text + "X = \n")
        self.assert_refused(project.run("migrate"), "%s:%d" % (project.config, line))

    def test_missing_settings(self):
        project = self.project()
        for key in ("SECRET_KEY", "INSTALLED_APPS"):
            project.write(support.toml({**project.settings, key: None}))
            self.assert_refused(project.run("migrate"), key, str(project.config))

    def test_secrets_are_not_shown(self):
        project = self.project({"EASY_JWT": {"ALGORITHM": "RS256"}})  # whose SIGNING_KEY is no PEM
        done = project.run("runserver", "127.0.0.1:0")
        self.assert_refused(done, "SIGNING_KEY")
        self.assertNotIn(support.SIGNING_KEY, done.err)
        done = project.run("check")
        self.assertNotIn(support.SIGNING_KEY, done.out + done.err)

    def test_environment(self):
        project = self.project(users=support.usual_users())
        service = project.start(env={
            "EASYJWT_EASY_JWT__ACCESS_TOKEN_LIFETIME": "90s", "EASYJWT_EASY_JWT__AUDIENCE": '["a", "b"]',
            "EASYJWT_EASY_JWT__SIGNING_KEY": "k" * 64, "EASYJWT_EASY_JWT__REFRESH_TOKEN_LIFETIME": "3600",
            "EASYJWT_EASY_JWT__ISSUER": "me"})
        pair = service.login()
        access, refresh = claims_of(pair["access"]), claims_of(pair["refresh"])
        self.assertEqual(access["exp"] - access["iat"], 90)
        self.assertEqual(refresh["exp"] - refresh["iat"], 3600)
        self.assertEqual((access["aud"], access["iss"]), (["a", "b"], "me"))
        jwt.decode(pair["access"], "k" * 64, algorithms=["HS256"], audience="b", issuer="me")
        for name, value, key in (("EASYJWT_EASY_JWT__ACCESS_TOKEN_LIFETIME", "soon", "EASY_JWT.ACCESS_TOKEN_LIFETIME"),
                                 ("EASYJWT_DEBUG", "perhaps", "DEBUG"), ("EASYJWT_ALLOWED_HOSTS", "[", "ALLOWED_HOSTS")):
            self.assert_refused(project.run("migrate", env={name: value}), name, key)

    def test_unknown_variables_are_warnings(self):
        project = self.project()
        env = {"EASYJWT_SERVICE_HOST": "10.0.0.1", "EASYJWT_PORT_8000_TCP_ADDR": "10.0.0.1", "EASYJWT_EASY_JWT__NONSENSE": "1"}
        service = project.start(env=env)
        self.assertEqual(service.get("/healthz").status, 200)
        service.stop()
        for name in env:
            self.assertIn(name, service.log())
        self.assertEqual(project.run("check", env=env).code, 0)

    def test_checks_of_deployment(self):
        project = self.project({"DEBUG": True, "ALLOWED_HOSTS": ["*"]})
        done = project.run("check", "--deploy")
        self.assertEqual(done.code, 0)  # warnings alone
        self.assertIn("DEBUG", done.err)
        self.assertIn("ALLOWED_HOSTS", done.err)
        self.assertNotIn("DEBUG", project.run("check").err)


class Start(ProgramTest):
    def test_ready_line(self):
        project = self.project()
        service = project.start()
        self.assertRegex(service.first_line, r"^listening on http://127\.0\.0\.1:[1-9]\d*\n$")
        self.assertEqual(service.get("/healthz").status, 200)
        self.assertEqual(service.get("/readyz").status, 200)

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                service = self.project().start()
                self.assertEqual(service.get("/healthz").status, 200)
                service.stop(number)
                with self.assertRaises(OSError):
                    service.connect(1)

    def test_a_start_is_quick(self):
        project = self.project()
        project.do("migrate")
        started = time.monotonic()
        service = project.start()
        self.assertEqual(service.get("/healthz").status, 200)
        # 100 ms is the aim; this is for machines with other things to do.
        self.assertLess(time.monotonic() - started, 20)


class StartAndEnd(ProgramTest):
    def test_listen_from_the_settings(self):
        service = self.project().start(listen="")
        self.assertEqual(service.get("/healthz").status, 200)

    def test_idle_connections_do_not_hold_up_the_end(self):
        service = self.project().start()
        idle = [service.connect() for _ in range(20)]
        half = service.connect()
        half.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        kept = service.client()
        self.assertEqual(kept.request("GET", "/healthz").status, 200)
        started = time.monotonic()
        service.stop()
        self.assertLess(time.monotonic() - started, 25)  # the drain's limit is 30 s
        for sock in [*idle, half, kept.connection.sock]:
            sock.close()

    def test_requests_in_flight_are_finished(self):
        # A login that takes its time: half a second of PBKDF2, several of them on few cores.
        users = [support.user_entry(1, "slow@example.com",
                                    support.encode_password("sl0w-As-snails", iterations=700_000))]
        service = self.project(users=users).start()
        service.secrets.add("sl0w-As-snails")
        body = json.dumps({"email": "slow@example.com", "password": "sl0w-As-snails"}).encode()
        head = (b"POST /auth/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body))
        socks = [service.connect() for _ in range(4)]
        for sock in socks:
            self.addCleanup(sock.close)
            sock.sendall(head + body)
        # It has read them when it answers another connection's request that came later.
        for _ in range(3):
            self.assertEqual(service.get("/healthz").status, 200)
        service.process.send_signal(signal.SIGTERM)
        for sock in socks:
            answer = support.read_answer(sock, "POST")
            self.assertEqual(answer.status, 200, str(answer))
            self.assertEqual(answer.headers["Connection"], "close")
        service.wait()

    def test_a_port_that_is_taken(self):
        project = self.project()
        service = project.start()
        done = project.run("runserver", "127.0.0.1:%d" % service.address[1])
        self.assert_refused(done, str(service.address[1]))

    def test_addresses_that_are_none(self):
        project = self.project()
        for address in ("nonsense", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999", "300.0.0.1:0", "127.0.0.1:-1",
                        "192.0.2.1:0"):
            with self.subTest(address=address):
                done = project.run("runserver", address)
                self.assertEqual(done.code, 1, done)
                self.assertEqual((done.out, len(done.err.strip().splitlines())), ("", 1), done)


class Tls(ProgramTest):
    def certificate(self, project, name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        project.path / "key.pem", "-out", project.path / "cert.pem", "-days", "1", "-subj", "/CN=" + name,
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:" + name], check=True, capture_output=True)

    SETTINGS = {"SERVER": {"TLS_CERTIFICATE": "cert.pem", "TLS_KEY": "key.pem"}}

    def start(self):
        project = self.project(self.SETTINGS)
        self.certificate(project, "localhost")
        project.load(support.usual_users())
        context = ssl.create_default_context(cafile=project.path / "cert.pem")
        service = project.start(tls=context)
        self.assertEqual(service.scheme, "https")
        return project, service

    def test_requests(self):
        _, service = self.start()
        pair = service.login()
        with service.client() as client:
            for _ in range(3):
                self.assertEqual(client.request("GET", "/auth/user/", token=pair["access"]).json["id"], 1)
            self.assertIn(client.connection.sock.version(), ("TLSv1.2", "TLSv1.3"))
            # A body that is more than one record.
            answer = client.request("POST", "/auth/token/verify/", {"token": "a" * 500_000})
            self.assertEqual(answer.status, 401)
        answer = service.get("/auth/users/?page_size=1", token=mint(user_id=3))
        self.assertTrue(answer.json["next"].startswith("https://"), answer.json)

    def test_what_is_not_tls(self):
        _, service = self.start()
        for data in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 100, b"\0" * 1000, b"\x80"):
            with service.connect() as sock:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    while sock.recv(4096):
                        pass
        self.assertEqual(service.get("/healthz").status, 200)

    def test_old_versions_are_refused(self):
        _, service = self.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with service.connect() as sock:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(sock)

    def shown(self, service):
        return ssl.get_server_certificate(service.address, timeout=support.PATIENCE)

    def test_reload(self):
        project, service = self.start()
        first = self.shown(service)
        self.certificate(project, "other.example")
        service.process.send_signal(signal.SIGHUP)
        self.assertTrue(eventually(lambda: self.shown(service) != first))
        second = self.shown(service)
        # What cannot be read leaves the old one in place.
        (project.path / "cert.pem").write_text("nonsense")
        service.process.send_signal(signal.SIGHUP)
        self.assertTrue(eventually(lambda: "cert.pem" in service.log()))
        self.assertEqual(self.shown(service), second)
        self.assertIsNone(service.process.poll())
        service.tls = ssl.create_default_context(cadata=second)
        # The reload that failed is an error in the log, and meant to be.
        service.error_lines = lambda: []
        self.assertEqual(service.get("/healthz").status, 200)

    def test_wrong_files(self):
        project = self.project(self.SETTINGS)
        self.assertEqual(project.run("runserver", "127.0.0.1:0").code, 1)
        self.certificate(project, "a")
        (project.path / "key.pem").write_text("nonsense")
        done = project.run("runserver", "127.0.0.1:0")
        self.assertEqual((done.code, len(done.err.strip().splitlines())), (1, 1), done)
        self.assertIn("key.pem", done.err)
        project = self.project({"SERVER": {"TLS_CERTIFICATE": "cert.pem"}})
        self.assertEqual(project.run("runserver", "127.0.0.1:0").code, 1)


class Algorithms(ProgramTest):
    """Every algorithm, both ways, against python3-jwt."""

    @staticmethod
    def pem(key):
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption()).decode()

    @staticmethod
    def public_pem(key):
        return key.public_key().public_bytes(serialization.Encoding.PEM,
                                             serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def check(self, algorithm, signing, verifying, settings):
        project = self.project({"EASY_JWT": {"ALGORITHM": algorithm, **settings}}, support.usual_users())
        service = project.start()
        pair = service.login()
        for token in pair.values():
            self.assertEqual(jwt.get_unverified_header(token)["alg"], algorithm)
            claims = jwt.decode(token, verifying, algorithms=[algorithm])
            self.assertEqual(claims["user_id"], 1)
        now = int(time.time())
        claims = {"token_type": "access", "exp": now + 300, "iat": now, "jti": "f" * 32, "user_id": 4}
        theirs = jwt.encode(claims, signing, algorithm)
        answer = service.post("/auth/token/verify/", {"token": theirs})
        self.assertEqual(answer.status, 200, str(answer))
        self.assertEqual(service.get("/auth/user/", token=theirs).json["id"], 4)
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": pair["refresh"]}).status, 200)
        # Another key of the same kind, another payload, a broken signature.
        head, payload, signature = theirs.split(".")
        middle = len(signature) // 2
        broken = signature[:middle] + ("A" if signature[middle] != "A" else "B") + signature[middle + 1:]
        other = support.b64(json.dumps({**claims, "user_id": 3}).encode())
        for forged in (".".join((head, payload, broken)), ".".join((head, other, signature)), head + "." + payload + "."):
            self.assertEqual(service.post("/auth/token/verify/", {"token": forged}).status, 401)
        service.stop()

    def check_hmac(self, algorithm):
        key = support.SIGNING_KEY
        self.check(algorithm, key, key, {"SIGNING_KEY": key})

    def check_asymmetric(self, algorithm, key):
        private, public = self.pem(key), self.public_pem(key)
        self.check(algorithm, private, public, {"SIGNING_KEY": private})
        self.check(algorithm, private, public, {"SIGNING_KEY": private, "VERIFYING_KEY": public})

    def test_hs(self):
        for algorithm in ("HS256", "HS384", "HS512"):
            with self.subTest(algorithm=algorithm):
                self.check_hmac(algorithm)

    def test_rs_and_ps(self):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
            with self.subTest(algorithm=algorithm):
                self.check_asymmetric(algorithm, key)

    def test_es(self):
        for algorithm, curve in (("ES256", ec.SECP256R1()), ("ES384", ec.SECP384R1()), ("ES512", ec.SECP521R1())):
            with self.subTest(algorithm=algorithm):
                self.check_asymmetric(algorithm, ec.generate_private_key(curve))

    def test_eddsa(self):
        self.check_asymmetric("EdDSA", ed25519.Ed25519PrivateKey.generate())

    def test_key_files(self):
        key = ec.generate_private_key(ec.SECP256R1())
        project = self.project({"EASY_JWT": {"ALGORITHM": "ES256", "SIGNING_KEY": "keys/private.pem",
                                             "VERIFYING_KEY": "keys/public.pem"}})
        (project.path / "keys").mkdir()
        (project.path / "keys" / "private.pem").write_text(self.pem(key))
        (project.path / "keys" / "public.pem").write_text(self.public_pem(key))
        project.load(support.usual_users())
        token = project.start().login()["access"]
        jwt.decode(token, self.public_pem(key), algorithms=["ES256"])

    def test_keys_that_do_not_fit(self):
        small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        p256, p384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
        sound = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        for settings in ({"ALGORITHM": "RS256", "SIGNING_KEY": self.pem(p256)}, {"ALGORITHM": "ES256", "SIGNING_KEY": self.pem(p384)},
                         {"ALGORITHM": "ES384", "SIGNING_KEY": self.pem(p256)}, {"ALGORITHM": "EdDSA", "SIGNING_KEY": self.pem(sound)},
                         {"ALGORITHM": "RS256", "SIGNING_KEY": self.pem(small)}, {"ALGORITHM": "RS256", "SIGNING_KEY": self.public_pem(sound)},
                         {"ALGORITHM": "RS256", "SIGNING_KEY": "missing.pem"}, {"ALGORITHM": "RS256", "SIGNING_KEY": ""},
                         {"ALGORITHM": "ES256", "SIGNING_KEY": self.pem(p256), "VERIFYING_KEY": self.public_pem(sound)},
                         {"ALGORITHM": "ES256", "SIGNING_KEY": self.pem(p256),
                          "VERIFYING_KEY": self.public_pem(ec.generate_private_key(ec.SECP256R1()))}):
            with self.subTest(algorithm=settings["ALGORITHM"], key=settings["SIGNING_KEY"][:30]):
                project = self.project({"EASY_JWT": settings})
                done = project.run("runserver", "127.0.0.1:0")
                self.assertEqual((done.code, len(done.err.strip().splitlines())), (1, 1), done)
                self.assertIn("EASY_JWT.", done.err)
                self.assertNotIn("PRIVATE", done.err)


class Log(ProgramTest):
    def ask_for_everything(self, service):
        """Requests of every kind: how many were answered."""
        pair = service.login()
        asked = [service.get("/auth/user/?secret=query-string", token=pair["access"]),
                 service.post("/auth/token/refresh/", {"refresh": pair["refresh"]}),
                 service.post("/auth/token/verify/", {"token": pair["access"] + "x"}),
                 service.post("/auth/token/", {"email": ALICE, "password": "a-wrong-password"}),
                 service.post("/auth/token/", form={"email": ALICE, "password": "a-form-password"}),
                 service.post("/auth/create-user/", {"email": "new@example.com", "password": "N3w-Password!"}),
                 service.post("/auth/password-change/", {"email": ALICE, "password": PASSWORDS[ALICE],
                                                         "new_password": "4nother-Passw0rd"}),
                 service.get("/nothing/%0a%1b[31m", headers={"Cookie": "sessionid=cookie-value-here"}),
                 service.request("OPTIONS", "/auth/token/"), service.request("PUT", "/auth/user/"),
                 service.post("/auth/token/blacklist/", {"refresh": pair["refresh"]})]
        service.secrets.update(("query-string", "a-form-password", "cookie-value-here"))
        return 1 + len(asked)

    def test_json(self):
        service = self.project({"SERVER": {"LOG_FORMAT": "json"}}, support.usual_users()).start()
        number = self.ask_for_everything(service)
        service.stop()  # which looks for secrets, too
        lines = [json.loads(line) for line in service.log().splitlines()]
        requests = [line for line in lines if line["message"] == "request"]
        self.assertEqual(len(requests), number)
        for line in requests:
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual(line["level"], "info")
            self.assertEqual(line["client"], "127.0.0.1")
            self.assertRegex(line["status"], r"^\d{3}$")
            self.assertNotIn("?", line["path"])
        self.assertEqual(len({line["id"] for line in requests}), number)
        self.assertEqual((requests[0]["method"], requests[0]["path"], requests[0]["status"]),
                         ("POST", "/auth/token/", "200"))

    def test_text(self):
        service = self.project(users=support.usual_users()).start()
        number = self.ask_for_everything(service)
        service.stop()
        requests = [line for line in service.log().splitlines() if " request " in line]
        self.assertEqual(len(requests), number)
        self.assertNotIn("\x1b", service.log())
        for line in requests:
            self.assertRegex(line, r"^\S+Z info request method=[A-Z]+ path=\S+ status=\d+ ")

    def test_nothing_breaks_out_of_a_line(self):
        for form in ("text", "json"):
            service = self.project({"SERVER": {"LOG_FORMAT": form}}).start()
            for path in (b"/a%0Ab", b"/\xc2\x9b31m", b"/\xe2\x80\xa8x", b"/\"x\\", b"/a=b", b"/\xff\xfe", b"/x'y", b"/" + b"a" * 5000):
                service.raw(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            service.raw(b"G\x01T / HTTP/1.1\r\n\r\n")
            service.stop()
            log = service.log()
            self.assertEqual(len([line for line in log.splitlines() if "request" in line]), 9, log)
            self.assertNotRegex(log, "[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffd]")
            if form == "json":
                for line in log.splitlines():
                    json.loads(line)

    def test_request_ids(self):
        service = self.project().start()
        for given in ("abc", "0af7651916cd43dd8448eb211c80319c", "A-b_c.1", "a" * 32):
            answer = service.get("/healthz", headers={"X-Request-Id": given})
            self.assertEqual(answer.headers["X-Request-Id"], given)
        for given in ("", "a b", "a" * 500, "ü", "a\"b", "<script>", "a;b", "{}", "a\tb", "a=b"):
            answer = service.get("/healthz", headers={"X-Request-Id": given.encode()})
            self.assertNotEqual(answer.headers["X-Request-Id"], given)
            self.assertRegex(answer.headers["X-Request-Id"], r"^[0-9a-f]{32}$")
        made = {service.get("/nothing/").headers["X-Request-Id"] for _ in range(5)}
        self.assertEqual(len(made), 5)
        # Refused before it was a request, and still it has one.
        self.assertTrue(service.raw(b"nonsense\r\n\r\n").headers["X-Request-Id"])
        service.stop()
        self.assertIn("id=0af7651916cd43dd8448eb211c80319c", service.log())


class Http(ServiceTest):
    def test_options(self):
        for path, methods in (("/auth/token/", "POST, OPTIONS"), ("/auth/user/", "GET, HEAD, OPTIONS"),
                              ("/auth/users/", "GET, HEAD, OPTIONS"), ("/auth/create-user/", "POST, OPTIONS")):
            # Like REST framework's, it is for those who may use the view.
            answer = self.service.request("OPTIONS", path, token=mint(user_id=3))
            self.assertEqual(answer.status, 200, str(answer))
            self.assertEqual(answer.headers["Allow"], methods)
            self.assertLessEqual({"name", "description", "parses", "renders"}, set(answer.json))
        self.assertEqual(self.service.request("OPTIONS", "/nothing/").status, 404)

    def test_head(self):
        token = mint()
        got = self.service.get("/auth/user/", token=token)
        head = self.service.request("HEAD", "/auth/user/", token=token)
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["Content-Length"], str(len(got.body)))
        self.assertEqual(self.service.request("HEAD", "/auth/user/").status, 401)
        self.assertEqual(self.service.request("HEAD", "/auth/token/").status, 405)
        self.assertEqual(self.service.request("HEAD", "/healthz").status, 200)

    def test_slashes(self):
        for path in ("/auth/user", "/auth/users", "/auth/users/1", "/auth/token"):
            answer = self.service.get(path + "?a=b%2f")
            self.assertEqual((answer.status, answer.headers["Location"]), (301, path + "/?a=b%2f"), path)
        # POST is served as if it had one.
        answer = self.service.post("/auth/token/verify", {"token": mint()})
        self.assertEqual((answer.status, answer.body), (200, b"{}"))
        answer = self.service.post("/auth/token", {"email": ALICE, "password": PASSWORDS[ALICE]})
        self.assertEqual(answer.status, 200)

    def test_not_found(self):
        for path in ("/", "/auth/", "/auth/nothing/", "/nothing/"):
            answer = self.service.get(path)
            self.assertEqual((answer.status, answer.json), (404, {"detail": "Not found."}), path)

    def test_tokens_are_not_cached(self):
        answer = self.service.post("/auth/token/", {"email": ALICE, "password": PASSWORDS[ALICE]})
        self.assertIn("no-store", answer.headers["Cache-Control"])

    def test_pipelining(self):
        token = mint().encode()
        first = b"GET /auth/user/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
        body = json.dumps({"email": ALICE, "password": PASSWORDS[ALICE]}).encode()
        # A slow one in the middle: the answers keep their order.
        login = (b"POST /auth/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n" % len(body)) + body
        with self.service.connect() as sock:
            sock.sendall(first + login + b"GET /nothing/ HTTP/1.1\r\nHost: localhost\r\n\r\n" + first)
            file = sock.makefile("rb")
            statuses = []
            for _ in range(4):
                status = int(file.readline().split()[1])
                headers = http.client.parse_headers(file)
                file.read(int(headers["Content-Length"]))
                statuses.append(status)
            self.assertEqual(statuses, [200, 200, 404, 200])

    def test_every_split(self):
        body = json.dumps({"token": mint()}).encode()
        data = (b"POST /auth/token/verify/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)) + body
        with self.service.connect() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for split in range(1, len(data)):
                sock.sendall(data[:split])
                sock.sendall(data[split:])
                self.assertEqual(support.read_answer(sock, "POST").status, 200, split)

    def test_expect_continue(self):
        body = json.dumps({"token": mint()}).encode()
        with self.service.connect() as sock:
            sock.sendall(b"POST /auth/token/verify/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
            self.assertEqual(sock.recv(25), b"HTTP/1.1 100 Continue\r\n\r\n")
            sock.sendall(body)
            self.assertEqual(support.read_answer(sock, "POST").status, 200)

    def test_http_1_0(self):
        answer = self.service.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
        self.assertEqual(answer.status, 200)
        answer = self.service.raw(b"GET /healthz HTTP/1.1\r\n\r\n")
        self.assertEqual(answer.status, 400)
        # Two fields that name a host.
        answer = self.service.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n")
        self.assertEqual(answer.status, 400)

    def test_hosts(self):
        # Health is for whoever asks from wherever: a load balancer uses the address.
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/auth/user/", 400)):
            self.assertEqual(self.service.get(path, headers={"Host": "10.1.2.3"}).status, status, path)


class People(ServiceTest):
    def test_who_sees_whom(self):
        alice, carol, dave = mint(user_id=1), mint(user_id=3), mint(user_id=4)
        self.assertEqual(self.service.get("/auth/users/").json, NOT_PROVIDED)
        self.assertEqual(self.service.get("/auth/users/", token=alice).status, 403)
        self.assertEqual(self.service.get("/auth/users/", token=carol).status, 200)
        self.assertEqual(self.service.get("/auth/users/4/", token=alice).status, 403)
        self.assertEqual(self.service.get("/auth/users/4/", token=dave).json["email"], DAVE)
        self.assertEqual(self.service.get("/auth/users/4/", token=carol).json["email"], DAVE)
        answer = self.service.get("/auth/users/99/", token=carol)
        self.assertEqual((answer.status, answer.json), (404, {"detail": "Not found."}))

    def test_list(self):
        token = mint(user_id=3)
        base = "http://%s:%d/auth/users/" % self.service.address

        def ask(query=""):
            answer = self.service.get("/auth/users/" + query, token=token)
            self.assertEqual(answer.status, 200, str(answer))
            return answer.json

        everyone = ask()
        self.assertEqual(everyone["count"], 4)
        self.assertEqual((everyone["next"], everyone["previous"]), (None, None))
        self.assertEqual([user["id"] for user in everyone["results"]], [1, 2, 3, 4])
        self.assertEqual(everyone["results"][3], self.service.get("/auth/users/4/", token=token).json)
        first = ask("?page_size=2")
        self.assertEqual((first["next"], first["previous"]), (base + "?page=2&page_size=2", None))
        second = ask("?page=2&page_size=2")
        self.assertEqual((second["next"], second["previous"]), (None, base + "?page_size=2"))
        self.assertEqual([user["id"] for user in first["results"] + second["results"]], [1, 2, 3, 4])
        for ordering, ids in (("id", [1, 2, 3, 4]), ("-id", [4, 3, 2, 1]), ("email", [1, 2, 3, 4]), ("-email", [4, 3, 2, 1]),
                              ("-last_name", [4, 1, 3, 2])):
            self.assertEqual([user["id"] for user in ask("?ordering=" + ordering)["results"]], ids, ordering)
        for search, ids in (("alice", [1]), ("ARCHER", [1]), ("arch%20alice", [1]), ("alice%20dave", []), ("example.com", [1, 2, 3, 4]),
                            ("d%C3%A4VE", [4]), ("%E5%A4%A7", [4])):
            found = ask("?search=" + search)
            self.assertEqual([user["id"] for user in found["results"]], ids, search)
            self.assertEqual(found["count"], len(ids))


class TokenSettings(ProgramTest):
    def start(self, **settings):
        return self.project({"EASY_JWT": settings}, support.usual_users()).start()

    def test_header_settings(self):
        service = self.start(AUTH_HEADER_NAME="HTTP_X_ACCESS_TOKEN", AUTH_HEADER_TYPES=["JWT", "Token"])
        token = mint()
        for kind in ("JWT", "Token"):
            self.assertEqual(service.get("/auth/user/", headers={"X-Access-Token": kind + " " + token}).status, 200)
        for headers in ({"X-Access-Token": "Bearer " + token}, {"Authorization": "JWT " + token}):
            answer = service.get("/auth/user/", headers=headers)
            self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, 'JWT realm="api"'))

    def test_leeway(self):
        service = self.start(LEEWAY=30.5)
        now = int(time.time())
        self.assertEqual(service.get("/auth/user/", token=mint(exp=now - 10)).status, 200)
        self.assertEqual(service.get("/auth/user/", token=mint(exp=now - 60)).status, 401)
        self.assertEqual(service.get("/auth/user/", token=mint(nbf=now + 10, iat=now + 10)).status, 200)
        self.assertEqual(service.get("/auth/user/", token=mint(nbf=now + 90)).status, 401)

    def test_within_the_leeway_the_blacklist_is_kept(self):
        service = self.start(LEEWAY=600)
        token = mint("refresh", exp=int(time.time()) - 10)
        refresh = lambda: service.post("/auth/token/refresh/", {"refresh": token}).status
        self.assertEqual(refresh(), 200)
        self.assertEqual(service.post("/auth/token/blacklist/", {"refresh": token}).status, 200)
        self.assertIn("0 expired tokens", service.project.do("flushexpiredtokens").out)
        self.assertEqual(refresh(), 401)

    def test_expiry(self):
        service = self.start(ACCESS_TOKEN_LIFETIME=2)
        token = service.login()["access"]
        self.assertTrue(eventually(lambda: service.get("/auth/user/", token=token).status == 401))
        self.assertGreaterEqual(time.time(), claims_of(token)["exp"])


class Behaviour(ProgramTest):
    """Settings that change what is answered."""

    def start(self, **settings):
        return self.project({"EASY_JWT": settings}, support.usual_users()).start()

    def test_create_user_open(self):
        service = self.start(CREATE_USER_OPEN=False)
        new = {"email": "new@example.com", "password": "N3w-Password!"}
        answer = service.post("/auth/create-user/", new)
        self.assertEqual((answer.status, answer.json), (401, NOT_PROVIDED))
        self.assertEqual(service.post("/auth/create-user/", new, token=mint(user_id=1)).status, 403)
        self.assertEqual(service.post("/auth/create-user/", new, token=mint(user_id=3)).status, 201)

    def test_update_last_login(self):
        for settings, changes in (({}, False), ({"UPDATE_LAST_LOGIN": True}, True)):
            service = self.start(**settings)
            pair = service.login()
            user = service.get("/auth/user/", token=pair["access"]).json
            self.assertEqual(user["last_login"] is not None, changes)
            service.post("/auth/token/", {"email": DAVE, "password": "wrong"})
            self.assertIsNone(service.get("/auth/users/4/", token=mint(user_id=4)).json["last_login"])
            service.stop()

    def test_check_revoke_token(self):
        service = self.start(CHECK_REVOKE_TOKEN=True, AUTH_TOKEN_CLASSES=["AccessToken", "SlidingToken"])
        old = service.login()
        sliding = service.post("/auth/token/sliding/", {"email": ALICE, "password": PASSWORDS[ALICE]}).json["token"]
        dave = service.login(DAVE)
        self.assertRegex(claims_of(old["access"])["hash_password"], "^[0-9A-F]{64}$")
        change = {"email": ALICE, "password": PASSWORDS[ALICE], "new_password": "4nother-Passw0rd"}
        self.assertEqual(service.post("/auth/password-change/", change).status, 200)
        refusals = [service.get("/auth/user/", token=old["access"]), service.get("/auth/user/", token=sliding),
                    service.post("/auth/token/verify/", {"token": old["access"]}),
                    service.post("/auth/token/verify/", {"token": old["refresh"]}),
                    service.post("/auth/token/refresh/", {"refresh": old["refresh"]}),
                    service.post("/auth/token/sliding/refresh/", {"token": sliding}),
                    service.post("/auth/create-user/", {}, token=old["access"])]
        for answer in refusals:
            self.assertEqual((answer.status, answer.json["code"]), (401, "password_changed"), str(answer))
        new = service.login(ALICE, "4nother-Passw0rd")
        self.assertEqual(service.get("/auth/user/", token=new["access"]).status, 200)
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": new["refresh"]}).status, 200)
        self.assertEqual(service.get("/auth/user/", token=dave["access"]).status, 200)

    def test_a_rehash_ends_no_session(self):
        project = self.project({"PASSWORD_UPGRADE": True, "EASY_JWT": {"CHECK_REVOKE_TOKEN": True}},
                               support.usual_users())
        service = project.start()
        first = service.login()
        service.login()
        self.assertEqual(service.get("/auth/user/", token=first["access"]).status, 200)
        (encoding,), = project.query('SELECT password FROM "user" WHERE id = 1')
        self.assertTrue(encoding.startswith("pbkdf2_sha256$1$"))

    def test_password_upgrade(self):
        project = self.project({"PASSWORD_UPGRADE": None}, support.usual_users())
        service = project.start()
        service.login()
        before, = project.query('SELECT password FROM "user" WHERE id = 1')
        other, = project.query('SELECT password FROM "user" WHERE id = 4')
        self.assertTrue(before[0].startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$"))
        self.assertTrue(other[0].startswith("pbkdf2_sha256$1$"))
        service.login()
        self.assertEqual(service.post("/auth/token/", {"email": ALICE, "password": "wrong"}).status, 401)

    def test_without_the_blacklist(self):
        project = self.project({"INSTALLED_APPS": ["easyjwt_auth", "easyjwt_user"]}, support.usual_users())
        service = project.start()
        refresh = service.login()["refresh"]
        self.assertEqual(service.post("/auth/token/blacklist/", {"refresh": refresh}).status, 404)
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": refresh}).status, 200)

    def test_inactive_and_deleted_users(self):
        service = self.start()
        for user_id, email in ((2, BOB), (99, "nobody@example.com")):
            answer = service.post("/auth/token/", {"email": email, "password": PASSWORDS.get(email, "x")})
            self.assertEqual((answer.status, answer.json), (401, {
                "detail": "No active account found with the given credentials"}))
            answer = service.post("/auth/token/refresh/", {"refresh": mint("refresh", user_id=user_id)})
            self.assertEqual((answer.status, answer.json), (401, {
                "detail": "No active account found with the given credentials", "code": "no_active_account"}))


if __name__ == "__main__":
    unittest.main()
