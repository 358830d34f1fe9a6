#include "easyjwt/core/grace.hpp"

#include <chrono>
#include <thread>

namespace easyjwt {

std::size_t Grace::stripe() noexcept {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t mine = threads.fetch_add(1) % stripes;
  return mine;
}

void Grace::wait() noexcept {
  // Both phases are seen empty once: a reader may have read the phase before the last exchange and
  // count itself in only now. New ones go to the other phase, so neither wait is endless.
  for (int i = 0; i < 2; ++i) {
    const auto old = phase_.load();
    phase_.store(old ^ 1U);
    for (const auto& each : stripes_) {
      for (int tries = 0; each.inside[old].load() != 0; ++tries) {
        if (tries < 64) {
          std::this_thread::yield();
        } else {
          std::this_thread::sleep_for(std::chrono::microseconds{50});
        }
      }
    }
  }
}

}  // namespace easyjwt
