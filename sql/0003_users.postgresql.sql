-- What lists of a million users need beside Django's table "user", and what keeps it true whoever
-- writes there: orders, the number of users, and what searches look into. Why it is so, and what it
-- costs: docs/adr/0020-searching-users.md. The whole may be run again; it begins anew then.

SET LOCAL work_mem = '256MB';
SET LOCAL maintenance_work_mem = '256MB';

-- Django's index of e-mails has no ids in it.
CREATE INDEX IF NOT EXISTS "easyjwt_user_email" ON "user" ("email") INCLUDE ("id");
CREATE INDEX IF NOT EXISTS "easyjwt_user_first_name" ON "user" ("first_name", "id");
CREATE INDEX IF NOT EXISTS "easyjwt_user_last_name" ON "user" ("last_name", "id");
CREATE INDEX IF NOT EXISTS "easyjwt_user_date_joined" ON "user" ("date_joined", "id");
CREATE INDEX IF NOT EXISTS "easyjwt_user_last_login" ON "user" ("last_login" NULLS FIRST, "id");

-- From here on nobody writes there until this is done. (DROP TRIGGER would keep readers out, too.)
LOCK TABLE "user" IN SHARE ROW EXCLUSIVE MODE;
DROP TABLE IF EXISTS "easyjwt_user_search";
DROP TABLE IF EXISTS "easyjwt_user_part";
DROP TABLE IF EXISTS "easyjwt_user_count";

-- How many users there are is the sum. Whoever changes it adds a row and takes those along that
-- nobody else has in hand: two that add users never wait for each other.
CREATE TABLE "easyjwt_user_count" ("n" bigint NOT NULL);
INSERT INTO "easyjwt_user_count" SELECT count(*) FROM "user";
CREATE OR REPLACE FUNCTION "easyjwt_user_count_add"("more" bigint) RETURNS void LANGUAGE sql
SET search_path FROM CURRENT AS $body$
    WITH "old" AS (
        DELETE FROM "easyjwt_user_count" WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM "easyjwt_user_count" LIMIT 64 FOR UPDATE SKIP LOCKED))
        RETURNING "n")
    INSERT INTO "easyjwt_user_count" SELECT "more" + coalesce(sum("n"), 0) FROM "old"
$body$;

-- What a word is looked for in. A word has no tab in it, so that none is found across two names.
CREATE TABLE "easyjwt_user_search" ("id" bigint NOT NULL PRIMARY KEY,
    "text" text COLLATE "C" NOT NULL);
INSERT INTO "easyjwt_user_search"
SELECT "id", lower("email" || '	' || "first_name" || '	' || "last_name") FROM "user" ORDER BY "id";

-- For words of three letters and more. Whoever may not make the extension does without: such
-- searches read the whole table then.
DO $body$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX "easyjwt_user_search_trigram" ON "easyjwt_user_search"
        USING gin ("text" gin_trgm_ops) WITH (fastupdate = off);
EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_file
    OR undefined_object THEN
    RAISE NOTICE 'pg_trgm is not there';
END $body$;

-- For longer ones, that are found in few: twelve characters from every fourth on.
CREATE TABLE "easyjwt_user_part" ("part" text COLLATE "C" NOT NULL, "user_id" bigint NOT NULL);
INSERT INTO "easyjwt_user_part"
SELECT DISTINCT substr("text", "n", 12), "id"
FROM "easyjwt_user_search", generate_series(1, length("text"), 4) AS "n" ORDER BY 1, 2;
ALTER TABLE "easyjwt_user_part" ADD PRIMARY KEY ("part", "user_id");

CREATE OR REPLACE FUNCTION "easyjwt_user_added"() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $body$ BEGIN
    PERFORM "easyjwt_user_count_add"(count(*)) FROM "added";
    INSERT INTO "easyjwt_user_search"
    SELECT "id", lower("email" || '	' || "first_name" || '	' || "last_name") FROM "added";
    INSERT INTO "easyjwt_user_part"
    SELECT DISTINCT substr("text", "n", 12), s."id"
    FROM "added" JOIN "easyjwt_user_search" s USING ("id"), generate_series(1, length("text"), 4) AS "n";
    RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION "easyjwt_user_gone"() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $body$ BEGIN
    PERFORM "easyjwt_user_count_add"(-count(*)) FROM "gone";
    DELETE FROM "easyjwt_user_part" p
    USING (SELECT s."id", substr(s."text", "n", 12) AS "part"
           FROM "gone" JOIN "easyjwt_user_search" s USING ("id"),
                generate_series(1, length(s."text"), 4) AS "n") AS "was"
    WHERE p."part" = "was"."part" AND p."user_id" = "was"."id";
    DELETE FROM "easyjwt_user_search" s USING "gone" WHERE s."id" = "gone"."id";
    RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION "easyjwt_user_changed"() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $body$ BEGIN
    -- Django's save() writes every column, whether it has changed or not.
    IF (OLD."id", OLD."email", OLD."first_name", OLD."last_name") IS NOT DISTINCT FROM
       (NEW."id", NEW."email", NEW."first_name", NEW."last_name") THEN
        RETURN NULL;
    END IF;
    DELETE FROM "easyjwt_user_part" p
    USING (SELECT s."id", substr(s."text", "n", 12) AS "part"
           FROM "easyjwt_user_search" s, generate_series(1, length(s."text"), 4) AS "n"
           WHERE s."id" = OLD."id") AS "was"
    WHERE p."part" = "was"."part" AND p."user_id" = "was"."id";
    UPDATE "easyjwt_user_search" SET "id" = NEW."id",
        "text" = lower(NEW."email" || '	' || NEW."first_name" || '	' || NEW."last_name")
    WHERE "id" = OLD."id";
    INSERT INTO "easyjwt_user_part"
    SELECT DISTINCT substr("text", "n", 12), "id"
    FROM "easyjwt_user_search", generate_series(1, length("text"), 4) AS "n" WHERE "id" = NEW."id";
    RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION "easyjwt_user_all_gone"() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $body$ BEGIN
    TRUNCATE "easyjwt_user_search", "easyjwt_user_part", "easyjwt_user_count";
    RETURN NULL;
END $body$;

CREATE OR REPLACE TRIGGER "easyjwt_user_added" AFTER INSERT ON "user" REFERENCING NEW TABLE AS "added"
    FOR EACH STATEMENT EXECUTE FUNCTION "easyjwt_user_added"();
CREATE OR REPLACE TRIGGER "easyjwt_user_gone" AFTER DELETE ON "user" REFERENCING OLD TABLE AS "gone"
    FOR EACH STATEMENT EXECUTE FUNCTION "easyjwt_user_gone"();
CREATE OR REPLACE TRIGGER "easyjwt_user_all_gone" AFTER TRUNCATE ON "user"
    FOR EACH STATEMENT EXECUTE FUNCTION "easyjwt_user_all_gone"();
-- (Of no columns in particular: the type of a column that a trigger names cannot be altered.)
CREATE OR REPLACE TRIGGER "easyjwt_user_changed" AFTER UPDATE ON "user"
    FOR EACH ROW EXECUTE FUNCTION "easyjwt_user_changed"();

-- Without figures of what was just filled the first plans would be bad ones.
ANALYZE "easyjwt_user_search";
ANALYZE "easyjwt_user_part";
