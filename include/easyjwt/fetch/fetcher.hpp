#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"

namespace easyjwt::fetch {

struct FetcherSettings {
  std::chrono::milliseconds connect_timeout{3000};  ///< name, TCP and TLS
  std::chrono::milliseconds total_timeout{10000};   ///< of a whole exchange
  std::size_t max_body = 1024 * 1024;               ///< bytes; a larger answer is an error
  std::size_t max_handles = 64;                     ///< exchanges at a time
  bool tls_verify = true;                           ///< certificate chain and host name
  std::string ca_file;                              ///< PEM file; empty: the system's
};

struct FetchedHeader {
  std::string name;
  std::string value;
};

struct FetchRequest {
  std::string url;
  std::vector<FetchedHeader> headers{};
  std::optional<std::string_view> body{};  ///< there: a POST of it; else a GET
  std::stop_token stop{};                  ///< ends the exchange within a second
};

struct FetchedResponse {
  int status = 0;
  std::vector<FetchedHeader> headers;
  std::string body;

  /// The first of that name, whatever its case; empty: there is none.
  std::string_view header(std::string_view name) const noexcept;
};

/// What is wrong with a URL that is to be fetched from: a scheme other than http and https, no
/// host, credentials in it. nullopt: nothing. Never repeats the URL.
std::optional<std::string> refuse_url(const std::string& url);

/// Outgoing HTTP/1.1, blocking: an answer of any status, redirects too (none is followed: it could
/// lead inside the network, with our credentials). Connections are kept and used again. The
/// environment's http_proxy, https_proxy and no_proxy hold, as in the original. Any thread.
///
/// The process should ignore SIGPIPE: TLS writes to sockets that a peer may have closed.
class Fetcher {
 public:
  explicit Fetcher(FetcherSettings settings);
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  const FetcherSettings& settings() const noexcept;

  /// Errc::unavailable: no answer, for the `reason`, which names scheme, host, port and path only:
  /// a query or a header may hold credentials. Errc::busy: max_handles exchanges are under way.
  /// Errc::would_wait: this thread may not wait; nothing was sent. A name server that hangs can
  /// take longer than total_timeout.
  Result<FetchedResponse> fetch(const FetchRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace easyjwt::fetch
