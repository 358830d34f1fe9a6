#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt::terminal {

/// Whether someone sits at stdin.
bool is_interactive();

/// Asks on stderr and reads a line from stdin, without its end. nullopt: the input ended, or was
/// broken off by a signal (^C).
std::optional<std::string> ask(std::string_view prompt);
/// The same without echo; the terminal is as before afterwards, whichever way it ends. Where stdin
/// is no terminal, there is no prompt.
std::optional<Secret> ask_secret(std::string_view prompt);

/// How far a long command has come, on stderr if that is a terminal, and only once it has taken a
/// second.
class Progress {
 public:
  /// `total` 0: not known.
  Progress(std::string what, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void at(std::int64_t done);

 private:
  using Steady = std::chrono::steady_clock;

  std::string what_;
  std::int64_t total_;
  bool visible_;
  bool shown_ = false;
  Steady::time_point next_;
};

}  // namespace easyjwt::terminal
