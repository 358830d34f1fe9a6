#include "easyjwt/core/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

/// Of each bit, in how many of the ids it is 1.
std::array<int, 128> count_bits(const std::vector<std::string>& ids) {
  std::array<int, 128> counts{};
  for (const auto& id : ids) {
    for (std::size_t i = 0; i < 128; ++i) {
      const char digit = id.at(i / 4);
      counts[i] += ((digit <= '9' ? digit - '0' : digit - 'a' + 10) >> (3 - i % 4)) & 1;
    }
  }
  return counts;
}

TEST(Random, ATimedIdIsAnUuidOfVersion7) {
  // RFC 9562, appendix A.6.
  const auto at = *parse_time("2022-02-22T19:22:22Z");
  EXPECT_EQ(timed_uuid_hex(at + 999us,
                           std::string("\0\0\0\0\0\0\x0c\xc3\x18\xc4\xdc\x0c\x0c\x07\x39\x8f", 16)),
            "017f22e279b07cc398c4dc0c0c07398f");
  EXPECT_TRUE(timed_uuid_hex(at).starts_with("017f22e279b07"));
  EXPECT_TRUE(timed_uuid_hex(at - 1us).starts_with("017f22e279af7"));
}

TEST(Random, TimedIdsAreInTheOrderOfTime) {
  std::vector<std::string> ids;
  // Across a change of every digit up to the ninth.
  auto at = Time(std::chrono::milliseconds(0x017ffffffff0));
  for (int i = 0; i < 1000; ++i) ids.push_back(timed_uuid_hex(at += 1ms));
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST(Random, SeventyFourBitsOfATimedIdAreRandom) {
  const auto at = *parse_time("2026-11-23T12:00:00Z");
  std::vector<std::string> ids;
  for (int i = 0; i < 4000; ++i) ids.push_back(timed_uuid_hex(at));
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size());
  // 4000 throws of a coin: 1600 would be twelve deviations from the mean.
  const auto counts = count_bits(ids);
  EXPECT_EQ(std::count_if(counts.begin(), counts.end(), [](int n) { return n > 1600 && n < 2400; }),
            74);
}

TEST(Random, OfARandomIdAllBitsButVersionAndVariantAre) {
  std::vector<std::string> ids;
  for (int i = 0; i < 4000; ++i) ids.push_back(random_uuid_hex());
  for (const auto& id : ids) EXPECT_EQ(id[12], '4') << id;
  const auto counts = count_bits(ids);
  EXPECT_EQ(std::count_if(counts.begin(), counts.end(), [](int n) { return n > 1600 && n < 2400; }),
            122);
}

}  // namespace
}  // namespace easyjwt
