#include "service/admin/group_views.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/unicode.hpp"
#include "easyjwt/user/user_list_store.hpp"
#include "service/admin/form.hpp"
#include "service/admin/list.hpp"

namespace easyjwt::admin {
namespace {

constexpr std::size_t longest_name = 150;
/// Users that are looked at on the page of a group's users: of more that are found it says so.
constexpr std::int64_t most_found = 200;

bool is_post(const Visit& visit) { return visit.request.method == http::Method::post; }

std::string page_of(const Group& group, std::string_view page) {
  return group_model.path() + std::to_string(group.id) + '/' + std::string(page) + '/';
}

Result<void> check_name(const std::string& name) {
  if (name.empty()) return fail(Error::field("name", {html::required_field, {}}));
  if (name.find('\0') != name.npos) {
    return fail(Error::field("name", {"Null characters are not allowed.", {}}));
  }
  if (count_code_points(name) > longest_name) {
    return fail(Error::field(
        "name", {"Ensure this value has at most {} characters (it has {}).",
                 {std::to_string(longest_name), std::to_string(count_code_points(name))}}));
  }
  return {};
}

std::vector<PickerOption> options_of(const Visit& visit,
                                     const std::vector<PermissionRow>& permissions) {
  std::vector<PickerOption> options;
  for (const auto& one : permissions) {
    options.push_back({one.id, one.app + " | " + one.model + " | " + one.name,
                       visit.identity.has_perm(one.key())});
  }
  return options;
}

/// Among `permissions`, by id.
const PermissionRow* find_in(const std::vector<PermissionRow>& permissions, std::int64_t id) {
  const auto found = std::ranges::find(permissions, id, &PermissionRow::id);
  return found == permissions.end() ? nullptr : &*found;
}

std::string shown(const User& user) {
  auto text = user.email;
  const auto name = user.first_name + (user.last_name.empty() ? "" : " ") + user.last_name;
  if (!name.empty()) text += " (" + name + ')';
  return text;
}

/// Django's: [{"added": {"name": "user", "object": "a@example.com"}}, ...]
std::string members_message(bool adds, const std::vector<std::string>& emails) {
  json::array out;
  for (const auto& email : emails) {
    json::object what;
    what["name"] = "user"_t;
    what["object"] = email;
    json::object part;
    part[adds ? "added" : "deleted"] = std::move(what);
    out.push_back(std::move(part));
  }
  std::string text;
  append_json(text, out);
  return text;
}

html::NavLink list_link() { return {{group_model.titles, {}}, group_model.path()}; }
html::NavLink group_link(const Group& group) {
  return {{"{}", {group.name}}, page_of(group, "change")};
}

}  // namespace

/// What a group has, and all that it could have.
struct GroupViews::Stored {
  std::vector<std::int64_t> chosen;
  std::vector<PermissionRow> permissions;
};

/// Users beside a group and in it.
struct GroupViews::Lists {
  std::vector<User> others, members;
  std::int64_t member_count = 0;  ///< of all; where somebody is looked for: of those found
  std::int64_t found = 0;         ///< by a search
};

http::Reply GroupViews::list(const Visit& visit) const {
  const ListQuery query(visit.request);
  const bool descending = query.get("o") == "-name";
  List list{.columns = {{Text{"Name"}, "name"}, {Text{"Users"}}, {Text{"Permissions"}}},
            .search_label = Text{"Name"},
            .order = descending ? "-name" : "name"};
  if (visit.may(Verb::remove, group_model)) {
    list.actions.push_back({"delete", Text{"Delete the chosen groups"}});
  }
  if (visit.may(Verb::add, group_model)) {
    list.add_path = group_model.path() + "add/";
    list.add_title = Text{"Add a group"};
  }
  const GroupQuery wanted{.word = query.search(),
                          .descending = descending,
                          .offset = (query.page() - 1) * List::page_size,
                          .limit = List::page_size};
  std::vector<Group> groups;
  const auto done = site_.tools().database.read([&](db::Transaction& transaction) -> Result<void> {
    groups.clear();
    GroupStore store(transaction);
    const auto count = store.count(wanted);
    if (!count) return fail(count.error());
    list.count = *count;
    return store.list(wanted, [&](const Group& group) { groups.push_back(group); });
  });
  if (!done) return done.error();
  for (const auto& group : groups) {
    const auto members = group.members > GroupStore::most_counted
                             ? "> " + std::to_string(GroupStore::most_counted)
                             : std::to_string(group.members);
    list.rows.push_back({.id = std::to_string(group.id),
                         .name = group.name,
                         .cells = {{.text = group.name, .path = page_of(group, "change")},
                                   {.text = members},
                                   {.text = std::to_string(group.permissions)}}});
  }
  return site_.render(visit, "admin_list", to_json(list, query, site_, visit),
                      {.title = {group_model.titles, {}}});
}

http::Reply GroupViews::act(const Visit& visit) const {
  const auto form = html::read_form(visit.request);
  const auto ids = read_ids(form, "chosen");
  if (html::value_of(form, "action") != "delete" || ids.empty()) {
    return site_.done(visit, group_model.path(),
                      Text{"Choose some of the list and what is to be done with them."});
  }
  if (!visit.may(Verb::remove, group_model)) return Error{Errc::permission_denied};
  const auto groups =
      site_.tools().database.read([&](db::Transaction& transaction) -> Result<std::vector<Group>> {
        std::vector<Group> found;
        for (const auto id : ids) {
          auto group = GroupStore(transaction).find(id);
          if (!group) return fail(group.error());
          if (*group) found.push_back(**std::move(group));
        }
        return found;
      });
  if (!groups) return groups.error();
  if (html::value_of(form, "sure").empty()) return confirm(visit, *groups);
  for (const auto& group : *groups) {
    if (auto done = drop(visit, group); !done) return done.error();
  }
  return site_.done(visit, group_model.path(),
                    {"Groups that were deleted: {}", {std::to_string(groups->size())}});
}

http::Reply GroupViews::add(const Visit& visit) const {
  const auto stored = read({});
  if (!stored) return stored.error();
  const auto form = is_post(visit) ? html::read_form(visit.request) : http::Form();
  const std::string name(strip(html::value_of(form, "name")));
  Picker picker("permissions", Text{"Permissions"});
  const bool show_again = picker.read(form);
  picker.offer(options_of(visit, stored->permissions));
  Error wrong;
  if (is_post(visit) && !show_again) {
    const auto id = save(visit, {}, name, picker);
    if (id) {
      return site_.done(visit, page_of({.id = *id, .name = {}}, "change"),
                        {"The group “{}” was added.", {name}});
    }
    if (id.error().code != Errc::validation_error) return id.error();
    wrong = id.error();
  }
  return show(visit, {}, name, picker, wrong);
}

http::Reply GroupViews::change(const Visit& visit) const {
  const auto group = find(visit);
  if (!group) return group.error();
  const auto stored = read(*group);
  if (!stored) return stored.error();
  auto name = group->name;
  Picker picker("permissions", Text{"Permissions"});
  picker.set_chosen(stored->chosen);
  Error wrong;
  if (is_post(visit)) {
    const auto form = html::read_form(visit.request);
    name = strip(html::value_of(form, "name"));
    const bool show_again = picker.read(form);
    picker.offer(options_of(visit, stored->permissions));
    if (!show_again) {
      const auto id = save(visit, *group, name, picker);
      if (id) {
        return site_.done(visit, group_model.path(), {"The group “{}” was changed.", {name}});
      }
      if (id.error().code != Errc::validation_error) return id.error();
      wrong = id.error();
    }
  } else {
    picker.offer(options_of(visit, stored->permissions));
  }
  return show(visit, *group, name, picker, wrong);
}

http::Reply GroupViews::users(const Visit& visit) const {
  const auto group = find(visit);
  if (!group) return group.error();
  if (!visit.may(Verb::view, user_model)) return Error{Errc::permission_denied};
  const bool may_change =
      visit.may(Verb::change, group_model) && visit.may(Verb::change, user_model);
  const ListQuery query(visit.request);
  Error wrong;
  if (is_post(visit)) {
    if (!may_change) return Error{Errc::permission_denied};
    const auto form = html::read_form(visit.request);
    const auto pick = html::value_of(form, "_pick");
    const bool adds = pick == "users:add";
    const auto chosen = read_ids(form, adds ? "users_add" : "users_remove");
    if (!adds && pick != "users:remove") return Error{Errc::bad_request};
    const auto done = change_members(visit, *group, chosen, adds);
    if (done) {
      auto back = std::string(visit.request.path);
      if (!visit.request.query.empty()) back += '?' + std::string(visit.request.query);
      return site_.done(visit, back,
                        adds ? Text{"The users were added to the group."}
                             : Text{"The users were taken out of the group."});
    }
    if (done.error().code != Errc::validation_error) return done.error();
    wrong = done.error();
  }
  const auto lists = find_users(*group, query.search(), query.page());
  if (!lists) return lists.error();
  const auto to_array = [&](const std::vector<User>& users) {
    json::array out;
    for (const auto& user : users) {
      json::object one;
      one["id"] = std::to_string(user.id);
      one["text"] = shown(user);
      out.push_back(std::move(one));
    }
    return out;
  };
  json::object data;
  data["search"] = query.search();
  const auto errors = html::errors_of(wrong, "", site_.tools().renderer, visit.request);
  data["has_form_errors"] = !errors.empty();
  data["form_errors"] = html::to_array(errors);
  data["may_change"] = may_change;
  data["available"] = to_array(lists->others);
  data["has_available"] = !lists->others.empty();
  data["is_cut"] = lists->found > most_found;
  data["cut"] =
      site_.text(visit, {"{} were found. The first {} are shown: look for more of a word.",
                         {std::to_string(lists->found), std::to_string(most_found)}});
  data["chosen"] = to_array(lists->members);
  data["has_chosen"] = !lists->members.empty();
  data["chosen_count"] = std::to_string(lists->member_count);
  auto pages = pages_of(query.search().empty() ? lists->member_count : 0, query);
  data["has_pages"] = !pages.empty();
  data["pages"] = std::move(pages);
  return site_.render(visit, "admin_members", std::move(data),
                      {.title = {"Users of the group “{}”", {group->name}},
                       .path = {list_link(), group_link(*group)}});
}

http::Reply GroupViews::remove(const Visit& visit) const {
  const auto group = find(visit);
  if (!group) return group.error();
  if (!is_post(visit)) return confirm(visit, {*group});
  if (auto done = drop(visit, *group); !done) return done.error();
  return site_.done(visit, group_model.path(), {"The group “{}” was deleted.", {group->name}});
}

http::Reply GroupViews::history(const Visit& visit) const {
  const auto group = find(visit);
  if (!group) return group.error();
  return log_.of_object(visit, group_model, group->name);
}

Result<Group> GroupViews::find(const Visit& visit) const {
  const auto id = read_id(visit.request.params[0]);
  if (!id) return fail(Errc::not_found);
  const auto group = site_.tools().database.read(
      [&](db::Transaction& transaction) { return GroupStore(transaction).find(*id); });
  if (!group) return fail(group.error());
  if (!*group) return fail(Errc::not_found);
  return **group;
}

Result<GroupViews::Stored> GroupViews::read(const Group& group) const {
  return site_.tools().database.read([&](db::Transaction& transaction) -> Result<Stored> {
    GroupStore store(transaction);
    auto chosen = store.permissions_of(group.id);
    if (!chosen) return fail(chosen.error());
    auto permissions = store.all_permissions();
    if (!permissions) return fail(permissions.error());
    return Stored{*std::move(chosen), *std::move(permissions)};
  });
}

/// Without an id: one that is about to be added.
http::Reply GroupViews::show(const Visit& visit, const Group& group, const std::string& name,
                             const Picker& picker, const Error& wrong) const {
  const bool is_new = group.id == 0;
  const bool may_change = visit.may(is_new ? Verb::add : Verb::change, group_model);
  FormPage page{.fieldsets = {{.fields = {{.name = "name",
                                           .label = Text{"Name"},
                                           .kind = may_change ? html::Field::Kind::input
                                                              : html::Field::Kind::read_only,
                                           .value = name}}}}};
  if (may_change) {
    page.pickers = {&picker};
    page.save = Text{"Save"};
  } else {
    page.fieldsets[0].fields.push_back({.name = "permissions",
                                        .label = Text{"Permissions"},
                                        .kind = html::Field::Kind::read_only,
                                        .value = picker.chosen_text()});
  }
  if (!is_new) {
    if (visit.may(Verb::view, user_model)) {
      page.tools.push_back({Text{"Users of the group"}, page_of(group, "users")});
    }
    page.tools.push_back({Text{"History"}, page_of(group, "history")});
    if (visit.may(Verb::remove, group_model)) page.delete_path = page_of(group, "delete");
  }
  return site_.render(visit, "admin_form", to_json(page, wrong, site_, visit),
                      {.title = is_new ? Text{"Add a group"} : Text{"Group “{}”", {group.name}},
                       .path = {list_link()}});
}

/// Adds the group or changes it; returns its id.
Result<std::int64_t> GroupViews::save(const Visit& visit, const Group& group,
                                      const std::string& name, const Picker& picker) const {
  if (auto good = check_name(name); !good) return fail(good.error());
  const auto write = [&](db::Transaction& transaction) -> Result<std::int64_t> {
    GroupStore store(transaction);
    auto id = group.id;
    if (id == 0) {
      const auto made = store.insert(name);
      if (!made) return made;
      id = *made;
    } else {
      const auto renamed = store.rename(id, name);
      if (!renamed) return fail(renamed.error());
      if (!*renamed) return fail(Errc::not_found);
    }
    const auto before = store.permissions_of(id);
    if (!before) return fail(before.error());
    const auto permissions = store.all_permissions();
    if (!permissions) return fail(permissions.error());
    // Whoever could give what they do not have would give it to a group of their own.
    for (const auto added : picker.added(*before)) {
      const auto* one = find_in(*permissions, added);
      if (one == nullptr || !visit.identity.has_perm(one->key())) {
        return fail(Error::field("permissions",
                                 {"You cannot give a permission that you do not have yourself: {}",
                                  {one != nullptr ? one->name : std::to_string(added)}}));
      }
    }
    if (auto set = store.set_permissions(id, picker.chosen()); !set) return fail(set.error());
    std::vector<std::string_view> changed;
    if (name != group.name) changed.push_back("Name");
    if (picker.chosen() != *before) changed.push_back("Permissions");
    const auto recorded = site_.record(transaction, visit, group_model, std::to_string(id), name,
                                       group.id == 0 ? AdminAction::add : AdminAction::change,
                                       group.id == 0 ? added_message() : changed_message(changed));
    if (!recorded) return fail(recorded.error());
    return id;
  };
  auto id = site_.tools().database.write(write);
  if (!id && id.error().code == Errc::conflict) {
    return fail(Error::field("name", {"Group with this Name already exists.", {}}));
  }
  return id;
}

Result<GroupViews::Lists> GroupViews::find_users(const Group& group, const std::string& search,
                                                 std::int64_t page) const {
  const UserQuery query{.words = words_of(search), .limit = most_found};
  return site_.tools().database.read([&](db::Transaction& transaction) -> Result<Lists> {
    GroupStore groups(transaction);
    UserListStore users(transaction);
    Lists lists;
    std::vector<User> found;
    std::vector<std::int64_t> ids;
    const auto count = users.count(query);
    if (!count) return fail(count.error());
    lists.found = *count;
    const auto listed = users.list(query, [&](const User& user) {
      found.push_back(user);
      ids.push_back(user.id);
    });
    if (!listed) return fail(listed.error());
    const auto are = groups.are_members(group.id, ids);
    if (!are) return fail(are.error());
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!(*are)[i]) {
        lists.others.push_back(std::move(found[i]));
      } else if (!query.words.empty()) {
        lists.members.push_back(std::move(found[i]));
      }
    }
    lists.member_count = static_cast<std::int64_t>(lists.members.size());
    if (!query.words.empty()) return lists;
    const auto members = groups.count_members(group.id);
    if (!members) return fail(members.error());
    lists.member_count = *members;
    const auto shown =
        groups.list_members(group.id, (page - 1) * List::page_size, List::page_size,
                            [&](const User& user) { lists.members.push_back(user); });
    if (!shown) return fail(shown.error());
    return lists;
  });
}

