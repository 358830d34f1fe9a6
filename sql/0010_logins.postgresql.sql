-- Who logged in, and who was refused (EASY_JWT.LOGIN_HISTORY). What is deleted of users, by whomever, is
-- gone here by the foreign key.
CREATE TABLE IF NOT EXISTS "easyjwt_login" ("id" bigserial NOT NULL PRIMARY KEY,
    "user_id" bigint NOT NULL REFERENCES "user" ("id") ON DELETE CASCADE,
    "happened_at" timestamp with time zone NOT NULL, "succeeded" boolean NOT NULL,
    "how" varchar(16) NOT NULL, "address" varchar(45) NOT NULL, "user_agent" varchar(200) NOT NULL);
CREATE INDEX IF NOT EXISTS "easyjwt_login_user" ON "easyjwt_login" ("user_id", "happened_at");
CREATE INDEX IF NOT EXISTS "easyjwt_login_happened_at" ON "easyjwt_login" ("happened_at");
-- How many of them there were in an hour, those of nobody's included. "what": succeeded, refused, or
-- first, which is a user's first login of that day.
CREATE TABLE IF NOT EXISTS "easyjwt_login_count" ("hour" timestamp with time zone NOT NULL,
    "what" varchar(16) NOT NULL, "how" varchar(16) NOT NULL, "n" bigint NOT NULL,
    PRIMARY KEY ("hour", "what", "how"));
