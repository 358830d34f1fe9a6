"""Forward-auth: GET /auth/forward/ by itself, and behind a real nginx and a real Caddy
(docs/deploy/forward-auth-*) in front of a service that is not ours."""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import unittest

import support
from support import ALICE, PATIENCE, eventually
from test_own_views import OwnViewsTest, UNAVAILABLE

DEPLOY = support.TESTS.parent / "docs" / "deploy"
NOBODY = {"X-Auth-User-Id": "", "X-Auth-Email": "", "X-Auth-Is-Staff": "", "X-Auth-Groups": ""}
RULES = ["/public AllowAny", "GET,HEAD /api IsAuthenticated", "/api in_group:Sales%2C%20North",
         "/admin IsAdminUser", "/ IsAuthenticated"]
NONE = {"detail": "Authentication credentials were not provided."}
DENIED = {"detail": "You do not have permission to perform this action."}


def identity(headers):
    return {name: headers[name] for name in NOBODY}


class ForwardTest(OwnViewsTest):
    def pair_with(self, rules=(), fields=()):
        return self.pair({"FORWARD_AUTH": {"RULES": list(rules), "FIELDS": list(fields)}})

    def make_staff(self, groups=()):
        """Alice is staff of this service, and in groups of it."""
        self.assertEqual(self.ask().status, 200)
        with contextlib.closing(sqlite3.connect(self.client_project.database, timeout=10)) as database, database:
            database.execute('UPDATE "user" SET is_staff = 1')
            for group in groups:
                database.execute("INSERT INTO auth_group (name) VALUES (?)", (group,))
                database.execute('INSERT INTO user_groups (user_id, group_id) SELECT u.id, g.id '
                                 'FROM "user" u, auth_group g WHERE g.name = ?', (group,))

    def forward(self, token=None, method="GET", uri="/", headers=None):
        said = {"X-Forwarded-Method": method, "X-Forwarded-Uri": uri, **(headers or {})}
        return self.client.get("/auth/forward/", token=token, headers={k: v for k, v in said.items() if v is not None})


class Endpoint(ForwardTest):
    def test_says_who_asks(self):
        self.pair_with(fields=["first_name", "is_active", "missing"])
        self.make_staff(["Editors", "Sales, North", "Käufer%"])
        answer = self.forward(self.tokens["access"])
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(identity(answer.headers), {
            "X-Auth-User-Id": "1", "X-Auth-Email": ALICE, "X-Auth-Is-Staff": "true",
            "X-Auth-Groups": "Editors, K%C3%A4ufer%25, Sales%2C North"})
        self.assertEqual([answer.headers["X-Auth-" + name] for name in ("First-Name", "Is-Active", "Missing")],
                         ["Alice", "true", ""])
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def test_without_rules_a_login_is_enough(self):
        self.pair_with()
        answer = self.forward()
        self.assertEqual((answer.status, answer.json, answer.headers["WWW-Authenticate"]), (401, NONE, "Bearer"))
        self.assertEqual(self.forward("a.b.c").status, 401)
        self.assertEqual(self.forward(self.tokens["access"], method=None, uri=None).status, 200)

    def test_rules(self):
        self.pair_with(RULES)
        token = self.tokens["access"]
        for method, uri, nobody, alice in (
                ("GET", "/public/x", 200, 200), ("GET", "/", 401, 200), ("GET", "/api/things?x=1", 401, 200),
                ("POST", "/api/things", 401, 403), ("GET", "/admin", 401, 403), ("GET", "/administer", 401, 200),
                ("GET", "/public/../admin", 401, 403), ("GET", "/public/%2e%2e/admin", 401, 403),
                ("GET", "//admin", 401, 403), ("GET", "/public/..;/admin", 401, 403),
                ("GET", "/public%2f..%2fadmin", 403, 403), ("GET", "", 403, 403), ("", "/public", 403, 403)):
            self.assertEqual((self.forward(None, method, uri).status, self.forward(token, method, uri).status),
                             (nobody, alice), (method, uri))
        self.assertEqual(identity(self.forward(None, uri="/public").headers), NOBODY)
        self.assertEqual(self.forward(token, "POST", "/api").json, DENIED)
        self.make_staff(["Sales, North"])
        self.assertEqual(self.forward(token, "POST", "/api/things").status, 200)
        self.assertEqual(self.forward(token, "GET", "/admin").status, 200)

    def test_what_no_rule_fits_is_denied(self):
        self.pair_with(["/api IsAuthenticated"])
        token = self.tokens["access"]
        self.assertEqual(self.forward(token, uri="/api").status, 200)
        self.assertEqual(self.forward(token, uri="/other").status, 403)
        self.assertEqual(self.forward(token, uri="/api/../other").status, 403)

    def test_two_of_a_header_are_refused(self):
        self.pair_with(["/public AllowAny"])
        answer = self.client.raw(b"GET /auth/forward/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Method: GET\r\n"
                                 b"X-Forwarded-Uri: /public\r\nX-Forwarded-Uri: /admin\r\nConnection: close\r\n\r\n")
        self.assertEqual(answer.status, 403)

    def test_every_method_is_judged(self):
        self.pair({"FORWARD_AUTH": {"RULES": ["/api IsAuthenticated"]},
                   "CORS_ALLOWED_ORIGINS": ["https://app.example.com"]})
        preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
            said = {"X-Forwarded-Method": method, "X-Forwarded-Uri": "/api"}
            for headers in (said, {**said, **preflight}):
                answer = self.client.request(method, "/auth/forward/", headers=headers)
                self.assertEqual(answer.status, 405 if method == "PROPFIND" else 401, method)
        known = {"X-Forwarded-Method": "OPTIONS", "X-Forwarded-Uri": "/api"}
        self.assertEqual(self.client.request("OPTIONS", "/auth/forward/", headers=known,
                                             token=self.tokens["access"]).status, 200)

    def test_rules_that_are_none_are_told_with_their_place(self):
        self.pair_with()
        self.client_project.change({"FORWARD_AUTH": {"RULES": ["/public Everybody"]}})
        done = self.client_project.run("check")
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err + done.out, r'easyjwt\.toml:\d+: FORWARD_AUTH\.RULES: .*"/public Everybody" has a permission')


