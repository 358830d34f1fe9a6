#include "easyjwt/client/jwks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <future>
#include <mutex>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"
#include "fetch/scripted_server.hpp"
#include "jose/jwk.hpp"
#include "jose/keys.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::ScriptedServer;

bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// A server with a key set that tests change, a clock that they set, and the log as lines.
class JwksTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("no_proxy", "*", 1);
    std::signal(SIGPIPE, SIG_IGN);
  }

  JwksTest() { publish({"a"}); }

  static std::string set_of(const std::vector<std::string>& kids) {
    static const auto key = test::make_pem("ED25519").public_key;
    std::string keys;
    for (const auto& kid : kids) {
      keys += (keys.empty() ? "" : ",") + test::jwk(key, R"("kid":")" + kid + "\"");
    }
    return "{\"keys\":[" + keys + "]}";
  }
  void publish(const std::vector<std::string>& kids, const std::string& fields = "") {
    say(answer(set_of(kids), fields));
  }
  void say(std::string bytes) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(bytes);
  }

  JwksSettings settings() {
    return {.url = server_->url("/jwks.json"), .algorithm = jose::Algorithm::eddsa};
  }
  Clock clock() {
    return [this] { return Time{std::chrono::seconds{now_.load()}}; };
  }
  void pass(std::chrono::seconds time) { now_ += time.count(); }
  Log log() {
    return [this](LogLevel, std::string_view message, std::initializer_list<LogField> fields) {
      std::string line(message);
      for (const auto& field : fields) line.append(" ").append(field.value);
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::move(line));
    };
  }
  long lines_with(std::string_view text) {
    const std::lock_guard lock(mutex_);
    return std::count_if(lines_.begin(), lines_.end(),
                         [&](const auto& line) { return line.find(text) != line.npos; });
  }
  std::size_t lines() {
    const std::lock_guard lock(mutex_);
    return lines_.size();
  }

  std::string respond() {
    server_->pause(std::chrono::milliseconds{delay_.load()});
    const std::lock_guard lock(mutex_);
    return answer_;
  }
  int requests() const { return server_->requests(); }

  static bool has(const Result<std::shared_ptr<const jose::KeySet>>& set, std::string_view kid) {
    return set && !(*set)->candidates(jose::Algorithm::eddsa, kid).empty();
  }

  std::mutex mutex_;
  std::string answer_;
  std::vector<std::string> lines_;
  std::atomic<int> delay_ = 0;  // ms
  std::atomic<std::int64_t> now_ = 1'795'435'200;
  std::unique_ptr<ScriptedServer> server_ =
      std::make_unique<ScriptedServer>([this](const std::string&) { return respond(); });
  fetch::Fetcher fetcher_{{.connect_timeout = 2s, .total_timeout = 10s}};
};

TEST_F(JwksTest, FetchesAtFirstNeedAndThenNot) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  EXPECT_EQ(server_->connections(), 0);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(has(jwks.find("a"), "a"));
  EXPECT_TRUE(jwks.find(std::nullopt));
  EXPECT_EQ(requests(), 1);
  EXPECT_EQ(lines_with("are new 1 0"), 1);
}

TEST_F(JwksTest, ThreadsShareTheFirstFetch) {
  delay_ = 100;
  Jwks jwks(settings(), fetcher_, clock(), log());
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 12; ++i) {
    all.push_back(std::async(std::launch::async, [&] { return has(jwks.find("a"), "a"); }));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
  EXPECT_EQ(requests(), 1);
}

TEST_F(JwksTest, WhoMayNotWaitIsToldSoOnlyWhereAFetchIsNeeded) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  const auto without_waiting = [&](std::string_view kid) {
    const NoWaiting here;
    return jwks.find(kid);
  };
  EXPECT_EQ(without_waiting("a").error().code, Errc::would_wait);
  EXPECT_EQ(server_->connections(), 0);
  ASSERT_TRUE(jwks.find("a"));
  EXPECT_TRUE(has(without_waiting("a"), "a"));
  EXPECT_EQ(without_waiting("x").error().code, Errc::would_wait);
  EXPECT_EQ(requests(), 1);
  ASSERT_TRUE(jwks.find("x"));
  EXPECT_EQ(requests(), 2);
  // Known not to be there, by name and for the pause.
  EXPECT_TRUE(without_waiting("x"));
  EXPECT_TRUE(without_waiting("y"));
  // A refresh is not waited for.
  delay_ = 200;
  pass(10min);
  EXPECT_TRUE(has(without_waiting("a"), "a"));
  EXPECT_TRUE(eventually([&] { return requests() == 3; }));
}

