"""Outstanding and blacklisted tokens on the admin site: found, looked at without being seen, and blacklisted."""

import unittest
import urllib.parse

from support import ALICE, DAVE, PASSWORDS, claims_of, user_entry
from test_admin import AdminTest
from test_admin_groups import HOSTILE_IDS, NASTY
from test_pages import Page

OUTSTANDING = "/admin/token_blacklist/outstandingtoken/"
BLACKLISTED = "/admin/token_blacklist/blacklistedtoken/"
VIEW = ("token_blacklist.view_outstandingtoken", "token_blacklist.view_blacklistedtoken")
ADD = "token_blacklist.add_blacklistedtoken"


class TokensTest(AdminTest):
    def tokens(self, browser, email=ALICE):
        answer = browser.service.request("POST", "/auth/token/", {"email": email, "password": PASSWORDS[email]})
        self.assertEqual(answer.status, 200)
        return answer.json

    def refresh(self, browser, pair):
        return browser.service.request("POST", "/auth/token/refresh/", {"refresh": pair["refresh"]})

    def row(self, pair):
        return self.project.query("SELECT id FROM token_blacklist_outstandingtoken WHERE jti = '%s'"
                                  % claims_of(pair["refresh"])["jti"])[0][0]

    def jtis(self, browser, path):
        """Those of a list, in its order."""
        page = self.page_of(browser, path)
        return [attributes["aria-label"] for tag, attributes in page.tags
                if tag == "input" and attributes["name"] == "chosen"]

    def blacklisted(self):
        return [row[0] for row in self.project.query(
            "SELECT jti FROM token_blacklist_outstandingtoken o JOIN token_blacklist_blacklistedtoken b "
            "ON b.token_id = o.id ORDER BY b.id")]


