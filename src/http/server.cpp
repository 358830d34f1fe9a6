#include "easyjwt/http/server.hpp"

#include <openssl/ssl.h>
#include <sys/resource.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/context.hpp>
#include <charconv>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "easyjwt/core/waiting.hpp"
#include "http/connection.hpp"
#include "http/scheduling.hpp"

namespace easyjwt::http {
namespace {

using net::ip::tcp;
using Executor = net::io_context::executor_type;
using Acceptor = net::basic_socket_acceptor<tcp, Executor>;
using Timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                        net::wait_traits<std::chrono::steady_clock>, Executor>;
using ReusePort = net::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
using TlsContext = std::shared_ptr<net::ssl::context>;

constexpr std::chrono::milliseconds sweep_period{250};
constexpr std::chrono::milliseconds drain_period{10};
constexpr std::chrono::milliseconds accept_pause{100};

std::string to_text(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  const auto port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

/// A client that came over IPv4 to a socket of both kinds is told by its IPv4 address.
std::string peer_text(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

struct ListenAddress {
  std::string host;  ///< empty: all
  net::ip::port_type port = 0;
};
ListenAddress split_listen(std::string_view listen) {
  const auto colon = std::min(listen.rfind(':'), listen.size());
  auto host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  ListenAddress out{std::string(host)};
  const auto* const end = listen.data() + listen.size();
  const auto* const port = listen.data() + std::min(colon + 1, listen.size());
  const auto [rest, error] = std::from_chars(port, end, out.port);
  if (error != std::errc{} || rest != end)
    throw ServerError("no ADDR:PORT: " + std::string(listen));
  return out;
}

/// RFC 7301: a client that names its protocols and not ours gets an alert, not a guess.
int select_alpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                unsigned in_size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, ours, sizeof ours - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

TlsContext load_tls(const ServerSettings& settings) {
  if (settings.tls_certificate.empty() && settings.tls_key.empty()) return nullptr;
  if (settings.tls_certificate.empty() || settings.tls_key.empty()) {
    throw ServerError("TLS needs both a certificate and its key");
  }
  auto context = std::make_shared<net::ssl::context>(net::ssl::context::tls_server);
  auto* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(
      native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(native, select_alpn, nullptr);
  // OpenSSL would ask for it on the terminal.
  context->set_password_callback(
      [](std::size_t, net::ssl::context::password_purpose) { return std::string(); });
  error_code error;
  context->use_certificate_chain_file(settings.tls_certificate, error);
  if (error) {
    throw ServerError("cannot read the certificate " + settings.tls_certificate + ": " +
                      error.message());
  }
  context->use_private_key_file(settings.tls_key, net::ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(native) != 1) {
    throw ServerError("cannot use the key " + settings.tls_key + ": " +
                      (error ? error.message() : "it is not the certificate's"));
  }
  return context;
}

/// How many connections the limit of open files leaves room for, after raising it as far as we may.
/// Without a reserve, clients that only connect would take the files that the database needs.
std::size_t connection_limit(std::size_t wanted) {
  constexpr rlim_t reserve = 256;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return wanted;
  const rlim_t needed = std::min<rlim_t>(wanted + reserve, files.rlim_max);
  if (files.rlim_cur < needed) {
    const rlimit raised{needed, files.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
  }
  const rlim_t room = files.rlim_cur > 2 * reserve ? files.rlim_cur - reserve : files.rlim_cur / 2;
  return std::min<std::size_t>(wanted, room);
}

/// The certificate in use, which reload_tls() exchanges under connections that go on with theirs.
class CurrentTls {
 public:
  void set(TlsContext context) {
    const std::lock_guard lock(mutex_);
    context_.swap(context);
  }
  TlsContext get() const {
    const std::lock_guard lock(mutex_);
    return context_;
  }

 private:
  mutable std::mutex mutex_;
  TlsContext context_;
};

/// One thread: its listening socket, its connections, and the timer that watches them.
class Worker {
 public:
  Worker(const ServerSettings& settings, const Router& router, const Log& log, Lanes& lanes,
         std::atomic<std::size_t>& open, const CurrentTls& tls)
      : serving_(io_, settings, router, log, lanes, open),
        io_(1),
        tls_(tls),
        acceptor_(io_),
        sweep_timer_(io_),
        accept_timer_(io_) {}
  /// What lanes were done with after run() had ended goes before io_ does.
  ~Worker() { serving_.brought_back.clear(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// `first`: takes the port for itself, so that it fails where another server has it; only then is
  /// it shared, with the workers that come after.
  void listen(const tcp::endpoint& endpoint, bool first) {
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(net::socket_base::reuse_address(true));
    if (endpoint.address().is_v6()) acceptor_.set_option(net::ip::v6_only(false));
    if (!first) acceptor_.set_option(ReusePort(true));
    acceptor_.bind(endpoint);
    if (first) acceptor_.set_option(ReusePort(true));
    acceptor_.listen();
  }
  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

  void run() {
    const NoWaiting no_waiting;
    run_promptly();
    accept();
    for (;;) {
      try {
        io_.run();
        break;
      } catch (const std::exception& fault) {
        // The connection it came from went with its handler.
        serving_.log(LogLevel::error, "unhandled exception", {{"what", fault.what()}});
      }
    }
    close_all();
    // What was cancelled lets go of its connection.
    io_.restart();
    io_.poll();
  }

  /// Any thread.
  void drain() {
    net::post(io_, [this] { serving_.draining = true; });
  }
  /// Any thread.
  void stop() {
    net::post(io_, [this] { stop_here(); });
  }

 private:
  void accept() {
    acceptor_.async_accept(peer_, [this](const error_code& error, Socket socket) {
      if (serving_.stopping && error) return;
      if (error) {
        // The client went away again; it is no fault of ours.
        if (error != net::error::connection_aborted) return pause_accepting(error.message());
      } else {
        try {
          admit(std::move(socket), peer_);
          accepting_fails_ = false;
        } catch (const std::exception& fault) {
          return pause_accepting(fault.what());
        }
      }
      if (!serving_.stopping) accept();
    });
  }

  /// Those whose connections the kernel has taken for us already: closing the socket would reset
  /// them, with requests in them.
  void accept_what_waits() {
    error_code error;
    acceptor_.non_blocking(true, error);
    try {
      while (!error) {
        tcp::endpoint peer;
        Socket socket(io_);
        acceptor_.accept(socket, peer, error);
        if (!error) admit(std::move(socket), peer);
      }
    } catch (const std::exception& fault) {
      serving_.log(LogLevel::error, "cannot accept connections", {{"reason", fault.what()}});
    }
  }

  /// Out of file descriptors or memory: trying again at once would burn the core that could close
  /// some connections.
  void pause_accepting(std::string_view why) {
    if (!std::exchange(accepting_fails_, true)) {
      serving_.log(LogLevel::error, "cannot accept connections", {{"reason", why}});
    }
    accept_timer_.expires_after(accept_pause);
    accept_timer_.async_wait([this](const error_code& error) {
      if (!error && !serving_.stopping) accept();
    });
  }

  void admit(Socket socket, const tcp::endpoint& peer) {
    const auto context = tls_.get();
    socket.non_blocking(true);
    if (serving_.open.load(std::memory_order_relaxed) >= serving_.settings.max_connections) {
      if (!context) turn_away(socket);
      return;
    }
    socket.set_option(tcp::no_delay(true));
    if (context) {
      std::make_shared<Connection<TlsStream>>(serving_, TlsStream(std::move(socket), *context),
                                              peer_text(peer))
          ->start();
    } else {
      std::make_shared<Connection<Socket>>(serving_, std::move(socket), peer_text(peer))->start();
    }
    if (!std::exchange(sweeping_, true)) sweep_after(sweep_period);
  }

  static void turn_away(Socket& socket) {
    static constexpr std::string_view answer =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
        "Content-Length: 0\r\n\r\n";
    error_code ignored;
    socket.write_some(net::buffer(answer), ignored);
    socket.shutdown(Socket::shutdown_send, ignored);
  }

  void sweep_after(std::chrono::milliseconds period) {
    sweep_timer_.expires_after(period);
    sweep_timer_.async_wait([this](const error_code& error) {
      if (!error) sweep();
    });
  }

  void sweep() {
    const auto now = std::chrono::steady_clock::now();
    auto& all = serving_.connections;
    // From behind: one that closes is replaced by the last.
    for (std::size_t i = all.size(); i-- > 0;) all[i]->sweep(now);
    if (!serving_.stopping) {
      sweeping_ = !all.empty();
      if (sweeping_) sweep_after(sweep_period);
    } else if (all.empty() || now >= stopped_by_) {
      io_.stop();
    } else {
      sweep_after(drain_period);
    }
  }

  void stop_here() {
    if (std::exchange(serving_.stopping, true)) return;
    serving_.draining = true;
    stopped_by_ = std::chrono::steady_clock::now() + serving_.settings.drain_deadline;
    accept_timer_.cancel();
    accept_what_waits();
    error_code ignored;
    acceptor_.close(ignored);
    auto& all = serving_.connections;
    for (std::size_t i = all.size(); i-- > 0;) all[i]->stop();
    sweep_after(std::chrono::milliseconds{0});
  }

  void close_all() {
    auto& all = serving_.connections;
    while (!all.empty()) all.back()->close();
    serving_.to_read.clear();
  }

  Serving serving_;  // before io_: handlers that are dropped with io_ may own connections
  net::io_context io_;
  const CurrentTls& tls_;
  Acceptor acceptor_;
  Timer sweep_timer_;
  Timer accept_timer_;
  net::executor_work_guard<Executor> work_{io_.get_executor()};
  tcp::endpoint peer_;
  bool accepting_fails_ = false;
  bool sweeping_ = false;
  SteadyTime stopped_by_ = SteadyTime::max();
};

}  // namespace

struct Server::Impl {
  Impl(ServerSettings settings_, const Router& router_, Log log_)
      : settings(std::move(settings_)), router(router_), log(std::move(log_)), lanes(settings) {}

  void listen(const tcp::endpoint& wanted) {
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const unsigned count = settings.threads > 0 ? settings.threads : cores;
    settings.max_connections = connection_limit(settings.max_connections);
    workers.clear();
    auto endpoint = wanted;
    for (unsigned i = 0; i < count; ++i) {
      auto& worker =
          workers.emplace_back(std::make_unique<Worker>(settings, router, log, lanes, open, tls));
      worker->listen(endpoint, i == 0);
      endpoint = worker->endpoint();
    }
  }

  ServerSettings settings;
  const Router& router;
  const Log log;
  CurrentTls tls;
  std::atomic<std::size_t> open = 0;
  std::atomic<bool> stopping = false;
  std::vector<std::unique_ptr<Worker>> workers;
  Lanes lanes;  // ends first: its threads hand answers to the workers
};

Server::Server(ServerSettings settings, const Router& router, Log log)
    : impl_(new Impl(std::move(settings), router, std::move(log))) {}
Server::~Server() = default;

void Server::bind() {
  impl_->tls.set(load_tls(impl_->settings));
  const auto& listen = impl_->settings.listen;
  const auto [host, port] = split_listen(listen);
  try {
    if (!host.empty()) {
      net::io_context io;
      tcp::resolver resolver(io);
      return impl_->listen({resolver.resolve(host, "").begin()->endpoint().address(), port});
    }
    try {
      impl_->listen({tcp::v6(), port});
    } catch (const boost::system::system_error& error) {
      if (error.code() != net::error::address_family_not_supported) throw;
      impl_->listen({tcp::v4(), port});
    }
  } catch (const boost::system::system_error& error) {
    throw ServerError("cannot listen on " + listen + ": " + error.code().message());
  }
}

std::string Server::address() const { return to_text(impl_->workers.at(0)->endpoint()); }

bool Server::tls() const { return impl_->tls.get() != nullptr; }

void Server::run() {
  if (impl_->workers.empty()) bind();
  if (impl_->stopping) stop();
  std::vector<std::thread> threads;
  try {
    for (std::size_t i = 1; i < impl_->workers.size(); ++i) {
      threads.emplace_back([worker = impl_->workers[i].get()] { worker->run(); });
    }
    impl_->workers[0]->run();
  } catch (const std::system_error& error) {
    stop();
    for (auto& thread : threads) thread.join();
    throw ServerError(std::string("cannot start a thread: ") + error.what());
  }
  for (auto& thread : threads) thread.join();
}

void Server::drain() {
  for (auto& worker : impl_->workers) worker->drain();
}

void Server::stop() {
  impl_->stopping = true;
  for (auto& worker : impl_->workers) worker->stop();
}

void Server::reload_tls() {
  if (!tls()) return;
  try {
    impl_->tls.set(load_tls(impl_->settings));
    impl_->log(LogLevel::info, "certificate read again", {});
  } catch (const std::exception& error) {
    impl_->log(LogLevel::error, "certificate not read again", {{"reason", error.what()}});
  }
}

}  // namespace easyjwt::http
