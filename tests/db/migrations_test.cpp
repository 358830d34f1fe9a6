#include "easyjwt/db/migrations.hpp"

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "db/support.hpp"
#include "tests_dir.hpp"

namespace easyjwt::db {
namespace {

using Rows = std::vector<std::string>;

constexpr Time now{std::chrono::microseconds{1795450953110342}};
constexpr const char* now_text = "2026-11-23 16:22:33.110342";
const Clock at_now = [] { return now; };

const std::string tests_dir = EASYJWT_TESTS_DIR;

const std::vector<std::string> django_tables = {"django_migrations",
                                                "django_content_type",
                                                "auth_permission",
                                                "auth_group",
                                                "auth_group_permissions",
                                                "user",
                                                "user_groups",
                                                "user_user_permissions",
                                                "django_admin_log",
                                                "django_session",
                                                "token_blacklist_outstandingtoken",
                                                "token_blacklist_blacklistedtoken"};

/// Django's index that 0013 has another one for.
const std::string tokens_of_users = "token_blacklist_outstandingtoken_user_id_83bc629a";
const std::string djangos_index = "CREATE INDEX \"" + tokens_of_users +
                                  "\" ON \"token_blacklist_outstandingtoken\" (\"user_id\");";

/// What sqlite_master says but for what is ours; one space where there is white space.
Rows schema(Raw& raw) {
  auto rows = raw.rows(
      R"(SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'easyjwt\_%'
         ESCAPE '\' AND tbl_name NOT LIKE 'easyjwt\_%' ESCAPE '\'
         AND name NOT IN ('sqlite_sequence', 'sqlite_stat1'))");
  for (auto& row : rows) row = std::regex_replace(row, std::regex("\\s+"), " ");
  std::ranges::sort(rows);
  return rows;
}

/// Every row of Django's tables.
Rows contents(Raw& raw) {
  Rows all;
  for (const auto& table : django_tables) {
    for (const auto& row : raw.rows("SELECT * FROM \"" + table + "\" ORDER BY 1")) {
      all.push_back(table + ": " + row);
    }
  }
  return all;
}

constexpr const char* migration_rows = "SELECT app, name FROM django_migrations ORDER BY 1, 2";
constexpr const char* type_rows = "SELECT app_label, model FROM django_content_type ORDER BY 1, 2";
constexpr const char* permission_rows =
    "SELECT app_label, model, codename, name FROM auth_permission p "
    "JOIN django_content_type t ON t.id = content_type_id ORDER BY 1, 2, 3";

std::vector<std::string> names(const Result<std::vector<MigrationStep>>& steps) {
  if (!steps) return {"error: " + steps.error().reason};
  std::vector<std::string> out;
  for (const auto& step : *steps) out.push_back(step.name);
  return out;
}

const std::vector<std::string> all_steps = {
    "0001_django",         "0002_indexes", "0003_users",
    "0004_remote_users",   "0005_keys",    "0006_families",
    "0007_clients",        "0008_events",  "0009_browser_sessions",
    "0010_logins",         "0011_admin",   "0012_group_members",
    "0013_tokens_of_users"};

class Migrations : public testing::Test {
 protected:
  /// A copy of the database that a Django auth-service has been using.
  void use_djangos() { std::filesystem::copy_file(tests_dir + "/data/auth.sqlite3", path_); }
  /// Changes it beforehand, as somebody else.
  void before(const std::string& script) { Raw(path_).run(script); }

