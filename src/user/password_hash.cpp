#include "user/password_hash.hpp"

#include <argon2.h>
#include <crypt.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/mman.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/random.hpp"
#include "user/password_encoding.hpp"
#include "user/pbkdf2.hpp"

namespace easyjwt {
namespace {

constexpr std::size_t argon2_hash_size = 32;  // RFC 9106 section 4
constexpr std::size_t scrypt_hash_size = 64;
constexpr std::size_t bcrypt_max_password = 72;

/// libargon2's allocator hooks carry no argument of ours.
thread_local HashMemory* current_memory = nullptr;

int take_memory(std::uint8_t** memory, std::size_t size) {
  *memory = current_memory->take(size);
  return *memory == nullptr ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
}

// libargon2 has wiped it before.
void give_memory_back(std::uint8_t*, std::size_t) { current_memory->give_back(); }

std::uint8_t* bytes_of(std::string_view text) {
  // libargon2's inputs are not const; without the flags that ask for it, it writes to none.
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

Result<std::string> argon2(const PasswordEncoding& encoding, std::string_view password,
                           HashMemory& memory) {
  std::string hash(encoding.hash.empty() ? argon2_hash_size : encoding.hash.size(), '\0');
  argon2_context context{};
  context.out = bytes_of(hash);
  context.outlen = static_cast<std::uint32_t>(hash.size());
  context.pwd = bytes_of(password);
  context.pwdlen = static_cast<std::uint32_t>(password.size());
  context.salt = bytes_of(encoding.salt);
  context.saltlen = static_cast<std::uint32_t>(encoding.salt.size());
  context.t_cost = static_cast<std::uint32_t>(encoding.work);
  context.m_cost = static_cast<std::uint32_t>(encoding.memory);
  context.lanes = static_cast<std::uint32_t>(encoding.parallel);
  // One thread whatever the lanes: a permit stands for one core.
  context.threads = 1;
  context.version = encoding.version == 19 ? ARGON2_VERSION_13 : ARGON2_VERSION_10;
  context.allocate_cbk = take_memory;
  context.free_cbk = give_memory_back;
  const argon2_type type = encoding.variant == "argon2id"  ? Argon2_id
                           : encoding.variant == "argon2i" ? Argon2_i
                                                           : Argon2_d;
  current_memory = &memory;
  const int code = argon2_ctx(&context, type);
  current_memory = nullptr;
  if (code == ARGON2_MEMORY_ALLOCATION_ERROR) {
    return fail(Errc::unavailable, {}, "no memory to hash a password with argon2");
  }
  if (code != ARGON2_OK) {
    throw std::runtime_error(std::string("argon2: ") + argon2_error_message(code));
  }
  return hash;
}

/// Holds what a library works in, and wipes it.
template <class T>
struct Wiped {
  T value{};
  ~Wiped() { wipe(&value, sizeof value); }
};

std::string bcrypt(const PasswordEncoding& encoding, std::string_view password) {
  const Secret truncated(std::string(password.substr(0, bcrypt_max_password)));
  const std::string_view rounds = encoding.work < 10 ? "$2b$0" : "$2b$";
  // Python's bcrypt takes "2a" and "2y" for other names of "2b"; libxcrypt's own "2a" differs for
  // some passwords beyond ASCII.
  const std::string setting =
      std::string(rounds) + std::to_string(encoding.work) + '$' + encoding.salt;
  const auto work = std::make_unique<Wiped<crypt_data>>();
  const char* const made = crypt_rn(std::string(truncated.view()).c_str(), setting.c_str(),
                                    &work->value, static_cast<int>(sizeof work->value));
  if (made == nullptr) throw std::runtime_error("crypt_rn does not know " + setting.substr(0, 7));
  return std::string(made).substr(setting.size());
}

std::string bcrypt_sha256(const PasswordEncoding& encoding, std::string_view password) {
  Wiped<std::array<unsigned char, SHA256_DIGEST_LENGTH>> digest;
  if (EVP_Digest(password.data(), password.size(), digest.value.data(), nullptr, EVP_sha256(),
                 nullptr) != 1) {
    throw std::runtime_error("OpenSSL has no SHA-256");
  }
  const Secret text(hex({reinterpret_cast<const char*>(digest.value.data()), digest.value.size()}));
  return bcrypt(encoding, text.view());
}

Result<std::string> scrypt(const PasswordEncoding& encoding, std::string_view password) {
  std::string hash(scrypt_hash_size, '\0');
  const std::uint64_t n = encoding.work;
  const std::uint64_t r = encoding.memory;
  const std::uint64_t p = encoding.parallel;
  const std::uint64_t memory = 128 * r * (n + p + 4) + (1 << 16);
  if (EVP_PBE_scrypt(password.data(), password.size(),
                     reinterpret_cast<const unsigned char*>(encoding.salt.data()),
                     encoding.salt.size(), n, r, p, memory,
                     reinterpret_cast<unsigned char*>(hash.data()), hash.size()) != 1) {
    ERR_clear_error();
    return fail(Errc::unavailable, {}, "no memory to hash a password with scrypt");
  }
  return hash;
}

}  // namespace

HashMemory::~HashMemory() { release(); }

unsigned char* HashMemory::take(std::size_t size) noexcept {
  if (size > size_) {
    release();
    void* const mapped =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    start_ = mapped;
    size_ = size;
    // Both are wishes. What a hashing leaves half done belongs in no core dump.
    madvise(start_, size_, MADV_HUGEPAGE);
    madvise(start_, size_, MADV_DONTDUMP);
  }
  return static_cast<unsigned char*>(start_);
}

void HashMemory::give_back() noexcept {
  if (size_ > max_kept) release();
}

void HashMemory::release() noexcept {
  if (start_ != nullptr) munmap(start_, size_);
  start_ = nullptr;
  size_ = 0;
}

PasswordEncoding default_work(std::string_view algorithm) {
  PasswordEncoding out;
  out.algorithm = algorithm;
  if (algorithm == "argon2") {
    out.variant = "argon2id";
    out.version = 19;
    out.memory = 19456;
    out.work = 2;
    out.parallel = 1;
  } else if (algorithm == "pbkdf2_sha256") {
    out.work = 600'000;
  } else if (algorithm == "pbkdf2_sha1") {
    out.work = 1'300'000;
  } else if (algorithm == "scrypt") {
    out.work = 1 << 14;
    out.memory = 8;
    out.parallel = 5;
  } else {
    out.variant = "2b";
    out.work = 12;
  }
  return out;
}

std::string fresh_salt(std::string_view algorithm) {
  if (!algorithm.starts_with("bcrypt")) return random_string(22, alphanumeric);
  return random_string(21, bcrypt_alphabet) + random_string(1, bcrypt_last_of_salt);
}

Result<std::string> compute_hash(const PasswordEncoding& encoding, std::string_view password,
                                 HashMemory& memory) {
  const std::string_view algorithm = encoding.algorithm;
  if (algorithm == "argon2") return argon2(encoding, password, memory);
  if (algorithm == "pbkdf2_sha256") return pbkdf2_sha256(password, encoding.salt, encoding.work);
  if (algorithm == "pbkdf2_sha1") return pbkdf2_sha1(password, encoding.salt, encoding.work);
  if (algorithm == "bcrypt_sha256") return bcrypt_sha256(encoding, password);
  if (algorithm == "bcrypt") return bcrypt(encoding, password);
  return scrypt(encoding, password);
}

}  // namespace easyjwt
