"""Tokens that nobody of good will makes. Every one is judged as it should be: no fault, no inside."""

import base64
import json
import time
import unittest

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import support
from support import ServiceTest, b64, mint, sign_hmac

NOW = int(time.time())
LATEST = 253402300799  # the last second of year 9999
MALFORMED = object()   # what is no JSON, so that the whole token is none
ANY = object()         # may be read or refused, as long as nothing breaks

# name: (JSON text, value)
VALUES = {
    "null": ("null", None), "true": ("true", True), "false": ("false", False),
    "empty-string": ('""', ""), "string": ('"x"', "x"), "number-string": ('"1"', "1"),
    "padded-number": ('" 1 "', " 1 "), "future-string": ('"%d"' % (NOW + 300), str(NOW + 300)),
    "signed-string": ('"+1"', "+1"), "fraction-string": ('"1.0"', "1.0"),
    "arabic-digit": ('"\\u0661"', "\u0661"), "underscored": ('"1_0"', "1_0"),
    "huge-digits": ('"' + "9" * 400 + '"', "9" * 400), "long-string": ('"' + "a" * 255 + '"', "a" * 255),
    "longer-string": ('"' + "a" * 256 + '"', "a" * 256), "huge-string": ('"' + "a" * 4000 + '"', "a" * 4000),
    "nul": ('"a\\u0000b"', "a\0b"), "only-nul": ('"\\u0000"', "\0"), "emoji": ('"\\ud83d\\ude00"', "\U0001f600"),
    "quote": ('"\\"\'; DROP TABLE \\"user\\"; --"', "\"'; DROP TABLE \"user\"; --"),
    "high-surrogate": ('"\\ud800"', MALFORMED), "low-surrogate": ('"\\udc00"', MALFORMED),
    "swapped-surrogates": ('"\\udc00\\ud800"', MALFORMED), "raw-surrogate": ('"\ud800"', MALFORMED),
    "raw-newline": ('"a\nb"', MALFORMED), "raw-nul": ('"\0"', MALFORMED), "bad-escape": ('"\\x"', MALFORMED),
    "empty-list": ("[]", []), "list": ("[1]", [1]), "list-of-string": ('["1"]', ["1"]),
    "list-of-null": ("[null]", [None]), "empty-object": ("{}", {}), "object": ('{"a":1}', {"a": 1}),
    "nested-20": ("[" * 20 + "]" * 20, [[]]), "nested-40": ("[" * 40 + "]" * 40, MALFORMED),
    "objects-40": ('{"a":' * 40 + "1" + "}" * 40, MALFORMED), "unclosed": ("[" * 40, MALFORMED),
    "zero": ("0", 0), "minus-zero": ("-0", 0), "minus-zero-fraction": ("-0.0", 0.0), "one": ("1", 1),
    "minus-one": ("-1", -1), "fraction": ("1.5", 1.5), "one-point-zero": ("1.0", 1.0),
    "one-exponent": ("1e0", 1.0), "future": (str(NOW + 4000), NOW + 4000),
    "future-fraction": ("%d.25" % (NOW + 4000), NOW + 4000.25), "latest": (str(LATEST), LATEST),
    "after-latest": (str(LATEST + 1), LATEST + 1), "int32": (str(2**31), 2**31), "uint32": (str(2**32 + 1), 2**32 + 1),
    "int64-max": (str(2**63 - 1), 2**63 - 1), "int64-min": (str(-2**63), -2**63), "int64-over": (str(2**63), 2**63),
    "int64-under": (str(-2**63 - 1), -2**63 - 1), "uint64-max": (str(2**64 - 1), 2**64 - 1),
    "uint64-one": (str(2**64 + 1), 2**64 + 1), "2^70": (str(2**70), 2**70), "digits": ("1" + "0" * 1000, 10**1000),
    "1e300": ("1e300", 1e300), "-1e300": ("-1e300", -1e300), "tiny": ("1e-300", 1e-300),
    "1e400": ("1e400", ANY), "-1e400": ("-1e400", ANY), "1e9999999999": ("1e9999999999", ANY),
    "NaN": ("NaN", MALFORMED), "Infinity": ("Infinity", MALFORMED), "-Infinity": ("-Infinity", MALFORMED),
    "leading-zero": ("01", MALFORMED), "plus": ("+1", MALFORMED), "hex": ("0x1", MALFORMED),
    "bare-word": ("x", MALFORMED), "single-quotes": ("'1'", MALFORMED), "nothing": ("", MALFORMED),
    "python-none": ("None", MALFORMED), "trailing-comma": ("[1,]", MALFORMED), "comment": ("1/**/", MALFORMED),
}
CLAIMS = ("exp", "nbf", "iat", "jti", "user_id", "token_type", "aud", "iss", "refresh_exp",
          "hash_password", "unknown")

