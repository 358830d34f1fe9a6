#include "service/browser_sessions.hpp"

#include <utility>

#include "easyjwt/core/random.hpp"
#include "service/visitor.hpp"

namespace easyjwt {
namespace {

constexpr std::size_t cookie_size = 43;  // 256 bits of 62 letters
constexpr std::size_t key_size = 40;     // of django_session's column: 240 bits in base64url
constexpr std::string_view form = "easyjwt1";
/// How much of an idle age may pass before the row is written to: a write for each request would be
/// the dearest part of most.
constexpr int touches_per_age = 10;

std::string key_of_cookie(std::string_view cookie) {
  return base64url(sha256("session:" + std::string(cookie))).substr(0, key_size);
}

}  // namespace

BrowserSessions::BrowserSessions(const ServiceSettings& settings, db::Database& database,
                                 Clock clock, Logins* logins)
    : settings_(settings),
      database_(database),
      clock_(std::move(clock)),
      mac_(settings, "easyjwt.browser_sessions"),
      logins_(logins) {}

std::chrono::seconds BrowserSessions::age() const {
  return std::chrono::seconds(settings_.session_cookie.age.value_or(1209600));
}

std::optional<std::string> BrowserSessions::key_of(const http::Request& request) const {
  const auto cookie = http::find_cookie(request, settings_.session_cookie.name);
  if (!cookie || cookie->size() != cookie_size) return std::nullopt;
  return key_of_cookie(*cookie);
}

http::CookieSettings BrowserSessions::cookie(const http::Request& request) const {
  auto cookie = settings_.session_cookie;
  // What came in over TLS goes over TLS alone.
  if (request.scheme == "https") cookie.secure = true;
  return cookie;
}

std::string BrowserSessions::seal(const StoredSession& session, std::string_view backend,
                                  std::string_view password) const {
  std::string out(form);
  out.append(":").append(backend).append(":");
  const auto signed_part = out + session.key + ':' + std::to_string(session.user_id) + ':' +
                           std::to_string(session.created_at.time_since_epoch().count()) + ':' +
                           std::string(password);
  return out + mac_.make(signed_part);
}

std::optional<std::string> BrowserSessions::open(const StoredSession& session,
                                                 std::string_view password) const {
  const std::string_view data = session.data;
  const auto first = data.find(':');
  if (first == data.npos || data.substr(0, first) != form) return std::nullopt;
  const auto second = data.find(':', first + 1);
  if (second == data.npos) return std::nullopt;
  const auto signed_part = std::string(data.substr(0, second + 1)) + session.key + ':' +
                           std::to_string(session.user_id) + ':' +
                           std::to_string(session.created_at.time_since_epoch().count()) + ':' +
                           std::string(password);
  if (!mac_.check(signed_part, data.substr(second + 1))) return std::nullopt;
  return std::string(data.substr(first + 1, second - first - 1));
}

Result<std::optional<BrowserSession>> BrowserSessions::find(const http::Request& request) const {
  const auto key = key_of(request);
  if (!key) return std::nullopt;
  const auto now = clock_();
  StoredSession stored;
  auto found =
      database_.read([&](db::Transaction& transaction) -> Result<std::optional<BrowserSession>> {
        auto session = SessionStore(transaction).find(*key, now);
        if (!session) return fail(session.error());
        if (!*session || (*session)->created_at + age() <= now) return std::nullopt;
        auto user = UserStore(transaction).find_by_id((*session)->user_id);
        if (!user) return fail(user.error());
        if (!*user || !(*user)->is_active) return std::nullopt;
        stored = **std::move(session);
        auto backend = open(stored, (*user)->password);
        if (!backend) return std::nullopt;
        return BrowserSession{*key, *std::move(backend), **std::move(user)};
      });
  if (!found || !*found || !settings_.session_idle_age) return found;
  const auto idle = *settings_.session_idle_age;
  if (now - stored.last_seen_at < idle / touches_per_age) return found;
  const auto touched = database_.write([&](db::Transaction& transaction) {
    return SessionStore(transaction)
        .touch(*key, now, std::min(stored.created_at + age(), now + idle));
  });
  if (!touched) return fail(touched.error());
  return found;
}

Result<void> BrowserSessions::start(const User& user, std::string_view backend,
                                    const http::Request& request, http::Response& response,
                                    bool alone) const {
  const auto now = clock_();
  const auto value = random_string(cookie_size, alphanumeric);
  auto whose = visitor(request);
  StoredSession session{.key = key_of_cookie(value),
                        .user_id = user.id,
                        .created_at = now,
                        .last_seen_at = now,
                        .expires_at = now + age(),
                        .address = std::move(whose.address),
                        .user_agent = std::move(whose.user_agent)};
  if (settings_.session_idle_age) {
    session.expires_at = std::min(session.expires_at, now + *settings_.session_idle_age);
  }
  session.data = seal(session, backend, user.password);
  const auto before = key_of(request);
  const bool is_recorded = logins_ != nullptr && !alone;
  const auto how = backend == "RemoteAuthBackend" ? LoginHow::remote : LoginHow::session;
  const auto done = database_.write([&](db::Transaction& transaction) -> Result<void> {
    SessionStore store(transaction);
    if (before) {
      if (auto gone = store.remove(*before); !gone) return gone;
    }
    if (alone) {
      if (auto gone = store.remove_of_user(user.id); !gone) return fail(gone.error());
    } else if (auto noted = UserStore(transaction).set_last_login(user.id, now); !noted) {
      return noted;  // Django's update_last_login()
    }
    if (auto added = store.add(session); !added || !is_recorded) return added;
    return LoginStore(transaction)
        .add({.user_id = user.id,
              .at = now,
              .succeeded = true,
              .how = std::string(to_string(how)),
              .address = session.address,
              .user_agent = session.user_agent});
  });
  if (!done) return done;
  if (is_recorded) logins_->succeeded(user.id, now, how);
  http::set_cookie(response, cookie(request), value);
  return {};
}

Result<void> BrowserSessions::begin(const User& user, std::string_view backend,
                                    const http::Request& request, http::Response& response) const {
  return start(user, backend, request, response, false);
}

Result<void> BrowserSessions::begin_alone(const User& user, std::string_view backend,
                                          const http::Request& request,
                                          http::Response& response) const {
  return start(user, backend, request, response, true);
}

Result<void> BrowserSessions::end_all(std::int64_t user_id) const {
  return database_.write([&](db::Transaction& transaction) -> Result<void> {
    return SessionStore(transaction).remove_of_user(user_id).map(db::uncounted);
  });
}

Result<void> BrowserSessions::end(const http::Request& request, http::Response& response) const {
  if (const auto key = key_of(request)) {
    const auto done = database_.write(
        [&](db::Transaction& transaction) { return SessionStore(transaction).remove(*key); });
    if (!done) return done;
  }
  http::delete_cookie(response, cookie(request));
  return {};
}

}  // namespace easyjwt
