#include "easyjwt/client/authenticator.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "client/breaker.hpp"
#include "client/feed_follower.hpp"
#include "client/local_trust.hpp"
#include "easyjwt/client/jwks.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt {
namespace {

using Verdict = Result<std::shared_ptr<const Identity>>;

/// Who waits for a call that hangs makes one of their own after so long: a little longer than the
/// breaker takes to see that a crowd stands still. Then the call is refused, and a dead
/// auth-service holds only the first of a token's requests.
constexpr auto patience = Breaker::Settings().patience + std::chrono::milliseconds{250};

/// Python's str.strip(), of what can stand in a header.
std::string_view strip(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// What the original makes of what verify said: its "detail" alone.
tl::unexpected<Error> refuse_as_verify(const Error& said) {
  if (said.body.empty()) return refuse_token({"Token is invalid or expired", {}}, said.reason);
  Error error{Errc::auth_service_refused, {}, said.reason};
  const auto body = parse_json(said.body);
  const auto* object = body ? body->if_object() : nullptr;
  const auto* detail = object != nullptr ? object->if_contains("detail") : nullptr;
  if (detail == nullptr) {
    error.detail = {"Incorrect authentication credentials.", {}};
  } else if (detail->is_object() || detail->is_array()) {
    append_json(error.body, *detail);
  } else {
    append_json(error.body, json::object{{"detail", *detail}});
  }
  return fail(std::move(error));
}

std::string text_of(const json::object& user, std::string_view name) {
  const auto* value = user.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// What the auth-service says of staff and superusers is about its own service, not about ours.
Verdict as_it_is(const json::object& user) {
  auto identity = std::make_shared<Identity>();
  const auto* id = user.if_contains("id");
  identity->remote_id = id != nullptr && id->is_int64() ? id->get_int64() : 0;
  identity->email = text_of(user, "email");
  identity->first_name = text_of(user, "first_name");
  identity->last_name = text_of(user, "last_name");
  const auto* active = user.if_contains("is_active");
  identity->is_active = active == nullptr || !active->is_bool() || active->get_bool();
  identity->user = user;
  return identity;
}

}  // namespace

struct Authenticator::Impl {
  /// Requests of one token that wait for the next call to start.
  struct Group {
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
    bool started = false;
    std::optional<Verdict> verdict;
    std::condition_variable changed;
  };
  /// What goes on with one token. Gone when nothing does, so there are never more of them than
  /// threads.
  struct Token {
    int calls = 0;  // under way
    std::shared_ptr<Group> next;
  };
  using Tokens = std::map<std::string, Token>;

  Impl(AuthenticatorSettings s, RemoteAuth& r, Admit a)
      : settings(std::move(s)), remote(r), admit(a ? a : Admit(as_it_is)) {
    if (settings.header_types.empty()) {
      throw SettingsError("EASY_JWT.AUTH_HEADER_TYPES", "must not be empty");
    }
    if (settings.verify_mode == VerifyMode::local) trust_locally(std::move(a));
  }

  void trust_locally(Admit again) {
    const auto& s = settings.local;
    const auto algorithm = jose::parse_algorithm(s.token.algorithm);
    if (!s.jwk_url.empty() && algorithm && !jose::is_hmac(*algorithm)) {
      fetcher.emplace(fetch::FetcherSettings{.connect_timeout = std::chrono::seconds{2},
                                             .total_timeout = std::chrono::seconds{5},
                                             .max_body = jose::max_key_set_size,
                                             .max_handles = 1,
                                             .ca_file = s.ca_file});
      jwks.emplace(JwksSettings{.url = s.jwk_url, .algorithm = *algorithm}, *fetcher,
                   settings.clock, settings.log);
    }
    const bool has_feed = !s.feed_url.empty();
    LocalTrust::Staleness staleness;
    if (has_feed) staleness = [this] { return follower->staleness(); };
    local.emplace(s, jwks ? &*jwks : nullptr, revocations, std::move(staleness), std::move(again),
                  settings.clock);
    if (has_feed) follower.emplace(s, *local, revocations, settings.clock, settings.log);
  }

  ~Impl() {
    if (jwks) jwks->stop();  // which the follower may be waiting for
  }

  Verdict authenticate(std::string_view header) {
    if (header.empty()) return nullptr;
    // Before the scheme is looked at, as there: "Basic" alone is refused, not left to others.
    const auto space = header.find(' ');
    if (space == header.npos) {
      return refuse_token({"Invalid basic header. No credentials provided.", {}});
    }
    if (header.find(' ', space + 1) != header.npos) {
      return refuse_token(
          {"Invalid basic header. Credentials string should not contain spaces.", {}});
    }
    const auto& types = settings.header_types;
    if (std::find(types.begin(), types.end(), header.substr(0, space)) == types.end()) {
      return nullptr;
    }
    const auto token = strip(header.substr(space + 1));
    // What the auth-service's verify says of an empty token has no "detail".
    if (token.empty()) return refuse_token({"Incorrect authentication credentials.", {}});
    const auto ask_first = [&] { return ask_remote(token); };
    return local ? local->authenticate(token, ask_first) : ask_first();
  }

  Verdict ask_remote(std::string_view token) {
    if (!RemoteAuth::can_be_token(token)) {
      return refuse_token({"Token is invalid or expired", {}},
                          "what cannot be a token was not sent");
    }
    if (!may_wait()) return fail(Errc::would_wait);
    return share(token);
  }

  Verdict ask(std::string_view token) {
    const auto user = remote.user(token);
    if (user) return admit(*user);
    if (user.error().code != Errc::auth_service_refused) return fail(user.error());
    const auto verified = remote.verify(token);
    if (verified) return refuse_token({}, user.error().reason);
    if (verified.error().code != Errc::auth_service_refused) return fail(verified.error());
    return refuse_as_verify(verified.error());
  }

  Verdict share(std::string_view token) {
    // Of the whole token: by a part of it somebody could have another's identity. And a digest,
    // which is no further copy of a secret.
    auto key = sha256(token);
    std::unique_lock lock(mutex);
    const auto place = tokens.try_emplace(std::move(key)).first;
    if (place->second.calls == 0 && !place->second.next) return call(lock, place, token, nullptr);

    const auto waiting = remote.begin_waiting();
    if (!waiting) return fail(waiting.error());
    auto& next = place->second.next;
    if (!next) next = std::make_shared<Group>();
    const auto group = next;
    // Until it has started, a group keeps its place alive.
    group->changed.wait_until(lock, group->since + patience, [&] {
      return group->verdict || (!group->started && place->second.calls == 0);
    });
    if (group->started) group->changed.wait(lock, [&] { return group->verdict.has_value(); });
    remote.end_waiting(*waiting);
    if (group->verdict) return *group->verdict;

    group->started = true;
    place->second.next.reset();
    return call(lock, place, token, group);
  }

  /// Makes the call of a group, or of one request alone, and says what came of it.
  Verdict call(std::unique_lock<std::mutex>& lock, Tokens::iterator place, std::string_view token,
               const std::shared_ptr<Group>& group) {
    ++place->second.calls;
    lock.unlock();
    std::optional<Verdict> verdict;
    std::exception_ptr fault;
    try {
      verdict = ask(token);
    } catch (...) {
      fault = std::current_exception();
      verdict = fail(Errc::internal, {}, "the request that made the call had a fault");
    }
    lock.lock();
    if (group) {
      group->verdict = verdict;
      group->changed.notify_all();
    }
    if (--place->second.calls == 0) {
      if (place->second.next) {
        place->second.next->changed.notify_one();
      } else {
        tokens.erase(place);
      }
    }
    lock.unlock();
    if (fault) std::rethrow_exception(fault);
    return *std::move(verdict);
  }

  const AuthenticatorSettings settings;
  RemoteAuth& remote;
  const Admit admit;

  // VERIFY_MODE "local".
  std::optional<fetch::Fetcher> fetcher;
  std::optional<Jwks> jwks;
  Revocations revocations;
  std::optional<LocalTrust> local;
  std::optional<FeedFollower> follower;

  std::mutex mutex;
  Tokens tokens;
};

Authenticator::Authenticator(AuthenticatorSettings settings, RemoteAuth& remote, Admit admit)
    : impl_(new Impl(std::move(settings), remote, std::move(admit))) {}
Authenticator::~Authenticator() = default;

Result<std::shared_ptr<const Identity>> Authenticator::authenticate(std::string_view header) {
  return impl_->authenticate(header);
}

const std::string& Authenticator::challenge() const noexcept {
  return impl_->settings.header_types.front();
}

}  // namespace easyjwt
