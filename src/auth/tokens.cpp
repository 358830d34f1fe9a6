#include "easyjwt/auth/tokens.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <charconv>

#include "easyjwt/auth/token_store.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/random.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt {
namespace {

tl::unexpected<Error> refused(Text words) { return fail(Errc::token_not_valid, std::move(words)); }
tl::unexpected<Error> is_blacklisted() { return refused({"Token is blacklisted", {}}); }
tl::unexpected<Error> is_nobodys() {
  return refused({"Token contained no recognizable user identification", {}});
}

/// A decimal integer that is written the one way it can be.
std::optional<std::int64_t> to_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// 128 bits of random.
std::string random_family_id() {
  std::array<char, 16> bytes;
  random_bytes(bytes.data(), bytes.size());
  return hex({bytes.data(), bytes.size()});
}

/// When the last token that can be had by refreshing this one again and again expires, rotation
/// aside: a sliding one can be renewed until its window closes.
Time last_expiry(const TokenSettings& settings, const json::object& claims) {
  const auto window = find_claim(claims, settings.sliding_refresh_exp_claim);
  const auto until = window ? numeric_date(*window) : std::nullopt;
  if (!until) {
    const auto exp = numeric_date(find_claim(claims, "exp").value());
    return from_epoch_seconds(static_cast<std::int64_t>(exp.value_or(0)));
  }
  return from_epoch_seconds(static_cast<std::int64_t>(*until)) + settings.sliding_lifetime;
}

/// A login beside this one may just have re-hashed the same password, which is then proven anew.
/// What has changed twice is not that, and refused.
template <class Login>
auto log_in(Login login) {
  auto done = login();
  if (!done && done.error().code == Errc::conflict) done = login();
  if (!done && done.error().code == Errc::conflict) {
    done = fail(Errc::no_active_account, {}, done.error().reason);
  }
  return done;
}

}  // namespace

void Tokens::check_settings(const AuthSettings& settings) {
  const auto& field = settings.user_id_field;
  if (field != "id" && field != "pk" && field != "email") {
    throw SettingsError("EASY_JWT.USER_ID_FIELD",
                        "\"" + field + "\" does not identify a user: id, pk or email");
  }
  if (!settings.session_claim.empty() && !settings.token_blacklist) {
    throw SettingsError("EASY_JWT.SESSION_CLAIM",
                        "needs easyjwt_auth.token_blacklist in INSTALLED_APPS: a family could not "
                        "be ended");
  }
  if (!settings.detect_reuse) return;
  if (settings.session_claim.empty()) {
    throw SettingsError("EASY_JWT.DETECT_REUSE",
                        "needs SESSION_CLAIM (\"sid\", say): by that a token tells its family");
  }
  if (!settings.rotate_refresh_tokens || !settings.blacklist_after_rotation) {
    throw SettingsError("EASY_JWT.DETECT_REUSE",
                        "needs ROTATE_REFRESH_TOKENS and BLACKLIST_AFTER_ROTATION: without them a "
                        "token may be used again");
  }
}

Tokens::Tokens(const AuthSettings& settings, const TokenCodec& codec, db::Database& database,
               Accounts& accounts, Clock clock, Log log, Logins* logins)
    : settings_(settings),
      codec_(codec),
      database_(database),
      accounts_(accounts),
      clock_(std::move(clock)),
      log_(std::move(log)),
      logins_(logins) {
  check_settings(settings_);
}

Result<TokenPair> Tokens::obtain(std::string_view email, std::string_view password,
                                 const Visitor& visitor) {
  auto done = log_in([&] { return try_obtain(email, password, visitor); });
  if (!done) record_refusal(done.error(), email, LoginHow::token, visitor);
  return done;
}

Result<std::string> Tokens::obtain_sliding(std::string_view email, std::string_view password,
                                           const Visitor& visitor) {
  auto done = log_in([&] { return try_obtain_sliding(email, password, visitor); });
  if (!done) record_refusal(done.error(), email, LoginHow::sliding, visitor);
  return done;
}

Result<TokenPair> Tokens::try_obtain(std::string_view email, std::string_view password,
                                     const Visitor& visitor) {
  const auto user = accounts_.authenticate(email, password);
  if (!user) return fail(user.error());
  const auto now = clock_();
  const auto claims = new_claims(*user, TokenType::refresh, now);
  TokenPair pair;
  pair.refresh = codec_.encode(claims);
  pair.access = codec_.encode(codec_.access_claims(claims, timed_uuid_hex(now), now));
  if (const auto done = record_login(*user, pair.refresh, claims, LoginHow::token, visitor, now);
      !done) {
    return fail(done.error());
  }
  return pair;
}

