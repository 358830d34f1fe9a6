#include "service/auth_api/well_known.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/jose/jwk.hpp"
#include "service/auth_api/client_guard.hpp"

namespace easyjwt {
namespace {

// For how long a key that is new may be unknown to those who follow the set.
constexpr std::string_view cache_control = "public, max-age=300";

std::string entity_tag(std::string_view body) {
  return '"' + base64url(sha256(body).substr(0, 16)) + '"';
}

/// Whether one of If-None-Match's tags is this one (RFC 9110 section 13.1.2, the weak comparison).
bool has_it(std::string_view field, std::string_view tag) {
  return field == "*" || field.find(tag) != field.npos;  // a tag of ours stands in no other
}

http::Response answer(const http::Request& request, std::string body, std::string_view tag) {
  http::Response response;
  if (has_it(request.header("If-None-Match"), tag)) {
    response.status = 304;
    response.content_type = {};
  } else {
    response = http::Response::json(std::move(body));
  }
  response.add("Cache-Control", cache_control);
  response.add("ETag", tag);
  return response;
}

std::string key_set(const jose::Key& key) {
  if (jose::is_hmac(key.algorithm())) return R"({"keys":[]})";
  return R"({"keys":[)" + jose::public_jwk(key, jose::thumbprint(key)) + "]}";
}

/// Of the tokens that stand: one, or several while keys of one algorithm take over from another's.
void append_algorithms(std::string& body, const TokenCodec& codec) {
  std::vector<jose::Algorithm> algorithms;
  if (const auto* ring = codec.ring()) {
    for (const auto& member : ring->members()) algorithms.push_back(member.key.algorithm());
  } else {
    algorithms.push_back(codec.key().algorithm());
  }
  std::ranges::sort(algorithms);
  algorithms.erase(std::unique(algorithms.begin(), algorithms.end()), algorithms.end());
  for (const auto algorithm : algorithms) {
    if (body.back() != '[') body += ',';
    append_json_string(body, jose::to_string(algorithm));
  }
}

}  // namespace

http::Handler key_set_view(const TokenCodec& codec) {
  return [&codec, alone = key_set(codec.key())](const http::Request& request) {
    const auto* ring = codec.ring();
    const auto& body = ring != nullptr ? ring->published() : alone;
    return answer(request, body, entity_tag(body));
  };
}

http::Handler metadata_view(const ServiceSettings& settings, const TokenCodec& codec) {
  return [issuer = settings.token.issuer, has_revocation = settings.auth.token_blacklist,
          &codec](const http::Request& request) {
    const auto origin = std::string(request.scheme) + "://" + std::string(request.host);
    std::string body = "{\"issuer\":";
    append_json_string(body, issuer.value_or(origin));
    body += ",\"jwks_uri\":";
    append_json_string(body, origin + "/.well-known/jwks.json");
    const auto endpoint = [&](std::string_view name, std::string_view path) {
      body.append(",\"").append(name).append("_endpoint\":");
      append_json_string(body, origin + std::string(path));
      body.append(",\"").append(name).append("_endpoint_auth_methods_supported\":");
      body += ClientGuard::methods;
    };
    endpoint("introspection", "/auth/introspect/");
    if (has_revocation) endpoint("revocation", "/auth/revoke/");
    // Required by both; there is no authorization endpoint, so no type of response.
    body += R"(,"response_types_supported":[],"grant_types_supported":[])";
    body += R"(,"subject_types_supported":["public"],"id_token_signing_alg_values_supported":[)";
    append_algorithms(body, codec);
    body += "]}";
    const auto tag = entity_tag(body);
    return answer(request, std::move(body), tag);
  };
}

}  // namespace easyjwt
