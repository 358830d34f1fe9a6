#include "service/pages/account_views.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/unicode.hpp"
#include "easyjwt/user/user_store.hpp"
#include "service/html/fields.hpp"
#include "service/html/next_url.hpp"
#include "service/revocation_feed.hpp"
#include "service/visitor.hpp"

namespace easyjwt {
namespace {

using http::Reply;
using http::Request;
using http::Response;

constexpr std::string_view login_path = "/auth/login/";
constexpr std::string_view profile_path = "/accounts/profile/";
constexpr std::string_view model_backend = "ModelBackend";
constexpr std::string_view remote_backend = "RemoteAuthBackend";

/// Django's AuthenticationForm.
constexpr std::string_view wrong_login =
    "Please enter a correct email address and password. Note that both fields may be "
    "case-sensitive."_t;

/// The words of the auth-service's refusal ({"field": ["..."]}, {"detail": "..."}).
std::vector<Text> words_of(const std::string& body) {
  std::vector<Text> out;
  const auto add = [&](const json::value& value) {
    if (value.is_string()) out.push_back({"{}", {std::string(value.get_string())}});
  };
  const auto parsed = parse_json(body);
  if (parsed && parsed->is_object()) {
    for (const auto& [name, value] : parsed->get_object()) {
      if (name == "code") continue;
      if (value.is_array()) {
        for (const auto& element : value.get_array()) add(element);
      } else {
        add(value);
      }
    }
  }
  if (out.empty()) out.push_back({"Password change failed.", {}});
  return out;
}

}  // namespace

struct AccountViews::Attempt {
  User user;
  std::string_view backend;
};

AccountViews::AccountViews(const PageTools& tools)
    : tools_(tools),
      password_path_(tools.remote != nullptr ? "/auth/password-change/"
                                             : "/accounts/password_change/") {}

html::Frame AccountViews::frame(Text title, const User& user) const {
  html::Frame frame{
      .title = std::move(title),
      .user = user.email,
      .links = {{Text{"Account"}, std::string(profile_path)}, {Text{"Password"}, password_path_}}};
  if (user.is_staff) frame.links.push_back({Text{"Administration"}, "/admin/"});
  return frame;
}

Reply AccountViews::for_user(const Request& request,
                             const std::function<Reply(const BrowserSession&)>& view) const {
  auto session = tools_.sessions.find(request);
  if (!session) return session.error();
  if (!*session) return html::redirect(html::with_next(login_path, request.path));
  return view(**session);
}

// ---- logging in and out

Response AccountViews::show_login(const Request& request, std::string_view email,
                                  std::string_view next, std::vector<Text> errors,
                                  int status) const {
  json::object members;
  members["next"] = next;
  std::vector<std::string> texts;
  for (const auto& error : errors) texts.push_back(tools_.renderer.text(error, request));
  members["has_form_errors"] = !texts.empty();
  members["form_errors"] = html::to_array(texts);
  members["fields"] = html::to_json({{.name = "username",
                                      .label = Text{"Email address"},
                                      .type = "email",
                                      .autocomplete = "username",
                                      .value = std::string(email)},
                                     {.name = "password",
                                      .label = Text{"Password"},
                                      .type = "password",
                                      .autocomplete = "current-password"}},
                                    {}, tools_.renderer, request);
  members["reset"] =
      tools_.remote != nullptr ? "/auth/password-reset/" : "/accounts/password_reset/";
  return tools_.renderer.render("login", std::move(members),
                                {.title = Text{"Log in"}, .status = status}, request);
}

Reply AccountViews::login_form(const Request& request) const {
  const auto query = http::parse_urlencoded(request.query);
  const auto next = query ? html::value_of(*query, "next") : std::string();
  return show_login(request, {}, html::next_or(next, ""), {}, 200);
}

Reply AccountViews::login(const Request& request) const {
  if (auto own = tools_.renderer.csrf().check(request); !own) return own.error();
  const auto form = html::read_form(request);
  const auto email = std::string(strip(html::value_of(form, "username")));
  const Secret password(html::value_of(form, "password"));
  const auto next = html::next_or(html::value_of(form, "next"), "");
  if (email.empty() || password.empty()) {
    return show_login(request, email, next, {{wrong_login, {}}}, 200);
  }
  const auto attempt = authenticate(email, password.view());
  if (!attempt) {
    if (attempt.error().code != Errc::unavailable) return attempt.error();
    tools_.log(LogLevel::warning, "nobody can log in now",
               {{"id", request.id}, {"reason", attempt.error().reason}});
    return show_login(
        request, email, next,
        {{"The authentication service does not answer. Please try again in a moment.", {}}}, 503);
  }
  if (!*attempt) {
    if (tools_.logins != nullptr) {
      tools_.logins->refused(email, LoginHow::session, visitor(request));
    }
    return show_login(request, email, next, {{wrong_login, {}}}, 200);
  }
  auto response = html::redirect(next.empty() ? profile_path : std::string_view(next));
  const auto begun =
      tools_.sessions.begin((*attempt)->user, (*attempt)->backend, request, response);
  if (!begun) return begun.error();
  tools_.renderer.csrf().renew_cookie(response);
  return response;
}

Result<std::optional<AccountViews::Attempt>> AccountViews::authenticate(
    std::string_view email, std::string_view password) const {
  for (const auto& backend : tools_.settings.authentication_backends) {
    if (backend == model_backend) {
      auto user = tools_.accounts.authenticate(email, password);
      if (user) return Attempt{*std::move(user), model_backend};
      if (user.error().code != Errc::no_active_account) return fail(user.error());
    } else if (backend == remote_backend && tools_.remote != nullptr) {
      auto user = ask_remote(email, password);
      if (!user) return fail(user.error());
      if (*user) return Attempt{**std::move(user), remote_backend};
    }
  }
  return std::nullopt;
}

/// The original's RemoteAuthBackend.
Result<std::optional<User>> AccountViews::ask_remote(std::string_view email,
                                                     std::string_view password) const {
  const auto refused = [](const Error& error) {
    return error.code == Errc::auth_service_refused || error.code == Errc::permission_denied;
  };
  auto tokens = tools_.remote->obtain(email, password);
  if (!tokens) {
    if (refused(tokens.error())) return std::nullopt;
    return fail(tokens.error());
  }
  auto& access = tokens->at("access").as_string();
  const auto remote = tools_.remote->user(access);
  wipe(access.data(), access.size());
  if (auto* refresh = tokens->if_contains("refresh"); refresh != nullptr) {
    // The session stands for itself: a token that nobody has any use for is not left alive.
    const auto& text = refresh->as_string();
    if (const auto ended = tools_.remote->blacklist(text); !ended) {
      tools_.log(LogLevel::info, "the refresh token of a login was not ended",
                 {{"reason", ended.error().reason}});
    }
    wipe(refresh->as_string().data(), refresh->as_string().size());
  }
  if (!remote) {
    if (refused(remote.error())) return std::nullopt;
    return fail(remote.error());
  }
  const auto copy = tools_.admit(*remote);
  if (!copy) {
    if (refused(copy.error())) return std::nullopt;
    return fail(copy.error());
  }
  auto user = tools_.accounts.find_by_id((*copy)->id);
  if (!user) return fail(user.error());
  if (!*user || !(*user)->is_active) return std::nullopt;
  return user;
}

Reply AccountViews::logout(const Request& request) const {
  if (auto own = tools_.renderer.csrf().check(request); !own) return own.error();
  auto response = tools_.renderer.render("logged_out", {}, {.title = Text{"Logged out"}}, request);
  if (const auto ended = tools_.sessions.end(request, response); !ended) return ended.error();
  return response;
}

// ---- the account

Reply AccountViews::profile(const Request& request) const {
  return for_user(request, [&](const BrowserSession& session) -> Reply {
    const auto& user = session.user;
    json::object members;
    members["email"] = user.email;
    const auto name = std::string(strip(user.first_name + ' ' + user.last_name));
    members["has_name"] = !name.empty();
    members["name"] = name;
    members["password_change"] = password_path_;
    return tools_.renderer.render("profile", std::move(members), frame(Text{"Account"}, user),
                                  request);
  });
}

Response AccountViews::show_password_form(const Request& request, const User& user,
                                          const Error& wrong) const {
  const auto& renderer = tools_.renderer;
  const auto input = [](std::string_view name, Text label, std::string_view autocomplete) {
    return html::Field{
        .name = name, .label = std::move(label), .type = "password", .autocomplete = autocomplete};
  };
  json::object members;
  const auto general = html::errors_of(wrong, "", renderer, request);
  members["has_form_errors"] = !general.empty();
  members["form_errors"] = html::to_array(general);
  members["fields"] =
      html::to_json({input("old_password", Text{"Old password"}, "current-password"),
                     input("new_password1", Text{"New password"}, "new-password"),
                     input("new_password2", Text{"New password confirmation"}, "new-password")},
                    wrong, renderer, request);
  return renderer.render("password_change_form", std::move(members),
                         frame(Text{"Password change"}, user), request);
}

Reply AccountViews::password_form(const Request& request) const {
  return for_user(request, [&](const BrowserSession& session) -> Reply {
    return show_password_form(request, session.user, {});
  });
}

Reply AccountViews::change_password(const Request& request) const {
  return for_user(request, [&](const BrowserSession& session) -> Reply {
    if (auto own = tools_.renderer.csrf().check(request); !own) return own.error();
    const auto form = html::read_form(request);
    const Secret old_password(html::value_of(form, "old_password"));
    const Secret first(html::value_of(form, "new_password1"));
    const Secret second(html::value_of(form, "new_password2"));
    Error wrong{Errc::validation_error};
    for (const auto& [name, value] : {std::pair{"old_password", &old_password},
                                      {"new_password1", &first},
                                      {"new_password2", &second}}) {
      if (value->empty()) wrong.fields.push_back({name, {{html::required_field, {}}}});
    }
    if (wrong.fields.empty() && first.view() != second.view()) {
      // Django's words at the auth-service, the original's at a client-service.
      wrong.fields.push_back(
          {"new_password2",
           {{tools_.remote != nullptr ? "The new password fields didn't match."_t
                                      : "The two password fields didn’t match."_t,
             {}}}});
    }
    if (!wrong.fields.empty()) return show_password_form(request, session.user, wrong);
    const auto done = store_password(session, old_password.view(), first.view(),
                                     tools_.renderer.language(request));
    if (!done) {
      if (done.error().code != Errc::validation_error) return done.error();
      return show_password_form(request, session.user, done.error());
    }
    if (tools_.feed != nullptr) tools_.feed->let_second_pass();
    auto user = tools_.accounts.find_by_id(session.user.id);
    if (!user) return user.error();
    auto response = html::redirect(tools_.remote != nullptr ? "/auth/password-change/done/"
                                                            : "/accounts/password_change/done/");
    // Whoever is logged in elsewhere may be who the new password is for.
    const auto begun = tools_.sessions.begin_alone(user->value_or(session.user), session.backend,
                                                   request, response);
    if (!begun) return begun.error();
    tools_.renderer.csrf().renew_cookie(response);
    return response;
  });
}

Result<void> AccountViews::store_password(const BrowserSession& session,
                                          std::string_view old_password,
                                          std::string_view new_password,
                                          const Translations* translations) const {
  const auto& email = session.user.email;
  Error wrong{Errc::validation_error};
  if (tools_.remote != nullptr && session.backend == remote_backend) {
    const auto done = tools_.remote->change_password(
        email, old_password, new_password,
        translations != nullptr ? translations->language : std::string_view());
    if (done || done.error().code != Errc::auth_service_refused) return done;
    wrong.fields.push_back({"", words_of(done.error().body)});
    return fail(std::move(wrong));
  }
  const auto done = tools_.accounts.change_password(email, old_password, new_password);
  if (done || done.error().code != Errc::validation_error) return done;
  for (const auto& [field, texts] : done.error().fields) {
    if (field == "new_password") {
      wrong.fields.push_back({"new_password2", texts});
    } else {
      // Whose it is is known: all that can be wrong is the old one (Django's PasswordChangeForm).
      wrong.fields.push_back(
          {"old_password",
           {{"Your old password was entered incorrectly. Please enter it again.", {}}}});
    }
  }
  return fail(std::move(wrong));
}

Reply AccountViews::password_changed(const Request& request) const {
  return for_user(request, [&](const BrowserSession& session) -> Reply {
    return tools_.renderer.render("password_change_done", {},
                                  frame(Text{"Password change successful"}, session.user), request);
  });
}

}  // namespace easyjwt
