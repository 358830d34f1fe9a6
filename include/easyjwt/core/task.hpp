#pragma once

#include "easyjwt/core/error.hpp"

namespace easyjwt {

/// Work that is handed to another thread. It lives until done().
class Task {
 public:
  /// Does the work. Called again where all that it wrote had to be undone.
  virtual void run() noexcept = 0;
  /// Afterwards, once, and the last that is done with the task. `error`: nothing of what run()
  /// wrote is there, or run() was never called; null: all of it is, durably.
  virtual void done(const Error* error) noexcept = 0;

  Task* next = nullptr;  ///< for whoever has it: queueing then allocates nothing

 protected:
  ~Task() = default;
};

}  // namespace easyjwt
