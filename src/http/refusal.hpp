#pragma once

#include <string_view>

namespace easyjwt::http {

/// Why a request is refused before anyone looked at what it asks. `text` is a literal, for the
/// client's "detail" and for the log. Status 0: nothing is refused.
struct Refusal {
  int status = 0;
  std::string_view text;
};

}  // namespace easyjwt::http