TEST_F(JwksTest, RefreshesInTheBackgroundBeforeTheSetIsStale) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  publish({"a", "b"});
  pass(239s);
  EXPECT_TRUE(has(jwks.find("a"), "a"));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(requests(), 1);
  pass(1s);  // four fifths of five minutes
  EXPECT_TRUE(has(jwks.find("a"), "a"));
  EXPECT_TRUE(eventually([&] { return has(jwks.find("a"), "b"); }));
  EXPECT_EQ(requests(), 2);
  EXPECT_EQ(server_->connections(), 1);
  EXPECT_EQ(lines_with("are new"), 2);
  // The same set again is no news.
  pass(240s);
  EXPECT_TRUE(jwks.find("a"));
  EXPECT_TRUE(eventually([&] { return requests() == 3; }));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(lines(), 2U);
}

TEST_F(JwksTest, AWithdrawnKeyIsGoneAfterTheRefresh) {
  publish({"a", "b"});
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(has(jwks.find("b"), "b"));
  publish({"a"});
  pass(5min);
  EXPECT_TRUE(eventually([&] { return !has(jwks.find("a"), "b"); }));
}

/// Also without anybody who asks, by the thread's own timer.
TEST_F(JwksTest, RefreshesWhileNobodyAsks) {
  auto s = settings();
  s.lifetime = s.min_lifetime = 2s;
  Jwks jwks(s, fetcher_, system_clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  EXPECT_TRUE(eventually([&] { return requests() >= 3; }));
}

TEST_F(JwksTest, MaxAgeCountsWithinBounds) {
  struct Case {
    const char* fields;
    std::chrono::seconds fresh;
  };
  for (const auto& [fields, fresh] :
       {Case{"Cache-Control: public, max-age=100\r\n", 80s},
        Case{"Cache-Control: max-age=100\r\nAge: 50\r\n", 40s},
        Case{"Cache-Control: max-age=1\r\n", 24s}, Case{"Cache-Control: no-store\r\n", 24s},
        Case{"Cache-Control: max-age=31536000\r\n", 2880s},
        Case{"Cache-Control: max-age=99999999999999999999\r\n", 2880s},
        Case{"Cache-Control: max-age=-5\r\n", 240s}}) {
    publish({"a"}, fields);
    Jwks jwks(settings(), fetcher_, clock(), log());
    const int before = requests();
    ASSERT_TRUE(jwks.find("a"));
    pass(fresh - 1s);
    ASSERT_TRUE(jwks.find("a"));
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(requests(), before + 1) << fields;
    pass(1s);
    ASSERT_TRUE(jwks.find("a"));
    EXPECT_TRUE(eventually([&] { return requests() == before + 2; })) << fields;
  }
}

TEST_F(JwksTest, AClockThatIsSetBackCausesOneFetch) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  pass(-std::chrono::hours{24});
  ASSERT_TRUE(jwks.find("a"));
  EXPECT_TRUE(eventually([&] { return requests() == 2; }));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(jwks.find("a"));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(requests(), 2);
}

// ---- a server that is down

TEST_F(JwksTest, TheLastSetServesWhileTheServerIsDown) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  const int port = server_->port();
  server_->stop();
  for (int i = 0; i < 5; ++i) {
    pass(std::chrono::hours{24});
    EXPECT_TRUE(has(jwks.find("a"), "a"));
    EXPECT_TRUE(eventually([&] { return lines_with("cannot be fetched") == 1; }));
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(lines(), 2U);
  // An unknown kid is unknown.
  EXPECT_FALSE(has(jwks.find("x"), "x"));

  server_ =
      std::make_unique<ScriptedServer>([this](const std::string&) { return respond(); }, port);
  pass(31s);
  EXPECT_TRUE(has(jwks.find("a"), "a"));
  EXPECT_TRUE(eventually([&] { return lines_with("can be fetched again") == 1; }));
  EXPECT_EQ(lines(), 3U);
}

