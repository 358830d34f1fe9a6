#include "easyjwt/user/remote_user_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "db/support.hpp"
#include "db/test_database.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/group_store.hpp"

namespace easyjwt {
namespace {

using Texts = std::vector<std::string>;

const Time now = *parse_time("2026-11-23T12:00:00.250000Z");
const Time later = now + std::chrono::hours{1};
constexpr const char* moved = "[0-9]+-[0-9a-f]{32}@moved\\.invalid";
constexpr const char* moved_of_nobody = "[0-9a-f]{32}@moved\\.invalid";

RemoteUser remote(std::int64_t id, std::string email) {
  return {.id = id, .email = std::move(email), .first_name = {}, .last_name = {}, .is_active = {}};
}

Result<User> save(db::Database& database, const RemoteUser& user, Time at = now) {
  return database.write(
      [&](db::Transaction& transaction) { return RemoteUserStore(transaction).save(user, at); });
}

/// Passes on what a store runs, and keeps its words.
class Recording final : public db::PassingTransaction {
 public:
  using PassingTransaction::PassingTransaction;
  using PassingTransaction::run;
  Result<std::int64_t> run(const db::Sql& sql, std::span<const db::Value> values,
                           FunctionRef<void(const db::Row&)> each) override {
    statements.emplace_back(sql.text);
    return PassingTransaction::run(sql, values, each);
  }

  Texts statements;
};

class RemoteUserStoreTest : public testing::TestWithParam<db::Place> {
 protected:
  RemoteUserStoreTest() {
    const auto migrated = db::migrate(*database_, [] { return now; });
    if (!migrated) throw std::runtime_error(migrated.error().reason);
  }

