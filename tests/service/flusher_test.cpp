#include "service/flusher.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "db/test_database.hpp"
#include "easyjwt/auth/family_store.hpp"
#include "easyjwt/auth/token_store.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

class FlusherTest : public testing::TestWithParam<db::Place> {
 protected:
  FlusherTest() {
    if (const auto done = db::migrate(*database_, system_clock()); !done) {
      throw std::runtime_error(done.error().reason);
    }
  }

  void add(int count, Time expires, const std::string& prefix) {
    const auto done = database_->write([&](db::Transaction& transaction) -> Result<void> {
      for (int i = 0; i < count; ++i) {
        const auto jti = prefix + std::to_string(i);
        const auto added = TokenStore(transaction)
                               .blacklist({.jti = jti,
                                           .token = "raw",
                                           .user_id = {},
                                           .created_at = {},
                                           .expires_at = expires},
                                          now_);
        if (!added) return fail(added.error());
      }
      return {};
    });
    ASSERT_TRUE(done) << done.error().reason;
  }

  std::int64_t count() {
    static constexpr db::Sql rows{"SELECT count(*) FROM token_blacklist_outstandingtoken"};
    std::int64_t n = -1;
    const auto done = database_->read([&](db::Transaction& transaction) {
      return transaction.run(rows, {}, [&](const db::Row& row) { n = row.integer(0); });
    });
    EXPECT_TRUE(done);
    return n;
  }

  Log log() {
    return [this](LogLevel, std::string_view message, std::initializer_list<LogField> fields) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(message);
      for (const auto& field : fields) lines_.back() += " " + std::string(field.value);
    };
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  const Time now_ = *parse_time("2026-11-23T12:00:00Z");
  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

INSTANTIATE_TEST_SUITE_P(Engines, FlusherTest, db::shared_places, db::place_name);

TEST_P(FlusherTest, DeletesWhatHasExpiredAndNothingElse) {
  add(450, now_ - 1h, "old");  // three batches
  add(3, now_ + 1h, "new");
  {
    const Flusher flusher(
        *database_, 1s, 5min, [&] { return now_; }, log());
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (lines().empty() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(10ms);
    }
  }
  EXPECT_EQ(lines(), std::vector<std::string>{"expired tokens deleted 450"});
  EXPECT_EQ(count(), 3);
}

TEST_P(FlusherTest, DeletesFamiliesWhoseLastTokensAreDead) {
  const auto ended = [&](const char* id, Time expires) {
    const auto done = database_->write([&](db::Transaction& transaction) -> Result<void> {
      User user;
      user.email = std::string(id) + "@example.com";
      const auto user_id = UserStore(transaction).insert(user, now_);
      if (!user_id) return fail(user_id.error());
      return FamilyStore(transaction).add({.id = id, .user_id = *user_id, .expires_at = expires});
    });
    ASSERT_TRUE(done) << done.error().reason;
  };
  ended("dead", now_ - 301s);
  ended("dying", now_ - 299s);
  {
    const Flusher flusher(
        *database_, 1s, 5min, [&] { return now_; }, log());
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (lines().empty() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(10ms);
    }
  }
  EXPECT_EQ(lines(), std::vector<std::string>{"expired families of tokens deleted 1"});
  const auto left = database_->read(
      [&](db::Transaction& transaction) { return FamilyStore(transaction).is_live("dying"); });
  EXPECT_TRUE(*left);
}

TEST_P(FlusherTest, EndsAtOnceHoweverLongTheInterval) {
  const auto begun = std::chrono::steady_clock::now();
  {
    const Flusher flusher(
        *database_, 24h, 5min, [&] { return now_; }, log());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  EXPECT_TRUE(lines().empty());
}

TEST_P(FlusherTest, SeveralAtOnceDeleteEachTokenOnce) {
  add(600, now_ - 1h, "old");
  const auto other = place_.open();
  {
    const Flusher one(
        *database_, 1s, 5min, [&] { return now_; }, log());
    const Flusher two(
        *other, 1s, 5min, [&] { return now_; }, log());
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (count() > 0 && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(10ms);
    }
  }
  EXPECT_EQ(count(), 0);
  int deleted = 0;
  for (const auto& line : lines()) {
    ASSERT_TRUE(line.starts_with("expired tokens deleted ")) << line;
    deleted += std::stoi(line.substr(line.rfind(' ')));
  }
  EXPECT_EQ(deleted, 600);
}

}  // namespace
}  // namespace easyjwt
