"""Groups on the admin site: the lists between which permissions go, who is in a group, who may give what."""

import unittest
import urllib.parse

from support import ALICE, DAVE, user_entry
from test_admin import AdminTest

GROUPS = "/admin/auth/group/"
NASTY = "<script>alert(1)</script>{{x}}&amp;\"'"
HOSTILE_IDS = ("0", "-1", "99", "9223372036854775807", "9223372036854775808", "99999999999", "1%00", "x", "1'",
               "%2e%2e", "１")


class GroupsTest(AdminTest):
    ALL = ("auth.view_group", "auth.add_group", "auth.change_group", "auth.delete_group")

    def permission(self, key):
        app, codename = key.split(".")
        return self.project.query(
            "SELECT p.id FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id "
            "WHERE t.app_label = '%s' AND p.codename = '%s'" % (app, codename))[0][0]

    def make_group(self, browser, name="Editors", **values):
        """Adds a group and returns the folder of its pages."""
        answer = browser.request("POST", GROUPS + "add/", self.form(browser, GROUPS + "add/", name=name, **values))
        self.assertEqual(answer.status, 302, str(answer))
        location = answer.headers["Location"]
        self.assertTrue(location.endswith("/change/"), location)
        return location[:-len("change/")]

    def form(self, browser, path, **values):
        """What a browser sends: boxes that are not ticked are not sent."""
        page = self.page_of(browser, path)
        return self.filled(page, **values)

    @staticmethod
    def filled(page, **values):
        boxes = {attributes["name"] for tag, attributes in page.tags
                 if tag == "input" and attributes["type"] == "checkbox"}
        return {**{name: value for name, value in page.fields.items() if name not in boxes}, **values}

    @staticmethod
    def boxes(page, name):
        """The values of boxes of that name."""
        return [attributes["value"] for tag, attributes in page.tags
                if tag == "input" and attributes.get("name") == name and attributes["type"] == "checkbox"]

    def permissions_of(self, folder):
        return sorted(row[0] for row in self.project.query(
            "SELECT codename FROM auth_permission p JOIN auth_group_permissions l ON l.permission_id = p.id "
            "WHERE l.group_id = " + folder.split("/")[-2]))

    def members_of(self, folder):
        return sorted(row[0] for row in self.project.query(
            'SELECT email FROM "user" u JOIN user_groups l ON l.user_id = u.id WHERE l.group_id = '
            + folder.split("/")[-2]))


