#include "easyjwt/core/pause.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace easyjwt {
namespace {

using std::chrono::steady_clock;

TEST(Pause, TakesItsTime) {
  const std::stop_source nobody;
  const auto begun = steady_clock::now();
  EXPECT_TRUE(pause(nobody.get_token(), std::chrono::milliseconds{20}));
  EXPECT_GE(steady_clock::now() - begun, std::chrono::milliseconds{20});
}

TEST(Pause, EndsWithTheThread) {
  bool went_on = true;
  const auto begun = steady_clock::now();
  {
    const std::jthread thread(
        [&](const std::stop_token& stop) { went_on = pause(stop, std::chrono::hours{1}); });
  }
  EXPECT_FALSE(went_on);
  EXPECT_LT(steady_clock::now() - begun, std::chrono::minutes{1});
}

TEST(Pause, IsNoneAfterTheEnd) {
  std::stop_source over;
  over.request_stop();
  EXPECT_FALSE(pause(over.get_token(), std::chrono::hours{1}));
}

}  // namespace
}  // namespace easyjwt
