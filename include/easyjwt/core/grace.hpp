#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace easyjwt {

/// Lets threads read what is exchanged beneath them without a lock: a reader counts itself in and
/// out, on a cache line that it shares with few others; a writer that has exchanged a pointer waits
/// until nobody can have the old one any more, and frees it. (Read-copy-update by two counters, as
/// the Linux kernel's SRCU.)
///
/// What readers come by must be an atomic with sequentially consistent loads and stores.
class Grace {
 public:
  class Reading {
   public:
    explicit Reading(const Grace& grace) noexcept
        : inside_(grace.stripes_[stripe()].inside[grace.phase_.load()]) {
      inside_.fetch_add(1);
    }
    ~Reading() { inside_.fetch_sub(1, std::memory_order_release); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    std::atomic<std::uint32_t>& inside_;
  };

  /// Returns when all who were reading have gone. One caller at a time, who is not reading.
  void wait() noexcept;

 private:
  static constexpr std::size_t stripes = 32;
  static std::size_t stripe() noexcept;  ///< the calling thread's

  /// A cache line long, so that no two share one wherever the first begins: nobody need align it.
  struct Stripe {
    std::array<std::atomic<std::uint32_t>, 2> inside{};
    std::array<char, 56> rest{};
  };
  mutable std::array<Stripe, stripes> stripes_;
  std::atomic<unsigned> phase_{0};
};

}  // namespace easyjwt
