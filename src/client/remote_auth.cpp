#include "easyjwt/client/remote_auth.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "client/breaker.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"
#include "easyjwt/fetch/fetcher.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_body = std::size_t{512} * 1024;  // half of what our auth-service takes
constexpr std::size_t max_words = std::size_t{8} * 1024;
constexpr std::chrono::seconds max_retry_after{3600};
constexpr auto probe_timeout = 1s;  // so that a recovery is seen within two
constexpr auto line_patience = 2s;  // of those for whom there is no call left

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

/// The URLs of all calls, made once.
struct Urls {
  std::string token, refresh, verify, user, password_change, blacklist;

  explicit Urls(const RemoteAuthSettings& s)
      : token(make(s, s.token_path, "TOKEN_PATH")),
        refresh(make(s, s.refresh_path, "REFRESH_PATH")),
        verify(make(s, s.verify_path, "VERIFY_PATH")),
        user(make(s, s.user_path, "USER_PATH")),
        password_change(make(s, s.password_change_path, "PASSWORD_CHANGE_PATH")),
        blacklist(make(s, s.blacklist_path, "BLACKLIST_PATH")) {}

 private:
  static std::string make(const RemoteAuthSettings& s, const std::string& path, const char* key) {
    // Without its '/' a path would go on with the host's name. "http://auth" + ".evil.example/".
    if (!path.starts_with('/') || !is_visible(path) || path.find('#') != path.npos) {
      throw SettingsError(std::string("EASY_JWT.REMOTE_AUTH_SERVICE_") + key,
                          "is no path that begins with '/'");
    }
    const auto& root = s.service_url;
    auto url = root.substr(0, root.size() - (root.ends_with('/') ? 1 : 0)) + path;
    // Both: "http://" has no host until a path is put behind it.
    auto wrong = fetch::refuse_url(root);
    if (!wrong) wrong = fetch::refuse_url(url);
    if (!wrong && (!is_visible(root) || root.find_first_of("?#") != root.npos)) {
      wrong = "must not hold spaces, a query or a fragment";
    }
    if (wrong) throw SettingsError("EASY_JWT.REMOTE_AUTH_SERVICE_URL", *wrong);
    return url;
  }
};

RemoteAuthSettings checked(RemoteAuthSettings settings) {
  if (settings.request_timeout <= 0ms) {  // for libcurl that is no limit at all
    throw SettingsError("EASY_JWT.REMOTE_AUTH_REQUEST_TIMEOUT", "must be more than zero");
  }
  if (settings.auth_header_type.empty() || !is_visible(settings.auth_header_type)) {
    throw SettingsError("EASY_JWT.AUTH_HEADER_TYPES", "must be words without spaces");
  }
  settings.max_calls = std::max<std::size_t>(settings.max_calls, 1);
  settings.breaker_pause = std::max(settings.breaker_pause, 10ms);
  return settings;
}

/// A request with secrets in it, which are wiped at its end.
struct Outgoing {
  using Members = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  Outgoing(const std::string& url, Members members, std::string_view language) {
    std::size_t size = 2;
    for (const auto& [name, value] : members) size += name.size() + 6 + 6 * value.size();
    body.reserve(size);  // growing would leave copies behind
    for (const auto& [name, value] : members) {
      body += body.empty() ? '{' : ',';
      append_json_string(body, name);
      body += ':';
      append_json_string(body, value);
    }
    body += '}';
    request = {.url = url,
               .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
               .body = body};
    if (!language.empty()) request.headers.push_back({"Accept-Language", std::string(language)});
  }
  Outgoing(const std::string& url, const std::string& type, std::string_view token) {
    std::string value;
    value.reserve(type.size() + 1 + token.size());
    value.append(type).append(" ").append(token);
    request = {.url = url, .headers = {{"Accept", "application/json"}}};
    request.headers.push_back({"Authorization", std::move(value)});
  }
  ~Outgoing() {
    wipe(body);
    wipe(request.headers.back().value);
  }
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  std::string body;
  fetch::FetchRequest request;
};

