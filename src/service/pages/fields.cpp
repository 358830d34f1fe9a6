#include "service/pages/fields.hpp"

namespace easyjwt {

std::string value_of(const http::Form& form, std::string_view name) {
  const auto* value = form.find(name);
  return value != nullptr ? *value : std::string();
}

std::vector<std::string> errors_of(const Error& error, std::string_view field,
                                   const html::Renderer& renderer, const http::Request& request) {
  std::vector<std::string> out;
  for (const auto& [name, texts] : error.fields) {
    if (name != field) continue;
    for (const auto& text : texts) out.push_back(renderer.text(text, request));
  }
  return out;
}

json::array to_array(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

}  // namespace easyjwt
