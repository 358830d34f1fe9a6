"""Users on the admin site: the list, what is done to several at once, adding, changing, passwords, deleting, and
who may do what to whom."""

import unittest
import urllib.parse

from support import ALICE, BOB, CAROL, DAVE, PASSWORDS, at_once, user_entry
from test_admin import AdminTest
from test_pages import Browser, Page

USERS = "/admin/easyjwt_user/user/"
NASTY = "<script>alert(1)</script>{{x}}&amp;\"'"
NEW_PASSWORD = "an-Entirely-new-1"
HOSTILE_IDS = ("0", "-1", "99", "9223372036854775807", "9223372036854775808", "99999999999", "1%00", "x", "1'",
               "%2e%2e", "１")


class UsersTest(AdminTest):
    ALL = ("easyjwt_user.view_user", "easyjwt_user.add_user", "easyjwt_user.change_user", "easyjwt_user.delete_user")

    @staticmethod
    def filled(page, **values):
        """What a browser sends of a form: boxes only that are ticked."""
        form = dict(page.fields)
        for tag, attributes in page.tags:
            if tag == "input" and attributes["type"] == "checkbox" and "checked" not in attributes:
                form.pop(attributes["name"], None)
        return {name: value for name, value in {**form, **values}.items() if value is not None}

    def post(self, browser, page, path=None, **values):
        """The form at the page `path` of users, filled in and sent to it. None: that field is left out."""
        path = USERS + page if path is None else path
        return browser.request("POST", path, self.filled(self.page_of(browser, path), **values))

    def save(self, browser, page, **values):
        answer = self.post(browser, page, **values)
        self.assertEqual(answer.status, 302, Page(answer).text)
        return answer

    def refused(self, browser, page, words, **values):
        """The page that a form is answered with, which has the words."""
        answer = self.post(browser, page, **values)
        self.assertEqual(answer.status, 200, str(answer))
        shown = Page(answer)
        self.assert_as_every_page(shown)
        self.assertIn(words, shown.text)
        return shown

    def act(self, browser, action, *ids, **values):
        """An action of the list; returns the page after it, or the one that asks."""
        page = self.page_of(browser, USERS)
        token = page.fields["csrfmiddlewaretoken"]
        body = urllib.parse.urlencode([("csrfmiddlewaretoken", token), ("action", action),
                                       *(("chosen", str(number)) for number in ids), *values.items()])
        answer = browser.service.request(
            "POST", USERS, body=body, headers={
                "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html",
                "Cookie": "; ".join("%s=%s" % pair for pair in browser.cookies.items())})
        if answer.status != 302:
            return Page(answer)
        for line in answer.headers.get_all("set-cookie") or ():
            name, value = line.split(";")[0].split("=", 1)
            browser.cookies[name] = value
        return self.page_of(browser, answer.headers["Location"])

    def user(self, number, columns="email"):
        rows = self.project.query('SELECT %s FROM "user" WHERE id = %d' % (columns, number))
        return rows[0] if rows else None

    def flag(self, number, column):
        return bool(self.user(number, column)[0])

    def log(self, number):
        """What the log has of a user: action and message, in order."""
        return self.project.query("SELECT action_flag, change_message FROM django_admin_log l "
                                  "JOIN django_content_type t ON t.id = l.content_type_id "
                                  "WHERE t.model = 'user' AND object_id = '%d' ORDER BY l.id" % number)

    def emails(self, page):
        """The list's, in order."""
        return [attributes["aria-label"] for tag, attributes in page.tags
                if tag == "input" and attributes.get("name") == "chosen"]

    def truth(self, value):
        return str(value).lower() if self.project.engine == "postgresql" else str(int(value))


