#pragma once

#include <string>

#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/own_views.hpp"

namespace easyjwt {

/// Adds /auth/forward/, which a proxy asks before it lets a request through to a service of any
/// language: the original request's Authorization and, as the proxy says them, X-Forwarded-Method
/// and -Uri. 200 with IdentityHeaders, 401 with WWW-Authenticate, 403, 503. Throws SettingsError.
void add_forward_auth(http::Router& router, const ServiceSettings& settings, Identify who,
                      const std::string& challenge);

}  // namespace easyjwt
