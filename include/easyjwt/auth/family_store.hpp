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

/// What a login began: all tokens that are made from its refresh token (or are its sliding token).
struct Family {
  std::string id;  ///< 32 hex digits: the SESSION_CLAIM of its tokens
  std::int64_t user_id = 0;
  Time created_at{};
  Time last_used_at{};     ///< when it was refreshed last
  Time expires_at{};       ///< of its last refresh token, as far as we know
  std::string user_agent;  ///< of the client that logged in; at most 200 characters of ASCII
  std::string address;     ///< at most 45
  std::string current_jti;
  std::optional<Time> ended_at;
};

/// Whether a text can be a Family's id. Whatever else stands in a token or a path is not asked for.
bool is_family_id(std::string_view text) noexcept;

/// The table easyjwt_session. Made for the length of a transaction.
///
/// Families are the SESSION_CLAIM's: tokens that name none have none. One whose row is gone counts
/// as ended.
class FamilyStore {
 public:
  explicit FamilyStore(db::Transaction& transaction) : transaction_(transaction) {}

  /// Has a change of the user's password wait for this transaction, or this for that: it would not
  /// see the family that is about to be added, and leave it.
  Result<void> hold_user(std::int64_t user_id);
  Result<void> add(const Family& family);
  Result<std::optional<Family>> find(std::string_view id);
  /// The user's family of which that is the newest token.
  Result<std::optional<std::string>> find_by_token(std::int64_t user_id, std::string_view jti);
  /// Whether it has not ended.
  Result<bool> is_live(std::string_view id);
  /// Notes a use, and the token that is the newest now. False: it has ended.
  Result<bool> use(std::string_view id, std::string_view jti, Time expires_at, Time now);
  /// Ends it and blacklists its newest refresh token. False: it had ended before.
  Result<bool> end(std::string_view id, Time now);
  /// Ends all of a user's; returns how many.
  Result<std::int64_t> end_all(std::int64_t user_id, Time now);
  /// Those of a user that have neither ended nor expired, the one used last first; 1000 at most.
  Result<void> list(std::int64_t user_id, Time now, FunctionRef<void(const Family&)> each);

  /// Deletes at most `limit` families that expired before `dead`: what their last tokens can be
  /// used for must be over, too. Returns how many.
  Result<std::int64_t> flush_expired(Time dead, std::int64_t limit);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
