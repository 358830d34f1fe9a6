#include "easyjwt/http/router.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <stdexcept>
#include <unordered_map>

#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/core/waiting.hpp"
#include "http/hosts.hpp"

namespace easyjwt::http {
namespace {

struct Route : View {
  std::string fields;   ///< Allow and Vary, formatted
  std::string options;  ///< the body of the answer to OPTIONS

  const Handler* find(Method method) const {
    const auto is = [](Method wanted) {
      return [wanted](const auto& handler) { return handler.first == wanted; };
    };
    auto found = std::find_if(handlers.begin(), handlers.end(), is(method));
    if (found == handlers.end() && method == Method::head) {
      found = std::find_if(handlers.begin(), handlers.end(), is(Method::get));
    }
    return found == handlers.end() ? nullptr : &found->second;
  }
};

struct Match {
  const Route* route = nullptr;
  bool slash_missing = false;
};

/// REST framework's order.
std::string allow_field(const Route& route) {
  std::string out = "Allow: ";
  for (const auto method :
       {Method::get, Method::post, Method::put, Method::patch, Method::delete_, Method::head}) {
    if (route.find(method) != nullptr) out.append(to_string(method)).append(", ");
  }
  return out + "OPTIONS\r\nVary: Accept\r\n";
}

std::string options_body(const View& view) {
  std::string out = "{\"name\":";
  append_json_string(out, view.name);
  out += ",\"description\":";
  append_json_string(out, view.description);
  out +=
      ",\"renders\":[\"application/json\"],\"parses\":[\"application/json\","
      "\"application/x-www-form-urlencoded\",\"multipart/form-data\"]}";
  return out;
}

/// Compares a path with a pattern; every {...} takes one segment. What of the pattern is left when
/// the path is at its end comes back in `rest`.
bool matches(std::string_view pattern, std::string_view path, Request& request,
             std::string_view& rest) {
  std::size_t param = 0;
  request.params = {};
  while (!pattern.empty() && !path.empty()) {
    if (pattern.front() == '{') {
      const auto segment = path.substr(0, path.find('/'));
      if (segment.empty()) return false;
      request.params[param++] = segment;
      pattern.remove_prefix(pattern.find('}') + 1);
      path.remove_prefix(segment.size());
    } else if (pattern.front() == path.front()) {
      pattern.remove_prefix(1);
      path.remove_prefix(1);
    } else {
      return false;
    }
  }
  rest = pattern;
  return path.empty();
}

void add_retry_after(Response& response, const Error& error) {
  const bool later = error.code == Errc::busy || error.code == Errc::unavailable;
  const auto seconds =
      later ? std::max(error.retry_after, std::chrono::seconds{1}) : error.retry_after;
  if (seconds.count() > 0) response.add("Retry-After", std::to_string(seconds.count()));
}

Response to_json(const Error& error, const Translations* translations) {
  Response response;
  response.status = describe(error.code).status;
  append_error_body(response.body, error, translations);
  add_retry_after(response, error);
  return response;
}

Response internal_error(std::string_view request_id, const Translations* translations) {
  Response response;
  response.status = 500;
  response.body = "{\"detail\":";
  append_json_string(response.body, Text{describe(Errc::internal).text, {}}.str(translations));
  response.body += ",\"request_id\":";
  append_json_string(response.body, request_id);
  response.body += '}';
  return response;
}

/// The path that the client sent, with its slash. Nothing that a browser could take for another
/// host
/// ("//evil.example/", "/\evil.example/") ever becomes a Location.
Reply redirect_to_slash(const Request& request) {
  if (request.path.size() > 1 && (request.path[1] == '/' || request.path[1] == '\\')) {
    return Error{Errc::not_found};
  }
  std::string location(request.path);
  location += '/';
  if (!request.query.empty()) location.append("?").append(request.query);
  Response response;
  response.status = 301;
  response.content_type = {};
  response.add("Location", location);
  return response;
}

}  // namespace

struct Router::Impl {
  AllowedHosts hosts;
  Log log;
  std::deque<Route> routes;  // which stay where they are: the index points at them
  std::unordered_map<std::string_view, Match> fixed;
  std::vector<const Route*> patterns;
  std::optional<Cors> cors;
  ErrorPage error_page;
  Language language;

  Match find(Request& request) const {
    if (const auto found = fixed.find(request.path); found != fixed.end()) return found->second;
    for (const auto* route : patterns) {
      std::string_view rest;
      if (!matches(route->path, request.path, request, rest)) continue;
      if (rest.empty()) return {route, false};
      if (rest == "/") return {route, true};
    }
    return {};
  }

