#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt {

/// What tokens look like and how long they live: EASY_JWT's keys of the same names.
struct TokenSettings {
  std::string algorithm = "HS256";  ///< HS/RS/ES/PS 256 384 512, EdDSA
  Secret signing_key;               ///< a shared secret, or PEM text of a private key
  std::string verifying_key;        ///< PEM text; empty: derived from the signing key
  std::vector<std::string> audience;
  bool audience_is_list = false;  ///< written as a list even with one member, as it was set
  std::optional<std::string> issuer;
  double leeway = 0;  ///< seconds
  /// "at+jwt" (RFC 9068): the typ of access tokens, and which others are refused; empty: "JWT", and
  /// typ is not looked at.
  std::string access_token_typ;

  std::chrono::seconds access_lifetime{300};
  std::chrono::seconds refresh_lifetime{86400};
  std::chrono::seconds sliding_lifetime{300};
  std::chrono::seconds sliding_refresh_lifetime{86400};

  std::string user_id_claim = "user_id";
  std::string token_type_claim = "token_type";
  std::string jti_claim = "jti";
  std::string sliding_refresh_exp_claim = "refresh_exp";
  std::string revoke_token_claim = "hash_password";
};

}  // namespace easyjwt
