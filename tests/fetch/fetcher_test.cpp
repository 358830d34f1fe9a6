#include "easyjwt/fetch/fetcher.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "easyjwt/core/waiting.hpp"
#include "fetch/scripted_server.hpp"
#include "http/running_server.hpp"

namespace easyjwt::fetch {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::ScriptedServer;

/// The environment's proxy is no part of these tests.
class Outgoing : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("no_proxy", "*", 1);
    std::signal(SIGPIPE, SIG_IGN);
  }
};

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

TEST_F(Outgoing, AnAnswerHasStatusHeadersAndBody) {
  ScriptedServer server([](const std::string&) {
    return answer("body", "Cache-Control:  max-age=5 \r\nX-Empty:\r\n", "404 Not Found");
  });
  Fetcher fetcher({});
  const auto response = fetcher.fetch({.url = server.url("/a?b=c")});
  ASSERT_TRUE(response) << response.error().reason;
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "body");
  EXPECT_EQ(response->header("cache-CONTROL"), "max-age=5");
  EXPECT_EQ(response->header("X-Empty"), "");
  EXPECT_EQ(response->header("X-None"), "");
}

TEST_F(Outgoing, WhatIsSentIsWhatWasAskedFor) {
  std::string seen;
  ScriptedServer server([&](const std::string& request) {
    seen = request;
    return answer("");
  });
  Fetcher fetcher({});
  ASSERT_TRUE(fetcher.fetch(
      {.url = server.url("/a?b=c"), .headers = {{"Authorization", "Bearer x"}, {"X-Empty", ""}}}));
  EXPECT_TRUE(seen.starts_with("GET /a?b=c HTTP/1.1\r\n")) << seen;
  EXPECT_TRUE(has(seen, "\r\nAuthorization: Bearer x\r\n")) << seen;
  EXPECT_TRUE(has(seen, "\r\nX-Empty:\r\n")) << seen;
  // The handle is the same, nothing of the last request is left in it.
  const std::string body("a\0b", 3);
  ASSERT_TRUE(fetcher.fetch(
      {.url = server.url("/p"), .headers = {{"Content-Type", "application/json"}}, .body = body}));
  EXPECT_TRUE(seen.starts_with("POST /p HTTP/1.1\r\n")) << seen;
  EXPECT_TRUE(has(seen, "\r\nContent-Type: application/json\r\n")) << seen;
  EXPECT_FALSE(has(seen, "Authorization")) << seen;
  EXPECT_FALSE(has(seen, "Expect")) << seen;
  EXPECT_TRUE(seen.ends_with("\r\n\r\n" + body)) << seen;
  ASSERT_TRUE(fetcher.fetch({.url = server.url("/g")}));
  EXPECT_TRUE(seen.starts_with("GET /g HTTP/1.1\r\n")) << seen;
  EXPECT_FALSE(has(seen, "Content-")) << seen;
}

TEST_F(Outgoing, ConnectionsAreUsedAgain) {
  ScriptedServer server([](const std::string&) { return answer("x"); });
  Fetcher fetcher({});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(fetcher.fetch({.url = server.url()}));
  EXPECT_EQ(server.requests(), 20);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(Outgoing, ThreadsHaveAConnectionEachAtMost) {
  ScriptedServer server([](const std::string&) { return answer("x"); });
  Fetcher fetcher({});
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) good += fetcher.fetch({.url = server.url()}).has_value();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 400);
  EXPECT_LE(server.connections(), 8);
}

