"""JWK_URL: tokens that others signed, verified by the keys that a server of theirs publishes."""

import contextlib
import http.server
import json
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time
import unittest
import uuid

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import support
from support import at_once, b64, elapsed, eventually

INVALID = {"detail": "Token is invalid or expired", "code": "token_not_valid"}
UNAVAILABLE = {"detail": "Service temporarily unavailable, try again later."}
# The environment's proxy is no part of these tests.
NO_PROXY = {"no_proxy": "*", "NO_PROXY": "*"}


class SigningKey:
    """A private key with a name, of one algorithm."""

    def __init__(self, algorithm, kid=None):
        self.algorithm, self.kid = algorithm, kid or uuid.uuid4().hex
        self.private = {"RS256": lambda: rsa.generate_private_key(65537, 2048),
                        "PS384": lambda: rsa.generate_private_key(65537, 2048),
                        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
                        "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
                        "EdDSA": ed25519.Ed25519PrivateKey.generate}[algorithm]()

    @property
    def pem(self):
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()).decode()

    @property
    def public_pem(self):
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def jwk(self, **more):
        public = self.private.public_key()
        out = {"kid": self.kid, "use": "sig", **more}

        def number(value, size=None):
            return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **out}
        if isinstance(public, ec.EllipticCurvePublicKey):
            numbers, size = public.public_numbers(), (public.key_size + 7) // 8
            return {"kty": "EC", "crv": "P-%d" % public.key_size, "x": number(numbers.x, size),
                    "y": number(numbers.y, size), **out}
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), **out}

    def token(self, token_type="access", *, header=None, **claims):
        now = int(time.time())
        payload = {"token_type": token_type, "exp": now + 300, "iat": now, "jti": uuid.uuid4().hex,
                   "user_id": 1, **claims}
        return jwt.encode(payload, self.private, self.algorithm,
                          {"kid": self.kid} if header is None else header)


