#include "db/sqlite_writer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

/// The task that the calling thread, a writer's, is inside of.
struct RunningTask {
  const SqliteWriter* writer;
  SqliteConnection& connection;
  Transaction& transaction;
  bool is_to_be_undone = false;
};
thread_local RunningTask* running_task = nullptr;

constexpr std::size_t largest_batch = 64;
/// The log's length in pages from which it is checkpointed: once nothing has come for idle_time,
/// and whatever comes. The longer the log, the more often a page in it has been written again
/// meanwhile, which is copied once.
constexpr int checkpoint_when_idle = 250;
constexpr int checkpoint_at_last = 4000;
constexpr std::chrono::milliseconds idle_time{20};
constexpr std::chrono::milliseconds patience_while_locked{200};

constexpr Sql begin{"BEGIN IMMEDIATE"};
constexpr Sql commit{"COMMIT"};
constexpr Sql savepoint{"SAVEPOINT job"};
constexpr Sql release{"RELEASE job"};
constexpr Sql undo{"ROLLBACK TO job"};

/// Runs the job's work; afterwards the job has failed unless it stands so far.
void attempt(SqliteConnection& connection, Job& job) {
  SqliteTransaction transaction(connection);
  try {
    job.error = job.work(transaction);
    if (!job.error && connection.has_dangling_references()) {
      // Found now, it is this job's failure; found by COMMIT, it would be everybody's.
      job.error = Error{Errc::internal, {}, "FOREIGN KEY constraint failed"};
    }
  } catch (...) {
    job.exception = std::current_exception();
  }
}

/// An Error where the whole transaction can't go on.
std::optional<Error> attempt_alone(SqliteConnection& connection, Job& job) {
  if (auto error = connection.control(savepoint)) return error;
  attempt(connection, job);
  if (!connection.in_transaction()) {
    return job.error ? job.error : Error{Errc::unavailable, {}, "rolled back by SQLite"};
  }
  if (job.has_failed()) {
    if (auto error = connection.control(undo)) return error;
  }
  return connection.control(release);
}

/// One after the other, with nothing between them: what failed has changed nothing, or this is
/// false and all of it is to be undone. A savepoint each would cost a fifth of the time, and hardly
/// anything fails after it has written.
bool attempt_together(SqliteConnection& connection, std::span<Job* const> jobs) {
  for (auto* job : jobs) {
    const auto before = connection.changes();
    attempt(connection, *job);
    if (!connection.in_transaction()) return false;
    if (job->has_failed() && connection.changes() != before) return false;
  }
  return true;
}

/// An Error where nothing was committed: for those jobs that don't have one of their own.
std::optional<Error> attempt_all(SqliteConnection& connection, std::span<Job* const> jobs) {
  if (auto error = connection.control(begin)) return error;
  if (jobs.size() == 1) {
    attempt(connection, *jobs.front());
    if (jobs.front()->has_failed()) return Error{};
    if (!connection.in_transaction()) {
      return Error{Errc::unavailable, {}, "rolled back by SQLite"};
    }
  } else if (!attempt_together(connection, jobs)) {
    connection.roll_back();
    for (auto* job : jobs) {
      job->error.reset();
      job->exception = nullptr;
    }
    if (auto error = connection.control(begin)) return error;
    for (auto* job : jobs) {
      if (auto error = attempt_alone(connection, *job)) return error;
    }
  }
  return connection.control(commit);
}

}  // namespace

bool run_batch(SqliteConnection& connection, std::span<Job* const> jobs) {
  std::optional<Error> error;
  try {
    error = attempt_all(connection, jobs);
  } catch (const std::exception& fault) {
    error = Error{Errc::internal, {}, fault.what()};
  }
  if (error) {
    connection.roll_back();
    for (auto* job : jobs) {
      if (!job->has_failed()) job->error = error;
    }
  }
  return !error;
}

/// A task as a job.
struct SqliteWriter::Submitted final : Waiting {
  Submitted(SqliteWriter& writer_, Task& task_, Deadline deadline_)
      : Waiting(Work(*this), deadline_), writer(writer_) {
    task = &task_;
  }
  /// An Error only to have its writes undone: what it answers is its own affair.
  std::optional<Error> operator()(Transaction& transaction) {
    RunningTask running{&writer, *writer.connection_, transaction};
    running_task = &running;
    const NoWaiting no_waiting;  // all others of the batch would wait with it
    task->run();
    running_task = nullptr;
    is_undone = running.is_to_be_undone;
    if (is_undone) return Error{};
    return std::nullopt;
  }

  SqliteWriter& writer;
  bool is_undone = false;
};

SqliteWriter::SqliteWriter(std::unique_ptr<SqliteConnection> connection, std::string path,
                           Health& health)
    : path_(std::move(path)),
      health_(health),
      connection_(std::move(connection)),
      thread_([this] { serve(); }) {}

SqliteWriter::~SqliteWriter() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

