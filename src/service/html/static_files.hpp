#pragma once

#include "easyjwt/http/router.hpp"

namespace easyjwt::html {

/// Serves what pages load: /static/NAME.HASH.EXTENSION, which browsers may keep for ever.
void add_static_files(http::Router& router);

}  // namespace easyjwt::html
