#pragma once

namespace easyjwt {

/// The program with all its commands: main() of `easyjwt`.
class Program {
 public:
  /// Runs the command that the arguments name. 0: done; 1: refused or failed, with a line on stderr
  /// that says what and where; 2: called wrongly. Never throws.
  int run(int argc, const char* const* argv) noexcept;
};

}  // namespace easyjwt
