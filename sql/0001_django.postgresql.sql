-- What the migrations of Django's apps and of easyjwt_user and token_blacklist leave on PostgreSQL:
-- the same tables, columns, types, sequences, constraint and index names, so that a Django goes on
-- with one that we made. Each table is a part that begins with CREATE TABLE, in the order of
-- 0001_django.sqlite.sql; a database is given the parts that it lacks.

CREATE TABLE "easyjwt_migration" ("name" varchar(255) NOT NULL PRIMARY KEY,
    "applied" timestamp with time zone NOT NULL);

CREATE TABLE "django_migrations" ("id" bigserial NOT NULL PRIMARY KEY,
    "app" varchar(255) NOT NULL,
    "name" varchar(255) NOT NULL,
    "applied" timestamp with time zone NOT NULL);

CREATE TABLE "django_content_type" ("id" serial NOT NULL PRIMARY KEY,
    "app_label" varchar(100) NOT NULL,
    "model" varchar(100) NOT NULL,
    CONSTRAINT "django_content_type_app_label_model_76bd3d3b_uniq" UNIQUE ("app_label", "model"));

CREATE TABLE "auth_permission" ("id" serial NOT NULL PRIMARY KEY,
    "name" varchar(255) NOT NULL,
    "content_type_id" integer NOT NULL
    CONSTRAINT "auth_permission_content_type_id_2f476e4b_fk_django_co"
    REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED,
    "codename" varchar(100) NOT NULL,
    CONSTRAINT "auth_permission_content_type_id_codename_01ab375a_uniq"
    UNIQUE ("content_type_id", "codename"));
CREATE INDEX "auth_permission_content_type_id_2f476e4b" ON "auth_permission" ("content_type_id");

CREATE TABLE "auth_group" ("id" serial NOT NULL PRIMARY KEY,
    "name" varchar(150) NOT NULL UNIQUE);
CREATE INDEX "auth_group_name_a6ea08ec_like" ON "auth_group" ("name" varchar_pattern_ops);

CREATE TABLE "auth_group_permissions" ("id" bigserial NOT NULL PRIMARY KEY,
    "group_id" integer NOT NULL
    CONSTRAINT "auth_group_permissions_group_id_b120cbf9_fk_auth_group_id"
    REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED,
    "permission_id" integer NOT NULL
    CONSTRAINT "auth_group_permissio_permission_id_84c5c92e_fk_auth_perm"
    REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "auth_group_permissions_group_id_permission_id_0cd325b0_uniq"
    UNIQUE ("group_id", "permission_id"));
CREATE INDEX "auth_group_permissions_group_id_b120cbf9" ON "auth_group_permissions" ("group_id");
CREATE INDEX "auth_group_permissions_permission_id_84c5c92e"
    ON "auth_group_permissions" ("permission_id");

CREATE TABLE "user" ("id" bigserial NOT NULL PRIMARY KEY,
    "password" varchar(128) NOT NULL,
    "last_login" timestamp with time zone NULL,
    "is_superuser" boolean NOT NULL,
    "is_staff" boolean NOT NULL,
    "is_active" boolean NOT NULL,
    "date_joined" timestamp with time zone NOT NULL,
    "first_name" varchar(150) NOT NULL,
    "last_name" varchar(150) NOT NULL,
    "location" text NULL,
    "phone" varchar(15) NULL,
    "email" varchar(254) NOT NULL CONSTRAINT "user_email_54dc62b2_uniq" UNIQUE,
    "modified_date" timestamp with time zone NOT NULL,
    "creation_date" timestamp with time zone NOT NULL);
CREATE INDEX "user_email_54dc62b2_like" ON "user" ("email" varchar_pattern_ops);

CREATE TABLE "user_groups" ("id" bigserial NOT NULL PRIMARY KEY,
    "user_id" bigint NOT NULL CONSTRAINT "user_groups_user_id_abaea130_fk_user_id"
    REFERENCES "user" ("id") DEFERRABLE INITIALLY DEFERRED,
    "group_id" integer NOT NULL CONSTRAINT "user_groups_group_id_b76f8aba_fk_auth_group_id"
    REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "user_groups_user_id_group_id_40beef00_uniq" UNIQUE ("user_id", "group_id"));
CREATE INDEX "user_groups_user_id_abaea130" ON "user_groups" ("user_id");
CREATE INDEX "user_groups_group_id_b76f8aba" ON "user_groups" ("group_id");

CREATE TABLE "user_user_permissions" ("id" bigserial NOT NULL PRIMARY KEY,
    "user_id" bigint NOT NULL CONSTRAINT "user_user_permissions_user_id_ed4a47ea_fk_user_id"
    REFERENCES "user" ("id") DEFERRABLE INITIALLY DEFERRED,
    "permission_id" integer NOT NULL
    CONSTRAINT "user_user_permission_permission_id_9deb68a3_fk_auth_perm"
    REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "user_user_permissions_user_id_permission_id_7dc6e2e0_uniq"
    UNIQUE ("user_id", "permission_id"));
CREATE INDEX "user_user_permissions_user_id_ed4a47ea" ON "user_user_permissions" ("user_id");
CREATE INDEX "user_user_permissions_permission_id_9deb68a3"
    ON "user_user_permissions" ("permission_id");

CREATE TABLE "django_admin_log" ("id" serial NOT NULL PRIMARY KEY,
    "action_time" timestamp with time zone NOT NULL,
    "object_id" text NULL,
    "object_repr" varchar(200) NOT NULL,
    "action_flag" smallint NOT NULL CHECK ("action_flag" >= 0),
    "change_message" text NOT NULL,
    "content_type_id" integer NULL
    CONSTRAINT "django_admin_log_content_type_id_c4bce8eb_fk_django_co"
    REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED,
    "user_id" bigint NOT NULL CONSTRAINT "django_admin_log_user_id_c564eba6_fk_user_id"
    REFERENCES "user" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX "django_admin_log_content_type_id_c4bce8eb" ON "django_admin_log" ("content_type_id");
CREATE INDEX "django_admin_log_user_id_c564eba6" ON "django_admin_log" ("user_id");

CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY,
    "session_data" text NOT NULL,
    "expire_date" timestamp with time zone NOT NULL);
CREATE INDEX "django_session_session_key_c0390e0f_like"
    ON "django_session" ("session_key" varchar_pattern_ops);
CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date");

CREATE TABLE "token_blacklist_outstandingtoken" ("id" bigserial NOT NULL PRIMARY KEY,
    "jti" varchar(255) NOT NULL UNIQUE,
    "token" text NOT NULL,
    "created_at" timestamp with time zone NULL,
    "expires_at" timestamp with time zone NOT NULL,
    "user_id" bigint NULL
    CONSTRAINT "token_blacklist_outstandingtoken_user_id_83bc629a_fk_user_id"
    REFERENCES "user" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX "token_blacklist_outstandingtoken_jti_28cb9931_like"
    ON "token_blacklist_outstandingtoken" ("jti" varchar_pattern_ops);
CREATE INDEX "token_blacklist_outstandingtoken_user_id_83bc629a"
    ON "token_blacklist_outstandingtoken" ("user_id");

CREATE TABLE "token_blacklist_blacklistedtoken" ("id" bigserial NOT NULL PRIMARY KEY,
    "blacklisted_at" timestamp with time zone NOT NULL,
    "token_id" bigint NOT NULL UNIQUE
    CONSTRAINT "token_blacklist_blac_token_id_3cc7fe56_fk_token_bla"
    REFERENCES "token_blacklist_outstandingtoken" ("id") DEFERRABLE INITIALLY DEFERRED);
