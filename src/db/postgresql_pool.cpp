#include "db/postgresql_pool.hpp"

#include <chrono>
#include <utility>

namespace easyjwt::db {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// How long a server may take to greet, several hosts together. With the time after which a wait is
/// suspicious it is what a frozen server costs a request: below two seconds.
constexpr std::chrono::milliseconds connect_deadline = 1000ms;
constexpr std::chrono::milliseconds pause = 250ms;

}  // namespace

PostgresqlPool::PostgresqlPool(PostgresqlAddress address, PostgresqlSettings settings,
                               std::size_t size)
    : address_(std::move(address)), settings_(settings), size_(size) {
  watch_.slow = [this] {
    {
      const std::lock_guard lock(mutex_);
      is_suspected_ = true;
    }
    wanted_.notify_one();
  };
  thread_ = std::thread([this] { serve(); });
}

PostgresqlPool::~PostgresqlPool() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wanted_.notify_one();
  thread_.join();
}

Result<PostgresqlPool::Connection> PostgresqlPool::take(Deadline deadline) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (death_) return fail(*death_);
    while (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      // A server that was restarted has ended it meanwhile.
      if (!connection->has_news()) return connection;
      --living_;
    }
    ++takers_;
    if (living_ < size_) wanted_.notify_one();
    const auto come = available_.wait_until(lock, deadline);
    --takers_;
    if (come == std::cv_status::timeout && idle_.empty()) {
      return fail(
          death_.value_or(Error::unavailable("no connection to the database came free in time")));
    }
  }
}

void PostgresqlPool::put_back(Connection connection) {
  {
    const std::lock_guard lock(mutex_);
    if (connection->is_broken() || death_ || connection->host() != host_) {
      --living_;
    } else {
      idle_.push_back(std::move(connection));
    }
  }
  available_.notify_one();
  // One that was broken is closed here, outside the lock.
}

bool PostgresqlPool::is_needed() const {
  return is_suspected_ || death_ || (living_ < size_ && takers_ > idle_.size());
}

void PostgresqlPool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [&] { return is_stopping_ || is_needed(); });
    if (is_stopping_) return;
    connect(lock);
  }
}

void PostgresqlPool::connect(std::unique_lock<std::mutex>& lock) {
  auto first = host_;
  bool was_silent = false;
  lock.unlock();
  auto made = PostgresqlConnection::connect(
      address_, settings_, steady_clock::now() + connect_deadline, first, was_silent);
  lock.lock();
  if (made) {
    // Those to a host that is no longer the one would each be found out by somebody who waits.
    if (std::exchange(host_, first) != first) close_idle();
    is_suspected_ = false;
    death_.reset();
    watch_.abandoned = false;
    if (living_ < size_) {
      ++living_;
      (*made)->set_watch(&watch_);
      idle_.push_back(*std::move(made));
      available_.notify_one();
    }
    return;
  }
  // A server that has too many connections has answered, and those that we have are good. Silence,
  // and nothing left that works, are death.
  if ((is_suspected_ && was_silent) || living_ == 0 || death_) {
    is_suspected_ = false;
    death_ = std::move(made.error());
    watch_.abandoned = true;
    close_idle();
    available_.notify_all();
  } else {
    is_suspected_ = false;
  }
  wanted_.wait_for(lock, pause, [&] { return is_stopping_; });
}

void PostgresqlPool::close_idle() {
  living_ -= idle_.size();
  idle_.clear();
}

}  // namespace easyjwt::db
