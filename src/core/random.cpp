#include "easyjwt/core/random.hpp"

#include <openssl/rand.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt {
namespace {

using Uuid = std::array<char, 16>;

Uuid random_uuid() {
  // Ids are no secrets, so a thread may fetch those of its next tokens in one go: a call of the
  // generator costs as much as the signature that goes with it.
  thread_local std::array<char, 1024> fetched;
  thread_local std::size_t used = fetched.size();
  if (used == fetched.size()) {
    random_bytes(fetched.data(), fetched.size());
    used = 0;
  }
  Uuid uuid;
  std::memcpy(uuid.data(), fetched.data() + used, uuid.size());
  used += uuid.size();
  return uuid;
}

std::string to_hex(Uuid uuid, int version) {
  uuid[6] = static_cast<char>((uuid[6] & 0x0f) | version << 4);
  uuid[8] = static_cast<char>((uuid[8] & 0x3f) | 0x80);  // the variant of RFC 9562
  return hex({uuid.data(), uuid.size()});
}

std::string to_hex(Uuid uuid, Time at) {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch();
  const auto milliseconds = static_cast<std::uint64_t>(since.count());
  for (std::size_t i = 0; i < 6; ++i) uuid[i] = static_cast<char>(milliseconds >> (40 - 8 * i));
  return to_hex(uuid, 7);
}

}  // namespace

void random_bytes(void* out, std::size_t size) {
  if (RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) != 1) {
    throw std::runtime_error("no random bytes: OpenSSL's generator has no entropy");
  }
}

std::string random_uuid_hex() { return to_hex(random_uuid(), 4); }

std::string timed_uuid_hex(Time at) { return to_hex(random_uuid(), at); }

std::string timed_uuid_hex(Time at, std::string_view chance) {
  Uuid uuid;
  chance.copy(uuid.data(), uuid.size());
  return to_hex(uuid, at);
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
