-- The keys that sign tokens where the settings' is not the only one (easyjwt keys rotate). What is
-- private is encrypted under SECRET_KEY. The row without a kid is the settings' key, which stands
-- there alone: it says when that has signed its last token.
CREATE TABLE IF NOT EXISTS "easyjwt_key" ("kid" varchar(64) NOT NULL PRIMARY KEY,
    "algorithm" varchar(8) NOT NULL, "sealed" text NOT NULL, "created_at" datetime NOT NULL,
    "signs_from" datetime NOT NULL, "signs_until" datetime NULL, "verifies_until" datetime NULL);