# Which token goes where: name, path, member (None: Authorization). The last one uses its token up.
ENDPOINTS = (("access", "/auth/user/", None), ("access", "/auth/users/1/", None),
             ("access", "/auth/token/verify/", "token"), ("refresh", "/auth/token/verify/", "token"),
             ("refresh", "/auth/token/refresh/", "refresh"),
             ("sliding", "/auth/token/sliding/refresh/", "token"),
             ("refresh", "/auth/token/blacklist/", "refresh"))

# Everything that a refused token may be told.
WORDS = {
    "Token is invalid or expired", "Token has wrong type", "Token has no type", "Token has no id",
    "Token has no 'exp' claim", "Token has no 'refresh_exp' claim",
    "Token 'refresh_exp' claim has expired", "Given token not valid for any token type",
    "Token contained no recognizable user identification", "User not found", "User is inactive",
    "No active account found with the given credentials", "The user's password has been changed.",
    "Authorization header must contain two space-delimited values",
    "Authentication credentials were not provided.",
}


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def dated(value):
    return number(value) and abs(value) <= LATEST


def stands(claim, value, path):
    """Whether a token that has `value` in `claim` and is in order otherwise is accepted."""
    finds_user = not path.endswith(("/verify/", "/blacklist/"))
    if value is MALFORMED:
        return False
    if claim == "exp":
        return dated(value) and value > NOW
    if claim in ("nbf", "iat"):
        return dated(value) and value <= NOW
    if claim == "jti":
        return isinstance(value, str) and 1 <= len(value.encode()) <= 255 and "\0" not in value
    if claim == "user_id":
        return not finds_user or (type(value) in (int, str) and str(value) == "1")
    if claim == "token_type":  # none of the values is a type's name
        return path.endswith("/verify/")
    if claim == "refresh_exp" and path.endswith("/sliding/refresh/"):
        return dated(value) and value > NOW
    return True


class TokenTest(ServiceTest):
    def setUp(self):
        self.client = self.service.client()
        self.addCleanup(self.client.connection.close)

    def present(self, token, path, member):
        if member is None:
            return self.client.request("GET", path, headers={"Authorization": "Bearer " + token})
        return self.client.request("POST", path, {member: token})

    def refused(self, answer):
        """A refusal that tells nothing but what there is to tell."""
        self.assertEqual(answer.status, 401, str(answer))
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertTrue(answer.headers["WWW-Authenticate"])
        body = answer.json
        self.assertLessEqual(set(body), {"detail", "code", "messages"})
        self.assertIn(body["detail"], WORDS)
        for message in body.get("messages", ()):
            self.assertIn(message["message"], WORDS)

    def refused_everywhere(self, make):
        """`make(token_type)` is refused wherever a token of that type is taken."""
        for token_type, path, member in ENDPOINTS:
            with self.subTest(path=path):
                self.refused(self.present(make(token_type), path, member))

    def judge(self, make, expected):
        """`expected(path)`: True, False or None for either."""
        for token_type, path, member in ENDPOINTS:
            with self.subTest(path=path, token_type=token_type):
                answer = self.present(make(token_type), path, member)
                wanted = expected(path)
                if wanted is True or (wanted is None and answer.status == 200):
                    self.accepted(answer)
                else:
                    self.refused(answer)

    def accepted(self, answer):
        """What is handed out for it can be used."""
        self.assertEqual(answer.status, 200, str(answer))
        for name in ("access", "token", "refresh"):
            if name in answer.json:
                again = self.client.request("POST", "/auth/token/verify/",
                                            {"token": answer.json[name]})
                self.assertEqual(again.status, 200, str(again))
                json.loads(support.unb64(answer.json[name].split(".")[1]), parse_constant=self.fail)


