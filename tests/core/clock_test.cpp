#include "easyjwt/core/clock.hpp"

#include <gtest/gtest.h>

namespace easyjwt {
namespace {

TEST(Time, WritesTheThreeForms) {
  const auto time = *parse_time("2026-11-23T16:22:32.110342Z");
  EXPECT_EQ(to_rfc3339(time), "2026-11-23T16:22:32.110342Z");
  EXPECT_EQ(to_rfc3339_milliseconds(time), "2026-11-23T16:22:32.110Z");
  EXPECT_EQ(to_sql_time(time), "2026-11-23 16:22:32.110342");
  const auto whole = *parse_time("2020-02-29 23:59:59");
  EXPECT_EQ(to_rfc3339(whole), "2020-02-29T23:59:59Z");
  EXPECT_EQ(to_rfc3339_milliseconds(whole), "2020-02-29T23:59:59Z");
  EXPECT_EQ(to_sql_time(whole), "2020-02-29 23:59:59");
}

TEST(Time, KeepsLeadingZerosOfTheFraction) {
  EXPECT_EQ(to_sql_time(*parse_time("2020-01-01 00:00:00.000070")), "2020-01-01 00:00:00.000070");
  EXPECT_EQ(parse_time("2020-01-01T00:00:00.5Z"), parse_time("2020-01-01T00:00:00.500000"));
}

TEST(Time, ReadsOffsets) {
  EXPECT_EQ(parse_time("2020-01-01T02:30:00+02:30"), parse_time("2020-01-01T00:00:00Z"));
  EXPECT_EQ(parse_time("2019-12-31T22:00:00-02:00"), parse_time("2020-01-01T00:00:00Z"));
}

TEST(Time, RefusesWhatIsNone) {
  for (const auto* text :
       {"", "2020", "2020-13-01 00:00:00", "2020-02-30 00:00:00", "2020-01-01 24:00:00",
        "2020-01-01x00:00:00", "2020-01-01 00:00:00.", "2020-01-01 00:00:00 Z",
        "2020-01-01 00:00:00+2", "0000-01-01 00:00:00", "2020-01-01 00:00:00.1234567890",
        "2020-01-01 0a:00:00", "0001-01-01 00:00:00+00:01", "9999-12-31 23:59:59-00:01"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
  EXPECT_TRUE(parse_time("0001-01-01 00:01:00+00:01"));
  EXPECT_TRUE(parse_time("9999-12-31 23:58:59-00:01"));
}

TEST(Time, EpochSecondsRoundDown) {
  EXPECT_EQ(epoch_seconds(*parse_time("1970-01-01 00:00:01.999999")), 1);
  EXPECT_EQ(epoch_seconds(*parse_time("1969-12-31 23:59:59.5")), -1);
}

TEST(Duration, ReadsUnits) {
  using std::chrono::seconds;
  EXPECT_EQ(parse_duration("90s"), seconds(90));
  EXPECT_EQ(parse_duration("90"), seconds(90));
  EXPECT_EQ(parse_duration("5m"), seconds(300));
  EXPECT_EQ(parse_duration("12h"), seconds(43200));
  EXPECT_EQ(parse_duration("1d"), seconds(86400));
  for (const auto* text : {"", "m", "5x", "-5m", "5 m", "1.5h", "99999999999999999999", "-0",
                           "9223372036854775807d", "40000d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

}  // namespace
}  // namespace easyjwt
