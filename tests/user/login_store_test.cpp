#include "easyjwt/user/login_store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "db/test_database.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

const Time now = *parse_time("2026-11-23T12:30:00.250000Z");
const Time hour = *parse_time("2026-11-23T12:00:00Z");

class LoginStoreTest : public testing::TestWithParam<db::Place> {
 protected:
  LoginStoreTest() {
    const auto migrated = db::migrate(*database_, [] { return now; });
    if (!migrated) throw std::runtime_error(migrated.error().reason);
    for (const auto* email : {"a@example.com", "b@example.com"}) {
      User user;
      user.email = email;
      users_.push_back(write(
          [&](db::Transaction& transaction) { return UserStore(transaction).insert(user, now); }));
    }
  }

  template <class F>
  typename std::invoke_result_t<F, db::Transaction&>::value_type write(F f) {
    const auto done = database_->write(f);
    if (!done) throw std::runtime_error(done.error().reason);
    if constexpr (!std::is_void_v<typename decltype(done)::value_type>) return *done;
  }
  void add(std::int64_t user_id, Time at, bool succeeded, const std::string& agent = "agent") {
    write([&](db::Transaction& transaction) {
      return LoginStore(transaction)
          .add({.user_id = user_id,
                .at = at,
                .succeeded = succeeded,
                .how = "token",
                .address = "2001:db8::1",
                .user_agent = agent});
    });
  }
  Texts agents(std::int64_t user_id, std::int64_t limit = 1000) {
    Texts found;
    write([&](db::Transaction& transaction) {
      found.clear();
      return LoginStore(transaction).list_of_user(user_id, limit, [&](const Login& login) {
        found.push_back(login.user_agent);
      });
    });
    return found;
  }
  void count(Time at, std::string_view what, std::int64_t n) {
    write([&](db::Transaction& transaction) {
      return LoginStore(transaction)
          .add_count({.hour = at, .what = std::string(what), .how = "token", .n = n});
    });
  }
  Texts counts(Time from) {
    Texts found;
    write([&](db::Transaction& transaction) {
      found.clear();
      return LoginStore(transaction).list_counts(from, [&](const LoginCount& count) {
        found.push_back(to_rfc3339(count.hour) + ' ' + count.what + ' ' + count.how + ' ' +
                        std::to_string(count.n));
      });
    });
    return found;
  }

  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
  std::vector<std::int64_t> users_;
};

INSTANTIATE_TEST_SUITE_P(Engines, LoginStoreTest, db::every_place, db::place_name);

TEST_P(LoginStoreTest, AUsersNewestFirst) {
  add(users_[0], now, true, "second");
  add(users_[0], now - 1us, false, "first");
  add(users_[0], now, true, "third");
  add(users_[1], now, true, "another's");
  EXPECT_EQ(agents(users_[0]), (Texts{"third", "second", "first"}));
  EXPECT_EQ(agents(users_[0], 2), (Texts{"third", "second"}));
  EXPECT_EQ(agents(99), Texts{});
  std::vector<Login> logins;
  write([&](db::Transaction& transaction) {
    logins.clear();
    return LoginStore(transaction).list_of_user(users_[0], 10, [&](const Login& login) {
      logins.push_back(login);
    });
  });
  ASSERT_EQ(logins.size(), 3u);
  EXPECT_EQ(logins[2].user_id, users_[0]);
  EXPECT_EQ(logins[2].at, now - 1us);
  EXPECT_FALSE(logins[2].succeeded);
  EXPECT_TRUE(logins[1].succeeded);
  EXPECT_EQ(logins[2].how, "token");
  EXPECT_EQ(logins[2].address, "2001:db8::1");
}

TEST_P(LoginStoreTest, OfAnHoursRefusalsTheNewestStay) {
  for (int i = 0; i < 4; ++i) add(users_[0], now + i * 1s, false, std::to_string(i));
  add(users_[0], now, true, "in");
  add(users_[0], hour - 1us, false, "hour before");
  add(users_[0], hour + 1h, false, "hour after");
  add(users_[1], now, false, "another's");
  write([&](db::Transaction& transaction) {
    return LoginStore(transaction).trim_refused(users_[0], hour, hour + 1h, 2);
  });
  EXPECT_EQ(agents(users_[0]), (Texts{"hour after", "3", "2", "in", "hour before"}));
  EXPECT_EQ(agents(users_[1]), Texts{"another's"});
}

TEST_P(LoginStoreTest, WhoHasLoggedIn) {
  add(users_[0], now, true);
  add(users_[1], now, false);
  const auto has = [&](std::int64_t user_id, Time from, Time until) {
    return write([&](db::Transaction& transaction) {
      return LoginStore(transaction).has_logged_in(user_id, from, until);
    });
  };
  EXPECT_TRUE(has(users_[0], now, now + 1us));
  EXPECT_FALSE(has(users_[0], now - 1h, now));
  EXPECT_FALSE(has(users_[0], now + 1us, now + 1h));
  EXPECT_FALSE(has(users_[1], now, now + 1us));
}

TEST_P(LoginStoreTest, CountsAddUp) {
  count(hour, LoginCount::succeeded, 2);
  count(hour, LoginCount::succeeded, 3);
  count(hour, LoginCount::refused, 1);
  count(hour - 1h, LoginCount::first, 7);
  EXPECT_EQ(counts(hour - 1h),
            (Texts{"2026-11-23T11:00:00Z first token 7", "2026-11-23T12:00:00Z refused token 1",
                   "2026-11-23T12:00:00Z succeeded token 5"}));
  EXPECT_EQ(counts(hour).size(), 2u);
}

TEST_P(LoginStoreTest, WhatIsOldIsDeletedSomeAtATime) {
  for (int i = 0; i < 3; ++i) {
    add(users_[0], now - i * 1h, true, std::to_string(i));
    count(hour - i * 1h, LoginCount::succeeded, 1);
  }
  const auto flush = [&](auto method, Time before, std::int64_t limit) {
    return write([&](db::Transaction& transaction) {
      return (LoginStore(transaction).*method)(before, limit);
    });
  };
  EXPECT_EQ(flush(&LoginStore::flush, now, 1), 1);
  EXPECT_EQ(agents(users_[0]), (Texts{"0", "1"}));  // the oldest first
  EXPECT_EQ(flush(&LoginStore::flush, now, 100), 1);
  EXPECT_EQ(agents(users_[0]), Texts{"0"});
  EXPECT_EQ(flush(&LoginStore::flush_counts, hour, 1), 1);
  EXPECT_EQ(flush(&LoginStore::flush_counts, hour, 100), 1);
  EXPECT_EQ(counts(hour - 3h), Texts{"2026-11-23T12:00:00Z succeeded token 1"});
}

TEST_P(LoginStoreTest, GoesWithItsUser) {
  add(users_[0], now, true);
  add(users_[1], now, true, "stays");
  write([&](db::Transaction& transaction) {
    return transaction.run_script("DELETE FROM \"user\" WHERE email = 'a@example.com'");
  });
  EXPECT_EQ(agents(users_[0]), Texts{});
  EXPECT_EQ(agents(users_[1]), Texts{"stays"});
}

}  // namespace
}  // namespace easyjwt
