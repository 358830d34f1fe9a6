#include "service/key_follower.hpp"

#include <exception>
#include <utility>

#include "easyjwt/core/pause.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/jose/jwk.hpp"

namespace easyjwt {
namespace {

constexpr std::chrono::seconds period{2};

std::string version_of(const std::vector<SigningKey>& keys, Time now) {
  std::string version;
  for (const auto& key : keys) {
    if (!version.empty()) version += ", ";
    version +=
        (key.kid.empty() ? "settings" : key.kid) + ' ' + std::string(to_string(key.state(now)));
  }
  return version;
}

}  // namespace

KeyFollower::KeyFollower(SigningKeys& keys, std::optional<std::chrono::seconds> interval,
                         Clock clock, Log log)
    : keys_(keys), interval_(interval), clock_(std::move(clock)), log_(std::move(log)) {
  // Without its keys a service would sign by one that nobody takes, and refuse what stands.
  if (const auto done = look(false); !done) {
    throw SettingsError(done.error().code == Errc::refused ? "SECRET_KEY" : "DATABASE.URL",
                        done.error().reason);
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void KeyFollower::run(const std::stop_token& stop) {
  while (pause(stop, period)) {
    std::string failure;
    try {
      if (const auto done = look(true); !done) failure = done.error().reason;
    } catch (const std::exception& fault) {
      failure = fault.what();
    }
    tell(failure);
  }
}

Result<void> KeyFollower::look(bool may_rotate) {
  auto keys = keys_.list();
  if (!keys) return fail(keys.error());
  if (may_rotate) {
    if (auto done = rotate_if_due(*keys); !done) return done;
  }
  auto version = version_of(*keys, clock_());
  if (version == version_) return {};
  auto ring = keys_.ring(*keys);
  if (!ring) return fail(ring.error());
  current_.store(ring->get(), std::memory_order_release);
  rings_.push_back(*std::move(ring));
  if (!version_.empty()) log_(LogLevel::info, "signing keys changed", {{"keys", version}});
  version_ = std::move(version);
  return {};
}

Result<void> KeyFollower::rotate_if_due(const std::vector<SigningKey>& keys) {
  if (!interval_) return {};
  const auto& last = keys.back();
  // The settings' key has signed for who knows how long.
  if (!last.kid.empty() && clock_() + key_lead < last.signs_from + *interval_) return {};
  const auto algorithm = jose::parse_algorithm(last.algorithm);
  if (!algorithm) return fail(Errc::refused, {}, "unknown algorithm " + last.algorithm);
  const auto made = keys_.rotate(*algorithm, key_lead, jose::min_rsa_bits);
  if (made) {
    log_(LogLevel::info, "signing key made", {{"kid", *made}, {"algorithm", last.algorithm}});
  } else if (made.error().code != Errc::conflict) {  // another node has
    return fail(made.error());
  }
  return {};
}

void KeyFollower::tell(const std::string& failure) {
  if (failure == told_) return;
  told_ = failure;
  if (failure.empty()) {
    log_(LogLevel::info, "signing keys are followed again", {});
  } else {
    log_(LogLevel::warning, "signing keys cannot be followed", {{"reason", failure}});
  }
}

}  // namespace easyjwt
