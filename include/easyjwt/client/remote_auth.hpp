#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/core/log.hpp"

namespace easyjwt {

/// EASY_JWT's keys of the same names (REMOTE_AUTH_...), and the breaker's.
struct RemoteAuthSettings {
  std::string service_url = "http://127.0.0.1:8000";  ///< REMOTE_AUTH_SERVICE_URL
  std::string token_path = "/auth/token/";
  std::string refresh_path = "/auth/token/refresh/";
  std::string verify_path = "/auth/token/verify/";
  std::string user_path = "/auth/user/";
  std::string password_change_path = "/auth/password-change/";
  std::string blacklist_path = "/auth/token/blacklist/";
  std::chrono::milliseconds request_timeout{30'000};
  bool ssl_verify = true;
  std::string ca_file;                      ///< PEM; empty: the system's
  std::string auth_header_type = "Bearer";  ///< the first of AUTH_HEADER_TYPES
  /// At a time, and so the connections that are kept; further ones wait in line while calls come
  /// back, at most two seconds.
  std::size_t max_calls = 48;
  unsigned breaker_failures = 3;                 ///< in a row, which open the breaker
  std::chrono::milliseconds breaker_pause{500};  ///< between two attempts to find it well again
};

/// The calls of a client-service to its auth-service, over kept connections (the original's
/// TokenManager). Any thread; blocks, so never on a connection's thread (Errc::would_wait there,
/// with nothing sent).
///
/// Errors, all calls:
/// - Errc::auth_service_refused: a 4xx; goes out as 401 with Error::body, which is the answer's
/// JSON
///   as REST framework would pass it on (numbers are texts), at most 8 KiB of it. Where it has none
///   `body` is empty: {"detail": "Authentication service returned an error."}.
/// - Errc::throttled: a 429, with its Retry-After, and its JSON as `body` where it has some.
/// - Errc::unavailable: no answer, a 5xx, another content type than JSON (of a 4xx, too: it is some
///   proxy's), or something that is not what the call answers. `reason` says which, without tokens
///   and passwords.
/// - Errc::payload_too_large: more than half a megabyte to send; nothing was sent.
///
/// The breaker: failures in a row open it. While it is open every call is Errc::unavailable at
/// once, and a thread of its own asks the auth-service until it answers anything; no request is
/// held for that. What waits for an answer is watched too, so that an auth-service that stands
/// still does not hold all threads until the timeout. Logged once when it opens and when it closes.
class RemoteAuth {
 public:
  /// Throws SettingsError: a URL that nothing can be fetched from, a path that does not begin with
  /// '/', a header type that is none, no time for a request.
  RemoteAuth(RemoteAuthSettings settings, Log log);
  ~RemoteAuth();
  RemoteAuth(const RemoteAuth&) = delete;
  RemoteAuth& operator=(const RemoteAuth&) = delete;

  const RemoteAuthSettings& settings() const noexcept;

  /// The answer's object as it is: "access", and "refresh" where the auth-service gives one.
  /// `language`, here and below: the one in which a refusal is to be told ("de"); empty: the
  /// auth-service's.
  Result<json::object> obtain(std::string_view email, std::string_view password,
                              std::string_view language = {});
  Result<json::object> refresh(std::string_view refresh, std::string_view language = {});
  Result<void> verify(std::string_view token, std::string_view language = {});
  Result<void> blacklist(std::string_view refresh);
  Result<void> change_password(std::string_view email, std::string_view password,
                               std::string_view new_password, std::string_view language = {});
  /// GET /auth/user/ with the access token: it judges the token and brings its user. An answer
  /// without an integer "id" and an "email" is Errc::unavailable. What cannot be a token (longer
  /// than max_token, or anything but visible ASCII in it) is Errc::auth_service_refused unasked.
  Result<json::object> user(std::string_view access);

  /// With the rest of its line this is what common servers take (8 KiB). More might have them close
  /// the connection, which is a failure: strangers could open the breaker.
  static constexpr std::size_t max_token = 8000;
  static bool can_be_token(std::string_view text) noexcept;

 private:
  friend class Authenticator;
  struct Impl;

  /// A request that waits for a call of another request's: the breaker counts it.
  /// Errc::unavailable: it is open. Else the number to end it with.
  Result<std::uint64_t> begin_waiting();
  void end_waiting(std::uint64_t number) noexcept;

  std::unique_ptr<Impl> impl_;
};

}  // namespace easyjwt
