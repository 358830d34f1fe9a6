-- The triggers of the revocation feed, whoever it is that writes: this program, or a Django beside it.
-- EASYJWT_CHANGED stands for "OLD.x IS NOT NEW.x OR ..." of the columns that a user is told by.
-- Instants are rounded up: strftime() cuts a millisecond.
CREATE TRIGGER "easyjwt_feed_blacklisted" AFTER INSERT ON "token_blacklist_blacklistedtoken"
BEGIN
    INSERT INTO "easyjwt_event" ("kind", "family", "live_until")
        SELECT 'family_revoked', "jti", CAST(strftime('%s', "expires_at") AS integer) + 1
        FROM "token_blacklist_outstandingtoken" WHERE "id" = NEW."token_id";
END;
CREATE TRIGGER "easyjwt_feed_ended" AFTER UPDATE OF "ended_at" ON "easyjwt_session"
WHEN OLD."ended_at" IS NULL AND NEW."ended_at" IS NOT NULL
BEGIN
    INSERT INTO "easyjwt_event" ("kind", "family", "live_until")
        SELECT 'family_revoked', NEW."id",
            CAST(strftime('%s', NEW."expires_at") AS integer) + 1 + "token_life"
        FROM "easyjwt_feed";
END;
-- A password that is only hashed anew, at a login, leaves modified_date alone.
CREATE TRIGGER "easyjwt_feed_void" AFTER UPDATE ON "user"
WHEN (OLD."is_active" AND NOT NEW."is_active")
    OR (OLD."password" <> NEW."password" AND OLD."modified_date" <> NEW."modified_date")
BEGIN
    INSERT INTO "easyjwt_event" ("kind", "user_id", "email", "void_before", "live_until")
        SELECT 'user_void', OLD."id", OLD."email",
            CAST(strftime('%s', 'now') AS integer) * 1000000
                + CAST(substr(strftime('%f', 'now'), 4) AS integer) * 1000 + 1000,
            CAST(strftime('%s', 'now') AS integer) + 1 + "token_life"
        FROM "easyjwt_feed";
END;
CREATE TRIGGER "easyjwt_feed_changed" AFTER UPDATE ON "user" WHEN EASYJWT_CHANGED
BEGIN
    INSERT INTO "easyjwt_event" ("kind", "user_id", "email", "live_until")
        VALUES ('user_changed', OLD."id", OLD."email", CAST(strftime('%s', 'now') AS integer) + 3600);
END;
CREATE TRIGGER "easyjwt_feed_deleted" AFTER DELETE ON "user"
BEGIN
    INSERT INTO "easyjwt_event" ("kind", "user_id", "email", "void_before", "live_until")
        SELECT 'user_void', OLD."id", OLD."email",
            CAST(strftime('%s', 'now') AS integer) * 1000000
                + CAST(substr(strftime('%f', 'now'), 4) AS integer) * 1000 + 1000,
            CAST(strftime('%s', 'now') AS integer) + 1 + "token_life"
        FROM "easyjwt_feed";
END;
-- What was revoked before.
INSERT INTO "easyjwt_event" ("kind", "family", "live_until")
    SELECT 'family_revoked', "jti", CAST(strftime('%s', "expires_at") AS integer) + 1
    FROM "token_blacklist_blacklistedtoken" b
    JOIN "token_blacklist_outstandingtoken" o ON o."id" = b."token_id"
    WHERE "expires_at" > strftime('%Y-%m-%d %H:%M:%S', 'now');
INSERT INTO "easyjwt_event" ("kind", "family", "live_until")
    SELECT 'family_revoked', "id", CAST(strftime('%s', "expires_at") AS integer) + 1 + "token_life"
    FROM "easyjwt_session", "easyjwt_feed" WHERE "ended_at" IS NOT NULL;
