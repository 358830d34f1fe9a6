"""easyjwt token: issue, decode and verify; easyjwt keys: generate, list and export."""

import json
import stat
import time
import unittest

import support
from support import ALICE, b64


class Token(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.project = support.Project(self.addCleanup, {"EASY_JWT": {"AUTH_TOKEN_CLASSES": ["AccessToken"]}},
                                       support.usual_users())

    def token(self, *command, stdin="", code=0):
        done = self.project.run("token", *command, stdin=stdin)
        self.assertEqual(done.code, code, done)
        return done.err.strip() if code else done.out.strip()

    def test_issued_ones_are_good(self):
        for who in (ALICE, "1"):
            raw = self.token("issue", who, "--lifetime", "90s")
            self.assertEqual(self.token("verify", raw), "It stands.")
        refresh = self.token("issue", ALICE, "--type", "refresh")
        self.assertEqual(self.project.query("SELECT user_id, token FROM token_blacklist_outstandingtoken"),
                         [(1, refresh)])
        service = self.project.start()
        self.assertEqual(service.get("/auth/user/", token=raw).json["email"], ALICE)
        access = service.post("/auth/token/refresh/", {"refresh": refresh})
        self.assertEqual(access.status, 200)
        claims = support.claims_of(raw)
        self.assertEqual(claims["exp"] - claims["iat"], 90)
        sliding = self.token("issue", ALICE, "--type", "sliding")
        self.assertEqual(service.post("/auth/token/sliding/refresh/", {"token": sliding}).status, 200)

    def test_what_cannot_be_issued(self):
        self.assertIn('there is no user "nobody@example.com"', self.token("issue", "nobody@example.com", code=1))
        self.assertIn('there is no user "99"', self.token("issue", "99", code=1))
        self.project.query('UPDATE "user" SET is_active = FALSE WHERE id = 1')
        self.assertIn("is not active", self.token("issue", ALICE, code=1))
        for wrong in (("--type", "identity"), ("--lifetime", "soon"), ("--lifetime", "0"), ("--lifetime", "99999999999d")):
            self.token("issue", ALICE, *wrong, code=2)
        self.token(code=2)

    def test_decode_says_what_is_in_it_and_whether_it_stands(self):
        raw = self.token("issue", ALICE)
        out = self.token("decode", "-", stdin=raw + "\n")
        self.assertRegex(out, r'(?s)^header\n  alg: "HS256"\n  typ: "JWT"\nclaims\n  token_type: "access"\n'
                              r'  exp: \d+  \(\d{4}-.*Z, in (5 min|4 min \d+ s)\)\n  iat: \d+  \(.*, '
                              r'(in 0 s|\d s ago)\)\n.*  user_id: 1\nIt stands\.$')

    def test_decode_says_why_it_would_be_refused(self):
        def lines(raw):
            return self.token("decode", raw).splitlines()

        raw = self.token("issue", ALICE)
        head, body, _ = raw.split(".")
        self.assertEqual(lines("%s.%s.%s" % (head, body, b64(bytes(32))))[-1], "It would be refused: the signature is wrong")
        old = support.mint(exp=int(time.time()) - 3700)
        expired = lines(old)
        self.assertRegex(expired[-1], "It would be refused: .*expired")
        self.assertTrue(any("(" in line and line.endswith("1 h 1 min ago)") for line in expired), expired)
        refresh = self.token("issue", ALICE, "--type", "refresh")
        self.project.start().post("/auth/token/blacklist/", {"refresh": refresh})
        self.assertIn("blacklisted", lines(refresh)[-1])
        self.assertIn("blacklisted", self.token("verify", "-", stdin=refresh, code=1))
        fresh = self.token("issue", ALICE, "--type", "refresh")
        self.project.query('UPDATE "user" SET is_active = FALSE WHERE id = 1')
        self.assertIn("No active account", lines(fresh)[-1])
        self.assertIn("inactive", lines(raw)[-1])

    def test_what_is_no_token(self):
        for raw in ("", "a", "a.b.c", "....", b64(b"[]") + ".e30.", "x" * 20000):
            self.assertTrue(self.token("decode", "-", stdin=raw, code=1).startswith("Error: this is"), raw[:10])
            self.assertIn("refused", self.token("verify", "-", stdin=raw, code=1))

    def test_nothing_in_a_token_reaches_the_terminal(self):
        evil = json.dumps({"alg": "\x1b[2J\u202e\x9b", "\x1b]0;": 1}, ensure_ascii=False).encode()
        out = self.token("decode", "%s.%s.x" % (b64(evil), b64(b'{"exp": 9e99, "iat": -1, "nbf": 99999999999999}')))
        self.assertTrue(out.isascii() and out.replace("\n", "").isprintable(), repr(out))

    def test_a_client_service_knows_nothing(self):
        self.project.settings = {"SECRET_KEY": support.SECRET_KEY, "INSTALLED_APPS": ["easyjwt_client", "easyjwt_user"]}
        self.project.write()
        self.assertIn("client-service", self.token("verify", "a.b.c", code=1))


class Keys(unittest.TestCase):
    def keys(self, project, *command, code=0):
        done = project.run("keys", *command)
        self.assertEqual(done.code, code, done)
        return done.err.strip() if code else done.out.strip()

    def test_a_fresh_key_signs_and_is_shown_and_published(self):
        for algorithm, more in (("RS256", ["--bits", "2048"]), ("ES384", []), ("EdDSA", [])):
            with self.subTest(algorithm):
                project = support.Project(self.addCleanup, {}, support.usual_users())
                file = project.path / "key.pem"
                path, kid = self.keys(project, "generate", algorithm, file, *more).splitlines()
                self.assertEqual((path, stat.S_IMODE(file.stat().st_mode)), (str(file), 0o600))
                project.change({"EASY_JWT": {"ALGORITHM": algorithm, "SIGNING_KEY": "key.pem"}})
                self.assertRegex(self.keys(project, "list"), r"settings +%s +signs" % algorithm)
                service = project.start()
                self.assertIn(kid.split()[1], self.keys(project, "export"))
                self.assertEqual(json.loads(self.keys(project, "export")), service.get("/.well-known/jwks.json").json)
                token = service.login()["access"]
                self.assertEqual(service.post("/auth/token/verify/", {"token": token}).json, {})

    def test_secrets_are_shown_nowhere(self):
        project = support.Project(self.addCleanup)
        file = project.path / "key"
        self.assertEqual(self.keys(project, "generate", "HS512", file), str(file))
        self.assertEqual(len(support.unb64(file.read_text())), 64)
        listed = self.keys(project, "list")
        self.assertRegex(listed, "settings +HS256 +signs")
        self.assertNotIn(support.SIGNING_KEY, listed)
        self.assertIn("published nowhere", self.keys(project, "export", code=1))

    def test_what_is_refused(self):
        project = support.Project(self.addCleanup)
        file = project.path / "key"
        file.write_text("mine")
        self.assertIn(str(file), self.keys(project, "generate", "ES256", file, code=1))
        self.assertEqual(file.read_text(), "mine")
        self.keys(project, "generate", "none", project.path / "other", code=2)
        self.assertIn("2048", self.keys(project, "generate", "RS256", project.path / "other", "--bits", "1024", code=2))
        self.assertFalse((project.path / "other").exists())
        self.keys(project, code=2)


if __name__ == "__main__":
    unittest.main()
