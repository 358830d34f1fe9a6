#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace easyjwt {

/// Which of `languages` ("en", "de") an Accept-Language asks for first (RFC 9110 section 12.5.4):
/// the highest weight, of those the first. "de-AT" is answered in "de" (lookup, RFC 4647 section
/// 3.4). nullopt: none of them, or "*" before them. What is malformed is passed over. Pure; takes
/// time by the length, no memory.
std::optional<std::size_t> choose_language(std::string_view accept_language,
                                           std::span<const std::string_view> languages) noexcept;

}  // namespace easyjwt
