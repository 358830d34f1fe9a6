#include "easyjwt/http/cors.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/http/csrf.hpp"

namespace easyjwt::http {

Cors::Cors(CorsSettings settings) : settings_(std::move(settings)) {
  for (const auto& origin : settings_.allowed_origins) {
    if (is_origin(origin)) continue;
    throw SettingsError("CORS_ALLOWED_ORIGINS",
                        "\"" + origin + "\" is not an origin like \"https://app.example.com\"");
  }
  std::string headers;
  for (const auto& name : settings_.allow_headers) {
    headers.append(headers.empty() ? "" : ", ").append(name);
  }
  Response response;
  response.add("Access-Control-Allow-Headers", headers);
  response.add("Access-Control-Allow-Methods", "DELETE, GET, OPTIONS, PATCH, POST, PUT");
  response.add("Access-Control-Max-Age", "86400");
  preflight_fields_ = std::move(response.fields);
}

bool Cors::is_preflight(const Request& request) {
  return request.method == Method::options &&
         !request.header("Access-Control-Request-Method").empty();
}

Response Cors::answer_preflight(const Request& request) const {
  Response response;
  response.content_type = {};
  if (allows(request)) response.fields = preflight_fields_;
  return response;
}

void Cors::add(const Request& request, Response& response) const {
  response.add("Vary", "Origin");
  if (!allows(request)) return;
  response.add("Access-Control-Allow-Origin", request.header("Origin"));
  if (settings_.allow_credentials) response.add("Access-Control-Allow-Credentials", "true");
}

bool Cors::allows(const Request& request) const {
  const auto origin = whole_header(request, "Origin");
  const auto& allowed = settings_.allowed_origins;
  return origin && std::find(allowed.begin(), allowed.end(), *origin) != allowed.end();
}

}  // namespace easyjwt::http
