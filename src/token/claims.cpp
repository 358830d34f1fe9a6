#include "easyjwt/token/claims.hpp"

#include <cmath>

#include "easyjwt/jose/jws.hpp"

namespace easyjwt {
namespace {

/// Beyond year 9999 Python's datetime ends, and with it what a fleet can agree on.
constexpr double latest = 253402300799.0;

double to_seconds(Time time) noexcept {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

bool is_audience(std::string_view name, const std::vector<std::string>& audience) {
  for (const auto& wanted : audience) {
    if (name == wanted) return true;
  }
  return false;
}

/// RFC 7519 section 4.1.3: a string, or an array of strings of which one is ours.
bool audience_fits(const json::value* aud, const std::vector<std::string>& audience) {
  if (aud == nullptr) return false;
  if (aud->is_string()) return is_audience(aud->get_string(), audience);
  if (!aud->is_array()) return false;
  bool fits = false;
  for (const auto& member : aud->get_array()) {
    if (!member.is_string()) return false;
    fits = fits || is_audience(member.get_string(), audience);
  }
  return fits;
}

tl::unexpected<Error> invalid(std::string_view reason) {
  return fail(Errc::token_not_valid, {}, std::string(reason));
}

std::int64_t whole(double seconds) noexcept {
  return static_cast<std::int64_t>(std::floor(seconds));
}

}  // namespace

std::optional<double> numeric_date(const json::value& value) noexcept {
  double seconds = 0;
  switch (value.kind()) {
    case json::kind::int64: seconds = static_cast<double>(value.get_int64()); break;
    case json::kind::uint64: seconds = static_cast<double>(value.get_uint64()); break;
    case json::kind::double_: seconds = value.get_double(); break;
    default: return std::nullopt;
  }
  if (!(seconds >= -latest && seconds <= latest)) return std::nullopt;
  return seconds;
}

Result<Claims> read_claims(const TokenSettings& settings, Time now, Scratch& scratch) {
  scratch.value_.reset();
  scratch.arena_.emplace(scratch.buffer_.data(), scratch.buffer_.size());
  auto value = parse_json(scratch.payload_, &*scratch.arena_);
  if (!value || !value->is_object()) return invalid("the payload is no JSON object");
  // Constructed, not assigned: an assignment copies where the storages differ.
  const auto& members = scratch.value_.emplace(*std::move(value)).get_object();

  Claims claims;
  claims.members = &members;
  const double current = to_seconds(now);
  if (const auto* nbf = members.if_contains("nbf")) {
    const auto from = numeric_date(*nbf);
    if (!from) return invalid("nbf is no date");
    claims.nbf = whole(*from);
    if (*from > current + settings.leeway) return invalid("nbf is in the future");
  }
  if (const auto* iat = members.if_contains("iat")) {
    const auto issued = numeric_date(*iat);
    if (!issued) return invalid("iat is no date");
    claims.iat = whole(*issued);
    if (*issued > current + settings.leeway) return invalid("iat is in the future");
  }
  if (const auto* exp = members.if_contains("exp")) {
    const auto until = numeric_date(*exp);
    if (!until) return invalid("exp is no date");
    if (*until <= current - settings.leeway) return invalid("expired");
    claims.exp = whole(*until);
  }
  if (!settings.audience.empty() && !audience_fits(members.if_contains("aud"), settings.audience)) {
    return invalid("aud is not ours");
  }
  if (settings.issuer) {
    const auto* iss = members.if_contains("iss");
    if (iss == nullptr || !iss->is_string() || iss->get_string() != *settings.issuer) {
      return invalid("iss is not ours");
    }
  }
  if (const auto* jti = members.if_contains(settings.jti_claim)) {
    // The column is 255 wide; PostgreSQL takes no NUL.
    if (!jti->is_string() || jti->get_string().empty() || jti->get_string().size() > 255 ||
        jti->get_string().find('\0') != json::string::npos) {
      return invalid("the id is not a text of 1 to 255 characters");
    }
    claims.jti = jti->get_string();
  }
  return claims;
}

bool fits_typ(const TokenSettings& settings, std::string_view raw) {
  if (settings.access_token_typ.empty()) return true;
  const auto typ = jose::read_typ(raw);
  return typ == "jwt" || typ == settings.access_token_typ;
}

std::optional<Text> check_claims(const TokenSettings& settings, const Claims& claims,
                                 TokenType type) {
  if (!claims.exp) return Text{"Token has no '{}' claim", {"exp"}};
  if (claims.jti.empty()) return Text{"Token has no id", {}};
  if (type == TokenType::untyped) return std::nullopt;
  const auto* claim = claims.find(settings.token_type_claim);
  if (claim == nullptr) return Text{"Token has no type", {}};
  if (!claim->is_string() || claim->get_string() != to_string(type)) {
    return Text{"Token has wrong type", {}};
  }
  return std::nullopt;
}

std::optional<UserIdClaim> user_id_claim(const TokenSettings& settings, const Claims& claims) {
  const auto* claim = claims.find(settings.user_id_claim);
  if (claim == nullptr) return std::nullopt;
  if (claim->is_int64()) return UserIdClaim{claim->get_int64()};
  if (claim->is_string()) return UserIdClaim{std::string_view(claim->get_string())};
  return std::nullopt;
}

}  // namespace easyjwt
