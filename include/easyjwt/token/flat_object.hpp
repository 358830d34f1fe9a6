#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace easyjwt {

/// A claim of the kinds that we ask for; monostate: of another. An integer beyond 64 bits with a
/// sign is a double.
using Claim = std::variant<std::monostate, std::int64_t, double, std::string_view>;

/// Reads the payloads that nearly all tokens have in a third of the time that a tree of it takes:
/// an object of up to sixteen members, whose values are whole numbers and texts, in ASCII, without
/// white space and without a backslash. Of all else it knows nothing, not even whether it is JSON:
/// that is parse_json()'s word, and what this takes, that takes for the same (fuzz/jws.cpp).
class FlatObject {
 public:
  /// Whether `text` is such an object. Its members are views into it.
  bool read(std::string_view text) noexcept;
  /// Of the last read(), if it was one; of several members of one name the last, as there.
  std::optional<Claim> find(std::string_view name) const noexcept;
  std::size_t size() const noexcept { return size_; }

 private:
  struct Member {
    std::string_view name;
    Claim value;
  };
  std::array<Member, 16> members_;
  std::size_t size_ = 0;
};

}  // namespace easyjwt
