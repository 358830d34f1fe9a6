#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/http/request.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/session_authentication.hpp"

namespace easyjwt {

/// DEFAULT_AUTHENTICATION_CLASSES: asks each in turn who sent a request. Any thread.
class Authentication {
 public:
  /// `tokens` and `sessions` must outlive it.
  Authentication(const ServiceSettings& settings, Tokens& tokens, const BrowserSessions& sessions);

  /// nullopt: no credentials; an Error: bad ones.
  Result<std::optional<User>> authenticate(const http::Request& request) const;
  /// Whoever it is, but someone: Errc::not_authenticated.
  Result<User> require_user(const http::Request& request) const;
  /// Errc::permission_denied for whoever is not staff.
  Result<User> require_staff(const http::Request& request) const;

  /// The id of the family of the token that a request came with; empty: none of either.
  std::string family(const http::Request& request) const;

  /// WWW-Authenticate of the first class: "Bearer realm=\"api\"". Empty for one that has none.
  const std::string& challenge() const noexcept { return challenge_; }
  /// The same for the views that always answer as JWTAuthentication does.
  const std::string& token_challenge() const noexcept { return token_challenge_; }

 private:
  /// The token in the header, as the original's get_raw_token(); nullopt: the header is not for us.
  Result<std::optional<std::string_view>> raw_token(std::string_view header) const;

  Result<std::optional<User>> by_token(const http::Request& request) const;

  Tokens& tokens_;
  const SessionAuthentication session_;
  std::vector<std::string> classes_;
  std::string header_name_;
  std::vector<std::string> header_types_;
  std::string challenge_;
  std::string token_challenge_;
};

}  // namespace easyjwt
