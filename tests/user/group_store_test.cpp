#include "easyjwt/user/group_store.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "db/support.hpp"
#include "db/test_database.hpp"
#include "easyjwt/db/migrations.hpp"

namespace easyjwt {
namespace {

using Ids = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;

const Time now = *parse_time("2026-11-30T12:00:00Z");

class GroupStoreTest : public testing::TestWithParam<db::Place> {
 protected:
  GroupStoreTest() {
    const auto migrated = db::migrate(*database_, [] { return now; });
    if (!migrated) throw std::runtime_error(migrated.error().reason);
  }

  /// What a call of the store gives.
  template <class F>
  auto run(F f) {
    return database_->write([&](db::Transaction& transaction) {
      GroupStore store(transaction);
      return f(store);
    });
  }
  std::int64_t group(const std::string& name) {
    const auto id = run([&](GroupStore& store) { return store.insert(name); });
    if (!id) throw std::runtime_error(id.error().reason);
    return *id;
  }
  std::int64_t user(const std::string& email) {
    User user;
    user.email = email;
    user.date_joined = now;
    return *database_->write(
        [&](db::Transaction& transaction) { return UserStore(transaction).insert(user, now); });
  }
  std::int64_t permission(const std::string& key) {
    const auto all = run([](GroupStore& store) { return store.all_permissions(); });
    for (const auto& one : *all) {
      if (one.key() == key) return one.id;
    }
    throw std::runtime_error("no permission " + key);
  }
  Texts list(const GroupQuery& query) {
    Texts out;
    const auto done = run([&](GroupStore& store) {
      out.clear();
      return store.list(query, [&](const Group& group) {
        out.push_back(group.name + ' ' + std::to_string(group.members) + ' ' +
                      std::to_string(group.permissions));
      });
    });
    EXPECT_TRUE(done);
    EXPECT_EQ(run([&](GroupStore& store) { return store.count(query); }).value(),
              static_cast<std::int64_t>(out.size()));
    return out;
  }
  Texts members(std::int64_t id, std::int64_t offset = 0, std::int64_t limit = 100) {
    Texts out;
    const auto done = run([&](GroupStore& store) {
      out.clear();
      return store.list_members(id, offset, limit,
                                [&](const User& user) { out.push_back(user.email); });
    });
    EXPECT_TRUE(done);
    return out;
  }
  Ids permissions(std::int64_t id) {
    return run([&](GroupStore& store) { return store.permissions_of(id); }).value();
  }