  Result<std::vector<MigrationStep>> migrate_now() { return migrate(*open_or_die(path_), at_now); }
  /// Expects a refusal that has `words`, of the plan and of the deed, and nothing changed.
  void expect_refusal(const std::string& words) {
    Raw raw(path_);
    const auto was = schema(raw);
    const auto database = open_or_die(path_);
    for (const auto& result : {pending_migrations(*database), migrate(*database, at_now)}) {
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, Errc::refused);
      EXPECT_NE(result.error().reason.find(words), std::string::npos) << result.error().reason;
    }
    EXPECT_EQ(schema(raw), was);
    EXPECT_TRUE(raw.rows("SELECT * FROM sqlite_master WHERE name LIKE 'easyjwt%'").empty());
  }
  void expect_up_to_date() {
    const auto database = open_or_die(path_);
    EXPECT_EQ(names(pending_migrations(*database)), Rows{});
    const auto commits = database->counters().commits;
    EXPECT_EQ(names(migrate(*database, at_now)), Rows{});
    EXPECT_EQ(database->counters().commits, commits);
    Raw raw(path_), djangos(tests_dir + "/data/auth.sqlite3");
    for (const auto* rows : {migration_rows, type_rows, permission_rows}) {
      EXPECT_EQ(raw.rows(rows), djangos.rows(rows));
    }
    EXPECT_EQ(raw.rows("PRAGMA foreign_key_check"), Rows{});
    EXPECT_EQ(raw.rows("PRAGMA integrity_check"), Rows{"ok"});
    EXPECT_EQ(raw.rows("SELECT name FROM sqlite_master WHERE name LIKE 'easyjwt%' ORDER BY 1"),
              (Rows{"easyjwt_browser_session",
                    "easyjwt_browser_session_user",
                    "easyjwt_client",
                    "easyjwt_event",
                    "easyjwt_event_live_until",
                    "easyjwt_event_position",
                    "easyjwt_event_settled",
                    "easyjwt_event_unsettled",
                    "easyjwt_feed",
                    "easyjwt_key",
                    "easyjwt_login",
                    "easyjwt_login_count",
                    "easyjwt_login_happened_at",
                    "easyjwt_login_user",
                    "easyjwt_migration",
                    "easyjwt_outstandingtoken_expires_at",
                    "easyjwt_outstandingtoken_user",
                    "easyjwt_remote_user",
                    "easyjwt_session",
                    "easyjwt_session_expires_at",
                    "easyjwt_session_user",
                    "easyjwt_user_added",
                    "easyjwt_user_changed",
                    "easyjwt_user_count",
                    "easyjwt_user_date_joined",
                    "easyjwt_user_email_lower",
                    "easyjwt_user_first_name",
                    "easyjwt_user_gone",
                    "easyjwt_user_groups_group",
                    "easyjwt_user_last_login",
                    "easyjwt_user_last_name",
                    "easyjwt_user_part",
                    "easyjwt_user_place",
                    "easyjwt_user_search",
                    "easyjwt_user_special"}));
    EXPECT_EQ(raw.rows("SELECT name FROM sqlite_master WHERE name = '" + tokens_of_users + "'"),
              Rows{});
    EXPECT_EQ(raw.rows("SELECT name FROM easyjwt_migration ORDER BY 1"), all_steps);
  }

