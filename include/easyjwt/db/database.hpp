#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/core/task.hpp"
#include "easyjwt/db/value.hpp"

namespace easyjwt::db {

/// A row that is not what its column's type says, or a statement that cannot be prepared.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Engine { sqlite, postgresql };

/// For a statement whose rows, if it has any, do not matter.
inline constexpr auto ignore_rows = [](const Row&) {};

/// One of several statements that go out together. It refers to what it is given: name the values
/// and the callable first.
struct Statement {
  const Sql& sql;
  std::span<const Value> values;
  FunctionRef<void(const Row&)> each = ignore_rows;
  std::int64_t rows = 0;  ///< afterwards: as Transaction::run returns it
};

/// What is done inside one transaction. Only Database makes one. After an Error of any of these the
/// transaction is lost: what it is used by returns the Error.
class Transaction {
 public:
  /// Runs a statement, hands each row to `each`, and returns the number of rows changed (of a
  /// statement that changes), else the number of rows read. PostgreSQL's rows are all in memory by
  /// then: read a large table in pages.
  /// Errc::conflict: a UNIQUE constraint; the reason is "table.column" (or several, ", " between).
  /// Errc::unavailable: locked beyond the deadline, disk full, I/O, read-only.
  virtual Result<std::int64_t> run(const Sql& sql, std::span<const Value> values,
                                   FunctionRef<void(const Row&)> each) = 0;

  Result<std::int64_t> run(const Sql& sql, std::initializer_list<Value> values,
                           FunctionRef<void(const Row&)> each) {
    return run(sql, std::span(values.begin(), values.size()), each);
  }
  Result<std::int64_t> run(const Sql& sql, std::initializer_list<Value> values = {}) {
    return run(sql, values, ignore_rows);
  }
  /// Runs them in order; on PostgreSQL in one round trip. The first Error ends it, but which of the
  /// `each` were called by then depends on the engine.
  virtual Result<void> run_together(std::span<Statement> statements) {
    for (auto& statement : statements) {
      const auto done = run(statement.sql, statement.values, statement.each);
      if (!done) return fail(done.error());
      statement.rows = *done;
    }
    return {};
  }
  /// Runs text that is made at run time and used once (migrations): several statements apart by
  /// ';'.
  virtual Result<void> run_script(std::string_view text) = 0;

  virtual Engine engine() const noexcept = 0;

  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

 protected:
  Transaction() = default;
  ~Transaction() = default;
};

/// For Result::map(): nobody asks how many rows it was.
inline constexpr auto uncounted = [](std::int64_t) {};

struct DatabaseSettings {
  /// sqlite:///FILE (absolute once settings are read), sqlite://:memory:, or a postgresql:// URL
  /// with whatever libpq takes (its manual, 34.1.1.2 and 34.1.2).
  std::string url = "sqlite:///easyjwt.sqlite3";
  /// A postgresql:// URL past the pooler that `url` leads to. Where it is set, `url` is taken for a
  /// transaction-mode pooler: nothing is left in a session, no prepared statements.
  std::string listen_url;
  /// The most connections to PostgreSQL at one time.
  unsigned pool_size = 16;
  /// How long a locked file is waited for; on PostgreSQL how long a transaction takes at most,
  /// waiting for a connection included.
  std::chrono::milliseconds busy_deadline{1500};
};

/// A database: any thread may use it. `read` and `write` run f(Transaction&), which returns a
/// Result; an Error rolls back. f may be run twice, so it touches nothing but what it returns.
///
/// On SQLite, reads go on connections of their own (WAL: a writer never holds them up) and are not
/// waiting; write() hands f to the one writer thread, which gives each f a savepoint and commits up
/// to 64 together, durably (synchronous=FULL), and blocks until then. On a thread that may not wait
/// (core/waiting.hpp) write() is Errc::would_wait, and so is a read that finds the file locked.
///
/// On PostgreSQL both take a connection of a pool and are waiting. A read is no transaction: each
/// statement sees what is committed when it starts (as READ COMMITTED has it in any case). What is
/// lost to another transaction (40001, 40P01), or with its connection before COMMIT was sent, is
/// run again within the deadline. While the server is dead every call fails at once.
class Database {
 public:
  /// Opens (and for SQLite makes) a database. Errc::refused with a reason that names the file.
  static Result<std::unique_ptr<Database>> open(const DatabaseSettings& settings, Log log);
  virtual ~Database() = default;

  virtual Engine engine() const noexcept = 0;

  template <class F>
  std::invoke_result_t<F, Transaction&> read(F&& f) {
    return perform(std::forward<F>(f), false);
  }
  template <class F>
  std::invoke_result_t<F, Transaction&> write(F&& f) {
    return perform(std::forward<F>(f), true);
  }

  /// Has the writer run `task`, in one transaction with what else waits. What it does by write()
  /// then is part of that, and read() sees it; whatever would wait for anything else is
  /// Errc::would_wait. It is done once all of it is durable, or nothing: an Error in one write()
  /// undoes the writes of that task alone. False: this database has no such writer, and nothing
  /// happens.
  virtual bool submit(Task& task) {
    static_cast<void>(task);
    return false;
  }

  struct Counters {
    std::uint64_t writes = 0;   ///< transactions that asked to write
    std::uint64_t commits = 0;  ///< commits that carried them
  };
  virtual Counters counters() const noexcept = 0;

 protected:
  /// Runs `f` in a transaction; nullopt means that it committed (or had nothing to), an Error that
  /// it did not, whoever failed.
  virtual std::optional<Error> perform_read(FunctionRef<std::optional<Error>(Transaction&)> f) = 0;
  virtual std::optional<Error> perform_write(FunctionRef<std::optional<Error>(Transaction&)> f) = 0;

 private:
  template <class F>
  std::invoke_result_t<F, Transaction&> perform(F&& f, bool write) {
    using R = std::invoke_result_t<F, Transaction&>;
    std::optional<R> result;
    const auto call = [&](Transaction& transaction) -> std::optional<Error> {
      result.emplace(f(transaction));
      if (*result) return std::nullopt;
      return result->error();
    };
    if (auto error = write ? perform_write(call) : perform_read(call)) {
      return fail(*std::move(error));
    }
    return *std::move(result);
  }
};

}  // namespace easyjwt::db
