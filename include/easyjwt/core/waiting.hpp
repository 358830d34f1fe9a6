#pragma once

#include <chrono>

namespace easyjwt {

/// Whether this thread may wait for a disk, a network or a permit. The threads that serve
/// connections may not: what would wait there answers Errc::would_wait, having written nothing, and
/// the router runs the handler again in its lane. Every other thread may.
bool may_wait() noexcept;

/// Marks the calling thread as one that may not wait, for as long as the object lives.
class NoWaiting {
 public:
  NoWaiting() noexcept;
  ~NoWaiting();
  NoWaiting(const NoWaiting&) = delete;
  NoWaiting& operator=(const NoWaiting&) = delete;

 private:
  bool before_;
};

/// Counts what the calling thread waits for the database, for as long as the object lives: a
/// request's transactions share one deadline. With one each, a login, which reads, hashes and
/// writes, would be answered after the sum of them.
class DatabaseWait {
 public:
  /// `so_far`: what the request has waited for a thread of its lane.
  explicit DatabaseWait(std::chrono::nanoseconds so_far) noexcept;
  ~DatabaseWait();
  DatabaseWait(const DatabaseWait&) = delete;
  DatabaseWait& operator=(const DatabaseWait&) = delete;

  /// What has been waited; zero where nobody counts.
  static std::chrono::nanoseconds waited() noexcept;
  static void add(std::chrono::nanoseconds more) noexcept;

 private:
  std::chrono::nanoseconds waited_;
  DatabaseWait* before_;
};

}  // namespace easyjwt
