#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stop_token>
#include <thread>

#include "easyjwt/db/migrations.hpp"
#include "service/commands/commands.hpp"
#include "service/project.hpp"

namespace easyjwt::commands {
namespace {

using namespace std::chrono_literals;

/// Says so, once, if it takes long.
class Notice {
 public:
  Notice()
      : thread_([](const std::stop_token& stop) {
          std::mutex mutex;
          std::condition_variable_any never;
          std::unique_lock lock(mutex);
          if (never.wait_for(lock, stop, 2s, [] { return false; }) || stop.stop_requested()) return;
          std::puts(
              "Waiting for another migration to end, or indexing large tables: this may take "
              "minutes.");
          std::fflush(stdout);
        }) {}

 private:
  std::jthread thread_;
};

Result<std::vector<db::MigrationStep>> plan_steps(const ServiceSettings& settings) {
  const auto database = open_database(patient(settings.database), no_log());
  if (!database) return fail(database.error());
  return db::pending_migrations(**database);
}

Result<std::vector<db::MigrationStep>> take_steps(const ServiceSettings& settings) {
  const auto database = open_database(patient(settings.database), no_log());
  if (!database) return fail(database.error());
  const Notice notice;
  auto steps = db::migrate(**database, system_clock());
  if (!steps && steps.error().code == Errc::unavailable) {
    steps.error().reason += "; run easyjwt migrate again, it goes on where it has to";
  }
  return steps;
}

}  // namespace

Result<int> migrate(const std::string& config, bool plan) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  const auto steps = plan ? plan_steps(loaded->settings) : take_steps(loaded->settings);
  if (!steps) return fail(steps.error());
  if (steps->empty()) {
    std::puts(plan ? "No planned migration operations." : "No migrations to apply.");
  }
  for (const auto& step : *steps) {
    std::printf("%s %s: %s\n", plan ? "Would apply" : "Applied", step.name.c_str(),
                step.description.c_str());
    for (const auto& index : step.missing) {
      std::printf("Note: without the index %s, for which the server lacks an extension or a right: "
                  "some searches will be slower (docs/postgresql.md)\n",
                  index.c_str());
    }
  }
  return 0;
}

}  // namespace easyjwt::commands
