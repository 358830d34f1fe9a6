#include "client/cache_control.hpp"

#include <gtest/gtest.h>

#include <string>

namespace easyjwt {
namespace {

TEST(CacheControl, SaysHowLongAnAnswerIsFresh) {
  struct Case {
    std::string field;
    const char* age;
    std::optional<int> seconds;
  };
  const Case cases[] = {
      {"", "", std::nullopt},
      {"public", "", std::nullopt},
      {"max-age=60", "", 60},
      {"public, Max-Age=60", "", 60},
      {"public,max-age=60,must-revalidate", "", 60},
      {" max-age=\"60\" ", "", 60},
      {"max-age=60", "20", 40},
      {"max-age=60", "100", 0},
      {"max-age=60", "-5", 60},
      {"max-age=60", "x", 60},
      {"max-age=60, max-age=600", "", 60},
      {"s-maxage=5, max-age=60", "", 60},
      {"max-age=60, no-store", "", 0},
      {"no-cache", "", 0},
      {"NO-CACHE=\"Set-Cookie\"", "", 0},
      {"max-age=0", "", 0},
      {"max-age=99999999999999999999999999", "", 31536000},
      {"max-age", "", std::nullopt},
      {"max-age=", "", std::nullopt},
      {"max-age=-1", "", std::nullopt},
      {"max-age=+1", "", std::nullopt},
      {"max-age=1.5", "", std::nullopt},
      {"max-age = 60", "", std::nullopt},
      {"max-age=60s", "", std::nullopt},
      {"max-age=\"", "", std::nullopt},
      {",,,=,;", "", std::nullopt},
      {std::string(100'000, ','), "", std::nullopt},
  };
  for (const auto& [field, age, seconds] : cases) {
    const auto fresh = fresh_for(field, age);
    ASSERT_EQ(fresh.has_value(), seconds.has_value()) << field.substr(0, 80);
    EXPECT_EQ(fresh.value_or(std::chrono::seconds{}).count(), seconds.value_or(0)) << field;
  }
}

}  // namespace
}  // namespace easyjwt
