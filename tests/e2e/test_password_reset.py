"""A new password by a link in a mail: the whole way, what ends a link, what a stranger learns, and mails over SMTP."""

import email
import email.policy
import pathlib
import re
import socket
import stat
import tempfile
import unittest
import urllib.parse

import support
from smtp_server import SmtpServer, certificate
from support import ALICE, BOB, CAROL, DAVE, PASSWORDS, elapsed, eventually
from test_pages import NEW_PASSWORD, Browser, Page, PagesTest

PATH = "/accounts/password_reset/"
SENT = "is on its way to it"
DEAD = "can no longer be used"


class ResetTest(PagesTest):
    def ask(self, browser, address=ALICE, **headers):
        answer = browser.request("POST", PATH, {**browser.page(PATH).fields, "email": address}, **headers)
        self.assertEqual((answer.status, answer.headers["Location"]), (302, PATH + "done/"), answer)
        return answer

    def mails(self):
        """Those in the folder, in the order of their names."""
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                for path in sorted((self.project.path / "mail").glob("*.eml"))]

    def mail(self, to=ALICE):
        """The only one to that address, once it is there."""
        def found():
            return [mail for mail in self.mails() if mail["To"] == to]
        self.assertTrue(eventually(found), "no mail")
        mails = found()
        self.assertEqual(len(mails), 1)
        return mails[0]

    def link(self, mail, service=None):
        link, = re.findall(r"https?://\S+", mail.get_body(("plain",)).get_content())
        self.assertIn('href="%s"' % link, mail.get_body(("html",)).get_content())
        if service is not None:
            # No log may tell what is as good as a password.
            service.secrets.add(link.split("/")[-2])
        return link

    def path_in_mail(self, browser, address=ALICE):
        self.ask(browser, address)
        return urllib.parse.urlsplit(self.link(self.mail(address), browser.service)).path

    def open(self, browser, path):
        """The path of the form that a link leads to."""
        answer = browser.get(path)
        self.assertEqual(answer.status, 302, answer)
        return answer.headers["Location"]

    def choose(self, browser, form, new=NEW_PASSWORD, again=None):
        browser.service.secrets.add(new)
        return browser.send(form, new_password1=new, new_password2=new if again is None else again)

    def assert_dead(self, browser, path):
        page = browser.page(path)
        self.assertEqual(page.status, 200)
        self.assertIn(DEAD, page.text)
        self.assertNotIn("new_password1", page.fields)

    def log_has(self, service, words):
        self.assertTrue(eventually(lambda: words in service.log()), service.log())


