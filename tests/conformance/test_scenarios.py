"""Plays the recorded answers of the Python original against the program.

A scenario has settings, users (ids 1, 2, 3, ...) and cases, each a request and what was answered.
Texts of a request may hold {{name}}, what an earlier case captured; {{mint {...}}}, a fresh token;
{{tamper name}}, a captured token with another signature; {{cookie name}}, a cookie that was set. Of an
answer the status, three headers, cookies and the body are compared, tokens by what is in them, instants
and random ids by their shape. The scenarios of a client-service are played by e2e/test_own_views.py.
"""

import http.cookies
import json
import pathlib
import re
import sys
import time
import unittest
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import support  # noqa: E402  pylint: disable=wrong-import-position

FREE_TEXT = "JSON parse error - "
COMPARED = ("content-type", "www-authenticate")
ATTRIBUTES = ("domain", "path", "httponly", "secure", "samesite", "max-age")


def set_apart(text, opening="{{", closing="}}"):
    """Splits "a{{b}}c" into [("text", "a"), ("hole", "b"), ("text", "c")]; braces in holes pair."""
    parts, rest = [], text
    while opening in rest:
        before, rest = rest.split(opening, 1)
        depth = end = 0
        while depth > 0 or not rest.startswith(closing, end):
            depth += {"{": 1, "}": -1}.get(rest[end], 0)
            end += 1
        parts += [("text", before), ("hole", rest[:end].strip())]
        rest = rest[end + len(closing):]
    return parts + [("text", rest)]


class Player:
    """Plays the cases of one scenario in order."""

    def __init__(self, scenario, service):
        self.settings = scenario["settings"]
        self.service = service
        self.captured = {}
        self.cookies = {}

    # -- requests

    def mint(self, wanted):
        settings, now = self.settings, int(time.time())
        options = {key: wanted.pop(key) for key in list(wanted) if key.startswith("$")}
        claims = {settings.get("TOKEN_TYPE_CLAIM", "token_type"): "access", "exp": "+300",
                  "iat": "+0", settings.get("JTI_CLAIM", "jti"): support.uuid.uuid4().hex,
                  settings.get("USER_ID_CLAIM", "user_id"): 1}
        for claim, setting in (("aud", "AUDIENCE"), ("iss", "ISSUER")):
            if settings.get(setting) is not None:
                claims[claim] = settings[setting]
        claims.update(wanted)
        for name in options.get("$drop", ()):
            claims.pop(name, None)
        for name, value in claims.items():
            if isinstance(value, str) and re.fullmatch(r"[+-]\d+", value):
                claims[name] = now + int(value)
        alg = options.get("$alg", "HS256")
        header = json.dumps({"alg": alg, "typ": "JWT", **options.get("$header", {})}).encode()
        payload = options.get("$payload", json.dumps(claims)).encode()
        if alg not in support.HMACS:
            return support.b64(header) + "." + support.b64(payload) + "."
        return support.sign_hmac(header, payload, options.get("$key", settings["SIGNING_KEY"]), alg)

    def hole(self, text):
        word, _, rest = text.partition(" ")
        if word == "mint":
            return self.mint(json.loads(rest or "{}"))
        if word == "tamper":
            head, payload, signature = self.captured[rest].split(".")
            other = "B" if signature[0] == "A" else "A"
            return ".".join((head, payload, other + signature[1:]))
        if word == "cookie":
            return self.cookies[rest]
        return self.captured[text]

    def fill(self, value):
        if isinstance(value, str):
            return "".join(part if kind == "text" else self.hole(part)
                           for kind, part in set_apart(value))
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        return value

    def ask(self, case):
        headers = self.fill(dict(case.get("headers", {})))
        headers.setdefault("Accept", "application/json")
        if self.cookies:
            headers["Cookie"] = "; ".join("%s=%s" % pair for pair in self.cookies.items())
        arguments = {"headers": headers}
        if "json" in case:
            arguments["json"] = self.fill(case["json"])
        elif "form" in case:
            arguments["form"] = self.fill(case["form"])
        elif "body" in case:
            arguments["body"] = self.fill(case["body"]).encode("utf-8", "surrogateescape")
        return self.service.request(case["method"], self.fill(case["path"]), **arguments)

    # -- answers

    def take_cookies(self, answer):
        """What the answer does to cookies; the jar follows."""
        taken = {}
        for line in answer.headers.get_all("set-cookie") or ():
            for name, cookie in http.cookies.SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if cookie.value:
                    self.cookies[name] = cookie.value
                taken[name] = {"set": bool(cookie.value),
                               **{key: cookie[key] for key in ATTRIBUTES if cookie[key] != ""}}
        return taken

    def play(self, case):
        """What differs from the recording, as texts."""
        answer, want = self.ask(case), case["expect"]
        cookies = self.take_cookies(answer)
        try:
            body = answer.json
        except ValueError:
            body = None
        for name, member in case.get("capture", {}).items():
            if isinstance(body, dict) and member in body:
                self.captured[name] = body[member]
        wrong = []

        def compare(what, got, wanted):
            if got != wanted:
                wrong.append("%s\n  is %s\n  not %s" % (what, json.dumps(got), json.dumps(wanted)))

        compare("status", answer.status, want["status"])
        for name in COMPARED:
            if name in want["headers"]:
                compare(name, squeeze(answer.headers[name]), squeeze(want["headers"][name]))
        if "allow" in want["headers"]:
            compare("allow", methods(answer.headers["allow"]), methods(want["headers"]["allow"]))
        # None where none was recorded: a case that wants none has no such member.
        compare("cookies", cookies, want.get("cookies", {}))
        if "location" in want:
            location = urllib.parse.urlsplit(answer.headers["location"] or "").path
            compare("location", location, want["location"])
        if "json" in want:
            compare("body", shape(body), want["json"])
        return wrong


