#include "easyjwt/auth/accounts.hpp"

#include <array>
#include <cstring>

#include "easyjwt/auth/event_store.hpp"
#include "easyjwt/auth/family_store.hpp"
#include "easyjwt/auth/token_store.hpp"
#include "easyjwt/core/unicode.hpp"
#include "easyjwt/core/waiting.hpp"
#include "easyjwt/user/session_store.hpp"

namespace easyjwt {

Accounts::Accounts(const AuthSettings& settings, db::Database& database, Hasher& hasher,
                   const PasswordValidators& validators, Clock clock, Log log)
    : settings_(settings),
      database_(database),
      hasher_(hasher),
      validators_(validators),
      clock_(std::move(clock)),
      log_(std::move(log)) {}

Result<User> Accounts::authenticate(std::string_view email, std::string_view password) {
  if (!may_wait()) return fail(Errc::would_wait);
  auto found = find_by_email(email);
  if (!found) return fail(found.error());
  if (!*found) {
    // As much work as for somebody's password; for one e-mail always the same somebody's, or the
    // spread of several tries would tell what one try does not.
    std::uint64_t pick = 0;
    const auto digest =
        sha256("nobody:" + std::string(settings_.secret.view()) + ":" + std::string(email));
    std::memcpy(&pick, digest.data(), sizeof pick);
    const auto sample = database_.read(
        [&](db::Transaction& transaction) { return UserStore(transaction).sample_password(pick); });
    if (!sample) return fail(sample.error());
    if (const auto done = hasher_.verify_nobody(password, *sample); !done) {
      return fail(done.error());
    }
    return fail(Errc::no_active_account, {}, "unknown e-mail");
  }
  User user = **std::move(found);
  const auto verdict = hasher_.verify(password, user.password);
  if (!verdict) return fail(verdict.error());
  if (!verdict->correct) return fail(Errc::no_active_account, {}, "wrong password");
  if (!user.is_active) return fail(Errc::no_active_account, {}, "inactive");
  if (verdict->outdated && !settings_.check_revoke_token) {
    // The login stands whether or not this works.
    if (auto encoding = hasher_.encode(password)) {
      if (const auto stored = store_password(user, *encoding, std::nullopt)) {
        user.password = *std::move(encoding);
      } else if (stored.error().code != Errc::conflict) {
        log_(LogLevel::warning, "a password could not be re-hashed",
             {{"reason", stored.error().reason}});
      }
    }
  }
  return user;
}

Result<User> Accounts::create(const NewUser& wanted, const Also& also) {
  if (!may_wait()) return fail(Errc::would_wait);
  auto encoding = hasher_.encode(wanted.password);
  if (!encoding) return fail(encoding.error());
  const auto now = clock_();
  User user;
  user.email = normalize_email(lower(wanted.email));
  user.password = wanted.is_verified ? *std::move(encoding) : unverified_password(*encoding);
  user.first_name = wanted.first_name;
  user.last_name = wanted.last_name;
  user.phone = wanted.phone;
  user.is_staff = wanted.is_staff;
  user.is_superuser = wanted.is_superuser;
  user.date_joined = user.modified_date = user.creation_date = now;
  const auto id = database_.write([&](db::Transaction& transaction) -> Result<std::int64_t> {
    UserStore users(transaction);
    const auto taken = users.email_taken(user.email);
    if (!taken) return fail(taken.error());
    if (*taken) return fail(Errc::conflict);
    const auto made = users.insert(user, now);
    if (!made || !also) return made;
    auto whole = user;
    whole.id = *made;
    if (auto done = also(transaction, whole); !done) return fail(done.error());
    return made;
  });
  if (!id) {
    if (id.error().code == Errc::conflict) {
      return fail(Error::field("email", {"This email already exists.", {}}));
    }
    return fail(id.error());
  }
  user.id = *id;
  return user;
}

std::vector<Text> Accounts::validate_password(std::string_view password, const User* user) const {
  if (user == nullptr) return validators_.validate(password, {});
  // UserAttributeSimilarityValidator's DEFAULT_USER_ATTRIBUTES without the username, which this
  // model does not have.
  const std::array<UserAttribute, 3> attributes{
      {{user->first_name, "The password is too similar to the first name."_t},
       {user->last_name, "The password is too similar to the last name."_t},
       {user->email, "The password is too similar to the email address."_t}}};
  return validators_.validate(password, attributes);
}

Result<void> Accounts::change_password(std::string_view email, std::string_view old_password,
                                       std::string_view new_password) {
  auto done = try_change_password(email, old_password, new_password);
  // What came in between may be a login's re-hash of the old password: that still proves it. After
  // another change it does not.
  if (!done && done.error().code == Errc::conflict) {
    done = try_change_password(email, old_password, new_password);
  }
  if (!done && done.error().code == Errc::conflict) {
    return fail(Error::non_field({"Invalid credentials.", {}}));
  }
  return done;
}

Result<void> Accounts::try_change_password(std::string_view email, std::string_view old_password,
                                           std::string_view new_password) {
  const auto user = authenticate(email, old_password);
  if (!user) {
    if (user.error().code == Errc::no_active_account) {
      return fail(Error::non_field({"Invalid credentials.", {}}));
    }
    return fail(user.error());
  }
  if (auto wrong = validate_password(new_password, &*user); !wrong.empty()) {
    Error error{Errc::validation_error};
    error.fields.push_back({"new_password", std::move(wrong)});
    return fail(std::move(error));
  }
  return set_password(*user, new_password);
}

Result<void> Accounts::set_password(const User& user, std::string_view new_password,
                                    const Also& also) {
  const auto encoding = hasher_.encode(new_password);
  if (!encoding) return fail(encoding.error());
  return store_password(user, *encoding, clock_(), also);
}

Result<void> Accounts::disable_password(const User& user, const Also& also) {
  return store_password(user, unusable_password(), clock_(), also);
}

Result<void> Accounts::store_password(const User& user, std::string_view encoding,
                                      std::optional<Time> modified, const Also& also) {
  return database_.write([&](db::Transaction& transaction) -> Result<void> {
    const auto stored =
        UserStore(transaction).set_password(user.id, user.password, encoding, modified);
    if (!stored) return fail(stored.error());
    if (!*stored) return fail(Errc::conflict, {}, "the password has changed in between");
    if (also) {
      if (auto done = also(transaction, user); !done) return done;
    }
    if (!modified || settings_.session_claim.empty()) return {};
    return FamilyStore(transaction).end_all(user.id, *modified).map(db::uncounted);
  });
}

Result<void> Accounts::end_logins(db::Transaction& transaction, const User& user) {
  const auto now = clock_();
  if (auto done = FamilyStore(transaction).end_all(user.id, now); !done) return fail(done.error());
  if (auto done = TokenStore(transaction).blacklist_of_user(user.id, now); !done) return done;
  // Access tokens are in no list: whoever follows the feed refuses those from before.
  EventStore events(transaction);
  const auto feed = events.feed();
  if (!feed) return fail(feed.error());
  if (*feed) {
    const auto done = events.add({.user_id = user.id,
                                  .email = user.email,
                                  .void_before = now.time_since_epoch().count(),
                                  .live_until = epoch_seconds(now) + 1 + (*feed)->token_life});
    if (!done) return done;
  }
  return SessionStore(transaction).remove_of_user(user.id).map(db::uncounted);
}

Result<bool> Accounts::verify(const User& user, std::string_view password) {
  const auto encoded = put_away_password(user.password);
  if (!encoded) return false;
  const auto verdict = hasher_.verify(password, *encoded);
  if (!verdict) return fail(verdict.error());
  if (!verdict->correct) return false;
  const std::string encoding(*encoded);
  const auto stored = store_password(user, encoding, clock_());
  if (stored) return true;
  if (stored.error().code == Errc::conflict) return false;
  return fail(stored.error());
}

Result<std::optional<User>> Accounts::find_by_email(std::string_view email) {
  return database_.read(
      [&](db::Transaction& transaction) { return UserStore(transaction).find_by_email(email); });
}

Result<std::optional<User>> Accounts::find_by_id(std::int64_t id) {
  return database_.read(
      [&](db::Transaction& transaction) { return UserStore(transaction).find_by_id(id); });
}

Result<bool> Accounts::email_taken(std::string_view email) {
  return database_.read(
      [&](db::Transaction& transaction) { return UserStore(transaction).email_taken(email); });
}

}  // namespace easyjwt
