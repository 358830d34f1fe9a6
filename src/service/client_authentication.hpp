#pragma once

#include <string>

#include "easyjwt/client/authenticator.hpp"
#include "easyjwt/http/request.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/identities.hpp"
#include "service/session_authentication.hpp"

namespace easyjwt {

/// How tokens are judged, as the settings and the environment have it.
AuthenticatorSettings authenticator_settings(const ServiceSettings& settings, const Log& log);

/// A client-service's DEFAULT_AUTHENTICATION_CLASSES: says who sent a request. Any thread; may wait
/// (Errc::would_wait).
class ClientAuthentication {
 public:
  /// All must outlive it. Throws SettingsError.
  ClientAuthentication(const ServiceSettings& settings, RemoteAuth& remote, const Log& log,
                       Admit admit, const BrowserSessions& sessions, const Identities& identities);

  /// Null: no credentials.
  IdentityResult identify(const http::Request& request);

  /// WWW-Authenticate of the first class; empty for one that has none.
  std::string challenge() const;

 private:
  IdentityResult by_token(const http::Request& request);
  IdentityResult by_session(const http::Request& request) const;

  const ServiceSettings& settings_;
  const Identities& identities_;
  const SessionAuthentication session_;
  Authenticator authenticator_;
};

}  // namespace easyjwt
