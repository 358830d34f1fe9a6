"""Bodies, query strings and paths that nobody of good will sends: 4xx, and nothing of the inside."""

import json
import unittest

import support
from support import ServiceTest, mint

# What no answer may hold.
INSIDE = ("boost", "std::", "sqlite", "select ", "exception", ".cpp", ".hpp", "/home", "/tmp", "0x",
          "easyjwt::", "sql", "errno", "nullptr", "bad_alloc", "stack")

FIELDS = {
    "/auth/token/": ("email", "password"),
    "/auth/token/refresh/": ("refresh",),
    "/auth/token/verify/": ("token",),
    "/auth/token/blacklist/": ("refresh",),
    "/auth/token/sliding/": ("email", "password"),
    "/auth/token/sliding/refresh/": ("token",),
    "/auth/create-user/": ("email", "password", "first_name", "last_name", "phone"),
    "/auth/password-change/": ("email", "password", "new_password"),
}


class HostileTest(ServiceTest):
    # Cheap to hash with: these tests send more than enough logins.
    settings = {"PASSWORD_HASHERS": ["pbkdf2_sha1", "pbkdf2_sha256"]}

    def setUp(self):
        self.client = self.service.client()
        self.addCleanup(self.client.connection.close)

    def tearDown(self):
        answer = self.service.get("/auth/user/", token=mint())
        self.assertEqual(answer.status, 200, "it no longer serves: " + str(answer))
        self.assertEqual(self.service.error_lines(), [])

    def sound(self, answer, *statuses, any_words=False):
        """An answer that shows nothing but what it should."""
        if statuses:
            self.assertIn(answer.status, statuses, str(answer))
        self.assertLess(answer.status, 500, str(answer))
        if not answer.body:
            return
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        answer.json  # pylint: disable=pointless-statement
        if not any_words:
            text = answer.body.decode().lower()
            for word in INSIDE:
                self.assertNotIn(word, text)

    def post(self, path, body, content_type="application/json", **headers):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            fields["Content-Type"] = content_type
        return self.client.request("POST", path, body=body, headers=fields)