Result<std::string> Tokens::try_obtain_sliding(std::string_view email, std::string_view password,
                                               const Visitor& visitor) {
  const auto user = accounts_.authenticate(email, password);
  if (!user) return fail(user.error());
  const auto now = clock_();
  const auto claims = new_claims(*user, TokenType::sliding, now);
  auto raw = codec_.encode(claims);
  if (const auto done = record_login(*user, raw, claims, LoginHow::sliding, visitor, now); !done) {
    return fail(done.error());
  }
  return raw;
}

json::object Tokens::new_claims(const User& user, TokenType type, Time now) const {
  auto claims = codec_.new_claims(type, id_claim(user), revoke_claim(user.password),
                                  timed_uuid_hex(now), now);
  // An access token by itself has nothing that could be ended.
  if (!settings_.session_claim.empty() && type != TokenType::access) {
    claims.emplace(settings_.session_claim, random_family_id());
  }
  return claims;
}

Result<void> Tokens::record_login(const User& user, std::string_view raw,
                                  const json::object& claims, LoginHow how, const Visitor& visitor,
                                  Time now) {
  if (!settings_.token_blacklist && !settings_.update_last_login && logins_ == nullptr) return {};
  auto done = database_.write([&](db::Transaction& transaction) -> Result<void> {
    if (auto added = record_token(transaction, user, raw, claims, visitor, now); !added) {
      return added;
    }
    if (settings_.update_last_login) {
      if (auto noted = UserStore(transaction).set_last_login(user.id, now); !noted) return noted;
    }
    if (logins_ == nullptr) return {};
    return LoginStore(transaction)
        .add({.user_id = user.id,
              .at = now,
              .succeeded = true,
              .how = std::string(to_string(how)),
              .address = visitor.address,
              .user_agent = visitor.user_agent});
  });
  if (done && logins_ != nullptr) logins_->succeeded(user.id, now, how);
  return done;
}

void Tokens::record_refusal(const Error& error, std::string_view email, LoginHow how,
                            const Visitor& visitor) const {
  if (logins_ == nullptr || error.code != Errc::no_active_account) return;
  logins_->refused(email, how, visitor);
}

Result<void> Tokens::record_token(db::Transaction& transaction, const User& user,
                                  std::string_view raw, const json::object& claims,
                                  const Visitor& visitor, Time now) {
  const auto family = family_of(find_claim(claims, settings_.session_claim));
  if (family) {
    if (const auto held = FamilyStore(transaction).hold_user(user.id); !held) return held;
  }
  // Hashing takes long enough for the user to be deleted, locked out or given another password.
  const auto current = UserStore(transaction).find_by_id(user.id);
  if (!current) return fail(current.error());
  if (!*current || !(*current)->is_active || (*current)->password != user.password) {
    return fail(Errc::conflict, {}, "the user has changed during the login");
  }
  if (!settings_.token_blacklist) return {};
  const std::string_view jti = claims.at(codec_.settings().jti_claim).get_string();
  if (family) {
    const auto begun = FamilyStore(transaction)
                           .add({.id = std::string(*family),
                                 .user_id = user.id,
                                 .created_at = now,
                                 .last_used_at = now,
                                 .expires_at = last_expiry(codec_.settings(), claims),
                                 .user_agent = visitor.user_agent,
                                 .address = visitor.address,
                                 .current_jti = std::string(jti)});
    if (!begun) return begun;
  }
  return TokenStore(transaction)
      .add({.jti = jti,
            .token = stored_text(raw),
            .user_id = user.id,
            .created_at = now,
            .expires_at = from_epoch_seconds(claims.at("exp").get_int64())});
}

Result<std::string> Tokens::issue(const User& user, TokenType type,
                                  std::optional<std::chrono::seconds> lifetime) {
  const auto now = clock_();
  auto claims = new_claims(user, type, now);
  if (lifetime) claims.at("exp") = epoch_seconds(now + *lifetime);
  auto raw = codec_.encode(claims);
  if (!is_listed(type)) return raw;
  const auto recorded = database_.write([&](db::Transaction& transaction) {
    return record_token(transaction, user, raw, claims, {.user_agent = "easyjwt token issue"}, now);
  });
  if (!recorded) return fail(recorded.error());
  return raw;
}

