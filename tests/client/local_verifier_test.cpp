#include "easyjwt/client/local_verifier.hpp"

#include <gtest/gtest.h>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/jose/jws.hpp"
#include "easyjwt/token/codec.hpp"
#include "jose/keys.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t t = 1795435200;
const Time now = from_epoch_seconds(t) + 250ms;

LocalSettings settings() {
  LocalSettings s;
  s.token.signing_key = Secret("d577273ff885c3f84dadb8578bb40000");
  return s;
}

/// A well-signed token with this payload.
std::string sign(const std::string& payload, const TokenSettings& by = settings().token) {
  std::string out;
  jose::sign_compact(payload, TokenCodec(by).key(), out);
  return out;
}
/// {"token_type":"access","exp":...,"iat":...,"jti":"j","user_id":7}, with other members instead.
std::string good(const json::object& members = {}) {
  json::object claims{
      {"token_type", "access"}, {"exp", t + 300}, {"iat", t}, {"jti", "j"}, {"user_id", 7}};
  for (const auto& [name, value] : members) {
    if (value.is_null()) {
      claims.erase(name);
    } else {
      claims.insert_or_assign(name, value);
    }
  }
  std::string payload;
  append_json(payload, claims);
  return sign(payload);
}

class LocalVerifierTest : public testing::Test {
 protected:
  LocalVerifier with(LocalSettings s) { return {std::move(s), nullptr, revocations_}; }
  /// The body of the 401, or "good".
  static std::string said(const LocalVerifier& verifier, const std::string& token, Time at = now) {
    const auto verified = verifier.verify(token, at);
    if (verified) return "good";
    EXPECT_EQ(verified.error().code, Errc::auth_service_refused);
    std::string out;
    append_error_body(out, verified.error());
    return out;
  }

  Revocations revocations_;
  const LocalVerifier verifier_{settings(), nullptr, revocations_};
};

constexpr auto invalid = R"({"detail":"Token is invalid or expired"})";
constexpr auto wordless = R"({"detail":"Authentication service returned an error."})";

TEST_F(LocalVerifierTest, RefusesInTheWordsOfTheAuthService) {
  auto forged = good();
  forged[forged.size() - 3] = forged[forged.size() - 3] == 'A' ? 'B' : 'A';
  const auto whole = good();
  const std::pair<std::string, std::string> cases[] = {
      {good(), "good"},
      {good({{"user_id", "7"}}), "good"},
      {good({{"iat", nullptr}}), "good"},
      {good({{"iat", t + 0.25}}), "good"},
      {good({{"sid", 5}}), "good"},
      {forged, invalid},
      {"a.b.c", invalid},
      {"", invalid},
      {whole + "A", invalid},
      {whole.substr(0, whole.size() - 1), invalid},
      {whole.substr(0, whole.rfind('.') + 1), invalid},
      {base64url(R"({"alg":"none","typ":"JWT"})") + whole.substr(whole.find('.')), invalid},
      {base64url(R"({"alg":"HS384","typ":"JWT"})") + whole.substr(whole.find('.')), invalid},
      {sign("[]"), invalid},
      {sign("no JSON"), invalid},
      {good({{"exp", t}}), invalid},
      {good({{"exp", t - 1}}), invalid},
      {good({{"exp", "soon"}}), invalid},
      {good({{"exp", true}}), invalid},
      {good({{"nbf", t + 1}}), invalid},
      {good({{"iat", t + 1}}), invalid},
      {good({{"iat", "x"}}), invalid},
      {good({{"jti", ""}}), invalid},
      {good({{"jti", 5}}), invalid},
      {good({{"exp", nullptr}}), R"({"detail":"Token has no 'exp' claim"})"},
      {good({{"jti", nullptr}}), R"({"detail":"Token has no id"})"},
      {good({{"token_type", "refresh"}}), wordless},
      {good({{"token_type", "sliding"}}), wordless},
      {good({{"token_type", nullptr}}), wordless},
      {good({{"token_type", 1}}), wordless},
      {good({{"user_id", nullptr}}), wordless},
      {good({{"user_id", 7.0}}), wordless},
  };
  for (const auto& [token, expected] : cases) EXPECT_EQ(said(verifier_, token), expected) << token;
}

TEST_F(LocalVerifierTest, TypesAudienceIssuerAndClaimsAreTheSettings) {
  auto s = settings();
  s.token_types = {TokenType::access, TokenType::sliding};
  s.token.audience = {"fleet"};
  s.token.issuer = "us";
  s.token.user_id_claim = "who";
  s.token.token_type_claim = "typ";
  s.token.jti_claim = "id";
  const auto verifier = with(s);
  const json::object all{
      {"typ", "sliding"}, {"aud", "fleet"}, {"iss", "us"}, {"who", "x@y"}, {"id", "a"}};
  EXPECT_EQ(said(verifier, good(all)), "good");
  EXPECT_EQ(verifier.verify(good(all), now)->user, "x@y");
  for (const auto* name : {"aud", "iss"}) {
    auto other = all;
    other[name] = "theirs";
    EXPECT_EQ(said(verifier, good(other)), invalid) << name;
    other.erase(name);
    EXPECT_EQ(said(verifier, good(other)), invalid) << name;
  }
  auto other = all;
  other["typ"] = "refresh";
  EXPECT_EQ(said(verifier, good(other)), wordless);
}

