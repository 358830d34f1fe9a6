#pragma once

#include "easyjwt/core/clock.hpp"
#include "easyjwt/http/router.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

/// What superusers see of the service itself: how it is, what it was told by its settings (secrets
/// masked), the keys that it signs with. Nothing is changed here.
class ServiceViews {
 public:
  explicit ServiceViews(const Site& site) : site_(site), started_(site.tools().clock()) {}

  /// /admin/service/
  http::Reply service(const Visit& visit) const;
  /// /admin/keys/, where AdminTools::keys are
  http::Reply keys(const Visit& visit) const;

 private:
  Result<json::array> facts(const Visit& visit) const;
  Result<json::array> migrations(const Visit& visit, bool& is_behind) const;
  json::array settings(const Visit& visit) const;

  const Site& site_;
  const Time started_;
};

}  // namespace easyjwt::admin
