"""The stock client-service: two real programs, an auth-service and a client-service that asks it."""

import contextlib
import http.cookies
import http.server
import json
import socket
import threading
import unittest

import support
from support import ALICE, PASSWORDS, eventually

BASE = {
    "SECRET_KEY": support.SECRET_KEY,
    "INSTALLED_APPS": ["easyjwt_client", "easyjwt_user", "admin"],
    "SERVER": {"LISTEN": "127.0.0.1:0"},
}
APP = "https://app.example.com"
CREDENTIALS = {"email": ALICE, "password": PASSWORDS[ALICE]}
LOGGED_OUT = {"detail": "Logged out."}


def url_of(service):
    return "http://%s:%d" % service.address


def cookies_of(answer):
    """The cookies that an answer sets, by name: value and attributes."""
    out = {}
    for line in answer.headers.get_all("set-cookie") or ():
        for name, cookie in http.cookies.SimpleCookie(line).items():
            out[name] = (cookie.value, {k: v for k, v in cookie.items() if v != ""})
    return out


class Fake(http.server.ThreadingHTTPServer):
    """An auth-service that answers what it was told: (status, headers, body) for each path."""

    daemon_threads = True

    def __init__(self, add_cleanup):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.answers, self.asked = {}, []
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        add_cleanup(thread.join)
        add_cleanup(self.server_close)
        add_cleanup(self.shutdown)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):  # pylint: disable=invalid-name
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.server.asked.append((self.path, json.loads(body or b"null")))
            status, headers, text = self.server.answers.get(self.path, (404, {}, b"{}"))
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass

    def handle_error(self, *_):
        """Whoever asks may hang up: on a body that is too long, say."""


class ClientServiceTest(unittest.TestCase):
    maxDiff = None

    def client_of(self, url, settings=None):
        """A client-service that asks the auth-service there."""
        settings = support.merged({"EASY_JWT": {"REMOTE_AUTH_SERVICE_URL": url}}, settings or {})
        return support.Project(self.addCleanup, settings, base=BASE).start()

    def pair(self, settings=None, auth_settings=None):
        """An auth-service with the usual users, and its client-service."""
        self.auth_project = support.Project(self.addCleanup, auth_settings, support.usual_users())
        self.auth = self.auth_project.start()
        self.client = self.client_of(url_of(self.auth), settings)
        return self.auth, self.client

    def assert_answer(self, answer, status, body):
        self.assertEqual((answer.status, answer.json), (status, body))


