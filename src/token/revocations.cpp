#include "easyjwt/token/revocations.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>
#include <vector>

namespace easyjwt {
namespace {

constexpr std::uint64_t family_domain = 1;
constexpr std::uint64_t user_domain = 2;

/// The lowest bit of a slot's `b`: the running snapshot has it.
constexpr std::uint64_t seen = 1;

std::uint32_t clamp_seconds(std::chrono::sys_seconds time) noexcept {
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();  // in the year 2106
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(time.time_since_epoch().count(), 0, most));
}

constexpr std::uint64_t pack(std::uint32_t before, std::uint32_t until) noexcept {
  return std::uint64_t{before} << 32U | until;
}
constexpr std::uint32_t before_of(std::uint64_t times) noexcept {
  return static_cast<std::uint32_t>(times >> 32U);
}
constexpr std::uint32_t until_of(std::uint64_t times) noexcept {
  return static_cast<std::uint32_t>(times);
}

}  // namespace

/// Open addressing with linear probing, at most three quarters full: nothing is ever taken out of a
/// table that can be seen, a new one takes its place.
struct Revocations::Table {
  explicit Table(std::size_t size) : mask(size - 1), slots(new Slot[size]) {}

  std::size_t bytes() const noexcept { return sizeof(Table) + (mask + 1) * sizeof(Slot); }
  bool is_full() const noexcept { return (used + 1) * 4 > (mask + 1) * 3; }

  /// The slot of a digest, or the empty one where it belongs.
  Slot& place(std::uint64_t a, std::uint64_t b) const noexcept {
    for (auto i = a & mask;; i = (i + 1) & mask) {
      auto& slot = slots[i];
      const auto there = slot.a.load(std::memory_order_acquire);
      if (there == 0) return slot;
      if (there == a && (slot.b.load(std::memory_order_relaxed) | seen) == (b | seen)) return slot;
    }
  }
  void add(std::uint64_t a, std::uint64_t b, std::uint64_t times) noexcept {
    auto& slot = place(a, b);
    slot.b.store(b, std::memory_order_relaxed);
    slot.times.store(times, std::memory_order_relaxed);
    slot.a.store(a, std::memory_order_release);
    ++used;
  }

  const std::size_t mask;
  const std::unique_ptr<Slot[]> slots;
  std::size_t used = 0;  // only of who writes
};

Revocations::Revocations() = default;
Revocations::~Revocations() {
  for (auto& shard : shards_) delete shard.table.load();
}

Digest Revocations::digest(std::string_view text, std::uint64_t domain) const noexcept {
  auto digest = hash_.of(text, domain);
  if (digest.a == 0) digest.a = 1;  // which would be nothing
  return digest;
}

Digest Revocations::user_digest(const UserIdClaim& user) const noexcept {
  if (const auto* text = std::get_if<std::string_view>(&user)) return digest(*text, user_domain);
  std::array<char, 24> digits;
  const auto* end =
      std::to_chars(digits.data(), digits.data() + digits.size(), std::get<std::int64_t>(user)).ptr;
  return digest({digits.data(), static_cast<std::size_t>(end - digits.data())}, user_domain);
}

Revocations::Marks Revocations::marks(std::string_view family, std::string_view id,
                                      const std::optional<UserIdClaim>& user,
                                      std::optional<std::int64_t> issued) const {
  Marks marks;
  if (!family.empty()) marks.family = digest(family, family_domain);
  marks.id = digest(id, family_domain);  // a token without a family is revoked by its own id
  if (user) marks.user = user_digest(*user);
  marks.issued = issued;
  return marks;
}

std::uint64_t Revocations::find(const Digest& digest) const noexcept {
  const auto* table = shards_[digest.b >> 58U].table.load();
  if (table == nullptr) return 0;
  const auto& slot = table->place(digest.a, digest.b);
  return slot.a.load(std::memory_order_acquire) == 0 ? 0
                                                     : slot.times.load(std::memory_order_acquire);
}

bool Revocations::is_revoked(const Marks& marks) const noexcept {
  if (size() == 0) return false;
  const Grace::Reading reading(grace_);
  if (marks.family && find(*marks.family) != 0) return true;
  if (find(marks.id) != 0) return true;
  if (!marks.user) return false;
  const auto times = find(*marks.user);
  if (times == 0) return false;
  return !marks.issued || *marks.issued < std::int64_t{before_of(times)};
}

