#pragma once

#include "easyjwt/client/authenticator.hpp"
#include "easyjwt/client/remote_auth.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/own_views.hpp"

namespace easyjwt {

/// What the client-service's endpoints act on. `settings` and `remote` outlive the router.
struct ClientApi {
  const ServiceSettings& settings;
  RemoteAuth& remote;
  /// Makes or updates this service's copy of a user, at a login. May be empty: no copies.
  Admit admit;
  /// Who sent a request: a bad token is refused on views that need none, too (REST framework).
  Identify who;
  /// In which an auth-service is asked to tell what it refuses.
  http::Language language;
  Log log;
};

/// Adds every view of the client-service: the whole API at a glance is in client_api.cpp. Throws
/// SettingsError: CSRF_TRUSTED_ORIGINS.
void add_client_api(http::Router& router, const ClientApi& api);

}  // namespace easyjwt
