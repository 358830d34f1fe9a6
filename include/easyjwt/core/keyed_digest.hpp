#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace easyjwt {

/// 128 bits that stand for a text.
struct Digest {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

/// SipHash-1-3 with 128 bits of output under a random key of its own (Aumasson and Bernstein 2012):
/// nobody who does not know the key can make two texts of one digest, so tables that go by it can
/// be neither flooded nor fooled from outside. (The best known way to a collision inside
/// SipHash-1-x works once in 2^167: Dobraunig, Mendel and Schläffer 2014.) The digest of a secret
/// stays in the memory of this process. Any thread.
class KeyedDigest {
 public:
  static constexpr std::size_t key_size = 16;

  KeyedDigest();
  explicit KeyedDigest(const std::array<unsigned char, key_size>& key) noexcept;

  /// `domain`: texts of another meaning have other digests.
  Digest of(std::string_view text, std::uint64_t domain = 0) const noexcept;

 private:
  std::uint64_t k0_ = 0;
  std::uint64_t k1_ = 0;
};

}  // namespace easyjwt
