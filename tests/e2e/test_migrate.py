"""easyjwt migrate: what it makes, who waits, and that two versions run side by side meanwhile."""

import contextlib
import re
import secrets
import sqlite3
import subprocess
import time
import unittest

import support
from support import CAROL, TESTS

SQL = TESTS.parent / "sql"
NOTHING = "No migrations to apply.\n"
# src/db/schema_postgresql.cpp
LOCK = "SELECT pg_advisory_xact_lock(28536121233930100)"


def statements(script):
    """What a dump of a schema says, in no order, without owners and what is ours alone."""
    script = re.sub(r"CREATE FUNCTION public\.easyjwt_.*?\n *AS \$(\w*)\$.*?\$\1\$;", "", script, flags=re.DOTALL)
    lines = [line for line in script.splitlines() if not re.match(r"\\|--|SET |SELECT pg_catalog|$", line)]
    every = [" ".join(statement.split()) for statement in "\n".join(lines).split(";")]
    return sorted(statement for statement in every
                  if statement and not re.search(r"\beasyjwt_(?!user\b)| OWNER TO | EXTENSION .*\bpg_trgm\b", statement))


def dumped_schema(url):
    import postgresql  # pylint: disable=import-outside-toplevel
    done = subprocess.run([postgresql.binaries() / "pg_dump", "--schema-only", "--dbname", url],
                          capture_output=True, text=True, check=True, timeout=support.PATIENCE)
    return statements(done.stdout)
# 0001_django, which has several files, and the rest.
STEPS = len({path.name.split("_")[0] for path in SQL.glob("0*.sql")})


class MigrateTest(unittest.TestCase):
    maxDiff = None

    def project(self, settings=None, users=None, **kwargs):
        return support.Project(self.addCleanup, settings, users, **kwargs)

    def begin(self, project):
        """Runs `migrate` without waiting for it."""
        process = subprocess.Popen(
            [support.program(), "--config", project.config, "migrate"], env=project.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.communicate()


class Fresh(MigrateTest):
    """On PostgreSQL; tests/db/migrations_test.cpp says the same of SQLite."""

    def test_schema_is_the_recorded_one(self):
        project = self.project(migrated=False)
        project.do("migrate")
        recorded = statements((TESTS / "db" / "data" / "schema.postgresql.sql").read_text("utf-8"))
        self.assertEqual(dumped_schema(project.postgresql.url), recorded)
        self.assertEqual(len(recorded), 92)

    def test_a_service_does_not_migrate(self):
        project = self.project(migrated=False)
        done = project.run("runserver", "127.0.0.1:0")
        self.assertEqual((done.code, done.out, len(done.err.splitlines())), (1, "", 1))
        self.assertIn("run easyjwt migrate", done.err)
        self.assertEqual(project.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), [(0,)])
        self.assertEqual(project.do("migrate", "--plan").out.count("Would apply"), STEPS)
        self.assertEqual(project.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), [(0,)])
        self.assertEqual(project.do("migrate").out.count("Applied"), STEPS)
        self.assertEqual(project.do("migrate").out, NOTHING)
        self.assertEqual(project.do("migrate", "--plan").out, "No planned migration operations.\n")
        project.start()

    def test_a_service_needs_no_right_to_change_the_schema(self):
        project = self.project(users=support.usual_users())
        role, password = "role_" + secrets.token_hex(8), secrets.token_hex(16)
        project.query("CREATE ROLE %s LOGIN PASSWORD '%s'" % (role, password))
        self.addCleanup(project.query, "DROP OWNED BY %s; DROP ROLE %s" % (role, role))
        project.query("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %s;"
                      "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %s" % (role, role))
        server = project.postgresql.server
        project.secrets.add(password)
        project.change({"DATABASE": {"URL": "postgresql://%s:%s@127.0.0.1:%d/%s" % (
            role, password, server.port, project.postgresql.name)}})
        service = project.start()
        service.login()
        project.query("DROP INDEX easyjwt_user_email_lower")
        done = project.run("migrate")
        self.assertEqual((done.code, len(done.err.splitlines())), (1, 1), done)
        self.assertIn("must be owner of table user", done.err)
        self.assertNotIn(password, done.err)

    def test_what_the_server_lacks_is_told_and_can_be_had_later(self):
        # A role that may make tables, and no extension.
        project = self.project(migrated=False)
        role, password = "role_" + secrets.token_hex(8), secrets.token_hex(16)
        project.query("CREATE ROLE %s LOGIN PASSWORD '%s'; GRANT ALL ON SCHEMA public TO %s" % (role, password, role))
        self.addCleanup(project.query, "DROP OWNED BY %s; DROP ROLE %s" % (role, role))
        project.secrets.add(password)
        project.change({"DATABASE": {"URL": "postgresql://%s:%s@127.0.0.1:%d/%s" % (
            role, password, project.postgresql.server.port, project.postgresql.name)}})
        self.assertIn("Note: without the index easyjwt_user_search_trigram", project.do("migrate").out)
        self.assertEqual(project.do("migrate").out, NOTHING)
        project.query("CREATE EXTENSION pg_trgm")
        project.query("DELETE FROM easyjwt_migration WHERE name = '0003_users'")
        done = project.do("migrate").out
        self.assertIn("Applied 0003_users", done)
        self.assertNotIn("Note", done)
        self.assertEqual(project.query("SELECT count(*) FROM pg_indexes WHERE indexname = 'easyjwt_user_search_trigram'"),
                         [(1,)])

    def test_a_table_that_is_in_use_is_not_waited_for_long(self):
        # Whoever came after us would have to wait, too.
        import psycopg2  # pylint: disable=import-outside-toplevel
        project = self.project(users=support.usual_users())
        service = project.start()
        project.query('DROP INDEX "easyjwt_user_email_lower"')
        with contextlib.closing(psycopg2.connect(project.postgresql.url)) as connection:
            connection.cursor().execute('LOCK TABLE "user" IN ROW EXCLUSIVE MODE')
            done = project.run("migrate")
            self.assertEqual((done.code, len(done.err.splitlines())), (1, 1), done)
            self.assertIn("lock timeout", done.err)
            self.assertIn("run easyjwt migrate again", done.err)
            service.login()
        self.assertIn("Applied 0002_indexes", project.do("migrate").out)