  TempDir dir_;
  std::string path_ = dir_ / "test.sqlite3";
};

TEST_F(Migrations, AFreshDatabaseIsWhatDjangosMigrationsMake) {
  EXPECT_EQ(names(migrate_now()), all_steps);
  Raw made(path_), recorded(dir_ / "recorded.sqlite3"), djangos(tests_dir + "/data/auth.sqlite3");
  std::stringstream script;
  script << std::ifstream(tests_dir + "/db/data/schema.sqlite.sql").rdbuf();
  recorded.run(script.str());
  recorded.run("DROP INDEX " + tokens_of_users);
  EXPECT_EQ(schema(made), schema(recorded));
  EXPECT_EQ(schema(made).size(), 32u);  // 12 tables, 15 indexes, 5 that SQLite makes
  for (const char* rows : {"SELECT id, app, name FROM django_migrations ORDER BY 1",
                           "SELECT * FROM django_content_type ORDER BY 1",
                           "SELECT * FROM auth_permission ORDER BY 1"}) {
    EXPECT_EQ(made.rows(rows), djangos.rows(rows));
  }
  EXPECT_EQ(made.rows("SELECT count(*), min(applied), max(applied) FROM django_migrations"),
            Rows{std::string("22|") + now_text + "|" + now_text});
  EXPECT_EQ(made.rows("SELECT * FROM sqlite_sequence ORDER BY 1"),
            (Rows{"auth_permission|32", "django_content_type|8", "django_migrations|22"}));
  EXPECT_EQ(
      made.rows("SELECT * FROM easyjwt_migration ORDER BY 1"),
      (Rows{std::string("0001_django|") + now_text, std::string("0002_indexes|") + now_text,
            std::string("0003_users|") + now_text, std::string("0004_remote_users|") + now_text,
            std::string("0005_keys|") + now_text, std::string("0006_families|") + now_text,
            std::string("0007_clients|") + now_text, std::string("0008_events|") + now_text,
            std::string("0009_browser_sessions|") + now_text,
            std::string("0010_logins|") + now_text, std::string("0011_admin|") + now_text,
            std::string("0012_group_members|") + now_text,
            std::string("0013_tokens_of_users|") + now_text}));
  expect_up_to_date();
}

TEST_F(Migrations, ADatabaseInMemoryToo) {
  const auto database = open_or_die(":memory:");
  EXPECT_EQ(names(pending_migrations(*database)), all_steps);
  EXPECT_EQ(names(migrate(*database, at_now)), all_steps);
  EXPECT_EQ(names(pending_migrations(*database)), Rows{});
  static constexpr Sql permissions{"SELECT count(*) FROM auth_permission"};
  EXPECT_EQ(integer(*database, permissions), 32);
}

TEST_F(Migrations, APlanChangesNothing) {
  use_djangos();
  const auto steps = pending_migrations(*open_or_die(path_));
  EXPECT_EQ(names(steps), all_steps);
  EXPECT_EQ(steps->front().description,
            "takes over the tables that are there, creates "
            "easyjwt_migration");
  Raw raw(path_);
  EXPECT_EQ(raw.rows("SELECT name FROM sqlite_master WHERE name LIKE 'easyjwt%'"), Rows{});
}

TEST_F(Migrations, DjangosDatabaseIsAdoptedAndLosesNothing) {
  use_djangos();
  Rows schema_before, contents_before;
  {
    Raw raw(path_);
    schema_before = schema(raw);
    contents_before = contents(raw);
  }
  ASSERT_EQ(contents_before.size(), 82u);
  EXPECT_EQ(names(migrate_now()), all_steps);
  {
    Raw raw(path_);
    EXPECT_EQ(contents(raw), contents_before);
    EXPECT_EQ(raw.value("PRAGMA journal_mode"), "wal");
  }
  expect_up_to_date();
  Raw raw(path_);
  EXPECT_EQ(contents(raw), contents_before);
  raw.run(djangos_index);
  EXPECT_EQ(schema(raw), schema_before);
}

TEST_F(Migrations, AppsThatWereNotInstalledAreAdded) {
  use_djangos();
  Rows users;
  before(R"(
    DROP TABLE token_blacklist_blacklistedtoken; DROP TABLE token_blacklist_outstandingtoken;
    DROP TABLE django_session; DROP TABLE django_admin_log;
    DELETE FROM user_user_permissions;
    DELETE FROM auth_permission WHERE content_type_id IN (SELECT id FROM django_content_type
      WHERE app_label IN ('admin', 'sessions', 'token_blacklist'));
    DELETE FROM django_content_type WHERE app_label IN ('admin', 'sessions', 'token_blacklist');
    DELETE FROM django_migrations WHERE app IN ('admin', 'sessions', 'token_blacklist');
    INSERT INTO django_content_type (app_label, model) VALUES ('shop', 'order');
    INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001', '2026-01-01');)");
  {
    Raw raw(path_);
    users = raw.rows("SELECT * FROM user ORDER BY 1");
  }
  const auto steps = migrate_now();
  ASSERT_EQ(names(steps), all_steps);
  EXPECT_EQ(steps->front().description,
            "takes over the tables that are there, creates easyjwt_migration, django_admin_log, "
            "django_session, token_blacklist_outstandingtoken, token_blacklist_blacklistedtoken");
  {
    Raw raw(path_), djangos(tests_dir + "/data/auth.sqlite3");
    raw.run(djangos_index);
    EXPECT_EQ(schema(raw), schema(djangos));
    raw.run("DROP INDEX " + tokens_of_users);
    EXPECT_EQ(raw.rows("SELECT * FROM user ORDER BY 1"), users);
    EXPECT_EQ(raw.value("SELECT count(*) FROM django_migrations WHERE app = 'shop'"), "1");
    raw.run(
        "DELETE FROM django_content_type WHERE app_label = 'shop';"
        "DELETE FROM django_migrations WHERE app = 'shop'");
  }
  expect_up_to_date();
}

/// As easyjwt_user's 0001 leaves the table: with jwt_secret, and the e-mail's uniqueness a
/// constraint of the table.
constexpr const char* as_of_0001 = R"(
  PRAGMA foreign_keys=OFF; PRAGMA legacy_alter_table=ON; BEGIN;
  CREATE TABLE "new__user" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "password" varchar(128) NOT NULL, "last_login" datetime NULL, "is_superuser" bool NOT NULL,
    "is_staff" bool NOT NULL, "is_active" bool NOT NULL, "date_joined" datetime NOT NULL,
    "first_name" varchar(150) NOT NULL, "last_name" varchar(150) NOT NULL, "location" text NULL,
    "phone" varchar(15) NULL, "email" varchar(254) NOT NULL, "modified_date" datetime NOT NULL,
    "creation_date" datetime NOT NULL, "jwt_secret" char(32) NOT NULL,
    CONSTRAINT "user_email_type_unique" UNIQUE ("email"));
  INSERT INTO new__user SELECT id, password, last_login, is_superuser, is_staff, is_active,
    date_joined, first_name, last_name, location, phone, email, modified_date, creation_date,
    hex(randomblob(16)) FROM user;
  DROP TABLE user; ALTER TABLE new__user RENAME TO user;
  DELETE FROM django_migrations WHERE app = 'easyjwt_user' AND name <> '0001_initial'; COMMIT;)";

