#include "service/admin/user_list.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "easyjwt/user/group_store.hpp"
#include "easyjwt/user/user_list_store.hpp"
#include "service/admin/form.hpp"
#include "service/admin/picker.hpp"
#include "service/html/fields.hpp"

namespace easyjwt::admin {
namespace {

struct Action {
  ListAction shown;
  UserDeed deed;
  std::string_view done;  ///< with how many
};

constexpr std::int64_t most_searched = 10'000;
constexpr std::string_view active = "is_active";
constexpr std::string_view staff = "is_staff";
constexpr std::string_view superuser = "is_superuser";

const std::vector<Action>& actions() {
  static const std::vector<Action> list{
      {{"activate", Text{"Activate"}}, UserDeed::activate, "Users made active: {}."_t},
      {{"deactivate", Text{"Deactivate"}}, UserDeed::deactivate, "Users made inactive: {}."_t},
      {{"log_out", Text{"Log out everywhere"}}, UserDeed::log_out, "Users logged out: {}."_t},
      {{"delete", Text{"Delete"}}, UserDeed::remove, "Users deleted: {}."_t}};
  return list;
}

std::optional<bool> flag(const ListQuery& query, std::string_view name) {
  const auto value = query.get(name);
  if (value == "yes") return true;
  if (value == "no") return false;
  return std::nullopt;
}

UserQuery read_query(const ListQuery& query) {
  UserQuery users{.ordering = "email",
                  .words = words_of(query.search()),
                  .filter = {.is_active = flag(query, active),
                             .is_staff = flag(query, staff),
                             .is_superuser = flag(query, superuser),
                             .group = read_id(query.get("group"))},
                  .offset = (query.page() - 1) * List::page_size,
                  .limit = List::page_size};
  const auto order = query.get("o");
  if (UserListStore::is_ordering(order)) users.ordering = order;
  return users;
}

Filter filter(std::string_view name, Text title) {
  return {name, std::move(title), {{Text{"All"}, ""}, {Text{"Yes"}, "yes"}, {Text{"No"}, "no"}}};
}

/// None of so many that they would fill the page.
void add_groups(List& list, const std::vector<Group>& groups) {
  constexpr std::size_t most = 50;
  if (groups.empty() || groups.size() > most) return;
  Filter filter{"group", Text{"Group"}, {{Text{"All"}, ""}}};
  for (const auto& group : groups) {
    filter.choices.push_back({{"{}", {group.name}}, std::to_string(group.id)});
  }
  list.filters.push_back(std::move(filter));
}

ListRow row_of(const User& user) {
  const auto id = std::to_string(user.id);
  return {.id = id,
          .name = user.email,
          .cells = {{.text = user.email, .path = user_model.path() + id + "/change/"},
                    {.text = user.first_name},
                    {.text = user.last_name},
                    Cell::flag(user.is_active),
                    Cell::flag(user.is_staff),
                    Cell::flag(user.is_superuser),
                    Cell::time(user.last_login ? shown_time(*user.last_login) : ""),
                    Cell::time(shown_time(user.date_joined)),
                    {.text = id}}};
}

/// The list as it was.
std::string path_of(const Visit& visit) {
  auto path = user_model.path();
  if (!visit.request.query.empty()) path += '?' + std::string(visit.request.query);
  return path;
}

}  // namespace

http::Reply UserList::show(const Visit& visit) const {
  const ListQuery query(visit.request);
  const auto wanted = read_query(query);
  List list{.columns = {{Text{"Email address"}, "email"},
                        {Text{"First name"}, "first_name"},
                        {Text{"Last name"}, "last_name"},
                        {Text{"Active"}},
                        {Text{"Staff"}},
                        {Text{"Superuser"}},
                        {Text{"Last login"}, "last_login"},
                        {Text{"Joined"}, "date_joined"},
                        {Text{"ID"}, "id"}},
            .filters = {filter(active, Text{"Active"}), filter(staff, Text{"Staff"}),
                        filter(superuser, Text{"Superuser"})},
            .search_label = Text{"Search in email address, first and last name"},
            .order = wanted.ordering};
  for (const auto& action : actions()) {
    if (visit.may(UserDeeds::verb(action.deed), user_model)) list.actions.push_back(action.shown);
  }
  if (visit.may(Verb::add, user_model)) {
    list.add_path = user_model.path() + "add/";
    list.add_title = Text{"Add a user"};
  }
  std::vector<Group> groups;
  const auto read = site_.tools().database.read([&](db::Transaction& transaction) -> Result<void> {
    list.rows.clear();
    auto all = GroupStore(transaction).all_groups();
    if (!all) return fail(all.error());
    groups = *std::move(all);
    UserListStore users(transaction);
    const bool is_exact = wanted.words.empty() || query.get("exact") == "yes";
    const auto count = users.count(wanted, is_exact ? UserListStore::all : most_searched + 1);
    if (!count) return fail(count.error());
    list.is_more = !is_exact && *count > most_searched;
    list.can_count = list.is_more;
    list.count = list.is_more ? most_searched : *count;
    if (!wanted.words.empty()) {
      // All texts before a page have to be read for it: of frequent words that takes seconds.
      list.most_paged = most_searched;
      if (wanted.offset >= most_searched) {
        return fail(Errc::not_found,
                    {"Of what a search finds the first {} can be seen. Look for more, or choose "
                     "another order.",
                     {std::to_string(most_searched)}});
      }
    }
    // Whoever is walked past is looked up in the group: far from both ends that takes seconds.
    constexpr std::int64_t most_walked = 50'000;
    if (wanted.filter.group && wanted.words.empty() &&
        std::min(wanted.offset, *count - wanted.offset) > most_walked) {
      return fail(
          Errc::not_found,
          Text{"So large a group can be seen from its first or its last page on, but not in "
               "the middle. Search, or choose another order."});
    }
    return users.list(wanted, [&](const User& user) { list.rows.push_back(row_of(user)); });
  });
  if (!read) return read.error();
  add_groups(list, groups);
  return site_.render(visit, "admin_list", to_json(list, query, site_, visit),
                      {.title = Text{"Users"}});
}

http::Reply UserList::act(const Visit& visit) const {
  const auto form = html::read_form(visit.request);
  const auto name = html::value_of(form, "action");
  const auto action =
      std::ranges::find(actions(), name, [](const Action& one) { return one.shown.name; });
  const auto chosen = read_ids(form, "chosen");
  if (action == actions().end() || chosen.empty()) {
    return site_.done(visit, path_of(visit),
                      Text{"Choose some of the list and what is to be done with them."});
  }
  if (!visit.may(UserDeeds::verb(action->deed), user_model)) {
    return Error{Errc::permission_denied};
  }
  if (action->deed == UserDeed::remove && html::value_of(form, "sure").empty()) {
    return ask_to_delete(visit, chosen);
  }
  const auto done = deeds_.perform(visit, action->deed, chosen);
  if (!done) {
    if (done.error().code != Errc::validation_error) return done.error();
    return site_.done(visit, path_of(visit),
                      {"Nothing was done. {}", {site_.text(visit, reason_of(done.error()))}});
  }
  return site_.done(visit, path_of(visit), {action->done, {std::to_string(*done)}});
}

http::Reply UserList::ask_to_delete(const Visit& visit,
                                    const std::vector<std::int64_t>& ids) const {
  DeletePage page{.question = Text{"Are you sure that these users are to be deleted?"},
                  .hidden = {{"action", "delete"}},
                  .back = path_of(visit)};
  const auto read = site_.tools().database.read([&](db::Transaction& transaction) -> Result<void> {
    page.parts.clear();
    for (const auto id : ids) {
      UserStore users(transaction);
      const auto user = users.find_by_id(id);
      if (!user) return fail(user.error());
      if (!*user) continue;
      const auto parts = deeds_.belongings(transaction, id);
      if (!parts) return fail(parts.error());
      std::string texts;
      for (const auto& part : *parts) texts += "; " + site_.text(visit, part);
      page.parts.push_back({"{}", {(*user)->email + texts}});
    }
    return {};
  });
  if (!read) return read.error();
  for (const auto id : ids) page.hidden.emplace_back("chosen", std::to_string(id));
  return site_.render(
      visit, "admin_delete", to_json(page, site_, visit),
      {.title = Text{"Delete users"}, .path = {{Text{"Users"}, user_model.path()}}});
}

}  // namespace easyjwt::admin
