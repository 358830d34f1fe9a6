#include "user/hash_gate.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace easyjwt {
namespace {

using std::chrono::milliseconds;

TEST(HashGate, PermitsHaveSlotsOfTheirOwn) {
  HashGate gate(2, 0);
  auto a = gate.acquire();
  const auto b = gate.acquire();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->slot() + b->slot(), 1u);
  EXPECT_FALSE(gate.acquire()) << "no queue: full at once";
  const unsigned slot = a->slot();
  a.reset();
  const auto c = gate.acquire();
  ASSERT_TRUE(c);
  EXPECT_EQ(c->slot(), slot);
}

TEST(HashGate, WaitersAreServedInOrderAndTheQueueIsBounded) {
  HashGate gate(1, 3);
  auto held = gate.acquire();
  ASSERT_TRUE(held);
  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      const auto permit = gate.acquire();
      ASSERT_TRUE(permit);
      const std::lock_guard lock(mutex);
      order.push_back(i);
    });
    // Each is in the queue before the next one starts.
    while (gate.waiting() != static_cast<std::size_t>(i) + 1) {
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
  EXPECT_FALSE(gate.acquire()) << "three wait already";
  held.reset();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
  EXPECT_EQ(gate.waiting(), 0u);
}

TEST(HashGate, NoMorePermitsThanThereAre) {
  HashGate gate(3, 100);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::array<std::atomic<int>, 3> users{};
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const auto permit = gate.acquire();
        ASSERT_TRUE(permit);
        const int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        EXPECT_EQ(++users[permit->slot()], 1);
        std::this_thread::yield();
        --users[permit->slot()];
        --inside;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most, 3);
}

TEST(HashGate, CountsTheTimeHeld) {
  HashGate gate(1, 0);
  EXPECT_EQ(gate.held(), 0u);
  {
    const auto permit = gate.acquire();
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_GE(gate.held(), 5'000'000u);
}

}  // namespace
}  // namespace easyjwt