TEST_F(Migrations, ADatabaseOfTheFirstVersionLosesItsSecretAndNothingElse) {
  use_djangos();
  before(as_of_0001);
  constexpr const char* users =
      "SELECT id, password, last_login, is_superuser, is_staff, is_active, date_joined, first_name,"
      " last_name, location, phone, email, modified_date, creation_date FROM user ORDER BY 1";
  Rows users_before;
  {
    Raw raw(path_);
    users_before = raw.rows(users);
  }
  ASSERT_EQ(users_before.size(), 11u);
  const auto steps = migrate_now();
  ASSERT_EQ(names(steps), all_steps);
  EXPECT_NE(steps->front().description.find("drops user.jwt_secret"), std::string::npos);
  {
    Raw raw(path_);
    EXPECT_EQ(raw.rows(users), users_before);
    EXPECT_EQ(raw.rows("SELECT 1 FROM pragma_table_info('user') WHERE name = 'jwt_secret'"),
              Rows{});
  }
  expect_up_to_date();
}

TEST_F(Migrations, ColumnsOfTheSitesOwnMayBeThere) {
  use_djangos();
  before(R"(ALTER TABLE user ADD COLUMN nickname varchar(30) NULL;
            ALTER TABLE user ADD COLUMN plan varchar(30) NOT NULL DEFAULT 'free';
            ALTER TABLE user ADD COLUMN size bigint AS (length(email)) VIRTUAL;
            UPDATE user SET nickname = 'x' || id)");
  EXPECT_EQ(names(migrate_now()), all_steps);
  expect_up_to_date();
  EXPECT_EQ(Raw(path_).value("SELECT count(*) FROM user WHERE nickname = 'x' || id"), "11");
}

TEST_F(Migrations, NamesCountWithoutTheirCaseAndIntegersOfAnySize) {
  use_djangos();
  before(R"(PRAGMA foreign_keys=OFF; PRAGMA legacy_alter_table=ON;
            CREATE TABLE n (ID INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, USER_ID int NOT NULL
              REFERENCES "USER" (ID), Group_Id BIGINT NOT NULL REFERENCES auth_group (id),
              UNIQUE (group_id, user_id));
            DROP TABLE user_groups; ALTER TABLE n RENAME TO User_Groups)");
  EXPECT_EQ(names(migrate_now()), all_steps);
  expect_up_to_date();
}

TEST_F(Migrations, IndexesThatDjangoDroppedWithATableAreMadeAgain) {
  ASSERT_TRUE(migrate_now());
  before("DROP INDEX easyjwt_user_email_lower");
  EXPECT_EQ(names(migrate_now()), Rows{"0002_indexes"});
  expect_up_to_date();
}

/// How SQLite looks for a user's tokens.
std::string plan_of(Raw& raw) {
  raw.rows("SELECT * FROM token_blacklist_outstandingtoken LIMIT 1");  // sees what has changed
  return raw.value(
      "EXPLAIN QUERY PLAN SELECT * FROM token_blacklist_outstandingtoken "
      "WHERE user_id = 7");
}
constexpr const char* skips =
    "USING INDEX easyjwt_outstandingtoken_user (ANY(<expr>) AND user_id=?)";
