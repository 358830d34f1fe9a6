#pragma once

#include <span>
#include <string_view>

namespace easyjwt::html {

/// A file of a folder templates/.
struct Template {
  std::string_view name;
  std::string_view text;
};

/// A file that pages load. Its path has a part of its hash, so that browsers may keep it for ever.
struct Asset {
  std::string_view name;  ///< "easyjwt.css"
  std::string_view path;  ///< "/static/easyjwt.0123456789ab.css"
  std::string_view type;
  std::string_view text;
};

/// Put into the program when it is built (CMakeLists.txt).
extern const std::span<const Template> templates;
extern const std::span<const Asset> assets;

}  // namespace easyjwt::html