bool Tokens::uses_up() const noexcept {
  return settings_.rotate_refresh_tokens && settings_.blacklist_after_rotation &&
         settings_.token_blacklist;
}

bool Tokens::refreshes_in_steps() const { return uses_up() && codec_.signs_slowly(); }

Result<Refreshed> Tokens::refresh(std::string_view raw) {
  Refresh refresh(*this, std::string(raw));
  if (refresh.good()) refresh.decide();
  return refresh.answer();
}

Tokens::Refresh::Refresh(Tokens& tokens, std::string raw)
    : tokens_(tokens),
      raw_(std::move(raw)),
      now_(tokens.clock_()),
      claims_(tokens.codec_.decode(raw_, now_, scratch_)),
      rotates_(tokens.settings_.rotate_refresh_tokens),
      uses_up_(tokens.uses_up()) {
  if (!claims_) return;
  next_id_ = rotates_ ? id(TokenType::refresh, now_) : std::string(claims_->jti);
  family_ = tokens.family_of(claims_->find(tokens.settings_.session_claim));
  // From before SESSION_CLAIM was set.
  if (uses_up_ && !family_ && !tokens.settings_.session_claim.empty()) {
    begun_ = tokens.family_begun_by(*claims_);
  }
}

std::string Tokens::Refresh::id(TokenType type, Time at) const {
  return uses_up_ ? tokens_.successor_jti(*claims_, type, at) : timed_uuid_hex(at);
}

void Tokens::Refresh::decide() {
  const auto judge = [this](db::Transaction& transaction) { return decide(transaction); };
  auto& database = tokens_.database_;
  decision_ = uses_up_ || family_ ? database.write(judge) : database.read(judge);
}

Result<void> Tokens::Refresh::decide(db::Transaction& transaction) {
  const auto lifetime = tokens_.codec_.settings().refresh_lifetime;
  const auto expires_at = rotates_ ? epoch_seconds(now_ + lifetime) : claims_->exp.value_or(0);
  const Succession next{.family = family_.value_or(std::string_view{}),
                        .jti = next_id_,
                        .expires_at = from_epoch_seconds(expires_at)};
  const auto user = tokens_.user_key(*claims_);
  if (!uses_up_ || !user || !*user) {
    const auto good = tokens_.judge_refresh(transaction, *claims_, TokenType::refresh, now_);
    if (!good || !family_) return good;
    return tokens_.use_family(transaction, next, now_);
  }
  std::int64_t user_id = 0;
  const auto judge = [&](const RefreshState& state) {
    user_id = state.user_id;
    return tokens_.judge_state(state, *claims_, TokenType::refresh, now_);
  };
  const auto first = TokenStore(transaction)
                         .use_up(**user, tokens_.outstanding(*claims_, raw_), now_, judge,
                                 family_ ? &next : nullptr);
  if (!first) return fail(first.error());
  if (!*first) return is_blacklisted();
  if (!begun_.empty()) {
    const auto begun = begin_family(transaction, next, user_id);
    if (!begun) return begun;
  }
  if (tokens_.settings_.rotation_grace == 0) return {};
  return tokens_.record_successor(transaction, next_id_, now_);
}

Result<void> Tokens::Refresh::begin_family(db::Transaction& transaction, const Succession& next,
                                           std::int64_t user_id) const {
  return FamilyStore(transaction)
      .add({.id = begun_,
            .user_id = user_id,
            .created_at = now_,
            .last_used_at = now_,
            .expires_at = next.expires_at,
            .user_agent = {},
            .address = {},
            .current_jti = next_id_,
            .ended_at = {}});
}

Result<void> Tokens::Refresh::repeat() {
  const auto rotated_at = tokens_.find_rotation(*claims_, now_);
  if (!rotated_at) return fail(rotated_at.error());
  if (!*rotated_at) {
    if (const auto done = tokens_.end_if_reused(*claims_, now_); !done) return done;
    return fail(decision_.error());
  }
  made_at_ = **rotated_at;
  next_id_ = id(TokenType::refresh, made_at_);
  if (begun_.empty()) return {};
  // The rotation may have been that of a node, or a time, without SESSION_CLAIM.
  const auto found = tokens_.database_.read(
      [&](db::Transaction& transaction) { return FamilyStore(transaction).find(begun_); });
  if (!found) return fail(found.error());
  if (!*found) begun_.clear();
  return {};
}