class AtOnce(MigrateTest):
    def test_ten_do_each_step_once(self):
        project = self.project(migrated=False)
        processes = [self.begin(project) for _ in range(10)]
        ended = [(process.communicate(timeout=support.PATIENCE), process.returncode) for process in processes]
        self.assertEqual([(err, code) for (_, err), code in ended], [("", 0)] * 10)
        applied = [line.split(":")[0] for (out, _), _ in ended for line in out.splitlines() if "Applied" in line]
        self.assertEqual(sorted(applied), ["Applied 0001_django", "Applied 0002_indexes", "Applied 0003_users",
                                           "Applied 0004_remote_users", "Applied 0005_keys", "Applied 0006_families",
                                           "Applied 0007_clients", "Applied 0008_events",
                                           "Applied 0009_browser_sessions", "Applied 0010_logins",
                                           "Applied 0011_admin", "Applied 0012_group_members",
                                           "Applied 0013_tokens_of_users"])
        self.assertEqual(project.do("migrate").out, NOTHING)

    @contextlib.contextmanager
    def another_migration(self, project):
        """Somebody who has got the lock."""
        if project.engine == "postgresql":
            import psycopg2  # pylint: disable=import-outside-toplevel
            connection = psycopg2.connect(project.postgresql.url)
            connection.cursor().execute(LOCK)
        else:
            connection = sqlite3.connect(project.database)
            connection.execute("PRAGMA journal_mode=wal")
            connection.execute("BEGIN IMMEDIATE")
        with contextlib.closing(connection):
            yield

    def test_it_waits_longer_than_a_request_and_says_so(self):
        project = self.project(migrated=False)
        with self.another_migration(project):
            started = time.monotonic()
            process = self.begin(project)
            line = process.stdout.readline()
            # A request would have been given up by now.
            time.sleep(max(0, started + 4 - time.monotonic()))
            self.assertIsNone(process.poll())
        out, err = process.communicate(timeout=support.PATIENCE)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertIn("Waiting for another migration", line)
        self.assertEqual(out.count("Applied"), STEPS)

    def test_a_migration_that_is_killed_leaves_nothing_and_nobody_waiting(self):
        project = self.project(migrated=False)
        with self.another_migration(project):
            process = self.begin(project)
            process.stdout.readline()
            process.kill()
            process.wait()
        self.assertEqual(project.do("migrate").out.count("Applied"), STEPS)