class Reset(ResetTest):
    settings = {"EASY_JWT": {"SESSION_CLAIM": "sid"}, "DEFAULT_FROM_EMAIL": "The door <door@example.com>"}

    def test_the_whole_way(self):
        browser = self.auth()
        elsewhere = Browser(browser.service)
        elsewhere.log_in()
        tokens = browser.service.login()
        self.assertIn(("a", {"href": PATH}), browser.page("/auth/login/").tags)
        self.ask(browser)
        self.assertIn(SENT, browser.page(PATH + "done/").text)
        mail = self.mail()
        self.assertEqual((mail["From"].addresses[0].display_name, mail["From"].addresses[0].addr_spec),
                         ("The door", "door@example.com"))
        self.assertEqual(mail["Subject"], "A new password at %s:%d" % browser.service.address)
        self.assertIn("within 1 hour", mail.get_body(("plain",)).get_content())
        file, = (self.project.path / "mail").iterdir()
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        link = self.link(mail, browser.service)
        self.assertTrue(link.startswith("http://%s:%d/accounts/reset/MQ/" % browser.service.address), link)

        # The token goes into a cookie; what is shown in the end has none in its path.
        path = urllib.parse.urlsplit(link).path
        answer = browser.get(path)
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/accounts/reset/MQ/set-password/"))
        self.assertEqual((answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]),
                         ("no-store", "same-origin"))
        cookie = answer.headers["Set-Cookie"]
        for attribute in ("HttpOnly", "SameSite=Lax", "Path=/accounts/reset/", "Max-Age=3600"):
            self.assertIn(attribute, cookie)
        form = answer.headers["Location"]
        for new, again, words in (("short", None, "This password is too short."),
                                  (NEW_PASSWORD, "another", "The two password fields didn’t match."),
                                  ("alice@example.com", None, "too similar to the email address"),
                                  ("", None, "This field is required.")):
            with self.subTest(words):
                page = Page(browser.send(form, new_password1=new, new_password2=new if again is None else again))
                self.assertEqual(page.status, 200)
                self.assertIn(words, page.text)
        answer = self.choose(browser, form)
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/accounts/reset/done/"))
        self.assertNotIn("password_reset", browser.cookies)
        self.assertIn("is set", browser.page("/accounts/reset/done/").text)

        # Who was in is out; the new password opens and the old one does not.
        self.assert_logged_out(elsewhere)
        self.assertEqual(self.rows(self.project, "django_session"), 0)
        self.assertEqual(browser.service.post("/auth/token/refresh/", {"refresh": tokens["refresh"]}).status, 401)
        self.assertEqual(browser.service.post("/auth/token/", {"email": ALICE, "password": PASSWORDS[ALICE]}).status,
                         401)
        browser.service.login(ALICE, NEW_PASSWORD)
        self.assertEqual(browser.log_in(ALICE, NEW_PASSWORD).status, 302)
        self.assert_logged_in(browser)
        browser.service.stop()
        self.assertIn("/accounts/reset/...", browser.service.log())

    def test_a_link_is_used_once(self):
        browser = self.auth()
        path = self.path_in_mail(browser)
        # Looking at it uses nothing up: programs do so before people.
        other = Browser(browser.service)
        forms = [self.open(each, path) for each in (browser, other, browser)]
        browser.get(forms[0])
        fields = other.page(forms[1]).fields
        self.assertEqual(self.choose(browser, forms[0]).status, 302)
        for each in (browser, other, Browser(browser.service)):
            self.assert_dead(each, path)
        page = Page(other.request("POST", forms[1], {**fields, "new_password1": "an-0ther-Password",
                                                     "new_password2": "an-0ther-Password"}))
        self.assertIn(DEAD, page.text)
        browser.service.login(ALICE, NEW_PASSWORD)

    def test_two_who_use_a_link_at_once(self):
        browser = self.auth()
        path = self.path_in_mail(browser)
        forms = []
        for _ in range(4):
            each = Browser(browser.service)
            form = self.open(each, path)
            forms.append((each, form, each.page(form).fields))

        def choose(number):
            each, form, fields = forms[number]
            new = "an-Entirely-new-%d" % number
            browser.service.secrets.add(new)
            return each.request("POST", form, {**fields, "new_password1": new, "new_password2": new}).status
        answers = support.at_once(4, choose)
        self.assertEqual(sorted(answers), [200, 200, 200, 302])
        browser.service.login(ALICE, "an-Entirely-new-%d" % answers.index(302))

    def test_what_ends_a_link(self):
        browser = self.auth()
        path = self.path_in_mail(browser)
        other = Browser(browser.service)
        self.open(other, path)
        browser.log_in()
        # A login, as in Django: whoever remembers the password needs no link.
        self.assert_dead(other, path)
        path = self.path_in_mail(browser, CAROL)
        self.open(other, path)
        self.project.do("changepassword", CAROL, stdin="an-0ther-Password\nan-0ther-Password\n")
        self.assert_dead(other, path)
        path = self.path_in_mail(browser, DAVE)
        form = self.open(other, path)
        self.project.execute("UPDATE \"user\" SET is_active = %s WHERE email = '%s'"
                             % ("false" if self.project.engine == "postgresql" else "0", DAVE))
        self.assert_dead(other, path)
        self.assert_dead(other, form)

    def test_a_link_gets_old(self):
        browser = self.auth({"PASSWORD_RESET_TIMEOUT": 3})
        path = self.path_in_mail(browser)
        self.assertTrue(eventually(lambda: DEAD in browser.page(path).text))
        self.assert_dead(browser, "/accounts/reset/MQ/set-password/")

    def test_forged_links(self):
        browser = self.auth()
        path = self.path_in_mail(browser)
        _, _, _, uid, token, _ = path.split("/")
        for forged in ("/accounts/reset/Mw/%s/" % token, "/accounts/reset/%s/%sA/" % (uid, token),
                       "/accounts/reset/%s/%s/" % (uid, token[:-1]),
                       "/accounts/reset/%s/0%s/" % (uid, token), "/accounts/reset/%s/x/" % uid,
                       "/accounts/reset/%s/ffffffff%s/" % (uid, token[token.index("-"):]),
                       "/accounts/reset/OTk5/%s/" % token, "/accounts/reset/%%20/%s/" % token,
                       "/accounts/reset/%s/set-password/" % uid):
            with self.subTest(forged):
                self.assert_dead(Browser(browser.service), forged)
        # One's own cookie opens nobody else's form, and the path with a token changes nothing.
        self.open(browser, path)
        self.assert_dead(browser, "/accounts/reset/Mw/set-password/")
        fields = browser.page("/accounts/reset/MQ/set-password/").fields
        answer = Browser(browser.service)
        answer.cookies["csrftoken"] = browser.cookies["csrftoken"]
        page = Page(answer.request("POST", path, {**fields, "new_password1": NEW_PASSWORD,
                                                  "new_password2": NEW_PASSWORD}))
        self.assertIn(DEAD, page.text)
        browser.service.login()

    def test_forms_are_ours(self):
        browser = self.auth()
        self.assertEqual(browser.request("POST", PATH, {"email": ALICE}).status, 403)
        form = self.open(browser, self.path_in_mail(browser))
        self.assertEqual(browser.request("POST", form, {"new_password1": NEW_PASSWORD,
                                                        "new_password2": NEW_PASSWORD}).status, 403)
        browser.service.login()

    def test_strangers_learn_nothing(self):
        browser = self.auth()
        self.project.load([support.user_entry(5, "eve@example.com", "!unusable$" + "x" * 20)])
        browser.page(PATH)

        def answer(address):
            seen = self.ask(browser, address)
            return (seen.status, seen.body, [(name, value) for name, value in seen.headers.items()
                                             if name not in ("Date", "X-Request-Id", "Set-Cookie")])
        known = answer(ALICE)
        for address in ("nobody@example.com", BOB, "eve@example.com", ALICE):
            self.assertEqual(answer(address), known)
        # They are looked at in turn: after this one there is nothing to come.
        self.ask(browser, DAVE)
        self.mail(DAVE)
        self.assertEqual([mail["To"] for mail in self.mails()], [ALICE, DAVE])
        for wrong, words in (("", "This field is required."), ("alice", "Enter a valid email address."),
                             ("a@example.com\r\nBcc: b@example.com", "Enter a valid email address.")):
            page = Page(browser.send(PATH, email=wrong))
            self.assertEqual(page.status, 200)
            self.assertIn(words, page.text)

    def test_an_address_counts_in_any_case_and_the_mail_goes_to_ours(self):
        browser = self.auth()
        self.ask(browser, "Alice@EXAMPLE.com")
        self.assertEqual(self.mail()["To"], ALICE)

    def test_where_links_lead(self):
        browser = self.auth({"PUBLIC_ORIGIN": "https://login.example.com"})
        self.ask(browser)
        self.assertTrue(self.link(self.mail(), browser.service).startswith("https://login.example.com/accounts/reset/"))
        # A Host that nobody has allowed asks for nothing.
        browser.service.stop()
        self.project.change({"PUBLIC_ORIGIN": ""})
        browser.service = self.project.start()
        fields = {**browser.page(PATH).fields, "email": CAROL}
        self.assertEqual(browser.request("POST", PATH, fields, Host="evil.example").status, 400)
        self.ask(browser, DAVE, **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
        link = self.link(self.mail(DAVE), browser.service)
        self.assertTrue(link.startswith("http://%s:%d/" % browser.service.address), link)
        self.assertEqual(len(self.mails()), 2)

    def test_what_people_call_themselves(self):
        browser = self.auth()
        address = "o'neil&co{{link}}@example.com"
        self.project.load([support.user_entry(5, address, NEW_PASSWORD, first_name="<script>alert(1)</script>")])
        self.ask(browser, address)
        mail = self.mail(address)
        html = mail.get_body(("html",)).get_content()
        self.assertIn("o&#39;neil&amp;co{{link}}@example.com", html)
        self.assertIn(address, mail.get_body(("plain",)).get_content())
        for part in mail.iter_parts():
            self.assertNotIn("script", part.get_content())

    def test_pages(self):
        browser = self.auth()
        path = self.path_in_mail(browser)
        form = self.open(browser, path)
        for each in (PATH, PATH + "done/", form, "/accounts/reset/done/", "/accounts/reset/MQ/x/"):
            with self.subTest(each):
                page = browser.page(each)
                self.assertEqual(page.status, 200)
                self.assert_as_every_page(page)
        page = Page(browser.send(PATH, email='"><img src=x>'))
        self.assertNotIn("img", [tag for tag, _ in page.tags])

    def test_over_tls_the_cookie_is_for_tls(self):
        browser = self.auth({"SERVER": {"LISTEN": "127.0.0.1:0", "TRUSTED_PROXIES": ["127.0.0.1"]}})
        origin = "https://%s:%d" % browser.service.address
        self.ask(browser, ALICE, **{"X-Forwarded-Proto": "https", "Origin": origin})
        link = self.link(self.mail(), browser.service)
        self.assertTrue(link.startswith(origin), link)
        answer = browser.get(urllib.parse.urlsplit(link).path, **{"X-Forwarded-Proto": "https"})
        self.assertIn("Secure", answer.headers["Set-Cookie"])

    def test_a_client_service_has_no_such_pages(self):
        browser = self.client()
        self.assertEqual(browser.get(PATH).status, 404)
        self.assertIn(("a", {"href": "/auth/password-reset/"}), browser.page("/auth/login/").tags)
        self.assertEqual(browser.get("/auth/password-reset/").headers["Location"],
                         "http://%s:%d%s" % (*self.auth_service.address, PATH))

    def test_a_folder_that_cannot_be_written(self):
        browser = self.auth({"EMAIL_FILE_PATH": "easyjwt.toml"})
        self.ask(browser)
        self.log_has(browser.service, "a mail was not sent")
        browser.service.login()


class Smtp(ResetTest):
    def start(self, server, env=None, **settings):
        self.project = self.project_of({"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": server.port, **settings})
        if "EMAIL_HOST_PASSWORD" in settings:
            self.project.secrets.add(settings["EMAIL_HOST_PASSWORD"])
        return Browser(self.project.start(env=env))

    def folder(self):
        folder = tempfile.TemporaryDirectory(prefix="easyjwt-e2e-")
        self.addCleanup(folder.cleanup)
        return pathlib.Path(folder.name)

    def received(self, server):
        self.assertTrue(eventually(lambda: server.mails), server.commands)
        received, = server.mails
        self.assertEqual((received.sender, received.recipients), ("webmaster@localhost", [ALICE]))
        return received, email.message_from_bytes(received.data, policy=email.policy.default)

    def assert_not_sent(self, browser, server, words):
        self.ask(browser)
        self.log_has(browser.service, "a mail was not sent")
        self.assertIn(words, browser.service.log())
        self.assertEqual(server.mails, [])
        browser.service.login()

    def test_a_mail_that_a_server_takes(self):
        server = SmtpServer(self.addCleanup)
        browser = self.start(server)
        self.ask(browser)
        received, mail = self.received(server)
        self.assertFalse(received.over_tls)
        form = self.open(browser, urllib.parse.urlsplit(self.link(mail, browser.service)).path)
        self.assertEqual(self.choose(browser, form).status, 302)
        browser.service.login(ALICE, NEW_PASSWORD)
        self.assertFalse((self.project.path / "mail").exists())
        self.log_has(browser.service, "a mail to reset a password was sent")

    def test_starttls_and_a_login(self):
        paths = certificate(self.folder())
        server = SmtpServer(self.addCleanup, tls="starttls", certificate=paths, login=("door", "geheim-Mail-1"))
        browser = self.start(server, {"SSL_CERT_FILE": str(paths[0])}, EMAIL_USE_TLS=True, EMAIL_HOST_USER="door",
                             EMAIL_HOST_PASSWORD="geheim-Mail-1")
        self.ask(browser)
        received, _ = self.received(server)
        self.assertTrue(received.over_tls)
        self.assertEqual(received.user, "door")

    def test_tls_from_the_first_byte(self):
        paths = certificate(self.folder())
        server = SmtpServer(self.addCleanup, tls="ssl", certificate=paths)
        browser = self.start(server, {"SSL_CERT_FILE": str(paths[0])}, EMAIL_USE_SSL=True)
        self.ask(browser)
        self.assertTrue(self.received(server)[0].over_tls)

    def test_nothing_goes_in_clear_where_tls_is_asked_for(self):
        server = SmtpServer(self.addCleanup, login=("door", "geheim-Mail-1"))
        browser = self.start(server, EMAIL_USE_TLS=True, EMAIL_HOST_USER="door", EMAIL_HOST_PASSWORD="geheim-Mail-1")
        self.assert_not_sent(browser, server, "STARTTLS")
        self.assertNotIn("AUTH", server.commands)
        self.assertNotIn("MAIL", server.commands)

    def test_certificates_are_checked(self):
        folder = self.folder()
        paths, others = certificate(folder), certificate(folder, "mail.example")
        for tls in ("starttls", "ssl"):
            for shown, trusted in ((paths, None), (others, others)):
                with self.subTest(tls=tls, shown=shown[0].name):
                    server = SmtpServer(self.addCleanup, tls=tls, certificate=shown, login=("a", "b"))
                    browser = self.start(server, {"SSL_CERT_FILE": str(trusted[0])} if trusted else None,
                                         EMAIL_USE_TLS=tls == "starttls", EMAIL_USE_SSL=tls == "ssl",
                                         EMAIL_HOST_USER="a", EMAIL_HOST_PASSWORD="geheim-Mail-1")
                    self.assert_not_sent(browser, server, "SSL")
                    self.assertNotIn("AUTH", server.commands)

    def test_what_a_server_refuses(self):
        for words, settings, behaviour in (
                ("denied", {"EMAIL_HOST_USER": "door", "EMAIL_HOST_PASSWORD": "wrong-Mail-1"},
                 {"login": ("door", "geheim-Mail-1")}),
                ("550", {}, {"refuses": "550 no such user"})):
            with self.subTest(words):
                server = SmtpServer(self.addCleanup, **behaviour)
                self.assert_not_sent(self.start(server, **settings), server, words)

    def test_a_server_that_is_down(self):
        """Answers are the same, the service goes on, and who asks again is not told to wait for a minute."""
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.project = self.project_of({"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": port})
        browser = Browser(self.project.start())
        self.ask(browser)
        self.log_has(browser.service, "a mail was not sent")
        self.ask(browser)
        self.assertTrue(eventually(lambda: browser.service.log().count("a mail was not sent") == 2))
        self.assertIn("smtp://127.0.0.1:%d" % port, browser.service.log())
        browser.service.login()

    def test_a_server_that_says_nothing_delays_nobody(self):
        server = SmtpServer(self.addCleanup, silent=True)
        browser = self.start(server, EMAIL_TIMEOUT="60s")
        self.ask(browser)
        self.assertTrue(eventually(lambda: server.connections))
        with elapsed() as took:
            self.ask(browser, CAROL)
            browser.service.login()
        self.assertLess(took(), 10)
        with elapsed() as took:
            browser.service.stop()
        self.assertLess(took(), 20)
        self.assertIn("ended before mails were sent mails=1", browser.service.log())

    def test_check_warns_of_mails_in_clear(self):
        project = self.project_of()
        for settings, warned in (({"EMAIL_HOST": "mail.example.com"}, True), ({"EMAIL_HOST": "127.0.0.1"}, False),
                                 ({"EMAIL_HOST": "mail.example.com", "EMAIL_USE_TLS": True}, False),
                                 ({"EMAIL_HOST": "mail.example.com", "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True},
                                  False)):
            with self.subTest(settings):
                project.change(settings)
                self.assertEqual("easyjwt.W025" in project.do("check").err, warned)

    def test_more_mails_than_can_be_sent(self):
        server = SmtpServer(self.addCleanup, silent=True)
        browser = self.start(server, EMAIL_TIMEOUT="60s")
        body = urllib.parse.urlencode({**browser.page(PATH).fields, "email": ALICE})
        headers = {"Content-Type": "application/x-www-form-urlencoded",
                   "Cookie": "csrftoken=" + browser.cookies["csrftoken"]}
        with browser.service.client() as client:
            for _ in range(1010):
                self.assertEqual(client.request("POST", PATH, body=body, headers=headers).status, 302)
        browser.service.login()
        browser.service.stop()
        self.assertEqual(browser.service.log().count("too many mails to be sent"), 1)
        self.assertIn("ended before mails were sent mails=1000", browser.service.log())


if __name__ == "__main__":
    unittest.main()
