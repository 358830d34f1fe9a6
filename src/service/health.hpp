#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/http/router.hpp"

namespace easyjwt {

/// Whether this process should be sent requests. A thread of its own asks the database, twice a
/// second, so that whoever probes never waits for it: a proxy whose probe hangs with the database
/// would count a node as dead whose answers without the database are good.
class Readiness {
 public:
  enum class State {
    ready,
    no_database,    ///< it does not answer, or has not for 2 s
    no_migrations,  ///< its schema is not ours (any more)
    draining,       ///< it is, and we are about to stop
  };

  /// `database` was found ready just now, and outlives this. A change is logged.
  Readiness(db::Database& database, Log log);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  /// Any thread; never waits.
  State state() const noexcept;
  /// For good. Any thread.
  void drain() noexcept { draining_ = true; }

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  State check() noexcept;
  State look();
  State look_at_schema();
  void note(State now);

  db::Database& database_;
  const Log log_;
  std::atomic<bool> draining_ = false;
  std::atomic<State> found_ = State::ready;
  /// When the present check began, as a count of Clock's ticks; 0 between two.
  std::atomic<Clock::rep> checking_since_ = 0;

  // The thread's own.
  State noted_ = State::ready;
  Clock::time_point schema_seen_{};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread thread_;
};

/// Adds /healthz (the process answers) and /readyz (it should be sent requests; else 503 with what
/// is missing). They answer any Host: whoever probes goes by the address. `readiness` outlives the
/// router.
void add_health(http::Router& router, const Readiness& readiness);

}  // namespace easyjwt
