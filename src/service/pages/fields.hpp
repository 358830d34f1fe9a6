#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/http/form.hpp"
#include "easyjwt/http/request.hpp"
#include "service/html/renderer.hpp"

namespace easyjwt {

/// Django's.
inline constexpr std::string_view required_field = "This field is required.";

/// A field of a form that was sent; empty where there is none.
std::string value_of(const http::Form& form, std::string_view name);

/// What is wrong with one of a form's fields, in the request's language; "": with the whole form.
std::vector<std::string> errors_of(const Error& error, std::string_view field,
                                   const html::Renderer& renderer, const http::Request& request);

json::array to_array(const std::vector<std::string>& texts);

}  // namespace easyjwt
