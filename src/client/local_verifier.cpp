#include "easyjwt/client/local_verifier.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/token/claims.hpp"

namespace easyjwt {
namespace {

jose::Algorithm algorithm_of(const LocalSettings& settings) {
  const auto algorithm = jose::parse_algorithm(settings.token.algorithm);
  if (!algorithm) throw SettingsError("EASY_JWT.ALGORITHM", "is no algorithm");
  return *algorithm;
}

std::optional<jose::Key> key_of(const LocalSettings& settings, jose::Algorithm algorithm,
                                bool has_jwks) {
  const bool is_hmac = jose::is_hmac(algorithm);
  if (is_hmac) {
    if (settings.token.signing_key.empty()) {
      throw SettingsError(
          "EASY_JWT.SIGNING_KEY",
          "must be the auth-service's where VERIFY_MODE is \"local\" and ALGORITHM " +
              settings.token.algorithm);
    }
  } else if (has_jwks) {
    return std::nullopt;
  } else if (settings.token.verifying_key.empty()) {
    throw SettingsError(
        "EASY_JWT.VERIFY_MODE",
        "\"local\" with ALGORITHM " + settings.token.algorithm + " needs JWK_URL or VERIFYING_KEY");
  }
  try {
    return is_hmac ? jose::Key(algorithm, settings.token.signing_key.view())
                   : jose::Key(algorithm, {}, settings.token.verifying_key);
  } catch (const jose::KeyError& error) {
    throw SettingsError(is_hmac ? "EASY_JWT.SIGNING_KEY" : "EASY_JWT.VERIFYING_KEY", error.what());
  }
}

std::string text_of(const UserIdClaim& user) {
  if (const auto* text = std::get_if<std::string_view>(&user)) return std::string(*text);
  return std::to_string(std::get<std::int64_t>(user));
}

std::chrono::microseconds leeway_of(const TokenSettings& settings) {
  return std::chrono::microseconds{static_cast<std::int64_t>(settings.leeway * 1e6)};
}

}  // namespace

tl::unexpected<Error> refuse_token(Text detail, std::string reason) {
  return fail(Errc::auth_service_refused, std::move(detail), std::move(reason));
}

LocalVerifier::LocalVerifier(LocalSettings settings, Jwks* jwks, const Revocations& revocations)
    : settings_(std::move(settings)),
      algorithm_(algorithm_of(settings_)),
      jwks_(jose::is_hmac(algorithm_) ? nullptr : jwks),
      revocations_(revocations),
      key_(key_of(settings_, algorithm_, jwks_ != nullptr)) {}

std::uint64_t LocalVerifier::generation() const noexcept {
  return jwks_ == nullptr ? 0 : jwks_->generation();
}

/// `verify` is given the way to the keys that a "kid" may mean.
template <class Verify>
Result<void> LocalVerifier::check_signature(const Verify& verify) const {
  std::optional<Error> error;
  std::shared_ptr<const jose::KeySet> keys;  // which must outlive the candidates
  const auto find = [&](std::optional<std::string_view> kid) {
    jose::Candidates candidates;
    if (key_) {
      candidates.add(*key_);
      return candidates;
    }
    auto found = jwks_->find(kid);
    if (!found) {
      error = std::move(found).error();
      return candidates;
    }
    keys = *std::move(found);
    return keys->candidates(algorithm_, kid);
  };
  const jose::Refusal refusal = verify(find);
  if (error) return fail(*std::move(error));
  if (refusal == jose::Refusal::none) return {};
  return refuse_token({describe(Errc::token_not_valid).text, {}},
                      std::string(jose::to_string(refusal)));
}

Result<void> LocalVerifier::open(std::string_view raw, const jose::Kind& kind,
                                 std::string& payload) const {
  return check_signature(
      [&](const auto& find) { return jose::verify_compact(raw, kind, algorithm_, find, payload); });
}

Result<LocalVerifier::Verified> LocalVerifier::verify(std::string_view token, Time now) const {
  thread_local Scratch scratch;
  Verified verified;
  // Before the keys are: should they change now, it is verified once more rather than once less.
  verified.generation = generation();
  const auto good = check_signature([&](const auto& find) {
    // One key knows its own header without reading it.
    return key_ ? jose::verify_compact(token, *key_, scratch.payload())
                : jose::verify_compact(token, algorithm_, find, scratch.payload());
  });
  if (!good) return fail(good.error());
  const auto& rules = settings_.token;
  if (!fits_typ(rules, token)) {
    return refuse_token({describe(Errc::token_not_valid).text, {}}, "typ is not an access token's");
  }
  const auto claims = read_claims(rules, now, scratch);
  if (!claims) {
    return refuse_token({describe(Errc::token_not_valid).text, {}}, claims.error().reason);
  }
  // What POST /auth/token/verify/ says against it, and then what only GET /auth/user/ does, which
  // has no words of its own here.
  if (auto wrong = check_claims(rules, *claims, TokenType::untyped)) {
    return refuse_token(*std::move(wrong));
  }
  const auto& types = settings_.token_types;
  const auto type = claims->find_text(rules.token_type_claim);
  const bool has_type = std::any_of(types.begin(), types.end(),
                                    [&](TokenType wanted) { return type == to_string(wanted); });
  if (!has_type) return refuse_token({}, "a token of another type");
  const auto user = user_id_claim(rules, *claims);
  if (!user) return refuse_token({}, "a token without a user");

  std::string_view family;
  if (!settings_.session_claim.empty()) {
    family = claims->find_text(settings_.session_claim).value_or(std::string_view());
  }
  const auto leeway = leeway_of(rules);
  verified.user = text_of(*user);
  verified.from = Time::min();
  for (const auto& from : {claims->nbf, claims->iat}) {
    if (from) verified.from = std::max(verified.from, from_epoch_seconds(*from) - leeway);
  }
  verified.until = from_epoch_seconds(*claims->exp) + leeway;
  verified.marks = revocations_.marks(family, claims->jti, user, claims->iat);
  return verified;
}

}  // namespace easyjwt
