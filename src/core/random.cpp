#include "easyjwt/core/random.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt {

void random_bytes(void* out, std::size_t size) {
  if (RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) != 1) {
    throw std::runtime_error("no random bytes: OpenSSL's generator has no entropy");
  }
}

std::string random_uuid_hex() {
  // Ids are no secrets, so a thread may fetch those of its next tokens in one go: a call of the
  // generator costs as much as the signature that goes with it.
  thread_local std::array<char, 1024> fetched;
  thread_local std::size_t used = fetched.size();
  if (used == fetched.size()) {
    random_bytes(fetched.data(), fetched.size());
    used = 0;
  }
  std::array<char, 16> bytes;
  std::memcpy(bytes.data(), fetched.data() + used, bytes.size());
  used += bytes.size();
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // RFC 4122's variant
  return hex({bytes.data(), bytes.size()});
}

std::string random_string(std::size_t size, std::string_view alphabet) {
  // Bytes beyond the last whole multiple of the alphabet's size are thrown away: a plain remainder
  // would make its first characters likelier.
  const std::size_t limit = 256 - 256 % alphabet.size();
  std::string out;
  out.reserve(size);
  while (out.size() < size) {
    std::array<unsigned char, 64> bytes;
    random_bytes(bytes.data(), bytes.size());
    for (const unsigned char byte : bytes) {
      if (byte < limit && out.size() < size) out += alphabet[byte % alphabet.size()];
    }
  }
  return out;
}

}  // namespace easyjwt