class Lists(UsersTest):
    def test_columns_order_and_search(self):
        browser = self.superuser()
        page = self.page_of(browser, USERS)
        self.assertEqual(self.emails(page), [ALICE, BOB, CAROL, DAVE])
        self.assertIn("Found: 4", page.text)
        self.assertIn(USERS + "1/change/", self.links(page))
        self.assertEqual(self.emails(self.page_of(browser, USERS + "?o=-id")), [DAVE, CAROL, BOB, ALICE])
        self.assertEqual(self.emails(self.page_of(browser, USERS + "?q=ARCHER")), [ALICE])
        self.assertEqual(self.emails(self.page_of(browser, USERS + "?q=example.com+al")), [ALICE])
        for query in ("?q=%00", "?q=" + "a" * 300, "?p=99", "?o=password", "?o=%27", "?p=-1", "?p=" + "9" * 40,
                      "?is_staff=maybe", "?q=%ff", "?x=1"):
            self.page_of(browser, USERS + query)

    def test_filters(self):
        browser = self.admin(*self.ALL)
        for query, found in (("is_active=no", [BOB]), ("is_active=yes", [ALICE, CAROL, DAVE, self.STAFF]),
                             ("is_staff=yes", [CAROL, self.STAFF]), ("is_staff=no", [ALICE, BOB, DAVE]),
                             ("is_superuser=yes", [CAROL]), ("is_superuser=yes&is_active=no", []),
                             ("is_staff=yes&is_superuser=no", [self.STAFF]), ("is_staff=no&is_active=yes&o=-email",
                                                                             [DAVE, ALICE]),
                             ("is_active=yes&q=da", [DAVE]), ("is_active=no&q=da", []),
                             ("is_staff=yes&q=example.com", [CAROL, self.STAFF])):
            with self.subTest(query):
                page = self.page_of(browser, USERS + "?" + query)
                self.assertEqual(self.emails(page), found)
                self.assertIn("Found: %d" % len(found), page.text)

    def test_by_a_group(self):
        browser = self.superuser()
        self.project.execute("INSERT INTO auth_group (name) VALUES ('%s')" % NASTY.replace("'", "''"))
        number = self.project.query("SELECT id FROM auth_group")[0][0]
        for user in (1, 2, 4):
            self.project.execute("INSERT INTO user_groups (user_id, group_id) VALUES (%d, %d)" % (user, number))
        page = self.page_of(browser, USERS)
        self.assertIn(NASTY, page.text)
        self.assertIn(USERS + "?group=%d" % number, [urllib.parse.urljoin(USERS, link) for link in self.links(page)])
        for query, found in (("", [ALICE, BOB, DAVE]), ("&is_active=yes", [ALICE, DAVE]), ("&is_active=no", [BOB]),
                             ("&is_staff=yes", []), ("&q=archer", [ALICE]), ("&o=-email", [DAVE, BOB, ALICE])):
            page = self.page_of(browser, USERS + "?group=%d%s" % (number, query))
            self.assertEqual(self.emails(page), found, query)
        for group in ("99", "x", "9" * 30, "-1"):
            self.page_of(browser, USERS + "?group=" + group)

    def test_names_full_of_html(self):
        browser = self.superuser()
        self.project.load([user_entry(9, "nasty@example.com", "a-Password-9", first_name=NASTY, last_name="{{{x}}}",
                                      location=NASTY, phone="<b>1</b>")])
        self.assertIn(NASTY, self.page_of(browser, USERS).text)
        page = self.page_of(browser, USERS + "9/change/")
        self.assertEqual((page.fields["first_name"], page.fields["last_name"], page.fields["phone"]),
                         (NASTY, "{{{x}}}", "<b>1</b>"))
        self.assertIn(NASTY, page.text)
        page = self.page_of(browser, USERS + "?q=" + urllib.parse.quote(NASTY))
        self.assertEqual(page.fields["q"], NASTY)

    def test_of_a_search_the_first_ten_thousand_are_paged_through(self):
        browser = self.superuser()
        self.assertEqual(self.page_of(browser, USERS + "?q=example&p=100").status, 200)
        page = self.page_of(browser, USERS + "?q=example&p=101", status=404)
        self.assertIn("Of what a search finds the first 10000 can be seen.", page.text)
        self.page_of(browser, USERS + "?p=101")

    def test_a_search_counts_no_further_unless_asked(self):
        browser = self.superuser()
        self.project.execute(
            "WITH RECURSIVE numbers(n) AS (SELECT 10001 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20050) "
            'INSERT INTO "user" (password, is_superuser, is_staff, is_active, date_joined, first_name, last_name, '
            "modified_date, creation_date, email) SELECT '!', is_superuser, is_staff, is_active, date_joined, first_name, "
            "last_name, modified_date, creation_date, 'many' || n || '@example.org' "
            'FROM "user" CROSS JOIN numbers WHERE id = %d' % 4)
        page = self.page_of(browser, USERS + "?q=many&o=-email&is_active=yes")
        self.assertIn("Found: > 10000", page.text)
        self.assertEqual(self.emails(page)[:2], ["many20050@example.org", "many20049@example.org"])
        exact = [link for link in self.links(page) if "exact=yes" in link]
        page = self.page_of(browser, urllib.parse.urljoin(USERS, exact[0]))
        self.assertIn("Found: 10050", page.text)
        self.assertNotIn("Count all of them", page.text)
        self.assertEqual(self.emails(page)[:2], ["many20050@example.org", "many20049@example.org"])
        # The last page that there is, whatever was counted.
        self.assertEqual(len(self.emails(self.page_of(browser, USERS + "?q=many&p=100"))), 100)
        self.page_of(browser, USERS + "?q=many&exact=yes&p=101", status=404)
        self.assertIn("Found: 51", self.page_of(browser, USERS + "?q=many200&exact=yes&o=id").text)

    def test_pages(self):
        browser = self.superuser()
        self.project.load([user_entry(number, "user%03d@example.org" % number, "!") for number in range(100, 250)])
        self.assertEqual(len(self.emails(self.page_of(browser, USERS))), 100)
        page = self.page_of(browser, USERS + "?p=2")
        self.assertEqual(len(self.emails(page)), 54)
        self.assertIn("Found: 154", page.text)
        self.assertEqual(len(self.emails(self.page_of(browser, USERS + "?is_active=yes&p=2"))), 53)


