#include "user/hash_gate.hpp"

namespace easyjwt {

HashGate::HashGate(unsigned permits, std::size_t queue) : queue_(queue) {
  for (unsigned slot = permits; slot > 0; --slot) free_.push_back(slot - 1);
}

HashGate::Permit::~Permit() {
  if (gate_ == nullptr) return;
  const auto time = std::chrono::steady_clock::now() - since_;
  gate_->held_.fetch_add(static_cast<std::uint64_t>(std::chrono::nanoseconds(time).count()),
                         std::memory_order_relaxed);
  gate_->release(slot_);
}

std::optional<HashGate::Permit> HashGate::acquire() {
  std::unique_lock lock(mutex_);
  if (!free_.empty()) {
    // The last one given back: its memory is the warmest.
    const unsigned slot = free_.back();
    free_.pop_back();
    return std::optional<Permit>(std::in_place, *this, slot);
  }
  if (waiting_.size() >= queue_) return std::nullopt;
  Waiter waiter;
  waiting_.push_back(&waiter);
  waiter.granted.wait(lock, [&] { return waiter.slot.has_value(); });
  return std::optional<Permit>(std::in_place, *this, *waiter.slot);
}

std::size_t HashGate::waiting() {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void HashGate::release(unsigned slot) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    free_.push_back(slot);
    return;
  }
  // Straight into the hands of whoever waits longest: a newcomer can't slip in between.
  Waiter* const next = waiting_.front();
  waiting_.pop_front();
  next->slot = slot;
  next->granted.notify_one();  // under the lock: the waiter ends as soon as it has it
}

}  // namespace easyjwt
