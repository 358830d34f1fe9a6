"""The history of logins (LOGIN_HISTORY): what is recorded of whom, of how many, and what an attacker can make of
it. tests/auth/logins_test.cpp has the rest."""

import statistics
import time
import unittest

import support
import test_pages
from support import ALICE, BOB, DAVE, PASSWORDS, at_once, claims_of, eventually
from test_pages import Browser

ROWS = ("SELECT u.email, succeeded, how, address, user_agent FROM easyjwt_login l"
        " JOIN \"user\" u ON u.id = l.user_id ORDER BY happened_at, l.id")
NEW_PASSWORD = "an-Entirely-new-1"


class LoginsTest(test_pages.PagesTest):
    def rows_of(self, project):
        return [(email, bool(succeeded), *rest) for email, succeeded, *rest in project.query(ROWS)]

    def counts_of(self, project):
        return {(what, how): int(n) for what, how, n in project.query(
            "SELECT what, how, sum(n) FROM easyjwt_login_count GROUP BY what, how")}

    def obtain(self, service, email, password=None, path="/auth/token/", agent="curl"):
        return service.post(path, {"email": email, "password": password or PASSWORDS[email]},
                            headers={"User-Agent": agent})


class Recorded(LoginsTest):
    def test_logins_with_address_and_agent(self):
        browser = self.auth()
        service, project = browser.service, self.project
        pair = self.obtain(service, ALICE).json
        # At once: it is in the login's own transaction.
        self.assertEqual(self.rows_of(project), [(ALICE, True, "token", "127.0.0.1", "curl")])
        self.assertEqual(self.obtain(service, ALICE, path="/auth/token/sliding/", agent="x" * 300 + "\u00e9").status, 200)
        Browser(service, "Mozilla/5.0 é").log_in(DAVE)
        # No logins.
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": pair["refresh"]}).status, 200)
        self.assertEqual(service.post("/auth/token/verify/", {"token": pair["access"]}).status, 200)
        self.assertEqual(self.rows_of(project)[1:], [
            (ALICE, True, "sliding", "127.0.0.1", "x" * 200), (DAVE, True, "session", "127.0.0.1", "Mozilla/5.0 ?")])
        counted = {("succeeded", "token"): 1, ("succeeded", "sliding"): 1, ("succeeded", "session"): 1,
                   ("first", "token"): 1, ("first", "session"): 1}
        self.assertEqual(eventually(lambda: self.counts_of(project) == counted and counted), counted)
        hour, = {str(hour)[:13] for hour, in project.query("SELECT hour FROM easyjwt_login_count")}
        now = time.time()
        self.assertIn(hour, [time.strftime("%Y-%m-%d %H", time.gmtime(at)) for at in (now, now - 3600)])

    def test_refusals(self):
        browser = self.auth()
        service, project = browser.service, self.project
        typed = "my-Passw0rd-in-the-wrong-field"
        for email, password in ((ALICE, "wrong"), (BOB, PASSWORDS[BOB]), (typed, "x"), (ALICE.upper(), "wrong")):
            self.assertEqual(self.obtain(service, email, password).status, 401)
        self.assertEqual(self.obtain(service, ALICE, "wrong", "/auth/token/sliding/").status, 401)
        self.assertEqual(browser.log_in(ALICE, "not-the-password").status, 200)
        answer = service.post("/auth/password-change/", {"email": ALICE, "password": "wrong",
                                                         "new_password": NEW_PASSWORD})
        self.assertEqual(answer.status, 400)
        # Nobody was refused here.
        self.assertEqual(service.post("/auth/token/", {"email": ALICE}).status, 400)
        answer = service.post("/auth/password-change/", {"email": ALICE, "password": PASSWORDS[ALICE],
                                                         "new_password": "short"})
        self.assertEqual(answer.status, 400)
        service.stop()  # and what was not written yet is
        self.assertEqual([(email, succeeded, how) for email, succeeded, how, _, _ in self.rows_of(project)], [
            (ALICE, False, "token"), (BOB, False, "token"), (ALICE, False, "sliding"), (ALICE, False, "session"),
            (ALICE, False, "password")])
        self.assertEqual({row[3:] for row in self.rows_of(project)},
                         {("127.0.0.1", "curl"), ("127.0.0.1", "Mozilla/5.0"), ("127.0.0.1", "")})
        self.assertEqual(self.counts_of(project), {("refused", "token"): 4, ("refused", "sliding"): 1,
                                                   ("refused", "session"): 1, ("refused", "password"): 1})
        # What was typed as an e-mail is nowhere.
        if project.engine == "sqlite":
            for path in project.path.glob("easyjwt.sqlite3*"):
                self.assertNotIn(typed.encode(), path.read_bytes())

    def test_a_client_service_has_its_own(self):
        browser = self.client()
        browser.log_in(ALICE)
        self.assert_logged_in(browser)
        Browser(browser.service).log_in(ALICE, "not-the-password")
        browser.service.stop()
        self.assertEqual([row[:3] for row in self.rows_of(self.client_project)],
                         [(ALICE, True, "remote"), (ALICE, False, "session")])
        self.assertEqual(self.counts_of(self.client_project), {
            ("succeeded", "remote"): 1, ("first", "remote"): 1, ("refused", "session"): 1})

    def test_off(self):
        browser = self.auth({"EASY_JWT": {"LOGIN_HISTORY": ""}})
        service, project = browser.service, self.project
        project.execute("INSERT INTO easyjwt_login_count VALUES ('2026-01-01 00:00:00', 'refused', 'token', 1)")
        # Nobody so much as looks at the table.
        project.execute("DROP TABLE easyjwt_login")
        self.assertEqual(self.obtain(service, ALICE).status, 200)
        self.assertEqual(self.obtain(service, ALICE, "wrong").status, 401)
        browser.log_in(ALICE)
        self.assert_logged_in(browser)
        service.stop()
        self.assertEqual(self.counts_of(project), {("refused", "token"): 1})

    def test_what_is_old_is_deleted(self):
        browser = self.auth({"EASY_JWT": {"LOGIN_HISTORY": "2d"}})
        project = self.project
        browser.service.stop()
        old, young = (time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 86400 * days)) for days in (3, 1))
        for at in (old, old, young):
            project.execute("INSERT INTO easyjwt_login (user_id, happened_at, succeeded, how, address, user_agent)"
                            " VALUES (1, '%s', %s, 'token', '', '')"
                            % (at, "true" if project.engine == "postgresql" else 1))
        for at in (old, young):
            project.execute("INSERT INTO easyjwt_login_count VALUES ('%s', 'refused', 'token', 1)" % at)
        self.assertIn("2 old logins deleted.", project.do("clearsessions").out)
        self.assertEqual(len(self.rows_of(project)), 1)
        self.assertEqual(self.counts_of(project), {("refused", "token"): 1})
        self.assertNotIn("logins", project.do("clearsessions").out)
        # Whoever wants no history has none.
        project.change({"EASY_JWT": {"LOGIN_HISTORY": ""}})
        self.assertIn("1 old logins deleted.", project.do("clearsessions").out)
        self.assertEqual(self.counts_of(project), {})


