-- What the migrations of Django's apps and of easyjwt_user and token_blacklist leave on SQLite: the
-- same tables, columns, types, constraints and index names, so that a Django goes on with one that
-- we made. Run on a scratch database, from which the parts that a database lacks are taken; a line
-- that goes on with four spaces is stored with one.

CREATE TABLE "easyjwt_migration" ("name" varchar(255) NOT NULL PRIMARY KEY,
    "applied" datetime NOT NULL);

CREATE TABLE "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "app" varchar(255) NOT NULL,
    "name" varchar(255) NOT NULL,
    "applied" datetime NOT NULL);

CREATE TABLE "django_content_type" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "app_label" varchar(100) NOT NULL,
    "model" varchar(100) NOT NULL);
CREATE UNIQUE INDEX "django_content_type_app_label_model_76bd3d3b_uniq"
    ON "django_content_type" ("app_label", "model");

CREATE TABLE "auth_permission" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "content_type_id" integer NOT NULL
    REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED,
    "codename" varchar(100) NOT NULL,
    "name" varchar(255) NOT NULL);
CREATE UNIQUE INDEX "auth_permission_content_type_id_codename_01ab375a_uniq"
    ON "auth_permission" ("content_type_id", "codename");
CREATE INDEX "auth_permission_content_type_id_2f476e4b" ON "auth_permission" ("content_type_id");

CREATE TABLE "auth_group" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "name" varchar(150) NOT NULL UNIQUE);

CREATE TABLE "auth_group_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED,
    "permission_id" integer NOT NULL
    REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE UNIQUE INDEX "auth_group_permissions_group_id_permission_id_0cd325b0_uniq"
    ON "auth_group_permissions" ("group_id", "permission_id");
CREATE INDEX "auth_group_permissions_group_id_b120cbf9" ON "auth_group_permissions" ("group_id");
CREATE INDEX "auth_group_permissions_permission_id_84c5c92e"
    ON "auth_group_permissions" ("permission_id");

CREATE TABLE "user" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "password" varchar(128) NOT NULL,
    "last_login" datetime NULL,
    "is_superuser" bool NOT NULL,
    "is_staff" bool NOT NULL,
    "is_active" bool NOT NULL,
    "date_joined" datetime NOT NULL,
    "first_name" varchar(150) NOT NULL,
    "last_name" varchar(150) NOT NULL,
    "location" text NULL,
    "phone" varchar(15) NULL,
    "modified_date" datetime NOT NULL,
    "creation_date" datetime NOT NULL,
    "email" varchar(254) NOT NULL UNIQUE);

CREATE TABLE "user_groups" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "user_id" bigint NOT NULL REFERENCES "user" ("id") DEFERRABLE INITIALLY DEFERRED,
    "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE UNIQUE INDEX "user_groups_user_id_group_id_40beef00_uniq"
    ON "user_groups" ("user_id", "group_id");
CREATE INDEX "user_groups_user_id_abaea130" ON "user_groups" ("user_id");
CREATE INDEX "user_groups_group_id_b76f8aba" ON "user_groups" ("group_id");

CREATE TABLE "user_user_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "user_id" bigint NOT NULL REFERENCES "user" ("id") DEFERRABLE INITIALLY DEFERRED,
    "permission_id" integer NOT NULL
    REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE UNIQUE INDEX "user_user_permissions_user_id_permission_id_7dc6e2e0_uniq"
    ON "user_user_permissions" ("user_id", "permission_id");
CREATE INDEX "user_user_permissions_user_id_ed4a47ea" ON "user_user_permissions" ("user_id");
CREATE INDEX "user_user_permissions_permission_id_9deb68a3"
    ON "user_user_permissions" ("permission_id");

CREATE TABLE "django_admin_log" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "action_time" datetime NOT NULL,
    "object_id" text NULL,
    "object_repr" varchar(200) NOT NULL,
    "change_message" text NOT NULL,
    "content_type_id" integer NULL
    REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED,
    "user_id" bigint NOT NULL REFERENCES "user" ("id") DEFERRABLE INITIALLY DEFERRED,
    "action_flag" smallint unsigned NOT NULL CHECK ("action_flag" >= 0));
