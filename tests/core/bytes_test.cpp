#include "easyjwt/core/bytes.hpp"

#include <gtest/gtest.h>

namespace easyjwt {
namespace {

TEST(Base64Url, RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64url(base64url(bytes)), bytes);
    EXPECT_EQ(decode_base64(base64(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST(Base64Url, Rfc4648Vectors) {
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64url("\xfb\xff"), "-_8");
}

TEST(Base64Url, RefusesWhatIsNotCanonical) {
  EXPECT_FALSE(decode_base64url("Zm8="));  // padding
  EXPECT_FALSE(decode_base64url("Z"));     // no such length
  EXPECT_FALSE(decode_base64url("Zm9+"));  // the other alphabet
  EXPECT_FALSE(decode_base64url("Zm\n9"));
  EXPECT_FALSE(decode_base64url("Zm9vZ!"));
  EXPECT_FALSE(decode_base64url("Zh"));  // bits left over: would be a second "Zg"
  EXPECT_FALSE(decode_base64url("Zm9"));
  EXPECT_FALSE(decode_base64("Zg"));
}

TEST(Sha256, OfAbc) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Secrets, CompareAndWipe) {
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "abcd"));
  EXPECT_TRUE(equal_constant_time("", ""));
  std::string secret = "a secret that is long enough for the heap";
  wipe(secret);
  EXPECT_TRUE(secret.empty());
}

TEST(BytesTest, HmacSha256) {
  // RFC 4231, test case 2.
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace easyjwt
