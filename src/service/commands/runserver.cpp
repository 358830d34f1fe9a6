#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "easyjwt/client/jwks.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/http/server.hpp"
#include "service/auth_service.hpp"
#include "service/client_service.hpp"
#include "service/commands/commands.hpp"
#include "service/health.hpp"
#include "service/log_sink.hpp"
#include "service/project.hpp"
#include "service/system_checks.hpp"

namespace easyjwt::commands {
namespace {

constexpr int wake = SIGUSR2;

/// Blocks the signals that SignalThread waits for. Made before any other thread, which then
/// inherits it.
class BlockedSignals {
 public:
  BlockedSignals() {
    ::sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, wake}) ::sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
    // A peer that went away is an error of its send, not our end.
    std::signal(SIGPIPE, SIG_IGN);
    // A file that may not grow (RLIMIT_FSIZE) is an error of its write, as a full disk is.
    std::signal(SIGXFSZ, SIG_IGN);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  const sigset_t& set() const { return set_; }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

/// SIGTERM and SIGINT drain the server and then stop it; each further one takes it a step on: from
/// draining to stopping, from stopping to an end at once. SIGHUP reads the certificate again.
class SignalThread {
 public:
  SignalThread(const BlockedSignals& signals, http::Server& server, Readiness& readiness,
               std::chrono::seconds drain_time, LogSink& sink, std::function<void()> stop_waiting)
      : signals_(signals),
        server_(server),
        readiness_(readiness),
        drain_time_(drain_time),
        sink_(sink),
        stop_waiting_(std::move(stop_waiting)),
        thread_([this] { run(); }) {}
  ~SignalThread() {
    ::pthread_kill(thread_.native_handle(), wake);
    thread_.join();
  }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  enum class Stage { serving, draining, stopping };

  void run() {
    auto stage = Stage::serving;
    std::chrono::steady_clock::time_point drained_at;
    for (;;) {
      const int signal = stage == Stage::draining ? wait_until(drained_at) : wait();
      if (signal == wake) return;
      if (signal == SIGHUP) {
        server_.reload_tls();
      } else if (stage == Stage::stopping) {
        sink_.flush();
        ::_exit(128 + signal);
      } else if (stage == Stage::serving && drain_time_.count() > 0) {
        stage = Stage::draining;
        drained_at = std::chrono::steady_clock::now() + drain_time_;
        readiness_.drain();
        server_.drain();
        sink_.log()(LogLevel::info, "draining", {{"seconds", std::to_string(drain_time_.count())}});
      } else {
        stage = Stage::stopping;
        stop_waiting_();
        server_.stop();
      }
    }
  }

  int wait() {
    int signal = wake;
    ::sigwait(&signals_.set(), &signal);
    return signal;
  }
  /// SIGTERM where none came until then.
  int wait_until(std::chrono::steady_clock::time_point end) {
    using std::chrono::nanoseconds;
    for (;;) {
      const auto left =
          std::max(nanoseconds(end - std::chrono::steady_clock::now()), nanoseconds::zero());
      const timespec limit{static_cast<std::time_t>(left.count() / 1'000'000'000),
                           static_cast<long>(left.count() % 1'000'000'000)};
      const int signal = ::sigtimedwait(&signals_.set(), nullptr, &limit);
      if (signal > 0) return signal;
      if (errno == EAGAIN) return SIGTERM;
    }
  }

  const BlockedSignals& signals_;
  http::Server& server_;
  Readiness& readiness_;
  const std::chrono::seconds drain_time_;
  LogSink& sink_;
  const std::function<void()> stop_waiting_;
  std::thread thread_;
};

/// A connection is a descriptor; the usual soft limit of 1024 exists for programs that use
/// select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 65536));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Threads that come and go with requests would give their memory back after each and fetch it
/// again: a fifth of a client-service's time, at glibc's 128 KiB.
void keep_memory() { ::mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024); }

/// "8001" is a port of the loopback address, as for Django's runserver.
std::string listen_address(const std::string& listen) {
  const bool port =
      std::all_of(listen.begin(), listen.end(), [](char c) { return c >= '0' && c <= '9'; });
  return port ? "127.0.0.1:" + listen : listen;
}

Result<int> serve(const LoadedSettings& loaded, const BlockedSignals& signals, const Own& own) {
  const auto& settings = loaded.settings;
  LogSink sink(settings.log_format == "json" ? LogSink::Format::json : LogSink::Format::text,
               STDERR_FILENO);
  const Log log = sink.log();

  const auto database = open_ready_database(settings.database, log);
  if (!database) return fail(database.error());
  const auto serializer = bind_serializer(settings, own.serializers, **database);
  if (!serializer) return fail(serializer.error());
  http::Router router(settings.allowed_hosts, log);
  if (!settings.cors.allowed_origins.empty()) router.use(http::Cors(settings.cors));
  std::optional<AuthService> auth;
  std::optional<ClientService> client;
  if (settings.kind == ServiceKind::client) {
    client.emplace(loaded, **database, log, router, own.views, serializer->get());
  } else {
    auth.emplace(loaded, **database, log, router, own.views, serializer->get());
  }
  // An auth-service that is down makes no client-service unready: what needs none is served, and
  // another node could do no more.
  Readiness readiness(**database, log);
  add_health(router, readiness);

  auto server_settings = settings.server;
  if ((*database)->engine() == db::Engine::postgresql) {
    // One for each connection, so that none of them waits for one; and those that wait for a key.
    server_settings.storage_threads =
        settings.database.pool_size +
        (settings.jwk_url ? static_cast<unsigned>(JwksSettings{}.max_waiting) : 0);
  }
  server_settings.committer = [&database](Task& task) { return (*database)->submit(task); };
  http::Server server(std::move(server_settings), router, log);
  server.bind();
  const SignalThread thread(signals, server, readiness,
                            std::chrono::seconds(settings.drain_seconds), sink, [&auth] {
                              if (auth) auth->stop_waiting();
                            });
  // Not before: a start that fails says why in one line.
  for (const auto& [id, problem] : system_checks(loaded, false)) {
    log(LogLevel::warning, problem.str(), {{"check", id}});
  }
  std::printf("listening on %s://%s\n", server.tls() ? "https" : "http", server.address().c_str());
  std::fflush(stdout);
  server.run();
  const auto written = (*database)->counters();
  const auto hashed = auth ? auth->hasher().usage() : Hasher::Usage{};
  log(LogLevel::info, "stopped",
      {{"writes", std::to_string(written.writes)},
       {"commits", std::to_string(written.commits)},
       {"hashing_ms", std::to_string(hashed.hashing / 1'000'000)},
       {"permits_ms", std::to_string(hashed.held / 1'000'000)}});
  return 0;
}

}  // namespace

Result<int> runserver(const std::string& config, const std::string& listen, const Own& own) {
  auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  if (!listen.empty()) {
    loaded->settings.server.listen = listen_address(listen);
    loaded->places.insert_or_assign("SERVER.LISTEN", "ADDR:PORT");
  }
  raise_descriptor_limit();
  keep_memory();
  const BlockedSignals signals;
  try {
    return serve(*loaded, signals, own);
  } catch (const SettingsError& error) {
    return refuse(loaded->locate(error).str());
  } catch (const http::ServerError& error) {
    return refuse(error.what());
  }
}

}  // namespace easyjwt::commands
