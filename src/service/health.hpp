#pragma once

#include "easyjwt/db/database.hpp"
#include "easyjwt/http/router.hpp"

namespace easyjwt {

/// Adds /healthz (the process answers) and /readyz (the database does, too; else 503 with what is
/// missing). They answer any Host: whoever probes goes by the address. `database` outlives the
/// router.
void add_health(http::Router& router, db::Database& database);

}  // namespace easyjwt
