"""Signing keys in the database: a rotation under load, by itself, and what is refused."""

import re
import threading
import time
import unittest

import jwt

import support
from support import ALICE, eventually
from test_jwks import NO_PROXY

KEYS = "/.well-known/jwks.json"
ROTATING = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}


class KeysTest(unittest.TestCase):
    def keys(self, project, *command, code=0):
        done = project.run("keys", *command)
        self.assertEqual(done.code, code, done)
        return done.err.strip() if code else done.out.strip()

    def project_with(self, easy_jwt=None, **settings):
        return support.Project(self.addCleanup, {"EASY_JWT": easy_jwt or {}, **settings}, support.usual_users())

    def kids(self, service):
        return [key["kid"] for key in service.get(KEYS).json["keys"]]

    def states(self, project):
        """{key: (algorithm, state)}"""
        lines = self.keys(project, "list").splitlines()[1:]
        return {line.split()[0]: tuple(line.split()[1:3]) for line in lines}


class Rotation(KeysTest):
    def test_under_load_no_good_token_is_refused(self):
        # From HS256 to ES256 on two nodes, with a client-service that judges by the published keys.
        project = self.project_with(ROTATING)
        nodes = [project.start(), project.start()]
        old = nodes[0].login()
        self.assertEqual(jwt.get_unverified_header(old["access"]), {"alg": "HS256", "typ": "JWT"})
        bad, done, headers = [], threading.Event(), set()

        def user(number):
            pair = nodes[number % 2].login()
            with nodes[0].client() as one, nodes[1].client() as other:
                while not done.is_set():
                    for node in (one, other):
                        answers = [node.request("POST", "/auth/token/verify/", {"token": pair["access"]}),
                                   node.request("GET", "/auth/user/", token=pair["access"]),
                                   node.request("POST", "/auth/token/refresh/", {"refresh": pair["refresh"]})]
                        bad.extend(str(answer) for answer in answers if answer.status != 200)
                        pair = {**pair, **answers[2].json}
                        headers.add(jwt.get_unverified_header(pair["access"])["alg"])

        threads = [threading.Thread(target=user, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        try:
            kid = self.keys(project, "rotate", "--algorithm", "ES256", "--in", "10s")
            self.assertEqual(self.states(project), {"settings": ("HS256", "signs"), kid: ("ES256", "published")})
            for node in nodes:
                self.assertTrue(eventually(lambda node=node: self.kids(node) == [kid], 8), node.log())
            self.assertEqual(headers, {"HS256"})
            for node in nodes:
                signs = lambda node=node: jwt.get_unverified_header(node.login()["access"]).get("kid") == kid
                self.assertTrue(eventually(signs, 30, every=0.5), node.log())
            time.sleep(1)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertEqual(bad, [])
        self.assertEqual(headers, {"HS256", "ES256"})
        self.assertEqual(self.states(project), {"settings": ("HS256", "verifies"), kid: ("ES256", "signs")})

        # Both stand everywhere, and after a restart.
        new = nodes[0].login()
        nodes[0].stop()
        nodes[0] = project.start()
        for node in nodes:
            for pair in (old, new):
                self.assertEqual(node.get("/auth/user/", token=pair["access"]).status, 200)
                self.assertEqual(node.post("/auth/token/refresh/", {"refresh": pair["refresh"]}).status,
                                 200 if node is nodes[0] else 401)
            self.assertEqual(set(node.get("/.well-known/openid-configuration").json
                                 ["id_token_signing_alg_values_supported"]), {"HS256", "ES256"})
        (found,) = jwt.PyJWKSet.from_dict(nodes[1].get(KEYS).json).keys
        self.assertEqual(jwt.decode(new["access"], found.key, ["ES256"])["user_id"], 1)

        client = support.Project(self.addCleanup, {
            "SECRET_KEY": support.SECRET_KEY, "INSTALLED_APPS": ["easyjwt_client", "easyjwt_user"], "EASY_JWT": {
                "REMOTE_AUTH_SERVICE_URL": "http://%s:%d" % nodes[1].address, "ALGORITHM": "ES256",
                "VERIFY_MODE": "local", "JWK_URL": "http://%s:%d%s" % (*nodes[1].address, KEYS)}})
        service = client.start(env=NO_PROXY)
        self.assertEqual(service.get("/auth/forward/", token=new["access"]).status, 200)

        # Operators' commands go by the same keys.
        self.assertIn("It stands", project.run("token", "verify", new["access"]).out)
        issued = project.run("token", "issue", ALICE).out.strip()
        self.assertEqual(jwt.get_unverified_header(issued)["kid"], kid)

        # A key that was stolen: everything it signed is refused.
        self.keys(project, "retire", "settings")
        for node in nodes:
            refused = lambda node=node: node.get("/auth/user/", token=old["access"]).status == 401
            self.assertTrue(eventually(refused, 10), node.log())
            self.assertEqual(node.get("/auth/user/", token=new["access"]).status, 200)

    def test_by_itself(self):
        project = self.project_with({"KEY_ROTATION_INTERVAL": "1h"})
        nodes = [project.start(), project.start()]
        made = lambda: len(self.states(project)) == 2
        self.assertTrue(eventually(made, 10, every=0.2), nodes[0].log())
        (kid,) = set(self.states(project)) - {"settings"}
        self.assertEqual(self.states(project), {"settings": ("HS256", "signs"), kid: ("HS256", "published")})
        time.sleep(5)  # two looks of each
        self.assertEqual(len(self.states(project)), 2)
        self.assertEqual(sum(node.log().count("signing key made") for node in nodes), 1)
        self.assertEqual(self.kids(nodes[0]), [])  # a shared secret
        for node in nodes:
            self.assertEqual(node.error_lines(), [])


class Refusals(KeysTest):
    def test_what_is_refused(self):
        project = self.project_with()
        self.assertIn("no key", self.keys(project, "retire", "nothing", code=1))
        self.assertIn("signs now", self.keys(project, "retire", "settings", code=1))
        self.keys(project, "rotate", "--algorithm", "none", code=2)
        for lead in ("9s", "31d", "soon", "-1h"):
            self.assertIn("--in", self.keys(project, "rotate", "--in=" + lead, code=2))
        self.assertIn("2048", self.keys(project, "rotate", "--algorithm", "RS256", "--bits", "512", code=2))
        self.assertEqual(list(self.states(project)), ["settings"])
        kid = self.keys(project, "rotate")
        self.assertIn(kid, self.keys(project, "rotate", code=1))
        self.keys(project, "retire", kid)
        self.assertEqual(list(self.states(project)), ["settings"])

    def test_another_secret_key(self):
        project = self.project_with()
        kid = self.keys(project, "rotate", "--algorithm", "EdDSA")
        project.change({"SECRET_KEY": "another-secret-key-that-is-long-enough-for-anybody-55"})
        with self.assertRaises(AssertionError) as refused:
            project.start()
        self.assertRegex(str(refused.exception), "SECRET_KEY.*%s.*cannot be decrypted" % re.escape(kid))
        self.assertIn("SECRET_KEY", self.keys(project, "export", code=1))
        project.change({"SECRET_KEY_FALLBACKS": [support.SECRET_KEY]})
        self.assertEqual(self.kids(project.start()), [kid])

    def test_nothing_private_is_in_the_database(self):
        project = self.project_with()
        self.keys(project, "rotate", "--algorithm", "RS256")
        ((sealed,),) = project.query("SELECT sealed FROM easyjwt_key WHERE kid <> ''")
        self.assertNotIn(b"PRIVATE", support.unb64(sealed))
        self.assertGreater(len(sealed), 1000)

    def test_a_database_that_is_away_changes_nothing(self):
        project = self.project_with()
        kid = self.keys(project, "rotate", "--algorithm", "EdDSA")
        service = project.start()
        project.execute("ALTER TABLE easyjwt_key RENAME TO away")
        self.assertTrue(eventually(lambda: "cannot be followed" in service.log(), 10), service.log())
        self.assertEqual(self.kids(service), [kid])
        time.sleep(5)
        self.assertEqual(service.log().count("cannot be followed"), 1)
        project.execute("ALTER TABLE away RENAME TO easyjwt_key")
        self.assertTrue(eventually(lambda: "followed again" in service.log(), 10), service.log())


if __name__ == "__main__":
    unittest.main()
