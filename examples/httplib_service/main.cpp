// A service of one's own on cpp-httplib, whose users an auth-service knows:
//   httplib_service AUTH_SERVICE_URL [PORT [local]]
// With `local` it judges tokens itself, by the keys that an auth-service with ES256 publishes, and
// with FEED_CLIENT_ID and FEED_CLIENT_SECRET in its environment it follows what that revokes.
#include <httplib.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "easyjwt/client/authenticator.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/token/permission.hpp"

using httplib::Request, httplib::Response;

namespace {

constexpr auto json_type = "application/json";

void log_to_stderr(easyjwt::LogLevel, std::string_view message,
                   std::initializer_list<easyjwt::LogField> fields) {
  std::string line(message);
  for (const auto& [name, value] : fields) {
    line.append(" ").append(name).append("=");
    easyjwt::append_json_string(line, value);  // escaped: nobody's line break begins a line
  }
  std::fputs((line + '\n').c_str(), stderr);
}

void refuse(Response& response, const easyjwt::Error& error) {
  std::string body;
  easyjwt::append_error_body(body, error);
  response.status = easyjwt::describe(error.code).status;
  response.set_content(body, json_type);
  if (response.status == 401) response.set_header("WWW-Authenticate", "Bearer");
  if (error.retry_after.count() > 0) {
    response.set_header("Retry-After", std::to_string(error.retry_after.count()));
  }
  if (response.status >= 500) {
    log_to_stderr(easyjwt::LogLevel::warning, "refused", {{"reason", error.reason}});
  }
}

int serve(const std::string& auth_service, int port, bool local) {
  // Blocked before there are threads: sigwait() below is the one to take them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  easyjwt::RemoteAuthSettings settings;
  settings.service_url = auth_service;
  easyjwt::RemoteAuth remote(settings, log_to_stderr);
  easyjwt::AuthenticatorSettings judging;
  if (local) {
    judging.verify_mode = easyjwt::VerifyMode::local;
    judging.local.token.algorithm = "ES256";
    judging.local.jwk_url = auth_service + "/.well-known/jwks.json";
    judging.log = log_to_stderr;
    const char* client_id = std::getenv("FEED_CLIENT_ID");
    const char* client_secret = std::getenv("FEED_CLIENT_SECRET");
    if (client_id != nullptr && client_secret != nullptr) {
      judging.local.feed_url = auth_service + "/auth/events/";
      judging.local.feed_client_id = client_id;
      judging.local.feed_client_secret = easyjwt::Secret(client_secret);
    }
  }
  easyjwt::Authenticator authenticator(judging, remote);
  const auto judge = [&](const Request& request, const easyjwt::Permission& permission)
      -> easyjwt::Result<std::shared_ptr<const easyjwt::Identity>> {
    auto identity = authenticator.authenticate(request.get_header_value("Authorization"));
    if (!identity) return identity;
    const auto allowed = permission.check({identity->get(), request.method, request.path});
    if (!allowed) return easyjwt::fail(allowed.error());
    return identity;
  };

  httplib::Server server;
  // More threads than RemoteAuth makes calls: while those wait, the rest can say so.
  server.new_task_queue = [&] { return new httplib::ThreadPool(settings.max_calls + 16); };
  server.set_payload_max_length(1 << 20);
  // httplib's own would tell strangers what the exception says.
  server.set_exception_handler(
      [](const Request&, Response& response, std::exception_ptr) { refuse(response, {}); });

  const auto may_test = easyjwt::is_authenticated();
  server.Get("/api/test/", [&](const Request& request, Response& response) {
    const auto user = judge(request, may_test);
    if (!user) return refuse(response, user.error());
    response.set_content("\"success\"", json_type);
  });

  const easyjwt::Permission has_name(
      [](const easyjwt::Access& access) { return !access.identity->first_name.empty(); });
  const auto may_be_greeted = easyjwt::is_authenticated() && has_name;
  server.Get("/api/hello/", [&](const Request& request, Response& response) {
    const auto user = judge(request, may_be_greeted);
    if (!user) return refuse(response, user.error());
    std::string body;
    easyjwt::append_json_string(body, "Hello, " + (*user)->first_name);
    response.set_content(body, json_type);
  });

  if (port == 0) {
    port = server.bind_to_any_port("127.0.0.1");
  } else if (!server.bind_to_port("127.0.0.1", port)) {
    port = -1;
  }
  if (port < 0) throw std::runtime_error("cannot listen on that port");

  std::thread serving([&] {
    if (!server.listen_after_bind()) std::quick_exit(1);
  });
  while (!server.is_running()) std::this_thread::yield();  // until then stop() would do nothing
  std::printf("listening on http://127.0.0.1:%d\n", port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server.stop();
  serving.join();  // what is in flight is answered
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  const bool local = argc == 4 && std::string_view(argv[3]) == "local";
  if (argc < 2 || argc > 4 || (argc == 4 && !local))
    throw std::runtime_error("usage: httplib_service AUTH_SERVICE_URL [PORT [local]]");
  return serve(argv[1], argc > 2 ? std::stoi(argv[2]) : 8080, local);
} catch (const std::exception& fault) {
  std::fprintf(stderr, "httplib_service: %s\n", fault.what());
  return 1;
}
