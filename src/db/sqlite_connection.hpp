#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "db/patience.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/db/value.hpp"

namespace easyjwt::db {

/// One SQLite connection with its prepared statements. One thread at a time.
class SqliteConnection {
 public:
  enum class Mode { reader, writer, memory };

  /// `path` is absolute, and ignored for Mode::memory. Never makes a file; a writer puts it into
  /// WAL mode. Errc::refused: not a database that we can use; unavailable, would_wait as
  /// Transaction::run.
  static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path, Mode mode,
                                                        Deadline deadline);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  /// Until when others' locks are waited for.
  void set_deadline(Deadline deadline) noexcept {
    deadline_ = deadline;
    was_locked_ = false;
  }

  /// As Transaction's.
  Result<std::int64_t> run(const Sql& sql, std::span<const Value> values,
                           FunctionRef<void(const Row&)> each);
  Result<void> run_script(std::string_view text);

  /// BEGIN, COMMIT and their like: a statement without values or rows.
  std::optional<Error> control(const Sql& sql);
  /// Ends whatever transaction is open; what can fail here has ended it already.
  void roll_back() noexcept;

  bool in_transaction() const noexcept { return sqlite3_get_autocommit(handle_.get()) == 0; }
  /// Rows changed so far, whether that stands or not.
  std::int64_t changes() const noexcept { return sqlite3_total_changes64(handle_.get()); }
  /// Whether a row refers to one that is not there, in what the transaction has done so far.
  /// Django's constraints are DEFERRABLE INITIALLY DEFERRED, so nothing else says so before COMMIT.
  bool has_dangling_references() const noexcept;
  /// Whether the file is no longer where it was: a commit would be durable where nobody looks.
  bool has_moved() const noexcept;
  /// Whether a lock outlasted the deadline.
  bool was_locked() const noexcept { return was_locked_; }
  /// After an I/O error or the like: to be closed, and opened again when needed.
  bool is_broken() const noexcept { return broken_; }

  /// Copies the write-ahead log into the database as far as no reader holds it up, if it has grown
  /// by more than `pages` since it was last done.
  void checkpoint_beyond(int pages) noexcept;

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };
  struct Statement {
    std::unique_ptr<sqlite3_stmt, Finalize> handle;
    std::vector<int> numbers;  ///< parameter i + 1 of SQLite is $numbers[i]
    int highest_number = 0;
    bool reads_only = true;
    bool is_running = false;
  };
  class Running;

  SqliteConnection(std::string path, Mode mode, Deadline deadline);
  std::optional<Error> connect();
  std::optional<Error> use_wal();
  /// The prepared form of `sql`; an Error if the file cannot be read. Throws Fault.
  Result<Statement*> prepared(const Sql& sql);
  void number_parameters(Statement& statement, const Sql& sql) const;
  void bind(const Statement& statement, std::span<const Value> values, const Sql& sql) const;
  /// What a result code means to the caller. Throws Fault for those that only a wrong statement
  /// gets.
  Error error(int code, std::string_view text);
  static int wait_for_lock(void* self, int count);

  const std::string path_;
  const Mode mode_;
  Deadline deadline_;
  bool broken_ = false;
  bool was_locked_ = false;
  int wal_pages_ = 0;
  int wal_pages_copied_ = 0;
  std::unique_ptr<sqlite3, Close> handle_;
  std::unordered_map<const Sql*, Statement> statements_;
};

}  // namespace easyjwt::db
