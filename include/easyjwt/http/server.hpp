#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "easyjwt/core/log.hpp"
#include "easyjwt/core/task.hpp"
#include "easyjwt/http/network.hpp"
#include "easyjwt/http/router.hpp"

namespace easyjwt::http {

/// Takes tasks of Lane::commit and has many of them done by one commit; false: it does not, and a
/// thread of Lane::storage is to run them. Any thread; must outlive the server.
using Committer = std::function<bool(Task&)>;

/// SERVER.* and the limits under which strangers are read. Sizes in bytes.
struct ServerSettings {
  /// ADDR:PORT, [ADDR6]:PORT, or :PORT for all addresses; port 0: any free one.
  std::string listen = "127.0.0.1:8000";
  unsigned threads = 0;         ///< of connections; 0: one per core
  std::string tls_certificate;  ///< path of a PEM chain; with tls_key: TLS 1.2 and later
  std::string tls_key;
  /// Whose X-Forwarded-For and X-Forwarded-Proto are believed; from others they are ignored.
  std::vector<Network> trusted_proxies;
  std::size_t max_head = 16 * 1024;
  std::size_t max_headers = 100;
  std::size_t max_uri = 8 * 1024;
  std::size_t max_body = 1024 * 1024;
  std::size_t max_connections = 10'000;  ///< fewer where the limit of open files is lower
  std::chrono::milliseconds head_deadline{10'000};  ///< from its first byte to its last
  std::chrono::milliseconds body_deadline{30'000};
  std::chrono::milliseconds idle_deadline{60'000};  ///< between two requests
  std::chrono::milliseconds write_deadline{30'000};
  std::chrono::milliseconds drain_deadline{30'000};  ///< for what is in flight at stop()
  unsigned storage_threads = 64;                     ///< at most; started when needed
  unsigned hashing_threads = 0;                      ///< at most; 0: four per core
  std::size_t hashing_queue = 0;                     ///< waiting jobs; 0: 64 per core; full: 503
  Committer committer;                               ///< none: Lane::commit is Lane::storage
};

/// The listening socket could not be had, or the certificate not be read; what() says which and
/// why.
struct ServerError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An HTTP/1.1 server that stands on its own against the open internet (RFC 9110, 9112): one
/// io_context per thread, deadlines by a coarse sweep, requests pipelined in order, one send per
/// answer. It logs one line per request.
class Server {
 public:
  /// `router` must outlive the server.
  Server(ServerSettings settings, const Router& router, Log log);
  ~Server();

  /// Binds and listens, and raises the process's limit of open files as far as max_connections
  /// needs. Throws ServerError.
  void bind();
  /// "127.0.0.1:8000", with the port it got. After bind().
  std::string address() const;
  bool tls() const;
  /// Serves until stop(), then finishes what is in flight (drain_deadline at most) and returns.
  void run();
  /// From now on every answer is its connection's last ("Connection: close"), and all is served as
  /// before. Proxies keep connections for their next requests; what is closed by stop() while a
  /// request is on its way cannot be repeated safely, so they are to be used up before. From any
  /// thread, and more than once.
  void drain();
  /// From any thread, and more than once.
  void stop();
  /// Reads TLS_CERTIFICATE and TLS_KEY again (SIGHUP); what cannot be read is logged and the old
  /// ones stay. Any thread.
  void reload_tls();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace easyjwt::http
