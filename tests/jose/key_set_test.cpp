#include "easyjwt/jose/key_set.hpp"

#include <gtest/gtest.h>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/jose/jws.hpp"
#include "jose/jwk.hpp"
#include "jose/keys.hpp"

namespace easyjwt::jose {
namespace {

using test::jwk;
using test::make_pem;
using Secrets = KeySet::Secrets;

std::string set_of(const std::string& keys) { return "{\"keys\":[" + keys + "]}"; }

KeySet parse(const std::string& keys, Algorithm algorithm, Secrets secrets = Secrets::skip) {
  auto set = KeySet::parse(set_of(keys), algorithm, secrets);
  EXPECT_TRUE(set) << set.error().reason;
  return *std::move(set);
}

Refusal verify(std::string_view raw, Algorithm algorithm, const KeySet& set) {
  std::string payload;
  return verify_compact(
      raw, algorithm, [&](auto kid) { return set.candidates(algorithm, kid); }, payload);
}

constexpr std::string_view rfc7515_payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";

// ---- vectors

TEST(Rfc7517, A1OnlyTheSigningKeyIsTaken) {
  const auto set = parse(
      R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
      R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},)"
      R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7)"
      R"(aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h)"
      R"(4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08q)"
      R"(NLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKn)"
      R"(qDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})",
      Algorithm::es256);
  EXPECT_EQ(set.size(), 1U);
  EXPECT_EQ(set.skipped(), 1U);
  EXPECT_TRUE(set.candidates(Algorithm::es256, "1").empty());
  EXPECT_EQ(set.candidates(Algorithm::rs256, "2011-04-29").size(), 1U);
  EXPECT_EQ(set.candidates(Algorithm::rs256, std::nullopt).size(), 1U);
  EXPECT_TRUE(set.candidates(Algorithm::rs512, "2011-04-29").empty());
}

TEST(Rfc7515, A1OctetKey) {
  const std::string key =
      R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgU)"
      R"(uTwjAzZr1Z9CAow"})";
  const auto raw = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + std::string(rfc7515_payload) +
                   ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  EXPECT_EQ(verify(raw, Algorithm::hs256, parse(key, Algorithm::hs256, Secrets::take)),
            Refusal::none);
  EXPECT_EQ(verify(raw, Algorithm::hs256, parse(key, Algorithm::hs256)), Refusal::unknown_key);
}

TEST(Rfc7515, A2Rs256) {
  const auto set = parse(
      R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4q)"
      R"(PCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0)"
      R"(LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo)"
      R"(5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyu)"
      R"(XpoQ","e":"AQAB"})",
      Algorithm::rs256);
  const auto raw =
      "eyJhbGciOiJSUzI1NiJ9." + std::string(rfc7515_payload) +
      ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F"
      "p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMH"
      "lb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9"
      "QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
  EXPECT_EQ(verify(raw, Algorithm::rs256, set), Refusal::none);
  EXPECT_EQ(verify(raw, Algorithm::ps256, set), Refusal::wrong_algorithm);
}

TEST(Rfc7515, A3Es256) {
  const auto set =
      parse(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
            R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
            Algorithm::es256);
  EXPECT_EQ(verify("eyJhbGciOiJFUzI1NiJ9." + std::string(rfc7515_payload) +
                       ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJ"
                       "qPP3-Kg6NU1Q",
                   Algorithm::es256, set),
            Refusal::none);
}

TEST(Rfc8037, A2PublicKeyVerifiesA4) {
  const auto set =
      parse(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
            Algorithm::eddsa);
  EXPECT_EQ(
      verify("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
             "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_M"
             "uM0KAg",
             Algorithm::eddsa, set),
      Refusal::none);
}

// ---- every algorithm

class EveryKind : public testing::TestWithParam<const char*> {};

