#include "easyjwt/token/permission.hpp"

#include <utility>

namespace easyjwt {
namespace {

/// REST framework's SAFE_METHODS.
bool only_reads(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

}  // namespace

Permission::Permission(Rule rule, Text message)
    : rule_(std::move(rule)), message_(std::move(message)) {}

Result<void> Permission::check(const Access& access) const {
  if (allows(access)) return {};
  if (access.identity == nullptr) return fail(Errc::not_authenticated);
  return fail(Errc::permission_denied, message_);
}

Permission operator&&(Permission a, Permission b) {
  return Permission([a = std::move(a.rule_), b = std::move(b.rule_)](const Access& access) {
    return a(access) && b(access);
  });
}

Permission operator||(Permission a, Permission b) {
  return Permission([a = std::move(a.rule_), b = std::move(b.rule_)](const Access& access) {
    return a(access) || b(access);
  });
}

Permission operator!(Permission a) {
  return Permission([a = std::move(a.rule_)](const Access& access) { return !a(access); });
}

Permission is_authenticated() {
  return Permission([](const Access& access) { return access.identity != nullptr; });
}

Permission allow_any() {
  return Permission([](const Access&) { return true; });
}

Permission is_admin_user() {
  return Permission(
      [](const Access& access) { return access.identity != nullptr && access.identity->is_staff; });
}

Permission is_authenticated_or_read_only() {
  return Permission(
      [](const Access& access) { return access.identity != nullptr || only_reads(access.method); });
}

Permission has_perm(std::string permission) {
  return Permission([permission = std::move(permission)](const Access& access) {
    return access.identity != nullptr && access.identity->has_perm(permission);
  });
}

Permission model_permissions(std::string app, std::string model) {
  const auto named = [&](std::string_view action) {
    return app + "." + std::string(action) + "_" + model;
  };
  return Permission([add = named("add"), change = named("change"),
                     remove = named("delete")](const Access& access) {
    if (access.identity == nullptr) return false;
    if (only_reads(access.method)) return true;
    if (access.method == "POST") return access.identity->has_perm(add);
    if (access.method == "PUT" || access.method == "PATCH") {
      return access.identity->has_perm(change);
    }
    // Of a method that is none of the map's nobody knows what it does.
    return access.method == "DELETE" && access.identity->has_perm(remove);
  });
}

}  // namespace easyjwt
