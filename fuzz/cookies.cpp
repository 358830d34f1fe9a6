// Cookie fields, and CSRF protection, which reads them with Origin, Referer and a form.
#include "easyjwt/http/cookies.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "easyjwt/http/csrf.hpp"

using namespace easyjwt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Lines: Cookie, token, Origin, Referer; an empty one is none. The rest is a form.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<http::Header> headers{{"Content-Type", "application/x-www-form-urlencoded"}};
  std::string_view origin;
  for (const std::string_view name : {"Cookie", "X-CSRFToken", "Origin", "Referer"}) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.empty()) headers.push_back({name, line});
    if (name == "Origin") origin = line;
  }
  http::Request request;
  request.method = http::Method::post;
  request.method_name = "POST";
  request.headers = headers;
  request.body = rest;
  request.host = "api.example.com";

  static const http::Csrf csrf(
      {.trusted_origins = {"https://app.example.com", "https://*.fleet.example"}});
  for (const std::string_view scheme : {"http", "https"}) {
    request.scheme = scheme;
    if (!csrf.check(request)) continue;
    // Whoever passes has a cookie, and is from one of these.
    if (!http::find_cookie(request, "csrftoken")) std::abort();
    if (!origin.empty() && !origin.ends_with("example.com") && !origin.ends_with(".example")) {
      std::abort();
    }
  }
  // Whatever is found can be set again, or is refused: it never adds a line or an attribute.
  if (const auto value = http::find_cookie(request, "csrftoken")) {
    http::Response response;
    if (http::is_cookie_value(*value)) http::set_cookie(response, {.name = "a"}, *value);
    if (std::count(response.fields.begin(), response.fields.end(), '\n') > 1) std::abort();
    if (std::count(response.fields.begin(), response.fields.end(), ';') > 2) std::abort();
  }
  http::Response response;
  csrf.ensure_cookie(request, response);
  return 0;
}
