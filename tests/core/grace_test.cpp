#include "easyjwt/core/grace.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace easyjwt {
namespace {

TEST(Grace, WaitsForThoseWhoAreReadingAndForNobodyElse) {
  Grace grace;
  grace.wait();
  std::optional<Grace::Reading> reading(std::in_place, grace);
  std::atomic<bool> waited{false};
  std::thread writer([&] {
    grace.wait();
    waited = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds{50});
  EXPECT_FALSE(waited);
  reading.reset();
  writer.join();
  EXPECT_TRUE(waited);
}

/// What is freed too early, or read without a happens-before, the sanitizers find.
TEST(Grace, NobodyReadsWhatHasBeenFreed) {
  struct Pair {
    int a, b;
  };
  Grace grace;
  std::atomic<Pair*> pair{new Pair{0, 0}};
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const Grace::Reading reading(grace);
        const auto* now = pair.load();
        if (now->a != now->b) ++torn;
      }
    });
  }
  for (int i = 1; i <= 300; ++i) {
    const std::unique_ptr<Pair> old(pair.exchange(new Pair{i, i}));
    grace.wait();
    old->a = -1;
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  delete pair.load();
}

}  // namespace
}  // namespace easyjwt
