#include "service/health.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "easyjwt/core/waiting.hpp"
#include "easyjwt/db/migrations.hpp"
#include "service/files.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

Log no_log() {
  return [](LogLevel, std::string_view, std::initializer_list<LogField>) {};
}

/// A database whose reads can be made to fail, as those of a server that was killed, or to hang, as
/// those of one that was frozen.
class FaultyDatabase final : public db::Database {
 public:
  enum class Mode { well, gone, frozen };

  explicit FaultyDatabase(std::unique_ptr<db::Database> inner) : inner_(std::move(inner)) {}
  ~FaultyDatabase() override { become(Mode::well); }

  void become(Mode mode) {
    {
      const std::lock_guard lock(mutex_);
      mode_ = mode;
    }
    changed_.notify_all();
  }
  db::Engine engine() const noexcept override { return inner_->engine(); }
  Counters counters() const noexcept override { return inner_->counters(); }

 protected:
  std::optional<Error> perform_read(
      FunctionRef<std::optional<Error>(db::Transaction&)> f) override {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return mode_ != Mode::frozen; });
      if (mode_ == Mode::gone) return Error{Errc::unavailable};
    }
    return forward(f, [this](auto work) { return inner_->read(work); });
  }
  std::optional<Error> perform_write(
      FunctionRef<std::optional<Error>(db::Transaction&)> f) override {
    return forward(f, [this](auto work) { return inner_->write(work); });
  }

 private:
  template <class Perform>
  static std::optional<Error> forward(FunctionRef<std::optional<Error>(db::Transaction&)> f,
                                      Perform perform) {
    const auto done = perform([&](db::Transaction& transaction) -> Result<bool> {
      if (auto error = f(transaction)) return fail(*std::move(error));
      return true;
    });
    if (done) return std::nullopt;
    return done.error();
  }

  std::unique_ptr<db::Database> inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Mode mode_ = Mode::well;
};

class HealthTest : public ::testing::Test {
 protected:
  HealthTest() { db::migrate(*database_, system_clock()).value(); }

