"""/.well-known/: what an auth-service publishes of itself, as others read it: PyJWT, and another service of ours."""

import time
import unittest

import jwt

import support
from test_jwks import NO_PROXY, SigningKey

KEYS = "/.well-known/jwks.json"
ALGORITHMS = ("RS256", "PS384", "ES256", "ES512", "EdDSA")


class WellKnown(unittest.TestCase):
    maxDiff = None

    def serve(self, easy_jwt=None, users=(), **settings):
        project = support.Project(self.addCleanup, {"EASY_JWT": easy_jwt or {}, **settings}, users)
        return project.start(env=NO_PROXY)

    def test_python_verifies_with_what_is_published(self):
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm):
                key = SigningKey(algorithm)
                service = self.serve({"ALGORITHM": algorithm, "SIGNING_KEY": key.pem}, support.usual_users())
                answer = service.get(KEYS)
                self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/json"))
                (published,) = answer.json["keys"]
                kid = published["kid"]
                self.assertEqual(published, {**key.jwk(kid=kid), "alg": algorithm})
                (found,) = jwt.PyJWKSet.from_dict(answer.json).keys
                token = service.login()["access"]
                self.assertEqual(jwt.decode(token, found.key, [algorithm])["user_id"], 1)
                # Nothing but the name is new in a token.
                self.assertEqual(jwt.get_unverified_header(token), {"alg": algorithm, "typ": "JWT"})

    def test_a_service_of_ours_follows(self):
        key = SigningKey("ES256")
        issuer = self.serve({"ALGORITHM": "ES256", "SIGNING_KEY": key.pem}, support.usual_users())
        follower = self.serve({"ALGORITHM": "ES256", "SIGNING_KEY": SigningKey("ES256").pem,
                               "JWK_URL": "http://%s:%d%s" % (*issuer.address, KEYS)})
        token = issuer.login()["access"]
        self.assertEqual(follower.post("/auth/token/verify/", {"token": token}).json, {})
        other = SigningKey("ES256").token(exp=int(time.time()) + 60)
        self.assertEqual(follower.post("/auth/token/verify/", {"token": other}).status, 401)

    def test_a_shared_secret_is_published_nowhere(self):
        service = self.serve()
        self.assertEqual(service.get(KEYS).json, {"keys": []})

    def test_caches(self):
        service = self.serve({"ALGORITHM": "EdDSA", "SIGNING_KEY": SigningKey("EdDSA").pem})
        for path in (KEYS, "/.well-known/openid-configuration"):
            first = service.get(path)
            self.assertEqual(first.headers["Cache-Control"], "public, max-age=300")
            tag = first.headers["ETag"]
            self.assertRegex(tag, r'^"[\w-]{22}"$')
            for asked in (tag, "W/" + tag, '"other", ' + tag, "*"):
                again = service.get(path, headers={"If-None-Match": asked})
                self.assertEqual((again.status, again.body, again.headers["ETag"]), (304, b"", tag), asked)
            self.assertEqual(service.get(path, headers={"If-None-Match": '"other"'}).body, first.body)
            self.assertEqual(service.request("HEAD", path).status, 200)
            self.assertEqual(service.post(path).status, 405)

    def test_metadata(self):
        service = self.serve()
        origin = "http://%s:%d" % service.address
        expected = {"issuer": origin, "jwks_uri": origin + KEYS, "response_types_supported": [],
                    "grant_types_supported": [],
                    "introspection_endpoint": origin + "/auth/introspect/",
                    "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                    "revocation_endpoint": origin + "/auth/revoke/",
                    "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["HS256"]}
        for name in ("openid-configuration", "oauth-authorization-server"):
            self.assertEqual(service.get("/.well-known/" + name).json, expected)
        named = self.serve({"ISSUER": "https://auth.example.com"})
        self.assertEqual(named.get("/.well-known/openid-configuration").json["issuer"], "https://auth.example.com")
        self.assertEqual(named.get("/.well-known/openid-configuration", headers={"Host": "evil.example"}).status, 400)


if __name__ == "__main__":
    unittest.main()