  User must_save(const RemoteUser& user, Time at = now) {
    const auto saved = save(*database_, user, at);
    if (!saved) throw std::runtime_error(saved.error().reason);
    return *saved;
  }
  std::optional<User> find(std::int64_t remote_id) {
    const auto found = database_->read(
        [&](db::Transaction& transaction) { return RemoteUserStore(transaction).find(remote_id); });
    if (!found) throw std::runtime_error(found.error().reason);
    return *found;
  }
  User must_find(std::int64_t remote_id) {
    const auto found = find(remote_id);
    if (!found) throw std::runtime_error("no copy of " + std::to_string(remote_id));
    return *found;
  }
  Grants grants(std::int64_t id) {
    return *database_->read(
        [&](db::Transaction& transaction) { return GroupStore(transaction).grants(id); });
  }
  /// A row that is there already: the service's own, or one that the original made.
  std::int64_t add(const std::string& email, const std::string& password) {
    User user;
    user.email = email;
    user.password = password;
    user.date_joined = now;
    const auto id = database_->write(
        [&](db::Transaction& transaction) { return UserStore(transaction).insert(user, now); });
    if (!id) throw std::runtime_error(id.error().reason);
    return *id;
  }
  /// Staff, of a group that may do something, with a permission of their own.
  void privilege(std::int64_t id) {
    const auto number = std::to_string(id);
    db::run_script(*database_,
                   "UPDATE \"user\" SET is_staff = true, is_superuser = true, phone = '1', "
                   "location = 'here', last_login = '2026-01-02 03:04:05' WHERE id = " +
                       number +
                       ";"
                       "INSERT INTO auth_group (name) SELECT 'editors' WHERE NOT EXISTS (SELECT 1 "
                       "FROM auth_group);"
                       "INSERT INTO user_groups (user_id, group_id) SELECT " +
                       number +
                       ", id FROM auth_group;"
                       "INSERT INTO user_user_permissions (user_id, permission_id) SELECT " +
                       number + ", id FROM auth_permission WHERE codename = 'view_user'");
  }
  void expect_privileged(const User& user) {
    EXPECT_TRUE(user.is_staff);
    EXPECT_TRUE(user.is_superuser);
    EXPECT_EQ(user.phone, "1");
    EXPECT_EQ(user.location, "here");
    EXPECT_EQ(user.last_login, parse_time("2026-01-02T03:04:05Z"));
    EXPECT_EQ(grants(user.id).groups, Texts{"editors"});
    EXPECT_EQ(grants(user.id).permissions, Texts{"easyjwt_user.view_user"});
  }
  void expect_ordinary(const User& user) {
    EXPECT_FALSE(user.is_staff);
    EXPECT_FALSE(user.is_superuser);
    EXPECT_EQ(user.phone, std::nullopt);
    EXPECT_EQ(user.last_login, std::nullopt);
    EXPECT_TRUE(grants(user.id).groups.empty());
    EXPECT_TRUE(grants(user.id).permissions.empty());
  }
  std::int64_t count(const std::string& from) {
    const auto text = "SELECT count(*) FROM " + from;
    const db::Sql sql{text};
    return db::integer(*database_, sql);
  }
  void expect_conflict(const RemoteUser& user, std::int64_t local) {
    const auto users = count("\"user\""), links = count("easyjwt_remote_user");
    const auto saved = save(*database_, user, later);
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().code, Errc::conflict);
    EXPECT_EQ(saved.error().reason, "the e-mail of remote user " + std::to_string(user.id) +
                                        " is that of user " + std::to_string(local) +
                                        ", who is not a copy");
    EXPECT_EQ(count("\"user\""), users);
    EXPECT_EQ(count("easyjwt_remote_user"), links);
  }

  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
};

INSTANTIATE_TEST_SUITE_P(Engines, RemoteUserStoreTest, db::every_place, db::place_name);

TEST_P(RemoteUserStoreTest, ACopyIsMade) {
  EXPECT_EQ(find(7), std::nullopt);
  const auto made = must_save({.id = 7,
                               .email = "Anna@Example.com",
                               .first_name = "\xc3\x84nna",
                               .last_name = "Schmidt",
                               .is_active = false});
  const auto found = must_find(7);
  for (const auto& copy : {made, found}) {
    EXPECT_EQ(copy.id, made.id);
    EXPECT_EQ(copy.email, "Anna@Example.com");
    EXPECT_EQ(copy.first_name, "\xc3\x84nna");
    EXPECT_EQ(copy.last_name, "Schmidt");
    EXPECT_FALSE(copy.is_active);
    EXPECT_EQ(copy.date_joined, now);
    EXPECT_EQ(copy.modified_date, now);
    EXPECT_EQ(copy.creation_date, now);
    EXPECT_TRUE(std::regex_match(copy.password, std::regex("![a-zA-Z0-9]{40}"))) << copy.password;
    EXPECT_EQ(copy.password, made.password);
  }
  expect_ordinary(found);
  EXPECT_EQ(find(made.id == 7 ? 8 : made.id), std::nullopt);
  const auto other = must_save(remote(8, "other@example.com"));
  EXPECT_NE(other.id, made.id);
  EXPECT_NE(other.password, made.password);
  EXPECT_EQ(other.first_name + other.last_name, "");
  EXPECT_TRUE(other.is_active);
}

TEST_P(RemoteUserStoreTest, TheLargestIdIsOne) {
  const auto made = must_save(remote(9'223'372'036'854'775'807, "last@example.com"));
  EXPECT_EQ(must_find(9'223'372'036'854'775'807).id, made.id);
}

TEST_P(RemoteUserStoreTest, WhatIsCurrent) {
  User copy;
  copy.email = "a@example.com";
  copy.first_name = "A";
  copy.last_name = "B";
  const auto is_current = [&](RemoteUser user) { return RemoteUserStore::is_current(copy, user); };
  RemoteUser same{
      .id = 1, .email = "a@example.com", .first_name = "A", .last_name = "B", .is_active = true};
  EXPECT_TRUE(is_current(same));
  EXPECT_TRUE(is_current(remote(1, "a@example.com")));
  EXPECT_FALSE(is_current(remote(1, "A@example.com")));
  auto other = same;
  other.first_name = "";
  EXPECT_FALSE(is_current(other));
  other = same;
  other.last_name = "b";
  EXPECT_FALSE(is_current(other));
  other = same;
  other.is_active = false;
  EXPECT_FALSE(is_current(other));
}

TEST_P(RemoteUserStoreTest, WhatHasNotChangedIsNotWritten) {
  const RemoteUser user{
      .id = 7, .email = "a@example.com", .first_name = "A", .last_name = "B", .is_active = true};
  const auto made = must_save(user);
  Texts statements;
  const auto saved = database_->write([&](db::Transaction& transaction) {
    Recording recording(transaction);
    auto result = RemoteUserStore(recording).save(user, later);
    statements = recording.statements;
    return result;
  });
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->id, made.id);
  ASSERT_EQ(statements.size(), 1u);
  EXPECT_TRUE(statements[0].starts_with("SELECT ")) << statements[0];
  must_save(remote(7, "a@example.com"), later);
  EXPECT_EQ(must_find(7).modified_date, now);
}

