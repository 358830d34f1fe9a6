#pragma once

#include "easyjwt/http/router.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

/// Adds the admin site (django.contrib.admin, as the original registers its models there): all of
/// its paths begin with /admin/. Nothing where INSTALLED_APPS has no "admin". `tools` outlive the
/// router.
void add_admin(http::Router& router, const AdminTools& tools);

}  // namespace easyjwt::admin
