#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// EASY_JWT.FLUSH_INTERVAL: deletes expired tokens by itself, as flushexpiredtokens does, in a
/// thread of its own. In small batches with pauses as long as they took, so that requests wait for
/// half of the time at most and never for long. Nodes that share a database begin at random parts
/// of the interval, and may well flush at the same time.
class Flusher {
 public:
  /// `database` outlives this. What is deleted, and what fails, is logged once per interval.
  Flusher(db::Database& database, std::chrono::seconds interval, Clock clock, Log log);
  ~Flusher();
  Flusher(const Flusher&) = delete;
  Flusher& operator=(const Flusher&) = delete;

 private:
  void run();
  void flush();
  /// False at the end.
  bool pause(std::chrono::nanoseconds time);

  db::Database& database_;
  const std::chrono::seconds interval_;
  const Clock clock_;
  const Log log_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace easyjwt
