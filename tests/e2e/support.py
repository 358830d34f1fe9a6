"""The built program, driven from outside.

A Project is a temporary folder with an easyjwt.toml and users; a Service is the program serving
it. Everything ends with the test that started it, failed or not. The program is the one that the
environment names in EASYJWT_PROGRAM, the engine beneath it that of EASYJWT_TEST_ENGINE: sqlite, or
postgresql, where each project has a database of its own in a private server (postgresql.py).
"""

import base64
import collections
import contextlib
import dataclasses
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import uuid

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))
ENGINE = os.environ.get("EASYJWT_TEST_ENGINE", "sqlite")
SIGNING_KEY = "e2e-signing-key-e2e-signing-key-e2e-signing-key-e2e-signing-key"
SECRET_KEY = "e2e-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF"
# Seconds until something counts as hanging. ThreadSanitizer makes the program ten times slower.
PATIENCE = 90

SANITIZER_WORDS = ("Sanitizer", "runtime error:", "SUMMARY:", "DEADLYSIGNAL", "terminate called",
                   "Assertion")


def program():
    path = os.environ.get("EASYJWT_PROGRAM")
    if not path:
        raise RuntimeError("EASYJWT_PROGRAM must name the easyjwt program")
    return path


# ---- texts


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(token):
    return json.loads(unb64(token.split(".")[1]))


def header_of(token):
    return json.loads(unb64(token.split(".")[0]))


HMACS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def sign_hmac(header, payload, key=SIGNING_KEY, alg="HS256"):
    """A compact JWS of the bytes as they are."""
    key = key.encode() if isinstance(key, str) else key
    signed = b64(header) + "." + b64(payload)
    return signed + "." + b64(hmac.new(key, signed.encode(), HMACS[alg]).digest())


def mint(token_type="access", *, key=SIGNING_KEY, alg="HS256", header=None, drop=(), raw=None,
         **claims):
    """A signed token. `raw` has members as JSON texts of any kind, malformed ones too."""
    now = int(time.time())
    members = {"token_type": token_type, "exp": now + 300, "iat": now, "jti": uuid.uuid4().hex,
               "user_id": 1}
    if token_type == "sliding":
        members["refresh_exp"] = now + 3000
    members.update(claims)
    texts = {name: json.dumps(value) for name, value in members.items() if name not in drop}
    texts.update(raw or {})
    payload = "{" + ",".join(json.dumps(name) + ":" + text for name, text in texts.items()) + "}"
    head = {"alg": alg, "typ": "JWT", **(header or {})}
    return sign_hmac(json.dumps(head).encode(), payload.encode("utf-8", "surrogatepass"), key, alg)


def encode_password(password, salt="e2esalt", iterations=1):
    """Django's encoding with next to no work in it, so that tests spend theirs elsewhere."""
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return "pbkdf2_sha256$%d$%s$%s" % (iterations, salt, base64.b64encode(digest).decode())


def user_entry(pk, email, password, **fields):
    """One user of a fixture. `password` is in clear, or an encoding if it has a "$"."""
    encoding = password if "$" in password else encode_password(password)
    return {"model": "easyjwt_user.user", "pk": pk, "fields": {
        "email": email, "password": encoding, "date_joined": "2026-01-02T03:04:05.678Z", **fields}}


def toml(settings):
    """A settings file's text. None leaves a key out."""
    def text(value):
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(text(item) for item in value) + "]"
        if isinstance(value, dict):
            return "{" + ", ".join("%s = %s" % (key, text(v)) for key, v in value.items()) + "}"
        return json.dumps(value, ensure_ascii=False)
    plain, tables = [], []
    for name, value in settings.items():
        if value is None:
            continue
        if isinstance(value, dict):
            tables.append("\n[%s]" % name)
            tables += ["%s = %s" % (key, text(v)) for key, v in value.items() if v is not None]
        else:
            plain.append("%s = %s" % (name, text(value)))
    return "\n".join(plain + tables) + "\n"


def merged(base, over):
    out = dict(base)
    for key, value in (over or {}).items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else value
    return out


