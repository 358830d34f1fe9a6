#include "easyjwt/token/revocations.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <thread>
#include <vector>

namespace easyjwt {
namespace {

constexpr std::int64_t t = 1795435200;
const Time now = from_epoch_seconds(t);
const Time until = from_epoch_seconds(t + 300);

bool is_revoked(const Revocations& revocations, std::string_view family, std::string_view id,
                std::optional<UserIdClaim> user, std::optional<std::int64_t> issued) {
  return revocations.is_revoked(revocations.marks(family, id, user, issued));
}

TEST(Revocations, OfNothingRevokesNothing) {
  const Revocations revocations;
  EXPECT_FALSE(is_revoked(revocations, "f", "j", 7, t));
  EXPECT_FALSE(is_revoked(revocations, "", "", std::nullopt, std::nullopt));
}

TEST(Revocations, AFamilyIsThatOfTheTokenOrTheTokenItself) {
  Revocations revocations;
  revocations.apply(Event::family_revoked("f", until));
  EXPECT_TRUE(is_revoked(revocations, "f", "j", 7, t));
  EXPECT_TRUE(is_revoked(revocations, "", "f", 7, t));
  EXPECT_FALSE(is_revoked(revocations, "g", "j", 7, t));
  EXPECT_FALSE(is_revoked(revocations, "", "j", 7, t));
  EXPECT_FALSE(is_revoked(revocations, "", "j", "f", t)) << "a user is no family";
}

TEST(Revocations, AUsersTokensAreVoidBeforeTheNextWholeSecond) {
  Revocations revocations;
  revocations.apply(Event::user_void(7, now + std::chrono::microseconds{1}, until));
  EXPECT_TRUE(is_revoked(revocations, "", "j", 7, t - 1));
  EXPECT_TRUE(is_revoked(revocations, "", "j", 7, t)) << "issued within the second";
  EXPECT_FALSE(is_revoked(revocations, "", "j", 7, t + 1));
  EXPECT_TRUE(is_revoked(revocations, "", "j", 7, std::nullopt));
  EXPECT_FALSE(is_revoked(revocations, "", "j", 8, t - 1));
  EXPECT_FALSE(is_revoked(revocations, "", "7", std::nullopt, t - 1)) << "a token is no user";

  revocations.apply(Event::user_void(8, now, until));
  EXPECT_TRUE(is_revoked(revocations, "", "j", 8, t - 1));
  EXPECT_FALSE(is_revoked(revocations, "", "j", 8, t)) << "a whole second is no part of one";
}

TEST(Revocations, AUserIsOneAsANumberAndAsAText) {
  Revocations revocations;
  revocations.apply(Event::user_void(7, now, until));
  revocations.apply(Event::user_void("8", now, until));
  EXPECT_TRUE(is_revoked(revocations, "", "j", "7", t - 1));
  EXPECT_TRUE(is_revoked(revocations, "", "j", 8, t - 1));
  EXPECT_FALSE(is_revoked(revocations, "", "j", "07", t - 1));
}

TEST(Revocations, TheLaterInstantCounts) {
  Revocations revocations;
  revocations.apply(Event::user_void(7, now, until));
  revocations.apply(Event::user_void(7, now - std::chrono::seconds{50}, until));
  EXPECT_TRUE(is_revoked(revocations, "", "j", 7, t - 1));
  EXPECT_EQ(revocations.size(), 1U);
}

TEST(Revocations, AChangedUserRevokesNothing) {
  Revocations revocations;
  const auto version = revocations.version();
  revocations.apply(Event::user_changed(7));
  EXPECT_FALSE(is_revoked(revocations, "", "j", 7, t));
  EXPECT_EQ(revocations.version(), version);
  revocations.apply(Event::family_revoked("f", until));
  EXPECT_NE(revocations.version(), version);
}

TEST(Revocations, ASnapshotTakesThePlaceOfAllThatWasKnown) {
  Revocations revocations;
  revocations.apply(Event::family_revoked("old", until));
  revocations.apply(Event::family_revoked("both", until));
  revocations.apply(Event::user_void(7, now + std::chrono::seconds{9}, until));
  revocations.begin_snapshot();
  revocations.apply(Event::family_revoked("never ended", until));
  revocations.begin_snapshot();
  revocations.apply(Event::family_revoked("both", until));
  revocations.apply(Event::family_revoked("new", until));
  revocations.apply(Event::user_void(7, now, until));
  EXPECT_TRUE(is_revoked(revocations, "old", "j", 1, t)) << "until the end";
  revocations.end_snapshot();
  EXPECT_FALSE(is_revoked(revocations, "old", "j", 1, t));
  EXPECT_FALSE(is_revoked(revocations, "never ended", "j", 1, t));
  EXPECT_TRUE(is_revoked(revocations, "both", "j", 1, t));
  EXPECT_TRUE(is_revoked(revocations, "new", "j", 1, t));
  EXPECT_FALSE(is_revoked(revocations, "", "j", 7, t)) << "the snapshot's instant";
  EXPECT_TRUE(is_revoked(revocations, "", "j", 7, t - 1));
  EXPECT_EQ(revocations.size(), 3U);
  revocations.replace({});
  EXPECT_EQ(revocations.size(), 0U);
  EXPECT_EQ(revocations.memory(), 0U);
}

TEST(Revocations, ForgetsWhatIsAboutDeadTokensOnly) {
  Revocations revocations;
  for (int i = 0; i < 1000; ++i) {
    revocations.apply(Event::family_revoked("dead" + std::to_string(i), now));
    if (i % 10 == 0) revocations.apply(Event::family_revoked("alive" + std::to_string(i), until));
  }
  const auto memory = revocations.memory();
  revocations.forget_expired(now);
  EXPECT_EQ(revocations.size(), 1100U) << "a token's last second is one in which it may stand";
  revocations.forget_expired(now + std::chrono::seconds{1});
  EXPECT_EQ(revocations.size(), 100U);
  EXPECT_LT(revocations.memory(), memory / 2);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(is_revoked(revocations, "dead" + std::to_string(i), "j", 1, t)) << i;
    EXPECT_EQ(is_revoked(revocations, "alive" + std::to_string(i), "j", 1, t), i % 10 == 0) << i;
  }
}

TEST(Revocations, InstantsBeyondItsRangeRevokeTooMuchRatherThanTooLittle) {
  Revocations revocations;
  revocations.apply(Event::user_void(7, *parse_time("9999-01-01T00:00:00Z"),
                                     *parse_time("9999-01-01T00:00:00Z")));
  revocations.forget_expired(now);
  EXPECT_TRUE(is_revoked(revocations, "", "j", 7, t));
}

std::size_t allocated() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(Revocations, AMillionTakeAtMost64MiB) {
  constexpr std::size_t limit = std::size_t{64} << 20U;
  constexpr int many = 1'000'000;
  const auto before = allocated();
  Revocations revocations;
  std::size_t peak = 0;
  for (int i = 0; i < many; ++i) {
    revocations.apply(Event::family_revoked("0123456789abcdef" + std::to_string(i), until));
    peak = std::max(peak, revocations.memory());
  }
  EXPECT_EQ(revocations.size(), std::size_t{many});
  EXPECT_LE(peak, limit);
  EXPECT_GE(revocations.memory(), std::size_t{many} * 24) << "it counts what there is";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(allocated() - before, limit);  // their allocators are others
#else
  static_cast<void>(before);
#endif
  RecordProperty("bytes", std::to_string(revocations.memory()));
  for (int i = 0; i < many; i += 997) {
    EXPECT_TRUE(is_revoked(revocations, "0123456789abcdef" + std::to_string(i), "j", 1, t));
  }
  EXPECT_FALSE(is_revoked(revocations, "0123456789abcdefx", "j", 1, t));
}

/// One writer adds, forgets and replaces; what is always revoked is so at every moment, and what
/// never is never.
TEST(Revocations, AreReadWhileTheyChange) {
  Revocations revocations;
  revocations.apply(Event::family_revoked("always", until));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<int> added{0};  // so many of the lasting ones are there
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        if (!is_revoked(revocations, "always", "j", 1, t)) ++wrong;
        if (is_revoked(revocations, "never", "j", 1, t)) ++wrong;
        const int last = added;
        if (last > 0 && !is_revoked(revocations, std::to_string(last), "j", 1, t)) ++wrong;
      }
    });
  }
  std::vector<Event> lasting{Event::family_revoked("always", until)};
  for (int round = 0; round < 20; ++round) {
    for (int i = 1; i <= 100; ++i) {
      lasting.push_back(Event::family_revoked(std::to_string(added + 1), until));
      revocations.apply(lasting.back());
      ++added;
      revocations.apply(Event::family_revoked("passing" + std::to_string(i), now));
    }
    if (round % 2 == 0) {
      revocations.forget_expired(now + std::chrono::seconds{1});
    } else {
      revocations.replace(lasting);
    }
    EXPECT_EQ(revocations.size(), lasting.size());
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace easyjwt
