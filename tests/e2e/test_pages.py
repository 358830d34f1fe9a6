"""Pages and sessions as a browser without scripts has them: logging in and out, a new password, and what a
session opens and does not open."""

import html.parser
import http.cookies
import time
import unittest
import urllib.parse

import support
from support import ALICE, BOB, PASSWORDS, eventually
from test_client_service import BASE as CLIENT, url_of

WRONG = "Please enter a correct email address and password."
POLICY = ("default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
          "frame-ancestors 'none'; base-uri 'none'")
NEW_PASSWORD = "an-Entirely-new-1"


class Page(html.parser.HTMLParser):
    """What of a page a test looks at."""

    def __init__(self, answer):
        super().__init__()
        self.fields, self.labels, self.text, self.tags = {}, set(), "", []
        self.status, self.headers = answer.status, answer.headers
        self.feed(answer.body.decode())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag == "input":
            self.fields[attrs["name"]] = attrs.get("value", "")
        if tag == "label":
            self.labels.add(attrs["for"])

    def handle_data(self, data):
        self.text += data


class Browser:
    """Cookies and forms; follows no redirect by itself."""

    def __init__(self, service, agent="Mozilla/5.0"):
        self.service, self.cookies, self.agent = service, {}, agent

    def request(self, method, path, form=None, **headers):
        headers = {"Accept": "text/html", "User-Agent": self.agent,
                   "Cookie": "; ".join("%s=%s" % pair for pair in self.cookies.items()), **headers}
        answer = self.service.request(method, path, form=form, headers=headers)
        for line in answer.headers.get_all("set-cookie") or ():
            for name, cookie in http.cookies.SimpleCookie(line).items():
                if cookie["max-age"] == "0" or not cookie.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = cookie.value
        return answer

    def get(self, path, **headers):
        return self.request("GET", path, **headers)

    def page(self, path):
        answer = self.get(path)
        return Page(answer)

    def send(self, path, **values):
        """A form of the page at `path`, filled in."""
        return self.request("POST", path, {**self.page(path).fields, **values})

    def log_in(self, email=ALICE, password=None, **values):
        password = password or PASSWORDS[email]
        self.service.secrets.add(password)
        return self.send("/auth/login/", username=email, password=password, **values)


class PagesTest(support.ServiceTest):
    settings = {}

    @classmethod
    def setUpClass(cls):
        """Each test has its own services."""

    def auth(self, settings=None):
        self.project = self.project_of({**self.settings, **(settings or {})})
        service = self.project.start()
        return Browser(service)

    def client(self, backends=("ModelBackend", "RemoteAuthBackend"), **settings):
        """A browser at a client-service of an auth-service."""
        self.auth_service = self.project_of(self.settings).start()
        self.client_project = support.Project(
            self.addCleanup, {**CLIENT, "AUTHENTICATION_BACKENDS": list(backends),
                              "EASY_JWT": {"REMOTE_AUTH_SERVICE_URL": url_of(self.auth_service)}, **settings},
            [], base={})
        return Browser(self.client_project.start())

    def assert_logged_in(self, browser, email=ALICE):
        page = browser.page("/accounts/profile/")
        self.assertEqual(page.status, 200, page.text)
        self.assertIn(email, page.text)

    def assert_as_every_page(self, page):
        """Headers, labels, and nothing that a strict policy forbids."""
        for name, value in (("Content-Security-Policy", POLICY), ("X-Content-Type-Options", "nosniff"),
                            ("Referrer-Policy", "same-origin"), ("Cache-Control", "no-store"),
                            ("X-Frame-Options", "DENY"), ("Content-Type", "text/html; charset=utf-8")):
            self.assertEqual(page.headers.get_all(name), [value])
        names = [tag for tag, _ in page.tags]
        self.assertNotIn("script", names)
        self.assertEqual(names.count("h1"), 1)
        for tag, attributes in page.tags:
            self.assertFalse([name for name in attributes if name.startswith("on") or name == "style"])
            if tag == "input" and attributes["type"] != "hidden":
                self.assertTrue(attributes.get("id") in page.labels or attributes.get("aria-label"), attributes)

    def assert_logged_out(self, browser):
        answer = browser.get("/accounts/profile/")
        self.assertEqual((answer.status, answer.headers["Location"]),
                         (302, "/auth/login/?next=/accounts/profile/"))

    def rows(self, project, table):
        return project.query("SELECT count(*) FROM " + table)[0][0]