class Groups(GroupsTest):
    def test_each_page_needs_its_permission(self):
        browser = self.admin("easyjwt_user.view_user")
        self.project.execute("INSERT INTO auth_group (name) VALUES ('a')")
        number = self.project.query("SELECT id FROM auth_group")[0][0]
        pages = ["", "add/"] + ["%d/%s/" % (number, what) for what in ("change", "users", "delete", "history")]
        for page in pages:
            self.page_of(browser, GROUPS + page, status=403)
            token = browser.page("/admin/").fields["csrfmiddlewaretoken"]
            answer = browser.request("POST", GROUPS + page, {"csrfmiddlewaretoken": token, "name": "b"})
            self.assertIn(answer.status, (403, 405), page)
        self.assertEqual(self.project.query("SELECT name FROM auth_group"), [("a",)])

    def test_who_may_only_look(self):
        browser = self.admin("auth.view_group")
        self.project.execute("INSERT INTO auth_group (name) VALUES ('a')")
        folder = GROUPS + "%d/" % self.project.query("SELECT id FROM auth_group")[0][0]
        self.assertNotIn(GROUPS + "add/", self.links(self.page_of(browser, GROUPS)))
        page = self.page_of(browser, folder + "change/")
        self.assertNotIn("name", page.fields)
        self.assertNotIn(folder + "delete/", self.links(page))
        self.assertNotIn(folder + "users/", self.links(page))
        self.page_of(browser, folder + "users/", status=403)  # whom it has is the users' affair
        for what in ("change/", "delete/"):
            answer = browser.request("POST", folder + what, {**page.fields, "name": "b", "sure": "yes"})
            self.assertEqual(answer.status, 403)
        self.page_of(browser, folder + "history/")

    def test_a_post_must_come_from_a_page_of_ours(self):
        browser = self.superuser()
        folder = self.make_group(browser)
        for path in (GROUPS, GROUPS + "add/", folder + "change/", folder + "users/", folder + "delete/"):
            for token in ({}, {"csrfmiddlewaretoken": "A" * 64}):
                answer = browser.request("POST", path, {"name": "b", "sure": "yes", **token})
                self.assertEqual(answer.status, 403, path)
        self.assertEqual(self.project.query("SELECT name FROM auth_group"), [("Editors",)])

    def test_a_group_is_added_changed_and_deleted(self):
        browser = self.superuser()
        folder = self.make_group(browser, "  Editors ")
        page = self.page_of(browser, folder + "change/")
        self.assertIn("The group “Editors” was added.", page.text)
        answer = browser.request("POST", folder + "change/", self.filled(page, name="Writers", permissions=str(
            self.permission("auth.view_group"))))
        self.assertEqual((answer.status, answer.headers["Location"]), (302, GROUPS))
        page = self.page_of(browser, GROUPS)
        self.assertIn("The group “Writers” was changed.", page.text)
        self.assertEqual(self.permissions_of(folder), ["view_group"])
        self.assertIn(folder + "change/", self.links(page))
        page = self.page_of(browser, folder + "history/")
        self.assertIn("Changed: Name, Permissions", page.text)
        self.assertIn("Added", page.text)
        page = self.page_of(browser, folder + "delete/")
        self.assertIn("0 users leave it and no longer have its 1 permissions", page.text)
        self.assertEqual(browser.request("POST", folder + "delete/", {**page.fields, "sure": "yes"}).status, 302)
        self.assertEqual(self.project.query("SELECT count(*) FROM auth_group")[0][0], 0)
        self.page_of(browser, folder + "change/", status=404)
        self.assertIn("Deleted", self.page_of(browser, "/admin/log/").text)

    def test_names_that_cannot_be(self):
        browser = self.superuser()
        self.make_group(browser)
        for name, words in (("", "This field is required."), ("  ", "This field is required."),
                            ("Editors", "Group with this Name already exists."),
                            ("a" * 151, "at most 150 characters (it has 151)"),
                            ("a\0b", "Null characters are not allowed.")):
            form = self.form(browser, GROUPS + "add/", name=name)
            answer = browser.request("POST", GROUPS + "add/", form)
            self.assertEqual(answer.status, 200)
            self.assertIn(words, answer.body.decode())
        self.make_group(browser, "大" * 150)

    def test_names_full_of_html(self):
        browser = self.superuser()
        folder = self.make_group(browser, NASTY)
        for path in (GROUPS, GROUPS + "?q=" + urllib.parse.quote(NASTY), folder + "change/", folder + "users/",
                     folder + "delete/", folder + "history/", "/admin/", "/admin/log/"):
            page = self.page_of(browser, path)
            self.assertTrue(NASTY in page.text or NASTY in page.fields.values(), path)

    def test_hostile_ids(self):
        browser = self.superuser()
        for number in HOSTILE_IDS:
            for what in ("change/", "users/", "delete/", "history/"):
                answer = browser.get(GROUPS + urllib.parse.quote(number, safe="%") + "/" + what)
                self.assertEqual(answer.status, 404, (number, what))
        folder = self.make_group(browser)
        form = self.form(browser, folder + "change/", permissions=",".join(HOSTILE_IDS))
        self.assertEqual(browser.request("POST", folder + "change/", form).status, 302)
        self.assertEqual(self.permissions_of(folder), [])
        for pick in ("users:add", "users:remove"):
            for number in HOSTILE_IDS:
                form = self.form(browser, folder + "users/", _pick=pick, users_add=number, users_remove=number)
                self.assertEqual(browser.request("POST", folder + "users/", form).status, 302, number)
        self.assertEqual(self.members_of(folder), [])
        for query in ("?p=0", "?p=-1", "?p=99999999999999999999", "?o=x'", "?q=%00", "?q=%25", "?p=100000000"):
            self.page_of(browser, GROUPS + query)
            self.page_of(browser, folder + "users/" + query)

    def test_several_are_deleted(self):
        browser = self.superuser()
        folders = [self.make_group(browser, name) for name in "abc"]
        chosen = [folder.split("/")[-2] for folder in folders[:2]]
        form = self.form(browser, GROUPS, action="delete", chosen=chosen[0])
        body = urllib.parse.urlencode([*form.items(), ("chosen", chosen[1])])
        send = lambda text: browser.service.request(  # pylint: disable=unnecessary-lambda-assignment
            "POST", GROUPS, body=text.encode(), headers={
                "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html",
                "Cookie": "; ".join("%s=%s" % pair for pair in browser.cookies.items())})
        answer = send(body)
        self.assertIn("Delete these groups?", answer.body.decode())
        self.assertEqual(self.project.query("SELECT count(*) FROM auth_group")[0][0], 3)
        self.assertEqual(send(body + "&sure=yes").status, 302)
        self.assertEqual(self.project.query("SELECT name FROM auth_group"), [("c",)])

    def test_the_list_is_searched_and_ordered(self):
        browser = self.superuser()
        for name in ("beta", "alpha", "gamma"):
            self.make_group(browser, name)

        def names(query):
            page = self.page_of(browser, GROUPS + query)
            return [attributes["aria-label"] for tag, attributes in page.tags
                    if tag == "input" and attributes["name"] == "chosen"]
        self.assertEqual(names(""), ["alpha", "beta", "gamma"])
        self.assertEqual(names("?o=-name"), ["gamma", "beta", "alpha"])
        self.assertEqual(names("?q=ET"), ["beta"])


