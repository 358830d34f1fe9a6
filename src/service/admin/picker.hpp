#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/http/form.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

/// One of what there is to choose from.
struct PickerOption {
  std::int64_t id = 0;
  std::string name;
  bool can_add = true;  ///< false: it stays where it is chosen, and is not offered where it is not
};

/// A field that is several of many (Django's FilteredSelectMultiple) without a script: a list of
/// what is available, which can be filtered, one of what is chosen, and buttons between them. These
/// send the whole form, which is shown again as it was typed; nothing is saved until it is sent by
/// its own button. For the template part `picker` in `admin_form`.
///
///     Picker groups("groups", Text{"Groups"});
///     groups.set_chosen(stored);                         // or, where a form was sent:
///     const bool show_again = groups.read(form);
///     groups.offer(everything);
///
/// The form's fields: its name (the ids that are chosen, commas between them), and with _filter,
/// _filtered, _add and _remove behind the name what the buttons go by (_pick).
class Picker {
 public:
  static constexpr std::size_t most_shown = 100;

  Picker(std::string_view name, Text label, Text help = {})
      : name_(name), label_(std::move(label)), help_(std::move(help)) {}

  std::string_view name() const noexcept { return name_; }

  void set_chosen(std::vector<std::int64_t> ids);
  /// True: it was sent to change the lists (by one of the buttons, or by the Enter key in a
  /// filter), so that nothing is to be saved.
  bool read(const http::Form& form);
  /// All that there is, in the order in which it is shown. What is chosen and not among it, is not
  /// there any more and is left out.
  void offer(const std::vector<PickerOption>& all);

  /// Sorted, each once.
  const std::vector<std::int64_t>& chosen() const noexcept { return chosen_; }
  /// Those that are chosen and were not among `before`, by which to judge who may add them.
  std::vector<std::int64_t> added(std::vector<std::int64_t> before) const;

  /// Their names, for who may not change them.
  std::string chosen_text() const;

  json::object to_json(const Error& wrong, const Site& site, const Visit& visit) const;

 private:
  bool matches(const PickerOption& option) const;

  const std::string_view name_;
  const Text label_;
  const Text help_;
  std::string filter_;
  std::vector<std::string> words_;  ///< of the filter, in lower case
  std::vector<std::int64_t> chosen_;
  std::vector<PickerOption> shown_chosen_;
  std::vector<PickerOption> available_;
  std::size_t available_count_ = 0;
};

/// The ids in all fields of that name, sorted, each once; what is no number is left out.
std::vector<std::int64_t> read_ids(const http::Form& form, std::string_view field);

/// The words of what somebody looks for, as /auth/users/ takes them apart.
std::vector<std::string> words_of(std::string_view text);

}  // namespace easyjwt::admin
