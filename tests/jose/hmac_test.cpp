#include "jose/hmac.hpp"

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <string>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt::jose {
namespace {

std::string text(std::size_t size, unsigned seed) {
  std::string out;
  while (out.size() < size) out += static_cast<char>(seed = seed * 1103515245 + 12345);
  return out;
}

std::string mac(const Hmac& hmac, std::string_view input) {
  Hmac::Mac out;
  const auto size = hmac.compute(input, out);
  return {reinterpret_cast<const char*>(out.data()), size};
}

/// RFC 4231 sections 4.2 and 4.7: a short secret, and one that is longer than a block.
TEST(Hmac, IsRfc4231s) {
  const Hmac hmac(Algorithm::hs256, std::string(20, '\x0b'));
  EXPECT_EQ(hex(mac(hmac, "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  const Hmac large(Algorithm::hs512, std::string(131, '\xaa'));
  EXPECT_EQ(hex(mac(large, "Test Using Larger Than Block-Size Key - Hash Key First")),
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
            "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
}

/// At every size at which a block of the hash begins or its padding moves into the next one.
TEST(Hmac, IsOpenSslsForSecretsAndInputsOfAllSizes) {
  for (const auto& [algorithm, digest] : {std::pair{Algorithm::hs256, EVP_sha256()},
                                          {Algorithm::hs384, EVP_sha384()},
                                          {Algorithm::hs512, EVP_sha512()}}) {
    for (const unsigned secret_size : {1U, 32U, 63U, 64U, 65U, 127U, 128U, 129U, 300U}) {
      const auto secret = text(secret_size, 7);
      const Hmac hmac(algorithm, secret);
      for (std::size_t size = 0; size < 300; ++size) {
        const auto input = text(size, 8);
        Hmac::Mac expected;
        unsigned length = 0;
        ASSERT_NE(HMAC(digest, secret.data(), static_cast<int>(secret.size()),
                       reinterpret_cast<const unsigned char*>(input.data()), input.size(),
                       expected.data(), &length),
                  nullptr);
        ASSERT_EQ(mac(hmac, input),
                  std::string_view(reinterpret_cast<const char*>(expected.data()), length))
            << to_string(algorithm) << ", a secret of " << secret_size << ", an input of " << size;
      }
    }
  }
}

}  // namespace
}  // namespace easyjwt::jose
