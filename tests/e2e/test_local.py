"""VERIFY_MODE "local": a client-service (examples/client_service) that judges tokens itself, in front of
a real auth-service, beside one that asks it."""

import contextlib
import os
import pathlib
import time
import unittest
from unittest import mock

import support
from support import ALICE, CAROL, SIGNING_KEY, eventually, mint
from test_jwks import NO_PROXY, JwksServer, SigningKey

EXAMPLE = pathlib.Path(support.program()).parent / "examples" / "client_service"
BASE = {
    "SECRET_KEY": support.SECRET_KEY,
    "INSTALLED_APPS": ["easyjwt_client", "easyjwt_user", "admin"],
    "SERVER": {"LISTEN": "127.0.0.1:0"},
}
LOCAL = {"EASY_JWT": {"VERIFY_MODE": "local", "SIGNING_KEY": SIGNING_KEY}}
UNAVAILABLE = {"detail": "Service temporarily unavailable, try again later."}


class LocalTest(unittest.TestCase):
    maxDiff = None

    def auth_of(self, settings=None):
        self.auth_project = support.Project(self.addCleanup, settings, support.usual_users())
        return self.auth_project.start(env=NO_PROXY)

    def project_of(self, auth, settings=None):
        url = {"EASY_JWT": {"REMOTE_AUTH_SERVICE_URL": "http://%s:%d" % auth.address}}
        return support.Project(self.addCleanup, support.merged(url, settings or {}), base=BASE)

    def client_of(self, auth, settings=None):
        with mock.patch.dict(os.environ, EASYJWT_PROGRAM=str(EXAMPLE)):
            self.client_project = self.project_of(auth, settings)
            return self.client_project.start(env=NO_PROXY)

    @staticmethod
    def ask(client, token):
        return client.get("/api/test/", token=token)

    def assert_status(self, client, token, status):
        answer = self.ask(client, token)
        self.assertEqual(answer.status, status, answer)
        return answer


class Words(LocalTest):
    def test_both_modes_answer_with_the_same_bytes(self):
        auth = self.auth_of()
        local, remote = self.client_of(auth, LOCAL), self.client_of(auth)
        pair = auth.login()
        good = pair["access"]
        now = int(time.time())
        cases = {
            "good": good, "minted": mint(), "a text as the user": mint(user_id="1"),
            "no iat": mint(drop=["iat"]),
            "refresh": pair["refresh"], "sliding": mint("sliding"), "no type": mint(drop=["token_type"]),
            "of no type": mint(token_type=None), "another's": mint("webhook"),
            "expired": mint(exp=now - 1), "no exp": mint(drop=["exp"]), "exp a text": mint(exp="9999999999"),
            "exp true": mint(exp=True), "exp too far": mint(raw={"exp": "1e300"}),
            "no jti": mint(drop=["jti"]), "jti empty": mint(jti=""), "jti a number": mint(jti=7),
            "nbf": mint(nbf=now + 600), "iat": mint(iat=now + 600), "iat a text": mint(iat="1"),
            "no user": mint(drop=["user_id"]), "user null": mint(user_id=None),
            "user a fraction": mint(raw={"user_id": "1.5"}), "user a list": mint(user_id=[1]),
            "unknown user": mint(user_id=999999),
            "another key": mint(key="another key of 32 bytes, at least"),
            "none": mint(header={"alg": "none"}), "HS512": mint(alg="HS512"),
            "crit": mint(header={"crit": ["x"]}), "kid": mint(header={"kid": "x"}),
            "cut": good[:-1], "longer": good + "A", "two parts": good.rsplit(".", 1)[0],
            "four parts": good + ".a", "unsigned": good.rsplit(".", 1)[0] + ".",
            "nothing": "a.b.c", "one dot": ".", "long": "a" * 7000, "too long": "a" * 8100,
            "no JSON": mint(raw={"x": "{"}), "deep": mint(raw={"x": "[" * 40 + "]" * 40}),
        }
        for name, token in cases.items():
            for attempt in ("new", "again"):
                with self.subTest(name, attempt=attempt):
                    mine, theirs = self.ask(local, token), self.ask(remote, token)
                    self.assertEqual((mine.status, mine.body), (theirs.status, theirs.body))
                    for field in ("www-authenticate", "content-type", "allow"):
                        self.assertEqual(mine.headers[field], theirs.headers[field])
        self.assert_status(local, good, 200)
        self.assertEqual(self.ask(local, None).body, self.ask(remote, None).body)

    def test_audience_issuer_leeway_and_claims_are_the_settings(self):
        rules = {"EASY_JWT": {"AUDIENCE": ["fleet"], "ISSUER": "us", "LEEWAY": 30,
                              "TOKEN_TYPE_CLAIM": "typ", "JTI_CLAIM": "id", "USER_ID_CLAIM": "uid"}}
        auth = self.auth_of(rules)
        client = self.client_of(auth, support.merged(LOCAL, rules))
        self.assert_status(client, auth.login()["access"], 200)
        names = {"typ": "access", "id": "a", "uid": 1, "aud": "fleet", "iss": "us"}
        drop = ["token_type", "jti", "user_id"]
        self.assert_status(client, mint(drop=drop, **names), 200)
        self.assert_status(client, mint(drop=drop, exp=int(time.time()) - 10, **names), 200)
        for wrong in ({"aud": "x"}, {"iss": "x"}, {"typ": "refresh"}, {"exp": int(time.time()) - 60}):
            self.assert_status(client, mint(drop=drop, **{**names, **wrong}), 401)


