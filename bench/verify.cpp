// Judging a token in-process, as a service with VERIFY_MODE "local" does: one that has been seen
// before, and new ones of four algorithms. Beside it a loop of raw OpenSSL that does the least that
// a verification can be (base64url, the signature, a parse with Boost.JSON), and libjwt, cjose,
// cpp-jwt and rhonabwy as their documentation has it. Prints CPU time per token and the ratios
// within this run (medians of interleaved repetitions).
//
//   bench_verify [threads]    with threads: tokens seen before, by so many threads at a time

extern "C" {
#include <cjose/cjose.h>
}
#include <arpa/inet.h>
#include <jwt.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "easyjwt/client/authenticator.hpp"
#include "easyjwt/client/local_verifier.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/jose/jwk.hpp"
#include "easyjwt/token/codec.hpp"
#include "token_cppjwt.hpp"
#include "token_rhonabwy.hpp"

namespace {

using namespace easyjwt;

double cpu_seconds(clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

[[noreturn]] void wrong(const std::string& who) {
  std::fprintf(stderr, "%s: wrong verdict\n", who.c_str());
  std::exit(1);
}

/// An auth-service that knows one user, for the one call that a new user costs.
class OneUser {
 public:
  OneUser() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    std::thread([this] { serve(); }).detach();  // until the program ends
  }
  std::string url;

 private:
  void serve() const {
    for (;;) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      std::array<char, 16384> request;
      if (::recv(peer, request.data(), request.size(), 0) <= 0) std::abort();
      static constexpr std::string_view answer =
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
          "Content-Length: 28\r\n\r\n{\"id\":1234567,\"email\":\"a@b\"}";
      if (::send(peer, answer.data(), answer.size(), 0) <= 0) std::abort();
      ::close(peer);
    }
  }
  int listener_;
};

