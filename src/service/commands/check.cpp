#include <cstdio>
#include <string>
#include <vector>

#include "easyjwt/service/settings.hpp"
#include "service/commands/commands.hpp"
#include "service/system_checks.hpp"

namespace easyjwt::commands {
namespace {

void print(const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  std::fprintf(stderr, "%s:\n", title);
  for (const auto& line : lines) std::fprintf(stderr, "%s\n", line.c_str());
  std::fputc('\n', stderr);
}

}  // namespace

Result<int> check(const std::string& config, bool deploy, const Serializers& serializers) {
  const auto loaded = load_settings(config, process_environment());
  std::vector<std::string> errors, warnings;
  for (const auto& error : loaded.errors) errors.push_back(error.str());
  if (errors.empty()) {
    if (const auto problem = check_constructors(loaded, serializers))
      errors.push_back(problem->str());
    for (const auto& [id, problem] : system_checks(loaded, deploy)) {
      warnings.push_back('(' + id + ") " + problem.str());
    }
  }
  // Django's words.
  const auto issues = errors.size() + warnings.size();
  if (issues == 0) {
    std::printf("System check identified no issues (0 silenced).\n");
    return 0;
  }
  std::fprintf(stderr, "System check identified some issues:\n\n");
  print("ERRORS", errors);
  print("WARNINGS", warnings);
  std::fprintf(stderr, "System check identified %zu %s (0 silenced).\n", issues,
               issues == 1 ? "issue" : "issues");
  return errors.empty() ? 0 : 1;
}

}  // namespace easyjwt::commands