Result<Refreshed> Tokens::Refresh::answer() {
  if (!claims_) return fail(claims_.error());
  if (!decision_) {
    const auto& error = decision_.error();
    if (!uses_up_ || error.code != Errc::token_not_valid) return fail(error);
    if (const auto repeated = repeat(); !repeated) return fail(repeated.error());
  }
  std::array<unsigned char, 2048> buffer;
  json::monotonic_resource arena(buffer.data(), buffer.size());
  const auto* from = &claims_->members();
  json::object with_family(&arena);
  if (!begun_.empty()) {
    with_family = *from;
    with_family.emplace(tokens_.settings_.session_claim, begun_);
    from = &with_family;
  }
  const auto& codec = tokens_.codec_;
  Refreshed refreshed;
  refreshed.access =
      codec.encode(codec.access_claims(*from, id(TokenType::access, made_at_), made_at_, &arena));
  if (rotates_) {
    refreshed.refresh =
        codec.encode(codec.renewed_claims(*from, TokenType::refresh, next_id_, made_at_, &arena));
  }
  return refreshed;
}

Result<void> Tokens::use_family(db::Transaction& transaction, const Succession& next,
                                Time now) const {
  const auto used = FamilyStore(transaction).use(next.family, next.jti, next.expires_at, now);
  if (!used) return fail(used.error());
  if (!*used) return is_blacklisted();
  return {};
}

Result<void> Tokens::end_if_reused(const Claims& claims, Time now) {
  if (!settings_.detect_reuse || codec_.check(claims, TokenType::refresh)) return {};
  const auto own = family_of(claims.find(settings_.session_claim));
  const auto family = own ? std::string(*own) : family_begun_by(claims);
  const auto user =
      database_.read([&](db::Transaction& transaction) -> Result<std::optional<std::int64_t>> {
        const auto at = TokenStore(transaction).find_blacklisting(claims.jti);
        if (!at) return fail(at.error());
        const std::chrono::seconds grace(settings_.rotation_grace);
        // Without a grace, of two uses at one moment the second one is a reuse whoever's clock says
        // what.
        if (!*at || (grace.count() > 0 && now - **at <= grace)) return std::nullopt;
        const auto found = FamilyStore(transaction).find(family);
        if (!found) return fail(found.error());
        if (!*found || (*found)->ended_at) return std::nullopt;
        return (*found)->user_id;
      });
  if (!user) return fail(user.error());
  if (!*user) return {};
  // Not in the lane of commits, where all may be done once more: it is told once, and when it is
  // true.
  if (!may_wait()) return fail(Errc::would_wait);
  const auto ended = database_.write(
      [&](db::Transaction& transaction) { return FamilyStore(transaction).end(family, now); });
  if (!ended) return fail(ended.error());
  if (*ended) {
    log_(LogLevel::warning, "a refresh token was used again: its family has ended",
         {{"user", std::to_string(**user)}, {"family", family}});
  }
  return {};
}

Result<std::optional<Time>> Tokens::find_rotation(const Claims& claims, Time now) {
  if (settings_.rotation_grace == 0) return std::nullopt;
  return database_.read([&](db::Transaction& transaction) -> Result<std::optional<Time>> {
    const auto user = user_key(claims);
    if (!user || !*user) return std::nullopt;
    TokenStore store(transaction);
    const auto at = store.find_blacklisting(claims.jti);
    if (!at || !*at) return at;
    if (now - **at > std::chrono::seconds(settings_.rotation_grace)) return std::nullopt;
    const auto next = store.is_good(successor_jti(claims, TokenType::refresh, **at));
    if (!next) return fail(next.error());
    if (!*next) return std::nullopt;
    auto state = store.find_refresh_state(**user, claims.jti);
    if (!state) return fail(state.error());
    // That it was used up is what makes it a retry; all else is asked as of any other.
    state->is_blacklisted = false;
    if (const auto good = judge_state(*state, claims, TokenType::refresh, now); !good) {
      return fail(good.error());
    }
    return at;
  });
}

Result<void> Tokens::record_successor(db::Transaction& transaction, std::string_view jti,
                                      Time now) {
  // Without its text: a retry derives it again.
  return TokenStore(transaction)
      .add({.jti = jti,
            .token = {},
            .user_id = std::nullopt,
            .created_at = now,
            .expires_at = now + codec_.settings().refresh_lifetime});
}

