#include "user/password_encoding.hpp"

#include <gtest/gtest.h>

#include "user/password_hash.hpp"

namespace easyjwt {
namespace {

constexpr std::string_view argon2 =
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c2hhcmVkc2FsdDR4eA$saFlE1GC44FJTTmp6/m0DA";
constexpr std::string_view pbkdf2 =
    "pbkdf2_sha256$260000$sharedsalt1$4knVGobShi1nGcrh4wWudvNCgtdsRBCf4tIOXMTw5vA=";
constexpr std::string_view bcrypt =
    "bcrypt$$2b$12$nmaBR0aVfHZzaRA3ag55s..pZuqN06OkNGnwg.5LV8bJjbP3le0/.";
constexpr std::string_view scrypt =
    "scrypt$16384$sharedsalt5$8$1$mOkMs5hh/eYQVDB8Hyr3PMlvbeyjsZL9mSU1oaoTjj/"
    "lpTywfHMgL20ryuoerwIw0ALLUzTAzWvQvjq/7TSy3A==";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const std::size_t at = out.find(from);
  EXPECT_NE(at, out.npos) << from;
  return out.replace(at, from.size(), to);
}

bool accepted(std::string_view encoded) { return parse_password_encoding(encoded).has_value(); }

TEST(PasswordEncoding, Argon2Parts) {
  const auto parts = parse_password_encoding(argon2);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->algorithm, "argon2");
  EXPECT_EQ(parts->variant, "argon2id");
  EXPECT_EQ(parts->version, 19u);
  EXPECT_EQ(parts->memory, 102400u);
  EXPECT_EQ(parts->work, 2u);
  EXPECT_EQ(parts->parallel, 8u);
  EXPECT_EQ(parts->salt, "sharedsalt4xx");
  EXPECT_EQ(parts->hash.size(), 16u);
}

TEST(PasswordEncoding, Pbkdf2Parts) {
  const auto parts = parse_password_encoding(pbkdf2);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->algorithm, "pbkdf2_sha256");
  EXPECT_EQ(parts->work, 260000u);
  EXPECT_EQ(parts->salt, "sharedsalt1");
  EXPECT_EQ(parts->hash.size(), 32u);
}

TEST(PasswordEncoding, BcryptParts) {
  const auto parts = parse_password_encoding(bcrypt);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->algorithm, "bcrypt");
  EXPECT_EQ(parts->variant, "2b");
  EXPECT_EQ(parts->work, 12u);
  EXPECT_EQ(parts->salt, "nmaBR0aVfHZzaRA3ag55s.");
  EXPECT_EQ(parts->hash, ".pZuqN06OkNGnwg.5LV8bJjbP3le0/.");
}

TEST(PasswordEncoding, ScryptParts) {
  const auto parts = parse_password_encoding(scrypt);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->work, 16384u);
  EXPECT_EQ(parts->memory, 8u);
  EXPECT_EQ(parts->parallel, 1u);
  EXPECT_EQ(parts->salt, "sharedsalt5");
  EXPECT_EQ(parts->hash.size(), 64u);
}

TEST(PasswordEncoding, FormatsWhatItParsed) {
  for (const std::string& text :
       {std::string(argon2), std::string(pbkdf2), std::string(bcrypt), std::string(scrypt),
        replaced(argon2, "v=19$", ""), replaced(argon2, "v=19", "v=16"),
        replaced(argon2, "argon2id", "argon2d"), replaced(bcrypt, "$12$", "$04$"),
        replaced(bcrypt, "bcrypt$", "bcrypt_sha256$"), replaced(bcrypt, "2b", "2y")}) {
    const auto parts = parse_password_encoding(text);
    ASSERT_TRUE(parts) << text;
    EXPECT_EQ(format_password_encoding(*parts), text);
  }
}

