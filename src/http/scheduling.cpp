#include "http/scheduling.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace easyjwt::http {
namespace {

/// What glibc 2.36 has no declaration of (sched_setattr(2)).
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  ///< ns; of SCHED_OTHER the slice, which older kernels ignore
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

id_t this_thread() noexcept { return static_cast<id_t>(gettid()); }

}  // namespace

void run_promptly() noexcept {
  SchedulingAttributes attributes;
  attributes.nice = getpriority(PRIO_PROCESS, this_thread());
  attributes.runtime = 100'000;
  static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

void step_back() noexcept {
  constexpr int steps = 10;
  static_cast<void>(setpriority(PRIO_PROCESS, this_thread(), steps));
}

}  // namespace easyjwt::http
