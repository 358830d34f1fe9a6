#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "easyjwt/user/hasher.hpp"

namespace easyjwt {

inline constexpr std::string_view bcrypt_alphabet =
    "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The last of a salt's 22 characters has two bits of it; Python's bcrypt knows no other spellings.
inline constexpr std::string_view bcrypt_last_of_salt = ".Oeu";

/// The text of an encoding: what parse_password_encoding() reads back as the same parts.
std::string format_password_encoding(const PasswordEncoding& encoding);

/// KiB * passes of argon2, N * r * p of scrypt, iterations of PBKDF2, the exponent of bcrypt.
std::uint64_t total_work(const PasswordEncoding& encoding) noexcept;
/// Comparable within an algorithm: KiB of argon2, N * r of scrypt, 0 for the others.
std::uint64_t memory_size(const PasswordEncoding& encoding) noexcept;

/// Whether an encoding is of another algorithm than `wanted`, or needs less work or memory.
bool is_outdated(const PasswordEncoding& encoding, const PasswordEncoding& wanted);

}  // namespace easyjwt
