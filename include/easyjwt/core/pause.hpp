#pragma once

#include <chrono>
#include <stop_token>

namespace easyjwt {

/// For the loop of a std::jthread that does something now and then: waits for so long, or until the
/// thread is to end. False then.
bool pause(const std::stop_token& stop, std::chrono::nanoseconds time);

}  // namespace easyjwt
