#include "easyjwt/user/validators.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "easyjwt/core/settings_error.hpp"

namespace easyjwt {
namespace {

const std::vector<std::string> all{"UserAttributeSimilarityValidator", "MinimumLengthValidator",
                                   "CommonPasswordValidator", "NumericPasswordValidator"};

using Texts = std::vector<std::string>;

Texts validate(std::string_view password, std::span<const UserAttribute> attributes = {},
               const std::vector<std::string>& names = all) {
  Texts out;
  for (const Text& text : PasswordValidators(names).validate(password, attributes)) {
    out.push_back(text.str());
  }
  return out;
}

const std::string too_short = "This password is too short. It must contain at least 8 characters.";
const std::string too_common = "This password is too common.";
const std::string numeric = "This password is entirely numeric.";

TEST(PasswordValidators, TextsAndOrderAreDjangos) {
  EXPECT_EQ(validate("correct horse battery"), Texts{});
  EXPECT_EQ(validate("1234"), (Texts{too_short, too_common, numeric}));
  EXPECT_EQ(validate(""), (Texts{too_short}));
  EXPECT_EQ(validate("1234", {}, {"NumericPasswordValidator", "MinimumLengthValidator"}),
            (Texts{numeric, too_short}));
  EXPECT_EQ(validate("1234", {}, {}), Texts{});
  EXPECT_EQ(
      validate("1234", {}, {"django.contrib.auth.password_validation.NumericPasswordValidator"}),
      (Texts{numeric}));
}

TEST(PasswordValidators, LengthCountsCodePoints) {
  const std::vector<std::string> length{"MinimumLengthValidator"};
  EXPECT_EQ(validate("ääääääää", {}, length), Texts{});
  EXPECT_EQ(validate("äääääää", {}, length), Texts{too_short});
  EXPECT_EQ(validate("🐎🐎🐎🐎🐎🐎🐎", {}, length), Texts{too_short});
}

TEST(PasswordValidators, CommonPasswords) {
  const std::vector<std::string> common{"CommonPasswordValidator"};
  for (const char* const password :
       {"password", "PassWord", "  password\t", "123456", "qwerty", "trustno1", "letmein"}) {
    EXPECT_EQ(validate(password, {}, common), Texts{too_common}) << password;
  }
  for (const char* const password : {"passworb", "", " ", "Tr0ub4dor&3 horse", "pass word"}) {
    EXPECT_EQ(validate(password, {}, common), Texts{}) << password;
  }
}

TEST(PasswordValidators, NumericIsPythonsIsdigit) {
  const std::vector<std::string> only{"NumericPasswordValidator"};
  for (const char* const password : {"0", "42", "٣", "५६", "²", "①", "𝟘𝟡"}) {
    EXPECT_EQ(validate(password, {}, only), Texts{numeric}) << password;
  }
  for (const char* const password : {"", "-1", "1.5", "1 2", "½", "Ⅷ", "四"}) {
    EXPECT_EQ(validate(password, {}, only), Texts{}) << password;
  }
}

TEST(PasswordValidators, SimilarToAnAttributeOrAPartOfIt) {
  const UserAttribute user[] = {{"Joséphine", "first name"},
                                {"O'Neill-Smith", "last name"},
                                {"jo.neill@example.com", "email address"}};
  const std::vector<std::string> only{"UserAttributeSimilarityValidator"};
  const auto similar = [](const std::string& text) { return Texts{text}; };
  EXPECT_EQ(validate("JOSÉPHINE1", user, only), similar("first name"));
  EXPECT_EQ(validate("enihpésoj", user, only), similar("first name")) << "order does not count";
  EXPECT_EQ(validate("smiths", user, only), similar("last name"));
  EXPECT_EQ(validate("jo.neill@example.com", user, only), similar("email address"));
  EXPECT_EQ(validate("example!", user, only), similar("email address"));
  EXPECT_EQ(validate("unlike all that", user, only), Texts{});
  EXPECT_EQ(validate("smiths", {}, only), Texts{}) << "no user, no check";
  const UserAttribute empty[] = {{"", "first name"}};
  EXPECT_EQ(validate("", empty, only), Texts{});
}

TEST(PasswordValidators, SimilarityBoundaryIsSevenTenths) {
  const std::vector<std::string> only{"UserAttributeSimilarityValidator"};
  const UserAttribute user[] = {{"abcdefghij", "first name"}};
  EXPECT_EQ(validate("abcdefg123", user, only).size(), 1u) << "14 of 20";
  EXPECT_EQ(validate("abcdef1234", user, only).size(), 0u);
}

TEST(PasswordValidators, HostileSizesAreQuick) {
  const std::string password(1 << 20, 'a');
  std::string parts;
  for (int i = 0; i < 50'000; ++i) parts += "a.b-";
  const UserAttribute user[] = {{parts, "first name"}, {password, "last name"}};
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(validate(password, user, all), Texts{"last name"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(PasswordValidators, UnknownNamesAreRefused) {
  for (const char* const name : {"", "NoSuchValidator", "a.b.", "MinimumLengthValidator "}) {
    try {
      PasswordValidators refused({name});
      ADD_FAILURE() << name;
    } catch (const SettingsError& error) {
      EXPECT_EQ(error.key, "AUTH_PASSWORD_VALIDATORS");
    }
  }
}

}  // namespace
}  // namespace easyjwt
