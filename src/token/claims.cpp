#include "easyjwt/token/claims.hpp"

#include <cmath>
#include <stdexcept>

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
bool audience_fits(const Claims& claims, const std::vector<std::string>& audience) {
  if (const auto text = claims.find_text("aud")) return is_audience(*text, audience);
  const auto* aud = claims.members().if_contains("aud");
  if (aud == nullptr || !aud->is_array()) return false;
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

const json::object* Scratch::parse() {
  value_.reset();
  arena_.emplace(buffer_.data(), buffer_.size());
  auto value = parse_json(payload_, &*arena_);
  if (!value || !value->is_object()) return nullptr;
  // Constructed, not assigned: an assignment copies where the storages differ.
  return &value_.emplace(*std::move(value)).get_object();
}

std::optional<Claim> find_claim(const json::object& claims, std::string_view name) {
  const auto* value = claims.if_contains(name);
  if (value == nullptr) return std::nullopt;
  switch (value->kind()) {
    case json::kind::int64: return value->get_int64();
    case json::kind::uint64: return static_cast<double>(value->get_uint64());
    case json::kind::double_: return value->get_double();
    case json::kind::string: return std::string_view(value->get_string());
    default: return std::monostate();
  }
}

std::optional<Claim> Claims::find(std::string_view name) const {
  return scratch->is_flat_ ? scratch->flat_.find(name) : find_claim(members(), name);
}

std::optional<std::string_view> Claims::find_text(std::string_view name) const {
  const auto claim = find(name);
  const auto* text = claim ? std::get_if<std::string_view>(&*claim) : nullptr;
  return text != nullptr ? std::optional(*text) : std::nullopt;
}

const json::object& Claims::members() const {
  if (scratch->value_) return scratch->value_->get_object();
  const auto* members = scratch->parse();
  if (members == nullptr) throw std::logic_error("a flat object that is no JSON");
  return *members;
}

std::optional<double> numeric_date(const Claim& claim) noexcept {
  double seconds = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&claim)) {
    seconds = static_cast<double>(*integer);
  } else if (const auto* number = std::get_if<double>(&claim)) {
    seconds = *number;
  } else {
    return std::nullopt;
  }
  if (!(seconds >= -latest && seconds <= latest)) return std::nullopt;
  return seconds;
}

Result<Claims> read_claims(const TokenSettings& settings, Time now, Scratch& scratch) {
  scratch.value_.reset();
  scratch.is_flat_ = scratch.flat_.read(scratch.payload_);
  if (!scratch.is_flat_ && scratch.parse() == nullptr) {
    return invalid("the payload is no JSON object");
  }
  Claims claims;
  claims.scratch = &scratch;
  const double current = to_seconds(now);
  if (const auto nbf = claims.find("nbf")) {
    const auto from = numeric_date(*nbf);
    if (!from) return invalid("nbf is no date");
    claims.nbf = whole(*from);
    if (*from > current + settings.leeway) return invalid("nbf is in the future");
  }
  if (const auto iat = claims.find("iat")) {
    const auto issued = numeric_date(*iat);
    if (!issued) return invalid("iat is no date");
    claims.iat = whole(*issued);
    if (*issued > current + settings.leeway) return invalid("iat is in the future");
  }
  if (const auto exp = claims.find("exp")) {
    const auto until = numeric_date(*exp);
    if (!until) return invalid("exp is no date");
    if (*until <= current - settings.leeway) return invalid("expired");
    claims.exp = whole(*until);
  }
  if (!settings.audience.empty() && !audience_fits(claims, settings.audience)) {
    return invalid("aud is not ours");
  }
  if (settings.issuer && claims.find_text("iss") != *settings.issuer) {
    return invalid("iss is not ours");
  }
  if (const auto jti = claims.find(settings.jti_claim)) {
    const auto* text = std::get_if<std::string_view>(&*jti);
    // The column is 255 wide; PostgreSQL takes no NUL.
    if (text == nullptr || text->empty() || text->size() > 255 ||
        text->find('\0') != std::string_view::npos) {
      return invalid("the id is not a text of 1 to 255 characters");
    }
    claims.jti = *text;
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
  if (!claims.find(settings.token_type_claim)) return Text{"Token has no type", {}};
  if (claims.find_text(settings.token_type_claim) != to_string(type)) {
    return Text{"Token has wrong type", {}};
  }
  return std::nullopt;
}

std::optional<UserIdClaim> user_id_claim(const TokenSettings& settings, const Claims& claims) {
  const auto claim = claims.find(settings.user_id_claim);
  if (!claim) return std::nullopt;
  if (const auto* integer = std::get_if<std::int64_t>(&*claim)) return UserIdClaim{*integer};
  if (const auto* text = std::get_if<std::string_view>(&*claim)) return UserIdClaim{*text};
  return std::nullopt;
}

}  // namespace easyjwt
