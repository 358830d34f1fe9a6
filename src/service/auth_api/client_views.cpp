#include "service/auth_api/client_views.hpp"

#include <initializer_list>
#include <string>
#include <utility>

#include "easyjwt/core/json.hpp"
#include "service/auth_api/secret_json.hpp"

namespace easyjwt {
namespace {

using http::Reply;
using http::Request;
using http::Response;

/// Reads the form of a client that may do that and hands its token to `decide`. (A token_type_hint
/// is read by nobody: ours say what they are.)
template <class Decide>
Reply with_token(const Request& request, const ClientGuard& guard, ClientScope scope,
                 Decide decide) {
  const auto form = read_oauth_form(request);
  if (!form) return form.error();
  const auto client = guard.require(request, scope, &*form);
  if (!client) return client.error();
  const auto token = read_parameter(*form, "token");
  if (!token) return token.error();
  if (!*token) {
    return oauth_error(Errc::bad_request, "invalid_request", "The parameter \"token\" is missing.");
  }
  return decide(std::string_view(**token));
}

std::string text_of(const UserIdClaim& user) {
  if (const auto* text = std::get_if<std::string_view>(&user)) return std::string(*text);
  return std::to_string(std::get<std::int64_t>(user));
}

/// RFC 7662 section 2.2, and the claims of ours that it has no name for. Its token_type is RFC
/// 6749's, "Bearer", and of tokens that go with requests alone: which of ours a token is stands in
/// token_use.
std::string introspection(const ActiveToken& token, const TokenSettings& settings) {
  const auto& claims = token.claims;
  json::object out;
  out.emplace("active", true);
  if (token.type != TokenType::refresh) out.emplace("token_type", "Bearer");
  out.emplace("token_use", to_string(token.type));
  if (const auto user = user_id_claim(settings, claims)) out.emplace("sub", text_of(*user));
  out.emplace("username", token.user.email);
  for (const auto& [name, at] :
       {std::pair{"exp", claims.exp}, {"iat", claims.iat}, {"nbf", claims.nbf}}) {
    if (at) out.emplace(name, *at);
  }
  out.emplace("jti", claims.jti);
  for (const auto& [name, value] : claims.members()) {
    // The fingerprint of a password is nobody's business, and token_type would be another thing.
    if (name == settings.revoke_token_claim || name == settings.token_type_claim ||
        name == settings.jti_claim || name == "token_type") {
      continue;
    }
    out.emplace(name, value);
  }
  std::string text;
  append_json(text, out);
  return text;
}

}  // namespace

http::Handler introspection_view(const ClientGuard& guard, Tokens& tokens,
                                 const TokenSettings& settings) {
  return [&](const Request& request) {
    return with_token(request, guard, ClientScope::introspect, [&](std::string_view raw) -> Reply {
      Scratch scratch;
      const auto token = tokens.introspect(raw, scratch);
      if (token) return secret_json(introspection(*token, settings));
      if (describe(token.error().code).status != 401) return token.error();
      // Why is not said (section 2.2): a client that guesses at tokens learns nothing.
      return secret_json(R"({"active":false})");
    });
  };
}

http::Handler revocation_view(const ClientGuard& guard, Tokens& tokens) {
  return [&](const Request& request) {
    return with_token(request, guard, ClientScope::revoke, [&](std::string_view raw) -> Reply {
      const auto revoked = tokens.revoke(raw);
      if (!revoked) return revoked.error();
      if (*revoked == Revoked::never) {
        return oauth_error(Errc::bad_request, "unsupported_token_type",
                           "An access token of no family ends when it expires.");
      }
      return secret_json("{}");
    });
  };
}

}  // namespace easyjwt
