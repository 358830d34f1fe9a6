-- What logins began (EASY_JWT.SESSION_CLAIM): a family of tokens each, named in all of them by its
-- id. What is deleted of users, by whomever, is gone here by the foreign key.
CREATE TABLE IF NOT EXISTS "easyjwt_session" ("id" varchar(32) NOT NULL PRIMARY KEY,
    "user_id" integer NOT NULL REFERENCES "user" ("id") ON DELETE CASCADE,
    "created_at" datetime NOT NULL, "last_used_at" datetime NOT NULL, "expires_at" datetime NOT NULL,
    "user_agent" varchar(200) NOT NULL, "address" varchar(45) NOT NULL,
    "current_jti" varchar(255) NOT NULL, "ended_at" datetime NULL);
CREATE INDEX IF NOT EXISTS "easyjwt_session_user" ON "easyjwt_session" ("user_id");
-- flushexpiredtokens
CREATE INDEX IF NOT EXISTS "easyjwt_session_expires_at" ON "easyjwt_session" ("expires_at");
