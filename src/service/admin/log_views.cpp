#include "service/admin/log_views.hpp"

#include <utility>

#include "service/admin/list.hpp"

namespace easyjwt::admin {
namespace {

const Model log_model{{"admin", "logentry"}, "Log entry"_t, "Log entries"_t};

/// One part of a message: "Changed: Name", "Added user “a@example.com”"; empty: of another's kind.
std::string words_of(const json::object& part, const std::function<std::string(Text)>& text) {
  const auto member = [](const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
  };
  // Names of fields and models stand there in the language of whoever changed them.
  const auto in_language = [&](const std::string& name) {
    return text(Text{std::string_view(name), {}});
  };
  for (const auto& [key, id] : {std::pair{"added", std::string_view("Added {} “{}”"_t)},
                                std::pair{"deleted", std::string_view("Deleted {} “{}”"_t)}}) {
    const auto* what = part.if_contains(key);
    if (what == nullptr || !what->is_object() || what->get_object().empty()) continue;
    const auto& object = what->get_object();
    return text(Text{id, {in_language(member(object, "name")), member(object, "object")}});
  }
  const auto* changed = part.if_contains("changed");
  const auto* names =
      changed && changed->is_object() ? changed->get_object().if_contains("fields") : nullptr;
  if (names == nullptr || !names->is_array()) return {};
  std::string fields;
  for (const auto& name : names->get_array()) {
    if (!name.is_string()) continue;
    if (!fields.empty()) fields += ", ";
    fields += in_language(std::string(name.get_string()));
  }
  return fields.empty() ? "" : text(Text{"Changed: {}", {fields}});
}

/// Django's LogEntry.get_change_message(), of what Django writes and we do.
std::string words_of(const AdminLogEntry& entry, const std::function<std::string(Text)>& text) {
  if (entry.action == AdminAction::remove) return text(Text{"Deleted"});
  std::string words;
  const auto parsed = parse_json(entry.message);
  if (parsed && parsed->is_array()) {
    for (const auto& part : parsed->get_array()) {
      if (!part.is_object()) continue;
      const auto more = words_of(part.get_object(), text);
      if (!words.empty() && !more.empty()) words += ". ";
      words += more;
    }
  }
  if (!words.empty()) return words;
  return text(entry.action == AdminAction::add ? Text{"Added"} : Text{"Changed"});
}

}  // namespace

Result<json::array> LogViews::entries(const Visit& visit, const AdminLogQuery& query) const {
  json::array out;
  const auto text = [&](const Text& one) { return site_.text(visit, one); };
  const auto done = site_.tools().database.read([&](db::Transaction& transaction) {
    out.clear();
    return AdminLogStore(transaction).list(query, [&](const AdminLogEntry& entry) {
      json::object one;
      one["at"] = shown_time(entry.at);
      one["who"] = entry.user_email;
      one["what"] = words_of(entry, text);
      one["object"] = entry.object_name;
      one["model"] = entry.model;
      one["path"] = "";
      for (const auto* model : {&user_model, &group_model, &outstanding_model}) {
        if (entry.app != model->name.app || entry.model != model->name.model) continue;
        one["model"] = text({model->title, {}});
        if (entry.action != AdminAction::remove && visit.may(Verb::view, *model)) {
          one["path"] = model->path() + entry.object_id + "/change/";
        }
      }
      one["is_link"] = !one["path"].as_string().empty();
      out.push_back(std::move(one));
    });
  });
  if (!done) return fail(done.error());
  return out;
}

http::Reply LogViews::index(const Visit& visit) const {
  constexpr std::int64_t recent = 10;
  auto own = entries(visit, {.user_id = visit.user.id, .limit = recent});
  if (!own) return own.error();
  json::array models;
  const auto add = [&](const Model& model, Text add_title) {
    if (!visit.may(Verb::view, model)) return;
    json::object one;
    one["path"] = model.path();
    one["title"] = site_.text(visit, {model.titles, {}});
    one["has_add"] = !add_title.empty() && visit.may(Verb::add, model);
    one["add_path"] = model.path() + "add/";
    one["add_title"] = site_.text(visit, add_title);
    models.push_back(std::move(one));
  };
  add(user_model, Text{"Add a user"});
  add(group_model, Text{"Add a group"});
  if (site_.has_tokens()) {
    add(outstanding_model, {});
    add(blacklisted_model, {});
  }
  json::object data;
  data["models"] = std::move(models);
  data["has_entries"] = !own->empty();
  data["entries"] = *std::move(own);
  data["may_see_logins"] = visit.may(Verb::view, user_model);
  data["is_superuser"] = visit.user.is_superuser;
  data["has_keys"] = site_.tools().keys != nullptr;
  data["may_see_log"] = visit.may(Verb::view, log_model);
  return site_.render(visit, "admin_index", std::move(data), {.title = Text{"Administration"}});
}

http::Reply LogViews::all(const Visit& visit) const {
  if (!visit.may(Verb::view, log_model)) return Error{Errc::permission_denied};
  const ListQuery query(visit.request);
  auto page = entries(
      visit, {.limit = List::page_size + 1, .offset = (query.page() - 1) * List::page_size});
  if (!page) return page.error();
  json::object data;
  const bool has_next = page->size() > List::page_size;
  if (has_next) page->pop_back();
  data["has_next"] = has_next;
  data["next"] = query.with("p", std::to_string(query.page() + 1));
  data["has_entries"] = !page->empty();
  data["entries"] = *std::move(page);
  return site_.render(visit, "admin_log", std::move(data), {.title = Text{"What everybody did"}});
}

http::Reply LogViews::of_object(const Visit& visit, const Model& model, std::string name) const {
  auto page =
      entries(visit, {.model = model.name, .object_id = std::string(visit.request.params[0])});
  if (!page) return page.error();
  json::object data;
  data["has_next"] = false;
  data["has_entries"] = !page->empty();
  data["entries"] = *std::move(page);
  return site_.render(
      visit, "admin_log", std::move(data),
      {.title = Text{"History: {}", {name}},
       .path = {
           {{model.titles, {}}, model.path()},
           {{"{}", {name}}, model.path() + std::string(visit.request.params[0]) + "/change/"}}});
}

}  // namespace easyjwt::admin
