-- Which of a client-service's users is the copy of which of the auth-service's: whose copy a row of
-- "user" is goes by the auth-service's id, never by an e-mail, which may be another's by tomorrow.
-- Django knows nothing of this table; what it deletes there is gone here by the foreign key, which
-- PostgreSQL sees to with the rights of this table's owner, not of whoever deletes.
CREATE TABLE IF NOT EXISTS "easyjwt_remote_user" ("remote_id" bigint NOT NULL PRIMARY KEY,
    "user_id" bigint NOT NULL UNIQUE REFERENCES "user" ("id") ON DELETE CASCADE);
