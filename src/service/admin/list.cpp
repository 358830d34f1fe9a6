#include "service/admin/list.hpp"

#include <algorithm>
#include <set>

#include "easyjwt/core/percent.hpp"
#include "easyjwt/http/form.hpp"

namespace easyjwt::admin {
namespace {

/// The first and the last pages, and those around the one that is shown.
std::set<std::int64_t> shown_pages(std::int64_t current, std::int64_t last) {
  std::set<std::int64_t> pages;
  for (const auto page : {std::int64_t{1}, std::int64_t{2}, current - 2, current - 1, current,
                          current + 1, current + 2, last - 1, last}) {
    if (page >= 1 && page <= last) pages.insert(page);
  }
  return pages;
}

}  // namespace

ListQuery::ListQuery(const http::Request& request) {
  const auto form = http::parse_urlencoded(request.query);
  if (!form) return;
  for (const auto& [name, value] : form->fields()) {
    if (!value.empty()) values_.emplace_back(name, value);
  }
}

std::string ListQuery::get(std::string_view name) const {
  for (const auto& [known, value] : values_) {
    if (known == name) return value;
  }
  return {};
}

std::int64_t ListQuery::page() const {
  constexpr std::int64_t most = 100'000'000;
  return std::clamp(read_id(get("p")).value_or(1), std::int64_t{1}, most);
}

std::string ListQuery::with(std::string_view name, std::string_view value) const {
  std::string out;
  const auto add = [&](std::string_view n, std::string_view v) {
    out += (out.empty() ? '?' : '&') + percent_encode(n) + '=' + percent_encode(v);
  };
  for (const auto& [known, old] : values_) {
    if (known != name && known != "p") add(known, old);
  }
  if (!value.empty()) add(name, value);
  return out.empty() ? "?" : out;
}

json::array pages_of(std::int64_t count, const ListQuery& query) {
  json::array out;
  const auto last = (count + List::page_size - 1) / List::page_size;
  if (last < 2) return out;
  const auto add = [&](std::string text, std::string path, bool is_current, bool is_gap) {
    json::object page;
    page["text"] = std::move(text);
    page["path"] = std::move(path);
    page["is_current"] = is_current;
    page["is_gap"] = is_gap;
    page["is_link"] = !is_current && !is_gap;
    out.push_back(std::move(page));
  };
  std::int64_t before = 0;
  for (const auto page : shown_pages(query.page(), last)) {
    if (page > before + 1) add("…", {}, false, true);
    add(std::to_string(page), query.with("p", page == 1 ? "" : std::to_string(page)),
        page == query.page(), false);
    before = page;
  }
  return out;
}

json::object to_json(const List& list, const ListQuery& query, const Site& site,
                     const Visit& visit) {
  const auto text = [&](const Text& one) { return site.text(visit, one); };
  json::object out;
  out["has_search"] = !list.search_label.empty();
  out["search_label"] = text(list.search_label);
  out["search"] = query.search();
  json::array kept;  // of the address, by the form that searches
  for (const auto& [name, value] : query.values()) {
    if (name == "q" || name == "p") continue;
    json::object one;
    one["name"] = name;
    one["value"] = value;
    kept.push_back(std::move(one));
  }
  out["kept"] = std::move(kept);

  json::array columns;
  for (const auto& column : list.columns) {
    const bool is_ordered =
        !column.order.empty() &&
        (list.order == column.order || list.order == "-" + std::string(column.order));
    const bool descends = is_ordered && list.order.starts_with('-');
    json::object one;
    one["title"] = text(column.title);
    one["can_order"] = !column.order.empty();
    one["path"] = query.with("o", (is_ordered && !descends ? "-" : "") + std::string(column.order));
    one["is_ordered"] = is_ordered;
    one["direction"] = descends ? "descending" : "ascending";
    one["arrow"] = descends ? "▼" : "▲";
    columns.push_back(std::move(one));
  }
  out["columns"] = std::move(columns);

  json::array filters;
  for (const auto& filter : list.filters) {
    json::array choices;
    for (const auto& choice : filter.choices) {
      json::object one;
      one["title"] = text(choice.title);
      one["path"] = query.with(filter.name, choice.value);
      one["is_chosen"] = query.get(filter.name) == choice.value;
      choices.push_back(std::move(one));
    }
    json::object one;
    one["title"] = text(filter.title);
    one["choices"] = std::move(choices);
    filters.push_back(std::move(one));
  }
  out["has_filters"] = !filters.empty();
  out["filters"] = std::move(filters);

  json::array actions;
  for (const auto& action : list.actions) {
    json::object one;
    one["name"] = action.name;
    one["title"] = text(action.title);
    actions.push_back(std::move(one));
  }
  const bool has_actions = !actions.empty();
  out["has_actions"] = has_actions;
  out["actions"] = std::move(actions);

  json::array rows;
  for (const auto& row : list.rows) {
    json::array cells;
    bool is_first = true;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const auto& cell = row.cells[i];
      json::object one;
      one["text"] = cell.text;
      one["path"] = cell.path;
      one["is_link"] = !cell.path.empty();
      one["is_time"] = cell.kind == Cell::Kind::time;
      one["is_text"] =
          cell.path.empty() && (cell.kind == Cell::Kind::text || cell.kind == Cell::Kind::time);
      one["is_yes"] = cell.kind == Cell::Kind::yes;
      one["is_no"] = cell.kind == Cell::Kind::no;
      one["is_head"] = is_first;
      one["title"] = text(list.columns[i].title);
      is_first = false;
      cells.push_back(std::move(one));
    }
    json::object one;
    one["id"] = row.id;
    one["name"] = row.name;
    one["can_choose"] = has_actions;
    one["cells"] = std::move(cells);
    rows.push_back(std::move(one));
  }
  out["has_rows"] = !rows.empty();
  out["rows"] = std::move(rows);

  out["count"] = (list.is_more ? "> " : "") + std::to_string(list.count);
  out["can_count"] = list.can_count;
  out["exact_path"] = query.with("exact", "yes");
  auto pages = pages_of(std::min(list.count, list.most_paged), query);
  out["has_pages"] = !pages.empty();
  out["pages"] = std::move(pages);
  out["has_add"] = !list.add_path.empty();
  out["add_path"] = list.add_path;
  out["add_title"] = text(list.add_title);
  return out;
}

}  // namespace easyjwt::admin
