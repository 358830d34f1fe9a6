#pragma once

#include <string>

#include "easyjwt/client/authenticator.hpp"
#include "easyjwt/http/request.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/identities.hpp"

namespace easyjwt {

/// A client-service's DEFAULT_AUTHENTICATION_CLASSES: says who sent a request. Any thread; may wait
/// (Errc::would_wait).
class ClientAuthentication {
 public:
  /// Both must outlive it. Throws SettingsError.
  ClientAuthentication(const ServiceSettings& settings, RemoteAuth& remote, const Log& log,
                       Admit admit);

  /// Null: no credentials. SessionAuthentication finds none, as long as there are no pages on which
  /// to start a session.
  IdentityResult identify(const http::Request& request);

  /// WWW-Authenticate of the first class; empty for one that has none.
  std::string challenge() const;

 private:
  const ServiceSettings& settings_;
  Authenticator authenticator_;
};

}  // namespace easyjwt