TEST_P(RemoteUserStoreTest, WhatIsSaidIsTakenAndNothingElse) {
  const auto made = must_save(
      {.id = 7, .email = "a@example.com", .first_name = "A", .last_name = "B", .is_active = true});
  privilege(made.id);
  const auto expect = [&](const RemoteUser& user, const char* email, const char* first,
                          const char* last, bool is_active) {
    const auto returned = must_save(user, later);
    const auto found = must_find(7);
    for (const auto& copy : {returned, found}) {
      EXPECT_EQ(copy.id, made.id);
      EXPECT_EQ(copy.email, email);
      EXPECT_EQ(copy.first_name, first);
      EXPECT_EQ(copy.last_name, last);
      EXPECT_EQ(copy.is_active, is_active);
      EXPECT_EQ(copy.password, made.password);
      EXPECT_EQ(copy.date_joined, now);
      EXPECT_EQ(copy.creation_date, now);
      EXPECT_EQ(copy.modified_date, later);
    }
    expect_privileged(found);
  };
  auto user = remote(7, "a@example.com");
  user.first_name = "C";
  expect(user, "a@example.com", "C", "B", true);
  user = remote(7, "a@example.com");
  user.last_name = "";
  expect(user, "a@example.com", "C", "", true);
  user = remote(7, "a@example.com");
  user.is_active = false;
  expect(user, "a@example.com", "C", "", false);
  expect(remote(7, "b@example.com"), "b@example.com", "C", "", false);
  // Of case, too.
  expect(remote(7, "B@example.com"), "B@example.com", "C", "", false);
}

TEST_P(RemoteUserStoreTest, AReusedEmailInheritsNothing) {
  const auto first = must_save(remote(1, "a@example.com"));
  privilege(first.id);
  // Its owner is b@example.com by now, but the new owner comes by first.
  const auto second = must_save(remote(2, "a@example.com"), later);
  EXPECT_NE(second.id, first.id);
  EXPECT_EQ(second.email, "a@example.com");
  expect_ordinary(must_find(2));
  auto displaced = must_find(1);
  EXPECT_EQ(displaced.id, first.id);
  EXPECT_TRUE(std::regex_match(displaced.email, std::regex(moved))) << displaced.email;
  EXPECT_TRUE(displaced.email.starts_with("1-"));
  EXPECT_EQ(displaced.modified_date, later);
  expect_privileged(displaced);

  // Who registers that very address gets nothing by it, and it can be done again.
  const auto address = displaced.email;
  const auto third = must_save(remote(3, address));
  EXPECT_NE(third.id, first.id);
  expect_ordinary(third);
  displaced = must_find(1);
  EXPECT_TRUE(std::regex_match(displaced.email, std::regex(moved))) << displaced.email;
  EXPECT_NE(displaced.email, address);

  const auto back = must_save(remote(1, "b@example.com"));
  EXPECT_EQ(back.id, first.id);
  EXPECT_EQ(back.email, "b@example.com");
  expect_privileged(must_find(1));
  expect_ordinary(must_find(2));
  EXPECT_EQ(count("\"user\""), 3);
}

TEST_P(RemoteUserStoreTest, ADisplacedCopyOfTheLongestIdHasRoom) {
  must_save(remote(9'223'372'036'854'775'807, "a@example.com"));
  must_save(remote(2, "a@example.com"));
  const auto address = must_find(9'223'372'036'854'775'807).email;
  EXPECT_LE(address.size(), 254u);
  EXPECT_LE(address.find('@'), 64u);
}

TEST_P(RemoteUserStoreTest, ACopyThatWasGivenAPasswordIsStillACopy) {
  const auto first = must_save(remote(1, "a@example.com"));
  db::run_script(*database_, "UPDATE \"user\" SET password = 'argon2$x'");
  const auto second = must_save(remote(2, "a@example.com"));
  EXPECT_NE(second.id, first.id);
  EXPECT_NE(second.password, "argon2$x");
  EXPECT_TRUE(std::regex_match(must_find(1).email, std::regex(moved)));
  EXPECT_EQ(must_save(remote(1, "b@example.com")).password, "argon2$x");
}

