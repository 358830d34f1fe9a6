#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/auth/accounts.hpp"
#include "easyjwt/auth/logins.hpp"
#include "easyjwt/client/authenticator.hpp"
#include "easyjwt/client/remote_auth.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/browser_sessions.hpp"
#include "service/html/renderer.hpp"

namespace easyjwt {

class AccountMails;
class RevocationFeed;

/// What pages act on. All of it outlives the router.
struct PageTools {
  const ServiceSettings& settings;
  db::Database& database;
  const BrowserSessions& sessions;
  const html::Renderer& renderer;
  Accounts& accounts;
  Logins* logins = nullptr;        ///< null: they are not recorded
  RevocationFeed* feed = nullptr;  ///< null: a client-service, which has none
  AccountMails* mails = nullptr;   ///< an auth-service's
  RemoteAuth* remote = nullptr;    ///< a client-service's
  Admit admit{};                   ///< a client-service's: the copy of a remote user
  Clock clock;
  Log log;
};

/// The pages of one's own account: logging in and out (django.contrib.auth.views.LoginView and
/// LogoutView), what one is logged in as, and a new password.
class AccountViews {
 public:
  explicit AccountViews(const PageTools& tools);

  http::Reply login_form(const http::Request& request) const;
  http::Reply login(const http::Request& request) const;
  http::Reply logout(const http::Request& request) const;
  http::Reply profile(const http::Request& request) const;
  http::Reply password_form(const http::Request& request) const;
  http::Reply change_password(const http::Request& request) const;
  http::Reply password_changed(const http::Request& request) const;

  /// Of the service that this is.
  const std::string& password_path() const noexcept { return password_path_; }

 private:
  struct Attempt;

  /// Asks AUTHENTICATION_BACKENDS in turn. nullopt: none knows them.
  Result<std::optional<Attempt>> authenticate(std::string_view email,
                                              std::string_view password) const;
  Result<std::optional<User>> ask_remote(std::string_view email, std::string_view password) const;
  http::Response show_login(const http::Request& request, std::string_view email,
                            std::string_view next, std::vector<Text> errors, int status) const;
  http::Response show_password_form(const http::Request& request, const User& user,
                                    const Error& wrong) const;
  html::Frame frame(Text title, const User& user) const;
  /// `view` with who is logged in; nobody is sent to the login.
  http::Reply for_user(const http::Request& request,
                       const std::function<http::Reply(const BrowserSession&)>& view) const;
  /// Changes it where it is kept; Errc::validation_error says what is wrong with which field.
  Result<void> store_password(const BrowserSession& session, std::string_view old_password,
                              std::string_view new_password,
                              const Translations* translations) const;

  const PageTools tools_;
  const std::string password_path_;
};

}  // namespace easyjwt
