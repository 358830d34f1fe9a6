#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
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

/// An outstanding token as people see it. Its text, a credential, is not there.
struct TokenRow {
  std::int64_t id = 0;
  std::string jti;
  std::optional<std::int64_t> user_id;
  std::string user_email;  ///< empty: of nobody
  std::optional<Time> created_at;
  Time expires_at{};
  std::optional<std::int64_t> blacklist_id;  ///< of its row among the blacklisted ones
  std::optional<Time> blacklisted_at;
};

/// A page of tokens: of all, or of those users, or of those whose jti begins so (hexadecimal digits
/// alone).
struct TokenQuery {
  enum class Order { id, expires_at };
  std::optional<std::vector<std::int64_t>> users{};
  std::string jti{};
  bool only_blacklisted = false;  ///< by their blacklisting, whatever `order` says
  Order order = Order::id;
  bool descending = true;
  std::int64_t offset = 0;
  std::int64_t limit = 100;
};

/// Whom a token is for: an id, or an e-mail as it is written.
using UserKey = std::variant<std::int64_t, std::string_view>;

/// The token of a family that comes after the one that is used up.
struct Succession {
  std::string_view family;
  std::string_view jti;
  Time expires_at;
};

/// What a refresh is decided by.
struct RefreshState {
  std::int64_t user_id = 0;
  bool is_active = false;  ///< false, too: there is no such user
  std::string password;    ///< encoded
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
  /// The user and the token in one statement.
  Result<RefreshState> find_refresh_state(UserKey user, std::string_view jti);
  Result<void> add(const OutstandingToken& token);
  /// Blacklists `token`, adding it to the outstanding ones where it is not among them. Returns
  /// whether this call did it: false, it was blacklisted before. Of any number of calls one returns
  /// true.
  Result<bool> blacklist(const OutstandingToken& token, Time now);
  /// Blacklists all that is outstanding of a user's.
  Result<void> blacklist_of_user(std::int64_t user_id, Time now);
  /// Has an outstanding token's row live until `expires_at` at least.
  Result<void> keep_until(std::string_view jti, Time expires_at);
  /// find_refresh_state(), an Error of `judge` about it, and blacklist(). On PostgreSQL in one
  /// round trip, and what `judge` then refuses is rolled back with everything else.
  ///
  /// With `next` the family moves on to that token first; false, too: it has ended or is not there.
  Result<bool> use_up(UserKey user, const OutstandingToken& token, Time now,
                      FunctionRef<Result<void>(const RefreshState&)> judge,
                      const Succession* next = nullptr);
  /// When `jti` was blacklisted, by whatever.
  Result<std::optional<Time>> find_blacklisting(std::string_view jti);
  /// Whether it was handed out and is not blacklisted.
  Result<bool> is_good(std::string_view jti);
  Result<void> list(const TokenQuery& query, FunctionRef<void(const TokenRow&)> each);
  /// How many there are, up to `most`.
  Result<std::int64_t> count(const TokenQuery& query, std::int64_t most);
  Result<std::optional<TokenRow>> find(std::int64_t id);
  Result<std::optional<std::int64_t>> find_id(std::string_view jti);
  /// Of the row among the blacklisted ones.
  Result<std::optional<std::int64_t>> find_id_of_blacklisted(std::int64_t blacklist_id);
  /// Empty: it is not stored.
  Result<std::string> find_text(std::int64_t id);

  /// Deletes at most `limit` tokens that expired by `now`, with their blacklist rows. `from` is
  /// where the batch before ended: PostgreSQL's index goes on naming what is gone until a VACUUM,
  /// and each batch would walk past all of that.
  Result<Flushed> flush_expired(Time now, std::int64_t limit, Time from = Flushed{}.until);
  Result<std::int64_t> count_expired(Time now);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
