#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// A session of a browser: a row of django_session and, whose it is, of easyjwt_browser_session.
/// Rows that Django wrote have none of the latter and are no sessions of ours.
struct StoredSession {
  std::string key;   ///< at most 40 characters; not what the browser has
  std::string data;  ///< whatever its writer makes of it
  std::int64_t user_id = 0;
  Time created_at{};
  Time last_seen_at{};
  Time expires_at{};
  std::string address;     ///< of the client that began it; cut to 45 characters
  std::string user_agent;  ///< cut to 200
};

/// The tables of sessions. Made for the length of a transaction.
class SessionStore {
 public:
  explicit SessionStore(db::Transaction& transaction) : transaction_(transaction) {}

  Result<void> add(const StoredSession& session);
  /// One that has not expired by `now`.
  Result<std::optional<StoredSession>> find(std::string_view key, Time now);
  Result<void> touch(std::string_view key, Time seen_at, Time expires_at);
  Result<void> remove(std::string_view key);
  /// All of a user's but `kept`; returns how many.
  Result<std::int64_t> remove_of_user(std::int64_t user_id, std::string_view kept = {});
  /// Those of a user that have not expired, the one seen last first.
  Result<void> list_of_user(std::int64_t user_id, Time now,
                            FunctionRef<void(const StoredSession&)> each);

  /// Deletes at most `limit` sessions that expired before `now`; returns how many.
  Result<std::int64_t> flush_expired(Time now, std::int64_t limit);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