const auto has = [](const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
};

/// So many tokens, of users from 1 on in turn.
std::string add_tokens(int count, int users) {
  return "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < " +
         std::to_string(count) +
         ") INSERT INTO token_blacklist_outstandingtoken (jti, token, expires_at, user_id) "
         "SELECT printf('%09d', n), '', '2030-01-01 00:00:00', 1 + n % " +
         std::to_string(users) + " FROM n;";
}

TEST_F(Migrations, TheIndexOfTokensTakesThePlaceOfDjangos) {
  use_djangos();
  before("DROP TABLE IF EXISTS sqlite_stat1");
  ASSERT_TRUE(migrate_now());
  const std::string statistics =
      "SELECT idx, stat FROM sqlite_stat1 WHERE tbl = 'token_blacklist_outstandingtoken'";
  const Rows ours = {"easyjwt_outstandingtoken_user|1048576 65536 2"};
  const Rows step = {"0013_tokens_of_users"};
  // What others have done to it.
  const std::string deeds[] = {
      djangos_index,
      "DROP INDEX easyjwt_outstandingtoken_user",
      "DROP INDEX easyjwt_outstandingtoken_user;" + djangos_index,
      "DROP TABLE sqlite_stat1",
      "DELETE FROM sqlite_stat1",
      "UPDATE sqlite_stat1 SET stat = '10 10 1'",
      // All of one user's: SQLite reads on and on.
      "UPDATE sqlite_stat1 SET stat = '1000 1000 1000'",
      "UPDATE sqlite_stat1 SET stat = ''",
      "UPDATE sqlite_stat1 SET stat = NULL",
      add_tokens(10, 3) + "ANALYZE",
  };
  for (const auto& script : deeds) {
    SCOPED_TRACE(script);
    // One that is open all the time.
    Raw open(path_);
    open.run("DELETE FROM token_blacklist_outstandingtoken WHERE token = ''");
    EXPECT_TRUE(has(plan_of(open), skips)) << plan_of(open);
    before(script);
    const bool is_there = open.value(
                              "SELECT count(*) FROM sqlite_master WHERE name = "
                              "'easyjwt_outstandingtoken_user'") == "1";
    Raw changed(path_);
    EXPECT_FALSE(has(plan_of(changed), skips)) << plan_of(changed);

    const auto database = open_or_die(path_);
    const auto pending = pending_migrations(*database);
    EXPECT_EQ(names(pending), step);
    // A service that runs is ready with the index, used or not.
    EXPECT_EQ(pending->at(0).may_wait, is_there);
    EXPECT_EQ(names(migrate(*database, at_now)), step);
    EXPECT_EQ(names(pending_migrations(*database)), Rows{});
    for (auto* raw : {&open, &changed}) EXPECT_TRUE(has(plan_of(*raw), skips)) << plan_of(*raw);
    EXPECT_EQ(open.rows(statistics), ours);
  }
  before("DELETE FROM token_blacklist_outstandingtoken WHERE token = ''");
  expect_up_to_date();
  // What was said of others' tables stands.
  EXPECT_EQ(Raw(path_).value("SELECT DISTINCT tbl FROM sqlite_stat1 WHERE tbl = 'user'"), "user");
}

TEST_F(Migrations, RealStatisticsOfTheTokensOfUsersAreLeftAlone) {
  ASSERT_TRUE(migrate_now());
  before(add_tokens(2000, 500) + "ANALYZE");
  const std::string stat =
      "SELECT stat FROM sqlite_stat1 WHERE idx = 'easyjwt_outstandingtoken_user'";
  Raw raw(path_);
  ASSERT_EQ(raw.value(stat), "2000 2000 4");
  EXPECT_TRUE(has(plan_of(raw), skips)) << plan_of(raw);
  EXPECT_EQ(names(migrate_now()), Rows{});
  EXPECT_EQ(raw.value(stat), "2000 2000 4");
}

