#include "easyjwt/user/user_store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "db/test_database.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/user_list_store.hpp"

namespace easyjwt {
namespace {

using Emails = std::vector<std::string>;

const Time now = *parse_time("2026-11-23T12:00:00.250000Z");

class UserStoreTest : public testing::TestWithParam<db::Place> {
 protected:
  UserStoreTest() {
    const auto migrated = db::migrate(*database_, [] { return now; });
    if (!migrated) throw std::runtime_error(migrated.error().reason);
  }

  void add(std::string email, std::string first, std::string last) {
    User user;
    user.email = std::move(email);
    user.first_name = std::move(first);
    user.last_name = std::move(last);
    user.date_joined = now;
    const auto id = database_->write(
        [&](db::Transaction& transaction) { return UserStore(transaction).insert(user, now); });
    ASSERT_TRUE(id) << id.error().reason;
  }
  /// As Django would, or a hand.
  void script(std::string_view text) {
    const auto done = database_->write(
        [&](db::Transaction& transaction) { return transaction.run_script(text); });
    ASSERT_TRUE(done) << done.error().reason << ", in: " << text;
  }
  std::int64_t count(const UserQuery& query) {
    const auto n = database_->read(
        [&](db::Transaction& transaction) { return UserListStore(transaction).count(query); });
    EXPECT_TRUE(n) << n.error().reason;
    return n.value_or(-1);
  }
  Emails list(const UserQuery& query) {
    const auto found = database_->read([&](db::Transaction& transaction) -> Result<Emails> {
      Emails emails;
      const auto done = UserListStore(transaction).list(query, [&](const User& user) {
        emails.push_back(user.email);
      });
      if (!done) return fail(done.error());
      return emails;
    });
    EXPECT_TRUE(found) << found.error().reason;
    return found.value_or(Emails{});
  }

  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
};

INSTANTIATE_TEST_SUITE_P(Engines, UserStoreTest, db::every_place, db::place_name);

TEST_P(UserStoreTest, UsersAreChangedAndDeleted) {
  add("a@example.com", "Ann", "Archer");
  add("b@example.com", "Bob", "Builder");
  const auto run = [&](auto f) {
    return database_->write([&](db::Transaction& transaction) {
      UserStore store(transaction);
      return f(store);
    });
  };
  auto ann = **run([](UserStore& store) { return store.hold(1); });
  EXPECT_EQ(ann.email, "a@example.com");
  EXPECT_FALSE(run([](UserStore& store) { return store.hold(99); })->has_value());
  ann.email = "new@example.com";
  ann.phone = "1";
  ann.is_superuser = true;
  const auto later = now + std::chrono::seconds(5);
  ASSERT_TRUE(run([&](UserStore& store) { return store.update(ann, later); }));
  auto found = **run([](UserStore& store) { return store.find_by_id(1); });
  EXPECT_EQ(found.email, "new@example.com");
  EXPECT_EQ(found.phone, "1");
  EXPECT_EQ(found.modified_date, later);
  EXPECT_EQ(list({.words = {"new@example"}}), Emails{"new@example.com"});
  ann.email = "b@example.com";
  const auto taken = run([&](UserStore& store) { return store.update(ann, later); });
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::conflict);

  EXPECT_FALSE(*run([](UserStore& store) { return store.hold_other_superuser(1); }));
  EXPECT_TRUE(*run([](UserStore& store) { return store.hold_other_superuser(2); }));

  script("INSERT INTO auth_group (name) VALUES ('g')");
  script("INSERT INTO user_groups (user_id, group_id) VALUES (1, 1), (2, 1)");
  script("INSERT INTO user_user_permissions (user_id, permission_id) VALUES (1, 1)");
  script(
      "INSERT INTO token_blacklist_outstandingtoken (jti, token, expires_at, user_id) "
      "VALUES ('j', '', '2030-01-01 00:00:00', 1)");
  script(
      "INSERT INTO django_admin_log (action_time, user_id, object_repr, action_flag, "
      "change_message) VALUES ('2026-01-01 00:00:00', 1, '', 1, '')");
  const auto has = *run([](UserStore& store) { return store.count_belongings(1); });
  EXPECT_EQ(has.tokens, 1);
  EXPECT_EQ(has.groups, 1);
  EXPECT_EQ(has.permissions, 1);
  EXPECT_EQ(has.sessions, 0);
  EXPECT_EQ(has.log_entries, 1);
  EXPECT_TRUE(*run([](UserStore& store) { return store.remove(1); }));
  EXPECT_FALSE(*run([](UserStore& store) { return store.remove(1); }));
  EXPECT_EQ(list({}), Emails{"b@example.com"});
  EXPECT_EQ(count({.filter = {.group = 1}}), 1);
  EXPECT_EQ(count({}), 1);
}

}  // namespace
}  // namespace easyjwt
