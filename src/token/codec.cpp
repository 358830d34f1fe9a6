#include "easyjwt/token/codec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/jose/jws.hpp"

namespace easyjwt {
namespace {

jose::Key make_key(const TokenSettings& settings) {
  const auto algorithm = jose::parse_algorithm(settings.algorithm);
  if (!algorithm) {
    throw SettingsError(
        "EASY_JWT.ALGORITHM",
        "\"" + settings.algorithm +
            "\" is no algorithm: HS256, HS384, HS512, "
            "RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512 or EdDSA");
  }
  try {
    return jose::Key(*algorithm, settings.signing_key.view(), settings.verifying_key);
  } catch (const jose::KeyError& error) {
    throw SettingsError("EASY_JWT.SIGNING_KEY", error.what());
  }
}

double to_seconds(Time time) noexcept {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

tl::unexpected<Error> invalid(std::string_view reason) {
  return fail(Errc::token_not_valid, {}, std::string(reason));
}

}  // namespace

std::chrono::seconds longest_token_life(const TokenSettings& settings) noexcept {
  return std::max({settings.access_lifetime, settings.refresh_lifetime, settings.sliding_lifetime,
                   settings.sliding_refresh_lifetime}) +
         std::chrono::seconds(static_cast<std::int64_t>(settings.leeway) + 60);
}

std::chrono::seconds whole_leeway(const TokenSettings& settings) noexcept {
  return std::chrono::seconds(static_cast<std::int64_t>(std::ceil(settings.leeway)));
}

TokenCodec::TokenCodec(TokenSettings settings, KeySource source, KeyRingSource ring)
    : settings_(std::move(settings)), key_(make_key(settings_)) {
  if (!jose::is_hmac(key_.algorithm())) source_ = std::move(source);
  if (!source_) ring_ = std::move(ring);
  if (!key_.can_sign()) throw SettingsError("EASY_JWT.SIGNING_KEY", "is empty");
  // Two claims under one name would overwrite each other, silently: a user id as a token type.
  const std::array<std::pair<const char*, std::string_view>, 10> names{{
      {"", "exp"},
      {"", "iat"},
      {"", "nbf"},
      {"", "aud"},
      {"", "iss"},
      {"EASY_JWT.USER_ID_CLAIM", settings_.user_id_claim},
      {"EASY_JWT.TOKEN_TYPE_CLAIM", settings_.token_type_claim},
      {"EASY_JWT.JTI_CLAIM", settings_.jti_claim},
      {"EASY_JWT.SLIDING_TOKEN_REFRESH_EXP_CLAIM", settings_.sliding_refresh_exp_claim},
      {"EASY_JWT.REVOKE_TOKEN_CLAIM", settings_.revoke_token_claim},
  }};
  for (std::size_t i = 5; i < names.size(); ++i) {
    if (names[i].second.empty()) throw SettingsError(names[i].first, "is empty");
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i].second == names[j].second) {
        throw SettingsError(names[i].first, "\"" + std::string(names[i].second) +
                                                "\" is the name of another claim too");
      }
    }
  }
}

std::chrono::seconds TokenCodec::lifetime(TokenType type) const noexcept {
  switch (type) {
    case TokenType::access: return settings_.access_lifetime;
    case TokenType::refresh: return settings_.refresh_lifetime;
    case TokenType::sliding: return settings_.sliding_lifetime;
    case TokenType::untyped: break;
  }
  return std::chrono::seconds{0};
}

Result<Claims> TokenCodec::decode(std::string_view raw, Time now, Scratch& scratch) const {
  if (source_) {
    if (auto error = refuse_by_source(raw, scratch.payload())) return fail(*std::move(error));
  } else if (const auto* ring = this->ring()) {
    const auto refusal = jose::verify_compact(
        raw, [&](std::string_view header) { return ring->find_by_header(header); },
        [&](jose::Algorithm algorithm, std::optional<std::string_view> kid) {
          return ring->find(algorithm, kid);
        },
        scratch.payload());
    if (refusal != jose::Refusal::none) return invalid(to_string(refusal));
  } else if (const auto refusal = jose::verify_compact(raw, key_, scratch.payload());
             refusal != jose::Refusal::none) {
    return invalid(to_string(refusal));
  }
  if (!fits_typ(settings_, raw)) return invalid("typ is neither JWT nor ACCESS_TOKEN_TYP");
  return read_claims(settings_, now, scratch);
}

std::optional<Error> TokenCodec::refuse_by_source(std::string_view raw,
                                                  std::string& payload) const {
  std::optional<Error> error;
  std::shared_ptr<const jose::KeySet> keys;  // which must outlive the candidates
  const auto find = [&](std::optional<std::string_view> kid) {
    auto found = source_(kid);
    if (!found) {
      error = std::move(found).error();
      return jose::Candidates{};
    }
    keys = *std::move(found);
    return keys->candidates(key_.algorithm(), kid);
  };
  const auto refusal = jose::verify_compact(raw, key_.algorithm(), find, payload);
  if (!error && refusal != jose::Refusal::none) error = invalid(to_string(refusal)).value();
  return error;
}

