#include "easyjwt/auth/logins.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "db/test_database.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

const Time start = *parse_time("2026-11-23T12:00:00Z");
const std::string alice = "alice@example.com";

class LoginsTest : public testing::TestWithParam<db::Place> {
 protected:
  LoginsTest() {
    if (const auto done = db::migrate(*database_, clock()); !done) {
      throw std::runtime_error(done.error().reason);
    }
    User user;
    user.email = alice;
    const auto id = database_->write(
        [&](db::Transaction& transaction) { return UserStore(transaction).insert(user, start); });
    if (!id) throw std::runtime_error(id.error().reason);
    alice_ = *id;
  }

  Clock clock() {
    return [this] { return start + std::chrono::microseconds{++ticks_}; };
  }
  std::unique_ptr<Logins> logins() {
    return std::make_unique<Logins>(*database_, 90 * 24h, clock(), no_log());
  }
  /// As whoever lets somebody in.
  void log_in(Logins& logins, Time at) {
    const auto done = database_->write([&](db::Transaction& transaction) {
      return LoginStore(transaction)
          .add({.user_id = alice_,
                .at = at,
                .succeeded = true,
                .how = "token",
                .address = {},
                .user_agent = {}});
    });
    ASSERT_TRUE(done) << done.error().reason;
    logins.succeeded(alice_, at, LoginHow::token);
  }
  Texts counts() {
    Texts found;
    const auto done = database_->read([&](db::Transaction& transaction) {
      return LoginStore(transaction).list_counts(Time{}, [&](const LoginCount& count) {
        found.push_back(to_rfc3339(count.hour).substr(0, 13) + ' ' + count.what + ' ' + count.how +
                        ' ' + std::to_string(count.n));
      });
    });
    EXPECT_TRUE(done) << done.error().reason;
    return found;
  }
  Texts agents() {
    Texts found;
    const auto done = database_->read([&](db::Transaction& transaction) {
      return LoginStore(transaction).list_of_user(alice_, 10'000, [&](const Login& login) {
        found.push_back((login.succeeded ? "in " : "out ") + login.how + ' ' + login.address + ' ' +
                        login.user_agent);
      });
    });
    EXPECT_TRUE(done) << done.error().reason;
    return found;
  }

  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
  std::atomic<std::int64_t> ticks_ = 0;
  std::int64_t alice_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Engines, LoginsTest, db::shared_places, db::place_name);

TEST_P(LoginsTest, WritesWhatThereIsAtItsEnd) {
  auto some = logins();
  some->refused(alice, LoginHow::session, {.user_agent = "curl", .address = "::1"});
  some->refused("nobody@example.com", LoginHow::token, {});
  some->refused(std::string(255, 'x'), LoginHow::token, {});
  some.reset();
  EXPECT_EQ(agents(), Texts{"out session ::1 curl"});
  EXPECT_EQ(counts(), (Texts{"2026-11-23T12 refused session 1", "2026-11-23T12 refused token 2"}));
}

TEST_P(LoginsTest, AndMeanwhile) {
  const auto some = logins();
  some->refused(alice, LoginHow::token, {});
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (counts().empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(counts().size(), 1u);
  EXPECT_EQ(agents().size(), 1u);
}

TEST_P(LoginsTest, OfAFloodTheNewestAreKeptAndAllAreCounted) {
  for (int round = 0; round < 2; ++round) {
    auto some = logins();
    for (int i = 0; i < 1500; ++i) {
      some->refused(alice, LoginHow::token, {.user_agent = std::to_string(i), .address = {}});
    }
  }
  const auto found = agents();
  ASSERT_EQ(found.size(), 20u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(found[static_cast<std::size_t>(i)], "out token  " + std::to_string(1499 - i));
  }
  EXPECT_EQ(counts(), Texts{"2026-11-23T12 refused token 3000"});
}

TEST_P(LoginsTest, AUserIsActiveOnceADay) {
  {
    auto one = logins();
    log_in(*one, start + 1h);
    log_in(*one, start + 2h);
  }
  {
    auto next = logins();
    log_in(*next, start + 3h);
    log_in(*next, start + 12h);
  }
  EXPECT_EQ(counts(), (Texts{"2026-11-23T13 first token 1", "2026-11-23T13 succeeded token 1",
                             "2026-11-23T14 succeeded token 1", "2026-11-23T15 succeeded token 1",
                             "2026-11-24T00 first token 1", "2026-11-24T00 succeeded token 1"}));
}

TEST_P(LoginsTest, SeveralCountTogether) {
  std::vector<std::unique_ptr<Logins>> nodes;
  std::vector<std::unique_ptr<db::Database>> databases;
  for (int i = 0; i < 3; ++i) {
    databases.push_back(place_.open());
    nodes.push_back(std::make_unique<Logins>(*databases.back(), 24h, clock(), no_log()));
  }
  std::vector<std::thread> threads;
  for (const auto& node : nodes) {
    threads.emplace_back([&node] {
      for (int i = 0; i < 100; ++i) node->refused("nobody@example.com", LoginHow::token, {});
      node->refused(alice, LoginHow::sliding, {});
    });
  }
  for (auto& thread : threads) thread.join();
  nodes.clear();
  EXPECT_EQ(agents().size(), 3u);
  EXPECT_EQ(counts(),
            (Texts{"2026-11-23T12 refused sliding 3", "2026-11-23T12 refused token 300"}));
}

TEST_P(LoginsTest, DeletesWhatIsOld) {
  const auto done = database_->write([&](db::Transaction& transaction) -> Result<void> {
    LoginStore store(transaction);
    for (int i = 0; i < 250; ++i) {
      const auto added = store.add({.user_id = alice_,
                                    .at = start - (i < 249 ? 25h : 23h),
                                    .succeeded = true,
                                    .how = "token",
                                    .address = {},
                                    .user_agent = {}});
      if (!added) return added;
    }
    return store.add_count({.hour = start - 25h, .what = "refused", .how = "token", .n = 1});
  });
  ASSERT_TRUE(done) << done.error().reason;
  const Logins some(*database_, 24h, clock(), no_log());
  const auto end = std::chrono::steady_clock::now() + 30s;
  while ((agents().size() > 1 || !counts().empty()) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(agents().size(), 1u);
  EXPECT_EQ(counts(), Texts{});
}

TEST_P(LoginsTest, WhatCannotBeWrittenNowIsWrittenLater) {
  const auto script = [&](std::string_view text) {
    const auto done = database_->write(
        [&](db::Transaction& transaction) { return transaction.run_script(text); });
    ASSERT_TRUE(done) << done.error().reason;
  };
  script("ALTER TABLE easyjwt_login_count RENAME TO elsewhere");
  std::atomic<int> told = 0;
  {
    Logins some(*database_, 24h, clock(),
                [&](LogLevel, std::string_view message, std::initializer_list<LogField>) {
                  if (message.starts_with("logins ")) ++told;  // the cleaning fails, too
                });
    some.refused(alice, LoginHow::token, {});
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (told == 0 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(10ms);
    script("ALTER TABLE elsewhere RENAME TO easyjwt_login_count");
  }
  EXPECT_EQ(told, 2);
  EXPECT_EQ(counts(), Texts{"2026-11-23T12 refused token 1"});
  EXPECT_EQ(agents().size(), 1u);
}

}  // namespace
}  // namespace easyjwt
