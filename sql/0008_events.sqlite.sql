-- The revocation feed: what makes tokens void, as it happens. Nothing is written here before a client
-- may read it (sql/feed_on.sqlite.sql). "live_until" is in seconds, "void_before" in microseconds.
CREATE TABLE IF NOT EXISTS "easyjwt_event" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "xid" bigint NOT NULL DEFAULT 0, "kind" varchar(16) NOT NULL, "family" varchar(255) NULL,
    "user_id" bigint NULL, "email" varchar(254) NULL, "void_before" bigint NULL,
    "live_until" bigint NOT NULL);
CREATE INDEX IF NOT EXISTS "easyjwt_event_position" ON "easyjwt_event" ("xid", "id");
CREATE INDEX IF NOT EXISTS "easyjwt_event_live_until" ON "easyjwt_event" ("live_until");
-- Those before which no more can come: there is one writer at a time.
CREATE VIEW IF NOT EXISTS "easyjwt_event_settled" AS SELECT * FROM "easyjwt_event";
CREATE VIEW IF NOT EXISTS "easyjwt_event_unsettled" AS SELECT * FROM "easyjwt_event" WHERE 0;
-- One row while the feed is on: which feed this is, and how many seconds a token lives at most.
CREATE TABLE IF NOT EXISTS "easyjwt_feed" ("epoch" varchar(32) NOT NULL PRIMARY KEY,
    "token_life" bigint NOT NULL);
