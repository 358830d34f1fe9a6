#include "service/own_views.hpp"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace easyjwt {
namespace {

/// Django's AnonymousUser.
const Identity& nobody() {
  static const Identity identity = [] {
    Identity made;
    made.is_active = false;
    return made;
  }();
  return identity;
}

Permission permission_of(std::string_view name) {
  if (name == "IsAuthenticated") return is_authenticated();
  if (name == "AllowAny") return allow_any();
  if (name == "IsAdminUser") return is_admin_user();
  if (name == "IsAuthenticatedOrReadOnly") return is_authenticated_or_read_only();
  // The settings take no other.
  throw std::logic_error("no permission class " + std::string(name));
}

IdentityResult allowed(const Identify& who, const Permission& permission,
                       const http::Request& request) {
  auto identity = who(request);
  if (!identity) return identity;
  const auto judged = permission.check({identity->get(), request.method_name, request.path});
  if (!judged) return fail(judged.error());
  return identity;
}

}  // namespace

Permission default_permission(const std::vector<std::string>& classes) {
  auto all = allow_any();
  for (const auto& name : classes) all = std::move(all) && permission_of(name);
  return all;
}

void add_own_views(http::Router& router, const std::vector<OwnView>& views,
                   const Permission& standard, const Identify& who, const std::string& challenge) {
  std::vector<http::View> by_path;
  for (const auto& own : views) {
    const auto& rule = own.permission ? *own.permission : standard;
    http::View* view = nullptr;
    for (auto& known : by_path) {
      if (known.path == own.path) view = &known;
    }
    if (view == nullptr) {
      view = &by_path.emplace_back();
      view->path = view->name = own.path;
      view->lane = http::Lane::remote;
      view->challenge = challenge;
      view->refusal_guard = [who, permission = rule](const http::Request& request) {
        return allowed(who, permission, request).map([](const auto&) {});
      };
    }
    view->handlers.emplace_back(own.method,
                                [who, permission = rule, handler = own.handler](
                                    const http::Request& request) -> http::Reply {
                                  const auto identity = allowed(who, permission, request);
                                  if (!identity) return identity.error();
                                  return handler(request, *identity ? **identity : nobody());
                                });
  }
  for (auto& view : by_path) router.add(std::move(view));
}

}  // namespace easyjwt