class Login(PagesTest):
    def test_in_and_out(self):
        browser = self.auth()
        self.assert_logged_out(browser)
        before = browser.cookies.get("csrftoken")
        answer = browser.log_in()
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/accounts/profile/"))
        self.assertNotEqual(browser.cookies["csrftoken"], before)
        cookie = [line for line in answer.headers.get_all("set-cookie") if line.startswith("sessionid=")][0]
        for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"):
            self.assertIn(attribute, cookie)
        self.assertNotIn("Secure", cookie)
        self.assert_logged_in(browser)
        self.assertNotEqual(self.project.query("SELECT last_login FROM \"user\" WHERE email = '%s'" % ALICE),
                            [(None,)])

        session = browser.cookies["sessionid"]
        answer = browser.request("POST", "/auth/logout/", browser.page("/accounts/profile/").fields)
        self.assertEqual(answer.status, 200)
        self.assertNotIn("sessionid", browser.cookies)
        browser.cookies["sessionid"] = session
        self.assert_logged_out(browser)
        self.assertEqual(self.rows(self.project, "django_session"), 0)

    def test_who_cannot_log_in_is_told_the_same(self):
        browser = self.auth()
        for email, password in ((ALICE, "wrong-Password-1"), ("nobody@example.com", "wrong-Password-1"),
                                (BOB, PASSWORDS[BOB]), (ALICE, ""), ("", "")):
            with self.subTest(email=email):
                page = Page(browser.send("/auth/login/", username=email, password=password))
                self.assertEqual(page.status, 200)
                self.assertIn(WRONG, page.text)
                self.assertEqual(page.fields["username"], email)
                self.assertEqual(page.fields["password"], "")
                self.assertNotIn("sessionid", browser.cookies)

    def test_next_stays_on_the_site(self):
        browser = self.auth()
        for path, leads_to in (("/auth/password-change/", "/auth/password-change/"),
                               ("/x/?a=b&c=%0d", "/x/?a=b&c=%0d"), ("//evil.example/", None),
                               ("/\\evil.example/", None), ("https://evil.example/", None),
                               ("javascript:alert(1)", None), ("/\t/evil.example/", None),
                               ("/a\r\nSet-Cookie: x=y", None), ("evil.example", None), ("\\\\evil.example", None),
                               ("http:///evil.example", None), ("/\u00e9", None)):
            with self.subTest(path):
                page = browser.page("/auth/login/?next=" + urllib.parse.quote(path, safe=""))
                self.assertEqual(page.fields["next"], leads_to or "")
                answer = browser.log_in(next=path)
                self.assertEqual(answer.headers["Location"], leads_to or "/accounts/profile/")

    def test_a_login_needs_a_form_of_ours(self):
        browser = self.auth()
        fields = {**browser.page("/auth/login/").fields, "username": ALICE, "password": PASSWORDS[ALICE]}
        for wrong in ({"csrfmiddlewaretoken": ""}, {"csrfmiddlewaretoken": "a" * 64}):
            answer = browser.request("POST", "/auth/login/", {**fields, **wrong})
            self.assertEqual(answer.status, 403)
            self.assertIn("text/html", answer.headers["Content-Type"])
        answer = browser.request("POST", "/auth/login/", fields, Origin="https://evil.example")
        self.assertEqual(answer.status, 403)
        self.assertNotIn("sessionid", browser.cookies)

    def test_a_login_gives_a_new_session(self):
        """Whoever planted a cookie does not have the session that is begun with it."""
        browser = self.auth()
        browser.cookies["sessionid"] = "p" * 43
        browser.log_in()
        first = browser.cookies["sessionid"]
        self.assertNotEqual(first, "p" * 43)
        browser.log_in()
        self.assertNotEqual(browser.cookies["sessionid"], first)
        self.assertEqual(self.rows(self.project, "django_session"), 1)


