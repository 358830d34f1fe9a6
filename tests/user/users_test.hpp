#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/test_database.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/user_list_store.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {

using Emails = std::vector<std::string>;

inline const Time now = *parse_time("2026-11-23T12:00:00.250000Z");

/// Users on tables that somebody else writes to as well.
class UsersTest : public testing::TestWithParam<db::Place> {
 protected:
  UsersTest() {
    const auto migrated = db::migrate(*database_, [] { return now; });
    if (!migrated) throw std::runtime_error(migrated.error().reason);
  }

  static User user(std::string email, std::string first, std::string last) {
    User user;
    user.email = std::move(email);
    user.first_name = std::move(first);
    user.last_name = std::move(last);
    user.date_joined = now;
    return user;
  }
  void add(const std::vector<User>& users) {
    // Some at a time: a transaction has a request's deadline.
    for (std::span rest(users); !rest.empty();) {
      const auto some = rest.first(std::min<std::size_t>(rest.size(), 200));
      rest = rest.subspan(some.size());
      const auto done = database_->write([&](db::Transaction& transaction) -> Result<void> {
        for (const auto& user : some) {
          if (const auto id = UserStore(transaction).insert(user, now); !id)
            return fail(id.error());
        }
        return {};
      });
      ASSERT_TRUE(done) << done.error().reason;
    }
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

}  // namespace easyjwt