std::string Tokens::successor_jti(const Claims& claims, TokenType type, Time rotated_at) const {
  if (settings_.rotation_grace == 0) return timed_uuid_hex(rotated_at);
  return timed_uuid_hex(rotated_at,
                        sha256("successor:" + std::string(settings_.secret.view()) + ":" +
                               std::string(to_string(type)) + ":" + std::string(claims.jti)));
}

Result<std::string> Tokens::refresh_sliding(std::string_view raw) {
  const auto now = clock_();
  Scratch scratch;
  const auto claims = codec_.decode(raw, now, scratch);
  if (!claims) return fail(claims.error());
  const auto family = family_of(claims->find(settings_.session_claim));
  const auto decide = [&](db::Transaction& transaction) -> Result<void> {
    const auto good = judge_refresh(transaction, *claims, TokenType::sliding, now);
    if (!good || !family) return good;
    return use_family(transaction,
                      {*family, claims->jti, last_expiry(codec_.settings(), claims->members())},
                      now);
  };
  const auto decision = family ? database_.write(decide) : database_.read(decide);
  if (!decision) return fail(decision.error());
  return codec_.encode(codec_.renewed_claims(claims->members(), TokenType::sliding, {}, now));
}

Result<void> Tokens::verify(std::string_view raw) {
  const auto now = clock_();
  Scratch scratch;
  const auto claims = codec_.decode(raw, now, scratch);
  if (!claims) return fail(claims.error());
  if (auto words = codec_.check(*claims, TokenType::untyped)) return refused(*std::move(words));
  // Access tokens are on no list: nothing here or in the original ever puts one there, so the most
  // frequent question of all is answered without the database.
  const bool listed =
      settings_.token_blacklist && codec_.token_type(*claims) != to_string(TokenType::access);
  const auto family = family_of(claims->find(settings_.session_claim));
  if (!listed && !settings_.check_revoke_token && !family) return {};
  return database_.read([&](db::Transaction& transaction) -> Result<void> {
    if (listed) {
      const auto blacklisted = TokenStore(transaction).is_blacklisted(claims->jti);
      if (!blacklisted) return fail(blacklisted.error());
      if (*blacklisted) return fail(Error::non_field({"Token is blacklisted", {}}));
    }
    if (family) {
      const auto live = FamilyStore(transaction).is_live(*family);
      if (!live) return fail(live.error());
      if (!*live) return fail(Error::non_field({"Token is blacklisted", {}}));
    }
    if (!settings_.check_revoke_token) return {};
    const auto user = find_state(transaction, *claims);
    if (!user) return fail(user.error());
    if (!*user) return fail(Errc::user_not_found);
    return check_revoked(*claims, (*user)->password);
  });
}

Result<void> Tokens::blacklist(std::string_view raw) {
  const auto now = clock_();
  Scratch scratch;
  const auto claims = codec_.decode(raw, now, scratch);
  if (!claims) return fail(claims.error());
  return database_.write([&](db::Transaction& transaction) -> Result<void> {
    if (const auto good = judge(transaction, *claims, TokenType::refresh); !good) return good;
    // The family first, as a rotation has it: whoever is second waits, and both do not deadlock.
    Result<bool> ended = false;
    if (const auto family = family_of(claims->find(settings_.session_claim))) {
      ended = FamilyStore(transaction).end(*family, now);
      if (!ended) return fail(ended.error());
    }
    const auto first = TokenStore(transaction).blacklist(outstanding(*claims, raw), now);
    if (!first) return fail(first.error());
    if (!*first && !*ended) return is_blacklisted();
    return {};
  });
}

