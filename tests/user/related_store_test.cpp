#include "easyjwt/user/related_store.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/user_store.hpp"
#include "user/related_tables.hpp"

namespace easyjwt {
namespace {

using Use = RelatedTables::Use;

const Time now = *parse_time("2026-11-23T12:00:00.250000Z");

RelatedTable access_group() { return {.table = "userdata_accessgroup", .fields = {"user_type"}}; }
RelatedTable things(std::vector<std::string> key = {}) {
  return {.table = "thing",
          .fields = {"label", "n", "flag", "ratio", "price", "at", "day"},
          .many = true,
          .key = std::move(key)};
}

json::value parsed(std::string_view text) {
  auto value = parse_json(text);
  if (!value) throw std::runtime_error("no JSON: " + std::string(text));
  return *std::move(value);
}

std::string text_of(const json::value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

/// A thing with a label, and with whatever else is said of it.
std::string thing(const std::string& label, const std::string& members = {}) {
  auto object = parsed(R"({"label":"","n":null,"flag":null,"ratio":null,"price":null,"at":null,)"
                       R"("day":null})")
                    .as_object();
  object["label"] = label;
  const auto said = parsed("{" + members + "}");
  for (const auto& [name, value] : said.as_object()) object[name] = value;
  return text_of(object);
}

class RelatedStoreTest : public testing::TestWithParam<db::Place> {
 protected:
  RelatedStoreTest() {
    if (auto done = db::migrate(*database_, [] { return now; }); !done) {
      throw std::runtime_error(done.error().reason);
    }
    test::create(*database_, test::access_group_table);
    test::create(*database_, test::thing_table);
    alice_ = add_user("alice@example.com");
    bob_ = add_user("bob@example.com");
  }

  std::int64_t add_user(std::string email) {
    const auto id = database_->write([&](db::Transaction& transaction) {
      User user;
      user.password = "!";
      user.email = email;
      return UserStore(transaction).insert(user, now);
    });
    if (!id) throw std::runtime_error(id.error().reason);
    return *id;
  }

  RelatedTables find(const RelatedTable& table, Use use = Use::writing) {
    auto tables = RelatedTables::find(*database_, {table}, use);
    if (!tables) throw std::runtime_error(tables.error().reason);
    return *std::move(tables);
  }
  /// What is wrong with a table; empty for nothing.
  std::string refusal(const RelatedTable& table, Use use = Use::writing) {
    try {
      find(table, use);
      return {};
    } catch (const SettingsError& error) {
      return error.what();
    }
  }

  std::string get(const RelatedTable& table, std::int64_t user) {
    const auto tables = find(table);
    const auto rows = database_->read([&](db::Transaction& transaction) {
      return RelatedStore(transaction, tables, false).get(table.table, user);
    });
    return rows ? text_of(*rows) : rows.error().reason;
  }
  Result<void> set(const RelatedTable& table, std::int64_t user, std::string_view rows) {
    const auto tables = find(table);
    const auto value = parsed(rows);
    return database_->write([&](db::Transaction& transaction) {
      return RelatedStore(transaction, tables, true).set(table.table, user, &value);
    });
  }
  /// Whether set() would have something to write.
  bool changes(const RelatedTable& table, std::int64_t user, std::string_view rows) {
    const auto tables = find(table);
    const auto value = parsed(rows);
    bool wants = false;
    const auto done = database_->read([&](db::Transaction& transaction) {
      RelatedStore store(transaction, tables, false);
      auto result = store.set(table.table, user, &value);
      wants = store.wants_to_write();
      return result;
    });
    EXPECT_EQ(done.has_value(), !wants);
    EXPECT_TRUE(done || done.error().code == Errc::would_wait) << done.error().reason;
    return wants;
  }

  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
  std::int64_t alice_ = 0, bob_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Engines, RelatedStoreTest, db::every_place, db::place_name);

TEST_P(RelatedStoreTest, OneRowOfAUserComesChangesAndGoes) {
  const auto group = access_group();
  EXPECT_EQ(get(group, alice_), "null");
  EXPECT_FALSE(changes(group, alice_, "null"));
  EXPECT_TRUE(changes(group, alice_, R"({"user_type":"A"})"));
  ASSERT_TRUE(set(group, alice_, R"({"user_type":"A","unknown":[1]})"));
  EXPECT_EQ(get(group, alice_), R"({"user_type":"A"})");
  EXPECT_EQ(get(group, bob_), "null");
  EXPECT_FALSE(changes(group, alice_, R"({"user_type":"A"})"));
  EXPECT_TRUE(changes(group, alice_, R"({"user_type":"AB"})"));
  ASSERT_TRUE(set(group, alice_, R"({"user_type":"AB"})"));
  ASSERT_TRUE(set(group, bob_, R"({"user_type":"B"})"));
  EXPECT_EQ(get(group, alice_), R"({"user_type":"AB"})");
  ASSERT_TRUE(set(group, alice_, "null"));
  EXPECT_EQ(get(group, alice_), "null");
  EXPECT_EQ(get(group, bob_), R"({"user_type":"B"})");
}

TEST_P(RelatedStoreTest, EveryTypeComesBackAsItWasSent) {
  const auto rows =
      "[" +
      thing("Größe \\\" '", R"("n":-2147483648,"flag":true,"ratio":0.1,"price":"12.5",)"
                            R"("at":"2026-11-23T16:22:32.110342Z","day":"2024-02-29")") +
      "," +
      thing("", R"("n":0,"flag":false,"ratio":-1.7976931348623157e308,"price":"-0.01",)"
                R"("at":"2026-11-23T16:22:32Z","day":"0001-01-01")") +
      "," + thing("nulls") + "]";
  ASSERT_TRUE(set(things(), alice_, rows));
  auto expected = rows;
  if (database_->engine() == db::Engine::postgresql) {
    expected.replace(expected.find("12.5\""), 5, "12.50\"");
  }
  EXPECT_EQ(get(things(), alice_), expected);
  EXPECT_FALSE(changes(things(), alice_, rows));
}

TEST_P(RelatedStoreTest, ValuesThatAreEqualAreNotWrittenAgain) {
  ASSERT_TRUE(
      set(things({"label"}), alice_,
          "[" + thing("a", R"("ratio":3,"price":"100","at":"2026-11-23T16:22:32Z")") + "]"));
  for (const auto* same : {R"("ratio":3.0,"price":"100.00","at":"2026-11-23T18:22:32+02:00")",
                           R"("ratio":3,"price":1e2,"at":"2026-11-23 16:22:32.000000")",
                           R"("ratio":0.3e1,"price":100,"at":"2026-11-23T16:22:32")"}) {
    EXPECT_FALSE(changes(things({"label"}), alice_, "[" + thing("a", same) + "]")) << same;
    EXPECT_FALSE(changes(things(), alice_, "[" + thing("a", same) + "]")) << same;
  }
  for (const auto* other :
       {R"("ratio":3.0000000000000004,"price":"100","at":"2026-11-23T16:22:32Z")",
        R"("ratio":3,"price":"100.01","at":"2026-11-23T16:22:32Z")",
        R"("ratio":3,"price":"100","at":"2026-11-23T16:22:32.000001Z")"}) {
    EXPECT_TRUE(changes(things({"label"}), alice_, "[" + thing("a", other) + "]")) << other;
  }
}

TEST_P(RelatedStoreTest, OfZerosThereIsOne) {
  const auto rows = "[" + thing("a", R"("ratio":-0.0,"price":"-0.00")") + "]";
  ASSERT_TRUE(set(things(), alice_, rows));
  EXPECT_FALSE(changes(things(), alice_, rows));
  EXPECT_FALSE(changes(things(), alice_, "[" + thing("a", R"("ratio":0,"price":0)") + "]"));
}

TEST_P(RelatedStoreTest, WhatIsNotWhatTheColumnsTakeIsRefused) {
  const auto before = "[" + thing("kept", R"("n":1)") + "]";
  ASSERT_TRUE(set(things(), alice_, before));
  std::string many = "[";
  for (std::size_t i = 0; i <= RelatedStore::max_rows; ++i) {
    many += (i == 0 ? "" : ",") + thing("t" + std::to_string(i));
  }
  std::vector<std::string> wrong{"null",   "1",    "\"x\"", "{}",      "[1]",
                                 "[null]", "[[]]", "[{}]",  many + "]"};
  for (const auto* members : {R"("label":null)",
                              R"("label":1)",
                              R"("label":true)",
                              R"("label":["a"])",
                              R"("label":{"a":1})",
                              R"("label":"12345678901")",
                              R"("label":"a\u0000b")",
                              R"("n":"1")",
                              R"("n":1.0)",
                              R"("n":18446744073709551615)",
                              R"("n":true)",
                              R"("flag":1)",
                              R"("flag":"true")",
                              R"("ratio":"0.1")",
                              R"("ratio":1e999)",
                              R"("price":"1e999999999")",
                              R"("price":"NaN")",
                              R"("price":"")",
                              R"("price":".")",
                              R"("price":"1 ")",
                              R"("price":"0x10")",
                              R"("price":true)",
                              R"("price":"1.234567890123456789")",
                              R"("at":"yesterday")",
                              R"("at":0)",
                              R"("at":"2026-13-01T00:00:00Z")",
                              R"("day":"2023-02-29")",
                              R"("day":"2024-02-29T00:00:00Z")",
                              R"("day":"24-2-29")",
                              R"("day":20240229)"}) {
    wrong.push_back("[" + thing("new", members) + "]");
  }
  // Whatever stands before it is undone, too.
  wrong.push_back("[" + thing("new") + "," + thing("other", R"("n":"1")") + "]");
  for (const auto& rows : wrong) {
    const auto done = set(things(), alice_, rows);
    ASSERT_FALSE(done) << rows;
    EXPECT_EQ(done.error().code, Errc::validation_error) << rows << done.error().reason;
    EXPECT_EQ(get(things(), alice_), before) << rows;
  }
  const auto tables = find(things());
  const auto missing = database_->write([&](db::Transaction& transaction) {
    return RelatedStore(transaction, tables, true).set("thing", alice_, nullptr);
  });
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::validation_error);
}

TEST_P(RelatedStoreTest, WhatTheDatabaseRefusesIsSomebodysBadInput) {
  ASSERT_TRUE(set(things(), bob_, "[" + thing("taken") + "]"));
  // A constraint; on PostgreSQL a number that is too large, too.
  std::vector<std::string> wrong{thing("taken")};
  if (database_->engine() == db::Engine::postgresql) {
    wrong.push_back(thing("new", R"("n":2147483648)"));
    wrong.push_back(thing("new", R"("price":"1000000")"));
    wrong.push_back(thing("new", R"("price":"0.001")"));
  }
  for (const auto& row : wrong) {
    const auto done = set(things(), alice_, "[" + thing("first") + "," + row + "]");
    ASSERT_FALSE(done) << row;
    EXPECT_EQ(done.error().code, Errc::validation_error) << row;
    EXPECT_EQ(get(things(), alice_), "[]") << row;
  }
}

TEST_P(RelatedStoreTest, RowsOfAKeyAreUpdatedAndOthersComeAndGo) {
  const auto by_label = things({"label"});
  ASSERT_TRUE(
      set(by_label, alice_, "[" + thing("a", R"("n":1)") + "," + thing("b", R"("n":2)") + "]"));
  test::create(*database_, R"(UPDATE "thing" SET "note" = 'ours' WHERE "label" = 'a')");
  ASSERT_TRUE(
      set(by_label, alice_, "[" + thing("c", R"("n":3)") + "," + thing("a", R"("n":4)") + "]"));
  EXPECT_EQ(get(by_label, alice_),
            "[" + thing("a", R"("n":4)") + "," + thing("c", R"("n":3)") + "]");
  static constexpr db::Sql notes{R"(SELECT count(*) FROM "thing" WHERE "note" = 'ours')"};
  EXPECT_EQ(db::integer(*database_, notes), 1);
  const auto twice =
      set(by_label, alice_, "[" + thing("d", R"("n":1)") + "," + thing("d", R"("n":2)") + "]");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Errc::validation_error);
  ASSERT_TRUE(set(by_label, alice_, "[]"));
  EXPECT_EQ(get(by_label, alice_), "[]");
}

TEST_P(RelatedStoreTest, WithoutAKeyEqualRowsCountOnce) {
  test::create(*database_, R"(CREATE TABLE "tag" (
    "user_id" bigint NOT NULL REFERENCES "user" ("id"), "name" text);
    INSERT INTO "tag" SELECT "id", 'x' FROM "user"; INSERT INTO "tag" SELECT "id", 'x' FROM "user";
    INSERT INTO "tag" SELECT "id", NULL FROM "user";)");
  const RelatedTable tag{.table = "tag", .fields = {"name"}, .many = true};
  EXPECT_TRUE(changes(tag, alice_, R"([{"name":"x"},{"name":null}])"));
  ASSERT_TRUE(set(tag, alice_, R"([{"name":"x"},{"name":"x"}])"));
  EXPECT_EQ(get(tag, alice_), R"([{"name":"x"}])");
  EXPECT_FALSE(changes(tag, alice_, R"([{"name":"x"},{"name":"x"}])"));
  ASSERT_TRUE(set(tag, bob_, R"([{"name":null}])"));
  EXPECT_EQ(get(tag, bob_), R"([{"name":null}])");
}

