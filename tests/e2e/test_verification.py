"""EMAIL_VERIFICATION: whoever adds an account can log in once its e-mail has been shown to reach them."""

import unittest
import urllib.parse

import support
from support import ALICE, PASSWORDS
from test_password_reset import NEW_PASSWORD, ResetTest
from test_pages import Browser

NEW = "frank@example.com"
PASSWORD = "fr4nk-Finds-fossils"
DONE = "/accounts/verify/done/"
DEAD = "can no longer be used"
WRONG = "This is not the password that the account was made with."


class Verification(ResetTest):
    settings = {"EMAIL_VERIFICATION": True}

    def add(self, browser, address=NEW, password=PASSWORD, **headers):
        browser.service.secrets.add(password)
        answer = browser.service.post("/auth/create-user/", {"email": address, "password": password},
                                      headers=headers)
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def path(self, browser, address=NEW):
        return urllib.parse.urlsplit(self.link(self.mail(address))).path

    def can_log_in(self, browser, password=PASSWORD):
        browser.service.secrets.add(password)
        answer = browser.service.post("/auth/token/", {"email": NEW, "password": password})
        page = Browser(browser.service).log_in(NEW, password)
        self.assertEqual((answer.status, page.status), (200, 302) if answer.status == 200 else (401, 200))
        return answer.status == 200

    def test_the_whole_way(self):
        browser = self.auth()
        self.assertEqual(self.add(browser), {"id": 5, "email": NEW, "first_name": "", "last_name": "", "phone": None})
        self.assertFalse(self.can_log_in(browser))
        mail = self.mail(NEW)
        self.assertEqual(mail["Subject"], "Your new account at " + "%s:%d" % browser.service.address)
        path = self.path(browser)
        page = browser.page(path)
        self.assertEqual(page.status, 200)
        self.assert_as_every_page(page)
        self.assertIn(NEW, page.text)
        self.assertFalse(self.can_log_in(browser))  # to open it is not enough: mail scanners do
        answer = browser.send(path, password=PASSWORD)
        self.assertEqual((answer.status, answer.headers["Location"]), (302, DONE))
        self.assert_as_every_page(browser.page(DONE))
        self.assertTrue(self.can_log_in(browser))
        self.log_has(browser.service, "an e-mail address was confirmed")
        page = browser.page(path)
        self.assertIn(DEAD, page.text)
        self.assert_as_every_page(page)

    def test_who_has_the_address_alone_lets_nobody_in(self):
        browser = self.auth()
        self.add(browser)  # by somebody else, in the name of the address's owner
        path = self.path(browser)
        for guess in ("", "something", PASSWORD + "x"):
            answer = browser.send(path, password=guess)
            self.assertEqual(answer.status, 200)
            self.assertIn(WRONG if guess else "This field is required.", answer.body.decode())
        self.assertFalse(self.can_log_in(browser))

    def test_a_new_password_by_mail_confirms_it_too(self):
        browser = self.auth()
        self.add(browser)
        self.ask(browser, NEW)
        self.assertTrue(support.eventually(lambda: len(self.mails()) == 2))
        reset, = [mail for mail in self.mails() if mail["Subject"].startswith("A new password")]
        form = self.open(browser, urllib.parse.urlsplit(self.link(reset)).path)
        self.assertEqual(self.choose(browser, form).status, 302)
        self.assertTrue(self.can_log_in(browser, NEW_PASSWORD))
        self.assertFalse(self.can_log_in(browser))
        verify, = [mail for mail in self.mails() if mail["Subject"].startswith("Your new account")]
        self.assertIn(DEAD, browser.page(urllib.parse.urlsplit(self.link(verify)).path).text)

    def test_what_ends_a_link(self):
        browser = self.auth({"EMAIL_VERIFICATION_TIMEOUT": 3})
        self.add(browser)
        path = self.path(browser)
        uid, token = path.split("/")[-3:-1]
        for other in ("/accounts/verify/%s/%s/" % (uid, token[:-1] + ("A" if token[-1] != "A" else "B")),
                      "/accounts/verify/%s/%s/" % ("MQ", token), "/accounts/verify/%%00/%s/" % token,
                      # What a mail of one kind proves is of no use as the other.
                      "/accounts/reset/%s/%s/" % (uid, token)):
            self.assertIn(DEAD, browser.page(other).text)
        self.project.query("UPDATE \"user\" SET is_active = %s WHERE email = '%s'" % (
            "false" if support.ENGINE == "postgresql" else "0", NEW))
        self.assertIn(DEAD, browser.page(path).text)
        self.project.query("UPDATE \"user\" SET is_active = %s WHERE email = '%s'" % (
            "true" if support.ENGINE == "postgresql" else "1", NEW))
        self.assertTrue(support.eventually(lambda: DEAD in browser.page(path).text), "it is too old")
        self.assertEqual(browser.send("/auth/login/", username=NEW, password=PASSWORD).status, 200)

    def test_other_sites_confirm_nothing(self):
        browser = self.auth()
        self.add(browser)
        path = self.path(browser)
        answer = browser.request("POST", path, {"password": PASSWORD})
        self.assertEqual(answer.status, 403)
        self.assertFalse(self.can_log_in(browser))

    def test_in_the_language_of_who_added_it(self):
        browser = self.auth()
        self.add(browser, **{"Accept-Language": "de"})
        self.assertEqual(self.mail(NEW)["Subject"], "Ihr neues Konto bei " + "%s:%d" % browser.service.address)

    def test_accounts_that_were_there_before_are_let_in(self):
        browser = self.auth()
        self.assertEqual(browser.log_in(ALICE, PASSWORDS[ALICE]).status, 302)

    def test_commands_make_accounts_that_are_verified(self):
        browser = self.auth()
        self.project.do("createsuperuser", "--email", NEW, "--noinput",
                        env={"EASYJWT_SUPERUSER_PASSWORD": PASSWORD})
        self.assertTrue(self.can_log_in(browser))


class Settings(ResetTest):
    def test_without_the_setting_there_is_no_mail(self):
        browser = self.auth()
        browser.service.secrets.add(PASSWORD)
        self.assertEqual(browser.service.post("/auth/create-user/", {"email": NEW, "password": PASSWORD}).status, 201)
        self.assertEqual(browser.log_in(NEW, PASSWORD).status, 302)
        self.assertEqual(self.mails(), [])

    def test_scrypt_has_no_room(self):
        project = self.project_of()
        project.change({"EMAIL_VERIFICATION": True, "PASSWORD_HASHERS": ["scrypt"]})
        finished = project.run("check")
        self.assertEqual(finished.code, 1)
        self.assertIn("EMAIL_VERIFICATION: is not to be had with scrypt", finished.err)


if __name__ == "__main__":
    unittest.main()
