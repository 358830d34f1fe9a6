#include <sys/stat.h>

#include <cstdio>
#include <filesystem>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/random.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/commands/commands.hpp"
#include "service/file.hpp"
#include "service/project.hpp"

namespace easyjwt::commands {

Result<int> startproject(const std::string& kind, const std::string& folder) {
  if (kind != "auth" && kind != "client") {
    return fail(Errc::usage, {}, "startproject: \"" + kind + "\" is neither auth nor client");
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return refuse(folder + ": cannot be made: " + error.message());

  // Django's alphabet for a SECRET_KEY, less what TOML or a shell would take for its own.
  const Secret secret_key(random_string(50, "abcdefghijklmnopqrstuvwxyz0123456789!@%^&*(-_=+)"));
  std::string bytes(32, '\0');
  random_bytes(bytes.data(), bytes.size());
  const Secret signing_key(hex(bytes));
  wipe(bytes);
  Secret content(project_file(kind == "client" ? ServiceKind::client : ServiceKind::auth,
                              secret_key.view(), signing_key.view()));
  const auto file = (std::filesystem::path(folder) / "easyjwt.toml").string();
  if (auto made = create_private_file(file, content.view()); !made) return fail(made.error());
  std::printf("%s\n", file.c_str());
  return 0;
}

}  // namespace easyjwt::commands
