#include "user/pbkdf2.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt {
namespace {

std::string from_openssl(const EVP_MD* digest, std::string_view password, std::string_view salt,
                         int iterations) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(digest)), '\0');
  EXPECT_EQ(1, PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                 reinterpret_cast<const unsigned char*>(salt.data()),
                                 static_cast<int>(salt.size()), iterations, digest,
                                 static_cast<int>(out.size()),
                                 reinterpret_cast<unsigned char*>(out.data())));
  return out;
}

TEST(Pbkdf2, Rfc6070Sha1) {
  EXPECT_EQ(hex(pbkdf2_sha1("password", "salt", 1)), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  EXPECT_EQ(hex(pbkdf2_sha1("password", "salt", 2)), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
  EXPECT_EQ(hex(pbkdf2_sha1("password", "salt", 4096)), "4b007901b765489abead49d926f721d065a429c1");
  // The RFC has 25 and 16 bytes of these; we make the 20 of one block.
  EXPECT_EQ(
      hex(pbkdf2_sha1("passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096)),
      "3d2eec4fe41c849b80c8d83662c0e44a8b291a96");
  EXPECT_EQ(hex(pbkdf2_sha1({"pass\0word", 9}, {"sa\0lt", 5}, 4096)).substr(0, 32),
            "56fa6aa75548099dcc37d7f03425e0c3");
}

TEST(Pbkdf2, Rfc7914Sha256FirstBlocks) {
  EXPECT_EQ(hex(pbkdf2_sha256("passwd", "salt", 1)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  EXPECT_EQ(hex(pbkdf2_sha256("Password", "NaCl", 80000)),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

TEST(Pbkdf2, AgreesWithOpenSslForEverySizeAroundABlock) {
  std::string password;
  std::string salt = "s";
  for (int size = 0; size < 200; ++size) {
    EXPECT_EQ(pbkdf2_sha256(password, salt, 3), from_openssl(EVP_sha256(), password, salt, 3));
    EXPECT_EQ(pbkdf2_sha1(password, salt, 3), from_openssl(EVP_sha1(), password, salt, 3));
    password += static_cast<char>(size * 7);
    salt += static_cast<char>(size * 11 + 1);
  }
}

TEST(Pbkdf2, AgreesWithOpenSslAfterManyIterations) {
  for (const int iterations : {1, 2, 999, 20000}) {
    EXPECT_EQ(pbkdf2_sha256("correct horse", "battery", static_cast<std::uint64_t>(iterations)),
              from_openssl(EVP_sha256(), "correct horse", "battery", iterations));
    EXPECT_EQ(pbkdf2_sha1("correct horse", "battery", static_cast<std::uint64_t>(iterations)),
              from_openssl(EVP_sha1(), "correct horse", "battery", iterations));
  }
}

}  // namespace
}  // namespace easyjwt
