// The functions for a single block of SHA are deprecated in OpenSSL 3.0, but nothing replaces them:
// its KDF sets up and finalises an HMAC for each iteration and takes three times as long (600,000
// iterations: 176 ms against 56).
#define OPENSSL_SUPPRESS_DEPRECATED
#include "user/pbkdf2.hpp"

#include <endian.h>
#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt {
namespace {

constexpr std::size_t block_size = 64;  // of both hashes

struct Sha256 {
  using Context = SHA256_CTX;
  using Words = std::array<std::uint32_t, 8>;
  static constexpr auto init = SHA256_Init;
  static constexpr auto update = SHA256_Update;
  static constexpr auto finish = SHA256_Final;
  static constexpr auto transform = SHA256_Transform;
  static Words words(const Context& c) {
    return {c.h[0], c.h[1], c.h[2], c.h[3], c.h[4], c.h[5], c.h[6], c.h[7]};
  }
};

struct Sha1 {
  using Context = SHA_CTX;
  using Words = std::array<std::uint32_t, 5>;
  static constexpr auto init = SHA1_Init;
  static constexpr auto update = SHA1_Update;
  static constexpr auto finish = SHA1_Final;
  static constexpr auto transform = SHA1_Transform;
  static Words words(const Context& c) { return {c.h0, c.h1, c.h2, c.h3, c.h4}; }
};

template <class Hash>
class Pbkdf2 {
 public:
  explicit Pbkdf2(std::string_view password) {
    std::array<unsigned char, block_size> key{};
    if (password.size() > key.size()) {  // RFC 2104 section 2
      typename Hash::Context context;
      Hash::init(&context);
      Hash::update(&context, password.data(), password.size());
      Hash::finish(key.data(), &context);
    } else {
      password.copy(reinterpret_cast<char*>(key.data()), password.size());
    }
    absorb(inner_, key, 0x36);
    absorb(outer_, key, 0x5c);
    wipe(key.data(), key.size());
  }
  ~Pbkdf2() {
    wipe(&inner_, sizeof inner_);
    wipe(&outer_, sizeof outer_);
    wipe(&work_, sizeof work_);
    wipe(block_.data(), block_.size());
  }
  Pbkdf2(const Pbkdf2&) = delete;
  Pbkdf2& operator=(const Pbkdf2&) = delete;

  std::string derive(std::string_view salt, std::uint64_t iterations) {
    first_block(salt);
    Words sum = load();
    for (std::uint64_t i = 1; i < iterations; ++i) {
      compress(inner_);
      const Words words = compress(outer_);
      for (std::size_t w = 0; w < sum.size(); ++w) sum[w] ^= words[w];
    }
    store(sum);
    return {reinterpret_cast<const char*>(block_.data()), digest_size};
  }

 private:
  using Context = typename Hash::Context;
  using Words = typename Hash::Words;
  static constexpr std::size_t digest_size = sizeof(Words);

  static void absorb(Context& context, std::array<unsigned char, block_size> key,
                     unsigned char pad) {
    for (unsigned char& byte : key) byte ^= pad;
    Hash::init(&context);
    Hash::update(&context, key.data(), key.size());
    wipe(key.data(), key.size());
  }

  /// Leaves in block_ the HMAC of the salt and the block's number, and behind it the padding that
  /// every later message has: one block of key and one digest.
  void first_block(std::string_view salt) {
    static constexpr std::array<unsigned char, 4> number{0, 0, 0, 1};
    Context context = inner_;
    Hash::update(&context, salt.data(), salt.size());
    Hash::update(&context, number.data(), number.size());
    Hash::finish(block_.data(), &context);
    context = outer_;
    Hash::update(&context, block_.data(), digest_size);
    Hash::finish(block_.data(), &context);
    block_[digest_size] = 0x80;
    constexpr std::size_t bits = (block_size + digest_size) * 8;
    block_[block_size - 2] = bits >> 8;
    block_[block_size - 1] = bits & 0xff;
  }

  /// The digest in block_, hashed on from `state`, takes its own place.
  Words compress(const Context& state) {
    work_ = state;
    Hash::transform(&work_, block_.data());
    const Words words = Hash::words(work_);
    store(words);
    return words;
  }

  void store(const Words& words) {
    for (std::size_t w = 0; w < words.size(); ++w) {
      const std::uint32_t big_endian = htobe32(words[w]);
      std::memcpy(block_.data() + 4 * w, &big_endian, sizeof big_endian);
    }
  }

  Words load() const {
    Words words{};
    for (std::size_t w = 0; w < words.size(); ++w) {
      std::uint32_t big_endian = 0;
      std::memcpy(&big_endian, block_.data() + 4 * w, sizeof big_endian);
      words[w] = be32toh(big_endian);
    }
    return words;
  }

  Context inner_;
  Context outer_;
  Context work_{};
  // A block that crosses a cache line costs a tenth of the whole.
  alignas(block_size) std::array<unsigned char, block_size> block_{};
};

}  // namespace

std::string pbkdf2_sha256(std::string_view password, std::string_view salt,
                          std::uint64_t iterations) {
  return Pbkdf2<Sha256>(password).derive(salt, iterations);
}

std::string pbkdf2_sha1(std::string_view password, std::string_view salt,
                        std::uint64_t iterations) {
  return Pbkdf2<Sha1>(password).derive(salt, iterations);
}

}  // namespace easyjwt
