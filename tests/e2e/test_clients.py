"""OAuth clients: easyjwt clients, introspection (RFC 7662), revocation (RFC 7009), access tokens of RFC 9068."""

import base64
import contextlib
import time
import unittest
import urllib.parse

import jwt

import support
from support import ALICE, PASSWORDS

INTROSPECT, REVOKE = "/auth/introspect/", "/auth/revoke/"


class ClientsTest(unittest.TestCase):
    maxDiff = None

    def start(self, easy_jwt=None, **settings):
        self.project = support.Project(self.addCleanup, {"EASY_JWT": easy_jwt or {}, **settings}, support.usual_users())
        self.service = self.project.start()

    def add(self, name="gateway", *scopes):
        """A client's id and secret."""
        options = [part for scope in scopes or ("introspect", "revoke") for part in ("--scope", scope)]
        lines = self.project.do("clients", "add", name, *options).out.splitlines()
        (id_word, client_id), (secret_word, secret) = [line.split() for line in lines]
        self.assertEqual((id_word, secret_word), ("client_id", "client_secret"))
        self.project.secrets.add(secret)
        return client_id, secret

    @staticmethod
    def basic(client):
        joined = ":".join(urllib.parse.quote(part, safe="") for part in client)
        return {"Authorization": "Basic " + base64.b64encode(joined.encode()).decode()}

    def ask(self, path, token, client=None, **form):
        """By client_secret_basic."""
        self.service.secrets.add(self.client[1])
        return self.service.post(path, form={"token": token, **form}, headers=self.basic(client or self.client))

    def introspect(self, token, **form):
        answer = self.ask(INTROSPECT, token, **form)
        self.assertEqual((answer.status, answer.headers["Cache-Control"]), (200, "no-store"), answer)
        return answer.json

    def assert_inactive(self, token):
        answer = self.ask(INTROSPECT, token)
        self.assertEqual((answer.status, answer.body), (200, b'{"active":false}'))

    def assert_error(self, answer, status, error):
        self.assertEqual((answer.status, answer.json["error"]), (status, error), answer)
        self.assertEqual(set(answer.json), {"error", "error_description"})
        self.assertEqual(answer.headers["WWW-Authenticate"], 'Basic realm="api"' if status == 401 else None)


class Introspection(ClientsTest):
    def setUp(self):
        self.start()
        self.client = self.add()

    def test_what_stands(self):
        pair = self.service.login()
        for use in ("access", "refresh"):
            claims = support.claims_of(pair[use])
            expected = {"active": True, "token_use": use, "sub": "1", "username": ALICE, "exp": claims["exp"],
                        "iat": claims["iat"], "jti": claims["jti"], "user_id": 1}
            if use == "access":
                expected["token_type"] = "Bearer"
            for hint in ({}, {"token_type_hint": "access_token"}, {"token_type_hint": "nonsense"}):
                self.assertEqual(self.introspect(pair[use], **hint), expected)
        sliding = self.service.post("/auth/token/sliding/", {"email": ALICE, "password": PASSWORDS[ALICE]}).json["token"]
        told = self.introspect(sliding)
        self.assertEqual((told["token_type"], told["token_use"], told["refresh_exp"]),
                         ("Bearer", "sliding", support.claims_of(sliding)["refresh_exp"]))

    def test_what_does_not(self):
        pair = self.service.login()
        now = int(time.time())
        for token in ("a", "a.b.c", "...", pair["access"] + "x", "ä\0", "x" * 100000, support.mint(key="another" * 9),
                      support.mint(exp=now - 1), support.mint(nbf=now + 60), support.mint(iat=now + 60),
                      support.mint(drop=("exp",)), support.mint(drop=("jti",)), support.mint("id"),
                      support.mint(drop=("user_id",)), support.mint(user_id=99), support.mint(user_id=2),
                      support.mint(raw={"token_type": "5"}), support.mint(header={"alg": "none"}),
                      support.mint("refresh", user_id=2)):
            self.assert_inactive(token)
        self.assertTrue(self.introspect(pair["refresh"])["active"])
        self.service.post("/auth/token/blacklist/", {"refresh": pair["refresh"]})
        self.assert_inactive(pair["refresh"])
        self.project.query('UPDATE "user" SET is_active = FALSE WHERE id = 1')
        self.assert_inactive(pair["access"])

    def test_claims_cannot_pass_for_what_we_say(self):
        token = support.mint(nbf=1, sub="99", username="root", active=False, token_use="admin", client_id="c",
                             scope="a b", note={"deep": [1]}, hash_password="ABC")
        told = self.introspect(token)
        self.assertEqual({name: told.get(name) for name in ("active", "sub", "username", "token_type", "token_use", "nbf")},
                         {"active": True, "sub": "1", "username": ALICE, "token_type": "Bearer", "token_use": "access", "nbf": 1})
        self.assertEqual((told["client_id"], told["scope"], told["note"]), ("c", "a b", {"deep": [1]}))
        self.assertNotIn("hash_password", told)

    def test_who_may_ask(self):
        token = self.service.login()["access"]
        feed = self.add("feed", "feed")
        self.assert_error(self.ask(INTROSPECT, token, feed), 403, "insufficient_scope")
        self.assert_error(self.service.post(INTROSPECT, form={"token": token}), 401, "invalid_client")
        self.assert_error(self.service.post(INTROSPECT), 401, "invalid_client")
        self.assert_error(self.service.post(INTROSPECT, form={"token": token}, token=token), 401, "invalid_client")
        self.assert_error(self.ask(INTROSPECT, token, (self.client[0], feed[1])), 401, "invalid_client")
        self.assert_error(self.ask(INTROSPECT, token, ("nobody-here", self.client[1])), 401, "invalid_client")
        posted = {"token": token, "client_id": self.client[0], "client_secret": self.client[1]}
        self.assertTrue(self.service.post(INTROSPECT, form=posted).json["active"])
        self.assert_error(self.service.post(INTROSPECT, form=posted, headers=self.basic(self.client)), 400, "invalid_request")
        self.project.do("clients", "remove", "gateway")
        self.assert_error(self.ask(INTROSPECT, token), 401, "invalid_client")

    def test_what_is_no_request(self):
        headers = self.basic(self.client)
        self.assert_error(self.service.post(INTROSPECT, {"token": "x"}, headers=headers), 415, "invalid_request")
        self.assert_error(self.service.post(INTROSPECT, headers=headers), 400, "invalid_request")
        self.assert_error(self.service.post(INTROSPECT, form={"token": ""}, headers=headers), 400, "invalid_request")
        self.assert_error(self.service.post(INTROSPECT, form=[("token", "a"), ("token", "b")], headers=headers), 400,
                          "invalid_request")
        self.assert_error(self.service.post(INTROSPECT + "?token=x", headers=headers), 400, "invalid_request")
        self.assertEqual(self.service.get(INTROSPECT, headers=headers).status, 405)