TEST_F(Outgoing, HandlesAreBounded) {
  std::promise<void> arrived;
  ScriptedServer* self = nullptr;
  ScriptedServer server([&](const std::string&) {
    arrived.set_value();
    self->pause(30s);
    return std::string();
  });
  self = &server;
  Fetcher fetcher({.max_handles = 1});
  auto first = std::async(std::launch::async, [&] { return fetcher.fetch({.url = server.url()}); });
  arrived.get_future().wait();
  const auto second = fetcher.fetch({.url = server.url()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  server.stop();
  EXPECT_FALSE(first.get());
  // It was given back.
  const auto third = fetcher.fetch({.url = server.url()});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::unavailable);
}

TEST_F(Outgoing, AConnectionThatTheServerClosedIsReplaced) {
  std::atomic<int> count = 0;
  ScriptedServer server(
      [&](const std::string&) { return ++count % 2 == 0 ? std::string() : answer("x"); });
  Fetcher fetcher({});
  ASSERT_TRUE(fetcher.fetch({.url = server.url()}));
  // Closed without an answer: asked again on a new connection.
  ASSERT_TRUE(fetcher.fetch({.url = server.url()}));
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(Outgoing, RedirectsAreNotFollowed) {
  ScriptedServer inside([](const std::string&) { return answer("secret"); });
  ScriptedServer server([&](const std::string&) {
    return answer("", "Location: " + inside.url() + "\r\n", "302 Found");
  });
  Fetcher fetcher({});
  const auto response = fetcher.fetch({.url = server.url()});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(inside.requests(), 0);
}

TEST_F(Outgoing, ASlowServerMeetsTheDeadline) {
  ScriptedServer* self = nullptr;
  ScriptedServer server([&](const std::string&) {
    self->pause(30s);
    return answer("late");
  });
  self = &server;
  Fetcher fetcher({.total_timeout = 200ms});
  const auto start = std::chrono::steady_clock::now();
  const auto response = fetcher.fetch({.url = server.url("/slow?token=geheim")});
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::unavailable);
  EXPECT_TRUE(has(response.error().reason, "GET " + server.url("/slow") + ": "))
      << response.error().reason;
  EXPECT_FALSE(has(response.error().reason, "geheim"));
}

TEST_F(Outgoing, AStopEndsAnExchange) {
  std::stop_source stop;
  ScriptedServer* self = nullptr;
  ScriptedServer server([&](const std::string&) {
    stop.request_stop();
    self->pause(60s);
    return std::string();
  });
  self = &server;
  Fetcher fetcher({.total_timeout = 60s});
  const auto start = std::chrono::steady_clock::now();
  const auto response = fetcher.fetch({.url = server.url(), .stop = stop.get_token()});
  EXPECT_LT(std::chrono::steady_clock::now() - start, 20s);
  ASSERT_FALSE(response);
  EXPECT_TRUE(has(response.error().reason, "stopped"));
}

TEST_F(Outgoing, AnAnswerIsBounded) {
  const std::string endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string chunk = "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  for (const auto& bytes : {answer(std::string(1001, 'x')), endless + chunk + "1\r\nx\r\n0\r\n\r\n",
                            "HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x'),
                            "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n"}) {
    ScriptedServer server([&](const std::string&) { return bytes; });
    Fetcher fetcher({.max_body = 1000});
    const auto response = fetcher.fetch({.url = server.url()});
    ASSERT_FALSE(response) << bytes.substr(0, 60);
    EXPECT_EQ(response.error().code, Errc::unavailable);
    EXPECT_TRUE(has(response.error().reason, "too large")) << response.error().reason;
  }
  ScriptedServer server([&](const std::string&) { return endless + chunk + "0\r\n\r\n"; });
  Fetcher fetcher({.max_body = 1000});
  EXPECT_EQ(fetcher.fetch({.url = server.url()})->body.size(), 1000U);
}

TEST_F(Outgoing, ManyHeadersAreBounded) {
  std::string fields;
  for (int i = 0; i < 2000; ++i) fields += "X-Header: " + std::string(40, 'x') + "\r\n";
  ScriptedServer server([&](const std::string&) { return answer("", fields); });
  Fetcher fetcher({});
  EXPECT_FALSE(fetcher.fetch({.url = server.url()}));
}

