#include "easyjwt/client/jwks.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "client/cache_control.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt {
namespace {

/// More misses than can come together in their lifetime: max_waiting per pause.
constexpr std::size_t max_misses = 256;

/// What can be seen of a span that began at `from`, also where the clock was set back since.
bool has_passed(Time from, std::chrono::seconds span, Time now) {
  return now < from || now >= from + span;
}

}  // namespace

struct Jwks::Impl {
  using Keys = std::shared_ptr<const jose::KeySet>;
  struct Fetched {
    Keys keys;
    std::string digest;
    std::chrono::seconds lifetime;
  };
  struct Miss {
    std::string kid;
    Time since;
  };

  Impl(JwksSettings s, fetch::Fetcher& f, Clock c, Log l)
      : settings(std::move(s)), fetcher(f), clock(std::move(c)), log(std::move(l)) {
    if (const auto wrong = fetch::refuse_url(settings.url)) {
      throw SettingsError("EASY_JWT.JWK_URL", *wrong);
    }
  }

  ~Impl() {
    end();
    if (thread.joinable()) thread.join();
  }

  void end() noexcept {
    stop.request_stop();
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
  }

  bool is_due(Time now) const { return has_passed(attempted, pause, now); }

  bool has(std::optional<std::string_view> kid) const {
    return !keys->candidates(settings.algorithm, kid).empty();
  }

  /// Whether fetching for a kid that the set does not have is worth while.
  bool may_ask(std::optional<std::string_view> kid, Time now) const {
    if (asked && !has_passed(*asked, settings.unknown_kid_pause, now)) return false;
    if (!kid) return true;
    if (kid->size() > jose::max_kid_size) return false;  // no key is ever called that
    return std::none_of(misses.begin(), misses.end(), [&](const Miss& miss) {
      return miss.kid == *kid && !has_passed(miss.since, settings.miss_lifetime, now);
    });
  }

  void remember_miss(std::string_view kid, Time now) {
    std::erase_if(misses, [&](const Miss& miss) {
      return miss.kid == kid || has_passed(miss.since, settings.miss_lifetime, now);
    });
    if (misses.size() == max_misses) misses.pop_front();
    misses.push_back({std::string(kid), now});
  }

  void want() {
    if (!thread.joinable()) thread = std::thread([this] { run(); });
    wanted = true;
    changed.notify_all();
  }

  tl::unexpected<Error> no_keys(std::string reason) const {
    Error error{Errc::unavailable, {}, std::move(reason)};
    error.retry_after = settings.retry;
    return fail(std::move(error));
  }

  Result<Keys> find(std::optional<std::string_view> kid) {
    std::unique_lock lock(mutex);
    // A second time where the first fetch was perhaps sent before the key was published.
    for (int i = 0; i < 2; ++i) {
      const auto now = clock();
      if (keys) {
        // In the background: this thread goes on with what there is.
        if (!wanted && !fetching && is_due(now)) want();
        if (has(kid) || !(fetching_for_unknown || may_ask(kid, now))) return keys;
      } else if (failed && !wanted && !fetching && !is_due(now)) {
        return no_keys("the keys of JWK_URL could not be fetched");
      }
      if (!may_wait()) return fail(Errc::would_wait);
      if (stopping) break;
      if (waiting == settings.max_waiting) {
        return no_keys("too many threads wait for the keys of JWK_URL");
      }
      const bool joined = fetching;
      if (!joined) {
        want();
        if (keys) asked = now, fetching_for_unknown = true;
      }
      if (!wait_for_fetch(lock)) break;
      if (failed || !keys || has(kid)) break;
      if (!joined) {
        if (kid) remember_miss(*kid, now);
        break;
      }
    }
    if (!keys) return no_keys("the keys of JWK_URL could not be fetched");
    return keys;
  }

