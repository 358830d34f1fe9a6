#include "easyjwt/auth/signing_keys.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/random.hpp"
#include "easyjwt/jose/jwk.hpp"
#include "easyjwt/token/codec.hpp"

namespace easyjwt {
namespace {

tl::unexpected<Error> refuse(std::string reason) {
  return fail(Errc::refused, {}, std::move(reason));
}

/// Where a sealed key stands: it opens in its own row only, as a key of its own algorithm.
std::string place(const SigningKey& key) { return key.algorithm + ' ' + key.kid; }

std::string new_kid(jose::Algorithm algorithm, const Secret& material) {
  if (jose::is_hmac(algorithm)) return random_uuid_hex();
  return jose::thumbprint(jose::Key(algorithm, material.view()));
}

/// The one that no rotation has given an end yet.
const SigningKey* last(const std::vector<SigningKey>& keys) {
  const auto found = std::ranges::find_if(
      keys, [](const SigningKey& key) { return !key.signs_until.has_value(); });
  return found == keys.end() ? nullptr : &*found;
}

}  // namespace

SigningKeys::SigningKeys(TokenSettings settings, const Secret& secret,
                         std::span<const Secret> fallbacks, db::Database& database, Clock clock)
    : settings_(std::move(settings)),
      sealer_(secret, fallbacks, "easyjwt signing keys"),
      database_(database),
      clock_(std::move(clock)) {}

Result<std::vector<SigningKey>> SigningKeys::read(db::Transaction& transaction, Time now) const {
  auto keys = KeyStore(transaction).list();
  if (!keys) return keys;
  const auto settings = std::ranges::find(*keys, "", &SigningKey::kid);
  if (settings != keys->end()) {
    // Of what the settings say now, whatever they said when the row was written.
    settings->algorithm = settings_.algorithm;
    settings->sealed.clear();
  } else {
    keys->insert(keys->begin(), {.kid = {},
                                 .algorithm = settings_.algorithm,
                                 .created_at = now,
                                 .signs_from = Time{},
                                 .signs_until = {},
                                 .verifies_until = {},
                                 .sealed = {}});
  }
  return keys;
}

Result<std::vector<SigningKey>> SigningKeys::list() {
  const auto now = clock_();
  auto keys = database_.read([&](db::Transaction& transaction) { return read(transaction, now); });
  if (keys) {
    std::erase_if(*keys,
                  [&](const SigningKey& key) { return key.state(now) == SigningKey::State::dead; });
  }
  return keys;
}

Result<std::unique_ptr<const KeyRing>> SigningKeys::ring(std::span<const SigningKey> keys) const {
  if (keys.size() == 1 && keys.front().kid.empty()) return nullptr;
  const auto now = clock_();
  std::vector<KeyRing::Member> members;
  std::size_t signing = keys.size();
  for (const auto& key : keys) {
    const auto state = key.state(now);
    if (state == SigningKey::State::dead) continue;
    const auto algorithm = jose::parse_algorithm(key.algorithm);
    if (!algorithm) {
      return refuse("the key " + key.kid + " is of the algorithm \"" + key.algorithm +
                    "\", which is unknown here");
    }
    if (state == SigningKey::State::signing) signing = members.size();
    try {
      if (key.kid.empty()) {
        members.push_back({key.kid, jose::Key(*algorithm, settings_.signing_key.view(),
                                              settings_.verifying_key)});
        continue;
      }
      const auto opened = sealer_.open(key.sealed, place(key));
      if (!opened) {
        return refuse("the key " + key.kid +
                      " cannot be decrypted: SECRET_KEY is another than when it was made, and "
                      "SECRET_KEY_FALLBACKS does not have that one; or the row was changed");
      }
      members.push_back({key.kid, jose::Key(*algorithm, opened->view())});
    } catch (const jose::KeyError& error) {
      return refuse("the key " + (key.kid.empty() ? "of the settings" : key.kid) + ": " +
                    error.what());
    }
  }
  if (signing >= members.size()) return refuse("none of the keys signs now");
  return std::make_unique<const KeyRing>(std::move(members), signing);
}

Result<std::unique_ptr<const KeyRing>> SigningKeys::ring() {
  return list().and_then([this](const auto& keys) { return ring(keys); });
}

Result<std::string> SigningKeys::rotate(jose::Algorithm algorithm, std::chrono::seconds lead,
                                        unsigned rsa_bits) {
  const auto material = jose::generate_key(algorithm, rsa_bits);  // seconds, of RSA
  const auto now = clock_();
  SigningKey fresh{.kid = new_kid(algorithm, material),
                   .algorithm = std::string(jose::to_string(algorithm)),
                   .created_at = now,
                   .signs_from = now + lead,
                   .signs_until = {},
                   .verifies_until = {},
                   .sealed = {}};
  fresh.sealed = sealer_.seal(material.view(), place(fresh));
  const auto done = database_.write([&](db::Transaction& transaction) -> Result<void> {
    const auto keys = read(transaction, now);
    if (!keys) return fail(keys.error());
    const auto* before = last(*keys);
    if (before == nullptr) return refuse("easyjwt_key has no last key: somebody changed it");
    if (now < before->signs_from) {
      return refuse("the key " + before->kid + " is published and signs from " +
                    to_rfc3339(before->signs_from) + " on; the next can be made then");
    }
    KeyStore store(transaction);
    const auto until = fresh.signs_from;
    const auto dies = until + longest_token_life(settings_);
    if (before->kid.empty()) {
      auto settings = *before;
      settings.signs_until = until;
      settings.verifies_until = dies;
      if (auto added = store.add(settings); !added) return added;
    } else {
      const auto ended = store.end(before->kid, until, dies);
      if (!ended) return fail(ended.error());
      if (!*ended) return fail(Errc::conflict, {}, "another has rotated the keys just now");
    }
    if (auto removed = store.remove_dead(now); !removed) return removed;
    return store.add(fresh);
  });
  if (!done) return fail(done.error());
  return fresh.kid;
}

Result<void> SigningKeys::retire(std::string_view name) {
  const auto now = clock_();
  const std::string_view kid = name == "settings" ? "" : name;
  return database_.write([&](db::Transaction& transaction) -> Result<void> {
    const auto keys = read(transaction, now);
    if (!keys) return fail(keys.error());
    const auto key = std::ranges::find(*keys, kid, &SigningKey::kid);
    if (key == keys->end() || key->state(now) == SigningKey::State::dead) {
      return refuse("there is no key \"" + std::string(name) + "\"");
    }
    KeyStore store(transaction);
    switch (key->state(now)) {
      case SigningKey::State::signing:
        return refuse(
            "this key signs now: `easyjwt keys rotate --in 10s` first, and retire it then");
      case SigningKey::State::published:
        if (auto done = store.reopen(key->signs_from); !done) return done;
        return store.remove(kid);
      default: return kid.empty() ? store.stop_verifying(kid, now) : store.remove(kid);
    }
  });
}

}  // namespace easyjwt
