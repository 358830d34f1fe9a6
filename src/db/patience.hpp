#pragma once

#include <algorithm>
#include <chrono>

#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {

using Deadline = std::chrono::steady_clock::time_point;

/// How long one call may take of what its request has left; counts what it takes.
class Patience {
 public:
  explicit Patience(std::chrono::milliseconds in_all)
      : begun_(std::chrono::steady_clock::now()), left_(in_all - DatabaseWait::waited()) {}
  ~Patience() { DatabaseWait::add(std::chrono::steady_clock::now() - begun_); }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  /// Never so near that a healthy database could not meet it: a queue may be long where nothing is
  /// wrong.
  Deadline deadline() const noexcept {
    return begun_ + std::max<std::chrono::nanoseconds>(left_, std::chrono::milliseconds{100});
  }

 private:
  const Deadline begun_;
  const std::chrono::nanoseconds left_;
};

}  // namespace easyjwt::db
