// Decoding and verifying one HS256 token of about 250 bytes: ours, a loop of raw OpenSSL + base64 +
// Boost.JSON that does the least that a verification can be, libjwt and cpp-jwt. Prints CPU time
// per token and, at the end, the ratios within this run (medians of interleaved repetitions).

#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/token/codec.hpp"
#include "token_cppjwt.hpp"

namespace {

using namespace easyjwt;

const std::string secret = "d577273ff885c3f84dadb8578bb40000";

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

[[noreturn]] void wrong(const char* who) {
  std::fprintf(stderr, "%s refused a good token\n", who);
  std::exit(1);
}

/// The floor: one kept EVP_MAC context, one base64url decoding of signature and payload (OpenSSL's
/// own decoder is slower than ours, so ours it is), one constant-time compare, one parse into an
/// arena.
class Raw {
 public:
  Raw() {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    context_ = EVP_MAC_CTX_new(mac);
    std::string digest = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC_init(context_, reinterpret_cast<const unsigned char*>(secret.data()), secret.size(),
                 params);
    EVP_MAC_free(mac);
  }
  ~Raw() { EVP_MAC_CTX_free(context_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  bool verify(std::string_view raw) {
    const auto first = raw.find('.');
    const auto second = raw.rfind('.');
    std::array<unsigned char, 64> mac;
    std::size_t size = 0;
    EVP_MAC_init(context_, nullptr, 0, nullptr);
    EVP_MAC_update(context_, reinterpret_cast<const unsigned char*>(raw.data()), second);
    EVP_MAC_final(context_, mac.data(), &size, mac.size());
    std::array<char, 64> signature;
    if (decode_base64url(raw.substr(second + 1), signature.data()) != size ||
        CRYPTO_memcmp(mac.data(), signature.data(), size) != 0) {
      return false;
    }
    std::array<char, 512> payload;
    const auto n = decode_base64url(raw.substr(first + 1, second - first - 1), payload.data());
    std::array<unsigned char, 4096> buffer;
    boost::json::monotonic_resource arena(buffer.data(), buffer.size());
    boost::json::parser parser;
    parser.reset(&arena);
    parser.write(payload.data(), *n);
    return parser.release().is_object();
  }

 private:
  EVP_MAC_CTX* context_;
};

bool libjwt_verify(const std::string& raw) {
  jwt_t* jwt = nullptr;
  const bool good =
      jwt_decode(&jwt, raw.c_str(), reinterpret_cast<const unsigned char*>(secret.data()),
                 static_cast<int>(secret.size())) == 0;
  jwt_free(jwt);
  return good;
}

}  // namespace

int main() {
  TokenSettings settings;
  settings.signing_key = Secret(secret);
  const TokenCodec codec(settings);
  const auto now = system_clock()();
  const auto raw = codec.encode(
      codec.new_claims(TokenType::refresh, 1234567, "", "0123456789abcdef0123456789abcdef", now));
  std::printf("token of %zu bytes, HS256, CPU time per verification\n", raw.size());

  Raw floor;
  Scratch scratch;
  struct Contender {
    const char* name;
    int rounds;
    std::vector<double> times;
  };
  std::array<Contender, 4> contenders{{{"raw OpenSSL + base64url + Boost.JSON", 100'000, {}},
                                       {"easyjwt TokenCodec::decode + check", 100'000, {}},
                                       {"libjwt jwt_decode", 20'000, {}},
                                       {"cpp-jwt jwt::decode", 20'000, {}}}};
  const auto run = [&](std::size_t which, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      switch (which) {
        case 0:
          if (!floor.verify(raw)) wrong("raw");
          break;
        case 1: {
          const auto claims = codec.decode(raw, now, scratch);
          if (!claims || codec.check(*claims, TokenType::refresh)) wrong("easyjwt");
          break;
        }
        case 2:
          if (!libjwt_verify(raw)) wrong("libjwt");
          break;
        default:
          if (!cppjwt_verify(raw, secret)) wrong("cpp-jwt");
      }
    }
  };
  for (int repetition = 0; repetition < 11; ++repetition) {
    for (std::size_t which = 0; which < contenders.size(); ++which) {
      auto& contender = contenders[which];
      const double start = cpu_seconds();
      run(which, contender.rounds);
      contender.times.push_back((cpu_seconds() - start) / contender.rounds * 1e9);
    }
  }
  std::array<double, 4> medians{};
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    auto& times = contenders[i].times;
    std::sort(times.begin(), times.end());
    medians[i] = times[times.size() / 2];
  }
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    std::printf("%-40s %8.0f ns   %6.2f x raw   %6.2f x easyjwt\n", contenders[i].name, medians[i],
                medians[i] / medians[0], medians[i] / medians[1]);
  }
}