TEST_P(RemoteUserStoreTest, EmailsAreExchanged) {
  const auto first = must_save(remote(1, "a@example.com"));
  const auto second = must_save(remote(2, "b@example.com"));
  privilege(first.id);
  EXPECT_EQ(must_save(remote(2, "a@example.com")).id, second.id);
  EXPECT_EQ(must_save(remote(1, "b@example.com")).id, first.id);
  EXPECT_EQ(must_find(1).email, "b@example.com");
  EXPECT_EQ(must_find(2).email, "a@example.com");
  expect_privileged(must_find(1));
  expect_ordinary(must_find(2));
}

TEST_P(RemoteUserStoreTest, CopiesWhoseEmailsDifferInCaseAreTwo) {
  // The auth-service has both; neither is in the other's way.
  const auto first = must_save(remote(1, "a@example.com"));
  const auto second = must_save(remote(2, "A@Example.com"));
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(must_find(1).email, "a@example.com");
  EXPECT_EQ(must_find(2).email, "A@Example.com");
}

TEST_P(RemoteUserStoreTest, WhatTheOriginalMadeIsFoundByItsEmail) {
  std::int64_t remote_id = 0;
  for (const std::string password : {"", "!", "!abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr"}) {
    SCOPED_TRACE(password);
    ++remote_id;
    const auto email = "a" + std::to_string(remote_id) + "@example.com";
    const auto id = add(email, password);
    privilege(id);
    auto user = remote(remote_id, email);
    if (remote_id == 1) user.first_name = "New";
    const auto saved = must_save(user, later);
    EXPECT_EQ(saved.id, id);
    EXPECT_EQ(saved.password, password);
    EXPECT_EQ(saved.first_name, remote_id == 1 ? "New" : "");
    EXPECT_EQ(must_find(remote_id).id, id);
    expect_privileged(must_find(remote_id));
    // Once: from now on it goes by the id.
    const auto other = must_save(remote(remote_id + 100, email));
    EXPECT_NE(other.id, id);
    expect_ordinary(other);
    expect_privileged(must_find(remote_id));
  }
}

TEST_P(RemoteUserStoreTest, WhatTheOriginalMadeInAnotherSpellingIsLeftAlone) {
  const auto id = add("Anna@example.com", "");
  privilege(id);
  const auto saved = must_save(remote(1, "anna@example.com"));
  EXPECT_NE(saved.id, id);
  expect_ordinary(saved);
  EXPECT_EQ(count("\"user\" WHERE email = 'Anna@example.com'"), 1);
}

TEST_P(RemoteUserStoreTest, WhatTheOriginalMadeGivesWayToACopy) {
  // The original made a second copy of a user whose e-mail had changed.
  const auto first = must_save(remote(1, "a@example.com"));
  const auto id = add("b@example.com", "");
  privilege(id);
  const auto saved = must_save(remote(1, "b@example.com"));
  EXPECT_EQ(saved.id, first.id);
  expect_ordinary(must_find(1));
  const auto left = database_->read(
      [&](db::Transaction& transaction) { return UserStore(transaction).find_by_id(id); });
  ASSERT_TRUE(left && *left);
  EXPECT_TRUE(std::regex_match((*left)->email, std::regex(moved_of_nobody))) << (*left)->email;
}

