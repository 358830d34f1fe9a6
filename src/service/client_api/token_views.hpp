#pragma once

#include <memory>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/http/csrf.hpp"
#include "easyjwt/http/router.hpp"
#include "service/client_api/client_api.hpp"

namespace easyjwt {

/// The token endpoints (the original's easyjwt_client.views): each asks the auth-service and passes
/// on what it says, RemoteAuth's errors included.
///
/// In cookie mode (REFRESH_TOKEN_IN_COOKIE) the refresh token is in a cookie and in no body, either
/// way; what changes it must pass CSRF protection and ALLOWED_AUTH_ORIGINS. Any thread.
class TokenViews {
 public:
  TokenViews(const ClientApi& api, std::shared_ptr<const http::Csrf> csrf);

  /// POST /auth/token/. The user's copy is made or updated, too; where that fails the login is good
  /// all the same: the tokens have been handed out, and the first request with them tries again.
  http::Reply obtain(const http::Request& request) const;
  /// POST /auth/token/refresh/.
  http::Reply refresh(const http::Request& request) const;
  /// POST /auth/token/verify/.
  http::Reply verify(const http::Request& request) const;
  /// POST /auth/token/logout/. Says yes whether or not there was a token, and whether or not the
  /// auth-service could be told: the cookie is gone in any case.
  http::Reply logout(const http::Request& request) const;

  /// In cookie mode: Errc::permission_denied for what may be another site's.
  Result<void> check_csrf(const http::Request& request) const;

 private:
  /// CSRF, and the original's second gate behind it: ALLOWED_AUTH_ORIGINS.
  Result<void> check_site(const http::Request& request) const;
  /// The request's; empty: English.
  std::string_view language(const http::Request& request) const;
  void copy_user(const json::object& tokens) const;
  http::Reply answer(json::object tokens) const;

  const ClientApi api_;
  const std::shared_ptr<const http::Csrf> csrf_;
  const bool in_cookie_;
};

}  // namespace easyjwt