bool is_json(const fetch::FetchedResponse& response) {
  std::string_view type = response.header("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  constexpr std::string_view json_type = "application/json";
  return std::equal(type.begin(), type.end(), json_type.begin(), json_type.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

/// What REST framework makes of each value in an exception's detail: str() of it.
json::value as_text(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string: return value;
    case json::kind::null: return "None";
    case json::kind::bool_: return value.get_bool() ? "True" : "False";
    case json::kind::array: {
      json::array out;
      for (const auto& element : value.get_array()) out.push_back(as_text(element));
      return out;
    }
    case json::kind::object: {
      json::object out;
      for (const auto& member : value.get_object()) {
        out.emplace(member.key(), as_text(member.value()));
      }
      return out;
    }
    default: return json::string(python_number(value));
  }
}

/// The words of a refusal, parsed and written again: they come from outside. Empty: there are none.
std::string words(const fetch::FetchedResponse& response) {
  if (!is_json(response) || response.body.size() > max_words) return {};
  const auto value = parse_json(response.body);
  if (!value) return {};
  std::string out;
  if (value->is_object() || value->is_array()) {
    append_json(out, as_text(*value));
  } else if (value->is_null()) {
    out = R"({"detail":"Incorrect authentication credentials."})";
  } else {
    append_json(out, json::object{{"detail", as_text(*value)}});
  }
  return out;
}

std::chrono::seconds retry_after(const fetch::FetchedResponse& response) {
  const auto text = response.header("Retry-After");
  std::int64_t seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec != std::errc() || end != text.data() + text.size()) return 1s;  // a date, or nothing
  return std::clamp(std::chrono::seconds{seconds}, std::chrono::seconds{1}, max_retry_after);
}

/// What a good answer of a call has.
using Shape = bool (*)(const json::object&);

bool is_token(const json::value* value) {
  return value != nullptr && value->is_string() && !value->get_string().empty() &&
         is_visible(value->get_string());
}
bool is_anything(const json::object&) { return true; }
bool has_tokens(const json::object& answer) {
  return is_token(answer.if_contains("access")) &&
         (!answer.contains("refresh") || is_token(answer.if_contains("refresh")));
}
bool has_user(const json::object& answer) {
  const auto* id = answer.if_contains("id");
  const auto* email = answer.if_contains("email");
  return id != nullptr && id->is_int64() && email != nullptr && email->is_string() &&
         !email->get_string().empty();
}

Result<json::object> judge(const fetch::FetchedResponse& response, Shape shape) {
  const auto nonsense = [](std::string reason) {
    return fail(Error::unavailable("the auth-service " + std::move(reason)));
  };
  if (response.status == 429) {
    Error error{Errc::throttled, {}, "the auth-service throttles"};
    error.retry_after = retry_after(response);
    error.body = words(response);
    return fail(std::move(error));
  }
  const bool refused = response.status >= 400 && response.status < 500;
  if (!refused && response.status != 200 && response.status != 201) {
    return nonsense("answered with status " + std::to_string(response.status));
  }
  if (!is_json(response)) {
    return nonsense("answered with status " + std::to_string(response.status) +
                    " and something that is not called JSON");
  }
  if (refused) {
    Error error{Errc::auth_service_refused,
                {},
                "the auth-service refused with status " + std::to_string(response.status)};
    error.body = words(response);
    return fail(std::move(error));
  }
  auto value = parse_json(response.body);
  if (!value || !value->is_object()) return nonsense("answered with no JSON object");
  if (!shape(value->get_object())) return nonsense("answered without what was asked for");
  return std::move(value->get_object());
}

}  // namespace

struct RemoteAuth::Impl {
  Impl(RemoteAuthSettings s, Log l)
      : settings(checked(std::move(s))),
        urls(settings),
        log(std::move(l)),
        fetcher({.connect_timeout = std::min(settings.request_timeout, 3000ms),
                 .total_timeout = settings.request_timeout,
                 .max_handles = settings.max_calls,
                 .tls_verify = settings.ssl_verify,
                 .ca_file = settings.ca_file}),
        breaker({.failures = settings.breaker_failures, .max_calls = settings.max_calls}) {}

