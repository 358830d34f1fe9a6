#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace easyjwt {

/// base64url without padding (RFC 7515 section 2).
void append_base64url(std::string& out, std::string_view bytes);
std::string base64url(std::string_view bytes);

/// Decodes base64url without padding into `out`, which has room for `base64_size(text)` bytes, and
/// returns the number written. nullopt for any other character, padding, an impossible length, or
/// bits left over in the last character (RFC 4648 section 3.5: with those, two texts would be one
/// token, and a blacklist or a cache that goes by the text could be stepped around).
std::optional<std::size_t> decode_base64url(std::string_view text, char* out) noexcept;
std::optional<std::string> decode_base64url(std::string_view text);
constexpr std::size_t base64_size(std::string_view text) { return text.size() * 3 / 4; }

/// Standard base64 with padding (RFC 4648 section 4), as Django's password encodings have it.
std::string base64(std::string_view bytes);
std::optional<std::string> decode_base64(std::string_view text);

std::string hex(std::string_view bytes);  ///< lower case

std::string sha256(std::string_view bytes);  ///< 32 bytes
/// 32 bytes (RFC 2104).
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// Whether two secrets are equal, in a time that depends on their lengths only.
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

/// Overwrites memory in a way that the compiler keeps.
void wipe(void* memory, std::size_t size) noexcept;
void wipe(std::string& secret) noexcept;  ///< and empties it

/// Holds a secret and wipes it at the end of its life.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.value_.clear(); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret& other) = default;
  Secret& operator=(const Secret& other);
  ~Secret() { wipe(value_); }

  std::string_view view() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace easyjwt
