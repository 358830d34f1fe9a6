#include "service/forward_auth/forward_auth.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "service/forward_auth/identity_headers.hpp"
#include "service/forward_auth/path_rules.hpp"

namespace easyjwt {
namespace {

/// nullopt: there is more than one, of which the proxy may have meant another than we would take.
std::optional<std::string_view> only(const http::Request& request, std::string_view name) {
  const auto count =
      std::count_if(request.headers.begin(), request.headers.end(),
                    [&](const auto& field) { return http::equal_ignoring_case(field.name, name); });
  if (count > 1) return std::nullopt;
  return request.header(name);
}

struct ForwardAuth {
  PathRules rules;
  IdentityHeaders headers;
  Identify who;

  http::Reply answer(const http::Request& request) const {
    const auto method = only(request, "X-Forwarded-Method");
    const auto uri = only(request, "X-Forwarded-Uri");
    if (!method || !uri) {
      return Error{Errc::permission_denied, {}, "more than one X-Forwarded-Method or -Uri"};
    }
    const auto identity = who(request);
    if (!identity) return identity.error();
    const auto allowed = rules.check(identity->get(), *method, *uri);
    if (!allowed) return allowed.error();
    http::Response response;
    response.content_type = {};
    response.fields = headers.of(identity->get());
    response.add("Cache-Control", "no-store");
    return response;
  }
};

}  // namespace

void add_forward_auth(http::Router& router, const ServiceSettings& settings, Identify who,
                      const std::string& challenge) {
  std::vector<PathRule> rules;
  for (const auto& rule : settings.forward_auth_rules) rules.push_back(parse_path_rule(rule));
  const auto forward = std::make_shared<const ForwardAuth>(ForwardAuth{
      PathRules(std::move(rules)), IdentityHeaders(settings.forward_auth_fields), std::move(who)});
  http::View view{.path = "/auth/forward/",
                  .name = "Forward Auth",
                  .description = "Judges a request for the proxy that has it.",
                  .lane = http::Lane::remote,
                  .challenge = challenge};
  // A proxy may ask with the original request's method. OPTIONS, too: the description that any view
  // has for it would be a 200, which lets the request through.
  using http::Method;
  for (const auto method : {Method::get, Method::post, Method::put, Method::patch, Method::delete_,
                            Method::options}) {
    view.handlers.emplace_back(
        method, [forward](const http::Request& request) { return forward->answer(request); });
  }
  router.add(std::move(view));
}

}  // namespace easyjwt
