#include "service/pages/pages.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "service/html/static_files.hpp"
#include "service/pages/reset_views.hpp"
#include "service/pages/verify_views.hpp"

namespace easyjwt {
namespace {

/// Whether a person looks at it: a path of pages, asked for by a browser.
bool is_page(const http::Request& request) {
  constexpr std::string_view paths[] = {"/accounts/", "/admin/", "/auth/login/", "/auth/logout/",
                                        "/auth/password-change/"};
  const auto accept = request.header("Accept");
  return accept.find("text/html") != accept.npos &&
         std::any_of(std::begin(paths), std::end(paths),
                     [&](std::string_view path) { return request.path.starts_with(path); });
}

}  // namespace

void add_pages(http::Router& router, const PageTools& tools) {
  using http::Lane;
  using http::Method;
  const bool is_client = tools.remote != nullptr;
  const auto views = std::make_shared<const AccountViews>(tools);
  const auto page = [&router](const auto& owner, std::string path, std::string name,
                              std::string description, Lane lane, auto get, auto post) {
    http::View view{.path = std::move(path),
                    .name = std::move(name),
                    .description = std::move(description),
                    .lane = lane,
                    .handlers = {}};
    const auto add = [&](Method method, auto answer) {
      if constexpr (!std::is_null_pointer_v<decltype(answer)>) {
        view.handlers.emplace_back(method, [owner, answer](const http::Request& request) {
          return (owner.get()->*answer)(request);
        });
      }
    };
    add(Method::get, get);
    add(Method::post, post);
    router.add(std::move(view));
  };
  // A client-service may have to ask the auth-service; hashing has its own gate wherever it is.
  const auto slow = is_client ? Lane::remote : Lane::hashing;
  page(views, "/auth/login/", "Login", "A page to log in on.", slow, &AccountViews::login_form,
       &AccountViews::login);
  page(views, "/auth/logout/", "Logout", "Ends the session.", Lane::storage, nullptr,
       &AccountViews::logout);
  page(views, "/accounts/profile/", "Account", "Who is logged in.", Lane::storage,
       &AccountViews::profile, nullptr);
  const auto& password = views->password_path();
  page(views, password, "Password Change", "A page that changes the password where it is kept.",
       slow, &AccountViews::password_form, &AccountViews::change_password);
  page(views, password + "done/", "Password Change Done", "Says that it was changed.",
       Lane::storage, &AccountViews::password_changed, nullptr);
  if (!is_client) {
    const auto resets = std::make_shared<const ResetViews>(tools);
    page(resets, "/accounts/password_reset/", "Password Reset", "A page to ask for a mail on.",
         Lane::storage, &ResetViews::form, &ResetViews::ask);
    page(resets, "/accounts/password_reset/done/", "Password Reset Sent",
         "Says that a mail is on its way.", Lane::storage, &ResetViews::asked, nullptr);
    page(resets, "/accounts/reset/{uid}/{token}/", "Password Reset Confirm",
         "A page for a new password, which the mail's link leads to.", slow, &ResetViews::confirm,
         &ResetViews::reset);
    page(resets, "/accounts/reset/done/", "Password Reset Done", "Says that it was changed.",
         Lane::storage, &ResetViews::complete, nullptr);
    // Where EMAIL_VERIFICATION has been turned off since, too: mails are on their way.
    const auto verifications = std::make_shared<const VerifyViews>(tools);
    page(verifications, "/accounts/verify/{uid}/{token}/", "Address Confirmation",
         "A page that the mail to a new account leads to.", slow, &VerifyViews::form,
         &VerifyViews::verify);
    page(verifications, "/accounts/verify/done/", "Address Confirmed", "Says that it is.",
         Lane::storage, &VerifyViews::complete, nullptr);
  }
  html::add_static_files(router);
  router.use(
      http::ErrorPage([renderer = &tools.renderer](const http::Request& request, const Error& error,
                                                   int status) -> std::optional<http::Response> {
        if (!is_page(request)) return std::nullopt;
        return renderer->error(error, status, request);
      }));
}

}  // namespace easyjwt
