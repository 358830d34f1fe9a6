#include "easyjwt/user/hasher.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"
#include "user/hash_gate.hpp"
#include "user/password_encoding.hpp"
#include "user/password_hash.hpp"

namespace easyjwt {
namespace {

constexpr std::size_t queue_per_permit = 64;

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> algorithms{{
    {"argon2", "Argon2PasswordHasher"},
    {"pbkdf2_sha256", "PBKDF2PasswordHasher"},
    {"pbkdf2_sha1", "PBKDF2SHA1PasswordHasher"},
    {"bcrypt_sha256", "BCryptSHA256PasswordHasher"},
    {"bcrypt", "BCryptPasswordHasher"},
    {"scrypt", "ScryptPasswordHasher"},
}};

std::string_view algorithm_named(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  for (const auto& [algorithm, class_name] : algorithms) {
    if (last == algorithm || last == class_name) return algorithm;
  }
  throw SettingsError("PASSWORD_HASHERS",
                      '"' + std::string(name) + "\" is none of the password hashers");
}

unsigned permits_of(const HasherSettings& settings) {
  if (settings.permits != 0) return settings.permits;
  return std::max(1u, std::thread::hardware_concurrency());
}

std::size_t queue_of(const HasherSettings& settings) {
  return settings.queue != 0 ? settings.queue : queue_per_permit * permits_of(settings);
}

/// bcrypt's password is a C string: one with a NUL would match what it begins with.
bool ends_early(std::string_view algorithm, std::string_view password) {
  return algorithm == "bcrypt" && password.find('\0') != password.npos;
}

}  // namespace

struct Hasher::Impl {
  explicit Impl(const HasherSettings& settings)
      : upgrade(settings.upgrade),
        gate(permits_of(settings), queue_of(settings)),
        memory(permits_of(settings)) {
    for (const std::string& name : settings.hashers) accepted.push_back(algorithm_named(name));
    if (accepted.empty()) throw SettingsError("PASSWORD_HASHERS", "there must be at least one");
    wanted = default_work(accepted.front());
  }

  /// The parts of an encoding that can match some password.
  std::optional<PasswordEncoding> usable(std::string_view encoded) const {
    auto parsed = parse_password_encoding(encoded);
    if (!parsed || std::find(accepted.begin(), accepted.end(), parsed->algorithm) == accepted.end())
      return std::nullopt;
    return std::move(*parsed);
  }

  PasswordEncoding fresh() const {
    PasswordEncoding out = wanted;
    out.salt = fresh_salt(out.algorithm);
    return out;
  }

  Result<std::string> hash(const PasswordEncoding& encoding, std::string_view password) {
    if (!may_wait()) return fail(Errc::would_wait);
    const auto permit = gate.acquire();
    if (!permit) {
      Error error{Errc::busy, {}, "too many passwords wait to be hashed"};
      error.retry_after = std::chrono::seconds{1};
      return fail(std::move(error));
    }
    const auto start = std::chrono::steady_clock::now();
    auto made = compute_hash(encoding, password, memory[permit->slot()]);
    const std::chrono::nanoseconds time = std::chrono::steady_clock::now() - start;
    hashing.fetch_add(static_cast<std::uint64_t>(time.count()), std::memory_order_relaxed);
    // Memory is kept for whoever waits, not by a service that has nothing to do.
    if (gate.waiting() == 0) memory[permit->slot()].release();
    return made;
  }

  const bool upgrade;
  std::vector<std::string_view> accepted;
  PasswordEncoding wanted;
  HashGate gate;
  std::vector<HashMemory> memory;  // one for each permit
  std::atomic<std::uint64_t> hashing{0};
};

Hasher::Hasher(HasherSettings settings) : impl_(std::make_unique<Impl>(settings)) {}

Hasher::~Hasher() = default;

Result<std::string> Hasher::encode(std::string_view password) {
  PasswordEncoding encoding = impl_->fresh();
  if (ends_early(encoding.algorithm, password)) {
    return fail(Error::non_field({"Null characters are not allowed.", {}}));
  }
  auto hash = impl_->hash(encoding, password);
  if (!hash) return hash;
  encoding.hash = std::move(*hash);
  return format_password_encoding(encoding);
}

Result<Hasher::Verdict> Hasher::verify(std::string_view password, std::string_view encoded) {
  const auto usable = impl_->usable(encoded);
  const auto hash = impl_->hash(usable ? *usable : impl_->fresh(), password);
  if (!hash) return fail(hash.error());
  const bool correct = usable && equal_constant_time(*hash, usable->hash) &&
                       !ends_early(usable->algorithm, password);
  return Verdict{correct, correct && impl_->upgrade && is_outdated(*usable, impl_->wanted)};
}

Result<void> Hasher::verify_nobody(std::string_view password, std::string_view sample) {
  if (const auto verdict = verify(password, sample); !verdict) return fail(verdict.error());
  return {};
}

Hasher::Usage Hasher::usage() const noexcept {
  return {impl_->gate.held(), impl_->hashing.load(std::memory_order_relaxed)};
}

}  // namespace easyjwt
