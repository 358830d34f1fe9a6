#include "easyjwt/http/form.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace easyjwt::http {
namespace {

std::string show(const Result<Form>& form) {
  if (!form)
    return std::to_string(describe(form.error().code).status) + " " + form.error().detail.str();
  std::string out;
  for (const auto& [name, value] : form->fields()) out += "[" + name + "=" + value + "]";
  return out;
}
std::string url(std::string_view text) { return show(parse_urlencoded(text)); }
std::string multi(std::string_view body, std::string_view boundary = "b") {
  return show(parse_multipart(body, boundary));
}

using namespace std::string_literals;

TEST(Urlencoded, Reads) {
  EXPECT_EQ(url(""), "");
  EXPECT_EQ(url("a=1&b=2"), "[a=1][b=2]");
  EXPECT_EQ(url("a=1&a=2"), "[a=1][a=2]");
  EXPECT_EQ(url("&&a=1&"), "[a=1]");
  EXPECT_EQ(url("a"), "[a=]");
  EXPECT_EQ(url("a="), "[a=]");
  EXPECT_EQ(url("=a"), "[=a]");
  EXPECT_EQ(url("a=b=c"), "[a=b=c]");
  EXPECT_EQ(url("a+b=c+d%20e"), "[a b=c d e]");
  EXPECT_EQ(url("email=a%40b.c&p=%26%3D%2B%25"), "[email=a@b.c][p=&=+%]");
  EXPECT_EQ(url("a=%"), "[a=%]");
  EXPECT_EQ(url("a=%4"), "[a=%4]");
  EXPECT_EQ(url("a=%zz%4g"), "[a=%zz%4g]");
  EXPECT_EQ(url("a=%00"), "[a=\0]"s);
  EXPECT_EQ(url("n=D%C3%A4ve"), "[n=D\u00e4ve]");
}

TEST(Urlencoded, ReplacesWhatIsNotUtf8AsPythonDoes) {
  // Each right side is bytes.decode(errors="replace") of the left.
  EXPECT_EQ(url("a=%ff"), "[a=\ufffd]");
  EXPECT_EQ(url("a=%c3"), "[a=\ufffd]");
  EXPECT_EQ(url("a=%c3x"), "[a=\ufffdx]");
  EXPECT_EQ(url("a=%c0%80"), "[a=\ufffd\ufffd]");
  EXPECT_EQ(url("a=%e2%82x"), "[a=\ufffdx]");
  EXPECT_EQ(url("a=%e2%82"), "[a=\ufffd]");
  EXPECT_EQ(url("a=%ed%a0%80"), "[a=\ufffd\ufffd\ufffd]");
  EXPECT_EQ(url("a=%e0%80%80"), "[a=\ufffd\ufffd\ufffd]");
  EXPECT_EQ(url("a=%f0%9f%98"), "[a=\ufffd]");
  EXPECT_EQ(url("a=%f5%80%80%80"), "[a=\ufffd\ufffd\ufffd\ufffd]");
  EXPECT_EQ(url("a=%f4%90%80%80"), "[a=\ufffd\ufffd\ufffd\ufffd]");
  EXPECT_EQ(url("a=%f0%9f%98%80%80"), "[a=\U0001f600\ufffd]");
}

TEST(Urlencoded, HasALimit) {
  std::string text = "a=1";
  for (int i = 1; i < 1000; ++i) text += "&a=1";
  EXPECT_EQ(parse_urlencoded(text)->fields().size(), 1000u);
  EXPECT_EQ(url(text + "&a=1"), "400 Too many form fields.");
}

TEST(Form, FindsTheLast) {
  const auto form = parse_urlencoded("a=1&b=2&a=3");
  ASSERT_TRUE(form);
  EXPECT_EQ(*form->find("a"), "3");
  EXPECT_EQ(*form->find("b"), "2");
  EXPECT_EQ(form->find("c"), nullptr);
}

std::string part(std::string_view name, std::string_view value, std::string_view more = "") {
  return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"" +
         std::string(more) + "\r\n\r\n" + std::string(value) + "\r\n";
}

TEST(Multipart, Reads) {
  EXPECT_EQ(multi(""), "");
  EXPECT_EQ(multi("--b--\r\n"), "");
  EXPECT_EQ(multi("--b--"), "");
  EXPECT_EQ(multi(part("a", "1") + part("c", "2") + "--b--\r\n"), "[a=1][c=2]");
  EXPECT_EQ(multi("preamble\r\n" + part("a", "1") + "--b--\r\nepilogue"), "[a=1]");
  EXPECT_EQ(multi(part("a", "") + "--b--"), "[a=]");
  EXPECT_EQ(multi(part("a", "x\r\ny\r\n--\r\n--c\r\n--bc") + "--b--"),
            "[a=x\r\ny\r\n--\r\n--c\r\n--bc]");
  EXPECT_EQ(multi(part("a", "1") + "--b  \t--b\r\n--b--"), "[a=1\r\n--b  \t--b]");
  EXPECT_EQ(multi("--b \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--"), "[a=1]");
  EXPECT_EQ(multi(part("a\\\"b", "1") + "--b--"), "[a\"b=1]");
  EXPECT_EQ(multi(part("a;b", "1") + "--b--"), "[a;b=1]");
  EXPECT_EQ(multi(part("a", "\xff") + "--b--"), "[a=\ufffd]");
  EXPECT_EQ(multi("--b\r\nX: y\r\ncontent-disposition:form-data;NAME=a\r\nContent-Type: text/plain"
                  "\r\n\r\n1\r\n--b--"),
            "[a=1]");
  EXPECT_EQ(show(parse_multipart("--a b:'()+_,-./=?c\r\nContent-Disposition: form-data; "
                                 "name=a\r\n\r\n1\r\n--a b:'()+_,-./=?c--",
                                 "a b:'()+_,-./=?c")),
            "[a=1]");
}

TEST(Multipart, LeavesOutWhatIsNoValue) {
  EXPECT_EQ(multi(part("f", "data", "; filename=\"x\"") + part("a", "1") + "--b--"), "[a=1]");
  EXPECT_EQ(multi(part("f", "data", "; filename*=UTF-8''x") + "--b--"), "");
  EXPECT_EQ(multi("--b\r\n\r\ndata\r\n" + part("a", "1") + "--b--"), "[a=1]");
  EXPECT_EQ(multi("--b\r\nContent-Disposition: form-data\r\n\r\ndata\r\n--b--"), "");
}

TEST(Multipart, RefusesWhatIsMalformed) {
  EXPECT_EQ(multi("x", ""), "400 Multipart form parse error - Invalid boundary in multipart: None");
  EXPECT_EQ(multi("x", "a\"b"),
            "400 Multipart form parse error - Invalid boundary in multipart: a\"b");
  EXPECT_TRUE(multi("x", std::string(71, 'b')).starts_with("400 Multipart form parse error - "));
  EXPECT_TRUE(multi("x", "b ").starts_with("400 Multipart form parse error - "));
  for (const auto& body :
       {"x"s, "--c--"s, part("a", "1"), "--b\r\n"s, "--b"s, "--b\r\nA: b\r\n--b--"s,
        "--b\r\nX: " + std::string(9000, 'x') + "\r\n\r\n\r\n--b--"}) {
    EXPECT_TRUE(multi(body).starts_with("400 Multipart form parse error - ")) << body;
  }
}

TEST(Multipart, HasALimit) {
  std::string body;
  for (int i = 0; i < 1000; ++i) body += part("a", "1");
  EXPECT_EQ(parse_multipart(body + "--b--", "b")->fields().size(), 1000u);
  EXPECT_EQ(multi(body + part("a", "1") + "--b--"), "400 Too many form fields.");
}

TEST(Form, AMegabyteIsNeverQuadratic) {
  const std::size_t size = 1024 * 1024;
  const auto repeat = [](std::string_view text, std::size_t total) {
    std::string out;
    while (out.size() < total) out += text;
    return out;
  };
  const auto begin = std::chrono::steady_clock::now();
  const std::string boundary(70, 'b');
  for (const auto& body :
       {repeat("\r\n--" + boundary + "x", size), repeat("\r\n--" + boundary + "    x", size),
        repeat("\r\n--" + boundary.substr(1), size), std::string(size, '\r'),
        "--" + boundary + std::string(size, ' '), repeat("--" + boundary + "\r\n\r\n\r\n", size)}) {
    static_cast<void>(parse_multipart(body, boundary));
  }
  static_cast<void>(parse_urlencoded(std::string(size, '%')));
  static_cast<void>(parse_urlencoded(repeat("%ff", size)));
  static_cast<void>(parse_media_type("a" + std::string(size, ';')));
  static_cast<void>(parse_media_type("a" + repeat("; ", size)));
  static_cast<void>(parse_media_type("a" + repeat(";a=\"", size)));
  static_cast<void>(parse_media_type("a;a=" + std::string(size, ' ')));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{5});
}

TEST(MediaType, IsTakenApart) {
  EXPECT_EQ(parse_media_type("").type, "");
  EXPECT_EQ(parse_media_type("Application/JSON").type, "application/json");
  EXPECT_EQ(parse_media_type(" application/json ; charset=utf-8").type, "application/json");
  const auto boundary = [](std::string_view text) { return parse_media_type(text).boundary; };
  EXPECT_EQ(boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(boundary("multipart/form-data; x; charset=utf-8 ;BOUNDARY = \"a b;c\" ;d=e"), "a b;c");
  EXPECT_EQ(boundary("multipart/form-data; boundary=\"a\\\"b\""), "a\"b");
  EXPECT_EQ(boundary("multipart/form-data; boundary=\"abc"), "");
  EXPECT_EQ(boundary("multipart/form-data; boundary="), "");
  EXPECT_EQ(boundary("multipart/form-data"), "");
}

}  // namespace
}  // namespace easyjwt::http
