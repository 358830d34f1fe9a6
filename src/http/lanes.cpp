#include "http/lanes.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "http/scheduling.hpp"

namespace easyjwt::http {
namespace {

constexpr std::size_t remote_threads = 64;

unsigned cores() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace

bool LaneThreads::submit(Job& job) {
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
    job.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &job;
    last_ = &job;
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
    Job& job = *first_;
    first_ = std::exchange(job.next_, nullptr);
    if (first_ == nullptr) last_ = nullptr;
    --queued_;
    lock.unlock();
    job.run();
    lock.lock();
  }
  // The destructor joins whoever is still in running_.
  if (!ending_) left_.splice(left_.end(), running_, self);
}

LaneThreads::~LaneThreads() {
  Job* waiting = nullptr;
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
  while (waiting != nullptr) std::exchange(waiting, waiting->next_)->drop();
}

std::size_t LaneThreads::threads() const {
  const std::lock_guard lock(mutex_);
  return running_.size();
}

Lanes::Lanes(unsigned storage_threads, unsigned hashing_threads, std::size_t hashing_queue)
    : storage_({.threads = std::max(1U, storage_threads)}),
      hashing_({.threads = hashing_threads > 0 ? hashing_threads : 4 * cores(),
                .queue = hashing_queue > 0 ? hashing_queue : 64 * cores(),
                .background = true}),
      remote_({.threads = remote_threads}) {}

bool Lanes::submit(Lane lane, Job& job) {
  switch (lane) {
    case Lane::storage: return storage_.submit(job);
    case Lane::hashing: return hashing_.submit(job);
    case Lane::remote: return remote_.submit(job);
  }
  return false;
}

}  // namespace easyjwt::http
