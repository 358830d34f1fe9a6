#include "client/known_users.hpp"

#include <gtest/gtest.h>

namespace easyjwt {
namespace {

std::shared_ptr<const Identity> identity(std::int64_t id) {
  auto made = std::make_shared<Identity>();
  made->remote_id = id;
  return made;
}

TEST(SharedIdentity, IsCountedApartAndOneObject) {
  auto made = identity(7);
  const std::weak_ptr<const Identity> watch = made;
  auto shared = std::make_unique<SharedIdentity>(std::move(made));
  const auto count = shared->original().use_count();
  auto first = shared->share();
  const auto second = shared->share();
  EXPECT_EQ(first.get(), shared->original().get());
  EXPECT_EQ(second.get(), first.get());
  EXPECT_EQ(shared->original().use_count(), count);  // nobody else's line was written to
  shared.reset();
  first.reset();
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(second->remote_id, 7);
}

TEST(SharedIdentity, GoesWithTheLastThatHasIt) {
  auto made = identity(7);
  const std::weak_ptr<const Identity> watch = made;
  std::shared_ptr<const Identity> last = SharedIdentity(std::move(made)).share();
  EXPECT_FALSE(watch.expired());
  last.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(KnownUsers, AreKeptUntilTheyChange) {
  KnownUsers users(100);
  EXPECT_EQ(users.find("7"), nullptr);
  const auto first = users.keep("7", identity(7), {}, {}, users.changes("7"));
  EXPECT_EQ(users.find("7"), first);
  const auto second = users.keep("7", identity(7), {}, {}, users.changes("7"));
  EXPECT_TRUE(first->is_stale);
  EXPECT_EQ(users.find("7"), second);
  users.forget("7");
  EXPECT_TRUE(second->is_stale);
  EXPECT_EQ(users.find("7"), nullptr);
  const auto third = users.keep("7", identity(7), {}, {}, users.changes("7"));
  users.forget_all();
  EXPECT_TRUE(third->is_stale);
  EXPECT_EQ(users.find("7"), nullptr);
}

TEST(KnownUsers, WhatWasFetchedBeforeAChangeIsNotKept) {
  KnownUsers users(100);
  const auto changes = users.changes("7");
  users.forget("7");
  const auto user = users.keep("7", identity(7), {}, {}, changes);
  EXPECT_TRUE(user->is_stale);
  EXPECT_EQ(user->identity->remote_id, 7);
  EXPECT_EQ(users.find("7"), nullptr);
}

TEST(KnownUsers, AreBoundedAndWhoIsPushedOutIsStale) {
  KnownUsers users(640);
  std::vector<std::shared_ptr<const KnownUser>> all;
  for (int i = 0; i < 5000; ++i) {
    const auto id = std::to_string(i);
    all.push_back(users.keep(id, identity(i), {}, {}, users.changes(id)));
    EXPECT_EQ(users.find(id), all.back());
  }
  int kept = 0;
  for (int i = 0; i < 5000; ++i) {
    const bool is_here = users.find(std::to_string(i)) != nullptr;
    kept += is_here;
    EXPECT_EQ(all[static_cast<std::size_t>(i)]->is_stale, !is_here) << i;
  }
  EXPECT_LE(kept, 704);
  EXPECT_GE(kept, 600);
}

}  // namespace
}  // namespace easyjwt