TEST(PasswordEncoding, BoundsOfWorkFactors) {
  const auto argon2_with = [](std::string_view factors) {
    return accepted(replaced(argon2, "m=102400,t=2,p=8", factors));
  };
  EXPECT_TRUE(argon2_with("m=8,t=1,p=1"));
  EXPECT_FALSE(argon2_with("m=7,t=1,p=1"));
  EXPECT_FALSE(argon2_with("m=64,t=1,p=9")) << "eight blocks for each lane";
  EXPECT_TRUE(argon2_with("m=1048576,t=8,p=64"));
  EXPECT_FALSE(argon2_with("m=1048577,t=1,p=1"));
  EXPECT_FALSE(argon2_with("m=1048576,t=9,p=1")) << "each is in bounds, both together are not";
  EXPECT_TRUE(argon2_with("m=65536,t=100,p=1"));
  EXPECT_FALSE(argon2_with("m=64,t=101,p=1"));
  EXPECT_FALSE(argon2_with("m=4096,t=1,p=65"));
  EXPECT_FALSE(argon2_with("m=4096,t=0,p=1"));
  EXPECT_FALSE(argon2_with("m=18446744073709551616,t=1,p=1"));

  EXPECT_TRUE(accepted(replaced(pbkdf2, "260000", "10000000")));
  EXPECT_FALSE(accepted(replaced(pbkdf2, "260000", "10000001")));
  EXPECT_FALSE(accepted(replaced(pbkdf2, "260000", "0")));

  EXPECT_TRUE(accepted(replaced(bcrypt, "$12$", "$16$")));
  EXPECT_FALSE(accepted(replaced(bcrypt, "$12$", "$17$")));
  EXPECT_FALSE(accepted(replaced(bcrypt, "$12$", "$03$")));
  EXPECT_FALSE(accepted(replaced(bcrypt, "$12$", "$00$")));

  const auto scrypt_with = [](std::string_view n, std::string_view r_and_p) {
    return accepted(replaced(replaced(scrypt, "16384", n), "$8$1$", r_and_p));
  };
  EXPECT_TRUE(scrypt_with("1048576", "$8$8$"));
  EXPECT_FALSE(scrypt_with("1048576", "$8$9$"));
  EXPECT_FALSE(scrypt_with("2097152", "$1$1$"));
  EXPECT_FALSE(scrypt_with("1048576", "$9$1$")) << "1.125 GiB";
  EXPECT_FALSE(scrypt_with("16383", "$8$1$")) << "no power of two";
  EXPECT_FALSE(scrypt_with("1", "$8$1$"));
  EXPECT_TRUE(scrypt_with("32768", "$1$1$"));
  EXPECT_FALSE(scrypt_with("65536", "$1$1$")) << "RFC 7914: N < 2^(16 r)";
  EXPECT_FALSE(scrypt_with("2", "$1025$1$"));
  EXPECT_FALSE(scrypt_with("2", "$8$65$"));
  EXPECT_FALSE(scrypt_with("2", "$8$0$"));
}

TEST(PasswordEncoding, RefusesOtherSpellings) {
  const std::string refused[] = {
      "",
      "$",
      "$$$$$",
      "!",
      "argon2",
      "argon2$",
      "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
      "unsalted_sha1$",
      "5f4dcc3b5aa765d61d8327deb882cf99",
      replaced(pbkdf2, "260000", "0260000"),
      replaced(pbkdf2, "260000", "+260000"),
      replaced(pbkdf2, "260000", " 260000"),
      replaced(pbkdf2, "260000", "260000.0"),
      replaced(pbkdf2, "260000", "-1"),
      replaced(pbkdf2, "260000", ""),
      replaced(pbkdf2, "sharedsalt1", ""),
      replaced(pbkdf2, "5vA=", "5vB="),  // bits left over
      replaced(pbkdf2, "5vA=", "5vA"),   // no padding
      replaced(pbkdf2, "5vA=", "5vA=="),
      replaced(pbkdf2, "5vA=", ""),  // 30 bytes
      replaced(pbkdf2, "5vA=", "5vA=\n"),
      replaced(pbkdf2, "sha256", "sha1"),  // 32 bytes where SHA-1 has 20
      replaced(pbkdf2, "pbkdf2_sha256", "PBKDF2_SHA256"),
      replaced(argon2, "v=19", "v=18"),
      replaced(argon2, "argon2id", "argon2x"),
      replaced(argon2, "m=102400,t=2,p=8", "t=2,m=102400,p=8"),
      replaced(argon2, "m=102400,t=2,p=8", "m=102400,t=2"),
      replaced(argon2, "m=102400,t=2,p=8", "m=102400,t=2,p=8,p=8"),
      replaced(argon2, "c2hhcmVkc2FsdDR4eA", "c2hhcmVkc2FsdDR4eA=="),
      replaced(argon2, "c2hhcmVkc2FsdDR4eA", "c2hhcmVk"),  // 6 bytes
      replaced(argon2, "saFlE1GC44FJTTmp6/m0DA", "saFlE1GC44FJTTmp6/m0DB"),
      replaced(argon2, "saFlE1GC44FJTTmp6/m0DA", "saFlE1GC44FJTTmp6/m0"),
      replaced(argon2, "saFlE1GC44FJTTmp6/m0DA", ""),
      replaced(bcrypt, "$$2b", "$2b"),
      replaced(bcrypt, "2b", "2x"),
      replaced(bcrypt, "2b", "2"),
      replaced(bcrypt, "$12$", "$012$"),
      replaced(bcrypt, "$12$", "$9$"),
      replaced(bcrypt, "s..pZ", "sa.pZ"),  // a salt that Python's bcrypt spells otherwise
      replaced(bcrypt, "le0/.", "le0/"),
      replaced(bcrypt, "le0/.", "le0/.."),
      replaced(bcrypt, "le0/.", "le0/="),
      replaced(scrypt, "$8$1$", "$8$"),
      replaced(scrypt, "sharedsalt5", ""),
      replaced(scrypt, "3A==", "3B=="),
      std::string(pbkdf2) + std::string(600, 'A'),
      replaced(pbkdf2, "sharedsalt1", std::string(600, 's')),
      std::string(1 << 20, '$'),
  };
  for (const std::string& text : refused) {
    const auto parts = parse_password_encoding(text);
    EXPECT_FALSE(parts) << text.substr(0, 120);
    if (!parts) {
      EXPECT_EQ(parts.error().code, Errc::validation_error);
    }
  }
}

