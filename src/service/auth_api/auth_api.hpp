#pragma once

#include "easyjwt/auth/accounts.hpp"
#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"
#include "easyjwt/token/codec.hpp"
#include "easyjwt/user/serializer.hpp"
#include "service/auth_api/client_guard.hpp"
#include "service/auth_api/user_views.hpp"
#include "service/browser_sessions.hpp"
#include "service/revocation_feed.hpp"

namespace easyjwt {

/// What the auth-service's endpoints act on. All of it outlives the router.
struct AuthApi {
  const ServiceSettings& settings;
  Tokens& tokens;
  Accounts& accounts;
  Logins* logins;  ///< null: they are not recorded
  const ClientGuard& clients;
  db::Database& database;
  const TokenCodec& codec;
  const BrowserSessions& sessions;
  RevocationFeed& feed;
  const BoundSerializer* serializer = nullptr;  ///< null: TokenUserSerializer
  Welcome welcome{};                            ///< of whoever was added
};

/// Adds every view of the auth-service: the whole API at a glance is in auth_api.cpp.
void add_auth_api(http::Router& router, const AuthApi& api);

}  // namespace easyjwt
