-- Indexes of our own on Django's tables, which Django neither sees nor minds. (It drops them where
-- it makes a table anew, as its migrations do on SQLite: they are made again at the next start.)
-- Writes to a table wait while its index is made; docs/django.md says what to do where it is too large.

-- An e-mail is looked for in any spelling of case.
CREATE INDEX IF NOT EXISTS "easyjwt_user_email_lower" ON "user" (lower("email"));
-- flushexpiredtokens
CREATE INDEX IF NOT EXISTS "easyjwt_outstandingtoken_expires_at"
    ON "token_blacklist_outstandingtoken" ("expires_at");