class Sessions(PagesTest):
    def test_the_database_has_nobodys_cookie(self):
        browser = self.auth()
        browser.log_in()
        (key, data, _), = self.project.query("SELECT session_key, session_data, expire_date FROM django_session")
        self.assertNotIn(browser.cookies["sessionid"], key + data)
        for value in (key, key + "abc", data):
            self.assert_logged_out(self.with_cookie(browser, value))

    @staticmethod
    def with_cookie(browser, value):
        other = Browser(browser.service)
        other.cookies["sessionid"] = value
        return other

    def test_rows_that_are_not_ours_are_nobodys(self):
        browser = self.auth()
        browser.log_in()
        for column, value in (("session_data", "easyjwt1:ModelBackend:AAAA"), ("session_data", ""),
                              ("session_data", "gAN9cQAu:1abcde:signature")):
            before = self.project.query("SELECT %s FROM django_session" % column)[0][0]
            self.project.query("UPDATE django_session SET %s = '%s'" % (column, value))
            self.assert_logged_out(browser)
            self.project.query("UPDATE django_session SET %s = '%s'" % (column, before))
            self.assert_logged_in(browser)
        # Somebody who may write into the database makes it no session of another user's.
        self.project.query("UPDATE easyjwt_browser_session SET user_id = "
                           "(SELECT id FROM \"user\" WHERE email = '%s')" % BOB)
        self.assert_logged_out(browser)

    def test_ends(self):
        browser = self.auth()
        for change in ("UPDATE \"user\" SET password = 'changed' WHERE email = '%s'",
                       "UPDATE \"user\" SET is_active = " +
                       ("false" if self.project.engine == "postgresql" else "0") + " WHERE email = '%s'"):
            before = self.project.query("SELECT password, is_active FROM \"user\" WHERE email = '%s'" % ALICE)[0]
            browser.log_in()
            self.assert_logged_in(browser)
            self.project.query(change % ALICE)
            self.assert_logged_out(browser)
            self.project.query("UPDATE \"user\" SET password = '%s', is_active = %s WHERE email = '%s'"
                               % (before[0], before[1], ALICE))
            browser.cookies.clear()

    def test_age(self):
        browser = self.auth({"SESSION_COOKIE_AGE": 2})
        browser.log_in()
        self.assert_logged_in(browser)
        self.assertTrue(eventually(lambda: browser.get("/accounts/profile/").status == 302))
        self.assertRegex(self.project.do("clearsessions").out, r"^1 expired")
        self.assertEqual(self.rows(self.project, "easyjwt_browser_session"), 0)

    def test_idle_age(self):
        browser = self.auth({"SESSION_IDLE_AGE": 2})
        browser.log_in()
        seen = "SELECT last_seen_at FROM easyjwt_browser_session"
        first = self.project.query(seen)
        # Used, it lives on, and is written to now and then.
        self.assertTrue(eventually(lambda: browser.get("/accounts/profile/").status == 200
                                   and self.project.query(seen) != first))
        time.sleep(2.2)
        self.assert_logged_out(browser)

    def test_a_new_secret_key_takes_the_old_one_along(self):
        browser = self.auth()
        browser.log_in()
        browser.service.stop()
        self.project.change({"SECRET_KEY": "n" * 50, "SECRET_KEY_FALLBACKS": [support.SECRET_KEY]})
        browser.service = self.project.start()
        self.assert_logged_in(browser)
        browser.service.stop()
        self.project.change({"SECRET_KEY": "n" * 50, "SECRET_KEY_FALLBACKS": []})
        browser.service = self.project.start()
        self.assert_logged_out(browser)

    def test_the_api_takes_a_session(self):
        browser = self.auth()
        self.assertEqual(browser.get("/auth/user/").status, 401)
        browser.log_in()
        self.assertEqual(browser.get("/auth/user/").json["email"], ALICE)
        self.assertEqual(browser.get("/auth/users/").status, 403)
        # What changes something needs more than a cookie, which other sites have sent, too.
        answer = browser.request("POST", "/auth/create-user/", {"email": "c@example.com", "password": NEW_PASSWORD})
        self.assertEqual((answer.status, answer.json), (403, {"detail": "CSRF Failed: CSRF token missing."}))
        answer = browser.request("POST", "/auth/create-user/", {"email": "c@example.com", "password": NEW_PASSWORD},
                                 **{"X-CSRFToken": browser.cookies["csrftoken"]})
        self.assertEqual(answer.status, 201)
        # A token goes before it, and a bad one is refused.
        self.assertEqual(browser.get("/auth/user/", Authorization="Bearer x").status, 401)