class Shapes(MigrateTest):
    """Migrations expand first and contract a version later (CONTRIBUTING.md): so the last version's
    program runs on this one's tables, and this one's runs on while the next one's are made."""

    # What a next version may do at most.
    EXPANSION = (
        'ALTER TABLE "user" ADD COLUMN "next_text" varchar(30) NULL',
        'ALTER TABLE "user" ADD COLUMN "next_number" bigint NOT NULL DEFAULT 7',
        'ALTER TABLE "token_blacklist_outstandingtoken" ADD COLUMN "next_text" text NULL',
        """ALTER TABLE "token_blacklist_blacklistedtoken" ADD COLUMN "next_text" varchar(9) NOT NULL DEFAULT ''""",
        'ALTER TABLE "auth_group" ADD COLUMN "next_text" text NULL',
        'ALTER TABLE "django_session" ADD COLUMN "next_text" text NULL',
        'ALTER TABLE "easyjwt_migration" ADD COLUMN "next_text" text NULL',
        'CREATE TABLE "easyjwt_next" ("id" bigint PRIMARY KEY, "user_id" bigint REFERENCES "user" ("id"))',
        'CREATE INDEX "easyjwt_next_joined" ON "user" ("date_joined")',
        """INSERT INTO "easyjwt_migration" ("name", "applied") VALUES ('9999_next', '2026-11-23 12:00:00')""",
    )

    def setUp(self):
        self.number = 0

    def use(self, *nodes):
        """What services do with the tables, at each in turn."""
        for i, node in enumerate(nodes):
            other = nodes[i - 1]
            self.number += 1
            email, password = "shape%d@example.com" % self.number, "Sh4pe-of-things"
            answer = node.post("/auth/create-user/", {"email": email, "password": password})
            self.assertEqual(answer.status, 201, str(answer))
            tokens = other.login(email, password)
            answer = node.post("/auth/token/refresh/", {"refresh": tokens["refresh"]})
            self.assertEqual(answer.status, 200, str(answer))
            successor = answer.json["refresh"]
            for at in nodes:
                self.assertEqual(at.post("/auth/token/refresh/", {"refresh": tokens["refresh"]}).status, 401)
                self.assertEqual(at.post("/auth/token/verify/", {"token": successor}).status, 200)
                self.assertEqual(at.get("/auth/user/", token=tokens["access"]).json["email"], email)
            self.assertEqual(node.post("/auth/token/blacklist/", {"refresh": successor}).status, 200)
            self.assertEqual(other.post("/auth/token/verify/", {"token": successor}).status, 400)
            answer = node.post("/auth/password-change/", {
                "email": email, "password": password, "new_password": "An0ther-shape"})
            self.assertEqual(answer.status, 200, str(answer))
            other.login(email, "An0ther-shape")
            listed = node.get("/auth/users/?search=shape&ordering=-email", token=node.login(CAROL)["access"])
            self.assertEqual(listed.json["count"], self.number, str(listed))
            self.assertEqual(node.get("/readyz").status, 200)

    @staticmethod
    def use_commands(project):
        dump = project.path / "dump.json"
        dump.write_text(project.do("dumpdata").out, "utf-8")
        project.do("loaddata", dump)
        project.do("dumpdata")
        project.do("flushexpiredtokens")
        project.do("clearsessions")

    def test_the_last_version_and_this_one_and_the_next(self):
        # The last version recorded no logins.
        project = self.project({"EASY_JWT": {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True,
                                             "LOGIN_HISTORY": ""}}, support.usual_users())
        first = project.start()
        project.change({"EASY_JWT": {"LOGIN_HISTORY": "90d"}})
        self.use(first)
        self.use_commands(project)

        # The shape before the last migration.
        before = {"0013_tokens_of_users": (
            'DROP INDEX IF EXISTS "easyjwt_outstandingtoken_user"',
            'CREATE INDEX IF NOT EXISTS "token_blacklist_outstandingtoken_user_id_83bc629a"'
            ' ON "token_blacklist_outstandingtoken" ("user_id")')}
        last = max(name for name, in project.query('SELECT "name" FROM "easyjwt_migration"'))
        self.assertEqual(last, max(re.sub(r"\..*", "", path.name) for path in SQL.glob("0*.sql")))
        for sql in before[last]:
            project.query(sql)
        project.query("""DELETE FROM "easyjwt_migration" WHERE "name" = '%s'""" % last)
        self.assertIn(last, project.do("migrate", "--plan").out)
        self.use(first)

        # This one's, made beneath whoever is running.
        self.assertRegex(project.do("migrate").out, r"^Applied %s: [^\n]*\n$" % last)
        second = project.start()
        self.use(first, second)

        # And the next one's.
        for sql in self.EXPANSION:
            project.query(sql)
        self.use(first, second)
        third = project.start()
        self.assertEqual(project.do("migrate").out, NOTHING)
        self.use(first, third, second)
        self.use_commands(project)
        self.assertEqual(project.query('SELECT count(*) FROM "user" WHERE "next_number" = 7'), [(4 + self.number,)])