class Picking(GroupsTest):
    def test_permissions_go_between_the_lists(self):
        browser = self.superuser()
        folder = self.make_group(browser)
        path = folder + "change/"
        view, add = self.permission("auth.view_group"), self.permission("auth.add_group")
        page = self.page_of(browser, path)
        self.assertEqual(len(self.boxes(page, "permissions_add")), 32)
        self.assertEqual(self.boxes(page, "permissions_remove"), [])

        def send(**values):
            nonlocal page
            answer = browser.request("POST", path, self.filled(page, **values))
            if answer.status == 200:
                page = type(page)(answer)
                self.assert_as_every_page(page)
            return answer
        send(name="Typed", permissions_filter="AUTH group", _pick="permissions:filter")
        self.assertEqual(len(self.boxes(page, "permissions_add")), 4)
        self.assertEqual(page.fields["name"], "Typed")
        self.assertEqual(page.fields["permissions_filter"], "AUTH group")
        send(_pick="permissions:add", permissions_add=view)
        self.assertEqual(self.boxes(page, "permissions_remove"), [str(view)])
        self.assertNotIn(str(view), self.boxes(page, "permissions_add"))
        send(_pick="permissions:add", permissions_add=add)
        send(_pick="permissions:remove", permissions_remove=view)
        self.assertEqual(self.boxes(page, "permissions_remove"), [str(add)])
        self.assertEqual(page.fields["name"], "Typed")
        # Nothing has been saved by all that.
        self.assertEqual(self.permissions_of(folder), [])
        self.assertEqual(self.project.query("SELECT name FROM auth_group"), [("Editors",)])
        # Enter in the filter is the form's first button, which has no name.
        send(permissions_filter="user")
        self.assertEqual(self.permissions_of(folder), [])
        self.assertEqual(len(self.boxes(page, "permissions_add")), 4)
        self.assertEqual(send(_save="yes").status, 302)
        self.assertEqual(self.permissions_of(folder), ["add_group"])

    def test_enter_in_another_field_saves(self):
        browser = self.superuser()
        folder = self.make_group(browser)
        form = self.form(browser, folder + "change/", name="b")
        self.assertEqual(browser.request("POST", folder + "change/", form).status, 302)
        self.assertEqual(self.project.query("SELECT name FROM auth_group"), [("b",)])

    def test_of_many_some_are_shown(self):
        browser = self.superuser()
        self.project.execute(
            "INSERT INTO auth_permission (content_type_id, codename, name) SELECT t.id, u.c || t.model, u.c "
            "FROM django_content_type t, (%s) AS u" % " UNION ALL ".join(
                "SELECT 'more_%d_' AS c" % n for n in range(15)))
        page = self.page_of(browser, GROUPS + "add/")
        self.assertEqual(len(self.boxes(page, "permissions_add")), 100)
        self.assertIn("(152)", page.text)
        self.assertIn("The first 100 are shown. Filter to see others.", page.text)

    def test_an_error_keeps_what_was_chosen(self):
        browser = self.superuser()
        view = self.permission("auth.view_group")
        form = self.form(browser, GROUPS + "add/", name="", permissions=view)
        page = browser.request("POST", GROUPS + "add/", form)
        self.assertIn('name="permissions" value="%d"' % view, page.body.decode())