TEST(PasswordEncoding, OutdatedIsWhatNeedsLessWorkOrMemory) {
  const auto argon2_with = [](std::uint64_t memory, std::uint64_t passes, std::uint64_t lanes) {
    PasswordEncoding out = default_work("argon2");
    out.memory = memory;
    out.work = passes;
    out.parallel = lanes;
    return is_outdated(out, default_work("argon2"));
  };
  EXPECT_FALSE(argon2_with(19456, 2, 1));
  EXPECT_FALSE(argon2_with(102400, 2, 8)) << "Django's: more of everything";
  EXPECT_FALSE(argon2_with(47104, 1, 1)) << "OWASP's other choice: more work";
  EXPECT_FALSE(argon2_with(19456, 3, 4));
  EXPECT_TRUE(argon2_with(19456, 1, 1));
  EXPECT_TRUE(argon2_with(19455, 100, 1));
  EXPECT_TRUE(argon2_with(8192, 3, 1));

  const PasswordEncoding argon2id = default_work("argon2");
  PasswordEncoding other = argon2id;
  other.variant = "argon2i";
  EXPECT_TRUE(is_outdated(other, argon2id));
  other = argon2id;
  other.version = 16;
  EXPECT_TRUE(is_outdated(other, argon2id));

  const auto with_work = [](std::string_view algorithm, std::uint64_t work) {
    PasswordEncoding out = default_work(algorithm);
    out.work = work;
    return is_outdated(out, default_work(algorithm));
  };
  EXPECT_TRUE(with_work("pbkdf2_sha256", 599'999));
  EXPECT_FALSE(with_work("pbkdf2_sha256", 600'000));
  EXPECT_FALSE(with_work("pbkdf2_sha256", 870'000));
  EXPECT_TRUE(with_work("pbkdf2_sha1", 600'000));
  EXPECT_TRUE(with_work("bcrypt", 11));
  EXPECT_FALSE(with_work("bcrypt_sha256", 13));

  const auto scrypt_with = [](std::uint64_t n, std::uint64_t p) {
    PasswordEncoding out = default_work("scrypt");
    out.work = n;
    out.parallel = p;
    return is_outdated(out, default_work("scrypt"));
  };
  EXPECT_TRUE(scrypt_with(16384, 1)) << "Django 4's";
  EXPECT_FALSE(scrypt_with(16384, 5));
  EXPECT_FALSE(scrypt_with(65536, 2)) << "OWASP's other choice";
  EXPECT_TRUE(scrypt_with(4096, 64));

  EXPECT_TRUE(is_outdated(default_work("argon2"), default_work("pbkdf2_sha256")));
  EXPECT_TRUE(is_outdated(default_work("bcrypt"), default_work("bcrypt_sha256")));
}

TEST(PasswordEncoding, Unusable) {
  const std::string one = unusable_password();
  EXPECT_EQ(one.size(), 41u);
  EXPECT_EQ(one.front(), '!');
  EXPECT_NE(one, unusable_password());
  EXPECT_FALSE(is_password_usable(one));
  EXPECT_FALSE(is_password_usable("!"));
  EXPECT_TRUE(is_password_usable(pbkdf2));
  EXPECT_TRUE(is_password_usable("")) << "Django: only the prefix counts";
  EXPECT_FALSE(accepted(one));
}

}  // namespace
}  // namespace easyjwt