Result<void> GroupViews::change_members(const Visit& visit, const Group& group,
                                        const std::vector<std::int64_t>& ids, bool adds) const {
  return site_.tools().database.write([&](db::Transaction& transaction) -> Result<void> {
    GroupStore groups(transaction);
    if (adds) {
      if (auto good = judge(transaction, visit, group); !good) return good;
    }
    std::vector<std::string> emails;
    for (const auto id : ids) {
      const auto changed =
          adds ? groups.add_member(group.id, id) : groups.remove_member(group.id, id);
      if (!changed) return fail(changed.error());
      if (!*changed) continue;
      const auto user = UserStore(transaction).find_by_id(id);
      if (!user) return fail(user.error());
      emails.push_back(*user ? (*user)->email : std::to_string(id));
    }
    if (emails.empty()) return {};
    return site_.record(transaction, visit, group_model, std::to_string(group.id), group.name,
                        AdminAction::change, members_message(adds, emails));
  });
}

/// Whether somebody may give users what the group has.
Result<void> GroupViews::judge(db::Transaction& transaction, const Visit& visit,
                               const Group& group) const {
  GroupStore store(transaction);
  const auto has = store.permissions_of(group.id);
  if (!has) return fail(has.error());
  const auto permissions = store.all_permissions();
  if (!permissions) return fail(permissions.error());
  for (const auto id : *has) {
    const auto* one = find_in(*permissions, id);
    if (one != nullptr && visit.identity.has_perm(one->key())) continue;
    return fail(Error::field("", {"You cannot add users to a group with a permission that you do "
                                  "not have yourself: {}",
                                  {one != nullptr ? one->name : std::to_string(id)}}));
  }
  return {};
}