class Upstream(http.server.ThreadingHTTPServer):
    """Somebody else's service: answers with the request's headers."""

    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):  # pylint: disable=invalid-name
            length = int(self.headers["Content-Length"] or 0)
            body = json.dumps({"path": self.path, "method": self.command, "headers": self.headers.items(),
                               "body": self.rfile.read(length).decode()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass

    def __init__(self, add_cleanup):
        super().__init__(("127.0.0.1", 0), self.Handler)
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        add_cleanup(thread.join)
        add_cleanup(self.server_close)
        add_cleanup(self.shutdown)


class Nginx:
    conf = DEPLOY / "forward-auth-nginx.conf"
    listens = r"listen 8080;", "listen 127.0.0.1:%d;"
    asks = r"server 127\.0\.0\.1:8001;", "server 127.0.0.1:%d;"
    passes_to = r"server 127\.0\.0\.1:9000;", "server 127.0.0.1:%d;"
    # nginx leaves out a header that is empty.
    of_nobody = {}
    without_a_judge = 503

    @staticmethod
    def command(path, text):
        (path / "forward.conf").write_text(text)
        folders = "".join("%s_temp_path %s;\n" % (name, path / name)
                          for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (path / "nginx.conf").write_text(
            "daemon off; worker_processes 1; pid nginx.pid; error_log stderr;\n"
            + ("user root;\n" if os.geteuid() == 0 else "")
            + "events {}\nhttp {\naccess_log off;\n" + folders + "include forward.conf;\n}\n")
        return ["/usr/sbin/nginx", "-e", "stderr", "-p", str(path), "-c", "nginx.conf"]


class Caddy:
    conf = DEPLOY / "forward-auth-Caddyfile"
    listens = r":8080 \{", "http://:%d {"
    asks = r"forward_auth 127\.0\.0\.1:8001", "forward_auth 127.0.0.1:%d"
    passes_to = r"reverse_proxy 127\.0\.0\.1:9000", "reverse_proxy 127.0.0.1:%d"
    of_nobody = NOBODY
    without_a_judge = 502

    @staticmethod
    def command(path, text):
        (path / "Caddyfile").write_text("{\nadmin off\n}\n" + text)
        return ["/usr/bin/env", "HOME=%s" % path, "/usr/bin/caddy", "run", "--adapter", "caddyfile",
                "--config", str(path / "Caddyfile")]


class BehindProxy:
    """What holds behind each of the proxies; `proxy` is one of those above."""

    def start_proxy(self):
        upstream = Upstream(self.addCleanup)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        path = pathlib.Path(tempfile.mkdtemp(prefix="easyjwt-e2e-"))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        text = self.proxy.conf.read_text()
        for (what, instead), port in ((self.proxy.asks, self.client.address[1]),
                                      (self.proxy.passes_to, upstream.server_port), (self.proxy.listens, self.port)):
            text, changed = re.subn(what, instead % port, text)
            self.assertEqual(changed, 1, what)
        process = subprocess.Popen(self.proxy.command(path, text), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)

        def end():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

        self.addCleanup(end)
        self.assertTrue(eventually(self.serves, 20))

    def serves(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        return False

    def through(self, path, token=None, method="GET", headers=None, body=None):
        """Status, headers and JSON of a request through the proxy; the path as it is."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            fields = dict(headers or {})
            if token:
                fields["Authorization"] = "Bearer " + token
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, answer.headers, json.loads(data) if data.startswith(b"{") else data

    def check_the_service_is_told_who_asks_and_no_more(self):
        self.pair_with(RULES)
        self.make_staff(["Sales, North"])
        self.start_proxy()
        forged = {name: "forged" for name in NOBODY}
        status, _, seen = self.through("/api/things?x=%20", self.tokens["access"], "POST", forged, b"hello")
        self.assertEqual(status, 200)
        self.assertEqual((seen["path"], seen["method"], seen["body"]), ("/api/things?x=%20", "POST", "hello"))
        got = [(name, value) for name, value in seen["headers"] if name.lower().startswith("x-auth-")]
        self.assertEqual(dict(got), {"X-Auth-User-Id": "1", "X-Auth-Email": ALICE, "X-Auth-Is-Staff": "true",
                                     "X-Auth-Groups": "Sales%2C North"})
        self.assertEqual(len(got), 4)
        self.assertNotIn("authorization", [name.lower() for name, _ in seen["headers"]])

    def check_nobody_is_nobody(self):
        self.pair_with(RULES)
        self.start_proxy()
        forged = {**{name: "1" for name in NOBODY}, "X-Forwarded-Uri": "/public", "X-Forwarded-Method": "GET"}
        status, _, seen = self.through("/public/x", headers=forged)
        self.assertEqual(status, 200)
        # What the client sent is gone.
        self.assertEqual({name: value for name, value in seen["headers"] if name.lower().startswith("x-auth-")},
                         self.proxy.of_nobody)
        status, headers, _ = self.through("/api/things", headers=forged)
        self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"))
        self.assertEqual(self.through("/admin", headers=forged)[0], 401)

    def check_no_spelling_of_a_path_slips_through(self):
        self.pair_with(RULES)
        self.start_proxy()
        token = self.tokens["access"]
        self.assertEqual(self.through("/public", token)[0], 200)
        for path in ("/admin", "/public/../admin", "/public/%2e%2e/admin", "//admin", "/./admin", "/%61dmin",
                     "/public/..;/admin", "/public%2f..%2fadmin", "/public/%252e%252e/admin", "/admin;x",
                     "/public/..%5cadmin"):
            self.assertEqual(self.through(path, token)[0], 403, path)

    def check_an_outage_is_no_logout(self):
        self.pair_with()
        self.start_proxy()
        self.assertEqual(self.through("/", self.tokens["access"])[0], 200)
        self.auth.kill()
        for _ in range(4):
            status, headers, body = self.through("/", self.tokens["access"])
            self.assertEqual((status, body, headers["Retry-After"]), (503, UNAVAILABLE, "1"))
        self.client.kill()
        self.assertEqual(self.through("/", self.tokens["access"])[0], self.proxy.without_a_judge)


class BehindNginx(BehindProxy, ForwardTest):
    proxy = Nginx

    def test_the_service_is_told_who_asks_and_no_more(self):
        self.check_the_service_is_told_who_asks_and_no_more()

    def test_nobody_is_nobody(self):
        self.check_nobody_is_nobody()

    def test_no_spelling_of_a_path_slips_through(self):
        self.check_no_spelling_of_a_path_slips_through()

    def test_an_outage_is_no_logout(self):
        self.check_an_outage_is_no_logout()


class BehindCaddy(BehindProxy, ForwardTest):
    proxy = Caddy

    def test_the_service_is_told_who_asks_and_no_more(self):
        self.check_the_service_is_told_who_asks_and_no_more()

    def test_nobody_is_nobody(self):
        self.check_nobody_is_nobody()

    def test_no_spelling_of_a_path_slips_through(self):
        self.check_no_spelling_of_a_path_slips_through()

    def test_an_outage_is_no_logout(self):
        self.check_an_outage_is_no_logout()


if __name__ == "__main__":
    unittest.main()
