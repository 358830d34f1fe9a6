#include "easyjwt/core/waiting.hpp"

namespace easyjwt {
namespace {
thread_local bool waiting_allowed = true;
}

bool may_wait() noexcept { return waiting_allowed; }

NoWaiting::NoWaiting() noexcept : before_(waiting_allowed) { waiting_allowed = false; }
NoWaiting::~NoWaiting() { waiting_allowed = before_; }

}  // namespace easyjwt
