#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "easyjwt/core/error.hpp"
#include "easyjwt/token/identity.hpp"

namespace easyjwt {

/// What a permission judges: who wants to do what.
struct Access {
  const Identity* identity = nullptr;  ///< null: nobody is logged in
  std::string_view method;             ///< "GET"
  std::string_view path;
};

/// A rule on who may do what (REST framework's permission classes), combined with &&, || and !.
/// A value; any thread.
class Permission {
 public:
  using Rule = std::function<bool(const Access&)>;

  /// `message`: the 403's detail; empty: REST framework's. A combination has none, as there.
  explicit Permission(Rule rule, Text message = {});

  bool allows(const Access& access) const { return rule_(access); }
  /// Errc::not_authenticated for nobody, Errc::permission_denied with the message for somebody.
  Result<void> check(const Access& access) const;

  friend Permission operator&&(Permission a, Permission b);
  friend Permission operator||(Permission a, Permission b);
  friend Permission operator!(Permission a);

 private:
  Rule rule_;
  Text message_;
};

/// REST framework's own.
Permission is_authenticated();
Permission allow_any();
Permission is_admin_user();
/// GET, HEAD and OPTIONS for everybody.
Permission is_authenticated_or_read_only();
/// Django's has_perm(): "easyjwt_user.view_user".
Permission has_perm(std::string permission);
/// DjangoModelPermissions on a model: add for POST, change for PUT and PATCH, delete for DELETE;
/// the methods that only read need a login and no more. `app` "easyjwt_user", `model` "user".
Permission model_permissions(std::string app, std::string model);

}  // namespace easyjwt
