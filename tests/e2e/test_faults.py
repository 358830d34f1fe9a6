"""What databases and machines do to a fleet: three auth-services on one database under a load that
records what it was told, a fault of a few seconds, and an audit of the database and of what the
services refuse afterwards.

Under a fault what needs the database is answered 503 with Retry-After in time, what does not is
answered as ever; nothing is a 500, and nobody restarts anything.
"""

import contextlib
import itertools
import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

import support
from support import ALICE, PASSWORDS, count, eventually, mint
from test_rotation import BLACKLISTED, ROTATING

import postgresql  # support has put its folder into the path

# Sanitizers make the program slower; what is measured is measured in release.
SLOWNESS = float(os.environ.get("EASYJWT_TEST_SLOWNESS", "1"))
ANSWERED = 2 * SLOWNESS  # seconds until a 503 must be there
AS_EVER = 1 * SLOWNESS  # what needs no database
RECOVERED = 5 * SLOWNESS
CHAINS = 9
PAUSE = 0.02
SILENT = "the database does not answer"


class Record:
    """What one kind of requests was answered: (when it was sent, seconds, node, status)."""

    def __init__(self):
        self.entries = []

    def statuses(self, since=0):
        return count(entry[3] for entry in self.entries if entry[0] >= since)

    def worst(self):
        return max((entry[1] for entry in self.entries), default=0)


