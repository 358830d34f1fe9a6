#include "easyjwt/token/codec.hpp"

#include <gtest/gtest.h>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/jose/jws.hpp"
#include "jose/jwk.hpp"
#include "jose/keys.hpp"

namespace easyjwt {
namespace {

const Time now = *parse_time("2026-11-23T12:00:00.250000Z");
constexpr std::int64_t t = 1795435200;  // the same, in whole seconds

TokenSettings settings() {
  TokenSettings s;
  s.signing_key = Secret("d577273ff885c3f84dadb8578bb40000");
  return s;
}

/// A well-signed token with this payload.
std::string sign(const TokenCodec& codec, std::string_view payload) {
  std::string out;
  jose::sign_compact(payload, codec.key(), out);
  return out;
}

std::string payload_of(const std::string& raw) {
  const TokenCodec codec(settings());
  std::string payload;
  EXPECT_EQ(jose::verify_compact(raw, codec.key(), payload), jose::Refusal::none);
  return payload;
}

TEST(Encode, WritesTheOriginalsClaimsInItsOrder) {
  const TokenCodec codec(settings());
  EXPECT_EQ(
      payload_of(codec.encode(codec.new_claims(TokenType::refresh, 7, "", "abc", now))),
      R"({"token_type":"refresh","exp":1795521600,"iat":1795435200,"jti":"abc","user_id":7})");
  EXPECT_EQ(
      payload_of(codec.encode(codec.new_claims(TokenType::sliding, "x@y", "HASH", "abc", now))),
      R"({"token_type":"sliding","exp":1795435500,"iat":1795435200,"jti":"abc",)"
      R"("refresh_exp":1795521600,"user_id":"x@y","hash_password":"HASH"})");
}

TEST(Encode, AccessTokenCarriesOverEveryClaimButTypeExpAndIds) {
  auto s = settings();
  s.jti_claim = "id";
  s.audience = {"fleet"};
  s.issuer = "https://auth.example.com";
  const TokenCodec codec(s);
  const auto refresh = parse_json(
      R"({"token_type":"refresh","exp":1,"iat":5,"id":"a","jti":"b","aud":"old","extra":{"n":[1]},)"
      R"("user_id":7})");
  EXPECT_EQ(payload_of(codec.encode(codec.access_claims(refresh->get_object(), "new", now))),
            R"({"token_type":"access","exp":1795435500,"iat":5,"id":"new","aud":"fleet",)"
            R"("extra":{"n":[1]},"user_id":7,"iss":"https://auth.example.com"})");
}

TEST(Encode, RenewedClaimsKeepTheirPlaces) {
  const TokenCodec codec(settings());
  const auto old = parse_json(R"({"token_type":"refresh","exp":1,"iat":5,"jti":"a","user_id":7})");
  EXPECT_EQ(payload_of(codec.encode(
                codec.renewed_claims(old->get_object(), TokenType::refresh, "b", now))),
            R"({"token_type":"refresh","exp":1795521600,"iat":1795435200,"jti":"b","user_id":7})");
}

TEST(Decode, RoundTrips) {
  const TokenCodec codec(settings());
  Scratch scratch;
  for (int i = 0; i < 3; ++i) {
    const auto raw = codec.encode(codec.new_claims(TokenType::access, 7 + i, "", "abc", now));
    const auto claims = codec.decode(raw, now, scratch);
    ASSERT_TRUE(claims);
    EXPECT_EQ(claims->jti, "abc");
    EXPECT_EQ(claims->exp, t + 300);
    EXPECT_EQ(codec.user_id(*claims), UserIdClaim{7 + i});
    EXPECT_FALSE(codec.check(*claims, TokenType::access));
    EXPECT_EQ(codec.check(*claims, TokenType::refresh)->str(), "Token has wrong type");
  }
}

struct Case {
  const char* claims;
  bool good;
};

/// Every claim that the codec looks at, with every type and size of value.
TEST(Decode, JudgesEveryTypeOfEveryClaim) {
  auto s = settings();
  s.audience = {"fleet", "other"};
  s.issuer = "us";
  const TokenCodec codec(s);
  const Case cases[] = {
      {R"("exp":1795435201)", true},
      {R"("exp":1795435200)", false},
      {R"("exp":1795435200.5)", true},
      {R"("exp":1795435200.25)", false},
      {R"("exp":253402300799)", true},
      {R"("exp":253402300800)", false},
      {R"("exp":1e300)", false},
      {R"("exp":-1e300)", false},
      {R"("exp":1180591620717411303424)", false},  // 2^70
      {R"("exp":18446744073709551615)", false},
      {R"("exp":"1795439999")", false},
      {R"("exp":null)", false},
      {R"("exp":true)", false},
      {R"("exp":[1795439999])", false},
      {R"("exp":{})", false},
      {R"("exp":"")", false},
      {R"("exp":-5)", false},
      {R"("exp":0)", false},
      {R"("exp":1,"exp":1795439999)", true},
      {R"("exp":1795439999,"exp":1)", false},
      {R"("nbf":1795435200)", true},
      {R"("nbf":1795435201)", false},
      {R"("nbf":1795435200.2)", true},
      {R"("nbf":"1")", false},
      {R"("nbf":null)", false},
      {R"("nbf":-1e300)", false},
      {R"("iat":1795435200)", true},
      {R"("iat":1795435201)", false},
      {R"("iat":1e300)", false},
      {R"("iat":"1")", false},
      {R"("iat":[])", false},
      {R"("aud":"other")", true},
      {R"("aud":["x","other"])", true},
      {R"("aud":["x"])", false},
      {R"("aud":[])", false},
      {R"("aud":["other",5])", false},
      {R"("aud":{"fleet":1})", false},
      {R"("aud":null)", false},
      {R"("aud":5)", false},
      {R"("aud":"")", false},
      {R"("iss":"them")", false},
      {R"("iss":["us"])", false},
      {R"("iss":null)", false},
      {R"("jti":"")", false},
      {R"("jti":5)", false},
      {R"("jti":null)", false},
      {R"("jti":["a"])", false},
      {R"("jti":"a\u0000b")", false},
  };
  Scratch scratch;
  const std::string base = R"({"exp":1795439999,"aud":"fleet","iss":"us","jti":"a",)";
  for (const auto& [claims, good] : cases) {
    const auto result = codec.decode(sign(codec, base + claims + "}"), now, scratch);
    EXPECT_EQ(result.has_value(), good) << claims;
    if (!result) {
      EXPECT_EQ(result.error().code, Errc::token_not_valid);
      EXPECT_TRUE(result.error().detail.empty());
      EXPECT_FALSE(result.error().reason.empty());
    }
  }
}

TEST(Decode, RefusesPayloadsThatAreNoObjects) {
  const TokenCodec codec(settings());
  Scratch scratch;
  for (const std::string_view payload :
       {"", "[]", "null", "5", "\"x\"", "{", "{}x", "hello", "{\"exp\":NaN}", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(codec.decode(sign(codec, payload), now, scratch)) << payload;
  }
  std::string deep =
      "{\"exp\":1795439999,\"a\":" + std::string(40, '[') + std::string(40, ']') + "}";
  EXPECT_FALSE(codec.decode(sign(codec, deep), now, scratch));
}

TEST(Decode, LeewayMayBeFractional) {
  auto s = settings();
  s.leeway = 1.5;
  const TokenCodec codec(s);
  Scratch scratch;
  EXPECT_TRUE(codec.decode(sign(codec, R"({"exp":1795435199})"), now, scratch));
  EXPECT_FALSE(codec.decode(sign(codec, R"({"exp":1795435198})"), now, scratch));
  EXPECT_TRUE(codec.decode(sign(codec, R"({"exp":1795439999,"iat":1795435201})"), now, scratch));
  EXPECT_FALSE(codec.decode(sign(codec, R"({"exp":1795439999,"iat":1795435202})"), now, scratch));
}

TEST(Decode, HoldsClaimsThatOutgrowTheBuffer) {
  const TokenCodec codec(settings());
  Scratch scratch;
  const std::string big(9000, 'x');
  const auto raw = sign(codec, R"({"exp":1795439999,"jti":"a","big":")" + big + "\"}");
  const auto claims = codec.decode(raw, now, scratch);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->find_text("big"), big);
  EXPECT_EQ(claims->members().at("big").get_string(), big);
}

TEST(Check, HasTheOriginalsWordsAndOrder) {
  const TokenCodec codec(settings());
  Scratch scratch;
  const auto words = [&](std::string_view payload) {
    const auto claims = codec.decode(sign(codec, payload), now, scratch);
    EXPECT_TRUE(claims) << payload;
    const auto text = codec.check(*claims, TokenType::access);
    return text ? text->str() : "";
  };
  EXPECT_EQ(words("{}"), "Token has no 'exp' claim");
  EXPECT_EQ(words(R"({"exp":1795439999})"), "Token has no id");
  EXPECT_EQ(words(R"({"exp":1795439999,"jti":"a"})"), "Token has no type");
  EXPECT_EQ(words(R"({"exp":1795439999,"jti":"a","token_type":"refresh"})"),
            "Token has wrong type");
  EXPECT_EQ(words(R"({"exp":1795439999,"jti":"a","token_type":["access"]})"),
            "Token has wrong type");
  EXPECT_EQ(words(R"({"exp":1795439999,"jti":"a","token_type":"access"})"), "");
}

TEST(Check, RefreshWindow) {
  const TokenCodec codec(settings());
  Scratch scratch;
  const auto words = [&](const std::string& refresh_exp) {
    const auto claims = codec.decode(
        sign(codec, R"({"exp":1795439999,"jti":"a")" + refresh_exp + "}"), now, scratch);
    const auto text = codec.check_refresh_window(*claims, now);
    return text ? text->str() : "";
  };
  EXPECT_EQ(words(""), "Token has no 'refresh_exp' claim");
  EXPECT_EQ(words(R"(,"refresh_exp":1795435200)"), "Token 'refresh_exp' claim has expired");
  EXPECT_EQ(words(R"(,"refresh_exp":"1795439999")"), "Token is invalid or expired");
  EXPECT_EQ(words(R"(,"refresh_exp":1e300)"), "Token is invalid or expired");
  EXPECT_EQ(words(R"(,"refresh_exp":1795435201)"), "");
}

TEST(UserId, IsAnIntegerOrAText) {
  const TokenCodec codec(settings());
  Scratch scratch;
  const auto id = [&](const std::string& value) {
    const auto claims =
        codec.decode(sign(codec, "{\"exp\":1795439999,\"user_id\":" + value + "}"), now, scratch);
    return codec.user_id(*claims);
  };
  EXPECT_EQ(id("5"), UserIdClaim{5});
  EXPECT_EQ(id("\"5\""), UserIdClaim{std::string_view("5")});
  for (const auto* value : {"5.0", "null", "true", "[5]", "{}", "18446744073709551615", "1e300"}) {
    EXPECT_FALSE(id(value)) << value;
  }
}

TEST(Settings, AreRefusedByName) {
  const auto key_of = [](auto change) -> std::string {
    auto s = settings();
    change(s);
    try {
      TokenCodec codec(s);
    } catch (const SettingsError& error) {
      return error.key;
    }
    return "";
  };
  EXPECT_EQ(key_of([](auto&) {}), "");
  EXPECT_EQ(key_of([](auto& s) { s.algorithm = "none"; }), "EASY_JWT.ALGORITHM");
  EXPECT_EQ(key_of([](auto& s) { s.signing_key = Secret(); }), "EASY_JWT.SIGNING_KEY");
  EXPECT_EQ(key_of([](auto& s) { s.algorithm = "RS256"; }), "EASY_JWT.SIGNING_KEY");
  EXPECT_EQ(key_of([](auto& s) { s.user_id_claim = "exp"; }), "EASY_JWT.USER_ID_CLAIM");
  EXPECT_EQ(key_of([](auto& s) { s.jti_claim = "user_id"; }), "EASY_JWT.JTI_CLAIM");
}

// ---- keys from elsewhere

/// A codec that signs with `pem` and verifies with the set of `keys`.
TokenCodec following(const test::PemPair& pem, const std::string& keys,
                     std::vector<std::optional<std::string>>& asked) {
  auto s = settings();
  s.algorithm = "ES256";
  s.signing_key = Secret(pem.private_key);
  auto set = jose::KeySet::parse("{\"keys\":[" + keys + "]}", jose::Algorithm::es256);
  EXPECT_TRUE(set);
  auto shared = std::make_shared<const jose::KeySet>(*std::move(set));
  return TokenCodec(s, [shared, &asked](std::optional<std::string_view> kid) {
    asked.emplace_back(kid);
    return Result<std::shared_ptr<const jose::KeySet>>(shared);
  });
}

std::string with_kid(const TokenCodec& codec, const std::string& header) {
  std::string raw = base64url(header) + "." + base64url(R"({"exp":1795439999,"jti":"a"})");
  std::string signature;
  codec.key().sign(raw, signature);
  return raw + "." + signature;
}

TEST(KeySource, VerifiesByTheKeyThatTheHeaderNames) {
  const auto ours = test::make_pem("EC", "P-256"), other = test::make_pem("EC", "P-256");
  std::vector<std::optional<std::string>> asked;
  const auto codec = following(ours,
                               test::jwk(other.public_key, R"("kid":"other")") + "," +
                                   test::jwk(ours.public_key, R"("kid":"ours")"),
                               asked);
  Scratch scratch;
  EXPECT_TRUE(codec.decode(with_kid(codec, R"({"alg":"ES256","kid":"ours"})"), now, scratch));
  EXPECT_EQ(asked.back(), "ours");
  EXPECT_TRUE(codec.decode(codec.encode(codec.new_claims(TokenType::access, 7, "", "a", now)), now,
                           scratch));
  EXPECT_EQ(asked.back(), std::nullopt);
  for (const auto* kid : {"other", "none of them", ""}) {
    const auto result = codec.decode(
        with_kid(codec, std::string(R"({"alg":"ES256","kid":")") + kid + "\"}"), now, scratch);
    ASSERT_FALSE(result) << kid;
    EXPECT_EQ(result.error().code, Errc::token_not_valid);
    EXPECT_TRUE(result.error().detail.empty());
    EXPECT_FALSE(result.error().reason.empty());
  }
}

/// RFC 9068.
TEST(AccessTokenTyp, IsWrittenIntoAccessTokensAlone) {
  auto s = settings();
  const TokenCodec plain(s);
  s.access_token_typ = "at+jwt";
  const TokenCodec codec(s);
  const auto made = [&](const TokenCodec& by, TokenType type) {
    return by.encode(by.new_claims(type, 7, "", "abc", now));
  };
  const auto header = [](const std::string& raw) {
    return *decode_base64url(raw.substr(0, raw.find('.')));
  };
  EXPECT_EQ(header(made(codec, TokenType::access)), R"({"alg":"HS256","typ":"at+jwt"})");
  EXPECT_EQ(header(made(codec, TokenType::refresh)), R"({"alg":"HS256","typ":"JWT"})");
  EXPECT_EQ(made(codec, TokenType::refresh), made(plain, TokenType::refresh));
  EXPECT_EQ(made(codec, TokenType::sliding), made(plain, TokenType::sliding));
  Scratch scratch;
  for (const auto* by : {&plain, &codec}) {
    for (const auto type : {TokenType::access, TokenType::refresh, TokenType::sliding}) {
      EXPECT_TRUE(codec.decode(made(*by, type), now, scratch)) << to_string(type);
      EXPECT_TRUE(plain.decode(made(*by, type), now, scratch)) << to_string(type);
    }
  }
}

TEST(AccessTokenTyp, StandsBesideAKid) {
  auto s = settings();
  s.access_token_typ = "at+jwt";
  std::vector<KeyRing::Member> members;
  members.push_back({.kid = {}, .key = jose::Key(jose::Algorithm::hs256, s.signing_key.view())});
  members.push_back(
      {.kid = "k",
       .key = jose::Key(jose::Algorithm::es256, test::make_pem("EC", "P-256").private_key)});
  const KeyRing ring(std::move(members), 1);
  const TokenCodec codec(s, {}, [&] { return &ring; });
  const auto raw = codec.encode(codec.new_claims(TokenType::access, 7, "", "abc", now));
  EXPECT_EQ(decode_base64url(raw.substr(0, raw.find('.'))),
            R"({"alg":"ES256","typ":"at+jwt","kid":"k"})");
  Scratch scratch;
  EXPECT_TRUE(codec.decode(raw, now, scratch));
  // From before there was a second key.
  const TokenCodec before(s);
  EXPECT_TRUE(codec.decode(before.encode(before.new_claims(TokenType::access, 7, "", "abc", now)),
                           now, scratch));
}

TEST(AccessTokenTyp, OthersAreRefusedWithItAlone) {
  auto s = settings();
  const TokenCodec plain(s);
  s.access_token_typ = "at+jwt";
  const TokenCodec codec(s);
  Scratch scratch;
  const auto signed_as = [&](std::string_view header) {
    std::string raw;
    jose::sign_compact(R"({"token_type":"access","jti":"a","user_id":7,"exp":9999999999})",
                       codec.key(), base64url(header), raw);
    return raw;
  };
  for (const auto* typ : {"JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"}) {
    const auto raw = signed_as(std::string(R"({"alg":"HS256","typ":")") + typ + "\"}");
    EXPECT_TRUE(codec.decode(raw, now, scratch)) << typ;
  }
  for (const auto* header : {R"({"alg":"HS256"})", R"({"alg":"HS256","typ":"secevent+jwt"})",
                             R"({"alg":"HS256","typ":"logout+jwt"})", R"({"alg":"HS256","typ":5})",
                             R"({"alg":"HS256","typ":""})", R"({"alg":"HS256","typ":"at+jwtx"})"}) {
    const auto refused = codec.decode(signed_as(header), now, scratch);
    ASSERT_FALSE(refused) << header;
    EXPECT_EQ(refused.error().code, Errc::token_not_valid);
    EXPECT_TRUE(plain.decode(signed_as(header), now, scratch)) << header;
  }
}

/// The signing key's own public half is no key of the source's: one that was withdrawn is refused.
TEST(KeySource, TheSourceAloneVerifies) {
  const auto ours = test::make_pem("EC", "P-256"), other = test::make_pem("EC", "P-256");
  std::vector<std::optional<std::string>> asked;
  const auto codec = following(ours, test::jwk(other.public_key), asked);
  Scratch scratch;
  EXPECT_FALSE(codec.decode(codec.encode(codec.new_claims(TokenType::access, 7, "", "a", now)), now,
                            scratch));
}

TEST(KeySource, IsNotAskedAboutWhatCannotStand) {
  const auto ours = test::make_pem("EC", "P-256");
  std::vector<std::optional<std::string>> asked;
  const auto codec = following(ours, test::jwk(ours.public_key), asked);
  Scratch scratch;
  for (const auto* header : {R"({"alg":"none","kid":"a"})", R"({"alg":"HS256","kid":"a"})",
                             R"({"kid":"a"})", R"({"alg":"RS256"})", R"({"alg":"ES256","kid":5})",
                             R"({"alg":"ES256","crit":["a"]})", R"([])", "x"}) {
    EXPECT_FALSE(codec.decode(with_kid(codec, header), now, scratch)) << header;
  }
  EXPECT_FALSE(codec.decode("a.b", now, scratch));
  EXPECT_FALSE(codec.decode(std::string(20'000, 'a') + "..", now, scratch));
  EXPECT_TRUE(asked.empty());
}

TEST(KeySource, ItsErrorsAreTheDecodings) {
  const auto pem = test::make_pem("EC", "P-256");
  auto s = settings();
  s.algorithm = "ES256";
  s.signing_key = Secret(pem.private_key);
  Scratch scratch;
  for (const auto code : {Errc::would_wait, Errc::unavailable, Errc::busy}) {
    const TokenCodec codec(
        s, [&](auto) -> Result<std::shared_ptr<const jose::KeySet>> { return fail(code); });
    const auto result = codec.decode(with_kid(codec, R"({"alg":"ES256"})"), now, scratch);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
  }
}

TEST(KeySource, IsUnusedWithASharedSecret) {
  const TokenCodec codec(settings(), [](auto) -> Result<std::shared_ptr<const jose::KeySet>> {
    ADD_FAILURE();
    return fail(Errc::unavailable);
  });
  Scratch scratch;
  EXPECT_TRUE(codec.decode(codec.encode(codec.new_claims(TokenType::access, 7, "", "a", now)), now,
                           scratch));
}

}  // namespace
}  // namespace easyjwt
