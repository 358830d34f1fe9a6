#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/service/settings.hpp"

namespace easyjwt {

/// MACs of texts that leave us and come back: HMAC-SHA256 in base64url, under a key that is derived
/// from SECRET_KEY. Those of SECRET_KEY_FALLBACKS stand, too. Any thread.
class SecretMac {
 public:
  static constexpr std::size_t size = 43;  ///< 32 bytes in base64url

  /// What is made for one `purpose` stands for no other.
  SecretMac(const ServiceSettings& settings, std::string_view purpose);

  std::string make(std::string_view text) const;
  bool check(std::string_view text, std::string_view mac) const;

 private:
  std::vector<Secret> keys_;
};

}  // namespace easyjwt