DEFAULTS = {
    "SECRET_KEY": SECRET_KEY,
    "INSTALLED_APPS": ["easyjwt_auth", "easyjwt_auth.token_blacklist", "easyjwt_user", "admin"],
    "PASSWORD_UPGRADE": False,
    "SERVER": {"LISTEN": "127.0.0.1:0"},
    "EASY_JWT": {"SIGNING_KEY": SIGNING_KEY},
}

PASSWORDS = {"alice@example.com": "c0rrect-Horse-battery", "bob@example.com": "b0b-Builds-bridges",
             "carol@example.com": "c4rol-Sings-songs", "dave@example.com": "d4ve-Drives-dumpers"}
ALICE, BOB, CAROL, DAVE = PASSWORDS


def usual_users():
    """Alice (1) is a user, Bob (2) inactive, Carol (3) a superuser, Dave (4) has a name."""
    return [user_entry(1, ALICE, PASSWORDS[ALICE], first_name="Alice", last_name="Archer"),
            user_entry(2, BOB, PASSWORDS[BOB], is_active=False),
            user_entry(3, CAROL, PASSWORDS[CAROL], is_staff=True, is_superuser=True),
            user_entry(4, DAVE, PASSWORDS[DAVE], first_name="Däve", last_name="大")]


# ---- the program


@dataclasses.dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return "%d %s" % (self.status, self.body[:500])


def read_answer(sock, method="GET"):
    """The next answer on a socket."""
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    return Answer(response.status, response.headers, response.read())


def encode_request(json_body=None, form=None, body=None, headers=None, token=None):
    headers = dict(headers or {})
    if json_body is not None:
        body = json.dumps(json_body).encode()
        headers.setdefault("Content-Type", "application/json")
    elif form is not None:
        body = urllib.parse.urlencode(form).encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    if token is not None:
        headers.setdefault("Authorization", "Bearer " + token)
    return body, headers


class Client:
    """One kept-alive connection. For one thread."""

    def __init__(self, service):
        self.service = service
        host, port = service.address
        if service.tls is None:
            self.connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        else:
            self.connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE,
                                                          context=service.tls)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def request(self, method, path, json=None, **kwargs):
        body, headers = encode_request(json, **kwargs)
        self.service.note_secrets(json, headers)
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        if answer.body.startswith(b"{"):
            with contextlib.suppress(ValueError):
                self.service.note_secrets(answer.json, {})
        return answer


SECRET_MEMBERS = ("password", "new_password", "refresh", "access", "token")