class Users(LocalTest):
    """The copy that the service keeps, on either engine."""

    def test_a_copy_is_made_and_kept(self):
        auth = self.auth_of()
        client = self.client_of(auth, support.merged(LOCAL, {"EASY_JWT": {"LOCAL_USER_LIFETIME": "2s"}}))
        token = auth.login()["access"]
        for _ in range(3):
            self.assert_status(client, token, 200)
        copies = 'SELECT email, first_name FROM "user"'
        self.assertEqual([row[0] for row in self.client_project.query(copies)], [ALICE])
        self.auth_project.execute("UPDATE \"user\" SET first_name = 'Renamed' WHERE email = '%s'" % ALICE)

        def is_renamed():
            self.assert_status(client, token, 200)
            return self.client_project.query(copies) == [(ALICE, "Renamed")]
        self.assertTrue(eventually(is_renamed))
        # Who is deactivated there is out when their copy is fetched again, with the remote mode's words.
        self.auth_project.execute("UPDATE \"user\" SET is_active = %s WHERE email = '%s'" % (
            "false", ALICE))
        self.assertTrue(eventually(lambda: self.ask(client, token).status == 401))

    def test_while_the_auth_service_is_dead_good_tokens_go_on(self):
        auth = self.auth_of()
        client = self.client_of(auth, support.merged(LOCAL, {"EASY_JWT": {"LOCAL_USER_LIFETIME": "1s"}}))
        token, other = auth.login()["access"], auth.login(CAROL)["access"]
        self.assert_status(client, token, 200)
        auth.kill()
        until = time.monotonic() + 3  # the user's copy is fetched again, in vain
        while time.monotonic() < until:
            self.assert_status(client, token, 200)
            time.sleep(0.05)
        self.assert_status(client, mint(), 200)  # new, of the same user
        self.assert_status(client, token + "A", 401)
        self.assert_status(client, mint(exp=int(time.time()) - 1), 401)
        answer = self.assert_status(client, other, 503)  # whom it has never seen
        self.assertEqual(answer.json, UNAVAILABLE)
        self.auth_project.start(listen="127.0.0.1:%d" % auth.address[1])
        self.assertTrue(eventually(lambda: self.ask(client, other).status == 200))


class Keys(LocalTest):
    def test_keys_that_the_auth_service_publishes(self):
        key = SigningKey("ES256")
        auth = self.auth_of({"EASY_JWT": {"ALGORITHM": "ES256", "SIGNING_KEY": key.pem}})
        client = self.client_of(auth, {"EASY_JWT": {
            "VERIFY_MODE": "local", "ALGORITHM": "ES256",
            "JWK_URL": "http://%s:%d/.well-known/jwks.json" % auth.address}})
        token = auth.login()["access"]
        self.assert_status(client, token, 200)
        self.assert_status(client, token, 200)
        self.assert_status(client, mint(), 401)
        self.assert_status(client, SigningKey("ES256").token(), 401)
        auth.kill()
        self.assert_status(client, token, 200)
        self.assert_status(client, key.token(header={}), 200)

    def test_a_key_in_the_settings(self):
        key = SigningKey("EdDSA")
        auth = self.auth_of({"EASY_JWT": {"ALGORITHM": "EdDSA", "SIGNING_KEY": key.pem}})
        client = self.client_of(auth, {"EASY_JWT": {
            "VERIFY_MODE": "local", "ALGORITHM": "EdDSA", "VERIFYING_KEY": key.public_pem.decode()}})
        self.assert_status(client, auth.login()["access"], 200)
        self.assert_status(client, SigningKey("EdDSA").token(), 401)
        self.assert_status(client, mint(), 401)

    def test_a_key_that_is_published_no_more_ends_tokens_that_were_known(self):
        old, new = SigningKey("ES256"), SigningKey("ES256")
        jwks = JwksServer([old])
        self.addCleanup(jwks.close)
        by_url = {"EASY_JWT": {"ALGORITHM": "ES256", "JWK_URL": jwks.url}}
        auth = self.auth_of(support.merged(by_url, {"EASY_JWT": {"SIGNING_KEY": old.pem}}))
        client = self.client_of(auth, support.merged(by_url, {"EASY_JWT": {"VERIFY_MODE": "local"}}))
        token = old.token()
        self.assert_status(client, token, 200)
        self.assert_status(client, token, 200)
        jwks.keys = [new]
        self.assert_status(client, new.token(), 200)
        self.assert_status(client, token, 401)
        jwks.close()
        self.assert_status(client, new.token(), 200)

    def test_without_keys_the_policy_decides_and_it_recovers(self):
        key = SigningKey("ES256")
        auth = self.auth_of({"EASY_JWT": {"ALGORITHM": "ES256", "SIGNING_KEY": key.pem}})
        jwks = JwksServer([key])
        self.addCleanup(jwks.close)
        jwks.answer = (500, "")
        token = auth.login()["access"]
        for policy, status in (("refuse", 503), ("accept", 503), ("remote", 200)):
            client = self.client_of(auth, {"EASY_JWT": {
                "VERIFY_MODE": "local", "ALGORITHM": "ES256", "JWK_URL": jwks.url,
                "STALENESS_POLICY": policy}})
            self.assert_status(client, key.token(header={}), status)
            self.assert_status(client, mint(), 401)
            if policy == "accept":
                jwks.answer = None
                self.assertTrue(eventually(lambda: self.ask(client, token).status == 200))
                jwks.answer = (500, "")


