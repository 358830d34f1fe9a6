#include "service/pages/verify_views.hpp"

#include <utility>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/unicode.hpp"
#include "service/html/fields.hpp"
#include "service/pages/account_mails.hpp"

namespace easyjwt {

using http::Reply;
using http::Request;
using http::Response;

Result<std::optional<User>> VerifyViews::find(const Request& request) const {
  const auto& [uid, token] = request.params;
  const auto id = decode_uid(uid);
  if (!id) return std::nullopt;
  auto user = tools_.accounts.find_by_id(*id);
  if (!user) return user;
  const bool stands = *user && AccountMails::can_verify(**user) &&
                      tools_.mails->verify_tokens().check(**user, token, tools_.clock());
  if (!stands) return std::nullopt;
  return user;
}

Response VerifyViews::show_invalid(const Request& request) const {
  return tools_.renderer.render("verify_invalid", {}, {.title = Text{"Address not confirmed"}},
                                request);
}

Response VerifyViews::show_form(const Request& request, const User& user,
                                const Error& wrong) const {
  json::object members;
  members["email"] = user.email;
  members["fields"] = html::to_json({{.name = "password",
                                      .label = Text{"Password"},
                                      .type = "password",
                                      .autocomplete = "current-password"}},
                                    wrong, tools_.renderer, request);
  return tools_.renderer.render("verify_form", std::move(members),
                                {.title = Text{"Confirm your email address"}}, request);
}

Reply VerifyViews::form(const Request& request) const {
  const auto user = find(request);
  if (!user) return user.error();
  if (!*user) return show_invalid(request);
  return show_form(request, **user, {});
}

Reply VerifyViews::verify(const Request& request) const {
  if (auto own = tools_.renderer.csrf().check(request); !own) return own.error();
  const auto user = find(request);
  if (!user) return user.error();
  if (!*user) return show_invalid(request);
  const auto form = html::read_form(request);
  // As /auth/create-user/ read it.
  const Secret password(std::string(strip(html::value_of(form, "password"))));
  if (password.empty()) {
    return show_form(request, **user, Error::field("password", {html::required_field, {}}));
  }
  const auto verified = tools_.accounts.verify(**user, password.view());
  if (!verified) return verified.error();
  if (!*verified) {
    return show_form(
        request, **user,
        Error::field("password", {"This is not the password that the account was made with.", {}}));
  }
  tools_.log(LogLevel::info, "an e-mail address was confirmed",
             {{"id", request.id}, {"user_id", std::to_string((*user)->id)}});
  return html::redirect("/accounts/verify/done/");
}

Reply VerifyViews::complete(const Request& request) const {
  return tools_.renderer.render("verify_complete", {}, {.title = Text{"Address confirmed"}},
                                request);
}

}  // namespace easyjwt
