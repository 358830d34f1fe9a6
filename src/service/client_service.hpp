#pragma once

#include "easyjwt/client/remote_auth.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"

namespace easyjwt {

/// A client-service's calls as the settings and the environment have them: where the original's
/// libraries look for a certificate authority of one's own, we do, too.
RemoteAuthSettings remote_settings(const ServiceSettings& settings);

/// What a client-service serves, beneath the views of its own: the endpoints of client_api, and
/// what they ask the auth-service by. Must outlive the server.
class ClientService {
 public:
  /// Throws SettingsError. `settings` must outlive it.
  ClientService(const ServiceSettings& settings, const Log& log, http::Router& router);

 private:
  RemoteAuth remote_;
};

}  // namespace easyjwt
