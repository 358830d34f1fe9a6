#include "easyjwt/core/error.hpp"

#include <gtest/gtest.h>

namespace easyjwt {
namespace {

std::string body(const Error& error) {
  std::string out;
  append_error_body(out, error);
  return out;
}

TEST(Error, HasRestFrameworksShapes) {
  EXPECT_EQ(body({Errc::not_authenticated}),
            R"({"detail":"Authentication credentials were not provided."})");
  EXPECT_EQ(body({Errc::token_not_valid}),
            R"({"detail":"Token is invalid or expired","code":"token_not_valid"})");
  EXPECT_EQ(body({Errc::method_not_allowed, {"Method \"{}\" not allowed.", {"PUT"}}}),
            R"({"detail":"Method \"PUT\" not allowed."})");
  EXPECT_EQ(body(Error::non_field({"Token is blacklisted", {}})),
            R"({"non_field_errors":["Token is blacklisted"]})");
}

TEST(Error, KeepsTheReasonToItself) {
  EXPECT_EQ(body({Errc::internal, {}, "secret path"}), R"({"detail":"A server error occurred."})");
}

TEST(Error, WritesMessages) {
  Error error{Errc::token_not_valid, {"Given token not valid for any token type", {}}};
  error.messages.push_back({"AccessToken", "access", {"Token has wrong type", {}}});
  EXPECT_EQ(body(error),
            R"({"detail":"Given token not valid for any token type","code":"token_not_valid",)"
            R"("messages":[{"token_class":"AccessToken","token_type":"access",)"
            R"("message":"Token has wrong type"}]})");
}

TEST(Error, EscapesArguments) {
  EXPECT_EQ(body({Errc::unsupported_media_type,
                  {"Unsupported media type \"{}\" in request.", {"a\"b\n\x01{}"}}}),
            R"({"detail":"Unsupported media type \"a\"b\n\u0001{}\" in request."})");
}

}  // namespace
TEST(ErrorBody, IsWhatAnotherServiceSaidWhereThatIsPassedOn) {
  Error error{Errc::auth_service_refused};
  EXPECT_EQ(body(error), R"({"detail":"Authentication service returned an error."})");
  error.body = R"({"email":["Enter a valid email address."]})";
  EXPECT_EQ(body(error), error.body);
  EXPECT_EQ(describe(Errc::auth_service_refused).status, 401);
  EXPECT_EQ(describe(Errc::throttled).status, 429);
}

}  // namespace easyjwt