def squeeze(text):
    return (text or "").lower().replace(" ", "")


def methods(text):
    return sorted(squeeze(text).split(","))


def shape(value, name=None):
    """The value with its random and momentary parts replaced by names of their kind."""
    if isinstance(value, dict):
        return {key: shape(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if not isinstance(value, str):
        return value
    if name in ("date_joined", "last_login") and re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", value):
        return "<datetime>"
    if value.startswith(FREE_TEXT):
        return FREE_TEXT + "..."
    if re.fullmatch(r"[\w-]{10,}\.[\w-]{10,}\.[\w-]*", value):
        return shape_of_token(value)
    return value


def shape_of_token(token):
    header, claims = support.header_of(token), support.claims_of(token)
    header.pop("kid", None)
    for name, value in claims.items():
        if name in ("exp", "nbf", "iat", "refresh_exp") and isinstance(value, int):
            claims[name] = "<now%+d>" % (round((value - time.time()) / 10) * 10)
        elif isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value):
            claims[name] = "<hex32>"
        elif isinstance(value, str) and re.fullmatch("[0-9A-F]{64}", value):
            claims[name] = "<HEX64>"
    return {"<jwt>": {"header": header, "claims": claims}}


class Scenarios(unittest.TestCase):
    def project(self, settings, users):
        return support.Project(self.addCleanup, settings, users)

    def play(self, name, cases):
        scenario = json.loads((HERE / "scenarios" / (name + ".json")).read_text("utf-8"))
        self.assertEqual(len(scenario["cases"]), cases)
        apps = ["easyjwt_auth", "easyjwt_user", "admin"]
        if scenario["blacklist_app"]:
            apps.insert(1, "easyjwt_auth.token_blacklist")
        settings = {"INSTALLED_APPS": apps, "EASY_JWT": scenario["settings"]}
        if scenario["auth_classes"]:
            settings["REST_FRAMEWORK"] = {
                "DEFAULT_AUTHENTICATION_CLASSES": scenario["auth_classes"]}
        users = [support.user_entry(number + 1, **user)
                 for number, user in enumerate(scenario["users"])]
        player = Player(scenario, self.project(settings, users).start())
        for case in scenario["cases"]:
            with self.subTest(case["id"]):
                wrong = player.play(case)
                self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_default(self):
        self.play("default", 90)

    def test_sliding(self):
        self.play("sliding", 10)

    def test_rotation(self):
        self.play("rotation", 9)

    def test_rotation_keep(self):
        self.play("rotation-keep", 4)

    def test_revoke(self):
        self.play("revoke", 5)

    def test_claims(self):
        self.play("claims", 10)

    def test_hs512(self):
        self.play("hs512", 4)

    def test_session_first(self):
        self.play("session-first", 4)


class Runner(unittest.TestCase):
    """The runner itself: one that compares nothing would pass everything."""

    def test_that_differences_are_seen(self):
        scenario = {"settings": {"SIGNING_KEY": support.SIGNING_KEY}}
        project = support.Project(self.addCleanup, users=support.usual_users())
        player = Player(scenario, project.start())
        case = {"id": "x", "method": "POST", "path": "/auth/token/verify/",
                "json": {"token": "{{mint {\"user_id\": 4}}}"}}
        right = {"status": 200, "headers": {"content-type": "application/json",
                                            "allow": "OPTIONS, POST"}, "json": {}}
        self.assertEqual(player.play({**case, "expect": right}), [])
        for part, value in (("status", 201), ("json", {"x": 1}), ("headers", {"allow": "POST"}),
                            ("headers", {"content-type": "text/html"}), ("location", "/x/"),
                            ("headers", {"www-authenticate": "Bearer"})):
            self.assertEqual(len(player.play({**case, "expect": {**right, part: value}})), 1, part)

    def test_holes(self):
        self.assertEqual(set_apart('a {{mint {"a": {"b": 1}}}} c{{d}}'),
                         [("text", "a "), ("hole", 'mint {"a": {"b": 1}}'), ("text", " c"),
                          ("hole", "d"), ("text", "")])


if __name__ == "__main__":
    unittest.main()
