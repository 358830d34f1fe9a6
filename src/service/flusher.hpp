#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/token/settings.hpp"

namespace easyjwt {

/// Tokens that expired by then are dead: LEEWAY ago. Until then the blacklist is needed.
Time dead_by(const TokenSettings& settings, Time now);

/// EASY_JWT.FLUSH_INTERVAL: deletes expired tokens and families by itself, as flushexpiredtokens
/// does, in a thread of its own. In small batches with pauses as long as they took, so that
/// requests wait for half of the time at most and never for long. Nodes that share a database begin
/// at random parts of the interval, and may well flush at the same time.
class Flusher {
 public:
  /// `database` outlives this. What is deleted, and what fails, is logged once per interval.
  /// `afterlife`: ACCESS_TOKEN_LIFETIME, for which a family is needed after its last refresh token
  /// has expired: access tokens that this one made are still to be told from those of a family that
  /// is gone. `clock`: dead_by().
  Flusher(db::Database& database, std::chrono::seconds interval, std::chrono::seconds afterlife,
          Clock clock, Log log);

 private:
  void run(const std::stop_token& stop);
  void flush(const std::stop_token& stop);
  /// flush(transaction, where the batch before ended) until it finds no more.
  template <class Flush>
  void flush_all(const std::stop_token& stop, const std::string& what, const Flush& flush);

  db::Database& database_;
  const std::chrono::seconds interval_;
  const std::chrono::seconds afterlife_;
  const Clock clock_;
  const Log log_;
  std::jthread thread_;
};

}  // namespace easyjwt