TEST_P(RelatedStoreTest, SingleRows) {
  const auto by_label = things({"label"});
  const auto tables = find(by_label);
  const auto row = parsed(thing("a", R"("n":1)")).as_object();
  const auto key = parsed(R"({"label":"a"})").as_object();
  const auto run = [&](const std::function<Result<bool>(RelatedStore&)>& f) {
    const auto done = database_->write([&](db::Transaction& transaction) {
      RelatedStore store(transaction, tables, true);
      return f(store);
    });
    return done ? *done ? "yes" : "no" : done.error().reason;
  };
  const auto update = [&](std::int64_t user, const json::object& what) {
    return run([&](RelatedStore& store) { return store.update("thing", user, what); });
  };
  const auto remove = [&](std::int64_t user) {
    return run([&](RelatedStore& store) { return store.remove("thing", user, key); });
  };
  EXPECT_EQ(update(alice_, row), "no");
  EXPECT_EQ(remove(alice_), "no");
  EXPECT_EQ(run([&](RelatedStore& store) {
              return store.insert("thing", alice_, row).map([] { return true; });
            }),
            "yes");
  EXPECT_EQ(update(alice_, parsed(thing("a", R"("n":2)")).as_object()), "yes");
  // Of another user there is none.
  EXPECT_EQ(update(bob_, row), "no");
  EXPECT_EQ(remove(bob_), "no");
  EXPECT_EQ(get(by_label, alice_), "[" + thing("a", R"("n":2)") + "]");
  EXPECT_EQ(remove(alice_), "yes");
  EXPECT_EQ(get(by_label, alice_), "[]");
  EXPECT_THROW(run([&](RelatedStore& store) { return store.remove("user", 1, key); }),
               std::logic_error);
}

