-- OAuth clients: who may ask about tokens and end them. Of a secret, which is 256 bits of random, the
-- database has the digest alone.
CREATE TABLE IF NOT EXISTS "easyjwt_client" ("client_id" varchar(64) NOT NULL PRIMARY KEY,
    "secret_sha256" varchar(64) NOT NULL, "name" varchar(100) NOT NULL UNIQUE,
    "scopes" text NOT NULL, "created_at" datetime NOT NULL);