class AccessTokenTyp(LocalTest):
    def test_neither_service_need_be_changed_first(self):
        typ = {"EASY_JWT": {"ACCESS_TOKEN_TYP": "at+jwt"}}
        plain, marking = self.auth_of(), self.auth_of(typ)
        before, after = plain.login()["access"], marking.login()["access"]
        self.assertEqual([support.header_of(token)["typ"] for token in (before, after)], ["JWT", "at+jwt"])
        event = mint(header={"typ": "secevent+jwt"})
        for settings, status in ((LOCAL, 200), (support.merged(LOCAL, typ), 401)):
            client = self.client_of(marking, settings)
            self.assert_status(client, before, 200)
            self.assert_status(client, after, 200)
            if status == 401:
                refused = self.assert_status(client, event, status)
                self.assertEqual(refused.json, self.ask(self.client_of(marking), event).json)


class Check(LocalTest):
    def check(self, settings):
        with contextlib.ExitStack() as stack:
            project = support.Project(stack.callback, settings, base=BASE)
            return project.run("check")

    def test_a_shared_secret_is_warned_of(self):
        done = self.check(LOCAL)
        self.assertEqual(done.code, 0, done)
        self.assertIn("easyjwt.W018", done.err)
        self.assertIn("easyjwt.W019", done.err)
        self.assertNotIn(SIGNING_KEY, done.err)

    def test_a_public_key_is_not(self):
        key = SigningKey("ES256").public_pem.decode()
        mode = {"VERIFY_MODE": "local", "ALGORITHM": "ES256"}
        done = self.check({"EASY_JWT": {**mode, "VERIFYING_KEY": key}})
        self.assertEqual(done.code, 0, done)
        self.assertNotIn("easyjwt.W018", done.err)
        done = self.check({"EASY_JWT": {**mode, "JWK_URL": "http://auth.example.com/jwks.json"}})
        self.assertIn("easyjwt.W006", done.err)
        done = self.check({"EASY_JWT": {**mode, "VERIFYING_KEY": key, "SIGNING_KEY": "x"}})
        self.assertIn("easyjwt.W020", done.err)

    def test_a_feed_is_of_local_alone(self):
        feed = {"EASY_JWT": {"FEED_CLIENT_ID": "orders", "FEED_CLIENT_SECRET": "a-secret"}}
        done = self.check(support.merged(LOCAL, feed))
        self.assertEqual(done.code, 0, done)
        self.assertNotIn("easyjwt.W019", done.err)
        self.assertNotIn("easyjwt.W024", done.err)
        done = self.check(feed)
        self.assertEqual(done.code, 0, done)
        self.assertIn("easyjwt.W024", done.err)
        self.assertNotIn("a-secret", done.err)

    def test_what_is_missing_is_an_error(self):
        for settings, words in (
                ({"VERIFY_MODE": "local"}, "EASY_JWT.SIGNING_KEY: must be the auth-service's"),
                ({"VERIFY_MODE": "local", "ALGORITHM": "ES256"}, "needs JWK_URL or VERIFYING_KEY"),
                ({"VERIFY_MODE": "local", "SIGNING_KEY": SIGNING_KEY, "FEED_CLIENT_ID": "orders"},
                 "EASY_JWT.FEED_CLIENT_SECRET: must be set, too"),
                ({"SIGNING_KEY": "x"}, "a client-service has no use for it")):
            done = self.check({"EASY_JWT": settings})
            self.assertEqual(done.code, 1, done)
            self.assertIn(words, done.err)


if __name__ == "__main__":
    unittest.main()
