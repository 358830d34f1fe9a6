#include "easyjwt/core/error.hpp"

#include <gtest/gtest.h>

#include <array>

#include "easyjwt/core/translations.hpp"

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

TEST(Error, IsInTheLanguageAskedFor) {
  // In the order of the English texts.
  static constexpr std::array<Translation, 4> texts{{
      {"Given token not valid for any token type", "Der Token ist für keinen Tokentyp gültig"},
      {"Method \"{}\" not allowed.", "Methode „{}“ nicht erlaubt."},
      {"Not found.", "Nicht \"gefunden\"."},
      {"Token has wrong type", "Falscher Typ"},
  }};
  static constexpr Translations german{"de", texts};
  const auto body_in = [](const Error& error, const Translations* translations) {
    std::string out;
    append_error_body(out, error, translations);
    return out;
  };
  const Error method{Errc::method_not_allowed, {"Method \"{}\" not allowed.", {"Not found."}}};
  // An argument is data, whatever it says.
  EXPECT_EQ(body_in(method, &german), R"({"detail":"Methode „Not found.“ nicht erlaubt."})");
  EXPECT_EQ(body_in(method, nullptr), body(method));
  EXPECT_EQ(body_in({Errc::not_found}, &german), R"({"detail":"Nicht \"gefunden\"."})");
  EXPECT_EQ(body_in(Error::field("Not found.", {"Token has wrong type", {}}), &german),
            R"({"Not found.":["Falscher Typ"]})");
  // What has no translation is in English.
  EXPECT_EQ(body_in({Errc::throttled}, &german), R"({"detail":"Request was throttled."})");
  Error error{Errc::token_not_valid, {"Given token not valid for any token type", {}}};
  error.messages.push_back({"AccessToken", "access", {"Token has wrong type", {}}});
  EXPECT_EQ(body_in(error, &german),
            R"({"detail":"Der Token ist für keinen Tokentyp gültig","code":"token_not_valid",)"
            R"("messages":[{"token_class":"AccessToken","token_type":"access",)"
            R"("message":"Falscher Typ"}]})");
  error.body = R"({"detail":"Not found."})";
  EXPECT_EQ(body_in(error, &german), error.body);
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