TEST_F(Migrations, WhatDjangoMakesAnewIsOursAgain) {
  use_djangos();
  ASSERT_TRUE(migrate_now());
  Rows tokens;
  {
    // As its schema editor does.
    Raw raw(path_);
    tokens = raw.rows("SELECT * FROM token_blacklist_outstandingtoken ORDER BY id");
    auto table = raw.value(
        "SELECT sql FROM sqlite_master WHERE name = "
        "'token_blacklist_outstandingtoken'");
    table.replace(table.find("token_blacklist"), 0, "new__");
    raw.run("PRAGMA foreign_keys=OFF; BEGIN;" + table +
            "; INSERT INTO new__token_blacklist_outstandingtoken SELECT * FROM "
            "token_blacklist_outstandingtoken; DROP TABLE token_blacklist_outstandingtoken; "
            "ALTER TABLE new__token_blacklist_outstandingtoken RENAME TO "
            "token_blacklist_outstandingtoken;" +
            djangos_index + "COMMIT");
    EXPECT_EQ(raw.rows("SELECT * FROM sqlite_stat1"), Rows{});
  }
  EXPECT_EQ(names(migrate_now()), (Rows{"0002_indexes", "0013_tokens_of_users"}));
  expect_up_to_date();
  Raw raw(path_);
  EXPECT_EQ(raw.rows("SELECT * FROM token_blacklist_outstandingtoken ORDER BY id"), tokens);
  EXPECT_TRUE(has(plan_of(raw), skips)) << plan_of(raw);
}

