#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/core/waiting.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/http/server.hpp"
#include "http/forwarded.hpp"
#include "http/lanes.hpp"
#include "http/request_reader.hpp"
#include "http/response_writer.hpp"

namespace easyjwt::http {

namespace net = boost::asio;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

/// The concrete executor: any_io_executor costs 7 % of a request.
using Socket = net::basic_stream_socket<net::ip::tcp, net::io_context::executor_type>;
using TlsStream = net::ssl::stream<Socket>;

class AnyConnection;

/// What the connections of one thread share. Used by that thread alone, but for what is const.
struct Serving {
  Serving(net::io_context& io_, const ServerSettings& settings_, const Router& router_,
          const Log& log_, Lanes& lanes_, std::atomic<std::size_t>& open_)
      : io(io_),
        settings(settings_),
        limits{settings_.max_head, settings_.max_headers, settings_.max_uri, settings_.max_body},
        router(router_),
        log(log_),
        lanes(lanes_),
        open(open_) {}

  net::io_context& io;
  const ServerSettings& settings;
  const ReadLimits limits;
  const Router& router;
  const Log& log;
  Lanes& lanes;
  std::atomic<std::size_t>& open;  ///< connections of all threads
  std::vector<AnyConnection*> connections;
  std::vector<std::shared_ptr<AnyConnection>> to_read;  ///< those that read_soon() was asked for
  DateField date;
  RequestIds ids;
  std::array<char, 4096> discarded;  ///< for what is read only to be thrown away
  bool draining = false;             ///< each answer is its connection's last
  bool stopping = false;             ///< and nothing new is waited for

  /// Has `connection` read once what is ready now has been seen to. Asio reads before it waits: at
  /// once, behind an answer that was just sent, there is never anything (4 % of a verification);
  /// by then a client that has more to ask has often asked it.
  void read_soon(std::shared_ptr<AnyConnection> connection);
  /// Any thread: has `connection`, which a lane is done with, resumed on this one. Those of a
  /// commit come back at once, and wake the thread once: a call of the system for each was a tenth
  /// of the writer's time.
  void bring_back(std::shared_ptr<AnyConnection> connection);
  void resume_all();

  std::mutex brought_back_mutex;
  std::vector<std::shared_ptr<AnyConnection>> brought_back;
};

/// What the thread's sweep knows of a connection.
class AnyConnection : public std::enable_shared_from_this<AnyConnection> {
 public:
  virtual ~AnyConnection() = default;
  AnyConnection(const AnyConnection&) = delete;
  AnyConnection& operator=(const AnyConnection&) = delete;

  void sweep(SteadyTime now) {
    if (now >= deadline_) expire();
  }
  /// Closes it if nothing is in flight or about to be; else it closes behind the next answer.
  virtual void stop() = 0;
  virtual void close() = 0;
  virtual void read_now() = 0;
  virtual void resume() = 0;

 protected:
  explicit AnyConnection(Serving& serving) : serving_(serving), place_(serving.connections.size()) {
    serving.connections.push_back(this);
    serving.open.fetch_add(1, std::memory_order_relaxed);
  }
  virtual void expire() = 0;
  void forget() noexcept {
    auto& all = serving_.connections;
    all[place_] = all.back();
    all[place_]->place_ = place_;
    all.pop_back();
    serving_.open.fetch_sub(1, std::memory_order_relaxed);
  }

  Serving& serving_;
  SteadyTime deadline_ = SteadyTime::max();

 private:
  std::size_t place_;
};

inline void Serving::read_soon(std::shared_ptr<AnyConnection> connection) {
  to_read.push_back(std::move(connection));
  if (to_read.size() > 1) return;
  net::post(io, [this] {
    for (const auto& each : std::exchange(to_read, {})) each->read_now();
  });
}

inline void Serving::bring_back(std::shared_ptr<AnyConnection> connection) {
  {
    const std::lock_guard lock(brought_back_mutex);
    brought_back.push_back(std::move(connection));
    if (brought_back.size() > 1) return;
  }
  net::post(io, [this] { resume_all(); });
}

inline void Serving::resume_all() {
  std::vector<std::shared_ptr<AnyConnection>> all;
  {
    const std::lock_guard lock(brought_back_mutex);
    all.swap(brought_back);
  }
  for (const auto& each : all) {
    try {
      each->resume();
    } catch (const std::exception& fault) {
      log(LogLevel::error, "unhandled exception", {{"what", fault.what()}});
      each->close();
    }
  }
}

/// One client. Reads requests, has each answered, writes the answers in order; each of these steps
/// has a deadline that the sweep watches, since a timer per operation costs more than the
/// operation. While a request is in a lane nothing is read, so what the Request points at stays.
template <class Stream>
class Connection final : public AnyConnection, private Task {
 public:
  static constexpr bool tls = std::is_same_v<Stream, TlsStream>;