TEST_P(RelatedStoreTest, NamesOfTheFrameworkAndWhatAreNoNamesAreRefused) {
  const auto refused = [](RelatedTable table) {
    try {
      RelatedTables::check_names({table});
      return std::string();
    } catch (const SettingsError& error) {
      return std::string(error.what());
    }
  };
  for (const auto* name : {"user",
                           "USER",
                           "User",
                           "user_groups",
                           "User_Groups",
                           "user_user_permissions",
                           "auth_group",
                           "AUTH_permission",
                           "django_session",
                           "Django_Migrations",
                           "easyjwt_remote_user",
                           "token_blacklist_outstandingtoken",
                           "sqlite_master",
                           "SQLITE_schema",
                           "pg_authid",
                           "",
                           " ",
                           "user ",
                           "\"user\"",
                           "`user`",
                           "[user]",
                           "main.user",
                           "public.user",
                           "us\\er",
                           "a b",
                           "a;b",
                           "a--",
                           "a'",
                           "a\"b",
                           "ſqlite_master",
                           "1a",
                           "user\n"}) {
    EXPECT_NE(refused({.table = name, .fields = {"a"}}), "") << name;
  }
  EXPECT_NE(refused({.table = std::string("user\0x", 6), .fields = {"a"}}), "");
  EXPECT_NE(refused({.table = std::string(64, 'a'), .fields = {"a"}}), "");
  for (const auto* name : {"", "a\"", "a, password", "*", "(SELECT 1)", "a.b", "a b"}) {
    EXPECT_NE(refused({.table = "t", .fields = {name}}), "") << name;
    EXPECT_NE(refused({.table = "t", .foreign_key = name, .fields = {"a"}}), "") << name;
  }
  EXPECT_NE(refused({.table = "t", .fields = {}}), "");
  EXPECT_NE(refused({.table = "t", .fields = {"a", "A"}}), "");
  EXPECT_NE(refused({.table = "t", .fields = {"USER_ID"}}), "");
  EXPECT_NE(refused({.table = "t", .fields = {"a"}, .key = {"a"}}), "");
  EXPECT_NE(refused({.table = "t", .fields = {"a"}, .many = true, .key = {"b"}}), "");
  EXPECT_EQ(refused({.table = "users", .fields = {"a"}, .many = true, .key = {"a"}}), "");
  EXPECT_EQ(refused({.table = "Authors", .fields = {"a"}}), "");
}

