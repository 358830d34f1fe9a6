// A service of one's own on Boost.Beast, whose users an auth-service knows:
//   beast_service AUTH_SERVICE_URL [PORT]
// A thread for each connection, since authenticate() waits; one request on each connection.
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "easyjwt/client/authenticator.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/token/permission.hpp"

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

namespace {

void log_to_stderr(easyjwt::LogLevel, std::string_view message,
                   std::initializer_list<easyjwt::LogField> fields) {
  std::string line(message);
  for (const auto& [name, value] : fields) {
    line.append(" ").append(name).append("=");
    easyjwt::append_json_string(line, value);  // escaped: nobody's line break begins a line
  }
  std::fputs((line + '\n').c_str(), stderr);
}

Response refusal(const easyjwt::Error& error) {
  Response response;
  response.result(static_cast<unsigned>(easyjwt::describe(error.code).status));
  easyjwt::append_error_body(response.body(), error);
  if (response.result_int() == 401) response.set(http::field::www_authenticate, "Bearer");
  if (error.retry_after.count() > 0) {
    response.set(http::field::retry_after, std::to_string(error.retry_after.count()));
  }
  if (response.result_int() >= 500) {
    log_to_stderr(easyjwt::LogLevel::warning, "refused", {{"reason", error.reason}});
  }
  return response;
}

Response answer(const Request& request, easyjwt::Authenticator& authenticator) {
  static const auto may_test = easyjwt::is_authenticated();
  static const easyjwt::Permission has_name(
      [](const easyjwt::Access& access) { return !access.identity->first_name.empty(); });
  static const auto may_be_greeted = easyjwt::is_authenticated() && has_name;

  const auto path = std::string_view(request.target()).substr(0, request.target().find('?'));
  const bool greets = path == "/api/hello/";
  if (!greets && path != "/api/test/") return refusal({easyjwt::Errc::not_found});
  if (request.method() != http::verb::get) return refusal({easyjwt::Errc::method_not_allowed});

  const auto user = authenticator.authenticate(request[http::field::authorization]);
  if (!user) return refusal(user.error());
  const auto allowed = (greets ? may_be_greeted : may_test).check({user->get(), "GET", path});
  if (!allowed) return refusal(allowed.error());

  Response response;
  easyjwt::append_json_string(response.body(),
                              greets ? "Hello, " + (*user)->first_name : "success");
  return response;
}

void serve(boost::asio::io_context& io, beast::tcp_stream stream,
           easyjwt::Authenticator& authenticator) {
  // Asynchronous, and waited for: Beast's synchronous calls have no deadline, and strangers that
  // send nothing would keep all threads.
  beast::error_code failure;
  const auto done = [&](beast::error_code error, std::size_t) { failure = error; };
  const auto wait = [&] {
    io.restart();
    io.run();
  };
  beast::flat_buffer buffer;
  http::request_parser<http::string_body> parser;
  parser.body_limit(1 << 20);
  stream.expires_after(std::chrono::seconds(10));
  http::async_read(stream, buffer, parser, done);
  wait();
  if (failure) return;

  Response response;
  try {
    response = answer(parser.get(), authenticator);
  } catch (const std::exception& fault) {
    response = refusal({easyjwt::Errc::internal, {}, fault.what()});
  }
  response.set(http::field::content_type, "application/json");
  response.keep_alive(false);
  response.prepare_payload();
  stream.expires_after(std::chrono::seconds(10));
  http::async_write(stream, response, done);
  wait();
  stream.socket().shutdown(tcp::socket::shutdown_send, failure);
}

int run(const std::string& auth_service, unsigned short port) {
  // Blocked before there are threads: sigwait() below is the one to take them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  easyjwt::RemoteAuthSettings settings;
  settings.service_url = auth_service;
  easyjwt::RemoteAuth remote(settings, log_to_stderr);
  easyjwt::Authenticator authenticator({}, remote);

  boost::asio::io_context io;
  tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), port});
  std::mutex mutex;  // of the acceptor
  const auto accept_and_serve = [&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      boost::asio::io_context own(1);
      beast::error_code failure;
      std::unique_lock lock(mutex);
      tcp::socket socket = acceptor.accept(own, failure);
      lock.unlock();
      if (!failure) serve(own, beast::tcp_stream(std::move(socket)), authenticator);
    }
  };
  // More threads than RemoteAuth makes calls: while those wait, the rest can say so.
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < settings.max_calls + 16; ++i) threads.emplace_back(accept_and_serve);
  std::printf("listening on http://127.0.0.1:%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  for (auto& thread : threads) thread.request_stop();
  shutdown(acceptor.native_handle(), SHUT_RDWR);  // wakes who accepts
  threads.clear();                                // each finishes what it is at
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 3)
    throw std::runtime_error("usage: beast_service AUTH_SERVICE_URL [PORT]");
  return run(argv[1], static_cast<unsigned short>(argc > 2 ? std::stoi(argv[2]) : 8080));
} catch (const std::exception& fault) {
  std::fprintf(stderr, "beast_service: %s\n", fault.what());
  return 1;
}
