#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "client/known_users.hpp"
#include "client/verified_tokens.hpp"
#include "easyjwt/client/authenticator.hpp"
#include "easyjwt/client/local_settings.hpp"
#include "easyjwt/client/local_verifier.hpp"
#include "easyjwt/core/function_ref.hpp"

namespace easyjwt {

/// VERIFY_MODE "local": who a token is of, without a call for one that has been seen before. What
/// has been found good is remembered until it dies, its keys change or it is revoked; the user is
/// fetched when new, and again when the feed says that they have changed. Any thread.
class LocalTrust {
 public:
  using Verdict = Result<std::shared_ptr<const Identity>>;
  /// How long ago it was known last what has been revoked. Empty: there is no feed.
  using Staleness = std::function<std::chrono::microseconds()>;

  /// `jwks` (null without a JWK_URL) and `revocations` must outlive it. `admit` empty: an Identity
  /// is what the auth-service says. Throws SettingsError.
  LocalTrust(LocalSettings settings, Jwks* jwks, const Revocations& revocations,
             Staleness staleness, Admit admit, Clock clock);

  /// `ask`: has the auth-service judge the token and bring its user.
  Verdict authenticate(std::string_view token, FunctionRef<Verdict()> ask);

  /// The feed says that what is known of this user, or of anybody, is out of date.
  void forget(const std::string& user) { users_.forget(user); }
  void forget_all() { users_.forget_all(); }

  /// By the keys of tokens.
  const LocalVerifier& verifier() const noexcept { return verifier_; }

 private:
  using User = std::shared_ptr<const KnownUser>;

  /// Null: it is not known, or not any more.
  std::shared_ptr<const Identity> find(const Digest& token, Time now, bool is_fed) const;
  bool must_fetch(const KnownUser& user, Time now, bool is_fed) const noexcept;
  bool must_admit(const KnownUser& user, Time now) const noexcept;
  Result<User> user_of(const LocalVerifier::Verified& token, Time now, bool is_fed,
                       FunctionRef<Verdict()> ask);

  const LocalSettings settings_;
  const Revocations& revocations_;
  const Staleness staleness_;
  const Admit admit_;
  const Clock clock_;
  const LocalVerifier verifier_;
  const KeyedDigest hash_;
  VerifiedTokens tokens_;
  KnownUsers users_;
};

}  // namespace easyjwt
