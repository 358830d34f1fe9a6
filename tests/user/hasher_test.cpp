#include "easyjwt/user/hasher.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"
#include "user/password_encoding.hpp"
#include "user/password_hash.hpp"

namespace easyjwt {
namespace {

const std::vector<std::string> all{"argon2",        "pbkdf2_sha256", "pbkdf2_sha1",
                                   "bcrypt_sha256", "bcrypt",        "scrypt"};

/// All six, `first` before the others.
HasherSettings settings_with(std::string first) {
  HasherSettings settings;
  settings.hashers = all;
  const auto at = std::find(settings.hashers.begin(), settings.hashers.end(), first);
  if (at != settings.hashers.end()) std::rotate(settings.hashers.begin(), at, at + 1);
  return settings;
}

/// An encoding of `password` with other work factors than the default.
template <class Change>
std::string encoding_of(std::string_view algorithm, std::string_view password, Change change) {
  PasswordEncoding encoding = default_work(algorithm);
  encoding.salt = fresh_salt(algorithm);
  change(encoding);
  HashMemory memory;
  const auto hash = compute_hash(encoding, password, memory);
  EXPECT_TRUE(hash);
  encoding.hash = hash.value_or("");
  return format_password_encoding(encoding);
}

std::string cheap(std::string_view password) {
  return encoding_of("pbkdf2_sha256", password, [](auto& e) { e.work = 10; });
}

bool outdated(Hasher& hasher, std::string_view password, const std::string& encoded) {
  const auto verdict = hasher.verify(password, encoded);
  EXPECT_TRUE(verdict && verdict->correct) << encoded;
  return verdict && verdict->outdated;
}

struct Known {
  const char* password;
  const char* encoded;
};

// Users of a Django service: Django 3.2's hashers, and Django 5's iterations and scrypt.
constexpr Known django_users[] = {
    {"Pw-5Y4gMkmutJ7_5qLR",
     "pbkdf2_sha256$260000$sharedsalt1$4knVGobShi1nGcrh4wWudvNCgtdsRBCf4tIOXMTw5vA="},
    {"Pw-JWQR8e3asQpRGuxV", "pbkdf2_sha1$260000$sharedsalt2$d9A6R3FUHgUkx6EjeCbtVCZVGgA="},
    {"Pw-FH_qAi3sU-b6Kf_e",
     "pbkdf2_sha256$870000$sharedsalt3$tU4WcYnoCBAhHRPVORUbjNDYH6MDycP/vVHQX7Qb0Ys="},
    {"Pw-z0VaBUzdnHbBQc7Z",
     "argon2$argon2id$v=19$m=102400,t=2,p=8$c2hhcmVkc2FsdDR4eA$saFlE1GC44FJTTmp6/m0DA"},
    {"Pw-oxfc5IbR0FR1Ztxm",
     "bcrypt_sha256$$2b$12$kGQSwfHP9Jt7pg/XhMatSOoYfu8Moa355YBEgZSsIMZJ4ZOPRAKE."},
    {"Pw-U1W8DR_d56GZ8UJI", "bcrypt$$2b$12$nmaBR0aVfHZzaRA3ag55s..pZuqN06OkNGnwg.5LV8bJjbP3le0/."},
    {"Pw-nw7NxeKLCygVEUE7",
     "scrypt$16384$sharedsalt5$8$1$mOkMs5hh/eYQVDB8Hyr3PMlvbeyjsZL9mSU1oaoTjj/"
     "lpTywfHMgL20ryuoerwIw0ALLUzTAzWvQvjq/7TSy3A=="},
    {"Pw-4qDru-1ltmdLifnv",
     "pbkdf2_sha256$260000$qymtdBssPf2j6ZoSiYzdfw$rS/E4MmOjzPj8XKBUFkGC+L7qBi8NK3YgZVhT/Y76fU="},
};

TEST(Hasher, VerifiesWhatDjangoEncoded) {
  Hasher hasher{HasherSettings{}};
  for (const auto& [password, encoded] : django_users) {
    const auto right = hasher.verify(password, encoded);
    ASSERT_TRUE(right) << encoded;
    EXPECT_TRUE(right->correct) << encoded;
    EXPECT_EQ(right->outdated, !std::string_view(encoded).starts_with("argon2$")) << encoded;
    const auto wrong = hasher.verify(std::string(password) + "x", encoded);
    ASSERT_TRUE(wrong);
    EXPECT_FALSE(wrong->correct || wrong->outdated) << encoded;
  }
}

TEST(Hasher, EncodesWithEachAndVerifiesIt) {
  for (const std::string& algorithm : all) {
    Hasher hasher{settings_with(algorithm)};
    const auto encoded = hasher.encode("pässword");
    ASSERT_TRUE(encoded) << algorithm;
    EXPECT_LE(encoded->size(), 128u) << "the column's size";
    const auto parts = parse_password_encoding(*encoded);
    ASSERT_TRUE(parts) << *encoded;
    EXPECT_EQ(parts->algorithm, algorithm);
    EXPECT_FALSE(outdated(hasher, "pässword", *encoded));
    const auto wrong = hasher.verify("passwort", *encoded);
    ASSERT_TRUE(wrong);
    EXPECT_FALSE(wrong->correct);
  }
}

TEST(Hasher, FreshSaltForEachEncoding) {
  Hasher hasher{HasherSettings{}};
  const auto a = hasher.encode("same"), b = hasher.encode("same");
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(a->starts_with("argon2$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_NE(*a, *b);
}

TEST(Hasher, OnlyWhatIsCorrectIsOutdated) {
  Hasher hasher{settings_with("argon2")};
  const std::string lower = encoding_of("argon2", "pw", [](auto& e) { e.memory = 64; });
  EXPECT_TRUE(outdated(hasher, "pw", lower));
  const auto wrong = hasher.verify("pW", lower);
  ASSERT_TRUE(wrong);
  EXPECT_FALSE(wrong->correct || wrong->outdated);
}

TEST(Hasher, WithoutUpgradeNothingIsOutdated) {
  HasherSettings settings;
  settings.upgrade = false;
  Hasher hasher{settings};
  EXPECT_FALSE(outdated(hasher, "pw", cheap("pw")));
}

TEST(Hasher, AnAlgorithmThatIsNotListedVerifiesNothing) {
  HasherSettings settings;
  settings.hashers = {"scrypt", "bcrypt"};
  Hasher hasher{settings};
  const auto verdict = hasher.verify("pw", cheap("pw"));
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->correct);
}

TEST(Hasher, NothingMatchesAnUnusableOrMalformedEncoding) {
  Hasher hasher{settings_with("pbkdf2_sha256")};
  for (const std::string& encoded :
       {std::string(), unusable_password(), std::string("!"), std::string("plain"),
        std::string("pbkdf2_sha256$4000000000$salt$4knVGobShi1nGcrh4wWudvNCgtdsRBCf4tIOXMTw5vA="),
        std::string("md5$a$0cc175b9c0f1b6a831c399e269772661")}) {
    for (const std::string& password : {std::string(), encoded, std::string("plain")}) {
      const auto before = hasher.usage().hashing;
      const auto verdict = hasher.verify(password, encoded);
      ASSERT_TRUE(verdict);
      EXPECT_FALSE(verdict->correct || verdict->outdated) << encoded;
      EXPECT_GT(hasher.usage().hashing, before) << "its time must not tell";
    }
  }
}

TEST(Hasher, ANulEndsNoPassword) {
  Hasher hasher{settings_with("bcrypt")};
  const std::string encoded = encoding_of("bcrypt", "abc", [](auto& e) { e.work = 4; });
  EXPECT_TRUE(hasher.verify("abc", encoded)->correct);
  EXPECT_FALSE(hasher.verify(std::string_view("abc\0def", 7), encoded)->correct);
  EXPECT_FALSE(hasher.verify(std::string_view("abc\0", 4), encoded)->correct);
  const std::string seventy_two(72, 'x');
  const std::string of_long = encoding_of("bcrypt", seventy_two, [](auto& e) { e.work = 4; });
  EXPECT_TRUE(hasher.verify(seventy_two + "yz", of_long)->correct) << "as Python's bcrypt 3";
  EXPECT_FALSE(hasher.verify(seventy_two + '\0', of_long)->correct);
  const auto refused = hasher.encode(std::string_view("abc\0def", 7));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::validation_error);

  for (const std::string algorithm : {"pbkdf2_sha256", "argon2", "scrypt"}) {
    const std::string with_nul =
        encoding_of(algorithm, std::string_view("abc\0def", 7), [](auto& e) { e.work = 2; });
    EXPECT_TRUE(hasher.verify(std::string_view("abc\0def", 7), with_nul)->correct) << algorithm;
    EXPECT_FALSE(hasher.verify("abc", with_nul)->correct) << algorithm;
  }
}

TEST(Hasher, AThreadThatMayNotWaitIsSentAway) {
  Hasher hasher{HasherSettings{}};
  const std::string encoded = cheap("pw");
  const NoWaiting here;
  EXPECT_EQ(hasher.encode("pw").error().code, Errc::would_wait);
  EXPECT_EQ(hasher.verify("pw", encoded).error().code, Errc::would_wait);
  EXPECT_EQ(hasher.verify("pw", "!").error().code, Errc::would_wait);
  EXPECT_EQ(hasher.verify_nobody("pw", encoded).error().code, Errc::would_wait);
  EXPECT_EQ(hasher.usage().hashing, 0u);
}

TEST(Hasher, AFullQueueIsBusy) {
  HasherSettings settings = settings_with("pbkdf2_sha256");
  settings.permits = 1;
  settings.queue = 1;
  Hasher hasher{settings};
  std::atomic<int> done{0};
  std::atomic<int> busy{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto encoded = hasher.encode("pw");
      if (encoded) {
        ++done;
        return;
      }
      EXPECT_EQ(encoded.error().code, Errc::busy);
      EXPECT_EQ(encoded.error().retry_after.count(), 1);
      ++busy;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done + busy, 8);
  EXPECT_GE(done, 2);
  EXPECT_GE(busy, 1);
}

TEST(Hasher, ManyThreadsShareThePermitsAndTheirMemory) {
  HasherSettings settings;
  settings.permits = 2;
  Hasher hasher{settings};
  const auto encoded = hasher.encode("pw");
  ASSERT_TRUE(encoded);
  const std::string larger =
      encoding_of("argon2", "pw", [](auto& e) { e.memory = 2 * HashMemory::max_kept / 1024; });
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_TRUE(hasher.verify("pw", i % 2 == 0 ? *encoded : larger)->correct);
      EXPECT_FALSE(hasher.verify("pW", *encoded)->correct);
    });
  }
  for (auto& thread : threads) thread.join();
  const auto usage = hasher.usage();
  EXPECT_GE(static_cast<double>(usage.hashing), 0.95 * static_cast<double>(usage.held));
  EXPECT_LE(usage.hashing, usage.held);
}