TEST_F(Outgoing, BrokenAnswersAreErrors) {
  for (const std::string bytes :
       {"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    ScriptedServer server([&, sent = std::make_shared<std::atomic<bool>>()](const std::string&) {
      return sent->exchange(true) ? std::string() : bytes;
    });
    Fetcher fetcher({.total_timeout = 500ms});
    const auto response = fetcher.fetch({.url = server.url()});
    ASSERT_FALSE(response) << bytes;
    EXPECT_EQ(response.error().code, Errc::unavailable);
  }
}

TEST_F(Outgoing, AHeaderCannotBeginAnother) {
  ScriptedServer server([](const std::string&) { return answer(""); });
  Fetcher fetcher({});
  for (const auto& header :
       {FetchedHeader{"X", "a\r\nEvil: 1"}, FetchedHeader{"X", "a\nEvil"},
        FetchedHeader{"X\r\nEvil", "1"}, FetchedHeader{"X", std::string("a\0b", 3)}}) {
    EXPECT_FALSE(fetcher.fetch({.url = server.url(), .headers = {header}}));
  }
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(Outgoing, WhoMayNotWaitSendsNothing) {
  ScriptedServer server([](const std::string&) { return answer(""); });
  Fetcher fetcher({});
  const NoWaiting here;
  const auto response = fetcher.fetch({.url = server.url()});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::would_wait);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(Outgoing, OnlyHttpUrlsWithoutCredentials) {
  Fetcher fetcher({});
  for (const auto* url :
       {"", "x", "/etc/passwd", "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/",
        "http://", "http://geheim@127.0.0.1/", "http://a:geheim@127.0.0.1/", "http://a b/",
        "http://127.0.0.1:99999/", "dict://127.0.0.1/", "127.0.0.1:80"}) {
    EXPECT_TRUE(refuse_url(url)) << url;
    const auto response = fetcher.fetch({.url = url});
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().code, Errc::unavailable);
    EXPECT_FALSE(has(response.error().reason, "geheim"));
  }
  EXPECT_FALSE(refuse_url("http://127.0.0.1:8000/.well-known/jwks.json"));
  EXPECT_FALSE(refuse_url("https://auth.example.com/jwks?tenant=5"));
  EXPECT_FALSE(refuse_url("HTTPS://[::1]:8000/"));
}

/// Over libcurl, which knows what the environment's proxies are for.
TEST_F(Outgoing, AProxyOfTheEnvironmentIsAsked) {
  std::string seen;
  ScriptedServer proxy([&](const std::string& request) {
    seen = request;
    return answer("by proxy");
  });
  ::unsetenv("no_proxy");
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  const auto response = Fetcher({}).fetch({.url = "http://auth.invalid/a"});
  ::unsetenv("http_proxy");
  ::setenv("no_proxy", "*", 1);
  ASSERT_TRUE(response) << response.error().reason;
  EXPECT_EQ(response->body, "by proxy");
  EXPECT_TRUE(seen.starts_with("GET http://auth.invalid/a HTTP/1.1\r\n")) << seen;
}

