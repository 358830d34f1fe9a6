// keys generate, list and export: for operators.
#include <cstdio>
#include <string>

#include "easyjwt/jose/jwk.hpp"
#include "easyjwt/token/codec.hpp"
#include "service/commands/commands.hpp"
#include "service/file.hpp"
#include "service/project.hpp"

namespace easyjwt::commands {
namespace {

/// Calls `work` with the key that the settings have tokens signed by.
template <class Work>
Result<int> with_key(const std::string& config, Work work) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  if (loaded->settings.kind != ServiceKind::auth) {
    return refuse("this is a client-service, which signs nothing");
  }
  try {
    return work(TokenCodec(loaded->settings.token).key());
  } catch (const SettingsError& error) {
    return refuse(loaded->locate(error).str());
  }
}

}  // namespace

Result<int> keys_generate(const std::string& algorithm, const std::string& file, unsigned bits) {
  const auto known = jose::parse_algorithm(algorithm);
  if (!known) {
    return fail(Errc::usage, {}, "keys generate: \"" + algorithm +
                                     "\" is none of HS, RS, ES, PS 256 384 512 and EdDSA");
  }
  try {
    const auto key = jose::generate_key(*known, bits);
    if (auto made = create_private_file(file, key.view()); !made) return fail(made.error());
    std::printf("%s\n", file.c_str());
    if (!jose::is_hmac(*known)) {
      std::printf("kid %s\n", jose::thumbprint(jose::Key(*known, key.view())).c_str());
    }
    return 0;
  } catch (const jose::KeyError& error) {
    return fail(Errc::usage, {}, std::string("keys generate: ") + error.what());
  }
}

Result<int> keys_list(const std::string& config) {
  return with_key(config, [](const jose::Key& key) {
    const auto algorithm = key.algorithm();
    std::printf("%-9s  %-43s  %s\n", "algorithm", "kid", "published");
    const bool is_secret = jose::is_hmac(algorithm);
    std::printf("%-9s  %-43s  %s\n", std::string(jose::to_string(algorithm)).c_str(),
                is_secret ? "-" : jose::thumbprint(key).c_str(),
                is_secret ? "no: a shared secret" : "/.well-known/jwks.json");
    return 0;
  });
}

Result<int> keys_export(const std::string& config) {
  return with_key(config, [](const jose::Key& key) -> Result<int> {
    if (jose::is_hmac(key.algorithm())) {
      return refuse("the key is a shared secret, which is published nowhere");
    }
    std::printf("{\"keys\":[%s]}\n", jose::public_jwk(key, jose::thumbprint(key)).c_str());
    return 0;
  });
}

}  // namespace easyjwt::commands
