// A client that does nothing but rotate refresh tokens, in as little CPU as sockets allow: it
// shares the machine with the service that it measures (wrk needs three times as much, for its
// Lua). Each connection begins with a token of its own and sends the one that it was last answered.
// Prints the answers of 200, the others, and the seconds they took.
//
//   bench_rotate PORT SECONDS < TOKENS      a line, and a connection, for each

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <string>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Connection {
 public:
  Connection(int port, std::string_view token) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      die("connect");
    }
    const int yes = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ask(token);
  }

  int socket() const { return socket_; }

  /// Takes what has come; a whole answer is followed by the next request. Returns its status, or 0.
  int receive(bool goes_on) {
    char bytes[4096];
    const auto size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size <= 0) die("the service closed a connection");
    answer_.append(bytes, static_cast<std::size_t>(size));
    const auto head = answer_.find("\r\n\r\n");
    if (head == answer_.npos) return 0;
    const auto length = answer_.find("\r\nContent-Length: ");
    std::size_t body = 0;
    if (length < head) std::from_chars(answer_.data() + length + 18, answer_.data() + head, body);
    if (answer_.size() < head + 4 + body) return 0;
    const int status = std::atoi(answer_.c_str() + 9);
    constexpr std::string_view name = "\"refresh\":\"";
    const auto token = answer_.find(name, head);
    if (status == 200 && token != answer_.npos && goes_on) {
      const auto begin = token + name.size();
      ask(std::string_view(answer_).substr(begin, answer_.find('"', begin) - begin));
    }
    answer_.clear();
    return status;
  }

 private:
  void ask(std::string_view token) {
    request_.assign(
        "POST /auth/token/refresh/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: application/json\r\nContent-Length: ");
    request_ += std::to_string(token.size() + 15);
    request_.append("\r\n\r\n{\"refresh\": \"").append(token).append("\"}");
    if (::send(socket_, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      die("send");
    }
  }

  int socket_;
  std::string request_;
  std::string answer_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_rotate PORT SECONDS < TOKENS\n");
    return 2;
  }
  const int port = std::atoi(argv[1]);
  const int events = ::epoll_create1(0);
  std::deque<Connection> connections;
  const auto begun = Clock::now();
  for (std::string token; std::getline(std::cin, token);) {
    auto& connection = connections.emplace_back(port, token);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    if (::epoll_ctl(events, EPOLL_CTL_ADD, connection.socket(), &event) != 0) die("epoll_ctl");
  }
  const auto end = begun + std::chrono::seconds(std::atoi(argv[2]));
  long good = 0;
  long bad = 0;
  // The last answers are waited for: each was asked, and so is counted.
  for (auto open = connections.size(); open > 0;) {
    epoll_event ready[64];
    const int count = ::epoll_wait(events, ready, 64, 5000);
    if (count <= 0) die("no answer within five seconds");
    const bool goes_on = Clock::now() < end;
    for (int i = 0; i < count; ++i) {
      const int status = static_cast<Connection*>(ready[i].data.ptr)->receive(goes_on);
      if (status == 0) continue;
      ++(status == 200 ? good : bad);
      if (status != 200 || !goes_on) --open;
    }
  }
  std::printf("%ld %ld %.3f\n", good, bad,
              std::chrono::duration<double>(Clock::now() - begun).count());
}
