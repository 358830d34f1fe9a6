"""How each page looks on a phone and on a desk, in the light and in the dark, and what comes with it.

PAGES is the one list of them; a new page is a line there. Each is checked for its headers, by an accessibility
checker, for fitting its window, for links that lead somewhere, for the keyboard, and for what Chromium has to say about
it; what it looks like is kept as screenshots/NAME.WIDTH.SCHEME.png in the build folder.
"""

import dataclasses
import math
import time
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


LANGUAGES = ("de", "fr", "es")
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
NAMES = ("Ada Lovelace", "Grace Hopper", "Annie Easley", "Radia Perlman", "Karen Spärck Jones", "Hedy Lamarr", "Mary "
         "Jackson", "Katherine Johnson", "Barbara Liskov", "Frances Allen", "Jean Bartik", "Sister Mary Kenneth Keller")


def group(pk, name):
    permissions = [["view_user", "easyjwt_user", "user"], ["change_user", "easyjwt_user", "user"],
                   ["view_group", "auth", "group"]]
    return {"model": "auth.group", "pk": pk, "fields": {"name": name, "permissions": permissions}}


def entries():
    """Of a fixture: the usual users, others to fill a list, and groups that some of them are in."""
    out = [group(1, "Editors"), group(2, "Readers of everything"), *support.usual_users()]
    for pk, name in enumerate(NAMES, 10):
        first, last = name.rsplit(" ", 1)
        email = "%s@example.com" % name.lower().replace(" ", ".").replace("ä", "ae")
        out.append(support.user_entry(pk, email, "!$unusable", first_name=first, last_name=last, is_staff=pk % 4 == 0,
                                      is_active=pk % 5 != 0, groups=[1 + pk % 2]))
    return out


def logins_of(ago):
    """How many there were in an hour, so many hours ago."""
    hour = time.strftime("%Y-%m-%d %H:00:00", time.gmtime(time.time() - 3600 * ago))
    return (hour, "succeeded", 40 + 30 * math.sin(ago / 4)), (hour, "refused", ago % 7), (hour, "first", ago % 24)


# ---- how one comes to pages that no path leads to


def wrong_login(looks):
    looks.chromium.fill(username=ALICE, password="wrong")
    looks.chromium.press("Log in")


def log_out(looks):
    looks.chromium.press("Log out")


def wrong_password(looks):
    looks.chromium.fill(old_password="wrong", new_password1="short", new_password2="shorter")
    looks.chromium.press("Change my password")


def go(looks):
    looks.chromium.press("Go")


def delete_users(looks):
    looks.chromium.find_element("name", "chosen").click()
    looks.chromium.fill(action="Delete")
    looks.chromium.press("Go")


def add_nobody(looks):
    looks.chromium.press("Add")


def wrong_user(looks):
    looks.chromium.fill(email="nobody", phone="1" * 16)
    looks.chromium.press("Save")


def group_without_name(looks):
    looks.chromium.press("Save")


def delete_groups(looks):
    looks.chromium.find_element("name", "chosen").click()
    looks.chromium.fill(action="Delete the chosen groups")
    looks.chromium.press("Go")


def open_tables(looks):
    looks.chromium.find_element("tag name", "summary").click()


def blacklist(looks):
    looks.chromium.find_element("css selector", "tbody a").click()
    looks.chromium.press("Blacklist")


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