/// The CPU time of a call; the wall clock's would count what others do meanwhile.
template <class Call>
double cpu_seconds(Call call) {
  timespec before{}, after{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  call();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  return static_cast<double>(after.tv_sec - before.tv_sec) +
         1e-9 * static_cast<double>(after.tv_nsec - before.tv_nsec);
}

/// How much longer verify_nobody() takes than a wrong password, by the quickest of a few of each.
double nobody_to_wrong(Hasher& hasher, std::string_view sample, std::string_view encoded) {
  double nobody = 1e9;
  double wrong = 1e9;
  for (int i = 0; i < 3; ++i) {
    nobody = std::min(nobody, cpu_seconds([&] { (void)hasher.verify_nobody("wrong", sample); }));
    wrong = std::min(wrong, cpu_seconds([&] { (void)hasher.verify("wrong", encoded); }));
  }
  return nobody / wrong;
}

TEST(Hasher, NobodyCostsWhatAWrongPasswordCosts) {
  Hasher hasher{settings_with("argon2")};
  const auto own = hasher.encode("right");
  ASSERT_TRUE(own);
  const std::string slower =
      encoding_of("pbkdf2_sha256", "right", [](auto& e) { e.work = 900'000; });
  const Known cases[] = {{own->c_str(), own->c_str()},
                         {slower.c_str(), slower.c_str()},
                         {"", own->c_str()},
                         {"!unusable", own->c_str()}};
  for (const auto& [sample, encoded] : cases) {
    const double ratio = nobody_to_wrong(hasher, sample, encoded);
    EXPECT_GT(ratio, 0.5) << sample;
    EXPECT_LT(ratio, 2.0) << sample;
  }
}

TEST(Hasher, SettingsTakeDjangosNamesAndRefuseOthers) {
  HasherSettings settings;
  settings.hashers = {"django.contrib.auth.hashers.ScryptPasswordHasher",
                      "django.contrib.auth.hashers.PBKDF2PasswordHasher"};
  Hasher hasher{settings};
  EXPECT_TRUE(hasher.encode("pw")->starts_with("scrypt$16384$"));
  EXPECT_TRUE(hasher.verify("pw", cheap("pw"))->correct);
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{}, {"md5"}, {"argon2", "django.contrib.auth.hashers."}, {""}}) {
    settings.hashers = names;
    try {
      Hasher refused{settings};
      ADD_FAILURE() << "took " << names.size() << " names";
    } catch (const SettingsError& error) {
      EXPECT_EQ(error.key, "PASSWORD_HASHERS");
    }
  }
}

}  // namespace
}  // namespace easyjwt
