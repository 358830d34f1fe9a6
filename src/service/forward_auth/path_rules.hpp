#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/token/permission.hpp"

namespace easyjwt {

/// Who may have what lies under a path: one of FORWARD_AUTH.RULES.
struct PathRule {
  std::string path;                  ///< "/api": it and all beneath it, by whole segments
  std::vector<std::string> methods;  ///< upper case; none: all
  Permission permission;
};

/// "[METHOD,METHOD] /path PERMISSION..." as FORWARD_AUTH.RULES has it. Of several permissions all
/// must allow: AllowAny, IsAuthenticated, IsAdminUser, IsAuthenticatedOrReadOnly,
/// has_perm:easyjwt_user.view_user, in_group:NAME (percent-encoded where it has spaces); "!" before
/// one turns it round. Throws SettingsError.
PathRule parse_path_rule(std::string_view text);

/// What a request's path may mean to the service behind the proxy, so that no spelling of a path
/// reaches what its rule would not let through: percent-encodings resolved, "//" as "/", "." and
/// ".." walked, without a query; and where segments have parameters (";..."), both with and
/// without them, for some services cut them off. Empty: it could mean anything (a path that leaves
/// its root, an encoded or backward slash, a control character, an encoding within an encoding).
std::vector<std::string> meanings_of(std::string_view uri);

/// The rules of forward-auth. Never changes; any thread.
class PathRules {
 public:
  /// Throws SettingsError: a path that does not begin with '/' or is not as it would be matched.
  explicit PathRules(std::vector<PathRule> rules);

  /// Whether `identity` (null: nobody) may do that. The longest path that fits, with the method,
  /// decides; of two alike the first. What no rule fits is denied; without any rule a login is
  /// enough. `method` and `uri` are what the proxy says of the request ("GET", "/api/x?y=1"); where
  /// there are rules it must say both.
  Result<void> check(const Identity* identity, std::string_view method, std::string_view uri) const;

 private:
  const PathRule* find(std::string_view method, std::string_view path) const;

  std::vector<PathRule> rules_;  ///< longest path first
};

}  // namespace easyjwt
