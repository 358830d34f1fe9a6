#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>

#include "easyjwt/auth/visitor.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/user/login_store.hpp"

namespace easyjwt {

/// EASY_JWT.LOGIN_HISTORY: who logged in, and who was refused. A login's row is written by whoever
/// lets it in, in the same transaction (LoginStore::add()). All else is kept in memory and written
/// by a thread of its own every two seconds and at the end: how many there were, and refusals,
/// which so cost nothing that an attacker could make anybody wait for. It looks up whose e-mail was
/// typed; of a user it keeps the newest 20 refusals of an hour, and of an e-mail that is nobody's
/// nothing but the count, since people type passwords there. The thread deletes what is older than
/// the history, too. Any thread may use it; nothing waits.
class Logins {
 public:
  /// `database` outlives it. `kept`: how long what is written stays; a day at least.
  Logins(db::Database& database, std::chrono::seconds kept, Clock clock, Log log);

  /// The login of that time has been committed.
  void succeeded(std::int64_t user_id, Time at, LoginHow how);
  void refused(std::string_view email, LoginHow how, const Visitor& visitor);

 private:
  struct Success {
    std::int64_t user_id;
    Time at;
    LoginHow how;
  };
  struct Refusal {
    Secret email;
    Time at;
    LoginHow how;
    Visitor visitor;
  };
  using Hour = std::tuple<Time, std::string_view, LoginHow>;
  /// What is not written yet. Of successes and refusals, no more than a bound: the oldest are given
  /// up, and are in the counts all the same.
  struct Batch {
    std::deque<Success> successes;
    std::deque<Refusal> refusals;
    std::map<Hour, std::int64_t> counts;

    bool empty() const { return successes.empty() && refusals.empty() && counts.empty(); }
    void count(Time at, std::string_view what, LoginHow how);
    void trim();
  };

  void run(const std::stop_token& stop);
  /// Writes what there is, and keeps what cannot be written.
  void write();
  /// These take what they have written out of the batch.
  Result<void> write_refusals(Batch& batch);
  Result<void> find_first_logins(Batch& batch);
  Result<void> write_counts(Batch& batch);
  void clean(const std::stop_token& stop);
  void tell(const std::string& failure);

  db::Database& database_;
  const std::chrono::seconds kept_;
  const Clock clock_;
  const Log log_;
  std::string told_;  ///< the thread's

  std::mutex mutex_;
  Batch waiting_;
  std::jthread thread_;
};

}  // namespace easyjwt