class Revocation(ClientsTest):
    def setUp(self):
        self.start()
        self.client = self.add()

    def revoke(self, token, **form):
        answer = self.ask(REVOKE, token, **form)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def test_a_refresh_token_ends(self):
        pair = self.service.login()
        self.revoke(pair["refresh"], token_type_hint="access_token")
        answer = self.service.post("/auth/token/refresh/", {"refresh": pair["refresh"]})
        self.assertEqual((answer.status, answer.json["detail"]), (401, "Token is blacklisted"))
        self.assert_inactive(pair["refresh"])
        self.revoke(pair["refresh"])
        self.assertEqual(self.project.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(1,)])

    def test_a_sliding_token_ends(self):
        sliding = self.service.post("/auth/token/sliding/", {"email": ALICE, "password": PASSWORDS[ALICE]}).json["token"]
        later = self.service.post("/auth/token/sliding/refresh/", {"token": sliding}).json["token"]
        self.revoke(sliding)
        for token in (sliding, later):
            self.assertEqual(self.service.post("/auth/token/sliding/refresh/", {"token": token}).status, 401)
            self.assert_inactive(token)

    def test_an_access_token_does_not(self):
        token = self.service.login()["access"]
        self.assert_error(self.ask(REVOKE, token), 400, "unsupported_token_type")
        self.assertTrue(self.introspect(token)["active"])

    def test_what_is_no_token_is_no_error(self):
        for token in ("a", "a.b.c", support.mint("refresh", key="another" * 9), support.mint("refresh", exp=1)):
            self.revoke(token)
        self.assertEqual(self.project.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(0,)])

    def test_who_may(self):
        refresh = self.service.login()["refresh"]
        self.assert_error(self.ask(REVOKE, refresh, self.add("reader", "introspect")), 403, "insufficient_scope")
        self.assert_error(self.ask(REVOKE, refresh, ("x", "y")), 401, "invalid_client")
        self.assert_error(self.service.post(REVOKE, {"token": refresh}, headers=self.basic(self.client)), 415, "invalid_request")
        self.assertTrue(self.introspect(refresh)["active"])

    def test_at_once(self):
        refresh = self.service.login()["refresh"]
        answers = support.at_once(8, lambda _: self.ask(REVOKE, refresh).status)
        self.assertEqual(answers, [200] * 8)
        self.assertEqual(self.project.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(1,)])


class Families(ClientsTest):
    def test_revoking_any_token_of_a_login_ends_it(self):
        self.start({"SESSION_CLAIM": "sid"})
        self.client = self.add()
        pair, other = self.service.login(), self.service.login()
        self.assertEqual(self.introspect(pair["access"])["sid"], support.claims_of(pair["access"])["sid"])
        self.assertEqual(self.ask(REVOKE, pair["access"]).status, 200)
        for token in pair.values():
            self.assert_inactive(token)
        self.assertEqual(self.service.get("/auth/user/", token=pair["access"]).status, 401)
        self.assertTrue(self.introspect(other["access"])["active"])


