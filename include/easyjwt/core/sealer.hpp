#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt {

/// Encrypts secrets for a place that others may read, such as a database and its dumps: AES-256-GCM
/// (NIST SP 800-38D) with random nonces, under a key that HKDF-SHA256 (RFC 5869) derives from one
/// of our secrets. Unchanging: any thread.
class Sealer {
 public:
  /// `secret` seals, it and the `fallbacks` open. What is sealed for one `purpose` cannot be opened
  /// for another.
  Sealer(const Secret& secret, std::span<const Secret> fallbacks, std::string_view purpose);

  /// base64url of nonce, ciphertext and tag. `place` is where it will stand, such as a row's key:
  /// moved to another it does not open. Throws std::runtime_error where OpenSSL fails.
  std::string seal(std::string_view plain, std::string_view place) const;
  /// nullopt: another secret sealed it, for another place, or somebody has changed it.
  std::optional<Secret> open(std::string_view sealed, std::string_view place) const;

 private:
  std::vector<Secret> keys_;
};

}  // namespace easyjwt
