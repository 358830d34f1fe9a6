#include "fetch/plain_connection.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt::fetch {
namespace {

using Clock = std::chrono::steady_clock;

/// How often who waits for a peer looks at the deadline and whether to stop.
constexpr std::chrono::milliseconds slice{100};

constexpr std::string_view late = "no answer in time";
constexpr std::string_view stopped = "stopped";

std::string words_of(int error) { return std::system_category().message(error); }

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

/// Connects without blocking beyond `deadline`; -1 and errno.
int connect_to(const addrinfo& address, Clock::time_point deadline) {
  const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return -1;
  int error = 0;
  if (::connect(socket, address.ai_addr, address.ai_addrlen) != 0) error = errno;
  while (error == EINPROGRESS) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd one{.fd = socket, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    error = ready == 0 ? ETIMEDOUT : errno;
    if (ready <= 0) break;
    socklen_t size = sizeof error;
    ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0) {
    ::close(socket);
    errno = error;
    return -1;
  }
  return socket;
}

}  // namespace

PlainConnection::PlainConnection(PlainOrigin origin, ResponseReader::Limits limits)
    : origin_(std::move(origin)), reader_(limits) {}

PlainConnection::~PlainConnection() { close(); }

void PlainConnection::close() noexcept {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

std::optional<std::string> PlainConnection::connect(Deadline deadline) {
  close();
  was_used_ = false;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(origin_.host.c_str(), origin_.port.c_str(), &hints, &found);
      code != 0) {
    return std::string("cannot resolve ") + origin_.host + ": " + ::gai_strerror(code);
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  std::ptrdiff_t left = 0;
  for (const auto* address = found; address != nullptr; address = address->ai_next) ++left;
  // Each address has its share of the time: the first may be a dead one.
  for (const auto* address = found; address != nullptr && socket_ < 0; address = address->ai_next) {
    const auto now = Clock::now();
    socket_ = connect_to(*address, now + (deadline - now) / left--);
  }
  if (socket_ < 0) return "cannot connect: " + words_of(errno);
  ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) & ~O_NONBLOCK);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  const timeval time{.tv_sec = 0, .tv_usec = std::chrono::microseconds(slice).count()};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  return std::nullopt;
}

void PlainConnection::write_head(const FetchRequest& request, std::string_view target) {
  std::size_t size = 128 + target.size() + origin_.authority.size();
  for (const auto& [name, value] : request.headers) size += name.size() + value.size() + 4;
  head_.reserve(size);  // growing would leave copies of credentials behind
  head_ = request.body ? "POST " : "GET ";
  head_.append(target).append(" HTTP/1.1\r\nHost: ").append(origin_.authority);
  head_ += "\r\nUser-Agent: easyjwt\r\n";
  for (const auto& [name, value] : request.headers) {
    head_.append(name).append(value.empty() ? ":" : ": ").append(value).append("\r\n");
  }
  if (request.body) {
    head_.append("Content-Length: ").append(std::to_string(request.body->size())).append("\r\n");
  }
  head_ += "\r\n";
}

PlainConnection::Outcome PlainConnection::exchange(const FetchRequest& request,
                                                   std::string_view target, Deadline deadline) {
  write_head(request, target);
  std::optional<std::string> wrong;
  // One segment where it fits into one: a head alone would be an answer's delay later.
  if (request.body && head_.size() + request.body->size() < 16 * 1024) {
    head_.reserve(head_.size() + request.body->size());
    head_ += *request.body;
    wrong = send(head_, deadline, request.stop);
  } else {
    wrong = send(head_, deadline, request.stop);
    if (!wrong && request.body) wrong = send(*request.body, deadline, request.stop);
  }
  wipe(head_);
  if (wrong) {
    const bool may_have_been_closed = was_used_ && *wrong != late && *wrong != stopped;
    close();
    return {.response = {}, .why = *std::move(wrong), .no_byte_came = may_have_been_closed};
  }
  wrong = receive(deadline, request.stop);
  if (wrong) {
    const bool may_have_been_closed =
        was_used_ && !reader_.has_begun() && *wrong != late && *wrong != stopped;
    close();
    return {.response = {}, .why = *std::move(wrong), .no_byte_came = may_have_been_closed};
  }
  was_used_ = true;
  if (!reader_.can_follow()) close();
  return {.response = reader_.response(), .why = {}};
}

std::optional<std::string> PlainConnection::send(std::string_view bytes, Deadline deadline,
                                                 const std::stop_token& stop) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return "cannot send: " + words_of(errno);
    if (stop.stop_requested()) return std::string(stopped);
    if (Clock::now() >= deadline) return std::string(late);
  }
  return std::nullopt;
}

std::optional<std::string> PlainConnection::receive(Deadline deadline,
                                                    const std::stop_token& stop) {
  using State = ResponseReader::State;
  reader_.begin();
  for (auto state = State::more;;) {
    const auto space = reader_.space();
    const auto count = ::recv(socket_, space.data(), space.size(), 0);
    if (count > 0) {
      state = reader_.take(static_cast<std::size_t>(count));
    } else if (count == 0) {
      if (!reader_.has_begun()) return "closed without an answer";
      state = reader_.take_end();
    } else if (errno != EAGAIN && errno != EINTR) {
      return words_of(errno);
    } else if (stop.stop_requested()) {
      return std::string(stopped);
    }
    if (state == State::done) return std::nullopt;
    if (state == State::failed) return reader_.why();
    // Also where bytes come: drop by drop it would never end.
    if (Clock::now() >= deadline) return std::string(late);
  }
}

}  // namespace easyjwt::fetch
