#include "service/log_sink.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/json.hpp"
#include "files.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

class Sink : public testing::Test {
 protected:
  ~Sink() override { ::close(fd_); }

  std::string text() const { return read_whole(file_); }
  /// What `use` logs, without the times.
  template <class Use>
  std::string logged(LogSink::Format format, const Use& use) {
    {
      LogSink sink(format, fd_);
      use(sink.log());
    }
    auto out = text();
    EXPECT_EQ(::ftruncate(fd_, 0), 0);
    return out;
  }

  TemporaryFolder folder_;
  std::string file_ = folder_.path("log");
  int fd_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
};

TEST_F(Sink, WritesTextForPeople) {
  const auto line = logged(LogSink::Format::text, [](const Log& log) {
    log(LogLevel::info, "request", {{"method", "GET"}, {"path", "/a b"}, {"empty", ""}});
  });
  ASSERT_GT(line.size(), 25u);
  EXPECT_EQ(line.substr(24), " info request method=GET path=\"/a b\" empty=\"\"\n");
  EXPECT_TRUE(parse_time(line.substr(0, 24))) << line;
  EXPECT_EQ(line[19], '.');
  EXPECT_EQ(line[23], 'Z');
}

TEST_F(Sink, WritesJsonForMachines) {
  const auto line = logged(LogSink::Format::json, [](const Log& log) {
    log(LogLevel::error, "a \"quoted\" message", {{"path", "/\\\n\x01"}});
  });
  const auto value = parse_json(line.substr(0, line.size() - 1));
  ASSERT_TRUE(value) << line;
  EXPECT_EQ(value->at("level").as_string(), "error");
  EXPECT_EQ(value->at("message").as_string(), "a \"quoted\" message");
  EXPECT_EQ(value->at("path").as_string(), "/\\\n\x01");
  EXPECT_TRUE(parse_time(value->at("time").as_string()));
}

TEST_F(Sink, KeepsLinksToNewPasswordsToItself) {
  for (const auto format : {LogSink::Format::text, LogSink::Format::json}) {
    const auto lines = logged(format, [](const Log& log) {
      log(LogLevel::info, "request", {{"path", "/accounts/reset/MQ/6ab-secret/"}});
      log(LogLevel::info, "request", {{"path", "/accounts/reset/MQ/6ab-secret/x"}});
      log(LogLevel::info, "request", {{"path", "/accounts/reset/"}});
    });
    EXPECT_EQ(lines.find("MQ"), lines.npos) << lines;
    EXPECT_EQ(lines.find("secret"), lines.npos) << lines;
    EXPECT_NE(lines.find("/accounts/reset/..."), lines.npos) << lines;
  }
}

/// A client's line breaks make no lines, its escape sequences move no cursor, and what is not UTF-8
/// makes no broken JSON.
TEST_F(Sink, TakesTheStingOutOfWhatClientsSend) {
  const std::vector<std::string> hostile{"x\n2026-01-01T00:00:00.000Z info forged",
                                         "x\r\nforged",
                                         "\x1b[2J",
                                         "\xc2\x9b"
                                         "2J",
                                         "\x7f",
                                         "\xff\xfe",
                                         "\xc3",
                                         "a=b",
                                         "\"",
                                         "\\",
                                         std::string("\0", 1),
                                         "\xe2\x82\xac"};
  for (const auto format : {LogSink::Format::text, LogSink::Format::json}) {
    for (const auto& text : hostile) {
      const auto line = logged(format, [&](const Log& log) {
        log(LogLevel::info, text, {{"value", text}});
      });
      EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
      EXPECT_EQ(line.find_first_of(std::string("\r\x1b\x7f\0", 4)), std::string::npos) << line;
      EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos) << line;
      if (format == LogSink::Format::json) {
        EXPECT_TRUE(parse_json(line.substr(0, line.size() - 1))) << line;
      }
    }
  }
  const auto euro = logged(LogSink::Format::text, [](const Log& log) {
    log(LogLevel::info, "\xe2\x82\xac", {{"value", "a=b"}});
  });
  EXPECT_EQ(euro.substr(24), " info \xe2\x82\xac value=\"a=b\"\n");
}

TEST_F(Sink, WritesWarningsAtOnceAndTheRestSoon) {
  LogSink sink(LogSink::Format::text, fd_);
  const auto log = sink.log();
  log(LogLevel::info, "first", {});
  EXPECT_EQ(text(), "");
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (text().empty() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(20ms);
  EXPECT_NE(text().find("first"), std::string::npos);
  log(LogLevel::info, "second", {});
  log(LogLevel::warning, "third", {});
  EXPECT_NE(text().find("second"), std::string::npos);
  EXPECT_NE(text().find("third"), std::string::npos);
  log(LogLevel::debug, "fourth", {});
  sink.flush();
  EXPECT_EQ(text().find("fourth"), std::string::npos);
}

TEST_F(Sink, KeepsLinesWholeAcrossThreads) {
  const auto text = logged(LogSink::Format::text, [](const Log& log) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&log] {
        for (int n = 0; n < 2000; ++n) log(LogLevel::info, "line", {{"n", std::to_string(n)}});
      });
    }
    for (auto& thread : threads) thread.join();
  });
  std::istringstream lines(text);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    ASSERT_EQ(line.substr(24, 14), " info line n=" + line.substr(37, 1)) << line;
  }
  EXPECT_EQ(count, 8000);
}

TEST_F(Sink, AClosedEndIsNoReasonToFail) {
  LogSink sink(LogSink::Format::text, -1);
  sink.log()(LogLevel::error, "nobody reads this", {});
}

}  // namespace
}  // namespace easyjwt
