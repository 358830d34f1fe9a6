"""The languages of pages, mails and API errors: which one is chosen, that nothing of a page stays in English, and that
whoever asks for none gets every byte as ever."""

import re
import unittest

from support import ALICE, BOB, CAROL, DAVE, PASSWORDS
from test_pages import NEW_PASSWORD, Browser, Page, PagesTest
from test_password_reset import PATH as RESET, ResetTest

WRONG = {"email": ALICE, "password": "wrong"}
NO_ACCOUNT = {
    "de": "Kein aktives Konto mit diesen Anmeldedaten gefunden",
    "en": "No active account found with the given credentials",
    "es": "No se ha encontrado una cuenta activa con las credenciales dadas",
    "fr": "Aucun compte actif n’a été trouvé avec les identifiants fournis",
}
# What is the same in every language.
NAMES = {"", "easyjwt", ALICE, BOB, CAROL, DAVE, "Alice", "Archer", "Alice Archer", "Däve",
         "Name", "Error", "No", "Administration", "Permissions"}


class Reader(Page):
    """The texts of a page, one by one."""

    def __init__(self, answer):
        self.texts = []
        super().__init__(answer)

    def handle_data(self, data):
        super().handle_data(data)
        self.texts.append(data.strip().removesuffix(" · easyjwt"))


class Foreigner(Browser):
    """A browser that asks for one language."""

    def __init__(self, service, language):
        super().__init__(service)
        self.language = language

    def request(self, method, path, form=None, **headers):
        return super().request(method, path, form, **{"Accept-Language": self.language, **headers})


def at(path):
    return lambda browser: browser.get(path)


class LanguagesTest(PagesTest):
    def ask(self, service, language, method="POST", path="/auth/token/", json=None, **headers):
        headers = {**({} if language is None else {"Accept-Language": language}), **headers}
        return service.request(method, path, json, headers=headers)

    def assert_language(self, answer, language):
        """English is what is said of nothing."""
        self.assertEqual(answer.headers["Content-Language"], None if language == "en" else language)


class Api(LanguagesTest):
    def test_the_language_is_the_one_asked_for(self):
        service = self.auth().service
        for sent, language in (
                (None, "en"), ("de", "de"), ("es-MX,es;q=0.9,en;q=0.8", "es"), ("FR-ca", "fr"), ("en-GB,de;q=0.9", "en"),
                ("de;q=0.5, fr;q=0.7, en;q=0.6", "fr"), ("it, nl;q=0.9, de;q=0.1", "de"), ("it", "en"), ("*", "en"),
                ("de;q=0", "en"), ("*;q=0.5, de;q=0.4", "en"), ("de;q=nonsense, fr;q=0.1", "fr"),
                ("é\x01;;;,,,=", "en"), ("de," * 2000, "de")):
            with self.subTest(sent):
                if sent is not None and "\x01" in sent:
                    sent = sent.replace("\x01", "\t")
                answer = self.ask(service, sent and sent.encode(), json=WRONG)
                self.assertEqual((answer.status, answer.json), (401, {"detail": NO_ACCOUNT[language]}))
                self.assert_language(answer, language)

    def test_nothing_changes_in_english(self):
        service = self.auth().service
        for method, path, body in (("POST", "/auth/token/", WRONG), ("GET", "/nowhere/", None), ("PUT", "/auth/token/", {}),
                                   ("POST", "/auth/create-user/", {}), ("GET", "/auth/user/", None)):
            plain, english, other = (self.ask(service, language, method, path, body) for language in (None, "en", "ja"))
            for answer in (english, other):
                self.assertEqual((answer.status, answer.body), (plain.status, plain.body))
                self.assertEqual(list(answer.headers), list(plain.headers))
            self.assertNotIn("Accept-Language", ",".join(plain.headers.get_all("Vary", [])))
            german = self.ask(service, "de", method, path, body)
            self.assertEqual(german.status, plain.status)
            self.assertNotEqual(german.body, plain.body)
            self.assertEqual(german.headers["Content-Language"], "de")
            self.assertIn("Accept-Language", german.headers.get_all("Vary"))

    def test_errors_of_every_shape(self):
        service = self.auth().service
        answer = self.ask(service, "de", "GET", "/auth/user/", Authorization="Bearer nonsense")
        self.assertEqual((answer.status, answer.json), (401, {
            "detail": "Der Token ist für keinen Tokentyp gültig", "code": "token_not_valid",
            "messages": [{"token_class": "AccessToken", "token_type": "access",
                          "message": "Der Token ist ungültig oder abgelaufen"}]}))
        answer = self.ask(service, "fr", path="/auth/create-user/", json={"email": "x" * 255 + "@example.com", "password": " "})
        self.assertEqual((answer.status, answer.json), (400, {
            "email": ["Assurez-vous que ce champ comporte au plus 254 caractères."], "password": ["Ce champ ne peut être vide."]}))
        answer = self.ask(service, "es", path="/auth/create-user/", json={"email": "new@example.com", "password": "1234"})
        self.assertEqual(answer.json, {"password": [
            "Esta contraseña es demasiado corta. Debe contener al menos 8 caracteres.", "Esta contraseña es demasiado común.",
            "Esta contraseña es completamente numérica."]})
        answer = self.ask(service, "de", path="/auth/password-change/", json={
            "email": ALICE, "password": PASSWORDS[ALICE], "new_password": ALICE})
        self.assertEqual((answer.status, answer.json),
                         (400, {"new_password": ["Das Passwort ist der E-Mail-Adresse zu ähnlich."]}))
        answer = self.ask(service, "de", "GET", "/nowhere/")
        self.assertEqual((answer.status, answer.json), (404, {"detail": "Nicht gefunden."}))
        answer = self.ask(service, "fr", "PUT", "/auth/token/")
        self.assertEqual((answer.status, answer.json), (405, {"detail": "Méthode «\xa0PUT\xa0» non autorisée."}))
        answer = self.ask(service, "de", path="/auth/token/", json="text")
        self.assertEqual(answer.json, {"non_field_errors": ["Ungültige Daten. Erwartet wurde ein Dictionary, es kam str."]})
        # A Host that is none is refused in the language, too.
        answer = self.ask(service, "es", "GET", "/auth/user/", Host="evil.example")
        self.assertEqual((answer.status, answer.json), (400, {"detail": "Encabezado Host inválido."}))

    def test_csrf(self):
        browser = self.auth()
        browser.log_in()
        answer = browser.request("POST", "/auth/password-change/", {}, Accept="application/json", **{"Accept-Language": "de"})
        self.assertEqual((answer.status, answer.json["detail"]), (403, "CSRF-Prüfung fehlgeschlagen: Der CSRF-Token fehlt."))

    def test_one_language_for_all(self):
        service = self.auth({"USE_I18N": False}).service
        self.assertEqual(self.ask(service, "de", json=WRONG).json["detail"], NO_ACCOUNT["en"])
        page = Browser(service).get("/auth/login/", **{"Accept-Language": "de"})
        self.assertIn(b"Log in", page.body)

    def test_a_language_for_those_who_ask_for_none(self):
        service = self.auth({"LANGUAGE_CODE": "fr-fr"}).service
        for sent, language in ((None, "fr"), ("it", "fr"), ("*", "fr"), ("de", "de"), ("en", "en")):
            answer = self.ask(service, sent, json=WRONG)
            self.assertEqual(answer.json["detail"], NO_ACCOUNT[language])
            self.assert_language(answer, language)

    def test_a_language_that_there_is_not(self):
        project = self.project_of({"LANGUAGE_CODE": "it"})
        done = project.run("check")
        self.assertEqual(done.code, 1)
        self.assertIn('LANGUAGE_CODE: "it" is none of the languages: en, de, es, fr', done.err)


