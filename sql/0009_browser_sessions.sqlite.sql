-- Whose the sessions of browsers are: django_session has nothing but a key and data that only we can
-- read. What is deleted there, by whomever, is gone here by the foreign key.
CREATE TABLE IF NOT EXISTS "easyjwt_browser_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY
        REFERENCES "django_session" ("session_key") ON DELETE CASCADE,
    "user_id" integer NOT NULL REFERENCES "user" ("id") ON DELETE CASCADE,
    "created_at" datetime NOT NULL, "last_seen_at" datetime NOT NULL,
    "address" varchar(45) NOT NULL, "user_agent" varchar(200) NOT NULL);
CREATE INDEX IF NOT EXISTS "easyjwt_browser_session_user"
    ON "easyjwt_browser_session" ("user_id");