class Attacks(LoginsTest):
    def test_a_flood_of_refusals(self):
        browser = self.auth()
        service, project = browser.service, self.project

        def attack(number):
            with service.client() as client:
                for i in range(250):
                    email = ALICE if i % 2 else "nobody%d-%d@example.com" % (number, i)
                    answer = client.request("POST", "/auth/token/", {"email": email, "password": "wrong-%d" % i},
                                            headers={"User-Agent": "attack"})
                    self.assertEqual(answer.status, 401)

        at_once(8, attack)
        took = []
        for _ in range(10):
            with support.elapsed() as seconds:
                self.assertEqual(self.obtain(service, DAVE).status, 200)
            took.append(seconds())
        self.assertLess(statistics.median(took), 2)
        service.stop()
        self.assertEqual(self.counts_of(project), {("refused", "token"): 2000, ("succeeded", "token"): 10,
                                                   ("first", "token"): 1})
        rows = [row for row in self.rows_of(project) if row[4] == "attack"]
        hours = project.query("SELECT count(DISTINCT hour) FROM easyjwt_login_count WHERE what = 'refused'")[0][0]
        self.assertLessEqual(len(rows), 20 * hours)
        self.assertGreaterEqual(len(rows), 20)

    def test_logins_at_once_do_not_wait_for_each_other(self):
        browser = self.auth()
        service = browser.service
        answers = at_once(32, lambda number: [self.obtain(service, (ALICE, DAVE)[number % 2]) for _ in range(5)])
        subjects = [claims_of(answer.json["access"])["user_id"] for five in answers for answer in five]
        self.assertEqual((subjects.count(1), subjects.count(4)), (80, 80))
        service.stop()
        self.assertEqual(len(self.rows_of(self.project)), 160)
        counted = self.counts_of(self.project)
        self.assertEqual(counted[("succeeded", "token")], 160)
        self.assertGreaterEqual(counted[("first", "token")], 2)

    def test_nobody_can_log_in_unseen(self):
        # The row and the login are one transaction: where the one cannot be written there is no other.
        browser = self.auth()
        service, project = browser.service, self.project
        project.execute("ALTER TABLE easyjwt_login RENAME TO elsewhere")
        tokens = "SELECT count(*) FROM token_blacklist_outstandingtoken"
        before = project.query(tokens)
        self.assertEqual(self.obtain(service, ALICE).status, 500)
        self.assertEqual(project.query(tokens), before)
        project.execute("ALTER TABLE elsewhere RENAME TO easyjwt_login")
        self.assertEqual(self.obtain(service, ALICE).status, 200)
        service.kill()  # it has logged an error, as it should
        self.assertEqual(len(self.rows_of(project)), 1)


if __name__ == "__main__":
    unittest.main()
