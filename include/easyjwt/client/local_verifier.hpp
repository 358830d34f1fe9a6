#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/client/jwks.hpp"
#include "easyjwt/client/local_settings.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/jose/jws.hpp"
#include "easyjwt/jose/key.hpp"
#include "easyjwt/token/revocations.hpp"

namespace easyjwt {

/// Judges a token as the auth-service does, by keys that this process has: signature, exp, nbf,
/// iat, aud, iss, its type and id; in the words in which a refusal of the auth-service reaches the
/// client of a client-service. Knows nothing of what has been revoked. The time is an argument. Any
/// thread.
class LocalVerifier {
 public:
  /// What is left to be asked of a good token.
  struct Verified {
    std::string user;  ///< the USER_ID_CLAIM as a text: 7 and "7" are one user
    Time from{};       ///< it stands from then (the later of nbf and iat, less LEEWAY) ...
    Time until{};      ///< ... to before then (exp and LEEWAY)
    Revocations::Marks marks;
    std::uint64_t generation = 0;  ///< of the keys: with another one it must be verified anew
  };

  /// `jwks`: null without a JWK_URL. Both must outlive it. Throws SettingsError: no key to verify
  /// by, or one that is none of its algorithm's.
  LocalVerifier(LocalSettings settings, Jwks* jwks, const Revocations& revocations);

  /// Errc::auth_service_refused: a 401 of {"detail"}; `reason` says why, for the log. The errors of
  /// Jwks::find() where it cannot be known.
  Result<Verified> verify(std::string_view token, Time now) const;

  /// Opens what else the auth-service signs by the keys of tokens: its payload comes into
  /// `payload`. Errors as of verify().
  Result<void> open(std::string_view raw, const jose::Kind& kind, std::string& payload) const;

  /// Changes when a key comes or goes.
  std::uint64_t generation() const noexcept;

 private:
  template <class Verify>
  Result<void> check_signature(const Verify& verify) const;

  const LocalSettings settings_;
  const jose::Algorithm algorithm_;
  Jwks* const jwks_;
  const Revocations& revocations_;
  const std::optional<jose::Key> key_;  // without a JWK_URL
};

/// A 401 with nothing but {"detail"}; without a text REST framework's. `reason` is for the log.
tl::unexpected<Error> refuse_token(Text detail, std::string reason = {});

}  // namespace easyjwt
