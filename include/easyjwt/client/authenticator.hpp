#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/client/local_settings.hpp"
#include "easyjwt/client/remote_auth.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/token/identity.hpp"

namespace easyjwt {

struct AuthenticatorSettings {
  std::vector<std::string> header_types{"Bearer"};  ///< AUTH_HEADER_TYPES
  VerifyMode verify_mode = VerifyMode::remote;
  LocalSettings local{};  ///< of VerifyMode::local, and so are the others
  Clock clock = system_clock();
  Log log = no_log();
};

/// Makes an Identity of what the auth-service says of a user: where the service keeps copies of
/// users, by updating the copy. Any thread; may wait.
using Admit = std::function<Result<std::shared_ptr<const Identity>>(const json::object& user)>;

/// Says who a request is from (the original's EasyJWTAuthentication). Needs nothing but the
/// Authorization header; knows no server and no database. Any thread; blocks (Errc::would_wait
/// where the thread may not).
///
/// Remote: one call, GET /auth/user/, judges the token and brings its user; POST verify follows
/// only a refusal, for its words. Requests that bring the same token at the same time share the
/// next call to start, never one that is already under way: its answer may be older than the
/// request.
///
/// Local: the token is judged here, by LocalVerifier. Only for a user who is new there is that
/// call; a token that has been seen before neither waits nor allocates.
class Authenticator {
 public:
  /// Without `admit` an Identity is what the auth-service says, and may do nothing in particular.
  /// `remote` must outlive it. Throws SettingsError.
  Authenticator(AuthenticatorSettings settings, RemoteAuth& remote, Admit admit = {});
  ~Authenticator();
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  /// `header`: the value of the Authorization field; empty: there is none. Null: no credentials of
  /// ours. The original's refusals, as {"detail"} with 401; RemoteAuth's errors; those of `admit`.
  Result<std::shared_ptr<const Identity>> authenticate(std::string_view header);

  /// WWW-Authenticate of a 401: "Bearer".
  const std::string& challenge() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace easyjwt
