#!/usr/bin/python3
"""Fills a migrated database with users and outstanding tokens, as years of service would.

  bench/fill.py DATABASE [--users N] [--tokens N] [--seed N] [--random-jti]

DATABASE is a file of SQLite or a postgresql:// URL (of the tables' owner, best a superuser: else
foreign keys are checked row by row). Users get the ids from 1 on, so the tables must be empty; user 1
is staff; everybody's password is PASSWORD below, in one iteration, so that a login costs what it costs
without its hash. A tenth of the tokens have expired, a tenth are blacklisted. Their jti's are as easyjwt
makes them, ordered by time, or with --random-jti as the original does.

It knows nothing of easyjwt but Django's tables. What easyjwt has added to them (all that is named
easyjwt_...) is dropped first: run `easyjwt migrate` afterwards, which shows what the adoption of a
database of that size costs.

Ten million tokens are 5 GB of SQLite, 8 GB of PostgreSQL, and some minutes.
"""
import argparse
import base64
import contextlib
import datetime
import hashlib
import io
import random
import sqlite3
import time

PASSWORD = "c0rrect-Horse-battery"
LIFETIME_DAYS = 27  # tokens were made in the last 30 days: a tenth have expired

FIRST_NAMES = """
James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph
Jessica Thomas Sarah Charles Karen Christopher Lisa Daniel Nancy Matthew Betty Anthony Margaret Mark Sandra
Donald Ashley Steven Kimberly Paul Emily Andrew Donna Joshua Michelle Kenneth Carol Kevin Amanda Brian Dorothy
George Melissa Timothy Deborah Ronald Stephanie Edward Rebecca Jason Sharon Jeffrey Laura Ryan Cynthia Jacob
Kathleen Gary Amy Nicholas Angela Eric Shirley Jonathan Anna Stephen Brenda Larry Pamela Justin Emma Scott
Nicole Brandon Helen Benjamin Samantha Samuel Katherine Gregory Christine Alexander Debra Jürgen Zoë Søren
José Renée François Łukasz Şule Ángela Ünal Ólafur Αλέξης Дмитрий 美咲""".split()
LAST_NAMES = """
Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson
Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis
Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera
Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart
Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim
Cox Ward Richardson Watson Brooks Chavez Wood Bennett Gray Mendoza Ruiz Hughes Price Alvarez Castillo Sanders
Patel Myers Long Ross Foster Jimenez Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Hoffmann Schulz
Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Øberg
O'Brien D'Angelo Dvořák Szczęsny Παπαδόπουλος Иванов 佐藤""".split()
DOMAINS = """gmail.com yahoo.com hotmail.com outlook.com icloud.com aol.com proton.me gmx.de web.de mail.example
example.com example.org example.net firma.example uni.example shop.example""".split()

USER_COLUMNS = ("id", "password", "last_login", "is_superuser", "is_staff", "is_active", "date_joined",
                "first_name", "last_name", "location", "phone", "modified_date", "creation_date", "email")


def pick(names, chance):
    """The first names are the frequent ones."""
    return names[int(len(names) * chance.random() ** 2)]


def email_of(user, first, last, chance):
    """ASCII and small letters, as easyjwt keeps them."""
    name = "".join(c for c in (first + "." + last).lower() if c.isascii() and c not in "'")
    return "%s%d@%s" % (name.strip(".") or "user", user, pick(DOMAINS, chance))


def users(count, seed, now):
    """Rows of "user" with instants as datetimes."""
    chance = random.Random(seed)
    digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 1)
    password = "pbkdf2_sha256$1$salt$" + base64.b64encode(digest).decode()
    for user in range(1, count + 1):
        first, last = pick(FIRST_NAMES, chance), pick(LAST_NAMES, chance)
        joined = now - datetime.timedelta(seconds=chance.random() * 3e8)
        login = now - datetime.timedelta(seconds=chance.random() * 3e7) if chance.random() < 0.8 else None
        yield (user, password, login, user == 1, user == 1, True, joined, first, last, None, None, joined, joined,
               email_of(user, first, last, chance))


class Steps:
    def __init__(self):
        self.begun = self.last = time.monotonic()

    def done(self, what):
        now = time.monotonic()
        print("%-44s %7.1f s" % (what, now - self.last), flush=True)
        self.last = now

    def end(self):
        print("%-44s %7.1f s" % ("all", time.monotonic() - self.begun), flush=True)


