#include "client/local_trust.hpp"

#include <utility>

#include "easyjwt/client/remote_auth.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

/// What this service itself says of a user (staff, groups, permissions) is read again after so
/// long: it has no feed of that.
constexpr std::chrono::microseconds own_lifetime = 2s;
/// While the auth-service is down, what is known of a user is taken for true for so long at a time.
constexpr std::chrono::microseconds retry = 5s;

}  // namespace

LocalTrust::LocalTrust(LocalSettings settings, Jwks* jwks, const Revocations& revocations,
                       Staleness staleness, Admit admit, Clock clock)
    : settings_(std::move(settings)),
      revocations_(revocations),
      staleness_(std::move(staleness)),
      admit_(std::move(admit)),
      clock_(std::move(clock)),
      verifier_(settings_, jwks, revocations),
      tokens_(settings_.max_tokens),
      users_(settings_.max_users) {}

bool LocalTrust::must_fetch(const KnownUser& user, Time now, bool is_fed) const noexcept {
  if (user.is_stale.load(std::memory_order_relaxed)) return true;
  return !is_fed && (now < user.fetched || now >= user.fetched + settings_.user_lifetime);
}

bool LocalTrust::must_admit(const KnownUser& user, Time now) const noexcept {
  return admit_ && (now < user.admitted || now >= user.admitted + own_lifetime);
}

std::shared_ptr<const Identity> LocalTrust::find(const Digest& token, Time now, bool is_fed) const {
  const auto generation = verifier_.generation();
  // Before they are asked: what is revoked in between is seen by the next one.
  const auto version = revocations_.version();
  return tokens_.find(
      token, [&](const VerifiedTokens::Entry& entry) -> std::shared_ptr<const Identity> {
        if (entry.generation != generation || now >= entry.until || now < entry.from) return {};
        if (entry.checked.load(std::memory_order_relaxed) != version) {
          if (revocations_.is_revoked(entry.marks)) return {};
          entry.checked.store(version, std::memory_order_relaxed);
        }
        const auto& user = *entry.user;
        if (must_fetch(user, now, is_fed) || must_admit(user, now)) return {};
        return user.identity.share();
      });
}

LocalTrust::Verdict LocalTrust::authenticate(std::string_view token, FunctionRef<Verdict()> ask) {
  const auto digest = hash_.of(token);
  tokens_.prefetch(digest);
  const auto now = clock_();
  const bool has_feed = static_cast<bool>(staleness_);
  const bool is_fed = has_feed && staleness_() <= settings_.max_staleness;
  if (has_feed && !is_fed) {
    switch (settings_.staleness_policy) {
      case StalenessPolicy::remote: return ask();
      case StalenessPolicy::refuse:
        return fail(Error::unavailable("it is not known what has been revoked since"));
      case StalenessPolicy::accept: break;
    }
  }
  if (auto identity = find(digest, now, is_fed)) return identity;

  if (token.size() > RemoteAuth::max_token) {  // which the auth-service is never asked about
    return refuse_token({"Token is invalid or expired", {}}, "too long");
  }
  auto verified = verifier_.verify(token, now);
  if (!verified) {
    const bool has_no_keys = verified.error().code == Errc::unavailable;
    if (has_no_keys && settings_.staleness_policy == StalenessPolicy::remote) return ask();
    return fail(std::move(verified).error());
  }
  const auto version = revocations_.version();
  if (revocations_.is_revoked(verified->marks)) {
    return refuse_token({"Token is blacklisted", {}}, "the feed says so");
  }
  auto user = user_of(*verified, now, is_fed, ask);
  if (!user) return fail(std::move(user).error());
  auto identity = (*user)->identity.share();
  auto entry = std::make_unique<VerifiedTokens::Entry>();
  entry->token = digest;
  entry->generation = verified->generation;
  entry->from = verified->from;
  entry->until = verified->until;
  entry->marks = verified->marks;
  entry->checked = version;
  entry->user = *std::move(user);
  tokens_.put(std::move(entry));
  return identity;
}

Result<LocalTrust::User> LocalTrust::user_of(const LocalVerifier::Verified& token, Time now,
                                             bool is_fed, FunctionRef<Verdict()> ask) {
  auto known = users_.find(token.user);
  if (known && !must_fetch(*known, now, is_fed) && !must_admit(*known, now)) return known;
  const auto changes = users_.changes(token.user);
  // Again by what was fetched, for what this service itself says of them.
  const auto admit_again = [&](Time fetched) -> Result<User> {
    if (!must_admit(*known, now)) {
      return users_.keep(token.user, known->identity.original(), fetched, known->admitted, changes);
    }
    auto identity = admit_(known->identity->user);
    if (!identity) return fail(std::move(identity).error());
    return users_.keep(token.user, *std::move(identity), fetched, now, changes);
  };
  if (known && !must_fetch(*known, now, is_fed)) return admit_again(known->fetched);
  auto fetched = ask();
  if (fetched) return users_.keep(token.user, *std::move(fetched), now, now, changes);
  if (fetched.error().code != Errc::unavailable || !known || known->is_stale) {
    return fail(std::move(fetched).error());
  }
  // The token stands, and nobody can say more of its user now.
  return admit_again(now - settings_.user_lifetime +
                     std::min<std::chrono::microseconds>(retry, settings_.user_lifetime));
}

}  // namespace easyjwt
