#include "fetch/response_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace easyjwt::fetch {
namespace {

using State = ResponseReader::State;

constexpr ResponseReader::Limits limits{.max_headers = 1000, .max_body = 100};

State feed(ResponseReader& reader, std::string_view bytes, std::size_t piece) {
  auto state = State::more;
  while (!bytes.empty() && state == State::more) {
    const auto space = reader.space();
    const auto count = std::min({bytes.size(), piece, space.size()});
    std::copy_n(bytes.begin(), count, space.begin());
    bytes.remove_prefix(count);
    state = reader.take(count);
  }
  // What comes with the last byte is behind the answer, and the reader has not seen it.
  EXPECT_TRUE(state == State::failed || bytes.empty() || piece < 1000);
  return state;
}

/// "200 body" and the fields, or what is wrong.
std::string read(std::string_view bytes, std::size_t piece, bool ends = false) {
  ResponseReader reader(limits);
  auto state = feed(reader, bytes, piece);
  if (state == State::more && ends) state = reader.take_end();
  if (state == State::more) return "more";
  if (state == State::failed) return "failed: " + reader.why();
  const bool follows = reader.can_follow();
  const auto response = reader.response();
  std::string out = std::to_string(response.status) + ' ' + response.body;
  for (const auto& [name, value] : response.headers) out += '|' + name + '=' + value;
  return out + (follows ? "" : " (last)");
}

TEST(ResponseReaderTest, AnAnswerIsTheSameHoweverItWasCut) {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A:  b c \r\n\r\n{}",
       "200 {}|Content-Length=2|X-A=b c"},
      {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "401 |Content-Length=0"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "204 "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
       "chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n",
       "200 abcdefg|Transfer-Encoding=chunked"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: y\r\n\r\n",
       "200 |Transfer-Encoding=chunked"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
       "200 x|Content-Length=1"},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
       "200 x|Connection=close|Content-Length=1 (last)"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 x|Content-Length=1 (last)"},
  };
  for (const auto& [bytes, want] : answers) {
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
      EXPECT_EQ(read(bytes, piece), want) << bytes << " in pieces of " << piece;
    }
  }
}

TEST(ResponseReaderTest, AnAnswerWithoutALengthEndsWithItsConnection) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nX: y\r\n\r\nabc";
  EXPECT_EQ(read(bytes, 7), "more");
  EXPECT_EQ(read(bytes, 7, true), "200 abc|X=y (last)");
}

TEST(ResponseReaderTest, WhatIsCutShortIsNoAnswer) {
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde";
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_EQ(read(whole.substr(0, size), whole.size(), true),
              "failed: closed in the middle of an answer")
        << size;
  }
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\n", 1000, true),
            "failed: closed in the middle of an answer");
  const std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n";
  EXPECT_EQ(read(chunks, 1000, true), "failed: closed in the middle of an answer");
}

TEST(ResponseReaderTest, WhatStandsBehindAnAnswerIsNotTheNextOne) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n", 1000),
            "200 x|Content-Length=1 (last)");
}

TEST(ResponseReaderTest, HostileAnswers) {
  const auto refused = [](const std::string& bytes) {
    const auto whole = read(bytes, bytes.size()), cut = read(bytes, 1);
    EXPECT_EQ(whole, cut) << bytes;
    return whole.starts_with("failed: ");
  };
  const std::string head = "HTTP/1.1 200 OK\r\n";
  for (const auto& bytes : {
           std::string("nonsense\r\n\r\n"),
           std::string("HTTP/2 200 OK\r\n\r\n"),
           std::string("HTTP/1.1 99 X\r\n\r\n"),
           std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
           head + "Content-Length: -1\r\n\r\n",
           head + "Content-Length: 1, 2\r\n\r\n",
           head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
           head + "Content-Length: 101\r\n\r\n",
           head + "Content-Length: 99999999999999999999\r\n\r\n",
           head + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
           head + "Transfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') + "\r\n",
           head + "No colon\r\n\r\n",
           head + "X: " + std::string(2000, 'x') + "\r\n\r\n",
           head + "\r\n" + std::string(101, 'x'),
       }) {
    EXPECT_TRUE(refused(bytes)) << bytes;
  }
  // A head without an end.
  std::string endless = head;
  while (endless.size() < 3000) endless += "X: y\r\n";
  EXPECT_TRUE(refused(endless));
}

TEST(ResponseReaderTest, OneReaderReadsOneAfterTheOther) {
  ResponseReader reader(limits);
  for (const std::string body : {"a", "bc", ""}) {
    reader.begin();
    EXPECT_FALSE(reader.has_begun());
    ASSERT_EQ(feed(reader,
                   "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                       "\r\n\r\n" + body,
                   1000),
              State::done);
    EXPECT_TRUE(reader.has_begun());
    EXPECT_TRUE(reader.can_follow());
    EXPECT_EQ(reader.response().body, body);
  }
}

}  // namespace
}  // namespace easyjwt::fetch
