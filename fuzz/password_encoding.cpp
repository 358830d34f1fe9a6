// Password encodings come from databases that others have written.

#include "user/password_encoding.hpp"

#include <cstdint>
#include <cstdlib>

#include "user/password_hash.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parts = easyjwt::parse_password_encoding(text);
  if (!parts) {
    require(parts.error().code == easyjwt::Errc::validation_error);
    return 0;
  }
  // There is one text for what was read: two spellings of one hash would be two answers to "is it
  // still the password that it was?".
  require(easyjwt::format_password_encoding(*parts) == text);
  require(easyjwt::is_password_usable(text));
  require(!parts->hash.empty() && !parts->salt.empty() && parts->work > 0);

  // Work factors are bounded whatever was written.
  const bool is_memory_hard = parts->algorithm == "argon2" || parts->algorithm == "scrypt";
  require(easyjwt::total_work(*parts) <= (is_memory_hard ? 8u << 20 << 3 : 10'000'000u));
  require(easyjwt::memory_size(*parts) <= 8u << 20);
  easyjwt::is_outdated(*parts, easyjwt::default_work(parts->algorithm));

  // What is cheap is computed, too: every encoding that is accepted can be hashed.
  if (easyjwt::total_work(*parts) <= 512 && parts->algorithm.find("bcrypt") == std::string::npos) {
    static easyjwt::HashMemory memory;
    const auto hash = easyjwt::compute_hash(*parts, "password", memory);
    require(hash && hash->size() == parts->hash.size());
  }
  return 0;
}