class Service:
    """The program, serving. Asserts at its end that it ended well and gave nothing away."""

    def __init__(self, project, address, env, listen="127.0.0.1:0", tls=None):
        self.project = project
        self.tls = tls
        self.secrets = set(project.secrets)
        self.stopped = False
        self.log_file = tempfile.NamedTemporaryFile(
            dir=project.path, prefix="service-", suffix=".log", delete=False)
        self.process = subprocess.Popen(
            [program(), "--config", str(project.config), "runserver"] + ([listen] if listen else []),
            cwd=project.path, env=project.environment(env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.log_file)
        try:
            self.first_line = self._read_first_line()
            found = re.fullmatch(r"listening on (https?)://(\S+):(\d+)\n", self.first_line)
            if not found:
                raise AssertionError("no ready line but %r; it says:\n%s"
                                     % (self.first_line, self.log()))
        except BaseException:
            self.kill()
            raise
        self.address = (address or found.group(2), int(found.group(3)))
        self.scheme = found.group(1)

    def _read_first_line(self):
        line, end = b"", time.monotonic() + PATIENCE
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], end - time.monotonic())
            byte = os.read(self.process.stdout.fileno(), 1) if ready else b""
            if not byte:
                break
            line += byte
        return line.decode()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log_file.close()
        self.stopped = True

    # -- asking

    def client(self):
        return Client(self)

    def request(self, method, path, json=None, **kwargs):
        with self.client() as client:
            return client.request(method, path, json, **kwargs)

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, json=None, **kwargs):
        return self.request("POST", path, json, **kwargs)

    def login(self, email=ALICE, password=None):
        """A pair of tokens; the login must succeed."""
        answer = self.post("/auth/token/", {"email": email,
                                            "password": password or PASSWORDS[email]})
        if answer.status != 200:
            raise AssertionError("login of %s: %s" % (email, answer))
        return answer.json

    def connect(self, timeout=PATIENCE):
        return socket.create_connection(self.address, timeout=timeout)

    def raw(self, data, method="GET"):
        """The answer to bytes that no HTTP library would send."""
        with self.connect() as sock:
            sock.sendall(data)
            return read_answer(sock, method)

    def note_secrets(self, body, headers):
        """Remembers what must not turn up in the log."""
        if isinstance(body, dict):
            for name in SECRET_MEMBERS:
                value = body.get(name)
                if isinstance(value, str) and len(value) >= 8:
                    self.secrets.add(value)
        parts = headers.get("Authorization", "").split() if headers else []
        self.secrets.update(part for part in parts if len(part) > 12)

    # -- ending

    def log(self):
        return pathlib.Path(self.log_file.name).read_text("utf-8", "replace")

    def error_lines(self):
        return [line for line in self.log().splitlines()
                if re.match(r'\S+ error |{.*"level":"error"', line)]

    def stop(self, number=signal.SIGTERM):
        """Ends it and checks what it leaves behind."""
        if self.stopped:
            return
        self.process.send_signal(number)
        self.wait()

    def wait(self):
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            log = self.log()
            self.kill()
            raise AssertionError("the service does not end; it says:\n" + log[-4000:]) from None
        rest = self.process.stdout.read()
        self.kill()
        log = self.log()
        if code != 0:
            raise AssertionError("exit code %d; it says:\n%s" % (code, log[-8000:]))
        if rest:
            raise AssertionError("more on stdout than the ready line: %r" % rest[:500])
        for word in SANITIZER_WORDS:
            if word in log:
                raise AssertionError("%r on stderr:\n%s" % (word, log[-8000:]))
        for secret in self.secrets:
            if secret in log:
                raise AssertionError("a secret in the log: " + secret[:60])
        if self.error_lines():
            raise AssertionError("it logged an error:\n" + "\n".join(self.error_lines()[:10]))


@dataclasses.dataclass
class Finished:
    code: int
    out: str
    err: str


class Project:
    """A temporary folder with an easyjwt.toml, and a database unless `settings` name one.
    `add_cleanup` is the test's addCleanup. On PostgreSQL the database is migrated from the start,
    since the service does not do that there, or empty."""

    def __init__(self, add_cleanup, settings=None, users=None, base=None, *, engine=None, migrated=True):
        self.add_cleanup = add_cleanup
        self.engine = engine or ENGINE
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="easyjwt-e2e-"))
        add_cleanup(shutil.rmtree, self.path, ignore_errors=True)
        self.config = self.path / "easyjwt.toml"
        self.database = self.path / "easyjwt.sqlite3"
        self.secrets = {SIGNING_KEY, SECRET_KEY, *PASSWORDS.values()}
        self.settings = merged(DEFAULTS if base is None else base, settings)
        if self.engine == "postgresql" and "URL" not in self.settings.get("DATABASE", {}):
            self.settings = merged(self.settings, {"DATABASE": {"URL": self._make_database(migrated)}})
        self.write()
        if users:
            self.load(users)

    def _make_database(self, migrated):
        import postgresql  # pylint: disable=import-outside-toplevel
        server = postgresql.shared(program())
        template = postgresql.TEMPLATE if migrated else "template0"
        self.postgresql = postgresql.Database(server, template)
        self.add_cleanup(self.postgresql.drop)
        # No log may tell it.
        self.secrets.add(server.password)
        return self.postgresql.url

    def query(self, sql):
        """The rows of a statement, as another program sees them."""
        if self.engine == "postgresql":
            return self.postgresql.query(sql)
        with contextlib.closing(sqlite3.connect(self.database)) as database, database:
            return database.execute(sql).fetchall()

    def execute(self, sql):
        """A statement of another program's."""
        if self.engine == "postgresql":
            self.postgresql.query(sql)
            return
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as database, database:
            database.execute(sql)

    def write(self, text=None):
        self.config.write_text(toml(self.settings) if text is None else text, "utf-8")
        self.config.chmod(0o600)

    def change(self, settings):
        self.settings = merged(self.settings, settings)
        self.write()

    @staticmethod
    def environment(env=None):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("EASYJWT_")}
        return {**inherited, **(env or {})}

    def run(self, *command, env=None, stdin=""):
        """Runs a command to its end. Whatever it is, it does not crash."""
        done = subprocess.run(
            [program(), "--config", str(self.config), *map(str, command)], cwd=self.path,
            env=self.environment(env), input=stdin.encode(), capture_output=True, timeout=PATIENCE,
            check=False)
        result = Finished(done.returncode, done.stdout.decode(), done.stderr.decode())
        for word in SANITIZER_WORDS:
            if word in result.err:
                raise AssertionError("%r on stderr:\n%s" % (word, result.err[-8000:]))
        if result.code not in (0, 1, 2):
            raise AssertionError("%s: %s" % (command, result))
        return result

    def do(self, *command, **kwargs):
        """Runs a command that must succeed."""
        result = self.run(*command, **kwargs)
        if result.code != 0:
            raise AssertionError("%s: %s" % (command, result))
        return result

    def load(self, entries):
        fixture = self.path / ("fixture-%s.json" % uuid.uuid4().hex)
        fixture.write_text(json.dumps(entries), "utf-8")
        return self.do("loaddata", fixture)

    def start(self, *, env=None, address=None, listen="127.0.0.1:0", tls=None):
        service = Service(self, address, env, listen, tls)
        self.add_cleanup(self._end, service)
        return service

    @staticmethod
    def _end(service):
        # A test that has failed shall not hang in its cleanup, one that passed is judged here.
        try:
            service.stop()
        finally:
            service.kill()


