#include "client/breaker.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace easyjwt {
namespace {

using namespace std::chrono_literals;
using Admission = Breaker::Admission;
using Change = Breaker::Change;
using Outcome = Breaker::Outcome;

class BreakerTest : public testing::Test {
 protected:
  std::uint64_t begin() {
    const auto ticket = breaker.begin_call(now);
    EXPECT_EQ(ticket.admission, Admission::admitted);
    return ticket.number;
  }
  std::vector<std::uint64_t> begin(int count) {
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i < count; ++i) numbers.push_back(begin());
    return numbers;
  }
  Change end(std::uint64_t number, Outcome outcome) {
    return breaker.end_call(number, outcome, now);
  }
  Change call(Outcome outcome) { return end(begin(), outcome); }
  Admission attempt() { return breaker.begin_call(now).admission; }

  Breaker::Time now{1000s};
  Breaker breaker{{}};
};

TEST_F(BreakerTest, OpensAfterFailuresInARow) {
  EXPECT_EQ(call(Outcome::failed), Change::none);
  EXPECT_EQ(call(Outcome::failed), Change::none);
  EXPECT_EQ(call(Outcome::answered), Change::none);
  EXPECT_EQ(call(Outcome::failed), Change::none);
  EXPECT_EQ(call(Outcome::failed), Change::none);
  EXPECT_FALSE(breaker.is_open());
  EXPECT_EQ(call(Outcome::failed), Change::opened);
  EXPECT_TRUE(breaker.is_open());
  EXPECT_EQ(breaker.cause(), Breaker::Cause::failures);
  EXPECT_EQ(attempt(), Admission::open);
  EXPECT_EQ(breaker.begin_waiting(now).admission, Admission::open);
  // However long that lasts: only being well closes it.
  now += 24h;
  EXPECT_EQ(attempt(), Admission::open);
  EXPECT_EQ(breaker.calls(), 0U);
}

TEST_F(BreakerTest, AFaultOfOurOwnProvesNothing) {
  call(Outcome::failed);
  call(Outcome::failed);
  EXPECT_EQ(call(Outcome::unknown), Change::none);
  EXPECT_EQ(call(Outcome::failed), Change::opened);
}

TEST_F(BreakerTest, FailuresOfCallsThatWereUnderWayTogetherCount) {
  const auto calls = begin(10);
  EXPECT_EQ(end(calls[9], Outcome::failed), Change::none);
  EXPECT_EQ(end(calls[0], Outcome::failed), Change::none);
  EXPECT_EQ(end(calls[5], Outcome::failed), Change::opened);
  // The rest is no news.
  EXPECT_EQ(end(calls[1], Outcome::failed), Change::none);
  EXPECT_EQ(end(calls[2], Outcome::answered), Change::none);
  EXPECT_TRUE(breaker.is_open());
}

TEST_F(BreakerTest, ASuccessThatBeganBeforeAFailureIsOld) {
  const auto early = begin();
  call(Outcome::failed);
  call(Outcome::failed);
  EXPECT_EQ(end(early, Outcome::answered), Change::none);
  EXPECT_EQ(call(Outcome::failed), Change::opened);
}

TEST_F(BreakerTest, ASuccessThatBeganLaterCloses) {
  const auto calls = begin(4);
  for (int i = 0; i < 3; ++i) end(calls[static_cast<std::size_t>(i)], Outcome::failed);
  EXPECT_TRUE(breaker.is_open());
  EXPECT_EQ(end(calls[3], Outcome::answered), Change::closed);
  EXPECT_EQ(attempt(), Admission::admitted);
}

TEST_F(BreakerTest, AFailureThatBeganBeforeASuccessIsOld) {
  const auto early = begin(10);
  EXPECT_EQ(call(Outcome::answered), Change::none);
  for (const auto number : early) EXPECT_EQ(end(number, Outcome::failed), Change::none);
  EXPECT_FALSE(breaker.is_open());
}

TEST_F(BreakerTest, RecoveryCloses) {
  for (int i = 0; i < 3; ++i) call(Outcome::failed);
  EXPECT_EQ(breaker.recover(), Change::closed);
  EXPECT_EQ(breaker.recover(), Change::none);
  // The count begins anew.
  call(Outcome::failed);
  call(Outcome::failed);
  EXPECT_FALSE(breaker.is_open());
  EXPECT_EQ(call(Outcome::failed), Change::opened);
}

