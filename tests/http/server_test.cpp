#include "easyjwt/http/server.hpp"

#include <gtest/gtest.h>

#include "http/running_server.hpp"

namespace easyjwt::http {
namespace {

using namespace testing;

TEST(Server, AnswersWithTheFieldsThatEveryAnswerHas) {
  RunningServer server;
  const auto answer = server.exchange(post("/echo/", "abc", "X-A: b\r\n"));
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nabc|b|127.0.0.1|http")) << answer;
  for (const auto* field :
       {"Date: ", "Content-Type: application/json\r\n", "Content-Length: 20\r\n",
        "X-Request-Id: ", "X-Content-Type-Options: nosniff\r\n", "X-Frame-Options: DENY\r\n",
        "Referrer-Policy: same-origin\r\n", "Cross-Origin-Opener-Policy: same-origin\r\n",
        "Allow: GET, POST, HEAD, OPTIONS\r\n", "Vary: Accept\r\n"}) {
    EXPECT_TRUE(has(answer, field)) << field << " in " << answer;
  }
  EXPECT_FALSE(has(answer, "Server:"));
  EXPECT_FALSE(has(answer, "Connection:"));
}

TEST(Server, RequestIdsGoInAndOut) {
  RunningServer server;
  EXPECT_TRUE(has(server.exchange(get("/echo/", "X-Request-Id: my.id-7\r\n")),
                  "X-Request-Id: my.id-7\r\n"));
  const auto made = server.exchange(get("/echo/", "X-Request-Id: my id\r\n"));
  const auto at = made.find("X-Request-Id: ") + 14;
  const auto id = made.substr(at, made.find("\r\n", at) - at);
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_TRUE(
      has(server.exchange(get("/throw/", "X-Request-Id: boom\r\n")), "\"request_id\":\"boom\""));
  EXPECT_TRUE(has(server.exchange("NONSENSE\r\n\r\n"), "X-Request-Id: "));
}

TEST(Server, LogsOneLineForARequest) {
  RunningServer server;
  server.exchange(get("/echo/?token=secret", "X-Request-Id: r1\r\nAuthorization: Bearer hush\r\n"));
  server.exchange(get("/throw/", "X-Request-Id: r2\r\n"));
  server.exchange(get("/none/", "X-Request-Id: r3\r\n"));
  server.exchange("GET /echo/?token=secret HTTP/1.1\r\nX-Request-Id: r4\r\n\r\n");
  server.exchange("GET / HTTP/1.1\nHost: secret\n\n");
  const auto lines = server.lines();
  EXPECT_EQ(server.lines_with(" request "), 5);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_TRUE(lines[0].starts_with("I request method=GET path=/echo/ status=200 ms=")) << lines[0];
  EXPECT_TRUE(lines[0].ends_with(" bytes=7 client=127.0.0.1 id=r1")) << lines[0];
  EXPECT_EQ(lines[1], "E unhandled exception id=r2 path=/throw/ what=a fault");
  EXPECT_TRUE(lines[2].starts_with("E request method=GET path=/throw/ status=500 ")) << lines[2];
  EXPECT_TRUE(lines[3].starts_with("I request method=GET path=/none/ status=404 ")) << lines[3];
  EXPECT_TRUE(lines[4].starts_with("I request status=400 reason=Missing Host header. "))
      << lines[4];
  EXPECT_TRUE(lines[5].starts_with("I request status=400 reason=Malformed line ending. "))
      << lines[5];
  EXPECT_EQ(server.lines_with("secret"), 0);
  EXPECT_EQ(server.lines_with("hush"), 0);
}

TEST(Server, EverySplitOfARequestIsTheSameRequest) {
  RunningServer server;
  const std::string requests[] = {post("/echo/", "{\"a\":\"b\"}", "X-A: c\r\n"),
                                  "POST /echo/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                                  "chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: "
                                  "1\r\n\r\n"};
  RawClient client(server.port());
  for (const auto& request : requests) {
    client.send(request);
    auto whole = client.answer();
    whole.erase(0, whole.find("\r\n\r\n"));
    ASSERT_TRUE(has(whole, "|127.0.0.1|"));
    for (std::size_t cut = 1; cut < request.size(); ++cut) {
      client.send(request.substr(0, cut));
      std::this_thread::sleep_for(200us);
      client.send(request.substr(cut));
      const auto answer = client.answer();
      ASSERT_TRUE(answer.ends_with(whole)) << "cut at " << cut << ": " << answer;
    }
  }
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  RunningServer server;
  RawClient client(server.port());
  std::string many;
  for (int i = 0; i < 500; ++i) many += post("/echo/", "n" + std::to_string(i));
  client.send(many);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(has(client.answer(), "\r\n\r\nn" + std::to_string(i) + "|")) << i;
  }
}

TEST(Server, PipelinedRequestsWaitForOneInALane) {
  RunningServer server;
  RawClient client(server.port());
  client.send(post("/echo/", "first") + get("/wait/") + post("/echo/", "third") + get("/wait/") +
              "NONSENSE\r\n\r\n");
  EXPECT_TRUE(has(client.answer(), "\r\n\r\nfirst|"));
  server.await_waiting(1);
  EXPECT_EQ(client.answer(true, 50ms), "");
  server.open();
  EXPECT_TRUE(has(client.answer(), "\r\n\r\n\"waited\""));
  EXPECT_TRUE(has(client.answer(), "\r\n\r\nthird|"));
  EXPECT_TRUE(has(client.answer(), "\r\n\r\n\"waited\""));
  EXPECT_EQ(status_of(client.answer()), 400);
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.closed());
}

