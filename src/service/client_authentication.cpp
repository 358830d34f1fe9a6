#include "service/client_authentication.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace easyjwt {
namespace {
constexpr std::string_view ours = "EasyJWTAuthentication";
}  // namespace

AuthenticatorSettings authenticator_settings(const ServiceSettings& settings, const Log& log) {
  AuthenticatorSettings out{.header_types = settings.auth_header_types,
                            .verify_mode = settings.verify_mode};
  if (settings.verify_mode == VerifyMode::remote) return out;
  out.local = settings.local;
  out.local.token = settings.token;
  out.local.token_types = settings.auth.auth_token_classes;
  out.local.session_claim = settings.auth.session_claim;
  out.local.jwk_url = settings.jwk_url.value_or("");
  // Where the original's OpenSSL looks for a certificate authority of one's own.
  if (const char* file = std::getenv("SSL_CERT_FILE")) out.local.ca_file = file;
  if (!settings.local.feed_client_id.empty()) {
    out.local.feed_url = settings.remote.service_url + "/auth/events/";
    out.local.feed_tls_verify = settings.remote.ssl_verify;
  }
  out.log = log;
  return out;
}

ClientAuthentication::ClientAuthentication(const ServiceSettings& settings, RemoteAuth& remote,
                                           const Log& log, Admit admit,
                                           const BrowserSessions& sessions,
                                           const Identities& identities)
    : settings_(settings),
      identities_(identities),
      session_(sessions, settings.csrf),
      authenticator_(authenticator_settings(settings, log), remote, std::move(admit)) {}

IdentityResult ClientAuthentication::identify(const http::Request& request) {
  for (const auto& name : settings_.authentication_classes) {
    auto identity = name == ours ? by_token(request) : by_session(request);
    if (!identity || *identity != nullptr) return identity;
  }
  return nullptr;
}

IdentityResult ClientAuthentication::by_session(const http::Request& request) const {
  const auto user = session_.authenticate(request);
  if (!user) return fail(user.error());
  if (!*user) return nullptr;
  return identities_.of_local_user(**user);
}

IdentityResult ClientAuthentication::by_token(const http::Request& request) {
  const auto& name = settings_.auth_header_name;
  const auto count =
      std::count_if(request.headers.begin(), request.headers.end(),
                    [&](const auto& field) { return http::equal_ignoring_case(field.name, name); });
  // Of two, a proxy may have judged the one and we the other. WSGI joins them with a comma, and the
  // original then sees a space too many.
  if (count > 1) return authenticator_.authenticate("two headers joined");
  return authenticator_.authenticate(request.header(name));
}

std::string ClientAuthentication::challenge() const {
  return settings_.authentication_classes.front() == ours ? authenticator_.challenge() : "";
}

}  // namespace easyjwt
