#include "easyjwt/core/sealer.hpp"

#include <gtest/gtest.h>

#include <set>

namespace easyjwt {
namespace {

const Secret ours("a secret of fifty characters or so, which nobody guesses");
const Secret theirs("another");

TEST(Sealer, OpensWhatItSealed) {
  const Sealer sealer(ours, {}, "keys");
  for (const std::string& plain : {std::string(), std::string("x"), std::string(5000, '\0')}) {
    const auto opened = sealer.open(sealer.seal(plain, "row 1"), "row 1");
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->view(), plain);
  }
}

TEST(Sealer, NeverSealsTheSameTwice) {
  const Sealer sealer(ours, {}, "keys");
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(sealer.seal("plain", "")).second);
}

TEST(Sealer, OpensNothingElse) {
  const Sealer sealer(ours, {}, "keys");
  const auto sealed = sealer.seal("plain", "row 1");
  EXPECT_FALSE(sealer.open(sealed, "row 2"));
  EXPECT_FALSE(Sealer(ours, {}, "mail").open(sealed, "row 1"));
  EXPECT_FALSE(Sealer(theirs, {}, "keys").open(sealed, "row 1"));
  EXPECT_FALSE(sealer.open("", "row 1"));
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(sealer.open(sealed.substr(0, size), "row 1")) << size;
  }
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto changed = sealed;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(sealer.open(changed, "row 1")) << at;
  }
}

TEST(Sealer, OpensWhatAFormerSecretSealed) {
  const auto sealed = Sealer(theirs, {}, "keys").seal("plain", "");
  const Secret former[] = {Secret("older"), theirs};
  const Sealer sealer(ours, former, "keys");
  ASSERT_TRUE(sealer.open(sealed, ""));
  EXPECT_FALSE(Sealer(theirs, {}, "keys").open(sealer.seal("plain", ""), ""));
}

}  // namespace
}  // namespace easyjwt
