#include "easyjwt/jose/key.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "easyjwt/core/bytes.hpp"
#include "jose/keys.hpp"

namespace easyjwt::jose {
namespace {

using test::make_pem;

std::string sign(const Key& key, std::string_view input) {
  std::string encoded;
  key.sign(input, encoded);
  return *decode_base64url(encoded);
}

test::PemPair pem_for(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::es256: return make_pem("EC", "P-256");
    case Algorithm::es384: return make_pem("EC", "P-384");
    case Algorithm::es512: return make_pem("EC", "P-521");
    case Algorithm::eddsa: return make_pem("ED25519");
    default: return make_pem("RSA");
  }
}

class EveryAlgorithm : public testing::TestWithParam<const char*> {};

TEST_P(EveryAlgorithm, VerifiesWhatItSignedAndNothingElse) {
  const auto algorithm = *parse_algorithm(GetParam());
  const auto pem =
      is_hmac(algorithm) ? test::PemPair{std::string(64, 'k'), {}} : pem_for(algorithm);
  const Key key(algorithm, pem.private_key);
  auto signature = sign(key, "input");
  EXPECT_TRUE(key.verify("input", signature));
  EXPECT_FALSE(key.verify("inpuT", signature));
  EXPECT_FALSE(key.verify("input", ""));
  EXPECT_FALSE(key.verify("input", signature + "x"));
  for (std::size_t i = 0; i < signature.size(); i += 7) {
    auto broken = signature;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    EXPECT_FALSE(key.verify("input", broken)) << i;
  }
  if (!pem.public_key.empty()) {
    const Key open(algorithm, {}, pem.public_key);
    EXPECT_TRUE(open.verify("input", signature));
    EXPECT_FALSE(open.can_sign());
    std::string out;
    EXPECT_THROW(open.sign("input", out), KeyError);
  }
}

INSTANTIATE_TEST_SUITE_P(Rfc7518, EveryAlgorithm,
                         testing::Values("HS256", "HS384", "HS512", "RS256", "RS384", "RS512",
                                         "ES256", "ES384", "ES512", "PS256", "PS384", "PS512",
                                         "EdDSA"));

TEST(Algorithm, NamesAreExact) {
  for (const auto* name : {"none", "None", "NONE", "nOnE", "hs256", "HS256 ", "", "ES256K"}) {
    EXPECT_FALSE(parse_algorithm(name)) << name;
  }
}

TEST(Key, RefusesMaterialOfAnotherKind) {
  const auto rsa = make_pem("RSA");
  const auto p256 = make_pem("EC", "P-256");
  EXPECT_THROW(Key(Algorithm::hs256, ""), KeyError);
  EXPECT_THROW(Key(Algorithm::hs256, rsa.public_key), KeyError);
  EXPECT_THROW(Key(Algorithm::hs256, "ssh-rsa AAAA"), KeyError);
  EXPECT_THROW(Key(Algorithm::rs256, "secret"), KeyError);
  EXPECT_THROW(Key(Algorithm::rs256, p256.private_key), KeyError);
  EXPECT_THROW(Key(Algorithm::es256, rsa.private_key), KeyError);
  EXPECT_THROW(Key(Algorithm::es384, p256.private_key), KeyError);
  EXPECT_THROW(Key(Algorithm::eddsa, p256.private_key), KeyError);
  EXPECT_THROW(Key(Algorithm::rs256, make_pem("RSA", nullptr, 1024).private_key), KeyError);
  EXPECT_THROW(Key(Algorithm::rs256, "", ""), KeyError);
  EXPECT_THROW(Key(Algorithm::rs256, rsa.private_key, p256.public_key), KeyError);
  EXPECT_THROW(Key(Algorithm::rs256, rsa.private_key, make_pem("RSA").public_key), KeyError);
  EXPECT_THROW(Key(Algorithm::es256, p256.private_key, make_pem("EC", "P-256").public_key),
               KeyError);
}

TEST(Key, NeverPutsMaterialIntoAnError) {
  try {
    Key(Algorithm::rs256, "very secret text");
    FAIL();
  } catch (const KeyError& error) {
    EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
  }
}

TEST(Key, ServesManyThreads) {
  const Key key(Algorithm::hs256, "a secret of thirty-two characters");
  const auto expected = sign(key, "input");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 24; ++t) {
    threads.emplace_back([&, t] {
      const auto other = "input" + std::to_string(t);
      for (int i = 0; i < 200; ++i) {
        if (!key.verify("input", expected) || key.verify(other, expected)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace easyjwt::jose
