#include "user/password_hash.hpp"

#include <gtest/gtest.h>

#include "easyjwt/core/bytes.hpp"
#include "user/password_encoding.hpp"

namespace easyjwt {
namespace {

std::string hash_hex(const PasswordEncoding& encoding, std::string_view password) {
  HashMemory memory;
  const auto hash = compute_hash(encoding, password, memory);
  EXPECT_TRUE(hash) << hash.error().reason;
  return hash ? hex(*hash) : "";
}

PasswordEncoding argon2(std::string_view variant, std::uint64_t version, std::uint64_t lanes) {
  PasswordEncoding out = default_work("argon2");
  out.variant = variant;
  out.version = version;
  out.memory = 256;
  out.parallel = lanes;
  out.salt = "somesalt";
  return out;
}

PasswordEncoding scrypt(std::string_view salt, std::uint64_t n, std::uint64_t r, std::uint64_t p) {
  PasswordEncoding out = default_work("scrypt");
  out.salt = salt;
  out.work = n;
  out.memory = r;
  out.parallel = p;
  return out;
}

// From the test.c of the reference implementation (phc-winner-argon2).
TEST(PasswordHash, Argon2Reference) {
  EXPECT_EQ(hash_hex(argon2("argon2id", 19, 1), "password"),
            "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
  EXPECT_EQ(hash_hex(argon2("argon2id", 19, 2), "password"),
            "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037");
  EXPECT_EQ(hash_hex(argon2("argon2i", 19, 1), "password"),
            "89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f");
  EXPECT_EQ(hash_hex(argon2("argon2i", 16, 1), "password"),
            "fd4dd83d762c49bdeaf57c47bdcd0c2f1babf863fdeb490df63ede9975fccf06");
  EXPECT_EQ(hash_hex(argon2("argon2i", 0, 1), "password"),
            "fd4dd83d762c49bdeaf57c47bdcd0c2f1babf863fdeb490df63ede9975fccf06");
  EXPECT_EQ(hash_hex(argon2("argon2d", 19, 1), "password"),
            "25c4ee8ba448054b49efc804e478b9d823be1f9bd2e99f51d6ec4007a3a1501f");
}

TEST(PasswordHash, ScryptOfRfc7914) {
  EXPECT_EQ(hash_hex(scrypt("NaCl", 1024, 8, 16), "password"),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
            "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
  EXPECT_EQ(hash_hex(scrypt("SodiumChloride", 16384, 8, 1), "pleaseletmein"),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

TEST(PasswordHash, ScryptAtTheBoundsOfItsParameters) {
  EXPECT_EQ(hash_hex(scrypt("salt", 2, 1024, 64), "x").size(), 128u);
  EXPECT_EQ(hash_hex(scrypt("salt", 32768, 1, 1), "x").size(), 128u);
}

TEST(PasswordHash, BcryptUsesSeventyTwoBytesAndItsNewerNamesAreOne) {
  PasswordEncoding bcrypt = default_work("bcrypt");
  bcrypt.work = 4;
  bcrypt.salt = fresh_salt("bcrypt");
  const std::string long_one(72, 'x');
  const std::string hash = hash_hex(bcrypt, long_one);
  EXPECT_EQ(hash_hex(bcrypt, long_one + "more"), hash);
  EXPECT_EQ(hash_hex(bcrypt, std::string(5000, 'x')), hash);
  EXPECT_NE(hash_hex(bcrypt, long_one.substr(1)), hash);
  const std::string beyond_ascii = hash_hex(bcrypt,
                                            "\xff\xa3"
                                            "34\xff\xff\xff\xa3"
                                            "345");
  for (const char* const variant : {"2a", "2y"}) {
    bcrypt.variant = variant;
    EXPECT_EQ(hash_hex(bcrypt,
                       "\xff\xa3"
                       "34\xff\xff\xff\xa3"
                       "345"),
              beyond_ascii);
  }
  bcrypt.algorithm = "bcrypt_sha256";
  EXPECT_NE(hash_hex(bcrypt, long_one + "more"), hash_hex(bcrypt, long_one));
}

TEST(PasswordHash, MemoryIsKeptOnlyWhileSmall) {
  HashMemory memory;
  unsigned char* const first = memory.take(1 << 20);
  ASSERT_NE(first, nullptr);
  first[0] = 1;
  memory.give_back();
  EXPECT_EQ(memory.take(1 << 20), first);
  EXPECT_EQ(memory.take(1 << 10), first);
  unsigned char* const large = memory.take(HashMemory::max_kept + 1);
  ASSERT_NE(large, nullptr);
  large[HashMemory::max_kept] = 1;
  memory.give_back();
  unsigned char* const again = memory.take(4096);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again[0], 0);
  EXPECT_EQ(memory.take(std::size_t{1} << 60), nullptr);
}

TEST(PasswordHash, SaltsAreDjangos) {
  const std::string salt = fresh_salt("argon2");
  EXPECT_EQ(salt.size(), 22u);
  EXPECT_EQ(
      salt.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
      salt.npos);
  EXPECT_NE(fresh_salt("argon2"), salt);
  for (int i = 0; i < 20; ++i) {
    const std::string of_bcrypt = fresh_salt("bcrypt");
    EXPECT_EQ(of_bcrypt.size(), 22u);
    EXPECT_EQ(of_bcrypt.find_first_not_of(bcrypt_alphabet), of_bcrypt.npos);
    EXPECT_NE(bcrypt_last_of_salt.find(of_bcrypt.back()), bcrypt_last_of_salt.npos);
  }
}

}  // namespace
}  // namespace easyjwt