TEST_P(RemoteUserStoreTest, ALocalAccountIsNeverTakenOver) {
  // Whatever is no sign of "none" is a password, readable or not.
  std::int64_t remote_id = 0;
  for (const std::string password :
       {"argon2$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "x", " "}) {
    SCOPED_TRACE(password);
    const auto email = "local" + std::to_string(++remote_id) + "@example.com";
    const auto id = add(email, password);
    expect_conflict(remote(remote_id, email), id);
    expect_conflict(remote(remote_id, "L" + email.substr(1)), id);
    EXPECT_EQ(find(remote_id), std::nullopt);
    // Nor does a copy move there; what else has changed waits for somebody to see to it.
    must_save(remote(remote_id, "c" + email));
    auto user = remote(remote_id, email);
    user.first_name = "New";
    expect_conflict(user, id);
    EXPECT_EQ(must_find(remote_id).email, "c" + email);
    EXPECT_EQ(must_find(remote_id).first_name, "");
    EXPECT_EQ(count("\"user\" WHERE email = '" + email + "' AND password = '" + password + "'"), 1);
  }
}

TEST_P(RemoteUserStoreTest, ALocalAccountInAnotherSpellingKeepsACopysPlaceFree) {
  // One spelling is the original's copy, one a local account's: that is in the way of both.
  add("anna@example.com", "");
  const auto local = add("ANNA@example.com", "x");
  expect_conflict(remote(1, "anna@example.com"), local);
}

TEST_P(RemoteUserStoreTest, WhatNoUserCanHaveIsRefused) {
  const auto umlauts = [](std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += "\xc3\xbc";
    return text;
  };
  struct Case {
    RemoteUser user;
    std::string field;
  };
  auto names = [](std::string first, std::string last) {
    auto user = remote(1, "a@example.com");
    user.first_name = std::move(first);
    user.last_name = std::move(last);
    return user;
  };
  const std::vector<Case> cases = {
      {remote(0, "a@example.com"), "id"},
      {remote(-1, "a@example.com"), "id"},
      {remote(1, ""), "email"},
      {remote(1, umlauts(243) + "@example.com"), "email"},
      {remote(1, std::string("a\0b@example.com", 15)), "email"},
      {remote(1, "a\xff@example.com"), "email"},
      {names(umlauts(151), ""), "first_name"},
      {names("\xc3", ""), "first_name"},
      {names("", std::string("\0", 1)), "last_name"},
      {names("", std::string(151, 'x')), "last_name"},
  };
  for (const auto& [user, field] : cases) {
    const auto saved = save(*database_, user);
    ASSERT_FALSE(saved) << field;
    EXPECT_EQ(saved.error().code, Errc::validation_error);
    ASSERT_EQ(saved.error().fields.size(), 1u);
    EXPECT_EQ(saved.error().fields[0].field, field);
    EXPECT_EQ(saved.error().reason,
              "remote user " + std::to_string(user.id) + ": " + field + " is not what it can be");
  }
  EXPECT_EQ(count("\"user\""), 0);
  auto longest = names(umlauts(150), umlauts(150));
  longest.email = umlauts(242) + "@example.com";
  EXPECT_EQ(must_save(longest).email, longest.email);
}

TEST_P(RemoteUserStoreTest, WhatIsSaidIsNoSql) {
  const std::string email = "'; DROP TABLE \"user\"; --%_\\@example.com";
  auto user = remote(1, email);
  user.first_name = "$1 ' \" \\ %";
  must_save(user);
  EXPECT_EQ(must_find(1).email, email);
  EXPECT_EQ(must_find(1).first_name, "$1 ' \" \\ %");
}

TEST_P(RemoteUserStoreTest, AUserWhoIsDeletedIsMadeAnew) {
  const auto first = must_save(remote(1, "a@example.com"));
  must_save(remote(2, "b@example.com"));
  db::run_script(*database_, "DELETE FROM \"user\" WHERE email = 'a@example.com'");
  EXPECT_EQ(count("easyjwt_remote_user"), 1);
  EXPECT_EQ(find(1), std::nullopt);
  const auto again = must_save(remote(1, "a@example.com"));
  EXPECT_NE(again.id, first.id);
  EXPECT_EQ(must_find(1).id, again.id);
}

TEST_P(RemoteUserStoreTest, OneRowIsTheCopyOfOneUser) {
  const auto made = must_save(remote(1, "a@example.com"));
  for (const auto& sql :
       {"INSERT INTO easyjwt_remote_user (remote_id, user_id) VALUES (2, " +
            std::to_string(made.id) + ")",
        std::string("INSERT INTO easyjwt_remote_user (remote_id, user_id) VALUES (1, 99)"),
        std::string("INSERT INTO easyjwt_remote_user (remote_id, user_id) VALUES (3, 99)")}) {
    const auto done =
        database_->write([&](db::Transaction& transaction) { return transaction.run_script(sql); });
    EXPECT_FALSE(done) << sql;
  }
}

TEST_P(RemoteUserStoreTest, GroupsAndPermissions) {
  const auto user = must_save(remote(1, "a@example.com"));
  const auto other = must_save(remote(2, "b@example.com"));
  EXPECT_TRUE(grants(user.id).groups.empty());
  EXPECT_TRUE(grants(user.id).permissions.empty());
  const auto id = std::to_string(user.id);
  db::run_script(*database_, R"(
    INSERT INTO auth_group (name) VALUES ('b'), ('B'), ('a, c'), (')"
                             "\xc3\xa4"
                             R"('), ('not theirs');
    INSERT INTO user_groups (user_id, group_id) SELECT )" +
                                 id +
                                 R"(, id FROM auth_group WHERE name <> 'not theirs';
    INSERT INTO user_groups (user_id, group_id) SELECT )" +
                                 std::to_string(other.id) +
                                 R"(, id FROM auth_group WHERE name = 'not theirs';
    INSERT INTO django_content_type (app_label, model) VALUES ('shop', 'order'), ('shop', 'cart'), ('Shop', 'x');
    INSERT INTO auth_permission (content_type_id, codename, name)
      SELECT id, 'add', 'may add' FROM django_content_type WHERE app_label IN ('shop', 'Shop');
    INSERT INTO user_user_permissions (user_id, permission_id)
      SELECT )" + id + R"(, p.id FROM auth_permission p WHERE codename IN ('add', 'view_user');
    INSERT INTO auth_group_permissions (group_id, permission_id)
      SELECT g.id, p.id FROM auth_group g, auth_permission p
      WHERE (g.name = 'b' AND codename IN ('view_user', 'add_group')) OR (g.name = 'B' AND codename = 'add_group')
         OR (g.name = 'not theirs' AND codename = 'delete_user'))");
  EXPECT_EQ(grants(user.id).groups, (Texts{"B", "a, c", "b", "\xc3\xa4"}));
  EXPECT_EQ(grants(user.id).permissions,
            (Texts{"Shop.add", "auth.add_group", "easyjwt_user.view_user", "shop.add"}));
  EXPECT_EQ(grants(other.id).groups, Texts{"not theirs"});
  EXPECT_EQ(grants(other.id).permissions, Texts{"easyjwt_user.delete_user"});
}

