#include "service/admin/user_sessions.hpp"

#include <string>
#include <utility>

#include "easyjwt/auth/family_store.hpp"
#include "easyjwt/user/login_store.hpp"
#include "easyjwt/user/session_store.hpp"

namespace easyjwt::admin {
namespace {

constexpr std::int64_t shown_logins = 100;

/// By what, in words.
Text words_of(const Login& login) {
  if (login.how == to_string(LoginHow::token)) return Text{"Tokens"};
  if (login.how == to_string(LoginHow::sliding)) return Text{"A sliding token"};
  if (login.how == to_string(LoginHow::session)) return Text{"The login page"};
  if (login.how == to_string(LoginHow::remote)) return Text{"The authentication service"};
  if (login.how == to_string(LoginHow::password)) return Text{"A change of password"};
  return {"{}", {login.how}};
}

json::object session(Time begun, Time seen, const std::string& address, const std::string& agent) {
  json::object out;
  out["begun"] = shown_time(begun);
  out["seen"] = shown_time(seen);
  out["address"] = address;
  out["agent"] = agent;
  return out;
}

}  // namespace

http::Reply UserSessions::show(const Visit& visit) const {
  const auto& tools = site_.tools();
  const auto id = read_id(visit.request.params[0]);
  if (!id) return Error{Errc::not_found};
  const auto user = tools.accounts.find_by_id(*id);
  if (!user) return user.error();
  if (!*user) return Error{Errc::not_found};
  const auto now = tools.clock();
  json::array browsers;
  json::array families;
  json::array logins;
  const auto read = tools.database.read([&](db::Transaction& transaction) -> Result<void> {
    browsers.clear();
    families.clear();
    logins.clear();
    auto done = SessionStore(transaction).list_of_user(*id, now, [&](const StoredSession& one) {
      browsers.push_back(session(one.created_at, one.last_seen_at, one.address, one.user_agent));
    });
    if (!done) return done;
    done = FamilyStore(transaction).list(*id, now, [&](const Family& one) {
      families.push_back(session(one.created_at, one.last_used_at, one.address, one.user_agent));
    });
    if (!done) return done;
    return LoginStore(transaction).list_of_user(*id, shown_logins, [&](const Login& login) {
      json::object one;
      one["at"] = shown_time(login.at);
      one["succeeded"] = login.succeeded;
      one["how"] = site_.text(visit, words_of(login));
      one["address"] = login.address;
      one["agent"] = login.user_agent;
      logins.push_back(std::move(one));
    });
  });
  if (!read) return read.error();
  json::object data;
  data["has_browsers"] = !browsers.empty();
  data["browsers"] = std::move(browsers);
  data["has_families"] = !families.empty();
  data["families"] = std::move(families);
  data["has_logins"] = !logins.empty();
  data["logins"] = std::move(logins);
  data["can_end"] = visit.may(Verb::change, user_model);
  data["is_recorded"] = tools.settings.login_history.has_value();
  const auto& email = (*user)->email;
  return site_.render(
      visit, "admin_sessions", std::move(data),
      {.title = Text{"Logins of {}", {email}},
       .path = {{{user_model.titles, {}}, user_model.path()},
                {{"{}", {email}}, user_model.path() + std::to_string(*id) + "/change/"}}});
}

}  // namespace easyjwt::admin
