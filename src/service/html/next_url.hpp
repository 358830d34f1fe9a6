#pragma once

#include <string>
#include <string_view>

namespace easyjwt::html {

/// Whether a browser that is sent to `url` stays on this site: a path of ours, which cannot be
/// taken for another host (stricter than Django's url_has_allowed_host_and_scheme, which takes our
/// own host's name, too). "//evil.example", "/\evil.example", "https:..." and whatever has a
/// control character, which browsers leave out, are none.
bool stays_here(std::string_view url) noexcept;

/// `url` where it stays here, else `otherwise`.
std::string next_or(std::string_view url, std::string_view otherwise);

/// `path` with "?next=" and where to go from there, percent-encoded.
std::string with_next(std::string_view path, std::string_view next);

}  // namespace easyjwt::html