TEST_P(EveryKind, AKeyVerifiesWhatItsPrivateHalfSigned) {
  const auto algorithm = *parse_algorithm(GetParam());
  const auto make = [&] {
    switch (algorithm) {
      case Algorithm::es256: return make_pem("EC", "P-256");
      case Algorithm::es384: return make_pem("EC", "P-384");
      case Algorithm::es512: return make_pem("EC", "P-521");
      case Algorithm::eddsa: return make_pem("ED25519");
      default: return make_pem("RSA");
    }
  };
  const auto ours = make(), others = make();
  std::string raw;
  sign_compact("{}", Key(algorithm, ours.private_key), raw);
  EXPECT_EQ(verify(raw, algorithm, parse(jwk(ours.public_key), algorithm)), Refusal::none);
  EXPECT_EQ(
      verify(raw, algorithm,
             parse(jwk(others.public_key) + "," + jwk(ours.public_key, R"("kid":"x")"), algorithm)),
      Refusal::none);
  EXPECT_EQ(verify(raw, algorithm, parse(jwk(others.public_key), algorithm)),
            Refusal::bad_signature);
  // "alg" binds whatever the caller assumed; without it the assumption does.
  const auto named = std::string(R"("alg":")") + GetParam() + '"';
  EXPECT_EQ(verify(raw, algorithm, parse(jwk(ours.public_key, named), Algorithm::hs256)),
            Refusal::none);
  EXPECT_EQ(parse(jwk(ours.public_key), Algorithm::hs256, Secrets::take).size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Rfc7518, EveryKind,
                         testing::Values("RS256", "RS384", "RS512", "ES256", "ES384", "ES512",
                                         "PS256", "PS384", "PS512", "EdDSA"));

// ---- a token's header

TEST(KeySet, AKidIsOnlyALookup) {
  const auto first = make_pem("EC", "P-256"), second = make_pem("EC", "P-256");
  const auto set = parse(
      jwk(first.public_key, R"("kid":"first")") + "," + jwk(second.public_key, R"("kid":"second")"),
      Algorithm::es256);
  const Key key(Algorithm::es256, first.private_key);
  const auto token = [&](const std::string& header) {
    std::string raw = base64url(header) + "." + base64url("{}");
    std::string signature;
    key.sign(raw, signature);
    return raw + "." + signature;
  };
  const auto judged = [&](const std::string& header) {
    return verify(token(header), Algorithm::es256, set);
  };
  EXPECT_EQ(judged(R"({"alg":"ES256"})"), Refusal::none);
  EXPECT_EQ(judged(R"({"alg":"ES256","kid":"first"})"), Refusal::none);
  EXPECT_EQ(judged(R"({"alg":"ES256","kid":"second"})"), Refusal::bad_signature);
  for (const auto* kid : {"", "First", "first ", "first\\u0000", "../first", "third"}) {
    EXPECT_EQ(judged(std::string(R"({"alg":"ES256","kid":")") + kid + "\"}"), Refusal::unknown_key)
        << kid;
  }
  EXPECT_EQ(judged(R"({"alg":"ES256","kid":null})"), Refusal::bad_header);
  EXPECT_EQ(judged(R"({"alg":"ES256","kid":["first"]})"), Refusal::bad_header);
  EXPECT_EQ(judged(R"({"alg":"none","kid":"first"})"), Refusal::wrong_algorithm);
  EXPECT_EQ(judged(R"({"alg":"HS256","kid":"first"})"), Refusal::wrong_algorithm);
  EXPECT_EQ(judged(R"({"kid":"first"})"), Refusal::wrong_algorithm);
  EXPECT_EQ(judged(R"({"alg":"ES256","kid":"first","crit":["b64"],"b64":true})"),
            Refusal::critical);
  // Keys and addresses that a token brings along are not looked at.
  EXPECT_EQ(judged(R"({"alg":"ES256","kid":"second","jku":"http://127.0.0.1:1/","jwk":)" +
                   jwk(first.public_key) + "}"),
            Refusal::bad_signature);
}

TEST(KeySet, KeysWithoutANameAreNotForTokensThatNameOne) {
  const auto pem = make_pem("ED25519");
  const auto set = parse(jwk(pem.public_key), Algorithm::eddsa);
  EXPECT_TRUE(set.candidates(Algorithm::eddsa, "a").empty());
  EXPECT_TRUE(set.candidates(Algorithm::eddsa, "").empty());
  EXPECT_EQ(set.candidates(Algorithm::eddsa, std::nullopt).size(), 1U);
}

TEST(KeySet, OfTwoKeysOfOneNameTheFirstCounts) {
  const auto ec = make_pem("EC", "P-256"), other = make_pem("EC", "P-256"),
             ed = make_pem("ED25519");
  const auto set =
      parse(jwk(ec.public_key, R"("kid":"a")") + "," + jwk(other.public_key, R"("kid":"a")") + "," +
                jwk(ed.public_key, R"("kid":"a","alg":"EdDSA")"),
            Algorithm::es256);
  EXPECT_EQ(set.size(), 2U);
  EXPECT_EQ(set.skipped(), 1U);
  std::string raw;
  sign_compact("{}", Key(Algorithm::es256, ec.private_key), raw);
  EXPECT_EQ(verify(raw, Algorithm::es256, set), Refusal::none);
  // RFC 7517 section 4.5: one name for keys of different kinds.
  EXPECT_EQ(set.candidates(Algorithm::es256, "a").size(), 1U);
  EXPECT_EQ(set.candidates(Algorithm::eddsa, "a").size(), 1U);
}

TEST(KeySet, CandidatesAreBounded) {
  std::string keys;
  for (int i = 0; i < 40; ++i) keys += (i > 0 ? "," : "") + jwk(make_pem("ED25519").public_key);
  const auto set = parse(keys, Algorithm::eddsa);
  EXPECT_EQ(set.size(), 40U);
  EXPECT_EQ(set.candidates(Algorithm::eddsa, std::nullopt).size(), max_candidates);
}

// ---- hostile sets

TEST(KeySet, WhatIsNoSetIsAnError) {
  const auto key = jwk(make_pem("ED25519").public_key);
  std::string many;
  for (std::size_t i = 0; i <= max_keys; ++i) many += (i > 0 ? ",{}" : "{}");
  const std::string texts[] = {"",
                               "<html></html>",
                               "null",
                               "5",
                               "[]",
                               "[" + key + "]",
                               key,
                               "{}",
                               "{\"keys\":null}",
                               "{\"keys\":{}}",
                               "{\"keys\":\"\"}",
                               "{\"Keys\":[]}",
                               "{\"keys\":[" + key + "]",
                               "{\"keys\":[" + key + "]}x",
                               "{\"keys\":[\"\xff\"]}",
                               "{\"keys\":" + std::string(10'000, '['),
                               set_of(many),
                               "{\"keys\":[]," + std::string(max_key_set_size, ' ') + "\"a\":1}"};
  for (const auto& text : texts) {
    const auto set = KeySet::parse(text, Algorithm::eddsa);
    ASSERT_FALSE(set) << text.substr(0, 80);
    EXPECT_EQ(set.error().code, Errc::parse_error);
    EXPECT_FALSE(set.error().reason.empty());
  }
  EXPECT_EQ(KeySet::parse("{\"keys\":[]}", Algorithm::eddsa)->size(), 0U);
}

/// What is wrong with one key costs that key and no other.
TEST(KeySet, SkipsKeysThatAreNotForUsOrNotSound) {
  const auto rsa = make_pem("RSA"), p256 = make_pem("EC", "P-256"), ed = make_pem("ED25519");
  const auto small = make_pem("RSA", nullptr, 1024);
  const auto rsa_jwk = jwk(rsa.public_key), ec_jwk = jwk(p256.public_key),
             ed_jwk = jwk(ed.public_key);
  const auto number = [](std::size_t bytes, char last) {
    return base64url(std::string(bytes - 1, '\xaa') + last);
  };
  const auto rsa_of = [&](const std::string& n, const std::string& e) {
    return R"({"kty":"RSA","alg":"RS256","n":")" + n + R"(","e":")" + e + "\"}";
  };
  const auto ec_of = [](const std::string& curve, const std::string& x, const std::string& y) {
    return R"({"kty":"EC","alg":"ES256","crv":")" + curve + R"(","x":")" + x + R"(","y":")" + y +
           "\"}";
  };
  const auto coordinate = base64url(std::string(32, '\x05'));
  const auto with = [](const std::string& key, const std::string& more) {
    return key.substr(0, key.size() - 1) + "," + more + "}";
  };
  const std::string keys[] = {
      "5", "null", "[]", "\"x\"", "{}", R"({"kty":null})", R"({"kty":["RSA"]})",
      R"({"kty":"rsa","alg":"RS256"})", R"({"kty":"AKP","alg":"ML-DSA-44","pub":"AA"})",
      // for something else
      with(rsa_jwk, R"("alg":"RS256","use":"enc")"), with(rsa_jwk, R"("alg":"RS256","use":"")"),
      with(rsa_jwk, R"("alg":"RS256","use":null)"), with(rsa_jwk, R"("alg":"RS256","use":["sig"])"),
      with(rsa_jwk, R"("alg":"RS256","key_ops":["sign"])"),
      with(rsa_jwk, R"("alg":"RS256","key_ops":[])"),
      with(rsa_jwk, R"("alg":"RS256","key_ops":"verify")"),
      with(rsa_jwk, R"("alg":"RS256","key_ops":[["verify"]])"),
      // another algorithm than kty and curve allow, or none
      with(rsa_jwk, R"("alg":"RSA-OAEP")"), with(rsa_jwk, R"("alg":"none")"),
      with(rsa_jwk, R"("alg":"HS256")"), with(rsa_jwk, R"("alg":"ES256")"),
      with(rsa_jwk, R"("alg":"EdDSA")"), with(rsa_jwk, R"("alg":null)"),
      with(rsa_jwk, R"("alg":256)"), with(rsa_jwk, R"("alg":"rs256")"),
      with(ec_jwk, R"("alg":"ES384")"), with(ec_jwk, R"("alg":"ES256K")"),
      with(ec_jwk, R"("alg":"RS256")"), with(ed_jwk, R"("alg":"ES256")"),
      with(ed_jwk, R"("alg":"HS256","k":"AAAA")"),
      // kid
      with(ed_jwk, R"("alg":"EdDSA","kid":5)"), with(ed_jwk, R"("alg":"EdDSA","kid":null)"),
      with(ed_jwk, R"("alg":"EdDSA","kid":")" + std::string(max_kid_size + 1, 'k') + "\""),
      // RSA: missing, malformed, too small, too large, exponents that sign nothing
      R"({"kty":"RSA","alg":"RS256"})", R"({"kty":"RSA","alg":"RS256","n":5,"e":"AQAB"})",
      jwk(small.public_key, R"("alg":"RS256")"), rsa_of("", "AQAB"), rsa_of("AAAA", "AQAB"),
      rsa_of("not base64!", "AQAB"), rsa_of(number(256, '\x01') + "=", "AQAB"),
      rsa_of(number(256, '\x02'), "AQAB"), rsa_of(number(1025, '\x01'), "AQAB"),
      rsa_of(number(20'000, '\x01'), "AQAB"), rsa_of(number(256, '\x01'), ""),
      rsa_of(number(256, '\x01'), "AA"), rsa_of(number(256, '\x01'), "AQ"),
      rsa_of(number(256, '\x01'), "AAAB"), rsa_of(number(256, '\x01'), "Ag"),
      rsa_of(number(256, '\x01'), number(9, '\x01')),
      rsa_of(std::string(400, 'A') + number(255, '\x01'), "AQAB"),
      // EC: not on the curve, of another size, another curve
      ec_of("P-256", coordinate, coordinate), ec_of("P-256", "", ""),
      ec_of("P-256", base64url(std::string(32, '\0')), base64url(std::string(32, '\0'))),
      ec_of("P-256", base64url(std::string(31, '\x05')), coordinate),
      ec_of("P-256", base64url(std::string(33, '\0')), coordinate),
      ec_of("P-256", base64url(std::string(32, '\xff')), base64url(std::string(32, '\xff'))),
      ec_of("secp256k1", coordinate, coordinate), ec_of("p-256", coordinate, coordinate),
      ec_of("P-256K", coordinate, coordinate), ec_of("", coordinate, coordinate),
      R"({"kty":"EC","alg":"ES256","crv":5,"x":")" + coordinate + R"(","y":")" + coordinate + "\"}",
      // OKP
      R"({"kty":"OKP","alg":"EdDSA","crv":"Ed25519"})",
      R"({"kty":"OKP","alg":"EdDSA","crv":"Ed25519","x":"AAAA"})",
      R"({"kty":"OKP","alg":"EdDSA","crv":"X25519","x":")" + coordinate + "\"}",
      R"({"kty":"OKP","alg":"EdDSA","crv":"Ed448","x":")" + base64url(std::string(57, 'x')) + "\"}",
      R"({"kty":"OKP","alg":"EdDSA","x":")" + coordinate + "\"}",
      // secrets
      R"({"kty":"oct","alg":"HS256","k":")" + base64url(std::string(64, 'k')) + "\"}"};
  const auto good = with(ed_jwk, R"("alg":"EdDSA","kid":"good","use":"sig","key_ops":["verify"])");
  for (const auto& key : keys) {
    for (const auto assumed : {Algorithm::rs256, Algorithm::es256, Algorithm::hs256}) {
      const auto set = parse(key + "," + good, assumed);
      EXPECT_EQ(set.size(), 1U) << key;
      EXPECT_EQ(set.skipped(), 1U) << key;
      EXPECT_EQ(set.candidates(Algorithm::eddsa, "good").size(), 1U) << key;
    }
  }
}

