#include "easyjwt/http/request.hpp"

#include "http/grammar.hpp"

namespace easyjwt::http {

std::string_view to_string(Method method) noexcept {
  switch (method) {
    case Method::get: return "GET";
    case Method::head: return "HEAD";
    case Method::post: return "POST";
    case Method::put: return "PUT";
    case Method::patch: return "PATCH";
    case Method::delete_: return "DELETE";
    case Method::options: return "OPTIONS";
    case Method::other: break;
  }
  return "";
}

std::string_view Request::header(std::string_view name) const noexcept {
  for (const auto& field : headers) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

bool same_size_equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

}  // namespace easyjwt::http
