#include "service/catalogue/accept_language.hpp"

#include <algorithm>

#include "easyjwt/http/request.hpp"

namespace easyjwt {
namespace {

std::string_view trim(std::string_view text) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// A weight ("q=0.5") in thousandths; -1: it is none.
int parse_weight(std::string_view text) noexcept {
  if (text.size() < 3 || text.size() > 7 || (text[0] != 'q' && text[0] != 'Q') || text[1] != '=') {
    return -1;
  }
  text.remove_prefix(2);
  if ((text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.')) return -1;
  int weight = text[0] == '1' ? 1000 : 0;
  int unit = 100;
  for (const char c : text.substr(text.size() > 1 ? 2 : 1)) {
    if (c < '0' || c > '9') return -1;
    weight += unit * (c - '0');
    unit /= 10;
  }
  return weight <= 1000 ? weight : -1;
}

}  // namespace

std::optional<std::size_t> choose_language(std::string_view accept_language,
                                           std::span<const std::string_view> languages) noexcept {
  std::optional<std::size_t> chosen;
  int best = 0;  // a weight of 0 says "not this one"
  while (!accept_language.empty()) {
    const auto range = accept_language.substr(0, accept_language.find(','));
    accept_language.remove_prefix(std::min(range.size() + 1, accept_language.size()));
    const auto end = range.find(';');
    const auto tag = trim(range.substr(0, end));
    const int weight = end == range.npos ? 1000 : parse_weight(trim(range.substr(end + 1)));
    if (weight <= best) continue;
    if (tag == "*") {
      best = weight;
      chosen.reset();
      continue;
    }
    const auto primary = tag.substr(0, tag.find('-'));
    for (std::size_t i = 0; i < languages.size(); ++i) {
      if (!http::equal_ignoring_case(primary, languages[i])) continue;
      best = weight;
      chosen = i;
      break;
    }
  }
  return chosen;
}

}  // namespace easyjwt
