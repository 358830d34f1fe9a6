#include "user/password_encoding.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/random.hpp"

namespace easyjwt {
namespace {

constexpr std::size_t max_size = 512;  // the column has 128 characters, but SQLite does not count

// Work factors beyond these are an attack on us by whoever wrote the database: one login would take
// minutes or all memory. With all of them together one hashing stays below some ten seconds.
constexpr std::uint64_t max_iterations = 10'000'000;
constexpr std::uint64_t max_memory = std::uint64_t{1} << 30;   // bytes at a time
constexpr std::uint64_t max_traffic = std::uint64_t{8} << 30;  // bytes filled in all passes
constexpr std::uint64_t max_passes = 100;
constexpr std::uint64_t max_parallel = 64;
constexpr std::uint64_t min_rounds = 4;
constexpr std::uint64_t max_rounds = 16;
constexpr std::uint64_t max_n = std::uint64_t{1} << 20;
constexpr std::uint64_t max_r = 1024;

constexpr std::size_t bcrypt_salt_size = 22;
constexpr std::size_t bcrypt_hash_size = 31;
constexpr std::size_t scrypt_hash_size = 64;
constexpr std::size_t min_argon2_salt = 8;  // RFC 9106 section 3.1
constexpr std::size_t min_argon2_hash = 16;
constexpr std::size_t max_argon2_hash = 64;

/// Takes the text up to the next '$' off `rest`; nullopt where there is none.
std::optional<std::string_view> take_part(std::string_view& rest) {
  const std::size_t end = rest.find('$');
  if (end == rest.npos) return std::nullopt;
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return part;
}

/// A number as Python's "%d" writes it; 0 for anything else: no work factor is 0.
std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [read, ec] = std::from_chars(text.data(), end, value);
  return ec == std::errc{} && read == end && text.front() != '0' ? value : 0;
}

std::optional<std::string> decode_unpadded(std::string_view text) {
  if (text.ends_with('=')) return std::nullopt;
  std::string padded(text);
  padded.append((4 - text.size() % 4) % 4, '=');
  return decode_base64(padded);
}

std::string encode_unpadded(std::string_view bytes) {
  std::string out = base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  return out;
}

/// iterations$salt$hash
bool parse_pbkdf2(std::string_view rest, PasswordEncoding& out) {
  const auto iterations = take_part(rest);
  const auto salt = take_part(rest);
  if (!iterations || !salt || salt->empty()) return false;
  auto hash = decode_base64(rest);
  if (!hash || hash->size() != (out.algorithm == "pbkdf2_sha1" ? 20 : 32)) return false;
  out.work = to_number(*iterations);
  out.salt = *salt;
  out.hash = std::move(*hash);
  return out.work >= 1 && out.work <= max_iterations;
}

/// The number of "x=number", where x is `name`; 0 for anything else.
std::uint64_t named_number(std::string_view text, std::string_view name) {
  if (!text.starts_with(name)) return 0;
  return to_number(text.substr(name.size()));
}

/// m=..,t=..,p=..
bool parse_argon2_factors(std::string_view text, PasswordEncoding& out) {
  const std::size_t first = text.find(',');
  const std::size_t second = text.rfind(',');
  if (first == text.npos || first == second) return false;
  out.memory = named_number(text.substr(0, first), "m=");
  out.work = named_number(text.substr(first + 1, second - first - 1), "t=");
  out.parallel = named_number(text.substr(second + 1), "p=");
  return out.work >= 1 && out.work <= max_passes && out.parallel >= 1 &&
         out.parallel <= max_parallel && out.memory >= 8 * out.parallel &&
         out.memory <= max_memory / 1024 && total_work(out) <= max_traffic / 1024;
}

/// variant$v=19$m=..,t=..,p=..$salt$hash; encodings from before version 1.3 may lack the second
/// part.
bool parse_argon2(std::string_view rest, PasswordEncoding& out) {
  const auto variant = take_part(rest);
  auto factors = take_part(rest);
  if (factors && factors->starts_with("v=")) {
    out.version = named_number(*factors, "v=");
    if (out.version != 16 && out.version != 19) return false;
    factors = take_part(rest);
  }
  const auto salt_text = take_part(rest);
  if (!variant || !factors || !salt_text || !parse_argon2_factors(*factors, out)) return false;
  if (*variant != "argon2id" && *variant != "argon2i" && *variant != "argon2d") return false;
  auto salt = decode_unpadded(*salt_text);
  auto hash = decode_unpadded(rest);
  if (!salt || !hash || salt->size() < min_argon2_salt || hash->size() < min_argon2_hash ||
      hash->size() > max_argon2_hash) {
    return false;
  }
  out.variant = *variant;
  out.salt = std::move(*salt);
  out.hash = std::move(*hash);
  return true;
}

/// $2b$12$ and 22 characters of salt and 31 of hash
bool parse_bcrypt(std::string_view rest, PasswordEncoding& out) {
  const auto empty = take_part(rest);
  const auto variant = take_part(rest);
  const auto rounds = take_part(rest);
  if (!empty || !empty->empty() || !variant || !rounds || rounds->size() != 2) return false;
  if (*variant != "2a" && *variant != "2b" && *variant != "2y") return false;
  if (rest.size() != bcrypt_salt_size + bcrypt_hash_size ||
      rest.find_first_not_of(bcrypt_alphabet) != rest.npos ||
      bcrypt_last_of_salt.find(rest[bcrypt_salt_size - 1]) == rest.npos) {
    return false;
  }
  out.variant = *variant;
  out.work = to_number(rounds->substr(rounds->front() == '0' ? 1 : 0));
  out.salt = rest.substr(0, bcrypt_salt_size);
  out.hash = rest.substr(bcrypt_salt_size);
  return out.work >= min_rounds && out.work <= max_rounds;
}

/// N$salt$r$p$hash
bool parse_scrypt(std::string_view rest, PasswordEncoding& out) {
  const auto n = take_part(rest);
  const auto salt = take_part(rest);
  const auto r = take_part(rest);
  const auto p = take_part(rest);
  if (!n || !salt || salt->empty() || !r || !p) return false;
  auto hash = decode_base64(rest);
  if (!hash || hash->size() != scrypt_hash_size) return false;
  out.work = to_number(*n);
  out.memory = to_number(*r);
  out.parallel = to_number(*p);
  out.salt = *salt;
  out.hash = std::move(*hash);
  if (out.work < 2 || out.work > max_n || (out.work & (out.work - 1)) != 0) return false;
  if (out.memory < 1 || out.memory > max_r || out.parallel < 1 || out.parallel > max_parallel) {
    return false;
  }
  if (out.memory == 1 && out.work >= 1 << 16)
    return false;  // RFC 7914 section 2: N < 2^(128 r / 8)
  return 128 * memory_size(out) <= max_memory && 128 * total_work(out) <= max_traffic;
}

using Parse = bool (*)(std::string_view, PasswordEncoding&);

constexpr std::array<std::pair<std::string_view, Parse>, 6> parsers{{
    {"argon2", parse_argon2},
    {"pbkdf2_sha256", parse_pbkdf2},
    {"pbkdf2_sha1", parse_pbkdf2},
    {"bcrypt_sha256", parse_bcrypt},
    {"bcrypt", parse_bcrypt},
    {"scrypt", parse_scrypt},
}};

}  // namespace