TEST_F(LocalVerifierTest, SaysHowLongATokenStands) {
  auto s = settings();
  const auto exact = verifier_.verify(good({{"nbf", t - 5}}), now);
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->from, from_epoch_seconds(t));
  EXPECT_EQ(exact->until, from_epoch_seconds(t + 300));
  EXPECT_EQ(exact->user, "7");
  s.token.leeway = 1.5;
  const auto lenient = with(s).verify(good({{"exp", t}}), now);
  ASSERT_TRUE(lenient);
  EXPECT_EQ(lenient->from, from_epoch_seconds(t) - 1500ms);
  EXPECT_EQ(lenient->until, from_epoch_seconds(t) + 1500ms);
  EXPECT_EQ(said(with(s), good({{"exp", t}}), from_epoch_seconds(t) + 1499ms), "good");
  EXPECT_EQ(said(with(s), good({{"exp", t}}), from_epoch_seconds(t) + 1500ms), invalid);
}

TEST_F(LocalVerifierTest, MarksAreByIdFamilyAndUser) {
  auto s = settings();
  s.session_claim = "sid";
  const auto with_family = with(s);
  const auto token = good({{"sid", "family"}});
  EXPECT_FALSE(revocations_.is_revoked(with_family.verify(token, now)->marks));
  revocations_.apply(Event::family_revoked("family", now + 1h));
  EXPECT_TRUE(revocations_.is_revoked(with_family.verify(token, now)->marks));
  EXPECT_FALSE(revocations_.is_revoked(verifier_.verify(token, now)->marks)) << "no SESSION_CLAIM";
  EXPECT_FALSE(revocations_.is_revoked(with_family.verify(good(), now)->marks));
  revocations_.apply(Event::family_revoked("j", now + 1h));
  EXPECT_TRUE(revocations_.is_revoked(with_family.verify(good(), now)->marks));
  const auto other = good({{"jti", "k"}, {"user_id", "8"}});
  EXPECT_FALSE(revocations_.is_revoked(verifier_.verify(other, now)->marks));
  revocations_.apply(Event::user_void(8, now, now + 1h));
  EXPECT_TRUE(revocations_.is_revoked(verifier_.verify(other, now)->marks));
}

TEST_F(LocalVerifierTest, EveryAlgorithmVerifiesByItsPublicKeyAlone) {
  const auto rsa = test::make_pem("RSA");
  const std::pair<const char*, test::PemPair> cases[] = {
      {"RS256", rsa},
      {"PS512", rsa},
      {"ES256", test::make_pem("EC", "P-256")},
      {"ES384", test::make_pem("EC", "P-384")},
      {"EdDSA", test::make_pem("ED25519")},
  };
  for (const auto& [algorithm, pair] : cases) {
    TokenSettings signer;
    signer.algorithm = algorithm;
    signer.signing_key = Secret(pair.private_key);
    const TokenCodec codec(signer);
    const auto token = codec.encode(codec.new_claims(TokenType::access, 7, "", "j", now));
    LocalSettings s;
    s.token.algorithm = algorithm;
    s.token.verifying_key = pair.public_key;
    EXPECT_EQ(said(with(s), token), "good") << algorithm;
    EXPECT_EQ(said(verifier_, token), invalid) << algorithm;
    EXPECT_EQ(said(with(s), good()), invalid) << algorithm;
  }
}

TEST_F(LocalVerifierTest, AccessTokensOfRfc9068) {
  LocalSettings s = settings();
  s.token.access_token_typ = "at+jwt";
  const TokenCodec issuer(s.token);
  const auto strict = with(s);
  const auto token = issuer.encode(issuer.new_claims(TokenType::access, 7, "", "j", now));
  // Neither side need be changed first.
  EXPECT_EQ(said(strict, token), "good");
  EXPECT_EQ(said(verifier_, token), "good");
  EXPECT_EQ(said(strict, good()), "good");
  std::string event;
  jose::sign_compact(R"({"token_type":"access","exp":9999999999,"jti":"j","user_id":7})",
                     issuer.key(), base64url(R"({"alg":"HS256","typ":"secevent+jwt"})"), event);
  EXPECT_EQ(said(strict, event), invalid);
  EXPECT_EQ(said(verifier_, event), "good");
}

TEST_F(LocalVerifierTest, SaysWhichKeyIsMissing) {
  const auto key_of = [&](LocalSettings s) -> std::string {
    try {
      with(std::move(s));
      return "none";
    } catch (const SettingsError& error) {
      return error.key;
    }
  };
  EXPECT_EQ(key_of({}), "EASY_JWT.SIGNING_KEY");
  LocalSettings s;
  s.token.algorithm = "ES256";
  EXPECT_EQ(key_of(s), "EASY_JWT.VERIFY_MODE");
  s.token.signing_key = Secret("a secret does not verify ES256");
  EXPECT_EQ(key_of(s), "EASY_JWT.VERIFY_MODE");
  s.token.verifying_key = test::make_pem("ED25519").public_key;
  EXPECT_EQ(key_of(s), "EASY_JWT.VERIFYING_KEY");
  s.token.algorithm = "none";
  EXPECT_EQ(key_of(s), "EASY_JWT.ALGORITHM");
}

}  // namespace
}  // namespace easyjwt
