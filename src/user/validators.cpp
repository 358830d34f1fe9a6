#include "easyjwt/user/validators.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/unicode.hpp"
#include "user/password_tables.hpp"

namespace easyjwt {
namespace {

constexpr std::size_t min_length = 8;
constexpr double max_similarity = 0.7;

bool contains(std::span<const CodePointRange> ranges, char32_t c) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](char32_t point, const auto& range) { return point < range.first; });
  return after != ranges.begin() && c <= std::prev(after)->last;
}

/// A password, prepared once for comparison with many texts.
class Similarity {
 public:
  explicit Similarity(std::string_view password) : password_(code_points(lower(password))) {}

  bool resembles(std::u32string_view text) {
    const std::size_t size = password_.size();
    // Django leaves out what is much shorter than the password.
    if (size >= 10 * text.size() &&
        static_cast<double>(text.size()) < max_similarity / 2 * static_cast<double>(size)) {
      return false;
    }
    // No more can match than the shorter of the two has: the sizes alone rule most texts out, so
    // that a password of a megabyte is never sorted.
    if (ratio(std::min(size, text.size()), text) < max_similarity) return false;
    if (!sorted_) std::sort(password_.begin(), password_.end());
    sorted_ = true;
    return ratio(common(text), text) >= max_similarity;
  }

 private:
  /// difflib.SequenceMatcher's ratio for a number of matches.
  double ratio(std::size_t matches, std::u32string_view text) const {
    const std::size_t both = password_.size() + text.size();
    return both == 0 ? 1.0 : 2.0 * static_cast<double>(matches) / static_cast<double>(both);
  }

  /// quick_ratio()'s matches: how many code points the two have in common, order aside.
  std::size_t common(std::u32string_view text) const {
    std::u32string other(text);
    std::sort(other.begin(), other.end());
    std::size_t matches = 0;
    for (std::size_t i = 0, j = 0; i < password_.size() && j < other.size();) {
      if (password_[i] == other[j]) {
        ++matches, ++i, ++j;
      } else if (password_[i] < other[j]) {
        ++i;
      } else {
        ++j;
      }
    }
    return matches;
  }

  std::u32string password_;
  bool sorted_ = false;
};

/// Whether the password resembles the attribute or one of its parts, as re.split(r'\W+') makes them
/// (with an empty one before and after separators at the ends).
bool resembles_attribute(Similarity& password, std::string_view attribute) {
  const std::u32string value = code_points(lower(attribute));
  std::size_t start = 0;
  for (std::size_t i = 0; i < value.size();) {
    if (contains(word_characters, value[i])) {
      ++i;
      continue;
    }
    if (password.resembles(std::u32string_view(value).substr(start, i - start))) return true;
    while (i < value.size() && !contains(word_characters, value[i])) ++i;
    start = i;
  }
  return password.resembles(std::u32string_view(value).substr(start)) || password.resembles(value);
}

void validate_similarity(std::string_view password, std::span<const UserAttribute> attributes,
                         std::vector<Text>& errors) {
  if (attributes.empty()) return;
  Similarity similarity(password);
  for (const auto& [value, too_similar] : attributes) {
    if (value.empty() || !resembles_attribute(similarity, value)) continue;
    errors.push_back({too_similar, {}});
    return;
  }
}

void validate_length(std::string_view password, std::span<const UserAttribute>,
                     std::vector<Text>& errors) {
  if (count_code_points(password) >= min_length) return;
  errors.push_back({"This password is too short. It must contain at least {} characters.",
                    {std::to_string(min_length)}});
}

bool is_common(std::string_view word) {
  const auto group = std::find_if(common_passwords.begin(), common_passwords.end(),
                                  [&](const auto& g) { return g.size == word.size(); });
  if (group == common_passwords.end()) return false;
  std::size_t low = 0;
  std::size_t high = group->count;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const int order = word.compare({group->text + middle * group->size, group->size});
    if (order == 0) return true;
    (order < 0 ? high : low) = order < 0 ? middle : middle + 1;
  }
  return false;
}

void validate_common(std::string_view password, std::span<const UserAttribute>,
                     std::vector<Text>& errors) {
  const std::string lowered = lower(password);
  if (is_common(strip(lowered))) errors.push_back({"This password is too common.", {}});
}

void validate_numeric(std::string_view password, std::span<const UserAttribute>,
                      std::vector<Text>& errors) {
  const std::u32string points = code_points(password);
  if (points.empty() ||
      !std::all_of(points.begin(), points.end(), [](char32_t c) { return contains(digits, c); })) {
    return;
  }
  errors.push_back({"This password is entirely numeric.", {}});
}

using Validate = void (*)(std::string_view, std::span<const UserAttribute>, std::vector<Text>&);

constexpr std::array<std::pair<std::string_view, Validate>, 4> validators{{
    {"UserAttributeSimilarityValidator", validate_similarity},
    {"MinimumLengthValidator", validate_length},
    {"CommonPasswordValidator", validate_common},
    {"NumericPasswordValidator", validate_numeric},
}};

}  // namespace

struct PasswordValidators::Impl {
  std::vector<Validate> chosen;
};

PasswordValidators::PasswordValidators(const std::vector<std::string>& names) {
  auto impl = std::make_unique<Impl>();
  for (const std::string& name : names) {
    const std::string_view last = std::string_view(name).substr(name.rfind('.') + 1);
    const auto found = std::find_if(validators.begin(), validators.end(),
                                    [&](const auto& row) { return row.first == last; });
    if (found == validators.end()) {
      throw SettingsError("AUTH_PASSWORD_VALIDATORS",
                          "\"" + name + "\" is none of the password validators");
    }
    impl->chosen.push_back(found->second);
  }
  impl_ = std::move(impl);
}

PasswordValidators::~PasswordValidators() = default;

std::vector<Text> PasswordValidators::validate(std::string_view password,
                                               std::span<const UserAttribute> attributes) const {
  std::vector<Text> errors;
  for (const Validate check : impl_->chosen) check(password, attributes, errors);
  return errors;
}

}  // namespace easyjwt