EVP_PKEY* read_public(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return key;
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// The floor: keys, digests and contexts are kept.
class Raw {
 public:
  Raw(std::string algorithm, const std::string& secret, const std::string& public_pem)
      : algorithm_(std::move(algorithm)) {
    if (algorithm_ == "HS256") {
      EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
      mac_ = EVP_MAC_CTX_new(mac);
      std::string digest = "SHA256";
      const OSSL_PARAM params[] = {
          OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
          OSSL_PARAM_construct_end()};
      EVP_MAC_init(mac_, bytes(secret), secret.size(), params);
    } else {
      key_ = read_public(public_pem);
      context_ = EVP_MD_CTX_new();
      if (algorithm_ != "EdDSA") digest_ = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    }
  }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  bool verify(std::string_view raw) {
    const auto first = raw.find('.');
    const auto second = raw.rfind('.');
    std::array<char, 512> signature;
    const auto size = decode_base64url(raw.substr(second + 1), signature.data());
    if (!size || !is_signed(raw.substr(0, second), {signature.data(), *size})) return false;
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
  bool is_signed(std::string_view input, std::string_view signature) {
    if (mac_ != nullptr) {
      std::array<unsigned char, 64> mac;
      std::size_t size = 0;
      EVP_MAC_init(mac_, nullptr, 0, nullptr);
      EVP_MAC_update(mac_, bytes(input), input.size());
      EVP_MAC_final(mac_, mac.data(), &size, mac.size());
      return size == signature.size() && CRYPTO_memcmp(mac.data(), signature.data(), size) == 0;
    }
    std::array<unsigned char, 128> der;
    if (algorithm_ == "ES256") {
      ECDSA_SIG* both = ECDSA_SIG_new();
      ECDSA_SIG_set0(both, BN_bin2bn(bytes(signature), 32, nullptr),
                     BN_bin2bn(bytes(signature) + 32, 32, nullptr));
      unsigned char* end = der.data();
      const int size = i2d_ECDSA_SIG(both, &end);
      ECDSA_SIG_free(both);
      signature = {reinterpret_cast<const char*>(der.data()), static_cast<std::size_t>(size)};
    }
    EVP_MD_CTX_reset(context_);
    return EVP_DigestVerifyInit(context_, nullptr, digest_, nullptr, key_) == 1 &&
           EVP_DigestVerify(context_, bytes(signature), signature.size(), bytes(input),
                            input.size()) == 1;
  }

  const std::string algorithm_;
  EVP_MAC_CTX* mac_ = nullptr;
  EVP_PKEY* key_ = nullptr;
  EVP_MD* digest_ = nullptr;
  EVP_MD_CTX* context_ = nullptr;
};

using Verify = std::function<bool(const std::string&)>;

/// Empty: it does not have the algorithm.
Verify libjwt(const std::string& algorithm, const std::string& key) {
  if (algorithm == "EdDSA") return {};  // 1.10 does not
  return [key](const std::string& token) {
    jwt_t* jwt = nullptr;
    const bool good =
        jwt_decode(&jwt, token.c_str(), bytes(key), static_cast<int>(key.size())) == 0;
    jwt_free(jwt);
    return good;
  };
}

Verify cjose(const std::string& algorithm, const std::string& secret, const jose::Key& key) {
  if (algorithm == "EdDSA") return {};
  cjose_err error;
  cjose_jwk_t* jwk = nullptr;
  if (algorithm == "HS256") {
    jwk = cjose_jwk_create_oct_spec(bytes(secret), secret.size(), &error);
  } else {
    const auto text = jose::public_jwk(key);
    jwk = cjose_jwk_import(text.data(), text.size(), &error);
  }
  return [jwk](const std::string& token) {
    cjose_err problem;
    cjose_jws_t* jws = cjose_jws_import(token.data(), token.size(), &problem);
    if (jws == nullptr) return false;
    std::uint8_t* payload = nullptr;
    std::size_t size = 0;
    const bool good = cjose_jws_verify(jws, jwk, &problem) &&
                      cjose_jws_get_plaintext(jws, &payload, &size, &problem) &&
                      parse_json({reinterpret_cast<char*>(payload), size}).has_value();
    cjose_jws_release(jws);
    return good;
  };
}

Verify cpp_jwt(const std::string& algorithm, const std::string& key) {
  if (algorithm == "EdDSA") return {};
  return
      [algorithm, key](const std::string& token) { return cppjwt_verify(token, key, algorithm); };
}

struct Signer {
  explicit Signer(const std::string& name) : algorithm(name) {
    secret = jose::generate_key(*jose::parse_algorithm(name));
    TokenSettings settings;
    settings.algorithm = name;
    settings.signing_key = secret;
    codec.emplace(settings);
    if (name != "HS256") public_pem = codec->key().public_pem();
  }
  std::string token(int number, Time now) const {
    auto jti = std::to_string(number);
    jti.insert(0, 32 - jti.size(), '0');
    return codec->encode(codec->new_claims(TokenType::access, 1234567, "", jti, now));
  }
  std::string key() const { return public_pem.empty() ? std::string(secret.view()) : public_pem; }

  std::string algorithm;
  Secret secret;
  std::string public_pem;
  std::optional<TokenCodec> codec;
};

AuthenticatorSettings local(const Signer& signer) {
  AuthenticatorSettings s;
  s.verify_mode = VerifyMode::local;
  s.local.token.algorithm = signer.algorithm;
  s.local.token.signing_key = signer.public_pem.empty() ? signer.secret : Secret();
  s.local.token.verifying_key = signer.public_pem;
  s.local.user_lifetime = std::chrono::hours{1};
  return s;
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

struct Contender {
  std::string name;
  std::function<void()> run;
  std::function<void()> prepare = [] {};  ///< which is not measured
};

/// CPU time per call in ns, each contender in turn.
std::vector<double> compare(const std::vector<Contender>& contenders, int calls) {
  std::vector<std::vector<double>> times(contenders.size());
  for (int repetition = 0; repetition < 9; ++repetition) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      contenders[i].prepare();
      const double start = cpu_seconds();
      contenders[i].run();
      times[i].push_back((cpu_seconds() - start) / calls * 1e9);
    }
  }
  std::vector<double> medians;
  for (auto& mine : times) medians.push_back(median(std::move(mine)));
  return medians;
}

void run(const std::string& algorithm, RemoteAuth& remote) {
  const Signer signer(algorithm);
  const auto now = system_clock()();
  const int count = algorithm == "HS256" ? 10'000 : 400;
  std::vector<std::string> tokens, headers;
  for (int i = 0; i < count; ++i) {
    tokens.push_back(signer.token(i, now));
    headers.push_back("Bearer " + tokens.back());
  }
  const auto known_user = "Bearer " + signer.token(count, now);

  std::optional<Authenticator> authenticator;
  Raw raw(algorithm, std::string(signer.secret.view()), signer.public_pem);
  std::vector<Contender> contenders;
  const auto add = [&](const std::string& name, const Verify& verify) {
    if (!verify) return;
    contenders.push_back({name, [&tokens, verify, name] {
                            for (const auto& token : tokens) {
                              if (!verify(token)) wrong(name);
                            }
                          }});
  };
  const auto authenticate_all = [&] {
    for (const auto& header : headers) {
      if (!authenticator->authenticate(header)) wrong("easyjwt");
    }
  };
  add("raw OpenSSL + parse", [&](const std::string& token) { return raw.verify(token); });
  Revocations revocations;
  const LocalVerifier verifier(local(signer).local, nullptr, revocations);
  add("easyjwt, LocalVerifier",
      [&](const std::string& token) { return verifier.verify(token, now).has_value(); });
  contenders.push_back({"easyjwt, new", authenticate_all, [&] {
                          authenticator.emplace(local(signer), remote);
                          if (!authenticator->authenticate(known_user)) wrong("easyjwt");
                        }});
  contenders.push_back({"easyjwt, seen before", authenticate_all});
  add("libjwt", libjwt(algorithm, signer.key()));
  add("cjose", cjose(algorithm, std::string(signer.secret.view()), signer.codec->key()));
  add("rhonabwy", rhonabwy(algorithm, std::string(signer.secret.view()), signer.public_pem));
  add("cpp-jwt", cpp_jwt(algorithm, signer.key()));

  const auto medians = compare(contenders, count);
  std::printf("%s, a token of %zu bytes\n", algorithm.c_str(), tokens.front().size());
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    std::printf("  %-24s %9.0f ns %8.3f x raw\n", contenders[i].name.c_str(), medians[i],
                medians[i] / medians[0]);
  }
}

