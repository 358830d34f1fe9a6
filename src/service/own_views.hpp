#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "easyjwt/http/router.hpp"
#include "easyjwt/service/program.hpp"
#include "service/identities.hpp"
#include "service/serializers.hpp"

namespace easyjwt {

/// Who sent a request; null: nobody.
using Identify = std::function<IdentityResult(const http::Request&)>;

/// One of a service's own views, with one of its methods.
struct OwnView {
  http::Method method;
  std::string path;
  std::optional<Permission> permission;  ///< none: DEFAULT_PERMISSION_CLASSES
  ViewHandler handler;
};

/// What a program adds of its own.
struct Own {
  std::vector<OwnView> views;
  Serializers serializers;
};

/// DEFAULT_PERMISSION_CLASSES as one: all of them must allow; of none everybody may, as in REST
/// framework.
Permission default_permission(const std::vector<std::string>& classes);

/// Adds them: each asks who it is, then its permission, and then is called. `standard`: the
/// permission of those that have none. `challenge`: a 401's WWW-Authenticate; empty: it is a 403.
void add_own_views(http::Router& router, const std::vector<OwnView>& views,
                   const Permission& standard, const Identify& who, const std::string& challenge);

}  // namespace easyjwt