class Claims(TokenTest):
    """Every claim with every kind of value."""

    def check_claim(self, claim):
        for name, (text, value) in VALUES.items():
            with self.subTest(value=name):
                self.judge(lambda token_type: mint(token_type, raw={claim: text}),
                           lambda path: None if value is ANY and stands(claim, 1, path)
                           else stands(claim, None if value is ANY else value, path))
        self.assertEqual(self.service.get("/healthz").status, 200)
        self.assertEqual(self.service.error_lines(), [])

    def test_exp(self):
        self.check_claim("exp")

    def test_nbf(self):
        self.check_claim("nbf")

    def test_iat(self):
        self.check_claim("iat")

    def test_jti(self):
        self.check_claim("jti")

    def test_user_id(self):
        self.check_claim("user_id")

    def test_token_type(self):
        self.check_claim("token_type")

    def test_aud(self):
        self.check_claim("aud")

    def test_iss(self):
        self.check_claim("iss")

    def test_refresh_exp(self):
        self.check_claim("refresh_exp")

    def test_hash_password(self):
        self.check_claim("hash_password")

    def test_unknown_claim(self):
        self.check_claim("unknown")

    def test_missing_claims(self):
        needs = {"exp": lambda path: False, "jti": lambda path: False,
                 "token_type": lambda path: path.endswith("/verify/"),
                 "user_id": lambda path: path.endswith(("/verify/", "/blacklist/")),
                 "iat": lambda path: True,
                 "refresh_exp": lambda path: not path.endswith("/sliding/refresh/")}
        for claim, expected in needs.items():
            with self.subTest(claim=claim):
                self.judge(lambda token_type: mint(token_type, drop=[claim]), expected)

    def test_duplicate_members(self):
        # The last counts, whatever the others are.
        first = '"token_type":"access","exp":1,"user_id":null,"jti":"a","iat":"x"'
        last = '"token_type":"%s","exp":%d,"user_id":1,"jti":"duplicate","iat":1,"refresh_exp":%d'

        def make(token_type, order):
            late = NOW + 4000
            parts = [first, last % (token_type, late, late)]
            return sign_hmac(b'{"alg":"HS256"}', ("{" + ",".join(parts[::order]) + "}").encode())

        self.judge(lambda token_type: make(token_type, 1), lambda path: True)
        self.refused_everywhere(lambda token_type: make(token_type, -1))

    def test_payloads_that_are_no_object(self):
        for payload in (b"", b" ", b"null", b"1", b'"a"', b"[]", b"{", b"}", b"{}x", b"{}{}", b"\xff",
                        b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b'{"exp":1', b"{'a':1}", b"\0",
                        b'{"a":"\xff"}', b'{"\xc0\xaf":1}', b"[" * 5000, b'{"a":' * 2000):
            with self.subTest(payload=payload[:20]):
                self.refused_everywhere(lambda _: sign_hmac(b'{"alg":"HS256"}', payload))

    def test_many_claims(self):
        raw = {"c%d" % i: str(i) for i in range(800)}
        started = time.monotonic()
        for _ in range(5):
            answer = self.client.request("POST", "/auth/token/refresh/",
                                         {"refresh": mint("refresh", raw=raw)})
            self.accepted(answer)
            self.assertEqual(support.claims_of(answer.json["access"])["c799"], 799)
        self.assertLess(time.monotonic() - started, 20)

    def test_bad_tokens_at_open_views(self):
        # A bad token is refused there, too; the token endpoints look at none.
        token = mint(exp="x")
        headers = {"Authorization": "Bearer " + token}
        for path in ("/auth/create-user/", "/auth/password-change/"):
            self.refused(self.client.request("POST", path, {}, headers=headers))
        for path in ("/auth/token/", "/auth/token/verify/", "/auth/token/sliding/"):
            answer = self.client.request("POST", path, {}, headers=headers)
            self.assertEqual(answer.status, 400, str(answer))