class JsonFields(HostileTest):
    """Every field of every endpoint with every type of value."""

    VALUES = ("null", "true", "false", "0", "-1", "1.5", "1e300", "-1e300", "1e400", str(2**63), str(2**70),
              "1" * 5000, '""', '" "', '"\\u0000"', '"a\\u0000b"', '"\\u2028"', '"\\ufeff"', "[]", "[1]", '["a"]',
              "{}", '{"a":1}', "[[[[]]]]", '"' + "a" * 5000 + '"', '"%"', '"\'\\";--"', '"\\ud83d\\ude00"',
              '"{{7*7}}${7*7}<script>"', '"../../etc/passwd"', '"\\r\\nX-Evil: 1"', '"\\u202e"', "1e-400", "-0")
    MALFORMED = ("NaN", "Infinity", '"\\ud800"', '"\\udc00x"', '"\ud800"', "", "01", "'a'", '"a', '"\x01"',
                 '"\\', '"\\u12"', "tru", "nul", "[", "{", "--1", "1.", ".1", "1e", "[1,]", "{,}")

    def other_fields(self, path, field):
        usual = {"email": "alice@example.com", "password": "wrong-password",
                 "new_password": "N3w-Password!", "phone": None}
        return {name: usual.get(name, "x") for name in FIELDS[path] if name != field}

    def body(self, path, field, text):
        members = ['"%s":%s' % (name, json.dumps(value))
                   for name, value in self.other_fields(path, field).items()]
        text = "{" + ",".join(members + ['"%s":%s' % (field, text)]) + "}"
        return text.encode("utf-8", "surrogatepass")

    def check(self, path):
        for field in FIELDS[path]:
            for text in self.VALUES:
                with self.subTest(field=field, value=text[:30]):
                    # What a field said wrongly is quoted nowhere; what was said rightly may come
                    # back (a user's name).
                    self.sound(self.post(path, self.body(path, field, text)), 201, 400, 401,
                               any_words=path == "/auth/create-user/")
            for text in self.MALFORMED:
                with self.subTest(field=field, malformed=text):
                    answer = self.post(path, self.body(path, field, text))
                    self.sound(answer, 400)
                    self.assertTrue(answer.json["detail"].startswith("JSON parse error - "), str(answer))

    def test_token(self):
        self.check("/auth/token/")

    def test_refresh(self):
        self.check("/auth/token/refresh/")

    def test_verify(self):
        self.check("/auth/token/verify/")

    def test_blacklist(self):
        self.check("/auth/token/blacklist/")

    def test_sliding(self):
        self.check("/auth/token/sliding/")

    def test_sliding_refresh(self):
        self.check("/auth/token/sliding/refresh/")

    def test_create_user(self):
        self.check("/auth/create-user/")

    def test_password_change(self):
        self.check("/auth/password-change/")

    def test_types_are_named(self):
        required = {"email": ["Not a valid string."], "password": ["Not a valid string."]}
        for text in ("true", "false", "[]", "{}", '["a"]'):
            answer = self.post("/auth/token/", '{"email":%s,"password":%s}' % (text, text))
            self.assertEqual((answer.status, answer.json), (400, required))
        for text, name in (("[]", "list"), ("1", "int"), ("1.5", "float"), ('"a"', "str"), ("true", "bool")):
            answer = self.post("/auth/token/", text)
            self.assertEqual(answer.status, 400)
            self.assertEqual(answer.json, {"non_field_errors": [
                "Invalid data. Expected a dictionary, but got %s." % name]})

    def test_nul(self):
        for path, fields in FIELDS.items():
            if path == "/auth/create-user/":
                fields = ("email", "password")
            answer = self.client.request("POST", path, {field: "a\0b" for field in fields})
            self.assertEqual(answer.status, 400, str(answer))
            for field in fields:
                self.assertIn("Null characters are not allowed.", answer.json[field])

    def test_long_values_of_create_user(self):
        usual = {"email": "long@example.com", "password": "N3w-Password!"}
        for field, size in (("first_name", 150), ("last_name", 150), ("phone", 15)):
            answer = self.client.request("POST", "/auth/create-user/", {**usual, field: "é" * (size + 1)})
            self.assertEqual(answer.status, 400, str(answer))
            self.assertEqual(answer.json, {field: [
                "Ensure this field has no more than %d characters." % size]})
        answer = self.client.request("POST", "/auth/create-user/",
                                     {**usual, "email": "a" * 250 + "@example.com"})
        self.assertEqual(answer.status, 400, str(answer))
        exact = {**usual, "first_name": "é" * 150, "last_name": "大" * 150, "phone": "1" * 15}
        answer = self.client.request("POST", "/auth/create-user/", exact)
        self.assertEqual(answer.status, 201, str(answer))
        self.assertEqual(answer.json["first_name"], "é" * 150)

    def test_what_a_client_may_not_set(self):
        # Members that are columns, but none of the client's business.
        answer = self.client.request("POST", "/auth/create-user/", {
            "email": "climber@example.com", "password": "N3w-Password!", "id": 77, "pk": 77, "is_staff": True,
            "is_superuser": True, "is_active": False, "date_joined": "2000-01-01T00:00:00Z",
            "groups": [1], "user_permissions": [1], "last_login": "2000-01-01T00:00:00Z"})
        self.assertEqual(answer.status, 201, str(answer))
        self.assertNotEqual(answer.json["id"], 77)
        access = self.service.login("climber@example.com", "N3w-Password!")["access"]
        user = self.service.get("/auth/user/", token=access).json
        self.assertEqual((user["is_staff"], user["is_superuser"], user["is_active"], user["last_login"]),
                         (False, False, True, None))
        self.assertGreater(user["date_joined"], "2020")
        self.assertEqual(self.service.get("/auth/users/", token=access).status, 403)


