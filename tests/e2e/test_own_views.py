"""A service of one's own, examples/client_service, in front of a real auth-service: GET /api/test/, the
copies of users that it keeps, and what becomes of it when the auth-service goes away."""

import contextlib
import http.server
import json
import os
import pathlib
import signal
import sys
import threading
import time
import unittest
from unittest import mock

import support
from support import ALICE, CAROL, PASSWORDS, at_once, elapsed, eventually

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "conformance"))

import test_scenarios  # noqa: E402  pylint: disable=wrong-import-position

EXAMPLE = pathlib.Path(support.program()).parent / "examples" / "client_service"
BASE = {
    "SECRET_KEY": support.SECRET_KEY,
    "INSTALLED_APPS": ["easyjwt_client", "easyjwt_user", "admin"],
    "SERVER": {"LISTEN": "127.0.0.1:0"},
}
SLOWNESS = float(os.environ.get("EASYJWT_TEST_SLOWNESS", "1"))
UNAVAILABLE = {"detail": "Service temporarily unavailable, try again later."}


def url_of(service):
    return "http://%s:%d" % service.address


@contextlib.contextmanager
def example():
    """What is started in here is the example."""
    with mock.patch.dict(os.environ, EASYJWT_PROGRAM=str(EXAMPLE)):
        yield


class OwnViewsTest(unittest.TestCase):
    maxDiff = None

    def client_of(self, url, settings=None):
        settings = support.merged({"EASY_JWT": {"REMOTE_AUTH_SERVICE_URL": url}}, settings or {})
        with example():
            self.client_project = support.Project(self.addCleanup, settings, base=BASE)
            return self.client_project.start()

    def pair(self, settings=None, auth_settings=None):
        self.auth_project = support.Project(self.addCleanup, auth_settings, support.usual_users())
        self.auth = self.auth_project.start()
        self.client = self.client_of(url_of(self.auth), settings)
        self.tokens = self.auth.login()
        return self.client

    def ask(self, token=None, path="/api/test/", **kwargs):
        return self.client.get(path, token=token or self.tokens["access"], **kwargs)

    def copies(self):
        """(remote id, e-mail, first name, is_staff, is_superuser, modified) of each copy."""
        return self.client_project.query(
            'SELECT r.remote_id, u.email, u.first_name, u.is_staff, u.is_superuser, u.modified_date '
            'FROM easyjwt_remote_user r JOIN "user" u ON u.id = r.user_id ORDER BY 1')

    def change(self, whose, **columns):
        """A user in the auth-service's database, as its admin would."""
        values = ", ".join("%s = '%s'" % column for column in columns.items())
        self.auth_project.query("UPDATE \"user\" SET %s WHERE email = '%s'" % (values, whose))


class Recorded(OwnViewsTest):
    """All that was recorded of the original's client-service."""

    def play(self, name):
        path = HERE.parent / "conformance" / "scenarios" / (name + ".json")
        scenario = json.loads(path.read_text("utf-8"))
        users = [support.user_entry(number + 1, **user)
                 for number, user in enumerate(scenario["users"])]
        auth = support.Project(self.addCleanup, {"EASY_JWT": scenario["settings"]}, users).start()
        client = self.client_of(url_of(auth), {"EASY_JWT": scenario["client_settings"]})
        player = test_scenarios.Player(scenario, client)
        for case in scenario["cases"]:
            with self.subTest(case["id"]):
                wrong = player.play(case)
                self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_client_default(self):
        self.play("client-default")

    def test_client_cookie(self):
        self.play("client-cookie")


