-- The triggers of the revocation feed, whoever it is that writes: this program, or a Django beside it,
-- which needs no rights for it. Instants are rounded up.
CREATE OR REPLACE FUNCTION "easyjwt_feed_blacklisted"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $body$
BEGIN
    INSERT INTO "easyjwt_event" ("kind", "family", "live_until")
        SELECT 'family_revoked', "jti", ceil(extract(epoch FROM "expires_at"))
        FROM "token_blacklist_outstandingtoken" WHERE "id" = NEW."token_id";
    RETURN NULL;
END $body$;
CREATE OR REPLACE TRIGGER "easyjwt_feed_blacklisted" AFTER INSERT
    ON "token_blacklist_blacklistedtoken" FOR EACH ROW
    EXECUTE FUNCTION "easyjwt_feed_blacklisted"();

CREATE OR REPLACE FUNCTION "easyjwt_feed_ended"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $body$
BEGIN
    IF OLD."ended_at" IS NULL AND NEW."ended_at" IS NOT NULL THEN
        INSERT INTO "easyjwt_event" ("kind", "family", "live_until")
            SELECT 'family_revoked', NEW."id",
                ceil(extract(epoch FROM NEW."expires_at")) + "token_life" FROM "easyjwt_feed";
    END IF;
    RETURN NULL;
END $body$;
CREATE OR REPLACE TRIGGER "easyjwt_feed_ended" AFTER UPDATE ON "easyjwt_session"
    FOR EACH ROW EXECUTE FUNCTION "easyjwt_feed_ended"();

-- A password that is only hashed anew, at a login, leaves modified_date alone.
CREATE OR REPLACE FUNCTION "easyjwt_feed_user"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $body$
DECLARE
    "is_void" boolean := TG_OP = 'DELETE';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        "is_void" := (OLD."is_active" AND NOT NEW."is_active")
            OR (OLD."password" <> NEW."password" AND OLD."modified_date" <> NEW."modified_date");
        IF to_jsonb(OLD) - '{password,last_login,modified_date}'::text[]
                <> to_jsonb(NEW) - '{password,last_login,modified_date}'::text[] THEN
            INSERT INTO "easyjwt_event" ("kind", "user_id", "email", "live_until")
                VALUES ('user_changed', OLD."id", OLD."email",
                        ceil(extract(epoch FROM clock_timestamp())) + 3600);
        END IF;
    END IF;
    IF "is_void" THEN
        INSERT INTO "easyjwt_event" ("kind", "user_id", "email", "void_before", "live_until")
            SELECT 'user_void', OLD."id", OLD."email",
                ceil(extract(epoch FROM clock_timestamp()) * 1000000),
                ceil(extract(epoch FROM clock_timestamp())) + "token_life" FROM "easyjwt_feed";
    END IF;
    RETURN NULL;
END $body$;
CREATE OR REPLACE TRIGGER "easyjwt_feed_user" AFTER UPDATE OR DELETE ON "user"
    FOR EACH ROW EXECUTE FUNCTION "easyjwt_feed_user"();

-- What was revoked before.
INSERT INTO "easyjwt_event" ("kind", "family", "live_until")
    SELECT 'family_revoked', "jti", ceil(extract(epoch FROM "expires_at"))
    FROM "token_blacklist_blacklistedtoken" b
    JOIN "token_blacklist_outstandingtoken" o ON o."id" = b."token_id"
    WHERE "expires_at" > clock_timestamp();
INSERT INTO "easyjwt_event" ("kind", "family", "live_until")
    SELECT 'family_revoked', "id", ceil(extract(epoch FROM "expires_at")) + "token_life"
    FROM "easyjwt_session", "easyjwt_feed" WHERE "ended_at" IS NOT NULL;