std::optional<Error> SqliteWriter::write(Work work, Deadline deadline) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    throw Fault("a write inside a write would wait for itself");
  }
  Waiting job(work, deadline);
  queue(job);
  auto& bell = bells_[job.batch % bells_.size()];
  for (;;) {
    const auto rung = bell.load(std::memory_order_acquire);
    if (finished_.load(std::memory_order_acquire) >= job.batch) break;
    bell.wait(rung, std::memory_order_acquire);
  }
  if (job.exception) std::rethrow_exception(std::exchange(job.exception, nullptr));
  return std::move(job.error);
}

void SqliteWriter::submit(Task& task, Deadline deadline) {
  auto job = std::make_unique<Submitted>(*this, task, deadline);
  queue(*job);
  static_cast<void>(job.release());  // serve() deletes it
}

bool SqliteWriter::is_in_task() const noexcept {
  return running_task != nullptr && running_task->writer == this;
}

std::optional<Error> SqliteWriter::run_in_task(Work work) {
  auto& running = *running_task;
  const auto before = running.connection.changes();
  const auto judge = [&](bool good) {
    if (!good && running.connection.changes() != before) running.is_to_be_undone = true;
  };
  try {
    auto error = work(running.transaction);
    judge(!error);
    return error;
  } catch (...) {
    judge(false);
    throw;
  }
}

void SqliteWriter::queue(Waiting& job) {
  {
    const std::lock_guard lock(mutex_);
    // Full, or taken: the next one.
    if (queue_.empty() || queue_.back()->batch < open_batch_) open_size_ = 0;
    if (open_size_ == largest_batch) {
      ++open_batch_;
      open_size_ = 0;
    }
    ++open_size_;
    job.batch = open_batch_;
    queue_.push_back(&job);
  }
  arrived_.notify_one();
}

Database::Counters SqliteWriter::counters() const noexcept {
  return {writes_.load(std::memory_order_relaxed), commits_.load(std::memory_order_relaxed)};
}

void SqliteWriter::serve() {
  std::vector<Waiting*> taken;
  std::vector<Job*> jobs;
  while (take(taken)) {
    jobs.assign(taken.begin(), taken.end());
    auto deadline = Deadline::max();
    for (const auto* job : taken) deadline = std::min(deadline, job->deadline);
    run(jobs, deadline);
    const auto batch = taken.front()->batch;
    bool is_waited_for = false;
    for (auto* job : taken) {
      if (job->task == nullptr) {
        is_waited_for = true;
        continue;
      }
      const std::unique_ptr<Submitted> submitted(static_cast<Submitted*>(job));
      const bool has_failed = submitted->error && !submitted->is_undone;
      submitted->task->done(has_failed ? &*submitted->error : nullptr);
    }
    // From here on the jobs are gone. One call wakes all of a batch.
    finished_.store(batch, std::memory_order_release);
    auto& bell = bells_[batch % bells_.size()];
    if (is_waited_for) {
      bell.fetch_add(1, std::memory_order_release);
      bell.notify_all();
    }
    if (connection_) connection_->checkpoint_beyond(checkpoint_at_last);
  }
}

bool SqliteWriter::take(std::vector<Waiting*>& taken) {
  const auto is_needed = [&] { return is_stopping_ || !queue_.empty(); };
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, idle_time, is_needed)) {
    lock.unlock();
    if (connection_) connection_->checkpoint_beyond(checkpoint_when_idle);
    lock.lock();
    arrived_.wait(lock, is_needed);
  }
  taken.clear();
  while (!queue_.empty() && (taken.empty() || queue_.front()->batch == taken.front()->batch)) {
    taken.push_back(queue_.front());
    queue_.pop_front();
  }
  if (!taken.empty() && taken.front()->batch == open_batch_) ++open_batch_;
  return !taken.empty();
}

void SqliteWriter::run(std::span<Job* const> jobs, Deadline deadline) {
  // Counted before anybody is woken, so that a caller finds its own write in the counters.
  writes_.fetch_add(jobs.size(), std::memory_order_relaxed);
  if (is_locked_) {
    deadline = std::min(deadline, std::chrono::steady_clock::now() + patience_while_locked);
  }
  auto error = make_ready(deadline);
  if (error) {
    for (auto* job : jobs) job->error = error;
  } else {
    connection_->set_deadline(deadline);
    if (run_batch(*connection_, jobs)) commits_.fetch_add(1, std::memory_order_relaxed);
    is_locked_ = connection_->was_locked();
    for (const auto* job : jobs) {
      if (job->error && job->error->code == Errc::unavailable) error = job->error;
    }
    if (connection_->is_broken()) connection_.reset();
  }
  health_.note(error);
}

std::optional<Error> SqliteWriter::make_ready(Deadline deadline) {
  if (connection_ && connection_->has_moved()) {
    connection_.reset();
    generation_.fetch_add(1, std::memory_order_relaxed);
  }
  if (connection_) return std::nullopt;
  auto opened = SqliteConnection::open(path_, SqliteConnection::Mode::writer, deadline);
  if (!opened) return Error::unavailable(std::move(opened.error().reason));
  connection_ = *std::move(opened);
  return std::nullopt;
}

}  // namespace easyjwt::db
