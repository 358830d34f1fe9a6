#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "client/known_users.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/grace.hpp"
#include "easyjwt/core/keyed_digest.hpp"
#include "easyjwt/token/revocations.hpp"

namespace easyjwt {

/// Tokens that have been found good, by a digest of the whole of each: bounded, and read without a
/// lock. Only good tokens get in, so nobody without a key can push others out.
class VerifiedTokens {
 public:
  /// What every hit looks at comes first: 64 bytes.
  struct Entry {
    Digest token;
    std::uint64_t generation = 0;  ///< of the keys by which it was verified
    Time from;                     ///< it stands from then (nbf, iat) ...
    Time until;                    ///< ... to before then (exp)
    /// The Revocations' version at which it was last found not revoked.
    mutable std::atomic<std::uint64_t> checked{0};
    std::shared_ptr<const KnownUser> user;
    Revocations::Marks marks;
  };

  /// Room for at least `most` tokens, by sets of eight.
  explicit VerifiedTokens(std::size_t most);
  ~VerifiedTokens();
  VerifiedTokens(const VerifiedTokens&) = delete;
  VerifiedTokens& operator=(const VerifiedTokens&) = delete;

  /// Lets where a token's entry would be come into the cache while something else is done.
  void prefetch(const Digest& token) const noexcept { __builtin_prefetch(&sets_[token.a & mask_]); }
  /// What `use` makes of a token's entry, which is there for no longer than that call; a default
  /// value where there is none.
  template <class Use>
  auto find(const Digest& token, const Use& use) const {
    const Grace::Reading reading(grace_);
    const auto& set = sets_[token.a & mask_];
    for (std::size_t i = 0; i < ways; ++i) {
      const auto* entry = set[(token.b + i) % ways].load();
      if (entry != nullptr && entry->token == token) return use(*entry);
    }
    return decltype(use(std::declval<const Entry&>())){};
  }

  /// In place of the same token's, else of nothing, else of the one of its set that dies first.
  void put(std::unique_ptr<const Entry> entry);

  std::size_t room() const noexcept { return sets_.size() * ways; }

 private:
  static constexpr std::size_t ways = 8;
  static constexpr std::size_t locks = 64;
  static constexpr std::size_t max_retired = 64;
  /// On one cache line, which is cold where there are many tokens.
  struct alignas(64) Set : std::array<std::atomic<const Entry*>, ways> {};

  void retire(std::unique_ptr<const Entry> entry);

  const std::size_t mask_;
  std::vector<Set> sets_;
  Grace grace_;
  std::array<std::mutex, locks> writing_;

  std::mutex retiring_;
  std::vector<std::unique_ptr<const Entry>> retired_;  // which somebody may still be reading
};

}  // namespace easyjwt
