"""easyjwt migrate-to: a SQLite database becomes a PostgreSQL one, whole or not at all."""

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import unittest

import support
import test_django
from support import PASSWORDS, TESTS, elapsed, eventually
import postgresql  # beside this folder: support has put it on the path

TOKENS = "token_blacklist_outstandingtoken"
TIME = "2026-02-03 04:05:06"
MODELS = ("contenttypes", "auth", "easyjwt_user", "token_blacklist", "sessions", "admin")


class MoveTest(unittest.TestCase):
    maxDiff = None

    def source(self, users=support.usual_users, settings=None):
        """A project on SQLite."""
        project = test_django.Project(self.addCleanup, settings, users() if users else None, engine="sqlite")
        if not users:
            project.do("migrate")
        return project

    def target(self, migrated=True, settings=None):
        """A project on PostgreSQL, whose database is the one to fill."""
        return test_django.Project(self.addCleanup, settings, engine="postgresql", migrated=migrated)

    @staticmethod
    @contextlib.contextmanager
    def editing(project):
        """The database in the hands of somebody who does not mind foreign keys."""
        with contextlib.closing(sqlite3.connect(project.database)) as database, database:
            yield database

    def run_move(self, source, target):
        done = source.run("migrate-to", target.postgresql.url)
        self.assertNotIn(target.postgresql.server.password, done.out + done.err)
        return done

    def move(self, source, target):
        done = self.run_move(source, target)
        self.assertEqual((done.code, done.err), (0, ""), done)
        return done.out

    def assert_refused(self, source, target, *words):
        before = state(target.postgresql)
        done = self.run_move(source, target)
        self.assertEqual((done.code, done.out, len(done.err.splitlines())), (1, "", 1), done)
        for word in words:
            self.assertIn(word, done.err)
        self.assertEqual(state(target.postgresql), before)
        return done.err

    def add_tokens(self, project, count):
        with self.editing(project) as database:
            database.executemany(
                "INSERT INTO %s (jti, token, created_at, expires_at, user_id) VALUES (?, ?, ?, ?, ?)" % TOKENS,
                (("jti%d" % i, "eyJ%0200d" % i, TIME if i % 3 else None, TIME + ".%06d" % i, i % 4 + 1)
                 for i in range(count)))
            database.execute("INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)"
                             " SELECT expires_at, id FROM %s WHERE id %% 10 = 0" % TOKENS)