  ~Impl() {
    stop.request_stop();
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    if (prober.joinable()) prober.join();
  }

  static Breaker::Time now() { return std::chrono::steady_clock::now(); }

  // ---- calls

  Result<json::object> post(const std::string& url, Outgoing::Members members, Shape shape,
                            std::string_view language) {
    std::size_t size = 0;
    for (const auto& [name, value] : members) size += value.size();
    if (size > max_body) return fail(Errc::payload_too_large);
    return ask(Outgoing(url, members, language), shape);
  }

  Result<json::object> ask(const Outgoing& outgoing, Shape shape) {
    if (!may_wait()) return fail(Errc::would_wait);
    const auto number = enter_call();
    if (!number) return fail(number.error());
    bool is_failure = false;
    auto answer = [&]() -> Result<json::object> {
      try {
        auto response = fetcher.fetch(outgoing.request);
        if (!response) {
          is_failure = response.error().code == Errc::unavailable;
          return fail(Error::unavailable(std::move(response.error().reason)));
        }
        auto judged = judge(*response, shape);
        wipe(response->body);  // tokens, perhaps
        // A 4xx in a proxy's HTML is no answer, but it shows nobody dead: strangers can cause it.
        is_failure =
            !judged && judged.error().code == Errc::unavailable && response->status / 100 != 4;
        return judged;
      } catch (...) {
        end(*number, Breaker::Outcome::unknown, {});
        throw;
      }
    }();
    end(*number, is_failure ? Breaker::Outcome::failed : Breaker::Outcome::answered,
        answer ? std::string() : answer.error().reason);
    return answer;
  }

  // ---- the breaker

  /// Waits in line while all calls are taken: as long as calls come back the auth-service is well,
  /// and a crowd before it is no reason to refuse anybody. Where none comes back the breaker opens,
  /// and the first in line who looks is told so.
  Result<std::uint64_t> enter_call() {
    std::unique_lock lock(mutex);
    const auto latest = now() + line_patience;
    for (;;) {
      const auto ticket = breaker.begin_call(now());
      if (ticket.admission != Breaker::Admission::full || now() >= latest) return allow(ticket);
      const auto place = allow(breaker.begin_waiting(now()));
      if (!place) return place;
      freed.wait_until(lock, std::min(latest, now() + Breaker::Settings().patience));
      breaker.end_waiting(*place);
    }
  }

  /// With the lock.
  Result<std::uint64_t> allow(const Breaker::Ticket& ticket) {
    switch (ticket.admission) {
      case Breaker::Admission::admitted: return ticket.number;
      case Breaker::Admission::full:
        return fail(Error::unavailable("too many calls to the auth-service at a time"));
      case Breaker::Admission::opened:
        log_opened("many calls wait and none comes back");
        freed.notify_all();
        break;
      case Breaker::Admission::open: break;
    }
    watch();
    return fail(Error::unavailable("the auth-service does not answer; it is not asked for now"));
  }

  void end(std::uint64_t number, Breaker::Outcome outcome, const std::string& reason) {
    const std::lock_guard lock(mutex);
    switch (breaker.end_call(number, outcome, now())) {
      case Breaker::Change::none: break;
      case Breaker::Change::opened:
        log_opened(reason);
        watch();
        freed.notify_all();
        break;
      case Breaker::Change::closed: changed.notify_all(); break;
    }
    freed.notify_one();
    if (outcome == Breaker::Outcome::answered && !breaker.is_open() && std::exchange(told, false)) {
      log(LogLevel::info, "the auth-service answers again", {});
    }
  }

  /// With the lock, or the lines would not stand in the order of what happened. Once until a call,
  /// not only an attempt, is answered: an auth-service without its database is found well and fails
  /// again, twice a second.
  void log_opened(const std::string& reason) {
    if (std::exchange(told, true)) return;
    log(LogLevel::warning, "the auth-service does not answer and is not asked for now",
        {{"reason", reason}});
  }

  // ---- the thread that looks for it while the breaker is open