class Password(PagesTest):
    PATH = "/accounts/password_change/"

    def change(self, browser, old, new, again=None, path=PATH):
        browser.service.secrets.update(word for word in (old, new) if len(word) > 8 and "@" not in word)
        return browser.send(path, old_password=old, new_password1=new, new_password2=new if again is None else again)

    def test_a_new_one(self):
        browser = self.auth()
        elsewhere = Browser(browser.service)
        browser.log_in()
        elsewhere.log_in()
        for old, new, again, words in (
                ("wrong-Password-1", NEW_PASSWORD, None, "Your old password was entered incorrectly."),
                (PASSWORDS[ALICE], NEW_PASSWORD, "another", "The two password fields didn’t match."),
                (PASSWORDS[ALICE], "short", None, "This password is too short."),
                (PASSWORDS[ALICE], "alice@example.com", None, "too similar to the email address"),
                ("", "", None, "This field is required.")):
            with self.subTest(words):
                page = Page(self.change(browser, old, new, again))
                self.assertEqual(page.status, 200)
                self.assertIn(words, page.text)
        before = browser.cookies["sessionid"]
        answer = self.change(browser, PASSWORDS[ALICE], NEW_PASSWORD)
        self.assertEqual((answer.status, answer.headers["Location"]), (302, self.PATH + "done/"))
        self.assertIn("was changed", browser.page(self.PATH + "done/").text)
        self.assertNotEqual(browser.cookies["sessionid"], before)
        self.assert_logged_in(browser)
        self.assert_logged_out(elsewhere)
        self.assertEqual(browser.service.post("/auth/token/", {"email": ALICE, "password": NEW_PASSWORD}).status, 200)

    def test_only_for_who_is_logged_in_and_by_a_form_of_ours(self):
        browser = self.auth()
        answer = browser.get(self.PATH)
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/auth/login/?next=" + self.PATH))
        browser.log_in()
        answer = browser.request("POST", self.PATH, {"old_password": PASSWORDS[ALICE], "new_password1": NEW_PASSWORD,
                                                     "new_password2": NEW_PASSWORD})
        self.assertEqual(answer.status, 403)
        self.assertEqual(browser.service.login()["access"].count("."), 2)


class ClientService(PagesTest):
    """Where the auth-service judges."""

    def test_remote_users_log_in_and_change_their_password(self):
        browser = self.client()
        self.assertIn(WRONG, Page(browser.log_in(ALICE, "wrong-Password-1")).text)
        answer = browser.log_in()
        self.assertEqual(answer.status, 302, answer)
        self.assert_logged_in(browser)
        self.assertEqual(self.client_project.query("SELECT email, is_staff FROM \"user\""),
                         [(ALICE, False if self.client_project.engine == "postgresql" else 0)])
        # It left no token behind that would live for a day.
        self.assertEqual(self.project_tokens(), (1, 1))

        elsewhere = Browser(browser.service)
        elsewhere.log_in()
        path = "/auth/password-change/"
        page = Page(Password.change(self, browser, PASSWORDS[ALICE], NEW_PASSWORD, "another", path))
        self.assertIn("The new password fields didn't match.", page.text)
        page = Page(Password.change(self, browser, "wrong-Password-1", NEW_PASSWORD, None, path))
        self.assertIn("Invalid credentials.", page.text)
        page = Page(Password.change(self, browser, PASSWORDS[ALICE], "short", None, path))
        self.assertIn("This password is too short.", page.text)
        answer = Password.change(self, browser, PASSWORDS[ALICE], NEW_PASSWORD, None, path)
        self.assertEqual((answer.status, answer.headers["Location"]), (302, path + "done/"))
        self.assert_logged_in(browser)
        self.assert_logged_out(elsewhere)
        self.assertEqual(self.auth_service.post("/auth/token/", {"email": ALICE, "password": NEW_PASSWORD}).status,
                         200)

    def project_tokens(self):
        query = self.auth_service.project.query
        return (query("SELECT count(*) FROM token_blacklist_outstandingtoken")[0][0],
                query("SELECT count(*) FROM token_blacklist_blacklistedtoken")[0][0])

    def test_without_the_backend_nobody_is_asked(self):
        browser = self.client(["ModelBackend"])
        self.assertIn(WRONG, Page(browser.log_in()).text)
        self.assertEqual(self.project_tokens(), (0, 0))

    def test_accounts_of_its_own(self):
        browser = self.client()
        self.client_project.do("createsuperuser", "--noinput", env={
            "EASYJWT_SUPERUSER_EMAIL": "boss@example.com", "EASYJWT_SUPERUSER_PASSWORD": PASSWORDS[ALICE]})
        self.assertEqual(browser.log_in("boss@example.com", PASSWORDS[ALICE]).status, 302)
        self.assert_logged_in(browser, "boss@example.com")
        self.assertEqual(Password.change(self, browser, PASSWORDS[ALICE], NEW_PASSWORD, None,
                                         "/auth/password-change/").status, 302)
        self.assertEqual(browser.log_in("boss@example.com", NEW_PASSWORD).status, 302)

    def test_an_outage_is_no_wrong_password(self):
        browser = self.client()
        browser.log_in()
        self.auth_service.stop()
        page = Page(Browser(browser.service).log_in())
        self.assertEqual(page.status, 503)
        self.assertIn("does not answer", page.text)
        self.assertNotIn(WRONG, page.text)
        # Who is logged in stays so.
        self.assert_logged_in(browser)

    def test_its_views_take_a_session(self):
        browser = self.client()
        self.assertEqual(browser.get("/auth/forward/").status, 401)
        browser.log_in()
        answer = browser.get("/auth/forward/")
        remote = self.auth_service.project.query("SELECT id FROM \"user\" WHERE email = '%s'" % ALICE)[0][0]
        self.assertEqual((answer.status, answer.headers["X-Auth-User-Id"], answer.headers["X-Auth-Email"]),
                         (200, str(remote), ALICE))


