#include "service/auth_api/session_views.hpp"

#include <string>
#include <utility>

#include "easyjwt/core/json.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt {
namespace {

using http::Reply;
using http::Request;
using http::Response;

/// `current`: the family of the token that the request came with.
void append_session(std::string& out, const Family& family, bool current) {
  out += "{\"id\":\"" + family.id + "\",\"created_at\":\"" + to_rfc3339(family.created_at) +
         "\",\"last_used_at\":\"" + to_rfc3339(family.last_used_at) + "\",\"expires_at\":\"" +
         to_rfc3339(family.expires_at) + "\",\"user_agent\":";
  append_json_string(out, family.user_agent);
  out += ",\"address\":";
  append_json_string(out, family.address);
  out += ",\"current\":";
  out += current ? "true}" : "false}";
}

Response no_content() { return Response{204, {}, {}, {}, {}}; }

}  // namespace

http::Handler session_list_view(std::shared_ptr<const Authentication> who, Tokens& tokens) {
  return [who = std::move(who), &tokens](const Request& request) -> Reply {
    const auto user = who->require_user(request);
    if (!user) return user.error();
    // Up to a thousand rows: more than a connection's thread should do.
    if (!may_wait()) return Error{Errc::would_wait};
    const auto families = tokens.list_families(user->id);
    if (!families) return families.error();
    const auto own = who->family(request);
    std::string body = "[";
    for (const auto& family : *families) {
      if (body.size() > 1) body += ',';
      append_session(body, family, family.id == own);
    }
    return Response::json(body + "]");
  };
}

http::Handler end_sessions_view(std::shared_ptr<const Authentication> who, Tokens& tokens) {
  return [who = std::move(who), &tokens](const Request& request) -> Reply {
    const auto user = who->require_user(request);
    if (!user) return user.error();
    if (const auto done = tokens.end_families(user->id); !done) return done.error();
    return no_content();
  };
}

http::Handler end_session_view(std::shared_ptr<const Authentication> who, Tokens& tokens) {
  return [who = std::move(who), &tokens](const Request& request) -> Reply {
    const auto user = who->require_user(request);
    if (!user) return user.error();
    // Another user's is not there, for whoever asks.
    const auto ended = tokens.end_family(user->id, request.params[0]);
    if (!ended) return ended.error();
    if (!*ended) return Error{Errc::not_found};
    return no_content();
  };
}

}  // namespace easyjwt
