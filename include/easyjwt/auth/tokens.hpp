#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/auth/accounts.hpp"
#include "easyjwt/auth/family_store.hpp"
#include "easyjwt/auth/logins.hpp"
#include "easyjwt/auth/settings.hpp"
#include "easyjwt/auth/token_store.hpp"
#include "easyjwt/auth/visitor.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/token/codec.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {

struct TokenPair {
  std::string refresh;
  std::string access;
};

struct Refreshed {
  std::string access;
  std::optional<std::string> refresh;  ///< with ROTATE_REFRESH_TOKENS
};

/// A token that stands, and whose it is.
struct ActiveToken {
  Claims claims;
  TokenType type = TokenType::access;
  User user;
};

/// What came of revoking a token.
enum class Revoked {
  yes,
  was_not_valid,  ///< nothing was left to be done
  never,          ///< it is of a type that ends by its expiry alone
};

/// Decides about tokens as the auth-service: what the original's serializers do. Any thread. Each
/// call reads the clock once.
///
/// Tokens that are refused are Errc::token_not_valid with the original's words, in its order:
/// malformed, wrongly signed or out of date; blacklisted; without exp; without id; of another type.
/// Tokens of a family that has ended are refused as blacklisted ones are.
class Tokens {
 public:
  /// Throws SettingsError: what check_settings() does. `logins` (null: they are not recorded)
  /// outlives it.
  Tokens(const AuthSettings& settings, const TokenCodec& codec, db::Database& database,
         Accounts& accounts, Clock clock, Log log, Logins* logins = nullptr);
  /// Throws SettingsError: a USER_ID_FIELD that is neither id, pk nor email; SESSION_CLAIM or
  /// DETECT_REUSE without what they need.
  static void check_settings(const AuthSettings& settings);

  /// With SESSION_CLAIM a login begins a family, and so does the first rotation of a token that has
  /// none, from before it was set.
  Result<TokenPair> obtain(std::string_view email, std::string_view password,
                           const Visitor& visitor = {});
  Result<std::string> obtain_sliding(std::string_view email, std::string_view password,
                                     const Visitor& visitor = {});

  /// With ROTATE_REFRESH_TOKENS and BLACKLIST_AFTER_ROTATION the old token is blacklisted in the
  /// same transaction in which it is judged: of any number of calls with one token one succeeds.
  /// Within ROTATION_GRACE of that the others get tokens with the same ids and instants, until the
  /// new refresh token is used or blacklisted. With DETECT_REUSE its family ends where a used token
  /// comes after that.
  /// Errc::account_gone where its user is deleted or inactive.
  Result<Refreshed> refresh(std::string_view raw);
  /// refresh() in three steps.
  class Refresh;
  /// Whether that is worth it: it writes, and signs slowly.
  bool refreshes_in_steps() const;
  Result<std::string> refresh_sliding(std::string_view raw);

  /// Any type of token. A blacklisted one is Errc::validation_error, as the original has it.
  Result<void> verify(std::string_view raw);
  /// Ends the token's family, too.
  Result<void> blacklist(std::string_view raw);

  /// revoke() of an outstanding token by its id, for who does not have it. Without its text
  /// (STORE_TOKEN_TEXT) its family is that of which it is the newest token. False: it was
  /// blacklisted before. Errc::not_found.
  Result<bool> blacklist(db::Transaction& transaction, std::int64_t id);

  /// An access, refresh or sliding token that stands, of a user who may use it, whether or not
  /// AUTH_TOKEN_CLASSES has its type (RFC 7662). The claims are views into `scratch`. Errors that
  /// are a 401 say why it does not stand.
  Result<ActiveToken> introspect(std::string_view raw, Scratch& scratch);
  /// RFC 7009. Blacklists a refresh token or a sliding one, with all that the latter was refreshed
  /// to; ends the token's family, which an access token may have, too.
  Result<Revoked> revoke(std::string_view raw);

  /// Whether it would do what its type is for, and nothing is done: an access token or a sliding
  /// one authenticate(), a refresh token refresh(), any other verify().
  Result<void> check(std::string_view raw);
  /// A token without a login, for operators. What obtain() records of a refresh token or a sliding
  /// one is recorded, last_login left alone. Errc::conflict: the user is no longer as given.
  Result<std::string> issue(const User& user, TokenType type,
                            std::optional<std::chrono::seconds> lifetime);

  /// The user of a token of AUTH_TOKEN_CLASSES (the original's JWTAuthentication).
  Result<User> authenticate(std::string_view raw);

  /// The id of the family of a token that stands; empty where it has none.
  std::string family(std::string_view raw) const;
  /// FamilyStore::list(), now.
  Result<std::vector<Family>> list_families(std::int64_t user_id);
  /// False: the user has no such family, or it had ended.
  Result<bool> end_family(std::int64_t user_id, std::string_view id);
  Result<void> end_families(std::int64_t user_id);

