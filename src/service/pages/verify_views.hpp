#pragma once

#include <optional>
#include <string_view>

#include "easyjwt/http/router.hpp"
#include "service/pages/account_views.hpp"

namespace easyjwt {

/// What the link in the mail to a new account leads to (EMAIL_VERIFICATION). An auth-service's.
///
/// A page asks for the account's password: whoever makes an account with a stranger's address is
/// not let in by the stranger's click.
class VerifyViews {
 public:
  /// `tools.mails` is not null.
  explicit VerifyViews(const PageTools& tools) : tools_(tools) {}

  http::Reply form(const http::Request& request) const;
  http::Reply verify(const http::Request& request) const;
  http::Reply complete(const http::Request& request) const;

 private:
  http::Response show_form(const http::Request& request, const User& user,
                           const Error& wrong) const;
  http::Response show_invalid(const http::Request& request) const;
  /// Whose link it is; nullopt: it does not stand.
  Result<std::optional<User>> find(const http::Request& request) const;

  const PageTools tools_;
};

}  // namespace easyjwt
