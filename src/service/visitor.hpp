#pragma once

#include "easyjwt/auth/visitor.hpp"
#include "easyjwt/http/request.hpp"

namespace easyjwt {

/// Whoever logs in, as the lists of sessions show them: cut to what their tables hold, and what a
/// log or a page could stumble over replaced.
Visitor visitor(const http::Request& request);

}  // namespace easyjwt
