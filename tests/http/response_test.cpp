#include "easyjwt/http/response.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "http/response_writer.hpp"

namespace easyjwt::http {
namespace {

TEST(Response, AddRefusesWhatWouldSplitIt) {
  Response response;
  response.add("Set-Cookie", "a=b; Path=/");
  EXPECT_EQ(response.fields, "Set-Cookie: a=b; Path=/\r\n");
  for (const auto* bad : {"a\r\nSet-Cookie: x", "a\nb", "a\rb", "\r\n\r\n<script>"}) {
    EXPECT_THROW(response.add("Location", bad), std::invalid_argument);
  }
  EXPECT_THROW(response.add("Location", std::string_view("a\0b", 3)), std::invalid_argument);
  EXPECT_THROW(response.add("X\r\nY", "a"), std::invalid_argument);
  EXPECT_EQ(response.fields, "Set-Cookie: a=b; Path=/\r\n");
}

TEST(ResponseWriter, WritesAnAnswer) {
  Response response = Response::json("{\"a\":1}", 201);
  response.add("X-A", "b");
  std::string out;
  append_response(out, response, Persistence::close, true, "id7", "Date: then\r\n");
  EXPECT_EQ(out,
            "HTTP/1.1 201 Created\r\nDate: then\r\nContent-Type: application/json\r\n"
            "Content-Length: 7\r\nConnection: close\r\nX-A: b\r\nX-Request-Id: id7\r\n"
            "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
            "Referrer-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n\r\n"
            "{\"a\":1}");
}

TEST(ResponseWriter, SomeAnswersHaveNoBody) {
  const auto write = [](int status, bool with_body) {
    std::string out;
    append_response(out, Response::json("{}", status), Persistence::implied, with_body, "i", "");
    return out;
  };
  EXPECT_TRUE(write(200, false).ends_with("\r\n\r\n"));
  EXPECT_NE(write(200, false).find("Content-Length: 2\r\n"), std::string::npos);
  for (const int status : {204, 304}) {
    EXPECT_TRUE(write(status, true).ends_with("\r\n\r\n"));
    EXPECT_EQ(write(status, true).find("\r\nContent-"), std::string::npos);
  }
}

TEST(ResponseWriter, FormatsTheDate) {
  DateField date;
  const auto text = date.now();
  ASSERT_EQ(text.size(), 37u);
  std::tm parts{};
  ASSERT_NE(strptime(std::string(text).c_str(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts),
            nullptr);
  EXPECT_NEAR(static_cast<double>(timegm(&parts)), static_cast<double>(std::time(nullptr)), 2);
}

TEST(RequestIds, AreNeverTheSame) {
  RequestIds one;
  RequestIds other;
  RequestIds::Id a;
  RequestIds::Id b;
  RequestIds::Id c;
  one.next(a);
  one.next(b);
  other.next(c);
  EXPECT_NE(a, b);
  EXPECT_NE(a, c);
  for (const char digit : a) EXPECT_TRUE(std::isxdigit(static_cast<unsigned char>(digit)));
}

}  // namespace
}  // namespace easyjwt::http
