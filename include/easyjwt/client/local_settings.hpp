#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/token/settings.hpp"
#include "easyjwt/token/token_type.hpp"

namespace easyjwt {

/// EASY_JWT.VERIFY_MODE: who judges a token.
enum class VerifyMode {
  remote,  ///< the auth-service, at every request: a revocation counts at once
  local,   ///< this process, by keys that it has: no call
};

/// EASY_JWT.STALENESS_POLICY: what is done with a token while it cannot be known what has been
/// revoked (or, with remote and refuse, by which keys it is to be verified).
enum class StalenessPolicy {
  remote,  ///< ask the auth-service
  refuse,  ///< Errc::unavailable
  accept,  ///< go by what was known last
};

/// How tokens are judged without the auth-service: EASY_JWT's keys of the same names.
struct LocalSettings {
  /// ALGORITHM; for HS* SIGNING_KEY, else VERIFYING_KEY where there is no JWK_URL; AUDIENCE,
  /// ISSUER, LEEWAY and the names of claims. Nothing is signed.
  TokenSettings token;
  std::string jwk_url;  ///< whose keys alone verify; of no use to HS*
  std::string ca_file;  ///< PEM, for https:// URLs; empty: the system's
  std::vector<TokenType> token_types{TokenType::access};  ///< AUTH_TOKEN_CLASSES
  std::string session_claim;  ///< SESSION_CLAIM: the refresh family; empty: tokens have none

  /// The auth-service's /auth/events/, which says what has been revoked; empty: there is no feed,
  /// and a token stands until it expires.
  std::string feed_url;
  std::string feed_client_id;  ///< FEED_CLIENT_ID
  Secret feed_client_secret;   ///< FEED_CLIENT_SECRET
  bool feed_tls_verify = true;

  StalenessPolicy staleness_policy = StalenessPolicy::remote;
  /// With a feed: beyond it the policy decides. At least a second, or the feed is always too old.
  std::chrono::seconds max_staleness{5};
  /// Without a feed, how long what the auth-service said of a user is taken for true.
  std::chrono::seconds user_lifetime{60};

  /// What is remembered at most.
  std::size_t max_tokens = 65536;
  std::size_t max_users = 16384;
};

}  // namespace easyjwt
