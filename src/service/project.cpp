#include "service/project.hpp"

#include <utility>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/db/migrations.hpp"

namespace easyjwt {

using namespace std::chrono_literals;

std::string explain(const Error& error) {
  if (!error.reason.empty()) return error.reason;
  if (!error.fields.empty() && !error.fields.front().texts.empty()) {
    return error.fields.front().texts.front().str();
  }
  if (!error.detail.empty()) return error.detail.str();
  return std::string(describe(error.code).text);
}

Result<LoadedSettings> read_settings(const std::string& config) {
  auto loaded = load_settings(config, process_environment());
  if (loaded.errors.empty()) return loaded;
  auto reason = loaded.errors.front().str();
  if (const auto more = loaded.errors.size() - 1; more > 0) {
    reason += " (and " + std::to_string(more) + " more: see easyjwt check)";
  }
  return refuse(std::move(reason));
}

db::DatabaseSettings patient(db::DatabaseSettings settings) {
  const bool is_embedded = settings.url.starts_with("sqlite:");
  settings.busy_deadline = is_embedded ? 10min : std::chrono::minutes{24h};
  return settings;
}

Result<std::unique_ptr<db::Database>> open_database(const db::DatabaseSettings& settings, Log log) {
  return db::Database::open(settings, std::move(log));
}

Result<std::unique_ptr<db::Database>> open_ready_database(const db::DatabaseSettings& settings,
                                                          Log log) {
  auto database = open_database(settings, std::move(log));
  if (!database) return database;
  const auto pending = db::pending_migrations(**database);
  if (!pending) return fail(pending.error());
  if (pending->empty()) return database;
  if ((*database)->engine() != db::Engine::sqlite) {
    return refuse("the database is not up to date: run easyjwt migrate");
  }
  if (const auto done = db::migrate(**database, system_clock()); !done) return fail(done.error());
  return database;
}

std::unique_ptr<Logins> make_logins(const ServiceSettings& settings, db::Database& database,
                                    Log log) {
  if (!settings.login_history) return nullptr;
  return std::make_unique<Logins>(database, *settings.login_history, system_clock(),
                                  std::move(log));
}

}  // namespace easyjwt
