#include "service/secret_mac.hpp"

#include <algorithm>

namespace easyjwt {

SecretMac::SecretMac(const ServiceSettings& settings, std::string_view purpose) {
  const auto add = [&](const Secret& secret) {
    keys_.emplace_back(hmac_sha256(secret.view(), purpose));
  };
  add(settings.secret_key);
  for (const auto& secret : settings.secret_key_fallbacks) add(secret);
}

std::string SecretMac::make(std::string_view text) const {
  return base64url(hmac_sha256(keys_.front().view(), text));
}

bool SecretMac::check(std::string_view text, std::string_view mac) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const Secret& key) {
    return equal_constant_time(base64url(hmac_sha256(key.view(), text)), mac);
  });
}

}  // namespace easyjwt
