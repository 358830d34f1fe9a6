DROP TRIGGER IF EXISTS "easyjwt_feed_blacklisted";
DROP TRIGGER IF EXISTS "easyjwt_feed_ended";
DROP TRIGGER IF EXISTS "easyjwt_feed_void";
DROP TRIGGER IF EXISTS "easyjwt_feed_changed";
DROP TRIGGER IF EXISTS "easyjwt_feed_deleted";
DELETE FROM "easyjwt_event";
DELETE FROM "easyjwt_feed";
