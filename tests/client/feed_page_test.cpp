#include "client/feed_page.hpp"

#include <gtest/gtest.h>

namespace easyjwt {
namespace {

std::string page(std::string_view cursor, std::string_view events = "[]",
                 std::string_view snapshot = "false", std::string_view more = "false",
                 std::string_view at = "1795435200250000") {
  return R"({"events":)" + std::string(events) + R"(,"cursor":)" + std::string(cursor) +
         R"(,"snapshot":)" + std::string(snapshot) + R"(,"more":)" + std::string(more) +
         R"(,"at":)" + std::string(at) + "}";
}

TEST(FeedPage, IsRead) {
  const auto read = parse_feed_page(
      page(R"("3.77_a-Z")",
           R"([{"type":"family_revoked","family":"9f","until":1795521600},)"
           R"({"type":"user_void","user":7,"before":1795435200250000,"until":1795521600},)"
           R"({"type":"user_changed","user":"7"}])",
           "true", "true"));
  ASSERT_TRUE(read) << read.error().reason;
  const auto until = from_epoch_seconds(1795521600);
  const Time before{std::chrono::microseconds{1795435200250000}};
  EXPECT_EQ(read->events, (std::vector{Event::family_revoked("9f", until),
                                       Event::user_void(std::int64_t{7}, before, until),
                                       Event::user_changed("7")}));
  EXPECT_EQ(read->cursor, "3.77_a-Z");
  EXPECT_TRUE(read->is_snapshot);
  EXPECT_TRUE(read->has_more);
  EXPECT_EQ(read->at, before);

  const auto idle = parse_feed_page(page("\"1\""));
  ASSERT_TRUE(idle);
  EXPECT_TRUE(idle->events.empty());
  EXPECT_FALSE(idle->is_snapshot);
  EXPECT_FALSE(idle->has_more);
}

TEST(FeedPage, FurtherMembersAreALaterVersions) {
  auto text = page("\"1\"", R"([{"type":"user_changed","user":7,"why":"x"}])");
  text.insert(1, R"("new":[{}],)");
  EXPECT_TRUE(parse_feed_page(text));
}

TEST(FeedPage, WhatIsNoneIsRefused) {
  const auto cursor_of = [](std::size_t size) { return '"' + std::string(size, 'c') + '"'; };
  EXPECT_TRUE(parse_feed_page(page(cursor_of(200))));
  for (const auto& text :
       {std::string(),
        std::string("{}"),
        std::string("[]"),
        std::string("null"),
        std::string("{\"events\":["),
        page(R"("")"),
        page("7"),
        page("null"),
        page(cursor_of(201)),
        page(R"("a b")"),
        page(R"("a&wait=0")"),
        page(R"("a#")"),
        page(R"("\u00e4")"),
        page(R"("a\u0000")"),
        page(R"("a\r\nX: y")"),
        page("\"1\"", "{}"),
        page("\"1\"", "null"),
        page("\"1\"", "[1]"),
        page("\"1\"", "[[]]"),
        page("\"1\"", R"([{"type":"of_later"}])"),
        page("\"1\"", R"([{"type":"user_changed","user":7},{"type":"user_changed"}])"),
        page("\"1\"", "[]", "1"),
        page("\"1\"", "[]", "\"true\""),
        page("\"1\"", "[]", "false", "0"),
        page("\"1\"", "[]", "false", "false", "-1"),
        page("\"1\"", "[]", "false", "false", "1.5"),
        page("\"1\"", "[]", "false", "false", "\"1\""),
        page("\"1\"", "[]", "false", "false", "99999999999999999999"),
        page("\"1\"", std::string(40, '[') + std::string(40, ']'))}) {
    const auto read = parse_feed_page(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Errc::parse_error);
    EXPECT_FALSE(read.error().reason.empty());
  }
}

}  // namespace
}  // namespace easyjwt
