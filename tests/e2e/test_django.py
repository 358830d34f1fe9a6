"""One database, two programs: ours and Django's, one after the other and both at once.

Django is Debian's, in this process, with a small project of its own (django_project/) whose models
are the tables of an auth-service. EASYJWT_TEST_ENGINE says on which engine.
"""

import datetime
import io
import json
import os
import pathlib
import secrets
import shutil
import sys
import threading
import unittest
import uuid

import support
from support import ENGINE, PASSWORDS, TESTS, at_once, claims_of, count, mint
from test_migrate import dumped_schema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "django_project"))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import django  # noqa: E402

django.setup()

# pylint: disable=wrong-import-position
from django.contrib.auth import authenticate  # noqa: E402
from django.contrib.auth.hashers import check_password, get_hasher, make_password  # noqa: E402
from django.contrib.auth.management import create_permissions  # noqa: E402
from django.contrib.auth.models import Group, Permission  # noqa: E402
from django.contrib.contenttypes.management import create_contenttypes  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import ProgrammingError, connection, models, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from easyjwt_user.models import User  # noqa: E402
from token_blacklist.models import BlacklistedToken, OutstandingToken  # noqa: E402

# What Debian's Django can hash with, cheaply.
HASHERS = {
    "pbkdf2_sha256": lambda password: make_password(password, hasher="pbkdf2_sha256"),
    "pbkdf2_sha1": lambda password: make_password(password, hasher="pbkdf2_sha1"),
    "argon2": lambda password: make_password(password, hasher="argon2"),
    "bcrypt_sha256": lambda password: rounds("bcrypt_sha256", password),
    "bcrypt": lambda password: rounds("bcrypt", password),
}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
BLACKLISTED = {"detail": "Token is blacklisted", "code": "token_not_valid"}


def rounds(name, password):
    hasher = get_hasher(name)
    hasher.rounds = 5
    return hasher.encode(password, hasher.salt())


# On SQLite ours is in its place (sql/0013_tokens_of_users.sqlite.sql).
INDEX = "token_blacklist_outstandingtoken_user_id_83bc629a"


class Project(support.Project):
    def django_database(self):
        """As Django's settings have it."""
        if self.engine != "postgresql":
            return {"NAME": str(self.database)}
        server = self.postgresql.server
        return {"NAME": self.postgresql.name, "HOST": "127.0.0.1", "PORT": str(server.port),
                "USER": "easyjwt", "PASSWORD": server.password}

    def schema(self):
        """The schema without what is ours alone."""
        if self.engine == "postgresql":
            return dumped_schema(self.postgresql.url)
        return sorted(text for text, in self.query(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'easyjwt%%'"
            " AND name NOT IN ('sqlite_stat1', '%s')" % INDEX))

    def our_own(self):
        """The names of what is ours alone."""
        table = "pg_class" if self.engine == "postgresql" else "sqlite_master"
        name = "relname" if self.engine == "postgresql" else "name"
        return sorted(name for name, in self.query(
            "SELECT %s FROM %s WHERE %s LIKE 'easyjwt%%'" % (name, table, name)))


class DjangoTest(unittest.TestCase):
    maxDiff = None

    def use(self, project):
        """From here on Django's database is this project's."""
        connection.close()
        connection.settings_dict.update(project.django_database())
        ContentType.objects.clear_cache()
        self.addCleanup(connection.close)

    def command(self, *args, **options):
        out = io.StringIO()
        call_command(*args, stdout=out, **options)
        return out.getvalue()

    def project(self, settings=None, users=None, **kwargs):
        """A project of ours whose database Django uses, too."""
        project = Project(self.addCleanup, settings, users, **kwargs)
        self.use(project)
        return project

    def django_project(self):
        """One whose database Django's own migrate made."""
        project = self.project(migrated=False)
        self.command("migrate", interactive=False, verbosity=0)
        return project

    @staticmethod
    def adopt(project):
        """Starts the service, which migrates a file by itself."""
        if ENGINE == "postgresql":
            project.do("migrate")
        return project.start()

    def login(self, service, email, password):
        return service.post("/auth/token/", {"email": email, "password": password})

    def assert_login(self, service, email, password):
        answer = self.login(service, email, password)
        self.assertEqual(answer.status, 200, "%s: %s" % (email, answer))
        return answer.json

    def assert_no_login(self, service, email, password):
        answer = self.login(service, email, password)
        self.assertEqual(answer.status, 401, "%s: %s" % (email, answer))