class Members(GroupsTest):
    def test_users_come_and_go(self):
        browser = self.superuser()
        path = (folder := self.make_group(browser)) + "users/"
        page = self.page_of(browser, path)
        self.assertEqual(self.boxes(page, "users_add"), ["1", "2", "3", "4"])
        for number in (1, 4):
            answer = browser.request("POST", path + "?q=example", self.filled(page, _pick="users:add",
                                                                             users_add=number))
            self.assertEqual((answer.status, answer.headers["Location"]), (302, path + "?q=example"))
        self.assertEqual(self.members_of(folder), [ALICE, DAVE])
        page = self.page_of(browser, path + "?q=a")
        self.assertEqual(self.boxes(page, "users_remove"), ["1", "4"])
        page = self.page_of(browser, path + "?q=" + ALICE)
        self.assertEqual((self.boxes(page, "users_add"), self.boxes(page, "users_remove")), ([], ["1"]))
        browser.request("POST", path, self.filled(page, _pick="users:remove", users_remove="1"))
        self.assertEqual(self.members_of(folder), [DAVE])
        text = self.page_of(browser, folder + "history/").text
        self.assertIn("Added user “%s”" % ALICE, text)
        self.assertIn("Deleted user “%s”" % ALICE, text)

    def test_it_takes_the_right_to_change_users(self):
        browser = self.admin("auth.change_group", "easyjwt_user.view_user")
        self.project.execute("INSERT INTO auth_group (name) VALUES ('a')")
        path = GROUPS + "%d/users/" % self.project.query("SELECT id FROM auth_group")[0][0]
        page = self.page_of(browser, path)
        self.assertIn(ALICE, page.text)
        self.assertEqual(self.boxes(page, "users_add"), [])
        answer = browser.request("POST", path, {**page.fields, "_pick": "users:add", "users_add": "5"})
        self.assertEqual(answer.status, 403)

    def test_names_full_of_html(self):
        browser = self.superuser()
        self.project.load([user_entry(6, "n@example.com", "nasty-Password-1", first_name=NASTY)])
        self.assertIn(NASTY, self.page_of(browser, self.make_group(browser) + "users/").text)

    def test_of_many_members_a_page_is_shown(self):
        browser = self.superuser()
        folder = self.make_group(browser)
        number = folder.split("/")[-2]
        digits = " UNION ALL ".join("SELECT %d AS n" % n for n in range(10))
        self.project.execute(
            'INSERT INTO "user" (password, is_superuser, is_staff, is_active, date_joined, first_name, last_name, '
            "modified_date, creation_date, email) SELECT '!', false, false, true, '2026-01-01 00:00:00', '', '', "
            "'2026-01-01 00:00:00', '2026-01-01 00:00:00', 'm' || (a.n * 100 + b.n * 10 + c.n) || '@many.example' "
            "FROM (%s) AS a, (%s) AS b, (%s) AS c" % (digits, digits, digits))
        self.project.execute('INSERT INTO user_groups (user_id, group_id) SELECT id, %s FROM "user" '
                             "WHERE email LIKE '%%many.example'" % number)
        page = self.page_of(browser, folder + "users/")
        self.assertEqual(len(self.boxes(page, "users_remove")), 100)
        self.assertEqual(self.boxes(page, "users_add"), ["1", "2", "3", "4"])
        self.assertIn("(1000)", page.text)
        self.assertEqual(len(self.boxes(self.page_of(browser, folder + "users/?p=10"), "users_remove")), 100)
        self.assertEqual(self.boxes(self.page_of(browser, folder + "users/?p=11"), "users_remove"), [])
        page = self.page_of(browser, folder + "users/?q=many.example")
        self.assertIn("1000 were found. The first 200 are shown", page.text)
        self.assertIn("1000 users leave it", self.page_of(browser, folder + "delete/").text)
        self.assertEqual(browser.send(folder + "delete/", sure="yes").status, 302)
        self.assertEqual(self.project.query("SELECT count(*) FROM user_groups")[0][0], 0)


