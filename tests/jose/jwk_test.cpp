#include "easyjwt/jose/jwk.hpp"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <fstream>
#include <iterator>

#include "easyjwt/core/json.hpp"
#include "easyjwt/jose/jws.hpp"
#include "easyjwt/jose/key_set.hpp"
#include "jose/jwk.hpp"
#include "jose/keys.hpp"
#include "tests_dir.hpp"

namespace easyjwt::jose {
namespace {

using Secrets = KeySet::Secrets;

KeySet set_of(const std::string& jwk, Algorithm algorithm) {
  auto set = KeySet::parse("{\"keys\":[" + jwk + "]}", algorithm, Secrets::take);
  EXPECT_TRUE(set);
  EXPECT_EQ(set->size(), 1U) << jwk;
  return *std::move(set);
}

const Key& only_key(const KeySet& set, Algorithm algorithm) {
  return **set.candidates(algorithm, std::nullopt).begin();
}

Refusal verify(std::string_view raw, Algorithm algorithm, const KeySet& set, std::string& payload) {
  return verify_compact(
      raw, algorithm, [&](auto kid) { return set.candidates(algorithm, kid); }, payload);
}

// ---- vectors

TEST(Rfc7638, S31Thumbprint) {
  const auto set = set_of(
      R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7)"
      R"(aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h)"
      R"(4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08q)"
      R"(NLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKn)"
      R"(qDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})",
      Algorithm::rs256);
  EXPECT_EQ(thumbprint(only_key(set, Algorithm::rs256)),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(Rfc8037, A3Thumbprint) {
  const auto set =
      set_of(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
             Algorithm::eddsa);
  const auto& key = only_key(set, Algorithm::eddsa);
  EXPECT_EQ(public_jwk(key),
            R"({"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  EXPECT_EQ(thumbprint(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

json::value rfc7520() {
  std::ifstream file(EASYJWT_TESTS_DIR "/vectors/rfc7520.json");
  return *parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
}

TEST(Rfc7520, SignaturesOfSection4) {
  const auto vectors = rfc7520();
  for (const auto& vector : vectors.as_array()) {
    const auto algorithm = *parse_algorithm(vector.at("alg").as_string());
    std::string jwk;
    append_json(jwk, vector.at("key"));
    const auto set = set_of(jwk, algorithm);
    std::string compact(vector.at("compact").as_string());
    std::string payload;
    EXPECT_EQ(verify(compact, algorithm, set, payload), Refusal::none) << vector;
    EXPECT_TRUE(payload.starts_with("It\xe2\x80\x99s a dangerous business, Frodo")) << payload;
    compact[compact.size() - 20] = compact[compact.size() - 20] == 'A' ? 'B' : 'A';
    EXPECT_EQ(verify(compact, algorithm, set, payload), Refusal::bad_signature) << vector;
  }
}

TEST(Rfc7520, S41IsWhatWeSign) {
  const auto vectors = rfc7520();
  const auto& vector = vectors.at(0);
  const Key key(Algorithm::rs256, vector.at("signing_key").as_string());
  std::string payload;
  const std::string compact(vector.at("compact").as_string());
  ASSERT_EQ(verify_compact(compact, key, payload), Refusal::none);
  std::string out;
  sign_compact(payload, key, compact.substr(0, compact.find('.')), out);
  EXPECT_EQ(out, compact);
}

// RFC 7520 sections 3.1 and 3.3, RFC 7517 appendix A.1: what is read is what is written.
TEST(PublicJwk, IsWhatTheRfcsHave) {
  const struct {
    Algorithm algorithm;
    const char* jwk;
  } cases[] = {
      {Algorithm::es512,
       R"({"crv":"P-521","kty":"EC","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5R)"
       R"(kTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHi)"
       R"(raVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"})"},
      {Algorithm::es256,
       R"({"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6S)"
       R"(RW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})"},
      {Algorithm::rs256,
       R"({"e":"AQAB","kty":"RSA","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV)"
       R"(2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLr)"
       R"(HqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8)"
       R"(lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5i)"
       R"(aiQkqgc5gHdrNP5zw"})"},
  };
  for (const auto& [algorithm, jwk] : cases) {
    const auto set = set_of(jwk, algorithm);
    EXPECT_EQ(public_jwk(only_key(set, algorithm)), jwk);
  }
}

// ---- every algorithm

class EveryGenerated : public testing::TestWithParam<const char*> {};

TEST_P(EveryGenerated, KeyIsFoundAgainInThePublishedSet) {
  const auto algorithm = *parse_algorithm(GetParam());
  const auto material = generate_key(algorithm);
  const Key key(algorithm, material.view());
  EXPECT_NE(material.view(), generate_key(algorithm).view());
  std::string raw;
  sign_compact("{}", key, make_header(algorithm, "JWT", "a \"kid\""), raw);
  if (is_hmac(algorithm)) {
    EXPECT_THROW(public_jwk(key), KeyError);
    EXPECT_THROW(thumbprint(key), KeyError);
    EXPECT_THROW(key.public_pem(), KeyError);
    const auto bytes = decode_base64url(material.view());
    ASSERT_TRUE(bytes);
    EXPECT_EQ(bytes->size(), (std::stoul(GetParam() + 2)) / 8);
    return;
  }
  const auto jwk = public_jwk(key, "a \"kid\"");
  EXPECT_EQ(jwk.find("\"d\""), std::string::npos);
  const auto set = set_of(jwk, Algorithm::hs256);  // "alg" is in it
  std::string payload;
  EXPECT_EQ(verify(raw, algorithm, set, payload), Refusal::none);
  EXPECT_EQ(thumbprint(only_key(set, algorithm)), thumbprint(key));
  EXPECT_EQ(Key(algorithm, {}, key.public_pem()).public_pem(), key.public_pem());
}

INSTANTIATE_TEST_SUITE_P(Rfc7518, EveryGenerated,
                         testing::Values("HS256", "HS384", "HS512", "RS256", "RS384", "RS512",
                                         "ES256", "ES384", "ES512", "PS256", "PS384", "PS512",
                                         "EdDSA"));

TEST(PublicJwk, OfEd448) {
  const Key key(Algorithm::eddsa, test::make_pem("ED448").private_key);
  const auto jwk = *parse_json(public_jwk(key));
  EXPECT_EQ(jwk.at("crv").as_string(), "Ed448");
  EXPECT_EQ(decode_base64url(jwk.at("x").as_string())->size(), 57U);
}

TEST(GenerateKey, RefusesRsaOfOtherSizes) {
  for (const unsigned bits : {0U, 1024U, 2047U, 8193U, 100000U}) {
    EXPECT_THROW(generate_key(Algorithm::ps256, bits), KeyError) << bits;
  }
}

// ---- keys of several algorithms, as a ring has them

class Several : public testing::Test {
 protected:
  std::string sign(const Key& key, const std::string& header) const {
    std::string raw;
    sign_compact("{}", key, base64url(header), raw);
    return raw;
  }
  /// The keys "one" (HS256), "two" (HS512) and "one" (ES256).
  Refusal verify(std::string_view raw) {
    std::string payload;
    return verify_compact(
        raw, [&](std::string_view header) { return header == known_ ? &hs256_ : nullptr; },
        [&](Algorithm algorithm, std::optional<std::string_view> kid) {
          Candidates found;
          if (algorithm == Algorithm::hs256 && kid == "one") found.add(hs256_);
          if (algorithm == Algorithm::hs512 && kid == "two") found.add(hs512_);
          if (algorithm == Algorithm::es256 && kid == "one") found.add(es256_);
          if (kid == "confused") found.add(hs256_);
          return found;
        },
        payload);
  }
  const Key hs256_{Algorithm::hs256, "d577273ff885c3f84dadb8578bb40000"};
  const Key hs512_{Algorithm::hs512, "d577273ff885c3f84dadb8578bb40000"};
  const Key es256_{Algorithm::es256, test::make_pem("EC", "P-256").private_key};
  const std::string known_ = make_header(Algorithm::hs256, "JWT", "one");
};

TEST_F(Several, ATokenNamesAKeyByAlgorithmAndKidTogether) {
  EXPECT_EQ(verify(sign(hs256_, R"({"alg":"HS256","typ":"JWT","kid":"one"})")), Refusal::none);
  EXPECT_EQ(verify(sign(hs256_, R"({"kid":"one","alg":"HS256"})")), Refusal::none);
  EXPECT_EQ(verify(sign(hs512_, R"({"kid":"two","alg":"HS512"})")), Refusal::none);
  EXPECT_EQ(verify(sign(es256_, R"({"kid":"one","alg":"ES256"})")), Refusal::none);
  const char* const strangers[] = {
      R"({"kid":"two","alg":"HS256"})",      R"({"alg":"HS256"})",
      R"({"kid":"../one","alg":"HS256"})",   R"({"kid":"one\u0000","alg":"HS256"})",
      R"({"kid":"' OR 1=1","alg":"HS256"})", R"({"kid":"","alg":"HS256"})",
  };
  for (const auto* header : strangers) {
    EXPECT_EQ(verify(sign(hs256_, header)), Refusal::unknown_key) << header;
  }
  // The secret of one algorithm under the name of another, a key that is of another algorithm.
  EXPECT_EQ(verify(sign(hs512_, R"({"kid":"one","alg":"HS256"})")), Refusal::bad_signature);
  EXPECT_EQ(verify(sign(hs256_, R"({"kid":"confused","alg":"HS512"})")), Refusal::bad_signature);
  // A public key, which everybody has, as a secret.
  const Key forged(Algorithm::hs256, public_jwk(es256_));
  EXPECT_EQ(verify(sign(forged, R"({"kid":"one","alg":"HS256"})")), Refusal::bad_signature);
}

TEST_F(Several, RefusesOddHeaders) {
  EXPECT_EQ(verify(sign(hs256_, R"({"kid":"one","alg":"none"})")), Refusal::wrong_algorithm);
  EXPECT_EQ(verify(sign(hs256_, R"({"kid":"one"})")), Refusal::wrong_algorithm);
  EXPECT_EQ(verify(sign(hs256_, R"({"kid":"one","alg":"HS256","crit":["b64"]})")),
            Refusal::critical);
  EXPECT_EQ(verify(sign(hs256_, R"({"kid":["one"],"alg":"HS256"})")), Refusal::bad_header);
  EXPECT_EQ(verify("a.b"), Refusal::not_three_parts);
}

TEST(MakeHeader, KidIsEscaped) {
  EXPECT_EQ(*decode_base64url(make_header(Algorithm::hs256, "at+jwt", "a\"b")),
            R"({"alg":"HS256","typ":"at+jwt","kid":"a\"b"})");
  EXPECT_EQ(make_header(Algorithm::hs256, "JWT"), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9");
}

}  // namespace
}  // namespace easyjwt::jose