class OurDatabase(DjangoTest):
    """A database that we made, in Django's hands."""

    def test_migrations_are_done(self):
        project = self.project(migrated=False)
        project.do("migrate")
        with self.assertNoLogs("django.db.backends.schema"):
            self.command("migrate", check_unapplied=True, interactive=False)
        self.assertIn("No migrations to apply.", self.command("migrate", interactive=False))
        self.command("makemigrations", check_changes=True, dry_run=True)
        self.assertIn("no issues", self.command("check"))

    def test_schema_and_rows_are_those_of_djangos_migrate(self):
        project = self.project(migrated=False)
        project.do("migrate")
        other = self.django_project()
        # Django 3.2's messages app and the like have no tables: these are all.
        self.assertEqual(project.schema(), other.schema())
        for sql in ("SELECT app, name FROM django_migrations ORDER BY app, name",
                    "SELECT app_label, model FROM django_content_type ORDER BY 1, 2",
                    "SELECT app_label, model, codename, name FROM auth_permission p JOIN django_content_type c"
                    " ON c.id = content_type_id ORDER BY 1, 2, 3"):
            self.assertEqual(project.query(sql), other.query(sql), sql)

    def test_content_types_and_permissions(self):
        project = self.project()
        project.do("migrate")
        before = (ContentType.objects.count(), Permission.objects.count())
        self.assertEqual(before, (8, 32))
        for config in django.apps.apps.get_app_configs():
            create_contenttypes(config, verbosity=0)
            create_permissions(config, verbosity=0)
        self.assertEqual((ContentType.objects.count(), Permission.objects.count()), before)

    def test_users_are_read(self):
        project = self.project(users=support.usual_users())
        users = {user.email: user for user in User.objects.all()}
        self.assertEqual(sorted(users), sorted(PASSWORDS))
        for email, password in PASSWORDS.items():
            self.assertTrue(users[email].check_password(password), email)
            self.assertFalse(users[email].check_password(password + "x"), email)
        dave = users[support.DAVE]
        self.assertEqual((dave.first_name, dave.last_name, dave.is_active, dave.is_staff, dave.last_login),
                         ("Däve", "大", True, False, None))
        joined = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)
        self.assertEqual(dave.date_joined, joined)
        self.assertFalse(users[support.BOB].is_active)
        self.assertTrue(users[support.CAROL].is_superuser)
        # And saved: Django writes what we then read.
        dave.phone = "5550100"
        dave.save()
        service = project.start()
        self.assert_login(service, support.DAVE, PASSWORDS[support.DAVE])

    def test_passwords_that_we_wrote(self):
        # One service for each hasher that Django 3.2 has; scrypt came with 4.0.
        for hasher in HASHERS:
            with self.subTest(hasher=hasher):
                project = self.project({"PASSWORD_HASHERS": [hasher]})
                service = project.start()
                password = "Wr1tten-by-us-ünd-大"
                answer = service.post("/auth/create-user/",
                                      {"email": "New@Example.com", "password": password,
                                       "first_name": "Ñ", "phone": "1"})
                self.assertEqual(answer.status, 201, str(answer))
                user = User.objects.get(email="new@example.com")
                self.assertEqual(user.password.split("$")[0], hasher)
                self.assertTrue(user.check_password(password))
                self.assertFalse(user.check_password(password + "x"))
                self.assertEqual(authenticate(email="new@example.com", password=password), user)
                self.assertEqual((user.first_name, user.phone, user.is_active, user.is_staff),
                                 ("Ñ", "1", True, False))
                age = timezone.now() - user.date_joined
                self.assertLess(abs(age.total_seconds()), 300)
                service.stop()

    def test_createsuperuser_and_changepassword(self):
        project = self.project()
        project.do("createsuperuser", "--noinput", env={
            "EASYJWT_SUPERUSER_EMAIL": "Root@Example.com", "EASYJWT_SUPERUSER_PASSWORD": "r00t-Rules-rooms"})
        user = User.objects.get()
        self.assertEqual((user.email, user.is_superuser, user.is_staff, user.is_active),
                         ("root@example.com", True, True, True))
        self.assertTrue(check_password("r00t-Rules-rooms", user.password))

    def test_users_that_django_makes(self):
        project = self.project()
        service = project.start()
        group = Group.objects.create(name="Redakteurinnen ü")
        group.permissions.add(Permission.objects.get(codename="change_user"))
        user = User.objects.create_user("Made.By.Django@Example.com", "dj4ngo-Made-this")
        user.groups.add(group)
        user.user_permissions.add(Permission.objects.get(codename="view_user"))
        staff = User.objects.create_superuser("staff@example.com", "st4ff-Stays-stiff")
        self.assert_login(service, "made.by.django@example.com", "dj4ngo-Made-this")
        access = self.assert_login(service, "staff@example.com", "st4ff-Stays-stiff")["access"]
        listed = service.get("/auth/users/", token=access).json
        self.assertEqual([item["id"] for item in listed["results"]], [user.id, staff.id])
        # A password set, a user shut out, a user deleted: each is noticed at once.
        user.set_password("another-Passw0rd!")
        user.save()
        self.assert_no_login(service, user.email, "dj4ngo-Made-this")
        tokens = self.assert_login(service, user.email, "another-Passw0rd!")
        user.is_active = False
        user.save()
        self.assert_no_login(service, user.email, "another-Passw0rd!")
        self.assertEqual(service.get("/auth/user/", token=tokens["access"]).json["code"], "user_inactive")
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": tokens["refresh"]}).status, 401)
        dumped = json.loads(project.do("dumpdata", "easyjwt_user.user").out)
        fields = next(entry["fields"] for entry in dumped if entry["pk"] == user.pk)
        self.assertEqual(fields["groups"], [[group.name]])
        self.assertEqual(fields["user_permissions"], [["view_user", "easyjwt_user", "user"]])
        user_id = user.pk
        user.delete()  # and with it, through Django's cascade, its tokens
        self.assertEqual(service.get("/auth/user/", token=tokens["access"]).json["code"], "user_not_found")
        self.assertEqual(OutstandingToken.objects.filter(user_id=user_id).count(), 0)
        self.assertEqual(service.get("/auth/users/%d/" % user_id, token=access).status, 404)

    def test_unusable_passwords(self):
        project = self.project()
        service = project.start()
        user = User.objects.create_user("nopassword@example.com")
        self.assertFalse(user.has_usable_password())
        for password in ("", "!", user.password, "x", user.password[1:]):
            answer = self.login(service, user.email, password)
            self.assertIn(answer.status, (400, 401), str(answer))

    def test_django_deletes_what_we_reference(self):
        # Our tables beside Django's must not hold a row back that Django deletes.
        project = self.project({"EASY_JWT": {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}},
                               support.usual_users())
        service = project.start()
        refresh = service.login()["refresh"]
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": refresh}).status, 200)
        self.assertEqual(BlacklistedToken.objects.count(), 1)
        User.objects.get(pk=1).delete()
        self.assertEqual(OutstandingToken.objects.filter(user_id=1).count(), 0)
        self.assertEqual(BlacklistedToken.objects.filter(token__user_id=1).count(), 0)
        connection.check_constraints()

    def test_django_finds_the_tokens_of_users(self):
        # On SQLite by an index of ours.
        project = self.project(users=support.usual_users())
        project.do("migrate")
        now = datetime.datetime.now(datetime.timezone.utc)
        OutstandingToken.objects.bulk_create(
            OutstandingToken(user_id=1 if number % 1000 == 0 else 3, jti="jti%d" % number, token="t", expires_at=now)
            for number in range(20_000))
        if ENGINE != "postgresql":
            self.assertNotIn((INDEX,), project.query("SELECT name FROM sqlite_master"))
            self.assertIn("USING INDEX easyjwt_outstandingtoken_user (ANY(<expr>) AND user_id=?)",
                          OutstandingToken.objects.filter(user_id=1).explain())
        self.assertEqual(OutstandingToken.objects.filter(user_id=1).count(), 20)
        self.assertEqual(OutstandingToken.objects.filter(user__email=support.ALICE).count(), 20)
        User.objects.get(pk=1).delete()
        self.assertEqual(OutstandingToken.objects.filter(user_id=1).count(), 0)
        self.assertEqual(User.objects.get(pk=3).outstandingtoken_set.count(), 19_980)
        connection.check_constraints()

    def test_django_makes_the_table_of_tokens_anew(self):
        # Its schema editor does that on SQLite for nearly every change of a column.
        project = self.project(users=support.usual_users())
        project.do("migrate")
        OutstandingToken.objects.create(user_id=1, jti="jti", token="t",
                                        expires_at=datetime.datetime.now(datetime.timezone.utc))
        old = OutstandingToken._meta.get_field("token")  # pylint: disable=protected-access
        new = models.TextField(null=True)
        new.set_attributes_from_name("token")
        new.model = OutstandingToken
        with connection.schema_editor() as editor:
            editor.alter_field(OutstandingToken, old, new)
        with connection.schema_editor() as editor:
            editor.alter_field(OutstandingToken, new, old)
        if ENGINE == "postgresql":
            self.assertEqual(project.do("migrate").out, "No migrations to apply.\n")
            return
        self.assertIn((INDEX,), project.query("SELECT name FROM sqlite_master"))
        service = project.start()
        names = [name for name, in project.query("SELECT name FROM sqlite_master")]
        self.assertNotIn(INDEX, names)
        self.assertIn("easyjwt_outstandingtoken_user", names)
        service.login()
        self.assertEqual(OutstandingToken.objects.filter(user_id=1).count(), 2)
        self.assertIn("(ANY(<expr>) AND user_id=?)", OutstandingToken.objects.filter(user_id=1).explain())

    def test_django_deletes_copies_of_remote_users(self):
        project = self.project(users=support.usual_users())
        project.query("INSERT INTO easyjwt_remote_user (remote_id, user_id) VALUES (11, 1), (12, 2), (13, 3), (14, 4)")

        def left():
            return [row for row, in project.query("SELECT remote_id FROM easyjwt_remote_user ORDER BY 1")]

        User.objects.get(pk=1).delete()
        self.assertEqual(left(), [12, 13, 14])
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            User.objects.get(pk=2).delete()
            raise ZeroDivisionError
        self.assertEqual(left(), [12, 13, 14])
        User.objects.filter(pk__in=(2, 3)).delete()
        self.assertEqual(left(), [14])
        connection.check_constraints()
        User.objects.get(pk=4).save()
        self.assertEqual(left(), [14])

    def test_django_beside_tables_of_extra_data(self):
        # Those of docs/extra_data.md, of which Django knows nothing.
        project = self.project(users=support.usual_users())
        project.execute('CREATE TABLE userdata_accessgroup (user_type text NOT NULL, user_id bigint NOT NULL UNIQUE '
                        'REFERENCES "user" (id) ON DELETE CASCADE)')
        project.execute("INSERT INTO userdata_accessgroup VALUES ('A', 1), ('B', 2)")

        def left():
            return project.query("SELECT user_type FROM userdata_accessgroup ORDER BY 1")

        User.objects.get(pk=1).delete()
        self.assertEqual(left(), [("B",)])
        dump = project.path / "dump.json"
        dump.write_text(self.command("dumpdata", "easyjwt_user"), "utf-8")
        self.command("loaddata", str(dump))
        project.do("loaddata", dump)
        self.assertEqual(left(), [("B",)])
        if ENGINE == "postgresql":
            project.execute("DROP TABLE easyjwt_remote_user, easyjwt_browser_session, easyjwt_session, easyjwt_login")
            with self.assertRaisesRegex(CommandError, "couldn't be flushed"):
                self.command("flush", interactive=False)
            self.assertEqual(left(), [("B",)])
            project.execute("DROP TABLE userdata_accessgroup")
        self.command("flush", interactive=False)
        self.assertEqual(User.objects.count(), 0)
        if ENGINE == "sqlite":
            self.assertEqual(left(), [])

    def test_djangos_flush(self):
        # On SQLite it deletes. PostgreSQL truncates no table that one refers to which Django does not
        # name: docs/django.md says what to do.
        project = self.project(users=support.usual_users())
        project.query("INSERT INTO easyjwt_remote_user (remote_id, user_id) VALUES (11, 1)")
        if ENGINE == "postgresql":
            with self.assertRaisesRegex(CommandError, "couldn't be flushed"):
                self.command("flush", interactive=False)
            self.assertEqual(User.objects.count(), 4)
            project.query("DROP TABLE easyjwt_remote_user, easyjwt_browser_session, easyjwt_session, easyjwt_login")
        self.command("flush", interactive=False)
        self.assertEqual(User.objects.count(), 0)
        project.do("migrate")
        for table in ("easyjwt_remote_user", "easyjwt_browser_session", "easyjwt_session", "easyjwt_login"):
            self.assertEqual(project.query("SELECT * FROM " + table), [])


