"""Families of refresh tokens (SESSION_CLAIM): what a login began is listed, ended, and ends by itself where a
used token comes again (DETECT_REUSE)."""

import time
import unittest

import support
from support import ALICE, CAROL, DAVE, PASSWORDS, at_once, claims_of, count
from test_client_service import BASE as CLIENT, url_of
from test_jwks import SigningKey

FAMILIES = {"SESSION_CLAIM": "sid", "ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
BLACKLISTED = {"detail": "Token is blacklisted", "code": "token_not_valid"}
NOT_VERIFIED = {"non_field_errors": ["Token is blacklisted"]}
NOT_AUTHENTICATED = {
    "detail": "Given token not valid for any token type", "code": "token_not_valid",
    "messages": [{"token_class": "AccessToken", "token_type": "access", "message": "Token is blacklisted"}]}
REUSED = "a refresh token was used again"
MANY = 64


class SessionsTest(unittest.TestCase):
    maxDiff = None

    def start(self, **settings):
        self.project = support.Project(self.addCleanup, {"EASY_JWT": {**FAMILIES, **settings}},
                                       support.usual_users())
        return self.project.start()

    @staticmethod
    def login(service, email=ALICE, agent="curl/7.88"):
        answer = service.post("/auth/token/", {"email": email, "password": PASSWORDS[email]},
                              headers={"User-Agent": agent})
        assert answer.status == 200, str(answer)
        return answer.json

    @staticmethod
    def refresh(service, pair):
        return service.post("/auth/token/refresh/", {"refresh": pair["refresh"]})

    def sessions(self, service, pair):
        answer = service.get("/auth/sessions/", token=pair["access"])
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json

    def assert_stands(self, service, pair):
        self.assertEqual(service.post("/auth/token/verify/", {"token": pair["access"]}).status, 200)
        self.assertEqual(service.get("/auth/user/", token=pair["access"]).status, 200)

    def assert_ended(self, service, pair):
        answer = self.refresh(service, pair)
        self.assertEqual((answer.status, answer.json), (401, BLACKLISTED))
        for token in pair.values():
            answer = service.post("/auth/token/verify/", {"token": token})
            self.assertEqual((answer.status, answer.json), (400, NOT_VERIFIED))
        answer = service.get("/auth/user/", token=pair["access"])
        self.assertEqual((answer.status, answer.json), (401, NOT_AUTHENTICATED))


class Sessions(SessionsTest):
    def test_list(self):
        service = self.start()
        first = self.login(service, agent="one\u00e9" + "x" * 300)
        second = self.login(service, agent="two")
        self.login(service, DAVE)
        listed = self.sessions(service, second)
        self.assertEqual([entry["current"] for entry in listed], [True, False])
        self.assertEqual([entry["id"] for entry in listed],
                         [claims_of(pair["access"])["sid"] for pair in (second, first)])
        self.assertEqual(list(listed[0]), ["id", "created_at", "last_used_at", "expires_at", "user_agent",
                                           "address", "current"])
        self.assertEqual(listed[0]["user_agent"], "two")
        self.assertEqual(len(listed[1]["user_agent"]), 200)
        self.assertTrue(listed[1]["user_agent"].isascii())
        self.assertEqual(listed[0]["address"], "127.0.0.1")
        self.assertEqual(listed[0]["created_at"], listed[0]["last_used_at"])

        time.sleep(0.01)
        third = self.refresh(service, first).json
        self.assertEqual(claims_of(third["refresh"])["sid"], claims_of(first["refresh"])["sid"])
        again = self.sessions(service, third)
        self.assertEqual([entry["id"] for entry in again], [listed[1]["id"], listed[0]["id"]])
        self.assertTrue(again[0]["current"])
        self.assertEqual(again[0]["created_at"], listed[1]["created_at"])
        self.assertGreater(again[0]["last_used_at"], listed[1]["last_used_at"])

    def test_who_may(self):
        service = self.start()
        pair = self.login(service)
        one = "/auth/sessions/%s/" % claims_of(pair["access"])["sid"]
        for method, path in (("GET", "/auth/sessions/"), ("DELETE", "/auth/sessions/"), ("DELETE", one)):
            answer = service.request(method, path)
            self.assertEqual(answer.status, 401, path)
            self.assertEqual(answer.headers["WWW-Authenticate"], 'Bearer realm="api"')
        for email in (DAVE, CAROL):  # staff, too
            answer = service.request("DELETE", one, token=self.login(service, email)["access"])
            self.assertEqual((answer.status, answer.json), (404, {"detail": "Not found."}))
        self.assertEqual(service.get(one, token=pair["access"]).status, 405)
        self.assert_stands(service, pair)

    def test_ending_one(self):
        service = self.start()
        first, second = self.login(service), self.login(service)
        one = "/auth/sessions/%s/" % claims_of(first["access"])["sid"]
        answer = service.request("DELETE", one, token=second["access"])
        self.assertEqual((answer.status, answer.body, answer.headers["Content-Type"]), (204, b"", None))
        self.assert_ended(service, first)
        self.assertEqual(service.request("DELETE", one, token=second["access"]).status, 404)
        for name in ("0" * 32, "x", "%00", "1", "a" * 5000):
            self.assertEqual(service.request("DELETE", "/auth/sessions/%s/" % name,
                                             token=second["access"]).status, 404, name)
        self.assertEqual(len(self.sessions(service, second)), 1)
        self.assert_stands(service, second)
        # One's own, without the slash.
        own = "/auth/sessions/%s" % claims_of(second["access"])["sid"]
        self.assertEqual(service.request("DELETE", own, token=second["access"]).status, 204)
        self.assert_ended(service, second)

    def test_ending_all(self):
        service = self.start()
        pairs = [self.login(service) for _ in range(3)]
        daves = self.login(service, DAVE)
        answer = service.request("DELETE", "/auth/sessions/", token=pairs[0]["access"])
        self.assertEqual((answer.status, answer.body), (204, b""))
        for pair in pairs:
            self.assert_ended(service, pair)
        self.assert_stands(service, daves)
        self.assertEqual(self.sessions(service, self.login(service))[0]["current"], True)

    def test_a_logout_and_a_new_password_end_them(self):
        service = self.start()
        first, second, third = [self.login(service) for _ in range(3)]
        self.assertEqual(service.post("/auth/token/blacklist/", {"refresh": first["refresh"]}).json, {})
        self.assert_ended(service, first)
        self.assert_stands(service, second)
        changed = service.post("/auth/password-change/", {"email": ALICE, "password": PASSWORDS[ALICE],
                                                          "new_password": "an-Entirely-new-1"})
        self.assertEqual(changed.status, 200, str(changed))
        for pair in (second, third):
            self.assert_ended(service, pair)

    def test_the_command_changepassword_ends_them(self):
        service = self.start()
        pair = self.login(service)
        self.project.do("changepassword", ALICE, stdin="an-Entirely-new-1\nan-Entirely-new-1\n")
        self.assert_ended(service, pair)

    def test_a_client_service_refuses_what_has_ended(self):
        service = self.start()
        settings = support.merged(CLIENT, {"EASY_JWT": {"REMOTE_AUTH_SERVICE_URL": url_of(service)}})
        client = support.Project(self.addCleanup, settings, base={}).start()
        pair = self.login(service)
        self.assertEqual(client.get("/auth/forward/", token=pair["access"]).status, 200)
        service.request("DELETE", "/auth/sessions/", token=pair["access"])
        answer = client.get("/auth/forward/", token=pair["access"])
        self.assertEqual(answer.status, 401, str(answer))
        self.assertEqual(answer.json, {"detail": "Incorrect authentication credentials."})

    def test_sliding_tokens(self):
        service = self.start(AUTH_TOKEN_CLASSES=["SlidingToken", "AccessToken"])
        body = {"email": ALICE, "password": PASSWORDS[ALICE]}
        token = service.post("/auth/token/sliding/", body).json["token"]
        renewed = service.post("/auth/token/sliding/refresh/", {"token": token}).json["token"]
        self.assertEqual(service.request("DELETE", "/auth/sessions/", token=renewed).status, 204)
        self.assertEqual(service.get("/auth/user/", token=renewed).status, 401)
        answer = service.post("/auth/token/sliding/refresh/", {"token": renewed})
        self.assertEqual((answer.status, answer.json), (401, BLACKLISTED))

    def test_dead_ones_are_deleted(self):
        service = self.start()
        pair = self.login(service)
        self.assertEqual(self.project.do("flushexpiredtokens").out, "0 expired tokens deleted.\n")
        self.project.execute("UPDATE easyjwt_session SET expires_at = '2026-01-02 03:04:05'")
        self.assertIn("1 expired families of tokens deleted.", self.project.do("flushexpiredtokens").out)
        self.assertEqual(self.project.query("SELECT * FROM easyjwt_session"), [])
        self.assert_ended(service, pair)

    def test_off_by_default(self):
        self.project = support.Project(self.addCleanup, {"EASY_JWT": {
            "ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}}, support.usual_users())
        service = self.project.start()
        pair = service.login()
        self.assertEqual(set(claims_of(pair["refresh"])), {"token_type", "exp", "iat", "jti", "user_id"})
        self.assertEqual(service.get("/auth/sessions/", token=pair["access"]).status, 404)
        self.assertEqual(self.project.query("SELECT * FROM easyjwt_session"), [])
        # Nobody so much as looks at the table.
        self.project.execute("DROP TABLE easyjwt_session")
        pair = service.login()
        next_pair = self.refresh(service, pair)
        self.assertEqual(next_pair.status, 200)
        self.assertEqual(self.refresh(service, pair).status, 401)
        self.assert_stands(service, next_pair.json)
        self.assertEqual(service.post("/auth/token/blacklist/", {"refresh": next_pair.json["refresh"]}).status, 200)
        body = {"email": ALICE, "password": PASSWORDS[ALICE], "new_password": "an-Entirely-new-1"}
        self.assertEqual(service.post("/auth/password-change/", body).status, 200)


class Reuse(SessionsTest):
    def reuse_lines(self, service):
        return [line for line in service.log().splitlines() if REUSED in line]

    def test_reuse_ends_the_family(self):
        service = self.start(DETECT_REUSE=True)
        stolen = self.login(service)
        other = self.login(service)
        owners = self.refresh(service, stolen).json
        self.assert_stands(service, owners)
        answer = self.refresh(service, stolen)
        self.assertEqual((answer.status, answer.json), (401, BLACKLISTED))
        self.assert_ended(service, owners)
        self.assert_ended(service, stolen)
        self.assert_stands(service, other)
        lines = self.reuse_lines(service)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(" warning ", lines[0])
        self.assertIn("user=1", lines[0])
        self.assertIn(claims_of(stolen["refresh"])["sid"], lines[0])

    def test_a_retry_within_the_grace_is_no_reuse(self):
        self.check_retry()

    def test_a_retry_of_a_token_that_is_signed_slowly(self):
        self.check_retry(ALGORITHM="ES256", SIGNING_KEY=SigningKey("ES256").pem)

    def check_retry(self, **settings):
        service = self.start(DETECT_REUSE=True, ROTATION_GRACE=1, **settings)
        pair = self.login(service)
        first = self.refresh(service, pair).json
        again = self.refresh(service, pair)
        self.assertEqual(again.status, 200, str(again))
        self.assertEqual(claims_of(again.json["refresh"]), claims_of(first["refresh"]))
        self.assert_stands(service, first)
        time.sleep(1.1)
        answer = self.refresh(service, pair)
        self.assertEqual((answer.status, answer.json), (401, BLACKLISTED))
        self.assert_ended(service, first)
        self.assertEqual(len(self.reuse_lines(service)), 1)

    def race(self, services, refresh):
        clients = [services[i % len(services)].client() for i in range(MANY)]
        for client in clients:
            self.addCleanup(client.connection.close)
            client.connection.connect()
        return at_once(MANY, lambda i: clients[i].request("POST", "/auth/token/refresh/", {"refresh": refresh}))

    def test_many_at_once_within_the_grace(self):
        services = [self.start(DETECT_REUSE=True, ROTATION_GRACE=60)]
        services.append(self.project.start())
        refresh = services[0].login()["refresh"]
        for _ in range(3):
            answers = self.race(services, refresh)
            self.assertEqual(count(answer.status for answer in answers), {200: MANY})
            made = {answer.json["refresh"] for answer in answers}
            self.assertEqual(len(made), 1)
            refresh = made.pop()
        self.assertEqual(self.project.query("SELECT current_jti, ended_at FROM easyjwt_session"),
                         [(claims_of(refresh)["jti"], None)])
        for service in services:
            self.assertEqual(self.reuse_lines(service), [])

    def test_many_at_once_without_a_grace(self):
        services = [self.start(DETECT_REUSE=True)]
        services.append(self.project.start())
        answers = self.race(services, services[0].login()["refresh"])
        self.assertEqual(count(answer.status for answer in answers), {200: 1, 401: MANY - 1})
        winner = next(answer for answer in answers if answer.status == 200)
        self.assert_ended(services[0], winner.json)
        self.assertEqual(sum(len(self.reuse_lines(service)) for service in services), 1)

    def test_ended_while_it_is_rotated(self):
        service = self.start(DETECT_REUSE=True, ROTATION_GRACE=60)
        for _ in range(3):
            pair = self.login(service)
            path = "/auth/sessions/%s/" % claims_of(pair["access"])["sid"]
            clients = [service.client() for _ in range(9)]
            answers = at_once(9, lambda i: clients[i].request(
                "DELETE", path, token=pair["access"]) if i == 4 else clients[i].request(
                    "POST", "/auth/token/refresh/", {"refresh": pair["refresh"]}))
            for client in clients:
                client.connection.close()
            self.assertEqual(answers[4].status, 204)
            for answer in answers:
                if answer.status == 200:
                    self.assert_ended(service, answer.json)

    def test_settings_that_need_each_other(self):
        project = support.Project(self.addCleanup, {"EASY_JWT": {"DETECT_REUSE": True}})
        done = project.run("check")
        self.assertEqual(done.code, 1)
        self.assertIn("EASY_JWT.DETECT_REUSE: needs SESSION_CLAIM", done.out + done.err)
        project.change({"EASY_JWT": {**FAMILIES, "DETECT_REUSE": True}})
        self.assertIn("easyjwt.W023", project.do("check").err)
        project.change({"EASY_JWT": {"ROTATION_GRACE": 10}})
        self.assertNotIn("easyjwt.W023", project.do("check").err)


if __name__ == "__main__":
    unittest.main()
