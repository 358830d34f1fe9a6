"""The admin site's pages about logins: how many there were, as plots and tables, and those of a user."""

import re
import time
import unittest

from support import ALICE, PASSWORDS, eventually
from test_admin import ADMIN, AdminTest
from test_pages import Browser

DASHBOARD = ADMIN + "dashboard/"
SESSIONS = ADMIN + "easyjwt_user/user/1/sessions/"
SESSIONS_OF_NOBODY = ADMIN + "easyjwt_user/user/%s/sessions/"


def hour(ago):
    """The beginning of an hour, as both engines take it."""
    return time.strftime("%Y-%m-%d %H:00:00", time.gmtime(time.time() - 3600 * ago))


class Dashboard(AdminTest):
    def count(self, ago, what, n, how="token"):
        self.project.execute("INSERT INTO easyjwt_login_count VALUES ('%s', '%s', '%s', %d)" % (hour(ago), what, how, n))

    @staticmethod
    def rows(answer):
        """Of the tables: days, and hours."""
        found = re.findall(r'<tr><td data-title="(?:Day|Hour)">([^<]*)</td>(.*?)</tr>', answer.body.decode())
        return {name: tuple(int(n) for n in re.findall(r">(\d+)</td>", cells)) for name, cells in found}

    @staticmethod
    def plots(answer):
        """What each of them shows: names and numbers."""
        svgs = re.findall(r"<svg.*?</svg>", answer.body.decode(), re.DOTALL)
        return [dict(re.findall(r"<rect [^>]*><title>(.*?): (\d+)</title></rect>", svg)) for svg in svgs]

    def test_plots_and_tables(self):
        browser = self.superuser()
        # Carol's own login is counted soon.
        eventually(lambda: len(self.project.query("SELECT 1 FROM easyjwt_login_count")) == 2)
        self.project.execute("DELETE FROM easyjwt_login_count")
        self.count(0, "succeeded", 5)
        self.count(0, "succeeded", 2, "session")
        self.count(0, "refused", 1_234_567)
        self.count(0, "first", 3)
        self.count(24 * 5, "succeeded", 11)
        self.count(24 * 5, "refused", 4)
        self.count(24 * 40, "succeeded", 99)  # too old to be shown
        self.page_of(browser, DASHBOARD)
        answer = browser.get(DASHBOARD)
        rows = self.rows(answer)
        self.assertEqual(len(rows), 30 + 48)
        now, then = hour(0), hour(24 * 5)
        self.assertEqual(rows[now[:10]], (7, 1_234_567, 3))
        self.assertEqual(rows[now[:16]], (7, 1_234_567))
        self.assertEqual(rows[then[:10]], (11, 4, 0))
        self.assertEqual(sum(sum(row) for name, row in rows.items() if len(name) == 10), 7 + 1_234_567 + 3 + 15)
        self.assertEqual(self.plots(answer), [
            {then[:10]: "11", now[:10]: "7"}, {then[:10]: "4", now[:10]: "1234567"}, {now[:10]: "3"},
            {now[:16]: "7"}, {now[:16]: "1234567"}])
        page = self.page_of(browser, DASHBOARD)
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        self.assertEqual(len(ids), len(set(ids)))
        svgs = [attributes for tag, attributes in page.tags if tag == "svg"]
        self.assertEqual(len(svgs), 5)
        for attributes in svgs:  # who does not see it is told
            self.assertEqual(attributes["role"], "img")
            for name in attributes["aria-labelledby"].split():
                self.assertIn(name, ids)
        self.assertIn("At most 11 (%s)" % then[:10], page.text)

    def test_bars_stay_in_the_picture(self):
        browser = self.superuser()
        for ago, n in enumerate((0, 1, 3, 10, 99, 100, 12_345, 2**62)):
            self.count(ago, "refused", n, "session")
        answer = browser.get(DASHBOARD)
        bars = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)">', answer.body.decode())
        self.assertGreater(len(bars), 7)
        for x, y, width, height in (tuple(map(float, bar)) for bar in bars):
            self.assertGreaterEqual(x, 44)
            self.assertLessEqual(x + width, 324)
            self.assertGreaterEqual(y, 11.99)
            self.assertAlmostEqual(y + height, 156, places=3)
            self.assertGreaterEqual(height, 0.99)

    def test_without_any(self):
        browser = self.superuser({"EASY_JWT": {"LOGIN_HISTORY": ""}})
        page = self.page_of(browser, DASHBOARD)
        self.assertIn("Logins are not recorded here", page.text)
        self.assertEqual(self.plots(browser.get(DASHBOARD)), [{}] * 5)

    def test_who_may_see_it(self):
        browser = self.admin("auth.view_group")
        self.page_of(browser, DASHBOARD, status=403)
        self.assertNotIn(DASHBOARD, self.links(self.page_of(browser, ADMIN)))
        browser = self.admin("easyjwt_user.view_user")
        self.page_of(browser, DASHBOARD)
        self.assertIn(DASHBOARD, self.links(self.page_of(browser, ADMIN)))


class History(AdminTest):
    def test_of_a_user(self):
        browser = self.superuser({"EASY_JWT": {"SESSION_CLAIM": "sid"}})
        service = browser.service
        nasty = "<script>{{{csrf_field}}}</script>"
        Browser(service, nasty).log_in(ALICE)
        service.post("/auth/token/", {"email": ALICE, "password": PASSWORDS[ALICE]}, headers={"User-Agent": "an-app/1"})
        service.post("/auth/token/", {"email": ALICE, "password": "wrong"}, headers={"User-Agent": "attack/1"})
        page = eventually(lambda: (lambda page: page if "attack/1" in page.text else None)(browser.page(SESSIONS)))
        self.assert_as_every_page(page)
        self.assertIn("Logins of %s" % ALICE, page.text)
        self.assertEqual(page.text.count(nasty), 2)  # its session, and its login
        self.assertEqual(page.text.count("an-app/1"), 2)
        self.assertEqual(page.text.count("attack/1"), 1)
        self.assertEqual(page.text.count("127.0.0.1"), 5)
        self.assertIn("The login page", page.text)

    def test_of_nobody(self):
        browser = self.superuser()
        for name in ("99", "0", "-1", "x", "1e3", "9" * 30):
            self.page_of(browser, SESSIONS_OF_NOBODY % name, status=404)

    def test_who_may_see_it(self):
        self.page_of(self.admin("auth.view_group"), SESSIONS, status=403)
        page = self.page_of(self.admin("easyjwt_user.view_user"), SESSIONS)
        self.assertNotIn("Log out everywhere", page.text)

    def test_a_client_service(self):
        browser = self.client()
        browser.log_in(ALICE)
        self.client_project.execute("UPDATE \"user\" SET is_staff = %s, is_superuser = %s" % (
            ("true",) * 2 if self.client_project.engine == "postgresql" else (1, 1)))
        self.assertIn("The authentication service", self.page_of(browser, SESSIONS).text)
        self.page_of(browser, DASHBOARD)


if __name__ == "__main__":
    unittest.main()