TEST_F(JwksTest, AnAnswerThatIsNoSetIsAServerThatIsDown) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  int expected = 1;
  for (const auto& bytes :
       {answer("", "", "500 Internal Server Error"), answer(set_of({"b"}), "", "404 Not Found"),
        answer(set_of({"b"}), "", "203 Non-Authoritative Information"),
        answer("", "Location: " + server_->url("/elsewhere") + "\r\n", "302 Found"),
        answer("<html></html>"), answer(""), answer("{}"), answer("{\"keys\":5}"),
        answer(std::string(2 * jose::max_key_set_size, ' ') + set_of({"b"}))}) {
    say(bytes);
    pass(10min);
    EXPECT_TRUE(has(jwks.find("a"), "a"));
    EXPECT_TRUE(eventually([&] { return requests() == expected + 1; })) << bytes.substr(0, 80);
    std::this_thread::sleep_for(10ms);
    expected = requests();
    EXPECT_TRUE(has(jwks.find("a"), "a"));
    EXPECT_FALSE(has(jwks.find("a"), "b"));
  }
  EXPECT_EQ(lines(), 2U);
}

/// Somebody withdrew all keys. That is an answer, and not to be mistaken for an outage.
TEST_F(JwksTest, AnEmptySetIsASet) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(has(jwks.find("a"), "a"));
  publish({});
  pass(10min);
  EXPECT_TRUE(eventually([&] { return !has(jwks.find("a"), "a"); }));
  EXPECT_TRUE(jwks.find(std::nullopt));
  EXPECT_EQ(lines_with("has no key of ALGORITHM 0 0"), 1);
}

TEST_F(JwksTest, WithoutAnySetItIsUnavailable) {
  say(answer("", "", "503 Service Unavailable"));
  Jwks jwks(settings(), fetcher_, clock(), log());
  for (int i = 0; i < 50; ++i) {
    const auto set = jwks.find("a");
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().code, Errc::unavailable);
    EXPECT_EQ(set.error().retry_after, 5s);
  }
  // Nor is anybody who may not wait sent to where they could.
  {
    const NoWaiting here;
    EXPECT_EQ(jwks.find("a").error().code, Errc::unavailable);
  }
  EXPECT_EQ(requests(), 1);
  EXPECT_EQ(lines(), 1U);
  publish({"a"});
  pass(5s);
  EXPECT_TRUE(has(jwks.find("a"), "a"));
  EXPECT_EQ(requests(), 2);
}

TEST_F(JwksTest, ItComesBackByItself) {
  say(answer("", "", "503 Service Unavailable"));
  auto s = settings();
  s.retry = 1s;
  Jwks jwks(s, fetcher_, system_clock(), log());
  EXPECT_FALSE(jwks.find("a"));
  publish({"a"});
  EXPECT_TRUE(eventually([&] { return lines_with("are new") == 1; }));
  const NoWaiting here;
  EXPECT_TRUE(has(jwks.find("a"), "a"));
}

// ---- unknown kids

TEST_F(JwksTest, ANewKeyIsFoundWhenItsFirstTokenComes) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  publish({"a", "b"});
  EXPECT_TRUE(has(jwks.find("b"), "b"));
  EXPECT_EQ(requests(), 2);
}

TEST_F(JwksTest, UnknownKidsFetchAtMostOncePerPause) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  for (int round = 1; round <= 4; ++round) {
    for (int i = 0; i < 500; ++i) {
      EXPECT_TRUE(jwks.find("x" + std::to_string(round * 1000 + i)));
    }
    EXPECT_EQ(requests(), 1 + round);
    pass(29s);
    EXPECT_TRUE(jwks.find("y" + std::to_string(round)));
    EXPECT_EQ(requests(), 1 + round);
    pass(1s);
  }
}

