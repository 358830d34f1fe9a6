#pragma once

namespace easyjwt::http {

// What a thread asks the scheduler for, itself; best effort, on Linux.

/// For threads that serve connections: a short slice, with which (from Linux 6.12 on) a thread that
/// wakes gets a core from one with a longer slice at once, instead of at the end of its 1 to 3 ms.
void run_promptly() noexcept;

/// For threads that hash passwords: a low priority. Not SCHED_IDLE: beside anything that keeps the
/// cores busy nobody could log in any more.
void step_back() noexcept;

}  // namespace easyjwt::http