class DjangosDatabase(DjangoTest):
    """A database that Django's own migrate made, adopted by us."""

    def test_empty(self):
        project = self.django_project()
        before = project.schema()
        service = self.adopt(project)
        self.assertEqual(service.post("/auth/create-user/", {"email": "first@example.com",
                                                             "password": "F1rst-One-here"}).status, 201)
        self.assert_login(service, "first@example.com", "F1rst-One-here")
        self.assertEqual(User.objects.get().email, "first@example.com")
        service.stop()
        self.assertEqual(project.schema(), before)
        self.command("migrate", check_unapplied=True, interactive=False)
        self.assertEqual(project.do("migrate").out, "No migrations to apply.\n")

    def test_plan_changes_nothing(self):
        project = self.django_project()
        before = project.schema()
        self.assertIn("Would apply 0001_django", project.do("migrate", "--plan").out)
        self.assertEqual((project.schema(), project.our_own()), (before, []))

    def test_users_of_every_hasher(self):
        project = self.django_project()
        for name, hash_ in HASHERS.items():
            User.objects.create(email=name + "@example.com", password=hash_("p-" + name + "-ü"))
        service = self.adopt(project)
        for user in User.objects.all():
            name = user.email.split("@")[0]
            with self.subTest(hasher=name):
                tokens = self.assert_login(service, user.email, "p-" + name + "-ü")
                self.assertEqual(claims_of(tokens["access"])["user_id"], user.pk)
                self.assert_no_login(service, user.email, "p-" + name + "-u")
                # PASSWORD_UPGRADE is off: Django's encoding stays.
                self.assertEqual(User.objects.get(pk=user.pk).password, user.password)

    def test_upgrades_are_read_by_django(self):
        project = self.django_project()
        project.change({"PASSWORD_UPGRADE": True})
        for name in ("pbkdf2_sha1", "bcrypt"):
            User.objects.create(email=name + "@example.com", password=HASHERS[name]("p-" + name))
        service = self.adopt(project)
        for user in User.objects.all():
            password = "p-" + user.email.split("@")[0]
            self.assert_login(service, user.email, password)
            after = User.objects.get(pk=user.pk)
            self.assertTrue(after.password.startswith("argon2$argon2id$"), after.password)
            self.assertTrue(check_password(password, after.password))
            self.assertEqual(after.modified_date, user.modified_date)
            self.assert_login(service, user.email, password)

    def test_outstanding_tokens(self):
        project = self.django_project()
        user = User.objects.create(email="t@example.com", password=support.encode_password("t0ken-Taker"))
        service = self.adopt(project)
        refresh = self.assert_login(service, user.email, "t0ken-Taker")["refresh"]
        token = OutstandingToken.objects.get()
        claims = claims_of(refresh)
        self.assertEqual((token.user, token.jti, token.token), (user, claims["jti"], refresh))
        self.assertEqual(int(token.expires_at.timestamp()), claims["exp"])
        self.assertEqual(int(token.created_at.timestamp()), claims["iat"])
        self.assertEqual(token.created_at.utcoffset(), datetime.timedelta(0))
        # To Django it is as any other: an UUID in 32 digits.
        self.assertEqual(uuid.UUID(token.jti).version, 7)
        self.assertEqual(int(token.jti[:12], 16),
                         (token.created_at - EPOCH) // datetime.timedelta(milliseconds=1))
        # Queries that compare instants as SQLite does: texts.
        self.assertEqual(OutstandingToken.objects.filter(expires_at__gt=timezone.now()).count(), 1)
        self.assertEqual(OutstandingToken.objects.filter(created_at__lte=timezone.now()).count(), 1)

    def test_last_login(self):
        project = self.django_project()
        project.change({"EASY_JWT": {"UPDATE_LAST_LOGIN": True}})
        user = User.objects.create(email="t@example.com", password=support.encode_password("t0ken-Taker"))
        service = self.adopt(project)
        access = self.assert_login(service, user.email, "t0ken-Taker")["access"]
        user.refresh_from_db()
        self.assertLess(abs((timezone.now() - user.last_login).total_seconds()), 300)
        shown = service.get("/auth/user/", token=access).json["last_login"]
        self.assertEqual(datetime.datetime.fromisoformat(shown), user.last_login)

    def test_blacklisting(self):
        project = self.django_project()
        user = User.objects.create(email="t@example.com", password=support.encode_password("t0ken-Taker"))
        service = self.adopt(project)
        # By Django: refused by us at once.
        refresh = self.assert_login(service, user.email, "t0ken-Taker")["refresh"]
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": refresh}).status, 200)
        BlacklistedToken.objects.create(token=OutstandingToken.objects.get(jti=claims_of(refresh)["jti"]))
        answer = service.post("/auth/token/refresh/", {"refresh": refresh})
        self.assertEqual((answer.status, answer.json), (401, BLACKLISTED))
        self.assertEqual(service.post("/auth/token/verify/", {"token": refresh}).status, 400)
        answer = service.post("/auth/token/blacklist/", {"refresh": refresh})
        self.assertEqual((answer.status, answer.json), (401, BLACKLISTED))
        # By us: a row that Django reads.
        refresh = self.assert_login(service, user.email, "t0ken-Taker")["refresh"]
        self.assertEqual(service.post("/auth/token/blacklist/", {"refresh": refresh}).status, 200)
        row = BlacklistedToken.objects.get(token__jti=claims_of(refresh)["jti"])
        self.assertLess(abs((timezone.now() - row.blacklisted_at).total_seconds()), 300)
        self.assertEqual(row.token.user, user)
        # And taken back by Django, as its admin can.
        row.delete()
        self.assertEqual(service.post("/auth/token/refresh/", {"refresh": refresh}).status, 200)

    def test_cleaning(self):
        project = self.django_project()
        now = timezone.now()
        for days in (-2, -1, 1):
            token = OutstandingToken.objects.create(jti="j%d" % days, token="t", expires_at=now +
                                                    datetime.timedelta(days=days))
            BlacklistedToken.objects.create(token=token)
            Session.objects.create(session_key="s%d" % days, session_data="x",
                                   expire_date=now + datetime.timedelta(days=days))
        project.do("migrate")
        self.assertIn("2", project.do("flushexpiredtokens").out)
        self.assertIn("2", project.do("clearsessions").out)
        self.assertEqual([token.jti for token in OutstandingToken.objects.all()], ["j1"])
        self.assertEqual(BlacklistedToken.objects.count(), 1)
        self.assertEqual([session.session_key for session in Session.objects.all()], ["s1"])

    def test_a_database_that_is_none_of_ours(self):
        project = self.project(migrated=False)
        project.query('CREATE TABLE "user" (id integer PRIMARY KEY, name text)')
        before = project.schema()
        for command in (("migrate",), ("runserver", "127.0.0.1:0"), ("dumpdata",)):
            done = project.run(*command)
            self.assertEqual(done.code, 1, done)
            self.assertEqual(len(done.err.strip().splitlines()), 1, done.err)
            self.assertIn("user", done.err)
        self.assertEqual((project.schema(), project.our_own()), (before, []))


class Roles(DjangoTest):
    """A Django whose role is not the owner of the tables."""

    def test_rights_that_django_needs_on_our_tables(self):
        project = self.project(users=support.usual_users())
        role = "django_" + secrets.token_hex(8)
        rights = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %s" % role
        project.query("CREATE ROLE %s; GRANT %s TO CURRENT_USER" % (role, role))
        self.addCleanup(project.query, "DROP OWNED BY %s; DROP ROLE %s" % (role, role))
        project.query(rights)
        project.query("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %s" % role)
        project.query("REVOKE ALL ON easyjwt_remote_user, easyjwt_migration FROM %s" % role)
        project.query("INSERT INTO easyjwt_remote_user (remote_id, user_id) VALUES (11, 1), (12, 2)")
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE " + role)
            with self.assertRaises(ProgrammingError):
                cursor.execute("SELECT * FROM easyjwt_remote_user")
        User.objects.create(email="new@example.com")
        User.objects.filter(pk=3).update(first_name="X")
        User.objects.get(pk=1).delete()
        self.assertEqual(project.query("SELECT remote_id FROM easyjwt_remote_user"), [(12,)])
        # Those that triggers write to are another matter.
        project.query("REVOKE ALL ON easyjwt_user_count, easyjwt_user_search, easyjwt_user_part FROM %s" % role)
        with self.assertRaisesRegex(ProgrammingError, "permission denied for table easyjwt_user_"):
            User.objects.get(pk=2).delete()


class Identity(DjangoTest):
    """Django from 4.1 makes its keys identity columns; Debian's is older."""

    def test_adopted(self):
        project = self.django_project()
        User.objects.create(email="old@example.com", password=support.encode_password("0ld-Timer"))
        for table, largest in project.query("""
                SELECT c.relname, (xpath('/row/n/text()', query_to_xml(format(
                  'SELECT coalesce(max(id), 0) + 1 AS n FROM %I', c.relname), false, true, '')))[1]::text
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id'
                WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"""):
            project.query('ALTER TABLE "%s" ALTER id DROP DEFAULT; DROP SEQUENCE "%s_id_seq";'
                          'ALTER TABLE "%s" ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START %s)'
                          % (table, table, table, largest))
        before = project.schema()
        service = self.adopt(project)
        self.assert_login(service, "old@example.com", "0ld-Timer")
        answer = service.post("/auth/create-user/", {"email": "new@example.com", "password": "N3w-Comer-here"})
        self.assertEqual(answer.status, 201, str(answer))
        # Keys of a fixture's own, and then those that follow them.
        project.load([support.user_entry(70, "seventy@example.com", "S3venty-users"),
                      {"model": "auth.group", "pk": 9, "fields": {"name": "nine", "permissions": []}}])
        answer = service.post("/auth/create-user/", {"email": "next@example.com", "password": "N3xt-Comer-here"})
        self.assertEqual(answer.status, 201, str(answer))
        self.assertEqual([user.pk for user in User.objects.order_by("pk")], [1, 2, 70, 71])
        self.assertEqual(Group.objects.create(name="ten").pk, 10)
        self.assertEqual(project.schema(), before)
        self.command("migrate", check_unapplied=True, interactive=False)
        self.command("makemigrations", check_changes=True, dry_run=True)
        self.assertEqual(project.do("migrate").out, "No migrations to apply.\n")


class RecordedDatabase(DjangoTest):
    """The database and the dump that a real auth-service left behind."""

    CREDENTIALS = json.loads((TESTS / "data" / "credentials.json").read_text("utf-8"))

    def recorded_project(self, copy=True):
        project = self.project({"EASY_JWT": {"SIGNING_KEY": self.CREDENTIALS["signing_key"]}})
        if copy:
            shutil.copy(TESTS / "data" / "auth.sqlite3", project.database)
            project.database.chmod(0o600)
        return project

    def check_logins(self, service):
        for user in self.CREDENTIALS["users"]:
            with self.subTest(user=user["email"]):
                if user["password"] is None:
                    for guess in ("!", "x", "None"):
                        self.assert_no_login(service, user["email"], guess)
                elif not user.get("is_active", True):
                    self.assert_no_login(service, user["email"], user["password"])
                else:
                    tokens = self.assert_login(service, user["email"], user["password"])
                    self.assertEqual(claims_of(tokens["refresh"])["user_id"], user["id"])
                    self.assert_no_login(service, user["email"], user["password"] + "x")
                    shown = service.get("/auth/user/", token=tokens["access"]).json
                    self.assertEqual((shown["id"], shown["email"]), (user["id"], user["email"]))
                    self.assertEqual(shown["is_superuser"], user.get("is_superuser", False))
        tokens = self.CREDENTIALS["tokens"]
        answer = service.post("/auth/token/refresh/", {"refresh": tokens["live_refresh"]})
        self.assertEqual(answer.status, 200, str(answer))
        answer = service.post("/auth/token/refresh/", {"refresh": tokens["blacklisted_refresh"]})
        self.assertEqual((answer.status, answer.json), (401, BLACKLISTED))

    # Every row that Django left, in an order; what is added comes on top of these.
    ROWS = ('SELECT * FROM "user" ORDER BY id', "SELECT * FROM user_groups ORDER BY id",
            "SELECT * FROM user_user_permissions ORDER BY id", "SELECT * FROM auth_group ORDER BY id",
            "SELECT * FROM auth_permission ORDER BY id", "SELECT * FROM django_content_type ORDER BY id",
            "SELECT * FROM auth_group_permissions ORDER BY id", "SELECT * FROM django_migrations ORDER BY id",
            "SELECT * FROM token_blacklist_outstandingtoken ORDER BY id",
            "SELECT * FROM token_blacklist_blacklistedtoken ORDER BY id",
            "SELECT * FROM django_session ORDER BY session_key", "SELECT * FROM django_admin_log ORDER BY id")

    def test_adopted_in_place(self):
        project = self.recorded_project()
        before = {sql: project.query(sql) for sql in self.ROWS}
        text = project.schema()
        service = project.start()
        self.check_logins(service)
        service.stop()
        self.assertEqual(project.schema(), text)
        for sql, was in before.items():
            is_ = project.query(sql)
            self.assertEqual(is_[:len(was)], was, sql)
            if "outstandingtoken" not in sql:
                self.assertEqual(len(is_), len(was), sql)
        # Django goes on.
        self.command("migrate", check_unapplied=True, interactive=False)
        for user in self.CREDENTIALS["users"]:
            if user["password"] and user.get("hasher") != "scrypt":
                self.assertTrue(User.objects.get(pk=user["id"]).check_password(user["password"]), user)
        connection.check_constraints()

    def test_dump_into_a_fresh_database(self):
        project = self.recorded_project(copy=False)
        dump = TESTS / "data" / "dumpdata.json"
        project.do("loaddata", dump)
        wanted = self.by_key(json.loads(dump.read_text("utf-8")))
        self.assertEqual(self.by_key(json.loads(project.do("dumpdata").out)), wanted)
        # Twice is the same as once.
        project.do("loaddata", dump)
        self.assertEqual(self.by_key(json.loads(project.do("dumpdata").out)), wanted)
        self.check_logins(project.start())

    @staticmethod
    def by_key(entries):
        return {(entry["model"], json.dumps(entry.get("pk"))): entry["fields"] for entry in entries}

    def test_dump_of_the_adopted_database(self):
        project = self.recorded_project()
        dumped = self.by_key(json.loads(project.do("dumpdata").out))
        recorded = self.by_key(json.loads((TESTS / "data" / "dumpdata.json").read_text("utf-8")))
        self.assertEqual(dumped, recorded)


class Dumps(DjangoTest):
    """What the one dumps, the other loads."""

    MODELS = ("auth.group", "easyjwt_user.user", "token_blacklist.outstandingtoken",
              "token_blacklist.blacklistedtoken")

    def fill(self):
        group = Group.objects.create(name="Gruppe \"ü\" \\ 大")
        group.permissions.set(Permission.objects.filter(codename__in=["add_user", "view_group"]))
        now = datetime.datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=datetime.timezone.utc)
        for number in range(3):
            user = User.objects.create(
                email="user%d@Example.com" % number, password=support.encode_password("p4ss-%d" % number),
                first_name="F\n\t\"%d" % number, last_name="\U0001f600", phone="1" if number else None,
                location="läne" if number else None, is_staff=number == 1, is_active=number != 2, last_login=now)
            user.groups.add(group)
            user.user_permissions.set(Permission.objects.filter(codename="delete_user"))
            # Less than a millisecond is written as ".000Z", and nothing as "Z".
            User.objects.filter(pk=user.pk).update(modified_date=now.replace(microsecond=456 * number))
            token = OutstandingToken.objects.create(user=user if number else None, jti="jti%d" % number, token="t",
                                                    created_at=now if number else None, expires_at=now)
        BlacklistedToken.objects.create(token=token)

    def django_dump(self):
        return self.command("dumpdata", *self.MODELS, natural_foreign=True)

    def normal(self, text, exact=False):
        """Entries by key, whatever way their references are written. A dump that was loaded has lost
        what is less than a millisecond: unless `exact`, ".000Z" is "Z"."""
        if not exact:
            text = text.replace(".000Z", "Z")
        entries = {}
        for entry in json.loads(text):
            fields = dict(entry["fields"])
            if "groups" in fields:
                names = {group.pk: group.name for group in Group.objects.all()}
                fields["groups"] = [group[0] if isinstance(group, list) else names[group]
                                    for group in fields["groups"]]
            if isinstance(fields.get("user"), list):
                fields["user"] = User.objects.get(email=fields["user"][0]).pk
            for name in ("permissions", "user_permissions"):
                if name in fields:
                    fields[name] = sorted(fields[name])
            entries[entry["model"], entry["pk"]] = fields
        return entries

    def test_ours_into_django(self):
        project = self.project()
        project.do("migrate")
        self.fill()
        text = project.do("dumpdata").out
        dump = project.path / "dump.json"
        dump.write_text(text, "utf-8")
        wanted = self.normal(self.django_dump())
        self.assertEqual(self.normal(text, exact=True), self.normal(self.django_dump(), exact=True))
        self.assertIn(".000Z", text)
        self.django_project()
        self.command("loaddata", str(dump))
        self.assertEqual(self.normal(self.django_dump()), wanted)

    def test_djangos_into_ours(self):
        project = self.django_project()
        self.fill()
        wanted = self.normal(self.django_dump())
        for number, options in enumerate(({"natural_foreign": True}, {})):
            with self.subTest(options=options):
                self.use(project)
                dump = project.path / ("dump%d.json" % number)
                # Without natural keys a permission is a number: the same one, in a schema that has
                # the same rows in the same order.
                dump.write_text(self.command("dumpdata", *self.MODELS, **options), "utf-8")
                other = Project(self.addCleanup)
                if not options:
                    ids = "SELECT id, codename FROM auth_permission ORDER BY id"
                    other.do("migrate")
                    if other.query(ids) != project.query(ids):
                        continue
                other.do("loaddata", dump)
                self.use(other)
                self.assertEqual(self.normal(self.django_dump()), wanted)
                self.assertEqual(self.normal(other.do("dumpdata").out), wanted)

    def test_natural_keys(self):
        # A group by its name, permissions by codename, app and model; users without a primary key.
        project = self.project()
        project.load([
            {"model": "auth.group", "fields": {"name": "g", "permissions": [["add_user", "easyjwt_user", "user"]]}},
            {"model": "easyjwt_user.user", "fields": {
                "email": "Natural@Example.com", "password": support.encode_password("n4tural-Key"),
                "groups": [["g"]], "user_permissions": [["view_user", "easyjwt_user", "user"]]}}])
        user = User.objects.get()
        self.assertEqual(user.email, "Natural@Example.com")
        self.assertEqual([group.name for group in user.groups.all()], ["g"])
        self.assertTrue(user.has_perm("easyjwt_user.add_user"))
        self.assertTrue(user.has_perm("easyjwt_user.view_user"))
        self.assertFalse(user.has_perm("easyjwt_user.delete_user"))

    def test_all_or_nothing(self):
        project = self.project(users=support.usual_users())
        good = support.user_entry(50, "good@example.com", "x" * 10)
        for bad in ({"model": "nobody.knows", "pk": 1, "fields": {}},
                    {"model": "easyjwt_user.user", "pk": 51, "fields": {"email": "a@b.cd", "colour": "red"}},
                    {"model": "easyjwt_user.user", "pk": "x", "fields": {"email": "a@b.cd"}},
                    {"model": "easyjwt_user.user", "pk": 51, "fields": {"email": "good@example.com"}},
                    {"model": "easyjwt_user.user", "pk": 51, "fields": {"email": "a@b.cd", "groups": [99]}},
                    {"model": "easyjwt_user.user", "pk": 51, "fields": {"email": "a@b.cd", "is_staff": "perhaps"}},
                    {"model": "easyjwt_user.user", "pk": 51, "fields": {"email": "a@b.cd", "date_joined": "today"}},
                    {"model": "auth.group", "pk": 1, "fields": {"name": "g", "permissions": [["fly", "a", "b"]]}},
                    {"model": "token_blacklist.outstandingtoken", "pk": 1, "fields": {"user": 99, "jti": "j"}},
                    "x", 1, None, [], {}):
            with self.subTest(bad=bad):
                fixture = project.path / "bad.json"
                fixture.write_text(json.dumps([good, bad]), "utf-8")
                done = project.run("loaddata", fixture)
                self.assertEqual(done.code, 1, done)
                self.assertEqual(len(done.err.strip().splitlines()), 1, done.err)
                self.assertEqual(User.objects.count(), 4)
        for text in ("", "{}", "[", "null", "[1", '[{"model": "auth.group"', "\xff", "[" * 100):
            fixture = project.path / "bad.json"
            fixture.write_text(text, "latin-1")
            done = project.run("loaddata", fixture)
            self.assertEqual((done.code, len(done.err.strip().splitlines())), (1, 1), done)
        self.assertEqual(project.run("loaddata", project.path / "missing.json").code, 1)


