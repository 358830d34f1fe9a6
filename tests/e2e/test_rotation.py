"""What must happen once happens once, however many ask for it at the same moment."""

import unittest

import support
from support import ALICE, DAVE, PASSWORDS, at_once, count
from test_jwks import SigningKey

MANY = 64
ROTATING = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
BLACKLISTED = {"detail": "Token is blacklisted", "code": "token_not_valid"}


class Race(unittest.TestCase):
    """Requests at one instant, each on a connection of its own that stands before."""

    def race(self, services, number, path, body_of):
        """The answers to POST `path` with body_of(0), body_of(1), ..., dealt out to the services."""
        clients = [services[i % len(services)].client() for i in range(number)]
        for client in clients:
            self.addCleanup(client.connection.close)
            client.connection.connect()
        return at_once(number, lambda i: clients[i].request("POST", path, body_of(i)))

    def assert_one(self, answers, good, bad):
        """One answer has the status `good`, all others `bad`; returns the one and the others."""
        self.assertEqual(count(answer.status for answer in answers), {good: 1, bad: len(answers) - 1})
        winners = [answer for answer in answers if answer.status == good]
        return winners[0], [answer for answer in answers if answer.status == bad]

    def project(self, **settings):
        return support.Project(self.addCleanup, settings, support.usual_users())

    def check_refresh(self, services, rounds):
        refresh = services[0].login()["refresh"]
        for _ in range(rounds):
            used = refresh
            answers = self.race(services, MANY, "/auth/token/refresh/", lambda _, used=used: {"refresh": used})
            winner, others = self.assert_one(answers, 200, 401)
            for other in others:
                self.assertEqual(other.json, BLACKLISTED)
            # The winner's token is the next to be used up, and its predecessor stays dead.
            refresh = winner.json["refresh"]
            self.assertNotEqual(support.claims_of(refresh)["jti"], support.claims_of(used)["jti"])
            again = services[-1].post("/auth/token/refresh/", {"refresh": used})
            self.assertEqual((again.status, again.json), (401, BLACKLISTED))

    def check_kill(self, project):
        """What was answered is on the disk: a token that was used up stays so."""
        service = project.start()
        used = service.login()["refresh"]
        answer = service.post("/auth/token/refresh/", {"refresh": used})
        self.assertEqual(answer.status, 200)
        service.kill()
        service = project.start()
        again = service.post("/auth/token/refresh/", {"refresh": used})
        self.assertEqual((again.status, again.json), (401, BLACKLISTED))
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": answer.json["refresh"]}).status, 200)


class Rotation(Race):
    def test_refresh(self):
        project = self.project(EASY_JWT=ROTATING)
        self.check_refresh([project.start()], 5)
        self.assertEqual(project.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(5,)])

    def test_refresh_with_two_processes(self):
        project = self.project(EASY_JWT=ROTATING)
        self.check_refresh([project.start(), project.start()], 5)
        self.assertEqual(project.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(5,)])

    def test_different_tokens_do_not_hinder_each_other(self):
        project = self.project(EASY_JWT=ROTATING)
        services = [project.start(), project.start()]
        tokens = [services[0].login(email)["refresh"] for email in (ALICE, DAVE) * 8]
        answers = self.race(services, len(tokens), "/auth/token/refresh/", lambda i: {"refresh": tokens[i]})
        self.assertEqual(count(answer.status for answer in answers), {200: len(tokens)})

    def test_refresh_against_blacklist(self):
        # Whoever is first: together they succeed once.
        services = [self.project(EASY_JWT=ROTATING).start()]
        for _ in range(3):
            refresh = services[0].login()["refresh"]
            clients = [services[0].client() for _ in range(32)]
            answers = at_once(32, lambda i: clients[i].request(
                "POST", "/auth/token/refresh/" if i % 2 else "/auth/token/blacklist/", {"refresh": refresh}))
            for client in clients:
                client.connection.close()
            self.assertEqual(count(answer.status for answer in answers), {200: 1, 401: 31})

    def test_without_blacklisting_all_succeed(self):
        services = [self.project(EASY_JWT={"ROTATE_REFRESH_TOKENS": True}).start()]
        refresh = services[0].login()["refresh"]
        answers = self.race(services, MANY, "/auth/token/refresh/", lambda _: {"refresh": refresh})
        self.assertEqual(count(answer.status for answer in answers), {200: MANY})
        self.assertEqual(len({answer.json["refresh"] for answer in answers}), MANY)

    def test_a_rotation_survives_a_kill(self):
        self.check_kill(self.project(EASY_JWT=ROTATING))


