#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

/// What a list is asked for in its address: q (words to look for), o (a column's order, '-' before
/// it: descending), p (the page, from 1), and each filter by its name.
class ListQuery {
 public:
  explicit ListQuery(const http::Request& request);

  /// Empty where it is not said.
  std::string get(std::string_view name) const;
  std::string search() const { return get("q"); }
  std::int64_t page() const;
  /// The same list with one thing else ("?o=email&q=a"); it begins with its first page unless
  /// `name` is p. An empty value takes it out.
  std::string with(std::string_view name, std::string_view value) const;

  const std::vector<std::pair<std::string, std::string>>& values() const noexcept {
    return values_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

struct Column {
  Text title;
  std::string_view order{};  ///< what `o` calls it; empty: no list can be ordered by it
};

/// One of a row, shown as a link where it has a path, as yes or no where it is a flag.
struct Cell {
  enum class Kind { text, time, yes, no };
  std::string text{};
  std::string path{};
  Kind kind = Kind::text;

  static Cell time(std::string shown) { return {.text = std::move(shown), .kind = Kind::time}; }
  static Cell flag(bool value) { return {.kind = value ? Kind::yes : Kind::no}; }
};

struct ListRow {
  std::string id;    ///< what an action is sent with
  std::string name;  ///< of the object, for who cannot see the row
  std::vector<Cell> cells;
};

struct Filter {
  struct Choice {
    Text title;
    std::string value;  ///< empty: all
  };
  std::string_view name;
  Text title;
  std::vector<Choice> choices;
};

/// What can be done with the rows that are chosen.
struct ListAction {
  std::string_view name;
  Text title;
};

/// A page of a list of objects (Django's ChangeList), for the template `admin_list`.
struct List {
  std::vector<Column> columns;
  std::vector<Filter> filters{};
  std::vector<ListAction> actions{};
  Text search_label{};  ///< what is looked in; empty: nothing can be looked for
  std::string order;    ///< as it is ordered now
  std::string add_path{};
  Text add_title{};
  std::int64_t count = 0;
  bool is_more = false;    ///< there are more than `count`
  bool can_count = false;  ///< they can be counted nevertheless, by "exact=yes" in the address
  /// How many of them pages lead to.
  std::int64_t most_paged = std::numeric_limits<std::int32_t>::max();
  std::vector<ListRow> rows{};

  static constexpr std::int64_t page_size = 100;
};

/// The links to the pages of a list with so many rows, for the template part `pages`; none where
/// there is one page.
json::array pages_of(std::int64_t count, const ListQuery& query);

json::object to_json(const List& list, const ListQuery& query, const Site& site,
                     const Visit& visit);

}  // namespace easyjwt::admin
