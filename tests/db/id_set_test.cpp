#include "easyjwt/db/id_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace easyjwt::db {
namespace {

TEST(IdSet, HasWhatWasPutIntoIt) {
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  for (const std::vector<std::int64_t>& ids : {std::vector<std::int64_t>{},
                                               {5},
                                               {1, 2, 3, 8, 9, 64, 65},
                                               {-3, 0, 4},
                                               {most - 9, most},
                                               {1, 1'000'000, 1'000'000'000'000},
                                               {least, most},
                                               {least, least + 7}}) {
    const auto set = id_set(ids);
    for (const std::int64_t id :
         {least, least + 1, least + 7, std::int64_t{-4}, std::int64_t{-3}, std::int64_t{0},
          std::int64_t{1}, std::int64_t{4}, std::int64_t{5}, std::int64_t{8}, std::int64_t{10},
          std::int64_t{63}, std::int64_t{64}, std::int64_t{66}, std::int64_t{1'000'000},
          std::int64_t{1'000'000'000'000}, most - 9, most - 1, most}) {
      EXPECT_EQ(is_in_set(set, id), std::find(ids.begin(), ids.end(), id) != ids.end())
          << id << " of " << ids.size();
    }
  }
  EXPECT_FALSE(is_in_set("what is no set at all", 1));
}

}  // namespace
}  // namespace easyjwt::db
