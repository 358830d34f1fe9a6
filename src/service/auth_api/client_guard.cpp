#include "service/auth_api/client_guard.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/json.hpp"
#include "easyjwt/http/basic_credentials.hpp"

namespace easyjwt {
namespace {

Error invalid_request(std::string_view description) {
  return oauth_error(Errc::bad_request, "invalid_request", description);
}

Error invalid_client(std::string reason) {
  return oauth_error(Errc::not_authenticated, "invalid_client", "Client authentication failed.",
                     std::move(reason));
}

}  // namespace

Error oauth_error(Errc code, std::string_view error, std::string_view description,
                  std::string reason) {
  Error out{code, {}, std::move(reason)};
  out.body = "{\"error\":";
  append_json_string(out.body, error);
  out.body += ",\"error_description\":";
  append_json_string(out.body, description);
  out.body += '}';
  return out;
}

Result<http::Form> read_oauth_form(const http::Request& request) {
  if (request.body.empty()) return http::Form();
  const auto media = http::parse_media_type(request.header("Content-Type"));
  if (media.type != "application/x-www-form-urlencoded") {
    return fail(oauth_error(Errc::unsupported_media_type, "invalid_request",
                            "The body must be application/x-www-form-urlencoded."));
  }
  auto form = http::parse_urlencoded(request.body);
  if (!form) return fail(invalid_request("There are too many parameters."));
  return form;
}

Result<std::optional<std::string>> read_parameter(const http::Form& form, std::string_view name) {
  const auto& fields = form.fields();
  const auto count = std::count_if(fields.begin(), fields.end(),
                                   [&](const auto& field) { return field.first == name; });
  if (count > 1) {
    return fail(invalid_request("The parameter \"" + std::string(name) + "\" is there twice."));
  }
  const auto* value = form.find(name);
  if (value == nullptr || value->empty()) return std::nullopt;
  return *value;
}

Result<Client> ClientGuard::require(const http::Request& request, ClientScope scope,
                                    const http::Form* form) const {
  auto client = authenticate(request, form);
  if (client && !client->may(scope)) {
    return fail(
        oauth_error(Errc::permission_denied, "insufficient_scope",
                    "The client has not the scope \"" + std::string(to_string(scope)) + "\"."));
  }
  return client;
}

Result<Client> ClientGuard::authenticate(const http::Request& request,
                                         const http::Form* form) const {
  std::optional<std::string> id;
  Secret secret;
  if (form != nullptr) {
    auto posted_id = read_parameter(*form, "client_id");
    if (!posted_id) return fail(posted_id.error());
    auto posted_secret = read_parameter(*form, "client_secret");
    if (!posted_secret) return fail(posted_secret.error());
    id = *std::move(posted_id);
    if (*posted_secret) secret = Secret(**std::move(posted_secret));
  }

  const auto& fields = request.headers;
  const auto count = std::count_if(fields.begin(), fields.end(), [](const auto& field) {
    return http::equal_ignoring_case(field.name, "Authorization");
  });
  if (count > 1) return fail(invalid_request("There are two Authorization fields."));
  const auto field = request.header("Authorization");
  if (http::is_basic(field)) {
    if (!secret.empty()) return fail(invalid_request("A client shows who it is in one way."));
    auto credentials = http::parse_basic(field);
    if (!credentials) return fail(invalid_client("malformed Basic credentials"));
    // Many send their id in the body, too.
    if (id && *id != credentials->id) return fail(invalid_request("There are two client ids."));
    id = std::move(credentials->id);
    secret = std::move(credentials->secret);
  }
  if (!id || secret.empty()) return fail(invalid_client("no client credentials"));
  auto client = clients_.authenticate(*id, secret.view());
  if (!client && client.error().code == Errc::not_authenticated) {
    return fail(invalid_client(client.error().reason));
  }
  return client;
}

}  // namespace easyjwt
