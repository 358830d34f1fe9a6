-- Which of a client-service's users is the copy of which of the auth-service's: whose copy a row of
-- "user" is goes by the auth-service's id, never by an e-mail, which may be another's by tomorrow.
-- Django knows nothing of this table; what it deletes there is gone here by the foreign key, which
-- it keeps on SQLite, too.
CREATE TABLE IF NOT EXISTS "easyjwt_remote_user" ("remote_id" integer NOT NULL PRIMARY KEY,
    "user_id" integer NOT NULL UNIQUE REFERENCES "user" ("id") ON DELETE CASCADE);
