"""HAProxy and nginx, with the files of docs/deploy, in front of three nodes on one database."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import support
from support import ALICE, CAROL, PATIENCE, PASSWORDS, Project, eventually

DEPLOY = support.TESTS.parent / "docs" / "deploy"
# The client is not where the proxy is, which is trusted.
CLIENT = "127.0.0.2"
SPOOFED = "198.51.100.66"
SETTINGS = {
    "ALLOWED_HOSTS": ["127.0.0.1"],
    "SERVER": {"LISTEN": "127.0.0.1:0", "TRUSTED_PROXIES": ["127.0.0.1"], "DRAIN_SECONDS": 3,
               "LOG_FORMAT": "json"},
    "EASY_JWT": {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
}


def free_ports(number):
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(number)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]


def substitute(text, replacements):
    """Each pattern must be there, so that the files cannot drift away from what is tested."""
    for pattern, new in replacements:
        text, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        if count == 0:
            raise AssertionError("the file has no " + pattern)
    return text


class Proxy:
    """A proxy in a folder and process group of its own."""

    def __init__(self, add_cleanup, ports):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="easyjwt-proxy-"))
        add_cleanup(shutil.rmtree, self.path, ignore_errors=True)
        self._make_certificate()
        self.http_port, self.port = free_ports(2)
        command = self.prepare([("10\\.0\\.0\\.1%d:8000" % (i + 1), "127.0.0.1:%d" % port)
                                for i, port in enumerate(ports)])
        with open(self.path / "output", "wb") as output:
            self.process = subprocess.Popen(command, cwd=self.path, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True)
        add_cleanup(self._end)
        self.tls = ssl.create_default_context(cafile=self.path / "easyjwt.crt")
        self.tls.check_hostname = False
        if not eventually(self._serves, 20):
            raise AssertionError("it does not serve:\n" + self.output())

    def _make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-keyout", "easyjwt.key", "-out", "easyjwt.crt"],
                       cwd=self.path, check=True, capture_output=True)
        both = (self.path / "easyjwt.crt").read_text() + (self.path / "easyjwt.key").read_text()
        (self.path / "easyjwt.pem").write_text(both)

    def _serves(self):
        if self.process.poll() is not None:
            raise AssertionError("it ended:\n" + self.output())
        with contextlib.suppress(OSError), ProxyClient(self) as client:
            return client.request("POST", "/auth/token/verify/", {}).status == 400
        return False

    def _end(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def output(self):
        return (self.path / "output").read_text("utf-8", "replace")

    def prepare(self, nodes):
        raise NotImplementedError


class HAProxy(Proxy):
    def prepare(self, nodes):
        text = substitute((DEPLOY / "haproxy.cfg").read_text(), nodes + [
            (r"bind :80$", "bind 127.0.0.1:%d" % self.http_port),
            (r"bind :443 ", "bind 127.0.0.1:%d " % self.port),
            (r"/etc/haproxy/easyjwt\.pem", str(self.path / "easyjwt.pem")),
        ])
        if os.geteuid() != 0:
            text = substitute(text, [(r"^ +(user|group|chroot) .*$", "")])
        (self.path / "haproxy.cfg").write_text(text)
        return ["/usr/sbin/haproxy", "-db", "-f", "haproxy.cfg"]


class Nginx(Proxy):
    def prepare(self, nodes):
        text = substitute((DEPLOY / "nginx.conf").read_text(), nodes + [
            (r"listen \[::\]:(80|443)[^;]*;$", ""),
            (r"listen 80;", "listen 127.0.0.1:%d;" % self.http_port),
            (r"listen 443 ", "listen 127.0.0.1:%d " % self.port),
            (r"/etc/nginx/easyjwt", str(self.path / "easyjwt")),
        ])
        (self.path / "easyjwt.conf").write_text(text)
        folders = "".join("%s_temp_path %s;\n" % (name, self.path / name)
                          for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.path / "nginx.conf").write_text(
            "daemon off; worker_processes 2; pid nginx.pid; error_log stderr;\n"
            + ("user root;\n" if os.geteuid() == 0 else "")
            + "events {}\nhttp {\naccess_log off;\n" + folders + "include easyjwt.conf;\n}\n")
        return ["/usr/sbin/nginx", "-e", "stderr", "-p", str(self.path), "-c", "nginx.conf"]


class ProxyClient:
    """One kept-alive TLS connection to the proxy, from CLIENT."""

    def __init__(self, proxy):
        self.connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=PATIENCE, context=proxy.tls,
                                                      source_address=(CLIENT, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def request(self, method, path, body=None, **kwargs):
        data, headers = support.encode_request(body, **kwargs)
        self.connection.request(method, path, data, headers)
        response = self.connection.getresponse()
        return support.Answer(response.status, response.headers, response.read())


class Load:
    """Clients that ask through the proxy until they are told to stop. Each rotates its own refresh
    token: a rotation that is lost or done twice shows as a 401."""

    def __init__(self, proxy, pairs):
        self.answers = []  # (method, status or fault)
        self.proxy = proxy
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(pair,), daemon=True) for pair in pairs]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for(20)
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def wait_for(self, more):
        wanted = len(self.answers) + more
        assert eventually(lambda: len(self.answers) >= wanted)

    def failures(self, method):
        return [answer for answer in self.answers if answer[0] == method and answer[1] != 200]

    def _run(self, pair):
        with ProxyClient(self.proxy) as client:
            while not self.ending.is_set():
                pair = self._round(client, pair)
                time.sleep(0.005)

    def _round(self, client, pair):
        self._ask(client, "GET", "/auth/user/", token=pair["access"])
        self._ask(client, "POST", "/auth/token/verify/", {"token": pair["access"]})
        refreshed = self._ask(client, "POST", "/auth/token/refresh/", {"refresh": pair["refresh"]})
        while refreshed is None or refreshed.status != 200:
            if self.ending.is_set():
                return pair
            # Whether it was done nobody can say.
            refreshed = self._ask(client, "POST", "/auth/token/",
                                  {"email": ALICE, "password": PASSWORDS[ALICE]})
        return refreshed.json

    def _ask(self, client, method, path, *args, **kwargs):
        try:
            answer = client.request(method, path, *args, **kwargs)
        except (OSError, http.client.HTTPException) as fault:
            client.connection.close()
            self.answers.append((method, repr(fault), path))
            return None
        self.answers.append((method, answer.status, path))
        return answer


class DyingNode:
    """What says it is ready, takes a request in whole, and is gone before it answers."""

    def __init__(self, add_cleanup):
        self.taken = []  # (request line, X-Request-Id)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        add_cleanup(self.listener.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with contextlib.suppress(OSError), sock, sock.makefile("rb") as stream:
            line = stream.readline().decode()
            fields = http.client.parse_headers(stream)
            stream.read(int(fields.get("Content-Length", 0)))
            if line.startswith(("GET /readyz ", "GET /healthz ")):
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            elif line:
                self.taken.append((line, fields["X-Request-Id"]))


class ProxyTest(unittest.TestCase):
    """What holds for both; `proxy_class` is the one."""

    proxy_class = None
    lost_answers = {502, 504}

    def setUp(self):
        self.project = Project(self.addCleanup, SETTINGS, support.usual_users())
        self.nodes = [self.project.start() for _ in range(3)]

    def start(self, ports=None):
        return self.proxy_class(self.addCleanup, ports or [node.address[1] for node in self.nodes])

    @staticmethod
    def requests(node):
        """The lines of a node's log that are about requests for the API; it writes them twice a second."""
        time.sleep(0.7)
        lines = [json.loads(line) for line in node.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("path", "").startswith("/auth/")]

    def pairs(self, number):
        return [self.nodes[i % 3].login() for i in range(number)]

    def check_addresses(self):
        proxy = self.start()
        lies = {"X-Forwarded-For": SPOOFED, "X-Forwarded-Proto": "ftp", "X-Forwarded-Host": "evil.example",
                "X-Request-Id": "mine"}
        admin = self.nodes[0].login(CAROL)["access"]
        with ProxyClient(proxy) as client:
            for _ in range(30):
                answer = client.request("GET", "/auth/users/?page_size=1", token=admin, headers=lies)
                self.assertEqual(answer.status, 200, str(answer))
                self.assertEqual(answer.json["next"],
                                 "https://127.0.0.1:%d/auth/users/?page=2&page_size=1" % proxy.port)
            for path in ("/healthz", "/readyz"):
                self.assertEqual(client.request("GET", path).status, 404)
        plain = http.client.HTTPConnection("127.0.0.1", proxy.http_port, timeout=PATIENCE)
        self.addCleanup(plain.close)
        plain.request("GET", "/auth/user/")
        answer = plain.getresponse()
        self.assertIn(answer.status, (301, 302))
        self.assertTrue(answer.headers["Location"].startswith("https://"))
        for node in self.nodes:
            lines = [line for line in self.requests(node) if line["path"] == "/auth/users/"]
            self.assertGreater(len(lines), 3)
            self.assertEqual({line["client"] for line in lines}, {CLIENT})
            self.assertNotIn(SPOOFED, node.log())
            self.assertNotIn("mine", {line["id"] for line in lines})

        # The same words from somebody who is no proxy are nobody's.
        direct = http.client.HTTPConnection(*self.nodes[0].address, timeout=PATIENCE, source_address=(CLIENT, 0))
        self.addCleanup(direct.close)
        direct.request("GET", "/auth/users/?page_size=1", headers={
            **lies, "X-Forwarded-Proto": "https", "Authorization": "Bearer " + admin})
        answer = json.loads(direct.getresponse().read())
        self.assertTrue(answer["next"].startswith("http://127.0.0.1:"), answer["next"])
        self.assertNotIn(SPOOFED, self.nodes[0].log())

    def check_drain(self):
        proxy = self.start()
        node = self.nodes[1]
        with Load(proxy, self.pairs(6)) as load:
            before = len(self.requests(node))
            self.assertGreater(before, 0)
            node.process.send_signal(signal.SIGTERM)
            answer = eventually(lambda: next(
                (a for a in [node.get("/readyz")] if a.status != 200), None), 5)
            self.assertEqual((answer.status, answer.json), (503, {"status": "draining"}))
            answer = node.post("/auth/token/verify/", {"token": "x"})
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.headers["Connection"], "close")
            self.assertEqual(node.get("/healthz").status, 200)
            node.wait()
            load.wait_for(50)
        self.assertEqual(load.failures("GET") + load.failures("POST"), [])
        self.assertGreater(len(load.answers), 100)

    def check_kill(self):
        proxy = self.start()
        with Load(proxy, self.pairs(6)) as load:
            self.nodes[1].kill()
            load.wait_for(50)
            time.sleep(2.5)
            settled = len(load.answers)
            load.wait_for(100)
        self.assertEqual(load.failures("GET"), [])
        # Six clients had one request each on its way, at most; what became of it nobody knows.
        lost = load.failures("POST")
        self.assertLessEqual(len(lost), 6, lost)
        self.assertLessEqual({answer[1] for answer in lost}, self.lost_answers)
        self.assertEqual([answer for answer in load.answers[settled:] if answer[1] != 200], [])

        # With nothing on its way nothing is lost, whatever the proxy has noticed yet.
        self.nodes[2].kill()
        pair = self.nodes[0].login()
        with ProxyClient(proxy) as client:
            for _ in range(20):
                answer = client.request("POST", "/auth/token/refresh/", {"refresh": pair["refresh"]})
                self.assertEqual(answer.status, 200, str(answer))
                pair = answer.json

    def check_repetition(self):
        dying = DyingNode(self.addCleanup)
        self.nodes.pop().stop()
        proxy = self.start([node.address[1] for node in self.nodes] + [dying.port])

        def taken(start):
            return [entry for entry in dying.taken if entry[0].startswith(start)]

        def ids():
            return {line["id"] for node in self.nodes for line in self.requests(node)}

        def retaken(start):
            return taken(start)[0][1] in ids()

        def until_taken(start, ask):
            # A proxy may leave a node alone for a second that has just failed.
            end = time.monotonic() + PATIENCE
            while not taken(start):
                self.assertLess(time.monotonic(), end)
                yield ask()
                time.sleep(0.1)

        pair = self.nodes[0].login()
        with ProxyClient(proxy) as client:
            for answer in until_taken("GET /auth/", lambda: client.request(
                    "GET", "/auth/user/", token=pair["access"])):
                self.assertEqual(answer.status, 200, str(answer))
        self.assertTrue(retaken("GET /auth/"))

        last = {}

        def refresh():
            last.update(self.nodes[0].login())
            with ProxyClient(proxy) as client:
                return client.request("POST", "/auth/token/refresh/", {"refresh": last["refresh"]})

        answers = list(until_taken("POST /auth/token/refresh/", refresh))
        self.assertEqual({answer.status for answer in answers[:-1]} - {200}, set())
        self.assertEqual(answers[-1].status, 502)
        self.assertEqual(len(taken("POST ")), 1)
        time.sleep(1)
        self.assertFalse(retaken("POST "))
        self.assertEqual(self.nodes[0].post("/auth/token/refresh/", {"refresh": last["refresh"]}).status, 200)