class JsonTexts(HostileTest):
    """Whole bodies that are no JSON, or too much of it."""

    def test_malformed(self):
        good = b'{"token":"x"}'
        bodies = [b" ", b"\0", b"{", b"}", b"[", b'"', b"x", b"nul", b"{]", b'{"a"}', b'{"a":}', b'{"a":1,}',
                  b"{a:1}", b"{'a':1}", b'{"a":1}}', b'{"a":1}{"a":1}', b"\xff", b"\xfe\xff", b"\xc3\x28",
                  b'{"token":"\xff"}', b'{"token":"\xc0\xaf"}', b'{"token":"\xed\xa0\x80"}', b'{"\xf5":1}',
                  b'{"token":"\xf4\x90\x80\x80"}', good + b"\0", good + b"x", b"//\n" + good, b"/**/" + good,
                  good.decode().encode("utf-16"), good.decode().encode("utf-16-le"),
                  good.decode().encode("utf-32"), b'{"token":"a\nb"}', b'{"token":"a\tb"}',
                  b'{"token":"\\x41"}', b"<xml/>", b"token=x", b"\x1f\x8b\x08\x00"]
        for path in FIELDS:
            for body in bodies:
                with self.subTest(path=path, body=body[:20]):
                    answer = self.post(path, body)
                    self.sound(answer, 400)
                    self.assertTrue(answer.json["detail"].startswith("JSON parse error - "), str(answer))

    def test_byte_order_mark(self):
        answer = self.post("/auth/token/verify/", b'\xef\xbb\xbf{"token":"x"}')
        self.sound(answer, 400, 401)

    def test_nesting(self):
        for depth in (33, 1000, 100_000, 500_000):
            for opening, closing in (("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")):
                for body in (opening * depth + "1" + closing * depth, opening * depth,
                             '{"token":' + opening * depth + "1" + closing * depth + "}"):
                    if len(body) > 1024 * 1024:
                        continue
                    with self.subTest(depth=depth, body=body[:12]):
                        answer = self.post("/auth/token/verify/", body)
                        self.sound(answer, 400)
                        self.assertTrue(answer.json["detail"].startswith("JSON parse error"))
        # What is not too deep is read.
        answer = self.post("/auth/token/verify/", '{"x":' + "[" * 31 + "]" * 31 + ',"token":"x"}')
        self.assertEqual(answer.status, 401, str(answer))

    def test_duplicate_members(self):
        # The last counts.
        good, bad = json.dumps(mint()), '"x"'
        for first, last, status in ((good, bad, 401), (bad, good, 200), ("null", good, 200), (good, "null", 400)):
            answer = self.post("/auth/token/verify/", '{"token":%s,"token":%s}' % (first, last))
            self.assertEqual(answer.status, status, str(answer))
        # One name in two spellings is one name.
        answer = self.post("/auth/token/verify/", '{"token":%s,"\\u0074oken":%s}' % (bad, good))
        self.assertEqual(answer.status, 200, str(answer))

    def test_sizes(self):
        limit = 1024 * 1024
        wrapped = '{"token":"%s"}'
        for path, status in (("/auth/token/verify/", 401),):
            answer = self.post(path, wrapped % ("a" * (limit - len(wrapped) + 2)))
            self.sound(answer, status)
        for size in (limit + 1, 2 * limit):
            answer = self.service.raw(
                b"POST /auth/token/verify/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % size, "POST")
            self.sound(answer, 413)
        answer = self.post("/auth/token/", json.dumps({"email": "a" * 1000, "password": "p" * 900_000}))
        self.sound(answer, 400, 401)
        answer = self.post("/auth/create-user/", json.dumps({"email": "a@" + "a." * 250_000 + "com",
                                                             "password": "N3w-Password!"}))
        self.sound(answer, 400)

    def test_many_members(self):
        # 100,000 names: what is quadratic, or a table with a bad hash, takes minutes here.
        for names in (("%x" % i for i in range(100_000)), ("a" * (i % 7) + "%x" % i for i in range(60_000))):
            body = "{" + ",".join('"%s":0' % name for name in names) + ',"token":"x"}'
            self.assertLess(len(body), 1024 * 1024)
            with support.elapsed() as took:
                self.sound(self.post("/auth/token/verify/", body), 401)
            self.assertLess(took(), 20)
        with support.elapsed() as took:
            body = "{" + '"token":"x",' * 80_000 + '"token":"x"}'
            self.sound(self.post("/auth/token/verify/", body), 401)
        self.assertLess(took(), 20)

    def test_large_numbers(self):
        for digits in ("9" * 500_000, "0." + "0" * 500_000 + "1", "1e" + "9" * 100_000, "-" + "1" * 500_000 + ".5"):
            for body in ('{"token":%s}', '{"x":%s,"token":"x"}'):
                with support.elapsed() as took:
                    self.sound(self.post("/auth/token/verify/", body % digits), 400, 401)
                self.assertLess(took(), 20)


class ContentTypes(HostileTest):
    def test_unsupported(self):
        for content_type in ("text/plain", "text/html", "application/xml", "application/jsonp", "json", "*/*",
                             "application/*", "application/json-patch+json", "text/json", "/", ";", " ", "a" * 4000,
                             "multipart/mixed; boundary=x", "application/x-www-form-urlencoded2", "\x80\x81",
                             'x"y', "{}"):
            with self.subTest(content_type=content_type[:40]):
                answer = self.post("/auth/token/", b"x", content_type)
                self.sound(answer, 415)
                self.assertIn("Unsupported media type", answer.json["detail"])

    def test_missing(self):
        answer = self.post("/auth/token/", b'{"email":"a"}', None)
        self.sound(answer, 415)

    def test_accepted_spellings(self):
        body = json.dumps({"token": mint()}).encode()
        for content_type in ("application/json", "APPLICATION/JSON", "application/json;charset=utf-8",
                             "application/json ; charset=UTF-8", "application/json;", "application/json; a=\"b;c\""):
            with self.subTest(content_type=content_type):
                answer = self.post("/auth/token/verify/", body, content_type)
                self.assertEqual(answer.status, 200, str(answer))

    def test_charsets(self):
        # Only UTF-8 is spoken; another charset must not turn one token into another.
        body = json.dumps({"token": mint()})
        for charset in ("utf-16", "utf-7", "latin1", "idna", "rot13", "x" * 1000, "zlib_codec", ""):
            answer = self.post("/auth/token/verify/", body.encode(), "application/json; charset=" + charset)
            self.sound(answer, 200, 400)

    def test_several(self):
        body = json.dumps({"token": mint()}).encode()
        head = (b"POST /auth/token/verify/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n" % len(body))
        for types in ((b"application/json", b"text/plain"), (b"text/plain", b"application/json"),
                      (b"application/json", b"application/json"), (b"application/json, text/plain",)):
            fields = b"".join(b"Content-Type: " + name + b"\r\n" for name in types)
            self.sound(self.service.raw(head + fields + b"\r\n" + body, "POST"), 200, 400, 415)

    def test_encodings_that_are_not_spoken(self):
        for encoding in ("gzip", "deflate", "br", "identity", "x"):
            answer = self.post("/auth/token/verify/", json.dumps({"token": mint()}), Content_Encoding=encoding)
            self.sound(answer, 200, 400, 415)


class Forms(HostileTest):
    URLENCODED = "application/x-www-form-urlencoded"

    def form(self, path, body):
        return self.post(path, body, self.URLENCODED)

    def test_urlencoded(self):
        bodies = [b"&", b"=", b"==", b"&&&&", b"%", b"%%", b"%0", b"%zz=%zz", b"%00=%00", b"token=%00", b"token=%ff",
                  b"token=%c3%28", b"token=%ed%a0%80", b"token=\xff\xfe", b"token=\0", b"token=a%00b", b"token",
                  b"token=", b"token[]=a", b"token[a]=b", b"token.a=b", b"token=a&token=b", b"token=%u0041",
                  b"token=a;token=b", b"=token", b"token=%", b"token=%2", b"token=" + b"%" * 10_000,
                  b"token=" + b"+" * 10_000, b"token=" + b"%00" * 10_000, b"a" * 500_000, b"&" * 900]
        for body in bodies:
            with self.subTest(body=body[:20]):
                answer = self.form("/auth/token/verify/", body)
                self.sound(answer, 400, 401)
        for path, fields in FIELDS.items():
            for text in ("%00", "a%00b", "%ff", "%f0%9f%98%80", "%ed%a0%80", "+", ""):
                body = "&".join("%s=%s" % (field, text) for field in fields)
                with self.subTest(path=path, text=text):
                    self.sound(self.form(path, body), 400, 401)

    def test_urlencoded_counts(self):
        token = mint()
        for count, statuses in ((900, (200,)), (1001, (400,)), (100_000, (400,)), (500_000, (400,))):
            body = "&".join(["a=b"] * (count - 1)) if count < 100_000 else "&" * count
            with support.elapsed() as took:
                self.sound(self.form("/auth/token/verify/", body + "&token=" + token), *statuses)
            self.assertLess(took(), 20)

    def test_the_last_of_several_counts(self):
        token = mint()
        self.sound(self.form("/auth/token/verify/", "token=x&token=" + token), 200)
        self.sound(self.form("/auth/token/verify/", "token=" + token + "&token=x"), 401)
        self.sound(self.form("/auth/token/verify/", "%74oken=" + token.replace(".", "%2E")), 200)

    def multipart(self, parts, boundary="x"):
        body = b""
        for head, content in parts:
            body += b"--" + boundary.encode() + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"
        return body + b"--" + boundary.encode() + b"--\r\n"

    DISPOSITION = b'Content-Disposition: form-data; name="token"'

    def test_multipart(self):
        token = mint().encode()
        body = self.multipart([(self.DISPOSITION, token)])
        for content_type in ("multipart/form-data; boundary=x", 'multipart/form-data; boundary="x"',
                             "Multipart/Form-Data; BOUNDARY=x", "multipart/form-data; charset=utf-8; boundary=x"):
            self.sound(self.post("/auth/token/verify/", body, content_type), 200)

    def test_multipart_boundaries(self):
        body = self.multipart([(self.DISPOSITION, b"x")])
        for content_type in ("multipart/form-data", "multipart/form-data; boundary", "multipart/form-data; boundary=",
                             'multipart/form-data; boundary=""', 'multipart/form-data; boundary="x',
                             "multipart/form-data; boundary=" + "a" * 71, "multipart/form-data; boundary=" + "a" * 7000,
                             "multipart/form-data; boundary=a\x01b", "multipart/form-data; boundary=\x80",
                             "multipart/form-data; boundary=y", "multipart/form-data; boundary=x boundary=y",
                             'multipart/form-data; boundary="x "', "multipart/form-data;;;;;;;=;=;boundary"):
            with self.subTest(content_type=content_type[:60]):
                self.sound(self.post("/auth/token/verify/", body, content_type), 400)

    def test_multipart_bodies(self):
        token = mint().encode()
        good = self.multipart([(self.DISPOSITION, token)])
        nested = self.multipart([(b"Content-Type: multipart/mixed; boundary=y",
                                  self.multipart([(self.DISPOSITION, token)], "y"))])
        bodies = [b"x", b"--", b"--x", b"--x--", b"--x--\r\n", b"--x\r\n", b"--x\r\n\r\n", b"--x\r\n--x--", b"\r\n--x\r\n",
                  nested, b"preamble" + good[3:], good.replace(b"\r\n", b"\n"), b"--x\r\n" * 500,
                  self.multipart([(b"", token)]), self.multipart([(b"Content-Disposition: form-data", token)]),
                  self.multipart([(b'Content-Disposition: form-data; name="', token)]),
                  self.multipart([(b'Content-Disposition: form-data; name="to\0ken"', token)]),
                  self.multipart([(b'Content-Disposition: form-data; name="token"; filename="a"', token)]),
                  self.multipart([(b"Content-Disposition: form-data; name*=utf-8''token", token)]),
                  self.multipart([(b"A" * 20_000 + b": b", token)]), self.multipart([(b"a: b\r\n" * 2000, token)]),
                  self.multipart([(self.DISPOSITION, b"\0")]), self.multipart([(self.DISPOSITION, b"\xff\xfe")]),
                  self.multipart([(self.DISPOSITION, b"")]), self.multipart([(self.DISPOSITION, b"x" * 900_000)]),
                  self.multipart([(self.DISPOSITION + b"\r\nContent-Transfer-Encoding: base64", b"!!!")]),
                  self.multipart([(self.DISPOSITION + b"\r\nContent-Transfer-Encoding: quoted-printable", b"=")])]
        bodies += [good[:size] for size in range(1, len(good), 7)]
        for body in bodies:
            with self.subTest(body=body[:60]):
                answer = self.post("/auth/token/verify/", body, "multipart/form-data; boundary=x")
                self.sound(answer, 200, 400, 401)
                if body == nested:
                    self.assertNotEqual(answer.status, 200)

    def test_multipart_counts(self):
        part = (b'Content-Disposition: form-data; name="a"', b"b")
        for count, statuses in ((900, (200,)), (1001, (400,)), (15_000, (400,))):
            body = self.multipart([part] * (count - 1) + [(self.DISPOSITION, mint().encode())])
            with support.elapsed() as took:
                self.sound(self.post("/auth/token/verify/", body[:1024 * 1024],
                                     "multipart/form-data; boundary=x"), *statuses)
            self.assertLess(took(), 20)
        # Almost boundaries all through: no search may start again from the beginning.
        body = self.multipart([(self.DISPOSITION, b"\r\n--" * 200_000)], "x" * 60)
        with support.elapsed() as took:
            self.sound(self.post("/auth/token/verify/", body, "multipart/form-data; boundary=" + "x" * 60), 401)
        self.assertLess(took(), 20)
        body = self.multipart([(self.DISPOSITION, (b"\r\n--" + b"x" * 69) * 14_000)], "x" * 69 + "y")
        with support.elapsed() as took:
            self.sound(self.post("/auth/token/verify/", body,
                                 "multipart/form-data; boundary=" + "x" * 69 + "y"), 401)
        self.assertLess(took(), 20)


class Framing(HostileTest):
    """How a body comes. What lies behind it must never be read as another request."""

    HEAD = b"POST /auth/token/verify/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    def chunked(self, *chunks, trailer=b""):
        return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer + b"\r\n"

    def send_chunked(self, data):
        return self.service.raw(self.HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + data, "POST")

    def test_chunked(self):
        body = json.dumps({"token": mint()}).encode()
        for chunks in ([body], [body[:1], body[1:]], [bytes([byte]) for byte in body]):
            self.sound(self.send_chunked(self.chunked(*chunks)), 200)
        self.sound(self.send_chunked(self.chunked(body, trailer=b"X-A: b\r\n")), 200)
        self.sound(self.send_chunked(b"%x;a=b\r\n%s\r\n0\r\n\r\n" % (len(body), body)), 200)
        self.sound(self.send_chunked(self.chunked()), 400)

    def test_chunked_without_a_length(self):
        # http.client's own encoder, on a kept-alive connection, twice.
        body = json.dumps({"token": mint()}).encode()
        for _ in range(2):
            self.client.connection.request("POST", "/auth/token/verify/", iter([body[:10], body[10:]]),
                                           {"Content-Type": "application/json"}, encode_chunked=True)
            response = self.client.connection.getresponse()
            self.assertEqual((response.status, response.read()), (200, b"{}"))

    def test_malformed_chunks(self):
        for data in (b"x\r\n", b"-1\r\n\r\n", b"+1\r\na\r\n0\r\n\r\n", b"0x1\r\na\r\n0\r\n\r\n", b"1\r\nab\r\n0\r\n\r\n",
                     b"1 \r\na\r\n0\r\n\r\n", b"ffffffffffffffff\r\n", b"fffffffffffffffffffff\r\n", b"8000000000000000\r\n",
                     b"1\na\n0\n\n", b"\r\n", b";a\r\n", b"1;\0\r\na\r\n0\r\n\r\n", b"1\r\na\r\n0\r\nX Y: z\r\n\r\n"):
            with self.subTest(data=data):
                self.sound(self.send_chunked(data), 400, 413)

    def test_chunked_beyond_the_limit(self):
        self.sound(self.send_chunked(b"200000\r\n"), 413)
        # In small pieces, and in lines that say nothing.
        with self.service.connect() as sock:
            sock.sendall(self.HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            piece = b"10000\r\n" + b"a" * 65536 + b"\r\n"
            try:
                for _ in range(20):
                    sock.sendall(piece)
            except OSError:
                pass  # it has heard enough
            self.assert_refused(sock, 413)
        with self.service.connect() as sock:
            sock.sendall(self.HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            try:
                sock.sendall(b"1;" + b"a" * 100_000 + b"\r\nx\r\n")
            except OSError:
                pass
            self.assert_refused(sock, 400, 413, 431)

    def assert_refused(self, sock, *statuses):
        try:
            self.sound(support.read_answer(sock, "POST"), *statuses)
        except ConnectionResetError:
            pass  # refused, and closed before everything was read

    def test_smuggling(self):
        inner = b"GET /auth/user/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for fields in (b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 0\r\nContent-Length: 5\r\n",
                       b"Content-Length: 0, 5\r\n", b"Content-Length: +0\r\n", b"Content-Length: -0\r\n",
                       b"Content-Length: 0x0\r\n", b"Content-Length: \r\n", b"Content-Length: 1 2\r\n",
                       b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
                       b"Transfer-Encoding: x, chunked\r\n", b"Transfer-Encoding: chunked, identity\r\n",
                       b"Transfer-Encoding: \x0bchunked\r\n", b"Transfer-Encoding : chunked\r\n",
                       b" Transfer-Encoding: chunked\r\n", b"X: y\r\n Content-Length: 5\r\n", b"Content-Length\r\n",
                       b"Content-Length: 5\r\nContent-Length: 5\r\n"):
            with self.subTest(fields=fields):
                with self.service.connect() as sock:
                    sock.sendall(self.HEAD + fields + b"\r\n" + inner)
                    answer = support.read_answer(sock, "POST")
                    self.assertIn(answer.status, (400, 413, 501), str(answer))
                    self.assertEqual(answer.headers["Connection"], "close")
                    # The inner text was no request.
                    rest = b""
                    try:
                        while data := sock.recv(65536):
                            rest += data
                    except ConnectionResetError:
                        pass
                    self.assertEqual(rest, b"")


class Lists(HostileTest):
    """The query string of /auth/users/."""

    def list(self, query):
        return self.client.request("GET", "/auth/users/" + query, token=mint(user_id=3))

    def emails(self, query):
        answer = self.list(query)
        self.assertEqual(answer.status, 200, str(answer))
        return [user["email"] for user in answer.json["results"]]

    def test_pages(self):
        for text in ("0", "-1", "2", "99999999999999999999", "1.5", "1e0", "x", "", "%00", "%31x", "+", "%2B1", "0x1",
                     "%D9%A1", "null", "9223372036854775807", "9223372036854775808", "1;2", "[]"):
            with self.subTest(page=text):
                answer = self.list("?page=" + text)
                self.sound(answer, 404)
                self.assertEqual(answer.json, {"detail": "Invalid page."})
        self.assertEqual(len(self.emails("?page=%31")), 4)
        self.assertEqual(len(self.emails("?page=7&page=1")), 4)

    def test_page_sizes(self):
        for text in ("0", "-1", "x", "", "1.5", "%00", "99999999999999999999", "9223372036854775807", "1001", "1e9"):
            with self.subTest(page_size=text):
                self.assertEqual(len(self.emails("?page_size=" + text)), 4)
        self.assertEqual(len(self.emails("?page_size=1")), 1)
        for page in (4611686018427387904, 9223372036854775807, 18446744073709551617):
            self.sound(self.list("?page_size=1000&page=%d" % page), 404)

    def test_orderings(self):
        usual = self.emails("?ordering=id")
        for text in ("x", "-x", "--id", "-", "", "password", "-password", "id;DROP%20TABLE%20user", "id%00", "ID", "id,email",
                     "is_staff", "(SELECT%201)", "1", "rowid", "%22id%22", "id%20DESC", "phone", "user_permissions__id"):
            with self.subTest(ordering=text):
                answer = self.list("?ordering=" + text)
                self.sound(answer, 200, 400)
                if answer.status == 200:
                    self.assertEqual([user["email"] for user in answer.json["results"]], usual)

    def test_searches(self):
        everyone = self.emails("")
        # Wildcards and quotes are letters like others, and here nobody has them.
        for text in ("%25", "_", "%27", "%22", "%5C", "%3B", "%25%25", "a%25", "____", "%27%20OR%201%3D1--", "%5C%5C", "*", "?",
                     "[a-z]", "%2A", "%F0%9F%98%80", "%ff", "%EF%BF%BD", "zzz", "a" * 5000, "1%3D1", "%28", "%29", "NULL"):
            with self.subTest(search=text[:30]):
                self.assertEqual(self.emails("?search=" + text), [])
        for text in ("", "+", "%20%20", "example", "EXAMPLE.COM", "@", "e", "example+com", ",,,"):
            with self.subTest(search=text):
                self.assertEqual(self.emails("?search=" + text), everyone)
        self.assertEqual(self.emails("?search=D%C3%A4ve"), ["dave@example.com"])
        self.assertEqual(self.emails("?search=%E5%A4%A7"), ["dave@example.com"])
        self.assertEqual(self.emails("?search=D%C3%84VE"), ["dave@example.com"])
        self.sound(self.list("?search=" + "a+" * 2000), 200, 400)
        self.sound(self.list("?search=%00"), 200, 400)
        self.sound(self.list("?search=a%00b"), 200, 400)

    def test_query_strings(self):
        for text in ("?", "??", "?&", "?=", "?%", "?%zz", "?page", "?page=1&", "?&&page=1", "?a=b", "?page=1?page=1",
                     "?" + "a=b&" * 900, "?" + "a" * 7000, "?page_size=1&next=http://evil.example/", "?%00=%00", "?format=xml"):
            with self.subTest(query=text[:30]):
                self.sound(self.list(text), 200, 400, 404)
        self.sound(self.list("?" + "&" * 5000), 200, 400)
        self.sound(self.client.request("GET", "/auth/users/?" + "a" * 9000, token=mint(user_id=3)), 414)

    def test_links_lead_back(self):
        # The links are made of the Host header: nothing in it or in the query breaks out of them.
        answer = self.list("?page_size=1&search=%22%3E%3Cscript%3E")
        self.assertEqual(answer.json["count"], 0)
        answer = self.list("?page_size=1&x=%0d%0aX%3A1&y=%22%26page%3D7")
        self.assertEqual(answer.status, 200, str(answer))
        host = "%s:%d" % self.service.address
        self.assertEqual(answer.json["next"], "http://" + host +
                         "/auth/users/?page=2&page_size=1&x=%0D%0AX%3A1&y=%22%26page%3D7")


class Paths(HostileTest):
    def ask(self, target, token, method=b"GET"):
        return self.service.raw(
            method + b" " + target + b" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token.encode() +
            b"\r\nConnection: close\r\n\r\n", method.decode())

    def test_user_ids(self):
        staff = mint(user_id=3)
        for text in (b"0", b"-1", b"99", b"99999999999999999999", b"9223372036854775807", b"9223372036854775808", b"x", b"1.0",
                     b"1e0", b"+1", b"%201", b"1%00", b"1%2f..", b"1%2f2", b"..%2f1", b"%2e%2e", b"1;x", b"1,2", b"1%20", b"null",
                     b"%D9%A1", b"*", b"%25", b"1'--", b"0x1", b"1%0a", b"me", b"%ff", b"\xc3\xa9"):
            with self.subTest(text=text):
                answer = self.ask(b"/auth/users/" + text + b"/", staff)
                self.sound(answer, 400, 404)
        self.assertEqual(self.ask(b"/auth/users/1/", staff).json["id"], 1)

    def test_user_ids_for_a_user(self):
        # The same answer for who is there and who is not.
        for text in (b"1", b"2", b"99", b"99999999999999999999", b"x", b"-4"):
            answer = self.ask(b"/auth/users/" + text + b"/", mint(user_id=4))
            self.sound(answer, 403)
            self.assertEqual(answer.json, {"detail": "You do not have permission to perform this action."})
        self.assertEqual(self.ask(b"/auth/users/4/", mint(user_id=4)).json["id"], 4)

    def test_spellings(self):
        token = mint()
        for target in (b"//auth/user/", b"/auth//user/", b"/auth/user//", b"/auth/user/.", b"/auth/user/..", b"/auth/./user/",
                       b"/auth/x/../user/", b"/../auth/user/", b"/auth%2fuser/", b"/auth%2Fuser%2F", b"/AUTH/USER/", b"/auth/user%00/",
                       b"/auth/user/%00", b"/auth/user;a=b/", b"/auth/user\\", b"/auth\\user\\", b"/auth/user/x", b"/auth", b"/auth/", b"/",
                       b"/auth/users/1", b"/%", b"/%zz", b"/%e0%80%af", b"/auth/us\xc3\xa9r/", b"/.env", b"/auth/user/index.php", b"/admin.php",
                       b"/auth/users//", b"/auth/users/1//", b"/auth/users/1/2/", b"/static/../easyjwt.toml", b"/easyjwt.toml"):
            with self.subTest(target=target):
                answer = self.ask(target, token)
                self.sound(answer, 301, 400, 404)
                if answer.status == 301:
                    # Within the site: nothing that a browser takes for another host.
                    self.assertRegex(answer.headers["Location"], r"^/[^/\\]")

    def test_redirects_stay_here(self):
        for target in (b"//evil.example", b"//evil.example/..", b"/\\evil.example", b"///evil.example/", b"//evil.example/auth/user",
                       b"/%2fevil.example", b"/auth/user?next=//evil.example", b"/auth/user?\xff"):
            with self.subTest(target=target):
                answer = self.ask(target, mint())
                self.sound(answer, 301, 400, 404)
                if answer.status == 301:
                    self.assertTrue(answer.headers["Location"].startswith("/auth/user/"), str(answer.headers))

    def test_targets(self):
        for target in (b"*", b"auth/user/", b"http://localhost/auth/user/", b"http://evil.example/auth/user/", b"https:///auth/user/",
                       b"http:/auth/user/", b"?", b"#", b"/auth/user/#a", b"file:///etc/passwd", b"\\", b"."):
            with self.subTest(target=target):
                answer = self.ask(target, mint())
                self.sound(answer, 200, 301, 400, 404)
        answer = self.ask(b"localhost:80", mint(), b"CONNECT")
        self.sound(answer, 400, 404, 405)
        answer = self.ask(b"*", mint(), b"OPTIONS")
        self.sound(answer, 200, 204, 400, 404)

    def test_methods(self):
        for method in (b"PUT", b"PATCH", b"DELETE", b"TRACE", b"PROPFIND", b"GETS", b"get", b"G" * 100, b"POST"):
            with self.subTest(method=method):
                answer = self.ask(b"/auth/user/", mint(), method)
                self.sound(answer, 400, 405)
                # Nothing of the request comes back: TRACE would show cookies to scripts.
                self.assertNotIn(b"Bearer", answer.body)

    def test_long_paths(self):
        for size in (7000, 9000, 15_000):
            answer = self.ask(b"/" + b"a" * size, mint())
            self.sound(answer, 404, 414, 431)

    def test_hosts(self):
        for host in (b"evil.example", b"localhost.evil.example", b"localhost@evil.example", b"evil.example#localhost", b"", b" ",
                     b"localhost:x", b"localhost:80:80", b"localhost/", b"[::1", b"::1", b"127.0.0.2", b"\xff", b"localhost\\evil", b"a" * 5000,
                     b"localhost, evil.example", b"*", b".localhost"):
            with self.subTest(host=host[:30]):
                answer = self.service.raw(b"GET /auth/user/ HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
                self.sound(answer, 400)
        for host in (b"localhost", b"LOCALHOST", b"127.0.0.1", b"[::1]", b"localhost:8000", b"[::1]:80", b"localhost."):
            with self.subTest(host=host):
                answer = self.service.raw(b"GET /auth/user/ HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
                self.sound(answer, 401)


if __name__ == "__main__":
    unittest.main()
