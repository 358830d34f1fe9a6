#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace easyjwt::test {

/// An HTTP server that answers with whatever bytes the test says, on a free loopback port, for as
/// long as the object lives. A connection stays open until the client or the answer ("" closes)
/// ends it.
class ScriptedServer {
 public:
  /// From the text of a request, head and body, to the bytes of the answer. Called by any thread.
  using Script = std::function<std::string(const std::string& request)>;

  explicit ScriptedServer(Script script, int port = 0) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<in_port_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~ScriptedServer() {
    stop();
    ::close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  /// Ends all connections; from then on they are refused.
  void stop() {
    if (!acceptor_.joinable()) return;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      for (const int connection : open_) ::shutdown(connection, SHUT_RDWR);
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  int port() const { return port_; }
  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  int connections() const { return connections_; }
  int requests() const { return requests_; }

  /// For a script that is slow: waits, but not beyond the server's end.
  void pause(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [&] { return stopped_; });
  }

 private:
  void accept() {
    for (;;) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      ++connections_;
      const std::lock_guard lock(mutex_);
      open_.push_back(connection);
      threads_.emplace_back([this, connection] { serve(connection); });
    }
  }

  void serve(int connection) {
    std::string input;
    for (std::string request; read_request(connection, input, request);) {
      ++requests_;
      const auto answer = script_(request);
      if (answer.empty() || !send(connection, answer)) break;
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, connection);
    ::close(connection);
  }

  static bool read_request(int connection, std::string& input, std::string& request) {
    for (;;) {
      if (const auto end = input.find("\r\n\r\n"); end != input.npos) {
        std::size_t size = end + 4;
        if (const auto field = input.find("Content-Length: "); field < end) {
          size += std::stoul(input.substr(field + 16));
        }
        if (input.size() >= size) {
          request = input.substr(0, size);
          input.erase(0, size);
          return true;
        }
      }
      char buffer[4096];
      const auto count = ::recv(connection, buffer, sizeof buffer, 0);
      if (count <= 0) return false;
      input.append(buffer, static_cast<std::size_t>(count));
    }
  }

  static bool send(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<int> requests_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// An answer with a body and its length.
inline std::string answer(std::string_view body, std::string_view fields = "",
                          std::string_view status = "200 OK") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace easyjwt::test