class Outage(ClientsTest):
    def test_what_cannot_be_known_is_not_said(self):
        import psycopg2  # pylint: disable=import-outside-toplevel
        self.start()
        self.client = self.add()
        pair = self.service.login()
        for table in ('"user"', "easyjwt_client", "token_blacklist_outstandingtoken"):
            with contextlib.closing(psycopg2.connect(self.project.postgresql.url)) as connection:
                connection.cursor().execute("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE" % table)
                for path in (INTROSPECT, REVOKE):
                    if path == INTROSPECT or table != '"user"':
                        answer = self.ask(path, pair["refresh"])
                        self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "1"), (table, path))
        self.assertTrue(self.introspect(pair["refresh"])["active"])
        # The outage is an error in its log, and well so.
        self.service.kill()


class WithoutABlacklist(ClientsTest):
    def test_nothing_can_be_revoked(self):
        self.start(INSTALLED_APPS=["easyjwt_auth", "easyjwt_user"])
        self.client = self.add()
        self.assertEqual(self.ask(REVOKE, "x").status, 404)
        self.assertTrue(self.introspect(self.service.login()["refresh"])["active"])
        metadata = self.service.get("/.well-known/oauth-authorization-server").json
        self.assertNotIn("revocation_endpoint", metadata)
        self.assertIn("introspection_endpoint", metadata)


class Commands(ClientsTest):
    def setUp(self):
        self.project = support.Project(self.addCleanup, {}, support.usual_users())

    def test_a_client_is_shown_without_its_secret(self):
        client_id, secret = self.add("API Gateway")
        self.assertRegex(client_id, r"^api-gateway-[a-z2-9]{6}$")
        self.assertEqual(len(support.unb64(secret)), 32)
        self.add("feed", "feed,revoke")
        out = self.project.do("clients", "list").out
        self.assertRegex(out, r"(?m)^%s  introspect revoke +2\S+Z  API Gateway$" % client_id)
        self.assertRegex(out, r"(?m)^feed-\w{6} +feed revoke +2\S+Z  feed$")
        self.assertNotIn(secret, out)
        self.assertNotIn(secret, str(self.project.query("SELECT client_id, secret_sha256, name, scopes FROM easyjwt_client")))

    def test_removing(self):
        client_id, _ = self.add("a")
        self.assertIn("is gone", self.project.do("clients", "remove", client_id).out)
        done = self.project.run("clients", "remove", client_id)
        self.assertEqual((done.code, done.err), (1, 'Error: there is no client "%s"\n' % client_id))

    def test_what_is_refused(self):
        self.add("a")
        for code, *command in ((1, "a", "--scope", "feed"), (1, "", "--scope", "feed"), (1, "a\nb", "--scope", "feed"),
                               (2, "b"), (2, "b", "--scope", "everything"), (2, "--scope", "feed")):
            done = self.project.run("clients", "add", *command)
            self.assertEqual((done.code, done.out, len(done.err.splitlines())), (code, "", 1), done)
        self.assertEqual(len(self.project.do("clients", "list").out.splitlines()), 2)
        self.project.settings = {"SECRET_KEY": support.SECRET_KEY, "INSTALLED_APPS": ["easyjwt_client", "easyjwt_user"]}
        self.project.write()
        self.assertIn("client-service", self.project.run("clients", "list").err)


class AccessTokenTyp(ClientsTest):
    def test_it_is_written_and_others_are_refused(self):
        self.start({"ACCESS_TOKEN_TYP": "at+jwt"})
        pair = self.service.login()
        self.assertEqual(jwt.get_unverified_header(pair["access"]), {"alg": "HS256", "typ": "at+jwt"})
        self.assertEqual(jwt.get_unverified_header(pair["refresh"]), {"alg": "HS256", "typ": "JWT"})
        self.assertEqual(jwt.decode(pair["access"], support.SIGNING_KEY, ["HS256"])["user_id"], 1)
        refreshed = self.service.post("/auth/token/refresh/", {"refresh": pair["refresh"]}).json["access"]
        # What was handed out before the setting stands.
        for token in (pair["access"], refreshed, support.mint(), support.mint(header={"typ": "application/AT+JWT"})):
            self.assertEqual(self.service.get("/auth/user/", token=token).status, 200)
        for header in ({"typ": "secevent+jwt"}, {"typ": None}, {"typ": ["JWT"]}):
            self.assertEqual(self.service.get("/auth/user/", token=support.mint(header=header)).status, 401)
        issued = self.project.do("token", "issue", ALICE).out.strip()
        self.assertEqual(jwt.get_unverified_header(issued)["typ"], "at+jwt")

    def test_by_default_nothing_is_new(self):
        self.start()
        token = self.service.login()["access"]
        self.assertEqual(support.unb64(token.split(".")[0]), b'{"alg":"HS256","typ":"JWT"}')
        self.assertEqual(self.service.get("/auth/user/", token=support.mint(header={"typ": "anything"})).status, 200)


if __name__ == "__main__":
    unittest.main()
