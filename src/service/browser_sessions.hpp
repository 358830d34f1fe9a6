#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/auth/logins.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/http/cookies.hpp"
#include "easyjwt/http/request.hpp"
#include "easyjwt/http/response.hpp"
#include "easyjwt/service/settings.hpp"
#include "easyjwt/user/session_store.hpp"
#include "easyjwt/user/user_store.hpp"
#include "service/secret_mac.hpp"

namespace easyjwt {

/// Who is logged in at a browser.
struct BrowserSession {
  std::string key;      ///< of its row
  std::string backend;  ///< by which: "ModelBackend"
  User user;
};

/// Sessions of browsers (django.contrib.sessions and login() of django.contrib.auth). The cookie is
/// random; the row's key is its digest, so that who reads the database has nobody's session, and
/// its data is signed with SECRET_KEY, so that who writes it makes none. A session ends when it is
/// SESSION_COOKIE_AGE old, when it was not used for SESSION_IDLE_AGE, with its user, when its user
/// is made inactive, and when the password changes. Any thread; finding one reads the database,
/// the rest writes (Errc::would_wait).
class BrowserSessions {
 public:
  /// All must outlive it. `logins`: null where they are not recorded.
  BrowserSessions(const ServiceSettings& settings, db::Database& database, Clock clock,
                  Logins* logins);

  /// nullopt: nobody is logged in. Without a cookie nothing is read.
  Result<std::optional<BrowserSession>> find(const http::Request& request) const;

  /// Logs in: a new session with a new cookie, whatever the browser had before.
  Result<void> begin(const User& user, std::string_view backend, const http::Request& request,
                     http::Response& response) const;
  /// After a password change: as begin(), and the user's other sessions end.
  Result<void> begin_alone(const User& user, std::string_view backend, const http::Request& request,
                           http::Response& response) const;
  /// Ends all sessions of a user.
  Result<void> end_all(std::int64_t user_id) const;
  /// Logs out.
  Result<void> end(const http::Request& request, http::Response& response) const;

 private:
  Result<void> start(const User& user, std::string_view backend, const http::Request& request,
                     http::Response& response, bool alone) const;
  std::optional<std::string> key_of(const http::Request& request) const;
  http::CookieSettings cookie(const http::Request& request) const;
  std::string seal(const StoredSession& session, std::string_view backend,
                   std::string_view password) const;
  /// The backend, where the seal is ours and the password is the one at its login.
  std::optional<std::string> open(const StoredSession& session, std::string_view password) const;
  std::chrono::seconds age() const;

  const ServiceSettings& settings_;
  db::Database& database_;
  const Clock clock_;
  const SecretMac mac_;
  Logins* const logins_;
};

}  // namespace easyjwt
