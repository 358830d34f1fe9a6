"""The revocation feed while a transaction is open on the same PostgreSQL: alone there, since such a transaction holds
back the feeds of all databases of the server."""

import threading
import time
import unittest

import psycopg2

from test_feed import FeedTest


class Held(FeedTest):
    def test_what_cannot_be_read_yet_is_not_taken_for_nothing(self):
        project = self.feed_of()
        service = project.start()
        _, cursor = self.snapshot(service)
        server = project.postgresql.server
        link = psycopg2.connect(host="127.0.0.1", port=server.port, user="easyjwt",
                                password=server.password, dbname=project.postgresql.name)
        self.addCleanup(link.close)
        with link.cursor() as rows:
            rows.execute("SELECT pg_current_xact_id()")  # and this stays open
        self.assertEqual(self.payload(self.ask(service, cursor))["events"], [])
        pair = service.login()
        service.post("/auth/token/blacklist/", {"refresh": pair["refresh"]})
        for after in (cursor, None):
            answer = self.ask(service, after)
            self.assertEqual(answer.status, 503)
            self.assertTrue(answer.headers["Retry-After"])
        asked = []
        thread = threading.Thread(target=lambda: asked.append(self.page(service, cursor, wait=10)))
        thread.start()
        time.sleep(0.5)
        link.rollback()
        thread.join()
        self.assertEqual([event["family"] for event in asked[0]["events"]], [self.jti(pair["refresh"])])


if __name__ == "__main__":
    unittest.main()