  /// With the lock. Called for every refusal: where there was no thread to be had the next one
  /// tries again, or it would be open for ever.
  void watch() {
    if (probing || stopping || !breaker.is_open()) return;
    if (prober.joinable()) prober.join();  // it has ended; it takes no lock after it said so
    probing = true;
    try {
      prober = std::thread([this] { probe(); });
    } catch (const std::system_error&) {
      probing = false;
    }
  }

  void probe() {
    std::unique_lock lock(mutex);
    while (!stopping && breaker.is_open()) {
      changed.wait_for(lock, settings.breaker_pause,
                       [this] { return stopping || !breaker.is_open(); });
      if (stopping || !breaker.is_open()) break;
      lock.unlock();
      const bool well = is_well();
      lock.lock();
      if (well) static_cast<void>(breaker.recover());
    }
    probing = false;
  }

  bool is_well() try {
    fetch::Fetcher short_of_time({.connect_timeout = probe_timeout,
                                  .total_timeout = probe_timeout,
                                  .max_handles = 1,
                                  .tls_verify = settings.ssl_verify,
                                  .ca_file = settings.ca_file});
    const auto response = short_of_time.fetch(
        {.url = urls.user, .headers = {{"Accept", "application/json"}}, .stop = stop.get_token()});
    return response && response->status < 500;
  } catch (const std::exception&) {
    return false;  // nobody else would catch it on this thread
  }

  const RemoteAuthSettings settings;
  const Urls urls;
  const Log log;
  fetch::Fetcher fetcher;
  std::stop_source stop;

  std::mutex mutex;
  std::condition_variable changed;  ///< the breaker, or `stopping`
  std::condition_variable freed;    ///< a call ended, or the breaker opened
  Breaker breaker;
  bool probing = false;
  bool stopping = false;
  bool told = false;  ///< that it is open
  std::thread prober;
};

RemoteAuth::RemoteAuth(RemoteAuthSettings settings, Log log)
    : impl_(new Impl(std::move(settings), std::move(log))) {}
RemoteAuth::~RemoteAuth() = default;

const RemoteAuthSettings& RemoteAuth::settings() const noexcept { return impl_->settings; }

Result<json::object> RemoteAuth::obtain(std::string_view email, std::string_view password,
                                        std::string_view language) {
  return impl_->post(impl_->urls.token, {{"email", email}, {"password", password}}, has_tokens,
                     language);
}

Result<json::object> RemoteAuth::refresh(std::string_view refresh, std::string_view language) {
  return impl_->post(impl_->urls.refresh, {{"refresh", refresh}}, has_tokens, language);
}

Result<void> RemoteAuth::verify(std::string_view token, std::string_view language) {
  return impl_->post(impl_->urls.verify, {{"token", token}}, is_anything, language).map([](auto&&) {
  });
}

Result<void> RemoteAuth::blacklist(std::string_view refresh) {
  return impl_->post(impl_->urls.blacklist, {{"refresh", refresh}}, is_anything, {})
      .map([](auto&&) {});
}

Result<void> RemoteAuth::change_password(std::string_view email, std::string_view password,
                                         std::string_view new_password, std::string_view language) {
  return impl_
      ->post(impl_->urls.password_change,
             {{"email", email}, {"password", password}, {"new_password", new_password}},
             is_anything, language)
      .map([](auto&&) {});
}

Result<json::object> RemoteAuth::user(std::string_view access) {
  if (!may_wait()) return fail(Errc::would_wait);
  if (!can_be_token(access)) {
    return fail(Errc::auth_service_refused, {}, "what cannot be a token was not sent");
  }
  return impl_->ask(Outgoing(impl_->urls.user, impl_->settings.auth_header_type, access), has_user);
}

bool RemoteAuth::can_be_token(std::string_view text) noexcept {
  return !text.empty() && text.size() <= max_token && is_visible(text);
}

Result<std::uint64_t> RemoteAuth::begin_waiting() {
  const std::lock_guard lock(impl_->mutex);
  return impl_->allow(impl_->breaker.begin_waiting(Impl::now()));
}

void RemoteAuth::end_waiting(std::uint64_t number) noexcept {
  const std::lock_guard lock(impl_->mutex);
  impl_->breaker.end_waiting(number);
}

}  // namespace easyjwt