TEST_F(Migrations, AUserIsDeletedWithoutReadingAllTokens) {
  use_djangos();
  ASSERT_TRUE(migrate_now());
  Raw raw(path_);
  // As Django connects, and who uses SQLite's shell: the check of the foreign key looks for tokens.
  raw.run("PRAGMA foreign_keys=ON;" + add_tokens(200'000, 5));
  raw.run(
      "INSERT INTO user SELECT 4711, password, last_login, is_superuser, is_staff, is_active, "
      "date_joined, first_name, last_name, location, phone, modified_date, creation_date, "
      "'last@example.com' FROM user WHERE id = 1");
  EXPECT_LT(raw.steps_of("DELETE FROM user WHERE id = 4711"), 20'000);
  raw.run("BEGIN; UPDATE sqlite_stat1 SET stat = '10 10 1'; ANALYZE sqlite_schema");
  raw.run(
      "INSERT INTO user SELECT 4711, password, last_login, is_superuser, is_staff, is_active, "
      "date_joined, first_name, last_name, location, phone, modified_date, creation_date, "
      "'last@example.com' FROM user WHERE id = 1");
  EXPECT_GT(raw.steps_of("DELETE FROM user WHERE id = 4711"), 200'000);
}

TEST_F(Migrations, TablesThatWereDroppedAreMadeAgain) {
  ASSERT_TRUE(migrate_now());
  before(
      "DROP TABLE token_blacklist_blacklistedtoken; DROP TABLE token_blacklist_outstandingtoken");
  EXPECT_EQ(names(migrate_now()), (Rows{"0001_django", "0002_indexes", "0013_tokens_of_users"}));
  expect_up_to_date();
}

TEST_F(Migrations, CopiesOfRemoteUsersGoWithTheirUsersAlone) {
  use_djangos();
  ASSERT_TRUE(migrate_now());
  // As Django connects.
  const std::string foreign_keys = "PRAGMA foreign_keys=ON;";
  Raw raw(path_);
  raw.run(foreign_keys +
          "INSERT INTO user (password, is_superuser, is_staff, is_active, date_joined, first_name, "
          "last_name, email, modified_date, creation_date) VALUES ('!', 0, 0, 1, '2026-01-01', '', "
          "'', 'copy@example.com', '2026-01-01', '2026-01-01');"
          "INSERT INTO easyjwt_remote_user VALUES (71, 1), (70, (SELECT max(id) FROM user))");
  // Django's schema editor makes a table anew, with foreign keys off.
  raw.run(as_of_0001);
  EXPECT_EQ(raw.rows("SELECT remote_id FROM easyjwt_remote_user ORDER BY 1"), (Rows{"70", "71"}));
  ASSERT_TRUE(migrate_now());
  EXPECT_EQ(raw.rows("PRAGMA foreign_key_check"), Rows{});
  EXPECT_THROW(raw.run(foreign_keys + "INSERT INTO easyjwt_remote_user VALUES (72, 999)"),
               std::runtime_error);
  raw.run(foreign_keys + "DELETE FROM user WHERE email = 'copy@example.com'");
  EXPECT_EQ(raw.rows("SELECT remote_id FROM easyjwt_remote_user"), Rows{"71"});
  raw.run("DROP TABLE easyjwt_remote_user");
  EXPECT_EQ(names(migrate_now()), Rows{"0004_remote_users"});
  expect_up_to_date();
}

TEST_F(Migrations, ADatabaseOfSomethingElseIsAddedTo) {
  before("CREATE TABLE note (id integer PRIMARY KEY, body text); INSERT INTO note VALUES (1, 'x')");
  EXPECT_EQ(names(migrate_now()), all_steps);
  expect_up_to_date();
  EXPECT_EQ(Raw(path_).value("SELECT body FROM note"), "x");
}

TEST_F(Migrations, RefusesAnotherProgramsUserTable) {
  before("CREATE TABLE user (id integer PRIMARY KEY, name text)");
  expect_refusal("the table \"user\" cannot be used: it has no column \"password\"");
}

TEST_F(Migrations, RefusesAView) {
  before("CREATE TABLE people (id integer PRIMARY KEY); CREATE VIEW user AS SELECT * FROM people");
  expect_refusal("the table \"user\" cannot be used");
}

TEST_F(Migrations, RefusesAUserTableWithoutANeededColumn) {
  use_djangos();
  before("ALTER TABLE user DROP COLUMN phone");
  expect_refusal("the table \"user\" cannot be used: it has no column \"phone\"");
}

TEST_F(Migrations, RefusesAColumnThatWeCouldNotFill) {
  before(R"(CREATE TABLE django_content_type (id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
              name varchar(100) NOT NULL, app_label varchar(100) NOT NULL,
              model varchar(100) NOT NULL, UNIQUE (app_label, model)))");
  expect_refusal("the column \"name\" is not one of ours");
}

TEST_F(Migrations, RefusesAnotherKindOfKey) {
  before(R"(CREATE TABLE django_session (session_key integer PRIMARY KEY, session_data text,
              expire_date datetime))");
  expect_refusal("the column \"session_key\" is integer (a key), not varchar(40)");
}

TEST_F(Migrations, RefusesATokenTableThatLetsATokenBeBlacklistedTwice) {
  use_djangos();
  before(R"(DROP TABLE token_blacklist_blacklistedtoken;
            CREATE TABLE token_blacklist_blacklistedtoken (id integer NOT NULL PRIMARY KEY,
              blacklisted_at datetime NOT NULL, token_id bigint NOT NULL
                REFERENCES token_blacklist_outstandingtoken (id));
            CREATE UNIQUE INDEX some ON token_blacklist_blacklistedtoken (token_id)
              WHERE blacklisted_at > '2026')");
  expect_refusal("the column \"token_id\" has no unique index");
}

TEST_F(Migrations, RefusesADatabaseOfAnotherUserModel) {
  use_djangos();
  before(R"(DROP TABLE django_admin_log;
            CREATE TABLE auth_user (id integer PRIMARY KEY);
            CREATE TABLE django_admin_log (id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
              action_time datetime NOT NULL, object_id text NULL,
              object_repr varchar(200) NOT NULL, change_message text NOT NULL,
              content_type_id integer NULL REFERENCES django_content_type (id),
              user_id integer NOT NULL REFERENCES auth_user (id),
              action_flag smallint unsigned NOT NULL))");
  expect_refusal("the column \"user_id\" refers to \"auth_user\", not to \"user\"");
}

TEST_F(Migrations, AFailureHalfWayLeavesNothing) {
  // An index of that name on another table, so that the second step fails after the first.
  before(
      "CREATE TABLE note (body text); CREATE INDEX django_session_expire_date_a5c62663 ON note "
      "(body)");
  const auto result = migrate_now();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::refused);
  EXPECT_NE(result.error().reason.find("django_session_expire_date_a5c62663"), std::string::npos);
  Raw raw(path_);
  EXPECT_EQ(raw.value("SELECT count(*) FROM sqlite_master WHERE type = 'table'"), "1");
}

}  // namespace
}  // namespace easyjwt::db
