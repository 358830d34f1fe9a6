"""The revocation feed from end to end: what the auth-service revokes, client-services that judge tokens
themselves (examples/client_service) refuse within a second, whoever is killed in between."""

import os
import random
import threading
import time
import unittest
from unittest import mock

import support
from support import ALICE, CAROL, DAVE, PASSWORDS, SIGNING_KEY, eventually
from test_jwks import NO_PROXY
from test_local import BASE, EXAMPLE, UNAVAILABLE

ENGINE = os.environ.get("EASYJWT_TEST_ENGINE", "sqlite")
NEW = "An0ther-Pass-word"


class FollowTest(unittest.TestCase):
    def fleet(self, nodes=1, clients=1, easy_jwt=None, following=None):
        self.project = support.Project(self.addCleanup, {"EASY_JWT": {"SESSION_CLAIM": "sid", **(easy_jwt or {})}},
                                       support.usual_users())
        done = self.project.run("clients", "add", "orders", "--scope", "feed")
        words = done.out.split()
        self.feed = {"FEED_CLIENT_ID": words[1], "FEED_CLIENT_SECRET": words[3]}
        self.nodes = [self.project.start(env=NO_PROXY) for _ in range(nodes)]
        self.clients = [self.client_of(self.nodes[i % nodes], following) for i in range(clients)]
        return self.nodes[0], self.clients[0]

    def client_of(self, node, following=None):
        settings = {"EASY_JWT": {"REMOTE_AUTH_SERVICE_URL": "http://%s:%d" % node.address, "VERIFY_MODE": "local",
                                 "SIGNING_KEY": SIGNING_KEY, "SESSION_CLAIM": "sid", "STALENESS_POLICY": "refuse", "MAX_STALENESS": "20s",
                                 **self.feed, **(following or {})}}
        with mock.patch.dict(os.environ, EASYJWT_PROGRAM=str(EXAMPLE)):
            project = support.Project(self.addCleanup, settings, base=BASE)
            service = project.start(env=NO_PROXY)
        self.assertTrue(eventually(lambda: "revocation feed is followed" in service.log()), service.log())
        return service

    def status(self, client, token):
        return client.get("/api/test/", token=token).status

    def assert_refused_soon(self, token, clients=None):
        begun = time.monotonic()
        for client in clients or self.clients:
            self.assertTrue(eventually(lambda client=client: self.status(client, token) == 401, 10, every=0.01),
                            client.log())
        # Other tests' transactions may be open for a moment on the same PostgreSQL.
        if ENGINE == "sqlite" and os.environ.get("EASYJWT_TEST_SLOWNESS", "1") == "1":
            self.assertLess(time.monotonic() - begun, 1)


class Follow(FollowTest):
    def test_what_ends_tokens(self):
        auth, client = self.fleet(clients=2)
        # A login that is ended.
        first, other = auth.login(), auth.login()
        for each in self.clients:
            self.assertEqual([self.status(each, pair["access"]) for pair in (first, other)], [200, 200])
        sid = support.claims_of(first["access"])["sid"]
        self.assertEqual(auth.request("DELETE", "/auth/sessions/%s/" % sid, token=other["access"]).status, 204)
        self.assert_refused_soon(first["access"])
        self.assertEqual(self.status(client, other["access"]), 200)
        # A logout.
        auth.post("/auth/token/blacklist/", {"refresh": other["refresh"]})
        self.assert_refused_soon(other["access"])

        # A password that is changed, and a login in the very same moment.
        old = auth.login(DAVE)["access"]
        self.assertEqual(self.status(client, old), 200)
        self.assertEqual(auth.post("/auth/password-change/", {
            "email": DAVE, "password": PASSWORDS[DAVE], "new_password": NEW}).status, 200)
        new = auth.login(DAVE, NEW)["access"]
        self.assert_refused_soon(old)
        for each in self.clients:
            self.assertEqual(self.status(each, new), 200)

        # A user who is deactivated, by whoever writes to the database; and deleted.
        for sql in ('UPDATE "user" SET is_active = %s WHERE id = 4' % ("false" if self.project.engine == "postgresql"
                                                                       else "0"), 'DELETE FROM "user" WHERE id = 1'):
            token = new if "UPDATE" in sql else auth.login(ALICE)["access"]
            self.assertEqual(self.status(client, token), 200)
            self.project.execute("UPDATE token_blacklist_outstandingtoken SET user_id = NULL")
            self.project.execute(sql)
            self.assert_refused_soon(token)
        carol = auth.login(CAROL)["access"]
        for each in self.clients:
            self.assertEqual(self.status(each, carol), 200)

    def test_what_changes_of_a_user(self):
        auth, client = self.fleet(following={"LOCAL_USER_LIFETIME": "1h"})
        token = auth.login()["access"]
        self.assertEqual(self.status(client, token), 200)
        name = lambda: client.project.query('SELECT first_name FROM "user"')
        self.assertEqual(name(), [("Alice",)])
        self.project.execute('UPDATE "user" SET first_name = \'Alicia\' WHERE id = 1')
        self.assertTrue(eventually(lambda: self.status(client, token) == 200 and name() == [("Alicia",)], 5))