# Files of sql/ that take something away, and since which version nothing uses it.
CONTRACTIONS = {}


class Rule(unittest.TestCase):
    def test_migrations_take_nothing_away(self):
        """Of what the files after the first do each is something that an older program lives with."""
        harmless = (r'CREATE TABLE IF NOT EXISTS "easyjwt_\w+"', r'CREATE INDEX IF NOT EXISTS "easyjwt_\w+"',
                    r'ALTER TABLE "easyjwt_\w+" ADD COLUMN (?!.*NOT NULL(?!.*DEFAULT))', r'INSERT INTO "easyjwt_\w+"',
                    # What nobody else reads is made anew, in one transaction.
                    r'CREATE (OR REPLACE )?VIEW (IF NOT EXISTS )?"easyjwt_\w+"', r'DROP (TABLE|TRIGGER) IF EXISTS "easyjwt_\w+"', r'CREATE TABLE "easyjwt_\w+"',
                    r'ALTER TABLE "easyjwt_\w+" ADD PRIMARY KEY', r'WITH RECURSIVE .* INSERT INTO "easyjwt_\w+"',
                    r'CREATE (OR REPLACE )?TRIGGER "easyjwt_\w+" AFTER ', r'CREATE OR REPLACE FUNCTION "easyjwt_\w+"',
                    r'DO \$\$', r'LOCK TABLE "user" IN SHARE ROW EXCLUSIVE MODE', r'ANALYZE "easyjwt_\w+"',
                    r'SET LOCAL \w*work_mem', r'PRAGMA cache_size',
                    # An index in place of another, with what SQLite's planner has to know.
                    r'DROP INDEX IF EXISTS "(easyjwt_\w+|token_blacklist_outstandingtoken_user_id_83bc629a)"$',
                    r'CREATE INDEX "easyjwt_\w+"', r'ANALYZE sqlite_schema$', r'(INSERT INTO|DELETE FROM) sqlite_stat1 ')
        seen = 0
        for path in sorted(SQL.glob("0*.sql")):
            if path.name.startswith("0001") or path.name in CONTRACTIONS:
                continue
            text = re.sub(r"--.*", "", path.read_text("utf-8"))
            text = re.sub(r"\$body\$.*?\$body\$", "$$", text, flags=re.DOTALL)
            text = re.sub(r" BEGIN\n.*?\nEND;", ";", text, flags=re.DOTALL)
            for statement in filter(None, (" ".join(part.split()) for part in text.split(";"))):
                seen += 1
                self.assertTrue(any(re.match(pattern, statement) for pattern in harmless),
                                "%s: %s" % (path.name, statement))
        self.assertGreater(seen, 1)


if __name__ == "__main__":
    unittest.main()
