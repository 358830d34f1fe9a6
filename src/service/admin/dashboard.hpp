#pragma once

#include "easyjwt/http/router.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

/// How many logged in, how many were refused and how many users were active, as plots (SVG, in the
/// page itself) and as tables: 30 days and 48 hours of UTC. For who may see users.
class Dashboard {
 public:
  explicit Dashboard(const Site& site) : site_(site) {}

  http::Reply show(const Visit& visit) const;

 private:
  const Site& site_;
};

}  // namespace easyjwt::admin