TEST_P(RelatedStoreTest, TablesThatWouldNotDoAreRefused) {
  test::create(*database_, R"(
    CREATE VIEW "peek" AS SELECT "id" AS "user_id", "password" AS "label" FROM "user";
    CREATE TABLE "loose" ("id" SERIAL, "user_id" bigint NOT NULL UNIQUE, "label" text);
    CREATE TABLE "parent" ("id" SERIAL);
    CREATE TABLE "odd" ("id" SERIAL, "user_id" bigint NOT NULL UNIQUE REFERENCES "user" ("id"),
      "blob" BYTES, "needed" text NOT NULL, "given" text NOT NULL DEFAULT 'x',
      "twice" integer GENERATED ALWAYS AS (1 + 1) STORED,
      "parent_id" bigint REFERENCES "parent" ("id"), "group_id" integer REFERENCES "auth_group" ("id"));
  )");
  const auto with = [&](std::string table, std::vector<std::string> fields,
                        std::string owner = "user_id") {
    return RelatedTable{
        .table = std::move(table), .foreign_key = std::move(owner), .fields = std::move(fields)};
  };
  const std::vector<std::pair<RelatedTable, std::string>> cases{
      {with("nowhere", {"a"}), "table: the database has no table \"nowhere\""},
      {with("peek", {"label"}), "table: \"peek\" is not a plain table"},
      {with("loose", {"label"}), "foreign_key: does not refer to \"user\""},
      {with("odd", {"needed"}, "parent_id"), "foreign_key: does not refer to \"user\""},
      {with("odd", {"needed"}, "nobody"), "foreign_key: no such column"},
      {with("thing", {"label"}), "foreign_key: is not unique"},
      {with("odd", {"neded"}), "\"neded\": no such column"},
      {with("odd", {"needed", "blob"}), "\"blob\" is of type"},
      {with("odd", {"given"}), "lacks \"needed\""},
      {with("odd", {"needed", "id"}), "\"id\" is the table's own key"},
      {with("odd", {"needed", "twice"}), "\"twice\" is computed"},
      {with("odd", {"needed", "parent_id"}), "\"parent_id\" refers to another table"},
      {with("odd", {"needed", "group_id"}), "\"group_id\" refers to another table"},
  };
  for (const auto& [table, words] : cases) {
    const auto said = refusal(table);
    EXPECT_NE(said.find(words), said.npos) << said << "\nshould say: " << words;
  }
  EXPECT_EQ(refusal(with("odd", {"needed", "given"})), "");
  // Who only reads may show ids, and needs not have every column.
  EXPECT_EQ(refusal(with("odd", {"id", "group_id", "twice"}), Use::reading), "");
  EXPECT_EQ(refusal(with("Odd", {"Needed"})).empty(), database_->engine() == db::Engine::sqlite);
}