void Revocations::apply(const Event& event) {
  if (event.type == Event::Type::user_changed) return;
  const std::lock_guard lock(writing_);
  // At least one, for zero is nothing.
  const auto until = std::max(clamp_seconds(std::chrono::ceil<std::chrono::seconds>(event.until)),
                              std::uint32_t{1});
  if (event.type == Event::Type::family_revoked) {
    put(digest(event.family, family_domain), 0, until);
  } else {
    const auto* text = std::get_if<std::string>(&event.user);
    put(user_digest(text != nullptr ? UserIdClaim{std::string_view(*text)}
                                    : UserIdClaim{std::get<std::int64_t>(event.user)}),
        clamp_seconds(std::chrono::ceil<std::chrono::seconds>(event.before)), until);
  }
  version_.fetch_add(1, std::memory_order_release);
}

void Revocations::put(const Digest& digest, std::uint32_t before, std::uint32_t until) {
  auto& shard = shards_[digest.b >> 58U];
  auto* table = shard.table.load();
  if (table == nullptr || table->is_full()) {
    rebuild(shard, table == nullptr ? 1 : table->used + 1, [](const Slot&) { return true; });
    table = shard.table.load();
  }
  const auto mark = in_snapshot_ ? seen : 0;
  auto& slot = table->place(digest.a, digest.b);
  if (slot.a.load() == 0) {
    table->add(digest.a, (digest.b & ~seen) | mark, pack(before, until));
    size_.fetch_add(1, std::memory_order_release);
    return;
  }
  const auto b = slot.b.load();
  const auto times = slot.times.load();
  if ((b & mark) != mark) {  // what was known before the snapshot
    slot.times.store(pack(before, until), std::memory_order_release);
    slot.b.store(b | mark, std::memory_order_relaxed);
    return;
  }
  slot.times.store(pack(std::max(before, before_of(times)), std::max(until, until_of(times))),
                   std::memory_order_release);
}

/// A table with room for `room` entries takes the place of a shard's, with those to keep.
template <class Keep>
void Revocations::rebuild(Shard& shard, std::size_t room, const Keep& keep) {
  auto* old = shard.table.load();
  std::unique_ptr<Table> made;
  if (room != 0) {
    made = std::make_unique<Table>(std::max<std::size_t>(std::bit_ceil(room * 4 / 3 + 1), 8));
    memory_.fetch_add(made->bytes(), std::memory_order_relaxed);
  }
  if (old != nullptr && made) {
    for (std::size_t i = 0; i <= old->mask; ++i) {
      const auto& slot = old->slots[i];
      if (slot.a.load() == 0 || !keep(slot)) continue;
      made->add(slot.a.load(), slot.b.load(), slot.times.load());
    }
  }
  shard.table.store(made.release());
  if (old == nullptr) return;
  grace_.wait();
  memory_.fetch_sub(old->bytes(), std::memory_order_relaxed);
  delete old;
}

template <class Keep>
void Revocations::drop_unless(const Keep& keep) {
  for (auto& shard : shards_) {
    const auto* table = shard.table.load();
    if (table == nullptr) continue;
    std::size_t kept = 0;
    for (std::size_t i = 0; i <= table->mask; ++i) {
      const auto& slot = table->slots[i];
      if (slot.a.load() != 0 && keep(slot)) ++kept;
    }
    const auto dropped = table->used - kept;
    if (dropped == 0) continue;
    rebuild(shard, kept, keep);
    size_.fetch_sub(dropped, std::memory_order_release);
  }
}

void Revocations::begin_snapshot() {
  const std::lock_guard lock(writing_);
  in_snapshot_ = true;
  for (auto& shard : shards_) {
    const auto* table = shard.table.load();
    if (table == nullptr) continue;
    for (std::size_t i = 0; i <= table->mask; ++i) {
      auto& b = table->slots[i].b;
      b.store(b.load() & ~seen, std::memory_order_relaxed);
    }
  }
}

void Revocations::end_snapshot() {
  const std::lock_guard lock(writing_);
  if (!in_snapshot_) return;
  in_snapshot_ = false;
  drop_unless([](const Slot& slot) { return (slot.b.load() & seen) != 0; });
}

void Revocations::replace(std::span<const Event> snapshot) {
  begin_snapshot();
  for (const auto& event : snapshot) apply(event);
  end_snapshot();
}

void Revocations::forget_expired(Time now) {
  const std::lock_guard lock(writing_);
  const auto current = clamp_seconds(std::chrono::floor<std::chrono::seconds>(now));
  drop_unless([&](const Slot& slot) { return until_of(slot.times.load()) >= current; });
}

}  // namespace easyjwt
