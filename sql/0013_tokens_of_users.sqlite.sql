-- Tokens of a user, 65,536 tokens after the other, instead of Django's index of user_id alone. Who logs in writes to
-- it, and who flushes deletes from it, where tokens of that time are, and not on a page of each user's own;
-- docs/adr/0037-an-index-in-the-order-of-time.md. Django makes its own again where it makes the table anew: then
-- this is done again, as it is where statistics keep SQLite from using it (src/db/schema_sqlite.cpp).

-- Sorting takes memory instead of files for the length of this.
PRAGMA cache_size=-200000;

-- Made anew even where it is there, so that connections that are open read the statistics again.
DROP INDEX IF EXISTS "easyjwt_outstandingtoken_user";
CREATE INDEX "easyjwt_outstandingtoken_user" ON "token_blacklist_outstandingtoken" ("id" >> 16, "user_id");

-- SQLite goes from bucket to bucket for `user_id = $1` only where it has been told that a bucket holds many rows:
-- of as many as it takes any table to have, 65,536 in each, two of one user. What somebody's ANALYZE said of a table
-- that was nearly empty goes, of the other indexes, too: they say how many rows the table has.
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1 WHERE "tbl" = 'token_blacklist_outstandingtoken';
INSERT INTO sqlite_stat1 ("tbl", "idx", "stat")
VALUES ('token_blacklist_outstandingtoken', 'easyjwt_outstandingtoken_user', '1048576 65536 2');
ANALYZE sqlite_schema;

DROP INDEX IF EXISTS "token_blacklist_outstandingtoken_user_id_83bc629a";

PRAGMA cache_size=-16384;
