#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "easyjwt/core/waiting.hpp"
#include "easyjwt/http/server.hpp"
#include "http/raw_client.hpp"

namespace easyjwt::http::testing {

using namespace std::chrono_literals;

/// A server with a few views, on a free port, for as long as the object lives.
///
///   /echo/   POST: {"method", ...} what it saw, as text; GET: "hello"
///   /wait/   GET: waits in the storage lane until open() is called
///   /commit/ POST: the same in the lane of commits
///   /hash/   POST: the same in the hashing lane
///   /big/    GET: 8 MB
///   /throw/  GET: a fault
class RunningServer {
 public:
  explicit RunningServer(ServerSettings settings = {}) : RunningServer(settings, {"*"}) {}
  RunningServer(ServerSettings settings, std::vector<std::string> hosts)
      : router_(std::move(hosts), log()), server_(with_free_port(settings), router_, log()) {
    add_views();
    server_.bind();
    const auto address = server_.address();
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
    thread_ = std::thread([this] {
      server_.run();
      stopped_ = true;
    });
  }
  ~RunningServer() {
    open();
    stop();
    thread_.join();
  }

  int port() const { return port_; }
  Server& server() { return server_; }
  void stop() { server_.stop(); }
  bool stopped() const { return stopped_; }
  bool stops_within(std::chrono::milliseconds limit) const {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!stopped_ && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(2ms);
    return stopped_;
  }
  void open() {
    if (!opened_.exchange(true)) gate_.set_value();
  }
  int waiting() const { return waiting_; }
  void await_waiting(int count) const {
    while (waiting_ < count) std::this_thread::sleep_for(1ms);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  long lines_with(std::string_view text) const {
    const auto all = lines();
    return std::count_if(all.begin(), all.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }

  /// Sends it on a connection of its own and gives all that comes back.
  std::string exchange(std::string_view bytes) const {
    RawClient client(port_);
    client.send(bytes);
    return client.answer();
  }

 private:
  static ServerSettings with_free_port(ServerSettings settings) {
    if (settings.listen == ServerSettings{}.listen) settings.listen = "127.0.0.1:0";
    if (settings.threads == 0) settings.threads = 2;
    return settings;
  }

  Log log() {
    return [this](LogLevel level, std::string_view message,
                  std::initializer_list<LogField> fields) {
      std::string line = level == LogLevel::error ? "E " : level == LogLevel::info ? "I " : "D ";
      line += message;
      for (const auto& field : fields) {
        line.append(" ").append(field.name).append("=").append(field.value);
      }
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::move(line));
    };
  }

  Handler waits() {
    return [this](const Request&) -> Reply {
      if (!may_wait()) return Error{Errc::would_wait};
      ++waiting_;
      opened_future_.wait();
      --waiting_;
      return Response::json("\"waited\"");
    };
  }

  /// Says who did what: its steps, and whether each might wait. A body is what its write does.
  Handler defers() {
    struct Steps final : Deferred {
      explicit Steps(std::string_view body) : body_(body) {}
      void write() override {
        step("write");
        if (body_ == "throw") throw std::runtime_error("a fault of a write");
      }
      Reply answer() override {
        step("answer");
        if (body_ == "wait" && !may_wait()) return Error{Errc::would_wait};
        return Response::json(text_);
      }
      void step(std::string_view name) { text_.append(name).append(may_wait() ? "+ " : "- "); }
      const std::string body_;
      std::string text_;
    };
    return [](const Request& request) -> Reply {
      if (may_wait()) return Response::json("whole");
      return std::make_unique<Steps>(request.body);
    };
  }

  void add_views() {
    add("/echo/", Lane::storage,
        {{Method::get, [](const Request&) { return Response::json("\"hello\""); }},
         {Method::post, [](const Request& request) {
            return Response::json(
                std::string(request.body) + "|" + std::string(request.header("X-A")) + "|" +
                std::string(request.client_address) + "|" + std::string(request.scheme));
          }}});
    add("/wait/", Lane::storage, {{Method::get, waits()}});
    add("/commit/", Lane::commit, {{Method::post, waits()}});
    add("/deferred/", Lane::commit, {{Method::post, defers()}});
    add("/hash/", Lane::hashing, {{Method::post, waits()}});
    add("/big/", Lane::storage, {{Method::get, [](const Request&) {
                                    return Response::json(std::string(8'000'000, 'x'));
                                  }}});
    add("/nothing/", Lane::storage, {{Method::get, [](const Request&) {
                                        Response response;
                                        response.status = 204;
                                        return response;
                                      }}});
    add("/throw/", Lane::storage,
        {{Method::get, [](const Request&) -> Reply { throw std::runtime_error("a fault"); }}});
  }
  void add(std::string path, Lane lane, std::vector<std::pair<Method, Handler>> handlers) {
    View view;
    view.path = std::move(path);
    view.lane = lane;
    view.handlers = std::move(handlers);
    router_.add(std::move(view));
  }

  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::promise<void> gate_;
  std::shared_future<void> opened_future_{gate_.get_future()};
  std::atomic<bool> opened_ = false;
  std::atomic<int> waiting_ = 0;
  std::atomic<bool> stopped_ = false;
  Router router_;
  Server server_;
  int port_ = 0;
  std::thread thread_;
};

inline std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body,
                        std::string_view fields = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}
inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace easyjwt::http::testing