http::Reply GroupViews::confirm(const Visit& visit, const std::vector<Group>& groups) const {
  DeletePage page{.question = Text{"Delete these groups? This cannot be undone."},
                  .back = group_model.path()};
  const auto counted =
      site_.tools().database.read([&](db::Transaction& transaction) -> Result<void> {
        page.parts.clear();
        GroupStore store(transaction);
        for (const auto& group : groups) {
          const auto members = store.count_members(group.id);
          if (!members) return fail(members.error());
          const auto permissions = store.permissions_of(group.id);
          if (!permissions) return fail(permissions.error());
          page.parts.push_back(
              {"{}: {} users leave it and no longer have its {} permissions",
               {group.name, std::to_string(*members), std::to_string(permissions->size())}});
        }
        return {};
      });
  if (!counted) return counted.error();
  if (visit.request.params[0].empty()) {
    page.hidden.emplace_back("action", "delete");
    for (const auto& group : groups) page.hidden.emplace_back("chosen", std::to_string(group.id));
  } else {
    page.question = {"Delete the group “{}”? This cannot be undone.", {groups[0].name}};
    page.back = page_of(groups[0], "change");
  }
  return site_.render(visit, "admin_delete", to_json(page, site_, visit),
                      {.title = Text{"Are you sure?"}, .path = {list_link()}});
}

Result<void> GroupViews::drop(const Visit& visit, const Group& group) const {
  // Of a large group some at a time: a transaction has a request's deadline, and others write, too.
  constexpr std::int64_t at_once = 10'000;
  auto& database = site_.tools().database;
  std::optional<std::int64_t> last = 0;
  while (last) {
    const auto reached = database.write([&](db::Transaction& transaction) {
      return GroupStore(transaction).drop_members(group.id, *last, at_once);
    });
    if (!reached) return fail(reached.error());
    last = *reached;
  }
  return database.write([&](db::Transaction& transaction) -> Result<void> {
    const auto removed = GroupStore(transaction).remove(group.id);
    if (!removed) return fail(removed.error());
    if (!*removed) return {};
    return site_.record(transaction, visit, group_model, std::to_string(group.id), group.name,
                        AdminAction::remove, "");
  });
}

}  // namespace easyjwt::admin
