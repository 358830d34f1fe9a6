#include "service/pages/reset_views.hpp"

#include <utility>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/unicode.hpp"
#include "easyjwt/user/validators.hpp"
#include "service/html/fields.hpp"
#include "service/html/renderer.hpp"
#include "service/pages/account_mails.hpp"
#include "service/revocation_feed.hpp"

namespace easyjwt {
namespace {

using http::Reply;
using http::Request;
using http::Response;

constexpr std::string_view folder = "/accounts/reset/";
/// In a token's place; no token is like it.
constexpr std::string_view without_token = "set-password";

}  // namespace

// ---- asking for a mail

Response ResetViews::show_form(const Request& request, std::string_view email,
                               const Error& wrong) const {
  const auto& renderer = tools_.renderer;
  json::object members;
  members["fields"] = html::to_json({{.name = "email",
                                      .label = Text{"Email address"},
                                      .type = "email",
                                      .autocomplete = "email",
                                      .value = std::string(email)}},
                                    wrong, renderer, request);
  return renderer.render("password_reset_form", std::move(members),
                         {.title = Text{"Password reset"}}, request);
}

Reply ResetViews::form(const Request& request) const { return show_form(request, {}, {}); }

Reply ResetViews::ask(const Request& request) const {
  if (auto own = tools_.renderer.csrf().check(request); !own) return own.error();
  const auto email = std::string(strip(html::value_of(html::read_form(request), "email")));
  if (!is_valid_email(email)) {
    return show_form(request, email,
                     Error::field("email", {email.empty() ? html::required_field
                                                          : "Enter a valid email address."_t,
                                            {}}));
  }
  tools_.mails->reset(request, email);
  return html::redirect("/accounts/password_reset/done/");
}

Reply ResetViews::asked(const Request& request) const {
  return tools_.renderer.render("password_reset_done", {}, {.title = Text{"Password reset sent"}},
                                request);
}

// ---- the link

http::CookieSettings ResetViews::cookie(const Request& request) const {
  return {.name = "password_reset",
          .age = tools_.settings.password_reset_timeout.count(),
          .secure = request.scheme == "https" || tools_.settings.session_cookie.secure,
          .http_only = true,
          .path = std::string(folder)};
}

Result<std::optional<User>> ResetViews::find(std::string_view uid, std::string_view token) const {
  const auto id = decode_uid(uid);
  if (!id) return std::nullopt;
  auto user = tools_.accounts.find_by_id(*id);
  if (!user) return user;
  const bool stands = *user && AccountMails::can_reset(**user) &&
                      tools_.mails->reset_tokens().check(**user, token, tools_.clock());
  if (!stands) return std::nullopt;
  return user;
}

Result<std::optional<User>> ResetViews::find(const Request& request) const {
  const auto& [uid, token] = request.params;
  if (token != without_token) return std::nullopt;
  const auto kept = http::find_cookie(request, cookie(request).name);
  if (!kept) return std::nullopt;
  return find(uid, *kept);
}

Reply ResetViews::confirm(const Request& request) const {
  const auto& [uid, token] = request.params;
  const bool has_token = token != without_token;
  const auto user = has_token ? find(uid, token) : find(request);
  if (!user) return user.error();
  if (!*user) return show_invalid(request);
  if (!has_token) return show_confirm(request, {});
  auto response = html::redirect(std::string(folder) + encode_uid((*user)->id) + '/' +
                                 std::string(without_token) + '/');
  http::set_cookie(response, cookie(request), token);
  return response;
}

Response ResetViews::show_invalid(const Request& request) const {
  return tools_.renderer.render("password_reset_invalid", {},
                                {.title = Text{"Password reset unsuccessful"}}, request);
}

Response ResetViews::show_confirm(const Request& request, const Error& wrong) const {
  const auto& renderer = tools_.renderer;
  const auto input = [](std::string_view name, Text label) {
    return html::Field{.name = name,
                       .label = std::move(label),
                       .type = "password",
                       .autocomplete = "new-password"};
  };
  json::object members;
  members["fields"] = html::to_json({input("new_password1", Text{"New password"}),
                                     input("new_password2", Text{"New password confirmation"})},
                                    wrong, renderer, request);
  return renderer.render("password_reset_confirm", std::move(members),
                         {.title = Text{"Enter new password"}}, request);
}

Reply ResetViews::reset(const Request& request) const {
  if (auto own = tools_.renderer.csrf().check(request); !own) return own.error();
  const auto user = find(request);
  if (!user) return user.error();
  if (!*user) return show_invalid(request);
  const auto form = html::read_form(request);
  const Secret first(html::value_of(form, "new_password1"));
  const Secret second(html::value_of(form, "new_password2"));
  Error wrong{Errc::validation_error};
  for (const auto& [name, value] :
       {std::pair{"new_password1", &first}, {"new_password2", &second}}) {
    if (value->empty()) wrong.fields.push_back({name, {{html::required_field, {}}}});
  }
  if (wrong.fields.empty() && first.view() != second.view()) {
    wrong.fields.push_back({"new_password2", {{"The two password fields didn’t match.", {}}}});
  }
  if (wrong.fields.empty()) {
    auto texts = tools_.accounts.validate_password(first.view(), &**user);
    if (!texts.empty()) wrong.fields.push_back({"new_password2", std::move(texts)});
  }
  if (!wrong.fields.empty()) return show_confirm(request, wrong);
  const auto& id = (*user)->id;
  // Only in the place of the password that the token is of: of two who use it one comes too late.
  if (const auto done = tools_.accounts.set_password(**user, first.view()); !done) {
    if (done.error().code != Errc::conflict) return done.error();
    return show_invalid(request);
  }
  if (const auto ended = tools_.sessions.end_all(id); !ended) return ended.error();
  tools_.log(LogLevel::info, "a password was reset",
             {{"id", request.id}, {"user_id", std::to_string(id)}});
  if (tools_.feed != nullptr) tools_.feed->let_second_pass();
  auto response = html::redirect("/accounts/reset/done/");
  http::delete_cookie(response, cookie(request));
  tools_.renderer.csrf().renew_cookie(response);
  return response;
}

Reply ResetViews::complete(const Request& request) const {
  return tools_.renderer.render("password_reset_complete", {},
                                {.title = Text{"Password reset complete"}}, request);
}

}  // namespace easyjwt
