#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace easyjwt {

/// Lets a few threads hash at a time, in order of arrival, and a bounded number wait: a storm of
/// logins must not take every core and all memory, nor pile up work that nobody waits for any more.
class HashGate {
 public:
  HashGate(unsigned permits, std::size_t queue);

  /// Held for hashing and nothing else.
  class Permit {
   public:
    Permit(HashGate& gate, unsigned slot) noexcept
        : gate_(&gate), slot_(slot), since_(std::chrono::steady_clock::now()) {}
    Permit(Permit&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), slot_(other.slot_), since_(other.since_) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit();

    unsigned slot() const noexcept { return slot_; }  ///< below the number of permits, and unshared

   private:
    HashGate* gate_;
    unsigned slot_;
    std::chrono::steady_clock::time_point since_;
  };

  /// Waits for a permit; nullopt, without waiting, where the queue is full.
  std::optional<Permit> acquire();

  std::size_t waiting();

  /// Nanoseconds that permits given back were held.
  std::uint64_t held() const noexcept { return held_.load(std::memory_order_relaxed); }

 private:
  struct Waiter {
    std::condition_variable granted;
    std::optional<unsigned> slot;
  };

  void release(unsigned slot);

  const std::size_t queue_;
  std::mutex mutex_;
  std::vector<unsigned> free_;
  std::deque<Waiter*> waiting_;
  std::atomic<std::uint64_t> held_{0};
};

}  // namespace easyjwt