class Tokens(TokensTest):
    def test_each_page_needs_its_permission(self):
        browser = self.admin("easyjwt_user.view_user", ADD)
        row = self.row(self.tokens(browser))
        self.project.execute("INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) VALUES "
                             "('2026-01-01 00:00:00', %d)" % row)
        paths = (OUTSTANDING, OUTSTANDING + "%d/change/" % row, OUTSTANDING + "%d/history/" % row, BLACKLISTED,
                 BLACKLISTED + "1/change/")
        token = browser.page("/admin/").fields["csrfmiddlewaretoken"]
        for path in paths:
            self.page_of(browser, path, status=403)
            answer = browser.request("POST", path, {"csrfmiddlewaretoken": token, "sure": "yes", "chosen": row,
                                                    "action": "blacklist"})
            self.assertIn(answer.status, (403, 405))

    def test_who_may_look_blacklists_nothing(self):
        browser = self.admin(*VIEW)
        pair = self.tokens(browser)
        row = self.row(pair)
        self.assertNotIn("Blacklist the chosen", self.page_of(browser, OUTSTANDING).text)
        page = self.page_of(browser, OUTSTANDING + "%d/change/" % row)
        self.assertNotIn("button", [tag for tag, attributes in page.tags if attributes.get("name") == "_save"])
        # The user has a page that this one may not see.
        self.assertIn(ALICE, page.text)
        self.assertNotIn("/admin/easyjwt_user/user/1/change/", self.links(page))
        for path, form in ((OUTSTANDING, {"action": "blacklist", "chosen": row}),
                           (OUTSTANDING + "%d/change/" % row, {})):
            answer = browser.request("POST", path, {**page.fields, **form, "sure": "yes"})
            self.assertEqual(answer.status, 403)
        self.assertEqual(self.refresh(browser, pair).status, 200)

    def test_a_post_must_come_from_a_page_of_ours(self):
        browser = self.superuser()
        pair = self.tokens(browser)
        row = self.row(pair)
        for path, form in ((OUTSTANDING, {"action": "blacklist", "chosen": row}),
                           (OUTSTANDING + "%d/change/" % row, {})):
            self.assertEqual(browser.request("POST", path, {**form, "sure": "yes"}).status, 403)
        self.assertEqual(self.blacklisted(), [])

    def test_one_is_blacklisted_and_refused(self):
        browser = self.admin(*VIEW, ADD, "easyjwt_user.view_user", "admin.view_logentry")
        pair, other = self.tokens(browser), self.tokens(browser)
        self.assertEqual(self.refresh(browser, pair).status, 200)
        path = OUTSTANDING + "%d/change/" % self.row(pair)
        page = self.page_of(browser, path)
        self.assertIn("/admin/easyjwt_user/user/1/change/", self.links(page))
        answer = browser.request("POST", path, {**page.fields, "_save": "yes"})
        self.assertEqual(self.blacklisted(), [])
        sure = Page(answer)
        self.assert_as_every_page(sure)
        self.assertIn("They cannot be used again", sure.text)
        self.assertIn("Token for %s (%s)" % (ALICE, claims_of(pair["refresh"])["jti"]), sure.text)
        answer = browser.request("POST", path, {**sure.fields, "sure": "yes"})
        self.assertEqual((answer.status, answer.headers["Location"]), (302, path))
        refused = self.refresh(browser, pair)
        self.assertEqual((refused.status, refused.json["detail"]), (401, "Token is blacklisted"))
        self.assertEqual(self.refresh(browser, other).status, 200)
        page = self.page_of(browser, path)
        self.assertIn("The token was blacklisted.", page.text)
        self.assertNotIn("_save", [attributes.get("name") for _, attributes in page.tags])
        jti = claims_of(pair["refresh"])["jti"]
        self.assertIn("Added blacklisted token “%s”" % jti,
                      self.page_of(browser, path.replace("change", "history")).text)
        self.assertIn("Added blacklisted token “%s”" % jti, self.page_of(browser, "/admin/log/").text)
        # And once more, from a page of before.
        answer = browser.request("POST", path, {**sure.fields, "sure": "yes"})
        self.assertEqual(answer.status, 302)
        self.assertIn("had been blacklisted before", self.page_of(browser, path).text)
        self.assertEqual(self.blacklisted(), [jti])

    def test_the_login_that_it_began_ends(self):
        browser = self.superuser({"EASY_JWT": {"SESSION_CLAIM": "sid"}})
        pair = self.tokens(browser)
        path = OUTSTANDING + "%d/change/" % self.row(pair)
        self.assertEqual(browser.request("POST", path, {**self.page_of(browser, path).fields,
                                                        "sure": "yes"}).status, 302)
        self.assertIn("The token was blacklisted.", self.page_of(browser, path).text)
        self.assertIn("Added blacklisted token", self.page_of(browser, "/admin/log/").text)
        self.assertEqual(self.refresh(browser, pair).status, 401)
        answer = browser.service.request("GET", "/auth/user/", token=pair["access"])
        self.assertEqual(answer.status, 401)

    def test_several_are_blacklisted(self):
        browser = self.superuser()
        pairs = [self.tokens(browser) for _ in range(3)]
        rows = [self.row(pair) for pair in pairs]
        page = self.page_of(browser, OUTSTANDING)
        form = [("csrfmiddlewaretoken", page.fields["csrfmiddlewaretoken"]), ("action", "blacklist"),
                *(("chosen", number) for number in (rows[0], rows[2], 999999))]
        send = lambda form: browser.service.request(  # pylint: disable=unnecessary-lambda-assignment
            "POST", OUTSTANDING, body=urllib.parse.urlencode(form).encode(), headers={
                "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html",
                "Cookie": "; ".join("%s=%s" % pair for pair in browser.cookies.items())})
        self.assert_as_every_page(Page(send(form)))
        self.assertEqual(self.blacklisted(), [])
        self.assertEqual(send(form + [("sure", "yes")]).status, 302)
        self.assertEqual([self.refresh(browser, pair).status for pair in pairs], [401, 200, 401])
        self.assertEqual(len(self.blacklisted()), 2)

    def test_nothing_chosen(self):
        browser = self.superuser()
        self.tokens(browser)
        for form in ({"action": "blacklist"}, {"chosen": "1"}, {"chosen": "x", "action": "blacklist"}, {}):
            token = browser.page(OUTSTANDING).fields["csrfmiddlewaretoken"]
            self.assertEqual(browser.request("POST", OUTSTANDING, {"csrfmiddlewaretoken": token, **form}).status, 302)
        self.assertIn("Choose some of the list", self.page_of(browser, OUTSTANDING).text)
        self.assertEqual(self.blacklisted(), [])

    def test_they_are_found(self):
        browser = self.superuser()
        own = [claims_of(self.tokens(browser)["refresh"])["jti"] for _ in range(2)]
        daves = claims_of(self.tokens(browser, DAVE)["refresh"])["jti"]
        everything = [daves, own[1], own[0]]
        self.assertEqual(self.jtis(browser, OUTSTANDING), everything)
        for query, found in (("?o=id", everything[::-1]), ("?o=-expires", everything), ("?q=" + ALICE, own[::-1]),
                             ("?q=alice%40", own[::-1]), ("?q=ALICE", own[::-1]), ("?q=example", []),
                             ("?q=" + daves, [daves]), ("?q=" + daves[:24].upper(), [daves]),
                             ("?q=" + daves[8:], []), ("?q=%00", []), ("?q=%25%25", []), ("?q=%27", [])):
            self.assertEqual(self.jtis(browser, OUTSTANDING + query), found, query)
        self.page_of(browser, OUTSTANDING + "?p=101", status=404)

    def test_the_blacklisted_ones_are_found(self):
        browser = self.superuser()
        pairs = [self.tokens(browser), self.tokens(browser, DAVE)]
        for pair in pairs:
            browser.service.request("POST", "/auth/token/blacklist/", {"refresh": pair["refresh"]})
        jtis = [claims_of(pair["refresh"])["jti"] for pair in pairs]
        for query, found in (("", jtis), ("?q=alice", jtis[:1]), ("?q=" + jtis[1], jtis[1:]), ("?q=carol", [])):
            text = self.page_of(browser, BLACKLISTED + query).text
            self.assertEqual([jti for jti in jtis if jti in text], found, query)
        page = self.page_of(browser, BLACKLISTED)
        self.assertFalse([attributes for _, attributes in page.tags if attributes.get("name") == "chosen"])
        page = self.page_of(browser, [link for link in self.links(page) if link.endswith("/change/")
                                      and link.startswith(BLACKLISTED)][0])
        self.assertIn(jtis[1], page.text)
        self.assertIn(OUTSTANDING + "%d/change/" % self.row(pairs[1]), self.links(page))

    def test_their_text_is_never_shown(self):
        browser = self.superuser()
        pair = self.tokens(browser)
        row = self.row(pair)
        stored = self.project.query("SELECT token FROM token_blacklist_outstandingtoken")[0][0]
        self.assertEqual(stored, pair["refresh"])
        for path in (OUTSTANDING, OUTSTANDING + "?q=" + ALICE, OUTSTANDING + "%d/change/" % row,
                     OUTSTANDING + "%d/history/" % row):
            body = browser.get(path).body.decode()
            for part in stored.split(".")[1:]:
                self.assertNotIn(part, body, path)
        self.assertIn("Not shown: whoever has it can do what the user can.",
                      self.page_of(browser, OUTSTANDING + "%d/change/" % row).text)

    def test_hostile_texts(self):
        browser = self.superuser()
        self.project.load([user_entry(6, "<b>{{x}}</b>@example.com", "nasty-Password-1")])
        self.project.execute(
            "INSERT INTO token_blacklist_outstandingtoken (jti, token, user_id, created_at, expires_at) VALUES "
            "('%s', 'x', 6, '2026-01-01 00:00:00', '2036-01-01 00:00:00')" % NASTY.replace("'", "''"))
        row = self.project.query("SELECT id FROM token_blacklist_outstandingtoken")[0][0]
        path = OUTSTANDING + "%d/change/" % row
        for page in (OUTSTANDING, OUTSTANDING + "?q=" + urllib.parse.quote(NASTY), path):
            page = self.page_of(browser, page)
            self.assertIn("<b>{{x}}</b>@example.com", page.text)
            self.assertIn(NASTY, page.text)
        self.assertEqual(browser.request("POST", path, {**page.fields, "sure": "yes"}).status, 302)
        self.assertIn(NASTY, self.page_of(browser, BLACKLISTED).text)
        self.assertIn(NASTY, self.page_of(browser, "/admin/log/").text)

    def test_hostile_ids(self):
        browser = self.superuser()
        for number in HOSTILE_IDS:
            quoted = urllib.parse.quote(number, safe="%")
            for path in (OUTSTANDING + quoted + "/change/", OUTSTANDING + quoted + "/history/",
                         BLACKLISTED + quoted + "/change/"):
                self.assertEqual(browser.get(path).status, 404, path)
        token = browser.page(OUTSTANDING).fields["csrfmiddlewaretoken"]
        answer = browser.request("POST", OUTSTANDING, {"csrfmiddlewaretoken": token, "action": "blacklist",
                                                       "chosen": ",".join(HOSTILE_IDS), "sure": "yes"})
        self.assertEqual(answer.status, 302)


class Absent(TokensTest):
    def test_without_the_app_there_is_nothing(self):
        browser = self.superuser({"INSTALLED_APPS": ["easyjwt_auth", "easyjwt_user", "admin"]})
        for path in (OUTSTANDING, BLACKLISTED):
            self.page_of(browser, path, status=404)
            self.assertNotIn(path, self.links(self.page_of(browser, "/admin/")))


if __name__ == "__main__":
    unittest.main()
