#include "service/admin/admin.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "service/admin/dashboard.hpp"
#include "service/admin/group_views.hpp"
#include "service/admin/log_views.hpp"
#include "service/admin/service_views.hpp"
#include "service/admin/token_views.hpp"
#include "service/admin/user_deeds.hpp"
#include "service/admin/user_forms.hpp"
#include "service/admin/user_list.hpp"
#include "service/admin/user_sessions.hpp"

namespace easyjwt::admin {
namespace {

/// What stands at one path: GET, and POST where something can be done there.
struct Route {
  std::string path;
  std::string name;
  http::Handler get;
  http::Handler post{};
};

void add(http::Router& router, Route route) {
  http::View view{.path = std::move(route.path),
                  .name = std::move(route.name),
                  .description = "A page of the admin site.",
                  .handlers = {}};
  view.handlers.emplace_back(http::Method::get, std::move(route.get));
  if (route.post) view.handlers.emplace_back(http::Method::post, std::move(route.post));
  router.add(std::move(view));
}

}  // namespace

void add_admin(http::Router& router, const AdminTools& tools) {
  const auto& applications = tools.settings.installed_apps;
  if (std::ranges::find(applications, "admin") == applications.end()) return;
  // Lives as long as the routes that refer to it.
  struct Parts {
    explicit Parts(const AdminTools& tools)
        : site(tools),
          log(site),
          dashboard(site),
          groups(site, log),
          tokens(site, log),
          user_deeds(site),
          user_list(site, user_deeds),
          user_forms(site, log, user_deeds),
          sessions(site),
          service(site) {}
    Site site;
    LogViews log;
    Dashboard dashboard;
    GroupViews groups;
    TokenViews tokens;
    UserDeeds user_deeds;
    UserList user_list;
    UserForms user_forms;
    UserSessions sessions;
    ServiceViews service;
  };
  const auto parts = std::make_shared<const Parts>(tools);
  const auto staff = [parts](auto view) {
    return [parts, handler = parts->site.for_staff(std::move(view))](const http::Request& request) {
      return handler(request);
    };
  };
  const auto& log = parts->log;
  add(router,
      {"/admin/", "Administration", staff([&log](const Visit& v) { return log.index(v); })});
  add(router, {"/admin/log/", "Log", staff([&log](const Visit& v) { return log.all(v); })});

  const auto staff_who_may = [parts](Verb verb, const Model& model, auto view) {
    return [parts, handler = parts->site.for_staff(verb, model, std::move(view))](
               const http::Request& request) { return handler(request); };
  };
  const auto& service = parts->service;
  add(router, {"/admin/service/", "Service",
               staff([&service](const Visit& v) { return service.service(v); })});
  if (tools.keys != nullptr) {
    add(router,
        {"/admin/keys/", "Keys", staff([&service](const Visit& v) { return service.keys(v); })});
  }
  const auto& dashboard = parts->dashboard;
  add(router, {"/admin/dashboard/", "Logins",
               staff_who_may(Verb::view, user_model,
                             [&dashboard](const Visit& v) { return dashboard.show(v); })});

  const auto& groups = parts->groups;
  const auto group = [&](Verb verb, http::Reply (GroupViews::*view)(const Visit&) const) {
    return staff_who_may(verb, group_model,
                         [&groups, view](const Visit& v) { return (groups.*view)(v); });
  };
  const auto group_path = group_model.path();
  add(router, {group_path, "Groups", group(Verb::view, &GroupViews::list),
               group(Verb::view, &GroupViews::act)});
  add(router, {group_path + "add/", "Add a group", group(Verb::add, &GroupViews::add),
               group(Verb::add, &GroupViews::add)});
  add(router, {group_path + "{id}/change/", "Group", group(Verb::view, &GroupViews::change),
               group(Verb::change, &GroupViews::change)});
  add(router, {group_path + "{id}/users/", "Users of a group",
               group(Verb::view, &GroupViews::users), group(Verb::change, &GroupViews::users)});
  add(router, {group_path + "{id}/delete/", "Delete a group",
               group(Verb::remove, &GroupViews::remove), group(Verb::remove, &GroupViews::remove)});
  add(router, {group_path + "{id}/history/", "History", group(Verb::view, &GroupViews::history)});

  const auto& users = parts->user_list;
  const auto& forms = parts->user_forms;
  const auto listed = [&](http::Reply (UserList::*view)(const Visit&) const) {
    return staff_who_may(Verb::view, user_model,
                         [&users, view](const Visit& v) { return (users.*view)(v); });
  };
  const auto user = [&](Verb verb, http::Reply (UserForms::*view)(const Visit&) const) {
    return staff_who_may(verb, user_model,
                         [&forms, view](const Visit& v) { return (forms.*view)(v); });
  };
  const auto user_path = user_model.path();
  add(router, {user_path, "Users", listed(&UserList::show), listed(&UserList::act)});
  add(router, {user_path + "add/", "Add a user", user(Verb::add, &UserForms::add),
               user(Verb::add, &UserForms::add)});
  add(router, {user_path + "{id}/change/", "User", user(Verb::view, &UserForms::change),
               user(Verb::change, &UserForms::change)});
  add(router, {user_path + "{id}/password/", "Password of a user",
               user(Verb::change, &UserForms::password), user(Verb::change, &UserForms::password)});
  add(router, {user_path + "{id}/delete/", "Delete a user", user(Verb::remove, &UserForms::remove),
               user(Verb::remove, &UserForms::remove)});
  const auto& sessions = parts->sessions;
  add(router, {user_path + "{id}/sessions/", "Logins of a user",
               staff_who_may(Verb::view, user_model,
                             [&sessions](const Visit& v) { return sessions.show(v); }),
               user(Verb::change, &UserForms::log_out)});
  add(router, {user_path + "{id}/history/", "History", user(Verb::view, &UserForms::history)});

  if (!parts->site.has_tokens()) return;
  const auto& tokens = parts->tokens;
  const auto token = [&](const Model& model, http::Reply (TokenViews::*view)(const Visit&) const) {
    return staff_who_may(Verb::view, model,
                         [&tokens, view](const Visit& v) { return (tokens.*view)(v); });
  };
  const auto outstanding_path = outstanding_model.path();
  add(router,
      {outstanding_path, "Outstanding tokens", token(outstanding_model, &TokenViews::outstanding),
       token(outstanding_model, &TokenViews::act)});
  add(router, {outstanding_path + "{id}/change/", "Outstanding token",
               token(outstanding_model, &TokenViews::show),
               token(outstanding_model, &TokenViews::blacklist)});
  add(router, {outstanding_path + "{id}/history/", "History",
               token(outstanding_model, &TokenViews::history)});
  add(router, {blacklisted_model.path(), "Blacklisted tokens",
               token(blacklisted_model, &TokenViews::blacklisted)});
  add(router, {blacklisted_model.path() + "{id}/change/", "Blacklisted token",
               token(blacklisted_model, &TokenViews::show_blacklisted)});
}

}  // namespace easyjwt::admin
