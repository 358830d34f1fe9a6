#pragma once

#include <memory>

#include "easyjwt/core/log.hpp"

namespace easyjwt {

/// Where the log lines of the running service go: a line each, as text for people or JSON for
/// machines, gathered and written at the latest after half a second, at once from a warning up, and
/// at the end of its life. Whatever a client sent can make neither a line of its own nor move a
/// terminal's cursor.
class LogSink {
 public:
  enum class Format { text, json };

  /// `fd` stays the caller's.
  LogSink(Format format, int fd);
  ~LogSink();

  /// Must not outlive the sink. Any thread.
  Log log();
  void flush();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace easyjwt
