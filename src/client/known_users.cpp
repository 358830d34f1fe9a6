#include "client/known_users.hpp"

#include <sched.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace easyjwt {
namespace {

/// What make_shared() makes of it has the count on a line before it.
struct alignas(64) Holder {
  std::shared_ptr<const Identity> identity;
};

}  // namespace

SharedIdentity::SharedIdentity(std::shared_ptr<const Identity> identity)
    : original_(std::move(identity)) {
  counted_.resize(std::clamp(std::thread::hardware_concurrency(), 1U, 8U));
  for (auto& counted : counted_) {
    counted = {std::make_shared<Holder>(Holder{original_}), original_.get()};
  }
}

std::shared_ptr<const Identity> SharedIdentity::share() const noexcept {
  const int processor = ::sched_getcpu();  // a load; -1 where there is no such thing
  return counted_[static_cast<std::size_t>(std::max(processor, 0)) % counted_.size()];
}

std::shared_ptr<const KnownUser> KnownUsers::find(const std::string& id) {
  auto& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.users.find(id);
  return found == shard.users.end() ? nullptr : found->second;
}

std::uint64_t KnownUsers::changes(const std::string& id) {
  auto& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  return shard.changes;
}

std::shared_ptr<const KnownUser> KnownUsers::keep(const std::string& id,
                                                  std::shared_ptr<const Identity> identity,
                                                  Time fetched, Time admitted,
                                                  std::uint64_t changes) {
  auto user = std::make_shared<KnownUser>(std::move(identity), fetched, admitted);
  auto& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  if (shard.changes != changes) {  // of this user, or of another: then they are fetched once more
    user->is_stale = true;
    return user;
  }
  auto place = shard.users.find(id);
  if (place == shard.users.end()) {
    if (shard.users.size() >= most_) {
      const auto any = shard.users.begin();  // of ids that strangers do not choose
      any->second->is_stale = true;          // nobody would tell those who hold it
      shard.users.erase(any);
    }
    place = shard.users.try_emplace(id).first;
  } else {
    place->second->is_stale = true;
  }
  place->second = user;
  return user;
}

void KnownUsers::forget(const std::string& id) {
  auto& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  ++shard.changes;
  const auto found = shard.users.find(id);
  if (found == shard.users.end()) return;
  found->second->is_stale = true;
  shard.users.erase(found);
}

void KnownUsers::forget_all() {
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    ++shard.changes;
    for (auto& [id, user] : shard.users) user->is_stale = true;
    shard.users.clear();
  }
}

}  // namespace easyjwt
