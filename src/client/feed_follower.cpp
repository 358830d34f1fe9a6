#include "client/feed_follower.hpp"

#include <time.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/jose/jws.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds longest_wait = 25s;
constexpr std::chrono::seconds for_the_network = 1s;
/// Events that come one by one are fetched together: a follower asks twenty times a second at most.
constexpr std::chrono::microseconds shortest_rhythm = 50ms;
constexpr std::chrono::microseconds first_retry = 200ms;
constexpr std::chrono::microseconds longest_retry = 2s;
/// Where somebody has to change a setting first.
constexpr std::chrono::microseconds refused_retry = 5s;
constexpr std::chrono::microseconds cleaning = 60s;
/// A page that was made longer ago, or will be made later, by our clock (and LEEWAY): somebody on
/// the way sends an old one again.
constexpr std::chrono::microseconds max_age = 60s;

/// CLOCK_MONOTONIC, which is steady_clock's, stands still while the machine sleeps: after that
/// everything would look fresh.
std::chrono::microseconds now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::duration_cast<std::chrono::microseconds>(
                                                 std::chrono::nanoseconds{time.tv_nsec});
}

/// Of RFC 6749 section 2.3.1, before an id or a secret goes into Basic credentials.
std::string urlencoded(std::string_view text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != plain.npos) {
      out += c;
    } else {
      out += '%' + hex({&c, 1});
    }
  }
  return out;
}

std::string credentials(const LocalSettings& settings) {
  if (settings.feed_client_id.empty()) {
    throw SettingsError("EASY_JWT.FEED_CLIENT_ID", "must not be empty where the feed is followed");
  }
  if (settings.feed_client_secret.empty()) {
    throw SettingsError("EASY_JWT.FEED_CLIENT_SECRET",
                        "must not be empty where the feed is followed");
  }
  auto plain = urlencoded(settings.feed_client_id) + ':';
  auto secret = urlencoded(settings.feed_client_secret.view());
  plain += secret;
  auto out = "Basic " + base64(plain);
  wipe(secret);
  wipe(plain);
  return out;
}

std::string checked_url(const LocalSettings& settings) {
  if (const auto wrong = fetch::refuse_url(settings.feed_url)) {
    throw SettingsError("EASY_JWT.REMOTE_AUTH_SERVICE_URL", *wrong);
  }
  if (settings.max_staleness < 1s) {
    throw SettingsError("EASY_JWT.MAX_STALENESS", "must be at least one second");
  }
  return settings.feed_url;
}

std::string text_of(const Event::User& user) {
  if (const auto* text = std::get_if<std::string>(&user)) return *text;
  return std::to_string(std::get<std::int64_t>(user));
}

}  // namespace

std::chrono::seconds FeedFollower::wait_of(std::chrono::seconds max_staleness) noexcept {
  // Seconds are whole: what is left over is the network's, too.
  return std::clamp((max_staleness - for_the_network) / 2, 0s, longest_wait);
}

FeedFollower::FeedFollower(const LocalSettings& settings, LocalTrust& trust,
                           Revocations& revocations, Clock clock, Log log)
    : url_(checked_url(settings)),
      wait_(wait_of(settings.max_staleness)),
      rhythm_(wait_ > 0s ? shortest_rhythm : Duration(settings.max_staleness) / 2),
      leeway_(static_cast<std::int64_t>(settings.token.leeway * 1e6)),
      trust_(trust),
      revocations_(revocations),
      clock_(std::move(clock)),
      log_(std::move(log)),
      fetcher_({.connect_timeout = 2s,
                .total_timeout = wait_ + 5s,
                .max_body = max_feed_page,
                .max_handles = 1,
                .tls_verify = settings.feed_tls_verify,
                .ca_file = settings.ca_file}),
      headers_{{"Accept", "application/jwt"}, {"Authorization", credentials(settings)}},
      cleaned_(now()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

FeedFollower::~FeedFollower() {
  thread_.request_stop();
  thread_.join();
  wipe(headers_.back().value);
}

std::chrono::microseconds FeedFollower::staleness() const noexcept {
  // Acquired: whoever sees that it is fresh sees what it has brought.
  const auto known = known_.load(std::memory_order_acquire);
  if (known < 0) return Duration::max();
  return now() - Duration{known};
}

void FeedFollower::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Duration time{};
    try {
      time = ask(stop);
      forget_expired();
    } catch (const std::exception& fault) {  // nobody else would catch it on this thread
      time = retry(Standing::unanswered, fault.what());
    }
    pause(stop, time);
  }
}