 private:
  bool uses_up() const noexcept;
  /// One attempt; Errc::conflict where record_login() says so.
  Result<TokenPair> try_obtain(std::string_view email, std::string_view password,
                               const Visitor& visitor);
  Result<std::string> try_obtain_sliding(std::string_view email, std::string_view password,
                                         const Visitor& visitor);
  /// The claims of a token that begins something: with SESSION_CLAIM a family.
  json::object new_claims(const User& user, TokenType type, Time now) const;
  /// Writes what a login leaves behind: the outstanding token, its family, last_login and the row
  /// of its history. Errc::conflict: the user is no longer what was judged.
  Result<void> record_login(const User& user, std::string_view raw, const json::object& claims,
                            LoginHow how, const Visitor& visitor, Time now);
  void record_refusal(const Error& error, std::string_view email, LoginHow how,
                      const Visitor& visitor) const;
  Result<void> record_token(db::Transaction& transaction, const User& user, std::string_view raw,
                            const json::object& claims, const Visitor& visitor, Time now);
  /// By the SESSION_CLAIM; nullopt: there is none, or no such setting. One that can be no family's
  /// is empty, and so of a family that is not there.
  std::optional<std::string_view> family_of(const std::optional<Claim>& claim) const;
  /// The id of the family that a token without one begins when it is used up: the same for whoever
  /// asks.
  std::string family_begun_by(const Claims& claims) const;
  /// Whether the token's family, if it has one, has not ended.
  Result<void> judge_family(db::Transaction& transaction, const Claims& claims) const;
  /// Notes in a family that it was refreshed.
  Result<void> use_family(db::Transaction& transaction, const Succession& next, Time now) const;
  /// DETECT_REUSE: ends the family of a token that was refused, if it is one that was used before.
  Result<void> end_if_reused(const Claims& claims, Time now);
  /// BlacklistMixin.verify(): the blacklist first, then what check() says, then the family.
  Result<void> judge(db::Transaction& transaction, const Claims& claims, TokenType type);
  bool is_listed(TokenType type) const;
  /// nullopt: of none of the three.
  std::optional<TokenType> type_of(const Claims& claims) const;
  /// The row of a token that is about to be blacklisted.
  OutstandingToken outstanding(const Claims& claims, std::string_view raw) const;
  /// STORE_TOKEN_TEXT.
  std::string_view stored_text(std::string_view raw) const;
  /// The user of a token that stands, if they may use it.
  Result<User> require_user(db::Transaction& transaction, const Claims& claims);
  Result<std::optional<User>> find_user(db::Transaction& transaction, const Claims& claims);
  /// Whom the token is for; nullopt: it can be nobody.
  Result<std::optional<UserKey>> user_key(const Claims& claims) const;
  template <class T, class ById, class ByEmail>
  Result<std::optional<T>> find(const Claims& claims, ById by_id, ByEmail by_email) const;
  Result<std::optional<UserState>> find_state(db::Transaction& transaction, const Claims& claims);
  /// What decides a refresh: judge(), of sliding tokens the window, and whether the user is there,
  /// active, and has not changed the password; said in this order.
  Result<void> judge_refresh(db::Transaction& transaction, const Claims& claims, TokenType type,
                             Time now);
  Result<void> judge_state(const RefreshState& state, const Claims& claims, TokenType type,
                           Time now) const;
  Result<void> check_revoked(const Claims& claims, std::string_view password) const;
  /// With ROTATION_GRACE: when the rotation was whose answer `claims`' token may have again, now.
  Result<std::optional<Time>> find_rotation(const Claims& claims, Time now);
  /// Records the token that takes the place of a used one, by which find_rotation() knows a
  /// rotation from a logout.
  Result<void> record_successor(db::Transaction& transaction, std::string_view jti, Time now);
  /// The id of the token of this type that a rotation makes: with ROTATION_GRACE the same on every
  /// node and at every retry.
  std::string successor_jti(const Claims& claims, TokenType type, Time rotated_at) const;
  UserIdClaim id_claim(const User& user) const;
  std::string revoke_claim(std::string_view password) const;

  AuthSettings settings_;
  const TokenCodec& codec_;
  db::Database& database_;
  Accounts& accounts_;
  Clock clock_;
  Log log_;
  Logins* logins_;
};

/// Tokens::refresh() for who must not decode and sign where it writes: the constructor, decide()
/// and answer(), one after the other, each on any thread.
class Tokens::Refresh {
 public:
  /// Decodes. `tokens` outlives it.
  Refresh(Tokens& tokens, std::string raw);
  Refresh(const Refresh&) = delete;
  Refresh& operator=(const Refresh&) = delete;

  /// False: the token is refused, or may not be judged here (Errc::would_wait), as answer() says.
  bool good() const noexcept { return claims_.has_value(); }
  /// Judges a good() token and uses it up, in one transaction. May be called again where that was
  /// undone.
  void decide();
  /// Once what decide() wrote is durable.
  Result<Refreshed> answer();

 private:
  Result<void> decide(db::Transaction& transaction);
  Result<void> begin_family(db::Transaction& transaction, const Succession& next,
                            std::int64_t user_id) const;
  /// Of a token that was refused: the answer to the rotation that it is a retry of, if it is.
  Result<void> repeat();
  std::string id(TokenType type, Time at) const;

  Tokens& tokens_;
  const std::string raw_;
  const Time now_;
  Scratch scratch_;
  const Result<Claims> claims_;
  const bool rotates_;
  const bool uses_up_;
  Time made_at_ = now_;  ///< the tokens of the answer
  std::string next_id_;
  std::optional<std::string_view> family_;
  std::string begun_;  ///< the family that the token begins, if it has none and should
  Result<void> decision_;
};

}  // namespace easyjwt
