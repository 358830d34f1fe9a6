#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace easyjwt {

/// PBKDF2 (RFC 8018 section 5.2) with HMAC, for a key of one block of the hash: all that Django's
/// encodings need. `iterations` is at least 1. Any thread.
std::string pbkdf2_sha256(std::string_view password, std::string_view salt,
                          std::uint64_t iterations);
std::string pbkdf2_sha1(std::string_view password, std::string_view salt, std::uint64_t iterations);

}  // namespace easyjwt