FeedFollower::Duration FeedFollower::ask(const std::stop_token& stop) {
  const auto sent = now();
  const auto response = fetcher_.fetch({.url = url(), .headers = headers_, .stop = stop});
  if (stop.stop_requested()) return {};
  if (!response) return retry(Standing::unanswered, response.error().reason);
  switch (response->status) {
    case 200: break;
    case 401:
    case 403: return refused(Standing::refused, response->status);
    case 404: return refused(Standing::has_no_feed, response->status);
    case 410:
      // What is known counts until the new snapshot is complete.
      cursor_.clear();
      return retry(Standing::begins_anew, "the auth-service does not know where we were");
    default: return retry(Standing::unanswered, "status " + std::to_string(response->status));
  }
  const auto page = open(response->body);
  if (stop.stop_requested()) return {};
  if (!page) return retry(Standing::unsound, page.error().reason);
  take(*page, sent);
  failures_ = 0;
  if (page->has_more) return {};
  if (is_new(Standing::follows)) {
    log_(LogLevel::info, "the revocation feed is followed",
         {{"revoked", std::to_string(revocations_.size())}});
  }
  return std::max(sent + rhythm_ - now(), Duration{});
}

std::string FeedFollower::url() const {
  if (cursor_.empty()) return url_;
  return url_ + "?after=" + cursor_ + "&wait=" + std::to_string(wait_.count());
}

/// A page that is what was asked for.
Result<FeedPage> FeedFollower::open(std::string_view body) {
  const jose::Kind kind{.typ = jose::events_typ, .max_size = max_feed_page};
  if (const auto good = trust_.verifier().open(body, kind, payload_); !good) {
    return fail(good.error());
  }
  auto page = parse_feed_page(payload_);
  if (!page) return page;
  const auto wrong = [](std::string reason) {
    return fail(Errc::parse_error, {}, std::move(reason));
  };
  const Duration age = clock_() - page->at;
  if (age > max_age + leeway_ || age < -max_age - leeway_) {
    return wrong("a page of another time: an old one, or clocks are apart");
  }
  if (page->is_snapshot != (cursor_.empty() || in_snapshot_)) {
    return wrong(page->is_snapshot ? "a snapshot's page where none was asked for"
                                   : "a page that is none of the snapshot's");
  }
  if (page->has_more && page->cursor == cursor_) return wrong("a page that leads to itself");
  return page;
}

/// Should it break off (for want of memory), the same page comes once more: twice is once.
void FeedFollower::take(const FeedPage& page, Duration sent) {
  if (cursor_.empty()) {
    revocations_.begin_snapshot();
    in_snapshot_ = true;
    snapshot_sent_ = sent;
  }
  for (const auto& event : page.events) {
    revocations_.apply(event);
    if (event.type != Event::Type::family_revoked) trust_.forget(text_of(event.user));
  }
  cursor_ = page.cursor;
  if (page.has_more) return;
  auto known = sent;
  if (std::exchange(in_snapshot_, false)) {
    revocations_.end_snapshot();
    // Who changed before it began nobody says any more.
    trust_.forget_all();
    // What happened while it was being read comes next.
    known = snapshot_sent_;
  }
  known_.store(known.count(), std::memory_order_release);
}

FeedFollower::Duration FeedFollower::retry(Standing standing, std::string_view reason) {
  if (is_new(standing)) {
    switch (standing) {
      case Standing::begins_anew:
        log_(LogLevel::info, "the revocation feed begins anew", {{"reason", reason}});
        break;
      case Standing::unsound:
        log_(LogLevel::error, "the revocation feed's answer is not sound", {{"reason", reason}});
        break;
      default: log_(LogLevel::warning, "the revocation feed is not answered", {{"reason", reason}});
    }
  }
  const auto time = std::min(first_retry * (1U << std::min(failures_, 4U)), longest_retry);
  ++failures_;
  return time;
}

FeedFollower::Duration FeedFollower::refused(Standing standing, int status) {
  if (is_new(standing)) {
    log_(LogLevel::error,
         standing == Standing::refused
             ? "the revocation feed refuses FEED_CLIENT_ID and FEED_CLIENT_SECRET"
             : "the auth-service has no revocation feed",
         {{"status", std::to_string(status)}});
  }
  return refused_retry;
}

void FeedFollower::forget_expired() {
  const auto current = now();
  if (current < cleaned_ + cleaning) return;
  cleaned_ = current;
  revocations_.forget_expired(clock_() - leeway_);
}

void FeedFollower::pause(const std::stop_token& stop, Duration time) {
  if (time <= Duration{}) return;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, time, [] { return false; });
}

bool FeedFollower::is_new(Standing standing) { return std::exchange(told_, standing) != standing; }

}  // namespace easyjwt
