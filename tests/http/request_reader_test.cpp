#include "http/request_reader.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace easyjwt::http {
namespace {

using Progress = RequestReader::Progress;

/// Everything that a stream of bytes was understood to say, as text: two readings that were cut
/// differently must give the same.
std::string read_all(std::string_view bytes, std::size_t piece, const ReadLimits& limits = {}) {
  RequestReader reader(limits);
  std::string out;
  for (;;) {
    switch (reader.advance()) {
      case Progress::refused:
        return out + "refused " + std::to_string(reader.refusal().status) + " " +
               std::string(reader.refusal().text);
      case Progress::complete: {
        Request request;
        reader.view(request);
        out.append(request.method_name).append(" ").append(request.path).append("?");
        out.append(request.query).append(" host=").append(request.host);
        for (const auto& field : request.headers) {
          out.append(" ").append(field.name).append("=").append(field.value);
        }
        out.append(" body=").append(request.body).append(reader.keep_alive() ? " keep" : " close");
        out.append("\n");
        reader.next();
        continue;
      }
      case Progress::need_more: break;
    }
    if (bytes.empty()) return out + (reader.started() ? "unfinished" : "");
    const auto room = reader.room();
    const auto size = std::min({piece, bytes.size(), room.size()});
    std::memcpy(room.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    reader.received(size);
  }
}
std::string read_all(std::string_view bytes) { return read_all(bytes, bytes.size()); }

int status_of(std::string_view bytes, const ReadLimits& limits = {}) {
  const auto whole = read_all(bytes, bytes.size(), limits);
  EXPECT_EQ(read_all(bytes, 1, limits), whole);
  const auto at = whole.find("refused ");
  return at == std::string::npos ? 0 : std::stoi(whole.substr(at + 8));
}

std::string with(std::string_view fields) {
  return "POST /p HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

using namespace std::string_literals;

TEST(RequestReader, ReadsPipelinedRequests) {
  EXPECT_EQ(read_all("POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz"
                     "\r\nGET / HTTP/1.1\r\nhOsT:\t h:80 \r\nConnection: close\r\n\r\n"),
            "POST /a?b=c host=h Host=h Content-Length=3 body=xyz keep\n"
            "GET /? host=h:80 hOsT=h:80 Connection=close body= close\n");
}

TEST(RequestReader, TheCutsBetweenPacketsChangeNothing) {
  const std::string streams[] = {
      "POST /a?b=c HTTP/1.1\r\nHost: h\r\nX-Request-Id: 1\r\nContent-Length: 3\r\n\r\nxyz"
      "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n",
      "\r\nPOST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;a=b;c=\"d;e\"\r\nabc\r\n0A \t; x\r\n0123456789\r\n000\r\nT: 1\r\n\r\nGET / "
      "HTTP/1.0\r\n\r\n",
      with("Transfer-Encoding: chunked\r\n") + "3\r\nabcX",
      with("Transfer-Encoding: chunked\r\n") + "0\r\nA b: c\r\n\r\n",
      with("Content-Length: 1\r\nContent-Length: 1\r\n"),
      "GET / HTTP/1.1\nHost: h\n\n",
      with("Transfer-Encoding: chunked\r\n") + "5\r\nabc",
  };
  for (const auto& stream : streams) {
    const auto whole = read_all(stream);
    for (std::size_t piece = 1; piece < stream.size(); ++piece) {
      ASSERT_EQ(read_all(stream, piece), whole) << "pieces of " << piece << ": " << stream;
    }
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
      RequestReader reader{ReadLimits{}};
      // One cut at every place: what comes of the first part alone must agree with the whole.
      const auto first = read_all(stream.substr(0, cut), cut);
      const auto first_done = first.substr(0, first.rfind('\n') + 1);
      ASSERT_EQ(whole.substr(0, first_done.size()), first_done) << "cut at " << cut;
    }
  }
}

TEST(RequestReader, RefusesWhatSmugglesRequests) {
  const std::string refused[] = {
      with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
      with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
      with("Content-Length: 3\r\nContent-Length: 3\r\n"),
      with("Content-Length: 3\r\nContent-Length: 4\r\n"),
      with("Content-Length: 3, 3\r\n"),
      with("Content-Length: +3\r\n"),
      with("Content-Length: -3\r\n"),
      with("Content-Length: 0x3\r\n"),
      with("Content-Length: 3 3\r\n"),
      with("Content-Length:\r\n"),
      with("Content-Length: 3.0\r\n"),
      with("Content-Length: 18446744073709551616\r\n"),
      with("Content-Length: 99999999999999999999999999\r\n"),
      with("Transfer-Encoding: chunked, chunked\r\n"),
      with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
      with("Transfer-Encoding: xchunked\r\n"),
      with("Transfer-Encoding: gzip, Chunked\r\n"),
      with("Transfer-Encoding: \"chunked\"\r\n"),
      with("Transfer-Encoding: chunked;a=b\r\n"),
      with("Transfer-Encoding: \x0b"
           "chunked\r\n"),
      with("Transfer-Encoding:\r\n"),
      "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
      with("A: b\r\n c\r\n"),
      with("A: b\r\n\tc\r\n"),
      with("Transfer-Encoding:\r\n chunked\r\n"),
      "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
      with("A: b\0c\r\n"s),
      with("A: b\rc\r\n"),
      with("A: b\nc\r\n"),
      with("A: b\x7f\r\n"),
      with("A: b\x01\r\n"),
      with("A\0: b\r\n"s),
      with("A: b\n"),
      with("A : b\r\n"),
      with("A\t: b\r\n"),
      with("A b: c\r\n"),
      with("A(: c\r\n"),
      with("\xe4: c\r\n"),
      with(": c\r\n"),
      with("A\r\n"),
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost:\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
      "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"s,
      "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n",
      "GET / http/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/11\r\nHost: h\r\n\r\n",
      "GET /\r\nHost: h\r\n\r\n",
      "GET /\r\n\r\n",
      "G\0T / HTTP/1.1\r\nHost: h\r\n\r\n"s,
      "G(T / HTTP/1.1\r\nHost: h\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET a HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET http:// HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n",
      "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
      with("Connection: ,@,\r\n"),
      "\x16\x03\x01\x02",
  };
  for (const auto& stream : refused) EXPECT_EQ(status_of(stream), 400) << stream;
}

TEST(RequestReader, RefusesMalformedChunks) {
  const std::string bodies[] = {"x\r\n",
                                "\r\n",
                                "-1\r\n",
                                "+1\r\n",
                                "0x1\r\nX\r\n",
                                "1 \r\nX\r\n",
                                " 1\r\nX\r\n",
                                "1\nX\r\n",
                                "1\r\nX\n",
                                "1\r\nXY\r\n",
                                "1\r\nX\r\r\n",
                                "11111111111111111\r\n",
                                "1;\r\nX\r\n",
                                "1;=b\r\nX\r\n",
                                "1;a=\r\nX\r\n",
                                "1;a=\"b\r\nX\r\n",
                                "1;a=\"\1\"\r\nX",
                                "1;a b\r\nX\r\n",
                                "1;a=b\rX\r\n",
                                "1,a\r\nX\r\n",
                                "1;a=\"\\\r\nX",
                                "0\r\nA: b\n\r\n",
                                "0\r\nA : b\r\n\r\n",
                                "0\r\nA\r\n\r\n",
                                "0\r\n A: b\r\n\r\n",
                                "0\r\nA: b\r\n c\r\n\r\n",
                                "0\r\nA: \x01\r\n\r\n",
                                std::string(2000, '0') + "\r\n"};
  for (const auto& body : bodies) {
    EXPECT_EQ(status_of(with("Transfer-Encoding: chunked\r\n") + body), 400) << body;
  }
}

TEST(RequestReader, OtherRefusals) {
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/0.9\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(status_of(with("Transfer-Encoding: gzip\r\n")), 501);
  EXPECT_EQ(status_of(with("Transfer-Encoding: identity\r\n")), 501);
  EXPECT_EQ(status_of(with("Expect: 200-ok\r\n")), 417);
  EXPECT_EQ(status_of(with("Content-Length: 1048577\r\n")), 413);
  EXPECT_EQ(status_of(with("Content-Length: 18446744073709551615\r\n")), 413);
  EXPECT_EQ(status_of(with("Transfer-Encoding: chunked\r\n") + "100001\r\n"), 413);
  EXPECT_EQ(status_of(with("Transfer-Encoding: chunked\r\n") + "ffffffffffffffff\r\n"), 413);
}

TEST(RequestReader, Limits) {
  const ReadLimits limits{.head = 400, .headers = 5, .uri = 100, .body = 20};
  const auto target = [](std::size_t size) {
    return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  EXPECT_EQ(status_of(target(100), limits), 0);
  EXPECT_EQ(status_of(target(101), limits), 414);
  EXPECT_EQ(status_of(target(500), limits), 414);
  EXPECT_EQ(status_of("GET /" + std::string(1000, 'a'), limits), 414);

  const auto head = [](std::size_t size) {
    const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
    return begin + std::string(size - begin.size() - 4, 'a') + "\r\n\r\n";
  };
  EXPECT_EQ(status_of(head(400), limits), 0);
  EXPECT_EQ(status_of(head(401), limits), 431);
  EXPECT_EQ(status_of(head(4000), limits), 431);

  EXPECT_EQ(status_of(with("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n"), limits), 0);
  EXPECT_EQ(status_of(with("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n"), limits), 431);

  EXPECT_EQ(status_of(with("Content-Length: 20\r\n") + std::string(20, 'a'), limits), 0);
  EXPECT_EQ(status_of(with("Content-Length: 21\r\n"), limits), 413);
  const auto chunked = with("Transfer-Encoding: chunked\r\n");
  EXPECT_EQ(status_of(chunked + "14\r\n" + std::string(20, 'a') + "\r\n0\r\n\r\n", limits), 0);
  EXPECT_EQ(status_of(chunked + "a\r\n0123456789\r\nb\r\n", limits), 413);
  EXPECT_EQ(status_of(chunked + "0\r\nA: " + std::string(400, 'a'), limits), 431);
  std::string stretched = chunked;
  for (int i = 0; i < 4; ++i) stretched += "1;" + std::string(150, 'e') + "\r\nX\r\n";
  EXPECT_EQ(status_of(stretched, limits), 431);
}

TEST(RequestReader, TakesWhatIsUnusualAndSound) {
  // RFC 9110 section 6.2: a higher minor version is read as ours.
  EXPECT_EQ(read_all("GET / HTTP/1.2\r\nHost: h\r\n\r\n"), "GET /? host=h Host=h body= keep\n");
  EXPECT_EQ(read_all("GET / HTTP/1.0\r\n\r\n"), "GET /? host= body= close\n");
  EXPECT_EQ(read_all("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
            "GET /? host= Connection=Keep-Alive body= keep\n");
  EXPECT_EQ(read_all("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
            "GET /? host= Connection=keep-alive, close body= close\n");
  EXPECT_EQ(read_all("GET HTTP://h:1?q HTTP/1.1\r\nHost: H:1\r\n\r\n"),
            "GET /?q host=h:1 Host=H:1 body= keep\n");
  EXPECT_EQ(read_all("GET https://[::1]/x HTTP/1.1\r\nHost: [::1]\r\n\r\n"),
            "GET /x? host=[::1] Host=[::1] body= keep\n");
  EXPECT_EQ(read_all("purge /?a=?b HTTP/1.1\r\nHost: h\r\nA:\r\nB:  \t\r\n\r\n"),
            "purge /?a=?b host=h Host=h A= B= body= keep\n");
  EXPECT_EQ(read_all(with("Content-Length: 0003\r\n") + "abc"),
            "POST /p? host=h Host=h Content-Length=0003 body=abc keep\n");
  EXPECT_EQ(read_all(with("TRANSFER-ENCODING: Chunked\r\n") + "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"),
            "POST /p? host=h Host=h TRANSFER-ENCODING=Chunked body=ab keep\n");
}

TEST(RequestReader, TrailersAreDropped) {
  EXPECT_EQ(read_all(with("Transfer-Encoding: chunked\r\n") +
                     "1\r\na\r\n0\r\nHost: evil\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"),
            "POST /p? host=h Host=h Transfer-Encoding=chunked body=a keep\n");
}

TEST(RequestReader, AMegabyteInOneByteChunksIsReadInPlace) {
  std::string stream = with("Transfer-Encoding: chunked\r\n");
  const std::size_t size = 200'000;
  for (std::size_t i = 0; i < size; ++i) stream += "1\r\nx\r\n";
  stream += "0\r\n\r\n";
  const auto out = read_all(stream, 5000);
  EXPECT_NE(out.find("body=" + std::string(size, 'x') + " keep\n"), std::string::npos);
}

TEST(RequestReader, TheClientsIdIsTakenWhereItIsSound) {
  const auto id_of = [](std::string_view value) {
    RequestReader reader{ReadLimits{}};
    const auto stream = with("X-Request-Id: " + std::string(value) + "\r\n");
    const auto room = reader.room();
    std::memcpy(room.data(), stream.data(), stream.size());
    reader.received(stream.size());
    EXPECT_EQ(reader.advance(), Progress::complete);
    Request request;
    reader.view(request);
    return std::string(request.id);
  };
  EXPECT_EQ(id_of("aZ0.9_-"), "aZ0.9_-");
  EXPECT_EQ(id_of(std::string(128, 'a')), std::string(128, 'a'));
  EXPECT_EQ(id_of(std::string(129, 'a')), "");
  EXPECT_EQ(id_of("a b"), "");
  EXPECT_EQ(id_of("a\"b"), "");
  EXPECT_EQ(id_of("\xc3\xa4"), "");
  EXPECT_EQ(id_of(""), "");
}

TEST(RequestReader, ContinueIsWantedOnceAndNotBehindABody) {
  const auto wants = [](std::string_view rest) {
    RequestReader reader{ReadLimits{}};
    const auto stream = with("Expect: 100-Continue\r\nContent-Length: 3\r\n") + std::string(rest);
    const auto room = reader.room();
    std::memcpy(room.data(), stream.data(), stream.size());
    reader.received(stream.size());
    EXPECT_EQ(reader.advance(), Progress::need_more);
    const bool first = reader.wants_continue();
    EXPECT_FALSE(reader.wants_continue());
    return first;
  };
  EXPECT_TRUE(wants(""));
  EXPECT_FALSE(wants("a"));
}

}  // namespace
}  // namespace easyjwt::http