class Pages(LanguagesTest):
    def test_login(self):
        service = self.auth().service
        for language, title, label, wrong in (
                ("de", "Anmelden", "Passwort", "Bitte geben Sie eine gültige E-Mail-Adresse"),
                ("en", "Log in", "Password", "Please enter a correct email address"),
                ("es", "Iniciar sesión", "Contraseña", "Introduzca una dirección de correo electrónico"),
                ("fr", "Connexion", "Mot de passe", "Saisissez une adresse électronique")):
            with self.subTest(language):
                browser = Foreigner(service, language)
                page = Reader(browser.get("/auth/login/"))
                self.assert_as_every_page(page)
                self.assertIn(("html", {"lang": language}), page.tags)
                self.assertEqual(page.headers["Content-Language"], language)
                self.assertIn("Accept-Language", page.headers.get_all("Vary"))
                self.assertIn(title, page.texts)
                self.assertIn(label, page.texts)
                answer = browser.log_in(password="wrong")
                self.assertIn(wrong, Page(answer).text)
                self.assertEqual(browser.log_in().status, 302)

    def assert_translated(self, email, *looks):
        """That no text of what `looks` show is the same in English, but for names."""
        service = self.auth().service
        browsers = [Foreigner(service, language) for language in ("en", "de", "es", "fr")]
        for browser in browsers:
            browser.log_in(email)
        for look in looks:
            english, *others = (Reader(look(browser)) for browser in browsers)
            self.assertTrue(english.texts)
            for page in others:
                self.assertEqual(page.status, english.status)
                self.assertEqual(len(page.texts), len(english.texts))
                same = {text for text, there in zip(page.texts, english.texts) if text == there} - NAMES
                # Numbers, and permissions, whose names are the database's.
                same = {text for text in same if re.search("[a-z]", text) and " | " not in text}
                self.assertFalse(same, (page.headers["Content-Language"], english.texts))

    def test_nothing_of_a_page_stays_in_english(self):
        old = PASSWORDS[ALICE]

        def form(path, **values):
            return lambda browser: browser.send(path, **values)
        self.assert_translated(
            ALICE, at("/auth/login/"), form("/auth/login/", username="", password=""), at("/accounts/profile/"),
            at("/accounts/password_change/"), at("/accounts/password_change/done/"),
            form("/accounts/password_change/", old_password="", new_password1="a", new_password2="b"),
            form("/accounts/password_change/", old_password="wrong", new_password1=NEW_PASSWORD,
                 new_password2=NEW_PASSWORD),
            form("/accounts/password_change/", old_password=old, new_password1="1234", new_password2="1234"),
            form("/accounts/password_change/", old_password=old, new_password1=ALICE, new_password2=ALICE),
            at(RESET), form(RESET, email="nobody"), at(RESET + "done/"), at("/accounts/reset/MQ/x/"),
            at("/accounts/reset/done/"), at("/accounts/nowhere/"), at("/admin/"),
            lambda browser: browser.request("POST", "/auth/login/", {}))

    def test_nor_of_the_admin_site(self):
        def add_group(browser):
            return browser.send("/admin/auth/group/add/", name="", _save="yes")
        users = "/admin/easyjwt_user/user/"
        self.assert_translated(
            CAROL, at("/admin/"), at("/admin/log/"), at("/admin/auth/group/"), at("/admin/auth/group/add/"), add_group,
            at(users), at(users + "add/"), at(users + "1/change/"), at(users + "1/password/"), at(users + "1/delete/"),
            at(users + "1/sessions/"), at(users + "1/history/"), at("/admin/dashboard/"), at("/admin/keys/"),
            at("/admin/token_blacklist/outstandingtoken/"), at("/admin/token_blacklist/blacklistedtoken/"))

    def test_a_hostile_header_gets_a_page(self):
        service = self.auth().service
        for sent in ("<script>,{{t}}", "de" * 4000, ",;" * 4000, "../../etc/passwd", "de;q=0;q=1"):
            page = Page(Foreigner(service, sent).get("/auth/login/"))
            self.assertEqual((page.status, page.headers["Content-Language"]), (200, "en"))
            self.assertIn(("html", {"lang": "en"}), page.tags)


