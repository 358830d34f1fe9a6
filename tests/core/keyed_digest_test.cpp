#include "easyjwt/core/keyed_digest.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>
#include <memory>
#include <string>

namespace easyjwt {
namespace {

using Key = std::array<unsigned char, KeyedDigest::key_size>;

Digest openssls(const Key& key, std::string_view text) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
      EVP_MAC_fetch(nullptr, "SIPHASH", nullptr), EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
      EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
  unsigned size = 16;
  unsigned compressing = 1, finishing = 3;
  const std::array params{
      OSSL_PARAM_construct_uint("size", &size), OSSL_PARAM_construct_uint("c-rounds", &compressing),
      OSSL_PARAM_construct_uint("d-rounds", &finishing), OSSL_PARAM_construct_end()};
  std::array<unsigned char, 16> out;
  std::size_t written = 0;
  EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), params.data()), 1);
  EXPECT_EQ(EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(text.data()),
                           text.size()),
            1);
  EXPECT_EQ(EVP_MAC_final(context.get(), out.data(), &written, out.size()), 1);
  EXPECT_EQ(written, 16U);
  Digest digest;
  std::memcpy(&digest.a, out.data(), 8);
  std::memcpy(&digest.b, out.data() + 8, 8);
  return digest;
}

TEST(KeyedDigest, IsOpenSSLsSipHashOfEveryLength) {
  Key key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<unsigned char>(i * 37 + 1);
  const KeyedDigest digest(key);
  std::string text;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(digest.of(text), openssls(key, text)) << text.size();
    text += static_cast<char>(i * 91);
  }
}

TEST(KeyedDigest, DependsOnTheKeyTheDomainAndEveryByte) {
  const KeyedDigest one;
  const KeyedDigest other;
  EXPECT_EQ(one.of("token"), one.of("token"));
  EXPECT_NE(one.of("token"), other.of("token"));
  EXPECT_NE(one.of("token", 1), one.of("token", 2));
  const std::string text(64, 'a');
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = 'b';
    EXPECT_NE(one.of(text).a, one.of(changed).a) << i;
    EXPECT_NE(one.of(text).b, one.of(changed).b) << i;
  }
  EXPECT_NE(one.of({"\0", 1}), one.of({}));
}

}  // namespace
}  // namespace easyjwt
