#include "easyjwt/http/response.hpp"

#include <stdexcept>

namespace easyjwt::http {

void Response::add(std::string_view name, std::string_view value) {
  constexpr std::string_view breaks{"\r\n\0", 3};
  if (name.find_first_of(breaks) != std::string_view::npos ||
      value.find_first_of(breaks) != std::string_view::npos) {
    throw std::invalid_argument("a header field with a line break or NUL");
  }
  fields.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace easyjwt::http
