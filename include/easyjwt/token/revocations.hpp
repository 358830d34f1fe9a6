#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/grace.hpp"
#include "easyjwt/core/keyed_digest.hpp"
#include "easyjwt/token/codec.hpp"
#include "easyjwt/token/event.hpp"

namespace easyjwt {

/// Which tokens are void though they verify: what the revocation feed has said so far. An entry is
/// 24 bytes whatever it is about, so that a million fit in 64 MiB with room to find them.
///
/// Any thread asks, without a lock. Changes may come from any thread, too; they wait for each
/// other. What a call has changed every later question sees.
class Revocations {
 public:
  /// What a token is revoked by, as digests: of one that is asked about often they are made once.
  struct Marks {
    std::optional<Digest> family;        ///< SESSION_CLAIM
    Digest id;                           ///< JTI_CLAIM
    std::optional<Digest> user;          ///< USER_ID_CLAIM; 7 and "7" are one user
    std::optional<std::int64_t> issued;  ///< iat, rounded down; without one it is from before
  };

  Revocations();
  ~Revocations();
  Revocations(const Revocations&) = delete;
  Revocations& operator=(const Revocations&) = delete;

  /// `family` empty: the token has none.
  Marks marks(std::string_view family, std::string_view id, const std::optional<UserIdClaim>& user,
              std::optional<std::int64_t> issued) const;
  bool is_revoked(const Marks& marks) const noexcept;
  /// Changes with whatever may have made a token void: as long as it stays, so do answers.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

  /// Twice the same event is once. user_changed is none of ours and does nothing.
  void apply(const Event& event);

  /// A snapshot takes the place of all that was known: apply() its events between these two. What
  /// it does not have counts until the end. Begun anew where one broke off.
  void begin_snapshot();
  void end_snapshot();
  void replace(std::span<const Event> snapshot);

  /// Gives back the memory of what is about dead tokens only. `now`: less the LEEWAY, in which they
  /// are still accepted.
  void forget_expired(Time now);

  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  std::size_t memory() const noexcept {
    return memory_.load(std::memory_order_relaxed);
  }  ///< bytes

 private:
  /// Never changed but for `until` and `before` once `a` is there; `a` zero: nothing is.
  struct Slot {
    std::atomic<std::uint64_t> a{0};
    std::atomic<std::uint64_t> b{0};
    std::atomic<std::uint64_t> times{0};
  };
  struct Table;
  struct Shard {
    std::atomic<Table*> table{nullptr};
  };
  static constexpr std::size_t shards = 64;

  Digest digest(std::string_view text, std::uint64_t domain) const noexcept;
  Digest user_digest(const UserIdClaim& user) const noexcept;
  /// Zero: not there.
  std::uint64_t find(const Digest& digest) const noexcept;
  void put(const Digest& digest, std::uint32_t before, std::uint32_t until);
  template <class Keep>
  void rebuild(Shard& shard, std::size_t room, const Keep& keep);
  template <class Keep>
  void drop_unless(const Keep& keep);

  const KeyedDigest hash_;
  Grace grace_;
  std::array<Shard, shards> shards_;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::size_t> size_{0};
  std::atomic<std::size_t> memory_{0};

  std::mutex writing_;
  bool in_snapshot_ = false;
};

}  // namespace easyjwt
