#include "client/verified_tokens.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace easyjwt {
namespace {

constexpr std::int64_t t = 1795435200;

std::unique_ptr<const VerifiedTokens::Entry> entry(const Digest& token, std::int64_t until,
                                                   std::int64_t user = 0) {
  auto made = std::make_unique<VerifiedTokens::Entry>();
  made->token = token;
  made->until = from_epoch_seconds(until);
  made->generation = static_cast<std::uint64_t>(user);
  return made;
}

std::uint64_t generation(const VerifiedTokens& tokens, const Digest& token) {
  return tokens.find(token, [](const auto& found) { return found.generation; });
}

TEST(VerifiedTokens, AreFoundByTheWholeDigest) {
  VerifiedTokens tokens(64);
  EXPECT_EQ(generation(tokens, {1, 2}), 0U);
  tokens.put(entry({1, 2}, t, 5));
  EXPECT_EQ(generation(tokens, {1, 2}), 5U);
  EXPECT_EQ(generation(tokens, {1, 3}), 0U);
  EXPECT_EQ(generation(tokens, {2, 2}), 0U);
  tokens.put(entry({1, 2}, t, 6));
  EXPECT_EQ(generation(tokens, {1, 2}), 6U);
}

TEST(VerifiedTokens, OfASetTheOneThatDiesFirstMakesRoom) {
  VerifiedTokens tokens(1);
  ASSERT_EQ(tokens.room(), 8U);
  for (std::uint64_t i = 1; i <= 8; ++i) tokens.put(entry({i, i}, t + (i == 5 ? 0 : 100), 1));
  tokens.put(entry({9, 9}, t + 50, 1));
  EXPECT_EQ(generation(tokens, {5, 5}), 0U);
  tokens.put(entry({10, 10}, t + 50, 1));
  EXPECT_EQ(generation(tokens, {9, 9}), 0U);
  for (const std::uint64_t i : {1U, 2U, 3U, 4U, 6U, 7U, 8U, 10U}) {
    EXPECT_EQ(generation(tokens, {i, i}), 1U) << i;
  }
}

TEST(VerifiedTokens, RoomIsAtLeastWhatIsAskedForAndNotTwiceAsMuch) {
  for (const std::size_t most : {0U, 1U, 8U, 9U, 1000U, 65536U}) {
    const VerifiedTokens tokens(most);
    EXPECT_GE(tokens.room(), most);
    EXPECT_LT(tokens.room(), 2 * most + 16);
  }
}

/// Four threads read what two exchange; what is read too late or half the sanitizers find.
TEST(VerifiedTokens, AreReadWhileTheyAreExchanged) {
  VerifiedTokens tokens(64);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t n = 0; !stop; ++n) {
        const Digest token{n % 200, n % 200};
        if (const auto found = generation(tokens, token); found != 0 && found != token.a) ++wrong;
      }
    });
  }
  std::vector<std::thread> writers;
  for (int i = 0; i < 2; ++i) {
    writers.emplace_back([&] {
      for (std::uint64_t n = 0; n < 4000; ++n) {
        const auto name = n % 199 + 1;
        tokens.put(
            entry({name, name}, t + static_cast<std::int64_t>(n), static_cast<std::int64_t>(name)));
      }
    });
  }
  for (auto& writer : writers) writer.join();
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace easyjwt