TEST_P(RelatedStoreTest, MoreRowsThanAnybodySendsAreAnError) {
  test::create(*database_, R"(CREATE TABLE "tag" (
    "user_id" bigint NOT NULL REFERENCES "user" ("id"), "name" text);)");
  const RelatedTable tag{.table = "tag", .fields = {"name"}, .many = true};
  std::string rows = "[";
  for (std::size_t i = 0; i < RelatedStore::max_rows; ++i) {
    rows += (i == 0 ? "" : ",") + std::string(R"({"name":")") + std::to_string(i) + "\"}";
  }
  ASSERT_TRUE(set(tag, alice_, rows + "]"));
  EXPECT_FALSE(changes(tag, alice_, rows + "]"));
  test::create(*database_, R"(INSERT INTO "tag" SELECT "id", 'more' FROM "user")");
  EXPECT_NE(get(tag, alice_).find("has more than 1000 rows in tag"), std::string::npos);
}

class RelatedStoreAtOnce : public RelatedStoreTest {};
INSTANTIATE_TEST_SUITE_P(Engines, RelatedStoreAtOnce, db::shared_places, db::place_name);

TEST_P(RelatedStoreAtOnce, WhoSavesTheSameRowsAtOnceMakesThemOnce) {
  test::create(*database_, R"(CREATE TABLE "tag" (
    "user_id" bigint NOT NULL REFERENCES "user" ("id"), "name" text);)");
  const RelatedTable tag{.table = "tag", .fields = {"name"}, .many = true};
  const auto tables = find(tag);
  const auto rows = parsed(R"([{"name":"a"},{"name":"b"}])");
  const auto save = [&](const std::function<void()>& afterwards) {
    const auto done = database_->write([&](db::Transaction& transaction) {
      auto result = RelatedStore(transaction, tables, true).set("tag", alice_, &rows);
      afterwards();
      return result;
    });
    EXPECT_TRUE(done) << done.error().reason;
  };
  // The others look while the first has written and not committed.
  db::Latch wrote;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    save([&] {
      wrote.open();
      std::this_thread::sleep_for(std::chrono::milliseconds{150});
    });
  });
  wrote.wait();
  for (int i = 0; i < 7; ++i) threads.emplace_back([&] { save([] {}); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(get(tag, alice_), R"([{"name":"a"},{"name":"b"}])");
}

}  // namespace
}  // namespace easyjwt