class JwksServer:
    """Publishes keys on a free loopback port and counts who asks."""

    def __init__(self, keys, tls=None, port=0):
        self.keys, self.answer, self.hold = keys, None, None
        self.requests, self.connections, self.open = 0, 0, set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                outer.connections += 1
                outer.open.add(self.request)
                super().setup()

            def finish(self):
                outer.open.discard(self.request)
                super().finish()

            def do_GET(self):  # pylint: disable=invalid-name
                outer.requests += 1
                if outer.hold:
                    outer.hold.wait(support.PATIENCE)
                status, body = outer.answer or (200, json.dumps(
                    {"keys": [key if isinstance(key, dict) else key.jwk() for key in outer.keys]}))
                self.send_response(status)
                self.send_header("Content-Type", "application/jwk-set+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # who was to be served has gone away

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.scheme = "http"
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return "%s://127.0.0.1:%d/.well-known/jwks.json" % (self.scheme, self.port)

    def close(self):
        if self.hold:
            self.hold.set()
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()
            # Kept connections would be served on.
            for connection in list(self.open):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class JwksTest(unittest.TestCase):
    maxDiff = None

    def publish(self, keys, **kwargs):
        server = JwksServer(keys, **kwargs)
        self.addCleanup(server.close)
        return server

    def project(self, own, url, **settings):
        return support.Project(self.addCleanup, {
            **settings, "EASY_JWT": {"ALGORITHM": own.algorithm, "SIGNING_KEY": own.pem, "JWK_URL": url}},
            support.usual_users())

    def start(self, own, server, **env):
        return self.project(own, server.url).start(env={**NO_PROXY, **env})

    def verify(self, service, token):
        return service.post("/auth/token/verify/", {"token": token})

    def assert_good(self, service, token):
        answer = self.verify(service, token)
        self.assertEqual((answer.status, answer.body), (200, b"{}"), service.log())

    def assert_refused(self, service, token):
        answer = self.verify(service, token)
        self.assertEqual((answer.status, answer.json), (401, INVALID))


class Verification(JwksTest):
    def check(self, algorithm):
        own, theirs, stranger = (SigningKey(algorithm) for _ in range(3))
        server = self.publish([own, theirs])
        service = self.start(own, server)
        self.assertEqual(server.requests, 0)
        # Ours have no kid, as the original's.
        pair = service.login()
        self.assertNotIn("kid", support.header_of(pair["access"]))
        self.assertEqual(server.requests, 0)
        self.assert_good(service, pair["access"])
        self.assertEqual(service.get("/auth/user/", token=pair["access"]).json["id"], 1)
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": pair["refresh"]}).status, 200)
        # Theirs, wherever tokens are taken.
        self.assert_good(service, theirs.token())
        self.assert_good(service, theirs.token(header={}))
        self.assertEqual(service.get("/auth/user/", token=theirs.token(user_id=4)).json["id"], 4)
        answer = service.post("/auth/token/refresh/", {"refresh": theirs.token("refresh", user_id=4)})
        self.assertEqual(answer.status, 200)
        jwt.decode(answer.json["access"], own.public_pem, algorithms=[algorithm])
        answer = service.post("/auth/token/blacklist/", {"refresh": pair["refresh"]})
        self.assertEqual((answer.status, answer.json), (200, {}))
        self.assertEqual((server.requests, server.connections), (1, 1))
        # A key of the set under another's name; no key of the set under every name; expired.
        self.assert_refused(service, theirs.token(header={"kid": own.kid}))
        self.assert_refused(service, theirs.token(exp=int(time.time()) - 10))
        self.assertEqual(server.requests, 1)
        for header in (None, {}, {"kid": own.kid}, {"kid": ""}, {"kid": "x" * 5000}):
            self.assert_refused(service, stranger.token(header=header))
        answer = service.get("/auth/user/", token=stranger.token())
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.json["messages"], [
            {"token_class": "AccessToken", "token_type": "access", "message": INVALID["detail"]}])
        self.assertEqual(server.requests, 2)
        service.stop()

    def test_rs256(self):
        self.check("RS256")

    def test_es256(self):
        self.check("ES256")

    def test_eddsa(self):
        self.check("EdDSA")

    def test_others(self):
        for algorithm in ("PS384", "ES512"):
            with self.subTest(algorithm=algorithm):
                self.check(algorithm)

    def test_the_header_chooses_nothing_but_the_kid(self):
        own, evil = SigningKey("RS256", "own"), SigningKey("RS256", "evil")
        trap = self.publish([evil])
        server = self.publish([own, {"kty": "oct", "kid": "secret", "alg": "HS256", "k": b64(b"k" * 64)},
                               SigningKey("ES256", "curve").jwk(alg="ES256")])
        service = self.start(own, server)
        self.assert_good(service, own.token())
        body = b64(json.dumps({"token_type": "access", "exp": int(time.time()) + 300, "jti": "a",
                               "user_id": 3}).encode())
        for head, key in (({"alg": "HS256", "kid": "secret"}, b"k" * 64), ({"alg": "HS256", "kid": "own"}, own.public_pem),
                          ({"alg": "HS256"}, own.public_pem), ({"alg": "HS256", "kid": ""}, b"")):
            payload = support.unb64(body)
            self.assert_refused(service, support.sign_hmac(json.dumps(head).encode(), payload, key))
        for alg in ("none", "None", "", None):
            head = b64(json.dumps({"alg": alg, "kid": "own"}).encode())
            self.assert_refused(service, head + "." + body + ".")
        for header in ({"kid": "own", "jwk": evil.jwk()}, {"kid": "own", "jku": trap.url}, {"jku": trap.url, "kid": "own", "x5u": trap.url},
                       {"kid": trap.url}, {"kid": "../../etc/passwd"}, {"kid": "own' OR 1=1"}):
            self.assert_refused(service, evil.token(header=header))
        self.assertEqual((trap.requests, trap.connections), (0, 0))


