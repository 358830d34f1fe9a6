#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// A row of token_blacklist_outstandingtoken.
struct OutstandingToken {
  std::string_view jti;
  std::string_view token;
  std::optional<std::int64_t> user_id;
  std::optional<Time> created_at;
  Time expires_at;
};

/// What a refresh is decided by.
struct RefreshState {
  bool is_active = false;
  std::string password;  ///< encoded
  bool is_blacklisted = false;
};

/// A batch of expired tokens that were deleted.
struct Flushed {
  std::int64_t rows = 0;
  /// The latest of their instants, where the next batch goes on; at first before all of them.
  Time until = std::chrono::sys_days{std::chrono::year{1} / 1 / 1};
};

/// The tables of easyjwt_auth.token_blacklist. Made for the length of a transaction.
class TokenStore {
 public:
  explicit TokenStore(db::Transaction& transaction) : transaction_(transaction) {}

  Result<bool> is_blacklisted(std::string_view jti);
  /// The user and the token in one statement; nullopt where there is no such user.
  Result<std::optional<RefreshState>> find_refresh_state_by_id(std::int64_t user,
                                                               std::string_view jti);
  Result<std::optional<RefreshState>> find_refresh_state_by_email(std::string_view user,
                                                                  std::string_view jti);
  Result<void> add(const OutstandingToken& token);
  /// Blacklists `token`, adding it to the outstanding ones where it is not among them. Returns
  /// whether this call did it: false, it was blacklisted before. Of any number of calls one returns
  /// true.
  Result<bool> blacklist(const OutstandingToken& token, Time now);
  /// Deletes at most `limit` tokens that expired by `now`, with their blacklist rows. `from` is
  /// where the batch before ended: PostgreSQL's index goes on naming what is gone until a VACUUM,
  /// and each batch would walk past all of that.
  Result<Flushed> flush_expired(Time now, std::int64_t limit, Time from = Flushed{}.until);
  Result<std::int64_t> count_expired(Time now);

 private:
  Result<std::optional<RefreshState>> find_refresh_state(const db::Sql& sql, db::Value user,
                                                         std::string_view jti);

  db::Transaction& transaction_;
};

}  // namespace easyjwt
