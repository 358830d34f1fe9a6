// A JWK Set that another server publishes. What is taken out of it must be bound to an algorithm
// that its material is of, cannot sign, and verifies nothing that nobody signed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "easyjwt/jose/key_set.hpp"

using easyjwt::jose::Algorithm;
using easyjwt::jose::KeySet;

namespace {

void judge(std::string_view text, Algorithm assumed, KeySet::Secrets secrets) {
  const auto set = KeySet::parse(text, assumed, secrets);
  if (!set) return;
  for (int i = 0; i <= static_cast<int>(Algorithm::eddsa); ++i) {
    const auto algorithm = static_cast<Algorithm>(i);
    for (const auto* key : set->candidates(algorithm, std::nullopt)) {
      if (key->algorithm() != algorithm) std::abort();
      if (is_hmac(algorithm) && secrets == KeySet::Secrets::skip) std::abort();
      if (!is_hmac(algorithm) && key->can_sign()) std::abort();
      static const std::string signature(64, '\x01');
      if (key->verify("input", signature) || key->verify("input", "")) std::abort();
    }
    if (set->candidates(algorithm, "a").size() > 1) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  judge(input, Algorithm::rs256, KeySet::Secrets::skip);
  judge(input, Algorithm::hs256, KeySet::Secrets::take);
  return 0;
}
