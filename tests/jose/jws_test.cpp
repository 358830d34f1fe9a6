#include "easyjwt/jose/jws.hpp"

#include <gtest/gtest.h>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt::jose {
namespace {

std::string bytes_of_hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return out;
}

std::string pem(std::string_view label, std::string_view der) {
  return "-----BEGIN " + std::string(label) + "-----\n" + base64(der) + "\n-----END " +
         std::string(label) + "-----\n";
}

Refusal verify(std::string_view raw, const Key& key) {
  std::string payload;
  return verify_compact(raw, key, payload);
}

constexpr std::string_view rfc7515_payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";

TEST(Rfc7515, A1Hs256) {
  const Key key(Algorithm::hs256,
                *decode_base64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0"
                                  "iPS4hcgUuTwjAzZr1Z9CAow"));
  std::string payload;
  EXPECT_EQ(
      verify_compact("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + std::string(rfc7515_payload) +
                         ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                     key, payload),
      Refusal::none);
  EXPECT_EQ(payload,
            "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
            "\"http://example.com/is_root\":true}");
}

TEST(Rfc7515, A3Es256) {
  const auto x = *decode_base64url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
  const auto y = *decode_base64url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
  const auto der = bytes_of_hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + x + y;
  const Key key(Algorithm::es256, {}, pem("PUBLIC KEY", der));
  EXPECT_EQ(verify("eyJhbGciOiJFUzI1NiJ9." + std::string(rfc7515_payload) +
                       ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJ"
                       "qPP3-Kg6NU1Q",
                   key),
            Refusal::none);
}

