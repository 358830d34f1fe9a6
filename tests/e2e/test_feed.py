"""The revocation feed at the auth-service: what is told, in which order, to whom, and that nothing is lost."""

import base64
import hashlib
import hmac
import json
import os
import random
import threading
import time
import unittest

import support
from support import CAROL, DAVE, PASSWORDS, at_once, eventually
from test_pages import Browser

ROTATING = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
EVENTS = "/auth/events/"
ENGINE = os.environ.get("EASYJWT_TEST_ENGINE", "sqlite")


class FeedTest(unittest.TestCase):
    maxDiff = None

    def feed_of(self, easy_jwt=None, scopes=("feed",)):
        project = support.Project(self.addCleanup, {"EASY_JWT": easy_jwt or {}}, support.usual_users())
        self.credentials = self.add_client(project, *scopes)
        return project

    def add_client(self, project, *scopes, name="follower"):
        done = project.run("clients", "add", name, *(word for scope in scopes for word in ("--scope", scope)))
        self.assertEqual(done.code, 0, done)
        words = done.out.split()
        return words[1], words[3]

    def ask(self, service, after=None, wait=0, credentials=None, **kwargs):
        client_id, secret = credentials or self.credentials
        basic = base64.b64encode(("%s:%s" % (client_id, secret)).encode()).decode()
        query = "?wait=%d" % wait + ("" if after is None else "&after=" + after)
        return service.get(EVENTS + query, headers={"Authorization": "Basic " + basic}, **kwargs)

    def page(self, *args, **kwargs):
        # Other tests' transactions may be open for a moment on the same PostgreSQL.
        answer = self.ask(*args, **kwargs)
        end = time.monotonic() + support.PATIENCE
        while answer.status == 503 and time.monotonic() < end:
            answer = self.ask(*args, **kwargs)
        return self.payload(answer)

    def payload(self, answer):
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/jwt"), answer.body)
        head, payload, mac = answer.body.decode().split(".")
        self.assertEqual(json.loads(support.unb64(head)), {"alg": "HS256", "typ": "events+jwt"})
        good = hmac.new(support.SIGNING_KEY.encode(), (head + "." + payload).encode(), hashlib.sha256).digest()
        self.assertEqual(support.unb64(mac), good)
        return json.loads(support.unb64(payload))

    def snapshot(self, service):
        """All events of a snapshot, and the cursor behind it."""
        events, cursor = [], None
        while True:
            page = self.page(service, cursor)
            self.assertTrue(page["snapshot"])
            events += page["events"]
            cursor = page["cursor"]
            if not page["more"]:
                return events, cursor

    def rest(self, service, cursor):
        events = []
        while True:
            page = self.page(service, cursor)
            self.assertFalse(page["snapshot"])
            events += page["events"]
            cursor = page["cursor"]
            if not page["more"]:
                return events, cursor

    def jti(self, token):
        return support.claims_of(token)["jti"]


