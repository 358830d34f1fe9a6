"""The installed libraries, and examples/ built on them as their authors would: by find_package,
from a prefix, with nothing of the source tree or the build folder."""

import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import unittest
from unittest import mock

import support
from support import ALICE, CAROL, at_once, elapsed
from test_jwks import SigningKey

ROOT = support.TESTS.parent
BUILD = pathlib.Path(support.program()).resolve().parent
COMPONENTS = ("client", "user", "auth", "service")
INVALID = {"detail": "Token is invalid or expired", "code": "token_not_valid"}
UNAVAILABLE = {"detail": "Service temporarily unavailable, try again later."}
SPACES = {"detail": "Invalid basic header. Credentials string should not contain spaces."}

# Calls something of each component, so that the linker needs what they need.
USES = {
    "client": ("easyjwt/client/authenticator.hpp", """
        easyjwt::RemoteAuth remote({}, easyjwt::no_log());
        return easyjwt::Authenticator({}, remote).authenticate("").has_value() ? 0 : 1;"""),
    "user": ("easyjwt/user/hasher.hpp", """
        easyjwt::Hasher hasher({});
        const auto encoding = hasher.encode("secret");
        return encoding && hasher.verify("secret", *encoding)->correct ? 0 : 1;"""),
    "auth": ("easyjwt/auth/accounts.hpp", """
        return easyjwt::is_password_usable(easyjwt::unusable_password()) ? 1 : 0;"""),
    "service": ("easyjwt/service/program.hpp", """
        const char* arguments[] = {"uses", "--version"};
        return easyjwt::Program().run(2, const_cast<char**>(arguments));"""),
}


