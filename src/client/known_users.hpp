#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/token/identity.hpp"

namespace easyjwt {

/// An Identity whose references are counted by each processor on a cache line of its own: with one
/// count all who have requests of one user at a time would wait for each other.
class SharedIdentity {
 public:
  explicit SharedIdentity(std::shared_ptr<const Identity> identity);

  std::shared_ptr<const Identity> share() const noexcept;
  /// By its own count.
  const std::shared_ptr<const Identity>& original() const noexcept { return original_; }
  const Identity* operator->() const noexcept { return original_.get(); }

 private:
  std::shared_ptr<const Identity> original_;
  std::vector<std::shared_ptr<const Identity>> counted_;
};

/// What is known of a user without asking.
struct KnownUser {
  KnownUser(std::shared_ptr<const Identity> i, Time f, Time a)
      : identity(std::move(i)), fetched(f), admitted(a) {}

  SharedIdentity identity;
  Time fetched;   ///< from the auth-service
  Time admitted;  ///< made an Identity of, by what this service itself says of them
  /// Something has changed since.
  mutable std::atomic<bool> is_stale{false};
};

/// The users of verified tokens by their USER_ID_CLAIM: bounded. Whoever holds on to one that is no
/// longer here sees that it is stale. Any thread.
class KnownUsers {
 public:
  explicit KnownUsers(std::size_t most) : most_(most / shards + 1) {}

  /// Null: not known, or stale.
  std::shared_ptr<const KnownUser> find(const std::string& id);

  /// To be asked for before a user is fetched, and to be given with what came of it: what changed
  /// in between is not known by it.
  std::uint64_t changes(const std::string& id);
  /// What was kept; stale already where something has changed since.
  std::shared_ptr<const KnownUser> keep(const std::string& id,
                                        std::shared_ptr<const Identity> identity, Time fetched,
                                        Time admitted, std::uint64_t changes);

  /// The feed says that they have changed.
  void forget(const std::string& id);
  void forget_all();

 private:
  static constexpr std::size_t shards = 64;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<const KnownUser>> users;
    std::uint64_t changes = 0;
  };
  Shard& shard_of(const std::string& id) { return shards_[std::hash<std::string>()(id) % shards]; }

  const std::size_t most_;  // of a shard
  std::array<Shard, shards> shards_;
};

}  // namespace easyjwt
