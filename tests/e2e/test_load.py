"""Many requests at once: each gets what is its own, and none what belongs to others."""

import threading
import unittest

import support
from support import ALICE, PASSWORDS, LoadTest, at_once, count, mint


class Floods(LoadTest):
    def test_logins_leave_verifications_alone(self):
        service = self.start({"PASSWORD_UPGRADE": True})
        service.login()  # re-hashes with argon2: from here on a login costs what it costs
        # A full queue is said with 503, and is no fault.
        service.error_lines = lambda: [line for line in support.Service.error_lines(service)
                                       if "status=503" not in line]
        answers = []

        def flood():
            answers.extend(at_once(250, lambda _: service.post(
                "/auth/token/", {"email": ALICE, "password": PASSWORDS[ALICE]})))

        thread = threading.Thread(target=flood, daemon=True)
        thread.start()
        self.assert_quick(self.times(service, lambda: not thread.is_alive()), "beside logins")
        thread.join()
        counted = count(answer.status for answer in answers)
        self.assertLessEqual(set(counted), {200, 503}, counted)
        self.assertGreater(counted[200], 50, counted)
        for answer in answers:
            if answer.status == 503:
                self.assertGreater(int(answer.headers["Retry-After"]), 0)
        service.login()

    def test_mixed_requests(self):
        # Every kind at once from many threads: what each is told is right.
        service = self.start()
        pair = service.login()

        def work(number):
            with service.client() as client:
                for turn in range(20):
                    kind = (number + turn) % 4
                    if kind == 0:
                        answer = client.request("GET", "/auth/user/", token=pair["access"])
                        self.assertEqual((answer.status, answer.json["id"]), (200, 1))
                    elif kind == 1:
                        answer = client.request("POST", "/auth/token/refresh/", {"refresh": pair["refresh"]})
                        self.assertEqual(answer.status, 200, str(answer))
                    elif kind == 2:
                        email = "m%d-%d@example.com" % (number, turn)
                        answer = client.request("POST", "/auth/token/blacklist/", {"refresh": mint("refresh")})
                        self.assertEqual(answer.status, 200, "%s: %s" % (email, answer))
                    else:
                        answer = client.request("POST", "/auth/token/verify/", {"token": pair["access"] + "x"})
                        self.assertEqual(answer.status, 401)

        at_once(32, work)

    def test_unknown_emails_cost_as_much(self):
        # By how long a refusal takes nobody learns who has an account.
        password = "t1ming-Attack"
        users = [support.user_entry(1, "known@example.com", support.encode_password(password, iterations=100_000))]
        service = self.start(users=users)

        def ask(email):
            with support.elapsed() as took:
                answer = service.post("/auth/token/", {"email": email, "password": "wrong-" + password})
            self.assertEqual(answer.status, 401)
            return took()

        # By turns, and the quickest of each: a busy machine slows both, and never makes one quicker.
        times = [(ask("known@example.com"), ask("unknown@example.com")) for _ in range(20)]
        known, unknown = min(known for known, _ in times), min(unknown for _, unknown in times)
        self.assertLess(max(known, unknown) / min(known, unknown), 1.6, (known, unknown))


if __name__ == "__main__":
    unittest.main()
