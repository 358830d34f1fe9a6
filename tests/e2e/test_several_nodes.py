"""Three auth-services on one PostgreSQL: what one is told, all know at once."""

import unittest

from support import ALICE, CAROL, DAVE, PASSWORDS, at_once, count, mint
from test_rotation import BLACKLISTED, MANY, ROTATING, Race

NEW = {"email": "new.user@example.com", "password": "N3w-Password!"}


class Nodes(Race):
    def start(self, **settings):
        project = self.project(EASY_JWT={**ROTATING, **settings})
        return project, [project.start() for _ in range(3)]

    def assert_blacklisted(self, answer):
        self.assertEqual((answer.status, answer.json), (401, BLACKLISTED))

    def test_a_refresh_token_is_used_once(self):
        project, nodes = self.start()
        self.check_refresh(nodes, 5)
        # The one of the login and those that were used up; nothing of the requests that lost.
        self.assertEqual(project.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(5,)])
        self.assertEqual(project.query("SELECT count(*) FROM token_blacklist_outstandingtoken"), [(5,)])

    def test_different_tokens_do_not_hinder_each_other(self):
        _, nodes = self.start()
        tokens = [nodes[i % 3].login((ALICE, CAROL, DAVE)[i // 3 % 3])["refresh"] for i in range(MANY)]
        answers = self.race(nodes, MANY, "/auth/token/refresh/", lambda i: {"refresh": tokens[i]})
        self.assertEqual(count(answer.status for answer in answers), {200: MANY})

    def test_a_blacklisted_token_is_refused_at_once(self):
        _, nodes = self.start()
        for turn in range(9):
            told, others = nodes[turn % 3], [nodes[(turn + 1) % 3], nodes[(turn + 2) % 3]]
            refresh = told.login()["refresh"]
            # Each has seen it good before.
            for node in nodes:
                self.assertEqual(node.post("/auth/token/verify/", {"token": refresh}).status, 200)
            self.assertEqual(told.post("/auth/token/blacklist/", {"refresh": refresh}).status, 200)
            for node in [*others, told]:
                self.assert_blacklisted(node.post("/auth/token/refresh/", {"refresh": refresh}))
                self.assert_blacklisted(node.post("/auth/token/blacklist/", {"refresh": refresh}))
                answer = node.post("/auth/token/verify/", {"token": refresh})
                self.assertEqual((answer.status, answer.json), (400, {"non_field_errors": ["Token is blacklisted"]}))

    def test_refresh_against_blacklist(self):
        # Whoever is first, wherever: together they succeed once.
        _, nodes = self.start()
        for _ in range(3):
            refresh = nodes[0].login()["refresh"]
            clients = [nodes[i % 3].client() for i in range(30)]
            answers = at_once(30, lambda i: clients[i].request(
                "POST", "/auth/token/refresh/" if i % 2 else "/auth/token/blacklist/", {"refresh": refresh}))
            for client in clients:
                client.connection.close()
            self.assertEqual(count(answer.status for answer in answers), {200: 1, 401: 29})

    def test_a_changed_password_shows_everywhere(self):
        _, nodes = self.start(CHECK_REVOKE_TOKEN=True)
        pairs = [node.login() for node in nodes]
        for node in nodes:
            self.assertEqual(node.get("/auth/user/", token=pairs[0]["access"]).status, 200)
        change = {"email": ALICE, "password": PASSWORDS[ALICE], "new_password": "4nother-Passw0rd"}
        self.assertEqual(nodes[1].post("/auth/password-change/", change).status, 200)
        for node in nodes:
            for pair in pairs:
                for answer in (node.get("/auth/user/", token=pair["access"]),
                               node.post("/auth/token/verify/", {"token": pair["access"]}),
                               node.post("/auth/token/refresh/", {"refresh": pair["refresh"]})):
                    self.assertEqual((answer.status, answer.json["code"]), (401, "password_changed"), str(answer))
            old = node.post("/auth/token/", {"email": ALICE, "password": PASSWORDS[ALICE]})
            self.assertEqual(old.status, 401)
            new = node.login(ALICE, "4nother-Passw0rd")["access"]
            for other in nodes:
                self.assertEqual(other.get("/auth/user/", token=new).status, 200)

    def test_passwords_changed_at_once(self):
        _, nodes = self.start()
        answers = self.race(nodes, 15, "/auth/password-change/", lambda i: {
            "email": ALICE, "password": PASSWORDS[ALICE], "new_password": "N3w-Password!%d" % i})
        winner, _ = self.assert_one(answers, 200, 400)
        for node in nodes:
            node.login(ALICE, "N3w-Password!%d" % answers.index(winner))

    def test_a_user_made_at_one_logs_in_at_another(self):
        _, nodes = self.start()
        answers = self.race(nodes, 24, "/auth/create-user/", lambda _: NEW)
        winner, _ = self.assert_one(answers, 201, 400)
        for node in nodes:
            access = node.login(NEW["email"], NEW["password"])["access"]
            for other in nodes:
                self.assertEqual(other.get("/auth/user/", token=access).json["id"], winner.json["id"])
            users = node.get("/auth/users/", token=mint(user_id=3)).json
            self.assertEqual((users["count"], users["results"][-1]["email"]), (5, NEW["email"]))

    def test_one_ends_and_the_others_go_on(self):
        # Killed in the middle of rotations: nothing half done, nothing answered that is not kept.
        project, nodes = self.start()
        chains = [nodes[0].login(email)["refresh"] for email in (ALICE, CAROL, DAVE) for _ in range(4)]
        used = []

        def rotate(number):
            refresh = chains[number]
            for turn in range(40):
                if number == 0 and turn == 10:
                    nodes[2].process.kill()
                node = nodes[(number + turn) % 3]
                try:
                    answer = node.post("/auth/token/refresh/", {"refresh": refresh})
                except OSError:
                    # Whether it was rotated nobody knows; if it was, it is used up.
                    answer = nodes[0].post("/auth/token/refresh/", {"refresh": refresh})
                    if answer.status == 401:
                        self.assertEqual(answer.json, BLACKLISTED)
                        used.append(refresh)
                        refresh = nodes[1].login(CAROL)["refresh"]
                        continue
                self.assertEqual(answer.status, 200, str(answer))
                used.append(refresh)
                refresh = answer.json["refresh"]

        at_once(len(chains), rotate)
        nodes[2].kill()
        self.assertEqual(len(set(used)), len(used))
        for refresh in used[::20]:
            self.assert_blacklisted(nodes[1].post("/auth/token/refresh/", {"refresh": refresh}))
        kept = {token for token, in project.query(
            "SELECT token FROM token_blacklist_outstandingtoken o"
            " JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id")}
        self.assertEqual(kept, set(used))


if __name__ == "__main__":
    unittest.main()