/// Several threads, and services, on one database.
class RemoteUsersAtOnce : public RemoteUserStoreTest {
 protected:
  /// Runs f(database, number) in threads, half of them with a second Database.
  void together(const std::function<void(db::Database&, int)>& f) {
    db::TestDatabase* where = &place_;
    const auto second = GetParam() == db::Place::memory ? nullptr : where->open();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] { f(i % 2 == 0 || !second ? *database_ : *second, i); });
    }
    for (auto& thread : threads) thread.join();
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, RemoteUsersAtOnce, db::every_place, db::place_name);

TEST_P(RemoteUsersAtOnce, EverybodyGetsTheOneCopy) {
  const auto legacy = add("legacy@example.com", "");
  for (std::int64_t id = 1; id <= 20; ++id) {
    const auto email = "user" + std::to_string(id) + "@example.com";
    std::array<std::int64_t, 8> ids{};
    together([&](db::Database& database, int i) {
      const auto saved = save(database, remote(id, id == 20 ? "legacy@example.com" : email));
      EXPECT_TRUE(saved) << saved.error().reason;
      if (saved) ids[static_cast<std::size_t>(i)] = saved->id;
    });
    EXPECT_EQ(std::ranges::count(ids, ids[0]), 8);
  }
  EXPECT_EQ(must_find(20).id, legacy);
  EXPECT_EQ(count("\"user\""), 20);
  EXPECT_EQ(count("easyjwt_remote_user"), 20);
}

TEST_P(RemoteUsersAtOnce, AnswersOfDifferentAgeMakeOneCopy) {
  for (std::int64_t id = 1; id <= 20; ++id) {
    together([&](db::Database& database, int i) {
      const auto email = std::string(1, "ab"[i / 4]) + std::to_string(id) + "@example.com";
      const auto saved = save(database, remote(id, email));
      EXPECT_TRUE(saved) << saved.error().reason;
    });
  }
  EXPECT_EQ(count("\"user\""), 20);
  EXPECT_EQ(count("easyjwt_remote_user"), 20);
}

