#include "service/health.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {
namespace {

constexpr std::chrono::milliseconds period{500};
/// A check that takes longer has failed, whatever it will say.
constexpr std::chrono::seconds patience{2};
/// While all is well. It costs milliseconds, and who undoes a migration does it seldom.
constexpr std::chrono::seconds schema_period{10};

std::string_view missing(Readiness::State state) {
  return state == Readiness::State::no_migrations ? "migrations" : "database";
}

http::Reply answer(Readiness::State state) {
  switch (state) {
    case Readiness::State::ready: return http::Response::json(R"({"status":"ready"})");
    case Readiness::State::draining: return http::Response::json(R"({"status":"draining"})", 503);
    case Readiness::State::no_database:
    case Readiness::State::no_migrations: break;
  }
  return http::Response::json(
      R"({"status":"not ready","missing":[")" + std::string(missing(state)) + "\"]}", 503);
}

http::View view(std::string path, std::string name, http::Handler handler) {
  http::View view;
  view.path = std::move(path);
  view.name = std::move(name);
  view.any_host = true;
  view.handlers.emplace_back(http::Method::get, std::move(handler));
  return view;
}

}  // namespace

Readiness::Readiness(db::Database& database, Log log)
    : database_(database),
      log_(std::move(log)),
      schema_seen_(Clock::now()),
      thread_([this] { run(); }) {}

Readiness::~Readiness() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Readiness::State Readiness::state() const noexcept {
  if (draining_.load()) return State::draining;
  const auto since = checking_since_.load();
  if (since != 0 && Clock::now() > Clock::time_point(Clock::duration(since)) + patience) {
    return State::no_database;
  }
  return found_.load();
}

void Readiness::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    lock.unlock();
    const auto began = Clock::now();
    checking_since_ = began.time_since_epoch().count();
    auto now = check();
    // It answers, but too slowly for whoever asks it something.
    if (Clock::now() > began + patience) now = State::no_database;
    found_ = now;
    checking_since_ = 0;
    note(now);
    lock.lock();
    changed_.wait_for(lock, period, [this] { return ending_; });
  }
}

Readiness::State Readiness::check() noexcept {
  try {
    return look();
  } catch (const std::exception&) {
    return State::no_database;
  }
}

Readiness::State Readiness::look() {
  // After anything but ready, too: what came back may be another database.
  if (noted_ != State::ready || Clock::now() >= schema_seen_ + schema_period) {
    return look_at_schema();
  }
  try {
    // A row that is not there: cheap, and it fails where file, server or table are gone.
    const auto user = database_.read(
        [](db::Transaction& transaction) { return UserStore(transaction).find_by_id(0); });
    return user ? State::ready : State::no_database;
  } catch (const db::Fault&) {
    // There is a database that does not understand us.
    return look_at_schema();
  }
}

Readiness::State Readiness::look_at_schema() {
  const auto pending = db::pending_migrations(database_);
  if (pending && std::ranges::all_of(*pending, &db::MigrationStep::may_wait)) {
    schema_seen_ = Clock::now();
    return State::ready;
  }
  const bool answered = pending || pending.error().code == Errc::refused;
  return answered ? State::no_migrations : State::no_database;
}

void Readiness::note(State now) {
  if (std::exchange(noted_, now) == now) return;
  if (now == State::ready) {
    log_(LogLevel::info, "ready", {});
  } else {
    log_(LogLevel::warning, "not ready", {{"missing", missing(now)}});
  }
}

void add_health(http::Router& router, const Readiness& readiness) {
  router.add(view("/healthz", "Health", [](const http::Request&) -> http::Reply {
    return http::Response::json(R"({"status":"ok"})");
  }));
  router.add(view("/readyz", "Readiness",
                  [&readiness](const http::Request&) { return answer(readiness.state()); }));
}

}  // namespace easyjwt
