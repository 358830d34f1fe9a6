#include "service/pages/pages.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "service/html/static_files.hpp"

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
  using View = http::Reply (AccountViews::*)(const http::Request&) const;
  const bool is_client = tools.remote != nullptr;
  const auto views = std::make_shared<const AccountViews>(tools);
  const auto page = [&](std::string path, std::string name, std::string description, Lane lane,
                        View get, View post = nullptr) {
    http::View view{.path = std::move(path),
                    .name = std::move(name),
                    .description = std::move(description),
                    .lane = lane,
                    .handlers = {}};
    for (const auto& [method, answer] : {std::pair{Method::get, get}, {Method::post, post}}) {
      if (answer == nullptr) continue;
      view.handlers.emplace_back(method, [views, answer = answer](const http::Request& request) {
        return (views.get()->*answer)(request);
      });
    }
    router.add(std::move(view));
  };
  // A client-service may have to ask the auth-service; hashing has its own gate wherever it is.
  const auto slow = is_client ? Lane::remote : Lane::hashing;
  page("/auth/login/", "Login", "A page to log in on.", slow, &AccountViews::login_form,
       &AccountViews::login);
  page("/auth/logout/", "Logout", "Ends the session.", Lane::storage, nullptr,
       &AccountViews::logout);
  page("/accounts/profile/", "Account", "Who is logged in.", Lane::storage, &AccountViews::profile);
  const auto& password = views->password_path();
  page(password, "Password Change", "A page that changes the password where it is kept.", slow,
       &AccountViews::password_form, &AccountViews::change_password);
  page(password + "done/", "Password Change Done", "Says that it was changed.", Lane::storage,
       &AccountViews::password_changed);
  html::add_static_files(router);
  router.use(
      http::ErrorPage([renderer = &tools.renderer](const http::Request& request, const Error& error,
                                                   int status) -> std::optional<http::Response> {
        if (!is_page(request)) return std::nullopt;
        return renderer->error(error, status, request);
      }));
}

}  // namespace easyjwt