class SignedSlowly(Race):
    """By ES256: what is signed so is signed outside of the one thread that writes to SQLite."""

    def project(self, **settings):
        return super().project(EASY_JWT={**ROTATING, "ALGORITHM": "ES256", "SIGNING_KEY": SigningKey("ES256").pem})

    def test_refresh(self):
        project = self.project()
        self.check_refresh([project.start(), project.start()], 3)
        self.assertEqual(project.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(3,)])

    def test_a_rotation_survives_a_kill(self):
        self.check_kill(self.project())

    def test_what_is_no_token_of_ours(self):
        project = self.project()
        service = project.start()
        answer = service.post("/auth/token/refresh/", {"refresh": SigningKey("ES256").token("refresh")})
        self.assertEqual((answer.status, answer.json["code"]), (401, "token_not_valid"))
        self.assertEqual(project.query("SELECT count(*) FROM token_blacklist_outstandingtoken"), [(0,)])


class Blacklist(Race):
    def check(self, project, services):
        for _ in range(3):
            refresh = services[0].login()["refresh"]
            answers = self.race(services, MANY, "/auth/token/blacklist/", lambda _: {"refresh": refresh})
            winner, others = self.assert_one(answers, 200, 401)
            self.assertEqual(winner.json, {})
            for other in others:
                self.assertEqual(other.json, BLACKLISTED)
        self.assertEqual(project.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(3,)])

    def test_blacklist(self):
        project = self.project()
        self.check(project, [project.start()])

    def test_blacklist_with_two_processes(self):
        project = self.project()
        self.check(project, [project.start(), project.start()])

    def test_a_token_that_no_list_knows(self):
        # Signed elsewhere with our key: its row is made by the blacklisting itself, once.
        project = self.project()
        services = [project.start(), project.start()]
        refresh = support.mint("refresh")
        answers = self.race(services, MANY, "/auth/token/blacklist/", lambda _: {"refresh": refresh})
        self.assert_one(answers, 200, 401)
        self.assertEqual(project.query("SELECT jti, token FROM token_blacklist_outstandingtoken"),
                         [(support.claims_of(refresh)["jti"], refresh)])


class Accounts(Race):
    EMAIL = "new.user@example.com"

    @staticmethod
    def spelling(number):
        """One of the spellings of case of the address."""
        return "".join(c.upper() if number >> (i % 5) & 1 else c for i, c in enumerate(Accounts.EMAIL))

    def check_create(self, project, services):
        answers = self.race(services, 24, "/auth/create-user/",
                            lambda i: {"email": self.spelling(i), "password": "N3w-Password!%d" % i})
        winner, others = self.assert_one(answers, 201, 400)
        self.assertEqual(winner.json["email"], self.EMAIL)
        for other in others:
            self.assertEqual(other.json, {"email": ["This email already exists."]})
        rows = project.query('SELECT email FROM "user" WHERE id > 4')
        self.assertEqual(rows, [(self.EMAIL,)])

    def test_create_user(self):
        project = self.project()
        self.check_create(project, [project.start()])

    def test_create_user_with_two_processes(self):
        project = self.project()
        self.check_create(project, [project.start(), project.start()])

    def test_create_user_beside_another_spelling(self):
        # Django lets a user be "Frank@example.com"; ours is taken then, and never a fault.
        project = support.Project(self.addCleanup, users=[
            support.user_entry(1, "Frank@example.com", "fr4nk-Flies-far")])
        answers = self.race([project.start()], 8, "/auth/create-user/",
                            lambda i: {"email": "frank@EXAMPLE.com", "password": "N3w-Password!%d" % i})
        self.assertEqual(count(answer.status for answer in answers), {400: 8})

    def check_change(self, services):
        old = PASSWORDS[ALICE]
        answers = self.race(services, 16, "/auth/password-change/", lambda i: {
            "email": ALICE, "password": old, "new_password": "N3w-Password!%d" % i})
        winner, others = self.assert_one(answers, 200, 400)
        for other in others:
            self.assertEqual(other.json, {"non_field_errors": ["Invalid credentials."]})
        # The password is the winner's, and nobody else's.
        logins = [services[-1].post("/auth/token/", {"email": ALICE, "password": "N3w-Password!%d" % i}).status
                  for i in range(16)]
        self.assertEqual(logins.count(200), 1)
        self.assertEqual(logins.index(200), answers.index(winner))
        self.assertEqual(services[0].post("/auth/token/", {"email": ALICE, "password": old}).status, 401)

    def test_password_change(self):
        self.check_change([self.project().start()])

    def test_password_change_with_two_processes(self):
        project = self.project()
        self.check_change([project.start(), project.start()])

    def test_upgrades_at_login(self):
        # Every login re-hashes; none fails, and the password stays what it was.
        project = self.project(PASSWORD_UPGRADE=True)
        services = [project.start()]
        answers = self.race(services, 16, "/auth/token/",
                            lambda _: {"email": ALICE, "password": PASSWORDS[ALICE]})
        self.assertEqual(count(answer.status for answer in answers), {200: 16})
        (encoding,), = project.query('SELECT password FROM "user" WHERE id = 1')
        self.assertTrue(encoding.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$"), encoding)
        services[0].login()


if __name__ == "__main__":
    unittest.main()
