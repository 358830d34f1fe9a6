#include "db/postgresql_database.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <utility>

#include "db/health.hpp"
#include "db/postgresql_address.hpp"
#include "db/postgresql_connection.hpp"
#include "db/postgresql_pool.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

using std::chrono::steady_clock;
using Work = FunctionRef<std::optional<Error>(Transaction&)>;

/// How often work that lost to another transaction, or its connection, is begun anew.
constexpr int most_attempts = 5;

class PostgresqlTransaction final : public Transaction {
 public:
  PostgresqlTransaction(PostgresqlConnection& connection, Deadline deadline)
      : connection_(connection), deadline_(deadline) {}
  using Transaction::run;

  Result<std::int64_t> run(const Sql& sql, std::span<const Value> values,
                           FunctionRef<void(const Row&)> each) override {
    Statement statements[] = {{sql, values, each}};
    if (auto done = connection_.run(statements, deadline_); !done) return fail(done.error());
    return statements[0].rows;
  }
  Result<void> run_together(std::span<Statement> statements) override {
    return connection_.run(statements, deadline_);
  }
  Result<void> run_script(std::string_view text) override {
    return connection_.run_script(text, deadline_);
  }
  Engine engine() const noexcept override { return Engine::postgresql; }

 private:
  PostgresqlConnection& connection_;
  const Deadline deadline_;
};

/// A connection that goes back to its pool whatever happens.
class Lease {
 public:
  Lease(PostgresqlPool& pool, PostgresqlPool::Connection connection)
      : pool_(pool), connection_(std::move(connection)) {}
  ~Lease() { pool_.put_back(std::move(connection_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  PostgresqlConnection& operator*() const { return *connection_; }
  PostgresqlConnection* operator->() const { return connection_.get(); }

 private:
  PostgresqlPool& pool_;
  PostgresqlPool::Connection connection_;
};

/// One transaction inside another would wait for a second connection while it holds the first: with
/// all of them held so, for ever.
thread_local bool is_inside = false;

class PostgresqlDatabase final : public Database {
 public:
  PostgresqlDatabase(PostgresqlAddress address, const DatabaseSettings& settings, Log log)
      : deadline_(settings.busy_deadline),
        reading_(address.name(), "reading", log),
        writing_(address.name(), "writing", std::move(log)),
        pool_(std::move(address),
              {.is_pooled = !settings.listen_url.empty(),
               .statement_timeout = settings.busy_deadline + std::chrono::milliseconds{500}},
              settings.pool_size) {}

  Engine engine() const noexcept override { return Engine::postgresql; }
  Counters counters() const noexcept override { return {writes_.load(), commits_.load()}; }

  /// Whether the server answers.
  std::optional<Error> ping() {
    const auto deadline = steady_clock::now() + deadline_;
    auto taken = pool_.take(deadline);
    if (!taken) return std::move(taken.error());
    const Lease connection(pool_, *std::move(taken));
    return connection->ping(deadline);
  }

 protected:
  std::optional<Error> perform_read(Work work) override {
    if (!may_wait()) return Error{Errc::would_wait};
    auto error = perform(work, false);
    reading_.note(error);
    return error;
  }

  std::optional<Error> perform_write(Work work) override {
    if (!may_wait()) return Error{Errc::would_wait};
    writes_.fetch_add(1, std::memory_order_relaxed);
    auto error = perform(work, true);
    writing_.note(error);
    return error;
  }

 private:
  std::optional<Error> perform(Work work, bool writes) {
    if (is_inside) throw Fault("a transaction inside a transaction");
    const Patience patience(deadline_);
    const auto deadline = patience.deadline();
    for (int attempt = 1;; ++attempt) {
      auto taken = pool_.take(deadline);
      if (!taken) return std::move(taken.error());
      const Lease connection(pool_, *std::move(taken));
      bool again = false;
      auto error = attempt_once(*connection, work, writes, deadline, again);
      if (!again || attempt == most_attempts || steady_clock::now() >= deadline) return error;
    }
  }

  /// `again`: nothing of it stands, and another attempt may fare better.
  std::optional<Error> attempt_once(PostgresqlConnection& connection, Work work, bool writes,
                                    Deadline deadline, bool& again) {
    PostgresqlTransaction transaction(connection, deadline);
    if (writes) connection.begin();
    std::optional<Error> error;
    is_inside = true;
    try {
      error = work(transaction);
    } catch (...) {
      is_inside = false;
      connection.roll_back(deadline);
      throw;
    }
    is_inside = false;
    if (error) {
      again = connection.may_fare_better();
      connection.roll_back(deadline);
      return error;
    }
    if (!writes) return std::nullopt;
    const bool wrote = connection.in_transaction();
    error = connection.commit(deadline);
    if (!error && wrote) commits_.fetch_add(1, std::memory_order_relaxed);
    // Serializable transactions may lose only now. With the connection gone nobody knows.
    again = error && !connection.is_broken() && connection.may_fare_better();
    return error;
  }

  const std::chrono::milliseconds deadline_;
  Health reading_;
  Health writing_;
  std::atomic<std::uint64_t> writes_ = 0;
  std::atomic<std::uint64_t> commits_ = 0;
  PostgresqlPool pool_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_postgresql_database(const DatabaseSettings& settings,
                                                           Log log) {
  auto address = PostgresqlAddress::parse(settings.url);
  if (!address) return fail(address.error());
  if (!settings.listen_url.empty()) {
    if (auto listen = PostgresqlAddress::parse(settings.listen_url); !listen) {
      return fail(Errc::refused, {}, "LISTEN_" + listen.error().reason);
    }
  }
  if (settings.pool_size == 0)
    return fail(Errc::refused, {}, "DATABASE POOL_SIZE: must be above 0");
  const auto name = address->name();
  auto database =
      std::make_unique<PostgresqlDatabase>(*std::move(address), settings, std::move(log));
  if (const auto error = database->ping()) {
    return fail(Errc::refused, {}, "the database " + name + " does not answer: " + error->reason);
  }
  return database;
}

}  // namespace easyjwt::db
