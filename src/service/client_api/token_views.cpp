#include "service/client_api/token_views.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/http/cookies.hpp"
#include "service/body.hpp"

namespace easyjwt {
namespace {

using http::Reply;
using http::Request;
using http::Response;

/// The one field `name` of the body.
Result<std::string> read_token(const Request& request, std::string_view name) {
  const auto body = read_body(request);
  if (!body) return fail(body.error());
  FieldReader fields(*body);
  auto token = fields.read({.name = name});
  if (!fields.good()) return fail(fields.error());
  return *std::move(token);
}

/// The refresh token of a logout's body; empty where there is none that could be ended.
Result<std::string> read_optional_token(const Request& request) {
  const auto body = read_body(request);
  if (!body) return fail(body.error());
  FieldReader fields(*body);
  if (!fields.good()) return fail(fields.error());
  return fields.read({.name = "refresh", .required = false, .allow_blank = true})
      .value_or(std::string());
}

/// What the page says that it is from: its Origin without slashes, else its Referer's; empty where
/// it says nothing.
std::string site_of(const Request& request) {
  auto origin = http::whole_header(request, "Origin").value_or("");
  if (!origin.empty()) {
    while (origin.ends_with('/')) origin.pop_back();
    return origin;
  }
  const auto referer = http::whole_header(request, "Referer").value_or("");
  const auto colon = referer.find("://");
  if (colon == referer.npos) return {};
  return referer.substr(0, referer.find_first_of("/?#", colon + 3));
}

}  // namespace

TokenViews::TokenViews(const ClientApi& api, std::shared_ptr<const http::Csrf> csrf)
    : api_(api), csrf_(std::move(csrf)), in_cookie_(api.settings.refresh_token_in_cookie) {}

std::string_view TokenViews::language(const Request& request) const {
  const auto* translations = api_.language(request);
  return translations != nullptr ? translations->language : std::string_view();
}

Result<void> TokenViews::check_csrf(const Request& request) const {
  if (!in_cookie_) return {};
  return csrf_->check(request);
}

Result<void> TokenViews::check_site(const Request& request) const {
  if (!in_cookie_) return {};
  if (auto own = check_csrf(request); !own) return own;
  const auto& allowed = api_.settings.allowed_auth_origins;
  if (allowed.empty()) return {};
  if (std::find(allowed.begin(), allowed.end(), site_of(request)) == allowed.end()) {
    return fail(Errc::permission_denied, {"Disallowed origin.", {}});
  }
  return {};
}

Reply TokenViews::obtain(const Request& request) const {
  if (auto own = check_site(request); !own) return own.error();
  const auto body = read_body(request);
  if (!body) return body.error();
  FieldReader fields(*body);
  const auto email = fields.read({.name = "email"});
  auto password = fields.read({.name = "password"});
  if (!fields.good()) return fields.error();
  auto tokens = api_.remote.obtain(*email, *password, language(request));
  wipe(*password);
  if (!tokens) return tokens.error();
  copy_user(*tokens);
  return answer(*std::move(tokens));
}

void TokenViews::copy_user(const json::object& tokens) const {
  if (!api_.admit) return;
  const auto* access = tokens.if_contains("access");
  if (access == nullptr || !access->is_string()) return;
  const auto user = api_.remote.user(access->get_string());
  const auto copy =
      user ? api_.admit(*user) : Result<std::shared_ptr<const Identity>>(fail(user.error()));
  if (!copy) {
    api_.log(LogLevel::warning, "no copy of a user was made at login",
             {{"reason", copy.error().reason}});
  }
}

Reply TokenViews::refresh(const Request& request) const {
  if (auto own = check_site(request); !own) return own.error();
  std::string token;
  if (in_cookie_) {
    token = http::find_cookie(request, api_.settings.refresh_cookie.name).value_or("");
    if (token.empty()) return Error{Errc::not_authenticated, {"No refresh token provided.", {}}};
  } else {
    auto read = read_token(request, "refresh");
    if (!read) return read.error();
    token = *std::move(read);
  }
  auto tokens = api_.remote.refresh(token, language(request));
  if (!tokens) return tokens.error();
  return answer(*std::move(tokens));
}

Reply TokenViews::verify(const Request& request) const {
  const auto token = read_token(request, "token");
  if (!token) return token.error();
  if (const auto good = api_.remote.verify(*token, language(request)); !good) return good.error();
  return Response::json("{}");
}

Reply TokenViews::logout(const Request& request) const {
  if (auto own = check_site(request); !own) return own.error();
  std::string token;
  if (in_cookie_) {
    token = http::find_cookie(request, api_.settings.refresh_cookie.name).value_or("");
  } else {
    auto read = read_optional_token(request);
    if (!read) return read.error();
    token = *std::move(read);
  }
  if (!token.empty() && api_.settings.blacklist_on_logout) {
    const auto done = api_.remote.blacklist(token);
    if (!done) {
      if (done.error().code == Errc::would_wait) return done.error();
      api_.log(LogLevel::warning, "a refresh token was not ended at logout",
               {{"id", request.id}, {"reason", done.error().reason}});
    }
  }
  auto response = Response::json(R"({"detail":"Logged out."})");
  if (in_cookie_) http::delete_cookie(response, api_.settings.refresh_cookie);
  return response;
}

Reply TokenViews::answer(json::object tokens) const {
  std::optional<std::string> refresh;
  if (const auto* value = tokens.if_contains("refresh"); in_cookie_ && value != nullptr) {
    const auto* text = value->if_string();
    if (text == nullptr || text->empty() || !http::is_cookie_value(*text)) {
      return Error::unavailable("the auth-service's refresh token is none");
    }
    refresh.emplace(*text);
    tokens.stable_erase(tokens.find("refresh"));
  }
  std::string body;
  append_json(body, tokens);
  auto response = Response::json(std::move(body));
  if (refresh) http::set_cookie(response, api_.settings.refresh_cookie, *refresh);
  // An answer that holds a token must not stay in any cache (RFC 6749 section 5.1).
  response.add("Cache-Control", "no-store");
  return response;
}

}  // namespace easyjwt
