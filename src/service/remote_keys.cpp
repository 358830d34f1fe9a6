#include "service/remote_keys.hpp"

#include <cstdlib>
#include <utility>

#include "easyjwt/core/clock.hpp"

namespace easyjwt {

bool uses_remote_keys(const ServiceSettings& settings) {
  const auto algorithm = jose::parse_algorithm(settings.token.algorithm);
  return settings.jwk_url && algorithm && !jose::is_hmac(*algorithm);
}

RemoteKeys::RemoteKeys(const ServiceSettings& settings, Log log) {
  if (!uses_remote_keys(settings)) return;
  // Requests wait for this, so it is short of what the original's urlopen() allows.
  fetch::FetcherSettings outgoing{.connect_timeout = std::chrono::seconds{2},
                                  .total_timeout = std::chrono::seconds{5},
                                  .max_body = jose::max_key_set_size,
                                  .max_handles = 1};
  // Where the original's OpenSSL looks for a certificate authority of one's own.
  if (const char* file = std::getenv("SSL_CERT_FILE")) outgoing.ca_file = file;
  fetcher_ = std::make_unique<fetch::Fetcher>(std::move(outgoing));
  jwks_ = std::make_unique<Jwks>(
      JwksSettings{.url = *settings.jwk_url,
                   .algorithm = *jose::parse_algorithm(settings.token.algorithm)},
      *fetcher_, system_clock(), std::move(log));
}

KeySource RemoteKeys::source() const {
  if (!jwks_) return {};
  return [jwks = jwks_.get()](std::optional<std::string_view> kid) { return jwks->find(kid); };
}

}  // namespace easyjwt