class Permissions(UsersTest):
    PAGES = ("", "add/", "1/change/", "1/password/", "1/delete/", "1/history/", "1/sessions/")

    def statuses(self, browser):
        out = []
        for page in self.PAGES:
            out.append(browser.get(USERS + page).status)
            token = browser.page("/admin/").fields["csrfmiddlewaretoken"]
            # What is allowed is answered with errors or nothing.
            answer = browser.request("POST", USERS + page, {
                "csrfmiddlewaretoken": token, "action": "deactivate", "chosen": "77", "usable_password": "yes"}
                                     if page not in ("1/delete/", "1/sessions/") else {})
            out.append(answer.status)
        return out

    def test_nobody(self):
        browser = self.admin("auth.view_group")
        self.assertEqual(self.statuses(browser), [403] * 11 + [405] + [403] * 2)

    def test_who_may_view(self):
        browser = self.admin("easyjwt_user.view_user")
        self.assertEqual(self.statuses(browser),
                         [200, 403, 403, 403, 200, 403, 403, 403, 403, 403, 200, 405, 200, 403])
        page = self.page_of(browser, USERS + "1/change/")
        self.assertIn(ALICE, page.text)
        self.assertFalse([name for name in page.fields if name not in ("csrfmiddlewaretoken",)], page.fields)
        for text in ("Save", "Delete", "Set the password"):
            self.assertNotIn(text, page.text)
        self.assertNotIn("Deactivate", self.page_of(browser, USERS).text)

    def test_who_may_add(self):
        browser = self.admin("easyjwt_user.add_user")
        self.assertEqual(self.statuses(browser)[:4], [403, 403, 200, 200])
        answer = self.save(browser, "add/", email="new@example.com", password1=NEW_PASSWORD, password2=NEW_PASSWORD)
        self.assertEqual(answer.headers["Location"], USERS)

    def test_strangers_and_others(self):
        browser = self.auth()
        self.assertEqual(browser.get(USERS).headers["Location"], "/auth/login/?next=" + USERS)
        browser.log_in(DAVE)
        for page in self.PAGES:
            self.page_of(browser, USERS + page, status=403)

    def test_forms_must_be_ours(self):
        browser = self.superuser()
        for page in ("", "add/", "1/change/", "1/password/", "1/delete/", "1/sessions/"):
            self.assertEqual(browser.request("POST", USERS + page, {"sure": "yes", "action": "delete", "chosen": "1"})
                             .status, 403, page)
        self.assertEqual(self.user(1), (ALICE,))

    def test_hostile_ids(self):
        browser = self.superuser()
        for number in HOSTILE_IDS:
            for page in ("change", "password", "delete", "history"):
                path = USERS + urllib.parse.quote(number, safe="%'") + "/" + page + "/"
                self.assertIn(browser.get(path).status, (400, 404), path)
        page = self.act(browser, "deactivate", *HOSTILE_IDS)
        self.assertIn("Users made inactive: 0.", page.text)

    def test_nobody_rises(self):
        """Who may change users changes nobody who may do more, and gives nothing away."""
        browser = self.admin(*self.ALL)
        self.project.execute("INSERT INTO auth_group (name) VALUES ('directors')")
        group = self.project.query("SELECT id FROM auth_group")[0][0]
        self.project.execute("INSERT INTO user_groups (user_id, group_id) VALUES (4, %d)" % group)
        before = self.project.query('SELECT * FROM "user" WHERE id IN (3, 4) ORDER BY id')
        for number in (3, 4):
            page = self.page_of(browser, USERS + "%d/change/" % number)
            self.assertIn("only a superuser can change them", page.text)
            self.assertNotIn("email", page.fields)
            self.assertEqual(browser.get(USERS + "%d/password/" % number).status, 403)
            token = page.fields["csrfmiddlewaretoken"]
            for form in ("change", "password"):
                answer = browser.request("POST", USERS + "%d/%s/" % (number, form), {
                    "csrfmiddlewaretoken": token, "email": "mine@example.com", "password1": NEW_PASSWORD,
                    "password2": NEW_PASSWORD, "usable_password": "yes", "seen": "0"})
                self.assertEqual(answer.status, 403)
            for action in ("deactivate", "log_out"):
                self.assertIn("Nothing was done.", self.act(browser, action, 1, number).text)
            self.assertIn("Nothing was done.", self.act(browser, "delete", 1, number, sure="yes").text)
        self.assertEqual(self.project.query('SELECT * FROM "user" WHERE id IN (3, 4) ORDER BY id'), before)
        self.assertTrue(self.flag(1, "is_active"))

        permission = self.project.query("SELECT id FROM auth_permission LIMIT 1")[0][0]
        for number in (1, 5):
            self.save(browser, "%d/change/" % number, is_staff="on", is_superuser="on", groups=str(group),
                      user_permissions=str(permission), phone="1")
        self.assertEqual(self.user(1, "phone")[0], "1")
        self.assertFalse(self.flag(1, "is_staff") or self.flag(1, "is_superuser") or self.flag(5, "is_superuser"))
        self.assertEqual(self.project.query("SELECT count(*) FROM user_groups")[0][0], 1)
        self.assertEqual(self.project.query("SELECT count(*) FROM user_user_permissions")[0][0], 4)

    def test_nobody_locks_themselves_out(self):
        browser = self.superuser()
        for values in ({"is_active": None}, {"is_staff": None}):
            self.refused(browser, "3/change/", "nobody can lock themselves out", **values)
        self.refused(browser, "3/change/", "is the last active superuser", is_superuser=None)
        for action, values in (("deactivate", {}), ("delete", {"sure": "yes"})):
            self.assertIn("Nothing was done.", self.act(browser, action, 1, 3, **values).text)
        self.save(browser, "3/delete/", sure="yes")
        self.assertIn("nobody can delete themselves", self.page_of(browser, USERS + "3/change/").text)
        self.assertTrue(self.flag(3, "is_active") and self.flag(3, "is_superuser") and self.flag(1, "is_active"))
        # The old password is asked for.
        self.assertEqual(browser.get(USERS + "3/password/").headers["Location"], "/accounts/password_change/")

        self.save(browser, "1/change/", is_superuser="on")
        self.save(browser, "3/change/", is_superuser=None)
        self.assertFalse(self.flag(3, "is_superuser"))

    def test_two_superusers_do_not_depose_each_other(self):
        browser = self.superuser()
        self.save(browser, "1/change/", is_superuser="on", is_staff="on")
        other = Browser(browser.service)
        other.log_in(ALICE)
        forms = [(one, USERS + "%d/change/" % number,
                  self.filled(self.page_of(one, USERS + "%d/change/" % number), is_superuser=None))
                 for one, number in ((browser, 1), (other, 3))]
        answers = at_once(2, lambda i: forms[i][0].request("POST", forms[i][1], forms[i][2]).status)
        self.assertEqual(self.project.query(
            'SELECT count(*) FROM "user" WHERE is_superuser = ' + self.truth(True))[0][0], 1, answers)