class Looks(PagesTest):
    """What every page has, and what is on none."""

    def test_headers_labels_and_no_script(self):
        browser = self.auth()
        browser.log_in()
        for path, status in (("/auth/login/", 200), ("/accounts/profile/", 200), ("/accounts/password_change/", 200),
                             ("/accounts/password_change/done/", 200), ("/accounts/nothing/", 404)):
            with self.subTest(path):
                page = browser.page(path)
                self.assertEqual(page.status, status)
                self.assert_as_every_page(page)

    def test_what_pages_load(self):
        browser = self.auth()
        page = browser.page("/auth/login/")
        files = [attributes["href"] for tag, attributes in page.tags if tag == "link"]
        self.assertEqual(len(files), 3)
        for path in files:
            self.assertRegex(path, r"^/static/\w+\.[0-9a-f]{12}\.\w+$")
            answer = browser.get(path)
            self.assertEqual(answer.status, 200)
            self.assertIn("immutable", answer.headers["Cache-Control"])
            self.assertNotIn("Set-Cookie", answer.headers)
        self.assertEqual(browser.get("/static/easyjwt.000000000000.css").status, 404)

    def test_names_full_of_html(self):
        evil = "<script>alert('&\"{{title}}')</script>"
        browser = self.auth()
        self.project.query("UPDATE \"user\" SET first_name = '%s' WHERE email = '%s'" % (evil.replace("'", "''"), ALICE))
        browser.log_in()
        answer = browser.get("/accounts/profile/")
        self.assertNotIn(b"<script", answer.body)
        self.assertIn(evil, Page(answer).text)
        answer = browser.send("/auth/login/", username='"><img src=x onerror=y>', password="x")
        self.assertNotIn(b"<img", answer.body)

    def test_programs_get_json(self):
        browser = self.auth()
        for path, status in (("/auth/nothing/", 404), ("/accounts/nothing/", 404)):
            answer = browser.service.get(path)
            self.assertEqual((answer.status, answer.json), (status, {"detail": "Not found."}))

    def test_over_tls_cookies_are_for_tls(self):
        browser = self.auth({"SERVER": {"LISTEN": "127.0.0.1:0", "TRUSTED_PROXIES": ["127.0.0.1"]}})
        origin = "https://%s:%d" % browser.service.address
        fields = browser.page("/auth/login/").fields
        answer = browser.request("POST", "/auth/login/", {**fields, "username": ALICE, "password": PASSWORDS[ALICE]},
                                 **{"X-Forwarded-Proto": "https", "Origin": origin})
        self.assertEqual(answer.status, 302)
        cookie = [line for line in answer.headers.get_all("set-cookie") if line.startswith("sessionid=")][0]
        self.assertIn("Secure", cookie)


if __name__ == "__main__":
    unittest.main()