class Changes(JwksTest):
    def test_a_rotation(self):
        own, old, new = (SigningKey("ES256") for _ in range(3))
        server = self.publish([own, old])
        service = self.start(own, server)
        self.assert_good(service, old.token())
        self.assertEqual(server.requests, 1)
        # The first token of a new key fetches; the old key's tokens stand as long as it is published.
        server.keys = [own, old, new]
        self.assert_good(service, new.token())
        self.assert_good(service, old.token())
        self.assertEqual(server.requests, 2)
        service.stop()
        self.assertEqual(service.log().count("the keys of JWK_URL are new"), 2)

    def test_a_withdrawn_key(self):
        own, old, new = (SigningKey("EdDSA") for _ in range(3))
        server = self.publish([own, old])
        service = self.start(own, server)
        self.assert_good(service, old.token())
        server.keys = [new]
        self.assert_good(service, new.token())
        self.assert_refused(service, old.token())
        # Our own key, too: whoever publishes the set decides.
        self.assert_refused(service, service.login()["access"])

    def test_a_server_that_is_down(self):
        own, theirs, new = (SigningKey("ES256") for _ in range(3))
        server = self.publish([own, theirs])
        service = self.start(own, server)
        self.assert_good(service, theirs.token())
        server.close()
        self.assert_good(service, theirs.token())
        self.assert_refused(service, new.token())
        self.assert_good(service, service.login()["access"])
        for _ in range(20):
            self.assert_refused(service, SigningKey("ES256").token())
            self.assert_good(service, theirs.token())
        service.stop()
        self.assertEqual(service.log().count("cannot be fetched"), 1)

    def test_a_server_that_comes_late(self):
        own = SigningKey("ES256")
        server = self.publish([own])
        server.close()
        service = self.start(own, server)
        pair = service.login()
        for answer in (self.verify(service, pair["access"]), service.get("/auth/user/", token=pair["access"]),
                       service.post("/auth/token/refresh/", {"refresh": pair["refresh"]}),
                       service.post("/auth/token/blacklist/", {"refresh": pair["refresh"]})):
            # Not a 401, which would log everybody out.
            self.assertEqual((answer.status, answer.json), (503, UNAVAILABLE))
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        # What needs no key is answered, and what cannot stand is refused.
        self.assertEqual(service.get("/healthz").status, 200)
        self.assert_refused(service, "a.b.c")
        self.assert_refused(service, support.mint())
        self.publish([own], port=server.port)
        self.assertTrue(eventually(lambda: self.verify(service, pair["access"]).status == 200, every=0.2))
        service.stop()
        self.assertEqual(service.log().count("cannot be fetched"), 1)

    def test_answers_that_are_no_set(self):
        own, theirs = SigningKey("ES256"), SigningKey("ES256")
        server = self.publish([own])
        for answer in ((200, "<html></html>"), (500, "{}"), (404, "{}"), (200, "{\"keys\": 5}"), (302, "")):
            with self.subTest(answer=answer):
                server.answer = answer
                service = self.start(own, server)
                self.assertEqual(self.verify(service, theirs.token()).status, 503)
                service.stop()
        server.answer, server.keys = None, []
        self.assert_refused(self.start(own, server), own.token())


class Storms(JwksTest):
    def test_unknown_kids(self):
        own = SigningKey("EdDSA")
        server = self.publish([own])
        service = self.start(own, server)
        good = own.token()
        self.assert_good(service, good)

        def storm(_):
            with service.client() as client:
                def status(token):
                    return client.request("POST", "/auth/token/verify/", {"token": token}).status
                return [(status(own.token(header={"kid": uuid.uuid4().hex})), status(good)) for _ in range(50)]
        statuses = [pair for some in at_once(16, storm) for pair in some]
        self.assertEqual(support.count(statuses), {(401, 200): 800})
        self.assertEqual(server.requests, 2)

    def test_first_tokens_share_a_fetch(self):
        own = SigningKey("ES256")
        server = self.publish([own])
        service = self.start(own, server)
        tokens = [own.token() for _ in range(12)]
        statuses = at_once(len(tokens), lambda i: self.verify(service, tokens[i]).status)
        self.assertEqual(support.count(statuses), {200: len(tokens)})
        self.assertEqual(server.requests, 1)

    def test_a_server_that_hangs(self):
        """delays nobody who needs no new key, leaves threads for the others, and holds no end up."""
        own = SigningKey("EdDSA")
        server = self.publish([own])
        service = self.start(own, server)
        good = own.token()
        self.assert_good(service, good)
        server.hold = threading.Event()
        statuses = []

        def ask(_):
            statuses.append(self.verify(service, own.token(header={"kid": uuid.uuid4().hex})).status)
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(64)]
        for thread in threads:
            thread.start()
        self.assertTrue(eventually(lambda: server.requests == 2))
        with elapsed() as took:
            for _ in range(20):
                self.assert_good(service, good)
            self.assertEqual(service.post("/auth/token/refresh/", {"refresh": own.token("refresh")}).status, 200)
        self.assertLess(took(), 4)
        for thread in threads:
            thread.join(support.PATIENCE)
        # A few waited for the answer that did not come, the rest were told to come again.
        counted = support.count(statuses)
        self.assertEqual(sum(counted.values()), 64)
        self.assertLessEqual(set(counted), {401, 503})
        self.assertEqual(server.requests, 2)

    def test_the_end_while_a_server_hangs(self):
        own = SigningKey("EdDSA")
        server = self.publish([own])
        server.hold = threading.Event()
        service = self.start(own, server)
        thread = threading.Thread(target=lambda: self.verify(service, own.token()))
        thread.start()
        self.assertTrue(eventually(lambda: server.requests == 1))
        with elapsed() as took:
            service.stop()
        self.assertLess(took(), 20)
        thread.join(support.PATIENCE)


