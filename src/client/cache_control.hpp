#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace easyjwt {

/// How much longer an answer is fresh (RFC 9111 sections 4.2 and 5.2.2): max-age of Cache-Control
/// less Age; zero for no-store and no-cache; nullopt where the server does not say, or says
/// nonsense. At most a year.
std::optional<std::chrono::seconds> fresh_for(std::string_view cache_control, std::string_view age);

}  // namespace easyjwt
