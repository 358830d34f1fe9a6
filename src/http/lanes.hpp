#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <thread>

#include "easyjwt/core/task.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/http/server.hpp"

namespace easyjwt::http {

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
  /// Joins what runs; what waits is done without having run.
  ~LaneThreads();
  LaneThreads(const LaneThreads&) = delete;
  LaneThreads& operator=(const LaneThreads&) = delete;

  /// False where the queue is full, or no thread could be made.
  bool submit(Task& task);

  std::size_t threads() const;

 private:
  using Threads = std::list<std::thread>;
  void work(Threads::iterator self);
  void start_thread();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Task* first_ = nullptr;
  Task* last_ = nullptr;
  std::size_t queued_ = 0;
  std::size_t idle_ = 0;
  bool ending_ = false;
  Threads running_;
  Threads left_;  ///< to be joined by the next who comes by
};

/// The pools of a server, one for each Lane.
class Lanes {
 public:
  explicit Lanes(const ServerSettings& settings);
  ~Lanes();
  bool submit(Lane lane, Task& task);
  /// To be called at the end of each done() of Lane::commit.
  void committed();

 private:
  const Committer committer_;
  std::mutex mutex_;
  std::condition_variable all_committed_;
  std::size_t committing_ = 0;
  LaneThreads storage_;
  LaneThreads hashing_;
  LaneThreads remote_;
  LaneThreads feed_;
};

}  // namespace easyjwt::http