TEST(Server, TheLanesDoNotHoldUpTheConnectionThreads) {
  ServerSettings settings;
  settings.threads = 1;
  settings.storage_threads = 4;
  RunningServer server(settings);
  std::vector<RawClient> waiting;
  for (int i = 0; i < 8; ++i) {
    waiting.emplace_back(server.port());
    waiting.back().send(get("/wait/"));
  }
  server.await_waiting(4);
  EXPECT_EQ(status_of(server.exchange(get("/echo/"))), 200);
  EXPECT_EQ(server.waiting(), 4);
  server.open();
  for (auto& client : waiting) EXPECT_EQ(status_of(client.answer()), 200);
}

TEST(Server, AFullHashingQueueAnswers503) {
  ServerSettings settings;
  settings.hashing_threads = 1;
  settings.hashing_queue = 1;
  RunningServer server(settings);
  RawClient running(server.port());
  running.send(post("/hash/", ""));
  server.await_waiting(1);
  RawClient queued(server.port());
  queued.send(post("/hash/", ""));
  // Whether the one before is in the queue yet cannot be seen; the queue stays full from then on.
  std::string answer;
  while (answer.empty()) {
    RawClient other(server.port());
    other.send(post("/hash/", ""));
    answer = other.answer(true, 200ms);
    if (answer.empty()) queued.close();
  }
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_TRUE(has(answer, "Retry-After: 1\r\n"));
  EXPECT_TRUE(has(answer, "Allow: POST, OPTIONS\r\n"));
  server.open();
  EXPECT_EQ(status_of(running.answer()), 200);
}

TEST(Server, AClientThatLeavesWhileItsRequestWaitsLeaksNothing) {
  RunningServer server;
  {
    std::vector<RawClient> clients;
    for (int i = 0; i < 20; ++i) {
      clients.emplace_back(server.port());
      clients.back().send(get("/wait/") + get("/wait/"));
    }
    server.await_waiting(20);
    for (auto& client : clients) client.reset();
  }
  server.open();
  EXPECT_EQ(status_of(server.exchange(get("/echo/"))), 200);
  server.stop();
  EXPECT_TRUE(server.stops_within(2s));  // a connection that lived on would hold it up
}

