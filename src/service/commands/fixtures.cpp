// loaddata and dumpdata.
#include "service/fixtures/fixtures.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "easyjwt/core/unicode.hpp"
#include "service/commands/commands.hpp"
#include "service/project.hpp"

namespace easyjwt::commands {
namespace {

/// The models of names like "auth" and "auth.group", in the order in which they can be loaded.
Result<std::vector<const FixtureModel*>> chosen_models(std::vector<std::string> names) {
  if (names.empty()) {
    names = {"auth.group", "easyjwt_user.user", "token_blacklist.outstandingtoken",
             "token_blacklist.blacklistedtoken"};
  }
  const auto is_meant = [](const FixtureModel& model, const std::string& name) {
    const auto wanted = lower(name);
    return model.label == wanted || model.label.starts_with(wanted + '.');
  };
  std::vector<const FixtureModel*> models;
  for (const auto* model : fixture_models()) {
    if (std::ranges::any_of(names, [&](const auto& name) { return is_meant(*model, name); })) {
      models.push_back(model);
    }
  }
  for (const auto& name : names) {
    if (std::ranges::none_of(models, [&](const auto* model) { return is_meant(*model, name); })) {
      std::string known;
      for (const auto* model : fixture_models()) known += ' ' + std::string(model->label);
      return refuse("unknown model \"" + name + "\"; there are:" + known);
    }
  }
  return models;
}

}  // namespace

Result<int> loaddata(const std::string& config, const std::vector<std::string>& files) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  const auto database = open_ready_database(patient(loaded->settings.database), no_log());
  if (!database) return fail(database.error());
  const auto count = fixtures::load(**database, files, system_clock()());
  if (!count) return fail(count.error());
  std::printf("Installed %lld object(s) from %zu fixture(s)\n", static_cast<long long>(*count),
              files.size());
  return 0;
}

Result<int> dumpdata(const std::string& config, const std::vector<std::string>& names) {
  const auto models = chosen_models(names);
  if (!models) return fail(models.error());
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  const auto database = open_ready_database(patient(loaded->settings.database), no_log());
  if (!database) return fail(database.error());
  if (auto done = fixtures::dump(**database, *models, stdout); !done) return fail(done.error());
  return 0;
}

}  // namespace easyjwt::commands