  /// Whether the fetch that is under way, or the next one, has come to an end.
  bool wait_for_fetch(std::unique_lock<std::mutex>& lock) {
    const auto before = completed;
    ++waiting;
    // The fetcher keeps its deadline but where the name server hangs.
    changed.wait_for(lock, fetcher.settings().total_timeout + std::chrono::seconds{1},
                     [&] { return completed != before || stopping; });
    --waiting;
    return completed != before;
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      const auto now = clock();
      if (!wanted && !is_due(now)) {
        const auto rest = attempted + pause - now;
        changed.wait_for(lock, rest, [&] { return wanted || stopping; });
        continue;
      }
      wanted = false;
      fetching = true;
      attempted = now;
      lock.unlock();
      auto fetched = fetch();
      report(fetched);
      lock.lock();
      fetching = false;
      fetching_for_unknown = false;
      failed = !fetched;
      if (fetched) {
        keys = std::move(fetched->keys);
        if (std::exchange(digest, fetched->digest) != fetched->digest) ++generation;
        // Before it is stale, with time for a second attempt.
        pause = std::max(fetched->lifetime * 4 / 5, std::chrono::seconds{1});
      } else {
        pause = keys ? settings.stale_retry : settings.retry;
        attempted = clock();  // the pause is one for the server, too, however long it took to fail
      }
      ++completed;
      changed.notify_all();
    }
  }

  Result<Fetched> fetch() try {
    const auto response = fetcher.fetch({.url = settings.url,
                                         .headers = {{"Accept", "application/json"}},
                                         .stop = stop.get_token()});
    if (!response) return fail(response.error());
    if (response->status != 200) {
      return fail(Errc::unavailable, {},
                  "the server answered with status " + std::to_string(response->status));
    }
    auto set = jose::KeySet::parse(response->body, settings.algorithm);
    if (!set) return fail(set.error());
    const auto lifetime = fresh_for(response->header("Cache-Control"), response->header("Age"));
    return Fetched{std::make_shared<const jose::KeySet>(*std::move(set)), sha256(response->body),
                   std::clamp(lifetime.value_or(settings.lifetime), settings.min_lifetime,
                              settings.max_lifetime)};
  } catch (const std::exception& fault) {
    return fail(Errc::internal, {}, fault.what());  // nobody else would catch it on this thread
  }

  /// Only of the thread: what it said last.
  void report(const Result<Fetched>& fetched) {
    if (!fetched) {
      if (stop.stop_requested() || reported_failure) return;
      reported_failure = true;
      log(LogLevel::warning, "the keys of JWK_URL cannot be fetched",
          {{"reason", fetched.error().reason},
           {"keys", reported.empty() ? "none" : "those fetched before serve on"}});
      return;
    }
    if (fetched->digest != reported) {
      const auto& set = *fetched->keys;
      const bool usable = !set.candidates(settings.algorithm, std::nullopt).empty();
      log(usable ? LogLevel::info : LogLevel::warning,
          usable ? "the keys of JWK_URL are new" : "JWK_URL has no key of ALGORITHM",
          {{"keys", std::to_string(set.size())}, {"skipped", std::to_string(set.skipped())}});
    } else if (reported_failure) {
      log(LogLevel::info, "the keys of JWK_URL can be fetched again", {});
    }
    reported = fetched->digest;
    reported_failure = false;
  }

  const JwksSettings settings;
  fetch::Fetcher& fetcher;
  const Clock clock;
  const Log log;

  std::stop_source stop;
  std::string reported;  // the digest of the set; empty: none
  bool reported_failure = false;

  std::mutex mutex;
  std::condition_variable changed;
  Keys keys;
  std::string digest;                        // of `keys`
  std::atomic<std::uint64_t> generation{0};  // of `keys`
  Time attempted{};                          // the last fetch was begun
  std::chrono::seconds pause{0};             // from then to the next
  bool failed = false;                       // what came of it
  bool wanted = false;
  bool fetching = false;
  bool fetching_for_unknown = false;  // whoever looks for an unknown kid shares this one
  std::optional<Time> asked;          // the last fetch for an unknown kid
  std::deque<Miss> misses;
  std::size_t waiting = 0;
  std::uint64_t completed = 0;
  bool stopping = false;
  std::thread thread;
};

Jwks::Jwks(JwksSettings settings, fetch::Fetcher& fetcher, Clock clock, Log log)
    : impl_(new Impl(std::move(settings), fetcher, std::move(clock), std::move(log))) {}
Jwks::~Jwks() = default;

Result<std::shared_ptr<const jose::KeySet>> Jwks::find(std::optional<std::string_view> kid) {
  return impl_->find(kid);
}

void Jwks::stop() noexcept { impl_->end(); }

std::uint64_t Jwks::generation() const noexcept { return impl_->generation.load(); }

}  // namespace easyjwt
