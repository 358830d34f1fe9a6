#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <thread>

#include "easyjwt/http/router.hpp"

namespace easyjwt::http {

/// Work for a lane. Linked into its queue, so that queueing allocates nothing.
class Job {
 public:
  /// On a thread of the lane.
  virtual void run() noexcept = 0;
  /// Instead of run(), where the lane ends before its turn comes.
  virtual void drop() noexcept = 0;

 protected:
  virtual ~Job() = default;

 private:
  friend class LaneThreads;
  Job* next_ = nullptr;
};

/// A bounded pool of threads that are made when there is work and leave when there has been none
/// for a while.
class LaneThreads {
 public:
  struct Limits {
    std::size_t threads = 1;
    std::size_t queue = 0;    ///< waiting jobs; 0: any number
    bool background = false;  ///< gives way to the threads that serve connections (nice +10)
    std::chrono::milliseconds linger{10'000};
  };
  explicit LaneThreads(Limits limits) : limits_(limits) {}
  /// Drops what waits and joins what runs.
  ~LaneThreads();
  LaneThreads(const LaneThreads&) = delete;
  LaneThreads& operator=(const LaneThreads&) = delete;

  /// False where the queue is full, or no thread could be made. `job` must live until it ran.
  bool submit(Job& job);

  std::size_t threads() const;

 private:
  using Threads = std::list<std::thread>;
  void work(Threads::iterator self);
  void start_thread();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  std::size_t queued_ = 0;
  std::size_t idle_ = 0;
  bool ending_ = false;
  Threads running_;
  Threads left_;  ///< to be joined by the next who comes by
};

/// The pools of a server, one for each Lane.
class Lanes {
 public:
  Lanes(unsigned storage_threads, unsigned hashing_threads, std::size_t hashing_queue);
  bool submit(Lane lane, Job& job);

 private:
  LaneThreads storage_;
  LaneThreads hashing_;
  LaneThreads remote_;
};

}  // namespace easyjwt::http
