#include "service/html/fields.hpp"

namespace easyjwt::html {

json::object to_json(const Field& field, const Error& wrong, const Renderer& renderer,
                     const http::Request& request) {
  // All of them, always: what a template does not find here it would take from around it.
  using Kind = Field::Kind;
  const auto errors = errors_of(wrong, field.name, renderer, request);
  const bool is_checkbox = field.kind == Kind::checkbox;
  json::object out;
  out["name"] = field.name;
  out["label"] = renderer.text(field.label, request);
  out["type"] = field.type;
  out["autocomplete"] = field.autocomplete;
  out["value"] = field.value;
  out["required"] = field.required;
  out["help"] = field.help.empty() ? std::string() : renderer.text(field.help, request);
  out["has_help"] = !field.help.empty();
  out["is_input"] = field.kind == Kind::input;
  out["is_checkbox"] = is_checkbox;
  out["is_textarea"] = field.kind == Kind::textarea;
  out["is_select"] = field.kind == Kind::select;
  out["is_read_only"] = field.kind == Kind::read_only;
  out["checked"] = is_checkbox && !field.value.empty();
  json::array options;
  for (const auto& option : field.options) {
    json::object one;
    one["value"] = option.value;
    one["text"] = option.text;
    one["selected"] = option.value == field.value;
    options.push_back(std::move(one));
  }
  out["options"] = std::move(options);
  out["has_errors"] = !errors.empty();
  out["errors"] = to_array(errors);
  out["described_by"] = (errors.empty() ? "" : "errors_" + std::string(field.name) + ' ') +
                        (field.help.empty() ? "" : "help_" + std::string(field.name));
  out["is_described"] = !errors.empty() || !field.help.empty();
  return out;
}

json::array to_json(const std::vector<Field>& fields, const Error& wrong, const Renderer& renderer,
                    const http::Request& request) {
  json::array out;
  for (const auto& field : fields) out.push_back(to_json(field, wrong, renderer, request));
  return out;
}

std::string value_of(const http::Form& form, std::string_view name) {
  const auto* value = form.find(name);
  return value != nullptr ? *value : std::string();
}

std::vector<std::string> errors_of(const Error& error, std::string_view field,
                                   const Renderer& renderer, const http::Request& request) {
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

}  // namespace easyjwt::html