class StrictService(TokenTest):
    """A service that looks at aud, iss and the password's digest, too."""

    settings = {"EASY_JWT": {"AUDIENCE": ["fleet", "staff"], "ISSUER": "https://auth.example.com",
                             "CHECK_REVOKE_TOKEN": True,
                             "AUTH_TOKEN_CLASSES": ["AccessToken", "SlidingToken"]}}

    def good(self):
        # What the service itself would put there.
        claims = support.claims_of(self.service.login()["access"])
        return {name: json.dumps(claims[name]) for name in ("hash_password",)} | {
            "aud": '"fleet"', "iss": '"https://auth.example.com"'}

    def check(self, claim, fits):
        good = self.good()
        self.judge(lambda token_type: mint(token_type, raw=good), lambda path: True)
        for name, (text, value) in VALUES.items():
            with self.subTest(value=name):
                self.refused_everywhere(lambda token_type: mint(token_type, raw={**good, claim: text}))
        for text in fits:
            with self.subTest(text=text):
                self.judge(lambda token_type: mint(token_type, raw={**good, claim: text}),
                           lambda path: True)
        without = {name: text for name, text in good.items() if name != claim}
        self.refused_everywhere(lambda token_type: mint(token_type, raw=without))
        self.assertEqual(self.service.error_lines(), [])

    def test_aud(self):
        self.check("aud", ('"staff"', '["x","fleet"]', '["staff","fleet"]'))

    def test_iss(self):
        self.check("iss", ())

    def test_hash_password(self):
        # Blacklisting needs no user; the others do.
        good = self.good()
        own = json.loads(good["hash_password"])
        others = [json.dumps(text) for text in (own.lower(), own[:-1], own + "A", "0" * 64)]
        for text in [text for text, _ in VALUES.values()] + others:
            with self.subTest(text=text[:40]):
                raw = {**good, "hash_password": text}
                for token_type, path, member in ENDPOINTS[:-1]:
                    with self.subTest(path=path):
                        self.refused(self.present(mint(token_type, raw=raw), path, member))

    def test_user_id(self):
        for name, (text, value) in VALUES.items():
            if stands("user_id", value, "") or value is ANY:
                continue
            with self.subTest(value=name):
                raw = {**self.good_once(), "user_id": text}
                for token_type, path, member in ENDPOINTS[:-1]:
                    with self.subTest(path=path):
                        self.refused(self.present(mint(token_type, raw=raw), path, member))

    def good_once(self):
        if not hasattr(self, "kept"):
            self.kept = self.good()
        return self.kept


class Emails(TokenTest):
    """Users identified by e-mail: the claim goes into a query."""

    settings = {"EASY_JWT": {"USER_ID_FIELD": "email", "USER_ID_CLAIM": "sub"}}

    def test_sub(self):
        def make(token_type, text):
            return mint(token_type, drop=["user_id"], raw={"sub": text})
        self.judge(lambda token_type: make(token_type, json.dumps(support.ALICE)), lambda path: True)
        for name, (text, value) in VALUES.items():
            with self.subTest(value=name):
                self.judge(lambda token_type: make(token_type, text),
                           lambda path: None if value is ANY and stands("unknown", 1, path)
                           and path.endswith(("/verify/", "/blacklist/"))
                           else value is not MALFORMED and value is not ANY
                           and path.endswith(("/verify/", "/blacklist/")))
        for text in ("%", "_lice@example.com", "ALICE@example.com", "alice@example.com\0",
                     "alice@example.com' OR '1'='1", " alice@example.com"):
            with self.subTest(text=text):
                self.refused(self.present(make("access", json.dumps(text)), "/auth/user/", None))


