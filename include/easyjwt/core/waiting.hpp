#pragma once

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

}  // namespace easyjwt