class HAProxyTest(ProxyTest):
    proxy_class = HAProxy
    # On a connection that had requests before it closes without a word.
    lost_answers = {502, 504, repr(http.client.RemoteDisconnected("Remote end closed connection without response"))}

    def test_clients_are_balanced_and_told_by_address_and_scheme(self):
        self.check_addresses()

    def test_a_node_is_drained_without_a_failed_request(self):
        self.check_drain()

    def test_a_node_that_is_killed_is_taken_out(self):
        self.check_kill()

    def test_what_was_sent_is_repeated_only_where_that_is_safe(self):
        self.check_repetition()

    def test_without_a_ready_node_those_that_live_answer(self):
        proxy = self.start()
        token = self.nodes[0].login()["access"]

        def verify_for(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                answer = client.request("POST", "/auth/token/verify/", {"token": token})
                self.assertEqual(answer.status, 200, str(answer))
                time.sleep(0.02)

        with ProxyClient(proxy) as client:
            self.rename("user", "elsewhere")
            for node in self.nodes:
                answer = eventually(lambda n=node: next(
                    (a for a in [n.get("/readyz")] if a.status != 200), None), 5)
                self.assertEqual((answer.status, answer.json),
                                 (503, {"status": "not ready", "missing": ["migrations"]}))
                self.assertEqual(node.get("/healthz").status, 200)
            verify_for(3)
            self.rename("elsewhere", "user")
            for node in self.nodes:
                self.assertTrue(eventually(lambda n=node: n.get("/readyz").status == 200, 5))
            verify_for(2)

    def rename(self, old, new):
        subprocess.run(["sqlite3", str(self.project.database),
                        'ALTER TABLE "%s" RENAME TO "%s"' % (old, new)], check=True)


class NginxTest(ProxyTest):
    proxy_class = Nginx

    def test_clients_are_balanced_and_told_by_address_and_scheme(self):
        self.check_addresses()

    def test_a_node_is_drained_without_a_failed_request(self):
        self.check_drain()

    def test_a_node_that_is_killed_is_taken_out(self):
        self.check_kill()

    def test_what_was_sent_is_repeated_only_where_that_is_safe(self):
        self.check_repetition()


if __name__ == "__main__":
    unittest.main()