  Reply answer(const Match& match, Request& request) const;
  Response to_response(const Error& error, const Route* route, const Request& request) const;
  Outcome conclude(const Route* const& route, const Request& request,
                   FunctionRef<Reply()> make) const noexcept;
};

Reply Router::Impl::answer(const Match& match, Request& request) const {
  if (!(match.route != nullptr && match.route->any_host) && !hosts.allow(request.host)) {
    return Error{Errc::bad_request, {"Invalid Host header.", {}}};
  }
  if (match.route == nullptr) return Error{Errc::not_found};
  const Route& route = *match.route;
  if (match.slash_missing && (request.method == Method::get || request.method == Method::head)) {
    return redirect_to_slash(request);
  }
  if (const auto* handler = route.find(request.method)) return (*handler)(request);
  if (request.method == Method::options) return Response::json(route.options);
  if (route.refusal_guard) {
    if (auto allowed = route.refusal_guard(request); !allowed) return std::move(allowed).error();
  }
  return Error{Errc::method_not_allowed,
               {"Method \"{}\" not allowed.", {std::string(request.method_name)}}};
}

Response Router::Impl::to_response(const Error& error, const Route* route,
                                   const Request& request) const {
  const int status = describe(error.code).status;
  const bool fault = status == 0 || error.code == Errc::internal;
  if (fault || status >= 500 || !error.reason.empty()) {
    const auto level = fault           ? LogLevel::error
                       : status >= 500 ? LogLevel::warning
                                       : LogLevel::debug;
    log(level, "refused", {{"id", request.id}, {"path", request.path}, {"reason", error.reason}});
  }
  if (error_page) {
    const int shown = fault ? 500 : status == 401 ? 403 : status;
    if (auto page = error_page(request, error, shown)) {
      add_retry_after(*page, error);
      return *std::move(page);
    }
  }
  const auto* translations = language ? language(request) : nullptr;
  auto response = fault ? internal_error(request.id, translations) : to_json(error, translations);
  // Somebody else's words are in whatever language they are.
  if (translations != nullptr && error.body.empty()) {
    response.add("Content-Language", translations->language);
    response.add("Vary", "Accept-Language");
  }
  if (status == 401) {
    if (route == nullptr || route->challenge.empty()) {
      response.status = 403;
    } else {
      response.add("WWW-Authenticate", route->challenge);
    }
  }
  return response;
}

Router::Router(std::vector<std::string> allowed_hosts, Log log)
    : impl_(new Impl{
          AllowedHosts(std::move(allowed_hosts)), std::move(log), {}, {}, {}, {}, {}, {}}) {}
Router::~Router() = default;

void Router::add(View view) {
  const auto params = std::count(view.path.begin(), view.path.end(), '{');
  if (!view.path.starts_with('/') || params > std::ssize(Request{}.params)) {
    throw std::invalid_argument("no path of a view: " + view.path);
  }
  auto& route = impl_->routes.emplace_back();
  static_cast<View&>(route) = std::move(view);
  route.fields = allow_field(route);
  route.options = options_body(route);
  if (params > 0) {
    impl_->patterns.push_back(&route);
    return;
  }
  auto& match = impl_->fixed[route.path];
  if (match.route != nullptr && !match.slash_missing) {
    throw std::invalid_argument("two views of one path: " + route.path);
  }
  match = {&route, false};
  if (route.path.size() > 1 && route.path.ends_with('/')) {
    const auto open = std::string_view(route.path).substr(0, route.path.size() - 1);
    impl_->fixed.emplace(open, Match{&route, true});
  }
}

void Router::use(Cors cors) { impl_->cors = std::move(cors); }
void Router::use(ErrorPage page) { impl_->error_page = std::move(page); }
void Router::use(Language language) { impl_->language = std::move(language); }

void Deferred::run() noexcept {
  fault_ = nullptr;
  try {
    write();
  } catch (...) {
    fault_ = std::current_exception();
  }
}

Reply Deferred::reply() {
  if (fault_) std::rethrow_exception(fault_);
  return answer();
}

Router::Outcome Router::dispatch(Request& request) const noexcept {
  const auto& cors = impl_->cors;
  const Route* route = nullptr;
  return impl_->conclude(route, request, [&]() -> Reply {
    const auto match = impl_->find(request);
    // A view with an OPTIONS of its own judges it: for a proxy that asks us, 200 means "let it
    // through".
    const bool is_own = match.route != nullptr && match.route->find(Method::options) != nullptr;
    if (cors && Cors::is_preflight(request) && !is_own) return cors->answer_preflight(request);
    route = match.route;
    return impl_->answer(match, request);
  });
}

Router::Outcome Router::finish(Deferred& deferred, const View& view,
                               const Request& request) const noexcept {
  const auto* route = static_cast<const Route*>(&view);
  return impl_->conclude(route, request, [&] { return deferred.reply(); });
}

/// `route` is what `make`, which makes the reply, has found by then.
Router::Outcome Router::Impl::conclude(const Route* const& route, const Request& request,
                                       FunctionRef<Reply()> make) const noexcept {
  Outcome out;
  try {
    auto reply = make();
    if (auto* response = std::get_if<Response>(&reply)) {
      out.response = std::move(*response);
    } else if (auto* deferred = std::get_if<std::unique_ptr<Deferred>>(&reply)) {
      out.waits = route;
      out.deferred = std::move(*deferred);
      return out;
    } else {
      const auto& error = std::get<Error>(reply);
      if (error.code == Errc::would_wait && route != nullptr && !may_wait()) {
        out.waits = route;
        return out;
      }
      out.response = to_response(error, route, request);
    }
  } catch (const std::exception& fault) {
    log(LogLevel::error, "unhandled exception",
        {{"id", request.id}, {"path", request.path}, {"what", fault.what()}});
    out.response = internal_error(request.id, nullptr);
  } catch (...) {
    log(LogLevel::error, "unhandled exception",
        {{"id", request.id}, {"path", request.path}, {"what", "not a std::exception"}});
    out.response = internal_error(request.id, nullptr);
  }
  if (route != nullptr) out.response.view_fields = route->fields;
  if (cors) cors->add(request, out.response);
  return out;
}

Response Router::error_response(const View& view, const Error& error) const {
  auto response = error_response(error);
  response.view_fields = static_cast<const Route&>(view).fields;
  return response;
}

Response Router::error_response(const Error& error) { return to_json(error, nullptr); }

}  // namespace easyjwt::http
