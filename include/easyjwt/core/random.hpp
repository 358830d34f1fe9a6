#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace easyjwt {

/// Random bytes from OpenSSL's generator. Throws std::runtime_error where it has no entropy:
/// nothing that needs them may go on without.
void random_bytes(void* out, std::size_t size);

/// 32 lower-case hex digits of a version 4 UUID, as Python's uuid4().hex: a jti.
std::string random_uuid_hex();

/// `size` characters of `alphabet`, each equally likely (Django's get_random_string).
std::string random_string(std::size_t size, std::string_view alphabet);
inline constexpr std::string_view alphanumeric =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

}  // namespace easyjwt
