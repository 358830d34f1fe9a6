-- The rows that Django's migrate leaves in a fresh database. Run on a scratch database (SQLite, whatever
-- the engine of the real one), from which those that a database lacks are taken over.

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
