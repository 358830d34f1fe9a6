#include <cstdio>

#include "easyjwt/db/migrations.hpp"
#include "service/commands/commands.hpp"
#include "service/project.hpp"

namespace easyjwt::commands {

Result<int> migrate(const std::string& config, bool plan) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  const auto database = open_database(loaded->settings, no_log());
  if (!database) return fail(database.error());
  const auto steps =
      plan ? db::pending_migrations(**database) : db::migrate(**database, system_clock());
  if (!steps) return fail(steps.error());
  if (steps->empty()) {
    std::puts(plan ? "No planned migration operations." : "No migrations to apply.");
  }
  for (const auto& step : *steps) {
    std::printf("%s %s: %s\n", plan ? "Would apply" : "Applied", step.name.c_str(),
                step.description.c_str());
  }
  return 0;
}

}  // namespace easyjwt::commands