Result<PasswordEncoding> parse_password_encoding(std::string_view encoded) {
  std::string_view rest = encoded;
  const auto algorithm = take_part(rest);
  const auto row = std::find_if(parsers.begin(), parsers.end(), [&](const auto& candidate) {
    return algorithm && candidate.first == *algorithm;
  });
  PasswordEncoding out;
  if (algorithm) out.algorithm = *algorithm;
  if (encoded.size() > max_size || row == parsers.end() || !row->second(rest, out)) {
    return fail(Errc::validation_error, {}, "not an encoding of a password that we can verify");
  }
  return out;
}

std::string format_password_encoding(const PasswordEncoding& encoding) {
  const auto& e = encoding;
  std::string out = e.algorithm + '$';
  if (e.algorithm == "argon2") {
    out += e.variant + '$';
    if (e.version != 0) out += "v=" + std::to_string(e.version) + '$';
    out += "m=" + std::to_string(e.memory) + ",t=" + std::to_string(e.work) +
           ",p=" + std::to_string(e.parallel) + '$';
    return out + encode_unpadded(e.salt) + '$' + encode_unpadded(e.hash);
  }
  if (e.algorithm.starts_with("bcrypt")) {
    return out + '$' + e.variant + (e.work < 10 ? "$0" : "$") + std::to_string(e.work) + '$' +
           e.salt + e.hash;
  }
  out += std::to_string(e.work) + '$' + e.salt + '$';
  if (e.algorithm == "scrypt") {
    out += std::to_string(e.memory) + '$' + std::to_string(e.parallel) + '$';
  }
  return out + base64(e.hash);
}

std::uint64_t total_work(const PasswordEncoding& encoding) noexcept {
  if (encoding.algorithm == "argon2") return encoding.work * encoding.memory;
  if (encoding.algorithm == "scrypt") return encoding.work * encoding.memory * encoding.parallel;
  return encoding.work;
}

std::uint64_t memory_size(const PasswordEncoding& encoding) noexcept {
  return encoding.algorithm == "scrypt" ? encoding.work * encoding.memory : encoding.memory;
}

bool is_outdated(const PasswordEncoding& encoding, const PasswordEncoding& wanted) {
  if (encoding.algorithm != wanted.algorithm) return true;
  if (encoding.algorithm == "argon2" &&
      (encoding.variant != wanted.variant || encoding.version != wanted.version)) {
    return true;
  }
  return total_work(encoding) < total_work(wanted) || memory_size(encoding) < memory_size(wanted);
}

/// Unlike any unusable_password(): those have no "$".
constexpr std::string_view unverified_prefix = "!v$";

std::string unusable_password() { return '!' + random_string(40, alphanumeric); }

bool is_password_usable(std::string_view encoded) noexcept { return !encoded.starts_with('!'); }

std::string unverified_password(std::string_view encoded) {
  return std::string(unverified_prefix) + std::string(encoded);
}

std::optional<std::string_view> put_away_password(std::string_view password) noexcept {
  if (!password.starts_with(unverified_prefix)) return std::nullopt;
  return password.substr(unverified_prefix.size());
}

}  // namespace easyjwt
