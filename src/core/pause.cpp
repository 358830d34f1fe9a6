#include "easyjwt/core/pause.hpp"

#include <condition_variable>
#include <mutex>

namespace easyjwt {

bool pause(const std::stop_token& stop, std::chrono::nanoseconds time) {
  std::mutex mutex;
  std::condition_variable_any over;
  std::unique_lock lock(mutex);
  over.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace easyjwt