CREATE INDEX "django_admin_log_content_type_id_c4bce8eb" ON "django_admin_log" ("content_type_id");
CREATE INDEX "django_admin_log_user_id_c564eba6" ON "django_admin_log" ("user_id");

CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY,
    "session_data" text NOT NULL,
    "expire_date" datetime NOT NULL);
CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date");

CREATE TABLE "token_blacklist_outstandingtoken" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "jti" varchar(255) NOT NULL UNIQUE,
    "token" text NOT NULL,
    "created_at" datetime NULL,
    "expires_at" datetime NOT NULL,
    "user_id" bigint NULL REFERENCES "user" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX "token_blacklist_outstandingtoken_user_id_83bc629a"
    ON "token_blacklist_outstandingtoken" ("user_id");

CREATE TABLE "token_blacklist_blacklistedtoken" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "blacklisted_at" datetime NOT NULL,
    "token_id" bigint NOT NULL UNIQUE
    REFERENCES "token_blacklist_outstandingtoken" ("id") DEFERRABLE INITIALLY DEFERRED);

INSERT INTO "django_content_type" ("app_label", "model") VALUES
    ('admin', 'logentry'),
    ('auth', 'permission'),
    ('auth', 'group'),
    ('contenttypes', 'contenttype'),
    ('sessions', 'session'),
    ('easyjwt_user', 'user'),
    ('token_blacklist', 'outstandingtoken'),
    ('token_blacklist', 'blacklistedtoken');

WITH "named" ("model", "name") AS (
    VALUES ('logentry', 'log entry'),
           ('permission', 'permission'),
           ('group', 'group'),
           ('contenttype', 'content type'),
           ('session', 'session'),
           ('user', 'user'),
           ('outstandingtoken', 'outstanding token'),
           ('blacklistedtoken', 'blacklisted token')),
  "verb" ("rank", "name") AS (VALUES (1, 'add'), (2, 'change'), (3, 'delete'), (4, 'view'))
INSERT INTO "auth_permission" ("content_type_id", "codename", "name")
SELECT "type"."id", "verb"."name" || '_' || "type"."model",
       'Can ' || "verb"."name" || ' ' || "named"."name"
FROM "django_content_type" AS "type" JOIN "named" USING ("model") CROSS JOIN "verb"
ORDER BY "type"."id", "verb"."rank";

-- "applied" is filled in when a row is taken over.
INSERT INTO "django_migrations" ("app", "name", "applied") VALUES
    ('contenttypes', '0001_initial', ''),
    ('contenttypes', '0002_remove_content_type_name', ''),
    ('auth', '0001_initial', ''),
    ('auth', '0002_alter_permission_name_max_length', ''),
    ('auth', '0003_alter_user_email_max_length', ''),
    ('auth', '0004_alter_user_username_opts', ''),
    ('auth', '0005_alter_user_last_login_null', ''),
    ('auth', '0006_require_contenttypes_0002', ''),
    ('auth', '0007_alter_validators_add_error_messages', ''),
    ('auth', '0008_alter_user_username_max_length', ''),
    ('auth', '0009_alter_user_last_name_max_length', ''),
    ('auth', '0010_alter_group_name_max_length', ''),
    ('auth', '0011_update_proxy_permissions', ''),
    ('auth', '0012_alter_user_first_name_max_length', ''),
    ('easyjwt_user', '0001_initial', ''),
    ('admin', '0001_initial', ''),
    ('admin', '0002_logentry_remove_auto_add', ''),
    ('admin', '0003_logentry_add_action_flag_choices', ''),
    ('easyjwt_user', '0002_remove_user_jwt_secret', ''),
    ('easyjwt_user', '0003_remove_user_user_email_type_unique_alter_user_email', ''),
    ('sessions', '0001_initial', ''),
    ('token_blacklist', '0001_initial', '');
