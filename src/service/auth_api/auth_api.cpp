#include "service/auth_api/auth_api.hpp"

#include <memory>
#include <string>

#include "service/auth_api/authentication.hpp"
#include "service/auth_api/client_views.hpp"
#include "service/auth_api/feed_view.hpp"
#include "service/auth_api/session_views.hpp"
#include "service/auth_api/token_views.hpp"
#include "service/auth_api/user_views.hpp"
#include "service/auth_api/well_known.hpp"

namespace easyjwt {

void add_auth_api(http::Router& router, const AuthApi& api) {
  using http::Lane;
  using http::Method;
  const auto who = std::make_shared<const Authentication>(api.settings, api.tokens, api.sessions);
  const auto& settings = api.settings;

  // The token endpoints look at no credentials but those in their body.
  const auto token = [&](std::string path, std::string name, const std::string& serializer,
                         std::string description) {
    auto [lane, handler] = token_view(serializer, api.tokens);
    router.add({.path = std::move(path),
                .name = std::move(name),
                .description = std::move(description),
                .lane = lane,
                .challenge = who->token_challenge(),
                .handlers = {{Method::post, std::move(handler)}}});
  };
  token("/auth/token/", "Token Obtain Pair", settings.token_obtain_serializer,
        "Takes an e-mail and a password, returns a refresh and an access token.");
  token("/auth/token/refresh/", "Token Refresh", settings.token_refresh_serializer,
        "Takes a refresh token, returns an access token, and a refresh token when rotating.");
  token("/auth/token/verify/", "Token Verify", settings.token_verify_serializer,
        "Takes a token of any type, returns {} if it stands.");
  if (settings.auth.token_blacklist) {
    token("/auth/token/blacklist/", "Token Blacklist", settings.token_blacklist_serializer,
          "Takes a refresh token, which is refused from then on.");
  }
  token("/auth/token/sliding/", "Token Obtain Sliding", settings.sliding_token_obtain_serializer,
        "Takes an e-mail and a password, returns a sliding token.");
  token("/auth/token/sliding/refresh/", "Token Refresh Sliding",
        settings.sliding_token_refresh_serializer,
        "Takes a sliding token, returns it with a new expiry.");

  // The others refuse bad credentials whether or not they need any.
  const auto view = [&](std::string path, std::string name, std::string description, Lane lane,
                        Method method, http::Guard guard, http::Handler handler) {
    router.add({.path = std::move(path),
                .name = std::move(name),
                .description = std::move(description),
                .lane = lane,
                .challenge = who->challenge(),
                .refusal_guard = std::move(guard),
                .handlers = {{method, std::move(handler)}}});
  };
  const auto anyone = [who](const http::Request& request) -> Result<void> {
    return who->authenticate(request).map([](const auto&) {});
  };
  const auto user = [who](const http::Request& request) -> Result<void> {
    return who->require_user(request).map([](const auto&) {});
  };
  const auto staff = [who](const http::Request& request) -> Result<void> {
    return who->require_staff(request).map([](const auto&) {});
  };
  const http::Guard creator = settings.auth.create_user_open ? http::Guard(anyone) : staff;
  view("/auth/create-user/", "Create User", "Adds a user.", Lane::hashing, Method::post, creator,
       create_user_view(api.accounts, creator, api.welcome));
  view("/auth/password-change/", "Password Change", "Takes an e-mail, its password and a new one.",
       Lane::hashing, Method::post, anyone,
       password_change_view(api.accounts, api.logins, api.feed, anyone));
  view("/auth/user/", "Token User Detail", "The caller.", Lane::storage, Method::get, user,
       own_user_view(who, api.database, api.serializer));
  view("/auth/users/", "User List", "Every user, for staff.", Lane::storage, Method::get, staff,
       user_list_view(who, api.database));
  view("/auth/users/{id}/", "User Detail", "One user, for staff and for the user.", Lane::storage,
       Method::get, user, user_detail_view(who, api.accounts));

  if (!settings.auth.session_claim.empty()) {
    router.add({.path = "/auth/sessions/",
                .name = "Session List",
                .description = "What the caller's logins began: lists it, or ends it all.",
                .lane = Lane::storage,
                .challenge = who->challenge(),
                .refusal_guard = user,
                .handlers = {{Method::get, session_list_view(who, api.tokens)},
                             {Method::delete_, end_sessions_view(who, api.tokens)}}});
    view("/auth/sessions/{id}/", "Session", "What one of the caller's logins began: ends it.",
         Lane::storage, Method::delete_, user, end_session_view(who, api.tokens));
  }

  // For OAuth clients: gateways, and services that follow what is revoked.
  const auto client = [&](std::string path, std::string name, std::string description, Lane lane,
                          http::Handler handler) {
    router.add({.path = std::move(path),
                .name = std::move(name),
                .description = std::move(description),
                .lane = lane,
                .challenge = std::string(ClientGuard::challenge),
                .handlers = {{Method::post, std::move(handler)}}});
  };
  client("/auth/introspect/", "Token Introspection", "Whether a token stands, and what it says.",
         Lane::storage, introspection_view(api.clients, api.tokens, api.codec.settings()));
  if (settings.auth.token_blacklist) {
    client("/auth/revoke/", "Token Revocation", "Ends a refresh token or a sliding one.",
           Lane::commit, revocation_view(api.clients, api.tokens));
  }

  router.add(
      {.path = "/auth/events/",
       .name = "Events",
       .description = "What makes tokens void, as it happens.",
       .lane = Lane::feed,
       .challenge = std::string(ClientGuard::challenge),
       .handlers = {{Method::get, feed_view(api.clients, api.feed, api.codec, system_clock())}}});

  // For whoever verifies our tokens, whoever that is.
  const auto well_known = [&](std::string path, std::string name, std::string description,
                              http::Handler handler) {
    router.add({.path = std::move(path),
                .name = std::move(name),
                .description = std::move(description),
                .challenge = who->token_challenge(),
                .handlers = {{Method::get, std::move(handler)}}});
  };
  well_known("/.well-known/jwks.json", "JSON Web Key Set", "The public keys of our tokens.",
             key_set_view(api.codec));
  well_known("/.well-known/openid-configuration", "OpenID Configuration", "What we are.",
             metadata_view(settings, api.codec));
  well_known("/.well-known/oauth-authorization-server", "Authorization Server Metadata",
             "What we are.", metadata_view(settings, api.codec));
}

}  // namespace easyjwt