class Load:
    """Threads that ask three nodes until they are told to stop.

    A token whose use was answered with anything but a 200 may be used up or not; that is the only
    reason for which another use of it may be refused, and then nobody has got its successor.
    """

    def __init__(self, nodes):
        self.nodes = nodes
        self.ending = threading.Event()
        self.lock = threading.Lock()
        self.records = {kind: Record() for kind in ("login", "refresh", "blacklist", "create", "user",
                                                    "verify", "healthz", "readyz")}
        self.faults = []
        self.logins, self.used, self.unsure, self.created = [], [], set(), []
        self.lost = 0  # requests whose connection ended without an answer
        self.live = [None] * CHAINS
        work = [(self.chain, i) for i in range(CHAINS)] + [(self.create, 0), (self.log_in, 0)]
        work += [(kind, i) for kind in (self.look, self.ask_user) for i in range(3)]
        self.threads = [threading.Thread(target=self.guard, args=one, daemon=True) for one in work]
        for thread in self.threads:
            thread.start()

    def guard(self, work, number):
        try:
            with contextlib.ExitStack() as stack:
                work(number, [stack.enter_context(node.client()) for node in self.nodes])
        except BaseException as fault:  # pylint: disable=broad-except
            self.faults.append(fault)

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(support.PATIENCE)
        if self.faults:
            raise self.faults[0]

    def wait(self, seconds):
        """A while in which no thread has ended with a fault."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.faults:
            time.sleep(0.02)
        if self.faults:
            raise self.faults[0]

    def ask(self, clients, node, kind, method, path, json=None, **kwargs):
        """The answer, or None where there is none."""
        sent = time.monotonic()
        try:
            answer = clients[node].request(method, path, json, **kwargs)
        except OSError:
            self.lost += 1
            clients[node].connection.close()
            return None
        except Exception:
            clients[node].connection.close()
            if self.nodes[node].process.poll() is None:
                raise
            return None
        self.records[kind].entries.append((sent, time.monotonic() - sent, node, answer.status))
        if answer.status == 503 and kind != "readyz" and not int(answer.headers.get("Retry-After", 0)) > 0:
            raise AssertionError("a 503 without Retry-After: " + str(answer))
        return answer

    def chain(self, number, clients):
        """Logs in, rotates, blacklists now and then, and logs in again."""
        refresh = None
        for turn in itertools.count(number):
            if self.ending.wait(PAUSE):
                break
            node = turn % 3
            if refresh is None:
                refresh = self.login(clients, node)
                continue
            kind = "blacklist" if turn % 17 == 16 else "refresh"
            answer = self.ask(clients, node, kind, "POST", "/auth/token/%s/" % kind, {"refresh": refresh})
            if answer is not None and answer.status == 200:
                self.used.append(refresh)
                refresh = answer.json.get("refresh")
            elif answer is None or answer.status == 503:
                self.unsure.add(refresh)
            elif refresh in self.unsure and (answer.status, answer.json) == (401, BLACKLISTED):
                refresh = None
            else:
                raise AssertionError("%s of a token of which nobody knows a use: %s" % (kind, answer))
        self.live[number] = refresh if refresh not in self.unsure else None

    def login(self, clients, node):
        answer = self.ask(clients, node, "login", "POST", "/auth/token/",
                          {"email": ALICE, "password": PASSWORDS[ALICE]})
        if answer is None or answer.status == 503:
            return None
        if answer.status != 200:
            raise AssertionError("login: " + str(answer))
        self.logins.append(answer.json["refresh"])
        return answer.json["refresh"]

    def log_in(self, number, clients):
        while not self.ending.wait(0.1):
            number += 1
            self.login(clients, number % 3)

    def create(self, _, clients):
        for number in itertools.count():
            if self.ending.wait(0.15):
                return
            email = "user%d@example.com" % number
            answer = self.ask(clients, number % 3, "create", "POST", "/auth/create-user/",
                              {"email": email, "password": "N3w-Password!"})
            if answer is not None and answer.status == 201:
                self.created.append(email)
            elif answer is not None and answer.status != 503:
                raise AssertionError("create-user: " + str(answer))

    def look(self, node, clients):
        """What needs no database."""
        token = mint()
        while not self.ending.wait(0.05):
            for kind, method, path, body in (("verify", "POST", "/auth/token/verify/", {"token": token}),
                                             ("healthz", "GET", "/healthz", None),
                                             ("readyz", "GET", "/readyz", None)):
                answer = self.ask(clients, node, kind, method, path, body)
                if answer is None or answer.status == 200:
                    continue
                if kind != "readyz" or answer.status != 503 or answer.json["missing"] != ["database"]:
                    raise AssertionError("%s: %s" % (kind, answer))

    def ask_user(self, node, clients):
        token = mint()
        while not self.ending.wait(0.03):
            answer = self.ask(clients, node, "user", "GET", "/auth/user/", token=token)
            if answer is not None and answer.status not in (200, 503):
                raise AssertionError("user: " + str(answer))


class FaultTest(unittest.TestCase):
    """`begin` and `end` make a fault and its end; `query` is how another program sees the database."""

    def begin_load(self, project):
        self.project = project
        # A full queue or a dead database is no fault of the service.
        self.nodes = [self.start() for _ in range(3)]
        self.load = Load(self.nodes)
        self.addCleanup(self.load.ending.set)
        self.load.wait(0.8)

    def start(self, **where):
        service = self.project.start(**where)
        service.error_lines = lambda: [line for line in support.Service.error_lines(service)
                                       if SILENT not in line]
        return service

    def is_well(self, node):
        with contextlib.suppress(OSError):
            answers = [node.post("/auth/token/", {"email": ALICE, "password": PASSWORDS[ALICE]}),
                       node.get("/auth/user/", token=mint()), node.get("/readyz")]
            if answers[0].status == 200:
                self.load.logins.append(answers[0].json["refresh"])
            return all(answer.status == 200 for answer in answers)
        return False

    def check_recovery(self):
        ended = time.monotonic()
        for node in self.nodes:
            left = ended + RECOVERED - time.monotonic()
            self.assertTrue(eventually(lambda node=node: self.is_well(node), max(left, 0), 0.05),
                            "a node has not recovered within %d s:\n%s" % (RECOVERED, node.log()[-3000:]))
        recovered = time.monotonic()
        self.load.wait(0.7)
        self.load.stop()
        for kind, record in self.load.records.items():
            good = 201 if kind == "create" else 200
            late = record.statuses(recovered + 0.1)
            late.pop(401, None)  # a token that was used up by a request without an answer
            self.assertLessEqual(set(late), {good}, "%s after the recovery" % kind)
        return recovered - ended

    def check(self, query, begin, end, seconds=2.5, fails=(), works=(), outages=1):
        """`fails`: kinds that have a 503 meanwhile; `works`: that have none."""
        begun = time.monotonic()
        begin()
        self.load.wait(seconds)
        end()
        took = self.check_recovery()
        records = self.load.records
        told = {kind: (record.statuses(begun), round(record.worst(), 2)) for kind, record in records.items()}
        print("recovered after %.2f s; %s; without an answer: %d" % (took, told, self.load.lost))
        for kind, record in records.items():
            needs_none = kind in ("verify", "healthz", "readyz")
            self.assertLess(record.worst(), AS_EVER if needs_none else ANSWERED, "%s: %s" % (kind, told))
            self.assertGreater(len(record.entries), 3, kind)
        for kind in fails:
            self.assertIn(503, told[kind][0], "%s: %s" % (kind, told))
        for kind in works:
            self.assertNotIn(503, told[kind][0], "%s: %s" % (kind, told))
        self.audit(query)
        for node in self.nodes:
            for deed in ("reading", "writing"):
                said = [line for line in node.log().splitlines() if SILENT in line and "when=" + deed in line]
                self.assertLessEqual(len(said), outages, "\n".join(said))

    def audit(self, query):
        load = self.load
        # No token was used twice.
        self.assertEqual(len(set(load.used)), len(load.used))
        outstanding = {token: (user, number) for number, token, user in query(
            "SELECT id, token, user_id FROM token_blacklist_outstandingtoken")}
        blacklisted = {number for number, in query("SELECT token_id FROM token_blacklist_blacklistedtoken")}
        refused = {token for token, (_, number) in outstanding.items() if number in blacklisted}
        # What was acknowledged is there.
        self.assertEqual(set(load.used) - refused, set(), "rotations that were acknowledged and are lost")
        self.assertEqual(set(load.logins) - set(outstanding), set(), "logins that were acknowledged and are lost")
        emails = {email for email, in query('SELECT email FROM "user"')}
        self.assertEqual(set(load.created) - emails, set(), "users that were acknowledged and are lost")
        self.assertGreater(len(load.used), 20)
        # What is there was asked for, and is there whole: a rotated token's row is made by its
        # blacklisting, with no user; a login's has one.
        self.assertEqual(refused - set(load.used) - load.unsure, set(), "blacklisted and never used")
        self.assertEqual(len(refused), len(blacklisted), "blacklisted, and not outstanding")
        halves = [token for token, (user, number) in outstanding.items()
                  if user is None and number not in blacklisted]
        self.assertEqual(halves, [], "half a rotation")
        # The services refuse what was used, wherever, and take what was not.
        used = load.used[::max(1, len(load.used) // 600)]
        clients = [node.client() for node in self.nodes]
        for number, refresh in enumerate(used):
            answer = clients[number % 3].request("POST", "/auth/token/refresh/", {"refresh": refresh})
            self.assertEqual((answer.status, answer.json), (401, BLACKLISTED))
        for number, refresh in enumerate(filter(None, load.live)):
            answer = clients[number % 3].request("POST", "/auth/token/refresh/", {"refresh": refresh})
            self.assertEqual(answer.status, 200, str(answer))
        for client in clients:
            client.connection.close()


WRITES = ("login", "refresh", "create")
NEED_DATABASE = (*WRITES, "user")


class Postgresql(FaultTest):
    def cluster(self, settings=None):
        cluster = postgresql.Cluster(settings)
        self.addCleanup(cluster.close)
        return cluster

    def begin_with(self, cluster, url=None):
        """A project on a server of its own, and its load."""
        self.url = url or cluster.url()
        project = support.Project(self.addCleanup, {"DATABASE": {"URL": self.url}, "EASY_JWT": ROTATING},
                                  engine="postgresql")
        project.secrets.add(cluster.password)
        project.do("migrate")
        project.load(support.usual_users())
        self.begin_load(project)

    def query(self, sql):
        return postgresql.query(self.url, sql)

    def audit(self, query):
        super().audit(query)
        for table, column, other in (("token_blacklist_blacklistedtoken", "token_id",
                                      "token_blacklist_outstandingtoken"),
                                     ("token_blacklist_outstandingtoken", "user_id", '"user"')):
            self.assertEqual(query("SELECT count(*) FROM %s a LEFT JOIN %s b ON b.id = a.%s "
                                   "WHERE a.%s IS NOT NULL AND b.id IS NULL" % (table, other, column, column)),
                             [(0,)])

    def test_a_server_that_is_restarted(self):
        cluster = self.cluster()
        self.begin_with(cluster)
        self.check(self.query, cluster.stop, cluster.start, fails=NEED_DATABASE)

    def test_a_server_that_is_killed(self):
        cluster = self.cluster()
        self.begin_with(cluster)

        def kill():
            cluster.send_signal(signal.SIGKILL)
            cluster.stop(signal.SIGKILL)

        self.check(self.query, kill, cluster.start, fails=NEED_DATABASE)

    def test_a_server_that_is_frozen(self):
        cluster = self.cluster()
        self.begin_with(cluster)
        self.addCleanup(cluster.send_signal, signal.SIGCONT)
        self.check(self.query, lambda: cluster.send_signal(signal.SIGSTOP),
                   lambda: cluster.send_signal(signal.SIGCONT), seconds=4, fails=NEED_DATABASE)

    def test_commands_at_a_server_that_is_down_or_frozen(self):
        cluster = self.cluster()
        project = support.Project(self.addCleanup, {"DATABASE": {"URL": cluster.url()}}, engine="postgresql")
        project.do("migrate")

        def check(words):
            for command in (("runserver",), ("migrate",), ("migrate", "--plan"), ("flushexpiredtokens",),
                            ("clearsessions",), ("dumpdata",), ("changepassword", ALICE),
                            ("createsuperuser", "--noinput", "--email", "x@example.com")):
                with support.elapsed() as took:
                    done = project.run(*command, env={"EASYJWT_SUPERUSER_PASSWORD": "N3w-Password!"})
                self.assertEqual((done.code, done.out), (1, ""), "%s: %s" % (command, done))
                self.assertIn("127.0.0.1:%d/postgres does not answer" % cluster.port, done.err)
                self.assertIn(words, done.err)
                self.assertEqual(done.err.count("\n"), 1, done.err)
                self.assertNotIn(cluster.password, done.err)
                self.assertLess(took(), ANSWERED)

        cluster.send_signal(signal.SIGSTOP)
        self.addCleanup(cluster.send_signal, signal.SIGCONT)
        check("no answer within the time")
        cluster.send_signal(signal.SIGCONT)
        cluster.stop()
        check("refused")

    def test_a_server_without_free_connections(self):
        cluster = self.cluster({"max_connections": "40", "superuser_reserved_connections": "0"})
        self.begin_with(cluster)
        others, ending = [], threading.Event()

        def take_all():
            # Ends what the nodes have and takes each place that this leaves.
            first = postgresql.psycopg2.connect(cluster.url())
            first.autocommit = True
            others.append(first)
            while not ending.is_set():
                with first.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                   "WHERE application_name = 'easyjwt'")
                with contextlib.suppress(postgresql.psycopg2.OperationalError):
                    while True:
                        others.append(postgresql.psycopg2.connect(cluster.url()))
                time.sleep(0.01)

        thread = threading.Thread(target=take_all, daemon=True)

        def give_back():
            ending.set()
            thread.join()
            for other in others:
                other.close()

        # The nodes lose their lines one after the other and may find one meanwhile.
        self.check(self.query, thread.start, give_back, fails=NEED_DATABASE, outages=3)

    def test_a_server_that_became_read_only(self):
        cluster = self.cluster()
        self.begin_with(cluster)

        def alter(command):
            self.query(command)
            self.query("SELECT pg_reload_conf()")

        self.check(self.query, lambda: alter("ALTER SYSTEM SET default_transaction_read_only = on"),
                   lambda: alter("ALTER SYSTEM RESET default_transaction_read_only"), fails=WRITES,
                   works=("user",))

    def test_a_standby_that_is_promoted(self):
        primary = self.cluster()
        standby = Standby(primary)
        self.addCleanup(standby.close)
        # Acknowledged is what both have.
        postgresql.query(primary.url(), "ALTER SYSTEM SET synchronous_standby_names = '*'")
        postgresql.query(primary.url(), "SELECT pg_reload_conf()")
        self.assertTrue(eventually(lambda: postgresql.query(
            primary.url(), "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"), 20))
        self.begin_with(primary, "postgresql://%s:%s@127.0.0.1:%d,127.0.0.1:%d/postgres?target_session_attrs=read-write"
                        % (postgresql.USER, primary.password, primary.port, standby.port))

        def kill():
            primary.send_signal(signal.SIGKILL)
            primary.stop(signal.SIGKILL)

        def promote():
            self.url = standby.url()
            postgresql.query(standby.url(), "SELECT pg_promote(true)")

        self.check(self.query, kill, promote, fails=NEED_DATABASE)

    def test_a_node_that_is_killed_in_the_middle_of_rotations(self):
        cluster = self.cluster()
        self.begin_with(cluster)
        self.check_kill_of_node()

    def check_kill_of_node(self):
        port = self.nodes[2].address[1]

        def start_again():
            told = self.nodes[2].secrets
            self.nodes[2] = self.start(listen="127.0.0.1:%d" % port)
            self.nodes[2].secrets = told

        begun = time.monotonic()
        self.check(self.query, self.nodes[2].kill, start_again, seconds=1.5,
                   works=("login", "refresh", "blacklist", "create", "user"))
        self.assertGreater(self.load.lost, 0)
        for kind in ("login", "refresh", "user"):
            there = {entry[2] for entry in self.load.records[kind].entries if entry[0] > begun}
            self.assertLessEqual({0, 1}, there)


class Standby(postgresql.Cluster):
    """A copy of a server that follows it."""

    def __init__(self, primary):
        self.primary = primary
        super().__init__()

    def _make(self):
        self.password = self.primary.password
        self._run(["pg_basebackup", "-D", self.data, "-R", "-c", "fast", "--no-sync",
                   "-d", self.primary.url()])

    def _is_ready(self, pid):
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() in ("ready", "standby")
        return False


class Sqlite(FaultTest):
    def begin_at(self, folder=None):
        """A project whose database is in `folder`, and its load."""
        if folder is None:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="easyjwt-faults-"))
            self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.file = folder / "easyjwt.sqlite3"
        project = support.Project(self.addCleanup, {"DATABASE": {"URL": "sqlite:///%s" % self.file},
                                                    "EASY_JWT": ROTATING}, engine="sqlite")
        project.do("migrate")
        project.load(support.usual_users())
        self.begin_load(project)

    def query(self, sql):
        with contextlib.closing(sqlite3.connect(self.file, timeout=20)) as database:
            return database.execute(sql).fetchall()

    def audit(self, query):
        super().audit(query)
        self.assertEqual(query("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(query("PRAGMA foreign_key_check"), [])

    def test_a_full_disk(self):
        """A small tmpfs; the next test is for those who may not mount one."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="easyjwt-full-"))
        self.addCleanup(folder.rmdir)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder],
                                               capture_output=True, check=False).returncode != 0:
            print("no tmpfs may be mounted here: test_files_at_their_limit alone has this fault")
            return
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=False)
        self.begin_at(folder)
        filler = folder / "filler"
        ending = threading.Event()

        def fill():
            with open(filler, "wb", buffering=0) as file:
                while not ending.wait(0.002):
                    for size in (65536, 4096, 1):
                        with contextlib.suppress(OSError):
                            while file.write(bytes(size)):
                                pass

        thread = threading.Thread(target=fill, daemon=True)

        def make_room():
            ending.set()
            thread.join()
            filler.unlink()

        # A log that is copied into the database makes room for a moment.
        self.check(self.query, thread.start, make_room, fails=WRITES, works=("user",), outages=6)

    def test_files_at_their_limit(self):
        """No file of the services may grow (RLIMIT_FSIZE), as on a full disk or at a quota."""
        self.begin_at()
        before = [resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE) for node in self.nodes]

        def limit():
            for node in self.nodes:
                resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (4096, before[0][1]))

        def lift():
            for node, old in zip(self.nodes, before):
                resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, old)

        self.check(self.query, limit, lift, fails=WRITES, works=("user",))

    def test_a_file_that_another_process_locks(self):
        self.begin_at()
        other = sqlite3.connect(self.file, timeout=20, isolation_level=None, check_same_thread=False)
        self.addCleanup(other.close)
        self.check(self.query, lambda: other.execute("BEGIN IMMEDIATE"), lambda: other.execute("ROLLBACK"),
                   seconds=4, fails=WRITES, works=("user",))

    def test_a_file_that_was_made_read_only(self):
        self.begin_at()
        # The -shm beside them is memory: whoever makes that immutable ends who has it mapped.
        files = [pathlib.Path(str(self.file) + ending) for ending in ("", "-wal")]
        if self.set_immutable(files, True):
            self.addCleanup(self.set_immutable, files, False)
            self.check(self.query, lambda: None, lambda: self.set_immutable(files, False), fails=WRITES,
                       works=("user",))
            return
        # Of an ordinary user's rights what is open takes no notice.
        self.check(self.query, lambda: [file.chmod(0o400) for file in files],
                   lambda: [file.chmod(0o600) for file in files])

    @staticmethod
    def set_immutable(files, wanted):
        """chattr +i, which even root and what is open heed; False where that is not to be had."""
        done = [subprocess.run(["chattr", "+i" if wanted else "-i", file], capture_output=True, check=False)
                for file in files]
        return all(one.returncode == 0 for one in done)

    check_kill_of_node = Postgresql.check_kill_of_node

    def test_a_node_that_is_killed_in_the_middle_of_rotations(self):
        self.begin_at()
        self.check_kill_of_node()


if __name__ == "__main__":
    unittest.main()
