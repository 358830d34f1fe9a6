#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/error.hpp"
#include "easyjwt/http/cookies.hpp"
#include "easyjwt/http/router.hpp"
#include "service/pages/account_views.hpp"

namespace easyjwt {

/// A new password for who has forgotten theirs, by a link in a mail (the four views of
/// django.contrib.auth). An auth-service's.
class ResetViews {
 public:
  /// `tools.mails` is not null.
  explicit ResetViews(const PageTools& tools) : tools_(tools) {}

  http::Reply form(const http::Request& request) const;
  /// The same answer, and as fast, whoever has the address.
  http::Reply ask(const http::Request& request) const;
  http::Reply asked(const http::Request& request) const;
  /// What a link leads to: its token goes into a cookie, and the browser to a path without it, so
  /// that it is in no history, bookmark or Referer. There: the form.
  http::Reply confirm(const http::Request& request) const;
  http::Reply reset(const http::Request& request) const;
  http::Reply complete(const http::Request& request) const;

 private:
  http::Response show_form(const http::Request& request, std::string_view email,
                           const Error& wrong) const;
  http::Response show_confirm(const http::Request& request, const Error& wrong) const;
  http::Response show_invalid(const http::Request& request) const;
  /// Whose token it is; nullopt: it does not stand.
  Result<std::optional<User>> find(std::string_view uid, std::string_view token) const;
  /// By the cookie, on the path without a token.
  Result<std::optional<User>> find(const http::Request& request) const;
  http::CookieSettings cookie(const http::Request& request) const;

  const PageTools tools_;
};

}  // namespace easyjwt