class Giving(GroupsTest):
    """Who may give what: nobody what they do not have."""

    def test_a_permission_that_one_does_not_have(self):
        browser = self.admin(*self.ALL)
        path = GROUPS + "add/"
        page = self.page_of(browser, path)
        own = sorted(str(self.permission(key)) for key in self.ALL)
        self.assertEqual(sorted(self.boxes(page, "permissions_add")), own)
        other = self.permission("easyjwt_user.delete_user")
        answer = browser.request("POST", path, self.filled(page, name="a", permissions=other))
        self.assertIn("You cannot give a permission that you do not have yourself: Can delete user",
                      answer.body.decode())
        self.assertEqual(self.project.query("SELECT count(*) FROM auth_group")[0][0], 0)
        self.make_group(browser, permissions=",".join(own))

    def test_what_is_there_stays(self):
        browser = self.admin(*self.ALL)
        other = self.permission("easyjwt_user.delete_user")
        self.project.execute("INSERT INTO auth_group (name) VALUES ('a')")
        self.project.execute("INSERT INTO auth_group_permissions (group_id, permission_id) SELECT id, %d FROM "
                             "auth_group" % other)
        folder = GROUPS + "%d/" % self.project.query("SELECT id FROM auth_group")[0][0]
        page = self.page_of(browser, folder + "change/")
        self.assertEqual(self.boxes(page, "permissions_remove"), [str(other)])
        form = self.filled(page, name="b")
        self.assertEqual(browser.request("POST", folder + "change/", form).status, 302)
        self.assertEqual(self.permissions_of(folder), ["delete_user"])
        # Taken away it does not come back.
        form = self.form(browser, folder + "change/", permissions="")
        self.assertEqual(browser.request("POST", folder + "change/", form).status, 302)
        form = self.form(browser, folder + "change/", permissions=other)
        self.assertEqual(browser.request("POST", folder + "change/", form).status, 200)
        self.assertEqual(self.permissions_of(folder), [])

    def test_a_group_with_more_than_one_has(self):
        browser = self.admin(*self.ALL, "easyjwt_user.change_user")
        self.project.execute("INSERT INTO auth_group (name) VALUES ('a')")
        folder = GROUPS + "%d/" % self.project.query("SELECT id FROM auth_group")[0][0]
        form = self.form(browser, folder + "users/", _pick="users:add", users_add="5")
        self.assertEqual(browser.request("POST", folder + "users/", form).status, 302)
        self.project.execute("DELETE FROM user_groups")
        self.project.execute("INSERT INTO auth_group_permissions (group_id, permission_id) SELECT id, %d FROM "
                             "auth_group" % self.permission("easyjwt_user.delete_user"))
        answer = browser.request("POST", folder + "users/", form)
        self.assertIn("You cannot add users to a group with a permission that you do not have yourself",
                      answer.body.decode())
        self.assertEqual(self.members_of(folder), [])

    def test_a_group_can_be_managed_on_a_client_service(self):
        browser = self.client()
        self.client_project.load([user_entry(50, "own@example.com", "own-Password-1", is_staff=True,
                                             is_superuser=True)])
        browser.log_in("own@example.com", "own-Password-1")
        self.project = self.client_project
        folder = self.make_group(browser)
        form = self.form(browser, folder + "users/", _pick="users:add", users_add="50")
        self.assertEqual(browser.request("POST", folder + "users/", form).status, 302)
        self.assertEqual(self.members_of(folder), ["own@example.com"])


if __name__ == "__main__":
    unittest.main()
