#include "easyjwt/user/user_store.hpp"

#include <chrono>

#include "user/users_test.hpp"

namespace easyjwt {
namespace {

class UserStoreTest : public UsersTest {};

INSTANTIATE_TEST_SUITE_P(Engines, UserStoreTest, db::every_place, db::place_name);

TEST_P(UserStoreTest, UsersAreChangedAndDeleted) {
  add({user("a@example.com", "Ann", "Archer"), user("b@example.com", "Bob", "Builder")});
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
