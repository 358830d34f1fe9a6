#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "easyjwt/user/hasher.hpp"

namespace easyjwt {

/// Memory for argon2, kept from one hashing to the next: mapping 19 MiB anew costs a fifth of the
/// whole (27 ms against 22). More than `max_kept` is given back at once. One thread at a time.
class HashMemory {
 public:
  static constexpr std::size_t max_kept = std::size_t{32} << 20;

  HashMemory() = default;
  ~HashMemory();
  HashMemory(const HashMemory&) = delete;
  HashMemory& operator=(const HashMemory&) = delete;

  /// nullptr where there is no memory. What was taken before is gone.
  unsigned char* take(std::size_t size) noexcept;
  void give_back() noexcept;
  /// Hands all of it back to the system.
  void release() noexcept;

 private:
  void* start_ = nullptr;
  std::size_t size_ = 0;
};

/// The work factors of new encodings of an algorithm (see Hasher), without salt and hash.
PasswordEncoding default_work(std::string_view algorithm);
/// A salt as Django makes it: 128 bits, as text.
std::string fresh_salt(std::string_view algorithm);

/// What `hash` of an encoding with these work factors, salt and size of hash would be for
/// `password`. An empty hash counts as one of the size of new encodings. bcrypt ends at a NUL.
/// Errc::unavailable where memory is short.
Result<std::string> compute_hash(const PasswordEncoding& encoding, std::string_view password,
                                 HashMemory& memory);

}  // namespace easyjwt
