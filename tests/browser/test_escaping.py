"""Names that are full of HTML and of templates are shown as what they are: no element, no script, no template comes
of them. The pages' policy, which would hold up what slips through, is off."""

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


def entries():
    return [group(1, NASTY), *usual_users(),
            user_entry(5, EMAIL, PASSWORDS[CAROL], is_staff=True, is_superuser=True, first_name=NASTY, last_name=NASTY,
                       groups=[1])]


class Escaping(Sites):
    entries = staticmethod(entries)

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
                self.assert_said(EMAIL)
                if page.path == "/accounts/profile/":
                    self.assert_said(NASTY + " " + NASTY)


if __name__ == "__main__":
    unittest.main()
