#pragma once

#include <string>

namespace easyjwt {

/// Who logs in, for the list of their sessions and the history of their logins.
struct Visitor {
  std::string user_agent{};  ///< at most 200 characters of ASCII
  std::string address{};     ///< at most 45
};

}  // namespace easyjwt
