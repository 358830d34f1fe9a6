#!/usr/bin/python3
"""How long pages of the admin site's list of users take on a full database.

  bench/pages.py BUILD DATABASE [--tries N] [--only lists|searches] [--word WORD]... [--order ORDER]...

DATABASE is a file of SQLite or a postgresql:// URL, filled with bench/fill.py and migrated afterwards. One user of
fifty is made inactive, one of 5,000 staff and ten of a million superusers, and three groups are made: of everybody,
of a twentieth, and of one of 10,000. Wall time of single requests, from a connection of its own each to the last
byte of the page; medians. A search that finds more than are counted is asked for once more with its exact count.
"""
import argparse
import contextlib
import http.client
import http.cookies
import re
import shutil
import statistics
import sys
import tempfile
import time
import urllib.parse

from fill import PASSWORD
from growth import Database, ORDERS, Service

USERS = "/admin/easyjwt_user/user/"
GROUPS = {"everybody": 1, "a twentieth": 20, "a few": 10000}
LIST_ORDERS = ["email", "-email", "id", "-last_login", "first_name"]
SEARCH_ORDERS = ["email", "-id", "-last_login", "first_name", "-first_name", "last_name", "-last_name"]
WORDS = ["anna.s", "anna", "johnson", "smith", "son", "com", "an", "zq", "anna com"]  # beside a whole e-mail


def prepare(database):
    """What fill.py leaves out."""
    yes, no = ("true", "false") if database.is_postgresql else ("1", "0")
    database.query(f'UPDATE "user" SET is_active = {no} WHERE id % 50 = 7 AND is_active = {yes}')
    database.query(f'UPDATE "user" SET is_staff = {yes} WHERE id % 5000 = 1 AND is_staff = {no}')
    database.query(f'UPDATE "user" SET is_superuser = {yes} WHERE id % 100000 = 1 AND is_superuser = {no}')
    numbers = {}
    for name, each in GROUPS.items():
        found = database.query("SELECT id FROM auth_group WHERE name = ?", (name,))
        if not found:
            database.query("INSERT INTO auth_group (name) VALUES (?)", (name,))
            found = database.query("SELECT id FROM auth_group WHERE name = ?", (name,))
            database.query(f'INSERT INTO user_groups (user_id, group_id) SELECT id, {found[0][0]} FROM "user" '
                           f"WHERE id % {each} = 0")
        numbers[name] = found[0][0]
    if database.is_postgresql:
        database.query("VACUUM ANALYZE")
    return numbers


class Browser:
    """Logged in as the first user, who is a superuser."""

    def __init__(self, service):
        self.port, self.cookies = service.port, {}
        page, _ = self.request("GET", "/auth/login/")
        token = re.search(r'name="csrfmiddlewaretoken"[^>]*value="([^"]*)"', page)[1]
        self.request("POST", "/auth/login/", {"csrfmiddlewaretoken": token, "username": service.staff,
                                              "password": PASSWORD})

    def request(self, method, path, form=None):
        """The page, and how many ms it took."""
        headers = {"Accept": "text/html", "Cookie": "; ".join("%s=%s" % pair for pair in self.cookies.items())}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            begun = time.monotonic()
            connection.request(method, path, urllib.parse.urlencode(form) if form else None, headers)
            response = connection.getresponse()
            page = response.read().decode()
            took = (time.monotonic() - begun) * 1000
        for line in response.headers.get_all("set-cookie") or ():
            for name, cookie in http.cookies.SimpleCookie(line).items():
                self.cookies[name] = cookie.value
        if response.status not in (200, 302):
            sys.exit("%s %s: %d" % (method, path, response.status))
        return page, took


def pages(groups, email, options):
    """What is asked for: the filter's and the order's names, and the address's parameters."""
    narrowed = {"all": {}, "inactive": {"is_active": "no"}, "active": {"is_active": "yes"}, "staff": {"is_staff": "yes"},
                "no staff": {"is_staff": "no"}, "superusers": {"is_superuser": "yes"},
                "active, no staff": {"is_active": "yes", "is_staff": "no"},
                **{"in a group of " + name: {"group": number} for name, number in groups.items()},
                "active, in a group of everybody": {"group": groups["everybody"], "is_active": "yes"},
                "inactive, in a group of everybody": {"group": groups["everybody"], "is_active": "no"},
                "active, in a group of a twentieth": {"group": groups["a twentieth"], "is_active": "yes"}}
    if options.only != "searches":
        for name, parameters in narrowed.items():
            for order in LIST_ORDERS:
                yield name, order, {**parameters, "o": order}
    if options.only != "lists":
        for word in options.word or (email, *WORDS):
            for name, parameters in narrowed.items():
                for order in options.order or SEARCH_ORDERS:
                    yield '"%s", %s' % (word, name), order, {**parameters, "q": word, "o": order}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("database")
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--only", choices=["lists", "searches"])
    parser.add_argument("--word", action="append", help="of the searches")
    parser.add_argument("--order", action="append", help="of the searches")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="easyjwt-pages-")
    database = Database(options.database)
    groups = prepare(database)
    service = Service(options.build + "/easyjwt", folder, database, False)
    slowest = {}
    try:
        browser = Browser(service)

        def measure(kind, parameters):
            path = USERS + "?" + urllib.parse.urlencode(parameters)
            times = [browser.request("GET", path)[1] for _ in range(options.tries)]
            median = statistics.median(times)
            slowest[kind] = max(slowest.get(kind, (0, "")), (median, path))
            return "%.0f" % median, "%.0f" % max(times)

        print("| users | order | found | first page, ms | slowest | page in the middle | last page | exact count |\n|" +
              "---|" * 8)
        for name, order, parameters in pages(groups, service.emails[0], options):
            page, _ = browser.request("GET", USERS + "?" + urllib.parse.urlencode(parameters))
            more, found = re.search(r"Found: (&gt; |> )?(\d+)", re.sub(r"<[^>]*>", "", page)).groups()
            last = max(1, (int(found) + 99) // 100)
            is_search = "q" in parameters
            if is_search:
                last = min(last, 100)  # beyond which no page leads
            middle = 501 if int(found) > 100000 and "group" in parameters else last // 2
            cells = list(measure("first page", parameters))
            cells.append(measure("deep page", {**parameters, "p": middle})[0] if middle > 1 and not is_search else "")
            cells.append(measure("deep page", {**parameters, "p": last})[0] if last > 1 else "")
            cells.append(measure("exact count", {**parameters, "exact": "yes"})[0] if more else "")
            print("| %s |" % " | ".join([name, order, (more or "") + found, *cells]), flush=True)
        print()
        for kind, (took, path) in slowest.items():
            print("slowest %s: %.0f ms, %s" % (kind, took, path))
    finally:
        service.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