def rewritten(token, header=None, payload=None, signature=None):
    parts = token.split(".")
    for number_, part in enumerate((header, payload, signature)):
        if part is not None:
            parts[number_] = part
    return ".".join(parts)


class Algorithms(TokenTest):
    """The algorithm belongs to the key, never to the token's header."""

    def with_header(self, token_type, header, key=support.SIGNING_KEY, alg="HS256"):
        payload = support.unb64(mint(token_type).split(".")[1])
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return sign_hmac(text, payload, key, alg)

    def test_none(self):
        spellings = ("none", "None", "NONE", "nOnE", "none ", " none", "none\0", "", "n\u006fne", None, 0, False, [],
                     ["none"], ["HS256"], {}, {"alg": "HS256"}, 256)
        for alg in spellings:
            for signature in (None, "", "AA", "_", b64(b"\0" * 32)):
                with self.subTest(alg=alg, signature=signature):
                    self.refused_everywhere(lambda token_type: rewritten(
                        self.with_header(token_type, {"alg": alg, "typ": "JWT"}),
                        signature=signature))

    def test_no_signature(self):
        for signature in ("", "A", "AA", "AAA", b64(b"\0" * 31), b64(b"\0" * 32), b64(b"\0" * 33)):
            with self.subTest(signature=signature):
                self.refused_everywhere(
                    lambda token_type: rewritten(mint(token_type), signature=signature))

    def test_a_shorter_or_longer_signature(self):
        def cut(token_type, size):
            token = mint(token_type)
            signature = support.unb64(token.split(".")[2])
            return rewritten(token, signature=b64((signature + signature)[:size]))
        for size in (1, 8, 16, 31, 33, 64):
            with self.subTest(size=size):
                self.refused_everywhere(lambda token_type: cut(token_type, size))

    def test_another_hash_with_the_same_key(self):
        for alg in ("HS384", "HS512"):
            with self.subTest(alg=alg):
                self.refused_everywhere(lambda token_type: mint(token_type, alg=alg))
                # The header lies about what was done, one way and the other.
                self.refused_everywhere(
                    lambda token_type: self.with_header(token_type, {"alg": "HS256"}, alg=alg))
                self.refused_everywhere(
                    lambda token_type: self.with_header(token_type, {"alg": alg}))

    def test_spellings_of_the_right_one(self):
        for alg in ("hs256", "Hs256", "HS256 ", " HS256", "HS256\0", "HS-256", "HS2560", "HS25",
                    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "RS256", "ES256", "EdDSA"):
            with self.subTest(alg=alg):
                self.refused_everywhere(lambda token_type: self.with_header(token_type, {"alg": alg}))

    def test_keys_in_the_header_are_not_looked_at(self):
        jwk = {"kty": "oct", "k": b64(b"attacker"), "alg": "HS256"}
        for extra in ({"jwk": jwk}, {"jku": "http://127.0.0.1:1/jwks.json"},
                      {"x5u": "http://127.0.0.1:1/x.pem"}, {"x5c": [base64.b64encode(b"x").decode()]},
                      {"kid": "../../../../dev/null"}, {"kid": "/dev/null"}, {"kid": ""},
                      {"kid": "' UNION SELECT 'attacker' --"}, {"kid": 1}, {"kid": None},
                      {"kid": ["a"]}, {"kid": "a" * 4000}, {"kid": "a\0b"}, {"kid": "| touch x"}):
            for key in ("attacker", "", b"\0", "null"):
                with self.subTest(extra=str(extra)[:60], key=key):
                    self.refused_everywhere(
                        lambda token_type: self.with_header(token_type, {"alg": "HS256", **extra}, key))

    def test_crit(self):
        for crit in (["exp"], ["b64"], ["x"], [], None, "exp", 1, {}, True, ["alg"]):
            with self.subTest(crit=crit):
                header = {"alg": "HS256", "crit": crit, "b64": False, "x": 1}
                self.refused_everywhere(lambda token_type: self.with_header(token_type, header))

    def test_headers_that_are_none(self):
        for header in (b"", b"{", b"null", b"[]", b'"HS256"', b"HS256", b"{}", b'{"typ":"JWT"}', b"\xff",
                       b'{"alg":"HS256"', b"{'alg':'HS256'}", b'{"alg":"HS256"}x', b'\xef\xbb\xbf{"alg":"HS256"}',
                       '{"alg":"HS256"}'.encode("utf-16-le"), b'{"alg":"HS256","a":' + b"[" * 40 + b"]" * 40 + b"}",
                       b'{"alg":"HS256","a":"\\ud800"}', b'{"alg":"HS256","a":NaN}', b'{"ALG":"HS256"}'):
            with self.subTest(header=header[:40]):
                self.refused_everywhere(lambda token_type: self.with_header(token_type, header))

    def test_duplicate_alg(self):
        # Whichever counts here, another parser may take the other: there is no right reading of it
        # but one, so at least "none" must never win.
        self.refused_everywhere(
            lambda token_type: self.with_header(token_type, b'{"alg":"HS256","alg":"none"}'))
        self.refused_everywhere(lambda token_type: rewritten(
            self.with_header(token_type, b'{"alg":"none","alg":"HS256"}'), signature=""))

    def test_harmless_headers(self):
        # Members that say nothing about security are nobody's business (RFC 7515 section 4).
        for header in ({"alg": "HS256"}, {"typ": "JWT", "alg": "HS256"}, {"alg": "HS256", "typ": "at+jwt"},
                       {"alg": "HS256", "cty": "x", "a": {"b": [1]}}):
            with self.subTest(header=header):
                self.judge(lambda token_type: self.with_header(token_type, header), lambda path: True)