TEST(KeySet, SecretsAreTakenOnlyWhereAskedAndWhenLongEnough) {
  const auto oct = [](std::size_t size, const char* alg) {
    return R"({"kty":"oct","alg":")" + std::string(alg) + R"(","k":")" +
           base64url(std::string(size, 'k')) + "\"}";
  };
  const auto size = [](const std::string& key, Secrets secrets) {
    return parse(key, Algorithm::hs256, secrets).size();
  };
  EXPECT_EQ(size(oct(32, "HS256"), Secrets::take), 1U);
  EXPECT_EQ(size(oct(32, "HS256"), Secrets::skip), 0U);
  EXPECT_EQ(size(oct(31, "HS256"), Secrets::take), 0U);
  EXPECT_EQ(size(oct(47, "HS384"), Secrets::take), 0U);
  EXPECT_EQ(size(oct(63, "HS512"), Secrets::take), 0U);
  EXPECT_EQ(size(oct(64, "HS512"), Secrets::take), 1U);
  EXPECT_EQ(size(oct(64, "RS256"), Secrets::take), 0U);
  EXPECT_EQ(size(R"({"kty":"oct"})", Secrets::take), 0U);
  // A public key as a secret.
  EXPECT_EQ(
      size(R"({"kty":"oct","k":")" + base64url(make_pem("RSA").public_key) + "\"}", Secrets::take),
      0U);
}

TEST(KeySet, PrivateMembersAreNotLookedAt) {
  const auto pem = make_pem("EC", "P-256");
  const auto set = parse(jwk(pem.public_key, R"("d":"not even base64!")"), Algorithm::es256);
  ASSERT_EQ(set.size(), 1U);
  EXPECT_FALSE((*set.candidates(Algorithm::es256, std::nullopt).begin())->can_sign());
}

/// Some writers pad numbers with zeros.
TEST(KeySet, ZerosBeforeAModulusAreNothing) {
  const auto pem = make_pem("RSA");
  auto key = jwk(pem.public_key);
  const auto start = key.find("\"n\":\"") + 5;
  const auto end = key.find('"', start);
  const auto n = *decode_base64url(key.substr(start, end - start));
  key.replace(start, end - start, base64url(std::string(1, '\0') + n));
  std::string raw;
  sign_compact("{}", Key(Algorithm::rs256, pem.private_key), raw);
  EXPECT_EQ(verify(raw, Algorithm::rs256, parse(key, Algorithm::rs256)), Refusal::none);
}

}  // namespace
}  // namespace easyjwt::jose