Result<bool> Tokens::blacklist(db::Transaction& transaction, std::int64_t id) {
  const auto now = clock_();
  TokenStore store(transaction);
  const auto row = store.find(id);
  if (!row) return fail(row.error());
  if (!*row) return fail(Errc::not_found);
  const auto& token = **row;
  if (token.blacklisted_at) return false;
  const auto raw = store.find_text(id);
  if (!raw) return fail(raw.error());
  Scratch scratch;
  const auto claims = codec_.decode(*raw, now, scratch);
  if (!claims && claims.error().code != Errc::token_not_valid) return fail(claims.error());
  std::optional<std::string> family;
  if (claims) {
    if (const auto claimed = family_of(claims->find(settings_.session_claim))) family = *claimed;
  } else if (!settings_.session_claim.empty() && token.user_id) {
    const auto found = FamilyStore(transaction).find_by_token(*token.user_id, token.jti);
    if (!found) return fail(found.error());
    family = *found;
  }
  // The family first, as the other blacklist() has it.
  Result<bool> ended = false;
  if (family) {
    ended = FamilyStore(transaction).end(*family, now);
    if (!ended) return fail(ended.error());
  }
  const auto done = store.blacklist({.jti = token.jti,
                                     .token = *raw,
                                     .user_id = token.user_id,
                                     .created_at = token.created_at,
                                     .expires_at = token.expires_at},
                                    now);
  if (!done) return fail(done.error());
  // As revoke() has it; what cannot be read may be a sliding token, which was refreshed since.
  const auto& lives = codec_.settings();
  const bool is_sliding = claims && type_of(*claims) == TokenType::sliding;
  if (is_sliding || !claims) {
    const auto last = is_sliding ? last_expiry(lives, claims->members())
                                 : token.created_at.value_or(now) + lives.sliding_refresh_lifetime +
                                       lives.sliding_lifetime;
    if (const auto kept = store.keep_until(token.jti, last); !kept) return fail(kept.error());
  }
  return *done || *ended;  // which blacklists the family's newest token
}

Result<void> Tokens::check(std::string_view raw) {
  const auto now = clock_();
  Scratch scratch;
  const auto claims = codec_.decode(raw, now, scratch);
  if (!claims) return fail(claims.error());
  const auto type = codec_.token_type(*claims);
  if (type == to_string(TokenType::refresh)) {
    return database_.read([&](db::Transaction& transaction) {
      const auto good = judge_refresh(transaction, *claims, TokenType::refresh, now);
      return good ? judge_family(transaction, *claims) : good;
    });
  }
  for (const auto known : settings_.auth_token_classes) {
    if (type == to_string(known)) return authenticate(raw).map([](const User&) {});
  }
  return verify(raw);
}

Result<User> Tokens::authenticate(std::string_view raw) {
  const auto now = clock_();
  Scratch scratch;
  const auto claims = codec_.decode(raw, now, scratch);
  Error error{Errc::token_not_valid, {"Given token not valid for any token type", {}}};
  if (!claims) {
    if (claims.error().code != Errc::token_not_valid) return fail(claims.error());
    error.reason = claims.error().reason;
    for (const auto type : settings_.auth_token_classes) {
      error.messages.push_back(
          {class_name(type), to_string(type), {describe(Errc::token_not_valid).text, {}}});
    }
    return fail(std::move(error));
  }
  return database_.read([&](db::Transaction& transaction) -> Result<User> {
    error.messages.clear();
    bool good = false;
    for (const auto type : settings_.auth_token_classes) {
      const auto verdict = judge(transaction, *claims, type);
      good = verdict.has_value();
      if (good) break;
      if (verdict.error().code != Errc::token_not_valid) return fail(verdict.error());
      error.messages.push_back({class_name(type), to_string(type), verdict.error().detail});
    }
    if (!good) return fail(error);
    return require_user(transaction, *claims);
  });
}

Result<ActiveToken> Tokens::introspect(std::string_view raw, Scratch& scratch) {
  const auto claims = codec_.decode(raw, clock_(), scratch);
  if (!claims) return fail(claims.error());
  const auto type = type_of(*claims);
  if (!type) return refused({"Token has wrong type", {}});
  return database_.read([&](db::Transaction& transaction) -> Result<ActiveToken> {
    if (const auto good = judge(transaction, *claims, *type); !good) return fail(good.error());
    auto user = require_user(transaction, *claims);
    if (!user) return fail(user.error());
    return ActiveToken{*claims, *type, *std::move(user)};
  });
}

