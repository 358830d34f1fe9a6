#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "db/health.hpp"
#include "db/sqlite_connection.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/core/task.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

using Work = FunctionRef<std::optional<Error>(Transaction&)>;

/// One piece of work of a batch, and what became of it.
struct Job {
  explicit Job(Work work_) : work(work_) {}

  Work work;
  std::optional<Error> error;
  std::exception_ptr exception;

  bool has_failed() const { return error || exception; }
};

/// Jobs in one transaction, each so that it can fail alone. After commit() every job whose work is
/// not in the database has an error or an exception.
class Batch {
 public:
  explicit Batch(SqliteConnection& connection) : connection_(connection) {}

  /// Runs it.
  void add(Job& job);
  std::size_t size() const { return jobs_.size(); }
  bool can_go_on() const { return !error_; }
  /// Returns whether it committed.
  bool commit();

 private:
  std::optional<Error> attempt(Job& job);

  SqliteConnection& connection_;
  std::vector<Job*> jobs_;
  bool has_savepoints_ = false;
  std::optional<Error> error_;  ///< why it can't go on
};

/// The one thread that writes to a file. SQLite has one writer at a time anyhow; with a thread for
/// it, what waits while one commit is on its way to the disk goes into the next commit together.
class SqliteWriter {
 public:
  SqliteWriter(std::unique_ptr<SqliteConnection> connection, std::string path, Health& health);
  ~SqliteWriter();

  /// Returns when the work is durable, or an Error; rethrows what the work throws. Others' locks
  /// are waited for until the deadline, and hardly at all by those who ask while a lock outlasts
  /// one: with each of them waiting anew, a lane's threads would soon all wait.
  std::optional<Error> write(Work work, Deadline deadline);
  /// Database::submit().
  void submit(Task& task, Deadline deadline);
  /// Whether the calling thread is inside a submitted task, and so in its transaction.
  bool is_in_task() const noexcept;
  /// Does `work` in it.
  std::optional<Error> run_in_task(Work work);
  Database::Counters counters() const noexcept;
  /// Changes when the file was found to be another one than before.
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_relaxed); }

 private:
  struct Waiting : Job {
    Waiting(Work work_, Deadline deadline_) : Job(work_), deadline(deadline_) {}

    const Deadline deadline;
    std::uint64_t number = 0;  ///< in the order of asking
    Task* task = nullptr;      ///< what it runs, where nobody waits for it; it is on the heap then
  };
  struct Submitted;

  void queue(Waiting& job);
  std::atomic<std::uint32_t>& bell_of(std::uint64_t number);
  void serve();
  /// Waits for jobs, and takes up to a batch of them; false at the end.
  bool take(std::vector<Waiting*>& taken);
  void take_queued(std::vector<Waiting*>& taken);
  void run(std::vector<Waiting*>& jobs);
  /// Adds those who are about to ask, if it is worth while to wait for them.
  void wait_for_others(Batch& batch, std::vector<Waiting*>& jobs);
  bool commit(Batch& batch);
  void answer(std::vector<Waiting*>& jobs);
  std::optional<Error> make_ready(Deadline deadline);

  const std::string path_;
  Health& health_;
  std::unique_ptr<SqliteConnection> connection_;
  bool is_locked_ = false;  ///< by others, for longer than somebody could wait
  std::atomic<std::uint64_t> writes_ = 0;
  std::atomic<std::uint64_t> commits_ = 0;
  std::atomic<std::uint64_t> generation_ = 0;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Waiting*> queue_;
  std::uint64_t last_number_ = 0;
  std::size_t enough_ = 1;  ///< how many must have come for the writer to be woken
  bool is_stopping_ = false;

  std::chrono::nanoseconds commit_time_{0};  ///< what a commit takes, lately
  std::size_t expected_ = 1;                 ///< how many had asked when the last one was done
  unsigned in_vain_ = 0;  ///< commits for which nobody is waited for, after one that was in vain

  std::atomic<std::uint64_t> finished_ = 0;  ///< jobs up to this one are done
  /// What jobs wait on, 64 by one bell; who shares it with others is woken in vain.
  std::array<std::atomic<std::uint32_t>, 8> bells_{};
  std::thread thread_;
};

/// The Transaction that work sees.
class SqliteTransaction final : public Transaction {
 public:
  explicit SqliteTransaction(SqliteConnection& connection) : connection_(connection) {}
  using Transaction::run;
  Result<std::int64_t> run(const Sql& sql, std::span<const Value> values,
                           FunctionRef<void(const Row&)> each) override {
    if (auto error = lost()) return fail(*std::move(error));
    return connection_.run(sql, values, each);
  }
  Engine engine() const noexcept override { return Engine::sqlite; }
  Result<void> run_script(std::string_view text) override {
    if (auto error = lost()) return fail(*std::move(error));
    return connection_.run_script(text);
  }

 private:
  /// SQLite rolls everything back by itself when the disk is full or fails. Work that goes on all
  /// the same would have each of its statements committed alone.
  std::optional<Error> lost() const {
    if (connection_.in_transaction()) return std::nullopt;
    return Error{Errc::unavailable, {}, "the transaction was rolled back by SQLite"};
  }

  SqliteConnection& connection_;
};

}  // namespace easyjwt::db
