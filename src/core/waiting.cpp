#include "easyjwt/core/waiting.hpp"

namespace easyjwt {
namespace {
thread_local bool waiting_allowed = true;
thread_local DatabaseWait* counting = nullptr;
}  // namespace

bool may_wait() noexcept { return waiting_allowed; }

NoWaiting::NoWaiting() noexcept : before_(waiting_allowed) { waiting_allowed = false; }
NoWaiting::~NoWaiting() { waiting_allowed = before_; }

DatabaseWait::DatabaseWait(std::chrono::nanoseconds so_far) noexcept
    : waited_(so_far), before_(counting) {
  counting = this;
}
DatabaseWait::~DatabaseWait() { counting = before_; }

std::chrono::nanoseconds DatabaseWait::waited() noexcept {
  return counting != nullptr ? counting->waited_ : std::chrono::nanoseconds::zero();
}

void DatabaseWait::add(std::chrono::nanoseconds more) noexcept {
  if (counting != nullptr) counting->waited_ += more;
}

}  // namespace easyjwt
