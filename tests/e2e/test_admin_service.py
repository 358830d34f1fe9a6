"""The pages of the service itself: how it is, its settings without their secrets, the keys that it signs with."""

import unittest
import urllib.parse

import support
from support import CAROL, ENGINE, PASSWORDS, SECRET_KEY, SIGNING_KEY, user_entry
from test_admin import AdminTest
from test_client_service import BASE as CLIENT
from test_client_service import url_of
from test_pages import Browser

SERVICE = "/admin/service/"
KEYS = "/admin/keys/"
FALLBACK = "an-older-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz"
MAIL_PASSWORD = "the-mail-servers-p4ssword"


class SecretsTest(AdminTest):
    SECRETS = [SECRET_KEY, SIGNING_KEY, FALLBACK, MAIL_PASSWORD, *PASSWORDS.values()]

    def assert_no_secret(self, browser, path):
        page = self.page_of(browser, path)
        body = browser.get(path).body.decode()
        for secret in self.SECRETS:
            for form in (secret, urllib.parse.quote(secret), secret[:12], secret[-12:]):
                self.assertNotIn(form, body)
        return page


class ServicePages(SecretsTest):
    def test_superusers_alone(self):
        browser = self.admin(*["%s.%s_%s" % (app, verb, model) for app, model in
                               (("easyjwt_user", "user"), ("auth", "group"), ("admin", "logentry"),
                                ("token_blacklist", "outstandingtoken"))
                               for verb in ("view", "add", "change", "delete")])
        for path in (SERVICE, KEYS):
            self.page_of(browser, path, status=403)
            self.assertNotIn(path, self.links(self.page_of(browser, "/admin/")))
        for path in (SERVICE, KEYS):
            self.assertEqual(self.auth().get(path).status, 302)

    def test_nothing_is_changed_there(self):
        browser = self.superuser()
        for path in (SERVICE, KEYS):
            self.assertIn(path, self.links(self.page_of(browser, "/admin/")))
            token = browser.page("/accounts/password_change/").fields["csrfmiddlewaretoken"]
            self.assertEqual(browser.request("POST", path, {"csrfmiddlewaretoken": token}).status, 405)

    def test_what_it_is(self):
        browser = self.superuser()
        text = self.page_of(browser, SERVICE).text
        version = self.project.do("--version").out.strip()
        for words in (version, "auth-service", str(self.project.config), "0001_django", "Memory",
                      "PostgreSQL" if ENGINE == "postgresql" else "SQLite"):
            self.assertIn(words, text)
        self.assertNotIn("lacks migrations", text)

    def test_its_settings_without_their_secrets(self):
        browser = self.superuser({"SECRET_KEY_FALLBACKS": [FALLBACK], "EMAIL_HOST": "mail.example.com",
                                  "EMAIL_HOST_USER": "mailer", "EMAIL_HOST_PASSWORD": MAIL_PASSWORD,
                                  "EMAIL_USE_TLS": True})
        page = self.assert_no_secret(browser, SERVICE)
        self.assertIn("••••••", page.text)
        for words in ("SECRET_KEY", "EASY_JWT.SIGNING_KEY", "ACCESS_TOKEN_LIFETIME", "easyjwt.toml:", "default"):
            self.assertIn(words, page.text)
        self.assertNotIn("REMOTE_AUTH_SERVICE_URL", page.text)
        self.assertIn("(easyjwt.W015) ", page.text)

    def test_migrations_that_are_missing(self):
        browser = self.superuser()
        self.project.execute('DROP TABLE "easyjwt_client"')
        text = self.page_of(browser, SERVICE).text
        self.assertIn("The database lacks migrations", text)
        self.assertIn("not applied", text)

    def test_keys(self):
        browser = self.superuser()
        text = self.page_of(browser, KEYS).text
        self.assertIn("of the settings", text)
        self.assertIn("KEY_ROTATION_INTERVAL is not set", text)
        kid = self.project.do("keys", "rotate", "--algorithm", "ES256").out.strip()
        page = self.assert_no_secret(browser, KEYS)
        self.assertIn(kid, page.text)
        self.assertIn("ES256", page.text)
        self.assertIn("published", page.text)
        sealed = self.project.query("SELECT sealed FROM easyjwt_key WHERE kid <> ''")[0][0]
        self.assertNotIn(str(sealed)[:12], browser.get(KEYS).body.decode())

    def test_keys_that_come_by_themselves(self):
        text = self.page_of(self.superuser({"EASY_JWT": {"KEY_ROTATION_INTERVAL": "30d"}}), KEYS).text
        self.assertIn("this long after the last one: 30 d 00:00:00", text)


class Databases(SecretsTest):
    """The address of a database has its password in one of several places."""

    def test_its_password_is_hidden(self):
        self.project = self.project_of()
        database = self.project.postgresql
        password = database.server.password
        parts = urllib.parse.urlsplit(database.url)
        host = "%s:%d" % (parts.hostname, parts.port)
        for url in (database.url,
                    "postgresql://%s@%s/%s?password=%s" % (parts.username, host, database.name, password),
                    "postgresql://%s/%s?user=%s&password=%s" % (host, database.name, parts.username, password)):
            self.project.change({"DATABASE": {"URL": url, "LISTEN_URL": database.url}})
            browser = Browser(self.project.start())
            browser.log_in(CAROL)
            body = browser.get(SERVICE).body.decode()
            self.assertNotIn(password, body)
            self.assertIn(host + "/" + database.name, body)


class ClientService(SecretsTest):
    def test_its_settings_without_their_secrets(self):
        auth = self.project_of({"EASY_JWT": {"SESSION_CLAIM": "sid"}})
        words = auth.do("clients", "add", "orders", "--scope", "feed").out.split()
        auth_service = auth.start()
        self.project = support.Project(self.addCleanup, {**CLIENT, "SECRET_KEY_FALLBACKS": [FALLBACK], "EASY_JWT": {
            "REMOTE_AUTH_SERVICE_URL": url_of(auth_service), "VERIFY_MODE": "local", "SIGNING_KEY": SIGNING_KEY,
            "SESSION_CLAIM": "sid", "FEED_CLIENT_ID": words[1], "FEED_CLIENT_SECRET": words[3]}},
            [user_entry(50, "own@example.com", "own-Password-1", is_staff=True, is_superuser=True)], base={})
        self.SECRETS = [*self.SECRETS, words[3]]
        browser = Browser(self.project.start())
        browser.log_in("own@example.com", "own-Password-1")
        page = self.assert_no_secret(browser, SERVICE)
        for words in ("client-service", "FEED_CLIENT_SECRET", "REMOTE_AUTH_SERVICE_URL", url_of(auth_service)):
            self.assertIn(words, page.text)
        self.assertNotIn("Outstanding tokens", page.text)
        self.page_of(browser, KEYS, status=404)
        self.assertNotIn(KEYS, self.links(self.page_of(browser, "/admin/")))


if __name__ == "__main__":
    unittest.main()
