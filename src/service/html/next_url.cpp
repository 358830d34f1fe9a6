#include "service/html/next_url.hpp"

#include <algorithm>

#include "easyjwt/core/percent.hpp"

namespace easyjwt::html {

bool stays_here(std::string_view url) noexcept {
  constexpr std::size_t longest = 2000;
  if (!url.starts_with('/') || url.starts_with("//") || url.size() > longest) return false;
  // Browsers take a backslash for a slash and leave out tabs and line ends before they look.
  return std::all_of(url.begin(), url.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f && c != '\\';
  });
}

std::string next_or(std::string_view url, std::string_view otherwise) {
  return std::string(stays_here(url) ? url : otherwise);
}

std::string with_next(std::string_view path, std::string_view next) {
  return std::string(path) + "?next=" + percent_encode(next, "/");
}

}  // namespace easyjwt::html
