#include "service/html/renderer.hpp"

#include <kainjow/mustache.hpp>
#include <map>
#include <stdexcept>
#include <utility>

#include "easyjwt/http/form.hpp"
#include "service/html/files.hpp"

namespace easyjwt::html {
namespace {

using kainjow::mustache::data;
using kainjow::mustache::lambda;
using kainjow::mustache::list;
using kainjow::mustache::mustache;
using kainjow::mustache::object;
using kainjow::mustache::partial;
using Form = Renderer::Form;

/// Nothing but what we serve ourselves, no script at all, forms to us alone, in nobody's frame.
constexpr std::string_view policy =
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'";

data to_data(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return data(false);
    case json::kind::bool_: return data(value.get_bool());
    case json::kind::string: {
      const auto& text = value.get_string();
      return data(std::string(text.data(), text.size()));
    }
    case json::kind::array: {
      list out;
      for (const auto& element : value.get_array()) out.push_back(to_data(element));
      return data(std::move(out));
    }
    case json::kind::object: {
      object out;
      for (const auto& [name, member] : value.get_object()) {
        out.emplace(std::string(name), to_data(member));
      }
      return data(std::move(out));
    }
    default: return data(python_number(value));
  }
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

/// "page not found" of the codes that people come to see.
std::string_view explain(int status) {
  switch (status) {
    case 400: return "The request cannot be understood."_t;
    case 403: return "You may not see this page or do this."_t;
    case 404: return "There is no such page."_t;
    case 405: return "This cannot be done here."_t;
    case 503: return "The service is not available now. Please try again in a moment."_t;
    default: return "Something went wrong. It has been logged; please try again later."_t;
  }
}

std::string fill(std::string_view name, data& values, Form form = Form::html) {
  for (const auto& [known, text] : templates) {
    if (known.starts_with("part_")) {
      values.set(std::string(known), partial{[text = text] { return std::string(text); }});
    }
  }
  for (const auto& [known, text] : templates) {
    if (known != name) continue;
    // Parsed anew: a mustache keeps what an error of its rendering was, and is no thread's.
    mustache page{std::string(text)};
    page.set_custom_escape(
        [form](const std::string& value) { return form == Form::html ? escape(value) : value; });
    auto out = page.render(values);
    if (!page.is_valid()) throw std::logic_error("the template " + page.error_message());
    return out;
  }
  throw std::logic_error("no template " + std::string(name));
}

/// {{#t}}: what it gives back is a template itself, filled in with what the page's is.
lambda look_up(const Translations* translations, Form form) {
  return [translations, form](const std::string& english) {
    const auto text = translations != nullptr ? translations->find(english) : english;
    return form == Form::html ? escape(text) : std::string(text);
  };
}

std::string_view tag_of(const Translations* translations) {
  return translations != nullptr ? translations->language : "en";
}

}  // namespace

Renderer::Renderer(const http::CsrfSettings& csrf, http::Language language)
    : csrf_(csrf), language_(std::move(language)) {}

http::Response Renderer::render(std::string_view name, json::object members, const Frame& frame,
                                const http::Request& request) const {
  http::Response response;
  response.status = frame.status;
  response.content_type = "text/html; charset=utf-8";
  const auto token = csrf_.ensure_cookie(request, response);
  const auto* translations = language(request);
  const auto tag = tag_of(translations);

  auto values = to_data(members);
  values.set("t", look_up(translations, Form::html));
  values.set("csrf_token", token);
  values.set("csrf_field",
             "<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"" + token + "\">");
  auto content = fill(name, values);

  values.set("content", std::move(content));
  values.set("language", std::string(tag));
  values.set("title", text(frame.title, request));
  for (const auto& asset : assets) {
    auto variable = "asset_" + std::string(asset.name.substr(0, asset.name.find('.')));
    values.set(variable, std::string(asset.path));
  }
  values.set("has_user", data(!frame.user.empty()));
  values.set("user", frame.user);
  const auto to_list = [&](const std::vector<NavLink>& links) {
    list out;
    for (const auto& link : links) {
      out.push_back(object{{"text", text(link.text, request)}, {"path", link.path}});
    }
    return out;
  };
  values.set("links", to_list(frame.links));
  values.set("has_path", data(!frame.path.empty()));
  values.set("path_above", to_list(frame.path));
  list messages;
  for (const auto& message : frame.messages) messages.push_back(data(text(message, request)));
  values.set("has_messages", data(!frame.messages.empty()));
  values.set("messages", std::move(messages));
  response.body = fill("layout", values);

  response.add("Content-Security-Policy", policy);
  response.add("Cache-Control", "no-store");
  response.add("Content-Language", tag);
  response.add("Vary", "Accept-Language");
  return response;
}

std::string Renderer::render_mail(std::string_view name, json::object members, Form form,
                                  const Translations* translations) const {
  auto values = to_data(members);
  values.set("t", look_up(translations, form));
  values.set("language", std::string(tag_of(translations)));
  return fill(name, values, form);
}

http::Response Renderer::error(const Error& error, int status, const http::Request& request) const {
  json::object members;
  members["status"] = std::to_string(status);
  members["what"] = text({explain(status), {}}, request);
  members["request_id"] = request.id;
  if (!error.detail.empty() && status < 500) members["detail"] = text(error.detail, request);
  return render("error", std::move(members),
                {.title = status == 404 ? Text{"Page not found"} : Text{"Error"}, .status = status},
                request);
}

http::Response redirect(std::string_view path) {
  http::Response response;
  response.status = 302;
  response.content_type = {};
  response.add("Location", path);
  response.add("Cache-Control", "no-store");
  return response;
}

http::Form read_form(const http::Request& request) {
  const auto media = http::parse_media_type(request.header("Content-Type"));
  Result<http::Form> form;
  if (media.type == "application/x-www-form-urlencoded") {
    form = http::parse_urlencoded(request.body);
  } else if (media.type == "multipart/form-data") {
    form = http::parse_multipart(request.body, media.boundary);
  }
  return form ? *std::move(form) : http::Form();
}

}  // namespace easyjwt::html
