#include "service/client_api/client_api.hpp"

#include <memory>
#include <string>
#include <utility>

#include "service/client_api/token_views.hpp"

namespace easyjwt {
namespace {

/// The token by which pages of ours and of trusted origins show that they are no other site's.
http::Handler csrf_view(std::shared_ptr<const http::Csrf> csrf, Identify who) {
  return
      [csrf = std::move(csrf), who = std::move(who)](const http::Request& request) -> http::Reply {
        if (const auto known = who(request); !known) return known.error();
        auto response = http::Response::json(R"({"detail":"CSRF cookie set."})");
        csrf->ensure_cookie(request, response);
        // One that a cache handed to several browsers would be known to each of them.
        response.add("Cache-Control", "no-store");
        return response;
      };
}

http::Handler password_reset_view(std::string location) {
  return [location = std::move(location)](const http::Request&) -> http::Reply {
    http::Response response;
    response.status = 302;
    response.content_type = {};
    response.add("Location", location);
    return response;
  };
}

}  // namespace

void add_client_api(http::Router& router, const ClientApi& api) {
  using http::Method;
  const auto& settings = api.settings;
  const auto csrf = std::make_shared<const http::Csrf>(settings.csrf);
  const auto tokens = std::make_shared<const TokenViews>(api, csrf);
  // The header type alone, as the original; none where sessions come first, so that a 401 is a 403.
  const bool has_challenge = settings.authentication_classes.front() == "EasyJWTAuthentication";
  const std::string challenge = has_challenge ? settings.auth_header_types.front() : "";

  // What asks the auth-service looks at no credentials but those in its body or its cookie.
  const auto token = [&](std::string path, std::string name, std::string description,
                         http::Reply (TokenViews::*answer)(const http::Request&) const,
                         bool uses_cookie) {
    router.add(
        {.path = std::move(path),
         .name = std::move(name),
         .description = std::move(description),
         .lane = http::Lane::remote,
         .challenge = challenge,
         .refusal_guard = [tokens, uses_cookie](const http::Request& request) -> Result<void> {
           if (!uses_cookie) return {};
           return tokens->check_csrf(request);
         },
         .handlers = {{Method::post, [tokens, answer](const http::Request& request) {
                         return (tokens.get()->*answer)(request);
                       }}}});
  };
  token("/auth/token/", "Token Obtain Pair",
        "Takes an e-mail and a password, returns a refresh and an access token.",
        &TokenViews::obtain, true);
  token("/auth/token/refresh/", "Token Refresh",
        "Takes a refresh token, returns an access token, and a refresh token when rotating.",
        &TokenViews::refresh, true);
  token("/auth/token/verify/", "Token Verify", "Takes a token, returns {} if it stands.",
        &TokenViews::verify, false);
  token("/auth/token/logout/", "Token Logout", "Ends a refresh token.", &TokenViews::logout, true);

  const auto get = [&](std::string path, std::string name, std::string description,
                       http::Handler handler) {
    router.add({.path = std::move(path),
                .name = std::move(name),
                .description = std::move(description),
                .lane = http::Lane::remote,
                .challenge = challenge,
                .handlers = {{Method::get, std::move(handler)}}});
  };
  get("/auth/csrf/", "CSRF Token", "Sets the CSRF cookie.", csrf_view(csrf, api.who));
  get("/auth/password-reset/", "Password Reset", "Leads to the auth-service's page.",
      password_reset_view(settings.remote.service_url + "/accounts/password_reset/"));
}

}  // namespace easyjwt
