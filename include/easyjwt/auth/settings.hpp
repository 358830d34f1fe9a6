#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/token/token_type.hpp"

namespace easyjwt {

/// How the auth-service decides: EASY_JWT's keys of the same names.
struct AuthSettings {
  bool rotate_refresh_tokens = false;
  bool blacklist_after_rotation = false;
  bool update_last_login = false;
  bool check_revoke_token = false;
  bool create_user_open = true;
  bool token_blacklist = true;  ///< easyjwt_auth.token_blacklist is in INSTALLED_APPS
  bool store_token_text = true;
  std::int64_t rotation_grace = 0;  ///< seconds in which a rotated token gets the same pair again
  /// The claim that names a token's family: what a login began, and all that is made from its
  /// refresh token. Where it is set, and only there, families are recorded. Empty: there are none.
  std::string session_claim;
  /// A used refresh token that comes again ends its family. Needs session_claim,
  /// rotate_refresh_tokens and blacklist_after_rotation.
  bool detect_reuse = false;
  std::string user_id_field = "id";  ///< "id", "pk" or "email"
  Secret
      secret;  ///< SECRET_KEY: keys what must be the same on every node and known to none outside
  std::vector<TokenType> auth_token_classes{TokenType::access};
};

}  // namespace easyjwt