# ---- SQLite

def jti_sqlite(milliseconds, is_random=False):
    """A jti as easyjwt makes it (a UUID of version 7, of that instant), or as the original does, about."""
    if is_random:
        return "lower(hex(randomblob(16)))"
    return ("printf('%%012x7%%.3s%%.1s%%.15s', CAST(%s AS integer), lower(hex(randomblob(2))),"
            " substr('89ab', 1 + (random() & 3), 1), lower(hex(randomblob(8))))" % milliseconds)


TOKENS_SQLITE = """
WITH RECURSIVE "number" ("n") AS (VALUES (1) UNION ALL SELECT "n" + 1 FROM "number" WHERE "n" < :tokens),
  "made" AS (SELECT "n", :now - 30 * 86400.0 * (:tokens - "n") / :tokens AS "at" FROM "number")
INSERT INTO "token_blacklist_outstandingtoken" ("id", "jti", "token", "created_at", "expires_at", "user_id")
SELECT "n", :jti,
       'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.' || hex(randomblob(120)),
       strftime('%Y-%m-%d %H:%M:%f', "at", 'unixepoch') || '000',
       strftime('%Y-%m-%d %H:%M:%f', "at" + :lifetime, 'unixepoch') || '000',
       1 + abs(random()) % :users
FROM "made"
"""
BLACKLIST_SQLITE = """
INSERT INTO "token_blacklist_blacklistedtoken" ("blacklisted_at", "token_id")
SELECT "created_at", "id" FROM "token_blacklist_outstandingtoken" WHERE abs(random()) % 10 = 0 ORDER BY "id"
"""


def drop_own_sqlite(connection):
    for kind in ("trigger", "index", "table"):
        # What belongs to a virtual table goes with it.
        rows = connection.execute(
            r"""SELECT "name", coalesce("sql", '') LIKE 'CREATE VIRTUAL%' FROM sqlite_master WHERE "type" = ?
                AND "name" LIKE 'easyjwt\_%' ESCAPE '\' AND "sql" IS NOT NULL ORDER BY 2 DESC""", (kind,)).fetchall()
        for name, _ in rows:
            if name != "easyjwt_migration":
                connection.execute('DROP %s IF EXISTS "%s"' % (kind, name))


def fill_sqlite(file, options, now):
    steps = Steps()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        # Nothing is lost that cannot be made again.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-3000000", "foreign_keys=OFF",
                       "temp_store=MEMORY", "locking_mode=EXCLUSIVE"):
            connection.execute("PRAGMA " + pragma)
        drop_own_sqlite(connection)
        indexes = connection.execute("""SELECT "name", "sql" FROM sqlite_master WHERE "type" = 'index'
            AND "tbl_name" LIKE 'token_blacklist%' AND "sql" IS NOT NULL""").fetchall()
        for name, _ in indexes:
            connection.execute('DROP INDEX "%s"' % name)
        connection.execute("BEGIN")
        text = lambda value: value.isoformat(" ", "microseconds") if isinstance(value, datetime.datetime) else value
        connection.executemany(
            'INSERT INTO "user" (%s) VALUES (%s)' % (", ".join(USER_COLUMNS), ", ".join("?" * len(USER_COLUMNS))),
            (tuple(map(text, row)) for row in users(options.users, options.seed, now)))
        connection.execute("COMMIT")
        steps.done("%d users" % options.users)
        parameters = {"tokens": options.tokens, "users": options.users, "lifetime": LIFETIME_DAYS * 86400,
                      "now": now.replace(tzinfo=datetime.timezone.utc).timestamp()}
        connection.execute(TOKENS_SQLITE.replace(":jti", jti_sqlite('"at" * 1000', options.random_jti)), parameters)
        steps.done("%d outstanding tokens" % options.tokens)
        connection.execute(BLACKLIST_SQLITE)
        steps.done("blacklisted tokens")
        for _, sql in indexes:
            connection.execute(sql)
        steps.done("their indexes")
        connection.execute("PRAGMA journal_mode=WAL")
    steps.end()


# ---- PostgreSQL

