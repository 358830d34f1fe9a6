"""The admin site as staff with a browser without scripts have it: who may see what, and what is around each
page. What its pages do is in the modules test_admin_*."""

import unittest

from support import CAROL, DAVE, PASSWORDS, user_entry
from test_pages import PagesTest

ADMIN = "/admin/"


class AdminTest(PagesTest):
    """Services with a member of staff, who has no permissions unless they are given."""

    STAFF, STAFF_PASSWORD = "erin@example.com", "3rin-Edits-everything"

    def admin(self, *permissions, settings=None):
        """A browser of staff with these permissions: "easyjwt_user.view_user"."""
        browser = self.auth(settings)
        self.project.load([user_entry(
            5, self.STAFF, self.STAFF_PASSWORD, is_staff=True,
            user_permissions=[[codename, *self.content_type(app, codename)]
                              for app, codename in (name.split(".") for name in permissions)])])
        self.assertEqual(browser.log_in(self.STAFF, self.STAFF_PASSWORD).status, 302)
        return browser

    @staticmethod
    def content_type(app, codename):
        return app, codename.split("_", 1)[1]

    def superuser(self, settings=None):
        browser = self.auth(settings)
        self.assertEqual(browser.log_in(CAROL).status, 302)
        return browser

    def page_of(self, browser, path, status=200):
        """The page at `path`, which is as every page is."""
        page = browser.page(path)
        self.assertEqual(page.status, status, page.text)
        self.assert_as_every_page(page)
        return page

    def links(self, page):
        return [attributes["href"] for tag, attributes in page.tags if tag == "a"]


class Site(AdminTest):
    def test_strangers_are_sent_to_the_login_and_back(self):
        browser = self.auth()
        answer = browser.get(ADMIN + "log/?p=2")
        self.assertEqual((answer.status, answer.headers["Location"]),
                         (302, "/auth/login/?next=/admin/log/%3Fp%3D2"))
        page = browser.page(answer.headers["Location"])
        answer = browser.request("POST", "/auth/login/", {**page.fields, "username": CAROL,
                                                          "password": PASSWORDS[CAROL]})
        self.assertEqual(answer.headers["Location"], "/admin/log/?p=2")

    def test_who_is_not_staff_is_refused(self):
        browser = self.auth()
        browser.log_in(DAVE)
        for path in (ADMIN, ADMIN + "log/"):
            page = self.page_of(browser, path, status=403)
            self.assertIn("You are logged in as %s, who may not see this page." % DAVE, page.text)

    def test_a_superuser_sees_all(self):
        page = self.page_of(self.superuser(), ADMIN)
        for path in ("easyjwt_user/user/", "auth/group/", "token_blacklist/outstandingtoken/",
                     "token_blacklist/blacklistedtoken/", "easyjwt_user/user/add/", "log/"):
            self.assertIn(ADMIN + path, self.links(page))

    def test_others_see_what_they_may(self):
        page = self.page_of(self.admin("easyjwt_user.change_user", "auth.view_group"), ADMIN)
        links = self.links(page)
        self.assertIn(ADMIN + "easyjwt_user/user/", links)  # whoever may change may see
        self.assertIn(ADMIN + "auth/group/", links)
        for path in ("easyjwt_user/user/add/", "auth/group/add/", "log/",
                     "token_blacklist/outstandingtoken/"):
            self.assertNotIn(ADMIN + path, links)

    def test_the_log_needs_its_permission(self):
        self.page_of(self.admin("easyjwt_user.view_user"), ADMIN + "log/", status=403)

    def test_it_is_there_where_it_is_installed(self):
        browser = self.auth({"INSTALLED_APPS": ["easyjwt_auth", "easyjwt_user"]})
        browser.log_in(CAROL)
        self.assertEqual(browser.get(ADMIN).status, 404)

    def test_a_client_service_has_no_tokens(self):
        browser = self.client()
        self.client_project.load([user_entry(50, "own@example.com", "own-Password-1", is_staff=True,
                                             is_superuser=True)])
        browser.log_in("own@example.com", "own-Password-1")
        links = self.links(self.page_of(browser, ADMIN))
        self.assertIn(ADMIN + "easyjwt_user/user/", links)
        self.assertNotIn(ADMIN + "token_blacklist/outstandingtoken/", links)

    def test_what_was_done_is_there_and_escaped(self):
        browser = self.superuser()
        self.project.execute(
            "INSERT INTO django_admin_log (action_time, user_id, content_type_id, object_id, object_repr, "
            "action_flag, change_message) SELECT '2026-01-02 03:04:05', 3, id, '1', '<b>{{x}}</b>', 2, "
            "'[{\"changed\": {\"fields\": [\"First <i>name\"]}}]' FROM django_content_type WHERE model = 'user'")
        for path in (ADMIN, ADMIN + "log/"):
            page = self.page_of(browser, path)
            self.assertIn("Changed: First <i>name", page.text)
            self.assertIn("<b>{{x}}</b>", page.text)
            self.assertIn("2026-01-02 03:04:05", page.text)
            self.assertIn(ADMIN + "easyjwt_user/user/1/change/", self.links(page))

    def test_a_note_that_is_not_ours_is_not_shown(self):
        browser = self.superuser()
        for note in ("WyJIZWxsbyJd", "WyJIZWxsbyJd.", "WyJIZWxsbyJd." + "A" * 43, ".", "%"):
            browser.cookies["easyjwt_note"] = note
            self.assertNotIn("Hello", self.page_of(browser, ADMIN).text)


if __name__ == "__main__":
    unittest.main()
