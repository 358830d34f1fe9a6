#include "client/verified_tokens.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace easyjwt {

VerifiedTokens::VerifiedTokens(std::size_t most)
    : mask_(std::bit_ceil(std::max<std::size_t>((most + ways - 1) / ways, 1)) - 1),
      sets_(mask_ + 1) {}

VerifiedTokens::~VerifiedTokens() {
  for (auto& set : sets_) {
    for (auto& way : set) delete way.load();
  }
}

void VerifiedTokens::put(std::unique_ptr<const Entry> entry) {
  const auto index = entry->token.a & mask_;
  auto& set = sets_[index];
  std::unique_ptr<const Entry> old;
  {
    const std::lock_guard lock(writing_[index % locks]);
    // Where find() looks first, if it is free.
    auto* place = &set[entry->token.b % ways];
    for (std::size_t i = 0; i < ways; ++i) {
      auto& way = set[(entry->token.b + i) % ways];
      const auto* there = way.load();
      if (there != nullptr && there->token == entry->token) {
        place = &way;
        break;
      }
      const auto* chosen = place->load();
      if (chosen != nullptr && (there == nullptr || there->until < chosen->until)) place = &way;
    }
    old.reset(place->exchange(entry.release()));
  }
  if (old) retire(std::move(old));
}

void VerifiedTokens::retire(std::unique_ptr<const Entry> entry) {
  // Waiting for readers is for many at a time.
  std::vector<std::unique_ptr<const Entry>> free;
  const std::lock_guard lock(retiring_);
  retired_.push_back(std::move(entry));
  if (retired_.size() < max_retired) return;
  free.swap(retired_);
  grace_.wait();
}

}  // namespace easyjwt