  Connection(Serving& serving, Stream stream, std::string peer)
      : AnyConnection(serving),
        stream_(std::move(stream)),
        peer_(std::move(peer)),
        behind_proxy_(is_trusted(peer_, serving.settings.trusted_proxies)),
        reader_(serving.limits) {}

  ~Connection() override {
    if (!closed_) forget();
    wipe(out_);
  }

  void start() {
    if constexpr (tls) {
      wait_for(Stage::handshake, serving_.settings.head_deadline);
      stream_.async_handshake(
          net::ssl::stream_base::server,
          [self = shared()](const error_code& error) { error ? self->close() : self->proceed(); });
    } else {
      proceed();
    }
  }

  void stop() override {
    if (stage_ != Stage::idle && stage_ != Stage::handshake) return;
    if (!answered_) {
      deadline_ = std::min(deadline_, std::chrono::steady_clock::now() + first_request_deadline);
      return;
    }
    // A request that is there and not read yet would be answered with a reset.
    error_code error;
    if (socket().available(error) == 0) close();
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    forget();
    error_code ignored;
    socket().close(ignored);
  }

 private:
  enum class Stage { handshake, idle, head, body, lane, write, linger };

  /// Answers wait for each other up to this size before they are sent.
  static constexpr std::size_t batch_size = 64 * 1024;
  /// How long a connection that was just made has for its first request when we stop: whoever
  /// connects is about to send one, and must not repeat all of them.
  static constexpr std::chrono::milliseconds first_request_deadline{250};
  /// How long a client may take to notice that we are done with it.
  static constexpr std::chrono::seconds linger_deadline{2};