class Tokens(ClientServiceTest):
    """Tokens in bodies."""

    def test_answers_are_the_auth_services(self):
        auth, client = self.pair()
        tokens = client.login()
        self.assertEqual(list(tokens), ["refresh", "access"])
        self.assertEqual(auth.get("/auth/user/", token=tokens["access"]).json["email"], ALICE)
        answer = client.post("/auth/token/", CREDENTIALS)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(cookies_of(answer), {})
        wrong = {"email": ALICE, "password": "wrong"}
        theirs, ours = auth.post("/auth/token/", wrong), client.post("/auth/token/", wrong)
        self.assertEqual((ours.status, ours.body), (theirs.status, theirs.body))
        self.assertEqual(ours.headers["www-authenticate"], "Bearer")
        for body in ({"refresh": "x"}, {"refresh": tokens["access"]}):
            theirs = auth.post("/auth/token/refresh/", body)
            ours = client.post("/auth/token/refresh/", body)
            self.assertEqual((ours.status, ours.body), (theirs.status, theirs.body))

    def test_strings_are_trimmed_and_forms_taken(self):
        _, client = self.pair()
        self.assertEqual(client.post("/auth/token/", {"email": " %s " % ALICE,
                                                      "password": PASSWORDS[ALICE]}).status, 200)
        self.assertEqual(client.post("/auth/token/", form=CREDENTIALS).status, 200)
        self.assertEqual(client.post("/auth/token", CREDENTIALS).status, 200)

    def test_bad_bodies_never_reach_the_auth_service(self):
        fake = Fake(self.addCleanup)
        client = self.client_of("http://127.0.0.1:%d" % fake.server_port)
        for path in ("/auth/token/", "/auth/token/refresh/", "/auth/token/verify/"):
            for body in (b"{", b"[]", b"null", b"{}", b'{"email":true,"password":"a","token":[],'
                         b'"refresh":{}}', b'{"email":"","password":"","token":"","refresh":""}'):
                answer = client.post(path, body=body, headers={"Content-Type": "application/json"})
                self.assertEqual(answer.status, 400, (path, body))
            answer = client.post(path, body=b"x", headers={"Content-Type": "text/plain"})
            self.assertEqual(answer.status, 415)
        self.assertEqual(fake.asked, [])

    def test_logout(self):
        auth, client = self.pair()
        refresh = client.login()["refresh"]
        self.assert_answer(client.post("/auth/token/logout/", {"refresh": refresh}), 200, LOGGED_OUT)
        self.assertEqual(auth.post("/auth/token/refresh/", {"refresh": refresh}).json["detail"],
                         "Token is blacklisted")
        for body in ({"refresh": refresh}, {"refresh": "x"}, {"refresh": ""}, {"refresh": None},
                     {"refresh": True}, {"refresh": 5}, {}):
            self.assert_answer(client.post("/auth/token/logout/", body), 200, LOGGED_OUT)
        self.assertEqual(client.post("/auth/token/logout/", body=b"{", headers={
            "Content-Type": "application/json"}).status, 400)
        self.assertIn("a refresh token was not ended at logout", client.log())

    def test_logout_without_blacklisting(self):
        auth, client = self.pair({"EASY_JWT": {"BLACKLIST_ON_LOGOUT": False}})
        refresh = client.login()["refresh"]
        self.assert_answer(client.post("/auth/token/logout/", {"refresh": refresh}), 200, LOGGED_OUT)
        self.assertEqual(auth.post("/auth/token/refresh/", {"refresh": refresh}).status, 200)

    def test_sessions_first_turns_401_into_403(self):
        _, client = self.pair({"REST_FRAMEWORK": {
            "DEFAULT_AUTHENTICATION_CLASSES": ["SessionAuthentication", "EasyJWTAuthentication"]}})
        answer = client.post("/auth/token/", {"email": ALICE, "password": "wrong"})
        self.assertEqual((answer.status, answer.headers["www-authenticate"]), (403, None))

    def test_it_has_no_endpoints_of_the_auth_service(self):
        _, client = self.pair()
        for path in ("/auth/token/blacklist/", "/auth/token/sliding/", "/auth/create-user/",
                     "/auth/user/", "/auth/users/", "/auth/users/1/"):
            self.assertEqual(client.post(path, {}).status, 404, path)
        self.assertEqual(client.get("/readyz").json, {"status": "ready"})
        self.assertEqual(client.get("/healthz").json, {"status": "ok"})

    def test_password_reset_leads_to_the_auth_service(self):
        client = self.client_of("https://auth.example.com/")
        answer = client.get("/auth/password-reset/?next=//evil.example")
        self.assertEqual(answer.status, 302)
        self.assertEqual(answer.headers["location"],
                         "https://auth.example.com/accounts/password_reset/")

    def test_users_of_its_own_have_passwords(self):
        project = support.Project(self.addCleanup, base=BASE)
        project.do("createsuperuser", "--noinput", env={
            "EASYJWT_SUPERUSER_EMAIL": "root@example.com",
            "EASYJWT_SUPERUSER_PASSWORD": "c0rrect-Horse-battery"})
        self.assertEqual(project.query('SELECT email, is_superuser FROM "user"'),
                         [("root@example.com", 1)])


