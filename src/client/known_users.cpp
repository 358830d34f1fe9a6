#include "client/known_users.hpp"

#include <utility>

namespace easyjwt {

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
  auto user = std::make_shared<KnownUser>();
  user->identity = std::move(identity);
  user->fetched = fetched;
  user->admitted = admitted;
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
