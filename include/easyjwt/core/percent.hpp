#pragma once

#include <string>
#include <string_view>

namespace easyjwt {

/// Percent-encodes all but RFC 3986's unreserved characters (section 2.3) and those of `plain`.
std::string percent_encode(std::string_view text, std::string_view plain = {});

}  // namespace easyjwt