TEST(Rfc8037, A4Ed25519) {
  const auto d = *decode_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
  const Key key(Algorithm::eddsa,
                pem("PRIVATE KEY", bytes_of_hex("302e020100300506032b657004220420") + d));
  const std::string input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  std::string signature;
  key.sign(input, signature);
  EXPECT_EQ(
      signature,
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  EXPECT_EQ(verify(input + "." + signature, key), Refusal::none);
}

class Hs256 : public testing::Test {
 protected:
  std::string token(std::string_view header) const {
    auto raw = base64url(header) + "." + base64url("{}");
    std::string signature;
    key_.sign(raw, signature);
    return raw + "." + signature;
  }
  Key key_{Algorithm::hs256, "d577273ff885c3f84dadb8578bb40000"};
};

TEST_F(Hs256, WritesTheHeaderThatPyJwtWrites) {
  std::string out;
  sign_compact("{}", key_, out);
  EXPECT_TRUE(out.starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30."));
  EXPECT_EQ(verify(out, key_), Refusal::none);
}

TEST_F(Hs256, TakesForeignHeadersOfItsAlgorithm) {
  EXPECT_EQ(verify(token(R"({"typ":"JWT","alg":"HS256"})"), key_), Refusal::none);
  EXPECT_EQ(verify(token(R"({"alg":"HS256","kid":"x","extra":[1]})"), key_), Refusal::none);
}

TEST_F(Hs256, RefusesOtherAlgorithmsHoweverWellSigned) {
  for (const auto* alg : {"\"none\"", "\"None\"", "\"NONE\"", "\"nOnE\"", "\"HS512\"", "\"hs256\"",
                          "\"RS256\"", "null", "[\"HS256\"]", "5", "\"\"", "\"HS256\\u0000\""}) {
    EXPECT_EQ(verify(token("{\"alg\":" + std::string(alg) + "}"), key_), Refusal::wrong_algorithm)
        << alg;
  }
  EXPECT_EQ(verify(token("{}"), key_), Refusal::wrong_algorithm);
}

TEST_F(Hs256, RefusesCriticalExtensionsAndOddHeaders) {
  EXPECT_EQ(verify(token(R"({"alg":"HS256","crit":["exp"]})"), key_), Refusal::critical);
  EXPECT_EQ(verify(token(R"({"alg":"HS256","crit":[]})"), key_), Refusal::critical);
  EXPECT_EQ(verify(token(R"({"alg":"HS256","kid":5})"), key_), Refusal::bad_header);
  for (const auto* header : {"", "[]", "null", "\"HS256\"", "{", "{\"alg\":\"HS256\"}x"}) {
    EXPECT_EQ(verify(token(header), key_), Refusal::bad_header) << header;
  }
}

TEST_F(Hs256, RefusesEveryOtherSpellingOfAToken) {
  const auto good = token(R"({"alg":"HS256","typ":"JWT"})");
  ASSERT_EQ(verify(good, key_), Refusal::none);
  EXPECT_EQ(verify(good + "=", key_), Refusal::bad_signature);
  EXPECT_EQ(verify(good + ".", key_), Refusal::not_three_parts);
  EXPECT_EQ(verify("." + good, key_), Refusal::not_three_parts);
  EXPECT_EQ(verify(good.substr(0, good.rfind('.')), key_), Refusal::not_three_parts);
  EXPECT_EQ(verify(good.substr(0, good.rfind('.') + 1), key_), Refusal::bad_signature);
  EXPECT_EQ(verify("", key_), Refusal::not_three_parts);
  EXPECT_EQ(verify("..", key_), Refusal::bad_header);
  EXPECT_EQ(verify(good + "\n", key_), Refusal::bad_signature);
  EXPECT_EQ(verify(std::string(max_token_size + 1, 'a'), key_), Refusal::too_long);
  // The last character of a 32-byte signature has two bits to spare: another one that decodes to
  // the same bytes must not pass.
  auto loose = good;
  loose.back() = static_cast<char>(loose.back() + 1);
  EXPECT_EQ(verify(loose, key_), Refusal::bad_signature);
}

TEST(Typ, IsReadAsAMediaType) {
  const auto typ = [](std::string_view header) { return read_typ(base64url(header) + ".e30.x"); };
  EXPECT_EQ(typ(R"({"alg":"HS256","typ":"JWT"})"), "jwt");
  EXPECT_EQ(typ(R"({"typ":"at+jwt"})"), "at+jwt");
  EXPECT_EQ(typ(R"({"typ":"Application/AT+JWT"})"), "at+jwt");
  EXPECT_EQ(typ(R"({"typ":"application/application/at+jwt"})"), "application/at+jwt");
  for (const auto* header : {R"({})", R"({"typ":5})", R"({"typ":null})", R"([])", "x", "", "{"}) {
    EXPECT_EQ(typ(header), "") << header;
  }
  EXPECT_EQ(read_typ(""), "");
  EXPECT_EQ(read_typ("!.x.y"), "");
}

TEST_F(Hs256, RefusesAPayloadThatIsNotBase64url) {
  std::string raw = std::string(key_.header()) + ".e3!0";
  std::string signature;
  key_.sign(raw, signature);
  EXPECT_EQ(verify(raw + "." + signature, key_), Refusal::bad_payload);
}

// ---- what is no token

class NoToken : public Hs256 {
 protected:
  Refusal open(std::string_view raw, std::size_t max_size = 1000) {
    const auto find = [&](std::optional<std::string_view>) {
      Candidates candidates;
      candidates.add(key_);
      return candidates;
    };
    return verify_compact(raw, Kind{.typ = events_typ, .max_size = max_size}, Algorithm::hs256,
                          find, payload_);
  }
  std::string payload_;
};

TEST_F(NoToken, OpensWhatIsOfItsTypeAlone) {
  const auto page = token(R"({"alg":"HS256","typ":"events+jwt","kid":"x"})");
  EXPECT_EQ(open(page), Refusal::none);
  EXPECT_EQ(payload_, "{}");
  for (const auto* header :
       {R"({"alg":"HS256","typ":"JWT"})", R"({"alg":"HS256"})", R"({"alg":"HS256","typ":null})",
        R"({"alg":"HS256","typ":"at+jwt"})", R"({"alg":"HS256","typ":["events+jwt"]})",
        R"({"alg":"HS256","typ":"events+jwt "})", R"({"alg":"HS256","typ":"EVENTS+JWT"})"}) {
    EXPECT_EQ(open(token(header)), Refusal::wrong_type) << header;
  }
  EXPECT_EQ(open(token(R"({"alg":"HS384","typ":"events+jwt"})")), Refusal::wrong_algorithm);
  EXPECT_EQ(open(token(R"({"alg":"none","typ":"events+jwt"})")), Refusal::wrong_algorithm);
  EXPECT_EQ(open(token(R"({"alg":"HS256","typ":"events+jwt","crit":["x"]})")), Refusal::critical);
  auto tampered = page;
  tampered.back() = tampered.back() == 'A' ? 'E' : 'A';
  EXPECT_EQ(open(tampered), Refusal::bad_signature);
}

TEST_F(NoToken, MayBeAsLargeAsItsKindSays) {
  std::string large;
  sign_compact(std::string(100'000, 'x'), key_, make_header(Algorithm::hs256, events_typ), large);
  EXPECT_EQ(open(large, large.size()), Refusal::none);
  EXPECT_EQ(payload_.size(), 100'000U);
  EXPECT_EQ(open(large, large.size() - 1), Refusal::too_long);
}

TEST_F(NoToken, IsNone) {
  EXPECT_EQ(verify(token(R"({"alg":"HS256","typ":"events+jwt"})"), key_), Refusal::wrong_type);
  EXPECT_EQ(verify(token(R"({"alg":"HS256","typ":"at+jwt"})"), key_), Refusal::none);
  EXPECT_EQ(verify(token(R"({"alg":"HS256"})"), key_), Refusal::none);
}

}  // namespace
}  // namespace easyjwt::jose