TEST_P(RemoteUsersAtOnce, EmailsThatGoRoundLeaveEverybodyTheirOwn) {
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 1; id <= 4; ++id) {
    ids.push_back(must_save(remote(id, std::to_string(id) + "@example.com")).id);
  }
  privilege(ids[0]);
  for (int turn = 1; turn <= 10; ++turn) {
    const auto email = [&](int user) { return std::to_string((user + turn) % 4) + "@example.com"; };
    together([&](db::Database& database, int i) {
      const auto saved = save(database, remote(i / 2 + 1, email(i / 2)));
      // To be tried again; never a word about somebody's account.
      EXPECT_TRUE(saved || saved.error().code == Errc::unavailable) << saved.error().reason;
    });
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(must_save(remote(i + 1, email(i))).id, ids[static_cast<std::size_t>(i)]);
    }
    for (int i = 0; i < 4; ++i) EXPECT_EQ(must_find(i + 1).email, email(i));
  }
  EXPECT_EQ(count("\"user\""), 4);
  expect_privileged(must_find(1));
  for (int i = 2; i <= 4; ++i) expect_ordinary(must_find(i));
}

/// What PostgreSQL does not show one transaction of another.
class RemoteUserRaces : public RemoteUserStoreTest {
 protected:
  /// Saves `user` while another transaction has run `first` and is not yet at its end: it ends once
  /// the save waits for it.
  Result<User> race(const std::function<Result<void>(db::Transaction&)>& first,
                    const RemoteUser& user) {
    const auto other = place_.open();
    Result<User> saved = fail(Errc::internal);
    std::thread second;
    const auto done = database_->write([&](db::Transaction& transaction) -> Result<void> {
      if (auto result = first(transaction); !result) return result;
      if (second.joinable()) return fail(Errc::internal, {}, "run twice");
      second = std::thread([&] { saved = save(*other, user, later); });
      return wait_until_somebody_waits(transaction);
    });
    if (second.joinable()) second.join();
    EXPECT_TRUE(done) << done.error().reason;
    return saved;
  }

 private:
  static Result<void> wait_until_somebody_waits(db::Transaction& transaction) {
    static constexpr db::Sql waiting{
        "SELECT count(*) FROM pg_locks "
        "WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"};
    std::int64_t n = 0;
    while (n == 0) {
      // Ends with the transaction's deadline, if not before.
      const auto done =
          transaction.run(waiting, {}, [&](const db::Row& row) { n = row.integer(0); });
      if (!done) return fail(done.error());
    }
    return {};
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, RemoteUserRaces, testing::Values(db::Place::postgresql),
                         db::place_name);

std::function<Result<void>(db::Transaction&)> saving(RemoteUser user) {
  return [user](db::Transaction& transaction) -> Result<void> {
    const auto saved = RemoteUserStore(transaction).save(user, now);
    if (!saved) return fail(saved.error());
    return {};
  };
}

std::function<Result<void>(db::Transaction&)> running(std::string script) {
  return [script](db::Transaction& transaction) { return transaction.run_script(script); };
}

TEST_P(RemoteUserRaces, TheSameNewUser) {
  const auto saved = race(saving(remote(7, "a@example.com")), remote(7, "a@example.com"));
  ASSERT_TRUE(saved) << saved.error().reason;
  EXPECT_EQ(saved->id, must_find(7).id);
  EXPECT_EQ(saved->modified_date, now);
  EXPECT_EQ(count("\"user\""), 1);
}

TEST_P(RemoteUserRaces, TheSameNewUserUnderTwoEmails) {
  const auto saved = race(saving(remote(7, "a@example.com")), remote(7, "b@example.com"));
  ASSERT_TRUE(saved) << saved.error().reason;
  EXPECT_EQ(must_find(7).email, "b@example.com");
  EXPECT_EQ(count("\"user\""), 1);
}

TEST_P(RemoteUserRaces, TwoNewUsersOfOneEmail) {
  // The last who comes by has it, and nobody is told of a local account that there is not.
  const auto saved = race(saving(remote(7, "a@example.com")), remote(8, "a@example.com"));
  ASSERT_TRUE(saved) << saved.error().reason;
  EXPECT_EQ(must_find(8).email, "a@example.com");
  EXPECT_NE(must_find(7).id, must_find(8).id);
}

TEST_P(RemoteUserRaces, WhatTheOriginalMadeIsFoundTwice) {
  const auto id = add("a@example.com", "");
  privilege(id);
  auto saved = race(saving(remote(7, "a@example.com")), remote(7, "a@example.com"));
  ASSERT_TRUE(saved) << saved.error().reason;
  EXPECT_EQ(saved->id, id);
  EXPECT_EQ(count("\"user\""), 1);
}

TEST_P(RemoteUserRaces, WhatTheOriginalMadeIsFoundByTwoUsers) {
  const auto id = add("a@example.com", "");
  privilege(id);
  const auto saved = race(saving(remote(7, "a@example.com")), remote(8, "a@example.com"));
  ASSERT_TRUE(saved) << saved.error().reason;
  EXPECT_EQ(must_find(7).id, id);
  expect_ordinary(must_find(8));
}

TEST_P(RemoteUserRaces, AnAccountThatJustGotAPasswordIsLocal) {
  const auto id = add("a@example.com", "");
  const auto saved =
      race(running("UPDATE \"user\" SET password = 'x'"), remote(7, "a@example.com"));
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, Errc::conflict) << saved.error().reason;
  EXPECT_EQ(find(7), std::nullopt);
  EXPECT_EQ(count("\"user\" WHERE email = 'a@example.com' AND id = " + std::to_string(id)), 1);
}

