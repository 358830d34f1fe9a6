#include "service/auth_api/token_views.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"
#include "service/auth_api/secret_json.hpp"
#include "service/body.hpp"
#include "service/visitor.hpp"

namespace easyjwt {
namespace {

using http::Reply;
using http::Request;
using http::Response;

/// The memory of one body: on the stack for any usual one.
class BodyArena {
 public:
  json::storage_ptr storage() { return &resource_; }

 private:
  std::array<unsigned char, 2048> buffer_;
  json::monotonic_resource resource_{buffer_.data(), buffer_.size()};
};

/// Reads the one field `name` and hands it to `decide`.
template <class Decide>
Reply with_token(const Request& request, std::string_view name, Decide decide) {
  BodyArena arena;
  const auto body = read_body(request, arena.storage());
  if (!body) return body.error();
  FieldReader fields(*body);
  auto raw = fields.read({.name = name});
  if (!fields.good()) return fields.error();
  return decide(*std::move(raw));
}

template <class Decide>
Reply with_credentials(const Request& request, Decide decide) {
  BodyArena arena;
  const auto body = read_body(request, arena.storage());
  if (!body) return body.error();
  FieldReader fields(*body);
  const auto email = fields.read({.name = "email"});
  auto password = fields.read({.name = "password"});
  if (!fields.good()) return fields.error();
  Reply reply = decide(*email, *password);
  wipe(*password);
  return reply;
}

// Tokens of ours are base64url and dots: nothing in them needs escaping.

Reply obtain_pair(const Request& request, Tokens& tokens) {
  return with_credentials(request, [&](const auto& email, const auto& password) -> Reply {
    const auto pair = tokens.obtain(email, password, visitor(request));
    if (!pair) return pair.error();
    return secret_json("{\"refresh\":\"" + pair->refresh + "\",\"access\":\"" + pair->access +
                       "\"}");
  });
}

Reply obtain_sliding(const Request& request, Tokens& tokens) {
  return with_credentials(request, [&](const auto& email, const auto& password) -> Reply {
    const auto token = tokens.obtain_sliding(email, password, visitor(request));
    if (!token) return token.error();
    return secret_json("{\"token\":\"" + *token + "\"}");
  });
}

Reply to_reply(const Result<Refreshed>& refreshed) {
  if (!refreshed) return refreshed.error();
  std::string body = "{\"access\":\"" + refreshed->access + "\"";
  if (refreshed->refresh) body += ",\"refresh\":\"" + *refreshed->refresh + "\"";
  return secret_json(body + "}");
}

struct DeferredRefresh final : http::Deferred {
  DeferredRefresh(Tokens& tokens, std::string raw) : refresh(tokens, std::move(raw)) {}

  void write() override { refresh.decide(); }
  Reply answer() override { return to_reply(refresh.answer()); }

  Tokens::Refresh refresh;
};

Reply refresh(const Request& request, Tokens& tokens) {
  return with_token(request, "refresh", [&](std::string raw) -> Reply {
    if (may_wait() || !tokens.refreshes_in_steps()) return to_reply(tokens.refresh(raw));
    auto deferred = std::make_unique<DeferredRefresh>(tokens, std::move(raw));
    if (!deferred->refresh.good()) return deferred->answer();
    return deferred;
  });
}

Reply refresh_sliding(const Request& request, Tokens& tokens) {
  return with_token(request, "token", [&](const auto& raw) -> Reply {
    const auto token = tokens.refresh_sliding(raw);
    if (!token) return token.error();
    return secret_json("{\"token\":\"" + *token + "\"}");
  });
}

Reply verify(const Request& request, Tokens& tokens) {
  return with_token(request, "token", [&](const auto& raw) -> Reply {
    if (const auto good = tokens.verify(raw); !good) return good.error();
    return Response::json("{}");
  });
}

Reply blacklist(const Request& request, Tokens& tokens) {
  return with_token(request, "refresh", [&](const auto& raw) -> Reply {
    if (const auto done = tokens.blacklist(raw); !done) return done.error();
    return Response::json("{}");
  });
}

struct Serializer {
  std::string_view name;
  http::Lane lane;
  Reply (*view)(const Request&, Tokens&);
};

constexpr std::array<Serializer, 6> serializers{{
    {"TokenObtainPairSerializer", http::Lane::hashing, obtain_pair},
    {"TokenObtainSlidingSerializer", http::Lane::hashing, obtain_sliding},
    {"TokenRefreshSerializer", http::Lane::commit, refresh},
    {"TokenRefreshSlidingSerializer", http::Lane::storage, refresh_sliding},
    {"TokenVerifySerializer", http::Lane::storage, verify},
    {"TokenBlacklistSerializer", http::Lane::commit, blacklist},
}};

}  // namespace

std::pair<http::Lane, http::Handler> token_view(std::string_view name, Tokens& tokens) {
  for (const auto& serializer : serializers) {
    if (serializer.name == name) {
      return {serializer.lane, [view = serializer.view, &tokens](const Request& request) {
                return view(request, tokens);
              }};
    }
  }
  throw SettingsError("EASY_JWT", "\"" + std::string(name) + "\" is no serializer");
}

}  // namespace easyjwt