TEST(Server, KeepAliveAndClose) {
  RunningServer server;
  RawClient client(server.port());
  client.send(get("/echo/"));
  EXPECT_FALSE(has(client.answer(), "Connection:"));
  client.send(get("/echo/", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(has(client.answer(), "Connection:"));
  client.send(get("/echo/", "Connection: Close\r\n") + get("/echo/"));
  EXPECT_TRUE(has(client.answer(), "Connection: close\r\n"));
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.closed());

  RawClient old(server.port());
  old.send("GET /echo/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(has(old.answer(), "Connection: keep-alive\r\n"));
  old.send("GET /echo/ HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(has(old.answer(), "Connection: close\r\n"));
  EXPECT_EQ(old.rest(), "");
  EXPECT_TRUE(old.closed());
}

TEST(Server, AClientMayStopSendingAndStillRead) {
  RunningServer server;
  RawClient client(server.port());
  client.send(get("/echo/"));
  client.finish_sending();
  EXPECT_EQ(status_of(client.answer()), 200);
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.closed());
}

TEST(Server, HeadAnd204HaveNoBody) {
  RunningServer server;
  RawClient client(server.port());
  client.send("HEAD /echo/ HTTP/1.1\r\nHost: h\r\n\r\n" + get("/nothing/") + get("/echo/"));
  const auto head = client.answer(false);
  EXPECT_TRUE(has(head, "Content-Length: 7\r\n"));
  const auto nothing = client.answer();
  EXPECT_EQ(status_of(nothing), 204);
  EXPECT_FALSE(has(nothing, "Content-Length"));
  EXPECT_TRUE(has(client.answer(), "\r\n\r\n\"hello\""));
}

TEST(Server, ContinueIsSentWhenTheBodyIsWanted) {
  RunningServer server;
  const auto head = [](std::string_view length, std::string_view version = "1.1") {
    return "POST /echo/ HTTP/" + std::string(version) +
           "\r\nHost: h\r\nContent-Length: " + std::string(length) + "\r\nExpect: 100-continue\r\n";
  };
  RawClient client(server.port());
  client.send(head("3") + "\r\n");
  EXPECT_EQ(client.answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_TRUE(has(client.answer(), "\r\n\r\nabc|"));
  client.send(head("3") + "\r\nabc");
  EXPECT_TRUE(has(client.answer(), "\r\n\r\nabc|"));
  client.send(
      "POST /echo/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_EQ(client.answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("3\r\nabc\r\n0\r\n\r\n");
  EXPECT_TRUE(has(client.answer(), "\r\n\r\nabc|"));

  EXPECT_EQ(status_of(server.exchange(head("2000000") + "\r\n")), 413);
  EXPECT_EQ(status_of(server.exchange(head("3") + "Transfer-Encoding: chunked\r\n\r\n")), 400);
  EXPECT_EQ(status_of(server.exchange("GET / HTTP/1.1\r\nHost: h\r\nExpect: more\r\n\r\n")), 417);
  RawClient old(server.port());
  old.send(head("3", "1.0") + "\r\n");
  EXPECT_EQ(old.answer(true, 100ms), "");
  old.send("abc");
  EXPECT_TRUE(has(old.answer(), "\r\n\r\nabc|"));
}

TEST(Server, OptionsForTheServerItself) {
  RunningServer server({}, {"localhost"});
  const auto answer = server.exchange("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(answer), 204);
}

TEST(Server, AWrongHostIs400) {
  RunningServer server({}, {"localhost"});
  const auto with_host = [&](std::string_view host) {
    return status_of(
        server.exchange("GET /echo/ HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"));
  };
  EXPECT_EQ(with_host("localhost:1"), 200);
  EXPECT_EQ(with_host("evil.example"), 400);
  EXPECT_EQ(
      status_of(server.exchange("GET http://localhost/echo/ HTTP/1.1\r\nHost: localhost\r\n\r\n")),
      200);
  EXPECT_EQ(status_of(server.exchange("GET http://evil/echo/ HTTP/1.1\r\nHost: evil\r\n\r\n")),
            400);
  EXPECT_EQ(status_of(server.exchange("GET http://localhost/echo/ HTTP/1.1\r\nHost: evil\r\n\r\n")),
            400);
}

TEST(Server, AfterAFramingErrorTheAnswerIsSeenAndTheConnectionCloses) {
  RunningServer server;
  // What follows the error stays unread; a plain close() would reset the connection over it.
  const std::string noise(200'000, 'x');
  for (const auto* request :
       {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/3.0\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    RawClient client(server.port());
    client.send(request + noise);
    const auto answer = client.answer();
    EXPECT_GE(status_of(answer), 400) << request;
    EXPECT_TRUE(has(answer, "Connection: close\r\n")) << answer;
    EXPECT_TRUE(has(answer, "{\"detail\":\"")) << answer;
    client.finish_sending();
    EXPECT_EQ(client.rest(), "");
    EXPECT_TRUE(client.closed());
  }
}

TEST(Server, ASmuggledRequestIsNeverAnswered) {
  RunningServer server;
  const std::string inner = "GET /throw/ HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string tricks[] = {
      "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
      "Content-Length: 0\r\nContent-Length: " + std::to_string(inner.size()) + "\r\n",
      "Content-Length: 0\r\nContent-Length: 0\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding : chunked\r\n",
      "Transfer-Encoding: identity\r\n",
      "A: b\r\n\tContent-Length: 0\r\n",
      "A: b\nContent-Length: 0\r\n",
  };
  for (const auto& fields : tricks) {
    RawClient client(server.port());
    client.send("POST /echo/ HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + inner);
    const auto answer = client.answer();
    EXPECT_GE(status_of(answer), 400) << fields;
    EXPECT_EQ(client.rest(), "") << fields;
  }
  EXPECT_EQ(server.lines_with("/throw/"), 0);
}

TEST(Server, StopFinishesWhatIsInFlight) {
  RunningServer server;
  RawClient idle(server.port());
  idle.send(get("/echo/"));
  idle.answer();
  RawClient fresh(server.port());
  RawClient in_lane(server.port());
  in_lane.send(get("/wait/") + get("/echo/"));
  RawClient half(server.port());
  half.send("POST /echo/ HTTP/1.1\r\nHost: h\r\nContent-Le");
  server.await_waiting(1);
  std::this_thread::sleep_for(50ms);  // until the half is read too
  server.stop();
  server.stop();
  EXPECT_EQ(idle.rest(), "");
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(fresh.rest(), "");
  EXPECT_TRUE(fresh.closed());
  EXPECT_FALSE(server.stops_within(50ms));
  EXPECT_THROW(RawClient(server.port()), std::runtime_error);

  half.send("ngth: 3\r\n\r\nabc");
  const auto answer = half.answer();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
  half.close();
  server.open();
  const auto waited = in_lane.answer();
  EXPECT_EQ(status_of(waited), 200);
  EXPECT_TRUE(has(waited, "Connection: close\r\n"));
  EXPECT_EQ(in_lane.rest(), "");
  in_lane.close();
  EXPECT_TRUE(server.stops_within(2s));
}

TEST(Server, StopDoesNotWaitBeyondTheDrainDeadline) {
  ServerSettings settings;
  settings.drain_deadline = 100ms;
  RunningServer server(settings);
  RawClient in_lane(server.port());
  in_lane.send(get("/wait/"));
  RawClient half(server.port());
  half.send("GET");
  server.await_waiting(1);
  server.stop();
  EXPECT_TRUE(server.stops_within(2s));
  EXPECT_EQ(in_lane.rest(), "");
  EXPECT_TRUE(in_lane.closed());
}

TEST(Server, StopAnswersWhatIsOnItsWay) {
  ServerSettings settings;
  settings.threads = 1;
  // No call takes what waits and closes at once: who connects between the two is reset. It is a
  // matter of microseconds; without taking what waits it is most of them.
  int lost = 0;
  for (int round = 0; round < 20; ++round) {
    RunningServer server(settings);
    RawClient kept(server.port());
    kept.send(get("/echo/"));
    EXPECT_EQ(status_of(kept.answer()), 200);
    std::thread stopper([&] { server.stop(); });
    // Whether stop() comes before, between or after these, nobody is reset.
    RawClient late = RawClient::unconnected();
    bool connected = true;
    try {
      late.connect(server.port());
    } catch (const std::runtime_error&) {
      connected = false;
    }
    stopper.join();
    if (connected) {
      std::this_thread::sleep_for(20ms);
      late.send(get("/echo/"));
      const auto answer = late.answer();
      lost += answer.empty();
      EXPECT_TRUE(answer.empty() || status_of(answer) == 200) << answer;
      EXPECT_TRUE(answer.empty() || has(answer, "Connection: close\r\n")) << answer;
    }
    EXPECT_EQ(kept.rest(), "");
    EXPECT_TRUE(kept.closed());
    late.close();
    EXPECT_TRUE(server.stops_within(2s));
  }
  EXPECT_LE(lost, 3);
}

TEST(Server, DrainServesOnAndEndsConnections) {
  RunningServer server;
  RawClient kept(server.port());
  kept.send(get("/echo/"));
  EXPECT_FALSE(has(kept.answer(), "Connection:"));
  RawClient in_lane(server.port());
  in_lane.send(get("/wait/"));
  server.await_waiting(1);

  server.server().drain();
  server.server().drain();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(kept.rest(50ms), "");
  EXPECT_FALSE(kept.closed());
  kept.send(get("/echo/"));
  for (int i = 0; i < 10; ++i) {
    const auto answer = server.exchange(get("/echo/"));
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_TRUE(has(answer, "Connection: close\r\n")) << answer;
  }
  const auto last = kept.answer();
  EXPECT_EQ(status_of(last), 200);
  EXPECT_TRUE(has(last, "Connection: close\r\n")) << last;
  EXPECT_EQ(kept.rest(), "");
  EXPECT_TRUE(kept.closed());
  server.open();
  EXPECT_TRUE(has(in_lane.answer(), "Connection: close\r\n"));
  EXPECT_FALSE(server.stopped());
  server.stop();
  in_lane.close();
  kept.close();
  EXPECT_TRUE(server.stops_within(2s));
}

TEST(Server, ForwardedFieldsCountFromTrustedProxiesOnly) {
  const auto fields = "X-Forwarded-For: 203.0.113.7, 192.0.2.1\r\nX-Forwarded-Proto: https\r\n";
  const auto answer_with = [&](const std::vector<std::string>& proxies, std::string_view sent) {
    ServerSettings settings;
    for (const auto& proxy : proxies) {
      settings.trusted_proxies.push_back(Network::parse(proxy).value());
    }
    RunningServer server(settings);
    const auto answer = server.exchange(post("/echo/", "", sent));
    const auto told = answer.substr(answer.find("\r\n\r\n") + 4);
    const auto client = told.substr(2, told.rfind('|') - 2);
    EXPECT_EQ(server.lines_with(" client=" + client + " "), 1) << told;
    // What cannot be read has no fields.
    server.exchange("GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\nHost: a,b\r\n\r\n");
    EXPECT_EQ(server.lines_with("status=400 reason=Invalid Host header."), 1);
    EXPECT_EQ(server.lines_with("Invalid Host header. bytes=33 client=127.0.0.1 "), 1);
    return told;
  };
  EXPECT_EQ(answer_with({}, fields), "||127.0.0.1|http");
  EXPECT_EQ(answer_with({"10.0.0.0/8", "::1"}, fields), "||127.0.0.1|http");
  EXPECT_EQ(answer_with({"127.0.0.0/8"}, fields), "||192.0.2.1|https");
  EXPECT_EQ(answer_with({"127.0.0.1", "192.0.2.0/24"}, fields), "||203.0.113.7|https");
  EXPECT_EQ(answer_with({"127.0.0.1"}, ""), "||127.0.0.1|http");
  EXPECT_EQ(answer_with({"127.0.0.1"}, "X-Forwarded-For: x\r\nX-Forwarded-Proto: ftp\r\n"),
            "||127.0.0.1|http");
}

TEST(Server, StopBeforeRun) {
  Router router({"*"}, no_log());
  ServerSettings settings;
  settings.listen = "127.0.0.1:0";
  Server server(settings, router, no_log());
  server.bind();
  server.stop();
  server.run();
}

TEST(Server, ListensWhereItIsTold) {
  Router router({"*"}, no_log());
  const auto address_of = [&](std::string listen, unsigned threads) {
    ServerSettings settings;
    settings.listen = std::move(listen);
    settings.threads = threads;
    Server server(settings, router, no_log());
    server.bind();
    return server.address();
  };
  EXPECT_TRUE(address_of("127.0.0.1:0", 1).starts_with("127.0.0.1:"));
  EXPECT_TRUE(address_of("localhost:0", 2).find(':') != std::string::npos);
  const auto all = address_of(":0", 2);
  EXPECT_TRUE(all.starts_with("[::]:") || all.starts_with("0.0.0.0:")) << all;
  for (const auto* wrong : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", ":", ":x", ":70000",
                            "127.0.0.1:70000", "no.such.host.invalid:0"}) {
    EXPECT_THROW(address_of(wrong, 1), ServerError) << wrong;
  }
}

TEST(Server, TwoServersDoNotShareAPort) {
  RunningServer first;
  ServerSettings settings;
  settings.listen = first.server().address();
  settings.threads = 2;
  Router router({"*"}, no_log());
  Server second(settings, router, no_log());
  try {
    second.bind();
    FAIL() << "took a port that is in use";
  } catch (const ServerError& error) {
    EXPECT_EQ(error.what(), "cannot listen on " + settings.listen + ": Address already in use");
  }
}

TEST(Server, AllThreadsTakeConnections) {
  ServerSettings settings;
  settings.threads = 3;
  RunningServer server(settings);
  std::vector<std::string> prefixes;
  for (int i = 0; i < 64; ++i) {
    const auto answer = server.exchange(get("/echo/"));
    const auto prefix = answer.substr(answer.find("X-Request-Id: ") + 14, 16);
    if (std::find(prefixes.begin(), prefixes.end(), prefix) == prefixes.end()) {
      prefixes.push_back(prefix);
    }
  }
  EXPECT_EQ(prefixes.size(), 3u);  // request ids begin with a number of the thread's own
}

/// A writer as a database has one: a thread that runs tasks and says later what became of them.
class TestCommitter {
 public:
  ~TestCommitter() {
    for (auto& thread : threads_) thread.join();
  }
  Committer committer() {
    return [this](Task& task) {
      if (refuses) return false;
      ++taken;
      threads_.emplace_back([this, &task] {
        {
          std::optional<NoWaiting> no_waiting;
          if (may_not_wait) no_waiting.emplace();
          for (int i = 0; !fails && i < runs; ++i) task.run();
        }
        const Error error = Error::unavailable("disk full");
        task.done(fails ? &error : nullptr);
      });
      return true;
    };
  }

  bool refuses = false;
  bool may_not_wait = false;
  bool fails = false;
  int runs = 1;
  std::atomic<int> taken = 0;

 private:
  std::vector<std::thread> threads_;
};

ServerSettings with(TestCommitter& committer) {
  ServerSettings settings;
  settings.threads = 1;
  settings.committer = committer.committer();
  return settings;
}

TEST(CommitLane, IsAnsweredOnceItIsCommitted) {
  TestCommitter committer;
  RunningServer server(with(committer));
  server.open();
  EXPECT_TRUE(has(server.exchange(post("/commit/", "") + get("/echo/", "Connection: close\r\n")),
                  "\"waited\""));
  EXPECT_EQ(committer.taken, 1);
}

TEST(CommitLane, AFailedCommitIsAnErrorOfTheView) {
  TestCommitter committer;
  committer.fails = true;
  RunningServer server(with(committer));
  server.open();
  const auto answer = server.exchange(post("/commit/", "", "Connection: close\r\n"));
  EXPECT_TRUE(has(answer, "HTTP/1.1 503 ")) << answer;
  EXPECT_TRUE(has(answer, "Retry-After: 1\r\n")) << answer;
  EXPECT_TRUE(has(answer, "Allow: POST, OPTIONS\r\n")) << answer;
}

TEST(CommitLane, WhatWaitsForMoreGoesOnInTheStorageLane) {
  TestCommitter committer;
  committer.may_not_wait = true;
  RunningServer server(with(committer));
  server.open();
  EXPECT_TRUE(has(server.exchange(post("/commit/", "", "Connection: close\r\n")), "\"waited\""));
  EXPECT_EQ(committer.taken, 1);
}

TEST(CommitLane, IsTheStorageLaneWhereNobodyCommits) {
  TestCommitter committer;
  committer.refuses = true;
  RunningServer server(with(committer));
  server.open();
  EXPECT_TRUE(has(server.exchange(post("/commit/", "", "Connection: close\r\n")), "\"waited\""));
  RunningServer without;
  without.open();
  EXPECT_TRUE(has(without.exchange(post("/commit/", "", "Connection: close\r\n")), "\"waited\""));
}

TEST(CommitLane, WhatIsDeferredIsWrittenThereAndAnsweredByItsConnectionsThread) {
  TestCommitter committer;
  committer.may_not_wait = true;
  RunningServer server(with(committer));
  const auto answer = server.exchange(post("/deferred/", "", "Connection: close\r\n"));
  EXPECT_TRUE(has(answer, "write- answer- ")) << answer;
  EXPECT_TRUE(has(answer, "Allow: POST, OPTIONS\r\n")) << answer;
  EXPECT_EQ(committer.taken, 1);
}

TEST(CommitLane, WhatIsDeferredAndUndoneIsWrittenAgain) {
  TestCommitter committer;
  committer.may_not_wait = true;
  committer.runs = 2;
  RunningServer server(with(committer));
  const auto answer = server.exchange(post("/deferred/", "", "Connection: close\r\n"));
  EXPECT_TRUE(has(answer, "write- write- answer- ")) << answer;
}

TEST(CommitLane, WhatIsDeferredIsDoneByOneThreadThatMayWait) {
  RunningServer server;
  const auto answer = server.exchange(post("/deferred/", "", "Connection: close\r\n"));
  EXPECT_TRUE(has(answer, "write+ answer+ ")) << answer;
}

TEST(CommitLane, AnAnswerThatWouldWaitIsWorkedOutAnewInTheStorageLane) {
  TestCommitter committer;
  committer.may_not_wait = true;
  RunningServer server(with(committer));
  EXPECT_TRUE(has(server.exchange(post("/deferred/", "wait", "Connection: close\r\n")), "whole"));
  EXPECT_EQ(committer.taken, 1);
}

/// What it is answered, on a connection that goes on.
std::string deferred_before_another(const RunningServer& server, std::string_view body) {
  RawClient client(server.port());
  client.send(post("/deferred/", body) + get("/echo/"));
  auto answer = client.answer();
  EXPECT_TRUE(has(client.answer(), "hello"));
  return answer;
}

TEST(CommitLane, AFaultOfWhatIsDeferredIsAnInternalError) {
  TestCommitter committer;
  committer.may_not_wait = true;
  RunningServer server(with(committer));
  const auto answer = deferred_before_another(server, "throw");
  EXPECT_TRUE(has(answer, "HTTP/1.1 500 ")) << answer;
  EXPECT_EQ(server.lines_with("what=a fault of a write"), 1);
}

TEST(CommitLane, AFailedCommitOfWhatIsDeferredIsAnError) {
  TestCommitter committer;
  committer.fails = true;
  RunningServer server(with(committer));
  const auto answer = deferred_before_another(server, "");
  EXPECT_TRUE(has(answer, "HTTP/1.1 503 ")) << answer;
}

TEST(CommitLane, TheServerEndsAfterWhatIsBeingCommitted) {
  TestCommitter committer;
  std::optional<RunningServer> server;
  auto settings = with(committer);
  settings.drain_deadline = 50ms;
  server.emplace(settings);
  RawClient client(server->port());
  client.send(post("/commit/", ""));
  server->await_waiting(1);
  server->stop();
  ASSERT_TRUE(server->stops_within(5s));  // without it: its deadline is over
  server->open();
  server.reset();  // and yet not gone before it is done with
}

}  // namespace
}  // namespace easyjwt::http
