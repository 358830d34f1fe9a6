#include <gtest/gtest.h>
#include <sys/resource.h>

#include "http/running_server.hpp"

namespace easyjwt::http {
namespace {

using namespace testing;
using Clock = std::chrono::steady_clock;

TEST(ServerLimits, SizesByTheirDefaults) {
  RunningServer server;
  const auto target = [](std::size_t size) { return "/echo/?" + std::string(size - 7, 'q'); };
  EXPECT_EQ(status_of(server.exchange(get(target(8192)))), 200);
  EXPECT_EQ(status_of(server.exchange(get(target(8193)))), 414);
  EXPECT_EQ(status_of(server.exchange(get(target(20'000)))), 414);

  std::string fields;
  for (int i = 1; i < 100; ++i) fields += "A: b\r\n";
  EXPECT_EQ(status_of(server.exchange(get("/echo/", fields))), 200);
  EXPECT_EQ(status_of(server.exchange(get("/echo/", fields + "A: b\r\n"))), 431);

  const auto head = [](std::size_t size) {
    return get("/echo/", "A: " + std::string(size - get("/echo/", "A: \r\n").size(), 'a') + "\r\n");
  };
  EXPECT_EQ(status_of(server.exchange(head(16 * 1024))), 200);
  EXPECT_EQ(status_of(server.exchange(head(16 * 1024 + 1))), 431);
  EXPECT_EQ(status_of(server.exchange(get("/echo/", "A: " + std::string(100'000, 'a')))), 431);

  EXPECT_EQ(status_of(server.exchange(post("/echo/", std::string(1024 * 1024, 'b')))), 200);
  EXPECT_EQ(status_of(server.exchange(
                "POST /echo/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n")),
            413);
}

TEST(ServerLimits, AChunkedBodyIsRefusedAsItGrows) {
  RunningServer server;
  RawClient client(server.port());
  client.send("POST /echo/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  const auto chunk = "10000\r\n" + std::string(65536, 'b') + "\r\n";
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(client.send(chunk));
  EXPECT_EQ(client.answer(true, 20ms), "");
  client.send("1\r\n");
  EXPECT_EQ(status_of(client.answer()), 413);

  RawClient fits(server.port());
  std::string body;
  for (int i = 0; i < 16; ++i) body += chunk;
  fits.send("POST /echo/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body +
            "0\r\n\r\n");
  const auto answer = fits.answer();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_TRUE(has(answer, "\r\n\r\n" + std::string(1024 * 1024, 'b') + "|"));
}

TEST(ServerLimits, Connections) {
  ServerSettings settings;
  settings.max_connections = 3;
  RunningServer server(settings);
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(server.port());
    clients.back().send(get("/echo/"));
    EXPECT_EQ(status_of(clients.back().answer()), 200);
  }
  RawClient one_too_many(server.port());
  EXPECT_EQ(status_of(one_too_many.rest()), 503);
  EXPECT_TRUE(one_too_many.closed());
  clients.pop_back();
  int status = 0;
  for (int i = 0; i < 100 && status != 200; ++i) {
    RawClient client(server.port());
    client.send(get("/echo/"));
    status = status_of(client.answer());
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(status, 200);
}

TEST(ServerLimits, SlowClientsNeitherDelayOthersNorStay) {
  ServerSettings settings;
  settings.threads = 1;
  settings.head_deadline = 600ms;
  settings.body_deadline = 600ms;
  RunningServer server(settings);
  const auto begin = Clock::now();
  std::vector<RawClient> slow;
  for (int i = 0; i < 300; ++i) {
    slow.emplace_back(server.port());
    slow.back().send(i % 2 == 0 ? "GET /echo/ HTTP/1.1\r\nHost: h\r\n"
                                : "POST /echo/ HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n");
  }
  RawClient quick(server.port());
  auto worst = Clock::duration::zero();
  while (Clock::now() - begin < 1200ms) {
    for (auto& client : slow) client.send("a");
    const auto before = Clock::now();
    quick.send(get("/echo/"));
    ASSERT_EQ(status_of(quick.answer()), 200);
    worst = std::max(worst, Clock::now() - before);
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_LT(worst, 250ms);
  for (auto& client : slow) {
    client.rest(4s);
    ASSERT_TRUE(client.closed());
  }
  EXPECT_LT(Clock::now() - begin, 4s);
  EXPECT_EQ(server.lines_with("status=408 reason=The request took too long."), 300);
}

TEST(ServerLimits, AnExpiredHeadIsAnswered408) {
  ServerSettings settings;
  settings.head_deadline = 100ms;
  RunningServer server(settings);
  RawClient client(server.port());
  client.send("GET /echo/ HTTP/1.1\r\n");
  EXPECT_EQ(status_of(client.rest(3s)), 408);
  EXPECT_TRUE(client.closed());
  // The deadline is of a head, not of a connection.
  RawClient patient(server.port());
  for (int i = 0; i < 8; ++i) {
    patient.send("GET /echo/ HTTP/1.1\r\n");
    std::this_thread::sleep_for(20ms);
    patient.send("Host: h\r\n\r\n");
    ASSERT_EQ(status_of(patient.answer()), 200);
    std::this_thread::sleep_for(60ms);
  }
}

TEST(ServerLimits, AnIdleConnectionIsClosed) {
  ServerSettings settings;
  settings.idle_deadline = 100ms;
  RunningServer server(settings);
  RawClient silent(server.port());
  RawClient used(server.port());
  used.send(get("/echo/"));
  EXPECT_EQ(status_of(used.answer()), 200);
  EXPECT_EQ(silent.rest(3s), "");
  EXPECT_TRUE(silent.closed());
  EXPECT_EQ(used.rest(3s), "");
  EXPECT_TRUE(used.closed());
}

TEST(ServerLimits, AClientThatDoesNotReadIsClosed) {
  ServerSettings settings;
  settings.write_deadline = 200ms;
  RunningServer server(settings);
  RawClient deaf(server.port(), 4096);
  deaf.send(get("/big/"));
  std::this_thread::sleep_for(800ms);
  const auto received = deaf.rest(3s);
  EXPECT_TRUE(deaf.closed());
  EXPECT_LT(received.size(), 8'000'000u);
  EXPECT_EQ(status_of(server.exchange(get("/echo/"))), 200);
}

TEST(ServerLimits, ABigAnswerReachesASlowReader) {
  RunningServer server;
  RawClient client(server.port(), 4096);
  client.send(get("/big/") + get("/echo/"));
  std::this_thread::sleep_for(50ms);
  const auto answer = client.answer();
  EXPECT_GT(answer.size(), 8'000'000u);
  EXPECT_TRUE(has(client.answer(), "\r\n\r\n\"hello\""));
}

/// Lowers the limit of open files to what is open now, for as long as it lives.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = dup(0);
    ::close(lowest_free);
    auto now = before_;
    now.rlim_cur = static_cast<rlim_t>(lowest_free);
    setrlimit(RLIMIT_NOFILE, &now);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(ServerLimits, BindMakesRoomForItsConnections) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  ASSERT_GE(before.rlim_max, 900u) << "the hard limit of open files is too low for this test";
  auto low = before;
  low.rlim_cur = 300;
  setrlimit(RLIMIT_NOFILE, &low);
  ServerSettings settings;
  settings.max_connections = 600;
  RunningServer server(settings);
  rlimit after{};
  getrlimit(RLIMIT_NOFILE, &after);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_GT(after.rlim_cur, 600u);
  EXPECT_EQ(after.rlim_max, before.rlim_max);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(ServerLimits, RunningOutOfFilesIsLoggedOnceAndRecoveredFrom) {
  ServerSettings settings;
  settings.threads = 1;
  RunningServer server(settings);
  // A connection has come and gone: UBSan opens a pipe where it sees a type for the first time, and
  // takes the object for a wild pointer if it can't.
  EXPECT_EQ(status_of(server.exchange(get("/echo/"))), 200);
  std::this_thread::sleep_for(200ms);
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(RawClient::unconnected());
  {
    const NoMoreFiles no_more_files;
    for (auto& client : clients) client.connect(server.port());
    for (auto& client : clients) client.send(get("/echo/"));
    const double before = cpu_seconds();
    std::this_thread::sleep_for(500ms);
    EXPECT_LT(cpu_seconds() - before, 0.25);  // no busy loop
    EXPECT_EQ(server.lines_with("E cannot accept connections reason=Too many open files"), 1);
  }
  for (auto& client : clients) EXPECT_EQ(status_of(client.answer()), 200);
}

}  // namespace
}  // namespace easyjwt::http
