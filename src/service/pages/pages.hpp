#pragma once

#include "easyjwt/http/router.hpp"
#include "service/pages/account_views.hpp"

namespace easyjwt {

/// Adds the pages that people come to with a browser, and what they load; what goes wrong on them
/// is told on a page, too. `tools` outlive the router.
void add_pages(http::Router& router, const PageTools& tools);

}  // namespace easyjwt