constexpr const char* a_local_account =
    "INSERT INTO \"user\" (password, is_superuser, is_staff, is_active, date_joined, first_name, "
    "last_name, email, modified_date, creation_date) "
    "VALUES ('x', false, false, true, now(), '', '', 'b@example.com', now(), now())";

TEST_P(RemoteUserRaces, ALocalAccountIsMadeMeanwhile) {
  auto saved = race(running(a_local_account), remote(7, "b@example.com"));
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, Errc::conflict) << saved.error().reason;
  EXPECT_EQ(find(7), std::nullopt);
}

TEST_P(RemoteUserRaces, ALocalAccountIsMadeWhileACopyMovesThere) {
  must_save(remote(7, "a@example.com"));
  auto saved = race(running(a_local_account), remote(7, "b@example.com"));
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, Errc::unavailable) << saved.error().reason;
  EXPECT_EQ(saved.error().reason, "the e-mail of remote user 7 was taken meanwhile");
  saved = save(*database_, remote(7, "b@example.com"));
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, Errc::conflict);
}

TEST_P(RemoteUserRaces, ACopyIsDeletedMeanwhile) {
  const auto first = must_save(remote(7, "a@example.com"));
  const auto saved = race(running("DELETE FROM \"user\""), remote(7, "b@example.com"));
  ASSERT_TRUE(saved) << saved.error().reason;
  EXPECT_NE(saved->id, first.id);
  EXPECT_EQ(must_find(7).email, "b@example.com");
}

/// What others do to a file.
class RemoteUsersOfAFile : public RemoteUserStoreTest {
 protected:
  std::string path() const { return place_.url().substr(std::string_view("sqlite:///").size()); }
};

INSTANTIATE_TEST_SUITE_P(Engines, RemoteUsersOfAFile, testing::Values(db::Place::file),
                         db::place_name);

TEST_P(RemoteUsersOfAFile, WhatAShellLeavesBehindIsInNobodysWay) {
  // sqlite3's shell does not mind foreign keys unless it is told to.
  const auto first = must_save(remote(1, "a@example.com"));
  db::Raw raw(path());
  raw.run("PRAGMA foreign_keys=OFF; DELETE FROM user");
  ASSERT_EQ(raw.value("SELECT count(*) FROM easyjwt_remote_user"), "1");
  EXPECT_EQ(find(1), std::nullopt);
  const auto again = must_save(remote(1, "a@example.com"));
  EXPECT_NE(again.id, first.id);
  EXPECT_EQ(must_find(1).id, again.id);
  EXPECT_EQ(count("\"user\""), 1);
  // The same where the original has made its copy meanwhile.
  raw.run("DELETE FROM user");
  const auto legacy = add("a@example.com", "");
  EXPECT_EQ(must_save(remote(1, "a@example.com")).id, legacy);
  EXPECT_EQ(raw.rows("PRAGMA foreign_key_check"), Texts{});
}

}  // namespace
}  // namespace easyjwt