std::optional<Text> TokenCodec::check(const Claims& claims, TokenType type) const {
  return check_claims(settings_, claims, type);
}

std::optional<Text> TokenCodec::check_refresh_window(const Claims& claims, Time now) const {
  const auto& name = settings_.sliding_refresh_exp_claim;
  const auto claim = claims.find(name);
  if (!claim) return Text{"Token has no '{}' claim", {name}};
  const auto until = numeric_date(*claim);
  if (!until) return Text{describe(Errc::token_not_valid).text, {}};
  if (*until <= to_seconds(now) - settings_.leeway) {
    return Text{"Token '{}' claim has expired", {name}};
  }
  return std::nullopt;
}

std::optional<UserIdClaim> TokenCodec::user_id(const Claims& claims) const {
  return user_id_claim(settings_, claims);
}

std::string_view TokenCodec::token_type(const Claims& claims) const {
  return claims.find_text(settings_.token_type_claim).value_or(std::string_view());
}

json::object TokenCodec::new_claims(TokenType type, UserIdClaim user, std::string_view revoke,
                                    std::string_view jti, Time now,
                                    json::storage_ptr storage) const {
  json::object claims(10, std::move(storage));
  claims.emplace(settings_.token_type_claim, to_string(type));
  claims.emplace("exp", epoch_seconds(now + lifetime(type)));
  claims.emplace("iat", epoch_seconds(now));
  claims.emplace(settings_.jti_claim, jti);
  if (type == TokenType::sliding) {
    claims.emplace(settings_.sliding_refresh_exp_claim,
                   epoch_seconds(now + settings_.sliding_refresh_lifetime));
  }
  std::visit([&](auto id) { claims.emplace(settings_.user_id_claim, id); }, user);
  if (!revoke.empty()) claims.emplace(settings_.revoke_token_claim, revoke);
  return claims;
}

json::object TokenCodec::access_claims(const json::object& refresh, std::string_view jti, Time now,
                                       json::storage_ptr storage) const {
  json::object claims(refresh.size() + 3, std::move(storage));
  claims.emplace(settings_.token_type_claim, to_string(TokenType::access));
  claims.emplace("exp", epoch_seconds(now + settings_.access_lifetime));
  claims.emplace("iat", epoch_seconds(now));
  claims.emplace(settings_.jti_claim, jti);
  for (const auto& [name, value] : refresh) {
    if (name == settings_.token_type_claim || name == "exp" || name == settings_.jti_claim ||
        name == "jti") {
      continue;
    }
    claims.insert_or_assign(name, value);
  }
  return claims;
}

json::object TokenCodec::renewed_claims(const json::object& old, TokenType type,
                                        std::string_view jti, Time now,
                                        json::storage_ptr storage) const {
  json::object claims(old, std::move(storage));
  if (!jti.empty()) claims.insert_or_assign(settings_.jti_claim, jti);
  claims.insert_or_assign("exp", epoch_seconds(now + lifetime(type)));
  claims.insert_or_assign("iat", epoch_seconds(now));
  return claims;
}

bool TokenCodec::signs_slowly() const {
  const auto* ring = this->ring();
  return !jose::is_hmac((ring != nullptr ? ring->signing().key : key_).algorithm());
}

std::string TokenCodec::encode(json::object claims) const {
  if (!settings_.audience.empty()) {
    if (settings_.audience_is_list) {
      claims.insert_or_assign("aud",
                              json::array(settings_.audience.begin(), settings_.audience.end()));
    } else {
      claims.insert_or_assign("aud", settings_.audience.front());
    }
  }
  if (settings_.issuer) claims.insert_or_assign("iss", *settings_.issuer);
  const auto* type = claims.if_contains(settings_.token_type_claim);
  const bool is_access =
      type != nullptr && type->is_string() && type->get_string() == to_string(TokenType::access);
  std::string payload;
  payload.reserve(256);
  append_json(payload, claims);
  std::string out;
  out.reserve(payload.size() * 2);
  const auto* ring = this->ring();
  const auto& key = ring != nullptr ? ring->signing().key : key_;
  std::string own;
  std::string_view header = ring != nullptr ? ring->signing().header : key.header();
  if (is_access && !settings_.access_token_typ.empty()) {
    const std::string_view kid = ring != nullptr ? ring->signing().kid : std::string_view();
    header = own = jose::make_header(key.algorithm(), settings_.access_token_typ, kid);
  }
  jose::sign_compact(payload, key, header, out);
  return out;
}

std::string TokenCodec::sign(std::string_view payload, std::string_view typ) const {
  const auto* ring = this->ring();
  const auto& key = ring != nullptr ? ring->signing().key : key_;
  std::string out;
  jose::sign_compact(payload, key,
                     jose::make_header(key.algorithm(), typ,
                                       ring != nullptr ? ring->signing().kid : std::string_view()),
                     out);
  return out;
}

}  // namespace easyjwt