/// One token, and 64 in turn, on one thread and on several.
void run_threads(int threads, RemoteAuth& remote) {
  const Signer signer("HS256");
  const auto now = system_clock()();
  Authenticator authenticator(local(signer), remote);
  constexpr int calls = 1'000'000;
  for (const int different : {1, 64}) {
    std::vector<std::string> headers;
    for (int i = 0; i < different; ++i) headers.push_back("Bearer " + signer.token(i, now));
    for (const auto& header : headers) {
      if (!authenticator.authenticate(header)) wrong("easyjwt");
    }
    for (const int at_once : {1, threads}) {
      std::vector<double> times;
      for (int repetition = 0; repetition < 5; ++repetition) {
        const double start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
        std::vector<std::thread> all;
        for (int i = 0; i < at_once; ++i) {
          all.emplace_back([&] {
            for (int n = 0; n < calls; ++n) {
              const auto& header = headers[static_cast<std::size_t>(n % different)];
              if (!authenticator.authenticate(header)) wrong("easyjwt");
            }
          });
        }
        for (auto& thread : all) thread.join();
        times.push_back((cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - start) / calls / at_once * 1e9);
      }
      std::printf("  %2d tokens seen before, %d threads: %6.1f ns of CPU each\n", different,
                  at_once, median(std::move(times)));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  ::setenv("no_proxy", "*", 1);
  const OneUser auth_service;
  RemoteAuthSettings settings;
  settings.service_url = auth_service.url;
  RemoteAuth remote(settings, no_log());
  if (argc > 1) {
    run_threads(std::atoi(argv[1]), remote);
    return 0;
  }
  for (const char* algorithm : {"HS256", "RS256", "ES256", "EdDSA"}) run(algorithm, remote);
}