TEST_F(JwksTest, AMissIsRemembered) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  ASSERT_TRUE(jwks.find("x"));
  EXPECT_EQ(requests(), 2);
  pass(200s);
  ASSERT_TRUE(jwks.find("x"));
  EXPECT_EQ(requests(), 2);
  // Once it is published it is found with the next set, however it came.
  publish({"a", "x"});
  ASSERT_TRUE(jwks.find("y"));
  EXPECT_EQ(requests(), 3);
  EXPECT_TRUE(has(jwks.find("x"), "x"));
  EXPECT_EQ(requests(), 3);
}

TEST_F(JwksTest, AMissIsForgottenInTheEnd) {
  auto s = settings();
  s.lifetime = 3600s;
  Jwks jwks(s, fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  ASSERT_TRUE(jwks.find("x"));
  pass(299s);
  ASSERT_TRUE(jwks.find("x"));
  EXPECT_EQ(requests(), 2);
  pass(1s);
  ASSERT_TRUE(jwks.find("x"));
  EXPECT_EQ(requests(), 3);
}

TEST_F(JwksTest, AKidThatIsTooLongIsNobodys) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  EXPECT_TRUE(jwks.find(std::string(jose::max_kid_size + 1, 'k')));
  EXPECT_EQ(requests(), 1);
}

TEST_F(JwksTest, AStormOfUnknownKidsSharesAFetch) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  delay_ = 100;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        good += jwks.find("x" + std::to_string(t * 1000 + i)).has_value();
        good += has(jwks.find("a"), "a");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 1200);
  EXPECT_EQ(requests(), 2);
}

/// What is in the answer to a request that was sent before the key was published proves nothing.
TEST_F(JwksTest, AFetchThatWasUnderWayIsNoProof) {
  Jwks jwks(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  delay_ = 300;
  pass(10min);
  ASSERT_TRUE(jwks.find("a"));  // begins a refresh
  ASSERT_TRUE(eventually([&] { return requests() == 2; }));
  std::thread publisher([&] {
    eventually([&] { return requests() == 3; });
    publish({"a", "b"});
  });
  EXPECT_TRUE(has(jwks.find("b"), "b"));
  publisher.join();
  EXPECT_EQ(requests(), 3);
}

TEST_F(JwksTest, FewThreadsWaitForASlowServer) {
  auto s = settings();
  s.max_waiting = 2;
  Jwks jwks(s, fetcher_, clock(), log());
  ASSERT_TRUE(jwks.find("a"));
  delay_ = 2000;
  std::vector<std::future<bool>> waiting;
  for (const auto* kid : {"x", "y"}) {
    waiting.push_back(
        std::async(std::launch::async, [&, kid] { return jwks.find(kid).has_value(); }));
  }
  ASSERT_TRUE(eventually([&] {
    const auto third = jwks.find("a");  // never delayed
    return third.has_value() && requests() == 2;
  }));
  std::this_thread::sleep_for(100ms);
  const auto start = std::chrono::steady_clock::now();
  const auto third = jwks.find("z");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::unavailable);
  for (auto& one : waiting) EXPECT_TRUE(one.get());
}

// ---- beginning and end

TEST_F(JwksTest, EndsWhileAServerHangs) {
  auto jwks = std::make_unique<Jwks>(settings(), fetcher_, clock(), log());
  ASSERT_TRUE(jwks->find("a"));
  delay_ = 60'000;
  pass(10min);
  ASSERT_TRUE(jwks->find("a"));
  ASSERT_TRUE(eventually([&] { return requests() == 2; }));
  const auto start = std::chrono::steady_clock::now();
  jwks.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_EQ(lines_with("cannot be fetched"), 0);
}

TEST_F(JwksTest, AUrlThatCannotBeFetchedIsRefusedAtOnce) {
  for (const auto* url : {"", "jwks.json", "file:///etc/passwd", "https://a:geheim@b/"}) {
    auto s = settings();
    s.url = url;
    try {
      Jwks(s, fetcher_, clock(), log());
      ADD_FAILURE() << url;
    } catch (const SettingsError& error) {
      EXPECT_EQ(error.key, "EASY_JWT.JWK_URL");
      EXPECT_EQ(std::string(error.what()).find("geheim"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace easyjwt