class ServiceTest(unittest.TestCase):
    """One service with the usual users for all tests of a class."""

    settings = {}
    users = staticmethod(usual_users)
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.project = Project(cls.addClassCleanup, cls.settings, cls.users())
        cls.service = cls.project.start()

    def project_of(self, settings=None, users=usual_users, **kwargs):
        return Project(self.addCleanup, settings, users() if callable(users) else users, **kwargs)


class LoadTest(unittest.TestCase):
    """Whether others wait."""

    def start(self, settings=None, users=None, env=None):
        project = Project(self.addCleanup, settings, users or usual_users())
        return project.start(env=env)

    @staticmethod
    def sockets(service):
        """How many sockets the program has open."""
        number = 0
        for entry in os.scandir("/proc/%d/fd" % service.process.pid):
            with contextlib.suppress(OSError):
                number += os.readlink(entry.path).startswith("socket:")
        return number

    def times(self, service, until, status=200):
        """How long verifications take, one after the other on one connection, until `until()`."""
        token, out = mint(), []
        with service.client() as client:
            while not until() or len(out) < 20:
                with elapsed() as took:
                    answer = client.request("POST", "/auth/token/verify/", {"token": token})
                self.assertEqual(answer.status, status, str(answer))
                out.append(took())
                time.sleep(0.02)
        return out

    def assert_quick(self, times, what):
        # Not a benchmark: what is delayed by others here is delayed by seconds.
        self.assertLess(statistics.median(times), 0.5, what)
        self.assertLess(max(times), 20, what)


def at_once(count, work):
    """Runs work(0) ... work(count - 1) in a thread each, released together; their results in
    order. An exception of one is the caller's."""
    barrier = threading.Barrier(count)
    results, faults = [None] * count, []

    def run(number):
        try:
            barrier.wait(PATIENCE)
            results[number] = work(number)
        except BaseException as fault:  # pylint: disable=broad-except
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
        if thread.is_alive():
            raise AssertionError("a thread hangs")
    if faults:
        raise faults[0]
    return results


def eventually(condition, seconds=PATIENCE, every=0.02):
    """Waits until `condition()` is true and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


@contextlib.contextmanager
def elapsed():
    """`with elapsed() as took: ...` and then took() is how many seconds it was."""
    started, ended = time.monotonic(), []
    yield lambda: (ended or [time.monotonic()])[0] - started
    ended.append(time.monotonic())


def count(values):
    return dict(collections.Counter(values))
