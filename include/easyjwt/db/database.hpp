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
#include "easyjwt/db/value.hpp"

namespace easyjwt::db {

/// A row that is not what its column's type says, or a statement that cannot be prepared.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What is done inside one transaction. Only Database makes one.
class Transaction {
 public:
  /// Runs a statement, hands each row to `each`, and returns the number of rows changed (of a
  /// statement that changes), else the number of rows read.
  /// Errc::conflict: a UNIQUE constraint (the transaction goes on as if it had not been run).
  /// Errc::unavailable: locked beyond the deadline, disk full, I/O, read-only.
  virtual Result<std::int64_t> run(const Sql& sql, std::span<const Value> values,
                                   FunctionRef<void(const Row&)> each) = 0;

  Result<std::int64_t> run(const Sql& sql, std::initializer_list<Value> values,
                           FunctionRef<void(const Row&)> each) {
    return run(sql, std::span(values.begin(), values.size()), each);
  }
  Result<std::int64_t> run(const Sql& sql, std::initializer_list<Value> values = {}) {
    return run(sql, values, [](const Row&) {});
  }
  /// Runs text that is made at run time and used once (migrations): several statements apart by
  /// ';'.
  virtual Result<void> run_script(std::string_view text) = 0;

  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

 protected:
  Transaction() = default;
  ~Transaction() = default;
};

struct DatabaseSettings {
  std::string url =
      "sqlite:///easyjwt.sqlite3";  ///< absolute once settings are read; "sqlite://:memory:"
  std::chrono::milliseconds busy_deadline{1500};  ///< how long a locked file is waited for
};

enum class Engine { sqlite, postgresql };

/// A database: any thread may use it. `read` and `write` run f(Transaction&), which returns a
/// Result; an Error rolls back. f may be run twice, so it touches nothing but what it returns.
///
/// On SQLite, reads go on connections of their own (WAL: a writer never holds them up) and are not
/// waiting; write() hands f to the one writer thread, which gives each f a savepoint and commits up
/// to 64 together, durably (synchronous=FULL), and blocks until then. On a thread that may not wait
/// (core/waiting.hpp) write() is Errc::would_wait, and so is a read that finds the file locked.
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