class Asymmetric(TokenTest):
    """With RS256 the public key is public: as a secret for HS256 it must be worth nothing."""

    @classmethod
    def setUpClass(cls):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        cls.private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                        serialization.NoEncryption())
        public = key.public_key()
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = public.public_bytes(serialization.Encoding.PEM, spki)
        cls.secrets = (pem, pem.strip(), pem.decode().replace("\n", "\r\n").encode(),
                       public.public_bytes(serialization.Encoding.DER, spki),
                       public.public_bytes(serialization.Encoding.DER,
                                           serialization.PublicFormat.PKCS1),
                       public.public_bytes(serialization.Encoding.PEM,
                                           serialization.PublicFormat.PKCS1), b"", b"\0")
        cls.settings = {"EASY_JWT": {"ALGORITHM": "RS256", "SIGNING_KEY": cls.private.decode(),
                                     "VERIFYING_KEY": pem.decode()}}
        super().setUpClass()

    def test_public_key_as_secret(self):
        for number_, secret in enumerate(self.secrets):
            for alg in ("HS256", "HS384", "HS512"):
                with self.subTest(secret=number_, alg=alg):
                    self.refused_everywhere(lambda token_type: mint(token_type, key=secret, alg=alg))
                    self.refused_everywhere(lambda token_type: mint(
                        token_type, key=secret, alg=alg, header={"alg": "RS256"}))

    def test_none_and_other_families(self):
        token = self.service.login()["access"]
        self.accepted(self.present(token, "/auth/user/", None))
        for alg in ("none", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256"):
            head = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode())
            for signature in (None, ""):
                with self.subTest(alg=alg, signature=signature):
                    self.refused(self.present(rewritten(token, header=head, signature=signature),
                                              "/auth/user/", None))

    def test_signatures_of_odd_sizes(self):
        token = self.service.login()["access"]
        signature = support.unb64(token.split(".")[2])
        for odd in (b"", b"\0", signature[:-1], signature + b"\0", b"\0" + signature, b"\0" * 256, b"\xff" * 256,
                    b"\0" * 255 + b"\1", signature * 2):
            with self.subTest(size=len(odd)):
                self.refused(self.present(rewritten(token, signature=b64(odd)), "/auth/user/", None))


