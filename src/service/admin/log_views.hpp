#pragma once

#include "easyjwt/http/router.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

/// The site's first page and what was done there (django_admin_log): by whoever looks, by
/// everybody, to one object.
class LogViews {
 public:
  explicit LogViews(const Site& site) : site_(site) {}

  http::Reply index(const Visit& visit) const;
  /// For who may see log entries (admin.view_logentry).
  http::Reply all(const Visit& visit) const;
  /// What was done to the object whose id is in the path.
  http::Reply of_object(const Visit& visit, const Model& model, std::string name) const;

 private:
  Result<json::array> entries(const Visit& visit, const AdminLogQuery& query) const;

  const Site& site_;
};

}  // namespace easyjwt::admin