def state(database):
    """All that a database has: relations, rows, where the sequences are."""
    relations = database.query("SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                               " ORDER BY oid")
    tables = [name for name, in database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return (relations,
            {name: database.query('SELECT * FROM "%s" ORDER BY 1' % name) for name in tables},
            database.query("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1"))


class Recorded(test_django.DjangoTest, MoveTest):
    """The database that a real auth-service left behind."""

    CREDENTIALS = test_django.RecordedDatabase.CREDENTIALS
    SETTINGS = {"EASY_JWT": {"SIGNING_KEY": CREDENTIALS["signing_key"]}}
    check_logins = test_django.RecordedDatabase.check_logins

    def recorded(self):
        source = test_django.Project(self.addCleanup, self.SETTINGS, engine="sqlite")
        shutil.copy(TESTS / "data" / "auth.sqlite3", source.database)
        source.database.chmod(0o600)
        source.do("migrate")
        with self.editing(source) as database:
            database.execute("INSERT INTO django_session VALUES ('k2', 'd', ?), ('K1', 'ü', ?)", (TIME, TIME + ".5"))
            database.execute("INSERT INTO django_admin_log (action_time, object_id, object_repr, change_message,"
                             " content_type_id, user_id, action_flag) VALUES (?, NULL, '大', '', NULL, 1, 2)",
                             (TIME + ".000001",))
            # Nobody's order but their own, and larger than any id of a user's.
            database.executemany("INSERT INTO easyjwt_remote_user (remote_id, user_id) VALUES (?, ?)",
                                 ((2**63 - 1, 1), (5, 3), (9, 2)))
            database.execute("INSERT INTO easyjwt_client (client_id, secret_sha256, name, scopes, created_at)"
                             " VALUES ('gateway-abcdef', 'digest', 'Gäteway', 'introspect feed', ?)", (TIME,))
            database.execute("INSERT INTO easyjwt_session VALUES (?, 2, ?, ?, ?, 'ü', '::1', 'j', NULL)",
                             ("f" * 32, TIME, TIME + ".000001", TIME))
            database.execute("INSERT INTO easyjwt_login VALUES (7, 2, ?, 1, 'token', '::1', 'ü')", (TIME + ".000001",))
            database.execute("INSERT INTO easyjwt_login_count VALUES (?, 'refused', 'token', 3000000000)", (TIME,))
            # A user and a token that are gone had higher ids than there are.
            database.execute("UPDATE sqlite_sequence SET seq = 500 WHERE name = 'user'")
            database.execute("UPDATE sqlite_sequence SET seq = 3000000000 WHERE name = ?", (TOKENS,))
        return source

    def test_all_of_it(self):
        for migrated in (False, True):
            with self.subTest(migrated=migrated):
                source, target = self.recorded(), self.target(migrated, self.SETTINGS)
                before = source.do("dumpdata", *MODELS).out
                out = self.move(source, target)
                for table, rows in (("user", 11), (TOKENS, 3), ("django_session", 2), ("auth_permission", 32),
                                    ("easyjwt_remote_user", 3), ("easyjwt_client", 1), ("easyjwt_session", 1),
                                    ("easyjwt_login", 1), ("easyjwt_login_count", 1)):
                    self.assertRegex(out, r"(?m)^ +%d  %s$" % (rows, table))
                self.assertIn("To use the copy, set URL in [DATABASE] of %s " % source.config, out)
                self.assertNotIn("Warning", out)
                self.assertEqual(target.do("dumpdata", *MODELS).out, before)
                self.assertEqual(source.do("dumpdata", *MODELS).out, before)
                # What a dump does not say: less than a millisecond, and the keys of link tables.
                for table in ("user_groups", "auth_group_permissions", "user_user_permissions"):
                    sql = "SELECT * FROM %s ORDER BY id" % table
                    self.assertEqual(target.query(sql), source.query(sql))
                sql = "SELECT remote_id, user_id FROM easyjwt_remote_user ORDER BY 1"
                self.assertEqual(target.query(sql), [(5, 3), (9, 2), (2**63 - 1, 1)])
                self.assertEqual(target.query("SELECT client_id, secret_sha256, name, scopes FROM easyjwt_client"),
                                 [("gateway-abcdef", "digest", "Gäteway", "introspect feed")])
                sql = "SELECT id, user_id, last_used_at::text, user_agent, ended_at FROM easyjwt_session"
                self.assertEqual(target.query(sql), [("f" * 32, 2, TIME + ".000001+00", "ü", None)])
                sql = "SELECT id, user_id, happened_at::text, succeeded, how, address, user_agent FROM easyjwt_login"
                self.assertEqual(target.query(sql), [(7, 2, TIME + ".000001+00", True, "token", "::1", "ü")])
                self.assertEqual(target.query("SELECT hour::text, what, how, n FROM easyjwt_login_count"),
                                 [(TIME + "+00", "refused", "token", 3000000000)])
                self.assertEqual(target.query("SELECT action_time::text FROM django_admin_log"),
                                 [(TIME + ".000001+00",)])
        service = target.start()
        self.check_logins(service)
        service.stop()  # so that nothing is counted any more
        # New ids are above all that were ever given.
        self.assertEqual(target.query("SELECT min(id) > 3000000000 FROM %s WHERE id > 3" % TOKENS), [(True,)])
        target.load([{"model": "easyjwt_user.user", "fields": {"email": "new@example.com"}}])
        self.assertEqual(target.query("SELECT id FROM \"user\" WHERE email = 'new@example.com'"), [(501,)])
        # Django goes on.
        self.use(target)
        self.command("migrate", check_unapplied=True, interactive=False)
        self.assertIn("No migrations to apply.", self.command("migrate", interactive=False))
        # Once is enough.
        self.assert_refused(source, target, "the target is in use: it has rows in auth_group")

    def test_a_target_of_djangos(self):
        # Its content types and permissions have ids of their own: the source's count.
        target = self.target(migrated=False, settings=self.SETTINGS)
        self.use(target)
        self.command("migrate", interactive=False, verbosity=0)
        target.query("UPDATE auth_permission SET id = id + 100")
        source = self.recorded()
        self.move(source, target)
        self.command("migrate", check_unapplied=True, interactive=False)
        self.assertEqual(target.do("dumpdata", *MODELS).out, source.do("dumpdata", *MODELS).out)
        self.assertEqual(target.query("SELECT id, codename FROM auth_permission ORDER BY id"),
                         source.query("SELECT id, codename FROM auth_permission ORDER BY id"))


class Refusals(MoveTest):
    """What cannot be copied is named, and nothing is."""

    def test_bad_values(self):
        source = self.source()
        secret = "s3cret-of-some-kind"
        with self.editing(source) as database:
            for sql, *values in (
                    ('UPDATE "user" SET first_name = ? WHERE id = 1', secret + "\0x"),
                    ('UPDATE "user" SET last_name = CAST(? AS TEXT) WHERE id = 2', b"\xff" + secret.encode()),
                    ('UPDATE "user" SET phone = ? WHERE id = 3', "ü" * 16),
                    ('UPDATE "user" SET phone = ? WHERE id = 4', "ü" * 15),
                    ('UPDATE "user" SET is_staff = 2, last_login = ?, location = ? WHERE id = 4', secret, b"blob"),
                    ("INSERT INTO user_groups (id, user_id, group_id) VALUES (8, 99, 7)",),
                    ("INSERT INTO auth_group (id, name) VALUES (3000000000, 'g')",),
                    ("INSERT INTO django_session VALUES (?, ?, '2026-13-01 00:00:00')", secret, "d")):
                database.execute(sql, values)
        error = self.assert_refused(
            source, self.target(), "cannot be copied: ", "user.first_name of id 1 has a NUL in it",
            "user.last_name of id 2 is not UTF-8", "user.phone of id 3 is too long", "user.is_staff of id 4 is not a boolean",
            "user.last_login of id 4 is not a date and time", "user.location of id 4 is not a text",
            "user_groups.user_id of id 8 refers to a row that is not in user",
            "user_groups.group_id of id 8 refers to a row that is not in auth_group",
            "auth_group.id of id 3000000000 is out of range",
            "django_session.expire_date of rowid 1 is not a date and time")
        self.assertNotIn(secret, error)
        self.assertEqual(error.count(";"), 9, error)
        self.assertEqual(error.count("user.phone"), 1, error)
        # Only so many are.
        with self.editing(source) as database:
            database.executemany("INSERT INTO user_groups (user_id, group_id) VALUES (?, 7)", [(i,) for i in range(5, 25)])
        self.assertIn("; and 40 more", self.assert_refused(source, self.target(migrated=False)))

    def test_copies_of_users_who_are_gone(self):
        source = self.source()
        with self.editing(source) as database:
            database.execute("INSERT INTO easyjwt_remote_user (remote_id, user_id) VALUES (77, 98), (78, 1)")
        error = self.assert_refused(source, self.target(), "easyjwt_remote_user.user_id of id 77 refers to a row"
                                    " that is not in user")
        self.assertNotIn(";", error)

    def test_a_target_in_use(self):
        source = self.source()
        for sql, words in (
                ("INSERT INTO django_session VALUES ('k', 'd', now())", "rows in django_session"),
                ('ALTER TABLE easyjwt_remote_user DROP CONSTRAINT easyjwt_remote_user_user_id_fkey;'
                 ' INSERT INTO easyjwt_remote_user VALUES (1, 1)', "rows in easyjwt_remote_user"),
                ("INSERT INTO django_content_type (app_label, model) VALUES ('shop', 'cart')",
                 "shop.cart in django_content_type, which is not in the source"),
                ("INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001', now())",
                 "shop.0001 in django_migrations"),
                ('ALTER TABLE "user" DROP COLUMN email', 'has no column "email"')):
            with self.subTest(sql=sql):
                target = self.target()
                target.query(sql)
                self.assert_refused(source, target, words)
        # Somebody writes there: not waited for.
        target = self.target()
        with contextlib.closing(postgresql.psycopg2.connect(target.postgresql.url)) as other:
            with other.cursor() as cursor:
                cursor.execute("DELETE FROM django_session")
            done = self.run_move(source, target)
            self.assertEqual(done.code, 1, done)
            self.assertIn("lock timeout", done.err)

    def test_sources_and_urls(self):
        target = self.target(migrated=False)
        source = test_django.Project(self.addCleanup, engine="sqlite")
        self.assert_refused(source, target, "not up to date, or empty", "easyjwt migrate --plan")
        source = self.source()
        secret = "pa55-w0rd"
        for url in ("mysql://u:%s@h/d" % secret, "postgresql://u:%s@127.0.0.1:%d/d" % (secret, postgresql.free_port()),
                    "postgresql://u:%s%%zz@h/d" % secret, "sqlite:///" + secret):
            done = source.run("migrate-to", url)
            self.assertEqual((done.code, done.out, len(done.err.splitlines())), (1, "", 1), done)
            self.assertNotIn(secret, done.err)
        self.assertEqual(source.run("migrate-to").code, 2)
        done = target.run("migrate-to", target.postgresql.url)
        self.assertEqual(done.code, 1)
        self.assertIn("DATABASE.URL: only from a SQLite file", done.err)

    def test_what_is_not_ours_is_named(self):
        source, target = self.source(), self.target()
        with self.editing(source) as database:
            database.execute("CREATE TABLE Shop_Cart (id integer PRIMARY KEY)")
            database.execute('ALTER TABLE "user" ADD COLUMN shoe_size integer NOT NULL DEFAULT 42')
            database.execute('ALTER TABLE "user" ADD COLUMN hat text NULL')
            database.execute("UPDATE \"user\" SET hat = 'Zylinder' WHERE id = 4")
        # A column that both have is copied.
        target.query('ALTER TABLE "user" ADD COLUMN hat varchar(8) NULL')
        with self.editing(source) as database:
            database.execute("CREATE TABLE easyjwt_novelty (id integer PRIMARY KEY)")
        self.assert_refused(source, target, "does not know how to copy easyjwt_novelty")
        with self.editing(source) as database:
            database.execute("DROP TABLE easyjwt_novelty")
        out = self.move(source, target)
        self.assertEqual([line.split(": ")[2] for line in out.splitlines() if line.startswith("Warning")],
                         ["shop_cart", "user.shoe_size"])
        self.assertEqual(target.query('SELECT hat FROM "user" ORDER BY id'), [(None,)] * 3 + [("Zylinder",)])
        self.assertEqual(target.query("SELECT to_regclass('shop_cart')"), [(None,)])


class Midway(MoveTest):
    """Something happens while rows are being written."""

    COUNT = 20_000

    def begin(self, source, where, database):
        """Starts the move; returns when it has written some tokens."""
        url = database.url
        self.add_tokens(source, self.COUNT)
        process = subprocess.Popen(
            [support.program(), "--config", source.config, "migrate-to", url], env=source.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        with contextlib.closing(postgresql.psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                def written():
                    cursor.execute("SELECT pg_relation_size(%s)", (TOKENS,))
                    return cursor.fetchone()[0] > 500_000 or process.poll() is not None
                eventually(written, every=0.002)
        self.assertIsNone(process.poll(), "it has ended before; " + where)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.communicate()

    @staticmethod
    def gone(database):
        """Whether the server has noticed."""
        return eventually(lambda: database.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'", (database.name,)) == [(0,)])

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=number):
                source, target = self.source(), self.target()
                before = state(target.postgresql)
                process = self.begin(source, "signal", target.postgresql)
                process.send_signal(number)
                out, _ = process.communicate(timeout=support.PATIENCE)
                self.assertEqual((process.returncode, out), (-number, ""))
                self.assertTrue(self.gone(target.postgresql))
                self.assertEqual(state(target.postgresql), before)
        # The last of them, once more.
        self.move(source, target)
        self.assertEqual(target.query("SELECT count(*) FROM " + TOKENS), [(self.COUNT,)])

    def test_the_target_dies(self):
        server = postgresql.Cluster()
        self.addCleanup(server.close)
        source = self.source()
        target = test_django.Project(self.addCleanup, {"DATABASE": {"URL": server.url("moved")}}, engine="postgresql")
        target.postgresql = postgresql.Database(server, name="moved")
        target.do("migrate")
        before = state(target.postgresql)
        process = self.begin(source, "death", target.postgresql)
        server.stop(signal.SIGQUIT)
        out, err = process.communicate(timeout=support.PATIENCE)
        self.assertEqual((process.returncode, out, len(err.splitlines())), (1, "", 1), err)
        self.assertIn("nothing was copied: ", err)
        self.assertNotIn(server.password, err)
        server.start()
        # But the sequences: after a crash PostgreSQL skips some ids of each.
        self.assertEqual(state(target.postgresql)[:2], before[:2])
        self.move(source, target)
        service = target.start()
        service.login()
        service.stop()

    def test_the_source_is_written_to(self):
        source, target = self.source(), self.target()
        before = state(target.postgresql)
        process = self.begin(source, "write", target.postgresql)
        with self.editing(source) as database:
            database.execute("UPDATE user SET first_name = 'changed' WHERE id = 1")
        out, err = process.communicate(timeout=support.PATIENCE)
        self.assertEqual((process.returncode, out), (1, ""), err)
        self.assertIn("the source was written to meanwhile", err)
        self.assertEqual(state(target.postgresql), before)
        # Who only reads is not minded.
        service = source.start()
        self.assertEqual(service.post("/auth/token/verify/", {"token": support.mint()}).status, 200)
        self.move(source, target)

    def test_the_comparison_sees_what_the_target_makes_of_rows(self):
        # A trigger of somebody's.
        for body in ("NEW.token := 'x'; RETURN NEW", "NEW.created_at := NULL; RETURN NEW", "RETURN NULL",
                     "IF NEW.jti = 'jti7' THEN NEW.id := 9999; END IF; RETURN NEW"):
            with self.subTest(body=body):
                source, target = self.source(), self.target()
                self.add_tokens(source, 600)
                target.query("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
                             " 'BEGIN %s; END'" % body.replace("'", "''"))
                target.query("CREATE TRIGGER spoil BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION spoil()" % TOKENS)
                if body == "RETURN NULL":
                    with self.editing(source) as database:
                        database.execute("DELETE FROM token_blacklist_blacklistedtoken")
                self.assert_refused(source, target, "the copy of " + TOKENS)


class Many(MoveTest):
    def test_fifty_thousand_tokens(self):
        source, target = self.source(), self.target(migrated=False)
        self.add_tokens(source, 50_000)
        with elapsed() as took:
            self.move(source, target)
        print("50,000 tokens and 5,000 blacklisted ones moved in %.1f s" % took())
        self.assertEqual(target.query("SELECT count(*), sum(id), count(created_at), max(expires_at)::text FROM " + TOKENS),
                         [(50_000, 50_000 * 50_001 // 2, 33_333, TIME + ".049999+00")])
        self.assertEqual(target.query("SELECT count(*) FROM token_blacklist_blacklistedtoken"), [(5_000,)])
        service = target.start()
        access = service.login(support.CAROL, PASSWORDS[support.CAROL])["access"]
        self.assertEqual(service.get("/auth/users/", token=access).json["count"], 4)


if __name__ == "__main__":
    unittest.main()