  db::TestDatabase place_{GetParam()};
  std::unique_ptr<db::Database> database_ = place_.open();
};

INSTANTIATE_TEST_SUITE_P(Engines, GroupStoreTest, db::every_place, db::place_name);

TEST_P(GroupStoreTest, GroupsAreMadeNamedAndFound) {
  const auto editors = group("Editors");
  group("100%_sure");
  EXPECT_EQ(list({}), (Texts{"100%_sure 0 0", "Editors 0 0"}));
  EXPECT_EQ(list({.descending = true}), (Texts{"Editors 0 0", "100%_sure 0 0"}));
  EXPECT_EQ(list({.word = "dIt"}), Texts{"Editors 0 0"});
  EXPECT_EQ(list({.word = "%_"}), Texts{"100%_sure 0 0"});
  EXPECT_EQ(list({.word = "_d"}), Texts{});
  EXPECT_EQ(list({.word = std::string("a\0b", 3)}), Texts{});
  const auto taken = run([](GroupStore& store) { return store.insert("Editors"); });
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::conflict);
  EXPECT_TRUE(run([&](GroupStore& store) { return store.rename(editors, "Writers"); }).value());
  EXPECT_EQ(run([&](GroupStore& store) { return store.find(editors); }).value()->name, "Writers");
  const auto clash = run([&](GroupStore& store) { return store.rename(editors, "100%_sure"); });
  ASSERT_FALSE(clash);
  EXPECT_EQ(clash.error().code, Errc::conflict);
  for (const auto id : {std::int64_t{0}, std::int64_t{-1}, editors + 100,
                        std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_FALSE(run([&](GroupStore& store) { return store.find(id); }).value()) << id;
  }
}

TEST_P(GroupStoreTest, PermissionsAreSet) {
  const auto id = group("a");
  const auto other = group("b");
  const auto view = permission("easyjwt_user.view_user");
  const auto add = permission("auth.add_group");
  const auto set = [&](std::int64_t group, const Ids& ids) {
    return run([&](GroupStore& store) { return store.set_permissions(group, ids); });
  };
  ASSERT_TRUE(set(other, {view}));
  ASSERT_TRUE(set(id, {view, add}));
  EXPECT_EQ(permissions(id), (Ids{std::min(view, add), std::max(view, add)}));
  ASSERT_TRUE(set(id, {add}));
  EXPECT_EQ(permissions(id), Ids{add});
  ASSERT_TRUE(set(id, {}));
  EXPECT_EQ(permissions(id), Ids{});
  EXPECT_EQ(permissions(other), Ids{view});
}

TEST_P(GroupStoreTest, AllPermissionsHaveNames) {
  const auto all = run([](GroupStore& store) { return store.all_permissions(); }).value();
  EXPECT_EQ(all.size(), 32u);
  EXPECT_EQ(all.front().key(), "admin.add_logentry");
  EXPECT_EQ(all.front().name, "Can add log entry");
  EXPECT_EQ(all.front().model, "logentry");
}

TEST_P(GroupStoreTest, Members) {
  const auto id = group("a");
  const auto other = group("b");
  const Ids users{user("1@example.com"), user("2@example.com"), user("3@example.com")};
  const auto add = [&](std::int64_t group, std::int64_t user) {
    return run([&](GroupStore& store) { return store.add_member(group, user); }).value();
  };
  EXPECT_TRUE(add(id, users[2]));
  EXPECT_TRUE(add(id, users[0]));
  EXPECT_FALSE(add(id, users[0]));
  EXPECT_FALSE(add(id, users[2] + 100));
  EXPECT_TRUE(add(other, users[1]));
  EXPECT_EQ(members(id), (Texts{"3@example.com", "1@example.com"}));
  EXPECT_EQ(members(id, 1, 1), Texts{"1@example.com"});
  EXPECT_EQ(run([&](GroupStore& store) { return store.count_members(id); }).value(), 2);
  EXPECT_EQ(run([&](GroupStore& store) { return store.are_members(id, users); }).value(),
            (std::vector<bool>{true, false, true}));
  const auto remove = [&](std::int64_t user) {
    return run([&](GroupStore& store) { return store.remove_member(id, user); }).value();
  };
  EXPECT_TRUE(remove(users[0]));
  EXPECT_FALSE(remove(users[1]));
  EXPECT_EQ(list({}), (Texts{"a 1 0", "b 1 0"}));
}

TEST_P(GroupStoreTest, AGroupGoesWithWhatItHas) {
  const auto id = group("a");
  const auto other = group("b");
  const auto view = permission("easyjwt_user.view_user");
  for (int i = 0; i < 5; ++i) {
    const auto one = user(std::to_string(i) + "@example.com");
    run([&](GroupStore& store) { return store.add_member(id, one); });
    run([&](GroupStore& store) { return store.add_member(other, one); });
  }
  for (const auto group : {id, other}) {
    run([&](GroupStore& store) { return store.set_permissions(group, Ids{view}); });
  }
  // Each user has two memberships: of the next three one and a half are the group's.
  std::optional<std::int64_t> last = 0;
  const auto drop = [&] {
    last = run([&](GroupStore& store) { return store.drop_members(id, *last, 3); }).value();
  };
  drop();
  ASSERT_TRUE(last);
  EXPECT_EQ(members(id), (Texts{"2@example.com", "3@example.com", "4@example.com"}));
  drop();
  ASSERT_TRUE(last);
  drop();
  EXPECT_FALSE(last);
  EXPECT_EQ(members(id), Texts{});
  EXPECT_EQ(members(other).size(), 5u);
  EXPECT_TRUE(run([&](GroupStore& store) { return store.remove(id); }).value());
  EXPECT_FALSE(run([&](GroupStore& store) { return store.remove(id); }).value());
  EXPECT_EQ(list({}), Texts{"b 5 1"});
  EXPECT_EQ(members(id), Texts{});
  EXPECT_EQ(permissions(id), Ids{});
}

}  // namespace
}  // namespace easyjwt
