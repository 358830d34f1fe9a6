#include "http/lanes.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "http/scheduling.hpp"

namespace easyjwt::http {
namespace {

constexpr std::size_t remote_threads = 48;
constexpr std::size_t feed_threads = 1024;

unsigned cores() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace

bool LaneThreads::submit(Task& task) {
  Threads left;
  {
    const std::lock_guard lock(mutex_);
    if (ending_) return false;
    const bool needs_thread = idle_ <= queued_ && running_.size() < limits_.threads;
    if (!needs_thread && limits_.queue > 0 && queued_ >= idle_ + limits_.queue) return false;
    if (needs_thread) {
      try {
        start_thread();
      } catch (const std::system_error&) {
        if (running_.empty()) return false;
      }
    }
    task.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &task;
    last_ = &task;
    ++queued_;
    left.swap(left_);
  }
  wake_.notify_one();
  for (auto& thread : left) thread.join();
  return true;
}

void LaneThreads::start_thread() {
  const auto self = running_.emplace(running_.end());
  try {
    *self = std::thread([this, self] { work(self); });
  } catch (...) {
    running_.erase(self);
    throw;
  }
}

void LaneThreads::work(Threads::iterator self) {
  if (limits_.background) step_back();
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool called =
        wake_.wait_for(lock, limits_.linger, [this] { return first_ != nullptr || ending_; });
    --idle_;
    if (!called || ending_) break;
    Task& task = *first_;
    first_ = std::exchange(task.next, nullptr);
    if (first_ == nullptr) last_ = nullptr;
    --queued_;
    lock.unlock();
    task.run();
    task.done(nullptr);
    lock.lock();
  }
  // The destructor joins whoever is still in running_.
  if (!ending_) left_.splice(left_.end(), running_, self);
}

LaneThreads::~LaneThreads() {
  Task* waiting = nullptr;
  Threads all;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    waiting = std::exchange(first_, nullptr);
    all.splice(all.end(), running_);
    all.splice(all.end(), left_);
  }
  wake_.notify_all();
  for (auto& thread : all) thread.join();
  const Error ended{Errc::busy};
  while (waiting != nullptr) std::exchange(waiting, waiting->next)->done(&ended);
}

std::size_t LaneThreads::threads() const {
  const std::lock_guard lock(mutex_);
  return running_.size();
}

Lanes::Lanes(const ServerSettings& settings)
    : committer_(settings.committer),
      storage_({.threads = std::max(1U, settings.storage_threads)}),
      hashing_({.threads = settings.hashing_threads > 0 ? settings.hashing_threads : 4 * cores(),
                .queue = settings.hashing_queue > 0 ? settings.hashing_queue : 64 * cores(),
                .background = true}),
      remote_({.threads = remote_threads}),
      feed_({.threads = feed_threads}) {}

Lanes::~Lanes() {
  std::unique_lock lock(mutex_);
  all_committed_.wait(lock, [this] { return committing_ == 0; });
}

bool Lanes::submit(Lane lane, Task& task) {
  switch (lane) {
    case Lane::commit: {
      {
        const std::lock_guard lock(mutex_);
        ++committing_;
      }
      if (committer_ && committer_(task)) return true;
      if (storage_.submit(task)) return true;
      committed();
      return false;
    }
    case Lane::storage: return storage_.submit(task);
    case Lane::hashing: return hashing_.submit(task);
    case Lane::remote: return remote_.submit(task);
    case Lane::feed: return feed_.submit(task);
  }
  return false;
}

void Lanes::committed() {
  const std::lock_guard lock(mutex_);
  if (--committing_ == 0) all_committed_.notify_all();
}

}  // namespace easyjwt::http
