#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "db/test_database.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

/// A connection of somebody else's: what another program sees and does.
class Raw {
 public:
  explicit Raw(const std::string& path, const char* vfs = nullptr) {
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(path.c_str(), &handle_, flags, vfs) != SQLITE_OK) {
      throw std::runtime_error("sqlite3_open");
    }
  }
  ~Raw() { sqlite3_close(handle_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  void run(const std::string& script) {
    char* words = nullptr;
    if (sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, &words) == SQLITE_OK) return;
    const std::string text = words ? words : "?";
    sqlite3_free(words);
    throw std::runtime_error(text + ", in: " + script);
  }
  /// The rows as text: columns apart by '|', NULL as "NULL".
  std::vector<std::string> rows(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(handle_));
    }
    std::vector<std::string> rows;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      auto& row = rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
        row += (i > 0 ? "|" : "") + std::string(text ? text : "NULL");
      }
    }
    sqlite3_finalize(statement);
    return rows;
  }
  std::string value(const std::string& sql) { return rows(sql).at(0); }
  /// How many steps, about, SQLite's machine takes for a statement.
  int steps_of(const std::string& sql) {
    constexpr int some = 100;
    int count = 0;
    const auto add = [](void* n) {
      *static_cast<int*>(n) += some;
      return 0;
    };
    sqlite3_progress_handler(handle_, some, add, &count);
    run(sql);
    sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
    return count;
  }

 private:
  sqlite3* handle_ = nullptr;
};

/// What was logged.
struct LogLines {
  std::mutex mutex;
  std::vector<std::string> lines;

  Log log() {
    return [this](LogLevel, std::string_view message, std::initializer_list<LogField> fields) {
      std::string line(message);
      for (const auto& field : fields) line += " " + std::string(field.value);
      const std::lock_guard lock(mutex);
      lines.push_back(std::move(line));
    };
  }
};

inline std::unique_ptr<Database> open_or_die(
    const std::string& path, Log log = no_log(),
    std::chrono::milliseconds deadline = std::chrono::milliseconds{1500}) {
  const auto url = path == ":memory:" ? "sqlite://:memory:" : "sqlite:///" + path;
  auto opened = Database::open({.url = url, .busy_deadline = deadline}, std::move(log));
  if (!opened) throw std::runtime_error(opened.error().reason);
  return *std::move(opened);
}

inline void must(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().reason);
}

inline void run_script(Database& database, std::string_view script) {
  must(database.write([&](Transaction& transaction) { return transaction.run_script(script); }));
}

/// The one integer that a statement gives.
inline std::int64_t integer(Database& database, const Sql& sql) {
  const auto value = database.read([&](Transaction& transaction) -> Result<std::int64_t> {
    std::int64_t read = -1;
    const auto done = transaction.run(sql, {}, [&](const Row& row) { read = row.integer(0); });
    if (!done) return fail(done.error());
    return read;
  });
  if (!value) throw std::runtime_error(value.error().reason);
  return *value;
}

/// A door that is opened once.
class Latch {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
};

/// Runs f(0) ... f(n - 1), each in a thread of its own, with the writer kept busy until all of them
/// have asked: so they go into as few batches as can be.
inline void write_together(Database& database, int n, const std::function<void(int)>& f) {
  Latch started, all_asked;
  std::thread blocker([&] {
    must(database.write([&](Transaction&) -> Result<void> {
      started.open();
      all_asked.wait();
      return {};
    }));
  });
  started.wait();
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) threads.emplace_back([&, i] { f(i); });
  std::this_thread::sleep_for(std::chrono::milliseconds{100});
  all_asked.open();
  for (auto& thread : threads) thread.join();
  blocker.join();
}

}  // namespace easyjwt::db
