#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/fetch/fetcher.hpp"
#include "fetch/response_reader.hpp"

namespace easyjwt::fetch {

/// Where an http:// URL leads.
struct PlainOrigin {
  std::string host;  ///< a name or an address, IPv6 without brackets
  std::string port;
  std::string authority;  ///< the Host field

  bool operator==(const PlainOrigin&) const = default;
};

/// A connection of HTTP/1.1 without TLS that is kept: an exchange is one send and, most of the
/// time, one receive (docs/adr/0031-plain-http.md). Blocks. One thread at a time.
class PlainConnection {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// What came of an exchange.
  struct Outcome {
    std::optional<FetchedResponse> response;
    std::string why;  ///< without a response
    bool no_byte_came =
        false;  ///< and the connection had been used before: it may have been closed
  };

  PlainConnection(PlainOrigin origin, ResponseReader::Limits limits);
  ~PlainConnection();
  PlainConnection(const PlainConnection&) = delete;
  PlainConnection& operator=(const PlainConnection&) = delete;

  const PlainOrigin& origin() const noexcept { return origin_; }
  /// Whether another exchange may follow.
  bool is_open() const noexcept { return socket_ >= 0; }

  /// What is wrong; nullopt: it is connected.
  std::optional<std::string> connect(Deadline deadline);
  /// Sends the request for `target` and reads its answer. Overruns `deadline` by a tenth of a
  /// second at most.
  Outcome exchange(const FetchRequest& request, std::string_view target, Deadline deadline);

 private:
  void close() noexcept;
  void write_head(const FetchRequest& request, std::string_view target);
  std::optional<std::string> send(std::string_view bytes, Deadline deadline,
                                  const std::stop_token& stop);
  std::optional<std::string> receive(Deadline deadline, const std::stop_token& stop);

  const PlainOrigin origin_;
  int socket_ = -1;
  bool was_used_ = false;
  std::string head_;
  ResponseReader reader_;
};

}  // namespace easyjwt::fetch
