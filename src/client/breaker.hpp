#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace easyjwt {

/// Decides whether another service is worth asking: a state machine without clock, lock or thread.
///
/// Closed: calls are made. It opens after `failures` failures in a row, or where calls stand still:
/// `crowd` or more requests wait and for `patience` none of them has been answered. Open: nothing
/// is asked, until an attempt of its owner's, or a call that was under way, finds the service well.
///
/// Calls overlap and come back in any order, so a call is judged by when it began: what is known
/// already of a later one counts more.
class Breaker {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Settings {
    unsigned failures = 3;       ///< in a row; at least 1
    std::size_t max_calls = 64;  ///< at a time; at least 1
    std::size_t crowd = 16;      ///< at least 1; max_calls where that is less
    std::chrono::milliseconds patience{1000};
  };
  enum class Admission {
    admitted,  ///< to be ended
    open,      ///< refused
    opened,    ///< refused, and the first to be
    full,      ///< refused: max_calls are under way
  };
  /// What came of a call.
  enum class Outcome {
    answered,
    failed,
    unknown,  ///< a fault of our own, say; proves nothing
  };
  enum class Change { none, opened, closed };
  enum class Cause { failures, standstill };
  struct Ticket {
    Admission admission;
    std::uint64_t number;  ///< in the order of beginnings
  };

  explicit Breaker(Settings settings);

  bool is_open() const noexcept { return open_; }
  Cause cause() const noexcept { return cause_; }  ///< why it opened last
  std::size_t calls() const noexcept { return calls_; }

  Ticket begin_call(Time now);
  Change end_call(std::uint64_t number, Outcome outcome, Time now);

  /// A request that waits for a call of another request's.
  Ticket begin_waiting(Time now);
  void end_waiting(std::uint64_t number) noexcept;

  /// An attempt found the service well. What hangs since before that proves nothing any more.
  Change recover();

 private:
  Admission admit(Time now) noexcept;
  Ticket count_one_more(Time now) noexcept;
  void open(Cause cause) noexcept;

  const Settings settings_;
  bool open_ = false;
  Cause cause_ = Cause::failures;
  std::size_t calls_ = 0;
  std::size_t waiting_ = 0;      // calls and those that wait for a call of another's
  std::uint64_t begun_ = 0;      // the last number that was given
  std::uint64_t recovered_ = 0;  // what began up to here is not among waiting_ any more
  std::uint64_t answered_ = 0;   // the latest call known to have been answered
  std::uint64_t failed_ = 0;     // the latest call known to have failed
  unsigned failures_ = 0;        // in a row
  Time moved_{};                 // a call came back, or the crowd came together
};

}  // namespace easyjwt