  std::shared_ptr<Connection> shared() {
    return std::static_pointer_cast<Connection>(shared_from_this());
  }
  Socket& socket() {
    if constexpr (tls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  void wait_for(Stage stage, std::chrono::milliseconds limit) {
    stage_ = stage;
    deadline_ = std::chrono::steady_clock::now() + limit;
  }

  /// Everything that can be done now: answers what is there, writes, and then waits for one thing.
  void proceed() {
    bool hungry = false;
    while (!closed_) {
      if (!out_.empty() && !write()) return;
      if (last_) return linger();
      if (waits_ != nullptr && enter_lane()) return;
      if (hungry) return read();
      hungry = answer_what_is_there();
    }
  }

  /// True where the next request is not there in whole.
  bool answer_what_is_there() {
    while (out_.size() < batch_size) {
      switch (reader_.advance()) {
        case RequestReader::Progress::need_more:
          if (reader_.wants_continue()) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
          return true;
        case RequestReader::Progress::refused: refuse(reader_.refusal()); return false;
        case RequestReader::Progress::complete: break;
      }
      answer();
      if (last_ || waits_ != nullptr) return false;
    }
    return false;
  }

  void answer() {
    take_request();
    if (reader_.asterisk()) {
      Response nothing;
      nothing.status = 204;
      return finish(nothing);
    }
    auto outcome = serving_.router.dispatch(request_);
    waits_ = outcome.waits;
    if (waits_ == nullptr) return finish(outcome.response);
    deferred_ = std::move(outcome.deferred);
  }

  void take_request() {
    began_ = std::chrono::steady_clock::now();
    reader_.view(request_);
    request_.peer = peer_;
    request_.client_address = peer_;
    request_.scheme = tls ? "https" : "http";
    if (behind_proxy_) take_forwarded();
    if (request_.id.empty()) make_id();
  }

  void take_forwarded() {
    const auto forwarded = read_forwarded(request_.headers, serving_.settings.trusted_proxies);
    if (forwarded.client) request_.client_address = forwarded.client->text(client_text_);
    if (!forwarded.scheme.empty()) request_.scheme = forwarded.scheme;
  }

  void make_id() {
    serving_.ids.next(made_id_);
    request_.id = {made_id_.data(), made_id_.size()};
  }

  void finish(const Response& response) {
    stage_ = Stage::idle;
    answered_ = true;
    last_ = serving_.draining || !reader_.keep_alive();
    const auto persistence = last_                ? Persistence::close
                             : reader_.http_1_0() ? Persistence::keep_alive
                                                  : Persistence::implied;
    const bool with_body = request_.method != Method::head;
    append_response(out_, response, persistence, with_body, request_.id, serving_.date.now());
    log(response.status, with_body ? response.body.size() : 0, {});
    reader_.next();
  }

  /// Where the next request begins is unknown from here on, so this answer is the last.
  void refuse(const Refusal& refusal) {
    last_ = true;
    request_ = {};
    request_.peer = peer_;
    request_.client_address = peer_;
    began_ = std::chrono::steady_clock::now();
    make_id();
    Response response;
    response.status = refusal.status;
    response.body.append("{\"detail\":\"").append(refusal.text).append("\"}");
    append_response(out_, response, Persistence::close, true, request_.id, serving_.date.now());
    log(refusal.status, response.body.size(), refusal.text);
  }

  void log(int status, std::size_t size, std::string_view refused) {
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::steady_clock::now() - began_)
                                  .count();
    std::array<char, 24> milliseconds;
    auto* end =
        std::to_chars(milliseconds.data(), milliseconds.data() + 20, microseconds / 1000).ptr;
    *end++ = '.';
    for (const auto unit : {100, 10, 1}) {
      *end++ = static_cast<char>('0' + microseconds / unit % 10);
    }
    std::array<char, 12> status_text;
    const auto* status_end =
        std::to_chars(status_text.data(), status_text.data() + status_text.size(), status).ptr;
    std::array<char, 20> size_text;
    const auto* size_end =
        std::to_chars(size_text.data(), size_text.data() + size_text.size(), size).ptr;
    const auto text = [](const auto& from, const char* to) {
      return std::string_view(from.data(), static_cast<std::size_t>(to - from.data()));
    };
    const auto level = status == 500  ? LogLevel::error
                       : status > 500 ? LogLevel::warning
                                      : LogLevel::info;
    if (refused.empty()) {
      serving_.log(level, "request",
                   {{"method", request_.method_name},
                    {"path", request_.path},
                    {"status", text(status_text, status_end)},
                    {"ms", text(milliseconds, end)},
                    {"bytes", text(size_text, size_end)},
                    {"client", request_.client_address},
                    {"id", request_.id}});
    } else {
      serving_.log(level, "request",
                   {{"status", text(status_text, status_end)},
                    {"reason", refused},
                    {"bytes", text(size_text, size_end)},
                    {"client", request_.client_address},
                    {"id", request_.id}});
    }
  }

  // A request's way through a lane: in here, run() and done() there, resume() back here. It goes in
  // when everything before it is written, so nothing else happens to the connection meanwhile.

  /// False where the lane takes no more, and the answer says so.
  bool enter_lane() {
    view_ = std::exchange(waits_, nullptr);
    stage_ = Stage::lane;
    deadline_ = SteadyTime::max();
    submitted_ = std::chrono::steady_clock::now();
    if (submit(view_->lane)) return true;
    finish(std::exchange(outcome_, {}).response);
    return false;
  }
  /// False, with the answer, where the lane takes no more.
  bool submit(Lane lane) {
    self_ = shared();
    lane_ = lane;
    if (serving_.lanes.submit(lane_, *this)) return true;
    self_.reset();
    answer_error(Error{Errc::busy});
    return false;
  }
  void answer_error(const Error& error) {
    deferred_.reset();
    outcome_ = {};
    outcome_.response = serving_.router.error_response(*view_, error);
  }
  void run() noexcept override {
    // Where the database holds up all threads of its lane, who comes then has waited for it, too.
    // A queue for hashing is no fault of the database.
    const auto waited = std::chrono::steady_clock::now() - submitted_;
    const bool counts = lane_ == Lane::storage || lane_ == Lane::commit;
    const DatabaseWait wait(counts ? waited : std::chrono::nanoseconds::zero());
    if (deferred_ == nullptr) {
      outcome_ = serving_.router.dispatch(request_);
      return;
    }
    deferred_->run();
    // Where others wait with it, its answer is made when it is back.
    if (may_wait()) finish_deferred();
  }
  void done(const Error* error) noexcept override {
    auto& lanes = serving_.lanes;
    const bool was_commit = lane_ == Lane::commit;
    if (error == nullptr && outcome_.waits != nullptr && was_commit) {
      // It waits for more than its write, which the others of a commit cannot wait for.
      lane_ = Lane::storage;
      if (lanes.submit(lane_, *this)) return lanes.committed();
      answer_error(Error{Errc::busy});
    } else if (error != nullptr) {
      answer_error(*error);
    }
    serving_.bring_back(std::move(self_));
    if (was_commit) lanes.committed();
  }
  void resume() override {
    if (closed_) return;
    if (deferred_ != nullptr) {
      finish_deferred();
      if (outcome_.waits != nullptr && submit(Lane::storage)) return;
    }
    finish(std::exchange(outcome_, {}).response);
    proceed();
  }
  void finish_deferred() noexcept {
    const auto deferred = std::exchange(deferred_, nullptr);
    outcome_ = serving_.router.finish(*deferred, *view_, request_);
  }

  void read() {
    if (!reader_.started()) {
      if (serving_.stopping && answered_) return close();
      wait_for(Stage::idle,
               serving_.stopping ? first_request_deadline : serving_.settings.idle_deadline);
    } else if (!reader_.head_done()) {
      if (stage_ != Stage::head) wait_for(Stage::head, serving_.settings.head_deadline);
    } else if (stage_ != Stage::body) {
      wait_for(Stage::body, serving_.settings.body_deadline);
    }
    serving_.read_soon(shared());
  }
  void read_now() override {
    if (closed_) return;
    if (expired_) return on_read({}, 0);
    const auto room = reader_.room();
    stream_.async_read_some(net::buffer(room.data(), room.size()),
                            [self = shared()](const error_code& error, std::size_t size) {
                              self->on_read(error, size);
                            });
  }

  void on_read(const error_code& error, std::size_t size) {
    if (closed_) return;
    reader_.received(size);
    if (expired_) {
      refuse({408, "The request took too long."});
    } else if (error) {
      return close();
    }
    proceed();
  }

  /// Sends what is there; false where the rest is under way, or nothing can be sent any more.
  bool write() {
    if constexpr (!tls) {
      error_code error;
      sent_ += socket().write_some(net::buffer(out_.data() + sent_, out_.size() - sent_), error);
      if (error && error != net::error::would_block) return close(), false;
      if (sent_ == out_.size()) return forget_sent(), true;
    }
    wait_for(Stage::write, serving_.settings.write_deadline);
    write_rest();
    return false;
  }
  void write_rest() {
    stream_.async_write_some(net::buffer(out_.data() + sent_, out_.size() - sent_),
                             [self = shared()](const error_code& error, std::size_t size) {
                               self->on_written(error, size);
                             });
  }
  void on_written(const error_code& error, std::size_t size) {
    if (closed_) return;
    if (error) return close();
    sent_ += size;
    if (sent_ < out_.size()) return write_rest();
    forget_sent();
    proceed();
  }

  /// Closes in a way that lets the client see the last answer: with bytes of it unread, close()
  /// sends a reset, and that can overtake the answer (RFC 9112 section 9.6).
  void linger() {
    wait_for(Stage::linger, linger_deadline);
    if constexpr (tls) {
      stream_.async_shutdown([self = shared()](const error_code&) { self->half_close(); });
    } else {
      half_close();
    }
  }
  void half_close() {
    if (closed_) return;
    error_code error;
    socket().shutdown(Socket::shutdown_send, error);
    if (error) return close();
    discard();
  }
  void discard() {
    socket().async_read_some(net::buffer(serving_.discarded),
                             [self = shared()](const error_code& error, std::size_t) {
                               if (self->closed_) return;
                               error ? self->close() : self->discard();
                             });
  }

  void expire() override {
    const bool can_answer = !tls && (stage_ == Stage::head || stage_ == Stage::body);
    if (!can_answer) return close();
    expired_ = true;
    deadline_ = SteadyTime::max();
    error_code ignored;
    socket().cancel(ignored);
  }

  void forget_sent() noexcept {
    sent_ = 0;
    if (out_.capacity() <= 2 * batch_size) return out_.clear();
    wipe(out_);
    out_ = std::string();
  }

  Stream stream_;
  std::string peer_;
  const bool behind_proxy_;  ///< the peer is a trusted proxy
  Address::Text client_text_;
  RequestReader reader_;
  Request request_;
  RequestIds::Id made_id_;
  SteadyTime began_;
  SteadyTime submitted_;  ///< to a lane
  Lane lane_ = Lane::storage;
  std::string out_;
  std::size_t sent_ = 0;
  Stage stage_ = Stage::idle;
  bool answered_ = false;  ///< a request of it, at least one
  bool last_ = false;
  bool expired_ = false;
  bool closed_ = false;
  const View* waits_ = nullptr;         ///< whose lane the present request is to go to
  const View* view_ = nullptr;          ///< whose lane it is in
  Router::Outcome outcome_;             ///< what it comes back with
  std::unique_ptr<Deferred> deferred_;  ///< what is left of it to be done there and afterwards
  std::shared_ptr<Connection> self_;    ///< keeps it while a lane has it
};

}  // namespace easyjwt::http
