#include "easyjwt/core/keyed_digest.hpp"

#include <bit>
#include <cstring>

#include "easyjwt/core/random.hpp"

namespace easyjwt {
namespace {

std::uint64_t little_endian(const void* bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
    v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
    v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    v0 ^= word;
  }
  std::uint64_t finish() noexcept {
    round(), round(), round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

KeyedDigest::KeyedDigest() {
  std::array<unsigned char, key_size> key;
  random_bytes(key.data(), key.size());
  *this = KeyedDigest(key);
}

KeyedDigest::KeyedDigest(const std::array<unsigned char, key_size>& key) noexcept
    : k0_(little_endian(key.data())), k1_(little_endian(key.data() + 8)) {}

Digest KeyedDigest::of(std::string_view text, std::uint64_t domain) const noexcept {
  const auto k1 = k1_ ^ domain;
  State state{k0_ ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee, k0_ ^ 0x6c7967656e657261,
              k1 ^ 0x7465646279746573};
  const char* at = text.data();
  for (auto rest = text.size(); rest >= 8; rest -= 8, at += 8) state.take(little_endian(at));
  std::array<char, 8> last{};
  const auto left = text.size() % 8;
  if (left != 0) std::memcpy(last.data(), at, left);
  last[7] = static_cast<char>(text.size());
  state.take(little_endian(last.data()));
  state.v2 ^= 0xee;
  Digest digest;
  digest.a = state.finish();
  state.v1 ^= 0xdd;
  digest.b = state.finish();
  return digest;
}

}  // namespace easyjwt
