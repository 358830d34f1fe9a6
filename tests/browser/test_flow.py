"""What people do at a browser, from the login to the logout, with scripts and without."""

import unittest

from browser import Chromium
import support
from support import ALICE, CAROL, PASSWORDS
from test_client_service import BASE as CLIENT, url_of
from test_pages import NEW_PASSWORD, WRONG
from test_password_reset import DEAD, SENT, ResetTest

NINA = "nina@example.com"
EDITORS = ("auth | group | Can change group", "auth | group | Can view group")


class FlowTest(ResetTest):
    def begin(self, scripts):
        self.project = support.Project(self.addCleanup, None, support.usual_users())
        self.auth = self.project.start()
        self.client_project = support.Project(
            self.addCleanup, {**CLIENT, "AUTHENTICATION_BACKENDS": ["ModelBackend", "RemoteAuthBackend"],
                              "EASY_JWT": {"REMOTE_AUTH_SERVICE_URL": url_of(self.auth)}}, base={})
        self.client = self.client_project.start()
        self.chromium = Chromium(self.addCleanup, scripts)
        self.chromium.get("data:text/html,<script>document.title='run'</script>")
        self.assertEqual(self.chromium.title, "run" if scripts else "")

    def log_in(self, service, email=ALICE, password=None, path="/auth/login/"):
        password = password or PASSWORDS[email]
        service.secrets.add(password)
        self.chromium.open(service, path)
        self.chromium.fill(username=email, password=password)
        self.chromium.press("Log in")


class Flow(FlowTest):
    def test_a_session_of_the_auth_services(self):
        self.session(scripts=True)

    def test_a_session_of_the_auth_services_without_scripts(self):
        self.session(scripts=False)

    def session(self, scripts):
        """With the auth-service's credentials at the client-service, and the password changed there."""
        self.begin(scripts)
        chromium = self.chromium
        self.log_in(self.client, ALICE, "wrong-Password-1")
        self.assertIn(WRONG, chromium.text())
        self.log_in(self.client, path="/auth/password-change/")
        self.assertEqual(chromium.heading(), "Password change")
        self.client.secrets.add(NEW_PASSWORD)
        chromium.fill(old_password=PASSWORDS[ALICE], new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
        chromium.press("Change my password")
        self.assertIn("was changed", chromium.text())
        chromium.press("Log out")
        self.assertIn("logged out", chromium.text())
        chromium.open(self.client, "/accounts/profile/")
        self.assertEqual(chromium.heading(), "Log in")
        self.log_in(self.client, ALICE, NEW_PASSWORD, "/accounts/profile/")
        self.assertIn(ALICE, chromium.text())
        self.auth.login(ALICE, NEW_PASSWORD)

    def test_a_password_of_a_mail(self):
        self.reset(scripts=True)

    def test_a_password_of_a_mail_without_scripts(self):
        self.reset(scripts=False)

    def reset(self, scripts):
        self.begin(scripts)
        chromium = self.chromium
        chromium.open(self.client, "/auth/login/")
        chromium.press("Forgotten your password?")
        chromium.fill(email=ALICE)
        chromium.press("Send me a link")
        self.assertIn(SENT, chromium.text())
        link = self.link(self.mail(), self.auth)
        chromium.get(link)
        self.auth.secrets.add(NEW_PASSWORD)
        chromium.fill(new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
        # Neither the address nor what is sent to other pages tells the link.
        self.assertNotIn(link.split("/")[-2], chromium.current_url)
        chromium.press("Change my password")
        self.assertIn("is set", chromium.text())
        self.log_in(self.client, ALICE, NEW_PASSWORD)
        self.assertIn(ALICE, chromium.text())
        chromium.get(link)
        self.assertIn(DEAD, chromium.text())

    def test_administering(self):
        self.administer(scripts=True)

    def test_administering_without_scripts(self):
        self.administer(scripts=False)

    def administer(self, scripts):
        """On the client-service, as somebody of the auth-service's who has been made staff here."""
        self.begin(scripts)
        chromium = self.chromium
        self.log_in(self.client, CAROL)
        chromium.open(self.client, "/admin/")
        self.assertIn("who may not see this page", chromium.text())
        self.client_project.execute('UPDATE "user" SET is_staff = true, is_superuser = true')

        chromium.open(self.client, "/admin/")
        chromium.press("Add a user")
        self.client.secrets.add(NEW_PASSWORD)
        chromium.fill(email=NINA, password1=NEW_PASSWORD, password2=NEW_PASSWORD)
        chromium.press("Add")
        self.assertIn("The user %s was added." % NINA, chromium.text())
        chromium.fill(first_name="Nina", last_name="Neu", is_staff=True)
        chromium.press("Save")
        self.assertIn(NINA + " was changed.", chromium.text())
        self.search_for("Neu", NINA, CAROL)
        chromium.press(NINA)
        chromium.fill(last_name="Neumann")
        chromium.press("Save")
        self.search_for("mann", NINA, CAROL)
        self.search_for("nobody", "Nothing was found.", NINA)

        chromium.press("Groups", within="header")
        chromium.press("Add a group")
        chromium.fill(name="Editors", permissions_filter="group")
        chromium.press("Filter")
        for permission in EDITORS:
            chromium.field(permission).click()
        chromium.press("Add the chosen")
        self.assertEqual(chromium.find_element("name", "name").get_attribute("value"), "Editors")
        chromium.press("Save")
        self.assertIn("The group “Editors” was added.", chromium.text())
        chromium.press("Users of the group")
        chromium.field("%s (Nina Neumann)" % NINA).click()
        chromium.press("Add the chosen")
        self.assertIn("The users were added to the group.", chromium.text())
        chromium.press("Log out")

        # She may what the group may, and no more.
        self.log_in(self.client, NINA, NEW_PASSWORD, "/admin/")
        links = [element.text for element in chromium.find_elements("css selector", ".models a")]
        self.assertEqual(links, ["Groups"])
        chromium.press("Groups", within="main")
        chromium.press("Editors")
        self.assertEqual(chromium.find_element("name", "name").get_attribute("value"), "Editors")

    def test_blacklisting(self):
        self.blacklist(scripts=True)

    def test_blacklisting_without_scripts(self):
        self.blacklist(scripts=False)

    def blacklist(self, scripts):
        self.begin(scripts)
        chromium = self.chromium
        tokens, others = self.client.login(), self.client.login(CAROL)
        self.log_in(self.auth, CAROL, path="/admin/")
        chromium.press("Outstanding tokens", within="header")
        self.search_for(ALICE, ALICE, CAROL)
        chromium.press(support.claims_of(tokens["refresh"])["jti"])
        chromium.press("Blacklist")
        self.assertEqual(chromium.heading(), "Are you sure?")
        chromium.press("Yes, blacklist")
        self.assertIn("The token was blacklisted.", chromium.text())
        answer = self.client.post("/auth/token/refresh/", {"refresh": tokens["refresh"]})
        self.assertEqual((answer.status, answer.json["detail"]), (401, "Token is blacklisted"))
        self.assertEqual(self.client.post("/auth/token/refresh/", {"refresh": others["refresh"]}).status, 200)
        chromium.press("Blacklisted tokens", within="header")
        self.assertIn(ALICE, chromium.text())
        chromium.press("Log out")
        self.assertIn("logged out", chromium.text())

    def search_for(self, words, found, hidden):
        self.chromium.fill(q=words)
        self.chromium.press("Search")
        main = self.chromium.find_element("css selector", "main").text
        self.assertIn(found, main)
        self.assertNotIn(hidden, main)


if __name__ == "__main__":
    unittest.main()