class CompactForms(TokenTest):
    """A token has exactly one spelling, or a blacklist by text could be walked around."""

    ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def spellings(self, token):
        """Texts that a lenient decoder takes for the token."""
        header, payload, signature = token.split(".")
        # 32 bytes are 43 characters, the last of which has two bits that mean nothing.
        last = self.ALPHABET.index(signature[-1])
        for bits in (1, 2, 3):
            yield rewritten(token, signature=signature[:-1] + self.ALPHABET[last ^ bits])
        for pad in ("=", "==", "%3D"):
            yield token + pad
            yield rewritten(token, payload=payload + pad)
            yield rewritten(token, header=header + pad)
        for junk in ("\n", "\r\n", " ", "\t", "\0", "\u00a0", "\u200b", "!", "é", "."):
            yield token[:20] + junk + token[20:]
            yield token[:-4] + junk + token[-4:]
        for junk in ("\0", "\x1f\x7f", "\u200b", "\ufeff", ".", "..", ".AA", "#", "%00", "~"):
            yield token + junk
            yield junk + token
        yield header + "." + payload
        yield header + ".." + signature
        yield "." + payload + "." + signature
        yield header + "." + payload + "." + signature + "." + signature
        yield header + "." + payload + ".." + signature
        yield "..".join(token.split("."))
        yield token.replace(".", "\u3002")
        yield token.upper()
        yield token.lower()
        yield token[::-1]
        yield token + token
        yield token + "." + token
        yield base64.b64encode(token.encode()).decode()
        yield '"' + token + '"'
        yield "Bearer " + token
        yield json.dumps({"payload": payload, "protected": header, "signature": signature})

    def test_other_spellings(self):
        for token_type, path, member in ENDPOINTS:
            if member is None:
                continue
            for text in self.spellings(mint(token_type)):
                with self.subTest(path=path, text=text[:30] + "..." + text[-12:]):
                    answer = self.present(text, path, member)
                    if text.strip() == "" or "\0" in text:
                        self.assertEqual(answer.status, 400, str(answer))
                    else:
                        self.refused(answer)

    def test_base64_of_the_other_alphabet(self):
        # "-" and "_" written as "+" and "/".
        found = 0
        for number_ in range(200):
            token = mint("access", jti="spelling-%d" % number_)
            other = token.replace("-", "+").replace("_", "/")
            if other == token:
                continue
            found += 1
            self.refused(self.present(other, "/auth/token/verify/", "token"))
            if found == 20:
                break
        self.assertEqual(found, 20)

    def test_white_space_around(self):
        # Strings are trimmed, as REST framework's CharField does.
        for text in (" %s", "%s ", "\n%s\r\n", "\t%s\t", "\u00a0%s\u2003"):
            with self.subTest(text=text):
                answer = self.present(text % mint("access"), "/auth/token/verify/", "token")
                self.assertEqual(answer.status, 200, str(answer))

    def test_sizes(self):
        for size in (1, 100, 5000, 20 * 1024, 200 * 1024, 512 * 1024 - 100):
            for text in ("a" * size, "." * size, "a." * size, "a.b." + "c" * size):
                with self.subTest(size=size, text=text[:6]):
                    for path, member in (("/auth/token/verify/", "token"),
                                         ("/auth/token/refresh/", "refresh")):
                        self.refused(self.present(text, path, member))

    def test_large_tokens_that_are_sound(self):
        # 16 KiB at most, and what comes of a refresh is within that, too.
        self.accepted(self.present(mint("refresh", note="a" * 12_000), "/auth/token/refresh/",
                                   "refresh"))
        for size in (12_289, 20 * 1024, 200 * 1024, 500 * 1024):
            self.refused(self.present(mint("access", note="a" * size), "/auth/token/verify/",
                                      "token"))

    def test_unicode(self):
        for text in ("é.é.é", "\U0001f600.\U0001f600.\U0001f600", "ａｂｃ.ｄ.ｅ", "\u0000" * 5, "a.b.c\u0301"):
            with self.subTest(text=text):
                answer = self.present(text, "/auth/token/verify/", "token")
                self.assertIn(answer.status, (400, 401), str(answer))


