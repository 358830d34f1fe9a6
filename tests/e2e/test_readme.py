"""The README's tables of endpoints against the programs: what stands there is there, and what is there stands
there. (The tables of settings, docs/settings.md, are made from the code: tests/service/settings_test.cpp.)"""

import re
import unittest

import support
from test_own_views import OwnViewsTest

README = support.TESTS.parent / "README.md"
SOURCES = support.TESTS.parent / "src" / "service"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def tables():
    """Of the auth-service and of the client-service: the methods of each path."""
    found = []
    lines = README.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith("| path | methods |"):
            table = {}
            for row in lines[number + 2:]:
                if not row.startswith("|"):
                    break
                paths, methods = [cell.strip() for cell in row.split("|")[1:3]]
                folder = ""
                for path in paths.split(", "):
                    # "/auth/token/, refresh/": beside the first one.
                    folder = folder if not path.startswith("/") else path
                    whole = path if path.startswith("/") else folder + path
                    table[whole] = METHODS if methods.startswith("any") else methods.split(", ")
            found.append(table)
    return found


def paths_in(*sources):
    text = "".join((SOURCES / source).read_text("utf-8") for source in sources)
    return set(re.findall(r'"(/(?:auth|healthz|readyz|\.well-known)[a-z{}/.-]*)"', text))


class Endpoints(OwnViewsTest):
    def check(self, service, table):
        for path, methods in table.items():
            with self.subTest(path):
                answer = service.request("OPTIONS", path.replace("{id}", "1"))
                # /auth/forward/ judges this, too.
                self.assertIn(answer.status, (200, 401), "no such endpoint")
                allowed = set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"}
                self.assertEqual(allowed, set(methods))

    def test_tables(self):
        self.assertEqual(len(tables()), 2)
        auth, client = tables()
        self.pair(auth_settings={"EASY_JWT": {"SESSION_CLAIM": "sid"}})
        self.check(self.auth, auth)
        self.check(self.client, client)

    def test_nothing_is_missing(self):
        auth, client = tables()
        self.assertEqual(set(auth), paths_in("auth_api/auth_api.cpp", "health.cpp"))
        self.assertEqual(set(client), paths_in("client_api/client_api.cpp", "forward_auth/forward_auth.cpp",
                                               "health.cpp"))

    def test_pages(self):
        self.pair()
        row = re.compile(r"^\| (/\S+?)(, done/)? \| (both|auth|client) \|", re.MULTILINE)
        stated = {"auth": set(), "client": set()}
        for path, done, which in row.findall(README.read_text("utf-8")):
            for name in stated if which == "both" else (which,):
                stated[name] |= {path, path + "done/"} if done else {path}
        self.assertGreaterEqual(min(map(len, stated.values())), 5)
        every = stated["auth"] | stated["client"]
        self.assertLessEqual(paths_in("pages/pages.cpp") | {"/accounts/profile/"}, every)
        for name, service in (("auth", self.auth), ("client", self.client)):
            for path in every:
                # The auth-service has an endpoint of that name.
                if (name, path) == ("auth", "/auth/password-change/"):
                    continue
                with self.subTest(path, service=name):
                    self.assertEqual(service.request("OPTIONS", path).status, 200 if path in stated[name] else 404)


if __name__ == "__main__":
    unittest.main()
