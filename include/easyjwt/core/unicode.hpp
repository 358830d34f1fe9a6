#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace easyjwt {

bool is_utf8(std::string_view text) noexcept;
/// The code points of valid UTF-8.
std::u32string code_points(std::string_view text);
/// Their number: what Python's len() says, and what max_length counts.
std::size_t count_code_points(std::string_view text) noexcept;
/// Without white space at both ends, as Python's str.strip() (Unicode's white space).
std::string_view strip(std::string_view text) noexcept;
/// Lower case by Unicode's simple mapping (glibc's C.UTF-8): what Python's str.lower() does to
/// everything but U+0130 and a final capital sigma.
std::string lower(std::string_view text);

}  // namespace easyjwt