TEST_F(Outgoing, ALargeBodyArrivesWhole) {
  std::size_t seen = 0;
  ScriptedServer server([&](const std::string& request) {
    seen = request.size() - request.find("\r\n\r\n") - 4;
    return answer("x");
  });
  const std::string body(500'000, 'b');
  ASSERT_TRUE(Fetcher({}).fetch({.url = server.url(), .body = body}));
  EXPECT_EQ(seen, body.size());
}

TEST_F(Outgoing, DripByDripMeetsTheDeadline) {
  ScriptedServer* self = nullptr;
  ScriptedServer server([&](const std::string&) {
    self->pause(30ms);
    return "HTTP/1.1 102 Processing\r\n\r\n" + std::string();
  });
  self = &server;
  Fetcher fetcher({.total_timeout = 300ms});
  const auto response = fetcher.fetch({.url = server.url()});
  ASSERT_FALSE(response);
  EXPECT_TRUE(has(response.error().reason, "no answer in time")) << response.error().reason;
}

TEST_F(Outgoing, WhoIsNotThereIsNamed) {
  int port = 0;
  {
    const ScriptedServer gone([](const std::string&) { return answer(""); });
    port = gone.port();
  }
  Fetcher fetcher({});
  const auto refused = fetcher.fetch({.url = "http://127.0.0.1:" + std::to_string(port) + "/"});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(has(refused.error().reason, "refused")) << refused.error().reason;
  const auto nameless = fetcher.fetch({.url = "http://auth.invalid/"});
  ASSERT_FALSE(nameless);
  EXPECT_TRUE(has(nameless.error().reason, "cannot resolve auth.invalid"))
      << nameless.error().reason;
}

// ---- TLS

template <auto f>
struct Free {
  template <class T>
  void operator()(T* object) const {
    f(object);
  }
};

/// A folder with a self-signed certificate of one name or address ("IP:127.0.0.1"), and its key.
class Certificate {
 public:
  explicit Certificate(const char* subject) {
    std::string pattern = std::filesystem::temp_directory_path() / "easyjwt-fetch-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    const std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>> key(EVP_EC_gen("P-256"));
    const std::unique_ptr<X509, Free<X509_free>> x509(X509_new());
    X509_set_version(x509.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
    auto* name = X509_get_subject_name(x509.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(x509.get(), name);
    X509_set_pubkey(x509.get(), key.get());
    const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, subject));
    X509_add_ext(x509.get(), names.get(), -1);
    X509_sign(x509.get(), key.get(), EVP_sha256());
    const std::unique_ptr<std::FILE, Free<std::fclose>> certificate(
        std::fopen(file().c_str(), "w"));
    PEM_write_X509(certificate.get(), x509.get());
    const std::unique_ptr<std::FILE, Free<std::fclose>> secret(
        std::fopen(this->key().c_str(), "w"));
    PEM_write_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }
  ~Certificate() { std::filesystem::remove_all(folder_); }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string file() const { return folder_ / "certificate.pem"; }
  std::string key() const { return folder_ / "key.pem"; }

 private:
  std::filesystem::path folder_;
};

http::ServerSettings with(const Certificate& certificate) {
  http::ServerSettings settings;
  settings.tls_certificate = certificate.file();
  settings.tls_key = certificate.key();
  return settings;
}

std::string url(const http::testing::RunningServer& server) {
  return "https://127.0.0.1:" + std::to_string(server.port()) + "/echo/";
}

TEST_F(Outgoing, ASelfSignedCertificateIsRefusedUnlessItIsTrusted) {
  const Certificate certificate("IP:127.0.0.1");
  const Certificate another("IP:127.0.0.1");
  http::testing::RunningServer server(with(certificate));
  for (const auto& ca :
       {std::string(), another.file(), certificate.key(), std::string("/nowhere.pem")}) {
    const auto response = Fetcher({.ca_file = ca}).fetch({.url = url(server)});
    ASSERT_FALSE(response) << ca;
    EXPECT_EQ(response.error().code, Errc::unavailable);
  }
  EXPECT_EQ(server.lines_with("/echo/"), 0);
  const auto response = Fetcher({.ca_file = certificate.file()}).fetch({.url = url(server)});
  ASSERT_TRUE(response) << response.error().reason;
  EXPECT_EQ(response->body, "\"hello\"");
  EXPECT_TRUE(Fetcher({.tls_verify = false}).fetch({.url = url(server)}));
}

TEST_F(Outgoing, ATrustedCertificateOfAnotherNameIsRefused) {
  const Certificate certificate("DNS:auth.example.com");
  http::testing::RunningServer server(with(certificate));
  EXPECT_FALSE(Fetcher({.ca_file = certificate.file()}).fetch({.url = url(server)}));
  EXPECT_TRUE(Fetcher({.tls_verify = false}).fetch({.url = url(server)}));
}

}  // namespace
}  // namespace easyjwt::fetch