USERS = "/admin/easyjwt_user/user/"
PAGES = [
    Page("login", "auth", "", "/auth/login/"),
    Page("login_wrong", "auth", "", "/auth/login/", wrong_login),
    Page("password_reset", "auth", "", "/accounts/password_reset/"),
    Page("password_reset_sent", "auth", "", "/accounts/password_reset/done/"),
    Page("password_reset_form", "auth", "", "/accounts/password_reset/", link_of_a_mail),
    Page("password_reset_dead", "auth", "", "/accounts/reset/MQ/dead-link/"),
    Page("password_reset_done", "auth", "", "/accounts/reset/done/"),
    Page("verify_dead", "auth", "", "/accounts/verify/MQ/dead-link/"),
    Page("verify_done", "auth", "", "/accounts/verify/done/"),
    Page("not_found", "auth", "", "/accounts/nothing/", None, 404),
    Page("profile", "auth", CAROL, "/accounts/profile/"),
    Page("password_change", "auth", CAROL, "/accounts/password_change/"),
    Page("password_change_wrong", "auth", CAROL, "/accounts/password_change/", wrong_password),
    Page("password_change_done", "auth", CAROL, "/accounts/password_change/done/"),
    Page("logged_out", "auth", ALICE, "/accounts/profile/", log_out),
    Page("forbidden", "auth", ALICE, "/admin/", None, 403),
    Page("admin", "auth", CAROL, "/admin/"),
    Page("admin_dashboard", "auth", CAROL, "/admin/dashboard/"),
    Page("admin_dashboard_tables", "auth", CAROL, "/admin/dashboard/", open_tables),
    Page("admin_log", "auth", CAROL, "/admin/log/"),
    Page("admin_users", "auth", CAROL, USERS),
    Page("admin_users_found", "auth", CAROL, USERS + "?q=mary&is_active=yes&o=-last_name"),
    Page("admin_users_none", "auth", CAROL, USERS + "?q=nobody"),
    Page("admin_users_nothing_chosen", "auth", CAROL, USERS, go),
    Page("admin_users_delete", "auth", CAROL, USERS, delete_users),
    Page("admin_user_add", "auth", CAROL, USERS + "add/"),
    Page("admin_user_add_wrong", "auth", CAROL, USERS + "add/", add_nobody),
    Page("admin_user", "auth", CAROL, USERS + "10/change/"),
    Page("admin_user_wrong", "auth", CAROL, USERS + "10/change/", wrong_user),
    Page("admin_user_password", "auth", CAROL, USERS + "10/password/"),
    Page("admin_user_delete", "auth", CAROL, USERS + "10/delete/"),
    Page("admin_user_history", "auth", CAROL, USERS + "10/history/"),
    Page("admin_user_logins", "auth", CAROL, USERS + "3/sessions/"),
    Page("admin_groups", "auth", CAROL, "/admin/auth/group/"),
    Page("admin_groups_none", "auth", CAROL, "/admin/auth/group/?q=nothing"),
    Page("admin_groups_delete", "auth", CAROL, "/admin/auth/group/", delete_groups),
    Page("admin_group_add", "auth", CAROL, "/admin/auth/group/add/"),
    Page("admin_group_add_wrong", "auth", CAROL, "/admin/auth/group/add/", group_without_name),
    Page("admin_group", "auth", CAROL, "/admin/auth/group/1/change/"),
    Page("admin_group_users", "auth", CAROL, "/admin/auth/group/1/users/"),
    Page("admin_group_history", "auth", CAROL, "/admin/auth/group/1/history/"),
    Page("admin_group_delete", "auth", CAROL, "/admin/auth/group/1/delete/"),
    Page("admin_tokens", "auth", CAROL, "/admin/token_blacklist/outstandingtoken/"),
    Page("admin_token", "auth", CAROL, "/admin/token_blacklist/outstandingtoken/1/change/"),
    Page("admin_token_history", "auth", CAROL, "/admin/token_blacklist/outstandingtoken/1/history/"),
    Page("admin_tokens_blacklisted", "auth", CAROL, "/admin/token_blacklist/blacklistedtoken/"),
    Page("admin_token_blacklisted", "auth", CAROL, "/admin/token_blacklist/blacklistedtoken/1/change/"),
    Page("admin_token_blacklist", "auth", CAROL, "/admin/token_blacklist/outstandingtoken/", blacklist),
    Page("admin_service", "auth", CAROL, "/admin/service/"),
    Page("admin_keys", "auth", CAROL, "/admin/keys/"),
    Page("client_login", "client", "", "/auth/login/"),
    Page("client_profile", "client", CAROL, "/accounts/profile/"),
    Page("client_password_change", "client", CAROL, "/auth/password-change/"),
    Page("client_admin", "client", CAROL, "/admin/"),
    Page("client_admin_service", "client", CAROL, "/admin/service/"),
    Page("client_admin_user", "client", CAROL, USERS + "10/change/"),
]


