DROP TRIGGER IF EXISTS "easyjwt_feed_blacklisted" ON "token_blacklist_blacklistedtoken";
DROP TRIGGER IF EXISTS "easyjwt_feed_ended" ON "easyjwt_session";
DROP TRIGGER IF EXISTS "easyjwt_feed_user" ON "user";
DROP FUNCTION IF EXISTS "easyjwt_feed_blacklisted"();
DROP FUNCTION IF EXISTS "easyjwt_feed_ended"();
DROP FUNCTION IF EXISTS "easyjwt_feed_user"();
DELETE FROM "easyjwt_event";
DELETE FROM "easyjwt_feed";
