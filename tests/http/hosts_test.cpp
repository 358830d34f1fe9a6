#include "http/hosts.hpp"

#include <gtest/gtest.h>

namespace easyjwt::http {
namespace {

TEST(AllowedHosts, FollowsDjango) {
  const AllowedHosts hosts({"localhost", "127.0.0.1", "[::1]", ".Example.com", ""});
  for (const auto* host :
       {"localhost", "LOCALHOST", "localhost:8000", "localhost.", "localhost.:8000", "127.0.0.1:1",
        "[::1]", "[::1]:8000", "example.com", "www.EXAMPLE.com", "a.b.example.com."}) {
    EXPECT_TRUE(hosts.allow(host)) << host;
  }
  for (const auto* host : {"",
                           "evil.com",
                           "localhost.evil.com",
                           "notexample.com",
                           "localhost:",
                           "localhost:8a",
                           "localhost:80:80",
                           "local host",
                           "localhost@evil.com",
                           "evil.com:80@localhost",
                           "localhost/x",
                           "[::1",
                           "::1",
                           "[::1]x",
                           "[::1]:",
                           "[::1]:x",
                           "[]",
                           "[1]",
                           "[:]",
                           "[::g]",
                           "127.0.0.1:1/..",
                           "local_host",
                           ":80",
                           ".",
                           "localhost\n"}) {
    EXPECT_FALSE(hosts.allow(host)) << host;
  }
}

TEST(AllowedHosts, AStarTakesAllThatIsWellFormed) {
  const AllowedHosts hosts({"*"});
  EXPECT_TRUE(hosts.allow("anything.example:1"));
  EXPECT_TRUE(hosts.allow(""));
  EXPECT_FALSE(hosts.allow("a/b"));
  EXPECT_FALSE(hosts.allow(std::string(400, 'a')));
  EXPECT_FALSE(AllowedHosts({}).allow("localhost"));
}

}  // namespace
}  // namespace easyjwt::http