class ClientService(LanguagesTest):
    def test_the_auth_service_is_asked_in_the_language_of_the_request(self):
        browser = self.client()
        service = browser.service
        tokens = service.login()
        for path, body, code, words in (
                ("/auth/token/", WRONG, 401, NO_ACCOUNT["fr"]),
                ("/auth/token/refresh/", {"refresh": "x"}, 401, "Le jeton est invalide ou expiré"),
                ("/auth/token/verify/", {"token": tokens["access"] + "x"}, 401, "Le jeton est invalide ou expiré")):
            answer = self.ask(service, "fr", path=path, json=body)
            self.assertEqual((answer.status, answer.json["detail"]), (code, words))
            # In which language it is, is for the auth-service to say.
            self.assertIsNone(answer.headers["Content-Language"])
            plain = self.ask(service, None, path=path, json=body)
            there = self.ask(self.auth_service, None, path=path, json=body)
            self.assertEqual((plain.status, plain.body), (there.status, there.body))
        # What it says itself is in that language.
        answer = self.ask(service, "fr", path="/auth/token/", json={})
        self.assertEqual(answer.json, {"email": ["Ce champ est obligatoire."], "password": ["Ce champ est obligatoire."]})
        self.assert_language(answer, "fr")

    def test_a_new_password(self):
        browser = Foreigner(self.client(backends=("RemoteAuthBackend",)).service, "de")
        self.assertEqual(browser.log_in().status, 302)
        page = Page(browser.send("/auth/password-change/", old_password=PASSWORDS[ALICE], new_password1="1234",
                                 new_password2="1234"))
        self.assertIn("Dieses Passwort ist zu kurz. Es muss mindestens 8 Zeichen enthalten.", page.text)


class Mails(ResetTest):
    def test_a_mail_is_in_the_language_of_who_asked(self):
        service = self.auth().service
        browser = Foreigner(service, "de-DE,de;q=0.9,en;q=0.5")
        path = self.path_in_mail(browser)
        mail = self.mail()
        self.assertEqual(mail["Subject"], "Ein neues Passwort bei %s:%d" % service.address)
        text, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
        for words in ("hat ein neues Passwort für Ihr Konto bei %s:%d angefordert." % service.address, "Ihr Konto: " + ALICE,
                      "innerhalb von 1 Stunde.", "Ihr Passwort bleibt, wie es ist."):
            self.assertIn(words, text)
            self.assertIn(words, page)
        self.assertIn('<html lang="de">', page)
        self.assertNotIn("{{", text + page)
        form = self.open(browser, path)
        self.assertIn("Neues Passwort eingeben", browser.page(form).text)
        self.assertEqual(self.choose(browser, form).status, 302)
        self.assertIn("Ihr neues Passwort ist gesetzt.", browser.page("/accounts/reset/done/").text)

    def test_other_times(self):
        service = self.auth({"PASSWORD_RESET_TIMEOUT": "90m"}).service
        self.ask(Foreigner(service, "fr"))
        self.assertIn("dans un délai de 90 minutes.", self.mail().get_body(("plain",)).get_content())


if __name__ == "__main__":
    unittest.main()