Result<Revoked> Tokens::revoke(std::string_view raw) {
  const auto now = clock_();
  Scratch scratch;
  const auto claims = codec_.decode(raw, now, scratch);
  if (!claims && claims.error().code == Errc::token_not_valid) return Revoked::was_not_valid;
  if (!claims) return fail(claims.error());
  const auto type = type_of(*claims);
  const auto family = family_of(claims->find(settings_.session_claim));
  if (!type || (!is_listed(*type) && !family)) return Revoked::never;
  return database_.write([&](db::Transaction& transaction) -> Result<Revoked> {
    const auto good = judge(transaction, *claims, *type);
    if (!good && good.error().code == Errc::token_not_valid) return Revoked::was_not_valid;
    if (!good) return fail(good.error());
    // The family first, as blacklist() has it.
    if (family) {
      const auto ended = FamilyStore(transaction).end(*family, now);
      if (!ended) return fail(ended.error());
    }
    if (!is_listed(*type)) return Revoked::yes;
    TokenStore store(transaction);
    const auto done = store.blacklist(outstanding(*claims, raw), now);
    if (!done) return fail(done.error());
    // Whatever a sliding token is refreshed to has its id: the row must outlive the last of those,
    // or a flush would let them stand again.
    if (*type == TokenType::sliding) {
      const auto last = last_expiry(codec_.settings(), claims->members());
      if (const auto kept = store.keep_until(claims->jti, last); !kept) return fail(kept.error());
    }
    return Revoked::yes;
  });
}

std::string Tokens::family_begun_by(const Claims& claims) const {
  return hex(sha256("family:" + std::string(settings_.secret.view()) + ":" +
                    std::string(claims.jti)))
      .substr(0, 32);
}

std::string Tokens::family(std::string_view raw) const {
  Scratch scratch;
  const auto claims = codec_.decode(raw, clock_(), scratch);
  if (!claims) return {};
  return std::string(family_of(claims->find(settings_.session_claim)).value_or(std::string_view{}));
}

Result<std::vector<Family>> Tokens::list_families(std::int64_t user_id) {
  const auto now = clock_();
  return database_.read([&](db::Transaction& transaction) -> Result<std::vector<Family>> {
    std::vector<Family> families;
    const auto listed = FamilyStore(transaction).list(user_id, now, [&](const Family& family) {
      families.push_back(family);
    });
    if (!listed) return fail(listed.error());
    return families;
  });
}

Result<bool> Tokens::end_family(std::int64_t user_id, std::string_view id) {
  if (!is_family_id(id)) return false;
  const auto now = clock_();
  return database_.write([&](db::Transaction& transaction) -> Result<bool> {
    FamilyStore families(transaction);
    const auto found = families.find(id);
    if (!found) return fail(found.error());
    if (!*found || (*found)->user_id != user_id) return false;
    return families.end(id, now);
  });
}

Result<void> Tokens::end_families(std::int64_t user_id) {
  const auto now = clock_();
  return database_.write([&](db::Transaction& transaction) {
    return FamilyStore(transaction).end_all(user_id, now).map(db::uncounted);
  });
}

OutstandingToken Tokens::outstanding(const Claims& claims, std::string_view raw) const {
  return {.jti = claims.jti,
          .token = stored_text(raw),
          .user_id = std::nullopt,
          .created_at = std::nullopt,
          // A token without one is refused further on.
          .expires_at = from_epoch_seconds(claims.exp.value_or(0))};
}

std::string_view Tokens::stored_text(std::string_view raw) const {
  return settings_.store_token_text ? raw : std::string_view{};
}

bool Tokens::is_listed(TokenType type) const {
  return settings_.token_blacklist && (type == TokenType::refresh || type == TokenType::sliding);
}

std::optional<TokenType> Tokens::type_of(const Claims& claims) const {
  for (const auto type : {TokenType::access, TokenType::refresh, TokenType::sliding}) {
    if (codec_.token_type(claims) == to_string(type)) return type;
  }
  return std::nullopt;
}

Result<void> Tokens::judge(db::Transaction& transaction, const Claims& claims, TokenType type) {
  if (is_listed(type) && !claims.jti.empty()) {
    const auto blacklisted = TokenStore(transaction).is_blacklisted(claims.jti);
    if (!blacklisted) return fail(blacklisted.error());
    if (*blacklisted) return is_blacklisted();
  }
  if (auto words = codec_.check(claims, type)) return refused(*std::move(words));
  return judge_family(transaction, claims);
}

Result<void> Tokens::judge_family(db::Transaction& transaction, const Claims& claims) const {
  const auto family = family_of(claims.find(settings_.session_claim));
  if (!family) return {};
  const auto live = FamilyStore(transaction).is_live(*family);
  if (!live) return fail(live.error());
  if (!*live) return is_blacklisted();
  return {};
}