class Tls(JwksTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(support.tempfile.mkdtemp(prefix="easyjwt-e2e-jwks-"))
        cls.addClassCleanup(support.shutil.rmtree, cls.folder)
        cls.certificate, cls.key = cls.folder / "certificate.pem", cls.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", cls.key, "-out", cls.certificate, "-days", "2", "-subj", "/CN=jwks",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)

    def serve(self, keys):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return self.publish(keys, tls=context)

    def test_a_certificate_that_is_trusted(self):
        own = SigningKey("ES256")
        server = self.serve([own])
        service = self.start(own, server, SSL_CERT_FILE=str(self.certificate))
        self.assert_good(service, own.token())
        self.assertEqual(server.requests, 1)

    def test_a_certificate_that_is_not_trusted(self):
        own = SigningKey("ES256")
        server = self.serve([own])
        service = self.start(own, server)
        self.assertEqual(self.verify(service, own.token()).status, 503)
        self.assertEqual(server.requests, 0)
        service.stop()
        self.assertRegex(service.log(), "(?i)certificate")


class Settings(JwksTest):
    def test_a_url_that_cannot_be_fetched_is_refused_at_the_start(self):
        own = SigningKey("ES256")
        for url in ("jwks.json", "file:///etc/passwd", "ftp://auth.example.com/", "https://",
                    "https://user:hidden@auth.example.com/"):
            project = self.project(own, url)
            for command in (("runserver", "127.0.0.1:0"), ("check",)):
                with self.subTest(url=url, command=command):
                    done = project.run(*command)
                    self.assertEqual(done.code, 1)
                    self.assertRegex(done.err, re.escape(str(project.config)) + r":\d+: EASY_JWT\.JWK_URL: ")
                    self.assertNotIn("hidden", done.err)

    def test_check_warns_of_keys_that_anybody_on_the_way_can_change(self):
        own = SigningKey("ES256")
        for url, debug, warned in (("http://auth.example.com/jwks", False, True), ("HTTP://10.0.0.1:8000/", False, True),
                                   ("http://127.0.0.1.example.com/", False, True), ("http://localhost.example.com/", False, True),
                                   ("http://auth.example.com/jwks", True, False), ("https://auth.example.com/jwks", False, False),
                                   ("http://127.0.0.1:8000/jwks", False, False), ("http://localhost/jwks", False, False),
                                   ("http://[::1]:8000/jwks", False, False)):
            with self.subTest(url=url, debug=debug):
                done = self.project(own, url, DEBUG=debug).do("check")
                self.assertEqual("(easyjwt.W006)" in done.err, warned, done.err)

    def test_the_warning_is_logged_at_the_start(self):
        own = SigningKey("ES256")
        service = self.project(own, "http://auth.invalid/jwks").start(env=NO_PROXY)
        self.assertIn("EASY_JWT.JWK_URL: is http://", service.log())

    def test_a_shared_secret_has_no_use_for_it(self):
        server = self.publish([SigningKey("RS256")])
        project = support.Project(self.addCleanup, {"EASY_JWT": {"JWK_URL": server.url}}, support.usual_users())
        service = project.start(env=NO_PROXY)
        self.assert_good(service, service.login()["access"])
        self.assert_good(service, support.mint(header={"kid": "any"}))
        self.assertEqual((server.requests, server.connections), (0, 0))


if __name__ == "__main__":
    unittest.main()
