#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/fetch/fetcher.hpp"
#include "easyjwt/jose/key_set.hpp"

namespace easyjwt {

struct JwksSettings {
  std::string url;  ///< EASY_JWT.JWK_URL
  jose::Algorithm algorithm = jose::Algorithm::rs256;

  /// How long a set is fresh where the server does not say; what the server says counts between the
  /// two limits.
  std::chrono::seconds lifetime{300};
  std::chrono::seconds min_lifetime{30};
  std::chrono::seconds max_lifetime{3600};
  /// Unknown kids fetch at most this often, whatever their number.
  std::chrono::seconds unknown_kid_pause{30};
  /// A kid that a fresh set did not have is not asked for again for so long.
  std::chrono::seconds miss_lifetime{300};
  std::chrono::seconds retry{5};         ///< after a failure, while there is no set at all
  std::chrono::seconds stale_retry{30};  ///< after a failure, while an older set serves
  /// Threads that wait for a fetch; further ones get Errc::unavailable, so that strangers with
  /// made-up kids and a slow server cannot take all threads of a lane.
  std::size_t max_waiting = 16;
};

/// Follows the JWK Set behind a URL: fetched at first need, again before it is stale, at once (but
/// rarely) for a kid that it does not have. While the server does not answer, or answers anything
/// but a JWK Set, the last set serves, however old. Any thread; fetches are made by one of its own,
/// which begins at first need and ends with the object.
///
/// Logs when a set changes, when fetching begins to fail and when it succeeds again.
class Jwks {
 public:
  /// `fetcher` must outlive it. Throws SettingsError: a URL that cannot be fetched from.
  Jwks(JwksSettings settings, fetch::Fetcher& fetcher, Clock clock, Log log);
  ~Jwks();
  Jwks(const Jwks&) = delete;
  Jwks& operator=(const Jwks&) = delete;

  /// The set to look for `kid` in (a KeySource); it may turn out not to have it.
  ///
  /// Errc::unavailable, with `retry_after`: there is no set and none is to be had.
  /// Errc::would_wait: a fetch is needed and this thread may not wait for one; none was begun.
  Result<std::shared_ptr<const jose::KeySet>> find(std::optional<std::string_view> kid);

  /// Another one whenever another set serves: what was verified by the keys of an earlier one may
  /// no longer stand.
  std::uint64_t generation() const noexcept;

  /// Ends the fetch that is under way and all waiting for one; none is begun any more. For who must
  /// end threads that use it before it ends itself.
  void stop() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace easyjwt