  Log log() {
    return
        [this](LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
          std::string line =
              std::string(level == LogLevel::warning ? "W " : "I ") + std::string(message);
          for (const auto& field : fields) {
            line.append(" ").append(field.name).append("=").append(field.value);
          }
          const std::lock_guard lock(mutex_);
          lines_.push_back(std::move(line));
        };
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::unique_ptr<db::Database> open() const {
    return db::Database::open({.url = "sqlite:///" + file_}, no_log()).value();
  }
  void execute(std::string_view script) const {
    const auto database = open();
    const auto done = database->write(
        [&](db::Transaction& transaction) { return transaction.run_script(script); });
    EXPECT_TRUE(done);
  }

  /// What a connection's thread, which may not wait, is told.
  static std::string ask(const http::Router& router, std::string_view path) {
    const NoWaiting no_waiting;
    http::Request request;
    request.path = path;
    const auto outcome = router.dispatch(request);
    EXPECT_EQ(outcome.waits, nullptr);
    return std::to_string(outcome.response.status) + " " + outcome.response.body;
  }
  static bool becomes(const Readiness& readiness, Readiness::State state,
                      std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (readiness.state() != state && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(5ms);
    }
    return readiness.state() == state;
  }

  using State = Readiness::State;
  const TemporaryFolder folder_;
  const std::string file_ = folder_.path("db.sqlite3");
  std::unique_ptr<db::Database> database_ = open();
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

TEST_F(HealthTest, WhatItSays) {
  Readiness readiness(*database_, no_log());
  http::Router router({"name"}, no_log());
  add_health(router, readiness);
  EXPECT_EQ(ask(router, "/healthz"), R"(200 {"status":"ok"})");
  EXPECT_EQ(ask(router, "/readyz"), R"(200 {"status":"ready"})");
  readiness.drain();
  EXPECT_EQ(ask(router, "/readyz"), R"(503 {"status":"draining"})");
  EXPECT_EQ(ask(router, "/healthz"), R"(200 {"status":"ok"})");
}

TEST_F(HealthTest, MigrationsThatWereUndone) {
  execute(R"(DROP TABLE "token_blacklist_blacklistedtoken";
             ALTER TABLE "user" RENAME TO "elsewhere")");
  Readiness readiness(*database_, log());
  http::Router router({"name"}, no_log());
  add_health(router, readiness);
  EXPECT_TRUE(becomes(readiness, State::no_migrations, 3s));
  EXPECT_EQ(ask(router, "/readyz"), R"(503 {"status":"not ready","missing":["migrations"]})");
  EXPECT_EQ(ask(router, "/healthz"), R"(200 {"status":"ok"})");
  execute(R"(ALTER TABLE "elsewhere" RENAME TO "user")");
  std::this_thread::sleep_for(1s);
  EXPECT_EQ(readiness.state(), State::no_migrations);  // of the two, one is still missing
  db::migrate(*database_, system_clock()).value();
  EXPECT_TRUE(becomes(readiness, State::ready, 3s));
  EXPECT_EQ(lines(), (std::vector<std::string>{"W not ready missing=migrations", "I ready"}));
}

TEST_F(HealthTest, WhatIsOnlySlowIsReady) {
  // Somebody's ANALYZE of tables that are nearly empty.
  execute("DELETE FROM sqlite_stat1");
  Readiness readiness(*database_, log());
  ASSERT_EQ(db::pending_migrations(*database_).value().size(), 1u);
  execute(R"(ALTER TABLE "user" RENAME TO "elsewhere")");
  EXPECT_TRUE(becomes(readiness, State::no_migrations, 3s));
  execute(R"(ALTER TABLE "elsewhere" RENAME TO "user")");
  EXPECT_TRUE(becomes(readiness, State::ready, 3s));
}

TEST_F(HealthTest, ADatabaseThatIsGone) {
  FaultyDatabase database(std::move(database_));
  Readiness readiness(database, log());
  http::Router router({"name"}, no_log());
  add_health(router, readiness);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(readiness.state(), State::ready);
  database.become(FaultyDatabase::Mode::gone);
  EXPECT_TRUE(becomes(readiness, State::no_database, 3s));
  EXPECT_EQ(ask(router, "/readyz"), R"(503 {"status":"not ready","missing":["database"]})");
  EXPECT_EQ(ask(router, "/healthz"), R"(200 {"status":"ok"})");
  // What comes back is looked at anew.
  execute(R"(DROP TABLE "token_blacklist_blacklistedtoken")");
  database.become(FaultyDatabase::Mode::well);
  EXPECT_TRUE(becomes(readiness, State::no_migrations, 3s));
  db::migrate(database, system_clock()).value();
  EXPECT_TRUE(becomes(readiness, State::ready, 3s));
}

TEST_F(HealthTest, ADatabaseThatHangsCountsAsMissingAndHoldsNobodyUp) {
  FaultyDatabase database(std::move(database_));
  Readiness readiness(database, log());
  http::Router router({"name"}, no_log());
  add_health(router, readiness);
  EXPECT_TRUE(becomes(readiness, State::ready, 1s));
  const auto began = std::chrono::steady_clock::now();
  database.become(FaultyDatabase::Mode::frozen);
  std::chrono::steady_clock::duration longest{};
  for (std::string answer; !answer.starts_with("503");) {
    const auto asked = std::chrono::steady_clock::now();
    ASSERT_LT(asked - began, 6s);
    answer = ask(router, "/readyz");
    longest = std::max(longest, std::chrono::steady_clock::now() - asked);
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 4s);
  EXPECT_LT(longest, 1s);
  EXPECT_EQ(ask(router, "/readyz"), R"(503 {"status":"not ready","missing":["database"]})");
  EXPECT_EQ(ask(router, "/healthz"), R"(200 {"status":"ok"})");
  readiness.drain();
  EXPECT_EQ(ask(router, "/readyz"), R"(503 {"status":"draining"})");
  database.become(FaultyDatabase::Mode::well);
  // Its answer came too late to count; the next one does.
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (lines().size() < 2 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(lines(), (std::vector<std::string>{"W not ready missing=database", "I ready"}));
}

}  // namespace
}  // namespace easyjwt