class Events(FeedTest):
    def test_what_is_told(self):
        project = self.feed_of()
        service = project.start()
        events, cursor = self.snapshot(service)
        self.assertEqual(events, [])
        pair = service.login()
        # A login tells nothing.
        events, cursor = self.rest(service, cursor)
        self.assertEqual(events, [])

        service.post("/auth/token/blacklist/", {"refresh": pair["refresh"]})
        events, cursor = self.settled(service, cursor, 1)
        claims = support.claims_of(pair["refresh"])
        self.assertEqual(events, [{"type": "family_revoked", "family": claims["jti"], "until": events[0]["until"]}])
        self.assertIn(events[0]["until"] - claims["exp"], (0, 1))  # rounded up

        before = time.time()
        self.assertEqual(service.post("/auth/password-change/", {
            "email": CAROL, "password": PASSWORDS[CAROL], "new_password": "An0ther-Pass-word"}).status, 200)
        # The answer waits for the next second.
        self.assertGreaterEqual(int(time.time()), int(before) + 1)
        events, cursor = self.settled(service, cursor, 1)
        ((event),) = events
        self.assertEqual((event["type"], event["user"]), ("user_void", 3))
        self.assertTrue(before - 0.002 <= event["before"] / 1e6 <= time.time(), event)
        self.assertGreaterEqual(event["until"], before + 86400)
        token = service.login(CAROL, "An0ther-Pass-word")["access"]
        self.assertGreaterEqual(support.claims_of(token)["iat"], event["before"] / 1e6)

        for change, told in (('first_name = \'Eve\'', ["user_changed"]), ("last_login = date_joined", []),
                             ("is_active = %s" % ("false" if project.engine == "postgresql" else "0"),
                              ["user_changed", "user_void"])):
            project.execute('UPDATE "user" SET %s WHERE id = 1' % change)
            events, cursor = self.settled(service, cursor, len(told))
            self.assertEqual(sorted(event["type"] for event in events), told)
            self.assertEqual({event["user"] for event in events} | {1}, {1})
        # A password that is hashed anew at a login is the same password.
        project.execute('UPDATE "user" SET password = \'other\' WHERE id = 1')
        self.assertEqual(self.rest(service, cursor)[0], [])

        events, _ = self.snapshot(service)
        self.assertEqual([event["type"] for event in events], ["family_revoked", "user_void", "user_void"])

    def test_whoever_is_logged_out_everywhere_is(self):
        service = self.feed_of().start()
        token = service.login(DAVE)["access"]
        browser = Browser(service)
        browser.log_in(CAROL)
        _, cursor = self.snapshot(service)
        before = time.time()
        users = "/admin/easyjwt_user/user/"
        self.assertEqual(browser.send(users, action="log_out", chosen="4").status, 302)
        # As after a new password: what is got after the answer stands.
        self.assertGreaterEqual(int(time.time()), int(before) + 1)
        events, _ = self.settled(service, cursor, 2)
        self.assertEqual(sorted(event["type"] for event in events), ["family_revoked", "user_void"])
        void, = [event for event in events if event["type"] == "user_void"]
        self.assertEqual(void["user"], 4)
        self.assertLess(support.claims_of(token)["iat"], void["before"] / 1e6)
        self.assertGreaterEqual(support.claims_of(service.login(DAVE)["access"])["iat"], void["before"] / 1e6)
        self.assertGreaterEqual(void["until"], before + 86400)

    def settled(self, service, cursor, number):
        """The next `number` events: on PostgreSQL one is read once no older transaction is open."""
        events = []
        deadline = time.monotonic() + support.PATIENCE
        while len(events) < number and time.monotonic() < deadline:
            more, cursor = self.rest(service, cursor)
            events += more
        if number == 0:
            events, cursor = self.rest(service, cursor)
        return events, cursor

    def test_families(self):
        project = self.feed_of({"SESSION_CLAIM": "sid", **ROTATING})
        service = project.start()
        _, cursor = self.snapshot(service)
        pair = service.login()
        pair = {**pair, **service.post("/auth/token/refresh/", {"refresh": pair["refresh"]}).json}
        sid = support.claims_of(pair["access"])["sid"]
        answer = service.request("DELETE", "/auth/sessions/", token=pair["access"])
        self.assertEqual(answer.status, 204)
        told = lambda: {event.get("family") for event in self.snapshot(service)[0]}
        self.assertTrue(eventually(lambda: sid in told()))

    def test_a_deleted_user_and_names_by_email(self):
        project = self.feed_of({"USER_ID_FIELD": "email"})
        service = project.start()
        _, cursor = self.snapshot(service)
        project.execute('DELETE FROM "user" WHERE id = 4')
        events, _ = self.settled(service, cursor, 1)
        self.assertEqual([(event["type"], event["user"]) for event in events], [("user_void", DAVE)])

    def test_what_was_revoked_before_it_was_on(self):
        project = support.Project(self.addCleanup, {}, support.usual_users())
        service = project.start()
        pairs = [service.login() for _ in range(3)]
        for pair in pairs[:2]:
            service.post("/auth/token/blacklist/", {"refresh": pair["refresh"]})
        self.credentials = self.add_client(project, "feed")
        revoked = {self.jti(pair["refresh"]) for pair in pairs[:2]}
        told = lambda: {event["family"] for event in self.snapshot(service)[0]}
        self.assertTrue(eventually(lambda: told() == revoked))
        # Switched off and on it is another feed.
        cursor = self.snapshot(service)[1]
        self.assertEqual(project.run("clients", "remove", "follower").code, 0)
        self.assertEqual(self.ask(service).status, 401)
        self.credentials = self.add_client(project, "feed")
        self.assertEqual(self.ask(service, cursor).status, 410)
        self.assertTrue(eventually(lambda: told() == revoked))

    def test_pages(self):
        project = self.feed_of()
        service = project.start()
        _, start = self.snapshot(service)
        live, dead = int(time.time()) + 1000, int(time.time()) - 1
        for i in range(25):
            rows = ", ".join("('family_revoked', 'f%d', %d)" % (i * 100 + n, dead if n == 0 else live)
                             for n in range(100))
            project.execute("INSERT INTO easyjwt_event (kind, family, live_until) VALUES " + rows)
        events, cursor = self.settled(service, start, 2500)
        self.assertEqual([event["family"] for event in events], ["f%d" % i for i in range(2500)])
        events, end = self.snapshot(service)
        self.assertEqual([event["family"] for event in events], ["f%d" % i for i in range(2500) if i % 100])
        for behind in (cursor, end):
            self.assertEqual(self.rest(service, behind)[0], [])

    def test_who_waits_is_told_at_once(self):
        project = self.feed_of()
        nodes = [project.start(), project.start()]
        _, cursor = self.snapshot(nodes[0])
        pairs = [nodes[0].login() for _ in range(5)]
        for pair in pairs:
            told = []

            def follow(node):
                begun = time.monotonic()
                page = self.page(node, cursor, wait=20)
                told.append((time.monotonic(), time.monotonic() - begun, page))

            threads = [threading.Thread(target=follow, args=(node,)) for node in nodes for _ in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.3)
            nodes[0].post("/auth/token/blacklist/", {"refresh": pair["refresh"]})
            done = time.monotonic()
            for thread in threads:
                thread.join()
            for at, _, page in told:
                self.assertEqual([event["family"] for event in page["events"]], [self.jti(pair["refresh"])])
                if ENGINE == "sqlite":
                    self.assertLess(at - done, 1)
            cursor = told[0][2]["cursor"]
        # Nothing happens: an empty page, when the time is over.
        begun = time.monotonic()
        self.assertEqual(self.page(nodes[1], cursor, wait=1)["events"], [])
        self.assertGreater(time.monotonic() - begun, 0.9)

    def test_a_stop_waits_for_nobody(self):
        project = self.feed_of()
        service = project.start()
        _, cursor = self.snapshot(service)
        pages = []
        thread = threading.Thread(target=lambda: pages.append(self.page(service, cursor, wait=20)))
        thread.start()
        time.sleep(0.5)
        begun = time.monotonic()
        service.stop()
        thread.join()
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(pages[0]["events"], [])

    def test_who_may_not(self):
        project = support.Project(self.addCleanup, {}, support.usual_users())
        service = project.start()
        others = self.add_client(project, "introspect", name="gateway")
        self.assertEqual(self.ask(service, credentials=others).status, 403)
        mine = self.credentials = self.add_client(project, "feed")
        self.assertEqual(service.get(EVENTS).status, 401)
        self.assertEqual(self.ask(service, credentials=(mine[0], others[1])).status, 401)
        self.assertEqual(service.get(EVENTS, token=service.login()["access"]).status, 401)
        epoch = self.snapshot(service)[1].split(".")[0]
        now = int(time.time())
        for cursor in ("x", "a.b.c", epoch, "%s.%d.0" % (epoch, now), "%s.%d.0.-1" % (epoch, now),
                       "%s.%d.0.1" % ("0" * 32, now), "%s.%d.0.1" % (epoch, now - 3600),
                       "%s.%d.0.1.2" % (epoch, now), "%s.%d.0.1.2.3.4" % (epoch, now), "%s.%d.0.9%s" % (epoch, now, "9" * 40)):
            self.assertEqual(self.ask(service, cursor).status, 410, cursor)
        basic = {"Authorization": "Basic " + base64.b64encode(":".join(mine).encode()).decode()}
        for query in ("?wait=x", "?wait=-1", "?wait=1&wait=2", "?after=a&after=b"):
            self.assertEqual(service.get(EVENTS + query, headers=basic).status, 400, query)
        # No page is a token.
        page = self.ask(service).body.decode()
        self.assertEqual(service.post("/auth/token/verify/", {"token": page}).status, 401)