class Copies(OwnViewsTest):
    """The service's copies of users."""

    def test_a_user_is_copied_once_and_written_only_when_changed(self):
        self.pair()
        self.assertEqual(self.ask().json, "success")
        first = self.copies()
        self.assertEqual([row[:5] for row in first], [(1, ALICE, "Alice", 0, 0)])
        for _ in range(3):
            self.assertEqual(self.ask().json, "success")
        self.assertEqual(self.copies(), first)
        self.change(ALICE, first_name="Alicia", email="new@example.com")
        self.assertEqual(self.ask().json, "success")
        (row,) = self.copies()
        self.assertEqual(row[:3], (1, "new@example.com", "Alicia"))
        self.assertNotEqual(row[5], first[0][5])

    def test_a_login_copies_too(self):
        self.pair()
        self.client.login()
        self.assertEqual([row[:2] for row in self.copies()], [(1, ALICE)])

    def test_staff_of_the_auth_service_are_not_staff_here(self):
        self.pair()
        token = self.auth.login(CAROL)["access"]
        self.assertEqual(self.auth.get("/auth/user/", token=token).json["is_superuser"], True)
        self.assertEqual(self.ask(token).status, 200)
        self.assertEqual([row[1:5] for row in self.copies()], [(CAROL, "", 0, 0)])

    def test_a_reused_e_mail_inherits_nothing(self):
        self.pair()
        self.ask()
        self.client_project.query('UPDATE "user" SET is_staff = TRUE')
        # Alice has another address now, and Dave has hers.
        self.change(ALICE, email="alice.new@example.com")
        self.change("dave@example.com", email=ALICE)
        token = self.auth.login(ALICE, PASSWORDS["dave@example.com"])["access"]
        self.assertEqual(self.ask(token).status, 200)
        staff = {row[0]: (row[1], row[3]) for row in self.copies()}
        self.assertEqual(staff.pop(4), (ALICE, 0))
        self.assertEqual(staff[1][1], 1)
        self.assertNotEqual(staff[1][0], ALICE)
        self.assertEqual(self.ask().status, 200)
        self.assertEqual({row[0]: row[1] for row in self.copies()}, {1: "alice.new@example.com", 4: ALICE})

    def test_an_account_of_the_services_own_is_never_taken_over(self):
        self.pair()
        with example():
            done = self.client_project.run("createsuperuser", "--noinput",
                                           env={"EASYJWT_SUPERUSER_EMAIL": ALICE,
                                                "EASYJWT_SUPERUSER_PASSWORD": "l0cal-Lions-leap"})
        self.assertEqual(done.code, 0, done.err)
        answer = self.ask()
        self.assertEqual((answer.status, answer.json),
                         (403, {"detail": "This e-mail address belongs to an account of this service's own."}))
        self.assertEqual(self.copies(), [])
        self.assertEqual(self.client_project.query('SELECT is_superuser FROM "user"'), [(1,)])

    def test_many_first_requests_at_once_make_one_copy(self):
        self.pair()
        tokens = [self.auth.login()["access"] for _ in range(8)]
        answers = at_once(32, lambda i: self.ask(tokens[i % 8]).status)
        self.assertEqual(answers, [200] * 32)
        self.assertEqual(len(self.copies()), 1)


class Requests(OwnViewsTest):
    def test_methods(self):
        self.pair()
        token = self.tokens["access"]
        for method, status in (("HEAD", 200), ("OPTIONS", 200), ("POST", 405), ("DELETE", 405)):
            answer = self.client.request(method, "/api/test/", token=token)
            self.assertEqual((answer.status, answer.headers["allow"]), (status, "GET, HEAD, OPTIONS"))
        # As in REST framework: who may not ask at all is told that, not which methods there are.
        self.assertEqual(self.client.request("POST", "/api/test/").status, 401)

    def test_two_authorization_headers_are_refused(self):
        self.pair()
        value = "Bearer " + self.tokens["access"]
        answer = self.client.raw(
            ("GET /api/test/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: %s\r\nAuthorization: %s\r\n"
             "Connection: close\r\n\r\n" % (value, value)).encode())
        self.assertEqual((answer.status, answer.json), (
            401, {"detail": "Invalid basic header. Credentials string should not contain spaces."}))

    def test_a_revoked_token_is_refused_at_the_next_request(self):
        self.pair(auth_settings={"EASY_JWT": {"CHECK_REVOKE_TOKEN": True}})
        self.assertEqual(self.ask().status, 200)
        changed = self.auth.post("/auth/password-change/", {
            "email": ALICE, "password": PASSWORDS[ALICE], "new_password": "an0ther-Apple-arrives"})
        self.assertEqual(changed.status, 200)
        self.assertEqual(self.ask().status, 401)

    def test_a_bad_token_is_refused_where_none_is_needed(self):
        self.pair()
        self.assertEqual(self.client.get("/auth/csrf/").status, 200)
        self.assertEqual(self.ask(path="/auth/csrf/").status, 200)
        answer = self.ask("a.b.c", "/auth/csrf/")
        self.assertEqual((answer.status, answer.json), (401, {"detail": "Token is invalid or expired"}))

    def test_every_command_is_there(self):
        self.pair()
        with example():
            for command in (["check"], ["migrate", "--plan"], ["clearsessions"]):
                done = self.client_project.run(*command)
                self.assertEqual(done.code, 0, done.err)


