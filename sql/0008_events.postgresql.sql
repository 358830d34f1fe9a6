-- The revocation feed: what makes tokens void, as it happens. Nothing is written here before a client
-- may read it (sql/feed_on.postgresql.sql). "live_until" is in seconds, "void_before" in microseconds.
CREATE TABLE IF NOT EXISTS "easyjwt_event" ("id" bigserial NOT NULL PRIMARY KEY,
    "xid" bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    "kind" varchar(16) NOT NULL, "family" varchar(255) NULL, "user_id" bigint NULL,
    "email" varchar(254) NULL, "void_before" bigint NULL, "live_until" bigint NOT NULL);
CREATE INDEX IF NOT EXISTS "easyjwt_event_position" ON "easyjwt_event" ("xid", "id");
CREATE INDEX IF NOT EXISTS "easyjwt_event_live_until" ON "easyjwt_event" ("live_until");
-- Those before which no more can come: the order is that of transactions' numbers, not of commits, so
-- that of none which may still be open, nor of a later one, anything is read.
CREATE OR REPLACE VIEW "easyjwt_event_settled" AS SELECT * FROM "easyjwt_event"
    WHERE "xid" < pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
-- Those that are true already, and can be read once an older transaction has ended.
CREATE OR REPLACE VIEW "easyjwt_event_unsettled" AS SELECT * FROM "easyjwt_event"
    WHERE "xid" >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
-- One row while the feed is on: which feed this is, and how many seconds a token lives at most.
CREATE TABLE IF NOT EXISTS "easyjwt_feed" ("epoch" varchar(32) NOT NULL PRIMARY KEY,
    "token_life" bigint NOT NULL);