class SideBySide(DjangoTest):
    """Both on one file at one time."""

    def test_django_writes_while_we_serve(self):
        project = self.project(users=support.usual_users())
        service = project.start()
        done = threading.Event()
        faults = []
        emails = []

        def write():
            try:
                for number in range(40):
                    with transaction.atomic():
                        user = User.objects.create(email="w%d@example.com" % number,
                                                   password=support.encode_password("wr1te-%d" % number))
                        user.first_name = "changed"
                        user.save()
                    emails.append(user.email)
            except BaseException as fault:  # pylint: disable=broad-except
                faults.append(fault)
            finally:
                connection.close()
                done.set()

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        statuses = []
        while not done.is_set():
            answers = at_once(4, lambda _: service.post("/auth/token/", {
                "email": support.ALICE, "password": PASSWORDS[support.ALICE]}))
            statuses += [answer.status for answer in answers]
        writer.join()
        self.assertEqual(faults, [])
        self.assertEqual(count(statuses), {200: len(statuses)})
        self.assertEqual(OutstandingToken.objects.count(), len(statuses))
        self.assertEqual(User.objects.count(), 44)
        for number, email in enumerate(emails[:3]):
            self.assert_login(service, email, "wr1te-%d" % number)

    def test_a_transaction_of_djangos_is_waited_for(self):
        # Django holds the write lock for a moment; a login waits for it, a verification does not.
        project = self.project(users=support.usual_users())
        service = project.start()
        token = mint()
        results = []
        with transaction.atomic():
            User.objects.filter(pk=4).update(first_name="held")
            login = threading.Thread(target=lambda: results.append(service.post(
                "/auth/token/", {"email": support.ALICE, "password": PASSWORDS[support.ALICE]}).status))
            login.start()
            for _ in range(20):
                self.assertEqual(service.post("/auth/token/verify/", {"token": token}).status, 200)
                self.assertEqual(service.get("/auth/user/", token=token).status, 200)
            # What is not committed is not seen.
            self.assertEqual(service.get("/auth/user/", token=mint(user_id=4)).json["first_name"], "Däve")
        login.join()
        self.assertEqual(results, [200])
        self.assertEqual(service.get("/auth/user/", token=mint(user_id=4)).json["first_name"], "held")


if __name__ == "__main__":
    unittest.main()