class Outages(OwnViewsTest):
    """An auth-service that is gone, stands still or talks nonsense is no reason to log anybody out."""

    def assert_unavailable(self, answer):
        self.assertEqual((answer.status, answer.json), (503, UNAVAILABLE))
        self.assertTrue(answer.headers["retry-after"])

    def test_killed_and_back(self):
        self.pair()
        self.assertEqual(self.ask().status, 200)
        address = self.auth.address
        self.auth.kill()
        for _ in range(5):
            self.assert_unavailable(self.ask())
        times = []
        for _ in range(50):
            with elapsed() as took:
                self.assert_unavailable(self.ask())
            times.append(took())
        self.assertLess(sorted(times)[45], 0.05 * SLOWNESS)
        self.auth = self.auth_project.start(listen="%s:%d" % address)
        back = time.monotonic()
        self.assertTrue(eventually(lambda: self.ask().status == 200, 10))
        self.assertLess(time.monotonic() - back, 2 * SLOWNESS)
        self.assertEqual(self.client.get("/healthz").status, 200)

    def test_frozen(self):
        self.pair({"EASY_JWT": {"REMOTE_AUTH_REQUEST_TIMEOUT": 1}})
        self.assertEqual(self.ask().status, 200)
        tokens = [self.auth.login()["access"] for _ in range(12)]
        os.kill(self.auth.process.pid, signal.SIGSTOP)
        try:
            with elapsed() as took:
                answers = at_once(48, lambda i: self.ask(tokens[i % 12]))
            for answer in answers:
                self.assert_unavailable(answer)
            self.assertLess(took(), 4 * SLOWNESS)
            # Open by now: nobody waits any more.
            with elapsed() as took:
                self.assert_unavailable(self.ask())
            self.assertLess(took(), 0.5 * SLOWNESS)
        finally:
            os.kill(self.auth.process.pid, signal.SIGCONT)
        self.assertTrue(eventually(lambda: self.ask().status == 200, 10))

    def test_nonsense(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            answer = (200, "application/json", b"{}")

            def do_GET(self):  # pylint: disable=invalid-name
                status, kind, body = self.answer
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body) + (10 if kind == "cut" else 0)))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = kind == "cut"

            do_POST = do_GET

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None  # whoever asks hangs up on a body that is too long
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.client = self.client_of("http://127.0.0.1:%d" % server.server_port)
        good = b'{"id": 1, "email": "alice@example.com"}'
        for wrong in ((200, "application/json", b"{}"), (200, "text/html", good), (200, "application/json", b"["),
                      (500, "application/json", good), (302, "application/json", good),
                      (200, "application/json", b'{"id": "1", "email": "a@example.com"}'),
                      (200, "application/json", b'{"id": 1, "email": ""}'),
                      (200, "cut", good), (200, "application/json", b'{"x": "' + b"x" * 3_000_000 + b'"}')):
            Handler.answer = (200, "application/json", good)
            self.assertTrue(eventually(lambda: self.ask("a.b.c").status == 200, 10))
            Handler.answer = wrong
            answer = self.ask("a.b.c")
            self.assertEqual((answer.status, answer.json), (503, UNAVAILABLE), wrong[:2])


if __name__ == "__main__":
    unittest.main()
