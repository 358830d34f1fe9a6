#include "service/pages/mail_tokens.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace easyjwt {
namespace {

using std::chrono::seconds;

constexpr std::string_view purpose = "to be tested";
const Time now = *parse_time("2026-11-30T09:05:07.5Z");

ServiceSettings settings_of(std::string key, std::vector<Secret> fallbacks = {}) {
  ServiceSettings settings;
  settings.secret_key = Secret(std::move(key));
  settings.secret_key_fallbacks = std::move(fallbacks);
  return settings;
}

User alice() {
  User user;
  user.id = 1;
  user.password = "pbkdf2_sha256$1$salt$hash";
  user.email = "alice@example.com";
  return user;
}

class MailTokensTest : public testing::Test {
 protected:
  const ServiceSettings settings_ = settings_of("secret");
  const MailTokens tokens_{settings_, purpose, seconds(3600)};
};

TEST_F(MailTokensTest, StandsForAnHour) {
  const auto token = tokens_.make(alice(), now);
  EXPECT_TRUE(tokens_.check(alice(), token, now));
  EXPECT_TRUE(tokens_.check(alice(), token, now + seconds(3599)));
  EXPECT_FALSE(tokens_.check(alice(), token, now + seconds(3600)));
  EXPECT_FALSE(tokens_.check(alice(), token, now + std::chrono::hours(24 * 365 * 100)));
}

TEST_F(MailTokensTest, DiesWithWhatItIsOf) {
  const auto token = tokens_.make(alice(), now);
  const std::function<void(User&)> changes[] = {
      [](User& user) { user.id = 2; },
      [](User& user) { user.password += 'x'; },
      [](User& user) { user.password.clear(); },
      [](User& user) { user.email = "a@example.com"; },
      [](User& user) { user.last_login = now; },
      // The same text, cut elsewhere.
      [](User& user) {
        user.password += user.email.front();
        user.email.erase(0, 1);
      },
  };
  for (const auto& change : changes) {
    auto user = alice();
    change(user);
    EXPECT_FALSE(tokens_.check(user, token, now));
    EXPECT_TRUE(tokens_.check(user, tokens_.make(user, now), now));
  }
}

TEST_F(MailTokensTest, StandsForItsPurposeAlone) {
  const auto token = tokens_.make(alice(), now);
  EXPECT_FALSE(MailTokens(settings_, "another", seconds(3600)).check(alice(), token, now));
}

TEST_F(MailTokensTest, CannotBeForged) {
  const auto token = tokens_.make(alice(), now);
  const auto mac = token.substr(token.find('-'));
  EXPECT_FALSE(tokens_.check(alice(), token + "A", now));
  EXPECT_FALSE(tokens_.check(alice(), token.substr(0, token.size() - 1), now));
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto other = token;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens_.check(alice(), other, now)) << other;
  }
  for (const std::string time :
       {"", "0", "-1", "+6a", "6A", "ffffffffffffffffff", "7fffffffffffffff", " 1"}) {
    EXPECT_FALSE(tokens_.check(alice(), time + mac, now)) << time;
  }
  for (const std::string_view nothing : {"", "-", "set-password", "--"}) {
    EXPECT_FALSE(tokens_.check(alice(), nothing, now)) << nothing;
  }
  EXPECT_FALSE(MailTokens(settings_of("other"), purpose, seconds(3600)).check(alice(), token, now));
}

TEST_F(MailTokensTest, ANewSecretTakesTheOldOneAlong) {
  const auto token = tokens_.make(alice(), now);
  EXPECT_TRUE(MailTokens(settings_of("new", {Secret("secret")}), purpose, seconds(3600))
                  .check(alice(), token, now));
}

TEST(Uid, IsAnIdInBase64url) {
  EXPECT_EQ(encode_uid(1), "MQ");
  for (const auto id : {std::int64_t{1}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(decode_uid(encode_uid(id)), id);
  }
  for (const std::string_view wrong : {"", "M", "MQ==", "1", "eA", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA"}) {
    EXPECT_FALSE(decode_uid(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace easyjwt
