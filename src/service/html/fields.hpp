#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/http/form.hpp"
#include "easyjwt/http/request.hpp"
#include "service/html/renderer.hpp"

namespace easyjwt::html {

/// Django's.
inline constexpr std::string_view required_field = "This field is required."_t;

/// A field of a form: what the template `inputs` shows of each of a page's `fields`.
struct Field {
  enum class Kind { input, checkbox, textarea, select, read_only };
  struct Option {
    std::string value;
    std::string text;  ///< as it is shown
  };

  std::string_view name;
  Text label;
  Kind kind = Kind::input;
  std::string_view type = "text";         ///< of an input: "email", "password"
  std::string_view autocomplete = "off";  ///< of an input
  std::string value{};                    ///< a checkbox is checked where it is not empty
  bool required = true;
  Text help{};
  std::vector<Option> options{};  ///< of a select
};

/// For a template, in the request's language, with what `wrong` says of it.
json::object to_json(const Field& field, const Error& wrong, const Renderer& renderer,
                     const http::Request& request);
json::array to_json(const std::vector<Field>& fields, const Error& wrong, const Renderer& renderer,
                    const http::Request& request);

/// A field of a form that was sent; empty where there is none.
std::string value_of(const http::Form& form, std::string_view name);

/// What is wrong with one of a form's fields, in the request's language; "": with the whole form.
std::vector<std::string> errors_of(const Error& error, std::string_view field,
                                   const Renderer& renderer, const http::Request& request);

json::array to_array(const std::vector<std::string>& texts);

}  // namespace easyjwt::html
