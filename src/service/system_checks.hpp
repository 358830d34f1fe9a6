#pragma once

#include <string>
#include <vector>

#include "easyjwt/service/settings.hpp"
#include "service/serializers.hpp"

namespace easyjwt {

/// Something that the settings allow and that is likely a mistake.
struct CheckWarning {
  std::string id;  ///< "easyjwt.W001"
  SettingsProblem problem;
};

/// What is dubious in sound settings; with `deploy` also what is fine on one's own machine only.
std::vector<CheckWarning> system_checks(const LoadedSettings& loaded, bool deploy);

/// Builds what judges its own settings (keys, password hashers) and throws it away again.
/// `serializers`: the program's own. nullopt: all of it can be built.
std::optional<SettingsProblem> check_constructors(const LoadedSettings& loaded,
                                                  const Serializers& serializers);

}  // namespace easyjwt
