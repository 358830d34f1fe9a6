#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "easyjwt/core/clock.hpp"

namespace easyjwt {

/// Random bytes from OpenSSL's generator. Throws std::runtime_error where it has no entropy:
/// nothing that needs them may go on without.
void random_bytes(void* out, std::size_t size);

/// 32 lower-case hex digits of a version 4 UUID, as Python's uuid4().hex.
std::string random_uuid_hex();
/// 32 lower-case hex digits of a version 7 UUID (RFC 9562, section 5.7): the milliseconds of `at`,
/// then 74 random bits. Texts of different milliseconds are in the order of time.
std::string timed_uuid_hex(Time at);
/// The same with bits of the first 16 bytes of `chance` instead of random ones.
std::string timed_uuid_hex(Time at, std::string_view chance);

/// `size` characters of `alphabet`, each equally likely (Django's get_random_string).
std::string random_string(std::size_t size, std::string_view alphabet);
inline constexpr std::string_view alphanumeric =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

}  // namespace easyjwt