class Prefix(unittest.TestCase):
    """A prefix that the build was installed to."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.path = pathlib.Path(tempfile.mkdtemp(prefix="easyjwt-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.path, ignore_errors=True)
        cls.prefix = cls.path / "prefix"
        cls.succeed("cmake", "--install", BUILD, "--prefix", cls.prefix)

    @classmethod
    def run_tool(cls, *command, env=None):
        # Paths relative to this folder: it is another one each time, and ccache shall not mind.
        env = {**os.environ, "CCACHE_BASEDIR": str(cls.path), "CCACHE_NOHASHDIR": "1",
               **(env or {})}
        return subprocess.run([*map(str, command)], env=env, cwd=cls.path, text=True, check=False,
                              timeout=250, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    @classmethod
    def succeed(cls, *command):
        done = cls.run_tool(*command)
        if done.returncode != 0:
            raise AssertionError("%s:\n%s" % (" ".join(map(str, command)), done.stdout[-6000:]))
        return done.stdout

    def configure(self, source, *options, env=None):
        ccache = shutil.which("ccache")
        launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=" + ccache] if ccache else []
        return self.run_tool(
            "cmake", "-G", "Ninja", "-S", source, "-B", source / "build", *launcher,
            "-DCMAKE_PREFIX_PATH=%s" % self.prefix, "-DCMAKE_BUILD_TYPE=None",
            "-DCMAKE_CXX_FLAGS=-O0 -Wall -Wextra -Wpedantic -Werror", *options, env=env)

    def build(self, source):
        done = self.configure(source)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.succeed("cmake", "--build", source / "build")

    def consumer(self, request, components=()):
        """A project that says find_package(easyjwt `request`) and uses these components."""
        source = pathlib.Path(tempfile.mkdtemp(dir=self.path))
        lines = ["cmake_minimum_required(VERSION 3.25)", "project(uses LANGUAGES CXX)",
                 "find_package(easyjwt %s)" % request]
        for name in components:
            header, body = USES[name]
            (source / (name + ".cpp")).write_text(
                '#include "%s"\nint main() {%s\n}\n' % (header, body))
            lines += ["add_executable(uses_%s %s.cpp)" % (name, name),
                      "target_link_libraries(uses_%s PRIVATE easyjwt::%s)" % (name, name)]
        (source / "CMakeLists.txt").write_text("\n".join(lines) + "\n")
        return source


class Installed(Prefix):
    def test_the_program_runs_and_nothing_leads_back_to_the_sources(self):
        said = self.succeed(self.prefix / "bin/easyjwt", "--version")
        self.assertRegex(said, r"\d+\.\d+\.\d+")
        files = [path for path in self.prefix.rglob("*") if path.is_file()]
        headers = {path.relative_to(self.prefix / "include") for path in files
                   if path.suffix == ".hpp"}
        self.assertEqual(headers, {path.relative_to(ROOT / "include")
                                   for path in (ROOT / "include").rglob("*.hpp")})
        for path in files:
            content = path.read_bytes()
            for folder in (ROOT, BUILD):
                self.assertNotIn(os.fsencode(folder) + b"/", content, path)
        self.assertNotRegex(self.succeed("readelf", "-d", self.prefix / "bin/easyjwt"),
                            r"R(UN)?PATH")

    def test_each_component_links_alone(self):
        for name in COMPONENTS:
            with self.subTest(name):
                source = self.consumer("0.1 REQUIRED COMPONENTS " + name, [name])
                self.build(source)
                self.succeed(source / "build" / ("uses_" + name))

    def test_a_component_finds_what_it_needs_and_no_more(self):
        def without(component, *packages):
            # And without anything that pkg-config could find.
            return self.configure(self.consumer("REQUIRED COMPONENTS " + component),
                                  *("-DCMAKE_DISABLE_FIND_PACKAGE_%s=ON" % p for p in packages),
                                  env={"PKG_CONFIG_LIBDIR": str(self.path / "nothing")})
        done = without("client", "SQLite3", "CLI11", "spdlog", "CURL", "PostgreSQL")
        self.assertEqual(done.returncode, 0, done.stdout)
        for component, missing in (("client", "OpenSSL"), ("client", "tl-expected"),
                                   ("user", "SQLite3"), ("service", "spdlog"),
                                   ("auth", "libargon2")):
            with self.subTest(component, missing=missing):
                done = without(component, missing)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(missing, done.stdout)

    def test_unknown_components_and_other_versions_are_refused(self):
        done = self.configure(self.consumer("REQUIRED COMPONENTS client clinet"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('no component "clinet"', " ".join(done.stdout.split()))
        done = self.configure(self.consumer("COMPONENTS client OPTIONAL_COMPONENTS clinet"))
        self.assertEqual(done.returncode, 0, done.stdout)
        version = re.search(r"VERSION (\d+)\.(\d+)", (ROOT / "CMakeLists.txt").read_text().split(
            "project(")[1])
        major, minor = map(int, version.groups())
        for wanted, found in (("%d.%d" % (major, minor), True), ("%d.%d" % (major, minor + 1), False),
                              ("%d.%d" % (major + 1, 0), False)):
            done = self.configure(self.consumer(wanted + " REQUIRED COMPONENTS client"))
            self.assertEqual(done.returncode == 0, found, wanted + done.stdout)


class Running:
    """An example that serves; requests to it as support.Client makes them."""

    tls = None

    def __init__(self, program, url, log, *arguments):
        self.log_path = log
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen([program, url, "0", *arguments], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=stderr)
        ready, _, _ = select.select([self.process.stdout], [], [], support.PATIENCE)
        line = self.process.stdout.readline().decode() if ready else ""
        found = re.fullmatch(r"listening on http://(127\.0\.0\.1):(\d+)\n", line)
        if not found:
            self.kill()
            raise AssertionError("no ready line but %r; %s" % (line, self.log()))
        self.address = (found.group(1), int(found.group(2)))

    def note_secrets(self, body, headers):
        pass

    def log(self):
        return pathlib.Path(self.log_path).read_text("utf-8", "replace")

    def get(self, path, authorization=None, method="GET"):
        headers = {} if authorization is None else {"Authorization": authorization}
        with support.Client(self) as client:
            return client.request(method, path, headers=headers)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(support.PATIENCE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Example(Prefix):
    def serve(self, name):
        """Builds examples/`name` outside of the source tree and starts it and an auth-service."""
        source = self.path / name
        shutil.copytree(ROOT / "examples" / name, source)
        self.build(source)
        self.program = source / "build" / name
        self.auth = support.Project(self.addCleanup, None, support.usual_users()).start()
        url = "http://%s:%d" % self.auth.address
        example = Running(self.program, url, self.path / (name + ".log"))
        self.addCleanup(example.kill)
        return example

    def check(self, example):
        self.answers(example)
        self.a_crowd(example)
        self.an_outage(example)
        self.its_end(example)
        self.bad_arguments()

    def refused(self, answer, status, body):
        self.assertEqual((answer.status, answer.json), (status, body))
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer" if status == 401 else None)

    def answers(self, example):
        self.token = self.auth.login()["access"]
        good = "Bearer " + self.token
        answer = example.get("/api/test/", good)
        self.assertEqual((answer.status, answer.body), (200, b'"success"'))
        self.assertEqual(example.get("/api/test/?a=b", good).status, 200)
        self.assertEqual(example.get("/api/hello/", good).json, "Hello, Alice")

        nobody = {"detail": "Authentication credentials were not provided."}
        for path in ("/api/test/", "/api/hello/"):
            self.refused(example.get(path), 401, nobody)
            self.refused(example.get(path, "Basic YWxpY2U6c2VjcmV0"), 401, nobody)
        self.refused(example.get("/api/test/", "Bearer two words"), 401, SPACES)
        self.refused(example.get("/api/test/", "Bearer"), 401,
                     {"detail": "Invalid basic header. No credentials provided."})

        # What the auth-service says of each, whose words are the original's.
        head, claims, mac = self.token.split(".")
        other = support.b64(support.unb64(claims).replace(b'"user_id":', b'"user_id" :'))
        said = self.auth.post("/auth/token/verify/", {"token": ".".join((head, other, mac))})
        self.assertEqual((said.status, said.json), (401, INVALID))
        detail = {"detail": INVALID["detail"]}
        for token in (".".join((head, other, mac)), ".".join((head, claims, mac[::-1])),
                      support.mint(exp=1), support.mint(key="another-key" * 8), "nonsense"):
            self.refused(example.get("/api/test/", "Bearer " + token), 401, detail)
        # Carol has no name.
        carol = self.auth.login(CAROL)["access"]
        self.assertEqual(example.get("/api/test/", "Bearer " + carol).status, 200)
        self.refused(example.get("/api/hello/", "Bearer " + carol), 403,
                     {"detail": "You do not have permission to perform this action."})
        self.assertEqual(example.get("/api/nothing/", good).status, 404)

    def a_crowd(self, example):
        """Each gets what is said of its own token."""
        tokens = [self.auth.login(ALICE)["access"] for _ in range(4)] + [support.mint(exp=1)]

        def ask(number):
            token = tokens[number % len(tokens)]
            return [(token == tokens[-1], example.get("/api/test/", "Bearer " + token).status)
                    for _ in range(5)]
        for seen in at_once(32, ask):
            for is_bad, status in seen:
                self.assertEqual(status, 401 if is_bad else 200)

    def an_outage(self, example):
        address = self.auth.address
        self.auth.stop()
        for _ in range(8):  # with the breaker closed, and open
            with elapsed() as took:
                answer = example.get("/api/test/", "Bearer " + self.token)
            self.refused(answer, 503, UNAVAILABLE)
            self.assertRegex(answer.headers["Retry-After"], r"^[1-9]\d*$")
            self.assertLess(took(), 5)
        # Who brings nothing is nobody even then.
        self.assertEqual(example.get("/api/test/").status, 401)
        self.auth = self.auth.project.start(listen="%s:%d" % address)
        back = support.eventually(
            lambda: example.get("/api/test/", "Bearer " + self.token).status == 200, 20)
        self.assertTrue(back, example.log())

    def its_end(self, example):
        self.assertEqual(example.stop(), 0, example.log())
        log = example.log()
        self.assertIn("does not answer", log)
        self.assertNotIn(self.token, log)
        # What is loaded late, or not at all, nobody has to install.
        needed = self.succeed("ldd", self.program)
        self.assertIn("libcrypto", needed)
        for library in ("libsqlite3", "libpq", "libcurl", "libspdlog", "libargon2"):
            self.assertNotIn(library, needed)


    def bad_arguments(self):
        for arguments in ([], ["not a url", "0"], ["http://127.0.0.1:1", "x"]):
            done = self.run_tool(self.program, *arguments)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertTrue(done.stdout.startswith(self.program.name + ": "), done.stdout)


class HttplibService(Example):
    def test_the_document_shows_its_lines(self):
        def lines(text):
            return [line.strip() for line in text.splitlines() if line.strip()]
        blocks = re.findall(r"```cpp\n(.*?)```", (ROOT / "docs/library.md").read_text(), re.DOTALL)
        self.assertGreater(len(blocks), 2)
        source = "\n".join(lines((ROOT / "examples/httplib_service/main.cpp").read_text()))
        for block in blocks:
            for part in block.split("\n\n"):
                self.assertIn("\n".join(lines(part)), source)

    def test_it_answers_as_ours(self):
        self.check(self.serve("httplib_service"))
        self.judges_itself()

    def judges_itself(self):
        key = SigningKey("ES256")
        auth = support.Project(self.addCleanup, {"EASY_JWT": {"ALGORITHM": "ES256", "SIGNING_KEY": key.pem}},
                               support.usual_users()).start()
        example = Running(self.program, "http://%s:%d" % auth.address, self.path / "local.log", "local")
        self.addCleanup(example.kill)
        token = "Bearer " + auth.login()["access"]
        self.assertEqual(example.get("/api/hello/", token).json, "Hello, Alice")
        auth.stop()
        self.assertEqual(example.get("/api/hello/", token).json, "Hello, Alice")
        self.assertEqual(example.get("/api/hello/", "Bearer " + SigningKey("ES256").token()).status, 401)
        self.assertEqual(example.stop(), 0, example.log())
        self.follows(auth.project)

    def follows(self, project):
        words = project.run("clients", "add", "example", "--scope", "feed").out.split()
        auth = project.start()
        with mock.patch.dict(os.environ, FEED_CLIENT_ID=words[1], FEED_CLIENT_SECRET=words[3]):
            example = Running(self.program, "http://%s:%d" % auth.address, self.path / "feed.log", "local")
        self.addCleanup(example.kill)
        token = "Bearer " + auth.login()["access"]
        status = lambda: example.get("/api/hello/", token).status
        self.assertTrue(support.eventually(lambda: "feed is followed" in example.log()), example.log())
        self.assertEqual(status(), 200)
        project.execute('UPDATE "user" SET is_active = 0 WHERE id = 1')
        self.assertTrue(support.eventually(lambda: status() == 401, 10), example.log())
        self.assertEqual(example.stop(), 0, example.log())


class BeastService(Example):
    def test_it_answers_as_ours(self):
        self.check(self.serve("beast_service"))


if __name__ == "__main__":
    unittest.main()