def jti_postgresql(milliseconds, is_random=False):
    random_one = "replace(gen_random_uuid()::text, '-', '')"
    if is_random:
        return random_one
    return "lpad(to_hex((%s)::bigint), 12, '0') || '7' || substr(%s, 14)" % (milliseconds, random_one)


TOKENS_POSTGRESQL = """
INSERT INTO "token_blacklist_outstandingtoken" ("jti", "token", "created_at", "expires_at", "user_id")
SELECT %(jti)s,
       'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.' || substr(%(noise)s, 1 + (random() * 700)::int, 240),
       "at", "at" + %(lifetime)s * interval '1 second', 1 + floor(random() * %(users)s)::bigint
FROM (SELECT %(now)s::timestamptz - interval '30 days' * ((%(tokens)s - "n") / %(tokens)s::float8) AS "at"
      FROM generate_series(1, %(tokens)s) AS "n") AS "made"
"""
BLACKLIST_POSTGRESQL = """
INSERT INTO "token_blacklist_blacklistedtoken" ("blacklisted_at", "token_id")
SELECT "created_at", "id" FROM "token_blacklist_outstandingtoken" WHERE random() < 0.1
"""
DROP_OWN_POSTGRESQL = r"""
DO $$ DECLARE "what" text; BEGIN
  FOR "what" IN
    SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger
      WHERE tgname LIKE 'easyjwt\_%' AND NOT tgisinternal
    UNION ALL
    SELECT format('DROP %s IF EXISTS %s CASCADE', CASE relkind WHEN 'r' THEN 'TABLE' ELSE 'INDEX' END, oid::regclass)
      FROM pg_class WHERE relname LIKE 'easyjwt\_%' AND relname NOT LIKE 'easyjwt\_migration%'
        AND relkind IN ('r', 'i')
  LOOP EXECUTE "what"; END LOOP;
END $$
"""
# Indexes and unique constraints: how to drop one, and how it was made.
TOKEN_INDEXES_POSTGRESQL = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE conrelid = 'token_blacklist_outstandingtoken'::regclass AND contype = 'u'
UNION ALL
SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
  FROM pg_index WHERE indrelid = 'token_blacklist_outstandingtoken'::regclass AND NOT indisunique
"""


def copied(value):
    if value is None:
        return "\\N"
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "microseconds") + "+00"
    return str(value)


def fill_postgresql(url, options, now):
    import psycopg2  # not needed for SQLite

    steps = Steps()
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            cursor.execute("SET session_replication_role = replica")
        cursor.execute(DROP_OWN_POSTGRESQL)
        cursor.execute(TOKEN_INDEXES_POSTGRESQL)
        indexes = cursor.fetchall()
        for drop, _ in indexes:
            cursor.execute(drop)
        rows = users(options.users, options.seed, now)
        while True:
            chunk = io.StringIO()
            for _, row in zip(range(50000), rows):
                chunk.write("\t".join(map(copied, row)) + "\n")
            if chunk.tell() == 0:
                break
            chunk.seek(0)
            cursor.copy_expert('COPY "user" (%s) FROM STDIN' % ", ".join(USER_COLUMNS), chunk)
        steps.done("%d users" % options.users)
        jti = jti_postgresql('extract(epoch FROM "at") * 1000', options.random_jti)
        cursor.execute(TOKENS_POSTGRESQL.replace("%(jti)s", jti), {
            "tokens": options.tokens, "users": options.users, "lifetime": LIFETIME_DAYS * 86400,
            "now": now.isoformat(" ") + "+00",
            "noise": base64.urlsafe_b64encode(random.Random(options.seed).randbytes(705)).decode()})
        steps.done("%d outstanding tokens" % options.tokens)
        cursor.execute(BLACKLIST_POSTGRESQL)
        steps.done("blacklisted tokens")
        for _, add in indexes:
            cursor.execute(add)
        steps.done("their indexes")
        cursor.execute("""SELECT setval(pg_get_serial_sequence('"user"', 'id'), %s)""", (options.users,))
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")
        steps.done("vacuum analyze")
    steps.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random-jti", action="store_true")
    options = parser.parse_args()
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    if options.database.startswith(("postgresql://", "postgres://")):
        fill_postgresql(options.database, options, now)
    else:
        fill_sqlite(options.database, options, now)


if __name__ == "__main__":
    main()
