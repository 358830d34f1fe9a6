#include "service/body.hpp"

#include "easyjwt/core/unicode.hpp"

namespace easyjwt {
namespace {

/// Python's name of a JSON value's type, as REST framework's message has it.
std::string_view python_type(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "NoneType";
    case json::kind::bool_: return "bool";
    case json::kind::int64:
    case json::kind::uint64: return "int";
    case json::kind::double_: return "float";
    case json::kind::string: return "str";
    case json::kind::array: return "list";
    case json::kind::object: break;
  }
  return "dict";
}

}  // namespace

Result<Body> read_body(const http::Request& request, json::storage_ptr storage) {
  if (request.body.empty()) return Body{json::value(json::object(std::move(storage)))};
  const auto content_type = request.header("Content-Type");
  // The type that every client of ours sends needs no reading.
  const auto media = content_type == "application/json" ? http::MediaType{"application/json", {}}
                                                        : http::parse_media_type(content_type);
  if (media.type == "application/json") {
    return parse_json(request.body, std::move(storage)).map([](json::value&& value) {
      return Body{std::move(value)};
    });
  }
  const auto as_body = [](http::Form&& form) { return Body{std::move(form)}; };
  if (media.type == "application/x-www-form-urlencoded") {
    return http::parse_urlencoded(request.body).map(as_body);
  }
  if (media.type == "multipart/form-data") {
    return http::parse_multipart(request.body, media.boundary).map(as_body);
  }
  const std::string shown(is_utf8(content_type) ? content_type : std::string_view{});
  return fail(Errc::unsupported_media_type, {"Unsupported media type \"{}\" in request.", {shown}});
}

FieldReader::FieldReader(const Body& body) {
  form_ = std::get_if<http::Form>(&body);
  if (form_ != nullptr) return;
  const auto& value = std::get<json::value>(body);
  object_ = value.if_object();
  if (object_ != nullptr) return;
  if (value.is_null()) {
    add_error("non_field_errors", {"No data provided", {}});
  } else {
    add_error("non_field_errors", {"Invalid data. Expected a dictionary, but got {}.",
                                   {std::string(python_type(value))}});
  }
}

std::optional<std::string> FieldReader::read(const CharField& field) {
  std::string text;
  if (form_ != nullptr) {
    const auto* value = form_->find(field.name);
    if (value == nullptr) {
      if (field.required) add_error(field.name, {"This field is required.", {}});
      return std::nullopt;
    }
    text = *value;
    // In a form an empty value is how null, or nothing at all, is said.
    if (text.empty() && !field.allow_blank && (field.allow_null || !field.required)) {
      return std::nullopt;
    }
  } else if (object_ != nullptr) {
    const auto* value = object_->if_contains(field.name);
    if (value == nullptr) {
      if (field.required) add_error(field.name, {"This field is required.", {}});
      return std::nullopt;
    }
    if (value->is_null()) {
      if (!field.allow_null) add_error(field.name, {"This field may not be null.", {}});
      return std::nullopt;
    }
    if (value->is_string()) {
      text = value->get_string();
    } else if (text = python_number(*value); text.empty()) {
      add_error(field.name, {"Not a valid string.", {}});
      return std::nullopt;
    }
  } else {
    return std::nullopt;
  }
  text = std::string(strip(text));
  if (text.empty()) {
    if (field.allow_blank) return text;
    add_error(field.name, {"This field may not be blank.", {}});
    return std::nullopt;
  }
  const auto errors = error_.fields.size();
  if (field.max_length != 0 && count_code_points(text) > field.max_length) {
    add_error(field.name, {"Ensure this field has no more than {} characters.",
                           {std::to_string(field.max_length)}});
  }
  if (text.find('\0') != std::string::npos) {
    add_error(field.name, {"Null characters are not allowed.", {}});
  }
  if (error_.fields.size() != errors) return std::nullopt;
  return text;
}

void FieldReader::add_error(std::string_view field, Text text) {
  for (auto& entry : error_.fields) {
    if (entry.field == field) {
      entry.texts.push_back(std::move(text));
      return;
    }
  }
  error_.fields.push_back({std::string(field), {std::move(text)}});
}

}  // namespace easyjwt
