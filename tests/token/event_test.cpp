#include "easyjwt/token/event.hpp"

#include <gtest/gtest.h>

namespace easyjwt {
namespace {

const Time until = from_epoch_seconds(1795521600);
const Time before = *parse_time("2026-11-23T12:00:00.250001Z");

std::string text(const Event& event) {
  std::string out;
  append_json(out, to_json(event));
  return out;
}

TEST(Event, HasOneFormEach) {
  EXPECT_EQ(text(Event::family_revoked("9f", until)),
            R"({"type":"family_revoked","family":"9f","until":1795521600})");
  EXPECT_EQ(text(Event::user_void(7, before, until)),
            R"({"type":"user_void","user":7,"before":1795435200250001,"until":1795521600})");
  EXPECT_EQ(text(Event::user_changed("7")), R"({"type":"user_changed","user":"7"})");
}

TEST(Event, IsReadAsItWasWritten) {
  for (const auto& event :
       {Event::family_revoked(std::string(255, 'f'), until), Event::user_void(-7, before, until),
        Event::user_void("x@y", Time{}, Time{}), Event::user_changed(7),
        Event::user_changed("ü\"\\")}) {
    const auto read = parse_event(*parse_json(text(event)));
    ASSERT_TRUE(read) << read.error().reason;
    EXPECT_EQ(*read, event) << text(event);
  }
}

TEST(Event, UntilIsRoundedUp) {
  const auto event = Event::family_revoked("9f", until + std::chrono::microseconds{1});
  EXPECT_EQ(parse_event(to_json(event))->until, until + std::chrono::seconds{1});
}

TEST(Event, LetsALaterVersionsMembersPass) {
  const auto read = parse_event(*parse_json(R"({"type":"user_changed","user":7,"by":"admin"})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, Event::user_changed(7));
}

TEST(Event, RefusesEverythingElse) {
  const std::string long_text(256, 'x');
  for (const auto& hostile : {
           std::string("null"),
           std::string("[]"),
           std::string("{}"),
           std::string(R"("user_changed")"),
           std::string(R"({"type":"user_deleted","user":7})"),
           std::string(R"({"type":"USER_CHANGED","user":7})"),
           std::string(R"({"type":["user_changed"],"user":7})"),
           std::string(R"({"type":"user_changed"})"),
           std::string(R"({"type":"user_changed","user":null})"),
           std::string(R"({"type":"user_changed","user":true})"),
           std::string(R"({"type":"user_changed","user":7.0})"),
           std::string(R"({"type":"user_changed","user":18446744073709551615})"),
           std::string(R"({"type":"user_changed","user":""})"),
           R"({"type":"user_changed","user":")" + long_text + "\"}",
           std::string(R"({"type":"family_revoked","until":5})"),
           std::string(R"({"type":"family_revoked","family":"","until":5})"),
           std::string(R"({"type":"family_revoked","family":5,"until":5})"),
           R"({"type":"family_revoked","family":")" + long_text + R"(","until":5})",
           std::string(R"({"type":"family_revoked","family":"f"})"),
           std::string(R"({"type":"family_revoked","family":"f","until":"5"})"),
           std::string(R"({"type":"family_revoked","family":"f","until":-1})"),
           std::string(R"({"type":"family_revoked","family":"f","until":1.5})"),
           std::string(R"({"type":"family_revoked","family":"f","until":253402300800})"),
           std::string(R"({"type":"user_void","user":7,"until":5})"),
           std::string(R"({"type":"user_void","user":7,"before":-1,"until":5})"),
           std::string(R"({"type":"user_void","user":7,"before":"1","until":5})"),
           std::string(R"({"type":"user_void","user":7,"before":9223372036854775807,"until":5})"),
           std::string(R"({"type":"user_void","user":7,"before":5})"),
           std::string(R"({"type":"user_void","before":5,"until":5})"),
       }) {
    const auto read = parse_event(*parse_json(hostile));
    ASSERT_FALSE(read) << hostile;
    EXPECT_EQ(read.error().code, Errc::parse_error) << hostile;
    EXPECT_FALSE(read.error().reason.empty()) << hostile;
  }
}

}  // namespace
}  // namespace easyjwt
