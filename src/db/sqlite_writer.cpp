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
/// As many as go into a batch: who waits together is woken together.
constexpr std::uint64_t jobs_of_bell = 64;
/// Whoever was answered is about to ask again (ADR 36). He is waited for where a commit takes this
/// long, for as long as it takes, and not for long. Where few came for whom a commit has waited,
/// the next ones do not.
constexpr std::chrono::microseconds worth_waiting{400};
constexpr std::chrono::milliseconds longest_wait{5};
constexpr unsigned after_a_wait_in_vain = 16;
/// How many jobs are worth waking the writer for meanwhile.
constexpr std::size_t worth_waking = 8;

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

}  // namespace

/// One after the other, with nothing between them, until one fails that has changed something: then
/// all is undone and done again with a savepoint each. With those from the start it would cost a
/// fifth of the time more, and hardly anything fails after it has written.
std::optional<Error> Batch::attempt(Job& job) {
  if (!connection_.in_transaction()) {
    if (auto error = connection_.control(begin)) return error;
  }
  if (has_savepoints_) return attempt_alone(connection_, job);
  const auto before = connection_.changes();
  db::attempt(connection_, job);
  const bool has_changed = connection_.changes() != before;
  if (connection_.in_transaction() && !(job.has_failed() && has_changed)) return std::nullopt;
  connection_.roll_back();
  if (jobs_.size() == 1) {
    if (job.has_failed()) return std::nullopt;
    return Error{Errc::unavailable, {}, "rolled back by SQLite"};
  }
  if (auto error = connection_.control(begin)) return error;
  has_savepoints_ = true;
  for (auto* again : jobs_) {
    again->error.reset();
    again->exception = nullptr;
    if (auto error = attempt_alone(connection_, *again)) return error;
  }
  return std::nullopt;
}

void Batch::add(Job& job) {
  jobs_.push_back(&job);
  if (error_) return;
  try {
    error_ = attempt(job);
  } catch (const std::exception& fault) {
    error_ = Error{Errc::internal, {}, fault.what()};
  }
  if (error_) connection_.roll_back();
}

bool Batch::commit() {
  const auto has_failed = [](const Job* job) { return job->has_failed(); };
  if (!error_ && std::all_of(jobs_.begin(), jobs_.end(), has_failed)) {
    connection_.roll_back();
    return false;
  }
  try {
    if (!error_) error_ = connection_.control(db::commit);
  } catch (const std::exception& fault) {
    error_ = Error{Errc::internal, {}, fault.what()};
  }
  if (!error_) return true;
  connection_.roll_back();
  for (auto* job : jobs_) {
    if (!job->has_failed()) job->error = error_;
  }
  return false;
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
  auto& bell = bell_of(job.number);
  for (;;) {
    const auto rung = bell.load(std::memory_order_acquire);
    if (finished_.load(std::memory_order_acquire) >= job.number) break;
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

std::atomic<std::uint32_t>& SqliteWriter::bell_of(std::uint64_t number) {
  return bells_[number / jobs_of_bell % bells_.size()];
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
  bool is_enough = false;
  {
    const std::lock_guard lock(mutex_);
    job.number = ++last_number_;
    queue_.push_back(&job);
    is_enough = queue_.size() >= enough_;
  }
  if (is_enough) arrived_.notify_one();
}

Database::Counters SqliteWriter::counters() const noexcept {
  return {writes_.load(std::memory_order_relaxed), commits_.load(std::memory_order_relaxed)};
}

void SqliteWriter::serve() {
  std::vector<Waiting*> jobs;
  while (take(jobs)) {
    run(jobs);
    answer(jobs);
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
  take_queued(taken);
  return !taken.empty();
}

void SqliteWriter::take_queued(std::vector<Waiting*>& taken) {
  while (taken.size() < largest_batch && !queue_.empty()) {
    taken.push_back(queue_.front());
    queue_.pop_front();
  }
}

void SqliteWriter::run(std::vector<Waiting*>& jobs) {
  auto deadline = Deadline::max();
  for (const auto* job : jobs) deadline = std::min(deadline, job->deadline);
  if (is_locked_) {
    deadline = std::min(deadline, std::chrono::steady_clock::now() + patience_while_locked);
  }
  auto error = make_ready(deadline);
  if (error) {
    for (auto* job : jobs) job->error = error;
  } else {
    connection_->set_deadline(deadline);
    Batch batch(*connection_);
    for (auto* job : jobs) batch.add(*job);
    wait_for_others(batch, jobs);
    // Counted before anybody is woken, so that a caller finds its own write in the counters.
    if (commit(batch)) commits_.fetch_add(1, std::memory_order_relaxed);
    is_locked_ = connection_->was_locked();
    for (const auto* job : jobs) {
      if (job->error && job->error->code == Errc::unavailable) error = job->error;
    }
    if (connection_->is_broken()) connection_.reset();
  }
  writes_.fetch_add(jobs.size(), std::memory_order_relaxed);
  health_.note(error);
}

void SqliteWriter::wait_for_others(Batch& batch, std::vector<Waiting*>& jobs) {
  const auto begun_with = jobs.size();
  const auto wanted = std::min(expected_, largest_batch);
  if (begun_with >= wanted || commit_time_ < worth_waiting) return;
  if (in_vain_ > 0) {
    --in_vain_;
    return;
  }
  const auto wait = std::min<std::chrono::nanoseconds>(commit_time_, longest_wait);
  const auto until = std::chrono::steady_clock::now() + wait;
  // Their work is done as they come, a few at a time.
  for (bool is_over = false; !is_over && jobs.size() < wanted && batch.can_go_on();) {
    const auto before = jobs.size();
    {
      std::unique_lock lock(mutex_);
      enough_ = std::min(wanted - before, worth_waking);
      const bool have_come = arrived_.wait_until(
          lock, until, [&] { return is_stopping_ || queue_.size() >= enough_; });
      enough_ = 1;
      is_over = !have_come || is_stopping_;
      take_queued(jobs);
    }
    for (auto at = before; at < jobs.size(); ++at) batch.add(*jobs[at]);
  }
  if (2 * (jobs.size() - begun_with) < wanted - begun_with) in_vain_ = after_a_wait_in_vain;
}

bool SqliteWriter::commit(Batch& batch) {
  const auto begun = std::chrono::steady_clock::now();
  const bool has_committed = batch.commit();
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begun;
  commit_time_ += (took - commit_time_) / 8;
  const std::lock_guard lock(mutex_);
  expected_ = batch.size() + queue_.size();
  return has_committed;
}

void SqliteWriter::answer(std::vector<Waiting*>& jobs) {
  const auto first = jobs.front()->number;
  const auto last = jobs.back()->number;
  bool is_waited_for = false;
  for (auto* job : jobs) {
    if (job->task == nullptr) {
      is_waited_for = true;
      continue;
    }
    const std::unique_ptr<Submitted> submitted(static_cast<Submitted*>(job));
    const bool has_failed = submitted->error && !submitted->is_undone;
    submitted->task->done(has_failed ? &*submitted->error : nullptr);
  }
  // From here on the jobs are gone. One call wakes all that share a bell.
  finished_.store(last, std::memory_order_release);
  if (!is_waited_for) return;
  for (auto of_bell = first / jobs_of_bell; of_bell <= last / jobs_of_bell; ++of_bell) {
    auto& bell = bell_of(of_bell * jobs_of_bell);
    bell.fetch_add(1, std::memory_order_release);
    bell.notify_all();
  }
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
