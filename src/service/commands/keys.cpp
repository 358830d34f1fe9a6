// keys generate, list, rotate, retire and export: for operators.
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "easyjwt/auth/signing_keys.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/jose/jwk.hpp"
#include "easyjwt/token/codec.hpp"
#include "service/commands/commands.hpp"
#include "service/file.hpp"
#include "service/project.hpp"
#include "service/remote_keys.hpp"

namespace easyjwt::commands {
namespace {

constexpr std::chrono::seconds max_key_lead = std::chrono::days{30};

/// Calls `work` with the keys of a project.
template <class Work>
Result<int> with_keys(const std::string& config, Work work) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  const auto& settings = loaded->settings;
  if (settings.kind != ServiceKind::auth) {
    return refuse("this is a client-service, which signs nothing");
  }
  if (uses_remote_keys(settings)) {
    return refuse("with EASY_JWT.JWK_URL tokens are signed by the settings' key alone");
  }
  const auto database = open_ready_database(settings.database, no_log());
  if (!database) return fail(database.error());
  try {
    const TokenCodec codec(settings.token);  // says what is wrong with the settings' key
    SigningKeys keys(settings.token, settings.secret_key, settings.secret_key_fallbacks, **database,
                     system_clock());
    return work(keys, codec.key());
  } catch (const SettingsError& error) {
    return refuse(loaded->locate(error).str());
  }
}

std::string to_seconds(const std::optional<Time>& time) {
  if (!time) return "-";
  return to_rfc3339(std::chrono::floor<std::chrono::seconds>(*time));
}

tl::unexpected<Error> unknown_algorithm(const std::string& command, const std::string& name) {
  return fail(Errc::usage, {},
              command + ": \"" + name + "\" is none of HS, RS, ES, PS 256 384 512 and EdDSA");
}

}  // namespace

Result<int> keys_generate(const std::string& algorithm, const std::string& file, unsigned bits) {
  const auto known = jose::parse_algorithm(algorithm);
  if (!known) return unknown_algorithm("keys generate", algorithm);
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
  return with_keys(config, [](SigningKeys& keys, const jose::Key&) -> Result<int> {
    const auto list = keys.list();
    if (!list) return fail(list.error());
    const auto now = system_clock()();
    std::printf("%-43s  %-9s  %-9s  %-20s  %s\n", "key", "algorithm", "state", "signs from",
                "its tokens stand until");
    for (const auto& key : *list) {
      const bool is_settings = key.kid.empty();
      std::printf("%-43s  %-9s  %-9s  %-20s  %s\n", is_settings ? "settings" : key.kid.c_str(),
                  key.algorithm.c_str(), std::string(to_string(key.state(now))).c_str(),
                  is_settings ? "-" : to_seconds(key.signs_from).c_str(),
                  to_seconds(key.verifies_until).c_str());
    }
    return 0;
  });
}

Result<int> keys_rotate(const std::string& config, const KeyRotation& wanted) {
  std::optional<jose::Algorithm> algorithm;
  if (!wanted.algorithm.empty()) {
    algorithm = jose::parse_algorithm(wanted.algorithm);
    if (!algorithm) return unknown_algorithm("keys rotate", wanted.algorithm);
  }
  const auto lead = wanted.in.empty() ? key_lead : parse_duration(wanted.in).value_or(key_lead * 0);
  if (lead < min_key_lead || lead > max_key_lead) {
    return fail(Errc::usage, {},
                "keys rotate: --in \"" + wanted.in + "\" is no time from 10s to 30d");
  }
  return with_keys(config, [&](SigningKeys& keys, const jose::Key&) -> Result<int> {
    const auto list = keys.list();
    if (!list) return fail(list.error());
    if (!algorithm) algorithm = jose::parse_algorithm(list->back().algorithm);
    if (!algorithm) return unknown_algorithm("keys rotate", list->back().algorithm);
    try {
      const auto kid = keys.rotate(*algorithm, lead, wanted.rsa_bits);
      if (!kid) return fail(kid.error());
      std::printf("%s\n", kid->c_str());
      return 0;
    } catch (const jose::KeyError& error) {
      return fail(Errc::usage, {}, std::string("keys rotate: ") + error.what());
    }
  });
}

Result<int> keys_retire(const std::string& config, const std::string& kid) {
  return with_keys(config, [&](SigningKeys& keys, const jose::Key&) -> Result<int> {
    const auto done = keys.retire(kid);
    if (!done) return fail(done.error());
    return 0;
  });
}

Result<int> keys_export(const std::string& config) {
  return with_keys(config, [](SigningKeys& keys, const jose::Key& settings) -> Result<int> {
    const auto ring = keys.ring();
    if (!ring) return fail(ring.error());
    if (*ring != nullptr) {
      std::printf("%s\n", (*ring)->published().c_str());
      return 0;
    }
    if (jose::is_hmac(settings.algorithm())) {
      return refuse("the key is a shared secret, which is published nowhere");
    }
    std::printf("{\"keys\":[%s]}\n",
                jose::public_jwk(settings, jose::thumbprint(settings)).c_str());
    return 0;
  });
}

}  // namespace easyjwt::commands
