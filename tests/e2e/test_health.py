"""/healthz and /readyz while the service is told to stop, and while the database goes away and comes
back: a PostgreSQL of the test's own."""

import signal
import sys
import unittest

import support
from support import Project, elapsed, eventually

sys.path.insert(0, str(support.TESTS))
import postgresql  # pylint: disable=wrong-import-position

MISSING = (503, {"status": "not ready", "missing": ["database"]})


class Drain(unittest.TestCase):
    def start(self):
        service = Project(self.addCleanup, {"SERVER": {"DRAIN_SECONDS": 600}}).start()
        kept = service.client()
        self.addCleanup(kept.connection.close)
        self.assertIsNone(kept.request("GET", "/healthz").headers["Connection"])
        service.process.send_signal(signal.SIGTERM)
        said = eventually(lambda: [a for a in [service.get("/readyz")] if a.status == 503], 5)
        self.assertEqual(said[0].json, {"status": "draining"})
        service.process.send_signal(signal.SIGHUP)  # is heeded meanwhile, and no step on
        # Each thread hears of it in its own time.
        answers = []
        ends = lambda: answers.append(kept.request("GET", "/healthz")) or answers[-1].headers["Connection"] == "close"
        self.assertTrue(eventually(ends, 5))
        self.assertEqual({answer.status for answer in answers}, {200})
        return service

    def test_a_second_signal_ends_the_draining(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                service = self.start()
                with elapsed() as took:
                    service.stop(number)
                self.assertLess(took(), 10)

    def test_a_third_signal_ends_the_process(self):
        service = self.start()
        half = service.connect()
        self.addCleanup(half.close)
        half.sendall(b"POST /auth/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{")
        self.assertEqual(service.get("/healthz").status, 200)
        service.process.send_signal(signal.SIGTERM)
        self.assertTrue(eventually(lambda: not self.listens(service), 5))
        self.assertIsNone(service.process.poll())
        service.process.send_signal(signal.SIGTERM)
        self.assertEqual(service.process.wait(5), 128 + signal.SIGTERM)
        service.kill()

    @staticmethod
    def listens(service):
        try:
            service.connect(1).close()
        except OSError:
            return False
        return True


class Health(unittest.TestCase):
    def setUp(self):
        self.cluster = postgresql.Cluster()
        self.addCleanup(self.cluster.close)
        self.project = Project(self.addCleanup, {"DATABASE": {"URL": self.cluster.url()}})
        self.project.do("migrate")
        self.project.load(support.usual_users())
        self.service = service = self.project.start()
        service.error_lines = lambda: [line for line in support.Service.error_lines(service)
                                       if " the database does not answer " not in line]

    def probe(self):
        """What both say. Neither may take long, whatever the database does."""
        with self.service.client() as client:
            with elapsed() as took:
                alive = client.request("GET", "/healthz")
                ready = client.request("GET", "/readyz")
            self.assertLess(took(), 1)
        self.assertEqual((alive.status, alive.json), (200, {"status": "ok"}))
        return ready.status, ready.json

    def becomes(self, wanted, seconds):
        said = eventually(lambda: self.probe() == wanted, seconds)
        self.assertTrue(said, "%s, not %s" % (self.probe(), wanted))

    def test_a_database_that_is_frozen_killed_and_back(self):
        token = self.service.login()["access"]
        self.assertEqual(self.probe(), (200, {"status": "ready"}))
        self.addCleanup(self.cluster.send_signal, signal.SIGCONT)
        self.cluster.send_signal(signal.SIGSTOP)
        self.becomes(MISSING, 4)
        # What needs no database is answered meanwhile.
        self.assertEqual(self.service.post("/auth/token/verify/", {"token": token}).status, 200)
        self.cluster.send_signal(signal.SIGCONT)
        self.becomes((200, {"status": "ready"}), 5)

        self.cluster.stop(signal.SIGQUIT)
        self.becomes(MISSING, 3)
        self.assertEqual(self.service.post("/auth/token/verify/", {"token": token}).status, 200)
        self.cluster.start()
        self.becomes((200, {"status": "ready"}), 5)
        self.service.login()

    def test_migrations_that_are_undone(self):
        self.probe()
        postgresql.query(self.cluster.url(), "DROP TABLE token_blacklist_blacklistedtoken")
        self.becomes((503, {"status": "not ready", "missing": ["migrations"]}), 13)
        self.project.do("migrate")
        self.becomes((200, {"status": "ready"}), 3)


if __name__ == "__main__":
    unittest.main()
