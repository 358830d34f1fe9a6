"""Clients that take their time, or all of it: nobody else waits for them, and none stays."""

import contextlib
import os
import selectors
import threading
import time
import unittest

import support
from support import LoadTest, eventually, mint


class SlowClients(LoadTest):
    HEAD = b"POST /auth/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    def drip(self, service, groups, seconds):
        """Sends a byte of each group's text on its connections now and then, until the program has
        closed them all or `seconds` are over. Returns how many stand, and the answers' beginnings."""
        selector = selectors.DefaultSelector()
        standing, begins = {}, []
        for text, number in groups:
            for _ in range(number):
                sock = service.connect()
                self.addCleanup(sock.close)
                sock.setblocking(False)
                standing[sock] = [text, b""]
                selector.register(sock, selectors.EVENT_READ)
        end = time.monotonic() + seconds
        sent = 0
        while standing and time.monotonic() < end:
            if time.monotonic() > sent + 1:
                sent = time.monotonic()
                for sock, state in standing.items():
                    with contextlib.suppress(OSError):
                        sock.send(state[0][:1])
                        state[0] = state[0][1:]
            for key, _ in selector.select(0.1):
                try:
                    data = key.fileobj.recv(4096)
                except OSError:
                    data = b""
                standing[key.fileobj][1] += data
                if not data:
                    begins.append(standing.pop(key.fileobj)[1][:12])
                    selector.unregister(key.fileobj)
        selector.close()
        return len(standing), begins

    def test_bytes_now_and_then(self):
        service = self.start()
        before = self.sockets(service)
        result = []
        # Some never end their head, some their body, some send nothing at all.
        groups = [(b"GET /auth/user/ HTTP/1.1\r\nX-Slow: " + b"a" * 500, 100),
                  (self.HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 100, 50),
                  (b"\r\n" * 300, 50), (b"", 100)]
        thread = threading.Thread(target=lambda: result.append(self.drip(service, groups, 90)), daemon=True)
        thread.start()
        self.assertTrue(eventually(lambda: self.sockets(service) >= before + 300))
        self.assert_quick(self.times(service, lambda: not thread.is_alive()), "beside slow clients")
        thread.join()
        standing, begins = result[0]
        self.assertEqual(standing, 0, "connections that stay")
        self.assertTrue(set(begins) <= {b"", b"HTTP/1.1 408", b"HTTP/1.1 400"}, set(begins))
        self.assertTrue(eventually(lambda: self.sockets(service) <= before))

    def test_slow_bodies(self):
        # The head comes at once, the body a byte at a time.
        service = self.start()
        before = self.sockets(service)
        end, refused = time.monotonic() + 60, []
        socks = [service.connect() for _ in range(100)]
        for sock in socks:
            self.addCleanup(sock.close)
            sock.sendall(self.HEAD + b"Content-Length: 1000\r\n\r\n")
        while self.sockets(service) > before and time.monotonic() < end:
            for sock in socks:
                with contextlib.suppress(OSError):
                    sock.send(b"a")
            self.assert_quick(self.times(service, lambda: True), "beside slow bodies")
            time.sleep(1)
        self.assertTrue(eventually(lambda: self.sockets(service) <= before, 30), refused)

    def test_clients_that_do_not_read(self):
        users = support.usual_users() + [
            support.user_entry(number, "user%d@example.com" % number, "x" * 10, first_name="n" * 150)
            for number in range(5, 400)]
        # Sanitizers keep what was freed, shadows and stacks of their own for every thread.
        options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        with open(support.program(), "rb") as file:
            code = file.read()
        sanitized = b"__asan_init" in code or b"__tsan_init" in code
        service = self.start(users=users, env={"ASAN_OPTIONS": options})
        before = self.sockets(service)
        request = (b"GET /auth/users/?page_size=1000 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                   mint(user_id=3, exp=int(time.time()) + 3000).encode() + b"\r\n\r\n")
        stop = threading.Event()
        socks = []
        for _ in range(30):
            sock = service.connect()
            self.addCleanup(sock.close)
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(500):
                    sock.send(request)
            socks.append(sock)
        rss = []

        def measure():
            while not stop.wait(0.2):
                with open("/proc/%d/statm" % service.process.pid, encoding="ascii") as file:
                    rss.append(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))

        thread = threading.Thread(target=measure, daemon=True)
        thread.start()
        self.assert_quick(self.times(service, lambda: len(rss) > 10), "beside clients that do not read")
        self.assertTrue(eventually(lambda: self.sockets(service) <= before, 75), "connections that stay")
        stop.set()
        thread.join()
        # 30 connections with 500 answers of 150 KB each, 2.2 GB: one each is kept, not all.
        self.assertLess(max(rss) - min(rss), (1000 if sanitized else 100) * 1024 * 1024)

    def test_connections_that_come_and_go(self):
        service = self.start()
        before = self.sockets(service)
        for _ in range(500):
            with service.connect() as sock:
                sock.sendall(b"POST /auth/token/verify/ HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        self.assertEqual(service.get("/healthz").status, 200)
        self.assertTrue(eventually(lambda: self.sockets(service) <= before))


if __name__ == "__main__":
    unittest.main()
