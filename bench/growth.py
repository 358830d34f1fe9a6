#!/usr/bin/python3
"""What requests cost on a full database, as ratios to a small one.

  bench/growth.py BUILD SMALL FULL [--rounds N] [--seconds S] [--only NAME]... [--last-login] [--random-jti]

SMALL and FULL are two databases of one engine, files of SQLite or postgresql:// URLs, filled with
bench/fill.py (the small one, say, with --users 1000 --tokens 10000) and migrated afterwards. A service
runs on each; they are measured in turn (A B A B ...), and medians are reported.

What is measured is CPU time per request: of the service, and of the backends of PostgreSQL, which must
run on this machine. Wall time on a shared machine says little, and what a commit waits for the disk is
the same on either. Passwords are hashed in one iteration, so that a login is all but its hash. The
service has one thread on core 0; wrk and PostgreSQL have the other cores. Needs wrk and taskset.

  login     POST /auth/token/ of somebody (--last-login: with UPDATE_LAST_LOGIN)
  refresh   POST /auth/token/refresh/ with rotation and blacklisting
  verify    POST /auth/token/verify/ of a refresh token
  user      GET /auth/user/
  list      GET /auth/users/, a first page in each of twelve orders
  search    GET /auth/users/?search= with the start of somebody's e-mail, up to the @
  flush     flushexpiredtokens, per row; the expired tokens are added before each round (--random-jti:
            with jti's as the original makes them)
  floor     the statements of flush alone, on SQLite, in one connection and none of our program around them
  slow      on FULL alone, wall time: counts, deep pages, searches inside names
  beside    on FULL alone, wall time: how long requests take beside flushexpiredtokens
"""
import argparse
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

from fill import PASSWORD, jti_postgresql, jti_sqlite
from service import get, rotation_script, wrk

HZ = os.sysconf("SC_CLK_TCK")
ORDERS = ["id", "email", "first_name", "last_name", "date_joined", "last_login"]
SAMPLE = 2000
FLUSHED = 20000
MADE = "1577836800000"  # 2020-01-01
BATCH = 500  # flushexpiredtokens'


def stat(pid):
    return pathlib.Path("/proc/%d/stat" % pid).read_text("utf-8").rsplit(")", 1)[1].split()


class Database:
    def __init__(self, where):
        self.url = where if "://" in where else "sqlite:///" + os.path.abspath(where)
        self.is_postgresql = not self.url.startswith("sqlite:")
        if self.is_postgresql:
            self.name = urllib.parse.urlsplit(self.url).path.lstrip("/")
            directory = self.query("SHOW data_directory")[0][0]
            self.postmaster = int(open(directory + "/postmaster.pid", encoding="utf-8").readline())

    def query(self, sql, parameters=()):
        if not self.is_postgresql:
            path = self.url.removeprefix("sqlite:///")
            with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection, connection:
                return connection.execute(sql, parameters).fetchall()
        import psycopg2  # not needed for SQLite
        with contextlib.closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.replace("?", "%s"), parameters or None)
                return cursor.fetchall() if cursor.description else []

    def backends_seconds(self):
        """CPU of those that serve this database's clients."""
        if not self.is_postgresql:
            return 0
        ticks = 0
        children = pathlib.Path("/proc/%d/task/%d/children" % (self.postmaster, self.postmaster)).read_text("utf-8")
        for pid in map(int, children.split()):
            with contextlib.suppress(OSError):
                title = pathlib.Path("/proc/%d/cmdline" % pid).read_bytes()
                if re.match(rb"postgres: (?!autovacuum)\S+ %s " % self.name.encode(), title):
                    ticks += sum(map(int, stat(pid)[11:13]))
        return ticks / HZ

    def add_expired(self, count, random_jti):
        users = self.query('SELECT max("id") FROM "user"')[0][0]
        if self.is_postgresql:
            self.query("""INSERT INTO token_blacklist_outstandingtoken (jti, token, created_at, expires_at, user_id)
                SELECT """ + jti_postgresql(MADE + " + n * 1000", random_jti) + """, repeat(md5(n::text), 9),
                       '2020-01-01Z'::timestamptz + n * interval '1 second',
                       '2020-01-02Z'::timestamptz + n * interval '1 second', 1 + floor(random() * ?)::bigint
                FROM generate_series(1, ?) n""", (users, count))
        else:
            self.query("""WITH RECURSIVE number (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM number WHERE n < ?)
                INSERT INTO token_blacklist_outstandingtoken (jti, token, created_at, expires_at, user_id)
                SELECT """ + jti_sqlite(MADE + " + n * 1000", random_jti) + """, hex(randomblob(144)),
                       datetime('2020-01-01', n || ' seconds'), datetime('2020-01-02', n || ' seconds'),
                       1 + abs(random()) % ? FROM number""",
                       (count, users))
        self.query("""INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
                      SELECT '2020-01-01 00:00:00', id FROM token_blacklist_outstandingtoken
                      WHERE expires_at < '2021-01-01 00:00:00' AND id % 10 = 0""")