class Order(FeedTest):
    def test_nothing_is_lost_however_transactions_end(self):
        # The ids of events are not in the order of commits: some transactions stay open for a while.
        project = self.feed_of()
        service = project.start()
        _, cursor = self.snapshot(service)
        stop, seen = threading.Event(), []

        def follow():
            at = cursor
            while not stop.is_set():
                answer = self.ask(service, at, wait=1)
                if answer.status == 503:  # held back
                    continue
                page = self.payload(answer)
                seen.extend(event["family"] for event in page["events"])
                at = page["cursor"]
            seen.extend(event["family"] for event in self.rest(service, at)[0])

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            self.write(project)
            time.sleep(0.5)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(len(seen), len(set(seen)), "told twice")
        self.assertEqual(set(seen), {"f%d" % i for i in range(400) if i % 7})

    def write(self, project):
        import psycopg2
        server = project.postgresql.server

        def one(number):
            link = psycopg2.connect(host="127.0.0.1", port=server.port, user="easyjwt",
                                    password=server.password, dbname=project.postgresql.name)
            for i in range(number, 400, 8):
                with link.cursor() as rows:
                    rows.execute("INSERT INTO easyjwt_event (kind, family, live_until) "
                                 "VALUES ('family_revoked', %s, 99999999999)", ("f%d" % i,))
                    time.sleep(random.random() * 0.05)
                link.rollback() if i % 7 == 0 else link.commit()
            link.close()

        at_once(8, one)


if __name__ == "__main__":
    unittest.main()
