#include "easyjwt/core/bytes.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>
#include <stdexcept>

namespace easyjwt {
namespace {

constexpr char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t bad = 0xff000000;

/// For each position in a group of four, a character's bits where they belong in the group; a bit
/// above the lowest 24 marks a character outside the alphabet.
struct DecodeTables {
  std::array<std::array<std::uint32_t, 256>, 4> at;
  constexpr explicit DecodeTables(const char* alphabet) : at{} {
    for (auto& table : at) {
      for (auto& entry : table) entry = bad;
    }
    for (std::uint32_t i = 0; i < 64; ++i) {
      const auto c = static_cast<unsigned char>(alphabet[i]);
      for (std::uint32_t position = 0; position < 4; ++position) {
        at[position][c] = i << (18 - 6 * position);
      }
    }
  }
};
constexpr DecodeTables url_tables{url_alphabet};
constexpr DecodeTables std_tables{std_alphabet};

void encode(std::string& out, std::string_view bytes, const char* alphabet, bool pad) {
  const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
  const std::size_t size = bytes.size();
  const std::size_t start = out.size();
  const std::size_t rest = size % 3;
  out.resize(start + size / 3 * 4 + (rest == 0 ? 0 : pad ? 4 : rest + 1));
  char* to = out.data() + start;
  std::size_t i = 0;
  for (; i + 3 <= size; i += 3) {
    const std::uint32_t group =
        std::uint32_t{in[i]} << 16 | std::uint32_t{in[i + 1]} << 8 | in[i + 2];
    *to++ = alphabet[group >> 18];
    *to++ = alphabet[group >> 12 & 63];
    *to++ = alphabet[group >> 6 & 63];
    *to++ = alphabet[group & 63];
  }
  if (rest == 0) return;
  const std::uint32_t group =
      std::uint32_t{in[i]} << 16 | (rest == 2 ? std::uint32_t{in[i + 1]} << 8 : 0);
  *to++ = alphabet[group >> 18];
  *to++ = alphabet[group >> 12 & 63];
  if (rest == 2) *to++ = alphabet[group >> 6 & 63];
  if (pad) {
    if (rest == 1) *to++ = '=';
    *to++ = '=';
  }
}

std::optional<std::size_t> decode(std::string_view text, char* out,
                                  const DecodeTables& tables) noexcept {
  const auto* in = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t rest = text.size() % 4;
  if (rest == 1) return std::nullopt;
  const auto& t = tables.at;
  char* to = out;
  std::uint32_t seen = 0;
  const auto* const end = in + (text.size() - rest);
  for (; in != end; in += 4) {
    const std::uint32_t group = t[0][in[0]] | t[1][in[1]] | t[2][in[2]] | t[3][in[3]];
    seen |= group;
    *to++ = static_cast<char>(group >> 16);
    *to++ = static_cast<char>(group >> 8);
    *to++ = static_cast<char>(group);
  }
  if (rest != 0) {
    std::uint32_t group = t[0][in[0]] | t[1][in[1]];
    if (rest == 3) group |= t[2][in[2]];
    seen |= group;
    *to++ = static_cast<char>(group >> 16);
    if (rest == 3) *to++ = static_cast<char>(group >> 8);
    if ((rest == 2 ? group & 0xffff : group & 0xff) != 0) seen |= bad;
  }
  if ((seen & bad) != 0) return std::nullopt;
  return static_cast<std::size_t>(to - out);
}

}  // namespace

void append_base64url(std::string& out, std::string_view bytes) {
  encode(out, bytes, url_alphabet, false);
}

std::string base64url(std::string_view bytes) {
  std::string out;
  append_base64url(out, bytes);
  return out;
}

std::optional<std::size_t> decode_base64url(std::string_view text, char* out) noexcept {
  return decode(text, out, url_tables);
}

std::optional<std::string> decode_base64url(std::string_view text) {
  std::string out(base64_size(text), '\0');
  const auto size = decode(text, out.data(), url_tables);
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out;
  encode(out, bytes, std_alphabet, true);
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  std::string out(base64_size(text), '\0');
  const auto size = decode(text, out.data(), std_tables);
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string sha256(std::string_view bytes) {
  std::string out(32, '\0');
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr,
                 EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL has no SHA-256");
  }
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string out(32, '\0');
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(out.data()), &size) == nullptr) {
    throw std::runtime_error("OpenSSL has no HMAC");
  }
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(void* memory, std::size_t size) noexcept { OPENSSL_cleanse(memory, size); }

void wipe(std::string& secret) noexcept {
  // The short-string buffer, too: capacity() covers it.
  secret.resize(secret.capacity());
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(value_);
    value_ = other.value_;
    wipe(other.value_);
  }
  return *this;
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe(value_);
    value_ = other.value_;
  }
  return *this;
}

}  // namespace easyjwt