std::optional<std::string_view> Tokens::family_of(const std::optional<Claim>& claim) const {
  if (settings_.session_claim.empty() || !claim) return std::nullopt;
  const auto* id = std::get_if<std::string_view>(&*claim);
  return id != nullptr && is_family_id(*id) ? *id : std::string_view();
}

Result<User> Tokens::require_user(db::Transaction& transaction, const Claims& claims) {
  auto user = find_user(transaction, claims);
  if (!user) return fail(user.error());
  if (!*user) return fail(Errc::user_not_found);
  if (!(*user)->is_active) return fail(Errc::user_inactive);
  if (settings_.check_revoke_token) {
    if (const auto current = check_revoked(claims, (*user)->password); !current) {
      return fail(current.error());
    }
  }
  return **std::move(user);
}

Result<std::optional<User>> Tokens::find_user(db::Transaction& transaction, const Claims& claims) {
  UserStore users(transaction);
  return find<User>(
      claims, [&](std::int64_t id) { return users.find_by_id(id); },
      [&](std::string_view email) { return users.find_by_email(email); });
}

Result<std::optional<UserState>> Tokens::find_state(db::Transaction& transaction,
                                                    const Claims& claims) {
  UserStore users(transaction);
  return find<UserState>(
      claims, [&](std::int64_t id) { return users.find_state_by_id(id); },
      [&](std::string_view email) { return users.find_state_by_email(email); });
}

Result<std::optional<UserKey>> Tokens::user_key(const Claims& claims) const {
  const auto claim = codec_.user_id(claims);
  if (!claim) return is_nobodys();
  const auto* text = std::get_if<std::string_view>(&*claim);
  if (settings_.user_id_field == "email") {
    // PostgreSQL's texts have no NUL, and it refuses one instead of not finding it.
    if (text == nullptr || text->find('\0') != text->npos) return std::nullopt;
    return UserKey{*text};
  }
  const auto id = text != nullptr ? to_integer(*text) : std::get<std::int64_t>(*claim);
  if (!id) return std::nullopt;
  return UserKey{*id};
}

template <class T, class ById, class ByEmail>
Result<std::optional<T>> Tokens::find(const Claims& claims, ById by_id, ByEmail by_email) const {
  const auto user = user_key(claims);
  if (!user) return fail(user.error());
  if (!*user) return std::optional<T>{};
  if (const auto* id = std::get_if<std::int64_t>(&**user)) return by_id(*id);
  return by_email(std::get<std::string_view>(**user));
}

Result<void> Tokens::judge_refresh(db::Transaction& transaction, const Claims& claims,
                                   TokenType type, Time now) {
  const auto user = user_key(claims);
  if (user && *user) {
    const auto state = TokenStore(transaction).find_refresh_state(**user, claims.jti);
    if (!state) return fail(state.error());
    return judge_state(*state, claims, type, now);
  }
  // Nobody's; the token itself has the first word all the same.
  if (const auto good = judge(transaction, claims, type); !good) return good;
  const auto verdict = judge_state({}, claims, type, now);
  if (!user && verdict.error().code == Errc::account_gone) return fail(user.error());
  return verdict;
}

Result<void> Tokens::judge_state(const RefreshState& state, const Claims& claims, TokenType type,
                                 Time now) const {
  if (state.is_blacklisted && is_listed(type)) return is_blacklisted();
  if (auto words = codec_.check(claims, type)) return refused(*std::move(words));
  if (type == TokenType::sliding) {
    if (auto words = codec_.check_refresh_window(claims, now)) return refused(*std::move(words));
  }
  if (!state.is_active) return fail(Errc::account_gone);
  if (!settings_.check_revoke_token) return {};
  return check_revoked(claims, state.password);
}

Result<void> Tokens::check_revoked(const Claims& claims, std::string_view password) const {
  const auto claim = claims.find_text(codec_.settings().revoke_token_claim);
  if (!claim || !equal_constant_time(*claim, revoke_claim(password))) {
    return fail(Errc::password_changed);
  }
  return {};
}

UserIdClaim Tokens::id_claim(const User& user) const {
  if (settings_.user_id_field == "email") return UserIdClaim{std::string_view(user.email)};
  return UserIdClaim{user.id};
}

std::string Tokens::revoke_claim(std::string_view password) const {
  if (!settings_.check_revoke_token) return {};
  auto claim = hex(sha256(password));
  for (char& c : claim) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return claim;
}

}  // namespace easyjwt