class Service:
    def __init__(self, program, folder, database, last_login):
        self.database = database
        self.folder = tempfile.mkdtemp(dir=folder)
        config = os.path.join(self.folder, "easyjwt.toml")
        with open(os.open(config, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(f"""SECRET_KEY = "{'s' * 50}"
INSTALLED_APPS = ["easyjwt_auth", "easyjwt_auth.token_blacklist", "easyjwt_user", "admin"]
PASSWORD_UPGRADE = false
[DATABASE]
URL = {json.dumps(database.url)}
[SERVER]
LISTEN = "127.0.0.1:0"
THREADS = 1
[EASY_JWT]
SIGNING_KEY = "d577273ff885c3f84dadb8578bb40000"
ROTATE_REFRESH_TOKENS = true
BLACKLIST_AFTER_ROTATION = true
UPDATE_LAST_LOGIN = {str(last_login).lower()}
""")
        self.command = [program, "--config", config]
        self.process = subprocess.Popen(["taskset", "-c", "0", *self.command, "runserver"], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        users = database.query('SELECT count(*) FROM "user"')[0][0]
        chance = random.Random(1)
        self.emails = []
        for _ in range(SAMPLE):
            self.emails += database.query('SELECT "email" FROM "user" WHERE "id" = ?', (chance.randint(1, users),))
        self.emails = [email for email, in self.emails]
        self.staff = database.query('SELECT "email" FROM "user" WHERE "id" = 1')[0][0]

    def request(self, method, path, body=None, token=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            headers = {"Content-Type": "application/json"} if body else {}
            if token:
                headers["Authorization"] = "Bearer " + token
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            data = response.read()
            if response.status != 200:
                sys.exit("%s %s: %d %s" % (method, path, response.status, data[:200]))
            return json.loads(data)

    def login(self, email=None):
        return self.request("POST", "/auth/token/", {"email": email or self.staff, "password": PASSWORD})

    def logins(self, count):
        return [self.login(email) for email in self.emails[:count]]

    def cpu_seconds(self):
        return sum(map(int, stat(self.process.pid)[11:13])) / HZ, self.database.backends_seconds()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def lua(requests):
    """One of `requests` after the other, each as arguments of wrk.format."""
    return "local all = {%s}\nlocal i = 0\nfunction request() i = i %% #all + 1 return all[i]() end\n" % ",".join(
        "function() return wrk.format(%s) end" % text for text in requests)


def post(path, body):
    return 'POST", "%s", {["Content-Type"]="application/json"}, [[%s]]' % (path, json.dumps(body))


def script_of(name, service):
    if name == "login":
        return lua('"' + post("/auth/token/", {"email": email, "password": PASSWORD}) for email in service.emails)
    if name == "refresh":
        return rotation_script([pair["refresh"] for pair in service.logins(256)])
    if name == "verify":
        return lua('"' + post("/auth/token/verify/", {"token": pair["refresh"]}) for pair in service.logins(256))
    if name == "user":
        return lua('"GET", "/auth/user/", {["Authorization"]="Bearer %s"}' % pair["access"]
                   for pair in service.logins(256))
    if name == "list":
        paths = ["/auth/users/?ordering=" + sign + order for order in ORDERS for sign in ("", "-")]
    elif name == "search":
        paths = ["/auth/users/?search=" + urllib.parse.quote(email.split("@")[0]) for email in service.emails]
    headers = '{["Authorization"]="Bearer %s"}' % service.login()["access"]
    return "local headers = %s\n" % headers + lua('"GET", "%s", headers' % path for path in paths)


def cost(service, name, folder, seconds):
    """Microseconds of CPU per request: of the service, of the database."""
    script = script_of(name, service)
    before = service.cpu_seconds()
    requests, bad, _ = wrk(service.port, script, folder, seconds, 16)
    after = service.cpu_seconds()
    if bad:
        sys.exit("%s: %d of %d requests were not answered 200" % (name, bad, requests))
    return [(b - a) / requests * 1e6 for a, b in zip(before, after)]


def flush_cost(service, options):
    service.database.add_expired(FLUSHED, options.random_jti)
    backends = service.database.backends_seconds()
    highest = backends
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen([*service.command, "flushexpiredtokens"], stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            # Its backend ends with it.
            highest = max(highest, service.database.backends_seconds())
            time.sleep(0.01)
        out = process.stdout.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = int(re.search(r"(\d+) expired tokens deleted", out)[1])
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [used / rows * 1e6, (highest - backends) / rows * 1e6]


def floor_cost(service, options):
    service.database.add_expired(FLUSHED, options.random_jti)
    path = service.database.url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        for pragma in ("foreign_keys=ON", "synchronous=FULL", "cache_size=-16384", "wal_autocheckpoint=4000"):
            connection.execute("PRAGMA " + pragma)
        expired = """(SELECT id FROM token_blacklist_outstandingtoken WHERE expires_at < '2021-01-01 00:00:00'
                      ORDER BY expires_at, id LIMIT %d)""" % BATCH
        before = time.process_time()
        rows = 1
        while rows > 0:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM token_blacklist_blacklistedtoken WHERE token_id IN " + expired)
            rows = connection.execute("DELETE FROM token_blacklist_outstandingtoken WHERE id IN " + expired).rowcount
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint")
        return [(time.process_time() - before) / FLUSHED * 1e6, 0]


def compare(name, services, folder, options):
    times = [[], []]
    for _ in range(options.rounds):
        for service, kept in zip(services, times):
            kept.append(flush_cost(service, options) if name == "flush"
                        else floor_cost(service, options) if name == "floor"
                        else cost(service, name, folder, options.seconds))
    small, full = ([statistics.median(column) for column in zip(*kept)] for kept in times)
    total = [[sum(one) for one in kept] for kept in times]
    a, b = map(statistics.median, total)
    print("| %-7s | %7.1f | %7.1f | %7.1f | %7.1f | **%.2f** | %.2f to %.2f |" % (
        name, small[0], small[1], full[0], full[1], b / a,
        min(y / x for x, y in zip(*total)), max(y / x for x, y in zip(*total))), flush=True)


def slow(service):
    token = service.login()["access"]
    print("\n| on the full one | users | ms | slowest |\n|---|---|---|---|")
    users = service.database.query('SELECT count(*) FROM "user"')[0][0]
    pages = users // 100
    for what, parameters in [
            ("the first page", {}), ("the last page", {"page": "last"}),
            *[("page %d by %s" % (page, order), {"page": str(page), "ordering": order})
              for order in ORDERS + ["-last_login"] for page in (pages // 2, pages)],
            *[("search " + word, {"search": word}) for word in (
                service.emails[0], service.emails[0].split("@")[0][:-2], "anna.s", "anna", "son", "johnson", "ann",
                "smith", "müller", "gmail", "@gmail.com", "example.com", "com", "anna smith", "佐藤", "zzz", "an", "q", "zq")],
            ("search son by last name", {"search": "son", "ordering": "-last_name"}),
            ("search smith by last login", {"search": "smith", "ordering": "last_login"})]:
        times = []
        for _ in range(5):
            begun = time.monotonic()
            answer = service.request("GET", "/auth/users/?" + urllib.parse.urlencode(parameters), token=token)
            times.append((time.monotonic() - begun) * 1000)
        print("| %s | %d | %.1f | %.1f |" % (what, answer["count"], statistics.median(times), max(times)), flush=True)


def latencies(service, is_over):
    """Milliseconds of logins, rotations and verifications, one after the other, until is_over()."""
    taken = {"login": [], "refresh": [], "verify": []}

    def ask(name, path, body):
        begun = time.monotonic()
        answer = service.request("POST", path, body)
        taken[name].append((time.monotonic() - begun) * 1000)
        return answer

    for email in itertools.cycle(service.emails):
        if is_over():
            return taken
        pair = ask("login", "/auth/token/", {"email": email, "password": PASSWORD})
        pair = ask("refresh", "/auth/token/refresh/", {"refresh": pair["refresh"]})
        ask("verify", "/auth/token/verify/", {"token": pair["refresh"]})
        time.sleep(0.002)


def beside(service, options):
    service.database.add_expired(5 * FLUSHED, options.random_jti)
    end = time.monotonic() + options.seconds
    alone = latencies(service, lambda: time.monotonic() > end)
    with subprocess.Popen([*service.command, "flushexpiredtokens"], stdout=subprocess.DEVNULL) as process:
        flushing = latencies(service, lambda: process.poll() is not None)
    print("\n| ms | alone: median | p99 | slowest | beside flushexpiredtokens: median | p99 | slowest |")
    print("|---|---|---|---|---|---|---|")
    for name in alone:
        print("| %s | %s |" % (name, " | ".join(
            "%.1f" % value for times in (alone[name], flushing[name])
            for value in (statistics.median(times), statistics.quantiles(times, n=100)[98], max(times)))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("small")
    parser.add_argument("full")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--only", action="append")
    parser.add_argument("--last-login", action="store_true")
    parser.add_argument("--random-jti", action="store_true")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="easyjwt-growth-")
    services = []
    try:
        for where in (options.small, options.full):
            services.append(Service(os.path.join(options.build, "easyjwt"), folder, Database(where), options.last_login))
        wanted = options.only or ["login", "refresh", "verify", "user", "list", "search", "flush", "floor", "slow",
                                  "beside"]
        if services[0].database.is_postgresql and "floor" in wanted:
            wanted.remove("floor")
        compared = [name for name in wanted if name not in ("slow", "beside")]
        if compared:
            print("| us of CPU | small: service | database | full: service | database | ratio | in the rounds |")
            print("|---|---|---|---|---|---|---|")
        for name in compared:
            compare(name, services, folder, options)
        if "slow" in wanted:
            slow(services[1])
        if "beside" in wanted:
            beside(services[1], options)
    finally:
        for service in services:
            service.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
