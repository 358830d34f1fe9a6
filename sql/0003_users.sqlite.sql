-- What lists of a million users need beside Django's table "user", and what keeps it true whoever
-- writes there: orders, the number of users, and what searches look into. Why it is so, and what it
-- costs: docs/adr/0020-searching-users.md. The whole may be run again; it begins anew then.

-- Sorting takes memory instead of files for the length of this.
PRAGMA cache_size=-200000;

-- SQLite ends every index in the id.
CREATE INDEX IF NOT EXISTS "easyjwt_user_first_name" ON "user" ("first_name");
CREATE INDEX IF NOT EXISTS "easyjwt_user_last_name" ON "user" ("last_name");
CREATE INDEX IF NOT EXISTS "easyjwt_user_date_joined" ON "user" ("date_joined");
CREATE INDEX IF NOT EXISTS "easyjwt_user_last_login" ON "user" ("last_login");

DROP TRIGGER IF EXISTS "easyjwt_user_added";
DROP TRIGGER IF EXISTS "easyjwt_user_changed";
DROP TRIGGER IF EXISTS "easyjwt_user_gone";
DROP TABLE IF EXISTS "easyjwt_user_search";
DROP TABLE IF EXISTS "easyjwt_user_part";
DROP TABLE IF EXISTS "easyjwt_user_place";
DROP TABLE IF EXISTS "easyjwt_user_count";

-- How many users there are is the sum.
CREATE TABLE "easyjwt_user_count" ("n" integer NOT NULL);
INSERT INTO "easyjwt_user_count" SELECT count(*) FROM "user";

-- What a word is looked for in. A word has no tab in it, so that none is found across two names.
CREATE TABLE "easyjwt_user_search" ("id" integer NOT NULL PRIMARY KEY, "text" text NOT NULL);
INSERT INTO "easyjwt_user_search"
SELECT "id", lower("email" || '	' || "first_name" || '	' || "last_name") FROM "user";

-- For long words, that few have: twelve characters from every fourth on. (A search for a short one
-- reads all of the table above, 70 bytes for each user.)
CREATE TABLE "easyjwt_user_place" ("n" integer NOT NULL PRIMARY KEY);
WITH RECURSIVE "place" ("n") AS (VALUES (1) UNION ALL SELECT "n" + 4 FROM "place" WHERE "n" < 2000)
INSERT INTO "easyjwt_user_place" SELECT "n" FROM "place";
CREATE TABLE "easyjwt_user_part" ("part" text NOT NULL, "user_id" integer NOT NULL,
    PRIMARY KEY ("part", "user_id")) WITHOUT ROWID;
INSERT INTO "easyjwt_user_part"
SELECT DISTINCT substr("text", "n", 12), "id"
FROM "easyjwt_user_search" JOIN "easyjwt_user_place" ON "n" <= length("text") ORDER BY 1, 2;

CREATE TRIGGER "easyjwt_user_added" AFTER INSERT ON "user" BEGIN
    UPDATE "easyjwt_user_count" SET "n" = "n" + 1;
    INSERT INTO "easyjwt_user_search" ("id", "text") VALUES
        (NEW."id", lower(NEW."email" || '	' || NEW."first_name" || '	' || NEW."last_name"));
    INSERT INTO "easyjwt_user_part"
    SELECT DISTINCT substr("text", "n", 12), "id"
    FROM "easyjwt_user_search" JOIN "easyjwt_user_place" ON "n" <= length("text")
    WHERE "id" = NEW."id";
END;

CREATE TRIGGER "easyjwt_user_gone" AFTER DELETE ON "user" BEGIN
    UPDATE "easyjwt_user_count" SET "n" = "n" - 1;
    DELETE FROM "easyjwt_user_part" WHERE "user_id" = OLD."id" AND "part" IN (
        SELECT substr("text", "n", 12)
        FROM "easyjwt_user_search" JOIN "easyjwt_user_place" ON "n" <= length("text")
        WHERE "id" = OLD."id");
    DELETE FROM "easyjwt_user_search" WHERE "id" = OLD."id";
END;

-- Django's save() writes every column, whether it has changed or not.
CREATE TRIGGER "easyjwt_user_changed" AFTER UPDATE OF "id", "email", "first_name", "last_name"
ON "user" WHEN OLD."id" IS NOT NEW."id" OR OLD."email" IS NOT NEW."email"
    OR OLD."first_name" IS NOT NEW."first_name" OR OLD."last_name" IS NOT NEW."last_name" BEGIN
    DELETE FROM "easyjwt_user_part" WHERE "user_id" = OLD."id" AND "part" IN (
        SELECT substr("text", "n", 12)
        FROM "easyjwt_user_search" JOIN "easyjwt_user_place" ON "n" <= length("text")
        WHERE "id" = OLD."id");
    DELETE FROM "easyjwt_user_search" WHERE "id" = OLD."id";
    INSERT INTO "easyjwt_user_search" ("id", "text") VALUES
        (NEW."id", lower(NEW."email" || '	' || NEW."first_name" || '	' || NEW."last_name"));
    INSERT INTO "easyjwt_user_part"
    SELECT DISTINCT substr("text", "n", 12), "id"
    FROM "easyjwt_user_search" JOIN "easyjwt_user_place" ON "n" <= length("text")
    WHERE "id" = NEW."id";
END;

PRAGMA cache_size=-16384;