class AuthorizationHeader(ServiceTest):
    def ask(self, *values, path="/auth/user/"):
        fields = b"".join(b"Authorization: " + value + b"\r\n" for value in values)
        return self.service.raw(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + fields +
                                b"Connection: close\r\n\r\n")

    def test_accepted(self):
        token = mint().encode()
        for value in (b"Bearer " + token, b"Bearer  " + token, b"Bearer\t" + token, b"  Bearer " + token + b"  ",
                      b"\tBearer \t " + token + b"\t"):
            with self.subTest(value=value[:12]):
                answer = self.ask(value)
                self.assertEqual(answer.status, 200, str(answer))
                self.assertEqual(answer.json["id"], 1)

    def test_no_credentials(self):
        token = mint().encode()
        for value in (b"", b" ", b"\t", b"Basic YTpi", b"bearer " + token, b"BEARER " + token, token,
                      b"JWT " + token, b"Bearer," + token, b"Bearer=" + token, b"Bearer:" + token,
                      b"Bearer" + token, b"Digest a=\"b\"", b"\xff " + token, b"Bearer\xa0" + token,
                      b"Basic " + token + b" c d"):
            with self.subTest(value=value[:12]):
                answer = self.ask(value)
                self.assertEqual(answer.status, 401, str(answer))
                self.assertEqual(answer.json,
                                 {"detail": "Authentication credentials were not provided."})
                self.assertEqual(answer.headers["WWW-Authenticate"], 'Bearer realm="api"')

    def test_wrong_number_of_words(self):
        token = mint().encode()
        for value in (b"Bearer", b"Bearer ", b"Bearer a b", b"Bearer " + token + b" x", b"Bearer a b c d",
                      b"Bearer " + token + b" " + token, b"Bearer \t x y"):
            with self.subTest(value=value[:12]):
                answer = self.ask(value)
                self.assertEqual(answer.status, 401, str(answer))
                self.assertEqual(answer.json["code"], "bad_authorization_header")

    def test_bad_tokens(self):
        token = mint().encode()
        for value in (b"Bearer " + token + b",", b"Bearer \"" + token + b"\"", b"Bearer ...", b"Bearer \xff\xfe",
                      b"Bearer \xc3\xa9", b"Bearer " + b"a" * 8000, b"Bearer " + b"." * 8000,
                      b"Bearer null", b"Bearer undefined",
                      b"Bearer %00", b"Bearer a.b.c", b"Bearer " + token[:-1]):
            with self.subTest(value=value[:20]):
                answer = self.ask(value)
                self.assertEqual(answer.status, 401, str(answer))
                self.assertEqual(answer.json["code"], "token_not_valid")

    def test_two_headers(self):
        # A proxy may have looked at the other one.
        good, bad = b"Bearer " + mint().encode(), b"Bearer " + mint(user_id=3).encode()
        for values in ((good, bad), (bad, good), (good, b"Basic YTpi"), (b"Basic YTpi", good), (good, good)):
            with self.subTest(values=[value[:8] for value in values]):
                answer = self.ask(*values)
                self.assertIn(answer.status, (400, 401), str(answer))

    def test_too_large(self):
        for size in (17 * 1024, 100 * 1024):
            answer = self.ask(b"Bearer " + b"a" * size)
            self.assertEqual(answer.status, 431, str(answer))

    def test_control_characters(self):
        for value in (b"Bearer a\0b", b"Bearer a\rb", b"Bearer \x01", b"Bearer a\x7f"):
            with self.subTest(value=value):
                answer = self.ask(value)
                self.assertIn(answer.status, (400, 401), str(answer))


if __name__ == "__main__":
    unittest.main()
