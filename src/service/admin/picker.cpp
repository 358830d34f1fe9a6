#include "service/admin/picker.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "easyjwt/core/unicode.hpp"
#include "service/html/fields.hpp"

namespace easyjwt::admin {
namespace {

using Ids = std::vector<std::int64_t>;

void sort(Ids& ids) {
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

json::array to_array(const std::vector<PickerOption>& options) {
  json::array out;
  for (const auto& option : options) {
    json::object one;
    one["id"] = std::to_string(option.id);
    one["text"] = option.name;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Ids read_ids(const http::Form& form, std::string_view field) {
  Ids ids;
  for (const auto& [name, value] : form.fields()) {
    if (name != field) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      if (const auto id = read_id(rest.substr(0, end))) ids.push_back(*id);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  sort(ids);
  return ids;
}

void Picker::set_chosen(Ids ids) {
  chosen_ = std::move(ids);
  sort(chosen_);
}

bool Picker::read(const http::Form& form) {
  const auto field = [&](std::string_view what) { return std::string(name_) + std::string(what); };
  chosen_ = read_ids(form, name_);
  filter_ = html::value_of(form, field("_filter"));
  words_ = words_of(lower(filter_));
  const auto pick = html::value_of(form, "_pick");
  Ids after;
  if (pick == field(":add")) {
    std::ranges::set_union(chosen_, read_ids(form, field("_add")), std::back_inserter(after));
    chosen_ = std::move(after);
  } else if (pick == field(":remove")) {
    std::ranges::set_difference(chosen_, read_ids(form, field("_remove")),
                                std::back_inserter(after));
    chosen_ = std::move(after);
  }
  if (!pick.empty()) return true;
  // Enter in a field is the form's first button, which has no name: of a filter it means that.
  return form.find("_save") == nullptr && filter_ != html::value_of(form, field("_filtered"));
}

void Picker::offer(const std::vector<PickerOption>& all) {
  Ids known;
  for (const auto& option : all) {
    if (std::ranges::binary_search(chosen_, option.id)) {
      known.push_back(option.id);
      shown_chosen_.push_back(option);
    } else if (option.can_add && matches(option) && ++available_count_ <= most_shown) {
      available_.push_back(option);
    }
  }
  set_chosen(std::move(known));
}

Ids Picker::added(Ids before) const {
  sort(before);
  Ids out;
  std::ranges::set_difference(chosen_, before, std::back_inserter(out));
  return out;
}

bool Picker::matches(const PickerOption& option) const {
  const auto name = lower(option.name);
  return std::ranges::all_of(words_,
                             [&](const auto& word) { return name.find(word) != name.npos; });
}

std::string Picker::chosen_text() const {
  std::string text;
  for (const auto& option : shown_chosen_) text += (text.empty() ? "" : ", ") + option.name;
  return text;
}

json::object Picker::to_json(const Error& wrong, const Site& site, const Visit& visit) const {
  const auto errors = html::errors_of(wrong, name_, site.tools().renderer, visit.request);
  std::string ids;
  for (const auto id : chosen_) ids += (ids.empty() ? "" : ",") + std::to_string(id);
  json::object out;
  out["name"] = name_;
  out["label"] = site.text(visit, label_);
  out["help"] = site.text(visit, help_);
  out["has_help"] = !help_.empty();
  out["errors"] = html::to_array(errors);
  out["has_errors"] = !errors.empty();
  out["ids"] = ids;
  out["filter"] = filter_;
  out["available"] = to_array(available_);
  out["has_available"] = !available_.empty();
  out["available_count"] = std::to_string(available_count_);
  out["is_cut"] = available_count_ > available_.size();
  out["cut"] = site.text(
      visit, Text{"The first {} are shown. Filter to see others.", {std::to_string(most_shown)}});
  out["chosen"] = to_array(shown_chosen_);
  out["has_chosen"] = !shown_chosen_.empty();
  out["chosen_count"] = std::to_string(shown_chosen_.size());
  return out;
}

std::vector<std::string> words_of(std::string_view text) {
  constexpr std::string_view spaces = " ,\t";
  std::vector<std::string> words;
  while (true) {
    const auto begin = text.find_first_not_of(spaces);
    if (begin == text.npos) return words;
    text.remove_prefix(begin);
    const auto end = std::min(text.find_first_of(spaces), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

}  // namespace easyjwt::admin
