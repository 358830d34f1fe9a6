#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "easyjwt/client/remote_auth.hpp"
#include "fetch/scripted_server.hpp"

namespace easyjwt::test {

using namespace std::chrono_literals;

inline std::string json_answer(std::string_view body, std::string_view status = "200 OK",
                               std::string_view fields = "") {
  return answer(body, "Content-Type: application/json\r\n" + std::string(fields), status);
}

inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

inline std::chrono::milliseconds time_of(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

/// What may be shut, so that threads which pass wait before it.
class Gate {
 public:
  void shut() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++passing_;
    changed_.wait(lock, [&] { return open_; });
    --passing_;
  }
  int before() {
    const std::lock_guard lock(mutex_);
    return open_ ? 0 : passing_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int passing_ = 0;
};

/// An auth-service whose answers the test says, and the log as lines.
class WithAuthService : public testing::Test {
 protected:
  using Script = ScriptedServer::Script;

  static void SetUpTestSuite() {
    ::setenv("no_proxy", "*", 1);
    std::signal(SIGPIPE, SIG_IGN);
  }
  ~WithAuthService() override {
    gate_.open();
    server_.reset();  // its threads use what else is here
  }

  void say(std::string bytes) {
    say([bytes = std::move(bytes)](const std::string&) { return bytes; });
  }
  void say(Script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }
  std::string respond(const std::string& request) {
    gate_.pass();
    Script script;
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(request);
      script = script_;
    }
    return script(request);
  }
  void start(int port = 0) {
    server_ = std::make_unique<ScriptedServer>(
        [this](const std::string& request) { return respond(request); }, port);
  }

  /// Requests so far that contain a text.
  long seen(std::string_view text) {
    const std::lock_guard lock(mutex_);
    return std::count_if(seen_.begin(), seen_.end(),
                         [&](const auto& request) { return request.find(text) != request.npos; });
  }
  std::string last_seen() {
    const std::lock_guard lock(mutex_);
    return seen_.empty() ? "" : seen_.back();
  }

  RemoteAuthSettings settings() const {
    RemoteAuthSettings s;
    s.service_url = "http://127.0.0.1:" + std::to_string(server_->port());
    s.breaker_pause = 50ms;
    return s;
  }
  Log log() {
    return
        [this](LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
          std::string line(level == LogLevel::warning ? "warning " : "info ");
          line += message;
          for (const auto& field : fields) line.append(" ").append(field.value);
          const std::lock_guard lock(mutex_);
          lines_.push_back(std::move(line));
        };
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  std::mutex mutex_;
  Script script_;
  std::vector<std::string> seen_;
  std::vector<std::string> lines_;
  Gate gate_;
  std::unique_ptr<ScriptedServer> server_ = std::make_unique<ScriptedServer>(
      [this](const std::string& request) { return respond(request); });
};

}  // namespace easyjwt::test
