"""How each page looks on a phone and on a desk, in the light and in the dark, and what comes with it.

PAGES is the one list of them; a new page is a line there. Each is checked for its headers, by an accessibility
checker, for fitting its window, for links that lead somewhere, for the keyboard, and for what Chromium has to say about
it; what it looks like is kept as screenshots/NAME.WIDTH.SCHEME.png in the build folder.
"""

import dataclasses
import typing
import unittest

import browser
import support
from browser import DESK, PHONE, SCHEMES, Chromium
from support import ALICE, CAROL
from test_client_service import BASE as CLIENT, url_of
from test_pages import POLICY, Browser
from test_password_reset import ResetTest

HEADERS = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "same-origin",
           "x-frame-options": "DENY", "cache-control": "no-store", "content-type": "text/html; charset=utf-8"}


# ---- how one comes to pages that no path leads to


def wrong_login(looks):
    looks.chromium.fill(username=ALICE, password="wrong")
    looks.chromium.press("Log in")


def log_out(looks):
    looks.chromium.press("Log out")


def wrong_password(looks):
    looks.chromium.fill(old_password="wrong", new_password1="short", new_password2="shorter")
    looks.chromium.press("Change my password")


def link_of_a_mail(looks):
    looks.chromium.open(looks.auth, looks.path_in_mail(Browser(looks.auth)))


@dataclasses.dataclass
class Page:
    name: str
    where: str      # auth or client: the service
    who: str        # logged in, or ""
    path: str
    then: typing.Callable = None
    status: int = 200


PAGES = [
    Page("login", "auth", "", "/auth/login/"),
    Page("login_wrong", "auth", "", "/auth/login/", wrong_login),
    Page("password_reset", "auth", "", "/accounts/password_reset/"),
    Page("password_reset_sent", "auth", "", "/accounts/password_reset/done/"),
    Page("password_reset_form", "auth", "", "/accounts/password_reset/", link_of_a_mail),
    Page("password_reset_dead", "auth", "", "/accounts/reset/MQ/dead-link/"),
    Page("password_reset_done", "auth", "", "/accounts/reset/done/"),
    Page("not_found", "auth", "", "/accounts/nothing/", None, 404),
    Page("profile", "auth", CAROL, "/accounts/profile/"),
    Page("password_change", "auth", CAROL, "/accounts/password_change/"),
    Page("password_change_wrong", "auth", CAROL, "/accounts/password_change/", wrong_password),
    Page("password_change_done", "auth", CAROL, "/accounts/password_change/done/"),
    Page("logged_out", "auth", ALICE, "/accounts/profile/", log_out),
    Page("client_login", "client", "", "/auth/login/"),
    Page("client_profile", "client", CAROL, "/accounts/profile/"),
    Page("client_password_change", "client", CAROL, "/auth/password-change/"),
]


class Sites(ResetTest):
    """An auth-service and a client-service, with the same users, and Chromium."""

    users = staticmethod(support.usual_users)

    @classmethod
    def setUpClass(cls):
        cls.project = support.Project(cls.addClassCleanup, None, cls.users())
        cls.auth = cls.project.start()
        cls.client = support.Project(
            cls.addClassCleanup, {**CLIENT, "AUTHENTICATION_BACKENDS": ["ModelBackend", "RemoteAuthBackend"],
                                  "EASY_JWT": {"REMOTE_AUTH_SERVICE_URL": url_of(cls.auth)}},
            cls.users(), base={}).start()
        cls.chromium = Chromium(cls.addClassCleanup)

    def enter(self, service, email="", password=None, agent="Mozilla/5.0"):
        """Chromium with a session of somebody's, or nobody's, and an HTTP client with the same."""
        person = Browser(service, agent)
        if email:
            self.assertEqual(person.log_in(email, password).status, 302)
        self.chromium.open(service, "/static/")
        self.chromium.take_session(person)
        self.chromium.complaints()
        return person


class Looks(Sites):
    answered = {}

    def open(self, page):
        service = getattr(self, page.where)
        person = self.enter(service, page.who)
        self.chromium.open(service, page.path)
        if page.then:
            page.then(self)
        return person

    def check(self, page):
        person = self.open(page)
        chromium = self.chromium
        status, headers = chromium.answer()
        self.assertEqual(status, page.status)
        self.assertEqual({name: headers.get(name) for name in HEADERS}, HEADERS)
        if status == 200:
            self.assertEqual(chromium.complaints(), [])
        self.assertEqual(chromium.focus_faults(), [])
        self.follow(chromium.links(), person)
        faults = []
        for width in (PHONE, DESK):
            for scheme in SCHEMES:
                chromium.look(width, scheme)
                chromium.screenshot("%s.%d.%s" % (page.name, width, scheme))
                faults += ["%d %s: %s" % (width, scheme, each) for each in chromium.violations()]
            if chromium.width() > width:
                faults.append("%d: the page is %d pixels wide" % (width, chromium.width()))
        chromium.look()
        self.assertEqual(faults, [])

    def follow(self, links, person):
        """Each leads to what is there."""
        root = url_of(person.service)
        for link in links:
            path, _, fragment = link.removeprefix(root).partition("#")
            if not link.startswith(root + "/"):
                self.fail("a link to elsewhere: " + link)
            if fragment:
                self.assertTrue(self.chromium.find_elements("id", fragment), link)
                if root + path == self.chromium.current_url:
                    continue
            key = (person.service, tuple(person.cookies), path)
            if key not in self.answered:
                self.answered[key] = person.get(path).status
            self.assertLess(self.answered[key], 400, link)

    def check_all(self, pages):
        self.assertTrue(pages)
        for page in pages:
            with self.subTest(page.name):
                self.check(page)
        print("screenshots:", browser.folder() / "screenshots")

    def test_for_strangers(self):
        self.check_all([page for page in PAGES if not page.who])

    def test_for_who_is_logged_in(self):
        self.check_all([page for page in PAGES if page.who])


if __name__ == "__main__":
    unittest.main()