class Sites(ResetTest):
    """An auth-service and a client-service, with the same users, and Chromium."""

    entries = staticmethod(entries)

    @classmethod
    def setUpClass(cls):
        cls.project = support.Project(cls.addClassCleanup, None, cls.entries())
        cls.auth = cls.project.start()
        cls.client = support.Project(
            cls.addClassCleanup, {**CLIENT, "AUTHENTICATION_BACKENDS": ["ModelBackend", "RemoteAuthBackend"],
                                  "EASY_JWT": {"REMOTE_AUTH_SERVICE_URL": url_of(cls.auth)}},
            cls.entries(), base={}).start()
        cls.project.execute("INSERT INTO easyjwt_login_count VALUES " + ", ".join(
            "('%s', '%s', 'token', %d)" % row for ago in range(24 * 30) for row in logins_of(ago)))
        # The first of some tokens is blacklisted.
        cls.auth.post("/auth/token/blacklist/", {"refresh": cls.auth.login()["refresh"]})
        cls.auth.login(CAROL)
        cls.chromium = Chromium(cls.addClassCleanup)

    def enter(self, service, email="", password=None, agent=AGENT):
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
        faults = self.dead_links(chromium.links(), person, page.who)
        for width in (PHONE, DESK):
            for scheme in SCHEMES:
                chromium.look(width, scheme)
                chromium.screenshot("%s.%d.%s" % (page.name, width, scheme))
                faults += ["%d %s: %s" % (width, scheme, each) for each in chromium.violations()]
            if chromium.width() > width:
                faults.append("%d: the page is %d pixels wide" % (width, chromium.width()))
        chromium.look()
        self.assertEqual(faults, [])

    def dead_links(self, links, person, who):
        """Those that lead to what is not there, or to elsewhere."""
        root, faults = url_of(person.service), []
        for link in links:
            path, _, fragment = link.removeprefix(root).partition("#")
            if fragment and root + path == self.chromium.current_url:
                if not self.chromium.find_elements("id", fragment):
                    faults.append("no such part: " + link)
                continue
            if not link.startswith(root + "/"):
                faults.append("elsewhere: " + link)
                continue
            key = (person.service, who, path)
            if key not in self.answered:
                self.answered[key] = person.get(path).status
            if self.answered[key] >= 400:
                faults.append("%d: %s" % (self.answered[key], link))
        return faults

    def check_in(self, page, language):
        """It fits a phone in that language's words, too."""
        chromium = self.chromium
        chromium.speak(language)
        self.open(page)
        self.assertEqual(chromium.find_element("tag name", "html").get_attribute("lang"), language)
        chromium.look(PHONE)
        chromium.screenshot("%s.%d.%s" % (page.name, PHONE, language))
        self.assertLessEqual(chromium.width(), PHONE)
        self.assertEqual(chromium.violations(), [])
        chromium.look()

    def check_all(self, pages):
        self.assertTrue(pages)
        for page in pages:
            with self.subTest(page.name):
                self.check(page)
        print("screenshots:", browser.folder() / "screenshots")

    def test_for_strangers(self):
        self.check_all([page for page in PAGES if not page.who])

    def test_for_who_is_logged_in(self):
        self.check_all([page for page in PAGES if page.who and not page.name.startswith("admin")])

    def test_the_admin_site(self):
        self.check_all([page for page in PAGES if page.name.startswith("admin")])

    def test_other_languages(self):
        pages = [page for page in PAGES if page.where == "auth" and not page.then]
        for number, page in enumerate(pages):
            language = LANGUAGES[number % len(LANGUAGES)]
            with self.subTest(page.name, language=language):
                self.check_in(page, language)


if __name__ == "__main__":
    unittest.main()
