#pragma once

#include <memory>

#include "easyjwt/client/remote_auth.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/browser_sessions.hpp"
#include "service/catalogue/catalogue.hpp"
#include "service/client_authentication.hpp"
#include "service/html/renderer.hpp"
#include "service/identities.hpp"
#include "service/own_views.hpp"
#include "service/project.hpp"

namespace easyjwt {

/// A client-service's calls as the settings and the environment have them: where the original's
/// libraries look for a certificate authority of one's own, we do, too.
RemoteAuthSettings remote_settings(const ServiceSettings& settings);

/// What a client-service serves: the endpoints of client_api, forward-auth and the views of its
/// own, and what they ask the auth-service by. Must outlive the server.
class ClientService {
 public:
  /// Throws SettingsError. `loaded`, `database` and `serializer` (null: TokenUserSerializer) must
  /// outlive it.
  ClientService(const LoadedSettings& loaded, db::Database& database, const Log& log,
                http::Router& router, const std::vector<OwnView>& views,
                const BoundSerializer* serializer);

 private:
  RemoteAuth remote_;
  const Identities identities_;
  AccountTools tools_;
  const std::unique_ptr<Logins> logins_;
  const BrowserSessions sessions_;
  const Catalogue catalogue_;
  const html::Renderer renderer_;
  ClientAuthentication authentication_;
};

}  // namespace easyjwt
