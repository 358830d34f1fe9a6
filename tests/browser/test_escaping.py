"""Names that are full of HTML and of templates are shown as what they are: no element, no script, no template comes
of them. The pages' policy, which would hold up what slips through, is off."""

import json
import unittest
import urllib.parse

import browser  # noqa: F401  pylint: disable=unused-import  # It says where support is.
from support import CAROL, PASSWORDS, eventually, user_entry, usual_users
from test_looks import PAGES, Sites, group

NASTY = """"'><img src=x onerror="document.title='run'"><script>document.title='run'</script>{{{csrf_field}}}{{#t}}"""
EMAIL = NASTY + "@example.com"

# What such a name would have added, and all that the page says, in its text and its fields.
INJECTED = "return document.querySelectorAll('script, [onerror], [src=x]').length"
SAID = """
return [document.title, document.body.textContent, ...[...document.querySelectorAll("input, textarea")].map(
  element => element.value)].join("\\n");
"""


def nasty_user(pk, email, **fields):
    return user_entry(pk, email, PASSWORDS[CAROL], first_name=NASTY, last_name=NASTY, groups=[1], **fields)


def entries():
    return [group(1, NASTY), *usual_users(), nasty_user(5, EMAIL, is_staff=True, is_superuser=True),
            nasty_user(10, "x" + EMAIL)]


# What of it must stand on a page beside who is logged in.
SHOWN = {"profile": [NASTY + " " + NASTY], "admin": ["Changed: " + NASTY], "admin_log": ["Changed: " + NASTY],
         "admin_users": ["x" + EMAIL], "admin_user": ["x" + EMAIL, NASTY], "admin_user_delete": ["x" + EMAIL],
         "admin_user_history": ["Changed: " + NASTY, "x" + EMAIL], "admin_groups": [NASTY],
         "admin_group": ["“%s”" % NASTY], "admin_group_users": ["(%s %s)" % (NASTY, NASTY), "“%s”" % NASTY],
         "admin_group_delete": ["“%s”" % NASTY], "admin_group_history": ["Changed: " + NASTY]}


class Escaping(Sites):
    entries = staticmethod(entries)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.auth.post("/auth/token/", {"email": "x" + EMAIL, "password": "wrong"}, headers={"User-Agent": NASTY})
        text = NASTY.replace("'", "''")
        for model, pk in (("user", 10), ("group", 1)):
            cls.project.execute(
                "INSERT INTO django_admin_log (action_time, user_id, content_type_id, object_id, object_repr, "
                "action_flag, change_message) SELECT '2026-01-02 03:04:05', 5, id, '%d', '%s', 2, '%s' "
                "FROM django_content_type WHERE model = '%s'"
                % (pk, text, json.dumps([{"changed": {"fields": [text]}}]), model))

    def setUp(self):
        self.chromium.get("about:blank")
        self.chromium.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})

    def assert_said(self, *texts):
        self.assertEqual(self.chromium.execute_script(INJECTED), 0)
        self.assertNotEqual(self.chromium.title, "run")
        said = self.chromium.execute_script(SAID)
        for text in texts:
            self.assertIn(text, said)

    def test_what_would_run_runs_here(self):
        """Or the other tests would show nothing."""
        self.chromium.open(self.auth, "/auth/login/")
        self.chromium.execute_script("document.body.insertAdjacentHTML('beforeend', arguments[0])", NASTY)
        self.assertGreater(self.chromium.execute_script(INJECTED), 0)
        self.assertTrue(eventually(lambda: self.chromium.title == "run"))

    def test_what_strangers_say(self):
        self.chromium.open(self.auth, "/auth/login/?next=/" + urllib.parse.quote(NASTY))
        self.assert_said()
        self.chromium.fill(username=EMAIL, password="wrong")
        self.chromium.press("Log in")
        self.assert_said(EMAIL)
        self.chromium.open(self.auth, "/accounts/password_reset/")
        self.chromium.fill(email=NASTY)
        self.chromium.press("Send me a link")
        self.assert_said(NASTY)
        self.chromium.open(self.auth, "/accounts/" + urllib.parse.quote(NASTY))
        self.assert_said()

    def test_who_is_logged_in(self):
        for page in PAGES:
            if page.who != CAROL or page.then:
                continue
            with self.subTest(page.name):
                service = getattr(self, page.where)
                self.enter(service, EMAIL, PASSWORDS[CAROL], agent=NASTY)
                self.chromium.open(service, page.path)
                self.assertEqual(self.chromium.answer()[0], page.status)
                self.assert_said(EMAIL, *SHOWN.get(page.name, ()))


if __name__ == "__main__":
    unittest.main()