TEST_F(BreakerTest, WhatHangsSinceBeforeARecoveryNeitherOpensNorStandsStill) {
  const auto hanging = begin(16);
  now += 1s;
  EXPECT_EQ(attempt(), Admission::opened);
  EXPECT_EQ(breaker.recover(), Change::closed);
  now += 10s;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(call(Outcome::answered), Change::none);
    now += 2s;
  }
  for (const auto number : hanging) EXPECT_EQ(end(number, Outcome::failed), Change::none);
  EXPECT_EQ(breaker.calls(), 0U);
  // And what is counted is right: sixteen new ones are a crowd, fifteen none.
  const auto fifteen = begin(15);
  now += 2s;
  const auto sixteenth = begin();
  now += 999ms;
  end(begin(), Outcome::unknown);
  now += 1ms;
  EXPECT_EQ(attempt(), Admission::opened);
  EXPECT_EQ(end(sixteenth, Outcome::answered), Change::closed);
}

TEST_F(BreakerTest, StandingStillTakesACrowdAndAWhile) {
  begin(15);
  now += 1min;
  const auto last = begin();  // sixteen, as of now
  EXPECT_EQ(last, 16U);
  now += 999ms;
  begin();
  now += 1ms;
  EXPECT_EQ(attempt(), Admission::opened);
  EXPECT_EQ(breaker.cause(), Breaker::Cause::standstill);
  EXPECT_EQ(attempt(), Admission::open);
}

TEST_F(BreakerTest, WhateverComesBackIsMovement) {
  auto calls = begin(40);
  for (int i = 0; i < 20; ++i) {
    now += 900ms;
    const auto number = calls.back();
    calls.pop_back();
    end(number, i % 2 == 0 ? Outcome::answered : Outcome::failed);
    calls.push_back(begin());
  }
  EXPECT_FALSE(breaker.is_open());
}

TEST_F(BreakerTest, AnIdleHourIsNoStandstill) {
  call(Outcome::answered);
  now += 1h;
  begin(48);
  EXPECT_FALSE(breaker.is_open());
}

TEST_F(BreakerTest, AnAnswerEndsAStandstill) {
  const auto calls = begin(20);
  now += 2s;
  EXPECT_EQ(attempt(), Admission::opened);
  EXPECT_EQ(end(calls[0], Outcome::answered), Change::closed);
  EXPECT_EQ(attempt(), Admission::admitted);
}

TEST_F(BreakerTest, RequestsThatShareACallAreOfTheCrowd) {
  begin();
  std::vector<std::uint64_t> waiting;
  for (int i = 0; i < 15; ++i) waiting.push_back(breaker.begin_waiting(now).number);
  EXPECT_EQ(breaker.calls(), 1U);
  now += 1s;
  EXPECT_EQ(breaker.begin_waiting(now).admission, Admission::opened);

  breaker.recover();
  for (const auto number : waiting) breaker.end_waiting(number);
  const auto later = breaker.begin_waiting(now);
  EXPECT_EQ(later.admission, Admission::admitted);
  breaker.end_waiting(later.number);
  begin(15);
  now += 1min;
  EXPECT_EQ(attempt(), Admission::admitted);
}

TEST_F(BreakerTest, CallsAreBounded) {
  Breaker two({.max_calls = 2});
  const auto first = two.begin_call(now).number;
  EXPECT_EQ(two.begin_call(now).admission, Admission::admitted);
  EXPECT_EQ(two.begin_call(now).admission, Admission::full);
  EXPECT_FALSE(two.is_open());
  two.end_call(first, Outcome::answered, now);
  EXPECT_EQ(two.begin_call(now).admission, Admission::admitted);
  // All of them are a crowd, where that is fewer.
  now += 1s;
  EXPECT_EQ(two.begin_call(now).admission, Admission::opened);
}

TEST_F(BreakerTest, NonsensicalSettingsDoNotMakeItUseless) {
  Breaker none({.failures = 0, .max_calls = 0, .crowd = 0});
  const auto ticket = none.begin_call(now);
  EXPECT_EQ(ticket.admission, Admission::admitted);
  EXPECT_EQ(none.end_call(ticket.number, Outcome::failed, now), Change::opened);
}

}  // namespace
}  // namespace easyjwt
