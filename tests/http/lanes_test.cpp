#include "http/lanes.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <vector>

namespace easyjwt::http {
namespace {

using namespace std::chrono_literals;

struct TestJob final : Task {
  explicit TestJob(std::function<void()> work_) : work(std::move(work_)) {}
  void run() noexcept override { work(); }
  void done(const Error* error) noexcept override { dropped = error != nullptr; }
  std::function<void()> work;
  std::atomic<bool> dropped = false;
};

/// Jobs that wait until they are told to go on.
struct Gate {
  std::promise<void> open;
  std::shared_future<void> opened{open.get_future()};
  std::atomic<int> inside = 0;
  std::function<void()> wait() {
    return [this] {
      ++inside;
      opened.wait();
    };
  }
  void await_inside(int count) const {
    while (inside < count) std::this_thread::sleep_for(1ms);
  }
};

TEST(Lanes, ThreadsComeWithWorkUpToTheLimitAndGo) {
  Gate gate;
  Gate again;
  TestJob later(again.wait());
  std::vector<std::unique_ptr<TestJob>> jobs;
  LaneThreads lane({.threads = 3, .linger = 30ms});
  EXPECT_EQ(lane.threads(), 0u);
  for (int i = 0; i < 10; ++i) {
    jobs.push_back(std::make_unique<TestJob>(gate.wait()));
    EXPECT_TRUE(lane.submit(*jobs.back()));
  }
  gate.await_inside(3);
  EXPECT_EQ(lane.threads(), 3u);
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(gate.inside, 3);
  gate.open.set_value();
  gate.await_inside(10);
  for (int i = 0; i < 500 && lane.threads() > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(lane.threads(), 0u);
  again.open.set_value();
  EXPECT_TRUE(lane.submit(later));
  again.await_inside(1);
}

TEST(Lanes, AFullQueueTakesNoMore) {
  Gate gate;
  std::vector<std::unique_ptr<TestJob>> jobs;
  LaneThreads lane({.threads = 1, .queue = 2});
  const auto submit = [&] {
    jobs.push_back(std::make_unique<TestJob>(gate.wait()));
    return lane.submit(*jobs.back());
  };
  EXPECT_TRUE(submit());
  gate.await_inside(1);
  EXPECT_TRUE(submit());
  EXPECT_TRUE(submit());
  EXPECT_FALSE(submit());
  gate.open.set_value();
  gate.await_inside(3);
}

TEST(Lanes, TheEndDropsWhatWaitsAndFinishesWhatRuns) {
  Gate gate;
  std::atomic<bool> finished = false;
  TestJob running([&] {
    gate.wait()();
    std::this_thread::sleep_for(200ms);
    finished = true;
  });
  TestJob waiting([] { FAIL(); });
  {
    LaneThreads lane({.threads = 1});
    lane.submit(running);
    gate.await_inside(1);
    lane.submit(waiting);
    gate.open.set_value();
    // The running job sleeps while the lane ends.
  }
  EXPECT_TRUE(finished);
  EXPECT_TRUE(waiting.dropped);
}

TEST(Lanes, TheBackgroundGivesWay) {
  std::promise<int> nice;
  TestJob job([&] { nice.set_value(getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()))); });
  LaneThreads lane({.threads = 1, .background = true});
  ASSERT_TRUE(lane.submit(job));
  EXPECT_GE(nice.get_future().get(), 10);
  EXPECT_LT(getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())), 10);
}

TEST(Lanes, ManySubmittersLoseNothing) {
  std::atomic<int> ran = 0;
  constexpr int submitters = 4;
  constexpr int each = 500;
  std::vector<std::unique_ptr<TestJob>> jobs;
  for (int i = 0; i < submitters * each; ++i) {
    jobs.push_back(std::make_unique<TestJob>([&] { ++ran; }));
  }
  LaneThreads lane({.threads = 8, .linger = 1ms});
  std::vector<std::thread> threads;
  for (int t = 0; t < submitters; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) lane.submit(*jobs[static_cast<std::size_t>(t * each + i)]);
    });
  }
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < 1000 && ran < submitters * each; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(ran, submitters * each);
}

}  // namespace
}  // namespace easyjwt::http