class Failures(ClientServiceTest):
    """The auth-service is down, or answers what is no answer."""

    def assert_unavailable(self, answer):
        self.assert_answer(answer, 503,
                           {"detail": "Service temporarily unavailable, try again later."})
        self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
        self.assertEqual(cookies_of(answer), {})

    def test_down_and_up_again(self):
        auth, client = self.pair()
        refresh = client.login()["refresh"]
        auth.stop()
        for path, body in (("/auth/token/", CREDENTIALS), ("/auth/token/refresh/", {"refresh": refresh}),
                           ("/auth/token/verify/", {"token": refresh})):
            for _ in range(3):
                self.assert_unavailable(client.post(path, body))
        # What needs no auth-service is served; a logout is one all the same.
        self.assertEqual(client.get("/readyz").status, 200)
        self.assertEqual(client.get("/auth/csrf/").status, 200)
        self.assert_answer(client.post("/auth/token/logout/", {"refresh": refresh}), 200, LOGGED_OUT)
        self.auth_project.start(listen="127.0.0.1:%d" % auth.address[1])
        self.assertTrue(eventually(lambda: client.post("/auth/token/", CREDENTIALS).status == 200))

    def test_silence(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
            client = self.client_of("http://127.0.0.1:%d" % silent.getsockname()[1],
                                    {"EASY_JWT": {"REMOTE_AUTH_REQUEST_TIMEOUT": 0.3}})
            with support.elapsed() as took:
                self.assert_unavailable(client.post("/auth/token/", CREDENTIALS))
            self.assertLess(took(), 20)

    def test_nonsense(self):
        fake = Fake(self.addCleanup)
        plain = {"Content-Type": "text/html"}
        for status, headers, body in (
                (200, {}, b""), (200, {}, b"{"), (200, {}, b"[]"), (200, {}, b"null"), (200, {}, b"{}"),
                (200, {}, b'{"access": 5}'), (200, {}, b"\xff"), (200, {}, b"[" * 100000),
                (200, {}, b'{"access": "' + b"a" * (2 << 20) + b'"}'),
                (200, plain, b'{"access": "a", "refresh": "b"}'), (200, plain, b"<html>"),
                (302, {"Location": "/x/"}, b"{}"), (400, plain, b"<html>"), (500, {}, b'{"detail": "x"}'),
                (502, plain, b"<html>"), (503, {}, b'{"detail": "x"}')):
            with self.subTest((status, headers, body[:40])):
                fake.answers["/auth/token/"] = (status, headers, body)
                client = self.client_of("http://127.0.0.1:%d" % fake.server_port)
                self.assert_unavailable(client.post("/auth/token/", CREDENTIALS))
                client.stop()

    def test_refusals_are_passed_on(self):
        fake = Fake(self.addCleanup)
        client = self.client_of("http://127.0.0.1:%d" % fake.server_port)
        for status in (400, 401, 403, 404, 418):
            fake.answers["/auth/token/verify/"] = (status, {}, b'{"token": ["no", "and no"]}')
            answer = client.post("/auth/token/verify/", {"token": "x"})
            self.assert_answer(answer, 401, {"token": ["no", "and no"]})
        fake.answers["/auth/token/verify/"] = (429, {"Retry-After": "7"}, b'{"detail": "slow down"}')
        answer = client.post("/auth/token/verify/", {"token": "x"})
        self.assertEqual((answer.status, answer.headers["retry-after"]), (429, "7"))

    def test_what_starts_says_what_is_dubious(self):
        client = self.client_of("http://auth.example", {"EASY_JWT": {"REMOTE_AUTH_SSL_VERIFY": False}})
        for word in ("easyjwt.W007", "easyjwt.W008"):
            self.assertIn(word, client.log())


class CookieTest(ClientServiceTest):
    """Cookie mode."""

    SETTINGS = {"REFRESH_TOKEN_IN_COOKIE": True, "AUTH_COOKIE_PATH": "/auth/token/"}

    def cookie_pair(self, easy_jwt=None, auth_settings=None, **top):
        return self.pair({"EASY_JWT": {**self.SETTINGS, **(easy_jwt or {})}, **top},
                         {"EASY_JWT": auth_settings or {}})

    def csrf_of(self, service):
        return cookies_of(service.get("/auth/csrf/"))["csrftoken"][0]

    @staticmethod
    def headers(csrf=None, refresh=None, token=None, **more):
        cookies = {"csrftoken": csrf, "refresh_token": refresh}
        out = {"Cookie": "; ".join("%s=%s" % pair for pair in cookies.items() if pair[1])}
        if token or csrf:
            out["X-CSRFToken"] = token or csrf
        out.update({name.title(): value for name, value in more.items()})
        return {name: value for name, value in out.items() if value}


class Cookies(CookieTest):

    def test_a_session_of_a_browser(self):
        auth, client = self.cookie_pair(auth_settings={"ROTATE_REFRESH_TOKENS": True,
                                                       "BLACKLIST_AFTER_ROTATION": True})
        csrf = self.csrf_of(client)
        answer = client.post("/auth/token/", CREDENTIALS, headers=self.headers(csrf))
        self.assertEqual(list(answer.json), ["access"])
        first, attributes = cookies_of(answer)["refresh_token"]
        self.assertEqual(attributes, {"path": "/auth/token/", "httponly": True, "samesite": "Lax"})
        self.assertEqual(answer.headers["cache-control"], "no-store")

        answer = client.post("/auth/token/refresh/", {}, headers=self.headers(csrf, first))
        self.assertEqual(list(answer.json), ["access"])
        second = cookies_of(answer)["refresh_token"][0]
        self.assertNotEqual(first, second)
        self.assertEqual(client.post("/auth/token/refresh/", {}, headers=self.headers(csrf, first)).json,
                         {"detail": "Token is blacklisted", "code": "token_not_valid"})

        answer = client.post("/auth/token/logout/", {}, headers=self.headers(csrf, second))
        self.assert_answer(answer, 200, LOGGED_OUT)
        self.assertEqual(cookies_of(answer)["refresh_token"], ("", {
            "path": "/auth/token/", "samesite": "Lax", "max-age": "0",
            "expires": "Thu, 01 Jan 1970 00:00:00 GMT"}))
        self.assertEqual(auth.post("/auth/token/refresh/", {"refresh": second}).json["detail"],
                         "Token is blacklisted")

    def test_without_rotation_the_cookie_stays(self):
        _, client = self.cookie_pair()
        csrf = self.csrf_of(client)
        refresh = cookies_of(client.post("/auth/token/", CREDENTIALS, headers=self.headers(csrf)))[
            "refresh_token"][0]
        answer = client.post("/auth/token/refresh/", {}, headers=self.headers(csrf, refresh))
        self.assertEqual((answer.status, cookies_of(answer)), (200, {}))

    def test_tokens_in_bodies_do_not_count(self):
        auth, client = self.cookie_pair()
        csrf, refresh = self.csrf_of(client), auth.login()["refresh"]
        answer = client.post("/auth/token/refresh/", {"refresh": refresh}, headers=self.headers(csrf))
        self.assert_answer(answer, 401, {"detail": "No refresh token provided."})
        self.assertEqual(answer.headers["www-authenticate"], "Bearer")
        client.post("/auth/token/logout/", {"refresh": refresh}, headers=self.headers(csrf))
        self.assertEqual(auth.post("/auth/token/refresh/", {"refresh": refresh}).status, 200)

    def test_flags(self):
        _, client = self.cookie_pair(
            {"AUTH_COOKIE_NAME": "__Secure-r", "AUTH_COOKIE_SECURE": True, "AUTH_COOKIE_SAMESITE": "None",
             "AUTH_COOKIE_DOMAIN": "example.com", "AUTH_COOKIE_MAX_AGE": 60, "AUTH_COOKIE_HTTP_ONLY": False,
             "AUTH_COOKIE_PATH": "/a/"},
            CSRF_COOKIE_NAME="__Secure-c", CSRF_COOKIE_SECURE=True, CSRF_COOKIE_SAMESITE="Strict",
            CSRF_COOKIE_DOMAIN=".example.com", CSRF_COOKIE_AGE=5, CSRF_COOKIE_HTTPONLY=True,
            CSRF_HEADER_NAME="HTTP_X_XSRF_TOKEN")
        answer = client.get("/auth/csrf/")
        self.assert_answer(answer, 200, {"detail": "CSRF cookie set."})
        self.assertIn("Cookie", answer.headers.get_all("vary"))
        csrf, attributes = cookies_of(answer)["__Secure-c"]
        self.assertEqual(attributes, {"path": "/", "secure": True, "samesite": "Strict", "httponly": True,
                                      "domain": ".example.com", "max-age": "5"})
        headers = {"Cookie": "__Secure-c=" + csrf, "X-XSRF-Token": csrf}
        _, attributes = cookies_of(client.post("/auth/token/", CREDENTIALS, headers=headers))["__Secure-r"]
        self.assertEqual(attributes, {"path": "/a/", "secure": True, "samesite": "None",
                                      "domain": "example.com", "max-age": "60"})
        _, attributes = cookies_of(client.post("/auth/token/logout/", {}, headers=headers))["__Secure-r"]
        self.assertEqual(attributes, {"path": "/a/", "secure": True, "samesite": "None", "max-age": "0",
                                      "domain": "example.com", "expires": "Thu, 01 Jan 1970 00:00:00 GMT"})

    def test_an_auth_service_cannot_write_into_the_header(self):
        fake = Fake(self.addCleanup)
        for refresh in ("a; Domain=evil.example", "a\r\nSet-Cookie: sessionid=evil", "a b", "ä", "", "a\0b",
                        "a,b", 5, None, ["a"], {"a": "b"}):
            body = json.dumps({"access": "a.b.c", "refresh": refresh}).encode()
            fake.answers["/auth/token/"] = fake.answers["/auth/token/refresh/"] = (200, {}, body)
            # Each has its own, whose breaker has seen nothing else.
            client = self.client_of("http://127.0.0.1:%d" % fake.server_port, {"EASY_JWT": self.SETTINGS})
            csrf = self.csrf_of(client)
            for path, headers in (("/auth/token/", self.headers(csrf)),
                                  ("/auth/token/refresh/", self.headers(csrf, "x"))):
                answer = client.post(path, CREDENTIALS, headers=headers)
                self.assertEqual((answer.status, cookies_of(answer)), (503, {}), (refresh, str(answer)))
                self.assertNotIn("a.b.c", str(answer.headers) + str(answer))
            client.stop()

    def test_other_members_of_an_answer_are_passed_on(self):
        fake = Fake(self.addCleanup)
        client = self.client_of("http://127.0.0.1:%d" % fake.server_port, {"EASY_JWT": self.SETTINGS})
        csrf = self.csrf_of(client)
        fake.answers["/auth/token/"] = (200, {}, b'{"access": "a.b.c", "refresh": "d.e.f", "x": 1, "y": 2}')
        answer = client.post("/auth/token/", CREDENTIALS, headers=self.headers(csrf))
        self.assertEqual((answer.status, answer.body), (200, b'{"access":"a.b.c","x":1,"y":2}'))
        self.assertEqual(cookies_of(answer)["refresh_token"][0], "d.e.f")

    def test_down(self):
        auth, client = self.cookie_pair()
        csrf = self.csrf_of(client)
        refresh = cookies_of(client.post("/auth/token/", CREDENTIALS, headers=self.headers(csrf)))[
            "refresh_token"][0]
        auth.stop()
        answer = client.post("/auth/token/refresh/", {}, headers=self.headers(csrf, refresh))
        # Nobody is logged out because of that.
        self.assertEqual((answer.status, cookies_of(answer)), (503, {}))
        answer = client.post("/auth/token/logout/", {}, headers=self.headers(csrf, refresh))
        self.assertEqual((answer.status, cookies_of(answer)["refresh_token"][0]), (200, ""))


class Csrf(CookieTest):

    PATHS = ("/auth/token/", "/auth/token/refresh/", "/auth/token/logout/")

    def assert_refused(self, answer, detail):
        self.assert_answer(answer, 403, {"detail": detail})
        self.assertEqual(cookies_of(answer), {})

    def test_other_sites_cannot_log_in_refresh_or_log_out(self):
        auth, client = self.cookie_pair()
        csrf, refresh = self.csrf_of(client), auth.login()["refresh"]
        other = self.csrf_of(client)
        bad_origin = ("CSRF Failed: Origin checking failed - Origin does not match any trusted origins.")
        own = url_of(client)
        for path in self.PATHS:
            for detail, headers in (
                    ("CSRF Failed: CSRF cookie not set.", self.headers(None, refresh)),
                    ("CSRF Failed: CSRF cookie not set.", self.headers(None, refresh, csrf)),
                    ("CSRF Failed: CSRF token missing.", {"Cookie": "csrftoken=" + csrf}),
                    ("CSRF Failed: CSRF token incorrect.", self.headers(csrf, refresh, other)),
                    (bad_origin, self.headers(csrf, refresh, origin="https://evil.example")),
                    (bad_origin, self.headers(csrf, refresh, origin="null")),
                    (bad_origin, self.headers(csrf, refresh, origin=own + "0")),
                    (bad_origin, self.headers(csrf, refresh, origin=own + ".evil.example"))):
                for kwargs in ({"json": CREDENTIALS}, {"form": CREDENTIALS}):
                    self.assert_refused(client.post(path, headers=headers, **kwargs), detail)
            # Not even which methods there are.
            answer = client.request("PUT", path, {}, headers=self.headers(None, refresh))
            self.assertEqual(answer.status, 403)
            self.assertEqual(client.request("PUT", path, {}, headers=self.headers(csrf)).status, 405)
        self.assertEqual(auth.post("/auth/token/refresh/", {"refresh": refresh}).status, 200)
        answer = client.post("/auth/token/", CREDENTIALS, headers=self.headers(csrf, origin=own))
        self.assertEqual(answer.status, 200)

    def test_a_form_brings_the_token(self):
        _, client = self.cookie_pair()
        csrf = self.csrf_of(client)
        headers = {"Cookie": "csrftoken=" + csrf}
        form = {**CREDENTIALS, "csrfmiddlewaretoken": csrf}
        self.assertEqual(client.post("/auth/token/", form=form, headers=headers).status, 200)

    def test_allowed_auth_origins(self):
        _, client = self.cookie_pair({"ALLOWED_AUTH_ORIGINS": [APP]}, CSRF_TRUSTED_ORIGINS=[
            APP, "https://other.example.com"])
        csrf = self.csrf_of(client)
        for site in ({"origin": APP}, {"referer": APP + "/login?x#y"}, {"referer": APP}):
            answer = client.post("/auth/token/", CREDENTIALS, headers=self.headers(csrf, **site))
            self.assertEqual(answer.status, 200, site)
        for path in self.PATHS:
            for site in ({}, {"origin": url_of(client)}, {"origin": "https://other.example.com"},
                         {"referer": "https://other.example.com/"}, {"referer": APP + ".evil.example/"},
                         {"referer": APP + ":8443/"}, {"referer": APP + "@evil.example/"},
                         {"referer": "https://evil.example/" + APP}, {"referer": "app.example.com"},
                         {"referer": "http://app.example.com/"}):
                answer = client.post(path, CREDENTIALS, headers=self.headers(csrf, "x", **site))
                self.assert_refused(answer, "Disallowed origin.")
        # What needs no cookie is not asked.
        self.assertEqual(client.post("/auth/token/verify/", {"token": "x"}).status, 401)

    def test_without_cookie_mode_there_is_no_check(self):
        _, client = self.pair({"EASY_JWT": {"ALLOWED_AUTH_ORIGINS": [APP]}})
        answer = client.post("/auth/token/", CREDENTIALS, headers={"Origin": "https://evil.example"})
        self.assertEqual((answer.status, sorted(answer.json)), (200, ["access", "refresh"]))

    def test_behind_a_proxy_with_tls_the_referer_counts(self):
        _, client = self.cookie_pair(SERVER={"LISTEN": "127.0.0.1:0", "TRUSTED_PROXIES": ["127.0.0.1"]})
        csrf = self.csrf_of(client)
        headers = {**self.headers(csrf), "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
        self.assert_refused(client.post("/auth/token/", CREDENTIALS, headers=headers),
                            "CSRF Failed: Referer checking failed - no Referer.")
        headers["Referer"] = "https://127.0.0.1:%d/login" % client.address[1]
        self.assertEqual(client.post("/auth/token/", CREDENTIALS, headers=headers).status, 200)

    def test_django_and_we_take_each_others_tokens(self):
        import django.conf  # pylint: disable=import-outside-toplevel
        django.conf.settings.configure(ALLOWED_HOSTS=["*"])
        django.setup()
        from django.http import HttpResponse  # pylint: disable=import-outside-toplevel
        from django.middleware.csrf import CsrfViewMiddleware, get_token  # pylint: disable=import-outside-toplevel
        from django.test import RequestFactory  # pylint: disable=import-outside-toplevel

        def judge(cookie, token):
            request = RequestFactory().post("/x/", HTTP_X_CSRFTOKEN=token)
            request.COOKIES["csrftoken"] = cookie
            middleware = CsrfViewMiddleware(lambda _: HttpResponse())
            middleware.process_request(request)
            refusal = middleware.process_view(request, lambda _: None, (), {})
            return 200 if refusal is None else refusal.status_code

        _, client = self.cookie_pair()
        ours, another = self.csrf_of(client), self.csrf_of(client)
        self.assertEqual(judge(ours, ours), 200)
        self.assertEqual(judge(ours, another), 403)
        request = RequestFactory().get("/x/")
        token, cookie = get_token(request), request.META["CSRF_COOKIE"]
        self.assertNotEqual(token, cookie)
        for brought, status in ((token, 200), (cookie, 200), (ours, 403)):
            answer = client.post("/auth/token/", CREDENTIALS, headers=self.headers(cookie, token=brought))
            self.assertEqual(answer.status, status)
        # And one page's token goes with a cookie that we renewed.
        renewed = cookies_of(client.get("/auth/csrf/", headers={"Cookie": "csrftoken=" + cookie}))
        self.assertEqual(judge(renewed["csrftoken"][0], token), 200)


class Cors(CookieTest):

    FIELDS = ("access-control-allow-origin", "access-control-allow-credentials",
              "access-control-allow-headers", "access-control-allow-methods", "access-control-max-age")

    def fields(self, answer):
        return {name[len("access-control-"):]: answer.headers[name] for name in self.FIELDS
                if answer.headers[name] is not None}

    def test_a_page_of_another_origin_with_cookies(self):
        _, client = self.cookie_pair(CORS_ALLOWED_ORIGINS=[APP], CORS_ALLOW_CREDENTIALS=True,
                                     CSRF_TRUSTED_ORIGINS=[APP])
        allowed = {"allow-origin": APP, "allow-credentials": "true"}
        answer = client.request("OPTIONS", "/auth/token/", headers={
            "Origin": APP, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-csrftoken"})
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(self.fields(answer), {
            **allowed, "allow-methods": "DELETE, GET, OPTIONS, PATCH, POST, PUT", "max-age": "86400",
            "allow-headers": "accept, authorization, content-type, user-agent, x-csrftoken, "
                             "x-requested-with"})
        csrf = self.csrf_of(client)
        for status, ask in (
                (200, lambda **kw: client.post("/auth/token/", CREDENTIALS, **kw)),
                (400, lambda **kw: client.post("/auth/token/", {}, **kw)),
                (401, lambda **kw: client.post("/auth/token/", {**CREDENTIALS, "password": "x"}, **kw)),
                (404, lambda **kw: client.get("/none/", **kw)),
                (405, lambda **kw: client.get("/auth/token/", **kw)),
                (200, lambda **kw: client.get("/healthz", **kw))):
            answer = ask(headers=self.headers(csrf, origin=APP))
            self.assertEqual((answer.status, self.fields(answer)), (status, allowed))
            self.assertIn("Origin", answer.headers.get_all("vary"))
        answer = client.post("/auth/token/", CREDENTIALS, headers={"Origin": APP})
        self.assertEqual((answer.status, self.fields(answer)), (403, allowed))

    def test_other_origins(self):
        _, client = self.pair({"CORS_ALLOWED_ORIGINS": [APP]})
        for origin in ("null", "https://evil.example", APP + ".evil.example", APP + ":443", APP + "/",
                       APP.upper(), "https://evil-app.example.com", "http://app.example.com", "*"):
            for method, more in (("GET", {}), ("OPTIONS", {"Access-Control-Request-Method": "POST"})):
                answer = client.request(method, "/auth/csrf/", headers={"Origin": origin, **more})
                self.assertEqual((answer.status, self.fields(answer)), (200, {}), origin)
                self.assertIn("Origin", answer.headers.get_all("vary"))
        answer = client.get("/auth/csrf/", headers={"Origin": APP})
        self.assertEqual(self.fields(answer), {"allow-origin": APP})

    def test_the_auth_service_has_it_too(self):
        project = support.Project(self.addCleanup, {"CORS_ALLOWED_ORIGINS": [APP]})
        answer = project.start().get("/auth/user/", headers={"Origin": APP})
        self.assertEqual((answer.status, self.fields(answer)), (401, {"allow-origin": APP}))


if __name__ == "__main__":
    unittest.main()