class Changes(UsersTest):
    def test_add(self):
        browser = self.superuser()
        browser.service.secrets.add(NEW_PASSWORD)
        answer = self.save(browser, "add/", email=" New.User@Example.COM ", password1=NEW_PASSWORD,
                           password2=NEW_PASSWORD)
        (number, email, active, staff), = self.project.query(
            'SELECT id, email, is_active, is_staff FROM "user" WHERE email LIKE \'new%\'')
        self.assertEqual((email, bool(active), bool(staff)), ("new.user@example.com", True, False))
        self.assertEqual(answer.headers["Location"], USERS + "%d/change/" % number)
        self.assertIn("new.user@example.com was added", self.page_of(browser, answer.headers["Location"]).text)
        self.assertEqual(self.log(number), [(1, '[{"added": {}}]')])
        self.assertEqual(browser.service.login("new.user@example.com", NEW_PASSWORD).keys(), {"access", "refresh"})

    def test_what_cannot_be_added(self):
        browser = self.superuser()
        good = {"email": "new@example.com", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
        for values, words in (
                ({"email": ""}, "This field is required."), ({"email": "x"}, "Enter a valid email address."),
                ({"email": ALICE.upper()}, "This email already exists."),
                ({"email": "a" * 250 + "@example.com"}, "at most 254 characters (it has 262)"),
                ({"email": "a\0b@example.com"}, "Control characters are not allowed."),
                ({"email": '"a\\\x01"@example.com'}, "Control characters are not allowed."),
                ({"password1": ""}, "This field is required."), ({"password2": "other-Password-1"}, "didn’t match"),
                ({"password1": "short", "password2": "short"}, "This password is too short."),
                ({"password1": "new@example.com", "password2": "new@example.com"}, "too similar to the email address"),
                ({"password1": "a-Password\0-1", "password2": "a-Password\0-1"}, "Null characters are not allowed.")):
            with self.subTest(values):
                page = self.refused(browser, "add/", words, **{**good, **values})
                self.assertEqual((page.fields["password1"], page.fields["password2"]), ("", ""))
                if "\0" not in values.get("email", ""):
                    self.assertEqual(page.fields["email"], {**good, **values}["email"])
        self.assertEqual(self.rows(self.project, '"user"'), 4)
        self.assertEqual(self.rows(self.project, "django_admin_log"), 0)

    def test_change(self):
        browser = self.superuser()
        page = self.page_of(browser, USERS + "1/change/")
        self.assertEqual((page.fields["email"], page.fields["first_name"]), (ALICE, "Alice"))
        answer = self.save(browser, "1/change/", email="Alice.New@EXAMPLE.com", first_name=" Älice ", phone="+49 1",
                           location="Köln\r\nSüd", is_staff="on")
        self.assertEqual(answer.headers["Location"], USERS)
        self.assertEqual(self.user(1, "email, first_name, last_name, phone, location"),
                         ("alice.new@example.com", "Älice", "Archer", "+49 1", "Köln\r\nSüd"))
        self.assertTrue(self.flag(1, "is_staff") and self.flag(1, "is_active"))
        self.assertEqual(self.log(1), [(2, '[{"changed": {"fields": ["Email address", "First name", "Phone", '
                                           '"Location", "Staff status"]}}]')])
        self.assertIn("Changed: Email address, First name", self.page_of(browser, USERS + "1/history/").text)
        self.save(browser, "1/change/", location="Köln\r\nSüd")
        self.assertEqual(self.log(1)[-1], (2, "[]"))
        self.save(browser, "1/change/", location="", phone="")
        self.assertEqual(self.user(1, "phone, location"), (None, None))

    def test_an_address_stays_as_it_was_written(self):
        browser = self.superuser()
        self.project.execute("UPDATE \"user\" SET email = 'Alice@Example.com' WHERE id = 1")
        self.save(browser, "1/change/", first_name="A")
        self.assertEqual(self.user(1), ("Alice@Example.com",))
        self.save(browser, "1/change/", email="ALICE@example.com")
        self.assertEqual(self.user(1), ("alice@example.com",))

    def test_what_cannot_be_saved(self):
        browser = self.superuser()
        before = self.user(1, "*")
        for values, words in (
                ({"email": ""}, "This field is required."), ({"email": "x@"}, "Enter a valid email address."),
                ({"email": BOB}, "already exists."), ({"email": BOB.upper()}, "already exists."),
                ({"first_name": "a" * 151}, "at most 150 characters (it has 151)"),
                ({"first_name": "a\0b"}, "Control characters are not allowed."),
                ({"last_name": "a\nb"}, "Control characters are not allowed."),
                ({"phone": "1" * 16}, "at most 15 characters"), ({"phone": "\x7f1"}, "Control characters"),
                ({"location": "a\0b"}, "Control characters are not allowed."),
                ({"seen": "1"}, "Somebody else has changed this user"), ({"seen": ""}, "Somebody else")):
            with self.subTest(values):
                page = self.refused(browser, "1/change/", words, **{"last_name": "Typed", **values})
                if "last_name" not in values:
                    self.assertEqual(page.fields["last_name"], "Typed")
        self.assertEqual(self.user(1, "*"), before)
        self.assertEqual(self.log(1), [])

    def test_one_does_not_undo_the_other(self):
        browser = self.superuser()
        form = self.filled(self.page_of(browser, USERS + "1/change/"), first_name="First")
        self.save(browser, "1/change/", last_name="Second")
        page = Page(browser.request("POST", USERS + "1/change/", form))
        self.assertIn("Somebody else has changed this user", page.text)
        self.assertEqual(self.user(1, "first_name, last_name"), ("Alice", "Second"))

    def test_one_address_for_two_at_once(self):
        browser = self.superuser()
        forms = {number: self.filled(self.page_of(browser, USERS + "%d/change/" % number), email="Same@example.com")
                 for number in (1, 4)}
        answers = at_once(2, lambda i: browser.request("POST", USERS + "%d/change/" % (1, 4)[i], forms[(1, 4)[i]]))
        self.assertEqual(sorted(answer.status for answer in answers), [200, 302])
        loser = Page([answer for answer in answers if answer.status == 200][0])
        self.assertIn("already exists.", loser.text)
        self.assertEqual(self.project.query("SELECT count(*) FROM \"user\" WHERE email = 'same@example.com'"), [(1,)])

    def test_groups_and_permissions(self):
        browser = self.superuser()
        for name in ("a", "b"):
            self.project.execute("INSERT INTO auth_group (name) VALUES ('%s')" % name)
        groups = [row[0] for row in self.project.query("SELECT id FROM auth_group ORDER BY name")]
        permission = self.project.query("SELECT id FROM auth_permission WHERE codename = 'view_user'")[0][0]
        self.save(browser, "1/change/", groups=",".join(map(str, groups)), user_permissions=str(permission))
        self.assertEqual(self.project.query("SELECT group_id FROM user_groups WHERE user_id = 1 ORDER BY 1"),
                         [(group,) for group in groups])
        self.assertEqual(self.project.query("SELECT permission_id FROM user_user_permissions WHERE user_id = 1"),
                         [(permission,)])
        self.assertEqual(self.log(1), [(2, '[{"changed": {"fields": ["Groups", "User permissions"]}}]')])
        page = self.page_of(browser, USERS + "1/change/")
        self.assertEqual(page.fields["groups"], ",".join(map(str, groups)))
        self.save(browser, "1/change/", groups=str(groups[1]))
        self.assertEqual(self.project.query("SELECT group_id FROM user_groups WHERE user_id = 1"), [(groups[1],)])

        # The buttons between the lists keep what was typed and save nothing.
        page = Page(self.post(browser, "1/change/", first_name="Typed", _pick="groups:add", groups_add=str(groups[0])))
        self.assertEqual((page.fields["first_name"], page.fields["groups"]),
                         ("Typed", ",".join(map(str, groups))))
        self.assertEqual(self.user(1, "first_name"), ("Alice",))

    def test_a_group_that_is_no_more_is_not_given(self):
        browser = self.superuser()
        self.save(browser, "1/change/", groups="4711,x,-1", user_permissions="99999999999999999999")
        self.assertEqual(self.rows(self.project, "user_groups"), 0)


class Deeds(UsersTest):
    SETTINGS = {"EASY_JWT": {"SESSION_CLAIM": "sid", "ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}}

    def tokens(self, service, email=ALICE, password=None):
        return service.post("/auth/token/", {"email": email, "password": password or PASSWORDS[email]}).json

    def assert_ended(self, browser, theirs, tokens):
        """Neither tokens nor the session at a browser are worth anything."""
        service = browser.service
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": tokens["refresh"]}).status, 401)
        self.assertEqual(service.get("/auth/user/", token=tokens["access"]).status, 401)
        self.assert_logged_out(theirs)

    def begin(self):
        """A superuser's browser, Alice's, and Alice's tokens."""
        browser = self.superuser(self.SETTINGS)
        theirs = Browser(browser.service)
        theirs.log_in(ALICE)
        return browser, theirs, self.tokens(browser.service)

    def test_set_the_password(self):
        browser, theirs, tokens = self.begin()
        browser.service.secrets.add(NEW_PASSWORD)
        before = self.user(1, "password")
        for values, words in (({"password1": "", "password2": ""}, "This field is required."),
                              ({"password1": NEW_PASSWORD, "password2": "x"}, "didn’t match"),
                              ({"password1": "Archer1", "password2": "Archer1"}, "This password is too short."),
                              ({"password1": "12345678", "password2": "12345678"}, "entirely numeric")):
            page = self.refused(browser, "1/password/", words, usable_password="yes", **values)
            self.assertEqual((page.fields["password1"], page.fields["password2"]), ("", ""))
        self.assertEqual(self.user(1, "password"), before)
        self.save(browser, "1/password/", usable_password="yes", password1=NEW_PASSWORD, password2=NEW_PASSWORD)
        self.assert_ended(browser, theirs, tokens)
        self.assertEqual(browser.service.post("/auth/token/", {"email": ALICE, "password": PASSWORDS[ALICE]}).status,
                         401)
        self.assertIn("access", self.tokens(browser.service, password=NEW_PASSWORD))
        self.assertEqual(self.log(1), [(2, '[{"changed": {"fields": ["Password"]}}]')])

    def test_take_the_password_away(self):
        browser, theirs, tokens = self.begin()
        self.save(browser, "1/password/", usable_password="no")
        self.assertTrue(self.user(1, "password")[0].startswith("!"))
        self.assert_ended(browser, theirs, tokens)
        self.assertIn("None: nobody can log in with one.", self.page_of(browser, USERS + "1/change/").text)

    def test_log_out_everywhere(self):
        browser, theirs, tokens = self.begin()
        self.assertIn("Users logged out: 2.", self.act(browser, "log_out", 1, 4, 77).text)
        self.assert_ended(browser, theirs, tokens)
        self.assertEqual(self.log(1), [(2, '[{"changed": {"fields": ["Logged out everywhere"]}}]')])
        self.assertEqual(theirs.log_in(ALICE).status, 302)
        tokens = self.tokens(browser.service)
        self.save(browser, "1/sessions/")
        self.assert_ended(browser, theirs, tokens)

    def test_deactivate_and_activate(self):
        browser, theirs, tokens = self.begin()
        self.assertIn("Users made inactive: 2.", self.act(browser, "deactivate", 1, 4).text)
        self.assertFalse(self.flag(1, "is_active") or self.flag(4, "is_active"))
        self.assertIn("Users made active: 1.", self.act(browser, "activate", 1).text)
        self.assertTrue(self.flag(1, "is_active"))
        self.assert_ended(browser, theirs, tokens)  # from before
        self.assertEqual(self.log(1), [(2, '[{"changed": {"fields": ["Active"]}}]')] * 2)
        tokens = self.tokens(browser.service)
        theirs.log_in(ALICE)
        self.save(browser, "1/change/", is_active=None)
        self.save(browser, "1/change/", is_active="on")
        self.assert_ended(browser, theirs, tokens)

    def test_delete(self):
        browser, theirs, tokens = self.begin()
        self.project.execute("INSERT INTO auth_group (name) VALUES ('a')")
        self.project.execute("INSERT INTO user_groups (user_id, group_id) SELECT 1, id FROM auth_group")
        self.project.execute("INSERT INTO user_user_permissions (user_id, permission_id) "
                             "SELECT 1, min(id) FROM auth_permission")
        self.project.execute("INSERT INTO django_admin_log (action_time, user_id, object_repr, action_flag, "
                             "change_message) VALUES ('2026-01-02 03:04:05', 1, 'x', 1, '')")
        page = self.page_of(browser, USERS + "1/delete/")
        for words in (ALICE, "Outstanding tokens, which are blacklisted: 1", "Sessions at browsers: 1",
                      "Memberships in groups: 1", "Permissions of their own: 1",
                      "Entries in the log, of what they did here: 1"):
            self.assertIn(words, page.text)
        self.assertIsNotNone(self.user(1))
        self.save(browser, "1/delete/", sure="yes")
        self.assertIsNone(self.user(1))
        self.assert_ended(browser, theirs, tokens)
        self.assertEqual(self.log(1), [(3, "")])
        for table in ("user_groups", "user_user_permissions", "easyjwt_session"):
            self.assertEqual(self.rows(self.project, table), 0, table)
        self.assertEqual(self.project.query("SELECT user_id FROM token_blacklist_outstandingtoken"), [(None,)])
        self.assertEqual(self.rows(self.project, "token_blacklist_blacklistedtoken"), 1)
        if self.project.engine == "sqlite":
            self.assertEqual(self.project.query("PRAGMA foreign_key_check"), [])

    def test_an_address_that_is_given_again_has_no_tokens(self):
        browser = self.superuser({"EASY_JWT": {"USER_ID_FIELD": "email", "USER_ID_CLAIM": "email"}})
        tokens = self.tokens(browser.service)
        self.save(browser, "1/delete/", sure="yes")
        self.save(browser, "add/", email=ALICE, password1=NEW_PASSWORD, password2=NEW_PASSWORD)
        self.assertEqual(browser.service.post("/auth/token/refresh/", {"refresh": tokens["refresh"]}).status, 401)

    def test_delete_several(self):
        browser = self.superuser()
        page = self.act(browser, "delete", 1, 4, 77)
        self.assert_as_every_page(page)
        self.assertIn(ALICE, page.text)
        self.assertIn(DAVE, page.text)
        self.assertEqual(self.rows(self.project, '"user"'), 4)
        self.assertIn("Users deleted: 2.", self.act(browser, "delete", 1, 4, 77, sure="yes").text)
        self.assertEqual(self.project.query('SELECT id FROM "user" ORDER BY id'), [(2,), (3,)])
        self.assertEqual(self.log(1) + self.log(4), [(3, "")] * 2)

    def test_all_or_nothing(self):
        browser = self.superuser()
        self.assertIn("Nothing was done.", self.act(browser, "delete", 1, 3, sure="yes").text)
        self.assertIsNotNone(self.user(1))
        self.assertEqual(self.rows(self.project, "django_admin_log"), 0)
        for action, ids in (("", (1,)), ("explode", (1,)), ("delete", ())):
            self.assertIn("Choose some of the list", self.act(browser, action, *ids, sure="yes").text)


class Copies(UsersTest):
    """On a client-service, where users are the auth-service's."""

    def setUp(self):
        super().setUp()
        browser = self.client()
        browser.log_in(ALICE)
        self.project = self.client_project
        self.project.load([user_entry(50, "own@example.com", "own-Password-1", is_staff=True, is_superuser=True)])
        self.browser = Browser(browser.service)
        self.browser.log_in("own@example.com", "own-Password-1")
        self.copy = self.project.query("SELECT user_id FROM easyjwt_remote_user")[0][0]

    def test_what_the_auth_service_says_is_not_changed(self):
        page = self.page_of(self.browser, USERS + "%d/change/" % self.copy)
        self.assertIn("authentication service", page.text)
        for name in ("email", "first_name", "last_name", "is_active"):
            self.assertNotIn(name, page.fields)
        self.save(self.browser, "%d/change/" % self.copy, email="x@example.com", first_name="X", is_active=None,
                  is_staff="on", phone="7")
        self.assertEqual(self.user(self.copy, "email, first_name, phone"), (ALICE, "Alice", "7"))
        self.assertTrue(self.flag(self.copy, "is_staff") and self.flag(self.copy, "is_active"))
        self.assertEqual(self.browser.get(USERS + "%d/password/" % self.copy).status, 403)
        self.assertIn("Nothing was done.", self.act(self.browser, "deactivate", self.copy).text)

    def test_deleted_and_logged_out(self):
        theirs = Browser(self.browser.service)
        theirs.log_in(ALICE)
        self.act(self.browser, "log_out", self.copy)
        self.assert_logged_out(theirs)
        self.assertIn("Users deleted: 1.", self.act(self.browser, "delete", self.copy, sure="yes").text)
        self.assertEqual(self.rows(self.project, "easyjwt_remote_user"), 0)
        theirs.log_in(ALICE)
        self.assert_logged_in(theirs)

    def test_accounts_of_its_own(self):
        self.save(self.browser, "add/", email="second@example.com", password1=NEW_PASSWORD, password2=NEW_PASSWORD)
        self.refused(self.browser, "add/", "This email already exists.", email=ALICE.upper(), password1=NEW_PASSWORD,
                     password2=NEW_PASSWORD)
        number = self.project.query("SELECT id FROM \"user\" WHERE email LIKE 'second%'")[0][0]
        self.save(self.browser, "%d/password/" % number, usable_password="yes", password1="another-New-1",
                  password2="another-New-1")
        self.assertEqual(self.browser.get(USERS + "50/password/").headers["Location"], "/auth/password-change/")


if __name__ == "__main__":
    unittest.main()