class Away(FollowTest):
    def test_an_auth_service_that_is_away(self):
        auth, refusing = self.fleet(following={"MAX_STALENESS": "2s"})
        accepting = self.client_of(auth, {"MAX_STALENESS": "2s", "STALENESS_POLICY": "accept"})
        token, revoked = auth.login()["access"], auth.login()
        for client in (refusing, accepting):
            self.assertEqual([self.status(client, each) for each in (token, revoked["access"])], [200, 200])
        auth.kill()
        self.assertEqual(self.status(refusing, token), 200)
        self.assertTrue(eventually(lambda: self.status(refusing, token) == 503, 5, every=0.1))
        self.assertEqual(refusing.get("/api/test/", token=token).json, UNAVAILABLE)
        self.assertEqual(self.status(accepting, token), 200)
        # What happened meanwhile, by a Django beside us, say.
        self.project.execute("UPDATE easyjwt_session SET ended_at = created_at WHERE id = '%s'"
                             % support.claims_of(revoked["access"])["sid"])
        self.nodes[0] = self.project.start(listen="%s:%d" % auth.address, env=NO_PROXY)
        self.assertTrue(eventually(lambda: self.status(refusing, token) == 200, 10, every=0.1), refusing.log())
        self.assert_refused_soon(revoked["access"], [refusing])
        self.assertTrue(eventually(lambda: self.status(accepting, revoked["access"]) == 401, 10))
        self.assertEqual(self.status(accepting, token), 200)


class Kills(FollowTest):
    def test_nothing_is_lost_or_invented(self):
        # A thousand revocations, while auth-service and clients are killed at random moments.
        self.fleet(clients=2, following={"STALENESS_POLICY": "accept", "MAX_STALENESS": "2s"})
        count, kept = 1000, 200
        project, lock, revoked = self.project, threading.Lock(), set()
        sessions = self.sessions(count + kept)
        to_revoke, good = sessions[:count], sessions[count:]
        done = threading.Event()

        def revoke():
            for part in range(0, count, 10):
                project.execute("UPDATE easyjwt_session SET ended_at = created_at WHERE id IN (%s)" %
                                ", ".join("'%s'" % sid for sid, _ in to_revoke[part:part + 10]))
                with lock:
                    revoked.update(sid for sid, _ in to_revoke[part:part + 10])
                time.sleep(random.random() * 0.1)
            done.set()

        def kill():
            while not done.is_set():
                time.sleep(0.3 + random.random())
                if random.random() < 0.6:
                    address = self.nodes[0].address
                    self.nodes[0].kill()
                    self.nodes[0] = project.start(listen="%s:%d" % address, env=NO_PROXY)
                else:
                    which = random.randrange(2)
                    service = self.clients[which]
                    service.kill()
                    with mock.patch.dict(os.environ, EASYJWT_PROGRAM=str(EXAMPLE)):
                        self.clients[which] = service.project.start(env=NO_PROXY)

        threads = [threading.Thread(target=work) for work in (revoke, kill)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(revoked), count)
        for client in self.clients:
            self.assertTrue(eventually(lambda client=client: self.status(client, to_revoke[-1][1]) == 401, 10), client.log())
            with client.client() as link:
                ask = lambda token: link.request("GET", "/api/test/", token=token).status
                self.assertEqual({ask(token) for _, token in to_revoke}, {401})
                self.assertEqual({ask(token) for _, token in good}, {200})

    def sessions(self, number):
        """Families, as logins begin them, and a token of each."""
        now, out, rows = int(time.time()), [], []
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now + 86400))
        for i in range(number):
            sid = "%032x" % (i + 1)
            rows.append("('%s', 1, '%s', '%s', '%s', '', '', 'j%d', NULL)" % (sid, stamp, stamp, stamp, i))
            out.append((sid, support.mint(sid=sid)))
        for part in range(0, number, 100):
            self.project.execute("INSERT INTO easyjwt_session (id, user_id, created_at, last_used_at, expires_at, "
                                 "user_agent, address, current_jti, ended_at) VALUES " + ", ".join(rows[part:part + 100]))
        return out


class Nodes(FollowTest):
    def test_every_node_tells_it(self):
        self.fleet(nodes=3, clients=3)
        for i in range(9):
            pair = self.nodes[i % 3].login()
            for client in self.clients:
                self.assertEqual(self.status(client, pair["access"]), 200)
            self.nodes[(i + 1) % 3].post("/auth/token/blacklist/", {"refresh": pair["refresh"]})
            self.assert_refused_soon(pair["access"])


if __name__ == "__main__":
    unittest.main()
